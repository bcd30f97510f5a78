"""Commands about graphs that run nothing."""

from __future__ import annotations

from pathlib import Path

import click

from pypipeline_engine.cli.files import check_writable, write_atomically
from pypipeline_engine.cli.options import cells_option, graph_argument, output_option
from pypipeline_engine.resources import get_examples


@click.command()
@graph_argument
@cells_option
def validate(graph: str, libraries: tuple[str, ...]) -> None:
    """Check GRAPH, and list everything that is wrong with it.

    The exit code is 0 where it could run, and 2 otherwise.
    """
    from pypipeline_engine.cli.loading import open_graph
    from pypipeline_engine.numbers import counted

    opened = open_graph(graph, libraries)
    document = opened.get_document()
    opened.build()
    cells = [cell for _, cell in document.walk()]
    nb_connections = sum(len(body.connections) for body in (document, *cells))
    click.echo(f"{opened.path} is valid: {counted(len(cells), 'cell')}, {counted(nb_connections, 'connection')}")


@click.command()
@graph_argument
@click.option("--format", "form", type=click.Choice(["text", "mermaid", "svg"]), default="text", show_default=True)
@output_option
@cells_option
def show(graph: str, form: str, output: Path | None, libraries: tuple[str, ...]) -> None:
    """Draw GRAPH as text or as a picture.

    It tells the cells, their parameters and what is connected with what.
    """
    from pypipeline_engine.cli.loading import open_graph
    from pypipeline_engine.graph.diagram import to_listing, to_mermaid
    from pypipeline_engine.graph.svg import to_svg

    opened = open_graph(graph, libraries)
    draw = {"text": to_listing, "mermaid": to_mermaid, "svg": to_svg}[form]
    _put_out(draw(opened.get_document(), opened.catalogue), output)


@click.command()
@graph_argument
@output_option
@cells_option
def export(graph: str, output: Path | None, libraries: tuple[str, ...]) -> None:
    """Write GRAPH as a Python program.

    It runs without the graph file, and gives the same results.
    """
    from pypipeline_engine.cli.loading import open_graph
    from pypipeline_engine.graph.export import export as to_python

    opened = open_graph(graph, libraries)
    text = to_python(opened.get_document(), opened.catalogue, opened.folders, target=output, source=opened.path.name)
    _put_out(text, output)


def _put_out(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        check_writable(output, "--output")
        write_atomically(output, text, "--output")


@click.command()
def examples() -> None:
    """List the example graphs that ship, with their paths.

    `pypipeline run NAME` runs one of them.
    """
    found = get_examples()
    width = max(map(len, found), default=0)
    for name, path in found.items():
        click.echo(f"{name:{width}}  {path}")

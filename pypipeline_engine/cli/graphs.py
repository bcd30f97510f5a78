"""Finding the graph file that a command is about."""

from __future__ import annotations

from pathlib import Path

import click

from pypipeline_engine.cli.errors import CommandError
from pypipeline_engine.resources import get_examples

EXAMPLE_PREFIX = "example:"


def find_graph(argument: str) -> Path:
    """The graph file that `argument` means: a path, `example:NAME`, or where no such file exists the NAME of an example.

    :raises CommandError: if there is no such file.
    """
    examples = get_examples()
    if argument.startswith(EXAMPLE_PREFIX):
        name = argument.removeprefix(EXAMPLE_PREFIX)
        if name not in examples:
            raise CommandError(f"there is no example {name!r}; there are: {', '.join(examples)}")
        return examples[name]
    path = Path(argument)
    if path.is_dir():
        raise CommandError(f"{path} is a folder, and a graph file is expected")
    if path.exists():
        return path
    if argument in examples:
        click.echo(f"There is no file {argument!r} here: taking the example {examples[argument]}", err=True)
        return examples[argument]
    raise CommandError(f"there is no file {argument!r}, and no example of that name ({', '.join(examples)})")

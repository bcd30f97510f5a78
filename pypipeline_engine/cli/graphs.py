"""Finding the graph file that a command is about, and the examples that ship."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import click

from pypipeline_engine.cli.errors import CommandError

EXAMPLE_PREFIX = "example:"
_SOURCE_TREE = Path(__file__).parents[2] / "resources"


def get_examples() -> Mapping[str, Path]:
    """The example graphs that ship, by name."""
    try:
        resources = Path(str(files("pypipeline_resources")))
    except ModuleNotFoundError:  # run from a source tree that is not installed
        resources = _SOURCE_TREE
    return {path.stem: path for path in sorted((resources / "examples").glob("*.json"))}


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

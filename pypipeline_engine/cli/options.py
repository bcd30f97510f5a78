"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

graph_argument = click.argument("graph", metavar="GRAPH")
cells_option = click.option(
    "--cells",
    "libraries",
    multiple=True,
    metavar="FILE_OR_MODULE",
    help="Load your own cells from a Python file or an importable module. Repeatable.",
)
output_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to FILE instead of the standard output.",
)

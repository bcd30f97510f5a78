"""The commands."""

from __future__ import annotations

import click

from pypipeline_engine import __version__
from pypipeline_engine.cli.cells import cells
from pypipeline_engine.cli.compare import compare
from pypipeline_engine.cli.graph_commands import examples, export, show, validate
from pypipeline_engine.cli.host import host
from pypipeline_engine.cli.run import run
from pypipeline_engine.cli.tune import tune


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def app() -> None:
    """Run graphs of cells with pipeline parallelism, and look into them.

    GRAPH is a graph file, or the name of an example that ships; `pypipeline examples` lists those.
    """


for command in (run, tune, compare, validate, show, export, cells, examples, host):
    app.add_command(command)

"""The command line, `pypipeline`.

Exit codes: 0, 1 where a run failed, 2 for bad usage or a bad graph, 130 after Ctrl-C. Messages about a run go to the
standard error, so that the standard output is what the cells print.
"""

from __future__ import annotations


def main() -> None:
    """Run the command that the arguments of this process name, and exit with its code."""
    from pypipeline_engine.cli.app import app

    app(prog_name="pypipeline")

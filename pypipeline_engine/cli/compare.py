"""`pypipeline compare`: what is different between two recorded runs."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pypipeline_engine.cli.errors import CommandError

if TYPE_CHECKING:
    from pypipeline_engine.insight.comparison import Comparison
    from pypipeline_engine.insight.records import Record


def _check_finite(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("a number of seconds is expected.")
    return value


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
@click.option(
    "--warm-up",
    type=click.FloatRange(min=0),
    callback=_check_finite,
    metavar="SECONDS",
    help="Leave out so much of the start of each run, instead of what looks unlike the rest.",
)
def compare(before: Path, after: Path, as_json: bool, warm_up: float | None) -> None:
    """Compare two runs that `run --record` recorded.

    Cell by cell, each change is told with its noise: how much of it may be chance. What is larger is marked as real.
    """
    from pypipeline_engine.exceptions import RecordException
    from pypipeline_engine.insight.comparison import compare as compare_records
    from pypipeline_engine.insight.records import Record

    try:
        with Record(before) as one, Record(after) as other:
            comparison = compare_records(one, other, warm_up)
            if as_json:
                _print_json(comparison, one, other)
            else:
                _print_report(comparison, one, other)
    except RecordException as error:
        raise CommandError(str(error)) from error


def _print_json(comparison: Comparison, before: Record, after: Record) -> None:
    from pypipeline_engine.insight.comparison_data import comparison_as_data

    data = comparison_as_data(comparison, before, after)
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def _print_report(comparison: Comparison, before: Record, after: Record) -> None:
    from rich.console import Console

    from pypipeline_engine.cli.comparison_report import make_report

    is_terminal = sys.stdout.isatty()
    console = Console(highlight=False, width=None if is_terminal else 10_000)
    console.print(make_report(comparison, before, after))

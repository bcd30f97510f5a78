"""`pypipeline run`: a graph from its start to its end."""

from __future__ import annotations

import json
import logging
import math
import sys
import traceback
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pypipeline_engine.cli.errors import RUN_FAILED, CommandError, in_one_line
from pypipeline_engine.cli.files import check_writable, write_atomically
from pypipeline_engine.cli.interrupts import Interrupts
from pypipeline_engine.cli.monitoring import MonitorOptions, monitor_options, monitoring
from pypipeline_engine.cli.options import (
    cells_option,
    graph_argument,
    ray_address_option,
    ray_path_option,
    set_ray_cluster,
)
from pypipeline_engine.core.errors import get_item_of

if TYPE_CHECKING:
    from pypipeline_engine.cli.watch import Ending


def _check_finite(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("a number of seconds is expected.")
    return value


@click.command()
@graph_argument
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="CELL.PARAM=VALUE",
    help="Give a parameter another value, such as detect.stride=8. Repeatable.",
)
@click.option(
    "--scale",
    "scaling",
    multiple=True,
    metavar="CELL=N[:thread|ray]",
    help="Run a cell on N clones; 0 runs it inline. Repeatable.",
)
@cells_option
@click.option(
    "--output-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where relative paths of sinks lead, instead of the current folder.",
)
@click.option("--max-items", type=click.IntRange(min=1), metavar="N", help="Stop after N items.")
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    callback=_check_finite,
    metavar="SECONDS",
    help="Stop after so many seconds.",
)
@click.option(
    "--stats-json",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the statistics of the run to FILE when it is over.",
)
@click.option(
    "--record",
    "record",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Record the run into the new FILE, for `pypipeline compare`.",
)
@click.option(
    "--record-interval",
    type=click.FloatRange(min=0.1),
    callback=_check_finite,
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often a sample is recorded.",
)
@monitor_options
@ray_address_option
@ray_path_option
@click.option("--traceback", "shows_traceback", is_flag=True, help="Where the run fails, show where in the code.")
def run(
    graph: str,
    assignments: tuple[str, ...],
    scaling: tuple[str, ...],
    libraries: tuple[str, ...],
    output_dir: Path,
    max_items: int | None,
    duration: float | None,
    stats_json: Path | None,
    record: Path | None,
    record_interval: float,
    ray_address: str | None,
    ray_paths: tuple[str, ...],
    shows_traceback: bool,
    **monitor: Any,
) -> None:
    """Run GRAPH until its stream ends.

    Ctrl-C stops it cleanly: the files that sinks have written so far are complete. A second Ctrl-C leaves at once. The exit
    code is 1 where the run failed, 2 where the graph or the usage is wrong, and 130 after Ctrl-C.
    """
    from pypipeline_engine.cli.loading import open_graph
    from pypipeline_engine.cli.overrides import Overrides
    from pypipeline_engine.cli.recording import check_recordable, open_recording
    from pypipeline_engine.cli.watch import Limits, watch
    from pypipeline_engine.exceptions import NotDeployableException

    if stats_json is not None:
        check_writable(stats_json, "--stats-json")
    if record is not None:
        check_recordable(record)
    monitor_asked = MonitorOptions(**monitor)
    monitor_asked.check()
    set_ray_cluster(ray_address, ray_paths)
    _log_to_stderr()
    with Interrupts() as interrupts:
        opened = open_graph(graph, libraries, output_dir, Overrides(assignments, scaling))
        pipeline = opened.build()
        if interrupts.exit_code is not None:
            sys.exit(interrupts.exit_code)
        recorded = (
            open_recording(record, opened, pipeline, assignments, scaling, record_interval) if record else nullcontext()
        )
        try:
            with recorded as recording, monitoring(monitor_asked, opened, pipeline, interrupts) as served:
                ending = watch(pipeline, Limits(max_items, duration), interrupts, recording, served)
        except CommandError:
            raise
        except NotDeployableException as error:
            raise CommandError(f"{graph} cannot be run: {error}") from error
        except Exception as error:
            _report_failure(pipeline.get_name(), error, shows_traceback)
            sys.exit(interrupts.exit_code or RUN_FAILED)
        _report(ending, stats_json)
    if ending.error is not None:
        _report_failure(ending.moment.name, ending.error, shows_traceback)
    sys.exit(ending.exit_code)


class _Lines(logging.Formatter):
    """What is logged as news is a message of its own; of what may be wrong it is said who says so."""

    def format(self, record: logging.LogRecord) -> str:
        return record.getMessage() if record.levelno == logging.INFO else super().format(record)


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("pypipeline.ray").setLevel(logging.INFO)  # that it starts, which takes some seconds


def _report(ending: Ending, stats_json: Path | None) -> None:
    from pypipeline_engine.cli.summary import print_summary
    from pypipeline_engine.insight import statistics_as_data

    print_summary(ending.moment, ending.words, ending.advice)
    if stats_json is not None:
        data = {
            "name": ending.moment.name,
            "state": ending.moment.state,
            "error": None if ending.error is None else in_one_line(ending.error),
            **statistics_as_data(ending.moment.statistics, ending.advice),
        }
        text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
        write_atomically(stats_json, text + "\n", "--stats-json")


def _report_failure(name: str, error: Exception, shows_traceback: bool) -> None:
    """Say which cell failed with what, and at which item; the engine notes the cell's full name at the error."""
    notes = [note for note in getattr(error, "__notes__", ()) if note.startswith("in ")]
    place = f" {notes[0]}" if notes else ""
    item = get_item_of(error)
    if item is not None:
        place += f" at item {item}"
    if shows_traceback:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    click.echo(f"Error: {name} failed{place}: {in_one_line(error)}", err=True)
    if not shows_traceback:
        click.echo("Run it with --traceback to see where in the code that was.", err=True)

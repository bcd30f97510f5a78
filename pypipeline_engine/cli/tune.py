"""`pypipeline tune`: the numbers of clones with which a graph is fastest, or reaches a rate with the least."""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from pypipeline_engine.cli.errors import OK, RUN_FAILED, CommandError
from pypipeline_engine.cli.files import check_writable, write_atomically
from pypipeline_engine.cli.interrupts import Interrupts
from pypipeline_engine.cli.options import (
    cells_option,
    graph_argument,
    ray_address_option,
    ray_path_option,
    set_ray_cluster,
)

if TYPE_CHECKING:
    from pypipeline_engine.cell import Pipeline
    from pypipeline_engine.cli.loading import Graph
    from pypipeline_engine.cli.tuning_display import TuningDisplay
    from pypipeline_engine.insight.proposals import Facts
    from pypipeline_engine.insight.tuning import Tuned

METHODS = ("thread", "ray")
NO_METHODS = "none"
LEAST_MOST_CLONES = 8
"""Clones that wait for something else than a core, such as a server, may be more than there are cores."""


class CannotTuneError(CommandError):
    """The graph does not even run as it is."""

    exit_code = RUN_FAILED


def _check_finite(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("a finite number is expected.")
    return value


def _split_methods(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    if value.strip() == NO_METHODS:
        return ()
    methods = tuple(dict.fromkeys(part.strip() for part in value.split(",")))
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise click.BadParameter(
            f"{' or '.join(METHODS)}, or both with a comma, or {NO_METHODS} is expected, not {unknown[0]!r}."
        )
    return methods


@click.command()
@graph_argument
@click.option(
    "--target-rate",
    "target_hz",
    type=click.FloatRange(min=0, min_open=True),
    callback=_check_finite,
    metavar="HZ",
    help="Find the least that delivers so many items per second, instead of the most throughput.",
)
@click.option(
    "--budget",
    "budget_s",
    type=click.FloatRange(min=1),
    callback=_check_finite,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to search.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the graph with the clones that were found to FILE.",
)
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="FILE", help="Write what was tried and found to FILE as well."
)
@click.option("--json", "as_json", is_flag=True, help="Make the report JSON, for programs.")
@click.option(
    "--json-lines",
    is_flag=True,
    help="For programs that show the search: write each step as a line of JSON to the standard output, at last the result, "
    "and stop as with Ctrl-C when the standard input ends.",
)
@click.option(
    "--input-dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="What relative paths of files to be read are relative to, instead of the folder of GRAPH.",
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="CELL.PARAM=VALUE",
    help="Give a parameter another value while tuning. Repeatable.",
)
@cells_option
@click.option(
    "--max-clones",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="At most so many clones of a cell. By default twice the cores of this machine, and at least 8.",
)
@click.option(
    "--methods",
    callback=_split_methods,
    metavar="thread,ray",
    help="Which kinds of clones may be added, or none. By default threads, and Ray where it is installed.",
)
@click.option("--no-queues", is_flag=True, help="Leave the lengths of queues as they are.")
@ray_address_option
@ray_path_option
def tune(
    graph: str,
    target_hz: float | None,
    budget_s: float,
    output: Path | None,
    report: Path | None,
    as_json: bool,
    json_lines: bool,
    input_dir: Path | None,
    assignments: tuple[str, ...],
    libraries: tuple[str, ...],
    max_clones: int | None,
    methods: tuple[str, ...] | None,
    no_queues: bool,
    ray_address: str | None,
    ray_paths: tuple[str, ...],
) -> None:
    """Find out how many clones each cell of GRAPH should have.

    Runs GRAPH again and again, each time with other clones, and keeps what makes it faster by more than the noise. Sinks
    write to a temporary folder meanwhile, and what cells print is dropped. GRAPH itself is not changed.

    Ctrl-C keeps the best that was found until then; the exit code is 130. Where a target rate is not reached, the best is
    kept as well, and the exit code is 1.
    """
    from pypipeline_engine.cli.loading import open_graph
    from pypipeline_engine.cli.overrides import Overrides
    from pypipeline_engine.cli.tuning_display import TuningDisplay
    from pypipeline_engine.cli.tuning_lines import LinesDisplay, StopWithInput, result_line
    from pypipeline_engine.cli.tuning_report import Report

    for path, option in ((output, "--output"), (report, "--report")):
        if path is not None:
            check_writable(path, option)
    set_ray_cluster(ray_address, ray_paths)
    with Interrupts() as interrupts, StopWithInput() if json_lines else nullcontext():
        original = open_graph(graph, libraries, input_dir=input_dir)
        original.get_document()
        overrides = Overrides(assignments) if assignments else None
        opened = open_graph(graph, libraries, overrides=overrides, input_dir=input_dir) if overrides else original
        facts = replace(_find_facts(opened.build(), methods, max_clones, target_hz), changes_queues=not no_queues)
        tuned = _search(opened, facts, budget_s, interrupts, LinesDisplay() if json_lines else TuningDisplay())
        if output is not None:
            _write_graph(original, tuned, output)
        written = Report(graph, original.get_document().name, output, facts, tuned)
        text = written.as_json() if as_json else written.as_text()
        click.echo(result_line(tuned, facts) if json_lines else text, nl=False)
        if report is not None:
            write_atomically(report, text, "--report")
    sys.exit(interrupts.exit_code or (OK if tuned.is_reached else RUN_FAILED))


def _find_facts(
    pipeline: Pipeline, methods: tuple[str, ...] | None, max_clones: int | None, target_hz: float | None
) -> Facts:
    from pypipeline_engine.insight.measuring import count_cores, find_most_clones
    from pypipeline_engine.insight.proposals import Facts
    from pypipeline_engine.insight.structure import get_sources, get_structure
    from pypipeline_engine.runtime.remote.cluster import NOT_INSTALLED, is_installed

    if methods is None:
        methods = METHODS if is_installed() else ("thread",)
    elif "ray" in methods and not is_installed():
        raise CommandError(f"--methods: {NOT_INSTALLED}")
    cores = count_cores()
    most = max(2 * cores, LEAST_MOST_CLONES) if max_clones is None else max_clones
    return Facts(
        find_most_clones(pipeline, most), cores, tuple(get_sources(get_structure(pipeline))), methods, target_hz
    )


def _search(opened: Graph, facts: Facts, budget_s: float, interrupts: Interrupts, display: TuningDisplay) -> Tuned:
    """Search, and show it. Nothing but what is shown gets onto the terminal meanwhile.

    :raises CommandError: if the graph does not even run as it is.
    """
    from pypipeline_engine.insight.measuring import GraphMeasurer
    from pypipeline_engine.insight.settings import setting_of
    from pypipeline_engine.insight.tuning import RefusedException, StopAsked, Tuner

    document = opened.get_document()
    start = {name: clones for name, clones in setting_of(document).items() if name in facts.most_clones}
    with tempfile.TemporaryDirectory(prefix="pypipeline-tune-", ignore_cleanup_errors=True) as scratch:
        measurer = GraphMeasurer(document, opened.catalogue, opened.folders.inputs, Path(scratch))
        interrupts.stop_with(measurer.stop)
        with display:

            def leave(_: str) -> None:
                shutil.rmtree(scratch, ignore_errors=True)
                display.abandon("\nleft at once: nothing was written\n")

            usual_way, interrupts.last_words = interrupts.last_words, leave
            display.begin(document.name, facts, budget_s)
            try:
                return Tuner(start, facts, measurer, display, budget_s, monotonic).run()
            except RefusedException as error:
                raise CannotTuneError(f"{opened.path} cannot be tuned. As it is, {error}") from error
            except StopAsked:
                display.abandon("stopped before anything was measured\n")
                sys.exit(interrupts.exit_code or RUN_FAILED)
            finally:
                interrupts.last_words = usual_way


def _write_graph(original: Graph, tuned: Tuned, output: Path) -> None:
    """The graph as it was, with other clones."""
    from pypipeline_engine.graph.paths import inputs_as_seen_from
    from pypipeline_engine.graph.writer import to_text
    from pypipeline_engine.insight.settings import with_setting

    found = with_setting(original.get_document(), tuned.after.setting)
    moved = inputs_as_seen_from(found, original.catalogue, original.folders.inputs, output.absolute().parent)
    if moved != found:
        click.echo(
            f"{output} is in another folder than {original.path}: paths of files to be read are adapted", err=True
        )
    write_atomically(output, to_text(moved), "--output")

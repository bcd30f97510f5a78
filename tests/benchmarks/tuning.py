"""What `pypipeline tune` finds, beside the best of all settings of a small grid.

    python tests/benchmarks/tuning.py                    # some minutes
    python tests/benchmarks/tuning.py --quick            # tiny: whether it runs, and no figure that means anything
    python tests/benchmarks/tuning.py --graph nested --cell poly=0,1,2,4,8

Every setting of the grid is measured in each round, in the same order, so that a machine whose speed drifts is fair to all.
The best of them and what tuning found are then measured by turns; the ratio is the median over these turns. Tuning does not
know the grid, and may find what is not in it.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from itertools import product
from pathlib import Path
from time import monotonic

import click

from pypipeline_engine.cli.loading import open_graph
from pypipeline_engine.cli.tuning_display import step_text
from pypipeline_engine.insight.measuring import GraphMeasurer, count_cores, find_most_clones
from pypipeline_engine.insight.proposals import Facts
from pypipeline_engine.insight.settings import INLINE, Clones, Setting, describe_setting, setting_of
from pypipeline_engine.insight.structure import get_sources, get_structure
from pypipeline_engine.insight.tuning import Step, Tuner
from pypipeline_engine.numbers import rate

GOAL = 0.95
GRID = ("detect=0,1,2,3,4", "people=0,1", "video=0,1")
"""Of people_tracking, the cells that take more than a hundredth of the time."""


class Lines:
    """Shows the steps of the search."""

    def trying(self, change: str, predicted_hz: float | None) -> None: ...

    def done(self, step: Step) -> None:
        click.echo(step_text(step), err=True)


def read_grid(texts: tuple[str, ...], start: Setting) -> list[dict[str, Clones]]:
    """All settings that `cell=0,1,2` of several cells allow."""
    numbers = {}
    for text in texts:
        name, _, amounts = text.partition("=")
        if name not in start or not all(amount.isdigit() for amount in amounts.split(",")):
            raise click.UsageError(f"--cell expects CELL=N,N,N with a cell of the graph, not {text!r}")
        numbers[name] = [int(amount) for amount in amounts.split(",")]
    plain = dict.fromkeys(start, INLINE)
    return [
        plain | {name: Clones(number) for name, number in zip(numbers, choice, strict=True)}
        for choice in product(*numbers.values())
    ]


@click.command(help=__doc__)
@click.option("--graph", default="people_tracking", show_default=True, help="A graph file or the name of an example.")
@click.option("--cell", "cells", multiple=True, metavar="CELL=N,N,N", help="The threads to try for a cell. Repeatable.")
@click.option("--budget", "budget_s", default=60.0, show_default=True, help="Seconds for tuning.")
@click.option("--rounds", "nb_rounds", default=2, show_default=True, help="How often the grid is measured.")
@click.option("--turns", "nb_turns", default=5, show_default=True, help="How often the two best are measured.")
@click.option("--quick", "is_quick", is_flag=True, help="Two settings, for some tenths of a second each.")
def main(graph: str, cells: tuple[str, ...], budget_s: float, nb_rounds: int, nb_turns: int, is_quick: bool) -> None:
    opened = open_graph(graph)
    pipeline = opened.build()
    facts = Facts(find_most_clones(pipeline, 8), count_cores(), tuple(get_sources(get_structure(pipeline))))
    start = {name: clones for name, clones in setting_of(opened.get_document()).items() if name in facts.most_clones}
    grid = read_grid(cells or GRID, start)
    seconds = 5.0
    if is_quick:
        grid, budget_s, nb_rounds, nb_turns, seconds = [grid[0], grid[-1]], 2.0, 1, 1, 0.3
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        measurer = GraphMeasurer(opened.get_document(), opened.catalogue, opened.folders.inputs, Path(scratch))
        tuned = Tuner(start, facts, measurer, Lines(), budget_s, monotonic).run()
        rates: list[list[float]] = [[] for _ in grid]
        for _ in range(nb_rounds):
            for setting, measured in zip(grid, rates, strict=True):
                measured.append(measurer(setting, seconds).rate_hz)
                click.echo(f"    {describe_setting(setting)}: {rate(measured[-1])}", err=True)
        best = grid[max(range(len(grid)), key=lambda index: statistics.median(rates[index]))]
        pairs = [
            (measurer(tuned.after.setting, seconds).rate_hz, measurer(best, seconds).rate_hz) for _ in range(nb_turns)
        ]
    click.echo(f"{'rate':>9}  setting")
    for setting, measured in sorted(zip(grid, rates, strict=True), key=lambda pair: -statistics.median(pair[1])):
        click.echo(f"{rate(statistics.median(measured)):>9}  {describe_setting(setting)}")
    ratios = [found_hz / best_hz for found_hz, best_hz in pairs]
    ratio = statistics.median(ratios)
    click.echo(f"\n{'by turns':>9}")
    click.echo(f"{rate(statistics.median(hz for _, hz in pairs)):>9}  best of the grid: {describe_setting(best)}")
    click.echo(f"{rate(statistics.median(hz for hz, _ in pairs)):>9}  tuned: {describe_setting(tuned.after.setting)}")
    click.echo(
        f"The tuned graph is {ratio:.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f}); the goal is {GOAL}."
    )
    if load > 0.5:
        click.echo(f"Others used this machine (its load was {load:.1f}): rates are low, and ratios uncertain.")
    sys.exit(0 if is_quick or ratio >= GOAL else 1)


if __name__ == "__main__":
    main()

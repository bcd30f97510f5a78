"""What is said about a run when it is over."""

from __future__ import annotations

import sys
from collections import Counter

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pypipeline_engine.cli.display import Moment, workers_text
from pypipeline_engine.core.counters import Statistics
from pypipeline_engine.insight import Advice, Bottleneck
from pypipeline_engine.numbers import count, counted, duration, elapsed, rate, share

_NEVER_FOLDED = 10_000
"""Columns of a console that is no terminal."""


def print_summary(moment: Moment, ending: str, advice: Advice | None) -> None:
    """Write the figures of every cell, the limit, and what went wrong with single items, to the standard error.

    :param ending: how the run ended, such as `ended` or `stopped by Ctrl-C`.
    """
    statistics = moment.statistics
    delivered = (
        f"{counted(statistics.sink_items, 'item')} in {elapsed(statistics.elapsed_s)}, {rate(statistics.sink_rate_hz)}"
    )
    parts: list[RenderableType] = [
        Text(f"{moment.name} {ending}: {delivered}", style="bold"),
        _table(statistics, None if advice is None else advice.bottleneck),
    ]
    if advice is not None:
        parts.append(Text(advice.paragraph))
    parts += [Text(line) for line in _explain_dead_letters(statistics)]
    _console().print(Group(*parts))


def _console() -> Console:
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _NEVER_FOLDED)


def _table(statistics: Statistics, bottleneck: Bottleneck | None) -> Table:
    limits = bottleneck.cells if bottleneck is not None else ()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", width=1)
    table.add_column("cell", overflow="fold")
    table.add_column("runs as", no_wrap=True)
    for heading in ("items", "skipped", "errors", "rate", "busy", "p50", "p95"):
        table.add_column(heading, justify="right", no_wrap=True)
    for cell in statistics.cells:
        is_limit = cell.name in limits
        table.add_row(
            "▶" if is_limit else "",
            Text(cell.name),
            workers_text(cell),
            count(cell.items),
            count(cell.skipped),
            count(cell.errors),
            rate(statistics.rate_hz(cell)),
            share(cell.busy),
            duration(cell.latency_s(0.5)),
            duration(cell.latency_s(0.95)),
            style="bold yellow" if is_limit else "",
        )
    return table


def _explain_dead_letters(statistics: Statistics) -> list[str]:
    """One line for each kind of error that items were skipped for, with the latest of them."""
    letters = statistics.dead_letters
    numbers = Counter((letter.cell, letter.error) for letter in letters)
    latest = {(letter.cell, letter.error): letter.item for letter in letters}
    return [
        f"{cell} skipped {counted(number, 'item')}, the last one number "
        f"{count(latest[cell, error])}: {' '.join(error.split())}"
        for (cell, error), number in numbers.most_common(5)
    ]

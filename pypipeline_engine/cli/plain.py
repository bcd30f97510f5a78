"""A run as plain lines, for files and pipes."""

from __future__ import annotations

import os

import click

from pypipeline_engine.cli.display import Explain, Moment
from pypipeline_engine.core.counters import Statistics
from pypipeline_engine.numbers import count, counted, elapsed, rate, share


class PlainDisplay:
    """One line on the standard error every few seconds. Lines are never folded."""

    tick_s = 5.0

    def __init__(self, explain: Explain) -> None:
        """:param explain: says what limits the pipeline."""
        self._explain = explain
        self._before: Statistics | None = None

    def show(self, moment: Moment) -> None:
        """Write a line about the time since the last one."""
        now = moment.statistics
        window = now if self._before is None else now.since(self._before)
        self._before = now
        done = "" if moment.nb_items is None else f"{count(now.sink_items)} of "
        parts = [
            f"{moment.name} {moment.state}",
            elapsed(now.elapsed_s),
            done + counted(now.sink_items if moment.nb_items is None else moment.nb_items, "item"),
            rate(window.sink_rate_hz),
        ]
        errors = sum(cell.errors for cell in now.cells)
        if errors:
            parts.append(counted(errors, "error"))
        advice = self._explain(window)
        bottleneck = None if advice is None else advice.bottleneck
        if bottleneck is not None and bottleneck.stations:
            names = ", ".join(bottleneck.cells)
            parts.append(f"limit: {names}, busy {share(bottleneck.utilisation)}")
        click.echo("  ".join(parts), err=True)

    def close(self) -> None:
        """Nothing is left to do."""

    def abandon(self, message: str) -> None:
        """Write `message`."""
        os.write(2, message.encode())

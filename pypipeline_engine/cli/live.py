"""A run as a live table, for terminals."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Collection

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pypipeline_engine.cli.display import Explain, Moment, SlidingWindow, queue_text, workers_text
from pypipeline_engine.cli.streams import CapturedStreams
from pypipeline_engine.core.counters import CellStatistics, Statistics
from pypipeline_engine.numbers import count, counted, duration, elapsed, rate, share

_BAR_WIDTH = 16
_LINES_AROUND = 6
"""Title, head of the table, legend, limit and progress, and the line below that the cursor stands on."""
_SHOW_CURSOR = b"\x1b[?25h"


class LiveDisplay:
    """Redraws one table in place, and writes what cells and libraries print above it."""

    tick_s = 0.25

    def __init__(self, explain: Explain) -> None:
        """:param explain: says what limits the pipeline."""
        self._explain = explain
        self._window = SlidingWindow()
        self._terminal = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding, errors="replace")
        self._console = Console(file=self._terminal, force_terminal=True, highlight=False)
        # The standard output is data where it goes elsewhere, and is left alone then.
        descriptors = [stream.fileno() for stream in (sys.stdout, sys.stderr) if stream.isatty()]
        self._captured = CapturedStreams(descriptors, self._print_above)
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            transient=True,
            vertical_overflow="crop",
        )
        self._live.start()

    def _print_above(self, line: str) -> None:
        self._console.print(Text.from_ansi(line), soft_wrap=True)

    def show(self, moment: Moment) -> None:
        """Redraw the table."""
        self._live.update(self._render(moment, self._window.add(moment.statistics)), refresh=True)

    def close(self) -> None:
        """Take the table away and give the standard streams back."""
        if self._terminal.closed:
            return
        self._live.stop()
        self._captured.close()
        self._terminal.close()

    def abandon(self, message: str) -> None:
        """Make the cursor visible again, and write `message` below the table."""
        with contextlib.suppress(OSError, ValueError):
            os.write(self._terminal.fileno(), _SHOW_CURSOR + message.encode())

    def _render(self, moment: Moment, window: Statistics) -> RenderableType:
        total = moment.statistics
        advice = self._explain(window)
        limits = set(advice.bottleneck.cells) if advice is not None else set()
        title = Text.assemble(
            (moment.name, "bold"),
            f"  {moment.state}  {elapsed(total.elapsed_s)}  ",
            (rate(window.sink_rate_hz), "bold"),
        )
        parts: list[RenderableType] = [title, self._table(window, total, limits), _LEGEND]
        parts.append(Text(advice.sentence, no_wrap=True, overflow="ellipsis") if advice is not None else Text())
        parts.append(_progress(moment))
        return Group(*parts)

    def _table(self, window: Statistics, total: Statistics, limits: Collection[str]) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("", width=1)
        table.add_column("cell", min_width=12, no_wrap=True, overflow="ellipsis")
        table.add_column("runs as", no_wrap=True, min_width=9)
        table.add_column("rate", justify="right", no_wrap=True, min_width=8)
        table.add_column("busy", no_wrap=True, width=_BAR_WIDTH)
        table.add_column("", justify="right", no_wrap=True, width=5)
        table.add_column("queue", justify="right", no_wrap=True, min_width=5)
        table.add_column("p95", justify="right", no_wrap=True, min_width=7)
        table.add_column("errors", justify="right", no_wrap=True, min_width=6)
        room = max(1, self._console.height - _LINES_AROUND)
        for cell in _most_loaded(window.cells, room):
            is_limit = cell.name in limits
            errors = total.get_cell(cell.name).errors
            table.add_row(
                "▶" if is_limit else "",
                cell.name,
                workers_text(cell),
                rate(window.rate_hz(cell)),
                _bar(cell, is_limit),
                share(cell.busy),
                queue_text(cell),
                duration(cell.latency_s(0.95)),
                Text(count(errors), style="bold red" if errors else "dim"),
                style="bold yellow" if is_limit else "",
            )
        if len(window.cells) > room:
            table.add_row("", Text(f"and {len(window.cells) - room + 1} less busy ones", style="dim"))
        return table


_LEGEND = Text(
    "▶ limit   █ busy   · waits for input   / waits for room", style="dim", no_wrap=True, overflow="ellipsis"
)


def _most_loaded(cells: tuple[CellStatistics, ...], room: int) -> list[CellStatistics]:
    """The cells in their order, and where there is no room for all, the busiest of them with a line left for a note."""
    if len(cells) <= room:
        return list(cells)
    busiest = sorted(cells, key=lambda cell: cell.busy, reverse=True)[: max(1, room - 1)]
    return [cell for cell in cells if cell in busiest]


def _bar(cell: CellStatistics, is_limit: bool) -> Text:
    """The time of a cell's workers: busy, starved and blocked, which fill the bar."""
    busy = round(cell.busy * _BAR_WIDTH)
    starved = min(_BAR_WIDTH - busy, round(cell.starved * _BAR_WIDTH))
    blocked = _BAR_WIDTH - busy - starved if cell.wall_s > 0 else 0
    return Text.assemble(
        ("█" * busy, "yellow" if is_limit else "blue"), ("·" * starved, "dim"), ("/" * blocked, "magenta")
    )


def _progress(moment: Moment) -> RenderableType:
    done, total = moment.statistics.sink_items, moment.nb_items
    if total is None:
        return Text(counted(done, "item"))
    hz = moment.statistics.sink_rate_hz
    left = f"{elapsed((total - done) / hz)} left" if hz > 0 and done < total else ""
    row = Table.grid(padding=(0, 2, 0, 0))
    row.add_row(
        ProgressBar(total=max(total, 1), completed=done, width=40),
        f"{count(done)} of {counted(total, 'item')}",
        share(done / total) if total else "",
        left,
    )
    return row

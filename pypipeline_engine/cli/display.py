"""What the displays of a run have in common: what they are told, and the window that they show."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pypipeline_engine.core.counters import CellStatistics, Statistics
from pypipeline_engine.insight.advice import Advice
from pypipeline_engine.numbers import UNKNOWN


@dataclass(frozen=True)
class Moment:
    """A run as it is right now."""

    name: str
    state: str
    statistics: Statistics
    """From the start of the run on."""
    nb_items: int | None
    """How many items the run will deliver, where that is known."""


Explain: TypeAlias = Callable[[Statistics], Advice | None]
"""Says what limited the pipeline in a window that ends now."""


class Display(Protocol):
    """Shows a run while it goes on. Used by one thread."""

    tick_s: float
    """How often it wants to be told."""

    def show(self, moment: Moment) -> None:
        """Show the run as it is now."""

    def close(self) -> None:
        """Leave the terminal as it was. May be called twice."""

    def abandon(self, message: str) -> None:
        """The same in a hurry, from a signal handler, before the process ends, with last words for the user."""


class SlidingWindow:
    """The statistics of the latest while: a second, or as long as it takes to deliver a few items.

    The rate of a slow pipeline would jump from one look to the next otherwise.
    """

    def __init__(self, span_s: float = 1.0, min_items: int = 10, max_span_s: float = 10.0) -> None:
        """Look back `span_s` seconds, and until `min_items` were delivered, but not further than `max_span_s`."""
        self._span_s = span_s
        self._min_items = min_items
        self._max_span_s = max_span_s
        self._snapshots: deque[Statistics] = deque()

    def add(self, now: Statistics) -> Statistics:
        """What happened in the window that ends with `now`; everything since the start where that is shorter."""
        snapshots = self._snapshots
        while len(snapshots) > 1 and self._is_enough(now, snapshots[1]):
            snapshots.popleft()
        window = now.since(snapshots[0]) if snapshots else now
        snapshots.append(now)
        return window

    def _is_enough(self, now: Statistics, earlier: Statistics) -> bool:
        age_s = now.elapsed_s - earlier.elapsed_s
        return age_s >= self._max_span_s or (
            age_s >= self._span_s and now.sink_items - earlier.sink_items >= self._min_items
        )


def workers_text(cell: CellStatistics) -> str:
    """How a cell runs: `inline`, `2 threads`, `1 process`."""
    if cell.method == "inline":
        return "inline"
    worker, workers = {"thread": ("thread", "threads"), "ray": ("process", "processes")}.get(
        cell.method, ("clone", "clones")
    )
    return f"{cell.workers} {worker if cell.workers == 1 else workers}"


def queue_text(cell: CellStatistics) -> str:
    """How full the queue of a cell is: `7/8`."""
    if cell.queued is None:
        return UNKNOWN
    return str(cell.queued) if cell.queue_capacity is None else f"{cell.queued}/{cell.queue_capacity}"

"""What a running pipeline counts, and frozen snapshots of it.

Guarantees: each `Counters` object has one writer at a time, who needs no lock; readers may look at any time and see every
field at some recent value. Snapshots never change and may be passed between threads.

Times of very short pulls are sampled: a sample that stands for n pulls is added with weight n, so that sums of seconds
estimate the totals. Counts are exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Self

BUCKETS_PER_OCTAVE = 8
"""Latencies are kept in buckets that are 9 % wide, so a quantile is within 5 % of the true value."""
_SMALLEST_S = 1e-9
_NB_BUCKETS = 40 * BUCKETS_PER_OCTAVE
_NUMBERS = ("runs", "lost", "skipped", "errors", "retries", "busy_s", "starved_s", "cpu_s")
_get_numbers = attrgetter(*_NUMBERS)


def bucket_of(seconds: float) -> int:
    """The histogram bucket of a duration."""
    if seconds <= _SMALLEST_S:
        return 0
    return min(int(math.log2(seconds / _SMALLEST_S) * BUCKETS_PER_OCTAVE), _NB_BUCKETS - 1)


def middle_of(bucket: int) -> float:
    """The duration in seconds that stands for a bucket: its geometric middle."""
    return float(_SMALLEST_S * 2.0 ** ((bucket + 0.5) / BUCKETS_PER_OCTAVE))


class Counters:
    """What one worker counts about one cell."""

    __slots__ = (*_NUMBERS, "latencies")

    def __init__(self) -> None:
        self.runs = 0
        self.lost = 0
        self.skipped = 0
        self.errors = 0
        self.retries = 0
        self.busy_s = 0.0
        self.starved_s = 0.0
        self.cpu_s = 0.0
        self.latencies: dict[int, int] = {}

    def add_sample(self, busy_s: float, starved_s: float, cpu_s: float, weight: int) -> None:
        """Count the times of one pull that stands for `weight` pulls."""
        self.busy_s += busy_s * weight
        self.starved_s += starved_s * weight
        self.cpu_s += cpu_s * weight
        bucket = bucket_of(busy_s)
        self.latencies[bucket] = self.latencies.get(bucket, 0) + weight

    def as_tuple(self) -> tuple[Any, ...]:
        """All that was counted, for another process, as it is now."""
        return (*_get_numbers(self), self.latencies.copy())

    @classmethod
    def from_tuple(cls, counted: tuple[Any, ...]) -> Self:
        """The counters that `as_tuple` was asked of."""
        counters = cls()
        *numbers, latencies = counted
        for name, value in zip(_NUMBERS, numbers, strict=True):
            setattr(counters, name, value)
        counters.latencies = latencies
        return counters

    def add(self, other: Counters) -> None:
        """Count in what another worker counted, which has ended."""
        self.runs += other.runs
        self.lost += other.lost
        self.skipped += other.skipped
        self.errors += other.errors
        self.retries += other.retries
        self.busy_s += other.busy_s
        self.starved_s += other.starved_s
        self.cpu_s += other.cpu_s
        for bucket, count in other.latencies.copy().items():  # at once, while its writer goes on
            self.latencies[bucket] = self.latencies.get(bucket, 0) + count


def quantile(latencies: Mapping[int, int], share: float) -> float | None:
    """The duration in seconds below which `share` of the pulls stay; `None` where nothing was measured."""
    total = sum(latencies.values())
    if total <= 0:
        return None
    wanted = share * total
    seen = 0
    for bucket in sorted(latencies):
        seen += latencies[bucket]
        if seen >= wanted:
            return middle_of(bucket)
    return middle_of(max(latencies))


@dataclass(frozen=True)
class CloneStatistics:
    """What one clone of a scaled cell has done about one cell. `busy_s`, `starved_s` and `blocked_s` add up to `wall_s`."""

    name: str
    """Such as `#2`; of a clone within a clone `#2 #1`. A clone that comes later has another name."""
    method: str
    """`thread` or `ray`."""
    runs: int
    lost: int
    errors: int
    wall_s: float
    busy_s: float
    starved_s: float
    cpu_s: float

    @property
    def blocked_s(self) -> float:
        """Seconds spent waiting for whoever comes behind."""
        return max(0.0, self.wall_s - self.busy_s - self.starved_s)

    def since(self, earlier: CloneStatistics) -> CloneStatistics:
        """What happened between `earlier` and this moment."""
        return replace(
            self,
            runs=self.runs - earlier.runs,
            lost=self.lost - earlier.lost,
            errors=self.errors - earlier.errors,
            wall_s=self.wall_s - earlier.wall_s,
            busy_s=self.busy_s - earlier.busy_s,
            starved_s=self.starved_s - earlier.starved_s,
            cpu_s=min(self.cpu_s - earlier.cpu_s, self.busy_s - earlier.busy_s),  # which is read less often
        )


@dataclass(frozen=True)
class CellStatistics:
    """One cell, over all of its workers, from the deployment on or over a window.

    `busy_s`, `starved_s` and `blocked_s` add up to `wall_s`, the seconds that its workers existed. Cells with the same
    `station` are run by the same thread, or one at a time, and share its time.
    """

    name: str
    station: str
    method: str
    """`inline`, `thread`, `ray` or `mixed`."""
    workers: int
    """How many clones it has, in each clone of a scaled pipeline around it; 1 where it runs inline."""
    runs: int
    """How often it ran, whatever came of it."""
    lost: int
    """Runs that gave no value: skipped items, errors, and what was skipped or failed further upstream."""
    skipped: int
    """Gaps that this cell left, by itself or because its error policy says so."""
    errors: int
    """Errors that this cell's own code raised, after retries."""
    wall_s: float
    busy_s: float
    starved_s: float
    cpu_s: float
    queued: int | None = None
    """Items inside a scaled cell, in work or finished and waiting; `None` where there is no queue."""
    queue_capacity: int | None = None
    queue_bytes: int | None = None
    latencies: Mapping[int, int] = field(default_factory=dict, repr=False)
    clones: tuple[CloneStatistics, ...] = ()
    """Those that there are now, one by one; empty where it runs inline. Clones that went away count in the cell alone."""

    @property
    def items(self) -> int:
        """Items processed well."""
        return self.runs - self.lost

    @property
    def blocked_s(self) -> float:
        """Seconds spent waiting for whoever comes behind to want something, or to have room for it."""
        return max(0.0, self.wall_s - self.busy_s - self.starved_s)

    @property
    def busy(self) -> float:
        """Share of the workers' time spent in the cell's own code, 0 to 1."""
        return min(1.0, self.busy_s / self.wall_s) if self.wall_s > 0 else 0.0

    @property
    def starved(self) -> float:
        """Share of the workers' time spent waiting for inputs, 0 to 1."""
        return min(1.0 - self.busy, self.starved_s / self.wall_s) if self.wall_s > 0 else 0.0

    @property
    def blocked(self) -> float:
        """Share of the workers' time that is neither busy nor starved, 0 to 1."""
        return max(0.0, 1.0 - self.busy - self.starved) if self.wall_s > 0 else 0.0

    def latency_s(self, share: float) -> float | None:
        """A quantile of the time of one pull in the cell's own code, in seconds; `None` where nothing was measured."""
        return quantile(self.latencies, share)


@dataclass(frozen=True)
class ConnectionStatistics:
    """One connection between two threads. `source` and `target` are full names of an output and an input."""

    source: str
    target: str
    items: int
    queued: int
    capacity: int
    queued_bytes: int


@dataclass(frozen=True)
class DeadLetter:
    """What is kept of an item that was skipped because of an error. `item` counts the runs of the cell from 0."""

    cell: str
    item: int
    error: str
    traceback: str
    places: tuple[tuple[str, int], ...] = ()
    """File and line of each frame of the traceback, the one where it was raised last."""
    time_s: float = field(default=0.0, compare=False)
    """When, in seconds since the epoch; 0 where that is not known."""


@dataclass(frozen=True)
class Statistics:
    """A whole pipeline at one moment, or over the window between two of them."""

    elapsed_s: float
    sink_items: int
    """How many steps were delivered at the end of the pipeline."""
    cells: tuple[CellStatistics, ...]
    connections: tuple[ConnectionStatistics, ...] = ()
    dead_letters: tuple[DeadLetter, ...] = ()
    """The latest ones; a bounded number is kept."""

    @property
    def sink_rate_hz(self) -> float:
        """Items per second delivered at the end of the pipeline."""
        return self.sink_items / self.elapsed_s if self.elapsed_s > 0 else 0.0

    def rate_hz(self, cell: CellStatistics) -> float:
        """Items per second that `cell` processed well: neither what it skipped nor gaps that came from upstream."""
        return cell.items / self.elapsed_s if self.elapsed_s > 0 else 0.0

    def get_cell(self, name: str) -> CellStatistics:
        """The cell with this full name. Raises `KeyError` where there is none."""
        for cell in self.cells:
            if cell.name == name:
                return cell
        raise KeyError(f"no statistics of {name!r}; there are: {', '.join(cell.name for cell in self.cells)}")

    def since(self, earlier: Statistics) -> Statistics:
        """What happened between `earlier` and this moment; queues are as they are now."""
        before = {cell.name: cell for cell in earlier.cells}
        connections = {(c.source, c.target): c.items for c in earlier.connections}
        return replace(
            self,
            elapsed_s=self.elapsed_s - earlier.elapsed_s,
            sink_items=self.sink_items - earlier.sink_items,
            cells=tuple(_difference(cell, before.get(cell.name)) for cell in self.cells),
            connections=tuple(
                replace(c, items=c.items - connections.get((c.source, c.target), 0)) for c in self.connections
            ),
        )


def _difference(cell: CellStatistics, earlier: CellStatistics | None) -> CellStatistics:
    if earlier is None:
        return cell
    latencies = {
        bucket: rest
        for bucket, count in cell.latencies.items()
        if (rest := count - earlier.latencies.get(bucket, 0)) > 0
    }
    clones = {clone.name: clone for clone in earlier.clones}
    return replace(
        cell,
        clones=tuple(clone.since(clones[clone.name]) if clone.name in clones else clone for clone in cell.clones),
        runs=cell.runs - earlier.runs,
        lost=cell.lost - earlier.lost,
        skipped=cell.skipped - earlier.skipped,
        errors=cell.errors - earlier.errors,
        wall_s=cell.wall_s - earlier.wall_s,
        busy_s=cell.busy_s - earlier.busy_s,
        starved_s=cell.starved_s - earlier.starved_s,
        cpu_s=min(cell.cpu_s - earlier.cpu_s, cell.busy_s - earlier.busy_s),  # which is read less often
        latencies=MappingProxyType(latencies),
    )


def sum_counters(counters: Iterable[Counters]) -> Counters:
    """The counters of several workers of one cell in one."""
    total = Counters()
    for one in counters:
        total.add(one)
    return total

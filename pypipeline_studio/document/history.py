"""The figures of a run over time, from its snapshots: all of the latest ten minutes, and of what was before, less.

Bounded: what is older than `FULL_SAMPLES` is merged two by two, what is older than that again, and so on. Of two samples
that become one, the means are kept, but of latencies the longer ones, so that what took long once is still seen hours later.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Final, Literal, TypeAlias

from pypipeline_engine.host.protocol import OVER, CellFigures, Snapshot

FULL_SAMPLES: Final = 2_400
"""Ten minutes at four snapshots a second."""
LEVEL_SAMPLES: Final = 600
LEVELS: Final = 8
"""Each of them reaches as far back as all before it together: 21 hours with those above, in 7,200 samples."""
MOST_MARKS: Final = 200

CellField: TypeAlias = Literal[
    "rate_hz",
    "busy",
    "starved",
    "blocked",
    "latency_p50_s",
    "latency_p95_s",
    "latency_p99_s",
    "queue_fill",
    "cpu",
]
RunField: TypeAlias = Literal["sink_rate_hz", "cpu", "memory_bytes", "gil"]

_CELL_FIELDS: Final[dict[CellField, Callable[[CellFigures], float | None]]] = {
    "rate_hz": lambda cell: cell.rate_hz,
    "busy": lambda cell: cell.busy,
    "starved": lambda cell: cell.starved,
    "blocked": lambda cell: cell.blocked,
    "latency_p50_s": lambda cell: cell.latency_p50_s,
    "latency_p95_s": lambda cell: cell.latency_p95_s,
    "latency_p99_s": lambda cell: cell.latency_p99_s,
    "queue_fill": lambda cell: (
        cell.queued / cell.queue_capacity if cell.queued is not None and cell.queue_capacity else None
    ),
    "cpu": lambda cell: cell.cpu,
}
_RUN_FIELDS: Final[dict[RunField, Callable[[Snapshot], float | None]]] = {
    "sink_rate_hz": lambda snapshot: snapshot.sink_rate_hz,
    "cpu": lambda snapshot: snapshot.process.cpu if snapshot.process is not None else None,
    "memory_bytes": lambda snapshot: float(snapshot.process.memory_bytes) if snapshot.process is not None else None,
    "gil": lambda snapshot: snapshot.gil,
}
CELL_FIELDS: Final = tuple(_CELL_FIELDS)
RUN_FIELDS: Final = tuple(_RUN_FIELDS)
_GREATER_IS_KEPT: Final = frozenset(CELL_FIELDS.index(name) for name in CELL_FIELDS if name.startswith("latency"))


@dataclass(frozen=True)
class Mark:
    """A change that plots show: the scaling of a cell."""

    elapsed_s: float
    cell: str
    text: str
    """Such as `1 → 2 threads`."""


class _Sample:
    """One moment. `values` has the fields of the run, then those of each cell, in the order in which cells were seen."""

    __slots__ = ("elapsed_s", "values")

    def __init__(self, elapsed_s: float, values: array[float]) -> None:
        self.elapsed_s = elapsed_s
        self.values = values


class History:
    """The figures of one run at a time. For one thread."""

    def __init__(
        self, full_samples: int = FULL_SAMPLES, level_samples: int = LEVEL_SAMPLES, levels: int = LEVELS
    ) -> None:
        self._full_samples = full_samples
        self._level_samples = level_samples
        self._levels: list[deque[_Sample]] = [deque() for _ in range(levels + 1)]
        self._cells: dict[str, int] = {}
        self._workers: dict[str, str] = {}
        self._run = 0
        self.marks: deque[Mark] = deque(maxlen=MOST_MARKS)
        """The latest changes of scaling, in the order of time."""

    # ------------------------------------------------------------------ what is kept

    def clear(self) -> None:
        """Begin again."""
        for level in self._levels:
            level.clear()
        self._cells.clear()
        self._workers.clear()
        self.marks.clear()
        self._run = 0

    def take(self, snapshot: Snapshot | None) -> bool:
        """Take another snapshot; whether there is something new. Another run begins again, `None` too.

        The snapshot after the end of a run is over all of it, and is left out.
        """
        if snapshot is None:
            was_there = len(self) > 0
            self.clear()
            return was_there
        latest = self.elapsed_s
        if snapshot.run != self._run or (latest is not None and snapshot.elapsed_s < latest):
            self.clear()
            self._run = snapshot.run
            latest = None
        if snapshot.state in OVER or snapshot.elapsed_s == latest:
            return False
        self._mark_changes(snapshot)
        values = array("f", (_known(read(snapshot)) for read in _RUN_FIELDS.values()))
        for name in snapshot.cells:
            self._cells.setdefault(name, len(self._cells))
        for name in self._cells:
            figures = snapshot.cells.get(name)
            values.extend(nan if figures is None else _known(read(figures)) for read in _CELL_FIELDS.values())
        self._levels[0].append(_Sample(snapshot.elapsed_s, values))
        self._thin_out()
        return True

    def _mark_changes(self, snapshot: Snapshot) -> None:
        for name, figures in snapshot.cells.items():
            workers = describe_workers(figures)
            before = self._workers.get(name)
            if before is not None and before != workers:
                self.marks.append(Mark(snapshot.elapsed_s, name, f"{_without_unit(before, workers)} → {workers}"))
            self._workers[name] = workers

    def _thin_out(self) -> None:
        for index, level in enumerate(self._levels):
            most = self._full_samples if index == 0 else self._level_samples
            while len(level) > most:
                if index + 1 == len(self._levels):
                    level.popleft()
                elif len(level) > most + 1:
                    self._levels[index + 1].append(_merge(level.popleft(), level.popleft()))
                else:
                    break  # an odd one waits for the next

    # ------------------------------------------------------------------ what is asked

    def __len__(self) -> int:
        return sum(map(len, self._levels))

    @property
    def cells(self) -> tuple[str, ...]:
        """The names of all cells that were seen."""
        return tuple(self._cells)

    @property
    def elapsed_s(self) -> float | None:
        """When the latest sample was; `None` where there is none."""
        return self._levels[0][-1].elapsed_s if self._levels[0] else None

    def times(self, since_s: float = 0.0) -> list[float]:
        """When the samples were, from the oldest on."""
        return [sample.elapsed_s for sample in self._samples(since_s)]

    def of_cell(self, cell: str, field: CellField, since_s: float = 0.0) -> list[float]:
        """A figure of a cell at these times; not a number where it is not known."""
        index = self._cells.get(cell)
        place = -1 if index is None else len(RUN_FIELDS) + index * len(CELL_FIELDS) + CELL_FIELDS.index(field)
        return self._read(place, since_s)

    def of_run(self, field: RunField, since_s: float = 0.0) -> list[float]:
        """A figure of the whole pipeline, or of its process, at these times."""
        return self._read(RUN_FIELDS.index(field), since_s)

    def _read(self, place: int, since_s: float) -> list[float]:
        return [sample.values[place] if 0 <= place < len(sample.values) else nan for sample in self._samples(since_s)]

    def _samples(self, since_s: float) -> Iterator[_Sample]:
        for level in reversed(self._levels):
            if not level or level[-1].elapsed_s < since_s:
                continue
            if level[0].elapsed_s >= since_s:
                yield from level
                continue
            late = []  # from the end, where few of many are asked for
            for sample in reversed(level):
                if sample.elapsed_s < since_s:
                    break
                late.append(sample)
            yield from reversed(late)


def describe_workers(figures: CellFigures) -> str:
    """What runs a cell: `inline`, `2 threads`, `2 Ray`; `3 clones` where there are both."""
    if figures.method == "inline":
        return "inline"
    if figures.method == "ray":
        return f"{figures.workers} Ray"
    unit = "thread" if figures.method == "thread" else "clone"
    return f"{figures.workers} {unit}{'s' if figures.workers != 1 else ''}"


def nearest(times: Sequence[float], at_s: float) -> int:
    """The place of the time that is nearest to another one; -1 where there are none. `times` rise."""
    low, high = 0, len(times)
    while low < high:
        middle = (low + high) // 2
        if times[middle] < at_s:
            low = middle + 1
        else:
            high = middle
    if low == len(times) or (low > 0 and at_s - times[low - 1] <= times[low] - at_s):
        return low - 1
    return low


def _without_unit(before: str, after: str) -> str:
    """`1` for `1 thread` where `2 threads` follows."""
    number, _, unit = before.partition(" ")
    return number if unit and unit.rstrip("s") == after.partition(" ")[2].rstrip("s") else before


def _known(value: float | None) -> float:
    return nan if value is None else value


def _merge(first: _Sample, second: _Sample) -> _Sample:
    nb_run, nb_cell = len(RUN_FIELDS), len(CELL_FIELDS)
    merged = array("f", second.values)
    for place, value in enumerate(first.values):
        other = merged[place]
        if isnan(other):
            merged[place] = value
        elif not isnan(value):
            is_greater = place >= nb_run and (place - nb_run) % nb_cell in _GREATER_IS_KEPT
            merged[place] = max(value, other) if is_greater else (value + other) / 2
    return _Sample((first.elapsed_s + second.elapsed_s) / 2, merged)

"""What a pipeline would deliver with other clones: bounds by the operational laws of queueing, of which the least holds.

For each item that is delivered at the end, a station (the cells that share one set of workers) needs D seconds of its k
workers, and so lets no more than k / D items per second through. All cells together need C seconds of the processors, and
those in this process G seconds of the GIL, of which there is one. What a change would bring is the least of these bounds
after it. The rate that was measured stays a little below the least bound as it is, and the prediction as much below its own.

Sources: P. J. Denning, J. P. Buzen, "The Operational Analysis of Queueing Network Models", ACM Computing Surveys, 1978;
M. Kuchnik et al., "Plumber: Diagnosing and Removing Performance Bottlenecks in Machine Learning Data Pipelines", MLSys 2022.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from pypipeline_engine.core.counters import CellStatistics, Statistics
from pypipeline_engine.insight.bottleneck import Station, get_stations
from pypipeline_engine.insight.gil import GilShares

COMPUTES = 0.3
"""A cell with so much CPU time in its busy time computes; what is less waits, and the GIL is nothing to it."""
IS_FULL = 0.9
"""A machine that is busy for so much of its time has nothing left to give."""
POOLED = 0.2
"""Where the process takes so much more CPU time than its busiest cell, a library has threads of its own."""
GIL_IS_FULL = 0.75
"""Where the GIL is had by somebody for so much of the time, it is the limit; the rest is handing it over."""
HOLDER_IS_BUSY = 0.8
"""Who has the GIL nearly always is busy for so much of the time, with one thread: it has the GIL or waits for it. Where
others want the cores, it only seems to be had: by a thread that is not running.
"""
GIL_IS_USED_UP = 0.88
"""And here, nothing can be had in addition."""
RAY_OVERHEAD_S = 0.0003
"""About what an item costs a clone in another process, besides its work."""

Method: TypeAlias = Literal["thread", "ray"]


@dataclass(frozen=True)
class Resources:
    """What the process runs on, over the window."""

    cores: int
    cpu: float = 0.0
    """CPU seconds per second of this process, also of threads that are no cell's."""
    has_ray: bool = False
    others_cpu: float = 0.0
    """CPU seconds per second of all other processes on these cores."""


@dataclass(frozen=True)
class Change:
    """One clone more, or several."""

    cell: str
    method: Method
    before: int
    """How many clones of this kind it has; 0 where it runs inline."""
    after: int


@dataclass(frozen=True)
class Bound:
    """What the pipeline cannot exceed, for one reason."""

    hz: float
    kind: Literal["station", "cores", "gil"]
    station: str = ""
    """Its name, where it is one."""


@dataclass(frozen=True)
class Prediction:
    """What one or several changes together would bring."""

    changes: tuple[Change, ...]
    hz: float
    """Items per second delivered at the end of the pipeline."""
    limit: Bound
    """What would limit it then."""

    def get_gain(self, now_hz: float) -> float:
        """Of the rate now: 1.0 is nothing, 2.0 twice as much."""
        return self.hz / now_hz if now_hz > 0 else 1.0


@dataclass(frozen=True)
class _Load:
    """What one cell needs for each item that is delivered."""

    cell: CellStatistics
    busy_s: float
    cpu_s: float
    gil_s: float

    @property
    def elsewhere_s(self) -> float:
        """What would remain of `busy_s` in a process of its own, where nobody else has the GIL."""
        if self.cpu_s < COMPUTES * self.busy_s:
            return self.busy_s + RAY_OVERHEAD_S
        share = self.gil_s / self.cpu_s if self.cpu_s > 0 else 0.0
        return self.cpu_s + (self.busy_s - self.cpu_s) * (1 - share) + RAY_OVERHEAD_S


@dataclass(frozen=True)
class _State:
    """The pipeline with some clones: stations as their workers and the loads that they carry."""

    workers: Mapping[str, float]
    loads: Mapping[str, tuple[_Load, ...]]
    remote: frozenset[str] = field(default=frozenset())
    """The cells whose work is done in other processes."""


class Model:
    """A pipeline over one window, in which at least one item was delivered."""

    def __init__(self, window: Statistics, machine: Resources, gil: GilShares) -> None:
        """Take over what was measured.

        :raises ValueError: where nothing was delivered.
        """
        if window.sink_items <= 0 or window.elapsed_s <= 0:
            raise ValueError("nothing was delivered in this window")
        self.window = window
        self.machine = machine
        self.gil = gil
        self.stations = [station for station in get_stations(window) if station.wall_s > 0]
        self._cells = {cell.name: cell for cell in window.cells}
        loads = {
            station.name: tuple(self._get_load(station, cell) for cell in station.cells) for station in self.stations
        }
        remote = frozenset(cell.name for cell in window.cells if cell.method == "ray")
        loads = _fit_gil(loads, remote, gil, window.sink_rate_hz)
        self._state = _State({station.name: station.workers for station in self.stations}, loads, remote)
        cells_cpu_s = sum(load.cpu_s for own in loads.values() for load in own if load.cell.name not in remote)
        # Clones in other processes are not others. Beside others, one gets half of the cores at least, or what one has now.
        remote_cpu = sum(load.cpu_s for own in loads.values() for load in own if load.cell.name in remote)
        others = max(0.0, machine.others_cpu - remote_cpu * window.sink_rate_hz)
        self._free_cores = max(machine.cores / 2, min(machine.cores, machine.cpu), machine.cores - others)
        self._other_cpu_s = max(0.0, machine.cpu / window.sink_rate_hz - cells_cpu_s)
        self._pooled_s = self._find_pooled()
        self.bounds = sorted(self._get_bounds(self._state), key=lambda bound: bound.hz)

    def _get_load(self, station: Station, cell: CellStatistics) -> _Load:
        # Where few pulls were timed, the estimates may exceed the time that there was.
        total_s = sum(cell.busy_s for cell in station.cells)
        scale = station.busy_s / total_s / self.window.sink_items if total_s > 0 else 0.0
        busy_s, cpu_s = cell.busy_s * scale, min(cell.cpu_s, cell.busy_s) * scale
        wants = self.gil.by_cell.get(cell.name, 0.0) if cell.method != "ray" else 0.0
        return _Load(cell, busy_s, cpu_s, min(cpu_s, wants * busy_s))

    def _find_pooled(self) -> dict[str, float]:
        """What threads of a library do for a cell that runs inline, for each item: a clone does it by itself, because clones
        use one thread each. Taken to be of the cell that takes most of the time.
        """
        inline = [load for own in self._state.loads.values() for load in own if load.cell.method == "inline"]
        first = max(inline, key=lambda load: load.busy_s, default=None)
        if first is None or self._other_cpu_s <= POOLED * first.cpu_s or first.cpu_s < COMPUTES * first.busy_s:
            return {}
        return {first.cell.name: self._other_cpu_s}

    @property
    def limit(self) -> Bound:
        """The least bound as it is."""
        return self.bounds[0]

    def find_cell(self, name: str) -> CellStatistics:
        """The figures of a cell; of one inside, where `name` is that of a scaled pipeline.

        :raises KeyError: where there is no such cell.
        """
        if name not in self._cells:
            return next(cell for cell in self.window.cells if cell.station == name)
        return self._cells[name]

    def get_station(self, name: str) -> Station:
        """A station by its name."""
        return next(station for station in self.stations if station.name == name)

    def find_gil_holder(self) -> CellStatistics | None:
        """The cell that has the GIL for most of the time, where somebody nearly always has it; else `None`.

        While it has it, others seem to be busy that only wait for it to go on.
        """
        if self.gil.held is None or self.gil.held < GIL_IS_FULL:
            return None
        loads = [load for own in self._state.loads.values() for load in own if load.cell.name not in self._state.remote]
        first = max(loads, key=lambda load: load.gil_s, default=None)
        if first is None or first.gil_s < sum(load.gil_s for load in loads) / 2:
            return None
        station = self.get_station(first.cell.station)
        if station.workers < 1.5 and station.utilisation < HOLDER_IS_BUSY:
            return None
        return first.cell

    @property
    def is_machine_full(self) -> bool:
        """Whether all cores are busy, with this process or with others."""
        return self.machine.cpu + self.machine.others_cpu >= IS_FULL * self.machine.cores

    # ------------------------------------------------------------------ bounds

    def _get_bounds(self, state: _State) -> list[Bound]:
        bounds = []
        cpu_s, gil_s = self._other_cpu_s, 0.0
        for name, loads in state.loads.items():
            demand_s = 0.0
            for load in loads:
                is_remote = load.cell.name in state.remote
                was_remote = load.cell.method == "ray"
                demand_s += load.elsewhere_s if is_remote and not was_remote else load.busy_s
                cpu_s += load.cpu_s
                gil_s += 0.0 if is_remote else load.gil_s
            if demand_s > 0:
                bounds.append(Bound(state.workers[name] / demand_s, "station", name))
        if cpu_s > 0:
            bounds.append(Bound(self._free_cores / cpu_s, "cores"))
        if gil_s > 0:
            bounds.append(Bound(1 / gil_s, "gil"))
        return bounds or [Bound(math.inf, "cores")]

    # ------------------------------------------------------------------ what if

    def predict(self, changes: Sequence[Change]) -> Prediction:
        """What the pipeline would deliver after these changes."""
        state = self._state
        for change in changes:
            state = _apply(state, self.find_cell(change.cell), change, self._pooled_s)
        before = self.limit.hz
        # What jitter and hand-overs take from the least bound, they take from the next one as well.
        kept = min(1.0, self.window.sink_rate_hz / before) if 0 < before < math.inf else 1.0
        limit = min(self._get_bounds(state), key=lambda bound: bound.hz)
        return Prediction(tuple(changes), limit.hz * kept, limit)

    def make_change(self, cell: str, method: Method, more: int = 1) -> Change:
        """So many clones more of this kind.

        :param cell: a cell, or a scaled pipeline.
        """
        now = self.find_cell(cell)
        before = 0 if now.method == "inline" else now.workers
        return Change(
            cell, method, before if now.method == method else 0, (before if now.method == method else 0) + more
        )


def _fit_gil(
    loads: dict[str, tuple[_Load, ...]], remote: frozenset[str], gil: GilShares, rate_hz: float
) -> dict[str, tuple[_Load, ...]]:
    """The loads with GIL times that together are no more than was seen: a share includes waiting for the GIL.

    Where it was seen to be had nearly always, there was no more to have.
    """
    total = rate_hz * sum(load.gil_s for own in loads.values() for load in own if load.cell.name not in remote)
    if gil.held is None or total <= 0 or total <= gil.held < GIL_IS_USED_UP:
        return loads
    factor = (1.0 if gil.held >= GIL_IS_USED_UP else gil.held) / total
    return {name: tuple(replace(load, gil_s=load.gil_s * factor) for load in own) for name, own in loads.items()}


def _apply(state: _State, cell: CellStatistics, change: Change, pooled_s: Mapping[str, float]) -> _State:
    """The pipeline with a cell at a station of its own, where it has none, and with so many workers more there."""
    workers, loads = dict(state.workers), dict(state.loads)
    station = cell.station
    if cell.method == "inline":
        (own,) = (load for load in loads[station] if load.cell.name == cell.name)
        loads[station] = tuple(load for load in loads[station] if load is not own)
        station = f"{cell.name} alone"
        loads[station] = (replace(own, busy_s=max(own.busy_s, own.cpu_s + pooled_s.get(cell.name, 0.0))),)
        workers[station] = float(change.after)
    else:
        workers[station] *= change.after / max(1, change.before)  # in each clone of a scaled pipeline around it
    remote = state.remote
    if (
        change.method == "ray"
    ):  # those that stay on threads still take their part; it is small where the GIL is the limit
        remote = remote | {cell.name}
        if cell.method == "thread":
            workers[station] = float(change.after)
    return _State(workers, loads, remote)

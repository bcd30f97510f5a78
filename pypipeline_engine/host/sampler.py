"""From the counters of a run to the figures that are shown: what happened over the latest two seconds.

Nothing here waits or has a thread: somebody who wants to see the run calls `look`, one at a time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from pypipeline_engine.core.counters import CellStatistics, CloneStatistics, ConnectionStatistics, Statistics
from pypipeline_engine.host.process import read_process
from pypipeline_engine.host.protocol import (
    BottleneckInfo,
    CellFigures,
    ChangeInfo,
    CloneFigures,
    ConnectionFigures,
    RunState,
    Snapshot,
)
from pypipeline_engine.insight.advice import Advice
from pypipeline_engine.insight.gil import GilShares
from pypipeline_engine.insight.model import Change
from pypipeline_engine.insight.observer import Observer
from pypipeline_engine.runtime.working import WorkingCell

SPAN_S = 2.0
WORKS_LONG_S = 1.0
"""A run of a cell's code that goes on for longer than this is shown."""


@dataclass(frozen=True)
class _Look:
    time_s: float
    statistics: Statistics
    process_s: float


class Sampler:
    """Looks at one run."""

    def __init__(
        self,
        run: int,
        observer: Observer,
        *,
        clock: Callable[[], float] = time.perf_counter,
        cpu_clock: Callable[[], float] = time.thread_time,
        process_clock: Callable[[], float] = time.process_time,
    ) -> None:
        """Begin to look at a run.

        :param run: the number of the run.
        :param observer: explains what is seen.
        :param clock: seconds.
        :param cpu_clock: CPU seconds of the calling thread.
        :param process_clock: CPU seconds of the whole process.
        """
        self._run = run
        self._observer = observer
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._process_clock = process_clock
        self._looks: deque[_Look] = deque()
        self._working: dict[WorkingCell, float] = {}
        self._costs: deque[tuple[float, float]] = deque()
        self._limit: BottleneckInfo | None = None
        """What limited the run when it was seen running last."""
        self._began_s = clock()
        self._process_began_s = process_clock()

    def look(
        self,
        state: RunState,
        take: Callable[[], Statistics],
        find_working: Callable[[], Collection[WorkingCell]] = tuple,
        is_over: bool = False,
        was_paused: bool = False,
    ) -> Snapshot:
        """The run now.

        :param take: reads the counters, with the names that are to be shown.
        :param find_working: finds the cells whose code runs now.
        :param is_over: whether the window is the whole run.
        :param was_paused: whether the run stood still for a while.
        """
        begin_s = self._cpu_clock()
        now = _Look(self._clock(), take(), self._process_clock())
        while len(self._looks) > 1 and now.time_s - self._looks[1].time_s >= SPAN_S:
            self._looks.popleft()
        earlier = self._looks[0] if self._looks and not is_over else None
        window = now.statistics if earlier is None else _since(now.statistics, earlier.statistics)
        working = self._follow(find_working(), now.time_s)
        window = _with_unfinished(window, working)
        cpu = self._get_cpu(now, earlier)
        advice = self._observer.explain(window, cpu)
        gil = GilShares() if advice is None else advice.gil
        given = {cell.name: cell.items for cell in window.cells}
        snapshot = Snapshot(
            run=self._run,
            state=state,
            elapsed_s=now.statistics.elapsed_s,
            window_s=window.elapsed_s,
            sink_items=now.statistics.sink_items,
            sink_rate_hz=window.sink_rate_hz,
            cells={
                cell.name: _to_figures(
                    cell, total, window, max(working.get(cell.name, ()), default=None), gil.by_cell.get(cell.name)
                )
                for cell, total in zip(window.cells, now.statistics.cells, strict=True)
            },
            connections=tuple(_to_connection(connection, window, given) for connection in window.connections),
            bottleneck=self._find_limit(state, advice, is_over, was_paused),
            process=read_process(cpu),
            gil=gil.held,
            cost=self._get_cost(now.time_s),
        )
        self._looks.append(now)
        self._costs.append((now.time_s, self._cpu_clock() - begin_s))
        return snapshot

    def _find_limit(
        self, state: RunState, advice: Advice | None, is_over: bool, was_paused: bool
    ) -> BottleneckInfo | None:
        found = _to_bottleneck(advice)
        if state == "running":
            self._limit = found
        # Over the whole of a run with pauses, everything has waited for most of the time, and nothing seems to be the limit.
        return self._limit if is_over and was_paused else found

    def _follow(self, working: Collection[WorkingCell], now_s: float) -> dict[str, list[float]]:
        """By cell, for how long its runs have been seen to go on, where that is long."""
        self._working = {cell: self._working.get(cell, now_s) for cell in working}
        found: dict[str, list[float]] = {}
        for cell, since_s in self._working.items():
            if now_s - since_s > WORKS_LONG_S:
                found.setdefault(cell.name, []).append(now_s - since_s)
        return found

    def _get_cpu(self, now: _Look, earlier: _Look | None) -> float:
        """CPU seconds per second since the beginning of the window."""
        since_s = self._began_s if earlier is None else earlier.time_s
        used_s = now.process_s - (self._process_began_s if earlier is None else earlier.process_s)
        took_s = now.time_s - since_s
        return used_s / took_s if took_s > 0 else 0.0

    def _get_cost(self, now_s: float) -> float:
        """What looking took, per second, since the beginning of the window."""
        while len(self._costs) > 1 and now_s - self._costs[1][0] >= SPAN_S:
            self._costs.popleft()
        took_s = now_s - self._costs[0][0] if self._costs else 0.0
        return sum(cost_s for _, cost_s in self._costs) / took_s if took_s > 0 else 0.0


def _since(now: Statistics, earlier: Statistics) -> Statistics:
    """The window, also where a cell got its first clone in it or lost its last one, and so has other workers than before."""
    window = now.since(earlier)
    methods = {cell.name: cell.method for cell in earlier.cells}
    return replace(
        window,
        cells=tuple(
            cell if methods.get(cell.name) == cell.method else _with_workers_of_now(cell, window.elapsed_s)
            for cell in window.cells
        ),
    )


def _with_unfinished(window: Statistics, working: Mapping[str, Collection[float]]) -> Statistics:
    """The window with what long runs have taken of it so far. A cell counts its time when it is done with an item: without
    this, one that hangs would seem to wait.
    """
    return replace(
        window,
        cells=tuple(
            _busier(cell, sum(min(s, window.elapsed_s) for s in working[cell.name])) if cell.name in working else cell
            for cell in window.cells
        ),
    )


def _busier(cell: CellStatistics, more_s: float) -> CellStatistics:
    busy_s = min(cell.busy_s + more_s, cell.wall_s)
    return replace(cell, busy_s=busy_s, starved_s=min(cell.starved_s, cell.wall_s - busy_s))


def _with_workers_of_now(cell: CellStatistics, window_s: float) -> CellStatistics:
    wall_s = window_s * cell.workers
    busy_s = min(max(0.0, cell.busy_s), wall_s)
    return replace(cell, wall_s=wall_s, busy_s=busy_s, starved_s=min(max(0.0, cell.starved_s), wall_s - busy_s))


def _to_figures(
    cell: CellStatistics, total: CellStatistics, window: Statistics, working_s: float | None, gil: float | None
) -> CellFigures:
    return CellFigures(
        items=total.items,
        skipped=total.skipped,
        errors=total.errors,
        rate_hz=window.rate_hz(cell),
        busy=cell.busy,
        starved=cell.starved,
        blocked=cell.blocked,
        latency_p50_s=cell.latency_s(0.5),
        latency_p95_s=cell.latency_s(0.95),
        latency_p99_s=cell.latency_s(0.99),
        cpu=cell.cpu_s / window.elapsed_s if window.elapsed_s > 0 else 0.0,
        method=cell.method,  # type: ignore[arg-type]  # the same words
        workers=cell.workers,
        station=cell.station,
        queued=cell.queued,
        queue_capacity=cell.queue_capacity,
        gil=gil,
        clones=tuple(
            _to_clone(clone, whole, window.elapsed_s) for clone, whole in zip(cell.clones, total.clones, strict=True)
        ),
        queue_bytes=cell.queue_bytes,
        working_s=working_s,
    )


def _to_clone(clone: CloneStatistics, total: CloneStatistics, window_s: float) -> CloneFigures:
    wall_s = max(clone.wall_s, 1e-9)
    busy = min(1.0, max(0.0, clone.busy_s / wall_s))
    starved = min(1.0 - busy, max(0.0, clone.starved_s / wall_s))
    return CloneFigures(
        name=clone.name,
        method=clone.method,  # type: ignore[arg-type]  # the same words
        items=total.runs - total.lost,
        rate_hz=(clone.runs - clone.lost) / window_s if window_s > 0 else 0.0,
        busy=busy,
        starved=starved,
        blocked=1.0 - busy - starved,
        cpu=max(0.0, clone.cpu_s) / window_s if window_s > 0 else 0.0,
    )


def _to_connection(connection: ConnectionStatistics, window: Statistics, given: Mapping[str, int]) -> ConnectionFigures:
    # Gaps pass through a connection as well, in the places of their items.
    items = min(connection.items, given.get(connection.source.rpartition(".")[0], connection.items))
    return ConnectionFigures(
        source=connection.source,
        target=connection.target,
        rate_hz=items / window.elapsed_s if window.elapsed_s > 0 else 0.0,
        queued=connection.queued,
        capacity=connection.capacity,
        queued_bytes=connection.queued_bytes,
    )


def _to_bottleneck(advice: Advice | None) -> BottleneckInfo | None:
    if advice is None:
        return None
    found = advice.bottleneck
    kind = "station" if found.stations else "source" if found.sources else "none"
    return BottleneckInfo(
        cells=found.cells,
        kind=kind,  # type: ignore[arg-type]  # one of the three
        utilisation=found.utilisation,
        capacity_hz=found.capacity_hz,
        sentence=advice.sentence,
        cause=advice.cause.value,
        paragraph=advice.paragraph,
        changes=() if advice.best is None else tuple(map(_to_change, advice.best.changes)),
        predicted_hz=None if advice.best is None else advice.best.hz,
        queue_cell="" if advice.queue is None else advice.queue.cell,
        queue_capacity=None if advice.queue is None else advice.queue.capacity,
    )


def _to_change(change: Change) -> ChangeInfo:
    return ChangeInfo(cell=change.cell, method=change.method, before=change.before, after=change.after)

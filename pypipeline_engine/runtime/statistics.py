"""From the counters of a deployment to a snapshot of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.core.counters import (
    CellStatistics,
    ConnectionStatistics,
    Counters,
    Statistics,
    sum_counters,
)

if TYPE_CHECKING:
    from pypipeline_engine.cell import ACell
    from pypipeline_engine.runtime.crew import Crew
    from pypipeline_engine.runtime.scope import Scope
    from pypipeline_engine.runtime.stage import Stage


def take_snapshot(root: ACell, crew: Crew, elapsed_s: float, sink_items: int) -> Statistics:
    """What was counted until now. Reads without locks what others write, and never waits for user code.

    :param elapsed_s: seconds since the deployment.
    :param sink_items: how many steps were delivered at the end of the pipeline.
    """
    counted = crew.get_counters()
    cells: dict[str, CellStatistics] = {}
    _collect(crew, crew.scope, None, elapsed_s, counted, cells)
    connections = tuple(
        ConnectionStatistics(
            channel.source,
            channel.target,
            channel.meter.runs,
            len(channel.buffer),
            channel.capacity,
            channel.queued_bytes,
        )
        for scope in crew.get_scopes()
        for channel in scope.get_crossing_channels()
    )
    # In the order of declaration; a name stands for a cell and all of its clones.
    names = dict.fromkeys(cell.get_full_name() for cell in root._get_cells_recursively())
    in_order = tuple(cells[name] for name in names if name in cells)
    for scope in crew.get_scopes():
        scope.look_soon()
    return Statistics(elapsed_s, sink_items, in_order, connections, tuple(crew.dead_letters))


def _collect(
    crew: Crew,
    scope: Scope,
    stage: Stage | None,
    elapsed_s: float,
    counted: dict[str, list[Counters]],
    cells: dict[str, CellStatistics],
) -> None:
    """Add the cells of `scope`, which is the inside of `stage`, and of what is inside of its stages."""
    own_thread = scope.get_own_threads()
    for cell in scope.cells:
        name = cell.get_full_name()
        if name not in cells:
            total = sum_counters(counted.get(name, []))
            own_stage = own_thread.get(cell) or stage
            # While its thread waits in the pull of another cell, it waits too.
            waited_s = scope.get_clock(cell).starved_s if own_stage is None else 0.0
            cells[name] = _describe(cell, scope.get_station(cell), own_stage, elapsed_s, total, waited_s)
    for inner in scope.stages.values():
        for worker in list(inner.workers):
            if worker.scope is not None:
                _collect(crew, worker.scope, inner, elapsed_s, counted, cells)
            elif worker.is_remote:
                for single in inner.cell._get_cells_recursively():
                    name = single.get_full_name()
                    if isinstance(single, ASingleCell) and name not in cells:
                        total = sum_counters(counted.get(name, []))
                        cells[name] = _describe(single, inner.name, inner, elapsed_s, total, 0.0)


def _describe(
    cell: ASingleCell, station: str, stage: Stage | None, elapsed_s: float, total: Counters, waited_s: float
) -> CellStatistics:
    """One cell.

    :param stage: that of its clones, or of the thread that it has; `None` where it runs inline.
    :param waited_s: for how long the thread has waited that runs it inline.
    """
    if stage is None:
        method, workers, wall_s = "inline", 1, elapsed_s
        starved_s = max(total.starved_s, waited_s)
    else:
        kinds = {worker.method.method for worker in list(stage.workers)}
        method = "mixed" if len(kinds) > 1 else next(iter(kinds), "thread")
        workers, wall_s = len(stage.workers), stage.wall_s
        # Where the thread of the clone pulls what is inside, it has the inputs' time in the cells' own counters.
        starved_s = total.starved_s + (0.0 if stage.pulls_its_inside else stage.starved_s)
    # Samples of very short pulls estimate, and may say a little more than there was.
    starved_s = min(starved_s, max(total.starved_s, wall_s - total.busy_s))
    share = min(1.0, wall_s / max(total.busy_s + starved_s, 1e-9))
    return CellStatistics(
        name=cell.get_full_name(),
        station=station,
        method=method,
        workers=workers,
        runs=total.runs,
        lost=total.lost,
        skipped=total.skipped,
        errors=total.errors,
        wall_s=wall_s,
        busy_s=total.busy_s * share,
        starved_s=starved_s * share,
        cpu_s=min(total.cpu_s, total.busy_s) * share,
        queued=None if stage is None else stage.sequencer.inside,
        queue_capacity=None if stage is None else stage.sequencer.window,
        queue_bytes=None if stage is None else stage.sequencer.queued_bytes,
        latencies=dict(total.latencies),
    )

"""From the counters of a deployment to a snapshot of it."""

from __future__ import annotations

from dataclasses import dataclass
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
    found: dict[str, _Found] = {}
    _collect(crew.scope, None, found)
    cells = {name: _describe(one, elapsed_s, sum_counters(counted.get(name, []))) for name, one in found.items()}
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


@dataclass
class _Found:
    """A cell, with all that does its work."""

    cell: ASingleCell
    station: str
    stages: list[Stage]
    """Whose clones run it: of a scaled cell in a scaled pipeline, one in each clone of that. None where it runs inline."""
    waited_s: float
    """For how long the thread has waited that runs it inline."""


def _collect(scope: Scope, stage: Stage | None, found: dict[str, _Found]) -> None:
    """Add the cells of `scope`, which is the inside of `stage`, and of what is inside of its stages."""
    own_thread = scope.get_own_threads()
    for cell in scope.cells:
        own_stage = own_thread.get(cell) or stage
        # While its thread waits in the pull of another cell, it waits too.
        waited_s = scope.get_clock(cell).starved_s if own_stage is None else 0.0
        _add(found, cell, scope.get_station(cell), own_stage, waited_s)
    for inner in scope.stages.values():
        for worker in list(inner.workers):
            if worker.scope is not None:
                _collect(worker.scope, inner, found)
            elif worker.is_remote:
                for single in inner.cell._get_cells_recursively():
                    if isinstance(single, ASingleCell):
                        _add(found, single, inner.name, inner, 0.0)


def _add(found: dict[str, _Found], cell: ASingleCell, station: str, stage: Stage | None, waited_s: float) -> None:
    one = found.setdefault(cell.get_full_name(), _Found(cell, station, [], waited_s))
    if stage is not None and stage not in one.stages:
        one.stages.append(stage)


def _describe(found: _Found, elapsed_s: float, total: Counters) -> CellStatistics:
    """One cell."""
    stages = found.stages
    if not stages:
        method, workers, wall_s = "inline", 1, elapsed_s
        starved_s = max(total.starved_s, found.waited_s)
    else:
        kinds = {worker.method.method for stage in stages for worker in list(stage.workers)}
        method = "mixed" if len(kinds) > 1 else next(iter(kinds), "thread")
        workers = max(len(stage.workers) for stage in stages)
        wall_s = sum(stage.wall_s for stage in stages)
        # Where the thread of the clone pulls what is inside, it has the inputs' time in the cells' own counters.
        starved_s = total.starved_s + sum(0.0 if stage.pulls_its_inside else stage.starved_s for stage in stages)
    # Samples of very short pulls estimate, and may say a little more than there was.
    starved_s = min(starved_s, max(total.starved_s, wall_s - total.busy_s))
    share = min(1.0, wall_s / max(total.busy_s + starved_s, 1e-9))
    return CellStatistics(
        name=found.cell.get_full_name(),
        station=found.station,
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
        queued=sum(stage.sequencer.inside for stage in stages) if stages else None,
        queue_capacity=sum(stage.sequencer.window for stage in stages) if stages else None,
        queue_bytes=sum(stage.sequencer.queued_bytes for stage in stages) if stages else None,
        latencies=dict(total.latencies),
    )

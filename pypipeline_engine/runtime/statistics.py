"""From the counters of a deployment to a snapshot of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.core.counters import (
    CellStatistics,
    CloneStatistics,
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
    from pypipeline_engine.runtime.worker import Worker


def take_snapshot(root: ACell, crew: Crew, elapsed_s: float, sink_items: int) -> Statistics:
    """What was counted until now. Reads without locks what others write, and never waits for user code.

    :param elapsed_s: seconds since the deployment.
    :param sink_items: how many steps were delivered at the end of the pipeline.
    """
    counted = crew.get_counters()
    found = crew.find_cells(elapsed_s)
    cells = {name: _describe(one, sum_counters(counted.get(name, []))) for name, one in found.items()}
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
class FoundCell:
    """A cell, with all that does its work."""

    cell: ASingleCell
    station: str
    stages: list[Stage]
    """Whose clones run it: of a scaled cell in a scaled pipeline, one in each clone of that. None where it runs inline."""
    waited_s: float
    """For how long the thread has waited that runs it inline."""
    clones: list[CloneStatistics] = field(default_factory=list)
    wall_s: float = 0.0
    """For how long those exist that do its work, all together."""


def find_cells(scope: Scope, elapsed_s: float) -> dict[str, FoundCell]:
    """The cells by their full names, with those that do their work now. Takes no lock.

    :param elapsed_s: seconds since the deployment.
    """
    found: dict[str, FoundCell] = {}
    _collect(scope, None, "", found)
    for one in found.values():
        one.wall_s = sum(stage.wall_s for stage in one.stages) if one.stages else elapsed_s
    return found


def find_cells_inside(worker: Worker) -> dict[str, FoundCell]:
    """As `find_cells`, of what is inside of a clone and scaled in there. The time is that of the clones in there alone."""
    found: dict[str, FoundCell] = {}
    if worker.scope is not None:
        _collect(worker.scope, worker, "", found)
    for one in found.values():
        one.wall_s = sum(stage.wall_s for stage in one.stages if stage is not worker.stage)
    return found


def _collect(scope: Scope, worker: Worker | None, path: str, found: dict[str, FoundCell]) -> None:
    """Add the cells of `scope`, which `worker` runs, and of what is inside of its stages.

    :param path: the name of the clone whose inside this is.
    """
    own_thread = scope.get_own_threads()
    for cell, unit in scope.units.items():
        own_stage = own_thread.get(cell) or (None if worker is None else worker.stage)
        # While its thread waits in the pull of another cell, it waits too.
        waited_s = scope.get_clock(cell).starved_s if own_stage is None else 0.0
        one = _add(found, cell, scope.get_station(cell), own_stage, waited_s)
        if cell in own_thread:
            one.clones += [_describe_clone(own, path, unit.counters) for own in list(own_thread[cell].workers)]
        elif worker is not None:
            one.clones.append(_describe_clone(worker, path, unit.counters))
    for inner in scope.stages.values():
        for one_inside in list(inner.workers):
            if one_inside.scope is not None:
                _collect(one_inside.scope, one_inside, _name_clone(one_inside, path), found)
            elif one_inside.is_remote:
                counted = one_inside.counters  # type: ignore[attr-defined]  # as all clones in other processes have
                for single in inner.cell._get_cells_recursively():
                    if isinstance(single, ASingleCell):
                        one = _add(found, single, inner.name, inner, 0.0)
                        counters = counted.get(single.get_full_name(), Counters())
                        one.clones.append(_describe_clone(one_inside, _name_clone(one_inside, path), counters))


def _add(
    found: dict[str, FoundCell], cell: ASingleCell, station: str, stage: Stage | None, waited_s: float
) -> FoundCell:
    one = found.setdefault(cell.get_full_name(), FoundCell(cell, station, [], waited_s))
    if stage is not None and stage not in one.stages:
        one.stages.append(stage)
    return one


def _name_clone(worker: Worker, path: str) -> str:
    return f"{path} #{worker.number}".strip()


def _describe_clone(worker: Worker, name: str, counters: Counters) -> CloneStatistics:
    wall_s = worker.wall_s
    busy_s = min(counters.busy_s, wall_s)
    own_s = 0.0 if worker.stage.pulls_its_inside else worker.starved_s
    return CloneStatistics(
        name=name or f"#{worker.number}",
        method=worker.method.method,
        runs=counters.runs,
        lost=counters.lost,
        errors=counters.errors,
        wall_s=wall_s,
        busy_s=busy_s,
        starved_s=min(counters.starved_s + own_s, wall_s - busy_s),
        cpu_s=min(counters.cpu_s, busy_s),
    )


def _describe(found: FoundCell, total: Counters) -> CellStatistics:
    stages, wall_s = found.stages, found.wall_s
    if not stages:
        method, workers = "inline", 1
        starved_s = max(total.starved_s, found.waited_s)
    else:
        kinds = {worker.method.method for stage in stages for worker in list(stage.workers)}
        method = "mixed" if len(kinds) > 1 else next(iter(kinds), "thread")
        workers = max(len(stage.workers) for stage in stages)
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
        clones=tuple(found.clones),
    )

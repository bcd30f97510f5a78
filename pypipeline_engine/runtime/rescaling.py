"""Changing the number of clones of a deployed pipeline, without losing or repeating an item.

From one number of clones to another, workers come and go while everything runs. The first clone, and the loss of the last
one, change who runs what: the pipeline is brought to rest between two steps, and gets a new plan.
"""

from __future__ import annotations

from typing import Any

from pypipeline_engine.cell import ACell, ScalableCell
from pypipeline_engine.core.monitor import Monitor
from pypipeline_engine.exceptions import InvalidStateException
from pypipeline_engine.runtime.crew import Crew
from pypipeline_engine.runtime.flatten import pulls_its_inside
from pypipeline_engine.runtime.scope import Scope


class WithoutBounds:
    """While open, nobody waits for room, so that every worker can finish its item."""

    def __init__(self, crew: Crew, monitor: Monitor) -> None:
        self._crew = crew
        self._monitor = monitor

    def __enter__(self) -> None:
        with self._monitor.lock:
            self._monitor.unbounded = True
            for scope in self._crew.get_scopes():
                for channel in scope.get_crossing_channels():
                    self._monitor.wake_all(channel.room_waiters)

    def __exit__(self, *_: object) -> None:
        with self._monitor.lock:
            self._monitor.unbounded = False


def can_change_while_running(places: list[tuple[Scope, ScalableCell]]) -> bool:
    """Whether nobody gets a first clone or loses the last one, and none is pulled as it is that had tickets, or the other
    way round.
    """
    return all(
        (cell in scope.stages) == (cell.get_nb_clones() > 0)
        and (cell not in scope.stages or scope.stages[cell].pulls_its_inside == pulls_its_inside(cell))
        for scope, cell in places
    )


def find_places(crew: Crew, cell: ScalableCell) -> list[tuple[Scope, ScalableCell]]:
    """Every scope in which `cell`, or its copy in a clone, is a node."""
    above: Any = cell.get_parent_cell()
    path = [cell.get_name()]
    while above is not None and crew.get_stage(above) is None:
        path.append(above.get_name())
        above = above.get_parent_cell()
    stage = None if above is None else crew.get_stage(above)
    if stage is None or stage.pulls_its_inside:
        return [(crew.scope, cell)]
    places = []
    for scope, twin in find_places(crew, above):
        for worker in scope.stages[twin].staying:  # those that go away keep what they have
            assert worker.scope is not None
            found: Any = worker.scope.root
            for name in reversed(path):
                found = found.get_internal_cell_with_name(name)
            places.append((worker.scope, found))
    return places


def plan_again(crew: Crew, monitor: Monitor, renew_clones: bool = False) -> None:
    """Make the plan of the pipeline again, with the stages that are wanted now. The caller has the main turn.

    :param renew_clones: whether clones are to be made again, because something inside of them is scaled otherwise.
    """
    _refuse_to_swallow_stages(crew)
    stages = crew.get_stages_downstream_first()
    try:
        with WithoutBounds(crew, monitor):
            # Downstream first: what a worker still needs to finish its item comes from further up.
            for stage in stages:
                stage.pause()
        crew.scope.check_plan()
        for stage in stages:
            if not stage.cell.get_nb_clones():
                crew.dissolve_stage(stage)
            elif renew_clones:
                crew.end_workers(stage)
        crew.scope.plan()
        _start_all(crew)
    finally:
        for stage in crew.scope.stages.values():
            stage.unpause()


def _start_all(crew: Crew) -> None:
    """Start the workers of every stage that has none. Where that fails for one, its inner cell runs inline.

    :raises BaseException: the first failure, when the others have started: nobody would do their work.
    """
    first: BaseException | None = None
    while True:
        for cell in crew.scope.cells:
            crew.deploy_cell(cell)
        stage = next((stage for stage in crew.scope.stages.values() if not stage.workers), None)
        if stage is None:
            break
        stage.reopen()
        try:
            crew.prepare_workers(stage)
        except BaseException as error:
            first = first or error
            stage.cell._nb_clones = {}
            crew.dissolve_stage(stage)
            crew.scope.plan()  # what is scaled inside of it is a stage of its own from now on
    if first is not None:
        raise first


def _refuse_to_swallow_stages(crew: Crew) -> None:
    """Refuse a first clone for a cell whose inside is scaled already: items are on their way in there.

    :raises InvalidStateException: in that case.
    """
    for cell in crew.scope.stages:
        above: ACell | None = cell.get_parent_cell()
        while above is not None:
            if isinstance(above, ScalableCell) and above.get_nb_clones() and above not in crew.scope.stages:
                raise InvalidStateException(
                    f"{above.get_full_name()} cannot get its first clone while {cell.get_full_name()}, inside of it, "
                    f"has clones that run: scale that one down first, or undeploy() before"
                )
            above = above.get_parent_cell()

"""Changing the number of clones of a deployed pipeline, without losing or repeating an item.

From one number of clones to another, workers come and go while everything runs. The first clone, and the loss of the last
one, change who runs what: the pipeline is brought to rest between two steps, and gets a new plan. Before a cell with others
inside gets its first clone, these are brought to one level; see `levelling`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from pypipeline_engine.cell import ScalableCell
from pypipeline_engine.core.monitor import Interrupted, Monitor
from pypipeline_engine.exceptions import InvalidStateException
from pypipeline_engine.runtime.crew import Crew
from pypipeline_engine.runtime.levelling import Levelling
from pypipeline_engine.runtime.scope import Scope
from pypipeline_engine.runtime.stage import Stage


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


def can_change_while_running(places: Places) -> bool:
    """Whether nobody gets a first clone or loses the last one."""
    return all((cell in scope.stages) == (cell.get_nb_clones() > 0) for scope, cell in places.here)


@dataclass
class Places:
    """Where a scaled cell is."""

    here: list[tuple[Scope, ScalableCell]] = field(default_factory=list)
    """Every scope in which it, or its copy in a clone, is a node."""
    remote: list[tuple[Stage, ScalableCell]] = field(default_factory=list)
    """Every stage with clones in other processes that have it inside, and what those are made from."""

    def get_cells(self) -> list[ScalableCell]:
        """The cell itself and its copies."""
        return [cell for _, cell in self.here] + [cell for _, cell in self.remote]


def find_places(crew: Crew, cell: ScalableCell) -> Places:
    """Where `cell` is."""
    above: Any = cell.get_parent_cell()
    path = [cell.get_name()]
    while above is not None and crew.get_stage(above) is None:
        path.append(above.get_name())
        above = above.get_parent_cell()
    stage = None if above is None else crew.get_stage(above)
    if stage is None or stage.pulls_its_inside:
        return Places([(crew.scope, cell)])
    places = Places()
    for scope, twin in find_places(crew, above).here:
        around = scope.stages[twin]
        for worker in around.staying:  # those that go away keep what they have
            if worker.scope is not None:
                places.here.append((worker.scope, _find_inside(worker.scope.root, path)))
        if around.has_remote_workers:
            places.remote.append((around, _find_inside(twin, path)))
    return places


def _find_inside(around: Any, path: list[str]) -> ScalableCell:
    for name in reversed(path):
        around = around.get_internal_cell_with_name(name)
    assert isinstance(around, ScalableCell)
    return around


def refuse_to_lose_state(what: str, stage: Stage) -> None:
    """Refuse a change of `what` for which other clones would have to take the place of those in other processes.

    :raises InvalidStateException: where these keep state.
    """
    if not stage.cell.get_inner_cell().supports_scaling():
        raise InvalidStateException(
            f"the {what} cannot change now: {stage.cell.get_full_name()} has a clone in another process, which took it "
            f"along when it started, and keeps state, which another clone would not have; take it away first, or undeploy()"
        )


def plan_again(crew: Crew, monitor: Monitor, renewed: Collection[ScalableCell] = ()) -> None:
    """Make the plan of the pipeline again, with the stages that are wanted now. The caller has the main turn.

    :param renewed: those whose clones are to be made again, because something inside of them is to run otherwise.
    :raises BaseException: where a cell could not get its first clone. The plan is one without it then.
    """
    try:
        failure = _bring_to_one_level(crew, monitor)
        crew.deploy_cells(crew.scope.flatten().cells)  # of clones in other processes, the cell itself may not be
        walls = crew.find_walls()
        for stage in crew.get_stages_downstream_first():
            if not stage.cell.get_nb_clones():
                crew.dissolve_stage(stage)
            elif stage.cell in renewed:
                crew.end_workers(stage)
        crew.scope.plan()
        crew.keep_walls(walls)
        _start_all(crew, failure)
    finally:
        for stage in crew.scope.stages.values():
            stage.unpause()


def _pause(stages: list[Stage], crew: Crew, monitor: Monitor) -> None:
    """Bring stages to rest, of which those further downstream come first: what a worker still needs to finish its item comes
    from further up.
    """
    with WithoutBounds(crew, monitor):
        for stage in stages:
            stage.pause()


def _bring_to_one_level(crew: Crew, monitor: Monitor) -> BaseException | None:
    """Bring all stages to rest, and prepare the inside of those cells that get their first clones.

    :returns: why that failed, where it did, for which these cells lose the clones that they asked for.
    """
    first: BaseException | None = None
    while True:
        _pause(crew.get_stages_downstream_first(), crew, monitor)  # also after a failure, which may have come meanwhile
        getting = [cell for cell in crew.scope.flatten().stages if cell not in crew.scope.stages]
        try:
            _level(crew, monitor, getting)
            crew.scope.check_plan()
            return first
        except Interrupted:
            raise
        except BaseException as error:
            if monitor.interrupted and isinstance(error, InvalidStateException):
                raise Interrupted from error  # cells were stopped in the middle of an item, and do not fit together
            if not getting:
                raise
            first = first or error
            # The next time round, these may be cells inside of them, whose clones were ended for it.
            for cell in getting:
                cell._nb_clones = {}


def _level(crew: Crew, monitor: Monitor, getting: list[ScalableCell]) -> None:
    """Have the cells inside of each of `getting` do as many items as the one that is furthest.

    :raises InvalidStateException: where that is not possible.
    """
    levelling = Levelling(crew.scope, monitor, getting)
    if levelling.is_level():
        return
    crew.deploy_cells(crew.scope.flatten(levelling.inline).cells)
    walls = crew.find_walls()
    for stage in crew.get_stages_downstream_first():
        if stage.cell in levelling.inline or not stage.cell.get_nb_clones():
            crew.dissolve_stage(stage)
    crew.scope.plan(levelling.inline, levelling.alone)
    crew.keep_walls(walls)
    upstream = levelling.find_upstream()
    working = [stage for stage in crew.get_stages_downstream_first() if stage.cell in upstream]
    for stage in working:
        stage.unpause()
    with WithoutBounds(crew, monitor):
        levelling.run()
    _pause(working, crew, monitor)


def _start_all(crew: Crew, first: BaseException | None) -> None:
    """Start the workers of every stage that has none. Where that fails for one, its inner cell runs inline.

    :param first: what has failed before.
    :raises BaseException: the first failure, when the others have started: nobody would do their work.
    """
    while True:
        for stage in crew.scope.stages.values():
            stage.hold()  # until all have started: where one fails the plan is made again
        for cell in crew.scope.cells:
            crew.deploy_cell(cell)
        next_one = next((stage for stage in crew.scope.stages.values() if not stage.workers), None)
        if next_one is None:
            break
        next_one.reopen()
        try:
            crew.prepare_workers(next_one)
        except BaseException as error:
            first = first or error
            next_one.cell._nb_clones = {}
            walls = crew.find_walls()
            crew.dissolve_stage(next_one)
            crew.scope.plan()  # what is scaled inside of it is a stage of its own from now on
            crew.keep_walls(walls)
    if first is not None:
        raise first

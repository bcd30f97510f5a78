"""A deployed pipeline: its scopes and clones, and everything that happens to all of them at once.

Threads: `pull`, `reset`, `rescale`, `change_policy` and `undeploy` may be called from any thread; those that need the
pipeline at rest between two steps take the turn of the main domain. No lock that a pull or a question needs is held while
user code runs; `_structure`, which comes before the lock of the monitor, is held over `_on_deploy` and `_on_reset`, so that
there is one change at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from pypipeline_engine.cell import ACell, ACloneCell, ASingleCell, ErrorPolicy, RayCloneCell, ScalableCell
from pypipeline_engine.core.counters import Statistics
from pypipeline_engine.core.errors import describe_error
from pypipeline_engine.core.monitor import Monitor, Waiter
from pypipeline_engine.exceptions import (
    InvalidStateException,
    NotDeployedException,
)
from pypipeline_engine.runtime import leaving
from pypipeline_engine.runtime.crew import Crew
from pypipeline_engine.runtime.environment import limit_threads_of_opencv, make_room_for_calls
from pypipeline_engine.runtime.policies import find_scaled_around, find_stages_elsewhere, find_twins
from pypipeline_engine.runtime.pulling import Puller
from pypipeline_engine.runtime.remote import cluster
from pypipeline_engine.runtime.rescaling import (
    Places,
    WithoutBounds,
    can_change_while_running,
    find_places,
    plan_again,
    refuse_to_lose_state,
)
from pypipeline_engine.runtime.stalls import explain_stall, make_room
from pypipeline_engine.runtime.statistics import take_snapshot
from pypipeline_engine.runtime.working import WorkingCell, WorkingThread, find_working, find_working_threads

if TYPE_CHECKING:
    from pypipeline_engine.runtime.remote.worker import RemoteWorker


class Deployment:
    """One deployment of the pipeline whose outermost cell is `root`, from `deploy` to `undeploy`."""

    def __init__(self, root: ACell) -> None:
        """Deploy: make the plan, call `_on_deploy` of every cell and clone, and start the threads.

        :raises NotDeployableException: where something asks for what is not there.
        :raises Exception: what an `_on_deploy` raised; everything that was deployed is undeployed then.
        """
        self.root = root
        self.monitor = Monitor()
        self.monitor.on_stall = self._break_stall
        self.crew = Crew(root, self.monitor, self)
        self.scope = self.crew.scope
        self.puller = Puller(
            root, self.scope, self.monitor, lambda: plan_again(self.crew, self.monitor), self.crew.hooks.is_inside
        )
        self._structure = threading.RLock()  # one change of the number of clones at a time; held over `_on_deploy`
        self._ended = threading.Event()
        self._is_ending = False  # guarded by the lock of the monitor
        self.began = perf_counter()
        self.crew.get_elapsed = lambda: perf_counter() - self.began
        self.nb_items: int | None = None
        """How many items the stream had at the deployment, `None` where unknown: later, clones have taken some ahead."""
        _prepare_ray(root)
        make_room_for_calls(sum(1 for _ in root._get_cells_recursively()))
        self._give_back_opencv_threads: Callable[[], None] = lambda: None
        self._has_limited_opencv = False
        try:
            scaled = _find_scaled(root)
            self.scope.plan()
            for single in self.scope.cells:
                self.crew.deploy_cell(single)
            self.nb_items = root.get_nb_available_pulls()
            with self._structure:  # clones that run already may change the numbers of others
                root._deployment = self
                self.puller.bind()
                self.began = perf_counter()
                self.monitor.enter()  # who pulls already waits for clones, and not for nothing
                try:
                    if _find_scaled(root) != scaled:  # while there was no deployment yet to be told
                        self.scope.plan()
                    for stage in self.scope.stages.values():
                        self.crew.prepare_workers(stage)
                finally:
                    self.monitor.leave()
                if self.crew.get_remote_workers():
                    self.began = perf_counter()  # that their processes had to be started is no property of the cells
        except BaseException:
            error = self._end(failed=True)
            if error is not None:
                root.logger.error("and what was deployed could not be undeployed: %s", describe_error(error))
            raise
        leaving.end_at_exit(self)
        self._limit_threads_of_opencv()
        for cell in self.scope.get_stages_on_cycles():
            cell.logger.warning(
                "%s lies on a cycle: one item at a time goes round, so its clones do not make it faster",
                cell.get_full_name(),
            )

    def _limit_threads_of_opencv(self) -> None:
        if self.scope.stages and not self._has_limited_opencv:
            self._has_limited_opencv = True
            self._give_back_opencv_threads = limit_threads_of_opencv()

    def pull(self, cell: ACell) -> None:
        """Pull once; see `ACell.pull`."""
        self.puller.pull(cell)

    # ------------------------------------------------------------------ stalls

    def _break_stall(self, waiters: list[Waiter]) -> None:
        """Nobody else can wake these, and one of them pulls: make room, or have that one raise an error. Lock held."""
        if make_room(self.crew.get_scopes(), waiters):
            return
        pulling = [waiter for waiter in waiters if waiter.pulls]
        if pulling:
            first = next((waiter for waiter in pulling if not self.puller.is_waiting_to_begin(waiter)), pulling[0])
            self.monitor.wake_with(first, explain_stall(self.root.get_full_name(), self.crew.get_stages(), waiters))

    # ------------------------------------------------------------------ resetting

    def reset(self, cell: ACell) -> None:
        """Send the streams that end in `cell` back to their start; see `ACell.reset`."""
        if not self.puller.is_open:
            raise NotDeployedException(f"{cell.get_full_name()} is not deployed: deploy() it first")
        self.puller.refuse_from_inside("reset")
        with self._structure, self.puller.explained():
            self.puller.begin()
            try:
                error = self._call_on_reset(*self._bring_to_rest_for_reset(cell))
            finally:
                for scope in self.crew.get_scopes():
                    scope.resume()
                self.monitor.resume()
                for stage in self.crew.get_stages():
                    stage.unpause()
                self.puller.end()
            if error is not None:
                raise error

    def _bring_to_rest_for_reset(self, cell: ACell) -> tuple[list[ASingleCell], list[RemoteWorker]]:
        """Interrupt everything, and drop what is in flight.

        :returns: the cells that are to be told, sinks first, and the clones in other processes.
        """
        upstream = self.scope.get_upstream(cell)
        with WithoutBounds(self.crew, self.monitor):
            for stage in self.crew.get_stages_downstream_first():
                if stage.cell not in upstream:  # of a stream that goes on, nothing may get lost
                    stage.pause()
        scopes, stages = [self.scope], [stage for cell, stage in self.scope.stages.items() if cell in upstream]
        for stage in stages:
            inside = [worker.scope for worker in stage.workers if worker.scope is not None]
            scopes.extend(inside)
            stages.extend(inner for scope in inside for inner in scope.stages.values())
        for stage in stages:
            stage.drop()
        for scope in scopes:
            scope.interrupt()
        self.monitor.interrupt()
        self.monitor.wait_until_quiet()
        there = self.crew.get_scopes()  # a clone that was about to end has ended meanwhile, and was undeployed
        scopes = [scope for scope in scopes if scope in there]
        self.scope.rewind(upstream)
        for scope in scopes[1:]:
            scope.rewind(set(scope.get_nodes()))
        told = [one for one in self.scope.cells if one in upstream]
        for scope in scopes[1:]:
            told.extend(scope.cells)
        remote = self.crew.get_remote_workers()
        # One that was about to end has nothing to wait for any more, and does so at this moment.
        return told[::-1], [worker for worker in remote if worker.stage in stages and not worker.retiring]

    def _call_on_reset(self, cells: Iterable[ASingleCell], remote: Iterable[RemoteWorker]) -> Exception | None:
        """Call `_on_reset` of all of them; the first error is returned."""
        for worker in remote:
            worker.clone.begin_reset()
        first = self.crew.hooks.call_all(cells, "_on_reset")
        for worker in remote:
            try:
                worker.clone.finish_reset()
            except Exception as error:
                first = first or error
        return first

    # ------------------------------------------------------------------ scaling while deployed

    def rescale(self, cell: ScalableCell, get_clones: Callable[[], dict[type[ACloneCell], int]]) -> None:
        """Have `cell` ask for other clones, and bring its workers, in every scope that has it, in line with that.

        :param get_clones: tells which clones; is asked when no other change is under way, which plans for those it found.
        """
        with self._changing("number of clones", cell), self.puller.explained():
            before = cell._nb_clones
            cell._nb_clones = get_clones()
            if not self.puller.is_open or cell._nb_clones == before:
                return
            if self.crew.hooks.is_inside():
                cell._nb_clones = before
                raise InvalidStateException(
                    f"the number of clones of {cell.get_full_name()} cannot be changed by _on_deploy, _on_undeploy or "
                    f"_on_reset of a cell: change it before deploy(), or from _on_pull"
                )
            places = Places()
            try:
                _prepare_ray(cell)
                places = find_places(self.crew, cell)
                self._rescale(cell, places)
            except BaseException:
                for own in (cell, *places.get_cells()):
                    own._nb_clones = dict(before)
                raise

    @contextmanager
    def _changing(self, what: str, cell: ACell) -> Iterator[None]:
        """One change at a time. Who is inside of a cell does not wait for another one, which may wait for that cell."""
        if not self._structure.acquire(blocking=not self.puller.is_inside()):
            raise InvalidStateException(
                f"the {what} of {cell.get_full_name()} cannot be changed by a cell at this moment: another change or a "
                f"reset waits for that cell; try again with its next item"
            )
        try:
            yield
        finally:
            self._structure.release()

    def _rescale(self, cell: ScalableCell, places: Places) -> None:
        for own in places.get_cells():
            own._nb_clones = dict(cell._nb_clones)
        for stage, _ in places.remote:
            refuse_to_lose_state(f"number of clones of {cell.get_full_name()}", stage)
        if can_change_while_running(places):
            for stage, _ in places.remote:
                self.crew.renew_remote(stage)
            for scope, own in places.here:
                if own in scope.stages:
                    self.crew.change_workers(scope.stages[own], own.get_clone_methods())
            return
        self.puller.refuse_from_inside(f"changed ({cell.get_full_name()} gets its first clone or loses its last one)")
        self.puller.begin()
        try:
            is_in_clone = places.here[0][0] is not self.scope
            plan_again(self.crew, self.monitor, set(self.scope.stages) if is_in_clone else ())
            self._limit_threads_of_opencv()
        finally:
            self.puller.end()

    # ------------------------------------------------------------------ error policies while deployed

    def change_policy(self, cell: ACell, policy: ErrorPolicy | None) -> None:
        """Give `cell`, and its copies in clones, another error policy; see `ACell.set_error_policy`."""
        with self._changing("error policy", cell), self.puller.explained():
            if not self.puller.is_open:
                cell._error_policy = policy
                return
            if self.crew.hooks.is_inside():
                raise InvalidStateException(
                    f"the error policy of {cell.get_full_name()} cannot be changed by _on_deploy, _on_undeploy or _on_reset "
                    f"of a cell: change it before deploy(), or from _on_pull"
                )
            elsewhere = find_stages_elsewhere(self.crew, cell)
            twins = find_twins(self.crew, cell)
            before = cell._error_policy
            for twin in twins:
                twin._error_policy = policy
            retrying = self.crew.find_retrying_anew()
            try:
                for stage in elsewhere:
                    self.crew.renew_remote(stage)
                if not retrying:
                    self.crew.follow_policies()
                    return
                self.puller.refuse_from_inside(f"changed ({cell.get_full_name()} begins to try again after an error)")
                self.puller.begin()
            except BaseException:
                for twin in twins:
                    twin._error_policy = before
                raise
            try:
                self.crew.follow_policies()
                plan_again(self.crew, self.monitor, find_scaled_around(self.crew, retrying))
            finally:
                self.puller.end()

    # ------------------------------------------------------------------ ending

    def undeploy(self, failed: bool = False) -> None:
        """End all threads and call `_on_undeploy` of every cell; waits for user code that runs.

        :param failed: whether an error ended the run.
        :raises Exception: the first error that an `_on_undeploy` raised, after all were called.
        """
        self.puller.refuse_from_inside("undeployed")
        with self.monitor.lock:
            self.monitor.revoke_locked()
            self.puller.is_open = False
            first, self._is_ending = not self._is_ending, True
        if not first:
            self._ended.wait()
            return
        try:
            error = self._end(failed)
        except BaseException:  # Ctrl-C: whoever calls again goes on with it
            self._is_ending = False
            raise
        if error is not None:
            raise error

    def interrupt(self) -> None:
        """Have every pull end as soon as the user code that runs returns. All that is left to do then is to undeploy."""
        self.monitor.enter()  # who ends while others wait for it is to leave no deadlock behind: those are told below
        for stage in self.crew.get_stages():
            stage.close()
        for scope in self.crew.get_scopes():
            scope.interrupt()
        self.monitor.interrupt(for_good=True)
        self.monitor.leave()

    def _end(self, failed: bool) -> Exception | None:
        self.puller.is_open = False
        self.interrupt()
        with self._structure:  # whoever changes the number of clones has been interrupted too
            self.interrupt()
            self.monitor.enter()
            try:
                self.monitor.wait_until_quiet()
            finally:
                self.monitor.leave()
            for stage in self.crew.get_stages():
                stage.join()
            for scope in self.crew.get_scopes():
                scope.unbind()
        try:
            return self.crew.undeploy_all(failed)
        finally:
            self._give_back_opencv_threads()
            if self.root._deployment is self:
                self.root._deployment = None
                self.puller.unbind()
            leaving.forget(self)
            self._ended.set()

    def leave(self, deadline_s: float) -> None:
        """End because the interpreter does; see `leaving`. Where a cell does not end in time, none is undeployed."""
        self.interrupt()
        runner = self.puller.runner
        if runner is not None:
            runner.end_until(deadline_s)  # it undeploys what it has deployed itself
        for stage in self.crew.get_stages():
            for worker in list(stage.workers):
                worker.thread.join(max(0.0, deadline_s - perf_counter()))
        if not self._is_ending and self.monitor.is_quiet():
            try:
                self.undeploy()
            except Exception as error:
                self.root.logger.error("could not be undeployed when the interpreter ended: %s", error)

    # ------------------------------------------------------------------ watching

    def statistics(self) -> Statistics:
        """What was counted until now. Never waits for user code."""
        return take_snapshot(self.root, self.crew, perf_counter() - self.began, self.puller.sink_items)

    def find_working_threads(self) -> list[WorkingThread]:
        """The threads that are in the code of cells. Never waits for it."""
        return find_working_threads(self.crew.units)

    def find_working(self) -> set[WorkingCell]:
        """The cells whose own code runs at this moment. Never waits for it."""
        return find_working(self.crew.units, self.crew.get_remote_workers())


def _find_scaled(root: ACell) -> set[ScalableCell]:
    """The cells that ask for clones."""
    return {cell for cell in root._get_cells_recursively() if isinstance(cell, ScalableCell) and cell.get_nb_clones()}


def _prepare_ray(root: ACell) -> None:
    """Begin to start Ray, where there are cells that ask for clones by it, and cells with other clones deploy meanwhile."""
    for cell in root._get_cells_recursively():
        if isinstance(cell, ScalableCell) and cell.get_nb_clones(RayCloneCell):
            cluster.refuse_without_ray(cell.get_full_name())
            cluster.start_in_background()
            return

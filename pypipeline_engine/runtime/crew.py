"""The cells and clones of a deployment: which there are, and who makes and ends them.

Calls `_on_deploy` and `_on_undeploy`, and starts the workers of scaled cells with what they run. One thread at a time
changes the number of clones; a worker that was taken away ends by itself, in its own thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pypipeline_engine.cell import ACell, ACloneCell, ASingleCell, RayCloneCell, ScalableCell, ThreadCloneCell
from pypipeline_engine.cellio import AParameter
from pypipeline_engine.core.counters import Counters, DeadLetter, sum_counters
from pypipeline_engine.core.errors import describe_error, get_cell_of
from pypipeline_engine.core.monitor import Monitor
from pypipeline_engine.core.units import Unit
from pypipeline_engine.entry import Deployment
from pypipeline_engine.runtime.hooks import Hooks
from pypipeline_engine.runtime.planning import MAIN
from pypipeline_engine.runtime.remote import cluster
from pypipeline_engine.runtime.scope import Registry, Scope
from pypipeline_engine.runtime.stage import Stage
from pypipeline_engine.runtime.statistics import FoundCell, find_cells, find_cells_inside
from pypipeline_engine.runtime.taps import Fail, Look, Taps
from pypipeline_engine.runtime.worker import Worker

if TYPE_CHECKING:
    from pypipeline_engine.runtime.remote.clone import RemoteClone
    from pypipeline_engine.runtime.remote.worker import RemoteWorker

DEAD_LETTERS_KEPT = 1000


@dataclass
class Inside:
    """What one clone runs, and the clones inside of it; not started yet."""

    stage: Stage
    scope: Scope | None
    inner: list[Inside] = field(default_factory=list)
    remote: RemoteClone | None = None
    """The process in which it runs; there is no scope here then."""


class Crew:
    """Everything that runs in one deployment of the pipeline whose outermost cell is `root`."""

    def __init__(self, root: ACell, monitor: Monitor, deployment: Deployment) -> None:
        self._root = root
        self._monitor = monitor
        self._deployment = deployment
        self.hooks = Hooks()
        self._registry = Registry(monitor, self._get_unit, self._get_stage)
        self._stages: dict[ScalableCell, Stage] = {}
        self._deployed: list[ASingleCell] = []
        self._remote: list[RemoteWorker] = []
        # Guards `_deployed`, `_remote`, `_taps`, `units`, `retired` and `_past_wall_s`, and that the time of a clone which
        # goes away is either with its stages or among the past. The lock of the monitor may be taken while it is held.
        # It is one that its thread can take again, because a signal handler may ask for statistics.
        self._books = threading.RLock()
        self._taps = Taps()
        self.units: dict[ASingleCell, Unit] = {}
        """Every single cell that runs, those of clones included."""
        self.retired: dict[str, Counters] = {}
        """What clones counted that are no more, by the full name of the cell."""
        self._past_wall_s: dict[str, float] = {}
        """By the full name of a cell, for how long others existed than those that do its work now: clones inside of clones
        that are no more, the thread that ran it inline before it had clones.
        """
        self.get_elapsed: Callable[[], float] = lambda: 0.0
        """Says for how long the pipeline has been deployed, in seconds."""
        self.dead_letters: deque[DeadLetter] = deque(maxlen=DEAD_LETTERS_KEPT)
        self.scope = Scope(root, self._registry, MAIN)
        """What the thread runs that pulls the pipeline."""

    # ------------------------------------------------------------------ what there is

    def get_scopes(self) -> list[Scope]:
        """The scope of the pipeline, and those of all clones."""
        scopes = [self.scope]
        for scope in scopes:
            for stage in scope.stages.values():
                scopes.extend(worker.scope for worker in list(stage.workers) if worker.scope is not None)
        return scopes

    def get_stages(self) -> list[Stage]:
        """The stages of the pipeline, and those inside of clones."""
        return [stage for scope in self.get_scopes() for stage in scope.stages.values()]

    def get_stages_downstream_first(self) -> list[Stage]:
        """The stages of the pipeline itself, each before those that it takes its items from."""
        return self.scope.get_stages_downstream_first()

    def get_remote_workers(self) -> list[RemoteWorker]:
        """The clones in other processes."""
        with self._books:
            return list(self._remote)

    def get_stage(self, cell: ACell) -> Stage | None:
        """The stage of a scaled cell that has clones."""
        return self._stages.get(cell)  # type: ignore[call-overload,no-any-return]  # any cell may be asked for

    def get_counters(self) -> dict[str, list[Counters]]:
        """What was counted about each cell, by its full name: by the clones there are, and in one by those that were."""
        counted: dict[str, list[Counters]] = {}
        with self._books:  # so that a clone which ends is in one of the two, and not in both
            for unit in self.units.values():
                counted.setdefault(unit.name, []).append(unit.counters)
            for worker in self._remote:
                for name, counters in worker.counters.items():
                    counted.setdefault(name, []).append(counters)
            for name, counters in self.retired.items():
                counted.setdefault(name, []).append(sum_counters([counters]))
        return counted

    def find_cells(self, elapsed_s: float) -> dict[str, FoundCell]:
        """The cells by their full names, with all that do their work, and for how long there was somebody who did.

        :param elapsed_s: seconds since the deployment.
        """
        with self._books:
            found = find_cells(self.scope, elapsed_s)
            for name, one in found.items():
                one.wall_s += self._past_wall_s.get(name, 0.0)
        return found

    def find_walls(self) -> dict[str, float]:
        """For how long there was somebody to do the work of each cell, for `keep_walls` when the plan is another one."""
        return {name: one.wall_s for name, one in self.find_cells(self.get_elapsed()).items()}

    def keep_walls(self, before: Mapping[str, float]) -> None:
        """Go on counting from what `find_walls` said before the plan was made again: busy times are not forgotten either."""
        with self._books:  # a clone that was taken away before may end at this moment
            now = find_cells(self.scope, self.get_elapsed())  # without those whose clones are still to come
            for name, wall_s in before.items():
                self._past_wall_s[name] = wall_s - (now[name].wall_s if name in now else 0.0)

    # ------------------------------------------------------------------ cells

    def _get_unit(self, cell: ASingleCell) -> Unit:
        unit = self.units.get(cell)
        if unit is None:
            outputs = [(output.get_full_name(), output._slot) for output in cell.get_outputs()]
            unit = Unit(cell.get_full_name(), cell._on_pull, outputs)
            with self._books:
                self.units[cell] = unit
                self._taps.attach(cell, unit)
            _follow_policy(unit, cell)
            unit.report = self.dead_letters.append
        return unit

    def find_retrying_anew(self) -> list[ASingleCell]:
        """The cells that are to try again after an error and that do not yet, for which they need another plan."""
        with self._books:
            return [cell for cell, unit in self.units.items() if cell.get_error_policy().retries and not unit.retries]

    def follow_policies(self) -> None:
        """Let every cell follow the error policy that it has now."""
        with self._books:
            for cell, unit in self.units.items():
                _follow_policy(unit, cell)

    def tap(self, name: str, look: Look | None, with_inputs: bool = False, fail: Fail | None = None) -> None:
        """Have the items of a cell looked at, those of all of its clones; see `RunHandle.tap`."""
        with self._books:
            self._taps.change(name, look, with_inputs, fail, self.units)
            for worker in self._remote:
                worker.border.tap(self._taps.wanted)

    def _get_stage(self, cell: ScalableCell, scope: Scope) -> Stage:
        stage = self._stages.get(cell)
        if stage is None:
            stage = self._stages[cell] = Stage(
                cell, cell.get_full_name(), self._monitor, self._on_worker_end, self._make_room
            )
            inside = [self.units[one] for one in cell._get_cells_recursively() if one in self.units]
            if not (scope.is_clone or stage.pulls_its_inside):
                stage.first_item = max((unit.next_number for unit in inside), default=0)
            if not stage.pulls_its_inside and any(unit.ended for unit in inside):
                stage.end_at_once()  # its inner cell has ended the stream while it ran inline, and new clones do not know
        return stage

    def deploy_cell(self, cell: ASingleCell) -> None:
        """Call `_on_deploy`, once in a deployment."""
        with self._books:
            if cell in self._deployed:
                return
            self._deployed.append(cell)
        cell.run_failed = False
        self.hooks.call(cell, "_on_deploy")

    def deploy_cells(self, cells: Iterable[ASingleCell]) -> None:
        """Call `_on_deploy` of those that are not deployed; where one fails, they are as before."""
        with self._books:
            new = [cell for cell in cells if cell not in self._deployed]
        try:
            for cell in new:
                self.deploy_cell(cell)
        except BaseException:
            self.undeploy_cells(new, failed=True)
            raise

    def undeploy_all(self, failed: bool) -> Exception | None:
        """Call `_on_undeploy` of every cell that was deployed; the first error is returned."""
        first: Exception | None = None
        try:
            first = self._undeploy_remote(failed)
        finally:
            own = self.undeploy_cells(list(self._deployed), failed)
        return own or first

    def undeploy_cells(self, cells: Iterable[ASingleCell], failed: bool) -> Exception | None:
        """Call `_on_undeploy` of those that were deployed, last one first; the first error is returned.

        :raises BaseException: the first of those that are no `Exception`, when all were called.
        """
        wanted = set(cells)
        with self._books:
            ending = [cell for cell in reversed(self._deployed) if cell in wanted]
            self._deployed = [cell for cell in self._deployed if cell not in wanted]
        for cell in ending:
            cell.run_failed = failed
        return self.hooks.call_all(ending, "_on_undeploy")

    # ------------------------------------------------------------------ clones

    def prepare_workers(self, stage: Stage) -> None:
        """Start as many workers as the scaled cell asks for.

        :raises Exception: what an `_on_deploy` raised; nothing was started then.
        """
        self._add_workers(stage, stage.cell.get_clone_methods())

    def _add_workers(self, stage: Stage, numbers: Mapping[type[ACloneCell], int]) -> None:
        """Start workers, and those of the scaled cells inside of them, once all of them are deployed."""
        made: list[Inside] = []
        try:
            self._make_insides(stage, numbers, made)
        except BaseException:
            self._discard_unstarted(made, keep=True)
            raise
        self.start(made)

    def _make_insides(self, stage: Stage, numbers: Mapping[type[ACloneCell], int], made: list[Inside]) -> None:
        """Append the insides of clones to `made`, also where the deployment of one fails."""
        nb_remote = numbers.get(RayCloneCell, 0)
        remote = self._begin_remote(stage, nb_remote) if nb_remote else []
        made.extend(Inside(stage, None, remote=clone) for clone in remote)
        for _ in range(numbers.get(ThreadCloneCell, 0)):
            self.make_inside(stage, made)
        if remote:
            remote[0].await_place(remote)
            for clone in remote:
                clone.deploy()

    def _begin_remote(self, stage: Stage, number: int) -> list[RemoteClone]:
        cluster.ensure()
        from pypipeline_engine.runtime.remote.clone import RemoteClone

        begun: list[RemoteClone] = []
        try:
            for _ in range(number):
                begun.append(RemoteClone(stage))
        except BaseException:
            for clone in begun:
                clone.kill()
            raise
        return begun

    def make_inside(self, stage: Stage, made: list[Inside]) -> None:
        """Append the inside of one clone on a thread to `made`, also where its deployment fails.

        The first one is the inner cell itself, which so keeps its state.
        """
        if stage.pulls_its_inside:
            made.append(Inside(stage, None))
            return
        holder = stage.cell
        scopes = [*stage.get_bound_scopes(), *(inside.scope for inside in made)]
        if any(scope is not None and scope.root is holder for scope in scopes):
            copy = stage.cell.clone(None)
            assert isinstance(copy, ScalableCell)
            holder = copy
            holder._stands_for = stage.cell
            holder._deployment = self._deployment
            _share_parameters(stage.cell, holder)
        scope = Scope(holder, self._registry, stage.name, stage)
        scope.plan()
        for unit in scope.units.values():
            unit.rewind()  # as in `dissolve_stage`
        inside = Inside(stage, scope)
        made.append(inside)
        for cell in scope.cells:
            self.deploy_cell(cell)
        for inner in scope.stages.values():
            self._make_insides(inner, inner.cell.get_clone_methods(), inside.inner)

    def start(self, made: Iterable[Inside]) -> None:
        """Start the workers of clones."""
        for inside in made:
            inside.stage.add_worker(partial(self._make_worker, inside))
            self.start(inside.inner)

    def _make_worker(self, inside: Inside, number: int) -> Worker:
        if inside.remote is None:
            return Worker(inside.stage, inside.scope, number)
        from pypipeline_engine.runtime.remote.worker import RemoteWorker

        worker = RemoteWorker(inside.stage, inside.remote, number, self.dead_letters.append)
        with self._books:
            self._remote.append(worker)
            worker.border.tap(self._taps.wanted)
        return worker

    def _discard_unstarted(self, made: Iterable[Inside], keep: bool) -> None:
        """Undeploy the insides of clones that were not started.

        :param keep: whether inner cells themselves stay: only copies of them go.
        """
        for inside in made:
            if inside.remote is not None:
                self._discard_remote(inside.remote)
            scope = inside.scope
            if scope is None:
                continue
            stays = keep and scope.root is inside.stage.cell
            self._discard_unstarted(inside.inner, stays)
            for inner in scope.stages.values():
                del self._stages[inner.cell]
            if not stays:
                self._discard(scope, failed=True)

    def change_workers(self, stage: Stage, wanted: Mapping[type[ACloneCell], int]) -> None:
        """Start or take away workers of a stage that has some, until those that are wanted are left.

        :raises Exception: what an `_on_deploy` raised; nothing has changed then.
        """
        methods = (ThreadCloneCell, RayCloneCell)
        missing = {method: wanted.get(method, 0) - len(stage.get_staying(method)) for method in methods}
        self._add_workers(stage, {method: number for method, number in missing.items() if number > 0})
        for method, number in missing.items():
            for _ in range(-number):
                stage.retire_youngest(method)
        with self._monitor.lock:
            self._make_room()

    def renew_remote(self, stage: Stage) -> None:
        """Have new clones in other processes in place of those that there are.

        :raises Exception: what an `_on_deploy` raised; nothing has changed then.
        """
        before = stage.get_staying(RayCloneCell)
        self._add_workers(stage, {RayCloneCell: len(before)})
        for worker in before:
            stage.retire(worker)

    def _make_room(self) -> None:
        """Let the queues beside scaled cells hold as many items as may be inside of those. Lock held."""
        for scope in self.get_scopes():
            capacity = scope.get_capacity()
            for channel in scope.get_crossing_channels():
                if channel.capacity < capacity:
                    channel.capacity = capacity
                    self._monitor.wake_all(channel.room_waiters)

    def _on_worker_end(self, worker: Worker) -> None:
        """Called by the thread of a worker that does nothing more."""
        if worker.retiring:
            self._forget(worker)
            try:
                # The inner cell itself stays deployed: it may run inline next.
                keep = worker.scope is not None and worker.scope.root is worker.stage.cell
                self._dissolve(worker, keep, has_ended=False)
            except BaseException as error:  # SystemExit, say: it would end this thread, and nobody would hear of it
                self._log_failed_undeployment(error)

    def _forget(self, worker: Worker) -> None:
        """Count a worker that has ended, and those inside of it, among those that were."""
        with self._books:
            worker.stage.forget(worker)
            for name, one in find_cells_inside(worker).items():
                self._past_wall_s[name] = self._past_wall_s.get(name, 0.0) + one.wall_s

    def _dissolve(self, worker: Worker, keep: bool, has_ended: bool) -> None:
        """Undeploy the cells of a clone that has ended, and keep what it counted.

        :param keep: whether its cells stay, because they are the inner cell itself, which will run inline.
        :param has_ended: whether the stream has ended in there.
        """
        try:
            if worker.is_remote:
                self._dissolve_remote(worker)
            elif worker.scope is not None:
                self._dissolve_scope(worker, worker.scope, keep, has_ended)
        finally:
            worker.stage.let_go(worker)

    def _dissolve_scope(self, worker: Worker, scope: Scope, keep: bool, has_ended: bool) -> None:
        for stage in scope.get_stages_downstream_first():  # who waits for a result gets it, or the end
            self._end_workers(stage, keep, has_ended)
            del self._stages[stage.cell]
        scope.unbind()
        if keep:
            stage = worker.stage
            for unit in scope.units.values():
                if not has_ended:
                    # A clone that runs ahead was emptied by an end of its stream, which was not the end of the real one.
                    unit.rewind()
                unit.number_by_runs(stage.first_item + stage.sequencer.opened)
            return
        self._discard(scope, failed=False)

    def _dissolve_remote(self, worker: Worker) -> None:
        with self._books:
            remote = next(one for one in self._remote if one is worker)
            self._remote.remove(remote)
            for name, counters in remote.counters.items():
                self.retired.setdefault(name, Counters()).add(counters)
        try:
            remote.clone.begin_undeploy(failed=False)
            remote.clone.finish_undeploy()
        except Exception as error:
            self._log_failed_undeployment(error)

    def _undeploy_remote(self, failed: bool) -> Exception | None:
        """Undeploy the clones in other processes, at the same time; the first error is returned."""
        first: Exception | None = None
        exit_: BaseException | None = None
        for worker in self._remote:
            worker.clone.begin_undeploy(failed)
        for worker in self._remote:
            try:
                worker.clone.finish_undeploy()
            except Exception as error:
                first = first or error
            except BaseException as error:
                exit_ = exit_ or error
        if exit_ is not None:
            raise exit_
        return first

    def _discard_remote(self, clone: RemoteClone) -> None:
        """End a clone in another process that was not started: it may be deployed, or about to be."""
        clone.begin_undeploy(failed=True)
        try:
            if clone.is_ready(0.0):
                clone.finish_undeploy()
        except Exception as error:
            self._log_failed_undeployment(error)
        finally:
            clone.kill()

    def _discard(self, scope: Scope, failed: bool) -> None:
        """Undeploy the cells of a clone that runs no more, and keep what they counted."""
        with self._books:
            for cell in scope.cells:
                unit = self.units.pop(cell)
                self.retired.setdefault(unit.name, Counters()).add(unit.counters)
        error = self.undeploy_cells(scope.cells, failed)
        if error is not None:
            self._log_failed_undeployment(error)

    def _log_failed_undeployment(self, error: BaseException) -> None:
        cell = get_cell_of(error) or self._root.get_full_name()
        self._root.logger.error("%s failed in a clone that went away: %s", cell, describe_error(error))

    def end_workers(self, stage: Stage) -> None:
        """End the workers of a stage that has nothing in work. Its inner cell itself stays deployed."""
        self._end_workers(stage, keep=True, has_ended=stage.sequencer.ended)

    def _end_workers(self, stage: Stage, keep: bool, has_ended: bool) -> None:
        stage.close()
        stage.join()
        for worker in list(stage.workers):
            self._forget(worker)
            self._dissolve(worker, keep and worker.scope is not None and worker.scope.root is stage.cell, has_ended)

    def dissolve_stage(self, stage: Stage) -> None:
        """End the workers of a stage that is no more, and that has nothing in work; its inner cell will run inline."""
        self.end_workers(stage)
        del self._stages[stage.cell]
        # Of clones in other processes there are none here until now.
        for unit in [
            self._get_unit(one) for one in stage.cell._get_cells_recursively() if isinstance(one, ASingleCell)
        ]:
            if not stage.pulls_its_inside:
                unit.rewind()  # it may have ended, or been interrupted, before there were clones elsewhere
                unit.number_by_runs(stage.nb_brought)  # clones of clones had a part of the items only
            if stage.sequencer.ended:
                unit.end()  # what it had before the end still waits behind it


def _follow_policy(unit: Unit, cell: ASingleCell) -> None:
    policy = cell.get_error_policy()
    unit.retries = policy.retries
    unit.skips_errors = policy.then == "skip"


def _share_parameters(original: ACell, copy: ACell) -> None:
    """Let the parameters of a clone follow those of the original."""
    for own, other in zip(original._get_cells_recursively(), copy._get_cells_recursively(), strict=True):
        for name, io in own._inputs.items():
            twin = other._inputs.get(name)
            if isinstance(io, AParameter) and isinstance(twin, AParameter):
                twin._share_value_of(io)

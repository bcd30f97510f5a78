"""A deployed pipeline: its scopes and clones, and everything that happens to all of them at once.

Threads: `pull`, `reset`, `rescale` and `undeploy` may be called from any thread; those that need the pipeline at rest
between two steps take the turn of the main domain. No lock is held while user code runs.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Any

from pypipeline_engine.cell import ACell, ASingleCell, RayCloneCell, ScalableCell
from pypipeline_engine.cellio import AParameter
from pypipeline_engine.core.counters import Counters, DeadLetter, Statistics
from pypipeline_engine.core.errors import add_note
from pypipeline_engine.core.monitor import Interrupted, Monitor, Turn, Waiter
from pypipeline_engine.core.units import Unit
from pypipeline_engine.exceptions import (
    DeadlockException,
    InactiveException,
    InvalidStateException,
    ItemSkipped,
    NotDeployableException,
    NotDeployedException,
)
from pypipeline_engine.runtime.scope import MAIN, Registry, Scope
from pypipeline_engine.runtime.stage import Stage, Worker
from pypipeline_engine.runtime.statistics import take_snapshot

FRAMES_PER_CELL = 6
"""How many Python calls one cell adds to the depth of a pull at most: its own, and the engine's between two cells."""
SPARE_FRAMES = 1000
DEEP = 500
"""With more cells than this, threads get a larger stack: a pull may pass through C code, which uses it."""
LARGE_STACK_BYTES = 512 * 2**20
DEAD_LETTERS_KEPT = 1000


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
        self._turn = Turn(self.monitor, root.get_full_name())
        self._registry = Registry(self.monitor, self._get_unit, self._get_stage)
        self._units: dict[ASingleCell, Unit] = {}
        self._stages: dict[ScalableCell, Stage] = {}
        self._deployed: list[ASingleCell] = []
        self._structure = threading.RLock()  # one change of the number of clones at a time; held over `_on_deploy`
        self._books = threading.Lock()  # guards `_deployed` and `retired`; held for nothing else
        self._runner: object | None = None
        self._is_open = True
        self._ended = threading.Event()
        self.began = perf_counter()
        self.sink_items = 0
        self.retired: dict[str, Counters] = {}
        self.dead_letters: deque[DeadLetter] = deque(maxlen=DEAD_LETTERS_KEPT)
        self.scope = Scope(root, self._registry, MAIN)
        _refuse_ray(root)
        _make_room_for_calls(sum(1 for _ in root._get_cells_recursively()))
        self._limit_threads_of_opencv: Callable[[], None] = lambda: None
        try:
            self.scope.plan()
            for single in self.scope.cells:
                self._deploy_cell(single)
            root._deployment = self
            for stage in self.scope.stages.values():
                self._prepare_workers(stage)
        except BaseException:
            self._end(failed=True)
            raise
        if self.scope.stages:
            self._limit_threads_of_opencv = _limit_threads_of_opencv()
        for cell in self.scope.get_stages_on_cycles():
            cell.logger.warning(
                "%s lies on a cycle: one item at a time goes round, so its clones do not make it faster",
                cell.get_full_name(),
            )
        self.began = perf_counter()

    # ------------------------------------------------------------------ cells and clones

    def _get_unit(self, cell: ASingleCell) -> Unit:
        unit = self._units.get(cell)
        if unit is None:
            outputs = [(output.get_full_name(), output._slot) for output in cell.get_outputs()]
            unit = self._units[cell] = Unit(cell.get_full_name(), cell._on_pull, outputs)
            policy = cell.get_error_policy()
            unit.retries = policy.retries
            unit.skips_errors = policy.then == "skip"
            unit.report = self.dead_letters.append
        return unit

    def _get_stage(self, cell: ScalableCell, _: Scope) -> Stage:
        stage = self._stages.get(cell)
        if stage is None:
            stage = self._stages[cell] = Stage(cell, cell.get_full_name(), self.monitor, self._on_worker_end)
        return stage

    def _deploy_cell(self, cell: ASingleCell) -> None:
        """Call `_on_deploy`, once in a deployment."""
        with self._books:
            if cell in self._deployed:
                return
            self._deployed.append(cell)
        cell.run_failed = False
        try:
            cell._on_deploy()
        except Exception as error:
            add_note(error, f"in _on_deploy of the cell {cell.get_full_name()}")
            raise

    def _undeploy_cells(self, cells: Iterable[ASingleCell], failed: bool) -> Exception | None:
        """Call `_on_undeploy` of those that were deployed, last one first; the first error is returned."""
        wanted = set(cells)
        first: Exception | None = None
        with self._books:
            ending = [cell for cell in reversed(self._deployed) if cell in wanted]
            self._deployed = [cell for cell in self._deployed if cell not in wanted]
        for cell in ending:
            cell.run_failed = failed
            try:
                cell._on_undeploy()
            except Exception as error:
                add_note(error, f"in _on_undeploy of the cell {cell.get_full_name()}")
                first = first or error
        return first

    def _prepare_workers(self, stage: Stage) -> None:
        """Start as many workers as the scaled cell asks for."""
        scopes = [self._make_inside(stage, number) for number in range(stage.cell.get_nb_clones())]
        for scope in scopes:
            self._add_worker(stage, scope)

    def _add_worker(self, stage: Stage, scope: Scope | None) -> None:
        """Start a worker, and those of the scaled cells inside of it, which ask it for tickets."""
        stage.add_worker(scope)
        if scope is not None:
            for inner in scope.stages.values():
                self._prepare_workers(inner)

    def _make_inside(self, stage: Stage, number: int) -> Scope | None:
        """The scope of one clone, deployed. The first one is the inner cell itself, which so keeps its state."""
        if stage.pulls_its_inside:
            return None
        holder = stage.cell
        if number > 0:
            copy = stage.cell.clone(None)
            assert isinstance(copy, ScalableCell)
            holder = copy
            holder._stands_for = stage.cell
            holder._deployment = self
            _share_parameters(stage.cell, holder)
        scope = Scope(holder, self._registry, stage.name, stage)
        scope.plan()
        try:
            for cell in scope.cells:
                self._deploy_cell(cell)
        except BaseException:
            self._discard(scope, failed=True)
            raise
        return scope

    def get_scopes(self) -> list[Scope]:
        """The scope of the pipeline, and those of all clones."""
        scopes = [self.scope]
        for scope in scopes:
            for stage in scope.stages.values():
                scopes.extend(worker.scope for worker in list(stage.workers) if worker.scope is not None)
        return scopes

    def _get_all_stages(self) -> list[Stage]:
        return [stage for scope in self.get_scopes() for stage in scope.stages.values()]

    # ------------------------------------------------------------------ pulling

    def pull(self, cell: ACell) -> None:
        """Pull once; see `ACell.pull`."""
        if self._runner is not None:
            raise InvalidStateException(
                f"{cell.get_full_name()} is being run: use the handle of the run, or stop it before pulling by hand"
            )
        self._begin()
        try:
            if cell is self.root:
                self._step_to_an_item()
            else:
                self._pull_part(cell)
        except Interrupted:
            raise self._explain_interruption() from None
        finally:
            self.monitor.end_pull(self._turn)

    def _begin(self) -> None:
        if not self._is_open:
            raise NotDeployedException(f"{self.root.get_full_name()} is not deployed: deploy() it first")
        self._refuse_from_inside("pulled")
        try:
            self.monitor.begin_pull(self._turn)
        except Interrupted:
            raise self._explain_interruption() from None

    def _refuse_from_inside(self, what: str) -> None:
        """Refuse what would wait for the pull that it is a part of."""
        if self.is_inside():
            raise InvalidStateException(f"{self.root.get_full_name()} cannot be {what} by one of its own cells")

    def is_inside(self) -> bool:
        """Whether the calling thread is running a cell of this pipeline."""
        return self._turn.is_mine() or self.monitor.is_worker()

    def _step_to_an_item(self) -> None:
        while True:
            try:
                self.scope.step()
            except ItemSkipped:
                continue
            self.sink_items += 1
            return

    def _pull_part(self, cell: ACell) -> None:
        """Pull a cell inside the pipeline: what runs in it, each once."""
        nodes = [node for node in self.scope.get_nodes() if node in set(cell._get_cells_recursively())]
        if not nodes:
            raise InvalidStateException(
                f"{cell.get_full_name()} runs in clones and cannot be pulled by itself: pull the pipeline"
            )
        pulled = [node for node in nodes if node is cell or self.scope.leads_out_of(node, cell)]
        direct = [node for node in pulled if self.scope.queue_behind(node)]
        if direct:
            self._plan_again()
        for node in pulled:
            turn = self.scope.get_turn(node)
            if turn is not None:
                turn.take()
            try:
                outcome = self.scope.get_run(node)()
            finally:
                if turn is not None:
                    turn.give()
            if outcome is not None:
                raise outcome.get_error()

    def pull_while(self, wanted: Callable[[int], bool], on_error: Callable[[Exception], None]) -> None:
        """Step again and again, as long as `wanted` says so, which is asked before each step.

        :param wanted: is given how many items the step before brought, 0 or 1.
        :param on_error: is given each error, and may raise it.
        :raises StopIteration: at the end of the stream.
        :raises InactiveException: when undeployed meanwhile.
        """
        self._begin()
        inside = True
        done = 0
        try:
            while wanted(done):
                done = 0
                if self._turn.is_wanted():  # somebody needs the pipeline between two steps
                    self.monitor.end_pull(self._turn)
                    inside = False
                    self._begin()
                    inside = True
                try:
                    self.scope.step()
                    self.sink_items += 1
                    done = 1
                except ItemSkipped:
                    continue
                except StopIteration:
                    raise
                except Exception as error:
                    on_error(error)
        except Interrupted:
            raise self._explain_interruption() from None
        finally:
            if inside:
                self.monitor.end_pull(self._turn)

    def claim(self, runner: object) -> None:
        """Reserve the pulling for a run.

        :raises InvalidStateException: where there is one already.
        """
        with self.monitor.lock:
            if self._runner is not None:
                raise InvalidStateException(f"{self.root.get_full_name()} is being run already")
            self._runner = runner

    def release(self, runner: object) -> None:
        """Undo `claim`."""
        with self.monitor.lock:
            if self._runner is runner:
                self._runner = None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say in words where something was interrupted."""
        try:
            yield
        except Interrupted:
            raise self._explain_interruption() from None

    def _explain_interruption(self) -> Exception:
        why = "was reset" if self._is_open else "was undeployed"
        return InactiveException(f"{self.root.get_full_name()} {why} during this pull")

    # ------------------------------------------------------------------ stalls

    def _break_stall(self, waiters: list[Waiter]) -> None:
        """Everybody sleeps and somebody pulls: make room where that helps, else say who waits for what. Lock held."""
        grown = False
        for scope in self.get_scopes():
            for channel in scope.get_crossing_channels():
                if channel.room_waiters:
                    grown = channel.grow() or grown
        if grown:
            return
        pulling = [waiter for waiter in waiters if waiter.pulls]
        if not pulling:
            return
        reasons = sorted({waiter.reason() for waiter in waiters})
        text = "".join(f"\n - one waits for {reason}" for reason in reasons)
        self.monitor.wake_with(
            pulling[0], DeadlockException(f"the cells of {self.root.get_full_name()} wait for each other:{text}")
        )

    # ------------------------------------------------------------------ resetting

    def reset(self, cell: ACell) -> None:
        """Send the streams that end in `cell` back to their start; see `ACell.reset`."""
        if not self._is_open:
            raise NotDeployedException(f"{cell.get_full_name()} is not deployed: deploy() it first")
        self._refuse_from_inside("reset")
        with self._structure, self._explained():
            self._begin()
            try:
                error = _call_on_reset(self._bring_to_rest_for_reset(cell))
            finally:
                for scope in self.get_scopes():
                    scope.resume()
                self.monitor.resume()
                for stage in self._get_all_stages():
                    stage.unpause()
                self.monitor.end_pull(self._turn)
            if error is not None:
                raise error

    def _bring_to_rest_for_reset(self, cell: ACell) -> list[ASingleCell]:
        """Interrupt everything, drop what is in flight, and return the cells that are to be told, sinks first."""
        upstream = self.scope.get_upstream(cell)
        with self._without_bounds():
            for stage in self._get_stages_downstream_first():
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
        self.scope.rewind(upstream)
        for scope in scopes[1:]:
            scope.rewind(set(scope.get_nodes()))
        told = [one for one in self.scope.cells if one in upstream]
        for scope in scopes[1:]:
            told.extend(scope.cells)
        return told[::-1]

    # ------------------------------------------------------------------ scaling while deployed

    def rescale(self, cell: ScalableCell) -> None:
        """Bring the workers of `cell`, in every scope that has it, in line with what it asks for."""
        _refuse_ray(cell)
        with self._structure, self._explained():
            if not self._is_open:
                return
            places = self._find_places(cell)
            for _, own in places:
                own._nb_clones = dict(cell._nb_clones)
            if all((own in scope.stages) == (own.get_nb_clones() > 0) for scope, own in places):
                for scope, own in places:
                    if own in scope.stages:
                        self._change_workers(scope.stages[own], own.get_nb_clones())
                return
            self._refuse_from_inside(f"changed ({cell.get_full_name()} gets its first clone or loses its last one)")
            self._begin()
            try:
                self._plan_again(places[0][0] is not self.scope)
            finally:
                self.monitor.end_pull(self._turn)

    def _find_places(self, cell: ScalableCell) -> list[tuple[Scope, ScalableCell]]:
        """Every scope in which `cell`, or its copy in a clone, is a node."""
        above: Any = cell.get_parent_cell()
        path = [cell.get_name()]
        while above is not None and above not in self._stages:
            path.append(above.get_name())
            above = above.get_parent_cell()
        if above is None or self._stages[above].pulls_its_inside:
            return [(self.scope, cell)]
        places = []
        for scope, twin in self._find_places(above):
            for worker in scope.stages[twin].workers:
                assert worker.scope is not None
                found: Any = worker.scope.root
                for name in reversed(path):
                    found = found.get_internal_cell_with_name(name)
                places.append((worker.scope, found))
        return places

    def _change_workers(self, stage: Stage, wanted: int) -> None:
        new: list[Scope | None] = []
        try:
            for number in range(len(stage.staying), wanted):
                new.append(self._make_inside(stage, number))
        except BaseException:
            for scope in new:
                if scope is not None:
                    self._discard(scope, failed=True)
            raise
        for scope in new:
            self._add_worker(stage, scope)
        while len(stage.staying) > wanted:
            stage.retire_youngest()
        capacity = self.scope.get_capacity()
        for channel in self.scope.get_crossing_channels():
            channel.capacity = max(channel.capacity, capacity)

    def _on_worker_end(self, worker: Worker) -> None:
        """Called by the thread of a worker that does nothing more."""
        if worker.retiring:
            worker.stage.forget(worker)
            if worker.scope is not None and worker.scope.root is not worker.stage.cell:
                self._dissolve(worker, keep=False)

    def _dissolve(self, worker: Worker, keep: bool) -> None:
        """Undeploy the cells of a clone that has ended, and keep what it counted.

        :param keep: whether its cells stay, because they are the inner cell itself, which will run inline.
        """
        assert worker.scope is not None
        for stage in worker.scope.stages.values():
            self._end_workers(stage, keep)
            del self._stages[stage.cell]
        worker.scope.unbind()
        if keep:
            if not worker.stage.sequencer.ended:
                # A clone that runs ahead was emptied by an end of its stream, which was not the end of the real one.
                for unit in worker.scope.units.values():
                    unit.rewind()
            return
        self._discard(worker.scope, failed=False)

    def _discard(self, scope: Scope, failed: bool) -> None:
        """Undeploy the cells of a clone that runs no more, and keep what they counted."""
        with self._books:
            for cell in scope.cells:
                unit = self._units.pop(cell)
                self.retired.setdefault(unit.name, Counters()).add(unit.counters)
        error = self._undeploy_cells(scope.cells, failed)
        if error is not None:
            self.root.logger.error("a clone that was taken away could not be undeployed: %s", error)

    def _end_workers(self, stage: Stage, keep: bool = True) -> None:
        """End the workers of a stage that is no more, and that has nothing in work."""
        stage.close()
        stage.join()
        for worker in list(stage.workers):
            stage.forget(worker)
            if worker.scope is not None:
                self._dissolve(worker, keep and worker.scope.root is stage.cell)

    def _without_bounds(self) -> Any:
        return _WithoutBounds(self)

    def _plan_again(self, renew_clones: bool = False) -> None:
        """Make the plan of the pipeline again, with the stages that are wanted now. The caller has the main turn.

        :param renew_clones: whether clones are to be made again, because something inside of them is scaled otherwise.
        """
        scope = self.scope
        self._refuse_to_swallow_stages()
        stages = self._get_stages_downstream_first()
        with self._without_bounds():
            # Downstream first: what a worker still needs to finish its item comes from further up.
            for stage in stages:
                stage.pause()
        for stage in stages:
            if not stage.cell.get_nb_clones():
                self._end_workers(stage)
                del self._stages[stage.cell]
            elif renew_clones:
                self._end_workers(stage)
        scope.plan()
        for cell in scope.cells:
            self._deploy_cell(cell)
        for stage in scope.stages.values():
            if not stage.workers:
                stage.reopen()
                self._prepare_workers(stage)
            stage.unpause()

    def _get_stages_downstream_first(self) -> list[Stage]:
        stages: dict[Any, Stage] = dict(self.scope.stages)
        return [stages[node] for node in reversed(self.scope.get_order()) if node in stages]

    def _refuse_to_swallow_stages(self) -> None:
        """Refuse a first clone for a cell whose inside is scaled already: items are on their way in there.

        :raises InvalidStateException: in that case.
        """
        for cell in self.scope.stages:
            above: ACell | None = cell.get_parent_cell()
            while above is not None:
                if isinstance(above, ScalableCell) and above.get_nb_clones() and above not in self.scope.stages:
                    raise InvalidStateException(
                        f"{above.get_full_name()} cannot get its first clone while {cell.get_full_name()}, inside of it, "
                        f"has clones that run: scale that one down first, or undeploy() before"
                    )
                above = above.get_parent_cell()

    # ------------------------------------------------------------------ ending

    def undeploy(self, failed: bool = False) -> None:
        """End all threads and call `_on_undeploy` of every cell; waits for user code that runs.

        :param failed: whether an error ended the run.
        :raises Exception: the first error that an `_on_undeploy` raised, after all were called.
        """
        self._refuse_from_inside("undeployed")
        with self.monitor.lock:
            first = self._is_open
            self._is_open = False
        if not first:
            self._ended.wait()
            return
        error = self._end(failed)
        if error is not None:
            raise error

    def interrupt(self) -> None:
        """Have every pull end as soon as the user code that runs returns. All that is left to do then is to undeploy."""
        for stage in self._get_all_stages():
            stage.close()
        for scope in self.get_scopes():
            scope.interrupt()
        self.monitor.interrupt(for_good=True)

    def _get_threads(self) -> list[threading.Thread]:
        return [worker.thread for stage in self._get_all_stages() for worker in stage.workers]

    def _end(self, failed: bool) -> Exception | None:
        self._is_open = False
        self.interrupt()
        self.monitor.enter()
        self.monitor.wait_until_quiet()
        self.monitor.leave()
        for thread in self._get_threads():
            thread.join()
        for scope in self.get_scopes():
            scope.unbind()
        error = self._undeploy_cells(list(self._deployed), failed)
        self._limit_threads_of_opencv()
        if self.root._deployment is self:
            self.root._deployment = None
        self._ended.set()
        return error

    # ------------------------------------------------------------------ watching

    def statistics(self) -> Statistics:
        """What was counted until now. Never waits for user code."""
        return take_snapshot(self)

    @property
    def units(self) -> dict[ASingleCell, Unit]:
        """Every cell that runs, clones included."""
        return self._units


class _WithoutBounds:
    """While open, nobody waits for room, so that every worker can finish its item."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def __enter__(self) -> None:
        monitor = self._deployment.monitor
        with monitor.lock:
            monitor.unbounded = True
            for scope in self._deployment.get_scopes():
                for channel in scope.get_crossing_channels():
                    monitor.wake_all(channel.room_waiters)

    def __exit__(self, *_: object) -> None:
        with self._deployment.monitor.lock:
            self._deployment.monitor.unbounded = False


def _call_on_reset(cells: Iterable[ASingleCell]) -> Exception | None:
    """Call `_on_reset` of all of them; the first error is returned."""
    first: Exception | None = None
    for cell in cells:
        try:
            cell._on_reset()
        except Exception as error:
            add_note(error, f"in _on_reset of the cell {cell.get_full_name()}")
            first = first or error
    return first


def _refuse_ray(root: ACell) -> None:
    for cell in root._get_cells_recursively():
        if isinstance(cell, ScalableCell) and cell.get_nb_clones(RayCloneCell):
            raise NotDeployableException(
                f"{cell.get_full_name()} asks for Ray clones, which this version cannot run yet: use ThreadCloneCell"
            )


def _share_parameters(original: ACell, copy: ACell) -> None:
    """Let the parameters of a clone follow those of the original."""
    for own, other in zip(original._get_cells_recursively(), copy._get_cells_recursively(), strict=True):
        for name, io in own._inputs.items():
            twin = other._inputs.get(name)
            if isinstance(io, AParameter) and isinstance(twin, AParameter):
                twin._share_value_of(io)


def _make_room_for_calls(nb_cells: int) -> None:
    """Allow pulls as deep as the pipeline is long. Calls between Python functions use no stack of C."""
    needed = FRAMES_PER_CELL * nb_cells + SPARE_FRAMES
    if sys.getrecursionlimit() < needed:
        sys.setrecursionlimit(needed)
    if nb_cells > DEEP and threading.stack_size() < LARGE_STACK_BYTES:
        threading.stack_size(LARGE_STACK_BYTES)


def _limit_threads_of_opencv() -> Callable[[], None]:
    """Have OpenCV use one thread for each clone, which would otherwise start as many as there are cores each.

    :returns: undoes it.
    """
    cv2 = sys.modules.get("cv2")
    if cv2 is None:
        return lambda: None
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)

    def undo() -> None:
        with suppress(AttributeError):
            cv2.setNumThreads(before)

    return undo

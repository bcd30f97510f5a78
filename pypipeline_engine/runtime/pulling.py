"""Pulling a deployed pipeline: when somebody asks for an item, or again and again for a run.

Threads: everything may be called from any thread. One at a time pulls; it has the turn of the main domain, which also those
take who need the pipeline at rest between two steps.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from pypipeline_engine.cell import ACell, ASingleCell
from pypipeline_engine.core.monitor import Interrupted, Kept, Monitor, Waiter
from pypipeline_engine.core.turn import Turn
from pypipeline_engine.exceptions import InactiveException, InvalidStateException, ItemSkipped, NotDeployedException
from pypipeline_engine.runtime.call_stack import call_with_room
from pypipeline_engine.runtime.scope import Scope, raise_error_of_step


class Runner(Protocol):
    """What the deployment asks of a run."""

    def end_until(self, deadline_s: float) -> None:
        """End, and wait for that until `perf_counter()` says so."""


class Puller:
    """Who pulls the pipeline whose outermost cell is `root`."""

    def __init__(
        self,
        root: ACell,
        scope: Scope,
        monitor: Monitor,
        plan_again: Callable[[], None],
        is_in_hook: Callable[[], bool],
    ) -> None:
        """Make a puller for a pipeline that is about to be deployed.

        :param scope: runs the pipeline.
        :param plan_again: makes the plan again; the caller has the turn.
        :param is_in_hook: whether the calling thread is in `_on_deploy`, `_on_undeploy` or `_on_reset` of a cell.
        """
        self._root = root
        self._scope = scope
        self._monitor = monitor
        self._plan_again = plan_again
        self._is_in_hook = is_in_hook
        self._turn = Turn(monitor, root.get_full_name())
        scope.find_main = self._turn.get_threads
        self.runner: Runner | None = None
        """The run that pulls. Guarded by the lock of the monitor."""
        self._news: list[None] = []
        """Not empty where a run is to ask again how many items there may be."""
        self.is_open = True
        """Whether the pipeline is not being undeployed. Becomes false once, under the lock of the monitor."""
        self.sink_items = 0
        """How many steps were delivered at the end of the pipeline."""

    # ------------------------------------------------------------------ having the turn

    def begin(self) -> None:
        """Take the turn, after which nobody else pulls until `end`.

        :raises NotDeployedException: where the pipeline is being undeployed.
        :raises InvalidStateException: in the middle of a pull of the same thread, or in a clone.
        :raises InactiveException: where the pipeline was undeployed while this waited.
        """
        if not self.is_open:
            raise NotDeployedException(f"{self._root.get_full_name()} is not deployed: deploy() it first")
        self.refuse_from_inside("pulled")
        try:
            self._monitor.begin_pull(self._turn)
        except Interrupted:
            raise self._explain_interruption() from None

    def end(self) -> None:
        """Give the turn."""
        self._monitor.end_pull(self._turn)

    def is_inside(self) -> bool:
        """Whether the calling thread is running a cell of this pipeline."""
        return self._is_in_hook() or self._monitor.is_inside(self._turn)

    def is_waiting_to_begin(self, waiter: Waiter) -> bool:
        """Whether that one waits for the turn only. Lock held."""
        return waiter in self._turn.waiters

    def refuse_from_inside(self, what: str) -> None:
        """Refuse what would wait for the pull that it is a part of."""
        if self.is_inside():
            raise InvalidStateException(f"{self._root.get_full_name()} cannot be {what} by one of its own cells")

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Say in words where something was interrupted."""
        try:
            yield
        except Interrupted:
            raise self._explain_interruption() from None

    def _explain_interruption(self) -> Exception:
        why = "was reset" if self.is_open else "was undeployed"
        return InactiveException(f"{self._root.get_full_name()} {why} during this pull")

    # ------------------------------------------------------------------ on demand

    def bind(self) -> None:
        """Give the outermost cell a `pull` that keeps the turn until the next one, as long as nobody else wants it."""
        kept: Kept | None = None
        scope, monitor, get_ident = self._scope, self._monitor, threading.get_ident
        step = scope.single_step  # whoever makes another plan takes the turn for that

        def pull() -> None:
            nonlocal kept, step
            mine = kept
            if mine is not None and mine.open_to == get_ident():
                try:
                    mine.open_to = None
                    if not mine.revoked:
                        step()
                        self.sink_items += 1
                        return
                except ItemSkipped:
                    pass
                except Interrupted:
                    with monitor.lock:
                        monitor.revoke_locked()
                    raise self._explain_interruption() from None
                finally:
                    mine.open_to = mine.thread
                    if mine.revoked:
                        monitor.leave_kept(mine)
            self._refuse_during_run(self._root)
            self.begin()
            may_keep = True
            try:
                self._step_to_an_item()
            except Interrupted:
                may_keep = False
                raise self._explain_interruption() from None
            finally:
                step = scope.single_step
                kept = monitor.pause_pull(self._turn, lambda: may_keep and self.runner is None)

        self._root._shadow_pull(pull)

    def unbind(self) -> None:
        """Give the outermost cell its own `pull` back."""
        self._root._shadow_pull(None)

    def pull(self, cell: ACell) -> None:
        """Pull once; see `ACell.pull`."""
        self._refuse_during_run(cell)
        self.begin()
        try:
            if cell is self._root:
                self._step_to_an_item()
            else:
                self._pull_part(cell)
        except Interrupted:
            raise self._explain_interruption() from None
        finally:
            self.end()

    def _refuse_during_run(self, cell: ACell) -> None:
        if self.runner is not None:
            raise InvalidStateException(
                f"{cell.get_full_name()} is being run: use the handle of the run, or stop it before pulling by hand"
            )

    def _step_to_an_item(self) -> None:
        while True:
            try:
                self._scope.single_step()
            except ItemSkipped:
                continue
            self.sink_items += 1
            return

    def _pull_part(self, cell: ACell) -> None:
        """Pull a cell inside the pipeline: what runs in it, each once, and again where all of that met a gap."""
        scope, inside = self._scope, set(cell._get_cells_recursively())
        if not any(isinstance(one, ASingleCell) for one in inside):
            raise StopIteration  # as in a pipeline without cells
        nodes = [node for node in scope.get_nodes() if node in inside]
        if not nodes:
            raise InvalidStateException(
                f"{cell.get_full_name()} runs in clones and cannot be pulled by itself: pull the pipeline"
            )
        pulled = [node for node in nodes if node is cell or scope.leads_out_of(node, cell)]
        direct = [node for node in pulled if scope.queue_behind(node)]
        if direct:
            self._plan_again()
        while True:
            with suppress(ItemSkipped):
                raise_error_of_step([scope.pull_alone(node) for node in pulled], cell)
                return

    # ------------------------------------------------------------------ for a run

    def claim(self, runner: Runner) -> None:
        """Reserve the pulling for a run.

        :raises InvalidStateException: where there is one already.
        """
        with self._monitor.lock:
            self._monitor.revoke_locked()
            if self.runner is not None:
                raise InvalidStateException(f"{self._root.get_full_name()} is being run already")
            self.runner = runner

    def release(self, runner: Runner) -> None:
        """Undo `claim`."""
        with self._monitor.lock:
            if self.runner is runner:
                self.runner = None

    def ask_again(self) -> None:
        """Have `pull_many` ask after the step at hand how many more there may be."""
        self._news.append(None)

    def _begin_for_a_run(self) -> None:
        try:
            self.begin()
        except NotDeployedException:  # it was deployed when the run began
            raise self._explain_interruption() from None

    def pull_many(self, allow: Callable[[int], int], on_error: Callable[[Exception], None]) -> None:
        """Step again and again.

        :param allow: says how many more items may come, and is given how many came since it was asked last. It is asked when
            that many have come, and after `ask_again`; with 0 this returns.
        :param on_error: is given each error, and may raise it.
        :raises StopIteration: at the end of the stream.
        :raises InactiveException: when undeployed meanwhile.
        """
        call_with_room(lambda: self._pull_many(allow, on_error), self._scope.depth)

    def _pull_many(self, allow: Callable[[int], int], on_error: Callable[[Exception], None]) -> None:
        self._begin_for_a_run()
        inside = True
        # Lists, which stay the same: looking whether one is empty is the least that can be done for each item.
        waiters, news, step = self._turn.waiters, self._news, self._scope.step
        allowed = left = allow(0)
        try:
            while left:
                if news:
                    news.clear()  # before it is asked: what comes later is asked for later
                    allowed = left = allow(allowed - left)
                    continue
                if waiters:  # somebody needs the pipeline between two steps, maybe for another plan
                    self.end()
                    inside = False
                    self._begin_for_a_run()
                    inside = True
                    step = self._scope.step
                try:
                    step()
                except ItemSkipped:
                    continue
                except StopIteration:
                    raise
                except Exception as error:
                    on_error(error)
                    continue
                self.sink_items += 1
                left -= 1
                if not left:
                    allowed = left = allow(allowed)
        except Interrupted:
            raise self._explain_interruption() from None
        finally:
            if inside:
                self.end()

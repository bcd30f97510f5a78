"""Running a pipeline in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from time import perf_counter
from typing import TYPE_CHECKING, Self

from pypipeline_engine.core.errors import get_cell_of, get_item_of, sign
from pypipeline_engine.exceptions import (
    InactiveException,
    InvalidInputException,
    InvalidStateException,
    NonCriticalException,
    TimeoutException,
)

if TYPE_CHECKING:
    from pypipeline_engine.cell import ACell
    from pypipeline_engine.core.counters import Statistics
    from pypipeline_engine.runtime.deployment import Deployment
    from pypipeline_engine.runtime.taps import Fail, Look
    from pypipeline_engine.runtime.working import WorkingCell, WorkingThread


class RunState(StrEnum):
    """What a run does."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"
    """The stream ended, or as many items came as were asked for."""
    STOPPED = "stopped"
    FAILED = "failed"


MANY = 2**62
"""More items than any run has."""
_OVER = (RunState.ENDED, RunState.STOPPED, RunState.FAILED)


class RunHandle:
    """A run, from its start on. All methods may be called from any thread, and only `wait` and `stop` wait.

    As a context manager it stops the run at the end of the block.
    """

    def __init__(
        self,
        cell: ACell,
        *,
        max_items: int | None = None,
        paused: bool = False,
        on_error: Callable[[Exception], None] | None = None,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        """Deploy `cell` if needed, and start.

        :param max_items: end after so many items; `None` for all there are.
        :param paused: begin paused, for stepping.
        :param on_error: is told every non-critical error, in the run's thread.
        :param on_end: is called in the run's thread when everything has ended.
        :raises InvalidInputException: for a part of a pipeline, or a negative number of items.
        :raises InvalidStateException: while another run of the pipeline goes on.
        """
        if cell.get_parent_cell() is not None:
            raise InvalidInputException(
                f"{cell.get_full_name()} is a part of {cell.get_root_cell().get_full_name()}: run that one"
            )
        if max_items is not None and (isinstance(max_items, bool) or not isinstance(max_items, int) or max_items < 0):
            raise InvalidInputException(f"max_items must be a whole number of at least 0, not {max_items!r}")
        self._cell = cell
        self._max_items = max_items
        self._on_error = on_error
        self._on_end = on_end
        self._owns_deployment = not cell.is_deployed()
        if self._owns_deployment:
            cell.deploy()
        self._deployment: Deployment = cell._get_deployment()  # type: ignore[assignment]  # the only kind there is
        self.nb_items: int | None = None
        """How many items are to be expected, `None` where unknown."""
        try:
            self._deployment.puller.claim(self)
            self.nb_items = self._expect(
                self._deployment.nb_items if self._owns_deployment else cell.get_nb_available_pulls()
            )
        except BaseException:
            self._deployment.puller.release(self)
            if self._owns_deployment:
                self._deployment.undeploy(failed=True)
            raise
        self.error: Exception | None = None
        """The critical error that ended the run."""
        self.nb_errors = 0
        """How many non-critical errors there were."""
        self._nb_done = 0
        self._last: Statistics | None = None
        self._state = RunState.PAUSED if paused else RunState.RUNNING
        self._steps = 0
        self._is_stepping = False  # whether what the thread pulls now are steps
        self._stop_asked = False
        # Guards state, steps and the wish to stop.
        self._changed = threading.Condition()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pypipeline run {cell.get_name()}", daemon=True)
        self._thread.start()

    def _expect(self, available: int | None) -> int | None:
        known = [number for number in (available, self._max_items) if number is not None]
        return min(known, default=None)

    # ------------------------------------------------------------------ what it does

    @property
    def state(self) -> RunState:
        """What the run does now."""
        return self._state

    def statistics(self) -> Statistics:
        """What was counted until now, or until the end. Never waits for user code."""
        last = self._last
        return last if last is not None else self._deployment.statistics()

    def find_working_threads(self) -> list[WorkingThread]:
        """The threads of this process that are in the code of cells. Never waits for it."""
        return self._deployment.find_working_threads()

    def find_working(self) -> set[WorkingCell]:
        """The cells whose own code runs at this moment. Never waits for it."""
        return self._deployment.find_working()

    def tap(self, name: str, look: Look | None, *, with_inputs: bool = False, on_error: Fail | None = None) -> None:
        """Have the items of a cell looked at that its runs bring, in whichever clone, until the run is over.

        Of a clone in another process only what leaves it is seen: items of the cells whose outputs it brings, with their
        inputs where all of these come from outside; outputs that nobody reads are left out.

        :param name: the full name of a single cell.
        :param look: is given each item in the thread of the cell, right after the cell's code, or when the item has come
            from another process; the cell waits for it, and what it raises is logged. `None` to look no more, after which
            only runs that had begun may still be told.
        :param with_inputs: whether the item is to have what the cell pulled for it.
        :param on_error: is given, as `look` is, each item at which the cell's code raised an error, with what was pulled for
            it and without outputs, and the error, which it must not keep; where the cell tries again, each time.
        """
        self._deployment.crew.tap(name, look, with_inputs, on_error)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run is over.

        :param timeout: seconds to wait at most.
        :raises TimeoutException: if it is not over by then.
        :raises InvalidStateException: in a cell, or in what the run calls, which would wait for itself.
        :raises Exception: the critical error that ended it.
        """
        if threading.current_thread() is self._thread or self._deployment.puller.is_inside():
            raise InvalidStateException(f"the run of {self._cell.get_full_name()} cannot be waited for by itself")
        if not self._over.wait(timeout):
            raise TimeoutException(f"the run of {self._cell.get_full_name()} is not over after {timeout:g} s")
        if self.error is not None:
            raise self.error

    def pause(self) -> None:
        """Pause after the current step; clones go on until their queues are full."""
        self._set_state(RunState.PAUSED)

    def resume(self) -> None:
        """Go on."""
        self._set_state(RunState.RUNNING)

    def step(self, n: int = 1) -> None:
        """While paused, let `n` more items through.

        :raises InvalidStateException: while not paused.
        """
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise InvalidInputException(f"a run can go on by a whole number of steps of at least 1, not {n!r}")
        with self._changed:
            if self._state is not RunState.PAUSED:
                raise InvalidStateException(f"the run is {self._state}: pause() it before stepping")
            self._steps += n
            self._tell()

    def _set_state(self, state: RunState) -> None:
        with self._changed:
            if self._state in _OVER:
                raise InvalidStateException(f"the run is {self._state} and cannot become {state}")
            self._state = state
            self._steps = 0
            self._is_stepping = False
            self._tell()

    def _tell(self) -> None:
        """Have the thread look at what has changed, which is guarded by the lock that the caller has."""
        self._changed.notify_all()
        self._deployment.puller.ask_again()

    def stop(self) -> None:
        """End the run, and wait for that: for user code that runs, and for nothing else. Does nothing once it is over, and
        does not wait in a cell or in what the run calls.

        A pipeline that the run deployed is undeployed; of one that was deployed before, the current step is finished.
        """
        with self._changed:
            self._stop_asked = True
            self._tell()
        if threading.current_thread() is self._thread or self._deployment.puller.is_inside():
            return
        if self._owns_deployment and not self._over.is_set():
            self._deployment.interrupt()
        self._over.wait()

    def end_until(self, deadline_s: float) -> None:
        """Stop because the interpreter ends; its thread undeploys. Waits until `perf_counter()` says so at most."""
        with self._changed:
            self._stop_asked = True
            self._tell()
        self._over.wait(max(0.0, deadline_s - perf_counter()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        state = RunState.FAILED
        try:
            state = self._pull_until_over()
        except Exception as error:
            self.error = error
        except BaseException as error:  # a cell that raises SystemExit, say, ends its run and not its thread alone
            self.error = _explain_exit(self._cell, error)
        try:
            self._last = self._deployment.statistics()
            self._deployment.puller.release(self)
            if self._owns_deployment:
                self._deployment.undeploy(failed=state is RunState.FAILED)
        except BaseException as error:
            self.error = self.error or (error if isinstance(error, Exception) else _explain_exit(self._cell, error))
            state = RunState.FAILED
        finally:
            with self._changed:
                self._state = state
                self._changed.notify_all()
            try:
                if self._on_end is not None:
                    self._on_end()
            finally:
                self._over.set()

    def _pull_until_over(self) -> RunState:
        while True:
            if not self._wait_for_leave():
                return RunState.STOPPED if self._stop_asked else RunState.ENDED
            try:
                self._deployment.puller.pull_many(self._allow, self._handle)
            except StopIteration:
                return RunState.ENDED
            except InactiveException:
                if self._stop_asked:
                    return RunState.STOPPED
                raise

    def _wait_for_leave(self) -> bool:
        """Wait while paused; false where the run is to end."""
        with self._changed:
            while not self._stop_asked and self._state is RunState.PAUSED and not self._steps and not self._is_full():
                self._changed.wait()
            return not self._stop_asked and not self._is_full()

    def _is_full(self) -> bool:
        return self._max_items is not None and self._nb_done >= self._max_items

    def _allow(self, done: int) -> int:
        """How many more items may come until this is asked again, after so many that came since it was asked last."""
        self._nb_done += done
        with self._changed:
            if self._is_stepping:
                self._steps = max(0, self._steps - done)
            self._is_stepping = self._state is RunState.PAUSED
            if self._stop_asked or self._is_full():
                return 0
            most = MANY if self._max_items is None else self._max_items - self._nb_done
            return min(most, self._steps) if self._is_stepping else most

    def _handle(self, error: Exception) -> None:
        if not isinstance(error, NonCriticalException):
            raise error
        self.nb_errors += 1
        if self._on_error is not None:
            self._on_error(error)


def _explain_exit(root: ACell, cause: BaseException) -> Exception:
    """The error for what is no `Exception`, and would have ended the thread alone."""
    error = InvalidStateException(f"{root.get_full_name()} was ended by {cause!r}")
    error.__cause__ = cause
    cell = get_cell_of(cause)
    if cell is not None:
        sign(error, cell, get_item_of(cause))
    return error

"""One run at a time: started from a graph, controlled, watched, and readable until the next one.

All methods may be called from any thread. `start`, `set_parameter` and `scale` run code of cells and may take any time;
the others come back at once, whatever the cells do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pypipeline_engine.core.counters import DeadLetter, Statistics
from pypipeline_engine.exceptions import NotDeployableException, PipelineException
from pypipeline_engine.host import control
from pypipeline_engine.host.blame import Blame
from pypipeline_engine.host.graphs import Built, Workshop
from pypipeline_engine.host.journal import Journal
from pypipeline_engine.host.protocol import (
    CellError,
    EventName,
    ParameterRequest,
    RunInfo,
    RunRequest,
    RunState,
    ScaleRequest,
    Snapshot,
)
from pypipeline_engine.host.refusals import CONFLICT, UNPROCESSABLE, Refused
from pypipeline_engine.host.sampler import Sampler
from pypipeline_engine.host.watches import Watches
from pypipeline_engine.insight.naming import without_root
from pypipeline_engine.insight.observer import Observer

if TYPE_CHECKING:
    from pypipeline_engine.runtime import RunHandle

MOST_LETTERS_AT_ONCE = 50
"""How many errors of skipped items are told one by one at a look; of more, the latest."""
_NO_RUN = Snapshot(run=0, state="none", elapsed_s=0, window_s=0, sink_items=0, sink_rate_hz=0, cells={})


class _Run:
    """One run, from the moment that its graph was built. Guarded by the lock of the session where it says so."""

    def __init__(self, number: int, built: Built, *, paused: bool) -> None:
        self.number = number
        self.name = built.document.name
        self.built: Built | None = built
        """`None` once it is over: the pipeline may be large."""
        self.blame = Blame(built.pipeline)
        self.observer = Observer.of(built.pipeline)
        self.sampler = Sampler(number, self.observer)
        self.latest_letter: DeadLetter | None = None
        self.handle: RunHandle | None = None
        self.watches: Watches | None = None
        self.paused = paused
        self.was_paused = paused
        self.stop_asked = False
        self.nb_items: int | None = None
        self.end: RunState | None = None
        self.error: CellError | None = None
        self.unfinished_files: tuple[str, ...] = ()
        self.final: Snapshot | None = None
        self.over = threading.Event()

    def get_info(self) -> RunInfo:
        return RunInfo(
            run=self.number,
            state=self.get_state(),
            is_starting=self.handle is None and self.end is None,
            name=self.name,
            nb_items=self.nb_items,
            error=self.error,
            unfinished_files=self.unfinished_files,
        )

    def get_state(self) -> RunState:
        if self.end is not None:
            return self.end
        if self.stop_asked:
            return "stopping"
        if self.handle is None:
            return "paused" if self.paused else "running"
        # Between the end of the engine's run and the note of it here, it is about to be over.
        state = self.handle.state.value
        return state if state in ("running", "paused") else "stopping"  # type: ignore[return-value]

    def read(self) -> Statistics:
        assert self.handle is not None
        return without_root(self.handle.statistics(), self.name)


class Session:
    """The runs of a host, one at a time."""

    def __init__(
        self,
        workshop: Workshop,
        journal: Journal,
        on_change: Callable[[RunInfo, Snapshot | None], None] = lambda info, final: None,
    ) -> None:
        """Make a session without a run.

        :param on_change: is told every change of the run, at its end together with the last snapshot, in the thread
            that made it; must not wait.
        """
        self._workshop = workshop
        self._journal = journal
        self._on_change = on_change
        self.tell: Callable[[EventName, str, str], None] = lambda name, data, about: None
        """Tells clients an event; see `Events.tell`."""
        self.is_heard: Callable[[], bool] = lambda: True
        """Whether any client listens to events."""
        # Guards the fields below and those of the run. Taken before the locks of the engine, never while code of cells runs.
        self._lock = threading.RLock()
        self._looking = threading.Lock()  # one look at a time; taken before `_lock`
        self._run: _Run | None = None
        self._is_building = False
        self._stop_asked = False  # while building

    # ------------------------------------------------------------------ what goes on

    def get_info(self) -> RunInfo:
        """The run, or what is left of the last one."""
        with self._lock:
            if self._is_building and self._stop_asked:
                return RunInfo(run=self._get_next_number(), state="stopping", is_starting=True)
            return RunInfo() if self._run is None else self._run.get_info()

    def get_snapshot(self) -> Snapshot:
        """The figures of the run now, or of the whole of the last one. Tells new errors of skipped items to the journal."""
        with self._looking:
            run = self._run
            if run is None:
                return _NO_RUN
            if run.final is not None:
                return run.final
            if run.handle is None:
                return _NO_RUN.model_copy(update={"run": run.number, "state": run.get_state()})
            return self._look(run, run.get_state())

    def _look(self, run: _Run, state: RunState, is_over: bool = False) -> Snapshot:
        """`_looking` is held."""
        handle = run.handle
        assert handle is not None
        prefix = f"{run.name}."
        taken: list[Statistics] = []

        def take() -> Statistics:
            taken.append(handle.statistics())
            return without_root(taken[0], run.name)

        snapshot = run.sampler.look(
            state,
            take,
            lambda: [cell._replace(name=cell.name.removeprefix(prefix)) for cell in handle.find_working()],
            is_over,
            run.was_paused,
        )
        self._tell_letters(run, taken[0].dead_letters)
        return snapshot

    def _tell_letters(self, run: _Run, letters: tuple[DeadLetter, ...]) -> None:
        new = []
        for letter in reversed(letters):
            if letter is run.latest_letter:
                break
            new.append(letter)
        if not new:
            return
        run.latest_letter = new[0]
        left_out = len(new) - MOST_LETTERS_AT_ONCE
        if left_out > 0:
            self._journal.add_line(
                "warning",
                "host",
                f"at least {left_out} errors of skipped items came too fast to be told one by one; the cells count them",
            )
        for letter in reversed(new[:MOST_LETTERS_AT_ONCE]):
            self._journal.add_error(run.blame.explain_letter(letter))

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until no run goes on; false where the time is over before."""
        run = self._run
        return run is None or run.over.wait(timeout_s)

    # ------------------------------------------------------------------ the start

    def start(self, request: RunRequest) -> RunInfo:
        """Build and deploy a graph, and run it. Waits until it is deployed.

        Where the code of a cell fails at that, the run has failed, which the answer says.

        :raises Refused: while a run goes on, and where the graph is wrong or asks for what cannot be deployed.
        """
        with self._lock:
            if self._is_building or (self._run is not None and self._run.end is None):
                state = "is being built" if self._is_building else f"is {self.get_info().state}"
                name = f" {self._run.name!r}" if self._run is not None and not self._is_building else ""
                raise Refused(CONFLICT, f"the graph{name} {state}: stop it before another run is started")
            self._is_building = True
            self._stop_asked = False
        run = None
        try:
            run = _Run(self._get_next_number(), self._workshop.build(request), paused=request.paused)
        finally:
            with self._lock:
                self._is_building = False
                if run is not None:
                    run.stop_asked = self._stop_asked
                    self._run = run
        self._journal.forget_errors()
        self._tell(run)
        if run.stop_asked:
            self._finish(run, "stopped")
        else:
            self._deploy(run, request)
        return run.get_info()

    def _get_next_number(self) -> int:
        return 1 if self._run is None else self._run.number + 1

    def _deploy(self, run: _Run, request: RunRequest) -> None:
        assert run.built is not None
        try:
            # It waits until it is known here: nothing that happens in it may be missed.
            handle: RunHandle = run.built.pipeline.run(
                max_items=request.max_items,
                paused=True,
                on_error=lambda error: self._journal.add_error(run.blame.explain(error, is_fatal=False)),
                on_end=lambda: self._on_end(run),
            )
        except BaseException as error:  # a cell may raise SystemExit, and the host goes on
            self._finish(run, "failed", error)
            if isinstance(error, NotDeployableException):
                raise Refused(UNPROCESSABLE, str(error)) from error
            return
        with self._lock:
            run.handle = handle
            run.watches = Watches(
                handle,
                lambda name, data, about: self.tell(name, data, about),
                lambda line: self._journal.add_line("warning", "host", line),
                lambda: self._on_hold(run),
                lambda: self.is_heard(),
            )
            run.nb_items = handle.nb_items
            if run.end is None:
                run.observer.begin(handle.find_working_threads, run.name)
            if run.stop_asked:
                self._stop_in_background(handle)
            elif not run.paused:
                handle.resume()
        self._tell(run)

    # ------------------------------------------------------------------ the end

    def stop(self) -> RunInfo:
        """Begin to end the run, which is over as soon as the code of its cells that runs comes back. Does nothing where
        none goes on, or it is ending already.
        """
        with self._lock:
            if self._is_building:
                self._stop_asked = True
                return self.get_info()
            run = self._run
            if run is None or run.end is not None or run.stop_asked:
                return self.get_info()
            run.stop_asked = True
            if run.handle is not None:
                self._stop_in_background(run.handle)
        self._tell(run)
        return run.get_info()

    def _stop_in_background(self, handle: RunHandle) -> None:
        threading.Thread(target=handle.stop, name="pypipeline stop", daemon=True).start()

    def _on_end(self, run: _Run) -> None:
        """Called in the thread of the run."""
        assert run.handle is not None
        self._finish(run, run.handle.state.value, run.handle.error)

    def _finish(self, run: _Run, end: RunState, error: BaseException | None = None) -> None:
        told = None if error is None else run.blame.explain(error, is_fatal=True)
        unfinished = _find_unfinished(run.built) if end == "failed" and run.built is not None else ()
        with self._looking:
            if run.handle is not None:
                final = self._look(run, end, is_over=True)
            else:
                final = _NO_RUN.model_copy(update={"run": run.number, "state": end})
            run.observer.end()
            with self._lock:
                run.final, run.end, run.error, run.unfinished_files = final, end, told, unfinished
                if run.watches is not None:
                    run.watches.close()
                run.built = run.handle = run.watches = None
        if told is not None:
            self._journal.add_error(told)
        self._on_change(run.get_info(), final)
        run.over.set()

    # ------------------------------------------------------------------ control

    def pause(self) -> RunInfo:
        """Pause after the current item.

        :raises Refused: where no run goes on.
        """
        info = self._control(lambda handle: handle.pause())
        with self._lock:
            if self._run is not None:
                self._run.was_paused = True
        return info

    def resume(self) -> RunInfo:
        """Go on.

        :raises Refused: where no run goes on.
        """
        return self._control(lambda handle: self.get_watches()[0].go_on(handle.resume))

    def step(self, nb_items: int) -> RunInfo:
        """Let items through while paused.

        :raises Refused: where no run goes on, or it is not paused.
        """
        return self._control(lambda handle: self.get_watches()[0].go_on(lambda: handle.step(nb_items)))

    def _control(self, act: Callable[[RunHandle], None]) -> RunInfo:
        with self._lock:
            run, _, handle = self._get_running()
            try:
                act(handle)
            except PipelineException as error:
                raise Refused(CONFLICT, str(error)) from error
        self._tell(run)
        return run.get_info()

    def set_parameter(self, request: ParameterRequest) -> RunInfo:
        """Give a runtime parameter another value.

        :raises Refused: with the reason why it cannot have it.
        """
        run, built, _ = self._get_running()
        control.set_parameter(built, request)
        return run.get_info()

    def scale(self, request: ScaleRequest) -> RunInfo:
        """Change the number of clones of a cell.

        :raises Refused: with the reason why it cannot have that many.
        """
        run, built, _ = self._get_running()
        control.scale(built, request)
        return run.get_info()

    def get_watches(self) -> tuple[Watches, Built]:
        """What the run is looked at for, and what it was built from.

        :raises Refused: where no run goes on.
        """
        with self._lock:
            run, built, _ = self._get_running()
            assert run.watches is not None
            return run.watches, built

    def tell_again(self) -> None:
        """Somebody has begun to listen: tell what the run is looked at for once more. Does not wait."""
        with self._lock:
            watches = None if self._run is None else self._run.watches
        if watches is not None:
            watches.tell_again()

    def _on_hold(self, run: _Run) -> None:
        """A breakpoint has paused the run."""
        run.was_paused = True
        self._tell(run)

    def _get_running(self) -> tuple[_Run, Built, RunHandle]:
        with self._lock:
            run = self._run
            if self._is_building or (run is not None and run.end is None and run.handle is None):
                raise Refused(CONFLICT, "the run is still starting")
            if run is None or run.handle is None or run.built is None:
                raise Refused(CONFLICT, "no run goes on: start one first")
            if run.stop_asked:
                raise Refused(CONFLICT, "the run is stopping")
            return run, run.built, run.handle

    def _tell(self, run: _Run) -> None:
        with self._lock:
            if run.end is None:
                self._on_change(run.get_info(), None)


def _find_unfinished(built: Built) -> tuple[str, ...]:
    """The files that sinks were writing when the run failed: they have `.part` in their names until they are complete."""
    found = []
    for _, cell in built.document.walk():
        cell_type = built.types.find(cell.type)
        if cell_type is None or cell.disabled or cell.bypassed:
            continue
        for parameter in cell_type.parameters:
            value = cell.parameters.get(parameter.name)
            if isinstance(value, str) and "output_path" in parameter.type.paths():
                target: Path = built.folders.resolve("output_path", value)
                part = target.with_name(f"{target.stem}.part{target.suffix}")
                if part.is_file():
                    found.append(str(part))
    return tuple(found)

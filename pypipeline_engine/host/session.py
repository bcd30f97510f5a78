"""One run at a time: started from a graph, controlled, watched, and readable until the next one.

All methods may be called from any thread. `start`, `run_given`, `set_parameter`, `set_error_policy` and `scale` run code of
cells and may take any time, and `undeploy` some seconds; the others come back at once, whatever the cells do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from pypipeline_engine.core.counters import DeadLetter, Statistics
from pypipeline_engine.exceptions import NotDeployableException, PipelineException
from pypipeline_engine.graph.model import to_data
from pypipeline_engine.host import control
from pypipeline_engine.host.current import with_error_policy, with_parameter, with_scale
from pypipeline_engine.host.graphs import Built, Workshop
from pypipeline_engine.host.journal import Journal
from pypipeline_engine.host.kept_pictures import KeptPictures
from pypipeline_engine.host.metrics import RunTotals
from pypipeline_engine.host.one_run import Run, find_unfinished
from pypipeline_engine.host.protocol import (
    CellError,
    Controller,
    ErrorPolicyRequest,
    EventName,
    ParameterRequest,
    RunInfo,
    RunningGraph,
    RunRequest,
    RunState,
    ScaleRequest,
    Snapshot,
)
from pypipeline_engine.host.recording import Recording
from pypipeline_engine.host.refusals import CONFLICT, NOT_FOUND, UNPROCESSABLE, Refused
from pypipeline_engine.host.watches import Watches
from pypipeline_engine.insight import advice_as_data
from pypipeline_engine.insight.naming import without_root
from pypipeline_engine.insight.records import RecordedEnd

if TYPE_CHECKING:
    from pypipeline_engine.runtime import RunHandle

MOST_LETTERS_AT_ONCE = 50
"""How many errors of skipped items are told one by one at a look; of more, the latest."""
UNDEPLOY_S = 5.0
"""How long `undeploy` waits for the code of cells."""
_NO_RUN = Snapshot(run=0, state="none", elapsed_s=0, window_s=0, sink_items=0, sink_rate_hz=0, cells={})


class Session:
    """The runs of a host, one at a time."""

    def __init__(
        self,
        workshop: Workshop,
        journal: Journal,
        on_change: Callable[[RunInfo, Snapshot | None], None] = lambda info, final: None,
        get_controller: Callable[[], Controller | None] = lambda: None,
    ) -> None:
        """Make a session without a run.

        :param on_change: is told every change of the run, at its end together with the last snapshot, in the thread
            that made it; must not wait.
        :param get_controller: tells who has control, from any thread; must not wait.
        """
        self._workshop = workshop
        self._journal = journal
        self._on_change = on_change
        self.tell: Callable[[EventName, str, str], None] = lambda name, data, about: None
        """Tells clients an event; see `Events.tell`."""
        self.is_heard: Callable[[], bool] = lambda: True
        """Whether any client listens to events."""
        self._get_controller = get_controller
        # Guards the fields below and those of the run. Taken before the locks of the engine, never while code of cells runs.
        self._lock = threading.RLock()
        self._looking = threading.Lock()  # one look at a time; taken before `_lock`
        self._run: Run | None = None
        self._is_building = False
        self._stop_asked = False  # while building
        self._is_given = False  # whether the run is one that was started elsewhere, and there is to be no other

    # ------------------------------------------------------------------ what goes on

    def get_info(self) -> RunInfo:
        """The run, or what is left of the last one."""
        with self._lock:
            if self._is_building and self._stop_asked:
                return RunInfo(
                    run=self._get_next_number(), state="stopping", is_starting=True, controller=self._get_controller()
                )
            run = self._run
            return RunInfo(controller=self._get_controller()) if run is None else self._describe(run)

    def _describe(self, run: Run) -> RunInfo:
        return run.get_info(self._get_controller())

    def tell_again(self) -> None:
        """Tell `on_change` what there is: who has control is another one."""
        with self._lock:
            self._on_change(self.get_info(), None)

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

    def _look(self, run: Run, state: RunState, is_over: bool = False) -> Snapshot:
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
        if is_over:
            run.last = without_root(taken[0], run.name)
        return snapshot

    def get_totals(self) -> tuple[RunInfo, RunTotals | None]:
        """The run, and what was counted in it until now or until its end, which never goes down; `None` where it has not
        been deployed.
        """
        with self._looking:
            run = self._run
            if run is None:
                return self.get_info(), None
            handle = run.handle
            statistics = run.last if handle is None else without_root(handle.statistics(), run.name)
            return self._describe(run), None if statistics is None else run.totals.advance(statistics)

    def _tell_letters(self, run: Run, letters: tuple[DeadLetter, ...]) -> None:
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
            if self._is_given:
                raise Refused(
                    CONFLICT,
                    "this host serves the run that 'pypipeline run --monitor' began, and takes no other graph: start "
                    "'pypipeline host' for that",
                )
            if self._is_building or (self._run is not None and self._run.end is None):
                state = "is being built" if self._is_building else f"is {self.get_info().state}"
                name = f" {self._run.name!r}" if self._run is not None and not self._is_building else ""
                raise Refused(CONFLICT, f"the graph{name} {state}: stop it before another run is started")
            self._is_building = True
            self._stop_asked = False
        run = None
        try:
            run = Run(self._get_next_number(), self._workshop.build(request), paused=request.paused)
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
            if request.record is not None:
                assert run.built is not None
                run.recording = Recording.open(request.record, run.built, run.observer.structure)
            try:
                self._deploy(run, request.max_items)
            except NotDeployableException as error:
                raise Refused(UNPROCESSABLE, str(error)) from error
            except BaseException:  # a cell may raise SystemExit, and the host goes on; the run tells it
                return self._describe(run)
        return self._describe(run)

    def run_given(self, built: Built, max_items: int | None = None) -> RunHandle:
        """Deploy and run a pipeline that the process built by itself. To be called once, and before any `start`: this is the
        only run of the session. Waits until it is deployed.

        :raises BaseException: what deploying it raised.
        """
        with self._lock:
            self._is_given = True
            run = self._run = Run(self._get_next_number(), built, paused=False)
        self._tell(run)
        return self._deploy(run, max_items)

    def _get_next_number(self) -> int:
        return 1 if self._run is None else self._run.number + 1

    def _deploy(self, run: Run, max_items: int | None) -> RunHandle:
        """:raises BaseException: what deploying raised; then the run has failed."""
        assert run.built is not None
        try:
            # It waits until it is known here: nothing that happens in it may be missed.
            handle: RunHandle = run.built.pipeline.run(
                max_items=max_items,
                paused=True,
                on_error=lambda error: self._journal.add_error(run.blame.explain(error, is_fatal=False)),
                on_end=lambda: self._on_end(run),
            )
        except BaseException as error:
            self._finish(run, "failed", error)
            raise
        with self._lock:
            run.handle = handle
            run.watches = Watches(
                handle,
                lambda name, data, about: self.tell(name, data, about),
                lambda line: self._journal.add_line("warning", "host", line),
                lambda: self._on_hold(run),
                lambda: self.is_heard(),
                pictures=run.pictures,
            )
            run.nb_items = handle.nb_items
            if run.end is None:
                run.observer.begin(handle.find_working_threads, run.name)
                if run.recording is not None:
                    run.recording.begin(lambda: self._look_to_record(run))
            if run.stop_asked:
                self._stop_in_background(handle)
            elif not run.paused:
                handle.resume()
        self._tell(run)
        return handle

    # ------------------------------------------------------------------ the end

    def stop(self) -> RunInfo:
        """Begin to end the run, which is over as soon as the code of its cells that runs comes back. Does nothing where
        none goes on, or it is ending already.

        For clients; the process itself says `note_stop` where it stops what it has begun.
        """
        with self._lock:
            if self._is_building:
                self._stop_asked = True
                return self.get_info()
            run = self._run
            if run is None or run.end is not None or run.stop_asked:
                return self.get_info()
            run.stop_asked = run.was_stopped_by_client = True
            if run.handle is not None:
                self._stop_in_background(run.handle)
        self._tell(run)
        return self._describe(run)

    def undeploy(self, timeout_s: float = UNDEPLOY_S) -> RunInfo:
        """Stop the run, whether it has begun to pull or was deployed only, and wait until it is undeployed.

        :param timeout_s: how long to wait at most; the state is `stopping` where that was not enough.
        """
        self.stop()
        self.wait(timeout_s)
        return self.get_info()

    def note_stop(self) -> None:
        """The process is about to stop the run that it gave."""
        with self._lock:
            run = self._run
            if run is None or run.end is not None or run.stop_asked:
                return
            run.stop_asked = True
        self._tell(run)

    @property
    def was_stopped_by_client(self) -> bool:
        """Whether a client was the first to ask that the run ends."""
        run = self._run
        return run is not None and run.was_stopped_by_client

    def _stop_in_background(self, handle: RunHandle) -> None:
        threading.Thread(target=handle.stop, name="pypipeline stop", daemon=True).start()

    def _on_end(self, run: Run) -> None:
        """Called in the thread of the run."""
        assert run.handle is not None
        self._finish(run, run.handle.state.value, run.handle.error)

    def _finish(self, run: Run, end: RunState, error: BaseException | None = None) -> None:
        told = None if error is None else run.blame.explain(error, is_fatal=True)
        unfinished = find_unfinished(run.built) if end == "failed" and run.built is not None else ()
        with self._looking:
            if run.handle is not None:
                final = self._look(run, end, is_over=True)
            else:
                final = _NO_RUN.model_copy(update={"run": run.number, "state": end})
            run.observer.end()
            self._finish_recording(run, end, told)
            with self._lock:
                run.final, run.end, run.error, run.unfinished_files = final, end, told, unfinished
                if run.watches is not None:
                    run.watches.close()
                run.built = run.handle = run.watches = None
        if told is not None:
            self._journal.add_error(told)
        self._on_change(self._describe(run), final)
        run.over.set()

    # ------------------------------------------------------------------ the record

    def _look_to_record(self, run: Run) -> tuple[Statistics, str] | None:
        with self._lock:
            handle, state = run.handle, run.get_state()
        return None if handle is None else (without_root(handle.statistics(), run.name), state)

    def _finish_recording(self, run: Run, end: RunState, error: CellError | None) -> None:
        if run.recording is None:
            return
        # Over the whole of a run with pauses, everything has waited for most of the time.
        advice = None if run.last is None or run.was_paused else run.observer.explain(run.last)
        told = None if error is None else error.message
        limit = None if advice is None else advice_as_data(advice)
        run.recording.finish(run.last, RecordedEnd(end, end, told, limit))

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
        return self._describe(run)

    def set_parameter(self, request: ParameterRequest) -> RunInfo:
        """Give a runtime parameter another value.

        :raises Refused: with the reason why it cannot have it.
        """
        run, built, _ = self._get_running()
        control.set_parameter(built, request)
        with self._lock:
            run.document = with_parameter(run.document, request)
        return self._describe(run)

    def set_error_policy(self, request: ErrorPolicyRequest) -> RunInfo:
        """Change what happens when a cell raises an error. A run of the cell that starts after this follows it.

        :raises Refused: with the reason why that is not possible.
        """
        run, built, _ = self._get_running()
        control.set_error_policy(built, request)
        with self._lock:
            run.document = with_error_policy(run.document, request)
        return self._describe(run)

    def scale(self, request: ScaleRequest) -> RunInfo:
        """Change the number of clones of a cell.

        :raises Refused: with the reason why it cannot have that many.
        """
        run, built, _ = self._get_running()
        control.scale(built, request)
        with self._lock:
            run.document = with_scale(run.document, request)
        return self._describe(run)

    def get_graph(self) -> RunningGraph:
        """The graph of the current or the latest run.

        :raises Refused: where there was none.
        """
        with self._lock:
            run = self._run
            if run is None:
                raise Refused(NOT_FOUND, "nothing was run yet")
            folders = run.folders
            return RunningGraph(
                run=run.number,
                graph=to_data(run.document),
                folder=str(folders.inputs),
                output_folder=str(folders.outputs),
            )

    def get_watches(self) -> tuple[Watches, Built]:
        """What the run is looked at for, and what it was built from.

        :raises Refused: where no run goes on.
        """
        with self._lock:
            run, built, _ = self._get_running()
            assert run.watches is not None
            return run.watches, built

    def get_pictures(self) -> KeptPictures:
        """The arrays of the pictures that were sent in the run, or until the next one in the last one.

        :raises Refused: before the first run.
        """
        with self._lock:
            if self._run is None:
                raise Refused(CONFLICT, "no run goes on: start one first")
            return self._run.pictures

    def tell_watches_again(self) -> None:
        """Somebody has begun to listen: tell what the run is looked at for once more. Does not wait."""
        with self._lock:
            watches = None if self._run is None else self._run.watches
        if watches is not None:
            watches.tell_again()

    def _on_hold(self, run: Run) -> None:
        """A breakpoint has paused the run."""
        run.was_paused = True
        self._tell(run)

    def _get_running(self) -> tuple[Run, Built, RunHandle]:
        with self._lock:
            run = self._run
            if self._is_building or (run is not None and run.end is None and run.handle is None):
                raise Refused(CONFLICT, "the run is still starting")
            if run is None or run.handle is None or run.built is None:
                raise Refused(CONFLICT, "no run goes on: start one first")
            if run.stop_asked:
                raise Refused(CONFLICT, "the run is stopping")
            return run, run.built, run.handle

    def _tell(self, run: Run) -> None:
        with self._lock:
            if run.end is None:
                self._on_change(self._describe(run), None)

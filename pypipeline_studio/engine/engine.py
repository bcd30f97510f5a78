"""The engine as the window sees it: one process, one run at a time, and signals for everything that happens.

Nothing waits for the engine. Where it dies, hangs or does not answer, that is told in words, and the next run starts it
again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import time
from typing import Any, Final, Literal, TypeAlias

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QSslConfiguration

from pypipeline_engine.graph.model import Document, OnError, to_data
from pypipeline_engine.host.protocol import (
    Catalogue,
    CellError,
    ErrorPolicyRequest,
    ExportRequest,
    GraphRequest,
    Hello,
    HostInfo,
    LogLine,
    ParameterRequest,
    RecordRequest,
    Refusal,
    RunInfo,
    RunRequest,
    RunState,
    ScaleRequest,
    Snapshot,
    Source,
    StepRequest,
    Validation,
)
from pypipeline_engine.numbers import elapsed
from pypipeline_studio.engine.cell_sources import CellSources, with_approved
from pypipeline_studio.engine.client import SILENCE_MS, Client, EventStream, Refused
from pypipeline_studio.engine.looking import Looking
from pypipeline_studio.engine.process import EngineEnd, EngineProcess, host_command
from pypipeline_studio.engine.successor import Successor

_LiveRequest: TypeAlias = ParameterRequest | ScaleRequest | ErrorPolicyRequest
EngineState: TypeAlias = Literal["off", "starting", "ready", "silent", "ended"]

STOP_MS: Final = 5_000
"""After so long, a stop that does not get through is told."""
GRACE_MS: Final = 3_000
"""How long the engine may take to finish its files when the window is closed."""

_RANKS: Final[dict[RunState, int]] = {
    "none": 0,
    "running": 1,
    "paused": 1,
    "stopping": 2,
    "ended": 3,
    "stopped": 3,
    "failed": 3,
}
"""A run never goes back to a lower rank."""


@dataclass(frozen=True)
class Timing:
    """How patient the studio is, in milliseconds."""

    silence_ms: int = SILENCE_MS
    stop_ms: int = STOP_MS


class Engine(QObject):
    """Starts, controls and follows an engine. For the thread of the window."""

    state_changed = Signal(str)
    run_changed = Signal(RunInfo)
    snapshot_arrived = Signal(Snapshot)
    error_arrived = Signal(CellError)
    log_arrived = Signal(LogLine)
    catalogue_arrived = Signal(Catalogue)
    info_arrived = Signal(HostInfo)
    waiting_changed = Signal()
    """`is_launching` or `is_scaling` is another one."""
    refused = Signal(str)
    """Why the host did not do what was asked of it: pause, go on, step, stop, or tell which cells there are."""
    reload_failed = Signal(str)
    """Why the cells could not be loaded anew; one sentence. Empty: they were, or are about to be."""
    failed = Signal(str)
    """The engine has ended without being asked to; one sentence."""
    stop_is_slow = Signal(str)
    """A stop does not get through; one sentence."""
    control_changed = Signal()
    """`has_control` is another one, or who has it."""
    gone = Signal()
    """After `shutdown`: the process has ended."""

    def __init__(
        self, cells: tuple[str, ...] = (), timing: Timing | None = None, parent: QObject | None = None
    ) -> None:
        """:param cells: Python files and modules whose cells the engine may use."""
        super().__init__(parent)
        self.cell_sources = CellSources(given=cells)
        """The cells that the next process may use; `reload` has it begin."""
        self._successor: Successor | None = None
        self._retired: list[EngineProcess] = []  # they have been asked to end
        self._asks_for: Literal["all", "approved", "nothing"] = "all"
        """The cells that the process is still to be asked for; those that ship are the same as before in a successor."""
        self.ray_address = ""
        """The address of the Ray cluster in which clones run, of the next process; empty for a Ray on this machine."""
        self._timing = timing or Timing()
        self._state: EngineState = "off"
        self._process: EngineProcess | None = None
        self._client: Client | None = None
        self._tls: QSslConfiguration | None = None
        self._events: EventStream | None = None
        self.looking = Looking(self)
        """Previews, breakpoints and held items of its run."""
        self._when_ready: Callable[[], None] | None = None
        self._is_leaving = False
        self._validations = 0
        self._sending: dict[tuple[str, ...], tuple[_LiveRequest, Refused | None] | None] = {}
        self._is_launching = False
        self._stop_asked = False
        self._known = RunInfo()  # the latest that this process has told; its runs are counted from 1 again
        self.run = RunInfo()
        self.snapshot: Snapshot | None = None
        self.catalogue: Catalogue | None = None
        self.info: HostInfo | None = None
        self._stop_limit = QTimer(self)
        self._stop_limit.setSingleShot(True)
        self._stop_limit.setInterval(self._timing.stop_ms)
        self._stop_limit.timeout.connect(self._tell_slow_stop)

    # ------------------------------------------------------------------ the process

    @property
    def state(self) -> EngineState:
        """What the process does."""
        return self._state

    @property
    def has_control(self) -> bool:
        """Whether the run may be changed from here; always where the process is one of the studio's own."""
        return True

    @property
    def pid(self) -> int:
        """The id of the process; 0 where there is none."""
        return self._process.pid if self._process is not None else 0

    @property
    def is_launching(self) -> bool:
        """Whether a graph is to be run and the host has not answered to that, perhaps because it starts itself."""
        return self._is_launching

    @property
    def is_stopping(self) -> bool:
        """Whether the run was asked to stop and has not ended yet: asked once more, the process is ended."""
        return self._stop_asked

    @property
    def is_scaling(self) -> bool:
        """Whether the host has not answered yet to another number of clones."""
        return any(key[0] == "scale" for key in self._sending)

    def start(self) -> None:
        """Start the process, where none runs."""
        if self._process is not None:
            return
        if self._successor is not None:
            self._follow(self._successor)
            return
        process = self._make_process()
        self._process = process
        self._asks_for = "all"
        process.said_hello.connect(self._on_hello)
        process.ended.connect(self._on_end)
        self._set_state("starting")
        process.start()

    def _make_process(self) -> EngineProcess:
        environment = {"RAY_ADDRESS": self.ray_address} if self.ray_address else None
        return EngineProcess(host_command(self.cell_sources.to_options()), environment=environment, parent=self)

    def restart(self) -> None:
        """End the process where there is one, and start another. Where a run goes on, it is ended at once."""
        self._drop_successor()
        if self._process is None:
            self.start()
            return
        self._when_ready = self._when_ready or (lambda: None)
        if self.run.is_over and not self._is_launching and self._client is not None:
            self._set_state("starting")
            self._process.end(GRACE_MS)  # so that it ends the processes of Ray as well
            return
        self._process.kill("The engine was restarted, which ended the run.", was_asked=True)

    def shutdown(self, grace_ms: int = GRACE_MS) -> None:
        """End the process, after its run was stopped and its files finished; `gone` follows."""
        self._is_leaving = True
        self._when_ready = None
        self._drop_successor()
        if self._client is not None:
            self._client.close()  # who leaves wants no answers: those who asked may be gone before they come
        if self._process is None:
            QTimer.singleShot(0, self._tell_gone)
        else:
            self._process.end(grace_ms)

    def reload(self) -> None:
        """Load the cells anew, in another process, which takes the place of this one when no run goes on.

        A run that goes on keeps its code, and the next one has the new. `catalogue_arrived` tells the new cells at once.
        """
        if self._client is None or self.catalogue is None:
            if self._process is not None:  # it may have read the cells already
                self.restart()
            elif self._state == "ended":
                self.start()
            return
        self._drop_successor()
        successor = Successor(self._make_process(), self)
        self._successor = successor
        successor.told_cells.connect(self._take_approved)
        successor.told_cells.connect(self.take_over)  # not before: code of cells may end a process, or never come back
        successor.failed.connect(self._on_successor_failed)

    @property
    def latest_run(self) -> int:
        """The number of the latest run of this process; 0 for none. `run` may still be that of a process which has ended."""
        return self._known.run

    def take_over(self) -> None:
        """Go on with the process that has loaded the cells anew, where there is one and nothing runs in this one."""
        successor, process = self._successor, self._process
        if successor is None or process is None or not self.run.is_over or self._is_launching:
            return
        process.said_hello.disconnect(self._on_hello)
        process.ended.disconnect(self._on_end)
        self._close_connections()
        self._retire(process)
        process.end(GRACE_MS)
        self._follow(successor)

    def _follow(self, successor: Successor) -> None:
        hello = successor.hello
        self._successor = None
        self._asks_for = "nothing" if successor.has_told_cells else "approved"
        self._process = successor.release(self)
        self._process.said_hello.connect(self._on_hello)
        self._process.ended.connect(self._on_end)
        self._known = RunInfo()
        self._show(RunInfo())
        if hello is not None:
            self._on_hello(hello)
        else:
            self._set_state("starting")

    def _drop_successor(self) -> None:
        if self._successor is not None:
            process = self._successor.release(self)
            self._successor = None
            self._retire(process)
            process.kill()

    def _retire(self, process: EngineProcess) -> None:
        self._retired.append(process)
        process.ended.connect(lambda _: self._forget_retired(process))

    def _forget_retired(self, process: EngineProcess) -> None:
        self._retired.remove(process)
        process.deleteLater()
        if self._is_leaving and self._process is None:
            self._tell_gone()

    def _tell_gone(self) -> None:
        if not self._retired:
            self.gone.emit()

    def _on_successor_failed(self, end: EngineEnd) -> None:
        self._successor = None
        for line in end.last_lines:
            self.log_arrived.emit(LogLine(time_s=time(), level="error", source="engine", text=line))
        self.reload_failed.emit(end.words)

    def kill(self) -> None:
        """End the process at once; what a run had in its hands is lost."""
        if self._process is not None:
            self._process.kill("The engine was ended, because it did not stop.")

    def _set_state(self, state: EngineState) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)

    def _set_launching(self, is_launching: bool) -> None:
        if is_launching != self._is_launching:
            self._is_launching = is_launching
            self.waiting_changed.emit()

    def _on_hello(self, hello: Hello) -> None:
        self._known = RunInfo()
        self._client = Client(hello, self, self._tls)
        self.looking.use(self._client)
        self._events = EventStream(hello, self._timing.silence_ms, self, self._tls)
        self._events.arrived.connect(self._on_event)
        self._events.silent.connect(lambda: self._set_state("silent"))
        self._events.alive.connect(self._on_alive)
        self._events.start()
        self._client.get("", HostInfo, self._take_info)
        # The host imports the cells for it, which takes a slow disk as long as it takes.
        if self._asks_for == "all":
            self._client.get("/catalogue", Catalogue, self._take_catalogue, self._tell_refusal, quick=False)
        elif self._asks_for == "approved":
            path = "/catalogue?approved=true"
            self._client.get(path, Catalogue, self._take_approved, self._tell_refusal, quick=False)
        self._set_state("ready")
        then, self._when_ready = self._when_ready, None
        if then is not None:
            then()

    def _on_alive(self) -> None:
        if self._state == "silent":
            self._set_state("ready")

    def _on_end(self, end: EngineEnd) -> None:
        if self._process is not None:
            self._process.deleteLater()
        self._process = None
        self._close_connections()
        self._set_launching(False)
        self.waiting_changed.emit()
        if not end.was_asked:
            self._when_ready = None  # what was to be run does not begin by itself at a later start
        if not self.run.is_over:
            error = CellError(cell="", message=end.words, is_fatal=True, time_s=time())
            self._show(self.run.model_copy(update={"state": "failed", "error": error, "is_starting": False}))
        self._set_state("ended")
        if self._is_leaving:
            self._tell_gone()
            return
        if not end.was_asked:
            for line in end.last_lines:  # a crash writes them past the log of the host
                self.log_arrived.emit(LogLine(time_s=time(), level="error", source="engine", text=line))
            self.failed.emit(end.words)
        if self._when_ready is not None and end.was_asked:
            self.start()

    def _close_connections(self) -> None:
        for part in (self._client, self._events):
            if part is not None:
                part.close()
                part.deleteLater()
        self._client = self._events = None
        self.looking.use(None)
        self._forget_stop()
        self._sending.clear()

    # ------------------------------------------------------------------ what it tells

    def _take_info(self, info: HostInfo) -> None:
        self.info = info
        self.info_arrived.emit(info)

    def _take_catalogue(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.reload_failed.emit("")
        self.catalogue_arrived.emit(catalogue)

    def _take_approved(self, approved: Catalogue) -> None:
        if self.catalogue is not None:
            self._take_catalogue(with_approved(self.catalogue, approved))

    def _on_event(self, name: str, value: object) -> None:
        if isinstance(value, RunInfo):
            self._take_run(value)
        elif isinstance(value, Snapshot):
            self.snapshot = value
            self.snapshot_arrived.emit(value)
        elif isinstance(value, CellError):
            self.error_arrived.emit(value)
        elif isinstance(value, LogLine):
            self.log_arrived.emit(value)
        else:
            self.looking.take_event(value)

    def _take_run(self, run: RunInfo) -> None:
        """Events come in order, but an answer may have been faster."""
        if (run.run, _RANKS[run.state]) >= (self._known.run, _RANKS[self._known.state]):
            self._known = run
            self._show(run)

    def _take_answer(self, run: RunInfo) -> None:
        """Answers and events overtake each other. Whether a run was paused or resumed last, only events can say."""
        if (run.run, _RANKS[run.state]) > (self._known.run, _RANKS[self._known.state]):
            self._take_run(run)

    def _show(self, run: RunInfo) -> None:
        if run == self.run:
            return
        self.run = run
        if run.is_over and not self._is_launching:
            self._forget_stop()
        self.run_changed.emit(run)

    def _forget_stop(self) -> None:
        self._stop_asked = False
        self._stop_limit.stop()

    # ------------------------------------------------------------------ control

    def run_graph(
        self,
        document: Document,
        folder: str,
        output_folder: str,
        *,
        paused: bool = False,
        record: RecordRequest | None = None,
        refused: Refused | None = None,
    ) -> None:
        """Run a graph; starts the process where none runs.

        :param record: where it is to be recorded.
        :param refused: is told why it is not run.
        """
        request = RunRequest(
            graph=to_data(document), folder=folder, output_folder=output_folder, paused=paused, record=record
        )

        def on_done(run: RunInfo) -> None:
            self._set_launching(False)
            self._take_answer(run)
            if self.run.is_over:
                self._forget_stop()
            elif self._stop_asked:  # the host may have got that before the graph
                self._control("/stop")

        def on_refused(refusal: Refusal) -> None:
            self._set_launching(False)
            if self.run.is_over:
                self._forget_stop()
            if refused is not None:
                refused(refusal)

        def send() -> None:
            if self._client is not None:
                self._client.post("/run", request, RunInfo, on_done, on_refused, quick=False)

        self._set_launching(True)
        if self._client is not None:
            send()
        else:
            self._when_ready = send
            self.start()

    def pause(self) -> None:
        """Pause the run."""
        self._control("/pause")

    def resume(self) -> None:
        """Go on."""
        self._control("/resume")

    def step(self, items: int = 1) -> None:
        """Let so many items through while paused."""
        if self._client is not None:
            self._client.post("/step", StepRequest(items=items), RunInfo, self._take_answer, self._tell_refusal)

    def stop(self) -> None:
        """Stop the run, also one that was asked for and has not begun; where that was asked before and does not get
        through, whether or not the host has answered to it, end the process.
        """
        if self._stop_asked:
            self.kill()
        elif self._is_launching and self._client is None:
            self._set_launching(False)
            self._when_ready = None
        elif self._is_launching or not self.run.is_over:
            self._stop_asked = True
            self._stop_limit.start()
            self._control("/stop")

    def _control(self, path: str) -> None:
        # While a graph is being built, an answer may be about a run that will never be.
        done = None if self._is_launching else self._take_answer
        if self._client is not None:
            self._client.post(path, None, RunInfo, done, self._tell_refusal)

    def _tell_refusal(self, refusal: Refusal) -> None:
        self.refused.emit(refusal.message)

    def _tell_slow_stop(self) -> None:
        if self.run.is_over and not self._is_launching:
            return
        if self.run.is_over or self.run.is_starting:
            self.stop_is_slow.emit("The run is still starting, and stops when that is done.")
            return
        cells = self.snapshot.cells if self.snapshot is not None else {}
        busy = [(figures.working_s, name) for name, figures in cells.items() if figures.working_s is not None]
        if busy:
            working_s, name = max(busy)
            self.stop_is_slow.emit(f"{name} has been at the same item for {elapsed(working_s)}.")
        else:
            self.stop_is_slow.emit("The engine does not come to an end.")

    def set_parameter(self, cell: str, parameter: str, value: Any, refused: Refused | None = None) -> None:
        """Give a runtime parameter of the running graph another value.

        While the host has not answered to one value, only the latest of those that follow is sent: a slider makes many.
        """
        request = ParameterRequest(cell=cell, parameter=parameter, value=value)
        self._send_latest(("parameter", cell, parameter), "/parameter", request, refused)

    def scale(self, cell: str, thread: int, ray: int, refused: Refused | None = None) -> None:
        """Give a cell of the running graph another number of clones. As `set_parameter`, the latest one counts."""
        request = ScaleRequest(cell=cell, thread=thread, ray=ray)
        self._send_latest(("scale", cell), "/scale", request, refused)

    def set_error_policy(self, cell: str, policy: OnError, refused: Refused | None = None) -> None:
        """Say what happens from now on when a cell of the running graph fails. As `set_parameter`, the latest one counts."""
        request = ErrorPolicyRequest(cell=cell, on_error=policy)
        self._send_latest(("policy", cell), "/error-policy", request, refused)

    def _send_latest(self, key: tuple[str, ...], path: str, request: _LiveRequest, refused: Refused | None) -> None:
        """Send one after the other what has the same key. The host may serve requests in another order than they came in."""
        if self._client is None:
            return
        if key in self._sending:
            self._sending[key] = (request, refused)
            return
        self._sending[key] = None
        if key[0] == "scale":
            self.waiting_changed.emit()

        def go_on() -> None:
            later = self._sending.pop(key, None)
            if later is not None:
                self._send_latest(key, path, *later)
            elif key[0] == "scale":
                self.waiting_changed.emit()

        def on_done(run: RunInfo) -> None:
            self._take_answer(run)
            go_on()

        def on_refused(refusal: Refusal) -> None:
            if refused is not None:
                refused(refusal)
            go_on()

        self._client.post(path, request, RunInfo, on_done, on_refused, quick=False)

    def export(
        self,
        document: Document,
        folder: str,
        output_folder: str,
        target: str,
        done: Callable[[Source], None],
        refused: Refused,
    ) -> bool:
        """Have a graph written as a Python program; whether there is a process that can.

        :param target: the file of the program; empty where that is not known.
        """
        if self._client is None:
            return False
        request = ExportRequest(graph=to_data(document), folder=folder, output_folder=output_folder, target=target)
        self._client.post("/export", request, Source, done, refused, quick=False)
        return True

    def validate(self, document: Document, folder: str, output_folder: str, done: Callable[[Validation], None]) -> None:
        """Have the engine look at a graph. Only the answer to the latest call is told."""
        successor = self._successor.client if self._successor is not None else None
        client = successor or self._client  # what the next run would have
        if client is None:
            return
        self._validations += 1
        number = self._validations

        def finish(validation: Validation) -> None:
            if number == self._validations:
                done(validation)

        request = GraphRequest(graph=to_data(document), folder=folder, output_folder=output_folder)
        client.post("/validate", request, Validation, finish, quick=False)

"""What joins the open graph with the engine: running it, following it, and applying edits to the run that goes on.

Edits reach a run through the document: whatever changed it, a slider, the buttons at a node or undo, the difference between
the document and what the run was started with is sent to the engine. What a run cannot follow waits for the next one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from pypipeline_engine.graph.model import Document
from pypipeline_engine.host.protocol import OVER, CellError, LogLine, Refusal, RunInfo, Snapshot, Validation
from pypipeline_studio.document.changes import changes_between
from pypipeline_studio.document.live import LiveView
from pypipeline_studio.document.steady import SteadyLimit
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.session import Session

VALIDATION_DELAY_MS = 250
"""How long the document has to rest before the engine looks at it."""
RAY_LOGGER = "pypipeline.ray"
"""What starts Ray logs its progress there."""
ERRORS_KEPT = 200
ERRORS_DELAY_MS = 500
"""Errors may come by the hundred: what shows them is made anew at most so often."""


class RunControl(QObject):
    """Runs the graph of a session in an engine."""

    run_changed = Signal()
    """Another state of the run, or of the engine."""
    live_changed = Signal()
    """Another snapshot: `live` and `snapshot` have it."""
    errors_changed = Signal()
    refused = Signal(str)
    """Why the engine did not do something, in words."""
    scale_refused = Signal(str, str)
    """The full name of a cell that was not scaled, and why; `refused` tells it too."""
    run_refused = Signal()
    """The graph cannot run; the problems of the session say why."""

    def __init__(self, session: Session, engine: Engine, output_folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._engine = engine
        self.output_folder = output_folder
        self.live: LiveView | None = None
        """What the current or the latest run shows."""
        self.snapshot: Snapshot | None = None
        """The latest one; its limit is told steadily."""
        self._limit = SteadyLimit()
        self.errors: deque[CellError] = deque(maxlen=ERRORS_KEPT)
        """The latest errors of the current or the latest run."""
        self.needs_restart = False
        """Whether the document has changes that the run does not follow."""
        self._ray_line = ""
        self._asks_for_ray = False
        self._number_before = 0  # of the latest run before the one that was asked for last
        self._started: Document | None = None
        self._sent: Document | None = None
        self._telling_errors = QTimer(self)
        self._telling_errors.setSingleShot(True)
        self._telling_errors.setInterval(ERRORS_DELAY_MS)
        self._telling_errors.timeout.connect(self.errors_changed)
        self._validation = QTimer(self)
        self._validation.setSingleShot(True)
        self._validation.setInterval(VALIDATION_DELAY_MS)
        self._validation.timeout.connect(self._validate)
        session.document_changed.connect(self._follow_document)
        session.graph_replaced.connect(self._forget_run)
        engine.run_changed.connect(self._take_run)
        engine.snapshot_arrived.connect(self._take_snapshot)
        engine.error_arrived.connect(self._take_error)
        engine.log_arrived.connect(self._take_line)
        engine.waiting_changed.connect(self._take_waiting)
        engine.state_changed.connect(self._take_engine_state)
        engine.refused.connect(self.refused)
        engine.catalogue_arrived.connect(session.set_catalogue)
        engine.catalogue_arrived.connect(lambda _: self._validation.start())

    # ------------------------------------------------------------------ control

    @property
    def run(self) -> RunInfo:
        """The run of this graph, from the wish to run it on; of another one, only while it is still going on."""
        run = self._engine.run
        if run.is_over and self._engine.is_launching and self._started is not None:
            return RunInfo(state="running", is_starting=True, name=self._started.name)
        is_of_this = self._started is not None and run.run > self._number_before
        return run if is_of_this or not run.is_over else RunInfo()

    @property
    def is_going_on(self) -> bool:
        """Whether a run goes on."""
        return not self.run.is_over

    @property
    def note(self) -> str:
        """What the run waits for before it does what was asked of it, where that takes its time; empty else."""
        if not self._is_waiting or self.run.state == "stopping":
            return ""
        return self._ray_line or ("Starting Ray clones …" if self._asks_for_ray else "")

    @property
    def is_scaling(self) -> bool:
        """Whether the engine has not answered yet to another number of clones."""
        return self._engine.is_scaling

    @property
    def _is_waiting(self) -> bool:
        return self.run.is_starting or self._engine.is_scaling

    def start(self, paused: bool = False) -> None:
        """Run the graph as it is now."""
        document = self._session.document
        self._started = document
        self._number_before = self._engine.run.run if self._engine.state in ("ready", "silent") else 0
        self._asks_for_ray = any(cell.scale is not None and cell.scale.ray for _, cell in document.walk())
        self._forget_results()
        self._engine.run_graph(
            document,
            str(self._session.folder),
            str(self.output_folder),
            paused=paused,
            refused=self._take_run_refusal,
        )
        self.run_changed.emit()

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        if self.run.state == "paused":
            self._engine.resume()
        elif self.run.state == "running":
            self._engine.pause()

    def step(self) -> None:
        """Let one item through; starts the graph where nothing runs."""
        if self.run.state == "paused":
            self._engine.step()
        elif self.run.state == "running":
            self._engine.pause()
        elif self.run.is_over:
            self.start(paused=True)

    def stop(self) -> None:
        """Stop cleanly; while that does not get through, end the engine."""
        self._engine.stop()

    # ------------------------------------------------------------------ what the engine says

    def _take_run(self, run: RunInfo) -> None:
        if run.is_over:
            self._sent = None
            self._end_snapshot(run)
        elif self._sent is None and self._started is not None and not run.is_starting:
            self._sent = self._started
            self._follow_document()
        self._take_waiting()

    def _take_waiting(self) -> None:
        if not self._is_waiting:
            self._ray_line, self._asks_for_ray = "", False
        self.run_changed.emit()

    def _take_line(self, line: LogLine) -> None:
        if line.source == RAY_LOGGER:
            self._ray_line = line.text
            self._take_waiting()

    def _take_run_refusal(self, refusal: Refusal) -> None:
        run = self._engine.run
        is_of_another = not run.is_over and run.run <= self._number_before
        if refusal.problems or is_of_another:  # else it is a run that has failed, or is about to be told so
            self._started = None
        if refusal.problems:
            self._session.set_validation(Validation(problems=refusal.problems))
            self.run_refused.emit()
        self.refused.emit(refusal.message)
        self.run_changed.emit()

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        if self._started is None:
            return
        if self.live is None:
            self.live = LiveView(self._session.document)
        limit = self._limit.take(snapshot.bottleneck, snapshot.state in OVER)
        self.snapshot = snapshot.model_copy(update={"bottleneck": limit})
        self.live.update(self.snapshot)
        self.live_changed.emit()

    def _end_snapshot(self, run: RunInfo) -> None:
        """Show the end of a run also where the engine has ended with it, and sends no snapshot any more."""
        snapshot = self.snapshot
        if snapshot is not None and snapshot.run == run.run and snapshot.state != run.state:
            self._take_snapshot(snapshot.model_copy(update={"state": run.state}))

    def _take_error(self, error: CellError) -> None:
        self.errors.append(error)
        if not self._telling_errors.isActive():
            self._telling_errors.start()

    def _take_engine_state(self, state: str) -> None:
        if state == "ended" and self.snapshot is not None:
            self._take_snapshot(self.snapshot.model_copy(update={"process": None}))
        self.run_changed.emit()

    def _forget_results(self) -> None:
        self.live = None
        self.snapshot = None
        self._limit = SteadyLimit()
        self.errors.clear()
        self.needs_restart = False
        self.errors_changed.emit()
        self.live_changed.emit()

    def _forget_run(self) -> None:
        """Another graph was opened: what runs has nothing to do with it any more."""
        self._started = self._sent = None
        self._forget_results()
        if self.is_going_on or self._engine.is_launching:
            self._engine.stop()

    # ------------------------------------------------------------------ what the document says

    def _follow_document(self) -> None:
        document = self._session.document
        self._validation.start()
        if self.live is not None:
            self.live = LiveView(document)
            if self.snapshot is not None:
                self.live.update(self.snapshot)
        if self._started is None or (self._sent is None and not self.run.is_starting):
            return
        if self._sent is not None:
            self._send_changes(self._sent, document)
            self._sent = document
        needed, self.needs_restart = (
            self.needs_restart,
            changes_between(self._started, document, self._session.types).needs_restart,
        )
        if needed != self.needs_restart:
            self.run_changed.emit()

    def _send_changes(self, before: Document, document: Document) -> None:
        changes = changes_between(before, document, self._session.types)
        for parameter in changes.parameters:
            self._engine.set_parameter(
                parameter.cell, parameter.parameter, parameter.value, refused=self._tell(f"{parameter.cell}: ")
            )
        for scale in changes.scales:
            earlier = before.find(tuple(scale.cell.split(".")))
            had = earlier.scale.ray if earlier is not None and earlier.scale is not None else 0
            self._asks_for_ray |= scale.ray > had
            self._engine.scale(scale.cell, scale.thread, scale.ray, refused=self._tell_unscaled(scale.cell))

    def _tell(self, prefix: str) -> Callable[[Refusal], None]:
        return lambda refusal: self.refused.emit(f"{prefix}{refusal.message}")

    def _tell_unscaled(self, cell: str) -> Callable[[Refusal], None]:
        def tell(refusal: Refusal) -> None:
            self.refused.emit(refusal.message)
            self.scale_refused.emit(cell, refusal.message)

        return tell

    def _validate(self) -> None:
        if self._engine.state == "ready":
            self._engine.validate(
                self._session.document,
                str(self._session.folder),
                str(self.output_folder),
                done=self._session.set_validation,
            )

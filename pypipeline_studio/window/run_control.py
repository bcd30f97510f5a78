"""What joins the open graphs with the engine: running one, following it, and applying edits to the run that goes on.

The engine runs one graph at a time, and a run belongs to the graph that it was started from. What is told here is about the
graph in front; the run of another one goes on meanwhile, and is there again when that one comes in front.

Edits reach a run through the document: whatever changed it, a slider, the buttons at a node or undo, the difference between
the document and what the run was started with is sent to the engine. What a run cannot follow waits for the next one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from pypipeline_engine.graph.model import Document
from pypipeline_engine.host.protocol import (
    CellError,
    LogLine,
    RecordRequest,
    Refusal,
    RunInfo,
    Snapshot,
    Validation,
)
from pypipeline_studio.document.changes import changes_between
from pypipeline_studio.document.history import History
from pypipeline_studio.document.live import LiveView
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.open_graph import OpenGraph
from pypipeline_studio.session import Session
from pypipeline_studio.window.graph_run import GraphRun

VALIDATION_DELAY_MS = 250
"""How long the document has to rest before the engine looks at it."""
RAY_LOGGER = "pypipeline.ray"
"""What starts Ray logs its progress there."""
ERRORS_DELAY_MS = 500
"""Errors may come by the hundred: what shows them is made anew at most so often."""


class RunControl(QObject):
    """Runs the graph in front of a session in an engine."""

    run_changed = Signal()
    """Another state of the run, of the engine, or of a run of another graph."""
    live_changed = Signal()
    """Another snapshot: `live` and `snapshot` have it."""
    errors_changed = Signal()
    refused = Signal(str)
    """Why the engine did not do something, in words."""
    scale_refused = Signal(str, str)
    """The full name of a cell that was not scaled, and why; `refused` tells it too."""
    output_folder_changed = Signal()
    run_refused = Signal()
    """The graph cannot run; the problems of the session say why."""
    went_on = Signal()
    """A run that was paused was asked to go on, or to let one item through."""
    stepped = Signal()
    """After `went_on`, where it was asked to let one item through."""

    def __init__(self, session: Session, engine: Engine, output_folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._engine = engine
        self.output_folder = output_folder
        self._runs: dict[OpenGraph, GraphRun] = {}
        self._current: GraphRun | None = None
        """The run that the engine has, or was asked for last; `None` where its graph was closed."""
        self._next: tuple[OpenGraph, bool] | None = None
        """The graph that runs when the engine is free, and whether it begins paused."""
        self.plan_record: Callable[[OpenGraph], RecordRequest | None] = lambda graph: None
        """Says where the run of a graph that is about to begin is recorded."""
        self.holds_back: Callable[[], bool] = lambda: False
        """Whether runs wait, when they have been deployed, until `release` is called: nothing of them may be missed."""
        self._is_held_back = False
        self._ray_line = ""
        self._asks_for_ray = False
        self._number_before = 0  # of the latest run before the one that was asked for last
        self._starting_next = QTimer(self)
        self._starting_next.setSingleShot(True)
        self._starting_next.setInterval(0)  # the engine may be in the middle of telling that it has ended
        self._starting_next.timeout.connect(self._start_next)
        self._telling_errors = QTimer(self)
        self._telling_errors.setSingleShot(True)
        self._telling_errors.setInterval(ERRORS_DELAY_MS)
        self._telling_errors.timeout.connect(self.errors_changed)
        self._validation = QTimer(self)
        self._validation.setSingleShot(True)
        self._validation.setInterval(VALIDATION_DELAY_MS)
        self._validation.timeout.connect(self._validate)
        session.document_changed.connect(self._follow_document)
        session.graph_shown.connect(self._show_another)
        session.graphs_changed.connect(self._drop_closed)
        engine.run_changed.connect(self._take_run)
        engine.snapshot_arrived.connect(self._take_snapshot)
        engine.error_arrived.connect(self._take_error)
        engine.log_arrived.connect(self._take_line)
        engine.waiting_changed.connect(self._take_waiting)
        engine.state_changed.connect(self._take_engine_state)
        engine.refused.connect(self.refused)
        engine.catalogue_arrived.connect(session.set_catalogue)
        engine.catalogue_arrived.connect(lambda _: self._validation.start())

    # ------------------------------------------------------------------ the run of the graph in front

    @property
    def _own(self) -> GraphRun | None:
        return self._runs.get(self._session.front)

    @property
    def live(self) -> LiveView | None:
        """What the current or the latest run of the graph in front shows."""
        return self._own.live if self._own is not None else None

    @property
    def snapshot(self) -> Snapshot | None:
        """The latest one of the graph in front; its limit is told steadily."""
        return self._own.snapshot if self._own is not None else None

    @property
    def history(self) -> History | None:
        """The figures over time of the graph in front."""
        return self._own.history if self._own is not None else None

    @property
    def errors(self) -> deque[CellError]:
        """The latest errors of the current or the latest run of the graph in front."""
        return self._own.errors if self._own is not None else deque()

    @property
    def needs_restart(self) -> bool:
        """Whether the document has changes that the run does not follow."""
        return self._own is not None and self._own.needs_restart

    @property
    def run(self) -> RunInfo:
        """The run of the graph in front, from the wish to run it on."""
        own, run = self._own, self._engine.run
        if own is None:
            return RunInfo()
        if own is not self._current:
            return own.info
        if run.is_over and self._engine.is_launching:
            return RunInfo(state="running", is_starting=True, name=own.started.name)
        if self._is_held_back and run.state == "paused":
            return run.model_copy(update={"state": "running", "is_starting": True})
        return run if run.run > self._number_before or not run.is_over else RunInfo()

    @property
    def is_going_on(self) -> bool:
        """Whether a run of the graph in front goes on."""
        return not self.run.is_over

    @property
    def is_lost(self) -> bool:
        """Whether nobody knows what the run does: the connection to its engine is lost."""
        return self.is_going_on and self._engine.state == "ended"

    # ------------------------------------------------------------------ the run of whatever graph

    @property
    def is_busy(self) -> bool:
        """Whether a run goes on, or is about to begin, of whatever graph."""
        return not self._engine.run.is_over or self._engine.is_launching

    @property
    def running_graph(self) -> OpenGraph | None:
        """The graph of which a run goes on; `None` also where that was closed."""
        return self._current.graph if self._current is not None and self.is_busy else None

    @property
    def runs_front(self) -> bool:
        """Whether a run goes on, and the graph in front is the one that runs."""
        return self.running_graph is self._session.front

    @property
    def running_state(self) -> str:
        """What the run of `running_graph` does; empty where there is none."""
        if self.running_graph is None:
            return ""
        return "running" if self._engine.run.is_over else self._engine.run.state

    @property
    def running_elsewhere(self) -> str:
        """The title of the graph that runs and is not in front; empty where there is none."""
        graph = self.running_graph
        if not self.is_busy or graph is self._session.front:
            return ""
        return graph.title if graph is not None else self._engine.run.name or "A graph that was closed"

    @property
    def is_next(self) -> bool:
        """Whether the graph in front runs as soon as the one has stopped that runs now."""
        return self._next is not None and self._next[0] is self._session.front

    @property
    def note(self) -> str:
        """What the run waits for before it does what was asked of it, where that takes its time; empty else."""
        elsewhere = self.running_elsewhere
        if elsewhere:
            return f"Waits until {elsewhere} has stopped" if self.is_next else f"{elsewhere} is running"
        if not self._is_waiting or self.run.state == "stopping":
            return ""
        return self._ray_line or ("Starting Ray clones …" if self._asks_for_ray else "")

    @property
    def is_scaling(self) -> bool:
        """Whether the engine has not answered yet to another number of clones."""
        return self._engine.is_scaling

    @property
    def _is_starting(self) -> bool:
        run = self._engine.run
        return self._current is not None and (run.is_starting or (run.is_over and self._engine.is_launching))

    @property
    def _is_waiting(self) -> bool:
        return self._is_starting or self._engine.is_scaling

    # ------------------------------------------------------------------ control

    def start(self, paused: bool = False) -> None:
        """Run the graph in front as it is now. Where another one runs, that one is stopped before."""
        graph = self._session.front
        if not self.running_elsewhere:
            self._start(graph, paused)
            return
        self._next = (graph, paused)
        if not self._engine.is_stopping:  # asked twice, it ends the process
            self._engine.stop()
        self._take_waiting()

    def forget_next(self) -> None:
        """Do not run what was to run when the engine is free."""
        self._next = None

    def _start_next(self) -> None:
        if self._next is None or self.is_busy:
            return
        (graph, paused), self._next = self._next, None
        if graph in self._session.graphs:
            self._start(graph, paused)

    def _start(self, graph: OpenGraph, paused: bool) -> None:
        self._next = None
        self._engine.take_over()
        document = graph.document
        self._runs[graph] = self._current = GraphRun(graph)
        self._number_before = self._engine.latest_run if self._engine.state in ("ready", "silent") else 0
        self._asks_for_ray = any(cell.scale is not None and cell.scale.ray for _, cell in document.walk())
        self._tell_results()
        self._is_held_back = not paused and graph is self._session.front and self.holds_back()
        self._engine.run_graph(
            document,
            str(graph.folder),
            str(self.output_folder),
            paused=paused or self._is_held_back,
            record=self.plan_record(graph),
            refused=self._take_run_refusal,
        )
        self.run_changed.emit()

    def follow(self, document: Document) -> None:
        """Follow what the engine runs by itself: edits are sent as differences to this document, which it has."""
        graph = self._session.front
        self._runs[graph] = self._current = run = self._runs.get(graph) or GraphRun(graph)
        run.started = run.sent = document
        self._number_before = 0
        self.run_changed.emit()

    def release(self) -> None:
        """Let a run begin that was held back."""
        if self._is_held_back:
            self._is_held_back = False
            self._engine.resume()
            self.run_changed.emit()

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        if self.run.state == "paused":
            self.went_on.emit()
            self._engine.resume()
        elif self.run.state == "running":
            self._engine.pause()

    def step(self) -> None:
        """Let one item through; starts the graph where nothing runs."""
        if self.run.state == "paused":
            self.went_on.emit()
            self.stepped.emit()
            self._engine.step()
        elif self.run.state == "running":
            self._engine.pause()
        elif self.run.is_over:
            self.start(paused=True)

    def set_output_folder(self, folder: Path) -> None:
        """Say what relative paths of sinks are relative to, from the next run on."""
        if folder != self.output_folder:
            self.output_folder = folder
            self._validation.start()
            self.output_folder_changed.emit()

    def stop(self) -> None:
        """Stop cleanly, whatever graph runs; while that does not get through, end the engine."""
        self._engine.stop()

    # ------------------------------------------------------------------ what the engine says

    def _take_run(self, run: RunInfo) -> None:
        if run.is_over:
            self._is_held_back = self._is_held_back and self._engine.is_launching
        current = self._current
        if current is not None:
            if run.run > self._number_before:
                current.info = run
            if run.is_over:
                current.sent = None
                self._end_snapshot(run)
            elif current.sent is None and not run.is_starting:
                current.sent = current.started
                self._follow(current)
        self._take_waiting()

    def _take_waiting(self) -> None:
        if not self._is_waiting:
            self._ray_line, self._asks_for_ray = "", False
        if self._next is not None and not self.is_busy:
            self._starting_next.start()
        self.run_changed.emit()

    def _take_line(self, line: LogLine) -> None:
        if line.source == RAY_LOGGER:
            self._ray_line = line.text
            self._take_waiting()

    def _take_run_refusal(self, refusal: Refusal) -> None:
        current, run = self._current, self._engine.run
        is_of_another = not run.is_over and run.run <= self._number_before
        self._is_held_back = False
        if current is not None and (refusal.problems or is_of_another):
            # Else it is a run that has failed, or is about to be told so.
            del self._runs[current.graph]
            self._current = None
        if current is not None and refusal.problems:
            self._session.set_validation(Validation(problems=refusal.problems), current.graph)
            if current.graph is self._session.front:
                self.run_refused.emit()
        self.refused.emit(refusal.message)
        self.run_changed.emit()

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        current = self._current
        if current is None or snapshot.run <= self._number_before:  # the last ones of the run before come late
            return
        current.take_snapshot(snapshot)
        if current is self._own:
            self.live_changed.emit()

    def _end_snapshot(self, run: RunInfo) -> None:
        """Show the end of a run also where the engine has ended with it, and sends no snapshot any more."""
        snapshot = self._current.snapshot if self._current is not None else None
        if snapshot is not None and snapshot.run == run.run and snapshot.state != run.state:
            self._take_snapshot(snapshot.model_copy(update={"state": run.state}))

    def _take_error(self, error: CellError) -> None:
        current = self._current
        if current is None:
            return
        current.errors.append(error)
        if current is self._own and not self._telling_errors.isActive():
            self._telling_errors.start()

    def _take_engine_state(self, state: str) -> None:
        snapshot = self._current.snapshot if self._current is not None else None
        if state == "ended" and snapshot is not None:
            self._take_snapshot(snapshot.model_copy(update={"process": None}))
        self.run_changed.emit()

    # ------------------------------------------------------------------ what the session says

    def _tell_results(self) -> None:
        self.errors_changed.emit()
        self.live_changed.emit()

    def _show_another(self) -> None:
        """Another graph is in front, perhaps one that has run."""
        self._tell_results()
        self.run_changed.emit()

    def _drop_closed(self) -> None:
        """What is known of graphs that were closed has nobody to be shown to. The run of one is stopped."""
        for graph in [graph for graph in self._runs if graph not in self._session.graphs]:
            run = self._runs.pop(graph)
            if run is self._current:
                if self.is_busy and not self._engine.is_stopping:
                    self._engine.stop()
                self._current = None
                self._take_waiting()

    def _follow_document(self) -> None:
        self._validation.start()
        if self._own is not None:
            self._own.follow_document()
            self._follow(self._own)

    def _follow(self, run: GraphRun) -> None:
        """Have the engine do what has changed since it was told last."""
        document, types = run.graph.document, self._session.types
        if run is not self._current or (run.sent is None and not self._is_starting):
            return
        if run.sent is not None:
            self._send_changes(run.sent, document)
            run.sent = document
        needed, run.needs_restart = run.needs_restart, changes_between(run.started, document, types).needs_restart
        if needed != run.needs_restart:
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
        for policy in changes.policies:
            self._engine.set_error_policy(policy.cell, policy.on_error, refused=self._tell(f"{policy.cell}: "))

    def _tell(self, prefix: str) -> Callable[[Refusal], None]:
        return lambda refusal: self.refused.emit(f"{prefix}{refusal.message}")

    def _tell_unscaled(self, cell: str) -> Callable[[Refusal], None]:
        def tell(refusal: Refusal) -> None:
            self.refused.emit(refusal.message)
            self.scale_refused.emit(cell, refusal.message)

        return tell

    def _validate(self) -> None:
        graph = self._session.front
        if self._engine.state == "ready":
            self._engine.validate(
                graph.document,
                str(graph.folder),
                str(self.output_folder),
                done=lambda validation: self._session.set_validation(validation, graph),
            )

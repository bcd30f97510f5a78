"""A window for a run that was started elsewhere: the same canvas, figures, problems and log, and what may be changed.

Closing it detaches: the run goes on.
"""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QMainWindow, QMessageBox, QSplitter, QVBoxLayout, QWidget

from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.reader import read
from pypipeline_engine.host.protocol import HostInfo, LogLine, RunningGraph
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.canvas.scene import LIVE_IS_OFF, NOT_RUN
from pypipeline_studio.engine.remote import RemoteEngine
from pypipeline_studio.panels.inspector import InspectorPanel
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.appearance import Appearance
from pypipeline_studio.window.bottom import PROBLEMS_TAB, Bottom, EngineMessage
from pypipeline_studio.window.cell_docs import CellDocs
from pypipeline_studio.window.control_bar import ControlBar
from pypipeline_studio.window.crumbs import Crumbs
from pypipeline_studio.window.debugging import Debugging
from pypipeline_studio.window.editing import Editing
from pypipeline_studio.window.failing import Failing
from pypipeline_studio.window.hovering import Hovering
from pypipeline_studio.window.inspection import Inspection
from pypipeline_studio.window.live_pace import LivePace
from pypipeline_studio.window.menus import OF_WATCHED_CANVAS, OF_WATCHED_CELLS
from pypipeline_studio.window.node_previews import NodePreviews
from pypipeline_studio.window.popovers import Popovers
from pypipeline_studio.window.previewing import Previewing
from pypipeline_studio.window.run_control import RunControl
from pypipeline_studio.window.silence import Silence
from pypipeline_studio.window.source_files import SourceFiles
from pypipeline_studio.window.statistics_commands import StatisticsCommands
from pypipeline_studio.window.status_bar import StatusBar
from pypipeline_studio.window.stepping import Stepping
from pypipeline_studio.window.toolbar import Toolbar
from pypipeline_studio.window.watched_session import CANNOT_FOLLOW, IS_OVER, ONLY_WATCHED, WatchedSession
from pypipeline_studio.window.watching import Watching

MESSAGE_MS = 8000
_OF_OTHERS = ("run", "tune", "palette")
"""Actions that this window does not do, and that its toolbar would show."""


class AttachedWindow(QMainWindow):
    """Shows one run that is watched."""

    closed = Signal()

    def __init__(self, engine: RemoteEngine, graph: RunningGraph, parent: QWidget | None = None) -> None:
        """Follow a run from when its graph is known. The window has the engine from now on."""
        super().__init__(parent, Qt.WindowType.Window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(QSize(1400, 900).boundedTo(self.screen().availableSize()))
        self.engine = engine
        engine.setParent(self)
        document = read_graph(graph)
        self.session = WatchedSession(document, Path(graph.folder), self)
        self.run_control = RunControl(self.session, engine, Path(graph.output_folder), self)
        self.run_control.follow(document)
        self.canvas = Canvas(self.session)
        self.commands = Actions(self, self.canvas)
        self.inspector = InspectorPanel()
        self.bottom = Bottom(self.session, self.run_control)
        self.bottom.leave_out_runs()
        self.toolbar = Toolbar(self.commands)
        self.crumbs = Crumbs()
        self.bar = ControlBar(engine)
        self._inspection = Inspection(self.session, self.canvas, self.run_control, self.inspector, self)
        self.editing = Editing(self.session, self.canvas, self.commands, self._inspection, self)
        self.editing.of_cells, self.editing.of_canvas = OF_WATCHED_CELLS, OF_WATCHED_CANVAS
        self.popovers = Popovers(self.session, self.canvas, self.run_control, self.bottom.advising, self.commands, self)
        self.live_pace = LivePace(self.run_control, self.commands, self)
        self.stepping = Stepping(self.run_control, engine, self)
        self._silence = Silence(engine, self.bottom, self, engine.address.short)
        self.appearance = Appearance(self.commands, self.canvas, self)
        self.sources = SourceFiles(self)
        self.sources.is_elsewhere = True
        self._cell_docs = CellDocs(self.session, self.canvas, None, self.commands, self.sources, self)
        self.statistics_commands = StatisticsCommands(
            self.session, self.bottom.statistics, self.bottom.statistics_tools, self.commands, self
        )
        self.status = StatusBar(self)
        self._shows_live = self.commands["live"].isChecked()
        self._stays_paused = False
        self._lay_out()
        self._look_into()
        self._connect()
        self._show_run()
        self.canvas.setFocus()

    def _lay_out(self) -> None:
        self.setStatusBar(self.status)
        centre = QWidget()
        centre_layout = QVBoxLayout(centre)
        centre_layout.setContentsMargins(0, 0, 0, 0)
        centre_layout.setSpacing(0)
        centre_layout.addWidget(self.bar)
        centre_layout.addWidget(self.crumbs)
        centre_layout.addWidget(self.canvas, 1)
        below = QWidget()
        below.setObjectName("panel")
        below_layout = QVBoxLayout(below)
        below_layout.setContentsMargins(0, 0, 0, 0)
        below_layout.setSpacing(0)
        below_layout.addWidget(self.bottom.head)
        below_layout.addWidget(self.bottom)
        left, whole = QSplitter(Qt.Orientation.Vertical), QSplitter(Qt.Orientation.Horizontal)
        for splitter, parts, sizes in (
            (left, (centre, below), (600, 240)),
            (whole, (left, self.inspector), (1100, 292)),
        ):
            splitter.setHandleWidth(1)
            splitter.setChildrenCollapsible(False)
            for part in parts:
                splitter.addWidget(part)
            splitter.setStretchFactor(0, 1)
            splitter.setSizes(list(sizes))
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.toolbar)
        layout.addWidget(whole, 1)
        self.setCentralWidget(body)
        self.setWindowTitle(f"{self.session.document.name} at {self.engine.address.short}")

    def _look_into(self) -> None:
        """Make what shows the values of the run."""
        session, canvas, control, commands = self.session, self.canvas, self.run_control, self.commands
        self.watching = Watching(control, self.engine, self)
        self.previewing = Previewing(session, canvas, self.watching, self.bottom.previews, self.engine.looking)
        self.debugging = Debugging(
            session, canvas, control, self.engine, commands, self.bottom.debug, self.toolbar, self.reveal, self
        )
        self.failing = Failing(session, control, self.engine, self.bottom.errors)
        self._hovering = Hovering(canvas, self.watching, self)
        self.node_previews = NodePreviews(session, canvas, commands, self.watching, self)
        self.debugging.held.connect(self._on_held)

    def _connect(self) -> None:
        control, engine, canvas = self.run_control, self.engine, self.canvas
        for key, do in {
            "pause": control.toggle_pause,
            "step": control.step,
            "stop": control.stop,
            "live": self._toggle_live,
            "restart_engine": engine.restart,
            "quit": self.close,
        }.items():
            self.commands.on(key, do)
        self.toolbar.leave_out(_OF_OTHERS)
        for key in _OF_OTHERS:
            self.commands[key].setEnabled(False)
        for told in (
            self.session.refused, control.refused, canvas.refused, self._inspection.refused, self.popovers.told,
            self.debugging.told, self.failing.told, self.node_previews.told, self.bottom.previews.told,
            self.statistics_commands.told, self.sources.told, self.stepping.told,
        ):  # fmt: skip
            told.connect(self.tell)
        control.run_changed.connect(self._show_run)
        self.live_pace.due.connect(self._show_live)
        self.session.document_changed.connect(self._show_live)
        canvas.path_changed.connect(self._show_live)
        canvas.path_changed.connect(self._show_crumbs)
        canvas.zoom_changed.connect(self.status.show_zoom)
        canvas.badge_clicked.connect(self._on_badge)
        canvas.clones_requested.connect(self._inspection.change_clones)
        canvas.selection_changed.connect(self._show_selected_row)
        self.crumbs.path_chosen.connect(canvas.open_path)
        self.bottom.cell_chosen.connect(self.reveal)
        self.bottom.action_chosen.connect(lambda key: self.commands[key].trigger())
        for part in (self.bottom, self.popovers):
            part.source_requested.connect(self.sources.open)
        self.inspector.source_requested.connect(self.sources.open)
        self.inspector.help_requested.connect(self._cell_docs.show_type)
        self.inspector.traceback_requested.connect(self.bottom.open_traceback)
        self.popovers.traceback_requested.connect(self.bottom.open_traceback)
        self.popovers.details_requested.connect(lambda: self.bottom.show_tab(PROBLEMS_TAB))
        engine.info_arrived.connect(self._show_info)
        engine.log_arrived.connect(self._add_log_line)
        engine.failed.connect(self._on_lost)
        engine.not_attached.connect(self._on_lost)
        engine.stop_is_slow.connect(self._on_slow_stop)
        engine.control_changed.connect(self._follow_control)
        engine.graph_arrived.connect(self._take_graph)
        engine.taken_by_other.connect(self._ask_to_take)
        engine.refused.connect(self.tell)
        self.bar.detach_requested.connect(self.close)
        self._show_crumbs()

    # ------------------------------------------------------------------ what is shown

    def tell(self, message: str) -> None:
        """Say something short, for a while."""
        self.statusBar().showMessage(message, MESSAGE_MS)

    def reveal(self, cell: str) -> None:
        """Show a cell by its full name."""
        *path, name = cell.split(".")
        self.canvas.open_path(tuple(path))
        self.canvas.reveal(name)

    def _show_crumbs(self) -> None:
        cells = self.canvas.presentation.nodes
        self.crumbs.show_path(self.session.document.name, False, self.canvas.path, len(cells))

    def _show_info(self, info: HostInfo) -> None:
        self.inspector.set_nb_cpus(info.nb_cpus)
        self.inspector.set_has_ray(info.has_ray)

    def _show_run(self) -> None:
        run, state = self.run_control.run, self.engine.state
        note = {"silent": "The run does not answer", "ended": "The connection is lost"}.get(state, "")
        self.toolbar.show_run(run, "" if run.is_over else note, False)
        self.toolbar.show_lost(self.run_control.is_lost)
        may = self.engine.has_control and state == "ready"
        is_under_way = run.state in ("running", "paused") and not run.is_starting
        for key, enabled in (("pause", is_under_way), ("step", is_under_way), ("stop", self.run_control.is_going_on)):
            self.commands[key].setEnabled(may and enabled)
        self.commands["pause"].setText("&Resume" if run.state == "paused" else "&Pause")
        self.status.show_engine(run.state if state == "ready" else state)
        self.bar.show_state(self.run_control.is_going_on)
        self._lock()
        if state == "ready":
            self.bottom.set_message("engine", None)
        if run.is_over:
            self.bottom.set_message("stop", None)
        self._show_live()

    def _show_live(self) -> None:
        live, snapshot = self.run_control.live, self.run_control.snapshot
        self.status.show_snapshot(snapshot if self._shows_live else None)
        if live is None or not self._shows_live:
            self.canvas.show_live({}, {}, NOT_RUN if live is None else LIVE_IS_OFF)
            return
        if snapshot is not None:
            self.toolbar.show_progress(snapshot.elapsed_s, snapshot.sink_items)
        self.canvas.show_live(live.nodes(self.canvas.path), live.wires(self.canvas.path))

    def _toggle_live(self) -> None:
        self._shows_live = self.commands["live"].isChecked()
        self._show_live()

    def _add_log_line(self, line: LogLine) -> None:
        self.bottom.log.add((line,))

    def _on_badge(self, cell: str, badge: str) -> None:
        self.reveal(cell)
        if not self.popovers.open(cell, badge):
            self.bottom.show_tab(PROBLEMS_TAB)

    def _on_held(self, cell: str) -> None:
        if self.engine.has_control:
            self.reveal(cell)
            self.bottom.show_panel(self.bottom.debug)

    def _show_selected_row(self) -> None:
        self.bottom.statistics.select_cells([self.canvas.full_name(name) for name in self.canvas.selected()])

    # ------------------------------------------------------------------ control

    def _follow_control(self) -> None:
        self.session.may_change = self.engine.has_control and self.session.may_change
        if not self.engine.has_control:
            self.session.undo_stack.clear()  # undo would change what belongs to somebody else by now
        self._show_run()

    def _take_graph(self, graph: RunningGraph) -> None:
        """Begin to change the run, from what it is now."""
        document = read_graph(graph)
        self.run_control.follow(document)
        self.session.refresh(document)
        self.session.may_change = self.engine.has_control
        self._lock()

    def _lock(self) -> None:
        """Keep what may not be changed from being typed into."""
        reason = "" if self.session.may_change else ONLY_WATCHED
        if not self.run_control.is_going_on:
            reason = IS_OVER
        self.inspector.lock(reason, reason or CANNOT_FOLLOW)

    def _ask_to_take(self, name: str) -> None:
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(f"{name} has control of this run.")
        box.setInformativeText("Only one can change it at a time; the other one watches then, and is told.")
        take = box.addButton("Take it anyway", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        if box.clickedButton() is take:
            self.engine.take_control(force=True)

    # ------------------------------------------------------------------ the end

    def _on_lost(self, sentence: str) -> None:
        self.bottom.set_message(
            "engine",
            EngineMessage("The run does not answer", sentence, "Attach again", "restart_engine"),
        )
        self._show_run()

    def _on_slow_stop(self, sentence: str) -> None:
        self.bottom.set_message("stop", EngineMessage("Stop does not get through", sentence))

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.engine.has_control and self.run_control.is_going_on and not self._may_leave():
            event.ignore()
            return
        self.engine.setParent(None)  # it may have something to say to the run yet
        self.engine.detach(goes_on=not self._stays_paused)
        super().closeEvent(event)
        self.closed.emit()

    def _may_leave(self) -> bool:
        """Ask what becomes of a run that is controlled from here."""
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        is_paused = self.run_control.run.state == "paused"
        what = "is paused" if is_paused else "goes on"
        box.setText(f"{self.session.document.name} {what} at {self.engine.address.short}.")
        leave = box.addButton("Leave it running", QMessageBox.ButtonRole.AcceptRole)
        leave_paused = box.addButton("Leave it paused", QMessageBox.ButtonRole.AcceptRole) if is_paused else None
        stop = box.addButton("Stop it", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(leave)
        box.exec()
        if box.clickedButton() is stop:
            self.engine.stop()
            self.tell("Stopping; close the window when it has ended")
            return False
        self._stays_paused = leave_paused is not None and box.clickedButton() is leave_paused
        return box.clickedButton() is not None and box.clickedButton() in (leave, leave_paused)


def read_graph(graph: RunningGraph) -> Document:
    """The document of a run.

    :raises WrongGraphException: where this version cannot read it.
    """
    return read(json.dumps(graph.graph))

"""The window: the canvas in the middle, the library left, the inspector right, figures, problems and the log below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QSettings, QSize, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QMainWindow,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from pypipeline_engine.host.protocol import Catalogue, HostInfo, LogLine
from pypipeline_engine.resources import get_examples
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.canvas.scene import LIVE_IS_OFF, NOT_RUN
from pypipeline_studio.document import edits
from pypipeline_studio.document.recent import without_missing
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.panels.first_run import FirstRun
from pypipeline_studio.panels.inspector import InspectorPanel
from pypipeline_studio.panels.library import LibraryPanel
from pypipeline_studio.panels.widgets import DockHead
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.appearance import Appearance
from pypipeline_studio.window.approvals import Approvals
from pypipeline_studio.window.arranging import Arranging
from pypipeline_studio.window.attaching import Attaching
from pypipeline_studio.window.autosave import Autosave
from pypipeline_studio.window.bottom import PROBLEMS_TAB, STATISTICS_TAB, Bottom, EngineMessage
from pypipeline_studio.window.boundary import Boundary
from pypipeline_studio.window.canvas_keys import CanvasKeys
from pypipeline_studio.window.cell_docs import CellDocs
from pypipeline_studio.window.cell_library import CellLibrary
from pypipeline_studio.window.cell_problems import CellProblems
from pypipeline_studio.window.cell_shelf import CellShelf
from pypipeline_studio.window.clone_method import CloneMethod
from pypipeline_studio.window.commenting import Commenting
from pypipeline_studio.window.comparison import Comparison
from pypipeline_studio.window.crumbs import Crumbs
from pypipeline_studio.window.debugging import Debugging
from pypipeline_studio.window.editing import Editing
from pypipeline_studio.window.exports import Exports
from pypipeline_studio.window.failing import Failing
from pypipeline_studio.window.file_commands import FileCommands
from pypipeline_studio.window.file_drops import FileDrops
from pypipeline_studio.window.finding import Finding
from pypipeline_studio.window.hovering import Hovering
from pypipeline_studio.window.inspection import Inspection
from pypipeline_studio.window.key_hints import KeyHints
from pypipeline_studio.window.keymap import Keymap
from pypipeline_studio.window.last_places import LastPlaces
from pypipeline_studio.window.leaving import may_leave
from pypipeline_studio.window.live_pace import LivePace
from pypipeline_studio.window.map_control import MapControl
from pypipeline_studio.window.marking import Marking
from pypipeline_studio.window.menus import EXAMPLES, PANELS, RECENT, fill_bar
from pypipeline_studio.window.node_previews import NodePreviews
from pypipeline_studio.window.obstacles import Obstacles
from pypipeline_studio.window.outside_changes import OutsideChanges
from pypipeline_studio.window.palette import Palette
from pypipeline_studio.window.popovers import Popovers
from pypipeline_studio.window.preferences import PreferencesDialog
from pypipeline_studio.window.previewing import Previewing
from pypipeline_studio.window.problem_fixing import ProblemFixing
from pypipeline_studio.window.ray_cluster import RayCluster
from pypipeline_studio.window.recent_menu import RecentMenu
from pypipeline_studio.window.recovery_dialog import Recovery
from pypipeline_studio.window.reopening import Reopening
from pypipeline_studio.window.replaying import Replaying
from pypipeline_studio.window.run_control import RunControl
from pypipeline_studio.window.run_here import RunHere
from pypipeline_studio.window.runs import Runs
from pypipeline_studio.window.shortcuts import ShortcutsDialog
from pypipeline_studio.window.silence import Silence
from pypipeline_studio.window.source_files import SourceFiles
from pypipeline_studio.window.spoken_canvas import SpokenCanvas
from pypipeline_studio.window.statistics_commands import StatisticsCommands
from pypipeline_studio.window.status_bar import StatusBar
from pypipeline_studio.window.stepping import Stepping
from pypipeline_studio.window.structuring import Structuring
from pypipeline_studio.window.tabs import Tabs
from pypipeline_studio.window.toolbar import Toolbar
from pypipeline_studio.window.tuning import Tuning
from pypipeline_studio.window.watching import Watching
from pypipeline_studio.window.wiring import Wiring

FIRST_EXAMPLE: Final = "people_tracking"
STATE_VERSION: Final = 1
"""Of the arrangement of docks: another one is not restored."""
MESSAGE_MS: Final = 8000
FRAME: Final = QSize(8, 40)
"""What a window manager may add around the window: without it, the status bar would be below a small screen."""


class MainWindow(QMainWindow):
    """One window with the graphs that are open, and one engine."""

    def __init__(self, output_folder: Path, cells: Sequence[str] = (), engine: Engine | None = None) -> None:
        """Build the window; nothing runs until `start_engine`.

        :param output_folder: what relative paths of sinks are relative to.
        :param cells: Python files and modules whose cells the engine may use.
        """
        super().__init__()
        self.resize(QSize(1600, 1000).boundedTo(self.screen().availableSize() - FRAME))
        self.session = Session(self)
        self.engine = engine or Engine(cells=tuple(cells), parent=self)
        self.run_control = RunControl(self.session, self.engine, output_folder, self)
        self.canvas = Canvas(self.session)
        self.commands = Actions(self, self.canvas)
        self.keymap = Keymap(self.commands, self)
        self.library = LibraryPanel()
        self.inspector = InspectorPanel()
        self.bottom = Bottom(self.session, self.run_control)
        self.toolbar = Toolbar(self.commands)
        self.clone_method = CloneMethod(self)
        self.toolbar.add(self.clone_method.make_labelled_choice())
        self.crumbs = Crumbs()
        self.first_run = FirstRun(self.canvas)
        self._key_hints = KeyHints(self.keymap, self.inspector, self.library, self.first_run, self)
        self.files = FileCommands(self.session, self.canvas, self.commands, output_folder, self)
        self.outside = OutsideChanges(self.session, self.files, self)
        self.recent = RecentMenu(self.session, self)
        self._drops = FileDrops(self)
        self.autosave = Autosave(self.session, parent=self)
        self._recovery = Recovery(self.session, self.autosave, self)
        self.tabs = Tabs(self.session, self.run_control, self.files, self.commands, self)
        self.reopening = Reopening(self.session, self.commands, self)
        self.last_places = LastPlaces(self.session, self.canvas, self)
        self._run_here = RunHere(self.session, self.run_control, self)
        self._is_closing = False
        self._shows_live = True
        self._inspection = Inspection(self.session, self.canvas, self.run_control, self.inspector, self)
        self.editing = Editing(self.session, self.canvas, self.commands, self._inspection, self)
        self.wiring = Wiring(self.session, self.canvas, self.commands, self)
        self.structuring = Structuring(self.session, self.canvas, self.commands, self)
        self.boundary = Boundary(self.session, self.canvas, self.commands, self.editing, self)
        self.commenting = Commenting(self.session, self.canvas, self.commands, self)
        self.marking = Marking(self.session, self.canvas, self.commands, self.editing, self)
        self.arranging = Arranging(self.session, self.canvas, self.commands, self)
        self.live_pace = LivePace(self.run_control, self.commands, self)
        self.appearance = Appearance(self.commands, self.canvas, self)
        self.ray_cluster = RayCluster(self.engine, self.run_control, self.commands, self)
        obstacles = Obstacles(self.session, self.canvas, self.run_control, self.engine)
        self.palette_search = Palette(self.session, self.canvas, self.commands, obstacles, self.menuBar(), self)
        self._spoken_canvas = SpokenCanvas(self.canvas, self)
        self._canvas_keys = CanvasKeys(self.session, self.canvas, self)
        self.map_control = MapControl(self.session, self.canvas, self.commands, self)
        self.fixing = ProblemFixing(self.session, self.canvas, self)
        self.finding = Finding(self.session, self.canvas, self.commands, self)
        self.sources = SourceFiles(self)
        self.exports = Exports(self.session, self.canvas, self.engine, self.commands, output_folder, self)
        self.cells = CellLibrary(self.engine, self.commands, self.sources, self)
        self.approvals = Approvals(self.session, self.cells, self.sources, self)
        self._cell_problems = CellProblems(self.engine, self.bottom, self.sources, self)
        self._shelf = CellShelf(self.session, self.library, self)
        self._cell_docs = CellDocs(self.session, self.canvas, self.library, self.commands, self.sources, self)
        self.popovers = Popovers(self.session, self.canvas, self.run_control, self.bottom.advising, self.commands, self)
        self.tuning = Tuning(self.session, self.engine, self.run_control, self.commands, self)
        self.attaching = Attaching(self.commands, self)
        self.stepping = Stepping(self.run_control, self.engine, self)
        self._silence = Silence(self.engine, self.bottom, self)
        self.statistics_commands = StatisticsCommands(
            self.session, self.bottom.statistics, self.bottom.statistics_tools, self.commands, self
        )
        self.runs = Runs(self.session, self.run_control, self.files, self.bottom.runs, self)
        self.replaying = Replaying(self.session, self.run_control, self.bottom.statistics, self)
        self.comparison = Comparison(self.session, self.canvas, self.bottom.comparison, self)
        self.watching = Watching(self.run_control, self.engine, self)
        self._lay_out()
        self._make_menus()
        self._bind_actions()
        self.previewing = Previewing(
            self.session, self.canvas, self.watching, self.bottom.previews, self.engine.looking
        )
        self.debugging = Debugging(
            self.session, self.canvas, self.run_control, self.engine, self.commands,
            self.bottom.debug, self.toolbar, self.reveal, self,
        )  # fmt: skip
        self.failing = Failing(self.session, self.run_control, self.engine, self.bottom.errors)
        self._hovering = Hovering(self.canvas, self.watching, self)
        self.node_previews = NodePreviews(self.session, self.canvas, self.commands, self.watching, self)
        self._connect()
        self._restore()
        self._show_file()
        self._show_run()
        (self.first_run if self.first_run.isVisibleTo(self.canvas) else self.canvas).setFocus()

    def start_engine(self) -> None:
        """Start the engine's process, in the background."""
        self.engine.start()

    def reopen_tabs(self) -> None:
        """Open the graphs that were open when the last studio was closed."""
        self.reopening.reopen()

    def offer_recovery(self) -> None:
        """Offer what a studio did not save that was killed; nothing is shown where there is nothing."""
        self._recovery.offer()

    # ------------------------------------------------------------------ the parts

    def _lay_out(self) -> None:
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tabs.row)
        layout.addWidget(self.crumbs)
        layout.addWidget(self.outside.bar)
        layout.addWidget(self.approvals.bar)
        layout.addWidget(self.replaying.bar)
        layout.addWidget(self.canvas, 1)
        self.setCentralWidget(centre)
        self.setDockNestingEnabled(True)
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        self._docks = {
            "Cells": self._dock("Cells", self.library, Qt.DockWidgetArea.LeftDockWidgetArea, 216),
            "Inspector": self._dock("Inspector", self.inspector, Qt.DockWidgetArea.RightDockWidgetArea, 292),
            "Statistics": self._dock(
                "Statistics", self.bottom, Qt.DockWidgetArea.BottomDockWidgetArea, 265, self.bottom.head
            ),
        }
        bar = QToolBar("Toolbar", self)
        bar.setObjectName("toolbar_area")
        bar.setMovable(False)
        bar.addWidget(self.toolbar)
        self.addToolBar(bar)
        self.status = StatusBar(self)
        self.setStatusBar(self.status)

    def _dock(
        self, title: str, panel: QWidget, area: Qt.DockWidgetArea, size: int, head: QWidget | None = None
    ) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(title)
        if head is None:
            own_head = DockHead(title)
            head = own_head
        # The style sheet gives the window behind another colour.
        for part in (head, panel):
            part.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        dock.setTitleBarWidget(head)
        dock.setWidget(panel)
        self.addDockWidget(area, dock)
        is_bottom = area == Qt.DockWidgetArea.BottomDockWidgetArea
        self.resizeDocks([dock], [size], Qt.Orientation.Vertical if is_bottom else Qt.Orientation.Horizontal)
        return dock

    def _make_menus(self) -> None:
        submenus = fill_bar(self.menuBar(), self.commands)
        self.recent.attach(submenus[RECENT])
        for name, path in get_examples().items():
            action = submenus[EXAMPLES].addAction(name)
            action.triggered.connect(lambda _checked=False, path=path: self.files.new_from(path))
        for dock in self._docks.values():
            submenus[PANELS].addAction(dock.toggleViewAction())

    def _bind_actions(self) -> None:
        bound: dict[str, Callable[[], object]] = {
            "recover": self._recovery.offer_or_tell,
            "quit": self.close,
            "live": self._toggle_live,
            "run": self._run,
            "pause": self.run_control.toggle_pause,
            "step": self._run_here.step,
            "stop": self.run_control.stop,
            "restart_engine": self.engine.restart,
            "shortcuts": self.show_shortcuts,
            "preferences": self.show_preferences,
        }
        for key, do in bound.items():
            self.commands.on(key, do)
        self._shows_live = self.commands["live"].isChecked()
        self.session.history_changed.connect(self._show_history)
        self.session.graph_replaced.connect(self._show_history)
        self._show_history()

    def _show_history(self) -> None:
        """Say in the menu what undo and redo would do."""
        stack = self.session.undo_stack
        self.commands["undo"].setEnabled(stack.canUndo())
        self.commands["undo"].setText(f"&Undo {stack.undoText()}".rstrip())
        self.commands["redo"].setEnabled(stack.canRedo())
        self.commands["redo"].setText(f"&Redo {stack.redoText()}".rstrip())

    def _connect(self) -> None:
        session, canvas, control = self.session, self.canvas, self.run_control
        session.leaving_graph.connect(self._end_typing)
        session.graph_shown.connect(self._focus_graph)
        session.file_changed.connect(self._show_file)
        session.document_changed.connect(self._show_file)
        session.types_changed.connect(self._show_types)
        canvas.path_changed.connect(self._show_file)
        canvas.path_changed.connect(self._show_live)
        canvas.zoom_changed.connect(self.status.show_zoom)
        self.editing.rename_requested.connect(self._rename)
        canvas.files_dropped.connect(self._drops.take)
        self._drops.dropped.connect(self.files.open_dropped)
        self.recent.chosen.connect(self.files.open)
        self.recent.changed.connect(self._show_recent)
        canvas.badge_clicked.connect(self._on_badge)
        canvas.clones_requested.connect(self._inspection.change_clones)
        canvas.refused.connect(self.tell)
        self.files.told.connect(self.tell)
        self.ray_cluster.told.connect(self.tell)
        self.tabs.told.connect(self.tell)
        self.reopening.told.connect(self.tell)
        self.popovers.told.connect(self.tell)
        self.tuning.told.connect(self.tell)
        self.stepping.told.connect(self.tell)
        self.popovers.details_requested.connect(lambda: self.bottom.show_tab(PROBLEMS_TAB))
        self.popovers.traceback_requested.connect(self.bottom.open_traceback)
        self.popovers.source_requested.connect(self.sources.open)
        self.statistics_commands.told.connect(self.tell)
        self.runs.told.connect(self.tell)
        self.runs.replay_requested.connect(self.replaying.start)
        self.runs.replay_requested.connect(lambda: self.bottom.show_tab(STATISTICS_TAB))
        self.runs.compare_requested.connect(self.comparison.start)
        self.comparison.shown_changed.connect(self.bottom.show_comparison)
        self.replaying.changed.connect(self._show_live)
        self.replaying.told.connect(self.tell)
        self.replaying.graph_requested.connect(self.runs.open_graph)
        self.autosave.failed.connect(self.tell)
        self._recovery.told.connect(self.tell)
        self.crumbs.path_chosen.connect(canvas.open_path)
        self.library.add_requested.connect(lambda name: canvas.add_cell(name))
        self._inspection.refused.connect(self.tell)
        self.inspector.traceback_requested.connect(self.bottom.open_traceback)
        self.inspector.source_requested.connect(self.sources.open)
        self.bottom.source_requested.connect(self.sources.open)
        self.library.source_requested.connect(self.sources.open)
        self.inspector.help_requested.connect(self._cell_docs.show_type)
        self.sources.told.connect(self.tell)
        self.cells.told.connect(self.tell)
        self.exports.told.connect(self.tell)
        self.bottom.cell_chosen.connect(self.reveal)
        self.bottom.problem_chosen.connect(self.fixing.reveal)
        self.bottom.fix_chosen.connect(self.fixing.fix)
        self.fixing.refused.connect(self.tell)
        canvas.selection_changed.connect(self._show_selected_row)
        self.bottom.action_chosen.connect(lambda key: self.commands[key].trigger())
        control.run_changed.connect(self._show_run)
        self.live_pace.due.connect(self._show_live)
        self.clone_method.changed.connect(self._show_clone_method)
        self._show_clone_method()
        control.output_folder_changed.connect(lambda: self.files.set_output_folder(control.output_folder))
        control.refused.connect(self.tell)
        control.run_refused.connect(lambda: self.bottom.show_tab(PROBLEMS_TAB))
        self.engine.info_arrived.connect(self._show_info)
        if self.engine.info is not None:
            self._show_info(self.engine.info)
        self.engine.failed.connect(self._on_engine_failed)
        self.engine.stop_is_slow.connect(self._on_slow_stop)
        self.engine.log_arrived.connect(self._add_log_line)
        self.engine.gone.connect(self._on_engine_gone)
        self.node_previews.told.connect(self.tell)
        self.bottom.previews.told.connect(self.tell)
        self.debugging.told.connect(self.tell)
        self.failing.told.connect(self.tell)
        self.debugging.held.connect(self._on_held)
        self.first_run.try_example.connect(lambda: self.files.new_from(get_examples()[FIRST_EXAMPLE]))
        self.first_run.open_recent.connect(self.files.open)
        self._show_recent()
        self.first_run.add_cell.connect(self.editing.search)
        self.first_run.open_graph.connect(self.files.choose)

    # ------------------------------------------------------------------ what is shown

    def _show_file(self) -> None:
        session, canvas = self.session, self.canvas
        modified = "[*]"
        self.setWindowTitle(f"{session.title}{modified}")
        self.setWindowModified(session.is_modified)
        body = edits.body_at(session.document, canvas.path)
        self.crumbs.show_path(session.title, session.is_modified, canvas.path, len(body.cells))
        self.crumbs.setVisible(bool(canvas.path))
        is_empty = not body.cells and not canvas.path and not canvas.comments.boxes()
        focused = self.focusWidget()
        had_focus = focused is not None and self.first_run.isAncestorOf(focused)
        self.first_run.setVisible(is_empty)
        if had_focus and not is_empty:  # Qt would give it to the next widget, which is a button of a dock
            canvas.setFocus()
        self._show_run()
        if self.run_control.live is not None or self.replaying.live is not None:
            self._show_live()

    def _end_typing(self) -> None:
        """Have what is typed in the inspector become an edit of the graph that it is about."""
        focused = self.focusWidget()
        if focused is not None and self.inspector.isAncestorOf(focused):
            self.canvas.setFocus()

    def _focus_graph(self) -> None:
        focused = self.focusWidget()
        if focused is None or self.canvas.isAncestorOf(focused):  # the first page lies on the canvas
            (self.first_run if self.first_run.isVisibleTo(self.canvas) else self.canvas).setFocus()

    def _show_recent(self) -> None:
        self.first_run.set_recent(without_missing(self.recent.paths))

    def _show_types(self) -> None:
        types = self.session.types.all_types()
        catalogue = self.engine.catalogue or Catalogue(types=())
        self.library.show_types(types, catalogue.failures, catalogue.failure_places)
        self.first_run.set_nb_cells(len(types))

    def _show_info(self, info: HostInfo) -> None:
        self.inspector.set_nb_cpus(info.nb_cpus)
        self.inspector.set_has_ray(info.has_ray)
        self.clone_method.set_has_ray(info.has_ray)

    def _show_clone_method(self) -> None:
        self._inspection.usual_method = self.clone_method.usable
        self.inspector.scaling.set_usual_method(self.clone_method.usable)

    def _show_run(self) -> None:
        control = self.run_control
        run, state = control.run, self.engine.state
        note = {
            "off": "Starting the engine …",
            "starting": "Starting the engine …",
            "silent": "The engine does not answer",
            "ended": "The engine has ended; Run starts it again",
        }.get(state, control.note)
        self.toolbar.show_run(run, note, control.needs_restart)
        has_cells = bool(self.session.document.cells)
        self.commands["run"].setEnabled(run.is_over and has_cells and state in ("ready", "ended"))
        is_under_way = run.state in ("running", "paused") and not run.is_starting
        self.commands["pause"].setEnabled(is_under_way)
        self.commands["pause"].setText("&Resume" if run.state == "paused" else "&Pause")
        self.commands["step"].setEnabled(is_under_way or (run.is_over and has_cells and state == "ready"))
        self.commands["stop"].setEnabled(control.is_busy)
        words: str = "starting" if run.is_starting and run.state != "stopping" else run.state
        if control.running_elsewhere:
            words = control.running_state or "stopping"
        self.status.show_engine(words if state == "ready" and control.is_busy else state)
        if not control.is_busy:
            self.bottom.set_message("stop", None)
        if state == "ready":
            self.bottom.set_message("engine", None)
        self._show_live()

    def _show_live(self) -> None:
        live, snapshot = self.run_control.live, self.run_control.snapshot
        self.status.show_snapshot(snapshot if self._shows_live else None)
        if self.replaying.live is not None:
            live = self.replaying.live
            self.canvas.show_live(live.nodes(self.canvas.path), live.wires(self.canvas.path))
            return
        if live is None or not self._shows_live:
            self.canvas.show_live({}, {}, NOT_RUN if live is None else LIVE_IS_OFF)
            return
        if snapshot is not None:
            self.toolbar.show_progress(snapshot.elapsed_s, snapshot.sink_items)
        self.canvas.show_live(live.nodes(self.canvas.path), live.wires(self.canvas.path))

    def _show_selected_row(self) -> None:
        names = [self.canvas.full_name(name) for name in self.canvas.selected()]
        self.bottom.statistics.select_cells(names)

    def tell(self, message: str) -> None:
        """Say something short, for a while."""
        self.statusBar().showMessage(message, MESSAGE_MS)

    def reveal(self, cell: str) -> None:
        """Show a cell by its full name."""
        *path, name = cell.split(".")
        self.canvas.open_path(tuple(path))
        self.canvas.reveal(name)

    # ------------------------------------------------------------------ editing

    def _rename(self) -> None:
        self._docks["Inspector"].show()
        self.inspector.begin_rename()

    # ------------------------------------------------------------------ running

    def _run(self) -> None:
        self.bottom.set_message("engine", None)
        self._run_here.run()

    def _on_badge(self, cell: str, badge: str) -> None:
        self.reveal(cell)
        if self.popovers.open(cell, badge):
            return
        if badge == "error":
            self.bottom.show_problems()
            self.bottom.show_tab(PROBLEMS_TAB)
            self.bottom.show_traceback(cell)
        else:
            self.bottom.show_tab(PROBLEMS_TAB)

    def _on_held(self, cell: str) -> None:
        self.reveal(cell)
        self.bottom.show_panel(self.bottom.debug)

    def _on_engine_failed(self, sentence: str) -> None:
        self.bottom.set_message(
            "engine",
            EngineMessage(
                "The engine has ended", f"{sentence} The graph is as it was.", "Restart the engine", "restart_engine"
            ),
        )
        self._show_run()

    def _on_slow_stop(self, sentence: str) -> None:
        self.bottom.set_message(
            "stop",
            EngineMessage(
                "Stop does not get through", f"{sentence} Stop again ends the engine.", "End the engine", "stop"
            ),
        )

    def _add_log_line(self, line: LogLine) -> None:
        self.bottom.log.add((line,))

    def _toggle_live(self) -> None:
        self._shows_live = self.commands["live"].isChecked()
        self._show_live()

    def show_shortcuts(self) -> None:
        """List the keys and gestures."""
        ShortcutsDialog(self.keymap, self).show()

    def show_preferences(self) -> None:
        """Show the settings."""
        PreferencesDialog(
            self.appearance, self.live_pace, self.clone_method, self.run_control, self.commands, self
        ).show()

    # ------------------------------------------------------------------ the end

    def _restore(self) -> None:
        settings = QSettings()
        geometry, state = settings.value("window/geometry"), settings.value("window/state")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        if isinstance(state, QByteArray):
            self.restoreState(state, STATE_VERSION)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._is_closing and not (self._may_leave() and self.files.may_quit()):
            event.ignore()
            return
        self.run_control.forget_next()
        self.last_places.close()
        self.reopening.close()
        self.tuning.close()
        self.attaching.close()
        self._recovery.close()
        self.autosave.close()
        self.comparison.close()
        settings = QSettings()
        settings.setValue("window/geometry", self.saveGeometry())
        settings.setValue("window/state", self.saveState(STATE_VERSION))
        if self.engine.state not in ("off", "ended") and not self._is_closing:
            # The files of a run are finished first; what does not end by then is ended.
            self._is_closing = True
            self.hide()
            self.engine.shutdown()
            event.ignore()
            return
        event.accept()
        QApplication.quit()

    def _may_leave(self) -> bool:
        return may_leave(self.session, self.engine, self.run_control, self.tell, self)

    def _on_engine_gone(self) -> None:
        if self._is_closing:
            self.close()

"""What joins the row of tabs with the open graphs: choosing, moving and closing them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QMessageBox, QWidget

from pypipeline_engine.numbers import counted
from pypipeline_studio.document.tab_views import RunMark, TabView, hints_of
from pypipeline_studio.panels.graph_tabs import HEIGHT_PX, GraphTabs
from pypipeline_studio.panels.widgets import Label, tool_button
from pypipeline_studio.session import OpenGraph, Session
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.file_commands import FileCommands
from pypipeline_studio.window.run_control import RunControl

_MARKS: Final[dict[str, RunMark]] = {"running": "running", "paused": "paused", "stopping": "stopping"}


class Tabs(QObject):
    """One tab for each open graph, in a row above the canvas."""

    told = Signal(str)

    def __init__(
        self, session: Session, run_control: RunControl, files: FileCommands, commands: Actions, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._run_control = run_control
        self._files = files
        self._commands = commands
        self._window = window
        self.bar = GraphTabs()
        self.new_button = tool_button("plus", commands["new"].toolTip(), px=14)
        self.new_button.clicked.connect(commands["new"].trigger)
        self._count = Label("", 11, 400, "text3")
        self.row = QFrame()
        self.row.setObjectName("crumbs")
        self.row.setFixedHeight(HEIGHT_PX + 1)
        layout = QHBoxLayout(self.row)
        layout.setContentsMargins(0, 0, 12, 1)
        layout.setSpacing(2)
        layout.addWidget(self.bar)
        layout.addWidget(self.new_button)
        layout.addStretch(1)
        layout.addWidget(self._count)
        for key, do in {
            "close": lambda: self.close(session.front),
            "close_others": lambda: self.close_others(session.front),
            "next_tab": lambda: self._step(1),
            "previous_tab": lambda: self._step(-1),
        }.items():
            commands.on(key, do)
        self.bar.chosen.connect(lambda index: session.show(session.graphs[index]))
        self.bar.close_requested.connect(lambda index: self.close(session.graphs[index]))
        self.bar.move_requested.connect(lambda index, to: session.move(session.graphs[index], to))
        self.bar.menu_requested.connect(self._open_menu)
        self.bar.new_requested.connect(commands["new"].trigger)
        session.graphs_changed.connect(self._show)
        session.document_changed.connect(self._show_count)
        run_control.run_changed.connect(self._show)
        self._shown: tuple[tuple[TabView, ...], int] = ((), -1)
        self._show()
        self._show_count()

    # ------------------------------------------------------------------ what is shown

    def _show(self) -> None:
        graphs = self._session.graphs
        running, mark = self._run_control.running_graph, _MARKS.get(self._run_control.running_state, "")
        hints = hints_of([(graph.title, graph.path) for graph in graphs])
        views = tuple(
            TabView(graph.title, graph.path, graph.is_modified, mark if graph is running else "", hint)
            for graph, hint in zip(graphs, hints, strict=True)
        )
        shown = (views, graphs.index(self._session.front))
        if shown != self._shown:
            self._shown = shown
            self.bar.show_tabs(*shown)
        self._commands["close_others"].setEnabled(len(graphs) > 1)
        for key in ("next_tab", "previous_tab"):
            self._commands[key].setEnabled(len(graphs) > 1)

    def _show_count(self) -> None:
        self._count.show_text(counted(len(self._session.document.cells), "cell"))

    # ------------------------------------------------------------------ what a person does

    def _step(self, difference: int) -> None:
        graphs = self._session.graphs
        self._session.show(graphs[(graphs.index(self._session.front) + difference) % len(graphs)])

    def close(self, graph: OpenGraph) -> bool:
        """Close a graph, after asking about its run and about what is not saved; whether it is closed."""
        if graph is self._run_control.running_graph and not self._may_stop(graph):
            return False
        if not self._files.may_replace(graph):
            return False
        self._session.close(graph)
        return True

    def close_others(self, graph: OpenGraph) -> None:
        """Close all graphs but one, until somebody wants to keep one."""
        for other in [other for other in self._session.graphs if other is not graph]:
            if not self.close(other):
                return
        self._session.show(graph)

    def _may_stop(self, graph: OpenGraph) -> bool:
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(f"{graph.title} is running.")
        box.setInformativeText("Closing its tab stops the run.")
        agree = box.addButton("Stop it and close", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(agree)
        box.exec()
        return box.clickedButton() is agree

    def _open_menu(self, index: int, at: QPoint) -> None:
        graph = self._session.graphs[index]
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("&Close").triggered.connect(lambda: self.close(graph))
        others = menu.addAction("Close &others")
        others.triggered.connect(lambda: self.close_others(graph))
        others.setEnabled(len(self._session.graphs) > 1)
        menu.addSeparator()
        for text, do in (("Copy &path", self._copy_path), ("Show &folder", self._show_folder)):
            action = menu.addAction(text)
            action.triggered.connect(lambda _checked=False, do=do: do(graph))
            action.setEnabled(graph.path is not None)
        menu.popup(at)

    def _copy_path(self, graph: OpenGraph) -> None:
        QGuiApplication.clipboard().setText(str(graph.path))
        self.told.emit(f"Copied: {graph.path}")

    def _show_folder(self, graph: OpenGraph) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(graph.folder))):
            self.told.emit(f"No program opens {graph.folder}")

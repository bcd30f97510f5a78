"""The runs that were recorded: a list, and what can be done with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pypipeline_engine.numbers import counted, size
from pypipeline_studio.document.run_folder import StoredRun
from pypipeline_studio.panels.plain_rows import PlainRows, set_up_table
from pypipeline_studio.panels.runs_model import NAME, RUN_COLUMNS, WHEN, RunsModel
from pypipeline_studio.panels.widgets import PAD_PX, CheckBox, EmptyState, Label, tool_button

EMPTY_TEXT: Final = "Each run is recorded and listed here, to be replayed and compared."
KEEPS: Final = (10, 50, 200, 1000)
"""Of how many runs a person may choose to keep."""


class RunsPanel(QWidget):
    """Recorded runs. What is asked for is told; nothing is done with files here."""

    replay_requested = Signal(Path)
    """The path of a record."""
    graph_requested = Signal(Path)
    compare_requested = Signal(Path, Path)
    """The paths of two records, the earlier one first."""
    delete_requested = Signal(list)
    """Paths of records."""
    renamed = Signal(Path, str)
    recording_changed = Signal(bool)
    """Whether runs are recorded from now on."""
    shown = Signal()
    """It comes into sight."""
    keep_changed = Signal(int)
    """How many runs are kept from now on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.model = RunsModel(self)
        self.model.renamed.connect(self.renamed)
        self.table = RunsTable(self.model)
        self.replay_button = tool_button("play", "Show the run as it was, at any moment (Enter)", px=15, text="Replay")
        self.compare_button = tool_button("git-diff", "Compare the two selected runs", px=15, text="Compare")
        self.graph_button = tool_button("tree-structure", "Open the graph as it ran", px=15, text="Open its graph")
        self.rename_button = tool_button("pencil-simple", "Give the run a name (F2)", px=15)
        self.delete_button = tool_button("trash", "Delete the selected runs (Del)", px=15)
        self.record_box = CheckBox("Record runs", "Keep the figures of every run of this studio")
        self.record_box.setChecked(True)
        self.record_box.toggled.connect(self.recording_changed)
        self.keep_button = QToolButton()
        self.keep_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.keep_button.setToolTip("How many runs are kept; the oldest go first, those with a name of their own last")
        self.keep_menu = QMenu(self)
        self.keep_button.setMenu(self.keep_menu)
        self.keep_button.setStyleSheet("QToolButton::menu-indicator { image: none; width: 0; }")
        self._total = Label("", 11, 400, "text3", tabular=True)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 3, 8, 3)
        bar.setSpacing(2)
        for widget in (
            self.replay_button,
            self.compare_button,
            self.graph_button,
            self.rename_button,
            self.delete_button,
        ):
            bar.addWidget(widget)
        bar.addStretch(1)
        bar.addWidget(self._total)
        bar.addSpacing(PAD_PX)
        bar.addWidget(self.record_box)
        bar.addWidget(self.keep_button)
        self._stack = QStackedWidget()
        self._stack.addWidget(EmptyState(EMPTY_TEXT))
        self._stack.addWidget(self.table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self._stack, 1)
        self._connect()
        self.set_keep(KEEPS[1])
        self._show_buttons()

    def _connect(self) -> None:
        self.replay_button.clicked.connect(self.replay)
        self.compare_button.clicked.connect(self.compare)
        self.graph_button.clicked.connect(self.open_graph)
        self.rename_button.clicked.connect(self.rename)
        self.delete_button.clicked.connect(self.delete)
        self.table.activated_row.connect(lambda _: self.replay())
        self.table.delete_pressed.connect(self.delete)
        self.table.customContextMenuRequested.connect(self._open_menu)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_buttons())
        self.model.modelReset.connect(self._show_buttons)

    def sizeHint(self) -> QSize:
        return QSize(900, 232)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()

    # ------------------------------------------------------------------ what is shown

    def show_runs(self, runs: Sequence[StoredRun], recording: Path | None = None) -> None:
        """Show these runs; those that were selected stay so.

        :param recording: the record that is being written.
        """
        selected = [stored.path for stored in self.selected()]
        self.model.show_runs(runs, recording)
        self.select(selected)
        self._stack.setCurrentIndex(1 if runs else 0)
        nb_bytes = sum(stored.run.size_bytes for stored in runs if stored.run is not None)
        self._total.show_text(f"{counted(len(runs), 'run')}, {size(nb_bytes)}" if runs else "")

    def set_keep(self, number: int) -> None:
        """Say how many runs are kept."""
        self.keep_button.setText(f"Keep {number:,}")
        self.keep_button.setAccessibleName(f"Keep {number:,} runs")
        self.keep_menu.clear()
        for choice in sorted({*KEEPS, number}):
            action = self.keep_menu.addAction(f"Keep {choice:,} runs")
            action.setCheckable(True)
            action.setChecked(choice == number)
            action.triggered.connect(lambda _checked=False, choice=choice: self.keep_changed.emit(choice))

    def select(self, paths: Sequence[Path]) -> None:
        """Select these runs and no others."""
        self.table.clearSelection()
        flags = self.table.selectionModel().SelectionFlag
        for path in paths:
            row = self.model.row_of(path)
            if row >= 0:
                index = self.model.index(row, 0)
                self.table.selectionModel().select(index, flags.Select | flags.Rows)
                self.table.selectionModel().setCurrentIndex(index, flags.NoUpdate)

    def selected(self) -> list[StoredRun]:
        """The selected runs, from top to bottom."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self.model.run_at(row) for row in rows]

    def _show_buttons(self) -> None:
        selected = self.selected()
        readable = [stored for stored in selected if stored.run is not None]
        is_one = len(selected) == 1
        self.replay_button.setEnabled(is_one and bool(readable))
        self.graph_button.setEnabled(is_one and bool(readable))
        self.rename_button.setEnabled(is_one)
        self.compare_button.setEnabled(len(selected) == len(readable) == 2)
        self.compare_button.setToolTip(
            "Compare the two selected runs" if len(readable) == 2 else "Select two runs to compare them (Ctrl+click)"
        )
        self.delete_button.setEnabled(any(stored.path != self.model.recording for stored in selected))

    # ------------------------------------------------------------------ what a person does

    def replay(self) -> None:
        """Ask for the selected run to be shown as it was."""
        if self.replay_button.isEnabled():
            self.replay_requested.emit(self.selected()[0].path)

    def open_graph(self) -> None:
        """Ask for the graph of the selected run."""
        if self.graph_button.isEnabled():
            self.graph_requested.emit(self.selected()[0].path)

    def compare(self) -> None:
        """Ask for the selected two runs to be compared, the earlier one as that before."""
        if self.compare_button.isEnabled():
            before, after = sorted(self.selected(), key=RUN_COLUMNS[WHEN].key)
            self.compare_requested.emit(before.path, after.path)

    def rename(self) -> None:
        """Edit the name of the selected run in place."""
        if self.rename_button.isEnabled():
            self.table.edit(self.model.index(self.model.row_of(self.selected()[0].path), NAME))

    def delete(self) -> None:
        """Ask for the selected runs to be deleted; not the one that is being recorded."""
        paths = [stored.path for stored in self.selected() if stored.path != self.model.recording]
        if paths:
            self.delete_requested.emit(paths)

    def _open_menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, button, do in (
            ("Replay", self.replay_button, self.replay),
            ("Compare", self.compare_button, self.compare),
            ("Open its graph", self.graph_button, self.open_graph),
            ("Rename", self.rename_button, self.rename),
            ("Delete", self.delete_button, self.delete),
        ):
            action = menu.addAction(text)
            action.setEnabled(button.isEnabled())
            action.triggered.connect(lambda _checked=False, do=do: do())
        menu.popup(self.table.viewport().mapToGlobal(point))


class RunsTable(QTableView):
    """The list itself."""

    activated_row = Signal(int)
    """A double click, or Enter."""
    delete_pressed = Signal()

    def __init__(self, model: RunsModel) -> None:
        super().__init__()
        self.setModel(model)
        self.setAccessibleName("Recorded runs")
        self.setItemDelegate(PlainRows(self))
        set_up_table(self)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        head = self.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        head.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column, about in enumerate(RUN_COLUMNS):
            self.setColumnWidth(column, about.width_px)
        head.setMinimumSectionSize(60)
        head.setSortIndicator(WHEN, Qt.SortOrder.DescendingOrder)
        self.setSortingEnabled(True)
        self.doubleClicked.connect(self._on_double_click)

    def _on_double_click(self, index: QModelIndex) -> None:
        self.activated_row.emit(index.row())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_editing = self.state() == QAbstractItemView.State.EditingState
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not is_editing and self.currentIndex().isValid():
            self.activated_row.emit(self.currentIndex().row())
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not is_editing:
            self.delete_pressed.emit()
        elif event.key() == Qt.Key.Key_F2 and not is_editing and self.currentIndex().isValid():
            self.edit(self.model().index(self.currentIndex().row(), NAME))
        else:
            super().keyPressEvent(event)

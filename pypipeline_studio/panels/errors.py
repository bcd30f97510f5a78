"""The errors of a run, one row each, and beside them the traceback of the one that is selected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QPlainTextEdit,
    QSplitter,
    QStackedWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from pypipeline_engine.host.protocol import CellError
from pypipeline_engine.numbers import count
from pypipeline_studio.document.moments import moment_text
from pypipeline_studio.panels.widgets import CheckBox, EmptyState, Label, push_button, row, tooltip
from pypipeline_studio.theme.colours import hex_of, theme
from pypipeline_studio.theme.fonts import font

EMPTY_TITLE = "No errors"
EMPTY_TEXT = "Each item that a cell fails at appears here, with its traceback."
CANNOT: Final = (
    "Only items that were kept can be run again: the latest 16 of a run that goes on, of cells that skip the items that "
    "they fail at."
)
_COLUMNS = ("Item", "Cell", "When", "Error")
_WIDTHS = (72, 140, 116)
_ROW_PX = 24


@dataclass(frozen=True)
class ErrorRow:
    """One error."""

    error: CellError
    can_run_again: bool = False
    """Whether the engine has kept what the cell had pulled."""


class ErrorsPanel(QWidget):
    """Shows errors, the latest first."""

    cell_chosen = Signal(str)
    """A row was chosen by a double click or Enter: the full name of its cell."""
    source_requested = Signal(str, int)
    rerun_requested = Signal(CellError)
    """The error of which the item is to be run again."""
    traceback_requested = Signal(object)
    """A `CellError` that came of running an item again."""
    keep_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._rows: list[ErrorRow] = []
        self._is_end_due = False
        """Whether a traceback was set while it could not be scrolled."""
        self.list = QTreeWidget()
        self.list.setAccessibleName("Errors")
        self.list.setHeaderLabels(list(_COLUMNS))
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setFont(font(12, tabular=True))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        for column, width in enumerate(_WIDTHS):
            self.list.setColumnWidth(column, width)
        self.list.header().setSectionResizeMode(len(_WIDTHS), QHeaderView.ResizeMode.Stretch)
        self.list.header().setFont(font(11))
        self.keep = CheckBox("Keep failed items", "Have the engine keep what a cell had pulled, to run the item again")
        self.keep.clicked.connect(lambda: self.keep_changed.emit(self.keep.isChecked()))
        self.note = Label("", 11, 400, "text3", elides=True)
        self._title = Label("", 12, 600, elides=True)
        self._message = Label("", 12, 400, "error", wraps=True)
        self._message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.traceback = QPlainTextEdit()
        self.traceback.setAccessibleName("Traceback")
        self.traceback.setReadOnly(True)
        self.traceback.setFrameShape(QFrame.Shape.NoFrame)
        self.traceback.setTabChangesFocus(True)
        self.traceback.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.traceback.setFont(font(12, fixed=True))
        self.traceback.document().setDocumentMargin(8)
        self.rerun_button = push_button("Run again", is_primary=True)
        self.source_button = push_button("Open source")
        self.copy_button = push_button("Copy", tip="Copy the message and the traceback")
        self._stack = QStackedWidget()
        self._stack.addWidget(EmptyState(EMPTY_TEXT, EMPTY_TITLE, "check-circle"))
        self._stack.addWidget(self._make_body())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._stack, 1)
        layout.addWidget(row(self.keep, self.note, None, spacing=16, margins=(12, 2, 12, 4)))
        self.list.currentItemChanged.connect(lambda *_: self._show_selected())
        self.list.itemActivated.connect(lambda *_: self._choose())
        self.rerun_button.clicked.connect(self._rerun)
        self.source_button.clicked.connect(self._open_source)
        self.copy_button.clicked.connect(self._copy)
        theme.changed.connect(self._restyle)
        self._restyle()

    def _make_body(self) -> QWidget:
        detail = QWidget()
        layout = QVBoxLayout(detail)
        layout.setContentsMargins(12, 6, 12, 6)
        layout.setSpacing(6)
        layout.addWidget(row(self._title, None, self.rerun_button, self.source_button, self.copy_button))
        layout.addWidget(self._message)
        layout.addWidget(self.traceback, 1)
        splitter = QSplitter()
        splitter.addWidget(self.list)
        splitter.addWidget(detail)
        splitter.setStretchFactor(0, 1)
        splitter.setStretchFactor(1, 1)
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(1)
        return splitter

    def sizeHint(self) -> QSize:
        return QSize(900, 232)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_end_due:
            QTimer.singleShot(0, self, self._show_end)  # when it has its size

    def _show_end(self) -> None:
        """What was raised last is what one looks for first."""
        self._is_end_due = not self.isVisible()
        move = self.traceback.textCursor().MoveOperation
        self.traceback.moveCursor(move.End)
        self.traceback.moveCursor(move.StartOfLine)
        bar = self.traceback.verticalScrollBar()
        bar.setValue(bar.maximum())

    def _restyle(self) -> None:
        self.list.setStyleSheet(
            f"QTreeWidget::item {{ height: {_ROW_PX}px; padding: 0 6px; border: 0; }}"
            f"QTreeWidget::item:selected {{ background: {hex_of('accent_soft')}; color: {hex_of('text')}; }}"
            f"QTreeWidget::item:hover:!selected {{ background: {hex_of('hover')}; }}"
        )

    # ------------------------------------------------------------------ what is shown

    def show_rows(self, rows: Sequence[ErrorRow]) -> None:
        """Show these, the latest first. The one that is selected stays so."""
        if list(rows) == self._rows:
            return
        selected = self.selected()
        self._rows = list(rows)
        self.list.blockSignals(True)
        self.list.clear()
        current = None
        for index, entry in enumerate(self._rows):
            item = QTreeWidgetItem(_texts(entry))
            item.setData(0, Qt.ItemDataRole.UserRole, index)
            item.setTextAlignment(0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setToolTip(3, tooltip("", entry.error.message))
            self.list.addTopLevelItem(item)
            if selected is not None and entry.error is selected.error:
                current = item
        shown = current or self.list.topLevelItem(0)
        if shown is not None:
            self.list.setCurrentItem(shown)
        self.list.blockSignals(False)
        self._stack.setCurrentIndex(1 if self._rows else 0)
        self._show_selected()

    def selected(self) -> ErrorRow | None:
        """The row that is selected."""
        item = self.list.currentItem()
        index = item.data(0, Qt.ItemDataRole.UserRole) if item is not None else None
        return self._rows[index] if isinstance(index, int) and index < len(self._rows) else None

    def _show_selected(self) -> None:
        entry = self.selected()
        if entry is None:
            return
        error = entry.error
        where = error.cell or "The run"
        self._title.show_text(where if error.item is None else f"{where}, item {count(error.item)}")
        self._message.show_text(error.message)
        text = error.traceback or "The engine has sent no traceback."
        if text != self.traceback.toPlainText():
            self.traceback.setPlainText(text)
            self._show_end()
        has_source = bool(error.file) and error.line is not None
        self.source_button.setEnabled(has_source)
        self.source_button.setText(f"{PurePath(error.file).name}:{error.line}" if has_source else "Open source")
        self.source_button.setToolTip(f"{error.file}:{error.line}" if has_source else "The file is not known")
        self.rerun_button.setEnabled(entry.can_run_again)
        self.rerun_button.setToolTip("" if entry.can_run_again else tooltip("", CANNOT))

    # ------------------------------------------------------------------ what a person does

    def _choose(self) -> None:
        entry = self.selected()
        if entry is not None and entry.error.cell:
            self.cell_chosen.emit(entry.error.cell)

    def _rerun(self) -> None:
        entry = self.selected()
        if entry is not None:
            self.rerun_requested.emit(entry.error)

    def _open_source(self) -> None:
        entry = self.selected()
        if entry is not None and entry.error.line is not None:
            self.source_requested.emit(entry.error.file, entry.error.line)

    def _copy(self) -> None:
        entry = self.selected()
        if entry is not None:
            QGuiApplication.clipboard().setText(
                f"{self._title.text()}\n{entry.error.message}\n\n{entry.error.traceback}"
            )


def _texts(entry: ErrorRow) -> list[str]:
    error = entry.error
    message = f"{error.message} (ended the run)" if error.is_fatal else error.message
    return ["–" if error.item is None else count(error.item), error.cell or "–", moment_text(error.time_s), message]

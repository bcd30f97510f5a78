"""Two recorded runs side by side: which is faster, and every figure before and after with its noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from pypipeline_studio.document.run_comparison import MARK_KEYS, VERDICTS, ComparedFigure, RunComparison
from pypipeline_studio.panels.plain_rows import PlainRows, set_up_table
from pypipeline_studio.panels.segmented import Segmented
from pypipeline_studio.panels.widgets import CheckBox, EmptyState, Label, row, tool_button
from pypipeline_studio.theme.colours import colour
from pypipeline_studio.theme.fonts import font

_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
_SomeIndex = QModelIndex | QPersistentModelIndex
_HEADS: Final = ("Cell", "Figure", "Before", "After", "Change", "Noise", "Verdict")
_WIDTHS: Final = (200, 130, 100, 100, 110, 100, 130)
_CHANGE, _VERDICT = 4, 6
_ALL: Final = "All of the pipeline"
_TIPS: Final = {
    "real": "Larger than its noise",
    "doubtful": "Larger than its noise, but other processes were busy in one of the runs, and may be why",
    "noise": "Not larger than its noise: the runs do not tell whether there is a change",
    "unknown": "One of the runs is too short for it, or does not have it",
}


class ComparisonPanel(QWidget):
    """Shows a comparison, or that it is being made."""

    cell_activated = Signal(str)
    """The full name of a cell whose row was clicked."""
    mark_changed = Signal(str)
    """By which figure cells are to be marked."""
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.back_button = tool_button("arrow-left", "Back to the list of runs (Esc)", px=14, text="Runs")
        self.title = Label("", 12, 600, elides=True)
        self.summary = Label("", 12, 400, "text2", elides=True)
        self.notes = Label("", 11, 400, "text3", elides=True)
        self.only_box = CheckBox("Only changes", "Hide the figures that did not change by more than their noise")
        self.mark = Segmented("Marks on the canvas", list(MARK_KEYS.items()))
        self.model = _ComparisonModel(self)
        self.table = _make_table(self.model)
        self._empty = EmptyState("")
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.table)
        bar = QHBoxLayout()
        bar.setContentsMargins(4, 3, 8, 2)
        bar.setSpacing(8)
        for widget in (self.back_button, self.title):
            bar.addWidget(widget)
        bar.addStretch(1)
        bar.addWidget(self.only_box)
        bar.addWidget(Label("Marks", 11, 400, "text3"))
        bar.addWidget(self.mark)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(row(self.summary, margins=(12, 0, 12, 2)))
        layout.addWidget(row(self.notes, margins=(12, 0, 12, 4)))
        layout.addWidget(self._stack, 1)
        self.back_button.clicked.connect(self.closed)
        self.only_box.toggled.connect(self.model.set_only_changes)
        self.mark.chosen.connect(self.mark_changed)
        self.table.clicked.connect(self._activate)

    def sizeHint(self) -> QSize:
        return QSize(900, 232)

    def show_waiting(self, title: str) -> None:
        """Say that two runs are being compared."""
        self.title.show_text(title)
        self._say("Comparing the runs …")

    def show_refusal(self, sentence: str) -> None:
        """Say why there is no comparison."""
        self._say(sentence)

    def _say(self, text: str) -> None:
        self.summary.show_text("")
        self.notes.show_text("")
        self.model.show_figures(())
        self._empty.text.show_text(text)
        self._stack.setCurrentIndex(0)

    def show_comparison(self, comparison: RunComparison) -> None:
        """Show what is different."""
        self.summary.show_text(comparison.summary)
        self.notes.show_text("  ".join(comparison.notes))
        self.notes.setToolTip("\n\n".join(comparison.notes))
        self.model.show_figures(comparison.figures)
        self._stack.setCurrentIndex(1)

    def _activate(self, index: QModelIndex) -> None:
        figure = self.model.figure_at(index.row())
        if figure.cell:
            self.cell_activated.emit(figure.cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.table.currentIndex().isValid():
            self._activate(self.table.currentIndex())
        else:
            super().keyPressEvent(event)


def _make_table(model: QAbstractTableModel) -> QTableView:
    table = QTableView()
    table.setModel(model)
    table.setAccessibleName("Figures of both runs")
    table.setItemDelegate(PlainRows(table))
    set_up_table(table)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    for column, width in enumerate(_WIDTHS):
        table.setColumnWidth(column, width)
    table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    return table


class _ComparisonModel(QAbstractTableModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._all: tuple[ComparedFigure, ...] = ()
        self._shown: list[ComparedFigure] = []
        self._only_changes = False

    def show_figures(self, figures: Sequence[ComparedFigure]) -> None:
        self.beginResetModel()
        self._all = tuple(figures)
        self._shown = [figure for figure in figures if figure.is_change or not self._only_changes]
        self.endResetModel()

    def set_only_changes(self, only: bool) -> None:
        self._only_changes = only
        self.show_figures(self._all)

    def figure_at(self, at: int) -> ComparedFigure:
        return self._shown[at]

    def rowCount(self, parent: _SomeIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def columnCount(self, parent: _SomeIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(_HEADS)

    def data(self, index: _SomeIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        figure, column = self._shown[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(figure, column, index.row())
        if role == Qt.ItemDataRole.AccessibleTextRole and column == 0:
            return figure.cell or _ALL
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS[figure.verdict] if column == _VERDICT else figure.cell or _ALL
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if 2 <= column < _VERDICT else _LEFT
        if role == Qt.ItemDataRole.FontRole:
            return font(12, 600 if column == 0 or (column == _CHANGE and figure.is_change) else 400, tabular=True)
        if role == Qt.ItemDataRole.ForegroundRole:
            return colour(self._colour(figure, column))
        return None

    def _text(self, figure: ComparedFigure, column: int, at: int) -> str:
        if column == 0:
            is_first = at == 0 or self._shown[at - 1].cell != figure.cell
            return (figure.cell or _ALL) if is_first else ""
        change = figure.change
        if figure.is_change:
            change = f"{'▼' if change.startswith('−') else '▲'} {change}"
        return (figure.label, figure.before, figure.after, change, figure.noise, VERDICTS[figure.verdict])[column - 1]

    @staticmethod
    def _colour(figure: ComparedFigure, column: int) -> str:
        if column == 0:
            return "text"
        if not figure.is_change:
            return "text3"
        if column == _CHANGE:
            return {"better": "ok", "worse": "error", "neither": "text"}[figure.direction]
        if column == _VERDICT:
            return "warn" if figure.verdict == "doubtful" else "text2"
        return "text" if column in (2, 3) else "text2"

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADS[section]
        if role == Qt.ItemDataRole.FontRole:
            return font(11, 500)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if 2 <= section < _VERDICT else _LEFT
        return None

"""The steps of a search for clones, as a list that grows: what was tried, expected and measured, and what became of it."""

from __future__ import annotations

import re
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QBrush
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from pypipeline_engine.host.tuning_lines import TuneStep, TuneTrying
from pypipeline_engine.numbers import UNKNOWN, rate, share
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import icon

COLUMNS: Final = ("", "Change", "Predicted", "Measured", "Result")
_CHANGE, _PREDICTED, _MEASURED, _RESULT = 1, 2, 3, 4
_ROW_PX: Final = 24
_NEGATIVE: Final = re.compile(r"(?<![\w.])-(?=\d)")
_LOOKS: Final = {
    "start": ("circle", "text2", "as it is"),
    "kept": ("check-circle-fill", "ok", "kept"),
    "undone": ("arrow-counter-clockwise", "text3", "undone"),
    "refused": ("prohibit", "warn", "refused"),
    "trying": ("hourglass", "text2", "measuring …"),
}


class TuneSteps(QTableWidget):
    """Shows them. Up and Down go from step to step; the tooltip says why a step was tried."""

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self._is_trying = False
        self._looks: list[str] = []
        self.setAccessibleName("Steps of the search")
        self.setHorizontalHeaderLabels(list(COLUMNS))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_PX)
        self.setShowGrid(False)
        self.setStyleSheet("QTableView::item { padding: 0 8px; }")  # as the heads of the columns
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setIconSize(QSize(14, 14))
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(_CHANGE, QHeaderView.ResizeMode.Stretch)
        for column, width in ((0, 40), (_PREDICTED, 92), (_MEASURED, 128), (_RESULT, 210)):
            self.setColumnWidth(column, width)
        for column in (_PREDICTED, _MEASURED):
            heading = self.horizontalHeaderItem(column)
            if heading is not None:
                heading.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        theme.changed.connect(self._restyle)

    def clear_steps(self) -> None:
        """Begin again."""
        self.setRowCount(0)
        self._is_trying = False
        self._looks = []

    def show_trying(self, trying: TuneTrying) -> None:
        """Say what is measured now, until its step comes."""
        self._put(["", _arrows(trying.change), rate(trying.predicted_hz), UNKNOWN, ""], "trying", "")
        self._is_trying = True

    def add_step(self, step: TuneStep) -> None:
        """Take a step over, in place of what was being measured."""
        measured = rate(step.measured_hz)
        if step.measured_hz and step.error_hz is not None:
            measured += f" ± {share(step.error_hz / step.measured_hz)}"
        cells = [
            str(step.number),
            _arrows(step.change),
            rate(step.predicted_hz),
            measured,
            _NEGATIVE.sub("\N{MINUS SIGN}", step.reason),
        ]
        self._put(cells, step.outcome, "\n".join(part for part in (step.why, step.reason) if part))
        self._is_trying = False

    def end(self) -> None:
        """Nothing more is measured."""
        if self._is_trying:
            self.removeRow(self.rowCount() - 1)
            self._looks.pop()
            self._is_trying = False

    def _put(self, texts: list[str], look: str, tip: str) -> None:
        row = self.rowCount() - 1 if self._is_trying else self.rowCount()
        if not self._is_trying:
            self.insertRow(row)
            self._looks.append(look)
        self._looks[row] = look
        word, reason = _LOOKS[look][2], texts[_RESULT]
        texts[_RESULT] = f"{word}: {reason}" if reason else word
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setFont(font(12, tabular=True))
            item.setToolTip(tip if column != _CHANGE else text)
            if column in (_PREDICTED, _MEASURED):
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, column, item)
        self._colour(row)
        self.scrollToBottom()

    def _colour(self, row: int) -> None:
        name, token, _ = _LOOKS[self._looks[row]]
        for column in range(self.columnCount()):
            item = self.item(row, column)
            if item is not None:
                is_strong = self._looks[row] in ("kept", "start")
                item.setForeground(QBrush(colour("text" if is_strong else "text2")))
                if column == _RESULT:
                    item.setIcon(icon(name, token))

    def _restyle(self) -> None:
        for row in range(self.rowCount()):
            self._colour(row)


def _arrows(change: str) -> str:
    return change.replace("->", "\N{RIGHTWARDS ARROW}")

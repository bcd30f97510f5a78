"""What cells log and write, as it comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QStackedWidget, QVBoxLayout, QWidget

from pypipeline_engine.host.protocol import LogLine
from pypipeline_studio.panels.parameter_fields import CalmComboBox
from pypipeline_studio.panels.search_field import SearchField
from pypipeline_studio.panels.widgets import PAD_PX, EmptyState, Label, tool_button
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font

MOST_LINES: Final = 5_000
EMPTY_TEXT = "What cells log and print appears here."
_FLUSH_MS = 50
"""Lines that come faster are shown together: each change of the text costs a layout."""
_LEVELS: Final = {"debug": 0, "info": 1, "output": 1, "warning": 2, "error": 3}
_COLOURS: Final = {"debug": "text3", "info": "text", "output": "text2", "warning": "warn", "error": "error"}
_FILTERS: Final = (("All levels", 0), ("Info and above", 1), ("Warnings and errors", 2), ("Errors", 3))


class LogPanel(QWidget):
    """The latest lines. The view follows the end unless it was scrolled up."""

    errors_changed = Signal(int)
    """How many of the lines are errors."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._lines: deque[LogLine] = deque(maxlen=MOST_LINES)
        self._waiting: list[LogLine] = []
        self._nb_errors = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_FLUSH_MS)
        self._timer.timeout.connect(self.flush)
        self.level = CalmComboBox("Levels that are shown")
        self.level.addItems([text for text, _ in _FILTERS])
        self.level.setFixedWidth(168)
        self.search_field = SearchField("Filter the log by text")
        self.search_field.setPlaceholderText("Filter by text")
        self.search_field.setMaximumWidth(320)
        self._count = Label("", 11, 400, "text3", tabular=True)
        self.copy_button = tool_button("copy", "Copy what is selected, or all lines that are shown", px=15)
        self.clear_button = tool_button("trash", "Clear the log", px=15)
        self.view = QPlainTextEdit()
        self.view.setAccessibleName("Log")
        self.view.setReadOnly(True)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setFont(font(12, fixed=True))
        self.view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.view.setUndoRedoEnabled(False)
        self.view.setTabChangesFocus(True)
        self.view.document().setDocumentMargin(8)
        self._stack = QStackedWidget()
        self._empty = EmptyState(EMPTY_TEXT)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.view)
        bar = QHBoxLayout()
        bar.setContentsMargins(PAD_PX, 4, 8, 4)
        bar.setSpacing(8)
        bar.addWidget(self.level)
        bar.addWidget(self.search_field, 1)
        bar.addStretch(1)
        for widget in (self._count, self.copy_button, self.clear_button):
            bar.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self._stack, 1)
        self.level.currentIndexChanged.connect(self._show_all)
        self.search_field.textChanged.connect(self._show_all)
        self.copy_button.clicked.connect(self.copy)
        self.clear_button.clicked.connect(self.clear)
        theme.changed.connect(self._show_all)

    def sizeHint(self) -> QSize:
        return QSize(900, 232)

    def add(self, lines: Iterable[LogLine]) -> None:
        """Add lines; they are shown a moment later, with those that come in between."""
        self._waiting.extend(lines)
        if self._waiting and not self._timer.isActive():
            self._timer.start()

    def flush(self) -> None:
        """Show now what was added."""
        added, self._waiting = self._waiting[-MOST_LINES:], []
        is_trimmed = len(self._lines) + len(added) > MOST_LINES
        self._lines.extend(added)
        self._tell_errors()
        if is_trimmed:
            self._show_all()
        else:
            self._append([line for line in added if self._is_shown(line)])

    def clear(self) -> None:
        """Forget all lines."""
        self._waiting = []
        self._lines.clear()
        self._tell_errors()
        self._show_all()

    def copy(self) -> None:
        """Put what is selected, else all lines that are shown, into the clipboard."""
        selected = self.view.textCursor().selection().toPlainText()
        QGuiApplication.clipboard().setText(selected or self.view.toPlainText())

    # ------------------------------------------------------------------

    def _is_shown(self, line: LogLine) -> bool:
        least = _FILTERS[self.level.currentIndex()][1]
        wanted = self.search_field.text().strip().casefold()
        return _LEVELS[line.level] >= least and (
            not wanted or wanted in line.text.casefold() or wanted in line.source.casefold()
        )

    def _show_all(self) -> None:
        bar = self.view.verticalScrollBar()
        is_at_end, place = self._is_at_end(), bar.value()
        self.view.clear()
        self._append([line for line in self._lines if self._is_shown(line)])
        bar.setValue(bar.maximum() if is_at_end else min(place, bar.maximum()))

    def _append(self, lines: list[LogLine]) -> None:
        is_at_end = self._is_at_end()
        # A cursor of its own leaves the selection of the view as it is.
        cursor = QTextCursor(self.view.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        is_first = self.view.document().isEmpty()
        for line in lines:
            if not is_first:
                cursor.insertBlock()
            is_first = False
            moment = datetime.fromtimestamp(line.time_s).strftime("%H:%M:%S")  # of the person who reads it
            cursor.insertText(f"{moment}  ", _format("text3"))
            cursor.insertText(f"{line.level:<7}  ", _format(_COLOURS[line.level]))
            cursor.insertText(f"{line.source}  ", _format("text3"))
            cursor.insertText(line.text.rstrip("\n"), _format(_COLOURS[line.level]))
        cursor.endEditBlock()
        if is_at_end:
            bar = self.view.verticalScrollBar()
            bar.setValue(bar.maximum())
        self._show_state()

    def _show_state(self) -> None:
        shown = not self.view.document().isEmpty()
        self._empty.text.show_text("No line matches the filter." if self._lines and not shown else EMPTY_TEXT)
        self._stack.setCurrentWidget(self.view if shown else self._empty)
        nb_lines = len(self._lines)
        self._count.show_text(f"the last {nb_lines:,} lines" if nb_lines == MOST_LINES else "")
        self.copy_button.setEnabled(shown)
        self.clear_button.setEnabled(bool(self._lines))

    def _is_at_end(self) -> bool:
        bar = self.view.verticalScrollBar()
        return bar.value() >= bar.maximum()

    def _tell_errors(self) -> None:
        nb_errors = sum(line.level == "error" for line in self._lines)
        if nb_errors != self._nb_errors:
            self._nb_errors = nb_errors
            self.errors_changed.emit(nb_errors)


def _format(name: str) -> QTextCharFormat:
    found = QTextCharFormat()
    found.setForeground(colour(name))
    return found

"""An error of a cell with its traceback."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from pypipeline_engine.host.protocol import CellError
from pypipeline_engine.numbers import count
from pypipeline_studio.panels.widgets import IconView, Label, column, push_button, row
from pypipeline_studio.theme.fonts import font


class TracebackDialog(QDialog):
    """Shows an error without keeping the rest of the window from working; deleted when it closes."""

    source_requested = Signal(str, int)
    """A file and a line in it."""

    def __init__(self, error: CellError, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._error = error
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Error in {error.cell}" if error.cell else "Error")
        self.setObjectName("panel")
        self.resize(760, 480)
        self.view = QPlainTextEdit(error.traceback or "The engine has sent no traceback.")
        self.view.setAccessibleName("Traceback")
        self.view.setReadOnly(True)
        self.view.setTabChangesFocus(True)
        self.view.document().setDocumentMargin(8)
        self.view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.view.setFont(font(12, fixed=True))
        # What was raised last is what one looks for first.
        self.view.moveCursor(self.view.textCursor().MoveOperation.End)
        self.view.moveCursor(self.view.textCursor().MoveOperation.StartOfLine)
        message = Label(error.message, 12, 400, "text2", wraps=True)
        message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy_button = push_button("Copy", tip="Copy the message and the traceback")
        self.copy_button.clicked.connect(self.copy)
        self.source_button = push_button("Open source")
        self.source_button.setEnabled(bool(error.file) and error.line is not None)
        self.source_button.setToolTip(
            f"{error.file}:{error.line}" if self.source_button.isEnabled() else "The file is not known"
        )
        self.source_button.clicked.connect(self._open_source)
        self.close_button = push_button("Close", is_primary=True)
        self.close_button.clicked.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(
            row(
                IconView("warning-circle-fill", "error", 18, 20),
                Label(_title(error), 13, 600, wraps=True),
                None,
            )
        )
        layout.addWidget(column(message))
        layout.addWidget(self.view, 1)
        layout.addWidget(row(self.copy_button, self.source_button, None, self.close_button))
        self.close_button.setFocus()

    def copy(self) -> None:
        """Put the message and the traceback into the clipboard."""
        QGuiApplication.clipboard().setText(f"{_title(self._error)}\n{self._error.message}\n\n{self._error.traceback}")

    def _open_source(self) -> None:
        if self._error.line is not None:
            self.source_requested.emit(self._error.file, self._error.line)


def _title(error: CellError) -> str:
    where = error.cell or "The run"
    what = "ended the run" if error.is_fatal else "failed"
    return f"{where} {what}" if error.item is None else f"{where} {what} at item {count(error.item)}"

"""What is here beside what is in the file."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QSyntaxHighlighter, QTextCharFormat, QTextDocument
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from pypipeline_studio.panels.widgets import Label, push_button, row
from pypipeline_studio.theme.colours import colour
from pypipeline_studio.theme.fonts import font

_COLOURS = {"+": "ok", "-": "error", "@": "text3"}


class DiffDialog(QDialog):
    """Shows a unified diff without keeping the rest of the window from working; deleted when it closes."""

    def __init__(self, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Compare {title}")
        self.setObjectName("panel")
        self.resize(860, 520)
        self.view = QPlainTextEdit(text)
        self.view.setAccessibleName("Differences")
        self.view.setReadOnly(True)
        self.view.setTabChangesFocus(True)
        self.view.document().setDocumentMargin(8)
        self.view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.view.setFont(font(12, fixed=True))
        self._highlighter = _Highlighter(self.view.document())
        self.close_button = push_button("Close", is_primary=True)
        self.close_button.clicked.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(Label("Lines with - are in the file only, lines with + are here only", 12, 600, wraps=True))
        layout.addWidget(self.view, 1)
        layout.addWidget(row(None, self.close_button))
        self.close_button.setFocus()


class _Highlighter(QSyntaxHighlighter):
    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)

    def highlightBlock(self, text: str) -> None:
        name = _COLOURS.get(text[:1])
        if name is not None:
            look = QTextCharFormat()
            look.setForeground(colour(name))
            self.setFormat(0, len(text), look)

"""Title, text and colour of a comment box, in a small window over it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from pypipeline_studio.document.comments import Comment
from pypipeline_studio.panels.marks import MarkRow
from pypipeline_studio.panels.widgets import Label, paint
from pypipeline_studio.theme.colours import colour, hex_of

_WIDTH_PX = 300
_TEXT_PX = 84


class CommentEditor(QFrame):
    """Keeps what was written when it is left, by a click elsewhere or by Enter; Escape leaves the box as it was."""

    edited = Signal(Comment)
    """The box as it is to be."""

    def __init__(self, comment: Comment, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAccessibleName("Comment box")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._comment = comment
        self._is_over = False
        self.title = QLineEdit(comment.title)
        self.title.setAccessibleName("Title")
        self.title.setPlaceholderText("Title")
        self.text = QPlainTextEdit(comment.text)
        self.text.setAccessibleName("Text")
        self.text.setPlaceholderText("What should be known about these cells")
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(_TEXT_PX)
        self.text.setStyleSheet(
            f"QPlainTextEdit {{ border: 1px solid {hex_of('line_field')}; border-radius: 4px; padding: 3px; }}"
            f"QPlainTextEdit:focus {{ border-color: {hex_of('accent')}; }}"
        )
        self.marks = MarkRow(comment.colour)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 10)
        layout.setSpacing(8)
        layout.addWidget(self.title)
        layout.addWidget(self.text)
        layout.addWidget(self.marks)
        layout.addWidget(Label("Enter keeps it, Ctrl+Enter in the text; Esc discards", 11, 400, "text3"))
        self.setFixedWidth(_WIDTH_PX)
        self.title.selectAll()

    def open_at(self, point: QPoint) -> None:
        """Show it with its upper left corner at a point of the screen, moved into the screen where it would leave it."""
        self.adjustSize()
        screen = self.screen().availableGeometry()
        x = max(screen.left(), min(point.x(), screen.right() - self.width()))
        y = max(screen.top(), min(point.y(), screen.bottom() - self.height()))
        self.move(x, y)
        self.show()
        self.title.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() == Qt.Key.Key_Escape:
            self._is_over = True
            self.close()
        elif is_enter and (not self.text.hasFocus() or event.modifiers() & Qt.KeyboardModifier.ControlModifier):
            self.close()
        else:
            super().keyPressEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not self._is_over:
            self._is_over = True
            known = self._comment
            chosen = self.marks.current() or known.colour
            self.edited.emit(
                Comment(known.key, known.box, _clean(self.title.text()), _clean(self.text.toPlainText()), chosen)
            )

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        painter.fillRect(self.rect(), colour("popover"))
        painter.setPen(QPen(colour("line_strong"), 1))
        painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()


def _clean(text: str) -> str:
    """The text without halves of surrogate pairs, which no file can hold."""
    return text.encode("utf-8", "ignore").decode("utf-8")

"""A bar over the canvas to find something in the graph."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from pypipeline_studio.panels.search_field import SearchField
from pypipeline_studio.panels.widgets import Label, paint, tool_button
from pypipeline_studio.theme.colours import colour, theme

_WIDTH_PX = 372
_MARGIN_PX = 12
_RADIUS_PX = 8
_STEPS = {Qt.Key.Key_Return: 1, Qt.Key.Key_Enter: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}


class FindBar(QWidget):
    """Stays in the upper right corner of the widget around it."""

    text_changed = Signal(str)
    moved = Signal(int)
    """To the next (1) or the previous one (-1)."""
    closed = Signal()

    def __init__(self, around: QWidget) -> None:
        super().__init__(around)
        self.setAccessibleName("Find in the graph")
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.field = _Field("Find in the graph")
        self.field.setPlaceholderText("Name, type, parameter or comment")
        self.count = Label("", 11, 400, "text2", tabular=True)
        self.count.setMinimumWidth(56)
        self.count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.previous = tool_button("caret-up", "Previous (Shift+Enter)", px=14)
        self.next = tool_button("caret-down", "Next (Enter)", px=14)
        self.close_button = tool_button("x", "Close (Esc)", px=14)
        self.note = Label("", 11, 400, "text3", elides=True)
        line = QHBoxLayout()
        line.setSpacing(2)
        line.addWidget(self.field, 1)
        line.addWidget(self.count)
        line.addSpacing(4)
        for button in (self.previous, self.next, self.close_button):
            line.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 6, 8)
        layout.setSpacing(4)
        layout.addLayout(line)
        layout.addWidget(self.note)
        self.field.textChanged.connect(self.text_changed)
        self.field.moved.connect(self.moved)
        self.field.left.connect(self.closed)
        self.previous.clicked.connect(lambda: self.moved.emit(-1))
        self.next.clicked.connect(lambda: self.moved.emit(1))
        self.close_button.clicked.connect(self.closed)
        theme.changed.connect(self.update)
        around.installEventFilter(self)
        self.show_result(0, 0, "")
        self.hide()

    def begin(self) -> None:
        """Show the bar, with what was typed before selected."""
        self.show()
        self.raise_()
        self._place()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def show_result(self, place: int, count: int, note: str) -> None:
        """Say which one of how many is shown, and what of it was found.

        :param place: counted from 1; 0 where none of them is shown yet.
        """
        nothing = "Nothing found" if self.field.text().strip() else ""
        some = f"{place} of {count}" if place else f"{count} found"
        self.count.show_text(some if count else nothing)
        self.count.set_colour("text2" if count else "warn")
        self.note.show_text(note)
        self.note.setVisible(bool(note))
        for button in (self.previous, self.next):
            button.setEnabled(count > 0)
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.parent() and event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        around, layout = self.parentWidget(), self.layout()
        if around is None or layout is None:
            return
        layout.activate()
        width = min(_WIDTH_PX, around.width() - 2 * _MARGIN_PX)
        self.setGeometry(around.width() - width - _MARGIN_PX, _MARGIN_PX, width, layout.sizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        # What is typed into a button of the bar is not meant for the canvas below.
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        painter.setPen(QPen(colour("line_strong"), 1))
        painter.setBrush(colour("popover"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS_PX, _RADIUS_PX)
        painter.end()


class _Field(SearchField):
    """Enter goes to the next one and Shift+Enter to the previous one; Escape leaves at once."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _STEPS.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif step is not None:
            self.moved.emit(-step if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else step)
        else:
            super().keyPressEvent(event)

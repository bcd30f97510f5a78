"""Line edits that hold what is typed against a type before anybody hears of it, and a slider beside one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QComboBox, QLineEdit, QSlider, QWidget

from pypipeline_studio.panels.field_events import is_undo_or_redo, open_menu
from pypipeline_studio.panels.parameter_values import WrongText
from pypipeline_studio.panels.widgets import mark_wrong, paint
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import draw_icon

_STEPS = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}


class CheckedField(QLineEdit):
    """A line edit that gives values, not text.

    What cannot be read turns the field to the colour of errors, and is not given. Enter and leaving the field give it,
    Escape takes back what was typed. Where a step is known, the arrow keys step. Undo and redo are those of the window, but
    for what is being typed.
    """

    edited = Signal(object, bool)
    """A value that was typed, or stepped to; and whether the edit is finished."""
    complained = Signal(str)
    """What is wrong with the text, in one sentence; empty where nothing is any more."""

    def __init__(self, name: str, read: Callable[[str], Any], parent: QWidget | None = None) -> None:
        """Make a field.

        :param read: the value for a text; raises `WrongText`.
        """
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFont(font(12, tabular=True))
        self.read = read
        self.step: Callable[[Any, int], Any] | None = None
        """The value so many steps from another."""
        self.more_actions: list[QAction] = []
        """What the context menu has beside the actions of a line edit."""
        self._shown = ""
        self._complaint = ""
        self._is_stepping = False
        self.textEdited.connect(self._check)
        self.editingFinished.connect(self._finish)

    @property
    def complaint(self) -> str:
        """What is wrong with the text; empty where it can be read."""
        return self._complaint

    def show_text(self, text: str) -> None:
        """Show another value as text. What is being typed stays."""
        if text == self._shown:
            return
        self._shown = text
        if not (self.hasFocus() and self.isModified()):
            self.setText(text)
            self.setCursorPosition(0)
            self._complain("")

    def forget_typed(self) -> None:
        """Take back what is being typed."""
        self.setText(self._shown)
        self.setModified(False)
        self._complain("")

    def event(self, event: QEvent) -> bool:
        if is_undo_or_redo(event) and not self.isModified():  # they are those of the window
            event.ignore()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = _STEPS.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Escape and self.text() != self._shown:
            self._restore()
        elif steps is not None and self.step is not None and not self.isReadOnly():
            self._step_by(steps)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if self._is_stepping and not event.isAutoRepeat():
            self._end_steps()
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._end_steps()
        super().focusOutEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        open_menu(self, event, self.more_actions)

    # ------------------------------------------------------------------

    def _check(self, text: str) -> None:
        try:
            self.read(text)
        except WrongText as wrong:
            self._complain(str(wrong))
        else:
            self._complain("")

    def _finish(self) -> None:
        if self.text() == self._shown:
            self.setModified(False)
            self._complain("")
            return
        try:
            value = self.read(self.text())
        except WrongText as wrong:
            self._complain(str(wrong))
            return
        self._shown = self.text()
        self.setModified(False)
        self._complain("")
        self.edited.emit(value, True)

    def _restore(self) -> None:
        self.forget_typed()
        self.selectAll()

    def _step_by(self, steps: int) -> None:
        assert self.step is not None
        try:
            value = self.step(self.read(self.text()), steps)
        except (WrongText, TypeError):  # nothing that a step could be added to
            return
        self._is_stepping = True
        self._shown = str(value)
        self.setText(self._shown)
        self.setModified(False)
        self._complain("")
        self.edited.emit(value, False)

    def _end_steps(self) -> None:
        if self._is_stepping:
            self._is_stepping = False
            self.edited.emit(self.read(self.text()), True)

    def _complain(self, sentence: str) -> None:
        if sentence != self._complaint:
            self._complaint = sentence
            self.setAccessibleDescription(sentence)
            mark_wrong(self, bool(sentence))
            self.complained.emit(sentence)


class CalmSlider(QSlider):
    """A slider that the wheel moves only while it has the focus, so that a panel can be scrolled over it."""

    def __init__(self, name: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class CalmComboBox(QComboBox):
    """A choice that the wheel changes only while it has the focus."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFont(font(12))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        # A style sheet that gives a combo box its border takes its arrow away.
        painter = paint(self)
        place = QRectF(self.width() - 24, 0, 16, self.height())
        draw_icon(painter, place, "caret-down", colour("text2" if self.isEnabled() else "disabled"), 12)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

"""A button that takes the keys that are pressed next."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QKeyCombination, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QPushButton

from pypipeline_studio.theme.fonts import font

_MODIFIERS: Final = (
    Qt.Key.Key_Control,
    Qt.Key.Key_Shift,
    Qt.Key.Key_Alt,
    Qt.Key.Key_AltGr,
    Qt.Key.Key_Meta,
    Qt.Key.Key_unknown,
    Qt.Key.Key_CapsLock,
    Qt.Key.Key_NumLock,
)
_WORDS = "Add keys …"
_WAITING = "Press the keys – Esc cancels"


class KeyRecorder(QPushButton):
    """Waits for keys after it was pressed; Escape cancels, and so does leaving it."""

    recorded = Signal(str)
    """Keys as portable text, such as `Ctrl+Shift+P`."""

    def __init__(self) -> None:
        super().__init__(_WORDS)
        self.setFont(font(12))
        self.setCheckable(True)
        self.setAutoDefault(False)
        self.setMinimumWidth(196)
        self.setToolTip("Then press the keys that are to do this as well")
        self.toggled.connect(self._show)

    def event(self, event: QEvent) -> bool:
        # Before Qt takes Tab to move the focus, and shortcuts their keys.
        if self.isChecked() and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress:
                self._take(event)
                return True
            if event.type() == QEvent.Type.KeyRelease:
                return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.setChecked(False)
        super().focusOutEvent(event)

    def _take(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _MODIFIERS:
            return
        self.setChecked(False)
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key == Qt.Key.Key_Escape and not modifiers:
            return
        if key == Qt.Key.Key_Backtab:
            key = Qt.Key.Key_Tab
        text = event.text()
        # Shift is in the character already: `?` and not `Shift+?`.
        if text and text.isprintable() and not text.isalnum() and text != " ":
            modifiers &= ~Qt.KeyboardModifier.ShiftModifier
        combination = QKeyCombination(modifiers, key)
        self.recorded.emit(QKeySequence(combination).toString(QKeySequence.SequenceFormat.PortableText))

    def _show(self, is_waiting: bool) -> None:
        self.setText(_WAITING if is_waiting else _WORDS)

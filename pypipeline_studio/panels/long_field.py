"""A field of several lines that holds what is typed against a type, as `CheckedField` does with one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QFocusEvent, QFontDatabase, QFontMetrics, QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from pypipeline_studio.panels.field_events import is_undo_or_redo, open_menu
from pypipeline_studio.panels.parameter_values import WrongText
from pypipeline_studio.panels.widgets import mark_wrong
from pypipeline_studio.theme.fonts import font

LEAST_LINES: Final = 3
MOST_LINES: Final = 10
_FRAME_PX: Final = 20
KEYS_TEXT: Final = "Ctrl+Enter or leaving the field takes it, Esc takes it back"


class LongField(QPlainTextEdit):
    """Gives values, not text: by Ctrl+Enter and by being left. Escape takes back what was typed; Tab goes on to the next."""

    edited = Signal(object, bool)
    """A value that was typed; the edit is finished."""
    complained = Signal(str)
    """What is wrong with the text, in one sentence; empty where nothing is any more."""

    def __init__(
        self, name: str, read: Callable[[str], Any], *, is_code: bool = False, parent: QWidget | None = None
    ) -> None:
        """Make a field.

        :param read: the value for a text; raises `WrongText`.
        :param is_code: whether it is shown in letters of equal width.
        """
        super().__init__(parent)
        self.setObjectName("field")
        self.setAccessibleName(f"{name}, several lines")
        chosen = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont) if is_code else font(12)
        if is_code:
            chosen.setPixelSize(11)
        self.setFont(chosen)
        self.setTabChangesFocus(True)
        self.setToolTip(KEYS_TEXT)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.more_actions: list[QAction] = []
        """What the context menu has beside the actions of a text field."""
        self._read = read
        self._shown = ""
        self._plain = ""
        """What the field makes of it: line ends become its own."""
        self._complaint = ""
        self._is_setting = False
        self.textChanged.connect(self._on_text)
        self._fit()

    @property
    def complaint(self) -> str:
        """What is wrong with the text; empty where it can be read."""
        return self._complaint

    @property
    def is_typing(self) -> bool:
        """Whether something was typed that nobody has heard of."""
        return self.toPlainText() != self._plain

    def show_text(self, text: str) -> None:
        """Show another value as text. What is being typed stays."""
        if text != self._shown:
            was_typing = self.hasFocus() and self.is_typing
            self._shown = text
            if not was_typing:
                self.forget_typed()

    def forget_typed(self) -> None:
        """Take back what is being typed."""
        self._is_setting = True
        self.setPlainText(self._shown)
        self._is_setting = False
        self._plain = self.toPlainText()
        self._complain("")

    # ------------------------------------------------------------------ keys

    def event(self, event: QEvent) -> bool:
        if is_undo_or_redo(event) and not self.is_typing:  # they are those of the window
            event.ignore()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._finish()
        elif event.key() == Qt.Key.Key_Escape and self.is_typing:
            self.forget_typed()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:  # its own menu
            self._finish()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        open_menu(self, event, self.more_actions)

    # ------------------------------------------------------------------

    def _on_text(self) -> None:
        self._fit()
        if self._is_setting:
            return
        try:
            self._read(self.toPlainText())
        except WrongText as wrong:
            self._complain(str(wrong))
        else:
            self._complain("")

    def _finish(self) -> None:
        if not self.is_typing:
            self._complain("")
            return
        try:
            value = self._read(self.toPlainText())
        except WrongText as wrong:
            self._complain(str(wrong))
            return
        self._shown = self._plain = self.toPlainText()
        self._complain("")
        self.edited.emit(value, True)

    def _fit(self) -> None:
        """As high as its text, within limits."""
        lines = max(LEAST_LINES, min(MOST_LINES, self.blockCount()))
        self.setFixedHeight(lines * QFontMetrics(self.font()).lineSpacing() + _FRAME_PX)

    def _complain(self, sentence: str) -> None:
        if sentence != self._complaint:
            self._complaint = sentence
            self.setAccessibleDescription(sentence)
            mark_wrong(self, bool(sentence))
            self.complained.emit(sentence)

"""A line to type a search into."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QToolButton, QWidget

from pypipeline_studio.panels.widgets import IconView, KeyCap
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import icon

_ICON_PX = 20
_KEPT = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Tab)


class SearchField(QLineEdit):
    """A line edit with a magnifying glass, and the keys that lead to it where nothing is typed.

    The keys by which a list below is used are given to whoever listens, not to shortcuts around it.
    """

    moved = Signal(int)
    """Up (-1) and Down (1)."""
    accepted = Signal()
    """Enter."""
    left = Signal()
    """Escape where nothing is typed; else it empties the field."""

    def __init__(self, name: str, keys: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFont(font(12))
        glass = IconView("magnifying-glass", "text3", 14, 16)
        glass.setParent(self)
        glass.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._glass = glass
        self._keys = KeyCap(keys) if keys else None
        if self._keys is not None:
            self._keys.setParent(self)
        # An action of a QLineEdit sits too low where a style sheet gives it a height.
        self._clear = QToolButton(self)
        self._clear.setIcon(icon("x", "text3"))
        self._clear.setAutoRaise(True)
        self._clear.setProperty("icononly", True)
        self._clear.setToolTip("Clear the search (Esc)")
        self._clear.setAccessibleName("Clear the search")
        self._clear.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._clear.setFixedSize(20, 20)
        self._clear.setStyleSheet("min-height: 18px; min-width: 18px; max-width: 18px; padding: 0; border: 0;")
        self._clear.setCursor(Qt.CursorShape.ArrowCursor)
        self._clear.clicked.connect(self.clear)
        self._clear.hide()
        self._make_room()
        self.textChanged.connect(self._follow_text)

    def show_keys(self, keys: str) -> None:
        """Name other keys that lead to it; empty for none."""
        if self._keys is not None:
            self._keys.hide()
            self._keys.deleteLater()
        self._keys = KeyCap(keys) if keys else None
        if self._keys is not None:
            self._keys.setParent(self)
            self._keys.setVisible(not self.text())
        self._make_room()
        self._place()

    def _make_room(self) -> None:
        right = self._keys.width() + 4 if self._keys is not None else 20
        self.setTextMargins(_ICON_PX, 0, right, 0)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _KEPT:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(-1 if key == Qt.Key.Key_Up else 1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.accepted.emit()
        elif key == Qt.Key.Key_Escape:
            if self.text():
                self.clear()
            else:
                self.left.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        middle = self.height() // 2
        self._glass.move(8, middle - self._glass.height() // 2)
        self._clear.move(self.width() - 24, middle - 10)
        if self._keys is not None:
            self._keys.move(self.width() - self._keys.width() - 7, middle - self._keys.height() // 2)

    def _follow_text(self, text: str) -> None:
        self._clear.setVisible(bool(text))
        if self._keys is not None:
            self._keys.setVisible(not text)

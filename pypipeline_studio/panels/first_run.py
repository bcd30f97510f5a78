"""What to begin with, on an empty canvas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from pypipeline_engine.numbers import counted
from pypipeline_studio.panels.widgets import KeyCap, Label, clear_layout, paint, push_button
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import draw_icon

_WIDTH_PX = 520
_CARD_PX = 60
_MOST_RECENT = 3
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft


class FirstRun(QWidget):
    """Three actions with their keys, kept in the middle of the widget around it.

    Up and Down go from one to the other, Enter does it; Tab adds a cell where it does so on the canvas.
    """

    try_example = Signal()
    add_cell = Signal()
    open_graph = Signal()
    open_recent = Signal(Path)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Build a pipeline")
        title = Label("Build a pipeline", 20, 600)
        self._intro = Label("", 12, 400, "text2", wraps=True)
        self._hint = Label("", 11, 400, "text3")
        self.example = _Card(
            "play-circle",
            "Try the example: people tracking",
            "A real video through detection and tracking, one click.",
            "Enter",
        )
        self.add = _Card("plus-circle", "Add the first cell", "Search cells by name, category or value type.", "Tab")
        self.open = _Card("folder-open", "Open a graph", "A graph file of your own.", "Ctrl+O")
        self._cards = (self.example, self.add, self.open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for label in (title, self._intro, self._hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._intro.setContentsMargins(44, 0, 44, 12)
        self._hint.setContentsMargins(0, 8, 0, 0)
        self.recent_buttons: list[QPushButton] = []
        self._recent = QHBoxLayout()
        self._recent.setSpacing(8)
        for widget in (title, self._intro, *self._cards):
            layout.addWidget(widget)
        layout.addLayout(self._recent)
        layout.addWidget(self._hint)
        for card, signal in zip(self._cards, (self.try_example, self.add_cell, self.open_graph), strict=True):
            card.clicked.connect(signal)
            card.moved.connect(self._move)
            card.tab_pressed.connect(self.add_cell)
        self.setFocusProxy(self.example)
        self.show_keys("Tab", "Ctrl+O", "F5", "?")
        self.resize(_WIDTH_PX, self.sizeHint().height())
        if parent is not None:
            parent.installEventFilter(self)
            self._centre()

    def show_keys(self, add: str, open_graph: str, run: str, shortcuts: str) -> None:
        """Name the keys as they are now; empty where an action has none."""
        search = f", or press {add} to search" if add else " or search for one there"
        then = f"press {run}" if run else "run it"
        self._intro.show_text(
            f"Drag a cell from the left{search}. Connect outputs to inputs of the same colour and shape, then {then}."
        )
        self._hint.show_text(f"Press {shortcuts} for all shortcuts" if shortcuts else "All shortcuts: Help > Shortcuts")
        self.add.show_keys(add)
        self.open.show_keys(open_graph)

    def set_tab_adds(self, tab_adds: bool) -> None:
        """Say whether Tab adds a cell; else it goes to the next card."""
        for card in self._cards:
            card.takes_tab = tab_adds

    def set_nb_cells(self, nb_cells: int) -> None:
        """Say how many types of cells there are to search."""
        self.add.set_text(f"Search {counted(nb_cells, 'cell')} by name, category or value type.")

    def set_recent(self, paths: Sequence[Path]) -> None:
        """Offer the graphs that were opened last."""
        clear_layout(self._recent)
        self.recent_buttons = []
        for path in paths[:_MOST_RECENT]:
            button = push_button("", tip=str(path))
            button.setAccessibleName(f"Open {path.name}")
            width = (_WIDTH_PX - 8 * (_MOST_RECENT - 1)) // _MOST_RECENT
            fitting = button.fontMetrics().elidedText(path.name, Qt.TextElideMode.ElideMiddle, width - 32)
            button.setText(fitting.replace("&", "&&"))
            button.setFixedWidth(width)
            button.clicked.connect(lambda _checked=False, path=path: self.open_recent.emit(path))
            button.installEventFilter(self)
            self._recent.addWidget(button)
            self.recent_buttons.append(button)
        if self.recent_buttons:
            self._recent.addStretch(1)

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH_PX, max(self.heightForWidth(_WIDTH_PX), super().sizeHint().height()))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # the height of what is in it has changed
            self._centre()
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.parent() and event.type() == QEvent.Type.Resize:
            self._centre()
        is_up = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Up
        if is_up and event.type() == QEvent.Type.KeyPress and watched in self.recent_buttons:
            self.open.setFocus(Qt.FocusReason.BacktabFocusReason)
            return True
        return super().eventFilter(watched, event)

    def _centre(self) -> None:
        around = self.parentWidget()
        if around is not None:
            size = self.sizeHint()
            width = min(size.width(), max(0, around.width() - 24))
            self.setGeometry(
                (around.width() - width) // 2, max(0, (around.height() - size.height()) // 2), width, size.height()
            )

    def _move(self, direction: int) -> None:
        place = next((index for index, card in enumerate(self._cards) if card.hasFocus()), 0) + direction
        places = [*self._cards, *self.recent_buttons[:1]]  # from one of those to the next, Qt goes by itself
        if 0 <= place < len(places):
            places[place].setFocus(Qt.FocusReason.TabFocusReason)


class _Card(QAbstractButton):
    moved = Signal(int)
    tab_pressed = Signal()

    def __init__(self, icon_name: str, title: str, text: str, keys: str) -> None:
        super().__init__()
        self._icon_name = icon_name
        self._text = text
        self._keys: KeyCap | None = None
        self.takes_tab = True
        self.setText(title)
        self.setFixedHeight(_CARD_PX)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleDescription(text)
        self.show_keys(keys)
        theme.changed.connect(self.update)

    @property
    def keys(self) -> str:
        """The keys that it names; empty for none."""
        return self._keys.text if self._keys is not None else ""

    def show_keys(self, keys: str) -> None:
        """Name the keys that do the same; empty for none."""
        if self._keys is not None:
            self._keys.hide()
            self._keys.deleteLater()
        self._keys = KeyCap(keys, 11) if keys else None
        if self._keys is not None:
            self._keys.setParent(self)
            self._keys.show()
        self.setAccessibleName(f"{self.text()} ({keys})" if keys else self.text())
        self.update()

    def set_text(self, text: str) -> None:
        self._text = text
        self.setAccessibleDescription(text)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH_PX, _CARD_PX)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key = event.key()
            if key == Qt.Key.Key_Tab and not event.modifiers() and self.takes_tab:
                self.tab_pressed.emit()
                return True
            if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                self.moved.emit(-1 if key == Qt.Key.Key_Up else 1)
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.click()
                return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        body = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(colour("accent" if self.hasFocus() else "line_strong"), 1))
        painter.setBrush(colour("press" if self.isDown() else "hover" if self.underMouse() else "panel"))
        painter.drawRoundedRect(body, 6, 6)
        shade = colour("accent" if self.hasFocus() else "text2")
        draw_icon(painter, QRectF(18, 0, 24, self.height()), self._icon_name, shade, 20)
        right = self.width() - 16
        if self._keys is not None:
            right -= self._keys.width()
            self._keys.move(right, (self.height() - self._keys.height()) // 2)
            right -= 12
        width = right - 57
        for text, top, weight, name in ((self.text(), 12.0, 600, "text"), (self._text, 30.0, 400, "text2")):
            shown = font(13 if weight == 600 else 12, weight)
            painter.setFont(shown)
            painter.setPen(colour(name))
            fitting = QFontMetricsF(shown).elidedText(text, Qt.TextElideMode.ElideRight, width)
            painter.drawText(QRectF(57, top, width, 18), _LEFT, fitting)
        painter.end()

"""Rows below each other, each a widget that can have the focus; where there are none, a few words say so."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from pypipeline_studio.panels.scrolled import scrolled
from pypipeline_studio.panels.widgets import EmptyState, paint, paint_focus
from pypipeline_studio.theme.colours import colour, theme


class ListRow(QWidget):
    """A row with a line below it, which shows where the mouse is and where the focus."""

    activated = Signal()
    """It was clicked, or chosen by a key that those made of it know."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme.changed.connect(self.update)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.activated.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        if self.underMouse():
            painter.fillRect(self.rect(), colour("hover"))
        painter.fillRect(QRectF(0, self.height() - 1, self.width(), 1), colour("line"))
        if self.hasFocus():
            paint_focus(painter, QRectF(self.rect()).adjusted(2, 2, -2, -3), 4)
        painter.end()


_Key = TypeVar("_Key", bound=Hashable)
_Row = TypeVar("_Row", bound=ListRow)


class RowList(QStackedWidget, Generic[_Key, _Row]):
    """A row for each of some keys."""

    def __init__(self, make: Callable[[_Key], _Row], empty: EmptyState) -> None:
        """Make a list without rows.

        :param make: the row of a key that is new.
        :param empty: what is shown in their place where there are none.
        """
        super().__init__()
        self._make = make
        self._rows: dict[_Key, _Row] = {}
        body = QWidget()
        body.setObjectName("panel")
        self._lines = QVBoxLayout(body)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(0)
        self._lines.addStretch(1)
        self._area = scrolled(body)
        self.addWidget(empty)
        self.addWidget(self._area)

    @property
    def rows(self) -> Mapping[_Key, _Row]:
        """The widgets by their keys, from top to bottom."""
        return MappingProxyType(self._rows)

    def row(self, key: _Key) -> _Row:
        """The widget of a key."""
        return self._rows[key]

    def set_keys(self, keys: Iterable[_Key]) -> None:
        """Have a row for each of these, from top to bottom. Rows of keys that are known stay, with their focus."""
        wanted = dict.fromkeys(keys)
        for key in self._rows.keys() - wanted.keys():
            gone = self._rows.pop(key)
            self._lines.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        self._rows = {key: self._rows.get(key) or self._make(key) for key in wanted}
        for index, shown in enumerate(self._rows.values()):
            if self._lines.indexOf(shown) != index:
                self._lines.removeWidget(shown)
                self._lines.insertWidget(index, shown)
        self.setCurrentIndex(1 if wanted else 0)

    def move_focus(self, key: _Key, steps: int) -> None:
        """Give the focus to the row so many below that of a key, where there is one, and scroll to it."""
        rows = list(self._rows.values())
        place = list(self._rows).index(key) + steps
        if 0 <= place < len(rows):
            rows[place].setFocus(Qt.FocusReason.TabFocusReason)
            self._area.ensureWidgetVisible(rows[place])

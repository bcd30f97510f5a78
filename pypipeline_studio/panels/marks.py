"""The colours that a person can give to cells and comment boxes: to choose from in a menu, or in a row."""

from __future__ import annotations

from collections.abc import Callable, Collection

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QActionGroup, QIcon, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QMenu, QWidget

from pypipeline_studio.panels.widgets import paint
from pypipeline_studio.theme.colours import colour, mark_colour
from pypipeline_studio.theme.tokens import MARKS

_SIZE_PX = 22
_DISC_PX = 6.5
_ICON_PX = 16
NONE = "None"


class MarkRow(QWidget):
    """The colours in a row, of which one is chosen."""

    chosen = Signal(str)

    def __init__(self, current: str) -> None:
        super().__init__()
        self.setAccessibleName("Colour")
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QAbstractButton] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for mark in MARKS:
            button = _MarkButton(mark)
            button.setChecked(mark == current)
            button.clicked.connect(lambda _checked=False, mark=mark: self.chosen.emit(mark))
            self._group.addButton(button)
            self.buttons[mark] = button
            layout.addWidget(button)
        layout.addStretch(1)

    def current(self) -> str:
        """The colour that is chosen; empty for one that is not among them."""
        return next((mark for mark, button in self.buttons.items() if button.isChecked()), "")


class _MarkButton(QAbstractButton):
    def __init__(self, mark: str) -> None:
        super().__init__()
        self._mark = mark
        self.setCheckable(True)
        self.setFixedSize(_SIZE_PX, _SIZE_PX)
        self.setToolTip(MARKS[mark].name)
        self.setAccessibleName(MARKS[mark].name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def sizeHint(self) -> QSize:
        return QSize(_SIZE_PX, _SIZE_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        middle = QRectF(self.rect()).center()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(mark_colour(self._mark))
        painter.drawEllipse(middle, _DISC_PX, _DISC_PX)
        if self.isChecked() or self.hasFocus() or self.underMouse():
            shown = "accent" if self.hasFocus() else "text" if self.isChecked() else "line_strong"
            painter.setPen(QPen(colour(shown), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(middle, _DISC_PX + 2.5, _DISC_PX + 2.5)
        painter.end()


def mark_icon(mark: str) -> QIcon:
    """A disc of a colour; a circle for none."""
    pixmap = QPixmap(2 * _ICON_PX, 2 * _ICON_PX)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen if mark else QPen(colour("text3"), 1.5))
    if mark:
        painter.setBrush(mark_colour(mark))
    painter.drawEllipse(QPointF(_ICON_PX / 2, _ICON_PX / 2), 5.5, 5.5)
    painter.end()
    return QIcon(pixmap)


def fill_mark_menu(
    menu: QMenu, current: Collection[str], choose: Callable[[str], object], has_none: bool = False
) -> None:
    """Offer the colours in a menu.

    :param current: those of what is selected; one is checked where all have the same.
    :param choose: takes the colour that was chosen; empty for none.
    """
    group = QActionGroup(menu)
    for mark in [*([""] if has_none else []), *MARKS]:
        action = menu.addAction(mark_icon(mark), MARKS[mark].name if mark else NONE)
        action.setCheckable(True)
        action.setChecked(set(current) == {mark})
        group.addAction(action)
        action.triggered.connect(lambda _checked=False, mark=mark: choose(mark))

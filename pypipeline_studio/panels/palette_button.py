"""The field of the toolbar that opens the command palette."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAction, QFontMetrics, QFontMetricsF, QKeySequence, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from pypipeline_studio.panels.widgets import CONTROL_PX, paint
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import draw_icon

_TEXT = "Find or run a command"
_WIDTH_PX = 264
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight


class PaletteButton(QAbstractButton):
    """Looks like a field to search in, and triggers an action; with less room it is its icon only."""

    def __init__(self, action: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._action = action
        self.setText(_TEXT)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(CONTROL_PX)
        self.clicked.connect(lambda: action.trigger())
        action.changed.connect(self._follow)
        theme.changed.connect(self.update)
        self._follow()

    def _follow(self) -> None:
        self.setToolTip(self._action.toolTip())
        self.setAccessibleName(self._action.toolTip())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH_PX, CONTROL_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(CONTROL_PX, CONTROL_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        body = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(colour("accent" if self.hasFocus() else "line_field"), 1))
        painter.setBrush(colour("hover" if self.underMouse() else "field"))
        painter.drawRoundedRect(body, 4, 4)
        is_narrow = self.width() < 60
        icon_box = QRectF(self.rect()) if is_narrow else QRectF(6, 0, 16, self.height())
        draw_icon(painter, icon_box, "magnifying-glass", colour("text3"), 14)
        if not is_narrow:
            keys = self._action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            small = font(10, 500)
            taken = QFontMetrics(small).horizontalAdvance(keys) + 18 if keys else 8
            room = self.width() - 30 - taken
            painter.setFont(font(12))
            painter.setPen(colour("text3"))
            text = QFontMetricsF(font(12)).elidedText(_TEXT, Qt.TextElideMode.ElideRight, room)
            painter.drawText(QRectF(28, 0, room, self.height()), _LEFT, text)
            painter.setFont(small)
            painter.drawText(QRectF(self.width() - taken, 0, taken - 9, self.height()), _RIGHT, keys)
        painter.end()

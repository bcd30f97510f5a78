"""A box at a node that says what is the matter and offers what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QKeyEvent, QMouseEvent, QPainterPath, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from pypipeline_studio.panels.rate_bars import RateBar, RateBars
from pypipeline_studio.panels.widgets import IconView, Label, paint, push_button, row, set_look, tool_button
from pypipeline_studio.theme.colours import colour, theme

WIDTH_PX: Final = 264
_SHADOW_PX: Final = 8
_CARET_PX: Final = 8
"""How far the caret stands out, and half of its width."""
_PAD_PX: Final = 12
_RADIUS_PX: Final = 8
_CARET_FROM_LEFT_PX: Final = 48
_GAP_PX: Final = 2
"""Between the tip of the caret and what it points at."""


@dataclass(frozen=True)
class PopoverContent:
    """What a box says."""

    icon: str
    """A Phosphor name, such as `flame-fill`."""
    colour: str
    """The token of the icon's colour."""
    title: str
    text: str
    bars: tuple[RateBar, ...] = ()
    action: str = ""
    """What the first button says; empty for none."""
    is_primary: bool = True
    """Whether the first button is the one that should be pressed."""
    second: str = ""
    """What the second button says; empty for none."""
    action_tip: str = ""
    second_tip: str = ""


class Popover(QWidget):
    """One box, a child of the widget that it lies on, which it never leaves. Hidden until `show_at`."""

    acted = Signal()
    """The first button."""
    acted_second = Signal()
    """The second button."""
    left = Signal()
    """The cross, or Esc."""
    hovered = Signal(bool)
    """The mouse has come to the box, or has gone."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._area = parent
        self.content: PopoverContent | None = None
        self._caret_x = float(_CARET_FROM_LEFT_PX)
        self._is_below = True
        self.setFixedWidth(WIDTH_PX + 2 * _SHADOW_PX)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._icon = IconView("flame-fill", "neck_line", 16, 18)
        self.title = Label("", 13, 600, wraps=True)
        self.close_button = tool_button("x", "Close (Esc)", px=12)
        self.close_button.setFixedSize(20, 20)
        # The style sheet makes flat buttons as high as those of the toolbar.
        self.close_button.setStyleSheet("min-width: 18px; max-width: 18px; min-height: 18px; padding: 0")
        self.text = Label("", 12, 400, "text2", wraps=True)
        self.bars = RateBars()
        self.action_button = push_button("", is_primary=True)
        self.second_button = push_button("")
        self.buttons = row(self.action_button, self.second_button)
        self.action_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        self._layout = layout
        layout.setSpacing(0)
        head = row(self._icon, self.title, self.close_button, spacing=6)
        head_layout = head.layout()
        assert head_layout is not None
        for part in (self._icon, self.close_button):
            head_layout.setAlignment(part, Qt.AlignmentFlag.AlignTop)
        self.title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        layout.addWidget(head)
        layout.addSpacing(6)
        layout.addWidget(self.text)
        layout.addSpacing(8)
        layout.addWidget(self.bars)
        layout.addSpacing(10)
        layout.addWidget(self.buttons)
        self.action_button.clicked.connect(self.acted)
        self.second_button.clicked.connect(self.acted_second)
        self.close_button.clicked.connect(self.left)
        theme.changed.connect(self.update)
        self._set_margins()
        self.hide()

    def show_content(self, content: PopoverContent) -> None:
        """Say something else."""
        if content == self.content:
            return
        self.content = content
        self._icon.show_icon(content.icon, content.colour)
        self.title.show_text(content.title)
        self.text.show_text(content.text)
        self.text.setVisible(bool(content.text))
        self.bars.show_bars(content.bars)
        for button, text, tip in (
            (self.action_button, content.action, content.action_tip),
            (self.second_button, content.second, content.second_tip),
        ):
            button.setText(text)
            button.setToolTip(tip)
            button.setVisible(bool(text))
            button.setAccessibleName(f"{text}: {content.title}" if text else "")
        self.buttons.setVisible(bool(content.action or content.second))
        if self.action_button.property("primary") != content.is_primary:
            set_look(self.action_button, "primary", content.is_primary)
        self.setAccessibleName(f"{content.title}. {content.text}")
        self._fit()

    def show_at(self, target: QRect) -> None:
        """Show the box below a rectangle of the parent, above it where there is no room, and within the parent.

        It is out of sight while the rectangle is.
        """
        area = self._area.rect()
        if not area.intersects(target):
            self.hide()
            return
        height = self.height()
        room_below, room_above = area.bottom() - target.bottom(), target.top() - area.top()
        is_below = room_below >= height or room_below >= room_above
        caret_at = target.left() + min(_CARET_FROM_LEFT_PX, target.width() // 2)
        left = caret_at - _CARET_FROM_LEFT_PX - _SHADOW_PX
        left = max(area.left() - _SHADOW_PX + 4, min(left, area.right() + _SHADOW_PX - 4 - self.width()))
        top = target.bottom() + _GAP_PX if is_below else target.top() - _GAP_PX - height
        top = max(area.top(), min(top, area.bottom() - height))
        caret_x = float(min(max(caret_at - left, _SHADOW_PX + 20), self.width() - _SHADOW_PX - 20))
        if (caret_x, is_below) != (self._caret_x, self._is_below):
            self._caret_x, self._is_below = caret_x, is_below
            self._set_margins()
            self.update()
        place = QPoint(left, top)
        if place != self.pos():
            self.move(place)
        if self.isHidden():
            self.show()
            self.raise_()

    def sizeHint(self) -> QSize:
        return QSize(self.width(), self.height())

    def _set_margins(self) -> None:
        beside, above, below = _SHADOW_PX + _PAD_PX, _SHADOW_PX + _PAD_PX, _SHADOW_PX + _PAD_PX
        self._layout.setContentsMargins(
            beside, above + (_CARET_PX if self._is_below else 0), beside, below + (0 if self._is_below else _CARET_PX)
        )

    def _fit(self) -> None:
        """Be as high as what is said."""
        self._layout.activate()
        self.setFixedHeight(self._layout.totalHeightForWidth(self.width()))

    def _body(self) -> QRectF:
        body = QRectF(self.rect()).adjusted(_SHADOW_PX, _SHADOW_PX, -_SHADOW_PX, -_SHADOW_PX)
        return body.adjusted(0, _CARET_PX, 0, 0) if self._is_below else body.adjusted(0, 0, 0, -_CARET_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        body = self._body()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("node_shadow", 0.04 if theme.mode == "dark" else 0.02))
        for grown in range(_SHADOW_PX - 2, 0, -1):
            painter.drawRoundedRect(
                body.adjusted(-grown, -grown + 2, grown, grown + 2), _RADIUS_PX + grown, _RADIUS_PX + grown
            )
        outline = QPainterPath()
        outline.addRoundedRect(body.adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS_PX, _RADIUS_PX)
        edge, tip = (body.top() + 1, -_CARET_PX - 1) if self._is_below else (body.bottom() - 1, _CARET_PX + 1)
        caret = QPainterPath(QPointF(self._caret_x - _CARET_PX, edge))
        caret.lineTo(self._caret_x, edge + tip)
        caret.lineTo(self._caret_x + _CARET_PX, edge)
        caret.closeSubpath()
        painter.setPen(QPen(colour("line_strong"), 1))
        painter.setBrush(colour("popover"))
        painter.drawPath(outline.united(caret))
        painter.end()

    # What happens in the box is none of the business of what lies below it.

    def event(self, event: QEvent) -> bool:
        # Keys without Ctrl or Alt are shortcuts of what is below, such as Tab, Return and Del.
        with_ctrl = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        is_override = event.type() == QEvent.Type.ShortcutOverride
        if is_override and isinstance(event, QKeyEvent) and not event.modifiers() & with_ctrl:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.second_button.hasFocus():
            self.second_button.click()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.action_button.isVisible():
            self.action_button.click()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()

    def contextMenuEvent(self, event: QEvent) -> None:
        event.accept()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.hovered.emit(True)

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(False)

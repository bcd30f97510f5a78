"""The row of tabs above the canvas, one for each open graph, painted by us: icon, title, folder, and a dot or a cross."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFont, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QTabBar, QToolButton, QWidget

from pypipeline_studio.document.tab_views import TabView
from pypipeline_studio.panels.widgets import paint, paint_focus, tooltip
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import draw_icon

HEIGHT_PX: Final = 32
_LEAST_PX, _SMALL_PX, _MOST_PX = 112, 148, 280
_PAD_PX, _ICON_PX, _GAP_PX, _CLOSE_PX = 12, 14, 6, 18
_HINT_SHARE = 0.55
"""Of the room for texts, at most, where there is too little."""
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_ELIDE = Qt.TextElideMode.ElideRight
_SCROLLERS: Final = (
    "QTabBar::scroller { width: 22px; } QTabBar QToolButton { padding: 0; min-height: 22px; margin: 4px 0; }"
)
"""Those of all other buttons would leave no room for their arrows."""
_RUN_ICONS: Final = {
    "running": ("circle-fill", "ok", 9),
    "paused": ("pause-fill", "warn", 12),
    "stopping": ("stop-fill", "warn", 12),
}
"""By what a run does, its icon, the colour of that, and its size: told apart by shape as well."""


class GraphTabs(QTabBar):
    """Tabs that can be chosen, moved and closed. What becomes of a gesture is decided by whoever follows the signals."""

    chosen = Signal(int)
    close_requested = Signal(int)
    move_requested = Signal(int, int)
    """The tab, and the place where it is wanted."""
    menu_requested = Signal(int, QPoint)
    """The tab, and where on the screen."""
    new_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Open graphs")
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setElideMode(_ELIDE)
        self.setUsesScrollButtons(True)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(HEIGHT_PX)
        self.setStyleSheet(_SCROLLERS)
        self._views: tuple[TabView, ...] = ()
        self._is_showing = False
        self._hovered: QPoint | None = None
        self._pressed = -1
        self._pressed_at = QPoint()
        self._closes = False
        self.currentChanged.connect(self._on_current)
        theme.changed.connect(self.update)

    def show_tabs(self, views: Sequence[TabView], current: int) -> None:
        """Show these tabs."""
        self._is_showing = True
        self._views = tuple(views)
        while self.count() > len(views):
            self.removeTab(self.count() - 1)
        for index, view in enumerate(views):
            if index == self.count():
                self.addTab("")
            # An ampersand would mark a key. The text is what a tab is measured by.
            text = f"{view.title} {view.hint}".strip().replace("&", "&&")
            if text != self.tabText(index):
                self.setTabText(index, text)
            self.setTabToolTip(index, tooltip(view.title, *view.tip))
            self.setAccessibleTabName(index, view.spoken)
        self.setCurrentIndex(current)
        self._is_showing = False
        self.update()

    def close_rect(self, index: int) -> QRect:
        """Where the cross of a tab is, or the dot that says that something is not saved."""
        tab = self.tabRect(index)
        return QRect(tab.right() - _CLOSE_PX - 5, tab.top() + (HEIGHT_PX - _CLOSE_PX) // 2, _CLOSE_PX, _CLOSE_PX)

    # ------------------------------------------------------------------ size

    def tabSizeHint(self, index: int) -> QSize:
        if index >= len(self._views):
            return QSize(_LEAST_PX, HEIGHT_PX)
        view = self._views[index]
        width = QFontMetrics(font(12, 600)).horizontalAdvance(view.title)
        if view.hint:
            width += _GAP_PX + QFontMetrics(font(11)).horizontalAdvance(view.hint)
        width += _PAD_PX + _ICON_PX + _GAP_PX + 2 + _GAP_PX + _CLOSE_PX + 6
        return QSize(min(max(width, _LEAST_PX), _MOST_PX), HEIGHT_PX)

    def minimumTabSizeHint(self, index: int) -> QSize:
        return QSize(min(_SMALL_PX, self.tabSizeHint(index).width()), HEIGHT_PX)

    # ------------------------------------------------------------------ mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed_at = event.position().toPoint()
        self._pressed = self.tabAt(self._pressed_at)
        is_left = event.button() == Qt.MouseButton.LeftButton
        is_on_cross = self._pressed >= 0 and self.close_rect(self._pressed).contains(self._pressed_at)
        self._closes = event.button() == Qt.MouseButton.MiddleButton or (is_left and is_on_cross)
        if is_left and not self._closes:
            super().mousePressEvent(event)
        event.accept()
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        self._hovered = point
        self.update()
        if not event.buttons() & Qt.MouseButton.LeftButton or self._closes or self._pressed < 0:
            return
        if (point - self._pressed_at).manhattanLength() < QApplication.startDragDistance():
            return
        index = self.tabAt(QPoint(min(max(point.x(), 1), self.width() - 1), HEIGHT_PX // 2))
        if index < 0 or index == self._pressed:
            return
        # Not before the middle of the other one: a wide tab would jump back at once.
        middle = self.tabRect(index).center().x()
        if point.x() >= middle if index > self._pressed else point.x() <= middle:
            before, self._pressed = self._pressed, index
            self.move_requested.emit(before, index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        pressed, closes = self._pressed, self._closes
        self._pressed, self._closes = -1, False
        is_left = event.button() == Qt.MouseButton.LeftButton
        if closes and pressed >= 0 and self.tabAt(point) == pressed:
            if not is_left or self.close_rect(pressed).contains(point):
                self.close_requested.emit(pressed)
        elif is_left and not closes:
            super().mouseReleaseEvent(event)
        event.accept()
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.tabAt(event.position().toPoint()) < 0:
            self.new_requested.emit()
        else:
            self.mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        is_by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        index = self.tabAt(event.pos()) if is_by_mouse else self.currentIndex()
        if index >= 0:
            at = event.globalPos() if is_by_mouse else self.mapToGlobal(self.tabRect(index).bottomLeft())
            self.menu_requested.emit(index, at)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hovered = None
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Not another graph by accident."""
        event.ignore()

    def _on_current(self, index: int) -> None:
        if not self._is_showing and index >= 0:
            self.chosen.emit(index)

    # ------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        buttons = [found.geometry() for found in self.findChildren(QToolButton) if found.isVisible()]
        if buttons:
            painter.setClipRect(QRect(0, 0, min(place.left() for place in buttons) - 2, HEIGHT_PX))
        for index, view in enumerate(self._views[: self.count()]):
            tab = self.tabRect(index)
            if event.rect().intersects(tab):
                self._paint_tab(painter, index, view, tab)
        painter.end()

    def _paint_tab(self, painter: QPainter, index: int, view: TabView, tab: QRect) -> None:
        is_front, is_only = index == self.currentIndex(), self.count() == 1
        is_hovered = self._hovered is not None and tab.contains(self._hovered)
        if is_hovered and not is_front:
            painter.fillRect(tab, colour("hover"))
        if is_front and not is_only:
            painter.fillRect(QRectF(tab.left(), tab.bottom() - 1, tab.width(), 2), colour("accent"))
        elif not is_only:
            painter.fillRect(QRectF(tab.right(), tab.top() + 8, 1, HEIGHT_PX - 16), colour("line"))
        icon, token, px = _RUN_ICONS.get(view.run, ("git-fork", "text2" if is_front else "text3", _ICON_PX))
        place = QRectF(tab.left() + _PAD_PX, tab.top(), _ICON_PX, HEIGHT_PX)
        draw_icon(painter, place, icon, colour(token), px)
        left, right = place.right() + _GAP_PX + 2, self.close_rect(index).left() - _GAP_PX / 2
        strong = font(12, 600 if is_front else 400)
        hint = QFontMetrics(font(11)).horizontalAdvance(view.hint) if view.hint else 0
        hint = min(hint, int(_HINT_SHARE * (right - left)))  # it is what tells this tab from another one
        end = right - (hint + _GAP_PX if hint else 0)
        left += _put(painter, left, end, tab, view.title, strong, "text" if is_front or is_hovered else "text2")
        if hint:
            _put(painter, left + _GAP_PX, right, tab, view.hint, font(11), "text3")
        self._paint_end(painter, index, view, is_front and not is_only, is_hovered)
        if is_front and self.hasFocus():
            paint_focus(painter, QRectF(tab).adjusted(2, 2, -2, -3), 4)

    def _paint_end(self, painter: QPainter, index: int, view: TabView, is_front: bool, is_hovered: bool) -> None:
        """A dot where something is not saved; the cross in the tab in front, and under the mouse."""
        place = QRectF(self.close_rect(index))
        is_on_cross = self._hovered is not None and place.contains(QPointF(self._hovered))
        if is_on_cross:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("press"))
            painter.drawRoundedRect(place, 4, 4)
        if view.is_modified and not is_on_cross:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("text2"))
            painter.drawEllipse(place.center(), 3.5, 3.5)
        elif is_front or is_hovered:
            draw_icon(painter, place, "x", colour("text" if is_on_cross else "text3"), 12)


def _put(painter: QPainter, left: float, right: float, tab: QRect, text: str, shown: QFont, token: str) -> float:
    """Paint a text in what room there is; the width that it takes."""
    painter.setFont(shown)
    painter.setPen(colour(token))
    metrics = painter.fontMetrics()
    fitting = metrics.elidedText(text, _ELIDE, int(max(0.0, right - left)))
    painter.drawText(QRectF(left, tab.top(), max(0.0, right - left), HEIGHT_PX), _LEFT, fitting)
    return float(metrics.horizontalAdvance(fitting))

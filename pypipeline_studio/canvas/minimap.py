"""The whole graph in a corner of the canvas: where nodes are, which one limits the run or has errors, what is visible.

The nodes are painted into a picture, four times a second at most; while the view moves, only the frame on it is painted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QWheelEvent
from PySide6.QtWidgets import QWidget

from pypipeline_studio.canvas.node_item import StudioNodeItem
from pypipeline_studio.canvas.viewer import StudioViewer
from pypipeline_studio.theme.colours import category_colour, colour, mix, theme

SIZE: Final = QSize(208, 136)
"""On a canvas with room for it."""
_MOST_SHARE: Final = 0.28
"""Of the width and the height of the canvas."""
_MARGIN_PX: Final = 12
_PAD_PX: Final = 6.0
_LEAST_NODE_PX: Final = 3.0
_MARK_PX: Final = 3.5
_REFRESH_MS: Final = 250
_RADIUS_PX: Final = 6.0


@dataclass(frozen=True)
class MapScale:
    """From the scene to the map: `map = (scene - origin) * factor + offset`."""

    origin: QPointF
    factor: float
    offset: QPointF

    def to_map(self, rectangle: QRectF) -> QRectF:
        """A rectangle of the scene on the map."""
        top_left = (rectangle.topLeft() - self.origin) * self.factor + self.offset
        return QRectF(top_left, rectangle.size() * self.factor)

    def to_scene(self, point: QPointF) -> QPointF:
        """A point of the map in the scene."""
        x = (point.x() - self.offset.x()) / self.factor + self.origin.x()
        return QPointF(x, (point.y() - self.offset.y()) / self.factor + self.origin.y())


def scale_for(area: QRectF, size: QSize) -> MapScale:
    """The scale at which an area of the scene fits on a map, in its middle."""
    room_x, room_y = size.width() - 2 * _PAD_PX, size.height() - 2 * _PAD_PX
    factor = min(room_x / max(1.0, area.width()), room_y / max(1.0, area.height()))
    offset = QPointF(
        (size.width() - area.width() * factor) / 2,
        (size.height() - area.height() * factor) / 2,
    )
    return MapScale(area.topLeft(), factor, offset)


class Minimap(QWidget):
    """A map of what a view shows, in its lower right corner. A click or a drag moves the view there."""

    def __init__(self, viewer: StudioViewer, around: QWidget) -> None:
        super().__init__(around)
        self._viewer = viewer
        self._picture: QPixmap | None = None
        self._scale: MapScale | None = None
        self._painted: object = None  # what the picture was made of
        self._grabbed: QPointF | None = None  # from the middle of the frame to where it was taken
        self.setAccessibleName("Map of the graph")
        self.setToolTip("Click or drag to move the view")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        theme.changed.connect(self._forget)
        around.installEventFilter(self)
        viewer.viewport().installEventFilter(self)
        self._place()

    @property
    def scale(self) -> MapScale | None:
        """How the scene lies on the map; `None` for an empty one."""
        return self._scale

    def frame(self) -> QRectF:
        """What is visible, on the map."""
        return self._scale.to_map(self._visible()) if self._scale is not None else QRectF()

    # ------------------------------------------------------------------ what happens

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self.parent():
            self._place()
        elif event.type() == QEvent.Type.Paint and watched is not self.parent() and self.isVisible():
            # Whatever moves, zooms or changes has the view painted: the frame follows at once, the nodes in time.
            self.update()
            if not self._timer.isActive():
                self._timer.start()
        return super().eventFilter(watched, event)

    def showEvent(self, event: QEvent) -> None:
        self._refresh()
        self.raise_()

    def _place(self) -> None:
        around = self.parentWidget()
        if around is not None:
            share = min(
                1.0,
                _MOST_SHARE * around.width() / SIZE.width(),
                _MOST_SHARE * around.height() / SIZE.height(),
            )
            size = SIZE * max(0.4, share)
            if size != self.size():
                self.setFixedSize(size)
                self._forget()
            self.move(around.width() - self.width() - _MARGIN_PX, around.height() - self.height() - _MARGIN_PX)

    def _forget(self) -> None:
        self._painted = None
        self._refresh()

    def _visible(self) -> QRectF:
        return QRectF(self._viewer.mapToScene(self._viewer.viewport().rect()).boundingRect())

    def _refresh(self) -> None:
        """Paint the nodes anew where something about them has changed."""
        if not self.isVisible():
            return
        scene = self._viewer.scene()
        nodes = tuple(scene.boxes)
        marks = tuple(_mark_of(item) for item in nodes)
        made_of = (scene.version, marks, self.devicePixelRatioF(), tuple(item.isSelected() for item in nodes))
        if made_of == self._painted:
            return
        self._painted = made_of
        boxes = list(scene.boxes.values())
        if not boxes:
            self._picture = self._scale = None
            self.update()
            return
        left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
        right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
        self._scale = scale_for(QRectF(left, top, right - left, bottom - top), self.size())
        self._picture = self._draw(self._scale, list(zip(nodes, boxes, marks, strict=True)))
        self.update()

    def _draw(
        self, scale: MapScale, nodes: list[tuple[StudioNodeItem, tuple[float, float, float, float], str]]
    ) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for item, (left, top, right, bottom), _ in nodes:
            place = scale.to_map(QRectF(left, top, right - left, bottom - top))
            place.setWidth(max(_LEAST_NODE_PX, place.width()))
            place.setHeight(max(_LEAST_NODE_PX, place.height()))
            fill = mix(colour("node_line"), category_colour(item.node_view.category), 0.15 if item.is_dimmed else 0.6)
            painter.fillRect(place, fill)
            if item.isSelected():
                painter.setPen(QPen(colour("accent"), 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(place.adjusted(-1, -1, 1, 1))
        # Above all nodes, and of one size, so that none is lost among hundreds.
        for _, (left, top, right, bottom), mark in nodes:
            if mark:
                middle = scale.to_map(QRectF(left, top, right - left, bottom - top)).center()
                painter.setPen(QPen(colour("canvas"), 1))
                painter.setBrush(colour("neck" if mark == "limit" else "error_fill"))
                if mark == "limit":
                    painter.drawEllipse(middle, _MARK_PX + 1, _MARK_PX + 1)
                else:  # another shape as well as another colour
                    painter.drawRect(QRectF(middle.x() - _MARK_PX, middle.y() - _MARK_PX, 2 * _MARK_PX, 2 * _MARK_PX))
        painter.end()
        return picture

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(colour("line_strong"), 1))
        painter.setBrush(colour("panel"))
        painter.drawRoundedRect(body, _RADIUS_PX, _RADIUS_PX)
        if self._picture is not None:
            painter.drawPixmap(0, 0, self._picture)
            frame = self.frame().intersected(body.adjusted(2, 2, -2, -2))
            painter.setPen(QPen(colour("accent"), 1.5))
            painter.setBrush(colour("accent", 0.1))
            painter.drawRoundedRect(frame, 2, 2)
        painter.end()

    # ------------------------------------------------------------------ the mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if event.button() != Qt.MouseButton.LeftButton or self._scale is None:
            return
        frame, point = self.frame(), event.position()
        # Taken within the frame, it stays under the mouse where it was taken; elsewhere its middle comes.
        self._grabbed = point - frame.center() if frame.contains(point) else QPointF()
        self._move_to(point - self._grabbed)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if self._grabbed is not None:
            self._move_to(event.position() - self._grabbed)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self._grabbed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom as on the canvas, around its middle."""
        self._viewer.zoom_by(1.0015 ** event.angleDelta().y())
        event.accept()

    def _move_to(self, point: QPointF) -> None:
        if self._scale is not None:
            self._viewer.centre_at(self._scale.to_scene(point))


def _mark_of(item: StudioNodeItem) -> str:
    """What a node is marked with: `error`, `limit`, or nothing."""
    live = item.live
    if item.node_view.nb_problems or (live is not None and live.nb_errors):
        return "error"
    return "limit" if live is not None and live.is_limit else ""

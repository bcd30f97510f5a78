"""A wire between two ports, and the way that it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPainterPathStroker, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from pypipeline_engine.numbers import rate
from pypipeline_studio.canvas.nodegraphqt import PipeItem
from pypipeline_studio.canvas.port_item import DETAIL_SCALE
from pypipeline_studio.canvas.routing import Box, Point, find_corners, get_reach
from pypipeline_studio.canvas.scene import StudioScene
from pypipeline_studio.document.views import WireLive
from pypipeline_studio.theme.colours import colour, kind_colour, mix

WIDTH_PX = 2.0
CASING_PX = 6.0
_STRENGTH = 0.72
_FAINT_STRENGTH = 0.42
_CORNER = 14.0
_PICK_WIDTH = 10.0


class StudioPipe(PipeItem):  # type: ignore[misc]
    """A wire. While one is dragged, one of its ends is the mouse."""

    def __init__(self, input_port: Any = None, output_port: Any = None) -> None:
        self.live: WireLive | None = None
        self.is_recurrent = False
        self._scene: StudioScene | None = None
        super().__init__(input_port, output_port)
        self.setCacheMode(QGraphicsItem.CacheMode.NoCache)
        self._dir_pointer.setVisible(False)

    def show_live(self, live: WireLive | None) -> None:
        """Show what a run does with it."""
        self.live = live
        if self.input_port and self.output_port:
            source, target = self.output_port, self.input_port
            ends = f"{source.node.name}.{source.name} → {target.node.name}.{target.name}"
            lines = [ends, ", ".join(source.kinds)]
            if live is not None and live.rate_hz is not None:
                lines.append(rate(live.rate_hz))
            if live is not None and live.capacity is not None:
                lines.append(f"{live.queued} of {live.capacity} wait")
            self.setToolTip("\n".join(lines))

    def begin(self, port: Any) -> None:
        """Begin at a port, with the other end wherever the mouse is; `None` to end that."""
        is_output = port is not None and port.port_type == "out"
        self.output_port = port if is_output else None
        self.input_port = port if not is_output else None

    # NodeGraphQt recolours a wire at these moments, and raises it above the labels.

    def activate(self) -> None:
        self._active = True
        self.update()

    def highlight(self) -> None:
        self._highlight = True
        self.update()

    def reset(self) -> None:
        self._active = self._highlight = False
        self.update()

    def draw_path(self, start_port: Any, end_port: Any = None, cursor_pos: QPointF | None = None) -> None:
        """Lay the way anew, after a node has moved."""
        if self.input_port and self.output_port:
            if self._scene is not None and self._scene.holds_wires:
                return
            start, end = _middle(self.output_port), _middle(self.input_port)
            corners = self._find_corners(start, end)
            self.setPath(_curve(start, end) if corners is None else _rounded([QPointF(*corner) for corner in corners]))
            if self._scene is not None:
                self._scene.version += 1
        elif start_port is not None:
            start = _middle(start_port)
            end = cursor_pos if cursor_pos is not None else start
            self.setPath(_curve(end, start) if start_port.port_type == "in" else _curve(start, end))

    def _find_corners(self, start: QPointF, end: QPointF) -> list[Point] | None:
        output: Any = self.output_port
        input_port: Any = self.input_port
        source, target = output.node, input_port.node
        boxes = self._scene.boxes if self._scene is not None else {}
        others = [box for item, box in boxes.items() if item is not source and item is not target]
        lane = source.outputs.index(output)
        return find_corners((start.x(), start.y()), (end.x(), end.y()), [source.box(), target.box()], others, lane)

    def reach(self) -> Box:
        """Left, top, right and bottom of where it runs, and of where it would run if nothing were in the way."""
        box = self.path().controlPointRect()
        return (box.left(), box.top(), box.right(), box.bottom())

    def itemChange(self, change: QGraphicsItem.GraphicsItemChange, value: Any) -> Any:
        if change == QGraphicsItem.GraphicsItemChange.ItemSceneHasChanged:
            if self._scene is not None:
                self._scene.pipes.pop(self, None)
            scene = self.scene()
            self._scene = scene if isinstance(scene, StudioScene) else None
            if self._scene is not None:
                self._scene.pipes[self] = None
                self._scene.version += 1
        return super().itemChange(change, value)

    def boundingRect(self) -> QRectF:
        return QRectF(self.path().controlPointRect().adjusted(-CASING_PX, -CASING_PX, CASING_PX, CASING_PX))

    def shape(self) -> QPainterPath:
        stroker = QPainterPathStroker()
        stroker.setWidth(_PICK_WIDTH)
        return stroker.createStroke(self.path())

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        source = self.output_port or self.input_port
        if source is None:
            return
        scale = option.levelOfDetailFromTransform(painter.worldTransform())
        is_off = any(port.node.is_dimmed for port in (self.output_port, self.input_port) if port)
        stands_out = self._highlight or self._active or self.isSelected()
        kind = kind_colour(source.kind)
        strength = _FAINT_STRENGTH if is_off else 1.0 if stands_out else _STRENGTH
        width = WIDTH_PX + (0.4 if stands_out else 0.0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if scale < DETAIL_SCALE:
            width = max(width, 1.2 / scale)
        elif not is_off:
            # In the colour of the canvas, so that crossings can be read.
            painter.setPen(QPen(colour("canvas"), CASING_PX))
            painter.drawPath(self.path())
        pen = QPen(colour("accent") if self.isSelected() else mix(colour("canvas"), kind, strength), width)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        if is_off or self.is_recurrent:
            pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawPath(self.path())


def _middle(port: Any) -> QPointF:
    return QPointF(port.sceneBoundingRect().center())


def _curve(start: QPointF, end: QPointF) -> QPainterPath:
    path = QPainterPath(start)
    reach = get_reach((start.x(), start.y()), (end.x(), end.y()))
    path.cubicTo(QPointF(start.x() + reach, start.y()), QPointF(end.x() - reach, end.y()), end)
    return path


def _rounded(points: Sequence[QPointF]) -> QPainterPath:
    """Straight lines with round corners."""
    path = QPainterPath(points[0])
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        path.lineTo(_towards(corner, before))
        path.quadTo(corner, _towards(corner, after))
    path.lineTo(points[-1])
    return path


def _towards(corner: QPointF, other: QPointF) -> QPointF:
    """The point at the beginning or end of the curve around a corner."""
    difference = other - corner
    length = max(1e-6, (difference.x() ** 2 + difference.y() ** 2) ** 0.5)
    return QPointF(corner + difference * (min(_CORNER, length / 2) / length))

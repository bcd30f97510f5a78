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
from pypipeline_studio.document.views import WireLive
from pypipeline_studio.theme.colours import colour, kind_colour, mix

WIDTH_PX = 2.0
CASING_PX = 6.0
_STRENGTH = 0.72
_FAINT_STRENGTH = 0.42
_CORNER = 14.0
_OUT = 24.0
"""How far a wire goes straight before it turns."""
_PICK_WIDTH = 10.0


class StudioPipe(PipeItem):  # type: ignore[misc]
    """A wire. While one is dragged, one of its ends is the mouse."""

    def __init__(self, input_port: Any = None, output_port: Any = None) -> None:
        self.live: WireLive | None = None
        self.is_recurrent = False
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
            start = self.output_port.sceneBoundingRect().center()
            end = self.input_port.sceneBoundingRect().center()
            self.setPath(_way(start, end, self._floor()))
        elif start_port is not None:
            start = start_port.sceneBoundingRect().center()
            end = cursor_pos if cursor_pos is not None else start
            self.setPath(_curve(end, start) if start_port.port_type == "in" else _curve(start, end))

    def _floor(self) -> float:
        """Below both nodes: where a wire goes that runs back."""
        nodes = [port.node for port in (self.output_port, self.input_port) if port is not None]
        return float(max(node.scenePos().y() + node.height for node in nodes)) + _OUT

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


def _way(start: QPointF, end: QPointF, floor: float) -> QPainterPath:
    """An S-curve between neighbours; round below the nodes where the wire runs back."""
    if end.x() >= start.x() + _OUT:
        return _curve(start, end)
    middle = (start.y() + end.y()) / 2 if abs(start.y() - end.y()) > 160 else floor
    return _rounded(
        [
            start,
            QPointF(start.x() + _OUT, start.y()),
            QPointF(start.x() + _OUT, middle),
            QPointF(end.x() - _OUT, middle),
            QPointF(end.x() - _OUT, end.y()),
            end,
        ]
    )


def _curve(start: QPointF, end: QPointF) -> QPainterPath:
    path = QPainterPath(start)
    reach = max(28.0, min(abs(end.x() - start.x()) / 2, 120.0))
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

"""The mark of a breakpoint at a node: an octagon on the left edge of its title, with a sign that tells what it does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from pypipeline_studio.canvas.painting import CENTRE, put_text, style
from pypipeline_studio.theme.colours import colour

MarkState: TypeAlias = Literal["on", "conditional", "off", "held"]

_RADIUS = 7.0
_LEAST_RADIUS_PX = 6.0
"""On the screen, at any zoom."""
_SIGN = style(10, 600)


@dataclass(frozen=True)
class BreakpointMark:
    """What is shown at a node."""

    state: MarkState
    tip: str
    """A line about it."""


def paint_mark(painter: QPainter, at: QPointF, state: MarkState, scale: float) -> None:
    """Paint a mark around a point.

    :param scale: the zoom: far away the mark keeps a size that can be seen.
    """
    radius = max(_RADIUS, _LEAST_RADIUS_PX / scale)
    halo = QPen(colour("canvas"), 0.6 * radius)
    halo.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(halo)
    painter.setBrush(colour("canvas"))
    painter.drawPolygon(_octagon(at, radius))
    if state == "off":
        painter.setPen(QPen(colour("error"), 0.2 * radius))
        painter.drawPolygon(_octagon(at, 0.9 * radius))
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour("neck" if state == "held" else "error_fill"))
    painter.drawPolygon(_octagon(at, radius))
    if state == "held":
        painter.setBrush(colour("on_neck"))
        for x in (-0.42, 0.12):
            painter.drawRect(QRectF(at.x() + x * radius, at.y() - 0.45 * radius, 0.3 * radius, 0.9 * radius))
    elif state == "conditional" and radius == _RADIUS:
        put_text(painter, QRectF(at.x() - 8, at.y() - 8, 16, 16), "?", _SIGN, colour("on_accent"), CENTRE)


def _octagon(at: QPointF, radius: float) -> QPolygonF:
    corners = [math.pi / 8 + corner * math.pi / 4 for corner in range(8)]
    reach = radius / math.cos(math.pi / 8)
    return QPolygonF([at + QPointF(math.cos(angle), math.sin(angle)) * reach for angle in corners])

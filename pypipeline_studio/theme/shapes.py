"""What the canvas and the panels paint alike: the shape of a kind of value, and the bar of a load.

Colour never stands alone: every kind has a shape of its own, and every part of a load a pattern.
"""

from __future__ import annotations

from typing import Literal, cast

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from pypipeline_engine.catalogue.model import Kind
from pypipeline_studio.theme.colours import colour, kind_colour, theme
from pypipeline_studio.theme.tokens import KINDS, Shape

OUTLINE_PX = 1.6
"""The width of the outline of a shape that is not filled."""
BAR_RADIUS_PX = 2.0
_LEAST_BUSY_PX = 2.0
_GAP_PX = 1.0
_PATTERN_PX = 8
_PATTERN_SCALE = 4

_CORNERS: dict[Shape, tuple[tuple[float, float], ...]] = {
    "diamond": ((0, -1.15), (1.15, 0), (0, 1.15), (-1.15, 0)),
    "triangle": ((-0.85, -1.05), (1.15, 0), (-0.85, 1.05)),
    "hexagon": ((-0.55, -1), (0.55, -1), (1.12, 0), (0.55, 1), (-0.55, 1), (-1.12, 0)),
    "pentagon": ((0, -1.12), (1.1, -0.25), (0.72, 1), (-0.72, 1), (-1.1, -0.25)),
}
"""In radii. They reach beyond the radius where the eye would take them for smaller than a disc."""


def kind_path(kind: Kind, centre: QPointF, radius: float) -> QPainterPath:
    """The outline of the shape that stands for a kind of value."""
    shape = KINDS.get(kind, KINDS["any"]).shape
    path = QPainterPath()
    if shape in ("disc", "ring"):
        path.addEllipse(centre, 0.94 * radius, 0.94 * radius)
    elif shape == "square":
        path.addRoundedRect(_around(centre, 0.86 * radius, 0.86 * radius), 1, 1)
    elif shape == "pill":
        path.addRoundedRect(_around(centre, 0.55 * radius, 1.1 * radius), 0.5 * radius, 0.5 * radius)
    else:
        path.addPolygon(QPolygonF([centre + QPointF(x, y) * radius for x, y in _CORNERS[shape]]))
        path.closeSubpath()
    return path


def paint_kind(
    painter: QPainter,
    kind: Kind,
    x: float,
    y: float,
    radius: float,
    filled: bool,
    background: QColor,
    halo_px: float = 0.0,
    opacity: float = 1.0,
) -> None:
    """Paint the shape of a kind of value around a point; the kind `any` is a ring, filled or not.

    :param background: what is seen inside of an outline, and in the halo.
    :param halo_px: how far the halo reaches that cuts the shape out of what lies below it.
    :param opacity: of the shape, not of its halo.
    """
    centre = QPointF(x, y)
    shown = QColor(kind_colour(kind))
    shown.setAlphaF(shown.alphaF() * opacity)
    if halo_px > 0:
        pen = QPen(background, 2 * halo_px)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(background)
        painter.drawPath(kind_path(kind, centre, radius))
    if filled and KINDS.get(kind, KINDS["any"]).shape != "ring":
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shown)
        painter.drawPath(kind_path(kind, centre, radius))
    else:
        painter.setPen(QPen(shown, OUTLINE_PX))
        painter.setBrush(background)
        painter.drawPath(kind_path(kind, centre, 0.9 * radius))


def paint_load_bar(
    painter: QPainter,
    rect: QRectF,
    busy: float,
    starved: float,
    blocked: float,
    is_limit: bool = False,
    busy_colour: QColor | None = None,
) -> None:
    """Paint shares of time, 0 to 1, as a bar: busy solid, starved in dots, blocked in diagonals.

    :param is_limit: whether the cell limits the pipeline, which colours the busy part.
    :param busy_colour: another colour for the busy part, such as that of the heat display.
    """
    painter.save()
    clip = QPainterPath()
    clip.addRoundedRect(rect, BAR_RADIUS_PX, BAR_RADIUS_PX)
    painter.setClipPath(clip, Qt.ClipOperation.IntersectClip)
    painter.fillRect(rect, colour("track"))
    x = rect.x()
    if busy > 0:
        # What ran is seen, however little it was.
        width = max(_LEAST_BUSY_PX, rect.width() * busy)
        painter.fillRect(
            QRectF(x, rect.y(), width, rect.height()), busy_colour or colour("neck_line" if is_limit else "busy")
        )
        x += width + _GAP_PX
    for share, name in ((starved, "starved"), (blocked, "blocked")):
        width = min(rect.width() * share, rect.right() - x)
        if width <= 0:
            continue
        part = QRectF(x, rect.y(), width, rect.height())
        painter.setBrushOrigin(part.topLeft())
        painter.fillRect(part, load_pattern(cast('Literal["starved", "blocked"]', name)))
        x += width + _GAP_PX
    painter.restore()


def load_pattern(part: Literal["starved", "blocked"]) -> QBrush:
    """Dots for what starves, diagonals for what is blocked. The result is shared: do not modify it."""
    found = _patterns.get(part)
    if found is None:
        found = _patterns[part] = QBrush(_draw_pattern(part))
    return found


_patterns: dict[str, QBrush] = {}
theme.changed.connect(_patterns.clear)


def _draw_pattern(part: str) -> QPixmap:
    # Tiles of four times the size stay sharp when the canvas is enlarged.
    pixmap = QPixmap(_PATTERN_PX * _PATTERN_SCALE, _PATTERN_PX * _PATTERN_SCALE)
    pixmap.setDevicePixelRatio(_PATTERN_SCALE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if part == "starved":
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("starved", 0.8))
        for place in (2, 6):
            painter.drawEllipse(QPointF(place, place), 0.85, 0.85)
    else:
        painter.setPen(QPen(colour("blocked", 0.85), 1.5))
        for offset in (-_PATTERN_PX, 0, _PATTERN_PX):
            painter.drawLine(QPointF(offset - 1, 9), QPointF(offset + 9, -1))
    painter.end()
    return pixmap


def _around(centre: QPointF, half_width: float, half_height: float) -> QRectF:
    return QRectF(centre.x() - half_width, centre.y() - half_height, 2 * half_width, 2 * half_height)

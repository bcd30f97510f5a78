"""A node from far away: the name, the bar and the marks below 60 % zoom, colour, bar and state below 40 %.

What must be readable has the same size on the screen at every zoom.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from pypipeline_studio.canvas.painting import CENTRE, outline, put_text, shortened, style
from pypipeline_studio.document.views import NodeLive, NodeView
from pypipeline_studio.theme.colours import category_colour, colour, mark_colour, mix
from pypipeline_studio.theme.icons import draw_icon
from pypipeline_studio.theme.shapes import paint_load_bar
from pypipeline_studio.theme.tokens import MARKS

_LEAST_BLOCKED = 0.02
_MARK_PX = 9
_MARK_LINE_PX = 2.5
_HEAD = 28.0


@dataclass(frozen=True)
class FarNode:
    """What is painted of a node."""

    view: NodeView
    live: NodeLive | None
    body: QRectF
    name_box: QRectF
    is_limit: bool
    has_errors: bool
    is_selected: bool
    heat: QColor | None
    """The colour of its load, where that is shown."""

    @property
    def is_off(self) -> bool:
        """Whether it takes no part in a run."""
        return self.view.condition != "normal"

    @property
    def load(self) -> NodeLive | None:
        """Its figures, where there are any to be shown."""
        return self.live if self.live is not None and self.live.rate_hz is not None and not self.is_off else None


def paint_middle(painter: QPainter, node: FarNode, scale: float) -> None:
    """The name, the bar and the marks, on a body that is there already."""
    chosen = style(round(11.5 / scale), 600)
    name = shortened(node.view.name, chosen, int(node.name_box.width()))
    put_text(painter, node.name_box, name, chosen, colour("text3" if node.is_off else "text"))
    _paint_mark(painter, node, _HEAD, scale)
    load = node.load
    if load is not None:
        bar = QRectF(10, node.body.height() - 24, node.body.width() - 20, 12)
        paint_load_bar(painter, bar, load.busy, load.starved, load.blocked, load.is_limit, node.heat)
    _paint_marks(painter, node, scale)


def paint_small(painter: QPainter, node: FarNode, scale: float) -> None:
    """Colour, bar and state, which is all that can be seen."""
    body, step = node.body, 1 / scale
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_get_fill(node))
    painter.drawRoundedRect(body, 2 * step, 2 * step)
    # With heat, category and load do not compete.
    band = 4 * step if node.heat is not None else 0.3 * body.height()
    painter.setBrush(mix(colour("node"), category_colour(node.view.category), 0.3 if node.is_off else 0.8))
    painter.drawRoundedRect(QRectF(0, 0, body.width(), band), min(2 * step, band / 2), min(2 * step, band / 2))
    _paint_mark(painter, node, band + _MARK_LINE_PX * step, scale)
    if node.load is not None:
        _paint_bar(painter, node, node.load, step)
    _paint_outline(painter, node, step)
    _paint_marks(painter, node, scale)


def _paint_mark(painter: QPainter, node: FarNode, bottom: float, scale: float) -> None:
    """The colour that a person gave it, as a line below the band."""
    if node.view.mark in MARKS:
        height = _MARK_LINE_PX / scale
        painter.fillRect(QRectF(0, bottom - height, node.body.width(), height), mark_colour(node.view.mark))


def _get_fill(node: FarNode) -> QColor:
    if node.view.condition == "missing":
        return colour("canvas")
    if node.is_off:
        return mix(colour("node"), colour("canvas"), 0.7)
    if node.heat is not None and node.load is not None:
        return mix(colour("node"), node.heat, 0.34 + 0.5 * node.load.busy)
    return colour("node")


def _paint_bar(painter: QPainter, node: FarNode, load: NodeLive, step: float) -> None:
    bar = QRectF(4 * step, node.body.height() - 9 * step, node.body.width() - 8 * step, 5 * step)
    painter.fillRect(bar, colour("track"))
    if load.blocked > _LEAST_BLOCKED:
        width = bar.width() * load.blocked
        painter.fillRect(QRectF(bar.right() - width, bar.y(), width, bar.height()), colour("blocked", 0.45))
    busy = max(1.5 * step, bar.width() * load.busy)
    shown = node.heat or colour("neck_line" if load.is_limit else "busy")
    painter.fillRect(QRectF(bar.x(), bar.y(), busy, bar.height()), shown)


def _paint_outline(painter: QPainter, node: FarNode, step: float) -> None:
    state = "neck_line" if node.is_limit else "error" if node.has_errors else ""
    is_missing = node.view.condition == "missing"
    pen = outline(colour(state or ("text3" if is_missing else "node_line")), 2 if state else 1, dash=is_missing)
    pen.setCosmetic(True)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(node.body, 2 * step, 2 * step)
    if node.is_selected:
        ring = outline(colour("accent"), 2)
        ring.setCosmetic(True)
        painter.setPen(ring)
        painter.drawRoundedRect(node.body.adjusted(-3 * step, -3 * step, 3 * step, 3 * step), 3 * step, 3 * step)


def _paint_marks(painter: QPainter, node: FarNode, scale: float) -> None:
    """Round marks in place of the badges."""
    step = 1 / scale
    marks = []
    if node.is_limit:
        marks.append((0.0, "neck", "on_neck", "flame-fill"))
    if node.has_errors:
        marks.append((node.body.width(), "error_fill", "on_accent", ""))
    for x, fill, on_fill, icon in marks:
        painter.setPen(outline(colour("canvas"), 1.5 * step))
        painter.setBrush(colour(fill))
        painter.drawEllipse(QPointF(x, 0), _MARK_PX * step, _MARK_PX * step)
        box = QRectF(x - 8 * step, -8 * step, 16 * step, 16 * step)
        if icon:
            draw_icon(painter, box, icon, colour(on_fill), 12 * step)
        else:
            put_text(painter, box, "!", style(round(12 * step), 600), colour(on_fill), CENTRE)

"""The labels of wires that cross a thread or a process: rate, and how full the queue is.

One item paints all of them, above every wire and below the nodes, so that no wire runs across a label.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsView, QStyleOptionGraphicsItem, QWidget

from pypipeline_engine.numbers import rate
from pypipeline_studio.canvas.painting import put_text, style, width_of
from pypipeline_studio.canvas.pipe_item import StudioPipe
from pypipeline_studio.canvas.routing import Box
from pypipeline_studio.canvas.scene import StudioScene
from pypipeline_studio.document.views import WireLive
from pypipeline_studio.theme.colours import colour, queue_colour

DETAIL_SCALE = 0.6
HEIGHT = 24.0
FULL = 0.85
"""From here on, a queue is outlined."""
_PLACES = (0.5, 0.42, 0.58, 0.35, 0.65, 0.28, 0.72, 0.2, 0.8, 0.14, 0.86, 0.08, 0.92)
"""Along the wire, where a label is tried."""
_GAP = 2.0
_RATE = style(11, 500, tabular=True)
_QUEUE = style(11, 400, tabular=True)
_USUAL_RATE = "88.8/s"
_Z_BETWEEN_WIRES_AND_NODES = 0.5


@dataclass(frozen=True)
class _Place:
    at: QPointF
    has_rate: bool
    box: Box


class WireLabels(QGraphicsItem):
    """Paints the labels of all wires of a view."""

    def __init__(self, view: QGraphicsView) -> None:
        super().__init__()
        self._view = view
        self._places: dict[StudioPipe, tuple[int, _Place]] = {}
        self._version = -1
        self.setZValue(_Z_BETWEEN_WIRES_AND_NODES)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        # Without it, Qt gives all of the bounding rectangle for what is to be painted.
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    def boundingRect(self) -> QRectF:
        return QRectF(-1e6, -1e6, 2e6, 2e6)

    def shape(self) -> QPainterPath:
        return QPainterPath()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        scene = self._view.scene()
        if (
            not isinstance(scene, StudioScene)
            or option.levelOfDetailFromTransform(painter.worldTransform()) < DETAIL_SCALE
        ):
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        exposed = QRectF(option.exposedRect)
        if self._version != scene.version:
            self._places.clear()
            self._version = scene.version
        for pipe in scene.pipes:
            live = pipe.live
            if (
                live is not None
                and live.capacity is not None
                and pipe.isVisible()
                and exposed.intersects(pipe.boundingRect())
            ):
                place = self._place(pipe, live, scene)
                paint_label(painter, place.at, live, place.has_rate)

    def _place(self, pipe: StudioPipe, live: WireLive, scene: StudioScene) -> _Place:
        """Where a label is: it stays there until something moves, or the queue gets another capacity."""
        assert live.capacity is not None
        known = self._places.get(pipe)
        if known is None or known[0] != live.capacity:
            known = self._places[pipe] = (live.capacity, self._find_place(pipe, live, scene))
        return known[1]

    def _find_place(self, pipe: StudioPipe, live: WireLive, scene: StudioScene) -> _Place:
        """As near to the middle of the wire as no node and no other label is in the way; a short one where it has to be."""
        path = pipe.path()
        near = path.controlPointRect().adjusted(-60, -HEIGHT, 60, HEIGHT)
        left, top, right, bottom = near.left(), near.top(), near.right(), near.bottom()
        taken = [place.box for _, place in self._places.values()]
        taken = [
            box
            for box in (*scene.boxes.values(), *taken)
            if box[0] < right and box[2] > left and box[1] < bottom and box[3] > top
        ]
        points = [QPointF(path.pointAtPercent(place)) for place in _PLACES]
        for has_rate in (True, False):
            width = get_width(live, has_rate)
            for at in points:
                place = _Place(at, has_rate, _around(at, width))
                if not any(_overlap(place.box, box) for box in taken):
                    return place
        return _Place(points[0], False, _around(points[0], get_width(live, False)))


def get_width(live: WireLive, has_rate: bool = True) -> float:
    """The width of a label; room is kept for a full queue and a usual rate, so that it does not change all the time."""
    queue = f"{live.capacity}/{live.capacity}"
    width = max(width_of(queue, _QUEUE), width_of(_queue_text(live), _QUEUE)) + 16
    return width + _rate_width(live) + 6 if has_rate else width


def paint_label(painter: QPainter, at: QPointF, live: WireLive, has_rate: bool = True) -> None:
    """Paint a label with its middle at a point."""
    width, fill = get_width(live, has_rate), live.fill or 0.0
    box = QRectF(at.x() - width / 2, at.y() - HEIGHT / 2, width, HEIGHT)
    painter.setPen(QPen(colour("q_high" if fill > FULL else "line_strong"), 1))
    painter.setBrush(colour("pill"))
    painter.drawRoundedRect(box, 4, 4)
    left = box.x() + 8
    if has_rate:
        put_text(painter, QRectF(left, box.y(), _rate_width(live) + 2, 20), rate(live.rate_hz), _RATE, colour("text"))
        left += _rate_width(live) + 6
    put_text(painter, QRectF(left, box.y(), width, 20), _queue_text(live), _QUEUE, colour("text2"))
    bar = QRectF(box.x() + 6, box.bottom() - 5, width - 12, 3)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour("track"))
    painter.drawRoundedRect(bar, 1.5, 1.5)
    if fill > 0:
        painter.setBrush(queue_colour(fill))
        painter.drawRoundedRect(QRectF(bar.x(), bar.y(), max(3.0, bar.width() * min(1.0, fill)), 3), 1.5, 1.5)


def _rate_width(live: WireLive) -> float:
    return max(width_of(rate(live.rate_hz), _RATE), width_of(_USUAL_RATE, _RATE))


def _queue_text(live: WireLive) -> str:
    return f"{live.queued}/{live.capacity}"


def _around(at: QPointF, width: float) -> Box:
    return (
        at.x() - width / 2 - _GAP,
        at.y() - HEIGHT / 2 - _GAP,
        at.x() + width / 2 + _GAP,
        at.y() + HEIGHT / 2 + _GAP,
    )


def _overlap(first: Box, second: Box) -> bool:
    return first[0] < second[2] and first[2] > second[0] and first[1] < second[3] and first[3] > second[1]

"""The labels of wires that cross a thread or a process: rate, and how full the queue is.

One item paints all of them, above every wire and below the nodes, so that no wire runs across a label.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsView, QStyleOptionGraphicsItem, QWidget

from pypipeline_engine.numbers import rate
from pypipeline_studio.canvas.painting import put_text, style, width_of
from pypipeline_studio.canvas.pipe_item import StudioPipe
from pypipeline_studio.document.views import WireLive
from pypipeline_studio.theme.colours import colour, queue_colour

DETAIL_SCALE = 0.6
HEIGHT = 24.0
FULL = 0.85
"""From here on, a queue is outlined."""
_PLACES = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)
"""Along the wire, where a label is tried."""
_RATE = style(11, 500, tabular=True)
_QUEUE = style(11, 400, tabular=True)
_Z_BETWEEN_WIRES_AND_NODES = 0.5


class WireLabels(QGraphicsItem):
    """Paints the labels of all wires of a view."""

    def __init__(self, view: QGraphicsView) -> None:
        super().__init__()
        self._view = view
        self.setZValue(_Z_BETWEEN_WIRES_AND_NODES)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def boundingRect(self) -> QRectF:
        return QRectF(-1e6, -1e6, 2e6, 2e6)

    def shape(self) -> QPainterPath:
        return QPainterPath()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if option.levelOfDetailFromTransform(painter.worldTransform()) < DETAIL_SCALE:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for pipe in self._pipes():
            live = pipe.live
            if live is None or live.capacity is None or not pipe.isVisible():
                continue
            if not option.exposedRect.isEmpty() and not option.exposedRect.intersects(pipe.boundingRect()):
                continue
            paint_label(painter, self._place(pipe, _width(live)), live)

    def _pipes(self) -> Iterable[StudioPipe]:
        return (item for item in self.scene().items() if isinstance(item, StudioPipe) and item.output_port)

    def _place(self, pipe: StudioPipe, width: float) -> QPointF:
        """The middle of the wire, or as near to it as the label is not below a node."""
        ends = (pipe.output_port, pipe.input_port)
        nodes = [port.node.sceneBoundingRect() for port in ends if port is not None]
        for place in _PLACES:
            at = QPointF(pipe.path().pointAtPercent(place))
            label = QRectF(at.x() - width / 2, at.y() - HEIGHT / 2, width, HEIGHT)
            if not any(node.intersects(label) for node in nodes):
                return at
        return QPointF(pipe.path().pointAtPercent(0.5))


def _texts(live: WireLive) -> tuple[str, str]:
    return rate(live.rate_hz), f"{live.queued}/{live.capacity}"


def _width(live: WireLive) -> float:
    first, second = _texts(live)
    return width_of(first, _RATE) + width_of(second, _QUEUE) + 22


def paint_label(painter: QPainter, at: QPointF, live: WireLive) -> None:
    """Paint a label with its middle at a point."""
    first, second = _texts(live)
    width, fill = _width(live), live.fill or 0.0
    box = QRectF(at.x() - width / 2, at.y() - HEIGHT / 2, width, HEIGHT)
    painter.setPen(QPen(colour("q_high" if fill > FULL else "line_strong"), 1))
    painter.setBrush(colour("pill"))
    painter.drawRoundedRect(box, 4, 4)
    first_width = width_of(first, _RATE)
    put_text(painter, QRectF(box.x() + 8, box.y(), first_width + 2, 20), first, _RATE, colour("text"))
    put_text(painter, QRectF(box.x() + 14 + first_width, box.y(), width, 20), second, _QUEUE, colour("text2"))
    bar = QRectF(box.x() + 6, box.bottom() - 5, width - 12, 3)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour("track"))
    painter.drawRoundedRect(bar, 1.5, 1.5)
    painter.setBrush(queue_colour(fill))
    painter.drawRoundedRect(QRectF(bar.x(), bar.y(), max(3.0, bar.width() * min(1.0, fill)), 3), 1.5, 1.5)

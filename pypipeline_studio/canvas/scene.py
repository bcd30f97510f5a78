"""The scene of a canvas: dots on a grid, and where nodes and wires are.

Wires go around nodes. What a moved node has to do with wires of others is looked at once, when control is back with Qt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QGraphicsScene, QGraphicsSceneHelpEvent, QToolTip

from pypipeline_studio.canvas.nodegraphqt import NodeScene
from pypipeline_studio.canvas.routing import Box
from pypipeline_studio.theme.colours import colour

if TYPE_CHECKING:
    from pypipeline_studio.canvas.node_item import StudioNodeItem
    from pypipeline_studio.canvas.pipe_item import StudioPipe

NOT_RUN = "Not run yet"
LIVE_IS_OFF = "Live figures are off"
GRID = 24
_LEAST_STEP_PX = 16
_NEAR = 64.0
"""How far from a node that has moved a wire may lie, and have to take another way."""


class StudioScene(NodeScene):  # type: ignore[misc]
    """A scene with our background, and without the mouse handling of NodeGraphQt."""

    def __init__(self, parent: object = None) -> None:
        super().__init__(parent)
        self._tiles: dict[tuple[int, float], QPixmap] = {}
        self._dirty: list[Box] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.route_wires)
        self.boxes: dict[StudioNodeItem, Box] = {}
        """Where the nodes are."""
        self.pipes: dict[StudioPipe, None] = {}
        """The wires in the order in which they were made, with one that is being dragged."""
        self.version = 0
        """Another one after each change of what is where."""
        self.holds_wires = False
        """Whether wires stay as they are for now, whatever becomes of their ends."""
        self.shows_background = True
        self.explain_badge: Callable[[StudioNodeItem, str], bool] = lambda item, badge: False
        """Is asked when the mouse rests on a badge; whether it says more than a tooltip, which is not shown then."""
        self.no_figures = NOT_RUN
        """What nodes say in place of figures that they have not."""
        self.shows_heat = False
        """Whether nodes are coloured by their load."""

    def place_box(self, item: StudioNodeItem, box: Box | None) -> None:
        """Take note of where a node is; `None` where it is gone."""
        before = self.boxes.pop(item, None)
        if box is not None:
            self.boxes[item] = box
        if before != box:
            self._dirty.extend(place for place in (before, box) if place is not None)
            self.version += 1
            if not self._timer.isActive():
                self._timer.start()

    @contextmanager
    def moving_nodes(self) -> Iterator[None]:
        """Lay wires once, when all nodes are where they are to be.

        Else each node that moves lays its own anew, round nodes of which half have moved and half have not: with 500 nodes
        that takes seconds.
        """
        before, self.holds_wires = self.holds_wires, True
        try:
            yield
        finally:
            self.holds_wires = before
        if self._dirty and not before:
            self.route_wires()

    def route_wires(self) -> None:
        """Lay the wires anew that are near nodes which have moved."""
        self._timer.stop()
        dirty, self._dirty = self._dirty, []
        for pipe in list(self.pipes):
            if pipe.input_port is not None and pipe.output_port is not None:
                left, top, right, bottom = pipe.reach()
                if any(
                    box[0] < right + _NEAR
                    and box[2] > left - _NEAR
                    and box[1] < bottom + _NEAR
                    and box[3] > top - _NEAR
                    for box in dirty
                ):
                    pipe.draw_path(pipe.input_port, pipe.output_port)

    def forget_moves(self) -> None:
        """Leave the wires as they are: nodes came or went together with all of theirs."""
        self._timer.stop()
        self._dirty = []

    def restyle(self) -> None:
        """Forget what was painted in the colours of another theme."""
        self._tiles.clear()

    def drawBackground(self, painter: QPainter, rect: QRectF) -> None:
        if not self.shows_background:
            return
        transform = painter.worldTransform()
        grid = float(GRID)
        while grid * transform.m11() < _LEAST_STEP_PX:
            grid *= 2
        step = max(8, round(grid * transform.m11()))
        tile = self._tile(step, painter.device().devicePixelRatioF() if painter.device() else 1.0)
        painter.save()
        area = transform.mapRect(rect)
        origin = transform.map(QPointF(0, 0))
        painter.resetTransform()
        # One tile for all dots: drawing points one by one took a third of the time of a frame.
        start = QPointF(math.fmod(area.x() - origin.x(), step), math.fmod(area.y() - origin.y(), step))
        painter.drawTiledPixmap(area, tile, QPointF(start.x() % step, start.y() % step))
        painter.restore()

    def _tile(self, step: int, ratio: float) -> QPixmap:
        found = self._tiles.get((step, ratio))
        if found is None:
            found = QPixmap(round(step * ratio), round(step * ratio))
            found.setDevicePixelRatio(ratio)
            found.fill(colour("canvas"))
            painter = QPainter(found)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("grid"))
            painter.drawEllipse(QPointF(step / 2, step / 2), 1, 1)
            painter.end()
            self._tiles[step, ratio] = found
        return found

    def helpEvent(self, event: QGraphicsSceneHelpEvent) -> None:
        """Say what a badge means: it stands out of the body, where Qt finds no item to ask."""
        for item in self.boxes:
            badge = item.badge_at(item.mapFromScene(event.scenePos()))
            if badge is not None and self.explain_badge(item, badge):
                event.accept()
                return
            tip = item.badge_tip(badge) if badge is not None else ""
            if tip:
                QToolTip.showText(event.screenPos(), tip, event.widget())
                event.accept()
                return
        QGraphicsScene.helpEvent(self, event)

    def mousePressEvent(self, event: object) -> None:
        QGraphicsScene.mousePressEvent(self, event)  # type: ignore[arg-type]

    def mouseMoveEvent(self, event: object) -> None:
        QGraphicsScene.mouseMoveEvent(self, event)  # type: ignore[arg-type]

    def mouseReleaseEvent(self, event: object) -> None:
        QGraphicsScene.mouseReleaseEvent(self, event)  # type: ignore[arg-type]

"""The background of the canvas: dots on a grid."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QGraphicsScene

from pypipeline_studio.canvas.nodegraphqt import NodeScene
from pypipeline_studio.theme.colours import colour

GRID = 24
_LEAST_STEP_PX = 16


class StudioScene(NodeScene):  # type: ignore[misc]
    """A scene with our background, and without the mouse handling of NodeGraphQt."""

    def __init__(self, parent: object = None) -> None:
        super().__init__(parent)
        self._tiles: dict[tuple[int, float], QPixmap] = {}

    def restyle(self) -> None:
        """Forget what was painted in the colours of another theme."""
        self._tiles.clear()

    def drawBackground(self, painter: QPainter, rect: QRectF) -> None:
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

    def mousePressEvent(self, event: object) -> None:
        QGraphicsScene.mousePressEvent(self, event)  # type: ignore[arg-type]

    def mouseMoveEvent(self, event: object) -> None:
        QGraphicsScene.mouseMoveEvent(self, event)  # type: ignore[arg-type]

    def mouseReleaseEvent(self, event: object) -> None:
        QGraphicsScene.mouseReleaseEvent(self, event)  # type: ignore[arg-type]

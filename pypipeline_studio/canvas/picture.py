"""A scene as a picture."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QGraphicsScene

from pypipeline_studio.theme.colours import colour

SCALE = 2.0
MOST_PX = 16_000
"""The longest side at the most; a graph that is larger is drawn smaller."""


def draw_picture(scene: QGraphicsScene, area: QRectF) -> QImage:
    """A part of a scene, at 200 % where that is not too large."""
    scale = min(SCALE, MOST_PX / max(area.width(), area.height()))
    size = QSize(round(area.width() * scale), round(area.height() * scale))
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(colour("canvas"))
    painter = QPainter(image)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    scene.render(painter, QRectF(QRect(QPoint(), size)), area, Qt.AspectRatioMode.KeepAspectRatio)
    painter.end()
    return image

"""A scene as a picture."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QGraphicsScene

from pypipeline_studio.theme.colours import colour

SCALES = (1.0, 2.0, 3.0, 4.0)
SCALE = 2.0
MOST_PX = 16_000
"""The longest side at the most; a graph that is larger is drawn smaller."""


def picture_size(area: QRectF, scale: float) -> QSize:
    """How large the picture of a part of a scene gets."""
    scale = min(scale, MOST_PX / max(area.width(), area.height()))
    return QSize(round(area.width() * scale), round(area.height() * scale))


def draw_picture(scene: QGraphicsScene, area: QRectF, scale: float = SCALE, *, is_transparent: bool = False) -> QImage:
    """A part of a scene, at this scale where that is not too large."""
    size = picture_size(area, scale)
    image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied if is_transparent else QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.transparent if is_transparent else colour("canvas"))
    painter = QPainter(image)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    scene.render(painter, QRectF(QRect(QPoint(), size)), area, Qt.AspectRatioMode.KeepAspectRatio)
    painter.end()
    return image

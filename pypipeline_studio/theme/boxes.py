"""Boxes on an image, as the nodes and the panels paint them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from pypipeline_studio.theme.colours import colour, kind_colour

Rows: TypeAlias = Sequence[Sequence[float | None]]
"""Boxes: each begins with x, y, width and height in pixels of the whole image; more columns are left out."""


def paint_boxes(
    painter: QPainter, shown: QRectF, boxes: Rows, frame: tuple[int, int], kind: str = "boxes", width: float = 1.4
) -> None:
    """Paint boxes on an image.

    :param shown: where the image is painted.
    :param frame: its width and height in the pixels that the boxes count in.
    :param kind: the kind of value, of which they have the colour.
    """
    if frame[0] <= 0 or frame[1] <= 0:
        return
    x_scale, y_scale = shown.width() / frame[0], shown.height() / frame[1]
    painter.save()
    painter.setClipRect(shown, Qt.ClipOperation.IntersectClip)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painted = [
        QRectF(shown.x() + x * x_scale, shown.y() + y * y_scale, w * x_scale, h * y_scale)
        for x, y, w, h in (row[:4] for row in boxes if len(row) >= 4)
        if x is not None and y is not None and w is not None and h is not None
    ]
    # Below each line one in the colour of the canvas, so that it is seen on an image of any colour.
    for pen in (QPen(colour("canvas", 0.7), 2.2 * width), QPen(kind_colour(kind), width)):
        painter.setPen(pen)
        painter.drawRects(painted)
    painter.restore()

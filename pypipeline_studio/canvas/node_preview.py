"""The latest value of an output in its node: a picture in its proportions, boxes on the image they are of, or words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter, QPen

from pypipeline_studio.canvas.painting import CENTRE, put_text, shortened, style
from pypipeline_studio.theme.boxes import Rows, paint_boxes
from pypipeline_studio.theme.colours import colour

HEIGHT, GAP = 92.0, 4.0
PICTURE_PX = 360, 184
"""The size to ask for: twice that of the place, for screens with small pixels and for a view that is zoomed in."""
_RADIUS = 4.0
_STRONG = style(11, 600, tabular=True)
_LINE = style(11, tabular=True)
_LINE_PX = 16.0


@dataclass(frozen=True, eq=False)
class NodePreview:
    """What is shown. Without a picture, the lines are."""

    image: QImage | None = None
    lines: tuple[str, ...] = ()
    """The first one stands out."""
    boxes: Rows = ()
    frame: tuple[int, int] | None = None
    """Width and height of the whole image, in the pixels that boxes count in."""
    kind: str = "image"


def paint_preview(painter: QPainter, place: QRectF, preview: NodePreview) -> None:
    """Paint it into its place."""
    painter.setPen(QPen(colour("line"), 1))
    painter.setBrush(colour("track"))
    painter.drawRoundedRect(place.adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
    if preview.image is None or preview.image.isNull():
        _paint_lines(painter, place, preview.lines)
        return
    shown = fitted(QSizeF(preview.image.size()), place.adjusted(1, 1, -1, -1))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(shown, preview.image)
    painter.restore()
    if preview.boxes:
        frame = preview.frame or (preview.image.width(), preview.image.height())
        paint_boxes(painter, shown, preview.boxes, frame, preview.kind)


def _paint_lines(painter: QPainter, place: QRectF, lines: Sequence[str]) -> None:
    top = place.center().y() - _LINE_PX * len(lines) / 2
    for index, line in enumerate(lines):
        chosen = _LINE if index or len(lines) == 1 else _STRONG
        text = shortened(line, chosen, int(place.width()) - 16)
        box = QRectF(place.x(), top + index * _LINE_PX, place.width(), _LINE_PX)
        shown = colour("text" if len(lines) > 1 and not index else "text2")
        put_text(painter, box, text, chosen, shown, CENTRE)


def fitted(size: QSizeF, place: QRectF) -> QRectF:
    """Where something of a size lies in a place: as large as it fits in its proportions, in the middle."""
    scaled = size.scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
    corner = place.center() - QPointF(scaled.width() / 2, scaled.height() / 2)
    return QRectF(corner, scaled)

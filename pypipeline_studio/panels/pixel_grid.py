"""Numbers in the pixels in which they stand, as viewers of images for engineers write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from pypipeline_engine.host.looking import Number, PixelsInfo
from pypipeline_studio.document.pixel_texts import short_text
from pypipeline_studio.theme.colours import colour
from pypipeline_studio.theme.fonts import font

TEXT_PX: Final = 10
_LINE_PX: Final = 12
_MARGIN_PX: Final = 4
_LETTERS_OF_COLOURS: Final = 3
_AS_FAR_FROM_BLACK_AS_FROM_WHITE: Final = 117
"""The brightness on which black and white letters have the same contrast, by WCAG 2."""
_EDGE_OPACITY: Final = 0.22
"""Of the lines between pixels, by which one sees which numbers stand in the same."""


@dataclass(frozen=True)
class PixelGrid:
    """The numbers of a rectangle of an image."""

    info: PixelsInfo

    @property
    def rectangle(self) -> QRect:
        """Which pixels of the image these are."""
        rows = self.info.rows
        return QRect(self.info.x, self.info.y, len(rows[0]) if rows else 0, len(rows))

    def at(self, x: int, y: int) -> tuple[Number, ...] | None:
        """What stands in a pixel of the image; `None` where that is not known here."""
        if not self.rectangle.contains(x, y):
            return None
        return self.info.rows[y - self.info.y][x - self.info.x]

    def colour_at(self, x: int, y: int) -> QColor | None:
        """The colour of a pixel, where its numbers alone say what that is."""
        channels = self.at(x, y)
        if channels is None:
            return None
        if self.info.dtype == "bool":
            channels = tuple(255 if number else 0 for number in channels)
        elif self.info.dtype != "uint8":
            return None
        numbers = [int(number) for number in channels]
        if len(numbers) < _LETTERS_OF_COLOURS:
            return QColor(numbers[0], numbers[0], numbers[0])
        return QColor(numbers[2], numbers[1], numbers[0])


def paint_values(
    painter: QPainter, view: QRectF, target: QRectF, image: QImage, size: tuple[int, int], grid: PixelGrid
) -> None:
    """Write the numbers into the pixels, where all that can be seen have room for them.

    :param view: what can be seen.
    :param target: where the whole image is painted.
    :param image: its picture, which may be a smaller copy: it has the colours of pixels of which the numbers say none.
    :param size: width and height of the whole image.
    """
    scale = target.width() / size[0]
    seen = view.intersected(target).translated(-target.topLeft())
    columns = QRectF(seen.x() / scale, seen.y() / scale, seen.width() / scale, seen.height() / scale).toAlignedRect()
    shown = columns.intersected(grid.rectangle)
    texts = {
        (x, y): [short_text(number) for number in grid.at(x, y) or ()]
        for y in range(shown.top(), shown.bottom() + 1)
        for x in range(shown.left(), shown.right() + 1)
    }
    text_font = font(TEXT_PX, tabular=True)
    metrics = QFontMetricsF(text_font)
    distinct = {text for lines in texts.values() for text in lines}
    widest = max((metrics.horizontalAdvance(text) for text in distinct), default=0.0)
    most_lines = max(map(len, texts.values()), default=0)
    has_room = widest + _MARGIN_PX <= scale and most_lines * _LINE_PX + _MARGIN_PX <= scale
    dark, light = sorted((colour("text"), colour("canvas")), key=_brightness)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setFont(text_font)
    for (x, y), lines in texts.items():
        pixel = QRectF(target.x() + x * scale, target.y() + y * scale, scale, scale)
        own = grid.colour_at(x, y)
        if own is not None:  # the picture is near it, and of a larger image it is the mean of several
            painter.fillRect(pixel, own)
        under = own if own is not None else image.pixelColor(*_place_in(image, x, y, size))
        ink = light if _brightness(under) < _AS_FAR_FROM_BLACK_AS_FROM_WHITE else dark
        edge = QColor(ink)
        edge.setAlphaF(_EDGE_OPACITY)
        painter.setPen(edge)
        painter.drawLine(pixel.topLeft(), pixel.topRight())
        painter.drawLine(pixel.topLeft(), pixel.bottomLeft())
        if not has_room:
            continue
        painter.setPen(ink)
        top = pixel.center().y() - len(lines) * _LINE_PX / 2
        for number, text in enumerate(lines):
            line = QRectF(pixel.x(), top + number * _LINE_PX, scale, _LINE_PX)
            painter.drawText(line, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


def _brightness(shown: QColor) -> float:
    """How bright a colour looks, from 0 to 255 (ITU-R BT.601)."""
    return 0.299 * shown.red() + 0.587 * shown.green() + 0.114 * shown.blue()


def _place_in(image: QImage, x: int, y: int, size: tuple[int, int]) -> tuple[int, int]:
    column = min(image.width() - 1, int((x + 0.5) * image.width() / size[0]))
    row = min(image.height() - 1, int((y + 0.5) * image.height() / size[1]))
    return column, row

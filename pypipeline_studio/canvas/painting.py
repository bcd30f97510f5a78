"""Text for items that are painted often: widths and shortened texts are measured once."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from pypipeline_studio.theme.fonts import font

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTRE = Qt.AlignmentFlag.AlignCenter

_Style = tuple[int, int, bool]
"""Pixels, weight, and whether figures have one width."""


def style(px: int, weight: int = 400, tabular: bool = False) -> _Style:
    """A text style that can be looked up."""
    return (px, weight, tabular)


def font_of(chosen: _Style) -> QFont:
    """The font of a style."""
    return font(chosen[0], chosen[1], tabular=chosen[2])


@lru_cache(maxsize=8192)
def width_of(text: str, chosen: _Style) -> float:
    """How wide a text is, in pixels at 100 %."""
    return QFontMetricsF(font_of(chosen)).horizontalAdvance(text)


@lru_cache(maxsize=8192)
def shortened(text: str, chosen: _Style, width: int) -> str:
    """The text, with its end left out where it is too wide."""
    return QFontMetricsF(font_of(chosen)).elidedText(text, Qt.TextElideMode.ElideRight, width)


def put_text(
    painter: QPainter,
    rect: QRectF,
    text: str,
    chosen: _Style,
    shown: QColor,
    alignment: Qt.AlignmentFlag = LEFT,
) -> None:
    """Paint one line of text."""
    painter.setFont(font_of(chosen))
    painter.setPen(shown)
    painter.drawText(rect, alignment, text)


def outline(shown: QColor, width: float, dash: bool = False) -> QPen:
    """A pen."""
    pen = QPen(shown, width)
    if dash:
        pen.setDashPattern([4, 3])
    return pen

"""What the parts of a load bar mean, in a line."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPaintEvent
from PySide6.QtWidgets import QWidget

from pypipeline_studio.panels.widgets import paint
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.shapes import paint_load_bar

_CENTRED_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft


class LoadLegend(QWidget):
    """What the parts of a load bar mean."""

    _PARTS = (("busy", (1.0, 0.0, 0.0)), ("starved", (0.0, 1.0, 0.0)), ("blocked", (0.0, 0.0, 1.0)))

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Legend of the load: busy, starved, blocked")
        self.setToolTip("busy: at work; starved: waits for items; blocked: waits until the next cell takes its item")
        metrics = QFontMetrics(font(11))
        self._widths = [23 + metrics.horizontalAdvance(name) + 14 for name, _ in self._PARTS]
        self.setFixedSize(sum(self._widths), 20)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        x = 0
        for (name, shares), width in zip(self._PARTS, self._widths, strict=True):
            paint_load_bar(painter, QRectF(x, 6, 18, 8), *shares)
            painter.setFont(font(11))
            painter.setPen(colour("text2"))
            painter.drawText(QRectF(x + 23, 0, width, 20), _CENTRED_LEFT, name)
            x += width
        painter.end()

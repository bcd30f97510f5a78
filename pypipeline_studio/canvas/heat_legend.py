"""What the colours of the heat overlay mean: a small bar in the lower left corner of the canvas, while heat is on."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from pypipeline_studio.canvas.painting import LEFT, RIGHT, put_text, style
from pypipeline_studio.theme.colours import colour, heat, theme

SIZE: Final = QSize(264, 44)
_MARGIN_PX: Final = 12
_PAD_PX: Final = 12.0
_BAR_PX: Final = 8.0
_RAMP_PX: Final = 152.0
_GAP_PX: Final = 16.0
_STOPS: Final = 16
_TEXT = style(11, tabular=True)


class HeatLegend(QWidget):
    """The ramp from idle to busy, and towards what a cell goes that waits until the next one takes its items."""

    def __init__(self, around: QWidget) -> None:
        super().__init__(around)
        self.setFixedSize(SIZE)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Legend of the heat: busy from 0 to 100 per cent, and greyer where blocked")
        self.setToolTip("Busy: the share of the time at work. Blocked: waits until the next cell takes its items")
        around.installEventFilter(self)
        theme.changed.connect(self.update)
        self.hide()
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self.parent():
            self._place()
        return super().eventFilter(watched, event)

    def showEvent(self, event: QEvent) -> None:
        self.raise_()

    def _place(self) -> None:
        around = self.parentWidget()
        if around is not None:
            self.move(_MARGIN_PX, around.height() - self.height() - _MARGIN_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour("line"), 1))
        painter.setBrush(colour("panel"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        ramp = QRectF(_PAD_PX, _PAD_PX, _RAMP_PX, _BAR_PX)
        greyed = QRectF(ramp.right() + _GAP_PX, _PAD_PX, self.width() - ramp.right() - _GAP_PX - _PAD_PX, _BAR_PX)
        for box, blocked in ((ramp, 0.0), (greyed, 1.0)):
            shown = QLinearGradient(box.topLeft(), box.topRight())
            for stop in range(_STOPS + 1):
                share = stop / _STOPS
                # What is blocked all the time is never busy.
                shown.setColorAt(share, heat(1.0 - share, share) if blocked else heat(share, 0.0))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(shown)
            painter.drawRoundedRect(box, 2, 2)
        words = QRectF(_PAD_PX, ramp.bottom() + 3, _RAMP_PX, 16)
        put_text(painter, words, "0 % busy", _TEXT, colour("text2"), LEFT)
        put_text(painter, words, "100 %", _TEXT, colour("text2"), RIGHT)
        place = QRectF(greyed.x(), words.y(), greyed.width(), 16)
        put_text(painter, place, "blocked", _TEXT, colour("text2"), RIGHT)
        painter.end()

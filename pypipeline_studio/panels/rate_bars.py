"""A few rates below each other, as bars of one scale: now, predicted, measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from pypipeline_engine.numbers import rate
from pypipeline_studio.panels.widgets import paint
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.shapes import BAR_RADIUS_PX

Look: TypeAlias = Literal["limit", "predicted", "before", "good", "bad"]
"""`predicted` and `before` are outlines, because nothing of the kind happens now."""

_ROW_PX: Final = 20
_BAR_PX: Final = 8
_NAME_PX: Final = 64
_RATE_PX: Final = 52
_NOTE_PX: Final = 44
_FILLS: Final[dict[Look, str]] = {"limit": "neck_line", "good": "ok", "bad": "warn"}
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class RateBar:
    """One rate."""

    name: str
    rate_hz: float | None
    """`None` for one that is not known yet."""
    look: Look
    note: str = ""
    """What it means in comparison: `+96 %`."""


def gain_text(rate_hz: float | None, before_hz: float) -> str:
    """How much faster something is: `+96 %`; empty where that cannot be told."""
    if rate_hz is None or before_hz <= 0:
        return ""
    return f"{100 * (rate_hz / before_hz - 1):+,.0f} %".replace("-", "\N{MINUS SIGN}")


class RateBars(QWidget):
    """Shows rates. For a box of constant width: nothing moves when a rate changes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars: tuple[RateBar, ...] = ()
        """What is shown."""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)
        self.hide()

    def show_bars(self, bars: Sequence[RateBar]) -> None:
        """Show other rates."""
        if tuple(bars) == self.bars:
            return
        has_other_size = len(bars) != len(self.bars)
        self.bars = tuple(bars)
        self.setAccessibleName("; ".join(f"{bar.name} {rate(bar.rate_hz)} {bar.note}".rstrip() for bar in bars))
        self.setVisible(bool(bars))
        if has_other_size:
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(232, _ROW_PX * len(self.bars))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        most = max((bar.rate_hz or 0.0 for bar in self.bars), default=0.0)
        left, width = float(_NAME_PX), float(self.width() - _NAME_PX - _RATE_PX - _NOTE_PX - 8)
        for index, bar in enumerate(self.bars):
            top = float(index * _ROW_PX)
            is_strong = bar.look != "before"
            shown = font(11, 600 if is_strong else 400, tabular=True)
            painter.setFont(shown)
            painter.setPen(colour("text" if is_strong else "text2"))
            name = QFontMetrics(shown).elidedText(bar.name, Qt.TextElideMode.ElideRight, _NAME_PX - 6)
            painter.drawText(QRectF(0, top, _NAME_PX, _ROW_PX), _LEFT, name)
            painter.drawText(QRectF(left + width + 8, top, _RATE_PX, _ROW_PX), _LEFT, rate(bar.rate_hz))
            painter.setFont(font(11, tabular=True))
            painter.setPen(colour("text3"))
            painter.drawText(QRectF(self.width() - _NOTE_PX, top, _NOTE_PX, _ROW_PX), _RIGHT, bar.note)
            track = QRectF(left, top + (_ROW_PX - _BAR_PX) / 2, width, _BAR_PX)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("track"))
            painter.drawRoundedRect(track, BAR_RADIUS_PX, BAR_RADIUS_PX)
            if not bar.rate_hz or most <= 0:
                continue
            filled = QRectF(track.x(), track.y(), max(2.0, width * bar.rate_hz / most), _BAR_PX)
            if bar.look in _FILLS:
                painter.setBrush(colour(_FILLS[bar.look]))
            else:
                is_predicted = bar.look == "predicted"
                painter.setPen(QPen(colour("accent" if is_predicted else "text3"), 1.2))
                painter.setBrush(colour("accent", 0.28) if is_predicted else Qt.BrushStyle.NoBrush)
                filled.adjust(0.6, 0.6, -0.6, -0.6)
            painter.drawRoundedRect(filled, BAR_RADIUS_PX, BAR_RADIUS_PX)
        painter.end()

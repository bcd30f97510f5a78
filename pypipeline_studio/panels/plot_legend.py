"""How the lines of plots look, and the small widgets that tell which is which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from pypipeline_studio.document.plotting import Line, Look
from pypipeline_studio.panels.widgets import paint
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.shapes import paint_load_bar

_PENS: Final[dict[Look, tuple[str, float, tuple[float, ...]]]] = {
    "total": ("accent", 2.0, ()),
    "limit": ("neck_line", 2.0, ()),
    "first": ("text2", 1.3, (5, 3)),
    "second": ("ok", 1.3, ()),
    "third": ("blocked", 1.3, (1.5, 2.5)),
    "fourth": ("text3", 1.3, (6, 2, 1.5, 2)),
    "quiet": ("line_strong", 1.0, ()),
    "busy": ("busy", 1.0, ()),
    "starved": ("starved", 1.0, ()),
    "blocked": ("blocked", 1.0, ()),
}
"""By look: the token of its colour, its width, and its dashes in widths."""
_SWATCH_PX: Final = 16
_GAP_PX: Final = 12
_ROW_PX: Final = 16
_CENTRED_LEFT: Final = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_CENTRED_RIGHT: Final = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight


def pen_of(look: Look) -> QPen:
    """The pen of a line."""
    token, width, dashes = _PENS[look]
    pen = QPen(colour(token), width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dashes:
        pen.setDashPattern(list(dashes))
    return pen


def paint_swatch(painter: QPainter, place: QRectF, look: Look) -> None:
    """A short piece of a line, or of a layer."""
    if look in ("busy", "starved", "blocked"):
        bar = QRectF(place.x(), place.center().y() - 4, place.width(), 8)
        paint_load_bar(painter, bar, float(look == "busy"), float(look == "starved"), float(look == "blocked"))
        return
    painter.setPen(pen_of(look))
    middle = place.center().y()
    painter.drawLine(QPointF(place.left(), middle), QPointF(place.right(), middle))


class PlotLegend(QWidget):
    """The names of lines in a row; those for which there is no room are counted."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[Line, ...] = ()
        self.setFixedHeight(20)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Tell these lines, the last one first: it is painted above the others."""
        wanted = tuple(lines)[::-1]
        if [(line.label, line.look) for line in wanted] != [(line.label, line.look) for line in self._lines]:
            self._lines = wanted
            self.setAccessibleName("Lines: " + ", ".join(line.label for line in wanted))
            self.setToolTip("\n".join(line.label for line in wanted))
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(60, 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        shown = font(11)
        metrics = QFontMetricsF(shown)
        painter.setFont(shown)
        widths = [_SWATCH_PX + 5 + metrics.horizontalAdvance(line.label) for line in self._lines]
        nb_fitting, used = 0, 0.0
        for width in widths:
            rest = len(widths) - nb_fitting - 1
            if used + width + (metrics.horizontalAdvance(f"+{rest}") + _GAP_PX if rest else 0) > self.width():
                break
            used += width + _GAP_PX
            nb_fitting += 1
        more = f"+{len(widths) - nb_fitting}" if 0 < nb_fitting < len(widths) else ""
        x = self.width() - used - (metrics.horizontalAdvance(more) if more else -_GAP_PX)
        for line, width in zip(self._lines[:nb_fitting], widths, strict=False):
            paint_swatch(painter, QRectF(x, 0, _SWATCH_PX, self.height()), line.look)
            painter.setPen(colour("text2"))
            painter.drawText(QRectF(x + _SWATCH_PX + 5, 0, width, self.height()), _CENTRED_LEFT, line.label)
            x += width + _GAP_PX
        if more:
            painter.setPen(colour("text3"))
            painter.drawText(QRectF(x, 0, self.width(), self.height()), _CENTRED_LEFT, more)
        painter.end()


class Readout(QWidget):
    """The values at one moment, beside the pointer."""

    MOST_ROWS = 8

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.when = ""
        self.rows: list[tuple[Look, str, str]] = []
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        theme.changed.connect(self.update)

    def show_values(self, when: str, rows: Sequence[tuple[Look, str, str]]) -> None:
        """Show values: the look, the name and the value of each line."""
        self.when, self.rows = when, list(rows)[: self.MOST_ROWS]
        metrics = QFontMetricsF(font(11, 500, tabular=True))
        names = max((metrics.horizontalAdvance(name) for _, name, _ in self.rows), default=0.0)
        values = max((metrics.horizontalAdvance(value) for _, _, value in self.rows), default=0.0)
        width = max(_SWATCH_PX + 6 + names + 14 + values, metrics.horizontalAdvance(when)) + 16
        self.resize(round(width), _ROW_PX * (len(self.rows) + 1) + 10)
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        painter.setPen(QPen(colour("line_strong"), 1))
        painter.setBrush(colour("popover"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        right = self.width() - 16.0
        painter.setFont(font(11, 400, tabular=True))
        painter.setPen(colour("text2"))
        painter.drawText(QRectF(8, 5, right, _ROW_PX), _CENTRED_LEFT, self.when)
        for index, (look, name, value) in enumerate(self.rows, 1):
            place = QRectF(8, 5 + index * _ROW_PX, right, _ROW_PX)
            paint_swatch(painter, QRectF(place.x(), place.y(), _SWATCH_PX, _ROW_PX), look)
            painter.setFont(font(11, 400))
            painter.setPen(colour("text2"))
            painter.drawText(place.adjusted(_SWATCH_PX + 6, 0, 0, 0), _CENTRED_LEFT, name)
            painter.setFont(font(11, 500, tabular=True))
            painter.setPen(colour("text"))
            painter.drawText(place, _CENTRED_RIGHT, value)
        painter.end()

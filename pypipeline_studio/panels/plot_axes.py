"""The axes of plots: few ticks at round values, written as everywhere else in the studio.

Imports pyqtgraph, and with it numpy: to be imported when a plot is shown for the first time, and not before.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from pypipeline_studio.document.plotting import Unit, nice_step, tick_text, time_step, time_text
from pypipeline_studio.theme.colours import colour
from pypipeline_studio.theme.fonts import font

LEFT_PX = 50
BOTTOM_PX = 20
_PX_FOR_TICK = 44
"""Between two ticks, at least about so much."""
_PX_FOR_TIME = 64


class _Axis(pyqtgraph.AxisItem):  # type: ignore[misc]
    """An axis without a line of its own: what is seen of it are numbers, and a dotted line at each."""

    def __init__(self, side: str, has_grid: bool) -> None:
        super().__init__(side)
        self._has_grid = has_grid
        self.enableAutoSIPrefix(False)
        self.setStyle(tickLength=0, tickTextOffset=4, tickFont=font(10, tabular=True), hideOverlappingLabels=False)
        self.restyle()

    def restyle(self) -> None:
        """Take the colours of the theme that is shown."""
        self.setPen(QPen(Qt.PenStyle.NoPen))
        grid = QColor(colour("line_strong"))
        pen = QPen(grid, 1)
        pen.setCosmetic(True)
        pen.setDashPattern([1, 4])
        self.setTickPen(pen if self._has_grid else QPen(Qt.PenStyle.NoPen))
        self.setTextPen(QPen(colour("text3")))
        self.setGrid(255 if self._has_grid else False)


class ValueAxis(_Axis):
    """The values, from zero on."""

    def __init__(self) -> None:
        super().__init__("left", has_grid=True)
        self._unit: Unit = "rate"
        self.setWidth(LEFT_PX)

    def set_unit(self, unit: Unit) -> None:
        """Write values in another unit."""
        if unit != self._unit:
            self._unit = unit
            self.picture = None
            self.update()

    def tickValues(self, least: float, most: float, px: float) -> list[tuple[float, list[float]]]:
        step = nice_step(most - least, max(2, int(px / _PX_FOR_TICK)))
        return [(step, _multiples(least, most, step))]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        greatest = max((abs(value) for value in values), default=0.0)
        return [tick_text(value, self._unit, greatest) for value in values]


class TimeAxis(_Axis):
    """The time before the latest sample."""

    def __init__(self) -> None:
        super().__init__("bottom", has_grid=False)
        self.latest = "now"
        """What the latest sample is called."""
        self.setHeight(BOTTOM_PX)

    def tickValues(self, least: float, most: float, px: float) -> list[tuple[float, list[float]]]:
        step = time_step(most - least, max(2, int(px / _PX_FOR_TIME)))
        return [(step, _multiples(least, most, step))]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        return [time_text(value, spacing, self.latest) for value in values]


def _multiples(least: float, most: float, step: float) -> list[float]:
    first, last = round(least / step), round(most / step)
    return [
        value * step for value in range(first, last + 1) if least - step * 1e-6 <= value * step <= most + step * 1e-6
    ]

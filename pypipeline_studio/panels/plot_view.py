"""One plot over time: its title, its legend, its lines, and the values under the pointer.

Imports pyqtgraph, and with it numpy: to be imported when a plot is shown for the first time, and not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any, Final

import pyqtgraph
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStyleOptionGraphicsItem, QVBoxLayout, QWidget

from pypipeline_engine.numbers import elapsed
from pypipeline_studio.document.history import Mark, nearest
from pypipeline_studio.document.plotting import PLOTS, Line, PlotData, PlotKey
from pypipeline_studio.panels.plot_axes import TimeAxis, ValueAxis
from pypipeline_studio.panels.plot_legend import PlotLegend, Readout, pen_of
from pypipeline_studio.panels.widgets import Label
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.shapes import load_pattern

_HEADROOM: Final = 1.1
_FOOTROOM: Final = 0.05
"""Below zero, or no number would stand there."""
_NEAR_PX: Final = 8
"""So near to a line a click is meant for it."""
_LABELS_AT: Final = (0.12, 0.3, 0.48)
"""How high the labels of changes of scaling stand, by turns; of more, the latest have one."""
_BESIDE: Final = [(0, 0.5), (1, 0.5)]
"""A label stands right of its line, and left of it where there is no room."""


class PlotView(QWidget):
    """Shows one `PlotData` after another. Left and Right go through the samples, as the pointer does."""

    cell_chosen = Signal(str)
    """The full name of the cell whose line was clicked."""

    def __init__(self, key: PlotKey) -> None:
        super().__init__()
        self.key = key
        self.data: PlotData | None = None
        self.sample = -1
        """The sample of which the values are told; -1 for none."""
        self.title = Label(PLOTS[key], 11, 600, "text2", elides=True)
        self.legend = PlotLegend()
        self.headline = Label("", 12, 600, "text", tabular=True)
        self._values = ValueAxis()
        self._times = TimeAxis()
        self.plot = pyqtgraph.PlotWidget(axisItems={"left": self._values, "bottom": self._times})
        self.plot.setFrameShape(QFrame.Shape.NoFrame)
        self.plot.setAntialiasing(True)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(False, False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plot.viewport().setMouseTracking(True)
        self.plot.viewport().installEventFilter(self)
        self.plot.installEventFilter(self)
        self.plot.getPlotItem().getViewBox().disableAutoRange()
        self.plot.setAccessibleName(PLOTS[key])
        self.plot.getPlotItem().layout.setContentsMargins(0, 6, 14, 0)  # room for what stands at the ends of the axes
        self._curves: list[Any] = []
        self._layers = _Layers()
        self.plot.addItem(self._layers, ignoreBounds=True)
        self._pointer = pyqtgraph.InfiniteLine(angle=90)
        self._pointer.hide()
        self.plot.addItem(self._pointer, ignoreBounds=True)
        self.moment = pyqtgraph.InfiniteLine(angle=90)
        """The moment that a replay shows."""
        self.moment.hide()
        self.plot.addItem(self.moment, ignoreBounds=True)
        self.marks: list[Any] = []
        self.readout = Readout(self)
        self.empty = Label("", 11, 400, "text3", wraps=True)
        self.empty.setParent(self.plot)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        head = QHBoxLayout()
        head.setContentsMargins(10, 0, 10, 0)
        head.setSpacing(8)
        head.addWidget(self.title)
        head.addWidget(self.legend, 1)
        head.addWidget(self.headline)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 5, 4, 2)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self.plot, 1)
        self._restyle()
        theme.changed.connect(self._restyle)

    def sizeHint(self) -> QSize:
        return QSize(300, 200)

    def minimumSizeHint(self) -> QSize:
        return QSize(210, 96)

    # ------------------------------------------------------------------ what is shown

    def show_data(self, data: PlotData, span_s: float, is_live: bool) -> None:
        """Show other values.

        :param span_s: how long the axis of time is.
        :param is_live: whether the latest sample is now.
        """
        marks_before = self.data.marks if self.data is not None else None
        self.data = data
        self.title.show_text(data.title)
        self.legend.show_lines(() if data.is_stack else data.named)
        self.headline.show_text(data.headline)
        self.plot.setAccessibleDescription(f"{data.title}: {data.headline}" if data.headline else data.title)
        self.empty.show_text(data.empty)
        self._place_empty()
        self._values.set_unit(data.unit)
        if self._times.latest != (latest := "now" if is_live else "end"):
            self._times.latest = latest
            self._times.picture = None
            self._times.update()
        if data.times:
            end_s = data.times[-1]
            places = [time_s - end_s for time_s in data.times]
            self._show_lines(places, data)
            if marks_before != data.marks:
                self._make_marks(data.marks)
            for line, mark in zip(self.marks, data.marks, strict=True):
                line.setValue(mark.elapsed_s - end_s)
        self.plot.setXRange(-max(1.0, span_s), 0, padding=0)
        greatest = self._greatest(data)
        self.plot.setYRange(-_FOOTROOM * greatest, greatest, padding=0)
        self._show_sample()

    def mark_moment(self, elapsed_s: float | None) -> None:
        """Mark a moment of the run; `None` for none."""
        if elapsed_s is None or self.data is None or not self.data.times:
            self.moment.hide()
            return
        self.moment.setValue(elapsed_s - self.data.times[-1])
        self.moment.setZValue(len(self._curves) + 1)
        self.moment.show()

    @staticmethod
    def _greatest(data: PlotData) -> float:
        if data.is_stack:
            return data.most or 1.0
        known = [value for line in data.lines for value in line.values if not isnan(value)]
        greatest = max(known, default=0.0) * _HEADROOM
        return max(greatest, (data.most or 0.0) * 1.04) or 1.0

    def _show_lines(self, places: Sequence[float], data: PlotData) -> None:
        lines = () if data.is_stack else data.lines
        self._layers.show_lines(places, data.lines if data.is_stack else ())
        while len(self._curves) > len(lines):
            self.plot.removeItem(self._curves.pop())
        while len(self._curves) < len(lines):
            curve = pyqtgraph.PlotDataItem(connect="finite", autoDownsample=True, downsampleMethod="peak")
            self._curves.append(curve)
            self.plot.addItem(curve, ignoreBounds=True)
        for depth, (curve, line) in enumerate(zip(self._curves, lines, strict=True)):
            curve.setData(list(places), list(line.values), pen=pen_of(line.look))
            curve.setZValue(depth)
        self._pointer.setZValue(len(lines) + 2)

    def _make_marks(self, marks: Sequence[Mark]) -> None:
        for line in self.marks:
            self.plot.removeItem(line)
        self.marks = []
        for number, mark in enumerate(marks):
            is_told = number >= len(marks) - len(_LABELS_AT)
            line = pyqtgraph.InfiniteLine(
                angle=90,
                label=mark.text if is_told else None,
                labelOpts={"position": _LABELS_AT[(len(marks) - number) % len(_LABELS_AT)], "anchors": _BESIDE},
            )
            line.setToolTip(f"{mark.cell}: {mark.text}")
            if is_told:
                line.label.setFont(font(10, 500))
            self.marks.append(line)
            self.plot.addItem(line, ignoreBounds=True)
        self._restyle_marks()

    def _restyle_marks(self) -> None:
        for line in self.marks:
            pen = QPen(colour("text3"), 1)
            pen.setCosmetic(True)
            pen.setDashPattern([1, 3])
            line.setPen(pen)
            label = getattr(line, "label", None)
            if label is not None:
                label.setColor(colour("text2"))
                label.fill = QBrush(colour("panel"))

    def _restyle(self) -> None:
        self.plot.setBackground(colour("panel"))
        self._values.restyle()
        self._times.restyle()
        pen = QPen(colour("text2"), 1)
        pen.setCosmetic(True)
        self._pointer.setPen(pen)
        self.moment.setPen(pen_of("total"))
        self._restyle_marks()
        if self.data is not None and not self.data.is_stack:
            for curve, line in zip(self._curves, self.data.lines, strict=False):
                curve.setPen(pen_of(line.look))
        self._layers.update()

    def _place_empty(self) -> None:
        self.empty.setVisible(bool(self.empty.text()))
        self.empty.setGeometry(self.plot.rect().adjusted(56, 8, -12, -24))

    # ------------------------------------------------------------------ the values at one moment

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.plot.viewport():
            if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
                self._point_at(event.position())
            elif event.type() == QEvent.Type.Leave:
                self.tell_sample(-1)
            elif event.type() == QEvent.Type.MouseButtonRelease and isinstance(event, QMouseEvent):
                self._click_at(event.position())
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._press(event)
        elif event.type() == QEvent.Type.FocusOut and isinstance(event, QFocusEvent):
            self.tell_sample(-1)
        elif event.type() == QEvent.Type.Resize:
            self._place_empty()
        return super().eventFilter(watched, event)

    def _press(self, event: QKeyEvent) -> bool:
        nb_samples = len(self.data.times) if self.data is not None else 0
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_PageUp: -20, Qt.Key.Key_PageDown: 20}
        step = steps.get(Qt.Key(event.key()))
        if step is not None and nb_samples:
            start = self.sample if self.sample >= 0 else nb_samples
            self.tell_sample(min(nb_samples - 1, max(0, start + step)))
            return True
        if event.key() == Qt.Key.Key_Escape and self.sample >= 0:
            self.tell_sample(-1)
            return True
        return False

    def tell_sample(self, sample: int) -> None:
        """Tell the values of a sample; of none where it is -1."""
        if sample != self.sample:
            self.sample = sample
            self._show_sample()

    def _point_at(self, at: QPointF) -> None:
        data = self.data
        if data is None or not data.times:
            return
        self.tell_sample(nearest(data.times, data.times[-1] + self._in_plot(at).x()))

    def _in_plot(self, at: QPointF) -> QPointF:
        view = self.plot.getPlotItem().getViewBox()
        point: QPointF = view.mapSceneToView(self.plot.mapToScene(at.toPoint()))
        return point

    def _on_widget(self, x: float, y: float) -> QPointF:
        """Where a value is, in this widget."""
        view = self.plot.getPlotItem().getViewBox()
        at = self.plot.mapFromScene(view.mapViewToScene(QPointF(x, y)))
        return QPointF(self.plot.viewport().mapTo(self, at))

    def _show_sample(self) -> None:
        data = self.data
        if data is None or not 0 <= self.sample < len(data.times):
            self._pointer.hide()
            self.readout.hide()
            return
        place = data.times[self.sample] - data.times[-1]
        self._pointer.setValue(place)
        self._pointer.show()
        rows = [(line.look, line.label, data.written(line.values[self.sample])) for line in reversed(data.named)]
        if not data.named:
            rows = [(line.look, line.label, data.written(line.values[self.sample])) for line in reversed(data.lines)]
        self.readout.raise_()
        self.readout.show_values(f"at {elapsed(data.times[self.sample])}", rows)
        x = self._on_widget(place, 0).x()
        left = x + 10 if x + 10 + self.readout.width() <= self.width() else x - 10 - self.readout.width()
        self.readout.move(round(max(0.0, left)), 30)

    def line_at(self, at: QPointF) -> Line | None:
        """The line near a point of the plot; where several are, the one that is painted last."""
        data = self.data
        if data is None or not data.times or data.is_stack:
            return None
        sample = nearest(data.times, data.times[-1] + self._in_plot(at).x())
        x = data.times[sample] - data.times[-1]
        y = self.plot.viewport().mapTo(self, at.toPoint()).y()
        found, best = None, float(_NEAR_PX)
        for line in data.lines:
            value = line.values[sample]
            distance = abs(self._on_widget(x, value).y() - y) if not isnan(value) and line.cell else best + 1
            if distance <= best:
                found, best = line, distance
        return found

    def _click_at(self, at: QPointF) -> None:
        line = self.line_at(at)
        if line is not None:
            self.cell_chosen.emit(line.cell)


class _Layers(pyqtgraph.GraphicsObject):  # type: ignore[misc]
    """Lines that lie on each other, filled as the bars of the load are: solid, dots and diagonals."""

    def __init__(self) -> None:
        super().__init__()
        self._places: Sequence[float] = ()
        self._lines: Sequence[Line] = ()

    def show_lines(self, places: Sequence[float], lines: Sequence[Line]) -> None:
        if not lines and not self._lines:
            return
        self.prepareGeometryChange()
        self._places, self._lines = places, lines
        self.update()

    def boundingRect(self) -> QRectF:
        view = self.getViewBox()
        if view is None or not self._lines:
            return QRectF()
        rect: QRectF = view.viewRect()
        return rect

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        # Patterns are those of pixels: in the coordinates of the plot they would be stretched with it.
        to_pixels = painter.transform()
        clip = to_pixels.mapRect(self.boundingRect())
        painter.resetTransform()
        painter.setClipRect(clip, Qt.ClipOperation.IntersectClip)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        below = [0.0] * len(self._places)
        for line in self._lines:
            above = [base + (0.0 if isnan(value) else value) for base, value in zip(below, line.values, strict=True)]
            upper = [to_pixels.map(QPointF(x, y)) for x, y in zip(self._places, above, strict=True)]
            lower = [to_pixels.map(QPointF(x, y)) for x, y in zip(self._places, below, strict=True)]
            pattern = load_pattern("starved" if line.look == "starved" else "blocked")
            painter.setBrush(QBrush(colour("track")))
            painter.drawPolygon(QPolygonF([*upper, *lower[::-1]]))
            painter.setBrush(QBrush(colour("busy")) if line.look == "busy" else pattern)
            painter.drawPolygon(QPolygonF([*upper, *lower[::-1]]))
            below = above

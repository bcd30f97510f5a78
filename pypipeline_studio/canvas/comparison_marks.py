"""Marks at nodes: how much a cell changed from one run to another.

One item paints all of them, at the lower right edge of the nodes: the upper one is for what goes on now.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsView, QStyleOptionGraphicsItem, QWidget

from pypipeline_studio.canvas.painting import CENTRE, put_text, style, width_of
from pypipeline_studio.canvas.scene import StudioScene
from pypipeline_studio.document.run_comparison import CellMark
from pypipeline_studio.theme.colours import colour

LEAST_SCALE = 0.4
_HEIGHT = 18.0
_INSIDE = 4.0
_TEXT = style(11, 600, tabular=True)
_Z_ABOVE_NODES = 10.0
_PAD = 7.0


class ComparisonMarks(QGraphicsItem):
    """Paints the marks of all nodes of a view."""

    def __init__(self, view: QGraphicsView) -> None:
        super().__init__()
        self._view = view
        self._marks: Mapping[str, CellMark] = {}
        self.setZValue(_Z_ABOVE_NODES)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def show_marks(self, marks: Mapping[str, CellMark]) -> None:
        """Show these marks, by the names of the cells on the canvas, and no others."""
        self._marks = marks
        self._view.viewport().update()

    def places(self) -> dict[str, QRectF]:
        """By the name of the cell, where its mark is in the scene."""
        scene = self._view.scene()
        if not isinstance(scene, StudioScene):
            return {}
        found = {}
        for item, (_, _, right, bottom) in scene.boxes.items():
            mark = self._marks.get(item.name)
            if mark is not None:
                width = width_of(mark.text, _TEXT) + 2 * _PAD
                found[item.name] = QRectF(right - width - 8, bottom - _INSIDE, width, _HEIGHT)
        return found

    def about_at(self, at: QPointF) -> str:
        """What the mark at a point of the scene means; empty where there is none."""
        return next((self._marks[name].about for name, place in self.places().items() if place.contains(at)), "")

    def boundingRect(self) -> QRectF:
        return QRectF(-1e6, -1e6, 2e6, 2e6)

    def shape(self) -> QPainterPath:
        return QPainterPath()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if not self._marks or option.levelOfDetailFromTransform(painter.worldTransform()) < LEAST_SCALE:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for name, place in self.places().items():
            mark = self._marks[name]
            shade = colour(_colour_of(mark))
            painter.setPen(QPen(colour("canvas"), 4))
            painter.setBrush(colour("pill"))
            painter.drawRoundedRect(place, 4, 4)
            pen = QPen(shade, 1.2)
            if mark.verdict == "doubtful":
                pen.setDashPattern([3, 2])
            painter.setPen(pen)
            painter.drawRoundedRect(place, 4, 4)
            put_text(painter, place, mark.text, _TEXT, shade, CENTRE)


def _colour_of(mark: CellMark) -> str:
    return {"better": "ok", "worse": "error", "neither": "text3"}[mark.direction]

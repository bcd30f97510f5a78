"""A line that is drawn across wires, which are cut where it ends."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from pypipeline_studio.canvas.pipe_item import StudioPipe
from pypipeline_studio.canvas.scene import StudioScene
from pypipeline_studio.theme.colours import colour

_Z_ABOVE_ALL = 20.0
_WIDTH_PX = 2.0


class Slicer:
    """One line at a time."""

    def __init__(self, scene: StudioScene) -> None:
        self._scene = scene
        self._line = QGraphicsPathItem()
        self._line.setZValue(_Z_ABOVE_ALL)
        self._line.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self._line.setVisible(False)
        scene.addItem(self._line)

    @property
    def is_active(self) -> bool:
        """Whether a line is being drawn."""
        return self._line.isVisible()

    def begin(self, at: QPointF) -> None:
        """Begin a line, at a point of the scene."""
        pen = QPen(colour("error"), _WIDTH_PX, Qt.PenStyle.DashLine)
        pen.setCosmetic(True)
        self._line.setPen(pen)
        self._line.setPath(QPainterPath(at))
        self._line.setVisible(True)

    def follow(self, at: QPointF) -> None:
        """Draw on to a point, and mark what the line crosses."""
        path = self._line.path()
        path.lineTo(at)
        self._line.setPath(path)
        crossed = set(self._crossed())
        for pipe in self._scene.pipes:
            (pipe.highlight if pipe in crossed else pipe.reset)()

    def end(self) -> list[StudioPipe]:
        """Take the line away; the wires that it crosses."""
        crossed = self._crossed()
        self._line.setVisible(False)
        for pipe in crossed:
            pipe.reset()
        return crossed

    def _crossed(self) -> list[StudioPipe]:
        path = self._line.path()
        if path.elementCount() < 2:  # a point is no line
            return []
        return [
            pipe for pipe in self._scene.pipes if pipe.input_port and pipe.output_port and _crosses(path, pipe.path())
        ]


def _crosses(line: QPainterPath, way: QPainterPath) -> bool:
    """Whether two lines meet, as they are drawn: neither stands for an area."""
    polygons = [way.toSubpathPolygons(), line.toSubpathPolygons()]
    segments = [
        [(polygon[index], polygon[index + 1]) for polygon in part for index in range(polygon.size() - 1)]
        for part in polygons
    ]
    return any(_meet(*one, *other) for one in segments[0] for other in segments[1])


def _meet(a: QPointF, b: QPointF, c: QPointF, d: QPointF) -> bool:
    """Whether the segments from `a` to `b` and from `c` to `d` cross each other.

    A point on the other line counts as being on one side of it: lines also cross where one of them has a corner.
    """

    def side(p: QPointF, q: QPointF, r: QPointF) -> float:
        return (q.x() - p.x()) * (r.y() - p.y()) - (q.y() - p.y()) * (r.x() - p.x())

    return (side(a, b, c) > 0) != (side(a, b, d) > 0) and (side(c, d, a) > 0) != (side(c, d, b) > 0)

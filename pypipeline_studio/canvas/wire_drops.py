"""A node that is dragged onto a wire: which wire that is, as it was before it made room for the node."""

from __future__ import annotations

from collections.abc import Callable, Collection

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainterPath

from pypipeline_studio.canvas.node_item import StudioNodeItem
from pypipeline_studio.canvas.pipe_item import StudioPipe
from pypipeline_studio.canvas.scene import StudioScene

_INSET = 0.25
"""Of a node's width and height, on each side: a wire that only touches its rim is not meant."""

MayInsert = Callable[[str, StudioPipe], bool]


class WireDrops:
    """Follows a node that is dragged, and marks the wire into which it would be inserted."""

    def __init__(self, scene: StudioScene, may_insert: MayInsert) -> None:
        """:param may_insert: whether a connection can be led through a cell; asked once for each wire that a drag meets."""
        self._scene = scene
        self._may_insert = may_insert
        self._item: StudioNodeItem | None = None
        self._ways: dict[StudioPipe, QPainterPath] = {}
        self._answers: dict[StudioPipe, bool] = {}
        self._marked: StudioPipe | None = None

    def begin(self, items: Collection[StudioNodeItem]) -> None:
        """A drag may begin. Of several nodes none is inserted."""
        self.end()
        if len(items) == 1:
            (self._item,) = items
            # A wire goes round what lies on its way, also while that is dragged.
            self._ways = {pipe: pipe.path() for pipe in self._scene.pipes if pipe.input_port and pipe.output_port}

    def follow(self) -> None:
        """The node is somewhere else."""
        if self._item is not None:
            self._mark(self._find(self._item))

    def end(self) -> StudioPipe | None:
        """The drag is over; the wire on which the node was dropped."""
        found, self._item = self._marked, None
        self._mark(None)
        self._ways, self._answers = {}, {}
        return found

    def _find(self, item: StudioNodeItem) -> StudioPipe | None:
        left, top, right, bottom = item.box()
        width, height = right - left, bottom - top
        body = QRectF(left, top, width, height).adjusted(
            _INSET * width, _INSET * height, -_INSET * width, -_INSET * height
        )
        for pipe, way in self._ways.items():
            if way.intersects(body) and pipe.scene() is not None and self._allows(item, pipe):
                return pipe
        return None

    def _allows(self, item: StudioNodeItem, pipe: StudioPipe) -> bool:
        if pipe not in self._answers:
            self._answers[pipe] = self._may_insert(item.name, pipe)
        return self._answers[pipe]

    def _mark(self, pipe: StudioPipe | None) -> None:
        if pipe is self._marked:
            return
        if self._marked is not None:
            self._marked.reset()
        self._marked = pipe
        if pipe is not None:
            pipe.highlight()

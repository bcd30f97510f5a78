"""The arrow keys on the canvas: they move the selected cells, and with Ctrl the selection.

They are no actions: shortcuts of the canvas would also take them from the fields that lie over it.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent

from pypipeline_engine.numbers import counted
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.canvas.scene import GRID
from pypipeline_studio.document import edits
from pypipeline_studio.document.neighbours import VECTORS, Box, Direction, first, neighbour
from pypipeline_studio.session import Session

_DIRECTIONS: Final[dict[int, Direction]] = {
    Qt.Key.Key_Left: "left",
    Qt.Key.Key_Right: "right",
    Qt.Key.Key_Up: "up",
    Qt.Key.Key_Down: "down",
}
_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class CanvasKeys(QObject):
    """Does what the arrow keys say while the canvas has the focus."""

    def __init__(self, session: Session, canvas: Canvas, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._canvas = canvas
        self._moved: tuple[str, ...] = ()
        canvas.viewer.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            direction = _DIRECTIONS.get(event.key())
            modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            if direction is not None and modifiers in (Qt.KeyboardModifier.NoModifier, _SHIFT):
                return self.move(direction, 1 if modifiers == _SHIFT else GRID)
            if direction is not None and modifiers == _CTRL:
                self.select(direction)
                return True
        return super().eventFilter(watched, event)

    def move(self, direction: Direction, step_px: int) -> bool:
        """Move the selected cells; whether there are some. Moves of the same cells that follow each other are one step."""
        names = self._canvas.selected()
        if not names:
            return False
        if names != self._moved:
            self._session.end_merging()
            self._moved = names
        path, nodes = self._canvas.path, self._canvas.presentation.nodes
        dx, dy = (step_px * part for part in VECTORS[direction])
        places = {name: (nodes[name].position[0] + dx, nodes[name].position[1] + dy) for name in names}
        what = names[0] if len(names) == 1 else counted(len(names), "cell")
        self._session.edit(
            f"Move {what}",
            edits.move_cells(self._session.document, path, places),
            f"arrows {'.'.join(path)} {' '.join(names)}",
        )
        return True

    def select(self, direction: Direction) -> None:
        """Select the neighbour of the selected cell, or the first cell where none is selected."""
        boxes = self._boxes()
        names = self._canvas.selected()
        found = neighbour(boxes, names[0], direction) if names else first(boxes)
        if found is not None:
            self._canvas.reveal(found)

    def _boxes(self) -> dict[str, Box]:
        nodes = self._canvas.presentation.nodes
        return {item.name: box for item, box in self._canvas.viewer.scene().boxes.items() if item.name in nodes}

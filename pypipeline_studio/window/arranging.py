"""Where nodes stand: laid out by what connects them, in a line, or at equal distances."""

from __future__ import annotations

from functools import partial
from typing import get_args

from PySide6.QtCore import QObject

from pypipeline_engine.numbers import counted
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document.alignment import Axis, Box, Edge, align, distribute
from pypipeline_studio.document.comments import follow_nodes, place_comments
from pypipeline_studio.document.edits import Position, move_cells
from pypipeline_studio.document.layout import lay_out
from pypipeline_studio.document.presentation import INPUTS, OUTPUTS
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions


class Arranging(QObject):
    """Does what the actions about places say; each is one step to undo."""

    def __init__(self, session: Session, canvas: Canvas, commands: Actions, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._canvas = canvas
        commands.on("lay_out", self.lay_out)
        for edge in get_args(Edge):
            commands.on(f"align_{edge}", partial(self.align, edge))
        for axis in get_args(Axis):
            commands.on(f"distribute_{axis}", partial(self.distribute, axis))

    def lay_out(self) -> None:
        """Lay out the selected nodes where they are, or all of them where fewer than two are selected."""
        canvas = self._canvas
        boxes, selected = canvas.boxes(), canvas.selected_nodes()
        is_part = len(selected) > 1
        chosen = {name: box for name, box in boxes.items() if not is_part or name in selected}
        if not chosen:
            return
        places = lay_out(
            {name: (box[2] - box[0], box[3] - box[1]) for name, box in chosen.items()},
            [(wire.source[0], wire.target[0]) for wire in canvas.presentation.wires if not wire.is_recurrent],
            first=[INPUTS],
            last=[OUTPUTS],
            origin=(min(box[0] for box in chosen.values()), min(box[1] for box in chosen.values())),
        )
        what = counted(len(chosen), "node") if is_part else "the graph"
        comments = follow_nodes(canvas.comments.boxes(), boxes, places)
        document = place_comments(self._session.document, canvas.path, comments)
        self._session.edit(f"Lay out {what}", move_cells(document, canvas.path, places))
        if not is_part:
            canvas.fit_all()

    def align(self, edge: Edge) -> None:
        """Put the selected nodes in a line."""
        boxes = self._selected(2, "aligned")
        if boxes:
            self._move(f"Align {counted(len(boxes), 'node')}", align(boxes, edge))

    def distribute(self, axis: Axis) -> None:
        """Put equal gaps between the selected nodes."""
        boxes = self._selected(3, "distributed")
        if boxes:
            self._move(f"Distribute {counted(len(boxes), 'node')}", distribute(boxes, axis))

    def _selected(self, least: int, done: str) -> dict[str, Box]:
        """The boxes of the selected nodes; none, and a word about it, where they are too few."""
        names = set(self._canvas.selected_nodes())
        if len(names) < least:
            self._canvas.refused.emit(f"Select the nodes that are to be {done}: at least {least}.")
            return {}
        return {name: box for name, box in self._canvas.boxes().items() if name in names}

    def _move(self, text: str, places: dict[str, Position]) -> None:
        self._session.edit(text, move_cells(self._session.document, self._canvas.path, places))

"""Where nodes stand: laid out by what connects them."""

from __future__ import annotations

from PySide6.QtCore import QObject

from pypipeline_engine.numbers import counted
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document.edits import move_cells
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
        self._session.edit(f"Lay out {what}", move_cells(self._session.document, canvas.path, places))
        if not is_part:
            canvas.fit_all()

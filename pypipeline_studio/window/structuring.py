"""Nested pipelines by menus and keys: cells become one, and one becomes its cells again."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox, QWidget

from pypipeline_engine.graph.problems import describe
from pypipeline_engine.numbers import counted
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document.edits import GraphEditRefused, body_at
from pypipeline_studio.document.expanding import expand_pipeline, losses_of_expanding
from pypipeline_studio.document.grouping import group_cells
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions


class Structuring(QObject):
    """Groups and expands what is selected on a canvas, at any depth."""

    def __init__(self, session: Session, canvas: Canvas, commands: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._canvas = canvas
        self._window = window
        commands.on("group", self.group)
        commands.on("expand", self.expand)

    def group(self) -> None:
        """Put the selected cells into a nested pipeline. Where that cannot be, the reason is told."""
        session, canvas = self._session, self._canvas
        # With everything selected, the ports of the pipeline around are, too; they stay where they are.
        names = canvas.selected() or canvas.selected_nodes()
        try:
            document, name = group_cells(session.document, canvas.path, names, session.types)
        except GraphEditRefused as error:
            canvas.refused.emit(str(error))
            return
        what = names[0] if len(names) == 1 else counted(len(names), "cell")
        session.edit(f"Group {what}", document)
        canvas.select([name])

    def expand(self) -> None:
        """Put the cells of the selected nested pipelines in their places, after asking where something would be lost."""
        session, canvas = self._session, self._canvas
        body = body_at(session.document, canvas.path)
        names = [name for name in canvas.selected() if body.cells[name].is_pipeline]
        if not names:
            canvas.refused.emit("No nested pipeline is selected: select the one that is to be replaced by its cells.")
            return
        document, inner = session.document, list[str]()
        lost = [(name, loss) for name in names for loss in losses_of_expanding(document, canvas.path, name)]
        try:
            for name in names:
                document, found = expand_pipeline(document, canvas.path, name, session.types)
                inner += found
        except GraphEditRefused as error:
            canvas.refused.emit(str(error))
            return
        if lost and not self._ask(names, lost):
            return
        session.edit(f"Expand {names[0] if len(names) == 1 else counted(len(names), 'pipeline')}", document)
        canvas.select(inner)

    def _ask(self, names: list[str], lost: list[tuple[str, str]]) -> bool:
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        what = describe(names[0]) if len(names) == 1 else counted(len(names), "pipeline")
        box.setText(f"Expanding {what} loses what its cells cannot take over.")
        lines = [f"{describe(name)}: {loss}" for name, loss in lost]
        box.setInformativeText(
            "\n".join([*lines, "What is set at the cells inside stays, and undo brings all of it back."])
        )
        agree = box.addButton("Expand", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        return box.clickedButton() is agree

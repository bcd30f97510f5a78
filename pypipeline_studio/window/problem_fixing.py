"""What joins the problems of a graph with the canvas: a click shows where one is, and its button mends it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from pypipeline_engine.host.protocol import GraphProblem
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document import edits
from pypipeline_studio.document.problem_places import connection_of, place_of, title_of
from pypipeline_studio.document.quick_fixes import quick_fix
from pypipeline_studio.panels.parameter_values import path_below
from pypipeline_studio.session import Session


class ProblemFixing(QObject):
    """Shows and mends problems of the graph of a session."""

    refused = Signal(str)

    def __init__(self, session: Session, canvas: Canvas, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._canvas = canvas
        self._window = window

    def reveal(self, problem: GraphProblem) -> None:
        """Show where a problem is: a cell, a connection, or the pipeline that has it."""
        place = place_of(problem)
        if not edits.has_body(self._session.document, place.path):
            return
        connection = connection_of(self._session.document, place)
        self._canvas.open_path(place.path)
        if connection is not None:
            self._canvas.reveal_wire(connection.source, connection.target)
        elif place.cell:
            self._canvas.reveal(place.cell)

    def fix(self, problem: GraphProblem) -> None:
        """Mend a problem, in one step to undo; asks for a file where one is needed."""
        fix = quick_fix(problem, self._session.document, self._session.types)
        if fix is None:
            self.reveal(problem)
        elif fix.file_for is not None:
            self._choose_file(*fix.file_for)
        elif fix.make is not None:
            title = title_of(self._session.document, problem)
            try:
                document = fix.make(self._session.document)
            except edits.GraphEditRefused as error:
                self.refused.emit(str(error))
                return
            self.reveal(problem)
            self._session.edit(f"{fix.text}: {title}", document)

    def _choose_file(self, path: edits.Path, cell: str, parameter: str) -> None:
        dialog = QFileDialog(self._window, f"{cell}: {parameter}", str(self._session.folder))
        dialog.setObjectName("fix_file")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda chosen: self._take_file(path, cell, parameter, chosen))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _take_file(self, path: edits.Path, cell: str, parameter: str, chosen: str) -> None:
        document = self._session.document
        if document.find((*path, cell)) is not None:
            text = path_below(Path(chosen), self._session.folder)
            self._session.edit(f"Set {cell}.{parameter}", edits.set_parameter(document, path, cell, parameter, text))

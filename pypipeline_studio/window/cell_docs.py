"""Where more is to be known about a cell: its help, and its source."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from pypipeline_engine.catalogue.model import CellType
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.panels.cell_help import CellHelp
from pypipeline_studio.panels.library import LibraryPanel
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.source_files import SourceFiles


class CellDocs(QObject):
    """Shows help on cells, and opens their sources: of the one that is selected on the canvas or in the list of cells."""

    def __init__(
        self,
        session: Session,
        canvas: Canvas,
        library: LibraryPanel | None,
        commands: Actions,
        sources: SourceFiles,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._canvas = canvas
        self._library = library
        self._sources = sources
        self._window = window
        commands.on("open_source", self.open_source)
        commands.on("help", self.show_help)
        if library is not None:
            library.help_requested.connect(self.show_type)

    def open_source(self) -> None:
        """Open the file of the one selected cell at its line."""
        name, cell_type = self._selected()
        if cell_type is None:
            self._sources.told.emit(f"{name} has no source that is known here." if name else "Select one cell first.")
        else:
            self._sources.open(cell_type.file, cell_type.problem_line or cell_type.line or 1)

    def show_help(self) -> None:
        """Show what is known about the type of the selected cell, where one is; else the list of shortcuts would help."""
        name, cell_type = self._selected()
        library = self._library
        current = library.current_type() if library is not None else None
        if library is not None and current is not None and (_has_focus(library, self._window) or not name):
            name, cell_type = current.name, current
        if cell_type is None:
            self._sources.told.emit(f"Nothing is known about {name}." if name else "Select one cell first.")
        else:
            self._show(cell_type)

    def show_type(self, name: str) -> None:
        """Show help on a type by its name, where it is known."""
        cell_type = self._session.types.find(name)
        if cell_type is not None:
            self._show(cell_type)

    def _show(self, cell_type: CellType) -> None:
        dialog = CellHelp(cell_type, self._window)
        dialog.source_requested.connect(self._sources.open)
        dialog.show()

    def _selected(self) -> tuple[str, CellType | None]:
        """The name and the type of the one selected cell of the canvas; nothing of several."""
        names = self._canvas.selected()
        if len(names) != 1:
            return "", None
        entry = self._session.document.find((*self._canvas.path, names[0]))
        return names[0], self._session.types.find(entry.type) if entry is not None else None


def _has_focus(part: QWidget, window: QWidget) -> bool:
    return part.isAncestorOf(window.focusWidget())

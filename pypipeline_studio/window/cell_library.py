"""The user's cells: which ones the engine gets, loading them anew when a file changes, and writing another one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from pypipeline_engine.host.protocol import Catalogue
from pypipeline_studio.document.cell_files import cell_files, write_cell
from pypipeline_studio.document.cell_source import CannotAdd
from pypipeline_studio.document.cell_spec import CellSpec
from pypipeline_studio.document.libraries import is_file
from pypipeline_studio.engine.cell_sources import CellSources
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.panels.new_cell_dialog import NewCellDialog
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.cell_folder import cell_folder
from pypipeline_studio.window.file_signs import FileSigns
from pypipeline_studio.window.source_files import SourceFiles


class CellLibrary(QObject):
    """Keeps an engine on the cells of the user as they are in their files."""

    told = Signal(str)

    def __init__(self, engine: Engine, commands: Actions, sources: SourceFiles, window: QWidget) -> None:
        super().__init__(window)
        self._engine = engine
        self._sources = sources
        self._window = window
        self.folder = cell_folder()
        self._approved: tuple[tuple[str, str], ...] = ()
        self.signs = FileSigns(self)
        self._give()
        self._watch()
        self.signs.changed.connect(self._reload)
        engine.catalogue_arrived.connect(self._watch)
        commands.on("new_cell", self.ask)

    def given_files(self) -> list[Path]:
        """The files among what the studio was started with."""
        given = self._engine.cell_sources.given
        return [*(Path(item).absolute() for item in given if is_file(item)), *self._module_files()]

    def approve(self, approved: tuple[tuple[str, str], ...]) -> None:
        """Have the engine use these, by hash and file or module, and no others that graphs ask for."""
        if approved != self._approved:
            self._approved = approved
            self._give()
            self._engine.reload()

    def _give(self) -> None:
        given = self._engine.cell_sources.given
        self._engine.cell_sources = CellSources(given, str(self.folder), self._approved)

    # ------------------------------------------------------------------ files that change

    def _watch(self) -> None:
        self.signs.watch(self.given_files(), [self.folder])

    def _module_files(self) -> list[Path]:
        """Of the modules that were given: the files that their cells are in."""
        catalogue: Catalogue | None = self._engine.catalogue
        own = {item.rpartition(".")[2] for item in self._engine.cell_sources.given}
        types = catalogue.types if catalogue is not None else ()
        return sorted({Path(known.file) for known in types if known.category in own and known.file})

    def _reload(self) -> None:
        self._engine.reload()

    # ------------------------------------------------------------------ a new one

    def ask(self) -> None:
        """Ask what a new cell is to be, write it, and open its file."""
        types = self._engine.catalogue.types if self._engine.catalogue is not None else ()
        own = [path.stem for path in cell_files(self.folder)]
        dialog = NewCellDialog(
            self.folder,
            own,
            {known.name for known in types},
            {known.category for known in types} - set(own),
            self._window,
        )
        dialog.wanted.connect(lambda spec: self._write(dialog, spec))
        dialog.open()

    def _write(self, dialog: NewCellDialog, spec: CellSpec) -> None:
        try:
            path, line = write_cell(self.folder, spec)
        except CannotAdd as error:
            dialog.refuse(str(error))
            return
        dialog.accept()
        self.signs.take_note(path)
        self._watch()
        self._engine.reload()
        if self._sources.open(str(path), line):
            self.told.emit(f"Wrote {spec.category}.{spec.name} into {path}")

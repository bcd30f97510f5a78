"""File > Open recent, and the settings in which the list is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QMenu

from pypipeline_studio.document.recent import from_setting, is_there, to_setting, with_recent, without_missing
from pypipeline_studio.open_graph import OpenGraph
from pypipeline_studio.session import Session

SETTING: Final = "recent"
"""The key of the settings under which the list is kept."""


class RecentMenu(QObject):
    """Takes note of the files that a session opens and saves, and lists them in a menu when it is opened."""

    chosen = Signal(Path)
    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._noted: dict[OpenGraph, Path | None] = {}
        session.graphs_changed.connect(self._take_note)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, the last one first. Other windows may have added some of them."""
        return from_setting(QSettings().value(SETTING))

    def attach(self, menu: QMenu) -> None:
        """List them in a menu, as they are when it opens."""
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(lambda: self._fill(menu))
        self._fill(menu)

    def _fill(self, menu: QMenu) -> None:
        menu.clear()
        paths = self.paths
        if not paths:
            menu.addAction("Nothing was opened yet").setEnabled(False)
            return
        for number, path in enumerate(paths, 1):
            there = is_there(path)
            key = f"&{number} " if number < 10 else ""
            name = path.name.replace("&", "&&")
            action = menu.addAction(f"{key}{name}" if there else f"{key}{name} (gone)")
            action.setToolTip(str(path))
            action.setEnabled(there)
            action.triggered.connect(lambda _checked=False, path=path: self.chosen.emit(path))
        menu.addSeparator()
        menu.addAction("Remove those that are &gone").triggered.connect(lambda: self._keep(without_missing(self.paths)))
        menu.addAction("&Clear the list").triggered.connect(lambda: self._keep(()))

    def _take_note(self) -> None:
        noted, self._noted = self._noted, {graph: graph.path for graph in self._session.graphs}
        for graph, path in self._noted.items():
            if path is not None and path != noted.get(graph):
                self._keep(with_recent(self.paths, path))

    def _keep(self, paths: tuple[Path, ...]) -> None:
        QSettings().setValue(SETTING, to_setting(paths))
        self.changed.emit()

"""Favourites and recently used types in the list of cells, and the settings in which they are kept."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QSettings

from pypipeline_studio.document.shelf import from_setting, to_setting, toggled, types_added, with_used
from pypipeline_studio.panels.library import LibraryPanel
from pypipeline_studio.session import Session

FAVOURITES_SETTING: Final = "cells/favourites"
RECENT_SETTING: Final = "cells/recent"


class CellShelf(QObject):
    """Follows what is added to a graph, and what a person marks in the list of cells."""

    def __init__(self, session: Session, library: LibraryPanel, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._library = library
        self._before = session.document
        session.graph_replaced.connect(self._begin)
        session.document_changed.connect(self._follow)
        library.favourite_toggled.connect(self._toggle)
        self._show()

    def _begin(self) -> None:
        self._before = self._session.document

    def _follow(self) -> None:
        before, self._before = self._before, self._session.document
        used = types_added(before, self._before)
        if used:
            recent = from_setting(QSettings().value(RECENT_SETTING))
            QSettings().setValue(RECENT_SETTING, to_setting(with_used(recent, used)))
            self._show()

    def _toggle(self, name: str) -> None:
        favourites = from_setting(QSettings().value(FAVOURITES_SETTING))
        QSettings().setValue(FAVOURITES_SETTING, to_setting(toggled(favourites, name)))
        self._show()

    def _show(self) -> None:
        settings = QSettings()
        self._library.show_shelf(
            from_setting(settings.value(FAVOURITES_SETTING)), from_setting(settings.value(RECENT_SETTING))
        )

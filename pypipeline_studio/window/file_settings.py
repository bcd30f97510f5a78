"""What is remembered about a graph file beside it: in the settings of the user, by the path of the file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, QSettings, Signal

from pypipeline_engine.graph.model import Document
from pypipeline_studio.document.watched import renamed_cells
from pypipeline_studio.open_graph import OpenGraph
from pypipeline_studio.session import Session

MOST_FILES: Final = 100
"""Of which something is remembered; those that were written first are forgotten."""


class FileSettings(QObject):
    """One thing that is remembered about each file. Of a graph without a file it is kept until that is saved or closed."""

    file_opened = Signal()
    """Another graph is in front: what is remembered about it has to be read."""

    def __init__(self, session: Session, topic: str, parent: QObject | None = None) -> None:
        """:param topic: what it is about, such as `breakpoints`."""
        super().__init__(parent)
        self._session = session
        self._topic = topic
        self._path = session.path
        self._document = session.document
        self._data: Any = None
        self._unsaved: WeakKeyDictionary[OpenGraph, Any] = WeakKeyDictionary()
        session.graph_replaced.connect(self._take_graph)
        session.file_changed.connect(self._take_file)

    def read(self) -> Any:
        """What is remembered, as JSON values; `None` for nothing."""
        if self._session.path is not None:
            text = QSettings().value(self._key(self._session.path), "")
            try:
                self._data = json.loads(str(text)) if text else None
            except ValueError:  # of somebody else's hand
                self._data = None
        else:
            self._data = self._unsaved.get(self._session.front)
        return self._data

    def write(self, data: Any) -> None:
        """Remember JSON values; empty ones are forgotten."""
        self._data = data
        path = self._session.path
        if path is None:
            self._unsaved[self._session.front] = data
            return
        settings, key = QSettings(), self._key(path)
        known = [str(entry) for entry in _as_list(settings.value(f"{self._topic}/files"))]
        known = [entry for entry in known if entry != key]
        if data:
            settings.setValue(key, json.dumps(data))
            known.append(key)
        else:
            settings.remove(key)
        for entry in known[:-MOST_FILES]:
            settings.remove(entry)
        settings.setValue(f"{self._topic}/files", known[-MOST_FILES:])

    def follow(self, document: Document) -> dict[str, str]:
        """Which cells were renamed since the last call, by full name."""
        before, self._document = self._document, document
        return renamed_cells(before, document)

    def _key(self, path: Path) -> str:
        return f"{self._topic}/{hashlib.sha256(str(path).encode()).hexdigest()[:24]}"

    def _take_graph(self) -> None:
        self._path, self._document, self._data = self._session.path, self._session.document, None
        self.file_opened.emit()

    def _take_file(self) -> None:
        """Saved for the first time, or under another name: what is remembered goes along."""
        if self._session.path != self._path:
            self._path = self._session.path
            if self._data is not None:
                self.write(self._data)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]

"""Notices what other programs do to the file that is open."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from pypipeline_studio.session import Session
from pypipeline_studio.window.file_signs import FileSigns, signature_of


class FileWatch(QObject):
    """Looks at the file of a session when there are signs that it may have changed."""

    changed = Signal(str)
    """A `DiskState`, when it is another one, is about another file, or when the file was changed once more."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._state = "same"
        self._path: Path | None = None
        self._seen: object = None
        self._signs = FileSigns(self)
        self._signs.changed.connect(self.look)
        session.file_changed.connect(self.look)

    def look(self) -> None:
        """Look at the file now."""
        path = self._session.path
        self._signs.watch([path] if path is not None else [])
        # It is read only where it is another one.
        seen = (path, self._session.sha256, signature_of(path) if path is not None else None)
        if seen == self._seen:
            return
        self._seen = seen
        state = self._session.state_on_disk()
        is_another, self._path = path != self._path, path
        if state != self._state or state == "changed" or is_another:
            self._state = state
            self.changed.emit(state)

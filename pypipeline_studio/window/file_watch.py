"""Notices what other programs do to the file that is open."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QFileSystemWatcher, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from pypipeline_studio.session import Session

DELAY_MS: Final = 200
"""Between a sign of a change and the look at the file, which others may still be writing."""


class FileWatch(QObject):
    """Looks at the file of a session when the system says that it may have changed, and when the window is used again."""

    changed = Signal(str)
    """A `DiskState`, when it is another one, is about another file, or when the file was changed once more."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._state = "same"
        self._path: Path | None = None
        self._seen: object = None
        self._watcher = QFileSystemWatcher(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self.look)
        self._watcher.fileChanged.connect(self._timer.start)
        self._watcher.directoryChanged.connect(self._timer.start)
        session.file_changed.connect(self.look)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):  # where the system tells nothing, such as on a network
            application.applicationStateChanged.connect(self._on_application)

    def look(self) -> None:
        """Look at the file now."""
        path = self._session.path
        self._watch(path)
        # Any file in the folder may have been the reason; ours is read only where it is another one.
        seen = (path, self._session.sha256, _signature(path))
        if seen == self._seen:
            return
        self._seen = seen
        state = self._session.state_on_disk()
        is_another, self._path = path != self._path, path
        if state != self._state or state == "changed" or is_another:
            self._state = state
            self.changed.emit(state)

    def _on_application(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive:
            self._timer.start()

    def _watch(self, path: Path | None) -> None:
        # The folder as well: a file that is replaced is not the one that was watched any more.
        wanted = {str(path), str(path.parent)} if path is not None else set()
        watched = {*self._watcher.files(), *self._watcher.directories()}
        if watched - wanted:
            self._watcher.removePaths(sorted(watched - wanted))
        there = [name for name in sorted(wanted - watched) if Path(name).exists()]
        if there:
            self._watcher.addPaths(there)


def _signature(path: Path | None) -> tuple[int, ...] | None:
    """What differs where the file is another one; `None` where there is none."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found is not None else None

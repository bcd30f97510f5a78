"""Notices that files are written, replaced, made or removed, whichever way an editor does that."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QFileSystemWatcher, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication

DELAY_MS: Final = 100
"""Between a sign of a change and the look at the files, which others may still be writing."""


class FileSigns(QObject):
    """Looks at files when the system says that something has happened to them, and when the window is used again.

    Folders are watched as well: a file that is replaced is not the one that was watched any more.
    """

    changed = Signal()
    """At least one of the files is another one than at the last look."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._paths: frozenset[Path] = frozenset()
        self._folders: frozenset[Path] = frozenset()
        self._seen: dict[Path, tuple[int, ...]] = {}
        self._watcher = QFileSystemWatcher(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._look)
        self._watcher.fileChanged.connect(self._timer.start)
        self._watcher.directoryChanged.connect(self._timer.start)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):  # where the system tells nothing, such as on a network
            application.applicationStateChanged.connect(self._on_application)

    def watch(self, files: Iterable[Path], folders: Iterable[Path] = ()) -> None:
        """Watch these files, and all Python files in these folders, and nothing else.

        How files are that were not watched before is no change; what has happened to others is still told.
        """
        files_before, folders_before = self._paths, self._folders
        self._paths, self._folders = frozenset(files), frozenset(folders)
        now = self._signatures()
        seen = {path: known for path, known in self._seen.items() if _is_among(path, self._paths, self._folders)}
        seen |= {path: now[path] for path in now if not _is_among(path, files_before, folders_before)}
        self._seen = seen
        self._attach()
        if self._seen != now:
            self._timer.start()

    def take_note(self, path: Path) -> None:
        """Take a file as it is now for known: it was written by ourselves."""
        signature = signature_of(path)
        if signature is not None:
            self._seen[path] = signature

    def _look(self) -> None:
        seen = self._signatures()
        self._attach()
        if seen != self._seen:
            self._seen = seen
            self.changed.emit()

    def _on_application(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive:
            self._timer.start()

    def _files(self) -> set[Path]:
        found = set(self._paths)
        for folder in self._folders:
            try:
                found.update(folder.glob("*.py"))
            except OSError:
                continue
        return found

    def _signatures(self) -> dict[Path, tuple[int, ...]]:
        return {path: signature for path in self._files() if (signature := signature_of(path)) is not None}

    def _attach(self) -> None:
        files = self._files()
        folders = {*self._folders, *(path.parent for path in files)}
        # A folder that is not there yet shows in the one above it, as soon as it is made.
        folders |= {folder.parent for folder in folders if not folder.exists()}
        wanted = {str(path) for path in (*files, *folders)}
        watched = {*self._watcher.files(), *self._watcher.directories()}
        if watched - wanted:
            self._watcher.removePaths(sorted(watched - wanted))
        there = [name for name in sorted(wanted - watched) if Path(name).exists()]
        if there:
            self._watcher.addPaths(there)


def _is_among(path: Path, files: frozenset[Path], folders: frozenset[Path]) -> bool:
    return path in files or path.parent in folders


def signature_of(path: Path) -> tuple[int, ...] | None:
    """What differs where the file is another one; `None` where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino

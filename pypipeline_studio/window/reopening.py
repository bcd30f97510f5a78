"""Opens the graphs again that were open, and takes note of those that are.

Of several studios that run at the same time, the first one does both: the others begin with one empty graph, and change
nothing of what is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QDir, QLockFile, QObject, QSettings, QStandardPaths, Signal

from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_studio.document.open_tabs import OpenTabs, explain_skipped
from pypipeline_studio.document.recent import is_there
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions

SETTING: Final = "tabs/open"
PREFERENCE: Final = "tabs/restore"
"""The key of the settings that says whether it is done; it is where nothing is said."""


def state_folder() -> Path:
    """Where the studios of this user keep what is not a setting."""
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.StateLocation))


class Reopening(QObject):
    """Keeps the open files of a session in the settings."""

    told = Signal(str)

    def __init__(self, session: Session, commands: Actions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._commands = commands
        self._lock: QLockFile | None = None
        self._kept: OpenTabs | None = None
        commands["restore_tabs"].setChecked(QSettings().value(PREFERENCE, True, bool))
        commands.on("restore_tabs", self._set_preference)

    def reopen(self) -> None:
        """Open what was open, where that is wanted, and take note of what is open from now on."""
        if not self._take_lock():
            return
        kept = OpenTabs.from_setting(QSettings().value(SETTING))
        if self._commands["restore_tabs"].isChecked():
            self._open(kept)
        self._session.graphs_changed.connect(self._take_note)
        self._take_note()

    def close(self) -> None:
        """What is open now is opened at the next start, whatever is closed while the window goes."""
        if self._lock is not None:
            self._session.graphs_changed.disconnect(self._take_note)
            self._lock.unlock()
            self._lock = None

    def _open(self, kept: OpenTabs) -> None:
        gone, unreadable, front = [], [], None
        for path in map(Path, kept.paths):
            if not is_there(path):
                gone.append(path)
                continue
            try:
                graph = self._session.load(path)
            except WrongGraphException:
                unreadable.append(path)
                continue
            front = graph if front is None or str(path) == kept.front else front
        if front is not None:
            self._session.show_instead(front)
        skipped = explain_skipped(gone, unreadable)
        if skipped:
            self.told.emit(skipped)

    def _take_note(self) -> None:
        paths = tuple(str(graph.path) for graph in self._session.graphs if graph.path is not None)
        front = self._session.path
        tabs = OpenTabs(paths=paths, front=str(front) if front is not None else "")
        if tabs != self._kept:
            self._kept = tabs
            QSettings().setValue(SETTING, tabs.to_setting())

    def _set_preference(self) -> None:
        QSettings().setValue(PREFERENCE, self._commands["restore_tabs"].isChecked())

    def _take_lock(self) -> bool:
        folder = state_folder()
        QDir().mkpath(str(folder))
        lock = QLockFile(str(folder / "tabs.lock"))
        lock.setStaleLockTime(0)  # only the end of its process makes it stale
        # Where none can be made, there is nobody to be told apart from either.
        if not lock.tryLock(0) and lock.error() == QLockFile.LockError.LockFailedError:
            return False
        self._lock = lock
        return True

"""Keeps every edit in a file until the graph is saved, so that a process that is killed costs one edit at most."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QStandardPaths, QTimer, Signal

from pypipeline_studio.document.recovery import RecoveryFile, make_unsaved
from pypipeline_studio.document.recovery_writer import RecoveryWriter
from pypipeline_studio.session import Session

DELAY_MS: Final = 100
"""Between an edit and the writing of it. Nobody makes two edits in that time, but a slider does."""


def recovery_folder() -> Path:
    """Where the studios of this user keep what is not saved."""
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.StateLocation)) / "recovery"


class Autosave(QObject):
    """Writes what is edited in a session to a recovery file, and removes it when nothing is left to save."""

    failed = Signal(str)
    """A sentence for people, when edits cannot be kept; each reason once."""
    _write_failed = Signal(str)

    def __init__(self, session: Session, folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder or recovery_folder()
        self._session = session
        self._writer = RecoveryWriter(RecoveryFile(self.folder), self._write_failed.emit)
        self._is_closed = False
        self._reason = ""
        self._is_kept = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self.write)
        self._write_failed.connect(self._tell)
        session.document_changed.connect(self._schedule)
        session.file_changed.connect(self._schedule)

    def write(self) -> None:
        """Have the graph of this moment written, or what was written removed."""
        self._timer.stop()
        if self._is_closed:
            return
        session = self._session
        if not session.is_modified:
            if self._is_kept:
                self._is_kept = False
                self._writer.forget()
            return
        self._is_kept = True
        document, title, path, sha256, now = session.document, session.title, session.path, session.sha256, time.time()
        self._writer.keep(lambda: make_unsaved(document, title, path, sha256, now))

    def flush(self) -> bool:
        """Write now and wait for it; whether the edits are on the disk."""
        self.write()
        return self._writer.flush() is None

    def close(self) -> None:
        """The graph is saved or not wanted any more: leave nothing behind. Nothing is written from now on."""
        if not self._is_closed:
            self._is_closed = True
            self._timer.stop()
            self._writer.close()

    def _schedule(self) -> None:
        # Not started again by every edit: while somebody drags, it is written as well.
        if not self._is_closed and not self._timer.isActive():
            self._timer.start()

    def _tell(self, reason: str) -> None:
        if reason != self._reason:
            self._reason = reason
            self.failed.emit(f"Edits are not kept for a recovery in {self.folder}: {reason}. Save the graph.")

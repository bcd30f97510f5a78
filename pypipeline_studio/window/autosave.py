"""Keeps every edit in a file until the graph is saved, so that a process that is killed costs one edit at most.

Each open graph has a file of its own, as if it were open in a process of its own.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QStandardPaths, QTimer, Signal

from pypipeline_studio.document.recovery import RecoveryFile, make_unsaved
from pypipeline_studio.document.recovery_writer import RecoveryWriter
from pypipeline_studio.open_graph import OpenGraph
from pypipeline_studio.session import Session

DELAY_MS: Final = 100
"""Between an edit and the writing of it. Nobody makes two edits in that time, but a slider does."""


def recovery_folder() -> Path:
    """Where the studios of this user keep what is not saved."""
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.StateLocation)) / "recovery"


class GraphAutosave(QObject):
    """Writes what is edited in one graph to a recovery file, and removes it when nothing is left to save."""

    failed = Signal(str)
    """The reason, each time that edits cannot be kept. Told by another thread."""

    def __init__(self, graph: OpenGraph, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._graph = graph
        self._writer = RecoveryWriter(RecoveryFile(folder), self.failed.emit)
        self._is_closed = False
        self._is_kept = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self.write)
        graph.document_changed.connect(self._schedule)
        graph.file_changed.connect(self._schedule)
        if graph.is_modified:  # it was recovered
            self._schedule()

    def write(self) -> None:
        """Have the graph of this moment written, or what was written removed."""
        self._timer.stop()
        if self._is_closed:
            return
        graph = self._graph
        if not graph.is_modified:
            if self._is_kept:
                self._is_kept = False
                self._writer.forget()
            return
        self._is_kept = True
        document, title, path, sha256, now = graph.document, graph.title, graph.path, graph.sha256, time.time()
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


class Autosave(QObject):
    """Keeps what is edited in the graphs of a session."""

    failed = Signal(str)
    """A sentence for people, when edits cannot be kept; each reason once."""

    def __init__(self, session: Session, folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder or recovery_folder()
        self._session = session
        self._reason = ""
        self._is_closed = False
        self._of: dict[OpenGraph, GraphAutosave] = {}
        session.graphs_changed.connect(self._follow_graphs)
        self._follow_graphs()

    def write(self) -> None:
        """Have all graphs of this moment written, or what was written removed."""
        for one in self._of.values():
            one.write()

    def flush(self) -> bool:
        """Write now and wait for it; whether the edits in all graphs are on the disk."""
        self.write()
        are_kept = [one.flush() for one in self._of.values()]  # each of them, whatever became of the others
        return all(are_kept)

    def close(self) -> None:
        """The graphs are saved or not wanted any more: leave nothing behind. Nothing is written from now on."""
        self._is_closed = True
        for one in self._of.values():
            one.close()

    def _follow_graphs(self) -> None:
        if self._is_closed:
            return
        graphs = self._session.graphs
        for graph in [graph for graph in self._of if graph not in graphs]:
            one = self._of.pop(graph)
            one.close()
            one.deleteLater()
        for graph in graphs:
            if graph not in self._of:
                self._of[graph] = one = GraphAutosave(graph, self.folder, self)
                one.failed.connect(self._tell)

    def _tell(self, reason: str) -> None:
        if reason != self._reason:
            self._reason = reason
            self.failed.emit(f"Edits are not kept for a recovery in {self.folder}: {reason}. Save the graph.")

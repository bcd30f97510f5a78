"""Asks before code runs that a graph names: opening a graph runs none of it.

What is allowed is one content of one file. A file that has changed is asked about again: whoever can write it, by a pull
from a repository say, would else run code on this machine. The user's own folder of cells, and what the studio was started
with, are trusted by their place, and not asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, QSettings
from PySide6.QtWidgets import QWidget

from pypipeline_studio.document.cell_files import cell_files
from pypipeline_studio.document.libraries import LibraryRequest, from_setting, requests_of, to_setting
from pypipeline_studio.open_graph import OpenGraph
from pypipeline_studio.panels.notice_bar import NoticeBar
from pypipeline_studio.session import Session
from pypipeline_studio.window.cell_library import CellLibrary
from pypipeline_studio.window.file_signs import FileSigns
from pypipeline_studio.window.source_files import SourceFiles

SETTING: Final = "cells/approvals"
_HASH_LENGTH = 8


class Approvals(QObject):
    """Follows a session, and gives the engine what its graph asks for and a person has allowed."""

    def __init__(self, session: Session, cells: CellLibrary, sources: SourceFiles, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._cells = cells
        self._sources = sources
        self.bar = NoticeBar()
        self._once: set[tuple[str, str]] = set()
        self._postponed: WeakKeyDictionary[OpenGraph, set[tuple[str, str]]] = WeakKeyDictionary()
        self._given: dict[str, LibraryRequest] = {}
        self._signs = FileSigns(self)
        self._signs.changed.connect(self.look)
        session.graph_shown.connect(self.look)
        session.graphs_changed.connect(self.look)
        session.types_changed.connect(self.look)
        session.file_changed.connect(self.look)
        self.look()

    def look(self) -> None:
        """See what the open graphs ask for, and ask about what the one in front does and is not allowed."""
        usable = self._usable()
        by_graph = {graph: requests_of(graph.document, graph.folder, usable) for graph in self._session.graphs}
        requests = list({r.key: r for found in by_graph.values() for r in found}.values())
        self._signs.watch(request.path for request in requests)
        kept = from_setting(QSettings().value(SETTING))
        allowed = {r.item: r for r in requests if r.key in self._once or kept.get(str(r.path)) == r.sha256}
        waiting = [request for request in requests if request.item not in allowed]
        for request in waiting:
            if request.item in self._given:  # it has changed: the engine goes on with what it has until that is decided
                allowed[request.item] = self._given[request.item]
        self._given = allowed
        self._cells.approve(tuple((request.sha256, request.item) for request in allowed.values()))
        front = self._session.front
        postponed = self._postponed.get(front, set())
        asked = next((r for r in waiting if r in by_graph[front] and r.key not in postponed), None)
        if asked is None:
            self.bar.hide()
        else:
            self._ask(asked, has_changed=asked.item in allowed or str(asked.path) in kept)

    def _usable(self) -> set[Path]:
        return {*cell_files(self._cells.folder), *self._cells.given_files()}

    def _ask(self, request: LibraryRequest, has_changed: bool) -> None:
        place = _short(request.path, self._session.folder)
        what = place if request.item == str(request.path) else f"{request.item}, {place}"
        asks = "asks again, since it has changed, for" if has_changed else "asks for"
        self.bar.show_notice(
            f"{self._session.title} {asks} cells in {what} (SHA-256 {request.sha256[:_HASH_LENGTH]}…)",
            (
                ("Look", f"Open {request.path}", lambda: self._sources.open(str(request.path))),
                (
                    "Allow once",
                    "Run its code, with your rights, until the studio is closed",
                    self._then(self._allow_once, request),
                ),
                (
                    "Always allow",
                    f"Run its code as long as it stays as it is now (SHA-256 {request.sha256})",
                    self._then(self._allow_always, request),
                ),
                (
                    "Not now",
                    "Keep its cells as placeholders; the graph is asked about again when it is opened",
                    self._then(self._postpone, request),
                ),
            ),
        )

    def _then(self, act: Callable[[LibraryRequest], None], request: LibraryRequest) -> Callable[[], None]:
        def do() -> None:
            act(request)
            self.look()

        return do

    def _allow_once(self, request: LibraryRequest) -> None:
        self._once.add(request.key)

    def _allow_always(self, request: LibraryRequest) -> None:
        kept = from_setting(QSettings().value(SETTING))  # another window may have added some
        QSettings().setValue(SETTING, to_setting({**kept, str(request.path): request.sha256}))

    def _postpone(self, request: LibraryRequest) -> None:
        self._postponed.setdefault(self._session.front, set()).add(request.key)


def _short(path: Path, folder: Path) -> str:
    """A path for people."""
    if path.is_relative_to(folder):
        return f"{path.relative_to(folder)} beside it" if path.parent == folder else str(path.relative_to(folder))
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)

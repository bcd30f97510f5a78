"""Where a graph was looked at last: which nested pipeline, how large, and what was in the middle. Remembered by its file."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from weakref import WeakSet

from pydantic import BaseModel, ConfigDict, ValidationError
from PySide6.QtCore import QObject, QTimer

from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document import edits
from pypipeline_studio.open_graph import OpenGraph
from pypipeline_studio.session import Session
from pypipeline_studio.window.file_settings import FileSettings

TOPIC: Final = "places"
DELAY_MS: Final = 1000
"""Between a change of what is shown and the writing of it: a process that is killed loses no more than that."""


class LastPlace(BaseModel):
    """One place. Without a scale, all of the pipeline was shown."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: tuple[str, ...] = ()
    scale: float | None = None
    x: float = 0.0
    y: float = 0.0


class LastPlaces(QObject):
    """Shows a graph, when it is in front for the first time, where it was looked at last."""

    def __init__(self, session: Session, canvas: Canvas, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._canvas = canvas
        self._settings = FileSettings(session, TOPIC, self)
        self._seen: WeakSet[OpenGraph] = WeakSet([session.front])
        self._written: tuple[Path, LastPlace] | None = None
        self._is_closed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self.remember)
        viewer = canvas.viewer
        # Nodes that are shown after an edit move the view and tell nobody.
        for changed in (viewer.view_moved, viewer.zoom_changed, canvas.path_changed, session.document_changed):
            changed.connect(self._schedule)
        session.leaving_graph.connect(self.remember)
        session.graph_shown.connect(self._show)

    def remember(self) -> None:
        """Take note of what is shown of the graph in front; nothing is written where that is known."""
        self._timer.stop()
        file = self._session.path
        if file is None:
            return
        path, place = self._canvas.path, self._canvas.get_place()
        scale, x, y = place if place is not None else (None, 0.0, 0.0)
        found = LastPlace(path=path, scale=scale, x=round(x, 1), y=round(y, 1))
        if (file, found) != self._written:
            self._written = (file, found)
            self._settings.write(found.model_dump() if found != LastPlace() else None)

    def close(self) -> None:
        """The window is closing: take note for the last time."""
        self.remember()
        self._is_closed = True

    def _schedule(self) -> None:
        # Not started again by every step: while somebody zooms and pans, it is written as well.
        if not self._is_closed and not self._timer.isActive():
            self._timer.start()

    def _show(self) -> None:
        front = self._session.front
        if front in self._seen:  # the canvas knows better
            return
        self._seen.add(front)
        try:
            place = LastPlace.model_validate(self._settings.read() or {})
        except ValidationError:  # of somebody else's hand
            return
        if place.path and not edits.has_body(self._session.document, place.path):
            return  # what was in the middle lies somewhere else
        self._canvas.open_path(place.path)
        if place.scale is not None:
            self._canvas.show_place(place.scale, place.x, place.y)

"""What is wrong with cells of the user, as rows of the list of problems; a click opens the file at the line."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from pypipeline_engine.host.protocol import Catalogue, SourcePlace
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.panels.problems import ProblemRow
from pypipeline_studio.window.bottom import Bottom, EngineMessage
from pypipeline_studio.window.source_files import SourceFiles

KEY = "cells"


class CellProblems(QObject):
    """Follows the catalogue of an engine."""

    def __init__(self, engine: Engine, bottom: Bottom, sources: SourceFiles, parent: QObject) -> None:
        super().__init__(parent)
        self._bottom = bottom
        self._sources = sources
        self._places: dict[str, SourcePlace] = {}
        engine.catalogue_arrived.connect(self._show)
        engine.reload_failed.connect(self._tell_reload)

    def _show(self, catalogue: Catalogue) -> None:
        found = problems_of(catalogue)
        self._places = {row.key: place for row, place in found if place is not None}
        self._bottom.set_rows(KEY, [row for row, _ in found], self._open)

    def _open(self, key: str) -> None:
        place = self._places.get(key)
        if place is not None:
            self._sources.open(place.file, place.line or 1)

    def _tell_reload(self, reason: str) -> None:
        message = EngineMessage(
            "The cells could not be loaded anew",
            f"{reason} Runs use the cells as they were before.",
            "Restart the engine",
            "restart_engine",
        )
        self._bottom.set_message("reload", message if reason else None)


def problems_of(catalogue: Catalogue) -> list[tuple[ProblemRow, SourcePlace | None]]:
    """What keeps cells from being used, and where that is written."""
    found = []
    for name, reason in catalogue.failures.items():
        found.append(_row(Path(name).name, "cannot be loaded", reason, catalogue.failure_places.get(name)))
    for known in catalogue.types:
        if known.problem:
            place = SourcePlace(file=known.file, line=known.problem_line or known.line) if known.file else None
            found.append(_row(known.name, "cannot be used", known.problem, place))
    return found


def _row(name: str, what: str, reason: str, place: SourcePlace | None) -> tuple[ProblemRow, SourcePlace | None]:
    place = place if place is not None and place.file else None
    action = "" if place is None else f"Open line {place.line}" if place.line else "Open the file"
    row = ProblemRow(f"{KEY}:{name}", "puzzle-piece", "error", f"{name} {what}", reason, action)
    return row, place

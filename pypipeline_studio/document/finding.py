"""Finding cells and comments of a graph by text, in nested pipelines as well."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pypipeline_engine.graph.model import Body, CellEntry, Document
from pypipeline_studio.document.edits import Path, Position

_MOST_TEXT: Final = 60
_PLACES: Final = ("pos", "rect", "box")
"""Under which keys something in the view data says where it is."""
_NO_TEXTS: Final = frozenset({"colour", "color", "inputs", *_PLACES})


@dataclass(frozen=True)
class Hit:
    """Something that was found."""

    path: Path
    """The pipeline that it is in."""
    name: str
    """Of the cell; empty for a comment."""
    reason: str
    """What of it matches, such as `type detection.HogPeople` or `path: people.avi`."""
    position: Position | None = None
    """Where a comment is."""

    @property
    def full_name(self) -> str:
        """The name of the cell from the outermost pipeline on."""
        return ".".join((*self.path, self.name))


def find(document: Document, text: str) -> list[Hit]:
    """Everything that contains a text, in any case of letters: each cell and comment once, in the order of the document.

    A cell is found by its name, its type, a title or note in its view data, and its parameters with their values.
    """
    wanted = text.casefold().strip()
    return list(_in_body(document, (), wanted)) if wanted else []


def from_here(hits: list[Hit], path: Path) -> list[Hit]:
    """The same, beginning with those in the pipeline that is shown, then those further inside of it."""

    def distance(hit: Hit) -> int:
        if hit.path == path:
            return 0
        return 1 if hit.path[: len(path)] == path else 2

    return sorted(hits, key=distance)


def _in_body(body: Body, path: Path, wanted: str) -> Iterator[Hit]:
    for name, cell in body.cells.items():
        reason = _reason(name, cell, body.view.get(name), wanted)
        if reason:
            yield Hit(path, name, reason)
        if cell.is_pipeline:
            yield from _in_body(cell, (*path, name), wanted)
    for key, value in body.view.items():
        if key not in body.cells:
            yield from _in_comments(value, path, wanted)


def _reason(name: str, cell: CellEntry, view: object, wanted: str) -> str:
    if wanted in name.casefold():
        return cell.type
    if wanted in cell.type.casefold():
        return f"type {cell.type}"
    for text in _texts(view):
        if wanted in text.casefold():
            return f"comment: {_short(text, wanted)}"
    for key, value in (*cell.parameters.items(), *cell.initial_values.items()):
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if wanted in f"{key}: {shown}".casefold() or wanted in f"{key}={shown}".casefold():
            return f"{key}: {_short(shown, wanted)}"
    return ""


def _in_comments(value: object, path: Path, wanted: str) -> Iterator[Hit]:
    """Comments in view data: whatever has a place and a text."""
    if isinstance(value, list):
        for inner in value:
            yield from _in_comments(inner, path, wanted)
    elif isinstance(value, Mapping):
        position = _position(value)
        if position is None:
            for inner in value.values():
                yield from _in_comments(inner, path, wanted)
            return
        for text in _texts(value):
            if wanted in text.casefold():
                yield Hit(path, "", f"comment: {_short(text, wanted)}", position)
                return


def _position(value: Mapping[str, Any]) -> Position | None:
    for key in _PLACES:
        place = value.get(key)
        if isinstance(place, list) and len(place) >= 2:
            x, y = place[:2]
            if all(isinstance(v, int | float) and not isinstance(v, bool) for v in (x, y)):
                return (float(x), float(y))
    return None


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in _NO_TEXTS:
                yield from _texts(inner)


def _short(text: str, wanted: str) -> str:
    """The part of a text around what was found, in one line."""
    line = " ".join(text.split())
    if len(line) <= _MOST_TEXT:
        return line
    place = max(0, line.casefold().find(wanted) - _MOST_TEXT // 3)
    part = line[place : place + _MOST_TEXT]
    return f"{'…' if place else ''}{part}{'…' if place + _MOST_TEXT < len(line) else ''}"

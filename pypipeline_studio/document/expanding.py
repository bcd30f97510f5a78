"""A nested pipeline becomes its cells again, in its place. `grouping` is the way there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pypipeline_engine.catalogue.model import Types
from pypipeline_engine.graph.model import Body, CellEntry, ConnectionEntry, Document, split_end
from pypipeline_engine.graph.problems import describe
from pypipeline_studio.document.circles import recurrent_connections
from pypipeline_studio.document.comments import comments_of, follow_nodes, free_key
from pypipeline_studio.document.edits import GraphEditRefused, Path, Position, body_at, free_name, with_body
from pypipeline_studio.document.grouping import keep_recurrent, middle_of, placed_at
from pypipeline_studio.document.json_values import is_same
from pypipeline_studio.document.presentation import INPUTS, OUTPUTS, places_of

_ROOM: Final = (228.0, 144.0)
"""How far right or down of a node another one may begin: about its size, which no document knows."""


def losses_of_expanding(document: Document, path: Path, name: str) -> list[str]:
    """What a nested pipeline has that its cells cannot take over, in words."""
    cell = body_at(document, path).cells[name]
    lost = []
    if cell.scale is not None and cell.scale.clones:
        lost.append(f"its {_clones(cell.scale.thread, cell.scale.ray)}")
    elif cell.scale is not None:
        lost.append("how it is to be scaled")
    if cell.on_error is not None:
        lost.append("what happens when it fails")
    return lost


def _clones(thread: int, ray: int) -> str:
    kinds = [f"{number} clone{'s' if number != 1 else ''} on {where}" for number, where in
             ((thread, "threads"), (ray, "Ray")) if number]  # fmt: skip
    return " and ".join(kinds)


def expand_pipeline(document: Document, path: Path, name: str, types: Types) -> tuple[Document, tuple[str, ...]]:
    """Put the cells of a nested pipeline in its place; those get other names whose names are taken.

    Its scaling and what happens when it fails are lost: see `losses_of_expanding`.

    :returns: the document, and the names that the cells got.
    :raises GraphEditRefused: if the cell is none, or the graph would mean something else.
    """
    body = body_at(document, path)
    nested = body.cells[name]
    if not nested.is_pipeline:
        raise GraphEditRefused(f"{describe(name)} is no nested pipeline, and cannot be expanded.")
    if nested.bypassed:
        raise GraphEditRefused(f"{describe(name)} is bypassed, which its cells could not be alike: end that first (B).")
    taken = [other for other in body.cells if other != name]
    names: dict[str, str] = {}
    for inner in nested.cells:
        names[inner] = free_name(inner, [*taken, *names.values()])
    inner_cells = _with_initial_values(name, nested)
    cells: dict[str, CellEntry] = {}
    for other, cell in body.cells.items():
        if other != name:
            cells[other] = cell
            continue
        for inner, entry in inner_cells.items():
            cells[names[inner]] = entry.model_copy(update={"disabled": True}) if nested.disabled else entry
    opened = _Opened(body, name, nested, names, types)
    around = body.model_copy(update={"cells": cells, "connections": opened.connections})
    around = keep_recurrent(around, types, opened.recurrent)
    view = _view_of_expanded(body, name, nested, names)
    return with_body(document, path, cells=cells, connections=around.connections, view=view), tuple(names.values())


def _with_initial_values(name: str, nested: CellEntry) -> dict[str, CellEntry]:
    """The cells of a pipeline, with the values that its outputs begin with."""
    cells = dict(nested.cells)
    for output, value in nested.initial_values.items():
        source = next((c.source for c in nested.connections if c.target == output), "")
        cell, port = split_end(source)
        if cell not in cells:
            raise GraphEditRefused(
                f"{name}.{output} begins with {describe(value)}, and no cell inside gives that output: connect it inside, "
                f"or take away its initial value."
            )
        known = cells[cell].initial_values
        if not is_same(known.get(port, value), value):
            raise GraphEditRefused(
                f"{name}.{output} begins with {describe(value)}, and {source} inside of it with {describe(known[port])}: "
                f"give both the same initial value."
            )
        cells[cell] = cells[cell].model_copy(update={"initial_values": {**known, port: value}})
    return cells


@dataclass
class _Opened:
    """The connections of a pipeline in which a nested one is replaced by its cells."""

    body: Body
    name: str
    nested: CellEntry
    names: Mapping[str, str]
    types: Types
    connections: list[ConnectionEntry] = field(default_factory=list)
    recurrent: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        inside = recurrent_connections(self.nested, self.types)
        outside = recurrent_connections(self.body, self.types)
        self._inner = {
            c.target: (c, index in inside) for index, c in reversed(list(enumerate(self.nested.connections)))
        }
        self._outer = {c.target: (c, index in outside) for index, c in reversed(list(enumerate(self.body.connections)))}
        for index, connection in enumerate(self.body.connections):
            if split_end(connection.target)[0] != self.name:
                self._add(connection.target, self._find_outside(connection, index in outside))
        for index, connection in enumerate(self.nested.connections):
            cell, port = split_end(connection.target)
            if cell is not None:
                self._add(f"{self.names.get(cell, cell)}.{port}", self._find_inside(connection, index in inside))

    def _add(self, target: str, found: tuple[str, bool, bool] | None) -> None:
        if found is not None:
            source, is_marked, is_recurrent = found
            if is_recurrent:
                self.recurrent.add(len(self.connections))
            made = ConnectionEntry(source=source, target=target, mark="recurrent" if is_marked else None)
            self.connections.append(made)

    def _find_outside(
        self, connection: ConnectionEntry, is_recurrent: bool, passed: int = 0
    ) -> tuple[str, bool, bool] | None:
        """Where the value of a connection around the nested pipeline comes from; `None` where from nothing."""
        cell, port = split_end(connection.source)
        if cell != self.name:
            return (connection.source, connection.mark is not None, is_recurrent)
        return self._go_on(connection, is_recurrent, self._inner.get(port), self._find_inside, passed)

    def _find_inside(
        self, connection: ConnectionEntry, is_recurrent: bool, passed: int = 0
    ) -> tuple[str, bool, bool] | None:
        """Where the value of a connection in the nested pipeline comes from."""
        cell, port = split_end(connection.source)
        if cell is not None:
            return (f"{self.names.get(cell, cell)}.{port}", connection.mark is not None, is_recurrent)
        return self._go_on(connection, is_recurrent, self._outer.get(f"{self.name}.{port}"), self._find_outside, passed)

    def _go_on(
        self, connection: ConnectionEntry, is_recurrent: bool, following: Any, find: Any, passed: int
    ) -> tuple[str, bool, bool] | None:
        # An output that is led back to an input, and from there straight to the output, comes from nowhere.
        if following is None or passed > len(self._inner) + len(self._outer):
            return None
        found = find(*following, passed + 1)
        if found is None:
            return None
        source, is_marked, is_also_recurrent = found
        return (source, is_marked or connection.mark is not None, is_recurrent or is_also_recurrent)


def _view_of_expanded(body: Body, name: str, nested: CellEntry, names: Mapping[str, str]) -> dict[str, Any]:
    """The view of a pipeline, with what stood in a nested one around the place of that, and room for it."""
    places, around = places_of(nested), places_of(body)
    at, middle = around.pop(name), middle_of(places.values())
    dx, dy = round(at[0] - middle[0]), round(at[1] - middle[1])
    inside = {names[inner]: (x + dx, y + dy) for inner, (x, y) in places.items()}
    view = {key: value for key, value in body.view.items() if key != name}
    pushed = _pushed_aside(around, at, inside)
    if pushed:
        for other, place in pushed.items():
            view[other] = placed_at(view.get(other), place)
        boxes = {other: (x, y, x + _ROOM[0] - 24, y + _ROOM[1] - 24) for other, (x, y) in around.items()}
        followed = follow_nodes({comment.key: comment.box for comment in comments_of(body)}, boxes, pushed)
        for key, box in followed.items():
            view[key] = {**view[key], "box": [round(part) for part in box]}
    for inner, own_name in names.items():
        view[own_name] = placed_at(nested.view.get(inner), inside[own_name])
    comments = {comment.key: comment.box for comment in comments_of(nested)}
    for key, value in nested.view.items():
        if key in comments:
            left, top, width, height = comments[key]
            moved = {**value, "box": [round(left + dx), round(top + dy), round(width), round(height)]}
            view[free_key(view) if key in view else key] = moved
        elif key not in names and key not in (INPUTS, OUTPUTS):
            view.setdefault(key, value)
    return view


def _pushed_aside(around: Mapping[str, Position], at: Position, inside: Mapping[str, Position]) -> dict[str, Position]:
    """Where the cells around go when others come between them; none where nothing would lie on each other."""
    if not any(
        abs(place[0] - other[0]) < _ROOM[0] and abs(place[1] - other[1]) < _ROOM[1]
        for place in inside.values()
        for other in around.values()
    ):
        return {}
    xs, ys = [x for x, _ in inside.values()], [y for _, y in inside.values()]
    wide, high = (max(xs) - min(xs)) / 2, (max(ys) - min(ys)) / 2
    pushed = {}
    for name, (x, y) in around.items():
        if abs(x - at[0]) >= _ROOM[0]:
            pushed[name] = (x + wide if x > at[0] else x - wide, y)
        elif y != at[1]:
            pushed[name] = (x, y + high if y > at[1] else y - high)
    return {name: place for name, place in pushed.items() if place != around[name]}

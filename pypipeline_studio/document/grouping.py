"""Cells become a pipeline of their own within their pipeline, and such a pipeline becomes cells again.

What crosses the border of the new pipeline is led through ports of it. A group is refused where the graph would mean
something else afterwards: a way that leaves the cells and comes back to them would make the new pipeline wait for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pypipeline_engine.catalogue.model import Types
from pypipeline_engine.graph.model import PIPELINE, Body, CellEntry, ConnectionEntry, Document, split_end
from pypipeline_engine.graph.problems import WrongGraphException, describe
from pypipeline_engine.graph.writer import to_text
from pypipeline_studio.document.circles import forward_edges, has_initial_value, recurrent_connections
from pypipeline_studio.document.edits import GraphEditRefused, Path, Position, body_at, free_name, with_body
from pypipeline_studio.document.json_values import is_same
from pypipeline_studio.document.presentation import INPUTS, OUTPUTS, places_of

GROUP_NAME = "group"
"""What a new nested pipeline is called, where that is free."""


def group_cells(document: Document, path: Path, names: Sequence[str], types: Types) -> tuple[Document, str]:
    """Put cells into a nested pipeline in their place, with what they have and what connects them.

    Each value that comes in becomes an input of it, each that goes out an output, named after the output that gives it.

    :returns: the document, and the name of the nested pipeline.
    :raises GraphEditRefused: if they cannot be in one pipeline, with the reason.
    """
    body = body_at(document, path)
    if set(names) & {INPUTS, OUTPUTS}:
        raise GraphEditRefused("The inputs and outputs of a pipeline cannot be grouped: select cells.")
    if not names:
        raise GraphEditRefused("Nothing is selected: select the cells that are to be a nested pipeline.")
    chosen = [name for name in body.cells if name in set(names)]
    _refuse_waiting_for_itself(body, set(chosen), types)
    border = _Border(body, chosen, types)
    places = {name: place for name, place in places_of(body).items() if name in border.cells}
    inner = _with_recurrence(
        CellEntry(
            type=PIPELINE,
            inputs=border.inputs,
            outputs=border.outputs,
            cells={name: body.cells[name] for name in chosen},
            connections=border.inside,
            initial_values=border.initial_values,
            view={name: _placed(body.view.get(name), places[name]) for name in chosen},
        ),
        types,
        border.recurrent_inside,
    )
    cells: dict[str, CellEntry] = {}
    for name, cell in body.cells.items():
        if name == chosen[0]:
            cells[border.name] = inner
        if name not in border.cells:
            cells[name] = cell
    view = {name: value for name, value in body.view.items() if name not in border.cells}
    view[border.name] = {"pos": list(_middle(places.values()))}
    around = body.model_copy(update={"cells": cells, "connections": border.outside})
    around = _with_recurrence(around, types, border.recurrent_outside)
    grouped = with_body(document, path, cells=cells, connections=around.connections, view=view)
    try:
        to_text(grouped)
    except WrongGraphException as error:
        raise GraphEditRefused(f"These cells cannot be grouped: {error.problems[0].message}.") from error
    return grouped, border.name


class _Border:
    """What connects the cells of a new pipeline with each other, with its ports, and these with the cells around."""

    def __init__(self, body: Body, chosen: Sequence[str], types: Types) -> None:
        self.cells = frozenset(chosen)
        self.name = free_name(GROUP_NAME, [name for name in body.cells if name not in self.cells])
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.initial_values: dict[str, Any] = {}
        self.inside: list[ConnectionEntry] = []
        self.outside: list[ConnectionEntry] = []
        self.recurrent_inside: set[int] = set()
        self.recurrent_outside: set[int] = set()
        self._body, self._types = body, types
        self._input_of: dict[tuple[str, bool], str] = {}
        self._output_of: dict[str, str] = {}
        recurrent = recurrent_connections(body, types)
        for index, connection in enumerate(body.connections):
            self._lead(connection, index in recurrent)

    def _lead(self, connection: ConnectionEntry, is_recurrent: bool) -> None:
        starts_inside = split_end(connection.source)[0] in self.cells
        ends_inside = split_end(connection.target)[0] in self.cells
        if starts_inside and ends_inside:
            self._add(self.inside, self.recurrent_inside, connection, is_recurrent)
        elif ends_inside:
            self._lead_in(connection, is_recurrent)
        elif starts_inside:
            port = self._output_for(connection, is_recurrent)
            outer = connection.model_copy(update={"source": f"{self.name}.{port}"})
            self._add(self.outside, self.recurrent_outside, outer, is_recurrent)
        else:
            self._add(self.outside, self.recurrent_outside, connection, is_recurrent)

    def _lead_in(self, connection: ConnectionEntry, is_recurrent: bool) -> None:
        cell, output = split_end(connection.source)
        if cell in self._body.cells and self._body.cells[cell].disabled:
            raise GraphEditRefused(
                f"{describe(cell)} is disabled and feeds {connection.target}: the new pipeline would wait for a value that "
                f"never comes. Select it, too, or enable it first."
            )
        # What comes back in another round is not the same value, though it comes from the same output.
        key = (connection.source, is_recurrent)
        port = self._input_of.get(key)
        if port is None:
            port = self._input_of[key] = free_name(_port_name(output), self.inputs)
            self.inputs.append(port)
            outer = connection.model_copy(update={"target": f"{self.name}.{port}"})
            self._add(self.outside, self.recurrent_outside, outer, is_recurrent)
        self.inside.append(ConnectionEntry(source=port, target=connection.target))

    def _output_for(self, connection: ConnectionEntry, is_recurrent: bool) -> str:
        cell, output = split_end(connection.source)
        assert cell is not None
        entry = self._body.cells[cell]
        if entry.disabled:
            raise GraphEditRefused(
                f"{describe(cell)} is disabled and feeds {connection.target}: the new pipeline would have an output that "
                f"nothing comes out of. Select what it feeds, too, or enable it first."
            )
        port = self._output_of.get(connection.source)
        if port is None:
            port = self._output_of[connection.source] = free_name(_port_name(output), self.outputs)
            self.outputs.append(port)
            self.inside.append(ConnectionEntry(source=connection.source, target=port))
        if is_recurrent and not entry.bypassed:
            if output in entry.initial_values:
                self.initial_values[port] = entry.initial_values[output]
            elif has_initial_value(entry, output, self._types) is not False:
                raise GraphEditRefused(
                    f"{connection.source} has a value of its own to begin with, which it could not give through a pipeline "
                    f"around it. Select {describe(split_end(connection.target)[0])}, too, or set an initial value of "
                    f"{connection.source} (initial_values in the file)."
                )
        return port

    @staticmethod
    def _add(
        connections: list[ConnectionEntry], recurrent: set[int], connection: ConnectionEntry, is_recurrent: bool
    ) -> None:
        if is_recurrent:
            recurrent.add(len(connections))
        connections.append(connection)


def _port_name(name: str) -> str:
    return name.replace(".", "_").strip() or "value"


def _refuse_waiting_for_itself(body: Body, cells: set[str], types: Types) -> None:
    """Refuse a group where a way leads out of it and back in: it would wait for what waits for it."""
    following: dict[str, list[str]] = {}
    for edge in forward_edges(body, types):
        following.setdefault(edge.source, []).append(edge.target)
    come_from: dict[str, str] = {}
    todo = []
    for cell in (name for name in body.cells if name in cells):
        for other in following.get(cell, ()):
            if other not in cells and other not in come_from:
                come_from[other] = cell
                todo.append(other)
    for cell in todo:  # grows meanwhile
        for other in following.get(cell, ()):
            if other in cells:
                way = [cell]
                while come_from[way[0]] not in cells:
                    way.insert(0, come_from[way[0]])
                raise GraphEditRefused(_explain_way(come_from[way[0]], way, other))
            if other not in come_from:
                come_from[other] = cell
                todo.append(other)


def _explain_way(start: str, way: Sequence[str], end: str) -> str:
    between = " and ".join(describe(name) for name in way) if len(way) < 4 else f"{len(way)} cells"
    return (
        f"The way from {describe(start)} to {describe(end)} leads through {between}, outside of the selection: the new "
        f"pipeline would wait for what waits for it. Select {between}, too, or leave out "
        f"{describe(start)} or {describe(end)}."
    )


# ---------------------------------------------------------------------- back to cells


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
    around = _with_recurrence(around, types, opened.recurrent)
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
    """The view of a pipeline, with what stood in a nested one around the place of that."""
    places = places_of(nested)
    at, middle = places_of(body)[name], _middle(places.values())
    dx, dy = round(at[0] - middle[0]), round(at[1] - middle[1])
    view = {}
    for key, value in body.view.items():
        if key != name:
            view[key] = value
    for inner, own_name in names.items():
        x, y = places[inner]
        view[own_name] = _placed(nested.view.get(inner), (x + dx, y + dy))
    for key, value in nested.view.items():
        if key not in names and key not in (INPUTS, OUTPUTS):
            view.setdefault(key, value)
    return view


# ---------------------------------------------------------------------- both ways


def _with_recurrence(body: Any, types: Types, wanted: Iterable[int]) -> Any:
    """A pipeline in which these connections are the recurrent ones: marked where that would be ambiguous.

    :raises GraphEditRefused: if others would be, too, or one of them would not.
    """
    wanted = frozenset(wanted)
    if recurrent_connections(body, types) == wanted:
        return body
    connections = [
        connection.model_copy(update={"mark": "recurrent"}) if index in wanted else connection
        for index, connection in enumerate(body.connections)
    ]
    marked = body.model_copy(update={"connections": connections})
    found = recurrent_connections(marked, types)
    if found != wanted:
        wrong = body.connections[min(found ^ wanted)]
        raise GraphEditRefused(
            f"The connection {wrong} would lead a value back, which it does not do now: mark the connections that do with "
            f'"recurrent" in the file, or group other cells.'
        )
    return marked


def _middle(places: Iterable[Position]) -> tuple[int, int]:
    """The middle of the places of cells, to the pixel."""
    found = list(places) or [(0.0, 0.0)]
    xs, ys = [x for x, _ in found], [y for _, y in found]
    return (round((min(xs) + max(xs)) / 2), round((min(ys) + max(ys)) / 2))


def _placed(known: Any, place: Position) -> dict[str, Any]:
    """What the view says of a cell, with its place, to the pixel."""
    return {**(known if isinstance(known, dict) else {}), "pos": [round(place[0]), round(place[1])]}

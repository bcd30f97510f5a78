"""Cells become a pipeline of their own within their pipeline. `expanding` is the way back.

What crosses the border of the new pipeline is led through ports of it. A group is refused where the graph would mean
something else afterwards: a way that leaves the cells and comes back to them would make the new pipeline wait for itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from pypipeline_engine.catalogue.model import Types
from pypipeline_engine.graph.model import PIPELINE, Body, CellEntry, ConnectionEntry, Document, split_end
from pypipeline_engine.graph.problems import WrongGraphException, describe
from pypipeline_engine.graph.writer import to_text
from pypipeline_studio.document.circles import forward_edges, has_initial_value, recurrent_connections
from pypipeline_studio.document.comments import comments_of, lies_in
from pypipeline_studio.document.edits import GraphEditRefused, Path, Position, body_at, free_name, with_body
from pypipeline_studio.document.presentation import INPUTS, OUTPUTS, places_of

GROUP_NAME = "group"
"""What a new nested pipeline is called, where that is free."""


def group_cells(document: Document, path: Path, names: Sequence[str], types: Types) -> tuple[Document, str]:
    """Put cells into a nested pipeline in their place, with what they have and what connects them.

    Each value that comes in becomes an input of it, each that goes out an output, named after the output that gives it.
    Comment boxes go along in which there are no other cells.

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
    inner = keep_recurrent(
        CellEntry(
            type=PIPELINE,
            inputs=border.inputs,
            outputs=border.outputs,
            cells={name: body.cells[name] for name in chosen},
            connections=border.inside,
            initial_values=border.initial_values,
            view={name: placed_at(body.view.get(name), places[name]) for name in chosen},
        ),
        types,
        border.recurrent_inside,
    )
    taken_along = _comments_of_group(body, border.cells)
    inner = inner.model_copy(update={"view": {**inner.view, **{key: body.view[key] for key in taken_along}}})
    cells: dict[str, CellEntry] = {}
    for name, cell in body.cells.items():
        if name == chosen[0]:
            cells[border.name] = inner
        if name not in border.cells:
            cells[name] = cell
    view = {name: value for name, value in body.view.items() if name not in border.cells and name not in taken_along}
    view[border.name] = {"pos": list(middle_of(places.values()))}
    around = body.model_copy(update={"cells": cells, "connections": border.outside})
    around = keep_recurrent(around, types, border.recurrent_outside)
    grouped = with_body(document, path, cells=cells, connections=around.connections, view=view)
    try:
        to_text(grouped)
    except WrongGraphException as error:
        raise GraphEditRefused(f"These cells cannot be grouped: {error.problems[0].message}.") from error
    return grouped, border.name


def _comments_of_group(body: Body, cells: Collection[str]) -> set[str]:
    """The comment boxes in which there are cells of a group, and no others."""
    places, found = places_of(body), set()
    for comment in comments_of(body):
        inside = {name for name, place in places.items() if lies_in(place, comment.box)}
        if inside and inside <= set(cells):
            found.add(comment.key)
    return found


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
    for connection in body.connections:
        source, target = (split_end(end)[0] for end in (connection.source, connection.target))
        if source is not None and target in cells and body.cells[target].disabled and not body.cells[source].disabled:
            following.setdefault(source, []).append(target)  # nobody waits for it now, but all would for its pipeline
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


# ---------------------------------------------------------------------- for the way back as well


def keep_recurrent(body: Any, types: Types, wanted: Iterable[int]) -> Any:
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


def middle_of(places: Iterable[Position]) -> tuple[int, int]:
    """The middle of the places of cells, to the pixel."""
    found = list(places) or [(0.0, 0.0)]
    xs, ys = [x for x, _ in found], [y for _, y in found]
    return (round((min(xs) + max(xs)) / 2), round((min(ys) + max(ys)) / 2))


def placed_at(known: Any, place: Position) -> dict[str, Any]:
    """What the view says of a cell, with its place, to the pixel."""
    return {**(known if isinstance(known, dict) else {}), "pos": [round(place[0]), round(place[1])]}

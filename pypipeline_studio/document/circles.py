"""Circles in a pipeline: which connections lead a value back to where it came from, and which circles could begin.

A circle can begin where one of its outputs has a value before its cell ran. The connections that leave such an output are
the recurrent ones, unless the file marks others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pypipeline_engine.catalogue.model import Types
from pypipeline_engine.core import topology
from pypipeline_engine.graph.model import Body, CellEntry, split_end


@dataclass(frozen=True)
class Edge:
    """A connection between two cells that take part in a run."""

    index: int
    """Which connection of the pipeline it is."""
    source: str
    target: str
    begins: bool | None
    """Whether the output at its start has an initial value; `None` where that is not known."""
    is_marked: bool


def edges_of(body: Body, types: Types) -> list[Edge]:
    """The connections between the cells of a pipeline, without those of disabled cells."""
    edges = []
    for index, connection in enumerate(body.connections):
        source, output = split_end(connection.source)
        target, _ = split_end(connection.target)
        giving = body.cells.get(source) if source is not None else None
        taking = body.cells.get(target) if target is not None else None
        if source is None or target is None or giving is None or taking is None or giving.disabled or taking.disabled:
            continue
        begins = has_initial_value(giving, output, types)
        edges.append(Edge(index, source, target, begins, connection.mark is not None))
    return edges


def has_initial_value(cell: CellEntry, output: str, types: Types) -> bool | None:
    """Whether an output has a value before its cell ran; `None` where the output is not known."""
    if cell.bypassed:
        return False  # what goes straight through has the initial value of the output that it comes from, or none
    if output in cell.initial_values:
        return True
    if cell.is_pipeline:
        return False if output in cell.outputs else None
    cell_type = types.find(cell.type)
    port = cell_type.find_output(output) if cell_type is not None and not cell_type.problem else None
    return port.has_initial_value if port is not None else None


def recurrent_connections(body: Body, types: Types) -> frozenset[int]:
    """The connections that lead a value back, by their index: those marked, and those known to begin a circle."""
    edges = edges_of(body, types)
    marked = {index for index, connection in enumerate(body.connections) if connection.mark is not None}
    return frozenset(marked | {edge.index for edge in _beginning(edges)})


def needs_mark(body: Body, types: Types, index: int) -> bool:
    """Whether a connection has to be marked as recurrent, because others on its circle might be meant as well."""
    edges = edges_of(body, types)
    beginning = _beginning(edges)
    if not any(edge.index == index for edge in beginning):
        return False
    chosen = {edge.index for edge in beginning}
    following = _neighbours(edge for edge in edges if edge.index not in chosen and not edge.is_marked)
    # One that closes no circle with the rest alone shares each of its circles with another one.
    return any(edge.source not in reached(following, edge.target) for edge in beginning)


def waiting_for(edges: Iterable[Edge]) -> dict[str, list[str]]:
    """By cell, those that wait for its values at the start of a run. What is not known is taken for a beginning."""
    return _neighbours(edge for edge in edges if edge.begins is False)


def waited_for(edges: Iterable[Edge]) -> dict[str, list[str]]:
    """By cell, those for whose values it waits at the start of a run: `waiting_for` the other way round."""
    preceding: dict[str, list[str]] = {}
    for cell, others in waiting_for(edges).items():
        for other in others:
            preceding.setdefault(other, []).append(cell)
    return preceding


def reached(following: Mapping[str, list[str]], start: str) -> set[str]:
    """The cells to which the way leads from `start`, itself included."""
    found, todo = {start}, [start]
    while todo:
        for other in following.get(todo.pop(), ()):
            if other not in found:
                found.add(other)
                todo.append(other)
    return found


def forward_edges(body: Body, types: Types) -> list[Edge]:
    """The connections along which cells wait for each other: those that are not recurrent, and surely not meant to be."""
    edges, recurrent = edges_of(body, types), recurrent_connections(body, types)
    component = _components(edges)
    return [
        edge
        for edge in edges
        if edge.index not in recurrent and (edge.begins is not None or component[edge.source] != component[edge.target])
    ]


def _beginning(edges: list[Edge]) -> list[Edge]:
    """The unmarked edges with an initial value that lie on a circle which no marked one opens."""
    if not any(edge.begins and not edge.is_marked for edge in edges):
        return []
    rest = [edge for edge in edges if not (edge.is_marked and edge.begins is not False)]
    component = _components(rest)
    return [
        edge for edge in rest if edge.begins and not edge.is_marked and component[edge.source] == component[edge.target]
    ]


def _neighbours(edges: Iterable[Edge]) -> dict[str, list[str]]:
    following: dict[str, list[str]] = {}
    for edge in edges:
        following.setdefault(edge.source, []).append(edge.target)
    return following


def _components(edges: Iterable[Edge]) -> dict[str, int]:
    """By cell, the number of the set of cells that reach each other in which it is."""
    plain = [topology.Edge(edge.source, edge.target) for edge in edges]
    cells = list(dict.fromkeys(cell for edge in plain for cell in (edge.source, edge.target)))
    return {
        cell: number
        for number, component in enumerate(topology.strongly_connected_components(cells, plain))
        for cell in component
    }

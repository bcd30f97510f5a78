"""Where a problem of a graph lies: in which pipeline, at which cell or connection; from the place that the engine names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from pypipeline_engine.graph.model import ConnectionEntry, Document
from pypipeline_engine.graph.problems import Parts
from pypipeline_engine.host.protocol import GraphProblem
from pypipeline_studio.document import edits

_PART: Final = re.compile(r'\.?("(?:[^"\\]|\\.)*"|[^."\[\]]+)|\[(\d+)\]')


@dataclass(frozen=True)
class ProblemPlace:
    """A place in a document."""

    path: edits.Path = ()
    """The pipeline in which the cell or the connection lies."""
    cell: str = ""
    """Empty for the pipeline itself, and for a connection."""
    rest: Parts = ()
    """The way further down: `("parameters", "stride")`, `("type",)`, `("outputs",)`."""
    connection: int | None = None
    """Which connection of the pipeline it is."""


def parts_of(text: str) -> Parts:
    """A place as the engine writes it, in parts: `cells.detect.parameters.stride`, `connections[2]`, `cells."a b".type`."""
    parts: list[str | int] = []
    for name, index in _PART.findall(text):
        if index:
            parts.append(int(index))
        else:
            parts.append(json.loads(name) if name.startswith('"') else name)
    return tuple(parts)


def place_of(problem: GraphProblem) -> ProblemPlace:
    """Where a problem lies."""
    parts = parts_of(problem.path)
    names: list[str] = []
    while len(parts) >= 2 and parts[0] == "cells":
        names.append(str(parts[1]))
        parts = parts[2:]
    if len(parts) >= 2 and parts[0] == "connections" and isinstance(parts[1], int):
        return ProblemPlace(tuple(names), "", parts[2:], parts[1])
    if not names:
        return ProblemPlace(rest=parts)
    return ProblemPlace(tuple(names[:-1]), names[-1], parts)


def connection_of(document: Document, place: ProblemPlace) -> ConnectionEntry | None:
    """The connection at a place; `None` where there is none, or none any more."""
    if place.connection is None or not edits.has_body(document, place.path):
        return None
    connections = edits.body_at(document, place.path).connections
    return connections[place.connection] if place.connection < len(connections) else None


def title_of(document: Document, problem: GraphProblem) -> str:
    """What has the problem, for people."""
    connection = connection_of(document, place_of(problem))
    if connection is not None:
        return f"{connection.source} → {connection.target}"
    return problem.cell or problem.path or "The graph"

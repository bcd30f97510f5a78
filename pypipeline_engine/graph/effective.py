"""What is left of a pipeline when its disabled cells are taken out and its bypassed ones connected through."""

from __future__ import annotations

from dataclasses import dataclass, field

from pypipeline_engine.catalogue.model import Folders, Types
from pypipeline_engine.graph.model import Body, CellEntry, ConnectionEntry, SomeBody, split_end
from pypipeline_engine.graph.ports import Ports, ports_of
from pypipeline_engine.graph.problems import Parts, Problem, describe


@dataclass
class Effective:
    """The cells and connections that run."""

    cells: dict[str, CellEntry]
    connections: list[tuple[ConnectionEntry, int]]
    """Each with the index of the connection of the document that it comes from."""
    causes: dict[str, str] = field(default_factory=dict)
    """By input (`cell.port`, or the name of an own output), why the connection that ended there is gone."""
    problems: list[Problem] = field(default_factory=list)
    """The bypassed cells that cannot be bypassed."""


def effective(body: Body, types: Types, folders: Folders | None = None, parts: Parts = ()) -> Effective:
    """Take the disabled and bypassed cells out of a pipeline, not out of those nested in it.

    :param folders: what relative paths are relative to.
    :param parts: the place of the pipeline in its document, for the problems.
    """
    result = Effective(
        {name: cell for name, cell in body.cells.items() if not (cell.disabled or cell.bypassed)},
        [(connection, index) for index, connection in enumerate(body.connections)],
    )
    for name, cell in body.cells.items():
        if cell.disabled:
            for connection, _ in result.connections:
                if split_end(connection.source)[0] == name:
                    result.causes[connection.target] = f"{describe(name)} is disabled"
            result.connections = [entry for entry in result.connections if not _touches(entry[0], name)]
    for name, cell in body.cells.items():
        if cell.bypassed and not cell.disabled:
            _bypass(result, name, ports_of(cell, types, folders), (*parts, "cells", name))
    return result


def without_inactive(body: SomeBody, types: Types, folders: Folders | None = None) -> SomeBody:
    """The same document, or part of one, without disabled and bypassed cells, also in the pipelines nested in it."""
    found = effective(body, types, folders)
    cells = {
        name: without_inactive(cell, types, folders) if cell.is_pipeline else cell for name, cell in found.cells.items()
    }
    return body.model_copy(update={"cells": cells, "connections": [connection for connection, _ in found.connections]})


def _touches(connection: ConnectionEntry, name: str) -> bool:
    return name in (split_end(connection.source)[0], split_end(connection.target)[0])


def _bypass(result: Effective, name: str, ports: Ports, parts: Parts) -> None:
    """Connect what feeds the inputs of a cell with what its outputs fed."""
    feeding = {
        split_end(entry.target)[1]: entry for entry, _ in result.connections if split_end(entry.target)[0] == name
    }
    kept: list[tuple[ConnectionEntry, int]] = []
    refused: set[str] = set()
    for connection, index in result.connections:
        cell, output = split_end(connection.source)
        if cell != name:
            if split_end(connection.target)[0] != name:
                kept.append((connection, index))
            continue
        if split_end(connection.target)[0] == name:
            continue
        if ports.is_open and output not in ports.outputs:
            continue
        passing = _input_like(ports, output, feeding)
        if passing is None:
            if output not in refused and output in ports.outputs:
                kinds = " or ".join(ports.outputs[output].kinds)
                message = (
                    f"{describe(name)} cannot be bypassed: it has no input of the type of its output {describe(output)}"
                )
                result.problems.append(Problem(f"{message} ({kinds})", (*parts, "bypassed")))
            refused.add(output)
            result.causes[connection.target] = f"{describe(name)} is bypassed"
        elif passing not in feeding or split_end(feeding[passing].source)[0] == name:
            result.causes[connection.target] = (
                f"{describe(name)} is bypassed and its input {describe(passing)} is not connected"
            )
        else:
            through = ConnectionEntry(
                source=feeding[passing].source, target=connection.target, mark=feeding[passing].mark
            )
            kept.append((through, index))
    result.connections = kept


def _input_like(ports: Ports, output: str, feeding: dict[str, ConnectionEntry]) -> str | None:
    """The first input of the same type as an output; parameters count where they are connected."""
    if output not in ports.outputs:
        return None
    wanted = ports.outputs[output].type
    candidates = [
        *ports.required(),
        *(name for name in ports.inputs if name in feeding and name not in ports.required()),
    ]
    return next((name for name in candidates if ports.inputs[name].type == wanted), None)

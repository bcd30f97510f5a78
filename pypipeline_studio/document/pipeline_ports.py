"""Changes to the inputs and outputs of a nested pipeline, which its connections inside and outside follow."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pypipeline_engine.catalogue.model import Types
from pypipeline_engine.graph.model import CellEntry, ConnectionEntry, Document, explain_name, split_end
from pypipeline_engine.graph.problems import describe
from pypipeline_studio.document.edits import GraphEditRefused, Path, body_at, connect, free_name, with_body

Side: TypeAlias = Literal["inputs", "outputs"]


def add_pipeline_port(document: Document, path: Path, side: Side, name: str) -> tuple[Document, str]:
    """Give a nested pipeline another input or output, behind the others.

    :param path: to the nested pipeline itself.
    :returns: the document, and the name that the port got: another one where `name` is taken.
    :raises GraphEditRefused: if the name cannot be one, or `path` leads to the outermost pipeline.
    """
    ports = _ports(document, path, side)
    _check_name(name)
    own_name = free_name(name, ports)
    return with_body(document, path, **{side: [*ports, own_name]}), own_name


def expose(document: Document, path: Path, end: str, side: Side, types: Types) -> tuple[Document, str]:
    """Make a port inside of a nested pipeline an input or an output of it: a new one, named alike and connected with it.

    :param path: to the nested pipeline.
    :param end: an input that the new input is to feed, in place of what feeds it; or what the new output is to give.
    :returns: the document, and the name that the port got.
    :raises GraphEditRefused: if `path` leads to the outermost pipeline.
    """
    wanted = split_end(end)[1].replace(".", "_")
    document, name = add_pipeline_port(document, path, side, wanted)
    ends = (name, end) if side == "inputs" else (end, name)
    return connect(document, path, *ends, types), name


def remove_pipeline_port(document: Document, path: Path, side: Side, name: str) -> Document:
    """Remove an input or output of a nested pipeline with its connections, inside and outside."""
    ports = _ports(document, path, side)
    if name not in ports:
        return document
    return _with_ports(document, path, side, [port for port in ports if port != name], {name: None})


def rename_pipeline_port(document: Document, path: Path, side: Side, old: str, new: str) -> Document:
    """Give an input or output of a nested pipeline another name; its place and its connections stay.

    :raises GraphEditRefused: if the name is taken or cannot be one, or there is no such port.
    """
    ports = _ports(document, path, side)
    if old == new:
        return document
    _check_name(new)
    if old not in ports:
        raise GraphEditRefused(f"{describe(old)} cannot be renamed: the pipeline has no such {side[:-1]}.")
    if new in ports:
        raise GraphEditRefused(
            f"{describe(old)} cannot be renamed to {describe(new)}: another {side[:-1]} has that name."
        )
    return _with_ports(document, path, side, [new if port == old else port for port in ports], {old: new})


def _ports(document: Document, path: Path, side: Side) -> list[str]:
    if not path:
        raise GraphEditRefused(
            "The outermost pipeline has no inputs and outputs: nothing could be connected with them."
        )
    body = body_at(document, path)
    return body.inputs if side == "inputs" else body.outputs


def _check_name(name: str) -> None:
    reason = explain_name(name)
    if reason is not None:
        raise GraphEditRefused(f"The port cannot have this name: {reason}.")


def _with_ports(document: Document, path: Path, side: Side, ports: list[str], names: dict[str, str | None]) -> Document:
    """The document with these ports.

    :param names: by the name of a port that changes, its new one; `None` for one that goes.
    """
    body = body_at(document, path)
    assert isinstance(body, CellEntry)
    starts_inside = side == "inputs"  # inside, a connection starts at an input of the pipeline; outside, it ends there
    inside = _followed(body.connections, starts_inside, None, names)
    changes: dict[str, object] = {side: ports, "connections": inside}
    if side == "outputs":
        kept = {names.get(output, output): value for output, value in body.initial_values.items()}
        changes["initial_values"] = {output: value for output, value in kept.items() if output is not None}
    document = with_body(document, path, **changes)
    around, own_name = path[:-1], path[-1]
    outside = _followed(body_at(document, around).connections, not starts_inside, own_name, names)
    return with_body(document, around, connections=outside)


def _followed(
    connections: list[ConnectionEntry], at_source: bool, cell: str | None, names: dict[str, str | None]
) -> list[ConnectionEntry]:
    """The connections, those at a port that changes with its new name or left out.

    :param at_source: whether they start at these ports.
    :param cell: whose ports they are; `None` for those of the pipeline around.
    """
    found = []
    field = "source" if at_source else "target"
    for connection in connections:
        owner, port = split_end(connection.source if at_source else connection.target)
        if owner == cell and port in names:
            new = names[port]
            if new is None:
                continue
            connection = connection.model_copy(update={field: new if cell is None else f"{cell}.{new}"})
        found.append(connection)
    return found

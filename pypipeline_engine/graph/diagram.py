"""Graph document -> text to look at: a listing for the terminal, and a Mermaid flowchart for documentation."""

from __future__ import annotations

from collections.abc import Iterator

from pypipeline_engine.catalogue.model import KnownTypes, Types
from pypipeline_engine.core.topology import CycleError, recurrent_edges
from pypipeline_engine.graph.check import edges_of
from pypipeline_engine.graph.effective import Effective
from pypipeline_engine.graph.model import Body, CellEntry, Document, split_end
from pypipeline_engine.graph.ports import ports_of
from pypipeline_engine.graph.problems import describe

_NO_TYPES = KnownTypes([])


def recurrent_connections(body: Body, types: Types = _NO_TYPES) -> set[int]:
    """The indices of the connections that close cycles between the cells of a pipeline, as far as that can be told.

    :param types: to know of initial values that do not stand in the document.
    """
    found = Effective(dict(body.cells), [(connection, index) for index, connection in enumerate(body.connections)])
    ports = {name: ports_of(cell, types) for name, cell in body.cells.items()}
    edges, indices = edges_of(found, ports, range(len(body.connections)))
    try:
        return {indices[edge] for edge in recurrent_edges(list(body.cells), edges)}
    except CycleError:
        return {index for index, connection in enumerate(body.connections) if connection.mark}


def settings_of(cell: CellEntry) -> list[str]:
    """What a cell was told beside its parameters, in few words each: its clones, what happens at errors, whether it runs."""
    words = []
    if cell.scale is not None:
        words += (
            [f"{cell.scale.thread} {'thread' if cell.scale.thread == 1 else 'threads'}"] if cell.scale.thread else []
        )
        words += [f"{cell.scale.ray} Ray {'clone' if cell.scale.ray == 1 else 'clones'}"] if cell.scale.ray else []
        words += [f"queue of {cell.scale.queue_capacity}"] if cell.scale.queue_capacity is not None else []
    if cell.on_error is not None:
        retry = f"retry {cell.on_error.retry} times, then " if cell.on_error.retry else ""
        words.append(f"on error {retry}{cell.on_error.then}")
    words += ["disabled"] if cell.disabled else []
    words += ["bypassed"] if cell.bypassed else []
    return words


# ---------------------------------------------------------------------- listing


def to_listing(document: Document, types: Types = _NO_TYPES) -> str:
    """Every cell with its type, parameters and settings, and where its outputs lead."""
    nb_cells = sum(1 for _ in document.walk())
    head = f"{document.name}: {nb_cells} {'cell' if nb_cells == 1 else 'cells'}"
    return "\n".join([head, *_list_body(document, "  ", types)]) + "\n"


def _list_body(body: Body, indent: str, types: Types) -> Iterator[str]:
    recurrent = recurrent_connections(body, types)
    width = max(map(len, body.cells), default=0)
    type_width = max((len(cell.type) for cell in body.cells.values()), default=0)

    def leading(source: str | None, indent: str) -> Iterator[str]:
        for index, connection in enumerate(body.connections):
            cell, port = split_end(connection.source)
            if cell == source:
                yield f"{indent}{port} -> {connection.target}{' (recurrent)' if index in recurrent else ''}"

    yield from leading(None, indent)
    for name, cell in body.cells.items():
        parameters = " ".join(f"{key}={describe(value, 40)}" for key, value in cell.parameters.items())
        settings = f"[{', '.join(settings_of(cell))}]" if settings_of(cell) else ""
        details = "  ".join(part for part in (parameters, settings) if part)
        yield f"{indent}{name:{width}}  {cell.type:{type_width}}  {details}".rstrip()
        yield from _list_body(cell, indent + "  | ", types)
        yield from leading(name, indent + " " * (width + 2))


# ---------------------------------------------------------------------- Mermaid


def to_mermaid(document: Document, types: Types = _NO_TYPES) -> str:
    """A flowchart in the language of Mermaid. Recurrent connections are dotted, nested pipelines are boxes around."""
    lines = ["flowchart LR"]
    _draw_body(document, "p", lines, "  ", types)
    return "\n".join(lines) + "\n"


def _draw_body(body: Body, prefix: str, lines: list[str], indent: str, types: Types) -> None:
    ids = {name: f"{prefix}_{number}" for number, name in enumerate(body.cells)}
    own = {(port, True): f"{prefix}_in_{number}" for number, port in enumerate(body.inputs)}
    own |= {(port, False): f"{prefix}_out_{number}" for number, port in enumerate(body.outputs)}
    lines += [f"{indent}{own_id}([{_quoted(port)}])" for (port, _), own_id in own.items()]
    for name, cell in body.cells.items():
        words = [name, cell.type, *settings_of(cell)] if not cell.is_pipeline else [name, *settings_of(cell)]
        if cell.is_pipeline:
            lines.append(f"{indent}subgraph {ids[name]}[{_quoted(*words)}]")
            _draw_body(cell, ids[name], lines, indent + "  ", types)
            lines.append(f"{indent}end")
        else:
            lines.append(f"{indent}{ids[name]}[{_quoted(*words)}]")
    recurrent = recurrent_connections(body, types)
    for index, connection in enumerate(body.connections):
        ends = []
        for end, is_source in ((connection.source, True), (connection.target, False)):
            cell_name, port = split_end(end)
            if cell_name is None:
                ends.append(own.get((port, is_source)))
            elif cell_name in body.cells and port in (inner := _own_ports(body.cells[cell_name], is_source)):
                # A connection of a nested pipeline ends at the port that is drawn inside of it.
                ends.append(f"{ids[cell_name]}_{'out' if is_source else 'in'}_{inner.index(port)}")
            else:
                ends.append(ids.get(cell_name))
        if None not in ends:
            label = _quoted(split_end(connection.source)[1])
            arrow = "-.->" if index in recurrent else "-->"
            lines.append(f"{indent}{ends[0]} {arrow}|{label}| {ends[1]}")


def _own_ports(cell: CellEntry, is_source: bool) -> list[str]:
    return cell.outputs if is_source else cell.inputs


def _quoted(*words: str) -> str:
    """Text that Mermaid takes as it is, one part to a line."""
    escaped = [
        "".join(
            character if character.isalnum() or character in " ._-,()" else f"#{ord(character)};" for character in word
        )
        for word in words
    ]
    return f'"{"<br>".join(escaped)}"'

"""From a document to what the canvas shows of one of its pipelines: nodes and wires as data."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, Final

from pypipeline_engine.catalogue.model import CellType, ParameterType, PortType
from pypipeline_engine.graph.model import Body, CellEntry, Document, Scale, split_end
from pypipeline_engine.graph.ports import ports_of
from pypipeline_engine.host.protocol import GraphProblem
from pypipeline_engine.numbers import counted
from pypipeline_studio.document.cell_notes import comment_of
from pypipeline_studio.document.circles import recurrent_connections
from pypipeline_studio.document.comments import Comment, comments_of
from pypipeline_studio.document.edits import Position, body_at, mark_of, position_of
from pypipeline_studio.document.types import StudioTypes
from pypipeline_studio.document.views import NodeView, PortView, WireView

INPUTS: Final = "<"
OUTPUTS: Final = ">"
"""The names under which the inputs and outputs of a nested pipeline are shown as nodes inside of it. No cell is called so in
practice, and one that is would only be drawn in a wrong way."""
MOST_PARAMETERS: Final = 3
_COLUMN: Final = 280
_MOST_TEXT: Final = 40
_MOST_CHECKED: Final = 200
"""A longer text is not looked at beyond this."""


@dataclass(frozen=True)
class Presentation:
    """One pipeline as it is shown."""

    nodes: dict[str, NodeView] = field(default_factory=dict)
    """By name, in the order of the document."""
    wires: tuple[WireView, ...] = ()
    boundary: dict[str, NodeView] = field(default_factory=dict)
    """The own inputs and outputs of a nested pipeline, as nodes."""
    comments: tuple[Comment, ...] = ()
    """The boxes behind the nodes."""
    sources: dict[str, tuple[Any, ...]] = field(default_factory=dict, repr=False)
    """By name, what each view was made from; while that is the same, the view is."""

    @staticmethod
    def empty() -> Presentation:
        """Of nothing."""
        return Presentation()

    def all_nodes(self) -> dict[str, NodeView]:
        """The nodes and the edges of the pipeline."""
        return {**self.nodes, **self.boundary}


def present(
    document: Document,
    path: tuple[str, ...],
    types: StudioTypes,
    problems: Iterable[GraphProblem] = (),
    previous: Presentation | None = None,
) -> Presentation:
    """What the canvas shows of the pipeline at the end of `path`.

    :param problems: what is wrong with the graph; nodes show how much of it concerns them.
    :param previous: what was shown before; views of what has not changed are taken from it.
    """
    body = body_at(document, path)
    connected: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for name in body.cells}
    for connection in body.connections:
        for end, side in ((connection.target, 0), (connection.source, 1)):
            owner, port = split_end(end)
            if owner in connected and port not in connected[owner][side]:
                connected[owner][side].append(port)
    counts: dict[str, int] = {}
    prefix = "".join(f"{name}." for name in path)
    for problem in problems:
        if problem.severity == "error" and problem.cell.startswith(prefix):
            own = problem.cell[len(prefix) :].partition(".")[0]
            counts[own] = counts.get(own, 0) + 1
    nodes, sources, places = {}, {}, places_of(body)
    for name, cell in body.cells.items():
        place = places[name]
        shown = _shown_inputs(body, name)
        inputs, outputs = connected[name]
        written = (mark_of(body, name), comment_of(body, name))
        source = (cell, place, shown, tuple(inputs), tuple(outputs), counts.get(name, 0), types, written)
        if previous is not None and _is_same(previous.sources.get(name), source) and not _depends(cell, types):
            nodes[name] = previous.nodes[name]
        else:
            view = _view(name, cell, place, shown, (inputs, outputs), counts.get(name, 0), types)
            nodes[name] = replace(view, mark=written[0], comment=written[1])
        sources[name] = source
    boundary = _boundary(body, types) if path else {}
    wires = _wires(body, {**nodes, **boundary}, recurrent_connections(body, types))
    return Presentation(nodes, wires, boundary, comments_of(body), sources)


def places_of(body: Body) -> dict[str, Position]:
    """Where the cells of a pipeline stand; those of which the file does not say it, in a row."""
    return {name: position_of(body, name, (_COLUMN * float(index), 0.0)) for index, name in enumerate(body.cells)}


def _is_same(known: tuple[Any, ...] | None, source: tuple[Any, ...]) -> bool:
    """Whether a view would be made from the same: the very same cell, which is quick to see, and equal facts around it."""
    return known is not None and known[0] is source[0] and known[1:] == source[1:]


def _depends(cell: CellEntry, types: StudioTypes) -> bool:
    """Whether the ports of a cell can change without the cell: what the engine tells about its file comes later."""
    cell_type = types.find(cell.type)
    return cell.is_pipeline or (cell_type is not None and bool(cell_type.ports_depend_on))


def _shown_inputs(body: Body, name: str) -> tuple[str, ...]:
    """The runtime parameters that the user has asked to see as inputs."""
    view = body.view.get(name)
    shown = view.get("inputs") if isinstance(view, dict) else None
    return tuple(entry for entry in shown if isinstance(entry, str)) if isinstance(shown, list) else ()


def _view(
    name: str,
    cell: CellEntry,
    position: tuple[float, float],
    shown: tuple[str, ...],
    connected: tuple[list[str], list[str]],
    nb_problems: int,
    types: StudioTypes,
) -> NodeView:
    cell_type = types.find(cell.type)
    is_missing = not cell.is_pipeline and types.is_complete and (cell_type is None or bool(cell_type.problem))
    inputs, outputs = _ports(cell, types, connected, shown)
    note = ""
    if is_missing:
        reason = cell_type.problem if cell_type is not None else ""
        note = f"Cannot be used – {reason}" if reason else "Not installed – kept as saved"
        if cell.disabled:
            note = f"Disabled. {note}" if reason else "Disabled, not installed – kept"
    elif cell.disabled:
        note = "Disabled"
    elif cell.bypassed:
        note = _bypass_note(cell, types, connected[0])
    category = "pipeline" if cell.is_pipeline else cell.type.rpartition(".")[0].rpartition(".")[2]
    title = f"Pipeline · {counted(len(cell.cells), 'cell')}" if cell.is_pipeline else cell.type.rpartition(".")[2]
    return NodeView(
        name=name,
        type_name=cell.type,
        title=cell.type if is_missing else title,
        category="missing" if is_missing else category,
        condition="missing"
        if is_missing
        else "disabled"
        if cell.disabled
        else "bypassed"
        if cell.bypassed
        else "normal",
        inputs=inputs,
        outputs=outputs,
        parameters=_parameters(cell, cell_type, set(connected[0])),
        workers=workers_text(cell.scale),
        can_scale=cell_type.supports_scaling if cell_type is not None else True,
        note=note,
        position=position,
        nb_problems=nb_problems,
    )


def _bypass_note(cell: CellEntry, types: StudioTypes, connected: Collection[str]) -> str:
    """Which inputs go straight through: for each output, the first one of the same type. The rule is that of the engine."""
    ports = ports_of(cell, types)
    if not ports.outputs:
        return "Bypassed"
    candidates = [*ports.required(), *(name for name in ports.inputs if name in connected)]
    passing = {}
    for output, port in ports.outputs.items():
        like = next((name for name in candidates if ports.inputs[name].type == port.type), None)
        if like is None:
            return f"Bypassed: nothing fits {output}"
        passing[like] = True
    return f"Bypassed: {' and '.join(passing)} {'passes' if len(passing) == 1 else 'pass'}"


def workers_text(scale: Scale | None) -> str:
    """How many clones a cell has, in few characters."""
    if scale is None or not scale.clones:
        return ""
    if scale.thread and scale.ray:
        return f"×{scale.thread} + {scale.ray} Ray"
    if scale.ray:
        return f"×{scale.ray} Ray"
    return f"×{scale.thread} thread{'s' if scale.thread != 1 else ''}"


# ---------------------------------------------------------------------- ports


def _ports(
    cell: CellEntry, types: StudioTypes, connected: tuple[list[str], list[str]], shown: tuple[str, ...]
) -> tuple[tuple[PortView, ...], tuple[PortView, ...]]:
    """What must be connected and what is, then what the user wants to see; of an unknown type, what is connected."""
    ports = ports_of(cell, types)
    inputs = {name: _port_view(port) for name, port in ports.inputs.items() if not isinstance(port, ParameterType)}
    outputs = {name: _port_view(port) for name, port in ports.outputs.items()}
    for name in (*connected[0], *shown):
        known = ports.inputs.get(name)
        if name not in inputs and (known is not None or name in connected[0]):
            inputs[name] = _port_view(known) if known is not None else PortView(name)
    for name in connected[1]:
        outputs.setdefault(name, PortView(name))
    return tuple(inputs.values()), tuple(outputs.values())


def _port_view(port: PortType) -> PortView:
    return PortView(port.name, tuple(port.kinds), port.doc, port.type_text, isinstance(port, ParameterType))


def _boundary(body: Body, types: StudioTypes) -> dict[str, NodeView]:
    """The own ports of a nested pipeline: its inputs give values inside, its outputs take them.

    Both nodes are there also without ports, so that a wire can be led to them.
    """
    assert isinstance(body, CellEntry)
    ports = ports_of(body, types)
    places = [position_of(body, name) for name in body.cells] or [(0.0, 0.0)]
    left, right = min(x for x, _ in places), max(x for x, _ in places)
    top = min(y for _, y in places)
    inputs = tuple(_port_view(ports.inputs[name]) for name in body.inputs)
    outputs = tuple(_port_view(ports.outputs[name]) for name in body.outputs)
    begin, end = (left - _COLUMN, top), (right + _COLUMN, top)
    return {
        INPUTS: NodeView(INPUTS, "", "Inputs", "pipeline", outputs=inputs, position=position_of(body, INPUTS, begin)),
        OUTPUTS: NodeView(OUTPUTS, "", "Outputs", "pipeline", inputs=outputs, position=position_of(body, OUTPUTS, end)),
    }


def _wires(body: Body, nodes: dict[str, NodeView], recurrent: Collection[int]) -> tuple[WireView, ...]:
    """The connections of which both ends are there. One that leads nowhere stays in the document.

    :param recurrent: the places of those that lead a value back.
    """
    inputs = {(name, port.name) for name, node in nodes.items() for port in node.inputs}
    outputs = {(name, port.name) for name, node in nodes.items() for port in node.outputs}
    found = {}
    for index, connection in enumerate(body.connections):
        source, target = _end(connection.source, INPUTS), _end(connection.target, OUTPUTS)
        if source in outputs and target in inputs:
            found[source, target] = WireView(source, target, index in recurrent)
    return tuple(found.values())


def _end(text: str, own: str) -> tuple[str, str]:
    cell, port = split_end(text)
    return (own if cell is None else cell, port)


# ---------------------------------------------------------------------- parameters


def _parameters(cell: CellEntry, cell_type: CellType | None, connected: set[str]) -> tuple[tuple[str, str], ...]:
    """Those that the file sets, in the order of the type, then those that have to be set and are not."""
    if cell_type is None or cell_type.problem:
        chosen = [(name, value_text(value, None)) for name, value in cell.parameters.items()]
        return tuple(chosen[:MOST_PARAMETERS])
    chosen = [
        (parameter.name, value_text(cell.parameters[parameter.name], parameter))
        for parameter in cell_type.parameters
        if parameter.name in cell.parameters
    ]
    unknown = [name for name in cell.parameters if cell_type.find_parameter(name) is None]
    chosen += [(name, value_text(cell.parameters[name], None)) for name in unknown]
    chosen += [
        (parameter.name, "required")
        for parameter in cell_type.parameters
        if parameter.required and parameter.name not in cell.parameters and parameter.name not in connected
    ]
    return tuple(chosen[:MOST_PARAMETERS])


def value_text(value: Any, parameter: ParameterType | None) -> str:
    """A value in few characters: paths by the name of their file, numbers with their unit."""
    if isinstance(value, bool):
        text = "on" if value else "off"
    elif value is None:
        text = "none"
    elif isinstance(value, float):
        text = _float_text(value)
    elif isinstance(value, str):
        is_path = parameter is not None and bool(parameter.type.paths())
        text = PurePath(value).name or value if is_path else value
    elif isinstance(value, list):
        text = ", ".join(value_text(entry, None) for entry in value[:6]) + (", …" if len(value) > 6 else "")
    elif isinstance(value, dict):
        text = counted(len(value), "entry").replace("entrys", "entries")
    else:
        text = str(value)
    if parameter is not None and parameter.unit and isinstance(value, int | float) and not isinstance(value, bool):
        text = f"{text} {parameter.unit}"
    text = "".join(character if character.isprintable() else " " for character in text[:_MOST_CHECKED])
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"


def _float_text(value: float) -> str:
    """A number with two decimals at least, so that those in a column line up; whole ones without: `0.20`, `0.125`, `25`."""
    text = f"{value:.6g}"
    whole, point, decimals = text.partition(".")
    return text if not point or "e" in text else f"{whole}.{decimals:0<2}"

"""What would mend a problem of a graph, where one thing is obvious: an edit, or a file that a person has to choose.

It is told from the document and the types of cells at the place of the problem, not from the words of the message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from pypipeline_engine.catalogue.model import CellType, ParameterType, PortType, fits
from pypipeline_engine.graph.model import Body, CellEntry, ConnectionEntry, Document, Scale, split_end
from pypipeline_engine.graph.ports import Ports, ports_of
from pypipeline_engine.graph.problems import nearest
from pypipeline_engine.host.protocol import GraphProblem
from pypipeline_studio.document import edits
from pypipeline_studio.document.circles import edges_of, has_initial_value, reached
from pypipeline_studio.document.problem_places import ProblemPlace, connection_of, place_of
from pypipeline_studio.document.scaling import move_clones
from pypipeline_studio.document.types import StudioTypes
from pypipeline_studio.document.wiring import compatible_outputs

_FIRST_VALUES: Final[dict[str, Any]] = {"number": 0, "text": ""}
"""By kind of value, one to begin a circle with."""


@dataclass(frozen=True)
class QuickFix:
    """What mends a problem."""

    text: str
    """What the button says."""
    make: Callable[[Document], Document] | None = None
    """The edit; `None` where a file is to be chosen."""
    file_for: tuple[edits.Path, str, str] | None = None
    """The pipeline, the cell and the parameter that a file is to be chosen for."""


def quick_fix(problem: GraphProblem, document: Document, types: StudioTypes) -> QuickFix | None:
    """What would mend a problem; `None` where nothing obvious would, or the document is another one meanwhile."""
    place = place_of(problem)
    if not edits.has_body(document, place.path):
        return None
    body = edits.body_at(document, place.path)
    connection = connection_of(document, place)
    if connection is not None:
        return _fix_connection(problem, place, body, connection, types)
    cell = body.cells.get(place.cell)
    if cell is None:
        return None
    kind = str(place.rest[0]) if place.rest else ""
    find = {
        "": _fix_unconnected,
        "type": _fix_type,
        "scale": _fix_scale,
        "parameters": _fix_parameter,
        "initial_values": _fix_initial_value,
        "bypassed": _fix_bypassed,
    }.get(kind)
    return find(document, place, cell, types) if find is not None else None


# ---------------------------------------------------------------------- one cell


def _fix_type(_document: Document, place: ProblemPlace, cell: CellEntry, types: StudioTypes) -> QuickFix | None:
    """The type with the nearest name: first one that is called the same in another category."""
    if types.find(cell.type) is not None:
        return None  # it is there, and cannot be used
    usable = [cell_type for cell_type in types.all_types() if not cell_type.problem]
    class_name = cell.type.rpartition(".")[2].casefold()
    same = [cell_type.name for cell_type in usable if cell_type.class_name.casefold() == class_name]
    found = same[0] if len(same) == 1 else nearest(cell.type, [cell_type.name for cell_type in usable])
    if found is None:
        return None
    return QuickFix(f"Use {found}", lambda document: _change(document, place, type=found))


def _fix_scale(_document: Document, place: ProblemPlace, cell: CellEntry, types: StudioTypes) -> QuickFix | None:
    scale = cell.scale or Scale()
    cell_type = types.find(cell.type)
    is_single = cell_type is not None and not cell_type.supports_scaling
    if scale.clones > 1 and (is_single or (cell.is_pipeline and not scale.ray)):
        return QuickFix("Run it without clones", lambda document: edits.set_clones(document, place.path, _no(place)))
    if scale.ray:
        numbers = {place.cell: move_clones(scale, "thread")}
        return QuickFix("Run its clones on threads", lambda document: edits.set_clones(document, place.path, numbers))
    return None


def _no(place: ProblemPlace) -> dict[str, tuple[int, int]]:
    return {place.cell: (0, 0)}


def _fix_parameter(_document: Document, place: ProblemPlace, cell: CellEntry, types: StudioTypes) -> QuickFix | None:
    name = str(place.rest[1]) if len(place.rest) > 1 else ""
    cell_type = types.find(cell.type)
    if cell.is_pipeline or (cell_type is not None and cell_type.find_parameter(name) is None):
        return _fix_unknown_parameter(place, cell, cell_type, name)
    parameter = cell_type.find_parameter(name) if cell_type is not None else None
    if parameter is None:
        return None
    if _is_input_file(parameter):
        return QuickFix("Choose a file …", file_for=(place.path, place.cell, name))
    if name in cell.parameters and not parameter.required:
        return QuickFix("Use the default", lambda document: _set(document, place, name, edits.DEFAULT))
    return None


def _fix_unknown_parameter(
    place: ProblemPlace, cell: CellEntry, cell_type: CellType | None, name: str
) -> QuickFix | None:
    if name not in cell.parameters:
        return None
    free = [p.name for p in cell_type.parameters if p.name not in cell.parameters] if cell_type is not None else []
    meant = nearest(name, free) if cell_type is not None and cell_type.find_input(name) is None else None
    if meant is None:
        return QuickFix(f"Remove {name}", lambda document: _set(document, place, name, edits.DEFAULT))
    parameters = {meant if key == name else key: value for key, value in cell.parameters.items()}
    return QuickFix(f"Call it {meant}", lambda document: _change(document, place, parameters=parameters))


def _is_input_file(parameter: ParameterType) -> bool:
    return any(kind.name == "input_path" for kind in (parameter.type, *parameter.type.items))


def _fix_initial_value(
    _document: Document, place: ProblemPlace, cell: CellEntry, types: StudioTypes
) -> QuickFix | None:
    name = str(place.rest[1]) if len(place.rest) > 1 else ""
    if name not in cell.initial_values:
        return None
    free = [output for output in ports_of(cell, types).outputs if output not in cell.initial_values]
    meant = nearest(name, free) if name not in ports_of(cell, types).outputs else None
    if meant is None:
        return QuickFix(
            "Remove the initial value",
            lambda document: edits.set_initial_value(document, place.path, place.cell, name, edits.DEFAULT),
        )
    values = {meant if key == name else key: value for key, value in cell.initial_values.items()}
    return QuickFix(f"Give it to {meant}", lambda document: _change(document, place, initial_values=values))


def _fix_bypassed(_document: Document, place: ProblemPlace, _cell: CellEntry, _types: StudioTypes) -> QuickFix:
    return QuickFix(
        "Do not bypass it", lambda document: edits.set_flag(document, place.path, [place.cell], "bypassed", False)
    )


def _fix_unconnected(document: Document, place: ProblemPlace, cell: CellEntry, types: StudioTypes) -> QuickFix | None:
    """Connect the one input that is not with the one output of its kind."""
    body = edits.body_at(document, place.path)
    fed = {connection.target for connection in body.connections}
    missing = [name for name in ports_of(cell, types).required() if f"{place.cell}.{name}" not in fed]
    if len(missing) != 1:
        return None
    target = f"{place.cell}.{missing[0]}"
    wanted = ports_of(cell, types).inputs[missing[0]].kinds
    refused = compatible_outputs(document, place.path, types, target)
    fitting = [
        f"{name}.{port.name}"
        for name, other in body.cells.items()
        if name != place.cell and not other.disabled
        for port in ports_of(other, types).outputs.values()
        if not refused.get((name, port.name)) and _is_surely_meant(port.kinds, wanted)
    ]
    if len(fitting) != 1:
        return None
    return QuickFix(
        f"Connect with {fitting[0]}",
        lambda document: edits.connect(document, place.path, fitting[0], target, types),
    )


def _is_surely_meant(given: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether an output and an input are of the same kind, not only such that anything fits."""
    return "any" not in {*given, *wanted} and bool(set(given) & set(wanted))


def _change(document: Document, place: ProblemPlace, **changes: Any) -> Document:
    body = edits.body_at(document, place.path)
    changed = body.cells[place.cell].model_copy(update=changes)
    return edits.with_body(document, place.path, cells={**body.cells, place.cell: changed})


def _set(document: Document, place: ProblemPlace, parameter: str, value: Any) -> Document:
    return edits.set_parameter(document, place.path, place.cell, parameter, value)


# ---------------------------------------------------------------------- connections


def _fix_connection(
    problem: GraphProblem, place: ProblemPlace, body: Body, connection: ConnectionEntry, types: StudioTypes
) -> QuickFix:
    index = place.connection
    assert index is not None
    remove = QuickFix("Remove the connection", lambda document: _without(document, place, index))
    if any(other.target == connection.target for other in body.connections[:index]):
        return remove  # the input is occupied
    for is_source in (True, False):
        end = connection.source if is_source else connection.target
        found, meant = _find_end(body, end, is_source, types)
        if not found:
            return _lead_elsewhere(place, index, is_source, meant) if meant else remove
    source, output = split_end(connection.source)
    target, _ = split_end(connection.target)
    if source is None or target is None:
        return _without_mark(place, index) if connection.mark else remove
    edges = edges_of(body, types)
    following: dict[str, list[str]] = {}
    for edge in edges:
        following.setdefault(edge.source, []).append(edge.target)
    lies_on_circle = source in reached(following, target)
    begins = has_initial_value(body.cells[source], output, types)
    if connection.mark and not lies_on_circle:
        return _without_mark(place, index)
    given, wanted = _port(body, connection.source, True, types), _port(body, connection.target, False, types)
    if not lies_on_circle or problem.severity == "warning":
        is_conflict = given is not None and wanted is not None and not fits(given.kinds, wanted.kinds)
        return remove if is_conflict or not connection.mark else _without_mark(place, index)
    if begins:
        return QuickFix("Mark it as recurrent", lambda document: _replace(document, place, index, mark="recurrent"))
    return _with_initial_value(place, source, output, given)


def _find_end(body: Body, end: str, is_source: bool, types: StudioTypes) -> tuple[bool, str]:
    """Whether an end of a connection is there; and where not, the one that was probably meant."""
    cell, port = split_end(end)
    if cell is None:
        own = body.inputs if is_source else body.outputs
        return end in own, nearest(end, list(own)) or ""
    if cell not in body.cells:
        meant = nearest(cell, list(body.cells))
        if meant is None or port not in _side(ports_of(body.cells[meant], types), is_source):
            return False, ""
        return False, f"{meant}.{port}"
    ports = ports_of(body.cells[cell], types)
    known = _side(ports, is_source)
    if port in known or ports.is_open:
        return True, ""
    meant = nearest(port, list(known)) or (next(iter(known)) if len(known) == 1 else None)
    return False, f"{cell}.{meant}" if meant else ""


def _side(ports: Ports, is_source: bool) -> dict[str, PortType]:
    return ports.outputs if is_source else ports.inputs


def _port(body: Body, end: str, is_source: bool, types: StudioTypes) -> PortType | None:
    cell, port = split_end(end)
    return _side(ports_of(body.cells[cell], types), is_source).get(port) if cell in body.cells and cell else None


def _lead_elsewhere(place: ProblemPlace, index: int, is_source: bool, end: str) -> QuickFix:
    side = "source" if is_source else "target"
    return QuickFix(f"Connect {end}", lambda document: _replace(document, place, index, **{side: end}))


def _without_mark(place: ProblemPlace, index: int) -> QuickFix:
    return QuickFix("Do not mark it", lambda document: _replace(document, place, index, mark=None))


def _with_initial_value(place: ProblemPlace, cell: str, output: str, port: PortType | None) -> QuickFix:
    value = _FIRST_VALUES.get(port.kinds[0]) if port is not None and len(port.kinds) == 1 else None
    words = {0: "0", "": "an empty text"}.get(value, "nothing") if value is not None else "nothing"
    return QuickFix(
        f"Begin with {words}",
        lambda document: edits.set_initial_value(document, place.path, cell, output, value),
    )


def _replace(document: Document, place: ProblemPlace, index: int, **changes: Any) -> Document:
    connections = list(edits.body_at(document, place.path).connections)
    connections[index] = connections[index].model_copy(update=changes)
    return edits.with_body(document, place.path, connections=connections)


def _without(document: Document, place: ProblemPlace, index: int) -> Document:
    connections = list(edits.body_at(document, place.path).connections)
    del connections[index]
    return edits.with_body(document, place.path, connections=connections)

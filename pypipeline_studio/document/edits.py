"""Changes to a document, each as a function to another document. The one given stays as it is.

`path` leads to the pipeline in which the change is made; the empty one is the outermost. A cell that is changed keeps its
place among the others, and everything else that the file says about it, whether its type is known or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from pypipeline_engine.catalogue.model import CellType, Types
from pypipeline_engine.graph.model import (
    Body,
    CellEntry,
    ConnectionEntry,
    Document,
    OnError,
    RayOptions,
    Scale,
    explain_name,
    split_end,
)
from pypipeline_engine.graph.problems import WrongGraphException, describe
from pypipeline_engine.graph.reader import read
from pypipeline_engine.graph.writer import to_text
from pypipeline_studio.document.circles import needs_mark

Path: TypeAlias = tuple[str, ...]
Position: TypeAlias = tuple[float, float]

FARTHEST: Final = 1e6
"""Coordinates beyond this are taken for a mistake."""


class GraphEditRefused(Exception):
    """A change that cannot be made; the message is for people."""


class _Default:
    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Final = _Default()
"""Stands for the default of a parameter, which the file does not say."""


# ---------------------------------------------------------------------- pipelines in the document


def has_body(document: Document, path: Path) -> bool:
    """Whether there is a pipeline at the end of `path`."""
    if not path:
        return True
    cell = document.find(path)
    return cell is not None and cell.is_pipeline


def body_at(document: Document, path: Path) -> Body:
    """The pipeline at the end of `path`. Raises `KeyError` where there is none."""
    if not path:
        return document
    cell = document.find(path)
    if cell is None or not cell.is_pipeline:
        raise KeyError(".".join(path))
    return cell


def with_body(document: Document, path: Path, **changes: Any) -> Document:
    """The document with other values of fields of the pipeline at the end of `path`."""
    changed = body_at(document, path).model_copy(update=changes)
    if isinstance(changed, Document):
        return changed
    assert isinstance(changed, CellEntry)
    return document.with_cell(path, changed)


def _with_cell(document: Document, path: Path, name: str, **changes: Any) -> Document:
    body = body_at(document, path)
    cell = body.cells[name].model_copy(update=changes)
    return with_body(document, path, cells={**body.cells, name: cell})


# ---------------------------------------------------------------------- cells


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """`wanted`, or with a number behind it where that is taken: `detect`, `detect_2`."""
    names = set(taken)
    if wanted not in names:
        return wanted
    stem = re.sub(r"_\d+$", "", wanted)
    number = 2
    while f"{stem}_{number}" in names:
        number += 1
    return f"{stem}_{number}"


def name_for(cell_type: CellType | str) -> str:
    """A name for a new cell of a type: `hog_people` for `detection.HogPeople`."""
    class_name = (cell_type if isinstance(cell_type, str) else cell_type.name).rpartition(".")[2]
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+", class_name)
    return "_".join(word.lower() for word in words) or "cell"


def add_cell(
    document: Document, path: Path, cell_type: CellType | str, position: Position, name: str | None = None
) -> tuple[Document, str]:
    """Add a cell behind the others.

    :param cell_type: a type, or `Pipeline` for an empty nested one.
    :returns: the document, and the name that the cell got.
    :raises GraphEditRefused: if `name` cannot be one.
    """
    body = body_at(document, path)
    if name is not None and (reason := explain_name(name)) is not None:
        raise GraphEditRefused(f"No cell can have this name: {reason}.")
    own_name = free_name(name or name_for(cell_type), body.cells)
    type_name = cell_type if isinstance(cell_type, str) else cell_type.name
    cells = {**body.cells, own_name: CellEntry(type=type_name)}
    view = {**body.view, own_name: {"pos": _rounded(position)}}
    return with_body(document, path, cells=cells, view=view), own_name


def remove_cells(document: Document, path: Path, names: Sequence[str]) -> Document:
    """Remove cells with their connections."""
    body, gone = body_at(document, path), set(names)
    return with_body(
        document,
        path,
        cells={name: cell for name, cell in body.cells.items() if name not in gone},
        connections=[c for c in body.connections if not gone & _cells_of(c)],
        view={name: value for name, value in body.view.items() if name not in gone},
    )


def rename_cell(document: Document, path: Path, old: str, new: str) -> Document:
    """Give a cell another name; its connections follow.

    :raises GraphEditRefused: if the name is taken, or cannot be one.
    """
    body = body_at(document, path)
    if old == new:
        return document
    reason = explain_name(new)
    if reason is not None:
        raise GraphEditRefused(f"{describe(old)} cannot be renamed: {reason}.")
    if new in body.cells:
        raise GraphEditRefused(f"{describe(old)} cannot be renamed to {describe(new)}: another cell has that name.")
    return with_body(
        document,
        path,
        cells={new if name == old else name: cell for name, cell in body.cells.items()},
        connections=[_renamed(connection, {old: new}) for connection in body.connections],
        view={new if name == old else name: value for name, value in body.view.items()},
    )


def move_cells(document: Document, path: Path, positions: Mapping[str, Position]) -> Document:
    """Put cells at other places of the canvas, to the whole pixel."""
    body = body_at(document, path)
    view = dict(body.view)
    for name, position in positions.items():
        if name in body.cells or name in ("<", ">"):
            known = view.get(name)
            view[name] = {**(known if isinstance(known, dict) else {}), "pos": _rounded(position)}
    return document if view == body.view else with_body(document, path, view=view)


def _rounded(position: Position) -> list[int]:
    return [round(position[0]), round(position[1])]


def set_parameter(document: Document, path: Path, name: str, parameter: str, value: Any) -> Document:
    """Give a parameter another value; `DEFAULT` takes it out of the file.

    :param value: a JSON value. Whether the cell takes it is seen when the document is checked.
    :raises GraphEditRefused: if no graph file could hold the value.
    """
    parameters = dict(body_at(document, path).cells[name].parameters)
    if value is DEFAULT:
        parameters.pop(parameter, None)
    else:
        parameters[parameter] = _json(value, f"{name}.{parameter}")
    return _with_cell(document, path, name, parameters=parameters)


def set_initial_value(document: Document, path: Path, name: str, output: str, value: Any) -> Document:
    """Give an output a value that is there before the cell ran; `DEFAULT` takes it away.

    :raises GraphEditRefused: if no graph file could hold the value.
    """
    values = dict(body_at(document, path).cells[name].initial_values)
    if value is DEFAULT:
        values.pop(output, None)
    else:
        values[output] = _json(value, f"{name}.{output}")
    return _with_cell(document, path, name, initial_values=values)


def _json(value: Any, name: str) -> Any:
    """The value, if a graph file can hold it."""
    try:
        CellEntry(type="any", parameters={"value": value})
    except ValidationError as error:
        raise GraphEditRefused(f"{name} cannot have this value: {_reason(error)}.") from error
    return value


def _reason(error: ValidationError) -> str:
    return str(error.errors(include_url=False)[0]["msg"])


def set_scale(
    document: Document, path: Path, name: str, *, thread: int, ray: int = 0, queue_capacity: int | None = None
) -> Document:
    """Say how many clones a cell has; what is asked of Ray stays.

    :raises GraphEditRefused: if a number is out of range.
    """
    known = body_at(document, path).cells[name].scale
    try:
        scale = Scale(
            thread=thread,
            ray=ray,
            queue_capacity=queue_capacity,
            ray_options=known.ray_options if known is not None else None,
        )
    except ValidationError as error:
        raise GraphEditRefused(f"{describe(name)} cannot be scaled like this: {_reason(error)}.") from error
    return _with_cell(document, path, name, scale=None if scale == Scale() else scale)


def set_clones(document: Document, path: Path, numbers: Mapping[str, tuple[int, int]]) -> Document:
    """Say how many clones cells have, on threads and on Ray; all else of how they are scaled stays.

    :raises GraphEditRefused: if a number is out of range.
    """
    for name, (thread, ray) in numbers.items():
        known = body_at(document, path).cells[name].scale
        capacity = known.queue_capacity if known is not None else None
        document = set_scale(document, path, name, thread=thread, ray=ray, queue_capacity=capacity)
    return document


def set_ray_options(document: Document, path: Path, name: str, options: RayOptions | None) -> Document:
    """Say what each Ray clone of a cell asks of the cluster; `None` for nothing."""
    known = body_at(document, path).cells[name].scale or Scale()
    scale = known.model_copy(update={"ray_options": options})
    return _with_cell(document, path, name, scale=None if scale == Scale() else scale)


def set_on_error(document: Document, path: Path, name: str, policy: OnError | None) -> Document:
    """Say what happens when a cell fails; `None` for what is usual."""
    return _with_cell(document, path, name, on_error=policy)


def set_flag(document: Document, path: Path, names: Iterable[str], flag: str, value: bool) -> Document:
    """Disable or bypass cells, or use them again. `flag` is `disabled` or `bypassed`."""
    for name in names:
        document = _with_cell(document, path, name, **{flag: value})
    return document


def show_as_input(document: Document, path: Path, name: str, parameter: str, shown: bool) -> Document:
    """Show a runtime parameter as an input of its node also while it is not connected, or no longer."""
    body = body_at(document, path)
    known = body.view.get(name)
    own = dict(known) if isinstance(known, dict) else {}
    inputs = [other for other in own.get("inputs", []) if other != parameter] + ([parameter] if shown else [])
    own = {key: value for key, value in own.items() if key != "inputs"} | ({"inputs": inputs} if inputs else {})
    return with_body(document, path, view={**body.view, name: own})


def set_mark(document: Document, path: Path, names: Iterable[str], mark: str) -> Document:
    """Give cells a colour, or take it away where `mark` is empty."""
    body = body_at(document, path)
    view = dict(body.view)
    for name in names:
        known = view.get(name)
        own = {key: value for key, value in (known if isinstance(known, dict) else {}).items() if key != "colour"}
        view[name] = own | ({"colour": mark} if mark else {})
        if not view[name]:
            del view[name]
    return document if view == body.view else with_body(document, path, view=view)


def mark_of(body: Body, name: str) -> str:
    """The colour that a person gave a cell; empty where the file says none."""
    view = body.view.get(name)
    mark = view.get("colour") if isinstance(view, dict) else None
    return mark if isinstance(mark, str) else ""


def set_graph_name(document: Document, name: str) -> Document:
    """Give the whole graph another name.

    :raises GraphEditRefused: if it cannot be one.
    """
    reason = explain_name(name)
    if reason is not None:
        raise GraphEditRefused(f"The graph cannot have this name: {reason}.")
    return document if name == document.name else document.model_copy(update={"name": name})


# ---------------------------------------------------------------------- connections


def connect(document: Document, path: Path, source: str, target: str, types: Types | None = None) -> Document:
    """Connect an output with an input, in place of what fed the input.

    :param types: to mark the connection as recurrent where the graph would be ambiguous without.
    """
    body = body_at(document, path)
    if any(c.source == source and c.target == target for c in body.connections):
        return document
    made = ConnectionEntry(source=source, target=target)
    connections = list(body.connections)
    replaced = next((index for index, c in enumerate(connections) if c.target == target), None)
    if replaced is None:
        replaced = len(connections)
        connections.append(made)
    else:
        connections[replaced] = made
    if types is not None and needs_mark(body.model_copy(update={"connections": connections}), types, replaced):
        connections[replaced] = made.model_copy(update={"mark": "recurrent"})
    return with_body(document, path, connections=connections)


def disconnect(document: Document, path: Path, source: str, target: str) -> Document:
    """Take the connection between an output and an input away."""
    body = body_at(document, path)
    kept = [c for c in body.connections if (c.source, c.target) != (source, target)]
    return document if len(kept) == len(body.connections) else with_body(document, path, connections=kept)


def _cells_of(connection: ConnectionEntry) -> set[str]:
    return {cell for end in (connection.source, connection.target) if (cell := split_end(end)[0]) is not None}


def _renamed(connection: ConnectionEntry, names: Mapping[str, str]) -> ConnectionEntry:
    def renamed(end: str) -> str:
        cell, port = split_end(end)
        return end if cell is None or cell not in names else f"{names[cell]}.{port}"

    source, target = renamed(connection.source), renamed(connection.target)
    if (source, target) == (connection.source, connection.target):
        return connection
    return connection.model_copy(update={"source": source, "target": target})


# ---------------------------------------------------------------------- copies

COPY_OFFSET: Final = 32
"""How far from the originals copies are put, to the right and down, where no place is wanted."""


def copy_fragment(document: Document, path: Path, names: Sequence[str]) -> str:
    """Cells and what connects them, as the text of a graph file."""
    body, wanted = body_at(document, path), set(names)
    return to_text(
        Document(
            name=document.name,
            libraries=list(document.libraries),
            cells={name: cell for name, cell in body.cells.items() if name in wanted},
            connections=[c for c in body.connections if _is_inside(c, wanted)],
            view={name: value for name, value in body.view.items() if name in wanted},
        )
    )


def paste_fragment(
    document: Document, path: Path, text: str, position: Position | None = None
) -> tuple[Document, tuple[str, ...]]:
    """Add the cells of the text of a graph and what connects them, with other names where theirs are taken.

    :param position: where the top left of them goes.
    :returns: the document, and the names that the cells got.
    :raises GraphEditRefused: if the text is no graph.
    """
    try:
        fragment = read(text, "the clipboard")
    except WrongGraphException as error:
        raise GraphEditRefused(f"The clipboard holds no cells: {error.problems[0].message}.") from error
    body = body_at(document, path)
    names: dict[str, str] = {}
    for name in fragment.cells:
        names[name] = free_name(name, {*body.cells, *names.values()})
    places = {name: position_of(fragment, name) for name in fragment.cells}
    left, top = (min((place[axis] for place in places.values()), default=0.0) for axis in (0, 1))
    x, y = (position[0] - left, position[1] - top) if position is not None else (COPY_OFFSET, COPY_OFFSET)
    # What leads elsewhere would end at cells here that happen to have the same names.
    connections = [_renamed(c, names) for c in fragment.connections if _is_inside(c, set(names))]
    view = dict(body.view)
    for name, own_name in names.items():
        known = fragment.view.get(name)
        place = _rounded((places[name][0] + x, places[name][1] + y))
        view[own_name] = {**(known if isinstance(known, dict) else {}), "pos": place}
    return (
        with_body(
            document,
            path,
            cells={**body.cells, **{names[name]: cell for name, cell in fragment.cells.items()}},
            connections=[*body.connections, *connections],
            view=view,
        ),
        tuple(names.values()),
    )


def position_of(body: Body, name: str, default: Position = (0.0, 0.0)) -> Position:
    """Where a cell stands on the canvas; `default` where the file does not say it in a way that can be understood."""
    view = body.view.get(name)
    place = view.get("pos") if isinstance(view, dict) else None
    if isinstance(place, list) and len(place) == 2:
        x, y = place
        if all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < FARTHEST for v in (x, y)):
            return (float(x), float(y))
    return default


def _is_inside(connection: ConnectionEntry, names: set[str]) -> bool:
    return all(split_end(end)[0] in names for end in (connection.source, connection.target))

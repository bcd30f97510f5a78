"""What several cells have in common, and changing it in all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pypipeline_engine.catalogue.model import CellType, ParameterType
from pypipeline_engine.graph.model import MAX_CLONES, CellEntry, Document, OnError, Scale, split_end
from pypipeline_studio.document import edits
from pypipeline_studio.document.json_values import is_same
from pypipeline_studio.document.scaling import Method, change_clones, method_of
from pypipeline_studio.document.types import StudioTypes


class _Mixed:
    def __repr__(self) -> str:
        return "MIXED"


MIXED: Final = _Mixed()
"""Stands for values that differ from cell to cell."""
UNSET: Final = _Mixed()
"""Stands for a value that a cell has to have, and has not."""


@dataclass(frozen=True)
class CommonParameter:
    """A parameter that all of the cells have."""

    parameter: ParameterType
    """As the first cell declares it."""
    value: Any
    """The JSON value that all have, `MIXED`, or `UNSET` where none has one."""
    values: tuple[tuple[str, Any], ...]
    """By cell, the value that it has."""
    is_changed: bool
    """Whether the file sets it for any of them."""


@dataclass(frozen=True)
class Several:
    """Cells of one pipeline."""

    names: tuple[str, ...]
    parameters: tuple[CommonParameter, ...]
    can_scale: bool
    """Whether all can run, so that there is something to scale."""
    clones: Any
    """How many each has, or `MIXED`."""
    method: Any
    """On what they run (`Method`), `MIXED`, or `None` where none has any."""
    capacity: Any
    """Of the queues: a number, `None` for the usual one, or `MIXED`."""
    single: tuple[str, ...]
    """Those that can have one clone at most."""
    policy: Any
    """An `OnError`, or `MIXED`."""
    disabled: Any
    bypassed: Any


def several(document: Document, path: edits.Path, names: Sequence[str], types: StudioTypes) -> Several:
    """What cells of the pipeline at the end of `path` have in common."""
    body = edits.body_at(document, path)
    cells = {name: body.cells[name] for name in names}
    fed = {split_end(connection.target) for connection in body.connections}
    known = {name: _usable(cell, types) for name, cell in cells.items()}
    scales = [cell.scale or Scale() for cell in cells.values()]
    scaled = [method_of(scale) for scale in scales if scale.clones]
    return Several(
        tuple(cells),
        tuple(_common_parameters(cells, known, fed)),
        all(cell.is_pipeline or known[name] is not None for name, cell in cells.items()),
        _shared(scale.clones for scale in scales),
        _shared(scaled) if scaled else None,
        _shared(scale.queue_capacity for scale in scales),
        tuple(name for name in cells if _is_single(known[name])),
        _shared(cell.on_error or OnError() for cell in cells.values()),
        _shared(cell.disabled for cell in cells.values()),
        _shared(cell.bypassed for cell in cells.values()),
    )


def _usable(cell: CellEntry, types: StudioTypes) -> CellType | None:
    cell_type = None if cell.is_pipeline else types.find(cell.type)
    return cell_type if cell_type is not None and not cell_type.problem else None


def _is_single(cell_type: CellType | None) -> bool:
    return cell_type is not None and not cell_type.supports_scaling


def _common_parameters(
    cells: Mapping[str, CellEntry], known: Mapping[str, CellType | None], fed: set[tuple[str | None, str]]
) -> Iterable[CommonParameter]:
    first = next(iter(known.values()), None)
    for parameter in first.parameters if first is not None else ():
        declared = {
            name: cell_type.find_parameter(parameter.name) if cell_type is not None else None
            for name, cell_type in known.items()
        }
        if any(other is None or _kind(other) != _kind(parameter) for other in declared.values()):
            continue
        if any((name, parameter.name) in fed for name in cells):
            continue
        values = tuple(
            (name, cells[name].parameters.get(parameter.name, _default(other)))
            for name, other in declared.items()
            if other is not None
        )
        is_changed = any(parameter.name in cell.parameters for cell in cells.values())
        yield CommonParameter(parameter, _shared(value for _, value in values), values, is_changed)


def _kind(parameter: ParameterType) -> ParameterType:
    """What decides whether two parameters mean the same: all but how they are explained and what they usually are."""
    return parameter.model_copy(update={"doc": "", "default": None, "required": False, "type_text": ""})


def _default(parameter: ParameterType) -> Any:
    return UNSET if parameter.required else parameter.default


def _shared(values: Iterable[Any]) -> Any:
    """The value that all are; `MIXED` where they differ."""
    found = list(values)
    first = found[0] if found else None
    for value in found[1:]:
        same = value is first or (
            is_same(value, first) if not isinstance(first, _Mixed | OnError) else bool(value == first)
        )
        if not same:
            return MIXED
    return first


# ---------------------------------------------------------------------- changes


def set_parameter(document: Document, path: edits.Path, names: Iterable[str], parameter: str, value: Any) -> Document:
    """Give a parameter of cells another value; `edits.DEFAULT` takes it out of the file.

    :raises GraphEditRefused: if no graph file could hold the value.
    """
    for name in names:
        document = edits.set_parameter(document, path, name, parameter, value)
    return document


def set_clones(document: Document, path: edits.Path, names: Iterable[str], count: int, usual: Method) -> Document:
    """Give each cell so many clones, on what its clones run already.

    :param usual: what those run on that have none yet; cells with clones on both keep as many as they can on Ray.
    :raises GraphEditRefused: if a number is out of range.
    """
    cells = edits.body_at(document, path).cells
    numbers = {}
    for name in names:
        scale = cells[name].scale or Scale()
        method = method_of(scale) if scale.clones else usual
        ray = count if method == "ray" else min(scale.ray, count) if method == "both" else 0
        numbers[name] = (count - ray, ray)
    return edits.set_clones(document, path, numbers)


def add_clones(document: Document, path: edits.Path, names: Iterable[str], difference: int, usual: Method) -> Document:
    """Give each cell so many more clones, fewer where it is negative; those at an end of the range stay."""
    cells = edits.body_at(document, path).cells
    numbers = {name: change_clones(cells[name].scale, difference, usual) for name in names}
    return edits.set_clones(document, path, {name: pair for name, pair in numbers.items() if sum(pair) <= MAX_CLONES})


def set_capacity(document: Document, path: edits.Path, names: Iterable[str], capacity: int | None) -> Document:
    """Say how long the queue of each cell is; `None` for the usual length."""
    for name in names:
        scale = edits.body_at(document, path).cells[name].scale or Scale()
        document = edits.set_scale(document, path, name, thread=scale.thread, ray=scale.ray, queue_capacity=capacity)
    return document


def set_policy(document: Document, path: edits.Path, names: Iterable[str], policy: OnError) -> Document:
    """Say what happens when one of the cells fails."""
    for name in names:
        document = edits.set_on_error(document, path, name, None if policy == OnError() else policy)
    return document

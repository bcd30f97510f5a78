"""What changed between two documents, as far as a run that goes on can follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from pypipeline_engine.catalogue.model import Types
from pypipeline_engine.graph.model import Body, CellEntry, Document, OnError, Scale
from pypipeline_studio.document.json_values import is_same


@dataclass(frozen=True)
class ParameterChange:
    """Another value of a runtime parameter. `cell` is a full name without that of the graph."""

    cell: str
    parameter: str
    value: Any


@dataclass(frozen=True)
class ScaleChange:
    """Another number of clones."""

    cell: str
    thread: int
    ray: int


@dataclass(frozen=True)
class PolicyChange:
    """Something else that happens when a cell fails at an item."""

    cell: str
    on_error: OnError


_Change: TypeAlias = ParameterChange | ScaleChange | PolicyChange


@dataclass(frozen=True)
class Changes:
    """What can be applied to a run, and whether there is more, for which the graph has to be started again."""

    parameters: tuple[ParameterChange, ...] = ()
    scales: tuple[ScaleChange, ...] = ()
    policies: tuple[PolicyChange, ...] = ()
    needs_restart: bool = False


def changes_between(before: Document, after: Document, types: Types) -> Changes:
    """What a run of `before` has to do to become one of `after`. Positions and other view data do not count."""
    if before is after:
        return Changes()
    found = list(_compare(before, after, (), types))
    return Changes(
        tuple(change for change in found if isinstance(change, ParameterChange)),
        tuple(change for change in found if isinstance(change, ScaleChange)),
        tuple(change for change in found if isinstance(change, PolicyChange)),
        any(change is None for change in found),
    )


def _compare(before: Body, after: Body, path: tuple[str, ...], types: Types) -> Iterator[_Change | None]:
    """The changes of one pipeline; `None` for one that needs a restart."""
    same_shape = (
        before.inputs == after.inputs
        and before.outputs == after.outputs
        and before.connections == after.connections
        and list(before.cells) == list(after.cells)
    )
    if not same_shape:
        yield None
    for name, cell in after.cells.items():
        earlier = before.cells.get(name)
        if earlier is not None and earlier is not cell:
            yield from _compare_cells(earlier, cell, (*path, name), types)


def _compare_cells(
    before: CellEntry, after: CellEntry, path: tuple[str, ...], types: Types
) -> Iterator[_Change | None]:
    name = ".".join(path)
    if before.type != after.type:
        yield None
        return
    if before.is_pipeline:
        yield from _compare(before, after, path, types)
    cell_type = types.find(before.type)
    for parameter in dict.fromkeys([*before.parameters, *after.parameters]):
        is_in_both = parameter in before.parameters and parameter in after.parameters
        if is_in_both and is_same(before.parameters[parameter], after.parameters[parameter]):
            continue
        declared = cell_type.find_parameter(parameter) if cell_type is not None else None
        if declared is None or declared.when != "runtime" or (parameter not in after.parameters and declared.required):
            yield None
        else:
            yield ParameterChange(name, parameter, after.parameters.get(parameter, declared.default))
    if before.scale != after.scale:
        earlier, later = before.scale or Scale(), after.scale or Scale()
        if (earlier.thread, earlier.ray) != (later.thread, later.ray):
            yield ScaleChange(name, later.thread, later.ray)
        if (earlier.queue_capacity, earlier.ray_options) != (later.queue_capacity, later.ray_options):
            yield None
    if before.on_error != after.on_error:
        yield PolicyChange(name, after.on_error or OnError())
    others = set(CellEntry.model_fields) - set(Body.model_fields) - {"type", "parameters", "scale", "on_error"}
    if any(getattr(before, field) != getattr(after, field) for field in others):
        yield None

"""What has to be known of a pipeline besides what is counted: where its stream begins and ends, and what may be scaled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pypipeline_engine.cell import ACell, ACompositeCell, ScalableCell


@dataclass(frozen=True)
class CellRole:
    """One cell that is no composite."""

    is_source: bool = False
    """Whether it has no connected input: the stream begins here."""
    is_sink: bool = False
    """Whether it has no connected output: the stream ends here."""
    can_have_thread: bool = False
    """Whether it may have a thread of its own."""
    can_have_clones: bool = False
    """Whether its items may be divided over several clones."""
    is_on_cycle: bool = False
    """Whether what it gives comes back to it: one item at a time goes round."""


Structure = Mapping[str, CellRole]
"""The roles of cells, by the names that statistics without the name of the pipeline have."""
UNKNOWN = CellRole()


def get_structure(pipeline: ACell) -> dict[str, CellRole]:
    """The roles of all cells of a pipeline. The pipeline is not changed meanwhile."""
    prefix = f"{pipeline.get_name()}."
    return {
        cell.get_full_name().removeprefix(prefix): _get_role(cell, is_on_cycle)
        for cell, is_on_cycle in _walk(pipeline, False)
    }


def get_sources(structure: Structure) -> list[str]:
    """The cells where a stream begins."""
    return [name for name, role in structure.items() if role.is_source]


def _walk(cell: ACell, is_on_cycle: bool) -> Iterator[tuple[ACell, bool]]:
    """The single cells, and whether each lies on a cycle, or in something that does."""
    if not isinstance(cell, ACompositeCell):
        yield cell, is_on_cycle
        return
    around = _find_on_cycles(cell)
    for inner in cell.get_internal_cells():
        yield from _walk(inner, is_on_cycle or inner in around)


def _find_on_cycles(composite: ACompositeCell) -> set[ACell]:
    """The cells directly in `composite` that are on the way from the end of a recurrent connection to its start."""
    forwards: dict[ACell, set[ACell]] = {}
    backwards: dict[ACell, set[ACell]] = {}
    cycles: list[tuple[ACell, ACell]] = []
    for connection in composite.get_internal_connections():
        start, end = connection.get_source().get_cell(), connection.get_target().get_cell()
        if connection.is_recurrent():
            cycles.append((end, start))
        else:
            forwards.setdefault(start, set()).add(end)
            backwards.setdefault(end, set()).add(start)
    found: set[ACell] = set()
    for first, last in cycles:
        found |= _reach(first, forwards) & _reach(last, backwards)
    return found


def _reach(first: ACell, steps: Mapping[ACell, set[ACell]]) -> set[ACell]:
    found, pending = {first}, [first]
    while pending:
        new = steps.get(pending.pop(), set()) - found
        found |= new
        pending.extend(new)
    return found


def _get_role(cell: ACell, is_on_cycle: bool) -> CellRole:
    parent = cell.get_parent_cell()
    can_have_thread = isinstance(parent, ScalableCell)
    outer = parent if isinstance(parent, ScalableCell) else cell
    return CellRole(
        is_source=cell.is_source_cell(),
        is_sink=outer.is_sink_cell(),
        can_have_thread=can_have_thread,
        can_have_clones=can_have_thread and cell.supports_scaling(),
        is_on_cycle=is_on_cycle,
    )

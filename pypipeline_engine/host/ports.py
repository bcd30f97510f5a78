"""Outputs of a running pipeline by the names that they have in the graph."""

from __future__ import annotations

from typing import Any, NamedTuple

from pypipeline_engine.cell import ACell, ASingleCell, RayCloneCell, ScalableCell, ThreadCloneCell
from pypipeline_engine.cellio import IO, Output
from pypipeline_engine.graph.problems import describe, suggestion
from pypipeline_engine.host.control import find_cell
from pypipeline_engine.host.graphs import Built
from pypipeline_engine.host.refusals import CONFLICT, UNPROCESSABLE, Refused
from pypipeline_engine.insight.bottleneck import listed
from pypipeline_engine.runtime.remote.border import leaves


class Place(NamedTuple):
    """The output of a single cell."""

    cell: str
    """Its full name, that of the graph in front."""
    output: str


def find_output(built: Built, cell: str, port: str) -> Place:
    """The output whose values leave a cell through a port: of a nested pipeline, that of a cell inside of it.

    :raises Refused: where there is none, or its values are not in this process.
    """
    found = find_cell(built, cell)
    names = found.get_output_names()
    if port not in names:
        if port in found.get_input_names():
            raise Refused(UNPROCESSABLE, f"{cell}.{port} is an input: name the output that it is connected to")
        known = f"; it has {', '.join(names)}" if names else "; it has none"
        raise Refused(
            UNPROCESSABLE, f"{cell} has no output {describe(port)}{suggestion(port, names) if names else ''}{known}"
        )
    io: IO[Any] = found.get_output(port)
    while not isinstance(io, Output):
        incoming = io.get_incoming_connections()
        if not incoming:
            raise Refused(UNPROCESSABLE, f"{cell}.{port} is not connected, and has no values")
        io = incoming[0].get_source()
    owner = io.get_cell()
    assert isinstance(owner, ASingleCell)
    _refuse_elsewhere(owner, io)
    return Place(owner.get_full_name(), io.get_name())


def find_cell_to_retain(built: Built, cell: str) -> str:
    """The full name of a single cell by its name in the graph.

    :raises Refused: where there is none, or its values are not in this process.
    """
    found = find_cell(built, cell)
    if not isinstance(found, ASingleCell):
        raise Refused(UNPROCESSABLE, f"{cell} is a pipeline: name the cells inside of it")
    _refuse_elsewhere(found, *(output for output in found.get_outputs() if isinstance(output, Output)))
    return found.get_full_name()


def find_single_cell(built: Built, full_name: str) -> ASingleCell:
    """The cell itself, which its clones are copies of, by its full name."""
    cells = built.pipeline._get_cells_recursively()
    return next(one for one in cells if isinstance(one, ASingleCell) and one.get_full_name() == full_name)


def _refuse_elsewhere(cell: ASingleCell, *outputs: Output[Any]) -> None:
    """Refuse where the values stay in other processes: of their clones only what these bring is seen."""
    around: ACell | None = cell
    while around is not None:
        numbers = around.get_clone_methods() if isinstance(around, ScalableCell) else {}
        if numbers.get(RayCloneCell) and not numbers.get(ThreadCloneCell):
            assert isinstance(around, ScalableCell)
            if not any(leaves(output, around) for output in outputs):
                names = listed([output.get_name() for output in outputs])
                raise Refused(
                    CONFLICT,
                    f"{cell.get_name()} runs in other processes, by Ray, and nothing outside of {around.get_name()} reads "
                    f"{names}, so that its values do not come here: connect it, or run its clones on threads",
                )
        around = around.get_parent_cell()

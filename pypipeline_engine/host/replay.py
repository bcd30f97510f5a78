"""Running a cell again on what it had pulled for a held item: a fresh copy, with other parameters, beside the pipeline.

Runs the code of the cell and may take any time. The cell gets copies of the values, so that whatever it does to them, the
pipeline that is paused goes on with its own.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple

from pypipeline_engine.catalogue.values import Mismatch, convert
from pypipeline_engine.cell import ACompositeCell, ASingleCell, Pipeline
from pypipeline_engine.cellio import AParameter, Input, Output
from pypipeline_engine.connection import Connection
from pypipeline_engine.core.counters import CellStatistics
from pypipeline_engine.graph.edit import find_parameter
from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_engine.host.blame import Blame
from pypipeline_engine.host.control import refuse
from pypipeline_engine.host.graphs import Built
from pypipeline_engine.host.held import Held
from pypipeline_engine.host.looking import ReplayInfo, ReplayRequest
from pypipeline_engine.host.ports import find_single_cell
from pypipeline_engine.host.protocol import CellError
from pypipeline_engine.host.refusals import UNPROCESSABLE, Refused
from pypipeline_engine.host.summaries import summarize
from pypipeline_engine.numbers import counted

_STATE = (
    "the cell keeps state, or takes several values for an item: the copy begins without what the running cell has learnt "
    "from the items before"
)


class Replayed(NamedTuple):
    """What came of it, with the values themselves."""

    info: ReplayInfo
    outputs: dict[str, Any]


def replay(built: Built, held: Held, request: ReplayRequest) -> Replayed:
    """Run the cell of a held item again.

    :raises Refused: where the cell cannot be copied or must not run again, and for parameters that it does not take.
    """
    original = find_single_cell(built, held.place.cell)
    name = original.get_full_name().removeprefix(f"{built.pipeline.get_name()}.")
    if not held.item.inputs:
        raise Refused(
            UNPROCESSABLE,
            f"{name} cannot run this item again, because it had no inputs that are known here: it is a source, or runs in "
            f"another process inside of a pipeline that has clones there",
        )
    _refuse_writing(built, name)
    pipeline = Pipeline(None, built.pipeline.get_name())
    try:
        twin = original.clone(pipeline)
    except Exception as error:
        raise Refused(UNPROCESSABLE, f"{name} cannot be copied to run again: {refuse(error)}") from error
    assert isinstance(twin, ASingleCell)
    twin.set_error_policy(None)
    _set_parameters(built, name, twin, request.parameters)
    for port, values in held.item.inputs.items():
        if port not in request.parameters:
            feed = _Feed(pipeline, f"what {port} had", [_copied(value) for value in values])
            Connection(feed.value, twin.get_input(port))
    began = perf_counter()
    failure = _run(pipeline, twin, name)
    outputs = {} if failure is not None else _get_outputs(twin)
    info = ReplayInfo(
        held=held.number,
        cell=name,
        item=held.item.number,
        outputs={port: summarize(value) for port, value in outputs.items()},
        error=failure,
        note="" if original.supports_scaling() else _STATE,
        elapsed_s=perf_counter() - began,
    )
    return Replayed(info, outputs)


class _Feed(ASingleCell):
    """Gives the values, then ends."""

    def __init__(self, parent_cell: ACompositeCell | None, name: str, values: Sequence[Any]) -> None:
        super().__init__(parent_cell, name)
        self.value: Output[Any] = Output(self, "value")
        self._values = iter(values)

    def _on_pull(self) -> None:
        self.value.set_value(next(self._values))  # its end is that of the stream


def _refuse_writing(built: Built, name: str) -> None:
    """Refuse a cell that writes a file, which the running one may be writing at this moment."""
    entry = built.document.find(tuple(name.split(".")))
    cell_type = None if entry is None else built.types.find(entry.type)
    if cell_type is not None and any("output_path" in parameter.type.paths() for parameter in cell_type.parameters):
        raise Refused(
            UNPROCESSABLE, f"{name} writes a file: a second one of it would write the same file at the same time"
        )


def _set_parameters(built: Built, name: str, twin: ASingleCell, parameters: Mapping[str, Any]) -> None:
    for parameter, value in parameters.items():
        try:
            declared = find_parameter(built.document, f"{name}.{parameter}", built.types)
        except WrongGraphException as error:
            raise Refused(UNPROCESSABLE, error.problems[0].message) from error
        io = twin.get_input(parameter)
        assert isinstance(io, AParameter)
        try:
            io.set_value(convert(value, declared.type, built.folders))
        except Mismatch as error:
            raise Refused(UNPROCESSABLE, f"{name}.{parameter}: {error}") from error
        except Exception as error:
            raise refuse(error) from error


def _copied(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:  # what cannot be copied is shared, as between cells
        return value


def _run(pipeline: Pipeline, twin: ASingleCell, name: str) -> CellError | None:
    """Run one item; the error in place of the result, where there is none."""
    blame, passed_over = Blame(pipeline), list[Exception]()
    try:
        with pipeline.run(max_items=1, on_error=passed_over.append) as handle:
            handle.wait()
    except Exception as error:
        return blame.explain(error, is_fatal=True)
    if passed_over:
        return blame.explain(passed_over[0], is_fatal=False)
    cells = {cell.name: cell for cell in handle.statistics().cells}
    if handle.statistics().sink_items:
        return None
    return CellError(cell=name, message=_explain_absence(cells[twin.get_full_name()], twin))


def _explain_absence(cell: CellStatistics, twin: ASingleCell) -> str:
    if cell.skipped:
        return "the cell has no result for this item: it leaves a gap"
    inputs = [io for io in twin.get_inputs() if isinstance(io, Input) and io.is_connected()]
    return (
        f"the cell has ended the stream: it wants more values of its {counted(len(inputs), 'input')} than it had pulled for "
        f"the item that is held"
    )


def _get_outputs(twin: ASingleCell) -> dict[str, Any]:
    return {output.get_name(): output.get_value() for output in twin.get_outputs() if output.value_is_set()}

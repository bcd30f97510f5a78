"""Changes to a pipeline that runs: its parameters, clones and error policies, found by names as they are in the graph."""

from __future__ import annotations

from pypipeline_engine.catalogue.values import Mismatch, convert
from pypipeline_engine.cell import ACell, ErrorPolicy, Pipeline, RayCloneCell, ScalableCell, ThreadCloneCell
from pypipeline_engine.cellio import RuntimeParameter
from pypipeline_engine.core.errors import describe_error
from pypipeline_engine.exceptions import (
    AlreadyDeployedException,
    InactiveException,
    InvalidStateException,
    PipelineException,
)
from pypipeline_engine.graph.edit import find_parameter
from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.problems import WrongGraphException, describe, suggestion
from pypipeline_engine.host.graphs import Built
from pypipeline_engine.host.protocol import ErrorPolicyRequest, ParameterRequest, ScaleRequest
from pypipeline_engine.host.refusals import CONFLICT, UNPROCESSABLE, Refused

_NOT_NOW = (AlreadyDeployedException, InactiveException, InvalidStateException)


def set_parameter(built: Built, request: ParameterRequest) -> None:
    """Give a runtime parameter another value. Runs the cell's validation of it.

    :raises Refused: if there is no such parameter, it does not take the value, or it cannot change while running.
    """
    cell = _find_wrapper(built, request.cell).get_inner_cell()
    name = f"{request.cell}.{request.parameter}"
    try:
        declared = find_parameter(built.document, name, built.types)
    except WrongGraphException as error:
        raise Refused(UNPROCESSABLE, error.problems[0].message) from error
    if not declared.is_connectable:
        raise Refused(
            CONFLICT, f"{name} is read when the run starts and cannot change while it goes on: stop, and run again"
        )
    parameter = cell.get_input(request.parameter)
    assert isinstance(parameter, RuntimeParameter)
    if parameter.is_connected():
        raise Refused(
            CONFLICT, f"{name} is connected, and gets its values from there: a value set here would not be used"
        )
    try:
        parameter.set_value(convert(request.value, declared.type, built.folders))
    except Mismatch as error:
        raise Refused(UNPROCESSABLE, f"{name}: {error}") from error
    except Exception as error:
        raise refuse(error) from error


def scale(built: Built, request: ScaleRequest) -> None:
    """Bring the number of clones of a cell to the one asked for. Waits for what the engine has to bring to rest.

    :raises Refused: if there is no such cell, or it cannot have them.
    """
    wrapper = _find_wrapper(built, request.cell)
    try:
        wrapper.set_nb_clones({RayCloneCell: request.ray, ThreadCloneCell: request.thread})
    except Exception as error:
        raise refuse(error) from error


def set_error_policy(built: Built, request: ErrorPolicyRequest) -> None:
    """Change what happens when a cell raises an error. Waits for the item at hand where the cell gets another plan.

    :raises Refused: if there is no such cell, or its policy cannot change now.
    """
    cell = _find_wrapper(built, request.cell).get_inner_cell()
    try:
        cell.set_error_policy(ErrorPolicy(request.on_error.retry, request.on_error.then))
    except Exception as error:
        raise refuse(error) from error


def refuse(error: Exception) -> Refused:
    """What the engine, or the code of a cell, has against a change."""
    message = str(error) if isinstance(error, PipelineException) else describe_error(error)
    return Refused(CONFLICT if isinstance(error, _NOT_NOW) else UNPROCESSABLE, message)


def find_cell(built: Built, name: str) -> ACell:
    """The cell with this name, which its clones are copies of.

    :raises Refused: if there is none in the run.
    """
    return _find_wrapper(built, name).get_inner_cell()


def _find_wrapper(built: Built, name: str) -> ScalableCell:
    """The scalable cell that stands around the cell with this name."""
    inside: ACell = built.pipeline
    wrapper: ScalableCell | None = None
    for part in name.split("."):
        cells = {cell.get_name(): cell for cell in inside.get_internal_cells()} if isinstance(inside, Pipeline) else {}
        found = cells.get(part)
        if not isinstance(found, ScalableCell):
            raise Refused(UNPROCESSABLE, _explain_unknown(built.document, name))
        wrapper = found
        inside = wrapper.get_inner_cell()
    assert wrapper is not None
    return wrapper


def _explain_unknown(document: Document, name: str) -> str:
    known = [".".join(names) for names, _ in document.walk()]
    if name in known:
        return f"{describe(name)} does not run: it, or a pipeline around it, is disabled or bypassed"
    return f"there is no cell {describe(name)} in the run{suggestion(name, known)}"

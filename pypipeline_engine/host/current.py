"""The graph of a run as it is by now: what it was started with, and what clients have changed since."""

from __future__ import annotations

from typing import Any

from pypipeline_engine.graph.model import Document, Scale
from pypipeline_engine.host.protocol import ErrorPolicyRequest, ParameterRequest, ScaleRequest


def with_parameter(document: Document, request: ParameterRequest) -> Document:
    """The document with the value that a parameter was given."""
    cell = document.find(tuple(request.cell.split(".")))
    parameters = {**(cell.parameters if cell is not None else {}), request.parameter: request.value}
    return _with(document, request.cell, parameters=parameters)


def with_scale(document: Document, request: ScaleRequest) -> Document:
    """The document with the clones that a cell was given."""
    cell = document.find(tuple(request.cell.split(".")))
    before = (cell.scale if cell is not None else None) or Scale()
    scale = before.model_copy(update={"thread": request.thread, "ray": request.ray})
    return _with(document, request.cell, scale=None if scale == Scale() else scale)


def with_error_policy(document: Document, request: ErrorPolicyRequest) -> Document:
    """The document with the error policy that a cell was given."""
    return _with(document, request.cell, on_error=request.on_error)


def _with(document: Document, name: str, **update: Any) -> Document:
    path = tuple(name.split("."))
    cell = document.find(path)
    return document if cell is None else document.with_cell(path, cell.model_copy(update=update))

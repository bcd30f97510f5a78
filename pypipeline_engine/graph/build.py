"""Graph document -> cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pypipeline_engine.catalogue.describe import explain_failure, make
from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.catalogue.model import ANY, CellType, Folders, ValueType
from pypipeline_engine.catalogue.values import Mismatch, convert
from pypipeline_engine.cell import (
    ACell,
    ACompositeCell,
    ErrorPolicy,
    Pipeline,
    RayCloneCell,
    ScalableCell,
    ThreadCloneCell,
)
from pypipeline_engine.cellio import AParameter, Input, InputPort, OutputPort, RuntimeParameter
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import PipelineException
from pypipeline_engine.graph.check import check
from pypipeline_engine.graph.effective import without_inactive
from pypipeline_engine.graph.model import Body, CellEntry, Document, split_end
from pypipeline_engine.graph.problems import Parts, Problem, WrongGraphException, errors


class TransparentScalableCell(ScalableCell):
    """The scalable cell around each cell of a document. It does not show in full names: `people.detect` is both this cell
    and the one inside.

    Its ports have the names of the inputs and outputs of the inner cell.
    """

    def __init__(self, parent_cell: ACompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        # The inner cell may have an input of the same name, and this cell only has what the inner one has.
        self._remove_io(self.config_queue_capacity)

    def _get_prefix(self) -> str:
        return self._parent_cell._get_prefix() if self._parent_cell is not None else ""

    def _take_over(self, original: ACell) -> None:
        super()._take_over(original)
        assert isinstance(original, TransparentScalableCell)
        self.config_queue_capacity._copy_value_of(original.config_queue_capacity)


def build(document: Document, catalogue: Catalogue, folders: Folders | None = None) -> Pipeline:
    """The pipeline that a document describes, not deployed.

    Each of its cells stands in a scalable cell of the same name, so that it can be scaled while it runs.

    :param folders: what relative paths are relative to; by default the current folder.
    :raises WrongGraphException: with everything that is wrong with the document.
    """
    folders = folders or Folders(Path.cwd(), Path.cwd())
    problems = check(document, catalogue, folders)
    if errors(problems):
        raise WrongGraphException(problems, document.name)
    return construct(document, catalogue, folders)


def construct(document: Document, catalogue: Catalogue, folders: Folders, source: str = "") -> Pipeline:
    """As `build`, for a document that was checked.

    :param source: where the document is from, for messages.
    :raises WrongGraphException: with what the cells themselves refuse.
    """
    pipeline = Pipeline(None, document.name)
    builder = _Builder(catalogue, folders)
    builder.fill(pipeline, without_inactive(document, catalogue, folders), ())
    if builder.problems:
        raise WrongGraphException(builder.problems, source or document.name)
    return pipeline


@dataclass
class _Builder:
    catalogue: Catalogue
    folders: Folders
    problems: list[Problem] = field(default_factory=list)

    def report(self, message: object, *parts: str | int) -> None:
        self.problems.append(Problem(str(message), parts))

    def fill(self, pipeline: ACompositeCell, body: Body, parts: Parts) -> None:
        """Make the ports, cells and connections of a pipeline."""
        for name in body.inputs:
            InputPort[Any](pipeline, name)
        for name in body.outputs:
            OutputPort[Any](pipeline, name)
        fed: dict[str | None, set[str]] = {}
        for connection in body.connections:
            owner, port = split_end(connection.target)
            fed.setdefault(owner, set()).add(port)
        for name, cell in body.cells.items():
            self.add_cell(pipeline, name, cell, fed.get(name, set()), (*parts, "cells", name))
        if self.problems:
            return
        for index, connection in enumerate(body.connections):
            try:
                source = _find_end(pipeline, connection.source, is_source=True)
                target = _find_end(pipeline, connection.target, is_source=False)
                Connection(source, target, True if connection.mark else None)
            except Exception as error:
                self.report(_in_words(error), *parts, "connections", index)

    def add_cell(self, parent: ACompositeCell, name: str, entry: CellEntry, fed: set[str], parts: Parts) -> None:
        wrapper = TransparentScalableCell(parent, name)
        if entry.is_pipeline:
            inner: ACell = Pipeline(wrapper, name)
            assert isinstance(inner, Pipeline)
            self.fill(inner, entry, parts)
            cell_type = CellType(name=entry.type)
        else:
            cell_class = self.catalogue.resolve(entry.type)
            found = self.catalogue.find(entry.type)
            assert found is not None
            cell_type = found
            try:
                inner = make(cell_class, name, wrapper)
            except Exception as error:
                self.report(explain_failure(cell_class, error), *parts)
                return
        try:
            self.set_parameters(inner, entry, cell_type, parts)
            self.set_initial_values(inner, entry, cell_type, parts)
            _set_policies(inner, wrapper, entry)
            _mirror(wrapper, inner, fed)
        except Exception as error:  # supports_scaling() and the constructors of IO are code of the cell
            self.report(_in_words(error), *parts)

    def set_parameters(self, cell: ACell, entry: CellEntry, cell_type: CellType, parts: Parts) -> None:
        for name, value in entry.parameters.items():
            parameter, declared = cell.get_input(name), cell_type.find_parameter(name)
            assert isinstance(parameter, AParameter)
            assert declared is not None
            try:
                parameter.set_value(convert(value, declared.type, self.folders))
            except (PipelineException, Mismatch) as error:
                self.report(error, *parts, "parameters", name)

    def set_initial_values(self, cell: ACell, entry: CellEntry, cell_type: CellType, parts: Parts) -> None:
        for name, value in entry.initial_values.items():
            declared = cell_type.find_output(name)
            value_type: ValueType = declared.type if declared is not None and value is not None else ANY
            try:
                cell.get_output(name).set_initial_value(convert(value, value_type, self.folders))
            except (PipelineException, Mismatch) as error:
                self.report(error, *parts, "initial_values", name)


def _set_policies(cell: ACell, wrapper: ScalableCell, entry: CellEntry) -> None:
    if entry.on_error is not None:
        cell.set_error_policy(ErrorPolicy(entry.on_error.retry, entry.on_error.then))
    scale = entry.scale
    if scale is None:
        return
    if scale.queue_capacity is not None:
        wrapper.config_queue_capacity.set_value(scale.queue_capacity)
    if scale.ray_options is not None:
        wrapper.set_ray_options(scale.ray_options.model_dump(exclude_none=True))
    if scale.thread:
        wrapper.scale_up(scale.thread, ThreadCloneCell)
    if scale.ray:
        wrapper.scale_up(scale.ray, RayCloneCell)


def _mirror(wrapper: ScalableCell, cell: ACell, fed: set[str]) -> None:
    """Give the wrapper ports like those of the inner cell. A parameter needs one only where it is connected."""
    for io in cell.get_inputs():
        name = io.get_name()
        if isinstance(io, RuntimeParameter):
            if name in fed:
                Connection(InputPort[Any](wrapper, name, doc=io.doc), io)
        elif isinstance(io, Input | InputPort):
            Connection(InputPort[Any](wrapper, name, doc=io.doc), io)
    for output in cell.get_outputs():
        port = OutputPort[Any](wrapper, output.get_name(), doc=output.doc)
        Connection(output, port)
        if output.has_initial_value():
            port.set_initial_value(output.get_initial_value())


def _find_end(pipeline: ACompositeCell, end: str, is_source: bool) -> Any:
    """The port of a cell, or of the pipeline itself, at one end of a connection."""
    cell_name, port = split_end(end)
    if cell_name is None:
        return pipeline.get_input(port) if is_source else pipeline.get_output(port)
    cell = pipeline.get_internal_cell_with_name(cell_name)
    return cell.get_output(port) if is_source else cell.get_input(port)


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, PipelineException) else f"{type(error).__name__}: {error}"

"""Cells -> graph document: the inverse of `build`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pypipeline_engine.catalogue.describe import explain_failure, make
from pypipeline_engine.catalogue.discovery import OWN_DISTRIBUTION, Catalogue
from pypipeline_engine.catalogue.model import Folders
from pypipeline_engine.catalogue.values import Mismatch, to_json
from pypipeline_engine.cell import ACell, ACompositeCell, Pipeline, RayCloneCell, ScalableCell, ThreadCloneCell
from pypipeline_engine.cellio import IO, AParameter, InputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.graph.model import (
    PIPELINE,
    UNREADABLE,
    CellEntry,
    ConnectionEntry,
    Document,
    OnError,
    RayOptions,
    Scale,
)
from pypipeline_engine.graph.problems import Parts, Problem, WrongGraphException


def capture(pipeline: ACompositeCell, catalogue: Catalogue, folders: Folders | None = None) -> Document:
    """The document of a pipeline; building it gives cells like these.

    Every cell must be of a class that the catalogue knows, a pipeline, or a scalable cell around one of these. What is only
    in a document, and not in cells (`view`, disabled and bypassed cells), is not there again.

    :param folders: paths below these folders become relative to them.
    :raises WrongGraphException: with everything that a document cannot say.
    """
    worker = _Capture(catalogue, folders)
    body = worker.body(pipeline, ())
    name = pipeline.get_name()
    if worker.problems:
        raise WrongGraphException(worker.problems, name)
    return Document.model_validate({"name": name, "libraries": sorted(worker.libraries), **body})


@dataclass
class _Capture:
    catalogue: Catalogue
    folders: Folders | None
    problems: list[Problem] = field(default_factory=list)
    libraries: set[str] = field(default_factory=set)

    def report(self, message: str, parts: Parts) -> None:
        self.problems.append(Problem(message, parts))

    def body(self, pipeline: ACompositeCell, parts: Parts) -> dict[str, Any]:
        """Ports, cells and connections of a pipeline."""
        return {
            "inputs": [io.get_name() for io in pipeline.get_inputs() if isinstance(io, InputPort)],
            "outputs": [io.get_name() for io in pipeline.get_outputs()],
            "cells": {
                cell.get_name(): self.cell(cell, (*parts, "cells", cell.get_name()))
                for cell in pipeline.get_internal_cells()
            },
            "connections": self.connections(pipeline, parts),
        }

    def cell(self, cell: ACell, parts: Parts) -> CellEntry:
        """One cell, with the scalable cell around it where there is one."""
        scale = None
        inner = cell
        if isinstance(cell, ScalableCell):
            scale = _scale_of(cell)
            cells = cell.get_internal_cells()
            if not cells or isinstance(cells[0], ScalableCell):
                what = "is a scalable cell in another one" if cells else "has no inner cell"
                self.report(f"{cell.get_full_name()} {what}, which a document cannot say", parts)
                return CellEntry(type=PIPELINE)
            inner = cells[0]
        content: dict[str, Any] = {"type": self.type_name(inner, parts), "scale": scale}
        if content["type"] == PIPELINE and isinstance(inner, ACompositeCell):
            content |= self.body(inner, parts)
        content["parameters"] = self.parameters(inner, parts)
        content["initial_values"] = self.initial_values(inner, cell, content["type"], parts)
        policy = inner._error_policy or cell._error_policy
        if policy is not None:
            content["on_error"] = OnError(retry=policy.retries, then=policy.then)
        return CellEntry.model_validate(content)

    def type_name(self, cell: ACell, parts: Parts) -> str:
        name = self.catalogue.get_type_name(type(cell))
        if name is not None:
            library = self.catalogue.get_library(name.rpartition(".")[0])
            if library is not None and library.origin != OWN_DISTRIBUTION:
                self.libraries.add(library.origin)
            return name
        if isinstance(cell, Pipeline) and not any(isinstance(io, AParameter) for io in cell.get_inputs()):
            return PIPELINE
        self.report(
            f"{cell.get_full_name()} is a {type(cell).__name__}, which has no type name: put the class into a file or "
            f"module of its own and approve that as a library of cells",
            parts,
        )
        return UNREADABLE

    def parameters(self, cell: ACell, parts: Parts) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for io in cell.get_inputs():
            if isinstance(io, AParameter) and io.value_is_set():
                try:
                    values[io.get_name()] = self.to_json(io.get_value())
                except Mismatch as error:
                    self.report(f"{io.get_full_name()}: {error}", (*parts, "parameters", io.get_name()))
        return values

    def to_json(self, value: Any) -> Any:
        if isinstance(value, Path) and self.folders is not None:
            for folder in (self.folders.inputs, self.folders.outputs):
                if value.is_relative_to(folder):
                    return str(value.relative_to(folder))
        return to_json(value)

    def initial_values(self, cell: ACell, outer: ACell, type_name: str, parts: Parts) -> dict[str, Any]:
        """Those that the constructor does not give anyway. `outer` is the scalable cell around, or the cell itself."""
        given: dict[str, Any] = {}
        if type_name not in (PIPELINE, UNREADABLE):
            try:
                given = _initial_values(make(type(cell), cell.get_name()))
            except Exception as error:  # code of the cell
                self.report(explain_failure(type(cell), error), parts)
        values: dict[str, Any] = {}
        for name, value in {**_initial_values_at_ports(outer), **_initial_values(cell)}.items():
            try:
                as_json = to_json(value)
                if name not in given or to_json(given[name]) != as_json:
                    values[name] = as_json
            except Mismatch as error:
                self.report(
                    f"the initial value of {cell.get_full_name()}.{name}: {error}", (*parts, "initial_values", name)
                )
        return values

    # ------------------------------------------------------------------ connections

    def connections(self, pipeline: ACompositeCell, parts: Parts) -> list[ConnectionEntry]:
        connections = pipeline.get_internal_connections()
        # A connection marked as not recurrent makes another one of its cycle so, which a document says by marking that.
        has_refusal = any(connection.get_explicit_recurrence() is False for connection in connections)
        found: list[ConnectionEntry] = []
        for connection in connections:
            recurrent = connection.get_explicit_recurrence() or (has_refusal and connection.is_recurrent())
            for source, target in self.ends(connection, pipeline, parts):
                found.append(ConnectionEntry(source=source, target=target, mark="recurrent" if recurrent else None))
        return found

    def ends(self, connection: Connection[Any], pipeline: ACompositeCell, parts: Parts) -> list[tuple[str, str]]:
        """Both ends as a document names them. A port of a scalable cell stands for what it leads to inside."""
        source, target = connection.get_source(), connection.get_target()
        starts: list[IO[Any]] = [source]
        if isinstance(source.get_cell(), ScalableCell):
            starts = [inner.get_source() for inner in source.get_incoming_connections()]
        stops: list[IO[Any]] = [target]
        if isinstance(target.get_cell(), ScalableCell):
            stops = [inner.get_target() for inner in target.get_outgoing_connections()]
        ends: list[tuple[IO[Any], list[IO[Any]]]] = [(source, starts), (target, stops)]
        for end, inside in ends:
            outer = end.get_cell()
            if isinstance(outer, ScalableCell) and (not inside or any(io.get_cell() is outer for io in inside)):
                what = "passes a value round the inner cell" if inside else "is not connected inside"
                self.report(f"{end.get_full_name()} {what}, which a document cannot say", parts)
                return []
        return [
            (_name_of(source, start, pipeline), _name_of(target, stop, pipeline)) for start in starts for stop in stops
        ]


def _name_of(outer: IO[Any], inner: IO[Any], pipeline: ACompositeCell) -> str:
    if outer.get_cell() is pipeline:
        return outer.get_name()
    return f"{outer.get_cell().get_name()}.{inner.get_name()}"


def _initial_values(cell: ACell) -> dict[str, Any]:
    return {io.get_name(): io.get_initial_value() for io in cell.get_outputs() if io.has_initial_value()}


def _initial_values_at_ports(cell: ACell) -> dict[str, Any]:
    """The initial values that a scalable cell has at its ports, by the outputs of the inner cell that lead there."""
    if not isinstance(cell, ScalableCell):
        return {}
    return {
        connection.get_source().get_name(): port.get_initial_value()
        for port in cell.get_outputs()
        if port.has_initial_value()
        for connection in port.get_incoming_connections()
    }


def _scale_of(cell: ScalableCell) -> Scale | None:
    clones = cell.get_clone_methods()
    options = cell.get_ray_options()
    capacity = cell.config_queue_capacity.get_value()
    if not clones and not options and capacity is None:
        return None
    return Scale(
        thread=clones.get(ThreadCloneCell, 0),
        ray=clones.get(RayCloneCell, 0),
        queue_capacity=capacity,
        ray_options=RayOptions.model_validate(options) if options else None,
    )

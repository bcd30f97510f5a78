"""Holding a graph document against the types of cells: whether it could be built, and everything that is in the way.

The types are descriptions, so that a process which imports no cell can check as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from pypipeline_engine.catalogue.model import CellType, Folders, ParameterType, PortType, Types, fits
from pypipeline_engine.catalogue.values import Mismatch, input_files
from pypipeline_engine.catalogue.values import check as check_value
from pypipeline_engine.core.topology import CycleError, Edge, recurrent_edges
from pypipeline_engine.graph.effective import Effective, effective
from pypipeline_engine.graph.model import Body, CellEntry, ConnectionEntry, Document, split_end
from pypipeline_engine.graph.ports import UNKNOWN, Ports, ports_of
from pypipeline_engine.graph.problems import Parts, Problem, describe, suggestion

_MOST_CYCLES = 20
_MOST_HINTS = 25


def check(
    document: Document, types: Types, folders: Folders | None = None, wrong: Collection[Parts] = ()
) -> list[Problem]:
    """Everything that keeps a document from being built, and what is probably not meant that way (warnings).

    :param folders: what relative paths are relative to; without, whether files exist is not looked at.
    :param wrong: the places where the text of the document was wrong already (`Reading.problems`). What follows from that
        is not reported again.
    """
    checker = _Checker(document, types, folders, frozenset(wrong))
    checker.check_root()
    return checker.problems


class _Checker:
    def __init__(self, document: Document, types: Types, folders: Folders | None, wrong: frozenset[Parts]) -> None:
        self.document = document
        self.types = types
        self.folders = folders
        self.wrong = wrong
        self.problems: list[Problem] = []
        self.nb_hints = 0
        self.unknown: dict[str, str] = {}  # by name of a type, what to say about it

    def report(self, message: str, *parts: str | int) -> None:
        self.problems.append(Problem(message, parts))

    def warn(self, message: str, *parts: str | int) -> None:
        self.problems.append(Problem(message, parts, severity="warning"))

    def hint(self, name: str, known: Collection[str]) -> str:
        """The nearest known name. Finding it takes time, and nobody reads very many."""
        self.nb_hints += 1
        return suggestion(name, list(known)) if self.nb_hints <= _MOST_HINTS else ""

    def explain_unknown(self, type_name: str) -> str:
        if type_name not in self.unknown:
            self.nb_hints += 1
            few = self.nb_hints <= _MOST_HINTS
            text = self.types.explain_unknown(type_name) if few else f"the type {describe(type_name)} is not known"
            self.unknown[type_name] = text
        return self.unknown[type_name]

    def is_wrong(self, *parts: str | int) -> bool:
        return any(parts[:end] in self.wrong for end in range(1, len(parts) + 1))

    def is_wrong_inside(self, *parts: str | int) -> bool:
        return any(place[: len(parts)] == parts for place in self.wrong)

    def is_missing_cells(self, body: Body, parts: Parts) -> bool:
        """Whether cells of the text are not in the document, because their names or all of them were wrong."""
        depth = len(parts)
        return self.is_wrong(*parts, "cells") or any(
            place[: depth + 1] == (*parts, "cells") and len(place) == depth + 2 and place[-1] not in body.cells
            for place in self.wrong
        )

    # ------------------------------------------------------------------ pipelines

    def check_root(self) -> None:
        for name in self.document.inputs:
            self.report(f"the outermost pipeline has no one to feed its input {describe(name)}", "inputs")
        if not any(not cell.disabled for cell in self.document.cells.values()) and not self.is_wrong("cells"):
            self.warn("the graph has no cell that could run")
        self.check_body(self.document, ())

    def check_body(self, body: Body, parts: Parts) -> None:
        """Cells, connections and the pipelines inside."""
        found = effective(body, self.types, self.folders, parts)
        self.problems += found.problems
        ports = {name: self.ports_of(cell, (*parts, "cells", name)) for name, cell in body.cells.items()}
        connected = {connection.target for connection, _ in found.connections}
        for name, cell in body.cells.items():
            place = (*parts, "cells", name)
            if cell.disabled:
                continue
            fed = {port for port in ports[name].inputs if f"{name}.{port}" in connected}
            self.check_cell(name, cell, place, fed)
        sound = self.check_connections(body, ports, parts)
        if not self.is_wrong_inside(*parts, "connections") and not self.is_wrong_inside(*parts, "outputs"):
            self.check_unconnected(body, found, ports, connected, parts)
        self.check_cycles(found, ports, parts, sound)
        for name, cell in body.cells.items():
            if cell.is_pipeline and not cell.disabled and not cell.bypassed:
                self.check_body(cell, (*parts, "cells", name))

    def ports_of(self, cell: CellEntry, place: Parts) -> Ports:
        if any(self.is_wrong(*place, *key) for key in ((), ("type",), ("inputs",), ("outputs",))):
            return UNKNOWN
        return ports_of(cell, self.types, self.folders)

    # ------------------------------------------------------------------ one cell

    def check_cell(self, name: str, cell: CellEntry, place: Parts, fed: set[str]) -> None:
        """Everything about a cell but its connections. `fed` are the inputs that are connected."""
        if self.is_wrong(*place, "type"):
            return
        if cell.is_pipeline:
            self.check_pipeline(name, cell, place)
            return
        cell_type = self.types.find(cell.type)
        if cell_type is None:
            needed = ", ".join(self.document.libraries)
            hint = f"; the graph was made with {needed}" if needed else ""
            self.report(self.explain_unknown(cell.type) + hint, *place, "type")
            return
        if cell_type.problem:
            self.report(f"the type {describe(cell.type)} cannot be used: {cell_type.problem}", *place, "type")
            return
        if cell.bypassed:
            return
        self.check_parameters(name, cell, cell_type, place, fed)
        self.check_initial_values(cell, ports_of(cell, self.types, self.folders), place)
        if cell.scale and cell.scale.clones > 1 and not cell_type.supports_scaling:
            self.report(
                f"{describe(name)} cannot have {cell.scale.clones} clones: {cell.type} does not support scaling, and can "
                f"have one at most",
                *place,
                "scale",
            )

    def check_pipeline(self, name: str, cell: CellEntry, place: Parts) -> None:
        for parameter in cell.parameters:
            self.report(f"a Pipeline has no parameter {describe(parameter)}", *place, "parameters", parameter)
        if cell.bypassed:
            return
        ports = Ports(outputs={port: PortType(name=port) for port in cell.outputs})
        if not self.is_wrong(*place, "outputs"):
            self.check_initial_values(cell, ports, place)
        if cell.scale and cell.scale.clones > 1:
            unscalable = [describe(inner) for inner in self.unscalable(cell)]
            if unscalable:
                self.report(
                    f"{describe(name)} cannot have {cell.scale.clones} clones: {', '.join(unscalable)} inside of it "
                    f"{'does' if len(unscalable) == 1 else 'do'} not support scaling",
                    *place,
                    "scale",
                )
            for inner in self.recurrent(cell):
                self.report(
                    f"{describe(name)} cannot have {cell.scale.clones} clones: the recurrent connection {inner} inside "
                    f"of it would lead from each clone to itself only",
                    *place,
                    "scale",
                )

    def recurrent(self, pipeline: CellEntry) -> list[str]:
        """The recurrent connections inside of a pipeline, in words."""
        found = effective(pipeline, self.types, self.folders)
        ports = {name: ports_of(cell, self.types, self.folders) for name, cell in found.cells.items()}
        edges, _ = edges_of(found, ports, range(len(pipeline.connections)))
        try:
            here = [edge.label for edge in recurrent_edges(list(found.cells), edges)]
        except CycleError:  # reported where the pipeline itself is checked
            here = []
        return here + [label for cell in found.cells.values() if cell.is_pipeline for label in self.recurrent(cell)]

    def unscalable(self, pipeline: CellEntry, prefix: str = "") -> Iterator[str]:
        """The cells inside of a pipeline that keep it from having several clones."""
        found = effective(pipeline, self.types, self.folders)
        for name, cell in found.cells.items():
            if cell.is_pipeline:
                yield from self.unscalable(cell, f"{prefix}{name}.")
            else:
                cell_type = self.types.find(cell.type)
                if cell_type is not None and not cell_type.supports_scaling:
                    yield prefix + name

    def check_parameters(self, name: str, cell: CellEntry, cell_type: CellType, place: Parts, fed: set[str]) -> None:
        accepted: dict[str, Any] = {}
        for key, value in cell.parameters.items():
            parameter = cell_type.find_parameter(key)
            if parameter is None:
                self.report(self.explain_no_parameter(key, cell, cell_type), *place, "parameters", key)
                continue
            try:
                check_value(value, parameter.type)
            except Mismatch as error:
                self.report(
                    f"{describe(name)} takes another value for {describe(key)}: {error}", *place, "parameters", key
                )
                continue
            accepted[key] = value
            self.check_files(key, value, parameter, place)
        folders = self.folders or Folders(Path(), Path())
        if accepted:
            for key, reason in self.types.explain_values(cell.type, name, accepted, folders).items():
                self.report(reason, *place, "parameters", key)
        for parameter in cell_type.parameters:
            if parameter.required and parameter.name not in cell.parameters and parameter.name not in fed:
                how = " or connected" if parameter.is_connectable else ""
                self.report(
                    f"the parameter {describe(parameter.name)} of {describe(name)} must be set{how}",
                    *place,
                    "parameters",
                    parameter.name,
                )

    def explain_no_parameter(self, key: str, cell: CellEntry, cell_type: CellType) -> str:
        if cell_type.find_input(key) is not None:
            return f"{describe(key)} is an input of {cell.type} and no parameter: connect an output to it"
        known = [parameter.name for parameter in cell_type.parameters]
        return f"{cell.type} has no parameter {describe(key)}{self.hint(key, known)}"

    def check_files(self, key: str, value: Any, parameter: ParameterType, place: Parts) -> None:
        # Where text will do as well, a path that does not exist may be a name that the cell knows.
        may_be_name = any(item.name == "text" for item in parameter.type.items)
        if self.folders is None or may_be_name:
            return
        for text in input_files(value, parameter.type):
            path = self.folders.resolve("input_path", text)
            try:
                exists = path.exists()
            except (OSError, ValueError):
                exists = False
            if not exists:
                self.report(f"there is no file or folder {path}", *place, "parameters", key)

    def check_initial_values(self, cell: CellEntry, ports: Ports, place: Parts) -> None:
        outputs = ports.outputs
        for key, value in cell.initial_values.items():
            if key not in outputs:
                if ports.is_open:
                    continue
                message = f"{cell.type} has no output {describe(key)}{self.hint(key, outputs)}"
                self.report(message, *place, "initial_values", key)
            elif value is not None:
                try:
                    check_value(value, outputs[key].type)
                except Mismatch as error:
                    self.report(f"a wrong initial value: {error}", *place, "initial_values", key)

    # ------------------------------------------------------------------ connections

    def check_connections(self, body: Body, ports: dict[str, Ports], parts: Parts) -> set[int]:
        """Both ends of every connection. Returns the indices of those that are right."""
        occupied: dict[str, ConnectionEntry] = {}
        sound: set[int] = set()
        for index, connection in enumerate(body.connections):
            place = (*parts, "connections", index)
            if self.is_wrong(*place):
                continue
            source = self.find_end(body, ports, connection.source, True, place)
            target = self.find_end(body, ports, connection.target, False, place)
            if connection.target in occupied:
                other = occupied[connection.target]
                self.report(f"{describe(connection.target)} is occupied by the connection from {other.source}", *place)
                continue
            occupied[connection.target] = connection
            if source is None or target is None:
                continue
            sound.add(index)
            if connection.mark and split_end(connection.source)[0] is None:
                self.report(f"{connection} cannot be recurrent: it starts at an input of the pipeline around", *place)
            elif connection.mark and not source.has_initial_value:
                message = f"{connection} cannot be recurrent: {describe(connection.source)} has no initial value"
                self.report(f"{message}; give it one in initial_values", *place)
            if not fits(source.kinds, target.kinds):
                given, wanted = " or ".join(source.kinds), " or ".join(target.kinds)
                self.warn(f"{connection}: {given} comes where {wanted} is expected", *place)
        return sound

    def find_end(self, body: Body, ports: dict[str, Ports], end: str, is_source: bool, place: Parts) -> PortType | None:
        """The port at one end of a connection; `None`, and a problem, where there is none."""
        cell_name, port_name = split_end(end)
        if cell_name is None:
            return self.find_own_port(body, end, is_source, place)
        if cell_name not in body.cells:
            if not self.is_missing_cells(body, place[:-2]):
                self.report(f"there is no cell {describe(cell_name)}{self.hint(cell_name, body.cells)}", *place)
                return None
            return _ANYTHING
        cell, found = body.cells[cell_name], ports[cell_name]
        if "." in port_name:
            self.report(
                f"{describe(end)} leads into {describe(cell_name)}: connect a port of it, and inside of it that port with "
                f"{describe(port_name)}",
                *place,
            )
            return None
        wanted, others = (found.outputs, found.inputs) if is_source else (found.inputs, found.outputs)
        if port_name in wanted:
            return wanted[port_name]
        if found.is_open:
            return _ANYTHING
        if port_name in others:
            if is_source:
                message = f"{describe(end)} is an input; a connection starts at an output"
            else:
                message = f"{describe(end)} is an output; a connection ends at an input"
        elif port_name in found.fixed:
            message = f"{describe(end)} is read at deployment and cannot be connected; set it in parameters"
        else:
            what = "output" if is_source else "input"
            message = f"{describe(cell_name)} ({cell.type}) has no {what} {describe(port_name)}"
            message += self.hint(port_name, wanted)
        self.report(message, *place)
        return None

    def find_own_port(self, body: Body, end: str, is_source: bool, place: Parts) -> PortType | None:
        """A port of the pipeline in which the connection lies."""
        wanted, others = (body.inputs, body.outputs) if is_source else (body.outputs, body.inputs)
        if end in wanted or self.is_wrong(*place[:-2], "inputs" if is_source else "outputs"):
            return _ANYTHING
        example = f"{end}.{'output' if is_source else 'input'}"
        if end in others:
            message = f"{describe(end)} is an {'output' if is_source else 'input'} of the pipeline around; "
            message += "inside of it, a connection " + ("starts at its inputs" if is_source else "ends at its outputs")
        elif end in body.cells:
            message = f"{describe(end)} is a cell: write which port of it is meant, such as {describe(example)}"
        else:
            what = "input" if is_source else "output"
            message = f"the pipeline around has no {what} {describe(end)}{self.hint(end, [*wanted, *body.cells])}"
        self.report(message, *place)
        return None

    def check_unconnected(
        self, body: Body, found: Effective, ports: dict[str, Ports], connected: set[str], parts: Parts
    ) -> None:
        for name in found.cells:
            for port in ports[name].required():
                end = f"{name}.{port}"
                if end not in connected:
                    cause = f", because {found.causes[end]}" if end in found.causes else ""
                    self.report(f"the input {describe(end)} is not connected{cause}", *parts, "cells", name)
        for name in body.outputs:
            if name not in connected and not self.is_wrong(*parts, "cells"):
                cause = f", because {found.causes[name]}" if name in found.causes else ""
                self.report(f"the output {describe(name)} is not connected inside{cause}", *parts, "outputs")

    def check_cycles(self, found: Effective, ports: dict[str, Ports], parts: Parts, sound: set[int]) -> None:
        """Cycles that no initial value opens, or more than one."""
        edges, indices = edges_of(found, ports, sound)
        for _ in range(_MOST_CYCLES):
            try:
                recurrent = recurrent_edges(list(found.cells), edges)
                for edge in edges:
                    if edge.marked and edge.may_be_recurrent and edge not in recurrent:
                        self.warn(
                            f"{edge.label} lies on no cycle and is not recurrent", *parts, "connections", indices[edge]
                        )
                return
            except CycleError as error:
                labels = ", ".join(edge.label for edge in error.cycle)
                if any(edge.may_be_recurrent for edge in error.cycle):
                    mend = 'write ["from", "to", "recurrent"] for it'
                else:
                    mend = "give one of these outputs one in initial_values"
                self.report(f"{error}: {labels}; {mend}", *parts, "connections", indices[error.cycle[-1]])
                edges = [edge for edge in edges if edge not in error.cycle]


def edges_of(
    found: Effective, ports: dict[str, Ports], sound: Collection[int]
) -> tuple[list[Edge[str]], dict[Any, int]]:
    """The connections between cells as edges, and for each its index in the document.

    :param sound: the indices of the connections to look at.
    """
    indices: dict[Any, int] = {}
    for connection, index in found.connections:
        source, output = split_end(connection.source)
        target, _ = split_end(connection.target)
        if index in sound and source in found.cells and target in found.cells:
            port = ports[source].outputs.get(output)
            may_be_recurrent = port is None or port.has_initial_value
            indices[Edge(source, target, may_be_recurrent, True if connection.mark else None, str(connection))] = index
    return list(indices), indices


_ANYTHING = PortType(name="?", has_initial_value=True)
"""A port of which nothing is known."""

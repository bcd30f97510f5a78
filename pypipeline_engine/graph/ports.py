"""The inputs and outputs of the cells of a document, as far as their types are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pypipeline_engine.catalogue.model import ANY, Folders, ParameterType, PortType, Types, ValueType
from pypipeline_engine.graph.model import CellEntry, split_end


@dataclass(frozen=True)
class Ports:
    """What can be connected at a cell. `is_open` says that there may be more, so that any name will do."""

    inputs: dict[str, PortType] = field(default_factory=dict)
    """Those that must be connected, in order, and the runtime parameters behind them."""
    outputs: dict[str, PortType] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    """Names of parameters that are read at deployment, which cannot be connected."""
    is_open: bool = False

    def required(self) -> list[str]:
        """The inputs that must be connected."""
        return [name for name, port in self.inputs.items() if not isinstance(port, ParameterType)]


UNKNOWN = Ports(is_open=True)


def ports_of(cell: CellEntry, types: Types, folders: Folders | None = None) -> Ports:
    """The ports of a cell in a document.

    :param folders: for cells whose ports depend on a file.
    """
    folders = folders or Folders(Path(), Path())
    if cell.is_pipeline:
        inputs = {
            name: PortType(name=name, type=_type_inside(cell, name, True, types, folders)) for name in cell.inputs
        }
        outputs = {
            name: PortType(name=name, type=_type_inside(cell, name, False, types, folders)) for name in cell.outputs
        }
        return Ports(inputs, _with_initial_values(outputs, cell))
    cell_type = types.find(cell.type)
    if cell_type is None or cell_type.problem:
        return UNKNOWN
    is_open = False
    if set(cell_type.ports_depend_on) & set(cell.parameters):
        configured = types.configured(cell_type, cell.parameters, folders)
        is_open = configured is None
        cell_type = configured or cell_type
    ports: dict[str, PortType] = {port.name: port for port in cell_type.inputs}
    ports |= {parameter.name: parameter for parameter in cell_type.parameters if parameter.is_connectable}
    fixed = frozenset(parameter.name for parameter in cell_type.parameters if not parameter.is_connectable)
    return Ports(ports, _with_initial_values({port.name: port for port in cell_type.outputs}, cell), fixed, is_open)


def _with_initial_values(outputs: dict[str, PortType], cell: CellEntry) -> dict[str, PortType]:
    return {
        name: port.model_copy(update={"has_initial_value": True}) if name in cell.initial_values else port
        for name, port in outputs.items()
    }


def _type_inside(pipeline: CellEntry, port: str, is_input: bool, types: Types, folders: Folders) -> ValueType:
    """The type of a port of a nested pipeline: that of what it is connected with inside, through any number of levels."""
    cell = pipeline
    while cell.is_pipeline:
        found = _connected_inside(cell, port, is_input)
        if found is None:
            return ANY
        cell, port = found
    ports = ports_of(cell, types, folders)
    end = (ports.inputs if is_input else ports.outputs).get(port)
    return end.type if end is not None else ANY


def _connected_inside(pipeline: CellEntry, port: str, is_input: bool) -> tuple[CellEntry, str] | None:
    """The cell in a pipeline, and the port of it, that a port of the pipeline is connected with first."""
    for connection in pipeline.connections:
        own, other = (connection.source, connection.target) if is_input else (connection.target, connection.source)
        cell_name, port_name = split_end(other)
        if own == port and cell_name in pipeline.cells:
            return pipeline.cells[cell_name], port_name
    return None

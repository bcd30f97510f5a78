"""The types of cells that the studio knows: those of the engine's catalogue, and what the engine told about single cells."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pypipeline_engine.catalogue.model import CellType, Folders, Kind, KnownTypes, ParameterType, fits
from pypipeline_engine.graph.model import Document


class StudioTypes(KnownTypes):
    """Where the studio asks about types. Before the catalogue has come, nothing is known and nothing is missing."""

    def __init__(self, types: Sequence[CellType] | None = None) -> None:
        super().__init__(types or ())
        self.is_complete = types is not None
        """Whether the catalogue has come."""
        self._in_order = tuple(types or ())
        self._configured: dict[tuple[str, str], CellType] = {}

    def all_types(self) -> tuple[CellType, ...]:
        """All of them, in the order of the catalogue."""
        return self._in_order

    def configured(self, cell_type: CellType, parameters: Mapping[str, Any], folders: Folders) -> CellType | None:
        """The type with the ports that a cell has with these parameters, as far as the engine has told that."""
        return self._configured.get(_key(cell_type, parameters))

    def take_configured(self, document: Document, configured: Mapping[str, CellType]) -> bool:
        """Take over what the engine found out about the cells of a document; whether that says anything new.

        :param configured: by the full name of a cell, its type with the ports that it has.
        """
        is_new = False
        for name, cell_type in configured.items():
            cell, known = document.find(tuple(name.split("."))), self.find(cell_type.name)
            if cell is None or known is None:
                continue
            key = _key(known, cell.parameters)
            if self._configured.get(key) != cell_type:
                self._configured[key] = cell_type
                is_new = True
        return is_new


def fitting_types(
    types: Iterable[CellType], kinds: Sequence[Kind], direction: Literal["input", "output"]
) -> list[CellType]:
    """The types with an input that takes, or an output that gives, values of these kinds; those made for them come first.

    Runtime parameters count as inputs of those that have no others: nearly every cell has one that takes a number.
    """
    found = []
    for cell_type in types:
        if direction == "input":
            ports = [port for port in cell_type.inputs or _connectable(cell_type) if fits(kinds, port.kinds)]
        else:
            ports = [port for port in cell_type.outputs if fits(port.kinds, kinds)]
        if ports:
            found.append((not any(set(kinds) & set(port.kinds) for port in ports), cell_type))
    return [cell_type for _, cell_type in sorted(found, key=lambda pair: pair[0])]  # else in their order


def _connectable(cell_type: CellType) -> list[ParameterType]:
    return [parameter for parameter in cell_type.parameters if parameter.is_connectable]


def _key(cell_type: CellType, parameters: Mapping[str, Any]) -> tuple[str, str]:
    deciding = {name: parameters.get(name) for name in cell_type.ports_depend_on}
    return cell_type.name, json.dumps(deciding, sort_keys=True, default=str)

"""Cells that hold other cells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from pypipeline_engine.cell.base import ACell
from pypipeline_engine.cellio import IO, AParameter, Input, InputPort, Output, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.core.topology import CycleError, Edge, recurrent_edges, topological_order
from pypipeline_engine.exceptions import IndeterminableTopologyException, InvalidStateException
from pypipeline_engine.validation import BoolExplained, FalseExplained, TrueExplained

if TYPE_CHECKING:
    from pypipeline_engine.cellio import SourceEnd, TargetEnd

_End: TypeAlias = tuple[str | None, bool, str]
"""The end of a connection in a composite: name of the cell (`None` for the composite itself), whether it is an output, and
its name."""


class ACompositeCell(ACell):
    """A cell that consists of other cells and the connections between them."""

    def __init__(self, parent_cell: ACompositeCell | None, name: str) -> None:
        self._cells: dict[str, ACell] = {}
        self._connections: list[Connection[Any]] = []
        self._recurrent: set[Connection[Any]] | None = None  # None: not known since the last change
        super().__init__(parent_cell, name)

    # ------------------------------------------------------------------ cells

    def can_have_as_internal_cell(self, cell: ACell) -> BoolExplained:
        """Whether `cell` may become a part of this one: its name is free here."""
        if cell is self:
            return FalseExplained(f"{self.get_full_name()} cannot be a part of itself")
        if cell.get_name() in self._cells:
            return FalseExplained(f"{self.get_full_name()} already has a cell named {cell.get_name()!r}")
        return TrueExplained()

    def can_have_as_io(self, io: IO[Any]) -> BoolExplained:
        """Ports and parameters; an `Input` or `Output` needs the code of a single cell."""
        if isinstance(io, Input | Output) and not isinstance(io, AParameter):
            port = "InputPort" if isinstance(io, Input) else "OutputPort"
            return FalseExplained(
                f"{self.get_full_name()} is a composite cell and cannot have the {type(io).__name__} {io.get_name()!r}: "
                f"use {port}"
            )
        return TrueExplained()

    def get_internal_cells(self) -> list[ACell]:
        """The cells of this one, in the order of their creation."""
        return list(self._cells.values())

    def get_internal_cell_with_name(self, name: str) -> ACell:
        """The cell with this name.

        :raises KeyError: where there is none.
        """
        if name not in self._cells:
            known = ", ".join(self._cells) or "none"
            raise KeyError(f"{self.get_full_name()} has no cell named {name!r}; it has: {known}")
        return self._cells[name]

    def get_internal_cells_in_topological_order(self) -> list[ACell]:
        """The cells of this one, sources first; recurrent connections do not count.

        :raises IndeterminableTopologyException: where a cycle cannot be ordered.
        """
        recurrent = self._get_recurrent_connections()
        edges = [edge for edge, connection in self._get_edges() if connection not in recurrent]
        return topological_order(self.get_internal_cells(), edges)

    def get_internal_connections(self) -> list[Connection[Any]]:
        """The connections that lie in this cell, in the order of their creation."""
        return list(self._connections)

    def _get_cells_recursively(self) -> Iterable[ACell]:
        yield self
        for cell in self._cells.values():
            yield from cell._get_cells_recursively()

    def _add_cell(self, cell: ACell) -> None:
        self._cells[cell.get_name()] = cell
        self._recurrent = None

    def _remove_cell(self, cell: ACell) -> None:
        if self._cells.get(cell.get_name()) is cell:
            del self._cells[cell.get_name()]
        self._recurrent = None

    def _add_connection(self, connection: Connection[Any]) -> None:
        self._connections.append(connection)
        self._recurrent = None

    def _remove_connection(self, connection: Connection[Any]) -> None:
        self._connections.remove(connection)
        self._recurrent = None

    # ------------------------------------------------------------------ topology

    def _get_edges(self) -> list[tuple[Edge[ACell], Connection[Any]]]:
        """The connections between internal cells as edges, each with the connection that it stands for."""
        return [
            (
                Edge(
                    connection.get_source().get_cell(),
                    connection.get_target().get_cell(),
                    connection.get_source().has_initial_value(),
                    connection.get_explicit_recurrence(),
                    str(connection),
                ),
                connection,
            )
            for connection in self._connections
            if connection.is_inter_cell_connection()
        ]

    def _get_recurrent_connections(self) -> set[Connection[Any]]:
        """The connections that close the cycles in this cell."""
        if self._recurrent is not None:
            return self._recurrent
        edges = self._get_edges()
        try:
            closing = recurrent_edges(self.get_internal_cells(), [edge for edge, _ in edges])
        except CycleError as error:
            cycle = ", ".join(edge.label for edge in error.cycle)
            raise IndeterminableTopologyException(
                f"{error}: {cycle}. Give an output on it an initial value, or mark one connection with "
                f"explicitly_mark_as_recurrent=True"
            ) from error
        self._recurrent = {connection for edge, connection in edges if edge in closing}
        return self._recurrent

    def get_topology_description(self) -> dict[str, Any]:
        """This cell, the cells inside and the connections as JSON-serialisable data."""
        description = super().get_topology_description()
        description["internal_cells"] = [cell.get_topology_description() for cell in self._cells.values()]
        description["connections"] = [connection.get_topology_description() for connection in self._connections]
        return description

    def _explain_deployability(self) -> BoolExplained:
        explained = super()._explain_deployability()
        for cell in self._cells.values():
            explained *= cell._explain_deployability()
        try:
            self._get_recurrent_connections()
        except IndeterminableTopologyException as error:
            explained *= FalseExplained(str(error))
        return explained

    def deploy(self) -> None:
        """Make the pipeline ready to be pulled; see `ACell.deploy`.

        :raises IndeterminableTopologyException: where a cycle of connections cannot be ordered.
        """
        for cell in self._get_cells_recursively():
            if isinstance(cell, ACompositeCell):
                cell._get_recurrent_connections()
        super().deploy()

    def supports_scaling(self) -> bool:
        """Whether every cell inside does, and no connection inside is recurrent: what comes round is state."""
        return not self._get_recurrent_connections() and all(cell.supports_scaling() for cell in self._cells.values())

    def get_nb_required_gpus(self) -> float:
        """What the cells inside need together."""
        return sum(cell.get_nb_required_gpus() for cell in self._cells.values())

    def get_nb_available_pulls(self) -> int | None:
        """The least that a sink or output port inside knows to be left."""
        known = [cell.get_nb_available_pulls() for cell in self._cells.values() if cell.is_sink_cell()]
        known.append(self._find_least_available_at(self._outputs.values()))
        return min((available for available in known if available is not None), default=None)

    # ------------------------------------------------------------------ cloning

    def _take_over(self, original: ACell) -> None:
        assert isinstance(original, ACompositeCell)
        self._take_out_what_is_not_in(original)
        super()._take_over(original)
        for io in original._get_all_io():
            known = self._outputs if isinstance(io, OutputPort) else self._inputs
            if io.get_name() not in known and isinstance(io, InputPort | OutputPort):
                port = type(io)(self, io.get_name(), doc=io.doc)
                if io.has_initial_value():
                    port.set_initial_value(io.get_initial_value())
        for name, cell in original._cells.items():
            if name in self._cells:
                self._cells[name]._take_over(cell)
            else:
                cell.clone(self)
        present = {self._get_ends(connection) for connection in self._connections}
        for connection in original._connections:
            ends = original._get_ends(connection)
            if ends not in present:
                source: SourceEnd[Any] = self._find_end(ends[0])  # type: ignore[assignment]  # same kind as the original
                target: TargetEnd[Any] = self._find_end(ends[1])  # type: ignore[assignment]
                Connection(source, target, connection.get_explicit_recurrence())

    def _take_out_what_is_not_in(self, original: ACompositeCell) -> None:
        """Delete what the constructor made and was deleted from `original` since."""
        wanted = {original._get_ends(connection) for connection in original._connections}
        for connection in list(self._connections):
            if self._get_ends(connection) not in wanted:
                connection.delete()
        for name, cell in list(self._cells.items()):
            if name not in original._cells:
                cell.delete()

    def _get_ends(self, connection: Connection[Any]) -> tuple[_End, _End]:
        return self._get_end(connection.get_source()), self._get_end(connection.get_target())

    def _get_end(self, io: IO[Any]) -> _End:
        cell = io.get_cell()
        return None if cell is self else cell.get_name(), isinstance(io, Output | OutputPort), io.get_name()

    def _find_end(self, end: _End) -> IO[Any]:
        cell_name, is_output, io_name = end
        cell = self if cell_name is None else self._cells[cell_name]
        found: IO[Any] = cell.get_output(io_name) if is_output else cell.get_input(io_name)
        return found

    # ------------------------------------------------------------------ invariants and removal

    def assert_is_valid(self) -> None:
        """Raise `InvalidStateException` where an invariant of this cell or of anything inside is broken."""
        super().assert_is_valid()
        for name, cell in self._cells.items():
            if cell.get_name() != name or cell.get_parent_cell() is not self:
                raise InvalidStateException(
                    f"{cell.get_full_name()} does not know {self.get_full_name()} as its parent"
                )
            cell.assert_is_valid()
        for connection in self._connections:
            connection.assert_is_valid()

    def delete(self) -> None:
        """Take the cell, with everything inside, out of its parent; see `ACell.delete`."""
        super().delete()
        for connection in list(self._connections):
            connection.delete()
        for cell in list(self._cells.values()):
            cell.delete()


class Pipeline(ACompositeCell):
    """Any number of cells, connected with each other."""

"""Connections between outputs and inputs.

A connection controls its two ends: creating one registers it there and with the cell it lies in, deleting it undoes that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from pypipeline_engine.cellio import InputPort, OutputPort, SourceEnd, TargetEnd
from pypipeline_engine.exceptions import (
    AlreadyDeployedException,
    IndeterminableTopologyException,
    InvalidInputException,
    InvalidStateException,
)
from pypipeline_engine.validation import BoolExplained, FalseExplained, TrueExplained, raise_if_not

if TYPE_CHECKING:
    from pypipeline_engine.cell import ACompositeCell

T = TypeVar("T")


class Connection(Generic[T]):
    """Carries every value of its source to its target, exactly once and in order.

    The structure may be changed by one thread at a time and only while the pipeline is not deployed.
    """

    def __init__(
        self, source: SourceEnd[T], target: TargetEnd[T], explicitly_mark_as_recurrent: bool | None = None
    ) -> None:
        """Connect `source` with `target`.

        :param explicitly_mark_as_recurrent: decides which connection of a cycle is the recurrent one where several leave
            an output with an initial value; `None` leaves it to the topology.
        :raises InvalidInputException: with the reason, where the two cannot be connected.
        :raises AlreadyDeployedException: while deployed.
        """
        raise_if_not(self.can_have_as_source_and_target(source, target), InvalidInputException)
        raise_if_not(target.can_have_as_incoming_connection(self), InvalidInputException)
        if explicitly_mark_as_recurrent and not source.has_initial_value():
            raise InvalidInputException(
                f"{source.get_full_name()} -> {target.get_full_name()} cannot be recurrent: {source.get_full_name()} has "
                f"no initial value; give it set_initial_value()"
            )
        parent = self._parent_of(source, target)
        if parent.is_deployed():
            raise AlreadyDeployedException(
                f"{source.get_full_name()} cannot be connected while {parent.get_full_name()} is deployed: undeploy() first"
            )
        self._source = source
        self._target = target
        self._mark = explicitly_mark_as_recurrent
        self._parent = parent
        source._outgoing.append(self)
        target._incoming.append(self)
        parent._add_connection(self)

    @classmethod
    def can_have_as_source(cls, source: object) -> BoolExplained:
        """Whether a connection may start at `source`."""
        if not isinstance(source, SourceEnd):
            name = source.get_full_name() if isinstance(source, TargetEnd) else repr(source)
            return FalseExplained(f"a connection starts at an output or a port, not at {name}")
        return TrueExplained()

    @classmethod
    def can_have_as_target(cls, target: object) -> BoolExplained:
        """Whether a connection may end at `target`."""
        if not isinstance(target, TargetEnd):
            name = target.get_full_name() if hasattr(target, "get_full_name") else repr(target)
            return FalseExplained(f"a connection ends at an input, a runtime parameter or a port, not at {name}")
        return TrueExplained()

    @classmethod
    def can_have_as_source_and_target(cls, source: object, target: object) -> BoolExplained:
        """Whether both ends are of the right kind and lie in, or belong to, the same composite cell."""
        kinds = cls.can_have_as_source(source) * cls.can_have_as_target(target)
        if not kinds:
            return kinds
        assert isinstance(source, SourceEnd)
        assert isinstance(target, TargetEnd)
        inside_of_source = cls._side(source, connects_inside=isinstance(source, InputPort))
        inside_of_target = cls._side(target, connects_inside=isinstance(target, OutputPort))
        if inside_of_source is None or inside_of_source is not inside_of_target:
            where_source = inside_of_source.get_full_name() if inside_of_source else "no other cell"
            where_target = inside_of_target.get_full_name() if inside_of_target else "no other cell"
            return FalseExplained(
                f"{source.get_full_name()} and {target.get_full_name()} cannot be connected: the first can be connected "
                f"in {where_source}, the second in {where_target}; connect them through ports of the cells between"
            )
        return TrueExplained()

    @staticmethod
    def _side(end: SourceEnd[Any] | TargetEnd[Any], connects_inside: bool) -> ACompositeCell | None:
        """The composite in which connections at this end lie: the cell itself for the inner side of a port."""
        cell = end.get_cell()
        return cell if connects_inside else cell.get_parent_cell()  # type: ignore[return-value]  # ports: composites only

    @classmethod
    def _parent_of(cls, source: SourceEnd[Any], target: TargetEnd[Any]) -> ACompositeCell:
        parent = cls._side(source, connects_inside=isinstance(source, InputPort))
        assert parent is not None
        return parent

    def get_source(self) -> SourceEnd[T]:
        """Where the values come from."""
        return self._source

    def get_target(self) -> TargetEnd[T]:
        """Where the values go."""
        return self._target

    def get_parent_cell(self) -> ACompositeCell:
        """The composite cell in which this connection lies."""
        return self._parent

    def get_explicit_recurrence(self) -> bool | None:
        """What the connection was marked as when it was made."""
        return self._mark

    def is_inter_cell_connection(self) -> bool:
        """Whether it leads from one cell to another one (or itself) beside it."""
        return not self.is_intra_cell_connection()

    def is_intra_cell_connection(self) -> bool:
        """Whether it starts or ends at a port of the composite that it lies in."""
        return self._source.get_cell() is self._parent or self._target.get_cell() is self._parent

    def is_recurrent(self) -> bool:
        """Whether it closes a cycle: it delivers the initial value of its source first, and then what comes round.

        :raises IndeterminableTopologyException: where the topology of the parent cell is ambiguous.
        """
        return self in self._parent._get_recurrent_connections()

    def assert_is_valid(self) -> None:
        """Raise `InvalidStateException` where an invariant of this connection is broken."""
        raise_if_not(self.can_have_as_source_and_target(self._source, self._target), InvalidStateException)
        known = (
            self in self._source.get_outgoing_connections()
            and self in self._target.get_incoming_connections()
            and self in self._parent.get_internal_connections()
        )
        if not known:
            raise InvalidStateException(f"{self} is not known to both of its ends and the cell it lies in")

    def delete(self) -> None:
        """Take the connection away from its ends.

        :raises AlreadyDeployedException: while deployed.
        """
        if self._parent.is_deployed():
            raise AlreadyDeployedException(f"{self} cannot be deleted while it is deployed: undeploy() first")
        if self not in self._source._outgoing:
            return
        self._source._outgoing.remove(self)
        self._target._incoming.remove(self)
        self._parent._remove_connection(self)

    def get_topology_description(self) -> dict[str, Any]:
        """Both ends by full name, and whether it is recurrent, as JSON-serialisable data."""
        try:
            recurrent: bool | None = self.is_recurrent()
        except IndeterminableTopologyException:
            recurrent = None
        return {
            "source": self._source.get_full_name(),
            "target": self._target.get_full_name(),
            "is_recurrent": recurrent,
        }

    def __str__(self) -> str:
        return f"{self._source.get_full_name()} -> {self._target.get_full_name()}"

    def __repr__(self) -> str:
        return f"<Connection {self}>"


IConnection: TypeAlias = Connection[Any]
"""Any connection."""

"""Where a cell puts its results."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pypipeline_engine.cellio.base import IO, Rebindable
from pypipeline_engine.core.values import UNSET, Slot
from pypipeline_engine.exceptions import (
    AlreadyDeployedException,
    InvalidInputException,
    NoOutputProvidedException,
)
from pypipeline_engine.validation import BoolExplained, TrueExplained, raise_if_not

if TYPE_CHECKING:
    from pypipeline_engine.cell import ACell
    from pypipeline_engine.connection import Connection

T = TypeVar("T")


class SourceEnd(IO[T]):
    """An IO at which connections may start: an output or a port."""

    _initial_value: Any = UNSET

    def can_have_as_outgoing_connection(self, connection: Connection[Any]) -> BoolExplained:
        """Any number of connections may start here."""
        return TrueExplained()

    def has_initial_value(self) -> bool:
        """Whether an initial value was given; `None` counts as one."""
        return self._initial_value is not UNSET

    def get_initial_value(self) -> T:
        """The initial value.

        :raises NoOutputProvidedException: where none was given.
        """
        if self._initial_value is UNSET:
            raise NoOutputProvidedException(f"{self.get_full_name()} has no initial value; give it set_initial_value()")
        value: T = self._initial_value
        return value

    def set_initial_value(self, value: T) -> None:
        """Give the value that a recurrent connection delivers before the first pull.

        :raises AlreadyDeployedException: while deployed.
        :raises InvalidInputException: if the validation refuses the value.
        """
        if self._cell.is_deployed():
            raise AlreadyDeployedException(
                f"the initial value of {self.get_full_name()} can only be set before deployment: undeploy() first"
            )
        raise_if_not(self.can_have_as_value(value), InvalidInputException)
        self._initial_value = value
        for connection in self._outgoing:  # each of them may have become a recurrent one
            connection.get_parent_cell()._recurrent = None


class Output(SourceEnd[T], Rebindable):
    """An output of a single cell, with any number of outgoing connections.

    `set_value` belongs into the cell's `_on_pull`; the other methods may be called from any thread.
    """

    def __init__(
        self,
        cell: ACell,
        name: str,
        validation_fn: Callable[[T], bool] | None = None,
        *,
        initial_value: Any = UNSET,
        doc: str = "",
    ) -> None:
        super().__init__(cell, name, validation_fn, doc=doc)
        self._slot = Slot()
        if initial_value is not UNSET:
            self.set_initial_value(initial_value)

    def set_value(self, value: T) -> None:
        """Hand over the result of this pull. The last value set in a pull counts.

        :raises InvalidInputException: if the validation refuses the value.
        """
        if self._validation_fn is not None:
            raise_if_not(self.can_have_as_value(value), InvalidInputException)
        self._slot.value = value

    def get_value(self) -> T:
        """The value set last.

        :raises NoOutputProvidedException: where none has been set since the last pull began.
        """
        value: T = self._read()
        if value is UNSET:
            raise NoOutputProvidedException(f"{self.get_full_name()} has not been set yet")
        return value

    def value_is_set(self) -> bool:
        """Whether `get_value` has something to return."""
        return self._read() is not UNSET

    def _read(self) -> Any:
        """The value set last, or `UNSET`. A deployment may keep it elsewhere than in the slot."""
        return self._slot.value

    def _unbind(self) -> None:
        self._slot.value = self._read()
        super()._unbind()

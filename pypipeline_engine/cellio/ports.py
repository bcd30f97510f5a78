"""The inputs and outputs of composite cells, connected outside and inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pypipeline_engine.cellio.inputs import TargetEnd
from pypipeline_engine.cellio.outputs import SourceEnd
from pypipeline_engine.core.values import UNSET, Slot
from pypipeline_engine.exceptions import InvalidInputException, NoOutputProvidedException

if TYPE_CHECKING:
    from pypipeline_engine.cell import ACell


T = TypeVar("T")


class _Port(TargetEnd[T], SourceEnd[T]):
    """Passes values on from its incoming connection to its outgoing ones, without code of its own at run time."""

    def __init__(self, cell: ACell, name: str, *, initial_value: Any = UNSET, doc: str = "") -> None:
        if not hasattr(cell, "get_internal_cells"):
            raise InvalidInputException(
                f"{cell.get_full_name()} is a single cell and cannot have the port {name!r}: use Input or Output"
            )
        super().__init__(cell, name, doc=doc)
        if initial_value is not UNSET:
            self.set_initial_value(initial_value)


class InputPort(_Port[T]):
    """An input of a composite cell: one connection from outside, any number of connections inside."""


class OutputPort(_Port[T]):
    """An output of a composite cell: one connection from inside, any number of connections outside.

    Where the composite is the root of a pipeline, `get_value` returns what the last `pull()` brought.
    """

    def __init__(self, cell: ACell, name: str, *, initial_value: Any = UNSET, doc: str = "") -> None:
        super().__init__(cell, name, initial_value=initial_value, doc=doc)
        self._slot = Slot()

    def get_value(self) -> T:
        """The value that arrived last at this port of a root pipeline.

        :raises NoOutputProvidedException: where there is none.
        """
        value: T = self._slot.value
        if value is UNSET:
            raise NoOutputProvidedException(f"{self.get_full_name()} has no value yet: pull the pipeline first")
        return value

    def value_is_set(self) -> bool:
        """Whether `get_value` has something to return."""
        return self._slot.value is not UNSET

"""Where a cell gets its values: inputs, and parameters that have a value of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pypipeline_engine.cellio.base import IO, Rebindable, describe_value
from pypipeline_engine.core.values import UNSET
from pypipeline_engine.exceptions import (
    AlreadyDeployedException,
    InvalidInputException,
    NoInputProvidedException,
    NotDeployedException,
    UnconnectedException,
)
from pypipeline_engine.validation import BoolExplained, FalseExplained, TrueExplained, raise_if_not

if TYPE_CHECKING:
    from pypipeline_engine.cell import ACell
    from pypipeline_engine.connection import Connection

T = TypeVar("T")


class TargetEnd(IO[T]):
    """An IO at which one connection may end: an input or a port."""

    def can_have_as_incoming_connection(self, connection: Connection[Any]) -> BoolExplained:
        """One connection may end here."""
        others = [other for other in self._incoming if other is not connection]
        if others:
            return FalseExplained(f"{self.get_full_name()} is occupied by the connection {others[0]}")
        return TrueExplained()

    def is_connected(self) -> bool:
        """Whether a connection ends here."""
        return bool(self._incoming)


class Input(TargetEnd[T], Rebindable):
    """An input of a single cell, with one incoming connection.

    `pull` and `skip` belong into the cell's `_on_pull`, on the thread that called it.
    """

    def pull(self) -> T:
        """The next value of the incoming connection; runs cells upstream, or waits for them, as needed.

        :raises StopIteration: when the stream has ended.
        :raises ItemSkipped: when the item in this place was skipped.
        :raises InvalidInputException: if the validation refuses the value.
        :raises Exception: what a cell upstream raised for the item in this place.
        """
        self._explain_why_unbound()
        raise AssertionError("unreachable")

    def skip(self) -> None:
        """Discard the next value, be it a value, a gap or an error. Raises `StopIteration` when the stream has ended."""
        self._explain_why_unbound()

    def _explain_why_unbound(self) -> None:
        if not self._incoming:
            raise UnconnectedException(
                f"{self.get_full_name()} was pulled but is not connected: connect an output to it"
            )
        raise NotDeployedException(f"{self.get_full_name()} can only be pulled while its pipeline is deployed")


class AParameter(IO[T]):
    """A value that belongs to a cell, with what tools need to show it: default, unit, range and choices."""

    def __init__(
        self,
        cell: ACell,
        name: str,
        validation_fn: Callable[[T], bool] | None = None,
        *,
        default_value: Any = UNSET,
        unit: str = "",
        minimum: float | None = None,
        maximum: float | None = None,
        choices: Sequence[T] | None = None,
        doc: str = "",
    ) -> None:
        """Make the parameter a part of `cell`.

        :param default_value: the value where none is set; without one the parameter has to be set or connected.
        :param unit: the unit of the value, such as `px` or `Hz`.
        :param minimum: the least value allowed, inclusive; numbers only. `None` as a value passes.
        :param maximum: the largest value allowed, inclusive.
        :param choices: the values allowed, where there are only a few.
        """
        super().__init__(cell, name, validation_fn, doc=doc)
        self.unit = unit
        self.minimum = minimum
        self.maximum = maximum
        self.choices = None if choices is None else tuple(choices)
        # Value and default in one object that the clones of a cell share, so that a change reaches all of them at once.
        self._box: list[Any] = [UNSET, UNSET]
        if default_value is not UNSET:
            self.set_default_value(default_value)

    def can_have_as_value(self, value: object) -> BoolExplained:
        """Whether the value is in range, among the choices, and accepted by the validation."""
        if self.choices is not None and value not in self.choices:
            allowed = ", ".join(map(repr, self.choices))
            return FalseExplained(f"{self.get_full_name()} must be one of {allowed}, not {describe_value(value)}")
        if value is not None and (self.minimum is not None or self.maximum is not None):
            if isinstance(value, bool) or not hasattr(value, "__float__"):
                return FalseExplained(f"{self.get_full_name()} must be a number, not {describe_value(value)}")
            number = float(value)
            # Written so that NaN, which compares false with everything, is refused.
            if not (
                (self.minimum is None or number >= self.minimum) and (self.maximum is None or number <= self.maximum)
            ):
                unit = f" {self.unit}" if self.unit else ""
                least = "-inf" if self.minimum is None else f"{self.minimum:g}"
                most = "inf" if self.maximum is None else f"{self.maximum:g}"
                return FalseExplained(
                    f"{self.get_full_name()} must be from {least} to {most}{unit}, not {describe_value(value)}"
                )
        return super().can_have_as_value(value)

    def _is_guarded(self) -> bool:
        return super()._is_guarded() or not (self.choices is None and self.minimum is None and self.maximum is None)

    def set_default_value(self, value: T) -> None:
        """Change the value that holds where none is set.

        :raises InvalidInputException: if the value is refused.
        """
        raise_if_not(self.can_have_as_value(value), InvalidInputException)
        self._box[1] = value

    def has_default_value(self) -> bool:
        """Whether there is a default."""
        return self._box[1] is not UNSET

    def get_default_value(self) -> T:
        """The default.

        :raises NoInputProvidedException: where there is none.
        """
        value: T = self._box[1]
        if value is UNSET:
            raise NoInputProvidedException(f"{self.get_full_name()} has no default value")
        return value

    def set_value(self, value: T) -> None:
        """Set the value.

        :raises InvalidInputException: if the value is refused.
        """
        raise_if_not(self.can_have_as_value(value), InvalidInputException)
        self._box[0] = value

    def value_is_set(self) -> bool:
        """Whether a value was set; a default does not count."""
        return self._box[0] is not UNSET

    def get_value(self) -> T:
        """The value set last, or else the default.

        :raises NoInputProvidedException: where there is neither.
        """
        value = self._box[0]
        if value is UNSET:
            value = self._box[1]
            if value is UNSET:
                raise NoInputProvidedException(
                    f"{self.get_full_name()} has no value: set one with set_value() before it is pulled"
                )
        result: T = value
        return result

    def _share_value_of(self, original: AParameter[Any]) -> None:
        """Read value and default of `original` from now on: what is set there holds here too."""
        self._box = original._box

    def _copy_value_of(self, original: AParameter[Any]) -> None:
        """Take over value and default of `original` as they are now."""
        self._box[:] = original._box


class RuntimeParameter(AParameter[T], Input[T]):
    """An input with a value of its own. It may be connected instead, and may change while the pipeline runs.

    `set_value` may be called from any thread; a run of the cell that starts after it returned sees the new value.
    """

    def pull(self) -> T:
        """The next value of the incoming connection where there is one, else the value of the parameter."""
        if self._incoming:
            self._explain_why_unbound()
        return self.get_value()


class ConfigParameter(AParameter[T]):
    """A value that is read at deployment, usually with `pull()` in `_on_deploy`. It cannot be connected."""

    def set_value(self, value: T) -> None:
        """Set the value.

        :raises AlreadyDeployedException: while deployed.
        :raises InvalidInputException: if the value is refused.
        """
        if self._cell.is_deployed():
            raise AlreadyDeployedException(
                f"{self.get_full_name()} is read at deployment: undeploy() before changing it to {describe_value(value)}"
            )
        super().set_value(value)

    def pull(self) -> T:
        """The value."""
        return self.get_value()

    def can_have_as_incoming_connection(self, connection: Connection[Any]) -> BoolExplained:
        """Never: what is read once cannot follow a stream."""
        return FalseExplained(f"{self.get_full_name()} is read at deployment and cannot be connected")

"""What inputs, outputs, parameters and ports have in common."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args

from pypipeline_engine.exceptions import CannotBeDeletedException, InvalidInputException, InvalidStateException
from pypipeline_engine.validation import BoolExplained, FalseExplained, TrueExplained, raise_if_not

if TYPE_CHECKING:
    from pypipeline_engine.cell import ACell
    from pypipeline_engine.connection import Connection

T = TypeVar("T")


def explain_name(name: object, what: str) -> BoolExplained:
    """Whether `name` can name a cell or an IO: non-empty, printable, no dots."""
    if not isinstance(name, str):
        return FalseExplained(f"the name of {what} must be a string, not {name!r}")
    if not name.strip():
        return FalseExplained(f"the name of {what} must not be empty")
    if "." in name:
        return FalseExplained(f"the name {name!r} of {what} contains a dot; dots separate the parts of a full name")
    if not name.isprintable():
        return FalseExplained(f"the name {name!r} of {what} contains a control character")
    return TrueExplained()


def describe_value(value: object, limit: int = 80) -> str:
    """A value in few words, for messages: an array by type and shape, anything else by a shortened `repr`."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        return f"{type(value).__name__} of {dtype}, shape {'x'.join(map(str, shape))}"
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


class IO(Generic[T]):
    """One named input or output of a cell. The cell owns it and knows it from its creation on.

    The structure may be changed by one thread at a time and only while the pipeline is not deployed; reading it is safe
    from any thread.
    """

    def __init__(
        self, cell: ACell, name: str, validation_fn: Callable[[T], bool] | None = None, *, doc: str = ""
    ) -> None:
        """Make the IO a part of `cell`.

        :param validation_fn: guards every value; a value for which it returns false is refused with
            `InvalidInputException`.
        :param doc: one sentence for the tools that show the cell to people.
        :raises InvalidInputException: if the name is refused by `can_have_as_name` or taken.
        """
        if not hasattr(cell, "_name"):
            raise InvalidInputException(
                f"{name!r} must be made for a cell, not for a {type(cell).__name__} that is none yet: a cell's constructor "
                f"calls super().__init__(parent_cell, name) first, and then makes inputs and outputs with self"
            )
        raise_if_not(explain_name(name, f"an IO of {cell.get_full_name()}"), InvalidInputException)
        self._cell = cell
        self._name = name
        self._validation_fn = validation_fn
        self.doc = doc
        self._incoming: list[Connection[Any]] = []
        self._outgoing: list[Connection[Any]] = []
        cell._add_io(self)

    # ------------------------------------------------------------------ identity

    def get_name(self) -> str:
        """The name, unique among the IO of the cell."""
        return self._name

    def get_full_name(self) -> str:
        """The cell's full name, a dot, and the name."""
        return f"{self._cell.get_full_name()}.{self._name}"

    def get_cell(self) -> ACell:
        """The cell that this IO belongs to."""
        return self._cell

    def get_value_type(self) -> Any:
        """The type argument in `Input[float](cell, "name")`; `typing.Any` where none was written there."""
        arguments = get_args(getattr(self, "__orig_class__", None))
        return arguments[0] if arguments else Any

    def can_have_as_name(self, name: object) -> BoolExplained:
        """Whether `name` is well formed; that it is unique in its cell is checked by the cell."""
        return explain_name(name, f"an IO of {self._cell.get_full_name()}")

    # ------------------------------------------------------------------ connections

    def get_incoming_connections(self) -> list[Connection[Any]]:
        """The connections that end here, in the order of their creation."""
        return list(self._incoming)

    def get_outgoing_connections(self) -> list[Connection[Any]]:
        """The connections that start here, in the order of their creation."""
        return list(self._outgoing)

    def get_nb_incoming_connections(self) -> int:
        """The number of connections that end here."""
        return len(self._incoming)

    def get_nb_outgoing_connections(self) -> int:
        """The number of connections that start here."""
        return len(self._outgoing)

    def can_have_as_incoming_connection(self, connection: Connection[Any]) -> BoolExplained:
        """Whether `connection` may end here."""
        return FalseExplained(f"{self.get_full_name()} is an output; a connection cannot end at it")

    def can_have_as_outgoing_connection(self, connection: Connection[Any]) -> BoolExplained:
        """Whether `connection` may start here."""
        return FalseExplained(f"{self.get_full_name()} is an input; a connection cannot start at it")

    def has_initial_value(self) -> bool:
        """Whether there is a value before the first pull, which makes a recurrent connection possible."""
        return False

    # ------------------------------------------------------------------ values

    def can_have_as_value(self, value: object) -> BoolExplained:
        """Whether the validation accepts `value`. A validation that raises refuses, with its error as the reason."""
        if self._validation_fn is None:
            return TrueExplained()
        try:
            accepted = self._validation_fn(value)  # type: ignore[arg-type]  # it is there to find out
        except (InvalidInputException, ValueError) as refusal:
            return FalseExplained(f"{self.get_full_name()} does not accept {describe_value(value)}: {refusal}")
        except Exception as error:
            return FalseExplained(f"{self.get_full_name()} cannot check the value {describe_value(value)}: {error!r}")
        if not accepted:
            return FalseExplained(f"{self.get_full_name()} does not accept the value {describe_value(value)}")
        return TrueExplained()

    def _is_guarded(self) -> bool:
        """Whether values have to be checked at all; the runtime binds a shorter path where not."""
        return self._validation_fn is not None

    # ------------------------------------------------------------------ invariants

    def get_topology_description(self) -> dict[str, Any]:
        """Kind and name of this IO as JSON-serialisable data."""
        return {"type": type(self).__name__, "name": self._name}

    def assert_has_proper_connections(self) -> None:
        """Raise `InvalidStateException` where a connection does not know this IO as its end."""
        for connection in self._incoming:
            if connection.get_target() is not self:
                raise InvalidStateException(f"{self.get_full_name()} lists {connection}, which ends elsewhere")
        for connection in self._outgoing:
            if connection.get_source() is not self:
                raise InvalidStateException(f"{self.get_full_name()} lists {connection}, which starts elsewhere")

    def assert_is_valid(self) -> None:
        """Raise `InvalidStateException` where an invariant of this IO is broken."""
        raise_if_not(self.can_have_as_name(self._name), InvalidStateException)
        if not any(io is self for io in self._cell._get_all_io()):
            raise InvalidStateException(f"{self.get_full_name()} is unknown to its cell")
        self.assert_has_proper_connections()

    def delete(self) -> None:
        """Remove this IO from its cell.

        :raises CannotBeDeletedException: while connections start or end here.
        """
        if self._incoming or self._outgoing:
            connections = ", ".join(map(str, self._incoming + self._outgoing))
            raise CannotBeDeletedException(f"{self.get_full_name()} is still connected: delete {connections} first")
        self._cell._remove_io(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.get_full_name()}>"


class Rebindable:
    """Methods that a deployment replaces on the instance, so that a pull runs through no attribute chain and no check.

    An instance attribute shadows the method of the class; without a deployment the class's methods answer, which explain
    what is missing.
    """

    def _bind(self, **methods: Callable[..., Any]) -> None:
        for name, method in methods.items():
            # Not through `vars()`, which gives the instance a dictionary: without one, attributes are found faster.
            setattr(self, name, method)

    def _unbind(self) -> None:
        for name in ("pull", "skip", "set_value", "_read"):
            with suppress(AttributeError):
                delattr(self, name)

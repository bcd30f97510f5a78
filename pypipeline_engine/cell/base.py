"""What all cells have in common: identity, inputs and outputs, lifecycle, and invariants."""

from __future__ import annotations

import inspect
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from pypipeline_engine import entry
from pypipeline_engine.cell.availability import find_least_available
from pypipeline_engine.cell.policy import FAIL, ErrorPolicy
from pypipeline_engine.cellio import (
    IO,
    AParameter,
    ConfigParameter,
    Input,
    InputPort,
    Output,
    OutputPort,
    SourceEnd,
)
from pypipeline_engine.cellio.base import explain_name
from pypipeline_engine.exceptions import (
    AlreadyDeployedException,
    CannotBeDeletedException,
    InvalidInputException,
    InvalidStateException,
    NotDeployableException,
    NotDeployedException,
    ScalingNotSupportedException,
)
from pypipeline_engine.validation import BoolExplained, FalseExplained, TrueExplained, raise_if_not

if TYPE_CHECKING:
    from pypipeline_engine.cell.composite import ACompositeCell


class ACell(ABC):  # noqa: B024  # what is abstract stands in its subclasses
    """A unit of computation with inputs and outputs.

    The structure (cells, IO, connections, names) may be changed by one thread at a time, and only while not deployed.
    Everything else may be called from any thread; what waits for user code says so.
    """

    _constructor_arguments: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Any:
        """Remember the arguments of the constructor, from which `clone` makes the cell again."""
        cell = super().__new__(cls)
        cell._constructor_arguments = (args, kwargs)
        return cell

    def __init__(self, parent_cell: ACompositeCell | None, name: str) -> None:
        """Make the cell a part of `parent_cell`, or the root of a pipeline where that is `None`.

        :raises InvalidInputException: if the name is refused or taken, or the parent cannot hold this cell.
        :raises AlreadyDeployedException: while the parent is deployed.
        """
        self._parent_cell: ACompositeCell | None = None
        self._name = name
        # An input and an output may have the same name.
        self._inputs: dict[str, Input[Any] | InputPort[Any] | ConfigParameter[Any]] = {}
        self._outputs: dict[str, Output[Any] | OutputPort[Any]] = {}
        self._deployment: entry.Deployment | None = None
        self._error_policy: ErrorPolicy | None = None
        self._stands_for: ACell | None = None
        raise_if_not(self.can_have_as_name(name), InvalidInputException)
        raise_if_not(self.can_have_as_parent_cell(parent_cell), InvalidInputException)
        if parent_cell is not None:
            if parent_cell.is_deployed():
                raise AlreadyDeployedException(
                    f"{parent_cell.get_full_name()} is deployed: undeploy() before adding the cell {name!r}"
                )
            parent_cell._add_cell(self)
            self._parent_cell = parent_cell

    # ------------------------------------------------------------------ identity

    def get_name(self) -> str:
        """The name, unique among the cells of the parent."""
        return self._name

    def get_full_name(self) -> str:
        """The names from the root to this cell, joined with dots."""
        if self._stands_for is not None:  # the root of a clone
            return self._stands_for.get_full_name()
        if self._parent_cell is None:
            return self._name
        named = self._parent_cell if self._parent_cell._stands_for is None else self._parent_cell._stands_for
        return named._get_prefix() + self._name

    def _get_prefix(self) -> str:
        """What the full names of the cells inside start with."""
        return self.get_full_name() + "."

    def get_parent_cell(self) -> ACompositeCell | None:
        """The composite cell that holds this one; `None` for a root."""
        return self._parent_cell

    def get_root_cell(self) -> ACell:
        """The outermost cell of the pipeline."""
        cell: ACell = self
        while cell._parent_cell is not None:
            cell = cell._parent_cell
        return cell

    @property
    def logger(self) -> logging.Logger:
        """A logger named after the cell."""
        return logging.getLogger(f"pypipeline.{self.get_full_name()}")

    @classmethod
    def can_have_as_name(cls, name: object) -> BoolExplained:
        """Whether `name` is a non-empty, printable string without a dot."""
        return explain_name(name, f"a {cls.__name__}")

    def can_have_as_parent_cell(self, parent_cell: object) -> BoolExplained:
        """Whether `parent_cell` is `None` or a composite cell that can hold this one."""
        if parent_cell is None:
            return TrueExplained()
        can_hold = getattr(parent_cell, "can_have_as_internal_cell", None)
        if can_hold is None:
            name = parent_cell.get_full_name() if isinstance(parent_cell, ACell) else repr(parent_cell)
            return FalseExplained(f"the parent of {self._name!r} must be a composite cell or None, not {name}")
        explained: BoolExplained = can_hold(self)
        return explained

    # ------------------------------------------------------------------ inputs and outputs

    def _add_io(self, io: IO[Any]) -> None:
        name = io.get_name()
        known: dict[str, Any] = self._outputs if isinstance(io, Output | OutputPort) else self._inputs
        if name in known:
            kind = "output" if known is self._outputs else "input"
            raise InvalidInputException(f"{self.get_full_name()} already has an {kind} named {name!r}")
        raise_if_not(self.can_have_as_io(io), InvalidInputException)
        if self.is_deployed():
            raise AlreadyDeployedException(f"{self.get_full_name()} is deployed: undeploy() before adding {name!r}")
        known[name] = io

    def _remove_io(self, io: IO[Any]) -> None:
        for known in (self._inputs, self._outputs):
            if known.get(io.get_name()) is io:
                del known[io.get_name()]

    def _get_all_io(self) -> list[IO[Any]]:
        return [*self._inputs.values(), *self._outputs.values()]

    def can_have_as_io(self, io: IO[Any]) -> BoolExplained:
        """Whether `io` is of a kind that this cell can have."""
        return TrueExplained()

    def get_io_names(self) -> list[str]:
        """The names of the inputs and then the outputs, each in the order of their declaration."""
        return [*self._inputs, *self._outputs]

    def get_io(self, name: str) -> IO[Any]:
        """The input or output with this name.

        :raises KeyError: where there is none, or both: then `get_input` or `get_output` says which is meant.
        """
        if name in self._inputs and name in self._outputs:
            raise KeyError(
                f"{self.get_full_name()} has both an input and an output named {name!r}: use get_input() or get_output()"
            )
        found: IO[Any] = self._find_io({**self._inputs, **self._outputs}, name, "input or output")
        return found

    def _find_io(self, io: dict[str, Any], name: str, what: str) -> Any:
        if name not in io:
            known = ", ".join(io) or "none"
            raise KeyError(f"{self.get_full_name()} has no {what} named {name!r}; it has: {known}")
        return io[name]

    def get_inputs(self) -> list[Input[Any] | InputPort[Any] | ConfigParameter[Any]]:
        """The inputs, parameters included, in the order of their declaration."""
        return list(self._inputs.values())

    def get_input_names(self) -> list[str]:
        """The names of the inputs, parameters included."""
        return list(self._inputs)

    def get_input(self, name: str) -> Any:
        """The input, parameter or input port with this name.

        :raises KeyError: where there is none.
        """
        return self._find_io(self._inputs, name, "input")

    def get_outputs(self) -> list[Output[Any] | OutputPort[Any]]:
        """The outputs, in the order of their declaration."""
        return list(self._outputs.values())

    def get_output_names(self) -> list[str]:
        """The names of the outputs."""
        return list(self._outputs)

    def get_output(self, name: str) -> Any:
        """The output or output port with this name.

        :raises KeyError: where there is none.
        """
        return self._find_io(self._outputs, name, "output")

    def _get_cells_recursively(self) -> Iterable[ACell]:
        """This cell, and every cell inside of it."""
        yield self

    def get_io_recursively(self) -> list[IO[Any]]:
        """The inputs and outputs of this cell and of every cell inside of it."""
        return [io for cell in self._get_cells_recursively() for io in cell._get_all_io()]

    def get_io_names_recursively(self) -> list[str]:
        """The full names of the inputs and outputs of this cell and of every cell inside of it."""
        return [io.get_full_name() for io in self.get_io_recursively()]

    def get_inputs_recursively(self) -> list[Input[Any] | InputPort[Any] | ConfigParameter[Any]]:
        """The inputs of this cell and of every cell inside of it."""
        return [io for cell in self._get_cells_recursively() for io in cell.get_inputs()]

    def get_input_names_recursively(self) -> list[str]:
        """The full names of the inputs of this cell and of every cell inside of it."""
        return [io.get_full_name() for io in self.get_inputs_recursively()]

    def get_outputs_recursively(self) -> list[Output[Any] | OutputPort[Any]]:
        """The outputs of this cell and of every cell inside of it."""
        return [io for cell in self._get_cells_recursively() for io in cell.get_outputs()]

    def get_output_names_recursively(self) -> list[str]:
        """The full names of the outputs of this cell and of every cell inside of it."""
        return [io.get_full_name() for io in self.get_outputs_recursively()]

    # ------------------------------------------------------------------ topology

    def is_source_cell(self) -> bool:
        """Whether no connection from outside ends at this cell."""
        return not any(io.get_nb_incoming_connections() for io in self.get_inputs())

    def is_sink_cell(self) -> bool:
        """Whether no connection to the outside leaves this cell, recurrent ones aside."""
        return all(
            connection.is_recurrent() for io in self.get_outputs() for connection in io.get_outgoing_connections()
        )

    def get_topology_description(self) -> dict[str, Any]:
        """Cell, IO and connections as JSON-serialisable data."""
        return {
            "cell": type(self).__name__,
            "name": self._name,
            "full_name": self.get_full_name(),
            "inputs": [io.get_topology_description() for io in self.get_inputs()],
            "outputs": [io.get_topology_description() for io in self.get_outputs()],
        }

    # ------------------------------------------------------------------ error policy

    def set_error_policy(self, policy: ErrorPolicy | None) -> None:
        """Say what happens when this cell, or one inside of it without a policy of its own, raises an error.

        While the pipeline is deployed, every run of a cell that starts after this has returned follows it. Where a cell
        begins to try again, this waits until the pipeline is between two items, and its clones on threads are made again.
        Clones in other processes are replaced by others, which takes as long as starting them.

        :param policy: `None` for what the parent says; `fail` where none says anything.
        :raises InvalidInputException: for anything else.
        :raises InvalidStateException: while the cell keeps state in another process, and where the pipeline would have to
            wait for the cell that asks.
        :raises Exception: what the `_on_deploy` of a new clone raised; nothing has changed then.
        """
        if policy is not None and not isinstance(policy, ErrorPolicy):
            raise InvalidInputException(
                f"the error policy of {self.get_full_name()} must be an ErrorPolicy or None, not {policy!r}: "
                f"ErrorPolicy(retries=3, then='skip'), for example"
            )
        deployment = self.get_root_cell()._deployment
        if deployment is None:
            self._error_policy = policy
        else:
            deployment.change_policy(self, policy)

    def get_error_policy(self) -> ErrorPolicy:
        """The policy of this cell, or the nearest one above it."""
        cell: ACell | None = self
        while cell is not None:
            if cell._error_policy is not None:
                return cell._error_policy
            cell = (cell._stands_for or cell)._parent_cell
        return FAIL

    # ------------------------------------------------------------------ lifecycle

    def is_deployable(self) -> BoolExplained:
        """Whether `deploy` would be accepted; the reasons name everything that is missing."""
        if self._parent_cell is not None:
            return FalseExplained(
                f"{self.get_full_name()} is a part of {self.get_root_cell().get_full_name()}: deploy that one"
            )
        return self._explain_deployability()

    def _explain_deployability(self) -> BoolExplained:
        """Whether this cell, beside its connections, is complete."""
        explained: BoolExplained = TrueExplained()
        for io in self._get_all_io():
            name = io.get_full_name()
            if isinstance(io, AParameter):
                if not io.get_incoming_connections() and not (io.value_is_set() or io.has_default_value()):
                    explained *= FalseExplained(f"the parameter {name} has no value: set one, or a default")
            elif isinstance(io, Input | InputPort | OutputPort) and not io.is_connected():
                if isinstance(io, OutputPort) and not (self._parent_cell is None or io.get_outgoing_connections()):
                    continue
                explained *= FalseExplained(f"{name} is not connected: connect an output to it")
        return explained

    def deploy(self) -> None:
        """Make the pipeline ready to be pulled. Returns when every cell's and every clone's `_on_deploy` is done.

        :raises NotDeployableException: with every reason.
        :raises AlreadyDeployedException: while deployed.
        """
        if self.is_deployed():
            raise AlreadyDeployedException(f"{self.get_full_name()} is deployed already")
        raise_if_not(self.is_deployable(), NotDeployableException, pretty=True)
        entry.runtime().deploy(self)

    def undeploy(self) -> None:
        """End all threads and call `_on_undeploy`; waits for user code that runs, and for nothing else.

        :raises InvalidStateException: on a part of a deployed pipeline.
        :raises NotDeployedException: where nothing is deployed.
        """
        if self._parent_cell is not None:
            raise InvalidStateException(
                f"{self.get_full_name()} is a part of {self.get_root_cell().get_full_name()}: undeploy that one"
            )
        deployment = self._deployment
        if deployment is None:
            raise NotDeployedException(f"{self.get_full_name()} is not deployed")
        deployment.undeploy()

    def is_deployed(self) -> bool:
        """Whether the pipeline that this cell belongs to is deployed. Never waits."""
        return self.get_root_cell()._deployment is not None

    def _get_deployment(self) -> entry.Deployment:
        deployment = self.get_root_cell()._deployment
        if deployment is None:
            raise NotDeployedException(f"{self.get_full_name()} is not deployed: deploy() it first")
        return deployment

    def pull(self) -> None:
        """Pull the cell once, and return when that is done.

        A composite takes one step: each sink and each output port in it advances once, in the order of declaration; an
        error in one does not stop the others, and the first is raised. Repeats while every sink met a skipped item.

        :raises StopIteration: when the stream has ended.
        :raises NotDeployedException: while not deployed.
        :raises InvalidStateException: during a run, which pulls by itself.
        :raises Exception: what a cell raised for this item.
        """
        (self._deployment or self._get_deployment()).pull(self)

    def _shadow_pull(self, pull: Callable[[], None] | None) -> None:
        """Have a deployment answer to `pull` directly, with `None` no more. Where a class has its own `pull`, that stays."""
        if pull is not None and type(self).pull is ACell.pull:
            self.pull = pull  # type: ignore[method-assign]  # that is the idea
        elif "pull" in vars(self):
            del self.pull

    def run(self, **options: Any) -> Any:
        """Deploy if needed, and pull again and again in a thread of its own until the stream ends.

        :param options: see `pypipeline_engine.runtime.run.RunHandle`.
        :returns: a `RunHandle`, at once.
        """
        return entry.runtime().run(self, **options)

    def reset(self) -> None:
        """Send the stream back to its start: this cell and everything upstream, each once. What was in flight is dropped.

        Waits for user code that runs. Calls `_on_reset` of every cell concerned.

        :raises NotDeployedException: while not deployed.
        """
        self._get_deployment().reset(self)

    def get_nb_available_pulls(self) -> int | None:
        """How many pulls are left, `None` where unknown. By default the least that the cells connected upstream know."""
        return self._find_least_available_at(self.get_inputs())

    @staticmethod
    def _find_least_available_at(ends: Iterable[IO[Any]]) -> int | None:
        return find_least_available(ends, ACell.get_nb_available_pulls)

    # ------------------------------------------------------------------ cloning

    def supports_scaling(self) -> bool:
        """Whether items may be divided over several clones of this cell.

        Override it with false where the order of items matters to the cell, because it keeps state or because one pull
        takes more or fewer than one value of an input. Such a cell still can have one clone: a thread of its own.
        """
        return True

    def has_thread_affinity(self) -> bool:
        """Whether a clone has to be run by one and the same thread.

        By default it has not: a clone is run by one thread at a time, and where its items take some microseconds only, that
        is the thread which wants the results. Override it with true where the cell holds what belongs to a thread, such as a
        connection to SQLite, and make that in the first `_on_pull`: `_on_deploy` and `_on_undeploy` are called by the thread
        that deploys, and without clones the thread that pulls the pipeline runs the cell.
        """
        return False

    def get_nb_required_gpus(self) -> float:
        """How many GPUs one clone needs; used to place Ray clones."""
        return 0.0

    def clone(self, new_parent: ACompositeCell | None) -> ACell:
        """A new cell like this one inside `new_parent`: made with the arguments of this one's constructor, with the same
        parameter values. Override it where that is not enough.

        :raises ScalingNotSupportedException: if the constructor cannot be called that way.
        """
        args, kwargs = self._get_arguments_for(new_parent)
        try:
            copy = type(self)(*args, **kwargs)
        except TypeError as error:
            raise ScalingNotSupportedException(
                f"{self.get_full_name()} cannot be cloned: the constructor of {type(self).__name__} must take the parent "
                f"cell and the name first ({error}); otherwise override clone()"
            ) from error
        copy._take_over(self)
        return copy

    def _get_arguments_for(self, new_parent: ACompositeCell | None) -> tuple[list[Any], dict[str, Any]]:
        """The arguments with which the constructor makes this cell again inside of `new_parent`."""
        args, kwargs = list(self._constructor_arguments[0]), dict(self._constructor_arguments[1])
        parameters = list(inspect.signature(type(self).__init__).parameters.values())[1:3]
        for place, (usual_name, value) in enumerate((("parent_cell", new_parent), ("name", self._name))):
            if place < len(args):
                args[place] = value
            else:
                named = place < len(parameters) and parameters[place].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
                kwargs[parameters[place].name if named else usual_name] = value
        return args, kwargs

    def _take_over(self, original: ACell) -> None:
        """Make this freshly constructed cell like `original`, beyond what the constructor did."""
        self._error_policy = original._error_policy
        for name, io in [*original._inputs.items(), *original._outputs.items()]:
            own = (self._outputs if isinstance(io, Output | OutputPort) else self._inputs).get(name)
            if isinstance(own, AParameter) and isinstance(io, AParameter):
                own._copy_value_of(io)
            elif isinstance(own, SourceEnd) and isinstance(io, SourceEnd) and io.has_initial_value():
                own.set_initial_value(io.get_initial_value())

    # ------------------------------------------------------------------ invariants and removal

    def assert_is_valid(self) -> None:
        """Raise `InvalidStateException` where an invariant of this cell, its IO or what is inside is broken."""
        raise_if_not(self.can_have_as_name(self._name), InvalidStateException)
        if self._parent_cell is not None and self not in self._parent_cell.get_internal_cells():
            raise InvalidStateException(f"{self.get_full_name()} is unknown to its parent")
        for name, io in [*self._inputs.items(), *self._outputs.items()]:
            if io.get_name() != name or io.get_cell() is not self:
                raise InvalidStateException(f"{io.get_full_name()} does not belong to {self.get_full_name()}")
            io.assert_is_valid()

    def delete(self) -> None:
        """Take the cell out of its parent.

        :raises AlreadyDeployedException: while deployed.
        :raises CannotBeDeletedException: while connections from outside lead to or from it.
        """
        if self.is_deployed():
            raise AlreadyDeployedException(f"{self.get_full_name()} is deployed: undeploy() before deleting it")
        dangling = [
            connection
            for io in self._get_all_io()
            for connection in io.get_incoming_connections() + io.get_outgoing_connections()
            if connection.get_parent_cell() is not self
        ]
        if dangling:
            names = ", ".join(map(str, dangling))
            raise CannotBeDeletedException(f"{self.get_full_name()} is still connected: delete {names} first")
        if self._parent_cell is not None:
            self._parent_cell._remove_cell(self)
            self._parent_cell = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.get_full_name()}>"


class ASingleCell(ACell):
    """A cell with code of its own.

    Override `_on_pull`, and where needed `_on_deploy`, `_on_undeploy`, `_on_reset`, `supports_scaling` and
    `get_nb_available_pulls`. The engine calls these methods of one cell one at a time, not always on the same thread.
    """

    run_failed: bool = False
    """Set before `_on_undeploy` where an error ended the run: what was written is then not complete."""

    @abstractmethod
    def _on_pull(self) -> None:
        """Process one item: pull the inputs, work, set every output.

        `raise StopIteration` ends the stream, `raise ItemSkipped` leaves a gap in it. A value that was pulled may be shared
        with other cells: never change it in place.
        """

    def _on_deploy(self) -> None:
        """Acquire what the cell needs: open files, load models, read `ConfigParameter`s."""

    def _on_undeploy(self) -> None:
        """Release it again. Called once for each `_on_deploy` that was called, also where that failed."""

    def _on_reset(self) -> None:
        """Go back to the start of the stream; called before the next pull."""

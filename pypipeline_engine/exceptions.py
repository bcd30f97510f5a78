"""Every exception that the engine raises by itself.

Errors raised by a user's cell keep their own type; these classes are for what the engine has to say. A message names the
object by its full name, says what was expected, what came, and how to mend it.
"""

from __future__ import annotations


class PipelineException(Exception):
    """Base class of everything in this module but `NonCriticalException`."""


class NonCriticalException(Exception):
    """Base class for an error after which the cell is whole again for its next pull.

    It costs one item, is delivered in that item's place, and does not end a run. Every other exception is critical: it
    reaches the caller in its item's place and ends a run.
    """


class InvalidInputException(PipelineException):
    """A value, name or change of the structure that is refused."""


class NotDeployableException(PipelineException):
    """`deploy()` was called on something that `is_deployable()` refuses; the message lists every reason."""


class IndeterminableTopologyException(NotDeployableException):
    """A cycle of connections on which no output has an initial value, or where it is unclear which one is recurrent."""


class NotDeployedException(PipelineException):
    """The call needs a deployed pipeline."""


class AlreadyDeployedException(PipelineException):
    """The call needs a pipeline that is not deployed."""


class UnconnectedException(PipelineException):
    """An input without an incoming connection was pulled."""


class NoInputProvidedException(PipelineException):
    """A parameter was pulled that has neither a value nor a connection."""


class NoOutputProvidedException(PipelineException):
    """A cell returned from `_on_pull` without setting one of its outputs, or an output was read before it was set."""


class UnsetRecurrentConnectionException(PipelineException):
    """A recurrent connection was pulled more often than its source had run."""


class CannotBeDeletedException(PipelineException):
    """Deleting the object would leave connections without an end."""


class InvalidStateException(PipelineException):
    """The call is not allowed in the state that the object is in, or an invariant of the object is broken."""


class ScalingNotSupportedException(PipelineException):
    """The cell cannot have that many clones, or clones of that kind."""


class TimeoutException(PipelineException):
    """A wait with a time limit ran out."""


class InactiveException(PipelineException):
    """The pipeline was undeployed, stopped or reset while this pull was waiting."""


class DeadlockException(PipelineException):
    """Cells wait for each other and none of them can go on; the message names the cells and connections."""


class ItemSkipped(PipelineException):
    """Stands in the place of an item that was skipped.

    Raised by a pull that meets the gap which a skipped item left, and by a cell that wants to leave one: `raise
    ItemSkipped` in `_on_pull` leaves a gap on every output of the cell.
    """


class GraphException(PipelineException):
    """Something is wrong with a graph document. The message lists every problem with its place in the document."""


class RecordException(PipelineException):
    """A record of a run cannot be written, or read."""


class InternalError(PipelineException):
    """A fault of the engine itself."""

    def __str__(self) -> str:
        return f"{super().__str__()}. This is a fault of the engine; please report it together with this message."

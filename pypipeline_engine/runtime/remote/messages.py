"""What goes to a clone in another process, and what comes back. Everything here can be pickled."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any, NamedTuple

from ray import cloudpickle

from pypipeline_engine.core.counters import Counters, DeadLetter
from pypipeline_engine.core.errors import describe_error, get_cell_of, sign
from pypipeline_engine.core.values import Outcome
from pypipeline_engine.exceptions import PipelineException


class RemoteError(PipelineException):
    """Stands for an error that cannot be pickled: its type and message, as text."""


class RemoteTraceback(Exception):
    """The cause of an error that came from another process: the traceback there, as text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n\nIn the other process:\n{self.text}"


class Failure(NamedTuple):
    """An error, or a gap, on its way between processes."""

    pickled: bytes
    text: str
    """Its traceback; empty for what has none that tells something."""


class Same(NamedTuple):
    """Stands for the value of an input, which need not come back to where it is."""

    port: int


class Work(NamedTuple):
    """Items to be done, in this order."""

    numbers: Sequence[int]
    """The number of each, for dead letters."""
    items: Sequence[Sequence[Any]]
    """The values of the input ports for each, `Failure`s among them."""
    parameters: Sequence[tuple[int, Any]] = ()
    """New values of runtime parameters, by their place among those of the clone."""


class Report(NamedTuple):
    """What a clone has counted."""

    counters: dict[str, Counters]
    """Since its deployment, by the full name of the cell."""
    letters: Sequence[DeadLetter]
    """Since the last report."""


class Done(NamedTuple):
    """What came of some work."""

    results: Sequence[Any]
    """For each item the values of the wanted output ports, `Failure`s and `Same`s among them; `None` where it ended."""
    report: Report
    took_s: float
    """How long all of them took together, in seconds."""


_SURE = frozenset({int, float, bool, complex, str, bytes, type(None)})
_MOST_ELEMENTS = 16


def explain_why_not(value: Any) -> Exception | None:
    """What comes in the way of pickling a value; `None` where nothing does. Costs next to nothing for what is common."""
    if _is_sure(value):
        return None
    try:
        cloudpickle.dumps(value)
    except Exception as error:
        return error
    return None


def _is_sure(value: Any) -> bool:
    kind = value.__class__
    if kind in _SURE:
        return True
    if kind in (list, tuple, dict):
        elements = [*value.keys(), *value.values()] if kind is dict else value
        return len(elements) <= _MOST_ELEMENTS and all(map(_is_sure, elements))
    dtype = getattr(value, "dtype", None)  # an array of numpy, which is not imported for this
    return dtype is not None and kind.__module__ == "numpy" and not dtype.hasobject


def encode(outcome: Outcome, with_text: bool = True) -> Failure:
    """An error or gap as bytes, whatever class it is of."""
    error = outcome.error
    text = "".join(traceback.format_exception(outcome.get_error())) if with_text else ""
    try:
        pickled = cloudpickle.dumps(error)
        cloudpickle.loads(pickled)  # many exceptions can be pickled and not be made again
    except Exception:
        stand_in = RemoteError(describe_error(error))
        cell = get_cell_of(error)
        if cell is not None:
            sign(stand_in, cell)
        for note in getattr(error, "__notes__", ()):
            stand_in.add_note(note)
        pickled = cloudpickle.dumps(stand_in)
    return Failure(pickled, text)


def decode(failure: Failure) -> Outcome:
    """The error or gap again, caused by the traceback of the other process."""
    try:
        error = cloudpickle.loads(failure.pickled)
    except Exception as trouble:  # its class is not here
        error = RemoteError(f"an error of another process cannot be shown here, because of {describe_error(trouble)}")
    if failure.text:
        error.__cause__ = RemoteTraceback(failure.text)
    return Outcome(error)

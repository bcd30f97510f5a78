"""What goes to a clone in another process, and what comes back. Everything here can be pickled."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ray import cloudpickle

from pypipeline_engine.core.counters import DeadLetter
from pypipeline_engine.core.errors import describe_error, get_cell_of, get_item_of, sign, take_places
from pypipeline_engine.core.values import Outcome, size_of
from pypipeline_engine.exceptions import NonCriticalException, PipelineException

M = TypeVar("M", bound=NamedTuple)
Put: TypeAlias = Callable[[Sequence[Any]], int | None]
Get: TypeAlias = Callable[[int], list[Any]]


class RemoteError(PipelineException):
    """Stands for an error that cannot be pickled: its type and message, as text."""


class RemoteNonCriticalError(NonCriticalException):
    """The same for one that costs one item and does not end a run."""


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


class Place(NamedTuple):
    """Where a clone is."""

    process: int
    node: str
    """Ray's identifier of it."""


class Same(NamedTuple):
    """Stands for the value of an input, which need not come back to where it is."""

    port: int


class Parcel(NamedTuple):
    """Stands for the values of one item, which are packed already."""

    packed: Any


class Work(NamedTuple):
    """Items to be done, in this order."""

    numbers: Sequence[int]
    """The number of each, for dead letters."""
    items: Sequence[Sequence[Any]]
    """The values of the input ports for each, `Failure`s among them."""
    parameters: Sequence[tuple[int, tuple[Any, Any]]] = ()
    """New values and defaults of runtime parameters, by their place among those of the clone."""


class Done(NamedTuple):
    """What came of some work."""

    results: Sequence[Any]
    """For each item the values of the wanted output ports, `Failure`s and `Same`s among them, or a `Parcel` of these; `None`
    where it ended.
    """
    counted: dict[str, tuple[Any, ...]]
    """What the clone has counted since its deployment, as `Counters.as_tuple` gives it, by the full name of the cell."""
    letters: Sequence[DeadLetter]
    """The items that were skipped in this work."""
    took_s: float
    """How long all of them took together, in seconds."""


# ---------------------------------------------------------------------- as bytes


OUT_OF_BAND_BYTES = 64 * 1024
"""Ray shares arrays from this size on between processes of a node; smaller ones are faster among the other bytes."""
GROUP_BYTES = 4 * 2**20
"""Arrays that follow each other share a buffer up to so many bytes; a larger one has its own."""
PARCEL_BYTES = 2**20
"""An item with so much is packed by itself, as soon as it is there: while the caches of the processor still have it, and so
that the next one gets its memory, and not some that the system has to clear first.
"""
PLAIN = frozenset({int, float, bool, complex, str, bytes, type(None)})
"""What is pickled faster than anything about it could be found out."""
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
    if kind in PLAIN:
        return True
    if kind in (list, tuple, dict):
        elements = [*value.keys(), *value.values()] if kind is dict else value
        return len(elements) <= _MOST_ELEMENTS and all(map(_is_sure, elements))
    dtype = getattr(value, "dtype", None)  # an array of numpy, which is not imported for this
    return dtype is not None and kind.__module__ == "numpy" and not dtype.hasobject


def pack(message: Work | Done, values: Iterable[Iterable[Any]], put: Put = lambda _: None) -> Any:
    """A message as Ray is fastest with: bytes, and where there are large arrays, a list of bytes and where the arrays are:
    for some of them after the other the number of the buffer that has them, or a list of themselves.

    :param values: all values in it that come from cells.
    :param put: puts arrays into a buffer, and tells its number; `None` where there is none for them.
    :raises Exception: where one of them cannot be pickled.
    """
    return _pack(tuple(message), all(_is_sure(value) for some in values for value in some), put)


def pack_item(values: list[Any], put: Put) -> list[Any] | Parcel:
    """The values of one item, as a parcel where that is better.

    :param put: as in `pack`.
    """
    if sum(map(size_of, values)) < PARCEL_BYTES:
        return values
    try:
        return Parcel(_pack(values, all(map(_is_sure, values)), put))
    except Exception:  # it is told where all of them are packed
        return values


def _pack(content: Any, is_sure: bool, put: Put) -> Any:
    buffers: list[Any] = []

    def keep(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < OUT_OF_BAND_BYTES:
            return True
        buffers.append(raw)
        return False

    # What is not from a library may have to travel by value, which takes longer.
    data = (pickle if is_sure else cloudpickle).dumps(content, protocol=5, buffer_callback=keep)
    if not buffers:
        return data
    import numpy as np

    packed: list[Any] = [data]
    for group in _group([np.frombuffer(raw, np.uint8) for raw in buffers]):
        number = put(group)
        packed.append(group if number is None else number)
    return packed


def _group(arrays: Iterable[Any]) -> list[list[Any]]:
    """Arrays that share a buffer: few large ones, so that each buffer is free again soon, and many that are not so large."""
    groups: list[list[Any]] = []
    nb_bytes = GROUP_BYTES
    for array in arrays:
        if nb_bytes + array.nbytes > GROUP_BYTES:
            groups.append([])
            nb_bytes = 0
        groups[-1].append(array)
        nb_bytes += array.nbytes
    return groups


def unpack(kind: type[M], packed: Any, get: Get = lambda _: []) -> M:
    """The message again. Arrays in it are views of what Ray shares, and read-only.

    :param get: the arrays in the buffer of a number.
    """
    return kind(*_unpack(packed, get))


def unpack_done(packed: Any, get: Get = lambda _: []) -> Done:
    """`Done` again, with what was in parcels in their place.

    :param get: as in `unpack`.
    """
    done = unpack(Done, packed, get)
    results = [_unpack(one.packed, get) if one.__class__ is Parcel else one for one in done.results]
    return done._replace(results=results)


def _unpack(packed: Any, get: Get) -> Any:
    if packed.__class__ is bytes:
        return pickle.loads(packed)
    data, *groups = packed
    arrays = [array for group in groups for array in (group if group.__class__ is list else get(group))]
    return pickle.loads(data, buffers=arrays)


def encode(outcome: Outcome, with_text: bool = True) -> Failure:
    """An error or gap as bytes, whatever class it is of."""
    error = outcome.error
    text = "".join(traceback.format_exception(outcome.get_error())) if with_text else ""
    try:
        if with_text:
            take_places(outcome.get_error(), outcome.get_error())
        pickled = cloudpickle.dumps(error)
        cloudpickle.loads(pickled)  # many exceptions can be pickled and not be made again
    except Exception:
        kind = RemoteNonCriticalError if isinstance(error, NonCriticalException) else RemoteError
        stand_in = kind(describe_error(error))
        take_places(stand_in, outcome.get_error())
        cell = get_cell_of(error)
        if cell is not None:
            sign(stand_in, cell, get_item_of(error))
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

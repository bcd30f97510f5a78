"""What travels through a pipeline besides the values of its cells."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final


class _Symbol:
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name

    def __reduce__(self) -> str:
        return self._name  # the one of this name in this module, also in another process


UNSET: Final[Any] = _Symbol("UNSET")
"""The absence of a value, where `None` is a value like any other."""

END: Final[Any] = _Symbol("END")
"""Stands where a stream ended."""


class Slot:
    """Holds the value that an output was set to in the current pull."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: Any = UNSET


class Outcome:
    """An error or a gap in the place of a value. Seen once by each connection, possibly in several threads."""

    __slots__ = ("_traceback", "error")

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self._traceback: TracebackType | None = error.__traceback__

    def get_error(self) -> BaseException:
        """The error, with its traceback as it was: raising one exception several times would let it grow."""
        return self.error.with_traceback(self._traceback)


_WITHOUT_SIZE = frozenset({int, float, bool, complex, type(None), Outcome})
_MOST_ELEMENTS = 64


def size_of(value: Any) -> int:
    """About how many bytes of memory a value keeps busy: arrays, bytes and text, also one level down in collections.

    An estimate for bounding queues. Numbers and unknown objects count as nothing; of a long collection the first
    elements stand for the others.
    """
    kind = value.__class__
    if kind in _WITHOUT_SIZE:
        return 0
    if kind is list or kind is tuple or kind is dict:
        elements = list(value.values()) if kind is dict else value
        sample = elements[:_MOST_ELEMENTS]
        return sum(map(_size_of_one, sample)) * len(elements) // max(1, len(sample))
    return _size_of_one(value)


def _size_of_one(value: Any) -> int:
    kind = value.__class__
    if kind in _WITHOUT_SIZE:
        return 0
    if kind is bytes or kind is str or kind is bytearray:
        return len(value)
    try:
        nbytes = getattr(value, "nbytes", 0)
    except Exception:  # of a lazy array, which is not known yet: that must cost no item
        return 0
    # Of a class, `nbytes` is a descriptor, and of a lazy array it may be NaN.
    return int(nbytes) if isinstance(nbytes, int) and nbytes > 0 else 0

"""Errors on their way through a pipeline: where they came from, and what is said about them.

Works with every exception class, also those that refuse attributes or cannot say what they are.
"""

from __future__ import annotations

import traceback

_CELL = "_pypipeline_cell"
_ITEM = "_pypipeline_item"
_PLACES = "_pypipeline_places"


def get_cell_of(error: BaseException) -> str | None:
    """The full name of the cell that raised `error`, where a pipeline delivered it."""
    name = error.__dict__.get(_CELL)
    return name if isinstance(name, str) else None


def get_item_of(error: BaseException) -> int | None:
    """The number, from 0, of the item at which its cell raised `error`; `None` where that is not known."""
    number = error.__dict__.get(_ITEM)
    return number if isinstance(number, int) else None


def sign(error: BaseException, cell: str, item: int | None = None) -> None:
    """Have `error` say from which cell it came, and at which item."""
    error.__dict__[_CELL] = cell
    error.__dict__[_ITEM] = item


def add_note(error: BaseException, note: str) -> None:
    """Add a line to what a traceback of `error` says; the same line only once."""
    notes = error.__dict__.setdefault("__notes__", [])
    if note not in notes:
        notes.append(note)


def describe_error(error: BaseException) -> str:
    """Type and message in one line. Of a class with a true `describes_another`, the message alone: it has the type of that
    other error.
    """
    try:
        message = str(error)
    except Exception:
        message = "(its message cannot be shown)"
    if message and getattr(type(error), "describes_another", False):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def get_places(error: BaseException) -> tuple[tuple[str, int], ...]:
    """File and line of each frame of the traceback, the one where it was raised last, in another process perhaps."""
    here = tuple((frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__))
    return (*here, *error.__dict__.get(_PLACES, ()))


def take_places(error: BaseException, of: BaseException) -> None:
    """Have `error` keep the places of another one, or of itself: it leaves its process, and a traceback cannot."""
    error.__dict__[_PLACES] = get_places(of)

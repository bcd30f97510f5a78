"""The arrays of which pictures were sent, for who asks what exactly stands in them.

A picture is a JPEG, and often smaller than its array. So a client that wants to know more has the array kept: a copy, for
cells may write into what they have set, and a read-only array may be a view of memory that others write. The picture is made
from the copy, so that both are of the same moment.

Kept are the latest of each output, within bounds for each and for all together. What somebody has asked about a short while
ago stays longer: it is looked at, while others come.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pypipeline_engine.host.looking import MOST_KEPT_BYTES, MOST_PIXELS, Number, PixelsInfo
from pypipeline_engine.host.refusals import GONE, UNPROCESSABLE, Refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

Key = tuple[str, str]
"""Cell and port, by their names in the graph."""

MOST_OF_AN_OUTPUT = 12
"""Three seconds at four a second: for boxes that come so much later than the image that they are drawn on."""
IN_USE_S = 30.0
"""For so long a picture is in use after somebody has asked about it."""

_numbers = itertools.count(1)
"""Of all runs of the process: that of a picture never stands for another one later."""


@dataclass
class KeptPicture:
    """An array that nobody changes any more."""

    number: int
    key: Key
    item: int
    array: NDArray[Any]
    asked_s: float = -math.inf
    """When somebody asked about it last."""


class Rectangle(NamedTuple):
    """A part of an array: its first column and row, and how many there are of both."""

    x: int
    y: int
    width: int = 1
    height: int = 1


class KeptPictures:
    """Arrays by the numbers of their pictures. Any thread may call everything; nothing waits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """:param clock: seconds, from anywhere on."""
        self._clock = clock
        self._lock = threading.Lock()  # guards the pictures; nothing else is taken while it is held
        self._pictures: dict[int, KeptPicture] = {}
        """The oldest first."""
        self._is_closed = False

    def keep(self, key: Key, item: int, array: NDArray[Any]) -> int:
        """Keep an array that fits, which the caller gives away.

        :return: the number of its picture; 0 where the run is over.
        """
        with self._lock:
            if self._is_closed:
                return 0
            kept = KeptPicture(next(_numbers), key, item, array)
            self._pictures[kept.number] = kept
            self._make_room(key)
            return kept.number

    def find(self, key: Key, number: int) -> KeptPicture:
        """The array of a picture, which stays in use by that.

        :raises Refused: where it is not kept, or no more.
        """
        with self._lock:
            kept = self._pictures.get(number)
            if kept is not None and kept.key == key:
                kept.asked_s = self._clock()
                return kept
        raise Refused(
            GONE,
            f"the array of picture {number} of {'.'.join(key)} is not kept, or no more: only the latest pictures that were "
            f"got by GET /v1/preview?...&pixels=true are",
        )

    def forget(self, key: Key) -> None:
        """Let go of the arrays of an output."""
        with self._lock:
            self._drop(lambda kept: kept.key == key)

    def forget_unused(self) -> None:
        """Let go of all that nobody looks at."""
        with self._lock:
            self._drop(lambda kept: not self._is_in_use(kept))

    def close(self) -> None:
        """The run is over: keep what is looked at, and the latest of each output, and nothing else any more."""
        with self._lock:
            self._is_closed = True
            latest = {kept.key: kept.number for kept in self._pictures.values()}
            self._drop(lambda kept: latest[kept.key] != kept.number and not self._is_in_use(kept))

    @property
    def nb_bytes(self) -> int:
        """How much memory all of them take."""
        with self._lock:
            return self._sum_up()

    def _sum_up(self) -> int:
        return sum(kept.array.nbytes for kept in self._pictures.values())

    def _drop(self, is_gone: Callable[[KeptPicture], bool]) -> None:
        for kept in list(self._pictures.values()):
            if is_gone(kept):
                del self._pictures[kept.number]

    def _is_in_use(self, kept: KeptPicture) -> bool:
        return self._clock() - kept.asked_s <= IN_USE_S

    def _make_room(self, key: Key) -> None:
        """Drop the oldest that are too many. The lock is held."""
        own = [kept for kept in self._pictures.values() if kept.key == key and not self._is_in_use(kept)]
        for kept in own[:-MOST_OF_AN_OUTPUT]:
            del self._pictures[kept.number]
        excess = self._sum_up() - MOST_KEPT_BYTES
        newest = next(reversed(self._pictures))
        for kept in sorted(self._pictures.values(), key=self._is_in_use):  # stable: of both kinds, the oldest first
            if excess <= 0:
                return
            if kept.number != newest:
                excess -= kept.array.nbytes
                del self._pictures[kept.number]


def fits(value: Any) -> bool:
    """Whether a value is not too large to be kept."""
    return bool(getattr(value, "nbytes", 0) <= MOST_KEPT_BYTES)


def copied(array: NDArray[Any]) -> NDArray[Any]:
    """An array of the same numbers that nobody else has."""
    import numpy as np

    return np.array(array)


def read_pixels(kept: KeptPicture, where: Rectangle) -> PixelsInfo:
    """What stands in a part of an array; the part ends where the array does.

    :raises Refused: where it begins beside the array, is empty, or too large.
    """
    array = kept.array
    height, width = array.shape[:2]
    for name, first, length, what in (("x", where.x, width, "columns"), ("y", where.y, height, "rows")):
        if not 0 <= first < length:
            raise Refused(UNPROCESSABLE, f"{name}: the array has the {what} 0 to {length - 1}, not {first}")
    nb_columns, nb_rows = min(where.width, width - where.x), min(where.height, height - where.y)
    if not 1 <= nb_columns * nb_rows <= MOST_PIXELS:
        raise Refused(
            UNPROCESSABLE,
            f"width, height: 1 to {MOST_PIXELS} pixels are expected, not {where.width} x {where.height}",
        )
    part = array[where.y : where.y + nb_rows, where.x : where.x + nb_columns]
    rows = part.reshape(nb_rows, nb_columns, -1)
    return PixelsInfo(
        cell=kept.key[0],
        port=kept.key[1],
        item=kept.item,
        picture=kept.number,
        shape=array.shape,
        dtype=str(array.dtype),
        x=where.x,
        y=where.y,
        rows=tuple(tuple(tuple(map(_to_number, pixel)) for pixel in row) for row in rows),
    )


def _to_number(value: Any) -> Number:
    """A NumPy number as one of JSON.

    Of a floating point number, the shortest one that is no other of its own type: float32 0.1 is 0.1 and not
    0.10000000149011612, which means the same and looks as if somebody had written it.
    """
    if value.dtype.kind != "f":
        plain: bool | int = value.item()
        return plain
    number = float(str(value))
    if math.isnan(number):
        return "nan"
    return number if math.isfinite(number) else "inf" if number > 0 else "-inf"

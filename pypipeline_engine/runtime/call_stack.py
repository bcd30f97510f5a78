"""Room for the frames of a deep pull in one piece of memory.

CPython keeps the frames of a thread in chunks of 16 KB, and gives a chunk back to the system as soon as its first frame
returns. A pull through some fifty cells needs more than one of them, so that each item would map and unmap memory, which the
kernel has to clear: that is two thirds of the time of an item in a chain of 2,000 cells. A chunk is larger where the frame
that begins it is. So what pulls deeply is called by a function whose frame claims to need half of a large chunk, of which it
touches nothing: the other half is for what it calls.

This changes speed alone. An interpreter that keeps frames in another way makes one call more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar

T = TypeVar("T")

CHUNK_WORDS = 2048
WORDS_PER_CELL = 100
"""More than the frames of one cell take, where its own code calls nothing: some forty, and twice as many in a sample."""
FEW_CELLS = 40
"""So many fit into the chunk that is there in any case, beside what a program has on its stack."""


def call_with_room(do: Callable[[], T], nb_cells: int) -> T:
    """Call `do`, which pulls through up to so many cells, one within the other.

    Memory is mapped, and not touched before it is needed; where `do` pulls again and again, the same is used.
    """
    return give_room(do, nb_cells)()


def give_room(do: Callable[[], T], nb_cells: int) -> Callable[[], T]:
    """What calls `do` with room for so many cells each time; `do` itself where they are few."""
    if nb_cells <= FEW_CELLS:
        return do
    return partial(_make_call(_find_words(nb_cells)), do)


def _find_words(nb_cells: int) -> int:
    """How large a chunk has to be so that half of it is enough: they are powers of two."""
    words = CHUNK_WORDS
    while words < 2 * WORDS_PER_CELL * nb_cells:
        words *= 2
    return words


@cache
def _make_call(chunk_words: int) -> Callable[[Callable[[], Any]], Any]:
    """A function that calls what it is given, with a frame that does not fit into less than a chunk of this size."""

    def call(do: Callable[[], Any]) -> Any:
        return do()

    call.__code__ = call.__code__.replace(co_stacksize=chunk_words // 2)
    return call

"""The items that cells have failed at, with what was pulled for them: the latest, within bounds of number and size.

The threads of cells add to it; any thread may ask. Its lock guards everything here; nothing else happens while it is held.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pypipeline_engine.core.errors import describe_error
from pypipeline_engine.core.values import size_of
from pypipeline_engine.host.held import MOST_INPUTS_TOLD, Held
from pypipeline_engine.host.looking import FailedInfo, FailedItems
from pypipeline_engine.host.ports import Place
from pypipeline_engine.host.refusals import CONFLICT, Refused
from pypipeline_engine.host.summaries import summarize

if TYPE_CHECKING:
    from pypipeline_engine.runtime.taps import TappedItem

MOST_FAILED = 16
MOST_FAILED_BYTES = 256 * 2**20
"""Of all of them together; one that is larger is not kept."""


class FailedKept:
    """The items that are kept, by cell and number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, int], tuple[Held, str]] = {}
        self._nb_missed = 0
        self._is_closed = False

    def add(self, name: str, full_name: str, item: TappedItem, error: Exception) -> None:
        """Keep an item; called in the thread of its cell.

        :param name: that of the cell in the graph.
        :param error: is not kept itself: it would keep the frames of the cell alive.
        """
        nb_bytes = sum(size_of(value) for values in item.inputs.values() for value in values)
        message, key = describe_error(error), (name, item.number)
        held = Held(0, name, "", "", Place(full_name, ""), item, nb_bytes)
        with self._lock:
            if self._is_closed:
                return
            self._kept.pop(key, None)  # the cell tries again
            if nb_bytes > MOST_FAILED_BYTES:
                self._nb_missed += 1
                return
            self._kept[key] = held, message
            while len(self._kept) > MOST_FAILED or self._nb_bytes() > MOST_FAILED_BYTES:
                del self._kept[next(iter(self._kept))]
                self._nb_missed += 1

    def get(self, name: str, number: int) -> Held:
        """One of them.

        :raises Refused: where it is not kept.
        """
        with self._lock:
            found = self._kept.get((name, number))
        if found is None:
            raise Refused(
                CONFLICT,
                f"the item {number} of {name} is not kept: POST /v1/retain has what a cell fails at kept from then on, the "
                f"latest {MOST_FAILED} items",
            )
        return found[0]

    def has(self, held: Held) -> bool:
        """Whether it is one of them."""
        with self._lock:
            return any(one is held for one, _ in self._kept.values())

    def describe(self) -> FailedItems:
        """What is told of all of them. Takes a while."""
        with self._lock:
            kept, nb_missed, nb_bytes = list(self._kept.values()), self._nb_missed, self._nb_bytes()
        items = tuple(
            FailedInfo(
                cell=held.cell,
                item=held.item.number,
                message=message,
                inputs={
                    name: tuple(map(summarize, values[:MOST_INPUTS_TOLD])) for name, values in held.item.inputs.items()
                },
            )
            for held, message in kept
        )
        return FailedItems(items=items, nb_missed=nb_missed, nb_bytes=nb_bytes)

    def keep_only(self, names: set[str]) -> None:
        """Let go of the items of all other cells."""
        with self._lock:
            for key in [key for key in self._kept if key[0] not in names]:
                del self._kept[key]

    def close(self) -> None:
        """The run is over: let go of everything."""
        with self._lock:
            self._is_closed = True
            self._kept.clear()

    def _nb_bytes(self) -> int:
        return sum(held.nb_bytes for held, _ in self._kept.values())

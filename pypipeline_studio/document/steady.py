"""What limits a run, told steadily: a limit that is found in one snapshot and lost in the next moves no badge."""

from __future__ import annotations

from typing import Final, TypeAlias

from pypipeline_engine.host.protocol import BottleneckInfo

HELD_SNAPSHOTS: Final = 6
"""So many snapshots in a row another limit has to be found in before it is told: one and a half seconds at 4 Hz."""
UNSEEN_SNAPSHOTS: Final = 3 * HELD_SNAPSHOTS
"""After so many in which the one that is told was not found, the latest one is told, even if none has held."""

_Key: TypeAlias = tuple[frozenset[str], tuple[tuple[str, str, int], ...], int | None]


class SteadyLimit:
    """Follows the limit of one run. The figures of the one that is told are the latest ones. For one thread."""

    def __init__(self) -> None:
        self._shown: BottleneckInfo | None = None
        self._candidate: _Key | None = None
        self._nb_held = 0
        self._nb_unseen = 0

    def take(self, found: BottleneckInfo | None, is_over: bool = False) -> BottleneckInfo | None:
        """What to tell after another snapshot.

        :param found: what limits the run by that snapshot alone.
        :param is_over: whether no further one will come: then it is told as it is.
        """
        shown = self._shown
        if is_over or shown is None or not shown.cells or (found is not None and _key(found) == _key(shown)):
            return self._tell(found)
        key = None if found is None else _key(found)
        self._nb_unseen += 1
        self._nb_held = self._nb_held + 1 if key == self._candidate and self._nb_held else 1
        self._candidate = key
        if self._nb_held >= HELD_SNAPSHOTS or self._nb_unseen >= UNSEEN_SNAPSHOTS:
            return self._tell(found)
        return shown

    def _tell(self, found: BottleneckInfo | None) -> BottleneckInfo | None:
        self._shown = found
        self._nb_held = self._nb_unseen = 0
        return found


def _key(limit: BottleneckInfo) -> _Key:
    """What a person would see change: who limits, and what is advised. Figures do not count."""
    changes = tuple((change.cell, change.method, change.after) for change in limit.changes)
    return frozenset(limit.cells), changes, limit.queue_capacity

"""What the command palette offers, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pypipeline_studio.document.matching import Match, match

MOST_RECENT: Final = 20
"""So many entries are remembered as used."""
_BY_MENU: Final = 6
"""What only matches together with its menu comes after what matches by itself."""


@dataclass(frozen=True)
class PaletteEntry:
    """Something that can be done."""

    key: str
    """By which it is remembered; distinct."""
    text: str
    where: str = ""
    """The menu where it is found, or what it belongs to."""
    keys: str = ""
    """The keys that do it, as people read them."""
    obstacle: str = ""
    """Why it cannot be done now."""
    is_enabled: bool = True
    category: str = ""
    """Of a cell that would be added, its category; empty for actions."""
    is_on: bool | None = None
    """Whether it is on, for what can be on or off."""
    also: str = ""
    """What else it is found by."""


@dataclass(frozen=True)
class Found:
    """An entry that matches."""

    entry: PaletteEntry
    places: tuple[int, ...] = ()
    """Which characters of its text were typed."""


def ranked(entries: Iterable[PaletteEntry], typed: str, recent: Sequence[str]) -> list[Found]:
    """The entries that match, the best first; of equals those used last first, and what can be done before what cannot.

    :param recent: the keys of entries that were used, the last one first. Where nothing is typed, these come first.
    """
    used = {key: place for place, key in enumerate(recent)}
    unused = len(used)
    found = []
    for place, entry in enumerate(entries):
        hit = _match(entry, typed)
        if hit is not None:
            order = (hit.rank, used.get(entry.key, unused), not entry.is_enabled if typed.strip() else 0)
            found.append((*order, place, Found(entry, hit.places)))
    return [hit[-1] for hit in sorted(found, key=lambda hit: hit[:-1])]


def _match(entry: PaletteEntry, typed: str) -> Match | None:
    own = match(entry.text, typed)
    if own is not None:
        return own
    around = f"{entry.text} {entry.where} {entry.also}"
    found = match(around, typed, by_letters=False)
    if found is None:
        return None
    return Match(found.rank + _BY_MENU, tuple(place for place in found.places if place < len(entry.text)))


def with_used(recent: Sequence[str], key: str) -> tuple[str, ...]:
    """The keys of entries that were used, with another one in front."""
    return (key, *(other for other in recent if other != key))[:MOST_RECENT]

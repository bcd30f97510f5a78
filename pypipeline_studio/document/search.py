"""Finding types of cells by what a person types."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pypipeline_engine.catalogue.model import CellType

_NO_MATCH = 99


def search(types: Iterable[CellType], text: str) -> list[CellType]:
    """The types that match, the best first; all in their order where nothing is typed.

    Several words all have to match. A word matches, from best to worst: the class name itself, its start, the starts of its
    words (`hp` for `HogPeople`), a part of it, the category, the kinds of its ports, and its description.
    """
    words = text.casefold().split()
    if not words:
        return list(types)
    ranked = []
    for place, cell_type in enumerate(types):
        ranks = [_rank(cell_type, word) for word in words]
        if max(ranks) < _NO_MATCH:
            ranked.append((sum(ranks), len(cell_type.class_name), place, cell_type))
    return [entry[3] for entry in sorted(ranked, key=lambda entry: entry[:3])]


def _rank(cell_type: CellType, word: str) -> int:
    name = cell_type.class_name.casefold()
    if name == word:
        return 0
    if name.startswith(word):
        return 1
    if _matches_word_starts(cell_type.class_name, word):
        return 2
    if word in name:
        return 3
    if cell_type.category.casefold().startswith(word) or cell_type.name.casefold().startswith(word):
        return 4
    ports = (*cell_type.inputs, *cell_type.outputs)
    if any(kind.startswith(word) for port in ports for kind in port.kinds):
        return 5
    return 6 if word in cell_type.description.casefold() else _NO_MATCH


def _matches_word_starts(name: str, typed: str) -> bool:
    """Whether what was typed consists of beginnings of the words of a name, one after the other: `hogp`, `hpeo`, `hp`."""
    words = [word.casefold() for word in re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+", name)]

    def matches(index: int, rest: str) -> bool:
        if not rest:
            return True
        for place in range(index, len(words)):
            word = words[place]
            length = 0
            while length < min(len(word), len(rest)) and word[length] == rest[length]:
                length += 1
                if matches(place + 1, rest[length:]):
                    return True
        return False

    return matches(0, typed)

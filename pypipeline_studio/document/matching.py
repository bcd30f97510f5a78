"""Finding short texts, such as names of commands, by the little of them that a person types."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

EQUAL, START, WORD, BEGINNINGS, PART, LETTERS = range(6)
"""How a word can match, from best to worst."""
_LEAST_LETTERS: Final = 3
"""Fewer letters that only come one after the other are found nearly everywhere."""


@dataclass(frozen=True)
class Match:
    """How well a text matches."""

    rank: int
    """The lower the better; of several words, the sum."""
    places: tuple[int, ...]
    """Which characters of the text were meant, in order."""


def match(text: str, typed: str, by_letters: bool = True) -> Match | None:
    """How a text matches what was typed; `None` where it does not. Everything matches where nothing is typed.

    Several words all have to match. A word matches, from best to worst: the text itself, its start, the start of one of its
    words, the beginnings of several (`sa` for `Save as`, `hp` for `HogPeople`), a part, and its letters in their order from
    the start of a word on.

    :param by_letters: whether letters in their order are enough; in a long text they are found nearly always.
    """
    folded = "".join(lower if len(lower := character.casefold()) == 1 else character for character in text)
    rank, places = 0, set[int]()
    for word in typed.casefold().split():
        found = _match_word(text, folded, word, by_letters)
        if found is None:
            return None
        rank += found.rank
        places.update(found.places)
    return Match(rank, tuple(sorted(places)))


def _match_word(text: str, folded: str, word: str, by_letters: bool) -> Match | None:
    if folded == word:
        return Match(EQUAL, tuple(range(len(word))))
    starts = tuple(place for place in range(len(text)) if _is_start(text, place))
    for place in (0, *starts):
        if folded.startswith(word, place):
            return Match(WORD if place else START, tuple(range(place, place + len(word))))
    beginnings = _match_beginnings(folded, word, starts)
    if beginnings is not None:
        return Match(BEGINNINGS, beginnings)
    place = folded.find(word)
    if place >= 0:
        return Match(PART, tuple(range(place, place + len(word))))
    letters = _match_letters(folded, word, starts) if by_letters and len(word) >= _LEAST_LETTERS else None
    return Match(LETTERS, letters) if letters is not None else None


def _is_start(text: str, place: int) -> bool:
    if not text[place].isalnum():
        return False
    before = text[place - 1] if place else " "
    return not before.isalnum() or (text[place].isupper() and not before.isupper())


def _match_beginnings(folded: str, word: str, starts: tuple[int, ...]) -> tuple[int, ...] | None:
    """The places of a word that consists of beginnings of words, one after the other."""

    @cache
    def lead_on(number: int, done: int) -> tuple[int, ...] | None:
        if done == len(word):
            return ()
        for index in range(number, len(starts)):
            own: list[int] = []
            place = starts[index]
            end = starts[index + 1] if index + 1 < len(starts) else len(folded)
            while place < end and done + len(own) < len(word) and folded[place] == word[done + len(own)]:
                own.append(place)
                place += 1
                rest = lead_on(index + 1, done + len(own))
                if rest is not None:
                    return (*own, *rest)
        return None

    return lead_on(0, 0)


def _match_letters(folded: str, word: str, starts: tuple[int, ...]) -> tuple[int, ...] | None:
    for start in starts:
        if folded[start] != word[0]:
            continue
        places, place = [start], start
        for letter in word[1:]:
            place = folded.find(letter, place + 1)
            if place < 0:
                break
            places.append(place)
        else:
            return tuple(places)
    return None

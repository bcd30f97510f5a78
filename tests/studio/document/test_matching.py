"""Finding commands by what is typed of them."""

import pytest

from pypipeline_studio.document.matching import BEGINNINGS, EQUAL, LETTERS, PART, START, WORD, match
from pypipeline_studio.document.palette import MOST_RECENT, PaletteEntry, ranked, with_used


@pytest.mark.parametrize(
    ("text", "typed", "rank"),
    [
        ("Run", "run", EQUAL),
        ("Save as …", "sav", START),
        ("Save as …", "as", WORD),
        ("Add detection.HogPeople", "people", WORD),
        ("Add detection.HogPeople", "hope", BEGINNINGS),
        ("Show the selection", "ss", BEGINNINGS),
        ("Duplicate", "plic", PART),
        ("Duplicate", "dpl", LETTERS),
    ],
)
def test_how_a_word_matches(text, typed, rank) -> None:
    found = match(text, typed)
    assert found is not None
    assert found.rank == rank


@pytest.mark.parametrize(("text", "typed"), [("Duplicate", "dl"), ("Run", "runs"), ("Save as …", "save all")])
def test_what_does_not_match(text, typed) -> None:
    assert match(text, typed) is None


def test_the_places_are_those_of_the_letters_that_were_typed() -> None:
    found = match("Show the selection", "s sel")
    assert found is not None
    assert found.places == (0, 9, 10, 11)
    assert match("HogPeople", "hp").places == (0, 3)
    assert match("Straße: ein", "EIN").places == (8, 9, 10)


def test_everything_matches_where_nothing_is_typed() -> None:
    assert match("Run", "  ").places == ()


def keys(entries, typed, recent=()) -> list[str]:
    return [found.entry.key for found in ranked(entries, typed, recent)]


ENTRIES = (
    PaletteEntry("stop", "Stop", "Run", is_enabled=False),
    PaletteEntry("step", "Step", "Run"),
    PaletteEntry("undo", "Undo Move detect", "Edit", also="Undo"),
    PaletteEntry("run", "Run", "Run"),
    PaletteEntry("restart", "Restart the engine", "Run"),
)


def test_those_used_last_come_first_and_the_others_keep_their_order() -> None:
    assert keys(ENTRIES, "", ("run", "undo")) == ["run", "undo", "stop", "step", "restart"]


def test_of_equals_those_that_can_be_done_come_first() -> None:
    assert keys(ENTRIES, "st")[:2] == ["step", "stop"]
    assert keys(ENTRIES, "st", ("stop",))[:2] == ["stop", "step"]


def test_the_menu_finds_its_actions_behind_what_matches_by_itself() -> None:
    assert keys(ENTRIES, "run") == ["run", "step", "restart", "stop"]


def test_what_was_used_is_kept_once_and_not_for_ever() -> None:
    recent = with_used(tuple(str(number) for number in range(MOST_RECENT)), "5")
    assert recent[:2] == ("5", "0")
    assert len(set(recent)) == MOST_RECENT
    assert len(with_used(recent, "new")) == MOST_RECENT

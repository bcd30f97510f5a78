"""What is written on an error on its way."""

from __future__ import annotations

import pickle
import traceback
from dataclasses import dataclass

import pytest

from pypipeline_engine.core.errors import add_note, describe_error, get_cell_of, get_places, sign, take_places


@dataclass(frozen=True)
class FrozenError(Exception):
    why: str


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise TypeError


class StubbornError(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


@pytest.mark.parametrize(
    "error", [ValueError("x"), FrozenError("x"), SpeechlessError(), StubbornError(), KeyboardInterrupt()]
)
def test_any_error_can_be_signed_and_annotated(error: BaseException) -> None:
    assert get_cell_of(error) is None
    sign(error, "pipe.detect")
    assert get_cell_of(error) == "pipe.detect"
    for _ in range(3):
        add_note(error, "in the cell pipe.detect")
    add_note(error, "in another place")
    assert traceback.format_exception(error)[-2:] == ["in the cell pipe.detect\n", "in another place\n"]


def test_notes_of_the_cell_itself_stay() -> None:
    error = ValueError()
    error.add_note("of the cell")
    add_note(error, "in the cell pipe.detect")
    assert error.__notes__ == ["of the cell", "in the cell pipe.detect"]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("too large"), "ValueError: too large"),
        (ValueError(), "ValueError"),
        (KeyError("name"), "KeyError: 'name'"),
        (SpeechlessError(), "SpeechlessError: (its message cannot be shown)"),
    ],
)
def test_an_error_in_one_line(error: Exception, text: str) -> None:
    assert describe_error(error) == text


def test_what_describes_another_error_has_the_type_of_that_one() -> None:
    class Elsewhere(Exception):
        describes_another = True

    assert describe_error(Elsewhere("ValueError: 20 is not to my liking")) == "ValueError: 20 is not to my liking"
    assert describe_error(Elsewhere()) == "Elsewhere"


def test_places_go_along_into_another_process() -> None:
    try:
        raise ValueError("no")
    except ValueError as raised:
        error = raised
    places = get_places(error)
    assert places[-1][0] == __file__
    take_places(error, error)
    arrived = pickle.loads(pickle.dumps(error))
    assert arrived.__traceback__ is None
    assert get_places(arrived) == places
    stand_in = RuntimeError("cannot be pickled")
    take_places(stand_in, arrived)
    assert get_places(stand_in) == places

"""Errors in the place of values, and how much memory a value keeps busy."""

from __future__ import annotations

import traceback
from array import array

import numpy as np
import pytest

from pypipeline_engine.core.values import END, UNSET, Outcome, Slot, size_of


def test_the_symbols_say_their_names() -> None:
    assert (repr(END), repr(UNSET)) == ("END", "UNSET")
    assert END is not UNSET
    assert Slot().value is UNSET


def get_depth(outcome: Outcome) -> int:
    try:
        raise outcome.get_error()
    except ValueError as error:
        return len(traceback.extract_tb(error.__traceback__))


def test_an_error_that_is_raised_again_and_again_keeps_its_traceback() -> None:
    try:
        int("x")
    except ValueError as error:
        outcome = Outcome(error)
    assert [get_depth(outcome) for _ in range(5)] == [2] * 5


IMAGE = np.zeros((48, 64, 3), np.uint8)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, 0),
        (7, 0),
        (1.5, 0),
        (object(), 0),
        (Outcome(ValueError("x")), 0),
        (b"abcd", 4),
        (bytearray(5), 5),
        ("abcdef", 6),
        (memoryview(array("d", [1.0, 2.0])), 16),
        (IMAGE, 48 * 64 * 3),
        (IMAGE[::2], 24 * 64 * 3),
        (np.float32(1), 4),
        ([], 0),
        ({}, 0),
        ([IMAGE, IMAGE], 2 * 48 * 64 * 3),
        ((IMAGE, 7, None, "ab"), 48 * 64 * 3 + 2),
        ({"image": IMAGE, "name": "ab"}, 48 * 64 * 3 + 2),
        ([b"abc"] * 1000, 3000),
        ([b"abc"] * 64 + [7] * 64, 384),
    ],
)
def test_size(value: object, size: int) -> None:
    assert size_of(value) == size


def test_a_bytearray_counts_inside_of_a_list_as_it_does_alone() -> None:
    assert size_of([bytearray(5)]) == 5


class Lazy:
    """Does not know its size before it is computed."""

    @property
    def nbytes(self) -> int:
        raise RuntimeError("not computed yet")


@pytest.mark.parametrize(
    "value",
    [
        np.ndarray,
        np.float32,
        type("Chunked", (), {"nbytes": float("nan")})(),
        type("Owing", (), {"nbytes": -1000})(),
        Lazy(),
    ],
)
def test_a_value_without_a_proper_size_counts_as_nothing(value: object) -> None:
    """A class is a value like any other; the size of a dask array is not a number before it is computed."""
    assert size_of(value) == 0
    assert size_of([value]) == 0

"""Values of a stream in words."""

import numpy as np
import pytest

from pypipeline_engine.host.summaries import summarize
from pypipeline_studio.document.value_texts import describe, describe_boxes, difference, headline, number, table_text

IMAGE = summarize(np.full((48, 64, 3), 20, np.uint8))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((576, 768, 3), np.uint8), "uint8 576x768x3"),
        (np.zeros((3, 5), np.float32), "float32 3x5"),
        (42, "42"),
        ("people", "'people'"),
        (None, "None"),
    ],
)
def test_what_a_value_is(value, text) -> None:
    assert headline(summarize(value)) == text


def test_a_line_about_a_value_has_its_size_and_its_numbers() -> None:
    assert describe(IMAGE) == "uint8 48x64x3 · 9.22 kB · 20 to 20, mean 20"
    assert describe(summarize([1, 2, 3])) == "[1, 2, 3] · 3 elements"
    assert describe(summarize(4)) == "4"


def test_a_very_long_text_is_cut() -> None:
    assert len(headline(summarize("x" * 5000))) <= 120


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (3, 3, "the same"),
        (4, 3, "3 instead of 4 (-25 %)"),
        (3, "a", "str instead of int"),
        (np.zeros((5, 5)), np.zeros((3, 5)), "3 rows instead of 5"),
        (np.zeros((2, 5)), np.ones((2, 5)), "2 rows of 2 changed"),
        (np.zeros((9, 9), np.uint8), np.ones((9, 9), np.uint8), "mean 1 instead of 0"),
        (np.zeros((9, 9), np.uint8), np.zeros((9, 8), np.uint8), "uint8 9x8 instead of uint8 9x9"),
        ("a", "b", "'b' instead of 'a'"),
        ([1], [1, 2], "2 elements instead of 1"),
        (np.zeros((9, 9), np.uint8), np.zeros((9, 9), np.uint8), "no difference in these figures"),
    ],
)
def test_how_a_value_differs_from_the_one_before(before, after, text) -> None:
    told = difference(summarize(before), summarize(after))
    assert told.text == text
    assert told.is_same == (text in ("the same", "no difference in these figures"))


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (9.0, "9"), (12345.0, "12,345"), (0.123456, "0.123"), (1e-9, "1e-09"), (None, "–")]
)
def test_numbers_are_short(value, text) -> None:
    assert number(value) == text


def test_tables_are_aligned() -> None:
    assert table_text([[1, 20.5], [100, None]]) == "  1  20.5\n100     –"
    assert table_text([]) == "no rows"


def test_boxes_are_counted() -> None:
    boxes = summarize(np.zeros((5, 6), np.float32))
    assert describe_boxes(boxes, "boxes") == "5 boxes · float32 5x6"
    assert describe_boxes(boxes, "tracks") == "5 tracks · float32 5x6"
    assert describe_boxes(summarize(np.zeros((1, 5))), "boxes") == "1 box · float64 1x5"
    assert describe_boxes(summarize(np.zeros((0, 5))), "tracks") == "0 tracks · float64 0x5"
    assert describe_boxes(summarize(4), "boxes") == "4"

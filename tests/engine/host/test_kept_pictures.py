"""The arrays behind pictures: what stands in them, how long they are kept, and that nobody else changes them."""

import json
import math

import numpy as np
import pytest

from pypipeline_engine.host.kept_pictures import (
    IN_USE_S,
    MOST_OF_AN_OUTPUT,
    KeptPictures,
    Rectangle,
    read_pixels,
)
from pypipeline_engine.host.looking import MOST_KEPT_BYTES, MOST_PIXELS, PixelsInfo
from pypipeline_engine.host.refusals import GONE, UNPROCESSABLE, Refused

KEY, OTHER = ("image", "image"), ("mask", "mask")


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pictures(clock):
    return KeptPictures(clock)


def small(value=0):
    return np.full((10, 20), value, np.uint8)


def is_kept(pictures, number, key=KEY):
    return number in pictures._pictures and pictures._pictures[number].key == key


@pytest.mark.parametrize(
    ("array", "numbers"),
    [
        (np.arange(200, dtype=np.uint8).reshape(10, 20), [43]),
        (np.arange(600, dtype=np.uint8).reshape(10, 20, 3), [129, 130, 131]),
        (np.arange(200).reshape(10, 20) % 2 == 1, [True]),
        (np.arange(200, dtype=np.int32).reshape(10, 20) - 100, [-57]),
        (np.full((10, 20), 2**63 + 1, np.uint64), [2**63 + 1]),
        (np.full((10, 20), 0.1, np.float32), [0.1]),
        (np.full((10, 20), 0.1, np.float16), [0.1]),
        (np.full((10, 20), 1 / 3), [1 / 3]),
        (np.full((10, 20), 2.0), [2.0]),
        (np.full((10, 20), math.nan, np.float32), ["nan"]),
        (np.full((10, 20), math.inf), ["inf"]),
        (np.full((10, 20), -math.inf), ["-inf"]),
    ],
)
def test_a_number_comes_through_json_as_it_stands_in_the_array(pictures, array, numbers):
    kept = pictures.find(KEY, pictures.keep(KEY, 7, array))
    text = read_pixels(kept, Rectangle(3, 2)).model_dump_json()
    assert json.loads(text)["rows"] == [[numbers]]
    told = PixelsInfo.model_validate_json(text)
    assert told.rows == ((tuple(numbers),),)
    assert [type(number) for number in told.rows[0][0]] == [type(number) for number in numbers]
    assert (told.item, told.shape, told.dtype) == (7, array.shape, str(array.dtype))


def test_a_rectangle_ends_where_the_array_does(pictures):
    array = np.arange(200, dtype=np.int32).reshape(10, 20)
    kept = pictures.find(KEY, pictures.keep(KEY, 0, array))
    rows = read_pixels(kept, Rectangle(18, 8, 5, 5)).rows
    assert rows == (((178,), (179,)), ((198,), (199,)))


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (Rectangle(20, 0), "x: the array has the columns 0 to 19, not 20"),
        (Rectangle(0, 10), "y: the array has the rows 0 to 9, not 10"),
        (Rectangle(0, 0, 0, 5), f"1 to {MOST_PIXELS} pixels are expected, not 0 x 5"),
    ],
)
def test_what_is_beside_the_array_is_refused(pictures, where, words):
    kept = pictures.find(KEY, pictures.keep(KEY, 0, small()))
    with pytest.raises(Refused, match=words) as refused:
        read_pixels(kept, where)
    assert refused.value.status == UNPROCESSABLE


def test_a_rectangle_is_not_larger_than_a_client_may_ask_for(pictures):
    kept = pictures.find(KEY, pictures.keep(KEY, 0, np.zeros((100, 100), np.uint8)))
    assert len(read_pixels(kept, Rectangle(0, 0, 64, 64)).rows) == 64
    with pytest.raises(Refused, match="not 64 x 65"):
        read_pixels(kept, Rectangle(0, 0, 64, 65))


def test_the_latest_of_each_output_are_kept(pictures):
    numbers = [pictures.keep(KEY, item, small()) for item in range(MOST_OF_AN_OUTPUT + 2)]
    other = pictures.keep(OTHER, 0, small())
    assert [is_kept(pictures, number) for number in numbers] == [False] * 2 + [True] * MOST_OF_AN_OUTPUT
    assert pictures.find(OTHER, other).item == 0
    with pytest.raises(Refused, match=r"of image.image is not kept, or no more") as refused:
        pictures.find(KEY, numbers[0])
    assert refused.value.status == GONE
    with pytest.raises(Refused):
        pictures.find(KEY, other)  # of another output


def test_what_somebody_looks_at_stays_as_long_as_he_does(pictures, clock):
    shown = pictures.keep(KEY, 0, small())
    for _ in range(3):
        pictures.find(KEY, shown)
        clock.now_s += IN_USE_S
        for item in range(MOST_OF_AN_OUTPUT + 1):
            pictures.keep(KEY, item, small())
        assert is_kept(pictures, shown)
    clock.now_s += 0.1
    pictures.keep(KEY, 1, small())
    assert not is_kept(pictures, shown)


def test_all_together_take_no_more_than_there_is_room_for(pictures):
    def large():
        return np.empty((MOST_KEPT_BYTES // 4, 1), np.uint8)  # a quarter, of which no page is touched

    shown = pictures.keep(KEY, 0, large())
    pictures.find(KEY, shown)
    numbers = [pictures.keep(OTHER, item, large()) for item in range(4)]
    assert pictures.nb_bytes == MOST_KEPT_BYTES
    assert is_kept(pictures, shown)  # before what nobody has asked about
    assert [is_kept(pictures, number, OTHER) for number in numbers] == [False, True, True, True]


def test_what_nobody_looks_at_is_let_go_of(pictures):
    asked, other = pictures.keep(KEY, 0, small()), pictures.keep(KEY, 1, small())
    pictures.find(KEY, asked)
    pictures.forget_unused()
    assert [is_kept(pictures, number) for number in (asked, other)] == [True, False]


def test_after_the_run_what_is_shown_last_can_be_looked_at(pictures):
    asked, old, last = (pictures.keep(KEY, item, small(item)) for item in range(3))
    pictures.find(KEY, asked)
    pictures.close()
    assert [is_kept(pictures, number) for number in (asked, old, last)] == [True, False, True]
    assert pictures.keep(KEY, 3, small()) == 0
    pictures.forget(KEY)
    assert pictures.nb_bytes == 0

"""Values in few words, and as pictures: whatever they are, nothing fails and nothing is changed."""

import math
from collections import deque

import cv2
import numpy as np
import pytest

from pypipeline_engine.host.pictures import is_picture, make_jpeg
from pypipeline_engine.host.summaries import LONGEST_TEXT, MOST_SAMPLED, summarize


class Rude:
    def __repr__(self):
        raise RuntimeError("no")

    def __len__(self):
        raise RuntimeError("no")

    @property
    def shape(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "text", "more"),
    [
        (3, "3", {"mean": 3.0, "length": None}),
        (True, "True", {"mean": None}),
        (math.nan, "nan", {"mean": None}),
        pytest.param(10**5000, None, {"mean": None}, id="a huge number"),
        (None, "None", {"length": None}),
        ("a\nb", r"'a\nb'", {"length": 3}),
        ("x" * 9999, None, {"length": 9999, "nb_bytes": 9999}),
        (list(range(10**6)), None, {"length": 10**6}),
        ({"a": [1, 2]}, "{'a': [1, 2]}", {"length": 1}),
        (deque([1]), "deque([1])", {"length": 1}),
        (Rude(), None, {"length": None, "shape": None}),
        (np.float32(0.5), None, {"mean": 0.5, "dtype": "float32"}),
        (np.array(5), "int64 5", {"shape": (), "mean": 5.0}),
        (np.zeros((0, 4)), "float64 0x4", {"mean": None, "boxes": ()}),
        (np.array(["a", "b"]), None, {"shape": (2,), "mean": None}),
        (np.array([object()]), "object 1", {"mean": None}),
        (np.array([1.0, math.nan, 3.0]), None, {"minimum": 1.0, "maximum": 3.0, "mean": 2.0}),
        (np.array([math.inf]), None, {"mean": None}),
        (np.array([[1, 2, 3, 4.5]]), None, {"boxes": ((1.0, 2.0, 3.0, 4.5),), "has_picture": False}),
        (np.zeros((101, 4)), None, {"boxes": None}),
        (np.ones((2000, 3000), np.uint8), None, {"is_sampled": True, "mean": 1.0, "has_picture": True}),
    ],
)
def test_a_value_is_told_in_few_words(value, text, more):
    summary = summarize(value)
    if text is not None:
        assert summary.text == text
    assert len(summary.text) <= LONGEST_TEXT
    assert {name: getattr(summary, name) for name in more} == more
    assert type(summary).model_validate_json(summary.model_dump_json()) == summary


def test_a_sample_is_of_the_whole_array():
    array = np.arange(MOST_SAMPLED * 40, dtype=np.float32).reshape(2000, -1)
    summary = summarize(array)
    assert summary.mean == pytest.approx(array.mean(), rel=0.01)
    assert summary.maximum > 0.99 * array.max()


@pytest.mark.parametrize("dtype", [np.uint8, bool, np.float32, np.float64])
@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
def test_images_and_masks_become_pictures_in_their_proportions(dtype, channels):
    array = np.zeros((480, 640, *channels), dtype)
    array[:, 320:] = 255 if dtype is np.uint8 else 1
    before = array.copy()
    assert is_picture(array)
    picture = cv2.imdecode(np.frombuffer(make_jpeg(array, 100, 100), np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture.shape[:2] == (75, 100)
    assert picture[:, 5].max() < 8
    assert picture[:, -5].min() > 247
    assert np.array_equal(array, before)


def test_blue_stays_blue():
    array = np.zeros((20, 20, 3), np.uint8)
    array[..., 0] = 255
    picture = cv2.imdecode(np.frombuffer(make_jpeg(array, 64, 64), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (20, 20, 3)  # never larger
    assert picture[10, 10, 0] > 240
    assert picture[10, 10, 2] < 15


def test_numbers_of_any_range_become_a_picture():
    array = np.linspace(-5, 5, 400, dtype=np.float64).reshape(20, 20)
    array[0, 0], array[0, 1], array[0, 2] = math.nan, math.inf, -math.inf
    picture = cv2.imdecode(np.frombuffer(make_jpeg(array, 64, 64), np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture[1].mean() < 25
    assert picture[-1].mean() > 230


@pytest.mark.parametrize("dtype", [np.int32, np.uint16, np.int64])
def test_labels_and_depths_go_from_black_to_white(dtype):
    array = np.full((20, 30), 3, dtype)
    array[:, 15:] = 5
    assert is_picture(array)
    assert summarize(array).boxes is None
    picture = cv2.imdecode(np.frombuffer(make_jpeg(array, 64, 64), np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture[:, 3].max() < 8
    assert picture[:, -3].min() > 247


def test_as_many_rows_as_a_table_of_boxes_may_have_are_no_image():
    boxes = np.zeros((20, 8), np.float32)
    assert not is_picture(boxes)
    assert len(summarize(boxes).boxes) == 20


@pytest.mark.parametrize(
    "value",
    [
        None,
        [[1]],
        np.zeros((4, 4)),
        np.zeros(99),
        np.zeros((9, 9, 2)),
        np.zeros((9, 9), complex),
        np.zeros((99, 8), int),
        np.zeros((99, 8), np.float32),
    ],
)
def test_what_is_no_image_has_no_picture(value):
    assert not is_picture(value)

"""Geometry of boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pypipeline_engine.cells.boxes import areas, iou_matrix, match, suppress_non_maxima, to_corners

NONE = np.empty((0, 5), np.float32)
some_boxes = st.integers(0, 8).flatmap(lambda n: arrays(np.float64, (n, 4), elements=st.integers(-20, 20)))


def boxes(*rows):
    return np.array(rows, np.float32)


def test_corners_leave_the_boxes_as_they_were():
    original = boxes([1, 2, 3, 4, 0.5])
    np.testing.assert_array_equal(to_corners(original), [[1, 2, 4, 6]])
    np.testing.assert_array_equal(original, boxes([1, 2, 3, 4, 0.5]))


def test_a_box_turned_inside_out_has_no_area():
    np.testing.assert_array_equal(areas(boxes([0, 0, 2, 3], [0, 0, -2, -3], [0, 0, 0, 5])), [6, 0, 0])


def test_iou():
    overlap = iou_matrix(boxes([0, 0, 10, 10], [5, 0, 10, 10]), boxes([0, 0, 10, 10], [100, 0, 10, 10], [2, 2, 5, 5]))
    np.testing.assert_allclose(overlap, [[1, 0, 0.25], [50 / 150, 0, 10 / 115]])


def test_iou_without_boxes():
    assert iou_matrix(NONE, boxes([0, 0, 1, 1])).shape == (0, 1)
    assert iou_matrix(boxes([0, 0, 1, 1]), NONE).shape == (1, 0)


def test_a_box_without_area_overlaps_nothing():
    assert iou_matrix(boxes([0, 0, 0, 5]), boxes([0, 0, 0, 5], [-1, -1, 9, 9])).tolist() == [[0, 0]]


@given(some_boxes, some_boxes)
def test_iou_is_symmetric_and_between_0_and_1(first, second):
    overlap = iou_matrix(first, second)
    assert ((overlap >= 0) & (overlap <= 1)).all()
    np.testing.assert_allclose(overlap, iou_matrix(second, first).T)
    np.testing.assert_allclose(np.diag(iou_matrix(first, first)), areas(first) > 0)


@given(some_boxes, st.sampled_from([0.0, 0.3, 0.65, 1.0]), st.randoms(use_true_random=False))
def test_non_maximum_suppression_leaves_what_does_not_overlap_a_better_one(rows, least, random):
    rows = rows[areas(rows) > 0]
    scores = np.array(random.sample(range(-10, 10), len(rows)), float)
    kept = suppress_non_maxima(rows, scores, least)
    assert (np.diff(scores[kept]) < 0).all()
    overlap = iou_matrix(rows, rows)
    for index in range(len(rows)):
        better = [other for other in kept if scores[other] > scores[index]]
        suppressed = any(overlap[index, other] > least + 1e-6 for other in better)
        borderline = any(abs(overlap[index, other] - least) <= 1e-6 for other in better)
        assert borderline or (index in kept) != suppressed


def test_negative_scores_are_scores_like_others():
    kept = suppress_non_maxima(boxes([0, 0, 10, 10], [1, 0, 10, 10], [50, 0, 10, 10]), np.array([-3.0, -1, -2]), 0.5)
    assert kept.tolist() == [1, 2]


def test_non_maximum_suppression_of_nothing():
    assert suppress_non_maxima(NONE, np.empty(0), 0.5).tolist() == []


def test_match_takes_the_largest_sum_rather_than_the_best_pair():
    tracks = boxes([0, 0, 10, 10], [4, 0, 10, 10])
    detections = boxes([3, 0, 10, 10], [7, 0, 10, 10])
    # The best pair is (1, 0); taking it would leave 0 with 1, which overlap by little.
    assert iou_matrix(tracks, detections).argmax() == 2
    rows, columns = match(tracks, detections, 0.3)
    assert rows.tolist() == [0, 1]
    assert columns.tolist() == [0, 1]


@pytest.mark.parametrize("least", [0.0, 0.3])
def test_boxes_that_do_not_touch_are_no_pair(least):
    rows, columns = match(boxes([0, 0, 10, 10]), boxes([50, 50, 10, 10]), least)
    assert rows.size == columns.size == 0


def test_match_without_boxes():
    assert [part.tolist() for part in match(NONE, boxes([0, 0, 1, 1]), 0.3)] == [[], []]
    assert [part.tolist() for part in match(NONE, NONE, 0.3)] == [[], []]

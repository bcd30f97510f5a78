"""The SORT algorithm, without a pipeline."""

import numpy as np
import pytest

from pypipeline_engine.cells.boxes import iou_matrix
from pypipeline_engine.cells.sort import SortTracker

NOTHING = np.empty((0, 5), np.float32)


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 5)


def moving_box(frame, x=100.0, y=100.0, dx=3.0, dy=1.0, width=40.0, height=80.0, score=0.9):
    return [x + dx * frame, y + dy * frame, width, height, score]


def numbers(tracks):
    return tracks[:, 5].astype(int).tolist()


def test_a_moving_box_keeps_its_number_through_noise():
    random = np.random.default_rng(7)
    tracker = SortTracker()
    for frame in range(200):
        truth = np.array(moving_box(frame))
        noisy = truth + np.array([*random.normal(0, 2, 4), 0])
        tracks = tracker.update(noisy[None])
        assert numbers(tracks) == [1]
        assert tracks.dtype == np.float32
        assert iou_matrix(tracks, truth[None])[0, 0] > 0.75


def test_the_filter_is_nearer_to_the_truth_than_the_detections_are():
    random = np.random.default_rng(3)
    tracker = SortTracker()
    filtered, measured = [], []
    for frame in range(300):
        truth = np.array(moving_box(frame))
        detection = truth + np.array([*random.normal(0, 3, 4), 0])
        track = tracker.update(detection[None])[0]
        filtered.append(track[:2] + track[2:4] / 2 - truth[:2] - truth[2:4] / 2)
        measured.append(detection[:2] + detection[2:4] / 2 - truth[:2] - truth[2:4] / 2)
    assert np.std(filtered[20:]) < 0.8 * np.std(measured[20:])


def test_the_first_frames_of_a_constant_velocity_follow_the_published_filter():
    """By hand: the variance of the centre is 10 + 10000 + 1 = 10011 after one step, with a gain of 10011 / 10012."""
    tracker = SortTracker(min_hits=0)
    tracker.update(boxes([0, 0, 20, 20, 1]))
    track = tracker.update(boxes([10, 0, 20, 20, 1]))[0]
    assert track[0] + track[2] / 2 == pytest.approx(10 + 10 * 10011 / 10012, abs=1e-4)


def test_crossing_objects_keep_their_numbers():
    tracker = SortTracker()
    for frame in range(60):
        to_the_right = moving_box(frame, x=0, y=100, dx=5, dy=0)
        to_the_left = moving_box(frame, x=300, y=120, dx=-5, dy=0)
        # The order of the detections changes from frame to frame: it must not matter.
        both = [to_the_right, to_the_left] if frame % 2 else [to_the_left, to_the_right]
        tracks = tracker.update(boxes(*both))
        assert len(tracks) == 2
        by_number = {int(track[5]): track for track in tracks}
        assert by_number.keys() == {1, 2}
        assert by_number[2][0] == pytest.approx(to_the_right[0], abs=6)
        assert by_number[1][0] == pytest.approx(to_the_left[0], abs=6)


@pytest.mark.parametrize(("max_age", "missed", "number"), [(1, 1, 1), (1, 2, 2), (5, 5, 1), (5, 6, 2), (0, 1, 2)])
def test_a_track_survives_as_many_missed_frames_as_its_age_allows(max_age, missed, number):
    tracker = SortTracker(max_age=max_age, min_hits=0)
    for frame in range(20):
        tracker.update(boxes(moving_box(frame)))
    for _ in range(missed):
        assert tracker.update(NOTHING).shape == (0, 6)
    assert numbers(tracker.update(boxes(moving_box(20 + missed)))) == [number]


def test_a_new_track_is_reported_after_enough_hits_in_a_row():
    tracker = SortTracker(min_hits=3)
    for _ in range(5):
        tracker.update(NOTHING)
    reported = [numbers(tracker.update(boxes(moving_box(frame)))) for frame in range(5)]
    # The frame in which a track begins is no hit.
    assert reported == [[], [], [], [1], [1]]


def test_at_the_start_of_the_stream_tracks_are_reported_at_once():
    tracker = SortTracker(min_hits=3)
    assert [numbers(tracker.update(boxes(moving_box(frame)))) for frame in range(5)] == [[1]] * 5


def test_after_a_miss_the_hits_are_counted_anew():
    tracker = SortTracker(min_hits=2, max_age=3)
    for frame in range(10):
        tracker.update(boxes(moving_box(frame)))
    tracker.update(NOTHING)
    reported = [numbers(tracker.update(boxes(moving_box(frame)))) for frame in range(11, 14)]
    assert reported == [[], [1], [1]]


def test_numbers_start_at_1_and_are_not_used_again():
    tracker = SortTracker(min_hits=0, max_age=0)
    assert numbers(tracker.update(boxes([0, 0, 9, 9, 1], [50, 0, 9, 9, 1]))) == [1, 2]
    assert numbers(tracker.update(boxes([200, 0, 9, 9, 1]))) == [3]
    assert numbers(tracker.update(boxes([0, 0, 9, 9, 1]))) == [4]


def test_reset_forgets_everything():
    tracker = SortTracker()
    first = [tracker.update(boxes(moving_box(frame))) for frame in range(10)]
    tracker.reset()
    second = [tracker.update(boxes(moving_box(frame))) for frame in range(10)]
    np.testing.assert_array_equal(first, second)


def test_the_score_is_that_of_the_detection():
    tracker = SortTracker()
    for frame, score in enumerate([0.9, 0.3, -1.5]):
        tracks = tracker.update(boxes(moving_box(frame, score=score)))
        assert tracks[0, 4] == np.float32(score)


def test_a_detection_that_overlaps_too_little_starts_a_track():
    def second_number(iou):
        tracker = SortTracker(iou=iou, min_hits=0)
        tracker.update(boxes([0, 0, 10, 10, 1]))
        return numbers(tracker.update(boxes([4, 0, 10, 10, 1])))

    assert second_number(0.4) == [1]  # the IoU is 60 / 140
    assert second_number(0.5) == [2]


def test_parameters_may_change_between_frames():
    tracker = SortTracker(max_age=0, min_hits=0)
    tracker.update(boxes(moving_box(0)))
    tracker.max_age = 2
    tracker.update(NOTHING)
    tracker.update(NOTHING)
    assert numbers(tracker.update(boxes(moving_box(1)))) == [1]


def test_boxes_without_area_are_ignored():
    tracker = SortTracker()
    tracks = tracker.update(
        boxes([0, 0, 0, 10, 1], [0, 0, 10, 0, 1], [5, 5, -3, -3, 1], [9, 9, 0, 0, 1], moving_box(0))
    )
    assert numbers(tracks) == [1]
    assert tracker.update(boxes([0, 0, 0, 0, 1])).shape == (0, 6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("column", range(5))
def test_nan_and_infinity_are_refused_and_do_no_harm(bad, column):
    tracker = SortTracker()
    tracker.update(boxes(moving_box(0)))
    wrong = boxes(moving_box(1), moving_box(1))
    wrong[1, column] = bad
    with pytest.raises(ValueError, match="expected finite numbers"):
        tracker.update(wrong)
    assert numbers(tracker.update(boxes(moving_box(1)))) == [1]


@pytest.mark.parametrize("shape", [(5,), (2, 4), (2, 6), (1, 2, 5)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(
        ValueError, match="expected boxes of shape n x 5, not " + " x ".join(map(str, shape)).replace(" ", "")
    ):
        SortTracker().update(np.zeros(shape))


def test_a_box_that_shrinks_to_nothing_leaves_no_nan():
    tracker = SortTracker(max_age=50, min_hits=0)
    for frame in range(10):
        side = 100.0 - 10 * frame
        tracks = tracker.update(boxes([0, 0, side, side, 1]))
        assert np.isfinite(tracks).all()
    for _ in range(50):
        tracker.update(NOTHING)
    assert np.isfinite(tracker.update(boxes([0, 0, 5, 5, 1]))).all()


def test_boxes_of_extreme_size_and_place():
    tracker = SortTracker(min_hits=0)
    extreme = boxes([-1e6, -1e6, 2e6, 1e-3, 1], [3e4, 3e4, 1e-4, 1e-4, 1])
    for _ in range(20):
        tracks = tracker.update(extreme)
        assert numbers(tracks) == [1, 2]
        assert np.isfinite(tracks).all()


def test_the_input_stays_as_it_was():
    detections = boxes(moving_box(0), [0, 0, 0, 0, 1])
    detections.flags.writeable = False
    SortTracker().update(detections)

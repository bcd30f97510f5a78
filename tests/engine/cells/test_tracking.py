"""The cells of `tracking`, in pipelines."""

import numpy as np
import pytest
from vision_support import deployed, video_frames

from pypipeline_engine.cell import Pipeline
from pypipeline_engine.cellio import OutputPort
from pypipeline_engine.cells import detection, tracking
from pypipeline_engine.cells.sort import SortTracker
from pypipeline_engine.exceptions import InvalidInputException

NOTHING = np.empty((0, 5), np.float32)
RECURRENT = [("tracks", "previous")]


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 5)


def numbers(tracks):
    return tracks[:, 5].astype(int).tolist()


def flow_of(right=0.0, down=0.0, height=200, width=300):
    return np.full((height, width, 2), (right, down), np.float32)


# ---------------------------------------------------------------- Sort


def test_sort_gives_what_the_algorithm_gives_on_the_video():
    detector = detection.HogPeople
    with deployed(detector, {"image": video_frames(300, 8)}) as probe:
        detections = [probe.pull() for _ in range(8)]
    assert any(len(found) for found in detections)
    tracker = SortTracker()
    with deployed(tracking.Sort, {"boxes": detections}) as probe:
        for found in detections:
            tracks = probe.pull()
            np.testing.assert_array_equal(tracks, tracker.update(found))
    assert 1 in tracks[:, 5]


def test_sort_starts_anew_after_a_reset():
    stream = [boxes([5 * index, 0, 40, 40, 1]) for index in range(5)]
    with deployed(tracking.Sort, {"boxes": stream}) as probe:
        first = [probe.pull() for _ in range(5)]
        probe.pipeline.reset()
        second = [probe.pull() for _ in range(5)]
    np.testing.assert_array_equal(first, second)


def test_sort_parameters_may_change_while_running():
    stream = [boxes([0, 0, 40, 40, 1]), NOTHING, NOTHING, boxes([0, 0, 40, 40, 1])]
    with deployed(tracking.Sort, {"boxes": stream}, min_hits=0) as probe:
        assert numbers(probe.pull()) == [1]
        probe.set(max_age=2)
        assert len(probe.pull()) == len(probe.pull()) == 0
        assert numbers(probe.pull()) == [1]


def test_a_wrong_item_costs_that_item_only():
    good = boxes([0, 0, 40, 40, 1])
    with deployed(tracking.Sort, {"boxes": [good, good * np.nan, good]}) as probe:
        probe.pull()
        with pytest.raises(InvalidInputException, match=r"rig.cell.boxes expects boxes: n x 5 .*, all finite"):
            probe.pull()
        assert numbers(probe.pull()) == [1]


def test_sort_takes_an_empty_list_for_no_boxes():
    with deployed(tracking.Sort, {"boxes": [[]]}) as probe:
        tracks = probe.pull()
    assert tracks.shape == (0, 6)
    assert tracks.dtype == np.float32


# ---------------------------------------------------------------- FlowTracker


def follow(detections, flows, **parameters):
    streams = {"boxes": detections, "flow": flows}
    with deployed(tracking.FlowTracker, streams, RECURRENT, **parameters) as probe:
        return [probe.pull() for _ in detections]


def test_flow_tracker_follows_with_the_flow():
    """Each step moves farther than the box is wide: without the flow there would be no overlap."""
    detections = [boxes([10 + 40 * index, 50, 30, 60, 0.5 + index / 10]) for index in range(5)]
    results = follow(detections, [flow_of()] + [flow_of(right=40)] * 4)
    for index, tracks in enumerate(results):
        assert tracks.dtype == np.float32
        np.testing.assert_allclose(tracks, [[10 + 40 * index, 50, 30, 60, 0.5 + index / 10, 1]], rtol=1e-6)


def test_only_the_flow_inside_the_box_counts():
    flow = flow_of(right=100)
    flow[50:110, 10:40] = (40, -5)
    results = follow([boxes([10, 50, 30, 60, 1]), NOTHING], [flow_of(), flow])
    np.testing.assert_allclose(results[1], [[50, 45, 30, 60, 1, 1]])


def test_a_missed_track_goes_on_with_the_flow_until_it_is_too_old():
    detections = [boxes([10, 50, 30, 60, 0.7])] + [NOTHING] * 4
    results = follow(detections, [flow_of(right=5)] * 5, max_age=3)
    assert [numbers(tracks) for tracks in results] == [[1], [1], [1], [1], []]
    np.testing.assert_allclose(results[3], [[25, 50, 30, 60, 0.7, 1]], rtol=1e-6)
    assert results[4].shape == (0, 6)


def test_a_found_track_is_young_again():
    found, missed = boxes([10, 50, 30, 60, 1]), NOTHING
    results = follow([found, missed, found, missed, missed], [flow_of()] * 5, max_age=1)
    assert [numbers(tracks) for tracks in results] == [[1], [1], [1], [1], []]


def test_numbers_are_not_used_again():
    left, right = boxes([10, 50, 30, 60, 1]), boxes([200, 50, 30, 60, 1])
    results = follow([left, right, np.concatenate([right, left])], [flow_of()] * 3, max_age=0)
    assert [numbers(tracks) for tracks in results] == [[1], [2], [2, 3]]
    assert results[2][:, 0].tolist() == [200, 10]


def test_flow_tracker_needs_enough_overlap():
    detections = [boxes([0, 0, 10, 10, 1]), boxes([4, 0, 10, 10, 1])]  # the IoU is 60 / 140
    assert numbers(follow(detections, [flow_of()] * 2, iou=0.4)[1]) == [1]
    assert numbers(follow(detections, [flow_of()] * 2, iou=0.5)[1]) == [1, 2]


def test_boxes_outside_of_the_flow_stay_where_they_are():
    results = follow([boxes([-100, -100, 20, 20, 1]), NOTHING], [flow_of(right=50)] * 2)
    np.testing.assert_allclose(results[1], [[-100, -100, 20, 20, 1, 1]])


def test_boxes_without_area_start_no_track():
    assert follow([boxes([0, 0, 0, 10, 1])], [flow_of()])[0].shape == (0, 6)


@pytest.mark.parametrize("nothing", [None, [], np.empty(0), np.empty((0, 6), np.float32)])
def test_there_may_be_no_previous_tracks(nothing):
    streams = {"boxes": [boxes([0, 0, 10, 10, 1])], "flow": [flow_of()], "previous": [nothing]}
    with deployed(tracking.FlowTracker, streams) as probe:
        assert numbers(probe.pull()) == [1]


def test_tracks_that_are_there_from_the_start_keep_their_numbers():
    streams = {
        "boxes": [boxes([0, 0, 10, 10, 1], [50, 0, 10, 10, 1])],
        "flow": [flow_of()],
        "previous": [[[0, 0, 10, 10, 0.5, 7]]],
    }
    with deployed(tracking.FlowTracker, streams) as probe:
        assert numbers(probe.pull()) == [7, 8]


def test_flow_tracker_starts_anew_after_a_reset():
    detections = [boxes([10, 50, 30, 60, 1]), boxes([200, 50, 30, 60, 1])]
    streams = {"boxes": detections, "flow": [flow_of()] * 2}
    with deployed(tracking.FlowTracker, streams, RECURRENT) as probe:
        assert [numbers(probe.pull()) for _ in range(2)] == [[1], [1, 2]]
        probe.pipeline.reset()
        assert [numbers(probe.pull()) for _ in range(2)] == [[1], [1, 2]]


def test_what_came_stays_as_it_was():
    previous = np.array([[10, 50, 30, 60, 0.5, 1]], np.float32)
    detections = boxes([12, 50, 30, 60, 0.7])
    for array in (previous, detections):
        array.flags.writeable = False
    streams = {"boxes": [detections], "flow": [flow_of(right=5)], "previous": [previous]}
    with deployed(tracking.FlowTracker, streams) as probe:
        assert not np.shares_memory(probe.pull(), previous)
    assert previous[0, 0] == 10


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (None, "what came is None: vision.OpticalFlow makes it"),
        (np.zeros((5, 5), np.float32), "an array of float32, 5 x 5"),
        (np.zeros((5, 5, 2)), "an array of float64, 5 x 5 x 2"),
        (np.zeros((0, 5, 2), np.float32), "with at least one pixel"),
    ],
)
def test_what_is_no_flow_is_refused_in_words(flow, words):
    with pytest.raises(InvalidInputException, match=words) as caught:
        follow([NOTHING], [flow])
    assert "rig.cell.flow expects optical flow: float32, height x width x 2" in str(caught.value)


def test_a_flow_of_nan_does_not_reach_the_tracks():
    streams = {"boxes": [boxes([10, 50, 30, 60, 1]), NOTHING], "flow": [flow_of(), flow_of(right=np.nan)]}
    with deployed(tracking.FlowTracker, streams, RECURRENT) as probe:
        probe.pull()
        with pytest.raises(InvalidInputException, match=r"rig.cell.flow expects .* it holds NaN or infinity"):
            probe.pull()


def test_the_output_has_an_initial_value_so_that_it_can_be_recurrent():
    pipeline = Pipeline(None, "p")
    tracker = tracking.FlowTracker(pipeline, "track")
    OutputPort(pipeline, "tracks")
    assert tracker.tracks.get_initial_value().shape == (0, 6)

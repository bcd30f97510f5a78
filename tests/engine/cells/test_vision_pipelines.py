"""The image cells together, in clones and in a cycle, on the example video."""

import numpy as np
import pytest
from cell_rig import Feed, Keep
from vision_support import video_frames

from pypipeline_engine.cell import Pipeline, ScalableCell
from pypipeline_engine.cellio import InputPort, OutputPort
from pypipeline_engine.cells import detection, flow, tracking, vision
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import ScalingNotSupportedException

FIRST, NUMBER = 300, 12


def scaled(pipeline, name, cell_type, clones):
    """A cell inside of a scalable cell of its own, which has a port for the image and one for each output."""
    around = ScalableCell(pipeline, name)
    cell = cell_type(around, "cell")
    Connection(InputPort(around, "image"), cell.get_input("image"))
    for output in cell.get_outputs():
        Connection(output, OutputPort(around, f"{output.get_name()}_out"))
    around.scale_up(clones)
    return around


def people_tracking(clones):
    """What arrives at the end of video -> people (in clones) -> SORT -> drawing."""
    pipeline = Pipeline(None, "people")
    video = Feed(pipeline, "video", video_frames(FIRST, NUMBER))
    people = scaled(pipeline, "people", detection.HogPeople, clones)
    sort = tracking.Sort(pipeline, "sort")
    draw = vision.DrawBoxes(pipeline, "draw")
    tracks, pictures = Keep(pipeline, "tracks"), Keep(pipeline, "pictures")
    Connection(video.value, people.get_input("image"))
    Connection(people.get_output("boxes_out"), sort.boxes)
    Connection(video.value, draw.image)
    Connection(sort.tracks, draw.boxes)
    Connection(sort.tracks, tracks.item)
    Connection(draw.get_output("image"), pictures.item)
    pipeline.run().wait(60)
    return tracks.items, pictures.items


def test_clones_of_the_detector_give_what_one_gives():
    tracks, pictures = people_tracking(clones=0)
    assert len(tracks) == len(pictures) == NUMBER
    numbers = np.concatenate(tracks)[:, 5]
    assert (numbers == 1).sum() > NUMBER / 2
    for picture, frame in zip(pictures, video_frames(FIRST, NUMBER), strict=True):
        assert picture.shape == frame.shape
    for clones in (1, 3):
        same_tracks, same_pictures = people_tracking(clones)
        for first, second in zip(tracks + pictures, same_tracks + same_pictures, strict=True):
            np.testing.assert_array_equal(first, second)


def object_tracking(clones):
    """A detector in clones; delay and optical flow in a nested pipeline; a tracker that is fed its own tracks."""
    pipeline = Pipeline(None, "objects")
    video = Feed(pipeline, "video", video_frames(FIRST, NUMBER))
    people = scaled(pipeline, "people", detection.HogPeople, clones)

    motion = Pipeline(pipeline, "motion")
    image, movement = InputPort(motion, "image"), OutputPort(motion, "flow")
    delay, optical_flow = flow.Delay(motion, "delay"), vision.OpticalFlow(motion, "flow")
    optical_flow.scale.set_value(0.25)
    Connection(image, delay.item)
    Connection(image, optical_flow.image)
    Connection(delay.get_output("item"), optical_flow.previous)
    Connection(optical_flow.flow, movement)

    tracker = tracking.FlowTracker(pipeline, "tracker")
    tracks = Keep(pipeline, "tracks")
    Connection(video.value, people.get_input("image"))
    Connection(video.value, image)
    Connection(people.get_output("boxes_out"), tracker.boxes)
    Connection(movement, tracker.flow)
    Connection(tracker.tracks, tracker.previous)
    Connection(tracker.tracks, tracks.item)
    pipeline.run().wait(60)
    return tracks.items


def test_objects_are_tracked_by_their_flow():
    tracks = object_tracking(clones=0)
    assert len(tracks) == NUMBER
    assert all(1 in found[:, 5] for found in tracks)
    for first, second in zip(tracks, object_tracking(clones=2), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("cell_type", [vision.BackgroundSubtractor, tracking.Sort, tracking.FlowTracker])
def test_what_remembers_has_one_clone_at_most(cell_type):
    around = ScalableCell(Pipeline(None, "p"), "scaled")
    cell_type(around, "cell")
    around.scale_up()
    with pytest.raises(ScalingNotSupportedException, match=r"p\.scaled\.cell does not support scaling"):
        around.scale_up()

"""sources.VideoFile, Camera, ImageFolder and SyntheticVideo, on real files."""

import logging
import subprocess
import sys

import numpy as np
import pytest

from pypipeline_engine.cells import sources
from pypipeline_engine.exceptions import InvalidInputException

cv2 = pytest.importorskip("cv2")

LEVELS = [20 * number for number in range(10)]


def levels(frames):
    """Which of the levels the frames have; the codec changes them by little."""
    return [min(LEVELS, key=lambda level: abs(level - float(frame.mean()))) for frame in frames]


# ---------------------------------------------------------------------- VideoFile


def test_video_file_gives_all_frames_with_number_and_time(rig, video):
    one = rig(sources.VideoFile, {"path": video})
    assert one.cell.get_nb_available_pulls() == 10
    one.pull(3)
    assert one.cell.get_nb_available_pulls() == 7
    one.pull_all()
    assert levels(one.get("frame")) == LEVELS
    assert one.get("index") == list(range(10))
    assert one.get("time_s") == pytest.approx([number / 10 for number in range(10)])
    frame = one.get("frame")[0]
    assert frame.shape == (48, 64, 3)
    assert frame.dtype == np.uint8


def test_each_frame_is_an_array_of_its_own(rig, video):
    frames = rig(sources.VideoFile, {"path": video}).pull_all().get("frame")
    assert not any(np.shares_memory(frames[0], frame) for frame in frames[1:])


def test_video_file_gives_a_part(rig, video):
    one = rig(sources.VideoFile, {"path": str(video), "start": 4, "count": 3})
    assert one.cell.get_nb_available_pulls() == 3
    one.pull_all()
    assert one.get("index") == [4, 5, 6]
    assert levels(one.get("frame")) == LEVELS[4:7]
    assert one.get("time_s") == pytest.approx([0.4, 0.5, 0.6])


def test_video_file_loops(rig, video):
    one = rig(sources.VideoFile, {"path": video, "start": 7, "loop": True, "count": 8})
    assert one.cell.get_nb_available_pulls() == 8
    one.pull_all()
    assert one.get("index") == [7, 8, 9, 7, 8, 9, 7, 8]
    assert levels(one.get("frame")) == [LEVELS[index] for index in one.get("index")]


def test_a_loop_without_count_has_no_end(rig, video):
    one = rig(sources.VideoFile, {"path": video, "loop": True})
    assert one.cell.get_nb_available_pulls() is None
    one.pull(25)
    assert one.get("index")[-1] == 4


@pytest.mark.parametrize("pulled", [3, 10])
def test_video_file_begins_again_at_a_reset(rig, video, pulled):
    one = rig(sources.VideoFile, {"path": video, "start": 2})
    one.pull(min(pulled, 8))
    if pulled == 10:
        with pytest.raises(StopIteration):
            one.pull()
    one.pipeline.reset()
    one.pull_all()
    assert one.get("index")[-8:] == list(range(2, 10))
    assert levels(one.get("frame")[-8:]) == LEVELS[2:]


def test_video_file_ends_again_at_each_pull_after_the_end(rig, video):
    one = rig(sources.VideoFile, {"path": video}).pull_all()
    for _ in range(2):
        with pytest.raises(StopIteration):
            one.pull()


@pytest.mark.parametrize("name", ["bad.avi", "bad.mp4", "empty.avi"])
def test_what_is_no_video_is_an_error_at_deployment(rig, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"" if name == "empty.avi" else b"this is no video\n" * 500)
    with pytest.raises(InvalidInputException) as refusal:
        rig(sources.VideoFile, {"path": path})
    assert str(refusal.value) == (
        f"rig.cell: the parameter path names a file that is not a video, or one that this OpenCV cannot read: {path}"
    )


def test_a_start_behind_the_end_is_an_error_at_deployment(rig, video):
    with pytest.raises(InvalidInputException, match=r"the parameter start is 11, but the video has only 10 frames: .*"):
        rig(sources.VideoFile, {"path": video, "start": 11})


def test_a_start_at_the_end_is_an_error_at_the_first_pull(rig, video):
    one = rig(sources.VideoFile, {"path": video, "start": 10, "loop": True})
    with pytest.raises(InvalidInputException, match="no frame from number 10 on can be read"):
        one.pull()


def test_a_video_that_breaks_off_ends_with_a_warning(rig, video, caplog):
    content = video.read_bytes()
    video.write_bytes(content[: len(content) * 9 // 10])
    with caplog.at_level(logging.WARNING):
        one = rig(sources.VideoFile, {"path": video}).pull_all()
    number = len(one.get("frame"))
    assert 0 < number < 10
    assert f"ends after {number} of 10 frames" in caplog.text
    assert one.cell.get_nb_available_pulls() == 0


# In a process of its own, because FFmpeg decides at its first use in a process what it prints.
RUN_QUIETLY = """
import logging, sys
from pypipeline_engine.cell import Pipeline
from pypipeline_engine.cells import sinks, sources
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import InvalidInputException

logging.disable()
pipeline = Pipeline(None, "quiet")
source, sink = getattr(sources, sys.argv[1])(pipeline, "source"), sinks.Null(pipeline, "sink")
source.get_input(sys.argv[2]).set_value(int(sys.argv[3]) if sys.argv[3].isdigit() else sys.argv[3])
Connection(source.get_outputs()[0], sink.item)
try:
    pipeline.run().wait(60)
    print("ended")
except InvalidInputException:
    print("refused")
"""


@pytest.mark.parametrize(
    ("cell_type", "parameter", "value", "outcome"),
    [
        ("VideoFile", "path", "bad.avi", "refused"),
        ("VideoFile", "path", "bad.mp4", "refused"),
        ("VideoFile", "path", "half.avi", "refused"),
        ("VideoFile", "path", "most.avi", "ended"),
        ("ImageFolder", "path", "pictures", "refused"),
        ("Camera", "device", "99", "refused"),
        ("Camera", "device", "bad.mp4", "refused"),
    ],
)
def test_opencv_prints_nothing_by_itself(tmp_path, video, cell_type, parameter, value, outcome):
    content = video.read_bytes()
    (tmp_path / "pictures").mkdir()
    for name, bad in [
        ("bad.avi", b"this is no video\n" * 500),
        ("bad.mp4", b"this is no video\n" * 500),
        ("half.avi", content[: len(content) // 2]),
        ("most.avi", content[: len(content) * 9 // 10]),
        ("pictures/bad.png", b"\x89PNG\r\n\x1a\n" + b"no picture" * 20),
        ("pictures/bad.jpg", b"\xff\xd8\xff\xe0no picture"),
    ]:
        (tmp_path / name).write_bytes(bad)
    command = [sys.executable, "-c", RUN_QUIETLY, cell_type, parameter, value]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (f"{outcome}\n", "")


def test_two_cells_may_read_one_file(rig, video):
    one, two = rig(sources.VideoFile, {"path": video}), rig(sources.VideoFile, {"path": video})
    one.pull(2)
    two.pull(1)
    one.pull(1)
    assert one.get("index") == [0, 1, 2]
    assert two.get("index") == [0]


# ---------------------------------------------------------------------- Camera


def test_camera_reads_a_stream_that_has_an_address(rig, video):
    one = rig(sources.Camera, {"device": str(video), "width": 64, "fps": 10.0})
    one.pull(10)
    assert levels(one.get("frame")) == LEVELS
    times_s = one.get("time_s")
    assert times_s[0] == 0
    assert times_s == sorted(times_s)
    with pytest.raises(RuntimeError, match="gives no more pictures"):
        one.pull()


def test_a_missing_camera_is_an_error_at_deployment(rig):
    with pytest.raises(InvalidInputException, match=r"rig\.cell: the parameter device is 99, where no camera answers"):
        rig(sources.Camera, {"device": 99})


# ---------------------------------------------------------------------- ImageFolder


@pytest.fixture
def folder(tmp_path):
    for name, level in [("2.png", 20), ("10.png", 100), ("1.JPG", 10), ("inner/3.png", 30), ("è.png", 200)]:
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix, np.full((8, 12, 3), level, np.uint8))[1].tobytes())
    (tmp_path / "pictures" / "notes.txt").write_text("not a picture", encoding="utf-8")
    return tmp_path / "pictures"


def test_image_folder_reads_in_the_order_of_numbers(rig, folder):
    one = rig(sources.ImageFolder, {"path": folder})
    assert one.cell.get_nb_available_pulls() == 4
    one.pull_all()
    assert one.get("path") == [str(folder / name) for name in ("1.JPG", "2.png", "10.png", "è.png")]
    assert [int(image.mean()) for image in one.get("image")] == [10, 20, 100, 200]
    assert one.get("image")[0].shape == (8, 12, 3)


def test_image_folder_reads_inner_folders_and_by_pattern(rig, folder):
    one = rig(sources.ImageFolder, {"path": str(folder), "recursive": True, "pattern": "?.png"}).pull_all()
    assert sorted(one.get("path")) == sorted(str(folder / name) for name in ("2.png", "inner/3.png", "è.png"))


def test_image_folder_begins_again_at_a_reset(rig, folder):
    one = rig(sources.ImageFolder, {"path": folder}).pull_all()
    one.pipeline.reset()
    one.pull()
    assert one.get("path")[-1] == str(folder / "1.JPG")


def test_a_damaged_picture_costs_one_item(rig, folder):
    (folder / "2.png").write_bytes(b"no picture")
    (folder / "10.png").write_bytes(b"")
    one = rig(sources.ImageFolder, {"path": folder})
    one.pull()
    for name in ("2.png", "10.png"):
        with pytest.raises(InvalidInputException, match=f"is not a picture that OpenCV can read: .*{name}"):
            one.pull()
    one.pull_all()
    assert [int(image.mean()) for image in one.get("image") if image is not rig.GAP] == [10, 200]


def test_a_folder_without_pictures_is_an_error_at_deployment(rig, folder):
    with pytest.raises(
        InvalidInputException, match=r"rig\.cell: the parameter path names a folder without a file like '\*\.bmp': "
    ):
        rig(sources.ImageFolder, {"path": folder, "pattern": "*.bmp"})


def test_a_missing_folder_and_a_file_are_errors_at_deployment(rig, folder):
    with pytest.raises(InvalidInputException, match="the parameter path names a folder that does not exist: "):
        rig(sources.ImageFolder, {"path": folder / "missing"})
    with pytest.raises(InvalidInputException, match="the parameter path must name a folder, and this is a file: "):
        rig(sources.ImageFolder, {"path": folder / "2.png"})


# ---------------------------------------------------------------------- SyntheticVideo


def test_synthetic_video_is_the_same_for_a_seed(rig):
    def make(seed):
        one = rig(sources.SyntheticVideo, {"seed": seed, "count": 3, "width": 160, "height": 120}).pull_all()
        return np.array(one.get("frame")), np.array(one.get("boxes"))

    frames, boxes = make(1)
    same_frames, same_boxes = make(1)
    other_frames, other_boxes = make(2)
    np.testing.assert_array_equal(frames, same_frames)
    np.testing.assert_array_equal(boxes, same_boxes)
    assert (boxes != other_boxes).any()
    assert (frames != other_frames).any()


def test_synthetic_video_tells_the_truth(rig):
    one = rig(sources.SyntheticVideo, {"objects": 1, "count": 200, "width": 101, "height": 75}).pull_all()
    background = None
    for frame, boxes in zip(one.get("frame"), one.get("boxes"), strict=True):
        assert (frame.shape, frame.dtype, boxes.shape, boxes.dtype) == ((75, 101, 3), np.uint8, (1, 5), np.float32)
        x, y, width, height, score = boxes[0]
        assert x >= 0 and y >= 0 and x + width <= 101 and y + height <= 75 and score == 1
        # One channel of a rectangle is brighter than every background.
        rows, columns = np.nonzero(frame.max(axis=2) > 160)
        assert (columns.min(), rows.min()) == (x, y)
        assert (columns.max() + 1 - columns.min(), rows.max() + 1 - rows.min()) == (width, height)
        outside = frame.copy()
        outside[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = 0
        if background is None:
            background = frame
        else:
            still = (outside > 0) & (background.max(axis=2, keepdims=True) <= 160)
            assert (outside[still] == background[still]).all()


def test_synthetic_video_moves_and_turns_at_the_edge(rig):
    one = rig(sources.SyntheticVideo, {"objects": 3, "count": 300, "width": 64, "height": 48}).pull_all()
    positions = np.array(one.get("boxes"))[:, :, :2]
    steps = np.diff(positions, axis=0)
    assert (np.abs(steps) <= 5).all()
    assert (steps > 0).any(axis=0).all()
    assert (steps < 0).any(axis=0).all()


def test_synthetic_video_without_objects_and_its_reset(rig):
    one = rig(sources.SyntheticVideo, {"objects": 0, "count": 2}).pull_all()
    assert one.get("boxes")[0].shape == (0, 5)
    assert one.get("frame")[0].shape == (480, 640, 3)
    one.pipeline.reset()
    assert one.cell.get_nb_available_pulls() == 2
    one.pull()
    np.testing.assert_array_equal(one.get("frame")[0], one.get("frame")[-1])


def test_what_a_consumer_does_to_a_frame_does_not_reach_the_next(rig):
    one = rig(sources.SyntheticVideo, {"objects": 0, "count": 2})
    one.pull()
    one.get("frame")[0][:] = 0
    one.pull()
    assert one.get("frame")[1].min() > 0

"""sinks.VideoWriter and ImageWriter, read back with OpenCV."""

from pathlib import Path

import numpy as np
import pytest

from pypipeline_engine.cell import Pipeline
from pypipeline_engine.cells import sinks, sources
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import InvalidInputException

cv2 = pytest.importorskip("cv2")


def frame(level, width=64, height=48):
    return np.full((height, width, 3), level, np.uint8)


def read_video(path):
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    frames = []
    while True:
        has_frame, one = capture.read()
        if not has_frame:
            break
        frames.append(one)
    fps = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    return frames, fps


# ---------------------------------------------------------------------- VideoWriter


@pytest.mark.parametrize("name", ["out.avi", "out.mp4", "out.mkv", "out.MOV"])
def test_video_writer_writes_what_can_be_read(rig, tmp_path, name):
    path = tmp_path / "videos" / name
    with rig.undeployed(sinks.VideoWriter, {"path": path, "fps": 10.0}, frame=[frame(40), frame(200)]) as one:
        one.pull_all()
        assert not path.exists()
    assert [file.name for file in path.parent.iterdir()] == [name]
    frames, fps = read_video(path)
    assert [round(one.mean(), -1) for one in frames] == [40, 200]
    assert frames[0].shape == (48, 64, 3)
    assert fps == pytest.approx(10)


def test_video_writer_writes_grey_frames_and_views(rig, tmp_path):
    path = tmp_path / "out.avi"
    items = [np.full((48, 64), 90, np.uint8), np.full((48, 128, 3), 90, np.uint8)[:, ::2]]
    with rig.undeployed(sinks.VideoWriter, {"path": str(path)}, frame=items) as one:
        one.pull_all()
    frames, fps = read_video(path)
    assert [round(each.mean(), -1) for each in frames] == [90, 90]
    assert fps == pytest.approx(25)


def test_all_frames_have_the_size_of_the_first(rig, tmp_path):
    one = rig(sinks.VideoWriter, {"path": tmp_path / "out.avi"}, frame=[frame(1), frame(2, 32, 48)])
    one.pull()
    with pytest.raises(
        InvalidInputException, match=r"rig\.cell\.frame: .* the first one was 64 x 48, this one is 32 x 48"
    ):
        one.pull()


@pytest.mark.parametrize("value", [np.zeros((4, 4), np.float32), "text", np.zeros((4, 4, 2), np.uint8)])
def test_video_writer_refuses_what_is_no_image(rig, tmp_path, value):
    with pytest.raises(InvalidInputException, match=r"rig\.cell\.frame expects an image"):
        rig(sinks.VideoWriter, {"path": tmp_path / "out.avi"}, frame=[value]).pull()


def test_a_codec_can_be_chosen(rig, tmp_path):
    path = tmp_path / "out.avi"
    with rig.undeployed(sinks.VideoWriter, {"path": path, "codec": "XVID"}, frame=[frame(50)]) as one:
        one.pull_all()
    assert b"XVID" in path.read_bytes()[:1000]
    assert len(read_video(path)[0]) == 1


def test_a_codec_that_does_not_work_is_an_error(rig, tmp_path):
    one = rig(sinks.VideoWriter, {"path": tmp_path / "out.mp4", "codec": "zzzz"}, frame=[frame(1)])
    with pytest.raises(
        InvalidInputException,
        match=r"rig\.cell: the parameter path names a file that this OpenCV cannot write with .*zzzz",
    ):
        one.pull()
    one.pipeline.undeploy()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("codec", ["", "mp4", "h264x", 5, "ééé4"])
def test_a_codec_is_four_characters(codec):
    with pytest.raises(InvalidInputException, match="four characters"):
        sinks.VideoWriter(None, "cell").codec.set_value(codec)


def test_an_unknown_ending_is_an_error_at_deployment(rig, tmp_path):
    with pytest.raises(
        InvalidInputException, match=r"rig\.cell: the parameter path must end in \.avi, .*codec must be set"
    ):
        rig(sinks.VideoWriter, {"path": tmp_path / "out.video"}, frame=[])


def test_without_a_frame_there_is_no_video(rig, tmp_path):
    path = tmp_path / "out.avi"
    path.write_text("earlier", encoding="utf-8")
    with rig.undeployed(sinks.VideoWriter, {"path": path}, frame=[]) as one:
        one.pull_all()
    assert [file.name for file in tmp_path.iterdir()] == ["out.avi"]
    assert path.read_text(encoding="utf-8") == "earlier"


def test_a_reset_begins_the_video_again_and_may_change_its_size(rig, tmp_path):
    path = tmp_path / "out.avi"
    with rig.undeployed(sinks.VideoWriter, {"path": path}, frame=[frame(10), frame(20), frame(30)]) as one:
        one.pull(2)
        one.pipeline.get_internal_cell_with_name("feed_frame").values = [frame(100, 32, 24)]
        one.pipeline.reset()
        one.pull_all()
    frames, _ = read_video(path)
    assert [each.shape for each in frames] == [(24, 32, 3)]


def test_a_failed_run_leaves_what_was_written_as_a_part(rig, tmp_path):
    one = rig.undeployed(
        sinks.VideoWriter, {"path": tmp_path / "out.avi"}, frame=[frame(10), frame(20), ValueError("broken")]
    )
    with pytest.raises(ValueError, match="broken"):
        one.pipeline.run().wait(30)
    assert [file.name for file in tmp_path.iterdir()] == ["out.part.avi"]
    assert len(read_video(tmp_path / "out.part.avi")[0]) == 2


def test_a_video_can_be_copied(rig, tmp_path, video):
    pipeline = Pipeline(None, "copy")
    source, sink = sources.VideoFile(pipeline, "source"), sinks.VideoWriter(pipeline, "sink")
    source.path.set_value(video)
    sink.path.set_value(tmp_path / "copy.avi")
    Connection(source.frame, sink.frame)
    pipeline.run().wait(30)
    original, copy = read_video(video)[0], read_video(tmp_path / "copy.avi")[0]
    assert [round(each.mean()) for each in copy] == pytest.approx([round(each.mean()) for each in original], abs=2)


# ---------------------------------------------------------------------- ImageWriter


def test_image_writer_numbers_images(rig, tmp_path):
    pattern = tmp_path / "images" / "{index:03d}.png"
    with rig.undeployed(sinks.ImageWriter, {"pattern": pattern}, image=[frame(10), rig.GAP, frame(20)[..., 0]]) as one:
        one.pull_all()
    files = sorted((tmp_path / "images").iterdir())
    assert [file.name for file in files] == ["000.png", "001.png"]
    np.testing.assert_array_equal(cv2.imread(str(files[0])), frame(10))
    np.testing.assert_array_equal(cv2.imread(str(files[1]), cv2.IMREAD_GRAYSCALE), frame(20)[..., 0])


def test_the_index_may_name_folders(rig, tmp_path):
    with rig.undeployed(
        sinks.ImageWriter, {"pattern": str(tmp_path / "{}" / "è.jpg")}, image=[frame(1), frame(2)]
    ) as one:
        one.pull_all()
    assert (tmp_path / "0" / "è.jpg").exists()
    assert (tmp_path / "1" / "è.jpg").exists()


def test_image_writer_begins_again_at_a_reset(rig, tmp_path):
    one = rig(sinks.ImageWriter, {"pattern": tmp_path / "{index}.png"}, image=[frame(1), frame(2)])
    one.pull(2)
    one.pipeline.reset()
    one.pull()
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["0.png", "1.png"]


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("picture.png", "needs {index}"),
        ("{index.__class__}.png", "a field is written as {index} or {index:spec}"),
        ("{0}.png", "a field is written as"),
        ("{index!r}.png", "a field is written as"),
        ("{index:{index}}.png", "has a field in it"),
        ("{index:99999d}.png", "more than three digits"),
        ("{index:s}.png", "cannot be shown like this"),
        ("{index.png", "written twice"),
    ],
)
def test_a_pattern_that_reaches_into_the_value_is_refused(pattern, problem):
    with pytest.raises(InvalidInputException) as refusal:
        sinks.ImageWriter(None, "cell").pattern.set_value(Path(pattern))
    assert problem in str(refusal.value)
    assert "cell.pattern" in str(refusal.value)


@pytest.mark.parametrize("name", ["{index}", "{index}.xyz"])
def test_an_ending_that_is_no_format_is_an_error_at_deployment(rig, tmp_path, name):
    with pytest.raises(InvalidInputException, match="must end in a format that this OpenCV can write"):
        rig(sinks.ImageWriter, {"pattern": tmp_path / name}, image=[])


def test_a_folder_that_cannot_be_made_is_an_error_at_deployment(rig, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InvalidInputException, match="names a folder that cannot be made"):
        rig(sinks.ImageWriter, {"pattern": tmp_path / "file" / "{index}.png"}, image=[])

"""The cells of `detection`, on the example video where a real image matters."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from vision_support import deployed, run_once, video_frames

from pypipeline_engine.cells import detection
from pypipeline_engine.cells.boxes import iou_matrix
from pypipeline_engine.exceptions import InvalidInputException


@pytest.fixture(autouse=True)
def one_thread_in_opencv():
    """With several, the cascade finds its boxes in an order that changes from run to run."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


def frame():
    return video_frames(300, 1)[0]


def assert_are_boxes(boxes):
    assert boxes.dtype == np.float32
    assert boxes.ndim == 2
    assert boxes.shape[1] == 5


# ---------------------------------------------------------------- ForegroundBoxes


def mask_of(*rectangles, value=255):
    mask = np.zeros((200, 300), np.uint8)
    for left, top, width, height in rectangles:
        mask[top : top + height, left : left + width] = value
    return mask


def test_foreground_boxes():
    boxes = run_once(detection.ForegroundBoxes, mask=mask_of((150, 100, 40, 50), (10, 20, 30, 60)))
    assert_are_boxes(boxes)
    np.testing.assert_array_equal(boxes, [[10, 20, 30, 60, 1], [150, 100, 40, 50, 1]])


def test_the_score_is_the_share_of_the_box_that_is_foreground():
    boxes = run_once(detection.ForegroundBoxes, mask=mask_of((0, 0, 10, 100), (0, 0, 100, 10)))
    np.testing.assert_allclose(boxes, [[0, 0, 100, 100, 0.19]])


def test_areas_outside_of_the_limits_are_left_out():
    mask = mask_of((0, 0, 10, 10), (50, 50, 20, 20), (150, 50, 40, 40))
    parameters = {"min_area": 101, "max_area": 1599}
    np.testing.assert_array_equal(run_once(detection.ForegroundBoxes, parameters, mask=mask)[:, 0], [50])
    parameters = {"min_area": 100, "max_area": 1600}
    np.testing.assert_array_equal(run_once(detection.ForegroundBoxes, parameters, mask=mask)[:, 0], [0, 50, 150])


@pytest.mark.parametrize("mask", [mask_of(), mask_of((10, 10, 100, 100), value=127), np.zeros((1, 1), np.uint8)])
def test_without_foreground_there_are_no_boxes(mask):
    boxes = run_once(detection.ForegroundBoxes, mask=mask)
    assert_are_boxes(boxes)
    assert len(boxes) == 0


def test_a_colour_image_is_no_mask():
    with pytest.raises(InvalidInputException, match=r"rig.cell.mask expects a mask: .* 576 x 768 x 3: vision.Thresh"):
        run_once(detection.ForegroundBoxes, mask=frame())


# ---------------------------------------------------------------- HogPeople


def test_hog_finds_the_person_in_the_video():
    boxes = run_once(detection.HogPeople, image=frame())
    assert_are_boxes(boxes)
    # Where the eye sees her, in pixels.
    assert iou_matrix(boxes, np.array([[295, 170, 75, 150]])).max() > 0.5
    assert boxes[0, 4] > 1
    assert (boxes[:, 4] >= 0).all()
    assert (np.diff(boxes[:, 4]) <= 0).all()


def test_hog_finds_people_smaller_than_its_window_in_a_magnified_image():
    image = video_frames(490, 1)[0]
    as_it_is = run_once(detection.HogPeople, image=image)
    magnified = run_once(detection.HogPeople, {"magnify": 1.5}, image=image)
    assert_are_boxes(magnified)
    assert len(magnified) > len(as_it_is)
    # In pixels of the image that came, and below the 128 that the window is high.
    assert magnified[:, 3].min() < 128
    assert (magnified[:, 0] + magnified[:, 2]).max() <= image.shape[1] + 64


def test_hog_reads_its_parameters_at_each_pull():
    image = video_frames(500, 1)[0]
    with deployed(detection.HogPeople, {"image": [image] * 3}) as probe:
        by_default = probe.pull()
        probe.set(hit_threshold=1.5)
        strict = probe.pull()
        probe.set(hit_threshold=10.0)
        nothing = probe.pull()
    assert 0 < len(strict) < len(by_default)
    assert (strict[:, 4] >= 1.5).all()
    assert_are_boxes(nothing)
    assert len(nothing) == 0


def test_hog_gives_what_opencv_gives():
    image = cv2.cvtColor(video_frames(500, 1)[0], cv2.COLOR_BGR2GRAY)
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())
    rectangles, weights = hog.detectMultiScale(image, hitThreshold=-0.2, winStride=(4, 4), scale=1.2)
    assert len(rectangles) > 1
    order = np.argsort(-weights)
    parameters = {"hit_threshold": -0.2, "stride": 4, "scale": 1.2, "nms": 1.0}
    boxes = run_once(detection.HogPeople, parameters, image=image)
    np.testing.assert_allclose(boxes, np.column_stack([rectangles, weights])[order], rtol=1e-6)


def test_non_maximum_suppression_leaves_the_better_ones():
    image = video_frames(500, 1)[0]
    all_boxes = run_once(detection.HogPeople, {"hit_threshold": -0.5, "nms": 1.0}, image=image)
    apart = run_once(detection.HogPeople, {"hit_threshold": -0.5, "nms": 0.1}, image=image)
    assert 0 < len(apart) < len(all_boxes)
    assert np.triu(iou_matrix(apart, apart), 1).max() <= 0.1
    np.testing.assert_array_equal(apart[0], all_boxes[0])


@pytest.mark.parametrize("shape", [(127, 64, 3), (128, 63, 3), (1, 1, 3), (10, 10), (500, 20, 3)])
def test_an_image_smaller_than_the_window_has_no_people(shape):
    boxes = run_once(detection.HogPeople, image=np.zeros(shape, np.uint8))
    assert_are_boxes(boxes)
    assert len(boxes) == 0


def test_an_image_as_small_as_the_window_is_searched():
    person = cv2.resize(frame()[158:320, 290:371], (64, 128), interpolation=cv2.INTER_AREA)
    assert len(run_once(detection.HogPeople, image=person)) <= 1


# ---------------------------------------------------------------- Cascade


@pytest.mark.parametrize(
    "model", ["haarcascade_fullbody", "haarcascade_fullbody.xml", Path("haarcascade_fullbody.xml")]
)
def test_cascade_by_a_name_that_opencv_ships(model):
    boxes = run_once(detection.Cascade, {"model": model, "scale": 1.05}, image=frame())
    assert_are_boxes(boxes)
    assert len(boxes) > 0
    assert (boxes[:, 2:4] > 0).all()


def test_a_graph_may_name_a_cascade_that_opencv_ships(tmp_path):
    """Its relative paths are resolved against its folder, where there is no such file."""
    boxes = run_once(detection.Cascade, {"model": tmp_path / "haarcascade_fullbody", "scale": 1.05}, image=frame())
    assert len(boxes) > 0


def test_cascade_by_a_path(tmp_path):
    own = tmp_path / "own.xml"
    own.write_bytes((Path(cv2.data.haarcascades) / "haarcascade_fullbody.xml").read_bytes())
    by_path = run_once(detection.Cascade, {"model": own}, image=frame())
    by_name = run_once(detection.Cascade, {"model": "haarcascade_fullbody"}, image=frame())
    np.testing.assert_array_equal(by_path, by_name)


def test_fewer_neighbours_find_more():
    many = run_once(detection.Cascade, {"model": "haarcascade_fullbody", "min_neighbours": 0}, image=frame())
    few = run_once(detection.Cascade, {"model": "haarcascade_fullbody", "min_neighbours": 4}, image=frame())
    assert len(many) > len(few)


@pytest.mark.parametrize("shape", [(1, 1, 3), (10, 10), (24, 24)])
def test_cascade_of_a_small_image(shape):
    boxes = run_once(detection.Cascade, image=np.zeros(shape, np.uint8))
    assert_are_boxes(boxes)
    assert len(boxes) == 0


def test_a_cascade_that_does_not_exist_is_an_error_at_deployment(tmp_path):
    missing = tmp_path / "missing.xml"
    with (
        pytest.raises(
            InvalidInputException, match=r"rig.cell: the parameter model .* not exist: .*missing.xml"
        ) as caught,
        deployed(detection.Cascade, {"image": []}, model=missing),
    ):
        pass
    assert "haarcascade_fullbody" in str(caught.value)


@pytest.mark.parametrize("content", ["hello", "<?xml version='1.0'?><opencv_storage><a>1</a></opencv_storage>", ""])
def test_a_file_that_is_no_cascade_is_an_error_at_deployment(tmp_path, content, capfd):
    wrong = tmp_path / "wrong.xml"
    wrong.write_text(content)
    with (
        pytest.raises(InvalidInputException, match=r"rig.cell: the parameter model must name a cascade .*wrong.xml"),
        deployed(detection.Cascade, {"image": []}, model=wrong),
    ):
        pass
    assert capfd.readouterr().err == ""


# ---------------------------------------------------------------- MotFile

DETECTIONS = """\
1,-1,10,20,30,40,0.9,-1,-1,-1
3,-1,11.5,20,30,40,-0.5,-1,-1,-1

1, -1, 50, 60, 7, 8, 0.2
"""


def det_txt(folder, content=DETECTIONS):
    path = folder / "det.txt"
    path.write_text(content)
    return path


def test_mot_file_index_0_is_frame_1(tmp_path):
    with deployed(detection.MotFile, {"index": [0, 1, 2, np.int64(0), 99]}, path=det_txt(tmp_path)) as probe:
        pulled = [probe.pull() for _ in range(5)]
    for boxes in pulled:
        assert_are_boxes(boxes)
    first = np.array([[10, 20, 30, 40, 0.9], [50, 60, 7, 8, 0.2]], np.float32)
    np.testing.assert_array_equal(pulled[0], first)
    np.testing.assert_array_equal(pulled[2], np.array([[11.5, 20, 30, 40, -0.5]], np.float32))
    np.testing.assert_array_equal(pulled[3], first)
    assert len(pulled[1]) == len(pulled[4]) == 0


def test_mot_file_min_score_may_change_while_running(tmp_path):
    with deployed(detection.MotFile, {"index": [0, 0]}, path=det_txt(tmp_path), min_score=0.5) as probe:
        assert len(probe.pull()) == 1
        probe.set(min_score=None)
        assert len(probe.pull()) == 2


def test_mot_file_is_read_once(tmp_path):
    path = det_txt(tmp_path)
    with deployed(detection.MotFile, {"index": [0]}, path=path) as probe:
        path.unlink()
        assert len(probe.pull()) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("1,-1,10,20,30,40,0.9\n1,-1,10,20\n", "line 2: expected at least 7 numbers separated by commas"),
        ("1 -1 10 20 30 40 0.9\n", "line 1: expected at least 7 numbers"),
        ("\n\n1,-1,10,20,thirty,40,0.9\n", "line 3: could not convert string to float: 'thirty'"),
        ("0,-1,10,20,30,40,0.9\n", "line 1: expected a whole frame number of at least 1, not '0'"),
        ("1.5,-1,10,20,30,40,0.9\n", "line 1: expected a whole frame number of at least 1, not '1.5'"),
        ("1,-1,nan,20,30,40,0.9\n", "line 1: expected finite numbers"),
    ],
)
def test_a_malformed_line_is_an_error_at_deployment(tmp_path, content, words):
    path = det_txt(tmp_path, content)
    with (
        pytest.raises(InvalidInputException, match=words) as caught,
        deployed(detection.MotFile, {"index": []}, path=path),
    ):
        pass
    assert f"rig.cell: the parameter path names a file that is not a det.txt of the MOTChallenge: {path}" in str(
        caught.value
    )


def test_a_picture_is_no_det_txt(tmp_path):
    path = tmp_path / "det.txt"
    path.write_bytes(cv2.imencode(".png", np.zeros((5, 5), np.uint8))[1].tobytes())
    with (
        pytest.raises(InvalidInputException, match=r"is not a det.txt of the MOTChallenge"),
        deployed(detection.MotFile, {"index": []}, path=path),
    ):
        pass


def test_a_missing_det_txt_is_an_error_at_deployment(tmp_path):
    with (
        pytest.raises(InvalidInputException, match=r"rig.cell: the parameter path .* does not exist: .*det.txt"),
        deployed(detection.MotFile, {"index": []}, path=tmp_path / "det.txt"),
    ):
        pass


@pytest.mark.parametrize("index", [-1, 1.5, None, "0"])
def test_an_index_that_is_none_is_refused_in_words(tmp_path, index):
    path = det_txt(tmp_path)
    with (
        deployed(detection.MotFile, {"index": [index]}, path=path) as probe,
        pytest.raises(InvalidInputException, match=r"rig.cell.index expects a (whole )?number"),
    ):
        probe.pull()

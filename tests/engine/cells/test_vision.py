"""The cells of `vision`: filters, motion and drawing, on frames of the example video where a real image matters."""

import cv2
import numpy as np
import pytest
from vision_support import deployed, run_once, video_frames

from pypipeline_engine.cell import Pipeline
from pypipeline_engine.cells import vision
from pypipeline_engine.exceptions import InvalidInputException

ONE_IMAGE_IN = [
    vision.Resize,
    vision.Crop,
    vision.ConvertColor,
    vision.GaussianBlur,
    vision.MedianBlur,
    vision.Canny,
    vision.Threshold,
    vision.Morphology,
    vision.Clahe,
    vision.BackgroundSubtractor,
    vision.DrawText,
]
NO_BOXES = np.empty((0, 5), np.float32)


def frame():
    return video_frames(300, 1)[0]


def grey():
    return cv2.cvtColor(frame(), cv2.COLOR_BGR2GRAY)


# ---------------------------------------------------------------- what holds for all of them


@pytest.mark.parametrize("cell_class", ONE_IMAGE_IN)
@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 3, 3), (40, 60, 3)])
def test_small_read_only_images_are_no_problem_and_stay_as_they_were(cell_class, shape):
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    before = image.copy()
    image.flags.writeable = False
    result = run_once(cell_class, image=image)
    assert result.dtype == np.uint8
    assert not np.shares_memory(result, image)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("cell_class", ONE_IMAGE_IN)
@pytest.mark.parametrize(
    ("value", "came"),
    [
        (None, "what came is None"),
        ("frame.png", "what came is str 'frame.png'"),
        (np.zeros((4, 4, 3), np.float32), "an array of float32, 4 x 4 x 3: convert it to uint8"),
        (np.zeros((4, 4, 4), np.uint8), r"an array of uint8, 4 x 4 x 4: take the alpha channel away"),
        (np.zeros((4, 4, 2), np.uint8), "an array of uint8, 4 x 4 x 2"),
        (np.zeros(4, np.uint8), r"an array of uint8, 4\b(?! x)"),
        (np.zeros((0, 4, 3), np.uint8), "with at least one pixel; what came is an array of uint8, 0 x 4 x 3"),
    ],
)
def test_what_is_no_image_is_refused_in_words(cell_class, value, came):
    with pytest.raises(InvalidInputException, match=came) as caught:
        run_once(cell_class, image=value)
    assert "rig.cell.image expects an image: uint8, height x width x 3 in BGR order" in str(caught.value)


@pytest.mark.parametrize(
    ("cell_class", "parameter", "value", "words"),
    [
        (vision.GaussianBlur, "ksize", 4, "expected an odd whole number, such as 3, 5 or 7"),
        (vision.GaussianBlur, "ksize", -1, "must be from 0 to 255 px"),
        (vision.GaussianBlur, "sigma_x", float("nan"), "must be from 0 to 100 px"),
        (vision.MedianBlur, "ksize", 2, "expected an odd whole number"),
        (vision.MedianBlur, "ksize", 3.0, "expected an odd whole number"),
        (vision.MedianBlur, "ksize", None, "expected an odd whole number"),
        (vision.Resize, "width", 0, "must be from 1 to 32767 px"),
        (vision.Resize, "width", 10.5, "expected a whole number"),
        (vision.Resize, "interpolation", "bilinear", "must be one of 'nearest', 'linear'"),
        (vision.Canny, "aperture_size", 4, "must be one of 3, 5, 7"),
        (vision.Canny, "l2_gradient", "yes", "expected true or false"),
        (vision.Threshold, "thresh", True, "must be a number"),
        (vision.Threshold, "maxval", None, "expected a finite number"),
        (vision.OpticalFlow, "pyr_scale", 1.0, "must be from 0.1 to 0.95"),
        (vision.ConvertColor, "code", "BGR2CMYK", "must be one of 'BGR2GRAY'"),
        (vision.DrawText, "color", "red", "expected a colour as #rrggbb"),
        (vision.DrawBoxes, "thickness", 0, "must be from 1 to 50 px"),
    ],
)
def test_values_that_opencv_would_refuse_are_refused_by_the_parameter(cell_class, parameter, value, words):
    cell = cell_class(None, "blur")
    with pytest.raises(InvalidInputException, match=words) as caught:
        cell.get_input(parameter).set_value(value)
    assert f"blur.{parameter}" in str(caught.value)


# ---------------------------------------------------------------- size and colour


@pytest.mark.parametrize(
    ("parameters", "shape"),
    [
        ({}, (576, 768, 3)),
        ({"scale": 0.5}, (288, 384, 3)),
        ({"width": 384, "scale": 3.0}, (288, 384, 3)),
        ({"height": 144, "interpolation": "area"}, (144, 192, 3)),
        ({"width": 10, "height": 500, "interpolation": "cubic"}, (500, 10, 3)),
        ({"width": 1}, (1, 1, 3)),
        ({"scale": 0.01, "interpolation": "nearest"}, (6, 8, 3)),
    ],
)
def test_resize(parameters, shape):
    assert run_once(vision.Resize, parameters, image=frame()).shape == shape


def test_resize_agrees_with_opencv():
    expected = cv2.resize(grey(), (100, 75), interpolation=cv2.INTER_LANCZOS4)
    result = run_once(vision.Resize, {"width": 100, "interpolation": "lanczos4"}, image=grey())
    np.testing.assert_array_equal(result, expected)


def test_resize_beyond_the_limit_says_so():
    with pytest.raises(
        InvalidInputException, match=r"rig.cell would make an image of 76800 x 57600 px; 32767 px a side"
    ):
        run_once(vision.Resize, {"scale": 100.0}, image=frame())


def test_crop():
    result = run_once(vision.Crop, {"x": 700, "y": 10, "width": 20, "height": 30}, image=frame())
    np.testing.assert_array_equal(result, frame()[10:40, 700:720])


def test_crop_is_clipped_to_the_image():
    result = run_once(vision.Crop, {"x": 760, "y": 570, "width": 100}, image=frame())
    np.testing.assert_array_equal(result, frame()[570:, 760:])


def test_crop_outside_of_the_image_says_so():
    with pytest.raises(InvalidInputException, match=r"rig.cell has nothing to cut out: x 768, y 0 .* 768 x 576 px"):
        run_once(vision.Crop, {"x": 768}, image=frame())


def test_convert_color_there_and_back():
    hsv = run_once(vision.ConvertColor, {"code": "BGR2HSV"}, image=frame())
    assert hsv[..., 0].max() < 180
    back = run_once(vision.ConvertColor, {"code": "HSV2BGR"}, image=hsv)
    assert np.abs(back.astype(int) - frame()).mean() < 2


@pytest.mark.parametrize("code", vision.ConvertColor(None, "c").code.choices)
def test_convert_color_knows_every_code_that_it_offers(code):
    image = grey() if code == "GRAY2BGR" else frame()
    assert run_once(vision.ConvertColor, {"code": code}, image=image).shape[:2] == (576, 768)


@pytest.mark.parametrize(("code", "expected"), [("BGR2GRAY", "height x width x 3"), ("GRAY2BGR", "height x width")])
def test_convert_color_of_the_wrong_number_of_channels(code, expected):
    image = frame() if code == "GRAY2BGR" else grey()
    with pytest.raises(InvalidInputException, match=f"expects an image of {expected} for the conversion {code}"):
        run_once(vision.ConvertColor, {"code": code}, image=image)


# ---------------------------------------------------------------- filters


def test_gaussian_blur():
    result = run_once(vision.GaussianBlur, {"ksize": 9, "sigma_x": 2.0, "sigma_y": 1.0}, image=frame())
    np.testing.assert_array_equal(result, cv2.GaussianBlur(frame(), (9, 9), 2.0, sigmaY=1.0))


def test_gaussian_blur_derives_the_kernel_from_sigma():
    result = run_once(vision.GaussianBlur, {"ksize": 0, "sigma_x": 3.0}, image=frame())
    np.testing.assert_array_equal(result, cv2.GaussianBlur(frame(), (0, 0), 3.0))


def test_gaussian_blur_without_any_size_says_so():
    with pytest.raises(InvalidInputException, match=r"rig.cell cannot derive ksize and sigma_x from each other"):
        run_once(vision.GaussianBlur, {"ksize": 0}, image=frame())


def test_parameters_may_change_while_running():
    with deployed(vision.MedianBlur, {"image": [frame()] * 2}, ksize=3) as probe:
        np.testing.assert_array_equal(probe.pull(), cv2.medianBlur(frame(), 3))
        probe.set(ksize=255)
        np.testing.assert_array_equal(probe.pull(), cv2.medianBlur(frame(), 255))


def test_canny_finds_the_edge_of_a_square():
    image = np.zeros((50, 50), np.uint8)
    image[10:40, 10:40] = 255
    edges = run_once(vision.Canny, image=image)
    assert set(np.unique(edges)) == {0, 255}
    assert edges[25, 8:12].any()
    assert not edges[15:35, 15:35].any()


def test_threshold():
    result = run_once(vision.Threshold, {"thresh": 100, "maxval": 7, "type": "binary_inv"}, image=frame())
    np.testing.assert_array_equal(result, np.where(frame() > 100, 0, 7))


@pytest.mark.parametrize(("automatic", "flag"), [("otsu", cv2.THRESH_OTSU), ("triangle", cv2.THRESH_TRIANGLE)])
def test_automatic_threshold(automatic, flag):
    result = run_once(vision.Threshold, {"automatic": automatic}, image=grey())
    np.testing.assert_array_equal(result, cv2.threshold(grey(), 0, 255, flag)[1])


def test_automatic_threshold_of_a_colour_image_says_what_to_do():
    with pytest.raises(InvalidInputException, match=r"for the automatic threshold otsu; .* put vision.ConvertColor"):
        run_once(vision.Threshold, {"automatic": "otsu"}, image=frame())


def test_morphology_opens_specks_away_and_closes_holes():
    mask = np.zeros((60, 60), np.uint8)
    mask[20:40, 20:40] = 255
    clean = mask.copy()
    mask[5, 5] = 255
    np.testing.assert_array_equal(run_once(vision.Morphology, {"operation": "open"}, image=mask), clean)
    mask[5, 5] = 0
    mask[30, 30] = 0
    np.testing.assert_array_equal(run_once(vision.Morphology, {"operation": "close"}, image=mask), clean)


@pytest.mark.parametrize("operation", vision.Morphology(None, "m").operation.choices)
@pytest.mark.parametrize("shape", vision.Morphology(None, "m").shape.choices)
def test_morphology_knows_every_operation_and_shape_that_it_offers(operation, shape):
    parameters = {"operation": operation, "shape": shape, "ksize": 4, "iterations": 2}
    assert run_once(vision.Morphology, parameters, image=grey()).shape == (576, 768)


def test_clahe_raises_the_contrast_of_a_dull_image():
    dull = (grey() // 4 + 90).astype(np.uint8)
    assert run_once(vision.Clahe, image=dull).std() > 1.3 * dull.std()


def test_clahe_keeps_the_colours():
    result = run_once(vision.Clahe, {"clip_limit": 4.0, "tile_grid_size": 4}, image=frame())
    before, after = (cv2.cvtColor(image, cv2.COLOR_BGR2LAB).astype(int) for image in (frame(), result))
    assert np.abs(after[..., 0] - before[..., 0]).mean() > 5
    assert np.abs(after[..., 1:] - before[..., 1:]).mean() < 2


# ---------------------------------------------------------------- motion


def moving_square(number):
    images = []
    for index in range(number):
        image = np.random.default_rng(index).integers(90, 110, (120, 160, 3), dtype=np.uint8)
        if index >= number // 2:
            left = 2 * index
            image[50:70, left : left + 20] = 250
        images.append(image)
    return images


def test_background_subtractor_finds_what_moves():
    with deployed(vision.BackgroundSubtractor, {"image": moving_square(60)}, shadows=False) as probe:
        masks = [probe.pull() for _ in range(60)]
    assert masks[-1].dtype == np.uint8
    assert masks[-1].shape == (120, 160)
    assert not masks[29].any()
    assert (masks[-1][50:70, 118:138] == 255).mean() > 0.9
    assert (masks[-1] == 255).sum() < 25 * 25


def test_background_subtractor_starts_anew_after_a_reset():
    def first_three(probe):
        return [probe.pull() for _ in range(3)]

    with deployed(vision.BackgroundSubtractor, {"image": video_frames(0, 3)}) as probe:
        before = first_three(probe)
        probe.pipeline.reset()
        after = first_three(probe)
    assert any(mask.any() for mask in before[1:])
    np.testing.assert_array_equal(before, after)


def test_background_subtractor_marks_shadows_only_when_asked():
    frames = video_frames(0, 12)
    with deployed(vision.BackgroundSubtractor, {"image": frames}, shadows=True, threshold=9.0) as probe:
        assert 127 in np.concatenate([probe.pull() for _ in range(6)])
        probe.set(shadows=False)
        assert set(np.unique([probe.pull() for _ in range(6)])) == {0, 255}


def shifted(image, right, down):
    return np.roll(image, (down, right), axis=(0, 1))


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.37])
def test_optical_flow_is_in_pixels_of_the_full_image(scale):
    noise = np.random.default_rng(0).integers(0, 256, (576, 768)).astype(np.float32)
    image = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 6), None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
    parameters = {"scale": scale, "winsize": 31}
    flow = run_once(vision.OpticalFlow, parameters, previous=image, image=shifted(image, 4, -3))
    assert flow.shape == (576, 768, 2)
    assert flow.dtype == np.float32
    assert np.median(flow[..., 0]) == pytest.approx(4, abs=0.4)
    assert np.median(flow[..., 1]) == pytest.approx(-3, abs=0.4)


def test_optical_flow_without_a_previous_image_is_zero():
    flow = run_once(vision.OpticalFlow, image=frame(), previous=None)
    assert flow.shape == (576, 768, 2)
    assert flow.dtype == np.float32
    assert not flow.any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 5, 3)])
def test_optical_flow_of_tiny_images(shape):
    image = np.zeros(shape, np.uint8)
    flow = run_once(vision.OpticalFlow, {"scale": 0.05, "gaussian": True}, image=image, previous=image)
    assert flow.shape == (*shape[:2], 2)


def test_optical_flow_between_images_of_different_sizes_says_so():
    with pytest.raises(
        InvalidInputException, match=r"rig.cell.previous expects an image as large as the other one, 576 x 768"
    ):
        run_once(vision.OpticalFlow, image=frame(), previous=frame()[:100])


# ---------------------------------------------------------------- drawing


def test_draw_boxes_draws_into_an_image_of_its_own():
    boxes = np.array([[10, 40, 50, 60, 0.87]], np.float32)
    before = frame().copy()
    drawn = run_once(vision.DrawBoxes, {"labels": False}, image=frame(), boxes=boxes)
    np.testing.assert_array_equal(frame(), before)
    changed = (drawn != frame()).any(axis=2)
    assert changed[40, 10:60].all()
    assert changed[40:100, 10].all()
    assert not changed[45:95, 15:55].any()
    assert not changed[:35].any()


def test_draw_boxes_writes_labels_only_when_asked():
    boxes = np.array([[100, 100, 50, 60, 0.87]], np.float32)
    image = np.zeros((200, 200), np.uint8)
    plain = run_once(vision.DrawBoxes, {"labels": False}, image=image, boxes=boxes)
    labelled = run_once(vision.DrawBoxes, image=image, boxes=boxes)
    assert plain.shape == labelled.shape == (200, 200, 3)
    assert not plain[80:97].any()
    assert labelled[80:97].any()


def test_each_track_has_a_colour_that_stays():
    def colour_of(number):
        tracks = np.array([[10, 10, 20, 20, 1.0, number]], np.float32)
        drawn = run_once(vision.DrawBoxes, {"labels": False}, image=np.zeros((40, 40), np.uint8), boxes=tracks)
        return tuple(int(value) for value in drawn[10, 20])

    colours = [colour_of(number) for number in range(1, 11)]
    assert len(set(colours)) == 10
    assert colour_of(3) == colours[2]


@pytest.mark.parametrize("nothing", [[], NO_BOXES, np.empty((0, 6), np.float32), np.empty(0, np.float32)])
def test_draw_boxes_without_boxes_gives_the_image(nothing):
    np.testing.assert_array_equal(run_once(vision.DrawBoxes, image=frame(), boxes=nothing), frame())


def test_boxes_outside_of_the_image_are_clipped():
    boxes = np.array([[-50, -50, 60, 60, 1], [1e30, 0, 10, 10, 1], [-1e30, 5, 2e30, 10, 1]], np.float32)
    drawn = run_once(vision.DrawBoxes, image=np.zeros((30, 30), np.uint8), boxes=boxes)
    assert drawn[10, :10].any(axis=1).all()


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        (None, "what came is None"),
        (np.zeros((2, 4), np.float32), "what came is an array of float32, 2 x 4"),
        (np.zeros(5, np.float32), "what came is an array of float32, 5"),
        ([[1, 2, 3, 4, 5], [1, 2]], "what came is list"),
        ([["a", "b", "c", "d", "e"]], "what came is list"),
        (
            np.array([[0, 0, 1, 1, 0.5], [0, 0, np.nan, 1, 0.5]], np.float32),
            r"all finite; .*: row 1 is \[0.0, 0.0, nan",
        ),
    ],
)
def test_what_are_no_boxes_is_refused_in_words(boxes, words):
    with pytest.raises(InvalidInputException, match=words) as caught:
        run_once(vision.DrawBoxes, image=frame(), boxes=boxes)
    assert "rig.cell.boxes expects boxes: n x 5 (x, y, width, height, score) or tracks: n x 6" in str(caught.value)


@pytest.mark.parametrize("value", ["42 people", 42, 0.5, "two\nlines"])
def test_draw_text(value):
    image = np.zeros((100, 300), np.uint8)
    drawn = run_once(vision.DrawText, {"color": "#ff0000"}, image=image, text=value)
    assert drawn.shape == (100, 300, 3)
    assert drawn[..., 2].any()
    assert not drawn[..., :2].any()
    assert drawn[50:].any() == (value == "two\nlines")


def test_draw_text_may_be_left_unconnected():
    image = np.zeros((100, 300), np.uint8)
    assert not run_once(vision.DrawText, image=image).any()
    assert run_once(vision.DrawText, {"text": "hello"}, image=image).any()


# ---------------------------------------------------------------- scaling


def test_a_clone_has_the_same_parameters():
    blur = vision.GaussianBlur(None, "blur")
    blur.ksize.set_value(11)
    clone = blur.clone(Pipeline(None, "other"))
    assert clone.get_full_name() == "other.blur"
    assert clone.ksize.get_value() == 11

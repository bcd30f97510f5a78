"""What the image, tracking and model cells promise to graph files: names, defaults, documentation, light imports."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
from vision_support import deployed, video_frames

from pypipeline_engine.cellio import IO, AParameter, ConfigParameter, Input
from pypipeline_engine.cells import ai, detection, tracking, vision

# type: (inputs, outputs, configuration, runtime parameters, may be scaled)
CELLS = {
    vision.Resize: ("image", "image", "", "width height scale interpolation", True),
    vision.Crop: ("image", "image", "", "x y width height", True),
    vision.ConvertColor: ("image", "image", "", "code", True),
    vision.GaussianBlur: ("image", "image", "", "ksize sigma_x sigma_y", True),
    vision.MedianBlur: ("image", "image", "", "ksize", True),
    vision.Canny: ("image", "image", "", "threshold1 threshold2 aperture_size l2_gradient", True),
    vision.Threshold: ("image", "image", "", "thresh maxval type automatic", True),
    vision.Morphology: ("image", "image", "", "operation ksize shape iterations", True),
    vision.Clahe: ("image", "image", "", "clip_limit tile_grid_size", True),
    vision.BackgroundSubtractor: ("image", "mask", "", "history threshold shadows", False),
    vision.OpticalFlow: (
        "image previous",
        "flow",
        "",
        "scale pyr_scale levels winsize iterations poly_n poly_sigma gaussian",
        True,
    ),
    vision.DrawBoxes: ("image boxes", "image", "", "thickness labels", True),
    vision.DrawText: ("image", "image", "", "text x y font_scale thickness color", True),
    detection.ForegroundBoxes: ("mask", "boxes", "", "min_area max_area", True),
    detection.HogPeople: ("image", "boxes", "", "hit_threshold stride scale nms magnify", True),
    detection.Cascade: ("image", "boxes", "model", "scale min_neighbours", True),
    detection.MotFile: ("index", "boxes", "path", "min_score", True),
    tracking.Sort: ("boxes", "tracks", "", "max_age min_hits iou", False),
    tracking.FlowTracker: ("boxes flow previous", "tracks", "", "iou max_age", False),
    ai.OnnxModel: ("tensor", "tensor", "path providers threads", "", True),
    ai.DnnModel: ("image", "tensor", "model config layer", "size mean scale swap_rb", True),
    ai.TorchModel: ("tensor", "tensor", "path device", "", True),
    ai.DataLoader: ("", "sample label", "dataset batch_size shuffle seed", "", False),
}
DEFAULTS = {
    detection.HogPeople: {"hit_threshold": 0.0, "stride": 8, "scale": 1.05, "nms": 0.65},
    detection.MotFile: {"min_score": None},
    tracking.Sort: {"max_age": 1, "min_hits": 3, "iou": 0.3},
    tracking.FlowTracker: {"iou": 0.3},
}
MODULES = (vision, detection, tracking, ai)


def by_module(cell_type):
    return f"{cell_type.__module__.rpartition('.')[2]}.{cell_type.__name__}"


every_cell = pytest.mark.parametrize("cell_type", CELLS, ids=by_module)


@every_cell
def test_a_cell_has_the_ports_and_parameters_of_the_library(cell_type):
    cell = cell_type(None, "cell")
    inputs, outputs, configuration, parameters, _ = CELLS[cell_type]
    pulled = [io.get_name() for io in cell.get_inputs() if not isinstance(io, AParameter)]
    configured = [io.get_name() for io in cell.get_inputs() if isinstance(io, ConfigParameter)]
    live = [io.get_name() for io in cell.get_inputs() if isinstance(io, AParameter) and isinstance(io, Input)]
    assert (pulled, configured, live) == (inputs.split(), configuration.split(), parameters.split())
    assert cell.get_output_names() == outputs.split()


@every_cell
def test_a_cell_has_the_defaults_of_the_library(cell_type):
    cell = cell_type(None, "cell")
    for name, default in DEFAULTS.get(cell_type, {}).items():
        assert cell.get_input(name).get_default_value() == default


@every_cell
def test_a_cell_is_documented_and_says_whether_it_may_be_scaled(cell_type):
    cell = cell_type(None, "cell")
    may_be_scaled = CELLS[cell_type][-1]
    text = " ".join(cell_type.__doc__.split())
    assert cell.supports_scaling() is may_be_scaled
    assert ("May be scaled" in text, "cannot be scaled" in text) == (may_be_scaled, not may_be_scaled)
    for io in cell.get_inputs() + cell.get_outputs():
        assert io.doc.endswith("."), io.get_full_name()


@every_cell
def test_a_cell_is_made_of_parent_and_name_and_can_be_cloned(cell_type):
    assert list(inspect.signature(cell_type).parameters) == ["parent_cell", "name"]
    assert cell_type(parent_cell=None, name="cell").clone(None).get_name() == "cell"


@every_cell
def test_the_type_of_every_value_is_written_in_the_constructor(cell_type):
    source = inspect.getsource(cell_type.__init__)
    for attribute, value in vars(cell_type(None, "cell")).items():
        if isinstance(value, IO):
            assert f"self.{attribute}: " in source


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_table_above_is_complete(module):
    cells = [each for each in vars(module).values() if inspect.isclass(each) and hasattr(each, "_on_pull")]
    assert {each for each in cells if not inspect.isabstract(each)} <= set(CELLS)


def test_the_library_loads_no_heavy_module():
    code = (
        "import sys; from pypipeline_engine.cells import ai, detection, tracking, vision;"
        "print(*sorted({'cv2', 'scipy', 'ray', 'torch', 'onnxruntime'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []


@pytest.mark.parametrize("cell_type", [vision.Resize, detection.HogPeople])
def test_without_opencv_the_message_says_how_to_install_it(monkeypatch, cell_type):
    frames = video_frames(0, 1)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with (
        pytest.raises(Exception, match=r"rig\.cell needs OpenCV, .*pip install 'pypipeline-studio\[vision\]'"),
        deployed(cell_type, {"image": frames}),
    ):
        pass


@every_cell
def test_values_from_outside_of_the_range_are_refused(cell_type):
    cell = cell_type(None, "cell")
    for io in cell.get_inputs():
        if isinstance(io, AParameter) and io.minimum is not None:
            for value in (io.minimum - 1, io.maximum + 1 if io.maximum is not None else np.nan, "1", np.nan):
                assert not io.can_have_as_value(value), f"{io.get_full_name()} accepts {value!r}"
            assert io.can_have_as_value(io.get_default_value())

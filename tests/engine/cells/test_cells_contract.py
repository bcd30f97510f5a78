"""What every shipped cell that needs no OpenCV algorithm promises: names, documentation, scaling, light imports."""

import inspect
import subprocess
import sys

import pytest

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import IO, AParameter, ConfigParameter, Input, Output, RuntimeParameter
from pypipeline_engine.cells import demo, flow, series, sinks, sources
from pypipeline_engine.cells import math as math_cells

# type: (inputs, outputs, configuration, runtime parameters, may be scaled). Graph files depend on these names.
CELLS = {
    sources.Counter: ("", "value", "count", "start step", False),
    sources.Random: ("", "value", "seed count", "low high", False),
    sources.VideoFile: ("", "frame index time_s", "path loop start count", "", False),
    sources.Camera: ("", "frame time_s", "device width height fps", "", False),
    sources.ImageFolder: ("", "image path", "path pattern recursive", "", False),
    sources.SyntheticVideo: ("", "frame boxes", "width height objects count seed", "", False),
    sources.Csv: ("", "row", "path delimiter", "", False),
    sources.JsonLines: ("", "item", "path", "", False),
    flow.Batch: ("item", "batch", "", "size", False),
    flow.Unbatch: ("batch", "item", "", "", False),
    flow.Delay: ("item", "item", "steps initial", "", False),
    flow.Throttle: ("item", "item", "", "rate_hz", False),
    flow.EveryNth: ("item", "item", "", "n", False),
    flow.Filter: ("item keep", "item", "", "", True),
    flow.Select: ("a b use_a", "item", "", "", False),
    math_cells.Expression: ("", "value", "", "a b c expression", True),
    math_cells.Multiply: ("a b", "value", "", "", True),
    math_cells.Add: ("a b", "value", "", "", True),
    demo.Work: ("item", "item", "", "milliseconds mode jitter fail_every", True),
    series.Field: ("row", "value", "", "name", True),
    series.MovingAverage: ("value", "value", "", "window", False),
    series.Crossing: ("fast slow", "signal", "", "", False),
    sinks.Console: ("item", "", "", "format", False),
    sinks.JsonLines: ("item", "", "path", "", False),
    sinks.Csv: ("item", "", "path delimiter header", "", False),
    sinks.MotFile: ("tracks", "", "path", "index", False),
    sinks.VideoWriter: ("frame", "", "path fps codec", "", False),
    sinks.ImageWriter: ("image", "", "pattern", "", False),
    sinks.Null: ("item", "", "", "", True),
    sinks.Preview: ("image", "", "", "", True),
}
DEFAULTS = {
    sources.Counter: {"start": 0, "step": 1, "count": None},
    sources.Random: {"low": 0.0, "high": 1.0, "count": None},
    sources.VideoFile: {"loop": False, "start": 0, "count": None},
    sources.Camera: {"device": 0},
    sources.ImageFolder: {"pattern": "*.png;*.jpg", "recursive": False},
    sources.SyntheticVideo: {"width": 640, "height": 480, "objects": 5, "count": None},
    flow.Batch: {"size": 8},
    flow.Delay: {"steps": 1, "initial": None},
    flow.EveryNth: {"n": 2},
    math_cells.Expression: {"a": 0, "b": 0, "c": 0},
    demo.Work: {"milliseconds": 5, "mode": "sleep", "jitter": 0, "fail_every": 0},
    series.MovingAverage: {"window": 20},
    sinks.Console: {"format": "{}"},
}
MODULES = (sources, flow, math_cells, demo, series, sinks)


def by_module(cell_type):
    return f"{cell_type.__module__.rpartition('.')[2]}.{cell_type.__name__}"


every_cell = pytest.mark.parametrize("cell_type", CELLS, ids=by_module)


@every_cell
def test_a_cell_has_the_ports_and_parameters_of_the_library(cell_type):
    cell = cell_type(None, "cell")
    inputs, outputs, configuration, parameters, _ = CELLS[cell_type]
    pulled = [io for io in cell.get_inputs() if isinstance(io, Input) and not isinstance(io, AParameter)]
    assert [io.get_name() for io in pulled] == inputs.split()
    assert cell.get_output_names() == outputs.split()
    assert all(isinstance(io, Output) for io in cell.get_outputs())
    for kind, names in ((ConfigParameter, configuration), (RuntimeParameter, parameters)):
        assert {io.get_name() for io in cell.get_inputs() if isinstance(io, kind)} == set(names.split())


@every_cell
def test_a_cell_has_the_defaults_of_the_library(cell_type):
    cell = cell_type(None, "cell")
    for name, default in DEFAULTS.get(cell_type, {}).items():
        assert cell.get_input(name).get_default_value() == default


@every_cell
def test_a_cell_and_all_that_belongs_to_it_is_documented(cell_type):
    assert len(cell_type.__doc__) > 40
    cell = cell_type(None, "cell")
    for io in cell.get_inputs() + cell.get_outputs():
        assert io.doc.endswith("."), io.get_full_name()


@every_cell
def test_a_cell_says_whether_it_may_be_scaled(cell_type):
    may_be_scaled = CELLS[cell_type][-1]
    assert cell_type(None, "cell").supports_scaling() is may_be_scaled
    text = " ".join(cell_type.__doc__.split())
    assert ("May be scaled" in text) is may_be_scaled
    assert ("cannot be scaled" in text) is not may_be_scaled


@every_cell
def test_a_cell_is_made_of_parent_and_name_and_nothing_else(cell_type):
    assert list(inspect.signature(cell_type).parameters) == ["parent_cell", "name"]
    assert cell_type(parent_cell=None, name="cell").clone(None).get_name() == "cell"


@every_cell
def test_the_type_of_every_value_is_written_in_the_constructor(cell_type):
    source = inspect.getsource(cell_type.__init__)
    cell = cell_type(None, "cell")
    for attribute, value in vars(cell).items():
        if isinstance(value, IO):
            assert f"self.{attribute}: {type(value).__name__}[" in source


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_table_above_is_complete(module):
    found = {
        each
        for each in vars(module).values()
        if inspect.isclass(each) and issubclass(each, ASingleCell) and each is not ASingleCell
    }
    assert found <= set(CELLS)


def test_the_library_loads_no_heavy_module():
    code = (
        "import sys; from pypipeline_engine.cells import demo, flow, math, series, sinks, sources;"
        "print(*sorted({'cv2', 'scipy', 'ray', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []


def test_the_names_of_types_load_no_numpy():
    code = "import sys; import pypipeline_engine.cells.types; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_without_opencv_the_message_says_how_to_install_it(monkeypatch, rig, tmp_path):
    monkeypatch.setitem(sys.modules, "cv2", None)
    (tmp_path / "video.avi").write_bytes(b"")
    with pytest.raises(Exception, match=r"rig\.cell needs OpenCV, .*pip install 'pypipeline-studio\[vision\]'"):
        rig(sources.VideoFile, {"path": tmp_path / "video.avi"})

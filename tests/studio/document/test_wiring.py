"""Which wires make sense."""

from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.reader import read_file
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits
from pypipeline_studio.document.presentation import OUTPUTS
from pypipeline_studio.document.types import fitting_types
from pypipeline_studio.document.wiring import compatible_inputs, compatible_outputs


def test_kinds_that_differ_are_refused_with_both_names(people, types) -> None:
    reasons = compatible_inputs(people, (), types, "detect.boxes")
    assert reasons["people", "frame"] == "detect.boxes gives boxes, and people.frame takes image"
    assert ("track", "boxes") not in reasons


def test_a_circle_is_refused(people, types) -> None:
    reasons = compatible_inputs(people, (), types, "draw.image")
    assert "circle" in reasons["detect", "image"]
    assert "circle" in reasons["draw", "image"]
    assert ("people", "frame") not in reasons


def test_the_same_from_the_other_end(people, types) -> None:
    reasons = compatible_outputs(people, (), types, "detect.image")
    assert "circle" in reasons["draw", "image"]
    assert ("video", "frame") not in reasons
    assert reasons["video", "index"] == "video.index gives number, and detect.image takes image"


def test_a_circle_with_an_initial_value_is_allowed(types) -> None:
    document = read_file(get_examples()["fibonacci"])
    source, target = document.connections[0].source, document.connections[0].target
    for connection in document.connections:
        reasons = compatible_inputs(document, (), types, connection.source)
        cell, port = connection.target.split(".")
        assert (cell, port) not in reasons, (source, target)


def test_ports_of_a_nested_pipeline_take_part(nested, types) -> None:
    assert (OUTPUTS, "y") not in compatible_inputs(nested, ("poly",), types, "work.item")
    assert ("work", "item") not in compatible_inputs(nested, ("poly",), types, "x")


def test_a_parameter_that_is_read_at_the_start_takes_no_wire(people, types) -> None:
    reasons = compatible_inputs(people, (), types, "video.index")
    assert reasons["people", "fps"].startswith("people.fps is read when the run starts and cannot be connected")
    assert ("tracks", "index") not in reasons


def test_only_types_at_which_a_wire_can_end_are_offered(types) -> None:
    for kind in ("number", "text"):
        offered = fitting_types(types.all_types(), (kind,), "input")
        assert offered
        for cell_type in offered:
            document, name = edits.add_cell(Document(name="g", inputs=["own"]), (), cell_type, (0, 0))
            refused = compatible_inputs(document, (), types, "own")
            ports = [port.name for port in (*cell_type.inputs, *cell_type.parameters)]
            assert any((name, port) not in refused for port in ports), cell_type.name
    names = [cell_type.name for cell_type in fitting_types(types.all_types(), ("text",), "input")]
    assert "sources.VideoFile" not in names  # its path is a parameter that cannot be connected
    assert "math.Expression" in [t.name for t in fitting_types(types.all_types(), ("number",), "input")]

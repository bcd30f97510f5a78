"""What the canvas shows of a document."""

import pytest

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.catalogue.model import CellType, PortType, ValueType
from pypipeline_engine.graph.model import Document, Scale
from pypipeline_engine.graph.reader import read, read_file
from pypipeline_engine.host.protocol import GraphProblem
from pypipeline_studio.document import edits
from pypipeline_studio.document.presentation import INPUTS, OUTPUTS, present, value_text, workers_text
from pypipeline_studio.document.types import StudioTypes
from pypipeline_studio.document.views import WireView


def graph(cells: str, connections: str = "") -> Document:
    text = f'{{"format": "pypipeline.graph", "version": 1, "cells": {{{cells}}}, "connections": [{connections}]}}'
    return read(text)


def test_every_example_is_shown_with_all_its_wires(example_path, types) -> None:
    document = read_file(example_path)

    def look(path: tuple[str, ...]) -> None:
        shown = present(document, path, types)
        body = edits.body_at(document, path)
        assert list(shown.nodes) == list(body.cells)
        assert {view.condition for view in shown.nodes.values()} == {"normal"}
        assert len(shown.wires) == len(body.connections)
        for name, cell in body.cells.items():
            if cell.is_pipeline:
                look((*path, name))

    look(())


def test_a_node_of_the_people(people, types) -> None:
    detect = present(people, (), types).nodes["detect"]
    assert (detect.title, detect.category, detect.workers) == ("HogPeople", "detection", "×2 threads")
    assert [port.name for port in detect.inputs] == ["image"]
    assert [(port.name, port.kind) for port in detect.outputs] == [("boxes", "boxes")]
    assert ("magnify", "1.50") in detect.parameters
    assert detect.position == (280, 0)
    assert present(people, (), types).nodes["video"].parameters == (("path", "pedestrians.mp4"),)


def test_views_of_what_has_not_changed_are_the_same_objects(people, types) -> None:
    before = present(people, (), types)
    moved = edits.move_cells(people, (), {"video": (5, 5)})
    after = present(moved, (), types, previous=before)
    assert after.nodes["detect"] is before.nodes["detect"]
    assert after.nodes["video"].position == (5, 5)


def test_a_missing_type_keeps_what_the_file_knows_of_it(types) -> None:
    document = graph(
        '"video": {"type": "sources.VideoFile"}, "reid": {"type": "acme.Embedder", "parameters": {"model": "a.onnx"}},'
        '"log": {"type": "sinks.JsonLines"}',
        '["video.frame", "reid.image"], ["reid.embedding", "log.item"]',
    )
    shown = present(document, (), types)
    reid = shown.nodes["reid"]
    assert (reid.condition, reid.title, reid.category) == ("missing", "acme.Embedder", "missing")
    assert reid.note == "Not installed – kept as saved"
    assert [port.name for port in reid.inputs] == ["image"]
    assert [port.name for port in reid.outputs] == ["embedding"]
    assert reid.parameters == (("model", "a.onnx"),)
    assert len(shown.wires) == 2


def test_nothing_is_missing_before_the_catalogue_has_come(people) -> None:
    shown = present(people, (), StudioTypes())
    assert {view.condition for view in shown.nodes.values()} == {"normal"}
    assert len(shown.wires) == len(people.connections)


def test_disabled_and_bypassed_cells_say_so(people, types) -> None:
    document = edits.set_flag(people, (), ["tracks"], "disabled", True)
    document = edits.set_flag(document, (), ["draw"], "bypassed", True)
    nodes = present(document, (), types).nodes
    assert (nodes["tracks"].condition, nodes["tracks"].note) == ("disabled", "Disabled")
    assert (nodes["draw"].condition, nodes["draw"].note) == ("bypassed", "Bypassed: image passes")


def test_a_parameter_becomes_a_port_when_it_is_connected_or_wanted(types) -> None:
    document = graph('"n": {"type": "sources.Counter"}, "work": {"type": "demo.Work"}', '["n.value", "work.item"]')
    names = [port.name for port in present(document, (), types).nodes["work"].inputs]
    assert names == ["item"]
    wanted = edits.show_as_input(document, (), "work", "milliseconds", True)
    ports = present(wanted, (), types).nodes["work"].inputs
    assert [(port.name, port.is_parameter) for port in ports] == [("item", False), ("milliseconds", True)]
    hidden = edits.show_as_input(wanted, (), "work", "milliseconds", False)
    connected = edits.connect(hidden, (), "n.value", "work.milliseconds")
    assert [port.name for port in present(connected, (), types).nodes["work"].inputs] == ["item", "milliseconds"]


def test_the_inside_of_a_nested_pipeline_has_its_ports_at_the_edges(nested, types) -> None:
    outside = present(nested, (), types)
    assert outside.nodes["poly"].title == "Pipeline · 3 cells"
    assert [port.kind for port in outside.nodes["poly"].inputs] == ["any"]
    inside = present(nested, ("poly",), types)
    assert set(inside.boundary) == {INPUTS, OUTPUTS}
    assert WireView((INPUTS, "x"), ("work", "item")) in inside.wires
    assert WireView(("add", "value"), (OUTPUTS, "y")) in inside.wires


def test_errors_are_counted_at_their_nodes_also_those_further_inside(nested, types) -> None:
    problems = [
        GraphProblem(message="m", cell="poly.work"),
        GraphProblem(message="w", severity="warning", cell="count"),
    ]
    outside = present(nested, (), types, problems)
    assert (outside.nodes["poly"].nb_problems, outside.nodes["count"].nb_problems) == (1, 0)
    assert present(nested, ("poly",), types, problems).nodes["work"].nb_problems == 1


def test_a_required_parameter_without_a_value_is_shown_as_such(types) -> None:
    shown = present(graph('"v": {"type": "sources.VideoFile"}'), (), types)
    assert shown.nodes["v"].parameters == (("path", "required"),)


def test_ports_that_depend_on_a_file_come_with_what_the_engine_tells(catalogue: Catalogue) -> None:
    types = StudioTypes([t for t in catalogue.get_types() if t.ports_depend_on])
    if not types.all_types():
        pytest.fail("the library has no cell whose ports depend on a parameter")
    cell_type = types.all_types()[0]
    deciding = cell_type.ports_depend_on[0]
    document = graph(f'"m": {{"type": "{cell_type.name}", "parameters": {{"{deciding}": "a.onnx"}}}}')
    before = present(document, (), types)
    second = PortType(name="second")
    configured = cell_type.model_copy(update={"outputs": (*cell_type.outputs, second)})
    assert types.take_configured(document, {"m": configured})
    assert not types.take_configured(document, {"m": configured})
    after = present(document, (), types, previous=before).nodes["m"]
    assert "second" in [port.name for port in after.outputs]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.2, "0.20"),
        (25.0, "25"),
        (0.125, "0.125"),
        (1e-7, "1e-07"),
        ("two\nlines", "two lines"),
        (8, "8"),
        (True, "on"),
        (None, "none"),
        ([1, 2], "1, 2"),
        ({"a": 1}, "1 entry"),
        ("x" * 50, "x" * 39 + "…"),
    ],
)
def test_values_in_few_characters(value, text) -> None:
    assert value_text(value, None) == text


def test_views_are_not_kept_when_another_catalogue_comes(people, types) -> None:
    before = present(people, (), types)
    after = present(people, (), StudioTypes([]), previous=before)
    assert {view.condition for view in after.nodes.values()} == {"missing"}


def test_a_bypassed_cell_names_the_input_that_takes_the_place_of_its_output(types) -> None:
    cells = [
        '"none": {"type": "detection.HogPeople", "bypassed": true}',
        '"end": {"type": "sinks.Null", "bypassed": true}',
    ]
    nodes = present(graph(", ".join(cells)), (), types).nodes
    assert nodes["none"].note == "Bypassed: nothing fits boxes"
    assert nodes["end"].note == "Bypassed"


def test_the_input_that_goes_straight_through_need_not_be_the_first() -> None:
    image, mask = (PortType(name=name, type=ValueType(name=name)) for name in ("image", "tensor"))
    own = StudioTypes([CellType(name="x.Masked", inputs=(mask, image), outputs=(image,))])
    node = present(graph('"m": {"type": "x.Masked", "bypassed": true}'), (), own).nodes["m"]
    assert node.note == "Bypassed: image passes"


def test_a_placeholder_that_is_disabled_says_both(types) -> None:
    node = present(graph('"reid": {"type": "acme.Embedder", "disabled": true}'), (), types).nodes["reid"]
    assert (node.condition, node.note) == ("missing", "Disabled, not installed – kept")


def test_of_a_large_graph_only_what_has_moved_is_made_anew(types) -> None:
    document = Document(name="large")
    cell_type = types.find("vision.MedianBlur")
    for number in range(500):
        document, name = edits.add_cell(document, (), cell_type, (number, 0), f"blur_{number}")
        if number:
            document = edits.connect(document, (), f"blur_{number - 1}.image", f"{name}.image")
    before = present(document, (), types)
    moved = edits.move_cells(document, (), {"blur_7": (1000, 5)})
    after = present(moved, (), types, previous=before)
    assert [name for name in document.cells if after.nodes[name] is not before.nodes[name]] == ["blur_7"]


@pytest.mark.parametrize(
    ("scale", "text"),
    [
        (None, ""),
        (Scale(queue_capacity=4), ""),
        (Scale(thread=1), "×1 thread"),
        (Scale(ray=2), "×2 Ray"),
        (Scale(thread=1, ray=2), "×1 + 2 Ray"),
    ],
)
def test_how_many_clones_a_cell_is_to_have_in_few_characters(scale, text) -> None:
    assert workers_text(scale) == text

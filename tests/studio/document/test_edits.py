"""Changes to a document: what changes, and what stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.graph.model import CellEntry, ConnectionEntry, Document, OnError, RayOptions, Scale, split_end
from pypipeline_engine.graph.reader import read
from pypipeline_engine.graph.writer import to_text
from pypipeline_studio.document import edits


def ends(document: Document, path=()) -> list[tuple[str, str]]:
    return [(c.source, c.target) for c in edits.body_at(document, path).connections]


def test_a_new_cell_comes_last_and_gets_a_name_of_its_own(people) -> None:
    once, first = edits.add_cell(people, (), "detection.HogPeople", (10.4, 20.6))
    twice, second = edits.add_cell(once, (), "detection.HogPeople", (0, 0))
    assert (first, second) == ("hog_people", "hog_people_2")
    assert list(twice.cells) == [*people.cells, first, second]
    assert once.view[first] == {"pos": [10, 21]}
    assert "hog_people" not in people.cells


@pytest.mark.parametrize(
    ("class_name", "name"),
    [
        ("HogPeople", "hog_people"),
        ("JsonLines", "json_lines"),
        ("Sort", "sort"),
        ("FFT", "fft"),
        ("HTTPSource2", "http_source2"),
        ("Pipeline", "pipeline"),
    ],
)
def test_names_for_new_cells(class_name, name) -> None:
    assert edits.name_for(f"any.{class_name}") == name


def test_the_number_of_a_copy_goes_on_from_that_of_its_original() -> None:
    assert edits.free_name("a_2", ["a", "a_2"]) == "a_3"


def test_a_cell_goes_with_its_connections_and_its_place(people) -> None:
    left = edits.remove_cells(people, (), ["track", "draw"])
    assert list(left.cells) == ["video", "detect", "tracks", "people"]
    assert ends(left) == [("video.frame", "detect.image")]
    assert set(left.view) == set(left.cells)


def test_renaming_keeps_the_order_and_the_connections(people) -> None:
    renamed = edits.rename_cell(people, (), "detect", "find")
    assert list(renamed.cells) == ["find" if name == "detect" else name for name in people.cells]
    assert ("video.frame", "find.image") in ends(renamed)
    assert ("find.boxes", "track.boxes") in ends(renamed)
    assert edits.rename_cell(renamed, (), "find", "detect") == people


def test_renaming_does_not_touch_a_cell_that_begins_alike(people) -> None:
    renamed = edits.rename_cell(people, (), "track", "follow")
    assert "tracks" in renamed.cells
    assert ("follow.tracks", "tracks.tracks") in ends(renamed)


@pytest.mark.parametrize(
    ("name", "reason"), [("video", "another cell has that name"), ("a.b", "contains a dot"), (" ", "empty")]
)
def test_a_name_that_cannot_be_is_refused_in_words(people, name, reason) -> None:
    with pytest.raises(edits.GraphEditRefused, match=reason):
        edits.rename_cell(people, (), "detect", name)


def test_an_input_has_one_source(people) -> None:
    document = edits.connect(people, (), "draw.image", "detect.image")
    assert ("draw.image", "detect.image") in ends(document)
    assert ("video.frame", "detect.image") not in ends(document)
    assert len(document.connections) == len(people.connections)
    assert edits.connect(document, (), "draw.image", "detect.image") is document


def test_moving_changes_positions_only_and_keeps_what_else_is_remembered(people) -> None:
    noted = edits.with_body(people, (), view={**people.view, "video": {"pos": [0, 0], "colour": "red"}})
    moved = edits.move_cells(noted, (), {"video": (3.2, -4.7), "nobody": (1, 1)})
    assert moved.view["video"] == {"pos": [3, -5], "colour": "red"}
    assert "nobody" not in moved.view
    assert moved.cells == people.cells


def test_a_move_to_the_same_place_is_no_change(people) -> None:
    assert edits.move_cells(people, (), {"video": (0.2, 240.3)}) is people


def test_parameters_scale_policies_and_flags(people) -> None:
    document = edits.set_parameter(people, (), "detect", "stride", 4)
    document = edits.set_parameter(document, (), "detect", "magnify", edits.DEFAULT)
    assert document.cells["detect"].parameters == {"scale": 1.1, "stride": 4}
    document = edits.set_scale(document, (), "detect", thread=3, queue_capacity=9)
    assert document.cells["detect"].scale == Scale(thread=3, queue_capacity=9)
    assert edits.set_scale(document, (), "detect", thread=0).cells["detect"].scale is None
    document = edits.set_on_error(document, (), "detect", OnError(then="skip"))
    assert '"on_error": "skip"' in to_text(document)
    document = edits.set_flag(document, (), ["detect", "draw"], "bypassed", True)
    assert [name for name, cell in document.cells.items() if cell.bypassed] == ["detect", "draw"]


def test_clones_change_and_all_else_of_how_a_cell_is_scaled_stays() -> None:
    scale = '{"ray": 1, "queue_capacity": 5, "ray_options": {"num_cpus": 2}}'
    cells = f'{{"a": {{"type": "x.Y", "scale": {scale}}}, "b": {{"type": "x.Y"}}}}'
    document = read(f'{{"format": "pypipeline.graph", "version": 1, "cells": {cells}, "connections": []}}')
    scaled = edits.set_clones(document, (), {"a": (2, 0), "b": (0, 0)})
    options = RayOptions(num_cpus=2)
    assert scaled.cells["a"].scale == Scale(thread=2, queue_capacity=5, ray_options=options)
    assert scaled.cells["b"].scale is None
    assert edits.set_ray_options(scaled, (), "a", None).cells["a"].scale == Scale(thread=2, queue_capacity=5)
    assert edits.set_ray_options(scaled, (), "b", options).cells["b"].scale == Scale(ray_options=options)
    assert edits.set_ray_options(scaled, (), "b", None).cells["b"].scale is None


def test_scaling_keeps_what_is_asked_of_ray() -> None:
    document = read('{"format": "pypipeline.graph", "version": 1, "cells": {"a": {"type": "x.Y", "scale": {"ray": 1,'
                    ' "ray_options": {"num_cpus": 2}}}}, "connections": []}')  # fmt: skip
    scaled = edits.set_scale(document, (), "a", thread=0, ray=4)
    assert scaled.cells["a"].scale.ray_options.num_cpus == 2


def test_edits_inside_of_a_nested_pipeline(nested) -> None:
    path = ("poly", "square")
    document, name = edits.add_cell(nested, path, "math.Add", (0, 0))
    document = edits.connect(document, path, "x", f"{name}.a")
    assert ("x", "add.a") in ends(document, path)
    assert document.cells["count"] is nested.cells["count"]
    assert edits.remove_cells(document, path, [name]).cells["poly"] == nested.cells["poly"]


def test_a_cell_of_an_unknown_type_keeps_everything() -> None:
    text = """{
  "format": "pypipeline.graph",
  "version": 1,
  "name": "g",
  "libraries": ["acme"],
  "cells": {
    "reid":   {"type": "acme.Embedder", "parameters": {"deep": {"a": [1, 2]}}, "on_error": "skip"}
  },
  "connections": [],
  "view": {"reid": {"pos": [1, 2], "note": "mine"}}
}
"""
    document = read(text)
    moved = edits.move_cells(document, (), {"reid": (50, 60)})
    renamed = edits.rename_cell(edits.rename_cell(moved, (), "reid", "r"), (), "r", "reid")
    back = edits.move_cells(renamed, (), {"reid": (1, 2)})
    assert to_text(back) == text


def test_what_is_copied_is_a_graph_and_can_be_pasted_anywhere(people) -> None:
    text = edits.copy_fragment(people, (), ["detect", "track"])
    assert list(read(text).cells) == ["detect", "track"]
    pasted, names = edits.paste_fragment(people, (), text)
    assert names == ("detect_2", "track_2")
    assert ("detect_2.boxes", "track_2.boxes") in ends(pasted)
    assert pasted.view["detect_2"] == {"pos": [312, 32]}
    empty, names = edits.paste_fragment(Document(name="other"), (), text, (100, 100))
    assert names == ("detect", "track")
    assert empty.view == {"detect": {"pos": [100, 100]}, "track": {"pos": [380, 100]}}


def test_other_text_is_refused_in_words(people) -> None:
    with pytest.raises(edits.GraphEditRefused, match="The clipboard holds no cells"):
        edits.paste_fragment(people, (), "hello")


def test_a_strange_place_is_taken_for_none() -> None:
    for strange in ({"pos": [1]}, {"pos": ["a", 2]}, {"pos": [True, 1]}, {"pos": [1e9, 0]}, [1, 2], None):
        document = Document(name="g", cells={"a": CellEntry(type="x.Y")}, view={"a": strange})
        assert edits.position_of(document, "a", (7, 8)) == (7, 8)


NAMES = st.sampled_from(["a", "b", "c", "d"])
EDITS = st.one_of(
    st.tuples(st.just("add"), NAMES),
    st.tuples(st.just("remove"), NAMES),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.just("connect"), NAMES, NAMES),
    st.tuples(st.just("move"), NAMES, st.integers(-500, 500)),
    st.tuples(st.just("set"), NAMES, st.integers()),
    st.tuples(st.just("copy"), NAMES, NAMES),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(EDITS, max_size=20))
def test_any_edits_leave_a_document_that_can_be_written_and_read(steps) -> None:
    document = Document(name="g")
    for kind, name, *rest in steps:
        if kind == "add":
            document, _ = edits.add_cell(document, (), "x.Y", (0, 0), name)
            continue
        if name not in document.cells:
            continue
        if kind == "remove":
            document = edits.remove_cells(document, (), [name])
        elif kind == "rename" and rest[0] not in document.cells:
            document = edits.rename_cell(document, (), name, rest[0])
        elif kind == "connect" and rest[0] in document.cells:
            document = edits.connect(document, (), f"{name}.out", f"{rest[0]}.in")
        elif kind == "move":
            document = edits.move_cells(document, (), {name: (rest[0], -rest[0])})
        elif kind == "set":
            document = edits.set_parameter(document, (), name, "p", rest[0])
        elif kind == "copy":
            document, _ = edits.paste_fragment(document, (), edits.copy_fragment(document, (), [name, rest[0]]))
    assert read(to_text(document)) == document
    for connection in document.connections:
        assert isinstance(connection, ConnectionEntry)
        assert {split_end(connection.source)[0], split_end(connection.target)[0]} <= set(document.cells)
    assert len({connection.target for connection in document.connections}) == len(document.connections)
    assert set(document.view) == set(document.cells)


# ---------------------------------------------------------------------- what went wrong


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", object(), {1: 2}])
def test_a_value_that_no_file_can_hold_is_refused_and_not_found_when_saving(people, value) -> None:
    with pytest.raises(edits.GraphEditRefused, match=r"detect\.stride cannot have this value"):
        edits.set_parameter(people, (), "detect", "stride", value)
    with pytest.raises(edits.GraphEditRefused, match=r"detect\.boxes cannot have this value"):
        edits.set_initial_value(people, (), "detect", "boxes", value)


def test_a_number_of_clones_out_of_range_is_refused_in_words(people) -> None:
    for wrong in ({"thread": -1}, {"thread": 5000}, {"thread": 1, "queue_capacity": 0}):
        with pytest.raises(edits.GraphEditRefused, match='"detect" cannot be scaled like this'):
            edits.set_scale(people, (), "detect", **wrong)


def test_a_cell_is_not_added_under_a_name_that_could_not_be_read_again(people) -> None:
    with pytest.raises(edits.GraphEditRefused, match="contains a dot"):
        edits.add_cell(people, (), "math.Add", (0, 0), "a.b")


def test_wires_of_pasted_text_do_not_end_at_cells_that_happen_to_have_the_same_name(people) -> None:
    text = (
        '{"format": "pypipeline.graph", "version": 1, "outputs": ["y"], "cells": {"blur": {"type": "vision.MedianBlur"}},'
        ' "connections": [["video.frame", "blur.image"], ["blur.image", "people.frame"], ["blur.image", "y"]]}'
    )
    pasted, names = edits.paste_fragment(people, (), text)
    assert names == ("blur",)
    assert pasted.connections == people.connections


def test_initial_values_come_and_go(people) -> None:
    begun = edits.set_initial_value(people, (), "track", "tracks", [])
    assert begun.cells["track"].initial_values == {"tracks": []}
    assert edits.set_initial_value(begun, (), "track", "tracks", edits.DEFAULT) == people


def test_the_graph_gets_another_name_or_a_reason(people) -> None:
    assert edits.set_graph_name(people, "crowd").name == "crowd"
    assert edits.set_graph_name(people, people.name) is people
    with pytest.raises(edits.GraphEditRefused, match="contains a dot"):
        edits.set_graph_name(people, "a.b")

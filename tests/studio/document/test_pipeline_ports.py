"""Inputs and outputs of nested pipelines."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.graph.model import Body, Document, split_end
from pypipeline_engine.graph.reader import read, read_file
from pypipeline_engine.graph.writer import to_text
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits
from pypipeline_studio.document.pipeline_ports import add_pipeline_port, remove_pipeline_port, rename_pipeline_port

POLY = ("poly",)


def ends(document: Document, path=()) -> list[tuple[str, str]]:
    return [(c.source, c.target) for c in edits.body_at(document, path).connections]


def test_a_new_port_comes_last_with_a_name_of_its_own(nested) -> None:
    document, name = add_pipeline_port(nested, POLY, "inputs", "x")
    assert (name, document.cells["poly"].inputs) == ("x_2", ["x", "x_2"])
    assert remove_pipeline_port(document, POLY, "inputs", name) == nested


def test_renaming_an_input_takes_the_connections_of_both_sides_along(nested) -> None:
    renamed = rename_pipeline_port(nested, POLY, "inputs", "x", "number")
    assert ("count.value", "poly.number") in ends(renamed)
    assert ("number", "work.item") in ends(renamed, POLY)
    # The pipeline inside has an input of the old name, too.
    assert ("work.item", "square.x") in ends(renamed, POLY)
    assert rename_pipeline_port(renamed, POLY, "inputs", "number", "x") == nested


def test_removing_an_output_takes_its_connections_and_its_initial_value_away(nested) -> None:
    begun = edits.set_initial_value(nested, (), "poly", "y", 1)
    removed = remove_pipeline_port(begun, POLY, "outputs", "y")
    assert removed.cells["poly"].outputs == []
    assert removed.cells["poly"].initial_values == {}
    assert "poly.y" not in [source for source, _ in ends(removed)]
    assert "y" not in [target for _, target in ends(removed, POLY)]
    assert ("count.value", "poly.x") in ends(removed)


def test_the_initial_value_follows_its_output(nested) -> None:
    begun = edits.set_initial_value(nested, (), "poly", "y", 1)
    assert rename_pipeline_port(begun, POLY, "outputs", "y", "z").cells["poly"].initial_values == {"z": 1}


def test_an_input_and_an_output_may_have_the_same_name(nested) -> None:
    both = rename_pipeline_port(nested, POLY, "outputs", "y", "x")
    assert ("add.value", "x") in ends(both, POLY)
    assert rename_pipeline_port(both, POLY, "outputs", "x", "y") == nested


@pytest.mark.parametrize(("name", "reason"), [("a.b", "contains a dot"), ("", "empty"), ("x_2", "has that name")])
def test_names_that_cannot_be_are_refused_in_words(nested, name, reason) -> None:
    document, _ = add_pipeline_port(nested, POLY, "inputs", "x_2")
    with pytest.raises(edits.GraphEditRefused, match=reason):
        rename_pipeline_port(document, POLY, "inputs", "x", name)


def test_the_outermost_pipeline_and_unknown_ports_are_refused_in_words(nested) -> None:
    with pytest.raises(edits.GraphEditRefused, match="outermost"):
        add_pipeline_port(nested, (), "inputs", "x")
    with pytest.raises(edits.GraphEditRefused, match="no such output"):
        rename_pipeline_port(nested, POLY, "outputs", "z", "w")
    assert remove_pipeline_port(nested, POLY, "outputs", "z") is nested


def check_ends(body: Body, inputs: list[str], outputs: list[str]) -> None:
    for connection in body.connections:
        for end, own, side in ((connection.source, inputs, "outputs"), (connection.target, outputs, "inputs")):
            cell, port = split_end(end)
            if cell is None:
                assert port in own
            elif body.cells[cell].is_pipeline:
                assert port in getattr(body.cells[cell], side)
    for cell in body.cells.values():
        check_ends(cell, cell.inputs, cell.outputs)


STEPS = st.tuples(
    st.sampled_from(["add", "remove", "rename"]),
    st.sampled_from([POLY, ("poly", "square")]),
    st.sampled_from(["inputs", "outputs"]),
    st.sampled_from(["x", "y", "x squared", "z"]),
    st.sampled_from(["x", "y", "x squared", "z"]),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_no_edit_of_ports_leaves_a_connection_that_ends_nowhere(steps) -> None:
    document = read_file(get_examples()["nested"])
    for kind, path, side, name, other in steps:
        if kind == "add":
            document, _ = add_pipeline_port(document, path, side, name)
        elif kind == "remove":
            document = remove_pipeline_port(document, path, side, name)
        else:
            try:
                document = rename_pipeline_port(document, path, side, name, other)
            except edits.GraphEditRefused:
                continue
    check_ends(document, [], [])
    assert read(to_text(document)) == document

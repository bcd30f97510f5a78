"""Room for a cell that a connection is led through."""

from itertools import combinations

import pytest

from pypipeline_engine.graph.model import CellEntry, ConnectionEntry, Document
from pypipeline_studio.document.edits import position_of
from pypipeline_studio.document.making_room import make_room

WIDTH, HEIGHT = 200, 100


def make(places, links, recurrent=(), comments=None):
    """A graph of cells with one port on each side."""
    return Document(
        name="row",
        cells={name: CellEntry(type="demo.Work") for name in places if name not in "<>"},
        connections=[
            ConnectionEntry(
                source=end(start), target=end(target), mark="recurrent" if (start, target) in recurrent else None
            )
            for start, target in links
        ],
        view={**{name: {"pos": list(place)} for name, place in places.items()}, **(comments or {})},
    )


def end(name):
    return {"<": "into", ">": "out"}.get(name, f"{name}.item")


def boxes(document):
    places = {name: position_of(document, name) for name in document.view if not name.startswith("comment")}
    return {name: (x, y, x + WIDTH, y + HEIGHT) for name, (x, y) in places.items()}


def insert(document, source, target, name="new"):
    return make_room(document, (), name, (end(source), end(target)), boxes(document))


def places(document):
    return {name: (box[0], box[1]) for name, box in boxes(document).items()}


def overlapping(document):
    return [
        (one, other)
        for (one, a), (other, b) in combinations(boxes(document).items(), 2)
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


def test_what_follows_moves_to_the_right_and_the_cell_stands_in_between():
    row = make({"a": (0, 0), "b": (240, 0), "c": (500, 0), "new": (120, 10)}, [("a", "b"), ("b", "c")])
    found = insert(row, "a", "b")
    assert places(found) == {"a": (0, 0), "new": (248, 10), "b": (496, 0), "c": (756, 0)}


def test_where_there_is_room_only_the_cell_is_placed():
    row = make({"a": (0, 0), "b": (600, 0), "new": (300, 10)}, [("a", "b")])
    assert insert(row, "a", "b") == row


def test_a_cell_at_its_old_place_is_put_where_it_was_dropped():
    row = make({"a": (0, 0), "b": (600, 0), "new": (900, 900)}, [("a", "b")])
    at = {**boxes(row), "new": (300.0, 10.0, 500.0, 110.0)}
    assert places(make_room(row, (), "new", ("a.item", "b.item"), at))["new"] == (300, 10)


def test_what_is_beside_or_before_stays():
    row = make(
        {"before": (-300, 0), "a": (0, 0), "b": (240, 0), "new": (120, 0), "beside": (240, 300)},
        [("before", "a"), ("a", "b"), ("a", "beside")],
    )
    found = places(insert(row, "a", "b"))
    assert (found["before"], found["a"], found["beside"]) == ((-300, 0), (0, 0), (240, 300))


def test_what_a_moved_node_would_run_into_moves_too():
    row = make(
        {"a": (0, 0), "b": (240, 0), "new": (120, 0), "other": (540, 20), "after": (800, 400)},
        [("a", "b"), ("other", "after")],
    )
    found = insert(row, "a", "b")
    assert places(found)["other"] == (540 + 256, 20)
    assert places(found)["after"] == (800 + 256, 400)
    assert not overlapping(found)


def test_a_graph_that_goes_on_in_a_row_below_stays_there():
    row = make(
        {"a": (0, 0), "b": (240, 0), "new": (120, 0), "below": (0, 300), "next": (260, 300)},
        [("a", "b"), ("b", "below"), ("below", "next")],
    )
    found = places(insert(row, "a", "b"))
    assert found["below"] == (0, 300)
    assert found["b"] == (496, 0)


def test_a_way_back_moves_nothing_before():
    row = make(
        {"a": (0, 0), "b": (240, 0), "new": (120, 0), "first": (-300, 0)},
        [("first", "a"), ("a", "b"), ("b", "first")],
        recurrent=[("b", "first")],
    )
    assert places(insert(row, "a", "b"))["first"] == (-300, 0)


@pytest.mark.parametrize("at", [-30, 60, 150, 230])
def test_a_wire_that_leads_to_the_left_ends_without_overlap(at):
    row = make({"a": (240, 0), "b": (0, 0), "new": (at, 0)}, [("a", "b")])
    found = insert(row, "a", "b")
    assert not overlapping(found)
    assert places(found)["a"] == (240, 0)


def test_the_ports_of_a_pipeline_make_room_too():
    row = make({"<": (0, 0), ">": (240, 0), "new": (120, 0)}, [("<", ">")])
    assert places(insert(row, "<", ">")) == {"<": (0, 0), ">": (496, 0), "new": (248, 0)}


def test_a_comment_box_follows_what_is_in_it():
    row = make(
        {"a": (0, 0), "b": (240, 0), "new": (110, 0)},
        [("a", "b")],
        comments={"comment.1": {"box": [216, -60, 260, 200], "title": "Sink"}},
    )
    assert insert(row, "a", "b").view["comment.1"]["box"] == [216 + 256, -60, 260, 200]

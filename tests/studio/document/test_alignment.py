"""Nodes in a line and at equal distances."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypipeline_studio.document.alignment import align, distribute

BOXES = {"a": (0, 0, 200, 100), "b": (300, 50, 500, 250), "c": (100, 400, 400, 440)}


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        ("left", {"a": (0, 0), "b": (0, 50), "c": (0, 400)}),
        ("centre", {"a": (150, 0), "b": (150, 50), "c": (100, 400)}),
        ("right", {"a": (300, 0), "b": (300, 50), "c": (200, 400)}),
        ("top", {"a": (0, 0), "b": (300, 0), "c": (100, 0)}),
        ("middle", {"a": (0, 170), "b": (300, 120), "c": (100, 200)}),
        ("bottom", {"a": (0, 340), "b": (300, 240), "c": (100, 400)}),
    ],
)
def test_an_edge_is_in_one_line(edge, expected) -> None:
    assert align(BOXES, edge) == expected


def test_gaps_are_equal() -> None:
    row = {"a": (0, 0, 100, 10), "b": (110, 5, 160, 10), "c": (500, 0, 700, 10)}
    assert distribute(row, "horizontally") == {"a": (0, 0), "b": (275, 5), "c": (500, 0)}
    assert distribute(BOXES, "vertically") == {"a": (0, 0), "b": (300, 150), "c": (100, 400)}


def test_one_node_stays_where_it_is() -> None:
    one = {"a": (3, 4, 10, 10)}
    assert align(one, "right") == distribute(one, "vertically") == {"a": (3, 4)}
    assert align({}, "left") == distribute({}, "horizontally") == {}


BOX = st.tuples(*[st.integers(-500, 500)] * 2, *[st.integers(1, 400)] * 2).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@given(st.dictionaries(st.sampled_from("abcdef"), BOX, min_size=2), st.sampled_from(["horizontally", "vertically"]))
def test_nodes_keep_their_order_and_the_outermost_their_places(boxes, axis_name) -> None:
    places = distribute(boxes, axis_name)
    axis = 0 if axis_name == "horizontally" else 1
    order = sorted(boxes, key=lambda name: boxes[name][axis] + boxes[name][axis + 2])
    for name in (order[0], order[-1]):
        assert places[name] == pytest.approx(boxes[name][:2])
    assert all(places[name][1 - axis] == boxes[name][1 - axis] for name in boxes)

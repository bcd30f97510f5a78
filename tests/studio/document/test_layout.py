"""Where nodes are put."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_studio.document.layout import GRID, lay_out

SIZE = (204.0, 120.0)


def sizes(names, **heights) -> dict[str, tuple[float, float]]:
    return {name: (204.0, heights.get(name, 120.0)) for name in names}


def overlapping(places, known) -> list[tuple[str, str]]:
    boxes = [(x, y, x + known[n][0], y + known[n][1], n) for n, (x, y) in places.items()]
    return [
        (a[4], b[4])
        for i, a in enumerate(boxes)
        for b in boxes[:i]
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


def nb_crossings(places, links) -> int:
    """Of links between neighbouring columns."""
    found = 0
    for index, (a, b) in enumerate(links):
        for c, d in links[:index]:
            if places[a][0] == places[c][0] and places[b][0] == places[d][0]:
                found += (places[a][1] - places[c][1]) * (places[b][1] - places[d][1]) < 0
    return found


def test_a_chain_is_a_row() -> None:
    places = lay_out(sizes("abcd"), list(pairwise("abcd")))
    assert places == {"a": (0, 0), "b": (288, 0), "c": (576, 0), "d": (864, 0)}


def test_a_node_stands_behind_the_last_that_it_depends_on() -> None:
    places = lay_out(sizes("abcd"), [("a", "b"), ("b", "c"), ("a", "d"), ("c", "d")])
    assert [places[name][0] for name in "abcd"] == [0, 288, 576, 864]


def test_the_way_past_a_node_is_kept_free() -> None:
    places = lay_out(sizes("abc"), [("a", "b"), ("b", "c"), ("a", "c")])
    assert places["b"][1] > places["a"][1] or places["b"][1] < places["c"][1]


def test_crossings_are_taken_out() -> None:
    links = [("a", "z"), ("b", "y"), ("c", "x"), ("a", "y"), ("b", "x")]
    names = "abcxyz"
    assert nb_crossings(dict(zip(names, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)], strict=True)), links)
    assert nb_crossings(lay_out(sizes(names), links), links) == 0


def test_high_nodes_get_the_room_that_they_need() -> None:
    known = sizes("abcd", b=500.0, c=300.0)
    places = lay_out(known, [("a", "b"), ("a", "c"), ("a", "d")])
    assert not overlapping(places, known)
    # Between its neighbours.
    assert min(places[n][1] for n in "bcd") < places["a"][1] < max(places[n][1] for n in "bcd")


def test_parts_stand_below_each_other_and_loose_nodes_below_them_in_a_row() -> None:
    known = sizes("abcdpqr")
    places = lay_out(known, [("a", "b"), ("c", "d")])
    assert places["a"][0] == places["c"][0] == places["p"][0]
    assert places["a"][1] < places["c"][1] < places["p"][1]
    assert places["p"][1] == places["q"][1] == places["r"][1]
    assert not overlapping(places, known)


def test_the_edges_of_a_pipeline_stand_outermost() -> None:
    places = lay_out(
        sizes(["<", ">", "source", "a", "b"]),
        [("<", "b"), ("source", "a"), ("a", "b"), ("b", ">")],
        first=["<"],
        last=[">"],
    )
    assert places["<"][0] < places["source"][0] < places["a"][0] < places["b"][0] < places[">"][0]
    alone = lay_out(sizes([">", "a", "<"]), [], first=["<"], last=[">"])
    assert alone["<"][0] < alone["a"][0] < alone[">"][0]


@pytest.mark.parametrize("links", [[("a", "b"), ("b", "a")], [("a", "a")], [("a", "b"), ("b", "c"), ("c", "a")]])
def test_circles_are_laid_out_as_well(links) -> None:
    places = lay_out(sizes("abc"), links)
    assert len(set(places.values())) == 3


def test_the_whole_stands_where_it_is_wanted() -> None:
    places = lay_out(sizes("abc"), [("a", "b"), ("a", "c")], origin=(-500, 333))
    assert min(x for x, _ in places.values()) == -504
    assert min(y for _, y in places.values()) == 336


def test_nothing_is_laid_out_as_nothing() -> None:
    assert lay_out({}, []) == {}


NAMES = [f"n{number}" for number in range(12)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=30),
    st.dictionaries(st.sampled_from(NAMES), st.floats(60, 700), max_size=12),
)
def test_no_graph_gets_nodes_on_each_other_or_off_the_grid(links, heights) -> None:
    known = sizes(NAMES, **heights)
    places = lay_out(known, links)
    assert list(places) == NAMES
    assert not overlapping(places, known)
    assert all(x % GRID == 0 and y % GRID == 0 for x, y in places.values())
    assert places == lay_out(known, links)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30))
def test_values_go_to_the_right(pairs) -> None:
    links = [(NAMES[a], NAMES[b]) for a, b in pairs if a < b]
    places = lay_out(sizes(NAMES), links)
    assert all(places[start][0] < places[end][0] for start, end in links)


def test_a_large_graph_is_laid_out_without_a_search() -> None:
    generator = random.Random(1)
    names = [f"n{number}" for number in range(500)]
    near = [(names[generator.randrange(max(0, i - 40), i)], names[i]) for i in range(1, 500) for _ in range(2)]
    chain = [*pairwise(names), *((names[0], name) for name in names[2:])]
    for links in (near, chain):
        known = sizes(names)
        places = lay_out(known, links)
        assert not overlapping(places, known)

"""Orders and cycles, compared with what trying everything finds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.core.topology import (
    CycleError,
    Edge,
    find_cycle,
    recurrent_edges,
    strongly_connected_components,
    topological_order,
)

Edges = Sequence[Edge[int]]
LARGEST = 5
NODES = list(range(LARGEST))


@st.composite
def graphs(draw: st.DrawFn, with_marks: bool = False, max_edges: int = 9) -> list[Edge[int]]:
    """Edges between five nodes, self-loops and parallel ones included."""
    node = st.integers(0, LARGEST - 1)
    marks = st.sampled_from([None, None, None, True, False]) if with_marks else st.none()
    return draw(st.lists(st.builds(Edge, node, node, st.booleans(), marks), max_size=max_edges))


def reachable(edges: Edges) -> dict[int, set[int]]:
    """What each node reaches over at least one edge (Warshall)."""
    reach: dict[int, set[int]] = {node: {edge.target for edge in edges if edge.source == node} for node in NODES}
    for middle in NODES:
        for node in NODES:
            if middle in reach[node]:
                reach[node] |= reach[middle]
    return reach


def is_acyclic(edges: Edges) -> bool:
    return all(node not in reached for node, reached in reachable(edges).items())


def assert_is_cycle(cycle: Sequence[Edge[int]], edges: Edges) -> None:
    assert cycle
    assert all(edge in edges for edge in cycle)
    assert [edge.target for edge in cycle] == [edge.source for edge in chain(cycle[1:], cycle[:1])]
    assert len({edge.source for edge in cycle}) == len(cycle), "it passes through a node twice"


def simple_cycles(edges: Edges) -> list[list[Edge[int]]]:
    """Every cycle that passes through no node twice, by trying all paths."""
    found: list[list[Edge[int]]] = []

    def extend(path: list[Edge[int]]) -> None:
        start = path[0].source
        for edge in edges:
            if edge.source != path[-1].target:
                continue
            if edge.target == start:
                found.append([*path, edge])
            # The smallest node of a cycle is its beginning, so that each cycle is found once.
            elif edge.target > start and all(edge.target != passed.source for passed in path):
                extend([*path, edge])

    for edge in edges:
        if edge.target == edge.source:
            found.append([edge])
        elif edge.target > edge.source:
            extend([edge])
    return found


@given(graphs())
@settings(derandomize=True, max_examples=120)
def test_an_order_has_every_producer_before_its_consumers(edges: list[Edge[int]]) -> None:
    if is_acyclic(edges):
        order = topological_order(NODES, edges)
        assert sorted(order) == NODES
        assert all(order.index(edge.source) < order.index(edge.target) for edge in edges)
    else:
        with pytest.raises(CycleError) as caught:
            topological_order(NODES, edges)
        assert_is_cycle(caught.value.cycle, edges)


@given(graphs())
@settings(derandomize=True, max_examples=120)
def test_a_cycle_is_found_where_there_is_one(edges: list[Edge[int]]) -> None:
    cycle = find_cycle(NODES, edges)
    assert bool(cycle) != is_acyclic(edges)
    if cycle:
        assert_is_cycle(cycle, edges)


@given(graphs())
@settings(derandomize=True, max_examples=120)
def test_components_are_the_nodes_that_reach_each_other_producers_first(edges: list[Edge[int]]) -> None:
    components = strongly_connected_components(NODES, edges)
    assert sorted(chain(*components)) == NODES
    reach = reachable(edges)
    place = {node: number for number, component in enumerate(components) for node in component}
    for a in NODES:
        for b in NODES:
            assert (place[a] == place[b]) == (a == b or (b in reach[a] and a in reach[b]))
    assert all(place[edge.source] <= place[edge.target] for edge in edges)


@given(graphs(max_edges=8))
@settings(derandomize=True, max_examples=150)
def test_recurrent_edges_are_the_only_choice_or_refused(edges: list[Edge[int]]) -> None:
    """Without marks: an edge is recurrent where it lies on a cycle and has a value before; no cycle may leave a choice."""
    cycles = simple_cycles(edges)
    possible = [[edge for edge in cycle if edge.may_be_recurrent] for cycle in cycles]
    try:
        recurrent = recurrent_edges(NODES, edges)
    except CycleError as error:
        assert_is_cycle(error.cycle, edges)
        if "no output" in str(error):
            assert not any(edge.may_be_recurrent for edge in error.cycle)
        else:
            assert any(len(choice) > 1 for choice in possible)
        return
    assert all(possible), "a cycle without an initial value was accepted"
    assert {id(edge) for edge in recurrent} == {id(edge) for edge in chain(*possible)}
    assert is_acyclic([edge for edge in edges if edge not in recurrent])
    for edge in recurrent:
        assert not is_acyclic([other for other in edges if other not in recurrent or other is edge]), "not minimal"


@given(graphs(max_edges=8))
@settings(derandomize=True, max_examples=150)
def test_what_closes_the_cycles_in_one_way_only_is_accepted(edges: list[Edge[int]]) -> None:
    choices = [[edge for edge in cycle if edge.may_be_recurrent] for cycle in simple_cycles(edges)]
    if all(len(choice) == 1 for choice in choices):
        assert {id(edge) for edge in recurrent_edges(NODES, edges)} == {id(edge) for edge in chain(*choices)}


def test_an_ambiguous_cycle_is_the_one_that_is_named() -> None:
    in_a_ring = [Edge(a, b, may_be_recurrent=True) for a, b in [(0, 1), (1, 2), (2, 0)]]
    fine = [Edge(3, 4), Edge(4, 3, may_be_recurrent=True)]
    with pytest.raises(CycleError, match="several connections") as caught:
        recurrent_edges([4, 3, 0, 1, 2], [*fine, *in_a_ring])
    assert sum(edge.may_be_recurrent for edge in caught.value.cycle) > 1


@given(graphs(with_marks=True, max_edges=8))
@settings(derandomize=True, max_examples=150)
def test_marks_decide(edges: list[Edge[int]]) -> None:
    try:
        recurrent = recurrent_edges(NODES, edges)
    except CycleError as error:
        assert_is_cycle(error.cycle, edges)
        return
    assert all(edge.may_be_recurrent and edge.marked is not False for edge in recurrent)
    assert is_acyclic([edge for edge in edges if edge not in recurrent])
    on_cycles = {id(edge) for edge in chain(*simple_cycles(edges))}
    marked = {id(edge) for edge in edges if edge.marked and edge.may_be_recurrent}
    assert {id(edge) for edge in recurrent} & on_cycles >= marked & on_cycles


def test_every_ambiguous_cycle_can_be_decided_by_marking_one_edge() -> None:
    for chosen in range(3):
        edges = [
            Edge(number, (number + 1) % 3, may_be_recurrent=True, marked=True if number == chosen else None)
            for number in range(3)
        ]
        assert recurrent_edges([0, 1, 2], edges) == [edges[chosen]]
    for left in range(3):
        edges = [
            Edge(number, (number + 1) % 3, may_be_recurrent=True, marked=None if number == left else False)
            for number in range(3)
        ]
        assert recurrent_edges([0, 1, 2], edges) == [edges[left]]


def test_a_marked_edge_that_is_on_no_cycle_is_not_recurrent() -> None:
    assert recurrent_edges([0, 1], [Edge(0, 1, may_be_recurrent=True, marked=True)]) == []


def test_any_subset_of_a_ring_is_refused_unless_it_is_one_edge() -> None:
    ring = [(0, 1), (1, 2), (2, 0)]
    for subset in chain.from_iterable(combinations(range(3), size) for size in range(4)):
        edges = [Edge(a, b, may_be_recurrent=number in subset) for number, (a, b) in enumerate(ring)]
        if len(subset) == 1:
            assert recurrent_edges([0, 1, 2], edges) == [edges[subset[0]]]
        else:
            with pytest.raises(CycleError, match="several" if subset else "no output"):
                recurrent_edges([0, 1, 2], edges)


def test_ties_are_broken_by_the_order_of_declaration() -> None:
    nodes = ["c", "a", "b"]
    assert topological_order(nodes, []) == nodes
    assert topological_order(nodes, [Edge("b", "c")]) == ["b", "c", "a"]


def test_edges_may_come_from_an_iterator() -> None:
    with pytest.raises(CycleError):
        topological_order(iter("ab"), iter([Edge("a", "b"), Edge("b", "a")]))


def test_a_very_long_chain_needs_no_deep_recursion() -> None:
    number = 20_000
    nodes = list(range(number))
    edges = [Edge(node, node + 1) for node in nodes[:-1]]
    assert topological_order(reversed(nodes), edges) == nodes
    assert len(find_cycle(nodes, [*edges, Edge(number - 1, 0)])) == number

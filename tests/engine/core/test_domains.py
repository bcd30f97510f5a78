"""Which thread runs a cell, compared with the rule in words."""

from __future__ import annotations

from collections.abc import Hashable
from graphlib import TopologicalSorter

from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.core.domains import assign_domains

Connections = list[tuple[int, int]]
Pulls = dict[int, list[Hashable]]
CELLS = list(range(7))
THREADS = ["main", "intake 1", "intake 2"]


@st.composite
def plans(draw: st.DrawFn, acyclic: bool) -> tuple[Connections, Pulls]:
    """Connections between seven cells, and which threads pull which of them."""
    ends = st.tuples(st.sampled_from(CELLS), st.sampled_from(CELLS))
    connections = draw(st.lists(ends, max_size=12))
    if acyclic:
        connections = [(min(pair), max(pair)) for pair in connections if pair[0] != pair[1]]
    pulls = draw(st.dictionaries(st.sampled_from(CELLS), st.lists(st.sampled_from(THREADS), max_size=3), max_size=4))
    return connections, dict(pulls)


def upstream_of(cell: int, connections: Connections) -> set[int]:
    """What `cell` reads from, directly or through others."""
    found: set[int] = set()
    pending = [cell]
    while pending:
        here = pending.pop()
        for producer, consumer in connections:
            if consumer == here and producer not in found:
                found.add(producer)
                pending.append(producer)
    return found


@given(plans(acyclic=False))
@settings(derandomize=True, max_examples=120)
def test_a_cell_has_the_domain_of_its_readers_or_one_of_its_own(plan: tuple[Connections, Pulls]) -> None:
    connections, pulls = plan
    domains = assign_domains(CELLS, connections, pulls)
    for cell in CELLS:
        circle = {cell} | {other for other in upstream_of(cell, connections) if cell in upstream_of(other, connections)}
        readers = {consumer for producer, consumer in connections if producer in circle} - circle
        wanted = {domains[reader] for reader in readers if reader in domains}
        wanted |= {thread for member in circle for thread in pulls.get(member, ())}
        if len(wanted) == 1:
            assert domains[cell] == wanted.pop()
        elif wanted:
            assert domains[cell] == cell
        else:
            assert cell not in domains


@given(plans(acyclic=False))
@settings(derandomize=True, max_examples=120)
def test_exactly_the_cells_that_somebody_reaches_have_a_domain(plan: tuple[Connections, Pulls]) -> None:
    connections, pulls = plan
    pulled = {cell for cell, threads in pulls.items() if threads}
    reached = pulled.union(*(upstream_of(cell, connections) for cell in pulled))
    assert assign_domains(CELLS, connections, pulls).keys() == reached


@given(plans(acyclic=True))
@settings(derandomize=True, max_examples=120)
def test_turns_are_wanted_in_one_direction_only(plan: tuple[Connections, Pulls]) -> None:
    """Whoever has a turn only ever takes another one of a cell further upstream: no circle of threads that have one each."""
    connections, pulls = plan
    domains = assign_domains(CELLS, connections, pulls)
    wants: dict[Hashable, set[Hashable]] = {}
    for producer, consumer in connections:
        if producer in domains and consumer in domains and domains[producer] != domains[consumer]:
            wants.setdefault(domains[consumer], set()).add(domains[producer])
    TopologicalSorter(wants).prepare()  # raises CycleError
    for having, wanted in wants.items():
        for turn in wanted:
            assert turn not in THREADS, "only cells that stand for themselves have a turn"
            assert having in THREADS or turn in upstream_of(having, connections)  # type: ignore[arg-type]


@given(plans(acyclic=False))
@settings(derandomize=True, max_examples=120)
def test_a_cell_that_two_threads_can_reach_is_only_ever_run_with_a_turn(plan: tuple[Connections, Pulls]) -> None:
    """Follow every thread upstream: into cells of its own domain, and into others over a turn."""
    connections, pulls = plan
    domains = assign_domains(CELLS, connections, pulls)
    for cell, threads in pulls.items():
        for thread in threads:
            assert domains[cell] in (thread, cell)
    for producer, consumer in connections:
        if consumer in domains:
            assert domains[producer] in (domains[consumer], producer)


def test_a_skip_connection_round_a_scaled_cell_gives_its_source_a_turn() -> None:
    connections = [("video", "resize"), ("video", "draw"), ("resize", "ignored")]
    pulled_by = {"resize": ["intake"], "draw": ["main"]}
    domains = assign_domains(["video", "resize", "draw", "ignored"], connections, pulled_by)
    assert domains == {"draw": "main", "resize": "intake", "video": "video"}


def test_a_circle_that_one_thread_reads_belongs_to_it() -> None:
    connections = [("a", "b"), ("b", "a"), ("b", "sink")]
    assert set(assign_domains(["a", "b", "sink"], connections, {"sink": ["main"]}).values()) == {"main"}

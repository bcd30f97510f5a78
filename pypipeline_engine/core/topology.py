"""Order and cycles in directed graphs, over any hashable nodes.

All functions are pure and deterministic: ties are broken by the order in which nodes and edges are given.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

N = TypeVar("N", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Edge(Generic[N]):
    """From a producer to a consumer. `may_be_recurrent` says that a value is there before the producer ran."""

    source: N
    target: N
    may_be_recurrent: bool = False
    marked: bool | None = None
    label: str = ""


class CycleError(ValueError):
    """A cycle that cannot be ordered. `cycle` holds its edges, the first one leaving where the last one arrives."""

    def __init__(self, message: str, cycle: Sequence[Edge[N]]) -> None:
        super().__init__(message)
        self.cycle = tuple(cycle)


def topological_order(nodes: Iterable[N], edges: Iterable[Edge[N]]) -> list[N]:
    """The nodes, every producer before its consumers.

    :raises CycleError: where there is a cycle.
    """
    edges = list(edges)
    order = [node for component in strongly_connected_components(list(nodes), edges) for node in component]
    place = {node: index for index, node in enumerate(order)}
    if any(place[edge.source] >= place[edge.target] for edge in edges):
        cycle = find_cycle(order, edges)
        raise CycleError("the graph has a cycle", cycle)
    return order


def strongly_connected_components(nodes: Sequence[N], edges: Sequence[Edge[N]]) -> list[list[N]]:
    """The sets of nodes that reach each other, producers first (Tarjan 1972, without recursion)."""
    upstream: dict[N, list[N]] = {node: [] for node in nodes}
    for edge in edges:
        upstream[edge.target].append(edge.source)
    index: dict[N, int] = {}
    low: dict[N, int] = {}
    on_stack: set[N] = set()
    stack: list[N] = []
    components: list[list[N]] = []
    for root in nodes:
        if root in index:
            continue
        # Each entry is a node with the position of its next unvisited producer.
        work: list[tuple[N, int]] = [(root, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
            for following in range(position, len(upstream[node])):
                producer = upstream[node][following]
                if producer not in index:
                    work.append((node, following + 1))
                    work.append((producer, 0))
                    break
                if producer in on_stack:
                    low[node] = min(low[node], index[producer])
            else:
                if low[node] == index[node]:
                    component = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == node:
                            break
                    components.append(component)
                if work:
                    consumer = work[-1][0]
                    low[consumer] = min(low[consumer], low[node])
    return components


def find_cycle(nodes: Iterable[N], edges: Iterable[Edge[N]]) -> list[Edge[N]]:
    """The edges of one cycle, in order; empty where there is none."""
    leaving: dict[N, list[Edge[N]]] = {node: [] for node in nodes}
    for edge in edges:
        leaving[edge.source].append(edge)
    done: set[N] = set()
    for root in leaving:
        if root in done:
            continue
        path: list[Edge[N]] = []
        on_path = {root}
        iterators = [iter(leaving[root])]
        while iterators:
            step: Edge[N] | None = next(iterators[-1], None)
            if step is None:
                iterators.pop()
                ended = path.pop().target if path else root
                on_path.discard(ended)
                done.add(ended)
            elif step.target in on_path:
                path.append(step)
                start = next(i for i, passed in enumerate(path) if passed.source == step.target)
                return path[start:]
            elif step.target not in done:
                path.append(step)
                on_path.add(step.target)
                iterators.append(iter(leaving[step.target]))
    return []


def recurrent_edges(nodes: Sequence[N], edges: Sequence[Edge[N]]) -> list[Edge[N]]:
    """The edges that close the cycles: those that may be recurrent and lie on a cycle.

    :raises CycleError: where a cycle has no edge that may be recurrent, or several of which none is marked.
    """
    marked = [edge for edge in _edges_on_cycles(nodes, edges) if edge.marked and edge.may_be_recurrent]
    rest = [edge for edge in edges if edge not in marked]
    candidates = [edge for edge in _edges_on_cycles(nodes, rest) if edge.may_be_recurrent and edge.marked is None]
    firm = [edge for edge in rest if edge not in candidates]
    cycle = find_cycle(nodes, firm)
    if cycle:
        raise CycleError("no output on this cycle has an initial value", cycle)
    for candidate in candidates:
        # A candidate that closes no cycle together with the firm edges shares each of its cycles with another one.
        if _find_path(firm, candidate.target, candidate.source) is None:
            back = _find_path([*firm, *candidates], candidate.target, candidate.source)
            raise CycleError(
                "several connections of this cycle leave an initial value: mark one", [candidate, *(back or [])]
            )
    return marked + candidates


def _edges_on_cycles(nodes: Sequence[N], edges: Sequence[Edge[N]]) -> list[Edge[N]]:
    place: dict[N, int] = {}
    for number, component in enumerate(strongly_connected_components(nodes, edges)):
        place.update(dict.fromkeys(component, number))
    return [edge for edge in edges if place[edge.source] == place[edge.target]]


def _find_path(edges: Iterable[Edge[N]], start: N, goal: N) -> list[Edge[N]] | None:
    """The edges of a shortest way from `start` to `goal`: none where they are the same, `None` where there is no way."""
    leaving: dict[N, list[Edge[N]]] = {}
    for edge in edges:
        leaving.setdefault(edge.source, []).append(edge)
    ways: dict[N, list[Edge[N]]] = {start: []}
    pending = [start]
    for node in pending:
        if node == goal:
            return ways[node]
        for edge in leaving.get(node, ()):
            if edge.target not in ways:
                ways[edge.target] = [*ways[node], edge]
                pending.append(edge.target)
    return None

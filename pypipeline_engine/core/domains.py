"""Which cells are run by the same thread.

A domain is a set of cells of which at most one runs at a time, so that nothing between them needs a lock. The thread that
pulls a pipeline has a domain, and so has the intake of every scaled cell. A cell belongs to the domain of those that read
from it if they all are in the same one. If not, it gets a domain of its own with a turn: threads that need it take turns.

Taking a turn while having another one is safe, because a turn is only ever wanted by somebody further downstream.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from pypipeline_engine.core.topology import Edge, strongly_connected_components

N = TypeVar("N", bound=Hashable)


def assign_domains(
    cells: Sequence[N], connections: Sequence[tuple[N, N]], pulled_by: Mapping[N, Sequence[Hashable]]
) -> dict[N, Hashable]:
    """The domain of every cell.

    :param connections: producer and consumer of each connection between `cells`, recurrent ones included.
    :param pulled_by: the domains that pull a cell directly.
    :returns: one of the domains named in `pulled_by`, or the cell itself, which stands for a domain of its own with a turn.
        A cell that nobody reaches is left out.
    """
    domains: dict[N, Hashable] = {}
    readers: dict[N, list[N]] = {cell: [] for cell in cells}
    for producer, consumer in connections:
        readers[producer].append(consumer)
    edges = [Edge(producer, consumer) for producer, consumer in connections]
    # Consumers first. Cells on a cycle count as one, since each of them reads from the others.
    for component in reversed(strongly_connected_components(cells, edges)):
        members = set(component)
        wanted: dict[Hashable, None] = {}
        for cell in component:
            wanted.update(dict.fromkeys(pulled_by.get(cell, ())))
            wanted.update(
                dict.fromkeys(
                    domains[reader] for reader in readers[cell] if reader not in members and reader in domains
                )
            )
        if len(wanted) == 1:
            domains.update(dict.fromkeys(component, next(iter(wanted))))
        elif wanted:
            domains.update((cell, cell) for cell in component)
    return domains

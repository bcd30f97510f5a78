"""Where nodes stand so that a graph reads from left to right: layers by the longest way, with few crossings.

After Sugiyama, Tagawa and Toda (1981): each node has its place in the layer behind all that it depends on, a connection that
passes layers has a place in each of them, layers are ordered by the middle of their neighbours, and nodes then move towards
theirs without changing the order. Parts of a graph that nothing connects stand below each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from pypipeline_studio.document.edits import Position

Size: TypeAlias = tuple[float, float]
Link: TypeAlias = tuple[str, str]

GRID: Final = 24
"""Places are multiples of it."""
_GAP_X: Final = 84.0
_GAP_Y: Final = 40.0
_WAY_HEIGHT: Final = 48.0
"""How much room a connection takes in a layer that it passes: it runs at the height of the first ports of a node."""
_LONGEST_WAY: Final = 50
"""Connections over more layers have no room kept for them; so many would take long, and cannot be followed anyway."""
_GAP_PARTS: Final = 72.0
_SWEEPS: Final = 12
_ALIGNMENTS: Final = 8
_LONGEST_ROW: Final = 6
"""How many cells that nothing is connected with stand beside each other."""


def lay_out(
    sizes: Mapping[str, Size],
    links: Iterable[Link],
    first: Iterable[str] = (),
    last: Iterable[str] = (),
    origin: Position = (0.0, 0.0),
) -> dict[str, Position]:
    """Places for nodes, as their upper left corners.

    :param sizes: width and height of each node. Their order decides where nothing else does.
    :param links: from node to node, without those that lead values back; of circles that are left, one link is left out.
    :param first: nodes that stand left of all others.
    :param last: nodes that stand right of all others.
    :param origin: the upper left corner of the whole.
    """
    forward = _without_circles(sizes, [link for link in links if link[0] in sizes and link[1] in sizes])
    left, right = set(first), set(last)
    parts = _connected(sizes, forward)
    places: dict[str, Position] = {}
    top = 0.0
    for part in [part for part in parts if len(part) > 1]:
        inside = [link for link in forward if link[0] in part]
        placed = _Layers(part, {name: sizes[name] for name in part}, inside, left, right).place()
        for name, (x, y) in placed.items():
            places[name] = (x, y + top)
        top = max(places[name][1] + sizes[name][1] for name in part) + _GAP_PARTS
    alone = [name for part in parts if len(part) == 1 for name in part]
    alone.sort(key=lambda name: -1 if name in left else 1 if name in right else 0)
    _place_row(alone, sizes, top, places)
    return _on_grid(places, sizes, origin)


def _place_row(names: Sequence[str], sizes: Mapping[str, Size], top: float, places: dict[str, Position]) -> None:
    """Nodes that nothing is connected with, in rows."""
    x = deepest = 0.0
    for index, name in enumerate(names):
        if index and index % _LONGEST_ROW == 0:
            x, top = 0.0, top + deepest + _GAP_Y
            deepest = 0.0
        places[name] = (x, top)
        x += sizes[name][0] + _GAP_X
        deepest = max(deepest, sizes[name][1])


def _on_grid(places: dict[str, Position], sizes: Mapping[str, Size], origin: Position) -> dict[str, Position]:
    """The places as multiples of the grid, none above another one by that."""
    columns: dict[int, list[str]] = {}
    left = min((x for x, _ in places.values()), default=0.0)
    top = min((y for _, y in places.values()), default=0.0)
    at_x, at_y = round(origin[0] / GRID) * GRID, round(origin[1] / GRID) * GRID
    for name in sorted(places, key=lambda name: places[name][1]):
        columns.setdefault(round((places[name][0] - left) / GRID) * GRID, []).append(name)
    found: dict[str, Position] = {}
    for x, names in columns.items():
        free = -1e9
        for name in names:
            y = round((places[name][1] - top) / GRID) * GRID
            while y < free:
                y += GRID
            free = y + sizes[name][1] + GRID
            found[name] = (float(at_x + x), float(at_y + y))
    return {name: found[name] for name in sizes}


def _without_circles(names: Iterable[str], links: Sequence[Link]) -> list[Link]:
    """The links, each once, without those that close a circle when the graph is walked in its order."""
    following: dict[str, list[str]] = {name: [] for name in names}
    for start, end in dict.fromkeys(links):
        if start != end:
            following[start].append(end)
    done: set[str] = set()
    closing: set[Link] = set()
    for root in following:
        if root in done:
            continue
        on_way, way = {root}, [(root, iter(following[root]))]
        while way:
            node, rest = way[-1]
            step = next(rest, None)
            if step is None:
                way.pop()
                on_way.discard(node)
                done.add(node)
            elif step in on_way:
                closing.add((node, step))
            elif step not in done:
                on_way.add(step)
                way.append((step, iter(following[step])))
    return [(start, end) for start, ends in following.items() for end in ends if (start, end) not in closing]


def _connected(names: Iterable[str], links: Sequence[Link]) -> list[list[str]]:
    """The parts of a graph between which there is no link, in its order."""
    beside: dict[str, list[str]] = {name: [] for name in names}
    for start, end in links:
        beside[start].append(end)
        beside[end].append(start)
    part_of: dict[str, int] = {}
    nb_parts = 0
    for root in beside:
        if root not in part_of:
            number, todo = nb_parts, [root]
            nb_parts += 1
            part_of[root] = number
            while todo:
                for other in beside[todo.pop()]:
                    if other not in part_of:
                        part_of[other] = number
                        todo.append(other)
    parts: dict[int, list[str]] = {}
    for name in beside:
        parts.setdefault(part_of[name], []).append(name)
    return list(parts.values())


class _Layers:
    """One connected graph without circles, in layers. Beside the nodes, connections that pass a layer have places in it."""

    def __init__(
        self, names: Sequence[str], sizes: Mapping[str, Size], links: Sequence[Link], first: set[str], last: set[str]
    ) -> None:
        self._names = names
        self._sizes = sizes
        self._layer = _layers_of(names, links, first, last)
        nb_layers = max(self._layer.values()) + 1
        self._rows: list[list[str | int]] = [[] for _ in range(nb_layers)]
        for name in names:
            self._rows[self._layer[name]].append(name)
        self._before: dict[str | int, list[str | int]] = {name: [] for name in names}
        self._after: dict[str | int, list[str | int]] = {name: [] for name in names}
        self._height: dict[str | int, float] = {name: sizes[name][1] for name in names}
        ends: dict[str, list[str]] = {}
        for start, end in links:
            ends.setdefault(start, []).append(end)
        nb_ways = 0
        for start, following in ends.items():
            node: str | int = start
            layer = self._layer[start] + 1
            # Connections from one node run together.
            for end in sorted(following, key=lambda name: self._layer[name]):
                if self._layer[end] - self._layer[start] > _LONGEST_WAY:
                    continue
                while layer < self._layer[end]:
                    way = nb_ways
                    nb_ways += 1
                    self._rows[layer].append(way)
                    self._before[way], self._after[way] = [], []
                    self._height[way] = _WAY_HEIGHT
                    self._join(node, way)
                    node, layer = way, layer + 1
                self._join(node, end)

    def _join(self, start: str | int, end: str | int) -> None:
        self._after[start].append(end)
        self._before[end].append(start)

    def place(self) -> dict[str, Position]:
        """The places of the nodes."""
        self._reduce_crossings()
        tops = self._align()
        x, places = 0.0, {}
        for row in self._rows:
            nodes = [node for node in row if isinstance(node, str)]
            for node in nodes:
                places[node] = (x, tops[node])
            x += math.ceil((max((self._sizes[node][0] for node in nodes), default=0.0) + _GAP_X) / GRID) * GRID
        return places

    # ------------------------------------------------------------------ the order in the layers

    def _reduce_crossings(self) -> None:
        best, least = [list(row) for row in self._rows], self._nb_crossings()
        for sweep in range(_SWEEPS):
            if not least:
                break
            goes_on = sweep % 2 == 0
            rows = self._rows if goes_on else self._rows[::-1]
            neighbours = self._before if goes_on else self._after
            for fixed, row in pairwise(rows):
                place = {node: float(index) for index, node in enumerate(fixed)}
                _sort_by_middle(row, neighbours, place)
            found = self._nb_crossings()
            if found < least:
                best, least = [list(row) for row in self._rows], found
        self._rows = best

    def _nb_crossings(self) -> int:
        """How often connections cross, between all neighbouring layers (Barth, Jünger and Mutzel, 2002)."""
        crossings = 0
        for left, right in pairwise(self._rows):
            place = {node: index for index, node in enumerate(right)}
            size = 1
            while size < len(right):
                size *= 2
            tree = [0] * (2 * size)
            for node in left:
                ends = sorted(place[other] for other in self._after[node])
                for end in ends:  # how many that began above end further down
                    index = end + size
                    while index > 1:
                        if index % 2 == 0:
                            crossings += tree[index + 1]
                        index //= 2
                for end in ends:
                    index = end + size
                    while index:
                        tree[index] += 1
                        index //= 2
        return crossings

    # ------------------------------------------------------------------ how far down

    def _align(self) -> dict[str | int, float]:
        """How far down each node stands: near its neighbours, in the order of its layer."""
        tops: dict[str | int, float] = {}
        for row in self._rows:
            y = 0.0
            for node in row:
                tops[node] = y
                y += self._height[node] + _GAP_Y
        for number in range(_ALIGNMENTS):
            goes_on = number % 2 == 0
            rows, neighbours = (self._rows, self._before) if goes_on else (self._rows[::-1], self._after)
            for row in rows[1:]:
                wanted = []
                for node in row:
                    near = neighbours[node]
                    wanted.append(sum(tops[other] for other in near) / len(near) if near else tops[node])
                for node, top in zip(row, _in_order(wanted, [self._height[n] + _GAP_Y for n in row]), strict=True):
                    tops[node] = top
        return tops


def _layers_of(names: Sequence[str], links: Sequence[Link], first: set[str], last: set[str]) -> dict[str, int]:
    """In which layer each node stands: behind all that it depends on."""
    following: dict[str, list[str]] = {name: [] for name in names}
    waits: dict[str, int] = dict.fromkeys(names, 0)
    for start, end in links:
        following[start].append(end)
        waits[end] += 1
    begin = 1 if first & set(names) else 0
    layer = {name: 0 if name in first else begin for name in names}
    todo = [name for name in names if not waits[name]]
    for name in todo:  # grows meanwhile
        for other in following[name]:
            layer[other] = max(layer[other], layer[name] + 1)
            waits[other] -= 1
            if not waits[other]:
                todo.append(other)
    rest = [layer[name] for name in names if name not in last]
    for name in names:
        if name in last:
            layer[name] = max(layer[name], max(rest, default=-1) + 1)
    numbers = {number: index for index, number in enumerate(sorted(set(layer.values())))}
    return {name: numbers[layer[name]] for name in names}


def _sort_by_middle(
    row: list[str | int], neighbours: Mapping[str | int, list[str | int]], place: Mapping[str | int, float]
) -> None:
    """Sort a layer by the middle of the neighbours of its nodes; nodes without neighbours keep their places."""
    movable = [node for node in row if neighbours[node]]
    middle = {node: sum(place[other] for other in neighbours[node]) / len(neighbours[node]) for node in movable}
    in_order = iter(sorted(movable, key=lambda node: middle[node]))
    row[:] = [next(in_order) if node in middle else node for node in row]


def _in_order(wanted: Sequence[float], rooms: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones (by squares) that keep the order, and the room of each.

    Nodes that would overlap become one block, which stands in the middle of what its nodes want (pool adjacent violators).
    """
    blocks: list[tuple[float, int]] = []  # how far down the first one wants to be, and how many there are
    offsets, offset = [], 0.0
    for wish, room in zip(wanted, rooms, strict=True):
        offsets.append(offset)
        blocks.append((wish - offset, 1))
        offset += room
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (top, number), (other, more) = blocks[-2:]
            blocks[-2:] = [((top * number + other * more) / (number + more), number + more)]
    tops = [top for top, number in blocks for _ in range(number)]
    return [top + offset for top, offset in zip(tops, offsets, strict=True)]

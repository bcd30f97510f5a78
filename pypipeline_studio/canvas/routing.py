"""The way of a wire between nodes: a curve between neighbours, a corridor between rows where nodes are in between.

Plain numbers, without Qt. Points are (x, y), y grows downwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom of a node."""

OUT = 24.0
"""How far a wire goes straight before it turns."""
LANE = 6.0
"""How far apart the turns of wires are that begin at different ports of a node."""
CLEARANCE = 14.0
"""How far a corridor stays from nodes."""
_APART = 9.0
"""How much further a wire stays that runs back, so that it does not lie on one that runs forward."""
_TOUCH = 3.0
_COST_OF_NODE = 2_000.0
_SAMPLE = 12.0
_MOST_ROWS = 48
_LEAST_REACH, _MOST_REACH = 28.0, 120.0


def get_reach(start: Point, end: Point) -> float:
    """How far the handles of the curve are from its ends."""
    return max(_LEAST_REACH, min(abs(end[0] - start[0]) / 2, _MOST_REACH))


def find_corners(
    start: Point, end: Point, own: Sequence[Box], others: Iterable[Box], lane: int = 0
) -> list[Point] | None:
    """The corners of the way from an output to an input; `None` where a curve between them is free.

    :param own: the nodes of both ends, which a curve cannot cross and a corridor can.
    :param others: all other nodes.
    :param lane: keeps wires apart that begin at different ports of one node.
    """
    runs_back = end[0] < start[0] + OUT
    left, right = min(start[0], end[0]) - 2 * OUT, max(start[0], end[0]) + 2 * OUT
    in_range = [box for box in others if box[0] < right and box[2] > left]
    if not runs_back and not any(_curve_hits(start, end, box) for box in in_range):
        return None
    clearance = CLEARANCE + lane * LANE + (_APART if runs_back else 0.0)
    return _find_corridor(start, end, [*own, *in_range], OUT + lane * LANE, clearance)


def _curve_hits(start: Point, end: Point, box: Box) -> bool:
    if box[1] > max(start[1], end[1]) + _TOUCH or box[3] < min(start[1], end[1]) - _TOUCH:
        return False
    if box[0] > end[0] or box[2] < start[0]:
        return False
    reach = get_reach(start, end)
    steps = max(8, min(64, round((abs(end[0] - start[0]) + abs(end[1] - start[1])) / _SAMPLE)))
    for step in range(1, steps):
        t = step / steps
        s = 1 - t
        x = s**3 * start[0] + 3 * s * s * t * (start[0] + reach) + 3 * s * t * t * (end[0] - reach) + t**3 * end[0]
        if box[0] - _TOUCH < x < box[2] + _TOUCH:
            y = (s**3 + 3 * s * s * t) * start[1] + (3 * s * t * t + t**3) * end[1]
            if box[1] - _TOUCH < y < box[3] + _TOUCH:
                return True
    return False


def _find_corridor(start: Point, end: Point, boxes: Sequence[Box], out: float, clearance: float) -> list[Point]:
    """To a column beside the start, along a row, and to the end: of the rows that are free, the one with the least way."""
    first, last = start[0] + out, end[0] - OUT
    left, right = min(first, last), max(first, last)
    rows = {start[1], end[1], (start[1] + end[1]) / 2}
    for box in boxes:
        if box[0] < right + clearance and box[2] > left - clearance:
            rows.add(box[1] - clearance)
            rows.add(box[3] + clearance)

    # What each of the three parts of a way could touch, so that a row is held against these only.
    across = [_reach_of(box) for box in boxes if box[0] - _TOUCH < right and box[2] + _TOUCH > left]
    beside_start = [_reach_of(box) for box in boxes if box[0] - _TOUCH < first < box[2] + _TOUCH]
    beside_end = [_reach_of(box) for box in boxes if box[0] - _TOUCH < last < box[2] + _TOUCH]

    best, least = start[1], float("inf")
    for row in sorted(rows, key=lambda row: (_way_to(row, start, end), row))[:_MOST_ROWS]:
        cost = _way_to(row, start, end)
        if cost >= least:  # no row that comes later can be better
            break
        for reaches, top, bottom in (
            (across, row, row),
            (beside_start, min(row, start[1]), max(row, start[1])),
            (beside_end, min(row, end[1]), max(row, end[1])),
        ):
            for above, below in reaches:
                if above < bottom and below > top:
                    cost += _COST_OF_NODE
        if cost < least:
            best, least = row, cost
    corners = [start, (first, start[1]), (first, best), (last, best), (last, end[1]), end]
    return [corner for index, corner in enumerate(corners) if index == 0 or corner != corners[index - 1]]


def _way_to(row: float, start: Point, end: Point) -> float:
    return abs(row - start[1]) + abs(row - end[1])


def _reach_of(box: Box) -> tuple[float, float]:
    """Between which heights a line touches a node, or comes too near to it."""
    return box[1] - _TOUCH, box[3] + _TOUCH

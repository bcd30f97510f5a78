"""Which cell lies next to another one in a direction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Direction: TypeAlias = Literal["left", "right", "up", "down"]
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom."""

VECTORS: Final[Mapping[Direction, tuple[int, int]]] = {
    "left": (-1, 0),
    "right": (1, 0),
    "up": (0, -1),
    "down": (0, 1),
}
_ASIDE: Final = 2.0
"""How much farther something counts as that lies aside of the direction."""


def neighbour(boxes: Mapping[str, Box], name: str, direction: Direction) -> str | None:
    """The nearest cell in a direction; `None` where there is none.

    What lies straight ahead is nearer than what lies aside. A cell counts as lying in a direction where its middle does so.
    """
    dx, dy = VECTORS[direction]
    own = boxes[name]
    x, y = _middle(own)
    best: tuple[float, str] | None = None
    for other, box in boxes.items():
        if other == name:
            continue
        other_x, other_y = _middle(box)
        ahead = (other_x - x) * dx + (other_y - y) * dy
        # What overlaps in the other axis lies straight ahead.
        aside = _gap(own[1], own[3], box[1], box[3]) if dx else _gap(own[0], own[2], box[0], box[2])
        if ahead > 0 and ahead >= aside:
            distance = ahead + _ASIDE * aside + 0.01 * abs((other_x - x) * dy + (other_y - y) * dx)
            if best is None or distance < best[0]:
                best = (distance, other)
    return best[1] if best is not None else None


def first(boxes: Mapping[str, Box]) -> str | None:
    """The cell at the upper left, to begin with."""
    return min(boxes, key=lambda name: boxes[name][0] + boxes[name][1], default=None)


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _gap(start: float, end: float, other_start: float, other_end: float) -> float:
    """How far two spans are apart; 0 where they overlap."""
    return max(0.0, other_start - end, start - other_end)

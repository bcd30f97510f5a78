"""Nodes in a line, or at equal distances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from pypipeline_studio.document.edits import Position

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom."""
Edge: TypeAlias = Literal["left", "centre", "right", "top", "middle", "bottom"]
"""`centre` lies between left and right, `middle` between top and bottom."""
Axis: TypeAlias = Literal["horizontally", "vertically"]

_SIDES: dict[Edge, tuple[int, float]] = {
    "left": (0, 0.0), "centre": (0, 0.5), "right": (0, 1.0), "top": (1, 0.0), "middle": (1, 0.5), "bottom": (1, 1.0),
}  # fmt: skip
"""By edge, the axis, and where on a node it lies."""


def align(boxes: Mapping[str, Box], edge: Edge) -> dict[str, Position]:
    """The places at which nodes have an edge in one line: that of the whole, or its middle."""
    if not boxes:
        return {}
    axis, share = _SIDES[edge]
    low, high = min(box[axis] for box in boxes.values()), max(box[axis + 2] for box in boxes.values())
    line = low + share * (high - low)
    return {name: _moved(box, axis, line - share * (box[axis + 2] - box[axis])) for name, box in boxes.items()}


def distribute(boxes: Mapping[str, Box], axis_name: Axis) -> dict[str, Position]:
    """The places at which nodes have equal gaps between them; the first and the last one stay.

    Nodes that have no room between these overlap alike.
    """
    if not boxes:
        return {}
    axis = 0 if axis_name == "horizontally" else 1
    in_order = sorted(boxes, key=lambda name: boxes[name][axis] + boxes[name][axis + 2])
    lengths = {name: boxes[name][axis + 2] - boxes[name][axis] for name in boxes}
    first, last = boxes[in_order[0]], boxes[in_order[-1]]
    gap = (last[axis + 2] - first[axis] - sum(lengths.values())) / max(1, len(boxes) - 1)
    places, at = {}, first[axis]
    for name in in_order:
        places[name] = _moved(boxes[name], axis, at)
        at += lengths[name] + gap
    return {name: places[name] for name in boxes}


def _moved(box: Box, axis: int, to: float) -> Position:
    return (to, box[1]) if axis == 0 else (box[0], to)

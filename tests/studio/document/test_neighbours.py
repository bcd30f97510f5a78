"""Which cell lies next to another one."""

import pytest

from pypipeline_studio.document.neighbours import first, neighbour


def box(x, y) -> tuple[float, float, float, float]:
    return (x, y, x + 200, y + 100)


BOXES = {
    "middle": box(0, 0),
    "right": box(300, 10),
    "far right": box(600, 0),
    "above right": box(260, -180),
    "below": box(20, 200),
    "left": box(-300, 40),
}


@pytest.mark.parametrize(
    ("direction", "expected"),
    [("right", "right"), ("left", "left"), ("down", "below"), ("up", "above right")],
)
def test_the_nearest_one_straight_ahead(direction, expected) -> None:
    assert neighbour(BOXES, "middle", direction) == expected


def test_what_lies_aside_is_taken_where_nothing_lies_ahead() -> None:
    assert neighbour(BOXES, "right", "up") == "above right"
    assert neighbour(BOXES, "below", "up") == "middle"
    assert neighbour(BOXES, "far right", "right") is None


def test_the_first_one_is_at_the_upper_left() -> None:
    assert first(BOXES) == "left"
    assert first({}) is None

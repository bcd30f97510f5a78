"""Wires go around nodes where a curve would run below one."""

from itertools import pairwise

import pytest

from pypipeline_studio.canvas.routing import CLEARANCE, OUT, find_corners

SOURCE = (0.0, 0.0, 200.0, 100.0)
TARGET = (600.0, 0.0, 800.0, 100.0)
BETWEEN = (300.0, -20.0, 500.0, 120.0)


def segments(corners):
    return list(pairwise(corners))


def crosses(corners, box):
    return any(
        min(a[0], b[0]) < box[2] and max(a[0], b[0]) > box[0] and min(a[1], b[1]) < box[3] and max(a[1], b[1]) > box[1]
        for a, b in segments(corners)
    )


def test_a_curve_between_neighbours() -> None:
    assert find_corners((200, 40), (600, 60), [SOURCE, TARGET], []) is None


def test_a_curve_where_no_node_is_in_between() -> None:
    above, beside = (300.0, -200.0, 500.0, -60.0), (900.0, 0.0, 1100.0, 100.0)
    assert find_corners((200, 40), (600, 60), [SOURCE, TARGET], [above, beside]) is None


def test_around_a_node_in_between() -> None:
    corners = find_corners((200, 40), (600, 60), [SOURCE, TARGET], [BETWEEN])
    assert corners is not None
    assert (corners[0], corners[-1]) == ((200, 40), (600, 60))
    assert not any(crosses(corners, box) for box in (SOURCE, BETWEEN, TARGET))


def test_the_nearer_side_is_taken() -> None:
    above = find_corners((200, 10), (600, 10), [SOURCE, TARGET], [BETWEEN])
    below = find_corners((200, 90), (600, 90), [SOURCE, TARGET], [BETWEEN])
    assert above is not None
    assert below is not None
    assert min(y for _, y in above) == BETWEEN[1] - CLEARANCE
    assert max(y for _, y in below) == BETWEEN[3] + CLEARANCE


def test_between_two_rows() -> None:
    lower = (300.0, 180.0, 500.0, 320.0)
    corners = find_corners((200, 90), (600, 90), [SOURCE, TARGET], [BETWEEN, lower])
    assert corners is not None
    assert BETWEEN[3] < max(y for _, y in corners) < lower[1]


@pytest.mark.parametrize("lane", [0, 1, 3])
def test_back_and_around_both_nodes(lane) -> None:
    corners = find_corners((800, 40), (0, 60), [TARGET, SOURCE], [BETWEEN], lane)
    assert corners is not None
    assert not any(crosses(corners, box) for box in (SOURCE, BETWEEN, TARGET))
    assert corners[1][0] > 800
    assert corners[-2][0] == -OUT


def test_a_node_with_itself() -> None:
    corners = find_corners((200, 40), (0, 60), [SOURCE, SOURCE], [])
    assert corners is not None
    assert not crosses(corners, SOURCE)


def test_wires_from_several_ports_lie_beside_each_other() -> None:
    first, second = (find_corners((200, 40), (600, 60), [SOURCE, TARGET], [BETWEEN], lane) for lane in (0, 1))
    assert first is not None
    assert second is not None
    assert not {x for x, _ in first[1:3]} & {x for x, _ in second[1:3]}


def test_a_way_is_found_where_everything_is_full() -> None:
    wall = [(300.0, float(y), 500.0, float(y + 100)) for y in range(-20_000, 20_000, 100)]
    corners = find_corners((200, 40), (600, 60), [SOURCE, TARGET], wall)
    assert corners is not None
    assert (corners[0], corners[-1]) == ((200, 40), (600, 60))


def test_a_wire_that_runs_back_does_not_lie_on_one_that_runs_forward() -> None:
    forward = find_corners((200, 10), (600, 10), [SOURCE, TARGET], [BETWEEN])
    back = find_corners((500, 10), (300, 30), [BETWEEN, BETWEEN], [SOURCE, TARGET])
    assert forward is not None
    assert back is not None
    assert min(y for _, y in forward) != min(y for _, y in back)

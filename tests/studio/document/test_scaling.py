import pytest

from pypipeline_engine.graph.model import Scale
from pypipeline_studio.document.scaling import change_clones, method_of, move_clones


@pytest.mark.parametrize(
    ("scale", "method"),
    [
        (None, "thread"),
        (Scale(), "thread"),
        (Scale(thread=1), "thread"),
        (Scale(ray=1), "ray"),
        (Scale(thread=1, ray=1), "both"),
    ],
)
def test_the_method_follows_from_the_numbers(scale, method):
    assert method_of(scale) == method


@pytest.mark.parametrize(
    ("scale", "method", "numbers"),
    [
        (None, "thread", (0, 0)),
        (None, "ray", (0, 1)),
        (None, "both", (1, 1)),
        (Scale(thread=4), "ray", (0, 4)),
        (Scale(ray=4), "thread", (4, 0)),
        (Scale(thread=3), "both", (2, 1)),
        (Scale(ray=1), "both", (1, 1)),
        (Scale(thread=2, ray=3), "ray", (0, 5)),
        (Scale(thread=2, ray=3), "both", (2, 3)),
        (Scale(thread=1024, ray=1024), "ray", (0, 1024)),
    ],
)
def test_another_method_keeps_the_number_of_clones(scale, method, numbers):
    assert move_clones(scale, method) == numbers


@pytest.mark.parametrize(
    ("scale", "difference", "numbers"),
    [
        (None, 1, (1, 0)),
        (Scale(thread=1), -1, (0, 0)),
        (Scale(), -1, (0, 0)),
        (Scale(ray=1), 1, (0, 2)),
        (Scale(ray=1), -1, (0, 0)),
        (Scale(thread=1, ray=2), 1, (2, 2)),
        (Scale(thread=1, ray=2), -1, (0, 2)),
    ],
)
def test_one_more_or_less_is_of_the_kind_that_there_is(scale, difference, numbers):
    assert change_clones(scale, difference) == numbers

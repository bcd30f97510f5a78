"""Finding types by what is typed."""

import pytest

from pypipeline_studio.document.search import search
from pypipeline_studio.document.types import fitting_types


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("hogpeople", "detection.HogPeople"),
        ("hp", "detection.HogPeople"),
        ("HogP", "detection.HogPeople"),
        ("sort", "tracking.Sort"),
        ("vw", "sinks.VideoWriter"),
        ("sinks json", "sinks.JsonLines"),
        ("tracking", "tracking.Sort"),
    ],
)
def test_the_best_match_comes_first(types, typed, first) -> None:
    assert search(types.all_types(), typed)[0].name == first


def test_nothing_typed_is_everything_in_order(types) -> None:
    assert search(types.all_types(), "  ") == list(types.all_types())


def test_kinds_find_what_gives_and_takes_them(types) -> None:
    assert "vision.DrawBoxes" in [found.name for found in search(types.all_types(), "boxes")]


def test_what_nobody_has_finds_nothing(types) -> None:
    assert search(types.all_types(), "zzzz") == []


def test_types_that_fit_a_wire(types) -> None:
    names = [found.name for found in fitting_types(types.all_types(), ("boxes",), "input")]
    assert "tracking.Sort" in names
    assert "vision.Canny" not in names
    giving = [found.name for found in fitting_types(types.all_types(), ("boxes",), "output")]
    assert "detection.HogPeople" in giving
    assert "vision.Canny" not in giving


def test_types_made_for_a_kind_come_before_those_that_take_anything(types) -> None:
    names = [found.name for found in fitting_types(types.all_types(), ("boxes",), "input")]
    assert max(names.index(name) for name in ("tracking.Sort", "vision.DrawBoxes")) < names.index("flow.Batch")
    giving = [found.name for found in fitting_types(types.all_types(), ("image",), "output")]
    assert giving.index("vision.Resize") < giving.index("flow.Delay")

"""What several cells have in common."""

import pytest

from pypipeline_engine.graph.model import CellEntry, ConnectionEntry, Document, OnError, Scale
from pypipeline_studio.document import edits
from pypipeline_studio.document.several import (
    MIXED,
    UNSET,
    add_clones,
    set_capacity,
    set_clones,
    set_parameter,
    set_policy,
    several,
)


@pytest.fixture
def document() -> Document:
    return Document(
        name="graph",
        cells={
            "a": CellEntry(type="vision.Resize", parameters={"width": 320}),
            "b": CellEntry(type="vision.Resize", parameters={"width": 640}, scale=Scale(thread=2, queue_capacity=5)),
            "c": CellEntry(
                type="vision.Resize", parameters={"width": 320}, disabled=True, on_error=OnError(then="skip")
            ),
            "track": CellEntry(type="tracking.Sort"),
            "count": CellEntry(type="sources.Counter"),
            "gone": CellEntry(type="acme.Gone"),
        },
    )


def common(found, name):
    return next(one for one in found.parameters if one.parameter.name == name)


def test_equal_values_are_shown_and_others_are_mixed(document, types) -> None:
    found = several(document, (), ["a", "b"], types)
    assert common(found, "width").value is MIXED
    assert common(found, "width").values == (("a", 320), ("b", 640))
    assert common(several(document, (), ["a", "c"], types), "width").value == 320
    assert {one.parameter.name for one in found.parameters} == {
        parameter.name for parameter in types.find("vision.Resize").parameters
    }


def test_a_default_counts_as_the_value_and_a_required_one_as_none(document, types) -> None:
    found = several(document, (), ["a", "c"], types)
    resize = types.find("vision.Resize")
    for one in found.parameters:
        declared = resize.find_parameter(one.parameter.name)
        if one.parameter.name != "width":
            assert one.value == (UNSET if declared.required else declared.default)
            assert not one.is_changed


def test_parameters_that_mean_something_else_are_left_out(document, types) -> None:
    found = several(document, (), ["a", "track"], types)
    assert found.parameters == ()
    assert found.single == ("track",)
    assert several(document, (), ["a", "gone"], types).can_scale is False


def test_connected_parameters_are_left_out(document, types) -> None:
    fed = document.model_copy(update={"connections": [ConnectionEntry(source="count.value", target="b.width")]})
    assert "width" not in {one.parameter.name for one in several(fed, (), ["a", "b"], types).parameters}


def test_scaling_policy_and_flags(document, types) -> None:
    found = several(document, (), ["a", "b", "c"], types)
    assert (found.clones, found.method, found.capacity) == (MIXED, "thread", MIXED)
    assert (found.policy, found.disabled, found.bypassed) == (MIXED, MIXED, False)
    alike = several(document, (), ["a", "track"], types)
    assert (alike.clones, alike.method, alike.capacity, alike.policy) == (0, None, None, OnError())


def test_everything_is_changed_in_all_of_them(document, types) -> None:
    names = ["a", "b", "c"]
    changed = set_parameter(document, (), names, "width", 100)
    changed = set_clones(changed, (), names, 3, "thread")
    changed = set_capacity(changed, (), names, 7)
    changed = set_policy(changed, (), names, OnError(then="skip"))
    found = several(changed, (), names, types)
    assert common(found, "width").value == 100
    assert (found.clones, found.method, found.capacity) == (3, "thread", 7)
    assert found.policy == OnError(then="skip")
    back = set_policy(set_parameter(changed, (), names, "width", edits.DEFAULT), (), names, OnError())
    assert back.cells["a"].parameters == {}
    assert back.cells["a"].on_error is None


def test_clones_stay_on_what_they_run_on_and_are_added_to_each(document) -> None:
    on_ray = document.model_copy(
        update={"cells": {**document.cells, "a": document.cells["a"].model_copy(update={"scale": Scale(ray=1)})}}
    )
    changed = set_clones(on_ray, (), ["a", "b", "c"], 2, "ray")
    assert [(c.scale.thread, c.scale.ray) for c in (changed.cells[n] for n in "abc")] == [(0, 2), (2, 0), (0, 2)]
    more = add_clones(on_ray, (), ["a", "b", "c"], 1, "thread")
    assert [(c.scale.thread, c.scale.ray) for c in (more.cells[n] for n in "abc")] == [(0, 2), (3, 0), (1, 0)]
    assert add_clones(document, (), ["a", "c"], -1, "thread") == document

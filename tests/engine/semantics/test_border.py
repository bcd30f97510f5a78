"""What is seen of a clone in another process: the items that it brings back, of the cells whose outputs these are."""

import pytest
from stream_cells import Collector, Map, Source, chain, in_time, scaled

from pypipeline_engine.cell import Pipeline, RayCloneCell
from pypipeline_engine.cellio import InputPort, OutputPort
from pypipeline_engine.connection import Connection

pytest.importorskip("ray")
from stand_in_process import without_processes  # it needs Ray

from pypipeline_engine.runtime.remote.border import leaves  # beside it

MANY = 200
"""So many items that clones are not done with them before the tap is there."""


@pytest.fixture(autouse=True)
def no_processes(monkeypatch):
    without_processes(monkeypatch)


def see(pipeline, name, **options):
    """What a tap at a cell sees of a whole run."""
    seen = []
    with pipeline.run(paused=True) as handle:
        handle.tap(name, seen.append, **options)
        handle.resume()
        in_time(handle.wait)
    return seen


def by_ray(box, clones=2):
    box.scale_up(clones, RayCloneCell)
    return box


def test_items_of_a_cell_that_runs_there_are_seen_with_their_numbers_and_inputs(pipeline):
    box = by_ray(scaled(pipeline, "box", lambda box: Map(box, "work"), 0))
    chain(Source(pipeline, "source", range(10, 10 + MANY)), box, Collector(pipeline, "sink"))
    seen = sorted(see(pipeline, "p.box.work", with_inputs=True), key=lambda item: item.number)
    assert [item.number for item in seen][-1] == MANY - 1
    assert all(item.outputs == {"y": 10 + item.number} for item in seen)
    assert all(item.inputs == {"x": [10 + item.number]} for item in seen)


def test_inputs_are_left_out_where_nobody_asks_for_them(pipeline):
    box = by_ray(scaled(pipeline, "box", lambda box: Map(box, "work"), 0))
    chain(Source(pipeline, "source", range(MANY)), box, Collector(pipeline, "sink"))
    assert {str(item.inputs) for item in see(pipeline, "p.box.work")} == {"{}"}


def test_of_a_nested_pipeline_only_the_last_cell_is_seen(pipeline):
    def make_inside(box):
        inside = Pipeline(box, "inside")
        first, second = Map(inside, "first"), Map(inside, "second")
        chain(first, second)
        Connection(InputPort(inside, "x"), first.x)
        Connection(second.y, OutputPort(inside, "y"))
        return inside

    box = by_ray(scaled(pipeline, "box", make_inside, 0))
    chain(Source(pipeline, "source", range(MANY)), box, Collector(pipeline, "sink"))
    inside = box.get_inner_cell()
    first, second = (inside.get_internal_cell_with_name(name) for name in ("first", "second"))
    assert leaves(second.get_output("y"), box)
    assert not leaves(first.get_output("y"), box)
    assert see(pipeline, "p.box.inside.first") == []
    seen = see(pipeline, "p.box.inside.second", with_inputs=True)
    assert sorted(item.outputs["y"] for item in seen)[-1] == MANY - 1
    assert {str(item.inputs) for item in seen} == {"{}"}  # they come from `first`, and are never here


def test_a_look_that_fails_costs_no_item(pipeline, caplog):
    box = by_ray(scaled(pipeline, "box", lambda box: Map(box, "work"), 0), 1)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(MANY)), box, sink)

    def fail(_):
        raise ValueError("no eyes")

    with pipeline.run(paused=True) as handle:
        handle.tap("p.box.work", fail)
        handle.resume()
        in_time(handle.wait)
    assert sink.items == list(range(MANY))
    assert "an item of p.box.work could not be looked at: ValueError: no eyes" in caplog.text

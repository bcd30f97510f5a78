"""A process of a clone that dies at an item; a stand-in for the process, so that what is lost with it is always the same."""

import pytest
from stream_cells import Map, Recorder, Source, chain, deployed, in_time, pull_all, scaled

from pypipeline_engine.cell import Pipeline, RayCloneCell
from pypipeline_engine.cellio import InputPort, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.core.errors import get_cell_of
from pypipeline_engine.exceptions import InvalidStateException

pytest.importorskip("ray")
from stand_in_process import without_processes  # it needs Ray

from pypipeline_engine.runtime.remote.servant import Servant  # beside it


def test_a_process_that_is_only_about_to_take_the_place_of_a_dead_one_needs_no_reset():
    assert Servant(b"", None, "p.box", "p.", ["y"]).reset() is None


def test_an_item_that_was_done_just_before_the_death_is_not_taken_for_the_reason(pipeline, monkeypatch):
    """Its answer is lost with the process. Were it always sent with the killer behind it, it would be lost each time."""
    without_processes(monkeypatch, killer=4, just_before=3)
    box = scaled(pipeline, "box", lambda box: Map(box, "work", lambda x: x), 0)
    box.scale_up(1, RayCloneCell)
    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source", range(8)), box, sink)
    with deployed(pipeline):
        in_time(lambda: pull_all(pipeline))
    assert [item for item in sink.items if isinstance(item, int)] == [0, 1, 2, 3, 5, 6, 7]
    assert isinstance(sink.items[4], InvalidStateException)
    assert "each time" in str(sink.items[4])


def test_no_cell_of_a_nested_pipeline_is_blamed_for_the_death_of_its_process(pipeline, monkeypatch):
    """It may have been any of them."""
    without_processes(monkeypatch, killer=4)

    def make_inside(box):
        inside = Pipeline(box, "inside")
        first, second = Map(inside, "first"), Map(inside, "second")
        chain(first, second)
        Connection(InputPort(inside, "x"), first.x)
        Connection(second.y, OutputPort(inside, "y"))
        return inside

    box = scaled(pipeline, "box", make_inside, 0)
    box.scale_up(1, RayCloneCell)
    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source", range(8)), box, sink)
    with deployed(pipeline):
        in_time(lambda: pull_all(pipeline))
    assert get_cell_of(sink.items[4]) == "p.box.inside"
    assert "in the cell p.box.inside" in sink.items[4].__notes__

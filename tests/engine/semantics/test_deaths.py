"""A process of a clone that dies at an item; a stand-in for the process, so that what is lost with it is always the same."""

import threading

import pytest
from stream_cells import Map, Recorder, Source, chain, deployed, in_time, pull_all, scaled

from pypipeline_engine.cell import RayCloneCell
from pypipeline_engine.exceptions import InvalidStateException

pytest.importorskip("ray")
from pypipeline_engine.runtime.remote import clone, cluster  # they need Ray
from pypipeline_engine.runtime.remote.messages import Done, Work
from pypipeline_engine.runtime.remote.travel import get_values

JUST_BEFORE, KILLER = 3, 4


class Process:
    """Works on calls when they begin, and dies at one value; what is not told by then is lost with it."""

    lives = 0

    def __init__(self, stage):
        self.sent = get_values(stage.cell)
        self.has_met_the_killer = threading.Event()
        self.is_dead = False
        type(self).lives += 1

    @staticmethod
    def await_place(clones):
        pass

    def is_ready(self, timeout_s):
        return True

    def renew(self):
        self.is_dead = False
        type(self).lives += 1

    def begin(self, work: Work):
        values = [values[0] for values in work.items]
        if KILLER in values:
            self.is_dead = True
            self.has_met_the_killer.set()
        return self.lives, values

    def finish(self, begun):
        life, values = begun
        if JUST_BEFORE in values and life == 1:
            assert self.has_met_the_killer.wait(10)
        if self.is_dead or life != self.lives:
            raise clone.Died("of an item")
        return Done([[value] for value in values], {}, (), 0.01 * len(values))

    def deploy(self):
        pass

    def begin_undeploy(self, failed):
        pass

    def finish_undeploy(self):
        pass

    def kill(self):
        pass


def test_an_item_that_was_done_just_before_the_death_is_not_taken_for_the_reason(pipeline, monkeypatch):
    """Its answer is lost with the process. Were it always sent with the killer behind it, it would be lost each time."""
    monkeypatch.setattr(clone, "RemoteClone", Process)
    monkeypatch.setattr(cluster, "ensure", lambda: None)
    monkeypatch.setattr(cluster, "start_in_background", lambda: None)
    monkeypatch.setattr(Process, "lives", 0)
    box = scaled(pipeline, "box", lambda box: Map(box, "work", lambda x: x), 0)
    box.scale_up(1, RayCloneCell)
    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source", range(8)), box, sink)
    with deployed(pipeline):
        in_time(lambda: pull_all(pipeline))
    assert [item for item in sink.items if isinstance(item, int)] == [0, 1, 2, 3, 5, 6, 7]
    assert isinstance(sink.items[KILLER], InvalidStateException)
    assert "each time" in str(sink.items[KILLER])

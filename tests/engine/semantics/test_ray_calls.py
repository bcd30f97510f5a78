"""Which items share a call to another process, and when a call leaves."""

import threading
from contextlib import suppress

import pytest
from stream_cells import (
    SOON_S,
    Collector,
    Gate,
    Map,
    Source,
    Task,
    chain,
    deployed,
    in_time,
    pull_all,
    scaled,
    wait_until,
)

from pypipeline_engine.cell import RayCloneCell
from pypipeline_engine.runtime.stage import Stage

pytest.importorskip("ray")
from stand_in_process import Process, without_processes  # it needs Ray

from pypipeline_engine.runtime.remote import worker  # as well


def line(pipeline, values, clones=1, capacity=None, before=lambda x: x):
    box = scaled(pipeline, "box", lambda box: Map(box, "work"), 0)
    box.scale_up(clones, RayCloneCell)
    box.config_queue_capacity.set_value(capacity)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", values), Map(pipeline, "before", before), box, sink)
    return box, sink


class Watched:
    """Notes the calls of stand-ins for processes, and may hold their answers."""

    def __init__(self, monkeypatch, hold=lambda process, values: None):
        without_processes(monkeypatch)
        begin, finish = Process.begin, Process.finish
        self.calls = []
        self.on_their_way = []

        def note_call(process, work):
            begun = begin(process, work)
            self.calls.append(begun[1])
            self.on_their_way.append(len(self.calls) - nb_back)
            return begun

        def note_answer(process, begun):
            nonlocal nb_back
            hold(process, begun[1])
            nb_back += 1
            return finish(process, begun)

        nb_back = 0
        monkeypatch.setattr(Process, "begin", note_call)
        monkeypatch.setattr(Process, "finish", note_answer)


def test_calls_of_a_fast_stream_are_full(pipeline, monkeypatch):
    """The stand-in tells of 10 ms an item: nine are 90 ms of work, and a call of three takes 30 ms."""

    def hold(process, values):
        own = process.stage.workers[0]
        wait_until(lambda: own._room or process.stage.sequencer.ended)  # it has as many as it may hold

    watched = Watched(monkeypatch, hold)
    _, sink = line(pipeline, range(33))
    with deployed(pipeline):
        in_time(lambda: pull_all(pipeline))
    assert sink.items == list(range(33))
    assert watched.calls == [[0], [1], [2], *([x, x + 1, x + 2] for x in range(3, 33, 3))]
    assert max(watched.on_their_way) == 2


def test_an_item_of_a_slow_stream_leaves_at_once(pipeline, monkeypatch):
    watched = Watched(monkeypatch)
    gate = Gate()
    _, sink = line(pipeline, range(4), before=gate)
    with deployed(pipeline):
        for number in range(4):
            gate.open(number)
            in_time(pipeline.pull)
    assert sink.items == list(range(4))
    assert watched.calls == [[0], [1], [2], [3]]


def test_a_clone_takes_items_in_a_row_where_no_other_one_waits_for_them(pipeline, monkeypatch):
    monkeypatch.setattr(worker, "LEAD_S", 0.6)  # of items of 10 ms, twenty share a call
    asked = []
    take_intake = Stage.take_intake

    def note(stage, worker, ahead=False):
        asked.append(worker)
        return take_intake(stage, worker, ahead)

    def hold(process, values):
        wait_until(lambda: process.stage.workers[0]._room or process.stage.sequencer.ended)

    monkeypatch.setattr(Stage, "take_intake", note)
    Watched(monkeypatch, hold)
    _, sink = line(pipeline, range(300))
    with deployed(pipeline):
        in_time(lambda: pull_all(pipeline))
    assert sink.items == list(range(300))
    assert len(asked) < 100, "twice for a call at most"


def test_clones_leave_the_source_to_each_other(pipeline, monkeypatch):
    """One that could take several items in a row does not where another one waits."""
    monkeypatch.setattr(worker, "FEWEST_HELD", 8)
    items, answers, kept = Gate(), Gate(), []
    keep_intake = Stage.keep_intake_locked

    def note(stage, worker):
        ticket = keep_intake(stage, worker)
        kept.append((bool(stage.idle), ticket))
        return ticket

    monkeypatch.setattr(Stage, "keep_intake_locked", note)
    Watched(monkeypatch, lambda process, values: answers(values[0]))
    box, sink = line(pipeline, range(8), clones=2, before=items)
    with deployed(pipeline):
        stage = pipeline._get_deployment().crew.get_stage(box)
        for number in range(7):
            items.wait_for(number)
            in_time(lambda: wait_until(lambda: stage.idle))
            items.open(number)
        items.open()
        answers.open()
        in_time(lambda: pull_all(pipeline))
    assert (True, None) in kept
    assert not [ticket for others_wait, ticket in kept if others_wait and ticket is not None]
    assert sink.items == list(range(8))


def test_a_call_that_fails_as_a_whole_does_not_hold_up_the_end(pipeline, monkeypatch):
    """Its items would be tried one by one, but nothing is begun any more."""
    failing = threading.Event()

    def fail_late(process, values):
        own, monitor = process.stage.workers[0], process.stage.monitor
        if len(values) > 1:
            failing.set()
            wait_until(lambda: monitor.closed and own._room)
            raise ValueError("a result that does not travel")
        wait_until(lambda: own._room)

    Watched(monkeypatch, fail_late)
    line(pipeline, range(100))
    pipeline.deploy()
    pulling = Task(lambda: pull_all(pipeline))
    assert failing.wait(SOON_S)
    Task(pipeline.undeploy).get()
    with suppress(Exception):  # whatever it is told of a pipeline that ends meanwhile
        pulling.get()


def test_a_clone_goes_on_before_the_thread_runs_that_it_woke(pipeline, gate, monkeypatch):
    """As one on a thread does."""
    wait_for_result = Stage._wait_for_result

    def be_late(stage):
        has_result = wait_for_result(stage)
        gate.wait_for(0, 1)
        return has_result

    monkeypatch.setattr(Stage, "_wait_for_result", be_late)
    Watched(monkeypatch, lambda process, values: gate(values[0]))
    box, sink = line(pipeline, range(2), capacity=1)
    with deployed(pipeline):
        task = Task(pipeline.pull)
        stage = pipeline._get_deployment().crew.get_stage(box)
        in_time(lambda: wait_until(lambda: stage.consumers))
        gate.open(0)
        task.get()
        gate.open()
        in_time(lambda: pull_all(pipeline))
    assert sink.items == [0, 1]

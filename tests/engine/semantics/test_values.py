"""What becomes of values: one object for all who read it, and none that outlives its item."""

import gc
import weakref
from contextlib import contextmanager

import numpy as np
import pytest
from stream_cells import (
    GAP,
    Collector,
    CriticalError,
    Join,
    Map,
    PassingError,
    Source,
    add_ports,
    chain,
    connect,
    deployed,
    pull_all,
    scaled,
    scaled_map,
)

from pypipeline_engine.cell import ErrorPolicy, Pipeline
from pypipeline_engine.cellio import OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.core import lending

CLONES = pytest.mark.parametrize("clones", [0, 1, 3])


# ---------------------------------------------------------------------- shared


class Mutable:
    """What a copy could be told from."""


@CLONES
def test_every_reader_gets_the_object_itself(pipeline, clones):
    """Also through ports, queues between threads, clones, and nested pipelines: a value is never copied."""
    values = [Mutable() for _ in range(20)]
    source, join = Source(pipeline, "source", values), Join(pipeline, "join", 3)
    nested, sink = Pipeline(pipeline, "nested"), Collector(pipeline, "sink")
    add_ports(nested, Map(nested, "map"))
    chain(source, scaled_map(pipeline, "box", clones=clones), nested, join)
    chain(source, scaled_map(pipeline, "other", clones=clones), join)
    chain(source, join, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert [tuple(map(id, item)) for item in sink.items] == [(id(value),) * 3 for value in values]


# ---------------------------------------------------------------------- let go


@contextmanager
def without_garbage_collection():
    """Only what is in no cycle is let go of: a frame in a traceback, and the error that it holds, are one."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def fail_for_odd_ones(how):
    errors = {"gap": None, "passing": PassingError, "critical": CriticalError, "skipped": ValueError}

    def work(numbered):
        if numbered[0] % 2 == 0:
            return numbered
        if how == "gap":
            return GAP
        raise errors[how](numbered[0])

    return work


class Drop(Collector):
    """A sink that keeps nothing."""

    def _on_pull(self):
        self.x.pull()


def one_sink(pipeline, box):
    connect(box, Drop(pipeline, "sink"))


def two_sinks(pipeline, box):
    for name in ("a", "b"):
        connect(box, Drop(pipeline, name))


def a_way_round(pipeline, box):
    join = Join(pipeline, "join")
    connect(box, join)
    connect(pipeline.get_internal_cell_with_name("make"), join)
    connect(join, Drop(pipeline, "sink"))


def an_output_port(pipeline, box):
    Connection(box.get_output("y"), OutputPort(pipeline, "out"))


def nested_clones(pipeline, box):
    outer = scaled(pipeline, "outer", lambda parent: _with_inner_clones(Pipeline(parent, "inside")), 2)
    chain(box, outer, Drop(pipeline, "sink"))


def _with_inner_clones(inside):
    add_ports(inside, scaled_map(inside, "inner", fail_for_odd_ones("passing"), 2))
    return inside


@pytest.mark.parametrize("is_quick", [False, True], ids=["slow", "quick"])
@pytest.mark.parametrize("behind", [one_sink, two_sinks, a_way_round, an_output_port, nested_clones])
@pytest.mark.parametrize("how", ["gap", "passing", "critical", "skipped"])
@pytest.mark.parametrize("clones", [0, 2])
def test_a_gap_or_an_error_keeps_no_value_alive(pipeline, monkeypatch, clones, how, behind, is_quick):
    """Each did until the garbage collector came: dozens of pictures, where few other objects are made."""
    if is_quick:
        monkeypatch.setattr(lending, "QUICK_S", 1000.0)
        monkeypatch.setattr(lending, "FAR_TOO_SLOW_S", 1000.0)
        monkeypatch.setattr(lending, "FEWEST_QUICK", 2)
    arrays = []

    def make(number):
        array = np.zeros(4)
        arrays.append(weakref.ref(array))
        return number, array

    source, maker = Source(pipeline, "source", range(60)), Map(pipeline, "make", make)
    box = scaled_map(pipeline, "box", fail_for_odd_ones(how), clones)
    if how == "skipped":
        box.set_error_policy(ErrorPolicy(retries=1, then="skip"))
    chain(source, maker, box)
    behind(pipeline, box)
    with without_garbage_collection(), deployed(pipeline):
        _pull_on(pipeline)
        # What an output was set to last can be read until it is set again.
        assert count_alive(arrays) <= 6


def count_alive(references):
    return sum(reference() is not None for reference in references)


def _pull_on(pipeline):
    while True:
        try:
            pipeline.pull()
        except StopIteration:
            return
        except (PassingError, CriticalError):
            continue


def test_a_run_keeps_no_value_of_a_passing_error_alive(pipeline):
    arrays = []

    def fail(number):
        array = np.zeros(4)
        arrays.append(weakref.ref(array))
        raise PassingError(number)

    chain(Source(pipeline, "source", range(60)), Map(pipeline, "map", fail), Drop(pipeline, "sink"))
    with without_garbage_collection():
        handle = pipeline.run()
        handle.wait(5)
        assert handle.nb_errors == len(arrays) == 60
        assert count_alive(arrays) <= 1


def test_the_end_of_the_stream_keeps_no_value_alive(pipeline):
    """Of a join, say, of which the first input has brought a value and the second one ends."""
    arrays = []

    def make(number):
        array = np.zeros(4)
        arrays.append(weakref.ref(array))
        return array

    join = Join(pipeline, "join")
    chain(Source(pipeline, "long"), Map(pipeline, "make", make), join)
    chain(Source(pipeline, "short", range(3)), join, Drop(pipeline, "sink"))
    with without_garbage_collection(), deployed(pipeline):
        for _ in range(10):
            pull_all(pipeline)
            pipeline.reset()
        assert len(arrays) == 40
        assert count_alive(arrays) <= 2

"""Pulling a part of a deployed pipeline: a cell, or a pipeline inside of it."""

import pytest
from stream_cells import (
    GAP,
    Batch,
    Collector,
    CriticalError,
    Map,
    PassingError,
    Source,
    Task,
    chain,
    connect,
    deployed,
    in_time,
    pull_all,
    scaled,
    scaled_map,
    statistics_of,
    wait_until,
)

from pypipeline_engine.cell import Pipeline
from pypipeline_engine.cellio import OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import DeadlockException, InvalidStateException, UnsetRecurrentConnectionException

CLONES = pytest.mark.parametrize("clones", [0, 1, 3])


def fails_first(error):
    def work(value):
        if value == 0:
            raise error
        return value

    return work


@CLONES
def test_what_a_part_brought_waits_for_its_readers(pipeline, clones):
    box, sink = scaled_map(pipeline, "box", clones=clones), Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(9)), box, sink)
    with deployed(pipeline):
        box.pull()
        pipeline.pull()
        box.pull()
        box.pull()
        assert sink.items == [0]
        pull_all(pipeline)
    assert sink.items == list(range(9))


@CLONES
def test_an_error_of_one_sink_of_a_part_does_not_stop_the_others_and_the_critical_one_is_raised(pipeline, clones):
    part = Pipeline(pipeline, "part")
    source = Source(part, "source", range(3))
    sinks = []
    for name, error in (("a", PassingError("a")), ("b", CriticalError("b")), ("c", None)):
        box = scaled_map(part, f"box {name}", fails_first(error) if error else lambda value: value, clones)
        sinks.append(Collector(part, name))
        chain(source, box, sinks[-1])
    with deployed(pipeline):
        with pytest.raises(CriticalError, match="b"):
            part.pull()
        part.pull()
    assert [sink.items for sink in sinks] == [[1], [1], [0, 1]]


@CLONES
def test_the_pull_of_a_part_repeats_while_all_of_it_met_a_gap(pipeline, clones):
    part = Pipeline(pipeline, "part")
    sink = Collector(part, "sink")
    work = scaled_map(part, "box", lambda value: GAP if value % 4 else value, clones)
    chain(Source(part, "source", range(9)), work, sink)
    with deployed(pipeline):
        assert pull_all(part) == 3
    assert sink.items == [0, 4, 8]


def test_each_output_port_of_a_part_advances_once(pipeline):
    part, sink = Pipeline(pipeline, "part"), Collector(pipeline, "sink")
    source, last = Source(part, "source", range(5)), Map(part, "map")
    connect(source, last)
    Connection(last.y, OutputPort(part, "y"))
    Connection(part.get_output("y"), sink.x)
    with deployed(pipeline):
        part.pull()
        part.pull()
        assert source.position == 2
        pipeline.pull()
        assert source.position == 2
        pull_all(pipeline)
    assert sink.items == list(range(5))


def test_a_part_without_cells_has_no_stream(pipeline):
    connect(Source(pipeline, "source"), Collector(pipeline, "sink"))
    part = Pipeline(pipeline, "part")
    with deployed(pipeline), pytest.raises(StopIteration):
        part.pull()


def test_the_end_of_a_part_comes_every_time_until_a_reset_and_what_it_brought_is_delivered(pipeline):
    source, sink = Source(pipeline, "source", range(2)), Collector(pipeline, "sink")
    connect(source, sink)
    with deployed(pipeline):
        for _ in range(2):
            assert pull_all(source) == 2
            with pytest.raises(StopIteration):
                source.pull()
            assert pull_all(pipeline) == 2
            pipeline.reset()
    assert sink.items == [0, 1] * 2


def test_what_nobody_takes_is_bounded_within_one_thread(pipeline):
    source, sink = Source(pipeline, "source"), Collector(pipeline, "sink")
    connect(source, sink)
    with deployed(pipeline):
        with pytest.raises(DeadlockException, match=r"p\.source\.y -> p\.sink\.x"):
            for _ in range(10_000):
                source.pull()
        position = source.position
        for _ in range(position):
            pipeline.pull()
    assert sink.items == list(range(position))


def test_what_nobody_takes_is_bounded_between_threads(pipeline):
    """A part did not wait for room, and its queues took all the memory there was."""
    source, sinks = Source(pipeline, "source"), []
    for name in "ab":
        sinks.append(Collector(pipeline, f"sink {name}"))
        chain(source, scaled_map(pipeline, name, clones=1), sinks[-1])
    with deployed(pipeline):
        with pytest.raises(DeadlockException, match=r"room in p\.source\.y -> p\.[ab]\.x"):
            in_time(lambda: [source.pull() for _ in range(10_000)])
        for _ in range(100):
            in_time(pipeline.pull)
    assert [sink.items for sink in sinks] == [list(range(100))] * 2


def test_time_of_a_part_that_is_pulled_by_itself_counts(pipeline):
    source = Source(pipeline, "source")
    connect(source, Collector(pipeline, "sink"))
    with deployed(pipeline):
        for _ in range(10):
            source.pull()
        assert statistics_of(pipeline).get_cell("p.source").busy_s > 0


@pytest.mark.parametrize("which", ["inner", "batch", "before the batch"])
def test_a_cell_that_only_clones_pull_cannot_be_pulled_by_itself(pipeline, which):
    source = Source(pipeline, "source", range(8))
    box, batch = (
        scaled_map(pipeline, "box", clones=2),
        scaled(pipeline, "thread", lambda box: Batch(box, "batch", 2), 1),
    )
    between, sink = Map(pipeline, "between"), Collector(pipeline, "sink")
    chain(source, box, between, batch, sink)
    part = {"inner": box.get_inner_cell(), "batch": batch.get_inner_cell(), "before the batch": between}[which]
    with deployed(pipeline):
        with pytest.raises(InvalidStateException, match=f"{part.get_full_name()} .* clone.*: pull the pipeline"):
            part.pull()
        pull_all(pipeline)
    assert sink.items == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_parts_and_the_pipeline_can_be_pulled_from_several_threads(pipeline):
    source, box = Source(pipeline, "source"), scaled_map(pipeline, "box", clones=2)
    sinks = [Collector(pipeline, "sink"), Collector(pipeline, "beside")]
    chain(source, box, sinks[0])
    connect(source, sinks[1])
    with deployed(pipeline):
        tasks = [Task(lambda one=one: [one.pull() for _ in range(50)]) for one in (source, box, sinks[0], pipeline)]
        for task in tasks:
            task.get()
    assert [sink.items for sink in sinks] == [list(range(100)), list(range(50))]


def test_a_part_that_a_clone_runs_at_this_moment_is_waited_for(pipeline, gate):
    source, part = Source(pipeline, "source"), Map(pipeline, "part", gate)
    connect(source, part)
    sinks = [Collector(pipeline, f"sink {name}") for name in "ab"]
    for name, sink in zip("ab", sinks, strict=True):
        chain(part, scaled_map(pipeline, name, clones=1), sink)
    with deployed(pipeline):
        gate.wait_for(0)
        turn = pipeline._get_deployment().scope.get_turn(part)
        in_time(lambda: wait_until(lambda: len(turn.waiters) == 1))  # the other clone
        pulling = Task(part.pull)
        in_time(lambda: wait_until(lambda: len(turn.waiters) == 2 or len(gate.arrived) > 1))
        assert gate.arrived == [0], "a cell runs twice at once"
        gate.open()
        pulling.get()
        for _ in range(5):
            in_time(pipeline.pull)
    assert [sink.items for sink in sinks] == [list(range(5))] * 2


def test_a_part_cannot_be_pulled_during_a_run(pipeline, gate):
    source = Source(pipeline, "source", range(3))
    chain(source, Map(pipeline, "map", gate), Collector(pipeline, "sink"))
    with pipeline.run() as handle:
        gate.wait_for(0)
        with pytest.raises(InvalidStateException, match=r"p\.source is being run"):
            source.pull()
        gate.open()
        handle.wait(5)


@CLONES
def test_a_cell_cannot_pull_a_part_of_its_own_pipeline(pipeline, clones):
    source = Source(pipeline, "source", range(3))
    chain(source, scaled_map(pipeline, "box", lambda value: source.pull(), clones), Collector(pipeline, "sink"))
    with deployed(pipeline), pytest.raises((InvalidStateException, UnsetRecurrentConnectionException), match="p "):
        in_time(pipeline.pull)

"""Looking at a pipeline while it works: answers come at once, and no lock is held while user code runs."""

import gc
import sys
import threading
import tracemalloc
from itertools import count

import pytest
from stream_cells import (
    GAP,
    Batch,
    Collector,
    Join,
    Lifecycle,
    Map,
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
)

from pypipeline_engine.cell import ASingleCell, ErrorPolicy
from pypipeline_engine.cellio import Output, RuntimeParameter
from pypipeline_engine.runtime import planning, stage, statistics
from pypipeline_engine.runtime.crew import Crew
from pypipeline_engine.runtime.scope import Scope

AT_ONCE_S = 1.0
CLONES = pytest.mark.parametrize("clones", [0, 1, 3])


class Tunable(Map):
    def __init__(self, parent_cell, name, function):
        super().__init__(parent_cell, name, function)
        self.gain: RuntimeParameter[int] = RuntimeParameter(self, "gain", default_value=1)


@CLONES
def test_questions_are_answered_while_a_cell_works(pipeline, gate, clones):
    source = Source(pipeline, "source", range(10))
    box = scaled(pipeline, "box", lambda box: Tunable(box, "tunable", gate), clones)
    chain(source, box, Collector(pipeline, "sink"))
    with pipeline.run() as handle:
        gate.wait_for(0)
        assert in_time(pipeline.is_deployed, AT_ONCE_S)
        assert in_time(box.get_inner_cell().is_deployed, AT_ONCE_S)
        assert in_time(handle.statistics, AT_ONCE_S).sink_items == 0
        assert in_time(lambda: handle.state, AT_ONCE_S) == "running"
        in_time(pipeline.get_nb_available_pulls, AT_ONCE_S)
        in_time(pipeline.get_topology_description, AT_ONCE_S)
        in_time(pipeline.assert_is_valid, AT_ONCE_S)
        in_time(box.get_nb_clones, AT_ONCE_S)
        in_time(lambda: box.get_inner_cell().gain.set_value(3), AT_ONCE_S)
        in_time(handle.pause, AT_ONCE_S)
        in_time(handle.resume, AT_ONCE_S)
        gate.open()
        handle.wait(5)


@pytest.mark.parametrize("event", ["deploy", "undeploy", "reset"])
def test_questions_are_answered_while_a_cell_is_deployed_undeployed_or_reset(pipeline, gate, event):
    """Asked from another thread, while the method of the cell waits for the answer."""

    class Asks(Lifecycle):
        def _note(self, what):
            super()._note(what)
            if what == event:
                gate(what)

    chain(
        Source(pipeline, "source"),
        scaled(pipeline, "box", lambda box: Asks(box, "asks", []), 1),
        Collector(pipeline, "sink"),
    )
    if event != "deploy":
        pipeline.deploy()
        pipeline.pull()
    task = Task(getattr(pipeline, event))
    gate.wait_for(event)
    in_time(pipeline.is_deployed, AT_ONCE_S)
    in_time(pipeline.get_topology_description, AT_ONCE_S)
    in_time(pipeline.assert_is_valid, AT_ONCE_S)
    if event == "reset":
        in_time(lambda: statistics_of(pipeline), AT_ONCE_S)
    gate.open()
    task.get()


@CLONES
def test_clones_can_be_added_while_a_cell_works(pipeline, gate, clones):
    sink = Collector(pipeline, "sink")
    box = scaled_map(pipeline, "box", gate, clones or 1)
    chain(Source(pipeline, "source", range(10)), box, sink)
    with pipeline.run() as handle:
        gate.wait_for(0)
        in_time(box.scale_up, AT_ONCE_S)
        gate.wait_for(*range((clones or 1) + 1))
        gate.open()
        handle.wait(5)
    assert sink.items == list(range(10))


def test_a_cell_that_waits_for_another_thread_that_asks_the_pipeline(pipeline):
    """No lock of the engine is held in user code, or this would wait for itself."""
    answers = []

    def ask(value):
        answers.append(in_time(lambda: (pipeline.is_deployed(), statistics_of(pipeline).sink_items)))
        return value

    chain(
        Source(pipeline, "source", range(3)),
        Map(pipeline, "inline", ask),
        scaled_map(pipeline, "box", ask, 2),
        Collector(pipeline, "sink"),
    )
    with deployed(pipeline):
        pull_all(pipeline)
    assert len(answers) == 6
    assert all(is_deployed for is_deployed, _ in answers)


# ---------------------------------------------------------------------- what is counted


@CLONES
def test_what_is_counted(pipeline, clones):
    def work(value):
        if value == 3:
            raise ValueError
        return GAP if value in (4, 5) else value

    chain(Source(pipeline, "source", range(10)), scaled_map(pipeline, "box", work, clones), Collector(pipeline, "sink"))
    with deployed(pipeline):
        nb_errors = 0
        for _ in range(20):
            try:
                pipeline.pull()
            except StopIteration:
                break
            except ValueError:
                nb_errors += 1
        statistics = statistics_of(pipeline)
    assert nb_errors == 1
    assert statistics.sink_items == 7
    source, cell, sink = (statistics.get_cell(name) for name in ("p.source", "p.box.map", "p.sink"))
    assert (source.runs, source.items, source.errors, source.skipped) == (10, 10, 0, 0)
    assert (cell.runs, cell.items, cell.errors, cell.skipped) == (10, 7, 1, 2)
    assert (sink.items, sink.errors, sink.skipped, sink.lost) == (7, 0, 0, 3)
    assert cell.workers == max(1, clones)
    assert cell.method == ("thread" if clones else "inline")
    for one in statistics.cells:
        assert one.busy_s + one.starved_s + one.blocked_s == pytest.approx(one.wall_s, rel=0.05, abs=1e-3)
        assert one.busy + one.starved + one.blocked == pytest.approx(1, abs=0.05)


@CLONES
def test_statistics_are_of_every_cell_in_the_order_of_declaration(pipeline, clones):
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), scaled_map(pipeline, "box", clones=clones), sink)
    with deployed(pipeline):
        pipeline.pull()
        statistics = statistics_of(pipeline)
    assert [cell.name for cell in statistics.cells] == ["p.sink", "p.source", "p.box.map"]


def test_counts_of_clones_that_went_away_stay(pipeline):
    box = scaled_map(pipeline, "box", clones=3)
    chain(Source(pipeline, "source", range(30)), box, Collector(pipeline, "sink"))
    with deployed(pipeline):
        for _ in range(10):
            pipeline.pull()
        box.scale_down(2)
        for _ in range(10):
            pipeline.pull()
        box.scale_all_down()
        pull_all(pipeline)
        statistics = statistics_of(pipeline)
    assert statistics.get_cell("p.box.map").items == 30


def test_counts_never_go_back_when_a_clone_goes_away(pipeline):
    """A snapshot while what a clone counted was taken over missed it, and a rate was less than nothing."""
    box = scaled_map(pipeline, "box", clones=2)
    chain(Source(pipeline, "source", range(10)), box, Collector(pipeline, "sink"))
    looking = []

    class LookedAt(dict):
        """The latencies of a clone: when they are taken over, somebody looks."""

        def copy(self):
            if threading.current_thread() is clone.thread and not looking:
                looking.append(Task(count))
                looking[0].ends_within(0.05)  # it has to wait, or to see all
            return dict(self)

    def count():
        return sum(statistics_of(pipeline).get_cell("p.box.map").latencies.values())

    with deployed(pipeline):
        pull_all(pipeline)
        clone = pipeline._get_deployment().crew.get_stage(box).workers[-1]
        (unit,) = clone.scope.units.values()
        unit.counters.latencies = LookedAt({5: 100})
        before = count()
        box.scale_down()
        in_time(clone.thread.join)
        assert looking[0].get() == count() == before >= 100


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("two", [((0, 0), (2, 1)), ((1, 0), (0, 1))])
def test_a_snapshot_can_be_taken_whatever_changes_in_the_middle_of_it(pipeline, two, first):
    """Before each of its lines the plan becomes the other one of two, whose cells have other clones."""
    boxes = [scaled_map(pipeline, "box"), scaled(pipeline, "thread", lambda box: Batch(box, "batch", 1))]
    chain(Source(pipeline, "source"), *boxes, Collector(pipeline, "sink"))
    numbers = count(first)

    def change():
        for box, number in zip(boxes, two[next(numbers) % 2], strict=True):
            difference = number - box.get_nb_clones()
            (box.scale_up if difference > 0 else box.scale_down)(abs(difference))

    def trace(frame, event, _):
        if event == "line":
            change()
        return trace if frame.f_code in codes else None

    functions = (statistics.take_snapshot, statistics._collect, statistics._describe, Crew.get_scopes)
    getters = (Scope.get_own_threads, Scope.get_clock, Scope.get_station, Scope.get_crossing_channels, Scope.look_soon)
    codes = {function.__code__ for function in functions + getters}
    before = sys.gettrace()
    with deployed(pipeline):
        pipeline.pull()
        change()
        sys.settrace(trace)
        try:
            snapshot = statistics_of(pipeline)
        finally:
            sys.settrace(before)
        pipeline.pull()
    assert {cell.name for cell in snapshot.cells} >= {"p.source", "p.sink"}
    assert next(numbers) > 50, "nothing has changed meanwhile"


def test_statistics_of_a_run_stay_after_it(pipeline):
    chain(Source(pipeline, "source", range(5)), scaled_map(pipeline, "box", clones=2), Collector(pipeline, "sink"))
    handle = pipeline.run()
    handle.wait(5)
    assert handle.statistics().sink_items == 5
    assert handle.statistics().get_cell("p.box.map").runs == 5


# ---------------------------------------------------------------------- bounds


class Heavy(ASingleCell):
    """Gives blocks of memory, and counts them."""

    def __init__(self, parent_cell, name, size):
        super().__init__(parent_cell, name)
        self.y: Output[bytes] = Output(self, "y")
        self.size = size
        self._given = 0
        self._changed = threading.Condition()

    def has_given(self, number, timeout):
        """Wait until it has given so many; false where that takes too long."""
        with self._changed:
            return self._changed.wait_for(lambda: self._given >= number, timeout)

    def _on_pull(self):
        self.y.set_value(bytes(self.size))
        with self._changed:
            self._given += 1
            self._changed.notify_all()


def test_results_that_wait_are_bounded_by_bytes(pipeline, monkeypatch):
    """The limit is lowered for the test, which so needs no gigabytes."""
    monkeypatch.setattr(stage, "RESULTS_LIMIT_BYTES", 10 * 1000)
    heavy = Heavy(pipeline, "heavy", 1000)
    box = scaled_map(pipeline, "box", clones=2)
    box.config_queue_capacity.set_value(64)
    chain(heavy, box, Collector(pipeline, "sink"))
    with deployed(pipeline):
        pipeline.pull()
        assert heavy.has_given(8, 5), "the clones do not work ahead"
        # One is taken, ten may wait, and each clone may have one in work; without the limit it would be 64.
        assert not heavy.has_given(20, 0.3)
        for _ in range(50):
            pipeline.pull()


def test_a_queue_between_threads_is_bounded_by_bytes(pipeline, monkeypatch, gate):
    """A fast reader and a slow one share an output: the fast one works ahead until the queue of the other one is full."""
    monkeypatch.setattr(planning, "QUEUE_LIMIT_BYTES", 5 * 1000)
    heavy = Heavy(pipeline, "heavy", 1000)
    chain(heavy, scaled_map(pipeline, "slow", gate, 2), Collector(pipeline, "slow sink"))
    chain(heavy, scaled_map(pipeline, "fast", clones=2), Collector(pipeline, "fast sink"))
    with deployed(pipeline):
        pulling = Task(pipeline.pull)
        assert heavy.has_given(6, 5), "the fast one does not work ahead"
        # Two stand at the gate, and five wait; without the limit, the queue would take a few dozen.
        assert not heavy.has_given(10, 0.3)
        gate.open()
        pulling.get()
        for _ in range(50):
            pipeline.pull()


def test_a_queue_bounded_by_bytes_takes_at_least_one_value(pipeline, monkeypatch):
    monkeypatch.setattr(planning, "QUEUE_LIMIT_BYTES", 500)
    heavy, join = Heavy(pipeline, "heavy", 1000), Join(pipeline, "join")
    sink = Collector(pipeline, "sink")
    chain(heavy, scaled_map(pipeline, "box", len, 2), join)
    connect(heavy, join)
    connect(join, sink)
    with deployed(pipeline):
        for _ in range(30):
            in_time(pipeline.pull)
    assert [first for first, _ in sink.items] == [1000] * 30


@CLONES
def test_a_value_that_cannot_tell_its_size_travels_like_any_other(pipeline, clones):
    """Its error came out of the queue, where no cell was to blame, and items behind it lost their partners."""

    class Lazy:
        @property
        def nbytes(self):
            raise RuntimeError("not computed yet")

    values = [Lazy() for _ in range(30)]
    source, join, sink = Source(pipeline, "source", values), Join(pipeline, "join"), Collector(pipeline, "sink")
    chain(source, scaled_map(pipeline, "box", clones=clones), join)
    connect(source, join)
    connect(join, sink)
    with deployed(pipeline):
        assert pull_all(pipeline) == 30
    assert sink.items == [(value, value) for value in values]


@CLONES
def test_memory_stays_flat_over_many_items(pipeline, clones):
    """Also over gaps, errors and a way round the scaled cell."""

    def work(value):
        if value % 50 == 1:
            raise ValueError(value)
        return GAP if value % 50 == 2 else value

    source, join = Source(pipeline, "source"), Join(pipeline, "join")
    chain(source, scaled_map(pipeline, "box", work, clones), join)
    connect(source, join)
    connect(join, Map(pipeline, "sink", lambda pair: None))

    def pull_many(number):
        for _ in range(number):
            try:
                pipeline.pull()
            except ValueError:
                continue

    with deployed(pipeline):
        pull_many(1000)
        tracemalloc.start()
        try:
            pull_many(200)
            gc.collect()  # an error and its traceback know each other
            before = tracemalloc.get_traced_memory()[0]
            pull_many(2000)
            gc.collect()
            after = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
    assert after - before < 60_000, f"2000 items kept {after - before} bytes"


def test_memory_stays_flat_over_deployments_and_changes_of_the_number_of_clones(pipeline):
    box = scaled_map(pipeline, "box", clones=1)
    chain(Source(pipeline, "source"), box, Map(pipeline, "sink", lambda value: None))

    def use():
        with deployed(pipeline):
            for number in (3, 1, 0, 2):
                box.scale_all_down()
                box.scale_up(number)
                pipeline.pull()

    use()
    tracemalloc.start()
    try:
        use()
        gc.collect()  # cells know their pipeline, and it them
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20):
            use()
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < 40_000, f"20 deployments kept {after - before} bytes"


def test_dead_letters_are_bounded(pipeline):
    def fail(value):
        if value < 3000:
            raise ValueError(value)
        return value

    failing = Map(pipeline, "failing", fail)
    failing.set_error_policy(ErrorPolicy(then="skip"))
    chain(Source(pipeline, "source"), failing, Collector(pipeline, "sink"))
    with deployed(pipeline):
        pipeline.pull()
        letters = statistics_of(pipeline).dead_letters
    assert 100 <= len(letters) < 3000
    assert letters[-1].error == "ValueError: 2999"
    assert letters[-1].item == 2999


# ---------------------------------------------------------------------- everything at once


def test_scaling_resetting_pausing_and_watching_from_several_threads_during_a_run(pipeline):
    """Whatever meets whatever: every stream between two resets is complete and in order, and nothing hangs."""
    source, join = Source(pipeline, "source"), Join(pipeline, "join")
    sink = Collector(pipeline, "sink")
    boxes = [scaled_map(pipeline, "left", clones=1), scaled_map(pipeline, "right")]
    for box in boxes:
        chain(source, box, join)
    connect(join, sink)
    barrier = threading.Barrier(5)
    times = 15

    def scale(box, numbers):
        barrier.wait(5)
        for number in numbers * times:
            difference = number - box.get_nb_clones()
            if difference > 0:
                box.scale_up(difference)
            else:
                box.scale_down(-difference)

    def reset():
        barrier.wait(5)
        for _ in range(times):
            pipeline.reset()

    def pause(handle):
        barrier.wait(5)
        for _ in range(times):
            handle.pause()
            handle.resume()

    def watch(handle):
        barrier.wait(5)
        for _ in range(times):
            assert {cell.name for cell in handle.statistics().cells} >= {"p.source", "p.sink"}

    with pipeline.run() as handle:
        tasks = [
            Task(lambda: scale(boxes[0], (2, 1, 3))),
            Task(lambda: scale(boxes[1], (1, 0, 2))),
            Task(reset),
            Task(lambda: pause(handle)),
            Task(lambda: watch(handle)),
        ]
        for task in tasks:
            task.get(10)
        assert handle.state == "running"
    expected = 0
    for left, right in sink.items:
        assert left == right
        assert left in (expected, 0)
        expected = left + 1
    assert source.nb_resets == times


def test_what_an_output_was_set_to_can_be_read_after_another_cell_got_a_clone(pipeline):
    source = Source(pipeline, "source")
    box = scaled_map(pipeline, "box")
    chain(source, Map(pipeline, "map"), box, Collector(pipeline, "sink"))
    output = pipeline.get_internal_cell_with_name("map").y
    with deployed(pipeline):
        pipeline.pull()
        assert output.get_value() == 0
        box.scale_up()
        assert output.value_is_set()
    assert isinstance(output.get_value(), int)


@CLONES
def test_a_thread_in_a_loop_of_python_is_told_from_one_that_waits_in_another_language(pipeline, gate, clones):
    """Who looks has the GIL. A loop had to give it away between two instructions; a wait has given it away by itself."""
    looping, is_over = threading.Event(), []

    def work(value):
        looping.set()
        while not is_over:
            pass
        return gate(value)

    box = scaled(pipeline, "box", lambda box: Map(box, "work", work), clones)
    chain(Source(pipeline, "source", range(1)), box, Collector(pipeline, "sink"))
    with pipeline.run() as handle:
        assert looping.wait(AT_ONCE_S * 10)
        assert handle.find_working_threads() == [("p.box.work", True)]
        is_over.append(True)
        gate.wait_for(0)
        assert handle.find_working_threads() == [("p.box.work", False)]
        gate.open()
        handle.wait(AT_ONCE_S * 10)
        assert handle.find_working_threads() == []

"""To which cell time is charged: its own code is busy, waiting for inputs is starved, and the rest is blocked.

Time goes on here when a cell or a test says so, and only then.
"""

import threading

import pytest
from stream_cells import (
    Batch,
    Collector,
    Join,
    Map,
    Source,
    Task,
    add_ports,
    chain,
    connect,
    deployed,
    in_time,
    scaled,
    wait_until,
)

from pypipeline_engine.cell import Pipeline
from pypipeline_engine.core import clock as core_clock
from pypipeline_engine.runtime import deployment, lender, planning, stage, worker
from pypipeline_engine.runtime.crew import Crew


class FakeTime:
    def __init__(self):
        self.now_s = 1000.0

    def read(self):
        return self.now_s

    def passes(self, seconds):
        self.now_s += seconds

    def takes(self, seconds, function=lambda value: value):
        """A function for a `Map` that takes so long, and then does what `function` does."""

        def work(value):
            self.passes(seconds)
            return function(value)

        return work


@pytest.fixture
def time(monkeypatch):
    time = FakeTime()
    for module in (core_clock, deployment, lender, stage, worker):
        monkeypatch.setattr(module, "perf_counter", time.read)
    monkeypatch.setattr(core_clock, "thread_time", time.read)
    return time


class SlowSource(Source):
    """Takes a second for each item."""

    def __init__(self, parent_cell, name, time, values=None):
        super().__init__(parent_cell, name, values)
        self.time = time

    def _on_pull(self):
        self.time.passes(1.0)
        super()._on_pull()


def slow_map(pipeline, name, function, clones, capacity=1):
    box = scaled(pipeline, name, lambda box: Map(box, "map", function), clones)
    box.config_queue_capacity.set_value(capacity)
    return box


def stage_of(box):
    return box.get_root_cell()._get_deployment().crew.get_stage(box)


def wait_until_clones_sleep(box, number=1):
    """So many clones have nothing to do, or may do nothing."""
    in_time(lambda: wait_until(lambda: len(stage_of(box).idle) >= number))


def times_of(pipeline, name):
    """Busy, starved and blocked seconds of a cell."""
    statistics = pipeline._get_deployment().statistics()
    cell = statistics.get_cell(name)
    assert cell.busy_s + cell.starved_s + cell.blocked_s == pytest.approx(cell.wall_s)
    return cell.busy_s, cell.starved_s, cell.blocked_s


def test_in_one_thread_a_cell_is_starved_while_those_upstream_run_and_blocked_while_those_downstream_do(pipeline, time):
    chain(
        SlowSource(pipeline, "source", time),
        Map(pipeline, "map", time.takes(2.0)),
        Map(pipeline, "sink", time.takes(4.0)),
    )
    with deployed(pipeline):
        for _ in range(3):
            pipeline.pull()
        assert times_of(pipeline, "p.source") == (3.0, 0.0, 18.0)
        assert times_of(pipeline, "p.map") == (6.0, 3.0, 12.0)
        assert times_of(pipeline, "p.sink") == (12.0, 9.0, 0.0)


def test_a_clone_that_runs_cells_upstream_is_starved_and_one_that_waits_for_somebody_to_pull_is_blocked(pipeline, time):
    box = slow_map(pipeline, "box", time.takes(2.0), 1)
    chain(SlowSource(pipeline, "source", time), box, Collector(pipeline, "sink"))
    with deployed(pipeline):
        wait_until_clones_sleep(box)
        time.passes(10.0)
        pipeline.pull()
        wait_until_clones_sleep(box)
        assert times_of(pipeline, "p.box.map") == (4.0, 2.0, 10.0)
        assert times_of(pipeline, "p.source") == (2.0, 0.0, 14.0)


def two_clones_of_which_one_waited_for_the_input_of_the_other(pipeline, time, new_gate):
    """Five seconds later, one of them works, and the other one is about to get its input."""
    before, working = new_gate(), new_gate()
    box = slow_map(pipeline, "box", working, 2, capacity=4)
    chain(Source(pipeline, "source"), Map(pipeline, "before", before), box, Collector(pipeline, "sink"))
    pipeline.deploy()
    before.wait_for(0)
    wait_until_clones_sleep(box)
    time.passes(5.0)
    before.open(0)
    working.wait_for(0)
    before.wait_for(1)
    return box, before, working


def test_a_clone_that_waits_for_the_input_that_another_one_pulls_is_starved(pipeline, time, new_gate):
    _, *gates = two_clones_of_which_one_waited_for_the_input_of_the_other(pipeline, time, new_gate)
    assert times_of(pipeline, "p.box.map") == (0.0, 10.0, 0.0)
    for gate in gates:
        gate.open()


def test_a_clone_that_waits_for_room_beside_it_is_blocked(pipeline, time, gate, monkeypatch):
    """The other reader of its source has a full queue."""
    monkeypatch.setattr(planning, "SMALLEST_CAPACITY", 1)
    monkeypatch.setattr(planning, "SPARE_CAPACITY", -100)
    source = SlowSource(pipeline, "source", time)
    fast, slow = slow_map(pipeline, "fast", time.takes(1.0), 1, capacity=8), slow_map(pipeline, "slow", gate, 1)
    chain(source, fast, Collector(pipeline, "sink"))
    chain(source, slow, Collector(pipeline, "slow sink"))
    with deployed(pipeline):
        task = Task(pipeline.pull)
        gate.wait_for(0)
        in_time(lambda: wait_until(lambda: get_waiters_for_room(pipeline)))
        busy_s, starved_s, blocked_s = times_of(pipeline, "p.fast.map")
        time.passes(50.0)
        gate.open(0)
        gate.wait_for(1)
        task.get()
        in_time(lambda: wait_until(lambda: get_waiters_for_room(pipeline)))
        assert times_of(pipeline, "p.fast.map") == (busy_s + 1.0, starved_s + 1.0, blocked_s + 50.0)
        gate.open()


def get_waiters_for_room(pipeline):
    return [
        waiter
        for channel in pipeline._get_deployment().scope.get_crossing_channels()
        for waiter in channel.room_waiters
    ]


def test_a_thread_of_its_own_is_starved_while_it_pulls_what_is_upstream(pipeline, time):
    class SlowBatch(Batch):
        def _on_pull(self):
            super()._on_pull()
            time.passes(3.0)

    box = scaled(pipeline, "box", lambda box: SlowBatch(box, "batch", 2), 1)
    box.config_queue_capacity.set_value(1)
    chain(SlowSource(pipeline, "source", time), box, Collector(pipeline, "sink"))
    with deployed(pipeline):
        wait_until_clones_sleep(box)
        time.passes(10.0)
        pipeline.pull()
        wait_until_clones_sleep(box)
        assert times_of(pipeline, "p.box.batch") == (6.0, 4.0, 10.0)


def test_all_cells_of_the_thread_that_waits_for_a_clone_are_starved_meanwhile(pipeline, time, gate):
    other = slow_map(pipeline, "other", time.takes(0.0), 0)
    beside = Map(pipeline, "beside", time.takes(1.0))
    chain(Source(pipeline, "its own source"), other, beside)
    chain(Source(pipeline, "source"), slow_map(pipeline, "box", gate, 1), Map(pipeline, "sink", time.takes(2.0)))
    with deployed(pipeline):
        task = Task(pipeline.pull)
        gate.wait_for(0)
        in_time(lambda: wait_until(lambda: stage_of(pipeline.get_internal_cell_with_name("box")).consumers))
        time.passes(5.0)
        gate.open()
        task.get()
        assert times_of(pipeline, "p.sink") == (2.0, 5.0, 1.0)
        assert times_of(pipeline, "p.beside") == (1.0, 5.0, 2.0)
        other.scale_up()
        assert times_of(pipeline, "p.beside") == (1.0, 5.0, 2.0), "another plan forgets nothing"


def test_clones_that_rest_during_a_reset_are_not_starved(pipeline, time):
    class SlowReset(Map):
        def _on_reset(self):
            time.passes(100.0)

    box = slow_map(pipeline, "box", time.takes(1.0), 1)
    chain(SlowSource(pipeline, "source", time), box, SlowReset(pipeline, "sink"))
    with deployed(pipeline):
        wait_until_clones_sleep(box)
        pipeline.reset()
        wait_until_clones_sleep(box)
        assert times_of(pipeline, "p.box.map") == (2.0, 2.0, 100.0)


def test_the_time_of_clones_that_went_away_still_counts(pipeline, time, new_gate):
    box, *gates = two_clones_of_which_one_waited_for_the_input_of_the_other(pipeline, time, new_gate)
    box.scale_down()
    for gate in gates:
        gate.open()
    in_time(lambda: wait_until(lambda: len(stage_of(box).workers) == 1))
    assert times_of(pipeline, "p.box.map") == (0.0, 10.0, 0.0)


def test_a_cell_that_waits_for_two_others_is_starved_for_both(pipeline, time):
    join = Join(pipeline, "join")
    for name, seconds in (("a", 2.0), ("b", 3.0)):
        chain(SlowSource(pipeline, f"source {name}", time), Map(pipeline, name, time.takes(seconds)), join)
    connect(join, Map(pipeline, "sink"))
    with deployed(pipeline):
        pipeline.pull()
        pipeline.pull()
        assert times_of(pipeline, "p.join") == (0.0, 14.0, 0.0)


def test_clones_inside_of_clones_are_counted_together(pipeline, time):
    """Two threads in each of two clones: the time of four, and of what waits, all of it."""

    def make_inside(box):
        inside = Pipeline(box, "inside")
        add_ports(inside, scaled(inside, "inner", lambda inner: Map(inner, "work"), 2))
        return inside

    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), scaled(pipeline, "box", make_inside, 2), sink)
    with deployed(pipeline):
        pipeline.pull()
        time.passes(10.0)
        cell = pipeline._get_deployment().statistics().get_cell("p.box.inside.inner.work")
        assert cell.wall_s == pytest.approx(40.0)
        assert cell.workers == 2
        assert [clone.name for clone in cell.clones] == ["#1 #1", "#1 #2", "#2 #1", "#2 #2"]
        assert [clone.wall_s for clone in cell.clones] == [10.0] * 4
        assert cell.queue_capacity == 2 * 16  # of each clone of the box


def test_each_clone_is_told_of_by_itself(pipeline, time, gate):
    """Their runs add up to those of the cell, and the times of each to how long it exists."""

    def work(value):
        if value == 1:
            gate("item")
        time.passes(3.0)
        return value

    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), scaled(pipeline, "box", lambda box: Map(box, "work", work), 2), sink)
    with deployed(pipeline):
        pulling = Task(lambda: [pipeline.pull() for _ in range(3)])
        gate.wait_for("item")
        before = pipeline._get_deployment().statistics().get_cell("p.box.work")
        gate.open()
        pulling.get()
        after = pipeline._get_deployment().statistics().get_cell("p.box.work")
    assert {clone.name for clone in before.clones} == {"#1", "#2"}
    assert sum(clone.runs for clone in after.clones) == after.runs
    for clone in after.clones:
        assert clone.busy_s + clone.starved_s + clone.blocked_s == pytest.approx(clone.wall_s)
        assert clone.method == "thread"
    assert pipeline.is_deployed() is False


def test_time_goes_on_when_a_cell_gets_its_first_clone_and_loses_its_last(pipeline, time):
    """It works inline, on two threads, and inline again, with time that passes between."""
    sink = Collector(pipeline, "sink")
    takes_s = [1.0]

    def work(value):
        time.passes(takes_s[0])
        return value

    box = scaled(pipeline, "box", lambda box: Map(box, "work", work))
    chain(Source(pipeline, "source"), box, sink)

    def wall():
        cell = pipeline._get_deployment().statistics().get_cell("p.box.work")
        assert cell.busy_s + cell.starved_s + cell.blocked_s == pytest.approx(cell.wall_s)
        return cell.wall_s

    with deployed(pipeline):
        pipeline.pull()
        time.passes(3.0)
        assert wall() == pytest.approx(4.0)
        takes_s[0] = 0.0  # what the clones do at once takes no time
        box.scale_up(2)
        assert wall() == pytest.approx(4.0)
        time.passes(5.0)
        assert wall() == pytest.approx(4.0 + 2 * 5.0)
        box.scale_down(2)
        assert wall() == pytest.approx(14.0)
        time.passes(2.0)
        assert wall() == pytest.approx(16.0)


def test_the_time_of_clones_in_a_clone_that_goes_away_still_counts_at_every_moment(pipeline, time, monkeypatch):
    dissolve, asked = Crew._dissolve, threading.Event()
    monkeypatch.setattr(Crew, "_dissolve", lambda *args, **kwargs: asked.wait(5) and dissolve(*args, **kwargs))
    sink = Collector(pipeline, "sink")

    def make_inside(box):
        inside = Pipeline(box, "inside")
        add_ports(inside, scaled(inside, "inner", lambda inner: Map(inner, "work"), 2))
        return inside

    box = scaled(pipeline, "box", make_inside, 2)
    chain(Source(pipeline, "source"), box, sink)

    def wall():
        return pipeline._get_deployment().statistics().get_cell("p.box.inside.inner.work").wall_s

    with deployed(pipeline):
        pipeline.pull()
        time.passes(10.0)
        assert wall() == pytest.approx(40.0)
        box.scale_down()
        in_time(lambda: wait_until(lambda: len(stage_of(box).workers) == 1))
        assert wall() == pytest.approx(40.0)
        asked.set()
        in_time(lambda: wait_until(lambda: len(pipeline._get_deployment().crew.units) == 4))
        assert wall() == pytest.approx(40.0)
        time.passes(1.0)
        assert wall() == pytest.approx(42.0)

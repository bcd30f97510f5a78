"""What waits for itself is either given what it needs or named in a `DeadlockException`, at once; nothing hangs."""

import threading
from contextlib import suppress

import pytest
from stream_cells import (
    Batch,
    Collector,
    Join,
    Map,
    Recorder,
    Source,
    Task,
    chain,
    connect,
    deployed,
    in_time,
    pull_all,
    scaled,
    scaled_map,
    wait_until,
)

from pypipeline_engine.cell import ASingleCell, Pipeline
from pypipeline_engine.cellio import Input, InputPort, Output, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import (
    DeadlockException,
    InvalidStateException,
    UnsetRecurrentConnectionException,
)

CLONES = pytest.mark.parametrize("clones", [0, 1, 3])
AT_ONCE_S = 2.0
"""A second is promised; the other one is for a busy machine."""


class Unequal(ASingleCell):
    """Takes `per_pull` values from `many` and one from `one`."""

    def __init__(self, parent_cell, name, per_pull, one_first=False):
        super().__init__(parent_cell, name)
        self.many: Input[int] = Input(self, "many")
        self.one: Input[int] = Input(self, "one")
        self.y: Output[tuple] = Output(self, "y")
        self.per_pull = per_pull
        self.one_first = one_first

    def supports_scaling(self):
        return False

    def _on_pull(self):
        if self.one_first:
            one = self.one.pull()
            self.y.set_value((tuple(self.many.pull() for _ in range(self.per_pull)), one))
        else:
            self.y.set_value((tuple(self.many.pull() for _ in range(self.per_pull)), self.one.pull()))


def pull_until_deadlock(pipeline, limit=20_000):
    """How many pulls brought something before a deadlock was named; `None` where there was none."""
    for number in range(limit):
        try:
            pipeline.pull()
        except DeadlockException as error:
            assert "p." in str(error)
            return number, str(error)
    return None, ""


@CLONES
@pytest.mark.parametrize("direct_clones", [0, 1])
def test_a_batch_beside_a_direct_connection_works_or_is_named(pipeline, clones, direct_clones):
    source = Source(pipeline, "source")
    batch = Batch(pipeline, "batch", 4)
    join, sink = Join(pipeline, "join"), Collector(pipeline, "sink")
    chain(source, scaled_map(pipeline, "box", clones=clones), batch, join)
    chain(source, scaled_map(pipeline, "direct", clones=direct_clones), join)
    connect(join, sink)
    with deployed(pipeline):
        number, message = in_time(lambda: pull_until_deadlock(pipeline, 300))
    good = 300 if number is None else number
    assert good > 0
    assert sink.items[:good] == [(list(range(4 * x, 4 * x + 4)), x) for x in range(good)]
    if number is not None:
        assert "p.join" in message or "p.source" in message


@pytest.mark.parametrize("clones", [0, 2])
def test_readers_of_different_appetite_are_named_before_memory_is_full(pipeline, clones):
    source = Source(pipeline, "source")
    unequal = Unequal(pipeline, "unequal", 3)
    Connection(source.y, unequal.many)
    box = scaled_map(pipeline, "box", clones=clones)
    connect(source, box)
    Connection(box.get_output("y"), unequal.one)
    connect(unequal, Collector(pipeline, "sink"))
    with deployed(pipeline):
        number, message = in_time(lambda: pull_until_deadlock(pipeline), 15)
    assert number is not None, "20000 pulls queued up 40000 values without a word"
    assert "p.source.y" in message
    assert "p.unequal" in message or "p.box" in message


def test_after_a_deadlock_the_pipeline_can_be_undeployed(pipeline):
    source = Source(pipeline, "source")
    unequal = Unequal(pipeline, "unequal", 3)
    Connection(source.y, unequal.many)
    box = scaled_map(pipeline, "box", clones=2)
    connect(source, box)
    Connection(box.get_output("y"), unequal.one)
    connect(unequal, Collector(pipeline, "sink"))
    with deployed(pipeline):
        in_time(lambda: pull_until_deadlock(pipeline), 15)
        in_time(pipeline.undeploy, AT_ONCE_S)
    assert not pipeline.is_deployed()


def test_a_run_ends_by_a_deadlock(pipeline):
    source = Source(pipeline, "source")
    unequal = Unequal(pipeline, "unequal", 3)
    Connection(source.y, unequal.many)
    box = scaled_map(pipeline, "box", clones=2)
    connect(source, box)
    Connection(box.get_output("y"), unequal.one)
    connect(unequal, Collector(pipeline, "sink"))
    with pipeline.run() as handle, pytest.raises(DeadlockException):
        handle.wait(15)


def test_one_slow_reader_that_has_to_wait_is_no_deadlock(pipeline, gate):
    """Everybody waits for a cell that runs, which is not the same as waiting for each other."""
    source = Source(pipeline, "source", range(200))
    join, sink = Join(pipeline, "join"), Collector(pipeline, "sink")
    chain(source, scaled_map(pipeline, "slow", gate, 2), join)
    chain(source, scaled_map(pipeline, "fast", clones=2), join)
    connect(join, sink)
    with deployed(pipeline):
        pulling = Task(pipeline.pull)
        gate.wait_for(0, 1)
        assert not pulling.is_done()
        gate.open()
        pulling.get()
        pull_all(pipeline)
    assert sink.items == [(x, x) for x in range(200)]


@CLONES
def test_a_recurrence_that_needs_more_than_it_gets_is_named(pipeline, clones):
    class PullsTwice(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.x: Input[int] = Input(self, "x")
            self.last: Input[int] = Input(self, "last")
            self.y: Output[int] = Output(self, "y", initial_value=0)

        def supports_scaling(self):
            return False

        def _on_pull(self):
            self.y.set_value(self.x.pull() + self.last.pull() + self.last.pull())

    source = Source(pipeline, "source")
    greedy = PullsTwice(pipeline, "greedy")
    box = scaled_map(pipeline, "box", clones=clones)
    connect(source, greedy.x)
    connect(greedy, box)
    Connection(greedy.y, greedy.last)
    connect(box, Collector(pipeline, "sink"))
    with deployed(pipeline), pytest.raises((DeadlockException, UnsetRecurrentConnectionException)) as raised:
        in_time(pipeline.pull, AT_ONCE_S)
    assert "p.greedy" in str(raised.value)


def make_greedy_recurrence(pipeline, clones):
    """A cell that pulls twice from a connection that brings one value a time, over a scaled cell."""

    class PullsTwice(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.x: Input[int] = Input(self, "x")
            self.last: Input[int] = Input(self, "last")
            self.y: Output[int] = Output(self, "y")

        def _on_pull(self):
            self.y.set_value(self.x.pull() + self.last.pull() + self.last.pull())

    source = Source(pipeline, "source")
    greedy = PullsTwice(pipeline, "greedy")
    box = scaled_map(pipeline, "box", clones=clones)
    box.get_output("y").set_initial_value(0)
    connect(source, greedy.x)
    connect(greedy, box)
    Connection(box.get_output("y"), greedy.last)
    connect(box, Collector(pipeline, "sink"))


@pytest.mark.parametrize("clones", [1, 3])
def test_a_recurrence_over_a_scaled_cell_that_needs_more_than_it_gets_is_named(pipeline, clones):
    make_greedy_recurrence(pipeline, clones)
    with deployed(pipeline), pytest.raises((DeadlockException, UnsetRecurrentConnectionException)) as raised:
        in_time(pipeline.pull, AT_ONCE_S)
    assert "p.greedy" in str(raised.value)


# ---------------------------------------------------------------------- cells that call the pipeline they are in


@pytest.fixture(params=[0, 1, 2])
def meddling(request, pipeline):
    """Makes a pipeline in which a cell calls a function of the pipeline's while it runs; returns what came of it."""

    def make(meddle):
        came_of_it = []

        def work(value):
            if not came_of_it:
                try:
                    came_of_it.append(meddle(pipeline))
                except Exception as error:
                    came_of_it.append(error)
            return value

        sink = Collector(pipeline, "sink")
        chain(Source(pipeline, "source"), scaled_map(pipeline, "box", work, request.param), sink)
        pipeline.deploy()
        for _ in range(3):
            in_time(pipeline.pull)
        assert sink.items == [0, 1, 2]
        in_time(pipeline.undeploy)
        return came_of_it[0]

    return make


@pytest.mark.parametrize("call", ["pull", "reset", "undeploy"])
def test_a_cell_that_calls_what_waits_for_itself_gets_an_error_at_once(meddling, call):
    error = meddling(lambda pipeline: getattr(pipeline, call)())
    assert isinstance(error, InvalidStateException | DeadlockException), f"{call}() from a cell came to {error!r}"
    assert "p" in str(error)


def test_a_cell_that_scales_a_cell_that_has_to_wait_for_itself_gets_an_error_at_once(meddling):
    result = meddling(lambda pipeline: pipeline.get_internal_cell_with_name("box").scale_all_down())
    assert result is None or isinstance(result, InvalidStateException | DeadlockException)


def test_a_cell_may_look_at_its_pipeline(meddling):
    assert meddling(lambda pipeline: (pipeline.is_deployed(), pipeline.get_nb_available_pulls())) == (True, None)


@pytest.mark.parametrize("clones", [0, 1, 2])
def test_a_cell_that_stops_its_own_run(pipeline, clones):
    handles = []
    has_handle = threading.Event()

    def work(value):
        if value == 5:
            assert has_handle.wait(5)
            handles[0].stop()
        return value

    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), scaled_map(pipeline, "box", work, clones), sink)
    handle = pipeline.run()
    handles.append(handle)
    has_handle.set()
    handle.wait(5)
    assert handle.state == "stopped"
    assert sink.items[:3] == [0, 1, 2][: len(sink.items)]


# ---------------------------------------------------------------------- round the scaled cell


@pytest.mark.parametrize("nb_boxes", [1, 3])
@pytest.mark.parametrize("capacity", [None, 1, 2, 64])
def test_a_way_round_scaled_cells_works_whatever_their_queues_hold(pipeline, nb_boxes, capacity):
    source, join, sink = Source(pipeline, "source", range(150)), Join(pipeline, "join"), Collector(pipeline, "sink")
    boxes = [scaled_map(pipeline, f"box{number}", clones=2) for number in range(nb_boxes)]
    for box in boxes:
        box.config_queue_capacity.set_value(capacity)
    Connection(source.y, join.xs[0])
    chain(source, *boxes)
    connect(boxes[-1], join)
    connect(join, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(x, x) for x in range(150)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_batch_behind_a_scaled_cell_beside_a_scaled_cell(pipeline, order):
    source, sink = Source(pipeline, "source", range(160)), Collector(pipeline, "sink")
    join = Join(pipeline, "join", 2, order)
    chain(source, scaled_map(pipeline, "left", clones=2), Batch(pipeline, "batch left", 4), join)
    chain(source, scaled_map(pipeline, "right", clones=3), Batch(pipeline, "batch right", 4), join)
    connect(join, sink)
    with deployed(pipeline):
        assert pull_all(pipeline) == 40
    assert sink.items == [(list(range(x, x + 4)),) * 2 for x in range(0, 160, 4)]


def test_a_big_batch_is_no_deadlock_where_the_other_reader_takes_as_many(pipeline):
    """The batch takes more at once than a queue between threads holds by default."""
    source, sink = Source(pipeline, "source", range(1000)), Collector(pipeline, "sink")
    join = Join(pipeline, "join")
    chain(source, scaled_map(pipeline, "left", clones=2), Batch(pipeline, "batch left", 500), join)
    chain(source, scaled_map(pipeline, "right", clones=2), Batch(pipeline, "batch right", 500), join)
    connect(join, sink)
    with deployed(pipeline):
        assert pull_all(pipeline) == 2
    assert sink.items == [(list(range(500)),) * 2, (list(range(500, 1000)),) * 2]


def test_a_scaled_cell_that_pulls_an_input_twice_is_refused_with_the_remedy(pipeline):
    class Twice(Map):
        def _on_pull(self):
            self.y.set_value((self.x.pull(), self.x.pull()))

    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source"), scaled(pipeline, "box", lambda box: Twice(box, "twice"), 2), sink)
    with deployed(pipeline):
        pipeline.pull()
        pipeline.pull()
    for error in sink.items:
        assert isinstance(error, InvalidStateException)
        assert "p.box.twice.x was pulled twice" in str(error)
        assert "supports_scaling" in str(error)


@pytest.mark.parametrize("nb_items", [None, 1, 2, 3, 4])
def test_a_scaled_pipeline_whose_inside_pulls_twice_is_refused_with_the_remedy(pipeline, nb_items):
    class Twice(Map):
        def _on_pull(self):
            self.y.set_value((self.x.pull(), self.x.pull()))

    def make_inner(outer):
        inner = Pipeline(outer, "inner")
        box = scaled_map(inner, "box", clones=2)
        twice = Twice(inner, "twice")
        Connection(InputPort(inner, "x"), box.get_input("x"))
        connect(box, twice)
        Connection(twice.y, OutputPort(inner, "y"))
        return inner

    sink = Recorder(pipeline, "sink")
    source = Source(pipeline, "source", nb_items and range(nb_items))
    chain(source, scaled(pipeline, "outer", make_inner, 1), sink)
    with deployed(pipeline):
        for _ in range(nb_items or 3):
            try:
                in_time(pipeline.pull)
            except StopIteration:
                assert nb_items is not None
    assert sink.items or nb_items == 1
    for error in sink.items:
        assert isinstance(error, InvalidStateException), f"got {error!r}"
        assert "supports_scaling" in str(error)


# ---------------------------------------------------------------------- while other threads work on


@pytest.fixture
def busy(pipeline, gate):
    """Makes a cell in a branch of its own work without an end until the test is over, at a thread of its own."""

    def begin():
        chain(
            Source(pipeline, "other source"), scaled_map(pipeline, "busy", gate, 1), Collector(pipeline, "other sink")
        )

    yield begin
    gate.open()


def make_join_of_different_appetites(pipeline, clones=2):
    source, unequal = Source(pipeline, "source"), Unequal(pipeline, "unequal", 3)
    Connection(source.y, unequal.many)
    box = scaled_map(pipeline, "box", clones=clones)
    connect(source, box)
    Connection(box.get_output("y"), unequal.one)
    connect(unequal, Collector(pipeline, "sink"))


@pytest.mark.parametrize("clones", [1, 2, 3])
def test_cells_that_wait_for_each_other_are_named_while_others_work(pipeline, busy, gate, clones):
    make_greedy_recurrence(pipeline, clones)
    busy()
    with deployed(pipeline):
        gate.wait_for(0)
        with pytest.raises(DeadlockException) as raised:
            in_time(pipeline.pull, AT_ONCE_S)
    message = str(raised.value)
    assert "p.greedy, in a clone of p.box, waits for a result of p.box" in message
    assert "busy" not in message


@pytest.mark.parametrize("clones", [1, 2, 3])
def test_a_way_round_that_holds_no_more_is_named_with_who_waits(pipeline, clones):
    make_join_of_different_appetites(pipeline, clones)
    with deployed(pipeline):
        number, message = in_time(lambda: pull_until_deadlock(pipeline), 15)
    assert number
    assert "p.unequal, in the thread that pulls p, waits for room in p.source.y -> p.box.x" in message
    assert "equally many values" in message


def test_who_waits_for_who_works_gets_no_error(pipeline, gate):
    """The thread that pulls looks around again and again, and sees that somebody is awake behind those that sleep."""
    looked = threading.Semaphore(0)
    source, join, sink = Source(pipeline, "source"), Join(pipeline, "join"), Collector(pipeline, "sink")
    chain(source, scaled_map(pipeline, "slow", gate, 1), scaled_map(pipeline, "behind", clones=2), join)
    Connection(source.y, join.xs[1])
    connect(join, sink)
    with deployed(pipeline):
        monitor = pipeline._get_deployment().monitor
        look_around = monitor._look_around

        def look_around_and_tell(waiter):
            look_around(waiter)
            looked.release()

        monitor._look_around = look_around_and_tell
        pulling = Task(pipeline.pull)
        for _ in range(3):
            assert looked.acquire(timeout=5)
        assert not pulling.is_done()
        gate.open()
        pulling.get()
    assert sink.items == [(0, 0)]


def test_a_way_round_gets_the_room_that_it_needs_while_others_work(pipeline, busy, gate):
    source, join, sink = Source(pipeline, "source"), Join(pipeline, "join"), Collector(pipeline, "sink")
    chain(source, scaled_map(pipeline, "left", clones=2), Batch(pipeline, "batch left", 100), join)
    chain(source, scaled_map(pipeline, "right", clones=2), Batch(pipeline, "batch right", 100), join)
    connect(join, sink)
    busy()
    with deployed(pipeline):
        pulling = Task(pipeline.pull)
        in_time(lambda: wait_until(lambda: sink.items))
        gate.open()
        pulling.get()
    assert sink.items == [(list(range(100)),) * 2]


def test_a_pull_that_waits_for_its_turn_is_not_the_one_that_gets_the_error(pipeline, gate):
    chain(Source(pipeline, "first source"), scaled_map(pipeline, "gate", gate, 0), Collector(pipeline, "first sink"))
    make_greedy_recurrence(pipeline, 1)
    with deployed(pipeline):
        stuck = Task(pipeline.pull)
        gate.wait_for(0)
        waiting = Task(pipeline.pull)
        in_time(lambda: wait_until(lambda: pipeline._get_deployment().puller._turn.waiters))
        gate.open(0)
        with pytest.raises(DeadlockException):
            stuck.get()
        gate.open()
        with suppress(DeadlockException):
            waiting.get()

"""Every connection receives every value exactly once and in order, whichever threads pull."""

import threading

import pytest
from stream_cells import (
    Batch,
    Collector,
    Join,
    Map,
    Source,
    Task,
    chain,
    connect,
    deployed,
    pull_all,
    scaled_map,
)

from pypipeline_engine.cell import (
    ASingleCell,
    ErrorPolicy,
    Pipeline,
)
from pypipeline_engine.cellio import Input, InputPort, Output, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import InvalidStateException

CLONES = pytest.mark.parametrize("clones", [0, 1, 3])


@CLONES
def test_several_readers_of_one_output(pipeline, clones):
    source = Source(pipeline, "source", range(50))
    box = scaled_map(pipeline, "box", clones=clones)
    connect(source, box)
    sinks = [Collector(pipeline, f"sink{number}") for number in range(4)]
    for sink in sinks:
        connect(box, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert [sink.items for sink in sinks] == [list(range(50))] * 4


def test_a_cell_runs_once_for_all_of_its_readers(pipeline):
    runs = []
    source = Source(pipeline, "source", range(20))
    counted = Map(pipeline, "counted", lambda value: runs.append(value) or value)
    connect(source, counted)
    join = Join(pipeline, "join", 3)
    for number in range(3):
        chain(counted, scaled_map(pipeline, f"box{number}", clones=number), join)
    sink = Collector(pipeline, "sink")
    connect(join, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert runs == list(range(20))
    assert sink.items == [(x, x, x) for x in range(20)]


@CLONES
def test_a_way_round_a_scaled_cell(pipeline, clones):
    source, join, sink = Source(pipeline, "source", range(100)), Join(pipeline, "join"), Collector(pipeline, "sink")
    chain(source, scaled_map(pipeline, "box", lambda x: -x, clones), join)
    connect(source, join)
    connect(join, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(-x, x) for x in range(100)]


def test_a_way_round_a_scaled_cell_does_not_serialise_it(pipeline, new_gate):
    """While the join waits for the first result, the clones are at work on others."""
    gate = new_gate()
    source, join, sink = Source(pipeline, "source", range(100)), Join(pipeline, "join"), Collector(pipeline, "sink")
    chain(source, scaled_map(pipeline, "box", gate, 4), join)
    connect(source, join)
    connect(join, sink)
    with deployed(pipeline):
        pulling = Task(pipeline.pull)
        gate.wait_for(0, 1, 2, 3)
        gate.open()
        pulling.get()
        pull_all(pipeline)
    assert sink.items == [(x, x) for x in range(100)]


@pytest.mark.parametrize("has_way_round", [False, True])
def test_more_clones_may_be_further_ahead_of_the_slowest_one(pipeline, gate, has_way_round):
    """The queue of the scaled cell, and those beside it, grow with the clones that it gets while running."""
    source, box, sink = Source(pipeline, "source"), scaled_map(pipeline, "box", gate, 1), Collector(pipeline, "sink")
    join = Join(pipeline, "join", 2 if has_way_round else 1)
    chain(source, box, join)
    if has_way_round:
        connect(source, join)
    connect(join, sink)
    gate.open(*range(1, 100))
    with deployed(pipeline):
        task = Task(pipeline.pull)
        gate.wait_for(0)
        box.scale_up(3)
        gate.wait_for(*range(30))
        gate.open()
        task.get()


def test_a_source_shared_by_scaled_cells_of_different_speed(pipeline, new_gate):
    """The fast one works ahead of the slow one, until the queue between is full."""
    slow_gate, fast_gate = new_gate(), new_gate()
    source = Source(pipeline, "source", range(100))
    sinks = {}
    for name, gate in (("slow", slow_gate), ("fast", fast_gate)):
        sinks[name] = Collector(pipeline, f"{name} sink")
        chain(source, scaled_map(pipeline, name, gate, 2), sinks[name])
    fast_gate.open()
    with deployed(pipeline):
        pulling = Task(pipeline.pull)
        slow_gate.wait_for(0, 1)
        fast_gate.wait_for(*range(10))
        assert sorted(slow_gate.arrived) == [0, 1]
        slow_gate.open()
        pulling.get()
        pull_all(pipeline)
    assert [sink.items for sink in sinks.values()] == [list(range(100))] * 2


class ManyOutputs(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x")
        self.plus: Output[int] = Output(self, "plus")
        self.minus: Output[int] = Output(self, "minus")
        self.square: Output[int] = Output(self, "square")

    def _on_pull(self):
        value = self.x.pull()
        self.square.set_value(value * value)
        self.minus.set_value(-value)
        self.plus.set_value(value)


@CLONES
def test_outputs_declared_in_another_order_than_set_connected_and_ported(pipeline, clones):
    inner = Pipeline(pipeline, "inner")
    cell = ManyOutputs(inner, "many")
    square, plus, minus = (OutputPort(inner, name) for name in ("square", "plus", "minus"))
    Connection(cell.minus, minus)
    Connection(cell.square, square)
    Connection(cell.plus, plus)
    Connection(InputPort(inner, "x"), cell.x)
    source, join, sink = Source(pipeline, "source", range(30)), Join(pipeline, "join", 3), Collector(pipeline, "sink")
    chain(source, scaled_map(pipeline, "box", clones=clones), inner)
    Connection(minus, join.xs[0])
    Connection(plus, join.xs[1])
    Connection(square, join.xs[2])
    connect(join, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(-x, x, x * x) for x in range(30)]


@CLONES
def test_one_input_fed_twice_from_the_same_output_by_two_connections(pipeline, clones):
    source, join, sink = Source(pipeline, "source", range(10)), Join(pipeline, "join"), Collector(pipeline, "sink")
    box = scaled_map(pipeline, "box", clones=clones)
    connect(source, box)
    connect(box, join)
    connect(box, join)
    connect(join, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(x, x) for x in range(10)]


@CLONES
def test_several_threads_that_pull_share_the_stream(pipeline, clones):
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(400)), scaled_map(pipeline, "box", clones=clones), sink)
    barrier = threading.Barrier(4)

    def pull_many():
        barrier.wait(5)
        return pull_all(pipeline)

    with deployed(pipeline):
        tasks = [Task(pull_many) for _ in range(4)]
        assert sum(task.get() for task in tasks) == 400
    assert sink.items == list(range(400))


@CLONES
def test_readers_that_take_different_numbers_of_values(pipeline, clones):
    source = Source(pipeline, "source", range(60))
    slow, fast = Collector(pipeline, "batches"), Collector(pipeline, "singles")
    chain(source, scaled_map(pipeline, "left", clones=clones), Batch(pipeline, "batch", 2), slow)
    chain(source, scaled_map(pipeline, "right", clones=clones), fast)
    with deployed(pipeline):
        assert pull_all(pipeline) == 30
    assert slow.items == [[x, x + 1] for x in range(0, 60, 2)]
    assert fast.items == list(range(30)) or fast.items == list(range(31))


def test_sinks_advance_in_the_order_of_their_declaration(pipeline):
    seen = []
    source = Source(pipeline, "source")
    second = Map(pipeline, "zweiter", lambda x: seen.append(("zweiter", x)))
    first = Map(pipeline, "aerster", lambda x: seen.append(("aerster", x)))
    connect(source, first)
    connect(source, second)
    with deployed(pipeline):
        pipeline.pull()
        pipeline.pull()
    assert seen == [("zweiter", 0), ("aerster", 0), ("zweiter", 1), ("aerster", 1)]


@CLONES
def test_pulling_a_cell_inside_of_a_pipeline(pipeline, clones):
    source = Source(pipeline, "source")
    left, right = Collector(pipeline, "left"), Collector(pipeline, "right")
    box = scaled_map(pipeline, "box", clones=clones)
    connect(source, box)
    connect(box, left)
    connect(box, right)
    with deployed(pipeline):
        left.pull()
        left.pull()
        assert (left.items, right.items) == ([0, 1], [])
        right.pull()
        assert (left.items, right.items) == ([0, 1], [0])
        pipeline.pull()
    assert (left.items, right.items) == ([0, 1, 2], [0, 1])


def test_pulling_a_cell_in_the_middle_queues_its_value_for_its_readers(pipeline):
    source, middle, sink = Source(pipeline, "source"), Map(pipeline, "middle"), Collector(pipeline, "sink")
    chain(source, middle, sink)
    with deployed(pipeline):
        middle.pull()
        assert middle.y.get_value() == 0
        middle.pull()
        assert middle.y.get_value() == 1
        for _ in range(3):
            pipeline.pull()
    assert sink.items == [0, 1, 2]


def test_the_output_ports_of_the_outermost_pipeline_give_the_value(pipeline):
    source, mapped = Source(pipeline, "source", range(3)), Map(pipeline, "map", lambda x: -x)
    chain(source, mapped)
    ports = [OutputPort(pipeline, "plain"), OutputPort(pipeline, "mapped")]
    Connection(source.y, ports[0])
    Connection(mapped.y, ports[1])
    seen = []
    with deployed(pipeline):
        assert not ports[0].value_is_set()
        for _ in range(3):
            pipeline.pull()
            seen.append(tuple(port.get_value() for port in ports))
    assert seen == [(0, 0), (1, -1), (2, -2)]


def test_a_long_chain(pipeline):
    """Deeper than Python's default recursion limit allows with a few calls for each cell."""
    source, sink = Source(pipeline, "source", range(3)), Collector(pipeline, "sink")
    chain(source, *(Map(pipeline, f"map{number}", lambda x: x + 1) for number in range(600)), sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [600, 601, 602]


@pytest.mark.parametrize("before", ["nothing", "a reset"])
def test_a_cell_that_pulls_its_own_pipeline_is_refused(pipeline, before):
    """After a reset it was not, ran the pipeline a second time at once, and gave the turn of the outer pull away."""
    refusals = []

    def pull_again(value):
        if value == 1 and not refusals:
            with pytest.raises(InvalidStateException, match="by one of its own cells") as refused:
                pipeline.pull()
            refusals.append(refused.value)
        return value

    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(5)), Map(pipeline, "map", pull_again), sink)
    with deployed(pipeline):
        pipeline.pull()
        if before == "a reset":
            pipeline.reset()
            pipeline.pull()
        pull_all(pipeline)
    assert len(refusals) == 1
    assert sink.items[-5:] == list(range(5))


def test_a_long_chain_with_retries(pipeline):
    cells = [Source(pipeline, "source", range(3)), *(Map(pipeline, f"map{number}") for number in range(1200))]
    pipeline.set_error_policy(ErrorPolicy(retries=1))
    sink = Collector(pipeline, "sink")
    chain(*cells, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [0, 1, 2]

"""Cycles: legal where an output on them has an initial value, and refused with their name otherwise."""

import operator

import pytest
from stream_cells import (
    GAP,
    Collector,
    CriticalError,
    Join,
    Map,
    PassingError,
    Recorder,
    Source,
    chain,
    connect,
    deployed,
    pull_all,
    scaled,
    scaled_map,
)

from pypipeline_engine.cell import ASingleCell, Pipeline, ScalableCell
from pypipeline_engine.cellio import Input, InputPort, Output, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import (
    IndeterminableTopologyException,
    InvalidInputException,
    ItemSkipped,
    NotDeployableException,
    ScalingNotSupportedException,
)

CLONES = pytest.mark.parametrize("clones", [0, 1, 3])


class Sum(ASingleCell):
    """y = combine(x, last)."""

    def __init__(self, parent_cell, name, combine=operator.add):
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x")
        self.last: Input[int] = Input(self, "last")
        self.y: Output[int] = Output(self, "y")
        self.combine = combine

    def _on_pull(self):
        self.y.set_value(self.combine(self.x.pull(), self.last.pull()))


def running_sums(number, begin=0):
    sums = []
    for value in range(number):
        begin += value
        sums.append(begin)
    return sums


def test_an_output_that_leads_back_to_its_own_cell(pipeline):
    source, total, sink = Source(pipeline, "source", range(20)), Sum(pipeline, "sum"), Collector(pipeline, "sink")
    total.y.set_initial_value(100)
    connect(source, total.x)
    loop = Connection(total.y, total.last)
    connect(total, sink)
    assert loop.is_recurrent()
    assert [c.is_recurrent() for c in pipeline.get_internal_connections()] == [False, True, False]
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == running_sums(20, 100)


def test_an_initial_value_of_none_counts(pipeline):
    source = Source(pipeline, "source", range(3))
    pair = Sum(pipeline, "pair", lambda x, last: (x, last and last[0]))
    pair.y.set_initial_value(None)
    assert pair.y.has_initial_value()
    sink = Collector(pipeline, "sink")
    connect(source, pair.x)
    Connection(pair.y, pair.last)
    connect(pair, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(0, None), (1, 0), (2, 1)]


@CLONES
@pytest.mark.parametrize("place", ["before", "inside", "behind"])
def test_scaled_cells_beside_and_on_a_cycle(pipeline, clones, place):
    """The sum of what comes, with a scaled cell before the cycle, on it, or behind it."""

    def box(name, here):
        return scaled_map(pipeline, name, clones=clones if place == here else 0)

    source, sink = Source(pipeline, "source", range(40)), Collector(pipeline, "sink")
    before, inside, behind = box("before", "before"), box("inside", "inside"), box("behind", "behind")
    total = Sum(pipeline, "sum")
    inside.get_output("y").set_initial_value(0)
    connect(source, before)
    connect(before, total.x)
    connect(total, inside)
    connect(inside, total.last)
    connect(total, behind)
    connect(behind, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == running_sums(40)


@CLONES
def test_a_cycle_through_a_scaled_cell_with_its_result_read_outside(pipeline, clones):
    source, sink = Source(pipeline, "source", range(40)), Collector(pipeline, "sink")
    box = scaled(pipeline, "box", lambda box: Sum(box, "sum"), clones)
    box.get_output("y").set_initial_value(0)
    Connection(source.y, box.get_input("x"))
    Connection(box.get_output("y"), box.get_input("last"))
    connect(box, sink)
    with deployed(pipeline):
        pull_all(pipeline)
        pipeline.reset()
        pull_all(pipeline)
    assert sink.items == running_sums(40) * 2


@pytest.mark.parametrize("clones", [2, 3])
def test_a_cycle_over_a_scaled_cell_warns_that_it_costs_the_parallelism(pipeline, clones, caplog):
    source, sink = Source(pipeline, "source", range(40)), Collector(pipeline, "sink")
    box = scaled(pipeline, "box", lambda box: Sum(box, "sum"), clones)
    box.get_output("y").set_initial_value(0)
    Connection(source.y, box.get_input("x"))
    Connection(box.get_output("y"), box.get_input("last"))
    connect(box, sink)
    with deployed(pipeline):
        pipeline.pull()
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert any("p.box" in record.getMessage() for record in warnings)


def pipeline_with_a_cycle(box):
    inner = Pipeline(box, "inner")
    total = Sum(inner, "sum")
    total.y.set_initial_value(0)
    Connection(total.y, total.last)
    Connection(InputPort(inner, "x"), total.x)
    Connection(total.y, OutputPort(inner, "y"))
    return inner


@pytest.mark.parametrize("clones", [0, 1])
def test_a_cycle_inside_of_a_pipeline_inside_of_a_scaled_cell(pipeline, clones):
    source, sink = Source(pipeline, "source", range(40)), Collector(pipeline, "sink")
    chain(source, scaled(pipeline, "box", pipeline_with_a_cycle, clones), sink)
    with deployed(pipeline):
        pull_all(pipeline)
        pipeline.reset()
        pull_all(pipeline)
    assert sink.items == running_sums(40) * 2


@pytest.mark.parametrize("is_deployed", [False, True])
def test_a_pipeline_with_a_cycle_inside_has_one_clone_at_most(pipeline, is_deployed):
    """What comes round is state, which clones would divide."""
    source, sink = Source(pipeline, "source", range(40)), Collector(pipeline, "sink")
    box = scaled(pipeline, "box", pipeline_with_a_cycle, 1)
    chain(source, box, sink)
    if is_deployed:
        pipeline.deploy()
    with pytest.raises(ScalingNotSupportedException, match=r"p\.box\.inner"):
        box.scale_up()
    assert box.get_nb_clones() == 1


@CLONES
def test_a_cycle_through_the_ports_of_a_pipeline(pipeline, clones):
    inner = Pipeline(pipeline, "inner")
    total = Sum(inner, "sum")
    box = scaled_map(inner, "box", clones=clones)
    connect(total, box)
    for name in ("x", "last"):
        Connection(InputPort(inner, name), total.get_input(name))
    out = OutputPort(inner, "y")
    Connection(box.get_output("y"), out)
    out.set_initial_value(5)
    source, sink = Source(pipeline, "source", range(20)), Collector(pipeline, "sink")
    Connection(source.y, inner.get_input("x"))
    Connection(out, inner.get_input("last"))
    connect(inner, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == running_sums(20, 5)


def test_reset_brings_the_initial_value_back(pipeline):
    source, total, sink = Source(pipeline, "source"), Sum(pipeline, "sum"), Collector(pipeline, "sink")
    total.y.set_initial_value(7)
    connect(source, total.x)
    Connection(total.y, total.last)
    connect(total, sink)
    with deployed(pipeline):
        for _ in range(3):
            for _ in range(4):
                pipeline.pull()
            pipeline.reset()
    assert sink.items == running_sums(4, 7) * 3


def test_deploying_again_brings_the_initial_value_back(pipeline):
    source, total, sink = Source(pipeline, "source"), Sum(pipeline, "sum"), Collector(pipeline, "sink")
    total.y.set_initial_value(7)
    connect(source, total.x)
    Connection(total.y, total.last)
    connect(total, sink)
    for _ in range(2):
        with deployed(pipeline):
            for _ in range(4):
                pipeline.pull()
    assert sink.items == running_sums(4, 7) * 2


@pytest.mark.parametrize("kind", [CriticalError, PassingError, "gap"])
def test_an_error_or_gap_on_a_cycle_costs_one_item_and_does_not_go_round(pipeline, kind):
    def add(x, last):
        if x == 2:
            if kind == "gap":
                raise ItemSkipped
            raise kind("two")
        return x + last

    source, total, sink = Source(pipeline, "source", range(6)), Sum(pipeline, "sum", add), Collector(pipeline, "sink")
    total.y.set_initial_value(0)
    connect(source, total.x)
    Connection(total.y, total.last)
    connect(total, sink)
    nb_errors = 0
    with deployed(pipeline):
        while True:
            try:
                pipeline.pull()
            except StopIteration:
                break
            except (CriticalError, PassingError):
                nb_errors += 1
    assert sink.items == [0, 1, 1 + 3, 1 + 3 + 4, 1 + 3 + 4 + 5]
    assert nb_errors == (0 if kind == "gap" else 1)


@CLONES
@pytest.mark.parametrize("kind", [CriticalError, PassingError, "gap"])
def test_an_error_or_gap_of_a_scaled_cell_on_a_cycle_does_not_go_round(pipeline, clones, kind):
    def judge(value):
        if value == 1 + 2:
            if kind == "gap":
                raise ItemSkipped
            raise kind("three")
        return value

    source, total, sink = Source(pipeline, "source", range(6)), Sum(pipeline, "sum"), Recorder(pipeline, "sink")
    box = scaled_map(pipeline, "box", judge, clones)
    box.get_output("y").set_initial_value(0)
    connect(source, total.x)
    connect(total, box)
    connect(box, total.last)
    connect(box, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items[2] is GAP if kind == "gap" else isinstance(sink.items[2], kind)
    assert sink.items[:2] + sink.items[3:] == [0, 1, 1 + 3, 1 + 3 + 4, 1 + 3 + 4 + 5]


def test_two_cells_that_feed_each_other(pipeline):
    left, right = Sum(pipeline, "left"), Map(pipeline, "right", lambda value: value + 1)
    right.y.set_initial_value(0)
    source, sink = Source(pipeline, "source", range(6)), Collector(pipeline, "sink")
    connect(source, left.x)
    connect(right, left.last)
    connect(left, right)
    connect(left, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    expected, last = [], 0
    for value in range(6):
        expected.append(value + last)
        last = expected[-1] + 1
    assert sink.items == expected


def test_nothing_but_a_cycle(pipeline):
    counter = Map(pipeline, "counter", lambda value: value + 1)
    counter.y.set_initial_value(0)
    connect(counter, counter)
    sink = Collector(pipeline, "sink")
    connect(counter, sink)
    with deployed(pipeline):
        for _ in range(5):
            pipeline.pull()
    assert sink.items == [1, 2, 3, 4, 5]


def test_a_cycle_that_nobody_reads(pipeline):
    counter = Map(pipeline, "counter", lambda value: value + 1)
    counter.y.set_initial_value(0)
    connect(counter, counter)
    assert counter.is_sink_cell()
    with deployed(pipeline):
        for _ in range(5):
            pipeline.pull()
        assert counter.y.get_value() == 5


# ---------------------------------------------------------------------- several initial values


def test_an_initial_value_off_every_cycle_changes_nothing(pipeline):
    source, mapped, sink = Source(pipeline, "source"), Map(pipeline, "map"), Collector(pipeline, "sink")
    source.y.set_initial_value("nonsense")
    mapped.y.set_initial_value("nonsense")
    chain(source, mapped, sink)
    assert not any(connection.is_recurrent() for connection in pipeline.get_internal_connections())
    with deployed(pipeline):
        pipeline.pull()
        pipeline.pull()
    assert sink.items == [0, 1]


def two_on_one_cycle(pipeline, mark_left=None, mark_right=None, has_both=True):
    """left -> right -> left, both with an initial value; what left gives is x + last, what right gives is ten times that."""
    left, right = Sum(pipeline, "left"), Map(pipeline, "right", lambda value: 10 * value)
    if has_both:
        left.y.set_initial_value(1)
    right.y.set_initial_value(2)
    source, sink = Source(pipeline, "source", range(4)), Collector(pipeline, "sink")
    connect(source, left.x)
    connections = [connect(left, right, mark_left), connect(right, left.last, mark_right)]
    connect(left, sink)
    return connections, sink


def test_two_initial_values_on_one_cycle_are_refused_with_the_cycle(pipeline):
    two_on_one_cycle(pipeline)
    with pytest.raises(IndeterminableTopologyException, match=r"(?s)p\.left\.y -> p\.right\.x.*mark") as raised:
        pipeline.deploy()
    assert "p.right.y -> p.left.last" in str(raised.value)
    assert not pipeline.is_deployable()
    assert not pipeline.is_deployed()


def test_an_initial_value_that_comes_later_is_seen(pipeline):
    """Which connections are recurrent is remembered, and was asked for before."""
    connections, _ = two_on_one_cycle(pipeline, has_both=False)
    assert [connection.is_recurrent() for connection in connections] == [False, True]
    connections[0].get_source().set_initial_value(3)
    with pytest.raises(IndeterminableTopologyException, match="mark"):
        connections[0].is_recurrent()


def test_the_marked_one_of_two_is_recurrent(pipeline):
    connections, sink = two_on_one_cycle(pipeline, mark_right=True)
    assert [connection.is_recurrent() for connection in connections] == [False, True]
    with deployed(pipeline):
        pull_all(pipeline)
    expected, last = [], 2
    for value in range(4):
        expected.append(value + last)
        last = 10 * expected[-1]
    assert sink.items == expected


def test_the_other_one_marked(pipeline):
    connections, sink = two_on_one_cycle(pipeline, mark_left=True)
    assert [connection.is_recurrent() for connection in connections] == [True, False]
    with deployed(pipeline):
        pull_all(pipeline)
    expected, last = [], 1
    for value in range(4):
        expected.append(value + 10 * last)
        last = expected[-1]
    assert sink.items == expected


def test_one_of_two_marked_as_not_recurrent_leaves_the_other_one(pipeline):
    connections, _ = two_on_one_cycle(pipeline, mark_left=False)
    assert [connection.is_recurrent() for connection in connections] == [False, True]
    assert pipeline.is_deployable()


def test_both_marked_gives_two_delays(pipeline):
    connections, sink = two_on_one_cycle(pipeline, True, True)
    assert [connection.is_recurrent() for connection in connections] == [True, True]
    with deployed(pipeline):
        pull_all(pipeline)
    expected, left, right = [], 1, 2
    for value in range(4):
        expected.append(value + right)
        left, right = expected[-1], 10 * left
    assert sink.items == expected


def test_a_mark_needs_an_initial_value(pipeline):
    left, right = Map(pipeline, "left"), Map(pipeline, "right")
    with pytest.raises(InvalidInputException, match=r"p\.left\.y.*initial value"):
        Connection(left.y, right.x, explicitly_mark_as_recurrent=True)
    assert left.y.get_nb_outgoing_connections() == right.x.get_nb_incoming_connections() == 0


# ---------------------------------------------------------------------- refusals


def test_a_cycle_without_initial_value_is_refused_with_its_name(pipeline):
    cells = [Map(pipeline, name) for name in "abc"]
    chain(*cells, cells[0])
    with pytest.raises(IndeterminableTopologyException) as raised:
        pipeline.deploy()
    for name in ("p.a.y -> p.b.x", "p.b.y -> p.c.x", "p.c.y -> p.a.x"):
        assert name in str(raised.value)
    assert isinstance(raised.value, NotDeployableException)
    with pytest.raises(IndeterminableTopologyException):
        pipeline.get_internal_cells_in_topological_order()


def test_the_refusal_goes_away_with_an_initial_value(pipeline):
    counter = Map(pipeline, "counter", lambda value: value + 1)
    connect(counter, counter)
    sink = Collector(pipeline, "sink")
    connect(counter, sink)
    with pytest.raises(IndeterminableTopologyException):
        pipeline.deploy()
    counter.y.set_initial_value(41)
    with deployed(pipeline):
        pipeline.pull()
    assert sink.items == [42]


def test_a_cycle_in_a_nested_pipeline_is_found(pipeline):
    inner = Pipeline(pipeline, "inner")
    a, b = Map(inner, "a"), Map(inner, "b")
    chain(a, b, a)
    assert "p.inner.a.y -> p.inner.b.x" in pipeline.is_deployable().get_reasons_str()
    with pytest.raises(IndeterminableTopologyException):
        pipeline.deploy()


@pytest.mark.parametrize("clones", [0, 1, 2])
def test_a_recurrent_connection_around_the_inner_cell_inside_a_scalable_cell_is_refused(pipeline, clones):
    source = Source(pipeline, "source")
    box = ScalableCell(pipeline, "box")
    total = Sum(box, "sum")
    total.y.set_initial_value(0)
    Connection(InputPort(box, "x"), total.x)
    Connection(total.y, total.last)
    Connection(total.y, OutputPort(box, "y"))
    box.scale_up(clones)
    chain(source, box, Collector(pipeline, "sink"))
    with pytest.raises(NotDeployableException, match=r"p\.box"):
        pipeline.deploy()
    assert not pipeline.is_deployed()


def test_topological_order_leaves_recurrent_connections_out(pipeline):
    total, source = Sum(pipeline, "sum"), Source(pipeline, "source")
    total.y.set_initial_value(0)
    connect(source, total.x)
    Connection(total.y, total.last)
    sink = Collector(pipeline, "sink")
    connect(total, sink)
    assert pipeline.get_internal_cells_in_topological_order() == [source, total, sink]


@CLONES
def test_a_delay_beside_the_direct_way_pairs_each_item_with_the_one_before(pipeline, clones):
    """A cycle whose value is passed on: the join sees x and the sum up to the item before."""
    source = Source(pipeline, "source", range(12))
    total = Sum(pipeline, "sum")
    total.y.set_initial_value(0)
    box = scaled_map(pipeline, "box", lambda x: GAP if x % 5 == 4 else x, clones)
    join, sink = Join(pipeline, "join"), Collector(pipeline, "sink")
    chain(source, box)
    connect(box, total.x)
    Connection(total.y, total.last)
    Connection(source.y, join.xs[0])
    Connection(total.y, join.xs[1])
    connect(join, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    expected, last = [], 0
    for value in range(12):
        if value % 5 != 4:
            last += value
            expected.append((value, last))
    assert sink.items == expected

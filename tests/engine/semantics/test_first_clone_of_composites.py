"""The first clone of a pipeline that is scaled as a whole, while its inside is scaled, or has done items ahead."""

import random
import threading
from collections import deque

import pytest
from stream_cells import (
    GAP,
    Collector,
    CriticalError,
    Join,
    Lifecycle,
    Map,
    PassingError,
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
    statistics_of,
    wait_until,
)

from pypipeline_engine.cell import ASingleCell, Pipeline, ScalableCell
from pypipeline_engine.cell.policy import SKIP
from pypipeline_engine.cellio import Input, InputPort, Output, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.core import lending
from pypipeline_engine.core.monitor import Monitor
from pypipeline_engine.exceptions import InactiveException, InvalidStateException
from pypipeline_engine.runtime.stage import Stage


class Seeing:
    """A function for a map, that tells how many items it had."""

    def __init__(self):
        self.seen = []

    def __call__(self, value):
        self.seen.append(value)
        return value

    def wait_for(self, number):
        in_time(lambda: wait_until(lambda: len(self.seen) >= number))


class Outer:
    """A scalable cell around a pipeline that a function fills: `fill(inner, port)` returns what its output port reads."""

    def __init__(self, parent, fill, name="outer"):
        self.boxes = []
        self.box = scaled(parent, name, lambda box: self._make(box, fill))

    def _make(self, box, fill):
        inner = Pipeline(box, "inner")
        last = fill(inner, InputPort(inner, "x"), self.boxes)
        if last is not None:
            Connection(last, OutputPort(inner, "y"))
        return inner


def line(function=lambda x: x, clones=2):
    """before -> box(map) -> after."""

    def fill(inner, port, boxes):
        before, box, after = Map(inner, "before"), scaled_map(inner, "box", function, clones), Map(inner, "after")
        boxes.append(box)
        Connection(port, before.x)
        chain(before, box, after)
        return after.y

    return fill


def skip_connection(function=lambda x: x, clones=2):
    """before -> box(map) -> join, and before -> join."""

    def fill(inner, port, boxes):
        before, box, join = Map(inner, "before"), scaled_map(inner, "box", function, clones), Join(inner, "join")
        boxes.append(box)
        Connection(port, before.x)
        chain(before, box)
        Connection(before.y, join.xs[0])
        Connection(box.get_output("y"), join.xs[1])
        return join.y

    return fill


def port_twice(function=lambda x: x, clones=2):
    """The port feeds a scaled cell and a way round it."""

    def fill(inner, port, boxes):
        box, join = scaled_map(inner, "box", function, clones), Join(inner, "join")
        boxes.append(box)
        Connection(port, box.get_input("x"))
        Connection(port, join.xs[1])
        Connection(box.get_output("y"), join.xs[0])
        return join.y

    return fill


def two_boxes(function=lambda x: x, clones=2):
    """A scaled pipeline of two cells, then a scaled cell, with a way round both."""

    def fill(inner, port, boxes):
        def two(box):
            pair = Pipeline(box, "pair")
            first, second = Map(pair, "first", function), Map(pair, "second")
            Connection(InputPort(pair, "x"), first.x)
            chain(first, second)
            Connection(second.y, OutputPort(pair, "y"))
            return pair

        boxes.append(scaled(inner, "pairs", two, clones))
        boxes.append(scaled_map(inner, "box", clones=1))
        join = Join(inner, "join")
        Connection(port, boxes[0].get_input("x"))
        chain(*boxes)
        Connection(port, join.xs[0])
        Connection(boxes[1].get_output("y"), join.xs[1])
        return join.y

    return fill


def box_alone(function=lambda x: x, clones=2):
    """Nothing but a scaled cell."""

    def fill(inner, port, boxes):
        boxes.append(scaled_map(inner, "box", function, clones))
        Connection(port, boxes[0].get_input("x"))
        return boxes[0].get_output("y")

    return fill


SHAPES = {
    "line": (line, lambda x: x),
    "skip": (skip_connection, lambda x: (x, x)),
    "port": (port_twice, lambda x: (x, x)),
    "two": (two_boxes, lambda x: (x, x)),
    "alone": (box_alone, lambda x: x),
}


def make(pipeline, shape, values=None, clones=2, function=lambda x: x):
    fill, result = SHAPES[shape]
    outer = Outer(pipeline, fill(function, clones))
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", values), outer.box, sink)
    return outer.box, outer.boxes, sink, result


def set_clones(box, number):
    difference = number - box.get_nb_clones()
    if difference > 0:
        box.scale_up(difference)
    elif difference:
        box.scale_down(-difference)


@pytest.mark.parametrize("clones", [0, 1, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_by_hand(pipeline, shape, clones):
    outer, boxes, sink, result = make(pipeline, shape, clones=clones)
    numbers = [box.get_nb_clones() for box in boxes]
    nb = 0
    with deployed(pipeline):
        for pulls in (0, 1, 2, 3, 7, 30):
            for _ in range(pulls):
                pipeline.pull()
            in_time(lambda: outer.scale_up(2))
            assert [box.get_nb_clones() for box in boxes] == numbers
            for _ in range(pulls):
                pipeline.pull()
            in_time(outer.scale_all_down)
            nb += 2 * pulls
        pipeline.pull()
    assert sink.items == [result(x) for x in range(nb + 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_while_a_run_goes(pipeline, shape):
    outer, boxes, sink, result = make(pipeline, shape, values=None)
    handle = pipeline.run()
    try:
        for number in range(16):
            wait_until(lambda n=number: len(sink.items) >= 40 * n)
            in_time(lambda n=number: set_clones(outer, (2, 0, 1, 0)[n % 4]))
            in_time(lambda n=number: set_clones(boxes[-1], (2, 3, 0)[n % 3]))
    finally:
        handle.stop()
    assert sink.items == [result(x) for x in range(len(sink.items))]


@pytest.mark.parametrize(("shape", "changes"), [("two", 1000), *((shape, 100) for shape in SHAPES)])
def test_a_thousand_changes_in_random_order(pipeline, shape, changes):
    outer, boxes, sink, result = make(pipeline, shape)
    random_ = random.Random(shape)
    nb = 0
    with deployed(pipeline):
        for _ in range(changes):
            box = random_.choice([outer, *boxes])
            in_time(lambda b=box: set_clones(b, random_.randint(0, 3)))
            for _ in range(random_.choice([0, 0, 1, 2, 5, 20])):
                pipeline.pull()
                nb += 1
    assert sink.items == [result(x) for x in range(nb)]


@pytest.mark.parametrize("nb_items", range(0, 24, 3))
@pytest.mark.parametrize("pulls", [0, 1, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_stream_ends_meanwhile(pipeline, shape, pulls, nb_items):
    """Shorter than what is done ahead, or a little longer: what is left arrives, and then the end."""
    outer, _, sink, result = make(pipeline, shape, values=range(nb_items))
    with deployed(pipeline):
        for _ in range(min(pulls, nb_items)):
            pipeline.pull()
        in_time(lambda: outer.scale_up(2))
        in_time(lambda: pull_all(pipeline))
        with pytest.raises(StopIteration):
            in_time(pipeline.pull)
        assert sink.items == [result(x) for x in range(nb_items)]
        in_time(pipeline.reset)
        in_time(lambda: pull_all(pipeline))
    assert sink.items == [result(x) for x in range(nb_items)] * 2


@pytest.mark.parametrize("shape", SHAPES)
def test_errors_and_gaps_meanwhile_are_values_in_their_place(pipeline, shape):
    def work(value):
        if value % 7 == 3:
            raise PassingError(str(value))
        return GAP if value % 7 == 4 else value

    fill, result = SHAPES[shape]
    outer = Outer(pipeline, fill(work))
    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source", range(80)), outer.box, sink)
    with deployed(pipeline):
        for number in (2, 0, 1, 0, 3):
            for _ in range(6):
                pipeline.pull()
            in_time(lambda n=number: set_clones(outer.box, n))
        pull_all(pipeline)
    assert len(sink.items) == 80
    for value, item in enumerate(sink.items):
        if value % 7 == 3:
            assert isinstance(item, PassingError)
            assert str(item) == str(value)
        else:
            assert item == (GAP if value % 7 == 4 else result(value))


def test_what_is_brought_to_readers_outside_waits_there(pipeline):
    """Two outputs of which one is ahead, because only one comes out of a scaled cell."""
    outer = ScalableCell(pipeline, "outer")
    inner = Pipeline(outer, "inner")
    fast, slow = scaled_map(inner, "fast", clones=3), Map(inner, "slow")
    port, outer_port = InputPort(inner, "x"), InputPort(outer, "x")
    Connection(outer_port, port)
    for name, cell in (("fast", fast), ("slow", slow)):
        Connection(port, cell.get_input("x"))
        Connection(cell.get_output("y"), OutputPort(inner, name))
        Connection(inner.get_output(name), OutputPort(outer, name))
    Connection(Source(pipeline, "source", range(100)).y, outer_port)
    sinks = [Collector(pipeline, "sink1"), Collector(pipeline, "sink2")]
    Connection(outer.get_output("fast"), sinks[0].x)
    Connection(outer.get_output("slow"), sinks[1].x)
    with deployed(pipeline):
        for number in (2, 0, 1, 0, 3):
            for _ in range(7):
                pipeline.pull()
            in_time(lambda n=number: set_clones(outer, n))
        pull_all(pipeline)
    assert [sink.items for sink in sinks] == [list(range(100))] * 2


class StatefulMap(Map):
    def supports_scaling(self):
        return False


@pytest.mark.parametrize("cls", [Map, StatefulMap])
@pytest.mark.parametrize("nb_sources", [1, 2])
def test_a_reader_outside_that_ran_ahead_costs_the_other_one_nothing(pipeline, cls, nb_sources):
    """The two ways through the pipeline have nothing in common inside, and are read at different rates outside."""
    outer = ScalableCell(pipeline, "outer")
    inner = Pipeline(outer, "inner")
    sources = [Source(pipeline, f"source{index}", range(60)) for index in range(nb_sources)]
    for index in range(2):
        cell = (Map if index else cls)(inner, f"cell{index}")
        Connection(InputPort(inner, f"x{index}"), cell.x)
        Connection(InputPort(outer, f"x{index}"), inner.get_input(f"x{index}"))
        Connection(cell.y, OutputPort(inner, f"y{index}"))
        Connection(inner.get_output(f"y{index}"), OutputPort(outer, f"y{index}"))
        Connection(sources[index % nb_sources].y, outer.get_input(f"x{index}"))
    ahead = scaled_map(pipeline, "ahead", clones=2)
    Connection(outer.get_output("y0"), ahead.get_input("x"))
    sinks = [Collector(pipeline, "sink0"), Collector(pipeline, "sink1")]
    connect(ahead, sinks[0])
    Connection(outer.get_output("y1"), sinks[1].x)
    with deployed(pipeline):
        for _ in range(5):
            pipeline.pull()
        in_time(outer.scale_up)
        pull_all(pipeline)
    assert [sink.items for sink in sinks] == [list(range(60))] * 2


@pytest.mark.parametrize("cls", [Map, StatefulMap])
@pytest.mark.parametrize("with_output", [False, True])
@pytest.mark.parametrize("pulls", [0, 1, 5])
def test_sinks_inside(pipeline, pulls, with_output, cls):
    """One of them is scaled, so that it is ahead of the steps; each has every item once."""
    seen, seen_by_box = [], []

    def fill(inner, port, boxes):
        first = cls(inner, "first")
        Connection(port, first.x)
        boxes.append(scaled_map(inner, "box", seen_by_box.append, 2))
        connect(first, boxes[0])
        connect(first, Map(inner, "last", seen.append))
        return first.y if with_output else None

    outer = Outer(pipeline, fill)
    source = Source(pipeline, "source", range(90))
    connect(source, outer.box)
    sink = Collector(pipeline, "sink")
    connect(outer.box if with_output else source, sink)
    with deployed(pipeline):
        for number in (2, 0, 3, 1, 0, 2):
            for _ in range(pulls):
                pipeline.pull()
            in_time(lambda n=number: set_clones(outer.box, n if cls is Map else min(n, 1)))
        pull_all(pipeline)
    assert sink.items == list(range(90))
    assert sorted(seen) == sorted(seen_by_box) == list(range(90))


@pytest.mark.parametrize("with_output", [False, True])
def test_an_error_of_a_sink_that_is_run_ahead_is_told(pipeline, with_output):
    def fail(value):
        if value % 5 == 4:
            raise CriticalError(str(value))

    def fill(inner, port, boxes):
        boxes.append(scaled_map(inner, "box", clones=2))
        last = Map(inner, "last", fail)
        Connection(port, boxes[0].get_input("x"))
        Connection(port, last.x)
        connect(boxes[0], Map(inner, "end"))
        return inner.get_internal_cell_with_name("end").y if with_output else None

    outer = Outer(pipeline, fill)
    source = Source(pipeline, "source", range(40))
    connect(source, outer.box)
    connect(outer.box if with_output else source, Collector(pipeline, "sink"))
    errors = []
    with deployed(pipeline):
        for number in range(41):
            if number == 3:
                in_time(outer.box.scale_up)
            try:
                pipeline.pull()
            except CriticalError as error:
                errors.append(str(error))
            except StopIteration:
                break
    assert errors == [str(value) for value in range(4, 40, 5)]


def test_dead_letters_have_the_numbers_of_their_items(pipeline):
    def fail(value):
        if value % 3 == 1:
            raise PassingError(str(value))
        return value

    outer, boxes, _, _ = make(pipeline, "skip", range(200), function=fail)
    boxes[0].set_error_policy(SKIP)
    random_ = random.Random(1)
    with deployed(pipeline):
        for _ in range(20):
            box = random_.choice([outer, *boxes])
            in_time(lambda b=box: set_clones(b, random_.randint(0, 3)))
            for _ in range(random_.randint(0, 6)):
                pipeline.pull()
        pull_all(pipeline)
        letters = statistics_of(pipeline).dead_letters
    assert sorted(letter.item for letter in letters) == list(range(1, 200, 3))


def test_stages_upstream_work_meanwhile_and_stages_downstream_wait(pipeline):
    up, down = scaled_map(pipeline, "up", clones=2), scaled_map(pipeline, "down", clones=2)
    outer = Outer(pipeline, skip_connection())
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(300)), up, outer.box, down, sink)
    with deployed(pipeline):
        for number in (2, 0, 1, 0, 3, 0, 1):
            for _ in range(9):
                pipeline.pull()
            in_time(lambda n=number: set_clones(outer.box, n))
        pull_all(pipeline)
    assert sink.items == [(x, x) for x in range(300)]


def test_undeploy_while_items_are_waited_for(pipeline, gate):
    """The two ways through the pipeline have a source each; the one with clones is ahead of the other."""
    outer = ScalableCell(pipeline, "outer")
    inner = Pipeline(outer, "inner")
    sinks = []
    ahead = Seeing()
    for name, clones in (("a", 2), ("b", 0)):
        cell = scaled_map(inner, name, ahead if clones else lambda x: x, clones)
        Connection(InputPort(inner, f"x{name}"), cell.get_input("x"))
        Connection(InputPort(outer, f"x{name}"), inner.get_input(f"x{name}"))
        Connection(cell.get_output("y"), OutputPort(inner, f"y{name}"))
        Connection(inner.get_output(f"y{name}"), OutputPort(outer, f"y{name}"))
        sinks.append(Collector(pipeline, f"sink{name}"))
        Connection(outer.get_output(f"y{name}"), sinks[-1].x)
    connect(Source(pipeline, "source1"), outer.get_input("xa"))
    gated = Map(pipeline, "gated", gate)
    connect(Source(pipeline, "source2"), gated)
    connect(gated, outer.get_input("xb"))
    gate.open(0, 1)
    pipeline.deploy()
    for _ in range(2):
        pipeline.pull()
    ahead.wait_for(5)
    scaling = Task(outer.scale_up)
    gate.wait_for(2)
    undeploying = Task(pipeline.undeploy)
    wait_until(lambda: pipeline._get_deployment().monitor.closed)
    gate.open(2)
    with pytest.raises(InactiveException):
        scaling.get()
    undeploying.get()
    assert outer.get_nb_clones() == 0
    gate.open()
    with deployed(pipeline):
        for _ in range(5):
            pipeline.pull()
        in_time(outer.scale_up)
        for _ in range(30):
            pipeline.pull()
    assert [sink.items for sink in sinks] == [[*range(2), *range(35)]] * 2


def test_reset_and_undeploy_right_behind(pipeline, gate):
    up = scaled_map(pipeline, "up", gate, 1)
    outer = Outer(pipeline, port_twice())
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), up, outer.box, sink)
    with deployed(pipeline):
        gate.open(*range(3))
        pipeline.pull()
        gate.wait_for(3)
        scaling = Task(outer.box.scale_up)
        resetting = Task(pipeline.reset)
        gate.open()
        for task in (scaling, resetting):
            task.get()
        for _ in range(20):
            pipeline.pull()
    assert sink.items[1:] == [(x, x) for x in range(20)]


class FailsToDeploy(Lifecycle):
    def __init__(self, parent_cell, name, log, failing):
        super().__init__(parent_cell, name, log, lambda event: event == "deploy" and bool(failing))


@pytest.mark.parametrize("number", [1, 2])
def test_a_clone_that_cannot_be_deployed_changes_nothing(pipeline, number):
    """With one clone, which is the inner cell itself, nothing is left to deploy but the clones inside of it."""
    failing, log = [], []

    def fill(inner, port, boxes):
        box = scaled(inner, "box", lambda box: FailsToDeploy(box, "map", log, failing), 1)
        boxes.append(box)
        join, odd = Join(inner, "join"), FailsToDeploy(inner, "odd", log, failing)
        Connection(port, box.get_input("x"))
        Connection(port, odd.x)
        Connection(box.get_output("y"), join.xs[0])
        connect(odd, join)
        return join.y

    outer = Outer(pipeline, fill)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(100)), outer.box, sink)
    with deployed(pipeline):
        for _ in range(3):
            pipeline.pull()
        failing.append(True)
        if number > 1:
            with pytest.raises(CriticalError):
                in_time(lambda: outer.box.scale_up(number))
            assert outer.box.get_nb_clones() == 0
            assert outer.boxes[0].get_nb_clones() == 1
        else:
            in_time(outer.box.scale_up)
        for _ in range(3):
            pipeline.pull()
        failing.clear()
        in_time(lambda: outer.box.scale_up(number))
        pull_all(pipeline)
    assert sink.items == [(x, x) for x in range(100)]


def test_nothing_runs_before_all_clones_have_been_deployed(pipeline):
    """Where one of them cannot be, the plan is made once more, under whatever runs."""
    failing, seen_when_deployed, seen = [], [], []

    def look(event):
        if event == "deploy" and failing:
            seen_when_deployed.append(len(seen))
            in_time(lambda: wait_until(lambda: all_started("p.outer.inner.box")))
            seen_when_deployed.append(len(seen))
        return event == "deploy" and bool(failing)

    class Looking(Lifecycle):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name, [], look)

    def fill(inner, port, boxes):
        boxes.append(scaled_map(inner, "box", seen.append, 2))
        boxes.append(scaled(inner, "looking", lambda box: Looking(box, "map"), 2))
        last = Join(inner, "last")
        for box in boxes:
            Connection(port, box.get_input("x"))
            connect(box, last)
        return last.y

    outer = Outer(pipeline, fill)
    outer.box.scale_up()
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(100)), outer.box, sink)
    with deployed(pipeline):
        pipeline.pull()
        failing.append(True)
        with pytest.raises(CriticalError):
            in_time(outer.box.scale_all_down)
        assert seen_when_deployed[0] == seen_when_deployed[1]
        failing.clear()
        pull_all(pipeline)
    assert sink.items == [(None, x) for x in range(100)]
    assert sorted(seen) == list(range(100))


def all_started(name):
    """Whether the threads of the two clones of a cell are there."""
    return sum(f" {name} #" in thread.name for thread in threading.enumerate()) >= 2


def test_ctrl_c_meanwhile_costs_one_item_and_the_change(pipeline):
    asked, ahead = [], Seeing()

    def break_once(value):
        if asked and value >= asked[0]:
            asked.clear()
            raise KeyboardInterrupt
        return value

    def fill(inner, port, boxes):
        boxes.append(scaled_map(inner, "box", ahead, 2))
        join, odd = Join(inner, "join"), Map(inner, "odd", break_once)
        Connection(port, boxes[0].get_input("x"))
        Connection(port, odd.x)
        connect(odd, join)
        Connection(boxes[0].get_output("y"), join.xs[1])
        return join.y

    outer = Outer(pipeline, fill)
    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source", range(100)), outer.box, sink)
    with deployed(pipeline):
        for _ in range(3):
            pipeline.pull()
        ahead.wait_for(7)
        asked.append(5)
        with pytest.raises(KeyboardInterrupt):
            in_time(outer.box.scale_up)
        assert outer.box.get_nb_clones() == 0
        assert outer.boxes[0].get_nb_clones() == 2
        for _ in range(3):
            pipeline.pull()
        in_time(outer.box.scale_up)
        pull_all(pipeline)
    assert sink.items == [GAP if x == 5 else (x, x) for x in range(100)]


def test_ctrl_c_between_two_cells_of_a_scaled_pipeline_inside(pipeline):
    """That one is to get its clones back, and is not level itself then."""
    asked, ahead = [], Seeing()

    def break_once(value):
        if asked and value >= asked[0]:
            asked.clear()
            raise KeyboardInterrupt
        return value

    def make_pair(box):
        pair = Pipeline(box, "pair")
        first, second = Map(pair, "first"), Map(pair, "second", break_once)
        Connection(InputPort(pair, "x"), first.x)
        connect(first, second)
        Connection(second.y, OutputPort(pair, "y"))
        return pair

    def fill(inner, port, boxes):
        boxes += [scaled_map(inner, "ahead", ahead, 3), scaled(inner, "pairs", make_pair, 1)]
        boxes[1].config_queue_capacity.set_value(1)
        join = Join(inner, "join")
        for box in boxes:
            Connection(port, box.get_input("x"))
            connect(box, join)
        return join.y

    outer = Outer(pipeline, fill)
    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source", range(100)), outer.box, sink)
    with deployed(pipeline):
        for _ in range(3):
            pipeline.pull()
        ahead.wait_for(10)
        asked.append(8)
        with pytest.raises(KeyboardInterrupt):
            in_time(outer.box.scale_up)
        assert [box.get_nb_clones() for box in (outer.box, *outer.boxes)] == [0, 3, 1]
        for _ in range(3):
            pipeline.pull()
        in_time(outer.box.scale_up)
        pull_all(pipeline)
    assert sink.items == [GAP if x == 8 else (x, x) for x in range(100)]


class Sometimes(ASingleCell):
    """Takes a value of its second input with every other item only."""

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x")
        self.other: Input[int] = Input(self, "other")
        self.y: Output[int] = Output(self, "y")
        self.number = 0

    def _on_pull(self):
        value = self.x.pull()
        if self.number % 2:
            self.other.pull()
        self.number += 1
        self.y.set_value(value)


@pytest.mark.parametrize("clones", [0, 1])
def test_a_cell_that_does_not_take_a_value_of_each_input_is_refused_by_name(pipeline, clones):
    def fill(inner, port, boxes):
        first, some = Map(inner, "first"), Sometimes(inner, "some")
        boxes.append(scaled_map(inner, "box", clones=clones))
        Connection(port, first.x)
        Connection(first.y, some.x)
        Connection(first.y, some.other)
        Connection(some.y, boxes[0].get_input("x"))
        return boxes[0].get_output("y")

    outer = Outer(pipeline, fill)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), outer.box, sink)
    with deployed(pipeline):
        for _ in range(10):
            pipeline.pull()
        with pytest.raises(
            InvalidStateException, match=r"p\.outer cannot .* p\.outer\.inner\.some, inside of it, has not"
        ):
            in_time(outer.box.scale_up)
        assert outer.box.get_nb_clones() == 0
        assert outer.boxes[0].get_nb_clones() == clones
        for _ in range(10):
            pipeline.pull()
    assert sink.items == list(range(20))


def test_two_ports_that_are_read_at_different_rates(pipeline):
    """What waits in front of each is for the tickets, which take one of each; nothing of the faster one is left out."""
    outer = ScalableCell(pipeline, "outer")
    inner = Pipeline(outer, "inner")
    some, last = Sometimes(inner, "some"), Map(inner, "last")
    connect(some, last)
    source = Source(pipeline, "source", range(60))
    for name in ("x", "other"):
        Connection(InputPort(inner, name), some.get_input(name))
        Connection(InputPort(outer, name), inner.get_input(name))
        Connection(source.y, outer.get_input(name))
    Connection(last.y, OutputPort(inner, "y"))
    Connection(inner.get_output("y"), OutputPort(outer, "y"))
    sink = Collector(pipeline, "sink")
    connect(outer, sink)
    with deployed(pipeline):
        for _ in range(10):
            pipeline.pull()
        in_time(lambda: outer.scale_up(2))
        pull_all(pipeline)
    assert sink.items == list(range(60))


def test_a_pipeline_that_keeps_state_gets_its_thread_while_its_inside_is_scaled(pipeline):
    def fill(inner, port, boxes):
        first, last = StatefulMap(inner, "first"), Join(inner, "last")
        boxes.append(scaled_map(inner, "box", clones=2))
        Connection(port, first.x)
        connect(first, boxes[0])
        connect(first, last)
        Connection(boxes[0].get_output("y"), last.xs[1])
        return last.y

    outer = Outer(pipeline, fill)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(200)), outer.box, sink)
    random_ = random.Random(3)
    with deployed(pipeline):
        for _ in range(30):
            box = random_.choice([outer.box, *outer.boxes])
            in_time(lambda b=box: set_clones(b, random_.randint(0, 1 if b is outer.box else 3)))
            for _ in range(random_.randint(0, 4)):
                pipeline.pull()
        pull_all(pipeline)
    assert sink.items == [(x, x) for x in range(200)]


@pytest.mark.parametrize("outermost_clones", [0, 1, 2])
def test_inside_of_another_one(pipeline, outermost_clones):
    """The outer one, its copy in each clone of another one included, gets its first clone."""
    inside = []

    def make_outermost(box):
        holder = Pipeline(box, "holder")
        inside.append(Outer(holder, skip_connection()))
        Connection(InputPort(holder, "x"), inside[0].box.get_input("x"))
        Connection(inside[0].box.get_output("y"), OutputPort(holder, "y"))
        return holder

    outermost = scaled(pipeline, "outermost", make_outermost, outermost_clones)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(600)), outermost, sink)
    random_ = random.Random(5)
    with deployed(pipeline):
        for _ in range(60):
            box = random_.choice([outermost, inside[0].box, *inside[0].boxes])
            in_time(lambda b=box: set_clones(b, random_.randint(0, 2)))
            for _ in range(random_.choice([0, 1, 4, 9])):
                pipeline.pull()
        pull_all(pipeline)
    assert sink.items == [(x, x) for x in range(600)]


@pytest.mark.parametrize("part", ["source", "before"])
def test_after_a_reset_of_a_part(pipeline, part):
    """Numbers of items do not tell any more which cell is ahead of which; what waits between them does."""
    outer, _, sink, _ = make(pipeline, "line", range(30))
    with deployed(pipeline):
        for _ in range(5):
            pipeline.pull()
        cell = pipeline.get_internal_cell_with_name("source")
        if part == "before":
            cell = outer.get_inner_cell().get_internal_cell_with_name("before")
        in_time(cell.reset)
        in_time(outer.scale_up)
        pull_all(pipeline)
    restart = sink.items.index(0, 1)
    assert sink.items == [*range(restart), *range(30)]
    assert restart >= 5


@pytest.mark.parametrize("clones", [1, 2])
@pytest.mark.parametrize("clones_on_cycle", [0, 1])
def test_on_a_cycle_that_leads_through_another_scaled_cell(pipeline, clones_on_cycle, clones):
    """What comes round passes a scaled cell outside, which brings nothing while the pipeline around it rests."""

    def fill(inner, port, boxes):
        boxes.append(scaled_map(inner, "box", clones=2))
        join = Join(inner, "join")
        Connection(port, boxes[0].get_input("x"))
        Connection(boxes[0].get_output("y"), join.xs[0])
        Connection(InputPort(inner, "last"), join.xs[1])
        return join.y

    outer = Outer(pipeline, fill)
    add = scaled_map(pipeline, "add", sum, clones_on_cycle)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(100)), outer.box, add, sink)
    add.get_output("y").set_initial_value(0)
    Connection(add.get_output("y"), outer.box.get_input("last"))
    with deployed(pipeline):
        for _ in range(4):
            pipeline.pull()
        in_time(lambda: outer.box.scale_up(clones))
        pull_all(pipeline)
    assert sink.items == [value * (value + 1) // 2 for value in range(100)]


def test_a_quick_cell_inside_is_not_run_too_far(pipeline, monkeypatch):
    """Whoever brings it to the level of the others borrows a clone of it, as the pulling thread does, item by item."""
    monkeypatch.setattr(lending.Pace, "is_quick", lambda self: True)

    def make(box):
        inner = Pipeline(box, "inner")
        ahead, behind = StatefulMap(inner, "ahead"), scaled_map(inner, "behind", clones=2)
        Connection(InputPort(inner, "x"), ahead.x)
        Connection(InputPort(inner, "z"), behind.get_input("x"))
        Connection(ahead.y, OutputPort(inner, "y"))
        Connection(behind.get_output("y"), OutputPort(inner, "w"))
        return inner

    source, outer = Source(pipeline, "source", range(200)), scaled(pipeline, "outer", make)
    sinks = [scaled(pipeline, "first", lambda box: Collector(box, "sink"), 1), Collector(pipeline, "second")]
    Connection(source.y, outer.get_input("x"))
    Connection(source.y, outer.get_input("z"))
    Connection(outer.get_output("y"), sinks[0].get_input("x"))
    Connection(outer.get_output("w"), sinks[1].x)
    first = sinks[0].get_inner_cell()
    with deployed(pipeline):
        pipeline.pull()
        in_time(lambda: wait_until(lambda: len(first.items) > 5))
        in_time(lambda: outer.scale_up(1))
        assert 5 < len(first.items) < 200
        pull_all(pipeline)
    assert first.items == sinks[1].items == list(range(200))


def test_results_that_are_being_handed_in_are_not_counted_as_taken_or_as_left_out(pipeline, gate):
    """Who brings the cells of a composite to one level counts what he takes, while a worker may hand in several results at
    once: that of an item which the later ones waited for, and theirs.
    """

    class Ready(deque):
        def append(self, result):
            super().append(result)
            gate(result)

    monitor = Monitor()
    stage = Stage(scaled_map(pipeline, "box"), "p.box", monitor, lambda _: None)
    stage.ready = stage.sequencer.ready = Ready()
    for number in range(3):
        assert stage.sequencer.open() == number
    stage.finish(2, "second")
    stage.finish(1, "first")

    def hand_in():
        with monitor.lock:
            stage.finish(0, "zeroth")

    handing_in = Task(hand_in)
    gate.wait_for("zeroth")
    gate.open("zeroth")
    gate.wait_for("first")
    assert [stage.ready.popleft() for _ in range(2)] == ["zeroth", "first"]
    counting = Task(lambda: stage.nb_taken)
    assert not counting.ends_within(0.05)
    gate.open()
    handing_in.get()
    assert counting.get() == 2

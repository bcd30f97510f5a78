"""A scaled cell divides its stream over threads, keeps the order, and can be scaled at any time."""

import threading
from itertools import count

import pytest
from stream_cells import (
    GAP,
    Collector,
    Lifecycle,
    Map,
    Source,
    Task,
    chain,
    connect,
    deployed,
    in_time,
    meeting_of,
    pull_all,
    scaled,
    scaled_map,
)

from pypipeline_engine.cell import (
    ASingleCell,
    CloningStrategy,
    NoScalingStrategy,
    Pipeline,
    ScalableCell,
    ThreadCloneCell,
)
from pypipeline_engine.cellio import Input, InputPort, Output, OutputPort, RuntimeParameter
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import (
    AlreadyDeployedException,
    InvalidInputException,
    NotDeployableException,
    ScalingNotSupportedException,
)


def line(pipeline, function=lambda x: x, clones=0, values=None):
    """source -> scaled map -> collector."""
    source = Source(pipeline, "source", values)
    box = scaled_map(pipeline, "box", function, clones)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    return box, sink


@pytest.mark.parametrize("clones", [0, 1, 2, 5])
def test_every_item_comes_once_and_in_order(pipeline, clones):
    _, sink = line(pipeline, lambda x: x * x, clones, range(200))
    with deployed(pipeline):
        assert pull_all(pipeline) == 200
    assert sink.items == [x * x for x in range(200)]


def test_without_clones_the_inner_cell_runs_in_the_thread_that_pulls(pipeline):
    _, sink = line(pipeline, lambda x: threading.get_ident())
    with deployed(pipeline):
        pipeline.pull()
    assert sink.items == [threading.get_ident()]


def test_clones_work_at_the_same_time(pipeline):
    _, sink = line(pipeline, meeting_of(3), 3, range(9))
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == list(range(9))


def test_results_come_in_order_whichever_clone_finishes_first(pipeline, gate):
    _, sink = line(pipeline, gate, 3)
    with deployed(pipeline):
        task = Task(pipeline.pull)
        gate.wait_for(0, 1, 2)
        gate.open(2)
        gate.wait_for(3)  # the clone that was let through is at its next item
        assert sink.items == []
        gate.open(1)
        gate.wait_for(4)
        assert not task.is_done()
        gate.open(0)
        task.get()
        gate.open()
        pipeline.pull()
        pipeline.pull()
    assert sink.items == [0, 1, 2]


def test_one_slow_item_does_not_idle_the_other_clone(pipeline, gate):
    _, sink = line(pipeline, gate, 2)
    gate.open(*range(1, 8))
    with deployed(pipeline):
        task = Task(pipeline.pull)
        gate.wait_for(*range(8))
        assert sink.items == []
        gate.open()
        task.get()


def test_the_queue_capacity_bounds_what_is_inside(pipeline, gate):
    box, sink = line(pipeline, gate, 4)
    box.config_queue_capacity.set_value(2)
    with deployed(pipeline):
        task = Task(pipeline.pull)
        gate.wait_for(0, 1)
        gate.open(1)
        gate.open(0)
        task.get()
        # One was taken out, so one more may come in: item 2, and never item 3 beside items 1 and 2.
        gate.wait_for(2)
        assert sorted(gate.arrived) == [0, 1, 2]
        gate.open()
    assert sink.items == [0]


def test_the_queue_capacity_can_only_be_set_while_not_deployed(pipeline):
    box, _ = line(pipeline, clones=1)
    with deployed(pipeline), pytest.raises(AlreadyDeployedException, match=r"p\.box\.queue_capacity"):
        box.config_queue_capacity.set_value(3)


# ---------------------------------------------------------------------- scaling while deployed


def test_scaling_up_while_deployed_adds_threads_that_work(pipeline):
    meet = meeting_of(3)
    box, sink = line(pipeline, lambda x: x if x < 5 else meet(x), 1, range(11))
    box.config_queue_capacity.set_value(3)
    with deployed(pipeline):
        pipeline.pull()
        box.scale_up(2)
        pull_all(pipeline)
    assert sink.items == list(range(11))


@pytest.mark.parametrize("steps", [(1, 3, 2, 4, 1), (0, 1, 0, 2, 0, 3, 0), (2, 0, 5, 1, 0, 1)])
def test_scaling_up_and_down_between_pulls_loses_and_repeats_nothing(pipeline, steps):
    box, sink = line(pipeline, lambda x: -x, steps[0])
    with deployed(pipeline):
        for number in steps * 3:
            box.scale_all_down()
            box.scale_up(number)
            assert box.get_nb_clones() == number
            for _ in range(7):
                pipeline.pull()
    assert sink.items == [-x for x in range(7 * 3 * len(steps))]


@pytest.mark.parametrize("low", [0, 1])
def test_scaling_up_and_down_in_a_loop_during_a_run_loses_and_repeats_nothing(pipeline, low):
    box, sink = line(pipeline, lambda x: -x, low)
    with pipeline.run():
        for number in range(40):
            target = (3, low, 2, low, low + 1, low)[number % 6]
            difference = target - box.get_nb_clones()
            in_time(lambda d=difference: box.scale_up(d) if d > 0 else box.scale_down(-d))
    assert len(sink.items) > 0
    assert sink.items == [-x for x in range(len(sink.items))]


def test_scaling_from_nothing_to_a_clone_during_an_endless_run_returns(pipeline):
    box, sink = line(pipeline)
    with pipeline.run():
        in_time(lambda: box.scale_up(2))
        in_time(box.scale_all_down)
    assert sink.items == list(range(len(sink.items)))


def test_a_clone_that_goes_away_finishes_its_item_first(pipeline, gate):
    box, sink = line(pipeline, gate, 2, range(4))
    with deployed(pipeline):
        pulling = Task(pipeline.pull)
        gate.wait_for(0, 1)
        scaling = Task(lambda: box.scale_down(2))
        gate.open()
        pulling.get()
        scaling.get()
        pull_all(pipeline)
    assert sink.items == [0, 1, 2, 3]


def test_after_scaling_down_to_nothing_the_item_runs_in_the_thread_that_pulls(pipeline):
    box, sink = line(pipeline, lambda x: (x, threading.get_ident()), 2, range(40))
    with deployed(pipeline):
        pipeline.pull()
        box.scale_all_down()
        pull_all(pipeline)
    assert [item for item, _ in sink.items] == list(range(40))
    assert sink.items[0][1] != threading.get_ident()
    assert sink.items[-1][1] == threading.get_ident()


def test_scaling_after_the_end_of_the_stream(pipeline):
    box, sink = line(pipeline, clones=1, values=range(3))
    with deployed(pipeline):
        pull_all(pipeline)
        for number in (0, 2, 0):
            box.scale_all_down()
            box.scale_up(number)
            with pytest.raises(StopIteration):
                in_time(pipeline.pull)
        pipeline.reset()
        pull_all(pipeline)
    assert sink.items == [0, 1, 2] * 2


def test_scaling_in_a_pipeline_with_a_way_round_the_scaled_cell(pipeline):
    source = Source(pipeline, "source", range(60))
    box = scaled_map(pipeline, "box", lambda x: -x, 2)
    sink = Collector(pipeline, "sink")
    join = PairUp(pipeline, "join")
    connect(source, box)
    Connection(box.get_output("y"), join.left)
    Connection(source.y, join.right)
    connect(join, sink)
    with deployed(pipeline):
        for number in (0, 3, 1, 0, 2):
            for _ in range(10):
                pipeline.pull()
            box.scale_all_down()
            box.scale_up(number)
        pull_all(pipeline)
    assert sink.items == [(-x, x) for x in range(60)]


class PairUp(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.left: Input[int] = Input(self, "left")
        self.right: Input[int] = Input(self, "right")
        self.y: Output[tuple[int, int]] = Output(self, "y")

    def _on_pull(self):
        self.y.set_value((self.left.pull(), self.right.pull()))


# ---------------------------------------------------------------------- the calls


def test_the_ways_to_scale(pipeline):
    box, _ = line(pipeline)
    box.scale_up(3)
    box.scale_one_up()
    box.scale_one_up(ThreadCloneCell)
    box.scale_one_up(method=ThreadCloneCell)
    assert box.get_nb_clones() == box.get_nb_clones(ThreadCloneCell) == 6
    box.scale_one_down(ThreadCloneCell)
    box.scale_down(2, ThreadCloneCell)
    box.scale_down(times=1, method=ThreadCloneCell)
    assert box.get_nb_clones() == 2
    box.scale_all_down()
    assert box.get_nb_clones() == 0
    box.scale_up(times=2, method=ThreadCloneCell)
    assert box.get_nb_clones() == 2


@pytest.mark.parametrize("times", [-1, 1.5, True, "2", None])
def test_an_odd_number_of_clones_is_refused(pipeline, times):
    box, _ = line(pipeline, clones=1)
    for change in (box.scale_up, box.scale_down):
        with pytest.raises(InvalidInputException, match=r"p\.box"):
            change(times)
    assert box.get_nb_clones() == 1


@pytest.mark.parametrize("is_deployed", [False, True])
def test_taking_away_more_clones_than_there_are_is_refused(pipeline, is_deployed):
    box, sink = line(pipeline, clones=2)
    if is_deployed:
        pipeline.deploy()
    with pytest.raises(InvalidInputException, match=r"p\.box has 2 clones"):
        box.scale_down(3)
    assert box.get_nb_clones() == 2
    if is_deployed:
        pipeline.pull()
        assert sink.items == [0]


def test_another_class_is_no_method(pipeline):
    box, _ = line(pipeline)
    with pytest.raises(InvalidInputException, match="ThreadCloneCell"):
        box.scale_up(1, Pipeline)


def test_no_scaling_strategy(pipeline):
    box, sink = line(pipeline, lambda x: threading.get_ident(), 2)
    with deployed(pipeline):
        pipeline.pull()
        box.set_scaling_strategy_type(NoScalingStrategy)
        assert box.get_nb_clones() == 0
        with pytest.raises(ScalingNotSupportedException, match=r"p\.box.*NoScalingStrategy"):
            box.scale_up()
        for _ in range(40):
            pipeline.pull()
        assert sink.items[-1] == threading.get_ident()
        box.set_scaling_strategy_type(CloningStrategy)
        box.scale_up()
        pipeline.pull()
        pipeline.pull()
        assert sink.items[-1] != threading.get_ident()


def test_a_strange_strategy_is_refused(pipeline):
    box, _ = line(pipeline)
    with pytest.raises(InvalidInputException, match=r"p\.box"):
        box.set_scaling_strategy_type(ThreadCloneCell)


class Counting(ASingleCell):
    """Keeps state, and therefore says that it cannot be scaled."""

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x")
        self.y: Output[tuple[int, int, int]] = Output(self, "y")
        self.number = count()

    def supports_scaling(self):
        return False

    def _on_pull(self):
        self.y.set_value((next(self.number), self.x.pull(), threading.get_ident()))


def counting_line(pipeline):
    source = Source(pipeline, "source", range(50))
    box = scaled(pipeline, "box", lambda box: Counting(box, "counting"))
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    return box, sink


@pytest.mark.parametrize("is_deployed", [False, True])
def test_a_second_clone_of_a_cell_that_cannot_be_scaled_is_refused(pipeline, is_deployed):
    box, _ = counting_line(pipeline)
    if is_deployed:
        pipeline.deploy()
    box.scale_up()
    with pytest.raises(ScalingNotSupportedException, match=r"p\.box\.counting"):
        box.scale_up()
    assert box.get_nb_clones() == 1


def test_a_cell_that_cannot_be_scaled_can_have_a_thread_of_its_own(pipeline):
    box, sink = counting_line(pipeline)
    box.scale_up()
    with deployed(pipeline):
        pull_all(pipeline)
    assert [item[:2] for item in sink.items] == [(x, x) for x in range(50)]
    assert {item[2] for item in sink.items}.isdisjoint({threading.get_ident()})
    assert len({item[2] for item in sink.items}) == 1


def test_a_cell_that_cannot_be_scaled_keeps_its_state_when_it_gets_a_thread_and_loses_it(pipeline):
    box, sink = counting_line(pipeline)
    with deployed(pipeline):
        for number in (0, 1, 0, 1, 0):
            box.scale_all_down()
            box.scale_up(number)
            for _ in range(5):
                pipeline.pull()
    assert [item[:2] for item in sink.items] == [(x, x) for x in range(25)]


def test_clones_asked_for_before_the_inner_cell_says_that_it_cannot_be_scaled(pipeline):
    source = Source(pipeline, "source")
    box = ScalableCell(pipeline, "box")
    box.scale_up(2)
    inner = Counting(box, "counting")
    Connection(InputPort(box, "x"), inner.x)
    connect(source, box)
    with pytest.raises(NotDeployableException, match=r"p\.box\.counting does not support scaling"):
        pipeline.deploy()


# ---------------------------------------------------------------------- cloning


class Configured(ASingleCell):
    """Takes arguments of its own, in all the ways there are."""

    def __init__(self, parent_cell, name, first, second=2, *rest, third=3, **others):
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x")
        self.y: Output[tuple] = Output(self, "y")
        self.gain: RuntimeParameter[float] = RuntimeParameter(self, "gain", default_value=1.0)
        self.arguments = (first, second, rest, third, others)

    def _on_pull(self):
        self.y.set_value((self.x.pull(), self.arguments, self.gain.pull()))


def test_clones_are_made_with_the_arguments_of_the_original(pipeline):
    source = Source(pipeline, "source", range(6))
    box = scaled(pipeline, "box", lambda box: Configured(box, "inner", 7, 8, 9, third=10, fourth=11), 3)
    box.get_inner_cell().gain.set_value(0.5)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(x, (7, 8, (9,), 10, {"fourth": 11}), 0.5) for x in range(6)]


def test_a_cell_made_by_keywords_can_be_cloned(pipeline):
    source = Source(pipeline, "source", range(6))
    box = scaled(pipeline, "box", lambda box: Configured(first=5, name="inner", parent_cell=box), 2)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(x, (5, 2, (), 3, {}), 1.0) for x in range(6)]


class PassesArgumentsOn(Map):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


@pytest.mark.parametrize("by_keyword", [False, True])
def test_a_cell_whose_constructor_only_passes_its_arguments_on_can_be_cloned(pipeline, by_keyword):
    source = Source(pipeline, "source", range(6))

    def make_inner(box):
        if by_keyword:
            return PassesArgumentsOn(parent_cell=box, name="inner", function=lambda x: -x)
        return PassesArgumentsOn(box, "inner", lambda x: -x)

    box = scaled(pipeline, "box", make_inner, 2)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [-x for x in range(6)]


class CannotBeMadeAgain(Map):
    def __init__(self, parent_cell, name, used_up):
        super().__init__(parent_cell, name)
        if used_up.is_set():
            raise TypeError("there is only one of these")
        used_up.set()


def test_a_cell_that_cannot_be_cloned_says_so_and_leaves_nothing_behind(pipeline):
    source = Source(pipeline, "source")
    box = scaled(pipeline, "box", lambda box: CannotBeMadeAgain(box, "inner", threading.Event()), 2)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    with pytest.raises(ScalingNotSupportedException, match=r"p\.box\.inner"):
        pipeline.deploy()
    assert not pipeline.is_deployed()
    box.scale_down()
    with deployed(pipeline):
        pipeline.pull()
    assert sink.items == [0]


def test_a_cell_that_cannot_be_cloned_is_refused_while_deployed_and_the_pipeline_goes_on(pipeline):
    source = Source(pipeline, "source")
    box = scaled(pipeline, "box", lambda box: CannotBeMadeAgain(box, "inner", threading.Event()), 1)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    with deployed(pipeline):
        pipeline.pull()
        with pytest.raises(ScalingNotSupportedException, match=r"p\.box\.inner"):
            box.scale_up()
        assert box.get_nb_clones() == 1
        pipeline.pull()
    assert sink.items == [0, 1]


class FailsFromTheSecondOn(Lifecycle):
    """The first one of these deploys, and the third; the second does not."""

    def __init__(self, parent_cell, name, log, number):
        super().__init__(parent_cell, name, log)
        self.number = number

    def _on_deploy(self):
        super()._on_deploy()
        if next(self.number) == 2:
            raise RuntimeError("no more licences")


def test_where_one_of_several_new_clones_cannot_be_deployed_the_number_stays_as_it_was(pipeline):
    log: list[tuple[str, str]] = []
    source = Source(pipeline, "source")
    box = scaled(pipeline, "box", lambda box: FailsFromTheSecondOn(box, "inner", log, count()), 1)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    pipeline.deploy()
    pipeline.pull()
    with pytest.raises(RuntimeError, match="no more licences") as raised:
        box.scale_up(3)
    assert any("p.box.inner" in note for note in raised.value.__notes__)
    assert box.get_nb_clones() == 1
    workers = [thread.name for thread in threading.enumerate() if "p.box" in thread.name]
    assert len(workers) == 1, f"{workers} work for a cell with one clone"
    pipeline.pull()
    pipeline.undeploy()
    assert sink.items == [0, 1]
    assert log.count(("deploy", "inner")) == log.count(("undeploy", "inner")) == 3


def test_parameters_of_the_inner_cell_reach_every_clone_while_running(pipeline):
    meet = threading.Barrier(3)

    class Gain(Map):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.gain: RuntimeParameter[int] = RuntimeParameter(self, "gain", default_value=1)

        def _on_pull(self):
            value = self.x.pull()
            meet.wait(5)  # so that each clone has one of every three items
            self.y.set_value(value * self.gain.pull())

    source = Source(pipeline, "source", [1] * 60)
    box = scaled(pipeline, "box", lambda box: Gain(box, "inner"), 3)
    box.config_queue_capacity.set_value(3)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    with deployed(pipeline):
        for _ in range(3):
            pipeline.pull()
        box.get_inner_cell().gain.set_value(10)
        pull_all(pipeline)
    # What was in work or finished when the value changed may be of the old one.
    assert sink.items[:3] == [1, 1, 1]
    assert sink.items[9:] == [10] * 51


def test_a_new_default_of_a_parameter_reaches_every_clone(pipeline):
    meet = threading.Barrier(3)

    class Gain(Map):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.gain: RuntimeParameter[int] = RuntimeParameter(self, "gain", default_value=1)

        def _on_pull(self):
            value = self.x.pull()
            meet.wait(5)
            self.y.set_value(value * self.gain.pull())

    source = Source(pipeline, "source", [1] * 60)
    box = scaled(pipeline, "box", lambda box: Gain(box, "inner"), 3)
    box.config_queue_capacity.set_value(3)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    with deployed(pipeline):
        for _ in range(3):
            pipeline.pull()
        box.get_inner_cell().gain.set_default_value(10)
        pull_all(pipeline)
    assert sink.items[9:] == [10] * 51


# ---------------------------------------------------------------------- ports


class TwoResults(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x")
        self.square: Output[int] = Output(self, "square")
        self.minus: Output[int] = Output(self, "minus")

    def _on_pull(self):
        value = self.x.pull()
        self.minus.set_value(-value)
        self.square.set_value(value * value)


@pytest.mark.parametrize("clones", [0, 1, 3])
def test_an_output_without_a_port_is_discarded(pipeline, clones):
    source = Source(pipeline, "source", range(30))
    box = ScalableCell(pipeline, "box")
    inner = TwoResults(box, "inner")
    Connection(InputPort(box, "x"), inner.x)
    Connection(inner.minus, OutputPort(box, "minus"))
    box.scale_up(clones)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [-x for x in range(30)]


@pytest.mark.parametrize("clones", [0, 1, 3])
def test_a_scaled_cell_without_any_port_for_its_outputs_is_a_sink(pipeline, clones):
    seen = []
    source = Source(pipeline, "source", range(30))
    box = ScalableCell(pipeline, "box")
    inner = Map(box, "inner", seen.append)
    Connection(InputPort(box, "x"), inner.x)
    box.scale_up(clones)
    connect(source, box)
    with deployed(pipeline):
        assert pull_all(pipeline) == 30
    assert sorted(seen) == list(range(30))


@pytest.mark.parametrize("clones", [0, 1, 3])
def test_ports_are_matched_by_name_and_not_by_position(pipeline, clones):
    source = Source(pipeline, "source", range(30))
    box = ScalableCell(pipeline, "box")
    inner = TwoResults(box, "inner")
    Connection(InputPort(box, "x"), inner.x)
    minus = OutputPort(box, "m")
    square = OutputPort(box, "s")
    Connection(inner.square, square)
    Connection(inner.minus, minus)
    box.scale_up(clones)
    join, sink = PairUp(pipeline, "join"), Collector(pipeline, "sink")
    connect(source, box)
    Connection(square, join.right)
    Connection(minus, join.left)
    connect(join, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(-x, x * x) for x in range(30)]


@pytest.mark.parametrize("clones", [0, 1, 3])
def test_one_input_port_feeds_several_inputs_of_what_is_inside(pipeline, clones):
    source = Source(pipeline, "source", range(30))
    box = ScalableCell(pipeline, "box")
    inner = PairUp(box, "inner")
    port = InputPort(box, "x")
    Connection(port, inner.left)
    Connection(port, inner.right)
    Connection(inner.y, OutputPort(box, "y"))
    box.scale_up(clones)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(x, x) for x in range(30)]


@pytest.mark.parametrize("clones", [0, 2])
def test_a_scaled_cell_may_be_filtered_into_gaps(pipeline, clones):
    _, sink = line(pipeline, lambda x: GAP if x % 3 else x, clones, range(30))
    with deployed(pipeline):
        assert pull_all(pipeline) == 10
    assert sink.items == list(range(0, 30, 3))


def test_a_scalable_cell_without_an_inner_cell_is_not_deployable(pipeline):
    ScalableCell(pipeline, "box")
    assert not pipeline.is_deployable()
    with pytest.raises(NotDeployableException, match=r"p\.box has no inner cell"):
        pipeline.deploy()


def test_a_scalable_cell_holds_one_cell(pipeline):
    box = ScalableCell(pipeline, "box")
    Map(box, "one")
    with pytest.raises(InvalidInputException, match=r"p\.box"):
        Map(box, "two")
    assert [cell.get_name() for cell in box.get_internal_cells()] == ["one"]

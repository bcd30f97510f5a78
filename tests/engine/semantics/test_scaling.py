"""A scaled cell divides its stream over threads, keeps the order, and can be scaled at any time."""

import threading
from itertools import count

import pytest
from stream_cells import (
    GAP,
    Collector,
    Join,
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
    wait_until,
)

from pypipeline_engine.cell import (
    ASingleCell,
    CloningStrategy,
    NoScalingStrategy,
    Pipeline,
    ScalableCell,
    ThreadCloneCell,
)
from pypipeline_engine.cellio import Input, InputPort, Output
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import (
    AlreadyDeployedException,
    InvalidInputException,
    ItemSkipped,
    NotDeployableException,
    ScalingNotSupportedException,
)
from pypipeline_engine.runtime.stage import Stage


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


def test_a_clone_goes_on_before_the_thread_runs_that_it_woke(pipeline, gate, monkeypatch):
    """With one item inside at most: that one counts as taken when somebody who waits for it is woken."""
    wait_for_result = Stage._wait_for_result

    def be_late(stage):
        has_result = wait_for_result(stage)
        gate.wait_for(0, 1)
        return has_result

    monkeypatch.setattr(Stage, "_wait_for_result", be_late)
    box, sink = line(pipeline, gate, 1, range(2))
    box.config_queue_capacity.set_value(1)
    with deployed(pipeline):
        task = Task(pipeline.pull)
        stage = pipeline._get_deployment().crew.get_stage(box)
        in_time(lambda: wait_until(lambda: stage.consumers))
        gate.open(0)
        task.get()
        gate.open()
        in_time(lambda: pull_all(pipeline))
    assert sink.items == [0, 1]


def test_ctrl_c_between_waking_and_taking_leaves_the_queue_as_narrow_as_it_was(pipeline, gate, monkeypatch):
    wait_for_result = Stage._wait_for_result

    def be_interrupted(stage):
        monkeypatch.setattr(Stage, "_wait_for_result", wait_for_result)
        wait_for_result(stage)
        raise KeyboardInterrupt

    monkeypatch.setattr(Stage, "_wait_for_result", be_interrupted)
    box, sink = line(pipeline, gate, 1, range(4))
    box.config_queue_capacity.set_value(1)
    with deployed(pipeline):
        stage = pipeline._get_deployment().crew.get_stage(box)
        interrupted = Task(pipeline.pull)
        in_time(lambda: wait_until(lambda: stage.consumers))
        gate.open(0)
        with pytest.raises(KeyboardInterrupt):
            interrupted.get()
        gate.open(1)
        in_time(lambda: wait_until(lambda: stage.idle))
        assert gate.arrived == [0, 1]
        gate.open()
        in_time(lambda: pull_all(pipeline))
    assert sink.items == [1, 2, 3], "what Ctrl-C came into is dropped"


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


@pytest.mark.timeout(120)  # a thousand changes
@pytest.mark.parametrize("low", [0, 1])
def test_scaling_up_and_down_in_a_loop_during_a_run_loses_and_repeats_nothing(pipeline, low):
    box, sink = line(pipeline, lambda x: -x, low)
    with pipeline.run():
        for number in range(1000):
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
    join = Join(pipeline, "join")
    connect(source, box)
    Connection(box.get_output("y"), join.xs[0])
    Connection(source.y, join.xs[1])
    connect(join, sink)
    with deployed(pipeline):
        for number in (0, 3, 1, 0, 2):
            for _ in range(10):
                pipeline.pull()
            box.scale_all_down()
            box.scale_up(number)
        pull_all(pipeline)
    assert sink.items == [(-x, x) for x in range(60)]


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


@pytest.mark.parametrize("back", [False, True])
def test_a_sink_that_is_ahead_of_another_one_when_it_loses_its_thread_does_no_step_twice(pipeline, gate, back):
    """The stream ended with it before the other one had everything."""
    source, ahead = Source(pipeline, "source", range(40)), []

    def remember(value):
        ahead.append(gate(value))
        return GAP if value % 5 == 4 else value

    box = scaled(pipeline, "box", lambda box: RememberingSink(box, "fast", remember), 1)
    slow = Collector(pipeline, "slow")
    connect(source, box)
    connect(source, slow)
    gate.open(*range(8))
    with deployed(pipeline):
        gate.wait_for(8)
        gate.open()
        in_time(box.scale_all_down)
        assert len(ahead) >= 8
        assert slow.items == []
        if back:  # and away again, with steps left from the first time
            pipeline.pull()
            in_time(box.scale_up)
            in_time(box.scale_all_down)
            in_time(box.scale_up)
            pipeline.pull()
        pull_all(pipeline)
    assert ahead == slow.items == list(range(40))


class RememberingSink(ASingleCell):
    """Calls a function with what arrives; `GAP` as its result skips the item."""

    def __init__(self, parent_cell, name, function):
        super().__init__(parent_cell, name)
        self.x = Input(self, "x")
        self.function = function

    def supports_scaling(self):
        return False

    def _on_pull(self):
        if self.function(self.x.pull()) is GAP:
            raise ItemSkipped

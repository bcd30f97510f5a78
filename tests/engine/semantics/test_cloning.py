"""Clones are made like the cell that they are clones of, and follow its parameters."""

import threading
from itertools import count

import pytest
from stream_cells import (
    Collector,
    Lifecycle,
    Map,
    Source,
    add_ports,
    chain,
    deployed,
    in_time,
    pull_all,
    scaled,
)

from pypipeline_engine.cell import ASingleCell, ErrorPolicy, NoScalingStrategy, Pipeline, ScalableCell
from pypipeline_engine.cellio import Input, Output, RuntimeParameter
from pypipeline_engine.exceptions import ScalingNotSupportedException


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


def test_where_a_clone_inside_of_a_new_clone_cannot_be_deployed_the_number_stays_as_it_was(pipeline):
    log: list[tuple[str, str]] = []

    def make_inside(box):
        inside = Pipeline(box, "inside")
        number = count()
        add_ports(inside, scaled(inside, "inner", lambda inner: FailsFromTheSecondOn(inner, "cell", log, number), 1))
        return inside

    source, sink = Source(pipeline, "source"), Collector(pipeline, "sink")
    box = scaled(pipeline, "box", make_inside, 1)
    chain(source, box, sink)
    pipeline.deploy()
    pipeline.pull()
    with pytest.raises(RuntimeError, match="no more licences"):
        box.scale_up(2)
    assert box.get_nb_clones() == 1
    assert len([thread for thread in threading.enumerate() if "p.box" in thread.name]) == 2
    pipeline.pull()
    in_time(pipeline.undeploy)
    assert sink.items == [0, 1]
    assert log.count(("deploy", "cell")) == log.count(("undeploy", "cell")) == 3


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


@pytest.mark.parametrize("set_before", [False, True])
def test_a_run_of_a_cell_that_begins_after_a_parameter_was_set_sees_the_new_value(pipeline, new_gate, set_before):
    """Also in a clone of a clone, and in one that is made later."""
    gate = new_gate()

    class Gain(Map):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.gain: RuntimeParameter[int] = RuntimeParameter(self, "gain", default_value=1)

        def _on_pull(self):
            gate(self.x.pull())
            self.y.set_value(self.gain.pull())

    def make_inside(box):
        inside = Pipeline(box, "inside")
        add_ports(inside, scaled(inside, "inner", lambda inner: Gain(inner, "gain"), 1))
        return inside

    box, sink = scaled(pipeline, "outer", make_inside, 2), Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(8)), box, sink)
    gain = box.get_inner_cell().get_internal_cell_with_name("inner").get_inner_cell().gain
    if set_before:
        gain.set_value(2)
    with deployed(pipeline):
        gate.wait_for(0, 1)
        gain.set_value(3)
        box.scale_up()
        gate.open()
        pull_all(pipeline)
    assert sink.items == [3] * 8


def test_a_clone_has_parameter_values_of_its_own_and_all_else_that_was_set(pipeline):
    """What follows the original is only the clone that a deployment makes."""
    inner = Pipeline(pipeline, "inner")
    box = scaled(inner, "box", lambda box: Configured(box, "cell", 1), 2)
    box.get_inner_cell().gain.set_value(0.5)
    box.set_ray_options({"num_cpus": 2})
    policy = ErrorPolicy(retries=2)
    box.set_error_policy(policy)
    fixed = scaled(inner, "fixed", lambda box: Configured(box, "cell", 2))
    fixed.set_scaling_strategy_type(NoScalingStrategy)
    copy = inner.clone(None)
    twin = copy.get_internal_cell_with_name("box")
    assert twin.get_nb_clones() == 2
    assert twin.get_ray_options() == {"num_cpus": 2}
    assert twin.get_error_policy() == policy
    assert copy.get_internal_cell_with_name("fixed").get_scaling_strategy_type() is NoScalingStrategy
    assert twin.get_inner_cell().gain.get_value() == 0.5
    twin.get_inner_cell().gain.set_value(0.25)
    assert box.get_inner_cell().gain.get_value() == 0.5
    with pytest.raises(ScalingNotSupportedException):
        copy.get_internal_cell_with_name("fixed").scale_up()


def test_clones_are_deployed_with_the_strategy_of_the_original_further_inside(pipeline):
    outer = ScalableCell(pipeline, "outer")
    inside = Pipeline(outer, "inside")
    fixed = scaled(inside, "fixed", lambda box: Map(box, "map"))
    fixed.set_scaling_strategy_type(NoScalingStrategy)
    add_ports(inside, fixed)
    add_ports(outer, inside)
    outer.scale_up(2)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(9)), outer, sink)
    with deployed(pipeline):
        pull_all(pipeline)
        with pytest.raises(ScalingNotSupportedException):
            fixed.scale_up()
    assert sink.items == list(range(9))

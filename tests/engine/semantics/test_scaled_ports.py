"""The ports of a scaled cell: matched by name, discarded where there is none, and one value of each for every ticket."""

import pytest
from stream_cells import (
    GAP,
    Collector,
    Join,
    Map,
    Source,
    add_ports,
    chain,
    connect,
    deployed,
    pull_all,
    scaled,
    scaled_map,
)

from pypipeline_engine.cell import (
    ASingleCell,
    ScalableCell,
)
from pypipeline_engine.cellio import Input, InputPort, Output, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import (
    InvalidInputException,
    NotDeployableException,
)


def line(pipeline, function=lambda x: x, clones=0, values=None):
    """source -> scaled map -> collector."""
    source = Source(pipeline, "source", values)
    box = scaled_map(pipeline, "box", function, clones)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    return box, sink


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
    join, sink = Join(pipeline, "join"), Collector(pipeline, "sink")
    connect(source, box)
    Connection(square, join.xs[1])
    Connection(minus, join.xs[0])
    connect(join, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(-x, x * x) for x in range(30)]


@pytest.mark.parametrize("clones", [0, 1, 3])
def test_one_input_port_feeds_several_inputs_of_what_is_inside(pipeline, clones):
    source = Source(pipeline, "source", range(30))
    box = ScalableCell(pipeline, "box")
    inner = Join(box, "inner")
    port = InputPort(box, "x")
    Connection(port, inner.xs[0])
    Connection(port, inner.xs[1])
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


@pytest.mark.parametrize("clones", [1, 3])
def test_a_scaled_cell_without_inputs_is_a_source(pipeline, clones):
    class Constant(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.y = Output(self, "y")

        def _on_pull(self):
            self.y.set_value(7)

    sink = Collector(pipeline, "sink")
    chain(scaled(pipeline, "box", lambda box: Constant(box, "constant"), clones), sink)
    with deployed(pipeline):
        for _ in range(5):
            pipeline.pull()
    assert sink.items == [7] * 5


@pytest.mark.parametrize("scales", [False, True])
def test_a_scalable_cell_as_a_pipeline_of_its_own(scales):
    class Source2(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.good, self.bad = Output(self, "good"), Output(self, "bad", lambda value: value != 2)
            self.number = 0

        def supports_scaling(self):
            return scales

        def _on_pull(self):
            self.number += 1
            self.good.set_value(self.number)
            self.bad.set_value(self.number)

    root = ScalableCell(None, "root")
    add_ports(root, Source2(root, "inner"))
    root.scale_up(1)
    with deployed(root):
        root.pull()
        assert [root.get_output(name).get_value() for name in ("good", "bad")] == [1, 1]
        with pytest.raises(InvalidInputException):
            root.pull()
        assert [root.get_output(name).get_value() for name in ("good", "bad")] == [1, 1]
        root.pull()
        assert root.get_output("good").get_value() == 3

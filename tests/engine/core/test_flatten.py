"""From the tree of cells to the graph of what runs."""

from __future__ import annotations

import pytest

from pypipeline_engine.cell import ACell, ASingleCell, NoScalingStrategy, Pipeline, ScalableCell
from pypipeline_engine.cellio import Input, InputPort, Output, OutputPort, RuntimeParameter
from pypipeline_engine.connection import Connection
from pypipeline_engine.core.values import UNSET
from pypipeline_engine.runtime.flatten import FlatGraph, Link, flatten, pulls_its_inside


class Source(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.out = Output(self, "out")

    def _on_pull(self):
        self.out.set_value(0)


class Through(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.into = Input(self, "into")
        self.gain = RuntimeParameter(self, "gain", default_value=1)
        self.out = Output(self, "out")

    def _on_pull(self):
        self.out.set_value(self.into.pull())


class Stateful(Through):
    def supports_scaling(self):
        return False


class Sink(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.into = Input(self, "into")

    def _on_pull(self):
        self.into.pull()


def box(parent, name, kind=Pipeline, inner=Through):
    """A composite around one cell, with a port on each side."""
    outer = kind(parent, name)
    outer.into = InputPort(outer, "into")
    outer.out = OutputPort(outer, "out")
    outer.inner = inner(outer, "inner")
    Connection(outer.into, outer.inner.into)
    Connection(outer.inner.out, outer.out)
    return outer


def chain(parent, *ends):
    for source, target in ends:
        Connection(source, target)


def describe(graph: FlatGraph) -> set[tuple[str, str]]:
    return {(link.source.get_full_name(), link.target.get_full_name()) for link in graph.links}


def names(cells: list[ACell]) -> list[str]:
    return [cell.get_full_name() for cell in cells]


def get_link(graph: FlatGraph, target: str) -> Link:
    (link,) = [link for link in graph.links if link.target.get_full_name() == target]
    return link


@pytest.fixture
def pipe() -> Pipeline:
    return Pipeline(None, "pipe")


def test_composites_and_ports_vanish(pipe: Pipeline) -> None:
    source = Source(pipe, "source")
    nested = box(pipe, "outer", inner=lambda parent, name: box(parent, name))
    sink = Sink(pipe, "sink")
    chain(pipe, (source.out, nested.into), (nested.out, sink.into))
    graph = flatten(pipe)
    assert names(graph.cells) == ["pipe.source", "pipe.outer.inner.inner", "pipe.sink"]
    assert graph.nodes == graph.cells
    assert describe(graph) == {
        ("pipe.source.out", "pipe.outer.inner.inner.into"),
        ("pipe.outer.inner.inner.out", "pipe.sink.into"),
    }
    link = get_link(graph, "pipe.outer.inner.inner.into")
    assert [port.get_full_name() for port in link.through] == ["pipe.outer.inner.into", "pipe.outer.into"]
    assert (link.producer, link.reader) == (source, nested.inner.inner)
    assert not link.recurrent


def test_a_port_may_lead_straight_through(pipe: Pipeline) -> None:
    source, sink = Source(pipe, "source"), Sink(pipe, "sink")
    empty = Pipeline(pipe, "empty")
    into, out = InputPort(empty, "into"), OutputPort(empty, "out")
    chain(pipe, (source.out, into), (into, out), (out, sink.into))
    graph = flatten(pipe)
    assert describe(graph) == {("pipe.source.out", "pipe.sink.into")}
    assert graph.links[0].through == (out, into)


def test_an_output_may_have_several_readers_and_a_port_too(pipe: Pipeline) -> None:
    source = Source(pipe, "source")
    inside = Pipeline(pipe, "inside")
    port = InputPort(inside, "into")
    sinks = [Sink(inside, "a"), Sink(inside, "b"), Sink(pipe, "c")]
    chain(pipe, (source.out, port), (port, sinks[0].into), (port, sinks[1].into), (source.out, sinks[2].into))
    graph = flatten(pipe)
    assert describe(graph) == {("pipe.source.out", f"pipe.{name}.into") for name in ("inside.a", "inside.b", "c")}
    assert len(graph.links_from[source]) == 3
    assert [graph.links_to[sink] for sink in sinks] == [[link] for link in graph.links]
    assert graph.find_sinks() == set(sinks)


def test_an_input_that_is_not_connected_has_no_link_and_a_connected_parameter_has_one(pipe: Pipeline) -> None:
    source, through = Source(pipe, "source"), Through(pipe, "through")
    assert flatten(pipe).links == []
    Connection(source.out, through.gain)
    assert describe(flatten(pipe)) == {("pipe.source.out", "pipe.through.gain")}


def test_the_output_ports_of_the_root_read_what_is_inside(pipe: Pipeline) -> None:
    source = Source(pipe, "source")
    out, unconnected = OutputPort(pipe, "out"), OutputPort(pipe, "unconnected")
    Connection(source.out, out)
    graph = flatten(pipe)
    assert describe(graph) == {("pipe.source.out", "pipe.out")}
    assert graph.links[0].reader is pipe
    assert graph.find_sinks() == set()
    assert not unconnected.is_connected()


def test_a_single_cell_is_a_graph_of_itself() -> None:
    source = Source(None, "source")
    graph = flatten(source)
    assert (graph.cells, graph.nodes, graph.links, graph.find_sinks()) == ([source], [source], [], {source})


class TestRecurrence:
    def test_the_link_that_closes_a_cycle_has_the_initial_value(self, pipe: Pipeline) -> None:
        first, second, sink = Through(pipe, "first"), Through(pipe, "second"), Sink(pipe, "sink")
        second.out.set_initial_value(None)
        chain(pipe, (first.out, second.into), (second.out, first.into), (second.out, sink.into))
        graph = flatten(pipe)
        back = get_link(graph, "pipe.first.into")
        assert back.recurrent
        assert back.initial_value is None
        for target in ("pipe.second.into", "pipe.sink.into"):
            assert not get_link(graph, target).recurrent
            assert get_link(graph, target).initial_value is UNSET

    def test_it_may_pass_through_ports(self, pipe: Pipeline) -> None:
        nested = box(pipe, "nested")
        nested.out.set_initial_value(7)
        back = Through(pipe, "back")
        chain(pipe, (nested.out, back.into), (back.out, nested.into))
        graph = flatten(pipe)
        assert get_link(graph, "pipe.back.into").initial_value == 7
        assert not get_link(graph, "pipe.nested.inner.into").recurrent

    def test_a_cell_that_only_feeds_back_is_a_sink(self, pipe: Pipeline) -> None:
        cell = Through(pipe, "cell")
        cell.out.set_initial_value(0)
        Connection(cell.out, cell.into)
        graph = flatten(pipe)
        assert graph.links[0].recurrent
        assert graph.find_sinks() == {cell}

    def test_of_a_cycle_that_nobody_reads_one_cell_is_a_sink(self, pipe: Pipeline) -> None:
        first, second = Through(pipe, "first"), Through(pipe, "second")
        second.out.set_initial_value(0)
        chain(pipe, (first.out, second.into), (second.out, first.into))
        assert flatten(pipe).find_sinks() == {second}

    def test_a_cycle_that_somebody_reads_has_no_sink_of_its_own(self, pipe: Pipeline) -> None:
        first, second, sink = Through(pipe, "first"), Through(pipe, "second"), Sink(pipe, "sink")
        second.out.set_initial_value(0)
        chain(pipe, (first.out, second.into), (second.out, first.into), (first.out, sink.into))
        assert flatten(pipe).find_sinks() == {sink}

    def test_a_scaled_cell_on_a_cycle_is_found(self, pipe: Pipeline) -> None:
        on_it, beside = box(pipe, "on_it", ScalableCell), box(pipe, "beside", ScalableCell)
        on_it.out.set_initial_value(0)
        chain(pipe, (on_it.out, on_it.into), (on_it.out, beside.into))
        on_it.scale_up(1)
        beside.scale_up(2)
        assert flatten(pipe).find_stages_on_cycles() == [on_it]


class TestScaled:
    def make(self, pipe: Pipeline, clones: int, inner: type[ACell] = Through) -> tuple[Source, ScalableCell, Sink]:
        source = Source(pipe, "source")
        scaled = box(pipe, "scaled", ScalableCell, inner)
        sink = Sink(pipe, "sink")
        chain(pipe, (source.out, scaled.into), (scaled.out, sink.into))
        scaled.scale_up(clones)
        return source, scaled, sink

    def test_without_a_clone_it_vanishes(self, pipe: Pipeline) -> None:
        _, scaled, _ = self.make(pipe, 0)
        graph = flatten(pipe)
        assert graph.stages == []
        assert not graph.is_stage(scaled)
        assert describe(graph) == {
            ("pipe.source.out", "pipe.scaled.inner.into"),
            ("pipe.scaled.inner.out", "pipe.sink.into"),
        }

    def test_with_clones_it_stays_as_one_node(self, pipe: Pipeline) -> None:
        source, scaled, sink = self.make(pipe, 2)
        graph = flatten(pipe)
        assert graph.is_stage(scaled)
        assert (graph.cells, graph.stages, graph.nodes) == ([source, sink], [scaled], [source, scaled, sink])
        assert describe(graph) == {("pipe.source.out", "pipe.scaled.into"), ("pipe.scaled.out", "pipe.sink.into")}
        assert graph.own_thread == {}

    def test_what_is_inside_is_a_graph_of_its_own(self, pipe: Pipeline) -> None:
        _, scaled, _ = self.make(pipe, 2)
        graph = flatten(scaled, wanted_outputs=["out"])
        assert graph.cells == [scaled.get_inner_cell()]
        assert graph.stages == []
        assert describe(graph) == {
            ("pipe.scaled.into", "pipe.scaled.inner.into"),
            ("pipe.scaled.inner.out", "pipe.scaled.out"),
        }
        assert get_link(graph, "pipe.scaled.inner.into").producer is scaled

    def test_of_a_clone_only_the_outputs_are_read_that_somebody_wants(self, pipe: Pipeline) -> None:
        _, scaled, _ = self.make(pipe, 2)
        graph = flatten(scaled, wanted_outputs=[])
        assert describe(graph) == {("pipe.scaled.into", "pipe.scaled.inner.into")}
        assert scaled.get_inner_cell() in graph.find_sinks()

    def test_one_that_is_the_root_stays_as_one_node(self) -> None:
        root = ScalableCell(None, "root")
        Source(root, "source")
        root.scale_up(2)
        graph = flatten(root)
        assert (graph.cells, graph.stages, graph.links) == ([], [root], [])

    def test_the_strategy_takes_the_clones_away(self, pipe: Pipeline) -> None:
        _, scaled, _ = self.make(pipe, 2)
        scaled.set_scaling_strategy_type(NoScalingStrategy)
        assert flatten(pipe).stages == []

    def test_one_that_cannot_be_scaled_keeps_its_cells_in_the_graph(self, pipe: Pipeline) -> None:
        source, scaled, sink = self.make(pipe, 1, Stateful)
        inner = scaled.get_inner_cell()
        assert pulls_its_inside(scaled)
        graph = flatten(pipe)
        assert graph.nodes == [source, scaled, inner, sink]
        assert graph.own_thread == {inner: scaled}
        # Its thread pulls the output port from inside, and the input past the port.
        assert describe(graph) == {
            ("pipe.source.out", "pipe.scaled.inner.into"),
            ("pipe.scaled.inner.out", "pipe.scaled.out"),
            ("pipe.scaled.out", "pipe.sink.into"),
        }
        assert get_link(graph, "pipe.scaled.out").reader is scaled

    def test_an_output_port_that_nobody_reads_is_not_pulled_by_such_a_thread(self, pipe: Pipeline) -> None:
        _, scaled, sink = self.make(pipe, 1, Stateful)
        sink.into.get_incoming_connections()[0].delete()
        graph = flatten(pipe)
        assert ("pipe.scaled.inner.out", "pipe.scaled.out") not in describe(graph)
        assert scaled.get_inner_cell() in graph.find_sinks()

    def test_nested_in_one_that_cannot_be_scaled(self, pipe: Pipeline) -> None:
        """The inner scaled cell and all plain cells beside it belong to the thread of the outer one."""

        class Group(Pipeline):
            def __init__(self, parent_cell, name):
                super().__init__(parent_cell, name)
                self.into, self.out = InputPort(self, "into"), OutputPort(self, "out")
                self.before = Stateful(self, "before")
                self.scaled = box(self, "scaled", ScalableCell)
                chain(self, (self.into, self.before.into), (self.before.out, self.scaled.into))
                Connection(self.scaled.out, self.out)
                self.scaled.scale_up(2)

        source, outer, sink = self.make(pipe, 1, Group)
        group = outer.get_inner_cell()
        graph = flatten(pipe)
        assert graph.nodes == [source, outer, group.before, group.scaled, sink]
        assert graph.own_thread == {group.before: outer, group.scaled: outer}
        assert describe(graph) == {
            ("pipe.source.out", "pipe.scaled.inner.before.into"),
            ("pipe.scaled.inner.before.out", "pipe.scaled.inner.scaled.into"),
            ("pipe.scaled.inner.scaled.out", "pipe.scaled.out"),
            ("pipe.scaled.out", "pipe.sink.into"),
        }

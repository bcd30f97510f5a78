"""Skipped items leave gaps, joins stay paired, and an input that was not pulled keeps its place."""

import pytest
from stream_cells import (
    GAP,
    Collector,
    Join,
    Map,
    Recorder,
    Source,
    chain,
    connect,
    deployed,
    pull_all,
    scaled,
    scaled_map,
)

from pypipeline_engine.cell import ASingleCell, Pipeline
from pypipeline_engine.cellio import Input, InputPort, Output, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import ItemSkipped

CLONES = pytest.mark.parametrize("clones", [0, 1, 3])


def keep(*places):
    return lambda value: value if value in places else GAP


@CLONES
def test_pull_repeats_until_an_item_comes(pipeline, clones):
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(10)), scaled_map(pipeline, "box", keep(3, 7), clones), sink)
    with deployed(pipeline):
        pipeline.pull()
        assert sink.items == [3]
        pipeline.pull()
        assert sink.items == [3, 7]
        with pytest.raises(StopIteration):
            pipeline.pull()


@CLONES
def test_a_gap_is_seen_once_by_every_reader(pipeline, clones):
    source = Source(pipeline, "source", range(5))
    box = scaled_map(pipeline, "box", keep(0, 1, 3), clones)
    connect(source, box)
    sinks = [Recorder(pipeline, f"sink{number}") for number in range(3)]
    for sink in sinks:
        connect(box, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert [sink.items for sink in sinks] == [[0, 1, GAP, 3, GAP]] * 3


@CLONES
def test_pull_does_not_repeat_where_one_sink_got_an_item(pipeline, clones):
    source = Source(pipeline, "source", range(6))
    everything, some = Collector(pipeline, "everything"), Collector(pipeline, "some")
    chain(source, scaled_map(pipeline, "box", keep(2, 5), clones), some)
    connect(source, everything)
    with deployed(pipeline):
        pipeline.pull()
        assert (everything.items, some.items) == ([0], [])
        assert pull_all(pipeline) == 5
    assert (everything.items, some.items) == ([0, 1, 2, 3, 4, 5], [2, 5])


@CLONES
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_filter_on_one_branch_keeps_joins_paired(pipeline, clones, order):
    source = Source(pipeline, "source", range(20))
    left = scaled_map(pipeline, "left", lambda x: GAP if x % 3 == 0 else x, clones)
    right = scaled_map(pipeline, "right", lambda x: GAP if x % 4 == 0 else x, clones)
    join, sink = Join(pipeline, "join", 2, order), Collector(pipeline, "sink")
    for branch in (left, right):
        chain(source, branch, join)
    connect(join, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(x, x) for x in range(20) if x % 3 and x % 4]


@CLONES
def test_a_chain_of_joins_behind_a_filter_stays_paired(pipeline, clones):
    source = Source(pipeline, "source", range(20))
    odd = scaled_map(pipeline, "odd", lambda x: x if x % 2 else GAP, clones)
    first, second, sink = Join(pipeline, "first"), Join(pipeline, "second"), Collector(pipeline, "sink")
    connect(source, odd)
    connect(source, first)
    connect(odd, first)
    connect(first, second)
    connect(source, second)
    connect(second, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [((x, x), x) for x in range(1, 20, 2)]


@CLONES
def test_a_cell_may_leave_a_gap_without_pulling_its_inputs(pipeline, clones):
    """The inputs advance by one all the same, so that the cell's readers stay paired with the source's."""

    class EveryOther(Map):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.number = 0

        def supports_scaling(self):
            return clones <= 1

        def _on_pull(self):
            self.number += 1
            if self.number % 2 == 0:
                raise ItemSkipped
            self.y.set_value(self.x.pull())

    source = Source(pipeline, "source", range(10))
    every_other = scaled(pipeline, "box", lambda box: EveryOther(box, "every other"), min(clones, 1))
    join, sink = Join(pipeline, "join"), Collector(pipeline, "sink")
    chain(source, every_other, join)
    connect(source, join)
    connect(join, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(x, x) for x in range(0, 10, 2)]


@CLONES
def test_a_cell_may_catch_a_gap_and_go_on_to_the_next_item(pipeline, clones):
    class Fill(ASingleCell):
        """Lists of three, gaps left out."""

        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.x: Input[int] = Input(self, "x")
            self.y: Output[list[int]] = Output(self, "y")

        def supports_scaling(self):
            return False

        def _on_pull(self):
            values = []
            while len(values) < 3:
                try:
                    values.append(self.x.pull())
                except ItemSkipped:
                    continue
            self.y.set_value(values)

    sink = Collector(pipeline, "sink")
    chain(
        Source(pipeline, "source", range(20)),
        scaled_map(pipeline, "box", lambda x: GAP if x % 2 else x, clones),
        Fill(pipeline, "fill"),
        sink,
    )
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [[0, 2, 4], [6, 8, 10], [12, 14, 16]]


def test_after_an_abort_every_input_advances_to_the_most_that_was_taken(pipeline):
    class TakesThreeAndFails(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.a: Input[int] = Input(self, "a")
            self.b: Input[int] = Input(self, "b")
            self.c: Input[int] = Input(self, "c")
            self.y: Output[tuple] = Output(self, "y")
            self.number = 0

        def _on_pull(self):
            self.number += 1
            a = self.a.pull()
            if self.number == 2:
                self.a.pull()
                self.b.pull()
                self.a.pull()
                raise ItemSkipped
            self.y.set_value((a, self.b.pull(), self.c.pull()))

    cell, sink = TakesThreeAndFails(pipeline, "cell"), Collector(pipeline, "sink")
    for number, io in enumerate([cell.a, cell.b, cell.c]):
        source = Source(pipeline, f"source{number}")
        if number == 1:
            connect(source, io)
        else:
            box = scaled_map(pipeline, f"box{number}", clones=number)
            connect(source, box)
            connect(box, io)
    connect(cell, sink)
    with deployed(pipeline):
        for _ in range(3):
            pipeline.pull()
    # The first took one of each, the second three of each.
    assert sink.items == [(0, 0, 0), (4, 4, 4), (5, 5, 5)]


@CLONES
def test_after_a_normal_return_an_input_that_was_not_pulled_keeps_its_place(pipeline, clones):
    class Lazy(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.choice: Input[bool] = Input(self, "choice")
            self.a: Input[int] = Input(self, "a")
            self.b: Input[int] = Input(self, "b")
            self.y: Output[tuple[str, int]] = Output(self, "y")

        def _on_pull(self):
            chosen = ("a", self.a) if self.choice.pull() else ("b", self.b)
            self.y.set_value((chosen[0], chosen[1].pull()))

    lazy, sink = Lazy(pipeline, "lazy"), Collector(pipeline, "sink")
    chain(Source(pipeline, "choices", [True, True, False, True, False, False]), lazy)
    for name, io in (("a", lazy.a), ("b", lazy.b)):
        box = scaled_map(pipeline, f"box {name}", clones=clones)
        connect(Source(pipeline, f"source {name}"), box)
        connect(box, io)
    connect(lazy, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [("a", 0), ("a", 1), ("b", 0), ("a", 2), ("b", 1), ("b", 2)]


@pytest.mark.parametrize("clones", [1, 3])
def test_in_a_clone_an_input_that_was_not_pulled_is_passed_over(pipeline, clones):
    """A ticket brings one value of every port, and takes back what was left."""

    class Lazy(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.a: Input[int] = Input(self, "a")
            self.b: Input[int] = Input(self, "b")
            self.y: Output[tuple] = Output(self, "y")

        def _on_pull(self):
            a = self.a.pull()
            self.y.set_value((a, self.b.pull() if a % 3 == 0 else None))

    box = scaled(pipeline, "box", lambda box: Lazy(box, "lazy"), clones)
    sink = Collector(pipeline, "sink")
    source = Source(pipeline, "source", range(12))
    for name in "ab":
        Connection(source.y, box.get_input(name))
    connect(box, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(x, None if x % 3 else x) for x in range(12)]


def test_in_a_clone_with_one_input_what_was_not_pulled_is_passed_over(pipeline):
    class EveryOther(Map):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.number = 0

        def _on_pull(self):
            self.number += 1
            self.y.set_value(self.x.pull() if self.number % 2 else "not pulled")

    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(6)), scaled(pipeline, "box", lambda box: EveryOther(box, "cell"), 1), sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [0, "not pulled", 2, "not pulled", 4, "not pulled"]


@CLONES
def test_skip_discards_one_place_whatever_stands_there(pipeline, clones):
    class EverySecond(Map):
        def supports_scaling(self):
            return False

        def _on_pull(self):
            self.x.skip()
            self.y.set_value(self.x.pull())

    values = [0, 1, GAP, 3, ValueError("four"), 5, 6, GAP, 8, 9, 10]
    sink = Recorder(pipeline, "sink")
    chain(
        Source(pipeline, "source", values),
        scaled_map(pipeline, "box", clones=clones),
        EverySecond(pipeline, "second"),
        sink,
    )
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [1, 3, 5, GAP, 9]


def test_skip_at_the_end_says_that_it_is_the_end(pipeline):
    class SkipsAll(Map):
        def _on_pull(self):
            self.x.skip()
            self.y.set_value("skipped")

    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", [1, GAP, 3]), SkipsAll(pipeline, "skips"), sink)
    with deployed(pipeline):
        assert pull_all(pipeline) == 3
        with pytest.raises(StopIteration):
            pipeline.pull()
    assert sink.items == ["skipped"] * 3


@CLONES
def test_gaps_inside_of_a_scaled_pipeline_keep_its_branches_paired(pipeline, clones):
    def make_inner(box):
        inner = Pipeline(box, "inner")
        first = Map(inner, "first")
        left, right = Map(inner, "left", lambda x: GAP if x % 3 == 0 else x), Map(inner, "right")
        join = Join(inner, "join")
        Connection(InputPort(inner, "x"), first.x)
        chain(first, left, join)
        chain(first, right, join)
        Connection(join.y, OutputPort(inner, "y"))
        return inner

    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source", range(30)), scaled(pipeline, "box", make_inner, clones), sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(x, x) if x % 3 else GAP for x in range(30)]


@CLONES
def test_the_two_outputs_of_a_scaled_pipeline_have_gaps_of_their_own(pipeline, clones):
    def make_inner(box):
        inner = Pipeline(box, "inner")
        port = InputPort(inner, "x")
        for name, function in (("left", lambda x: GAP if x % 3 == 0 else x), ("right", lambda x: -x)):
            cell = Map(inner, name, function)
            Connection(port, cell.x)
            Connection(cell.y, OutputPort(inner, name))
        return inner

    box = scaled(pipeline, "box", make_inner, clones)
    connect(Source(pipeline, "source", range(12)), box)
    left, right = Recorder(pipeline, "left sink"), Recorder(pipeline, "right sink")
    Connection(box.get_output("left"), left.x)
    Connection(box.get_output("right"), right.x)
    with deployed(pipeline):
        pull_all(pipeline)
    assert left.items == [x if x % 3 else GAP for x in range(12)]
    assert right.items == [-x for x in range(12)]


@CLONES
def test_a_scaled_sink_that_met_a_gap_is_no_item(pipeline, clones):
    seen = []
    source = Source(pipeline, "source", range(6))
    box = scaled(pipeline, "box", lambda box: Collecting(box, "collecting", seen), clones)
    chain(source, Map(pipeline, "filter", keep(1, 4)), box)
    with deployed(pipeline):
        assert pull_all(pipeline) == 2
    assert sorted(seen) == [1, 4]


class Collecting(ASingleCell):
    def __init__(self, parent_cell, name, seen):
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x")
        self.seen = seen

    def _on_pull(self):
        self.seen.append(self.x.pull())

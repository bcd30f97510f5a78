"""Policies: fail, skip with dead letters, and trying again."""

import threading
from collections import Counter

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
    statistics_of,
)

from pypipeline_engine.cell import ASingleCell, ErrorPolicy, Pipeline
from pypipeline_engine.cellio import Input, InputPort, Output, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import ItemSkipped

CLONES = pytest.mark.parametrize("clones", [0, 1, 3])
SKIP = ErrorPolicy(then="skip")


def fails_at(*places, error=CriticalError):
    def work(value):
        if value in places:
            raise error(f"item {value}")
        return value

    return work


def run_to_the_end(pipeline):
    handle = pipeline.run()
    handle.wait(10)
    return handle.statistics()


@CLONES
@pytest.mark.parametrize("kind", [CriticalError, PassingError])
def test_skip_leaves_a_gap_and_keeps_a_dead_letter(pipeline, clones, kind):
    source, sink = Source(pipeline, "source", range(8)), Recorder(pipeline, "sink")
    box = scaled_map(pipeline, "box", fails_at(2, 5, error=kind), clones)
    box.get_inner_cell().set_error_policy(SKIP)
    chain(source, box, sink)
    statistics = run_to_the_end(pipeline)
    assert sink.items == [0, 1, GAP, 3, 4, GAP, 6, 7]
    assert [letter.error for letter in sorted(statistics.dead_letters, key=lambda letter: letter.error)] == [
        f"{kind.__name__}: item 2",
        f"{kind.__name__}: item 5",
    ]
    for letter in statistics.dead_letters:
        assert letter.cell == "p.box.map"
        assert "Traceback" in letter.traceback
        assert f"{kind.__name__}: item" in letter.traceback
    cell = statistics.get_cell("p.box.map")
    assert (cell.runs, cell.items, cell.skipped, cell.errors, cell.lost) == (8, 6, 2, 2, 2)


@CLONES
def test_a_dead_letter_has_the_number_of_its_item_whichever_clone_had_it(pipeline, clones):
    """The clones work side by side, so that none of them can count the items by its own runs."""
    barrier = threading.Barrier(max(1, clones))

    def work(value):
        barrier.wait(5)
        return fails_at(4, 7)(value)

    box = scaled_map(pipeline, "box", work, clones)
    box.get_inner_cell().set_error_policy(SKIP)
    chain(Source(pipeline, "source", range(12)), box, Collector(pipeline, "sink"))
    statistics = run_to_the_end(pipeline)
    assert sorted(letter.item for letter in statistics.dead_letters) == [4, 7]


def test_the_policy_of_a_pipeline_holds_for_what_is_inside_without_one(pipeline):
    pipeline.set_error_policy(SKIP)
    source, sink = Source(pipeline, "source", range(4)), Collector(pipeline, "sink")
    skipping, failing = Map(pipeline, "skipping", fails_at(1)), Map(pipeline, "failing", fails_at(2))
    failing.set_error_policy(ErrorPolicy())
    chain(source, skipping, failing, sink)
    assert skipping.get_error_policy() == SKIP
    with deployed(pipeline):
        pipeline.pull()
        with pytest.raises(CriticalError, match="item 2"):
            pipeline.pull()
        pipeline.pull()
    assert sink.items == [0, 3]


@CLONES
def test_only_the_cell_that_failed_is_charged(pipeline, clones):
    """A cell behind it with another policy neither skips nor tries again what came from upstream."""
    tries = Counter()

    def behind(value):
        tries[value] += 1
        return value

    source, sink = Source(pipeline, "source", range(4)), Recorder(pipeline, "sink")
    failing = Map(pipeline, "failing", fails_at(1))
    box = scaled_map(pipeline, "box", behind, clones)
    box.get_inner_cell().set_error_policy(ErrorPolicy(retries=2, then="skip"))
    chain(source, failing, box, sink)
    with deployed(pipeline):
        for _ in range(4):
            pipeline.pull()
        statistics = statistics_of(pipeline)
    assert [str(item) for item in sink.items] == ["0", "item 1", "2", "3"]
    assert statistics.dead_letters == ()
    assert set(tries.values()) == {1}


@CLONES
def test_joins_stay_paired_behind_skipped_items(pipeline, clones):
    source, join, sink = Source(pipeline, "source", range(12)), Join(pipeline, "join"), Collector(pipeline, "sink")
    pipeline.set_error_policy(SKIP)
    chain(source, scaled_map(pipeline, "left", fails_at(2, 5), clones), join)
    chain(source, scaled_map(pipeline, "right", fails_at(5, 9), clones), join)
    connect(join, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(x, x) for x in range(12) if x not in (2, 5, 9)]


# ---------------------------------------------------------------------- trying again


def flaky(times):
    """Fails for each value in `times` as often as it says, then works; counts the tries."""
    tries: Counter = Counter()
    lock = threading.Lock()

    def work(value):
        with lock:
            tries[value] += 1
            number = tries[value]
        if number <= times.get(value, 0):
            raise CriticalError(f"item {value}, try {number}")
        return value

    return work, tries


@CLONES
@pytest.mark.parametrize("then", ["fail", "skip"])
def test_a_failed_item_is_tried_again(pipeline, clones, then):
    work, tries = flaky({1: 1, 3: 2, 4: 3})
    box = scaled_map(pipeline, "box", work, clones)
    box.get_inner_cell().set_error_policy(ErrorPolicy(retries=2, then=then))
    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source", range(6)), box, sink)
    statistics = run_to_the_end(pipeline)
    assert dict(tries) == {0: 1, 1: 2, 2: 1, 3: 3, 4: 3, 5: 1}
    expected = "GAP" if then == "skip" else "item 4, try 3"
    assert [str(item) for item in sink.items] == ["0", "1", "2", "3", expected, "5"]
    assert [letter.error for letter in statistics.dead_letters] == (
        ["CriticalError: item 4, try 3"] if then == "skip" else []
    )
    assert statistics.get_cell("p.box.map").errors == 1


@CLONES
def test_the_pulls_of_another_try_give_the_same_values(pipeline, clones):
    class Pair(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.a: Input[int] = Input(self, "a")
            self.b: Input[int] = Input(self, "b")
            self.y: Output[tuple[int, int]] = Output(self, "y")
            self.failed = False

        def _on_pull(self):
            pair = (self.a.pull(), self.b.pull())
            self.failed = not self.failed
            if self.failed:
                raise CriticalError("every first try")
            self.y.set_value(pair)

    box = scaled(pipeline, "box", lambda box: Pair(box, "pair"), clones)
    box.get_inner_cell().set_error_policy(ErrorPolicy(retries=1))
    sink = Collector(pipeline, "sink")
    for name in "ab":
        connect(Source(pipeline, name, range(8)), box)
    connect(box, sink)
    with deployed(pipeline):
        assert pull_all(pipeline) == 8
    assert sink.items == [(x, x) for x in range(8)]


def test_a_try_that_pulls_in_another_order_gets_the_same_values(pipeline):
    class Changing(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.a: Input[int] = Input(self, "a")
            self.b: Input[int] = Input(self, "b")
            self.y: Output[tuple[int, int]] = Output(self, "y")
            self.number = 0

        def _on_pull(self):
            self.number += 1
            if self.number % 2:
                self.a.pull()
                raise CriticalError
            b = self.b.pull()
            self.y.set_value((self.a.pull(), b))

    cell, sink = Changing(pipeline, "cell"), Collector(pipeline, "sink")
    cell.set_error_policy(ErrorPolicy(retries=1))
    for name in "ab":
        connect(Source(pipeline, name, range(4)), cell)
    connect(cell, sink)
    with deployed(pipeline):
        assert pull_all(pipeline) == 4
    assert sink.items == [(x, x) for x in range(4)]


def test_a_value_that_only_the_failed_try_took_is_not_lost(pipeline):
    class TakesLess(ASingleCell):
        """The first try of the first item takes two values, the second try one."""

        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.x: Input[int] = Input(self, "x")
            self.y: Output[int] = Output(self, "y")
            self.number = 0

        def _on_pull(self):
            self.number += 1
            value = self.x.pull()
            if self.number == 1:
                self.x.pull()
                raise CriticalError
            self.y.set_value(value)

    cell, sink = TakesLess(pipeline, "cell"), Collector(pipeline, "sink")
    cell.set_error_policy(ErrorPolicy(retries=1))
    chain(Source(pipeline, "source", range(4)), cell, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [0, 1, 2, 3]


def test_inputs_stay_paired_where_the_last_try_took_less_than_an_earlier_one(pipeline):
    class Fails(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.a: Input[int] = Input(self, "a")
            self.b: Input[int] = Input(self, "b")
            self.y: Output[tuple[int, int]] = Output(self, "y")
            self.number = 0

        def _on_pull(self):
            self.number += 1
            if self.number == 1:
                self.b.pull()
                self.a.pull()
                self.a.pull()
                raise CriticalError
            if self.number == 2:
                raise CriticalError
            self.y.set_value((self.a.pull(), self.b.pull()))

    cell, sink = Fails(pipeline, "cell"), Collector(pipeline, "sink")
    cell.set_error_policy(ErrorPolicy(retries=1, then="skip"))
    for name in "ab":
        connect(Source(pipeline, name, range(6)), cell)
    connect(cell, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert all(a == b for a, b in sink.items), f"out of step: {sink.items}"


@CLONES
def test_outputs_of_a_failed_try_are_forgotten(pipeline, clones):
    class SetsThenFails(Map):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.z: Output[int] = Output(self, "z")
            self.failed = False

        def _on_pull(self):
            value = self.x.pull()
            self.failed = not self.failed
            if self.failed:
                self.y.set_value("from the failed try")
                raise CriticalError
            self.z.set_value(value)

    box = scaled(pipeline, "box", lambda box: SetsThenFails(box, "inner"), clones)
    box.get_inner_cell().set_error_policy(ErrorPolicy(retries=1))
    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source", range(2)), box, sink)
    with deployed(pipeline):
        pipeline.pull()
    assert "p.box.inner.y was not set" in str(sink.items[0])


@CLONES
def test_neither_the_end_nor_a_gap_is_tried_again(pipeline, clones):
    tries = []

    def work(value):
        tries.append(value)
        if value == 1:
            raise ItemSkipped
        if value == 3:
            raise StopIteration
        return value

    source, sink = Source(pipeline, "source"), Recorder(pipeline, "sink")
    failing = Map(pipeline, "failing", work)
    failing.set_error_policy(ErrorPolicy(retries=5, then="skip"))
    chain(source, scaled_map(pipeline, "box", clones=clones), failing, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert tries == [0, 1, 2, 3]
    assert sink.items == [0, GAP, 2]


@pytest.mark.parametrize("retries", [-1, 1.5, True, "2"])
def test_odd_policies_are_refused(retries):
    with pytest.raises(ValueError, match="retries"):
        ErrorPolicy(retries=retries)
    with pytest.raises(ValueError, match="'fail' or 'skip'"):
        ErrorPolicy(then="ignore")  # type: ignore[arg-type]


def test_the_policy_of_a_scaled_pipeline_reaches_its_clones(pipeline):
    def make_inner(box):
        inner = Pipeline(box, "inner")
        cell = Map(inner, "cell", fails_at(2, 3))
        Connection(InputPort(inner, "x"), cell.x)
        Connection(cell.y, OutputPort(inner, "y"))
        return inner

    box = scaled(pipeline, "box", make_inner, 2)
    box.set_error_policy(SKIP)
    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source", range(5)), box, sink)
    statistics = run_to_the_end(pipeline)
    assert sink.items == [0, 1, GAP, GAP, 4]
    assert [letter.cell for letter in statistics.dead_letters] == ["p.box.inner.cell"] * 2


def test_items_keep_their_numbers_when_clones_come_and_go(pipeline):
    box = scaled_map(pipeline, "box", lambda value: value // (value % 10))
    box.set_error_policy(ErrorPolicy(then="skip"))
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), box, sink)
    with deployed(pipeline):
        for clones in (0, 2, 0, 1, 3, 0):
            box.scale_all_down()
            box.scale_up(clones)
            for _ in range(18):  # and two that are skipped
                pipeline.pull()
        numbers = [letter.item for letter in statistics_of(pipeline).dead_letters]
        assert sorted(numbers)[:11] == list(range(0, 110, 10))
        pipeline.reset()
        pipeline.pull()
        assert statistics_of(pipeline).dead_letters[len(numbers)].item == 0

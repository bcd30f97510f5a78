"""An error is delivered in the place of its item, with the cell's name, and the pipeline goes on after it."""

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

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import Input, Output, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.core.errors import get_cell_of, get_item_of, sign
from pypipeline_engine.exceptions import (
    InvalidInputException,
    ItemSkipped,
    NonCriticalException,
    NoOutputProvidedException,
)

CLONES = pytest.mark.parametrize("clones", [0, 1, 3])


def fails_at(*places, error=CriticalError):
    def work(value):
        if value in places:
            raise error(f"item {value}")
        return value

    return work


def outcomes(pipeline, number):
    """What `number` pulls come to: `None`, or the error."""
    results = []
    for _ in range(number):
        try:
            pipeline.pull()
            results.append(None)
        except Exception as error:
            results.append(error)
    return results


@CLONES
@pytest.mark.parametrize("kind", [CriticalError, PassingError, ValueError])
def test_an_error_comes_in_its_place_and_the_next_pull_goes_on(pipeline, clones, kind):
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), scaled_map(pipeline, "box", fails_at(2, 3, error=kind), clones), sink)
    with deployed(pipeline):
        results = outcomes(pipeline, 6)
    assert [type(result) for result in results[2:4]] == [kind, kind]
    assert [str(result) for result in results[2:4]] == ["item 2", "item 3"]
    assert results[:2] + results[4:] == [None] * 4
    assert sink.items == [0, 1, 4, 5]


@CLONES
def test_the_error_carries_the_full_name_of_the_cell_as_a_note(pipeline, clones):
    chain(
        Source(pipeline, "source"),
        scaled_map(pipeline, "box", fails_at(0), clones),
        Map(pipeline, "after"),
        Collector(pipeline, "sink"),
    )
    with deployed(pipeline), pytest.raises(CriticalError) as raised:
        pipeline.pull()
    assert [note for note in raised.value.__notes__ if "p." in note] == ["in the cell p.box.map"]


@CLONES
def test_the_error_says_at_which_item_it_was_raised(pipeline, clones):
    values = [0, GAP, 2, 3, 4]
    box = scaled_map(pipeline, "box", fails_at(3), clones)
    chain(Source(pipeline, "source", values), box, Map(pipeline, "after"), Collector(pipeline, "sink"))
    with deployed(pipeline):
        errors = [one for one in outcomes(pipeline, 5) if isinstance(one, CriticalError)]
    assert [(get_cell_of(one), get_item_of(one)) for one in errors] == [("p.box.map", 3)]


def test_an_error_of_no_item_has_no_number():
    error = CriticalError()
    assert get_item_of(error) is None
    sign(error, "p.map", 7)
    sign(error, "p.other")
    assert get_item_of(error) is None


@CLONES
def test_the_traceback_leads_to_the_line_in_the_cell(pipeline, clones):
    chain(Source(pipeline, "source"), scaled_map(pipeline, "box", fails_at(0), clones), Collector(pipeline, "sink"))
    with deployed(pipeline), pytest.raises(CriticalError) as raised:
        pipeline.pull()
    assert raised.traceback[-1].name == "work"


def test_the_same_error_object_raised_again_does_not_gather_notes(pipeline):
    error = CriticalError("always the same")

    def work(value):
        raise error

    chain(Source(pipeline, "source"), Map(pipeline, "map", work), Collector(pipeline, "sink"))
    with deployed(pipeline):
        for _ in range(5):
            with pytest.raises(CriticalError):
                pipeline.pull()
    assert error.__notes__ == ["in the cell p.map"]


@CLONES
def test_every_connection_delivers_the_error_once(pipeline, clones):
    failing = scaled_map(pipeline, "box", fails_at(1), clones)
    connect(Source(pipeline, "source"), failing)
    sinks = [Recorder(pipeline, f"sink{number}") for number in range(3)]
    for sink in sinks:
        connect(failing, sink)
    with deployed(pipeline):
        for _ in range(3):
            pipeline.pull()
    for sink in sinks:
        assert [str(item) for item in sink.items] == ["0", "item 1", "2"]


@pytest.mark.parametrize("clones", [0, 2])
def test_every_scaled_reader_gets_the_error_once(pipeline, clones):
    failing = Map(pipeline, "failing", fails_at(1))
    connect(Source(pipeline, "source"), failing)
    sinks = [Recorder(pipeline, f"sink{number}") for number in range(3)]
    for number, sink in enumerate(sinks):
        chain(failing, scaled_map(pipeline, f"box{number}", clones=clones), sink)
    with deployed(pipeline):
        for _ in range(4):
            pipeline.pull()
    for sink in sinks:
        assert [str(item) for item in sink.items] == ["0", "item 1", "2", "3"]


@CLONES
def test_an_error_in_one_sink_does_not_stop_the_others_and_the_first_is_raised(pipeline, clones):
    source = Source(pipeline, "source")
    seen = []
    for name, work in [
        ("a", lambda x: seen.append(("a", x))),
        ("b", fails_at(1)),
        ("c", lambda x: seen.append(("c", x))),
        ("d", fails_at(1, 2, error=PassingError)),
        ("e", lambda x: seen.append(("e", x))),
    ]:
        connect(source, scaled_map(pipeline, name, work, clones))
    with deployed(pipeline):
        results = outcomes(pipeline, 4)
        assert [type(result) for result in results] == [type(None), CriticalError, PassingError, type(None)]
        assert set(seen) >= {(name, number) for name in "ace" for number in range(4)}
        assert clones or len(seen) == 12


@CLONES
def test_of_several_critical_errors_that_of_the_first_sink_is_raised(pipeline, clones):
    source = Source(pipeline, "source")
    for name in ("b", "c", "a"):
        connect(source, scaled_map(pipeline, name, fails_at(1, error=lambda _, name=name: CriticalError(name)), clones))
    with deployed(pipeline):
        results = outcomes(pipeline, 3)
    assert [str(result) for result in results] == ["None", "b", "None"]


@CLONES
def test_an_output_port_of_the_pipeline_advances_although_another_one_fails(pipeline, clones):
    source, ports = Source(pipeline, "source"), []
    for name, work in (("a", fails_at(1)), ("b", fails_at())):
        box = scaled_map(pipeline, name, work, clones)
        connect(source, box)
        ports.append(OutputPort(pipeline, f"out {name}"))
        Connection(box.get_output("y"), ports[-1])
    with deployed(pipeline):
        pipeline.pull()
        with pytest.raises(CriticalError):
            pipeline.pull()
        assert [port.get_value() for port in ports] == [0, 1]
        pipeline.pull()
        assert [port.get_value() for port in ports] == [2, 2]


def test_an_output_port_of_the_pipeline_advances_although_a_sink_fails(pipeline):
    source = Source(pipeline, "source")
    connect(source, Map(pipeline, "failing", fails_at(0)))
    port = OutputPort(pipeline, "result")
    Connection(source.y, port)
    with deployed(pipeline):
        with pytest.raises(CriticalError):
            pipeline.pull()
        assert port.get_value() == 0
        pipeline.pull()
        assert port.get_value() == 1


@CLONES
def test_a_cell_may_handle_the_error_of_a_cell_upstream(pipeline, clones):
    class Mender(Map):
        def _on_pull(self):
            try:
                self.y.set_value(self.x.pull())
            except CriticalError as error:
                self.y.set_value(f"mended {error}")

    sink = Collector(pipeline, "sink")
    chain(
        Source(pipeline, "source"),
        scaled_map(pipeline, "box", fails_at(1), clones),
        Mender(pipeline, "mender"),
        sink,
    )
    with deployed(pipeline):
        for _ in range(3):
            pipeline.pull()
    assert sink.items == [0, "mended item 1", 2]


@CLONES
def test_an_error_passes_the_cells_on_its_way_without_running_them_for_something_else(pipeline, clones):
    seen = []

    def look(value):
        seen.append(value)
        return value

    sink = Collector(pipeline, "sink")
    chain(
        Source(pipeline, "source", range(5)),
        Map(pipeline, "failing", fails_at(2)),
        scaled_map(pipeline, "box", clones=clones),
        Map(pipeline, "look", look),
        sink,
    )
    with deployed(pipeline):
        outcomes(pipeline, 5)
    assert seen == sink.items == [0, 1, 3, 4]


@CLONES
def test_joins_stay_paired_after_an_error_on_one_branch(pipeline, clones):
    source = Source(pipeline, "source", range(8))
    left = scaled_map(pipeline, "left", fails_at(1, 4), clones)
    right = scaled_map(pipeline, "right", fails_at(4, 6, error=PassingError), clones)
    join, sink = Join(pipeline, "join"), Collector(pipeline, "sink")
    for branch in (left, right):
        connect(source, branch)
        connect(branch, join)
    connect(join, sink)
    with deployed(pipeline):
        results = outcomes(pipeline, 8)
    assert sink.items == [(x, x) for x in (0, 2, 3, 5, 7)]
    # One error for each item, the first one that the join met; in its place.
    assert [str(result) for result in results if result is not None] == ["item 1", "item 4", "item 6"]


@CLONES
def test_a_cell_that_fails_between_two_pulls_keeps_its_inputs_paired(pipeline, clones):
    class FailsBetween(ASingleCell):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.a: Input[int] = Input(self, "a")
            self.b: Input[int] = Input(self, "b")
            self.y: Output[tuple[int, int]] = Output(self, "y")

        def _on_pull(self):
            a = self.a.pull()
            if a % 3 == 1:
                raise PassingError(f"item {a}")
            self.y.set_value((a, self.b.pull()))

    source = Source(pipeline, "source", range(9))
    other = scaled_map(pipeline, "other", clones=clones)
    failing, sink = FailsBetween(pipeline, "failing"), Collector(pipeline, "sink")
    connect(source, other)
    connect(source, failing.a)
    connect(other, failing.b)
    connect(failing, sink)
    with deployed(pipeline):
        outcomes(pipeline, 9)
    assert sink.items == [(x, x) for x in (0, 2, 3, 5, 6, 8)]


def test_a_source_may_fail_and_go_on(pipeline):
    values = [0, CriticalError("one"), PassingError("two"), 3, GAP, 5]
    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source", values), sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items[0] == 0
    assert [str(item) for item in sink.items] == ["0", "one", "two", "3", "GAP", "5"]
    assert isinstance(sink.items[1], CriticalError)
    assert isinstance(sink.items[2], NonCriticalException)


@CLONES
def test_a_system_exit_in_a_cell_reaches_the_caller(pipeline, clones):
    def leave(value):
        raise SystemExit(3)

    chain(Source(pipeline, "source"), scaled_map(pipeline, "box", leave, clones), Collector(pipeline, "sink"))
    with deployed(pipeline), pytest.raises(SystemExit):
        pipeline.pull()


# ---------------------------------------------------------------------- outputs that are not set


class SetsNothing(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x")
        self.first: Output[int] = Output(self, "first")
        self.second: Output[int] = Output(self, "second")

    def _on_pull(self):
        value = self.x.pull()
        self.first.set_value(value)
        if value != 1:
            self.second.set_value(value)


@CLONES
def test_an_output_that_is_not_set_is_an_error_that_names_it(pipeline, clones):
    source = Source(pipeline, "source")
    box = scaled(pipeline, "box", lambda box: SetsNothing(box, "inner"), clones)
    join, sink = Join(pipeline, "join"), Collector(pipeline, "sink")
    connect(source, box)
    for output in box.get_outputs():
        connect(output, join)
    connect(join, sink)
    with deployed(pipeline):
        results = outcomes(pipeline, 3)
    assert isinstance(results[1], NoOutputProvidedException)
    assert "p.box.inner.second was not set" in str(results[1])
    assert sink.items == [(0, 0), (2, 2)], "the value of an earlier pull must not stand in"


def test_an_output_that_is_not_set_is_an_error_also_where_nobody_reads_it(pipeline):
    source, cell = Source(pipeline, "source"), SetsNothing(pipeline, "cell")
    connect(source, cell)
    connect(cell.first, Collector(pipeline, "sink"))
    with deployed(pipeline):
        pipeline.pull()
        with pytest.raises(NoOutputProvidedException, match=r"p\.cell\.second"):
            pipeline.pull()
        pipeline.pull()


def test_an_output_may_be_set_to_none_and_the_last_value_counts(pipeline):
    class SetsTwice(Map):
        def _on_pull(self):
            value = self.x.pull()
            self.y.set_value("nonsense")
            self.y.set_value(None if value == 0 else value)

    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), SetsTwice(pipeline, "twice"), sink)
    with deployed(pipeline):
        pipeline.pull()
        pipeline.pull()
    assert sink.items == [None, 1]


def test_an_output_can_be_read_back_within_the_pull_and_is_unset_at_its_begin(pipeline):
    seen = []

    class ReadsBack(Map):
        def _on_pull(self):
            seen.append(self.y.value_is_set())
            with pytest.raises(NoOutputProvidedException, match=r"p\.cell\.y"):
                self.y.get_value()
            self.y.set_value(self.x.pull())
            seen.append(self.y.get_value())

    chain(Source(pipeline, "source"), ReadsBack(pipeline, "cell"), Collector(pipeline, "sink"))
    with deployed(pipeline):
        pipeline.pull()
        pipeline.pull()
    assert seen == [False, 0, False, 1]


# ---------------------------------------------------------------------- validation of values


class Guarded(ASingleCell):
    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.x: Input[int] = Input(self, "x", lambda value: value != 1)
        self.y: Output[int] = Output(self, "y", lambda value: value != 2)

    def _on_pull(self):
        self.y.set_value(self.x.pull())


@CLONES
def test_a_refused_value_is_an_error_that_names_the_io_in_its_place(pipeline, clones):
    box = scaled(pipeline, "box", lambda box: Guarded(box, "inner"), clones)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), box, sink)
    with deployed(pipeline):
        results = outcomes(pipeline, 4)
    assert [type(result) for result in results] == [
        type(None),
        InvalidInputException,
        InvalidInputException,
        type(None),
    ]
    assert "p.box.inner.x does not accept the value 1" in str(results[1])
    assert "p.box.inner.y does not accept the value 2" in str(results[2])
    assert sink.items == [0, 3]


def test_a_validation_that_fails_refuses_with_its_error_as_the_reason(pipeline):
    class Fussy(Map):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.z: Input[int] = Input(self, "z", lambda value: value.shape == (2,))

        def _on_pull(self):
            self.y.set_value((self.x.pull(), self.z.pull()))

    source, fussy = Source(pipeline, "source"), Fussy(pipeline, "fussy")
    connect(source, fussy.x)
    connect(source, fussy.z)
    connect(fussy, Collector(pipeline, "sink"))
    with deployed(pipeline), pytest.raises(InvalidInputException, match=r"p\.fussy\.z.*AttributeError"):
        pipeline.pull()


def test_a_gap_is_no_error_of_the_cells_behind_it(pipeline):
    with_gap = Source(pipeline, "source", [0, GAP, 2])
    sink = Collector(pipeline, "sink")
    chain(with_gap, Map(pipeline, "map"), sink)
    with deployed(pipeline):
        pipeline.pull()
        pipeline.pull()
        with pytest.raises(StopIteration):
            pipeline.pull()
    assert sink.items == [0, 2]
    assert issubclass(ItemSkipped, Exception)

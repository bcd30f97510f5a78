"""The end of the stream reaches every sink after all items before it, and a reset goes back to the start."""

import threading

import pytest
from stream_cells import (
    GAP,
    Collector,
    CriticalError,
    Join,
    Lifecycle,
    Map,
    Recorder,
    Source,
    Task,
    add_ports,
    chain,
    connect,
    deployed,
    in_time,
    pull_all,
    scaled,
    scaled_map,
    wait_until,
)

from pypipeline_engine.cell import Pipeline
from pypipeline_engine.exceptions import InactiveException, NotDeployedException

CLONES = pytest.mark.parametrize("clones", [0, 1, 3])


def line(pipeline, clones, values=None, function=lambda x: x):
    source = Source(pipeline, "source", values)
    box = scaled_map(pipeline, "box", function, clones)
    sink = Collector(pipeline, "sink")
    chain(source, box, sink)
    return source, sink


@CLONES
def test_the_end_comes_after_every_item_and_then_every_time(pipeline, clones):
    _, sink = line(pipeline, clones, range(5))
    with deployed(pipeline):
        for _ in range(5):
            pipeline.pull()
        for _ in range(5):
            with pytest.raises(StopIteration):
                in_time(pipeline.pull)
    assert sink.items == list(range(5))


@CLONES
def test_an_empty_stream(pipeline, clones):
    _, sink = line(pipeline, clones, [])
    with deployed(pipeline):
        for _ in range(3):
            with pytest.raises(StopIteration):
                pipeline.pull()
            pipeline.reset()
    assert sink.items == []


@CLONES
def test_the_first_input_that_ends_ends_a_cell(pipeline, clones):
    long, short = Source(pipeline, "long", range(9)), Source(pipeline, "short", "ab")
    box = scaled(pipeline, "box", lambda box: Join(box, "join"), clones)
    sink = Collector(pipeline, "sink")
    chain(long, box)
    connect(short, box)
    connect(box, sink)
    with deployed(pipeline):
        assert pull_all(pipeline) == 2
        for _ in range(3):
            with pytest.raises(StopIteration):
                pipeline.pull()
    assert sink.items == [(0, "a"), (1, "b")]


@CLONES
@pytest.mark.parametrize("short_one_first", [False, True])
def test_the_pipeline_ends_with_its_first_sink(pipeline, clones, short_one_first):
    names = ["short", "long"] if short_one_first else ["long", "short"]
    sinks = {}
    for name in names:
        source = Source(pipeline, f"{name}_source", range(3) if name == "short" else None)
        sinks[name] = Collector(pipeline, f"{name}_sink")
        chain(source, scaled_map(pipeline, f"{name}_box", clones=clones), sinks[name])
    with deployed(pipeline):
        assert pull_all(pipeline) == 3
        after_the_end = len(sinks["long"].items)
        for _ in range(3):
            with pytest.raises(StopIteration):
                pipeline.pull()
    assert sinks["short"].items == [0, 1, 2]
    assert len(sinks["long"].items) == after_the_end, "a pull after the end still pulled the other sink"


@CLONES
def test_a_cell_in_the_middle_may_end_the_stream(pipeline, clones):
    def until_three(value):
        if value == 3:
            raise StopIteration
        return value

    source = Source(pipeline, "source")
    last = Map(pipeline, "last", until_three)
    sink = Collector(pipeline, "sink")
    chain(source, scaled_map(pipeline, "box", clones=clones), last, sink)
    with deployed(pipeline):
        assert pull_all(pipeline) == 3
        with pytest.raises(StopIteration):
            pipeline.pull()
    assert sink.items == [0, 1, 2]


@CLONES
def test_a_stream_that_a_scaled_cell_has_ended_stays_so_with_new_clones(pipeline, clones):
    def end_at_one(value):
        if value == 1:
            raise StopIteration
        return value

    _, sink = line(pipeline, clones, range(9), end_at_one)
    box = pipeline.get_internal_cell_with_name("box")
    with deployed(pipeline):
        pull_all(pipeline)
        box.scale_all_down()
        box.scale_up(3)
        pull_all(pipeline)
        assert sink.items == [0]
        pipeline.reset()
        pull_all(pipeline)
    assert sink.items == [0, 0]


@pytest.mark.parametrize("clones", [1, 3])
def test_new_clones_take_nothing_from_a_stream_that_their_cell_has_ended_inline(pipeline, clones):
    """They know nothing of the end, which the original has counted out: the copies would begin to count again."""

    class Three(Map):
        def __init__(self, parent_cell, name):
            super().__init__(parent_cell, name)
            self.left = 3

        def _on_pull(self):
            if not self.left:
                raise StopIteration
            self.left -= 1
            super()._on_pull()

    source, sink = Source(pipeline, "source"), Collector(pipeline, "sink")
    box = scaled(pipeline, "box", lambda box: Three(box, "three"))
    chain(source, box, sink)
    with deployed(pipeline):
        assert pull_all(pipeline) == 3
        position = source.position
        box.scale_up(clones)
        for _ in range(3):
            with pytest.raises(StopIteration):
                in_time(pipeline.pull)
        box.scale_up()
        with pytest.raises(StopIteration):
            in_time(pipeline.pull)
    assert source.position == position
    assert sink.items == [0, 1, 2]


def test_what_is_finished_behind_the_end_does_not_come_where_the_clones_are_taken_away(pipeline, gate):
    def end_at_one(value):
        gate(value)
        if value == 1:
            raise StopIteration
        return value

    box = scaled_map(pipeline, "box", end_at_one, clones=3)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(9)), box, sink)
    with deployed(pipeline):
        gate.wait_for(0, 1, 2)
        gate.open()
        box.scale_all_down()
        pull_all(pipeline)
    assert sink.items == [0]


@CLONES
def test_a_scaled_cell_may_end_the_stream(pipeline, clones):
    def until_three(value):
        if value >= 3:
            raise StopIteration
        return value

    _, sink = line(pipeline, clones, None, until_three)
    with deployed(pipeline):
        assert pull_all(pipeline) == 3
        for _ in range(3):
            with pytest.raises(StopIteration):
                in_time(pipeline.pull)
    assert sink.items == [0, 1, 2]


@pytest.mark.parametrize("behind_the_end", [CriticalError("behind the end"), GAP, 3])
def test_the_end_stays_when_a_cell_that_ended_loses_its_clones(pipeline, behind_the_end):
    long, short = Source(pipeline, "long", [0, 1, 2, behind_the_end, 4, 5]), Source(pipeline, "short", "ab")
    box = scaled(pipeline, "box", lambda box: Join(box, "join"), 1)
    sink = Collector(pipeline, "sink")
    chain(long, box)
    connect(short, box)
    connect(box, sink)
    with deployed(pipeline):
        assert pull_all(pipeline) == 2
        for number in (0, 1, 0, 2):
            box.scale_all_down()
            box.scale_up(number)
            with pytest.raises(StopIteration):
                pipeline.pull()
    assert sink.items == [(0, "a"), (1, "b")]


# ---------------------------------------------------------------------- reset


@CLONES
def test_reset_goes_back_to_the_start_as_often_as_one_likes(pipeline, clones):
    source, sink = line(pipeline, clones, range(4))
    with deployed(pipeline):
        for _ in range(4):
            assert pull_all(pipeline) == 4
            in_time(pipeline.reset)
        in_time(pipeline.reset)
    assert sink.items == list(range(4)) * 4
    assert source.nb_resets == 5


@CLONES
def test_reset_in_the_middle_drops_what_is_in_flight(pipeline, clones):
    _, sink = line(pipeline, clones)
    with deployed(pipeline):
        for number in range(6):
            for _ in range(number):
                pipeline.pull()
            in_time(pipeline.reset)
        pipeline.pull()
    assert sink.items == [0, 0, 1, 0, 1, 2, 0, 1, 2, 3, 0, 1, 2, 3, 4, 0]


def test_reset_drops_what_waits_beside_a_scaled_cell(pipeline, gate):
    source, join, sink = Source(pipeline, "source"), Join(pipeline, "join"), Collector(pipeline, "sink")
    chain(source, scaled_map(pipeline, "box", gate, 2), join)
    chain(source, join, sink)
    with deployed(pipeline):
        gate.wait_for(0, 1)  # the join has not taken them yet
        resetting = Task(pipeline.reset)
        gate.open()
        resetting.get()
        for _ in range(3):
            in_time(pipeline.pull)
    assert sink.items == [(0, 0), (1, 1), (2, 2)]


def test_reset_before_the_first_pull(pipeline):
    _, sink = line(pipeline, 2)
    with deployed(pipeline):
        in_time(pipeline.reset)
        pipeline.pull()
    assert sink.items == [0]


def test_reset_waits_for_user_code_and_drops_its_result(pipeline, gate):
    _, sink = line(pipeline, 2, None, gate)
    gate.open(0)
    with deployed(pipeline):
        pipeline.pull()
        gate.wait_for(1, 2)
        resetting = Task(pipeline.reset)
        assert not resetting.is_done()
        gate.open(1)
        gate.open()
        resetting.get()
        for _ in range(3):
            pipeline.pull()
    assert sink.items == [0, 0, 1, 2]


@CLONES
def test_reset_calls_on_reset_once_for_each_cell_and_each_clone(pipeline, clones):
    log = []
    source = Source(pipeline, "source")
    first = Lifecycle(pipeline, "first", log)
    box = scaled(pipeline, "box", lambda box: Lifecycle(box, "inner", log), clones)
    two = [Lifecycle(pipeline, "left", log), Lifecycle(pipeline, "right", log)]
    join = Join(pipeline, "join")
    chain(source, first, box)
    for cell in two:
        connect(box, cell)
        connect(cell, join)
    connect(join, Collector(pipeline, "sink"))
    with deployed(pipeline):
        pipeline.pull()
        log.clear()
        pipeline.reset()
        assert source.nb_resets == 1
        assert sorted(log) == sorted(
            [("reset", "first"), ("reset", "left"), ("reset", "right")] + [("reset", "inner")] * max(1, clones)
        )


def test_on_reset_comes_before_the_next_pull_of_any_cell(pipeline):
    events = []

    class Tells(Map):
        def _on_reset(self):
            events.append(f"reset {self.get_name()}")

        def _on_pull(self):
            events.append(f"pull {self.get_name()}")
            super()._on_pull()

    source = Source(pipeline, "source", range(100))
    cells = [Tells(pipeline, "a"), scaled(pipeline, "box", lambda box: Tells(box, "b"), 2), Tells(pipeline, "c")]
    chain(source, *cells, Collector(pipeline, "sink"))
    with deployed(pipeline):
        pipeline.pull()
        pipeline.reset()
        pipeline.pull()
    first = next(number for number, event in enumerate(events) if event.startswith("reset"))
    last = max(number for number, event in enumerate(events) if event.startswith("reset"))
    assert [event[:5] for event in events[first : last + 1]] == ["reset"] * 4


@CLONES
def test_reset_of_a_shared_source_resets_it_once(pipeline, clones):
    source = Source(pipeline, "source")
    sinks = [Collector(pipeline, f"sink{number}") for number in range(3)]
    for number, sink in enumerate(sinks):
        chain(source, scaled_map(pipeline, f"box{number}", clones=clones), sink)
    with deployed(pipeline):
        pipeline.pull()
        pipeline.pull()
        pipeline.reset()
        pipeline.pull()
    assert source.nb_resets == 1
    assert [sink.items for sink in sinks] == [[0, 1, 0]] * 3


@CLONES
def test_reset_of_one_sink_goes_upstream_and_leaves_other_streams_alone(pipeline, clones):
    sources = [Source(pipeline, f"source{number}") for number in range(2)]
    sinks = [Collector(pipeline, f"sink{number}") for number in range(2)]
    for number in range(2):
        chain(sources[number], scaled_map(pipeline, f"box{number}", clones=clones), sinks[number])
    with deployed(pipeline):
        pipeline.pull()
        sinks[0].reset()
        assert [source.nb_resets for source in sources] == [1, 0]
        pipeline.pull()
        pipeline.pull()
    assert [sink.items for sink in sinks] == [[0, 0, 1], [0, 1, 2]]


def test_reset_of_one_stream_while_the_clones_of_another_work_loses_nothing_there(pipeline, new_gate):
    gates = [new_gate(), new_gate()]
    sinks = [Collector(pipeline, f"sink{number}") for number in range(2)]
    for number in range(2):
        source = Source(pipeline, f"source{number}")
        chain(source, scaled_map(pipeline, f"box{number}", gates[number], 2), sinks[number])
        gates[number].open(0)
    with deployed(pipeline):
        pipeline.pull()
        gates[0].wait_for(1, 2)
        gates[1].wait_for(1, 2)
        resetting = Task(sinks[0].reset)
        for gate in gates:
            gate.open()
        resetting.get()
        for _ in range(3):
            in_time(pipeline.pull)
    assert [sink.items for sink in sinks] == [[0, 0, 1, 2], [0, 1, 2, 3]]


def test_reset_of_one_stream_while_another_one_waits_for_its_source_loses_nothing_there(pipeline, gate):
    """The worker of the other stream is between taking a ticket and having its input."""
    sinks = [Collector(pipeline, f"sink{number}") for number in range(2)]
    chain(Source(pipeline, "source0"), sinks[0])
    slow = Map(pipeline, "slow", gate)
    chain(Source(pipeline, "source1"), slow, scaled_map(pipeline, "box", clones=2), sinks[1])
    gate.open(0)
    with deployed(pipeline):
        pipeline.pull()
        gate.wait_for(1)
        resetting = Task(sinks[0].reset)
        gate.open()
        resetting.get()
        for _ in range(3):
            in_time(pipeline.pull)
    assert [sink.items for sink in sinks] == [[0, 0, 1, 2], [0, 1, 2, 3]]


def test_reset_of_one_stream_leaves_the_tickets_of_another_one_that_waits_for_a_turn(pipeline, gate):
    """An interruption would take the thread out of its wait, and its ticket would never have a result."""
    sinks = [Collector(pipeline, f"sink{number}") for number in range(3)]
    chain(Source(pipeline, "source0"), sinks[0])
    slow = Map(pipeline, "slow", gate)
    connect(Source(pipeline, "source1"), slow)
    for number in (1, 2):
        chain(slow, scaled_map(pipeline, f"box{number}", clones=1), sinks[number])
    gate.open(0)
    with deployed(pipeline):
        pipeline.pull()
        gate.wait_for(1)
        turn = pipeline._get_deployment().scope.get_turn(slow)
        in_time(lambda: wait_until(lambda: turn.waiters))
        resetting = Task(sinks[0].reset)
        assert not resetting.ends_within(0.05)
        gate.open()
        resetting.get()
        for _ in range(3):
            in_time(pipeline.pull)
    assert [sink.items for sink in sinks] == [[0, 0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3]]


@CLONES
def test_reset_during_a_run_starts_again(pipeline, clones, gate):
    source = Source(pipeline, "source")
    sink = Recorder(pipeline, "sink")
    chain(source, scaled_map(pipeline, "box", clones=clones), sink)
    with pipeline.run() as handle:
        for _ in range(5):
            in_time(pipeline.reset)
        assert handle.state == "running"
    starts = [number for number, item in enumerate(sink.items) if item == 0]
    for begin, end in zip([0, *starts], [*starts, len(sink.items)], strict=True):
        assert sink.items[begin:end] == list(range(end - begin))
    assert source.nb_resets == 5


def test_reset_from_another_thread_during_a_pull(pipeline, gate):
    """The pull either is done first, or says that it was reset; after it the stream is at its start."""
    _, sink = line(pipeline, 2, None, gate)
    with deployed(pipeline):
        pulling = Task(pipeline.pull)
        gate.wait_for(0, 1)
        resetting = Task(pipeline.reset)
        gate.open()
        resetting.get()
        try:
            pulling.get()
        except InactiveException as error:
            assert "p was reset" in str(error)
        sink.items.clear()
        pipeline.pull()
        pipeline.pull()
    assert sink.items == [0, 1]


def test_reset_from_several_threads(pipeline):
    source, sink = line(pipeline, 3)
    barrier = threading.Barrier(4)

    def reset():
        barrier.wait(5)
        pipeline.reset()

    with deployed(pipeline):
        for _ in range(5):
            tasks = [Task(reset) for _ in range(4)]
            for task in tasks:
                task.get()
            pipeline.pull()
    assert sink.items == [0] * 5
    assert source.nb_resets == 20


def test_an_error_in_on_reset_names_the_cell_and_the_others_are_reset_all_the_same(pipeline):
    log = []
    source = Source(pipeline, "source", range(10))
    cells = [
        Lifecycle(pipeline, "a", log),
        Lifecycle(pipeline, "b", log, lambda event: event == "reset"),
        Lifecycle(pipeline, "c", log),
    ]
    sink = Collector(pipeline, "sink")
    chain(source, *cells, sink)
    with deployed(pipeline):
        pipeline.pull()
        log.clear()
        with pytest.raises(CriticalError, match="reset of b") as raised:
            pipeline.reset()
        assert any("p.b" in note for note in getattr(raised.value, "__notes__", []))
        assert sorted(log) == [("reset", "a"), ("reset", "b"), ("reset", "c")]
        assert source.nb_resets == 1
        pipeline.pull()
    assert sink.items == [0, 0]


def test_reset_needs_a_deployed_pipeline(pipeline):
    line(pipeline, 0)
    with pytest.raises(NotDeployedException, match="p is not deployed"):
        pipeline.reset()
    with deployed(pipeline):
        pass
    with pytest.raises(NotDeployedException, match="p is not deployed"):
        pipeline.reset()


# ---------------------------------------------------------------------- how many are left


def test_the_number_of_pulls_that_are_left(pipeline):
    _, sink = line(pipeline, 0, range(4))
    assert pipeline.get_nb_available_pulls() == sink.get_nb_available_pulls() == 4
    with deployed(pipeline):
        for left in (4, 3, 2, 1):
            assert pipeline.get_nb_available_pulls() == sink.get_nb_available_pulls() == left
            pipeline.pull()
        assert pipeline.get_nb_available_pulls() == 0
        pipeline.reset()
        assert pipeline.get_nb_available_pulls() == 4


def test_the_number_of_pulls_that_are_left_is_unknown_for_an_endless_source(pipeline):
    _, sink = line(pipeline, 0)
    assert pipeline.get_nb_available_pulls() is None
    assert sink.get_nb_available_pulls() is None


def test_the_least_of_several_sources_counts(pipeline):
    join = Join(pipeline, "join", 3)
    for number, values in enumerate([range(9), None, range(5)]):
        connect(Source(pipeline, f"source{number}", values), join)
    connect(join, Collector(pipeline, "sink"))
    assert pipeline.get_nb_available_pulls() == 5
    with deployed(pipeline):
        assert pull_all(pipeline) == 5


def test_the_number_of_pulls_that_are_left_is_known_behind_a_long_chain_and_many_ways(pipeline):
    """Each cell asked the ones upstream: too deep for Python in a chain, and twice as often with every way round."""
    cells = [Source(pipeline, "source", range(7)), *(Map(pipeline, f"map{number}") for number in range(1200))]
    chain(*cells)
    last = cells[-1]
    for number in range(40):
        join = Join(pipeline, f"join{number}")
        connect(last, join)
        connect(last, join)
        last = join
    connect(last, Collector(pipeline, "sink"))
    assert in_time(pipeline.get_nb_available_pulls) == 7


def test_a_cell_may_know_better_how_many_pulls_are_left(pipeline):
    class Twice(Map):
        def get_nb_available_pulls(self):
            return 2 * super().get_nb_available_pulls()

    part = Pipeline(pipeline, "part")
    add_ports(part, Twice(part, "twice"))
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(4)), part, Twice(pipeline, "again"), Map(pipeline, "map"), sink)
    assert pipeline.get_nb_available_pulls() == sink.get_nb_available_pulls() == 16
    assert part.get_nb_available_pulls() == 8


def test_cells_behind_what_is_reset_go_on_in_pairs(pipeline, gate):
    """What waited in a queue was dropped, and what was in clones was not."""
    source, box, join = Source(pipeline, "source"), scaled_map(pipeline, "box", gate, 1), Join(pipeline, "join")
    sink = Collector(pipeline, "sink")
    connect(source, box)
    connect(source, join)
    connect(box, join)
    connect(join, sink)
    with deployed(pipeline):
        gate.open(*range(4))
        pipeline.pull()
        gate.wait_for(4)
        gate.open()
        source.reset()
        for _ in range(20):
            pipeline.pull()
    assert all(direct == through for direct, through in sink.items)
    again = sink.items.index((0, 0), 1)
    assert again > 4
    assert [direct for direct, _ in sink.items] == [*range(again), *range(21 - again)]

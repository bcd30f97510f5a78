"""Scaled cells inside of scaled cells, and scaled pipelines: clones multiply, and the rest stays as it is."""

import threading
from functools import partial

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
    meeting_of,
    pull_all,
    scaled,
    scaled_map,
    statistics_of,
    wait_until,
)

from pypipeline_engine.cell import Pipeline, RayCloneCell, ScalableCell
from pypipeline_engine.cell.policy import SKIP
from pypipeline_engine.cellio import InputPort, OutputPort
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import InvalidStateException
from pypipeline_engine.runtime.stage import Stage


def pipeline_of_maps(parent, first=lambda x: x, middle=lambda x: x, inner_clones=0, middle_box=None):
    """A pipeline `inner`: before -> box(map) -> after."""
    inner = Pipeline(parent, "inner")
    before = Map(inner, "before", first)
    box = scaled_map(inner, "box", middle, inner_clones)
    after = Map(inner, "after")
    chain(before, box, after)
    Connection(InputPort(inner, "x"), before.x)
    Connection(after.y, OutputPort(inner, "y"))
    if middle_box is not None:
        middle_box.append(box)
    return inner


def two_in_a_row(parent, make_first, make_second):
    """A pipeline `inner` of two cells."""
    inner = Pipeline(parent, "inner")
    first, second = make_first(inner), make_second(inner)
    chain(first, second)
    Connection(InputPort(inner, "x"), first.x)
    Connection(second.get_outputs()[0], OutputPort(inner, "y"))
    return inner


def nested_line(pipeline, outer_clones, inner_clones, function=lambda x: x, values=None, first=lambda x: x):
    """source -> outer( inner( before -> box(map) -> after ) ) -> sink; returns outer, box and sink."""
    boxes = []
    source = Source(pipeline, "source", values)
    outer = scaled(
        pipeline, "outer", lambda box: pipeline_of_maps(box, first, function, inner_clones, boxes), outer_clones
    )
    sink = Collector(pipeline, "sink")
    chain(source, outer, sink)
    return outer, boxes[0], sink


@pytest.mark.parametrize("inner_clones", [0, 1, 3])
@pytest.mark.parametrize("outer_clones", [0, 1, 2])
def test_order_and_exactly_once(pipeline, outer_clones, inner_clones):
    _, _, sink = nested_line(pipeline, outer_clones, inner_clones, lambda x: -x, range(100))
    with deployed(pipeline):
        assert pull_all(pipeline) == 100
    assert sink.items == [-x for x in range(100)]


def test_clones_multiply(pipeline):
    _, _, sink = nested_line(pipeline, 2, 3, meeting_of(6), range(60))
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == list(range(60))


@pytest.mark.parametrize("outer_clones", [0, 1, 2])
@pytest.mark.parametrize("inner_clones", [0, 2])
def test_a_scaled_cell_right_inside_of_a_scaled_cell(pipeline, outer_clones, inner_clones):
    source = Source(pipeline, "source", range(50))
    outer = scaled(pipeline, "outer", lambda box: scaled_map(box, "box", lambda x: -x, inner_clones), outer_clones)
    sink = Collector(pipeline, "sink")
    chain(source, outer, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [-x for x in range(50)]


def test_three_levels(pipeline):
    source = Source(pipeline, "source", range(64))
    meet = meeting_of(8)
    outer = scaled(pipeline, "a", lambda a: scaled(a, "b", lambda b: scaled_map(b, "c", meet, 2), 2), 2)
    sink = Collector(pipeline, "sink")
    chain(source, outer, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == list(range(64))


@pytest.mark.parametrize(("outer_clones", "inner_clones"), [(0, 2), (2, 0), (2, 2), (1, 1)])
def test_reset_in_flight(pipeline, outer_clones, inner_clones):
    _, _, sink = nested_line(pipeline, outer_clones, inner_clones)
    with deployed(pipeline):
        for number in range(5):
            for _ in range(number):
                pipeline.pull()
            in_time(pipeline.reset)
        pipeline.pull()
    assert sink.items == [0, 0, 1, 0, 1, 2, 0, 1, 2, 3, 0]


@pytest.mark.parametrize(("outer_clones", "inner_clones"), [(0, 2), (2, 0), (2, 2), (1, 1)])
def test_reset_after_the_end(pipeline, outer_clones, inner_clones):
    _, _, sink = nested_line(pipeline, outer_clones, inner_clones, values=range(7))
    with deployed(pipeline):
        for _ in range(3):
            assert pull_all(pipeline) == 7
            with pytest.raises(StopIteration):
                pipeline.pull()
            in_time(pipeline.reset)
    assert sink.items == list(range(7)) * 3


@pytest.mark.parametrize(("outer_clones", "inner_clones"), [(0, 2), (2, 0), (2, 2), (1, 1)])
def test_errors_and_gaps_come_in_their_place(pipeline, outer_clones, inner_clones):
    def work(value):
        if value == 3:
            raise CriticalError("three")
        if value == 4:
            raise PassingError("four")
        return GAP if value == 5 else -value

    boxes = []
    source = Source(pipeline, "source", range(10))
    outer = scaled(
        pipeline, "outer", lambda box: pipeline_of_maps(box, lambda x: x, work, inner_clones, boxes), outer_clones
    )
    sink = Recorder(pipeline, "sink")
    chain(source, outer, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert [item for item in sink.items if isinstance(item, int)] == [0, -1, -2, -6, -7, -8, -9]
    assert [type(item) for item in sink.items[3:6]] == [CriticalError, PassingError, type(GAP)]
    assert any("p.outer.inner.box.map" in note for note in sink.items[3].__notes__)


@pytest.mark.parametrize(("outer_clones", "inner_clones"), [(1, 1), (2, 2)])
def test_undeploy_while_clones_of_clones_wait_and_work(pipeline, gate, outer_clones, inner_clones):
    nested_line(pipeline, outer_clones, inner_clones, gate)
    pipeline.deploy()
    gate.open(0)
    pipeline.pull()
    gate.wait_for(*range(1, 1 + outer_clones * inner_clones))
    undeploying = Task(pipeline.undeploy)
    gate.open()
    undeploying.get()
    assert not pipeline.is_deployed()


def test_undeploy_when_nobody_pulls_any_more(pipeline):
    nested_line(pipeline, 2, 2)
    pipeline.deploy()
    pipeline.pull()
    in_time(pipeline.undeploy)


def test_undeploy_after_the_end(pipeline):
    nested_line(pipeline, 2, 2, values=range(3))
    pipeline.deploy()
    pull_all(pipeline)
    in_time(pipeline.undeploy)


def test_deploy_again(pipeline):
    _, _, sink = nested_line(pipeline, 2, 2, values=range(5))
    for _ in range(3):
        with deployed(pipeline):
            pull_all(pipeline)
    assert sink.items == list(range(5)) * 3


def test_a_clone_of_a_clone_that_fails_to_deploy_leaves_no_thread_and_nothing_deployed(pipeline):
    log = []
    source = Source(pipeline, "source")
    box = []

    def make_inner(outer):
        inner = Pipeline(outer, "inner")
        box.append(scaled_map(inner, "box", clones=2))
        # Deployed after the threads of `box` exist; the fourth one is in the second clone of `outer`.
        last = FailsLater(inner, "last", log)
        chain(box[0], last)
        Connection(InputPort(inner, "x"), box[0].get_input("x"))
        Connection(last.y, OutputPort(inner, "y"))
        return inner

    outer = scaled(pipeline, "outer", make_inner, 3)
    chain(source, outer, Collector(pipeline, "sink"))
    with pytest.raises(CriticalError, match="deploy of last"):
        in_time(pipeline.deploy)
    assert not pipeline.is_deployed()
    assert log.count(("deploy", "last")) == log.count(("undeploy", "last")) == 2
    assert [thread.name for thread in threading.enumerate() if "p.outer" in thread.name] == []


class FailsLater(Lifecycle):
    def __init__(self, parent_cell, name, log):
        super().__init__(parent_cell, name, log, lambda event: event == "deploy" and log.count((event, name)) == 2)


@pytest.mark.parametrize("outer_clones", [0, 1, 2])
def test_scaling_the_inner_one_up_and_down_while_deployed(pipeline, outer_clones):
    _, box, sink = nested_line(pipeline, outer_clones, 1, lambda x: -x)
    with deployed(pipeline):
        for number in (3, 1, 2, 1):
            difference = number - box.get_nb_clones()
            in_time(lambda d=difference: box.scale_up(d) if d > 0 else box.scale_down(-d))
            for _ in range(20):
                pipeline.pull()
    assert sink.items == [-x for x in range(80)]


@pytest.mark.parametrize("outer_clones", [0, 1, 2])
def test_scaling_the_inner_one_to_nothing_and_back_while_deployed(pipeline, outer_clones):
    _, box, sink = nested_line(pipeline, outer_clones, 0, lambda x: -x)
    with deployed(pipeline):
        for number in (2, 0, 1, 0):
            in_time(box.scale_all_down)
            in_time(lambda n=number: box.scale_up(n))
            for _ in range(20):
                pipeline.pull()
    assert sink.items == [-x for x in range(80)]


@pytest.mark.parametrize("inner_clones", [0, 1, 2])
def test_scaling_the_outer_one_while_deployed(pipeline, inner_clones):
    outer, _, sink = nested_line(pipeline, 1, inner_clones, lambda x: -x)
    with deployed(pipeline):
        for number in (3, 1, 2, 0):
            difference = number - outer.get_nb_clones()
            in_time(lambda d=difference: outer.scale_up(d) if d > 0 else outer.scale_down(-d))
            for _ in range(20):
                pipeline.pull()
    assert sink.items == [-x for x in range(80)]


def test_scaling_the_outer_one_to_nothing_and_back_while_deployed(pipeline):
    outer, _, sink = nested_line(pipeline, 1, 0, lambda x: -x)
    with deployed(pipeline):
        for number in (0, 2, 0, 1):
            in_time(outer.scale_all_down)
            in_time(lambda n=number: outer.scale_up(n))
            for _ in range(20):
                pipeline.pull()
    assert sink.items == [-x for x in range(80)]


@pytest.mark.parametrize("inner_clones", [1, 2])
def test_scaling_the_outer_one_down_while_its_clones_work(pipeline, gate, inner_clones):
    outer, _, sink = nested_line(pipeline, 2, inner_clones, gate, range(20))
    with deployed(pipeline):
        pulling = Task(pipeline.pull)
        gate.wait_for(*range(2 * inner_clones))
        scaling = Task(lambda: outer.scale_down(1))
        gate.open()
        pulling.get()
        scaling.get()
        pull_all(pipeline)
    assert sink.items == list(range(20))


@pytest.mark.parametrize("inner_clones", [0, 1, 2])
@pytest.mark.parametrize("outer_clones", [0, 1, 2])
def test_a_way_round_the_inner_scaled_cell(pipeline, outer_clones, inner_clones):
    def make_inner(outer):
        inner = Pipeline(outer, "inner")
        first = Map(inner, "first")
        box = scaled_map(inner, "box", lambda x: -x, inner_clones)
        join = Join(inner, "join")
        Connection(InputPort(inner, "x"), first.x)
        connect(first, box)
        Connection(box.get_output("y"), join.xs[1])
        Connection(first.y, join.xs[0])
        Connection(join.y, OutputPort(inner, "y"))
        return inner

    source = Source(pipeline, "source", range(60))
    outer = scaled(pipeline, "outer", make_inner, outer_clones)
    sink = Collector(pipeline, "sink")
    chain(source, outer, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(x, -x) for x in range(60)]


@pytest.mark.parametrize("inner_clones", [0, 1, 2])
@pytest.mark.parametrize("outer_clones", [0, 1, 2])
def test_a_port_of_the_outer_cell_feeds_the_inner_scaled_cell_and_a_way_round_it(pipeline, outer_clones, inner_clones):
    def make_inner(outer):
        inner = Pipeline(outer, "inner")
        port = InputPort(inner, "x")
        box = scaled_map(inner, "box", lambda x: -x, inner_clones)
        join = Join(inner, "join")
        Connection(port, box.get_input("x"))
        Connection(port, join.xs[0])
        Connection(box.get_output("y"), join.xs[1])
        Connection(join.y, OutputPort(inner, "y"))
        return inner

    source = Source(pipeline, "source", range(60))
    outer = scaled(pipeline, "outer", make_inner, outer_clones)
    sink = Collector(pipeline, "sink")
    chain(source, outer, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == [(x, -x) for x in range(60)]


@pytest.mark.parametrize("clones", [0, 1, 3])
def test_a_sink_inside_of_a_scaled_pipeline_sees_every_item(pipeline, clones):
    seen = []

    def make_inner(outer):
        inner = Pipeline(outer, "inner")
        first = Map(inner, "first")
        last = Map(inner, "last", lambda x: seen.append(x))
        Connection(InputPort(inner, "x"), first.x)
        connect(first, last)
        Connection(first.y, OutputPort(inner, "y"))
        return inner

    source = Source(pipeline, "source", range(40))
    outer = scaled(pipeline, "outer", make_inner, clones)
    sink = Collector(pipeline, "sink")
    chain(source, outer, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == list(range(40))
    assert sorted(seen) == list(range(40))


@pytest.mark.parametrize("clones", [0, 1, 3])
def test_an_error_of_one_sink_inside_of_a_clone_does_not_stop_the_other_one(pipeline, clones):
    seen = []

    def fail_at_two(value):
        if value == 2:
            raise PassingError("two")

    def make_inner(outer):
        inner = Pipeline(outer, "inner")
        first = Map(inner, "first")
        for name, function in (("failing", fail_at_two), ("other", seen.append)):
            connect(first, Map(inner, name, function))
        Connection(InputPort(inner, "x"), first.x)
        return inner

    source = Source(pipeline, "source", range(10))
    outer = scaled(pipeline, "outer", make_inner, clones)
    connect(source, outer)
    errors = []
    with deployed(pipeline):
        for _ in range(10):
            try:
                pipeline.pull()
            except PassingError as error:
                errors.append(str(error))
    assert errors == ["two"]
    assert sorted(seen)[:10] == list(range(10))


def test_a_scalable_cell_as_the_root_uses_its_clones(pipeline):
    root = ScalableCell(None, "root")
    inner = Pipeline(root, "inner")
    source, sink = Source(inner, "source"), Map(inner, "sink")
    connect(source, sink)
    source.supports_scaling = lambda: True  # type: ignore[method-assign]  # each clone has a source of its own
    root.scale_up(1)
    with deployed(root):
        threads = {thread.name for thread in threading.enumerate()}
    assert any("root" in name for name in threads), "the clone that was asked for has no thread"


@pytest.mark.parametrize("inner_clones", [0, 1, 2])
@pytest.mark.parametrize("outer_clones", [0, 1, 2])
def test_a_cell_inside_may_end_the_stream(pipeline, outer_clones, inner_clones):
    """The items before it are still delivered, also where others are in work already."""

    def until_three(value):
        if value >= 3:
            raise StopIteration
        return value

    def make_inner(outer):
        inner = Pipeline(outer, "inner")
        box = scaled_map(inner, "box", clones=inner_clones)
        last = Map(inner, "last", until_three)
        Connection(InputPort(inner, "x"), box.get_input("x"))
        connect(box, last)
        Connection(last.y, OutputPort(inner, "y"))
        return inner

    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), scaled(pipeline, "outer", make_inner, outer_clones), sink)
    with deployed(pipeline):
        for _ in range(2):
            assert in_time(lambda: pull_all(pipeline, 10)) == 3
            with pytest.raises(StopIteration):
                in_time(pipeline.pull)
            in_time(pipeline.reset)
    assert sink.items == [0, 1, 2] * 2


@pytest.mark.parametrize("outer_clones", [1, 2])
@pytest.mark.parametrize("which", ["outer", "inner"])
def test_a_change_of_the_plan_right_after_a_reset(new_pipeline, outer_clones, which):
    """Threads that the reset has let go have not all noticed it yet."""
    for number in range(15):
        pipeline = new_pipeline(f"p{number}")
        outer, box, sink = nested_line(pipeline, outer_clones, 1, lambda x: -x, range(30))
        with deployed(pipeline):
            in_time(pipeline.reset)
            in_time((outer if which == "outer" else box).scale_all_down)
            pull_all(pipeline)
        assert sink.items == [-x for x in range(30)]


def test_scaling_the_inner_one_up_while_a_clone_of_the_outer_one_goes_away(new_pipeline):
    for number in range(15):
        pipeline = new_pipeline(f"p{number}")
        outer, box, sink = nested_line(pipeline, 3, 1, lambda x: -x, range(60))
        with deployed(pipeline):
            pipeline.pull()
            in_time(lambda o=outer: o.scale_down(2))
            in_time(lambda b=box: b.scale_up(2))
            pull_all(pipeline)
        assert sink.items == [-x for x in range(60)]


def test_items_that_wait_before_the_outer_one_are_for_the_inner_one_when_the_outer_one_loses_its_clones(pipeline, gate):
    """They were queued for a port that nobody reads any more."""

    def box_in_a_pipeline(parent):
        inner = Pipeline(parent, "inner")
        box = scaled_map(inner, "box", clones=1)
        Connection(InputPort(inner, "x"), box.get_input("x"))
        Connection(box.get_output("y"), OutputPort(inner, "y"))
        return inner

    before = scaled_map(pipeline, "before", gate, 1)
    outer = scaled(pipeline, "outer", box_in_a_pipeline, 1)
    outer.config_queue_capacity.set_value(1)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(30)), before, outer, sink)
    gate.open(*range(8))
    with deployed(pipeline):
        gate.wait_for(8)  # what comes before it waits for the outer one, which takes one item at a time
        gate.open()
        in_time(before.scale_all_down)
        in_time(outer.scale_all_down)
        pull_all(pipeline)
    assert sink.items == list(range(30))


def test_the_outermost_of_three_loses_its_clones_while_all_run(pipeline):
    """Both clones that open tickets ahead are emptied for that, which is not the end of the stream for what is inside."""
    boxes = []

    def line_around(make_middle):
        def make(parent):
            inner = Pipeline(parent, "inner")
            before, after = Map(inner, "before"), Map(inner, "after")
            boxes.append(scaled(inner, "box", make_middle, 1))
            chain(before, boxes[-1], after)
            Connection(InputPort(inner, "x"), before.x)
            Connection(after.y, OutputPort(inner, "y"))
            return inner

        return make

    outermost = scaled(pipeline, "outer", line_around(line_around(lambda box: Map(box, "map"))), 1)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(100)), outermost, sink)
    with deployed(pipeline):
        for cell in (outermost, *boxes):
            for _ in range(5):
                pipeline.pull()
            in_time(cell.scale_all_down)
            in_time(cell.scale_up)
        pull_all(pipeline)
    assert sink.items == list(range(100))


@pytest.mark.parametrize("keeps_state", [False, True])
def test_a_sink_inside_is_not_ahead_of_the_steps_when_a_cell_behind_has_taken_what_was_brought(pipeline, keeps_state):
    """Otherwise the stream would end with that sink, before the other one has all of it."""
    seen = []

    def make_inner(outer):
        inner = Pipeline(outer, "inner")
        first, last = Map(inner, "first"), Map(inner, "last", seen.append)
        first.supports_scaling = lambda: not keeps_state  # type: ignore[method-assign]
        Connection(InputPort(inner, "x"), first.x)
        connect(first, last)
        Connection(first.y, OutputPort(inner, "y"))
        return inner

    outer = scaled(pipeline, "outer", make_inner, 1)
    behind = scaled_map(pipeline, "behind", clones=2)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(60)), outer, behind, sink)
    with deployed(pipeline):
        for _ in range(3):
            pipeline.pull()
            in_time(outer.scale_all_down)
            pipeline.pull()
            in_time(outer.scale_up)
        in_time(outer.scale_all_down)
        pull_all(pipeline)
    assert sink.items == seen == list(range(60))


def test_sinks_inside_that_do_steps_ahead_together_do_not_count_twice(pipeline):
    seen = [], []

    def make_inner(outer):
        inner = Pipeline(outer, "inner")
        port = InputPort(inner, "x")
        for number in range(2):
            Connection(port, Map(inner, f"last{number}", seen[number].append).x)
        return inner

    source = Source(pipeline, "source", range(200))
    outer = scaled(pipeline, "outer", make_inner, 2)
    sink = Collector(pipeline, "sink")
    connect(source, outer)
    connect(source, sink)
    with deployed(pipeline):
        pipeline.pull()
        for _ in range(6):  # without a step between, so that there are more and more ahead
            in_time(outer.scale_all_down)
            in_time(outer.scale_up)
        pull_all(pipeline)
    assert sink.items == list(range(200))
    assert [sorted(one) for one in seen] == [list(range(200))] * 2


@pytest.mark.parametrize(("outer_clones", "inner_clones"), [(1, 2), (2, 1), (2, 2)])
def test_dead_letters_of_clones_in_clones_have_the_numbers_of_their_items(pipeline, outer_clones, inner_clones):
    def fail(value):
        if value % 3 == 1:
            raise PassingError(str(value))
        return value

    _, box, _ = nested_line(pipeline, outer_clones, inner_clones, fail, range(40))
    box.set_error_policy(SKIP)
    with deployed(pipeline):
        for _ in range(2):
            pull_all(pipeline)
            letters = statistics_of(pipeline).dead_letters
            in_time(pipeline.reset)
        assert sorted(letter.item for letter in letters) == sorted([*range(1, 40, 3)] * 2)


def test_two_scaled_cells_in_a_row_inside_of_a_clone_are_ended_from_the_back(pipeline, monkeypatch):
    """The second one may wait for a result of the first one, which has to be there to bring the end."""

    def make_inner(outer):
        inner = Pipeline(outer, "inner")
        first, second = (scaled_map(inner, name, clones=1) for name in ("first", "second"))
        Connection(InputPort(inner, "x"), first.get_input("x"))
        chain(first, second)
        Connection(second.get_output("y"), OutputPort(inner, "y"))
        return inner

    ended = []
    join = Stage.join
    monkeypatch.setattr(Stage, "join", lambda self: (ended.append(self.cell.get_name()), join(self)))
    outer = scaled(pipeline, "outer", make_inner, 1)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(30)), outer, sink)
    with deployed(pipeline):
        pipeline.pull()
        in_time(outer.scale_all_down)
        assert ended == ["outer", "second", "first"]
        pull_all(pipeline)
    assert sink.items == list(range(30))


def test_an_item_that_a_clone_takes_while_its_own_thread_goes_to_rest_is_finished_first(pipeline, gate, monkeypatch):
    """The scaled cell inside takes an item ahead; the thread that is to bring its result rests already."""
    outer, _, sink = nested_line(pipeline, 1, 1, values=range(3))
    pull_source = Source._on_pull
    monkeypatch.setattr(Source, "_on_pull", lambda self: (gate(self.position), pull_source(self)))
    with deployed(pipeline):
        deployment = pipeline._get_deployment()
        stage, monitor = deployment.crew.get_stage(outer), deployment.monitor
        (worker,) = stage.workers
        gate.wait_for(0)  # by the clone inside, for a ticket of the one around it
        monitor.enter()
        stage.hold()
        monitor.interrupt()  # as a reset of another part does
        in_time(lambda: wait_until(lambda: worker.nb_resting))
        monitor.resume()
        gate.open()
        in_time(stage.pause)
        assert stage.nb_brought == 1
        stage.unpause()
        monitor.leave()
        pull_all(pipeline)
    assert sink.items == [0, 1, 2]


def test_a_new_clone_takes_no_cells_that_one_which_goes_away_still_undeploys(pipeline, gate, monkeypatch):
    """Here the inner cell itself, which the last clone on a thread had, while one by Ray keeps the scaled cell going."""
    pytest.importorskip("ray")
    from stand_in_process import without_processes  # it needs Ray

    without_processes(monkeypatch)
    leaving = []

    class Leaving(Map):
        def _on_undeploy(self):
            if threading.current_thread().name.startswith("pypipeline p.outer #"):
                leaving.append(threading.current_thread())
                gate("leaving")

    def make_inside(outer):
        make_box = partial(scaled, name="box", make_inner=lambda box: Leaving(box, "map"), clones=2)
        return two_in_a_row(outer, lambda inner: Map(inner, "before"), make_box)

    outer = scaled(pipeline, "outer", make_inside, 1)
    outer.scale_up(1, RayCloneCell)
    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source", range(100)), outer, sink)
    with deployed(pipeline):
        outer.scale_down(1)
        gate.wait_for("leaving")
        (first,) = leaving
        outer.scale_up(1)
        gate.open()
        first.join()
        outer.scale_down(1, RayCloneCell)
        in_time(lambda: pull_all(pipeline))
    assert sink.items == list(range(100))


def test_a_clone_in_another_process_that_keeps_state_is_not_made_anew_for_a_cell_inside_of_it(pipeline, monkeypatch):
    pytest.importorskip("ray")
    from stand_in_process import without_processes  # it needs Ray

    without_processes(monkeypatch)

    class Counting(Map):
        def supports_scaling(self):
            return False

    def make_inside(outer):
        return two_in_a_row(outer, lambda inner: Counting(inner, "counting"), partial(scaled_map, name="box", clones=1))

    outer = scaled(pipeline, "outer", make_inside, 0)
    outer.scale_up(1, RayCloneCell)
    box = outer.get_inner_cell().get_internal_cell_with_name("box")
    sink = Recorder(pipeline, "sink")
    chain(Source(pipeline, "source", range(50)), outer, sink)
    with deployed(pipeline):
        pipeline.pull()
        for change in (box.scale_one_up, box.scale_one_down):
            with pytest.raises(
                InvalidStateException, match=r"number of clones of p\.outer\.inner\.box .* p\.outer has a"
            ):
                change()
            assert box.get_nb_clones() == 1
        in_time(lambda: pull_all(pipeline))
    assert sink.items == list(range(50))

"""Looking at the items of a cell while it runs: wherever the cell stands, and nothing is left behind."""

import gc
import threading
import weakref

import pytest
from stream_cells import (
    GAP,
    Batch,
    Collector,
    Join,
    Map,
    PassingError,
    Source,
    chain,
    connect,
    in_time,
    scaled,
    scaled_map,
    wait_until,
)

from pypipeline_engine.cell import ErrorPolicy
from pypipeline_engine.core.monitor import Interrupted
from pypipeline_engine.core.units import Unit


class Seen:
    """What a tap has seen."""

    def __init__(self):
        self.items = []

    def __call__(self, item):
        self.items.append(item)

    @property
    def outputs(self):
        return [item.outputs["y"] for item in self.items]

    @property
    def numbers(self):
        return [item.number for item in self.items]


@pytest.fixture
def seen():
    return Seen()


@pytest.fixture
def run(pipeline, seen, gate):
    """Runs the pipeline to its end, with a tap at a cell. Clones begin before that, and have to wait at the gate."""

    def run(cell, **options):
        with pipeline.run(paused=True) as handle:
            handle.tap(cell.get_full_name(), seen, **options)
            gate.open()
            handle.resume()
            in_time(handle.wait)
        return seen

    return run


@pytest.mark.parametrize("with_inputs", [False, True])
@pytest.mark.parametrize("place", ["source", "direct", "queue", "join", "crossing"])
def test_every_item_is_seen_once_wherever_a_cell_stands(pipeline, run, gate, place, with_inputs):
    source, work = Source(pipeline, "source", range(20)), Map(pipeline, "work", lambda x: 10 * x)
    sink = Collector(pipeline, "sink")
    if place == "crossing":
        chain(source, scaled_map(pipeline, "first", gate, 1), work, scaled_map(pipeline, "second", clones=2), sink)
    else:
        chain(source, work)
    if place in ("source", "direct"):
        connect(work, sink)
    elif place == "queue":
        chain(work, sink)
        connect(work, Collector(pipeline, "other"))
    elif place == "join":
        join = Join(pipeline, "join")
        chain(source, join, sink)
        connect(work, join)
    seen = run(source if place == "source" else work, with_inputs=with_inputs)
    # Of the run that waited for its input when the tap came, nothing is seen.
    expected = range(1 if place == "crossing" and len(seen.items) == 19 else 0, 20)
    assert seen.outputs == [x if place == "source" else 10 * x for x in expected]
    assert seen.numbers == list(expected)
    has_inputs = with_inputs and place != "source"
    assert [item.inputs for item in seen.items] == [{"x": [x]} if has_inputs else {} for x in expected]
    assert len(sink.items) == 20


def test_a_cell_that_takes_several_values_shows_them_all(pipeline, run):
    batch = Batch(pipeline, "batch", 3)
    chain(Source(pipeline, "source", range(7)), batch, Collector(pipeline, "sink"))
    assert [item.inputs["x"] for item in run(batch, with_inputs=True).items] == [[0, 1, 2], [3, 4, 5], [6]]


def test_every_clone_is_seen_and_those_that_come_later_too(pipeline, seen, gate):
    box = scaled_map(pipeline, "box", gate, 1)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(30)), box, sink)
    with pipeline.run(paused=True) as handle:
        gate.wait_for(0)
        handle.tap(box.get_inner_cell().get_full_name(), seen, with_inputs=True)  # the run that goes on is not seen
        box.scale_up(3)
        gate.open()
        handle.resume()
        in_time(handle.wait)
    assert sorted(seen.numbers) == list(range(1, 30))
    assert all(item.inputs == {"x": [item.number]} for item in seen.items)
    assert sink.items == list(range(30))
    assert len(set(gate.threads.values())) > 1


def test_a_tap_stays_when_the_plan_changes(pipeline, seen, gate):
    box = scaled_map(pipeline, "box", gate)
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(30)), box, sink)
    with pipeline.run() as handle:
        gate.wait_for(0)
        handle.tap(box.get_inner_cell().get_full_name(), seen)
        gate.open(*range(10))
        gate.wait_for(10)
        gate.open()
        box.scale_up(2)
        box.scale_all_down()
        in_time(handle.wait)
    assert sorted(seen.numbers) == list(range(1, 30))
    assert sink.items == list(range(30))


def test_errors_and_gaps_are_not_seen_and_a_retry_once(pipeline, run):
    failures = [PassingError("once")]

    def work(x):
        if x == 2:
            return GAP
        if x == 5:
            raise PassingError("always")
        if x == 4 and failures:
            raise failures.pop()
        return x

    cell = Map(pipeline, "work", work)
    cell.set_error_policy(ErrorPolicy(retries=1, then="skip"))
    chain(Source(pipeline, "source", range(7)), cell, Collector(pipeline, "sink"))
    assert run(cell, with_inputs=True).outputs == [0, 1, 3, 4, 6]


def test_items_that_a_cell_fails_at_are_seen_with_what_it_had_pulled(pipeline, gate):
    def work(x):
        if x == 2:
            return GAP
        if x in (1, 4):
            raise PassingError("no")
        return x

    failed = []
    cell, sink = Map(pipeline, "work", work), Collector(pipeline, "sink")
    cell.set_error_policy(ErrorPolicy(then="skip"))
    chain(Source(pipeline, "source", range(6)), cell, sink)
    with pipeline.run(paused=True) as handle:
        handle.tap("p.work", None, on_error=lambda item, error: failed.append((item.number, item.inputs, str(error))))
        handle.resume()
        in_time(handle.wait)
    assert failed == [(1, {"x": [1]}, "no"), (4, {"x": [4]}, "no")]
    assert sink.items == [0, 3, 5]
    letters = handle.statistics().dead_letters
    assert sorted(letter.item for letter in letters) == [1, 4]


def test_an_error_from_upstream_is_none_of_the_cell_behind(pipeline):
    def work(x):
        if x == 1:
            raise PassingError("no")
        return x

    failed = []
    first, second = Map(pipeline, "work", work), Map(pipeline, "behind")
    first.set_error_policy(ErrorPolicy(then="skip"))
    chain(Source(pipeline, "source", range(3)), first, second, Collector(pipeline, "sink"))
    with pipeline.run(paused=True) as handle:
        handle.tap("p.behind", None, on_error=lambda item, error: failed.append(item.number))
        handle.resume()
        in_time(handle.wait)
    assert failed == []


def test_pulls_are_the_channels_own_again_after_an_error(pipeline, seen):
    def work(x):
        if x % 2:
            raise PassingError("odd")
        return x

    cell, sink = Map(pipeline, "work", work), Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(6)), cell, sink)
    with pipeline.run(paused=True) as handle:
        pull = cell.x.pull
        handle.tap("p.work", seen, with_inputs=True)
        handle.step(3)
        in_time(lambda: wait_until(lambda: len(seen.items) == 3))
        handle.pause()  # which waits for nothing: the cell may be at the last item still
        in_time(lambda: wait_until(lambda: cell.x.pull is pull))
    assert sink.items == [0, 2, 4]


def test_what_a_look_raises_costs_no_item(pipeline, run, seen, caplog):
    cell, sink = Map(pipeline, "work"), Collector(pipeline, "sink")
    chain(Source(pipeline, "source", range(3)), cell, sink)
    seen.items = None
    run(cell)
    assert sink.items == [0, 1, 2]
    assert "an item of p.work could not be looked at: AttributeError" in caplog.text


def test_nothing_is_left_of_a_tap_that_went(pipeline, seen, gate):
    cell = Map(pipeline, "work", gate)
    chain(Source(pipeline, "source", range(3)), cell, Collector(pipeline, "sink"))
    with pipeline.run() as handle:
        gate.wait_for(0)
        unit = handle._deployment.crew.units[cell]
        plain = unit.body
        handle.tap("p.work", seen, with_inputs=True)
        assert unit.body is not plain
        handle.tap("p.work", None)
        assert unit.body is plain
        alive = weakref.ref(seen)
        handle.tap("p.work", Seen())
        handle.tap("p.work", None)
        gate.open()
        in_time(handle.wait)
    assert seen.items == []
    assert alive() is seen


def test_a_tapped_value_is_not_kept_alive(pipeline):
    class Value:
        pass

    alive = []

    def make(x):
        value = Value()
        alive.append(weakref.ref(value))
        return value

    cell = Map(pipeline, "make", make)
    last = Map(pipeline, "last", lambda value: None)
    chain(Source(pipeline, "source", range(3)), cell, last, Collector(pipeline, "sink"))
    with pipeline.run(paused=True) as handle:
        handle.tap("p.last", lambda item: None, with_inputs=True)
        handle.resume()
        in_time(handle.wait)
        gc.collect()
        assert [value() for value in alive[:2]] == [None, None]


def test_stop_gets_through_to_a_cell_that_is_tapped_again_and_again(pipeline, seen):
    box = scaled(pipeline, "box", lambda box: Map(box, "map"), 2)
    chain(Source(pipeline, "source"), box, Collector(pipeline, "sink"))
    name, enough = box.get_inner_cell().get_full_name(), threading.Event()

    def tap():
        while not enough.is_set():
            handle.tap(name, seen)
            handle.tap(name, None)

    handle = pipeline.run()
    tapping = threading.Thread(target=tap)
    tapping.start()
    try:
        in_time(handle.stop)
    finally:
        enough.set()
        tapping.join()


@pytest.mark.parametrize("change", ["interrupt", "end", "untap"])
@pytest.mark.parametrize("at", range(1, 9))
def test_of_two_changes_of_a_unit_none_is_lost(change, at):
    """One happens within the other, at each of its steps in turn."""
    nb_steps = 0

    class Stepwise(Unit):
        def __getattribute__(self, name):
            nonlocal nb_steps
            if name in ("is_interrupted", "ended", "_body", "body"):
                nb_steps += 1
                if nb_steps == at:
                    changes[change]()
            return super().__getattribute__(name)

    def fail():
        raise PassingError

    unit = Stepwise("p.cell", lambda: None, [])
    changes = {"interrupt": unit.interrupt, "end": unit.end, "untap": lambda: unit.tap(None)}
    nb_steps = 0
    unit.tap(lambda body: fail)
    has_happened, nb_steps = nb_steps >= at, at
    expected = {"interrupt": Interrupted, "end": StopIteration, "untap": None}[change] if has_happened else PassingError
    if expected is None:
        assert unit.body is unit._body
    else:
        with pytest.raises(expected):
            unit.body()

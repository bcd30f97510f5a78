"""Where items are quick, the thread that wants the results does the work with a borrowed clone; nobody should notice.

What counts as quick is set so high here that every clone is lent, whatever the machine does meanwhile.
"""

import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest
from stream_cells import (
    GAP,
    SOON_S,
    CriticalError,
    Map,
    PassingError,
    Recorder,
    Source,
    Task,
    add_ports,
    chain,
    deployed,
    in_time,
    meeting_of,
    pull_all,
    scaled,
    scaled_map,
    wait_until,
)

from pypipeline_engine.cell import ErrorPolicy, Pipeline
from pypipeline_engine.core import lending
from pypipeline_engine.exceptions import InactiveException, NotDeployedException
from pypipeline_engine.runtime import lender, stage

ENOUGH = 100
"""After so many items, the clone is lent."""


@pytest.fixture(autouse=True)
def everything_is_quick(monkeypatch):
    monkeypatch.setattr(lending, "QUICK_S", 1000.0)
    monkeypatch.setattr(lending, "FAR_TOO_SLOW_S", 1000.0)


@pytest.fixture(params=[1, 2, 4])
def clones(request):
    return request.param


def line(pipeline, function, clones, values=None):
    source = Source(pipeline, "source", values)
    box = scaled_map(pipeline, "box", function, clones)
    sink = Recorder(pipeline, "sink")
    chain(source, box, sink)
    return box, sink


class Threads:
    """Gives back what it gets, and remembers on which threads."""

    def __init__(self):
        self.seen = []

    def __call__(self, value):
        self.seen.append(threading.get_ident())
        return value

    def lent(self):
        return threading.get_ident() in self.seen


def test_the_thread_that_pulls_does_the_work(pipeline, clones):
    threads = Threads()
    _, sink = line(pipeline, threads, clones, range(1000))
    with deployed(pipeline):
        assert pull_all(pipeline) == 1000
    assert sink.items == list(range(1000))
    assert set(threads.seen[-ENOUGH:]) == {threading.get_ident()}


def test_a_cell_that_belongs_to_its_thread_is_never_lent(pipeline, clones):
    class Bound(Map):
        def has_thread_affinity(self):
            return True

    threads = Threads()
    source, sink = Source(pipeline, "source", range(500)), Recorder(pipeline, "sink")
    box = scaled(pipeline, "box", lambda box: Bound(box, "map", threads), clones)
    chain(source, box, sink)
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == list(range(500))
    assert not threads.lent()


@pytest.mark.parametrize("nb_together", [2, 3])
def test_items_that_wait_for_each_other_meet(pipeline, nb_together):
    """Only other clones can bring the items that the one on loan waits for."""
    meet = meeting_of(nb_together)
    _, sink = line(pipeline, lambda value: meet(value) if value >= ENOUGH else value, nb_together, range(ENOUGH + 30))
    with deployed(pipeline):
        pull_all(pipeline)
    assert sink.items == list(range(ENOUGH + 30))


def test_the_input_that_is_at_the_source_is_not_pulled_twice(pipeline, gate):
    """The borrower is in the middle of the source when the clone is taken back."""
    box, sink = line(pipeline, lambda value: value, 2)
    source = pipeline.get_internal_cell_with_name("source")
    plain = source._on_pull

    def pull_through_gate():
        if source.position == ENOUGH:
            gate("source")
        plain()

    source._on_pull = pull_through_gate
    with deployed(pipeline):
        task = Task(lambda: [pipeline.pull() for _ in range(2 * ENOUGH)])
        gate.wait_for("source")
        in_time(box.scale_one_up)
        in_time(box.scale_one_down)
        gate.open()
        task.get()
    assert sink.items == list(range(2 * ENOUGH))


def test_errors_and_gaps_stay_in_their_places(pipeline, clones):
    def work(value):
        if value % 7 == 3:
            raise PassingError(value)
        if value % 7 == 4:
            raise CriticalError(value)
        return GAP if value % 7 == 5 else value

    _, sink = line(pipeline, work, clones, range(300))
    with deployed(pipeline):
        pull_all(pipeline)
    kinds = {3: PassingError, 4: CriticalError}
    assert len(sink.items) == 300
    for value, item in enumerate(sink.items):
        if value % 7 in kinds:
            assert (type(item), item.args) == (kinds[value % 7], (value,))
        else:
            assert item is GAP if value % 7 == 5 else item == value


def test_dead_letters_have_the_numbers_of_their_items(pipeline, clones):
    def work(value):
        if value % 50 == 49:
            raise ValueError(value)
        return value

    box, sink = line(pipeline, work, clones, range(400))
    box.set_error_policy(ErrorPolicy(then="skip"))
    with deployed(pipeline):
        pull_all(pipeline)
        letters = pipeline._get_deployment().statistics().dead_letters
    assert [letter.item for letter in letters] == list(range(49, 400, 50))
    assert sink.items == [GAP if value % 50 == 49 else value for value in range(400)]


def test_the_end_comes_every_time_until_a_reset(pipeline, clones):
    _, sink = line(pipeline, lambda value: value, clones, range(200))
    with deployed(pipeline):
        for _ in range(3):
            assert pull_all(pipeline) == 200
            for _ in range(2):
                with pytest.raises(StopIteration):
                    pipeline.pull()
            pipeline.reset()
    assert sink.items == list(range(200)) * 3


def test_the_number_of_clones_changes_while_one_is_lent(pipeline):
    box, sink = line(pipeline, lambda value: value, 2)
    with deployed(pipeline):
        for number in (1, 3, 2, 5, 1, 0, 2, 4):
            for _ in range(ENOUGH):
                pipeline.pull()
            difference = number - box.get_nb_clones()
            (box.scale_up if difference > 0 else box.scale_down)(abs(difference))
    assert sink.items == list(range(8 * ENOUGH))


def test_a_reset_meets_the_borrower_in_the_middle_of_an_item(pipeline, clones, gate):
    _, sink = line(pipeline, lambda value: gate(value) if value == ENOUGH else value, clones)
    with deployed(pipeline):
        task = Task(lambda: [pipeline.pull() for _ in range(3 * ENOUGH)])
        gate.wait_for(ENOUGH)
        resetting = Task(pipeline.reset)
        gate.open()
        resetting.get()
        task.get()
    before = len(sink.items) - sink.items[::-1].index(0) - 1
    assert before > ENOUGH
    assert sink.items == [*range(before), *range(3 * ENOUGH - before)]


@pytest.mark.parametrize("change", ["scale_one_up", "scale_one_down"])
def test_a_change_meets_the_borrower_in_the_middle_of_an_item(pipeline, clones, gate, change):
    box, sink = line(pipeline, lambda value: gate(value) if value == ENOUGH else value, clones)
    with deployed(pipeline):
        task = Task(lambda: [pipeline.pull() for _ in range(2 * ENOUGH)])
        gate.wait_for(ENOUGH)
        changing = Task(getattr(box, change))
        if clones > 1 or change == "scale_one_up":
            changing.get()  # it does not wait for the item
        gate.open()
        changing.get()
        task.get()
    assert sink.items == list(range(2 * ENOUGH))


def test_an_undeployment_waits_for_the_item_that_the_borrower_works_on(pipeline, clones, gate):
    line(pipeline, lambda value: gate(value) if value == ENOUGH else value, clones)
    pipeline.deploy()
    task = Task(lambda: [pipeline.pull() for _ in range(2 * ENOUGH)])
    gate.wait_for(ENOUGH)
    undeploying = Task(pipeline.undeploy)
    assert not undeploying.ends_within(0.05)
    gate.open()
    undeploying.get()
    with pytest.raises((InactiveException, NotDeployedException)):
        task.get()


def test_work_that_becomes_slow_is_divided_again(pipeline, clones, gate):
    gate.open(*range(ENOUGH))
    _, sink = line(pipeline, gate, clones)
    with deployed(pipeline):
        task = Task(lambda: [pipeline.pull() for _ in range(ENOUGH + 50)])
        gate.wait_for(*range(ENOUGH, ENOUGH + clones))
        gate.open()
        task.get()
    assert sink.items == list(range(ENOUGH + 50))


def test_a_guard_that_looked_between_two_items_looks_again(pipeline, monkeypatch):
    """It took a borrower that had just begun an item for one that nobody asks for anything, and slept for good."""
    meet = meeting_of(2)
    looked, may_wake = threading.Event(), threading.Event()
    _, sink = line(pipeline, lambda value: meet(value) if value >= ENOUGH else value, 2, range(ENOUGH + 10))
    with deployed(pipeline):
        for _ in range(ENOUGH):
            pipeline.pull()
        stage = next(iter(pipeline._get_deployment().scope.stages.values()))
        wait = stage.monitor.wait

        def wait_as_told(queue, reason, *args, timeout_s=-1, **options):
            """The guard falls asleep before the next item begins, and its time is up in the middle of that."""
            if timeout_s >= 0 and not looked.is_set():
                looked.set()
                stage.monitor.lock.release()
                try:
                    assert may_wake.wait(SOON_S)
                finally:
                    stage.monitor.lock.acquire()
                return False
            return wait(queue, reason, *args, timeout_s=timeout_s, **options)

        monkeypatch.setattr(stage.monitor, "wait", wait_as_told)
        assert looked.wait(SOON_S)
        task = Task(lambda: pull_all(pipeline))
        in_time(lambda: wait_until(lambda: stage.lender.loan is None or stage.lender.loan.current is not None))
        may_wake.set()
        task.get()
    assert sink.items == list(range(ENOUGH + 10))


@pytest.fixture
def lender_time(monkeypatch):
    """Items take the time that a test says, and what is far too slow is so again; each item of a loan is timed."""
    now = [1000.0]
    for module in (stage, lender):
        monkeypatch.setattr(module, "perf_counter", lambda: now[0])
    monkeypatch.setattr(lender, "LOOK_EVERY", 1)
    monkeypatch.setattr(lender, "GUARD_S", 1000.0)
    monkeypatch.setattr(lending, "QUICK_S", 1.0)
    monkeypatch.setattr(lending, "FAR_TOO_SLOW_S", 10.0)
    return now


SLOW_ONES = {
    "a value": lambda value: value,
    "a gap": lambda value: GAP,
    "an error": lambda value: raise_(PassingError(value)),
    "the end": lambda value: raise_(StopIteration),
}


def raise_(error):
    raise error


@pytest.mark.parametrize("what", list(SLOW_ONES))
def test_an_item_that_is_far_too_slow_ends_the_loan_and_keeps_its_place(pipeline, clones, lender_time, what):
    """It comes to the one who borrowed the clone, and after it the threads bring what follows."""
    slow_one, lent = 3 * ENOUGH, []

    def work(value):
        lent.append(lender_of(pipeline).loan is not None)
        if value == slow_one:
            lender_time[0] += 11.0
            return SLOW_ONES[what](value)
        return value

    _, sink = line(pipeline, work, clones, range(slow_one + 10))
    with deployed(pipeline):
        for _ in range(slow_one):
            pipeline.pull()
        assert lent[-1], "the clone was not lent"
        with suppress(StopIteration):
            pipeline.pull()
        assert lender_of(pipeline).loan is None, "the loan has outlived its slow item"
        if what != "the end":
            pull_all(pipeline)
    places = {"a value": [slow_one], "a gap": [GAP], "the end": []}
    if what == "an error":
        error = sink.items.pop(slow_one)
        assert isinstance(error, PassingError)
        assert error.args == (slow_one,)
    behind = [] if what == "the end" else list(range(slow_one + 1, slow_one + 10))
    assert sink.items == [*range(slow_one), *places.get(what, []), *behind]


def lender_of(pipeline):
    return next(iter(pipeline._get_deployment().scope.stages.values())).lender


def test_a_loan_that_ended_with_a_slow_item_makes_the_next_one_come_later(pipeline, clones, lender_time):
    def work(value):
        lender_time[0] += 11.0 * (value == ENOUGH)
        return value

    line(pipeline, work, clones)
    with deployed(pipeline):
        for _ in range(ENOUGH + 1):
            pipeline.pull()
        pace = lender_of(pipeline).pace
        with pipeline._get_deployment().monitor.lock:
            for _ in range(lending.FEWEST_QUICK):
                pace.note(0.0)
            assert not pace.is_quick()


def test_a_cell_that_belongs_to_its_thread_further_inside_is_never_lent(pipeline):
    class Bound(Map):
        def has_thread_affinity(self):
            return True

    def make_inside(box):
        inside = Pipeline(box, "inside")
        add_ports(inside, Bound(inside, "bound", threads))
        return inside

    threads = Threads()
    box = scaled(pipeline, "box", make_inside, 2)
    chain(Source(pipeline, "source", range(500)), box, Recorder(pipeline, "sink"))
    with deployed(pipeline):
        pull_all(pipeline)
    assert not threads.lent()


def test_a_consumer_that_waits_hears_when_clones_may_be_lent_from_now_on(pipeline, monkeypatch):
    """With the last clone in another process, what kept the others from being lent is gone; nobody else takes the item."""
    sink = line(pipeline, lambda x: x, 1, range(1))[1]
    box = pipeline.get_internal_cell_with_name("box")
    is_elsewhere = [True]
    monkeypatch.setattr(stage.Stage, "has_remote_workers", property(lambda self: is_elsewhere[0]))
    monkeypatch.setattr(
        stage.Stage, "may_take_intake", lambda self: False
    )  # the thread of the clone has not got so far
    monkeypatch.setattr(lending.Pace, "is_quick", lambda self: True)
    with deployed(pipeline):
        here = pipeline._get_deployment().crew.get_stage(box)
        here.monitor.enter()  # somebody is awake, who ends that clone
        pulling = Task(pipeline.pull, "pulling")
        in_time(lambda: wait_until(lambda: here.consumers))
        is_elsewhere[0] = False
        last = SimpleNamespace(starved_s=0.0, wall_s=0.0)
        here.workers.append(last)
        here.forget(last)
        here.let_go(last)
        here.monitor.leave()
        pulling.get()
    assert sink.items == [0]

"""`run` and its handle."""

import threading
from contextlib import suppress

import pytest
from stream_cells import (
    GAP,
    SOON_S,
    Collector,
    CriticalError,
    Map,
    PassingError,
    Recorder,
    Source,
    Task,
    chain,
    connect,
    deployed,
    in_time,
    scaled_map,
    wait_until,
)

from pypipeline_engine.exceptions import InvalidInputException, InvalidStateException, TimeoutException

CLONES = pytest.mark.parametrize("clones", [0, 2])


def line(pipeline, clones=0, values=None, function=lambda x: x):
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source", values), scaled_map(pipeline, "box", function, clones), sink)
    return sink


class Notices(Map):
    """Says, by an event for each, which items have come to the end of the pipeline."""

    def __init__(self, parent_cell, name):
        super().__init__(parent_cell, name)
        self.items = []
        self._changed = threading.Condition()

    def _on_pull(self):
        value = self.x.pull()
        self.y.set_value(value)
        with self._changed:
            self.items.append(value)
            self._changed.notify_all()

    def wait_for(self, number):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.items) >= number, 5), f"only {len(self.items)} items came"


def noticed_line(pipeline, clones=0, values=None, function=lambda x: x):
    notices = Notices(pipeline, "notices")
    chain(Source(pipeline, "source", values), scaled_map(pipeline, "box", function, clones), notices)
    return notices


@CLONES
def test_a_run_ends_with_the_stream_and_undeploys_what_it_deployed(pipeline, clones):
    sink = line(pipeline, clones, range(50))
    handle = pipeline.run()
    handle.wait(5)
    assert sink.items == list(range(50))
    assert handle.state == "ended"
    assert handle.error is None
    assert not pipeline.is_deployed()


@CLONES
def test_a_run_leaves_deployed_what_was_deployed_before(pipeline, clones):
    sink = line(pipeline, clones, range(5))
    with deployed(pipeline):
        pipeline.run().wait(5)
        assert pipeline.is_deployed()
        pipeline.reset()
        pipeline.run().wait(5)
    assert sink.items == list(range(5)) * 2


def test_run_returns_at_once(pipeline, gate):
    line(pipeline, 0, None, gate)
    handle = in_time(pipeline.run, 2)
    gate.wait_for(0)
    assert handle.state == "running"
    assert pipeline.is_deployed()
    gate.open()
    handle.stop()


@CLONES
@pytest.mark.parametrize("number", [0, 1, 7])
def test_max_items(pipeline, clones, number):
    sink = line(pipeline, clones)
    handle = pipeline.run(max_items=number)
    handle.wait(5)
    assert sink.items == list(range(number))
    assert handle.state == "ended"
    assert handle.statistics().sink_items == number


def test_max_items_counts_items_and_not_gaps(pipeline):
    sink = line(pipeline, 0, None, lambda x: GAP if x % 2 else x)
    pipeline.run(max_items=3).wait(5)
    assert sink.items == [0, 2, 4]


@pytest.mark.parametrize("number", [-1, 2.5, True, "3"])
def test_odd_numbers_of_items_are_refused_and_nothing_is_deployed(pipeline, number):
    line(pipeline)
    with pytest.raises(InvalidInputException, match="max_items"):
        pipeline.run(max_items=number)
    assert not pipeline.is_deployed()


def test_wait_with_a_timeout(pipeline, gate):
    line(pipeline, 0, None, gate)
    handle = pipeline.run(max_items=2)
    with pytest.raises(TimeoutException, match="p"):
        handle.wait(0.01)
    gate.open()
    handle.wait(5)
    handle.wait(0)
    handle.wait()


@CLONES
def test_a_critical_error_ends_the_run_and_wait_raises_it_every_time(pipeline, clones):
    def fail_at_three(value):
        if value == 3:
            raise CriticalError("three")
        return value

    sink = line(pipeline, clones, None, fail_at_three)
    handle = pipeline.run()
    for _ in range(2):
        with pytest.raises(CriticalError, match="three") as raised:
            handle.wait(5)
        assert raised.value.__notes__ == ["in the cell p.box.map"]
    assert handle.state == "failed"
    assert isinstance(handle.error, CriticalError)
    assert sink.items == [0, 1, 2]
    assert not pipeline.is_deployed()


@CLONES
def test_errors_that_are_not_critical_are_counted_and_reported_and_the_run_goes_on(pipeline, clones):
    def fail_sometimes(value):
        if value in (1, 4):
            raise PassingError(f"item {value}")
        return value

    sink = line(pipeline, clones, range(6), fail_sometimes)
    errors = []
    handle = pipeline.run(on_error=errors.append)
    handle.wait(5)
    assert [str(error) for error in errors] == ["item 1", "item 4"]
    assert handle.nb_errors == 2
    assert sink.items == [0, 2, 3, 5]
    assert handle.state == "ended"


def test_an_on_error_that_raises_ends_the_run_with_its_error(pipeline):
    def fail(value):
        raise PassingError

    def give_up(error):
        raise RuntimeError("one too many") from error

    line(pipeline, 0, None, fail)
    handle = pipeline.run(on_error=give_up)
    with pytest.raises(RuntimeError, match="one too many"):
        handle.wait(5)
    assert handle.state == "failed"
    assert not pipeline.is_deployed()


@CLONES
def test_a_critical_error_of_one_sink_comes_before_a_passing_one_of_another(pipeline, clones):
    """Both fail for the same item, the passing one first: the run must not go on."""
    source = Source(pipeline, "source")

    def fail(error):
        def work(value):
            if value == 2:
                raise error
            return value

        return work

    connect(source, scaled_map(pipeline, "passing", fail(PassingError("passing")), clones))
    connect(source, scaled_map(pipeline, "critical", fail(CriticalError("critical")), clones))
    handle = pipeline.run(max_items=50)
    with pytest.raises(CriticalError):
        handle.wait(5)
    assert handle.state == "failed"


# ---------------------------------------------------------------------- pausing and stepping


@CLONES
def test_a_run_that_begins_paused_steps_as_told(pipeline, clones):
    notices = noticed_line(pipeline, clones)
    with pipeline.run(paused=True) as handle:
        assert handle.state == "paused"
        handle.step()
        notices.wait_for(1)
        handle.step(3)
        notices.wait_for(4)
        assert handle.state == "paused"
        assert notices.items == [0, 1, 2, 3]
        handle.resume()
        notices.wait_for(20)
        assert handle.state == "running"


def test_steps_add_up_and_are_not_exceeded(pipeline, gate):
    notices = noticed_line(pipeline, 0, None, gate)
    with pipeline.run(paused=True) as handle:
        handle.step(2)
        handle.step(1)
        gate.wait_for(0)
        gate.open(0, 1, 2)
        notices.wait_for(3)
        handle.step(1)
        gate.wait_for(3)
        assert gate.arrived == [0, 1, 2, 3]
        gate.open()


def test_a_step_lets_an_item_through_and_passes_gaps(pipeline):
    notices = noticed_line(pipeline, 0, None, lambda x: x if x % 5 == 4 else GAP)
    with pipeline.run(paused=True) as handle:
        handle.step(2)
        notices.wait_for(2)
        assert notices.items == [4, 9]


@CLONES
def test_pause_and_resume(pipeline, clones):
    notices = noticed_line(pipeline, clones)
    with pipeline.run() as handle:
        notices.wait_for(5)
        handle.pause()
        assert handle.state == "paused"
        handle.resume()
        notices.wait_for(len(notices.items) + 5)
    assert notices.items == list(range(len(notices.items)))


def test_after_a_pause_nothing_comes_beyond_the_current_step(pipeline, gate):
    notices = noticed_line(pipeline, 0, None, gate)
    with pipeline.run() as handle:
        gate.wait_for(0)
        handle.pause()
        gate.open()
        notices.wait_for(1)
        handle.step()
        notices.wait_for(2)
        # Had the run gone on by itself, item 2 would have come before the step was counted.
        assert notices.items == [0, 1]


def test_pause_and_resume_from_several_threads(pipeline):
    notices = noticed_line(pipeline, 2)
    barrier = threading.Barrier(4)

    def meddle(handle, number):
        barrier.wait(5)
        for _ in range(50):
            (handle.pause if number % 2 else handle.resume)()

    with pipeline.run() as handle:
        tasks = [Task(lambda n=number: meddle(handle, n)) for number in range(4)]
        for task in tasks:
            task.get()
        handle.resume()
        notices.wait_for(len(notices.items) + 5)
    assert notices.items == list(range(len(notices.items)))


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "1"])
def test_odd_numbers_of_steps_are_refused(pipeline, number):
    line(pipeline)
    with pipeline.run(paused=True) as handle, pytest.raises(InvalidInputException, match="step"):
        handle.step(number)


def test_step_needs_a_paused_run(pipeline, gate):
    line(pipeline, 0, None, gate)
    with pipeline.run() as handle:
        gate.wait_for(0)
        with pytest.raises(InvalidStateException, match="running"):
            handle.step()
        gate.open()


@pytest.mark.parametrize("call", ["pause", "resume", "step"])
def test_a_run_that_is_over_cannot_be_paused_resumed_or_stepped(pipeline, call):
    line(pipeline, 0, range(2))
    handle = pipeline.run()
    handle.wait(5)
    with pytest.raises(InvalidStateException, match="ended"):
        getattr(handle, call)()
    assert handle.state == "ended"


# ---------------------------------------------------------------------- stopping


@CLONES
def test_stop(pipeline, clones):
    notices = noticed_line(pipeline, clones)
    handle = pipeline.run()
    notices.wait_for(3)
    in_time(handle.stop, 2)
    assert handle.state == "stopped"
    assert not pipeline.is_deployed()
    assert notices.items == list(range(len(notices.items)))
    in_time(handle.stop, 2)
    handle.wait(1)
    assert handle.state == "stopped"


def test_stop_while_paused(pipeline):
    line(pipeline, 2)
    handle = pipeline.run(paused=True)
    in_time(handle.stop, 2)
    assert handle.state == "stopped"


def test_stop_from_several_threads(pipeline):
    notices = noticed_line(pipeline, 2)
    handle = pipeline.run()
    notices.wait_for(3)
    barrier = threading.Barrier(4)

    def stop():
        barrier.wait(5)
        handle.stop()
        assert not pipeline.is_deployed()

    tasks = [Task(stop) for _ in range(4)]
    for task in tasks:
        task.get()
    assert handle.state == "stopped"


def test_stop_after_the_end_leaves_the_state(pipeline):
    line(pipeline, 0, range(2))
    handle = pipeline.run()
    handle.wait(5)
    handle.stop()
    assert handle.state == "ended"


def test_undeploying_during_a_run_ends_it(pipeline):
    notices = noticed_line(pipeline, 2)
    handle = pipeline.run()
    notices.wait_for(3)
    in_time(pipeline.undeploy, 2)
    with pytest.raises(Exception, match="undeployed"):
        handle.wait(5)
    assert handle.state in ("failed", "stopped")
    assert not pipeline.is_deployed()


def test_the_context_manager_stops_and_lets_errors_through(pipeline):
    notices = noticed_line(pipeline, 1)
    with pytest.raises(ZeroDivisionError), pipeline.run() as handle:
        notices.wait_for(1)
        raise ZeroDivisionError
    assert handle.state == "stopped"
    assert not pipeline.is_deployed()


def test_on_end_is_called_when_everything_is_over(pipeline):
    line(pipeline, 2, range(4))
    seen = []
    handle = pipeline.run(on_end=lambda: seen.append(pipeline.is_deployed()))
    handle.wait(5)
    assert seen == [False]


# ---------------------------------------------------------------------- together with other calls


@CLONES
def test_pull_during_a_run_is_refused(pipeline, gate, clones):
    sink = line(pipeline, clones, None, gate)
    with pipeline.run() as handle:
        gate.wait_for(0)
        for cell in (pipeline, sink):
            with pytest.raises(InvalidStateException, match="run"):
                cell.pull()
        assert handle.state == "running"
        gate.open()
    with pytest.raises(Exception, match="not deployed"):
        pipeline.pull()


def test_a_second_run_is_refused(pipeline, gate):
    line(pipeline, 0, None, gate)
    with pipeline.run():
        gate.wait_for(0)
        with pytest.raises(InvalidStateException, match="run already"):
            pipeline.run()
        assert pipeline.is_deployed()
        gate.open()


def test_a_run_after_a_run(pipeline):
    sink = line(pipeline, 2, range(3))
    for _ in range(3):
        pipeline.run().wait(5)
    assert sink.items == [0, 1, 2] * 3


def test_pull_after_a_run_of_a_deployed_pipeline_goes_on_where_it_ended(pipeline):
    sink = line(pipeline, 2)
    with deployed(pipeline):
        pipeline.run(max_items=5).wait(5)
        pipeline.pull()
        pipeline.run(max_items=2).wait(5)
    assert sink.items == list(range(8))


def test_a_part_cannot_be_run(pipeline):
    sink = line(pipeline)
    with pytest.raises(InvalidInputException, match=r"p\.sink is a part of p"):
        sink.run()


def test_a_run_that_cannot_begin_leaves_nothing_deployed(pipeline):
    class Broken(Source):
        def get_nb_available_pulls(self):
            raise ZeroDivisionError

    chain(Broken(pipeline, "source"), scaled_map(pipeline, "box", clones=2), Collector(pipeline, "sink"))
    for _ in range(2):
        with suppress(ZeroDivisionError):
            pipeline.run(max_items=3).wait(5)
        assert not pipeline.is_deployed()


def test_the_number_of_items_to_expect(pipeline):
    line(pipeline, 0, range(9))
    for limit, expected in ((None, 9), (4, 4), (20, 9)):
        handle = pipeline.run(max_items=limit)
        assert handle.nb_items == expected
        handle.wait(5)


def test_the_number_of_items_to_expect_is_unknown_without_end(pipeline):
    line(pipeline)
    with pipeline.run(paused=True) as handle:
        assert handle.nb_items is None


def test_an_error_in_on_undeploy_is_raised_by_wait(pipeline):
    class Leaves(Map):
        def _on_undeploy(self):
            raise CriticalError("cannot close")

    chain(Source(pipeline, "source", range(2)), Leaves(pipeline, "leaves"), Recorder(pipeline, "sink"))
    handle = pipeline.run()
    with pytest.raises(CriticalError, match="cannot close"):
        handle.wait(5)
    assert handle.state == "failed"
    assert not pipeline.is_deployed()


def test_a_pull_that_was_under_way_when_the_run_began_is_the_last_one(pipeline, gate):
    """It kept the turn, so that pulls by hand went on beside the run."""
    chain(Source(pipeline, "source"), Map(pipeline, "map", gate), Collector(pipeline, "sink"))
    with deployed(pipeline):
        go_on = threading.Event()

        def pull_twice():
            pipeline.pull()
            assert go_on.wait(SOON_S)
            pipeline.pull()

        task = Task(pull_twice)
        gate.wait_for(0)
        with pipeline.run(paused=True):
            gate.open()
            go_on.set()
            with pytest.raises(InvalidStateException, match="is being run"):
                task.get()


def test_steps_of_before_a_pause_are_not_taken_off_those_after_it(pipeline, gate):
    sink = Collector(pipeline, "sink")
    chain(Source(pipeline, "source"), Map(pipeline, "map", gate), sink)
    with pipeline.run(paused=True) as handle:
        gate.open(0, 1)
        handle.step(5)
        gate.wait_for(2)
        handle.pause()
        handle.step(2)
        gate.open()
        gate.wait_for(4)
        in_time(lambda: wait_until(lambda: len(sink.items) == 5))
        assert not Task(lambda: gate.wait_for(5)).ends_within(0.05)
        gate(5)  # so that the task above ends


def test_a_run_cannot_be_waited_for_by_itself(pipeline):
    refusals = []

    def wait_for_it(*_):
        with pytest.raises(InvalidStateException, match="cannot be waited for by itself") as refused:
            handles[0].wait()
        refusals.append(refused.value)
        return 0

    chain(Source(pipeline, "source", range(1)), Map(pipeline, "map", wait_for_it), Collector(pipeline, "sink"))
    handles = []
    handles.append(pipeline.run(paused=True, on_end=wait_for_it))
    handles[0].resume()
    handles[0].wait(SOON_S)
    assert len(refusals) == 2


def test_a_pipeline_without_cells_ends_at_once(pipeline):
    with deployed(pipeline):
        for _ in range(2):
            with pytest.raises(StopIteration):
                pipeline.pull()
            pipeline.reset()
    pipeline.run().wait(SOON_S)

"""Timing by samples: who is charged for what, how much that costs, and what `look_soon` changes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from pypipeline_engine.core import clock as clock_module
from pypipeline_engine.core.clock import CPU_TIME_EVERY, LONGEST_INTERVAL, Clock
from pypipeline_engine.core.counters import Counters


class FakeTime:
    """Two clocks that go on when a test says so: the wall's, and that of the thread."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.cpu_s = 5.0
        self.nb_reads_of_cpu_time = 0

    def work(self, seconds: float) -> None:
        self.now_s += seconds
        self.cpu_s += seconds

    def read_cpu_time(self) -> float:
        self.nb_reads_of_cpu_time += 1
        return self.cpu_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    time = FakeTime()
    monkeypatch.setattr(clock_module, "perf_counter", lambda: time.now_s)
    monkeypatch.setattr(clock_module, "thread_time", time.read_cpu_time)
    return time


def test_time_is_charged_to_the_cell_whose_code_runs(time: FakeTime) -> None:
    clock = Clock(3)
    source, middle, sink = Counters(), Counters(), Counters()

    def run_source() -> None:
        time.work(1.0)

    def run_middle() -> None:
        time.sleep(2.0)
        clock.run(run_source, source)
        time.work(4.0)

    def run_sink() -> None:
        time.work(8.0)
        clock.run(run_middle, middle)
        clock.run(run_source, source)

    clock.bind(lambda: clock.run(run_sink, sink))()
    assert (source.busy_s, source.starved_s, source.cpu_s) == (2.0, 0.0, 2.0)
    assert (middle.busy_s, middle.starved_s, middle.cpu_s) == (6.0, 1.0, 4.0)
    assert (sink.busy_s, sink.starved_s, sink.cpu_s) == (8.0, 8.0, 8.0)


def test_a_wait_is_nobodys_work(time: FakeTime) -> None:
    clock = Clock(1)
    counters = Counters()

    def run() -> None:
        time.work(1.0)
        clock.wait(lambda: time.sleep(10.0))

    clock.bind(lambda: clock.run(run, counters))()
    assert (counters.busy_s, counters.starved_s, counters.cpu_s) == (1.0, 10.0, 1.0)


def test_a_wait_for_room_is_a_wait_for_those_downstream(time: FakeTime) -> None:
    clock = Clock(2)
    source, sink = Counters(), Counters()

    def run_source() -> None:
        clock.wait(lambda: clock.wait_for_room(lambda: time.sleep(5.0)))
        clock.wait(lambda: time.sleep(1.0))

    def run_sink() -> None:
        time.work(2.0)
        clock.run(run_source, source)
        clock.wait(lambda: clock.wait_for_room(lambda: time.sleep(3.0)))

    clock.bind(lambda: clock.run(run_sink, sink))()
    assert (source.busy_s, source.starved_s) == (0.0, 1.0)
    assert (sink.busy_s, sink.starved_s) == (2.0, 6.0), "what those upstream do is a wait for inputs"
    assert (clock.blocked_s, clock.starved_s) == (8.0, 1.0)


def test_an_error_is_timed_too(time: FakeTime) -> None:
    clock = Clock(1)
    counters = Counters()

    def fail() -> None:
        time.work(3.0)
        raise ValueError

    with pytest.raises(ValueError):
        clock.bind(lambda: clock.run(fail, counters))()
    assert counters.busy_s == 3.0
    assert not clock.timed


@pytest.mark.parametrize("seconds", [1e-7, 1e-6, 1e-5, 2e-5, 1e-4, 1e-3, 1.0])
@pytest.mark.parametrize("nb_units", [1, 4])
def test_samples_stand_for_all_steps(time: FakeTime, seconds: float, nb_units: int) -> None:
    """The estimate is that of all steps but those that a sample yet to come will stand for."""
    clock = Clock(nb_units)
    counters = Counters()
    timed = 0

    def work() -> None:
        nonlocal timed
        if clock.timed:
            timed += 1
            clock.run(lambda: time.work(seconds), counters)
        else:
            time.work(seconds)

    step = clock.bind(work)
    for done in range(1, 1001):
        step()
        missing = done * seconds - counters.busy_s
        assert -1e-9 <= missing <= LONGEST_INTERVAL * seconds
    # The first step is always timed: how long it takes is not known before.
    cost_s = (timed - 1) * nb_units * clock_module.COST_OF_A_SAMPLE_S
    share = cost_s / (1000 * seconds)
    assert share <= 1.001 * clock_module.LARGEST_SHARE_OF_SAMPLING or timed <= 1000 // LONGEST_INTERVAL + 2
    if seconds >= 1e-3:
        assert timed == 1000, "long steps are timed each"


def test_a_slow_step_among_fast_ones_does_not_stop_the_timing(time: FakeTime) -> None:
    clock = Clock(1)
    seen: list[int] = []
    numbers = iter(range(300))

    def work() -> None:
        number = next(numbers)
        time.work(1.0 if number in (0, 100) else 1e-7)
        if clock.timed:
            seen.append(number)

    step = clock.bind(work)
    for _ in range(300):
        step()
    gaps = [after - before for before, after in pairwise(seen)]
    assert max(gaps) <= LONGEST_INTERVAL


def time_steps(time: FakeTime, clock: Clock, counters: Counters, seconds: Callable[[], float]) -> Callable[[], None]:
    """A step of a domain with one cell, which works for so long."""

    def work() -> None:
        if clock.timed:
            clock.run(lambda: time.work(seconds()), counters)
        else:
            time.work(seconds())

    return clock.bind(work)


def test_whoever_looks_sees_a_step_that_has_become_long(time: FakeTime) -> None:
    """Without that, the cell would seem idle for as many steps as went by quickly between two samples."""
    clock, counters = Clock(1), Counters()
    length_s = 1e-7
    step = time_steps(time, clock, counters, lambda: length_s)
    for _ in range(3 * LONGEST_INTERVAL // 2):
        step()
    before_s = counters.busy_s
    length_s = 1.0
    clock.look_soon()
    for number in range(1, 11):
        step()
        assert counters.busy_s == pytest.approx(before_s + number), "each long step counts once, and for itself alone"


def test_looking_all_the_time_does_not_change_what_is_estimated(time: FakeTime) -> None:
    clock, counters = Clock(1), Counters()
    step = time_steps(time, clock, counters, lambda: 1e-7)
    for done in range(1, 10 * LONGEST_INTERVAL):
        if done % 10 == 0:
            clock.look_soon()
        step()
        missing = done * 1e-7 - counters.busy_s
        assert -1e-9 <= missing <= LONGEST_INTERVAL * 1e-7


def test_cpu_time_is_read_in_one_of_several_samples_of_short_steps(time: FakeTime) -> None:
    clock, counters = Clock(1), Counters()
    step = time_steps(time, clock, counters, lambda: 1e-7)
    nb_steps = 4 * CPU_TIME_EVERY * LONGEST_INTERVAL + 1
    for _ in range(nb_steps):
        step()
    assert counters.cpu_s == pytest.approx(nb_steps * 1e-7, rel=0.01)
    assert time.nb_reads_of_cpu_time < 20

"""Who has the GIL: what is made of looks, and the looks themselves."""

import sys
import threading

import pytest

from pypipeline_engine.insight.gil import (
    PATIENCE_S,
    TAKEN_AFTER_S,
    GilProbe,
    Sighting,
    estimate_shares,
    make_sighting,
)
from pypipeline_engine.runtime.working import WorkingThread

LATE_S = 2 * TAKEN_AFTER_S


def sighting(sure: str = "", possible: str = "", taken: bool = False) -> Sighting:
    return Sighting(frozenset(sure.split()), frozenset(possible.split()), taken)


def test_too_few_looks_say_nothing() -> None:
    shares = estimate_shares({sighting("a", taken=True): 29})
    assert shares.held is None
    assert shares.by_cell == {}


def test_a_cell_between_instructions_has_the_gil() -> None:
    shares = estimate_shares({sighting("python", taken=True): 90, sighting("", "python"): 10})
    assert shares.by_cell["python"] == pytest.approx(0.9)
    assert shares.held == pytest.approx(0.9)


def test_a_cell_in_other_code_has_it_where_it_was_taken_and_nobody_else_was_there() -> None:
    shares = estimate_shares({sighting("", "native", taken=True): 60, sighting("", "native"): 40})
    assert shares.by_cell["native"] == pytest.approx(0.6)


def test_of_two_side_by_side_the_one_has_it_that_has_it_alone() -> None:
    shares = estimate_shares(
        {
            sighting("", "holds frees", taken=True): 500,
            sighting("", "holds", taken=True): 300,
            sighting("", "frees"): 300,
        }
    )
    assert shares.by_cell["holds"] > 0.95
    assert shares.by_cell["frees"] < 0.1


def test_who_waits_for_something_else_is_not_blamed() -> None:
    seen = {sighting("", "computes sleeps", taken=True): 100}
    shares = estimate_shares(seen, {"computes": 1.0, "sleeps": 0.01})
    assert shares.by_cell["computes"] > 0.95
    assert shares.by_cell["sleeps"] == 0


def test_a_cell_that_was_hardly_seen_is_not_judged() -> None:
    shares = estimate_shares({sighting("", "often"): 100, sighting("seldom", taken=True): 5})
    assert set(shares.by_cell) == {"often"}


def test_who_came_to_its_end_while_the_probe_waited_may_have_had_it() -> None:
    before, now = [WorkingThread("python", False)], [WorkingThread("native", False)]
    assert make_sighting(before, now, LATE_S) == sighting("", "python native", taken=True)
    assert make_sighting(before, now, 0.0) == sighting("", "native")


class TestProbe:
    def make(self, late_s: float = 0.0, threads: list[WorkingThread] | None = None) -> tuple[GilProbe, list[float]]:
        """A probe that is woken so late, and what it has slept."""
        now = [0.0]
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            now[0] += seconds + late_s

        found = [WorkingThread("work", False)] if threads is None else threads
        return GilProbe(lambda: found, clock=lambda: now[0], sleep=sleep), slept

    def test_being_late_means_that_the_gil_was_taken(self) -> None:
        probe, _ = self.make(LATE_S)
        for _ in range(50):
            probe.look()
        assert probe.get_shares().held == 1.0
        probe, _ = self.make(0.0)
        for _ in range(50):
            probe.look()
        assert probe.get_shares().held == 0.0

    def test_old_looks_count_less_and_less(self) -> None:
        threads = [WorkingThread("work", True)]
        probe, _ = self.make(0.0, threads)
        for _ in range(400):
            probe.look()
        threads[:] = [WorkingThread("work", False)]
        for _ in range(1000):
            probe.look()
        share = probe.get_shares().by_cell["work"]
        assert 0 < share < 0.1

    def test_the_switch_interval_is_short_for_a_look_and_what_it_was_after_it(self, monkeypatch) -> None:
        intervals = []
        monkeypatch.setattr("sys.setswitchinterval", intervals.append)
        monkeypatch.setattr("sys.getswitchinterval", lambda: 0.005)
        probe, _ = self.make()
        probe.look()
        assert intervals == [PATIENCE_S, 0.005]

    def test_two_probes_leave_the_switch_interval_as_it_was(self) -> None:
        usual_s = sys.getswitchinterval()
        within: list[float] = []

        def sleep(_: float) -> None:
            if not within:  # another probe looks while this one sleeps
                within.append(sys.getswitchinterval())
                GilProbe(list, sleep=lambda _: within.append(sys.getswitchinterval())).look()
                within.append(sys.getswitchinterval())

        GilProbe(list, sleep=sleep).look()
        assert within == pytest.approx([PATIENCE_S] * 3)
        assert sys.getswitchinterval() == pytest.approx(usual_s)

    def test_it_forgets(self) -> None:
        probe, _ = self.make()
        for _ in range(50):
            probe.look()
        probe.forget()
        assert probe.get_shares().held is None

    def test_it_rests_while_nobody_asks_and_stops_at_once(self) -> None:
        """Without anybody who asks, a thread that does not really sleep would look for ever."""
        resting = threading.Event()
        probe, slept = self.make()
        wait = probe._is_wanted.wait

        def wait_and_tell(*args):
            resting.set()
            return wait(*args)

        probe._is_wanted.wait = wait_and_tell
        probe.start()
        assert resting.wait(30)
        nb_slept = len(slept)
        probe.stop()
        assert len(slept) <= nb_slept + 2

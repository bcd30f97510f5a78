"""What following an advice has brought."""

import pytest

from pypipeline_engine.host.protocol import Snapshot
from pypipeline_studio.document.trial import MOST_S, STEADY_SNAPSHOTS, Trial

WINDOW_S = 2.0


def snapshot(elapsed_s, hz=9.7, state="running") -> Snapshot:
    return Snapshot(run=1, state=state, elapsed_s=elapsed_s, window_s=WINDOW_S, sink_items=1, sink_rate_hz=hz, cells={})


def make(before_hz=5.1, predicted_hz=9.8) -> Trial:
    return Trial({("detect",): (0, 0)}, {("detect",): (2, 0)}, before_hz, predicted_hz)


def measure(trial, hz=9.7, begin_s=10.0) -> float:
    """Snapshots until the rate is measured; when that was, from the beginning."""
    for index in range(200):
        trial.take(snapshot(begin_s + index / 4, hz), False)
        if trial.is_over:
            return index / 4
    raise AssertionError("never measured")


def test_a_rate_is_measured_when_the_window_has_nothing_from_before_in_it() -> None:
    trial = make()
    trial.take(snapshot(9.0, 5.1), True)
    trial.take(snapshot(9.25, 5.1), True)
    assert trial.phase == "changing"
    assert measure(trial) == pytest.approx(WINDOW_S + (STEADY_SNAPSHOTS - 1) / 4)
    assert trial.phase == "measured"
    outcome = trial.tell()
    assert outcome.title == "detect now has 2 threads"
    assert outcome.text == "Predicted 9.80/s, measured 9.70/s (before 5.10/s): +90 %."
    assert outcome.is_good


def test_a_rate_that_still_rises_is_waited_for() -> None:
    trial = make()
    for index in range(16):
        trial.take(snapshot(10 + index / 4, 5.0 * 1.05**index), False)
    assert trial.phase == "settling"
    assert "Measuring" in trial.tell().text
    assert trial.tell().is_good is None


def test_a_rate_that_never_settles_is_taken_as_it_is() -> None:
    trial = make()
    for index in range(int(4 * MOST_S) + 1):
        assert not trial.is_over
        trial.take(snapshot(10 + index / 4, 5.0 if index % 2 else 10.0), False)
    assert trial.phase == "measured"


def test_a_pause_begins_the_measurement_anew() -> None:
    trial = make()
    for index in range(11):
        trial.take(snapshot(10 + index / 4), False)
    trial.take(snapshot(13.0, 0.0, "paused"), False)
    assert measure(trial, begin_s=13.25) >= WINDOW_S


def test_the_clock_starts_when_the_engine_has_done_it() -> None:
    trial = make()
    for index in range(100):
        trial.take(snapshot(10 + index / 4), True)
    assert trial.phase == "changing"
    assert measure(trial, begin_s=35.0) > WINDOW_S


def test_what_brought_nothing_or_less_is_told_as_that() -> None:
    trial = make()
    measure(trial, 5.2)
    assert trial.tell().is_good is False
    assert "brought nothing" in trial.tell().text
    trial = make()
    measure(trial, 4.0)
    assert "slower" in trial.tell().text


def test_a_run_that_ends_before_and_an_engine_that_refuses() -> None:
    trial = make()
    trial.take(snapshot(11.0, state="stopped"), False)
    assert trial.phase == "unmeasured"
    assert "ended" in trial.tell().text
    trial = make()
    trial.disturb()
    measured = make()
    measure(measured)
    measured.disturb()
    assert ("Something else" in trial.tell().text, measured.phase) == (True, "measured")
    trial = make()
    trial.refuse("detect cannot have two clones.")
    trial.take(snapshot(11.0), False)
    assert trial.phase == "refused"
    assert trial.tell().text == "detect cannot have two clones."


def test_without_a_rate_before_there_is_no_gain() -> None:
    trial = make(before_hz=0.0, predicted_hz=None)
    measure(trial)
    assert trial.tell().text == "Measured 9.70/s (before 0/s)."

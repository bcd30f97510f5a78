"""The search for the best setting, on simulated pipelines of which the best is known."""

from itertools import product

import pytest
from simulated import WINDOW_S, Silent, Simulated, Work

from pypipeline_engine.insight.proposals import Candidate, Facts
from pypipeline_engine.insight.settings import INLINE, Clones, cost_of
from pypipeline_engine.insight.tuning import RefusedException, StopAsked, Tuner

FAST = Work(0.001)


def best_hz(simulated: Simulated, most: int = 6, kinds=("threads",)) -> float:
    """The best rate of all settings with up to so many clones a cell."""
    names = list(simulated.cells)
    options = [
        [INLINE, *(Clones(**{kind: n}) for kind in kinds for n in range(1, min(most, work.most) + 1))]
        for work in simulated.cells.values()
    ]
    return max(simulated.true_hz(dict(zip(names, choice, strict=True))) for choice in product(*options))


PIPELINES = {
    "one slow cell": {"read": FAST, "work": Work(0.1), "write": FAST},
    "two slow cells": {"read": FAST, "a": Work(0.08), "b": Work(0.1), "write": Work(0.01, most=1)},
    "waits for a server": {"read": FAST, "ask": Work(0.2, cpu=0.02), "write": FAST},
    "a limit that cannot be scaled": {"read": FAST, "work": Work(0.1), "write": Work(0.05, most=1)},
    "a slow source": {"read": Work(0.05, most=1), "work": Work(0.04), "write": FAST},
    "five of one kind": {f"step {n}": Work(0.02) for n in range(5)},
}


@pytest.mark.parametrize("cells", PIPELINES.values(), ids=PIPELINES)
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_what_is_found_is_nearly_the_best_of_all(cells, noise: float) -> None:
    simulated = Simulated(cells, noise=noise)
    tuned = simulated.tune()
    assert simulated.true_hz(tuned.after.setting) >= 0.95 * best_hz(simulated, most=8)
    assert simulated.now_s <= 120 + 10


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_is_no_gain(seed: int) -> None:
    """With nothing to be won, nothing is added, whatever the noise says."""
    simulated = Simulated({"read": Work(0.1, most=1), "write": Work(0.001, most=1)}, noise=0.03)
    simulated.random.seed(seed)
    tuned = simulated.tune({"write": Clones(1)})
    assert cost_of(tuned.after.setting) <= cost_of(tuned.before.setting)
    gained = simulated.true_hz(tuned.after.setting) / simulated.true_hz(tuned.before.setting)
    assert gained >= 0.97


@pytest.mark.parametrize("percent_a_measurement", [-4, -1, 1, 4])
def test_a_machine_that_gets_faster_meanwhile_makes_no_candidate_better(percent_a_measurement: float) -> None:
    simulated = Simulated(
        {"read": Work(0.1, most=1), "work": Work(0.02)},
        drift=lambda now_s: (1 + percent_a_measurement / 100) ** (now_s / WINDOW_S),
    )
    facts = Facts({"read": 1, "work": 8}, 4)

    def more(window, setting, facts) -> list[Candidate]:
        return [Candidate({"work": Clones(number)}, None, "a guess") for number in range(2, 6)]

    start = {"read": Clones(1), "work": Clones(1)}
    tuner = Tuner(start, facts, simulated.measure, Silent(), 200, simulated.clock, more)
    tuned = tuner.run()
    assert tuned.after.setting == start
    assert [step.outcome for step in tuned.steps] == ["start", "undone", "undone", "undone", "undone"]


def test_a_library_that_has_threads_of_its_own_needs_no_clones() -> None:
    """As OpenCV, which uses all cores for a cell that runs inline."""

    def slower(setting) -> float:
        return 1.0 if setting["work"].number else 2.05

    simulated = Simulated({"read": FAST, "work": Work(0.1), "write": FAST}, cores=2, slower=slower)
    assert simulated.tune({"work": Clones(2)}).after.setting["work"] == INLINE


def test_threads_that_wait_for_the_gil_become_processes() -> None:
    simulated = Simulated({"read": FAST, "work": Work(0.1, gil=1.0), "write": FAST}, cores=4)
    without = simulated.tune()
    assert simulated.true_hz(without.after.setting) == pytest.approx(10, rel=0.05)
    assert without.after.setting["work"].number <= 1
    tuned = simulated.tune(methods=("thread", "ray"))
    assert tuned.after.setting["work"].ray >= 3
    assert simulated.true_hz(tuned.after.setting) >= 0.95 * best_hz(simulated, kinds=("threads", "ray"))


def test_what_has_more_clones_than_the_machine_has_cores_gets_fewer() -> None:
    simulated = Simulated({"read": FAST, "work": Work(0.1), "write": FAST}, cores=2)
    tuned = simulated.tune({"work": Clones(6)})
    assert tuned.after.setting["work"] == Clones(2)
    assert [step.outcome for step in tuned.steps][:2] == ["start", "kept"]


def test_more_clones_than_good_are_undone() -> None:
    """A cell of which each clone beyond three makes all slower, against what any model expects."""

    def slower(setting) -> float:
        return 1 / (1 + max(0, setting["work"].number - 3))

    simulated = Simulated({"read": FAST, "work": Work(0.1), "write": FAST}, cores=8, slower=slower)
    tuned = simulated.tune(budget_s=200)
    assert tuned.after.setting["work"] == Clones(3)
    assert "undone" in {step.outcome for step in tuned.steps}


def test_a_first_clone_that_makes_slower_does_not_hide_that_two_are_faster() -> None:
    def slower(setting) -> float:
        return 0.5 if setting["work"].number == 1 else 1.0

    simulated = Simulated({"read": FAST, "work": Work(0.1), "write": FAST}, cores=2, slower=slower)
    assert simulated.tune().after.setting["work"] == Clones(2)


def test_a_target_is_reached_with_the_least() -> None:
    simulated = Simulated({"read": FAST, "work": Work(0.1), "write": FAST}, cores=8)
    for start in (Clones(0), Clones(1), Clones(8)):
        tuned = simulated.tune({"work": start}, target_hz=25)
        assert tuned.after.setting["work"] == Clones(3), start
        assert tuned.is_reached
        assert "nothing can be taken away" in tuned.ending


def test_a_target_that_cannot_be_reached_brings_the_most_there_is() -> None:
    simulated = Simulated({"read": FAST, "work": Work(0.1), "write": FAST}, cores=4)
    tuned = simulated.tune(target_hz=1000)
    assert not tuned.is_reached
    assert simulated.true_hz(tuned.after.setting) >= 0.95 * best_hz(simulated, most=8)


def test_what_the_engine_refuses_is_a_step_with_the_reason() -> None:
    def refused(setting) -> str | None:
        return "work does not like company" if setting["work"].number > 1 else None

    simulated = Simulated({"read": FAST, "work": Work(0.1), "write": Work(0.05)}, refused=refused)
    tuned = simulated.tune()
    assert ("refused", "work does not like company") in {(step.outcome, step.reason) for step in tuned.steps}
    assert tuned.after.setting["work"].number <= 1


def test_a_start_that_is_refused_is_an_error() -> None:
    simulated = Simulated({"work": FAST}, refused=lambda setting: "it does not run")
    with pytest.raises(RefusedException, match="it does not run"):
        simulated.tune()


def test_what_fails_now_and_then_does_not_take_the_result_along() -> None:
    simulated = Simulated({"read": FAST, "work": Work(0.1), "write": FAST})
    simulated.refused = lambda setting: "it fails" if len(simulated.measured) > 4 else None
    tuned = simulated.tune()
    assert tuned.after.setting["work"].threads == 4


@pytest.mark.parametrize("budget_s", [1, 5, 20, 60])
def test_the_budget_is_kept(budget_s: float) -> None:
    simulated = Simulated(PIPELINES["five of one kind"], noise=0.05)
    tuned = simulated.tune(budget_s=budget_s)
    assert simulated.now_s <= budget_s + 10
    assert cost_of(tuned.after.setting) >= cost_of(tuned.before.setting)


def test_a_stop_keeps_the_best_so_far() -> None:
    simulated = Simulated({"read": FAST, "work": Work(0.1), "write": FAST})
    kept = Silent()

    def measure(setting, most_s):
        if any(step.outcome == "kept" for step in kept.steps):
            raise StopAsked
        return simulated.measure(setting, most_s)

    start = dict.fromkeys(simulated.cells, INLINE)
    facts = Facts(dict.fromkeys(simulated.cells, 8), 4)
    tuned = Tuner(start, facts, measure, kept, 100, simulated.clock).run()
    assert tuned.ending == "it was interrupted"
    assert tuned.after.setting["work"].threads == 4


def test_no_setting_is_tried_twice() -> None:
    simulated = Simulated(PIPELINES["two slow cells"])
    tuned = simulated.tune()
    tried = [(step.change, step.number) for step in tuned.steps if step.outcome == "undone"]
    assert len({change for change, _ in tried}) == len(tried)


def test_each_step_tells_what_was_expected_and_what_came() -> None:
    simulated = Simulated({"read": FAST, "work": Work(0.1), "write": FAST})
    first, second, *_ = simulated.tune().steps
    assert (first.change, first.outcome) == ("as it is", "start")
    assert second.change == "work: inline -> 4 threads"
    assert second.why == "the thread of work and 2 more is the limit"
    assert second.predicted_hz == pytest.approx(second.measured_hz, rel=0.05)

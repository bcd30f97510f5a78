"""Pipelines under a few thousand schedules, and that each of these comes again when it is wanted.

A failure says which command runs its schedule again. The long form is `python tests/engine/exploration --help`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from scenarios import LINES_EVERY, SCENARIOS, STEPS_EVERY, explore

from pypipeline_engine.core.sequencer import Sequencer

AS_TRACED = pytest.mark.skipif(
    sys.version_info[:2] == (3, 12), reason="the first trace of a line in a process of Python 3.12 may leave it out"
)
SEEDS = range(24)
FEW = range(12)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_is_lost_repeated_out_of_order_or_left_behind(scenario):
    for seed in SEEDS:
        explore(scenario, seed)


@AS_TRACED
def test_a_seed_gives_the_same_schedule_again():
    for scenario in SCENARIOS[::9]:
        for seed in FEW:
            assert explore(scenario, seed) == explore(scenario, seed)


@AS_TRACED
@pytest.mark.parametrize("seed", [3, LINES_EVERY, STEPS_EVERY - 1])
def test_a_seed_gives_the_same_schedule_in_another_process(seed):
    schedule = explore("nested/everything", seed)
    done = subprocess.run(
        [sys.executable, Path(__file__).parent, "--replay", f"nested/everything:{seed}"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert schedule.digest in done.stdout


def test_seeds_give_different_schedules():
    digests = {explore("round/scale", seed).digest for seed in SEEDS}
    assert len(digests) == len(SEEDS)


def test_a_failure_comes_again_and_says_how(monkeypatch):
    def forget(self, ticket, result):
        self.head = max(self.head, ticket + 1)
        self.ready.append(result)
        return True

    monkeypatch.setattr(Sequencer, "finish", forget)

    def fail(seed):
        try:
            explore("chain/calm", seed)
        except AssertionError as error:
            return str(error), error.__notes__[-1]
        return None

    failures = [fail(seed) for seed in SEEDS]
    assert any(failures)
    assert failures == [fail(seed) for seed in SEEDS]
    seed, (_, note) = next((seed, failure) for seed, failure in enumerate(failures) if failure)
    assert f"--replay chain/calm:{seed}" in note


@pytest.mark.slow
def test_the_long_form_counts_distinct_schedules():
    done = subprocess.run(
        [sys.executable, Path(__file__).parent, "--schedules", "60", "--processes", "2", "--only", "row/"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "60 schedules, 60 distinct, 0 findings" in done.stdout

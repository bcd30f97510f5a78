"""The search for the numbers of clones with which a graph is fastest, or reaches a rate with the least.

It is a state machine that knows no pipeline: what to try comes from a function that proposes, how fast a setting is from
one that measures, the time from a clock. It climbs greedily: each candidate is measured, kept where it is better by more
than the noise, and undone otherwise. Where a difference is near the noise, the best setting and the candidate are measured
again by turns, so that a machine whose speed drifts is fair to both. At as much speed, what takes less wins.

Threads: `run` belongs to one thread. What it has found so far may be looked at by its listener only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeAlias

from pypipeline_engine.core.counters import Statistics
from pypipeline_engine.insight.bottleneck import find_bottleneck
from pypipeline_engine.insight.proposals import Candidate, Facts, Propose, propose
from pypipeline_engine.insight.settings import Setting, cost_of, describe_change, key_of

MIN_GAIN = 0.02
"""What takes more has to bring so much more, in parts of the rate."""
MAX_LOSS = 0.02
"""What takes less may cost so much, in parts of the rate."""
NOISE = 2.0
"""How many standard errors a difference has to be to count."""
FLOOR = 0.005
"""No measurement is taken for more exact than this part of its rate."""
NEAR = 0.05
"""A difference that was seen once is measured again where it is smaller."""
ROUNDS = 3
"""How often a candidate near the noise is measured at most."""
PATIENCE = 6
"""After so many candidates in a row that did not help, the rest is not tried."""
SHARES = 10
"""One measurement may take so much of the budget: one part of this many."""
SHORTEST_S, LONGEST_S = 1.0, 10.0
"""Within these bounds."""


@dataclass(frozen=True)
class Measurement:
    """How fast one setting was, once."""

    rate_hz: float
    """Items per second delivered at the end of the pipeline."""
    error_hz: float
    """The standard error of that."""
    window: Statistics
    """What the cells did meanwhile."""
    cpu_s: float | None = None
    """Processor time of the whole process for each item, in seconds, threads of libraries included."""
    restarts: int = 0
    """How often the stream was over and was started again."""


class RefusedException(Exception):
    """A setting that the engine refuses, or with which the pipeline fails; the message is the reason."""


class StopAsked(BaseException):
    """Whoever measures was told to stop; that is no error."""


Measure: TypeAlias = Callable[[Setting, float], Measurement]
"""Runs a setting for some seconds at most. Raises `RefusedException` or `StopAsked`."""


@dataclass
class Estimate:
    """All that is known of how fast one setting is."""

    setting: Setting
    measurements: list[Measurement] = field(default_factory=list)

    @property
    def rate_hz(self) -> float:
        """The mean, in which those that are known better weigh more."""
        weights = [1 / _relative_error(one) ** 2 for one in self.measurements]
        return sum(w * one.rate_hz for w, one in zip(weights, self.measurements, strict=True)) / sum(weights)

    @property
    def error_hz(self) -> float:
        """The standard error of the mean: from within the measurements, or from how they differ where that is more."""
        weights = [1 / _relative_error(one) ** 2 for one in self.measurements]
        mean_hz, total = self.rate_hz, sum(weights)
        within = 1 / total
        squares = sum(w * (one.rate_hz / mean_hz - 1) ** 2 for w, one in zip(weights, self.measurements, strict=True))
        between = squares / total / max(1, len(weights) - 1)
        return mean_hz * math.sqrt(max(within, between))

    @property
    def window(self) -> Statistics:
        """What the cells did when it was measured last."""
        return self.measurements[-1].window


@dataclass(frozen=True)
class _Ratio:
    """How many times as fast one setting is as another one, measured one right after the other."""

    value: float
    error: float
    """The standard error."""

    @classmethod
    def of(cls, found: Measurement, *others: Measurement) -> _Ratio:
        """One measurement beside the mean of those before and after it."""
        mean_hz = sum(one.rate_hz for one in others) / len(others)
        error = math.hypot(*map(_relative_error, others)) / len(others)
        drift = (max(one.rate_hz for one in others) - min(one.rate_hz for one in others)) / (4 * mean_hz)
        value = found.rate_hz / mean_hz
        return cls(value, value * math.hypot(_relative_error(found), max(error, drift)))

    @classmethod
    def mean(cls, ratios: list[_Ratio]) -> _Ratio:
        """The mean of several, with an error that follows from theirs, or from how they differ where that is more."""
        number = len(ratios)
        value = sum(ratio.value for ratio in ratios) / number
        error = math.sqrt(sum(ratio.error**2 for ratio in ratios)) / number
        if number > 1:
            variance = sum((ratio.value - value) ** 2 for ratio in ratios) / (number - 1)
            error = max(error, math.sqrt(variance / number))
        return cls(value, error)


def _relative_error(measured: Measurement) -> float:
    return max(FLOOR, measured.error_hz / measured.rate_hz)


Outcome: TypeAlias = Literal["start", "kept", "undone", "refused"]


@dataclass(frozen=True)
class Step:
    """One candidate, or the setting to begin with."""

    number: int
    change: str
    why: str
    predicted_hz: float | None
    measured_hz: float | None
    """`None` where the candidate was refused."""
    error_hz: float | None
    outcome: Outcome
    reason: str


class Listener(Protocol):
    """Is told how the search goes on, in the thread that searches."""

    def trying(self, change: str, predicted_hz: float | None) -> None:
        """A measurement begins."""

    def done(self, step: Step) -> None:
        """A candidate was decided on."""


@dataclass(frozen=True)
class Tuned:
    """What came of a search."""

    before: Estimate
    after: Estimate
    steps: tuple[Step, ...]
    ending: str
    """Why nothing more was tried, in words."""
    target_hz: float | None

    @property
    def is_reached(self) -> bool:
        """Whether the target is reached; true where there is none."""
        return self.target_hz is None or self.after.rate_hz >= self.target_hz


class Tuner:
    """One search."""

    def __init__(
        self,
        start: Setting,
        facts: Facts,
        measure: Measure,
        listener: Listener,
        budget_s: float,
        clock: Callable[[], float],
        propose: Propose = propose,
    ) -> None:
        """Search from `start` on, for `budget_s` seconds of `clock`, which counts from the first call of `run`."""
        self._facts = facts
        self._measure_once = measure
        self._listener = listener
        self._budget_s = budget_s
        self._clock = clock
        self._propose = propose
        self._share_s = min(LONGEST_S, max(SHORTEST_S, budget_s / SHARES))
        self._began_s = 0.0
        self._before = Estimate(start)
        self._best = self._before
        self._tried = {key_of(start)}
        self._steps: list[Step] = []

    def run(self) -> Tuned:
        """Search until nothing more helps, or the time is over, or the measuring is interrupted. Blocks.

        :raises RefusedException: if the setting to begin with is refused.
        :raises StopAsked: if not even that could be measured.
        """
        self._began_s = self._clock()
        self._listener.trying("as it is", None)
        self._measure(self._before)
        self._tell("as it is", "", None, self._before, "start", "")
        try:
            ending = self._search()
            if self._best is not self._before:
                self._look_again()
        except StopAsked:
            ending = "it was interrupted"
        return Tuned(self._before, self._best, tuple(self._steps), ending, self._facts.target_hz)

    # ------------------------------------------------------------------ searching

    def _search(self) -> str:
        misses = 0
        while True:
            candidate = self._find_untried()
            if candidate is None:
                return self._explain_end()
            if misses >= PATIENCE:
                return f"the last {misses} changes did not help"
            # What was found is measured again at the end, beside what it began with.
            if self._left_s() < self._share_s * (1 if self._best is self._before else 3):
                return "the time was over"
            misses = 0 if self._try(candidate) else misses + 1

    def _find_untried(self) -> Candidate | None:
        facts = replace(self._facts, process_cpu_s=self._best.measurements[-1].cpu_s)
        candidates = self._propose(self._best.window, self._best.setting, facts)
        for candidate in candidates:
            if key_of(candidate.applied_to(self._best.setting)) not in self._tried:
                return candidate
        return None

    def _explain_end(self) -> str:
        target_hz = self._facts.target_hz
        if target_hz is not None and self._best.rate_hz >= target_hz:
            return "the rate is reached, and nothing can be taken away"
        limit = find_bottleneck(self._best.window, self._facts.sources)
        for name, clones in self._best.setting.items():
            is_limit = limit is not None and any(f"{cell}.".startswith(f"{name}.") for cell in limit.cells)
            if is_limit and 1 < self._facts.most_clones.get(name, 0) <= clones.number:
                return f"{name} is the limit, and has the most clones that were allowed, {clones.number}"
        return "nothing else is expected to help"

    def _try(self, candidate: Candidate) -> bool:
        """Measure a candidate and decide on it; whether it was kept."""
        setting = candidate.applied_to(self._best.setting)
        self._tried.add(key_of(setting))
        change = describe_change(self._best.setting, setting)
        self._listener.trying(change, candidate.predicted_hz)
        found = Estimate(setting)
        try:
            self._measure(found)
            verdict, reason = self._compare(found)
        except RefusedException as error:
            self._tell(change, candidate.why, candidate.predicted_hz, None, "refused", str(error))
            return False
        self._tell(change, candidate.why, candidate.predicted_hz, found, "kept" if verdict else "undone", reason)
        if verdict:
            self._best = found
        return verdict

    def _compare(self, found: Estimate) -> tuple[bool, str]:
        """Whether a candidate is better than the best so far, and why. Measures both again where that is not clear."""
        best = self._best
        ratios = [_Ratio.of(found.measurements[-1], best.measurements[-1])]
        verdict = self._judge(found, ratios, is_first=True)
        for look in range(1, ROUNDS):
            if verdict is not None or self._left_s() < 2 * self._share_s:
                break
            if look > 1:
                self._measure(found)
            # Each of the candidate's stands between two of the best, so that a steady drift is none of its merits.
            self._measure(best)
            ratio = _Ratio.of(found.measurements[-1], *best.measurements[-2:])
            ratios = [ratio] if look == 1 else [*ratios, ratio]
            verdict = self._judge(found, ratios)
        verdict = verdict or self._judge(found, ratios, is_last=True)
        assert verdict is not None, "the last look decides"
        return verdict

    def _judge(
        self, found: Estimate, ratios: list[_Ratio], *, is_first: bool = False, is_last: bool = False
    ) -> tuple[bool, str] | None:
        """Whether `found` is better, and why; `None` where that is not clear and it may be measured again."""
        best, target_hz = self._best, self._facts.target_hz
        mean = _Ratio.mean(ratios)
        gain, noise = mean.value - 1, NOISE * mean.error
        takes_less = cost_of(found.setting) < cost_of(best.setting)
        words = f"{100 * gain:+.1f} %"
        if target_hz is not None and best.rate_hz >= target_hz:
            if not is_last and abs(found.rate_hz - target_hz) < NOISE * found.error_hz:
                return None
            if found.rate_hz < target_hz:
                return False, f"{words}, less than is wanted"
            return takes_less, f"{words}, {'enough with less' if takes_less else 'and takes more'}"
        least = -MAX_LOSS if takes_less else MIN_GAIN
        if not is_last and abs(gain - least) <= (max(2 * noise, NEAR) if is_first else noise):
            return None
        if takes_less:
            if gain > least and noise > 2 * NEAR:
                return False, f"{words}, within the noise of ±{100 * noise:.0f} %"
            return gain > least, f"{words}, {'as fast' if gain > least else 'slower'} with less"
        if gain <= max(noise, least):
            return False, f"{words}, {_explain_miss(gain, noise)}"
        return True, words

    def _look_again(self) -> None:
        """Measure what was found beside what it began with, by turns; go back where it is no better after all."""
        for _ in range(2):
            if self._left_s() < 2 * self._share_s:
                break
            self._listener.trying("what was found, beside what it began with", None)
            try:
                self._measure(self._before)
                self._measure(self._best)
            except RefusedException:  # what has run before; what is known is kept
                break
        takes_less = cost_of(self._best.setting) < cost_of(self._before.setting)
        target_hz = self._facts.target_hz
        if takes_less or (target_hz is not None and self._before.rate_hz < target_hz <= self._best.rate_hz):
            return
        if self._best.rate_hz <= self._before.rate_hz * (1 + FLOOR):
            self._best = self._before

    # ------------------------------------------------------------------ measuring

    def _left_s(self) -> float:
        return self._budget_s - (self._clock() - self._began_s)

    def _measure(self, estimate: Estimate) -> None:
        seconds = min(self._share_s, max(self._left_s(), 0.5 * SHORTEST_S))
        estimate.measurements.append(self._measure_once(estimate.setting, seconds))

    def _tell(
        self,
        change: str,
        why: str,
        predicted_hz: float | None,
        found: Estimate | None,
        outcome: Outcome,
        reason: str,
    ) -> None:
        measured_hz = None if found is None else found.rate_hz
        error_hz = None if found is None else found.error_hz
        step = Step(len(self._steps), change, why, predicted_hz, measured_hz, error_hz, outcome, reason)
        self._steps.append(step)
        self._listener.done(step)


def _explain_miss(gain: float, noise: float) -> str:
    if noise > MIN_GAIN and abs(gain) <= noise:
        return f"within the noise of ±{100 * noise:.0f} %"
    return "no gain" if gain > -MIN_GAIN else "slower"

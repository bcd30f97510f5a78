"""What following an advice has brought: the rate before, the one predicted, and the one measured when it has settled."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pypipeline_engine.host.protocol import OVER, Snapshot
from pypipeline_engine.numbers import rate
from pypipeline_studio.document.advice import Clones, describe_scaled
from pypipeline_studio.document.edits import Path

STEADY_SNAPSHOTS: Final = 4
STEADY_RANGE: Final = 0.1
"""The rate has settled when so many snapshots in a row differ by no more than this part of it."""
MOST_S: Final = 30.0
"""A rate that does not settle is taken as it is after so many seconds of the run."""
WORTH_IT: Final = 0.05
"""A gain of less than this is none: machines vary by as much."""

Phase: TypeAlias = Literal["changing", "settling", "measured", "unmeasured", "disturbed", "refused"]
"""`unmeasured`: the run has ended before the rate had settled. `disturbed`: something else was changed before."""


@dataclass(frozen=True)
class Outcome:
    """A trial as it is to be told."""

    title: str
    text: str
    is_good: bool | None
    """Whether it was worth it; `None` where that is not known."""


class Trial:
    """Follows a run after an advice was taken. For one thread."""

    def __init__(
        self, before: Mapping[Path, Clones], after: Mapping[Path, Clones], before_hz: float, predicted_hz: float | None
    ) -> None:
        """Begin before the change is asked for.

        :param before: the clones that the cells had, by cell.
        :param before_hz: items per second at the end of the pipeline.
        """
        self.before = dict(before)
        self.after = dict(after)
        self.before_hz = before_hz
        self.predicted_hz = predicted_hz
        self.measured_hz: float | None = None
        self.phase: Phase = "changing"
        self._refusal = ""
        self._since_s: float | None = None
        self._rates: deque[float] = deque(maxlen=STEADY_SNAPSHOTS)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be learnt."""
        return self.phase not in ("changing", "settling")

    def take(self, snapshot: Snapshot, is_changing: bool) -> None:
        """Look at another snapshot.

        :param is_changing: whether the engine has not done yet what was asked of it.
        """
        if self.is_over:
            return
        if snapshot.state in OVER:
            self.phase = "unmeasured"
        elif is_changing or snapshot.state != "running" or self._since_s is None:
            # A window with a pause in it, or from before the change, has another rate.
            self.phase = "changing" if is_changing else "settling"
            self._since_s = None if is_changing else snapshot.elapsed_s
            self._rates.clear()
        elif snapshot.elapsed_s - snapshot.window_s >= self._since_s:
            self._rates.append(snapshot.sink_rate_hz)
            if self._is_steady() or snapshot.elapsed_s - self._since_s >= MOST_S:
                self.phase, self.measured_hz = "measured", snapshot.sink_rate_hz

    def disturb(self) -> None:
        """Something else has changed in the run: what is measured from now on is not due to the advice alone."""
        if not self.is_over:
            self.phase = "disturbed"

    def refuse(self, reason: str) -> None:
        """The engine did not do it."""
        self.phase, self._refusal = "refused", reason

    def _is_steady(self) -> bool:
        rates = self._rates
        return len(rates) == STEADY_SNAPSHOTS and max(rates) - min(rates) <= STEADY_RANGE * max(rates)

    def tell(self) -> Outcome:
        """What is known, in words."""
        title = describe_scaled(self.after)
        predicted = f"Predicted {rate(self.predicted_hz)}" if self.predicted_hz is not None else ""
        before = f"before {rate(self.before_hz)}"
        known = f"{predicted}, {before}" if predicted else before.capitalize()
        if self.phase == "refused":
            return Outcome("The engine has not scaled it", self._refusal, False)
        if self.phase == "unmeasured":
            return Outcome(title, f"{known}. The run ended before the rate had settled.", None)
        if self.phase == "disturbed":
            return Outcome(title, f"{known}. Something else was changed before the rate had settled.", None)
        if self.measured_hz is None:
            return Outcome(title, f"{known}. Measuring, when the rate has settled …", None)
        measured = f"measured {rate(self.measured_hz)}"
        text = f"{predicted}, {measured} ({before})" if predicted else f"{measured.capitalize()} ({before})"
        gain = self.measured_hz / self.before_hz - 1 if self.before_hz > 0 else 0.0
        if self.before_hz > 0 and gain < WORTH_IT:
            lost = "it has become slower" if gain < -WORTH_IT else "it has brought nothing that can be told"
            return Outcome(title, f"{text}: {lost}.", False)
        percent = f": {100 * gain:+,.0f} %".replace("-", "\N{MINUS SIGN}") if self.before_hz > 0 else ""
        return Outcome(title, f"{text}{percent}.", True)

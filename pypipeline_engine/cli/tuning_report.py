"""What tuning tried and found, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pypipeline_engine.cli.tuning_display import step_text
from pypipeline_engine.insight import find_bottleneck
from pypipeline_engine.insight.proposals import Facts
from pypipeline_engine.insight.settings import INLINE, Clones, Setting, changed, describe_setting
from pypipeline_engine.insight.tuning import Estimate, Tuned
from pypipeline_engine.numbers import counted, rate, share


@dataclass(frozen=True)
class Report:
    """One search that is over."""

    graph: str
    """As the user named it."""
    name: str
    output: Path | None
    """Where the tuned graph went."""
    facts: Facts
    tuned: Tuned

    def as_text(self) -> str:
        """Before and after, how each was measured, all steps, and how to run what was found."""
        before, after = self.tuned.before, self.tuned.after
        tried = counted(len(self.tuned.steps) - 1, "change")
        lines = [f"{self.name}: {tried} tried, {self._count_kept()} kept; {self.tuned.ending}"]
        lines.append(f"  before  {_rate_text(before)}  {describe_setting(before.setting)}")
        if after is before:
            lines.append("  after   the same: nothing that was tried is better")
        else:
            gain = after.rate_hz / before.rate_hz - 1
            lines.append(f"  after   {_rate_text(after)}  {describe_setting(after.setting)}  ({100 * gain:+.0f} %)")
        if self.tuned.target_hz is not None:
            reached = "is reached" if self.tuned.is_reached else "is not reached"
            lines.append(f"  the wanted {rate(self.tuned.target_hz)} {reached}")
        bottleneck = find_bottleneck(after.window, self.facts.sources)
        if bottleneck is not None:
            lines.append(f"  {bottleneck.sentence}")
        restarts = sum(one.restarts for estimate in (before, after) for one in estimate.measurements)
        if restarts:
            lines.append(
                "  The stream is short and was started again and again; the rate is that of all runs together."
            )
        lines += ["steps", *(step_text(step) for step in self.tuned.steps)]
        if after is not before:
            lines.append(self._explain_use())
        return "\n".join(lines) + "\n"

    def as_json(self) -> str:
        """The same as JSON; rates in items per second, and standard errors of them."""
        tuned = self.tuned
        data: dict[str, Any] = {
            "graph": self.graph,
            "name": self.name,
            "output": None if self.output is None else str(self.output),
            "target_hz": tuned.target_hz,
            "is_reached": tuned.is_reached,
            "ending": tuned.ending,
            "cores": self.facts.cores,
            "methods": list(self.facts.methods),
            "before": _estimate_data(tuned.before),
            "after": _estimate_data(tuned.after),
            "changes": {
                name: {"before": asdict(old), "after": asdict(new)}
                for name, (old, new) in changed(tuned.before.setting, tuned.after.setting).items()
            },
            "steps": [asdict(step) for step in tuned.steps],
        }
        return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def _count_kept(self) -> int:
        return sum(step.outcome == "kept" for step in self.tuned.steps)

    def _explain_use(self) -> str:
        if self.output is not None:
            return f"Run it with: pypipeline run {self.output}"
        options = [
            _scale_option(name, new)
            for name, (_, new) in changed(self.tuned.before.setting, self.tuned.after.setting).items()
        ]
        if None in options:
            return "Give it --output FILE to have the graph written with these clones."
        return f"Run it with: pypipeline run {self.graph} {' '.join(map(str, options))}"


def _rate_text(estimate: Estimate) -> str:
    error = share(estimate.error_hz / estimate.rate_hz) if estimate.rate_hz else "?"
    return f"{rate(estimate.rate_hz)} ± {error}"


def _scale_option(name: str, clones: Clones) -> str | None:
    """What tells `run` the same; `None` where its options cannot."""
    if clones.queue_capacity is not None or (clones.threads and clones.ray):
        return None
    return f"--scale {name}={clones.number}{':ray' if clones.ray else ''}"


def _estimate_data(estimate: Estimate) -> dict[str, Any]:
    return {
        "rate_hz": estimate.rate_hz,
        "error_hz": estimate.error_hz,
        "measurements": len(estimate.measurements),
        "restarts": sum(one.restarts for one in estimate.measurements),
        "clones": _clones_data(estimate.setting),
    }


def _clones_data(setting: Setting) -> dict[str, Any]:
    return {name: asdict(clones) for name, clones in setting.items() if clones != INLINE}

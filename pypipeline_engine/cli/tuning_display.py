"""A search for the best setting, shown while it goes on: one line for each step."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING

from pypipeline_engine.numbers import counted, elapsed, rate, share

if TYPE_CHECKING:
    from pypipeline_engine.insight.proposals import Facts
    from pypipeline_engine.insight.tuning import Step

_CLEAR_LINE = "\r\x1b[K"


class TuningDisplay:
    """Writes to the standard error, and drops what everybody else writes to the standard streams. A context manager.

    What cells print while they are measured would drown the lines, and its time would be that of the terminal. Errors of
    cells are told by the steps that they end.
    """

    def __enter__(self) -> TuningDisplay:
        sys.stdout.flush()
        sys.stderr.flush()
        is_terminal = sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
        self._is_terminal = is_terminal
        self._encoding = sys.stderr.encoding or "utf-8"
        self._originals = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in self._originals:
            os.dup2(nowhere, descriptor)
        os.close(nowhere)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        if self._is_terminal:
            self._write(_CLEAR_LINE)
        for descriptor, original in self._originals.items():
            os.dup2(original, descriptor)
            os.close(original)

    def begin(self, name: str, facts: Facts, budget_s: float) -> None:
        """Say what is searched for."""
        wanted = (
            "the most throughput" if facts.target_hz is None else f"the least that delivers {rate(facts.target_hz)}"
        )
        self._write(f"{name}: looking for {wanted} for {elapsed(budget_s)}, on {counted(facts.cores, 'core')}\n")

    def trying(self, change: str, predicted_hz: float | None) -> None:
        """Show what is measured, until the next line."""
        if self._is_terminal:
            expected = "" if predicted_hz is None else f", predicted {rate(predicted_hz)}"
            columns = os.get_terminal_size(self._originals[2]).columns or 80
            self._write(_CLEAR_LINE + f"    {change}{expected} ..."[: columns - 1])

    def done(self, step: Step) -> None:
        """Write the line of a step."""
        self._write((_CLEAR_LINE if self._is_terminal else "") + step_text(step) + "\n")

    def abandon(self, message: str) -> None:
        """Write `message`, also from a signal handler."""
        self._write(message)

    def _write(self, text: str) -> None:
        os.write(self._originals[2], text.encode(self._encoding, "replace"))


def step_text(step: Step) -> str:
    """A step in one line: what was tried, what was expected, what came, and what became of it."""
    parts = [f"{step.number:3} {step.change}"]
    if step.predicted_hz is not None:
        parts.append(f"predicted {rate(step.predicted_hz)}")
    if step.measured_hz is not None:
        error = "" if step.error_hz is None else f" ± {share(step.error_hz / step.measured_hz)}"
        parts.append(f"measured {rate(step.measured_hz)}{error}")
    if step.outcome != "start":
        parts.append(f"{step.outcome}: {step.reason}")
    return "  ".join(parts)

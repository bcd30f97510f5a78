"""A search for the best setting, told to a program: one JSON object a line on the standard output."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import asdict
from threading import Event, Thread
from typing import TYPE_CHECKING

from pydantic import BaseModel

from pypipeline_engine.cli.tuning_display import TuningDisplay
from pypipeline_engine.host.tuning_lines import (
    TuneBegin,
    TuneChange,
    TuneClones,
    TuneEstimate,
    TuneResult,
    TuneStep,
    TuneTrying,
)

if TYPE_CHECKING:
    from pypipeline_engine.insight.proposals import Facts
    from pypipeline_engine.insight.settings import Clones
    from pypipeline_engine.insight.tuning import Estimate, Step, Tuned


class LinesDisplay(TuningDisplay):
    """Writes lines for a program; drops what everybody else writes, as a `TuningDisplay` does."""

    def begin(self, name: str, facts: Facts, budget_s: float) -> None:
        self._tell(
            TuneBegin(name=name, cores=facts.cores, methods=facts.methods, target_hz=facts.target_hz, budget_s=budget_s)
        )

    def trying(self, change: str, predicted_hz: float | None) -> None:
        self._tell(TuneTrying(change=change, predicted_hz=predicted_hz))

    def done(self, step: Step) -> None:
        self._tell(TuneStep(**asdict(step)))

    def _tell(self, line: BaseModel) -> None:
        os.write(self._originals[1], f"{line.model_dump_json()}\n".encode())


def result_line(tuned: Tuned, facts: Facts) -> str:
    """What came of a search, as the last line."""
    from pypipeline_engine.insight import find_bottleneck
    from pypipeline_engine.insight.settings import changed

    bottleneck = find_bottleneck(tuned.after.window, facts.sources)
    changes = {
        name: TuneChange(before=_clones(before), after=_clones(after), text=f"{before} -> {after}")
        for name, (before, after) in changed(tuned.before.setting, tuned.after.setting).items()
    }
    result = TuneResult(
        before=_estimate(tuned.before),
        after=_estimate(tuned.after),
        changes=changes,
        ending=tuned.ending,
        target_hz=tuned.target_hz,
        is_reached=tuned.is_reached,
        sentence=bottleneck.sentence if bottleneck is not None else "",
        restarts=sum(one.restarts for estimate in (tuned.before, tuned.after) for one in estimate.measurements),
    )
    return f"{result.model_dump_json()}\n"


def _clones(clones: Clones) -> TuneClones:
    return TuneClones(threads=clones.threads, ray=clones.ray, queue_capacity=clones.queue_capacity)


def _estimate(estimate: Estimate) -> TuneEstimate:
    return TuneEstimate(rate_hz=estimate.rate_hz, error_hz=estimate.error_hz)


class StopWithInput:
    """Does what Ctrl-C does when the standard input ends: where the program that reads the lines is gone, nobody waits for
    the result. A context manager.
    """

    def __enter__(self) -> StopWithInput:
        self._is_over = Event()
        Thread(target=self._watch, name="pypipeline input", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()

    def _watch(self) -> None:
        # Not by `sys.stdin`: its lock would be held when the interpreter ends.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        if not self._is_over.is_set():
            signal.raise_signal(signal.SIGINT)

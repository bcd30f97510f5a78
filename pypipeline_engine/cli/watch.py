"""A run from its start to its end: shown while it goes on, stopped where the user wants that."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from pypipeline_engine.cell import Pipeline
from pypipeline_engine.cli.display import Display, Explain, Moment
from pypipeline_engine.cli.errors import OK, RUN_FAILED
from pypipeline_engine.cli.interrupts import Interrupts
from pypipeline_engine.cli.plain import PlainDisplay
from pypipeline_engine.insight.advice import Advice
from pypipeline_engine.insight.naming import without_root
from pypipeline_engine.insight.observer import Observer
from pypipeline_engine.numbers import counted, elapsed

if TYPE_CHECKING:
    from pypipeline_engine.cli.monitoring import RunMonitor
    from pypipeline_engine.cli.recording import Recording
    from pypipeline_engine.runtime import RunHandle

_GOES_ON = ("running", "paused")


@dataclass(frozen=True)
class Limits:
    """Where a run ends at the latest; `None` where it may go on."""

    max_items: int | None = None
    duration_s: float | None = None


@dataclass(frozen=True)
class Ending:
    """How a run ended."""

    words: str
    exit_code: int
    moment: Moment
    advice: Advice | None
    """What limited it, over all of it."""
    error: Exception | None


def watch(
    pipeline: Pipeline,
    limits: Limits,
    interrupts: Interrupts,
    recording: Recording | None = None,
    monitor: RunMonitor | None = None,
) -> Ending:
    """Run `pipeline` to its end, with a live table in a terminal and plain lines otherwise. Blocks.

    An error that ends the run is in what is returned.

    :param recording: is told when the run has begun, and how it ended.
    :param monitor: serves the run to clients, who may end it too.
    :raises Exception: what deploying raised; then the run has not begun.
    """
    watcher = _Watcher(pipeline, limits, interrupts, monitor)
    if recording is not None:
        recording.begin(watcher.look)
    display = _make_display(watcher.observer.explain)
    usual_way, interrupts.last_words = interrupts.last_words, display.abandon
    try:
        watcher.follow(display)
    finally:
        interrupts.last_words = usual_way
        watcher.stop()
        display.close()
    moment = watcher.look()
    ending = Ending(
        watcher.explain_end(),
        RUN_FAILED if watcher.error is not None else interrupts.exit_code or OK,
        moment,
        watcher.observer.explain(moment.statistics),
        watcher.error,
    )
    if recording is not None:
        recording.finish(ending)
    return ending


class _Watcher:
    """A run that goes on, and what is to end it."""

    def __init__(self, pipeline: Pipeline, limits: Limits, interrupts: Interrupts, monitor: RunMonitor | None) -> None:
        self._name = pipeline.get_name()
        self._limits = limits
        self._interrupts = interrupts
        self._ran_out_of_time = False
        self._monitor = monitor
        self.observer = Observer.of(pipeline)
        start = pipeline.run if monitor is None else monitor.run
        self._handle: RunHandle = start(max_items=limits.max_items)
        self.observer.begin(self._handle.find_working_threads, self._name)
        self._ends_s = None if limits.duration_s is None else monotonic() + limits.duration_s
        interrupts.stop_with(self.stop)

    @property
    def error(self) -> Exception | None:
        """What ended the run."""
        return self._handle.error

    def look(self) -> Moment:
        """The run as it is now."""
        state = str(self._handle.state)
        if state in _GOES_ON and (self._ran_out_of_time or self._interrupts.exit_code is not None):
            state = "stopping"
        return Moment(self._name, state, without_root(self._handle.statistics(), self._name), self._handle.nb_items)

    def follow(self, display: Display) -> None:
        """Show the run until it is over."""
        while not self._is_over(monotonic() + display.tick_s):
            display.show(self.look())

    def _is_over(self, until_s: float) -> bool:
        """Whether the run ends before `until_s`; returns as soon as it does."""
        if self._ends_s is not None and self._ends_s < until_s and not self._ran_out_of_time:
            if self._waited_out(self._ends_s):
                return True
            self._ran_out_of_time = True
            Thread(target=self.stop, name="pypipeline time is up", daemon=True).start()
        return self._waited_out(until_s)

    def _waited_out(self, until_s: float) -> bool:
        with suppress(Exception):  # the error of the run, or that it is not over yet; which one it was is looked up
            self._handle.wait(max(0.0, until_s - monotonic()))
        return self._handle.state not in _GOES_ON

    def stop(self) -> None:
        """End the run where it is not over."""
        if self._monitor is not None and self._handle.state in _GOES_ON:
            self._monitor.note_stop()
        self._handle.stop()
        self.observer.end()

    def explain_end(self) -> str:
        """How the run ended, in words."""
        if self.error is not None:
            return "failed"
        if self._interrupts.exit_code is not None:
            return f"stopped by {self._interrupts.cause}"
        if self._monitor is not None and self._monitor.was_stopped_by_client and self._handle.state == "stopped":
            return "stopped by a client"
        if self._ran_out_of_time and self._limits.duration_s is not None:
            return f"stopped after {elapsed(self._limits.duration_s)} as asked"
        if self._limits.max_items is not None and self._handle.statistics().sink_items >= self._limits.max_items:
            return f"stopped after {counted(self._limits.max_items, 'item')} as asked"
        return "ended"


def _make_display(explain: Explain) -> Display:
    if sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
        from pypipeline_engine.cli.live import LiveDisplay

        return LiveDisplay(explain)
    return PlainDisplay(explain)

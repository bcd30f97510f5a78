"""Explaining a run while it goes on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from pypipeline_engine.cell import Pipeline
from pypipeline_engine.core.counters import Statistics
from pypipeline_engine.insight.advice import Advice, advise
from pypipeline_engine.insight.gil import GilProbe, GilShares
from pypipeline_engine.insight.machine import get_nb_cpus, is_ray_installed, read_process
from pypipeline_engine.insight.model import Resources
from pypipeline_engine.insight.structure import Structure, get_structure
from pypipeline_engine.runtime.working import WorkingThread

_READINGS_KEPT = 200
SHORTEST_S = 0.1
"""What the kernel counts in steps of 10 ms says nothing about less than that."""


class _Meter:
    """By how much something grows in a second, over about the latest while."""

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read
        self._readings: deque[tuple[float, float]] = deque([(time.perf_counter(), read())], maxlen=_READINGS_KEPT)

    def measure(self, span_s: float) -> float:
        """Over the time since the reading that is closest to `span_s` seconds ago; 0 where that was only just now."""
        now_s, now = time.perf_counter(), self._read()
        since_s, before = min(self._readings, key=lambda reading: abs(now_s - reading[0] - span_s))
        self._readings.append((now_s, now))
        return (now - before) / (now_s - since_s) if now_s - since_s >= SHORTEST_S else 0.0


@dataclass(frozen=True)
class Surroundings:
    """What a process has, which does not change."""

    cores: int
    has_ray: bool

    @classmethod
    def of_this_process(cls) -> Surroundings:
        """Those of the process which asks."""
        return cls(get_nb_cpus(), is_ray_installed())


class Observer:
    """What explains the windows of one run, with a probe that looks who has the GIL. Any thread."""

    def __init__(self, structure: Structure, surroundings: Surroundings | None = None) -> None:
        """Begin without a probe: then nothing is said about the GIL.

        :param structure: the roles of the cells, by their names in the graph.
        """
        self.structure = structure
        self._surroundings = surroundings or Surroundings.of_this_process()
        self._probe: GilProbe | None = None
        self._own = _Meter(time.process_time)
        self._others = _Meter(lambda: read_process().machine_busy_s or 0.0)

    @classmethod
    def of(cls, pipeline: Pipeline) -> Observer:
        """One for a pipeline that is not being changed at this moment."""
        return cls(get_structure(pipeline))

    def begin(self, find_threads: Callable[[], Collection[WorkingThread]], root: str) -> None:
        """Begin to look who has the GIL.

        :param find_threads: finds the threads at work, cells by their full names.
        :param root: the name of the pipeline, which the names in the graph are without.
        """
        prefix = f"{root}."
        self._probe = GilProbe(
            lambda: [thread._replace(name=thread.name.removeprefix(prefix)) for thread in find_threads()]
        )
        self._probe.start()

    def end(self) -> None:
        """Look no more. What was seen is still known."""
        if self._probe is not None:
            self._probe.stop()

    def explain(self, window: Statistics, cpu: float | None = None) -> Advice | None:
        """What limits the pipeline in a window that ends now, and what to do; `None` where no cell ran in it.

        :param window: cells by their names in the graph.
        :param cpu: CPU seconds per second that the process used in it; by default, as far as was looked.
        """
        if cpu is None:
            cpu = self._own.measure(window.elapsed_s)
        gil = GilShares() if self._probe is None else self._probe.get_shares(window)
        others = self._others.measure(window.elapsed_s)
        machine = Resources(self._surroundings.cores, cpu, self._surroundings.has_ray, max(0.0, others - cpu))
        return advise(window, self.structure, machine, gil)

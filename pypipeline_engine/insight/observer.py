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
from pypipeline_engine.insight.machine import get_nb_cpus, is_ray_installed
from pypipeline_engine.insight.model import Resources
from pypipeline_engine.insight.structure import Structure, get_structure
from pypipeline_engine.runtime.working import WorkingThread

_USES_KEPT = 200


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
        self._uses: deque[tuple[float, float]] = deque([(time.perf_counter(), time.process_time())], maxlen=_USES_KEPT)

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
            cpu = self._measure_cpu(window.elapsed_s)
        gil = GilShares() if self._probe is None else self._probe.get_shares(window)
        machine = Resources(self._surroundings.cores, cpu, self._surroundings.has_ray)
        return advise(window, self.structure, machine, gil)

    def _measure_cpu(self, span_s: float) -> float:
        """CPU seconds per second of this process over about the latest `span_s` seconds."""
        now_s, used_s = time.perf_counter(), time.process_time()
        since_s, before_s = min(self._uses, key=lambda use: abs(now_s - use[0] - span_s))
        self._uses.append((now_s, used_s))
        return (used_s - before_s) / (now_s - since_s) if now_s > since_s else 0.0

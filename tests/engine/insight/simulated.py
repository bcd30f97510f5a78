"""A pipeline whose truth is known: how fast it is with any setting, what its cells show then, how long measuring takes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pypipeline_engine.core.counters import CellStatistics, Statistics
from pypipeline_engine.insight.proposals import Facts
from pypipeline_engine.insight.settings import INLINE, Clones, Setting
from pypipeline_engine.insight.tuning import Measurement, RefusedException, Step, Tuned, Tuner

WINDOW_S = 3.0


@dataclass(frozen=True)
class Work:
    """What one item costs a cell, in seconds."""

    busy_s: float
    cpu: float = 1.0
    """The share of it that needs a core; the rest waits for something else."""
    gil: float = 0.0
    """The share of the processor time that holds the GIL."""
    most: int = 8
    """How many clones it may have."""


@dataclass
class Simulated:
    """Measures settings by calculation. `clock` advances by what the measurements take."""

    cells: Mapping[str, Work]
    cores: int = 4
    noise: float = 0.0
    drift: Callable[[float], float] = lambda now_s: 1.0
    """How fast the machine is at some time, beside how fast it usually is."""
    slower: Callable[[Setting], float] = lambda setting: 1.0
    """What some settings lose for reasons of their own."""
    refused: Callable[[Setting], str | None] = lambda setting: None
    random: random.Random = field(default_factory=lambda: random.Random(1))
    now_s: float = 0.0
    measured: list[dict[str, Clones]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now_s

    def true_hz(self, setting: Setting) -> float:
        """The rate without noise: the least of what stations, cores and the GIL let through."""
        limits = [self.cores / sum(work.busy_s * work.cpu for work in self.cells.values())]
        inline_s = 0.0
        gil_s = 0.0
        for name, work in self.cells.items():
            clones = setting.get(name, INLINE)
            if clones.number:
                limits.append(clones.number / work.busy_s)
            else:
                inline_s += work.busy_s
            if not clones.ray:
                gil_s += work.busy_s * work.cpu * work.gil
        if inline_s:
            limits.append(1 / inline_s)
        if gil_s:
            limits.append(1 / gil_s)
        return min(limits) * self.slower(setting)

    def measure(self, setting: Setting, most_s: float) -> Measurement:
        self.measured.append(dict(setting))
        self.now_s += min(most_s, WINDOW_S)
        reason = self.refused(setting)
        if reason is not None:
            raise RefusedException(reason)
        true_hz = self.true_hz(setting) * self.drift(self.now_s)
        rate_hz = true_hz * self.random.gauss(1, self.noise)
        return Measurement(rate_hz, rate_hz * self.noise, self.window(setting, rate_hz))

    def window(self, setting: Setting, rate_hz: float) -> Statistics:
        """What the cells show at this rate. Who waits for a core or for the GIL calls itself busy."""
        items = rate_hz * WINDOW_S
        cells = []
        slots = {name: setting.get(name, INLINE) for name in self.cells}
        used = sum(work.busy_s * work.cpu for work in self.cells.values()) * rate_hz
        is_short = (
            used > 0.95 * self.cores
            or sum(work.busy_s * work.cpu * work.gil for name, work in self.cells.items() if not slots[name].ray)
            * rate_hz
            > 0.95
        )
        for name, work in self.cells.items():
            clones = slots[name]
            workers = max(1, clones.number)
            wall_s = workers * WINDOW_S
            busy_s = min(wall_s, items * work.busy_s)
            if is_short and clones.number and work.cpu > 0.5:
                busy_s = wall_s * 0.99
            cells.append(
                CellStatistics(
                    name=name,
                    station=name if clones.number else "main",
                    method="ray" if clones.ray else "thread" if clones.threads else "inline",
                    workers=workers,
                    runs=round(items),
                    lost=0,
                    skipped=0,
                    errors=0,
                    wall_s=wall_s,
                    busy_s=busy_s,
                    starved_s=0.0,
                    cpu_s=items * work.busy_s * work.cpu,
                    queue_capacity=(clones.queue_capacity or 16) if clones.number else None,
                )
            )
        return Statistics(WINDOW_S, round(items), tuple(cells))

    def tune(
        self, start: Setting | None = None, budget_s: float = 120.0, target_hz: float | None = None, **facts
    ) -> Tuned:
        most = {name: work.most for name, work in self.cells.items()}
        known = Facts(most, self.cores, target_hz=target_hz, **facts)
        start = dict.fromkeys(self.cells, INLINE) | dict(start or {})
        return Tuner(start, known, self.measure, Silent(), budget_s, self.clock).run()


class Silent:
    """A listener that only remembers."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def trying(self, change: str, predicted_hz: float | None) -> None: ...

    def done(self, step: Step) -> None:
        self.steps.append(step)

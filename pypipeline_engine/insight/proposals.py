"""What to try next, from what a window of a run shows: settings that a simple model expects to be better.

The model. A cell asks for so many seconds of work for each item delivered (its demand), as measured. A station, which is one
cell with clones or the cells that one thread runs inline, lets through its workers divided by the demands of its cells. All
together the machine lets through its cores divided by the processor time of an item, and threads that hold the GIL let
through one core's worth. The least of these is what a setting is expected to bring. A prediction orders what is tried;
whether it is right is measured.

Source: the operational laws of queueing, as in `bottleneck`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from pypipeline_engine.core.counters import CellStatistics, Statistics
from pypipeline_engine.insight.bottleneck import find_bottleneck, listed
from pypipeline_engine.insight.settings import INLINE, Clones, Setting, cost_of, key_of

STEP = 0.01
"""A gain that is smaller, in parts of the rate, is none to the model."""
SLACK = 0.03
"""Clones are tried to be taken away where the model expects a loss of so much at most: it may be off by that."""
FULL = 0.85
"""With so much of all cores in use, the machine is full."""
WAITS = 0.1
"""Workers that wait for so much of their time for inputs and for room by turns may do with a longer queue."""
GIL_CORES = (0.8, 1.2)
"""Threads that are busy and together use about one core hold the GIL by turns: an estimate."""
GIL_CPU = 0.75
"""And what they call busy is less than so much processor time."""
POOLED = 0.2
"""Where the process takes so much more processor time than its cells, a library has threads of its own."""
MOST_MOVES = 200


@dataclass(frozen=True)
class Facts:
    """What a proposal has to know besides the figures of a run."""

    most_clones: dict[str, int]
    """How many clones each cell may have, by its name in the graph; 1 for cells that keep state."""
    cores: int
    sources: tuple[str, ...] = ()
    """The cells without inputs."""
    methods: tuple[str, ...] = ("thread",)
    """The kinds of clones that may be added: `thread`, `ray`."""
    target_hz: float | None = None
    """The rate that is enough; `None` for as much as there is."""
    changes_queues: bool = True
    """Whether the length of a queue may change."""
    process_cpu_s: float | None = None
    """Processor time of the whole process for each item, in seconds, threads of libraries included; `None` where it was not
    measured."""


@dataclass(frozen=True)
class Candidate:
    """A change that may help."""

    change: dict[str, Clones]
    """The cells that it is about, with the clones that they get."""
    predicted_hz: float | None
    """Items per second to be expected; `None` where the model cannot tell, and only measuring can."""
    why: str

    def applied_to(self, setting: Setting) -> dict[str, Clones]:
        """The setting with this change."""
        return {**setting, **self.change}


Propose: TypeAlias = Callable[[Statistics, Setting, Facts], list[Candidate]]
"""Candidates in the order in which they are worth trying, from a window in which the setting was run."""


def propose(window: Statistics, setting: Setting, facts: Facts) -> list[Candidate]:
    """What the simple model expects to help, the most promising first.

    Where the rate is below what is wanted, changes that take more come first; then those that take less and are expected to
    bring as much.
    """
    if window.sink_items <= 0 or window.elapsed_s <= 0:
        return []
    model = _Model(window, setting, facts)
    is_enough = facts.target_hz is not None and window.sink_rate_hz >= facts.target_hz
    candidates = [] if is_enough else [*_more(model), *_otherwise(model)]
    candidates += _less(model)
    candidates += [] if is_enough else _to_be_sure(model)
    if not facts.changes_queues:
        candidates = [candidate for candidate in candidates if not _changes_queues(candidate, setting)]
    seen = {key_of(setting)}
    distinct = []
    for candidate in candidates:
        key = key_of(candidate.applied_to(setting))
        if key not in seen:
            seen.add(key)
            distinct.append(candidate)
    return distinct


def _changes_queues(candidate: Candidate, setting: Setting) -> bool:
    return any(
        clones.queue_capacity != setting.get(name, INLINE).queue_capacity for name, clones in candidate.change.items()
    )


@dataclass
class _Model:
    window: Statistics
    setting: Setting
    facts: Facts
    demands_s: dict[str, float] = field(init=False)
    cpu_s: dict[str, float] = field(init=False)
    is_gil_bound: bool = field(init=False)
    is_full: bool = field(init=False)

    pooled_s: dict[str, float] = field(init=False)
    """Work for each item that threads of a library do for a cell which runs inline, and that a clone does itself."""

    def __post_init__(self) -> None:
        items = self.window.sink_items
        self.demands_s = {cell.name: cell.busy_s / items for cell in self.window.cells}
        self.cpu_s = {cell.name: cell.cpu_s / items for cell in self.window.cells}
        self.pooled_s = {}
        busiest = max(self.window.cells, key=lambda cell: cell.busy_s)
        pooled_s = (self.facts.process_cpu_s or 0.0) - sum(self.cpu_s.values())
        if busiest.method == "inline" and pooled_s > POOLED * self.cpu_s[busiest.name] > 0:
            self.pooled_s = {busiest.name: pooled_s}
            self.cpu_s[busiest.name] += pooled_s
        used = sum(self.cpu_s.values()) * self.window.sink_rate_hz
        self.is_full = used >= FULL * self.facts.cores
        threads = [cell for cell in self.window.cells if cell.method == "thread" and cell.workers > 1]
        most = max(threads, key=lambda cell: cell.busy_s, default=None)
        self.is_gil_bound = (
            self.facts.cores > 1
            and most is not None
            and most.busy > 0.8
            and most.cpu_s < GIL_CPU * most.busy_s
            and GIL_CORES[0] <= sum(cell.cpu_s for cell in self.window.cells) / self.window.elapsed_s <= GIL_CORES[1]
        )

    @property
    def measured_hz(self) -> float:
        return self.window.sink_rate_hz

    @property
    def main_station(self) -> str:
        """The thread that runs most of what is inline, where a cell is taken to run that loses its clones."""
        inline = [cell.station for cell in self.window.cells if cell.method == "inline"]
        return max(inline, key=inline.count, default="")

    def get_owner(self, cell: str, setting: Setting) -> str | None:
        """The outermost cell with clones that `cell` is or lies in; `None` where it runs inline."""
        parts = cell.split(".")
        names = (".".join(parts[: end + 1]) for end in range(len(parts)))
        return next((name for name in names if setting.get(name, INLINE).number), None)

    def get_stations(self, setting: Setting) -> dict[str, list[CellStatistics]]:
        """The cells that share workers: by the cell with the clones, or by the thread that runs them inline."""
        stations: dict[str, list[CellStatistics]] = {}
        for cell in self.window.cells:
            owner = self.get_owner(cell.name, setting)
            was_inline = self.get_owner(cell.name, self.setting) is None
            place = owner if owner is not None else f"inline {cell.station if was_inline else self.main_station}"
            stations.setdefault(place, []).append(cell)
        return stations

    def get_workers(self, place: str, setting: Setting) -> int:
        return max(1, setting.get(place, INLINE).number)

    def capacities(self, setting: Setting, *, lean: bool = False) -> dict[str, float]:
        """Items per second that each station lets through.

        :param lean: without what cells waited for a core or the GIL, which fewer workers wait for less.
        """
        demands = self.cpu_s if lean else self.demands_s
        found = {}
        for place, cells in self.get_stations(setting).items():
            demand_s = sum(demands[cell.name] for cell in cells)
            if not lean and not place.startswith("inline "):
                demand_s += sum(self.pooled_s.get(cell.name, 0.0) for cell in cells)
            if demand_s > 0:
                found[place] = self.get_workers(place, setting) / demand_s
        return found

    def predict(self, setting: Setting, *, lean: bool = False) -> float:
        """Items per second to be expected of a setting."""
        cpu_s = sum(self.cpu_s.values())
        limits = list(self.capacities(setting, lean=lean).values())
        if cpu_s > 0:
            limits.append(self.facts.cores / cpu_s)
        if self.is_gil_bound:
            in_threads = sum(
                self.cpu_s[cell.name]
                for cell in self.window.cells
                if not setting.get(self.get_owner(cell.name, setting) or "", INLINE).ray
            )
            if in_threads > 0:
                limits.append(1 / in_threads)
        return min(limits, default=self.measured_hz)

    def describe_limit(self, setting: Setting) -> str:
        """Which cell or thread lets through the least, in words."""
        capacities = self.capacities(setting)
        place = min(capacities, key=lambda name: capacities[name])
        if not place.startswith("inline "):
            return place
        cells = self.get_stations(setting)[place]
        dominant = max(cells, key=lambda cell: cell.busy_s).name
        return dominant if len(cells) == 1 else f"the thread of {dominant} and {len(cells) - 1} more"

    def with_more(self, setting: Setting, place: str) -> dict[str, Clones] | None:
        """The least change that lets a station do more; `None` where there is none."""
        if not place.startswith("inline "):
            return self._add(setting, place, 1)
        cells = sorted(self.get_stations(setting)[place], key=lambda cell: cell.busy_s, reverse=True)
        # A pipeline around the cell would do as well, where the cell alone may have one clone only.
        for cell in cells[:1] if len(cells) == 1 else cells[:2]:
            options = [name for name in _around(cell.name) if name in self.facts.most_clones]
            for name in options:
                number = 2 if len(cells) == 1 else 1
                change = self._add(setting, name, number)
                if change is not None:
                    return change
        return None

    def by_processes(self, cell: CellStatistics) -> dict[str, Clones]:
        """Processes in place of the threads of a cell, or of a pipeline around it; empty where they cannot help."""
        owner = self.get_owner(cell.name, self.setting)
        options = [owner] if owner is not None else _around(cell.name)
        name = next((name for name in options if self.facts.most_clones.get(name, 0) > 1), None)
        # Threads that wait for something else than a core share the GIL well.
        computes = cell.cpu_s * cell.workers >= 0.5 * cell.busy_s
        if name is None or not computes or "ray" not in self.facts.methods:
            return {}
        clones = self.setting.get(name, INLINE)
        if clones.ray and not clones.threads:
            return {}
        number = min(self.facts.most_clones[name], max(clones.number, self.facts.cores))
        return {name: Clones(0, number, clones.queue_capacity)}

    def _add(self, setting: Setting, name: str, number: int) -> dict[str, Clones] | None:
        clones = setting.get(name, INLINE)
        if name not in self.facts.most_clones or clones.number + number > self.facts.most_clones[name]:
            return None
        by_ray = "ray" in self.facts.methods and (clones.ray > 0 or "thread" not in self.facts.methods)
        if not by_ray and "thread" not in self.facts.methods:
            return None
        if by_ray:
            return {name: Clones(clones.threads, clones.ray + number, clones.queue_capacity)}
        return {name: Clones(clones.threads + number, clones.ray, clones.queue_capacity)}


def _around(cell: str) -> list[str]:
    """A cell, and the pipelines that it lies in, from inside to outside."""
    parts = cell.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


def _more(model: _Model) -> list[Candidate]:
    """Clones where the limit is: as many as the model says at once, and the first of these steps alone."""
    bottleneck = find_bottleneck(model.window, model.facts.sources)
    if bottleneck is None or not bottleneck.stations:
        return []
    path = list(_climb(model))
    if not path:
        return []
    why = f"{model.describe_limit(model.setting)} is the limit"
    ends = [path[-1], path[0], path[len(path) // 2]]
    return [Candidate(_difference(model.setting, end), model.predict(end), why) for end in ends]


def _climb(model: _Model) -> Iterator[dict[str, Clones]]:
    """Ever larger settings, each expected to bring more than the one before, until it is enough or nothing helps."""
    setting = dict(model.setting)
    reached_hz = model.predict(setting)
    target_hz = model.facts.target_hz or math.inf
    for _ in range(MOST_MOVES):
        if reached_hz >= target_hz:
            return
        capacities = model.capacities(setting)
        place = min(capacities, key=lambda name: capacities[name], default=None)
        change = None if place is None else model.with_more(setting, place)
        if change is None:
            return
        setting |= change
        predicted_hz = model.predict(setting)
        if predicted_hz > reached_hz * (1 + STEP):
            reached_hz = predicted_hz
            yield dict(setting)


def _difference(before: Setting, after: Setting) -> dict[str, Clones]:
    return {name: clones for name, clones in after.items() if before.get(name, INLINE) != clones}


def _otherwise(model: _Model) -> list[Candidate]:
    """Changes of which the model does not know what they bring."""
    window, setting, facts = model.window, model.setting, model.facts
    candidates = []
    bottleneck = find_bottleneck(window, facts.sources)
    limits = () if bottleneck is None else bottleneck.stations
    for station in () if model.is_full else limits[:2]:
        swap = model.by_processes(station.dominant_cell)
        if swap:
            (name,) = swap
            why = f"{name} is the limit, and " + (
                "its threads seem to wait for the GIL" if model.is_gil_bound else "processes share no GIL"
            )
            predicted_hz = model.predict({**setting, **swap}, lean=True) if model.is_gil_bound else None
            candidates.append(Candidate(swap, predicted_hz, why))
    if len(limits) > 1:
        both: dict[str, Clones] = {}
        for station in limits:
            place = model.get_owner(station.dominant_cell.name, setting)
            both |= (model.with_more(setting, place) or {}) if place is not None else {}
        if len(both) > 1:
            candidates.append(Candidate(both, None, f"{listed(both)} limit together"))
    for cell in window.cells:
        owner = model.get_owner(cell.name, setting)
        if owner is None or cell.queue_capacity is None or setting[owner].number < 2:
            continue
        if cell.starved >= WAITS and cell.blocked >= WAITS:
            clones = setting[owner]
            longer = Clones(clones.threads, clones.ray, 2 * cell.queue_capacity)
            why = f"the workers of {owner} wait for items and for room by turns"
            candidates.append(Candidate({owner: longer}, None, why))
    return candidates


def _to_be_sure(model: _Model) -> list[Candidate]:
    """One step more where the limit is, although the model expects nothing of it: it may be wrong."""
    bottleneck = find_bottleneck(model.window, model.facts.sources)
    capacities = model.capacities(model.setting)
    if bottleneck is None or not bottleneck.stations or not capacities:
        return []
    change = model.with_more(model.setting, min(capacities, key=lambda name: capacities[name]))
    if change is None:
        return []
    reason = "the machine is full" if model.is_full else "it is not expected to help"
    return [Candidate(change, model.predict({**model.setting, **change}), f"to be sure: {reason}")]


def _less(model: _Model) -> list[Candidate]:
    """Clones that may not be needed: all of these at once, each alone, and no clones at all."""
    setting, facts = model.setting, model.facts
    used = [name for name, clones in setting.items() if clones.number]
    needed_hz = model.measured_hz if facts.target_hz is None else min(facts.target_hz, model.measured_hz)
    lean = model.is_full or model.is_gil_bound
    candidates = []
    least = dict(setting)
    for _ in range(MOST_MOVES):
        options = [{**least, name: fewer} for name in used if (fewer := _fewer(least[name])) is not None]
        fits = [option for option in options if model.predict(option, lean=lean) >= needed_hz * (1 - SLACK)]
        if not fits:
            break
        least = max(fits, key=lambda option: model.predict(option, lean=lean))
    for option in (least, *({**setting, name: _fewer(setting[name]) or INLINE} for name in used)):
        predicted_hz = model.predict(option, lean=lean)
        if cost_of(option) < cost_of(setting) and predicted_hz >= needed_hz * (1 - SLACK):
            change = _difference(setting, option)
            why = f"{listed(change)} {'has' if len(change) == 1 else 'have'} more clones than needed"
            candidates.append(Candidate(change, min(predicted_hz, model.measured_hz), why))
    for name in used:
        clones = setting[name]
        if clones.queue_capacity is not None:
            shorter = {name: Clones(clones.threads, clones.ray)}
            candidates.append(Candidate(shorter, None, f"the queue of {name} may be longer than needed"))
    if used:
        plain = dict.fromkeys(used, INLINE)
        why = "without clones, libraries such as OpenCV may use threads of their own"
        candidates.append(Candidate(plain, None, why))
    return candidates


def _fewer(clones: Clones) -> Clones | None:
    """One clone less, a process before a thread; `None` where there is none."""
    if clones.ray:
        return Clones(clones.threads, clones.ray - 1, clones.queue_capacity)
    if clones.threads:
        threads = clones.threads - 1
        return Clones(threads, 0, clones.queue_capacity if threads else None)
    return None

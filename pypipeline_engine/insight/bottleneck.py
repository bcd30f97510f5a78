"""Which cells hold a pipeline back, by the operational laws of queueing.

Over a window of W seconds in which the pipeline delivered n items, a station (the cells that share one set of workers)
was busy for B seconds on k workers. Its utilisation is B / (k W), its demand for each delivered item B / n, which is service
time times visits, and so it cannot deliver more than its capacity, k n / B items per second. The station with the least
capacity is the bottleneck. The station's capacity times its utilisation is the rate measured, whichever station one takes.

Source: P. J. Denning, J. P. Buzen, "The Operational Analysis of Queueing Network Models", ACM Computing Surveys, 1978.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pypipeline_engine.core.counters import CellStatistics, Statistics
from pypipeline_engine.numbers import rate, share

TIE = 0.03
"""Stations whose utilisation is this close to the largest, in parts of it, limit the pipeline together."""
IDLE = 0.5
"""Where no station is busy for this share of its time, none of them is the limit."""


@dataclass(frozen=True)
class Station:
    """Cells that share one set of workers, over one window."""

    name: str
    cells: tuple[CellStatistics, ...]
    window_s: float
    sink_items: int

    @property
    def busy_s(self) -> float:
        """Seconds that its workers spent in the code of its cells, summed over workers and cells.

        Where few pulls were timed, the estimate may exceed the time that there was.
        """
        return min(self.wall_s, sum(cell.busy_s for cell in self.cells))

    @property
    def wall_s(self) -> float:
        """Seconds that its workers existed: cells of one station are run by the same ones, so the times do not add up."""
        return max((cell.wall_s for cell in self.cells), default=0.0)

    @property
    def workers(self) -> float:
        """How many workers it had on average over the window."""
        return self.wall_s / self.window_s if self.window_s > 0 else 0.0

    @property
    def utilisation(self) -> float:
        """Share of its workers' time spent in the code of its cells, 0 to 1."""
        return self.busy_s / self.wall_s if self.wall_s > 0 else 0.0

    @property
    def demand_s(self) -> float | None:
        """Seconds of work for each item delivered at the end of the pipeline; `None` where none was."""
        return self.busy_s / self.sink_items if self.sink_items > 0 else None

    @property
    def capacity_hz(self) -> float | None:
        """The most items per second it lets the pipeline deliver; `None` where that was not measured."""
        demand_s = self.demand_s
        return self.workers / demand_s if demand_s else None

    @property
    def dominant_cell(self) -> CellStatistics:
        """The cell that takes most of its time."""
        return max(self.cells, key=lambda cell: cell.busy_s)

    @property
    def dominant_share(self) -> float:
        """What that cell takes of the station's busy time, 0 to 1."""
        total_s = sum(cell.busy_s for cell in self.cells)
        return self.dominant_cell.busy_s / total_s if total_s > 0 else 0.0


@dataclass(frozen=True)
class Bottleneck:
    """The limit of a pipeline over one window."""

    stations: tuple[Station, ...]
    """The ones that limit it, the busiest first; more than one in a tie; none where the sources are the limit."""
    sources: tuple[str, ...]
    """The sources that everything waits for, by full name, where no station is busy enough to be the limit."""
    utilisation: float
    """Of the busiest station, 0 to 1."""
    capacity_hz: float | None
    """What the pipeline cannot exceed as it is, in delivered items per second; `None` where that was not measured."""
    sentence: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The full names of the cells to look at first: the one that takes most of its station's time, for each station."""
        return tuple(station.dominant_cell.name for station in self.stations) or self.sources


def get_stations(window: Statistics) -> list[Station]:
    """The stations of a pipeline, in the order of their first cell."""
    cells: dict[str, list[CellStatistics]] = {}
    for cell in window.cells:
        cells.setdefault(cell.station, []).append(cell)
    return [Station(name, tuple(own), window.elapsed_s, window.sink_items) for name, own in cells.items()]


def find_bottleneck(
    window: Statistics, sources: Collection[str] = (), gil_holder: str | None = None
) -> Bottleneck | None:
    """What limits the pipeline over `window`; `None` where no cell ran in it.

    :param sources: the full names of the cells without inputs, which are the limit where every station is idle.
    :param gil_holder: a cell that has the GIL nearly always, and so is the limit whatever else seems to be busy.
    """
    stations = sorted(
        (station for station in get_stations(window) if station.busy_s > 0 and station.wall_s > 0),
        key=lambda station: station.utilisation,
        reverse=True,
    )
    if not stations:
        return None
    holding = [station for station in stations if station.dominant_cell.name == gil_holder]
    if holding:
        stations = holding
    first = stations[0]
    if first.utilisation < IDLE and not holding:
        waited_for = tuple(cell.name for cell in window.cells if cell.name in sources) if len(stations) > 1 else ()
        return Bottleneck(
            stations=(),
            sources=waited_for,
            utilisation=first.utilisation,
            capacity_hz=window.sink_rate_hz if waited_for else None,
            sentence=_explain_idle(first, waited_for, window.sink_rate_hz),
        )
    tied = tuple(station for station in stations if station.utilisation >= first.utilisation * (1 - TIE))
    return Bottleneck(
        stations=tied,
        sources=(),
        utilisation=first.utilisation,
        capacity_hz=first.capacity_hz,
        sentence=_explain(tied),
    )


def _explain(tied: tuple[Station, ...]) -> str:
    capacity_hz = tied[0].capacity_hz
    limit = "the pipeline" if capacity_hz is None else f"the pipeline to {rate(capacity_hz)}"
    if len(tied) > 1:
        names = listed([station.dominant_cell.name for station in tied])
        loads = "; ".join(f"{station.dominant_cell.name}: {_explain_load(station)}" for station in tied)
        return f"{names} together limit {limit}. {loads}."
    (station,) = tied
    if station.dominant_share < 0.5:
        return (
            f"{len(station.cells)} cells that share {_workers(station, 'a')} limit {limit}: they are busy "
            f"{share(station.utilisation)} of the time, and {station.dominant_cell.name} takes the most of that, "
            f"{share(station.dominant_share)}."
        )
    return f"{station.dominant_cell.name} limits {limit}: {_explain_load(station)}."


def _explain_load(station: Station) -> str:
    """Whose time it is that is used up, and how much of it."""
    cell, busy = station.dominant_cell, share(station.utilisation)
    others = [other.name for other in station.cells if other is not cell]
    if others:
        verb = "is" if cell.workers == 1 else "are"
        return (
            f"{_workers(station, 'the')} that it shares with {_few(others)} {verb} busy {busy} of the time, "
            f"{share(station.dominant_share)} of that with {cell.name}"
        )
    if cell.method == "inline":
        return f"the thread that runs it is busy with it {busy} of the time"
    return f"its {_workers(station, '')} {'is' if cell.workers == 1 else 'are'} busy {busy} of the time"


def _workers(station: Station, article: str) -> str:
    """`the thread`, `2 threads`, `a process`."""
    cell = station.dominant_cell
    worker = {"inline": "thread", "thread": "thread", "ray": "process"}.get(cell.method, "clone")
    if cell.workers == 1:
        return f"{article} {worker}".strip()
    plural = f"{cell.workers} {worker}{'es' if worker == 'process' else 's'}"
    return f"the {plural}" if article == "the" else plural


def _explain_idle(busiest: Station, waited_for: tuple[str, ...], measured_hz: float) -> str:
    busy = share(busiest.utilisation)
    if waited_for:
        verb = "limits" if len(waited_for) == 1 else "limit"
        return (
            f"{listed(waited_for)} {verb} the pipeline to {rate(measured_hz)}: no cell is busy for more than {busy} of the "
            f"time, they wait for items."
        )
    if len(busiest.cells) > 1:
        return (
            f"No cell limits the pipeline: together they work {busy} of the time, the rest goes into passing items on."
        )
    return f"No cell limits the pipeline: the busiest, {busiest.dominant_cell.name}, works {busy} of the time."


def _few(names: list[str]) -> str:
    return listed(names) if len(names) <= 3 else f"{len(names)} other cells"


def listed(names: Collection[str]) -> str:
    """Names in words: `a`, `a and b`, `a, b and c`."""
    *front, last = names
    return f"{', '.join(front)} and {last}" if front else last

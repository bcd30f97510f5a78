"""What a nested pipeline as a whole does by the clock, from the figures of the cells inside of it.

Cells of one station share a thread, or clones that each run all of them, so that their busy times add up to that of the
thread. Of several stations inside, the busiest is told: the others cannot let through less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pypipeline_engine.host.protocol import CellFigures, CloneFigures
from pypipeline_engine.numbers import counted, rate, share


@dataclass(frozen=True)
class NestedFigures:
    """A nested pipeline over the latest window."""

    rate_hz: float
    """Of its first output; all of its clones together."""
    item_s: float | None
    """For how long its cells work on one item of that, all together; `None` where none came."""
    busy: float
    starved: float
    blocked: float
    workers: str
    """What runs it now: `×2 threads`; empty where it has no clones of its own."""
    details: tuple[str, ...]
    """What the figures are sums of, in lines."""


def sum_up(inside: Mapping[str, CellFigures], delivering: str | None, depth: int, is_scaled: bool) -> NestedFigures:
    """The figures of a pipeline.

    :param inside: by full name, the cells inside, at any depth; at least one.
    :param delivering: the one that gives its first output; `None` where it has none.
    :param depth: how many of the pipelines around those cells have clones, this one included.
    :param is_scaled: whether this one has.
    """
    stations: dict[str, list[CellFigures]] = {}
    for figures in inside.values():
        stations.setdefault(figures.station, []).append(figures)
    busiest = max(stations.values(), key=_busy_of)
    busy = _busy_of(busiest)
    last = inside.get(delivering) if delivering is not None else None
    rated = last or max(inside.values(), key=lambda figures: figures.busy)
    # What nobody asks for its output, nobody asks for anything inside.
    idle = rated if rated.station == busiest[0].station else min(busiest, key=lambda figures: figures.blocked)
    blocked = min(idle.blocked, 1 - busy)
    work_s = sum(figures.busy * figures.workers for figures in inside.values())
    clones = _clones(inside, rated, depth) if is_scaled else {}
    return NestedFigures(
        rate_hz=rated.rate_hz,
        item_s=work_s / rated.rate_hz if rated.rate_hz > 0 else None,
        busy=busy,
        starved=max(0.0, 1 - busy - blocked),
        blocked=blocked,
        workers=_workers(clones) if clones else "",
        details=(
            _explain(len(inside), len(stations), len(busiest)),
            *(_tell(name, own) for name, own in clones.items()),
        ),
    )


def _busy_of(station: Sequence[CellFigures]) -> float:
    return min(1.0, sum(figures.busy for figures in station))


@dataclass(frozen=True)
class _Clone:
    method: str
    rate_hz: float
    busy: float


def _clones(inside: Mapping[str, CellFigures], rated: CellFigures, depth: int) -> dict[str, _Clone]:
    """The clones of the pipeline by name. Those of cells inside have as many names before their own as are around them."""
    parts: dict[str, dict[str, list[float]]] = {}
    rates: dict[str, float] = {}
    methods: dict[str, str] = {}
    for figures in inside.values():
        own: dict[str, list[CloneFigures]] = {}
        for clone in figures.clones:
            own.setdefault(" ".join(clone.name.split()[:depth]), []).append(clone)
        for name, clones in own.items():
            # Further clones inside of a clone share its work: their mean is the share of the time of each.
            busy = sum(clone.busy for clone in clones) / len(clones)
            parts.setdefault(name, {}).setdefault(figures.station, []).append(busy)
            methods.setdefault(name, clones[0].method)
            if figures is rated:
                rates[name] = sum(clone.rate_hz for clone in clones)
    return {
        name: _Clone(methods[name], rates.get(name, 0.0), min(1.0, max(sum(shares) for shares in stations.values())))
        for name, stations in parts.items()
    }


def _workers(clones: Mapping[str, _Clone]) -> str:
    kinds = {clone.method for clone in clones.values()}
    if kinds == {"ray"}:
        return f"×{len(clones)} Ray"
    return f"×{len(clones)} {'clones' if len(kinds) > 1 else 'threads' if len(clones) > 1 else 'thread'}"


def _explain(nb_cells: int, nb_stations: int, nb_busiest: int) -> str:
    cells = f"its {counted(nb_cells, 'cell')}" if nb_cells > 1 else "its cell"
    if nb_stations == 1:
        return f"by the clock, {cells} together" if nb_cells > 1 else "by the clock"
    taken = f"{counted(nb_busiest, 'cell')} of {nb_cells}"
    return f"by the clock, the busiest of {nb_stations} threads inside, with {taken}"


def _tell(name: str, clone: _Clone) -> str:
    return f"{name}  {rate(clone.rate_hz)}, busy {share(clone.busy)}"

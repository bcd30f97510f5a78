"""What the plots of a run show, as data: which lines, how they look, and in which unit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from math import floor, isnan, log10
from typing import Final, Literal, TypeAlias

from pypipeline_engine.numbers import UNKNOWN, duration, rate, share, size
from pypipeline_studio.document.history import CellField, History, Mark

Unit: TypeAlias = Literal["rate", "share", "seconds", "bytes"]
PlotKey: TypeAlias = Literal["rate", "load", "latency", "queue", "cpu", "memory"]
Look: TypeAlias = Literal["total", "limit", "first", "second", "third", "fourth", "quiet", "busy", "starved", "blocked"]
"""`total` is the pipeline as a whole, `limit` what limits it; `first` to `fourth` can be told apart by colour and pattern;
`quiet` are the others. `busy`, `starved` and `blocked` lie on each other.
"""

PLOTS: Final[dict[PlotKey, str]] = {
    "rate": "Rate",
    "load": "Load",
    "latency": "Latency",
    "queue": "Queues",
    "cpu": "CPU",
    "memory": "Memory",
}
"""All plots with what they are called, in their order."""
WRITTEN: Final[dict[Unit, Callable[[float], str]]] = {"rate": rate, "share": share, "seconds": duration, "bytes": size}
"""How values are written for people."""
MOST_QUIET: Final = 20
"""Lines that nobody asked for: of more, the busiest."""
_SCALES: Final[dict[Unit, tuple[tuple[float, str], ...]]] = {
    "rate": ((1e6, "M"), (1e4, "k"), (1.0, "")),
    "seconds": ((1.0, " s"), (1e-3, " ms"), (1e-6, " µs"), (1e-9, " ns")),
    "bytes": ((1e9, " GB"), (1e6, " MB"), (1e3, " kB"), (1.0, " B")),
}
_TIME_STEPS_S: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400)
_LOOKS: Final[tuple[Look, ...]] = ("first", "second", "third", "fourth")


@dataclass(frozen=True)
class Line:
    """One line of a plot, or one layer where they lie on each other."""

    label: str
    values: Sequence[float]
    """At the times of the plot; not a number where it is not known."""
    look: Look
    cell: str = ""
    """The full name of the cell whose figure it is; empty for that of all."""


@dataclass(frozen=True)
class PlotData:
    """One plot."""

    key: PlotKey
    title: str
    unit: Unit
    times: Sequence[float]
    lines: tuple[Line, ...] = ()
    is_stack: bool = False
    most: float | None = None
    """Where the axis ends at least."""
    headline: str = ""
    """The latest value of what matters most."""
    marks: tuple[Mark, ...] = field(default=())
    empty: str = ""
    """In one line why there is nothing to see, where that is so."""

    @property
    def named(self) -> tuple[Line, ...]:
        """The lines that the legend tells."""
        return tuple(line for line in self.lines if line.look != "quiet")

    def written(self, value: float) -> str:
        """A value for people."""
        return UNKNOWN if isnan(value) else WRITTEN[self.unit](value)


def make_plot(
    key: PlotKey, history: History, selected: Collection[str], limits: Sequence[str], since_s: float = 0.0
) -> PlotData:
    """A plot of what is kept since a time.

    :param selected: full names of the cells that a person looks at; none for all. A nested pipeline stands for its cells.
    :param limits: those that limit the pipeline.
    """
    asked = [name for name in history.cells if any(name == one or name.startswith(f"{one}.") for one in selected)]
    view = _View(history, asked, [name for name in limits if name in history.cells], since_s)
    return _MAKERS[key](view)


class _View:
    """What is looked at."""

    def __init__(self, history: History, asked: list[str], limits: list[str], since_s: float) -> None:
        self.history = history
        self.asked = asked
        self.limits = limits
        self.since_s = since_s
        self.times = history.times(since_s)

    @property
    def one(self) -> str:
        """The cell of which details are shown: the selected one, else the limit, else the busiest; empty for none."""
        return next(iter((*self.asked, *self.limits, *self.busiest())), "")

    def busiest(self) -> list[str]:
        latest_s = self.times[-1] if self.times else 0.0
        known = {name: (self.history.of_cell(name, "busy", latest_s) or [0.0])[-1] for name in self.history.cells}
        return sorted(known, key=lambda name: 0.0 if isnan(known[name]) else -known[name])

    def of(self, cell: str, figure: CellField) -> list[float]:
        return self.history.of_cell(cell, figure, self.since_s)

    def marks(self, cells: Collection[str]) -> tuple[Mark, ...]:
        return tuple(
            mark for mark in self.history.marks if mark.elapsed_s >= self.since_s and (not cells or mark.cell in cells)
        )

    def lines(self, figure: CellField, nb_named: int) -> list[Line]:
        """A line of each cell that was asked for; else of all, those that matter with a name. The quiet ones come first."""
        names = self.asked or self.busiest()
        named = names if self.asked else [*self.limits, *(n for n in names if n not in self.limits)][:nb_named]
        looks = iter(_LOOKS)
        found = []
        for name in named:
            look: Look = "limit" if name in self.limits else "total" if len(self.asked) == 1 else next(looks, "quiet")
            found.append(Line(name, self.of(name, figure), look, name))
        quiet = [name for name in names if name not in named][:MOST_QUIET]
        lines = [Line(name, self.of(name, figure), "quiet", name) for name in reversed(quiet)]
        return [line for line in lines + found[::-1] if not all(map(isnan, line.values))]


def _rate(view: _View) -> PlotData:
    total = view.history.of_run("sink_rate_hz", view.since_s)
    lines = view.lines("rate_hz", 0)
    asked = view.asked[0] if len(view.asked) == 1 else ""
    pipeline = Line("pipeline", total, "first" if asked else "total")
    return PlotData(
        "rate",
        f"Rate of {asked}, items/s" if asked else "Rate, items/s",
        "rate",
        view.times,
        (*lines, pipeline) if not asked else (pipeline, *lines),
        headline=_latest(view.of(asked, "rate_hz") if asked else total, rate),
        marks=view.marks(view.asked),
    )


def _load(view: _View) -> PlotData:
    if len(view.asked) != 1:
        return PlotData(
            "load",
            "Busy share",
            "share",
            view.times,
            tuple(view.lines("busy", 3)),
            most=1.0,
            marks=view.marks(view.asked),
        )
    (cell,) = view.asked
    layers = [(name, view.of(cell, name)) for name in ("busy", "starved", "blocked")]
    return PlotData(
        "load",
        f"Load of {cell}",
        "share",
        view.times,
        tuple(Line(name, values, name, cell) for name, values in layers),  # type: ignore[arg-type]  # the same words
        is_stack=True,
        most=1.0,
        headline=_latest(layers[0][1], share),
        marks=view.marks([cell]),
    )


def _latency(view: _View) -> PlotData:
    cell = view.one
    parts: list[tuple[str, CellField, Look]] = [
        ("p50", "latency_p50_s", "third"),
        ("p99", "latency_p99_s", "first"),
        ("p95", "latency_p95_s", "limit" if cell in view.limits else "total"),
    ]
    lines = tuple(Line(label, view.of(cell, name), look, cell) for label, name, look in parts)
    known = tuple(line for line in lines if not all(map(isnan, line.values)))
    return PlotData(
        "latency",
        f"Latency of {cell}" if cell else "Latency",
        "seconds",
        view.times,
        known,
        headline=_latest(lines[-1].values, duration),
        marks=view.marks([cell]),
        empty="" if known else "No item has come through yet.",
    )


def _queue(view: _View) -> PlotData:
    lines = tuple(view.lines("queue_fill", 3))
    who = "The selected cells have" if len(view.asked) > 1 else f"{view.asked[0]} has" if view.asked else "No cell has"
    return PlotData(
        "queue",
        f"Queue of {view.asked[0]}" if len(view.asked) == 1 else "Queues",
        "share",
        view.times,
        lines,
        most=1.0,
        headline=_latest(lines[-1].values, share) if len(lines) == 1 else "",
        marks=view.marks(view.asked),
        empty="" if lines else f"{who} {'no' if view.asked else 'a'} queue: only cells with clones have one.",
    )


def _cpu(view: _View) -> PlotData:
    cpu, gil = view.history.of_run("cpu", view.since_s), view.history.of_run("gil", view.since_s)
    lines = [Line("GIL", gil, "first"), Line("CPU", cpu, "total")]
    return PlotData(
        "cpu",
        "CPU and GIL of the engine",
        "share",
        view.times,
        tuple(line for line in lines if not all(map(isnan, line.values))),
        most=1.0,
        headline=_latest(cpu, share),
        marks=view.marks(()),
    )


def _memory(view: _View) -> PlotData:
    values = view.history.of_run("memory_bytes", view.since_s)
    return PlotData(
        "memory",
        "Memory of the engine",
        "bytes",
        view.times,
        (Line("memory", values, "total"),) if not all(map(isnan, values)) else (),
        headline=_latest(values, size),
        marks=view.marks(()),
    )


_MAKERS: Final[dict[PlotKey, Callable[[_View], PlotData]]] = {
    "rate": _rate,
    "load": _load,
    "latency": _latency,
    "queue": _queue,
    "cpu": _cpu,
    "memory": _memory,
}


def tick_text(value: float, unit: Unit, greatest: float) -> str:
    """What stands at a tick of an axis; all of one axis have the same unit.

    :param greatest: the greatest value on the axis.
    """
    if unit == "share":
        return f"{100 * value:g} %"
    scales = _SCALES[unit]
    factor, name = next(((factor, name) for factor, name in scales if greatest >= factor), scales[-1])
    factor = {"M": 1e6, "k": 1e3}.get(name, factor)
    return f"{float(f'{value / factor:.6g}'):g}{name}"


def nice_step(span: float, nb_steps: int = 4) -> float:
    """A round distance of ticks, 1, 2 or 5 times a power of ten, so that about `nb_steps` fit into a span."""
    rough = span / max(1, nb_steps)
    if rough <= 0:
        return 1.0
    power = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def time_step(span_s: float, nb_steps: int = 4) -> float:
    """A round distance of ticks in time: seconds, minutes or hours."""
    rough = span_s / max(1, nb_steps)
    return next((step for step in _TIME_STEPS_S if step >= rough * 0.999), _TIME_STEPS_S[-1])


def time_text(before_s: float, step_s: float, latest: str) -> str:
    """What stands at a tick of the axis of time.

    :param before_s: how long before the latest sample, as a negative number.
    :param latest: what the latest one is called, such as `now`.
    """
    if abs(before_s) < 1e-6:
        return latest
    if step_s >= 3600:
        return f"−{-before_s / 3600:g} h"
    return f"−{-before_s / 60:g} min" if step_s >= 60 else f"−{-before_s:g}"


def _latest(values: Sequence[float], write: Callable[[float], str]) -> str:
    known = next((value for value in reversed(values) if not isnan(value)), None)
    return UNKNOWN if known is None else write(known)

"""Two recorded runs side by side, from what `pypipeline compare --json` says: in words for people, and as marks at cells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from pypipeline_engine.numbers import UNKNOWN, counted, duration, rate, share, significant, size

Verdict: TypeAlias = Literal["real", "doubtful", "noise", "unknown"]
Direction: TypeAlias = Literal["better", "worse", "neither"]
MarkKey: TypeAlias = Literal["service_s", "rate_hz", "cpu_s"]
_Unit: TypeAlias = Literal["rate", "seconds", "share", "bytes"]

VERDICTS: Final[dict[Verdict, str]] = {
    "real": "real",
    "doubtful": "doubtful",
    "noise": "within noise",
    "unknown": "too short to tell",
}
MARK_KEYS: Final[dict[MarkKey, str]] = {"service_s": "Time per item", "rate_hz": "Rate", "cpu_s": "CPU per item"}
"""By what cells can be marked on the canvas."""
_FIGURES: Final[dict[str, tuple[str, _Unit, int]]] = {
    "sink_rate_hz": ("rate", "rate", 1),
    "rate_hz": ("rate", "rate", 1),
    "service_s": ("time per item", "seconds", -1),
    "latency_p50_s": ("p50", "seconds", -1),
    "latency_p95_s": ("p95", "seconds", -1),
    "busy": ("busy", "share", 0),
    "cpu_s": ("CPU per item", "seconds", -1),
    "memory_bytes": ("memory", "bytes", -1),
    "errors": ("errors", "share", -1),
    "skipped": ("skipped", "share", 0),
}
"""By key, what a figure is called, its unit, and whether more of it is better (1), worse (-1), or neither (0)."""


class ComparisonRefused(Exception):
    """What came is no comparison."""


@dataclass(frozen=True)
class ComparedFigure:
    """One figure of two runs."""

    cell: str
    """Its full name; empty for the pipeline as a whole."""
    key: str
    label: str
    before: str
    after: str
    change: str
    noise: str
    verdict: Verdict
    direction: Direction
    part: float | None
    """The difference as a part of the value before; `None` where that is not known."""

    @property
    def is_change(self) -> bool:
        """Whether it changed by more than its noise."""
        return self.verdict in ("real", "doubtful")


@dataclass(frozen=True)
class CellMark:
    """What is told of a cell on the canvas."""

    text: str
    """Such as `▼ 25 %`; `≈` where there is no more than noise."""
    verdict: Verdict
    direction: Direction
    about: str
    """One line with the values."""


@dataclass(frozen=True)
class RunComparison:
    """Everything that is different between two runs."""

    summary: str
    """In one sentence which is faster."""
    notes: tuple[str, ...]
    """What else is to be known: doubts, other machines, versions and graphs, and the limits."""
    figures: tuple[ComparedFigure, ...]
    """Those of the pipeline first, then cell by cell."""

    def marks(self, path: tuple[str, ...], key: MarkKey) -> dict[str, CellMark]:
        """By name, the marks of the cells of a pipeline. A nested pipeline has that of the cell in it that changed most."""
        prefix = "".join(f"{name}." for name in path)
        found: dict[str, tuple[bool, float, CellMark]] = {}
        for figure in self.figures:
            if figure.key != key or not figure.cell or not figure.cell.startswith(prefix):
                continue
            if figure.verdict == "unknown" or figure.part is None:
                continue
            name, _, inside = figure.cell[len(prefix) :].partition(".")
            text = f"{'▲' if figure.part > 0 else '▼'} {share(abs(figure.part))}" if figure.is_change else "≈"
            about = f"{figure.cell}: {figure.label} {figure.before} → {figure.after}, noise {figure.noise}"
            mark = CellMark(
                f"{inside} {text}" if inside and figure.is_change else text, figure.verdict, figure.direction, about
            )
            rank = (figure.is_change, abs(figure.part))
            if name not in found or rank > found[name][:2]:
                found[name] = (*rank, mark)
        return {name: mark for name, (_, _, mark) in found.items()}


def read_comparison(text: str | bytes) -> RunComparison:
    """What the command has written.

    :raises ComparisonRefused: if it is something else.
    """
    try:
        data = json.loads(text)
        figures = list(_figures("", data["pipeline"]))
        for name, cell in data["cells"].items():
            figures += _figures(name, cell)
        return RunComparison(_sum_up(figures), tuple(_notes(data)), tuple(figures))
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ComparisonRefused(f"The engine's comparison cannot be understood: {error!r}") from error


def _figures(cell: str, data: Mapping[str, Any]) -> Iterator[ComparedFigure]:
    for key, (label, unit, better) in _FIGURES.items():
        if key not in data:
            continue
        one = data[key]
        difference = one["difference"]
        sign = 0 if not difference else 1 if difference > 0 else -1
        is_change = one["verdict"] in ("real", "doubtful")
        direction: Direction = "neither"
        if is_change and sign * better:
            direction = "better" if sign * better > 0 else "worse"
        yield ComparedFigure(
            cell,
            key,
            label,
            _value(one["before"], unit),
            _value(one["after"], unit),
            _change(difference, one["before"], unit),
            _noise(one["noise"], one["before"], unit),
            one["verdict"],
            direction,
            one["change"],
        )


def _value(value: float | None, unit: _Unit) -> str:
    write = {"rate": rate, "seconds": duration, "share": share, "bytes": size}[unit]
    return UNKNOWN if value is None else write(value)


def _change(difference: float | None, before: float | None, unit: _Unit) -> str:
    if difference is None:
        return UNKNOWN
    return _relative(difference, before, unit, "+")


def _noise(noise: float | None, before: float | None, unit: _Unit) -> str:
    if noise is None:
        return UNKNOWN
    return _relative(noise, before, unit, "±")


def _relative(amount: float, before: float | None, unit: _Unit, sign: str) -> str:
    """A part of the value before; points for what is a share itself."""
    if unit != "share" and not before:
        return UNKNOWN
    number, name = (100 * amount, "pts") if unit == "share" else (100 * amount / (before or 1.0), "%")
    digits = f"{abs(number):.1f}" if abs(number) < 99.95 else f"{abs(number):,.0f}"
    return f"{'−' if number < 0 else sign}{digits} {name}"


def _sum_up(figures: list[ComparedFigure]) -> str:
    first = {figure.key: figure for figure in figures}["sink_rate_hz"]
    word = "faster" if (first.part or 0) > 0 else "slower"
    words = {
        "real": f"The later run is {word}",
        "doubtful": f"The later run was {word}, on a machine that was busy with something else",
        "noise": "The runs do not differ in speed by more than noise",
        "unknown": "One of the runs is too short to tell which is faster",
    }[first.verdict]
    nb_changed = sum(figure.is_change for figure in figures)
    return (
        f"{words}: {first.before} → {first.after}, {first.change} (noise {first.noise}). "
        f"{nb_changed} of {counted(len(figures), 'figure')} changed by more than noise."
    )


def _notes(data: Mapping[str, Any]) -> Iterator[str]:
    if data["machine"]:
        yield "The runs were on different machines, which the figures tell as much about: " + "; ".join(data["machine"])
    for key, name in (("before", "earlier"), ("after", "later")):
        run = data[key]
        others = run["other_processes_cores"]
        if not run["is_quiet"] and others is not None:
            cores = f"{significant(others)} cores"
            yield f"In the {name} run, other processes used {cores}: what is slower in it may be their doing."
        if run["error"]:
            yield f"The {name} run failed: {run['error']}"
    if data["graph"]:
        yield "Other graph: " + "; ".join(change["sentence"] for change in data["graph"])
    else:
        yield "The same graph."
    if data["versions"]:
        yield "Other versions: " + "; ".join(data["versions"])
    for key, name in (("before", "Earlier"), ("after", "Later")):
        limit = data[key]["bottleneck"]
        if limit is not None:
            yield f"{name}: {limit['sentence']}"
    for key, name in (("only_before", "earlier"), ("only_after", "later")):
        if data[key]:
            yield f"Only the {name} run has {', '.join(data[key])}."

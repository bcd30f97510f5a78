"""Two recorded runs, figure by figure: what changed, and whether that is more than chance.

Compared is the steady part of each run (see `steady`). A figure is that of all of it; its noise comes from its blocks (see
`noise`). Percentiles need some pulls in a block, and so longer blocks where pulls are rare.

A change is called real where it is larger than its noise, which is the interval of the difference, and never less than what
two runs of the same graph may differ by: `LEAST_CHANGE` of the value, `LEAST_POINTS` for shares of time, for times of one
item what takes `LEAST_LOAD` of a worker, and for percentiles the width of a bucket, of which no more is known. What other
processes do to a run is no noise: they may slow down all of it. Where a run did not have its machine for itself, changes
that they may have made are called doubtful.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pypipeline_engine.core.counters import BUCKETS_PER_OCTAVE, CellStatistics, Statistics, quantile
from pypipeline_engine.exceptions import GraphException, RecordException
from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.reader import read
from pypipeline_engine.insight.graph_changes import GraphChange, find_graph_changes
from pypipeline_engine.insight.machine import Machine
from pypipeline_engine.insight.noise import interval_of_difference
from pypipeline_engine.insight.records import Record
from pypipeline_engine.insight.steady import Block, Steady, find_steady
from pypipeline_engine.numbers import UNKNOWN, count, size

LEAST_CHANGE = 0.03
"""Of a rate, a time or an amount; smaller changes are within noise, whatever the samples say."""
LEAST_POINTS = 0.02
"""Of a share of time."""
LEAST_LOAD = 0.002
"""Of the time of a worker: how fast a core does little things depends on what it did before, and that on chance."""
_PULLS_IN_BLOCK = {0.5: 10, 0.95: 40}
"""How many a percentile needs in each block. Of fewer, its value is hardly that of the whole run."""
_BUCKET = 2 ** (1 / BUCKETS_PER_OCTAVE) - 1
_ROUNDING = 1e-9
_NOT_LOADED = "not loaded"

Unit: TypeAlias = Literal["rate", "seconds", "bucketed seconds", "share", "share of items", "bytes"]
Verdict: TypeAlias = Literal["real", "doubtful", "noise", "unknown"]


@dataclass(frozen=True)
class Figure:
    """One figure of two runs."""

    key: str
    label: str
    unit: Unit
    before: float | None
    after: float | None
    noise: float | None
    """How much of the difference may be chance, in the unit of the figure; `None` where that is not known."""
    is_disturbed: bool
    """Whether other processes may be why it is different."""

    @property
    def difference(self) -> float | None:
        """In the unit of the figure; `None` where one of the runs does not have it."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def verdict(self) -> Verdict:
        """Whether the change is real; `unknown` where a run was too short, or does not have the figure."""
        if self.difference is None or self.noise is None:
            return "unknown"
        if abs(self.difference) <= self.noise:
            return "noise"
        return "doubtful" if self.is_disturbed else "real"


@dataclass(frozen=True)
class CellComparison:
    """A cell that both runs have, as it was at the end of each."""

    name: str
    before: CellStatistics
    after: CellStatistics
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Comparison:
    """Everything that is different."""

    before: Steady
    after: Steady
    machine: tuple[str, ...]
    """What is different about the machines, in words."""
    versions: tuple[str, ...]
    graph: tuple[GraphChange, ...]
    pipeline: tuple[Figure, ...]
    cells: tuple[CellComparison, ...]
    only_before: tuple[str, ...]
    """Cells that only one of the runs has."""
    only_after: tuple[str, ...]


def compare(before: Record, after: Record, warm_up_s: float | None = None) -> Comparison:
    """Compare two runs.

    :param warm_up_s: what to leave out at the start of each, instead of what looks unlike the rest.
    :raises RecordException: where one of them is damaged, or holds nothing to compare.
    """
    changes = find_graph_changes(*(_read_graph(record) for record in (before, after)))
    parts = [find_steady(record, warm_up_s) for record in (before, after)]
    cells = [{cell.name: cell for cell in part.whole.window.cells} for part in parts]
    common = [name for name in cells[0] if name in cells[1]]
    kinds = {name: _kinds_of_cell(name, parts) for name in common}
    nb_figures = len(_OF_PIPELINE) + sum(map(len, kinds.values()))
    return Comparison(
        before=parts[0],
        after=parts[1],
        machine=tuple(_compare_machines(before.machine, after.machine)),
        versions=tuple(_compare_texts(before.versions, after.versions)),
        graph=tuple(changes),
        pipeline=_compare_figures(_OF_PIPELINE, parts, None, nb_figures),
        cells=tuple(
            CellComparison(name, cells[0][name], cells[1][name], _compare_figures(kinds[name], parts, name, nb_figures))
            for name in common
        ),
        only_before=tuple(name for name in cells[0] if name not in cells[1]),
        only_after=tuple(name for name in cells[1] if name not in cells[0]),
    )


# ---------------------------------------------------------------------- figures


@dataclass(frozen=True)
class _Kind:
    """What a figure is, and how it is read off a block; `None` where the block does not have it."""

    key: str
    label: str
    unit: Unit
    of: Callable[[Block], float | None]
    quantile: float | None = None


_OfCell: TypeAlias = Callable[[CellStatistics, Statistics], float | None]

_OF_PIPELINE = [
    _Kind("sink_rate_hz", "rate", "rate", lambda block: block.window.sink_rate_hz),
    _Kind("cpu_s", "CPU per item", "seconds", lambda block: _per(block.cpu_s, block.window.sink_items)),
    _Kind("memory_bytes", "memory", "bytes", lambda block: block.memory_bytes),
]
_OF_CELL: list[tuple[str, str, Unit, _OfCell]] = [
    ("rate_hz", "rate", "rate", lambda cell, window: _per(cell.items, window.elapsed_s)),
    ("service_s", "time per item", "seconds", lambda cell, _: _per(cell.busy_s, cell.runs)),
    ("latency_p50_s", "p50", "bucketed seconds", lambda cell, _: cell.latency_s(0.5)),
    ("latency_p95_s", "p95", "bucketed seconds", lambda cell, _: cell.latency_s(0.95)),
    ("busy", "busy", "share", lambda cell, _: cell.busy),
    ("cpu_s", "CPU per item", "seconds", lambda cell, _: _per(cell.cpu_s, cell.runs)),
]
_FAULTS_OF_CELL: list[tuple[str, str, Unit, _OfCell]] = [
    ("errors", "errors", "share of items", lambda cell, _: _per(cell.errors, cell.runs)),
    ("skipped", "skipped", "share of items", lambda cell, _: _per(cell.skipped, cell.runs)),
]
_QUANTILES = {"latency_p50_s": 0.5, "latency_p95_s": 0.95}


def _kinds_of_cell(name: str, parts: Iterable[Steady]) -> list[_Kind]:
    """The figures of a cell; errors and skipped items only where there are some."""
    cells = [part.whole.window.get_cell(name) for part in parts]
    faults = [kind for kind in _FAULTS_OF_CELL if any(getattr(cell, kind[0]) for cell in cells)]
    return [
        _Kind(key, label, unit, _look_at(name, of), _QUANTILES.get(key))
        for key, label, unit, of in (*_OF_CELL, *faults)
    ]


def _look_at(name: str, of: _OfCell) -> Callable[[Block], float | None]:
    def look(block: Block) -> float | None:
        cell = next((cell for cell in block.window.cells if cell.name == name), None)
        return None if cell is None else of(cell, block.window)

    return look


def _per(amount: float, number: float) -> float | None:
    return amount / number if number > 0 else None


def _compare_figures(
    kinds: Sequence[_Kind], parts: Sequence[Steady], cell: str | None, nb_figures: int
) -> tuple[Figure, ...]:
    """The figures of one cell, or of the pipeline."""
    figures = []
    is_disturbed = not all(part.is_quiet for part in parts)
    hz = max(_get_rate(part, cell) for part in parts)
    for kind in kinds:
        before, after = (kind.of(part.whole) for part in parts)
        noise = None
        if before is not None and after is not None:
            a, b = (_read_blocks(kind, part, cell) for part in parts)
            interval = interval_of_difference(a, b, nb_figures)
            noise = None if interval is None else max(interval, _floor(kind.unit, before, after, hz))
        depends = kind.unit not in ("bytes", "share of items")
        figures.append(Figure(kind.key, kind.label, kind.unit, before, after, noise, depends and is_disturbed))
    return tuple(figures)


def _get_rate(part: Steady, cell: str | None) -> float:
    window = part.whole.window
    return window.sink_rate_hz if cell is None else window.rate_hz(window.get_cell(cell))


def _read_blocks(kind: _Kind, part: Steady, cell: str | None) -> list[float]:
    if kind.quantile is not None and cell is not None:
        return _read_quantiles(kind.quantile, part, cell)
    return [value for block in part.blocks if (value := kind.of(block)) is not None]


def _read_quantiles(share: float, part: Steady, cell: str) -> list[float]:
    """The quantile of each block, or of as many in a row as have enough pulls; what is left over is left out."""
    found = []
    pulls: Counter[int] = Counter()
    for block in part.blocks:
        pulls.update(*(dict(one.latencies) for one in block.window.cells if one.name == cell))
        if pulls.total() >= _PULLS_IN_BLOCK[share]:
            value = quantile(pulls, share)
            if value is not None:
                found.append(value)
            pulls = Counter()
    return found


def _floor(unit: Unit, before: float, after: float, hz: float) -> float:
    """What the noise of a figure is at least.

    :param hz: how many items there were in a second.
    """
    if unit == "share of items":
        return 0.0
    if unit == "share":
        return LEAST_POINTS
    relative = LEAST_CHANGE * max(before, after)
    if unit == "bucketed seconds":
        relative = min(before, after) * _BUCKET * (1 + _ROUNDING)
    return max(relative, LEAST_LOAD / hz) if unit.endswith("seconds") and hz > 0 else relative


# ---------------------------------------------------------------------- what else is different


def _read_graph(record: Record) -> Document:
    try:
        return read(record.graph)
    except GraphException as error:
        raise RecordException(f"{record.path} holds a graph that cannot be read: {error}") from error


def _compare_machines(before: Machine, after: Machine) -> Iterator[str]:
    yield from _compare_texts(_describe(before), _describe(after))
    own, other = before.memory_bytes or 0, after.memory_bytes or 0
    if abs(own - other) > 0.05 * max(own, other):  # a kernel keeps more or less of the same memory for itself
        yield f"memory: {size(before.memory_bytes)} → {size(after.memory_bytes)}"


def _describe(machine: Machine) -> dict[str, str]:
    return {
        "CPU": machine.cpu_model or UNKNOWN,
        "cores": count(machine.cores),
        "system": f"{machine.os}, {machine.architecture}",
    }


def _compare_texts(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for key in dict.fromkeys((*before, *after)):
        if before.get(key) != after.get(key):
            yield f"{key}: {before.get(key, _NOT_LOADED)} → {after.get(key, _NOT_LOADED)}"

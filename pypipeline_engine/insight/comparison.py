"""Two recorded runs, figure by figure: what changed, and whether that is more than chance.

Compared is the steady part of each run: the longest stretch without a pause, from the first delivered item on, without the
warm-up (see `noise.find_warm_up`, on the rate of delivered items) and without the end, when the sources have nothing left
and the rest runs empty. A figure is that of the whole steady part; its noise comes from blocks of it (see `noise`).

A change is called real where it is larger than its noise, which is the interval of the difference, and never less than what
two runs of the same graph may differ by: `LEAST_CHANGE` of the value, `LEAST_POINTS` for shares of time, and the width of a
bucket for percentiles, of which no more is known. What other processes do to a run is no noise: they may slow down all of
it. Where they used more than `QUIET` of the cores in one of the runs, changes that they may have made are called doubtful.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from pypipeline_engine.core.counters import BUCKETS_PER_OCTAVE, CellStatistics, Statistics
from pypipeline_engine.exceptions import GraphException, RecordException
from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.reader import read
from pypipeline_engine.insight.bottleneck import Bottleneck, find_bottleneck
from pypipeline_engine.insight.graph_changes import GraphChange, find_graph_changes
from pypipeline_engine.insight.machine import Machine
from pypipeline_engine.insight.noise import cut_into_blocks, find_warm_up, interval_of_difference
from pypipeline_engine.insight.records import Record, Sample
from pypipeline_engine.numbers import UNKNOWN, count, elapsed, size

LEAST_CHANGE = 0.03
"""Of a rate, a time or an amount; smaller changes are within noise, whatever the samples say."""
LEAST_POINTS = 0.02
"""Of a share of time."""
QUIET = 0.1
"""Of the cores of a machine."""
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
class Block:
    """A piece of a run."""

    window: Statistics
    cpu_s: float
    """Of the process."""
    memory_bytes: int | None
    """Of the process, at its end."""


@dataclass(frozen=True)
class Steady:
    """The part of a run that is compared."""

    whole: Block
    blocks: tuple[Block, ...]
    begin_s: float
    end_s: float
    """Both since the start of the run."""
    bottleneck: Bottleneck | None
    cores: int
    others: float | None
    """How many of them other processes of the machine used meanwhile; `None` where that is not known."""

    @property
    def is_quiet(self) -> bool:
        """Whether the run had the machine for itself, as far as is known."""
        return self.others is None or self.others <= QUIET * self.cores


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
    parts = [_find_steady(record, warm_up_s) for record in (before, after)]
    cells = [{cell.name: cell for cell in part.whole.window.cells} for part in parts]
    common = [name for name in cells[0] if name in cells[1]]
    plans = [_PIPELINE, *([_cell_plan(name, parts) for name in common])]
    nb_figures = sum(map(len, plans))
    pipeline, *of_cells = [tuple(_compare_figure(one, parts, nb_figures) for one in plan) for plan in plans]
    return Comparison(
        before=parts[0],
        after=parts[1],
        machine=tuple(_compare_machines(before.machine, after.machine)),
        versions=tuple(_compare_texts(before.versions, after.versions)),
        graph=tuple(changes),
        pipeline=pipeline,
        cells=tuple(
            CellComparison(name, cells[0][name], cells[1][name], figures)
            for name, figures in zip(common, of_cells, strict=True)
        ),
        only_before=tuple(name for name in cells[0] if name not in cells[1]),
        only_after=tuple(name for name in cells[1] if name not in cells[0]),
    )


# ---------------------------------------------------------------------- the part that is compared


def _find_steady(record: Record, warm_up_s: float | None) -> Steady:
    samples = _select(record, warm_up_s)
    first, last = samples[0], samples[-1]
    whole = _take_block(record, first, last)
    return Steady(
        whole=whole,
        blocks=tuple(_take_block(record, samples[a], samples[b]) for a, b in cut_into_blocks(len(samples))),
        begin_s=first.elapsed_s,
        end_s=last.elapsed_s,
        bottleneck=find_bottleneck(whole.window, record.sources),
        cores=record.machine.cores,
        others=_find_others(whole, first, last),
    )


def _select(record: Record, warm_up_s: float | None) -> Sequence[Sample]:
    """The samples of the steady part; all of them where there are too few to tell it from the rest."""
    if len(record.samples) < 2 or record.samples[-1].elapsed_s <= record.samples[0].elapsed_s:
        raise RecordException(f"{record.path} holds no figures: the run was over before its second sample")
    runs = record.count_source_runs()
    stretches: list[list[int]] = [[]]
    for number, sample in enumerate(record.samples):
        if sample.state != "running":
            stretches.append([])
        elif sample.sink_items > 0:
            stretches[-1].append(number)
    chosen = max(stretches, key=len)
    runs = record.count_source_runs()
    while len(chosen) > 1 and runs[chosen[-1]] == runs[chosen[-2]] and runs[-1] > 0:
        chosen.pop()
    samples = [record.samples[number] for number in chosen]
    if warm_up_s is not None:
        samples = [sample for sample in samples if sample.elapsed_s >= warm_up_s]
        if len(samples) < 2:
            raise RecordException(
                f"{record.path} has fewer than two samples of its steady part after {elapsed(warm_up_s)}"
            )
        return samples
    rates = [
        (now.sink_items - then.sink_items) / max(now.elapsed_s - then.elapsed_s, 1e-9)
        for then, now in pairwise(samples)
    ]
    samples = samples[find_warm_up(rates) :]
    return samples if len(samples) > 1 else record.samples


def _take_block(record: Record, first: Sample, last: Sample) -> Block:
    return Block(
        record.between(first, last),
        last.process.cpu_s - first.process.cpu_s,
        last.process.memory_bytes,
    )


def _find_others(whole: Block, first: Sample, last: Sample) -> float | None:
    """Unknown, too, where clones in other processes belong to the run."""
    began_s, ended_s = first.process.machine_busy_s, last.process.machine_busy_s
    is_alone = all(cell.method in ("inline", "thread") for cell in whole.window.cells)
    if began_s is None or ended_s is None or not is_alone:
        return None
    return max(0.0, ended_s - began_s - whole.cpu_s) / whole.window.elapsed_s


# ---------------------------------------------------------------------- figures


@dataclass(frozen=True)
class _Kind:
    """What a figure is, and how it is read off a block; `None` where the block does not have it."""

    key: str
    label: str
    unit: Unit
    of: Callable[[Block], float | None]


_PIPELINE = [
    _Kind("sink_rate_hz", "rate", "rate", lambda block: block.window.sink_rate_hz),
    _Kind("cpu_s", "CPU per item", "seconds", lambda block: _per(block.cpu_s, block.window.sink_items)),
    _Kind("memory_bytes", "memory", "bytes", lambda block: block.memory_bytes),
]
_OF_CELLS: list[tuple[str, str, Unit, Callable[[CellStatistics, Statistics], float | None]]] = [
    ("rate_hz", "rate", "rate", lambda cell, window: _per(cell.items, window.elapsed_s)),
    ("service_s", "time per item", "seconds", lambda cell, _: _per(cell.busy_s, cell.runs)),
    ("latency_p50_s", "p50", "bucketed seconds", lambda cell, _: cell.latency_s(0.5)),
    ("latency_p95_s", "p95", "bucketed seconds", lambda cell, _: cell.latency_s(0.95)),
    ("busy", "busy", "share", lambda cell, _: cell.busy),
    ("cpu_s", "CPU per item", "seconds", lambda cell, _: _per(cell.cpu_s, cell.runs)),
]
_FAULTS_OF_CELLS: list[tuple[str, str, Unit, Callable[[CellStatistics, Statistics], float | None]]] = [
    ("errors", "errors", "share of items", lambda cell, _: _per(cell.errors, cell.runs)),
    ("skipped", "skipped", "share of items", lambda cell, _: _per(cell.skipped, cell.runs)),
]


def _cell_plan(name: str, parts: Iterable[Steady]) -> list[_Kind]:
    """The figures of a cell; errors and skipped items only where there are some."""
    cells = [part.whole.window.get_cell(name) for part in parts]
    faults = [kind for kind in _FAULTS_OF_CELLS if any(getattr(cell, kind[0]) for cell in cells)]
    return [_Kind(key, label, unit, _reader(name, of)) for key, label, unit, of in (*_OF_CELLS, *faults)]


def _reader(name: str, of: Callable[[CellStatistics, Statistics], float | None]) -> Callable[[Block], float | None]:
    def look(block: Block) -> float | None:
        cell = next((cell for cell in block.window.cells if cell.name == name), None)
        return None if cell is None else of(cell, block.window)

    return look


def _per(amount: float, number: float) -> float | None:
    return amount / number if number > 0 else None


def _compare_figure(kind: _Kind, parts: Sequence[Steady], nb_figures: int) -> Figure:
    before, after = (kind.of(part.whole) for part in parts)
    noise = None
    if before is not None and after is not None:
        a, b = ([value for block in part.blocks if (value := kind.of(block)) is not None] for part in parts)
        interval = interval_of_difference(a, b, nb_figures)
        noise = None if interval is None else max(interval, _floor(kind.unit, before, after))
    depends = kind.unit not in ("bytes", "share of items")
    is_disturbed = depends and not all(part.is_quiet for part in parts)
    return Figure(kind.key, kind.label, kind.unit, before, after, noise, is_disturbed)


def _floor(unit: Unit, before: float, after: float) -> float:
    if unit == "share of items":
        return 0.0
    if unit == "share":
        return LEAST_POINTS
    if unit == "bucketed seconds":
        return min(before, after) * _BUCKET * (1 + _ROUNDING)
    return LEAST_CHANGE * max(before, after)


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

"""The figures of a run for Prometheus, in its text format 0.0.4.

What is counted here is counted from the start of a run; with the next run it begins again, which those who read it take for
what it is. Nothing here waits or has a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import fsum
from typing import Final, Literal, TypeAlias, get_args

from pypipeline_engine import __version__
from pypipeline_engine.core.counters import (
    BUCKETS_PER_OCTAVE,
    CellStatistics,
    ConnectionStatistics,
    Statistics,
    middle_of,
)
from pypipeline_engine.host.protocol import ProcessFigures, RunInfo, RunState

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_OCTAVES: Final = range(14, 35)
"""The upper bounds of the histograms are so many powers of two of a nanosecond: from 16 us to 17 s."""

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
Labels: TypeAlias = Mapping[str, str]
Sample: TypeAlias = tuple[str, Labels, float]
"""What is behind the name of the metric, the labels, and the value."""


# ---------------------------------------------------------------------- counters that never go down


@dataclass(frozen=True)
class CellTotals:
    """What was counted of a cell from the start of the run on; none of it was ever more before."""

    now: CellStatistics
    """As it was read, for what may go up and down."""
    items: int
    errors: int
    skipped: int
    busy_s: float
    starved_s: float
    blocked_s: float
    cpu_s: float
    latencies: Mapping[int, int]
    offsets: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """What was added to the seconds that were read: busy, starved and blocked."""

    @property
    def name(self) -> str:
        """That of the cell."""
        return self.now.name


@dataclass(frozen=True)
class RunTotals:
    """The same for a whole run."""

    elapsed_s: float
    sink_items: int
    cells: tuple[CellTotals, ...]
    connections: tuple[ConnectionStatistics, ...]


class Totals:
    """Keeps what was counted in one run from ever going down. One thread at a time uses it.

    It may go down in statistics: counters are read while they are written, seconds are estimates from samples, and a cell
    that gets its first clone or loses its last one has other workers from then on, whose seconds begin anew. Whoever reads
    counters takes the least step down for a new beginning from zero.
    """

    def __init__(self) -> None:
        self._cells: dict[str, CellTotals] = {}
        self._connections: dict[tuple[str, str], ConnectionStatistics] = {}
        self._sink_items = 0

    def advance(self, now: Statistics) -> RunTotals:
        """The totals from the start of the run until now."""
        self._sink_items = max(self._sink_items, now.sink_items)
        self._cells.update({cell.name: _advance(self._cells.get(cell.name), cell) for cell in now.cells})
        for connection in now.connections:
            ends = (connection.source, connection.target)
            before = self._connections.get(ends, connection)
            self._connections[ends] = replace(connection, items=max(before.items, connection.items))
        return RunTotals(
            now.elapsed_s,
            self._sink_items,
            tuple(self._cells[cell.name] for cell in now.cells),
            tuple(self._connections[c.source, c.target] for c in now.connections),
        )


def _advance(before: CellTotals | None, cell: CellStatistics) -> CellTotals:
    seconds = cell.busy_s, cell.starved_s, cell.blocked_s
    if before is None:
        return CellTotals(
            cell, max(0, cell.items), cell.errors, cell.skipped, *seconds, cell.cpu_s, dict(cell.latencies)
        )
    shown, offsets = (before.busy_s, before.starved_s, before.blocked_s), before.offsets
    if cell.method != before.now.method or cell.wall_s < before.now.wall_s:
        offsets = (shown[0] - seconds[0], shown[1] - seconds[1], shown[2] - seconds[2])
    busy_s, starved_s, blocked_s = (
        max(old, new + offset) for old, new, offset in zip(shown, seconds, offsets, strict=True)
    )
    latencies = {
        bucket: max(before.latencies.get(bucket, 0), cell.latencies.get(bucket, 0))
        for bucket in {**before.latencies, **cell.latencies}
    }
    return CellTotals(
        now=cell,
        items=max(before.items, cell.items),
        errors=max(before.errors, cell.errors),
        skipped=max(before.skipped, cell.skipped),
        busy_s=busy_s,
        starved_s=starved_s,
        blocked_s=blocked_s,
        cpu_s=max(before.cpu_s, cell.cpu_s),
        latencies=latencies,
        offsets=offsets,
    )


# ---------------------------------------------------------------------- the text


def to_text(
    info: RunInfo, totals: RunTotals | None, process: ProcessFigures | None = None, process_cpu_s: float = 0.0
) -> str:
    """All metrics, as Prometheus reads them.

    :param totals: what `Totals.advance` gave; `None` before a run has been deployed.
    :param process: the process of the host, where that is known.
    :param process_cpu_s: CPU seconds that it has used.
    """
    lines = [line for family in _get_families(info, totals, process, process_cpu_s) for line in family]
    return "\n".join(lines) + "\n"


def _get_families(
    info: RunInfo, totals: RunTotals | None, process: ProcessFigures | None, process_cpu_s: float
) -> Iterator[list[str]]:
    yield _family("pypipeline_build_info", "gauge", "The release of the engine.", [("", {"version": __version__}, 1)])
    run = {"run": str(info.run), "graph": info.name}
    yield _family("pypipeline_run_info", "gauge", "The run of this process, 0 before the first one.", [("", run, 1)])
    states = [("", {"state": state}, int(state == info.state)) for state in get_args(RunState)]
    yield _family("pypipeline_run_state", "gauge", "1 for the state that the run is in, 0 for the others.", states)
    yield _single("process_cpu_seconds_total", "counter", "CPU seconds of the process, user and system.", process_cpu_s)
    if process is not None:
        yield _single("process_resident_memory_bytes", "gauge", "Resident memory of the process.", process.memory_bytes)
        yield _single("pypipeline_process_threads", "gauge", "Threads of the process.", process.threads)
    if totals is None:
        return
    yield _single(
        "pypipeline_run_elapsed_seconds", "gauge", "Since the run was deployed, until its end.", totals.elapsed_s
    )
    yield _single(
        "pypipeline_sink_items_total", "counter", "Items delivered at the end of the pipeline.", totals.sink_items
    )
    yield from _get_cell_families(totals.cells)
    yield from _get_connection_families(totals.connections)


def _get_cell_families(cells: tuple[CellTotals, ...]) -> Iterator[list[str]]:
    def family(name: str, kind: Kind, about: str, values: Iterable[tuple[CellTotals, float | None]]) -> list[str]:
        samples = [("", {"cell": cell.name}, value) for cell, value in values if value is not None]
        return _family(f"pypipeline_cell_{name}", kind, about, samples)

    yield family("items_total", "counter", "Items processed well.", [(c, c.items) for c in cells])
    yield family("errors_total", "counter", "Errors of the cell's own code.", [(c, c.errors) for c in cells])
    yield family("skipped_total", "counter", "Items that the cell left out.", [(c, c.skipped) for c in cells])
    yield family(
        "busy_seconds_total",
        "counter",
        "Seconds that the workers of the cell spent in its own code.",
        [(c, c.busy_s) for c in cells],
    )
    yield family(
        "starved_seconds_total",
        "counter",
        "Seconds that the workers of the cell waited for inputs.",
        [(c, c.starved_s) for c in cells],
    )
    yield family(
        "blocked_seconds_total",
        "counter",
        "Seconds that the workers of the cell waited for whoever comes behind.",
        [(c, c.blocked_s) for c in cells],
    )
    yield family("cpu_seconds_total", "counter", "CPU seconds of the cell's own code.", [(c, c.cpu_s) for c in cells])
    yield family("workers", "gauge", "Clones of the cell, 1 where it runs inline.", [(c, c.now.workers) for c in cells])
    yield family("queue_items", "gauge", "Items inside of a scaled cell.", [(c, c.now.queued) for c in cells])
    yield family(
        "queue_capacity_items", "gauge", "Items that may be inside of it.", [(c, c.now.queue_capacity) for c in cells]
    )
    yield family(
        "queue_bytes", "gauge", "What the results that wait inside of it take.", [(c, c.now.queue_bytes) for c in cells]
    )
    yield _family(
        "pypipeline_cell_latency_seconds",
        "histogram",
        "Time of one run of the cell's own code, from samples.",
        [sample for cell in cells for sample in _get_histogram(cell)],
    )


def _get_histogram(cell: CellTotals) -> Iterator[Sample]:
    labels = {"cell": cell.name}
    total = sum(cell.latencies.values())
    for octave in _OCTAVES:
        below = sum(number for bucket, number in cell.latencies.items() if bucket < octave * BUCKETS_PER_OCTAVE)
        yield "_bucket", {**labels, "le": _number(2**octave / 1e9)}, below
    yield "_bucket", {**labels, "le": "+Inf"}, total
    yield "_sum", labels, fsum(middle_of(bucket) * number for bucket, number in cell.latencies.items())
    yield "_count", labels, total


def _get_connection_families(connections: tuple[ConnectionStatistics, ...]) -> Iterator[list[str]]:
    def family(name: str, kind: Kind, about: str, values: Iterable[float]) -> list[str]:
        ends = [{"source": connection.source, "target": connection.target} for connection in connections]
        samples = [("", labels, value) for labels, value in zip(ends, values, strict=True)]
        return _family(f"pypipeline_connection_{name}", kind, about, samples)

    yield family(
        "items_total",
        "counter",
        "Items that went through a connection between threads.",
        [c.items for c in connections],
    )
    yield family("queue_items", "gauge", "Items that wait in it.", [c.queued for c in connections])
    yield family("queue_capacity_items", "gauge", "Items that may wait in it.", [c.capacity for c in connections])
    yield family("queue_bytes", "gauge", "What those that wait take.", [c.queued_bytes for c in connections])


def _single(name: str, kind: Kind, about: str, value: float) -> list[str]:
    return _family(name, kind, about, [("", {}, value)])


def _family(name: str, kind: Kind, about: str, samples: Iterable[Sample]) -> list[str]:
    """One metric: what it is, and its samples; nothing where it has none."""
    lines = [f"{name}{suffix}{_labels(labels)} {_number(value)}" for suffix, labels, value in samples]
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}", *lines] if lines else []


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))

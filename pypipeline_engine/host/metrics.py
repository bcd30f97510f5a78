"""The figures of a run for Prometheus, in its text format 0.0.4.

What is counted here is counted from the start of a run; with the next run it begins again, which those who read it take for
what it is. Nothing here waits or has a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
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
class _Known:
    raw: CellStatistics
    shown: CellStatistics
    offset: tuple[float, float, float]
    """What is added to the seconds of `raw`: busy, starved and blocked."""


class Totals:
    """Keeps what was counted in one run from ever going down. One thread at a time uses it.

    It may go down in statistics: counters are read while they are written, seconds are estimates from samples, and a cell
    that gets its first clone or loses its last one has other workers from then on, whose seconds begin anew.
    """

    def __init__(self) -> None:
        self._cells: dict[str, _Known] = {}
        self._connections: dict[tuple[str, str], ConnectionStatistics] = {}
        self._sink_items = 0

    def advance(self, now: Statistics) -> Statistics:
        """The statistics from the start of the run until now, of which nothing is less than it was before."""
        self._sink_items = max(self._sink_items, now.sink_items)
        self._cells.update({cell.name: _advance(self._cells.get(cell.name), cell) for cell in now.cells})
        for connection in now.connections:
            ends = (connection.source, connection.target)
            before = self._connections.get(ends, connection)
            self._connections[ends] = replace(connection, items=max(before.items, connection.items))
        return replace(
            now,
            sink_items=self._sink_items,
            cells=tuple(self._cells[cell.name].shown for cell in now.cells),
            connections=tuple(self._connections[c.source, c.target] for c in now.connections),
        )


def _advance(before: _Known | None, cell: CellStatistics) -> _Known:
    if before is None:
        return _Known(cell, cell, (0.0, 0.0, 0.0))
    raw, shown = before.raw, before.shown
    seconds, shown_s = _get_seconds(cell), _get_seconds(shown)
    offset = before.offset
    if cell.method != raw.method or cell.wall_s < raw.wall_s:
        offset = tuple(old - new for old, new in zip(shown_s, seconds, strict=True))  # type: ignore[assignment]
    busy_s, starved_s, blocked_s = (
        max(old, new + more) for old, new, more in zip(shown_s, seconds, offset, strict=True)
    )
    runs = max(shown.runs, cell.runs)
    latencies = {
        bucket: max(shown.latencies.get(bucket, 0), cell.latencies.get(bucket, 0))
        for bucket in {**shown.latencies, **cell.latencies}
    }
    return _Known(
        cell,
        replace(
            cell,
            runs=runs,
            lost=runs - max(shown.items, cell.items),
            skipped=max(shown.skipped, cell.skipped),
            errors=max(shown.errors, cell.errors),
            wall_s=busy_s + starved_s + blocked_s,
            busy_s=busy_s,
            starved_s=starved_s,
            cpu_s=max(shown.cpu_s, cell.cpu_s),
            latencies=latencies,
        ),
        offset,
    )


def _get_seconds(cell: CellStatistics) -> tuple[float, float, float]:
    return cell.busy_s, cell.starved_s, cell.blocked_s


# ---------------------------------------------------------------------- the text


def to_text(
    info: RunInfo, totals: Statistics | None, process: ProcessFigures | None = None, process_cpu_s: float = 0.0
) -> str:
    """All metrics, as Prometheus reads them.

    :param totals: what `Totals.advance` gave; `None` before a run has been deployed.
    :param process: the process of the host, where that is known.
    :param process_cpu_s: CPU seconds that it has used.
    """
    lines = [line for family in _get_families(info, totals, process, process_cpu_s) for line in family]
    return "\n".join(lines) + "\n"


def _get_families(
    info: RunInfo, totals: Statistics | None, process: ProcessFigures | None, process_cpu_s: float
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


def _get_cell_families(cells: tuple[CellStatistics, ...]) -> Iterator[list[str]]:
    def family(name: str, kind: Kind, about: str, values: Iterable[tuple[CellStatistics, float | None]]) -> list[str]:
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
    yield family("workers", "gauge", "Clones of the cell, 1 where it runs inline.", [(c, c.workers) for c in cells])
    yield family("queue_items", "gauge", "Items inside of a scaled cell.", [(c, c.queued) for c in cells])
    yield family(
        "queue_capacity_items", "gauge", "Items that may be inside of it.", [(c, c.queue_capacity) for c in cells]
    )
    yield family(
        "queue_bytes", "gauge", "What the results that wait inside of it take.", [(c, c.queue_bytes) for c in cells]
    )
    yield _family(
        "pypipeline_cell_latency_seconds",
        "histogram",
        "Time of one run of the cell's own code, from samples.",
        [sample for cell in cells for sample in _get_histogram(cell)],
    )


def _get_histogram(cell: CellStatistics) -> Iterator[Sample]:
    labels = {"cell": cell.name}
    total = sum(cell.latencies.values())
    for octave in _OCTAVES:
        below = sum(number for bucket, number in cell.latencies.items() if bucket < octave * BUCKETS_PER_OCTAVE)
        yield "_bucket", {**labels, "le": _number(2**octave / 1e9)}, below
    yield "_bucket", {**labels, "le": "+Inf"}, total
    yield "_sum", labels, sum(middle_of(bucket) * number for bucket, number in cell.latencies.items())
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

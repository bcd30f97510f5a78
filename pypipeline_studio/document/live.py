"""From a snapshot of a run to what nodes and wires show: names resolved, and the inside of nested pipelines summed up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from pypipeline_engine.graph.model import Body, CellEntry, Document, split_end
from pypipeline_engine.host.protocol import CellFigures, ConnectionFigures, RunState, Snapshot
from pypipeline_studio.document.edits import Path, body_at, has_body
from pypipeline_studio.document.nested_live import sum_up
from pypipeline_studio.document.presentation import INPUTS, OUTPUTS
from pypipeline_studio.document.views import Activity, NodeLive, WireLive, WireView

_End: TypeAlias = tuple[Path, str]
"""One end of a connection, and the way to the pipeline in which it lies."""

_ACTIVITIES: Final[dict[RunState, Activity]] = {
    "none": "idle",
    "running": "running",
    "paused": "paused",
    "stopping": "running",
    "ended": "over",
    "stopped": "over",
    "failed": "over",
}


class LiveView:
    """A snapshot beside a document. For one thread."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._snapshot: Snapshot | None = None
        self._connections: dict[tuple[str, str], ConnectionFigures] = {}

    def update(self, snapshot: Snapshot) -> None:
        """Take another snapshot."""
        self._snapshot = snapshot
        self._connections = {(figures.source, figures.target): figures for figures in snapshot.connections}

    def nodes(self, path: tuple[str, ...]) -> dict[str, NodeLive]:
        """By name, what the nodes of the pipeline at the end of `path` show. Cells that do not run are missing."""
        if self._snapshot is None or not has_body(self._document, path):
            return {}
        found = {}
        for name, cell in body_at(self._document, path).cells.items():
            live = self._node((*path, name), cell)
            if live is not None:
                found[name] = live
        return found

    def wires(self, path: tuple[str, ...]) -> dict[WireView, WireLive]:
        """What the wires of the pipeline at the end of `path` show. Those of cells that do not run are missing.

        Each is there as recurrent and as not recurrent: which of the two is shown is decided by the types of cells.
        """
        if self._snapshot is None or not has_body(self._document, path):
            return {}
        found: dict[WireView, WireLive] = {}
        for connection in body_at(self._document, path).connections:
            live = self._wire(path, connection.source, connection.target)
            if live is not None:
                source, target = split_end(connection.source), split_end(connection.target)
                begin = (source[0] if source[0] is not None else INPUTS, source[1])
                end = (target[0] if target[0] is not None else OUTPUTS, target[1])
                found |= {WireView(begin, end, is_recurrent): live for is_recurrent in (False, True)}
        return found

    # ------------------------------------------------------------------ nodes

    def _node(self, path: tuple[str, ...], cell: CellEntry) -> NodeLive | None:
        assert self._snapshot is not None
        activity = _ACTIVITIES[self._snapshot.state]
        limit = self._snapshot.bottleneck
        limits, sentence = (limit.cells, limit.sentence) if limit is not None else ((), "")
        name = ".".join(path)
        if not cell.is_pipeline:
            figures = self._snapshot.cells.get(name)
            return None if figures is None else _of_cell(figures, activity, sentence if name in limits else None)
        inside = dict(self._inside(path, cell))
        if not inside:
            return None
        is_scaled = cell.scale is not None and cell.scale.clones > 0
        own = sum_up(inside, self._delivering(path, cell), self._depth(path), is_scaled)
        is_limit = any(inner in limits for inner in inside)
        return NodeLive(
            activity,
            rate_hz=own.rate_hz,
            item_s=own.item_s,
            busy=own.busy,
            starved=own.starved,
            blocked=own.blocked,
            workers=own.workers or (workers_of(next(iter(inside.values()))) if is_scaled else ""),
            nb_errors=sum(figures.errors for figures in inside.values()),
            is_limit=is_limit,
            limit_text=sentence if is_limit else "",
            working_s=max((f.working_s for f in inside.values() if f.working_s is not None), default=None),
            details=own.details,
        )

    def _depth(self, path: Path) -> int:
        """How many of the pipelines on the way to one have clones, that one included."""
        around = (self._document.find(path[:length]) for length in range(1, len(path) + 1))
        return sum(cell is not None and cell.scale is not None and cell.scale.clones > 0 for cell in around)

    def _inside(self, path: tuple[str, ...], body: Body) -> Iterator[tuple[str, CellFigures]]:
        """The single cells in a nested pipeline, at any depth."""
        assert self._snapshot is not None
        for names, _ in body.walk(path):
            name = ".".join(names)
            figures = self._snapshot.cells.get(name)
            if figures is not None:
                yield name, figures

    def _delivering(self, path: Path, cell: CellEntry) -> str | None:
        """The full name of the cell that gives the first output of a nested pipeline."""
        source = self._source_of((*path, cell.outputs[0])) if cell.outputs else None
        return ".".join(source[:-1]) if source is not None else None

    # ------------------------------------------------------------------ wires

    def _wire(self, path: tuple[str, ...], source_end: str, target_end: str) -> WireLive | None:
        assert self._snapshot is not None
        source = self._output_behind(path, source_end)
        targets = self._inputs_behind(path, target_end)
        giving = self._snapshot.cells.get(".".join(source[:-1])) if source is not None else None
        if source is None or giving is None:
            return None
        for target in targets:
            figures = self._connections.get((".".join(source), ".".join(target)))
            if figures is not None:
                return WireLive(figures.rate_hz, figures.queued, figures.capacity)
        taking = [self._snapshot.cells.get(".".join(target[:-1])) for target in targets]
        for cell in taking:
            # What waits in front of a scaled cell waits in its own queue.
            if cell is not None and cell.queue_capacity is not None and cell.station != giving.station:
                return WireLive(giving.rate_hz, cell.queued, cell.queue_capacity)
        return WireLive(giving.rate_hz) if any(cell is not None for cell in taking) else None

    def _output_behind(self, path: Path, end: str, passed: frozenset[_End] = frozenset()) -> tuple[str, ...] | None:
        """The output of a single cell from which the values of one end of a wire come.

        :param passed: the ends that lie on the way already: nested pipelines that hand an input on can form a circle.
        """
        cell, port = split_end(end)
        if (path, end) in passed:
            return None
        passed |= {(path, end)}
        if cell is not None:
            return self._source_of((*path, cell, port), passed)
        # Outside of the pipeline, whatever feeds this input of it.
        return self._follow_up(path[:-1], f"{path[-1]}.{port}", passed) if path else None

    def _source_of(self, port: tuple[str, ...], passed: frozenset[_End] = frozenset()) -> tuple[str, ...] | None:
        """Follow an output upstream through the ports of nested pipelines."""
        *owner, name = port
        cell = self._document.find(tuple(owner))
        if cell is None or not cell.is_pipeline:
            return port
        return self._follow_up(tuple(owner), name, passed)

    def _follow_up(self, path: Path, target: str, passed: frozenset[_End]) -> tuple[str, ...] | None:
        for connection in body_at(self._document, path).connections:
            if connection.target == target:
                return self._output_behind(path, connection.source, passed)
        return None

    def _inputs_behind(self, path: Path, end: str, passed: frozenset[_End] = frozenset()) -> list[tuple[str, ...]]:
        """The inputs of single cells to which the values of one end of a wire go."""
        cell_name, port = split_end(end)
        if (path, end) in passed:
            return []
        passed |= {(path, end)}
        if cell_name is None:
            return self._follow_down(path[:-1], f"{path[-1]}.{port}", passed) if path else []
        cell = self._document.find((*path, cell_name))
        if cell is None or not cell.is_pipeline:
            return [(*path, cell_name, port)]
        return self._follow_down((*path, cell_name), port, passed)

    def _follow_down(self, path: Path, source: str, passed: frozenset[_End]) -> list[tuple[str, ...]]:
        return [
            target
            for connection in body_at(self._document, path).connections
            if connection.source == source
            for target in self._inputs_behind(path, connection.target, passed)
        ]


def _of_cell(figures: CellFigures, activity: Activity, limit_text: str | None) -> NodeLive:
    """:param limit_text: the sentence about the limit where it is this cell; else `None`."""
    return NodeLive(
        activity,
        rate_hz=figures.rate_hz,
        latency_p95_s=figures.latency_p95_s,
        busy=figures.busy,
        starved=figures.starved,
        blocked=figures.blocked,
        workers=workers_of(figures),
        nb_errors=figures.errors,
        is_limit=limit_text is not None,
        limit_text=limit_text or "",
        working_s=figures.working_s,
    )


def workers_of(figures: CellFigures) -> str:
    """What runs a cell, in few characters; empty where it runs inline."""
    if figures.method == "inline":
        return ""
    if figures.method == "ray":
        return f"×{figures.workers} Ray"
    return f"×{figures.workers} {'clones' if figures.method == 'mixed' else 'threads' if figures.workers != 1 else 'thread'}"

"""Records of runs, as the engine writes them, read for the studio: what a run was, and its figures at each moment.

A record is one SQLite file of a documented form (see `resources/docs/records.md`). It is read here and not by the engine, so
that runs of before can be seen while no engine runs, or while the one that runs is busy. Reading never changes the file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_engine.graph.reader import read
from pypipeline_engine.host.protocol import (
    BottleneckInfo,
    CellFigures,
    ConnectionFigures,
    ProcessFigures,
    RunState,
    Snapshot,
)

APPLICATION_ID: Final = int.from_bytes(b"PyPR")
VERSION: Final = 1
"""Of the tables; as in `pypipeline_engine.insight.records`."""
MOST_FRAMES: Final = 1_200
MOST_FIGURES: Final = 60_000
"""Of all cells in all frames: of a longer run, fewer moments are shown."""
_LEAST_WALL_S: Final = 1e-9


class RecordRefused(Exception):
    """A record cannot be used; the message names the file and says why."""


@dataclass(frozen=True)
class RecordedRun:
    """What a run was, in short."""

    path: Path
    graph_name: str
    source: str
    """The file that the graph was from; empty where it was not saved."""
    began_at: str
    """ISO 8601, UTC."""
    state: RunState | None
    """How it ended; `None` while it goes on, and where its process was killed."""
    error: str
    elapsed_s: float
    sink_items: int
    limits: tuple[str, ...]
    """The cells that limited it, over the whole run."""
    limit_text: str
    size_bytes: int

    @property
    def rate_hz(self) -> float | None:
        """What it delivered per second, from its start to its end."""
        return self.sink_items / self.elapsed_s if self.elapsed_s > 0 else None


@dataclass(frozen=True)
class RecordedFigures:
    """A run over time."""

    graph: str
    """The text of the document, as it ran."""
    frames: tuple[Snapshot, ...]
    """What happened between two samples each, in the order of time. They are over: nothing in them goes on."""

    def read_document(self) -> Document:
        """The graph as it ran.

        :raises WrongGraphException: with everything that is wrong with it.
        """
        return read(self.graph, "the graph of the record")


def read_run(path: Path) -> RecordedRun:
    """What a run was.

    :raises RecordRefused: if the file is no record, or damaged.
    """
    with _opened(path) as connection:
        run = connection.execute(
            "SELECT name, source, began_at, state, error, bottleneck, "
            "(SELECT max(elapsed_s) FROM samples) AS elapsed_s, (SELECT max(sink_items) FROM samples) AS sink_items FROM run"
        ).fetchone()
        limit = _read_limit(run["bottleneck"])
        return RecordedRun(
            path,
            run["name"],
            run["source"],
            run["began_at"],
            run["state"],
            run["error"] or "",
            run["elapsed_s"] or 0.0,
            run["sink_items"] or 0,
            limit.cells if limit is not None else (),
            limit.sentence if limit is not None else "",
            size_of(path),
        )


def read_graph(path: Path) -> Document:
    """The graph as it ran.

    :raises RecordRefused: if the file is no record, or damaged, or the graph in it cannot be read.
    """
    with _opened(path) as connection:
        text = connection.execute("SELECT graph FROM run").fetchone()["graph"]
    try:
        return read(text, str(path))
    except WrongGraphException as error:
        raise RecordRefused(f"The graph in {path} cannot be read: {error}") from error


def read_figures(path: Path) -> RecordedFigures:
    """The figures of a run over time. Of a long run so many moments that they can be shown; it takes half a second at most.

    :raises RecordRefused: if the file is no record, or damaged, or has no figures.
    """
    with _opened(path) as connection:
        run = connection.execute("SELECT graph, bottleneck FROM run").fetchone()
        samples = connection.execute("SELECT * FROM samples ORDER BY id").fetchall()
        nb_cells = connection.execute("SELECT count(*) FROM cells").fetchone()[0]
        kept = _thinned(samples, min(MOST_FRAMES, MOST_FIGURES // max(1, nb_cells)))
        limit = _read_limit(run["bottleneck"])
        frames, before = [], None
        for sample in kept:
            now = _Moment.read(connection, sample)
            if before is not None and now.elapsed_s > before.elapsed_s:
                frames.append(now.since(before, limit))
            elif before is None and len(kept) == 1 and now.elapsed_s > 0:
                frames.append(now.since(_Moment.at_start(), limit))
            before = now
    if not frames:
        raise RecordRefused(f"{path} holds no figures: the run was over before the first ones were taken.")
    return RecordedFigures(run["graph"], tuple(frames))


def size_of(path: Path) -> int:
    """What a record takes on the disk, with what belongs to it; 0 where it is gone."""
    size = 0
    for part in parts_of(path):
        try:
            size += part.stat().st_size
        except OSError:
            continue
    return size


def parts_of(path: Path) -> tuple[Path, ...]:
    """The file, and those that SQLite has beside it while it is written, or after its writer was killed."""
    return tuple(path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm", "-journal"))


# ---------------------------------------------------------------------- reading


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        _check_header(path)
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                raise RecordRefused(
                    f"{path} is a record of version {version}, and this studio reads version {VERSION}: use the release "
                    f"that wrote it, or a later one."
                )
            yield connection
    except OSError as error:
        raise RecordRefused(f"{path} cannot be read: {error.strerror or error}.") from error
    except (sqlite3.Error, ValueError, TypeError, LookupError, AttributeError) as error:
        raise RecordRefused(f"{path} is a damaged record: {error}.") from error


def _check_header(path: Path) -> None:
    with path.open("rb") as file:
        header = file.read(72)
    # The header of an SQLite file: https://www.sqlite.org/fileformat.html#the_database_header
    if not header.startswith(b"SQLite format 3\0") or int.from_bytes(header[68:72]) != APPLICATION_ID:
        raise RecordRefused(f"{path} is no record of a run.")


def _read_limit(text: str | None) -> BottleneckInfo | None:
    if text is None:
        return None
    data: Mapping[str, Any] = json.loads(text)
    return BottleneckInfo(
        cells=tuple(data["cells"]),
        kind=data["kind"],
        utilisation=data["utilisation"],
        capacity_hz=data["capacity_hz"],
        sentence=data.get("advice") or data["sentence"],
        cause=data.get("cause", "nothing"),
    )


def _thinned(samples: list[sqlite3.Row], most: int) -> list[sqlite3.Row]:
    """The first and the last sample, and of those between so many at equal distances."""
    nb_steps = len(samples) - 1
    if nb_steps <= most:
        return samples
    return [samples[round(place * nb_steps / most)] for place in range(most + 1)]


@dataclass(frozen=True)
class _Moment:
    """Everything that was counted until a sample."""

    elapsed_s: float
    sink_items: int
    cpu_s: float
    memory_bytes: int | None
    threads: int | None
    cells: Mapping[str, Mapping[str, Any]]
    connections: Mapping[tuple[str, str], Mapping[str, Any]]

    @staticmethod
    def at_start() -> _Moment:
        return _Moment(0.0, 0, 0.0, None, None, {}, {})

    @staticmethod
    def read(connection: sqlite3.Connection, sample: sqlite3.Row) -> _Moment:
        cells = connection.execute(
            "SELECT * FROM cell_samples JOIN cells ON cells.id = cell WHERE sample = ? ORDER BY cell", (sample["id"],)
        )
        connections = connection.execute(
            "SELECT * FROM connection_samples JOIN connections c ON c.id = connection WHERE sample = ?", (sample["id"],)
        )
        return _Moment(
            sample["elapsed_s"],
            sample["sink_items"],
            sample["cpu_s"],
            sample["memory_bytes"],
            sample["threads"],
            {row["name"]: {key: row[key] for key in row.keys()} for row in cells},  # noqa: SIM118
            {(row["source"], row["target"]): {key: row[key] for key in row.keys()} for row in connections},  # noqa: SIM118
        )

    def since(self, before: _Moment, limit: BottleneckInfo | None) -> Snapshot:
        """What happened since another moment."""
        took_s = self.elapsed_s - before.elapsed_s
        process = None
        if self.memory_bytes is not None:
            cpu = max(0.0, self.cpu_s - before.cpu_s) / took_s
            process = ProcessFigures.model_construct(cpu=cpu, memory_bytes=self.memory_bytes, threads=self.threads or 0)
        return Snapshot.model_construct(
            run=1,
            state="ended",
            elapsed_s=self.elapsed_s,
            window_s=took_s,
            sink_items=self.sink_items,
            sink_rate_hz=(self.sink_items - before.sink_items) / took_s,
            cells={name: _figures(row, before.cells.get(name), took_s) for name, row in self.cells.items()},
            connections=tuple(
                ConnectionFigures.model_construct(
                    source=ends[0],
                    target=ends[1],
                    rate_hz=(row["items"] - before.connections.get(ends, {}).get("items", 0)) / took_s,
                    queued=row["queued"],
                    capacity=row["capacity"],
                    queued_bytes=row["queued_bytes"],
                )
                for ends, row in self.connections.items()
            ),
            bottleneck=limit,
            process=process,
        )


def _figures(now: Mapping[str, Any], before: Mapping[str, Any] | None, took_s: float) -> CellFigures:
    # A cell that gets its first clone, or loses its last one, has other workers from then on: their times begin anew.
    earlier = before if before is not None and before["method"] == now["method"] else {}
    wall_s = max(_LEAST_WALL_S, now["wall_s"] - earlier.get("wall_s", 0.0))
    if before is not None and not earlier:
        wall_s = took_s * now["workers"]
    busy = min(1.0, max(0.0, now["busy_s"] - earlier.get("busy_s", 0.0)) / wall_s)
    starved = min(1.0 - busy, max(0.0, now["starved_s"] - earlier.get("starved_s", 0.0)) / wall_s)
    items = now["runs"] - now["lost"]
    items_before = before["runs"] - before["lost"] if before is not None else 0
    cpu_before = before["cpu_s"] if before is not None else 0.0
    return CellFigures.model_construct(
        items=items,
        skipped=now["skipped"],
        errors=now["errors"],
        rate_hz=max(0, items - items_before) / took_s,
        busy=busy,
        starved=starved,
        blocked=1.0 - busy - starved,
        latency_p50_s=now["latency_p50_s"],
        latency_p95_s=now["latency_p95_s"],
        latency_p99_s=now["latency_p99_s"],
        cpu=max(0.0, now["cpu_s"] - cpu_before) / took_s,
        method=now["method"],
        workers=now["workers"],
        station=now["station"],
        queued=now["queued"],
        queue_capacity=now["queue_capacity"],
        queue_bytes=now["queue_bytes"],
    )

"""A run on disk: its figures over time, its graph, where it ran and how it ended, in one SQLite file.

Figures of cells are those of `CellStatistics`, from the start of the run on; what happened between two samples is their
difference. The histograms of latencies, in `latencies` by bucket (see `core.counters`), are of the time since the sample
before, so that those of any range are their sum. Names are those of the graph. `cell_rates` is a view for people: what
each cell did between two samples, per second and as shares of its workers' time.

A record is written by `Recorder`, by one process. It can be read meanwhile, and after its writer was killed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from pypipeline_engine.core.counters import CellStatistics, ConnectionStatistics, DeadLetter, Statistics
from pypipeline_engine.exceptions import RecordException
from pypipeline_engine.insight.machine import Machine, ProcessFigures

APPLICATION_ID: Final = int.from_bytes(b"PyPR")
"""Where SQLite files say what they are for, see `PRAGMA application_id`."""
VERSION: Final = 1
"""Of the tables below, in `PRAGMA user_version`. Goes up when a reader of the version before would misunderstand them."""

TABLES: Final = """
CREATE TABLE run (
    name TEXT NOT NULL,
    graph TEXT NOT NULL,          -- the document as it ran, JSON
    source TEXT NOT NULL,         -- where the document was from, such as a path
    command TEXT NOT NULL,        -- what was changed for this run, a JSON list
    sources TEXT NOT NULL,        -- cells without inputs, a JSON list
    versions TEXT NOT NULL,       -- JSON
    machine TEXT NOT NULL,        -- JSON, see insight/machine.py
    began_at TEXT NOT NULL,       -- ISO 8601, UTC
    interval_s REAL NOT NULL,
    ended_at TEXT,                -- NULL while it goes on, and where its process was killed
    state TEXT,                   -- ended, stopped, failed
    words TEXT,
    error TEXT,
    bottleneck TEXT               -- JSON, over the whole run
);
CREATE TABLE cells (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE connections (id INTEGER PRIMARY KEY, source TEXT NOT NULL, target TEXT NOT NULL, UNIQUE (source, target));
CREATE TABLE samples (
    id INTEGER PRIMARY KEY,
    elapsed_s REAL NOT NULL,
    state TEXT NOT NULL,
    sink_items INTEGER NOT NULL,
    cpu_s REAL NOT NULL,
    memory_bytes INTEGER,
    threads INTEGER,
    machine_busy_s REAL
);
CREATE TABLE cell_samples (
    sample INTEGER NOT NULL REFERENCES samples,
    cell INTEGER NOT NULL REFERENCES cells,
    station TEXT NOT NULL,
    method TEXT NOT NULL,
    workers INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    wall_s REAL NOT NULL,
    busy_s REAL NOT NULL,
    starved_s REAL NOT NULL,
    cpu_s REAL NOT NULL,
    queued INTEGER,
    queue_capacity INTEGER,
    queue_bytes INTEGER,
    latency_p50_s REAL,           -- these four since the sample before
    latency_p95_s REAL,
    latency_p99_s REAL,
    latencies TEXT NOT NULL,      -- JSON, number of pulls by bucket
    PRIMARY KEY (sample, cell)
) WITHOUT ROWID;
CREATE TABLE connection_samples (
    sample INTEGER NOT NULL REFERENCES samples,
    connection INTEGER NOT NULL REFERENCES connections,
    items INTEGER NOT NULL,
    queued INTEGER NOT NULL,
    capacity INTEGER NOT NULL,
    queued_bytes INTEGER NOT NULL,
    PRIMARY KEY (sample, connection)
) WITHOUT ROWID;
CREATE TABLE dead_letters (
    cell TEXT NOT NULL, item INTEGER NOT NULL, error TEXT NOT NULL, traceback TEXT NOT NULL, UNIQUE (cell, item)
);
CREATE VIEW cell_rates AS
SELECT
    name, elapsed_s, method, workers,
    new_items / took_s AS rate_hz, new_skipped AS skipped, new_errors AS errors,
    busy_s / wall_s AS busy, starved_s / wall_s AS starved, max(0.0, 1.0 - (busy_s + starved_s) / wall_s) AS blocked,
    cpu_s / took_s AS cpu, latency_p50_s, latency_p95_s, latency_p99_s, queued, queue_bytes
FROM (
    SELECT
        cells.name, samples.elapsed_s, method, workers, latency_p50_s, latency_p95_s, latency_p99_s, queued, queue_bytes,
        samples.elapsed_s - lag(samples.elapsed_s, 1, 0.0) OVER earlier AS took_s,
        runs - lost - lag(runs - lost, 1, 0) OVER earlier AS new_items,
        skipped - lag(skipped, 1, 0) OVER earlier AS new_skipped,
        errors - lag(errors, 1, 0) OVER earlier AS new_errors,
        wall_s - lag(wall_s, 1, 0.0) OVER earlier AS wall_s,
        busy_s - lag(busy_s, 1, 0.0) OVER earlier AS busy_s,
        starved_s - lag(starved_s, 1, 0.0) OVER earlier AS starved_s,
        cell_samples.cpu_s - lag(cell_samples.cpu_s, 1, 0.0) OVER earlier AS cpu_s
    FROM cell_samples JOIN samples ON samples.id = sample JOIN cells ON cells.id = cell
    WINDOW earlier AS (PARTITION BY cell ORDER BY sample)
)
WHERE took_s > 0;
"""


@dataclass(frozen=True)
class Sample:
    """One look at the run."""

    number: int
    elapsed_s: float
    """Since the deployment."""
    state: str
    sink_items: int
    """Delivered since the start of the run."""
    process: ProcessFigures


@dataclass(frozen=True)
class RecordedEnd:
    """How the run ended."""

    state: str
    """`ended`, `stopped` or `failed`."""
    words: str
    error: str | None = None
    """What made it fail, in one line."""
    bottleneck: Mapping[str, Any] | None = None
    """As `advice_as_data` gives it, over the whole run."""


class Record:
    """A record that is open for reading. A context manager, for one thread.

    Reading never changes the file. Every method raises `RecordException` where the file turns out to be damaged.
    """

    def __init__(self, path: Path) -> None:
        """Open a record.

        :raises RecordException: if `path` is no record, or of a later version.
        """
        self.path = path
        self._connection = _open_to_read(path)
        try:
            self._read_run()
        except BaseException:
            self._connection.close()
            raise

    def _read_run(self) -> None:
        with self._explained():
            (row,) = self._query("SELECT * FROM run")
            self.name: str = row["name"]
            self.graph: str = row["graph"]
            """The text of the graph document, as it ran."""
            self.source: str = row["source"]
            self.command: list[str] = json.loads(row["command"])
            self.sources: list[str] = json.loads(row["sources"])
            """The cells without inputs."""
            self.versions: dict[str, str] = json.loads(row["versions"])
            self.machine = Machine(**json.loads(row["machine"]))
            self.began_at: str = row["began_at"]
            self.interval_s: float = row["interval_s"]
            self.end: RecordedEnd | None = None
            """`None` where the run still goes on, or its process was killed."""
            if row["state"] is not None:
                limit = None if row["bottleneck"] is None else json.loads(row["bottleneck"])
                self.end = RecordedEnd(row["state"], row["words"], row["error"], limit)
        self.samples = [
            Sample(
                row["id"],
                row["elapsed_s"],
                row["state"],
                row["sink_items"],
                ProcessFigures(row["cpu_s"], row["memory_bytes"], row["threads"], row["machine_busy_s"]),
            )
            for row in self._query("SELECT * FROM samples ORDER BY id")
        ]
        """In the order of time. A short run has two, at its start and at its end."""

    def read_dead_letters(self) -> list[DeadLetter]:
        """The items that were skipped because of an error, the first ones of them."""
        rows = self._query("SELECT * FROM dead_letters ORDER BY rowid")
        return [DeadLetter(row["cell"], row["item"], row["error"], row["traceback"]) for row in rows]

    def read(self, sample: Sample) -> Statistics:
        """Everything from the start of the run until `sample`. Latencies are left out, and dead letters."""
        cells = self._query(
            "SELECT * FROM cell_samples JOIN cells ON cells.id = cell WHERE sample = ? ORDER BY cell", sample.number
        )
        connections = self._query(
            "SELECT * FROM connection_samples JOIN connections c ON c.id = connection WHERE sample = ? ORDER BY c.id",
            sample.number,
        )
        return Statistics(
            sample.elapsed_s,
            sample.sink_items,
            tuple(_to_cell(row) for row in cells),
            tuple(_to_connection(row) for row in connections),
        )

    def between(self, first: Sample, last: Sample) -> Statistics:
        """What happened after `first` and until `last`, with the latencies of that time; queues are as at `last`."""
        earlier = self.read(first)
        window = self.read(last).since(earlier)
        methods = {cell.name: cell.method for cell in earlier.cells}
        latencies = self._sum_latencies(first, last)
        return replace(
            window,
            cells=tuple(
                replace(
                    cell
                    if methods.get(cell.name, cell.method) == cell.method
                    else _with_workers_of_last(cell, window.elapsed_s),
                    latencies=latencies.get(cell.name, {}),
                )
                for cell in window.cells
            ),
        )

    def count_source_runs(self) -> list[int]:
        """How often the cells without inputs had run, all together, at each sample."""
        rows = self._query(
            f"SELECT sample, sum(runs) FROM cell_samples JOIN cells ON cells.id = cell "
            f"WHERE name IN ({', '.join('?' * len(self.sources))}) GROUP BY sample",
            *self.sources,
        )
        runs = {row[0]: row[1] for row in rows}
        return [runs.get(sample.number, 0) for sample in self.samples]

    def _sum_latencies(self, first: Sample, last: Sample) -> dict[str, dict[int, int]]:
        rows = self._query(
            "SELECT name, latencies FROM cell_samples JOIN cells ON cells.id = cell WHERE sample > ? AND sample <= ?",
            first.number,
            last.number,
        )
        sums: dict[str, dict[int, int]] = {}
        with self._explained():
            for name, text in rows:
                own = sums.setdefault(name, {})
                for bucket, number in json.loads(text).items():
                    own[int(bucket)] = own.get(int(bucket), 0) + number
        return sums

    def _query(self, text: str, *values: object) -> list[sqlite3.Row]:
        with self._explained():
            return self._connection.execute(text, values).fetchall()

    def _explained(self) -> _Explained:
        return _Explained(self.path)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Explained:
    """Says in words what is wrong with a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, sqlite3.Error | ValueError | TypeError | LookupError | AttributeError):
            raise RecordException(f"{self._path} is a damaged record: {error}") from error


def is_record(path: Path) -> bool:
    """Whether the file is a record, of whatever version."""
    try:
        with path.open("rb") as file:
            header = file.read(72)
    except OSError:
        return False
    # The header of an SQLite file: https://www.sqlite.org/fileformat.html#the_database_header
    return header.startswith(b"SQLite format 3\0") and int.from_bytes(header[68:72]) == APPLICATION_ID


def explain_taken(path: Path) -> str | None:
    """Why a record cannot be written to `path`, where something is there already; `None` where nothing is."""
    if not path.exists() and not path.is_symlink():
        return None
    if path.is_dir():
        return f"{path} is a folder, and a file is expected"
    what = "is the record of another run" if is_record(path) else "exists already"
    return f"{path} {what}, and is not overwritten: give another name"


def _open_to_read(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        what = "is a folder, and a record is expected" if path.is_dir() else "does not exist"
        raise RecordException(f"{path} {what}")
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise RecordException(f"{path} cannot be read: {error.strerror}") from error
    if not is_record(path):
        raise RecordException(f"{path} is no record of a run; pypipeline run --record FILE writes one")
    connection = _connect(path)
    try:
        with _Explained(path):
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            raise RecordException(
                f"{path} is a record of version {version}, and this release reads version {VERSION}: use the release that "
                f"wrote it, or a later one"
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    """Open a record so that nothing is written into it, also where its writer goes on or was killed."""
    address = path.absolute().as_uri()
    with _Explained(path):
        try:
            return _open(f"{address}?mode=ro")
        except sqlite3.OperationalError as error:
            # What was killed has a log, and SQLite an index of it beside the file, also where the log is gone.
            log = path.with_name(f"{path.name}-wal")
            if log.exists():
                raise RecordException(
                    f"{path} was not closed by its run, and cannot be read in this folder ({error}): copy it together with "
                    f"{log.name} to a folder that can be written to"
                ) from error
            return _open(f"{address}?mode=ro&immutable=1")


def _open(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _to_cell(row: sqlite3.Row) -> CellStatistics:
    return CellStatistics(
        name=row["name"],
        station=row["station"],
        method=row["method"],
        workers=row["workers"],
        runs=row["runs"],
        lost=row["lost"],
        skipped=row["skipped"],
        errors=row["errors"],
        wall_s=row["wall_s"],
        busy_s=row["busy_s"],
        starved_s=row["starved_s"],
        cpu_s=row["cpu_s"],
        queued=row["queued"],
        queue_capacity=row["queue_capacity"],
        queue_bytes=row["queue_bytes"],
    )


def _to_connection(row: sqlite3.Row) -> ConnectionStatistics:
    return ConnectionStatistics(
        row["source"], row["target"], row["items"], row["queued"], row["capacity"], row["queued_bytes"]
    )


def _with_workers_of_last(cell: CellStatistics, window_s: float) -> CellStatistics:
    """A cell that got its first clone in the window, or lost its last one: its times are of other workers than before."""
    wall_s = window_s * cell.workers
    busy_s = min(max(0.0, cell.busy_s), wall_s)
    return replace(cell, wall_s=wall_s, busy_s=busy_s, starved_s=min(max(0.0, cell.starved_s), wall_s - busy_s))

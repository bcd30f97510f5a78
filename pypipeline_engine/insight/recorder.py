"""Writes the record of a run while it goes on.

Guarantees: nothing here raises once the file has been made; what goes wrong with it ends the recording with one warning,
and the run does not notice. Every sample is on its own in the file when `add` returns, so that a process that is killed
leaves what it had recorded. When `finish` returns, the record is one file, unless somebody reads it at that moment.
Assumptions: one caller at a time, on a thread that may wait for the disk.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pypipeline_engine.core.counters import CellStatistics, Statistics, quantile
from pypipeline_engine.exceptions import RecordException
from pypipeline_engine.insight.machine import ProcessFigures, read_machine, read_process, read_versions
from pypipeline_engine.insight.records import APPLICATION_ID, TABLES, VERSION, RecordedEnd, explain_taken

MOST_DEAD_LETTERS = 1000
"""How many are written, the first ones; each has its traceback, and a cell may fail thousands of times a second."""
_LOCK_TIMEOUT_S = 1.0
_logger = logging.getLogger("pypipeline.record")


class Recorder:
    """Writes one record."""

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        graph: str,
        source: str = "",
        command: Sequence[str] = (),
        sources: Collection[str] = (),
        interval_s: float = 1.0,
        read_process: Callable[[], ProcessFigures] = read_process,
    ) -> None:
        """Make the file.

        :param name: of the run.
        :param graph: the text of the document, as it runs.
        :param source: where the document is from.
        :param command: what was changed in it for this run.
        :param sources: the cells without inputs.
        :param interval_s: how often `add` will be called, in seconds; only written down.
        :raises RecordException: if there is such a file already, or it cannot be made.
        """
        self.path = path
        self._read_process = read_process
        self._cells: dict[str, int] = {}
        self._connections: dict[tuple[str, str], int] = {}
        self._letters: set[tuple[str, int]] = set()
        self._latencies: dict[str, Mapping[int, int]] = {}
        """What each cell had counted at the last sample."""
        self._versions = read_versions()
        self._connection: sqlite3.Connection | None = _create(path)
        try:
            self._write_start(name, graph, source, command, sources, interval_s)
        except sqlite3.Error as error:
            self.discard()
            raise RecordException(f"{path} cannot be written: {error}") from error

    def _write_start(
        self,
        name: str,
        graph: str,
        source: str,
        command: Sequence[str],
        sources: Collection[str],
        interval_s: float,
    ) -> None:
        assert self._connection is not None
        self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._connection.execute(f"PRAGMA user_version = {VERSION}")
        self._connection.executescript(f"BEGIN; {TABLES}")
        self._connection.execute(
            "INSERT INTO run (name, graph, source, command, sources, versions, machine, began_at, interval_s) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                graph,
                _to_text(source),
                _to_json(list(command)),
                _to_json(list(sources)),
                _to_json(self._versions),
                _to_json(asdict(read_machine())),
                _now(),
                interval_s,
            ),
        )
        self._connection.commit()
        # From here on with a log beside the file: whoever reads it makes nobody wait. SQLite goes without where that cannot
        # be. Only now, so that the file itself says what it is.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")

    @property
    def is_recording(self) -> bool:
        """Whether it is not over, by `finish` or by an error."""
        return self._connection is not None

    def add(self, statistics: Statistics, state: str) -> None:
        """Write a sample. Does nothing once the recording is over.

        :param statistics: from the start of the run until now, with the names that cells have in the graph.
        :param state: what the run does, such as `running`.
        """
        connection = self._connection
        if connection is None:
            return
        try:
            with connection:
                self._write_sample(connection, statistics, state)
        except Exception as error:  # whatever it is, it is no reason to end a run
            self.give_up(error)

    def finish(self, end: RecordedEnd) -> None:
        """Write how the run ended, and close the file. Does nothing once the recording is over."""
        connection = self._connection
        if connection is None:
            return
        bottleneck = None if end.bottleneck is None else _to_json(end.bottleneck)
        try:
            with connection:
                connection.execute(
                    "UPDATE run SET ended_at = ?, state = ?, words = ?, error = ?, bottleneck = ?",
                    (_now(), end.state, end.words, None if end.error is None else _to_text(end.error), bottleneck),
                )
        except Exception as error:  # as above
            self.give_up(error)
            return
        self.close()

    def discard(self) -> None:
        """Take the file away again, because the run has not begun."""
        self.close()
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                self.path.with_name(self.path.name + suffix).unlink()

    def give_up(self, error: Exception) -> None:
        """End the recording because of `error`, with a warning. What was recorded stays."""
        if self._connection is None:
            return
        _logger.warning("the recording into %s ended early, and the run goes on: %s", self.path, error)
        self.close()

    def close(self) -> None:
        """Close the file, of a run of which nobody knows how it ended. May be called twice."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(sqlite3.Error):
            # Moves what the log holds into the file; where somebody reads it, the last of them does that.
            connection.execute("PRAGMA journal_mode = DELETE")
        with suppress(sqlite3.Error):
            connection.close()

    # ------------------------------------------------------------------ one sample

    def _write_sample(self, connection: sqlite3.Connection, statistics: Statistics, state: str) -> None:
        process = self._read_process()
        sample = connection.execute(
            "INSERT INTO samples (elapsed_s, state, sink_items, cpu_s, memory_bytes, threads, machine_busy_s) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                statistics.elapsed_s,
                state,
                statistics.sink_items,
                process.cpu_s,
                process.memory_bytes,
                process.threads,
                process.machine_busy_s,
            ),
        ).lastrowid
        self._name_new_ones(connection, statistics)
        connection.executemany(
            f"INSERT INTO cell_samples VALUES ({', '.join('?' * 20)})",
            [(sample, self._cells[cell.name], *self._to_row(cell)) for cell in statistics.cells],
        )
        connection.executemany(
            "INSERT INTO connection_samples VALUES (?, ?, ?, ?, ?, ?)",
            [
                (sample, self._connections[c.source, c.target], c.items, c.queued, c.capacity, c.queued_bytes)
                for c in statistics.connections
            ],
        )
        self._write_dead_letters(connection, statistics)
        versions = read_versions()  # a cell may load its library with its first item
        if versions != self._versions:
            connection.execute("UPDATE run SET versions = ?", (_to_json(versions),))
            self._versions = versions

    def _name_new_ones(self, connection: sqlite3.Connection, statistics: Statistics) -> None:
        for cell in statistics.cells:
            if cell.name not in self._cells:
                self._cells[cell.name] = len(self._cells)
                connection.execute("INSERT INTO cells VALUES (?, ?)", (self._cells[cell.name], cell.name))
        for one in statistics.connections:
            ends = one.source, one.target
            if ends not in self._connections:
                self._connections[ends] = len(self._connections)
                connection.execute("INSERT INTO connections VALUES (?, ?, ?)", (self._connections[ends], *ends))

    def _to_row(self, cell: CellStatistics) -> tuple[Any, ...]:
        before = self._latencies.get(cell.name, {})
        new = {
            bucket: number - before.get(bucket, 0)
            for bucket, number in sorted(cell.latencies.items())
            if number > before.get(bucket, 0)
        }
        self._latencies[cell.name] = cell.latencies
        return (
            cell.station,
            cell.method,
            cell.workers,
            cell.runs,
            cell.lost,
            cell.skipped,
            cell.errors,
            cell.wall_s,
            cell.busy_s,
            cell.starved_s,
            cell.cpu_s,
            cell.queued,
            cell.queue_capacity,
            cell.queue_bytes,
            *(quantile(new, share) for share in (0.5, 0.95, 0.99)),
            json.dumps(new, separators=(",", ":")),
        )

    def _write_dead_letters(self, connection: sqlite3.Connection, statistics: Statistics) -> None:
        new = []
        for letter in reversed(statistics.dead_letters):
            if (letter.cell, letter.item) in self._letters:
                break
            new.append(letter)
        for letter in new[::-1][: MOST_DEAD_LETTERS - len(self._letters)]:
            self._letters.add((letter.cell, letter.item))
            connection.execute(
                "INSERT OR IGNORE INTO dead_letters VALUES (?, ?, ?, ?)",
                (letter.cell, letter.item, _to_text(letter.error), _to_text(letter.traceback)),
            )


def _create(path: Path) -> sqlite3.Connection:
    try:
        with path.open("xb"):
            pass
    except FileExistsError:
        raise RecordException(str(explain_taken(path))) from None
    except OSError as error:
        raise RecordException(f"{path} cannot be written: {error.strerror}") from error
    # Whoever looks at the run has a thread of its own; the first lines are written by the one that starts it.
    return sqlite3.connect(path.absolute(), timeout=_LOCK_TIMEOUT_S, check_same_thread=False)


def _to_text(text: str) -> str:
    """What can be written: names of files may have bytes that are no text, and errors tell names of files."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

"""The folder in which the studio keeps the records of its runs: their names, and how many of them are kept.

The names that people give to runs stand in a file beside the records, which stay as they were written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pypipeline_studio.document.exports import ExportRefused, write_file
from pypipeline_studio.document.run_record import RecordedRun, RecordRefused, parts_of, read_run, size_of

SUFFIX: Final = ".record"
MOST_BYTES: Final = 1_000_000_000
"""Of all records together."""
MOST_BYTES_OF_ONE: Final = 200_000_000
MOST_NAME: Final = 120
_NAMES: Final = "names.json"
_MOST_STEM: Final = 60


class FolderRefused(Exception):
    """Something cannot be done in the folder; the message says what and why."""


@dataclass(frozen=True)
class StoredRun:
    """A record in the folder."""

    path: Path
    name: str
    """The one that a person gave it; empty for none."""
    run: RecordedRun | None
    problem: str = ""
    """Why it cannot be read, where that is so."""

    @property
    def title(self) -> str:
        """What it is called in lists."""
        return self.name or (self.run.graph_name if self.run is not None else self.path.stem)


class RunFolder:
    """The records of a user. Studios that run at the same time share them. For one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[Path, tuple[tuple[int, int], StoredRun]] = {}

    def new_path(self, graph_name: str, now: datetime | None = None) -> Path:
        """A file for the record of a run that is about to begin; the folder is made where there is none.

        :raises FolderRefused: if there can be no folder.
        """
        try:
            # Paths in parameters and tracebacks may be nobody else's business.
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise FolderRefused(f"The folder {self.path} cannot be made: {error.strerror or error}") from error
        moment = (now or datetime.now()).strftime("%Y-%m-%d_%H-%M-%S")  # local time, for people
        stem = re.sub(r"[^\w-]+", "_", graph_name)[:_MOST_STEM].strip("_") or "graph"
        path = self.path / f"{moment}_{stem}{SUFFIX}"
        number = 1
        while path.exists():
            number += 1
            path = self.path / f"{moment}_{stem}_{number}{SUFFIX}"
        return path

    def read_all(self) -> list[StoredRun]:
        """All records, the latest first. Never raises: what cannot be read says why."""
        names = self._read_names()
        found = {}
        for path in self._paths():
            stamp = (size_of(path), _changed_ns(path))
            known = self._known.get(path)
            stored = known[1] if known is not None and known[0] == stamp else _read(path)
            stored = StoredRun(path, names.get(path.name, ""), stored.run, stored.problem)
            found[path] = (stamp, stored)
        self._known = found
        return sorted((stored for _, stored in found.values()), key=_when, reverse=True)

    def rename(self, path: Path, name: str) -> None:
        """Call a run by another name; an empty one is that of its graph.

        :raises FolderRefused: if that cannot be written.
        """
        names = dict(self._read_names())
        name = " ".join(name.split())[:MOST_NAME]
        if name:
            names[path.name] = name
        else:
            names.pop(path.name, None)
        self._write_names(names)

    def delete(self, paths: Sequence[Path]) -> None:
        """Delete records.

        :raises FolderRefused: naming the first one that cannot be deleted; those before it are gone.
        """
        names = dict(self._read_names())
        try:
            for path in paths:
                for part in parts_of(path):
                    part.unlink(missing_ok=True)
                names.pop(path.name, None)
        except OSError as error:
            raise FolderRefused(f"{error.filename} cannot be deleted: {error.strerror or error}") from error
        finally:
            if names != self._read_names():
                self._write_names(names)

    def prune(self, most_runs: int, most_bytes: int = MOST_BYTES, keep: Path | None = None) -> list[Path]:
        """Delete the oldest records while there are too many; those with a name of their own last.

        :param keep: one that is not deleted, because it is being written.
        :returns: what was deleted.
        """
        stored = sorted(self.read_all(), key=lambda one: (bool(one.name), _when(one)))
        deletable = [one for one in stored if one.path != keep]
        sizes = {one.path: size_of(one.path) for one in stored}
        nb_runs, nb_bytes = len(stored), sum(sizes.values())
        gone = []
        for one in deletable:
            if nb_runs <= most_runs and nb_bytes <= most_bytes:
                break
            with suppress(FolderRefused):
                self.delete([one.path])
                gone.append(one.path)
            nb_runs, nb_bytes = nb_runs - 1, nb_bytes - sizes[one.path]
        return gone

    def _paths(self) -> list[Path]:
        try:
            return [path for path in self.path.glob(f"*{SUFFIX}") if path.is_file()]
        except OSError:
            return []

    def _read_names(self) -> Mapping[str, str]:
        try:
            names = json.loads((self.path / _NAMES).read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(names, dict):
            return {}
        return {key: value for key, value in names.items() if isinstance(value, str)}

    def _write_names(self, names: Mapping[str, str]) -> None:
        try:
            write_file(self.path / _NAMES, json.dumps(names, indent=1, ensure_ascii=False).encode())
        except ExportRefused as error:
            raise FolderRefused(str(error)) from error


def _read(path: Path) -> StoredRun:
    try:
        return StoredRun(path, "", read_run(path))
    except RecordRefused as error:
        return StoredRun(path, "", None, str(error))


def _changed_ns(path: Path) -> int:
    latest = 0
    for part in parts_of(path)[:2]:
        with suppress(OSError):
            latest = max(latest, part.stat().st_mtime_ns)
    return latest


def _when(stored: StoredRun) -> str:
    if stored.run is not None:
        return stored.run.began_at
    return datetime.fromtimestamp(_changed_ns(stored.path) / 1e9, UTC).isoformat()

"""What was edited and not saved, kept in a file of its own, so that it is still there after the process was killed.

Each open graph has one such file, in a folder that all processes share, and its process holds a lock beside it for as long
as it lives. The system lets go of the lock whatever ends the process, so that a file without a holder was left behind: no id
of a process, which another one may have by then, has to be believed. Whoever offers such a file holds its lock meanwhile, so
that two studios do not offer the same one.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pypipeline_engine.atomic import parts_left, write_file
from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_engine.graph.reader import read
from pypipeline_engine.graph.writer import to_text

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_MOST_TRIES = 10


class Unsaved(BaseModel):
    """An edited graph as a recovery file holds it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal["pypipeline.recovery"] = "pypipeline.recovery"
    version: Literal[1] = 1
    pid: int
    """The process that edited it; for people who look into the folder."""
    title: str
    path: str | None = None
    """The file that it was opened from or saved to last."""
    sha256: str | None = None
    """Of that file as it was then, to see whether another program has changed it since."""
    edited_at_s: float
    """Seconds since 1970."""
    graph: str
    """The text of a graph file."""

    @property
    def original(self) -> Path | None:
        """The file that the graph is from."""
        return Path(self.path) if self.path is not None else None

    def read_document(self) -> Document:
        """The graph.

        :raises WrongGraphException: with everything that is wrong with it.
        """
        return read(self.graph, self.title)


def make_unsaved(
    document: Document, title: str, path: Path | None, sha256: str | None, edited_at_s: float | None = None
) -> Unsaved:
    """What is kept of a graph of this process.

    :param edited_at_s: seconds since 1970; `None` for now.
    :raises WrongGraphException: if the graph cannot be written at all.
    """
    return Unsaved(
        pid=os.getpid(),
        title=title,
        path=str(path) if path is not None else None,
        sha256=sha256,
        edited_at_s=time.time() if edited_at_s is None else edited_at_s,
        graph=to_text(document),
    )


class RecoveryFile:
    """The file of one document. Nothing is made before something is written. For one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: _Lock | None = None

    @property
    def path(self) -> Path | None:
        """Where it is; `None` before the first time that something was written."""
        return _file_of(self._lock.path) if self._lock is not None else None

    def write(self, unsaved: Unsaved) -> None:
        """Keep this instead of what was kept before. The file is complete, or as it was.

        :raises OSError: if it cannot be written.
        """
        if self._lock is not None and not self._lock.path.exists():  # somebody has emptied the folder
            self._lock.release()
            self._lock = None
        if self._lock is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _lock_new(self._folder)
        # Graphs may hold what is nobody else's business, such as the address of a camera with its password.
        write_file(_file_of(self._lock.path), unsaved.model_dump_json(), mode=0o600)

    def remove(self) -> None:
        """Keep nothing any more; there is something to write again, or not."""
        if self._lock is not None:
            _file_of(self._lock.path).unlink(missing_ok=True)

    def close(self) -> None:
        """Keep nothing, and leave nothing behind."""
        if self._lock is not None:
            self.remove()
            self._lock.remove()
            self._lock = None


@dataclass
class LeftBehind:
    """A recovery file of a process that has ended, held for whoever offers it until one of the methods is called."""

    path: Path
    unsaved: Unsaved | None
    """`None` where it cannot be read."""
    _lock: _Lock

    def discard(self) -> None:
        """Delete it."""
        self.path.unlink(missing_ok=True)
        self._lock.remove()

    def keep(self) -> None:
        """Leave it where it is, to be offered another time."""
        self._lock.release()


def take_left_behind(folder: Path) -> list[LeftBehind]:
    """Everything that processes which have ended did not save, what was edited last first. Never raises `OSError`."""
    found = []
    for path in _list(folder, "*.json"):
        lock = _try_lock(path.with_suffix(".lock"))
        if lock is None:
            continue
        if not path.exists():  # whoever held the lock has just removed both
            lock.remove()
            continue
        try:
            unsaved = Unsaved.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            unsaved = None
        found.append(LeftBehind(path, unsaved, lock))
    _clean(folder)
    return sorted(found, key=lambda left: left.unsaved.edited_at_s if left.unsaved is not None else 0, reverse=True)


def explain_unreadable(left: LeftBehind) -> str | None:
    """Why what was left behind cannot be recovered; `None` where it can."""
    if left.unsaved is None:
        return f"{left.path} cannot be read as a recovery file"
    try:
        left.unsaved.read_document()
    except WrongGraphException as error:
        return f"{left.path}: {error}"
    return None


# ---------------------------------------------------------------------- locks


class _Lock:
    """A file that one process at a time holds, until it lets go or ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def release(self) -> None:
        os.close(self._descriptor)

    def remove(self) -> None:
        """Let go of it for good: nothing is kept any more of what it was held for."""
        with suppress(OSError):
            for part in parts_left(_file_of(self.path)):
                part.unlink(missing_ok=True)
        with suppress(PermissionError):  # Windows deletes no file that is open
            self.path.unlink(missing_ok=True)
        self.release()
        with suppress(PermissionError):
            self.path.unlink(missing_ok=True)


def _hold(path: Path) -> _Lock:
    """Hold a lock.

    :raises OSError: if another process, or another part of this one, has it, or if there can be none.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # It may have been deleted between opening and holding it, and then nobody else sees that it is held.
        if path.stat().st_ino != os.fstat(descriptor).st_ino:
            raise BlockingIOError(f"{path} was replaced")
    except OSError:
        os.close(descriptor)
        raise
    return _Lock(path, descriptor)


def _try_lock(path: Path) -> _Lock | None:
    try:
        return _hold(path)
    except OSError:
        return None


def _lock_new(folder: Path) -> _Lock:
    path = folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.lock"
    for _ in range(_MOST_TRIES):
        try:
            return _hold(path)
        except (BlockingIOError, FileNotFoundError):  # somebody cleans up, and took it for one that was left behind
            path = folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.lock"
        except OSError:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise
    raise OSError(f"no file in {folder} stays ours")


def _file_of(lock: Path) -> Path:
    return lock.with_suffix(".json")


def _list(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def _clean(folder: Path) -> None:
    """Delete what processes leave that are killed while there is nothing to recover, or in the middle of writing."""
    for path in _list(folder, "*.lock"):
        if not _file_of(path).exists():
            lock = _try_lock(path)
            if lock is not None:
                lock.remove()

"""Graph files: opened, saved, watched for other programs, and the command that runs them without the studio."""

from __future__ import annotations

import errno
import hashlib
import os
import shlex
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

from pypipeline_engine.atomic import write_file
from pypipeline_engine.graph.model import Document, explain_name
from pypipeline_engine.graph.problems import Problem, WrongGraphException, errors
from pypipeline_engine.graph.reader import examine, read_bytes
from pypipeline_engine.graph.writer import to_text

DiskState: TypeAlias = Literal["same", "changed", "gone"]
NO_FILE: Final = ""
"""Stands for the hash of what is no file that can be read, or is not there."""
_ANY_MAY_WRITE: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class OpenedGraph:
    """A graph as it was read or written last."""

    document: Document
    path: Path
    sha256: str
    """Of the content of the file."""
    warnings: tuple[Problem, ...] = ()
    is_normal: bool = True
    """Whether saving it as it is would leave the file as it is."""


def open_graph(path: str | os.PathLike[str]) -> OpenedGraph:
    """Read a graph file. Types that are not installed are no problem here.

    :raises WrongGraphException: with everything that is wrong with the file.
    """
    content = read_bytes(path)
    reading = examine(content, str(path))
    if reading.document is None or errors(reading.problems):
        raise WrongGraphException(reading.problems or [Problem("nothing could be read")], str(path))
    return OpenedGraph(
        reading.document,
        Path(path).absolute(),
        _hash(content),
        tuple(reading.problems),
        content == to_text(reading.document).encode(),
    )


def save_graph(document: Document, path: str | os.PathLike[str]) -> OpenedGraph:
    """Write a graph file, as `atomic.write_file` does. What is no file, such as a pipe, is refused.

    :raises WrongGraphException: with the reason in words, if it cannot be written.
    """
    target = Path(path).absolute()
    try:
        reason = _why_not_writable(target)
        if reason is not None:
            raise _refusal(path, reason)
        content = to_text(document).encode()
        write_file(target, content)
    except (OSError, ValueError) as error:  # also a zero in the path
        raise _refusal(path, _explain(error, target)) from error
    return OpenedGraph(document, target, _hash(content))


def state_on_disk(opened: OpenedGraph) -> DiskState:
    """What has become of the file since it was read or written last."""
    if _hash_on_disk(opened.path) == opened.sha256:
        return "same"
    try:
        return "changed" if opened.path.exists() else "gone"
    except OSError:
        return "changed"


def is_changed_on_disk(opened: OpenedGraph) -> bool:
    """Whether the file is another one than when it was read or written last. One that is gone counts as changed."""
    return state_on_disk(opened) != "same"


def with_disk_as_it_is(opened: OpenedGraph) -> OpenedGraph:
    """The same graph, of a file of which the change is known: only another change counts as one."""
    return replace(opened, sha256=_hash_on_disk(opened.path), is_normal=False)


def is_same_file(path: Path, other: Path) -> bool:
    """Whether two paths lead to the same file, by links or in other words. Of files that are not there, by words only."""
    if path.absolute() == other.absolute():
        return True
    try:
        return path.samefile(other)
    except (OSError, ValueError):
        pass
    try:
        return path.resolve() == other.resolve()
    except (OSError, ValueError, RuntimeError):
        return False


def headless_command(path: Path, output_folder: Path, cells: Sequence[str] = ()) -> str:
    """The command line that runs a graph file without the studio, to be pasted into a shell.

    :param cells: files and modules that its cells come from.
    """
    options = [part for item in cells for part in ("--cells", item)]
    return shlex.join(["pypipeline", "run", str(path), "--output-dir", str(output_folder), *options])


def monitored_command(path: Path, output_folder: Path) -> str:
    """The same for a run that a studio can attach to."""
    return f"{headless_command(path, output_folder)} --monitor"


def name_from_file(path: Path) -> str | None:
    """The name for a graph that a file of this name suggests; `None` where no name can be made of it."""
    name = "".join("_" if letter == "." or not letter.isprintable() else letter for letter in path.stem)
    return name if explain_name(name) is None else None


def _why_not_writable(target: Path) -> str | None:
    """What speaks against writing a file, before anything is written."""
    folder = target.parent
    if target.is_dir():
        return "this is a folder; the path of a graph file is expected"
    if not folder.exists():
        return f"there is no folder {folder}"
    if not folder.is_dir():
        return f"{folder} is no folder"
    if not target.exists():
        return None
    if not target.is_file():
        return "this is no regular file"
    # A file that is replaced need not be writable, and its owner may be root: what its permissions say is meant anyway.
    if not target.stat().st_mode & _ANY_MAY_WRITE or not os.access(target, os.W_OK):
        return "the file is read-only"
    return None


def _explain(error: Exception, target: Path) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EACCES, errno.EPERM):
        return f"writing into the folder {Path(os.path.realpath(target)).parent} is not permitted"
    words = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EROFS: "the disk is read-only",
        errno.ENAMETOOLONG: "the name is too long",
    }
    if number in words:
        return words[number]
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _refusal(path: str | os.PathLike[str], reason: str) -> WrongGraphException:
    return WrongGraphException([Problem(f"cannot be written: {reason}")], str(path))


def _hash_on_disk(path: Path) -> str:
    try:
        return _hash(read_bytes(path))
    except WrongGraphException:  # also for what is no file, and would never be read to its end
        return NO_FILE


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

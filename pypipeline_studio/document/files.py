"""Graph files: opened, saved, watched for other programs, and the command that runs them without the studio."""

from __future__ import annotations

import hashlib
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.problems import Problem, WrongGraphException, errors
from pypipeline_engine.graph.reader import examine, read_bytes
from pypipeline_engine.graph.writer import save, to_text


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
    """Write a graph file. It is complete or stays as it was.

    :raises WrongGraphException: if it cannot be written.
    """
    save(document, path)
    return OpenedGraph(document, Path(path).absolute(), _hash(to_text(document).encode()))


def is_changed_on_disk(opened: OpenedGraph) -> bool:
    """Whether the file is another one than when it was read or written last. One that is gone counts as changed."""
    try:
        return _hash(opened.path.read_bytes()) != opened.sha256
    except OSError:
        return True


def headless_command(path: Path, output_folder: Path) -> str:
    """The command line that runs a graph file without the studio, to be pasted into a shell."""
    return shlex.join(["pypipeline", "run", str(path), "--output-dir", str(output_folder)])


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

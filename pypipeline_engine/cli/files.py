"""Files that commands write."""

from __future__ import annotations

import os
from pathlib import Path

from pypipeline_engine.atomic import write_file
from pypipeline_engine.cli.errors import CommandError


def write_atomically(path: Path, text: str, option: str) -> None:
    """Write `text` to `path`, as `atomic.write_file` does.

    :param option: what asked for the file, for the message.
    :raises CommandError: if it cannot be written.
    """
    try:
        write_file(path, text)
    except OSError as error:
        raise CommandError(f"{option}: {path} cannot be written: {error.strerror}") from error


def check_writable(path: Path, option: str) -> None:
    """Find out before a long run whether `path` can be written after it.

    :raises CommandError: if not.
    """
    if path.is_dir():
        raise CommandError(f"{option}: {path} is a folder, and a file is expected")
    if path.exists() and not os.access(path, os.W_OK):
        raise CommandError(f"{option}: {path} is read-only")
    if not os.access(path.parent, os.W_OK):
        reason = "cannot be written to" if path.parent.is_dir() else "does not exist"
        raise CommandError(f"{option}: the folder {path.parent} {reason}")

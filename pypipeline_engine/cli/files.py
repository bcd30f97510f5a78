"""Files that commands write."""

from __future__ import annotations

import os
from pathlib import Path

from pypipeline_engine.cli.errors import CommandError


def write_atomically(path: Path, text: str, option: str) -> None:
    """Write `text` to `path`, which holds either its old content or the whole new one at any time.

    :param option: what asked for the file, for the message.
    :raises CommandError: if it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise CommandError(f"{option}: {path} cannot be written: {error.strerror}") from error


def check_writable(path: Path, option: str) -> None:
    """Find out before a long run whether `path` can be written after it.

    :raises CommandError: if not.
    """
    if path.is_dir():
        raise CommandError(f"{option}: {path} is a folder, and a file is expected")
    if not os.access(path.parent, os.W_OK):
        reason = "cannot be written to" if path.parent.is_dir() else "does not exist"
        raise CommandError(f"{option}: the folder {path.parent} {reason}")

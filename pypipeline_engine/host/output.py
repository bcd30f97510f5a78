"""What cells and libraries print and log, on its way into the journal.

Libraries below Python write to the file descriptors of the process, so that is where the standard streams are captured.

Assumption: nothing prints more than a pipe holds (1 MB on Linux) while it holds the GIL; the thread that drains the pipe
could not run then.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from threading import Thread

from pypipeline_engine.host.journal import Journal, Level

_CHUNK_BYTES = 1 << 16
_PIPE_BYTES = 1 << 20
_LONGEST_PART_BYTES = 1 << 14
"""A line that is longer is taken in parts."""


def set_aside(descriptor: int) -> int:
    """A file descriptor of its own for what `descriptor` leads to, which child processes do not get."""
    return os.dup(descriptor)


def replace_by_null(descriptor: int, flags: int) -> None:
    """Let `descriptor` lead nowhere."""
    null = os.open(os.devnull, flags)
    os.dup2(null, descriptor)
    os.close(null)


class CapturedDescriptor:
    """Takes what is written to a file descriptor into the journal, line by line, for as long as the process lives."""

    def __init__(self, descriptor: int, source: str, journal: Journal, passes_to: int | None = None) -> None:
        """Begin to capture.

        :param source: what the lines are told to come from.
        :param passes_to: a file descriptor that gets everything as well.
        """
        self._source = source
        self._journal = journal
        self._passes_to = passes_to
        self._pipe, sink = os.pipe()
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        os.dup2(sink, descriptor)
        os.close(sink)
        Thread(target=self._forward, name=f"pypipeline {source}", daemon=True).start()

    def _forward(self) -> None:
        rest = b""
        while chunk := os.read(self._pipe, _CHUNK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_PART_BYTES:
                lines, rest = [*lines, rest], b""
            if lines:
                texts = [line.rstrip(b"\r").decode("utf-8", "replace") for line in lines]
                self._journal.add_lines("output", self._source, texts)
            self._pass_on(chunk)

    def _pass_on(self, chunk: bytes) -> None:
        while chunk and self._passes_to is not None:
            try:
                chunk = chunk[os.write(self._passes_to, chunk) :]
            except OSError:  # nobody reads it any more
                self._passes_to = None


@contextlib.contextmanager
def captured_standard_streams(journal: Journal) -> Iterator[None]:
    """Take everything that is printed inside of the block into the journal; the standard error also stays what it was."""
    for stream in (sys.stdout, sys.stderr):
        # By lines, because no terminal shows it any more: what is printed is to be seen when it is printed.
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]  # files, at this time
    errors = set_aside(2)
    CapturedDescriptor(1, "stdout", journal)
    CapturedDescriptor(2, "stderr", journal, passes_to=errors)
    try:
        yield
    finally:
        os.dup2(errors, 2)  # the last words of a process are nothing for its log


class JournalHandler(logging.Handler):
    """Takes what is logged into the journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """Note one record. Never raises: that would be an error of the cell that logs."""
        try:
            text = record.getMessage()
            if record.exc_info and record.exc_info[1] is not None:
                text += "\n" + "".join(traceback.format_exception(record.exc_info[1]))
        except Exception as error:
            text = f"{record.msg!r} (its arguments do not fit: {error})"
        self._journal.add_line(_get_level(record.levelno), record.name, text)


def _get_level(number: int) -> Level:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"


def log_to(journal: Journal) -> None:
    """Take everything that is logged from the level `info` on into the journal."""
    root = logging.getLogger()
    root.addHandler(JournalHandler(journal))
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)

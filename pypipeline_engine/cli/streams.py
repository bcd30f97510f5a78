"""Keeping what others print out of a live display.

OpenCV, FFmpeg and other libraries write to the standard streams of the process below Python, where nothing but the file
descriptor itself can be redirected.

Guarantees: while a `CapturedStreams` is open, every line that this process writes to the captured descriptors arrives at
`on_line`, in order, on one thread; when `close` returns, everything written before has arrived.
Assumptions: one `CapturedStreams` at a time. What a child process writes after the end is lost.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from threading import Thread
from types import TracebackType

_END = b"\x00end of capture\x00"
_LINE_END = re.compile(rb"\r\n|\n|\r")


class CapturedStreams:
    """Redirects file descriptors to a function until it is closed. A context manager."""

    def __init__(self, descriptors: Sequence[int], on_line: Callable[[str], None]) -> None:
        """Begin to capture.

        :param descriptors: such as 1 and 2, the standard output and the standard error.
        :param on_line: called with each line, without its end, on a thread of its own.
        """
        self._on_line = on_line
        _flush()
        self._originals = {descriptor: os.dup(descriptor) for descriptor in descriptors}
        self._source, self._sink = os.pipe()
        for descriptor in descriptors:
            os.dup2(self._sink, descriptor)
        self._thread = Thread(target=self._forward, name="pypipeline captured streams", daemon=True)
        self._thread.start()

    def _forward(self) -> None:
        """Pass lines on until the mark that `close` writes.

        The end of the pipe may never come, because child processes hold it open too.
        """
        rest = b""
        while _END not in rest:
            *lines, rest = _LINE_END.split(rest + os.read(self._source, 65536))
            for line in lines:
                self._pass_on(line)
        last = rest.partition(_END)[0]
        if last:
            self._pass_on(last)

    def _pass_on(self, line: bytes) -> None:
        self._on_line(line.decode("utf-8", "replace"))

    def close(self) -> None:
        """Give the descriptors back, and return when everything captured has been passed on."""
        if not self._originals:
            return
        _flush()
        for descriptor, original in self._originals.items():
            os.dup2(original, descriptor)
            os.close(original)
        self._originals = {}
        os.write(self._sink, _END)
        self._thread.join()
        os.close(self._sink)
        os.close(self._source)

    def __enter__(self) -> CapturedStreams:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()

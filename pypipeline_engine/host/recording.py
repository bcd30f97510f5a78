"""Recording a run of the host into a file, as `pypipeline run --record` does, by a thread of its own.

What goes wrong with the file is told once, as a line of the log, and the run goes on. Only its end waits for the disk,
and not for long.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Final, Self

from pypipeline_engine.core.counters import Statistics
from pypipeline_engine.exceptions import RecordException
from pypipeline_engine.graph.writer import to_text
from pypipeline_engine.host.graphs import Built
from pypipeline_engine.host.protocol import RecordRequest
from pypipeline_engine.insight.recorder import Recorder
from pypipeline_engine.insight.records import RecordedEnd
from pypipeline_engine.insight.structure import Structure, get_sources

PATIENCE_S: Final = 2.0
"""How long the end of a run waits for a disk that does not answer."""
_logger = logging.getLogger("pypipeline.record")


class Recording:
    """The record of one run. Its methods wait for nobody, but `finish`, for `PATIENCE_S` at most. One thread at a time."""

    def __init__(self, recorder: Recorder, request: RecordRequest) -> None:
        self._recorder = recorder
        self._request = request
        self._is_over = Event()
        self._thread: Thread | None = None
        self._last: tuple[Statistics, RecordedEnd] | None = None

    @classmethod
    def open(cls, request: RecordRequest, built: Built, structure: Structure) -> Self | None:
        """Make the file; `None` where that is not possible, which the log says.

        :param structure: the roles of the cells.
        """
        path = Path(request.path)
        try:
            recorder = Recorder(
                path,
                name=built.document.name,
                graph=to_text(built.document),
                source=request.source,
                sources=get_sources(structure),
                interval_s=request.interval_s,
            )
        except (RecordException, OSError, ValueError) as error:
            _logger.warning("the run is not recorded: %s", error)
            return None
        return cls(recorder, request)

    def begin(self, look: Callable[[], tuple[Statistics, str] | None]) -> None:
        """Take samples from now on.

        :param look: what was counted until now, and what the run does; `None` where it is over. Is called in a thread of
            the recording, also after `finish` was called, but not after it came back in time.
        """
        self._thread = Thread(target=self._record, args=(look,), name="pypipeline record", daemon=True)
        self._thread.start()

    def finish(self, statistics: Statistics | None, end: RecordedEnd) -> None:
        """Write the last sample and how the run ended; of a run that has not begun, no file is left."""
        if self._thread is None or statistics is None:
            self._is_over.set()
            self._recorder.discard()
            return
        self._last = statistics, end
        self._is_over.set()
        self._thread.join(PATIENCE_S)
        if self._thread.is_alive():
            _logger.warning("the recording into %s is left alone: its disk does not answer", self._recorder.path)

    def _record(self, look: Callable[[], tuple[Statistics, str] | None]) -> None:
        try:
            next_s = monotonic()
            while self._recorder.is_recording and not self._is_over.is_set():
                found = look() if self._has_room() else None
                if found is not None:
                    self._recorder.add(*found)
                # In step with the clock; what came too late is left out, and not caught up with.
                next_s = max(next_s + self._request.interval_s, monotonic())
                self._is_over.wait(max(0.0, next_s - monotonic()))
            if self._last is not None:
                statistics, end = self._last
                self._recorder.add(statistics, end.state)
                self._recorder.finish(end)
        except Exception as error:  # whatever it is, it is no reason to end a run
            self._recorder.give_up(error)

    def _has_room(self) -> bool:
        """Whether the file may grow; once it is too large, only the end of the run is added to it."""
        size = 0
        for suffix in ("", "-wal"):
            with suppress(OSError):
                size += self._recorder.path.with_name(self._recorder.path.name + suffix).stat().st_size
        return size < self._request.most_bytes

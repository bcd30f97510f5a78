"""`run --record`: samples of a run, taken and written by a thread of their own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Self

from pypipeline_engine.cell import Pipeline
from pypipeline_engine.cli.display import Moment
from pypipeline_engine.cli.errors import CommandError, in_one_line
from pypipeline_engine.cli.files import check_writable
from pypipeline_engine.cli.loading import Graph
from pypipeline_engine.exceptions import RecordException
from pypipeline_engine.graph.writer import to_text
from pypipeline_engine.insight import advice_as_data
from pypipeline_engine.insight.recorder import Recorder
from pypipeline_engine.insight.records import RecordedEnd, explain_taken
from pypipeline_engine.insight.structure import get_sources, get_structure

if TYPE_CHECKING:
    from pypipeline_engine.cli.watch import Ending

_PATIENCE_S = 10.0
"""How long the end of a run waits for a disk that does not answer."""
_logger = logging.getLogger("pypipeline.record")


class Recording:
    """A record that is being written. Used by the main thread; only its end waits, and not for long.

    A context manager around the run: where that has not begun at its end, no file is left.
    """

    def __init__(self, recorder: Recorder, interval_s: float) -> None:
        self._recorder = recorder
        self._interval_s = interval_s
        self._ending: Ending | None = None
        self._is_over = Event()
        self._thread: Thread | None = None

    def begin(self, look: Callable[[], Moment]) -> None:
        """Take samples from now on.

        :param look: tells how the run is; called in the thread of the recording.
        """
        self._thread = Thread(target=self._record, args=(look,), name="pypipeline record", daemon=True)
        self._thread.start()

    def finish(self, ending: Ending) -> None:
        """Write the last sample and how the run ended."""
        self._ending = ending
        self._end()

    def _end(self) -> None:
        self._is_over.set()
        if self._thread is None:
            self._recorder.discard()
            return
        self._thread.join(_PATIENCE_S)
        if self._thread.is_alive():
            _logger.warning("the recording into %s is left alone: its disk does not answer", self._recorder.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_over.is_set():
            self._end()

    def _record(self, look: Callable[[], Moment]) -> None:
        try:
            next_s = monotonic()
            while self._recorder.is_recording and not self._is_over.is_set():
                moment = look()
                self._recorder.add(moment.statistics, moment.state)
                # In step with the clock; what came too late is left out, and not caught up with.
                next_s = max(next_s + self._interval_s, monotonic())
                self._is_over.wait(max(0.0, next_s - monotonic()))
            if self._recorder.is_recording:
                self._write_end()
        except Exception as error:  # whatever it is, it is no reason to end a run
            self._recorder.give_up(error)

    def _write_end(self) -> None:
        ending = self._ending
        if ending is None:  # something else than the run has failed
            self._recorder.close()
            return
        self._recorder.add(ending.moment.statistics, ending.moment.state)
        self._recorder.finish(
            RecordedEnd(
                ending.moment.state,
                ending.words,
                None if ending.error is None else in_one_line(ending.error),
                None if ending.advice is None else advice_as_data(ending.advice),
            )
        )


def check_recordable(path: Path) -> None:
    """Find out before a graph is loaded whether a record can be written to `path`.

    :raises CommandError: if not.
    """
    check_writable(path, "--record")
    taken = explain_taken(path)
    if taken is not None:
        raise CommandError(f"--record: {taken}")


def open_recording(
    path: Path,
    graph: Graph,
    pipeline: Pipeline,
    assignments: Iterable[str],
    scaling: Iterable[str],
    interval_s: float,
) -> Recording:
    """Make the file for a run that is about to begin.

    :param assignments: what `--set` changed.
    :param scaling: what `--scale` changed.
    :raises CommandError: if it cannot be made.
    """
    try:
        recorder = Recorder(
            path,
            name=pipeline.get_name(),
            graph=to_text(graph.get_document()),
            source=str(graph.path),
            command=[*(f"--set {text}" for text in assignments), *(f"--scale {text}" for text in scaling)],
            sources=get_sources(get_structure(pipeline)),
            interval_s=interval_s,
        )
    except RecordException as error:
        raise CommandError(f"--record: {error}") from error
    return Recording(recorder, interval_s)

"""Ctrl-C as a request: the first one stops the run cleanly, the second one leaves at once.

A signal handler that raises would interrupt whatever the main thread is doing, such as drawing or a wait inside the engine.
This one only asks another thread to stop the run; the main thread goes on and sees the run end.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from threading import Thread
from types import FrameType, TracebackType

_LEFT = "\nleft at once: what the sinks were writing is not complete\n"


def _write_to_stderr(message: str) -> None:
    os.write(2, message.encode())


class Interrupts:
    """Handles SIGINT and SIGTERM while it is active. A context manager for the main thread."""

    def __init__(self) -> None:
        self.last_words: Callable[[str], None] = _write_to_stderr
        """Writes a message where people see it, in the signal handler, before the second signal ends the process."""
        self.before_leaving: Callable[[], None] = lambda: None
        """Does what must not be left undone where the second signal ends the process; in the signal handler, as well."""
        self._stop: Callable[[], None] | None = None
        self._stopper: Thread | None = None
        self._received: signal.Signals | None = None

    @property
    def exit_code(self) -> int | None:
        """128 and the number of the signal that asked to stop, as shells count; `None` where none came."""
        return None if self._received is None else 128 + self._received

    @property
    def cause(self) -> str:
        """What asked to stop, in words."""
        return "Ctrl-C" if self._received in (None, signal.SIGINT) else str(self._received.name)

    def stop_with(self, stop: Callable[[], None]) -> None:
        """Say how to stop. Called at once, on a thread of its own, where a signal has already come."""
        self._stop = stop
        if self._received is not None:
            self._begin_to_stop()

    def _begin_to_stop(self) -> None:
        if self._stop is not None and self._stopper is None:
            self._stopper = Thread(target=self._stop, name="pypipeline stop", daemon=True)
            self._stopper.start()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._received is not None:
            self.before_leaving()
            self.last_words(_LEFT)
            os._exit(128 + number)
        self._received = signal.Signals(number)
        self._begin_to_stop()

    def __enter__(self) -> Interrupts:
        self._previous = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stopper is not None:
            self._stopper.join()
        for number, handler in self._previous.items():
            signal.signal(number, handler)

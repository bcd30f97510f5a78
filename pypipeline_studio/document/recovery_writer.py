"""The thread that keeps what is not saved, so that a slow disk is not felt while one edits.

Guarantees: what was asked for last is done last, and what was asked for before it may be left out. The thread lives only
while there is something to do. Nothing is done any more after `close`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_studio.document.recovery import RecoveryFile, Unsaved


class RecoveryWriter:
    """Writes and removes a recovery file in the background. Its methods are for one thread, that of the window."""

    def __init__(self, file: RecoveryFile, failed: Callable[[str], None]) -> None:
        """Take a file over; nobody else may use it from now on.

        :param failed: called in the thread of the writer with the reason when something could not be written.
        """
        self._file = file
        self._failed = failed
        self._reason: str | None = None
        """Of the last failure, until something succeeds. Written by the thread, read when it has ended."""
        # Guards the two below. Held for an assignment only, never while something is written.
        self._lock = threading.Lock()
        self._job: Callable[[], None] | None = None
        self._thread: threading.Thread | None = None

    def keep(self, make: Callable[[], Unsaved]) -> None:
        """Keep this from now on. `make` is called in the thread of the writer."""
        self._request(lambda: self._file.write(make()))

    def forget(self) -> None:
        """There is nothing to keep."""
        self._request(self._file.remove)

    def flush(self) -> str | None:
        """Wait until what was asked for last is done; the reason why it could not be done, or `None`."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()
        return self._reason

    def close(self) -> None:
        """Forget, and leave nothing behind. Waits for what is being written."""
        with self._lock:
            self._job = None
        self.flush()
        self._file.close()

    def _request(self, job: Callable[[], None]) -> None:
        with self._lock:
            self._job = job
            if self._thread is None:
                # No daemon: what is being written at the end of the process is written.
                self._thread = threading.Thread(target=self._work, name="recovery writer")
                self._thread.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                job, self._job = self._job, None
                if job is None:
                    self._thread = None
                    return
            try:
                job()
                self._reason = None
            except (OSError, WrongGraphException) as error:
                self._reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
                self._failed(self._reason)

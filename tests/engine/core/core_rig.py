"""Threads for tests that put them into order with gates, and a monitor that tells when one of them has fallen asleep."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from pypipeline_engine.core.monitor import Monitor

R = TypeVar("R")
PATIENCE_S = 20.0
"""How long to wait for what happens at once, before the test fails."""


class Task:
    """A call in a thread of its own."""

    def __init__(self, body: Callable[[], Any]) -> None:
        self._body = body
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._body()
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        """What the call returned; raises what it raised. Waits for its end."""
        self.join()
        if self._error is not None:
            raise self._error
        return self._result

    def join(self) -> None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the thread did not come to its end"

    def is_running(self) -> bool:
        return self._thread.is_alive()


class Starter:
    """Starts tasks, and waits for their end when the test is over."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []

    def __call__(self, body: Callable[[], Any]) -> Task:
        task = Task(body)
        self._tasks.append(task)
        return task

    def join(self) -> None:
        for task in self._tasks:
            task.join()


class SensedMonitor(Monitor):
    """Tells when a thread sleeps in it, so that tests need no sleep of their own."""

    def __init__(self) -> None:
        self._sleeps = threading.Semaphore(0)
        locks = iter([threading.Lock()])  # the first one is the monitor's own, the others are those to sleep on
        super().__init__(lambda: next(locks, None) or _SensedLock(self._sleeps))

    def await_sleepers(self, number: int = 1) -> None:
        """Return when so many more threads have fallen asleep."""
        for _ in range(number):
            assert self._sleeps.acquire(timeout=PATIENCE_S), "nobody fell asleep"

    @property
    def state(self) -> tuple[int, int, int]:
        """How many are awake, pull, and sleep."""
        with self.lock:
            return self._awake, len(self._pulling), len(self._waiting)


class _SensedLock:
    def __init__(self, sleeps: threading.Semaphore) -> None:
        self._lock = threading.Lock()
        self._sleeps = sleeps

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._lock.acquire(blocking=False):
            return True
        self._sleeps.release()
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

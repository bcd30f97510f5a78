"""Runs threads under one chosen interleaving after the other.

The threads are real, but only one of them runs at a time: at every switch point a seeded generator decides which one
goes on. Switch points are the operations on locks made by `new_lock`, calls of `switch`, and every line of the modules
that `preempt` names (by `sys.settrace`, so that the code needs no hooks). The same seed gives the same schedule again.

What it finds: a failing assertion in a thread, a deadlock (nobody can go on), a livelock (more than `budget` switch points),
and the release of a lock that nobody holds.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterable
from types import FrameType, ModuleType
from typing import Any

TIME_IS_UP = 0.1
"""How likely a time limit is over when a thread looks."""


class Stuck(AssertionError):
    """Nobody can go on, or they go on forever."""


class _Abandoned(BaseException):
    """Unwinds the threads of a schedule that has failed."""


class _Thread:
    def __init__(self, name: str, body: Callable[[], Any]) -> None:
        self.name = name
        self.body = body
        self.go = threading.Semaphore(0)
        self.waits_for: ExploredLock | None = None
        self.done = False
        self.real: threading.Thread | None = None

    def can_go_on(self) -> bool:
        return not self.done and (self.waits_for is None or not self.waits_for.held)


class ExploredLock:
    """A lock whose operations are switch points. Whoever builds things before the threads run may use it, too."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self.held = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Wait for the lock; where there is a time limit, it may be up at any moment."""
        self._explorer.switch()
        me = self._explorer.current
        if self.held and me is None:
            raise Stuck("a lock is held outside of the threads")
        while self.held and me is not None:
            if timeout >= 0 and self._explorer.is_time_up():
                return False
            me.waits_for = None if timeout >= 0 else self
            self._explorer.switch()
        if me is not None:
            me.waits_for = None
        self.held = True
        return True

    def release(self) -> None:
        if self._explorer.abandoned:
            return
        if not self.held:
            raise RuntimeError("a lock was released that nobody holds")
        self.held = False
        self._explorer.switch()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Explorer:
    """One schedule."""

    def __init__(self, seed: int, preempt: Iterable[ModuleType] = (), budget: int = 100_000) -> None:
        """Prepare the schedule of this seed.

        :param preempt: modules in which a thread may lose its turn at every line.
        :param budget: after so many switch points it is a livelock.
        """
        self._random = random.Random(seed)
        # Some schedules switch at nearly every point, others let a thread run on for long.
        self._eagerness = self._random.choice([0.02, 0.1, 0.3, 0.9])
        self._files = frozenset(module.__file__ for module in preempt)
        self._budget = budget
        self._threads: list[_Thread] = []
        self._over = threading.Event()
        self._error: BaseException | None = None
        self.current: _Thread | None = None
        self.abandoned = False
        self.schedule: list[str] = []
        """The names of the threads in the order in which they took over."""

    def new_lock(self) -> ExploredLock:
        return ExploredLock(self)

    def is_time_up(self) -> bool:
        """Whether a time limit is over, as the seed has it."""
        return self._random.random() < TIME_IS_UP

    def spawn(self, name: str, body: Callable[[], Any]) -> None:
        """Have `body` run in a thread, from `run` on, or at once where that runs already."""
        thread = _Thread(name, body)
        thread.real = threading.Thread(target=self._run_thread, args=[thread], name=name, daemon=True)
        self._threads.append(thread)
        thread.real.start()

    def run(self) -> None:
        """Run all threads to their end. Raises the first error of any of them, or `Stuck`."""
        self._hand_over(self._random.choice(self._threads))
        self._over.wait()
        for thread in self._threads:
            assert thread.real is not None
            thread.real.join()
        if self._error is not None:
            raise self._error

    def switch(self) -> None:
        """Let another thread run here, maybe."""
        me = self.current
        if self.abandoned:
            raise _Abandoned
        if me is None:
            return
        self._budget -= 1
        if self._budget < 0:
            self._abandon(Stuck(f"they go on forever: {self._describe()}"))
            raise _Abandoned
        if me.can_go_on() and self._random.random() > self._eagerness:
            return
        able = [thread for thread in self._threads if thread.can_go_on()]
        if not able:
            self._abandon(Stuck(f"nobody can go on: {self._describe()}"))
            raise _Abandoned
        chosen = self._random.choice(able)
        if chosen is not me:
            self._hand_over(chosen)
            me.go.acquire()
            if self.abandoned:
                raise _Abandoned

    def _hand_over(self, thread: _Thread) -> None:
        self.schedule.append(thread.name)
        self.current = thread
        thread.go.release()

    def _run_thread(self, me: _Thread) -> None:
        me.go.acquire()
        try:
            if not self.abandoned:
                if self._files:
                    sys.settrace(self._trace)
                me.body()
        except _Abandoned:
            return
        except BaseException as error:
            self._abandon(error)
        finally:
            sys.settrace(None)
            me.done = True
        if self.abandoned:
            return
        able = [thread for thread in self._threads if thread.can_go_on()]
        if able:
            self._hand_over(self._random.choice(able))
        elif all(thread.done for thread in self._threads):
            self._over.set()
        else:
            self._abandon(Stuck(f"nobody can go on: {self._describe()}"))

    def _abandon(self, error: BaseException) -> None:
        if self.abandoned:
            return
        self._error = error
        self.abandoned = True
        for thread in self._threads:
            thread.go.release()
        self._over.set()

    def _describe(self) -> str:
        return ", ".join(f"{thread.name} {'is done' if thread.done else 'waits'}" for thread in self._threads)

    def _trace(self, frame: FrameType, event: str, argument: object) -> Any:
        return self._trace_line if frame.f_code.co_filename in self._files else None

    def _trace_line(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line" and not self.abandoned:
            self.switch()
        return self._trace_line

"""Runs threads under one chosen interleaving after the other.

The threads are real, but only one of them runs at a time: at every switch point a seeded generator decides which one
goes on. Switch points are the operations of locks and of the things in `primitives`, calls of `switch`, and every line of
the modules that `preempt` names (by `sys.settrace`, so that the code needs no hooks). The same seed gives the same schedule
again.

Two ways to choose take turns, by the seed: a walk at random, some of them restless and some of them lazy; and threads
with priorities of which a few change on the way (Burckhardt et al., "A randomized scheduler with probabilistic
guarantees of finding bugs", 2010), which lets one thread starve another for long.

What it finds: a failing assertion in a thread, a deadlock (nobody can go on), a livelock (more than `budget` switch points),
the release of a lock that nobody holds, and a thread that waits for something that the explorer does not know.
"""

from __future__ import annotations

import ctypes
import random
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

BUDGET = 100_000
REAL_TIME_LIMIT_S = 15.0
"""After so long without a switch point a thread hangs outside of them: in a real lock, or in a loop."""
TIMEOUT_ODDS = 0.02
"""How likely a wait with a time limit runs out of time at a switch point, though others could go on."""
MOST_THREADS = 1024
FAIR_AFTER = 5_000
"""From this switch point on priorities count no more: who spins until another thread has done something must not win."""


class Stuck(AssertionError):
    """Nobody can go on, or they go on forever."""


class _Abandoned(BaseException):
    """Unwinds the threads of a schedule that has failed."""


class ExploredThread:
    """One of the threads."""

    def __init__(self, number: int, name: str, body: Callable[[], Any], priority: float) -> None:
        self.number = number
        self.name = name
        self.body = body
        self.priority = priority
        self.go = threading.Lock()
        self.go.acquire()
        self.blocked: Callable[[], bool] | None = None
        """While the thread waits: whether that has an end."""
        self.reason = ""
        self.has_time_limit = False
        self.nb_locks = 0
        """How many locks it holds by `with`."""
        self.done = False
        self.handle: Any = None
        """What the code under exploration knows as the thread."""
        self.real = threading.Thread(target=lambda: None)

    def can_go_on(self) -> bool:
        return self.blocked is None or self.blocked()

    def end(self) -> None:
        """Wait for its end, which is near; where it loops beside all switch points it has to be thrown out."""
        self.real.join(REAL_TIME_LIMIT_S)
        for _ in range(100):
            if not self.real.is_alive():
                break
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self.real.ident or 0), ctypes.py_object(_Abandoned)
            )
            self.real.join(0.1)

    def __str__(self) -> str:
        if self.done:
            return f"{self.name} is done"
        what = f"waits for {self.reason}" if self.blocked is not None else "could go on"
        frame = sys._current_frames().get(self.real.ident or 0)
        while frame is not None and Path(frame.f_code.co_filename).parent == Path(__file__).parent:
            frame = frame.f_back
        where = "" if frame is None else "".join(traceback.format_stack(frame, 6)).rstrip()
        return f"{self.name} {what}:\n{where}"


class Lock:
    """As `threading.Lock`. Its operations are switch points; before the threads run it may be used as well."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self.held = False

    def _is_free(self) -> bool:
        return not self.held

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        explorer = self._explorer
        explorer.switch()
        if self.held and (not blocking or not explorer.block(self._is_free, "a lock", timeout >= 0)):
            return False
        self.held = True
        return True

    def release(self) -> None:
        if self._explorer.abandoned:
            return
        if not self.held:
            raise RuntimeError("a lock was released that nobody holds")
        self.held = False
        self._explorer.switch()

    def locked(self) -> bool:
        return self.held

    def __enter__(self) -> bool:
        self.acquire()
        if self._explorer.current is not None:
            self._explorer.current.nb_locks += 1
        return True

    def __exit__(self, *_: object) -> None:
        if self._explorer.current is not None:
            self._explorer.current.nb_locks -= 1
        self.release()


class Explorer:
    """One schedule."""

    def __init__(
        self, seed: int, preempt: Iterable[ModuleType] = (), budget: int = BUDGET, every_step: bool = False
    ) -> None:
        """Prepare the schedule of this seed.

        :param preempt: modules in which a thread may lose its turn at every line.
        :param budget: after so many switch points it is a livelock.
        :param every_step: also within a line, at every step of the interpreter.
        """
        self.random = random.Random(seed)
        # Some schedules switch at nearly every point, others let a thread run on for long.
        self._eagerness = self.random.choice([0.01, 0.03, 0.1, 0.3] if preempt else [0.02, 0.1, 0.3, 0.9])
        self._every_step = every_step
        self._files = frozenset(module.__file__ for module in preempt)
        self._changes: frozenset[int] = frozenset()
        if self.random.random() < 0.3:
            reach = self.random.choice([100, 1000]) * (10 if self._files else 1)
            self._changes = frozenset(self.random.randrange(reach) for _ in range(self.random.randint(1, 6)))
        self._budget = budget
        self._threads: list[ExploredThread] = []
        self._names: list[str] = []
        self._over = threading.Event()
        self._error: BaseException | None = None
        self.current: ExploredThread | None = None
        self._is_choosing = False
        """Whether threads are asked if they can go on: what they look at for that is no switch point."""
        self.nb_points = 0
        self.abandoned = False
        self.trace: list[int] = []
        """Who took over and when, which is all that the schedule depends on: switch point * MOST_THREADS + thread."""

    @property
    def schedule(self) -> list[str]:
        """The names of the threads in the order in which they took over."""
        return [self._names[step % MOST_THREADS] for step in self.trace]

    # ------------------------------------------------------------------ from outside

    def new_lock(self) -> Lock:
        return Lock(self)

    def spawn(self, name: str, body: Callable[[], Any], handle: Any = None) -> ExploredThread:
        """Have `body` run in a thread, from `run` on, or when it is chosen where that runs already."""
        thread = ExploredThread(len(self._names), name, body, self.random.random())
        thread.handle = handle
        assert thread.number < MOST_THREADS
        self._names.append(name)
        self._threads.append(thread)
        thread.real = threading.Thread(target=self._run_thread, args=[thread], name=name, daemon=True)
        thread.real.start()
        return thread

    def run(self) -> None:
        """Run all threads to their end. Raises the first error of any of them, or `Stuck`."""
        everybody = self._threads
        self._hand_over(self._choose(list(everybody)))
        seen = -1
        while not self._over.wait(REAL_TIME_LIMIT_S):
            if self.nb_points == seen:
                self._abandon(Stuck(f"a thread hangs outside of the explorer: {self._describe()}"))
            seen = self.nb_points
        for thread in everybody:
            thread.end()
        if self._error is not None:
            raise self._error

    # ------------------------------------------------------------------ switch points

    def switch(self) -> None:
        """Let another thread run here, maybe."""
        if self.abandoned:
            raise _Abandoned
        me = self.current
        if me is None or self._is_choosing:
            return
        self.nb_points += 1
        if self._changes and self.nb_points < FAIR_AFTER:
            if self.nb_points in self._changes:
                me.priority -= 1.0
            elif self.random.random() > 0.1:  # priorities matter where they change, and when somebody wakes up
                return
        elif self.random.random() > self._eagerness:
            return
        self._pass_on(me)

    def block(self, can_go_on: Callable[[], bool], reason: str, has_time_limit: bool = False) -> bool:
        """Wait until `can_go_on`; false where the time limit was over before.

        It is asked by whoever has the turn, and nobody else runs between a yes and the return.
        """
        if self.abandoned:
            raise _Abandoned
        me = self.current
        if me is None:
            if not can_go_on():
                raise Stuck(f"outside of the threads something waits for {reason}")
            return True
        self.nb_points += 1
        me.blocked, me.reason, me.has_time_limit = can_go_on, reason, has_time_limit
        self._pass_on(me)
        me.blocked = None
        return not has_time_limit or can_go_on()

    def _pass_on(self, me: ExploredThread) -> None:
        if self.nb_points > self._budget:
            self._abandon(Stuck(f"they go on forever: {self._describe()}"))
            raise _Abandoned
        chosen = self._choose(self._get_able())
        if chosen is None:
            self._abandon(Stuck(f"nobody can go on: {self._describe()}"))
            raise _Abandoned
        if chosen is not me:
            self._hand_over(chosen)
            me.go.acquire()
            if self.abandoned:
                raise _Abandoned

    def _get_able(self) -> list[ExploredThread]:
        living = [thread for thread in self._threads if not thread.done]
        self._is_choosing = True
        able = [thread for thread in living if thread.can_go_on()]
        self._is_choosing = False
        hasty = [thread for thread in living if thread.blocked is not None and thread.has_time_limit]
        if hasty and (not able or self.random.random() < TIMEOUT_ODDS):
            able.extend(thread for thread in hasty if thread not in able)
        return able

    def _choose(self, able: list[ExploredThread]) -> ExploredThread | None:
        if not able:
            return None
        if self._changes and self.nb_points < FAIR_AFTER:
            return max(able, key=lambda thread: thread.priority)
        return self.random.choice(able)

    def _hand_over(self, thread: ExploredThread | None) -> None:
        assert thread is not None
        self.trace.append(self.nb_points * MOST_THREADS + thread.number)
        self.current = thread
        thread.go.release()

    # ------------------------------------------------------------------ in the threads

    def _run_thread(self, me: ExploredThread) -> None:
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
        able = self._get_able()
        if able:
            self._hand_over(self._choose(able))
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
            if thread.go.locked():
                thread.go.release()
        self._over.set()

    def _describe(self) -> str:
        return "\n".join(str(thread) for thread in self._threads if not thread.done) or "all are done"

    def _trace(self, frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename not in self._files:
            return None
        frame.f_trace_opcodes = self._every_step
        return self._trace_line

    def _trace_line(self, frame: FrameType, event: str, argument: object) -> Any:
        if event in ("line", "opcode") and not self.abandoned:
            self.switch()
        return self._trace_line

"""What threads wait with, under the names of `threading` and `time`, but in the hands of an explorer of schedules.

Nothing here blocks for real, and no time passes: the clock advances by an amount that the seed chooses whenever somebody
looks at it, so that decisions by measured time are a part of the schedule.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from explorer import Explorer, Lock


class RLock(Lock):
    """As `threading.RLock`."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__(explorer)
        self._owner: object = None
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self.held and self._owner is self._explorer.current:
            self._depth += 1
            return True
        if not super().acquire(blocking, timeout):
            return False
        self._owner = self._explorer.current
        self._depth = 1
        return True

    def release(self) -> None:
        if self._explorer.abandoned:
            return
        if self._owner is not self._explorer.current:
            raise RuntimeError("a lock was released by who does not hold it")
        self._depth -= 1
        if not self._depth:
            self._owner = None
            super().release()


class Condition:
    """As `threading.Condition`."""

    def __init__(self, explorer: Explorer, lock: Any = None) -> None:
        self._explorer = explorer
        self._lock = lock if lock is not None else RLock(explorer)
        self._sleepers: list[list[bool]] = []
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def __enter__(self) -> bool:
        return bool(self._lock.__enter__())

    def __exit__(self, *error: object) -> None:
        self._lock.__exit__(*error)

    def wait(self, timeout: float | None = None) -> bool:
        woken = [False]
        self._sleepers.append(woken)
        self._lock.release()
        try:
            came = self._explorer.block(lambda: woken[0], "a condition", timeout is not None)
        finally:
            self._lock.acquire()
        if not came and woken in self._sleepers:
            self._sleepers.remove(woken)
        return came

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        result = predicate()
        while not result:
            if not self.wait(timeout):
                return predicate()
            result = predicate()
        return result

    def notify(self, n: int = 1) -> None:
        if not self._lock.held and not self._explorer.abandoned:
            raise RuntimeError("a condition was notified without its lock")
        for woken in self._sleepers[:n]:
            woken[0] = True
        del self._sleepers[:n]

    def notify_all(self) -> None:
        self.notify(len(self._sleepers))


class Event:
    """As `threading.Event`."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._is_set = False

    def is_set(self) -> bool:
        self._explorer.switch()
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        self._explorer.switch()

    def clear(self) -> None:
        self._is_set = False
        self._explorer.switch()

    def wait(self, timeout: float | None = None) -> bool:
        self._explorer.switch()
        return self._is_set or self._explorer.block(lambda: self._is_set, "an event", timeout is not None)


class Semaphore:
    """As `threading.Semaphore`."""

    def __init__(self, explorer: Explorer, value: int = 1) -> None:
        self._explorer = explorer
        self._value = value

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        explorer = self._explorer
        explorer.switch()
        if not self._value and not (
            blocking and explorer.block(lambda: self._value > 0, "a semaphore", timeout is not None)
        ):
            return False
        self._value -= 1
        return True

    def release(self, n: int = 1) -> None:
        self._value += n
        self._explorer.switch()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Thread:
    """As `threading.Thread`."""

    def __init__(
        self,
        explorer: Explorer,
        group: None = None,
        target: Callable[..., Any] | None = None,
        name: str | None = None,
        args: Any = (),
        kwargs: Any = None,
        *,
        daemon: bool | None = None,
    ) -> None:
        self._explorer = explorer
        self._call = (target, args, kwargs or {})
        self.name = name or "thread"
        self.daemon = daemon
        self._explored: Any = None

    @property
    def ident(self) -> int | None:
        return None if self._explored is None else self._explored.number + 1

    def start(self) -> None:
        if self._explored is not None:
            raise RuntimeError("a thread can be started once")
        self._explored = self._explorer.spawn(self.name, self.run, self)
        self._explorer.switch()

    def run(self) -> None:
        target, args, kwargs = self._call
        if target is not None:
            target(*args, **kwargs)

    def is_alive(self) -> bool:
        self._explorer.switch()
        return self._explored is not None and not self._explored.done

    def join(self, timeout: float | None = None) -> None:
        if self._explored is None:
            raise RuntimeError("a thread was joined before it was started")
        self._explorer.switch()
        if not self._explored.done:
            self._explorer.block(lambda: self._explored.done, f"the end of {self.name}", timeout is not None)


def get_ident(explorer: Explorer) -> int:
    return 0 if explorer.current is None else explorer.current.number + 1


def current_thread(explorer: Explorer) -> Any:
    me = explorer.current
    if me is None:
        return threading.current_thread()
    if me.handle is None:
        me.handle = Thread(explorer, name=me.name)
        me.handle._explored = me
    return me.handle


class VirtualClock:
    """Advances by a seeded amount with each look at it."""

    def __init__(self, explorer: Explorer) -> None:
        self._random = explorer.random
        self._explorer = explorer
        self._now_s = 0.0
        # From work that is too short to be timed to work that takes long.
        self._largest_step_s = self._random.choice([1e-7, 1e-5, 1e-3, 1.0])

    def now_s(self) -> float:
        self._now_s += self._random.random() * self._largest_step_s
        return self._now_s

    def now_ns(self) -> int:
        return int(self.now_s() * 1e9)

    def sleep(self, seconds: float) -> None:
        self._now_s += seconds
        self._explorer.switch()


class _Names:
    """A module in which some names mean something else."""

    def __init__(self, original: Any, replaced: dict[str, Any], harmless: tuple[str, ...]) -> None:
        self._original = original
        self._harmless = harmless
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        if name in self._harmless:
            return getattr(self._original, name)
        raise NotImplementedError(f"the explorer has no {self._original.__name__}.{name} yet: add it to primitives.py")


def replacements_for(explorer: Explorer) -> list[tuple[Any, Any]]:
    """What the code under exploration is to have instead of what: pairs of the original and its replacement."""

    def bound(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **kwargs: function(explorer, *args, **kwargs)

    class BoundThread(Thread):
        """A class, so that the code under exploration may derive from it."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(explorer, *args, **kwargs)

    clock = VirtualClock(explorer)
    of_threading: dict[str, Any] = {
        "Lock": bound(Lock),
        "RLock": bound(RLock),
        "Condition": bound(Condition),
        "Event": bound(Event),
        "Semaphore": bound(Semaphore),
        "Thread": BoundThread,
        "get_ident": bound(get_ident),
        "current_thread": bound(current_thread),
    }
    of_time: dict[str, Any] = {
        "perf_counter": clock.now_s,
        "thread_time": clock.now_s,
        "monotonic": clock.now_s,
        "time": clock.now_s,
        "perf_counter_ns": clock.now_ns,
        "thread_time_ns": clock.now_ns,
        "monotonic_ns": clock.now_ns,
        "time_ns": clock.now_ns,
        "sleep": clock.sleep,
    }
    pairs = [(getattr(threading, name), new) for name, new in of_threading.items()]
    pairs += [(getattr(time, name), new) for name, new in of_time.items()]
    pairs.append((threading, _Names(threading, of_threading, ("local", "stack_size", "TIMEOUT_MAX"))))
    pairs.append((time, _Names(time, of_time, ("strftime", "gmtime", "localtime"))))
    return pairs

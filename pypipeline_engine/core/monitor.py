"""Waiting: one lock for all scheduling state of a deployment, and threads that sleep on locks of their own.

Guarantees
    - The lock is never held while user code runs.
    - A thread that sleeps is woken by exactly one waker, who takes its entry out under the lock.
    - When every thread of the deployment sleeps although somebody pulls, no thread could ever wake another: this is noticed
      by the last one to fall asleep, at once, and it calls `on_stall`.
    - When those sleep whom a pull waits for, directly or through each other, while other threads work on, the pulling thread
      notices that after `LOOK_AROUND_S`, and calls `on_stall`.
    - `interrupt` wakes every sleeper; each raises `Interrupted` from its wait.

Assumptions
    - A thread that uses the monitor has entered it, or was entered by the thread that started it.
    - All state that conditions of waits look at changes under the lock, or is looked at again after the sleeper has
      announced itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pypipeline_engine.core.turn import Turn

LOOK_AROUND_S = 0.1
"""After so long, a pulling thread that sleeps looks whether those it waits for sleep as well, and again after as long."""

Suppliers = Callable[[], Collection[int] | None]
"""Says which threads, by their identifiers, could bring what a sleeper waits for; `None` where others might too."""


def _anybody() -> None:
    """The suppliers of what may come from outside."""


class Interrupted(BaseException):
    """Unwinds a pull whose deployment ends, or whose stream is reset.

    Not an `Exception`, so that a cell's `except Exception` around a pull does not swallow it.
    """


class Lock(Protocol):
    """What is asked of a lock. Tests put in locks that hand control to an explorer of schedules."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Wait for the lock, for `timeout` seconds at most unless that is -1; whether it was got."""

    def release(self) -> None:
        """Give it away."""

    def __enter__(self) -> Any:
        """Wait for the lock."""

    def __exit__(self, kind: Any, error: Any, traceback: Any, /) -> Any:
        """Give it away."""


class Waiter:
    """A thread that sleeps, with the reason for it."""

    __slots__ = ("error", "find_suppliers", "pulls", "queue", "reason", "signal", "thread", "unless")

    def __init__(
        self,
        queue: list[Waiter],
        reason: Callable[[], str],
        find_suppliers: Suppliers,
        signal: Lock,
        pulls: bool,
        unless: Callable[[], Any] | None,
    ) -> None:
        self.queue = queue
        self.find_suppliers = find_suppliers
        self.pulls = pulls
        self.thread = threading.get_ident()
        self.reason = reason
        self.signal = signal
        self.unless = unless
        self.error: BaseException | None = None


class Kept:
    """A turn that a thread keeps between two pulls, so that neither needs the lock.

    The thread goes inside and then looks at `revoked`; who takes the turn away sets `revoked` and then looks whether it is
    inside. So at least one of the two sees the other, without a lock.
    """

    __slots__ = ("holds_turn", "open_to", "revoked", "thread", "turn")

    def __init__(self, turn: Turn, thread: int) -> None:
        self.turn = turn
        self.thread = thread
        self.open_to: int | None = thread
        """The thread, while it is not inside: one comparison tells it whether it may go in."""
        self.revoked = False
        self.holds_turn = True
        """Whether it is by this that the thread has the turn. Guarded by the lock."""

    @property
    def inside(self) -> bool:
        """Whether the thread is in a pull."""
        return self.open_to is None


class Monitor:
    """The lock, the sleepers, and how many threads are awake."""

    def __init__(self, new_lock: Callable[[], Lock] = threading.Lock) -> None:
        self._new_lock = new_lock
        self.lock = new_lock()
        # Guarded by the lock, as everything below.
        self._awake = 0
        self._pulling: set[int] = set()
        self._workers: set[int] = set()
        self._waiting: dict[Waiter, None] = {}
        self._quiet: list[Waiter] = []
        self._kept: Kept | None = None
        self.interrupted = False
        self.closed = False
        """Set together with the last interruption, after which there is nothing to wait for."""
        self.unbounded = False
        """While true, nobody waits for room: queues may outgrow their bounds for a moment."""
        self.on_stall: Callable[[list[Waiter]], None] = lambda _: None

    # ------------------------------------------------------------------ who is inside

    def enter(self) -> None:
        """Count a thread as awake: the caller, or one that it is about to start."""
        with self.lock:
            self._awake += 1

    def introduce_worker(self) -> None:
        """Say that the calling thread belongs to the deployment."""
        with self.lock:
            self._workers.add(threading.get_ident())

    def is_worker(self) -> bool:
        """Whether the calling thread belongs to the deployment."""
        return threading.get_ident() in self._workers

    def is_inside(self, turn: Turn) -> bool:
        """Whether the calling thread belongs to the deployment, or is in a pull with `turn`. Takes the lock."""
        if self.is_worker():
            return True
        with self.lock:  # who takes a kept turn away does so in two steps
            kept = self._kept
            return turn.is_mine() and (kept is None or kept.inside)

    def leave_as_worker(self) -> None:
        """The opposite of `introduce_worker` and `enter`."""
        with self.lock:
            self._workers.discard(threading.get_ident())
            self._awake -= 1
            self._check()

    def leave(self) -> None:
        """The opposite of `enter`, by the thread that leaves."""
        with self.lock:
            self._awake -= 1
            self._check()

    def begin_pull(self, turn: Turn) -> None:
        """Enter as a thread that wants something, with `turn`: while one is inside, all asleep means a deadlock.

        :raises UnsetRecurrentConnectionException: if the calling thread is inside already.
        """
        me = threading.get_ident()
        with self.lock:
            self.revoke_locked()
            if not turn.try_to_take_locked(me):
                turn.refuse_reentry(me)
                self._awake += 1
                self._pulling.add(me)
                try:
                    turn.take_locked(through_interruption=True)
                except BaseException:
                    self._awake -= 1
                    self._pulling.discard(me)
                    self._check()
                    raise
                return
            self._awake += 1
            self._pulling.add(me)

    def end_pull(self, turn: Turn) -> None:
        """The opposite of `begin_pull`."""
        with self.lock:
            self._end_pull(turn)

    def _end_pull(self, turn: Turn) -> None:
        self._awake -= 1
        self._pulling.discard(threading.get_ident())
        turn.give_locked()
        if not self._awake:
            self._check()

    # ------------------------------------------------------------------ pulling again and again

    def pause_pull(self, turn: Turn, may_keep: Callable[[], bool] = lambda: True) -> Kept | None:
        """End a pull, but keep the turn for the next one of the same thread, as long as nobody else wants it.

        :param may_keep: asked under the lock; with false the turn is given in any case.
        :returns: what the thread asks for leave, without the lock, before its next pull; `None` where the turn was given.
        """
        with self.lock:
            if not may_keep() or turn.waiters or self._quiet or self.interrupted:
                self._end_pull(turn)
                return None
            self._kept = Kept(turn, threading.get_ident())
            return self._kept

    def revoke_locked(self) -> None:
        """Take the turn away from a thread that keeps it. Where that is in the middle of a pull, it gives it afterwards."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.revoked = True
            if not kept.inside:
                self._awake -= 1
                self._pulling.discard(kept.thread)
                kept.holds_turn = False
                kept.turn.free_locked()

    def leave_kept(self, kept: Kept) -> None:
        """End the pull of a thread that kept its turn and has lost the right to it, if it has the turn still."""
        with self.lock:
            if kept.holds_turn:
                kept.holds_turn = False
                self._end_pull(kept.turn)

    def _check(self) -> None:
        """What the last thread to fall asleep or leave has to do. Lock held."""
        if self._quiet and self._awake == 0:
            self.wake_all(self._quiet)
        elif self._awake == 0 and self._pulling and self._waiting:
            pulling = [waiter for waiter in self._waiting if waiter.pulls]
            self.on_stall(next(filter(None, map(self.find_stuck, pulling)), list(self._waiting)))

    def find_stuck(self, waiter: Waiter) -> list[Waiter]:
        """Who waits for whom, from `waiter` on, where all of them sleep; empty where somebody is awake. Lock held.

        Each waits for one thing, which any of its suppliers may bring. So nobody of them is ever woken exactly if no thread
        that is awake can be reached from supplier to supplier (Knapp, "Deadlock detection in distributed databases", 1987,
        on the OR model).
        """
        asleep = {other.thread: other for other in self._waiting}
        found = {waiter: None}
        pending = [waiter]
        while pending:
            suppliers = pending.pop().find_suppliers()
            if suppliers is None:
                return []
            for thread in suppliers:
                other = asleep.get(thread)
                if other is None:
                    return []
                if other not in found:
                    found[other] = None
                    pending.append(other)
        return list(found)

    def _look_around(self, waiter: Waiter) -> None:
        with self.lock:
            if waiter in self._waiting:
                stuck = self.find_stuck(waiter)
                if stuck:
                    self.on_stall(stuck)

    # ------------------------------------------------------------------ sleeping and waking, lock held

    def wait(
        self,
        queue: list[Waiter],
        reason: Callable[[], str],
        unless: Callable[[], Any] | None = None,
        through_interruption: bool = False,
        timeout_s: float = -1,
        suppliers: Suppliers = _anybody,
    ) -> bool:
        """Sleep until woken out of `queue`. Gives the lock away meanwhile and has it again at return or raise.

        :param reason: says in words what this thread waits for; called only if nobody can wake it.
        :param unless: looked at once more after the sleeper has announced itself, where what it waits for may come about
            without the lock; where it is true, there is no sleep.
        :param through_interruption: sleep on where others are interrupted.
        :param timeout_s: after so many seconds nobody has to wake the sleeper, who counts as asleep all the same; -1 for
            never.
        :param suppliers: says who could bring it; called under the lock.
        :returns: false where the time was up.
        :raises Interrupted: when the monitor is interrupted, before or during the sleep.
        """
        if self.interrupted and not through_interruption:
            raise Interrupted
        signal = self._new_lock()
        signal.acquire()
        waiter = Waiter(queue, reason, suppliers, signal, threading.get_ident() in self._pulling, unless)
        queue.append(waiter)
        if unless is not None and unless():
            queue.remove(waiter)
            return True
        self._waiting[waiter] = None
        self._awake -= 1
        self._check()
        try:
            self.lock.release()
            if waiter.pulls and timeout_s < 0:
                while not signal.acquire(timeout=LOOK_AROUND_S):
                    self._look_around(waiter)
            else:
                signal.acquire(timeout=timeout_s)
        except BaseException:  # a signal handler raised, such as that of Ctrl-C
            self.lock.acquire()
            if waiter in self._waiting:
                queue.remove(waiter)
                self._forget(waiter)
            else:
                self.wake_first(queue)  # the wake-up was for somebody who goes on
            raise
        self.lock.acquire()
        timed_out = waiter in self._waiting
        if timed_out:
            queue.remove(waiter)
            self._forget(waiter)
        if waiter.error is not None:
            raise waiter.error
        if self.interrupted and not through_interruption:
            raise Interrupted
        return not timed_out

    def wake_last(self, queue: list[Waiter]) -> None:
        """Wake who fell asleep last in `queue`: its thread is the warmest."""
        if queue:
            self._release(queue.pop())

    def wake_first(self, queue: list[Waiter]) -> None:
        """Wake who has slept longest in `queue`: nobody starves."""
        if queue:
            self._release(queue.pop(0))

    def wake_satisfied(self, queue: list[Waiter]) -> None:
        """Wake those in `queue` who would not fall asleep any more."""
        for waiter in [waiter for waiter in queue if waiter.unless is not None and waiter.unless()]:
            queue.remove(waiter)
            self._release(waiter)

    def wake_all(self, queue: list[Waiter]) -> None:
        """Wake everybody in `queue`."""
        while queue:
            self._release(queue.pop())

    def wake_with(self, waiter: Waiter, error: BaseException) -> None:
        """Wake `waiter`, who raises `error`."""
        waiter.error = error
        waiter.queue.remove(waiter)
        self._release(waiter)

    def _release(self, waiter: Waiter) -> None:
        self._forget(waiter)
        waiter.signal.release()

    def _forget(self, waiter: Waiter) -> None:
        del self._waiting[waiter]
        self._awake += 1

    # ------------------------------------------------------------------ stopping the world

    def interrupt(self, for_good: bool = False) -> None:
        """Make every sleeper raise `Interrupted`, and everybody who wants to sleep from now on. Takes the lock."""
        with self.lock:
            self.revoke_locked()
            self.interrupted = True
            self.closed = self.closed or for_good
            for waiter in list(self._waiting):
                waiter.queue.remove(waiter)
                self._release(waiter)

    def resume(self) -> None:
        """End the interruption, unless it is one for good. Takes the lock."""
        with self.lock:
            self.interrupted = self.closed

    def is_quiet(self) -> bool:
        """Whether nobody inside is awake, but for a thread that keeps its turn between two pulls."""
        with self.lock:
            self.revoke_locked()
            return self._awake == 0

    def wait_until_quiet(self) -> None:
        """Sleep until every other thread inside sleeps or has left. The caller has entered. Takes the lock."""
        with self.lock:
            self.revoke_locked()
            while self._awake > 1:  # an interruption wakes it too early
                self.wait(self._quiet, lambda: "all cells to come to rest", through_interruption=True)

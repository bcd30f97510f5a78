"""Who may run the cells of a domain that several threads reach."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pypipeline_engine.core.monitor import Interrupted, Monitor, Waiter
from pypipeline_engine.exceptions import UnsetRecurrentConnectionException


class Turn:
    """Who may run the cells of a domain that several threads reach. A state, not a lock held while they run."""

    __slots__ = ("_holder", "_monitor", "name", "waiters")

    def __init__(self, monitor: Monitor, name: str) -> None:
        self._monitor = monitor
        self._holder: int | None = None
        self.waiters: list[Waiter] = []
        """Who wants the turn, longest first. Looked at without the lock by who has it."""
        self.name = name

    def take(self, unless: Callable[[], Any] | None = None) -> bool:
        """Wait for the turn and take it.

        :param unless: looked at whenever the turn might be taken; where it is true, the turn is not taken.
        :returns: whether the turn was taken.
        :raises UnsetRecurrentConnectionException: if the calling thread has the turn already.
        """
        with self._monitor.lock:
            return self.take_locked(unless)

    def take_locked(self, unless: Callable[[], Any] | None = None, through_interruption: bool = False) -> bool:
        """The same, with the lock held.

        :param through_interruption: wait on where others are interrupted, as long as the monitor is not closed.
        """
        monitor = self._monitor
        me = threading.get_ident()
        self.refuse_reentry(me)
        while True:
            if unless is not None and unless():
                if self._holder == me:  # handed over for nothing
                    self.give_locked()
                return False
            if self._holder is None:
                self._holder = me
            if self._holder == me:
                return True
            try:
                monitor.wait(self.waiters, self._describe, unless, through_interruption, suppliers=self.get_threads)
                if monitor.closed:
                    raise Interrupted
            except BaseException:
                if self._holder == me:
                    self.give_locked()
                raise

    def refuse_reentry(self, me: int) -> None:
        """Raise `UnsetRecurrentConnectionException` where the thread `me` has the turn already. Lock held."""
        if self._holder == me:
            raise UnsetRecurrentConnectionException(
                f"{self.name} is pulled while it is running on the same thread: a cell pulls what depends on it"
            )

    def try_to_take_locked(self, me: int) -> bool:
        """Take the turn for the thread `me` if nobody has it. Lock held."""
        if self._holder is None:
            self._holder = me
            return True
        return False

    def give(self) -> None:
        """Give the turn back."""
        with self._monitor.lock:
            self.give_locked()

    def give_locked(self) -> None:
        """The same, with the lock held.

        Who wanted the turn for something that has come about meanwhile goes without it: otherwise whoever has the turn next
        might wait for room that one of these sleepers would make. Of the others, who has waited longest gets it, so that
        nobody who comes back at once is faster.
        """
        self._monitor.wake_satisfied(self.waiters)
        self._holder = self.waiters[0].thread if self.waiters else None
        self._monitor.wake_first(self.waiters)

    def is_mine(self) -> bool:
        """Whether the calling thread has the turn."""
        return self._holder == threading.get_ident()

    def get_threads(self) -> list[int] | None:
        """The thread that has the turn; `None` where nobody has it. Lock held."""
        return None if self._holder is None else [self._holder]

    def free_locked(self) -> None:
        """Take the turn away from the thread that has it, which does not use it, and for which nobody waits."""
        self._holder = None

    def _describe(self) -> str:
        return f"{self.name}, which another thread runs"

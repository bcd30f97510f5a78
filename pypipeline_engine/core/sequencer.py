"""Tickets in, results out in the order of the tickets, whichever finishes first.

A pure state machine. Invariants, with `head` the ticket whose result comes out next after those that are ready:
    - every ticket below `head` is in `ready` or was taken from it;
    - every ticket from `head` up to `opened` is in work, or in `_finished` behind one that is in work;
    - in work + finished + ready never exceeds `window`, as long as callers open tickets only with credit.

Methods that change the state are called under the lock of the deployment; `ready` alone is popped without it, by the one
consumer that has the turn.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from pypipeline_engine.core.values import END, size_of


class Sequencer:
    """The tickets of one scaled cell."""

    __slots__ = ("_bytes_finished", "_finished", "ended", "head", "limit_bytes", "opened", "ready", "window")

    def __init__(self, window: int, limit_bytes: int) -> None:
        """Begin without tickets.

        :param window: how many items may be inside at once.
        :param limit_bytes: how many bytes of results may wait; at least one result always may.
        """
        self.window = window
        self.limit_bytes = limit_bytes
        self.opened = 0
        self.head = 0
        self.ended = False
        self.ready: deque[Any] = deque()
        self._finished: dict[int, Any] = {}
        self._bytes_finished = 0

    @property
    def inside(self) -> int:
        """How many items are in work, or finished and not taken."""
        return self.opened - self.head + len(self.ready)

    def has_credit(self) -> bool:
        """Whether one more ticket may be opened."""
        if self.ended:
            return False
        inside = self.inside
        if inside == 0:
            return True
        if inside >= self.window:
            return False
        # The newest result tells the size of those that are still in work.
        waiting = inside * self._bytes_finished
        return waiting <= self.limit_bytes

    def open(self) -> int:
        """The number of a new ticket."""
        ticket = self.opened
        self.opened = ticket + 1
        return ticket

    def finish(self, ticket: int, result: Any) -> bool:
        """Hand in the result of a ticket; `END` ends the stream in its place.

        :returns: whether a result has become ready by this.
        """
        if result is END:
            self.ended = True
        else:
            self._bytes_finished = size_of(result)
        if ticket != self.head:
            self._finished[ticket] = result
            return False
        ready, finished = self.ready, self._finished
        ready.append(result)
        head = ticket + 1
        while head in finished:
            ready.append(finished.pop(head))
            head += 1
        self.head = head
        return True

    def reset(self) -> None:
        """Drop all results and begin again. No ticket may be in work."""
        self.opened = self.head = 0
        self.ended = False
        self.ready.clear()
        self._finished.clear()

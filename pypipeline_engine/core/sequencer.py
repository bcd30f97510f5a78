"""Tickets in, results out in the order of the tickets, whichever finishes first.

A pure state machine. Invariants, with `head` the ticket whose result comes out next after those that are ready:
    - every ticket below `head` is in `ready` or was taken from it;
    - every ticket from `head` up to `opened` is in work, or in `_finished` behind one that is in work;
    - in work + finished + ready never exceeds `window`, as long as callers open tickets only with credit, but for one result
      that a waiting consumer has been woken for: that counts as taken, so that the next item need not wait until that thread
      runs.

Methods that change the state are called under the lock of the deployment; `ready` alone is popped without it, by the one
consumer that has the turn.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from pypipeline_engine.core.values import END, size_of


class Sequencer:
    """The tickets of one scaled cell."""

    __slots__ = (
        "_bytes_in",
        "_bytes_out",
        "_finished",
        "ended",
        "handed",
        "head",
        "limit_bytes",
        "opened",
        "ready",
        "window",
    )

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
        self.handed = 0
        """How many of those that are ready count as taken, 0 or 1. Who wakes the consumer sets it, under the lock. That one
        takes it back before it pops, without the lock: who looks in between sees one item more inside, never one less.
        """
        self.ready: deque[Any] = deque()
        self._finished: dict[int, Any] = {}
        # Each has one writer at a time: whoever finishes has the lock, and there is one consumer.
        self._bytes_in = 0
        self._bytes_out = 0

    @property
    def inside(self) -> int:
        """How many items are in work, or finished and not taken."""
        return self.opened - self.head + len(self.ready) - self.handed

    @property
    def queued_bytes(self) -> int:
        """About how many bytes of results wait here."""
        return max(0, self._bytes_in - self._bytes_out)

    def has_credit(self) -> bool:
        """Whether one more ticket may be opened."""
        if self.ended:
            return False
        inside = self.inside
        if inside == 0:
            return True
        return inside < self.window and self.queued_bytes <= self.limit_bytes

    def open(self) -> int:
        """The number of a new ticket."""
        ticket = self.opened
        self.opened = ticket + 1
        return ticket

    def jump_to(self, ticket: int) -> None:
        """Go on with this number: the tickets before were opened and taken elsewhere. Nothing may be inside."""
        self.opened = self.head = ticket

    def finish(self, ticket: int, result: Any) -> bool:
        """Hand in the result of a ticket; `END` ends the stream in its place.

        :returns: whether a result has become ready by this.
        """
        if result is END:
            self.ended = True
        else:
            self._bytes_in += _size_of_result(result)
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

    def count_out(self, result: Any) -> None:
        """Say that the consumer has popped `result`. Needs no lock."""
        if self._bytes_in != self._bytes_out:
            self._bytes_out += _size_of_result(result)

    def reset(self) -> None:
        """Drop all results and begin again. No ticket may be in work."""
        self.opened = self.head = self.handed = 0
        self.ended = False
        self.ready.clear()
        self._finished.clear()
        self._bytes_in = self._bytes_out = 0


def _size_of_result(result: Any) -> int:
    return sum(map(size_of, result))

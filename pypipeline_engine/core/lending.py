"""When handing an item to another thread costs more than the work on it, the one who wants the result does the work.

A hand-over between threads costs a wake-up of some 50 us where somebody sleeps. So the consumer of a scaled cell borrows one
of the clones, with the right to pull its inputs, and keeps both from item to item, as long as the items are quick. Meanwhile
the threads of the clones sleep, and a whole item needs no lock.

Guarantees
    - Whoever takes a loan back, under the lock of the deployment, learns which item the borrower works on, if any, and
      whether it still needs the inputs. It never waits for the borrower.
    - A clone is borrowed only while items are quick; where one turns out not to be, the loan ends.

`Loan` is a handshake without a lock: the borrower writes what it does and then looks at `revoked`; who revokes writes that,
and then looks at what the borrower does. So at least one of the two sees the other.
"""

from __future__ import annotations

from typing import Generic, TypeVar

QUICK_S = 30e-6
"""An item that takes less than this from its inputs to its result costs less than handing it over."""
FEWEST_QUICK = 32
MOST_QUICK = 8192
"""How many more quick than slow items must have been seen before a clone is lent; twice as many after each loan that was too
short to pay."""
LONG_LOAN = 4096
"""A loan of so many items has paid."""
LOOK_EVERY = 7
"""One item in so many is timed during a loan. A prime, so that a rhythm in the data does not hide from it."""
SAMPLES_KEPT = 37
MOST_SLOW = 5
"""A loan ends when so many out of `SAMPLES_KEPT` samples were not quick: one may have been another process on this core."""
FAR_TOO_SLOW_S = 8e-3
"""A loan ends with a single item that takes this long."""

C = TypeVar("C")


class Pace:
    """Whether the items of a scaled cell are so quick that it pays to lend a clone. Guarded by the deployment's lock."""

    __slots__ = ("_needed", "_quick")

    def __init__(self) -> None:
        self._quick = 0
        self._needed = FEWEST_QUICK

    def note(self, took_s: float) -> None:
        """Say how long an item took in a thread of its own, from its inputs to its result, in seconds of the wall.

        Among threads that compete for the interpreter some items look slow that are not; so one quick item in three counts.
        """
        if took_s < QUICK_S:
            self._quick += 1
        else:
            self._quick = max(0, self._quick - 2)

    def is_quick(self) -> bool:
        """Whether it pays to lend a clone."""
        return self._quick >= self._needed

    def end_loan(self, nb_items: int) -> None:
        """A loan has ended after so many items."""
        self._quick = 0
        self._needed = FEWEST_QUICK if nb_items >= LONG_LOAN else min(MOST_QUICK, 2 * self._needed)

    def begin_again(self) -> None:
        """Forget what was seen."""
        self._quick = 0
        self._needed = FEWEST_QUICK


class Loan(Generic[C]):
    """A clone in the hands of the consumer, and what that does with it.

    Of the borrower's: `current`, `next`, `has_inputs` and the samples. Guarded by the lock: `guarded`, `ticket` and
    `has_given_intake`. `revoked` is set under the lock, once, and read without.
    """

    __slots__ = (
        "_samples",
        "_slow",
        "clone",
        "current",
        "first",
        "guarded",
        "has_given_intake",
        "has_inputs",
        "next",
        "revoked",
        "ticket",
    )

    def __init__(self, clone: C, first: int) -> None:
        """Lend `clone`, which begins with the item `first`."""
        self.clone = clone
        self.first = first
        self.next = first
        self.current: int | None = None
        """The item in work; `None` between two items."""
        self.has_inputs = False
        """Whether the item in work needs the inputs no more."""
        self.revoked = False
        self.ticket: int | None = None
        """The ticket of the item that was in work when the loan was revoked."""
        self.has_given_intake = False
        """Whether the inputs were given back while that item was in work."""
        self.guarded = False
        """Whether a thread looks after the borrower, or none is needed."""
        self._samples = 0
        self._slow = 0

    def note(self, took_s: float) -> bool:
        """Say how long a timed item took; false where the loan should end."""
        if took_s >= QUICK_S:
            self._slow += 1
            if self._slow >= MOST_SLOW or took_s >= FAR_TOO_SLOW_S:
                return False
        self._samples += 1
        if self._samples == SAMPLES_KEPT:
            self._samples = self._slow = 0
        return True

"""Ending what is deployed when the interpreter ends.

Threads of runs and clones are daemons: a cell that hangs must not keep the process alive. But the interpreter ends such
threads wherever they are, and code outside of Python answers to that by aborting the process. So they are ended in order
before.
"""

from __future__ import annotations

import atexit
import os
import weakref
from time import perf_counter
from typing import Protocol

LEAVE_WITHIN_S = 5.0
"""How long user code that runs may take when the interpreter ends."""


class Leaves(Protocol):
    """What can be ended."""

    def leave(self, deadline_s: float) -> None:
        """End, waiting until `perf_counter()` says so at most. Raises nothing."""


_open: weakref.WeakSet[Leaves] = weakref.WeakSet()


def end_at_exit(one: Leaves) -> None:
    """Have `one` end with the interpreter, unless it is forgotten before."""
    _open.add(one)


def forget(one: Leaves) -> None:
    """It has ended."""
    _open.discard(one)


# What was deployed before a fork belongs to the other process, and its threads are there.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open.clear)


def be_first() -> None:
    """End what is deployed before whatever else has asked until now to be told of the end of the interpreter."""
    atexit.unregister(_leave_all)
    atexit.register(_leave_all)


@atexit.register
def _leave_all() -> None:
    deadline_s = perf_counter() + LEAVE_WITHIN_S
    for one in list(_open):
        one.leave(deadline_s)

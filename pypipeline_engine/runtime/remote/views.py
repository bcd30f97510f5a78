"""Read-only views of arrays that Ray keeps in the store of a node: how long they are good, and how many there may be.

The store is memory that all processes of the node share, and of a limited size. What somebody looks at stays there. Once it
is full, whoever puts something into it waits for two seconds first, again and again, so that nothing goes on any more. So a
process looks at a part of it only, and copies what else it is given: cells and users may keep whatever they like.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from pypipeline_engine.runtime.remote import cluster

MOST_BYTES = 80 * 2**20
"""So much of the objects in the store one process looks at, and a sixteenth of the store at most."""


class View:
    """Memory that arrays are views of, and what has to live as long as one of them does. Any thread."""

    __slots__ = ("__array_interface__", "_keeper", "_memory")

    def __init__(self, array: Any, keeper: Any, memory: Any = None) -> None:
        """:param array: the flat array of bytes to be looked at.
        :param keeper: keeps its memory as it is.
        :param memory: keeps it where it is, and is let go after that.
        """
        self.__array_interface__ = {
            "version": 3,
            "shape": array.shape,
            "typestr": "|u1",
            "data": (get_address(array), True),
        }
        self._keeper, self._memory = keeper, memory

    def __del__(self) -> None:
        self._keeper = None

    def as_array(self) -> Any:
        """A read-only array that is a view of it."""
        import numpy as np

        return np.asarray(self)


def get_address(array: Any) -> int:
    """Where the memory of an array begins."""
    address: int = array.__array_interface__["data"][0]
    return address


def pin_store() -> Any:
    """What keeps the store in the memory of this process.

    Ray takes it away in `ray.shutdown()`, but not while somebody has an object of it. What was read from a buffer does not
    count: the next look at it, or giving it up, would end the process by a segmentation fault.
    """
    import numpy as np
    import ray

    return ray.get(ray.put(np.zeros(1, np.uint8)))


class Allowance:
    """How much of the store this process may still look at. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: str | None = None
        self._left_bytes = 0
        self._given_back: deque[tuple[str | None, int]] = deque()

    def look(self, array: Any) -> Any:
        """The array as a read-only view, or as a read-only copy where there would be too many views."""
        session = cluster.get_session()
        if self._take(session, array.nbytes):
            return _Counted(array, self, session).as_array()
        copy = array.copy()
        copy.flags.writeable = False
        return copy

    def _take(self, session: str | None, nb_bytes: int) -> bool:
        with self._lock:
            if session != self._session:
                self._session, self._left_bytes = session, min(MOST_BYTES, cluster.get_store_bytes() // 16)
            while self._given_back:
                taken_in, returned_bytes = self._given_back.popleft()
                if taken_in == session:
                    self._left_bytes += returned_bytes
            if nb_bytes > self._left_bytes:
                return False
            self._left_bytes -= nb_bytes
            return True

    def give_back(self, session: str | None, nb_bytes: int) -> None:
        """Say that some bytes are looked at no more."""
        # Without the lock: the interpreter may end a view anywhere, also while this thread has it.
        self._given_back.append((session, nb_bytes))


class _Counted(View):
    """One that gives back what an allowance has given."""

    __slots__ = ("_allowance", "_session")

    def __init__(self, array: Any, allowance: Allowance, session: str | None) -> None:
        super().__init__(array, array)
        self._allowance, self._session = allowance, session

    def __del__(self) -> None:
        self._allowance.give_back(self._session, self._keeper.nbytes)
        super().__del__()


allowance = Allowance()
"""That of this process."""


def look_at(packed: Any) -> Any:
    """What `messages.pack` has made, as it came by Ray, with arrays in it that may be kept as long as one likes."""
    if packed.__class__ is not list:
        return packed
    return [[allowance.look(array) for array in group] if group.__class__ is list else group for group in packed]

"""Memory that two processes of a node share, and that one of them writes again and again: the way of large arrays.

What Ray keeps as an object gets a place in its store, which is announced, looked up and given up again. For a frame of
1080p that takes several times as long as copying it. The channels of Ray's compiled graphs are places that stay: one is
written again as soon as nobody looks at what it held before. They are used here without those graphs, whose processes
look for the next value all the time, and keep a core each busy with that: here a call tells that a value is there.

What comes out of a buffer are read-only views of it, and as long as one of them lives it is not written. So a cell may keep
what it was given. Who finds no buffer free goes the ordinary way, by an object.

Ray gives the memory of a channel back when it ends, and not before. And a process can read only what it has read from
the beginning, while any may write. So buffers that this process reads are kept for the next clone, and those that it writes
are lost with the clone; all of them together are bounded.
"""

from __future__ import annotations

import itertools
import logging
import struct
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pickle import PickleBuffer
from typing import Any, NamedTuple

from ray.exceptions import ObjectStoreFullError, RayChannelTimeoutError

from pypipeline_engine.core.errors import describe_error
from pypipeline_engine.runtime.remote import cluster
from pypipeline_engine.runtime.remote.views import View, get_address, pin_store

MOST_BYTES = 2**30
"""Of all buffers that are made here while Ray runs, at most this much, and at most a quarter of the store of this node."""
SIDE_BYTES = 80 * 2**20
"""How much one clone may have for what it is given, and as much for what it gives back."""
ORDINARY_FIRST = 4
"""So many times a clone goes the ordinary way first: what is done after a few items is not worth a buffer."""
READ_WITHIN_S = 30.0
"""What is read has been written before, so that this is never waited for."""
CHUNK_BYTES = 2**19
"""Arrays are written in pieces of this size, because Ray copies what has a megabyte by six threads: where there are not as
many cores, that takes more than twice as much processor time. It begins each piece at a multiple of 64 bytes, so that they
join without a gap.
"""
_SOME_METADATA = b"ARRAYS"
"""Ray ends the process where there is none."""
_GRAIN_BYTES = 2**18
logger = logging.getLogger("pypipeline.ray")


class Buffer(NamedTuple):
    """A place in the store, as it travels from the process that has made it to the one that it shares it with."""

    number: int
    ref: Any
    nb_bytes: int
    is_for_answers: bool
    """Whether the process of a clone writes it."""


def _get_worker() -> Any:
    from ray._private.worker import global_worker

    return global_worker


class Writer:
    """Puts arrays into buffers, first into the one that it has not written for longest. One thread at a time."""

    def __init__(self) -> None:
        self._buffers: deque[Buffer] = deque()

    @property
    def nb_bytes(self) -> int:
        """How large all buffers are together."""
        return sum(buffer.nb_bytes for buffer in self._buffers)

    def add(self, buffer: Buffer) -> None:
        """Take over a buffer."""
        _get_worker().core_worker.experimental_channel_register_writer(buffer.ref, {})
        self._buffers.append(buffer)

    def put(self, arrays: Sequence[Any]) -> int | None:
        """Copy arrays into a buffer; its number, or `None` where no free one is large enough. Does not wait."""
        if not self._buffers:
            return None
        worker = _get_worker()
        packed = _lay_out(arrays)
        nb_bytes = packed.total_bytes + len(packed.metadata)
        for _ in range(len(self._buffers)):
            buffer = self._buffers[0]
            self._buffers.rotate(-1)
            if buffer.nb_bytes >= nb_bytes:
                with suppress(RayChannelTimeoutError):  # the other process still looks at it
                    worker.core_worker.experimental_channel_put_serialized(packed, buffer.ref, 1, 0)
                    return buffer.number
        return None


def _get_raylet() -> Any:
    from ray import _raylet

    return _raylet


def _lay_out(arrays: Sequence[Any]) -> Any:
    """Flat arrays of bytes as Ray writes them into a buffer, after their sizes.

    What Ray does with values of any kind, to write them and to read them, takes a frame half as long as copying it.
    """
    raylet = _get_raylet()
    writer = raylet.Pickle5Writer()
    for array in arrays:
        for begin in range(0, array.nbytes, CHUNK_BYTES):
            writer.buffer_callback(PickleBuffer(array[begin : begin + CHUNK_BYTES]))
    sizes = struct.pack(f"{len(arrays)}Q", *(array.nbytes for array in arrays))
    return raylet.Pickle5SerializedObject(_SOME_METADATA, sizes, writer, [])


def register_reader(buffer: Buffer) -> None:
    """Say that this process will read a buffer. To be called once, before anything is put into it."""
    _get_worker().core_worker.experimental_channel_register_reader(buffer.ref)


class Reader:
    """Looks at the arrays in buffers. One thread at a time."""

    def __init__(self) -> None:
        self._buffers: dict[int, Buffer] = {}
        self._memory: Any = None

    @property
    def nb_bytes(self) -> int:
        """How large all buffers are together."""
        return sum(buffer.nb_bytes for buffer in self._buffers.values())

    def add(self, buffer: Buffer) -> None:
        """Take over a buffer, which this process has been registered for."""
        if self._memory is None:
            self._memory = pin_store()
        self._buffers[buffer.number] = buffer

    def get(self, number: int) -> list[Any]:
        """Read-only views of the arrays that were put into a buffer. To be called once for each time that some were."""
        import numpy as np

        ref = self._buffers[number].ref
        ((data, _, _),) = _get_worker().core_worker.get_objects([ref], int(READ_WITHIN_S * 1000))
        sizes, chunks = _get_raylet().unpack_pickle5_buffers(data)
        whole = View(np.frombuffer(data, np.uint8), data, self._memory).as_array()
        arrays = []
        place = 0
        for (nb_bytes,) in struct.iter_unpack("Q", sizes):
            begin = get_address(np.frombuffer(chunks[place], np.uint8)) - get_address(whole)
            arrays.append(whole[begin : begin + nb_bytes])
            place += -(-nb_bytes // CHUNK_BYTES)
        return arrays

    def take_all(self) -> list[Buffer]:
        """Its buffers, which it has no longer."""
        buffers = list(self._buffers.values())
        self._buffers = {}
        return buffers


class Borrowing:
    """The buffers of one clone, as its own process sees them. One thread at a time."""

    def __init__(self) -> None:
        self._given = Reader()
        self._answers = Writer()

    def add(self, buffers: Sequence[Buffer]) -> None:
        """Take over buffers."""
        for buffer in buffers:
            if buffer.is_for_answers:
                self._answers.add(buffer)
            else:
                register_reader(buffer)
                self._given.add(buffer)

    def get(self, number: int) -> list[Any]:
        """As `Reader.get`."""
        return self._given.get(number)

    def put(self, arrays: Sequence[Any]) -> int | None:
        """As `Writer.put`."""
        return self._answers.put(arrays)


# ---------------------------------------------------------------------- in the process that the clones are made for


@dataclass
class _Made:
    """All buffers that were made while Ray runs as it does now."""

    session: str | None = None
    limit_bytes: int = 0
    nb_bytes: int = 0
    kept: list[Buffer] = field(default_factory=list)
    """Those for answers that no clone has now."""
    has_told: bool = False
    """Whether it was logged that there are no more."""


_made = _Made()
_making = threading.Lock()  # whoever obtains a buffer has it
_numbers = itertools.count()


def _obtain(nb_bytes: int, is_for_answers: bool) -> Buffer | None:
    """A buffer for arrays of so many bytes; `None` where there are enough.

    Also `None` while another clone obtains one: where others fill the store, that takes long, and objects will do meanwhile.
    """
    if not _making.acquire(blocking=False):
        return None
    try:
        _enter_session()
        kept = _made.kept if is_for_answers else []
        for buffer in kept:
            if nb_bytes <= buffer.nb_bytes <= 2 * nb_bytes:
                kept.remove(buffer)
                return buffer
        return _make(nb_bytes, is_for_answers)
    finally:
        _making.release()


def _make(nb_bytes: int, is_for_answers: bool) -> Buffer | None:
    """A new buffer; `None` where there are enough."""
    if _made.nb_bytes + nb_bytes > _made.limit_bytes:
        if not _made.has_told:
            logger.info(
                "no more memory is shared with clones for large arrays: from now on, new ones are slower with these"
            )
        _made.has_told = True
        return None
    try:
        ref = _get_worker().put_object(bytes(nb_bytes), _is_experimental_channel=True)
    except ObjectStoreFullError:  # by what others keep there
        return None
    _made.nb_bytes += nb_bytes
    buffer = Buffer(next(_numbers), ref, nb_bytes, is_for_answers)
    if is_for_answers:
        register_reader(buffer)
    return buffer


def _round_up(nb_bytes: int) -> int:
    """How large a buffer is to be for arrays of so many bytes, with room for what is written about them, and some more."""
    return -(-(nb_bytes + nb_bytes // 16 + 4096) // _GRAIN_BYTES) * _GRAIN_BYTES


def _enter_session() -> None:
    """Forget what was made before Ray was shut down."""
    global _made
    session = cluster.get_session()
    if session != _made.session:
        _made = _Made(session, min(MOST_BYTES, cluster.get_store_bytes() // 4))


class Lending:
    """The buffers of one clone, as its pipeline's process sees them. One thread gives, and another one takes back."""

    def __init__(self) -> None:
        self._writer = Writer()
        self._answers = Reader()
        self._news: deque[Buffer] = deque()
        self._nb_ordinary = 0
        self._nb_ordinary_answers = 0
        self.is_near = False
        """Whether the clone is on the same node; nothing is lent before that is known."""
        self._suffice_for_given = False
        self._suffice_for_answers = True

    def put(self, arrays: Sequence[Any]) -> int | None:
        """As `Writer.put`, with one more buffer where more are needed."""
        if not self.is_near:
            return None
        number = self._writer.put(arrays)
        if number is None and self._lend(arrays):
            number = self._writer.put(arrays)
        self._suffice_for_given = number is not None
        return number

    @property
    def suffice(self) -> bool:
        """Whether the last large arrays went by buffers, both those that were given and those that came back. Any thread."""
        return self.is_near and self._suffice_for_given and self._suffice_for_answers

    def _lend(self, arrays: Sequence[Any]) -> bool:
        self._nb_ordinary += 1
        nb_bytes = _round_up(sum(array.nbytes for array in arrays))
        if self._nb_ordinary <= ORDINARY_FIRST or self._writer.nb_bytes + nb_bytes > SIDE_BYTES:
            return False
        with self._or_objects():
            buffer = _obtain(nb_bytes, is_for_answers=False)
            if buffer is not None:
                self._writer.add(buffer)
                self._news.append(buffer)
                return True
        return False

    def get(self, number: int) -> list[Any]:
        """As `Reader.get`."""
        self._suffice_for_answers = True
        return self._answers.get(number)

    def note_ordinary_answer(self, nb_bytes: int) -> None:
        """Say that so many bytes came back the ordinary way, so that there is a buffer for them the next time."""
        self._suffice_for_answers = False
        self._nb_ordinary_answers += 1
        nb_bytes = _round_up(nb_bytes)
        is_soon = self._nb_ordinary_answers <= ORDINARY_FIRST
        if not self.is_near or is_soon or self._answers.nb_bytes + nb_bytes > SIDE_BYTES:
            return
        with self._or_objects():
            buffer = _obtain(nb_bytes, is_for_answers=True)
            if buffer is not None:
                self._answers.add(buffer)
                self._news.append(buffer)

    @contextmanager
    def _or_objects(self) -> Iterator[None]:
        """Where this Ray has no channels, say so, and go on with objects."""
        try:
            yield
        except Exception as error:
            self.is_near = False
            logger.warning("large arrays are slower than they could be with this Ray: %s", describe_error(error))

    def take_news(self) -> list[Buffer]:
        """The buffers that the process of the clone has not been told of."""
        news = []
        while self._news:
            news.append(self._news.popleft())
        return news

    def end(self) -> None:
        """Keep for others what they can use. The clone has nothing in work, and gets nothing more."""
        answers = self._answers.take_all()
        if _made.session == cluster.get_session():
            _made.kept.extend(answers)

"""How others do the same jobs: frameworks, the standard library, and what can be written by hand.

Each is a generator of results in order. Libraries are imported where they are used: they may be missing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

from jobs import Job, same

# ---------------------------------------------------------------------- without threads


def plain_loop(job: Job, nb_items: int) -> Iterator[Any]:
    """Three calls in a loop."""
    work, then, finish = job.work, same, job.finish
    for item in job.make_items(nb_items):
        yield finish(then(work(item)))


def generator_chain(job: Job, nb_items: int) -> Iterator[Any]:
    """A generator for each function."""

    def each(values: Iterator[Any], function: Callable[[Any], Any]) -> Iterator[Any]:
        for value in values:
            yield function(value)

    stream = job.make_items(nb_items)
    for function in (job.work, same, job.finish):
        stream = each(stream, function)
    return stream


def pypeln_sync(job: Job, nb_items: int) -> Iterator[Any]:
    """Three stages of pypeln that share a thread."""
    from pypeln import sync

    stream: Any = job.make_items(nb_items)
    for function in (job.work, same, job.finish):
        stream = sync.map(function, stream)
    return iter(stream)


def streamz(job: Job, nb_items: int) -> Iterator[Any]:
    """Three nodes of streamz, items pushed into the first one."""
    from streamz import Stream

    source = node = Stream()
    for function in (job.work, same, job.finish):
        node = node.map(function)
    results: list[Any] = []
    node.sink(results.append)
    for item in job.make_items(nb_items):
        source.emit(item)
        yield results.pop()


# ---------------------------------------------------------------------- on threads


def _window(job: Job) -> int:
    if job.window is None:
        raise ValueError("a peer has to be told its window: it has no default")
    return job.window


def thread_pool(job: Job, nb_items: int) -> Iterator[Any]:
    """`concurrent.futures` with so many items under way: the oldest is awaited before the next goes in."""
    work, then, finish, window = job.work, same, job.finish, _window(job)
    under_way: deque[Any] = deque()
    with ThreadPoolExecutor(job.workers) as pool:
        for item in job.make_items(nb_items):
            under_way.append(pool.submit(work, item))
            if len(under_way) >= window:
                yield finish(then(under_way.popleft().result()))
        while under_way:
            yield finish(then(under_way.popleft().result()))


def pypeln_thread(job: Job, nb_items: int) -> Iterator[Any]:
    """pypeln on threads. Its `ordered` brings the first result when it has the last one."""
    from pypeln import thread

    stream = thread.map(job.work, job.make_items(nb_items), workers=job.workers, maxsize=_window(job))
    for value in thread.ordered(stream):
        yield job.finish(same(value))


def lock_per_slot(job: Job, nb_items: int) -> Iterator[Any]:
    """By hand, as lean as it gets: one queue to all threads, and for each item a lock that is released with its result."""
    work, then, finish, window = job.work, same, job.finish, _window(job)
    queue: SimpleQueue[list[Any] | None] = SimpleQueue()

    def serve() -> None:
        get = queue.get
        while (slot := get()) is not None:
            slot[1] = work(slot[1])
            slot[0].release()

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(job.workers)]
    for thread in threads:
        thread.start()
    under_way: deque[list[Any]] = deque()
    put, new_lock = queue.put, threading.Lock
    try:
        for item in job.make_items(nb_items):
            lock = new_lock()
            lock.acquire()
            slot = [lock, item]
            under_way.append(slot)
            put(slot)
            if len(under_way) >= window:
                slot = under_way.popleft()
                slot[0].acquire()
                yield finish(then(slot[1]))
        while under_way:
            slot = under_way.popleft()
            slot[0].acquire()
            yield finish(then(slot[1]))
    finally:
        for _ in threads:
            put(None)
        for thread in threads:
            thread.join()

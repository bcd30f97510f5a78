"""What has to be done to a stream of items, said without saying who does it, and how a stream of results is timed.

All contenders get the same job and are timed by the same code: `time_stream` takes every result, as fast as C code can,
and compares all of them with what has to come once the clock has stopped.
"""

from __future__ import annotations

import gc
import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from time import perf_counter, thread_time
from typing import Any


class WrongResults(Exception):
    """A contender lost, repeated, changed or reordered items: its time means nothing."""


def same(value: Any) -> Any:
    """No work at all, so that only what moves the item is timed."""
    return value


@dataclass(frozen=True)
class Job:
    """Three functions after a source: `work`, `same`, and `finish`. The results have to come complete and in order."""

    make_items: Callable[[int], Iterator[Any]]
    make_expected: Callable[[int], Sequence[Any]]
    work: Callable[[Any], Any] = same
    finish: Callable[[Any], Any] = same
    workers: int = 0
    """How many threads do `work`; with 0 everything is done by the thread that takes the results."""
    window: int | None = None
    """How many items may be under way at once; `None` for what the contender does by itself."""
    by: str = "thread"
    """What our clones are: `thread` or `ray`."""


Stream = Callable[[Job, int], Iterable[Any]]
"""A way to do a job: the job and the number of items in, the results out."""

NB_TRIAL_ITEMS = 8


@dataclass(frozen=True)
class Size:
    """How many results are timed, after how many that are not."""

    items: int
    warm: int = 0


def time_stream(stream: Stream, job: Job, size: Size, clock: Callable[[], float] = perf_counter) -> float:
    """Seconds for `size.items` results after the first `size.warm`.

    Where none warm up, a stream of a few items goes before: modules that are loaded at first use are paid for once in a
    process, and are no part of what an item costs.

    :param clock: `time.process_time` where one thread works and nobody waits: then it tells the same as the time of the day,
        and is disturbed less by other programs.
    :raises WrongResults: where the results are not those that had to come.
    """
    if not size.warm:
        check(list(stream(job, NB_TRIAL_ITEMS)), job.make_expected(NB_TRIAL_ITEMS))
    expected = job.make_expected(size.warm + size.items)
    gc.collect()
    results: list[Any] = []
    begin = clock()
    source = iter(stream(job, size.warm + size.items))
    if size.warm:
        results.extend(islice(source, size.warm))
        begin = clock()
    results.extend(islice(source, size.items))
    took = clock() - begin
    results.extend(source)  # none, and what the contender needs to end is not a part of the work
    check(results, expected)
    return took


def check(results: Sequence[Any], expected: Sequence[Any]) -> None:
    """Raise `WrongResults` unless both are equal."""
    if len(results) != len(expected):
        raise WrongResults(f"{len(results)} results came instead of {len(expected)}")
    for number, (result, right) in enumerate(zip(results, expected, strict=True)):
        if result != right:
            raise WrongResults(f"result {number} is {result!r} instead of {right!r}")


# ---------------------------------------------------------------------- items and work


def count_up(nb_items: int) -> Iterator[int]:
    """0, 1, 2, ..."""
    return iter(range(nb_items))


COUNTING = Job(count_up, range)
"""Integers, and no work."""

WAIT_S = 0.010


def wait(value: Any) -> Any:
    """Wait 10 ms, as for a network, without the GIL."""
    time.sleep(WAIT_S)
    return value


SPIN_S = 100e-6


def spin(value: Any) -> Any:
    """Work for 100 us of processor time, and hold the GIL."""
    end = thread_time() + SPIN_S
    while thread_time() < end:
        pass
    return value


SHORT_S = 0.005


def wait_briefly(value: Any) -> Any:
    """Wait 5 ms, without the GIL."""
    time.sleep(SHORT_S)
    return value


LONG_S = 0.050
_random = Random(1)
_SKEWED_S = [LONG_S if _random.random() < 0.1 else SHORT_S for _ in range(10_000)]


def wait_skewed(number: int) -> int:
    """Wait 5 ms, and 50 ms for one in ten items."""
    time.sleep(_SKEWED_S[number])
    return number


def ideal_skewed_s(nb_items: int, workers: int) -> float:
    """How long `wait_skewed` takes where each worker takes the next item as soon as it is free, and nothing else costs."""
    free_at = [0.0] * workers
    for seconds in _SKEWED_S[:nb_items]:
        heapq.heapreplace(free_at, free_at[0] + seconds)
    return max(free_at)

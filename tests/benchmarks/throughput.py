"""Workloads that are a stream through a pipeline: W1, W2, W3, W6 and W7."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import median

import cells
import frames
import peers
from contest import Comparison, Contender, Unit, Workload, figure_at_least, ratio_at_least
from jobs import (
    COUNTING,
    WAIT_S,
    Job,
    Size,
    Stream,
    count_up,
    ideal_skewed_s,
    time_stream,
    wait,
    wait_skewed,
)


def rate(
    name: str, stream: Stream, job: Job, full: Size, quick: Size, needs: str | None = None, tries: int = 1
) -> Contender:
    """A contender whose figure is results per second.

    :param tries: the median of so many is taken, where one is so short that it may fall into a moment when the machine does
        something else.
    """

    def measure(is_quick: bool) -> float:
        size = quick if is_quick else full
        return median(size.items / time_stream(stream, job, size) for _ in range(1 if is_quick else tries))

    return Contender(name, measure, needs)


# ---------------------------------------------------------------------- W1: what moving an item costs


def without_threads() -> Workload:
    """Integers through four cells."""

    def contender(name: str, stream: Stream, nb_items: int, warm: int = 100, needs: str | None = None) -> Contender:
        return rate(name, stream, COUNTING, Size(nb_items, warm), Size(200, warm and 10), needs, tries=5)

    frameworks = ("pypeln.sync", "streamz")
    return Workload(
        "w1",
        "integers through four cells, no parallelism",
        Unit.RATE,
        (
            contender("pull()", cells.by_pull, 300_000),
            contender("pypeln.sync", peers.pypeln_sync, 150_000, needs="pypeln"),
            contender("run()", cells.by_run, 300_000, warm=0),  # its results come all at once
            contender("streamz", peers.streamz, 60_000, needs="streamz"),
            contender("generators", peers.generator_chain, 1_500_000),
            contender("plain loop", peers.plain_loop, 1_500_000),
        ),
        (
            Comparison("pull()", "pull()", frameworks, (ratio_at_least(4),)),
            Comparison("run()", "run()", frameworks, (ratio_at_least(4),)),
            Comparison("pull(), beside what is possible by hand", "pull()", ("generators", "plain loop")),
        ),
    )


# ---------------------------------------------------------------------- W2: what handing an item to a thread costs


def on_two_threads() -> Workload:
    """Integers through a cell on two threads, in order."""
    contenders: list[Contender] = []
    comparisons: list[Comparison] = []

    def add(name: str, window: int, stream: Stream, nb_items: int, warm: int = 500, needs: str | None = None) -> None:
        job = replace(COUNTING, workers=2, window=window)
        size, quick = Size(nb_items, warm), Size(300, warm and 20)
        contenders.append(rate(f"{name}, window {window}", stream, job, size, quick, needs))

    for window, goal in ((4, 5), (64, 3)):
        add("ours", window, cells.by_pull, 60_000)
        add("thread pool", window, peers.thread_pool, 40_000)
        add("lock per slot", window, peers.lock_per_slot, 150_000)
        add("pypeln.thread", window, peers.pypeln_thread, 3_000, warm=0, needs="pypeln")
        frameworks = (f"thread pool, window {window}", f"pypeln.thread, window {window}")
        comparisons += [
            Comparison(f"window {window}", f"ours, window {window}", frameworks, (ratio_at_least(goal),)),
            Comparison(
                f"window {window}, beside what is possible by hand",
                f"ours, window {window}",
                (f"lock per slot, window {window}",),
            ),
        ]
    title = "integers through a cell on two threads, in order"
    return Workload("w2", title, Unit.RATE, tuple(contenders), tuple(comparisons))


# ---------------------------------------------------------------------- W3: work that releases the GIL


def on_frames() -> Workload:
    """OpenCV on one and two threads."""

    def contender(name: str, stream: Stream, workers: int, window: int | None = None) -> Contender:
        job = replace(frames.BLUR, workers=workers, window=window)
        return rate(name, stream, job, Size(500, 20), Size(6, 2), needs="cv2")

    return Workload(
        "w3",
        "OpenCV blurs and shrinks 1080p frames",
        Unit.RATE,
        (
            contender("ours x1", cells.by_pull, 1),
            contender("plain loop", peers.plain_loop, 0),
            contender("ours x2", cells.by_pull, 2),
            contender("thread pool x2", peers.thread_pool, 2, window=4),
            contender("thread pool x1", peers.thread_pool, 1, window=2),
        ),
        (
            Comparison("x2 against one loop", "ours x2", ("plain loop",), (ratio_at_least(1.9),)),
            Comparison("x2 against two threads", "ours x2", ("thread pool x2",), (ratio_at_least(1),)),
            Comparison("for reference, two threads against one loop", "thread pool x2", ("plain loop",)),
            Comparison("x1 against one loop", "ours x1", ("plain loop",), (ratio_at_least(0.97),)),
            Comparison("x1 against one thread", "ours x1", ("thread pool x1",)),
        ),
    )


# ---------------------------------------------------------------------- W6, W7: work that waits


def share(name: str, stream: Stream, job: Job, full: Size, quick: Size, ideal_s: Callable[[int], float]) -> Contender:
    """A contender whose figure is the share of what is possible where nothing but the work takes time."""

    def measure(is_quick: bool) -> float:
        size = quick if is_quick else full
        return ideal_s(size.items) / time_stream(stream, job, size)

    return Contender(name, measure)


def on_many_threads() -> Workload:
    """Waits of 10 ms on 32 threads."""
    workers = 32

    def contender(name: str, stream: Stream, window: int | None = None) -> Contender:
        job = Job(count_up, range, wait, workers=workers, window=window)
        # Multiples of the number of threads: as many items are in work at the first result that is timed as at the last.
        full, quick = Size(100 * workers, 2 * workers), Size(2 * workers, workers)
        return share(name, stream, job, full, quick, lambda nb_items: nb_items * WAIT_S / workers)

    goals = (figure_at_least(0.95), ratio_at_least(1))
    return Workload(
        "w6",
        "waits of 10 ms on 32 threads",
        Unit.SHARE,
        (
            contender("ours", cells.by_pull),
            contender("thread pool", peers.thread_pool, window=64),
            contender("lock per slot", peers.lock_per_slot, window=64),
        ),
        (
            Comparison("x32", "ours", ("thread pool",), goals),
            Comparison("x32, beside what is possible by hand", "ours", ("lock per slot",)),
        ),
    )


def on_skewed_work() -> Workload:
    """Waits of which one in ten takes ten times as long, in order."""
    workers = 4

    def contender(name: str, stream: Stream, window: int | None = None) -> Contender:
        job = Job(count_up, range, wait_skewed, workers=workers, window=window)
        # Timed from the start: after some results, a large window would have finished more than a small one.
        return share(name, stream, job, Size(1000), Size(24), lambda nb_items: ideal_skewed_s(nb_items, workers))

    by_others = ("thread pool, window 16", "thread pool, window 64", "lock per slot, window 64")
    return Workload(
        "w7",
        "waits of 5 ms, of 50 ms for one in ten, on 4 threads, in order: share of the unordered ideal",
        Unit.SHARE,
        (
            contender("ours", cells.by_pull),
            contender("thread pool, window 16", peers.thread_pool, window=16),
            contender("ours, window 64", cells.by_pull, window=64),
            contender("thread pool, window 64", peers.thread_pool, window=64),
            contender("lock per slot, window 64", peers.lock_per_slot, window=64),
        ),
        (
            Comparison("default settings", "ours", by_others, (figure_at_least(0.9),)),
            Comparison("window 64", "ours, window 64", by_others, (figure_at_least(0.97),)),
        ),
    )

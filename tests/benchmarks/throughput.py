"""Workloads that are a stream through a pipeline: W1, W2, W3, W6 and W7."""

from __future__ import annotations

from dataclasses import replace

import cells
import peers
from contest import Comparison, Contender, Unit, Workload, ratio_at_least, ratio_at_most
from jobs import Job, Size, Stream, count_up, time_stream

COUNTING = Job(count_up, range)


def rate(name: str, stream: Stream, job: Job, full: Size, quick: Size, needs: str | None = None) -> Contender:
    """A contender whose figure is results per second."""

    def measure(is_quick: bool) -> float:
        size = quick if is_quick else full
        return size.items / time_stream(stream, job, size)

    return Contender(name, measure, needs)


# ---------------------------------------------------------------------- W1: what moving an item costs


def without_threads() -> Workload:
    """Integers through four cells."""

    def contender(name: str, stream: Stream, nb_items: int, warm: int = 100, needs: str | None = None) -> Contender:
        return rate(name, stream, COUNTING, Size(nb_items, warm), Size(200, warm and 10), needs)

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


def long_chain() -> Workload:
    """The cost of a cell in a long chain and in a short one."""

    def contender(nb_cells: int, nb_items: int) -> Contender:
        def measure(is_quick: bool) -> float:
            size = Size(10 if is_quick else nb_items, 2 if is_quick else 50)
            took = time_stream(
                lambda job, n: cells.pull_all(*cells.make_chain(nb_cells, job.make_items(n))), COUNTING, size
            )
            return took / size.items / nb_cells * 1e6

        return Contender(f"{nb_cells:,} cells", measure)

    return Workload(
        "chain",
        "integers through a long chain of cells",
        Unit.CELL_US,
        (contender(2000, 300), contender(10, 60_000)),
        (Comparison("a cell among 2,000 and among 10", "2,000 cells", ("10 cells",), (ratio_at_most(3),)),),
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

"""Workloads in other processes, by Ray: W4, W4b and W5, beside Ray used by hand.

Starting Ray and the clones is not a part of what is timed: each contender takes some results before.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

import cells
import frames
import peers
from contest import Comparison, Contender, Unit, Workload, figure_at_least, ratio_at_least, ratio_at_most
from jobs import COUNTING, Job, Size, Stream, check, count_up, time_stream

# Or actors could not import their work, whoever starts Ray.
_HERE = str(Path(__file__).resolve().parent)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_HERE, os.environ.get("PYTHONPATH")]))

# ---------------------------------------------------------------------- Ray by hand


class ByHand:
    """What would be written for one job: it keeps a function, and is asked with one item or with several."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work

    def one(self, item: Any) -> Any:
        return self._work(item)

    def many(self, items: list[Any]) -> list[Any]:
        work = self._work
        return [work(item) for item in items]


def _start_ray() -> Any:
    import ray

    if not ray.is_initialized():
        os.environ.setdefault("RAY_worker_niceness", "0")  # as for our clones, to be fair
        ray.init(address="local", include_dashboard=False, logging_level="ERROR")
    return ray


def _make_actors(job: Job) -> list[Any]:
    ray = _start_ray()
    actors = [ray.remote(num_cpus=0)(ByHand).remote(job.work) for _ in range(job.workers)]
    ray.get([actor.__ray_ready__.remote() for actor in actors])
    return actors


def actor_calls(in_a_call: int) -> Stream:
    """Actors asked in turn with so many items a call, as many calls under way as the window allows."""

    def stream(job: Job, nb_items: int) -> Iterator[Any]:
        import ray

        actors, items = _make_actors(job), job.make_items(nb_items)
        calls = max(2 * job.workers, (job.window or 0) // in_a_call)
        under_way: deque[Any] = deque()
        number = 0
        while under_way or nb_items:
            batch = list(islice(items, in_a_call))
            if batch:
                actor = actors[number % len(actors)]
                number += 1
                under_way.append(actor.many.remote(batch) if in_a_call > 1 else actor.one.remote(batch[0]))
            if under_way and (len(under_way) >= calls or not batch):
                result = ray.get(under_way.popleft())
                yield from (map(job.finish, result) if in_a_call > 1 else (job.finish(result),))
            if not batch and not under_way:
                return

    return stream


def compiled_graph(nb_bytes: int) -> Stream:
    """A compiled graph for each actor: its channels keep buffers of this size, and each actor looks at them all the time."""

    def stream(job: Job, nb_items: int) -> Iterator[Any]:
        import ray
        from ray.dag import InputNode

        actors, window = _make_actors(job), max(2, job.window or 4)
        graphs = []
        for actor in actors:
            with InputNode() as given:
                node = actor.one.bind(given)
            graphs.append(
                node.experimental_compile(
                    _buffer_size_bytes=nb_bytes, _max_inflight_executions=window, _max_buffered_results=window
                )
            )
        under_way: deque[Any] = deque()
        for number, item in enumerate(job.make_items(nb_items)):
            under_way.append(graphs[number % len(graphs)].execute(item))
            if len(under_way) >= window:
                yield job.finish(ray.get(under_way.popleft()))
        while under_way:
            yield job.finish(ray.get(under_way.popleft()))
        for graph in graphs:
            graph.teardown()

    return stream


# ---------------------------------------------------------------------- workloads


def compute(number: int) -> int:
    """Some 2.5 ms of Python that holds the GIL."""
    total = 0
    for value in range(40_000):
        total += value & number
    return number if total >= 0 else total


def _rate(name: str, stream: Stream, job: Job, full: Size, quick: Size) -> Contender:
    def measure(is_quick: bool) -> float:
        size = quick if is_quick else full
        return size.items / time_stream(stream, job, size)

    return Contender(name, measure, "ray")


COMPUTING = Job(count_up, range, compute)


def on_python() -> Workload:
    """Python that holds the GIL, in two processes."""
    full, quick = Size(1200, 100), Size(40, 10)

    def contender(name: str, stream: Stream, workers: int, window: int | None = None, by: str = "thread") -> Contender:
        return _rate(name, stream, replace(COMPUTING, workers=workers, window=window, by=by), full, quick)

    by_hand = ("Ray by hand, 8 a call", "Ray by hand, 1 a call", "compiled graph")
    return Workload(
        "w4",
        "2.5 ms of Python in two processes",
        Unit.RATE,
        (
            contender("ours x2", cells.by_pull, 2, by="ray"),
            contender("plain loop", peers.plain_loop, 0),
            contender("Ray by hand, 8 a call", actor_calls(8), 2, 32),
            contender("ours x1", cells.by_pull, 1, by="ray"),
            contender("Ray by hand, 1 a call", actor_calls(1), 2, 8),
            contender("compiled graph", compiled_graph(1 << 16), 2, 8),
        ),
        (
            Comparison("x2 against one loop", "ours x2", ("plain loop",), (ratio_at_least(1.6),)),
            Comparison("x2 against Ray by hand", "ours x2", by_hand),
            Comparison("x1 against one loop", "ours x1", ("plain loop",)),
        ),
    )


def on_integers() -> Workload:
    """Integers through a clone in another process."""
    job = replace(COUNTING, workers=1)

    def contender(name: str, stream: Stream, nb_items: int, window: int | None = None, by: str = "thread") -> Contender:
        return _rate(name, stream, replace(job, window=window, by=by), Size(nb_items, 2000), Size(300, 50))

    by_hand = ("Ray by hand, 64 a call", "Ray by hand, 1 a call", "compiled graph")
    return Workload(
        "w4b",
        "integers through another process",
        Unit.RATE,
        (
            contender("ours", cells.by_pull, 200_000, by="ray"),
            contender("Ray by hand, 64 a call", actor_calls(64), 60_000, 128),
            contender("Ray by hand, 1 a call", actor_calls(1), 4_000, 8),
            contender("compiled graph", compiled_graph(1 << 16), 6_000, 8),
        ),
        (Comparison("a fast stream", "ours", by_hand, (figure_at_least(40_000),)),),
    )


PAUSE_S = 0.005


def tell_times(nb_items: int) -> Iterator[float]:
    """A stream that brings something now and then: the moment at which it did."""
    for _ in range(nb_items):
        sleep(PAUSE_S)
        yield perf_counter()


def one_by_one() -> Workload:
    """How long a single item is under way through another process: asked for one after the other, and of a slow stream."""

    def get_nb_items(is_quick: bool) -> int:
        return 20 if is_quick else 600

    def time_each(pull: Callable[[], Any], is_quick: bool) -> float:
        times = []
        for _ in range(get_nb_items(is_quick)):
            begin = perf_counter()
            pull()
            times.append(perf_counter() - begin)
        return median(times) * 1e6

    def since(moments: Iterator[float], is_quick: bool) -> float:
        return median(perf_counter() - moment for moment in islice(moments, get_nb_items(is_quick))) * 1e6

    def ours(is_quick: bool) -> float:
        stream = cells.by_pull(replace(COUNTING, workers=1, window=1, by="ray"), 10_000)
        for _ in range(10):
            next(stream)
        try:
            return time_each(lambda: next(stream), is_quick)
        finally:
            stream.close()

    def by_hand(is_quick: bool) -> float:
        import ray

        (actor,) = _make_actors(replace(COUNTING, workers=1))
        return time_each(lambda: ray.get(actor.one.remote(1)), is_quick)

    def ours_of_slow(is_quick: bool) -> float:
        stream = cells.by_pull(replace(COUNTING, make_items=tell_times, workers=1, by="ray"), 10_000)
        for _ in range(10):
            next(stream)
        try:
            return since(stream, is_quick)
        finally:
            stream.close()

    def by_hand_of_slow(is_quick: bool) -> float:
        import ray

        (actor,) = _make_actors(replace(COUNTING, workers=1))
        return since((ray.get(actor.one.remote(moment)) for moment in tell_times(10_000)), is_quick)

    return Workload(
        "w4c",
        "one item at a time through another process",
        Unit.ITEM_US,
        (
            Contender("ours", ours, "ray"),
            Contender("Ray's round trip", by_hand, "ray"),
            Contender("ours, slow stream", ours_of_slow, "ray"),
            Contender("Ray's round trip, slow stream", by_hand_of_slow, "ray"),
        ),
        (
            Comparison("one after the other", "ours", ("Ray's round trip",), (ratio_at_most(1.2),)),
            Comparison(
                "of a slow stream", "ours, slow stream", ("Ray's round trip, slow stream",), (ratio_at_most(1.2),)
            ),
        ),
    )


def mean(frame: Any) -> float:
    """A number for a frame."""
    import cv2

    return float(cv2.mean(frame)[0])


def invert(frame: Any) -> Any:
    """A frame for a frame."""
    import cv2

    return cv2.bitwise_not(frame)


def _means(nb_items: int) -> list[float]:
    values = [mean(frame) for frame in frames.get_frames()]
    return [values[number % len(values)] for number in range(nb_items)]


def _inverted_sums(nb_items: int) -> list[int]:
    values = [frames.sum_sparsely(invert(frame)) for frame in frames.get_frames()]
    return [values[number % len(values)] for number in range(nb_items)]


def on_large_arrays(comes_back: bool) -> Workload:
    """Frames of 6.2 MB into another process; a number comes back, or a frame."""
    job = (
        Job(frames.repeat_frames, _inverted_sums, invert, frames.sum_sparsely)
        if comes_back
        else Job(frames.repeat_frames, _means, mean)
    )

    def contender(name: str, stream: Stream, window: int | None = None, by: str = "thread") -> Contender:
        return _rate(name, stream, replace(job, workers=1, window=window, by=by), Size(400, 20), Size(8, 4))

    by_hand = ("actor, window 4", "actor, 4 frames a call", "compiled graph")
    return Workload(
        "w5 back" if comes_back else "w5 in",
        "1080p frames into another process, " + ("and frames back" if comes_back else "numbers back"),
        Unit.RATE,
        (
            contender("ours", cells.by_pull, by="ray"),
            contender("actor, window 4", actor_calls(1), 4),
            contender("actor, 4 frames a call", actor_calls(4), 12),
            contender("compiled graph", compiled_graph(8 << 20), 4),
        ),
        (
            Comparison("beside actor calls", "ours", by_hand[:2], (ratio_at_least(1),)),
            Comparison("beside all of Ray", "ours", by_hand, (ratio_at_least(1),)),
        ),
    )


def first_item() -> Workload:
    """From the start to the first result of two clones in other processes: with Ray to be started first, and running."""
    job = replace(COUNTING, workers=2, window=4, by="ray")

    def contender(name: str, stream: Stream, is_running: bool) -> Contender:
        def measure(is_quick: bool) -> float:
            if is_running:
                check(list(stream(job, 2)), job.make_expected(2))
            begin = perf_counter()
            results = iter(stream(job, 100))
            first = next(results)
            took = perf_counter() - begin
            check([first, *results], job.make_expected(100))
            return took

        return Contender(name, measure, "ray")

    by_hand = actor_calls(1)
    return Workload(
        "start",
        "from the start to the first result of two other processes",
        Unit.SECONDS,
        (
            contender("ours, Ray to be started", cells.by_pull, is_running=False),
            contender("Ray by hand, to be started", by_hand, is_running=False),
            contender("ours, Ray running", cells.by_pull, is_running=True),
            contender("Ray by hand, running", by_hand, is_running=True),
        ),
        (
            Comparison("Ray to be started", "ours, Ray to be started", ("Ray by hand, to be started",)),
            Comparison("Ray running", "ours, Ray running", ("Ray by hand, running",)),
        ),
    )

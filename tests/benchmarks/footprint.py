"""Workloads without a stream to time: memory, imports, deployment and its end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import cells
import frames
import peers
from contest import Comparison, Contender, Unit, Workload, figure_at_most
from jobs import COUNTING, Job, Stream, WrongResults, check, count_up, wait

# ---------------------------------------------------------------------- memory

STATUS = "/proc/self/status"


def get_memory_mb(field: str) -> float:
    """What Linux says about this process in MiB: `VmRSS` for now, `VmHWM` for the most that it was."""
    fields = dict(line.split(":", 1) for line in Path(STATUS).read_text().splitlines())
    return int(fields[field].split()[0]) / 1024


def memory() -> Workload:
    """How the process grows over many items, and how much large ones take where nobody fetches them."""

    def growing(name: str, job: Job, nb_warm: int, nb_items: int) -> Contender:
        def measure(is_quick: bool) -> float:
            warm, items = (50, 100) if is_quick else (nb_warm, nb_items)
            stream = iter(cells.by_pull(job, warm + items))
            check(_skim(stream, warm), [warm - 1])
            before = get_memory_mb("VmRSS")
            check(_skim(stream, items), [warm + items - 1])
            growth = get_memory_mb("VmRSS") - before
            check(list(stream), [])
            return growth

        return Contender(name, measure, needs=STATUS)

    def piling_up(name: str, job: Job, stream: Stream, tell: Callable[[Any], int]) -> Contender:
        job = replace(job, workers=2, window=100)

        def measure(is_quick: bool) -> float:
            nb_taken, pause_s = (2, 0.01) if is_quick else (20, 0.05)
            next(job.make_items(1))  # loads numpy
            before = get_memory_mb("VmRSS")
            source = iter(stream(replace(job, window=3) if is_quick else job, 1000))
            for number in range(nb_taken):
                check([tell(next(source))], [number])
                time.sleep(pause_s)  # what is slow is the consumer
            most = get_memory_mb("VmHWM")
            source.close()
            return most - before

        return Contender(name, measure, needs=STATUS)

    def round_it(job: Job, nb_items: int) -> Iterator[Any]:
        return cells.pull_all(*cells.make_way_round(job, nb_items))

    by_pool = "thread pool, frames, slow consumer"
    goals = (figure_at_most(320),)  # 256 MiB may wait; the rest is in work
    return Workload(
        "memory",
        "growth of the process",
        Unit.MEGABYTES,
        (
            growing("four cells, 1,000,000 pulls", COUNTING, 100_000, 1_000_000),
            growing("two threads, 200,000 pulls", replace(COUNTING, workers=2), 20_000, 200_000),
            piling_up("frames, slow consumer", frames.COPY, cells.by_pull, frames.get_number),
            piling_up(by_pool, frames.COPY, peers.thread_pool, frames.get_number),
            piling_up("frames round it, slow consumer", frames.LOOK, round_it, lambda pair: frames.get_number(pair[1])),
        ),
        (
            Comparison("1,000,000 pulls of four cells", "four cells, 1,000,000 pulls", goals=(figure_at_most(1),)),
            Comparison("200,000 pulls from two threads", "two threads, 200,000 pulls", goals=(figure_at_most(1),)),
            Comparison("1080p frames that wait, window 100", "frames, slow consumer", (by_pool,), goals),
            Comparison("1080p frames that wait beside the work", "frames round it, slow consumer", (by_pool,), goals),
        ),
    )


def _skim(stream: Iterator[Any], nb_items: int) -> list[Any]:
    """Take so many results and keep the last one only."""
    return list(deque(islice(stream, nb_items), maxlen=1))


# ---------------------------------------------------------------------- imports

HEAVY = ("numpy", "cv2", "ray")


def imports() -> Workload:
    """How long an import takes in a fresh interpreter."""

    def contender(name: str, statement: str, needs: str | None = None, forbidden: tuple[str, ...] = ()) -> Contender:
        code = (
            "import sys, time; begin = time.perf_counter()\n"
            f"{statement}\n"
            f"print(time.perf_counter() - begin, *(name for name in {forbidden!r} if name in sys.modules))"
        )

        def measure(is_quick: bool) -> float:
            return median(_time_import(code) for _ in range(1 if is_quick else 5))

        return Contender(name, measure, needs)

    everything = "import pypipeline_engine as engine; [getattr(engine, name) for name in engine.__all__]"
    others = ("import streamz", "import pypeln")
    return Workload(
        "import",
        "imports in a fresh interpreter",
        Unit.SECONDS,
        (
            contender("import pypipeline_engine", "import pypipeline_engine", forbidden=HEAVY),
            contender("all its names", everything),
            *(contender(name, name, needs=name.split()[1]) for name in others),
        ),
        (
            Comparison("import pypipeline_engine", "import pypipeline_engine", others, (figure_at_most(0.15),)),
            Comparison("and use all names of it", "all its names", others),
        ),
    )


def _time_import(code: str) -> float:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    took, *loaded = done.stdout.split()
    if loaded:
        raise WrongResults(f"the import loads {', '.join(loaded)}")
    return float(took)


# ---------------------------------------------------------------------- deployment


def deployment() -> Workload:
    """How long a large pipeline takes to be deployed, and one with many clones to end."""

    def deploy(is_quick: bool) -> float:
        pipeline, sink = cells.make_chain(20 if is_quick else 1000, count_up(1))
        took = _time(pipeline.deploy)
        pipeline.pull()
        check([sink.value], [0])
        pipeline.undeploy()
        return took

    def undeploying(name: str, settle_s: float) -> Contender:
        def measure(is_quick: bool) -> float:
            workers = 4 if is_quick else 32
            pipeline, sink = cells.make_pipeline(Job(count_up, range, wait, workers=workers), 100_000)
            pipeline.deploy()
            for number in range(2 * workers):
                pipeline.pull()
                check([sink.value], [number])
            time.sleep(0 if is_quick else settle_s)  # for that long nobody pulls
            took = _time(pipeline.undeploy)
            if pipeline.is_deployed():
                raise WrongResults("it is still deployed")
            return took

        return Contender(name, measure)

    return Workload(
        "deploy",
        "deploying and undeploying",
        Unit.SECONDS,
        (
            Contender("deploy 1,000 cells", deploy),
            undeploying("undeploy 32 clones in work", 0),
            undeploying("undeploy 32 clones that wait", 0.5),
        ),
        (
            Comparison("deploy 1,000 cells", "deploy 1,000 cells", goals=(figure_at_most(1),)),
            Comparison(
                "undeploy 32 clones in waits of 10 ms", "undeploy 32 clones in work", goals=(figure_at_most(0.1),)
            ),
            Comparison(
                "undeploy 32 clones that wait for room", "undeploy 32 clones that wait", goals=(figure_at_most(0.1),)
            ),
        ),
    )


def _time(do: Callable[[], Any]) -> float:
    begin = perf_counter()
    do()
    return perf_counter() - begin

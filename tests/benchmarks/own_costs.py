"""Workloads that compare us with ourselves: what a long chain, a way round a scaled cell, and telemetry cost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from statistics import median
from time import process_time
from typing import Any
from unittest.mock import patch

import cells
from contest import Comparison, Contender, Unit, Workload, ratio_at_least, ratio_at_most
from jobs import COUNTING, Job, Size, WrongResults, count_up, spin, time_stream, wait_briefly

from pypipeline_engine.cell import Pipeline
from pypipeline_engine.core import units
from pypipeline_engine.core.clock import Clock
from pypipeline_engine.host.protocol import SNAPSHOT_HZ
from pypipeline_engine.host.sampler import Sampler
from pypipeline_engine.insight.naming import without_root
from pypipeline_engine.insight.observer import Observer
from pypipeline_engine.runtime import RunHandle


def long_chain() -> Workload:
    """The cost of a cell in a long chain and in a short one."""

    def pull(nb_cells: int, job: Job, nb: int) -> Iterator[Any]:
        return cells.pull_all(*cells.make_chain(nb_cells, job.make_items(nb)))

    def run(nb_cells: int, job: Job, nb: int) -> Iterator[Any]:
        pipeline, sink = cells.make_chain(nb_cells, job.make_items(nb), cells.Collect)
        pipeline.deploy()
        begin = process_time()
        pipeline.run().wait()
        took.append(process_time() - begin)
        pipeline.undeploy()
        return iter(sink.values)

    took: list[float] = []

    def contender(nb_cells: int, nb_items: int, by_run: bool = False) -> Contender:
        def measure(is_quick: bool) -> float:
            size = Size(10) if is_quick else Size(nb_items, 0 if by_run else 50)

            def try_once() -> float:
                if by_run:  # without the deployment, which takes longer than the items
                    time_stream(partial(run, nb_cells), COUNTING, size)
                    return took[-1]
                return time_stream(partial(pull, nb_cells), COUNTING, size, process_time)

            return median(try_once() for _ in range(1 if is_quick else 5)) / size.items / nb_cells * 1e6

        return Contender(f"{nb_cells:,} cells{', run()' if by_run else ''}", measure)

    goals = (ratio_at_most(3),)
    return Workload(
        "chain",
        "integers through a long chain of cells",
        Unit.CELL_US,
        (
            contender(2000, 300),
            contender(10, 60_000),
            contender(2000, 300, by_run=True),
            contender(10, 60_000, by_run=True),
        ),
        (
            Comparison("a cell among 2,000 and among 10", "2,000 cells", ("10 cells",), goals),
            Comparison("the same in a run", "2,000 cells, run()", ("10 cells, run()",), goals),
        ),
    )


def way_round() -> Workload:
    """A connection from the source to the sink, beside a scaled cell."""
    job = Job(count_up, range, wait_briefly, workers=4)
    paired = replace(job, make_expected=lambda nb_items: [(number, number) for number in range(nb_items)])

    def contender(name: str, job: Job, make: Callable[[Job, int], tuple[Any, Any]]) -> Contender:
        def measure(is_quick: bool) -> float:
            size = Size(12, 4) if is_quick else Size(800, 40)
            return size.items / time_stream(lambda job, nb: cells.pull_all(*make(job, nb)), job, size)

        return Contender(name, measure)

    return Workload(
        "skip",
        "waits of 5 ms on 4 threads, with and without a connection round them",
        Unit.RATE,
        (contender("with", paired, cells.make_way_round), contender("without", job, cells.make_pipeline)),
        (Comparison("with the connection and without", "with", ("without",), (ratio_at_least(0.9),)),),
    )


def telemetry() -> Workload:
    """The same run with times measured and without; counting cannot be left out, because the engine goes by it."""

    def contender(name: str, job: Job, size: Size, is_on: bool, is_watched: bool = False) -> Contender:
        def measure(is_quick: bool) -> float:
            chosen = Size(200) if is_quick else size
            with nullcontext() if is_on else _without_sampling():
                took = time_stream(lambda job, nb: _run(job, nb, is_on, is_watched), job, chosen, process_time)
            return took / chosen.items * 1e6

        return Contender(name, measure)

    spinning = Job(lambda nb_items: map(spin, range(nb_items)), range, spin, spin)
    return Workload(
        "telemetry",
        "runs with and without measured times",
        Unit.ITEM_US,
        (
            contender("four cells, on", COUNTING, Size(300_000), is_on=True),
            contender("four cells, off", COUNTING, Size(300_000), is_on=False),
            contender("cells of 100 us, on", spinning, Size(4000), is_on=True),
            contender("cells of 100 us, off", spinning, Size(4000), is_on=False),
            contender("four cells, watched", COUNTING, Size(1_200_000), is_on=True, is_watched=True),
            contender("cells of 100 us, watched", spinning, Size(8000), is_on=True, is_watched=True),
        ),
        (
            Comparison("four cells without work", "four cells, on", ("four cells, off",), (ratio_at_most(1.15),)),
            Comparison("cells of 100 us", "cells of 100 us, on", ("cells of 100 us, off",), (ratio_at_most(1.02),)),
            Comparison("four cells, watched", "four cells, watched", ("four cells, on",)),
            Comparison("cells of 100 us, watched", "cells of 100 us, watched", ("cells of 100 us, on",)),
        ),
    )


@contextmanager
def _without_sampling() -> Iterator[None]:
    """Take out what counts steps and times some of them: nothing in the engine switches that off."""
    with patch.object(Clock, "bind", lambda clock, do: do), patch.object(units.Unit, "bind_step", _bind_uncounted):
        yield


def _bind_uncounted(sink: units.Unit) -> Callable[[], None]:
    """The step of a pipeline with one sink, without the counting."""
    run = sink.bind_sink()

    def step() -> None:
        outcome = run()
        if outcome is not None:
            raise outcome.get_error()

    return step


def _run(job: Job, nb_items: int, is_on: bool, is_watched: bool) -> Iterator[Any]:
    """The results of a run, where times were measured as they should have been."""
    pipeline, sink = cells.make_pipeline(job, nb_items, cells.Collect)
    handle = pipeline.run()
    with _watching(pipeline, handle) if is_watched else nullcontext():
        handle.wait()
    if any(bool(cell.latencies) is not is_on for cell in handle.statistics().cells):
        raise WrongResults(f"times were {'not ' if is_on else ''}measured")
    yield from sink.values


@contextmanager
def _watching(pipeline: Pipeline, handle: RunHandle) -> Iterator[None]:
    """Do what a host does for a client that watches: snapshots and explanations four times a second, and the probe."""
    observer, over = Observer.of(pipeline), threading.Event()
    sampler = Sampler(1, observer)

    def look() -> None:
        while not over.wait(1 / SNAPSHOT_HZ):
            sampler.look("running", lambda: without_root(handle.statistics(), pipeline.get_name()), handle.find_working)

    watcher = threading.Thread(target=look)
    observer.begin(handle.find_working_threads, pipeline.get_name())
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        observer.end()

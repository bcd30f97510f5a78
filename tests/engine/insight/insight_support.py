"""Runs that never were."""

from collections.abc import Iterable

from pypipeline_engine.core.counters import CellStatistics, ConnectionStatistics, Statistics, bucket_of
from pypipeline_engine.insight.records import RecordedEnd

GRAPH = """{"format": "pypipeline.graph", "version": 1, "name": "demo",
 "cells": {"count": {"type": "sources.Counter"}, "work": {"type": "demo.Work"}},
 "connections": [["count.value", "work.item"]]}"""
ENDED = RecordedEnd("ended", "ended")


def at(elapsed_s: float, runs: int, busy_s: float, *, latencies_s: Iterable[float] = (), **more) -> Statistics:
    """A run of two cells until now. `latencies_s` are of all pulls of `work` since the start."""
    histogram: dict[int, int] = {}
    for latency_s in latencies_s:
        histogram[bucket_of(latency_s)] = histogram.get(bucket_of(latency_s), 0) + 1
    values = {"lost": 0, "skipped": 0, "errors": 0, "workers": 1, "method": "thread", "cpu_s": busy_s / 2}
    work = {"wall_s": elapsed_s, "busy_s": busy_s, "starved_s": 0.0, "queued": 1, **values, **more}
    letters = work.pop("dead_letters", ())
    return Statistics(
        elapsed_s,
        runs,
        (
            CellStatistics("count", "count", "inline", 1, runs, 0, 0, 0, elapsed_s, elapsed_s / 100, 0.0, 0.0),
            CellStatistics(name="work", station="work", runs=runs, latencies=histogram, **work),
        ),
        (ConnectionStatistics("count.value", "work.item", runs, 3, 16, 24),),
        letters,
    )

"""Counts, times, quantiles, and what lies between two snapshots."""

from __future__ import annotations

import math
import sys
from dataclasses import FrozenInstanceError, replace
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.core import counters as counters_module
from pypipeline_engine.core.counters import (
    CellStatistics,
    ConnectionStatistics,
    Counters,
    Statistics,
    bucket_of,
    middle_of,
    quantile,
    sum_counters,
)

durations = st.floats(1e-9, 1000.0).map(float)
shares = st.floats(0.01, 1.0)


def measure(*seconds: float) -> Counters:
    counters = Counters()
    for one in seconds:
        counters.runs += 1
        counters.add_sample(busy_s=one, starved_s=2 * one, cpu_s=one / 2, weight=1)
    return counters


def make_cell(**changes: Any) -> CellStatistics:
    cell = CellStatistics(
        name="pipe.detect",
        station="main",
        method="inline",
        workers=1,
        runs=10,
        lost=2,
        skipped=1,
        errors=1,
        wall_s=10.0,
        busy_s=4.0,
        starved_s=3.0,
        cpu_s=2.0,
    )
    return replace(cell, **changes)


# ---------------------------------------------------------------------- quantiles


@given(durations)
@settings(derandomize=True, max_examples=200)
def test_a_bucket_stands_for_its_durations_within_5_percent(seconds: float) -> None:
    assert middle_of(bucket_of(seconds)) == pytest.approx(seconds, rel=0.05)


@given(st.lists(durations, min_size=1, max_size=50), shares)
@settings(derandomize=True, max_examples=150)
def test_a_quantile_is_within_5_percent_of_the_true_one(seconds: list[float], share: float) -> None:
    true = sorted(seconds)[math.ceil(share * len(seconds)) - 1]
    assert quantile(measure(*seconds).latencies, share) == pytest.approx(true, rel=0.05)


@given(st.lists(st.tuples(durations, st.integers(1, 64)), min_size=1, max_size=10), shares)
@settings(derandomize=True)
def test_a_sample_counts_as_many_times_as_the_pulls_it_stands_for(
    samples: list[tuple[float, int]], share: float
) -> None:
    weighted, one_by_one = Counters(), Counters()
    for seconds, weight in samples:
        weighted.add_sample(seconds, 0.0, 0.0, weight)
        for _ in range(weight):
            one_by_one.add_sample(seconds, 0.0, 0.0, 1)
    assert weighted.latencies == one_by_one.latencies
    assert weighted.busy_s == pytest.approx(one_by_one.busy_s)
    assert quantile(weighted.latencies, share) == quantile(one_by_one.latencies, share)


def test_nothing_measured_has_no_quantile() -> None:
    assert quantile({}, 0.5) is None
    assert make_cell().latency_s(0.95) is None


@pytest.mark.parametrize("seconds", [0.0, -1e-9, 1e-12, 1e9])
def test_a_duration_beyond_the_buckets_falls_into_the_last_one(seconds: float) -> None:
    assert quantile(measure(seconds).latencies, 0.5) is not None


# ---------------------------------------------------------------------- merging


@given(st.lists(st.lists(durations, max_size=20), max_size=5))
@settings(derandomize=True)
def test_the_sum_of_workers_is_what_one_worker_would_have_counted(workers: list[list[float]]) -> None:
    total = sum_counters(measure(*seconds) for seconds in workers)
    alone = measure(*(one for seconds in workers for one in seconds))
    assert total.runs == alone.runs
    assert total.latencies == alone.latencies
    for name in ("busy_s", "starved_s", "cpu_s"):
        assert getattr(total, name) == pytest.approx(getattr(alone, name))


def test_every_field_is_merged() -> None:
    one = Counters()
    for number, name in enumerate(Counters.__slots__, start=1):
        setattr(one, name, {3: number} if name == "latencies" else number)
    twice = sum_counters([one, one])
    for name in Counters.__slots__:
        value = getattr(one, name)
        assert getattr(twice, name) == ({3: 2 * value[3]} if name == "latencies" else 2 * value), name


def add_while_written(writer: Counters) -> Counters:
    """Merge what `writer` counted, which counts on after every line of that: as another thread may."""
    buckets = iter(range(100))

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename != counters_module.__file__ or frame.f_code.co_name != "add":
            return None
        if event == "line":
            sys.settrace(None)
            writer.add_sample(middle_of(next(buckets)), 0.0, 0.0, 1)
            sys.settrace(trace)
        return trace

    total = Counters()
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        total.add(writer)
    finally:
        sys.settrace(before)
    return total


def test_readers_may_look_while_the_writer_writes() -> None:
    writer = measure(0.1, 0.2, 0.4)
    assert sum(add_while_written(writer).latencies.values()) >= 3


# ---------------------------------------------------------------------- snapshots


@given(st.floats(0.0, 100.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
@settings(derandomize=True)
def test_busy_starved_and_blocked_add_up_to_the_time_of_the_workers(wall_s: float, busy: float, rest: float) -> None:
    busy_s = wall_s * busy
    starved_s = (wall_s - busy_s) * rest
    cell = make_cell(wall_s=wall_s, busy_s=busy_s, starved_s=starved_s)
    assert cell.busy_s + cell.starved_s + cell.blocked_s == pytest.approx(wall_s)
    assert cell.busy + cell.starved + cell.blocked == pytest.approx(1.0 if wall_s else 0.0)


@pytest.mark.parametrize(("busy_s", "starved_s"), [(12.0, 3.0), (3.0, 12.0), (12.0, 12.0)])
def test_estimates_above_the_time_of_the_workers_give_no_share_above_one(busy_s: float, starved_s: float) -> None:
    cell = make_cell(busy_s=busy_s, starved_s=starved_s)
    assert all(0.0 <= share <= 1.0 for share in (cell.busy, cell.starved, cell.blocked))
    assert cell.blocked_s == 0.0


def test_shares_add_up_where_sampling_estimated_too_much() -> None:
    cell = make_cell(busy_s=8.0, starved_s=5.0)
    assert cell.busy + cell.starved + cell.blocked == pytest.approx(1.0)


def test_items_are_the_runs_that_gave_a_value() -> None:
    assert make_cell(runs=10, lost=2).items == 8


def test_a_snapshot_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        make_cell().runs = 7  # type: ignore[misc]


def snapshot(elapsed_s: float, sink_items: int, *cells: CellStatistics, items: int = 0, queued: int = 0) -> Statistics:
    connection = ConnectionStatistics("pipe.a.out", "pipe.b.in", items, queued, 16, 0)
    return Statistics(elapsed_s, sink_items, cells, (connection,))


def test_a_window_is_the_difference_of_two_snapshots() -> None:
    first = measure(0.1, 0.1, 0.4)
    second = sum_counters([first, measure(0.4, 0.4)])
    earlier = snapshot(10.0, 3, make_cell(runs=3, busy_s=first.busy_s, latencies=first.latencies), items=3, queued=9)
    later = snapshot(
        12.0,
        5,
        make_cell(
            runs=5, lost=3, skipped=3, errors=4, wall_s=12, busy_s=second.busy_s, cpu_s=2.5, queued=6,
            latencies=second.latencies,
        ),
        items=5,
        queued=2,
    )  # fmt: skip
    window = later.since(earlier)
    assert (window.elapsed_s, window.sink_items, window.sink_rate_hz) == (2.0, 2, 1.0)
    cell = window.get_cell("pipe.detect")
    assert (cell.runs, cell.lost, cell.skipped, cell.errors, cell.wall_s) == (2, 1, 2, 3, 2.0)
    assert (cell.busy_s, cell.starved_s, cell.cpu_s) == pytest.approx((0.8, 0.0, 0.5))
    assert cell.latency_s(0.0) == cell.latency_s(1.0) == pytest.approx(0.4, rel=0.05)
    assert cell.queued == 6
    assert window.rate_hz(cell) == 0.5
    assert (window.connections[0].items, window.connections[0].queued) == (2, 2)


@given(st.lists(durations, max_size=20), st.lists(durations, max_size=20), shares)
@settings(derandomize=True)
def test_the_latencies_of_a_window_are_those_of_its_pulls(
    before: list[float], during: list[float], share: float
) -> None:
    first = measure(*before)
    second = sum_counters([first, measure(*during)])
    window = snapshot(2, 0, make_cell(latencies=second.latencies)).since(
        snapshot(1, 0, make_cell(latencies=first.latencies))
    )
    assert window.cells[0].latency_s(share) == quantile(measure(*during).latencies, share)


def test_a_cell_or_connection_that_came_later_counts_from_its_beginning() -> None:
    earlier = Statistics(1.0, 0, (make_cell(name="pipe.old"),))
    window = snapshot(2.0, 0, make_cell(name="pipe.new", runs=7), items=4).since(earlier)
    assert (window.get_cell("pipe.new").runs, window.connections[0].items) == (7, 4)


def test_windows_that_follow_each_other_add_up() -> None:
    at = [snapshot(float(t), t * t, make_cell(runs=t * t, busy_s=t / 2), items=t) for t in range(4)]
    windows = [later.since(earlier) for earlier, later in pairwise(at)]
    whole = at[-1].since(at[0])
    assert sum(window.sink_items for window in windows) == whole.sink_items == 9
    assert sum(window.cells[0].runs for window in windows) == whole.cells[0].runs
    assert sum(window.cells[0].busy_s for window in windows) == pytest.approx(whole.cells[0].busy_s)


def test_an_unknown_cell_is_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"pipe\.detekt.*pipe\.detect"):
        snapshot(1.0, 0, make_cell()).get_cell("pipe.detekt")


def test_rates_of_no_time_are_zero() -> None:
    nothing = snapshot(0.0, 0, make_cell())
    assert nothing.sink_rate_hz == nothing.rate_hz(nothing.cells[0]) == 0.0
    assert make_cell(wall_s=0.0).busy == make_cell(wall_s=0.0).starved == make_cell(wall_s=0.0).blocked == 0.0

"""The figures of a run over the latest window, with clocks that the test moves."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from pypipeline_engine.core.counters import CellStatistics, ConnectionStatistics, Statistics, bucket_of
from pypipeline_engine.host.sampler import Sampler
from pypipeline_engine.insight.gil import GilShares
from pypipeline_engine.insight.observer import Observer, Surroundings
from pypipeline_engine.insight.structure import CellRole
from pypipeline_engine.runtime.working import WorkingCell


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def cell(name="work", runs=0, busy_s=0.0, wall_s=0.0, **more):
    values = {"station": name, "method": "inline", "workers": 1, "lost": 0, "skipped": 0, "errors": 0}
    values |= {"starved_s": 0.0, "cpu_s": 0.0, **more}
    return CellStatistics(name=name, runs=runs, busy_s=busy_s, wall_s=wall_s, **values)


def at(elapsed_s, runs, busy_s, **more):
    return Statistics(elapsed_s, runs, (cell(runs=runs, busy_s=busy_s, wall_s=elapsed_s, **more),))


def observe(*sources):
    return Observer({name: CellRole(is_source=True) for name in sources}, Surroundings(cores=2, has_ray=False))


def make_sampler(clock):
    return Sampler(1, observe("count"), clock=clock, cpu_clock=clock, process_clock=clock)


def test_the_first_look_shows_the_run_from_its_start():
    snapshot = make_sampler(Clock()).look("running", lambda: at(4.0, 8, 2.0))
    assert (snapshot.elapsed_s, snapshot.window_s, snapshot.sink_rate_hz) == (4.0, 4.0, 2.0)
    assert snapshot.cells["work"].busy == 0.5
    assert snapshot.process is None or snapshot.process.cpu == 0.0


def test_gaps_are_no_items_of_a_cell_or_connection():
    connections = tuple(ConnectionStatistics(f"{name}.y", "next.x", 8, 0, 4, 0) for name in ("work", "elsewhere"))
    statistics = replace(at(4.0, 8, 2.0, lost=6, skipped=2), connections=connections)
    snapshot = make_sampler(Clock()).look("running", lambda: statistics)
    assert (snapshot.cells["work"].items, snapshot.cells["work"].rate_hz) == (2, 0.5)
    assert [connection.rate_hz for connection in snapshot.connections] == [0.5, 2.0]


def test_what_the_probe_has_seen_of_the_gil_is_told():
    observer = observe()
    observer._probe = SimpleNamespace(get_shares=lambda window: GilShares(0.9, {"work": 0.8}))
    clock = Clock()
    snapshot = Sampler(1, observer, clock=clock, cpu_clock=clock, process_clock=clock).look(
        "running", lambda: at(4.0, 8, 2.0)
    )
    assert snapshot.gil == 0.9
    assert snapshot.cells["work"].gil == 0.8


def test_rates_are_of_the_last_two_seconds_and_counts_of_the_whole_run():
    clock = Clock()
    sampler = make_sampler(clock)
    for tick in range(21):  # 10 a second for 2.5 seconds, then 40 a second
        elapsed_s = tick * 0.25
        runs = min(tick, 10) * 2.5 + max(0, tick - 10) * 10
        clock.now_s = 100 + elapsed_s
        snapshot = sampler.look("running", lambda: at(elapsed_s, int(runs), elapsed_s / 4))  # noqa: B023
    assert snapshot.window_s == 2.0
    assert snapshot.cells["work"].rate_hz == 40.0
    assert snapshot.cells["work"].busy == 0.25
    assert snapshot.cells["work"].items == 125


def test_after_a_pause_of_nobody_looking_the_window_is_that_pause():
    clock = Clock()
    sampler = make_sampler(clock)
    sampler.look("running", lambda: at(1.0, 10, 0.5))
    clock.now_s += 60
    assert sampler.look("running", lambda: at(61.0, 130, 0.5)).sink_rate_hz == 2.0


def test_after_the_end_the_window_is_the_whole_run():
    clock = Clock()
    sampler = make_sampler(clock)
    sampler.look("running", lambda: at(1.0, 10, 0.5))
    clock.now_s += 1
    snapshot = sampler.look("ended", lambda: at(2.0, 10, 0.5), is_over=True)
    assert (snapshot.window_s, snapshot.sink_rate_hz, snapshot.cells["work"].busy) == (2.0, 5.0, 0.25)


def test_after_a_run_with_pauses_the_limit_is_what_it_was_while_it_ran():
    clock = Clock()
    sampler = make_sampler(clock)
    running = sampler.look("running", lambda: at(1.0, 10, 0.95))
    assert running.bottleneck.kind == "station"
    clock.now_s += 60
    paused = sampler.look("paused", lambda: at(61.0, 10, 0.95))
    assert paused.bottleneck is None or paused.bottleneck.kind != "station"
    over = sampler.look("stopped", lambda: at(62.0, 10, 0.95), is_over=True, was_paused=True)
    assert over.bottleneck == running.bottleneck


def test_shares_add_up_where_a_cell_gets_its_first_clone_in_the_window():
    clock = Clock()
    sampler = make_sampler(clock)
    sampler.look("running", lambda: at(10.0, 100, 9.0))
    clock.now_s += 1
    scaled = replace(cell(runs=120, busy_s=10.5, wall_s=0.5, method="thread", workers=2), starved_s=0.25)
    figures = sampler.look("running", lambda: Statistics(11.0, 120, (scaled,))).cells["work"]
    assert (figures.busy, figures.starved, figures.blocked) == (0.75, 0.125, 0.125)
    assert figures.method == "thread"


def test_a_run_of_a_cell_shows_when_it_has_gone_on_for_more_than_a_second():
    clock = Clock()
    sampler = make_sampler(clock)

    def look(run):
        found = [WorkingCell("work", 1, run)]
        return sampler.look("running", lambda: at(1.0, 1, 0.5), lambda: found).cells["work"].working_s

    assert look(run=1) is None
    clock.now_s += 0.9
    assert look(run=2) is None
    clock.now_s += 0.9
    assert look(run=2) is None
    clock.now_s += 0.2
    assert look(run=2) is not None
    clock.now_s += 5
    assert look(run=3) is None


def test_the_cost_of_looking_is_what_it_takes_of_the_window():
    clock, cpu = Clock(), Clock()
    sampler = Sampler(1, observe(), clock=clock, cpu_clock=cpu, process_clock=clock)

    def take():
        cpu.now_s += 0.001
        return at(1.0, 1, 0.5)

    for _ in range(20):
        snapshot = sampler.look("running", take)
        clock.now_s += 0.25
    assert 0.0035 < snapshot.cost < 0.0046


def test_the_limit_is_named():
    snapshot = make_sampler(Clock()).look("running", lambda: at(4.0, 8, 3.9))
    assert snapshot.bottleneck is not None
    assert (snapshot.bottleneck.cells, snapshot.bottleneck.kind) == (("work",), "station")


def test_a_cell_that_hangs_is_busy():
    clock = Clock()
    sampler = make_sampler(clock)
    for _ in range(5):
        figures = sampler.look("running", lambda: at(clock.now_s - 99, 1, 0.5), lambda: [WorkingCell("work", 1, 1)])
        clock.now_s += 1
    assert (figures.cells["work"].busy, figures.cells["work"].blocked) == (1.0, 0.0)
    assert figures.bottleneck.cells == ("work",)


def test_one_clone_that_hangs_makes_its_share_of_a_cell_busy():
    clock = Clock()
    sampler = make_sampler(clock)

    def look():
        elapsed_s = clock.now_s - 99
        scaled = cell(runs=1, wall_s=4 * elapsed_s, starved_s=3 * elapsed_s, method="thread", workers=4)
        found = [WorkingCell("work", 1, 1)]
        return sampler.look("running", lambda: Statistics(elapsed_s, 1, (scaled,)), lambda: found).cells["work"]

    for _ in range(5):
        figures = look()
        clock.now_s += 1
    assert (figures.busy, figures.starved, figures.blocked) == (0.25, 0.75, 0.0)


def test_a_cell_shows_its_slowest_runs_and_the_bytes_in_its_queue():
    latencies = {bucket_of(0.001): 98, bucket_of(0.5): 2}
    scaled = cell(
        runs=100, wall_s=2.0, method="thread", queued=3, queue_capacity=8, queue_bytes=4096, latencies=latencies
    )
    figures = make_sampler(Clock()).look("running", lambda: Statistics(1.0, 100, (scaled,))).cells["work"]
    assert figures.latency_p95_s == pytest.approx(0.001, rel=0.05)
    assert figures.latency_p99_s == pytest.approx(0.5, rel=0.05)
    assert (figures.queued, figures.queue_bytes) == (3, 4096)

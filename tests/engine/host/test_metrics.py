"""Figures for Prometheus, read by its own parser."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from pypipeline_engine.core.counters import CellStatistics, ConnectionStatistics, Statistics, bucket_of
from pypipeline_engine.host.metrics import Totals, to_text
from pypipeline_engine.host.protocol import ProcessFigures, RunInfo

RUNNING = RunInfo(run=3, state="running", name="graph")


def cell(name="work", **more):
    values = {"station": name, "method": "inline", "workers": 1, "runs": 10, "lost": 3, "skipped": 1, "errors": 2}
    values |= {"wall_s": 8.0, "busy_s": 4.0, "starved_s": 3.0, "cpu_s": 2.5, **more}
    return CellStatistics(name=name, **values)


def at(*cells, connections=()):
    return Statistics(8.0, 7, cells, connections)


def totals(*cells, connections=()):
    return Totals().advance(at(*cells, connections=connections))


def read(text):
    """By name of the sample and its labels, its value; checks what the format demands besides."""
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    assert all(family.documentation and family.type in ("counter", "gauge", "histogram") for family in families)
    assert text.endswith("\n")
    found = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, *(value for _, value in sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
            assert (family.type == "counter") == sample.name.endswith("_total")
    return found


def test_a_run_is_told_in_full():
    scaled = cell("fast", method="thread", workers=3, queued=5, queue_capacity=8, queue_bytes=4096)
    connection = ConnectionStatistics("fast.y", "work.x", 9, 2, 16, 640)
    process = ProcessFigures(cpu=0.5, memory_bytes=10_000_000, threads=7)
    found = read(to_text(RUNNING, totals(scaled, cell(), connections=(connection,)), process, 12.5))
    assert found["pypipeline_run_info", "graph", "3"] == 1
    assert found["pypipeline_run_state", "running"] == 1
    assert sum(value for key, value in found.items() if key[0] == "pypipeline_run_state") == 1
    assert found["pypipeline_run_elapsed_seconds",] == 8
    assert found["pypipeline_sink_items_total",] == 7
    assert found["process_cpu_seconds_total",] == 12.5
    assert found["process_resident_memory_bytes",] == 10_000_000
    assert found["pypipeline_process_threads",] == 7
    expected = {"items_total": 7, "errors_total": 2, "skipped_total": 1, "cpu_seconds_total": 2.5, "workers": 1}
    expected |= {"busy_seconds_total": 4, "starved_seconds_total": 3, "blocked_seconds_total": 1}
    assert {name: found[f"pypipeline_cell_{name}", "work"] for name in expected} == expected
    queue = {"queue_items": 5, "queue_capacity_items": 8, "queue_bytes": 4096, "workers": 3}
    assert {name: found[f"pypipeline_cell_{name}", "fast"] for name in queue} == queue
    assert ("pypipeline_cell_queue_items", "work") not in found
    between = {"items_total": 9, "queue_items": 2, "queue_capacity_items": 16, "queue_bytes": 640}
    assert {name: found[f"pypipeline_connection_{name}", "fast.y", "work.x"] for name in between} == between


def test_before_the_first_run_there_is_the_process():
    found = read(to_text(RunInfo(), None))
    assert found["pypipeline_run_state", "none"] == 1
    assert not [key for key in found if key[0].startswith("pypipeline_cell")]


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\\nb", 'Bär {x="y"} 1\\', "a,b=c", "日本"])
def test_names_arrive_as_they_are(name):
    info = RUNNING.model_copy(update={"name": name + "\n"})
    found = read(to_text(info, totals(cell(name))))
    assert found["pypipeline_cell_items_total", name] == 7
    assert found["pypipeline_run_info", name + "\n", "3"] == 1


def test_latencies_are_a_histogram_of_which_the_quantiles_are_right():
    latencies = {bucket_of(1e-6): 50, bucket_of(0.003): 40, bucket_of(0.5): 9, bucket_of(100.0): 1}
    found = read(to_text(RUNNING, totals(cell(latencies=latencies))))
    name = "pypipeline_cell_latency_seconds"
    bounds = sorted((float(key[2]), value) for key, value in found.items() if key[0] == f"{name}_bucket")
    counts = [value for _, value in bounds]
    assert counts == sorted(counts)
    assert bounds[-1] == (math.inf, 100)
    assert found[f"{name}_count", "work"] == 100
    assert found[f"{name}_sum", "work"] == pytest.approx(104.62, rel=0.05)
    for latency_s, at_most in ((1e-6, 50), (0.003, 90), (0.5, 99)):
        first = next(bound for bound, count in bounds if count >= at_most)
        assert bounds[0][0] == first or latency_s <= first <= 2.1 * latency_s


def test_nothing_that_is_counted_ever_goes_down():
    kept = Totals()
    first = cell(runs=10, lost=3, latencies={40: 6, 41: 4})
    kept.advance(at(first))
    # A run in work is counted as done until it is lost; estimates vary.
    second = replace(
        first, runs=11, lost=5, skipped=0, busy_s=3.9, starved_s=2.9, wall_s=8.1, cpu_s=2.4, latencies={40: 5}
    )
    (seen,) = kept.advance(replace(at(second), sink_items=5)).cells
    assert (seen.items, seen.skipped, seen.errors) == (7, 1, 2)
    assert (seen.busy_s, seen.starved_s, seen.cpu_s) == (4.0, 3.0, 2.5)
    assert seen.blocked_s == pytest.approx(1.3)
    assert seen.latencies == {40: 6, 41: 4}
    assert kept.advance(replace(at(second), sink_items=5)).sink_items == 7


def test_seconds_go_on_where_a_cell_gets_its_first_clone_and_loses_its_last_one():
    kept = Totals()

    def busy_starved_blocked(method, busy_s, starved_s, wall_s):
        now = cell(method=method, busy_s=busy_s, starved_s=starved_s, wall_s=wall_s)
        (seen,) = kept.advance(at(now)).cells
        return [pytest.approx(seconds) for seconds in (seen.busy_s, seen.starved_s, seen.blocked_s)]

    assert busy_starved_blocked("inline", 100, 50, 175) == [100, 50, 25]
    assert busy_starved_blocked("thread", 1, 0, 1) == [100, 50, 25]
    assert busy_starved_blocked("thread", 4, 1, 5) == [103, 51, 25]
    assert busy_starved_blocked("inline", 60, 70, 180) == [103, 51, 25]
    assert busy_starved_blocked("inline", 61, 71, 185) == [104, 52, 28]
    assert busy_starved_blocked("inline", 1, 1, 3) == [104, 52, 28]


def test_what_went_through_a_connection_that_is_made_again_is_not_counted_down():
    kept = Totals()
    connection = ConnectionStatistics("a.y", "b.x", 9, 2, 16, 640)
    kept.advance(at(connections=(connection,)))
    (seen,) = kept.advance(at(connections=(replace(connection, items=4, queued=0),))).connections
    assert (seen.items, seen.queued) == (9, 0)


SECONDS = st.floats(0, 1e4)
READ = st.builds(
    cell,
    method=st.sampled_from(["inline", "thread", "mixed"]),
    runs=st.integers(0, 1000),
    lost=st.integers(0, 1000),
    skipped=st.integers(0, 1000),
    errors=st.integers(0, 1000),
    wall_s=SECONDS,
    busy_s=SECONDS,
    starved_s=SECONDS,
    cpu_s=SECONDS,
    latencies=st.dictionaries(st.integers(0, 319), st.integers(1, 1000), max_size=5),
)


@given(st.lists(READ, min_size=2, max_size=6))
def test_whatever_is_read_no_counter_has_the_least_step_down(read_one_by_one):
    kept, before = Totals(), {}
    for now in read_one_by_one:
        text = to_text(RUNNING, kept.advance(at(now)))
        for family in text_string_to_metric_families(text):
            for sample in family.samples if family.type != "gauge" else ():
                key = sample.name, sample.labels.get("le")
                assert sample.value >= before.get(key, 0.0), key
                before[key] = sample.value

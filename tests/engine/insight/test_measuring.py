"""How fast a graph is with a setting: the rate from looks at a run, and real runs that leave nothing behind."""

import random
from pathlib import Path

import pytest

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.graph.build import build
from pypipeline_engine.graph.model import Document
from pypipeline_engine.insight.measuring import GraphMeasurer, RateMeter, find_most_clones
from pypipeline_engine.insight.settings import INLINE, Clones, setting_of, with_setting
from pypipeline_engine.insight.tuning import RefusedException, StopAsked

PROBE = Path(__file__).parents[1] / "cli" / "probe.py"


def feed(meter: RateMeter, deliveries: list[float], most_s: float, tick_s: float = 0.05) -> None:
    """Look at a run that delivers at these seconds, until the meter has enough."""
    now_s = 0.0
    while not meter.is_enough and now_s < 100 * most_s:
        now_s += tick_s
        meter.look(now_s, sum(moment <= now_s for moment in deliveries))


# ---------------------------------------------------------------------- the rate


@pytest.mark.parametrize("rate_hz", [2.0, 10.0, 133.0, 1000.0])
def test_a_regular_stream_is_known_soon_and_well(rate_hz: float) -> None:
    meter = RateMeter(10.0)
    feed(meter, [number / rate_hz for number in range(1, int(20 * rate_hz))], 10.0)
    assert meter.rate_hz == pytest.approx(rate_hz, rel=0.02)
    assert meter.error_hz <= 0.03 * rate_hz


@pytest.mark.parametrize("seed", range(10))
def test_the_error_of_an_irregular_stream_is_told_as_it_is(seed: int) -> None:
    drawn = random.Random(seed)
    deliveries, now_s = [], 0.0
    while now_s < 30:
        now_s += drawn.expovariate(20.0)
        deliveries.append(now_s)
    meter = RateMeter(10.0)
    feed(meter, deliveries, 10.0)
    assert abs(meter.rate_hz - 20) <= 4 * meter.error_hz
    assert 0.2 <= meter.error_hz <= 4


@pytest.mark.parametrize("offset_s", [0.0, 0.13, 0.4, 0.77])
def test_items_that_come_in_bursts_are_not_counted_twice(offset_s: float) -> None:
    """Seven clones deliver seven items at once: whether the first burst is counted depends on chance."""
    meter = RateMeter(6.0)
    meter.burst = 7.0
    bursts = [offset_s + number * 0.9 + within * 0.01 for number in range(20) for within in range(7)]
    feed(meter, bursts, 6.0)
    assert meter.rate_hz == pytest.approx(7 / 0.9, rel=0.03)


def test_the_warm_up_does_not_count() -> None:
    meter = RateMeter(10.0)
    slow = [0.5, 1.0, 1.5]
    feed(meter, [*slow, *(1.5 + number / 50 for number in range(1, 1000))], 10.0)
    assert meter.rate_hz == pytest.approx(50, rel=0.02)


def test_a_short_stream_counts_as_a_whole_from_its_second_run_on() -> None:
    meter = RateMeter(1.0)
    meter.end_run(0.1, 5)  # the caches are cold
    assert meter.items == 0
    for _ in range(6):
        meter.look(0.02, 3)
        meter.end_run(0.05, 5)
    assert meter.items == 30
    assert meter.rate_hz == pytest.approx(100)


def test_a_stream_that_ends_in_the_middle_is_gone_on_with_after_its_next_warm_up() -> None:
    meter = RateMeter(10.0)
    for _ in range(2):
        for tick in range(1, 41):
            meter.look(tick * 0.1, tick)
        meter.end_run(4.0, 40)
    assert meter.seconds == pytest.approx(2 * 2.5)
    assert meter.rate_hz == pytest.approx(10)


def test_a_first_item_that_comes_late_leaves_the_time_to_measure() -> None:
    """Two items that come close together after the time is over say nothing about the rate."""
    meter = RateMeter(2.0)
    feed(meter, [1.9, *(1.95 + number * 0.25 for number in range(100))], 2.0)
    assert meter.rate_hz == pytest.approx(4, rel=0.15)
    assert meter.items >= 4


def test_where_nothing_comes_it_ends_after_a_while() -> None:
    meter = RateMeter(1.0)
    feed(meter, [], 1.0)
    assert meter.is_enough
    assert (meter.rate_hz, meter.error_hz) == (0, 0)


# ---------------------------------------------------------------------- real runs


def make_document(cells: dict, *connections: str) -> Document:
    return Document.model_validate(
        {
            "format": "pypipeline.graph",
            "version": 1,
            "cells": {name: {"type": cell} if isinstance(cell, str) else cell for name, cell in cells.items()},
            "connections": [connection.split(" > ") for connection in connections],
        }
    )


@pytest.fixture
def measurer(tmp_path: Path):
    def make(document: Document) -> GraphMeasurer:
        catalogue = Catalogue()
        catalogue.approve(PROBE)
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        return GraphMeasurer(document, catalogue, tmp_path, scratch)

    return make


COUNT = {"type": "sources.Counter", "parameters": {"count": 20}}


def test_a_stream_that_ends_is_started_again_and_its_files_are_nobodys(measurer, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "mine.jsonl"
    mine.write_text("precious\n")
    cells = {
        "count": COUNT,
        "here": {"type": "sinks.JsonLines", "parameters": {"path": "here.jsonl"}},
        "mine": {"type": "sinks.JsonLines", "parameters": {"path": str(mine)}},
        "up": {"type": "sinks.JsonLines", "parameters": {"path": "../up.jsonl"}},
    }
    document = make_document(cells, *(f"count.value > {name}.item" for name in ("here", "mine", "up")))
    measured = measurer(document)({"count": Clones(1)}, 0.2)
    assert measured.restarts > 0
    assert measured.rate_hz > 0
    assert measured.window.sink_items % 20 == 0
    assert measured.window.get_cell("count").method == "thread"
    assert mine.read_text() == "precious\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.jsonl", "scratch"]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_an_endless_stream_is_left_when_its_rate_is_known(measurer) -> None:
    cells = {"count": "sources.Counter", "work": {"type": "demo.Work", "parameters": {"milliseconds": 1}}}
    document = make_document({**cells, "sink": "sinks.Null"}, "count.value > work.item", "work.item > sink.item")
    measured = measurer(document)({"work": Clones(2)}, 0.5)
    assert measured.restarts == 0
    assert measured.window.get_cell("work").workers == 2
    assert measured.cpu_s is not None
    assert measured.cpu_s > 0


@pytest.mark.parametrize(
    ("cells", "setting", "reason"),
    [
        ({"own": "probe.Fail"}, {}, r"it fails: ValueError: item 3 is bad \(in the cell pipeline.own\)"),
        ({"own": {"type": "flow.Delay"}}, {"own": Clones(2)}, 'it is refused: "own" cannot have 2 clones'),
    ],
)
def test_what_cannot_run_is_refused_with_the_reason(measurer, cells: dict, setting: dict, reason: str) -> None:
    port = "taken" if "probe.Fail" in cells.values() else "item"
    given = "given" if port == "taken" else "item"
    document = make_document(
        {"count": COUNT, **cells, "sink": "sinks.Null"}, f"count.value > own.{port}", f"own.{given} > sink.item"
    )
    with pytest.raises(RefusedException, match=reason):
        measurer(document)(setting, 0.2)


def test_what_cannot_be_deployed_is_refused_with_the_reason(measurer) -> None:
    document = make_document({"count": COUNT, "own": "probe.FailAtDeployment"}, "count.value > own.item")
    with pytest.raises(RefusedException, match="it cannot be deployed: OSError: no device"):
        measurer(document)({}, 0.2)


def test_a_stream_without_items_is_refused(measurer) -> None:
    empty = {"type": "sources.Counter", "parameters": {"count": 0}}
    document = make_document({"count": empty, "sink": "sinks.Null"}, "count.value > sink.item")
    with pytest.raises(RefusedException, match="its stream ends without an item"):
        measurer(document)({}, 0.2)


def test_who_was_stopped_measures_no_more(measurer) -> None:
    stopped = measurer(make_document({"count": COUNT, "sink": "sinks.Null"}, "count.value > sink.item"))
    stopped.stop()
    with pytest.raises(StopAsked):
        stopped({}, 0.2)


# ---------------------------------------------------------------------- settings


NESTED = {
    "count": COUNT,
    "poly": {
        "type": "Pipeline",
        "inputs": ["x"],
        "outputs": ["y"],
        "cells": {"delay": {"type": "flow.Delay"}, "work": {"type": "demo.Work", "scale": {"thread": 3}}},
        "connections": [["x", "delay.item"], ["delay.item", "work.item"], ["work.item", "y"]],
    },
    "sink": {"type": "sinks.Null", "scale": {"thread": 1, "ray_options": {"num_cpus": 2}}},
}


def test_how_many_clones_cells_may_have_and_have() -> None:
    document = make_document(NESTED, "count.value > poly.x", "poly.y > sink.item")
    most = find_most_clones(build(document, Catalogue()), 8)
    assert most == {"count": 1, "poly": 1, "poly.delay": 1, "poly.work": 8, "sink": 8}
    setting = setting_of(document)
    assert setting == {**dict.fromkeys(most, INLINE), "poly.work": Clones(3), "sink": Clones(1)}
    assert with_setting(document, setting) == document


def test_a_setting_changes_clones_and_nothing_else() -> None:
    document = make_document(NESTED, "count.value > poly.x", "poly.y > sink.item")
    changed = with_setting(document, {"poly.work": INLINE, "sink": Clones(0, 2, 32)})
    work, sink = changed.find(("poly", "work")), changed.find(("sink",))
    assert work is not None
    assert work.scale is None
    assert sink is not None
    assert sink.scale is not None
    assert sink.scale.model_dump(exclude_defaults=True) == {
        "ray": 2,
        "queue_capacity": 32,
        "ray_options": {"num_cpus": 2},
    }
    assert with_setting(changed, {"poly.work": Clones(3), "sink": Clones(1)}) == document
    with pytest.raises(KeyError, match="there is no cell 'nobody'"):
        with_setting(document, {"nobody": INLINE})

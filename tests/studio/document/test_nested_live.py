"""What nested pipelines as a whole are told to do."""

import pytest

from pypipeline_engine.graph.model import CellEntry, ConnectionEntry, Document, Scale
from pypipeline_engine.host.protocol import CellFigures, CloneFigures, Snapshot
from pypipeline_studio.document.live import LiveView
from pypipeline_studio.document.nested_live import sum_up


def figures(busy, blocked=0.0, *, hz=10.0, workers=1, station="main", clones=()) -> CellFigures:
    return CellFigures(
        items=10, skipped=0, errors=0, rate_hz=hz, busy=busy, starved=1 - busy - blocked, blocked=blocked, cpu=busy,
        latency_p50_s=None, latency_p95_s=None, method="thread" if clones else "inline", workers=workers, station=station,
        clones=clones,
    )  # fmt: skip


def clone(name, hz, busy, method="thread") -> CloneFigures:
    return CloneFigures(name=name, method=method, items=1, rate_hz=hz, busy=busy, starved=1 - busy, blocked=0, cpu=0)


def test_cells_of_one_thread_are_busy_together() -> None:
    inside = {"p.a": figures(0.3, 0.1), "p.b": figures(0.4, 0.2), "p.c": figures(0.1, 0.15, hz=5.0)}
    found = sum_up(inside, "p.c", 0, is_scaled=False)
    assert (found.rate_hz, found.busy, found.starved, found.blocked) == (
        5.0, pytest.approx(0.8), pytest.approx(0.05), 0.15,
    )  # fmt: skip
    assert found.item_s == pytest.approx(0.8 / 5)
    assert (found.workers, found.details) == ("", ("by the clock, its 3 cells together",))


def test_of_several_threads_the_busiest_is_told() -> None:
    inside = {"p.a": figures(0.3, station="a"), "p.b": figures(0.4), "p.c": figures(0.2, 0.4)}
    found = sum_up(inside, "p.c", 0, is_scaled=False)
    assert (found.busy, found.blocked) == (pytest.approx(0.6), pytest.approx(0.4))
    assert found.details == ("by the clock, the busiest of 2 threads inside, with 2 cells of 3",)


def test_a_thread_is_never_busy_for_longer_than_there_is() -> None:
    found = sum_up({"p.a": figures(0.7), "p.b": figures(0.6, 0.3)}, "p.b", 0, is_scaled=False)
    assert (found.busy, found.starved, found.blocked) == (1.0, 0.0, 0.0)


def test_a_scaled_one_is_the_sum_of_its_clones_and_tells_each() -> None:
    inside = {
        "p.a": figures(0.6, hz=30, workers=2, station="p", clones=(clone("#1", 20, 0.8), clone("#2", 10, 0.4))),
        "p.b": figures(0.2, hz=30, workers=2, station="p", clones=(clone("#1", 20, 0.1), clone("#2", 10, 0.3))),
    }
    found = sum_up(inside, "p.b", 1, is_scaled=True)
    assert (found.rate_hz, found.busy, found.workers) == (30, pytest.approx(0.8), "×2 threads")
    assert found.item_s == pytest.approx(1.6 / 30)
    assert found.details[1:] == ("#1  20.0/s, busy 90 %", "#2  10.0/s, busy 70 %")


@pytest.mark.parametrize(
    ("methods", "words"), [(("ray", "ray"), "×2 Ray"), (("thread", "ray"), "×2 clones"), (("thread",), "×1 thread")]
)
def test_what_clones_run_on_is_told(methods, words) -> None:
    clones = tuple(clone(f"#{number}", 10, 0.5, method) for number, method in enumerate(methods, 1))
    assert sum_up({"p.a": figures(0.5, station="p", clones=clones)}, "p.a", 1, is_scaled=True).workers == words


def test_clones_inside_of_a_clone_are_part_of_it() -> None:
    deep = tuple(clone(f"#{outer} #{inner}", 5, busy) for outer, busy in ((1, 0.9), (2, 0.5)) for inner in (1, 2, 3))
    inside = {"p.a": figures(0.7, hz=30, workers=6, station="p.a", clones=deep)}
    found = sum_up(inside, "p.a", 1, is_scaled=True)
    assert (found.workers, found.details[1:]) == ("×2 threads", ("#1  15.0/s, busy 90 %", "#2  15.0/s, busy 50 %"))


def test_a_node_shows_them_and_what_is_around_it_counts_for_the_names_of_clones() -> None:
    slow = CellEntry(type="demo.Work", scale=Scale(thread=2))
    inner = CellEntry(
        type="Pipeline", inputs=["x"], outputs=["y"], cells={"slow": slow}, scale=Scale(thread=1),
        connections=[ConnectionEntry(source="x", target="slow.item"), ConnectionEntry(source="slow.item", target="y")],
    )  # fmt: skip
    outer = CellEntry(
        type="Pipeline", inputs=["x"], outputs=["y"], cells={"inner": inner}, scale=Scale(thread=2),
        connections=[ConnectionEntry(source="x", target="inner.x"), ConnectionEntry(source="inner.y", target="y")],
    )  # fmt: skip
    document = Document(name="g", cells={"outer": outer})
    clones = tuple(clone(f"#{number} #1 #{third}", 4, 0.5) for number in (1, 2) for third in (1, 2))
    cells = {"outer.inner.slow": figures(0.5, hz=16, workers=4, station="outer.inner.slow", clones=clones)}
    live = LiveView(document)
    live.update(
        Snapshot(run=1, state="running", elapsed_s=2, window_s=2, sink_items=1, sink_rate_hz=16, cells=cells)
    )  # fmt: skip
    shown = live.nodes(())["outer"]
    assert (shown.rate_hz, shown.workers, len(shown.details)) == (16, "×2 threads", 3)
    shown = live.nodes(("outer",))["inner"]
    assert (shown.rate_hz, shown.details[1]) == (16, "#1 #1  8.00/s, busy 50 %")

"""What a snapshot shows at nodes and wires."""

import pytest

from pypipeline_engine.graph.model import CellEntry, ConnectionEntry, Document
from pypipeline_engine.graph.reader import read_file
from pypipeline_engine.host.protocol import BottleneckInfo, CellFigures, ConnectionFigures, Snapshot
from pypipeline_engine.resources import get_examples
from pypipeline_studio.document.live import LiveView, workers_of
from pypipeline_studio.document.presentation import present
from pypipeline_studio.document.views import WireLive, WireView


def figures(**changes) -> CellFigures:
    known = {"items": 10, "skipped": 0, "errors": 0, "rate_hz": 5.0, "cpu": 0.1}
    known |= {"busy": 0.1, "starved": 0.9, "blocked": 0.0, "latency_p50_s": 0.01, "latency_p95_s": 0.02}
    known |= {"method": "inline", "workers": 1, "station": "main"}
    return CellFigures(**{**known, **changes})


def snapshot(cells: dict[str, CellFigures], connections=(), limits=(), state="running") -> Snapshot:
    bottleneck = BottleneckInfo(cells=limits, kind="station", utilisation=0.9, capacity_hz=5.0, sentence="so it is")
    return Snapshot(
        run=1, state=state, elapsed_s=2.0, window_s=2.0, sink_items=10, sink_rate_hz=5.0, cells=cells,
        connections=tuple(connections), bottleneck=bottleneck if limits else None,
    )  # fmt: skip


def test_nodes_show_their_figures(people) -> None:
    live = LiveView(people)
    live.update(
        snapshot(
            {
                "detect": figures(busy=0.98, method="thread", workers=2, station="detect", queued=8, queue_capacity=16),
                "track": figures(errors=3, skipped=2),
            },
            limits=("detect",),
        )
    )
    nodes = live.nodes(())
    assert (nodes["detect"].workers, nodes["detect"].is_limit, nodes["detect"].busy) == ("×2 threads", True, 0.98)
    assert (nodes["track"].nb_errors, nodes["track"].is_limit, nodes["track"].workers) == (3, False, "")
    assert "video" not in nodes


def test_nested_pipelines_sum_up_what_is_inside(nested) -> None:
    live = LiveView(nested)
    live.update(
        snapshot(
            {
                "count": figures(),
                "poly.work": figures(busy=0.9, starved=0.1, rate_hz=40.0),
                "poly.square.multiply": figures(errors=2),
                "poly.add": figures(rate_hz=39.0),
            },
            limits=("poly.work",),
        )
    )
    poly = live.nodes(())["poly"]
    # One thread runs them all: what it is busy with adds up.
    assert (poly.rate_hz, poly.busy, poly.nb_errors, poly.is_limit) == (39.0, 1.0, 2, True)
    assert live.nodes(("poly",))["work"].rate_hz == 40.0
    assert live.nodes(("poly",))["square"].nb_errors == 2


def test_wires_are_found_through_the_ports_of_nested_pipelines(nested) -> None:
    live = LiveView(nested)
    cells = {"count": figures(), "poly.work": figures(), "poly.add": figures(), "sample": figures(), "print": figures()}
    crossing = [
        ConnectionFigures(
            source="count.value", target="poly.work.item", rate_hz=5.0, queued=3, capacity=8, queued_bytes=0
        ),
        ConnectionFigures(
            source="poly.add.value", target="sample.item", rate_hz=4.0, queued=1, capacity=2, queued_bytes=0
        ),
    ]
    live.update(snapshot(cells, crossing))
    outside = live.wires(())
    assert outside[WireView(("count", "value"), ("poly", "x"))] == WireLive(5.0, 3, 8)
    assert outside[WireView(("poly", "y"), ("sample", "item"))] == WireLive(4.0, 1, 2)
    inside = live.wires(("poly",))
    assert inside[WireView(("<", "x"), ("work", "item"))] == WireLive(5.0, 3, 8)


def test_a_wire_into_a_scaled_cell_shows_what_waits_in_it(people) -> None:
    live = LiveView(people)
    scaled = figures(method="thread", workers=2, station="detect", queued=8, queue_capacity=16)
    live.update(snapshot({"video": figures(), "detect": scaled, "track": figures()}))
    wires = live.wires(())
    assert wires[WireView(("video", "frame"), ("detect", "image"))] == WireLive(5.0, 8, 16)
    assert wires[WireView(("detect", "boxes"), ("track", "boxes"))].capacity is None


def test_activity_follows_the_state_of_the_run(people) -> None:
    live = LiveView(people)
    seen = []
    for state in ("running", "paused", "stopping", "ended", "failed"):
        live.update(snapshot({"video": figures()}, state=state))
        seen.append(live.nodes(())["video"].activity)
    assert seen == ["running", "paused", "running", "over", "over"]


def test_without_a_snapshot_there_is_nothing(people) -> None:
    assert LiveView(people).nodes(()) == {}
    assert LiveView(people).wires(()) == {}


def test_items_that_a_cell_leaves_out_on_purpose_are_no_errors(nested) -> None:
    live = LiveView(nested)
    live.update(snapshot({"sample": figures(items=10, skipped=990)}))
    assert live.nodes(())["sample"].nb_errors == 0


def test_a_skipped_error_counts_once(people) -> None:
    live = LiveView(people)
    live.update(snapshot({"detect": figures(errors=4, skipped=4)}))
    assert live.nodes(())["detect"].nb_errors == 4


def test_a_recurrent_wire_shows_its_figures_though_the_file_does_not_mark_it(types) -> None:
    document = read_file(get_examples()["fibonacci"])
    live = LiveView(document)
    live.update(snapshot({name: figures() for name in document.cells}))
    wires = live.wires(())
    assert [wire for wire in present(document, (), types).wires if wire not in wires] == []


def test_a_nested_pipeline_with_clones_says_how_many(nested) -> None:
    scaled = figures(method="thread", workers=2, station="poly")
    live = LiveView(nested)
    live.update(snapshot({"poly.work": scaled, "poly.add": scaled}))
    assert live.nodes(())["poly"].workers == "×2 threads"
    assert live.nodes(("poly",))["add"].workers == "×2 threads"


def test_nested_pipelines_that_only_hand_on_to_each_other_are_no_endless_way() -> None:
    def handing_on() -> CellEntry:
        return CellEntry(
            type="Pipeline", inputs=["x"], outputs=["y"], connections=[ConnectionEntry(source="x", target="y")]
        )

    document = Document(
        name="g",
        cells={"p": handing_on(), "q": handing_on(), "n": CellEntry(type="sources.Counter")},
        connections=[ConnectionEntry(source="p.y", target="q.x"), ConnectionEntry(source="q.y", target="p.x")],
    )
    live = LiveView(document)
    live.update(snapshot({"n": figures()}))
    assert live.wires(()) == {}
    assert live.wires(("p",)) == {}
    assert set(live.nodes(())) == {"n"}


@pytest.mark.parametrize(
    ("method", "workers", "text"),
    [
        ("inline", 1, ""),
        ("thread", 1, "×1 thread"),
        ("thread", 2, "×2 threads"),
        ("ray", 1, "×1 Ray"),
        ("ray", 4, "×4 Ray"),
        ("mixed", 3, "×3 clones"),
    ],
)
def test_what_runs_a_cell_in_few_characters(method, workers, text) -> None:
    assert workers_of(figures(method=method, workers=workers)) == text

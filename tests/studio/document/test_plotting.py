import pytest
from panel_samples import figures, snapshot

from pypipeline_engine.host.protocol import ProcessFigures
from pypipeline_studio.document.history import History
from pypipeline_studio.document.plotting import MOST_QUIET, PLOTS, make_plot, nice_step, tick_text, time_step, time_text

CELLS = {
    "video": figures(0.1),
    "detect": figures(0.98, method="thread", workers=2, queued=6, capacity=8),
    "post.track": figures(0.5),
    "post.draw": figures(0.2),
}


@pytest.fixture
def history() -> History:
    found = History()
    process = ProcessFigures(cpu=1.5, memory_bytes=2_000_000, threads=3)
    for number in range(4):
        found.take(snapshot(CELLS).model_copy(update={"elapsed_s": float(number), "process": process, "gil": 0.25}))
    return found


def looks(data) -> dict:
    return {line.label: line.look for line in data.lines}


def test_the_rate_of_the_pipeline_stands_out_among_those_of_all_cells(history) -> None:
    data = make_plot("rate", history, (), ("detect",))
    assert looks(data)["pipeline"] == "total"
    assert set(looks(data)) == {*CELLS, "pipeline"}
    assert data.headline == "8.00/s"
    assert data.lines[-1].label == "pipeline"  # painted last, above the others


def test_only_the_selected_cells_are_shown_where_there_are_some(history) -> None:
    data = make_plot("rate", history, ("video", "post.draw"), ("detect",))
    assert looks(data) == {"video": "first", "post.draw": "second", "pipeline": "total"}


def test_a_nested_pipeline_stands_for_its_cells(history) -> None:
    assert set(looks(make_plot("load", history, ("post",), ()))) == {"post.track", "post.draw"}


def test_the_limit_is_the_strong_line_of_the_busy_shares(history) -> None:
    data = make_plot("load", history, (), ("detect",))
    assert looks(data) == {"detect": "limit", "post.track": "first", "post.draw": "second", "video": "quiet"}
    assert [line.label for line in data.named][-1] == "detect"
    assert not data.is_stack


def test_the_load_of_one_cell_is_what_it_is_made_of(history) -> None:
    data = make_plot("load", history, ("detect",), ("detect",))
    assert data.is_stack
    assert [line.label for line in data.lines] == ["busy", "starved", "blocked"]
    assert sum(line.values[-1] for line in data.lines) == pytest.approx(1)
    assert (data.title, data.headline) == ("Load of detect", "98 %")


def test_latencies_are_those_of_the_selected_cell_else_of_the_limit_else_of_the_busiest(history) -> None:
    assert make_plot("latency", history, ("video",), ("post.track",)).title == "Latency of video"
    assert make_plot("latency", history, (), ("post.track",)).title == "Latency of post.track"
    data = make_plot("latency", history, (), ())
    assert data.title == "Latency of detect"
    assert data.headline == "2.00 ms"
    assert [line.label for line in data.lines] == ["p50", "p95"]  # the samples have no p99


def test_a_cell_without_a_queue_says_so(history) -> None:
    assert looks(make_plot("queue", history, (), ())) == {"detect": "first"}
    assert make_plot("queue", history, ("video",), ()).empty == "video has no queue: only cells with clones have one."


def test_the_process_has_its_cpu_gil_and_memory(history) -> None:
    data = make_plot("cpu", history, (), ())
    assert {line.label: line.values[-1] for line in data.lines} == {"CPU": 1.5, "GIL": 0.25}
    assert make_plot("memory", history, (), ()).headline == "2.00 MB"


def test_nothing_is_known_before_the_first_snapshot() -> None:
    for key in PLOTS:
        data = make_plot(key, History(), (), ("detect",))
        assert not data.times
        assert data.headline in ("", "–")


def test_of_many_cells_the_busiest_are_shown() -> None:
    history = History()
    history.take(snapshot({f"cell{number}": figures(number / 100) for number in range(90)}))
    lines = make_plot("load", history, (), ()).lines
    assert len(lines) == MOST_QUIET + 3
    assert lines[-1].label == "cell89"


def test_changes_of_scaling_are_shown_where_they_belong(history) -> None:
    more = figures(0.9, method="thread", workers=4)
    history.take(snapshot({**CELLS, "detect": more}).model_copy(update={"elapsed_s": 4.0}))
    assert [mark.text for mark in make_plot("rate", history, (), ()).marks] == ["2 → 4 threads"]
    assert not make_plot("rate", history, ("video",), ()).marks
    assert not make_plot("rate", history, (), (), since_s=4.5).marks


@pytest.mark.parametrize(
    ("value", "unit", "greatest", "text"),
    [
        (0.5, "share", 1.0, "50 %"),
        (0.0, "rate", 10.0, "0"),
        (5.0, "rate", 10.0, "5"),
        (20_000.0, "rate", 40_000.0, "20k"),
        (0.25, "rate", 0.5, "0.25"),
        (0.02, "seconds", 0.06, "20 ms"),
        (0.0, "seconds", 0.06, "0 ms"),
        (3e-6, "seconds", 9e-6, "3 µs"),
        (250e6, "bytes", 750e6, "250 MB"),
    ],
)
def test_ticks_of_one_axis_have_one_unit(value, unit, greatest, text) -> None:
    assert tick_text(value, unit, greatest) == text


def test_ticks_are_at_round_values() -> None:
    assert [nice_step(span) for span in (0, 1, 8.3, 100, 0.0062)] == pytest.approx([1, 0.5, 5, 50, 0.002])
    assert [time_step(span) for span in (60, 600, 36_000)] == [20, 300, 14_400]
    assert [time_text(*at, "now") for at in ((0, 20), (-40, 20), (-300, 60), (-7200, 3600))] == [
        "now",
        "−40",
        "−5 min",
        "−2 h",
    ]

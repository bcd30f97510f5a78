"""The model that names the limit of a pipeline, on figures worked out by hand."""

import pytest
from figures import make_cell, make_window

from pypipeline_engine.core.counters import CellStatistics, Statistics
from pypipeline_engine.insight import find_bottleneck, get_stations


def test_the_station_with_the_least_capacity_is_the_bottleneck() -> None:
    window = make_window(
        make_cell("video", 1.0, station="main"),
        make_cell("detect", 19.6, workers=2, method="thread"),
        make_cell("draw", 3.0, station="main"),
    )
    bottleneck = find_bottleneck(window)
    assert bottleneck is not None
    assert bottleneck.cells == ("detect",)
    assert bottleneck.utilisation == pytest.approx(0.98)
    assert bottleneck.capacity_hz == pytest.approx(2 * 100 / 19.6)
    assert bottleneck.sentence == "detect limits the pipeline to 10.2/s: its 2 threads are busy 98 % of the time."


def test_cells_of_one_thread_form_one_station_whose_service_times_add() -> None:
    window = make_window(
        make_cell("video", 2.0, station="main"),
        make_cell("draw", 6.0, station="main"),
        make_cell("write", 1.5, station="main"),
        make_cell("detect", 8.0, method="thread"),
    )
    main, detect = get_stations(window)
    assert [cell.name for cell in main.cells] == ["video", "draw", "write"]
    assert main.utilisation == pytest.approx(0.95)
    assert main.capacity_hz == pytest.approx(100 / 9.5)
    assert detect.capacity_hz == pytest.approx(100 / 8.0)
    bottleneck = find_bottleneck(window)
    assert bottleneck is not None
    assert bottleneck.cells == ("draw",)
    assert bottleneck.sentence == (
        "draw limits the pipeline to 10.5/s: the thread that it shares with video and write is busy 95 % of the time, "
        "63 % of that with draw."
    )


def test_capacity_counts_the_visits_of_a_cell_for_each_delivered_item() -> None:
    """A cell that runs four times for each delivered item lets through a quarter of its own rate."""
    window = make_window(make_cell("often", 9.0, runs=400), make_cell("once", 5.0, runs=100), sink_items=100)
    often = get_stations(window)[0]
    service_s, visits = 9.0 / 400, 4
    assert often.capacity_hz == pytest.approx(1 / (service_s * visits))


def test_capacity_times_utilisation_is_the_measured_rate_for_every_station() -> None:
    window = make_window(make_cell("a", 3.0), make_cell("b", 17.0, workers=2, method="thread"), make_cell("c", 0.2))
    for station in get_stations(window):
        assert station.capacity_hz is not None
        assert station.capacity_hz * station.utilisation == pytest.approx(window.sink_rate_hz)


def test_a_station_that_was_scaled_within_the_window_counts_its_average_workers() -> None:
    cell = CellStatistics("x", "x", "thread", 2, 100, 0, 0, 0, wall_s=15.0, busy_s=12.0, starved_s=0, cpu_s=0)
    (station,) = get_stations(make_window(cell))
    assert station.workers == pytest.approx(1.5)
    assert station.utilisation == pytest.approx(0.8)


def test_stations_of_almost_equal_load_limit_together() -> None:
    window = make_window(
        make_cell("detect", 9.8, method="thread"),
        make_cell("classify", 19.4, method="ray", workers=2),
        make_cell("write", 5.0),
    )
    bottleneck = find_bottleneck(window)
    assert bottleneck is not None
    assert bottleneck.cells == ("detect", "classify")
    assert bottleneck.sentence == (
        "detect and classify together limit the pipeline to 10.2/s. detect: its thread is busy 98 % of the time; "
        "classify: its 2 processes are busy 97 % of the time."
    )


@pytest.mark.parametrize(
    ("method", "workers", "words"),
    [
        ("ray", 1, "its process is busy 98 % of the time"),
        ("ray", 3, "its 3 processes are busy 98 % of the time"),
        ("mixed", 3, "its 3 clones are busy 98 % of the time"),
        ("thread", 1, "its thread is busy 98 % of the time"),
    ],
)
def test_what_is_busy_is_called_what_it_is(method, workers, words) -> None:
    bottleneck = find_bottleneck(make_window(make_cell("detect", 9.8 * workers, method=method, workers=workers)))
    assert bottleneck is not None
    assert bottleneck.sentence.endswith(f": {words}.")


def test_cells_inside_of_a_pipeline_in_another_process_share_that() -> None:
    window = make_window(
        make_cell("post.track", 8.0, method="ray", station="post"),
        make_cell("post.filter", 1.5, method="ray", station="post"),
    )
    bottleneck = find_bottleneck(window)
    assert bottleneck is not None
    assert "the process that it shares with post.filter is busy 95 % of the time" in bottleneck.sentence


def test_where_all_are_idle_the_source_is_the_limit() -> None:
    window = make_window(make_cell("camera", 0.1), make_cell("detect", 1.2, method="thread"))
    bottleneck = find_bottleneck(window, sources={"camera"})
    assert bottleneck is not None
    assert bottleneck.stations == ()
    assert bottleneck.cells == ("camera",)
    assert bottleneck.capacity_hz == pytest.approx(10.0)
    assert bottleneck.sentence == (
        "camera limits the pipeline to 10.0/s: no cell is busy for more than 12 % of the time, they wait for items."
    )


def test_where_one_thread_is_idle_no_cell_is_blamed() -> None:
    window = make_window(make_cell("count", 1.0, station="main"), make_cell("print", 2.0, station="main"))
    bottleneck = find_bottleneck(window, sources={"count"})
    assert bottleneck is not None
    assert bottleneck.cells == ()
    assert bottleneck.sentence.startswith("No cell limits the pipeline: together they work 30 % of the time")


def test_a_cell_alone_in_its_thread() -> None:
    bottleneck = find_bottleneck(make_window(make_cell("work", 9.9)))
    assert bottleneck is not None
    assert bottleneck.sentence == (
        "work limits the pipeline to 10.1/s: the thread that runs it is busy with it 99 % of the time."
    )


def test_cells_inside_a_scaled_pipeline_share_its_clones() -> None:
    window = make_window(
        make_cell("post.track", 14.0, workers=2, method="thread", station="post"),
        make_cell("post.filter", 5.0, workers=2, method="thread", station="post"),
    )
    bottleneck = find_bottleneck(window)
    assert bottleneck is not None
    assert bottleneck.utilisation == pytest.approx(0.95)
    assert bottleneck.sentence == (
        "post.track limits the pipeline to 10.5/s: the 2 threads that it shares with post.filter are busy 95 % of the time, "
        "74 % of that with post.track."
    )


def test_where_no_cell_of_a_thread_takes_half_of_its_time_all_are_named() -> None:
    window = make_window(
        *(make_cell(name, busy_s, station="main") for name, busy_s in zip("abc", (3, 4, 2), strict=True))
    )
    bottleneck = find_bottleneck(window)
    assert bottleneck is not None
    assert bottleneck.cells == ("b",)
    assert bottleneck.sentence == (
        "3 cells that share a thread limit the pipeline to 11.1/s: they are busy 90 % of the time, and b takes the "
        "most of that, 44 %."
    )


def test_an_estimate_above_the_time_that_there_was_is_cut_off() -> None:
    window = make_window(*(make_cell(name, 8.0, station="main") for name in "ab"))
    bottleneck = find_bottleneck(window)
    assert bottleneck is not None
    assert bottleneck.utilisation == 1.0
    assert bottleneck.capacity_hz == pytest.approx(window.sink_rate_hz)


def test_nothing_delivered_yet_gives_no_capacity() -> None:
    bottleneck = find_bottleneck(make_window(make_cell("slow", 9.9), sink_items=0))
    assert bottleneck is not None
    assert bottleneck.capacity_hz is None
    assert bottleneck.sentence == "slow limits the pipeline: the thread that runs it is busy with it 99 % of the time."


@pytest.mark.parametrize("window", [Statistics(0.0, 0, ()), make_window(make_cell("never", 0.0, runs=0), sink_items=0)])
def test_where_nothing_ran_there_is_no_bottleneck(window: Statistics) -> None:
    assert find_bottleneck(window) is None

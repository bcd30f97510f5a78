"""A recorded run shown in the window instead of what goes on."""

import json

import pytest
from panel_samples import figures, snapshot
from PySide6.QtCore import Qt
from record_samples import GRAPH, write_record

from pypipeline_engine.host.protocol import RunInfo


@pytest.fixture
def window(tmp_path, monkeypatch, request):
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setattr("pypipeline_studio.window.runs.runs_folder", lambda: folder)
    window = request.getfixturevalue("file_window")
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(GRAPH))
    window.session.open(path)
    window.activateWindow()
    return window


@pytest.fixture
def record(tmp_path, window):
    return write_record(tmp_path / "runs" / "one.record", seconds=10)


@pytest.fixture
def replaying(window, record):
    """A replay that was begun from the list."""
    window.bottom.show_tab(window.bottom.runs_tab)
    window.bottom.runs.select([record])
    window.bottom.runs.replay()
    return window.replaying


def rate_on_canvas(window) -> float | None:
    live = window.canvas._nodes["work"].view.live
    return live.rate_hz if live is not None else None


def rate_in_table(window) -> float | None:
    rows = {row.name: row for row in window.bottom.statistics.model.rows}
    return rows["work"].figures.rate_hz if "work" in rows else None


def run_live(window) -> None:
    window.run_control.follow(window.session.document)
    window.engine.snapshot_arrived.emit(snapshot({"work": figures(0.5, 99.0)}))


def test_a_run_is_shown_on_the_canvas_and_in_table_and_plots(window, replaying) -> None:
    assert replaying.bar.isVisible()
    assert replaying.bar.title.text().startswith("Replay of counted, 20")
    assert replaying.bar.about.text() == "on the graph as it ran"
    assert replaying.bar.time.text() == "1.0 s of 10.0 s"
    assert rate_on_canvas(window) == rate_in_table(window) == 8.0
    view = window.bottom.statistics.plots.views["rate"]
    assert view.moment.isVisible()
    assert view.moment.value() == -9.0
    assert view.data.times[-1] == 10.0
    assert not window.bottom.statistics.plots.span.isEnabled()


def test_the_slider_goes_to_any_moment_and_keys_from_sample_to_sample(window, replaying, qtbot) -> None:
    slider = replaying.bar.slider
    assert slider.hasFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert replaying.bar.time.text() == "3.0 s of 10.0 s"
    qtbot.keyClick(slider, Qt.Key.Key_End)
    assert replaying.bar.time.text() == "10.0 s of 10.0 s"
    assert window.bottom.statistics.snapshot.elapsed_s == 10.0


def test_it_plays_to_its_end_and_again_from_the_start(window, replaying, qtbot, monkeypatch) -> None:
    clock = iter(range(0, 100, 4))
    monkeypatch.setattr("pypipeline_studio.window.replaying.monotonic", lambda: float(next(clock)))
    qtbot.keyClick(replaying.bar.slider, Qt.Key.Key_Space)
    assert replaying.is_playing
    assert replaying.bar.play_button.accessibleName() == "Pause"
    qtbot.waitUntil(lambda: not replaying.is_playing, timeout=20_000)
    assert replaying.replay.is_at_end
    qtbot.mouseClick(replaying.bar.play_button, Qt.MouseButton.LeftButton)
    assert replaying.replay.elapsed_s == 1.0
    qtbot.keyClick(replaying.bar.slider, Qt.Key.Key_Space)
    assert not replaying.is_playing


def test_the_speed_can_be_chosen(replaying, qtbot) -> None:
    qtbot.mouseClick(replaying.bar.speed_button, Qt.MouseButton.LeftButton)
    assert (replaying.bar.speed, replaying.bar.speed_button.text()) == (4, "4×")


@pytest.mark.parametrize("way", ["escape on the canvas", "escape on the bar", "button"])
def test_the_way_back_to_what_goes_on(window, replaying, qtbot, way) -> None:
    run_live(window)
    assert rate_on_canvas(window) == rate_in_table(window) == 8.0
    if way == "button":
        qtbot.mouseClick(replaying.bar.close_button, Qt.MouseButton.LeftButton)
    else:
        target = window.canvas.viewer if "canvas" in way else replaying.bar.slider
        target.setFocus()
        qtbot.keyClick(target, Qt.Key.Key_Escape)
    assert not replaying.bar.isVisible()
    assert rate_on_canvas(window) == rate_in_table(window) == 99.0
    assert window.bottom.statistics.plots.span.isEnabled()
    assert window.bottom.statistics.history.times() == [1.0]


def test_without_a_run_there_is_nothing_to_go_back_to(window, replaying) -> None:
    replaying.stop()
    assert rate_on_canvas(window) is None
    assert window.bottom.statistics.is_empty


def test_a_run_that_begins_ends_the_replay(window, replaying) -> None:
    window.run_control.follow(window.session.document)
    window.engine.run = RunInfo(run=1, state="running")
    window.engine.run_changed.emit(window.engine.run)
    assert replaying.replay is None
    assert not replaying.bar.isVisible()


def test_on_a_graph_that_has_changed_it_says_so_and_opens_the_one_that_ran(window, replaying, qtbot, answer) -> None:
    answer("Discard")
    window.canvas.select(["count"])
    window.canvas.remove_selected()
    assert replaying.bar.about.text() == "on the graph as it is now; 1 cell of the run is not in it"
    assert rate_on_canvas(window) == 8.0
    qtbot.mouseClick(replaying.bar.graph_button, Qt.MouseButton.LeftButton)
    assert list(window.session.document.cells) == ["count", "work", "write"]
    assert replaying.bar.about.text() == "on the graph as it ran"
    assert not replaying.bar.graph_button.isVisible()
    assert rate_on_canvas(window) == 8.0


def test_a_record_without_figures_is_not_replayed_and_it_is_said(window, tmp_path) -> None:
    path = write_record(tmp_path / "runs" / "short.record", seconds=0)
    window.replaying.start(path, "short")
    assert window.replaying.replay is None
    assert "holds no figures" in window.statusBar().currentMessage()

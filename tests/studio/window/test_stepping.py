"""A step through a stream of which every item is skipped; the engine is played."""

import pytest
from looking_support import PlayedRun, open_graph
from panel_samples import figures, snapshot


@pytest.fixture
def window(file_window, tmp_path):
    open_graph(file_window, tmp_path)
    return file_window


@pytest.fixture
def run(window, monkeypatch):
    run = PlayedRun(window, monkeypatch)
    run.start()
    run.tell("paused")
    return run


def see(window, run, sink_items, errors) -> None:
    cells = {"count": figures(0.1), "paint": figures(0.5).model_copy(update={"errors": errors})}
    about = {"run": run.number, "state": "paused", "sink_items": sink_items}
    window.engine.snapshot_arrived.emit(snapshot(cells).model_copy(update=about))


def test_a_step_that_meets_errors_only_is_ended_and_explained(window, run) -> None:
    told = []
    window.stepping.told.connect(told.append)
    see(window, run, 3, 5)
    window.commands["step"].trigger()
    see(window, run, 3, 5)
    assert ("pause",) not in run.asked
    see(window, run, 3, 42)
    assert run.names("pause") == [("pause",)]
    assert told == ["No item came through: paint failed at 37 items. Step goes on from here."]
    see(window, run, 3, 60)
    assert run.names("pause") == [("pause",)]


def test_a_step_that_brings_an_item_behind_errors_is_left_alone(window, run) -> None:
    see(window, run, 3, 5)
    window.commands["step"].trigger()
    see(window, run, 4, 9)
    see(window, run, 4, 12)
    assert ("pause",) not in run.asked


def test_a_run_that_goes_on_is_not_paused_by_errors(window, run) -> None:
    see(window, run, 3, 5)
    window.commands["step"].trigger()
    window.commands["pause"].trigger()
    see(window, run, 3, 42)
    assert ("pause",) not in run.asked

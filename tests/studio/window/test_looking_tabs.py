"""What is looked at in the run of one graph while another one is in front."""

import pytest
from looking_support import IMAGE, PlayedRun, open_graph

from pypipeline_engine.host.looking import HeldInfo, HeldItems, WatchedInfo
from pypipeline_engine.host.protocol import CellError
from pypipeline_studio.document.watched import Breakpoint


@pytest.fixture
def window(file_window, tmp_path):
    open_graph(file_window, tmp_path)
    file_window.activateWindow()
    return file_window


@pytest.fixture
def run(window, monkeypatch):
    return PlayedRun(window, monkeypatch)


@pytest.fixture
def other(window, run):
    """A second graph like the one that runs, without a file, which is in front now; and the one that runs."""
    first = window.session.front
    run.start()
    window.session.begin(first.document.model_copy(update={"name": "other"}))
    return window.session.front, first


def places(window) -> list:
    return [row.one.place for row in window.debugging.breaking.rows()]


def test_breakpoints_of_another_graph_do_not_reach_the_run(window, run, other) -> None:
    window.debugging.breaking.put(Breakpoint(*IMAGE))
    assert run.names("set_breakpoint") == []
    second, first = other
    window.session.show(first)
    assert places(window) == []
    assert run.names("set_breakpoint") == []
    window.session.show(second)
    assert places(window) == [IMAGE]  # it has no file, and is remembered all the same


def test_breakpoints_of_the_run_stay_while_another_graph_is_in_front(window, run, other) -> None:
    second, first = other
    window.session.show(first)
    window.debugging.breaking.put(Breakpoint(*IMAGE))
    run.answers["set_breakpoint"][1](WatchedInfo())
    window.session.show(second)
    assert places(window) == []
    assert run.names("remove_breakpoint") == []
    window.session.show(first)
    assert places(window) == [IMAGE]
    assert len(run.names("set_breakpoint")) == 1


def test_a_held_item_marks_no_cell_of_another_graph_and_changes_none(window, run, other) -> None:
    held = HeldInfo(held=1, cell="paint", port="image", item=5, condition="", inputs={}, outputs={})
    run.tell("paused")
    run.looking.held_arrived.emit(held)
    run.answers["get_held"][0](HeldItems(items=(held,)))
    assert window.canvas._nodes["paint"].view.mark is None
    steps = window.session.undo_stack.count()
    window.debugging.holding._apply({"width": 100})
    assert window.session.undo_stack.count() == steps
    assert "the held item is of its run" in window.statusBar().currentMessage()
    window.session.show(other[1])
    assert window.canvas._nodes["paint"].view.mark.state == "held"


def test_errors_of_the_run_are_listed_again_when_its_graph_is_in_front_again(window, run, other) -> None:
    second, first = other
    window.engine.error_arrived.emit(CellError(cell="paint", item=3, message="ValueError: 3"))
    rows = window.bottom.errors.list
    assert rows.topLevelItemCount() == 0
    window.session.show(first)
    window.run_control.errors_changed.emit()
    assert rows.topLevelItemCount() == 1
    window.session.show(second)
    assert rows.topLevelItemCount() == 0


def test_previews_are_not_asked_for_while_another_graph_is_in_front(qtbot, window, run, other) -> None:
    second, first = other
    window.session.show(first)
    window.canvas.select(["paint"])
    window.commands["preview"].trigger()
    qtbot.waitUntil(lambda: bool(run.names("preview")))
    window.session.show(second)
    assert run.names("stop_preview") == [("stop_preview", IMAGE)]
    nb_asked = len(run.names("preview"))
    window.session.show(first)
    qtbot.waitUntil(lambda: len(run.names("preview")) == nb_asked + 1)

"""Advice in the window: the badge, the row with its button, and what comes of it; the engine is played."""

import json

import pytest
from gestures import move
from panel_samples import FLOAT, figures, parameter, port
from PySide6.QtCore import QEvent, QPointF, QSettings, QStandardPaths, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from pypipeline_engine.catalogue.model import CellType
from pypipeline_engine.host.protocol import BottleneckInfo, Catalogue, ChangeInfo, Refusal, RunInfo, Snapshot
from pypipeline_studio.document.steady import HELD_SNAPSHOTS
from pypipeline_studio.window.application import make_application
from pypipeline_studio.window.bottom import PROBLEMS_TAB
from pypipeline_studio.window.main_window import MainWindow

GRAPH = {
    "format": "pypipeline.graph",
    "version": 1,
    "cells": {
        "count": {"type": "sources.Counter"},
        "work": {"type": "demo.Work"},
        "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
    },
    "connections": [["count.value", "work.item"], ["work.item", "write.item"]],
}
WORK = CellType(
    name="demo.Work",
    category="demo",
    class_name="Work",
    inputs=(port("item", "any"),),
    outputs=(port("item", "any"),),
    parameters=(parameter("milliseconds", FLOAT, 5.0),),
)
TO_THREE = ChangeInfo(cell="work", method="thread", before=2, after=3)
TO_TWO = ChangeInfo(cell="work", method="thread", before=0, after=2)


@pytest.fixture
def window(qapp, qtbot, tmp_path, monkeypatch):
    QStandardPaths.setTestModeEnabled(True)
    # Tests that run at the same time in other processes have others.
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    make_application("dark")
    QSettings().clear()
    monkeypatch.setattr(QApplication, "quit", lambda: None)
    window = MainWindow(tmp_path)
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(GRAPH))
    window.session.open(path)
    window.resize(1400, 900)
    window.show()
    qtbot.waitExposed(window)
    yield window
    window.session.undo_stack.setClean()
    window.close()
    window.deleteLater()


class PlayedRun:
    """A run of the graph in an engine that only takes note of what is asked of it."""

    def __init__(self, window, monkeypatch) -> None:
        self.window = window
        self.sent = []
        self.refuse = None
        self.is_scaling = False
        self.elapsed_s = 10.0
        monkeypatch.setattr(window.engine, "run_graph", lambda *_, **__: None)
        monkeypatch.setattr(window.engine, "scale", self._scale)
        monkeypatch.setattr(type(window.engine), "is_scaling", property(lambda _: self.is_scaling))
        window.run_control.start()
        self.tell("running")

    def _scale(self, cell, thread, ray, refused) -> None:
        self.sent.append((cell, thread, ray))
        self.refuse = refused

    def tell(self, state) -> None:
        self.window.engine.run = RunInfo(run=1, state=state)
        self.window.engine.run_changed.emit(self.window.engine.run)

    def see(self, hz=5.1, cells=("work",), changes=(TO_TWO,), state="running", **more) -> None:
        """Another snapshot, a quarter of a second later."""
        self.elapsed_s += 0.25
        names = " and ".join(cells)
        about = {
            "sentence": f"{names} limits the pipeline, waiting for something outside: do something.",
            "paragraph": f"{names} limits the pipeline to {hz}/s. Do something.",
            "predicted_hz": 9.8,
            **more,
        }
        limit = BottleneckInfo(cells=cells, kind="station", utilisation=0.98, capacity_hz=hz, changes=changes, **about)
        self.window.engine.snapshot_arrived.emit(
            Snapshot(
                run=1, state=state, elapsed_s=self.elapsed_s, window_s=2.0, sink_items=50, sink_rate_hz=hz,
                cells={
                    name: figures(0.9 if name in cells else 0.1, hz, queued=1, capacity=4)
                    for name in ("count", "work", "write")
                },
                bottleneck=limit,
            )
        )  # fmt: skip


@pytest.fixture
def run(window, monkeypatch) -> PlayedRun:
    return PlayedRun(window, monkeypatch)


def press(qtbot, window, key) -> None:
    """Click on the button of a row of the problems."""
    window.bottom.show_tab(PROBLEMS_TAB)
    button = window.bottom.problems.row(key).button
    qtbot.waitUntil(button.isVisible)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def row_of(window, key):
    return next((row for row in window.bottom.advising.rows() if row.key == key), None)


def threads(window) -> int:
    scale = window.session.document.cells["work"].scale
    return 0 if scale is None else scale.thread


def has_badge(window, name) -> bool:
    live = window.canvas._nodes[name].view.live
    return live is not None and live.is_limit


# ------------------------------------------------------------------ the badge


def test_the_badge_moves_when_another_limit_has_held(window, run) -> None:
    run.see()
    assert has_badge(window, "work")
    for _ in range(HELD_SNAPSHOTS - 1):
        run.see(cells=("write",), changes=())
        assert (has_badge(window, "work"), has_badge(window, "write")) == (True, False)
        assert window.bottom.statistics.model.row_of("work") == 0
    run.see(cells=("write",), changes=())
    assert (has_badge(window, "work"), has_badge(window, "write")) == (False, True)
    assert [row.key for row in window.bottom.advising.rows()] == ["limit:write"]


def test_who_rests_on_the_node_reads_the_sentence_and_on_the_badge_gets_the_box(qtbot, window, run) -> None:
    run.see()
    item, viewer = window.canvas._nodes["work"].view, window.canvas.viewer
    assert "do something" in item.toolTip().replace("\n", " ")
    point = viewer.mapFromScene(item.mapToScene(item._limit_badge().topLeft() + QPointF(20, 5)))
    assert viewer.node_at(point) is None  # above the body, where Qt knows of no item
    move(window.canvas, point)
    QApplication.sendEvent(
        viewer.viewport(), QHelpEvent(QEvent.Type.ToolTip, point, viewer.viewport().mapToGlobal(point))
    )
    assert window.popovers.box.title.text() == "work limits the pipeline"
    assert not QToolTip.isVisible()


# ------------------------------------------------------------------ taking the advice


def test_the_button_scales_and_the_gain_is_told_beside_the_prediction(qtbot, window, run) -> None:
    run.see()
    row = row_of(window, "limit:work")
    assert (row.action_text, row.is_primary) == ("Scale work to 2 threads", True)
    assert row.text == "work limits the pipeline to 5.1/s. Do something."
    press(qtbot, window, "limit:work")
    assert run.sent == [("work", 2, 0)]
    assert threads(window) == 2
    assert window.session.is_modified
    assert not window.run_control.needs_restart
    assert window.session.undo_stack.undoText() == "Scale work to 2 threads"
    assert row_of(window, "limit:work").action_text == "Show"  # no advice while it takes effect
    for _ in range(20):
        run.see(9.7)
    assert row_of(window, "trial").text == "Predicted 9.80/s, measured 9.70/s (before 5.10/s): +90 %."
    shown = window.bottom.problems.row("trial")
    assert shown.text.text() == row_of(window, "trial").text
    assert shown.button.text() == "Undo"
    assert window.bottom._count.shown == (1, False)  # what went well is no problem


def test_an_advice_that_takes_effect_slowly_is_not_measured_before(qtbot, window, run) -> None:
    run.see()
    run.is_scaling = True
    press(qtbot, window, "limit:work")
    for _ in range(40):
        run.see(5.1, changes=(TO_THREE,))
    assert row_of(window, "limit:work").action_text == "Show"  # it may be from before
    assert "Measuring" in row_of(window, "trial").text
    run.is_scaling = False
    for _ in range(20):
        run.see(9.7)
    assert "measured 9.70/s" in row_of(window, "trial").text
    run.see(9.7, changes=(TO_THREE,))
    for _ in range(HELD_SNAPSHOTS):
        run.see(9.7, changes=(TO_THREE,))
    assert row_of(window, "limit:work").action_text == "Scale work to 3 threads"


@pytest.mark.parametrize("by_button", [True, False])
def test_undo_scales_back(qtbot, window, run, by_button) -> None:
    run.see()
    press(qtbot, window, "limit:work")
    if by_button:
        press(qtbot, window, "trial")
    else:
        window.commands["undo"].trigger()
    assert run.sent == [("work", 2, 0), ("work", 0, 0)]
    assert window.session.document.cells["work"].scale is None
    assert not window.session.undo_stack.canUndo()
    assert row_of(window, "trial") is None
    assert row_of(window, "limit:work").action_text == "Scale work to 2 threads"


def test_undo_by_the_button_keeps_what_was_edited_since(qtbot, window, run) -> None:
    run.see()
    press(qtbot, window, "limit:work")
    window.canvas.select(["work"])
    window.inspector.parameter_changed.emit("milliseconds", 7.0, True)
    press(qtbot, window, "trial")
    assert threads(window) == 0
    assert window.session.document.cells["work"].parameters == {"milliseconds": 7.0}


def test_more_of_what_brought_nothing_is_not_urged(qtbot, window, run) -> None:
    run.see()
    press(qtbot, window, "limit:work")
    for _ in range(20):
        run.see(4.0, changes=(TO_THREE,))
    assert "slower" in row_of(window, "trial").text
    row = row_of(window, "limit:work")
    assert (row.action_text, row.is_primary) == ("Scale work to 3 threads", False)
    for _ in range(HELD_SNAPSHOTS):
        run.see(4.0, changes=(ChangeInfo(cell="write", method="thread", before=0, after=1),))
    assert row_of(window, "limit:work").is_primary


def test_a_parameter_that_is_changed_meanwhile_spoils_the_measurement(qtbot, window, run) -> None:
    window.session.set_catalogue(Catalogue(types=(WORK,)))
    run.see()
    press(qtbot, window, "limit:work")
    window.canvas.select(["work"])
    assert "Measuring" in row_of(window, "trial").text
    window.inspector.parameter_changed.emit("milliseconds", 7.0, True)
    for _ in range(20):
        run.see(9.7)
    assert "Something else" in row_of(window, "trial").text


def test_clones_that_are_changed_by_hand_end_the_trial(qtbot, window, run) -> None:
    run.see()
    press(qtbot, window, "limit:work")
    window.canvas.clones_requested.emit("work", 1)
    assert row_of(window, "trial") is None
    assert threads(window) == 3


def test_a_refusal_is_told_and_can_be_taken_back(qtbot, window, run) -> None:
    run.see()
    press(qtbot, window, "limit:work")
    run.refuse(Refusal(message="work cannot be scaled."))
    row = row_of(window, "trial")
    assert (row.title, row.text) == ("The engine has not scaled it", "work cannot be scaled.")
    press(qtbot, window, "trial")
    assert threads(window) == 0


def test_the_end_of_the_run_and_another_run(qtbot, window, run) -> None:
    run.see()
    press(qtbot, window, "limit:work")
    run.tell("stopped")
    run.see(state="stopped")
    assert "ended before" in row_of(window, "trial").text
    window.run_control.start()
    assert window.bottom.advising.rows() == []


def test_after_a_run_the_advice_is_for_the_next_one(qtbot, window, run) -> None:
    run.see()
    run.tell("ended")
    run.see(state="ended")
    press(qtbot, window, "limit:work")
    assert (run.sent, threads(window)) == ([], 2)
    assert row_of(window, "trial") is None
    assert row_of(window, "limit:work").action_text == "Show"


def test_where_nothing_would_help_the_row_says_so_and_shows_the_cell(qtbot, window, run) -> None:
    run.see(changes=(), predicted_hz=None, paragraph="work limits the pipeline. Only a faster source would help.")
    row = row_of(window, "limit:work")
    assert (row.action_text, row.is_primary) == ("Show", False)
    assert row.text.endswith("Only a faster source would help.")
    press(qtbot, window, "limit:work")
    assert window.canvas.selected() == ("work",)
    assert not window.session.is_modified


def test_a_cell_that_is_gone_is_not_scaled(window, run) -> None:
    run.see()
    window.canvas.select(["work"])
    window.canvas.remove_selected()
    assert row_of(window, "limit:work").action_text == "Show"
    window.bottom.advising.apply()
    assert "work" not in window.session.document.cells


def test_a_queue_that_is_too_short_is_set_for_the_next_run(qtbot, window, run) -> None:
    window.canvas.clones_requested.emit("work", 2)
    run.see(changes=(), predicted_hz=None, queue_cell="work", queue_capacity=16)
    assert row_of(window, "limit:work").action_text == "Set its queue to 16"
    assert "next run" in row_of(window, "limit:work").text
    press(qtbot, window, "limit:work")
    assert window.session.document.cells["work"].scale.queue_capacity == 16
    assert threads(window) == 2
    assert window.run_control.needs_restart
    assert row_of(window, "limit:work").action_text == "Show"

"""The box at a badge, by mouse and by keys; the engine is played."""

import json

import pytest
from gestures import LEFT, NONE, click, drag, move
from panel_samples import error, figures
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from pypipeline_engine.host.protocol import BottleneckInfo, ChangeInfo, GraphProblem, RunInfo, Snapshot
from pypipeline_studio.panels.traceback_dialog import TracebackDialog
from pypipeline_studio.window.bottom import PROBLEMS_TAB
from pypipeline_studio.window.popovers import LEAVE_MS

GRAPH = {
    "format": "pypipeline.graph",
    "version": 1,
    "cells": {
        "count": {"type": "sources.Counter"},
        "work": {"type": "demo.Work"},
        "inner": {"type": "Pipeline", "inputs": ["x"], "outputs": ["y"],
                  "cells": {"slow": {"type": "demo.Work"}},
                  "connections": [["x", "slow.item"], ["slow.item", "y"]]},
        "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
    },
    "connections": [["count.value", "work.item"], ["work.item", "inner.x"], ["inner.y", "write.item"]],
    "view": {"count": {"pos": [0, 0]}, "work": {"pos": [280, 0]}, "inner": {"pos": [560, 0]}, "write": {"pos": [840, 0]}},
}  # fmt: skip
TO_TWO = ChangeInfo(cell="work", method="thread", before=0, after=2)


@pytest.fixture
def window(file_window, tmp_path, monkeypatch):
    """A window with a run that an engine would have told of; `see` brings a snapshot, `sent` has what was scaled."""
    window = file_window
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(GRAPH))
    window.session.open(path)
    window.resize(1400, 1000)
    window.sent = []
    monkeypatch.setattr(window.engine, "run_graph", lambda *_, **__: None)
    monkeypatch.setattr(window.engine, "scale", lambda cell, thread, ray, **_: window.sent.append((cell, thread, ray)))
    window.run_control.start()
    tell(window, "running")
    yield window
    tell(window, "stopped")


def tell(window, state) -> None:
    window.engine.run = RunInfo(run=1, state=state)
    window.engine.run_changed.emit(window.engine.run)


def see(window, hz=5.0, cells=("work",), changes=(TO_TWO,), errors=0) -> None:
    """Another snapshot, a quarter of a second later."""
    before = window.run_control.snapshot
    limit = BottleneckInfo(
        cells=cells, kind="station", utilisation=0.98, capacity_hz=hz, changes=changes, predicted_hz=9.6,
        sentence=f"{cells[0]} limits the pipeline, waiting for something outside: 2 clones of it would bring 9.60/s.",
        paragraph=f"{cells[0]} limits the pipeline to {hz}/s: the thread that runs it is busy with it 98 % of the time.",
    )  # fmt: skip
    shown = {
        name: figures(0.9 if name in cells else 0.1, hz, errors=errors if name == "write" else 0, skipped=errors)
        for name in ("count", "work", "inner.slow", "write")
    }
    window.engine.snapshot_arrived.emit(
        Snapshot(
            run=1, state="running", elapsed_s=before.elapsed_s + 0.25 if before else 10.0, window_s=2.0, sink_items=50,
            sink_rate_hz=hz, cells=shown, bottleneck=limit if cells else None,
        )
    )  # fmt: skip


def badge_point(window, name, badge="limit") -> QPoint:
    item = window.canvas.node_item(name)
    box = item.badge_box(badge)
    return window.canvas.viewer.mapFromScene(item.mapToScene(box.center()))


def open_box(window, name="work", badge="limit"):
    click(window.canvas, badge_point(window, name, badge))
    return window.popovers.box


def press(button) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def texts(box) -> tuple[str, str]:
    return box.title.text(), box.text.text()


# ------------------------------------------------------------------ the limit


def test_a_click_on_the_badge_says_what_limits_and_what_would_help(window) -> None:
    see(window)
    box = open_box(window)
    assert box.isVisible()
    assert texts(box) == (
        "work limits the pipeline",
        "The thread that runs it is busy with it 98 % of the time, waiting for something outside.",
    )
    assert [(bar.name, bar.rate_hz, bar.note) for bar in box.bars.bars] == [
        ("Now", 5.0, ""),
        ("2 threads", 9.6, "+92 %"),
    ]
    assert (box.action_button.text(), box.action_button.property("primary")) == ("Use 2 threads", True)
    assert window.canvas.selected() == ("work",)
    see(window, 4.0)
    assert box.bars.bars[0].rate_hz == 4.0


def test_the_button_does_it_and_the_same_box_tells_what_it_brought(window) -> None:
    see(window)
    box = open_box(window)
    press(box.action_button)
    assert window.sent == [("work", 2, 0)]
    assert window.session.undo_stack.count() == 1
    assert texts(box) == ("work now has 2 threads", "The change takes effect …")
    assert [(bar.name, bar.rate_hz) for bar in box.bars.bars] == [
        ("Before", 5.0),
        ("Predicted", 9.6),
        ("Measured", None),
    ]
    for _ in range(20):
        see(window, 9.5, ("write",), ())
    assert texts(box)[1] == "The pipeline is 90 % faster. write is the next limit, at 9.50/s."
    assert [(bar.name, bar.rate_hz, bar.note) for bar in box.bars.bars][2] == ("Measured", 9.5, "+90 %")
    assert window.popovers.cell == "work"
    press(box.action_button)
    assert (box.isVisible(), window.session.document.cells["work"].scale.thread) == (False, 2)


def test_undo_in_the_box_takes_the_step_back(window) -> None:
    see(window)
    box = open_box(window)
    press(box.action_button)
    press(box.second_button)
    assert window.sent == [("work", 2, 0), ("work", 0, 0)]
    assert not window.session.undo_stack.canUndo()
    assert texts(box)[0] == "work limits the pipeline"


def test_why_shows_the_problems(window) -> None:
    see(window)
    box = open_box(window)
    press(box.second_button)
    assert window.bottom._tabs.currentIndex() == PROBLEMS_TAB
    assert box.isVisible()


def test_the_badge_of_a_nested_pipeline_tells_of_the_cell_inside(window) -> None:
    see(window, cells=("inner.slow",), changes=())
    box = open_box(window, "inner")
    assert texts(box)[0] == "inner.slow limits the pipeline"
    assert (box.action_button.isVisible(), box.second_button.text(), box.bars.isVisible()) == (False, "Why?", False)


def test_what_is_over_closes_the_box(window) -> None:
    see(window)
    box = open_box(window)
    for _ in range(8):
        see(window, cells=("write",), changes=())
    assert not box.isVisible()
    box = open_box(window, "write")
    window.canvas.select(["write"])
    window.canvas.remove_selected()
    assert not box.isVisible()


def test_the_advice_is_reached_by_key_and_the_key_goes_into_the_box(qtbot, window) -> None:
    see(window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.canvas.viewer.zoom_by(0.3)
    window.commands["show_limit"].trigger()
    box = window.popovers.box
    assert box.action_button.hasFocus()
    QTest.keyClick(box.action_button, Qt.Key.Key_Return)
    assert window.sent == [("work", 2, 0)]
    QTest.keyClick(box.action_button, Qt.Key.Key_Escape)
    assert not box.isVisible()
    assert window.canvas.viewer.hasFocus()


def test_without_a_limit_the_key_says_so(window) -> None:
    window.commands["show_limit"].trigger()
    assert "Nothing is known" in window.statusBar().currentMessage()


# ------------------------------------------------------------------ errors


def test_the_error_badge_tells_the_last_error_and_opens_its_traceback(window, monkeypatch, tmp_path) -> None:
    opened, source = [], tmp_path / "write.py"
    source.touch()
    monkeypatch.setattr(
        "pypipeline_studio.window.source_files.QDesktopServices.openUrl", lambda url: opened.append(url) or True
    )
    for item in (639, 640):
        told = error(item, "TypeError: not serializable", cell="write")
        window.engine.error_arrived.emit(told.model_copy(update={"file": str(source)}))
    see(window, errors=3)
    box = open_box(window, "write", "error")
    assert texts(box) == ("write skipped 3 items", "TypeError: not serializable. Last: item 640.")
    press(box.action_button)
    dialog = window.bottom.findChild(TracebackDialog)
    assert dialog is not None
    dialog.close()
    press(box.second_button)
    assert [url.toLocalFile() for url in opened] == [str(source)]


def test_the_error_badge_tells_which_item_ended_the_run(window) -> None:
    fatal = error(640, "TypeError: not serializable", cell="write").model_copy(update={"is_fatal": True})
    window.engine.error_arrived.emit(fatal)
    see(window, errors=1)
    box = open_box(window, "write", "error")
    assert texts(box) == ("write failed", "TypeError: not serializable. Item 640 ended the run.")


def test_the_badge_of_what_cannot_run_tells_why(window) -> None:
    window.session.front.set_problems((GraphProblem(message="path is missing", cell="write"),))
    window.session.problems_changed.emit()
    see(window)
    box = open_box(window, "write", "error")
    assert texts(box) == ("write cannot run", "path is missing")
    press(box.second_button)
    assert window.bottom._tabs.currentIndex() == PROBLEMS_TAB


def test_one_box_at_a_time(window) -> None:
    window.engine.error_arrived.emit(error(1, cell="write"))
    see(window, errors=1)
    box = open_box(window)
    open_box(window, "write", "error")
    assert (window.popovers.cell, texts(box)[0]) == ("write", "write skipped 1 item")


# ------------------------------------------------------------------ where it is


def tip_of(window) -> QPoint:
    """Where the box points, in the viewport."""
    box = window.popovers.box
    return box.mapToParent(QPoint(round(box._caret_x), 0))


def test_it_lies_at_the_node_and_follows_it(qtbot, window) -> None:
    see(window)
    box = open_box(window)
    item, viewer = window.canvas.node_item("work"), window.canvas.viewer
    bottom = viewer.mapFromScene(QPointF(item.box()[0], item.box()[3]))
    assert abs(tip_of(window).y() - bottom.y()) <= 4
    before = box.pos()
    drag(window.canvas, QPoint(500, 500), QPoint(560, 520), Qt.MouseButton.MiddleButton)
    qtbot.waitUntil(lambda: box.pos() == before + QPoint(60, 20))
    assert box.isVisible()


def test_it_leaves_where_nodes_are_small(qtbot, window) -> None:
    see(window)
    box = open_box(window)
    window.canvas.viewer.zoom_by(0.5)
    qtbot.waitUntil(lambda: not box.isVisible())
    click(window.canvas, badge_point(window, "work"))
    assert not box.isVisible()


def test_it_stays_within_the_canvas(qtbot, window) -> None:
    see(window)
    viewer = window.canvas.viewer
    item = window.canvas.node_item("work")
    bottom = viewer.mapFromScene(QPointF(item.box()[0], item.box()[3])).y()
    start = QPoint(500, 300)
    drag(window.canvas, start, start + QPoint(0, viewer.height() - bottom - 20), Qt.MouseButton.MiddleButton)
    box = open_box(window)
    assert viewer.viewport().rect().contains(box.geometry())
    assert box.geometry().bottom() <= viewer.mapFromScene(QPointF(0, item.box()[1])).y()


@pytest.mark.parametrize("way", ["escape", "cross", "canvas"])
def test_ways_to_close_it(qtbot, window, way) -> None:
    see(window)
    box = open_box(window)
    if way == "escape":
        window.canvas.viewer.setFocus()
        QTest.keyClick(window.canvas.viewer, Qt.Key.Key_Escape)
    elif way == "cross":
        press(box.close_button)
    else:
        QTest.mouseClick(window.canvas.viewer.viewport(), LEFT, NONE, QPoint(30, 30))
    assert not box.isVisible()


def test_what_happens_in_the_box_does_not_reach_the_canvas(window) -> None:
    see(window)
    box = open_box(window)
    QTest.mouseClick(box, LEFT, NONE, QPoint(box.width() // 2, 30))
    QTest.mouseDClick(box, LEFT, NONE, QPoint(box.width() // 2, 30))
    assert box.isVisible()
    assert window.canvas.selected() == ("work",)


# ------------------------------------------------------------------ hovering


def hover(window, point) -> None:
    move(window.canvas, point)
    viewport = window.canvas.viewer.viewport()
    QApplication.sendEvent(viewport, QHelpEvent(QEvent.Type.ToolTip, point, viewport.mapToGlobal(point)))


def test_while_the_mouse_rests_on_the_badge_the_box_is_there(qtbot, window) -> None:
    see(window)
    hover(window, badge_point(window, "work"))
    box = window.popovers.box
    assert box.isVisible()
    assert not QToolTip.isVisible()
    assert window.canvas.selected() == ()
    move(window.canvas, QPoint(30, 30))
    qtbot.waitUntil(lambda: not box.isVisible(), timeout=20 * LEAVE_MS)


def test_a_box_that_was_clicked_stays_when_the_mouse_leaves(qtbot, window) -> None:
    see(window)
    hover(window, badge_point(window, "work"))
    box = open_box(window)
    move(window.canvas, QPoint(30, 30))
    assert not window.popovers._leaving.isActive()
    assert box.isVisible()


def test_far_away_the_badge_has_a_tooltip(window) -> None:
    see(window)
    window.canvas.viewer.zoom_by(0.5)
    hover(window, badge_point(window, "work"))
    assert not window.popovers.box.isVisible()
    assert "limits the pipeline" in QToolTip.text().replace("\n", " ")
    QToolTip.hideText()

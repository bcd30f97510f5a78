"""The search for clones in the window: what is asked, the steps, and one edit at the end."""

import json

import pytest
from panel_samples import snapshot
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pypipeline_engine.host.protocol import RunInfo
from pypipeline_engine.host.tuning_lines import TUNE_LINES
from pypipeline_studio.engine.tuner import Tuner
from pypipeline_studio.panels.parameter_values import WrongText
from pypipeline_studio.panels.tune_dialog import read_budget, read_rate

GRAPH = {
    "format": "pypipeline.graph",
    "version": 1,
    "name": "graph",
    "cells": {
        "count": {"type": "sources.Counter"},
        "work": {"type": "demo.Work", "parameters": {"milliseconds": 20}},
        "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
    },
    "connections": [["count.value", "work.item"], ["work.item", "write.item"]],
}
LONG_MS = 90_000


@pytest.fixture
def window(file_window, tmp_path):
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(GRAPH))
    file_window.session.open(path)
    yield file_window
    file_window.tuning.close()


@pytest.fixture
def dialog(window, monkeypatch):
    """The dialog, with a search that takes note of what is asked, and does nothing."""
    window.asked = []
    monkeypatch.setattr(Tuner, "start", lambda _, document, folder, arguments: window.asked.append((folder, arguments)))
    monkeypatch.setattr(Tuner, "stop", lambda _: window.asked.append("stop"))
    window.commands["tune"].trigger()
    return window.tuning.dialog


def press(button) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def tell(window, **line) -> None:
    window.tuning.tuner.line_arrived.emit(TUNE_LINES.validate_json(json.dumps(line)))


def tell_result(window, **more) -> None:
    rates = {"before": {"rate_hz": 46, "error_hz": 1}, "after": {"rate_hz": 90, "error_hz": 1}}
    change = {"before": {}, "after": {"threads": 2}, "text": "inline -> 2 threads"}
    tell(window, **{"kind": "result", "ending": "the time was over", "changes": {"work": change}, **rates, **more})
    window.tuning.tuner.ended.emit("")


class Postponed:
    """In place of a signal that comes later than it is told."""

    def __init__(self, later) -> None:
        self.later = later

    def emit(self, *_) -> None:
        pass


def texts(dialog) -> list[list[str]]:
    table = dialog.steps
    return [[table.item(row, column).text() for column in range(5)] for row in range(table.rowCount())]


def test_the_steps_appear_and_what_was_found_is_one_edit(window, dialog, tmp_path) -> None:
    assert "temporary folder" in " ".join(label.text() for label in dialog.findChildren(type(dialog.status)))
    press(dialog.start_button)
    assert window.asked == [(tmp_path, ["--budget", "60", "--methods", "thread"])]
    tell(window, kind="begin", name="graph", cores=2, methods=["thread"], budget_s=60)
    tell(window, kind="trying", change="as it is")
    assert texts(dialog) == [["", "as it is", "–", "–", "measuring …"]]
    tell(window, kind="step", number=0, change="as it is", measured_hz=46.0, error_hz=0.9, outcome="start")
    change = "work: inline -> 2 threads"
    tell(window, kind="trying", change=change, predicted_hz=92)
    tell(window, kind="step", number=1, change=change, predicted_hz=92, measured_hz=90, outcome="kept", reason="+96 %")
    tell(window, kind="trying", change="work: 2 threads -> 3 threads", predicted_hz=130)
    tell_result(window)
    assert texts(dialog) == [
        ["0", "as it is", "–", "46.0/s ± 2 %", "as it is"],
        ["1", "work: inline → 2 threads", "92.0/s", "90.0/s", "kept: +96 %"],
    ]
    assert [(bar.name, bar.rate_hz, bar.note) for bar in dialog.bars.bars] == [
        ("Before", 46, ""), ("After", 90, "+96 %"),
    ]  # fmt: skip
    press(dialog.apply_button)
    assert window.session.document.cells["work"].scale.thread == 2
    assert window.session.undo_stack.undoText() == "Tune work"
    assert window.tuning.dialog is None
    window.commands["undo"].trigger()
    assert window.session.document.cells["work"].scale is None
    assert not window.session.undo_stack.canUndo()


def test_what_was_found_stays_told_while_the_process_comes_to_its_end(window, dialog, monkeypatch) -> None:
    press(dialog.start_button)
    tell(
        window,
        kind="step",
        number=1,
        change="work: 2 threads",
        measured_hz=4,
        outcome="undone",
        reason="-87.5 %, slower",
    )
    assert texts(dialog)[0][4] == "undone: −87.5 %, slower"
    monkeypatch.setattr(window.tuning.tuner, "ended", Postponed(window.tuning.tuner.ended))
    tell_result(window)
    dialog._clock.timeout.emit()
    assert dialog.status.text() == "work: inline → 2 threads. The time was over."
    window.tuning.tuner.ended.later.emit("")
    assert dialog.status.text() == "work: inline → 2 threads. The time was over."


def test_the_goal_is_a_rate(window, dialog) -> None:
    press(dialog.goal.option("least"))
    press(dialog.start_button)
    assert window.asked == []
    assert "items per second" in dialog._complaint.text()
    dialog.target.setText("25")
    press(dialog.queues)
    press(dialog.start_button)
    assert window.asked[0][1] == ["--budget", "60", "--methods", "thread", "--target-rate", "25", "--no-queues"]
    tell_result(window, target_hz=25, is_reached=False)
    assert "The wanted 25.0/s is not reached." in dialog.status.text()


def test_something_has_to_change(window, dialog) -> None:
    for box in (dialog.threads, dialog.queues):
        press(box)
    press(dialog.start_button)
    assert (window.asked, dialog._complaint.isVisible()) == ([], True)


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "x", "0.5"])
def test_times_that_are_none_are_refused(text) -> None:
    with pytest.raises(WrongText, match="seconds"):
        read_budget(text)


def test_numbers_may_have_a_comma() -> None:
    assert (read_rate("2,5"), read_budget("90")) == (2.5, 90.0)


def test_stop_keeps_what_was_found(window, dialog) -> None:
    press(dialog.start_button)
    press(dialog.stop_button)
    assert window.asked[1:] == ["stop"]
    assert "Stopping" in dialog.status.text()
    tell_result(window, ending="it was interrupted", changes={})
    assert dialog.status.text() == "Nothing that was tried is better; it was interrupted."
    assert not dialog.apply_button.isVisible()
    assert dialog.start_button.text() == "Search again"


def test_a_search_that_fails_says_why_and_can_begin_again(window, dialog) -> None:
    press(dialog.start_button)
    window.tuning.tuner.ended.emit("graph.json cannot be tuned. As it is, work failed.")
    assert dialog.status.text() == "graph.json cannot be tuned. As it is, work failed."
    press(dialog.start_button)
    assert len(window.asked) == 2


def test_while_a_graph_runs_nothing_is_tuned(window, monkeypatch) -> None:
    monkeypatch.setattr(window.engine, "run_graph", lambda *_, **__: None)
    assert window.commands["tune"].isEnabled()
    window.run_control.start()
    window.engine.run = RunInfo(run=1, state="running")
    window.engine.run_changed.emit(window.engine.run)
    window.engine.snapshot_arrived.emit(snapshot({}))
    assert not window.commands["tune"].isEnabled()
    assert "Stop the run first" in window.commands["tune"].toolTip()
    window.engine.run = RunInfo(run=1, state="stopped")
    window.engine.run_changed.emit(window.engine.run)


@pytest.mark.slow
def test_a_real_search_finds_threads_and_leaves_files_alone(qtbot, window, tmp_path) -> None:
    kept = tmp_path / "items.jsonl"
    kept.write_text("precious\n")
    before = sorted(path.name for path in tmp_path.iterdir())
    window.commands["tune"].trigger()
    dialog = window.tuning.dialog
    dialog.budget.setText("4")
    press(dialog.start_button)
    qtbot.waitUntil(lambda: dialog.phase in ("found", "failed"), timeout=LONG_MS)
    assert dialog.phase == "found", dialog.status.text()
    assert dialog.result_line.changes["work"].after.threads > 1
    assert dialog.steps.rowCount() > 1
    press(dialog.apply_button)
    assert window.session.document.cells["work"].scale.thread > 1
    assert kept.read_text() == "precious\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.slow
def test_closing_the_dialog_ends_the_process(qtbot, window) -> None:
    window.commands["tune"].trigger()
    dialog = window.tuning.dialog
    press(dialog.start_button)
    qtbot.waitUntil(lambda: dialog.steps.rowCount() > 0, timeout=LONG_MS)
    process = window.tuning.tuner._process
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert window.tuning.tuner is None
    assert process.state() == process.ProcessState.NotRunning


@pytest.mark.slow
def test_a_graph_that_cannot_run_is_told_in_words(qtbot, window) -> None:
    document = window.session.document
    entry = document.cells["work"].model_copy(update={"type": "demo.Wrok"})
    window.session.edit("", document.with_cell(("work",), entry))
    window.commands["tune"].trigger()
    dialog = window.tuning.dialog
    press(dialog.start_button)
    qtbot.waitUntil(lambda: dialog.phase == "failed", timeout=LONG_MS)
    assert "demo.Wrok" in dialog.status.text()

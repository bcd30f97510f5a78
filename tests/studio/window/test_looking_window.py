"""Looking into a run in a window with a real engine process."""

import json
from pathlib import Path

import pytest
from looking_support import GRAPH
from PySide6.QtCore import QSettings, QStandardPaths
from PySide6.QtWidgets import QApplication

from pypipeline_studio.document.watched import Breakpoint
from pypipeline_studio.panels.rerun_dialog import RerunDialog
from pypipeline_studio.window.application import make_application
from pypipeline_studio.window.main_window import MainWindow

CELLS = str(Path(__file__).parents[1] / "looked_cells.py")
LONG_MS = 60_000


@pytest.fixture
def window(qapp, qtbot, tmp_path, monkeypatch, make_engine):
    """A window with an engine that knows the cells of `looked_cells`."""
    QStandardPaths.setTestModeEnabled(True)
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    make_application("dark")
    QSettings().clear()
    monkeypatch.setattr(QApplication, "quit", lambda: None)
    monkeypatch.setattr("pypipeline_studio.window.autosave.recovery_folder", lambda: tmp_path / "recovery")
    window = MainWindow(tmp_path, engine=make_engine(cells=(CELLS,)))
    (tmp_path / "looked.json").write_text(json.dumps(GRAPH))
    window.session.open(tmp_path / "looked.json")
    window.resize(1400, 900)
    window.show()
    qtbot.waitExposed(window)
    window.start_engine()
    qtbot.waitUntil(lambda: window.engine.catalogue is not None, timeout=LONG_MS)
    yield window
    window.session.undo_stack.setClean()
    window.close()
    window.deleteLater()


def test_the_very_first_item_is_held_seen_run_again_and_let_go(qtbot, window) -> None:
    debugging, panel = window.debugging, window.bottom.debug.held
    debugging.breaking.put(Breakpoint("paint", "image"))
    window.canvas.select(["find"])
    window.commands["preview"].trigger()
    window.commands["run"].trigger()
    qtbot.waitUntil(lambda: panel.info is not None, timeout=LONG_MS)
    assert panel.info.item == 0
    assert window.toolbar._state.text() == "Held at paint"
    assert panel.cards["input", "item"].text.text() == "0"
    qtbot.waitUntil(lambda: panel.cards["output", "image"].thumb.image is not None, timeout=LONG_MS)
    panel.form.run_button.click()
    qtbot.waitUntil(lambda: ("replay", "image") in panel.cards, timeout=LONG_MS)
    assert panel.cards["replay", "image"].difference.text() == "no difference in these figures"
    panel.step_button.click()
    qtbot.waitUntil(lambda: panel.info is not None and panel.info.item == 1, timeout=LONG_MS)
    assert debugging.breaking.rows()[0].nb_hits >= 1
    debugging.breaking.remove(("paint", "image"))
    window.commands["pause"].trigger()
    qtbot.waitUntil(lambda: window.toolbar._state.text() == "Running", timeout=LONG_MS)
    assert panel.info is None
    shown = window.canvas._nodes["find"].view
    qtbot.waitUntil(lambda: shown.preview.image is not None and bool(shown.preview.boxes), timeout=LONG_MS)
    assert shown.preview.boxes[0][:4] == (0, 0, 32, 24)
    assert shown.preview.frame == (64, 48)


def test_an_item_that_failed_is_listed_and_run_again(qtbot, window, tmp_path) -> None:
    graph = {
        **GRAPH,
        "cells": {
            "count": {"type": "sources.Counter"},
            "bad": {"type": "looked_cells.Refuse", "parameters": {"every": 50}, "on_error": "skip"},
            "slow": {"type": "demo.Work", "parameters": {"milliseconds": 10}},
            "end": {"type": "looked_cells.Ignore"},
        },
        "connections": [["count.value", "bad.item"], ["bad.same", "slow.item"], ["slow.item", "end.item"]],
    }
    (tmp_path / "bad.json").write_text(json.dumps(graph))
    window.session.open(tmp_path / "bad.json")
    panel = window.bottom.errors
    window.bottom.show_panel(panel)
    window.commands["run"].trigger()

    def can_run_again() -> bool:
        return any(entry.can_run_again for entry in panel._rows)

    qtbot.waitUntil(can_run_again, timeout=LONG_MS)
    window.run_control.toggle_pause()
    qtbot.waitUntil(lambda: window.run_control.run.state == "paused", timeout=LONG_MS)
    index = next(index for index, entry in enumerate(panel._rows) if entry.can_run_again)
    panel.list.setCurrentItem(panel.list.topLevelItem(index))
    assert "is refused" in panel.traceback.toPlainText()
    panel.rerun_button.click()
    dialog = window.findChild(RerunDialog)
    dialog.form.run_button.click()
    qtbot.waitUntil(lambda: "is refused" in dialog.outcome.text(), timeout=LONG_MS)
    dialog.form._edit("every", 0, True)
    dialog.form.run_button.click()
    qtbot.waitUntil(lambda: "same" in dialog.cards, timeout=LONG_MS)
    assert dialog.cards["same"].text.text() == str(dialog.failed.item)
    dialog.close()


def test_a_condition_is_checked_by_the_engine(qtbot, window) -> None:
    problems = []
    window.engine.looking.check_condition("valeu > 3", problems.append)
    qtbot.waitUntil(lambda: bool(problems), timeout=LONG_MS)
    assert "valeu" in problems[0]

"""The example with a bottleneck, with a real engine: what limits is seen, mended by one click, and the engine may die."""

import os
import signal

import pytest
from gestures import click
from PySide6.QtCore import QSettings, QStandardPaths, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pypipeline_engine.resources import get_examples
from pypipeline_studio.window.application import make_application
from pypipeline_studio.window.main_window import MainWindow

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
LONG_MS = 90_000
WITHIN = 0.15
"""How far what is measured may be from what was predicted."""


@pytest.fixture
def window(qapp, qtbot, tmp_path, monkeypatch):
    QStandardPaths.setTestModeEnabled(True)
    # Tests that run at the same time in other processes have others.
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    make_application("dark")
    QSettings().clear()
    monkeypatch.setattr(QApplication, "quit", lambda: None)
    monkeypatch.setattr("pypipeline_studio.window.autosave.recovery_folder", lambda: tmp_path / "recovery")
    window = MainWindow(tmp_path)
    window.resize(1400, 1000)
    window.show()
    window.start_engine()
    qtbot.waitUntil(lambda: window.engine.catalogue is not None and window.engine.info is not None, timeout=LONG_MS)
    window.session.open(get_examples()["bottleneck"])
    yield window
    if window.run_control.is_going_on:
        window.run_control.stop()
        qtbot.waitUntil(lambda: window.run_control.run.is_over, timeout=LONG_MS)
    window.session.undo_stack.setClean()
    if window.engine.pid:
        with qtbot.waitSignal(window.engine.gone, timeout=LONG_MS):
            window.close()
    window.close()
    window.deleteLater()


def badges(window) -> set[str]:
    nodes = window.canvas.presentation.nodes
    return {name for name in nodes if (live := window.canvas.node_item(name).live) is not None and live.is_limit}


def run(qtbot, window) -> None:
    window.commands["run"].trigger()
    qtbot.waitUntil(lambda: badges(window) == {"lookup"}, timeout=LONG_MS)
    # So that nothing of the start is in the window of the figures any more.
    qtbot.waitUntil(lambda: window.run_control.snapshot.elapsed_s > 4.0, timeout=LONG_MS)


def test_one_click_in_the_box_brings_what_it_promises(qtbot, window) -> None:
    run(qtbot, window)
    item = window.canvas.node_item("lookup")
    badge = item.badge_box("limit")
    click(window.canvas, window.canvas.viewer.mapFromScene(item.mapToScene(badge.center())))
    box = window.popovers.box
    assert box.isVisible()
    assert box.title.text() == "lookup limits the pipeline"
    assert box.action_button.text() == "Use 2 threads"
    QTest.mouseClick(box.action_button, Qt.MouseButton.LeftButton)
    trial = window.bottom.advising.trial
    assert window.session.document.cells["lookup"].scale.thread == 2
    qtbot.waitUntil(lambda: trial.is_over, timeout=LONG_MS)
    assert trial.phase == "measured"
    assert trial.predicted_hz > 1.5 * trial.before_hz
    assert trial.measured_hz == pytest.approx(trial.predicted_hz, rel=WITHIN)
    assert [bar.name for bar in box.bars.bars] == ["Before", "Predicted", "Measured"]
    assert "% faster" in box.text.text()
    QTest.mouseClick(box.second_button, Qt.MouseButton.LeftButton)
    assert window.session.document.cells["lookup"].scale.thread == 1
    assert not window.session.is_modified


def test_an_engine_that_is_killed_is_told_and_started_again(qtbot, window) -> None:
    run(qtbot, window)
    before, pid = window.session.document, window.engine.pid
    os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: window.engine.state == "ended", timeout=LONG_MS)
    row = window.bottom.problems.row("engine:engine")
    assert "SIGKILL (9); perhaps the machine ran out of memory" in row.text.text()
    assert "The graph is as it was." in row.text.text()
    assert window.run_control.run.state == "failed"
    assert window.session.document is before
    qtbot.waitUntil(row.button.isVisible)
    QTest.mouseClick(row.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.engine.state == "ready", timeout=LONG_MS)
    assert window.engine.pid != pid
    assert "engine:engine" not in window.bottom.problems.rows
    run(qtbot, window)
    assert window.session.document is before

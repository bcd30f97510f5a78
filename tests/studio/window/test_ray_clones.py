"""The window with a real engine and a real Ray: from the inspector to processes that work, and to their end."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, QStandardPaths, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from pypipeline_studio.window.application import make_application
from pypipeline_studio.window.main_window import MainWindow

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found as Linux tells them"),
]
LONG_MS = 90_000
GRAPH = {
    "format": "pypipeline.graph",
    "version": 1,
    "cells": {
        "count": {"type": "sources.Counter"},
        "work": {"type": "demo.Work", "parameters": {"milliseconds": 5}, "scale": {"thread": 2}},
        "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
    },
    "connections": [["count.value", "work.item"], ["work.item", "write.item"]],
}


def find_parents() -> dict[int, int]:
    """By process, the one that started it; those that have ended are not told."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:  # it has ended meanwhile
                continue
            if state != "Z":
                parents[int(entry.name)] = int(parent)
    return parents


def find_descendants(pid: int) -> set[int]:
    parents, found = find_parents(), {pid}
    while new := {child for child, parent in parents.items() if parent in found} - found:
        found |= new
    return found


@pytest.fixture
def window(qapp, qtbot, tmp_path, monkeypatch):
    QStandardPaths.setTestModeEnabled(True)
    # Tests that run at the same time in other processes have others.
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    make_application("dark")
    QSettings().clear()
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(QApplication, "quit", lambda: None)
    window = MainWindow(tmp_path)
    window.show()
    window.start_engine()
    qtbot.waitUntil(lambda: window.engine.catalogue is not None and window.engine.info is not None, timeout=LONG_MS)
    yield window
    window.session.undo_stack.setClean()
    if window.engine.pid:
        with qtbot.waitSignal(window.engine.gone, timeout=LONG_MS):
            window.close()
    window.close()
    window.deleteLater()


def test_clones_run_by_ray_then_on_threads_while_the_pipeline_runs(qtbot, window, tmp_path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(GRAPH))
    window.session.open(path)
    window.canvas.select(["work"])
    QTest.mouseClick(window.inspector.scaling.method.option("ray"), Qt.MouseButton.LeftButton)
    node = window.canvas._nodes["work"].view
    assert node.node_view.workers == "×2 Ray"

    hints = set()
    window.run_control.run_changed.connect(lambda: hints.add(window.toolbar._hint.text()))
    window.commands["run"].trigger()
    assert window.toolbar._state.text() == "Starting"
    assert window.commands["stop"].isEnabled()
    qtbot.waitUntil(lambda: node.live is not None and node.live.workers == "×2 Ray", timeout=LONG_MS)
    assert "Starting Ray clones …" in hints
    # The first figures may come before the word that the start is over.
    qtbot.waitUntil(lambda: window.toolbar._state.text() == "Running", timeout=LONG_MS)
    work = "work"
    qtbot.waitUntil(lambda: window.run_control.snapshot.cells[work].items > 50, timeout=LONG_MS)
    assert window.run_control.snapshot.cells[work].method == "ray"
    processes = find_descendants(window.engine.pid)
    assert len(processes) > 3

    window.canvas.menu_requested.emit((work,), window.mapToGlobal(window.rect().center()))
    part = [menu for menu in window.findChildren(QMenu) if "clones" in menu.title()][-1]
    next(action for action in part.actions() if action.text() == "Threads").trigger()
    part.parent().close()
    qtbot.waitUntil(lambda: node.live.workers == "×2 threads", timeout=LONG_MS)
    assert window.run_control.is_going_on
    before = window.run_control.snapshot.sink_items
    qtbot.waitUntil(lambda: window.run_control.snapshot.sink_items > before + 50, timeout=LONG_MS)

    window.commands["stop"].trigger()
    qtbot.waitUntil(lambda: window.run_control.run.is_over, timeout=LONG_MS)
    assert window.run_control.run.state == "stopped"
    items = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert items == list(range(len(items)))

    with qtbot.waitSignal(window.engine.gone, timeout=LONG_MS):
        window.session.undo_stack.setClean()
        window.close()
    qtbot.waitUntil(lambda: not processes & find_parents().keys(), timeout=LONG_MS)

"""The list of recorded runs in the window."""

import json

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QLineEdit
from record_samples import GRAPH, write_record

from pypipeline_engine.host.protocol import RunInfo
from pypipeline_studio.document.run_folder import RunFolder
from pypipeline_studio.panels.runs_model import NAME, RECORDING, STATE
from pypipeline_studio.window.main_window import MainWindow

LONG_MS = 60_000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the records; to be asked for before the window."""
    folder = tmp_path / "runs"
    monkeypatch.setattr("pypipeline_studio.window.runs.runs_folder", lambda: folder)
    return folder


@pytest.fixture
def window(folder, file_window):
    return file_window


@pytest.fixture
def three(folder, window):
    """Three runs, the latest one last."""
    folder.mkdir()
    paths = [
        write_record(folder / f"{name}.record", hz=hz, seconds=5, began_at=f"2026-01-0{day}T10:00:00+00:00")
        for day, (name, hz) in enumerate([("one", 8.0), ("two", 16.0), ("three", 4.0)], 1)
    ]
    window.bottom.show_tab(window.bottom.runs_tab)
    return paths


def titles(window) -> list[str]:
    model = window.bottom.runs.model
    return [model.run_at(row).title for row in range(model.rowCount())]


def paths_of(window) -> list[str]:
    model = window.bottom.runs.model
    return [model.run_at(row).path.stem for row in range(model.rowCount())]


def click(qtbot, window, path, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    panel = window.bottom.runs
    place = panel.table.visualRect(panel.model.index(panel.model.row_of(path), NAME)).center()
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, modifiers, place)


def press(qtbot, button) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_latest_run_comes_first_and_columns_are_sorted(window, three, qtbot) -> None:
    assert paths_of(window) == ["three", "two", "one"]
    model = window.bottom.runs.model
    shown = [model.index(0, column).data() for column in range(model.columnCount())]
    assert shown[1] == "counted"
    assert shown[3:8] == ["5.0 s", "20", "4.00/s", "work", "ended"]
    head = window.bottom.runs.table.horizontalHeader()
    for expected in (["three", "one", "two"], ["two", "one", "three"]):
        place = head.viewport().rect().center()
        place.setX(head.sectionViewportPosition(5) + 10)
        qtbot.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert paths_of(window) == expected


def test_buttons_are_for_what_is_selected(window, three, qtbot) -> None:
    panel = window.bottom.runs
    buttons = (panel.replay_button, panel.graph_button, panel.compare_button, panel.delete_button)

    def enabled() -> list[bool]:
        return [button.isEnabled() for button in buttons]

    assert enabled() == [False] * 4
    click(qtbot, window, three[0])
    assert enabled() == [True, True, False, True]
    click(qtbot, window, three[1], Qt.KeyboardModifier.ControlModifier)
    assert enabled() == [False, False, True, True]
    with qtbot.waitSignal(panel.compare_requested) as asked:
        press(qtbot, panel.compare_button)
    assert asked.args == [three[0], three[1]]


def test_a_run_is_renamed_in_place(window, three, qtbot) -> None:
    click(qtbot, window, three[1])
    table = window.bottom.runs.table
    qtbot.keyClick(table, Qt.Key.Key_F2)
    editor = table.findChild(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, "with threads")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: titles(window) == ["counted", "with threads", "counted"])
    assert [stored.path for stored in window.bottom.runs.selected()] == [three[1]]


def test_runs_are_deleted_after_a_question(window, three, qtbot, answer) -> None:
    click(qtbot, window, three[0])
    asked = answer("Cancel")
    qtbot.keyClick(window.bottom.runs.table, Qt.Key.Key_Delete)
    assert asked == ["Delete the run 'counted'? This cannot be undone."]
    assert len(titles(window)) == 3
    click(qtbot, window, three[2], Qt.KeyboardModifier.ControlModifier)
    asked = answer("Delete")
    press(qtbot, window.bottom.runs.delete_button)
    assert asked[-1].startswith("Delete 2 runs?")
    assert paths_of(window) == ["two"]
    assert not three[0].exists()


def test_the_graph_of_a_run_is_opened_as_one_without_a_file(window, three, qtbot) -> None:
    click(qtbot, window, three[0])
    press(qtbot, window.bottom.runs.graph_button)
    assert list(window.session.document.cells) == list(GRAPH["cells"])
    assert window.session.path is None


def test_what_cannot_be_read_is_listed_with_the_reason(window, three, folder, qtbot) -> None:
    broken = folder / "broken.record"
    broken.write_text("no record")
    window.runs.refresh()
    click(qtbot, window, broken)
    panel = window.bottom.runs
    assert not panel.replay_button.isEnabled()
    assert panel.delete_button.isEnabled()
    index = panel.model.index(panel.model.row_of(broken), STATE)
    assert index.data() == "unreadable"
    assert "is no record of a run" in index.data(Qt.ItemDataRole.ToolTipRole)


def test_fewer_runs_are_kept_after_a_question(window, three, answer) -> None:
    window.runs.folder.rename(three[0], "mine")
    panel = window.bottom.runs
    answer("Cancel")
    panel.keep_changed.emit(2)
    assert len(window.runs.folder.read_all()) == 3
    answer("Delete")
    panel.keep_changed.emit(2)
    assert paths_of(window) == ["three", "one"]
    assert panel.keep_button.text() == "Keep 2"
    assert QSettings().value("runs/keep", type=int) == 2


def test_the_oldest_runs_go_when_a_run_has_ended(window, three) -> None:
    window.runs._keep = 2
    window.run_control.follow(window.session.document)
    for state in ("running", "ended"):
        assert len(paths_of(window)) == 3
        window.engine.run = RunInfo(run=1, state=state)
        window.engine.run_changed.emit(window.engine.run)
    assert paths_of(window) == ["three", "two"]
    assert not three[0].exists()


def test_runs_are_not_recorded_where_a_person_says_so(window, tmp_path, qtbot) -> None:
    assert window.runs.plan_record(window.session.front) is not None
    window.bottom.show_tab(window.bottom.runs_tab)
    press(qtbot, window.bottom.runs.record_box)
    assert window.runs.plan_record(window.session.front) is None
    other = MainWindow(tmp_path)
    assert other.runs.plan_record(window.session.front) is None
    other.close()
    other.deleteLater()


def test_a_run_is_recorded_listed_and_its_graph_opened_with_a_real_engine(window, folder, tmp_path, qtbot) -> None:
    path = tmp_path / "graph.json"
    graph = {**GRAPH, "cells": {**GRAPH["cells"], "count": {"type": "sources.Counter", "parameters": {"count": 20}}}}
    path.write_text(json.dumps(graph))
    window.session.open(path)
    window.bottom.show_tab(window.bottom.runs_tab)
    window.start_engine()
    qtbot.waitUntil(lambda: window.engine.state == "ready", timeout=LONG_MS)
    window.commands["run"].trigger()
    planned = window.runs._recording
    qtbot.waitUntil(lambda: window.run_control.run.state == "ended", timeout=LONG_MS)
    (stored,) = RunFolder(folder).read_all()
    assert stored.path == planned
    assert (stored.run.state, stored.run.sink_items, stored.run.source) == ("ended", 20, str(path))
    assert titles(window) == ["counted"]
    with qtbot.waitSignal(window.engine.gone, timeout=LONG_MS):
        window.close()


def test_the_run_that_is_recorded_says_so_and_is_not_deleted(window, folder, qtbot) -> None:
    folder.mkdir()
    path = write_record(folder / "now.record", seconds=3, state=None)
    window.bottom.runs.show_runs(window.runs.folder.read_all(), path)
    panel = window.bottom.runs
    assert panel.model.index(0, STATE).data() == RECORDING
    panel.select([path])
    assert not panel.delete_button.isEnabled()

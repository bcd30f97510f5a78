"""Two recorded runs compared in the window, by a real process of the engine."""

import json

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from record_samples import GRAPH, write_record

LONG_MS = 60_000


@pytest.fixture
def window(tmp_path, monkeypatch, request):
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setattr("pypipeline_studio.window.runs.runs_folder", lambda: folder)
    window = request.getfixturevalue("file_window")
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(GRAPH))
    window.session.open(path)
    return window


def compare(window, qtbot, tmp_path, after_hz=16.0, seconds=60) -> None:
    paths = [
        write_record(
            tmp_path / "runs" / f"{name}.record", hz=hz, seconds=seconds, began_at=f"2026-01-0{day}T10:00:00+00:00"
        )
        for day, (name, hz) in enumerate([("one", 8.0), ("two", after_hz)], 1)
    ]
    window.runs.folder.rename(paths[0], "before")
    window.runs.folder.rename(paths[1], "after")
    window.bottom.show_tab(window.bottom.runs_tab)
    window.bottom.runs.select(paths)
    qtbot.mouseClick(window.bottom.runs.compare_button, Qt.MouseButton.LeftButton)
    panel = window.bottom.comparison
    assert panel.isVisible()
    qtbot.waitUntil(
        lambda: panel._empty.text.text() != "Comparing the runs …" or panel.table.isVisible(), timeout=LONG_MS
    )


def rows(panel) -> list[list[str]]:
    model = panel.model
    return [[model.index(at, column).data() for column in range(model.columnCount())] for at in range(model.rowCount())]


def test_two_runs_are_compared_in_a_table_and_on_the_canvas(window, qtbot, tmp_path) -> None:
    compare(window, qtbot, tmp_path)
    panel = window.bottom.comparison
    assert panel.title.text() == "before → after"
    assert panel.summary.text().startswith("The later run is faster: 8.00/s → 16.0/s")
    shown = rows(panel)
    assert shown[0][:5] == ["All of the pipeline", "rate", "8.00/s", "16.0/s", "▲ +100 %"]
    assert shown[0][6] == "real"
    assert [row[0] for row in shown if row[0]] == ["All of the pipeline", "count", "work", "write"]
    marks = window.comparison.marks
    assert set(marks.places()) == {"count", "work", "write"}
    assert marks._marks["work"].text == "▼ 50 %"
    node = window.canvas._nodes["work"].view
    place = marks.places()["work"]
    assert node.sceneBoundingRect().contains(place.center())
    assert place.right() < node.box()[2]
    viewer = window.canvas.viewer
    at = viewer.mapFromScene(place.center())
    event = QHelpEvent(QEvent.Type.ToolTip, at, viewer.viewport().mapToGlobal(at))
    assert QApplication.sendEvent(viewer.viewport(), event)
    assert QToolTip.text().startswith("work: time per item ")


def test_marks_follow_what_is_chosen_and_go_with_the_comparison(window, qtbot, tmp_path) -> None:
    compare(window, qtbot, tmp_path)
    panel = window.bottom.comparison
    qtbot.mouseClick(panel.mark._options["rate_hz"], Qt.MouseButton.LeftButton)
    assert window.comparison.marks._marks["work"].text == "▲ 100 %"
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_Escape)
    assert window.bottom.runs.isVisible()
    assert not window.comparison.marks.places()


def test_only_changes_are_shown_where_that_is_wanted_and_a_row_leads_to_its_cell(window, qtbot, tmp_path) -> None:
    compare(window, qtbot, tmp_path)
    panel = window.bottom.comparison
    before = panel.model.rowCount()
    qtbot.mouseClick(panel.only_box, Qt.MouseButton.LeftButton)
    assert 0 < panel.model.rowCount() < before
    assert all(row[4][0] in "▲▼" for row in rows(panel))
    at = next(at for at in range(panel.model.rowCount()) if panel.model.figure_at(at).cell == "work")
    panel.table.scrollTo(panel.model.index(at, 1))
    place = panel.table.visualRect(panel.model.index(at, 1)).center()
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert window.canvas.selected() == ("work",)


def test_what_cannot_be_compared_says_why(window, qtbot, tmp_path) -> None:
    compare(window, qtbot, tmp_path, seconds=0)
    panel = window.bottom.comparison
    assert not panel.table.isVisible()
    assert panel._empty.text.text().startswith("These runs cannot be compared: ")
    qtbot.mouseClick(panel.back_button, Qt.MouseButton.LeftButton)
    assert window.bottom.runs.isVisible()

"""Problems, log, traceback, and what is shown on an empty canvas."""

from pathlib import Path

import pytest
from panel_samples import error
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from pypipeline_engine.host.protocol import LogLine
from pypipeline_studio.panels.first_run import FirstRun
from pypipeline_studio.panels.log import MOST_LINES, LogPanel
from pypipeline_studio.panels.problems import ProblemRow, ProblemsPanel
from pypipeline_studio.panels.traceback_dialog import TracebackDialog

LIMIT = ProblemRow("limit", "flame-fill", "neck", "detect limits the pipeline", "It is busy.", "Use 4 threads", True)
SKIPPED = ProblemRow("log", "warning-circle-fill", "error", "log skipped 3 items", "TypeError", "Show traceback")
NOTE = ProblemRow("note", "info", "accent", "preview is disabled", "Nothing depends on it.")


@pytest.fixture
def problems(show):
    panel = show(ProblemsPanel(), 900, 240)
    panel.set_problems([LIMIT, SKIPPED, NOTE])
    return panel


def test_the_button_of_a_problem_says_which(problems, qtbot):
    with qtbot.waitSignal(problems.action_triggered) as asked, qtbot.assertNotEmitted(problems.activated):
        qtbot.mouseClick(problems.row("log").button, Qt.MouseButton.LeftButton)
    assert asked.args == ["log"]
    assert not problems.row("note").button.isVisible()


def test_a_click_on_a_problem_activates_it(problems, qtbot):
    with qtbot.waitSignal(problems.activated) as asked:
        qtbot.mouseClick(problems.row("log"), Qt.MouseButton.LeftButton, pos=problems.row("log").rect().center())
    assert asked.args == ["log"]


def test_problems_are_used_by_keyboard(problems, qtbot):
    problems.row("limit").setFocus()
    qtbot.keyClick(problems.row("limit"), Qt.Key.Key_Down)
    assert problems.row("log").hasFocus()
    with qtbot.waitSignal(problems.activated) as asked:
        qtbot.keyClick(problems.row("log"), Qt.Key.Key_Return)
    assert asked.args == ["log"]
    qtbot.keyClick(problems.row("log"), Qt.Key.Key_Tab)
    assert problems.row("log").button.hasFocus()
    qtbot.keyClick(problems.row("log").button, Qt.Key.Key_Tab)
    assert problems.row("note").hasFocus()


def test_an_update_keeps_the_focus_and_counts(problems, qtbot):
    problems.row("log").setFocus()
    with qtbot.waitSignal(problems.count_changed) as counted:
        problems.set_problems([SKIPPED, LIMIT])
    assert counted.args == [2]
    assert problems.row("log").hasFocus()
    qtbot.waitUntil(lambda: problems.row("log").y() < problems.row("limit").y())
    problems.set_problems([])
    assert problems.count == 0


# ------------------------------------------------------------------ log


def line(text, level="info", source="detect"):
    return LogLine(time_s=1_700_000_000, level=level, source=source, text=text)


@pytest.fixture
def log(show):
    return show(LogPanel(), 900, 240)


def test_lines_are_shown_a_moment_after_they_came(log, qtbot):
    log.add([line("one"), line("two", "warning")])
    qtbot.waitUntil(lambda: "two" in log.view.toPlainText())
    assert len(log.view.toPlainText().splitlines()) == 2


def test_the_log_is_bounded(log):
    log.add([line(f"line {number}") for number in range(MOST_LINES)])
    log.flush()
    log.add([line("the last")])
    log.flush()
    shown = log.view.toPlainText().splitlines()
    assert len(shown) == MOST_LINES
    assert shown[0].endswith("line 1")
    assert shown[-1].endswith("the last")


def test_lines_are_filtered_by_level_and_text(log, qtbot):
    log.add([line("good"), line("bad frame", "error"), line("hmm frame", "warning", "track")])
    log.flush()
    log.level.setCurrentIndex(2)
    assert [shown.split()[-2] for shown in log.view.toPlainText().splitlines()] == ["bad", "hmm"]
    qtbot.keyClicks(log.search_field, "TRACK")
    assert "bad" not in log.view.toPlainText()
    assert "hmm" in log.view.toPlainText()
    log.add([line("late", "error", "track"), line("unseen", "error")])
    log.flush()
    assert "late" in log.view.toPlainText()
    assert "unseen" not in log.view.toPlainText()


def test_the_log_follows_the_end_unless_it_was_scrolled_up(log):
    bar = log.view.verticalScrollBar()
    log.add([line(str(number)) for number in range(200)])
    log.flush()
    assert bar.value() == bar.maximum() > 0
    bar.setValue(3)
    log.add([line("more")])
    log.flush()
    assert bar.value() == 3
    bar.setValue(bar.maximum())
    log.add([line("and more")])
    log.flush()
    assert bar.value() == bar.maximum()


def test_lines_are_copied_and_cleared(log, qtbot):
    log.add([line("one"), line("two", "error")])
    log.flush()
    qtbot.mouseClick(log.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == log.view.toPlainText()
    with qtbot.waitSignal(log.errors_changed) as errors:
        qtbot.mouseClick(log.clear_button, Qt.MouseButton.LeftButton)
    assert errors.args == [0]
    assert log.view.toPlainText() == ""


# ------------------------------------------------------------------ traceback


def test_a_traceback_is_shown_copied_and_leads_to_the_source(qtbot, show):
    dialog = show(TracebackDialog(error(640)), 700, 400)
    assert not dialog.isModal()
    assert "ValueError: no" in dialog.view.toPlainText()
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text().startswith("detect failed at item 640\nValueError: no\n")
    with qtbot.waitSignal(dialog.source_requested) as asked:
        qtbot.mouseClick(dialog.source_button, Qt.MouseButton.LeftButton)
    assert asked.args == ["/lib/detect.py", 7]


def test_without_a_file_no_source_can_be_opened(qtbot, show):
    dialog = show(TracebackDialog(error(None, file="", line=None)), 700, 400)
    assert not dialog.source_button.isEnabled()


# ------------------------------------------------------------------ the empty canvas


@pytest.fixture
def first_run(show):
    around = show(QWidget(), 900, 600)
    panel = FirstRun(around)
    panel.show()
    return panel


def test_the_first_actions_are_used_by_keyboard(first_run, qtbot):
    first_run.setFocus()
    assert first_run.example.hasFocus()
    with qtbot.waitSignal(first_run.try_example):
        qtbot.keyClick(first_run.example, Qt.Key.Key_Return)
    with qtbot.waitSignal(first_run.add_cell):
        qtbot.keyClick(first_run.example, Qt.Key.Key_Tab)
    qtbot.keyClick(first_run.example, Qt.Key.Key_Down)
    qtbot.keyClick(first_run.add, Qt.Key.Key_Down)
    with qtbot.waitSignal(first_run.open_graph):
        qtbot.keyClick(first_run.open, Qt.Key.Key_Return)


def test_the_arrow_keys_go_on_to_the_graphs_that_were_opened_last(first_run, qtbot):
    first_run.set_recent([Path("/graphs/a.json"), Path("/graphs/b.json")])
    QApplication.processEvents()
    first_run.open.setFocus()
    first, second = first_run.recent_buttons
    qtbot.keyClick(first_run.open, Qt.Key.Key_Down)
    assert first.hasFocus()
    qtbot.keyClick(first, Qt.Key.Key_Right)
    assert second.hasFocus()
    with qtbot.waitSignal(first_run.open_recent) as opened:
        qtbot.keyClick(second, Qt.Key.Key_Return)
    assert opened.args == [Path("/graphs/b.json")]
    qtbot.keyClick(second, Qt.Key.Key_Up)
    assert first_run.open.hasFocus()


def test_a_click_does_what_a_card_says(first_run, qtbot):
    with qtbot.waitSignal(first_run.add_cell):
        qtbot.mouseClick(first_run.add, Qt.MouseButton.LeftButton)


def test_the_graphs_that_were_opened_last_are_one_click_away(first_run, qtbot):
    paths = [Path(f"/graphs/{name}.json") for name in ("a", "b & c", "d", "e")]
    first_run.set_recent(paths)
    assert [button.text() for button in first_run.recent_buttons] == ["a.json", "b && c.json", "d.json"]
    qtbot.waitUntil(lambda: first_run.recent_buttons[0].y() > first_run.open.geometry().bottom())
    assert first_run.open.geometry().top() > first_run.add.geometry().bottom()
    with qtbot.waitSignal(first_run.open_recent) as opened:
        qtbot.mouseClick(first_run.recent_buttons[1], Qt.MouseButton.LeftButton)
    assert opened.args == [paths[1]]
    first_run.set_recent([])
    assert first_run.recent_buttons == []


def test_the_first_actions_stay_in_the_middle(first_run):
    around = first_run.parentWidget()
    for width in (1200, 700):
        around.resize(width, 700)
        assert abs(first_run.geometry().center().x() - width // 2) <= 1


def test_the_first_actions_say_what_there_is(first_run):
    first_run.set_nb_cells(53)
    assert first_run.add.accessibleDescription() == "Search 53 cells by name, category or value type."

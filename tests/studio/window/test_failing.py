"""The tab with errors in the window, with an engine that only takes note of what is asked of it."""

from datetime import datetime

import pytest
from looking_support import PlayedRun, number_value, open_graph
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pypipeline_engine.graph.model import OnError
from pypipeline_engine.host.looking import FailedInfo, FailedItems, ReplayInfo
from pypipeline_engine.host.protocol import CellError, Refusal
from pypipeline_studio.document import edits
from pypipeline_studio.panels.rerun_dialog import RerunDialog
from pypipeline_studio.panels.widgets import Label


@pytest.fixture
def window(file_window, tmp_path):
    open_graph(file_window, tmp_path)
    session = file_window.session
    session.edit("", edits.set_on_error(session.document, (), "paint", OnError(then="skip")))
    file_window.bottom.show_panel(file_window.bottom.errors)
    file_window.activateWindow()
    return file_window


@pytest.fixture
def run(window, monkeypatch):
    return PlayedRun(window, monkeypatch)


def fail(window, *items, **more) -> None:
    for item in items:
        about = {"traceback": f"Traceback of {item}", "file": "/lib/paint.py", "line": 7, **more}
        window.engine.error_arrived.emit(CellError(cell="paint", item=item, message=f"ValueError: {item}", **about))
    window.run_control._telling_errors.stop()
    window.run_control.errors_changed.emit()


def keep(run, *items) -> None:
    """Answer the latest question for the items that are kept."""
    found = tuple(
        FailedInfo(cell="paint", item=item, message=f"ValueError: {item}", inputs={"item": (number_value(item),)})
        for item in items
    )
    run.answers["get_failed"][0](FailedItems(items=found))


def test_errors_are_listed_the_latest_first_with_the_traceback_of_the_selected_one(qtbot, window, run) -> None:
    run.start()
    fail(window, 3, 5)
    panel = window.bottom.errors
    assert [panel.list.topLevelItem(row).text(0) for row in range(2)] == ["5", "3"]
    assert panel.traceback.toPlainText() == "Traceback of 5"
    panel.list.setFocus()
    QTest.keyClick(panel.list, Qt.Key.Key_Down)
    assert panel.traceback.toPlainText() == "Traceback of 3"
    fail(window, 7)
    assert panel.traceback.toPlainText() == "Traceback of 3"
    assert panel.source_button.text() == "paint.py:7"
    with qtbot.waitSignal(panel.source_requested) as asked:
        panel.source_button.click()
    assert asked.args == ["/lib/paint.py", 7]
    QTest.keyClick(panel.list, Qt.Key.Key_Return)
    assert window.canvas.selected() == ("paint",)


def test_another_run_begins_without_errors(window, run) -> None:
    run.start()
    fail(window, 3)
    run.tell("ended")
    assert window.bottom.errors.list.topLevelItemCount() == 1
    run.start()
    assert window.bottom.errors.list.topLevelItemCount() == 0


def test_what_cells_that_skip_fail_at_is_kept_and_no_more_when_that_is_switched_off(window, run) -> None:
    run.start()
    assert run.names("retain") == [("retain", ("paint",))]
    window.bottom.errors.keep.click()
    assert run.names("retain")[-1] == ("retain", ())
    run.tell("ended")
    run.start()
    assert len(run.names("retain")) == 2


def test_why_nothing_is_kept_is_said(window, run) -> None:
    run.start()
    run.answers["retain"][1](Refusal(message="paint runs in other processes"))
    assert window.bottom.errors.note.text() == "Not kept: paint runs in other processes"


def test_a_cell_that_is_refused_keeps_no_other_from_being_kept(window, run) -> None:
    session = window.session
    session.edit("", edits.set_on_error(session.document, (), "find", OnError(then="skip")))
    run.start()
    assert run.names("retain") == [("retain", ("paint", "find"))]
    run.answers["retain"][1](Refusal(message="one of them cannot"))
    run.answers["retain"][1](Refusal(message="paint cannot"))
    assert run.names("retain")[1:] == [("retain", ("paint",)), ("retain", ("find",))]
    fail(window, 5)
    keep_answer = FailedItems(items=(FailedInfo(cell="paint", item=5, message="", inputs={}),))
    run.answers["retain"][0](keep_answer)
    assert window.bottom.errors.note.text() == "Not kept: paint cannot"
    assert window.bottom.errors.rerun_button.isEnabled()


def test_cells_with_clones_on_ray_are_kept_and_those_that_do_not_run_are_left_out(window, run) -> None:
    session = window.session
    session.edit("", edits.set_scale(session.document, (), "paint", thread=0, ray=2))
    session.edit("", edits.set_on_error(session.document, (), "find", OnError(then="skip")))
    session.edit("", edits.set_flag(session.document, (), ["find"], "disabled", True))
    run.start()
    assert run.names("retain") == [("retain", ("paint",))]


def test_a_cell_that_skips_from_now_on_is_kept_from_now_on(window, run) -> None:
    run.start()
    session = window.session
    session.edit("", edits.set_on_error(session.document, (), "find", OnError(then="skip")))
    assert run.names("retain")[-1] == ("retain", ("paint", "find"))
    asked = len(run.asked)
    session.edit("", edits.move_cells(session.document, (), {"find": (9, 9)}))
    assert len(run.asked) == asked


def test_the_time_of_an_error_is_told_in_the_list_at_the_node_and_in_the_inspector(window, run) -> None:
    run.start()
    moment_s = datetime.now().replace(hour=14, minute=3, second=25).timestamp()
    fail(window, 5, time_s=moment_s)
    assert window.bottom.errors.list.topLevelItem(0).text(2) == "14:03:25"
    assert window.popovers.open("paint", "error")
    assert window.popovers.box.content.text == "ValueError: 5. Last: item 5 at 14:03:25."
    window.canvas.select(["paint"])
    shown = [label.text() for label in window.inspector.findChildren(Label)]
    assert "Item 5, at 14:03:25" in shown


def test_the_end_of_a_traceback_is_seen_also_where_it_came_while_the_tab_was_not(qtbot, window, run) -> None:
    run.start()
    panel = window.bottom.errors
    window.bottom.show_tab(0)
    fail(window, 5, traceback="\n".join(f"line {number} {'.' * 300}" for number in range(200)))
    window.bottom.show_panel(panel)
    bars = panel.traceback.verticalScrollBar(), panel.traceback.horizontalScrollBar()
    qtbot.waitUntil(lambda: bars[0].value() == bars[0].maximum() > 0)
    assert bars[1].value() == 0


def test_only_what_is_kept_can_be_run_again(window, run) -> None:
    run.start()
    fail(window, 3, 5)
    keep(run, 5)
    panel = window.bottom.errors
    assert panel.rerun_button.isEnabled()
    panel.list.setCurrentItem(panel.list.topLevelItem(1))
    assert not panel.rerun_button.isEnabled()
    panel.list.setCurrentItem(panel.list.topLevelItem(0))
    run.tell("ended")
    assert not panel.rerun_button.isEnabled()


def test_an_item_is_run_again_with_another_parameter_which_is_then_that_of_the_graph(qtbot, window, run) -> None:
    run.start()
    fail(window, 5)
    keep(run, 5)
    window.bottom.errors.rerun_button.click()
    dialog = window.findChild(RerunDialog)
    assert run.names("replay_failed") == [("replay_failed", "paint", 5, {})]  # by the one click
    failure = CellError(cell="paint", message="ValueError: 5", traceback="Traceback …")
    run.answers["replay_failed"][0](ReplayInfo(held=0, cell="paint", item=5, error=failure))
    assert dialog.outcome.text() == "ValueError: 5"
    assert dialog.traceback_button.isVisible()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    field = dialog.form.editors["gain"].field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "2")
    QTest.keyClick(field, Qt.Key.Key_Return)
    dialog.form.run_button.click()
    assert run.names("replay_failed")[-1] == ("replay_failed", "paint", 5, {"gain": 2})
    done = ReplayInfo(held=0, cell="paint", item=5, outputs={"image": number_value(10)}, elapsed_s=0.1)
    run.answers["replay_failed"][0](done)
    assert dialog.outcome.text().startswith("It went well")
    assert dialog.cards["image"].text.text() == "10"
    dialog.form.apply_button.click()
    assert window.session.document.cells["paint"].parameters == {"gain": 2}
    dialog.close()
    qtbot.waitUntil(lambda: not window.findChildren(RerunDialog))
    run.answers["replay_failed"][0](done)  # nobody is there any more


def test_why_an_item_cannot_be_run_again_is_told(window, run) -> None:
    run.start()
    fail(window, 5)
    keep(run, 5)
    window.bottom.errors.rerun_button.click()
    dialog = window.findChild(RerunDialog)
    run.answers["replay_failed"][1](Refusal(message="the item 5 of paint is not kept"))
    assert dialog.outcome.text() == "The item 5 of paint is not kept."
    assert dialog.form.run_button.isEnabled()
    dialog.close()

"""Breakpoints in the window, with an engine that only takes note of what is asked of it."""

import pytest
from looking_support import BOXES, BOXES_VALUE, IMAGE, IMAGE_VALUE, PlayedRun, number_value, open_graph
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pypipeline_engine.host.looking import BreakpointSettings, HeldInfo, HeldItems, ReplayInfo, WatchedInfo
from pypipeline_engine.host.protocol import CellError, LogLine, Refusal
from pypipeline_studio.document import edits
from pypipeline_studio.document.watched import Breakpoint
from pypipeline_studio.panels.breakpoint_dialog import BreakpointDialog


@pytest.fixture
def window(file_window, tmp_path):
    open_graph(file_window, tmp_path)
    file_window.activateWindow()
    return file_window


@pytest.fixture
def run(window, monkeypatch):
    return PlayedRun(window, monkeypatch)


def mark(window, name):
    found = window.canvas._nodes[name].view.mark
    return found.state if found is not None else None


def press_f9(window, *names) -> None:
    window.canvas.select(names)
    window.canvas.viewer.setFocus()
    QTest.keyClick(window.canvas.viewer, Qt.Key.Key_F9)


def places(window) -> list:
    return [row.one.place for row in window.debugging.breaking.rows()]


def begin(window, run) -> None:
    """Run the graph; the engine has deployed it."""
    run.number += 1
    window.run_control.start()
    paused = run.names("run")[-1][1]
    run.tell("paused" if paused else "running")


def answer(run) -> None:
    """Answer the latest request to set a breakpoint."""
    run.answers["set_breakpoint"][1](WatchedInfo())


def held(number=1, item=5, cell="paint", port="image", **more) -> HeldInfo:
    about = {
        "condition": "item == 5",
        "inputs": {"item": (number_value(5),)},
        "outputs": {"image": IMAGE_VALUE},
        **more,
    }
    return HeldInfo(held=number, cell=cell, port=port, item=item, **about)


def hold(window, run, *items, nb_missed=0) -> None:
    """The engine has paused the run and holds these."""
    items = items or (held(),)
    run.tell("paused")
    run.looking.held_arrived.emit(items[-1])
    run.answers["get_held"][0](HeldItems(items=items, nb_missed=nb_missed))


# ------------------------------------------------------------------ where they are


def test_f9_sets_a_breakpoint_and_takes_it_away_and_that_is_no_edit(window) -> None:
    press_f9(window, "paint")
    assert places(window) == [IMAGE]
    assert mark(window, "paint") == "on"
    assert "Breakpoint at paint.image" in window.canvas._nodes["paint"].view.toolTip()
    assert not window.session.is_modified
    press_f9(window, "paint")
    assert places(window) == []
    assert mark(window, "paint") is None


def test_a_cell_without_outputs_says_where_to_set_it(window) -> None:
    press_f9(window, "end")
    assert places(window) == []
    assert "the cell before it" in window.statusBar().currentMessage()


def test_breakpoints_follow_a_renamed_cell_and_wait_for_a_removed_one(window) -> None:
    press_f9(window, "paint")
    session = window.session
    session.edit("", edits.rename_cell(session.document, (), "paint", "painter"))
    assert places(window) == [("painter", "image")]
    assert mark(window, "painter") == "on"
    session.edit("", edits.remove_cells(session.document, (), ["painter"]))
    assert "no such cell" in window.debugging.breaking.rows()[0].problem
    session.undo_stack.undo()
    assert mark(window, "painter") == "on"
    session.undo_stack.undo()
    assert places(window) == [IMAGE]


def test_they_are_there_again_when_the_file_is_opened_again(window, tmp_path) -> None:
    window.debugging.breaking.put(Breakpoint(*IMAGE, "item > 3", is_enabled=False))
    window.session.new()
    assert places(window) == []
    window.session.open(tmp_path / "looked.json")
    assert [row.one for row in window.debugging.breaking.rows()] == [Breakpoint(*IMAGE, "item > 3", is_enabled=False)]
    assert mark(window, "paint") == "off"


def test_the_list_switches_changes_and_removes(window) -> None:
    press_f9(window, "paint")
    window.bottom.show_panel(window.bottom.debug)
    row = window.bottom.debug.breakpoints.row(IMAGE)
    row.enabled.click()
    assert mark(window, "paint") == "off"
    row.setFocus()
    QTest.keyClick(row, Qt.Key.Key_Space)
    assert mark(window, "paint") == "on"
    QTest.keyClick(row, Qt.Key.Key_Return)
    assert window.canvas.selected() == ("paint",)
    row.setFocus()
    QTest.keyClick(row, Qt.Key.Key_Delete)
    assert places(window) == []


# ------------------------------------------------------------------ the dialog


@pytest.fixture
def dialog(window, monkeypatch):
    """The dialog of a new breakpoint; `checks` of it are the questions that the engine has not answered."""
    checks = []
    monkeypatch.setattr(
        window.engine.looking, "check_condition", lambda text, done: checks.append((text, done)) or True
    )
    window.canvas.select(["find"])
    window.commands["edit_breakpoint"].trigger()
    found = window.findChild(BreakpointDialog)
    found.checks = checks
    return found


def test_a_wrong_condition_is_told_at_its_field_and_not_set(qtbot, window, dialog) -> None:
    QTest.keyClicks(dialog.condition, "valeu > 3")
    qtbot.waitUntil(lambda: bool(dialog.checks))
    text, done = dialog.checks.pop()
    assert text == "valeu > 3"
    done("valeu is not known; did you mean value?")
    assert dialog.complaint.isVisible()
    assert dialog.condition.property("wrong")
    dialog.set_button.click()
    dialog.checks.pop()[1]("valeu is not known; did you mean value?")
    assert dialog.isVisible()
    assert places(window) == []
    dialog.reject()


def test_a_condition_is_set_when_the_engine_finds_nothing_wrong(window, dialog) -> None:
    QTest.keyClicks(dialog.condition, "len(value) > 3")
    QTest.keyClick(dialog.condition, Qt.Key.Key_Return)
    dialog.checks.pop()[1]("")
    assert [row.one for row in window.debugging.breaking.rows()] == [Breakpoint(*BOXES, "len(value) > 3")]
    assert mark(window, "find") == "conditional"


def test_what_was_typed_on_is_not_set_by_an_answer_about_what_was_there_before(window, dialog) -> None:
    QTest.keyClicks(dialog.condition, "item > 3")
    dialog.set_button.click()
    QTest.keyClicks(dialog.condition, "0")
    dialog.checks.pop()[1]("")
    assert places(window) == []
    dialog.reject()


def test_without_an_engine_a_condition_is_set_unchecked(window) -> None:
    window.canvas.select(["find"])
    window.commands["edit_breakpoint"].trigger()
    dialog = window.findChild(BreakpointDialog)
    QTest.keyClicks(dialog.condition, "item > 3")
    dialog.set_button.click()
    assert places(window) == [BOXES]


def test_the_dialog_of_a_breakpoint_that_is_there_changes_and_removes_it(window) -> None:
    window.debugging.breaking.put(Breakpoint(*BOXES, "item > 3"))
    window.debugging.breaking.edit(BOXES)
    dialog = window.findChild(BreakpointDialog)
    assert dialog.condition.text() == "item > 3"
    dialog.remove_button.click()
    assert places(window) == []


# ------------------------------------------------------------------ the run


def test_nothing_of_a_run_is_missed_it_waits_until_the_breakpoints_are_set(window, run) -> None:
    press_f9(window, "paint")
    begin(window, run)
    assert run.names("run") == [("run", True)]
    assert run.names("set_breakpoint") == [("set_breakpoint", IMAGE, "")]
    assert run.names("resume") == []
    assert window.toolbar._state.text() == "Starting"
    answer(run)
    assert run.names("resume") == [("resume",)]
    run.tell("running")
    assert window.toolbar._state.text() == "Running"


def test_without_breakpoints_a_run_begins_at_once(window, run) -> None:
    window.debugging.breaking.put(Breakpoint(*IMAGE, is_enabled=False))
    begin(window, run)
    assert run.names("run") == [("run", False)]
    assert run.names("set_breakpoint", "resume") == []


def test_a_run_that_was_to_begin_paused_stays_paused(window, run) -> None:
    press_f9(window, "paint")
    window.run_control.start(paused=True)
    run.number += 1
    run.tell("paused")
    answer(run)
    assert run.names("resume") == []
    assert window.toolbar._state.text() == "Paused"


def test_a_breakpoint_that_is_refused_keeps_nothing_from_running(window, run) -> None:
    press_f9(window, "paint")
    begin(window, run)
    run.answers["set_breakpoint"][0](Refusal(message="paint runs in other processes, by Ray"))
    assert run.names("resume") == [("resume",)]
    assert window.debugging.breaking.rows()[0].problem == "paint runs in other processes, by Ray"
    assert "is not set" in window.statusBar().currentMessage()


def test_a_run_does_not_wait_for_ever(window, run) -> None:
    press_f9(window, "paint")
    begin(window, run)
    window.debugging.breaking._patience.timeout.emit()
    assert run.names("resume") == [("resume",)]


def test_changes_while_a_run_goes_on_are_sent(window, run) -> None:
    begin(window, run)
    press_f9(window, "paint")
    breaking = window.debugging.breaking
    breaking.put(Breakpoint(*IMAGE, "item > 3"))
    breaking.enable(IMAGE, False)
    breaking.enable(IMAGE, True)
    breaking.remove(IMAGE)
    assert run.names("set_breakpoint", "remove_breakpoint") == [
        ("set_breakpoint", IMAGE, ""),
        ("set_breakpoint", IMAGE, "item > 3"),
        ("remove_breakpoint", IMAGE),
        ("set_breakpoint", IMAGE, "item > 3"),
        ("remove_breakpoint", IMAGE),
    ]


def test_how_often_a_breakpoint_was_met_and_what_is_wrong_with_it_is_listed(window, run, monkeypatch) -> None:
    press_f9(window, "paint")
    begin(window, run)
    asked = []
    monkeypatch.setattr(window.engine.looking, "get_watched", lambda: asked.append(1))
    window.engine.log_arrived.emit(LogLine(time_s=0, level="warning", source="host", text="cannot be evaluated"))
    assert asked == [1]
    told = BreakpointSettings(cell="paint", port="image", condition="", nb_hits=3)
    window.engine.looking.watched_changed.emit(WatchedInfo(breakpoints=(told,)))
    assert window.debugging.breaking.rows()[0].nb_hits == 3
    told = told.model_copy(update={"problem": "the condition cannot be evaluated"})
    window.engine.looking.watched_changed.emit(WatchedInfo(breakpoints=(told,)))
    assert window.debugging.breaking.rows()[0].problem == "the condition cannot be evaluated"


# ------------------------------------------------------------------ what is held


def test_a_held_item_is_seen_everywhere(window, run) -> None:
    begin(window, run)
    hold(window, run)
    assert window.toolbar._state.text() == "Held at paint"
    assert mark(window, "paint") == "held"
    assert window.canvas.selected() == ("paint",)
    panel = window.bottom.debug.held
    assert panel.isVisible()
    assert panel.title.text() == "Held at paint, item 5"
    assert panel.cards["input", "item"].text.text() == "5"
    assert [values[:3] for name, values in run.pictures] == [(1, "output", "image")]
    run.answer_picture(item=5)
    assert panel.cards["output", "image"].thumb.image.width() == 64


def test_f6_goes_on_f10_steps_and_both_let_go(window, run) -> None:
    begin(window, run)
    hold(window, run)
    QTest.keyClick(window.canvas.viewer, Qt.Key.Key_F10)
    assert run.names("step") == [("step", 1)]
    assert window.toolbar._state.text() == "Paused"
    assert window.bottom.debug.held.info is None
    hold(window, run, held(2, 6))
    assert window.toolbar._state.text() == "Held at paint"
    QTest.keyClick(window.canvas.viewer, Qt.Key.Key_F6)
    assert run.names("resume") == [("resume",)]
    run.tell("running")
    assert mark(window, "paint") is None


def test_the_buttons_of_the_panel_do_the_same(window, run) -> None:
    begin(window, run)
    hold(window, run)
    window.bottom.debug.held.step_button.click()
    hold(window, run, held(2, 6))
    window.bottom.debug.held.resume_button.click()
    assert run.names("step", "resume") == [("step", 1), ("resume",)]


def test_an_item_that_was_let_go_meanwhile_is_not_shown(window, run) -> None:
    begin(window, run)
    run.tell("paused")
    run.looking.held_arrived.emit(held())
    late = run.answers["get_held"][0]
    window.run_control.step()
    late(HeldItems(items=(held(),)))
    assert window.bottom.debug.held.info is None


def test_of_several_held_items_one_can_be_chosen(window, run) -> None:
    begin(window, run)
    hold(window, run, held(1, 5), held(2, 6), nb_missed=3)
    panel = window.bottom.debug.held
    assert panel.items.isVisible()
    assert "3 items more" in panel.why.text()
    assert panel.info.item == 5
    panel.item_chosen.emit(2)
    assert panel.info.item == 6
    assert panel.title.text() == "Held at paint, item 6"


def test_an_item_is_run_again_with_what_was_changed_only(window, run) -> None:
    begin(window, run)
    hold(window, run)
    panel = window.bottom.debug.held
    field = panel.form.editors["gain"].field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "10")
    QTest.keyClick(field, Qt.Key.Key_Return)
    panel.form.run_button.click()
    assert run.names("replay") == [("replay", 1, {"gain": 10})]
    assert not panel.form.run_button.isEnabled()
    brighter = IMAGE_VALUE.model_copy(update={"mean": 105.0})
    done = ReplayInfo(held=1, cell="paint", item=5, outputs={"image": brighter}, elapsed_s=0.012)
    run.answers["replay"][0](done)
    assert panel.form.run_button.isEnabled()
    assert panel.cards["replay", "image"].difference.text() == "mean 105 instead of 70 (+50 %)"
    assert run.pictures[-1][0] == "get_replayed_picture"
    run.pictures = run.pictures[-1:]
    run.answer_picture(item=5)
    assert panel.cards["replay", "image"].thumb.image is not None
    assert not window.session.undo_stack.canUndo()
    panel.form.apply_button.click()
    assert window.session.document.cells["paint"].parameters == {"gain": 10}
    assert panel.form.changed_values == {}
    window.session.undo_stack.undo()
    assert window.session.document.cells["paint"].parameters == {}


def test_why_an_item_cannot_be_run_again_or_failed_is_told(window, run) -> None:
    begin(window, run)
    hold(window, run)
    panel = window.bottom.debug.held
    panel.form.run_button.click()
    run.answers["replay"][1](Refusal(message="paint writes a file: a second one would write it too"))
    assert panel._error.text() == "Paint writes a file: a second one would write it too."
    assert panel.form.run_button.isEnabled()
    panel.form.run_button.click()
    failure = CellError(cell="paint", message="ValueError: no", traceback="Traceback …")
    run.answers["replay"][0](ReplayInfo(held=1, cell="paint", item=5, error=failure))
    assert panel._error.text() == "ValueError: no"
    assert panel.traceback_button.isVisible()


def test_an_answer_about_an_item_that_is_held_no_more_is_left_out(window, run) -> None:
    begin(window, run)
    hold(window, run)
    panel = window.bottom.debug.held
    panel.form.run_button.click()
    window.run_control.step()
    run.answers["replay"][0](ReplayInfo(held=1, cell="paint", item=5, outputs={"image": IMAGE_VALUE}))
    assert panel.cards == {}


def test_boxes_are_drawn_on_the_image_that_the_cell_had(window, run) -> None:
    begin(window, run)
    hold(window, run, held(cell="find", port="boxes", inputs={"image": (IMAGE_VALUE,)}, outputs={"boxes": BOXES_VALUE}))
    run.answer_picture()
    thumb = window.bottom.debug.held.cards["output", "boxes"].thumb
    assert thumb.boxes == BOXES_VALUE.boxes
    assert thumb.isVisible()
    large = thumb.open_large()
    assert large.isVisible()
    large.close()


def test_a_table_of_boxes_is_shown_with_its_rows(window, run) -> None:
    begin(window, run)
    hold(window, run, held(cell="find", port="boxes", outputs={"boxes": BOXES_VALUE}))
    assert window.toolbar._state.text() == "Held at find"
    assert window.bottom.debug.held.cards["output", "boxes"].text.text() == "float32 1x5"

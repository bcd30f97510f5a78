"""Previews in nodes: what is asked of the engine, what is shown, and what is remembered."""

import pytest
from looking_support import BOXES, BOXES_VALUE, IMAGE, IMAGE_VALUE, NUMBER, PlayedRun, number_value, open_graph
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pypipeline_engine.host.protocol import Refusal
from pypipeline_studio.canvas.node_preview import PICTURE_PX
from pypipeline_studio.document import edits
from pypipeline_studio.window.watching import MOST_PLACES


@pytest.fixture
def window(file_window, tmp_path):
    open_graph(file_window, tmp_path)
    return file_window


@pytest.fixture
def run(window, monkeypatch):
    return PlayedRun(window, monkeypatch)


def item_of(window, name):
    return window.canvas._nodes[name].view


def turn_on(window, *names) -> None:
    window.canvas.select(names)
    window.commands["preview"].trigger()


def look(window) -> None:
    """What the timer does a moment later."""
    window.node_previews._timer.stop()
    window.node_previews._ask()


def test_a_preview_takes_its_room_and_is_no_edit(window) -> None:
    height = item_of(window, "paint")._height
    window.canvas.select(["paint"])
    window.canvas.viewer.setFocus()
    window.activateWindow()
    QTest.keyClick(window.canvas.viewer, Qt.Key.Key_P)
    assert item_of(window, "paint")._height == height + 96
    assert item_of(window, "find").preview is None
    assert window.commands["preview"].isChecked()
    assert not window.session.undo_stack.canUndo()
    assert not window.session.is_modified
    QTest.keyClick(window.canvas.viewer, Qt.Key.Key_P)
    assert item_of(window, "paint").preview is None
    assert item_of(window, "paint")._height == height


def test_nothing_is_asked_for_before_a_run_and_the_picture_of_what_is_on_then(window, run) -> None:
    turn_on(window, "paint")
    look(window)
    assert run.names("preview") == []
    run.start()
    assert run.names("preview") == [("preview", IMAGE, *PICTURE_PX)]
    run.value(IMAGE, IMAGE_VALUE, 7)
    run.answer_picture(item=7)
    assert item_of(window, "paint").preview.image.width() == 64
    turn_on(window, "paint")
    look(window)
    assert run.names("stop_preview") == [("stop_preview", IMAGE)]


def test_one_picture_is_on_its_way_however_many_values_come(window, run) -> None:
    turn_on(window, "paint")
    look(window)
    run.start()
    for number in range(5):
        run.value(IMAGE, IMAGE_VALUE, number)
    assert len(run.pictures) == 1
    run.answer_picture(item=0)
    assert len(run.pictures) == 1
    run.answer_picture(item=4)
    assert run.pictures == []


def test_what_cannot_be_seen_is_not_asked_for(window, run) -> None:
    turn_on(window, "paint")
    look(window)
    run.start()
    window.canvas.viewer.zoom_by(0.3 / window.canvas.viewer.get_scale())
    look(window)
    assert run.names("preview", "stop_preview")[-1] == ("stop_preview", IMAGE)
    window.canvas.viewer.zoom_by(1 / window.canvas.viewer.get_scale())
    window.canvas.reveal("paint")
    look(window)
    assert run.names("preview", "stop_preview")[-1][0] == "preview"
    window.commands["live"].trigger()
    look(window)
    assert run.names("preview", "stop_preview")[-1] == ("stop_preview", IMAGE)


def test_boxes_are_drawn_on_the_image_that_they_are_of(window, run) -> None:
    turn_on(window, "find")
    look(window)
    run.start()
    assert {asked[1] for asked in run.names("preview")} == {IMAGE, BOXES}
    run.value(IMAGE, IMAGE_VALUE)
    run.answer_picture()
    run.value(BOXES, BOXES_VALUE)
    shown = item_of(window, "find").preview
    assert shown.boxes == BOXES_VALUE.boxes
    assert shown.frame == (64, 48)
    assert shown.image is not None
    assert item_of(window, "paint").preview is None


def test_what_is_no_picture_is_told_in_words(window, run) -> None:
    turn_on(window, "count")
    look(window)
    run.start()
    assert item_of(window, "count").preview.lines == ("No value yet",)
    run.value(NUMBER, number_value(42), 1041)
    assert item_of(window, "count").preview.lines == ("42", "item 1,041")


def test_why_something_cannot_be_looked_at_stands_in_its_node(window, run) -> None:
    turn_on(window, "paint")
    look(window)
    run.start()
    run.answers["preview"][0](Refusal(message="paint runs in other processes, by Ray"))
    assert item_of(window, "paint").preview.lines == ("Cannot be looked at", "paint runs in other processes, by Ray")


def test_previews_of_all_images(window, run) -> None:
    window.commands["preview_all"].trigger()
    look(window)
    run.start()
    assert run.names("preview") == [("preview", IMAGE, *PICTURE_PX)]
    assert [name for name in ("count", "paint", "find", "end") if item_of(window, name).preview] == ["paint"]
    window.commands["preview_all"].trigger()
    assert item_of(window, "paint").preview is None


def test_a_cell_without_outputs_has_nothing_to_preview(window) -> None:
    turn_on(window, "end")
    assert "without outputs" in window.statusBar().currentMessage()
    assert not window.commands["preview"].isChecked()


def test_previews_are_remembered_for_the_file_and_follow_names(window, tmp_path) -> None:
    turn_on(window, "paint")
    window.session.edit("", edits.rename_cell(window.session.document, (), "paint", "painter"))
    assert item_of(window, "painter").preview is not None
    window.session.undo_stack.undo()
    assert item_of(window, "paint").preview is not None
    window.session.new()
    open_graph(window, tmp_path, "other.json")
    assert item_of(window, "paint").preview is None
    window.session.open(tmp_path / "looked.json")
    assert item_of(window, "paint").preview is not None
    window.session.save(tmp_path / "copy.json")
    window.session.new()
    window.session.open(tmp_path / "copy.json")
    assert item_of(window, "paint").preview is not None


def test_the_last_values_stay_after_the_run_and_go_with_the_next_one(window, run) -> None:
    turn_on(window, "count")
    look(window)
    run.start()
    run.value(NUMBER, number_value(42))
    run.tell("ended")
    assert item_of(window, "count").preview.lines[0] == "42"
    run.start()
    assert item_of(window, "count").preview.lines == ("No value yet",)
    assert len(run.names("preview")) == 2


def test_no_more_is_asked_for_than_the_engine_shows(window, run) -> None:
    run.start()
    window.watching.want("nodes", {(f"cell {number}", "out"): PICTURE_PX for number in range(MOST_PLACES + 4)})
    window.watching.want("tab", {IMAGE: (640, 480)})
    asked = {asked[1] for asked in run.names("preview")} - {asked[1] for asked in run.names("stop_preview")}
    assert IMAGE in asked
    assert len(asked) == MOST_PLACES

"""The tab with previews in the window: it shows the selected cell, and asks for nothing while nobody sees it."""

import pytest
from looking_support import BOXES, BOXES_VALUE, IMAGE, IMAGE_VALUE, PlayedRun, jpeg, open_graph
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pypipeline_studio.window.previewing import PICTURE_PX


@pytest.fixture
def window(file_window, tmp_path):
    open_graph(file_window, tmp_path)
    return file_window


@pytest.fixture
def run(window, monkeypatch):
    return PlayedRun(window, monkeypatch)


def asked(run) -> list:
    return run.names("preview", "stop_preview")


def test_the_selected_cell_is_looked_at_while_the_tab_is_seen(window, run) -> None:
    run.start()
    window.canvas.select(["paint"])
    assert asked(run) == []
    window.bottom.show_panel(window.bottom.previews)
    assert asked(run) == [("preview", IMAGE, *PICTURE_PX)]
    run.value(IMAGE, IMAGE_VALUE, 3)
    run.answer_picture(item=3)
    panel = window.bottom.previews
    assert panel.view.image is not None
    assert panel._about.text().startswith("Item 3 ")
    window.bottom.show_tab(0)
    assert asked(run)[-1] == ("stop_preview", IMAGE)


def test_boxes_are_shown_on_the_image_that_they_are_of(window, run) -> None:
    run.start()
    window.bottom.show_panel(window.bottom.previews)
    window.canvas.select(["find"])
    assert [one[1] for one in asked(run)] == [BOXES, IMAGE]
    run.value(IMAGE, IMAGE_VALUE, 3)
    run.answer_picture(item=3)
    run.value(BOXES, BOXES_VALUE, 3)
    assert window.bottom.previews.view._boxes == BOXES_VALUE.boxes


def test_boxes_lie_on_their_own_image_and_not_on_the_latest_one(window, run) -> None:
    run.start()
    panel = window.bottom.previews
    window.bottom.show_panel(panel)
    window.canvas.select(["find"])
    for item, grey in ((3, 40), (5, 120), (7, 200)):
        run.value(IMAGE, IMAGE_VALUE, item)
        run.answer_picture(jpeg(grey), item)
    run.value(BOXES, BOXES_VALUE, 5)
    assert abs(panel.view.image.pixelColor(60, 40).red() - 120) < 5
    assert "drawn on" not in panel._about.text()
    run.value(BOXES, BOXES_VALUE, 9)  # of which the picture is on its way
    assert panel._about.text().startswith("Item 5 ")
    run.value(IMAGE, IMAGE_VALUE, 9)
    run.answer_picture(jpeg(250), 9)
    assert panel._about.text().startswith("Item 9 ")
    assert abs(panel.view.image.pixelColor(60, 40).red() - 250) < 5
    assert "drawn on" not in panel._about.text()


def test_boxes_without_an_image_of_their_own_say_on_which_they_are_drawn(window, run) -> None:
    run.start()
    panel = window.bottom.previews
    window.bottom.show_panel(panel)
    window.canvas.select(["find"])
    for item, grey in ((3, 40), (5, 120), (16, 200)):
        run.value(IMAGE, IMAGE_VALUE, item)
        run.answer_picture(jpeg(grey), item)
    run.value(BOXES, BOXES_VALUE, 3)
    for item in (6, 7, 8, 9):  # a filter leaves gaps where images are shown
        assert panel._about.text().startswith("Item 3 ")
        run.value(BOXES, BOXES_VALUE, item)
    assert panel._about.text().startswith("Item 9 ")
    assert panel._about.text().endswith("drawn on the image of item 5")
    assert abs(panel.view.image.pixelColor(60, 40).red() - 120) < 5


def test_in_a_pause_each_step_is_seen(window, run) -> None:
    run.start()
    panel = window.bottom.previews
    window.bottom.show_panel(panel)
    window.canvas.select(["find"])
    run.value(IMAGE, IMAGE_VALUE, 16)
    run.answer_picture(item=16)
    run.value(BOXES, BOXES_VALUE, 16)
    run.tell("paused")
    run.value(BOXES, BOXES_VALUE, 17)
    assert panel._about.text().startswith("Item 17 ")
    assert panel._about.text().endswith("drawn on the image of item 16")


def test_what_is_told_is_of_the_image_that_is_shown(window, run) -> None:
    run.start()
    panel = window.bottom.previews
    window.bottom.show_panel(panel)
    window.canvas.select(["paint"])
    run.value(IMAGE, IMAGE_VALUE, 3)
    run.answer_picture(item=3)
    run.value(IMAGE, IMAGE_VALUE, 4)
    assert panel._about.text().startswith("Item 3 ")
    run.answer_picture(item=4)
    assert panel._about.text().startswith("Item 4 ")


def test_while_paused_the_value_stays_and_the_run_goes_on(window, run) -> None:
    run.start()
    window.bottom.show_panel(window.bottom.previews)
    window.canvas.select(["paint"])
    panel = window.bottom.previews
    run.value(IMAGE, IMAGE_VALUE, 3)
    run.answer_picture(item=3)
    panel.pause_button.click()
    run.value(IMAGE, IMAGE_VALUE, 4)
    window.canvas.select(["find"])
    assert panel._about.text().startswith("Item 3 ")
    panel.pause_button.click()
    assert panel._cell.text() == "find"


def test_why_there_is_nothing_is_said(window, run) -> None:
    window.bottom.show_panel(window.bottom.previews)
    panel = window.bottom.previews
    assert "Select a cell" in panel._empty.text.text()
    window.canvas.select(["paint"])
    assert "while a graph runs" in panel._empty.text.text()
    run.start()
    assert panel._empty.title.text() == "No value yet"
    window.canvas.select(["end"])
    assert "no outputs" in panel._empty.text.text()


def test_an_output_can_be_chosen_by_the_keyboard(window, run) -> None:
    run.start()
    window.bottom.show_panel(window.bottom.previews)
    window.canvas.select(["paint"])
    panel = window.bottom.previews
    panel.ports.setFocus()
    QTest.keyClick(panel.ports, Qt.Key.Key_Down)
    assert panel.ports.currentText() == "image"
    panel.port_chosen.emit("image")
    assert asked(run) == [("preview", IMAGE, *PICTURE_PX)]


def test_another_graph_leaves_nothing_of_the_one_before(window, run, tmp_path) -> None:
    run.start()
    window.bottom.show_panel(window.bottom.previews)
    window.canvas.select(["paint"])
    run.value(IMAGE, IMAGE_VALUE, 3)
    window.session.new()
    panel = window.bottom.previews
    assert panel._cell.text() == ""
    assert "Select a cell" in panel._empty.text.text()

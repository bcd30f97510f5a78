"""Exact values of pixels in the tab with previews: those of the picture that is shown, asked for one after the other."""

import pytest
from looking_support import BOXES, BOXES_VALUE, IMAGE, IMAGE_VALUE, PlayedRun, jpeg, open_graph
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from pypipeline_engine.host.looking import PixelsInfo
from pypipeline_engine.host.protocol import Refusal
from pypipeline_studio.window.pixel_values import TILE_PX


@pytest.fixture
def window(file_window, tmp_path):
    open_graph(file_window, tmp_path)
    return file_window


@pytest.fixture
def run(window, monkeypatch):
    run = PlayedRun(window, monkeypatch)
    run.start()
    window.bottom.show_panel(window.bottom.previews)
    window.canvas.select(["paint"])
    return run


@pytest.fixture
def panel(window):
    return window.bottom.previews


def show(run, item, picture, place=IMAGE) -> None:
    run.value(place, IMAGE_VALUE, item)
    run.answer_picture(jpeg(90), item, picture)


def point(panel, x, y) -> None:
    """Move the mouse to the middle of a pixel."""
    view = panel.view
    at = view._target().topLeft() + QPointF(x + 0.5, y + 0.5) * view.scale
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, at, view.mapToGlobal(at), none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, event)


def questions(run) -> list:
    return run.names("get_pixels")


def answer(run, number=7, rectangle=None) -> None:
    """Answer the last question with pixels of one number, with its row and its column."""
    _, place, picture, (x, y, width, height) = questions(run)[-1]
    rows = tuple(
        tuple((row, column, number) for column in range(x, min(64, x + width))) for row in range(y, min(48, y + height))
    )
    info = PixelsInfo(
        cell=place[0], port=place[1], item=0, picture=picture, shape=(48, 64, 3), dtype="uint8", x=x, y=y, rows=rows
    )
    run.answers["get_pixels"][0](info)


def test_what_stands_in_the_array_is_told_of_the_picture_that_is_shown(run, panel) -> None:
    show(run, 3, 11)
    assert run.with_pixels == [True]
    assert questions(run) == []  # nobody points at it
    point(panel, 20, 40)
    assert questions(run) == [("get_pixels", IMAGE, 11, (16, 32, TILE_PX, TILE_PX))]
    assert panel._pixel.text() == "x 20  y 40   …"
    answer(run)
    assert panel._pixel.text() == "x 20  y 40   B 40 G 20 R 7"
    point(panel, 21, 41)
    assert panel._pixel.text() == "x 21  y 41   B 41 G 21 R 7"
    assert len(questions(run)) == 1  # it came along


def test_at_most_one_question_is_under_way_and_the_latest_place_is_asked_for_next(run, panel) -> None:
    show(run, 3, 11)
    for x in (2, 20, 40, 60):
        point(panel, x, 2)
    assert len(questions(run)) == 1
    answer(run)
    assert [question[3][0] for question in questions(run)] == [0, 48]
    assert panel._pixel.text() == "x 60  y 2   …"
    answer(run)
    assert panel._pixel.text() == "x 60  y 2   B 2 G 60 R 7"


def test_numbers_of_an_earlier_picture_are_never_shown_as_those_of_a_later_one(qtbot, run, panel) -> None:
    show(run, 3, 11)
    point(panel, 20, 40)
    show(run, 4, 12)
    answer(run, 99)  # of the picture that is gone
    assert "99" not in panel._pixel.text()
    assert [question[2] for question in questions(run)] == [11, 12]
    answer(run, 5)
    assert panel._pixel.text().endswith("R 5")
    show(run, 5, 13)
    assert panel._pixel.text().endswith("R 5")  # no flicker; not for long
    qtbot.waitUntil(lambda: panel._pixel.text().endswith("…"))


def test_a_picture_that_the_engine_keeps_no_more_is_read_from_the_jpeg(run, panel) -> None:
    show(run, 3, 11)
    point(panel, 60, 40)
    run.answers["get_pixels"][1](Refusal(message="gone"))
    assert panel._pixel.text() == "x 60  y 40   about 90 (read from the JPEG)"
    point(panel, 2, 2)
    assert len(questions(run)) == 1
    show(run, 4, 12)
    assert len(questions(run)) == 2
    show(run, 5, 0)  # too large to be kept
    answer(run)
    assert panel._pixel.text() == "x 2  y 2   about 90 (read from the JPEG)"


def test_while_paused_the_picture_that_is_shown_is_asked_about_and_stays_in_use(run, panel) -> None:
    show(run, 3, 11)
    panel.pause_button.click()
    assert questions(run) == [("get_pixels", IMAGE, 11, (0, 0, 1, 1))]
    show(run, 4, 12)
    point(panel, 60, 40)
    assert questions(run)[-1] == ("get_pixels", IMAGE, 11, (48, 32, TILE_PX, TILE_PX))
    using = run.window.previewing._pixels._using
    assert using.isActive()
    using.timeout.emit()
    assert questions(run)[-1] == ("get_pixels", IMAGE, 11, (0, 0, 1, 1))


def test_below_boxes_the_image_is_asked_about(window, run, panel) -> None:
    window.canvas.select(["find"])
    show(run, 3, 11)
    run.value(BOXES, BOXES_VALUE, 3)
    point(panel, 60, 40)
    assert questions(run)[-1][1:3] == (IMAGE, 11)


def test_numbers_stand_in_the_pixels_as_soon_as_these_are_large(run, panel) -> None:
    show(run, 3, 11)
    panel.view.resize(640, 480)
    before = panel.view.grab().toImage()
    panel.view._zoom_to(48.0, QPointF(320, 240))
    x, y, width, height = questions(run)[-1][3]
    assert width * 48 >= 640
    assert height * 48 >= 480
    plain = panel.view.grab().toImage()
    answer(run, 200)
    assert panel.view.grab().toImage() != plain
    place = panel.view._target().topLeft() + QPointF(x + 2, y + 2) * 48 + QPointF(4, 4)
    shown = panel.view.grab().toImage().pixelColor(place.toPoint())
    assert (shown.blue(), shown.green(), shown.red()) == (y + 2, x + 2, 200)  # and not that of the JPEG
    panel.view.fit()
    assert panel.view.grab().toImage() == before


def test_an_engine_that_has_ended_does_not_keep_later_questions_from_being_asked(run, panel) -> None:
    show(run, 3, 11)
    point(panel, 2, 2)
    pixels = run.window.previewing._pixels
    assert pixels._patience.isActive()
    pixels._patience.timeout.emit()
    point(panel, 60, 40)
    assert len(questions(run)) == 2


def test_nothing_is_asked_beside_the_picture(run, panel) -> None:
    show(run, 3, 11)
    view = panel.view
    at = QPointF(QPoint(1, view.height() // 2))
    none = Qt.MouseButton.NoButton
    QApplication.sendEvent(
        view, QMouseEvent(QEvent.Type.MouseMove, at, view.mapToGlobal(at), none, none, Qt.KeyboardModifier.NoModifier)
    )
    assert questions(run) == []
    assert panel._pixel.text() == ""

"""A picture that is zoomed and moved, and the tab that shows values."""

import pytest
from looking_support import BOXES_VALUE, IMAGE_VALUE, number_value
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from pypipeline_engine.host.looking import PreviewInfo
from pypipeline_studio.panels.picture_view import PictureView
from pypipeline_studio.panels.previews import PreviewsPanel, colour_text

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def picture(width=64, height=48) -> QImage:
    """Black, with one pixel of a colour in the middle."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(0, 0, 0))
    image.setPixelColor(width // 2, height // 2, QColor(200, 100, 50))
    return image


def info(value, item=0) -> PreviewInfo:
    return PreviewInfo(cell="paint", port="image", item=item, value=value)


@pytest.fixture
def view(show):
    view = show(PictureView(), 640, 480)
    view.setFocus()
    view.show_image(picture())
    return view


def wheel(view, at, delta=120) -> None:
    event = QWheelEvent(
        at,
        view.mapToGlobal(at),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def move(view, at, button=Qt.MouseButton.NoButton) -> None:
    place = QPointF(at)
    event = QMouseEvent(QEvent.Type.MouseMove, place, view.mapToGlobal(place), Qt.MouseButton.NoButton, button, NONE)
    QApplication.sendEvent(view, event)


def test_all_of_a_picture_is_shown_until_somebody_zooms(view) -> None:
    assert view.scale == 10
    view.resize(320, 480)
    assert view.scale == 5
    wheel(view, QPointF(160, 240))
    zoomed = view.scale
    assert zoomed > 5
    view.resize(640, 480)
    assert view.scale == zoomed
    QTest.keyClick(view, Qt.Key.Key_0)
    assert view.scale == 10
    QTest.keyClick(view, Qt.Key.Key_1)
    assert view.scale == 1


def test_the_point_under_the_wheel_stays_where_it_is(view) -> None:
    at = QPointF(130, 330)
    before = view._to_image(at)
    wheel(view, at, 240)
    after = view._to_image(at)
    assert abs(after.x() - before.x()) < 1e-6
    assert abs(after.y() - before.y()) < 1e-6
    assert view.scale > 10


def test_dragging_moves_the_picture_with_the_mouse(view) -> None:
    wheel(view, QPointF(320, 240), 480)
    start, end = QPoint(320, 240), QPoint(380, 200)
    held = view._to_image(QPointF(start))
    QTest.mousePress(view, LEFT, NONE, start)
    move(view, end, LEFT)
    QTest.mouseRelease(view, LEFT, NONE, end)
    now = view._to_image(QPointF(end))
    assert abs(now.x() - held.x()) < 1e-6
    assert abs(now.y() - held.y()) < 1e-6
    QTest.mouseDClick(view, LEFT, NONE, end)
    assert view.scale == 10


def test_the_mouse_tells_the_pixel_of_the_whole_image(qtbot, view) -> None:
    view.show_image(picture(), (640, 480))  # a copy of a tenth of the size
    told = []
    view.pointed.connect(told.append)
    move(view, QPoint(325, 245))
    x, y, shown = told[-1]
    assert (x, y) == (325, 245)
    assert shown == QColor(200, 100, 50)
    wheel(view, QPointF(325, 245), -2400)
    move(view, QPoint(2, 2))
    assert told[-1] is None


def test_the_part_that_is_visible_stays_while_values_come(view) -> None:
    wheel(view, QPointF(100, 100), 480)
    before = view._target()
    view.show_image(picture())
    assert view._target() == before
    view.show_image(picture(32, 32))
    assert view._target() != before
    assert view.scale == 15


def test_boxes_are_a_part_of_the_picture_that_is_saved(view) -> None:
    view.show_boxes([(10, 10, 20, 20, 1), (None, 0, 1, 1)])
    assert view.picture().pixelColor(10, 20) != QColor(0, 0, 0)
    view.show_boxes(())
    assert view.picture().pixelColor(10, 20) == QColor(0, 0, 0)


@pytest.mark.parametrize(
    ("colour", "text"), [(QColor(93, 92, 94), "about 93"), (QColor(120, 44, 31), "about R 120 G 44 B 31")]
)
def test_the_value_of_a_pixel_is_about_that_of_its_jpeg(colour, text) -> None:
    assert colour_text(colour) == text


# ------------------------------------------------------------------ the tab


@pytest.fixture
def panel(show):
    panel = show(PreviewsPanel(), 900, 240)
    panel.show_cell("paint", ["image", "mask"], "image")
    return panel


def test_an_image_is_shown_with_what_is_known_of_it(panel) -> None:
    panel.show_value(info(IMAGE_VALUE, 1204), picture())
    assert panel._values.currentWidget() is panel.view
    assert panel._about.text() == "Item 1,204 · uint8 48x64x3 · 9.22 kB · 0 to 255, mean 70"
    assert panel.save_button.isEnabled()


def test_other_values_are_told_in_words(panel) -> None:
    panel.show_value(info(number_value(42)), None)
    assert panel.text.toPlainText() == "42"
    panel.show_value(info(BOXES_VALUE), None)
    assert panel.text.toPlainText().splitlines()[-1].split() == ["0", "0", "32", "24", "1"]
    assert not panel.save_button.isEnabled()


def test_boxes_tell_the_item_of_the_image_that_they_are_drawn_on(panel) -> None:
    panel.show_boxes(info(BOXES_VALUE, 5), picture(), 5, (64, 48), "boxes")
    assert panel._about.text() == "Item 5 · 1 box · float32 1x5"
    panel.show_boxes(info(BOXES_VALUE, 5), picture(), 7, (64, 48), "boxes")
    assert panel._about.text().endswith("drawn on the image of item 7")


def test_the_picture_is_saved_as_it_was_when_that_was_asked_for(qtbot, panel, tmp_path) -> None:
    panel.show_value(info(IMAGE_VALUE), picture())
    panel.save_button.click()
    dialog = panel.findChild(QFileDialog)
    panel.show_waiting("gone")
    with qtbot.waitSignal(panel.told) as told:
        dialog.fileSelected.emit(str(tmp_path / "shown.png"))
    assert told.args == ["Saved shown.png, 64 × 48 pixels"]
    assert QImage(str(tmp_path / "shown.png")).size() == picture().size()
    with qtbot.waitSignal(panel.told) as told:
        dialog.fileSelected.emit(str(tmp_path / "no folder" / "shown.png"))
    assert "cannot be written" in told.args[0]
    dialog.close()

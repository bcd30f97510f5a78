"""Lists whose rows are widgets."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea

from pypipeline_studio.panels.row_list import ListRow, RowList
from pypipeline_studio.panels.scrolled import scrolled
from pypipeline_studio.panels.widgets import EmptyState, Label

ROW_PX = 40


@pytest.fixture
def made():
    return []


@pytest.fixture
def rows(show, made):
    def make(key):
        made.append(key)
        one = ListRow()
        one.setFixedHeight(ROW_PX)
        return one

    return show(RowList(make, EmptyState("Nothing yet")), 200, 3 * ROW_PX)


def test_a_list_without_rows_says_so(rows):
    assert isinstance(rows.currentWidget(), EmptyState)
    rows.set_keys("a")
    assert isinstance(rows.currentWidget(), QScrollArea)
    rows.set_keys("")
    assert isinstance(rows.currentWidget(), EmptyState)


def test_rows_of_known_keys_stay_with_their_focus_in_the_order_given_last(rows, made, qtbot):
    rows.set_keys("abc")
    kept, gone = rows.row("b"), rows.row("a")
    kept.setFocus()
    with qtbot.waitSignal(gone.destroyed):
        rows.set_keys("cdb")
    assert rows.row("b") is kept
    assert kept.hasFocus()
    assert made == list("abcd")
    assert list(rows.rows) == list("cdb")
    qtbot.waitUntil(lambda: [rows.row(key).y() for key in "cdb"] == [0, ROW_PX, 2 * ROW_PX])


def test_the_focus_goes_from_row_to_row_into_sight_and_not_past_the_ends(rows, qtbot):
    rows.set_keys("abcdef")
    qtbot.waitUntil(lambda: rows.row("f").y() == 5 * ROW_PX)
    rows.row("a").setFocus()
    rows.move_focus("a", -1)
    assert rows.row("a").hasFocus()
    rows.move_focus("a", 5)
    assert rows.row("f").hasFocus()
    assert not rows.row("f").visibleRegion().isEmpty()
    rows.move_focus("f", 1)
    assert rows.row("f").hasFocus()


def test_a_row_is_activated_by_a_click_that_ends_on_it(rows, qtbot):
    rows.set_keys("ab")
    row = rows.row("a")
    with qtbot.waitSignal(row.activated):
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
    with qtbot.assertNotEmitted(row.activated):
        qtbot.mouseClick(row, Qt.MouseButton.RightButton)
        qtbot.mousePress(row, Qt.MouseButton.LeftButton)
        qtbot.mouseRelease(row, Qt.MouseButton.LeftButton, pos=rows.rect().bottomRight())


def test_where_the_mouse_is_and_the_focus_is_seen(rows):
    rows.set_keys("ab")
    row = rows.row("a")
    row.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    plain = row.grab().toImage()
    row.setFocus()
    assert row.grab().toImage() != plain
    row.clearFocus()
    row.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    assert row.grab().toImage() != plain


@pytest.mark.parametrize("is_sideways", [False, True])
def test_what_is_scrolled_is_as_broad_as_the_area_unless_it_goes_sideways(show, is_sideways):
    content = Label("text")
    content.setMinimumWidth(600)
    area = show(scrolled(content, is_sideways=is_sideways), 200, 100)
    assert area.horizontalScrollBar().isVisible() == is_sideways
    assert area.focusPolicy() == Qt.FocusPolicy.NoFocus

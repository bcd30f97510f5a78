"""The row of tabs alone."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from pypipeline_studio.document.tab_views import TabView
from pypipeline_studio.panels.graph_tabs import HEIGHT_PX, GraphTabs
from pypipeline_studio.theme.colours import colour

VIEWS = (TabView("one.json", Path("/a/one.json")), TabView("two & three.json", None, True, "running", "a"))


@pytest.fixture
def bar(qtbot):
    bar = GraphTabs()
    qtbot.addWidget(bar)
    bar.show_tabs(VIEWS, 0)
    bar.resize(600, HEIGHT_PX)
    bar.show()
    return bar


def colours_at(bar, rect) -> set:
    image = bar.grab(rect).toImage()
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


def test_showing_tabs_chooses_none(bar, qtbot) -> None:
    with qtbot.assertNotEmitted(bar.chosen):
        bar.show_tabs(VIEWS, 1)
        bar.show_tabs(VIEWS[:1], 0)
        bar.show_tabs((*VIEWS, *VIEWS), 3)
    assert bar.count() == 4
    assert bar.currentIndex() == 3


def test_the_arrow_keys_choose(bar, qtbot) -> None:
    bar.setFocus()
    with qtbot.waitSignal(bar.chosen) as chosen:
        QTest.keyClick(bar, Qt.Key.Key_Right)
    assert chosen.args == [1]


def test_a_run_and_what_is_not_saved_are_painted_and_said(bar) -> None:
    assert bar.accessibleTabName(1) == "two & three.json, a, running, has changes that are not saved"
    left = bar.tabRect(1).adjusted(0, 0, -bar.tabRect(1).width() + 30, -4)
    assert colour("ok").name() in colours_at(bar, left)
    assert colour("text2").name() in colours_at(bar, bar.close_rect(1))
    bar.show_tabs((VIEWS[0], TabView("two & three.json", None, False, "", "a")), 0)
    assert colour("ok").name() not in colours_at(bar, left)
    assert colour("text2").name() not in colours_at(bar, bar.close_rect(1))


def test_the_width_of_a_tab_does_not_change_with_what_its_graph_does(bar) -> None:
    before = bar.tabRect(1)
    bar.show_tabs((VIEWS[0], TabView("two & three.json", None, False, "", "a")), 1)
    assert bar.tabRect(1) == before


def test_many_tabs_can_be_scrolled_and_the_one_in_front_is_visible(bar) -> None:
    bar.show_tabs([TabView(f"a graph with a long name {number}.json") for number in range(30)], 29)
    assert bar.rect().intersects(bar.tabRect(29))
    assert bar.tabRect(0).right() < 0


def test_the_menu_key_opens_the_menu_of_the_tab_in_front(bar, qtbot) -> None:
    from PySide6.QtGui import QContextMenuEvent
    from PySide6.QtWidgets import QApplication

    with qtbot.waitSignal(bar.menu_requested) as asked:
        event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(500, 10), QPoint(500, 10))
        QApplication.sendEvent(bar, event)
    assert asked.args[0] == 0

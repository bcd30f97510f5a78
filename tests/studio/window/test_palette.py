"""The command palette in the window, by keys and by the mouse."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pypipeline_engine.catalogue.discovery import Catalogue as Discovered
from pypipeline_engine.host.protocol import Catalogue
from pypipeline_engine.resources import get_examples
from pypipeline_studio.panels.palette import CommandPalette
from pypipeline_studio.panels.palette_button import PaletteButton

CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return Catalogue(types=tuple(Discovered(installed=False).get_types()))


@pytest.fixture
def window(qtbot, file_window, known):
    file_window.session.set_catalogue(known)
    file_window.session.open(get_examples()["multiply"])
    file_window.activateWindow()
    qtbot.waitUntil(file_window.isActiveWindow)
    return file_window


@pytest.fixture
def open_palette(qtbot, window):
    """Opens it by its keys; gives the palette."""

    def open_it() -> CommandPalette:
        QTest.keyClick(window.canvas.viewer, Qt.Key.Key_P, CTRL_SHIFT)
        palette = window.findChildren(CommandPalette)[-1]
        qtbot.waitUntil(palette.search_field.hasFocus)
        return palette

    yield open_it
    for palette in window.findChildren(CommandPalette):
        palette.close()


def shown(palette) -> list[str]:
    return [palette.entry_at(row).text for row in range(palette.list.count())]


def test_typing_and_enter_do_it_and_what_was_used_comes_first_the_next_time(window, open_palette) -> None:
    palette = open_palette()
    QTest.keyClicks(palette.search_field, "sel all")
    assert shown(palette)[0] == "Select all"
    QTest.keyClick(palette.search_field, Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert set(window.canvas.selected()) == set(window.session.document.cells)
    assert shown(open_palette())[0] == "Select all"


def test_a_cell_is_added_in_one_step_to_undo(window, open_palette) -> None:
    before = window.session.document
    palette = open_palette()
    QTest.keyClicks(palette.search_field, "hogpeople")
    assert shown(palette)[0] == "Add detection.HogPeople"
    QTest.keyClick(palette.search_field, Qt.Key.Key_Return)
    assert window.canvas.selected() == ("hog_people",)
    assert window.canvas.viewer.hasFocus()
    window.session.undo_stack.undo()
    assert window.session.document == before


def test_cells_are_found_by_the_kinds_of_their_ports_as_well(open_palette) -> None:
    palette = open_palette()
    QTest.keyClicks(palette.search_field, "add tracks")
    found = shown(palette)
    assert "Add tracking.Sort" in found
    assert "Add sources.Counter" not in found


def test_what_cannot_be_done_says_why_and_stays(window, open_palette) -> None:
    palette = open_palette()
    QTest.keyClicks(palette.search_field, "redo")
    assert not palette.entry_at(0).is_enabled
    QTest.keyClick(palette.search_field, Qt.Key.Key_Return)
    assert palette.isVisible()
    assert palette.note.text() == "There is nothing to redo"
    palette.search_field.clear()
    QTest.keyClicks(palette.search_field, "run")
    assert palette.note.text() == "The engine is not ready yet"
    palette.search_field.clear()
    QTest.keyClicks(palette.search_field, "bypass")
    assert palette.note.text() == "Select a cell first"
    window.canvas.select_all()
    palette.close()
    palette = open_palette()
    QTest.keyClicks(palette.search_field, "bypass")
    assert palette.entry_at(0).is_enabled


def test_up_goes_to_the_last_one_and_a_click_does_it(qtbot, window, open_palette) -> None:
    palette = open_palette()
    QTest.keyClick(palette.search_field, Qt.Key.Key_Up)
    assert palette.list.currentRow() == palette.list.count() - 1
    QTest.keyClick(palette.search_field, Qt.Key.Key_Down)
    assert palette.list.currentRow() == 0
    QTest.keyClicks(palette.search_field, "colour-blind")
    assert palette.entry_at(0).is_on is False
    place = palette.list.visualItemRect(palette.list.item(0)).center()
    QTest.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert window.commands["safe_heat"].isChecked()
    window.commands["safe_heat"].trigger()


def test_menus_within_menus_are_found_with_their_way(window, open_palette) -> None:
    palette = open_palette()
    QTest.keyClicks(palette.search_field, "fibonacci")
    assert palette.entry_at(0).where == "File › New from example"
    QTest.keyClick(palette.search_field, Qt.Key.Key_Return)
    assert window.session.document.name == "fibonacci"


def test_escape_closes_and_nothing_is_done(window, open_palette) -> None:
    palette = open_palette()
    QTest.keyClicks(palette.search_field, "run")
    QTest.keyClick(palette.search_field, Qt.Key.Key_Escape)
    assert palette.isVisible()
    QTest.keyClick(palette.search_field, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert window.session.title == "multiply.json"


def test_nothing_found_is_said(open_palette) -> None:
    palette = open_palette()
    QTest.keyClicks(palette.search_field, "xyzzy")
    assert palette.list.count() == 0
    assert palette.note.text().startswith("Nothing matches")


def test_the_field_of_the_toolbar_opens_it(qtbot, window) -> None:
    button = window.toolbar.findChild(PaletteButton)
    assert "Ctrl+Shift+P" in button.accessibleName()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    palette = window.findChildren(CommandPalette)[-1]
    assert palette.isVisible()
    palette.close()

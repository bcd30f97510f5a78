"""Favourites and recently used types in the list of cells."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from pypipeline_engine.catalogue.discovery import Catalogue as Discovered
from pypipeline_engine.graph.model import CellEntry, Document
from pypipeline_engine.host.protocol import Catalogue
from pypipeline_studio.document.shelf import from_setting, to_setting, toggled, types_added, with_used
from pypipeline_studio.panels.cell_help import CellHelp


@pytest.fixture
def window(file_window):
    catalogue = Discovered(installed=False)
    types = [*catalogue.get_types("math"), *catalogue.get_types("flow")]
    file_window.session.set_catalogue(Catalogue(types=tuple(types)))
    return file_window


def sections(window):
    tree = window.library.tree
    heads = [tree.topLevelItem(index) for index in range(tree.topLevelItemCount())]
    return {head.text(0): [head.child(place).text(0) for place in range(head.childCount())] for head in heads}


def item(window, section, name):
    tree = window.library.tree
    heads = [tree.topLevelItem(index) for index in range(tree.topLevelItemCount())]
    head = next(head for head in heads if head.text(0) == section)
    return next(head.child(place) for place in range(head.childCount()) if head.child(place).text(0) == name)


def choose(window, section, name, action, by_key=False):
    """Choose from the menu of a row."""
    tree = window.library.tree
    row = item(window, section, name)
    tree.setCurrentItem(row)
    at = QPoint(1, 1) if by_key else tree.visualItemRect(row).center()
    reason = QContextMenuEvent.Reason.Keyboard if by_key else QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(tree.viewport(), QContextMenuEvent(reason, at, tree.viewport().mapToGlobal(at)))
    menu = window.library.findChildren(QMenu)[-1]
    next(found for found in menu.actions() if found.text().replace("&", "") == action).trigger()
    menu.close()


def test_there_are_no_empty_sections(window):
    assert list(sections(window)) == ["Math", "Flow"]


@pytest.mark.parametrize("by_key", [False, True])
def test_a_cell_becomes_a_favourite_and_is_none_any_more(window, by_key):
    choose(window, "Math", "Add", "Add to favourites", by_key)
    assert sections(window)["Favourites"] == ["Add"]
    assert "Add" in sections(window)["Math"]
    window.session.set_catalogue(Catalogue(types=window.session.types.all_types()))
    assert sections(window)["Favourites"] == ["Add"]
    choose(window, "Favourites", "Add", "Remove from favourites", by_key)
    assert "Favourites" not in sections(window)


def test_what_was_added_last_is_at_hand(window):
    window.canvas.add_cell("math.Add")
    window.canvas.add_cell("flow.Filter")
    assert sections(window)["Recently used"] == ["Filter", "Add"]
    window.session.undo_stack.undo()
    window.canvas.add_cell("math.Add")
    assert sections(window)["Recently used"] == ["Add", "Filter"]


def test_opening_a_graph_uses_nothing(window):
    window.session.begin(Document(name="g", cells={"a": CellEntry(type="math.Add")}))
    assert "Recently used" not in sections(window)


def test_enter_adds_one_after_the_other(window):
    tree = window.library.tree
    tree.setCurrentItem(item(window, "Math", "Multiply"))
    tree.setFocus()
    QTest.keyClick(tree, Qt.Key.Key_Return)
    QTest.keyClick(tree, Qt.Key.Key_Return)
    assert [cell.type for cell in window.session.document.cells.values()] == ["math.Multiply"] * 2


def test_help_by_the_menu(window):
    choose(window, "Math", "Add", "Help")
    assert window.findChild(CellHelp).windowTitle() == "Help on math.Add"


def test_a_type_that_is_gone_is_left_out_and_kept(window):
    choose(window, "Math", "Add", "Add to favourites")
    types = window.session.types.all_types()
    window.session.set_catalogue(Catalogue(types=tuple(t for t in types if t.name != "math.Add")))
    assert "Favourites" not in sections(window)
    window.session.set_catalogue(Catalogue(types=types))
    assert sections(window)["Favourites"] == ["Add"]


def test_lists_of_types():
    assert with_used(("a", "b"), ("b", "c")) == ("b", "c", "a")
    assert len(with_used(tuple("abcde"), ("x",))) == 5
    assert toggled(("a", "b"), "a") == ("b",)
    assert toggled(("a",), "b") == ("a", "b")
    assert from_setting(to_setting(("a",))) == ("a",)
    assert from_setting("[") == from_setting(None) == from_setting("{}") == ()
    nested = {"p": CellEntry(type="Pipeline", cells={"a": CellEntry(type="x.Y")})}
    assert types_added(Document(name="g"), Document(name="g", cells=nested)) == ("x.Y",)

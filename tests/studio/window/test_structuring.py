"""Grouping and expanding by keys, in the window."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pypipeline_engine.resources import get_examples
from pypipeline_studio.document import edits

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def press(window, key, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    window.activateWindow()
    window.canvas.setFocus()
    QTest.keyClick(window.canvas.viewer, key, modifiers)


def told(window) -> str:
    return window.statusBar().currentMessage()


def test_cells_are_grouped_and_expanded_by_keys_each_in_one_step(file_window) -> None:
    window = file_window
    window.session.open(get_examples()["people_tracking"])
    before = window.session.document
    window.canvas.select(["detect", "track"])
    press(window, Qt.Key.Key_G, CTRL)
    assert window.canvas.selected() == ("group",)
    assert list(window.session.document.cells["group"].cells) == ["detect", "track"]
    assert window.session.undo_stack.undoText() == "Group 2 cells"
    press(window, Qt.Key.Key_G, CTRL | SHIFT)
    assert window.canvas.selected() == ("detect", "track")
    assert window.session.document.view == before.view
    window.session.undo_stack.undo()
    assert list(window.session.document.cells["group"].cells) == ["detect", "track"]
    window.session.undo_stack.undo()
    assert window.session.document is before


def test_everything_in_a_nested_pipeline_is_grouped_without_its_ports(file_window) -> None:
    window = file_window
    window.session.open(get_examples()["nested"])
    window.canvas.open_path(("poly",))
    press(window, Qt.Key.Key_A, CTRL)
    assert set(window.canvas.selected_nodes()) >= {"<", ">"}
    press(window, Qt.Key.Key_G, CTRL)
    poly = window.session.document.cells["poly"]
    assert list(poly.cells) == ["group"]
    assert {(c.source, c.target) for c in poly.connections} == {("x", "group.x"), ("group.value", "y")}
    window.canvas.enter("group")
    assert window.canvas.path == ("poly", "group")
    assert len(window.canvas._pipes) == 5


def test_what_cannot_be_is_told_and_changes_nothing(file_window) -> None:
    window = file_window
    window.session.open(get_examples()["nested"])
    before = window.session.document
    window.canvas.select([])
    press(window, Qt.Key.Key_G, CTRL)
    assert "Nothing is selected" in told(window)
    window.canvas.select(["count", "sample"])
    press(window, Qt.Key.Key_G, CTRL)
    assert 'leads through "poly"' in told(window)
    press(window, Qt.Key.Key_G, CTRL | SHIFT)
    assert "No nested pipeline is selected" in told(window)
    window.canvas.open_path(("poly",))
    window.canvas.select(["<"])
    press(window, Qt.Key.Key_G, CTRL)
    assert "inputs and outputs" in told(window)
    assert window.session.document is before


def test_scaling_that_would_be_lost_is_asked_about(file_window, answer) -> None:
    window = file_window
    window.session.open(get_examples()["nested"])
    before = window.session.document
    window.canvas.select(["poly"])
    asked = answer("Cancel")
    press(window, Qt.Key.Key_G, CTRL | SHIFT)
    assert window.session.document is before
    assert "its 2 clones on threads" in asked[0]
    answer("Expand")
    press(window, Qt.Key.Key_G, CTRL | SHIFT)
    assert window.canvas.selected() == ("work", "square", "add")
    assert edits.body_at(window.session.document, ("square",)).inputs == ["x"]
    window.session.undo_stack.undo()
    assert window.session.document is before

"""Arrow keys on the canvas."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pypipeline_engine.resources import get_examples
from pypipeline_studio.document.edits import position_of

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def window(qtbot, file_window):
    file_window.session.open(get_examples()["multiply"])
    file_window.activateWindow()
    qtbot.waitUntil(file_window.isActiveWindow)
    file_window.canvas.setFocus()
    return file_window


def press(window, key, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window.canvas.viewer, key, modifiers)


def test_arrows_move_the_selected_cells_by_the_grid_in_one_step(window) -> None:
    document = window.session.document
    names = tuple(document.cells)[:2]
    before = [position_of(document, name) for name in names]
    window.canvas.select(names)
    press(window, Qt.Key.Key_Right)
    press(window, Qt.Key.Key_Right)
    press(window, Qt.Key.Key_Up)
    press(window, Qt.Key.Key_Down, SHIFT)
    moved = [position_of(window.session.document, name) for name in names]
    assert moved == [(x + 48, y - 23) for x, y in before]
    assert window.session.undo_stack.undoText() == "Move 2 cells"
    window.session.undo_stack.undo()
    assert window.session.document == document
    assert not window.session.undo_stack.canUndo()


def test_moving_other_cells_is_another_step(window) -> None:
    one, other = tuple(window.session.document.cells)[:2]
    for name in (one, other, one):
        window.canvas.select([name])
        press(window, Qt.Key.Key_Left)
    assert window.session.undo_stack.count() == 3


def test_ctrl_and_an_arrow_go_from_neighbour_to_neighbour(window) -> None:
    window.canvas.select(())
    press(window, Qt.Key.Key_Right, CTRL)
    seen = [window.canvas.selected()]
    for _ in range(8):
        press(window, Qt.Key.Key_Right, CTRL)
        if window.canvas.selected() != seen[-1]:
            seen.append(window.canvas.selected())
    assert len(seen) > 1
    press(window, Qt.Key.Key_Left, CTRL)
    assert window.canvas.selected() == seen[-2]
    assert not window.session.undo_stack.canUndo()


def test_without_a_selection_arrows_change_nothing(window) -> None:
    window.canvas.select(())
    press(window, Qt.Key.Key_Left)
    assert not window.session.undo_stack.canUndo()

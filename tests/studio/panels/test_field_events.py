"""Fields of one line and of several leave undo to the window, and have more in their menus."""

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QMenu

from pypipeline_studio.panels.field_events import is_undo_or_redo
from pypipeline_studio.panels.long_field import LongField
from pypipeline_studio.panels.parameter_fields import CheckedField


@pytest.fixture(params=[CheckedField, LongField])
def field(request, show):
    return show(request.param("title", str), 200, 80)


def asks(keys: QKeySequence.StandardKey | str, kind=QEvent.Type.ShortcutOverride) -> QKeyEvent:
    """What a field is asked before a shortcut is looked for."""
    pressed = QKeySequence(keys)[0]
    event = QKeyEvent(kind, pressed.key(), pressed.keyboardModifiers())
    event.ignore()
    return event


@pytest.mark.usefixtures("qapp")
def test_only_being_asked_for_undo_and_redo_counts():
    assert is_undo_or_redo(asks(QKeySequence.StandardKey.Undo))
    assert is_undo_or_redo(asks(QKeySequence.StandardKey.Redo))
    assert not is_undo_or_redo(asks(QKeySequence.StandardKey.Copy))
    assert not is_undo_or_redo(asks(QKeySequence.StandardKey.Undo, QEvent.Type.KeyPress))
    assert not is_undo_or_redo(QEvent(QEvent.Type.ShortcutOverride))


def test_undo_is_of_the_field_only_while_something_is_typed(field, qtbot):
    field.setFocus()
    event = asks(QKeySequence.StandardKey.Undo)
    QApplication.sendEvent(field, event)
    assert not event.isAccepted()
    qtbot.keyClicks(field, "a")
    event = asks(QKeySequence.StandardKey.Undo)
    QApplication.sendEvent(field, event)
    assert event.isAccepted()


def test_the_menu_has_the_actions_of_the_field_and_those_that_were_given(field, qtbot):
    mine = QAction("Reset", field)
    field.more_actions.append(mine)
    place = field.rect().center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, field.mapToGlobal(place))
    QApplication.sendEvent(field.viewport() if isinstance(field, LongField) else field, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert menu.actions()[-1] is mine
    assert len(menu.actions()) > 2
    with qtbot.waitSignal(menu.destroyed):
        menu.close()

"""What text fields make of events, where it is otherwise than Qt would have it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit


def is_undo_or_redo(event: QEvent) -> bool:
    """Whether an event asks a field if it wants the keys of undo or redo for itself.

    Fields want them also where nothing was typed, and would bring back texts that were given long ago. One that ignores such
    an event, and says that it has handled it, leaves them to the window.
    """
    return (
        event.type() == QEvent.Type.ShortcutOverride
        and isinstance(event, QKeyEvent)
        and (event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo))
    )


def open_menu(field: QLineEdit | QPlainTextEdit, event: QContextMenuEvent, more: Sequence[QAction]) -> None:
    """Open the context menu of a field, with more actions below its own."""
    menu = field.createStandardContextMenu()
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.addSeparator()
    menu.addActions(more)
    menu.popup(event.globalPos())

"""The list of keys and gestures."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QWidget

from pypipeline_studio.theme.fonts import font
from pypipeline_studio.window.actions import ACTIONS

GESTURES: Final = (
    ("Pan", "middle-drag, or Space and drag"),
    ("Zoom", "wheel"),
    ("Add a cell", "double-click on the canvas, or drag it from the list"),
    ("Connect", "drag from port to port, or to empty canvas for what fits"),
    ("Remove a connection", "double-click on it, or drag its end away"),
    ("Select several", "Shift or Ctrl and click, or drag over them"),
    ("Enter a nested pipeline", "double-click on it"),
    ("Give a pipeline a port", "drag a wire to its Inputs or Outputs"),
)
_COLUMNS = 2


class ShortcutsDialog(QDialog):
    """Shows what the keys and the mouse do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        layout = QGridLayout(self)
        layout.setHorizontalSpacing(24)
        layout.setVerticalSpacing(4)
        entries = [
            (info.text.replace("&", "").rstrip(" …"), " or ".join(_native(keys) for keys in info.keys))
            for info in ACTIONS.values()
            if info.keys
        ]
        entries += GESTURES
        rows = -(-len(entries) // _COLUMNS)
        for index, (what, keys) in enumerate(entries):
            column, row = divmod(index, rows)
            name, value = QLabel(what), QLabel(keys)
            value.setFont(font(12, 600))
            layout.addWidget(name, row, 2 * column)
            layout.addWidget(value, row, 2 * column + 1)


def _native(keys: str) -> str:
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)

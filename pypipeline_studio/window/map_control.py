"""Whether the map of the graph is shown: switched in the menu, and remembered."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QSettings

from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.canvas.minimap import Minimap
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions

SETTING: Final = "minimap"
"""The key of the settings under which it is kept."""


class MapControl(QObject):
    """Shows a map on a canvas while its graph has cells and the action says so."""

    def __init__(self, session: Session, canvas: Canvas, commands: Actions, parent: QObject) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._action = commands["minimap"]
        self._action.setChecked(QSettings().value(SETTING, False, bool))
        self.map = Minimap(canvas.viewer, canvas)
        commands.on("minimap", self._toggle)
        session.document_changed.connect(self._show)
        canvas.path_changed.connect(self._show)
        self._show()

    def _toggle(self) -> None:
        QSettings().setValue(SETTING, self._action.isChecked())
        self._show()

    def _show(self) -> None:
        self.map.setVisible(self._action.isChecked() and bool(self._canvas.presentation.nodes))

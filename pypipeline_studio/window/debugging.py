"""Breakpoints and what they hold, put together: the list, the panel, the toolbar and the canvas."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.engine.engine import Engine
from pypipeline_studio.panels.debug import DebugPanel
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.breaking import Breaking
from pypipeline_studio.window.holding import Holding
from pypipeline_studio.window.run_control import RunControl
from pypipeline_studio.window.toolbar import Toolbar


class Debugging(QObject):
    """Makes the parts and joins them."""

    told = Signal(str)
    held = Signal(str)
    """A breakpoint has paused the run: the full name of the cell."""

    def __init__(
        self,
        session: Session,
        canvas: Canvas,
        run_control: RunControl,
        engine: Engine,
        commands: Actions,
        panel: DebugPanel,
        toolbar: Toolbar,
        reveal: Callable[[str], None],
        window: QWidget,
    ) -> None:
        """:param reveal: shows a cell by its full name."""
        super().__init__(window)
        self.breaking = Breaking(session, canvas, run_control, engine, commands, window)
        self.holding = Holding(session, run_control, engine, panel.held)
        self._list = panel.breakpoints
        self._toolbar = toolbar
        self._list.enabled_changed.connect(self.breaking.enable)
        self._list.edit_requested.connect(self.breaking.edit)
        self._list.remove_requested.connect(self.breaking.remove)
        self._list.activated.connect(reveal)
        self.breaking.changed.connect(self._show_list)
        self.breaking.told.connect(self.told)
        self.holding.changed.connect(self._show_held)
        self.holding.told.connect(self.told)
        self.holding.began.connect(self.held)
        self._show_list()

    def _show_list(self) -> None:
        self._list.show_rows(self.breaking.rows())

    def _show_held(self) -> None:
        cells = self.holding.cells
        self.breaking.show_held(cells)
        self._toolbar.show_held(cells[0] if cells else "")

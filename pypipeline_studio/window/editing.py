"""Editing the graph by menus and keys: what acts on the canvas, its menus, and the search for a cell to add."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QCursor, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.canvas.port_item import StudioPort
from pypipeline_studio.canvas.viewer import ZOOM_STEP
from pypipeline_studio.document.types import fitting_types
from pypipeline_studio.panels.search_popup import CellSearchPopup
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.inspection import Inspection
from pypipeline_studio.window.menus import OF_CANVAS, OF_CELLS, fill


class Editing(QObject):
    """Does what the actions of the canvas say."""

    rename_requested = Signal()
    """The one selected cell is to get another name."""
    menu_opening = Signal(QMenu, tuple, QPoint)
    """A menu that is about to open, for who has more to offer: the names of the selected cells, and where on the screen."""

    def __init__(
        self, session: Session, canvas: Canvas, commands: Actions, inspection: Inspection, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._canvas = canvas
        self._commands = commands
        self._inspection = inspection
        self._window = window
        self.of_cells: Sequence[str] = OF_CELLS
        self.of_canvas: Sequence[str] = OF_CANVAS
        """What the menus of cells and of the empty canvas offer, as keys of actions."""
        viewer = canvas.viewer
        for key, do in {
            "undo": lambda: session.undo_stack.undo(),
            "redo": lambda: session.undo_stack.redo(),
            "cut": self._cut,
            "copy": self._copy,
            "paste": lambda: canvas.paste_text(QGuiApplication.clipboard().text()),
            "duplicate": canvas.duplicate,
            "remove": canvas.remove_selected,
            "select_all": canvas.select_all,
            "disable": lambda: canvas.set_flag("disabled"),
            "bypass": lambda: canvas.set_flag("bypassed"),
            "rename": self._rename,
            "add_cell": self.search,
            "enter": self._enter,
            "leave": canvas.leave,
            "fit_all": canvas.fit_all,
            "fit_selection": canvas.fit_selection,
            "zoom_in": lambda: viewer.zoom_by(ZOOM_STEP),
            "zoom_out": lambda: viewer.zoom_by(1 / ZOOM_STEP),
            "zoom_reset": lambda: viewer.zoom_by(1 / viewer.get_scale()),
        }.items():
            commands.on(key, do)
        canvas.search_requested.connect(self._open_search)
        canvas.menu_requested.connect(self._open_menu)

    def _copy(self) -> None:
        text = self._canvas.copy_text()
        if text:
            QGuiApplication.clipboard().setText(text)

    def _cut(self) -> None:
        self._copy()
        self._canvas.remove_selected()

    def _rename(self) -> None:
        if len(self._canvas.selected()) == 1:
            self.rename_requested.emit()

    def _enter(self) -> None:
        names = self._canvas.selected()
        if len(names) == 1:
            self._canvas.enter(names[0])

    def search(self) -> None:
        """Look for a cell to add, at the cursor where that is over the canvas and no node, else beside what is there."""
        viewer = self._canvas.viewer
        viewport = viewer.viewport()
        cursor = viewport.mapFromGlobal(QCursor.pos())
        if viewport.rect().contains(cursor):
            at = None if viewer.node_at(cursor) else viewer.mapToScene(cursor)
            self._open_search(at, viewport.mapToGlobal(cursor), None)
        else:
            self._open_search(None, viewport.mapToGlobal(viewport.rect().center()), None)

    def _open_search(self, at: QPointF | None, on_screen: QPoint, wanted: object) -> None:
        port = wanted if isinstance(wanted, StudioPort) else None
        types, note = list(self._session.types.all_types()), ""
        if port is not None:
            is_output = port.port_type == "out"
            types = fitting_types(types, port.kinds, "input" if is_output else "output")
            note = f"Cells that {'take' if is_output else 'give'} {' or '.join(port.kinds)}"
        popup = CellSearchPopup(self._window)
        popup.chosen.connect(lambda name: self._canvas.add_cell(name, at, port))
        popup.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        viewport = self._canvas.viewer.viewport()
        popup.open_at(viewport, viewport.mapFromGlobal(on_screen), types, note)

    def _open_menu(self, names: tuple[str, ...], on_screen: QPoint) -> None:
        menu = QMenu(self._window)
        fill(menu, self._commands, self.of_cells if names else self.of_canvas)
        if names:
            menu.addSeparator()
            self._inspection.fill_method_menu(menu.addMenu("Run &clones on"), names)
        self.menu_opening.emit(menu, names, on_screen)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(on_screen)

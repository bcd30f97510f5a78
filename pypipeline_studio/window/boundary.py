"""The inputs and outputs of the nested pipeline that is shown: made from ports inside, renamed and removed at its edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject, QPoint, QPointF, QRectF
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.problems import describe
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.canvas.node_item import HEAD, ROW, StudioNodeItem
from pypipeline_studio.canvas.port_item import StudioPort
from pypipeline_studio.document.edits import GraphEditRefused, body_at, disconnect, free_name
from pypipeline_studio.document.pipeline_ports import (
    Side,
    add_pipeline_port,
    expose,
    remove_pipeline_port,
    rename_pipeline_port,
)
from pypipeline_studio.document.presentation import INPUTS, OUTPUTS
from pypipeline_studio.panels.name_dialog import NameDialog
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.editing import Editing

SIDES: dict[str, Side] = {INPUTS: "inputs", OUTPUTS: "outputs"}


class Boundary(QObject):
    """Does what is asked for at the edge of a nested pipeline. Each change is one step, inside and outside."""

    def __init__(self, session: Session, canvas: Canvas, commands: Actions, editing: Editing, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._canvas = canvas
        self._window = window
        canvas.viewer.wire_dropped_on_edge.connect(self._on_wire)
        canvas.viewer.node_double_clicked_at.connect(self._on_double_click)
        editing.menu_opening.connect(self._fill_menu)
        commands.on("ports", self.open_menu)

    # ------------------------------------------------------------------ menus

    def open_menu(self) -> None:
        """Offer what can be done with the ports of the selected node, or of the pipeline where none is selected."""
        canvas = self._canvas
        if not canvas.path:
            canvas.refused.emit(
                "This is the outermost pipeline, which has no inputs and outputs. Enter a nested one, or group cells."
            )
            return
        menu = QMenu(self._window)
        names = canvas.selected_nodes()
        for name in names[:1] if names else SIDES:
            self._fill(menu, name)
        menu.popup(self._place_of(names))
        if menu.actions():
            menu.setActiveAction(menu.actions()[0])

    def _place_of(self, names: tuple[str, ...]) -> QPoint:
        viewer = self._canvas.viewer
        viewport: QWidget = viewer.viewport()
        item = next((item for item in self._items() if item.name in names), None)
        at = viewer.mapFromScene(item.box()[0], item.box()[3]) if item is not None else viewport.rect().center()
        place: QPoint = viewport.mapToGlobal(at)
        return place

    def _items(self) -> Iterator[StudioNodeItem]:
        return (item for item in self._canvas.viewer.scene().items() if isinstance(item, StudioNodeItem))

    def _fill_menu(self, menu: QMenu, names: tuple[str, ...], on_screen: QPoint) -> None:
        """Add to the menu of the canvas what concerns the port under the mouse, or the one selected node."""
        if not self._canvas.path:
            return
        viewer = self._canvas.viewer
        port = viewer.port_at(viewer.viewport().mapFromGlobal(on_screen))
        first = menu.actions()[0]
        own = QMenu(menu)
        if port is not None:
            self._fill_for_port(own, port.node.name, port.name, port.port_type == "out")
            for action in own.actions():
                menu.insertAction(first, action)
            menu.insertSeparator(first)
            return
        selected = self._canvas.selected_nodes()
        if len(selected) == 1:
            own.setTitle("&Ports of the pipeline")
            self._fill(own, selected[0])
            menu.addSeparator()
            menu.addMenu(own)

    def _fill(self, menu: QMenu, name: str) -> None:
        """What can be done with the ports of one node."""
        side = SIDES.get(name)
        body = body_at(self._session.document, self._canvas.path)
        if side is not None:
            for port in body.inputs if side == "inputs" else body.outputs:
                self._fill_for_port(menu, name, port, side == "inputs")
            self._add(menu, f"Add an {side[:-1]} …", lambda: self._ask_for_new(side))
            return
        view = self._canvas.presentation.nodes.get(name)
        if view is not None:
            for port_view in view.inputs:
                self._fill_for_port(menu, name, port_view.name, False)
            for port_view in view.outputs:
                self._fill_for_port(menu, name, port_view.name, True)

    def _fill_for_port(self, menu: QMenu, node: str, port: str, is_output: bool) -> None:
        side = SIDES.get(node)
        if side is not None:
            self._add(menu, f"Rename the {side[:-1]} {port} …", lambda: self.ask_for_name(side, port))
            self._add(menu, f"Remove the {side[:-1]} {port}", lambda: self._remove(side, port))
            return
        end = f"{node}.{port}"
        made: Side = "outputs" if is_output else "inputs"
        action = self._add(menu, f"Make {end} an {made[:-1]} of the pipeline", lambda: self._expose(end, made))
        body = body_at(self._session.document, self._canvas.path)
        feeding = next((c.source for c in body.connections if c.target == end), None)
        if not is_output and feeding is not None:
            action.setEnabled(False)
            action.setText(f"{end} is fed by {feeding}")

    @staticmethod
    def _add(menu: QMenu, text: str, do: Callable[[], object]) -> QAction:
        action = menu.addAction(text.replace("&", "&&"))
        action.triggered.connect(lambda _checked=False: do())
        return action

    # ------------------------------------------------------------------ edits

    def _on_wire(self, port: StudioPort, taken_from: object) -> None:
        end = _end_of(port)
        document = self._session.document
        if isinstance(taken_from, StudioPort):
            document = disconnect(document, self._canvas.path, end, _end_of(taken_from))
        self._expose(end, "outputs" if port.port_type == "out" else "inputs", document)

    def _expose(self, end: str, side: Side, document: Document | None = None) -> None:
        path, types = self._canvas.path, self._session.types
        document = document if document is not None else self._session.document
        self._edit(f"Make {end} an {side[:-1]} of {path[-1]}", lambda: expose(document, path, end, side, types)[0])

    def _remove(self, side: Side, port: str) -> None:
        path, document = self._canvas.path, self._session.document
        self._edit(f"Remove the {side[:-1]} {port}", lambda: remove_pipeline_port(document, path, side, port))

    def ask_for_name(self, side: Side, port: str) -> None:
        """Ask for another name of a port."""
        path, document = self._canvas.path, self._session.document

        def explain(new: str) -> str:
            try:
                rename_pipeline_port(document, path, side, port, new)
            except GraphEditRefused as error:
                return str(error)
            return ""

        def rename(new: str) -> None:
            now = self._session.document
            self._edit(f"Rename the {side[:-1]} {port}", lambda: rename_pipeline_port(now, path, side, port, new))

        self._open(NameDialog(f"Name of the {side[:-1]}", port, "Rename", explain, self._window), rename)

    def _ask_for_new(self, side: Side) -> None:
        path = self._canvas.path
        body = body_at(self._session.document, path)
        known = body.inputs if side == "inputs" else body.outputs

        def explain(new: str) -> str:
            try:
                add_pipeline_port(self._session.document, path, side, new)
            except GraphEditRefused as error:
                return str(error)
            return f"The pipeline has an {side[:-1]} {describe(new)} already." if new in known else ""

        def add(new: str) -> None:
            document = self._session.document
            self._edit(f"Add the {side[:-1]} {new}", lambda: add_pipeline_port(document, path, side, new)[0])

        proposed = free_name(side[:-1], known)
        self._open(NameDialog(f"Name of the new {side[:-1]}", proposed, "Add", explain, self._window), add)

    def _open(self, dialog: NameDialog, take: Callable[[str], None]) -> None:
        dialog.name_chosen.connect(take)
        dialog.open()

    def _edit(self, text: str, make: Callable[[], Document]) -> None:
        try:
            document = make()
        except GraphEditRefused as error:
            self._canvas.refused.emit(str(error))
            return
        self._session.edit(text, document)

    def _on_double_click(self, item: StudioNodeItem, at: QPointF) -> None:
        """Rename the port in the row that was clicked."""
        side = SIDES.get(item.name)
        if side is None:
            return
        ports = item.outputs if side == "inputs" else item.inputs
        rows = QRectF(0, HEAD + 4, item.box()[2] - item.box()[0], ROW * len(ports))
        if rows.contains(at):
            self.ask_for_name(side, ports[int((at.y() - rows.top()) // ROW)].name)


def _end_of(port: StudioPort) -> str:
    """The port as the document names it: without a cell where it is one of the pipeline itself."""
    name: str = port.name
    return name if port.node.name in SIDES else f"{port.node.name}.{name}"

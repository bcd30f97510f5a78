"""The canvas: shows one pipeline of the session's document, and turns gestures into edits of it.

The document is the truth. After each edit the canvas compares what it shows with what the document says, and changes the
items that differ. When another graph is in front, the items of the one before are put away and not made anew later on.
NodeGraphQt gets an undo stack of its own, which stays empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, QRectF, Signal
from PySide6.QtGui import QImage, QResizeEvent, QShowEvent, QUndoStack
from PySide6.QtWidgets import QVBoxLayout, QWidget

from pypipeline_engine.catalogue.model import CellType
from pypipeline_engine.graph.model import PIPELINE, split_end
from pypipeline_studio.canvas.breakpoint_mark import BreakpointMark
from pypipeline_studio.canvas.comment_layer import CommentLayer
from pypipeline_studio.canvas.kept_view import KeptView
from pypipeline_studio.canvas.node_item import FULL_SCALE, WIDTH, StudioNodeItem
from pypipeline_studio.canvas.node_preview import NodePreview
from pypipeline_studio.canvas.nodegraphqt import StudioGraph, StudioNode, install_items
from pypipeline_studio.canvas.picture import SCALE, draw_picture
from pypipeline_studio.canvas.pipe_item import StudioPipe
from pypipeline_studio.canvas.port_item import StudioPort
from pypipeline_studio.canvas.routing import Box
from pypipeline_studio.canvas.scene import NOT_RUN, StudioScene
from pypipeline_studio.canvas.viewer import ZOOM_LIMITS, StudioViewer
from pypipeline_studio.canvas.wire_edits import WireEdits, text_of_end
from pypipeline_studio.canvas.wire_labels import WireLabels
from pypipeline_studio.document import edits
from pypipeline_studio.document.comments import (
    Rectangle,
    copy_with_comments,
    paste_with_comments,
    place_comments,
    remove_comments,
)
from pypipeline_studio.document.presentation import Presentation, present
from pypipeline_studio.document.views import NodeLive, NodeView, WireLive, WireView
from pypipeline_studio.open_graph import OpenGraph
from pypipeline_studio.session import Session
from pypipeline_studio.theme.colours import theme

_HEIGHT, _GAP = 120.0, 48.0
"""Of a new node, about, and between it and the one beside it."""
MARGIN_PX = 48.0
"""Room around the graph when all of it is shown."""


class Canvas(QWidget):
    """Shows one pipeline. For the thread of the window only."""

    selection_changed = Signal()
    path_changed = Signal()
    zoom_changed = Signal(float)
    search_requested = Signal(QPointF, QPoint, object)
    """A cell is wanted: where in the scene, where on the screen, and the port (`StudioPort`) that it is to fit or `None`."""
    files_dropped = Signal(list)
    """Paths of files."""
    menu_requested = Signal(tuple, QPoint)
    """The names of the selected cells, and where on the screen."""
    badge_clicked = Signal(str, str)
    """The full name of a cell, and `error` or `limit`."""
    clones_requested = Signal(str, int)
    """The full name of a cell, and how many more clones it is to have (-1: one less)."""
    refused = Signal(str)
    """Why a gesture did nothing, in words."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._path: tuple[str, ...] = ()
        self._presentation = Presentation.empty()
        self._nodes: dict[str, StudioNode] = {}
        self._pipes: dict[WireView, StudioPipe] = {}
        self._is_fitted = False
        self._keeps_all_visible = False  # until a person moves the view, or edits
        self._is_showing = False
        self._open_graph = session.front
        self._kept: dict[OpenGraph, KeptView] = {}
        self.explain_badge: Callable[[str, str], bool] = lambda cell, badge: False
        """Says what the badge of a cell means where the mouse rests on it; whether it does, or a tooltip is to be shown."""
        install_items(StudioPipe, StudioScene)
        unused = QUndoStack(self)
        self._wires = WireEdits(session, lambda: self._path, lambda: self._nodes.values())
        self.viewer = StudioViewer(unused, self._wires.find_refusals, self._wires.may_insert)
        self._wires.attach(self.viewer)
        self._graph = StudioGraph(unused, self.viewer)
        self.viewer.scene().addItem(WireLabels(self.viewer))
        self.comments = CommentLayer(self.viewer)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.viewer)
        self.setFocusProxy(self.viewer)
        self._connect()
        self.show_document()

    def _connect(self) -> None:
        viewer, session = self.viewer, self._session
        session.document_changed.connect(self.show_document)
        session.types_changed.connect(self._show_types)
        session.problems_changed.connect(self.show_document)
        session.graph_replaced.connect(self._begin_again)
        session.graphs_changed.connect(self._drop_closed)
        theme.changed.connect(self._restyle)
        viewer.scene().selectionChanged.connect(self._tell_selection)
        viewer.scene().explain_badge = lambda item, badge: self.explain_badge(self.full_name(item.name), badge)
        viewer.wire_dropped_on_empty.connect(lambda port, at: self.search_requested.emit(at, self._on_screen(at), port))
        viewer.items_moved.connect(self._on_items_moved)
        self.comments.moved.connect(self._move)
        viewer.background_double_clicked.connect(lambda at: self.search_requested.emit(at, self._on_screen(at), None))
        viewer.node_double_clicked_at.connect(self._on_double_click)
        viewer.node_clicked_at.connect(self._on_click)
        viewer.cell_dropped.connect(lambda name, at: self.add_cell(name, at, wire=self._wires.wire_at(at)))
        viewer.files_dropped.connect(self.files_dropped)
        viewer.menu_requested.connect(self._on_menu)
        viewer.zoom_changed.connect(self.zoom_changed)
        viewer.view_moved.connect(self._leave_view_alone)
        session.history_changed.connect(self._leave_view_alone)

    # ------------------------------------------------------------------ what is shown

    @property
    def path(self) -> tuple[str, ...]:
        """The names that lead to the pipeline that is shown; empty for the outermost one."""
        return self._path

    @property
    def presentation(self) -> Presentation:
        """What the canvas shows."""
        return self._presentation

    def open_path(self, path: tuple[str, ...]) -> None:
        """Show another pipeline of the document."""
        if path != self._path:
            self._path = path
            self._clear()
            self.show_document()
            self.path_changed.emit()
            self.fit_all()

    def full_name(self, name: str) -> str:
        """The name of a cell of this canvas as the engine knows it."""
        return ".".join((*self._path, name))

    def node_item(self, name: str) -> StudioNodeItem | None:
        """The item of a cell of this canvas; `None` where there is none of that name."""
        node = self._nodes.get(name)
        return node.view if node is not None else None

    def show_document(self) -> None:
        """Bring the items in line with the document."""
        path = self._path
        while path and not edits.has_body(self._session.document, path):  # an undo may have taken the pipeline away
            path = path[:-1]
        if path != self._path:
            self.open_path(path)
            return
        presentation = present(
            self._session.document, path, self._session.types, self._session.problems, self._presentation
        )
        self._is_showing = True
        try:
            with self.viewer.scene().moving_nodes():
                self._show_nodes(presentation.all_nodes())
            self._show_wires(presentation.wires)
            self.comments.show(presentation.comments)
        finally:
            self._is_showing = False
        self._presentation = presentation
        self.viewer.viewport().update()
        if not self._nodes:
            self._is_fitted = True  # what is drawn from here on does not move under the mouse
        elif not self._is_fitted and self.isVisible():
            self.fit_all()
        self.selection_changed.emit()

    def _show_types(self) -> None:
        self.show_document()
        self._fit_again()  # nodes grow by the ports that are known now

    def _show_nodes(self, views: Mapping[str, NodeView]) -> None:
        for name in [name for name in self._nodes if name not in views]:
            self._remove_node(name)
        for name, view in views.items():
            node = self._nodes.get(name)
            if node is not None and not node.view.has_same_ports(view):
                was_selected = node.view.isSelected()
                self._remove_node(name)
                node = self._add_node(name, view)
                node.view.setSelected(was_selected)
            elif node is None:
                self._add_node(name, view)
            elif node.view.node_view != view:
                self._place(node, view)
                node.view.show_view(view)

    def _add_node(self, name: str, view: NodeView) -> StudioNode:
        node = self._graph.add_studio_node(name, view)
        self._nodes[name] = node
        return node

    def _remove_node(self, name: str) -> None:
        for wire in [wire for wire in self._pipes if name in (wire.source[0], wire.target[0])]:
            self._remove_pipe(wire)
        self._graph.remove_studio_node(self._nodes.pop(name))

    def _place(self, node: StudioNode, view: NodeView) -> None:
        if (node.view.x(), node.view.y()) != view.position:
            self._graph.place(node, view.position)

    def _show_wires(self, wires: Iterable[WireView]) -> None:
        wanted = set(wires)
        for wire in [wire for wire in self._pipes if wire not in wanted]:
            self._remove_pipe(wire)
        for wire in wires:
            if wire not in self._pipes:
                pipe = self._graph.connect_ports(
                    self._nodes[wire.source[0]], wire.source[1], self._nodes[wire.target[0]], wire.target[1]
                )
                if pipe is not None:
                    pipe.is_recurrent = wire.is_recurrent
                    self._pipes[wire] = pipe

    def _remove_pipe(self, wire: WireView) -> None:
        self._graph.disconnect_pipe(self._pipes.pop(wire))

    # ------------------------------------------------------------------ another graph

    def _begin_again(self) -> None:
        """Put the graph away that was in front, and go on with the other one where it was left."""
        before, path = self._open_graph, self._path
        self.viewer.end_gestures()
        self.comments.cancel()
        self._kept[before] = self._put_away()
        self._clear()
        self._open_graph = self._session.front
        kept = self._kept.pop(self._open_graph, None)
        self._is_fitted, self._keeps_all_visible, self._path = False, False, ()
        if kept is not None:
            self._bring_back(kept)
        if self._path != path:
            self.path_changed.emit()

    def _put_away(self) -> KeptView:
        """Take the items off the scene, without their end."""
        kept = KeptView(
            self._path, self._presentation, self._nodes, self._pipes, self.selected(), self.viewer.get_place(),
            self._is_fitted, self._keeps_all_visible,
        )  # fmt: skip
        self._is_showing = True
        kept.leave(self.viewer.scene())
        self._is_showing = False
        self._nodes, self._pipes = {}, {}
        return kept

    def _bring_back(self, kept: KeptView) -> None:
        if kept.path and not edits.has_body(self._session.document, kept.path):
            self._remove(kept)
            return
        self._path, self._presentation, self._nodes, self._pipes = kept.path, kept.presentation, kept.nodes, kept.pipes
        self._is_showing = True
        kept.enter(self.viewer.scene())
        self.select(kept.selected)
        self._is_showing = False
        self._is_fitted, self._keeps_all_visible = kept.is_fitted, kept.keeps_all_visible
        self.viewer.show_place(*kept.place)
        self._fit_again()  # the window may have another size by now

    def _remove(self, kept: KeptView) -> None:
        for pipe in kept.pipes.values():
            self._graph.disconnect_pipe(pipe)
        for node in kept.nodes.values():
            self._graph.remove_studio_node(node)

    def _drop_closed(self) -> None:
        for graph in [graph for graph in self._kept if graph not in self._session.graphs]:
            self._remove(self._kept.pop(graph))

    def _clear(self) -> None:
        self._is_showing = True
        for name in list(self._nodes):
            self._remove_node(name)
        self.comments.show(())
        self._is_showing = False
        self._presentation = Presentation.empty()

    def _restyle(self) -> None:
        self._graph.restyle()
        self.viewer.viewport().update()

    # ------------------------------------------------------------------ what a run adds

    def show_live(
        self, nodes: Mapping[str, NodeLive], wires: Mapping[WireView, WireLive], no_figures: str = NOT_RUN
    ) -> None:
        """Show what a run does.

        :param no_figures: what nodes say that have none.
        """
        self.viewer.scene().no_figures = no_figures
        for name, node in self._nodes.items():
            node.view.show_live(nodes.get(name))
        for wire, pipe in self._pipes.items():
            pipe.show_live(wires.get(wire))
        self.viewer.viewport().update()

    def show_previews(self, previews: Mapping[str, NodePreview]) -> None:
        """Show the latest values of outputs in these nodes, and in no others."""
        for name, node in self._nodes.items():
            node.view.show_preview(previews.get(name))
        self.viewer.viewport().update()

    def show_marks(self, marks: Mapping[str, BreakpointMark]) -> None:
        """Show breakpoints at these nodes, and at no others."""
        for name, node in self._nodes.items():
            node.view.show_mark(marks.get(name))
        self.viewer.viewport().update()

    def readable(self) -> tuple[str, ...]:
        """The cells of which more than the name can be read now: they are visible, and near enough."""
        if not self.isVisible() or self.viewer.get_scale() < FULL_SCALE:
            return ()
        area = self.viewer.mapToScene(self.viewer.viewport().rect()).boundingRect()
        nodes = ((name, self._nodes[name].view) for name in self._presentation.nodes if name in self._nodes)
        return tuple(name for name, item in nodes if area.intersects(item.sceneBoundingRect()))

    def show_heat(self, shown: bool) -> None:
        """Colour nodes by their load, or no longer."""
        self.viewer.scene().shows_heat = shown
        self.viewer.viewport().update()

    # ------------------------------------------------------------------ selection

    def selected(self) -> tuple[str, ...]:
        """The names of the selected cells, in the order of the document."""
        return tuple(
            name for name, node in self._nodes.items() if node.view.isSelected() and name in self._presentation.nodes
        )

    def selected_nodes(self) -> tuple[str, ...]:
        """The names of the selected nodes: those that stand for the ports of a nested pipeline are among them."""
        return tuple(name for name, node in self._nodes.items() if node.view.isSelected())

    def boxes(self) -> dict[str, Box]:
        """Left, top, right and bottom of every node that is shown, those for the ports of the pipeline included."""
        return {name: node.view.box() for name, node in self._nodes.items()}

    def select(self, names: Iterable[str]) -> None:
        """Select these cells and nothing else."""
        wanted, was_showing = set(names), self._is_showing
        before = self.selected_nodes(), self.comments.selected()
        self._is_showing = True  # told once, and not for each of them
        try:
            self.comments.select(())
            for name, node in self._nodes.items():
                node.view.setSelected(name in wanted)
        finally:
            self._is_showing = was_showing
        if (self.selected_nodes(), self.comments.selected()) != before:
            self._tell_selection()

    def select_all(self) -> None:
        """Select every cell and every comment box."""
        self.select(self._nodes)
        self.comments.select_all()

    def _tell_selection(self) -> None:
        if not self._is_showing:
            self.viewer.viewport().update()
            self.selection_changed.emit()

    # ------------------------------------------------------------------ edits

    def add_cell(
        self,
        type_name: str,
        at: QPointF | None = None,
        port: StudioPort | None = None,
        wire: tuple[str, str] | None = None,
    ) -> str | None:
        """Add a cell of a type; its name.

        :param at: where in the scene; by default in the middle of what is visible, beside what is there.
        :param port: connect it with this port where something fits.
        :param wire: lead this connection through it where that fits.
        """
        cell_type: CellType | str | None = PIPELINE if type_name == PIPELINE else self._session.types.find(type_name)
        if cell_type is None:
            self.refused.emit(f"{type_name} is not a type of cells that the engine knows.")
            return None
        position = self._free_place(at)
        document, name = edits.add_cell(self._session.document, self._path, cell_type, position)
        if port is not None:
            document = self._wires.connect_new(document, name, port)
        if wire is not None:
            box = (*position, position[0] + WIDTH, position[1] + _HEIGHT)
            document = self._wires.lead_through(document, wire, name, box) or document
        self._session.edit(f"Add {name}", document)
        if at is None:
            self.reveal(name)
        else:
            self.select([name])
        return name

    def _free_place(self, at: QPointF | None) -> tuple[float, float]:
        """A place for a new node: where it is wanted, or in the middle of what is visible and not on another one."""
        if at is not None:
            return (at.x(), at.y())
        middle = self.viewer.mapToScene(self.viewer.viewport().rect().center())
        place = QRectF(middle.x() - WIDTH / 2, middle.y() - _HEIGHT / 2, WIDTH, _HEIGHT)
        taken = [node.view.sceneBoundingRect() for node in self._nodes.values()]
        while over := next((box for box in taken if box.intersects(place)), None):
            place.moveLeft(over.right() + _GAP)  # to the right, as data flows
        return (place.x(), place.y())

    def remove_selected(self) -> None:
        """Remove the selected cells, wires and comment boxes."""
        document = self._session.document
        for wire, pipe in self._pipes.items():
            if pipe.isSelected():
                document = edits.disconnect(document, self._path, text_of_end(wire.source), text_of_end(wire.target))
        names = self.selected()
        if names:
            document = edits.remove_cells(document, self._path, names)
        keys = self.comments.selected()
        document = remove_comments(document, self._path, keys)
        what = _named(names) if names else _comments(keys) if keys else "a connection"
        self._session.edit(f"Remove {what}", document)

    def set_flag(self, flag: str) -> None:
        """Disable or bypass the selected cells, or undo that where all of them are so already."""
        names = self.selected()
        if not names:
            return
        body = edits.body_at(self._session.document, self._path)
        value = not all(getattr(body.cells[name], flag) for name in names)
        document = edits.set_flag(self._session.document, self._path, names, flag, value)
        verb = {"disabled": ("Enable", "Disable"), "bypassed": ("Use", "Bypass")}[flag][value]
        self._session.edit(f"{verb} {_named(names)}", document)

    def copy_text(self) -> str:
        """The selected cells, what connects them, and comment boxes, as text; empty where there are none."""
        names, keys = self.selected(), self.comments.selected()
        return copy_with_comments(self._session.document, self._path, names, keys) if names or keys else ""

    def paste_text(self, text: str, at: QPointF | None = None) -> None:
        """Add what `copy_text` gave."""
        try:
            document, names, keys = paste_with_comments(self._session.document, self._path, text, _pair(at))
        except edits.GraphEditRefused as error:
            self.refused.emit(str(error))
            return
        self._session.edit(f"Paste {_comments(keys) if keys and not names else _named(names)}", document)
        self.select(names)
        self.comments.select(keys)

    def duplicate(self) -> None:
        """Add copies of the selected cells beside them."""
        text = self.copy_text()
        if text:
            self.paste_text(text)

    def _on_items_moved(self, items: list[StudioNodeItem]) -> None:
        places = {item.name: (item.scenePos().x(), item.scenePos().y()) for item in items}
        self._move(places, self.comments.moved_boxes())

    def _move(self, places: dict[str, tuple[float, float]], boxes: dict[str, Rectangle]) -> None:
        """Take over where nodes and comment boxes were dragged."""
        document = edits.move_cells(self._session.document, self._path, places)
        document = place_comments(document, self._path, boxes)
        self._session.edit(f"Move {_named(tuple(places)) if places else _comments(tuple(boxes))}", document)

    # ------------------------------------------------------------------ clicks

    def _on_click(self, item: StudioNodeItem, at: QPointF) -> None:
        badge = item.badge_at(at)
        if badge is not None:
            self.badge_clicked.emit(self.full_name(item.name), badge)
            return
        button = item.clone_button_at(at)
        if button is not None:
            self.clones_requested.emit(self.full_name(item.name), 1 if button == "+" else -1)

    def _on_double_click(self, item: StudioNodeItem, at: QPointF) -> None:
        self.enter(item.name)

    def enter(self, name: str) -> None:
        """Show the inside of a nested pipeline; nothing for other cells."""
        if edits.has_body(self._session.document, (*self._path, name)):
            self.open_path((*self._path, name))

    def leave(self) -> None:
        """Show the pipeline around this one."""
        if self._path:
            self.open_path(self._path[:-1])

    def _on_menu(self, item: object, at: QPoint) -> None:
        if isinstance(item, StudioNodeItem) and not item.isSelected():
            self.select([item.name])
        elif isinstance(item, StudioPipe):
            self.viewer.scene().clearSelection()
            item.setSelected(True)
        elif item is None:
            self.viewer.scene().clearSelection()
        self.menu_requested.emit(self.selected(), at)

    def _on_screen(self, at: QPointF) -> QPoint:
        viewport: QWidget = self.viewer.viewport()
        point: QPoint = viewport.mapToGlobal(self.viewer.mapFromScene(at))
        return point

    # ------------------------------------------------------------------ what part is visible

    def fit_all(self) -> None:
        """Show the whole graph, at 100 % at most."""
        rectangle = self._whole()
        if rectangle is None:
            size = self.viewer.viewport().size()
            rectangle = QRectF(0, 0, max(1, size.width()), max(1, size.height()))
        else:
            self._is_fitted = self.isVisible()
            self._keeps_all_visible = True
        self.viewer.show_rectangle(rectangle)

    def fit_selection(self) -> None:
        """Show the selected cells, or all where none is selected."""
        rectangle = self._rectangle(self.selected())
        if rectangle is None:
            self.fit_all()
        else:
            self._leave_view_alone()
            self.viewer.show_rectangle(rectangle)

    def get_place(self) -> tuple[float, float, float] | None:
        """How large it is shown, and what is in the middle; `None` where all of it is shown, whatever its size."""
        if self._keeps_all_visible or not self._is_fitted:
            return None
        scale, middle = self.viewer.get_place()
        return scale, middle.x(), middle.y()

    def show_place(self, scale: float, x: float, y: float) -> None:
        """Show it as large as it was, with the same in the middle; all of it where nothing of it would be seen."""
        limited = min(max(scale, ZOOM_LIMITS[0]), ZOOM_LIMITS[1])
        self._is_fitted, self._keeps_all_visible = True, False
        self.viewer.show_place(limited, QPointF(x, y))
        whole = self._whole()
        if whole is None or not whole.intersects(self.viewer.sceneRect()):
            self.fit_all()

    def _leave_view_alone(self) -> None:
        self._keeps_all_visible = False

    def reveal(self, name: str) -> None:
        """Select a cell and have it visible."""
        self.select([name])
        if name in self._nodes:
            self._leave_view_alone()
            self.viewer.show_also(self._nodes[name].view.sceneBoundingRect())

    def reveal_wire(self, source: str, target: str) -> None:
        """Select a connection, by its ends as they stand in the document, and have it visible.

        Where it cannot be drawn, because an end of it is not there, the cell at the other end is shown.
        """
        for wire, pipe in self._pipes.items():
            if (text_of_end(wire.source), text_of_end(wire.target)) == (source, target):
                self.select(())
                pipe.setSelected(True)
                self._leave_view_alone()
                self.viewer.show_also(pipe.sceneBoundingRect())
                return
        names = (split_end(end)[0] for end in (target, source))
        name = next((name for name in names if name in self._presentation.nodes), None)
        if name is not None:
            self.reveal(name)

    def _whole(self) -> QRectF | None:
        """Where all nodes and comment boxes are, with some room around."""
        found = self._rectangle(self._nodes) or QRectF()
        for box in self.comments.boxes().values():
            found = found.united(QRectF(*box).adjusted(-MARGIN_PX, -MARGIN_PX, MARGIN_PX, MARGIN_PX))
        return None if found.isEmpty() else found

    def _rectangle(self, names: Iterable[str]) -> QRectF | None:
        found = QRectF()
        for name in names:
            found = found.united(self._nodes[name].view.sceneBoundingRect())
        if found.isEmpty():
            return None
        return found.adjusted(-MARGIN_PX, -MARGIN_PX, MARGIN_PX, MARGIN_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_again()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit_again()  # only now has the view within the size that it is shown in

    def _fit_again(self) -> None:
        if self._nodes and (self._keeps_all_visible or not self._is_fitted):
            self.fit_all()

    def picture(self, scale: float = SCALE, *, is_transparent: bool = False) -> QImage:
        """The graph as a picture, all of it, without what is selected."""
        with self._ready_for_picture(not is_transparent) as area:
            return draw_picture(self.viewer.scene(), area, scale, is_transparent=is_transparent)

    def save_picture(self, path: Path) -> bool:
        """Write the graph as a picture; whether that went well."""
        return self.picture().save(str(path))

    def svg(self, title: str, *, is_transparent: bool = False) -> str:
        """The graph as the text of an SVG file, all of it, without what is selected."""
        from pypipeline_studio.canvas.svg_picture import draw_svg  # QtSvg is not needed to start

        with self._ready_for_picture(False) as area:
            return draw_svg(self.viewer.scene(), area, title, is_transparent=is_transparent)

    def picture_area(self) -> QRectF:
        """What a picture shows of the scene."""
        return self._whole() or QRectF(0, 0, 400, 300)

    @contextmanager
    def _ready_for_picture(self, shows_background: bool) -> Iterator[QRectF]:
        selected, comments, scene = self.selected(), self.comments.selected(), self.viewer.scene()
        scene.route_wires()
        self._is_showing = True
        self.select(())
        scene.shows_background = shows_background
        try:
            yield self.picture_area()
        finally:
            scene.shows_background = True
            self.select(selected)
            self.comments.select(comments)
            self._is_showing = False


def _pair(at: QPointF | None) -> tuple[float, float] | None:
    return None if at is None else (at.x(), at.y())


def _comments(keys: tuple[str, ...]) -> str:
    return "a comment" if len(keys) == 1 else f"{len(keys)} comments"


def _named(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} cells"

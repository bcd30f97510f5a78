"""The gestures on the canvas: pan, zoom, select, move, and drag wires. What a gesture means is told by signals.

NodeGraphQt's viewer changes its own model in the middle of a gesture, and binds other gestures than people expect. Here
nothing is changed: a wire that is dragged off its input stays until the document has lost it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QMimeData, QPoint, QPointF, QRectF, QSignalBlocker, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QResizeEvent,
    QTransform,
    QUndoStack,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QFrame, QGraphicsItem, QGraphicsView, QToolTip

from pypipeline_studio.canvas.node_item import StudioNodeItem
from pypipeline_studio.canvas.nodegraphqt import BareViewer
from pypipeline_studio.canvas.pipe_item import StudioPipe
from pypipeline_studio.canvas.port_item import StudioPort
from pypipeline_studio.canvas.slicer import Slicer
from pypipeline_studio.canvas.wire_drops import MayInsert, WireDrops
from pypipeline_studio.document.presentation import INPUTS, OUTPUTS

CELL_MIME = "application/x-pypipeline-cell"
"""What the library drags: the name of a type, as UTF-8 text."""
ZOOM_LIMITS = (0.1, 3.0)
ZOOM_STEP = 1.25
_Z_ABOVE_NODES = 10.0
SLICE_KEYS = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
GRAB_RADIUS_PX = 9.0
"""How far from the middle of a port a press still takes it, on the screen."""

Refusals = Callable[[StudioPort], dict[StudioPort, str]]


class StudioViewer(BareViewer):
    """The view of a canvas."""

    wire_connected = Signal(StudioPort, StudioPort, object)
    """The output and the input at which a wire was dropped, and the input it was taken from (or `None`)."""
    wire_removed = Signal(StudioPort, StudioPort)
    """The output and the input between which a wire is to go."""
    wire_dropped_on_empty = Signal(StudioPort, QPointF)
    """The port where a new wire began, and where in the scene it was dropped."""
    wire_dropped_on_edge = Signal(StudioPort, object)
    """The port where a wire began, dropped on the node for the ports of the pipeline on its side, and the input that it was
    taken from (or `None`)."""
    items_moved = Signal(list)
    """The node items that were dragged to other places."""
    node_dropped_on_wire = Signal(StudioNodeItem, StudioPipe)
    """A node that was dragged, instead of `items_moved`."""
    wires_sliced = Signal(list)
    """The wires across which a line was drawn."""
    background_double_clicked = Signal(QPointF)
    node_double_clicked_at = Signal(StudioNodeItem, QPointF)
    """The node item, and where in it."""
    node_clicked_at = Signal(StudioNodeItem, QPointF)
    """A click that did not move anything."""
    cell_dropped = Signal(str, QPointF)
    files_dropped = Signal(list)
    """Paths of files."""
    menu_requested = Signal(object, QPoint)
    """The node item, the pipe or `None`, and where on the screen."""
    zoom_changed = Signal(float)
    view_moved = Signal()
    """A person has zoomed or panned."""

    def __init__(self, undo_stack: QUndoStack, refusals: Refusals, may_insert: MayInsert) -> None:
        """:param refusals: the ports at which a wire from a port cannot end, each with the reason in words.
        :param may_insert: whether a wire can be led through the cell of a node.
        """
        super().__init__(undo_stack=undo_stack)
        self._refusals = refusals
        self._pan_from: QPoint | None = None
        self._space_is_down = False
        self._pressed_at = QPoint()
        self._moved_from: dict[StudioNodeItem, tuple[float, float]] = {}
        self._selected_before: set[QGraphicsItem] | None = None  # while a rubber band is dragged
        self._wire_from: StudioPort | None = None
        self._detached: StudioPort | None = None
        # NodeGraphQt's own item for this crashes when it is drawn, and has looks of its own.
        self._dragged = StudioPipe()
        self._dragged.setZValue(_Z_ABOVE_NODES)
        self._dragged.setVisible(False)
        self._dragged.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.scene().addItem(self._dragged)
        self._refused: dict[StudioPort, str] = {}
        self._slicer = Slicer(self.scene())
        self._wire_drops = WireDrops(self.scene(), may_insert)
        self.setDragMode(QGraphicsView.DragMode.RubberBandDrag)
        self.setRubberBandSelectionMode(Qt.ItemSelectionMode.IntersectsItemShape)
        self.viewport().setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        # Overlays reach beyond their items, and live figures change everywhere at once.
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)
        self._cursor_text.setVisible(False)
        self._scene_range = QRectF(QPointF(), QSizeF(self.viewport().size()))
        self._update_scene()

    # ------------------------------------------------------------------ zoom and pan

    def get_scale(self) -> float:
        """How large the scene is shown: 1.0 at 100 %."""
        return float(self.transform().m11())

    def zoom_by(self, factor: float, at: QPoint | None = None) -> None:
        """Zoom, with a point of the viewport (or its middle) staying where it is."""
        wanted = min(max(self.get_scale() * factor, ZOOM_LIMITS[0]), ZOOM_LIMITS[1])
        factor = wanted / self.get_scale()
        if abs(factor - 1) > 1e-6:
            self.scale(factor, factor, self.mapToScene(at if at is not None else self.viewport().rect().center()))
            self.zoom_changed.emit(self.get_scale())
            self.view_moved.emit()

    def show_rectangle(self, rectangle: QRectF, most: float = 1.0) -> None:
        """Show a part of the scene as large as it fits, at `most` at the most."""
        size = self.viewport().size()
        if rectangle.isEmpty() or size.isEmpty():
            return
        shown = min(size.width() / rectangle.width(), size.height() / rectangle.height(), most)
        shown = max(shown, ZOOM_LIMITS[0])
        area = QRectF(QPointF(), QSizeF(size) / shown)
        area.moveCenter(rectangle.center())
        self._scene_range = area
        self._update_scene()
        self.zoom_changed.emit(self.get_scale())

    def get_place(self) -> tuple[float, QPointF]:
        """How large the scene is shown, and what of it is in the middle; for `show_place`."""
        return self.get_scale(), self._scene_range.center()

    def show_place(self, scale: float, middle: QPointF) -> None:
        """Show the scene as large as it was shown before, with the same in the middle."""
        area = QRectF(QPointF(), QSizeF(self.viewport().size()) / scale)
        area.moveCenter(middle)
        self._scene_range = area
        self._update_scene()
        self.zoom_changed.emit(self.get_scale())

    def end_gestures(self) -> None:
        """Give up what a person is in the middle of: a wire that is dragged is gone, nodes are where they were, and what
        was selected before a rubber band is so again.
        """
        if self._wire_from is not None:
            self._end_wire()
        self._slicer.end()
        self._wire_drops.end()
        moved, self._moved_from = self._moved_from, {}
        grabber = self.scene().mouseGrabberItem()
        if grabber is not None:  # it would go on following the mouse
            grabber.ungrabMouse()
        with self.scene().moving_nodes():
            for item, position in moved.items():
                if _position(item) != position:
                    item.xy_pos = list(position)
        self._end_rubber_band()
        self._pan_from = None

    def _end_rubber_band(self) -> None:
        """Take a rubber band away that is dragged, and select what was selected before."""
        before, self._selected_before = self._selected_before, None
        if before is None:
            return
        self.setDragMode(QGraphicsView.DragMode.NoDrag)  # Qt forgets it by that
        self.setDragMode(QGraphicsView.DragMode.RubberBandDrag)
        scene = self.scene()
        with QSignalBlocker(scene):  # told once, and not for each of them
            for item in scene.items():
                item.setSelected(item in before)
        scene.selectionChanged.emit()

    def show_also(self, rectangle: QRectF, margin_px: float = 24.0) -> None:
        """Move the scene, no further than needed, until a part of it is visible; its upper left where it is too large."""
        margin, shown = margin_px / self.get_scale(), self._scene_range
        wanted = rectangle.adjusted(-margin, -margin, margin, margin)
        dx = min(wanted.left() - shown.left(), max(0.0, wanted.right() - shown.right()))
        dy = min(wanted.top() - shown.top(), max(0.0, wanted.bottom() - shown.bottom()))
        if dx or dy:
            self._set_viewer_pan(dx, dy)

    def centre_at(self, point: QPointF) -> None:
        """Move the scene, at the same scale, until a point is in the middle."""
        moved = point - self._scene_range.center()
        if not moved.isNull():
            self._set_viewer_pan(moved.x(), moved.y())
            self.view_moved.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the scale and what is in the middle: NodeGraphQt zooms by the difference of the sizes, and tells nobody."""
        QGraphicsView.resizeEvent(self, event)
        area = QRectF(QPointF(), QSizeF(self.viewport().size()) / self.get_scale())
        area.moveCenter(self._scene_range.center())
        self._scene_range = area
        self._update_scene()

    def _update_scene(self) -> None:
        """Show `_scene_range`. `fitInView` leaves a margin of two pixels: each pan and resize would zoom out a little."""
        area, size = self._scene_range, self.viewport().size()
        if area.isEmpty() or size.isEmpty():
            return
        shown = min(size.width() / area.width(), size.height() / area.height())
        self.setSceneRect(area)
        self.setTransform(QTransform.fromScale(shown, shown))
        self.centerOn(area.center())

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta().y() or event.angleDelta().x()
        self.zoom_by(1.0015**delta, event.position().toPoint())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space_is_down = True
            self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
            event.accept()
            return
        is_busy = self._wire_from or self._slicer.is_active or self._moved_from or self._selected_before is not None
        if event.key() == Qt.Key.Key_Escape and is_busy:
            self.end_gestures()
            event.accept()
            return
        QGraphicsView.keyPressEvent(self, event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space_is_down = False
            self.viewport().unsetCursor()
            event.accept()
            return
        QGraphicsView.keyReleaseEvent(self, event)

    # ------------------------------------------------------------------ the mouse

    @property
    def is_about_to_pan(self) -> bool:
        """Whether the left button would move the view."""
        return self._space_is_down

    def mousePressEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        self._pressed_at = point
        pans = event.button() == Qt.MouseButton.MiddleButton or (
            event.button() == Qt.MouseButton.LeftButton and self._space_is_down
        )
        if pans:
            self._pan_from = point
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
            event.accept()
            return
        if event.button() == Qt.MouseButton.LeftButton and event.modifiers() == SLICE_KEYS:
            self._slicer.begin(self.mapToScene(point))
            event.accept()
            return
        if event.button() == Qt.MouseButton.LeftButton:
            port = self.port_at(point)
            if port is not None:
                self._begin_wire(port)
                event.accept()
                return
        if event.button() == Qt.MouseButton.RightButton:
            event.accept()  # the selection stays as it is; the menu comes with its own event
            return
        selected = set(self.scene().selectedItems())
        QGraphicsView.mousePressEvent(self, _with_ctrl_for_shift(event))
        if event.button() == Qt.MouseButton.LeftButton and self.scene().mouseGrabberItem() is None:
            self._selected_before = selected
        self._moved_from = {item: _position(item) for item in self.selected_nodes()}
        self._wire_drops.begin(self._moved_from)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        if self._pan_from is not None:
            moved = self.mapToScene(self._pan_from) - self.mapToScene(point)
            self._set_viewer_pan(moved.x(), moved.y())
            self.view_moved.emit()
            self._pan_from = point
            event.accept()
            return
        if self._wire_from is not None:
            self._drag_wire(point)
            event.accept()
            return
        if self._slicer.is_active:
            self._slicer.follow(self.mapToScene(point))
            event.accept()
            return
        with self.scene().moving_nodes():
            QGraphicsView.mouseMoveEvent(self, event)
        if event.buttons() & Qt.MouseButton.LeftButton and self._has_moved(point):
            self._wire_drops.follow()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        if self._pan_from is not None:
            self._pan_from = None
            if self._space_is_down:
                self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
            else:
                self.viewport().unsetCursor()
            event.accept()
            return
        if self._wire_from is not None:
            self._drop_wire(point)
            event.accept()
            return
        if self._slicer.is_active:
            crossed = self._slicer.end()
            if crossed:
                self.wires_sliced.emit(crossed)
            event.accept()
            return
        self._selected_before = None
        QGraphicsView.mouseReleaseEvent(self, _with_ctrl_for_shift(event))
        moved = [item for item, before in self._moved_from.items() if _position(item) != before]
        self._moved_from = {}
        wire = self._wire_drops.end()
        if wire is not None and len(moved) == 1:
            self.node_dropped_on_wire.emit(moved[0], wire)
        elif moved:
            self.items_moved.emit(moved)
        elif event.button() == Qt.MouseButton.LeftButton and not self._has_moved(point):
            item = self._node_with_badge_at(point) or self.node_at(point)
            if item is not None:
                self.node_clicked_at.emit(item, item.mapFromScene(self.mapToScene(point)))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        point = event.position().toPoint()
        event.accept()
        if self.port_at(point) is not None:
            return
        item = self.node_at(point)
        if item is not None:
            self.node_double_clicked_at.emit(item, item.mapFromScene(self.mapToScene(point)))
            return
        pipe = self.pipe_at(point)
        if pipe is not None and pipe.output_port is not None and pipe.input_port is not None:
            self.wire_removed.emit(pipe.output_port, pipe.input_port)
        else:
            self.background_double_clicked.emit(self.mapToScene(point))

    def contextMenuEvent(self, event: Any) -> None:
        point = event.pos()
        self.menu_requested.emit(self.node_at(point) or self.pipe_at(point), event.globalPos())
        event.accept()

    def _has_moved(self, point: QPoint) -> bool:
        return (point - self._pressed_at).manhattanLength() >= QApplication.startDragDistance()

    # ------------------------------------------------------------------ what is where

    def node_at(self, point: QPoint) -> StudioNodeItem | None:
        """The node under a point of the viewport."""
        return next((item for item in self._items_at(point) if isinstance(item, StudioNodeItem)), None)

    def _node_with_badge_at(self, point: QPoint) -> StudioNodeItem | None:
        """The node of which a badge is under a point; badges stand out of the bodies."""
        at = self.mapToScene(point)
        found = self.scene().items(at, Qt.ItemSelectionMode.IntersectsItemBoundingRect)
        nodes = (item for item in found if isinstance(item, StudioNodeItem))
        return next((node for node in nodes if node.badge_at(node.mapFromScene(at))), None)

    def badge_at(self, point: QPoint) -> tuple[StudioNodeItem, str] | None:
        """The node of which a badge is under a point of the viewport, and which badge it is."""
        item = self._node_with_badge_at(point)
        badge = item.badge_at(item.mapFromScene(self.mapToScene(point))) if item is not None else None
        return (item, badge) if item is not None and badge is not None else None

    def pipe_at(self, point: QPoint) -> StudioPipe | None:
        """The wire near a point of the viewport."""
        margin = 5
        area = QRectF(self.mapToScene(point - QPoint(margin, margin)), self.mapToScene(point + QPoint(margin, margin)))
        found = self.scene().items(area, Qt.ItemSelectionMode.IntersectsItemShape)
        return next((i for i in found if isinstance(i, StudioPipe) and i.input_port and i.output_port), None)

    def port_at(self, point: QPoint) -> StudioPort | None:
        """The port near a point of the viewport: the nearest one within reach."""
        at = self.mapToScene(point)
        reach = GRAB_RADIUS_PX / min(1.0, self.get_scale())
        area = QRectF(at.x() - reach, at.y() - reach, 2 * reach, 2 * reach)
        near: list[tuple[float, StudioPort]] = []
        for item in self.scene().items(area, Qt.ItemSelectionMode.IntersectsItemBoundingRect):
            if isinstance(item, StudioPort):
                middle = item.sceneBoundingRect().center() - at
                near.append((middle.x() ** 2 + middle.y() ** 2, item))
        near = [(distance, port) for distance, port in near if distance <= reach**2]
        return min(near, key=lambda entry: entry[0])[1] if near else None

    def _items_at(self, point: QPoint) -> list[QGraphicsItem]:
        return self.scene().items(self.mapToScene(point))  # type: ignore[no-any-return]

    # ------------------------------------------------------------------ wires

    def _begin_wire(self, port: StudioPort) -> None:
        """From an output, a new wire; from a connected input, the end of its wire."""
        self._detached = None
        if port.port_type == "in" and port.connected_ports:
            self._detached = port
            port = port.connected_ports[0]
        self._wire_from = port
        self._refused = self._refusals(port)
        for other, reason in self._refused.items():
            other.refusal = reason
        self.viewport().update()

    def _drag_wire(self, point: QPoint) -> None:
        assert self._wire_from is not None
        if not self._has_moved(point) and not self._dragged.isVisible():
            return
        if not self._dragged.isVisible():
            self._dragged.begin(self._wire_from)
            self._dragged.setVisible(True)
            self._show_detached(False)
        end = self.mapToScene(point)
        target = self._target_at(point)
        if target is not None:
            end = target.sceneBoundingRect().center()
        self._dragged.draw_path(self._wire_from, cursor_pos=end)
        self._tell_refusal(point)
        self.viewport().update()

    def _tell_refusal(self, point: QPoint) -> None:
        """Say why the wire cannot end here. Qt shows no tooltip by itself while a button is held."""
        port = self.port_at(point)
        reason = self._refused.get(port, "") if port is not None else self._edge_at(point)
        if reason:
            QToolTip.showText(self.viewport().mapToGlobal(point), reason, self.viewport())
        elif QToolTip.isVisible():
            QToolTip.hideText()

    def _edge_at(self, point: QPoint) -> str:
        """What a wire that is dropped here would make, where that is a port of the pipeline around; else empty."""
        item = self.node_at(point)
        if item is None or self._wire_from is None:
            return ""
        is_output = self._wire_from.port_type == "out"
        if item.name != (OUTPUTS if is_output else INPUTS):
            return ""
        return f"A new {'output' if is_output else 'input'} of the pipeline"

    def _target_at(self, point: QPoint) -> StudioPort | None:
        """The port at which the wire would end here."""
        target = self.port_at(point)
        if target is None or self._wire_from is None or target.port_type == self._wire_from.port_type:
            return None
        return None if target in self._refused else target

    def _drop_wire(self, point: QPoint) -> None:
        start, detached, moved = self._wire_from, self._detached, self._dragged.isVisible()
        target, refused, is_on_edge = self._target_at(point), self.port_at(point), bool(self._edge_at(point))
        self._end_wire()
        if not moved or start is None:
            return
        if target is not None:
            output, end = (target, start) if start.port_type == "in" else (start, target)
            if end is not detached:
                self.wire_connected.emit(output, end, detached)
        elif refused is None and is_on_edge:
            self.wire_dropped_on_edge.emit(start, detached)
        elif detached is not None and refused is None:
            self.wire_removed.emit(start, detached)
        elif detached is None and refused is None and self.node_at(point) is None:
            self.wire_dropped_on_empty.emit(start, self.mapToScene(point))

    def _end_wire(self) -> None:
        for port in self._refused:
            port.refusal = ""
        if QToolTip.isVisible():
            QToolTip.hideText()
        self._refused = {}
        self._dragged.setVisible(False)
        self._dragged.begin(None)
        self._show_detached(True)
        self._wire_from = self._detached = None
        self.viewport().update()

    def _show_detached(self, shown: bool) -> None:
        """Hide the wire of which the end is being dragged, or show it again."""
        if self._detached is not None:
            for pipe in self._detached.connected_pipes:
                pipe.setVisible(shown)

    # ------------------------------------------------------------------ what comes from outside

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._accept_drag(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._accept_drag(event)

    def _accept_drag(self, event: QDragMoveEvent) -> None:
        if event.mimeData().hasFormat(CELL_MIME) or local_files(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        data = event.mimeData()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if data.hasFormat(CELL_MIME):
            name = bytes(data.data(CELL_MIME).data()).decode("utf-8", "replace")
            self.cell_dropped.emit(name, self.mapToScene(event.position().toPoint()))
        elif files := local_files(data):
            self.files_dropped.emit(files)


def local_files(data: QMimeData) -> list[str]:
    """The paths of the files that are dragged."""
    return [url.toLocalFile() for url in data.urls() if url.isLocalFile()] if data.hasUrls() else []


def _position(item: StudioNodeItem) -> tuple[float, float]:
    return (item.scenePos().x(), item.scenePos().y())


def _with_ctrl_for_shift(event: QMouseEvent) -> QMouseEvent:
    """Qt extends a selection with Ctrl; people use Shift as well."""
    modifiers = event.modifiers()
    if not modifiers & Qt.KeyboardModifier.ShiftModifier:
        return event
    return QMouseEvent(
        event.type(),
        event.position(),
        event.globalPosition(),
        event.button(),
        event.buttons(),
        (modifiers & ~Qt.KeyboardModifier.ShiftModifier) | Qt.KeyboardModifier.ControlModifier,
        device=event.pointingDevice(),
    )

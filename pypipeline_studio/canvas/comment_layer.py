"""The comment boxes of a canvas: shown by what differs, and moved and sized by the mouse.

It sees the mouse before the view does, and takes what concerns a title or a frame; all else is left to the view.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QGraphicsItem

from pypipeline_studio.canvas.comment_item import CommentItem, Zone
from pypipeline_studio.canvas.node_item import StudioNodeItem
from pypipeline_studio.canvas.viewer import StudioViewer
from pypipeline_studio.document.comments import SMALLEST, Comment, Rectangle, contains, lies_in

_CURSORS: dict[str, Qt.CursorShape] = {
    "title": Qt.CursorShape.SizeAllCursor,
    "l": Qt.CursorShape.SizeHorCursor,
    "r": Qt.CursorShape.SizeHorCursor,
    "t": Qt.CursorShape.SizeVerCursor,
    "b": Qt.CursorShape.SizeVerCursor,
    "tl": Qt.CursorShape.SizeFDiagCursor,
    "br": Qt.CursorShape.SizeFDiagCursor,
    "tr": Qt.CursorShape.SizeBDiagCursor,
    "bl": Qt.CursorShape.SizeBDiagCursor,
}
_CORNERS = ("tl", "tr", "bl", "br")


@dataclass
class _Drag:
    """A box that is being moved or sized."""

    item: CommentItem
    zone: Zone
    pressed_at: QPoint
    begin: QPointF
    box: Rectangle
    moved: dict[QGraphicsItem, QPointF] = field(default_factory=dict)
    """What moves along, and where it was."""
    has_moved: bool = False
    is_cancelled: bool = False
    """Whether all is where it was, and the rest of the gesture means nothing."""


class CommentLayer(QObject):
    """The boxes of one canvas, by their keys."""

    moved = Signal(dict, dict)
    """Nodes and boxes were dragged: by name where the nodes are now, by key what the boxes are now."""
    edit_requested = Signal(str)
    """The key of the box of which the text is to be edited."""
    menu_requested = Signal(str, QPoint)
    """The key of a box, and where on the screen."""

    def __init__(self, viewer: StudioViewer) -> None:
        super().__init__(viewer)
        self._viewer = viewer
        self._items: dict[str, CommentItem] = {}
        self._drag: _Drag | None = None
        self._has_cursor = False
        viewer.installEventFilter(self)  # for keys
        viewer.viewport().installEventFilter(self)

    # ------------------------------------------------------------------ what is shown

    def show(self, comments: Iterable[Comment]) -> None:
        """Bring the items in line with the document."""
        wanted = {comment.key: comment for comment in comments}
        for key in [key for key in self._items if key not in wanted]:
            item = self._items.pop(key)
            if self._drag is not None and self._drag.item is item:
                self._drag = None
            self._viewer.scene().removeItem(item)
        for key, comment in wanted.items():
            known = self._items.get(key)
            if known is None:
                known = self._items[key] = CommentItem(comment)
                self._viewer.scene().addItem(known)
            elif self._drag is None and (known.comment != comment or known.is_moved):
                known.show_comment(comment)

    def selected(self) -> tuple[str, ...]:
        """The keys of the selected boxes."""
        return tuple(key for key, item in self._items.items() if item.isSelected())

    def select(self, keys: Iterable[str]) -> None:
        """Select these boxes and no others; nodes stay as they are."""
        wanted = set(keys)
        for key, item in self._items.items():
            item.setSelected(key in wanted)

    def select_all(self) -> None:
        """Select every box, beside what else is selected."""
        self.select(self._items)

    def boxes(self) -> dict[str, Rectangle]:
        """Where the boxes are, as they are shown."""
        return {key: item.box() for key, item in self._items.items()}

    def moved_boxes(self) -> dict[str, Rectangle]:
        """Those that are shown elsewhere than the document says, because they were dragged."""
        return {key: item.box() for key, item in self._items.items() if item.is_moved}

    def item(self, key: str) -> CommentItem | None:
        """The item of a box."""
        return self._items.get(key)

    # ------------------------------------------------------------------ the mouse

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched is self._viewer:
            is_escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
            return is_escape and kind == QEvent.Type.KeyPress and self.cancel()
        if isinstance(event, QMouseEvent):
            if kind == QEvent.Type.MouseButtonPress:
                return self._press(event)
            if kind == QEvent.Type.MouseMove:
                return self._move(event)
            if kind == QEvent.Type.MouseButtonRelease:
                return self._release(event)
            if kind == QEvent.Type.MouseButtonDblClick and event.button() == Qt.MouseButton.LeftButton:
                item, _ = self._hit(event.position().toPoint())
                if item is not None:
                    self.edit_requested.emit(item.comment.key)
                return item is not None
        elif isinstance(event, QContextMenuEvent):
            item, _ = self._hit(event.pos())
            if item is not None:
                if not item.isSelected():
                    self._select_only(item)
                self.menu_requested.emit(item.comment.key, event.globalPos())
            return item is not None
        return False

    def cancel(self) -> bool:
        """Put what is being dragged back where it was; whether a box was dragged itself."""
        drag = self._drag
        if drag is None or drag.is_cancelled:
            for box in self._items.values():  # those that move with nodes which are dragged
                if box.is_moved:
                    box.show_comment(box.comment)
            return False
        drag.is_cancelled = True
        if drag.has_moved:
            if drag.zone == "title":
                with self._viewer.scene().moving_nodes():
                    for item, at in drag.moved.items():
                        item.setPos(at)
            else:
                drag.item.show_box(drag.box)
            self._viewer.viewport().update()
        return True

    def _hit(self, point: QPoint) -> tuple[CommentItem | None, Zone | None]:
        """The box of which the title or the frame is under a point of the viewport, where no node is.

        Wires come before both, but for the corners: those have no other place.
        """
        viewer = self._viewer
        if not self._items or viewer.port_at(point) or viewer.node_at(point):
            return None, None
        at = viewer.mapToScene(point)
        for item in sorted(self._items.values(), key=lambda item: -item.zValue()):
            zone = item.zone_at(item.mapFromScene(at))
            if zone is not None:
                return (item, zone) if zone in _CORNERS or viewer.pipe_at(point) is None else (None, None)
        return None, None

    def _select_only(self, item: CommentItem) -> None:
        self._viewer.scene().clearSelection()
        item.setSelected(True)

    def _press(self, event: QMouseEvent) -> bool:
        if event.button() != Qt.MouseButton.LeftButton or self._viewer.is_about_to_pan:
            return False
        point = event.position().toPoint()
        item, zone = self._hit(point)
        if item is None or zone is None:
            return False
        modifiers = event.modifiers()
        if modifiers & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier):
            item.setSelected(not item.isSelected())
            return True
        if not item.isSelected():
            self._select_only(item)
        self._drag = _Drag(item, zone, point, self._viewer.mapToScene(point), item.box())
        if zone == "title":
            is_alone = bool(modifiers & Qt.KeyboardModifier.AltModifier)
            self._drag.moved = {other: QPointF(other.pos()) for other in self._moving(item, is_alone)}
        return True

    def _moving(self, item: CommentItem, is_alone: bool) -> list[QGraphicsItem]:
        """What moves with a box: what lies in it, and what else is selected."""
        if is_alone:
            return [item]
        scene = self._viewer.scene()
        found: list[QGraphicsItem] = [item]
        boxes = [item.box()]
        for other in self._items.values():
            if other is not item and (other.isSelected() or contains(item.box(), other.box())):
                found.append(other)
                boxes.append(other.box())
        for node in scene.boxes:
            place = (node.pos().x(), node.pos().y())
            if node.isSelected() or any(lies_in(place, box) for box in boxes):
                found.append(node)
        return found

    def _move(self, event: QMouseEvent) -> bool:
        point, drag = event.position().toPoint(), self._drag
        if drag is None:
            self._show_cursor(point, event)
            return False
        if drag.is_cancelled:
            return True
        far = (point - drag.pressed_at).manhattanLength() >= QApplication.startDragDistance()
        drag.has_moved = drag.has_moved or far
        if drag.has_moved:
            by = self._viewer.mapToScene(point) - drag.begin
            if drag.zone == "title":
                with self._viewer.scene().moving_nodes():
                    for item, at in drag.moved.items():
                        item.setPos(at + by)
            else:
                drag.item.show_box(_sized(drag.box, drag.zone, by))
            self._viewer.viewport().update()
        return True

    def _release(self, event: QMouseEvent) -> bool:
        drag = self._drag
        if drag is None or event.button() != Qt.MouseButton.LeftButton:
            return False
        self._drag = None
        if drag.has_moved and not drag.is_cancelled:
            nodes = {
                item.name: (item.pos().x(), item.pos().y()) for item in drag.moved if isinstance(item, StudioNodeItem)
            }
            self.moved.emit(nodes, self.moved_boxes())
        return True

    def _show_cursor(self, point: QPoint, event: QMouseEvent) -> None:
        if event.buttons() or self._viewer.is_about_to_pan:
            return
        _, zone = self._hit(point)
        viewport = self._viewer.viewport()
        if zone is not None:
            viewport.setCursor(_CURSORS[zone])
        elif self._has_cursor:
            viewport.unsetCursor()
        self._has_cursor = zone is not None


def _sized(box: Rectangle, zone: str, by: QPointF) -> Rectangle:
    """A box of which some edges were dragged; it does not become smaller than it may be."""
    left, top, right, bottom = box[0], box[1], box[0] + box[2], box[1] + box[3]
    if "l" in zone:
        left = min(left + by.x(), right - SMALLEST[0])
    if "r" in zone:
        right = max(right + by.x(), left + SMALLEST[0])
    if "t" in zone:
        top = min(top + by.y(), bottom - SMALLEST[1])
    if "b" in zone:
        bottom = max(bottom + by.y(), top + SMALLEST[1])
    return (left, top, right - left, bottom - top)

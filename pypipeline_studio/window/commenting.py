"""Comment boxes by menus and keys: made around what is selected, edited, coloured."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QMenu, QWidget

from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document.comments import Comment, Rectangle, add_comment, box_around, change_comment, comments_of
from pypipeline_studio.document.edits import body_at
from pypipeline_studio.panels.comment_editor import CommentEditor
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.menus import OF_COMMENTS, fill

_SIZE = (288.0, 168.0)


class Commenting(QObject):
    """Does what the actions and menus of comment boxes say. A new box and what is written into it are one step to undo."""

    def __init__(self, session: Session, canvas: Canvas, commands: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._canvas = canvas
        self._commands = commands
        self._window = window
        commands.on("comment", self.add)
        # These two act on a cell where one is selected.
        commands.on("rename", self._edit_selected)
        commands.on("enter", self._edit_selected)
        canvas.comments.edit_requested.connect(self.edit)
        canvas.comments.menu_requested.connect(self._open_menu)

    def add(self) -> None:
        """Add a box around the selected nodes, or at the cursor, and ask for its title."""
        canvas = self._canvas
        names = set(canvas.selected_nodes())
        box = box_around([b for name, b in canvas.boxes().items() if name in names]) if names else self._box_at_cursor()
        document, key = add_comment(self._session.document, canvas.path, box)
        merge_key = f"comment {canvas.full_name(key)}"
        self._session.edit("Add a comment", document, merge_key)
        canvas.select(())
        canvas.comments.select([key])
        self.edit(key, merge_key)

    def _box_at_cursor(self) -> Rectangle:
        viewer = self._canvas.viewer
        viewport: QWidget = viewer.viewport()
        cursor = viewport.mapFromGlobal(QCursor.pos())
        at: QPointF = viewer.mapToScene(cursor if viewport.rect().contains(cursor) else viewport.rect().center())
        return (at.x(), at.y(), *_SIZE)

    def _edit_selected(self) -> None:
        keys = self._canvas.comments.selected()
        if len(keys) == 1 and not self._canvas.selected_nodes():
            self.edit(keys[0])

    def edit(self, key: str, merge_key: str = "") -> None:
        """Open the window for the title and text of a box, over it."""
        comment, item, viewer = self._find(key), self._canvas.comments.item(key), self._canvas.viewer
        if comment is None or item is None:
            return
        path = self._canvas.path

        def take(changed: Comment) -> None:
            now = next((c for c in comments_of(body_at(self._session.document, path)) if c.key == key), None)
            if now is not None:
                changed = replace(changed, box=now.box)
                document = change_comment(self._session.document, path, changed)
                self._session.edit("Edit a comment", document, merge_key)
            self._session.end_merging()

        editor = CommentEditor(comment, self._window)
        editor.edited.connect(take)
        editor.destroyed.connect(self._session.end_merging)
        at = viewer.mapFromScene(QPointF(comment.box[0], comment.box[1]))
        bounds = viewer.viewport().rect()
        inside = QPoint(max(0, min(at.x(), bounds.right() - 40)), max(0, min(at.y(), bounds.bottom() - 40)))
        editor.open_at(viewer.viewport().mapToGlobal(inside + QPoint(4, 4)))

    def _find(self, key: str) -> Comment | None:
        return next((comment for comment in self._canvas.presentation.comments if comment.key == key), None)

    def _open_menu(self, key: str, on_screen: QPoint) -> None:
        menu = QMenu(self._window)
        edit = menu.addAction("&Edit …")
        edit.triggered.connect(lambda _checked=False: self.edit(key))
        fill(menu, self._commands, OF_COMMENTS)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(on_screen)

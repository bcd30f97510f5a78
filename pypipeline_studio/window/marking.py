"""The colours that a person gives to cells and comment boxes."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QMenu, QWidget

from pypipeline_engine.numbers import counted
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document.comments import change_comment, comments_of
from pypipeline_studio.document.edits import body_at, mark_of, set_mark
from pypipeline_studio.panels.marks import fill_mark_menu
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.editing import Editing


class Marking(QObject):
    """Offers the colours by key and in the menu of cells; one step to undo for all that is selected."""

    def __init__(self, session: Session, canvas: Canvas, commands: Actions, editing: Editing, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._canvas = canvas
        self._window = window
        commands.on("colour", self.open_menu)
        editing.menu_opening.connect(self._fill_menu)

    def open_menu(self) -> None:
        """Offer the colours for what is selected, at the cursor where that is over the canvas."""
        canvas = self._canvas
        if not canvas.selected() and not canvas.comments.selected():
            canvas.refused.emit("Nothing is selected: select the cells and comment boxes that are to have a colour.")
            return
        menu = QMenu(self._window)
        menu.setTitle("Colour")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._fill(menu)
        viewport: QWidget = canvas.viewer.viewport()
        cursor = viewport.mapFromGlobal(QCursor.pos())
        at: QPoint = cursor if viewport.rect().contains(cursor) else viewport.rect().center()
        menu.popup(viewport.mapToGlobal(at))
        menu.setActiveAction(menu.actions()[0])

    def _fill_menu(self, menu: QMenu, names: tuple[str, ...], _on_screen: QPoint) -> None:
        if names:
            self._fill(menu.addMenu("C&olour"))

    def _fill(self, menu: QMenu) -> None:
        names, keys = self._canvas.selected(), self._canvas.comments.selected()
        body = body_at(self._session.document, self._canvas.path)
        current = {mark_of(body, name) for name in names} | {c.colour for c in comments_of(body) if c.key in keys}
        fill_mark_menu(menu, current, self.set_mark, has_none=bool(names))

    def set_mark(self, mark: str) -> None:
        """Give what is selected a colour; cells none where `mark` is empty."""
        names, keys = self._canvas.selected(), self._canvas.comments.selected()
        path = self._canvas.path
        document = set_mark(self._session.document, path, names, mark)
        for comment in comments_of(body_at(document, path)):
            if mark and comment.key in keys:
                document = change_comment(document, path, replace(comment, colour=mark))
        number = len(names) + len(keys)
        what = names[0] if number == 1 and names else "a comment" if number == 1 else counted(number, "item")
        self._session.edit(f"Colour {what}", document)

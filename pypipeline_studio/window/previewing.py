"""What joins the tab with previews and the run: it shows the selected cell, while somebody can see it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject

from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document.views import NodeView
from pypipeline_studio.document.watched import BOX_KINDS, Place, image_behind, port_to_look_at
from pypipeline_studio.engine.looking import Looking
from pypipeline_studio.panels.previews import EMPTY_TEXT, HIGHEST_PX, WIDEST_PX, PreviewsPanel
from pypipeline_studio.session import Session
from pypipeline_studio.window.pixel_values import PixelValues
from pypipeline_studio.window.watching import NO_PICTURE, Size, Watching

PICTURE_PX: Final[Size] = (WIDEST_PX, HIGHEST_PX)


class Previewing(QObject):
    """Keeps the panel on the selection. Where nothing or several cells are selected, it stays with the cell before."""

    def __init__(
        self, session: Session, canvas: Canvas, watching: Watching, panel: PreviewsPanel, looking: Looking
    ) -> None:
        super().__init__(panel)
        self._session = session
        self._canvas = canvas
        self._watching = watching
        self._panel = panel
        self._pixels = PixelValues(looking, panel, self)
        self._cell = ""
        self._ports: dict[str, str] = {}
        """By cell, the output that was chosen last."""
        panel.installEventFilter(self)
        panel.port_chosen.connect(self._choose)
        panel.paused_changed.connect(self._pause)
        canvas.selection_changed.connect(self._follow_selection)
        session.graph_replaced.connect(self._forget)
        session.document_changed.connect(self._show)
        watching.arrived.connect(self._take)
        watching.asked_changed.connect(self._show)
        self._show()

    # ------------------------------------------------------------------ which

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide):
            self._ask(is_visible=event.type() == QEvent.Type.Show)
        return False

    def _follow_selection(self) -> None:
        names = self._canvas.selected()
        if len(names) != 1 or self._canvas.full_name(names[0]) == self._cell:
            return
        if not self._panel.is_paused:
            self._cell = self._canvas.full_name(names[0])
            self._show()
            self._ask()

    def _choose(self, port: str) -> None:
        self._ports[self._cell] = port
        self._show()
        self._ask()

    def _pause(self, is_paused: bool) -> None:
        if not is_paused:
            self._follow_selection()
            self._show()

    def _forget(self) -> None:
        self._cell = ""
        self._ports.clear()
        self._panel.pause_button.setChecked(False)
        self._ask()

    def _view(self) -> NodeView | None:
        """The cell as its node, where it is one of the pipeline on the canvas."""
        *path, name = self._cell.split(".")
        return self._canvas.presentation.nodes.get(name) if tuple(path) == self._canvas.path else None

    def _place(self) -> Place | None:
        view = self._view()
        port = self._ports.get(self._cell, "")
        if view is not None and port not in [one.name for one in view.outputs]:
            port = port_to_look_at(view.outputs)
            self._ports[self._cell] = port
        return (self._cell, port) if port else None

    def _kind(self, place: Place) -> str:
        view = self._view()
        return next((one.kind for one in view.outputs if one.name == place[1]), "any") if view is not None else "any"

    def _behind(self, place: Place) -> Place | None:
        if self._kind(place) not in BOX_KINDS:
            return None
        return image_behind(self._session.document, self._session.types, place)

    # ------------------------------------------------------------------ what is shown

    def _ask(self, is_visible: bool | None = None) -> None:
        place = self._place()
        wishes: dict[Place, Size] = {}
        if place is not None and (self._panel.isVisible() if is_visible is None else is_visible):
            behind = self._behind(place)
            wishes[place] = PICTURE_PX if behind is None else NO_PICTURE
            if behind is not None:
                wishes[behind] = PICTURE_PX
        self._watching.want("tab", wishes)

    def _take(self, place: Place) -> None:
        own = self._place()
        if own is not None and place in (own, self._behind(own)):
            self._show()

    def _show(self) -> None:
        if self._panel.is_paused:
            return
        place, view = self._place(), self._view()
        if not self._cell or (view is None and place is None):
            self._pixels.show(None, 0)
            self._panel.show_nothing()
            return
        if place is None:
            self._pixels.show(None, 0)
            self._panel.show_nothing(f"{self._cell} has no outputs: look at the cell before it.")
            return
        if view is not None:
            self._panel.show_cell(self._cell, [port.name for port in view.outputs], place[1])
        self._show_value(place)

    def _show_value(self, place: Place) -> None:
        seen = self._watching.seen(place)
        if seen is None or seen.info is None:
            self._pixels.show(None, 0)
            if seen is not None and seen.problem:
                self._panel.show_waiting(seen.problem, "This output cannot be looked at")
            elif self._watching.can_look:
                self._panel.show_waiting("It is shown as soon as the cell has brought one.", "No value yet")
            else:
                self._panel.show_waiting("Its values are shown while a graph runs." if self._cell else EMPTY_TEXT)
            return
        behind = self._behind(place)
        boxes = self._watching.boxes_on(place, behind)
        if boxes is not None:
            info, image = boxes
            self._panel.show_boxes(info, image.image, image.item, image.frame, self._kind(place))
            self._pixels.show(behind, image.picture)
        elif seen.shown is not None:
            info, own = seen.shown
            self._panel.show_value(info, own.image if own is not None else None)
            self._pixels.show(place, own.picture if own is not None else 0)

"""Previews in nodes: which cells have one, and what it shows.

That is remembered for each file in the settings, and not in the graph: looking at a run makes no difference in its file.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QSettings, QTimer, Signal

from pypipeline_engine.numbers import count
from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.canvas.node_preview import PICTURE_PX, NodePreview
from pypipeline_studio.canvas.scene import LIVE_IS_OFF
from pypipeline_studio.document.value_texts import describe_numbers, headline
from pypipeline_studio.document.views import NodeView
from pypipeline_studio.document.watched import BOX_KINDS, Place, gives_images, image_behind, port_to_look_at
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import Actions
from pypipeline_studio.window.file_settings import FileSettings
from pypipeline_studio.window.watching import MOST_PLACES, NO_PICTURE, Size, Watching

LOOK_AGAIN_MS: Final = 250
"""What is visible is looked at so often at most while a person moves the view."""


class NodePreviews(QObject):
    """Shows the values of chosen cells in their nodes, while these can be read."""

    told = Signal(str)

    def __init__(
        self, session: Session, canvas: Canvas, commands: Actions, watching: Watching, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._canvas = canvas
        self._commands = commands
        self._watching = watching
        self._settings = FileSettings(session, "previews", self)
        self._chosen: set[str] = set()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LOOK_AGAIN_MS)
        self._timer.timeout.connect(self._ask)
        commands["preview_all"].setChecked(QSettings().value("preview_all", False, bool))
        commands.on("preview", self.toggle_selected)
        commands.on("preview_all", self._toggle_all)
        commands.on("live", self._show)
        watching.arrived.connect(self._take)
        watching.asked_changed.connect(self._show_previews)
        canvas.selection_changed.connect(self._show_state)
        canvas.zoom_changed.connect(lambda _: self._look_again())
        canvas.viewer.view_moved.connect(self._look_again)
        canvas.path_changed.connect(self._show)
        session.document_changed.connect(self._follow_document)
        session.types_changed.connect(self._show)
        self._settings.file_opened.connect(self._read)
        self._read()

    # ------------------------------------------------------------------ which

    def toggle_selected(self) -> None:
        """Show the values of the selected cells in their nodes, or no longer where all of them are shown."""
        names = [name for name in self._canvas.selected() if self._place(name) is not None]
        if not names:
            if self._canvas.selected():
                self.told.emit("A cell without outputs has no values to preview; look at the cell before it.")
            self._show_state()
            return
        full_names = {self._canvas.full_name(name) for name in names}
        if full_names <= self._chosen:
            self._chosen -= full_names
        else:
            self._chosen |= full_names
        self._settings.write(sorted(self._chosen))
        self._show()

    def _toggle_all(self) -> None:
        QSettings().setValue("preview_all", self._commands["preview_all"].isChecked())
        self._show()

    def _read(self) -> None:
        data = self._settings.read()
        self._chosen = {name for name in data if isinstance(name, str)} if isinstance(data, list) else set()
        self._watching.forget()
        self._show()

    def _follow_document(self) -> None:
        renamed = self._settings.follow(self._session.document)
        if renamed.keys() & self._chosen:
            self._chosen = {renamed.get(name, name) for name in self._chosen}
            self._settings.write(sorted(self._chosen))
        self._show()

    def _view(self, name: str) -> NodeView | None:
        return self._canvas.presentation.nodes.get(name)

    def _place(self, name: str) -> Place | None:
        """What is looked at for a cell of the shown pipeline."""
        view = self._view(name)
        port = port_to_look_at(view.outputs) if view is not None else ""
        return (self._canvas.full_name(name), port) if port else None

    def _shown(self) -> dict[str, Place]:
        """By name, the cells of the shown pipeline that have room for a preview."""
        is_all = self._commands["preview_all"].isChecked()
        found = {}
        for name, view in self._canvas.presentation.nodes.items():
            is_chosen = self._canvas.full_name(name) in self._chosen or (is_all and gives_images(view.outputs))
            place = self._place(name)
            if is_chosen and place is not None and view.condition == "normal":
                found[name] = place
        return found

    def _kind(self, name: str, port: str) -> str:
        view = self._view(name)
        return next((one.kind for one in view.outputs if one.name == port), "any") if view is not None else "any"

    # ------------------------------------------------------------------ what is shown

    def _look_again(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _ask(self) -> None:
        """Want what can be seen, and nothing else."""
        wishes: dict[Place, Size] = {}
        if self._commands["live"].isChecked():
            readable = set(self._canvas.readable())
            for name, place in self._shown().items():
                if name not in readable:
                    continue
                is_boxes = self._kind(name, place[1]) in BOX_KINDS
                wishes.setdefault(place, NO_PICTURE if is_boxes else PICTURE_PX)
                behind = self._behind(name, place)
                if behind is not None:
                    wishes[behind] = PICTURE_PX
        self._watching.want("nodes", wishes)

    def _behind(self, name: str, place: Place) -> Place | None:
        if self._kind(name, place[1]) not in BOX_KINDS:
            return None
        return image_behind(self._session.document, self._session.types, place)

    def _take(self, place: Place) -> None:
        shown = self._shown()
        if any(place in (own, self._behind(name, own)) for name, own in shown.items()):
            self._show_previews()

    def _show_previews(self) -> None:
        self._canvas.show_previews({name: self._preview(name, place) for name, place in self._shown().items()})

    def _show(self) -> None:
        self._show_previews()
        self._show_state()
        self._look_again()

    def _show_state(self) -> None:
        names = [self._canvas.full_name(name) for name in self._canvas.selected()]
        self._commands["preview"].setChecked(bool(names) and all(name in self._chosen for name in names))

    def _preview(self, name: str, place: Place) -> NodePreview:
        seen, kind = self._watching.seen(place), self._kind(name, place[1])
        if seen is None or seen.info is None:
            if seen is not None and seen.problem:
                return NodePreview(lines=("Cannot be looked at", seen.problem))
            return NodePreview(lines=(self._waiting_text(place),))
        value = seen.info.value
        drawn = self._watching.boxes_on(place, self._behind(name, place))
        if drawn is not None:
            info, image = drawn
            return NodePreview(image.image, boxes=info.value.boxes or (), frame=image.frame, kind=kind)
        if value.has_picture and seen.image is not None:
            return NodePreview(seen.image)
        more = describe_numbers(value) if value.shape else ""
        return NodePreview(lines=(headline(value), *([more] if more else []), f"item {count(seen.info.item)}"))

    def _waiting_text(self, place: Place) -> str:
        if not self._watching.can_look:
            return "Preview while it runs"
        if not self._commands["live"].isChecked():
            return LIVE_IS_OFF
        if self._watching.is_left_out(place):
            return f"At most {MOST_PLACES} previews at once"
        return "No value yet"

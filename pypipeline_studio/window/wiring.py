"""Wires by keyboard: a search over those that the selected cell could get, and those that it has."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document import edits
from pypipeline_studio.document.palette import PaletteEntry
from pypipeline_studio.document.wire_choices import WireChoice, wire_choices
from pypipeline_studio.panels.palette import CommandPalette
from pypipeline_studio.session import Session
from pypipeline_studio.theme.icons import icon
from pypipeline_studio.window.actions import Actions


class Wiring(QObject):
    """Connects and disconnects what is selected."""

    def __init__(self, session: Session, canvas: Canvas, commands: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._canvas = canvas
        self._window = window
        commands.on("wires", self.open)

    def open(self) -> None:
        """Offer the wires of the selected cell, or those between the selected cells."""
        canvas = self._canvas
        names = canvas.selected_nodes()
        if not names:
            canvas.refused.emit("Nothing is selected: select the cell that is to be connected.")
            return
        choices = wire_choices(self._session.document, canvas.path, self._session.types, names)
        if not choices:
            what = f"No wire fits {names[0]}" if len(names) == 1 else "No wire fits between these cells"
            canvas.refused.emit(f"{what}, and there is none.")
            return
        entries = {_text(choice): choice for choice in choices}
        icons = {text: icon("scissors" if choice.is_there else "link-simple") for text, choice in entries.items()}
        popup = CommandPalette(
            [PaletteEntry(text, text, _where(choice)) for text, choice in entries.items()], (), icons, self._window
        )
        popup.setAccessibleName("Wires")
        popup.search_field.setAccessibleName("Wires")
        popup.search_field.setPlaceholderText(f"Connect {names[0]}" if len(names) == 1 else "Connect these cells")
        popup.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        popup.chosen.connect(lambda text: self._do(entries[text]))
        popup.open_over(self._window)

    def _do(self, choice: WireChoice) -> None:
        document, path = self._session.document, self._canvas.path
        if choice.is_there:
            document = edits.disconnect(document, path, choice.source, choice.target)
            self._session.edit(f"Disconnect {choice.target}", document)
        else:
            document = edits.connect(document, path, choice.source, choice.target, self._session.types)
            self._session.edit(f"Connect {choice.source} with {choice.target}", document)
        self._canvas.setFocus()


def _text(choice: WireChoice) -> str:
    return f"{choice.source} → {choice.target}"


def _where(choice: WireChoice) -> str:
    if choice.is_there:
        return "Disconnect"
    return f"Connect, instead of {choice.instead_of}" if choice.instead_of else "Connect"

"""What joins the command palette with the window: its entries are the menus and the library; what was used is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from PySide6.QtCore import QObject, QSettings, Qt
from PySide6.QtGui import QAction, QIcon, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from pypipeline_studio.canvas.canvas import Canvas
from pypipeline_studio.document.palette import PaletteEntry, with_used
from pypipeline_studio.panels.palette import CommandPalette
from pypipeline_studio.session import Session
from pypipeline_studio.window.actions import ACTIONS, Actions
from pypipeline_studio.window.obstacles import Obstacles

SETTING: Final = "palette/recent"
"""The key of the settings under which is kept what was used."""
_CELL: Final = "cell:"


class Palette(QObject):
    """Opens the palette of a window. Whatever stands in a menu can be found in it."""

    def __init__(
        self, session: Session, canvas: Canvas, commands: Actions, obstacles: Obstacles, bar: QMenuBar, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._canvas = canvas
        self._commands = commands
        self._obstacles = obstacles
        self._bar = bar
        self._window = window
        self._offered: dict[str, QAction] = {}
        commands.on("palette", self.open)

    def open(self) -> CommandPalette:
        """Show it; it is deleted when it closes."""
        entries = [*self._action_entries(), *self._cell_entries()]
        icons: dict[str, QIcon] = {key: action.icon() for key, action in self._offered.items()}
        shown = {key: icon for key, icon in icons.items() if not icon.isNull()}
        palette = CommandPalette(entries, _recent(), shown, self._window)
        palette.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        palette.chosen.connect(self._do)
        palette.open_over(self._window)
        return palette

    # ------------------------------------------------------------------ what is offered

    def _action_entries(self) -> Iterator[PaletteEntry]:
        self._offered = {}
        # Single examples and files come after what can be done with all of them.
        found = sorted(_actions_of_bar(self._bar), key=lambda pair: "›" in pair[0] and not pair[1].objectName())
        for where, action in found:
            key = action.objectName() or f"{where} › {_plain(action)}"
            self._offered.setdefault(key, action)
            if self._offered[key] is action and key != "palette":
                yield self._entry(key, where, action)
        for key in ACTIONS:
            if key not in self._offered and key != "palette":
                self._offered[key] = self._commands[key]
                yield self._entry(key, "", self._commands[key])

    def _entry(self, key: str, where: str, action: QAction) -> PaletteEntry:
        obstacle = self._obstacles.find(key)
        info = ACTIONS.get(key)
        return PaletteEntry(
            key,
            _plain(action),
            where,
            " or ".join(_native(keys) for keys in action.shortcuts()),
            obstacle,
            action.isEnabled() and not obstacle,
            is_on=action.isChecked() if action.isCheckable() else None,
            # An action that says what it would undo is still found by its usual name.
            also=info.text.replace("&", "") if info is not None else "",
        )

    def _cell_entries(self) -> Iterator[PaletteEntry]:
        for cell_type in self._session.types.all_types():
            ports = (*cell_type.inputs, *cell_type.outputs)
            yield PaletteEntry(
                f"{_CELL}{cell_type.name}",
                f"Add {cell_type.name}",
                "Cell",
                obstacle=cell_type.problem or "",
                is_enabled=not cell_type.problem,
                category=cell_type.category or "flow",
                also=" ".join({kind: None for port in ports for kind in port.kinds}),
            )

    # ------------------------------------------------------------------ what is chosen

    def _do(self, key: str) -> None:
        QSettings().setValue(SETTING, list(with_used(_recent(), key)))
        if key.startswith(_CELL):
            self._canvas.add_cell(key.removeprefix(_CELL))
            self._canvas.setFocus()
        elif key in self._offered:
            self._offered[key].trigger()


def _actions_of_bar(bar: QMenuBar) -> Iterator[tuple[str, QAction]]:
    for action in bar.actions():
        menu = action.menu()
        if isinstance(menu, QMenu):
            yield from _actions_of(menu, _plain(action))


def _actions_of(menu: QMenu, where: str) -> Iterator[tuple[str, QAction]]:
    menu.aboutToShow.emit()  # some are filled only when they open
    for action in menu.actions():
        inner = action.menu()
        if isinstance(inner, QMenu):
            yield from _actions_of(inner, f"{where} › {_plain(action)}")
        elif not action.isSeparator() and action.isVisible():
            yield where, action


def _plain(action: QAction) -> str:
    """The text of an action without the marks of its letter."""
    return action.text().replace("&&", "\0").replace("&", "").replace("\0", "&")


def _native(keys: QKeySequence) -> str:
    return keys.toString(QKeySequence.SequenceFormat.NativeText)


def _recent() -> tuple[str, ...]:
    kept = QSettings().value(SETTING)
    if isinstance(kept, str):  # a list of one comes back as its text
        return (kept,)
    return tuple(key for key in kept if isinstance(key, str)) if isinstance(kept, list) else ()

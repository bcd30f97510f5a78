"""What can be done in the window: each action with its text, its keys and its icon, in one table.

Actions with a key that people also type, such as D, work while the canvas has the focus, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from pypipeline_studio.theme.colours import theme
from pypipeline_studio.theme.icons import icon


@dataclass(frozen=True)
class ActionInfo:
    """One action."""

    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    colour: str = "text2"
    in_canvas: bool = False
    """Whether its keys work in the canvas only."""
    is_checkable: bool = False


ACTIONS: Final[dict[str, ActionInfo]] = {
    "new": ActionInfo("&New", ("Ctrl+N",), "file-plus"),
    "open": ActionInfo("&Open …", ("Ctrl+O",), "folder-open"),
    "save": ActionInfo("&Save", ("Ctrl+S",), "floppy-disk"),
    "save_as": ActionInfo("Save &as …", ("Ctrl+Shift+S",)),
    "export_picture": ActionInfo("&Picture …", ("Ctrl+E",), "image"),
    "export_python": ActionInfo("Python &program …", (), "code"),
    "copy_python": ActionInfo("Copy as P&ython"),
    "copy_command": ActionInfo("&Copy the command for a headless run", ("Ctrl+Shift+E",), "terminal-window"),
    "new_cell": ActionInfo("New &cell …", ("Ctrl+Shift+N",), "puzzle-piece"),
    "export_table": ActionInfo("S&tatistics …", (), "table"),
    "export_history": ActionInfo("Figures over t&ime …", (), "chart-line"),
    "export_plots": ActionInfo("P&lots …", (), "image"),
    "recover": ActionInfo("&Recover edits …"),
    "restore_tabs": ActionInfo("Open &tabs again at the next start", is_checkable=True),
    "close": ActionInfo("&Close", ("Ctrl+W",), "x"),
    "close_others": ActionInfo("Close ot&hers"),
    "quit": ActionInfo("&Quit", ("Ctrl+Q",)),
    "undo": ActionInfo("&Undo", ("Ctrl+Z",), "arrow-counter-clockwise"),
    "redo": ActionInfo("&Redo", ("Ctrl+Y", "Ctrl+Shift+Z"), "arrow-clockwise"),
    "cut": ActionInfo("Cu&t", ("Ctrl+X",), "scissors", in_canvas=True),
    "copy": ActionInfo("&Copy", ("Ctrl+C",), "copy", in_canvas=True),
    "paste": ActionInfo("&Paste", ("Ctrl+V",), "clipboard", in_canvas=True),
    "duplicate": ActionInfo("D&uplicate", ("Ctrl+D",), in_canvas=True),
    "remove": ActionInfo("&Delete", ("Del", "Backspace"), "trash", in_canvas=True),
    "select_all": ActionInfo("Select &all", ("Ctrl+A",), in_canvas=True),
    "disable": ActionInfo("D&isable", ("D",), "prohibit", in_canvas=True),
    "bypass": ActionInfo("&Bypass", ("B",), "arrow-bend-up-right", in_canvas=True),
    "rename": ActionInfo("&Rename", ("F2",), "pencil-simple", in_canvas=True),
    "find": ActionInfo("&Find …", ("Ctrl+F",), "magnifying-glass"),
    "find_next": ActionInfo("Find &next", ("F3",)),
    "find_previous": ActionInfo("Find pre&vious", ("Shift+F3",)),
    "preferences": ActionInfo("Pre&ferences …", ("Ctrl+,",), "gear"),
    "add_cell": ActionInfo("&Add a cell …", ("Tab", "Shift+A"), "plus", in_canvas=True),
    "wires": ActionInfo("Connect or dis&connect …", ("W",), "link-simple", in_canvas=True),
    "enter": ActionInfo("&Enter the nested pipeline", ("Return",), "stack", in_canvas=True),
    "leave": ActionInfo("&Leave the nested pipeline", ("Alt+Up",), "arrow-up", in_canvas=True),
    "group": ActionInfo("&Group into a nested pipeline", ("Ctrl+G",), "stack", in_canvas=True),
    "expand": ActionInfo("E&xpand the nested pipeline", ("Ctrl+Shift+G",), "arrows-out", in_canvas=True),
    "ports": ActionInfo("&Ports of the pipeline …", ("Shift+P",), in_canvas=True),
    "comment": ActionInfo("Add a co&mment box", ("C",), "note", in_canvas=True),
    "colour": ActionInfo("C&olour …", ("K",), "palette", in_canvas=True),
    "lay_out": ActionInfo("&Lay out", ("Ctrl+Shift+F",), "tree-structure", in_canvas=True),
    "align_left": ActionInfo("&Left edges", ("Ctrl+Shift+Left",), "align-left", in_canvas=True),
    "align_centre": ActionInfo("&Centres", (), "align-center-horizontal", in_canvas=True),
    "align_right": ActionInfo("&Right edges", ("Ctrl+Shift+Right",), "align-right", in_canvas=True),
    "align_top": ActionInfo("&Top edges", ("Ctrl+Shift+Up",), "align-top", in_canvas=True),
    "align_middle": ActionInfo("&Middles", (), "align-center-vertical", in_canvas=True),
    "align_bottom": ActionInfo("&Bottom edges", ("Ctrl+Shift+Down",), "align-bottom", in_canvas=True),
    "distribute_horizontally": ActionInfo("Equal gaps &horizontally", ("Ctrl+Shift+H",), in_canvas=True),
    "distribute_vertically": ActionInfo("Equal gaps &vertically", ("Ctrl+Shift+J",), in_canvas=True),
    "open_source": ActionInfo("&Open the source", ("F4",), "code", in_canvas=True),
    "help": ActionInfo("&Help on the cell", ("F1",), "question"),
    "fit_all": ActionInfo("Show &all", ("Home",), "corners-out", in_canvas=True),
    "fit_selection": ActionInfo("Show the &selection", ("F",), in_canvas=True),
    "zoom_in": ActionInfo("Zoom &in", ("Ctrl+=", "Ctrl++"), "magnifying-glass-plus"),
    "zoom_out": ActionInfo("Zoom &out", ("Ctrl+-",), "magnifying-glass-minus"),
    "zoom_reset": ActionInfo("&100 %", ("Ctrl+0",)),
    "next_tab": ActionInfo("&Next tab", ("Ctrl+Tab", "Ctrl+PgDown")),
    "previous_tab": ActionInfo("Pre&vious tab", ("Ctrl+Shift+Tab", "Ctrl+PgUp")),
    "live": ActionInfo("&Live figures", (), "broadcast", is_checkable=True),
    "heat": ActionInfo("&Heat", (), "flame", is_checkable=True),
    "safe_heat": ActionInfo("Heat for &colour-blind people", (), is_checkable=True),
    "dark": ActionInfo("&Dark theme", (), "moon", is_checkable=True),
    "minimap": ActionInfo("&Map of the graph", ("M",), "map-trifold", in_canvas=True, is_checkable=True),
    "breakpoint": ActionInfo("&Breakpoint", ("F9",), "octagon"),
    "edit_breakpoint": ActionInfo("&Condition of a breakpoint …", ("Ctrl+F9",)),
    "preview": ActionInfo("Pre&view", ("P",), "eye", in_canvas=True, is_checkable=True),
    "preview_all": ActionInfo("&Previews of all images", (), "image", is_checkable=True),
    "run": ActionInfo("&Run", ("F5",), "play-fill", "ok"),
    "pause": ActionInfo("&Pause", ("F6",), "pause-fill"),
    "step": ActionInfo("S&tep", ("F10",), "skip-forward-fill"),
    "stop": ActionInfo("&Stop", ("F7",), "stop-fill", "error"),
    "show_limit": ActionInfo("Show what &limits", ("Ctrl+B",), "flame"),
    "tune": ActionInfo("T&une …", ("Shift+F5",), "gauge"),
    "attach": ActionInfo("&Attach to a running pipeline …", (), "link"),
    "ray_cluster": ActionInfo("Ray &cluster …", (), "share-network"),
    "restart_engine": ActionInfo("Restart the &engine", (), "arrows-clockwise"),
    "palette": ActionInfo("Command &palette …", ("Ctrl+Shift+P",), "magnifying-glass"),
    "shortcuts": ActionInfo("&Shortcuts", ("?",), "keyboard", in_canvas=True),
}
"""By key, in the order of the list of shortcuts."""


class Actions(QObject):
    """The actions of a window, by their keys in `ACTIONS`."""

    def __init__(self, window: QWidget, canvas: QWidget) -> None:
        super().__init__(window)
        self._actions: dict[str, QAction] = {}
        for key, info in ACTIONS.items():
            action = QAction(info.text, self)
            action.setObjectName(key)
            action.setCheckable(info.is_checkable)
            owner = canvas if info.in_canvas else window
            action.setShortcutContext(
                Qt.ShortcutContext.WidgetWithChildrenShortcut if info.in_canvas else Qt.ShortcutContext.WindowShortcut
            )
            owner.addAction(action)
            self._actions[key] = action
            self.set_keys(key, info.keys)
        self._restyle()
        theme.changed.connect(self._restyle)

    def __getitem__(self, key: str) -> QAction:
        return self._actions[key]

    def on(self, key: str, do: Callable[[], object]) -> None:
        """Say what an action does."""
        self._actions[key].triggered.connect(lambda _checked=False: do())

    def keys(self, key: str) -> tuple[str, ...]:
        """The keys that do an action, as portable text."""
        return tuple(keys.toString(QKeySequence.SequenceFormat.PortableText) for keys in self._actions[key].shortcuts())

    def set_keys(self, key: str, keys: Sequence[str]) -> None:
        """Give an action other keys; its tooltip says them."""
        action = self._actions[key]
        action.setShortcuts([QKeySequence(text) for text in keys])
        name = ACTIONS[key].text.replace("&", "").rstrip(" …")
        words = " or ".join(QKeySequence(text).toString(QKeySequence.SequenceFormat.NativeText) for text in keys)
        action.setToolTip(f"{name} ({words})" if words else name)

    def _restyle(self) -> None:
        for key, info in ACTIONS.items():
            if info.icon:
                self._actions[key].setIcon(icon(info.icon, info.colour))

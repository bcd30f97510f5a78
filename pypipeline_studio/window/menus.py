"""Where the actions of the window are found: the menu bar and the menus of the canvas, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtWidgets import QMenu, QMenuBar

from pypipeline_studio.window.actions import Actions

SEPARATOR: Final = "-"
EXPORT: Final = "File/Export"
RECENT: Final = "File/Open recent"
EXAMPLES: Final = "File/New from example"
PANELS: Final = "View/Panels"
ALIGN: Final = "Graph/Align"

MENUS: Final[dict[str, tuple[str, ...]]] = {
    "&File": (
        "new", "open", RECENT, EXAMPLES, "save", "save_as", EXPORT, "recover", SEPARATOR, "new_cell", SEPARATOR,
        "restore_tabs", "close", "close_others", "quit",
    ),
    "&Edit": (
        "undo", "redo", SEPARATOR, "cut", "copy", "paste", "duplicate", "remove", "select_all", SEPARATOR,
        "disable", "bypass", "rename", SEPARATOR, "find", "find_next", "find_previous",
        SEPARATOR, "preferences",
    ),
    "&View": (
        "fit_all", "fit_selection", "zoom_in", "zoom_out", "zoom_reset", "minimap", SEPARATOR,
        "heat", "safe_heat", "live", "dark", "preview_all", SEPARATOR, "next_tab", "previous_tab", SEPARATOR, PANELS,
    ),
    "&Graph": (
        "add_cell", "wires", "comment", "enter", "leave", "open_source", SEPARATOR, "group", "expand", "ports", SEPARATOR,
        "colour", "lay_out", ALIGN,
    ),
    "&Run": (
        "run", "pause", "step", "stop", SEPARATOR, "breakpoint", "edit_breakpoint", SEPARATOR, "show_limit", "tune",
        SEPARATOR, "attach", "ray_cluster", "restart_engine",
    ),
    "&Help": ("help", "palette", "shortcuts"),
}  # fmt: skip
"""By title, the keys of actions in `ACTIONS`, and the names of menus that are filled when the window is made."""

SUBMENUS: Final[dict[str, str]] = {
    EXPORT: "&Export",
    RECENT: "Open &recent",
    EXAMPLES: "New from e&xample",
    PANELS: "&Panels",
    ALIGN: "Ali&gn",
}
"""The titles of the menus within menus."""

EXPORTS: Final = ("export_picture", "export_python", SEPARATOR, "copy_python", "copy_command")
STATISTICS_EXPORTS: Final = ("export_table", "export_history", "export_plots")

ALIGNMENTS: Final = (
    "align_left", "align_centre", "align_right", SEPARATOR, "align_top", "align_middle", "align_bottom", SEPARATOR,
    "distribute_horizontally", "distribute_vertically",
)  # fmt: skip

OF_CELLS: Final = (
    "rename", "enter", "wires", SEPARATOR, "cut", "copy", "duplicate", "remove", SEPARATOR, "disable", "bypass", SEPARATOR,
    "preview", "breakpoint", "edit_breakpoint", SEPARATOR, "group", "expand", "comment", "colour", "lay_out", ALIGN,
    SEPARATOR, "open_source", "help",
)  # fmt: skip
"""What the menu of one or several cells offers."""
OF_WATCHED_CELLS: Final = (
    "enter", "copy", SEPARATOR, "preview", "breakpoint", "edit_breakpoint", SEPARATOR, "open_source", "help",
)  # fmt: skip
"""The same where the graph is that of a run which was started elsewhere."""
OF_WATCHED_CANVAS: Final = (
    "select_all", "leave", "fit_all", "zoom_reset", SEPARATOR, "heat", "safe_heat", "preview_all", SEPARATOR, "show_limit",
)  # fmt: skip
OF_COMMENTS: Final = ("colour", SEPARATOR, "cut", "copy", "duplicate", "remove")
"""What the menu of comment boxes offers beside their text."""
OF_CANVAS: Final = (
    "add_cell", "comment", "paste", "select_all", "remove", SEPARATOR, "lay_out", "fit_all", SEPARATOR, *EXPORTS,
)  # fmt: skip
"""What the menu of the empty canvas offers."""


def fill(menu: QMenu, commands: Actions, keys: Sequence[str]) -> Mapping[str, QMenu]:
    """Put actions into a menu.

    :returns: the menus within it, by name.
    """
    submenus = {}
    for key in keys:
        if key == SEPARATOR:
            menu.addSeparator()
        elif key in SUBMENUS:
            submenus[key] = menu.addMenu(SUBMENUS[key])
            if key == ALIGN:
                fill(submenus[key], commands, ALIGNMENTS)
        else:
            menu.addAction(commands[key])
    return submenus


def fill_bar(bar: QMenuBar, commands: Actions) -> Mapping[str, QMenu]:
    """Make the menus of a window.

    :returns: the menus within them, by name; that of exports is filled.
    """
    submenus: dict[str, QMenu] = {}
    for title, keys in MENUS.items():
        submenus |= fill(bar.addMenu(title), commands, keys)
    fill(submenus[EXPORT], commands, (*EXPORTS, SEPARATOR, *STATISTICS_EXPORTS))
    return submenus

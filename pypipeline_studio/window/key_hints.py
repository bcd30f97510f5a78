"""Keys that are named elsewhere than at actions: in tooltips of the inspector, in the library, on the first page."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from pypipeline_studio.panels.first_run import FirstRun
from pypipeline_studio.panels.inspector import InspectorPanel
from pypipeline_studio.panels.library import LibraryPanel
from pypipeline_studio.window.keymap import Keymap, native


class KeyHints(QObject):
    """Names the keys that actions have now."""

    def __init__(
        self, keymap: Keymap, inspector: InspectorPanel, library: LibraryPanel, first_run: FirstRun, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._keymap = keymap
        self._library = library
        self._first_run = first_run
        self._named: tuple[tuple[str, QWidget], ...] = (
            ("disable", inspector.state.disabled),
            ("disable", inspector.several.flags["disabled"][0]),
            ("bypass", inspector.state.bypassed),
            ("bypass", inspector.several.flags["bypassed"][0]),
            ("rename", inspector.head.pencil),
        )
        keymap.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        for key, widget in self._named:
            widget.setToolTip(with_keys(widget.toolTip(), self._first(key)))
        self._library.search_field.show_keys(self._first("add_cell"))
        self._first_run.set_tab_adds("Tab" in self._keymap.keys("add_cell"))
        self._first_run.show_keys(*map(self._first, ("add_cell", "open", "run", "shortcuts")))

    def _first(self, key: str) -> str:
        keys = self._keymap.keys(key)
        return native(keys[0]) if keys else ""


def with_keys(tip: str, keys: str) -> str:
    """A tooltip with other keys in brackets behind it, or with none."""
    words = tip[: tip.rindex(" (")] if tip.endswith(")") and " (" in tip else tip
    return f"{words} ({keys})" if keys else words

"""The list of keys and gestures, in which every action can be given other keys."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QSizePolicy,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from pypipeline_studio.document.matching import match
from pypipeline_studio.panels.key_recorder import KeyRecorder
from pypipeline_studio.panels.search_field import SearchField
from pypipeline_studio.panels.widgets import Label, Rule, clear_layout, column, push_button, row
from pypipeline_studio.theme.colours import colour, hex_of, theme
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.window.actions import ACTIONS
from pypipeline_studio.window.keymap import FIXED, Keymap, native
from pypipeline_studio.window.menus import EXPORT, EXPORTS, MENUS

GESTURES: Final = (
    ("Pan", "middle-drag, or Space and drag"),
    ("Zoom", "wheel"),
    ("Add a cell", "double-click on the canvas, or drag it from the list"),
    ("Connect", "drag from port to port, or to empty canvas for what fits"),
    ("Put a cell into a connection", "drop it on the connection"),
    ("Remove a connection", "double-click on it, or drag its end away"),
    ("Remove several connections", "Alt+Shift and drag across them"),
    ("Select several", "Shift or Ctrl and click, or drag over them"),
    ("Enter a nested pipeline", "double-click on it"),
    ("Move a comment box", "drag its title; Alt leaves what lies in it"),
    ("Give a pipeline a port", "drag a wire to its Inputs or Outputs"),
    ("Move the selected cells", "drag, or the arrow keys; with Shift to the pixel"),
    ("Select the neighbour", "Ctrl and an arrow key"),
)
_GROUP_OF_MOUSE: Final = "Mouse and arrow keys"
_OTHERS: Final = "Others"
_ROW: Final = QSize(0, 24)
_ROLE: Final = Qt.ItemDataRole.UserRole


class ShortcutsDialog(QDialog):
    """Shows what the keys and the mouse do, and changes what the keys do."""

    def __init__(self, keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keymap = keymap
        self._wanted = ""  # keys that belong to another action
        self.setWindowTitle("Shortcuts")
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(680, 620)
        self.search_field = SearchField("Search actions and keys")
        self.search_field.setPlaceholderText("Search actions and keys")
        self.list = QTreeWidget()
        self.list.setAccessibleName("Actions with their keys")
        self.list.setColumnCount(2)
        self.list.setHeaderLabels(["Action", "Keys"])
        self.list.setRootIsDecorated(False)
        self.list.setIndentation(12)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.header().setStretchLastSection(True)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        self.list.setColumnWidth(0, 250)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._title = Label("", 12, 600, elides=True)
        self._keys = QHBoxLayout()
        self._keys.setSpacing(6)
        self.recorder = KeyRecorder()
        self.reset_button = push_button("Reset", tip="Give this action its usual keys")
        self._note = Label("", 11, 400, "text3", wraps=True)
        self._note.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.take_button = push_button("Take them away", is_primary=True)
        self.keep_button = push_button("Leave them")
        self.reset_all_button = push_button("Reset all", tip="Give every action its usual keys")
        self.close_button = push_button("Close", is_primary=True)
        self._lay_out()
        self._connect()
        self._fill()
        self._show_action()
        self.search_field.setFocus()

    def _lay_out(self) -> None:
        holder = QWidget()
        holder.setLayout(self._keys)
        self._keys.setContentsMargins(0, 0, 0, 0)
        self._editor = column(
            self._title,
            row(holder, self.recorder, self.reset_button, None),
            row(self._note, self.keep_button, self.take_button),
        )
        self._editor.setFixedHeight(104)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        for part in (self.search_field, self.list, Rule(), self._editor, Rule()):
            layout.addWidget(part, 1 if part is self.list else 0)
        layout.addWidget(row(self.reset_all_button, None, self.close_button))

    def _connect(self) -> None:
        self.search_field.textChanged.connect(self._filter)
        self.search_field.moved.connect(self._move)
        self.search_field.accepted.connect(lambda: self.recorder.setFocus())
        self.search_field.left.connect(self.close)
        self.list.currentItemChanged.connect(self._show_action)
        self.list.itemActivated.connect(self._record)
        self.recorder.recorded.connect(self._take)
        self.reset_button.clicked.connect(lambda: self._keymap.reset(self._key))
        self.take_button.clicked.connect(self._take_away)
        self.keep_button.clicked.connect(self._show_action)
        self.reset_all_button.clicked.connect(self._keymap.reset_all)
        self.close_button.clicked.connect(self.close)
        self._keymap.changed.connect(self._follow_keys)
        theme.changed.connect(self._restyle)

    # ------------------------------------------------------------------ the list

    def _fill(self) -> None:
        left: dict[str, None] = dict.fromkeys(ACTIONS)
        groups: dict[str, list[str]] = {
            title.replace("&", ""): [
                own for key in keys for own in (EXPORTS if key == EXPORT else (key,)) if own in ACTIONS
            ]
            for title, keys in MENUS.items()
        }
        for keys in groups.values():
            for key in keys:
                left.pop(key, None)
        groups[_OTHERS] = list(left)
        for title, keys in groups.items():
            if keys:
                group = self._add_group(title)
                for key in keys:
                    item = QTreeWidgetItem(group, [_name(key), ""])
                    item.setData(0, _ROLE, key)
                    item.setSizeHint(0, _ROW)
                    self._items[key] = item
        group = self._add_group(_GROUP_OF_MOUSE)
        for what, how in GESTURES:
            item = QTreeWidgetItem(group, [what, how])
            item.setToolTip(1, how)
            item.setSizeHint(0, _ROW)
        self.list.expandAll()
        self._restyle()
        self.list.setCurrentItem(next(iter(self._items.values())))

    def _add_group(self, title: str) -> QTreeWidgetItem:
        group = QTreeWidgetItem(self.list, [title])
        group.setFlags(Qt.ItemFlag.ItemIsEnabled)
        group.setFont(0, font(11, 600))
        group.setSizeHint(0, _ROW)
        return group

    def _restyle(self) -> None:
        self.list.setStyleSheet(
            f"QTreeView::item {{ border: 0; }}"
            f"QTreeView::item:selected {{ background: {hex_of('accent_soft')}; color: {hex_of('text')}; }}"
        )
        self._follow_keys()

    def _follow_keys(self) -> None:
        for index in range(self.list.topLevelItemCount()):
            group = self.list.topLevelItem(index)
            assert group is not None
            group.setForeground(0, colour("text3"))
        for key, item in self._items.items():
            is_changed = self._keymap.is_changed(key)
            item.setText(1, " or ".join(native(keys) for keys in self._keymap.keys(key)) or "–")
            item.setFont(1, font(12, 600 if is_changed else 400))
            item.setForeground(1, colour("accent" if is_changed else "text"))
            usual = " or ".join(native(keys) for keys in ACTIONS[key].keys) or "none"
            item.setToolTip(1, f"Usually {usual}" if is_changed else "")
        self._show_action()

    def _filter(self, text: str) -> None:
        for index in range(self.list.topLevelItemCount()):
            group = self.list.topLevelItem(index)
            assert group is not None
            shown = 0
            for place in range(group.childCount()):
                item = group.child(place)
                is_hit = match(item.text(0), text) is not None or text.casefold().strip() in item.text(1).casefold()
                item.setHidden(not is_hit)
                shown += is_hit
            group.setHidden(not shown)
        found = next((item for item in self._items.values() if not item.isHidden()), None)
        if found is not None and text:
            self.list.setCurrentItem(found)

    def _move(self, direction: int) -> None:
        item = self.list.currentItem()
        while item is not None:
            item = self.list.itemBelow(item) if direction > 0 else self.list.itemAbove(item)
            if item is not None and item.data(0, _ROLE):
                self.list.setCurrentItem(item)
                return

    # ------------------------------------------------------------------ one action

    @property
    def _key(self) -> str:
        """The action that is chosen; empty for a gesture."""
        item = self.list.currentItem()
        return str(item.data(0, _ROLE) or "") if item is not None else ""

    def choose(self, key: str) -> None:
        """Choose an action."""
        self.list.setCurrentItem(self._items[key])

    def _record(self, item: QTreeWidgetItem) -> None:
        if item.data(0, _ROLE):
            self.recorder.setFocus()
            self.recorder.setChecked(True)

    def _show_action(self) -> None:
        key, item = self._key, self.list.currentItem()
        self._wanted = ""
        self._title.show_text(item.text(0) if item is not None else "")
        clear_layout(self._keys)
        for keys in self._keymap.keys(key) if key else ():
            button = push_button(f"{native(keys)}  ×", tip=f"Take {native(keys)} away from {_name(key)}")
            button.setAccessibleName(f"Remove {native(keys)}")
            button.clicked.connect(lambda _checked=False, key=key, keys=keys: self._keymap.remove(key, keys))
            self._keys.addWidget(button)
        self.recorder.setVisible(bool(key))
        self.reset_button.setVisible(bool(key))
        self.reset_button.setEnabled(bool(key) and self._keymap.is_changed(key))
        self.reset_all_button.setEnabled(any(self._keymap.is_changed(other) for other in ACTIONS))
        where = "These keys work while the canvas has the focus." if key and ACTIONS[key].in_canvas else ""
        self._tell(where if key else "What the mouse and the arrow keys do is fixed.", "text3")

    def _tell(self, text: str, shade: str, can_take: bool = False) -> None:
        self._note.set_colour(shade)
        self._note.show_text(text)
        self.take_button.setVisible(can_take)
        self.keep_button.setVisible(can_take)

    def _take(self, keys: str) -> None:
        """Give the action keys, or say to what these belong."""
        key = self._key
        if not key or not keys:
            return
        owner = self._keymap.owner(keys)
        if keys in FIXED:
            self._tell(f"{native(keys)} {FIXED[keys]}, and cannot do anything else. Choose other keys.", "warn")
        elif owner is None:
            self._keymap.add(key, keys)
        elif owner != key:
            self._wanted = keys
            self._tell(f"{native(keys)} belongs to {_name(owner)}.", "warn", can_take=True)
            self.take_button.setFocus()

    def _take_away(self) -> None:
        if self._wanted:
            self._keymap.add(self._key, self._wanted)
            self.recorder.setFocus()


def _name(key: str) -> str:
    return ACTIONS[key].text.replace("&", "").rstrip(" …")

"""Choosing a type of cells at a place of the canvas."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QListWidgetItem, QWidget

from pypipeline_engine.catalogue.model import CellType
from pypipeline_engine.numbers import counted
from pypipeline_studio.document.search import search
from pypipeline_studio.panels.cell_rows import ENTRY_ROLE, ROW_PX, CellRowDelegate, cell_tooltip, spoken_ports
from pypipeline_studio.panels.search_frame import SearchFrame

_WIDTH_PX = 288
_ROWS = 9


class CellSearchPopup(SearchFrame):
    """A search over types of cells."""

    chosen = Signal(str)
    """The name of a type; the popup is closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Add a cell", "Cells that match", wraps_note=True, parent=parent)
        self._types: tuple[CellType, ...] = ()
        self._note_text = ""
        self.list.setItemDelegate(CellRowDelegate(self.list, 10))

    def open_at(self, viewport: QWidget, point: QPoint, types: Sequence[CellType], note: str = "") -> None:
        """Show the popup with its upper left corner at a point of a widget, moved into the screen where it would leave it.

        :param types: those to choose from.
        :param note: why these, such as `Cells that take boxes`; empty for all.
        """
        self._types = tuple(types)
        self._note_text = note
        self.search_field.clear()
        self.search_field.setPlaceholderText(f"Search {counted(len(self._types), 'cell')}")
        self._show()
        # What is typed only makes it lower: the place for all cells stays a good one.
        self._open_at(viewport.mapToGlobal(point), viewport)

    def _show(self) -> None:
        found = search(self._types, self.search_field.text())
        self.list.clear()
        for cell_type in found:
            item = QListWidgetItem(cell_type.class_name)
            item.setData(ENTRY_ROLE, cell_type)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{cell_type.class_name}: {spoken_ports(cell_type)}")
            item.setToolTip(cell_tooltip(cell_type))
            self.list.addItem(item)
        if found:
            self.list.setCurrentRow(0)
        if found:
            self.note.show_text(self._note_text or "Enter adds the cell, Esc closes")
        else:
            self.note.show_text("No cell matches: try a part of its name, a category or a kind of value")
        self.list.setFixedHeight(min(len(found), _ROWS) * ROW_PX)
        self.list.setVisible(bool(found))
        self._fit()

    def _fit(self) -> None:
        """Be as high as what is shown, which depends on the width where the note wraps."""
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.resize(_WIDTH_PX, layout.totalHeightForWidth(_WIDTH_PX))

    def _choose(self, item: QListWidgetItem) -> None:
        cell_type = item.data(ENTRY_ROLE)
        # Closed first: whoever adds the cell may give the focus to the canvas.
        self.close()
        self.chosen.emit(cell_type.name)

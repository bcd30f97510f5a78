"""Which columns of the statistics are shown: a menu of the head of the table."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QMenu, QTableView

from pypipeline_studio.panels.statistics_model import CELL, COLUMNS, GIL, P99, SKIPPED

HIDDEN_FIRST: Final = frozenset({P99, GIL, SKIPPED})
"""What most people do not ask for."""


class StatisticsColumns(QObject):
    """Shows and hides the columns of a table; that with the names is always shown."""

    changed = Signal()
    """Other columns are shown."""

    def __init__(self, table: QTableView) -> None:
        super().__init__(table)
        self._table = table
        head = table.horizontalHeader()
        head.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        head.customContextMenuRequested.connect(self._open_menu)
        for column in HIDDEN_FIRST:
            table.setColumnHidden(column, True)

    @property
    def hidden(self) -> frozenset[int]:
        """The columns that are not shown."""
        return frozenset(column for column in range(len(COLUMNS)) if self._table.isColumnHidden(column))

    @property
    def needed_px(self) -> int:
        """How wide the columns that are shown are at least, all together."""
        return sum(about.width_px for column, about in enumerate(COLUMNS) if column not in self.hidden)

    @property
    def settings(self) -> str:
        """The titles of the columns that are not shown, to be kept."""
        return ",".join(COLUMNS[column].title for column in sorted(self.hidden))

    def restore(self, settings: str) -> None:
        """Hide the columns that were kept, and show all others."""
        titles = settings.split(",")
        for column, about in enumerate(COLUMNS):
            self._table.setColumnHidden(column, column != CELL and about.title in titles)
        self.changed.emit()

    def set_shown(self, column: int, is_shown: bool) -> None:
        """Show a column, or hide it."""
        if column != CELL and self._table.isColumnHidden(column) == is_shown:
            self._table.setColumnHidden(column, not is_shown)
            self.changed.emit()

    def fill(self, menu: QMenu) -> None:
        """Put a line for each column into a menu."""
        for column, about in enumerate(COLUMNS):
            action = menu.addAction(about.title)
            action.setToolTip(about.doc)
            action.setCheckable(True)
            action.setChecked(column not in self.hidden)
            action.setEnabled(column != CELL)
            action.toggled.connect(lambda is_shown, column=column: self.set_shown(column, is_shown))
        menu.addSeparator()
        menu.addAction("Show the usual ones").triggered.connect(
            lambda: self.restore(",".join(COLUMNS[column].title for column in sorted(HIDDEN_FIRST)))
        )

    def _open_menu(self, point: QPoint) -> None:
        menu = QMenu(self._table)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.fill(menu)
        menu.popup(self._table.horizontalHeader().mapToGlobal(point))

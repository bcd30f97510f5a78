"""The figures of the cells of a run as the rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from pypipeline_engine.host.protocol import CellFigures, Snapshot
from pypipeline_engine.numbers import UNKNOWN, count, counted, duration, rate, share
from pypipeline_studio.theme.fonts import font

ROW_ROLE: Final = Qt.ItemDataRole.UserRole
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
_SomeIndex = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class StatisticsRow:
    """One cell of a run."""

    name: str
    category: str
    figures: CellFigures
    is_limit: bool = False

    @property
    def nb_errors(self) -> int:
        """How often it failed. What was skipped is another figure: it has failures in it, and what a filter leaves out."""
        return self.figures.errors

    @property
    def queue_fill(self) -> float | None:
        """How full its queue is, 0 to 1; `None` where it has none."""
        queued, capacity = self.figures.queued, self.figures.queue_capacity
        return queued / capacity if queued is not None and capacity else None


@dataclass(frozen=True)
class Column:
    """A column: what it shows, and by what its rows are sorted; rows for which that is `None` come last."""

    title: str
    width_px: int
    text: Callable[[StatisticsRow], str]
    key: Callable[[StatisticsRow], Any]
    is_number: bool = True
    doc: str = ""


def _workers(row: StatisticsRow) -> str:
    figures = row.figures
    if figures.method == "inline":
        return "inline"
    if figures.method == "ray":
        return f"{figures.workers} Ray"
    return counted(figures.workers, "thread" if figures.method == "thread" else "clone")


def _queue(row: StatisticsRow) -> str:
    figures = row.figures
    return UNKNOWN if row.queue_fill is None else f"{figures.queued}/{figures.queue_capacity}"


COLUMNS: Final = (
    Column("Cell", 124, lambda row: row.name, lambda row: row.name.casefold(), False),
    Column("Rate", 68, lambda row: rate(row.figures.rate_hz), lambda row: row.figures.rate_hz, doc="Items per second"),
    Column(
        "Load",
        140,
        lambda row: share(row.figures.busy),
        # Whole per cent, as they are shown: rows that look alike do not change their places.
        lambda row: (row.is_limit, round(100 * row.figures.busy)),
        False,
        "Shares of the time of its workers",
    ),
    Column(
        "p50",
        66,
        lambda row: duration(row.figures.latency_p50_s),
        lambda row: row.figures.latency_p50_s,
        doc="Half of the items take at most so long",
    ),
    Column(
        "p95",
        66,
        lambda row: duration(row.figures.latency_p95_s),
        lambda row: row.figures.latency_p95_s,
        doc="95 % of the items take at most so long",
    ),
    Column("Queue", 92, _queue, lambda row: row.queue_fill, False, "Items that wait, of those that may"),
    Column("Workers", 76, _workers, lambda row: row.figures.workers, False, "What runs the cell"),
    Column("CPU", 58, lambda row: share(row.figures.cpu), lambda row: row.figures.cpu, doc="100 % is one full core"),
    Column("Items", 94, lambda row: count(row.figures.items), lambda row: row.figures.items, doc="Since the start"),
    Column("Errors", 64, lambda row: count(row.nb_errors), lambda row: row.nb_errors, doc="How often it failed"),
)
CELL, RATE, LOAD, P50, P95, QUEUE, WORKERS, CPU, ITEMS, ERRORS = range(len(COLUMNS))
FALLS_FIRST: Final = frozenset({RATE, LOAD, P50, P95, QUEUE, WORKERS, CPU, ITEMS, ERRORS})
"""The columns whose greatest values are wanted first."""


class StatisticsModel(QAbstractTableModel):
    """The cells of the latest snapshot, sorted by a column.

    Another snapshot changes values and the order, and keeps selections; only other cells begin anew.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[StatisticsRow] = []
        self._column = LOAD
        self._falls = True

    @property
    def sorting(self) -> tuple[int, bool]:
        """The column by which the rows are sorted, and whether the greatest comes first."""
        return self._column, self._falls

    def show_snapshot(self, snapshot: Snapshot | None, categories: Mapping[str, str]) -> None:
        """Take another snapshot; `None` for no run."""
        limits = snapshot.bottleneck.cells if snapshot is not None and snapshot.bottleneck is not None else ()
        cells = snapshot.cells if snapshot is not None else {}
        found = {
            name: StatisticsRow(name, categories.get(name, ""), figures, name in limits)
            for name, figures in cells.items()
        }
        known = [row.name for row in self._rows]
        if set(known) != set(found):
            self.beginResetModel()
            self._rows = self._sorted(list(found.values()))
            self.endResetModel()
            return
        self._rows = [found[name] for name in known]
        self._reorder()
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(COLUMNS) - 1), [])

    def sort_by(self, column: int, falls: bool) -> None:
        """Sort by a column."""
        self._column, self._falls = column, falls
        self._reorder()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)

    def row_of(self, name: str) -> int:
        """The row of a cell; -1 where it is not there."""
        return next((index for index, row in enumerate(self._rows) if row.name == name), -1)

    def _reorder(self) -> None:
        ordered = self._sorted(self._rows)
        if [row.name for row in ordered] == [row.name for row in self._rows]:
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        names = [self._rows[index.row()].name for index in before]
        self._rows = ordered
        after = [self.index(self.row_of(name), index.column()) for name, index in zip(names, before, strict=True)]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _sorted(self, rows: list[StatisticsRow]) -> list[StatisticsRow]:
        key = COLUMNS[self._column].key
        known = [row for row in rows if key(row) is not None]
        return sorted(known, key=key, reverse=self._falls) + [row for row in rows if key(row) is None]

    # ------------------------------------------------------------------ what Qt asks

    def rowCount(self, parent: _SomeIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: _SomeIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: _SomeIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self._rows[index.row()]
        column = COLUMNS[index.column()]
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _explain(row, index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.is_number else _LEFT
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            mark = f"  {'↓' if self._falls else '↑'}" if section == self._column else ""
            return f"{column.title}{mark}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{column.doc or column.title}. Click to sort."
        if role == Qt.ItemDataRole.FontRole:
            return font(11, 500)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.is_number else _LEFT
        return None


def _explain(row: StatisticsRow, column: int) -> str:
    figures = row.figures
    if column == LOAD:
        return f"busy {share(figures.busy)}, starved {share(figures.starved)}, blocked {share(figures.blocked)}"
    if column == WORKERS:
        return f"runs in {figures.station}" if figures.method == "inline" else ""
    if column == ERRORS and (figures.errors or figures.skipped):
        return f"{counted(figures.errors, 'error')}, {counted(figures.skipped, 'skipped item')}"
    return row.name if column == CELL else ""

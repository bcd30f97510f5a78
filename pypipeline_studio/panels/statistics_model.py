"""The figures of the cells of a run as the rows of a table, with those of their clones below where that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from pypipeline_engine.host.protocol import CellFigures, CloneFigures, Snapshot
from pypipeline_engine.numbers import UNKNOWN, count, counted, duration, rate, share
from pypipeline_studio.theme.fonts import font

ROW_ROLE: Final = Qt.ItemDataRole.UserRole
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
_SomeIndex = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class StatisticsRow:
    """One cell of a run, or one of its clones."""

    name: str
    """That of the cell."""
    type_name: str
    """Its type, or the category of that."""
    figures: CellFigures
    is_limit: bool = False
    clone: str = ""
    """The name of the clone, such as `#2`; empty for a cell as a whole."""
    is_open: bool = False
    """Whether the clones of the cell are shown below."""

    @property
    def category(self) -> str:
        """That of its type."""
        return (self.type_name.rpartition(".")[0] or self.type_name).rpartition(".")[2]

    @property
    def label(self) -> str:
        """What stands in the first column."""
        return self.clone or self.name

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from other rows."""
        return self.name, self.clone

    @property
    def can_open(self) -> bool:
        """Whether it has clones that can be told from the cell as a whole."""
        return len(self.figures.clones) > 1

    @property
    def nb_errors(self) -> int | None:
        """How often it failed; not known of a clone.

        What was skipped is another figure: it has failures in it, and what a filter leaves out.
        """
        return None if self.clone else self.figures.errors

    @property
    def nb_skipped(self) -> int | None:
        """How many items it left out; not known of a clone."""
        return None if self.clone else self.figures.skipped

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
    if row.clone:
        return "Ray" if figures.method == "ray" else "thread"
    if figures.method == "ray":
        return f"{figures.workers} Ray"
    return counted(figures.workers, "thread" if figures.method == "thread" else "clone")


def _queue(row: StatisticsRow) -> str:
    figures = row.figures
    return UNKNOWN if row.queue_fill is None else f"{figures.queued}/{figures.queue_capacity}"


COLUMNS: Final = (
    Column("Cell", 124, lambda row: row.label, lambda row: row.name.casefold(), False),
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
    Column(
        "p99",
        66,
        lambda row: duration(row.figures.latency_p99_s),
        lambda row: row.figures.latency_p99_s,
        doc="99 % of the items take at most so long",
    ),
    Column(
        "GIL",
        58,
        lambda row: share(row.figures.gil),
        lambda row: row.figures.gil,
        doc="For which share of its work it needs the GIL, by estimate",
    ),
    Column(
        "Skipped",
        76,
        lambda row: count(row.nb_skipped),
        lambda row: row.nb_skipped,
        doc="Items that were left out, because of an error or by a filter",
    ),
)
CELL, RATE, LOAD, P50, P95, QUEUE, WORKERS, CPU, ITEMS, ERRORS, P99, GIL, SKIPPED = range(len(COLUMNS))
_MOST_EXPLAINED = 16
FALLS_FIRST: Final = frozenset(range(len(COLUMNS))) - {CELL}
"""The columns whose greatest values are wanted first."""


class StatisticsModel(QAbstractTableModel):
    """The cells of the latest snapshot, sorted by a column; clones stand below their cells, and are not sorted.

    Another snapshot changes values and the order, and keeps selections; only other cells begin anew.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[StatisticsRow] = []
        self._open: set[str] = set()
        self._column = LOAD
        self._falls = True
        self._filter: tuple[str, ...] = ()
        self._shown: tuple[Snapshot | None, Mapping[str, str]] = (None, {})

    @property
    def rows(self) -> tuple[StatisticsRow, ...]:
        """What is shown, in its order."""
        return tuple(self._rows)

    def set_filter(self, text: str) -> None:
        """Show only the cells whose name or type has all of these words in it."""
        words = tuple(text.casefold().split())
        if words != self._filter:
            self._filter = words
            self.show_snapshot(*self._shown)

    def _is_wanted(self, name: str, type_name: str) -> bool:
        text = f"{name} {type_name}".casefold()
        return all(word in text for word in self._filter)

    @property
    def sorting(self) -> tuple[int, bool]:
        """The column by which the rows are sorted, and whether the greatest comes first."""
        return self._column, self._falls

    def show_snapshot(self, snapshot: Snapshot | None, types: Mapping[str, str]) -> None:
        """Take another snapshot; `None` for no run.

        :param types: by full name, the type of each cell, such as `detection.HogPeople`; the category alone will do.
        """
        self._shown = snapshot, types
        limits = snapshot.bottleneck.cells if snapshot is not None and snapshot.bottleneck is not None else ()
        cells = snapshot.cells if snapshot is not None else {}
        found = {
            name: StatisticsRow(name, types.get(name, ""), figures, name in limits, is_open=name in self._open)
            for name, figures in cells.items()
            if self._is_wanted(name, types.get(name, ""))
        }
        known = [row.name for row in self._rows if not row.clone]
        if set(known) != set(found):
            self.beginResetModel()
            self._rows = self._with_clones(self._sorted(list(found.values())))
            self.endResetModel()
            return
        have_clones = {row.name for row in self._rows if row.clone}
        for name, row in found.items():
            if row.is_open or name in have_clones:
                self._fit_clones(row)
        fresh = {row.key: row for row in self._with_clones(list(found.values()))}
        self._rows = [fresh[row.key] for row in self._rows]
        self._reorder()
        self._tell_values()

    def sort_by(self, column: int, falls: bool) -> None:
        """Sort by a column."""
        self._column, self._falls = column, falls
        self._reorder()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)

    def set_open(self, name: str, is_open: bool) -> None:
        """Show the clones of a cell below it, or no longer; they stay so in later snapshots and runs."""
        (self._open.add if is_open else self._open.discard)(name)
        place = self.row_of(name)
        if place >= 0:
            self._rows[place] = replace(self._rows[place], is_open=is_open)
            self._fit_clones(self._rows[place])
            self._tell_values()

    def row_of(self, name: str) -> int:
        """The row of a cell; -1 where it is not there."""
        return self._row_of_key((name, ""))

    def _row_of_key(self, key: tuple[str, str]) -> int:
        return next((index for index, row in enumerate(self._rows) if row.key == key), -1)

    def _fit_clones(self, row: StatisticsRow) -> None:
        """Let rows come and go below a cell, for clones that have."""
        first = self.row_of(row.name) + 1
        wanted = self._with_clones([row])[1:]
        shown = [other for other in self._rows[first:] if other.name == row.name]
        if [other.key for other in shown] == [other.key for other in wanted]:
            return
        if shown:
            self.beginRemoveRows(QModelIndex(), first, first + len(shown) - 1)
            del self._rows[first : first + len(shown)]
            self.endRemoveRows()
        if wanted:
            self.beginInsertRows(QModelIndex(), first, first + len(wanted) - 1)
            self._rows[first:first] = wanted
            self.endInsertRows()

    def _with_clones(self, rows: list[StatisticsRow]) -> list[StatisticsRow]:
        """Rows of cells, with those of their clones below where these are wanted."""
        found = []
        for row in rows:
            found.append(row)
            if row.is_open and row.can_open:
                found += [
                    StatisticsRow(row.name, row.type_name, _as_cell(clone, row.figures), clone=clone.name)
                    for clone in row.figures.clones
                ]
        return found

    def _tell_values(self) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(COLUMNS) - 1), [])

    def _reorder(self) -> None:
        ordered = self._with_clones(self._sorted([row for row in self._rows if not row.clone]))
        if [row.key for row in ordered] == [row.key for row in self._rows]:
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        keys = [self._rows[index.row()].key for index in before]
        self._rows = ordered
        after = [self.index(self._row_of_key(key), index.column()) for key, index in zip(keys, before, strict=True)]
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


def _as_cell(clone: CloneFigures, whole: CellFigures) -> CellFigures:
    """A clone as if it were a cell; what is not known of single clones is that of none."""
    return CellFigures(
        items=clone.items,
        skipped=0,
        errors=0,
        rate_hz=clone.rate_hz,
        busy=clone.busy,
        starved=clone.starved,
        blocked=clone.blocked,
        latency_p50_s=None,
        latency_p95_s=None,
        cpu=clone.cpu,
        method=clone.method,
        workers=1,
        station=whole.station,
    )


def _explain_clones(clones: Sequence[CloneFigures]) -> str:
    """What each clone does, a line each."""
    lines = [f"{clone.name}: {rate(clone.rate_hz)}, busy {share(clone.busy)}" for clone in clones[:_MOST_EXPLAINED]]
    more = len(clones) - len(lines)
    return "\n".join([*lines, f"and {more} more"] if more else lines)


def _explain(row: StatisticsRow, column: int) -> str:
    figures = row.figures
    if column == LOAD:
        return f"busy {share(figures.busy)}, starved {share(figures.starved)}, blocked {share(figures.blocked)}"
    if column == WORKERS:
        return f"runs in {figures.station}" if figures.method == "inline" else _explain_clones(figures.clones)
    if column == ERRORS and not row.clone and (figures.errors or figures.skipped):
        return f"{counted(figures.errors, 'error')}, {counted(figures.skipped, 'skipped item')}"
    return row.name if column == CELL else ""

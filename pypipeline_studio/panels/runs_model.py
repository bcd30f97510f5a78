"""The runs that were recorded, as the rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from pypipeline_engine.numbers import UNKNOWN, count, elapsed, rate, size
from pypipeline_studio.document.run_folder import StoredRun
from pypipeline_studio.theme.colours import colour
from pypipeline_studio.theme.fonts import font

_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
_SomeIndex = QModelIndex | QPersistentModelIndex
KILLED: Final = "no end"
RECORDING: Final = "recording"
UNREADABLE: Final = "unreadable"


@dataclass(frozen=True)
class RunColumn:
    """A column: what it shows, and by what its rows are sorted."""

    title: str
    width_px: int
    text: Callable[[StoredRun], str]
    key: Callable[[StoredRun], Any]
    is_number: bool = False
    doc: str = ""


def local_time(iso: str) -> str:
    """A moment for people, in the time of this place: `2026-03-01 12:30:15`."""
    try:
        return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return UNKNOWN


RUN_COLUMNS: Final = (
    RunColumn("Run", 180, lambda one: one.title, lambda one: one.title.casefold(), doc="Press F2 to give it a name"),
    RunColumn(
        "Graph",
        150,
        lambda one: one.run.graph_name if one.run else UNKNOWN,
        lambda one: one.run.graph_name.casefold() if one.run else "",
    ),
    RunColumn(
        "When",
        158,
        lambda one: local_time(one.run.began_at) if one.run else UNKNOWN,
        lambda one: one.run.began_at if one.run else "",
        doc="When it began",
    ),
    RunColumn(
        "Duration",
        92,
        lambda one: elapsed(one.run.elapsed_s) if one.run else UNKNOWN,
        lambda one: one.run.elapsed_s if one.run else 0.0,
        True,
    ),
    RunColumn(
        "Items",
        84,
        lambda one: count(one.run.sink_items) if one.run else UNKNOWN,
        lambda one: one.run.sink_items if one.run else 0,
        True,
        "What it delivered",
    ),
    RunColumn(
        "Rate",
        76,
        lambda one: rate(one.run.rate_hz) if one.run else UNKNOWN,
        lambda one: (one.run.rate_hz or 0.0) if one.run else 0.0,
        True,
        "Items per second from its start to its end, pauses included",
    ),
    RunColumn(
        "Limit",
        120,
        lambda one: ", ".join(one.run.limits) or UNKNOWN if one.run else UNKNOWN,
        lambda one: one.run.limits if one.run else (),
        doc="What limited it, over all of it",
    ),
    RunColumn("State", 84, lambda one: _state(one), lambda one: _state(one), doc="How it ended"),
    RunColumn(
        "Size",
        76,
        lambda one: size(one.run.size_bytes) if one.run else UNKNOWN,
        lambda one: one.run.size_bytes if one.run else 0,
        True,
        "What its record takes on the disk",
    ),
)
NAME, WHEN, STATE = 0, 2, 7


def _state(stored: StoredRun) -> str:
    if stored.run is None:
        return UNREADABLE
    return stored.run.state or KILLED


class RunsModel(QAbstractTableModel):
    """Recorded runs, the latest first until they are sorted otherwise. Names are edited in place."""

    renamed = Signal(Path, str)
    """The path of a record, and the name that a person gave to it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs: list[StoredRun] = []
        self._sorting = (WHEN, True)
        self.recording: Path | None = None
        """The record that is being written."""

    def show_runs(self, runs: Sequence[StoredRun], recording: Path | None) -> None:
        """Show other runs."""
        self.beginResetModel()
        self.recording = recording
        self._runs = list(runs)
        self._sort()
        self.endResetModel()

    def run_at(self, row: int) -> StoredRun:
        """The run of a row."""
        return self._runs[row]

    def row_of(self, path: Path) -> int:
        """The row of a record; -1 where it is not there."""
        return next((row for row, one in enumerate(self._runs) if one.path == path), -1)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        paths = [self._runs[index.row()].path for index in before]
        self._sorting = (column, order == Qt.SortOrder.DescendingOrder)
        self._sort()
        after = [self.index(self.row_of(path), index.column()) for path, index in zip(paths, before, strict=True)]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _sort(self) -> None:
        column, falls = self._sorting
        self._runs.sort(key=lambda one: (RUN_COLUMNS[column].key(one), RUN_COLUMNS[WHEN].key(one)), reverse=falls)

    # ------------------------------------------------------------------ what Qt asks

    def rowCount(self, parent: _SomeIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._runs)

    def columnCount(self, parent: _SomeIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(RUN_COLUMNS)

    def flags(self, index: _SomeIndex) -> Qt.ItemFlag:
        editable = Qt.ItemFlag.ItemIsEditable if index.column() == NAME else Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | editable

    def data(self, index: _SomeIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        stored, column = self._runs[index.row()], RUN_COLUMNS[index.column()]
        is_recording = stored.path == self.recording and stored.run is not None and stored.run.state is None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return RECORDING if is_recording and index.column() == STATE else column.text(stored)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._explain(stored, is_recording)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.is_number else _LEFT
        if role == Qt.ItemDataRole.FontRole:
            return font(12, 600 if index.column() == NAME and stored.name else 400, tabular=True)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour_of(stored, index.column(), is_recording)
        return None

    def _colour_of(self, stored: StoredRun, column: int, is_recording: bool) -> Any:
        if column == STATE:
            is_bad = stored.run is None or stored.run.state == "failed"
            return colour("error" if is_bad else "ok" if is_recording else "text2")
        return colour(
            "text3" if stored.run is None else "text" if RUN_COLUMNS[column].is_number or column == NAME else "text2"
        )

    @staticmethod
    def _explain(stored: StoredRun, is_recording: bool) -> str:
        if stored.run is None:
            return stored.problem
        lines = [stored.run.limit_text, stored.run.error]
        if stored.run.state is None and not is_recording:
            lines.append("It has no end: its engine was ended, or is still running it.")
        lines += [f"Graph: {stored.run.source}" if stored.run.source else "", str(stored.path)]
        return "\n".join(line for line in lines if line)

    def setData(self, index: _SomeIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        stored = self._runs[index.row()]
        if role != Qt.ItemDataRole.EditRole or str(value) == stored.title:
            return False
        self.renamed.emit(stored.path, str(value))
        return True

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = RUN_COLUMNS[section]
        return {
            Qt.ItemDataRole.DisplayRole: column.title,
            Qt.ItemDataRole.ToolTipRole: f"{column.doc or column.title}. Click to sort.",
            Qt.ItemDataRole.FontRole: font(11, 500),
            Qt.ItemDataRole.TextAlignmentRole: _RIGHT if column.is_number else _LEFT,
        }.get(Qt.ItemDataRole(role))

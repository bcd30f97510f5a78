"""The list of breakpoints: one row each, with its switch, its condition and how often it was met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from pypipeline_engine.numbers import counted
from pypipeline_studio.document.watched import Breakpoint, Place
from pypipeline_studio.panels.row_list import ListRow, RowList
from pypipeline_studio.panels.widgets import PAD_PX, CheckBox, EmptyState, IconView, Label, column, tool_button

EMPTY_TITLE = "No breakpoints"
EMPTY_TEXT = "Select a cell and press F9 to hold its items and look at them."


@dataclass(frozen=True)
class BreakpointRow:
    """One breakpoint, with what the run has told about it."""

    one: Breakpoint
    nb_hits: int = 0
    problem: str = ""
    """Why it does not pause the run, in words."""
    is_held: bool = False
    """Whether it holds an item."""


class BreakpointsList(QWidget):
    """Shows breakpoints; what a person wants is told by signals."""

    enabled_changed = Signal(tuple, bool)
    """A place, and whether it is to pause the run."""
    edit_requested = Signal(tuple)
    remove_requested = Signal(tuple)
    activated = Signal(str)
    """The full name of a cell that was clicked, or chosen by Enter."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._shown: tuple[BreakpointRow, ...] | None = None
        self._rows: RowList[Place, _Row] = RowList(
            lambda place: _Row(self, place), EmptyState(EMPTY_TEXT, EMPTY_TITLE, "octagon")
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._rows)

    def sizeHint(self) -> QSize:
        return QSize(320, 232)

    def row(self, place: Place) -> _Row:
        """The widget of a breakpoint."""
        return self._rows.row(place)

    def show_rows(self, rows: Sequence[BreakpointRow]) -> None:
        """Show these. Rows of places that are known stay, with their focus."""
        if tuple(rows) == self._shown:
            return
        self._shown = tuple(rows)
        self._rows.set_keys(entry.one.place for entry in rows)
        for entry in rows:
            self._rows.row(entry.one.place).show_row(entry)


class _Row(ListRow):
    def __init__(self, owner: BreakpointsList, place: Place) -> None:
        super().__init__()
        self._owner = owner
        self._place = place
        self.activated.connect(lambda: owner.activated.emit(place[0]))
        self.enabled = CheckBox("", "Pause here")
        self.enabled.clicked.connect(lambda: owner.enabled_changed.emit(place, self.enabled.isChecked()))
        self._mark = IconView("octagon-fill", "error", 14, 16)
        self._name = Label("", 12, 600, elides=True)
        self._text = Label("", 11, 400, "text2", elides=True)
        self.edit_button = tool_button("pencil-simple", "Change the condition", px=14)
        self.edit_button.clicked.connect(lambda: owner.edit_requested.emit(place))
        self.remove_button = tool_button("x", "Remove the breakpoint", px=14)
        self.remove_button.clicked.connect(lambda: owner.remove_requested.emit(place))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(PAD_PX, 4, 6, 5)
        layout.setSpacing(8)
        layout.addWidget(self.enabled)
        layout.addWidget(self._mark)
        layout.addWidget(column(self._name, self._text, spacing=0), 1)
        layout.addWidget(self.edit_button)
        layout.addWidget(self.remove_button)

    def show_row(self, entry: BreakpointRow) -> None:
        one = entry.one
        name = f"{one.cell}.{one.port}"
        self.enabled.setChecked(one.is_enabled)
        self.enabled.setAccessibleName(f"Pause at {name}")
        if entry.is_held:
            self._mark.show_icon("pause-circle-fill", "warn")
        else:
            self._mark.show_icon(
                "octagon-fill" if one.is_enabled else "octagon", "error" if one.is_enabled else "text3"
            )
        self._name.show_text(name)
        when = f"where {one.condition}" if one.condition else "every item"
        text = entry.problem or (f"{when} · {counted(entry.nb_hits, 'time')}" if entry.nb_hits else when)
        self._text.show_text(text)
        self._text.set_colour("error" if entry.problem else "text2")
        self.setAccessibleName(f"Breakpoint at {name}, {text}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.activated.emit()
        elif event.key() == Qt.Key.Key_Space:
            self.enabled.click()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._owner.remove_requested.emit(self._place)
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._owner.edit_requested.emit(self._place)

"""What is wrong, or slow, with what can be done about it: one row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from pypipeline_studio.panels.row_list import ListRow, RowList
from pypipeline_studio.panels.widgets import PAD_PX, EmptyState, IconView, Label, column, push_button, set_look

EMPTY_TEXT = "No problems. What limits a run, and what goes wrong in it, appears here."
_BUTTON_PX = 132


@dataclass(frozen=True)
class ProblemRow:
    """One problem."""

    key: str
    """By which the signals name it; distinct."""
    icon: str
    """A Phosphor name, such as `flame-fill`."""
    colour: str
    """The token of the icon's colour, such as `error`."""
    title: str
    text: str
    """One sentence."""
    action_text: str = ""
    """What the button says; empty for no button."""
    is_primary: bool = False
    """Whether the button is the one that should be pressed."""


class ProblemsPanel(QWidget):
    """The problems, the most costly first as they are given.

    Up and Down go from row to row, Enter activates one; Tab goes to its button.
    """

    action_triggered = Signal(str)
    """The button of a problem, by its key."""
    activated = Signal(str)
    """A problem that was clicked, or chosen by Enter, by its key."""
    count_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._rows: RowList[str, _Row] = RowList(self._make_row, EmptyState(EMPTY_TEXT))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._rows)

    def sizeHint(self) -> QSize:
        return QSize(900, 232)

    @property
    def count(self) -> int:
        """How many problems there are."""
        return len(self._rows.rows)

    def set_problems(self, problems: Sequence[ProblemRow]) -> None:
        """Show these. Rows with a known key stay, with their focus."""
        before = len(self._rows.rows)
        self._rows.set_keys(problem.key for problem in problems)
        for problem in problems:
            self._rows.row(problem.key).show_problem(problem)
        for key, following in pairwise(self._rows.rows):
            self.setTabOrder(self._rows.row(key).button, self._rows.row(following))
        if len(self._rows.rows) != before:
            self.count_changed.emit(len(self._rows.rows))

    @property
    def rows(self) -> Mapping[str, _Row]:
        """The widgets of the problems by their keys, from top to bottom."""
        return self._rows.rows

    def row(self, key: str) -> _Row:
        """The widget of a problem."""
        return self._rows.row(key)

    def _make_row(self, key: str) -> _Row:
        made = _Row(key)
        made.activated.connect(lambda: self.activated.emit(key))
        made.action_triggered.connect(self.action_triggered)
        made.moved.connect(self._rows.move_focus)
        return made


class _Row(ListRow):
    action_triggered = Signal(str)
    moved = Signal(str, int)

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key
        self._problem: ProblemRow | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self._icon = IconView("info", "accent", 18, 20)
        self.title = Label("", 12, 600, wraps=True)
        self.text = Label("", 12, 400, "text2", wraps=True)
        self.button = push_button("")
        self.button.setMinimumWidth(_BUTTON_PX)
        self.button.clicked.connect(lambda: self.action_triggered.emit(self._key))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(PAD_PX, 7, PAD_PX, 8)
        layout.setSpacing(PAD_PX)
        layout.addWidget(self._icon)
        layout.addWidget(column(self.title, self.text, spacing=2), 1)
        layout.addWidget(self.button)

    def show_problem(self, problem: ProblemRow) -> None:
        if problem == self._problem:
            return
        self._problem = problem
        self._icon.show_icon(problem.icon, problem.colour)
        self.title.show_text(problem.title)
        self.text.show_text(problem.text)
        self.text.setVisible(bool(problem.text))
        self.setAccessibleName(f"{problem.title}. {problem.text}")
        self.button.setText(problem.action_text)
        self.button.setVisible(bool(problem.action_text))
        self.button.setAccessibleName(f"{problem.action_text}: {problem.title}")
        if self.button.property("primary") != problem.is_primary:
            set_look(self.button, "primary", problem.is_primary)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.activated.emit()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(self._key, -1 if event.key() == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

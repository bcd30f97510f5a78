"""What is wrong, or slow, with what can be done about it: one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from pypipeline_studio.panels.widgets import (
    PAD_PX,
    EmptyState,
    IconView,
    Label,
    column,
    paint,
    paint_focus,
    push_button,
    set_look,
)
from pypipeline_studio.theme.colours import colour, theme

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
        self._rows: dict[str, _Row] = {}
        self._body = QWidget()
        self._body.setObjectName("panel")
        self._lines = QVBoxLayout(self._body)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(0)
        self._lines.addStretch(1)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._body)
        self._scroll = scroll
        self._stack = QStackedWidget()
        self._stack.addWidget(EmptyState(EMPTY_TEXT))
        self._stack.addWidget(scroll)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)

    def sizeHint(self) -> QSize:
        return QSize(900, 232)

    @property
    def count(self) -> int:
        """How many problems there are."""
        return len(self._rows)

    def set_problems(self, problems: Sequence[ProblemRow]) -> None:
        """Show these. Rows with a known key stay, with their focus."""
        before = len(self._rows)
        wanted = {problem.key: problem for problem in problems}
        for key in [key for key in self._rows if key not in wanted]:
            gone = self._rows.pop(key)
            self._lines.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        rows = {}
        for index, (key, problem) in enumerate(wanted.items()):
            shown = self._rows.get(key) or self._make_row(key)
            shown.show_problem(problem)
            if self._lines.indexOf(shown) != index:
                self._lines.removeWidget(shown)
                self._lines.insertWidget(index, shown)
            rows[key] = shown
        self._rows = rows
        for one, other in pairwise(rows.values()):
            self.setTabOrder(one.button, other)
        self._stack.setCurrentIndex(1 if rows else 0)
        if len(rows) != before:
            self.count_changed.emit(len(rows))

    def row(self, key: str) -> _Row:
        """The widget of a problem."""
        return self._rows[key]

    def _make_row(self, key: str) -> _Row:
        made = _Row(key)
        made.activated.connect(self.activated)
        made.action_triggered.connect(self.action_triggered)
        made.moved.connect(self._move)
        return made

    def _move(self, key: str, direction: int) -> None:
        keys = list(self._rows)
        place = keys.index(key) + direction
        if 0 <= place < len(keys):
            target = self._rows[keys[place]]
            target.setFocus(Qt.FocusReason.TabFocusReason)
            self._scroll.ensureWidgetVisible(target)


class _Row(QWidget):
    activated = Signal(str)
    action_triggered = Signal(str)
    moved = Signal(str, int)

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key
        self._problem: ProblemRow | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
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
        theme.changed.connect(self.update)

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
            self.activated.emit(self._key)
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(self._key, -1 if event.key() == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.activated.emit(self._key)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint(self)
        if self.underMouse():
            painter.fillRect(self.rect(), colour("hover"))
        painter.fillRect(QRectF(0, self.height() - 1, self.width(), 1), colour("line"))
        if self.hasFocus():
            paint_focus(painter, QRectF(self.rect()).adjusted(2, 2, -2, -3), 4)
        painter.end()

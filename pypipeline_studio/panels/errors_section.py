"""What went wrong at a cell: in its graph, and in its latest run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from pypipeline_engine.host.protocol import CellError, GraphProblem
from pypipeline_engine.numbers import count, counted
from pypipeline_studio.document.moments import moment_text
from pypipeline_studio.panels.tab_order import chain_tabs
from pypipeline_studio.panels.widgets import IconView, Label, Section, clear_layout, column, push_button, row, tooltip

MOST_SHOWN = 3
_MOST_ITEMS = 4


class ProblemsSection(Section):
    """What the check of the graph found at the cell."""

    def __init__(self) -> None:
        super().__init__("Problems", spacing=6)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(6)
        self.body.addLayout(self._lines)
        self._shown: tuple[GraphProblem, ...] | None = None

    def show_problems(self, problems: Sequence[GraphProblem]) -> None:
        """Show them; nothing without any."""
        if tuple(problems) != self._shown:
            self._shown = tuple(problems)
            clear_layout(self._lines)
            for problem in problems:
                is_error = problem.severity == "error"
                mark = IconView(
                    "warning-circle-fill" if is_error else "warning", "error" if is_error else "warn", 14, 16
                )
                text = Label(problem.message, 12, 400, "text2", wraps=True)
                self._lines.addWidget(_beside(mark, text))
        self.setVisible(bool(problems))


class ErrorsSection(Section):
    """The latest errors that the cell raised."""

    traceback_requested = Signal(object)
    """A `CellError`."""
    source_requested = Signal(str, int)
    """A file and a line in it."""

    def __init__(self) -> None:
        note = Label("", 11, 400, "text3", tabular=True)
        super().__init__("Errors", note, spacing=10)
        self._note = note
        self._lines = QVBoxLayout()
        self._lines.setSpacing(10)
        self.body.addLayout(self._lines)
        self._shown: tuple[CellError, ...] | None = None

    def show_errors(self, errors: Sequence[CellError]) -> None:
        """Show them, those that are alike once, the latest first; nothing without any."""
        if tuple(errors) != self._shown:
            self._shown = tuple(errors)
            clear_layout(self._lines)
            alike: dict[tuple[str, str, int | None], list[CellError]] = {}
            for error in reversed(errors):
                alike.setdefault((error.message, error.file, error.line), []).append(error)
            lines = [self._line(same) for same in [*alike.values()][:MOST_SHOWN]]
            for line in lines:
                self._lines.addWidget(line)
            chain_tabs(self, lines)
            self._note.show_text(counted(len(errors), "error") if len(errors) > 1 else "")
        self.setVisible(bool(errors))

    def _line(self, alike: Sequence[CellError]) -> QWidget:
        """Errors of the same message from the same line, the latest first."""
        error = alike[0]
        place = _items_text(alike)
        if error.is_fatal:
            place = f"{place}: ended the run" if place else "Ended the run"
        if error.time_s is not None:
            when = f"{'last ' if len(alike) > 1 else ''}at {moment_text(error.time_s)}"
            place = f"{place}, {when}" if place else when.capitalize()
        message = Label(error.message, 12, 400, "error", wraps=True)
        show = push_button("Show traceback", tip="Where in the code it was raised")
        show.setEnabled(bool(error.traceback))
        show.clicked.connect(lambda: self.traceback_requested.emit(error))
        buttons: list[QWidget | int | None] = [show]
        if error.file and error.line is not None:
            source = push_button(f"{PurePath(error.file).name}:{error.line}")
            source.setToolTip(tooltip("Open the source", f"{error.file}:{error.line}"))
            source.clicked.connect(lambda: self.source_requested.emit(error.file, error.line))
            buttons.append(source)
        head: list[QWidget | int | None] = [Label(place, 11, 600, "text2", tabular=True)] if place else []
        return column(*head, message, row(*buttons, None), spacing=4)


def _items_text(errors: Sequence[CellError]) -> str:
    items = [count(error.item) for error in errors if error.item is not None]
    if not items:
        return ""
    more = len(items) - _MOST_ITEMS
    text = ", ".join(reversed(items[:_MOST_ITEMS])) + (f" and {more:,} before" if more > 0 else "")
    return f"{'Item' if len(items) == 1 else 'Items'} {text}"


def _beside(mark: QWidget, text: QWidget) -> QWidget:
    """A mark at the first line of a text that takes all of the width."""
    holder = QWidget()
    layout = QHBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(8)
    layout.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
    layout.addWidget(text, 1)
    return holder

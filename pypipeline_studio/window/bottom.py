"""The bottom of the window: statistics, problems and the log, with what belongs into each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from pypipeline_engine.host.protocol import CellError, GraphProblem
from pypipeline_studio.document.problem_places import connection_of, place_of, title_of
from pypipeline_studio.document.quick_fixes import quick_fix
from pypipeline_studio.panels.comparison import ComparisonPanel
from pypipeline_studio.panels.debug import DebugPanel
from pypipeline_studio.panels.errors import ErrorsPanel
from pypipeline_studio.panels.load_legend import LoadLegend
from pypipeline_studio.panels.log import LogPanel
from pypipeline_studio.panels.previews import PreviewsPanel
from pypipeline_studio.panels.problems import ProblemRow, ProblemsPanel
from pypipeline_studio.panels.runs import RunsPanel
from pypipeline_studio.panels.statistics import StatisticsPanel
from pypipeline_studio.panels.statistics_tools import StatisticsTools
from pypipeline_studio.panels.traceback_dialog import TracebackDialog
from pypipeline_studio.panels.widgets import CountPill
from pypipeline_studio.session import Session
from pypipeline_studio.window.advising import LIMIT, TRIAL, Advising
from pypipeline_studio.window.error_words import error_title
from pypipeline_studio.window.run_control import RunControl

STATISTICS_TAB, PROBLEMS_TAB = 0, 1
_MOST_FIXES = 50
"""Nobody mends more problems before the graph is looked at again."""


@dataclass(frozen=True)
class EngineMessage:
    """Something about the engine that a person has to know, and what can be done about it."""

    title: str
    text: str
    action_text: str = ""
    action: str = ""
    """The key of an action of the window."""


class Bottom(QWidget):
    """The tabs."""

    cell_chosen = Signal(str)
    """The full name of a cell to be shown."""
    problem_chosen = Signal(GraphProblem)
    """One that is to be shown."""
    fix_chosen = Signal(GraphProblem)
    """One that is to be mended."""
    action_chosen = Signal(str)
    source_requested = Signal(str, int)
    """A file and a line in it."""

    def __init__(self, session: Session, run_control: RunControl, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._run_control = run_control
        self._messages: dict[str, EngineMessage] = {}
        self._made_from: tuple[object, ...] | None = None
        self._made: list[ProblemRow] = []
        self._others: dict[str, tuple[Sequence[ProblemRow], Callable[[str], object]]] = {}
        # Before what is connected below: it has to look at a snapshot first.
        self.advising = Advising(session, run_control, self)
        self.statistics = StatisticsPanel()
        self.problems = ProblemsPanel()
        self.log = LogPanel()
        self.runs = RunsPanel()
        self.previews = PreviewsPanel()
        self.errors = ErrorsPanel()
        self.errors.cell_chosen.connect(self.cell_chosen)
        self.errors.source_requested.connect(self.source_requested)
        self.errors.traceback_requested.connect(self.open_traceback)
        self.debug = DebugPanel()
        self.debug.held.traceback_requested.connect(self.open_traceback)
        self.head = QWidget()
        self._tabs = QTabBar(self.head)
        head_layout = QHBoxLayout(self.head)
        head_layout.setContentsMargins(0, 0, 8, 0)
        head_layout.addWidget(self._tabs)
        head_layout.addStretch(1)
        self.legend = LoadLegend()
        head_layout.addWidget(self.legend)
        self.statistics_tools = StatisticsTools(self.statistics)
        head_layout.addWidget(self.statistics_tools)
        self._stack = QStackedWidget(self)
        self._count = CountPill()
        tabs: dict[str, QWidget] = {"Statistics": self.statistics, "Problems": self.problems, "Log": self.log}
        tabs |= {"Previews": self.previews, "Breakpoints": self.debug, "Errors": self.errors}
        for name, panel in tabs.items():
            self._tabs.addTab(name)
            self._stack.addWidget(panel)
        self.runs_tab = self._tabs.addTab("Runs")
        self.comparison = ComparisonPanel()
        self._run_pages = QStackedWidget()
        self._run_pages.addWidget(self.runs)
        self._run_pages.addWidget(self.comparison)
        self._stack.addWidget(self._run_pages)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self._tabs.currentChanged.connect(self._stack.setCurrentIndex)
        self._stack.currentChanged.connect(self._show_legend)
        self.statistics.cell_activated.connect(self.cell_chosen)
        self.statistics.shown.connect(self._show_legend)
        self.comparison.cell_activated.connect(self.cell_chosen)
        self.problems.activated.connect(self._on_activated)
        self.problems.action_triggered.connect(self._on_action)
        session.problems_changed.connect(self.show_problems)
        run_control.errors_changed.connect(self.show_problems)
        run_control.live_changed.connect(self._show_live)
        self.advising.changed.connect(self.show_problems)
        self.show_problems()
        self._show_legend()

    def show_tab(self, index: int) -> None:
        """Have a tab in front."""
        self._tabs.setCurrentIndex(index)

    def leave_out_runs(self) -> None:
        """Have no list of recorded runs: nothing is run from this window."""
        self._tabs.setTabVisible(self.runs_tab, False)

    def show_comparison(self, is_shown: bool) -> None:
        """Have the comparison of two runs in the place of their list, or the list again."""
        self._run_pages.setCurrentWidget(self.comparison if is_shown else self.runs)
        if self._run_pages.isVisible():
            (self.comparison.table if is_shown else self.runs.table).setFocus()

    def show_panel(self, panel: QWidget) -> None:
        """Have the tab with a panel in front."""
        self.show_tab(self._stack.indexOf(panel))

    def set_message(self, key: str, message: EngineMessage | None) -> None:
        """Say something about the engine, or take it back."""
        if message is None:
            self._messages.pop(key, None)
        else:
            self._messages[key] = message
            self.show_tab(PROBLEMS_TAB)
        self.show_problems()

    def set_rows(self, source: str, rows: Sequence[ProblemRow], act: Callable[[str], object]) -> None:
        """Show problems that another part of the window knows about.

        :param source: which part; the keys of its rows begin with it and a colon.
        :param act: gets the key of a row that was activated, or whose button was pressed.
        """
        self._others[source] = (rows, act)
        self.show_problems()

    def show_traceback(self, cell: str) -> None:
        """Open the traceback of the latest error of a cell."""
        error = next((error for error in reversed(self._run_control.errors) if error.cell == cell), None)
        if error is None and self._run_control.run.error is not None:
            error = self._run_control.run.error
        if error is not None:
            self.open_traceback(error)

    def open_traceback(self, error: object) -> None:
        """Open the traceback of a `CellError`."""
        assert isinstance(error, CellError)
        dialog = TracebackDialog(error, self)
        dialog.source_requested.connect(self.source_requested)
        dialog.show()

    def _show_legend(self) -> None:
        """Say what the bars mean where there are some, and offer what is done with them."""
        has_bars = self._stack.currentWidget() is self.statistics and not self.statistics.is_empty
        self.legend.setVisible(has_bars)
        self.statistics_tools.setVisible(has_bars)

    def _show_live(self) -> None:
        self.statistics.show_snapshot(self._run_control.snapshot, self._types(), self._run_control.history)
        self.show_problems()

    def _types(self) -> dict[str, str]:
        """By the full name of a cell, its type."""
        return {".".join(names): cell.type for names, cell in self._session.document.walk()}

    # ------------------------------------------------------------------ problems

    def show_problems(self) -> None:
        """Bring the list of problems in line with what is known."""
        rows = [
            ProblemRow(
                f"engine:{key}", "warning-circle-fill", "error", message.title, message.text, message.action_text
            )
            for key, message in self._messages.items()
        ]
        rows += self.advising.rows() + self._error_rows() + self._graph_rows()
        rows += [row for own, _ in self._others.values() for row in own]
        self.problems.set_problems(rows)
        nb_problems = sum(row.key != TRIAL for row in rows)
        self._show_count(nb_problems, any(row.colour == "error" for row in rows))

    def _show_count(self, nb_rows: int, has_errors: bool) -> None:
        if (nb_rows, has_errors) == self._count.shown:
            return
        self._count.show_count(nb_rows, has_errors)
        # The row of tabs makes room for a button only when it is given one.
        side = QTabBar.ButtonPosition.RightSide
        self._tabs.setTabButton(PROBLEMS_TAB, side, None)  # takes it away
        if nb_rows:
            self._tabs.setTabButton(PROBLEMS_TAB, side, self._count)
        self._count.setVisible(nb_rows > 0)
        self._tabs.setAccessibleTabName(PROBLEMS_TAB, f"Problems: {nb_rows}")

    def _error_rows(self) -> list[ProblemRow]:
        by_cell: dict[str, list[CellError]] = {}
        for error in self._run_control.errors:
            by_cell.setdefault(error.cell, []).append(error)
        return [
            ProblemRow(
                f"error:{cell}",
                "warning-circle-fill",
                "error",
                error_title(cell, errors, self._counts()),
                errors[-1].message,
                "Show traceback",
            )
            for cell, errors in by_cell.items()
        ]

    def _counts(self) -> Mapping[str, int]:
        """By cell, how many items it skipped since the start: more than the errors that are kept."""
        snapshot = self._run_control.snapshot
        return {name: cell.skipped for name, cell in snapshot.cells.items()} if snapshot is not None else {}

    def _graph_rows(self) -> list[ProblemRow]:
        if not self._session.document.cells:
            return []  # that nothing can run yet is plain to see
        document, types = self._session.document, self._session.types
        # Asked for at each snapshot, while fixes take their time to be found.
        made_from = (document, self._session.problems, types)
        if self._made_from is not None and all(a is b for a, b in zip(self._made_from, made_from, strict=True)):
            return self._made
        rows: list[ProblemRow] = []
        for index, problem in enumerate(self._session.problems):
            is_error = problem.severity == "error"
            fix = quick_fix(problem, document, types) if index < _MOST_FIXES else None
            can_show = bool(problem.cell) or connection_of(document, place_of(problem)) is not None
            rows.append(
                ProblemRow(
                    f"graph:{index}",
                    "warning-fill" if is_error else "info",
                    "error" if is_error else "warn",
                    title_of(document, problem),
                    problem.message,
                    fix.text if fix is not None else "Show" if can_show else "",
                )
            )
        self._made_from, self._made = made_from, rows
        return rows

    def _on_activated(self, key: str) -> None:
        problem = self._problem_of(key)
        if problem is not None:
            self.problem_chosen.emit(problem)
            return
        other = self._others.get(key.partition(":")[0])
        if other is not None:
            other[1](key)
            return
        cell = self._cell_of(key)
        if cell:
            self.cell_chosen.emit(cell)

    def _on_action(self, key: str) -> None:
        kind, _, rest = key.partition(":")
        if kind == "engine" and rest in self._messages:
            self.action_chosen.emit(self._messages[rest].action)
        elif kind == "error":
            self.show_traceback(rest)
        elif (problem := self._problem_of(key)) is not None:
            self.fix_chosen.emit(problem)
        elif kind == TRIAL:
            self.advising.undo()
        elif kind == LIMIT and self.advising.action_text:
            self.advising.apply()
        else:
            self._on_activated(key)

    def _problem_of(self, key: str) -> GraphProblem | None:
        kind, _, rest = key.partition(":")
        problems = self._session.problems
        return problems[int(rest)] if kind == "graph" and int(rest) < len(problems) else None

    def _cell_of(self, key: str) -> str:
        kind, _, rest = key.partition(":")
        return rest if kind in (LIMIT, "error") else ""

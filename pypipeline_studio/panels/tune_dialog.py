"""The search for the numbers of clones: what to look for, the steps as they come, and what was found."""

from __future__ import annotations

from time import monotonic
from typing import Final, Literal, TypeAlias

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QProgressBar, QVBoxLayout, QWidget

from pypipeline_engine.graph.problems import describe
from pypipeline_engine.host.tuning_lines import TuneResult, TuneStep, TuneTrying
from pypipeline_engine.numbers import elapsed, rate
from pypipeline_studio.document.tuning import USUAL_BUDGET_S, TuneWish
from pypipeline_studio.panels.parameter_fields import CheckedField
from pypipeline_studio.panels.parameter_values import WrongText
from pypipeline_studio.panels.rate_bars import RateBar, RateBars, gain_text
from pypipeline_studio.panels.scaling_section import NO_RAY, NOT_KNOWN_YET
from pypipeline_studio.panels.segmented import Segmented
from pypipeline_studio.panels.tune_steps import TuneSteps
from pypipeline_studio.panels.widgets import CheckBox, Label, column, push_button, row, set_look

Phase: TypeAlias = Literal["asking", "searching", "stopping", "found", "failed"]

MOST_BUDGET_S: Final = 86_400.0
_NAME_PX: Final = 88
SAFETY: Final = (
    "The graph runs again and again in a process of its own. What sinks write goes into a temporary folder that is deleted: "
    "your files stay as they are. Everything else happens as in any run: a cell that sends to a server or moves a camera "
    "does so."
)


def read_rate(text: str) -> float:
    """A rate to reach, in items per second.

    :raises WrongText: where it is none.
    """
    return _read_number(text, "items per second", 0.0, 1e9)


def read_budget(text: str) -> float:
    """How many seconds to search.

    :raises WrongText: where that is none.
    """
    return _read_number(text, "seconds", 1.0, MOST_BUDGET_S)


def _read_number(text: str, what: str, least: float, most: float) -> float:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        number = float("nan")
    if not least <= number <= most or number <= 0:
        raise WrongText(f"A number of {what} from {least:g} to {most:g} is expected, not {describe(text)}")
    return number


class TuneDialog(QDialog):
    """Asks and shows. Whoever opens it searches."""

    search_requested = Signal(object)
    """A `TuneWish`."""
    stop_requested = Signal()
    applied = Signal(object)
    """The `TuneResult` that is to be used."""

    def __init__(self, name: str, has_ray: bool | None, parent: QWidget | None = None) -> None:
        """:param name: of the graph.
        :param has_ray: whether the engine has Ray; `None` where that is not known.
        """
        super().__init__(parent)
        self.phase: Phase = "asking"
        self.result_line: TuneResult | None = None
        self._began_s = 0.0
        self._budget_s = USUAL_BUDGET_S
        self.setWindowTitle(f"Tune {name}")
        self.setObjectName("panel")
        self.resize(920, 560)
        self.goal = Segmented("Goal", [("most", "Most throughput"), ("least", "Least for a rate")])
        self.target = CheckedField("Rate to reach in items per second", read_rate)
        self.target.setFixedWidth(88)
        self.target.setPlaceholderText("25")
        self.budget = CheckedField("Seconds to search", read_budget)
        self.budget.setFixedWidth(88)
        self.budget.show_text(f"{USUAL_BUDGET_S:g}")
        self.threads = CheckBox("Threads", "Clones on threads may be added")
        self.ray = CheckBox("Ray", "Clones in processes of their own may be added; Ray takes some seconds to start")
        self.queues = CheckBox("Queues", "The length of the queues of scaled cells may change")
        self.threads.setChecked(True)
        self.queues.setChecked(True)
        self._has_ray = bool(has_ray)
        if not has_ray:
            self.ray.setEnabled(False)
            self.ray.setToolTip(NO_RAY if has_ray is False else NOT_KNOWN_YET)
        self._complaint = Label("", 11, 400, "error", wraps=True)
        self._complaint.hide()
        self._rate_row = row(self.target, Label("items/s", 11, 400, "text3"), None)
        self.steps = TuneSteps()
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Time of the search")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(4)
        self.progress.setRange(0, 1000)
        self.status = Label("", 12, 400, "text2", wraps=True)
        self.bars = RateBars()
        self.start_button = push_button("Start", is_primary=True)
        self.stop_button = push_button("Stop", tip="End the search, and keep what was found until then")
        self.apply_button = push_button("Apply", is_primary=True, tip="Give the cells these clones; one step to undo")
        self.close_button = push_button("Close")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(10)
        layout.addWidget(
            column(
                row(_name("Goal"), self.goal, self._rate_row, None),
                row(_name("Search for"), self.budget, Label("seconds", 11, 400, "text3"), None),
                row(_name("May change"), self.threads, 8, self.ray, 8, self.queues, None),
                self._complaint,
            )
        )
        layout.addWidget(Label(SAFETY, 11, 400, "text3", wraps=True))
        layout.addWidget(self.steps, 1)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        layout.addWidget(self.bars)
        layout.addWidget(row(None, self.close_button, self.stop_button, self.start_button, self.apply_button))
        self._clock = QTimer(self)
        self._clock.setInterval(250)
        self._clock.timeout.connect(self._show_time)
        self.goal.chosen.connect(lambda _key: self._show_phase())
        for field in (self.target, self.budget):
            field.complained.connect(self._complain)
        self.start_button.clicked.connect(self._start)
        self.stop_button.clicked.connect(self._stop)
        self.apply_button.clicked.connect(self._apply)
        self.close_button.clicked.connect(self.reject)
        self._set_phase("asking")
        self.start_button.setFocus()

    # ------------------------------------------------------------------ what comes

    def take(self, line: object) -> None:
        """Show a line of the search."""
        if isinstance(line, TuneTrying):
            self.steps.show_trying(line)
        elif isinstance(line, TuneStep):
            self.steps.add_step(line)
        elif isinstance(line, TuneResult):
            self.result_line = line
            self._show_result(line)

    def end(self, words: str) -> None:
        """The search is over.

        :param words: why there is no result; empty where there is one.
        """
        self.steps.end()
        self._set_phase("found" if not words else "failed")
        if self.result_line is not None and not words:
            self._show_result(self.result_line)
        if words:
            self.status.show_text(words)
            self.status.set_colour("error")
        (self.apply_button if self.apply_button.isEnabled() else self.close_button).setFocus()

    def _show_result(self, result: TuneResult) -> None:
        before_hz, after_hz = result.before.rate_hz, result.after.rate_hz
        if not result.changes:
            text = f"Nothing that was tried is better; {result.ending}."
            self.bars.show_bars([RateBar("As it is", before_hz, "before")])
        else:
            found = "; ".join(f"{name}: {change.text}" for name, change in result.changes.items())
            text = f"{found.replace('->', '→')}. {result.ending[:1].upper()}{result.ending[1:]}."
            look: Literal["good", "bad"] = "good" if result.is_reached else "bad"
            self.bars.show_bars(
                [
                    RateBar("Before", before_hz, "before"),
                    RateBar("After", after_hz, look, gain_text(after_hz, before_hz)),
                ]
            )
        if result.target_hz is not None:
            text += f" The wanted {rate(result.target_hz)} {'is' if result.is_reached else 'is not'} reached."
        if result.sentence:
            text += f" {result.sentence}"
        if result.restarts:
            text += " The stream is short and was started again and again; the rate is that of all runs together."
        self.status.show_text(text)
        self.status.set_colour("text")

    # ------------------------------------------------------------------ what a person does

    def _start(self) -> None:
        try:
            wish = TuneWish(
                target_hz=read_rate(self.target.text()) if self.goal.choice == "least" else None,
                budget_s=read_budget(self.budget.text()),
                threads=self.threads.isChecked(),
                ray=self.ray.isChecked(),
                queues=self.queues.isChecked(),
            )
        except WrongText as wrong:
            self._complain(str(wrong))
            return
        if not (wish.threads or wish.ray or wish.queues):
            self._complain("Tick at least one of the things that may change.")
            return
        self._complain("")
        self._budget_s, self._began_s = wish.budget_s, monotonic()
        self.result_line = None
        self.steps.clear_steps()
        self.bars.show_bars(())
        self._set_phase("searching")
        self.stop_button.setFocus()
        self.search_requested.emit(wish)

    def _stop(self) -> None:
        self._set_phase("stopping")
        self.stop_requested.emit()

    def _apply(self) -> None:
        if self.result_line is not None:
            self.applied.emit(self.result_line)
        self.accept()

    def _complain(self, sentence: str) -> None:
        self._complaint.show_text(sentence)
        self._complaint.setVisible(bool(sentence))

    # ------------------------------------------------------------------ what is shown

    def _set_phase(self, phase: Phase) -> None:
        self.phase = phase
        self._show_phase()

    def _show_phase(self) -> None:
        is_searching = self.phase in ("searching", "stopping")
        is_found = self.phase == "found" and self.result_line is not None and bool(self.result_line.changes)
        for part in (self.goal, self.budget, self.threads, self.queues, self._rate_row):
            part.setEnabled(not is_searching)
        self.ray.setEnabled(self._has_ray and not is_searching)
        self._rate_row.setVisible(self.goal.choice == "least")
        self.start_button.setVisible(not is_searching)
        self.start_button.setText("Start" if self.phase == "asking" else "Search again")
        if self.start_button.property("primary") == is_found:
            set_look(self.start_button, "primary", not is_found)
        self.stop_button.setVisible(is_searching)
        self.stop_button.setEnabled(self.phase == "searching")
        self.apply_button.setVisible(is_found)
        self.apply_button.setEnabled(is_found)
        self.progress.setVisible(is_searching)
        if is_searching:
            self._clock.start()
            self._show_time()
        else:
            self._clock.stop()
        if self.phase == "asking":
            self.status.show_text("Each change is measured: what is faster by more than the noise is kept.")
            self.status.set_colour("text2")

    def _show_time(self) -> None:
        if self.result_line is not None:  # that is told, while the process comes to its end
            self.progress.setValue(1000)
            return
        passed_s = monotonic() - self._began_s
        self.progress.setValue(min(1000, round(1000 * passed_s / self._budget_s)))
        self.status.set_colour("text2")
        if self.phase == "stopping":
            self.status.show_text("Stopping, when the measurement at hand has ended …")
        else:
            self.status.show_text(f"Searching: {elapsed(int(passed_s))} of {elapsed(self._budget_s)}")

    def done(self, result: int) -> None:
        """Close it, however that was asked for."""
        self._clock.stop()
        super().done(result)


def _name(text: str) -> QWidget:
    label = Label(text, 12, 400, "text2")
    label.setFixedWidth(_NAME_PX)
    label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return label

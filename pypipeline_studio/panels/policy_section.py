"""What happens when an item fails, and whether a cell takes part at all."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal

from pypipeline_engine.graph.model import CellEntry, OnError
from pypipeline_studio.panels.parameter_fields import CheckedField
from pypipeline_studio.panels.parameter_values import WrongText
from pypipeline_studio.panels.segmented import Segmented
from pypipeline_studio.panels.widgets import CheckBox, Label, Section, row

FIRST_RETRIES = 3
MOST_RETRIES = 1_000_000
_EXPLAINED = {
    "fail": "The run stops, and says which item it was.",
    "skip": "Skipped items are counted and kept with their number and traceback.",
}


class PolicySection(Section):
    """What happens when an item fails."""

    on_error_changed = Signal(object)
    """An `OnError`, or `None` for what is usual: the run stops."""

    def __init__(self) -> None:
        super().__init__("When an item fails")
        self._policy = OnError()
        options = (("fail", "Stop run"), ("skip", "Skip item"), ("retry", "Retry"))
        self.choice = Segmented("When an item fails", options, is_wide=True)
        self.retries = CheckedField("How often to try again", _read_retries)
        self.retries.setFixedWidth(48)
        self.retries.step = lambda value, steps: max(1, min(MOST_RETRIES, value + steps))
        self.then = Segmented("If it still fails", (("fail", "stop run"), ("skip", "skip item")))
        self._retry_row = row(self.retries, Label("times, then", 12, 400, "text2"), self.then, None)
        self._explained = Label("", 11, 400, "text3", wraps=True)
        self._complaint = Label("", 11, 400, "error", wraps=True)
        self._complaint.hide()
        self.body.addWidget(self.choice)
        self.body.addWidget(self._retry_row)
        self.body.addWidget(self._complaint)
        self.body.addWidget(self._explained)
        self.choice.chosen.connect(self._choose)
        self.then.chosen.connect(lambda then: self._send(OnError(retry=self._policy.retry, then=then)))
        self.retries.edited.connect(self._take_retries)
        self.retries.complained.connect(self._complain)
        self.show_policy(None)

    def show_policy(self, policy: OnError | None) -> None:
        """Show what the file says."""
        self._policy = policy or OnError()
        is_retried = self._policy.retry > 0
        self.choice.choose("retry" if is_retried else self._policy.then)
        self._retry_row.setVisible(is_retried)
        self.retries.show_text(str(self._policy.retry))
        self.then.choose(self._policy.then)
        self._explained.show_text(_EXPLAINED[self._policy.then])

    def _choose(self, key: str) -> None:
        if key == "retry":
            self._send(OnError(retry=self._policy.retry or FIRST_RETRIES, then=self._policy.then))
        else:
            self._send(OnError(then="skip" if key == "skip" else "fail"))

    def _take_retries(self, retries: Any, is_finished: bool) -> None:
        if is_finished:
            self._send(OnError(retry=retries, then=self._policy.then))

    def _send(self, policy: OnError) -> None:
        if policy != self._policy:
            self.on_error_changed.emit(None if policy == OnError() else policy)

    def _complain(self, sentence: str) -> None:
        self._complaint.show_text(sentence)
        self._complaint.setVisible(bool(sentence))


class StateSection(Section):
    """Whether the cell takes part in a run."""

    disabled_changed = Signal(bool)
    bypassed_changed = Signal(bool)

    def __init__(self) -> None:
        super().__init__("In a run", spacing=4)
        self.disabled = CheckBox("Disabled", "Leave the cell and its connections out (D)")
        self.bypassed = CheckBox("Bypassed", "Pass to each output the first input of equal type (B)")
        self.disabled.clicked.connect(lambda: self.disabled_changed.emit(self.disabled.isChecked()))
        self.bypassed.clicked.connect(lambda: self.bypassed_changed.emit(self.bypassed.isChecked()))
        self.body.addWidget(row(self.disabled, self.bypassed, None, spacing=16))

    def show_state(self, entry: CellEntry) -> None:
        """Show what the file says."""
        self.disabled.setChecked(entry.disabled)
        self.bypassed.setChecked(entry.bypassed)
        self.bypassed.setEnabled(not entry.disabled)


def _read_retries(text: str) -> int:
    typed = text.strip()
    if not typed.isdecimal() or not 1 <= int(typed) <= MOST_RETRIES:
        raise WrongText(
            f"how often to try again must be from 1 to {MOST_RETRIES:,}, not {typed or 'nothing'}; "
            f"to not try again, choose Stop run or Skip item"
        )
    return int(typed)

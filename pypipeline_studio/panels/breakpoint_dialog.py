"""A breakpoint: at which output of a cell, and for which values, the run is to pause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from pypipeline_studio.document.watched import Breakpoint
from pypipeline_studio.panels.parameter_fields import CalmComboBox
from pypipeline_studio.panels.widgets import CheckBox, Label, mark_wrong, push_button, row
from pypipeline_studio.theme.fonts import font

CHECK_MS: Final = 250
"""How long the text has to rest before the engine looks at it."""
EXPLAINED: Final = (
    "Leave it empty to pause at every item. Names: value, item (its number, from 0), and of images height, width and "
    "channels. Functions: len, mean, min, max, any, all, abs and more."
)
EXAMPLE: Final = "len(value) > 3 and item >= 100"
_LABEL_PX = 72

Check: TypeAlias = Callable[[str, Callable[[str], None]], bool]
"""Has the engine look at a condition, and tell what is wrong with it, or nothing. False where there is no engine to ask."""


class BreakpointDialog(QDialog):
    """Lets one edit a breakpoint; deleted when it closes. What is wrong with the condition stands below its field."""

    accepted_breakpoint = Signal(object)
    """A `Breakpoint`."""
    removed = Signal()

    def __init__(
        self,
        one: Breakpoint,
        outputs: Sequence[str],
        check: Check,
        is_new: bool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._one = one
        self._check = check
        self._checked = ""
        self.problem = ""
        self.setObjectName("panel")
        self.setWindowTitle(f"Breakpoint at {one.cell}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(460)
        self.ports = CalmComboBox("Output")
        self.ports.addItems(list(outputs))
        self.ports.setCurrentText(one.port)
        self.condition = QLineEdit(one.condition)
        self.condition.setAccessibleName("Condition")
        self.condition.setPlaceholderText(EXAMPLE)
        self.condition.setFont(font(12, fixed=True))
        self.complaint = Label("", 11, 400, "error", wraps=True)
        self.complaint.hide()
        self.enabled = CheckBox("Pause here", "Without it, the breakpoint is kept for later")
        self.enabled.setChecked(one.is_enabled)
        self.set_button = push_button("Set breakpoint" if is_new else "Change breakpoint", is_primary=True)
        self.set_button.setDefault(True)
        self.remove_button = push_button("Remove")
        self.remove_button.setVisible(not is_new)
        self.cancel_button = push_button("Cancel")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addWidget(Label(f"Pause when {one.cell} has brought a value", 13, 600))
        layout.addWidget(row(_label("Output"), self.ports, None))
        layout.addWidget(row(_label("Only where"), self.condition))
        for text in (self.complaint, Label(EXPLAINED, 11, 400, "text3", wraps=True)):
            layout.addWidget(row(_label(""), text))
        layout.addWidget(row(_label(""), self.enabled, None))
        layout.addSpacing(4)
        layout.addWidget(row(self.remove_button, None, self.cancel_button, self.set_button))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(CHECK_MS)
        self._timer.timeout.connect(self._look)
        self.condition.textEdited.connect(lambda _: self._timer.start())
        self.set_button.clicked.connect(self._finish)
        self.remove_button.clicked.connect(self._remove)
        self.cancel_button.clicked.connect(self.reject)
        self.condition.setFocus()

    def _text(self) -> str:
        return " ".join(self.condition.text().split())

    def _look(self) -> None:
        text = self._text()
        if not self._check(text, lambda problem: self._take(text, problem)):
            self._complain("")

    def _take(self, text: str, problem: str) -> None:
        if text == self._text():
            self._complain(problem)

    def _finish(self) -> None:
        """Set it where the engine finds nothing wrong; without an engine it looks at the start of a run."""
        text = self._text()
        self._timer.stop()

        def take(problem: str) -> None:
            if text != self._text():  # it was typed on meanwhile
                return
            self._complain(problem)
            if problem:
                self.condition.setFocus()
            else:
                self._set(text)

        if not self._check(text, take):
            self._set(text)

    def _set(self, text: str) -> None:
        changed = Breakpoint(self._one.cell, self.ports.currentText(), text, self.enabled.isChecked())
        self.accepted_breakpoint.emit(changed)
        self.accept()

    def _remove(self) -> None:
        self.removed.emit()
        self.accept()

    def _complain(self, problem: str) -> None:
        self.problem = problem
        self.complaint.show_text(problem)
        self.complaint.setVisible(bool(problem))
        self.condition.setAccessibleDescription(problem)
        mark_wrong(self.condition, bool(problem))


def _label(text: str) -> Label:
    label = Label(text, 12, 400, "text2")
    label.setFixedWidth(_LABEL_PX)
    return label

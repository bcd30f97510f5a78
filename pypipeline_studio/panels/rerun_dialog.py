"""An item that a cell failed at, run again with parameters that can be changed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from pypipeline_engine.host.looking import FailedInfo, ReplayInfo
from pypipeline_engine.host.protocol import CellError
from pypipeline_engine.numbers import count, elapsed
from pypipeline_studio.panels.replay_form import ReplayForm
from pypipeline_studio.panels.scrolled import scrolled
from pypipeline_studio.panels.value_card import ValueCard
from pypipeline_studio.panels.widgets import Label, clear_layout, push_button, row

_VALUES_PX = 220


class RerunDialog(QDialog):
    """Shows what the cell had, the form, and what came of running it again; deleted when it closes."""

    traceback_requested = Signal(object)
    """A `CellError`."""

    def __init__(self, failed: FailedInfo, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.failed = failed
        self._failure: CellError | None = None
        self.cards: dict[str, ValueCard] = {}
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Run item {count(failed.item)} of {failed.cell} again")
        self.resize(860, 460)
        self.form = ReplayForm()
        self.form.setFixedWidth(320)
        self.outcome = Label("It was not run again yet.", 12, 400, "text3", wraps=True)
        self.traceback_button = push_button("Show traceback")
        self.traceback_button.clicked.connect(lambda: self.traceback_requested.emit(self._failure))
        self.traceback_button.hide()
        self._results = QVBoxLayout()
        self._results.setSpacing(12)
        inputs = QVBoxLayout()
        inputs.setSpacing(12)
        inputs.addWidget(Label("It had", 11, 600, "text3"))
        for port, values in failed.inputs.items():
            if values:
                card = ValueCard(port if len(values) == 1 else f"{port}, the first of {len(values)}", values[0])
                card.thumb.hide()  # the engine tells inputs of failed items in words
                inputs.addWidget(card)
        inputs.addStretch(1)
        results = QVBoxLayout()
        results.setSpacing(8)
        results.addWidget(Label("It makes of it now", 11, 600, "text3"))
        results.addWidget(self.outcome)
        results.addWidget(row(self.traceback_button, None))
        results.addLayout(self._results)
        results.addStretch(1)
        body = QWidget()
        line = QHBoxLayout(body)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(24)
        for layout in (inputs, results):
            holder = QWidget()
            holder.setLayout(layout)
            layout.setContentsMargins(0, 0, 0, 0)
            holder.setFixedWidth(_VALUES_PX)
            line.addWidget(holder)
        line.insertWidget(1, self.form)
        line.addStretch(1)
        scroll = scrolled(body, is_sideways=True)
        close_button = push_button("Close")
        close_button.clicked.connect(self.close)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 16, 16, 16)
        whole.setSpacing(12)
        whole.addWidget(Label(f"{failed.cell} failed at item {count(failed.item)}", 13, 600))
        whole.addWidget(Label(failed.message, 12, 400, "error", wraps=True))
        whole.addWidget(scroll, 1)
        whole.addWidget(row(None, close_button))
        self.form.run_button.setFocus()

    def show_replay(self, done: ReplayInfo) -> None:
        """Show what came of running it again."""
        self._clear()
        self._failure = done.error
        if done.error is None:
            self.outcome.set_colour("ok")
            self.outcome.show_text(f"It went well, in {elapsed(done.elapsed_s)}.")
        else:
            self.outcome.set_colour("error")
            self.outcome.show_text(done.error.message)
        self.traceback_button.setVisible(done.error is not None and bool(done.error.traceback))
        for port, value in done.outputs.items():
            card = self.cards[port] = ValueCard(port, value)
            self._results.addWidget(card)
        if done.note:
            self._results.addWidget(Label(f"{done.note[:1].upper()}{done.note[1:]}.", 11, 400, "text3", wraps=True))

    def show_refusal(self, message: str) -> None:
        """Say why it cannot be run again."""
        self._clear()
        self.outcome.set_colour("error")
        self.outcome.show_text(f"{message[:1].upper()}{message[1:]}.")
        self.traceback_button.hide()

    def show_picture(self, port: str, image: QImage) -> None:
        """Show the picture of an output."""
        if port in self.cards:
            self.cards[port].show_picture(image)

    def _clear(self) -> None:
        self.form.set_busy(False)
        self.cards.clear()
        clear_layout(self._results)

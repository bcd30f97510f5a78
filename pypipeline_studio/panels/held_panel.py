"""The item that a breakpoint holds: what the cell had and made of it, and what it makes of it with other parameters."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from pypipeline_engine.host.looking import HeldInfo, ReplayInfo, ValueSummary
from pypipeline_engine.host.protocol import CellError
from pypipeline_engine.numbers import count, counted, elapsed
from pypipeline_studio.document.value_texts import difference
from pypipeline_studio.panels.parameter_fields import CalmComboBox
from pypipeline_studio.panels.replay_form import ReplayForm
from pypipeline_studio.panels.scrolled import scrolled
from pypipeline_studio.panels.value_card import ValueCard
from pypipeline_studio.panels.widgets import PAD_PX, EmptyState, IconView, Label, clear_layout, push_button, row

EMPTY_TEXT = "When a breakpoint is met, the run pauses and its item appears here."
_COLUMN_PX = 172
_FORM_PX = 250


class HeldPanel(QWidget):
    """Shows one held item at a time."""

    resume_requested = Signal()
    step_requested = Signal()
    item_chosen = Signal(int)
    """Which held item of the run is to be shown."""
    traceback_requested = Signal(object)
    """A `CellError`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.info: HeldInfo | None = None
        self.cards: dict[tuple[str, str], ValueCard] = {}
        """By side (`input`, `output`, `replay`) and port."""
        self._behind: tuple[QImage, tuple[int, int]] | None = None
        """The image that the cell had, and the width and height of the whole of it."""
        self.title = Label("", 13, 600)
        self.why = Label("", 11, 400, "text2", elides=True)
        self.items = CalmComboBox("Held item that is shown")
        self.items.setMinimumContentsLength(18)
        self.items.activated.connect(lambda _: self.item_chosen.emit(int(self.items.currentData())))
        self.resume_button = push_button("Resume", tip="Let the run go on (F6)")
        self.resume_button.clicked.connect(self.resume_requested)
        self.step_button = push_button("Step", tip="Let one item through (F10)")
        self.step_button.clicked.connect(self.step_requested)
        self.form = ReplayForm()
        self.form.setFixedWidth(_FORM_PX)
        self._inputs, self._outputs, self._again = _Column("It had"), _Column("It made"), _Column("It makes of it now")
        self._note = Label("", 11, 400, "text3", wraps=True)
        self._error = Label("", 12, 400, "error", wraps=True)
        self._failure: CellError | None = None
        self.traceback_button = push_button("Show traceback")
        self.traceback_button.clicked.connect(lambda: self.traceback_requested.emit(self._failure))
        for widget in (self._error, self.traceback_button, self._note):
            self._again.foot.addWidget(widget, 0, Qt.AlignmentFlag.AlignTop)
        self._stack = QStackedWidget()
        self._stack.addWidget(EmptyState(EMPTY_TEXT, "Nothing is held", "pause-circle"))
        self._stack.addWidget(self._make_body())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)

    def _make_body(self) -> QWidget:
        columns = QWidget()
        columns.setObjectName("panel")
        line = QHBoxLayout(columns)
        line.setContentsMargins(PAD_PX, 4, PAD_PX, PAD_PX)
        line.setSpacing(20)
        for widget in (self._inputs, self.form, self._outputs, self._again):
            line.addWidget(widget, 0, Qt.AlignmentFlag.AlignTop)
        line.addStretch(1)
        scroll = scrolled(columns, is_sideways=True)
        head = row(
            IconView("pause-circle-fill", "warn", 16, 18),
            self.title,
            self.items,
            self.why,
            None,
            self.resume_button,
            self.step_button,
            margins=(PAD_PX, 6, PAD_PX, 6),
        )
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(head)
        layout.addWidget(scroll, 1)
        return body

    def sizeHint(self) -> QSize:
        return QSize(700, 232)

    # ------------------------------------------------------------------ what is shown

    def show_nothing(self) -> None:
        """Nothing is held."""
        self.info = None
        self.cards.clear()
        for side in (self._inputs, self._outputs):
            side.clear()
        self.forget_replay()
        self._stack.setCurrentIndex(0)

    def show_items(self, items: Sequence[HeldInfo], shown: HeldInfo, nb_missed: int) -> None:
        """Show one of the items that are held.

        :param nb_missed: how many more met a condition and were not kept.
        """
        self.items.clear()
        for one in items:
            self.items.addItem(f"{one.cell}, item {count(one.item)}", one.held)
        self.items.setCurrentIndex([one.held for one in items].index(shown.held))
        self.items.setVisible(len(items) > 1)
        self.title.show_text(f"Held at {shown.cell}, item {count(shown.item)}")
        why = f"{shown.port}: {shown.condition}" if shown.condition else f"every item at {shown.port}"
        self.why.show_text(f"{why} · {counted(nb_missed, 'item')} more not kept" if nb_missed else why)
        if self.info is None or self.info.held != shown.held:
            self.info = shown
            self._show_values(shown)
        self._stack.setCurrentIndex(1)

    def _show_values(self, shown: HeldInfo) -> None:
        self.cards.clear()
        self._behind = None
        self.forget_replay()
        self._inputs.clear()
        self._outputs.clear()
        for port, values in shown.inputs.items():
            name = port if len(values) == 1 else f"{port}, the first of {len(values)}"
            if values:
                self._add(self._inputs, "input", port, values[0], name)
        if not shown.inputs:
            self._inputs.say("It is a source: it had no inputs.")
        for port, value in shown.outputs.items():
            self._add(self._outputs, "output", port, value, port)

    def _add(self, column: _Column, side: str, port: str, value: ValueSummary, name: str) -> ValueCard:
        card = ValueCard(name, value)
        self.cards[side, port] = card
        column.add(card)
        return card

    def show_picture(self, side: str, port: str, image: QImage) -> None:
        """Show the picture of a value of the item that is shown, or of what came of running it again (`replay`)."""
        card = self.cards.get((side, port))
        if card is None:
            return
        card.show_picture(image)
        shape = card.value.shape or ()
        if side == "input" and len(shape) >= 2 and self._behind is None:
            self._behind = image, (shape[1], shape[0])
            self._draw_boxes()

    def _draw_boxes(self) -> None:
        """Draw boxes that the cell made on the image that it had."""
        if self._behind is not None:
            for (side, _), card in self.cards.items():
                if side != "input":
                    card.show_boxes_on(*self._behind)

    # ------------------------------------------------------------------ running it again

    def forget_replay(self) -> None:
        """Show that it was not run again."""
        for key in [key for key in self.cards if key[0] == "replay"]:
            del self.cards[key]
        self._again.clear()
        self._again.hide()

    def show_replay(self, done: ReplayInfo) -> None:
        """Show what came of running it again, beside what the cell had made of it."""
        self.forget_replay()
        before = self.info.outputs if self.info is not None else {}
        for port, value in done.outputs.items():
            card = self._add(self._again, "replay", port, value, port)
            card.show_difference(difference(before.get(port), value))
        self._draw_boxes()
        self._show_failure(done.error)
        self._note.show_text(f"It took {elapsed(done.elapsed_s)}. {_sentence(done.note)}".strip())
        self._note.show()
        self._again.show()

    def show_refusal(self, message: str) -> None:
        """Say why it cannot be run again."""
        self.forget_replay()
        self._show_failure(CellError(cell="", message=_sentence(message)))
        self._note.hide()
        self._again.show()

    def _show_failure(self, error: CellError | None) -> None:
        self._failure = error
        self._error.show_text(error.message if error is not None else "")
        self._error.setVisible(error is not None)
        self.traceback_button.setVisible(error is not None and bool(error.traceback))


class _Column(QWidget):
    """Values below each other."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setFixedWidth(_COLUMN_PX)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(12)
        self.foot = QVBoxLayout()
        self.foot.setSpacing(6)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(Label(title, 11, 600, "text3"))
        layout.addLayout(self._lines)
        layout.addLayout(self.foot)
        layout.addStretch(1)

    def clear(self) -> None:
        clear_layout(self._lines)

    def add(self, card: QWidget) -> None:
        self._lines.addWidget(card)

    def say(self, text: str) -> None:
        self._lines.addWidget(Label(text, 12, 400, "text3", wraps=True))


def _sentence(text: str) -> str:
    """A text as a sentence of its own."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" if text else ""

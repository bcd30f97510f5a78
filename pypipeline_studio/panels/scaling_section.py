"""How many clones a cell has, of which kind, and how many items may wait for them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QPushButton, QWidget

from pypipeline_engine.graph.model import MAX_CLONES, Scale
from pypipeline_engine.numbers import counted
from pypipeline_studio.panels.parameter_fields import CheckedField
from pypipeline_studio.panels.parameter_rows import NAME_PX
from pypipeline_studio.panels.parameter_values import WrongText
from pypipeline_studio.panels.segmented import Segmented
from pypipeline_studio.panels.widgets import Label, Section, row, tool_button
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import icon

NO_RAY = "Ray clones are not available in this version"
MOST_QUEUED = 1_000_000
_FIELD_PX = 48


class ScalingSection(Section):
    """Clones, their kind, and the queue in front of them."""

    scale_changed = Signal(int, int, object)
    """Thread clones, Ray clones, and the queue capacity or `None`."""

    def __init__(self) -> None:
        super().__init__("Scaling")
        self._scale = Scale()
        self._most = MAX_CLONES
        self._nb_cpus: int | None = None
        self.fewer = _step_button("minus", "One clone less")
        self.more = _step_button("plus", "One clone more")
        self.number = CheckedField("Number of clones", self._read_number)
        self.number.setFont(font(13, 600, tabular=True))
        self.number.setFixedWidth(_FIELD_PX)
        self.number.setValidator(QIntValidator(0, MAX_CLONES * 10, self.number))
        self.number.step = lambda value, steps: max(0, min(self._most, value + steps))
        self._hint = Label("", 11, 400, "text3", tabular=True)
        self.method = Segmented("Method", (("thread", "Threads"), ("ray", "Ray")))
        self.method.set_option_enabled("ray", False, NO_RAY)
        self.capacity = CheckedField("Queue capacity in items", self._read_capacity)
        self.capacity.setFixedWidth(_FIELD_PX + 8)
        self.capacity.setPlaceholderText("auto")
        self.capacity.setToolTip("How many items may be inside at once; empty: by the number of clones")
        self._auto = tool_button("arrow-counter-clockwise", "Queue capacity by the number of clones", px=14)
        self._reason = Label("", 11, 400, "text3", wraps=True)
        self._complaint = Label("", 11, 400, "error", wraps=True)
        self._complaint.hide()
        self.body.addWidget(
            row(_name("Clones"), row(self.fewer, self.number, self.more, spacing=4), None, self._hint),
        )
        self.body.addWidget(row(_name("Method"), self.method, None))
        self.body.addWidget(row(_name("Queue"), self.capacity, Label("items", 11, 400, "text3"), None, self._auto))
        self.body.addWidget(self._complaint)
        self.body.addWidget(self._reason)
        self.fewer.clicked.connect(lambda: self._change_by(-1))
        self.more.clicked.connect(lambda: self._change_by(1))
        self.number.edited.connect(self._take_number)
        self.method.chosen.connect(self._take_method)
        self.capacity.edited.connect(lambda value, _is_finished: self._send(self._count(), value))
        self._auto.clicked.connect(lambda: self._send(self._count(), None))
        for field in (self.number, self.capacity):
            field.complained.connect(self._complain)
        self.show_scale(None, 1, "")

    def set_nb_cpus(self, nb_cpus: int | None) -> None:
        """How many cores the engine may use; `None` where that is not known."""
        self._nb_cpus = nb_cpus
        self._show_hint()

    def show_scale(self, scale: Scale | None, most: int | None, reason: str) -> None:
        """Show what the file says.

        :param most: how many clones the cell can have; `None` for any number.
        :param reason: why not more; empty for no reason.
        """
        self._scale = scale or Scale()
        self._most = MAX_CLONES if most is None else most
        self.method.choose("ray" if self._scale.ray and not self._scale.thread else "thread")
        count = self._count()
        self.number.show_text(str(count))
        self.fewer.setEnabled(count > 0)
        self.more.setEnabled(count < self._most)
        self.more.setToolTip(reason or "One clone more")
        capacity = self._scale.queue_capacity
        self.capacity.show_text("" if capacity is None else str(capacity))
        self._auto.setVisible(capacity is not None)
        self._reason.show_text(reason)
        self._reason.setVisible(bool(reason))
        self._show_hint()

    # ------------------------------------------------------------------

    def _count(self) -> int:
        """The number that is shown: of the clones of the chosen kind."""
        return self._scale.ray if self.method.choice == "ray" else self._scale.thread

    def _show_hint(self) -> None:
        if self._scale.thread and self._scale.ray:
            text = f"and {self._scale.ray} Ray"
        elif not self._scale.clones:
            text = "inline"
        else:
            text = counted(self._nb_cpus, "core") if self._nb_cpus else ""
        self._hint.show_text(text)
        self._hint.setToolTip(
            "Without clones, a cell runs in the thread of the cell before it" if text == "inline" else ""
        )

    def _change_by(self, step: int) -> None:
        self._take_number(max(0, min(self._most, self._count() + step)), True)

    def _take_number(self, count: Any, is_finished: bool) -> None:
        if is_finished and count != self._count():
            self._send(count, self._scale.queue_capacity)

    def _take_method(self, method: str) -> None:
        total = self._scale.clones
        thread, ray = (0, total) if method == "ray" else (total, 0)
        self.scale_changed.emit(thread, ray, self._scale.queue_capacity)

    def _send(self, count: int, capacity: int | None) -> None:
        is_ray = self.method.choice == "ray"
        thread, ray = (self._scale.thread, count) if is_ray else (count, self._scale.ray)
        self.scale_changed.emit(thread, ray, capacity)

    def _read_number(self, text: str) -> int:
        if not text.strip().isdecimal():
            raise WrongText(f"the number of clones must be from 0 to {self._most}, not {text.strip() or 'nothing'}")
        count = int(text)
        if count > self._most:
            raise WrongText(self._reason.text() or f"the number of clones must be from 0 to {self._most}, not {count}")
        return count

    @staticmethod
    def _read_capacity(text: str) -> int | None:
        typed = text.strip()
        if typed in ("", "auto"):
            return None
        if not typed.isdecimal() or not 1 <= int(typed) <= MOST_QUEUED:
            raise WrongText(f"the queue capacity must be from 1 to {MOST_QUEUED:,} items, not {typed}")
        return int(typed)

    def _complain(self, _sentence: str) -> None:
        sentence = self.number.complaint or self.capacity.complaint
        self._complaint.show_text(sentence)
        self._complaint.setVisible(bool(sentence))


def _name(text: str) -> QWidget:
    label = Label(text)
    label.setFixedWidth(NAME_PX)
    return label


def _step_button(icon_name: str, tip: str) -> QPushButton:
    button = QPushButton()
    button.setIcon(icon(icon_name, "text"))
    button.setIconSize(QSize(14, 14))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setProperty("step", True)
    button.setAutoRepeat(True)
    button.setFixedWidth(28)
    return button

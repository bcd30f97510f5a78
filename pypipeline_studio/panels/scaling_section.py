"""How many clones a cell has, of which kind, and how many items may wait for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from pypipeline_engine.graph.model import MAX_CLONES, Scale
from pypipeline_engine.numbers import counted
from pypipeline_studio.document.scaling import Method, method_of, move_clones
from pypipeline_studio.panels.parameter_fields import CheckedField
from pypipeline_studio.panels.parameter_rows import NAME_PX
from pypipeline_studio.panels.parameter_values import WrongText
from pypipeline_studio.panels.ray_options import RayOptionsRows
from pypipeline_studio.panels.segmented import Segmented
from pypipeline_studio.panels.widgets import Label, Section, row, tool_button
from pypipeline_studio.theme.fonts import font
from pypipeline_studio.theme.icons import icon

NO_RAY: Final = 'Ray is not installed: pip install "pypipeline-studio[ray]"'
NOT_KNOWN_YET: Final = "Whether Ray is installed is known when the engine has started"
MOST_QUEUED = 1_000_000
_FIELD_PX = 48
METHODS: Final[tuple[tuple[Method, str, str], ...]] = (
    (
        "thread",
        "Threads",
        "Clones on threads of the engine's process: for work that waits, or is done outside of Python",
    ),
    ("ray", "Ray", "Clones in processes of their own, here or in a cluster: for work that is done in Python"),
    ("both", "Both", "Some clones on threads, and some by Ray"),
)


class ScalingSection(Section):
    """Clones, their kind, and the queue in front of them."""

    scale_changed = Signal(int, int, object)
    """Thread clones, Ray clones, and the queue capacity or `None`."""
    ray_options_changed = Signal(object)
    """`RayOptions`, or `None` where nothing is asked of the cluster."""

    def __init__(self) -> None:
        super().__init__("Scaling")
        self._scale = Scale()
        self._most = MAX_CLONES
        self._limit = ""
        self._nb_cpus: int | None = None
        self._has_ray: bool | None = None
        self._usual: Method = "thread"
        self.clones = _Stepper("Number of clones", self._read_number)
        self.fewer, self.number, self.more = self.clones.fewer, self.clones.number, self.clones.more
        self.ray_clones = _Stepper("Number of Ray clones", self._read_number)
        self._clones_name, self._hint = _name("Clones"), Label("", 11, 400, "text3", tabular=True)
        self.method = Segmented("Method", [(key, text) for key, text, _ in METHODS])
        self.ray_options = RayOptionsRows()
        self.capacity = CheckedField("Queue capacity in items", read_capacity)
        self.capacity.setFixedWidth(_FIELD_PX + 8)
        self.capacity.setPlaceholderText("auto")
        self.capacity.setToolTip("How many items may be inside at once; empty: by the number of clones")
        self._auto = tool_button("arrow-counter-clockwise", "Queue capacity by the number of clones", px=14)
        self._reason = Label("", 11, 400, "text3", wraps=True)
        self._no_ray = Label(NO_RAY.replace(": ", ":\n"), 11, 400, "warn", wraps=True)
        self._no_ray.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
        )  # the command is to be copied
        self._complaint = Label("", 11, 400, "error", wraps=True)
        self._complaint.hide()
        self._ray_row = row(_name("Ray clones"), self.ray_clones, None)
        self.body.addWidget(row(self._clones_name, self.clones, None, self._hint))
        self.body.addWidget(self._ray_row)
        self.body.addWidget(row(_name("Method"), self.method, None))
        self.body.addWidget(self.ray_options)
        self.body.addWidget(row(_name("Queue"), self.capacity, Label("items", 11, 400, "text3"), None, self._auto))
        self.body.addWidget(self._complaint)
        self.body.addWidget(self._no_ray)
        self.body.addWidget(self._reason)
        self.clones.changed.connect(self._take_clones)
        self.ray_clones.changed.connect(lambda count: self._send(self._scale.thread, count))
        self.method.chosen.connect(self._take_method)
        self.ray_options.changed.connect(self.ray_options_changed)
        self.capacity.edited.connect(lambda value, _is_finished: self._send(self._scale.thread, self._scale.ray, value))
        self._auto.clicked.connect(lambda: self._send(self._scale.thread, self._scale.ray, None))
        for field in self._fields():
            field.complained.connect(self._complain)
        self.show_scale(None, 1, "")

    def set_nb_cpus(self, nb_cpus: int | None) -> None:
        """How many cores the engine may use; `None` where that is not known."""
        self._nb_cpus = nb_cpus
        self._show_hint()

    @property
    def has_ray(self) -> bool | None:
        """Whether the engine has Ray; `None` where that is not known."""
        return self._has_ray

    def set_has_ray(self, has_ray: bool | None) -> None:
        """Whether the engine has Ray; `None` where that is not known."""
        self._has_ray = has_ray
        self._show_methods()

    def set_usual_method(self, method: Method) -> None:
        """On what the first clone of a cell is to run."""
        self._usual = method
        if not self._scale.clones:
            self.method.choose(method)

    def forget_typed(self) -> None:
        """Take back what is being typed: it was meant for another cell."""
        for field in self._fields():
            field.forget_typed()

    def show_scale(self, scale: Scale | None, most: int | None, reason: str) -> None:
        """Show what the file says.

        :param most: how many clones the cell can have; `None` for any number.
        :param reason: why not more; empty for no reason.
        """
        self._scale = scale or Scale()
        self._most = MAX_CLONES if most is None else most
        self._limit = reason
        method = method_of(self._scale)
        self.method.choose(method if self._scale.clones else self._usual)
        room = MAX_CLONES if most is None else most - self._scale.clones
        self._clones_name.show_text("Threads" if method == "both" else "Clones")
        self.clones.show_count(self._scale.ray if method == "ray" else self._scale.thread, room, reason)
        self.ray_clones.show_count(self._scale.ray, room, reason)
        self._ray_row.setVisible(method == "both")
        self.ray_options.show_options(self._scale.ray_options)
        self.ray_options.setVisible(self._scale.ray > 0)
        capacity = self._scale.queue_capacity
        self.capacity.show_text("" if capacity is None else str(capacity))
        self._auto.setVisible(capacity is not None)
        self._reason.show_text(reason)
        self._reason.setVisible(bool(reason))
        self._show_methods()
        self._show_hint()
        self._complain("")

    # ------------------------------------------------------------------

    def _show_methods(self) -> None:
        chosen = method_of(self._scale)
        for method, _, tip in METHODS:
            obstacle = ""
            if method != "thread" and not self._has_ray:
                obstacle = NOT_KNOWN_YET if self._has_ray is None else NO_RAY
            elif method == "both" and self._most < 2:
                obstacle = self._limit
            # What the file says can be read whatever is installed.
            self.method.set_option_enabled(method, not obstacle or method == chosen, obstacle or tip)
        self._no_ray.setVisible(self._has_ray is False and self._scale.ray > 0)

    def _show_hint(self) -> None:
        is_inline = not self._scale.clones
        cores = counted(self._nb_cpus, "core") if self._nb_cpus else ""
        self._hint.show_text("inline" if is_inline else cores)
        self._hint.setToolTip("Without clones, a cell runs in the thread of the cell before it" if is_inline else "")

    def _take_clones(self, count: int) -> None:
        if (self.method.choice if not self._scale.clones else method_of(self._scale)) == "ray":
            self._send(0, count)
        else:
            self._send(count, self._scale.ray)

    def _take_method(self, method: str) -> None:
        chosen: Method = "ray" if method == "ray" else "both" if method == "both" else "thread"
        self._send(*move_clones(self._scale, chosen))

    def _send(self, thread: int, ray: int, *capacity: int | None) -> None:
        """:param capacity: another capacity of the queue."""
        wanted = (thread, ray, capacity[0] if capacity else self._scale.queue_capacity)
        if wanted != (self._scale.thread, self._scale.ray, self._scale.queue_capacity):
            self.scale_changed.emit(*wanted)

    def _read_number(self, text: str, most: int) -> int:
        if not text.strip().isdecimal():
            raise WrongText(f"the number of clones must be from 0 to {most}, not {text.strip() or 'nothing'}")
        count = int(text)
        if count > most:
            raise WrongText(self._limit or f"the number of clones must be from 0 to {most}, not {count}")
        return count

    def _fields(self) -> tuple[CheckedField, ...]:
        return self.number, self.ray_clones.number, *self.ray_options.fields, self.capacity

    def _complain(self, _sentence: str) -> None:
        sentence = next(
            (field.complaint for field in self._fields() if field.complaint and field.isVisibleTo(self)), ""
        )
        self._complaint.show_text(sentence)
        self._complaint.setVisible(bool(sentence))


class _Stepper(QWidget):
    """A number of clones, with a button for one more and one for one less."""

    changed = Signal(int)

    def __init__(self, name: str, read: Callable[[str, int], int]) -> None:
        """:param read: the number in a text that is at most so large; raises `WrongText`."""
        super().__init__()
        self._count = 0
        self._most = MAX_CLONES
        self.fewer = _step_button("minus", "One clone less")
        self.more = _step_button("plus", "One clone more")
        self.number = CheckedField(name, lambda text: read(text, self._most))
        self.number.setFont(font(13, 600, tabular=True))
        self.number.setFixedWidth(_FIELD_PX)
        self.number.setValidator(QIntValidator(0, MAX_CLONES * 10, self.number))
        self.number.step = lambda value, steps: max(0, min(self._most, value + steps))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.fewer, self.number, self.more):
            layout.addWidget(part)
        self.fewer.clicked.connect(lambda: self._take(max(0, self._count - 1), True))
        self.more.clicked.connect(lambda: self._take(min(self._most, self._count + 1), True))
        self.number.edited.connect(self._take)

    def show_count(self, count: int, room: int, reason: str) -> None:
        """Show a number, which may be larger by `room`.

        :param reason: why not by more; empty for no reason.
        """
        self._count = count
        self._most = min(MAX_CLONES, max(0, count + room))
        self.number.show_text(str(count))
        self.fewer.setEnabled(count > 0)
        self.more.setEnabled(count < self._most)
        self.more.setToolTip(reason or "One clone more")

    def _take(self, count: Any, is_finished: bool) -> None:
        if is_finished and count != self._count:
            self.changed.emit(count)


def read_capacity(text: str) -> int | None:
    """How many items a queue holds; `None` for the usual number.

    :raises WrongText: where it is no such number.
    """
    typed = text.strip()
    if typed in ("", "auto"):
        return None
    if not typed.isdecimal() or not 1 <= int(typed) <= MOST_QUEUED:
        raise WrongText(f"the queue capacity must be from 1 to {MOST_QUEUED:,} items, not {typed}")
    return int(typed)


def _name(text: str) -> Label:
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

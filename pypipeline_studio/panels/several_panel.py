"""The inspector for several cells: what they have in common, and what of it can be changed in all of them."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from pypipeline_engine.catalogue.model import Folders
from pypipeline_engine.graph.model import MAX_CLONES, OnError
from pypipeline_engine.numbers import counted
from pypipeline_studio.document.presentation import value_text
from pypipeline_studio.document.several import MIXED, UNSET, CommonParameter, Several
from pypipeline_studio.panels.parameter_editors import make_editor
from pypipeline_studio.panels.parameter_fields import CalmComboBox, CheckedField
from pypipeline_studio.panels.parameter_rows import NAME_PX, READ_AT_START
from pypipeline_studio.panels.parameter_values import MISSING, WrongText
from pypipeline_studio.panels.policy_section import FIRST_RETRIES
from pypipeline_studio.panels.scaling_section import METHODS, NO_RAY, read_capacity
from pypipeline_studio.panels.scrolled import scrolled
from pypipeline_studio.panels.tab_order import chain_tabs
from pypipeline_studio.panels.widgets import (
    PAD_PX,
    CheckBox,
    Label,
    Section,
    clear_layout,
    column,
    row,
    tool_button,
    tooltip,
)

MIXED_TEXT: Final = "mixed"
_POLICIES: Final = (
    OnError(),
    OnError(then="skip"),
    OnError(retry=FIRST_RETRIES),
    OnError(retry=FIRST_RETRIES, then="skip"),
)


class SeveralPanel(QWidget):
    """Shows `Several`, and says what is to be changed in all of the cells."""

    parameter_changed = Signal(str, object, bool)
    """Parameter, JSON value, and whether the edit is finished."""
    parameter_reset = Signal(str)
    clones_changed = Signal(int)
    clones_added = Signal(int)
    """So many more for each cell; negative for fewer."""
    method_changed = Signal(str)
    capacity_changed = Signal(object)
    policy_changed = Signal(object)
    """An `OnError`."""
    flag_changed = Signal(str, bool)
    """`disabled` or `bypassed`."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._made_for: object = None
        self._shown_names: tuple[str, ...] = ()
        self.rows: dict[str, CommonRow] = {}
        self.title = Label("", 15, 600)
        self.names = Label("", 11, 400, "text3", wraps=True)
        self._parameters = Section("Parameters", spacing=6)
        self._rows_layout = QVBoxLayout()
        self._rows_layout.setSpacing(6)
        self._parameters.body.addLayout(self._rows_layout)
        self._none = Label("These cells have no parameter in common.", 11, 400, "text3", wraps=True)
        self._parameters.body.addWidget(self._none)
        self._scaling = self._make_scaling()
        self._policy = self._make_policy()
        self._state = self._make_state()
        body = QWidget()
        body.setObjectName("panel")
        lines = QVBoxLayout(body)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        lines.addWidget(column(self.title, self.names, spacing=2, margins=(PAD_PX, PAD_PX, PAD_PX, PAD_PX)))
        for section in (self._parameters, self._scaling, self._policy, self._state):
            lines.addWidget(section)
        lines.addStretch(1)
        scroll = scrolled(body)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    # ------------------------------------------------------------------ the sections

    def _make_scaling(self) -> Section:
        section = Section("Scaling")
        self.clones = CheckedField("Number of clones of each cell", _read_clones)
        self.clones.setFixedWidth(56)
        self.fewer = tool_button("minus", "One clone less for each cell", px=14)
        self.more = tool_button("plus", "One clone more for each cell", px=14)
        self.method = CalmComboBox("What the clones run on")
        for key, text, _ in METHODS[:2]:
            self.method.addItem(text, key)
        self.method.setPlaceholderText(MIXED_TEXT)
        self.capacity = CheckedField("Queue capacity in items of each cell", read_capacity)
        self.capacity.setFixedWidth(64)
        self._limit = Label("", 11, 400, "text3", wraps=True)
        complaint = _complaint(self.clones, self.capacity)
        section.body.addWidget(row(_name("Clones"), self.fewer, self.clones, self.more, None, spacing=4))
        section.body.addWidget(row(_name("Method"), self.method, None))
        section.body.addWidget(row(_name("Queue"), self.capacity, Label("items", 11, 400, "text3"), None))
        section.body.addWidget(complaint)
        section.body.addWidget(self._limit)
        self.clones.edited.connect(lambda count, is_finished: self.clones_changed.emit(count) if is_finished else None)
        self.fewer.clicked.connect(lambda: self.clones_added.emit(-1))
        self.more.clicked.connect(lambda: self.clones_added.emit(1))
        self.method.activated.connect(lambda index: self.method_changed.emit(self.method.itemData(index)))
        self.capacity.edited.connect(lambda capacity, _is_finished: self.capacity_changed.emit(capacity))
        return section

    def _make_policy(self) -> Section:
        section = Section("When an item fails")
        self.policy = CalmComboBox("When an item fails")
        self.policy.setPlaceholderText(MIXED_TEXT)
        self.policy.activated.connect(lambda index: self.policy_changed.emit(self._policies[index]))
        self._policies: list[OnError] = []
        section.body.addWidget(self.policy)
        return section

    def _make_state(self) -> Section:
        section = Section("In a run", spacing=4)
        self.flags: dict[str, tuple[CheckBox, Label]] = {}
        for flag, text, tip in (
            ("disabled", "Disabled", "Leave the cells and their connections out (D)"),
            ("bypassed", "Bypassed", "Pass to each output the first input of equal type (B)"),
        ):
            box, mixed = CheckBox(text, tip), Label(MIXED_TEXT, 11, 400, "text3")
            box.clicked.connect(lambda _checked=False, flag=flag: self._send_flag(flag))
            self.flags[flag] = (box, mixed)
            section.body.addWidget(row(box, mixed, None))
        return section

    def _send_flag(self, flag: str) -> None:
        self.flag_changed.emit(flag, self.flags[flag][0].isChecked())

    # ------------------------------------------------------------------ what is shown

    def show_several(self, shown: Several, is_running: bool, has_ray: bool | None, folders: Folders) -> None:
        """Show cells. The rows stay as long as they are the same cells, and with them what is being typed."""
        self.title.show_text(f"{counted(len(shown.names), 'cell')} selected")
        self.names.show_text(", ".join(shown.names))
        if shown.names != self._shown_names:
            self._shown_names = shown.names
            for field in (self.clones, self.capacity):
                field.forget_typed()
        self._show_parameters(shown, is_running, folders)
        self._scaling.setVisible(shown.can_scale)
        self._policy.setVisible(shown.can_scale)
        is_mixed = shown.clones is MIXED
        self.clones.setPlaceholderText(MIXED_TEXT if is_mixed else "")
        self.clones.show_text("" if is_mixed else str(shown.clones))
        self.fewer.setEnabled(is_mixed or shown.clones > 0)
        _choose(self.method, shown.method)
        self.method.setEnabled(bool(has_ray) or shown.method == "ray")
        self.method.setToolTip("" if has_ray else NO_RAY)
        self.capacity.setPlaceholderText(MIXED_TEXT if shown.capacity is MIXED else "auto")
        self.capacity.show_text("" if shown.capacity is MIXED or shown.capacity is None else str(shown.capacity))
        singles = ", ".join(shown.single)
        verb = "keeps" if len(shown.single) == 1 else "keep"
        self._limit.show_text(f"{singles} {verb} a state from item to item: one clone at most." if singles else "")
        self._limit.setVisible(bool(singles))
        self._show_policy(shown.policy)
        for flag, (box, mixed) in self.flags.items():
            value = getattr(shown, flag)
            box.setChecked(value is True)
            mixed.setVisible(value is MIXED)

    def _show_parameters(self, shown: Several, is_running: bool, folders: Folders) -> None:
        made_for = (shown.names, tuple(common.parameter for common in shown.parameters), folders)
        if made_for != self._made_for:
            self._made_for = made_for
            for old in self.rows.values():
                # A field that loses the focus while it is deleted must not give its text to other cells.
                old.blockSignals(True)
            clear_layout(self._rows_layout)
            whose = f"{shown.names[0]} and {len(shown.names) - 1} more"
            self.rows = {common.parameter.name: CommonRow(common, whose, folders) for common in shown.parameters}
            for made in self.rows.values():
                made.edited.connect(self.parameter_changed)
                made.reset.connect(self.parameter_reset)
                self._rows_layout.addWidget(made)
            chain_tabs(self._parameters, self.rows.values())
        for common in shown.parameters:
            self.rows[common.parameter.name].show_common(common, is_running)
        self._none.setVisible(not shown.parameters)

    def _show_policy(self, policy: Any) -> None:
        self._policies = [*_POLICIES]
        if policy is not MIXED and policy not in self._policies:
            self._policies.append(policy)
        self.policy.clear()
        for known in self._policies:
            self.policy.addItem(policy_text(known))
        self.policy.setCurrentIndex(-1 if policy is MIXED else self._policies.index(policy))


class CommonRow(QWidget):
    """A parameter of several cells: its editor, whether the values differ, and a way back to the defaults."""

    edited = Signal(str, object, bool)
    reset = Signal(str)

    def __init__(self, common: CommonParameter, whose: str, folders: Folders) -> None:
        super().__init__()
        parameter = common.parameter
        label = Label(parameter.name, elides=True)
        label.setFixedWidth(NAME_PX - 16)
        self.editor = make_editor(parameter, whose, folders)
        self.mixed = Label(MIXED_TEXT, 11, 400, "text3")
        self.reset_button = tool_button("arrow-counter-clockwise", f"Reset {parameter.name} to its default", px=12)
        complaint = Label("", 11, 400, "error", wraps=True)
        complaint.hide()
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        line.addWidget(label)
        line.addWidget(self.editor, 1)
        line.addWidget(self.mixed)
        line.addWidget(self.reset_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(line)
        if self.editor.below is not None:
            layout.addWidget(self.editor.below)
        layout.addWidget(complaint)
        self._fields = self.editor.findChildren(CheckedField)
        self._usual = [field.placeholderText() for field in self._fields]
        self.editor.edited.connect(lambda value, is_finished: self.edited.emit(parameter.name, value, is_finished))
        self.reset_button.clicked.connect(lambda: self.reset.emit(parameter.name))

        def complain(sentence: str) -> None:
            complaint.show_text(sentence)
            complaint.setVisible(bool(sentence))

        self.editor.complained.connect(complain)

    def show_common(self, common: CommonParameter, is_running: bool) -> None:
        """Show the value that all have, or that they differ and how."""
        is_mixed = common.value is MIXED
        for field, usual in zip(self._fields, self._usual, strict=True):
            field.setPlaceholderText(MIXED_TEXT if is_mixed else usual)
        for combo in self.editor.findChildren(QComboBox):
            combo.setPlaceholderText(MIXED_TEXT)
        self.editor.show_value(MISSING if is_mixed or common.value is UNSET else common.value)
        self.mixed.setVisible(is_mixed and not self._fields and not self.editor.findChildren(QComboBox))
        is_locked = is_running and common.parameter.when == "config"
        self.editor.setEnabled(not is_locked)
        self.reset_button.setEnabled(common.is_changed and not is_locked)
        lines = [f"{name}: {_value_text(value, common)}" for name, value in common.values[:8]]
        lines += [f"and {len(common.values) - 8} more"] if len(common.values) > 8 else []
        self.editor.setToolTip(
            tooltip("", READ_AT_START) if is_locked else tooltip(common.parameter.name, common.parameter.doc, *lines)
        )


def policy_text(policy: OnError) -> str:
    """What happens when an item fails, in few words."""
    then = "skip item" if policy.then == "skip" else "stop run"
    if not policy.retry:
        return then.capitalize()
    times = "once" if policy.retry == 1 else f"{policy.retry} times"
    return f"Retry {times}, then {then}"


def _value_text(value: Any, common: CommonParameter) -> str:
    return "not set" if value is UNSET else value_text(value, common.parameter)


def _choose(combo: QComboBox, method: Any) -> None:
    """Show a method; nothing where the cells differ, and threads where none has clones."""
    keys = [combo.itemData(index) for index in range(combo.count())]
    combo.setCurrentIndex(keys.index(method) if method in keys else 0 if method is None else -1)
    combo.setPlaceholderText("both" if method == "both" else MIXED_TEXT)


def _read_clones(text: str) -> int:
    typed = text.strip()
    if not typed.isdecimal() or int(typed) > MAX_CLONES:
        raise WrongText(f"the number of clones must be from 0 to {MAX_CLONES}, not {typed or 'nothing'}")
    return int(typed)


def _complaint(*fields: CheckedField) -> Label:
    """What is wrong with the first of these fields of which something is."""
    label = Label("", 11, 400, "error", wraps=True)
    label.hide()

    def show(_sentence: str) -> None:
        sentence = next((field.complaint for field in fields if field.complaint), "")
        label.show_text(sentence)
        label.setVisible(bool(sentence))

    for field in fields:
        field.complained.connect(show)
    return label


def _name(text: str) -> Label:
    label = Label(text)
    label.setFixedWidth(NAME_PX - 16)
    return label

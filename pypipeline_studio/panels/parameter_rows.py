"""The parameters of a cell, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QAction, QFontMetrics, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from pypipeline_engine.catalogue.model import CellType, Folders, ParameterType
from pypipeline_studio.document.presentation import value_text
from pypipeline_studio.panels.parameter_editors import make_editor
from pypipeline_studio.panels.parameter_values import MISSING, is_same, range_text
from pypipeline_studio.panels.tab_order import chain_tabs
from pypipeline_studio.panels.widgets import Label, Section, clear_layout, paint, paint_focus, row, tool_button, tooltip
from pypipeline_studio.theme.colours import colour, theme
from pypipeline_studio.theme.fonts import font

NAME_PX = 98
READ_AT_START = "read at the start: stop to change it"
WHEN: Final = {"runtime": "live while running", "config": "read at the start"}
"""When a run takes a value over, by the kind of the parameter."""


class ParameterRow(QWidget):
    """One parameter: name, whether it was changed, editor, unit, and what is wrong with what was typed."""

    edited = Signal(str, object, bool)
    reset = Signal(str)
    shown_as_input = Signal(str, bool)

    def __init__(self, parameter: ParameterType, cell: str, folders: Folders, unit_px: int) -> None:
        super().__init__()
        self.parameter = parameter
        self._name = Label(parameter.name, elides=True)
        self._name.setToolTip(_explain(parameter))
        self.dot = _ChangedDot(parameter)
        self.dot.clicked.connect(lambda: self.reset.emit(parameter.name))
        holder = row(self._name, self.dot, None, spacing=2)
        holder.setFixedWidth(NAME_PX)
        self.editor = make_editor(parameter, cell, folders)
        self.editor.setToolTip(_explain(parameter))
        self.editor.edited.connect(self._edit)
        self.editor.complained.connect(self._complain)
        self.connected = Label("connected", 12, 400, "text3")
        self.connected.setToolTip("Its value comes from a connection")
        self.connected.hide()
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(holder)
        line.addWidget(self.editor, 1)
        line.addWidget(self.connected, 1)
        if unit_px and self.editor.takes_unit:
            unit = Label(parameter.unit, 11, 400, "text3")
            unit.setFixedWidth(unit_px)
            line.addWidget(unit)
        self.complaint = Label("", 11, 400, "error", wraps=True)
        self.complaint.hide()
        self.remark = Label("", 11, 400, "warn", wraps=True)
        self.remark.hide()
        self.editor.remarked.connect(self._remark)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(line)
        if self.editor.below is not None:
            layout.addWidget(self.editor.below)
        layout.addWidget(self.complaint)
        layout.addWidget(self.remark)
        self.reset_action = QAction("Reset to default", self)
        if not parameter.required:
            self.reset_action.setText(f"Reset to default ({value_text(parameter.default, parameter)})")
        self.reset_action.triggered.connect(lambda: self.reset.emit(parameter.name))
        self.input_action = QAction("Show as input on the node", self)
        self.input_action.setCheckable(True)
        self.input_action.triggered.connect(self._show_as_input)
        self._actions = [self.reset_action, *([self.input_action] if parameter.is_connectable else [])]
        self.editor.add_menu_actions(self._actions)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)

    def show_value(self, value: Any, is_input: bool, is_connected: bool, is_running: bool) -> None:
        """Show the value in the file, `MISSING` where the file has none."""
        default = MISSING if self.parameter.required else self.parameter.default
        is_changed = value is not MISSING and not is_same(value, default)
        self.dot.set_changed(is_changed)
        self._name.set_font(font(12, 500 if is_changed else 400))
        self.editor.show_value(default if value is MISSING else value)
        self.reset_action.setEnabled(value is not MISSING)
        self.input_action.setChecked(is_input or is_connected)
        self.input_action.setEnabled(not is_connected)
        self.editor.setVisible(not is_connected)
        self.connected.setVisible(is_connected)
        is_locked = is_running and self.parameter.when == "config"
        self.editor.setEnabled(not is_locked)
        self.dot.setEnabled(not is_locked)
        self.editor.setToolTip(tooltip("", READ_AT_START) if is_locked else _explain(self.parameter))

    def _edit(self, value: Any, is_finished: bool) -> None:
        self.edited.emit(self.parameter.name, value, is_finished)

    def _show_as_input(self) -> None:
        self.shown_as_input.emit(self.parameter.name, self.input_action.isChecked())

    def _complain(self, sentence: str) -> None:
        self.complaint.show_text(sentence)
        self.complaint.setVisible(bool(sentence))

    def _remark(self, sentence: str) -> None:
        self.remark.show_text(sentence)
        self.remark.setVisible(bool(sentence))

    def _open_menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions(self._actions)
        menu.popup(self.mapToGlobal(point))


class ParametersSection(Section):
    """All parameters of a cell: those of its type, then those that only the file knows."""

    edited = Signal(str, object, bool)
    """Name, JSON value, and whether the edit is finished."""
    reset = Signal(str)
    shown_as_input = Signal(str, bool)

    def __init__(self) -> None:
        note = Label("", 11, 400, "text3")
        super().__init__("Parameters", note, spacing=6)
        self._note = note
        self._rows_layout = QVBoxLayout()
        self._rows_layout.setSpacing(6)
        self.body.addLayout(self._rows_layout)
        self.rows: dict[str, ParameterRow] = {}
        self.kept: dict[str, KeptRow] = {}
        self._made_for: tuple[object, ...] = ()

    def show_parameters(
        self,
        cell: str,
        cell_type: CellType | None,
        values: Mapping[str, Any],
        inputs: frozenset[str],
        connected: frozenset[str],
        is_running: bool,
        folders: Folders,
    ) -> None:
        """Show the parameters of a cell. The rows stay as long as it is the same cell, and with them what is being typed.

        :param values: what the file sets.
        :param inputs: the parameters that the node shows as inputs.
        :param cell_type: `None` where it is not installed: the values are shown as they are kept.
        """
        declared = cell_type.parameters if cell_type is not None else ()
        names = {parameter.name for parameter in declared}
        unknown = tuple(name for name in values if name not in names)
        made_for = (cell, declared, unknown, folders)
        if made_for != self._made_for:
            self._made_for = made_for
            self._rebuild(cell, declared, unknown, folders, cell_type is not None)
        for name, shown in self.rows.items():
            shown.show_value(values.get(name, MISSING), name in inputs, name in connected, is_running)
        for name, kept in self.kept.items():
            kept.show_value(values[name])
        kinds = {parameter.when for parameter in declared}
        self._note.show_text("kept as saved" if cell_type is None else WHEN[kinds.pop()] if len(kinds) == 1 else "")
        self.setVisible(bool(self.rows or self.kept))

    def _rebuild(
        self,
        cell: str,
        declared: tuple[ParameterType, ...],
        unknown: tuple[str, ...],
        folders: Folders,
        is_known: bool,
    ) -> None:
        for old in (*self.rows.values(), *self.kept.values()):
            # A field that loses the focus while it is deleted must not give its text to another cell.
            old.blockSignals(True)
        clear_layout(self._rows_layout)
        metrics = QFontMetrics(font(11))
        unit_px = max((metrics.horizontalAdvance(parameter.unit) for parameter in declared), default=0)
        self.rows = {parameter.name: ParameterRow(parameter, cell, folders, unit_px) for parameter in declared}
        self.kept = {name: KeptRow(name, is_known) for name in unknown}
        kinds = list(dict.fromkeys(parameter.when for parameter in declared))
        for kind in kinds:
            if len(kinds) > 1:
                self._rows_layout.addWidget(Label(WHEN[kind].capitalize(), 11, 400, "text3"))
            for shown in self.rows.values():
                if shown.parameter.when == kind:
                    self._rows_layout.addWidget(shown)
        for shown in self.rows.values():
            shown.edited.connect(self.edited)
            shown.reset.connect(self.reset)
            shown.shown_as_input.connect(self.shown_as_input)
        for kept in self.kept.values():
            kept.reset.connect(self.reset)
            self._rows_layout.addWidget(kept)
        kind_order = sorted(self.rows.values(), key=lambda shown: kinds.index(shown.parameter.when))
        chain_tabs(self, [*kind_order, *self.kept.values()])


class KeptRow(QWidget):
    """A value in the file that no installed type knows: it can be read, and thrown away where the type is known."""

    reset = Signal(str)

    def __init__(self, name: str, can_be_removed: bool) -> None:
        super().__init__()
        label = Label(name, elides=True)
        label.setFixedWidth(NAME_PX)
        self.value = Label("", 12, 400, "text2", tabular=True, elides=True)
        self.value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(label)
        layout.addWidget(self.value, 1)
        if can_be_removed:
            label.set_colour("warn")
            label.setToolTip(tooltip("", "The type of this cell has no such parameter."))
            button = tool_button("x", f"Remove {name} from the graph", px=14)
            button.clicked.connect(lambda: self.reset.emit(name))
            layout.addWidget(button)

    def show_value(self, value: Any) -> None:
        self.value.show_text(value_text(value, None))


class _ChangedDot(QToolButton):
    """Says that a value is not the default; a click resets it."""

    def __init__(self, parameter: ParameterType) -> None:
        super().__init__()
        self._is_changed = False
        default = "nothing" if parameter.required else value_text(parameter.default, parameter)
        self.setToolTip(f"Changed. Click to reset to the default: {default}")
        self.setAccessibleName(f"Reset {parameter.name} to its default")
        self.setStyleSheet("min-width: 12px; max-width: 12px; min-height: 16px; border: 0; padding: 0;")
        self.setFixedSize(12, 16)
        self.set_changed(False)
        theme.changed.connect(self.update)

    def set_changed(self, is_changed: bool) -> None:
        self._is_changed = is_changed
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if is_changed else Qt.FocusPolicy.NoFocus)
        # Hidden ones keep their place, so that names do not move.
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, not is_changed)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._is_changed:
            return
        painter = paint(self)
        centre = QRectF(self.rect()).center()
        radius = 3.5 if self.underMouse() else 2.5
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("accent" if self.isEnabled() else "disabled"))
        painter.drawEllipse(centre, radius, radius)
        if self.hasFocus():
            paint_focus(painter, QRectF(self.rect()), 4)
        painter.end()


def _explain(parameter: ParameterType) -> str:
    limits = range_text(parameter)
    when = "Can be changed while running." if parameter.when == "runtime" else "Read at the start of a run."
    default = "" if parameter.required else f"Default: {value_text(parameter.default, parameter)}"
    kind = parameter.type_text or str(parameter.type)
    return tooltip(parameter.name, parameter.doc, f"{kind}, {limits}" if limits else kind, default, when)

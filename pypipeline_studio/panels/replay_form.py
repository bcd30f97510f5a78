"""The parameters with which a held item is to be run again, to be changed without changing the graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from pypipeline_engine.catalogue.model import CellType, Folders
from pypipeline_studio.document.json_values import is_same
from pypipeline_studio.panels.parameter_editors import make_editor
from pypipeline_studio.panels.parameter_values import MISSING
from pypipeline_studio.panels.tab_order import chain_tabs
from pypipeline_studio.panels.value_editor import ValueEditor
from pypipeline_studio.panels.widgets import Label, clear_layout, push_button, row

_NAME_PX = 84


class ReplayForm(QWidget):
    """One editor for each parameter; only those that differ from the graph are told."""

    run_requested = Signal(dict)
    """By name, the JSON values of the parameters that were changed."""
    apply_requested = Signal(dict)
    """The same; they are to be those of the graph from now on."""

    def __init__(self) -> None:
        super().__init__()
        self._cell = ""
        self._made_for: tuple[object, ...] = ()
        self._values: dict[str, Any] = {}
        self._changed: dict[str, Any] = {}
        self._complaints: dict[str, str] = {}
        self.editors: dict[str, ValueEditor] = {}
        self._lines = QVBoxLayout()
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(6)
        self.complaint = Label("", 11, 400, "error", wraps=True)
        self.complaint.hide()
        self.run_button = push_button(
            "Run again", is_primary=True, tip="Run the cell again on this item, beside the pipeline"
        )
        self.apply_button = push_button("Use in the graph", tip="Give the cell these parameters from now on")
        self.run_button.clicked.connect(lambda: self.run_requested.emit(dict(self._changed)))
        self.apply_button.clicked.connect(lambda: self.apply_requested.emit(dict(self._changed)))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(Label("Run this item again", 11, 600, "text2"))
        layout.addLayout(self._lines)
        layout.addWidget(self.complaint)
        layout.addWidget(row(self.run_button, self.apply_button, None))
        layout.addStretch(1)
        self._show_state()

    @property
    def changed_values(self) -> dict[str, Any]:
        """By name, the values that differ from those of the graph."""
        return dict(self._changed)

    def show_cell(
        self,
        cell: str,
        cell_type: CellType | None,
        values: Mapping[str, Any],
        folders: Folders,
        given: Collection[str] = (),
    ) -> None:
        """Show the parameters of a cell. What was changed for the same cell stays.

        :param values: what the graph sets.
        :param given: the inputs that the item brings a value for, which parameters may be among.
        """
        parameters = cell_type.parameters if cell_type is not None else ()
        declared = tuple(parameter for parameter in parameters if parameter.name not in given)
        made_for = (cell, declared, folders)
        if made_for != self._made_for:
            self._made_for, self._cell = made_for, cell
            self._changed.clear()
            self._complaints.clear()
            for editor in self.editors.values():
                editor.blockSignals(True)
            clear_layout(self._lines)
            self.editors = {parameter.name: make_editor(parameter, cell, folders) for parameter in declared}
            lines: list[QWidget] = []
            for parameter in declared:
                editor = self.editors[parameter.name]
                editor.edited.connect(partial(self._edit, parameter.name))
                editor.complained.connect(partial(self._complain, parameter.name))
                label = Label(parameter.name, elides=True)
                label.setFixedWidth(_NAME_PX)
                lines.append(row(label, editor))
                if editor.below is not None:
                    lines.append(editor.below)
            for line in lines:
                self._lines.addWidget(line)
            chain_tabs(self, [*lines, self.run_button, self.apply_button])
        self._values = {
            parameter.name: values.get(parameter.name, MISSING if parameter.required else parameter.default)
            for parameter in declared
        }
        for name, value in self._values.items():
            if name in self._changed and is_same(self._changed[name], value):
                del self._changed[name]
            self.editors[name].show_value(self._changed.get(name, value))
        self._show_state()

    def set_busy(self, is_busy: bool) -> None:
        """Show whether the item is being run again."""
        self.run_button.setEnabled(not is_busy)
        self.run_button.setText("Running …" if is_busy else "Run again")

    def _edit(self, name: str, value: Any, _is_final: bool) -> None:
        if self._values.get(name, MISSING) is not MISSING and is_same(value, self._values[name]):
            self._changed.pop(name, None)
        else:
            self._changed[name] = value
        self._show_state()

    def _complain(self, name: str, sentence: str) -> None:
        self._complaints[name] = sentence
        self._show_state()

    def _show_state(self) -> None:
        self.apply_button.setEnabled(bool(self._changed))
        text = next((sentence for sentence in self._complaints.values() if sentence), "")
        self.complaint.show_text(text)
        self.complaint.setVisible(bool(text))

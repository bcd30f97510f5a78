"""Asks what a new cell is to be: name, category, ports and parameters, checked while they are typed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from pypipeline_studio.document.cell_spec import CellSpec, explain_spec
from pypipeline_studio.panels.cell_spec_rows import ParameterLine, PortLine, SpecLine
from pypipeline_studio.panels.parameter_fields import CalmComboBox
from pypipeline_studio.panels.scrolled import scrolled
from pypipeline_studio.panels.widgets import CheckBox, Label, column, mark_wrong, push_button, row, tool_button
from pypipeline_studio.theme.fonts import font

_WIDTH_PX: Final = 560
_LEAST_ROWS_PX: Final = 150


class NewCellDialog(QDialog):
    """Asks for a cell. `wanted` tells a description in which nothing is wrong; the dialog stays open until `accept`."""

    wanted = Signal(CellSpec)

    def __init__(
        self,
        folder: Path,
        own_categories: Sequence[str] = (),
        own_types: Collection[str] = (),
        other_categories: Collection[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        """:param folder: where the file is written.
        :param own_categories: those in the folder, to choose from.
        :param own_types: cells that are there already.
        :param other_categories: those of cells that are not the user's own.
        """
        super().__init__(parent)
        self.setWindowTitle("New cell")
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(_WIDTH_PX)
        self._folder = folder
        self._own_types = own_types
        self._other_categories = other_categories
        self._touched: set[QWidget] = set()
        self._refusal = ""
        self.name = self._line_edit("Name of the cell", "FindEdges")
        self.category = CalmComboBox("Category")
        self.category.setEditable(True)
        self.category.addItems(list(own_categories) or ["my_cells"])
        self.category.setToolTip("The file that the cell is written into, and where the list of cells shows it")
        self.description = self._line_edit("What it does, in a sentence", "Finds edges by their steepness.")
        self.inputs = _SpecList("Inputs", "Add an input", lambda: PortLine("input", "image"))
        self.outputs = _SpecList("Outputs", "Add an output", lambda: PortLine("output", "image"))
        self.parameters = _SpecList("Parameters", "Add a parameter", ParameterLine)
        self.keeps_state = CheckBox(
            "Keeps something from item to item",
            "Then it can have one clone at most, so that items come one after the other",
        )
        self.complaint = Label("", 11, 400, "error", wraps=True)
        self.place = Label("", 11, 400, "text3", elides=True)
        self.create_button = push_button("Create", is_primary=True, tip="Write the file and open it")
        self.cancel_button = push_button("Cancel")
        self._lay_out()
        self.name.textEdited.connect(lambda: self._touch(self.name))
        self.category.currentTextChanged.connect(lambda: self._touch(self.category))
        for part in (self.inputs, self.outputs, self.parameters):
            part.changed.connect(self._check)
            part.touched.connect(self._touch)
        self.keeps_state.toggled.connect(self._check)
        self.create_button.clicked.connect(self._create)
        self.cancel_button.clicked.connect(self.reject)
        self.create_button.setDefault(True)
        self.inputs.add(quietly=True)
        self.outputs.add(quietly=True)
        self.name.setFocus()
        self._check()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        for place, (title, field) in enumerate((("Name", self.name), ("Category", self.category))):
            grid.addWidget(Label(title, 11, 500, "text2"), 0, place)
            grid.addWidget(field, 1, place)
            grid.setColumnStretch(place, 1)
        rows = column(self.inputs, self.outputs, self.parameters, None, spacing=16)
        scroll = scrolled(rows)
        scroll.setMinimumHeight(_LEAST_ROWS_PX)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addLayout(grid)
        layout.addWidget(Label("Description", 11, 500, "text2"))
        layout.addWidget(self.description)
        layout.addSpacing(4)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.keeps_state)
        layout.addWidget(self.complaint)
        layout.addWidget(row(self.place, None, self.cancel_button, self.create_button))
        layout.setStretch(5, 1)
        self.place.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.resize(_WIDTH_PX, 520)

    def _line_edit(self, name: str, example: str) -> QLineEdit:
        field = QLineEdit()
        field.setFont(font(12))
        field.setAccessibleName(name)
        field.setPlaceholderText(example)
        return field

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.name.setFocus()

    # ------------------------------------------------------------------

    @property
    def spec(self) -> CellSpec:
        """What is said by now."""
        return CellSpec(
            self.name.text().strip(),
            self.category.currentText().strip(),
            self.description.text(),
            tuple(line.port for line in self.inputs.lines if isinstance(line, PortLine)),
            tuple(line.port for line in self.outputs.lines if isinstance(line, PortLine)),
            tuple(line.parameter for line in self.parameters.lines if isinstance(line, ParameterLine)),
            self.keeps_state.isChecked(),
        )

    def refuse(self, reason: str) -> None:
        """Say why what was wanted cannot be done; it holds until something is changed."""
        self._refusal = reason
        self._show_complaint(reason)

    def _touch(self, field: QWidget) -> None:
        self._touched.add(field)
        self._check()

    def _problems(self) -> dict[str, str]:
        return explain_spec(self.spec, self._own_types, self._other_categories)

    def _check(self) -> None:
        """Mark what is wrong, but for what nobody has come to yet."""
        self._refusal = ""
        problems = self._problems()
        shown = ""
        for place, field in self._fields().items():
            reason = problems.get(place, "") if field in self._touched else ""
            mark_wrong(field, bool(reason))
            field.setAccessibleDescription(reason)
            shown = shown or reason
        if not shown and not (self.inputs.lines or self.outputs.lines):
            shown = problems.get("ports", "")
        self._show_complaint(shown)
        spec = self.spec
        self.place.show_text(f"Goes into {self._folder / f'{spec.category}.py'}" if spec.category else "")

    def _fields(self) -> dict[str, QWidget]:
        fields: dict[str, QWidget] = {"name": self.name, "category": self.category}
        for key, part in (("inputs", self.inputs), ("parameters", self.parameters), ("outputs", self.outputs)):
            for index, line in enumerate(part.lines):
                fields[f"{key}.{index}"] = line.name
                if isinstance(line, ParameterLine):
                    fields[f"{key}.{index}.default"] = line.default
        return fields

    def _show_complaint(self, text: str) -> None:
        self.complaint.show_text(text)
        self.complaint.setVisible(bool(text))

    def _create(self) -> None:
        fields = self._fields()
        self._touched = set(fields.values())
        self._check()
        problems = self._problems()
        if not problems:
            self.wanted.emit(self.spec)
            return
        place = next(iter(problems))
        if place in fields:
            fields[place].setFocus()


class _SpecList(QWidget):
    """A title, lines, and a button that adds one."""

    changed = Signal()
    touched = Signal(QWidget)
    """The field of a name in which something was typed."""

    def __init__(self, title: str, add_text: str, make: Callable[[], SpecLine]) -> None:
        super().__init__()
        self.lines: list[SpecLine] = []
        self._make = make
        self.add_button = tool_button("plus", add_text, px=14)
        self.add_button.clicked.connect(lambda: self.add())
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 4, 0)
        self._layout.setSpacing(4)
        self._layout.addWidget(row(Label(title, 12, 600), None, self.add_button))

    def add(self, quietly: bool = False) -> SpecLine:
        """Add a line; it gets the focus."""
        line = self._make()
        line.changed.connect(self.changed)
        line.name.textEdited.connect(lambda: self.touched.emit(line.name))
        if isinstance(line, ParameterLine):
            line.value_edited.connect(lambda: self.touched.emit(line.default))
        line.remove_requested.connect(lambda: self.remove(line))
        self.lines.append(line)
        self._layout.addWidget(line)
        if not quietly:
            line.name.setFocus()
            self.changed.emit()
        return line

    def remove(self, line: SpecLine) -> None:
        """Take a line away."""
        self.lines.remove(line)
        self._layout.removeWidget(line)
        line.hide()
        line.deleteLater()
        self.add_button.setFocus()
        self.changed.emit()

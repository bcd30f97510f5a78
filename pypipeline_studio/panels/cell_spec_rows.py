"""The lines of the dialog for a new cell: one port, or one parameter."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from pypipeline_studio.document.cell_spec import PARAMETER_LABELS, PORT_KINDS, ParameterSpec, PortSpec
from pypipeline_studio.panels.parameter_fields import CalmComboBox
from pypipeline_studio.panels.widgets import CheckBox, tool_button
from pypipeline_studio.theme.fonts import font

_NUMBER_PX = 56


class SpecLine(QWidget):
    """A name, a type, and a button that takes the line away."""

    changed = Signal()
    remove_requested = Signal()

    def __init__(self, what: str, kinds: dict[str, str], kind: str) -> None:
        super().__init__()
        self.name = _field(f"Name of the {what}", "name")
        self.name.setMinimumWidth(110)
        self.kind = CalmComboBox(f"Type of the {what}")
        for key, label in kinds.items():
            self.kind.addItem(label, key)
        self.kind.setCurrentIndex(list(kinds).index(kind))
        self.remove_button = tool_button("x", f"Remove this {what}", px=14)
        self.remove_button.clicked.connect(self.remove_requested)
        self.line = QHBoxLayout(self)
        self.line.setContentsMargins(0, 0, 0, 0)
        self.line.setSpacing(6)
        self.line.addWidget(self.name, 2)
        self.line.addWidget(self.kind, 1)
        self.name.textEdited.connect(self.changed)
        self.kind.currentIndexChanged.connect(self.changed)


class PortLine(SpecLine):
    """An input or an output."""

    def __init__(self, what: str, kind: str) -> None:
        super().__init__(what, {key: known.label for key, known in PORT_KINDS.items()}, kind)
        self.line.addWidget(self.remove_button)

    @property
    def port(self) -> PortSpec:
        """What is said by now."""
        return PortSpec(self.name.text().strip(), str(self.kind.currentData()))


class ParameterLine(SpecLine):
    """A parameter: also its default, its range where it is a number, and whether it may change while running."""

    value_edited = Signal()
    """Something was typed into the default or the range."""

    def __init__(self) -> None:
        super().__init__("parameter", {str(key): label for key, label in PARAMETER_LABELS.items()}, "float")
        self.default = _field("Default of the parameter", "default")
        self.minimum = _field("Least value of the parameter", "least")
        self.maximum = _field("Largest value of the parameter", "most")
        self.is_runtime = CheckBox("live", "May change while a pipeline runs; otherwise it is read when that starts")
        self.is_runtime.setAccessibleName("May change while running")
        self.is_runtime.setChecked(True)
        for field in (self.minimum, self.maximum):
            field.setFixedWidth(_NUMBER_PX)
        self.line.addWidget(self.default, 1)
        for part in (self.minimum, self.maximum, self.is_runtime, self.remove_button):
            self.line.addWidget(part)
        for field in (self.default, self.minimum, self.maximum):
            field.textEdited.connect(self.value_edited)
        self.kind.currentIndexChanged.connect(self._follow_kind)
        self.is_runtime.toggled.connect(self.changed)
        self._follow_kind()

    @property
    def parameter(self) -> ParameterSpec:
        """What is said by now."""
        is_number = self._is_number()
        return ParameterSpec(
            self.name.text().strip(),
            self.kind.currentData(),
            self.default.text().strip(),
            self.minimum.text().strip() if is_number else "",
            self.maximum.text().strip() if is_number else "",
            self.is_runtime.isChecked(),
        )

    def _is_number(self) -> bool:
        return self.kind.currentData() in ("int", "float")

    def _follow_kind(self) -> None:
        for field in (self.minimum, self.maximum):
            field.setVisible(self._is_number())
        kind = self.kind.currentData()
        example = {"choice": "fast, exact", "bool": "no", "input_path": "none", "output_path": "none"}
        self.default.setPlaceholderText(example.get(kind, "default"))
        tips = {
            "choice": "The values to choose from, the default first, with commas between them",
            "bool": "Yes or no",
        }
        self.default.setToolTip(tips.get(kind, "Without a default it has to be set in each graph"))


def _field(name: str, example: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText(example)
    field.setFont(font(12))
    return field

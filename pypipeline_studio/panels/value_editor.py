"""What the editors of values have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QWidget

from pypipeline_engine.catalogue.model import ParameterType
from pypipeline_studio.panels.parameter_fields import CheckedField
from pypipeline_studio.panels.parameter_values import plain_type, read_text


class ValueEditor(QWidget):
    """Shows one value and says which other one a person wants."""

    edited = Signal(object, bool)
    """A JSON value; and whether the edit is finished, which it is not while a slider is dragged."""
    complained = Signal(str)
    """What is wrong with what was typed, in one sentence; empty where nothing is any more."""
    remarked = Signal(str)
    """What is to be known about what was typed, which is taken all the same; empty where that is nothing."""
    _SPACING_PX: ClassVar[int] = 8

    def __init__(self, parameter: ParameterType, cell: str) -> None:
        super().__init__()
        self.parameter = parameter
        self.cell = cell
        self.below: QWidget | None = None
        """A part for which there is no room in the line. Whoever shows the editor puts it below, in full width."""
        self.takes_unit = True
        """Whether a unit may stand beside it; else the editor takes its place."""
        self.line = QHBoxLayout(self)
        self.line.setContentsMargins(0, 0, 0, 0)
        self.line.setSpacing(self._SPACING_PX)

    def show_value(self, value: Any) -> None:
        """Show a JSON value, or `MISSING`. What a person is changing at the moment is left alone."""
        raise NotImplementedError

    def add_menu_actions(self, actions: list[QAction]) -> None:
        """Offer these in the context menus of the parts that have one of their own."""

    def _field(self) -> CheckedField:
        """A field that reads this parameter, with what follows from that wired up."""
        field = CheckedField(self.parameter.name, lambda text: read_text(text, self.parameter, self.cell))
        allows_null = plain_type(self.parameter.type)[1]
        field.setPlaceholderText("required" if self.parameter.required else "none" if allows_null else "")
        field.complained.connect(self.complained)
        return field

"""The editors of values that are typed: one line for short ones, several lines for texts and for JSON."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction

from pypipeline_engine.catalogue.model import ParameterType
from pypipeline_engine.numbers import counted
from pypipeline_studio.panels.long_field import LongField
from pypipeline_studio.panels.parameter_values import editor_of, long_text, read_text, stepped, to_text
from pypipeline_studio.panels.value_editor import ValueEditor
from pypipeline_studio.panels.widgets import Label, tool_button

SEVERAL_LINES = "Edit in several lines"
ONE_LINE = "Edit in one line"


class TextEditor(ValueEditor):
    """For a value in one line: numbers without a slider, and what has no editor of its own."""

    def __init__(self, parameter: ParameterType, cell: str) -> None:
        super().__init__(parameter, cell)
        self.field = self._field()
        self.field.edited.connect(self.edited)
        if editor_of(parameter) == "number":
            self.field.step = lambda value, steps: stepped(value, parameter, steps)
        self.line.addWidget(self.field, 1)
        self.setFocusProxy(self.field)

    def show_value(self, value: Any) -> None:
        self.field.show_text(to_text(value, self.parameter))

    def add_menu_actions(self, actions: list[QAction]) -> None:
        self.field.more_actions = actions


class LongTextEditor(TextEditor):
    """For texts and JSON: a field of one line, and a button for one of several below it.

    A text that has several lines is shown in several at once.
    """

    def __init__(self, parameter: ParameterType, cell: str) -> None:
        super().__init__(parameter, cell)
        self.long_field = LongField(
            parameter.name,
            lambda text: read_text(text, parameter, cell),
            is_code=editor_of(parameter) == "json",
        )
        self.long_field.hide()
        self.long_field.edited.connect(self._take_long)
        self.long_field.complained.connect(self.complained)
        self.below = self.long_field
        self._nb_lines = Label("", 11, 400, "text3")
        self._nb_lines.hide()
        self.button = tool_button("arrows-out-line-vertical", SEVERAL_LINES, px=14, is_checkable=True)
        self.button.clicked.connect(self._toggle)
        self.line.setSpacing(4)
        self.line.addWidget(self._nb_lines, 1)
        self.line.addWidget(self.button)
        self._value: Any = None
        self._is_long = False

    @property
    def is_long(self) -> bool:
        """Whether several lines are shown."""
        return self._is_long

    def show_value(self, value: Any) -> None:
        self._value = value
        super().show_value(value)
        text = long_text(value, self.parameter)
        self.long_field.show_text(text)
        has_lines = isinstance(value, str) and "\n" in value
        self.button.setEnabled(not has_lines)  # one line would show it as something else
        if has_lines and not self._is_long:
            self.show_long(True)
        self._nb_lines.show_text(counted(text.count("\n") + 1, "line"))

    def show_long(self, is_long: bool) -> None:
        """Show several lines, or one."""
        self._is_long = is_long
        self.button.setChecked(is_long)
        self.button.setToolTip(ONE_LINE if is_long else SEVERAL_LINES)
        self.button.setAccessibleName(f"{self.parameter.name}: {self.button.toolTip().lower()}")
        self.field.setVisible(not is_long)
        self._nb_lines.setVisible(is_long)
        self.setFocusProxy(self.long_field if is_long else self.field)
        self._show_below()

    def add_menu_actions(self, actions: list[QAction]) -> None:
        super().add_menu_actions(actions)
        self.long_field.more_actions = actions

    def setVisible(self, visible: bool) -> None:
        super().setVisible(visible)
        self._show_below()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange:
            self.long_field.setEnabled(self.isEnabled())

    def _toggle(self) -> None:
        is_long = self.button.isChecked()
        self.show_long(is_long)
        (self.long_field if is_long else self.field).setFocus(Qt.FocusReason.OtherFocusReason)
        if not self._value:  # as JSON, no text is two quotes
            self.long_field.selectAll()

    def _show_below(self) -> None:
        self.long_field.setVisible(self._is_long and not self.isHidden())

    def _take_long(self, value: Any, is_finished: bool) -> None:
        self.edited.emit(value, is_finished)

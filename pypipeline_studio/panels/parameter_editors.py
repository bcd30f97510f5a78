"""The editors of single values: a switch, a choice, a text, a number with a slider, a path with a button."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog

from pypipeline_engine.catalogue.model import Folders, ParameterType
from pypipeline_engine.graph.problems import describe
from pypipeline_studio.panels.colour_editor import ColourEditor
from pypipeline_studio.panels.parameter_fields import CalmComboBox, CalmSlider
from pypipeline_studio.panels.parameter_values import (
    MISSING,
    WrongText,
    editor_of,
    explain,
    is_same,
    options_of,
    path_below,
    plain_type,
    range_of,
    stepped,
    to_text,
)
from pypipeline_studio.panels.text_editors import LongTextEditor, TextEditor
from pypipeline_studio.panels.value_editor import ValueEditor
from pypipeline_studio.panels.widgets import CheckBox, tool_button

VALUE_PX = 58
"""The width of the field beside a slider."""


class SwitchEditor(ValueEditor):
    """For what is on or off."""

    def __init__(self, parameter: ParameterType, cell: str) -> None:
        super().__init__(parameter, cell)
        self.box = CheckBox()
        self.box.setAccessibleName(parameter.name)
        self.box.clicked.connect(self._click)
        self.line.addWidget(self.box)
        self.line.addStretch(1)
        self.setFocusProxy(self.box)

    def show_value(self, value: Any) -> None:
        self.box.setChecked(value is True)

    def _click(self) -> None:
        self.edited.emit(self.box.isChecked(), True)


class ChoiceEditor(ValueEditor):
    """For one of several values. One that is none of them, as a file may have it, is shown too."""

    def __init__(self, parameter: ParameterType, cell: str) -> None:
        super().__init__(parameter, cell)
        self.combo = CalmComboBox(parameter.name)
        self._values = [*options_of(parameter)]
        if plain_type(parameter.type)[1] and None not in self._values:
            self._values.insert(0, None)
        for value in self._values:
            self.combo.addItem(_option_text(value))
        self.combo.activated.connect(self._choose)
        self.line.addWidget(self.combo, 1)
        self.setFocusProxy(self.combo)
        self._shown: Any = MISSING

    def show_value(self, value: Any) -> None:
        self._shown = value
        index = next((index for index, known in enumerate(self._values) if is_same(known, value)), -1)
        if index < 0 and value is not MISSING:
            self._values.append(value)
            self.combo.addItem(f"{_option_text(value)} – not allowed")
            index = len(self._values) - 1
        self.combo.setCurrentIndex(index)

    def _choose(self, index: int) -> None:
        value = self._values[index]
        try:
            explain(value, self.parameter, self.cell)
        except WrongText as wrong:
            self.complained.emit(str(wrong))
            return
        self.complained.emit("")
        if not is_same(value, self._shown):
            self.edited.emit(value, True)


class NumberEditor(ValueEditor):
    """For a number between two ends: a slider, and a field for exact values."""

    def __init__(self, parameter: ParameterType, cell: str) -> None:
        super().__init__(parameter, cell)
        found = range_of(parameter)
        assert found is not None
        self._range = found
        self._value: Any = MISSING
        self.slider = CalmSlider(f"{parameter.name}, slider")
        self.slider.setRange(0, found.nb_steps)
        self.slider.setPageStep(max(1, found.nb_steps // 10))
        self.slider.valueChanged.connect(self._slide)
        self.slider.sliderReleased.connect(self._let_go)
        self.field = self._field()
        self.field.setFixedWidth(VALUE_PX)
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.field.step = lambda value, steps: stepped(value, parameter, steps)
        self.field.edited.connect(self._take_field)
        self.line.addWidget(self.slider, 1)
        self.line.addWidget(self.field)
        self.setFocusProxy(self.field)

    def show_value(self, value: Any) -> None:
        if self.slider.isSliderDown():
            return
        self._value = value
        self.field.show_text(to_text(value, self.parameter))
        self._move_slider(value)

    def add_menu_actions(self, actions: list[QAction]) -> None:
        self.field.more_actions = actions

    def _slide(self, position: int) -> None:
        self._value = self._range.value_at(position)
        self.field.show_text(to_text(self._value, self.parameter))
        self.edited.emit(self._value, not self.slider.isSliderDown())

    def _let_go(self) -> None:
        if self._value is not MISSING:
            self.edited.emit(self._value, True)

    def _take_field(self, value: Any, is_finished: bool) -> None:
        self._value = value
        self._move_slider(value)
        self.edited.emit(value, is_finished)

    def _move_slider(self, value: Any) -> None:
        if isinstance(value, int | float):
            # The value may lie between two positions, and is not to be rounded by being shown.
            self.slider.blockSignals(True)
            self.slider.setValue(self._range.position_of(value))
            self.slider.blockSignals(False)


class PathEditor(TextEditor):
    """For a file: its path, a button that lets one choose it, and while one types, whether it is there."""

    def __init__(self, parameter: ParameterType, cell: str, folders: Folders) -> None:
        super().__init__(parameter, cell)
        self._kind = plain_type(parameter.type)[0].name
        self._folder = folders.outputs if self._kind == "output_path" else folders.inputs
        self.button = tool_button("folder-open", f"Choose a file for {parameter.name}", px=16)
        self.button.clicked.connect(self.browse)
        self.line.setSpacing(4)
        self.line.addWidget(self.button)
        self.takes_unit = False
        # Where text will do as well, it may be a name that the cell knows.
        self._may_be_name = any(item.name == "text" for item in parameter.type.items)
        self.field.textEdited.connect(self._remark)
        self.field.editingFinished.connect(lambda: self.remarked.emit(""))  # the problems of the cell say it then

    def _remark(self, text: str) -> None:
        typed = text.strip()
        path = self._folder / typed
        remark = ""
        try:
            is_there = path.exists()
            if self._kind == "output_path":
                remark = f"{path} is there: a run writes over it" if is_there and not path.is_dir() else ""
            elif not is_there and not self._may_be_name:
                remark = f"there is no file or folder {path}"
        except (OSError, ValueError):  # a name that no file can have
            remark = f"no file can be called {describe(typed)}"
        self.remarked.emit(remark if typed else "")

    def browse(self) -> QFileDialog:
        """Open a dialog that does not keep the rest of the window from working; it is deleted when it closes."""
        dialog = QFileDialog(self, f"{self.cell}: {self.parameter.name}")
        dialog.setObjectName("browse")
        is_output = self._kind == "output_path"
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave if is_output else QFileDialog.AcceptMode.AcceptOpen)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        current = Path(self.field.text()) if self.field.text() else Path()
        dialog.setDirectory(str((self._folder / current).parent if self.field.text() else self._folder))
        if self.field.text():
            dialog.selectFile(current.name)
        dialog.fileSelected.connect(self.take_file)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def take_file(self, chosen: str) -> None:
        """Give the path of a file that was chosen; relative where it is below the folder of the graph."""
        text = path_below(Path(chosen), self._folder)
        self.field.show_text(text)
        self.edited.emit(text, True)


def make_editor(parameter: ParameterType, cell: str, folders: Folders) -> ValueEditor:
    """The editor that suits a parameter.

    :param cell: the name of its cell, for messages.
    :param folders: what paths are relative to.
    """
    kind = editor_of(parameter)
    if kind == "switch":
        return SwitchEditor(parameter, cell)
    if kind == "choice":
        return ChoiceEditor(parameter, cell)
    if kind == "slider":
        return NumberEditor(parameter, cell)
    if kind == "path":
        return PathEditor(parameter, cell, folders)
    if kind == "colour":
        return ColourEditor(parameter, cell)
    return TextEditor(parameter, cell) if kind == "number" else LongTextEditor(parameter, cell)


def _option_text(value: Any) -> str:
    return value if isinstance(value, str) else "none" if value is None else describe(value)

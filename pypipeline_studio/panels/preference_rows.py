"""Rows of the dialog of preferences: a name, what can be chosen, and what that does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from pypipeline_engine.graph.problems import describe
from pypipeline_studio.panels.parameter_fields import CheckedField
from pypipeline_studio.panels.parameter_values import WrongText
from pypipeline_studio.panels.widgets import Label, column, row, tool_button

_NAME_PX = 148


class PreferenceRow(QWidget):
    """A name, a control, and below it one sentence about what it does."""

    def __init__(self, name: str, control: QWidget, help_text: str, *, is_wide: bool = False) -> None:
        """Show a control.

        :param is_wide: whether the control takes all of the width.
        """
        super().__init__()
        label = Label(name)
        label.setFixedWidth(_NAME_PX)
        label.setBuddy(control)
        self.help = Label(help_text, 11, 400, "text3", wraps=True)
        shown = control if is_wide else row(control, None)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        line = row(label, shown, spacing=12)
        below = row(column(self.help), margins=(_NAME_PX + 12, 0, 0, 0))
        layout.addWidget(line)
        layout.addWidget(below)
        if not control.accessibleDescription():
            control.setAccessibleDescription(help_text)


class FolderField(QWidget):
    """A folder: its path, and a button that lets one choose it. One that is not there is not taken."""

    changed = Signal(str)
    """The folder; empty for the usual one."""

    def __init__(self, name: str, usual: str) -> None:
        """:param usual: what is used where nothing is chosen, in words."""
        super().__init__()
        self._name = name
        self.field = CheckedField(name, read_folder)
        self.field.setPlaceholderText(usual)
        self.button = tool_button("folder-open", f"Choose: {name.lower()}")
        self.complaint = Label("", 11, 400, "error", wraps=True)
        self.complaint.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(row(self.field, self.button, spacing=4))
        layout.addWidget(self.complaint)
        self.setFocusProxy(self.field)
        self.field.edited.connect(lambda folder, _is_finished: self.changed.emit(folder))
        self.field.complained.connect(self._complain)
        self.button.clicked.connect(self._browse)

    def show_folder(self, folder: str) -> None:
        """Show a folder; empty for the usual one."""
        self.field.show_text(folder)

    def take(self, folder: str) -> None:
        """Take a folder that was chosen."""
        self.field.show_text(folder)
        self.changed.emit(folder)

    def _browse(self) -> None:
        dialog = QFileDialog(self, self._name, self.field.text() or str(Path.cwd()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.take)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _complain(self, sentence: str) -> None:
        self.complaint.show_text(sentence)
        self.complaint.setVisible(bool(sentence))


def text_row(name: str, read: Callable[[str], str], placeholder: str) -> tuple[QWidget, CheckedField]:
    """A field with what is wrong with it below, and the field in it."""
    field = CheckedField(name, read)
    field.setPlaceholderText(placeholder)
    complaint = Label("", 11, 400, "error", wraps=True)
    complaint.hide()

    def complain(sentence: str) -> None:
        complaint.show_text(sentence)
        complaint.setVisible(bool(sentence))

    field.complained.connect(complain)
    holder = column(field, complaint, spacing=2)
    holder.setFocusProxy(field)
    return holder, field


def read_folder(text: str) -> str:
    """A folder that is there; empty for the usual one.

    :raises WrongText: where there is none.
    """
    folder = text.strip()
    if folder and not Path(folder).expanduser().is_dir():
        raise WrongText(f"there is no folder {describe(folder)}: choose one that is there, or leave the field empty")
    return folder

"""The dialog of preferences. What is chosen holds at once, and is remembered."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSettings, QSize, Qt
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from pypipeline_studio.panels.parameter_values import WrongText
from pypipeline_studio.panels.preference_rows import FolderField, PreferenceRow, text_row
from pypipeline_studio.panels.scrolled import scrolled
from pypipeline_studio.panels.segmented import Segmented
from pypipeline_studio.panels.widgets import CheckBox, Section, push_button, row
from pypipeline_studio.window.actions import ACTIONS, Actions
from pypipeline_studio.window.appearance import Appearance
from pypipeline_studio.window.clone_method import CloneMethod
from pypipeline_studio.window.live_pace import LivePace
from pypipeline_studio.window.output_folder import SETTING as OUTPUT_SETTING
from pypipeline_studio.window.output_folder import chosen_folder
from pypipeline_studio.window.run_control import RunControl

CELLS_SETTING: Final = "cells/folder"
EDITOR_SETTING: Final = "editor/command"
_REOPENING: Final = "restore_tabs"
"""The action that a window with tabs has for it."""
THEMES: Final = (("system", "As the system"), ("dark", "Dark"), ("light", "Light"))
RATES: Final = (("4", "4 a second"), ("2", "2"), ("1", "1"), ("0", "Off"))


class PreferencesDialog(QDialog):
    """Shows the settings, and changes them."""

    def __init__(
        self,
        appearance: Appearance,
        pace: LivePace,
        clones: CloneMethod,
        run_control: RunControl,
        commands: Actions,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._pace = pace
        self._clones = clones
        self._run_control = run_control
        self._commands = commands
        self.setWindowTitle("Preferences")
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(QSize(600, 740))
        body = QWidget()
        body.setObjectName("panel")
        lines = QVBoxLayout(body)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(4)
        for section in (self._make_look(), self._make_runs(), self._make_files()):
            lines.addWidget(section)
        lines.addStretch(1)
        scroll = scrolled(body)
        self.close_button = push_button("Close", is_primary=True)
        self.close_button.clicked.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 12)
        layout.setSpacing(8)
        layout.addWidget(scroll, 1)
        layout.addWidget(row(None, self.close_button, margins=(16, 0, 16, 0)))
        self.theme.setFocus()

    # ------------------------------------------------------------------ the sections

    def _make_look(self) -> Section:
        self.theme = Segmented("Theme", THEMES)
        self.theme.choose(self._appearance.theme_choice)
        self.theme.chosen.connect(self._appearance.set_theme)
        self.safe_heat = CheckBox("Colours for colour-blind people")
        self.safe_heat.setChecked(self._commands["safe_heat"].isChecked())
        self.safe_heat.clicked.connect(lambda: self._commands["safe_heat"].trigger())
        self._commands["safe_heat"].toggled.connect(self.safe_heat.setChecked)
        self.motion = CheckBox("Less motion")
        self.motion.setChecked(self._appearance.reduces_motion)
        self.motion.clicked.connect(lambda: self._appearance.set_reduced_motion(self.motion.isChecked()))
        section = _section("Appearance")
        for name, control, text in (
            ("Theme", self.theme, "Dark or light; the first follows the system, also while the studio is open."),
            ("Heat", self.safe_heat, "Load is shown by lightness alone, from dark to light or the other way round."),
            ("Motion", self.motion, "Menus, tooltips, boxes and docks appear at once, without fading or sliding."),
        ):
            section.body.addWidget(PreferenceRow(name, control, text))
        return section

    def _make_runs(self) -> Section:
        self.rate = Segmented("Live figures", RATES)
        self.rate.choose(str(self._pace.rate_hz))
        self.rate.chosen.connect(lambda rate: self._pace.set_rate(int(rate)))
        self.clone_method = self._clones.make_choice()
        self.cluster_button = push_button("Ray cluster …")
        self.cluster_button.clicked.connect(lambda: self._commands["ray_cluster"].trigger())
        section = _section("Running")
        for name, control, text in (
            (
                "Live figures",
                self.rate,
                "How often the nodes and the status bar show a run. Fewer take less of a slow or remote screen; "
                "the statistics keep their pace.",
            ),
            (
                "New clones",
                self.clone_method,
                "What the first clone of a cell runs on: threads of the engine, or processes of their own by Ray.",
            ),
            ("Ray", self.cluster_button, "Where Ray clones run: on this machine, or in a cluster that runs already."),
        ):
            section.body.addWidget(PreferenceRow(name, control, text))
        return section

    def _make_files(self) -> Section:
        self.output_folder = FolderField("Folder for outputs", "the folder in which the studio was started")
        self.output_folder.show_folder(chosen_folder())
        self.output_folder.changed.connect(self._set_output_folder)
        self.cell_folder = FolderField("Folder of own cells", "a folder among the data of the studio")
        self.cell_folder.show_folder(_kept(CELLS_SETTING))
        self.cell_folder.changed.connect(lambda folder: _keep(CELLS_SETTING, folder))
        holder, self.editor = text_row("Command of the editor", read_command, "what the system opens it with")
        self.editor.show_text(_kept(EDITOR_SETTING))
        self.editor.edited.connect(lambda command, _is_finished: _keep(EDITOR_SETTING, command))
        section = _section("Files")
        for name, control, text in (
            (
                "Outputs",
                self.output_folder,
                "What relative paths of sinks are relative to, from the next run on. "
                "--output-dir of the command line comes before it.",
            ),
            ("Own cells", self.cell_folder, "Where cells that you write are kept and looked for."),
            (
                "Editor",
                holder,
                "Opens the source of a cell, such as code -g {file}:{line}. {file} and {line} are filled in.",
            ),
        ):
            section.body.addWidget(PreferenceRow(name, control, text, is_wide=True))
        if _REOPENING in ACTIONS:
            reopening = CheckBox("Open the graphs again that were open")
            reopening.setChecked(self._commands[_REOPENING].isChecked())
            reopening.clicked.connect(lambda: self._commands[_REOPENING].trigger())
            text = "At the next start of the studio; files that are gone by then are left out."
            section.body.addWidget(PreferenceRow("At the start", reopening, text))
        return section

    def _set_output_folder(self, folder: str) -> None:
        _keep(OUTPUT_SETTING, folder)
        self._run_control.set_output_folder(Path(folder).expanduser().absolute() if folder else Path.cwd())


def read_command(text: str) -> str:
    """A command line that opens a file; empty for none.

    :raises WrongText: where it is none.
    """
    command = text.strip()
    try:
        shlex.split(command)
    except ValueError as error:
        raise WrongText(f"this is no command line: {str(error).lower()}; quotes come in pairs") from None
    return command


def _section(title: str) -> Section:
    section = Section(title, spacing=12)
    section.body.setContentsMargins(16, 14, 16, 14)
    return section


def _kept(key: str) -> str:
    kept = QSettings().value(key)
    return kept if isinstance(kept, str) else ""


def _keep(key: str, text: str) -> None:
    if text:
        QSettings().setValue(key, text)
    else:
        QSettings().remove(key)

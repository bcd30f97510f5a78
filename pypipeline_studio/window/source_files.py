"""Opening source files: in the editor that a setting names, at the line, or with whatever the system opens them with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QProcess, QSettings, QUrl, Signal
from PySide6.QtGui import QDesktopServices

EDITOR_SETTING: Final = "editor/command"
"""A command line such as `code -g {file}:{line}`; without `{file}` the file is put behind it."""


class WrongCommand(ValueError):
    """The command of the editor cannot be used; the message says why."""


def editor_command(command: str, file: str, line: int) -> list[str]:
    """The program and its arguments that open a file at a line.

    :raises WrongCommand: where the command cannot be read.
    """
    try:
        parts = shlex.split(command)
    except ValueError as error:
        raise WrongCommand(
            f"The command of the editor in Edit > Preferences cannot be read ({error}): {command}"
        ) from error
    if not parts:
        raise WrongCommand("The command of the editor in Edit > Preferences names no program.")
    if not any("{file}" in part for part in parts):
        parts.append("{file}")
    return [part.replace("{file}", file).replace("{line}", str(line)) for part in parts]


class SourceFiles(QObject):
    """Opens source files."""

    told = Signal(str)
    """What was opened where, or why not."""
    is_elsewhere = False
    """Whether files may be those of another machine."""

    def open(self, file: str, line: int = 1) -> bool:
        """Open a file at a line; whether a program was asked to."""
        if file and self.is_elsewhere and not Path(file).exists():
            self.told.emit(f"{file}, line {line}, where the run goes on")
            return False
        if not file or not Path(file).exists():
            self.told.emit(f"{file} is not there any more." if file else "Where the source is is not known.")
            return False
        command = QSettings().value(EDITOR_SETTING)
        if isinstance(command, str) and command.strip():
            try:
                program, *arguments = editor_command(command, file, line)
            except WrongCommand as wrong:
                self.told.emit(str(wrong))
                return False
            if QProcess.startDetached(program, arguments)[0]:
                self.told.emit(f"{file}, line {line}")
                return True
            self.told.emit(f"{program}, the editor in Edit > Preferences, cannot be started; {file}, line {line}")
            return False
        # With what the system has for it; few of those programs take a line.
        if QDesktopServices.openUrl(QUrl.fromLocalFile(file)):
            self.told.emit(f"{file}, line {line}")
            return True
        self.told.emit(f"No program opens {file} (line {line}); name one in Edit > Preferences")
        return False

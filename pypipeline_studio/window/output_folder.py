"""Where relative paths of sinks lead: what the command line says, else what was chosen before, else the current folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QSettings

SETTING: Final = "output_folder"
"""The key of the settings under which the chosen folder is kept."""


def chosen_folder() -> str:
    """The folder that was chosen; empty for none."""
    kept = QSettings().value(SETTING)
    return kept.strip() if isinstance(kept, str) else ""


def output_folder(given: Path | None) -> Path:
    """The folder to use at the start.

    :param given: what the command line says.
    """
    if given is not None:
        return given.absolute()
    chosen = chosen_folder()
    return Path(chosen).expanduser().absolute() if chosen else Path.cwd()

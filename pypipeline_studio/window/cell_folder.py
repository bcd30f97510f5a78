"""Where the user's own cells are: a folder of the application's data, or the one that a setting names."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QSettings, QStandardPaths

FOLDER_SETTING: Final = "cells/folder"


def cell_folder() -> Path:
    """The folder; it is made when the first cell is written."""
    chosen = QSettings().value(FOLDER_SETTING)
    if isinstance(chosen, str) and chosen.strip():
        return Path(chosen).expanduser().absolute()
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation)) / "cells"

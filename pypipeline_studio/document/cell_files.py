"""The files of cells in a folder of the user: which there are, and writing another cell into one."""

from __future__ import annotations

from pathlib import Path

from pypipeline_engine.atomic import write_file
from pypipeline_studio.document.cell_source import CannotAdd, extended_source, line_of_cell, new_source
from pypipeline_studio.document.cell_spec import CellSpec


def cell_files(folder: Path) -> tuple[Path, ...]:
    """The Python files in a folder whose cells are meant to be used: those without `_` or `.` in front."""
    try:
        found = [path for path in folder.glob("*.py") if path.is_file() and path.name[0] not in "_."]
    except OSError:
        return ()
    return tuple(sorted(found))


def write_cell(folder: Path, spec: CellSpec) -> tuple[Path, int]:
    """Write a cell into the file of its category; the file, and the line in which the cell begins.

    The folder is made where there is none. A file that is there already gets one cell more, or stays as it was.

    :raises CannotAdd: with the reason in words.
    """
    path = folder / f"{spec.category}.py"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = extended_source(path.read_text(encoding="utf-8"), spec) if path.exists() else new_source(spec)
        write_file(path, text)
    except UnicodeDecodeError as error:
        raise CannotAdd(f"{path} is no text in UTF-8: mend that first, or choose another category.") from error
    except OSError as error:
        raise CannotAdd(f"{path} cannot be written: {error.strerror or error}.") from error
    return path, line_of_cell(text, spec.name)

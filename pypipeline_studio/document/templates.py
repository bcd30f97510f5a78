"""A new graph that begins as another one, such as an example."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pypipeline_engine.graph.model import Body, Document
from pypipeline_studio.document.files import open_graph

SomeBody = TypeVar("SomeBody", bound=Body)


def from_template(path: Path) -> Document:
    """A graph like that of a file, which finds the files beside that one wherever it will be saved.

    :raises WrongGraphException: with everything that is wrong with the file.
    """
    opened = open_graph(path)
    return _with_absolute_paths(opened.document, opened.path.parent)


def _with_absolute_paths(body: SomeBody, folder: Path) -> SomeBody:
    # What is there is read; what a sink is going to write is not, and stays relative to the folder of the output.
    cells = {}
    for name, cell in body.cells.items():
        parameters = {
            key: str(folder / value) if isinstance(value, str) and _is_file(folder, value) else value
            for key, value in cell.parameters.items()
        }
        changed = cell if parameters == cell.parameters else cell.model_copy(update={"parameters": parameters})
        cells[name] = _with_absolute_paths(changed, folder) if changed.is_pipeline else changed
    return body.model_copy(update={"cells": cells})


def _is_file(folder: Path, value: str) -> bool:
    try:
        return bool(value) and (folder / value).is_file()
    except (OSError, ValueError):  # too long for a path, or with a zero in it
        return False

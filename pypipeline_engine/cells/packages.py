"""Packages that only some cells need."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pypipeline_engine.exceptions import InvalidStateException

if TYPE_CHECKING:
    from pypipeline_engine.cell import ACell


def import_package(cell: ACell, name: str) -> Any:
    """The module `name`, which is installed under the same name.

    :raises InvalidStateException: if it cannot be imported, naming the cell and the command that installs it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise InvalidStateException(
            f"{cell.get_full_name()} needs {name}, which cannot be imported ({error}): pip install {name}"
        ) from error

"""Approving many libraries at once, of which some may not be usable: what is wrong with one is no harm to others."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pypipeline_engine.catalogue.discovery import Catalogue


def cell_files(folder: str | os.PathLike[str]) -> list[Path]:
    """The Python files in a folder whose cells are meant to be used: those without `_` or `.` in front."""
    try:
        found = [path for path in Path(folder).glob("*.py") if path.name[0] not in "_." and path.is_file()]
    except OSError:
        return []
    return sorted(found)


def approve_all(
    catalogue: Catalogue,
    items: Iterable[str] = (),
    folders: Iterable[str | os.PathLike[str]] = (),
    approved: Iterable[tuple[str, str]] = (),
) -> None:
    """Approve files and modules, the files in folders, and what has the content of a hash.

    `catalogue.get_failures()` says what could not be approved.

    :param approved: hash and file or module.
    """
    for item in items:
        catalogue.try_to_approve(item)
    for folder in folders:
        for path in cell_files(folder):
            catalogue.try_to_approve(path)
    for sha256, item in approved:
        catalogue.try_to_approve(item, sha256)

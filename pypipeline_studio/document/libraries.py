"""Where the cells of a graph come from: what the file says about that, and which of it a person has to allow."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pypipeline_engine.catalogue.model import CellType, KnownTypes
from pypipeline_engine.catalogue.module_files import find_module_file, sha256_of
from pypipeline_engine.graph.model import Document

OWN_DISTRIBUTION: Final = "pypipeline-studio"
MODULES: Final = "the approved modules"
"""What the engine calls the library of modules that were approved."""


@dataclass(frozen=True)
class LibraryRequest:
    """Cells that a graph asks for, and that run code which nobody has installed."""

    item: str
    """What the engine is to be given: the absolute path of a file, or the name of a module."""
    path: Path
    """The file whose code runs first."""
    sha256: str

    @property
    def key(self) -> tuple[str, str]:
        """What an approval holds for: this content of this file."""
        return str(self.path), self.sha256


def is_file(item: str) -> bool:
    """Whether a library is named by a file, as the engine decides it."""
    return item.endswith(".py") or "/" in item or os.sep in item


def requests_of(document: Document, folder: Path, usable: Collection[Path] = ()) -> tuple[LibraryRequest, ...]:
    """The files and modules that a graph names and its cells need. Nothing of them is run; what is not there is left out.

    :param folder: what relative paths are relative to.
    :param usable: files that the engine uses anyway.
    """
    categories = {cell.type.rpartition(".")[0] for _, cell in document.walk()}
    found = []
    for item in dict.fromkeys(document.libraries):
        path = _path_of(item, folder)
        if path is None or path in usable:
            continue
        category = path.stem if is_file(item) else item.rpartition(".")[2]
        sha256 = sha256_of(path)
        if category in categories and sha256 is not None:
            found.append(LibraryRequest(str(path) if is_file(item) else item, path, sha256))
    return tuple(found)


def _path_of(item: str, folder: Path) -> Path | None:
    if is_file(item):
        return Path(os.path.normpath(folder / item)) if "\0" not in item else None
    if not all(part.isidentifier() for part in item.split(".")):
        return None  # a distribution, such as pypipeline-studio
    return find_module_file(item)


def with_libraries(before: Document, document: Document, types: KnownTypes, folder: Path | None) -> Document:
    """The document, naming where cells come from that an edit has brought and that not everybody has.

    :param folder: of the graph's file; paths below it are named relative to it.
    """
    known = {cell.type for _, cell in before.walk()}
    new = {cell.type for _, cell in document.walk()} - known
    names = list(document.libraries)
    for type_name in sorted(new):
        cell_type = types.find(type_name)
        name = library_of(cell_type, folder) if cell_type is not None else ""
        if name and name not in names:
            names.append(name)
    return document if len(names) == len(document.libraries) else document.model_copy(update={"libraries": names})


def library_of(cell_type: CellType, folder: Path | None = None) -> str:
    """What a graph names for a type: a file, a module or a distribution; empty for cells that ship."""
    library = cell_type.library
    if library == MODULES:
        return cell_type.module
    if library == OWN_DISTRIBUTION or not library or not library.isprintable():
        return ""
    if folder is not None and is_file(library) and Path(library).is_relative_to(folder):
        return str(Path(library).relative_to(folder))
    return library


def cells_options(document: Document, types: KnownTypes) -> list[str]:
    """The files and modules that a headless run of the graph has to be given, with `--cells`."""
    found = []
    for _, cell in document.walk():
        cell_type = types.find(cell.type)
        name = library_of(cell_type) if cell_type is not None else ""
        if name and (is_file(name) or (cell_type is not None and cell_type.library == MODULES)):
            found.append(name)
    return list(dict.fromkeys(found))


def to_setting(approvals: Mapping[str, str]) -> str:
    """Approvals as they are kept: by path, the hash of what was allowed."""
    return json.dumps(dict(approvals))


def from_setting(text: object) -> dict[str, str]:
    """The approvals that were kept; none where they cannot be read."""
    try:
        data = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        data = {}
    if not isinstance(data, dict):
        return {}
    return {path: sha256 for path, sha256 in data.items() if isinstance(path, str) and isinstance(sha256, str)}

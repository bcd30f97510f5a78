"""Finding the types of cells: those that ship, those of installed distributions, those of approved files and modules.

A type is named `category.Class`. Each category is one module, which is imported when one of its types is asked for for the
first time: looking up `detection.HogPeople` imports the module of `detection` and no other. Nothing is imported that is
neither installed nor approved.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from pypipeline_engine.catalogue.describe import describe, make, ports_of
from pypipeline_engine.catalogue.loading import ApprovedFile, CannotLoad, cell_classes, import_library
from pypipeline_engine.catalogue.model import CellType, Folders, unknown_type_text
from pypipeline_engine.catalogue.module_files import find_module_file, sha256_of
from pypipeline_engine.catalogue.values import convert
from pypipeline_engine.cell import ACell
from pypipeline_engine.cellio import AParameter
from pypipeline_engine.exceptions import GraphException
from pypipeline_engine.graph.model import explain_name

ENTRY_POINTS = "pypipeline.cells"
OWN_DISTRIBUTION = "pypipeline-studio"
OWN_CATEGORIES = (
    "sources",
    "flow",
    "math",
    "series",
    "vision",
    "detection",
    "tracking",
    "ai",
    "sinks",
    "demo",
)
"""The modules of `pypipeline_engine.cells` that are categories. Listed, so that they are found without an installation."""


def own_entry_points() -> list[EntryPoint]:
    """How the cells that ship are registered, as those of any other distribution are."""
    return [EntryPoint(name, f"pypipeline_engine.cells.{name}", ENTRY_POINTS) for name in OWN_CATEGORIES]


@dataclass(frozen=True)
class Library:
    """Where the cells of one category come from."""

    category: str
    module_name: str
    origin: str
    """A distribution, module or file, for people."""
    file: ApprovedFile | None = None

    def load(self) -> ModuleType:
        """Import it.

        :raises GraphException: if that fails.
        """
        return self.file.load() if self.file is not None else import_library(self.module_name)

    def describe(self) -> str:
        """Which one it is, for messages."""
        return self.origin if self.file is not None else f"{self.module_name} of {self.origin}"


class Catalogue:
    """The types of cells that may be used. One thread at a time may use a catalogue.

    Each lookup may import the module of a category, and make one cell of a class to read its inputs and outputs.
    """

    def __init__(self, approved: Iterable[str | os.PathLike[str]] = (), *, installed: bool = True) -> None:
        """The cells that ship, those of installed distributions (entry points `pypipeline.cells`), and approved ones.

        :param approved: Python files and modules, see `approve`.
        :param installed: whether to look for installed distributions.
        :raises GraphException: if an approved file cannot be read or its category is taken.
        """
        self._libraries: dict[str, list[Library]] = {}
        self._classes: dict[str, dict[str, type[ACell]]] = {}  # by category, once it was imported
        self._failures: dict[str, str] = {}  # by category, why it could not be
        self._approved: list[str] = []
        self._refused: dict[str, str] = {}  # by file or module, why it could not be approved
        self._places: dict[str, tuple[str, int | None]] = {}  # of both, by the same names: file and line of the error
        self._descriptions: dict[str, CellType] = {}
        for entry in own_entry_points():
            self._add(Library(entry.name, entry.value, OWN_DISTRIBUTION))
        for entry in entry_points(group=ENTRY_POINTS) if installed else ():
            origin = entry.dist.name if entry.dist is not None else "an unknown distribution"
            self._add(Library(entry.name, entry.value.partition(":")[0].strip(), origin))
        for item in approved:
            self.approve(item)

    def _add(self, library: Library) -> None:
        known = self._libraries.setdefault(library.category, [])
        if library.module_name not in [other.module_name for other in known]:
            known.append(library)

    # ------------------------------------------------------------------ approval

    def approve(self, item: str | os.PathLike[str], sha256: str | None = None) -> Library:
        """Allow the cells of a Python file or of an importable module to be used.

        The category is the file's name without `.py`, or the last part of the module's name. Nothing is imported yet.

        :param item: the path of a file (it ends in `.py`, or contains a separator), or the name of a module.
        :param sha256: the content that was approved, where it was approved before; that of a module's own file.
        :raises GraphException: if the file cannot be read or has another content, or if the category is taken.
        """
        text = os.fspath(item)
        if not isinstance(item, str) or text.endswith(".py") or "/" in text or os.sep in text:
            file = ApprovedFile(Path(text))
            if sha256 is not None and sha256 != file.sha256:
                raise GraphException(f"{text} has changed since it was approved: look at it and approve it again")
            library = Library(Path(text).stem, file.module_name, str(file.path), file)
        else:
            if not all(part.isidentifier() for part in text.split(".")):
                raise GraphException(f"expected a Python file or the name of a module with cells, not {text!r}")
            source = find_module_file(text) if sha256 is not None else None
            if sha256 is not None and (source is None or sha256_of(source) != sha256):
                raise GraphException(f"{text} has changed since it was approved: look at it and approve it again")
            library = Library(text.rpartition(".")[2], text, "the approved modules")
        reason = explain_name(library.category)
        if reason is not None:
            raise GraphException(f"the cells in {text} cannot be used: {reason}")
        for other in self._libraries.get(library.category, ()):
            if other.module_name != library.module_name:
                raise GraphException(
                    f"{library.describe()} and {other.describe()} both have the category {library.category!r}: "
                    f"rename the file or module"
                )
        self._add(library)
        if library.category not in self._approved:
            self._approved.append(library.category)
        return library

    def try_to_approve(self, item: str | os.PathLike[str], sha256: str | None = None) -> None:
        """As `approve`; why it cannot be is told by `get_failures`, and keeps nothing else from being used."""
        try:
            self.approve(item, sha256)
        except GraphException as error:
            text = os.fspath(item)
            self._refused[text] = str(error)
            self._places[text] = (text if Path(text).is_file() else "", None)

    # ------------------------------------------------------------------ lookup

    def get_categories(self) -> list[str]:
        """All categories, without importing anything."""
        return list(self._libraries)

    def get_approved(self) -> list[str]:
        """The categories of what was approved, without importing anything."""
        return list(self._approved)

    def get_library(self, category: str) -> Library | None:
        """Where the cells of a category come from."""
        libraries = self._libraries.get(category)
        return libraries[0] if libraries else None

    def _get_classes(self, category: str) -> dict[str, type[ACell]]:
        """The cells of a category.

        :raises GraphException: if it cannot be imported, or two libraries claim it.
        """
        if category in self._failures:
            raise GraphException(self._failures[category])
        if category not in self._classes:
            libraries = self._libraries.get(category, [])
            try:
                if len(libraries) > 1:
                    names = " and ".join(library.describe() for library in libraries)
                    raise GraphException(f"{names} both have the category {category!r}: uninstall one")
                self._classes[category] = cell_classes(libraries[0].load()) if libraries else {}
            except GraphException as error:
                self._failures[category] = str(error)
                if isinstance(error, CannotLoad):
                    self._places[category] = (error.file, error.line)
                raise
        return self._classes[category]

    def resolve(self, type_name: str) -> type[ACell]:
        """The class with this type name.

        :raises GraphException: if there is none, or its module cannot be imported.
        """
        category, _, class_name = type_name.rpartition(".")
        cell_class = self._get_classes(category).get(class_name)
        if cell_class is None:
            raise GraphException(self.explain_unknown(type_name))
        return cell_class

    def find(self, type_name: str) -> CellType | None:
        """The description of a type; `None` where there is none. One that cannot be used is described by its problem."""
        category, _, class_name = type_name.rpartition(".")
        if type_name in self._descriptions:
            return self._descriptions[type_name]
        try:
            cell_class = self._get_classes(category).get(class_name)
        except GraphException as error:
            return CellType(name=type_name, category=category, class_name=class_name, problem=str(error))
        if cell_class is None:
            return None
        library = self._libraries[category][0]
        self._descriptions[type_name] = describe(cell_class, type_name, library.origin)
        return self._descriptions[type_name]

    def get_types(self, category: str | None = None) -> list[CellType]:
        """All types, or those of one category, in the order of their definition. Imports what was not imported yet.

        A category that cannot be imported is missing here; see `get_failures`.
        """
        found = []
        for name in self.get_categories() if category is None else [category]:
            try:
                found += [self.find(f"{name}.{class_name}") for class_name in self._get_classes(name)]
            except GraphException:
                continue
        return [cell_type for cell_type in found if cell_type is not None]

    def get_failures(self) -> dict[str, str]:
        """By category, why it could not be imported. Only of those that were asked for; `get_types` asks for all.

        What could not be approved by `try_to_approve` is there by its file or module.
        """
        return {**self._refused, **self._failures}

    def get_failure_places(self) -> dict[str, tuple[str, int | None]]:
        """By the same names, file and line of the error, as far as known."""
        return dict(self._places)

    def get_type_name(self, cell_class: type) -> str | None:
        """The type name of a class, `None` where no library offers it. Imports only what the class itself belongs to."""
        for category in self.get_categories():
            library = self.get_library(category)
            assert library is not None
            belongs = f"{cell_class.__module__}.".startswith(f"{library.module_name}.")
            if library.module_name not in sys.modules and not belongs:
                continue
            try:
                classes = self._get_classes(category)
            except GraphException:
                continue
            for name, known in classes.items():
                if known is cell_class:
                    return f"{category}.{name}"
        return None

    # ------------------------------------------------------------------ for the checks of a graph

    def configured(self, cell_type: CellType, parameters: Mapping[str, Any], folders: Folders) -> CellType | None:
        """The type with the ports that a cell has when these parameters are set.

        `None` where that cannot be told because the cell refuses them.
        """
        try:
            cell = make(self.resolve(cell_type.name), cell_type.class_name)
            for name in cell_type.ports_depend_on:
                declared = cell_type.find_parameter(name)
                if name in parameters and declared is not None:
                    cell.get_input(name).set_value(convert(parameters[name], declared.type, folders))
        except Exception:  # code of the cell; what is wrong with the value is said where values are checked
            return None
        inputs, outputs = ports_of(cell)
        return cell_type.model_copy(update={"inputs": inputs, "outputs": outputs})

    def explain_unknown(self, type_name: str) -> str:
        """What to say about a type that is not there. Imports every category, to find what was meant."""
        return unknown_type_text(type_name, [cell_type.name for cell_type in self.get_types()])

    def explain_values(
        self, type_name: str, cell_name: str, values: Mapping[str, Any], folders: Folders
    ) -> dict[str, str]:
        """Why a cell of a type refuses these values of its parameters: by its ranges, choices and validations."""
        cell_type = self.find(type_name)
        assert cell_type is not None
        try:
            cell = make(self.resolve(type_name), cell_name)
        except Exception:  # code of the cell; what is wrong is said where the graph is built
            return {}
        reasons = {}
        for name, value in values.items():
            parameter, declared = cell.get_input(name), cell_type.find_parameter(name)
            assert isinstance(parameter, AParameter)
            assert declared is not None
            explained = parameter.can_have_as_value(convert(value, declared.type, folders))
            if not explained:
                reasons[name] = explained.get_reasons_str()
        return reasons

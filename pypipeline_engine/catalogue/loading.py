"""Importing a library of cells: a module that is installed, or a file that was approved.

Errors of the code that is imported become one message that names the error and the line.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from types import CodeType, ModuleType

from pypipeline_engine.cell import ACell, ACompositeCell, ASingleCell
from pypipeline_engine.exceptions import GraphException

MODULE_PREFIX = "_pypipeline_cells_file_"


class CannotLoad(GraphException):
    """A library cannot be imported, because of what is written at this place."""

    def __init__(self, message: str, file: str = "", line: int | None = None) -> None:
        super().__init__(message)
        self.file = file
        self.line = line


class ApprovedFile(importlib.abc.SourceLoader):
    """The content of a file at the moment of its approval. What runs is that, whatever is written there meanwhile."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        :raises GraphException: if it cannot be read.
        """
        self.path = path.absolute()
        try:
            self.content = self.path.read_bytes()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise GraphException(f"the cells in {path} cannot be read: {reason}") from error
        self.sha256 = hashlib.sha256(self.content).hexdigest()
        identity = hashlib.sha256(f"{self.path}\0{self.sha256}".encode(errors="surrogateescape")).hexdigest()
        self.module_name = f"{MODULE_PREFIX}{identity[:16]}"

    def get_filename(self, fullname: str) -> str:
        """The path of the file."""
        return str(self.path)

    def get_data(self, path: str | bytes) -> bytes:
        """What was approved; there is nothing else to be had, no cached byte code either."""
        if path != str(self.path):
            raise OSError(f"{path!r} is not a part of {self.path}")
        return self.content

    def get_code(self, fullname: str) -> CodeType:
        """The code of the module."""
        code: CodeType = self.source_to_code(self.content, str(self.path))
        return code

    def load(self) -> ModuleType:
        """Run the file as a module of its own, once, and return it.

        :raises GraphException: if it fails.
        """
        known = sys.modules.get(self.module_name)
        if known is not None:
            return known
        spec = importlib.machinery.ModuleSpec(self.module_name, self, origin=str(self.path))
        spec.has_location = True
        module = importlib.util.module_from_spec(spec)
        sys.modules[self.module_name] = module
        try:
            self.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[self.module_name]
            file, line = place_of(error, str(self.path))
            raise CannotLoad(
                f"the cells in {self.path} cannot be loaded: {_in_words(error, str(self.path))}", file, line
            ) from error
        return module


def import_library(module_name: str) -> ModuleType:
    """Import a module that is installed.

    :raises GraphException: if it is not there, or fails.
    """
    try:
        return importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise GraphException(
                f"the cells in {module_name} cannot be loaded: there is no module {error.name}; install it, or name the "
                f"file that the cells are in"
            ) from error
        spec = _spec_of(module_name)
        origin = spec.origin if spec else None
        raise CannotLoad(
            f"the cells in {module_name} cannot be loaded: {_in_words(error, origin)}", *place_of(error, origin)
        ) from error


def _spec_of(module_name: str) -> importlib.machinery.ModuleSpec | None:
    try:
        return importlib.util.find_spec(module_name)
    except (ImportError, ValueError, AttributeError):
        return None


def _in_words(error: BaseException, file: str | None) -> str:
    """An error of code that was imported: what, and in which line."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == file]
    if own:
        return f"{what} (line {own[-1].lineno}: {own[-1].line})"
    outside = [frame for frame in frames if "importlib" not in frame.filename and frame.filename != __file__]
    return f"{what} ({outside[-1].filename}, line {outside[-1].lineno})" if outside else what


def place_of(error: BaseException, file: str | None) -> tuple[str, int | None]:
    """The file and the line of an error of code: the last line in `file` where that had a part in it."""
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return (file or "", own[-1].lineno if own else None)


def cell_classes(module: ModuleType) -> dict[str, type[ACell]]:
    """By name, the cells that a module offers: those in its `__all__`, or else those that it defines and does not hide."""
    exported = getattr(module, "__all__", None)
    names = list(vars(module)) if exported is None else [name for name in exported if isinstance(name, str)]
    found: dict[str, type[ACell]] = {}
    for name in names:
        value = getattr(module, name, None)
        if not (isinstance(value, type) and issubclass(value, ASingleCell | ACompositeCell)):
            continue
        if inspect.isabstract(value) or value.__module__.startswith("pypipeline_engine.cell."):
            continue
        if exported is not None or (value.__module__ == module.__name__ and not name.startswith("_")):
            found[name] = value
    return found

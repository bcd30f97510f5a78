"""The paths in a graph document, for tools that run or write it elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pypipeline_engine.catalogue.model import ParameterType, Types
from pypipeline_engine.catalogue.values import Hooks, Mismatch, to_json, transform
from pypipeline_engine.graph.model import Document


def outputs_into(document: Document, types: Types, folder: Path) -> Document:
    """The document with every file that its sinks write below `folder`, when that is the folder of outputs: also where a
    path is absolute or leads out of it, and where it is the default of a parameter.
    """
    moved: dict[str, str] = {}

    def move(kind: str, text: str) -> str:
        path = Path(text)
        if kind != "output_path" or not (path.is_absolute() or ".." in path.parts):
            return text
        return moved.setdefault(text, str(folder / f"elsewhere {len(moved)}" / path.name))

    def choose(value: Any, parameter: ParameterType) -> Any:
        # A default is taken by the cell as it is, and would be relative to the current folder.
        return parameter.default if value is None else value

    return _rewritten(document, types, "output_path", move, choose)


def inputs_as_seen_from(document: Document, types: Types, old: Path, new: Path) -> Document:
    """The document with the same files to be read, when it is written to the folder `new` instead of `old`: a relative path
    becomes relative to `new` where the file lies below it, and absolute otherwise.
    """
    old, new = old.resolve(), new.resolve()

    def move(kind: str, text: str) -> str:
        path = (old / text).resolve()
        if kind not in ("path", "input_path") or Path(text).is_absolute() or not path.exists():
            return text  # what does not exist may be a name that the cell knows
        return path.relative_to(new).as_posix() if path.is_relative_to(new) else str(path)

    if old == new:
        return document
    return _rewritten(document, types, "input_path", move, lambda value, parameter: value)


def _rewritten(
    document: Document,
    types: Types,
    kind: str,
    move: Callable[[str, str], str],
    choose: Callable[[Any, ParameterType], Any],
) -> Document:
    """The document with what `move` makes of the paths in parameters that may hold a path of this kind.

    :param choose: the value to be looked at, of what the document says or `None`; `None` for nothing.
    """
    for names, cell in document.walk():
        cell_type = None if cell.is_pipeline else types.find(cell.type)
        for parameter in () if cell_type is None else cell_type.parameters:
            before = cell.parameters.get(parameter.name)
            value = choose(before, parameter)
            if value is None or kind not in parameter.type.paths():
                continue
            with suppress(Mismatch):  # which the checks of a document tell
                value = to_json(transform(value, parameter.type, Hooks(path=move)))
                if value != before:
                    cell = cell.model_copy(update={"parameters": {**cell.parameters, parameter.name: value}})
                    document = document.with_cell(names, cell)
    return document

"""Values of parameters: from JSON to what a cell expects, and back."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any

from pypipeline_engine.catalogue.model import ARRAYS, PATHS, Folders, ValueType
from pypipeline_engine.graph.problems import describe

_PLAIN: dict[str, tuple[type, ...]] = {"bool": (bool,), "int": (int,), "number": (int, float), "text": (str,)}
"""What is taken as it is. Compared by exact type: `true` is no number."""


class Mismatch(ValueError):
    """A JSON value is not of the type expected. The message begins with what is expected."""


@dataclass(frozen=True)
class Hooks:
    """What `transform` makes of a path (with its kind), an option of a choice, and a list that stands for an array."""

    path: Callable[[str, str], Any] = lambda kind, text: text
    member: Callable[[ValueType, Any], Any] = lambda value_type, option: option
    array: Callable[[str, Any], Any] = lambda kind, value: value


def check(value: Any, value_type: ValueType) -> None:
    """Hold a JSON value against a type.

    :raises Mismatch: if it is of another type.
    """
    transform(value, value_type, Hooks())


def input_files(value: Any, value_type: ValueType) -> list[str]:
    """The paths of files to be read in a JSON value.

    :raises Mismatch: if it is of another type.
    """
    found: list[str] = []

    def note(kind: str, text: str) -> str:
        if kind == "input_path":
            found.append(text)
        return text

    transform(value, value_type, Hooks(path=note))
    return found


def convert(value: Any, value_type: ValueType, folders: Folders) -> Any:
    """The Python value for a JSON value: paths, members of enumerations, tuples and arrays instead of text and lists.

    :raises Mismatch: if it is of another type.
    """
    return transform(value, value_type, Hooks(folders.resolve, to_member, _to_array))


def transform(value: Any, value_type: ValueType, hooks: Hooks) -> Any:
    """Hold a JSON value against a type, and put what the hooks return in the place of what is more than JSON.

    :raises Mismatch: if it is of another type.
    """

    def inner(value: Any, value_type: ValueType) -> Any:
        return transform(value, value_type, hooks)

    name, items = value_type.name, value_type.items
    if name == "any":
        return value
    if name == "union":
        for item in items:
            try:
                return inner(value, item)
            except Mismatch:
                continue
    elif name == "null" and value is None:
        return None
    elif name in _PLAIN and type(value) in _PLAIN[name]:
        return value
    elif name == "float" and type(value) in (int, float):
        return float(value)
    elif name in PATHS and isinstance(value, str):
        if not value or "\0" in value:
            raise Mismatch(f"{value_type} is expected, not {describe(value)}")
        return hooks.path(name, value)
    elif name == "choice":
        for option in value_type.options:
            if value == option and isinstance(value, bool) == isinstance(option, bool):
                return hooks.member(value_type, option)
    elif name == "list" and isinstance(value, list):
        return [inner(entry, items[0]) for entry in value] if items else value
    elif name == "tuple" and isinstance(value, list) and len(value) == len(items):
        return tuple(inner(entry, item) for entry, item in zip(value, items, strict=True))
    elif name == "tuple_of" and isinstance(value, list):
        return tuple(inner(entry, items[0]) for entry in value)
    elif name == "dict" and isinstance(value, dict):
        return {key: inner(entry, items[0]) for key, entry in value.items()} if items else value
    elif name in ARRAYS and isinstance(value, list | int | float):
        return hooks.array(name, value)
    raise Mismatch(f"{value_type} is expected, not {describe(value)}")


def to_member(value_type: ValueType, option: Any) -> Any:
    """The member of the enumeration that an option stands for; the option itself where it is none."""
    if not value_type.enum:
        return option
    module, _, name = value_type.enum.partition(":")
    enumeration: Any = sys.modules[module]
    for part in name.split("."):
        enumeration = getattr(enumeration, part)
    return next(member for member in enumeration if option_of(member) == option)


def option_of(member: Enum) -> Any:
    """How a member of an enumeration is written: its value where that is text, else its name."""
    return member.value if isinstance(member.value, str) else member.name


def _to_array(kind: str, value: Any) -> Any:
    import numpy as np

    dtype = {"image": np.uint8, "boxes": np.float32, "tracks": np.float32}.get(kind)
    columns = {"boxes": 5, "tracks": 6}.get(kind)
    try:
        array = np.asarray(value, dtype)
        if columns is not None and array.size == 0:
            array = array.reshape(0, columns)
    except (ValueError, TypeError, OverflowError) as error:
        raise Mismatch(f"{ValueType(name=kind)} is expected: {error}") from error  # type: ignore[arg-type]
    if array.dtype.kind not in "biuf" or (columns is not None and (array.ndim != 2 or array.shape[1] != columns)):
        raise Mismatch(f"{ValueType(name=kind)} is expected, not {describe(value)}")  # type: ignore[arg-type]
    return array


def to_json(value: Any) -> Any:
    """The JSON value for a Python value: the inverse of `convert`.

    :raises Mismatch: where JSON has none.
    """
    if isinstance(value, Enum):
        return option_of(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Mismatch(f"a finite number is expected, not {value}")
        return float(value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, list | tuple):
        return [to_json(entry) for entry in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: to_json(entry) for key, entry in value.items()}
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return to_json(value.tolist())
    raise Mismatch(f"a value that JSON can express is expected, not {type(value).__name__}")

"""Values of parameters as text that a person edits: which editor suits a type, and the way from a value to text and back."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from pypipeline_engine.catalogue.model import PATHS, CellType, Folders, KnownTypes, ParameterType, ValueType
from pypipeline_engine.catalogue.values import Mismatch, check
from pypipeline_engine.graph.edit import value_of
from pypipeline_engine.graph.json_text import parse
from pypipeline_engine.graph.problems import describe
from pypipeline_studio.document import json_values

EditorKind: TypeAlias = Literal["switch", "slider", "number", "choice", "path", "colour", "text", "json"]
MOST_STEPS: Final = 1000
"""A slider has no more positions: with more, a pixel would be too much to set a value."""
MISSING: Final = object()
"""Stands for the value of a parameter that is neither set nor has a default."""
_COLOUR: Final = re.compile("#[0-9a-fA-F]{6}")
_NUMBERS = ("int", "float", "number")


class WrongText(ValueError):
    """What was typed is no value of the parameter. The message is one sentence for people."""


@dataclass(frozen=True)
class Range:
    """The values of a slider: from `minimum` in steps to `maximum`, which is always among them."""

    minimum: float
    maximum: float
    step: float
    is_whole: bool

    @property
    def nb_steps(self) -> int:
        """How many steps there are from end to end."""
        return max(1, math.ceil((self.maximum - self.minimum) / self.step - 1e-9))

    def position_of(self, value: float) -> int:
        """The position that is nearest to a value."""
        return round((min(self.maximum, max(self.minimum, value)) - self.minimum) / self.step)

    def value_at(self, position: int) -> int | float:
        """The value at a position; the decimals are those of the step."""
        if position >= self.nb_steps:
            value = self.maximum
        else:
            value = round(self.minimum + position * self.step, _decimals(self.step))
        return int(value) if self.is_whole else float(value)


def plain_type(value_type: ValueType) -> tuple[ValueType, bool]:
    """The type without `null`, and whether `null` is allowed."""
    if value_type.name != "union":
        return value_type, value_type.name in ("null", "any")
    others = tuple(item for item in value_type.items if item.name != "null")
    allows_null = len(others) < len(value_type.items)
    return (others[0] if len(others) == 1 else value_type.model_copy(update={"items": others})), allows_null


def options_of(parameter: ParameterType) -> tuple[Any, ...]:
    """The values to choose from; empty where there is no such choice."""
    if parameter.choices is not None:
        return tuple(parameter.choices)
    return plain_type(parameter.type)[0].options


def range_of(parameter: ParameterType) -> Range | None:
    """What a slider shows; `None` where the parameter has no two ends, or they are too far apart for one."""
    value_type, allows_null = plain_type(parameter.type)
    least, most = parameter.minimum, parameter.maximum
    if value_type.name not in _NUMBERS or allows_null or least is None or most is None or not least < most:
        return None
    is_whole = value_type.name == "int"
    found = Range(least, most, 1.0 if is_whole else _step(most - least), is_whole)
    return found if most - least <= MOST_STEPS else None


def editor_of(parameter: ParameterType) -> EditorKind:
    """Which editor suits a parameter."""
    if options_of(parameter):
        return "choice"
    value_type, allows_null = plain_type(parameter.type)
    if value_type.name == "bool" and not allows_null:
        return "switch"
    if value_type.name in _NUMBERS:
        return "slider" if range_of(parameter) is not None else "number"
    if value_type.name in PATHS:
        return "path"
    if value_type.name == "text" and isinstance(parameter.default, str) and colour_of(parameter.default):
        return "colour"
    return "text" if value_type.name == "text" else "json"


def colour_of(text: str) -> str:
    """A text such as `#ff8000` as Qt reads it; empty where it is no such colour. Types have no other sign of one."""
    return text if _COLOUR.fullmatch(text) else ""


def to_text(value: Any, parameter: ParameterType) -> str:
    """A JSON value as it is edited; empty for `null` and for one that is missing."""
    if value is None or value is MISSING:
        return ""
    kind = editor_of(parameter)
    if isinstance(value, str) and (kind in ("text", "path", "colour") or _reads_as_itself(value, parameter)):
        return value
    return json.dumps(value, ensure_ascii=False)


def long_text(value: Any, parameter: ParameterType) -> str:
    """A JSON value as it is edited in several lines: lists and objects are indented."""
    if isinstance(value, list | dict) and value:
        return json.dumps(value, ensure_ascii=False, indent=2)
    return to_text(value, parameter)


def read_text(text: str, parameter: ParameterType, cell: str) -> Any:
    """The JSON value that is meant by a text.

    :param cell: the name of the cell, for the message.
    :raises WrongText: if it is no value of the parameter.
    """
    value_type, allows_null = plain_type(parameter.type)
    kind = editor_of(parameter)
    name = f"{cell}.{parameter.name}"
    typed = text.strip()
    if not typed and allows_null:
        return None
    if kind in ("text", "path", "colour"):
        value: Any = text if kind == "text" else typed
        if kind == "colour" and not colour_of(typed):
            raise WrongText(f"{name}: a colour such as #ff8000 is expected, not {describe(typed)}")
    elif kind in ("slider", "number"):
        value = _read_number(typed, value_type, name)
    else:
        value = _read_json(typed, parameter, name)
    try:
        check(value, parameter.type)
    except Mismatch as error:
        raise WrongText(f"{name}: {error}") from error
    explain(value, parameter, cell)
    return value


def explain(value: Any, parameter: ParameterType, cell: str) -> None:
    """Hold a value of the right type against the range and the choices of a parameter.

    :raises WrongText: if it is outside.
    """
    alone = CellType(name="cell", parameters=(parameter,))
    reasons = KnownTypes([alone]).explain_values("cell", cell, {parameter.name: value}, Folders(Path(), Path()))
    if parameter.name in reasons:
        raise WrongText(reasons[parameter.name])


def stepped(value: float, parameter: ParameterType, steps: int) -> int | float:
    """A number so many steps up or down, kept in the range: by the step of the slider, else by its second digit."""
    known = range_of(parameter)
    is_whole = plain_type(parameter.type)[0].name == "int" or (isinstance(value, int) and not known)
    if known is not None:
        step = known.step
    else:
        step = 1.0 if is_whole else 10.0 ** (math.floor(math.log10(abs(value))) - 1) if value else 0.1
    result = round(value + steps * step, _decimals(step))
    if parameter.minimum is not None:
        result = max(parameter.minimum, result)
    if parameter.maximum is not None:
        result = min(parameter.maximum, result)
    return int(result) if is_whole else float(result)


def is_same(value: Any, other: Any) -> bool:
    """Whether two values, each of which may be `MISSING`, are written alike."""
    if value is MISSING or other is MISSING:
        return value is other
    return json_values.is_same(value, other)


def path_below(path: Path, folder: Path) -> str:
    """A path as it is written in a graph: relative where it is below the folder, with forward slashes."""
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return str(path)


def range_text(parameter: ParameterType) -> str:
    """The range for people, such as `1 to 64 px` or `at least 0`; empty without one."""
    least, most = parameter.minimum, parameter.maximum
    unit = f" {parameter.unit}" if parameter.unit else ""
    if least is not None and most is not None:
        return f"{least:g} to {most:g}{unit}"
    if least is not None:
        return f"at least {least:g}{unit}"
    if most is not None:
        return f"at most {most:g}{unit}"
    return parameter.unit


def _reads_as_itself(text: str, parameter: ParameterType) -> bool:
    try:
        return is_same(read_text(text, parameter, ""), text)
    except WrongText:
        return False


def _read_number(typed: str, value_type: ValueType, name: str) -> int | float:
    expected = f"{name}: {value_type} is expected, not {describe(typed)}"
    try:
        number = int(typed)
    except ValueError:
        pass
    else:
        return float(number) if value_type.name == "float" else number
    try:
        value = float(typed)
    except (ValueError, OverflowError):
        raise WrongText(expected) from None
    if not math.isfinite(value) or value_type.name == "int":
        raise WrongText(expected)
    return value


def _read_json(typed: str, parameter: ParameterType, name: str) -> Any:
    value = value_of(typed, parameter)
    parsed = parse(typed)
    if typed[:1] in ("[", "{") and (parsed.problems or not parsed.complete):
        raise WrongText(f"{name}: this is no JSON: {parsed.problems[0].message}")
    return value


def _step(span: float) -> float:
    """A hundredth of a range at most, as a power of ten."""
    return float(10.0 ** math.floor(math.log10(span / 100)))


def _decimals(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))

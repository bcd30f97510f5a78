"""What a person says about a cell that is to be written: its name, ports and parameters, and what is wrong with that."""

from __future__ import annotations

import keyword
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pypipeline_engine.graph.problems import describe

ParameterKind: TypeAlias = Literal["int", "float", "str", "bool", "choice", "input_path", "output_path"]


@dataclass(frozen=True)
class PortKind:
    """A type of values that travel between cells."""

    label: str
    annotation: str
    """As it is written in the source of a cell."""
    sample: str
    """The code of a value of this type."""
    home: str = ""
    """The module that the annotation is imported from; empty for what Python has."""


_TYPES: Final = "pypipeline_engine.cells.types"

PORT_KINDS: Final[dict[str, PortKind]] = {
    "image": PortKind("Image", "Image", "np.zeros((240, 320, 3), np.uint8)", _TYPES),
    "boxes": PortKind("Boxes", "Boxes", "np.array([[10, 20, 30, 40, 1.0]], np.float32)", _TYPES),
    "tracks": PortKind("Tracks", "Tracks", "np.array([[10, 20, 30, 40, 1.0, 1]], np.float32)", _TYPES),
    "tensor": PortKind("Tensor", "Tensor", "np.zeros(3, np.float32)", _TYPES),
    "float": PortKind("Number", "float", "1.0"),
    "int": PortKind("Whole number", "int", "1"),
    "str": PortKind("Text", "str", '"text"'),
    "bool": PortKind("Yes or no", "bool", "True"),
    "record": PortKind("Record", "Record", '{"value": 1.0}', _TYPES),
    "any": PortKind("Anything", "Any", "0", "typing"),
}
PARAMETER_LABELS: Final[dict[ParameterKind, str]] = {
    "float": "Number",
    "int": "Whole number",
    "str": "Text",
    "bool": "Yes or no",
    "choice": "Choice",
    "input_path": "File to read",
    "output_path": "File to write",
}
_TAKEN: Final = ("self", "np", "Path", "float", "print")
"""Names that mean something else where a cell works."""
_YES: Final = ("yes", "true", "on", "1")
_NO: Final = ("no", "false", "off", "0", "")


@dataclass(frozen=True)
class PortSpec:
    """An input or an output."""

    name: str
    kind: str
    """A key of `PORT_KINDS`."""


@dataclass(frozen=True)
class ParameterSpec:
    """A parameter, with texts as they were typed."""

    name: str
    kind: ParameterKind
    default: str = ""
    """For `choice` all of the values, the default first, with commas between them."""
    minimum: str = ""
    maximum: str = ""
    is_runtime: bool = True
    """Whether it may change while a pipeline runs."""

    @property
    def choices(self) -> tuple[str, ...]:
        """What there is to choose from, the default first."""
        return tuple(part.strip() for part in self.default.split(",") if part.strip())


@dataclass(frozen=True)
class CellSpec:
    """A cell that is to be written."""

    name: str
    category: str
    description: str = ""
    inputs: tuple[PortSpec, ...] = ()
    outputs: tuple[PortSpec, ...] = ()
    parameters: tuple[ParameterSpec, ...] = ()
    keeps_state: bool = False
    """Whether what it makes of an item depends on the items before, so that it can have one clone at most."""

    @property
    def is_ordered(self) -> bool:
        """Whether its items have to come one after the other."""
        return self.keeps_state or not self.inputs or not self.outputs


def read_number(text: str, kind: ParameterKind) -> int | float | None:
    """The number that a text says; `None` where there is none.

    :raises ValueError: where it is no finite number of this kind.
    """
    text = text.strip().replace(",", ".")
    if not text:
        return None
    number = int(text) if kind == "int" else float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def read_truth(text: str) -> bool:
    """Yes or no; nothing is no.

    :raises ValueError: where it is neither.
    """
    word = text.strip().lower()
    if word not in (*_YES, *_NO):
        raise ValueError(text)
    return word in _YES


def explain_spec(
    spec: CellSpec, own_types: Collection[str] = (), other_categories: Collection[str] = ()
) -> dict[str, str]:
    """What is wrong, in one sentence for each place: `name`, `category`, `ports`, `inputs.0`, `outputs.1`, `parameters.0`,
    `parameters.0.default`.

    :param own_types: types of cells that are there already, such as `my_cells.Threshold`.
    :param other_categories: those of cells that are not the user's own.
    """
    wrong = {
        "name": _explain_class(spec, own_types),
        "category": _explain_category(spec.category, other_categories),
        "ports": "" if spec.inputs or spec.outputs else "A cell needs an input or an output: add one of them.",
    }
    taken: set[str] = set()
    for index, port in enumerate(spec.inputs):
        wrong[f"inputs.{index}"] = _explain_port(port.name, taken, "input")
    for index, parameter in enumerate(spec.parameters):
        reason = _explain_port(parameter.name, taken, "input or parameter")
        wrong[f"parameters.{index}"] = reason
        wrong[f"parameters.{index}.default"] = "" if reason else explain_value(parameter)
    taken = set()
    for index, port in enumerate(spec.outputs):
        wrong[f"outputs.{index}"] = _explain_port(port.name, taken, "output")
    return {place: reason for place, reason in wrong.items() if reason}


def _explain_class(spec: CellSpec, own_types: Iterable[str]) -> str:
    name = spec.name
    if not name:
        return "The cell needs a name, such as FindEdges."
    if not name.isascii() or not name.isidentifier() or keyword.iskeyword(name):
        return f"The name of a class is expected, such as FindEdges: letters, digits and _, not {describe(name)}."
    if not name[0].isupper():
        return f"It begins with a capital letter, as classes do: {name[0].upper() + name[1:]}."
    if name in ("Pipeline", "ASingleCell", "Connection", "Input", "Output", "Path", "Any"):
        return f"{name} is taken by the engine: choose another name."
    if f"{spec.category}.{name}" in own_types:
        return f"There is a {spec.category}.{name} already: choose another name, or another category."
    return ""


def _explain_category(category: str, other_categories: Collection[str]) -> str:
    if not category:
        return "The category is the name of the file that the cell is in, such as my_cells."
    if not category.isascii() or not category.isidentifier() or keyword.iskeyword(category) or category[0] == "_":
        return f"Letters, digits and _ are expected, as in my_cells, not {describe(category)}."
    if category in other_categories:
        return f"The category {category} has cells that are not your own: choose another one."
    return ""


def _explain_port(name: str, taken: set[str], what: str) -> str:
    if not name:
        return f"The {what.partition(' ')[0]} needs a name."
    if not name.isascii() or not name.isidentifier() or keyword.iskeyword(name):
        return f"Letters, digits and _ are expected, as in image_2, not {describe(name)}."
    if name in _TAKEN:
        return f"{name} means something else in Python code: choose another name."
    if name in taken:
        return f"Another {what} is called {name} already."
    taken.add(name)
    return ""


def explain_value(parameter: ParameterSpec) -> str:
    """What is wrong with the default and the range of a parameter; empty where nothing is."""
    kind = parameter.kind
    if kind == "choice":
        few = len(set(parameter.choices)) < 2 or len(set(parameter.choices)) < len(parameter.choices)
        return "At least two different values are expected, such as: fast, exact." if few else ""
    if kind == "bool":
        try:
            read_truth(parameter.default)
        except ValueError:
            return f"Yes or no is expected as default, not {describe(parameter.default)}."
        return ""
    if kind not in ("int", "float"):
        return ""
    numbers = []
    for text in (parameter.minimum, parameter.default, parameter.maximum):
        try:
            numbers.append(read_number(text, kind))
        except ValueError:
            return f"A {'whole number' if kind == 'int' else 'number'} is expected, not {describe(text)}."
    least, default, most = numbers
    if least is not None and most is not None and least > most:
        return f"The least value, {least:g}, is more than the largest one, {most:g}."
    if default is not None and ((least is not None and default < least) or (most is not None and default > most)):
        return f"The default, {default:g}, is not between the least and the largest value."
    return ""

"""Types of cells described as data: what the canvas, the checks of a graph and the command line know about a cell.

Importing this module loads no cell. The descriptions travel between processes as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, computed_field

from pypipeline_engine.graph.problems import describe, nearest, suggestion

Kind: TypeAlias = Literal["image", "boxes", "tracks", "tensor", "number", "text", "record", "any"]
"""What tools tell apart when they colour ports and refuse wires."""

TypeName: TypeAlias = Literal[
    "any",
    "null",
    "bool",
    "int",
    "float",
    "number",
    "text",
    "path",
    "input_path",
    "output_path",
    "choice",
    "list",
    "tuple",
    "tuple_of",
    "dict",
    "image",
    "boxes",
    "tracks",
    "tensor",
    "union",
]

PATHS = ("path", "input_path", "output_path")
ARRAYS = ("image", "boxes", "tracks", "tensor")

_KINDS: dict[TypeName, Kind] = {
    "bool": "number",
    "int": "number",
    "float": "number",
    "number": "number",
    "text": "text",
    "path": "text",
    "input_path": "text",
    "output_path": "text",
    "choice": "text",
    "dict": "record",
    "image": "image",
    "boxes": "boxes",
    "tracks": "tracks",
    "tensor": "tensor",
}

_WORDS: dict[TypeName, str] = {
    "any": "any value",
    "null": "null",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "number": "a number",
    "text": "text",
    "path": "a path as text",
    "input_path": "the path of a file as text",
    "output_path": "the path of a file as text",
    "dict": "an object",
    "image": "a list of rows of pixels",
    "boxes": "a list of boxes",
    "tracks": "a list of tracks",
    "tensor": "a list of numbers",
}


class _Data(BaseModel):
    # Computed fields are in the JSON as well, for other programs; they are not read from it.
    model_config = ConfigDict(frozen=True, extra="ignore")


class ValueType(_Data):
    """The type of a value, as far as a JSON value can be held against it."""

    name: TypeName = "any"
    items: tuple[ValueType, ...] = ()
    """The alternatives of a union, the elements of a tuple; for a list, a tuple of any length (`tuple_of`) or the values of
    a dict, the one type of all elements."""
    options: tuple[Any, ...] = ()
    """What a choice is from, as JSON values."""
    enum: str = ""
    """`module:name` of the enumeration whose members the options stand for."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What tools tell apart; several where the value may be of several kinds."""
        if self.name == "union":
            kinds = [kind for item in self.items if item.name != "null" for kind in item.kinds]
            return ("any",) if "any" in kinds or not kinds else tuple(dict.fromkeys(kinds))
        return (_KINDS.get(self.name, "any"),)

    def __str__(self) -> str:
        """In words, for messages about what was expected."""
        if self.name == "union":
            return " or ".join(map(str, self.items))
        if self.name == "choice":
            return f"one of {', '.join(map(describe, self.options))}"
        if self.name in ("list", "tuple_of"):
            return f"a list (each: {self.items[0]})" if self.items and self.items[0].name != "any" else "a list"
        if self.name == "tuple":
            return f"a list of {len(self.items)} ({', '.join(map(str, self.items))})"
        return _WORDS[self.name]

    def paths(self) -> set[str]:
        """Which kinds of paths a value of this type may be."""
        return {self.name} & set(PATHS) | {name for item in self.items for name in item.paths()}


ANY = ValueType()


class PortType(_Data):
    """An input or an output of a cell."""

    name: str
    doc: str = ""
    type: ValueType = ANY
    type_text: str = ""
    """The type as it is written in the source; empty where none is."""
    attribute: str = ""
    """The attribute of the cell that holds it; empty where there is none."""
    has_initial_value: bool = False

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know decorators on properties
    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What tools tell apart."""
        return self.type.kinds


class ParameterType(PortType):
    """A parameter of a cell. A `runtime` one may change while running, and be connected instead."""

    when: Literal["config", "runtime"]
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] | None = None
    required: bool = False
    """Whether it has to be set (or connected): there is no default."""
    default: Any = None
    default_text: str = ""
    """The default in Python's words; empty where there is none."""

    @property
    def is_connectable(self) -> bool:
        """Whether a connection may end there."""
        return self.when == "runtime"


class CellType(_Data):
    """A type of cells. With a `problem`, nothing but its name is known, and no graph with it can run."""

    name: str
    category: str = ""
    class_name: str = ""
    description: str = ""
    inputs: tuple[PortType, ...] = ()
    outputs: tuple[PortType, ...] = ()
    parameters: tuple[ParameterType, ...] = ()
    ports_depend_on: tuple[str, ...] = ()
    """Parameters that give the cell further inputs and outputs when they are set, such as the file of a model."""
    supports_scaling: bool = True
    is_composite: bool = False
    module: str = ""
    file: str = ""
    line: int | None = None
    library: str = ""
    """Where it comes from: a distribution, or a file that was approved."""
    problem: str = ""
    problem_line: int | None = None
    """The line in its file that the problem comes from, where that is known."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_source(self) -> bool:
        """Whether nothing has to be connected to it."""
        return not self.inputs

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_sink(self) -> bool:
        """Whether it has no outputs."""
        return not self.outputs

    def find_input(self, name: str) -> PortType | None:
        """The input or the parameter with this name."""
        return next((port for port in (*self.inputs, *self.parameters) if port.name == name), None)

    def find_output(self, name: str) -> PortType | None:
        """The output with this name."""
        return next((port for port in self.outputs if port.name == name), None)

    def find_parameter(self, name: str) -> ParameterType | None:
        """The parameter with this name."""
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


@dataclass(frozen=True)
class Folders:
    """What relative paths in a graph are relative to."""

    inputs: Path
    outputs: Path

    def resolve(self, kind: str, text: str) -> Path:
        """A path of one of the kinds of `PATHS`; a relative one below its folder."""
        return (self.outputs if kind == "output_path" else self.inputs) / text


class Types(Protocol):
    """Where the checks of a graph ask about types of cells."""

    def find(self, type_name: str) -> CellType | None:
        """The type with this name; `None` where there is none."""

    def configured(self, cell_type: CellType, parameters: Mapping[str, Any], folders: Folders) -> CellType | None:
        """The type with the ports that a cell has when these parameters are set; `None` where that cannot be told."""

    def explain_unknown(self, type_name: str) -> str:
        """What to say about a name for which `find` returns `None`."""

    def explain_values(
        self, type_name: str, cell_name: str, values: Mapping[str, Any], folders: Folders
    ) -> dict[str, str]:
        """Why parameters refuse these values, which are JSON values of the right types. Without an entry, they are
        accepted.
        """


class KnownTypes:
    """A fixed set of descriptions, as they come from another process. Ranges and choices are checked, no code is run."""

    def __init__(self, types: Sequence[CellType]) -> None:
        self._types = {cell_type.name: cell_type for cell_type in types}

    def find(self, type_name: str) -> CellType | None:
        """The type with this name; `None` where there is none."""
        return self._types.get(type_name)

    def configured(self, cell_type: CellType, parameters: Mapping[str, Any], folders: Folders) -> CellType | None:
        """Never: only the cell itself knows."""
        return None

    def explain_unknown(self, type_name: str) -> str:
        """What to say about a name for which `find` returns `None`."""
        return unknown_type_text(type_name, list(self._types))

    def explain_values(
        self, type_name: str, cell_name: str, values: Mapping[str, Any], folders: Folders
    ) -> dict[str, str]:
        """Which values are out of range, or none of the choices."""
        cell_type = self._types[type_name]
        reasons = {}
        for name, value in values.items():
            parameter = cell_type.find_parameter(name)
            if parameter is not None and (reason := _explain_value(parameter, value)):
                reasons[name] = f"{cell_name}.{name} {reason}"
        return reasons


def _explain_value(parameter: ParameterType, value: Any) -> str:
    if parameter.choices is not None and not any(_is_same(value, choice) for choice in parameter.choices):
        return f"must be one of {', '.join(map(describe, parameter.choices))}, not {describe(value)}"
    least, most = parameter.minimum, parameter.maximum
    if value is None or (least is None and most is None):
        return ""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and (least is None or value >= least) and (most is None or value <= most):
        return ""
    unit = f" {parameter.unit}" if parameter.unit else ""
    bounds = f"from {'-inf' if least is None else f'{least:g}'} to {'inf' if most is None else f'{most:g}'}{unit}"
    return f"must be {bounds}, not {describe(value)}"


def _is_same(value: Any, other: Any) -> bool:
    """Whether two JSON values are equal, where `true` is not 1."""
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)


def unknown_type_text(type_name: str, known: Sequence[str]) -> str:
    """A message about an unknown type: the nearest known one, or what its category has."""
    category, dot, class_name = type_name.rpartition(".")
    if not dot:
        same = [name for name in known if name.rpartition(".")[2].casefold() == type_name.casefold()]
        hint = f"; did you mean {describe(same[0])}?" if same else suggestion(type_name, [*known, "Pipeline"])
        return f"the type {describe(type_name)} is not known{hint or '; types are written as category.Class'}"
    inside = [name for name in known if name.rpartition(".")[0] == category]
    elsewhere = [name for name in known if name.rpartition(".")[2] == class_name]
    if inside and (close := nearest(class_name, [name.rpartition(".")[2] for name in inside])):
        hint = f"; did you mean {describe(f'{category}.{close}')}?"
    elif elsewhere:
        hint = f"; did you mean {describe(elsewhere[0])}?"
    elif inside:
        hint = f"; {category} has {', '.join(name.rpartition('.')[2] for name in inside)}"
    elif close := nearest(type_name, known):
        hint = f"; did you mean {describe(close)}?"
    else:
        categories = list(dict.fromkeys(name.rpartition(".")[0] for name in known))
        other = suggestion(category, categories)
        hint = (
            f"; no library with the category {describe(category)} is installed or approved{other}. Cells of your own "
            "are found with --cells FILE, or cells=[FILE] of load_pipeline"
        )
    return f"the type {describe(type_name)} is not known{hint}"


def fits(source: Sequence[Kind], target: Sequence[Kind]) -> bool:
    """Whether values of one kind make sense at an input of another: the same, or not told apart.

    An array without a name of its own may hold an image, boxes or tracks.
    """
    arrays = set(ARRAYS)
    for given in source:
        for wanted in target:
            if given == wanted or "any" in (given, wanted):
                return True
            if "tensor" in (given, wanted) and {given, wanted} <= arrays:
                return True
    return False

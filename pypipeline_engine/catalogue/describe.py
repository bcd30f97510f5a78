"""A class of cells -> its description as data.

The class is instantiated once, as a root named `probe`, and its inputs, outputs and parameters are read from that.
"""

from __future__ import annotations

import inspect
from typing import Any

from pypipeline_engine.catalogue.loading import place_of
from pypipeline_engine.catalogue.model import ANY, CellType, ParameterType, PortType, ValueType
from pypipeline_engine.catalogue.source_types import Written, class_definition, of_runtime_type, written_types
from pypipeline_engine.catalogue.values import Mismatch, to_json
from pypipeline_engine.cell import ACell, ACompositeCell
from pypipeline_engine.cellio import IO, AParameter, ConfigParameter, RuntimeParameter, SourceEnd
from pypipeline_engine.cellio.base import describe_value

_PROBE = "probe"
_UNTYPED = Written("", ANY)


def describe(cell_class: type[ACell], name: str, library: str = "") -> CellType:
    """The description of a class under the name of its type. One whose constructor fails is described by that problem.

    :param library: where the class comes from, for people.
    """
    category, _, _ = name.rpartition(".")
    common: dict[str, Any] = {
        "name": name,
        "category": category,
        "class_name": cell_class.__name__,
        "description": inspect.cleandoc(cell_class.__doc__ or ""),
        "is_composite": issubclass(cell_class, ACompositeCell),
        "module": cell_class.__module__,
        "file": _file_of(cell_class),
        "line": _line_of(cell_class),
        "library": library,
    }
    try:
        probe = make(cell_class, _PROBE)
        parameters = [io for io in probe.get_inputs() if isinstance(io, AParameter)]
        types = _types_of(probe)
        inputs, outputs = ports_of(probe)
        return CellType(
            **common,
            inputs=inputs,
            outputs=outputs,
            supports_scaling=bool(probe.supports_scaling()),
            parameters=tuple(_parameter(io, types, not outputs) for io in parameters),
            ports_depend_on=tuple(io.get_name() for io in parameters if _acts_when_set(io)),
        )
    except Exception as error:  # code of the cell, or what it says of itself: a unit that is no text, say
        line = place_of(error, common["file"])[1]
        return CellType(**common, problem=explain_failure(cell_class, error), problem_line=line)


def ports_of(cell: ACell) -> tuple[tuple[PortType, ...], tuple[PortType, ...]]:
    """The inputs and the outputs that a cell has now."""
    types = _types_of(cell)
    return (
        tuple(_port(io, types) for io in cell.get_inputs() if not isinstance(io, AParameter)),
        tuple(_port(io, types) for io in cell.get_outputs()),
    )


def _acts_when_set(parameter: AParameter[Any]) -> bool:
    """Whether setting the parameter runs code of the cell, which may change its inputs and outputs."""
    return type(parameter).set_value not in (AParameter.set_value, ConfigParameter.set_value)


def make(cell_class: type[ACell], name: str, parent: ACompositeCell | None = None) -> ACell:
    """A cell of this class, made the way that documents make cells: from the parent and the name."""
    cell: ACell = cell_class(parent, name)
    return cell


def explain_failure(cell_class: type[ACell], error: Exception) -> str:
    """Why a cell of this class could not be made, or asked about itself."""
    try:
        inspect.signature(cell_class).bind(None, _PROBE)
    except TypeError:
        return (
            f"the constructor of {cell_class.__name__} must do with the parent cell and the name; give further arguments "
            f"defaults, or make them parameters of the cell"
        )
    except ValueError:
        pass
    return f"{cell_class.__name__} cannot be made: {type(error).__name__}: {error}"


def _types_of(cell: ACell) -> dict[IO[Any], tuple[str, Written]]:
    """By input or output, the attribute that holds it and the type that is written there."""
    written = written_types(type(cell))
    found: dict[IO[Any], tuple[str, Written]] = {}
    for attribute, value in vars(cell).items():
        if isinstance(value, IO) and value.get_cell() is cell and value not in found:
            found[value] = (attribute, written.get(attribute) or of_runtime_type(value.get_value_type()) or _UNTYPED)
    return found


def _common(io: IO[Any], types: dict[IO[Any], tuple[str, Written]]) -> dict[str, Any]:
    attribute, written = types.get(io) or ("", of_runtime_type(io.get_value_type()) or _UNTYPED)
    return {
        "name": io.get_name(),
        "doc": io.doc,
        "type": written.type,
        "type_text": written.text,
        "attribute": "" if attribute.startswith("_") else attribute,
        "has_initial_value": isinstance(io, SourceEnd) and io.has_initial_value(),
    }


def _port(io: IO[Any], types: dict[IO[Any], tuple[str, Written]]) -> PortType:
    return PortType(**_common(io, types))


def _parameter(io: AParameter[Any], types: dict[IO[Any], tuple[str, Written]], is_of_sink: bool) -> ParameterType:
    default: Any = None
    default_text = ""
    if io.has_default_value():
        default_text = describe_value(io.get_default_value())
        try:
            default = to_json(io.get_default_value())
        except Mismatch:
            default = None
    has_value = io.has_default_value() or io.value_is_set()
    common = _common(io, types)
    if is_of_sink:
        common["type"] = _as_output(common["type"])
    return ParameterType(
        **common,
        when="runtime" if isinstance(io, RuntimeParameter) else "config",
        unit=io.unit,
        minimum=io.minimum,
        maximum=io.maximum,
        choices=_choices(io),
        required=not has_value,
        default=default,
        default_text=default_text,
    )


def _as_output(value_type: ValueType) -> ValueType:
    """A path of which the source does not say whether it is read or written, in a cell that only writes."""
    if value_type.name == "path":
        return ValueType(name="output_path")
    return value_type.model_copy(update={"items": tuple(map(_as_output, value_type.items))})


def _choices(io: AParameter[Any]) -> tuple[Any, ...] | None:
    if io.choices is None:
        return None
    try:
        return tuple(to_json(choice) for choice in io.choices)
    except Mismatch:
        return None


def _file_of(cell_class: type) -> str:
    try:
        return inspect.getsourcefile(cell_class) or ""
    except (TypeError, OSError):
        return ""


def _line_of(cell_class: type) -> int | None:
    definition = class_definition(cell_class)
    return definition.lineno if definition is not None else None

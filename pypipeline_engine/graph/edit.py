"""Changes to a document by the full names of its cells, as the command line makes them.

The functions return another document; the one given stays as it is.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ValidationError

from pypipeline_engine.catalogue.model import ParameterType, Types
from pypipeline_engine.catalogue.values import Mismatch, check
from pypipeline_engine.graph.json_text import parse
from pypipeline_engine.graph.model import MAX_CLONES, CellEntry, Document, Scale
from pypipeline_engine.graph.problems import Problem, WrongGraphException, describe, suggestion


def set_parameter(document: Document, name: str, value: Any, types: Types | None = None) -> Document:
    """The document with another value of a parameter.

    :param name: such as `detect.hit_threshold` or, in a nested pipeline, `post.track.max_age`.
    :param value: a JSON value; whether the parameter takes it is seen when the document is checked.
    :param types: to be told here where there is no such parameter; without, that is seen later as well.
    :raises WrongGraphException: if there is no such cell or parameter.
    """
    path, cell, parameter = _find_parameter(document, name)
    if types is not None:
        find_parameter(document, name, types)
    try:
        changed = CellEntry.model_validate({**dict(cell), "parameters": {**cell.parameters, parameter: value}})
    except ValidationError as error:
        message = str(error.errors(include_url=False)[0]["msg"])
        raise WrongGraphException(
            [Problem(message, (*_parts(path), "parameters", parameter))], document.name
        ) from error
    return document.with_cell(path, changed)


def set_parameter_text(document: Document, name: str, text: str, types: Types) -> Document:
    """As `set_parameter`, with a value as it is typed at a command line: JSON where the parameter takes that, else text.

    :raises WrongGraphException: if there is no such cell or parameter.
    """
    return set_parameter(document, name, value_of(text, find_parameter(document, name, types)))


def set_scale(document: Document, name: str, count: int, method: Literal["thread", "ray"] = "thread") -> Document:
    """The document with a number of clones of one kind for a cell, in place of all that it had.

    :raises WrongGraphException: if there is no such cell, or the number is not from 0 to `MAX_CLONES`.
    """
    path = tuple(name.split("."))
    cell = _find_cell(document, path)
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_CLONES:
        problem = f"the number of clones of {describe(name)} must be from 0 to {MAX_CLONES}, not {describe(count)}"
        raise WrongGraphException([Problem(problem, _parts(path))], document.name)
    if method not in ("thread", "ray"):
        problem = f'the clones of {describe(name)} can be "thread" or "ray", not {describe(method)}'
        raise WrongGraphException([Problem(problem, _parts(path))], document.name)
    scale = (cell.scale or Scale()).model_copy(update={"thread": 0, "ray": 0, method: count})
    return document.with_cell(path, cell.model_copy(update={"scale": scale}))


def find_parameter(document: Document, name: str, types: Types) -> ParameterType:
    """The description of a parameter by its full name.

    :raises WrongGraphException: if there is no such cell or parameter, or the type of the cell is not known.
    """
    path, cell, parameter = _find_parameter(document, name)
    cell_name = ".".join(path)
    cell_type = types.find(cell.type) if not cell.is_pipeline else None
    if cell.is_pipeline:
        problem = f"{describe(cell_name)} is a Pipeline and has no parameters: name a cell inside of it"
    elif cell_type is None:
        problem = types.explain_unknown(cell.type)
    elif cell_type.problem:
        problem = f"the type {describe(cell.type)} cannot be used: {cell_type.problem}"
    else:
        found = cell_type.find_parameter(parameter)
        if found is not None:
            return found
        known = [known.name for known in cell_type.parameters]
        problem = (
            f"{describe(cell_name)} ({cell.type}) has no parameter {describe(parameter)}{suggestion(parameter, known)}"
        )
    raise WrongGraphException([Problem(problem, _parts(path))], document.name)


def value_of(text: str, parameter: ParameterType) -> Any:
    """The JSON value that is meant by a text: what the parameter takes, or else what the text is."""
    parsed = parse(text)
    is_json = parsed.complete and not parsed.problems
    for candidate in [parsed.value, text] if is_json else [text]:
        try:
            check(candidate, parameter.type)
        except Mismatch:
            continue
        return candidate
    return parsed.value if is_json else text


def _find_parameter(document: Document, name: str) -> tuple[tuple[str, ...], CellEntry, str]:
    *path, parameter = name.split(".")
    if not path or not parameter:
        problem = f'a parameter is named as "cell.parameter", not {describe(name)}'
        raise WrongGraphException([Problem(problem)], document.name)
    return tuple(path), _find_cell(document, tuple(path)), parameter


def _find_cell(document: Document, path: tuple[str, ...]) -> CellEntry:
    cell = document.find(path)
    if cell is None:
        known = [".".join(names) for names, _ in document.walk()]
        name = ".".join(path)
        problem = f"there is no cell {describe(name)}{suggestion(name, known)}"
        raise WrongGraphException([Problem(problem)], document.name)
    return cell


def _parts(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part for name in path for part in ("cells", name))

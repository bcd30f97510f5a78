"""Text -> graph document, with the place of everything that is wrong.

A wrong text is read as far as it can be understood: what is wrong is noted and left out, and the rest is still there for
the checks that follow, so that one look shows all problems.
"""

from __future__ import annotations

import os
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pypipeline_engine.graph.json_text import JsonText, Place, parse
from pypipeline_engine.graph.migrations import MIGRATIONS, Migration, explain_version, migrated
from pypipeline_engine.graph.model import UNREADABLE, VERSION, Document
from pypipeline_engine.graph.problems import (
    Parts,
    Problem,
    WrongGraphException,
    describe,
    errors,
    sorted_problems,
    suggestion,
)

MAX_SIZE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Reading:
    """What a text says, as far as it could be understood, and what is wrong with it.

    `document` is `None` where nothing could be understood. It is what the author meant only where there are no problems.
    """

    document: Document | None
    problems: tuple[Problem, ...]
    place: Place = field(default_factory=lambda: Place(1), repr=False, compare=False)
    source: str = ""

    def with_lines(self, problems: Sequence[Problem]) -> list[Problem]:
        """Problems found in the document, each with the line of the text where it stands."""
        return [problem.at_line(self.place.line_of(problem.parts)) for problem in problems]


def read(text: str | bytes, source: str = "") -> Document:
    """The document that a text holds.

    :param source: where the text is from, for messages.
    :raises WrongGraphException: with everything that is wrong with it.
    """
    reading = examine(text, source)
    if errors(reading.problems) or reading.document is None:
        raise WrongGraphException(reading.problems, source)
    return reading.document


def read_file(path: str | os.PathLike[str]) -> Document:
    """The document in a file.

    :raises WrongGraphException: if the file cannot be read, and with everything that is wrong with it.
    """
    return read(read_bytes(path), str(path))


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """What a file holds.

    :raises WrongGraphException: if there is no such file, or it is something else, cannot be read or is too large.
    """
    source = str(path)
    try:
        file = Path(path)
        if file.is_dir():
            raise WrongGraphException([Problem("this is a folder; the path of a graph file is expected")], source)
        if file.exists() and not file.is_file():
            raise WrongGraphException(
                [Problem("this is no regular file; the path of a graph file is expected")], source
            )
        with file.open("rb") as stream:
            content = stream.read(MAX_SIZE_BYTES + 1)
    except FileNotFoundError as error:
        raise WrongGraphException([Problem("there is no such file")], source) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise WrongGraphException([Problem(f"cannot be read: {reason}")], source) from error
    if len(content) > MAX_SIZE_BYTES:
        message = f"the file is larger than {MAX_SIZE_BYTES // 1024**2} MB, which no graph is"
        raise WrongGraphException([Problem(message)], source)
    return content


def examine(
    text: str | bytes, source: str = "", *, migrations: Sequence[Migration] = MIGRATIONS, version: int = VERSION
) -> Reading:
    """Read a text, however wrong it may be. Raises nothing.

    :param source: where the text is from, for messages.
    """
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = f"this is no UTF-8 text (byte {error.object[error.start]:#04x} at offset {error.start})"
        return Reading(None, (Problem(message, (), line),), source=source)
    parsed = parse(decoded.removeprefix("\ufeff"))
    if not parsed.complete:
        return Reading(None, sorted_problems(parsed.problems), parsed.place, source)
    if not isinstance(parsed.value, dict):
        problem = Problem(f"a graph is a JSON object, not {describe(parsed.value)}", (), parsed.place.line)
        return Reading(None, (*parsed.problems, problem), parsed.place, source)
    found, understandable = explain_version(parsed.value, version)
    document = None
    if understandable:
        document, wrong = _validate(migrated(parsed.value, migrations, version))
        found += wrong
    return Reading(document, _all(parsed, found), parsed.place, source)


def _all(parsed: JsonText, found: list[Problem]) -> tuple[Problem, ...]:
    problems = parsed.problems + [problem.at_line(parsed.place.line_of(problem.parts)) for problem in found]
    return sorted_problems(without_consequences(problems, parsed.problems))


def without_consequences(problems: Sequence[Problem], causes: Sequence[Problem]) -> list[Problem]:
    """The problems without those that stand at or inside of a place where one of `causes` was found."""
    places = {cause.parts for cause in causes if cause.parts}
    kept = {id(cause) for cause in causes}
    return [
        problem
        for problem in problems
        if id(problem) in kept or not any(problem.parts[:end] in places for end in range(1, len(problem.parts) + 1))
    ]


# ---------------------------------------------------------------------- what the models refuse, in words


def _validate(raw: dict[str, Any]) -> tuple[Document | None, list[Problem]]:
    """The document in raw data, without what is wrong."""
    problems: list[Problem] = []
    while True:
        try:
            return Document.model_validate(raw), problems
        except ValidationError as error:
            details = error.errors(include_url=False)
        wrong = [(_place_of(detail["loc"], raw), detail) for detail in details]
        seen = {problem.parts for problem in problems}
        for parts, detail in wrong:
            for problem in _explain(parts, detail):
                if problem.parts not in seen:
                    problems.append(problem)
                    seen.add(problem.parts)
        repaired = _without(raw, wrong)
        if repaired == raw:
            return None, problems
        raw = repaired


def _place_of(location: tuple[str | int, ...], raw: Any) -> Parts:
    """The place in the document: a location without the names that pydantic gives to alternatives and keys."""
    parts: list[str | int] = []
    for number, part in enumerate(location):
        is_last = number == len(location) - 1
        if isinstance(raw, dict) and isinstance(part, str) and (part in raw or (is_last and part != "[key]")):
            parts.append(part)
            raw = raw.get(part)
        elif isinstance(raw, list) and isinstance(part, int):
            parts.append(part)
            raw = raw[part] if part < len(raw) else None
    return tuple(parts)


def _explain(parts: Parts, detail: ErrorDetails) -> list[Problem]:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        key = str(parts[-1])
        return [Problem(f"unknown key {describe(key)}{suggestion(key, _known_keys(parts[:-1]))}", parts)]
    if kind == "missing":
        return [Problem("a cell must have a type" if parts[-1] == "type" else "a value is missing", parts)]
    if kind == "misplaced":
        return [
            Problem(f"only a cell of type Pipeline has {key}", (*parts, key))
            for key in str(context["keys"]).split(", ")
        ]
    if kind == "graph":
        return [Problem(str(context["message"]), parts)]
    expected = _EXPECTED.get(kind)
    if expected is None:
        return [Problem(detail["msg"], parts)]
    return [Problem(f"{expected.format(**context)} is expected, not {describe(value)}", parts)]


_EXPECTED = {
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "list_type": "a list",
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "literal_error": "{expected}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than_equal": "a number of at most {le}",
}


def _known_keys(parts: Parts) -> list[str]:
    """The keys that an object at this place of a document may have."""
    model: Any = Document
    for part in parts:
        if isinstance(model, type) and issubclass(model, BaseModel):
            model = model.model_fields[str(part)].annotation if part in model.model_fields else None
        else:
            model = typing.get_args(model)[-1]
        while typing.get_origin(model) in (typing.Union, types.UnionType, typing.Annotated):
            model = typing.get_args(model)[0]
    if isinstance(model, type) and issubclass(model, BaseModel):
        return list(model.model_fields)
    return []


def _without(raw: dict[str, Any], wrong: list[tuple[Parts, ErrorDetails]]) -> dict[str, Any]:
    """Raw data without the wrong values.

    What others refer to by name or number keeps its place: a cell gets the type `UNREADABLE`, a connection these ends.
    """
    todo: dict[Parts, Any] = {}
    for parts, detail in wrong:
        if detail["type"] == "misplaced":
            todo.update({(*parts, key): _REMOVED for key in str(detail["ctx"]["keys"]).split(", ")})
        elif detail["loc"][-1:] == ("[key]",):
            todo[parts] = _REMOVED
        else:
            todo.setdefault(parts, _substitute(parts))
    for parts in todo:
        if parts and parts[-1] == "type" and _is_cell(parts[:-1]):
            todo[parts] = UNREADABLE
    result: dict[str, Any] = _replaced(raw, (), todo)
    return result


_REMOVED: Any = object()


def _is_cell(parts: Parts) -> bool:
    return bool(parts) and len(parts) % 2 == 0 and set(parts[::2]) == {"cells"}


def _substitute(parts: Parts) -> Any:
    if _is_cell(parts):
        return {"type": UNREADABLE}
    if len(parts) >= 2 and parts[-2] == "connections" and (len(parts) == 2 or _is_cell(parts[:-2])):
        return [UNREADABLE, UNREADABLE]
    return _REMOVED


def _replaced(value: Any, parts: Parts, todo: dict[Parts, Any]) -> Any:
    if parts in todo:
        return todo[parts]
    if isinstance(value, dict):
        inner = {key: _replaced(entry, (*parts, key), todo) for key, entry in value.items()}
        if (*parts, "type") in todo:
            inner["type"] = todo[*parts, "type"]
        return {key: entry for key, entry in inner.items() if entry is not _REMOVED}
    if isinstance(value, list):
        entries = (_replaced(entry, (*parts, number), todo) for number, entry in enumerate(value))
        return [entry for entry in entries if entry is not _REMOVED]
    return value

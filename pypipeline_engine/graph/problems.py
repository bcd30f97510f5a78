"""What is wrong with a graph document, and where."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from pypipeline_engine.exceptions import GraphException

Parts: TypeAlias = tuple[str | int, ...]
"""The way from the top of a document to a value: keys of objects and indices of lists."""

_MOST_SHOWN = 500


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: what, and at which place of the document.

    An `error` keeps the graph from being built; a `warning` does not.
    """

    message: str
    parts: Parts = ()
    line: int | None = None
    severity: Literal["error", "warning"] = "error"

    @property
    def path(self) -> str:
        """The place as text, such as `cells.detect.parameters.stride` or `connections[2]`."""
        return path_text(self.parts)

    @property
    def cell(self) -> str:
        """The cell concerned by its name below the pipeline, such as `post.track`; empty where it is none."""
        names: list[str] = []
        rest = self.parts
        while len(rest) >= 2 and rest[0] == "cells":
            names.append(str(rest[1]))
            rest = rest[2:]
        return ".".join(names)

    def at_line(self, line: int | None) -> Problem:
        """The same problem with the line of the text where it stands, counted from 1."""
        return replace(self, line=line)

    def as_data(self) -> dict[str, Any]:
        """The problem as JSON-serialisable data."""
        return {
            "severity": self.severity,
            "path": self.path,
            "cell": self.cell,
            "line": self.line,
            "message": self.message,
        }

    def __str__(self) -> str:
        place = [f"line {self.line}"] if self.line is not None else []
        place += [self.path] if self.parts else []
        text = f"{', '.join(place)}: {self.message}" if place else self.message
        return f"warning: {text}" if self.severity == "warning" else text


class WrongGraphException(GraphException):
    """A graph document that is refused: `problems` holds everything that is wrong, the message lists it."""

    def __init__(self, problems: Iterable[Problem], source: str = "") -> None:
        """Refuse a document.

        :param source: what the document came from, such as the path of a file.
        """
        self.problems = sorted_problems(problems)
        self.source = source
        if len(self.problems) == 1:
            message = f"{source}: {self.problems[0]}" if source else str(self.problems[0])
        else:
            head = f"{source or 'the graph'} has {len(self.problems)} problems:"
            shown = [str(problem) for problem in self.problems[:_MOST_SHOWN]]
            if len(self.problems) > _MOST_SHOWN:
                shown.append(f"... and {len(self.problems) - _MOST_SHOWN} more")
            message = "\n - ".join([head, *shown])
        super().__init__(message)


def sorted_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems in the order of their lines, those without one first."""
    return tuple(sorted(problems, key=lambda problem: problem.line or 0))


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """The problems that keep the graph from being built."""
    return [problem for problem in problems if problem.severity == "error"]


def path_text(parts: Parts) -> str:
    """A place in a document as text. A key that a reader could misunderstand is quoted."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part.isprintable() and part.strip() and not set(part) & set('."[]')
            text += ("." if text else "") + (part if plain else json.dumps(part))
    return text


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that `name` was probably meant to be."""
    if name in known:
        return name
    folded = {candidate.casefold(): candidate for candidate in reversed(known)}
    close = difflib.get_close_matches(name.casefold()[:200], folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def suggestion(name: str, known: Sequence[str], limit: int = 12) -> str:
    """The end of a message about an unknown name: the nearest known one, or else all of them where they are few."""
    candidate = nearest(name, known)
    if candidate is not None:
        return f"; did you mean {describe(candidate)}?"
    if not known:
        return "; there are none"
    if len(known) <= limit:
        return f"; known are {', '.join(known)}"
    return ""


def describe(value: object, limit: int = 60) -> str:
    """A JSON value in few words, for messages."""
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, int) and value.bit_length() > 200:
        return f"a number of {value.bit_length()} bits"
    text = json.dumps(value, ensure_ascii=True) if isinstance(value, str | bool) or value is None else repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."

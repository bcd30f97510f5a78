"""The canonical text of a graph document.

One line for each cell and each connection where it fits, so that a difference between two versions reads as the change: no
line depends on another one but for its comma. A document has one text: what was written here is written the same again after
it was read.
"""

from __future__ import annotations

import json
import os
from typing import Any

from pypipeline_engine.atomic import write_file
from pypipeline_engine.graph.json_text import MAX_DEPTH
from pypipeline_engine.graph.model import Document, to_data
from pypipeline_engine.graph.problems import Problem, WrongGraphException

WIDTH = 120
_NAME_WIDTH = 10
"""Names take at least this many columns: short ones line up, and a long one moves no other line."""
_DEEPEST_COLUMN = 80
"""Beyond this column, values are not broken over lines."""
_COMMA = 1
_BLOCKS = ("cells", "connections", "view")


def to_text(document: Document) -> str:
    """The text of a graph file, with a newline at its end.

    :raises WrongGraphException: if the document is nested so deep that it could not be read again.
    """
    data = to_data(document)
    if _depth(data) > MAX_DEPTH:
        raise WrongGraphException([Problem(f"the graph is nested more than {MAX_DEPTH} deep and cannot be written")])
    blocks = {key: data.pop(key) for key in _BLOCKS if key in data}
    lines = ["{"]
    for key, value in data.items():
        lines.append(f"  {_compact(key)}: {_fill(value, len(key) + 6, _COMMA)},")
    lines += _comma_between([_block(key, value, 2) for key, value in blocks.items()])
    return "\n".join([*lines, "}"]) + "\n"


def save(document: Document, path: str | os.PathLike[str]) -> None:
    """Write a graph file, as `atomic.write_file` does.

    :raises WrongGraphException: if the file cannot be written.
    """
    text = to_text(document)
    try:
        write_file(path, text)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise WrongGraphException([Problem(f"cannot be written: {reason}")], str(path)) from error


def _depth(value: Any) -> int:
    """How deep objects and lists lie in each other, without recursion."""
    deepest = 0
    todo = [(value, 1)]
    while todo:
        value, depth = todo.pop()
        if isinstance(value, dict | list):
            deepest = max(deepest, depth)
            todo += [(inner, depth + 1) for inner in (value.values() if isinstance(value, dict) else value)]
    return deepest


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _comma_between(lines: list[str]) -> list[str]:
    return [line + "," for line in lines[:-1]] + lines[-1:]


def _named(name: str, indent: int) -> str:
    """The beginning of a line with a value that has a name, up to where the value begins."""
    return " " * indent + f"{_compact(name)}: ".ljust(_NAME_WIDTH)


def _block(key: str, value: Any, indent: int) -> str:
    """Cells, connections or view, with a line for each entry."""
    begin = f"{' ' * indent}{_compact(key)}: "
    inline = begin + _compact(value)
    if not value or (key == "view" and len(value) == 1 and len(inline) + _COMMA <= WIDTH):
        return inline
    if key == "connections":
        lines = [f"{' ' * (indent + 2)}{_compact(entry)}" for entry in value]
        return "\n".join([f"{begin}[", *_comma_between(lines), f"{' ' * indent}]"])
    lines = []
    for name, entry in value.items():
        start = _named(name, indent + 2)
        if key == "cells" and len(entry.get("cells", ())) > 1:
            lines.append(start + _pipeline(entry, len(start), indent + 2))
        else:
            lines.append(start + _fill(entry, len(start), _COMMA))
    return "\n".join([f"{begin}{{", *_comma_between(lines), f"{' ' * indent}}}"])


def _pipeline(entry: dict[str, Any], column: int, indent: int) -> str:
    """A nested pipeline of several cells: what it is on its first line, then its blocks."""
    head = _fill({key: value for key, value in entry.items() if key not in _BLOCKS}, column, _COMMA)
    blocks = [_block(key, entry[key], indent + 2) for key in _BLOCKS if key in entry]
    return "\n".join([head.removesuffix("}") + ",", *_comma_between(blocks)]) + "}"


def _fill(value: Any, column: int, tail: int) -> str:
    """A value that begins at `column`, broken where it does not fit; `tail` characters will follow it on its last line."""
    text = _compact(value)
    if (
        column + len(text) + tail <= WIDTH
        or column > _DEEPEST_COLUMN
        or not value
        or not isinstance(value, dict | list)
    ):
        return text
    if isinstance(value, dict):
        entries = [(_compact(key) + ": ", inner) for key, inner in value.items()]
    else:
        entries = [("", inner) for inner in value]
    text, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    end = column + 1  # the column behind what is written so far
    for number, (start, inner) in enumerate(entries):
        is_last = number == len(entries) - 1
        following = 1 + tail if is_last else _COMMA
        inline = start + _compact(inner)
        gap = 1 if number else 0
        if number and end + gap + len(inline) + following > WIDTH:
            text += "\n" + " " * (column + 1)
            end, gap = column + 1, 0
        piece = start + _fill(inner, end + gap + len(start), following)
        text += " " * gap + piece + ("" if is_last else ",")
        newline = piece.rfind("\n")
        end = (len(piece) - newline - 1 if newline >= 0 else end + gap + len(piece)) + _COMMA
    return text + closing

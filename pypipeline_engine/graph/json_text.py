"""JSON with the line of every value, for messages that say where.

The standard library's decoder reads strings and numbers; what holds them together is read here, without recursion and to
a bounded depth. What can be understood around a mistake is kept, so that all mistakes of a text are found at once.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from pypipeline_engine.graph.problems import Parts, Problem, describe

MAX_DEPTH = 100
"""How deep objects and lists may lie in each other."""

_SPACE = re.compile(r"[ \t\n\r]*")
_WORD = re.compile(r"[^\s,:{}\[\]\"]{1,24}")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![0-9A-Za-z_.+-])")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {"true": True, "false": False, "null": None}
_HINTS = {
    "True": "write true",
    "False": "write false",
    "None": "write null",
    "NaN": "JSON has no such number",
    "Infinity": "JSON has no such number",
    "-Infinity": "JSON has no such number",
}
_DROPPED: Any = object()
_OPENED: Any = object()
_decoder = json.JSONDecoder()


class Place:
    """Where a value stands, and where the values inside of it do."""

    __slots__ = ("children", "line")

    def __init__(self, line: int, children: dict[str | int, Place] | None = None) -> None:
        self.line = line
        self.children = children

    def line_of(self, parts: Parts) -> int:
        """The line of the value at `parts`, or of the innermost one around it that is there. Lines count from 1."""
        place = self
        for part in parts:
            inner = (place.children or {}).get(part)
            if inner is None:
                break
            place = inner
        return place.line


@dataclass
class JsonText:
    """What a text says: its value, the places of all values, and what is wrong with it.

    `value` is without the keys that are wrong, and has `None` for wrong elements of lists. `complete` is false where the
    text could not be read to its end; there is no value then.
    """

    value: Any = None
    place: Place = field(default_factory=lambda: Place(1))
    problems: list[Problem] = field(default_factory=list)
    complete: bool = True


class _SyntaxError(Exception):
    """The rest of the text cannot be understood."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class _Open:
    """An object or list that has begun. `key` names the value that is read next."""

    __slots__ = ("container", "key", "key_is_kept", "place")

    def __init__(self, container: dict[str, Any] | list[Any], place: Place) -> None:
        self.container = container
        self.place = place
        self.key: str | int = 0
        self.key_is_kept = True


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.result = JsonText()
        self.stack: list[_Open] = []
        self._counted_to = 0
        self._line = 1
        self._leaf = Place(0)

    # ------------------------------------------------------------------ position

    def line_at(self, position: int) -> int:
        """The line of a position that is not before the last one asked for."""
        self._line += self.text.count("\n", self._counted_to, position)
        self._counted_to = max(position, self._counted_to)
        return self._line

    def skip_space(self) -> str:
        """Go on to the next character that means something, and return it; empty at the end."""
        match = _SPACE.match(self.text, self.position)
        assert match is not None
        self.position = match.end()
        return self.text[self.position : self.position + 1]

    def leaf(self, line: int) -> Place:
        # One object for all plain values of a line: a long list of numbers costs one pointer each.
        if self._leaf.line != line:
            self._leaf = Place(line)
        return self._leaf

    # ------------------------------------------------------------------ problems

    def parts(self) -> Parts:
        return tuple(level.key for level in self.stack)

    def report(self, message: str, line: int) -> None:
        self.result.problems.append(Problem(message, self.parts(), line))

    def found(self) -> str:
        """What stands here instead of what was expected."""
        character = self.text[self.position : self.position + 1]
        if not character:
            return "the text ends there: it is cut off"
        if self.text.startswith(("//", "/*", "#"), self.position):
            return "found a comment, which JSON does not have"
        if character == "'":
            return "found a single quote; text stands in double quotes"
        word = _WORD.match(self.text, self.position)
        return f"found {(word.group() if word else character)!r}"

    # ------------------------------------------------------------------ grammar

    def read(self) -> JsonText:
        try:
            if not self.skip_space():
                raise _SyntaxError("the text is empty", self.position)
            self.read_document()
            if self.skip_space():
                raise _SyntaxError(f"expected the end of the text, {self.found()}", self.position)
        except _SyntaxError as error:
            self.report(str(error), self.text.count("\n", 0, error.position) + 1)
            self.result.value = None
            self.result.complete = False
        return self.result

    def read_document(self) -> None:
        while True:
            value, place = self.read_value()
            while value is not _OPENED:
                if not self.stack:
                    self.result.value = None if value is _DROPPED else value
                    self.result.place = place
                    return
                self.attach(value, place)
                if self.goes_on():
                    break
                closed = self.stack.pop()
                value, place = closed.container, closed.place

    def read_value(self) -> tuple[Any, Place]:
        """A plain value or an empty object or list; `_OPENED` for any other one, which is then on the stack."""
        character = self.skip_space()
        line = self.line_at(self.position)
        if character and character in "{[":
            if len(self.stack) >= MAX_DEPTH:
                raise _SyntaxError(f"objects and lists lie more than {MAX_DEPTH} deep in each other", self.position)
            place = Place(line, {})
            if not self.stack:
                self.result.place = place
            self.position += 1
            container: dict[str, Any] | list[Any] = {} if character == "{" else []
            if self.skip_space() == ("}" if character == "{" else "]"):
                self.position += 1
                return container, place
            self.stack.append(_Open(container, place))
            if isinstance(container, dict):
                self.read_key()
            return _OPENED, place
        if character == '"':
            return self.read_string(line), self.leaf(line)
        return self.read_word(line), self.leaf(line)

    def read_string(self, line: int) -> Any:
        try:
            value, self.position = _decoder.raw_decode(self.text, self.position)
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated string"):
                raise _SyntaxError(
                    "text that begins here has no closing quote: the text is cut off", error.pos
                ) from None
            raise _SyntaxError(f"wrong text: {error.msg.removesuffix(' at')}", error.pos) from None
        if _SURROGATE.search(value):
            self.report("text contains one half of a surrogate pair, which is no character", line)
            return _DROPPED
        return value

    def read_word(self, line: int) -> Any:
        number = _NUMBER.match(self.text, self.position)
        if number is not None:
            self.position = number.end()
            return self.to_number(number.group(), line)
        word = _WORD.match(self.text, self.position)
        name = word.group() if word else ""
        if name in _WORDS:
            self.position += len(name)
            return _WORDS[name]
        if name in _HINTS:
            self.report(f"expected a value, found {name}: {_HINTS[name]}", line)
            self.position += len(name)
            return _DROPPED
        raise _SyntaxError(f"expected a value, {self.found()}", self.position)

    def to_number(self, digits: str, line: int) -> Any:
        # A double holds numbers of up to 309 digits, and Python refuses to read very long ones.
        whole = not set(digits) & set(".eE")
        value: int | float = int(digits) if whole and len(digits) <= 400 else float(digits)
        try:
            if math.isfinite(value):
                return value
        except OverflowError:
            pass
        self.report(f"the number {digits if len(digits) <= 24 else digits[:21] + '...'} is too large", line)
        return _DROPPED

    def read_key(self) -> None:
        """The key of an object and the colon behind it."""
        level = self.stack[-1]
        if self.skip_space() != '"':
            raise _SyntaxError(f"expected a key in double quotes, {self.found()}", self.position)
        line = self.line_at(self.position)
        level.key = "?"
        key = self.read_string(line)
        level.key_is_kept = key is not _DROPPED
        if level.key_is_kept:
            level.key = str(key)
            assert level.place.children is not None
            known = level.place.children.get(level.key)
            if known is not None:
                self.report(f"the key {describe(level.key)} is already there on line {known.line}", line)
            level.place.children[level.key] = self.leaf(line)
        if self.skip_space() != ":":
            raise _SyntaxError(f"expected ':' after the key {describe(level.key)}, {self.found()}", self.position)
        self.position += 1

    def attach(self, value: Any, place: Place) -> None:
        """Put a value where it belongs."""
        level = self.stack[-1]
        places = level.place.children
        assert places is not None
        if isinstance(level.container, list):
            level.container.append(None if value is _DROPPED else value)
            places[level.key] = place
        elif level.key_is_kept:
            if value is not _DROPPED:
                level.container[str(level.key)] = value
            if place.children is not None:
                # The line of a value is that of its key, also where an object begins on the next line.
                places[level.key] = Place(places[level.key].line, place.children)

    def goes_on(self) -> bool:
        """Whether another value follows in the innermost object or list; its end is read where not."""
        level = self.stack[-1]
        closing = "}" if isinstance(level.container, dict) else "]"
        character = self.skip_space()
        if character == closing:
            self.position += 1
            return False
        if character != ",":
            raise _SyntaxError(f"expected ',' or {closing!r}, {self.found()}", self.position)
        comma = self.position
        self.position += 1
        if self.skip_space() == closing:
            raise _SyntaxError(f"a comma before {closing!r}, which JSON does not allow", comma)
        if isinstance(level.container, dict):
            self.read_key()
        else:
            assert isinstance(level.key, int)
            level.key += 1
        return True


def parse(text: str) -> JsonText:
    """Read a JSON text. Never raises: what is wrong is among the problems."""
    return _Reader(text).read()

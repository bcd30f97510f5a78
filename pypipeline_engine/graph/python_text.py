"""Writing Python source: names, values, imports."""

from __future__ import annotations

import itertools
import keyword
import re
import unicodedata
from collections.abc import Iterable
from typing import Any


class Names:
    """Python names that are distinct and hide nothing."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def make(self, wanted: str) -> str:
        """A name for an attribute, a variable or a module, as near to the wanted one as can be."""
        letters = unicodedata.normalize("NFKC", wanted)
        name = "".join(letter if f"a{letter}".isidentifier() else "_" for letter in letters).strip("_")
        return self._distinct(_valid(name, "cell", "cell_"), "_")

    def make_class(self, wanted: str) -> str:
        """A name for a class: `object tracking` becomes `ObjectTracking`."""
        words = re.findall(r"[0-9A-Za-z]+", wanted)
        return self._distinct(_valid("".join(word[0].upper() + word[1:] for word in words), "Cell", "Cell"), "")

    def _distinct(self, name: str, separator: str) -> str:
        candidates = itertools.chain(
            [name, f"{name}_"], (f"{name}{separator}{number}" for number in itertools.count(2))
        )
        found = next(candidate for candidate in candidates if candidate not in self._taken)
        self._taken.add(found)
        return found


def _valid(name: str, instead: str, prefix: str) -> str:
    if not name:
        return instead
    if not name.isidentifier():
        return prefix + name
    return f"{name}_" if keyword.iskeyword(name) else name


class Code(str):
    """Source code that stands where a value would."""

    __slots__ = ()


def code(value: Any) -> str:
    """The code of a value, with text in double quotes where it can be."""
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, str):
        is_plain = value.isprintable() and not set(value) & set('"\\')
        return f'"{value}"' if is_plain else repr(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{code(key)}: {code(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(code, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(code, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def in_docstring(text: str) -> str:
    """A name inside of a docstring: without what could end it."""
    return re.sub(r'["\\\n\r]', "_", text)


def import_line(package: str, names: list[str]) -> str:
    """One import, over several lines where it is long."""
    line = f"from {package} import {', '.join(names)}"
    if len(line) <= 120:
        return line
    return "\n".join([f"from {package} import (", *(f"    {name}," for name in names), ")"])


def import_lines(modules: list[tuple[str, str]]) -> list[str]:
    """One import for each package. A module is given by its package and its name there, which may end in `as other`."""
    by_package: dict[str, list[str]] = {}
    for package, name in modules:
        by_package.setdefault(package, []).append(name)
    return [
        import_line(package, sorted(names)) if package else "\n".join(f"import {name}" for name in sorted(names))
        for package, names in sorted(by_package.items())
    ]

"""Format strings in text that comes from anywhere, as far as they can do no harm.

A pattern has one value to show. It consists of text and of fields `{}` or `{:spec}`, where `{{` and `}}` are braces.
Unlike with `str.format`, a field cannot look into the value (`{0.__class__}`, `{0[key]}`), and a width has at most
three digits.
"""

from __future__ import annotations

import re
from functools import lru_cache
from string import Formatter

from pypipeline_engine.exceptions import InvalidInputException


@lru_cache(maxsize=64)
def parse_pattern(pattern: str, name: str = "") -> tuple[tuple[str, str | None], ...]:
    """The parts of `pattern`: text, and the format of the field behind it; `None` where there is none.

    :param name: what a field may be called beside having no name, such as `index`.
    :raises InvalidInputException: with the reason, if the pattern is not one.
    """
    allowed = "{} or {:spec}" if not name else f"{{{name}}} or {{{name}:spec}}"
    try:
        fields = list(Formatter().parse(pattern))
    except ValueError as error:
        raise InvalidInputException(f"{error}; a brace that is meant as such is written twice") from error
    except TypeError as error:
        raise InvalidInputException(f"a pattern is a text with {allowed} where the value stands") from error
    parts: list[tuple[str, str | None]] = []
    for text, field, spec, conversion in fields:
        if field is not None and (field not in ("", name) or conversion):
            raise InvalidInputException(f"a field is written as {allowed}, without anything else inside the braces")
        if spec and ("{" in spec or re.search("[0-9]{4}", spec)):
            raise InvalidInputException(f"the format {spec!r} has a field in it or a number of more than three digits")
        parts.append((text, None if field is None else spec or ""))
    return tuple(parts)


def fill_pattern(pattern: str, value: object, name: str = "") -> str:
    """The text that `pattern` makes of `value`.

    :raises InvalidInputException: if the pattern is not one.
    :raises ValueError, TypeError: if the value cannot be shown in the format that the pattern asks for.
    """
    return "".join(text if spec is None else text + format(value, spec) for text, spec in parse_pattern(pattern, name))

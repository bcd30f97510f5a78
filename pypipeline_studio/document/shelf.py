"""Types of cells that are wanted at hand: favourites, and those used last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from pypipeline_engine.graph.model import Document

MOST_RECENT: Final = 5


def with_used(recent: Sequence[str], used: Sequence[str]) -> tuple[str, ...]:
    """The types used last, the latest first, when others were used just now."""
    return tuple(dict.fromkeys((*used, *recent)))[:MOST_RECENT]


def toggled(favourites: Sequence[str], name: str) -> tuple[str, ...]:
    """The favourites with one more at their end, or without one that was among them."""
    others = tuple(other for other in favourites if other != name)
    return others if len(others) < len(favourites) else (*favourites, name)


def types_added(before: Document, after: Document) -> tuple[str, ...]:
    """The types of the cells that an edit has brought, without pipelines."""
    known = {names for names, _ in before.walk()}
    return tuple(
        dict.fromkeys(cell.type for names, cell in after.walk() if names not in known and not cell.is_pipeline)
    )


def to_setting(names: Sequence[str]) -> str:
    """Names as they are kept; one text, because a list of one setting comes back as something else on some systems."""
    return json.dumps(list(names))


def from_setting(text: object) -> tuple[str, ...]:
    """The names that were kept; none where they cannot be read."""
    try:
        names = json.loads(text) if isinstance(text, str) else []
    except ValueError:
        names = []
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()

"""The graph files that were opened or saved last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

MOST_RECENT: Final = 10


def with_recent(paths: Sequence[Path], path: Path) -> tuple[Path, ...]:
    """The list with a file at its beginning; what does not fit any more leaves it."""
    return (path, *(other for other in paths if other != path))[:MOST_RECENT]


def without_missing(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The list without the files that are gone."""
    return tuple(path for path in paths if is_there(path))


def is_there(path: Path) -> bool:
    """Whether there is such a file, as far as can be seen."""
    try:
        return path.is_file()
    except OSError:
        return False


def to_setting(paths: Sequence[Path]) -> str:
    """The list as it is kept; one text, because a list of one setting comes back as something else on some systems."""
    return json.dumps([str(path) for path in paths])


def from_setting(text: object) -> tuple[Path, ...]:
    """The list that was kept; empty where it cannot be read."""
    try:
        names = json.loads(text) if isinstance(text, str) else []
    except ValueError:
        names = []
    if not isinstance(names, list):
        return ()
    return tuple(Path(name) for name in names if isinstance(name, str) and name)[:MOST_RECENT]

"""The graph files that were open, to be opened again at the next start."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

MOST_TABS: Final = 50


class OpenTabs(BaseModel):
    """The files in the order of their tabs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    paths: tuple[str, ...] = ()
    front: str = ""
    """The one that was in front; empty where that was a graph without a file."""

    def to_setting(self) -> str:
        """As it is kept; one text, because a list of one setting comes back as something else on some systems."""
        return self.model_dump_json()

    @classmethod
    def from_setting(cls, text: object) -> OpenTabs:
        """What was kept; nothing where it cannot be read."""
        try:
            found = cls.model_validate(json.loads(text)) if isinstance(text, str) else cls()
        except (ValueError, ValidationError):
            return cls()
        return found.model_copy(update={"paths": found.paths[:MOST_TABS]})


def explain_skipped(gone: Sequence[Path], unreadable: Sequence[Path]) -> str:
    """In one sentence, why files that were open are not open again; empty where all of them are."""
    parts = [
        f"{what}: {', '.join(path.name for path in paths)}"
        for what, paths in (("Not there any more", gone), ("Cannot be opened as it is now", unreadable))
        if paths
    ]
    return ". ".join(parts)

"""What went wrong at a cell, in a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pypipeline_engine.host.protocol import CellError
from pypipeline_engine.numbers import counted


def error_title(cell: str, errors: Sequence[CellError], counts: Mapping[str, int]) -> str:
    """Such as `log skipped 3 items`.

    :param errors: the latest ones of that cell, at least one.
    :param counts: by cell, how many items it skipped: more than the errors that are kept.
    """
    name = cell or "The run"
    if errors[-1].is_fatal:
        return f"{name} failed"
    return f"{name} skipped {counted(max(len(errors), counts.get(cell, 0)), 'item')}"

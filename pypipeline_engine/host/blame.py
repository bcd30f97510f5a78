"""Errors of a run as they are told to people: which cell, where in its source, with the traceback."""

from __future__ import annotations

import inspect
import time
import traceback

from pypipeline_engine.cell import ACell
from pypipeline_engine.core.counters import DeadLetter
from pypipeline_engine.core.errors import describe_error, get_cell_of, get_item_of, get_places
from pypipeline_engine.host.protocol import CellError

_LONGEST_TRACEBACK = 20_000
_LONGEST_MESSAGE = 2_000


class Blame:
    """Knows the cells of one pipeline, without keeping them."""

    def __init__(self, root: ACell) -> None:
        self._prefix = f"{root.get_name()}."
        self._sources = {cell.get_full_name(): _get_source_files(cell) for cell in root._get_cells_recursively()}

    def explain(self, error: BaseException, *, is_fatal: bool) -> CellError:
        """An error that a run was ended by, or went on after."""
        cell = get_cell_of(error) or ""
        origin = error.__cause__ if error.__cause__ is not None and get_cell_of(error.__cause__) == cell else error
        return self._make(
            cell,
            describe_error(error),
            "".join(traceback.format_exception(error)),
            get_places(origin),
            item=get_item_of(error),
            is_fatal=is_fatal,
            time_s=time.time(),
        )

    def explain_letter(self, letter: DeadLetter) -> CellError:
        """The error that an item was skipped for."""
        return self._make(
            letter.cell, letter.error, letter.traceback, letter.places, item=letter.item, time_s=letter.time_s or None
        )

    def _make(
        self,
        cell: str,
        message: str,
        text: str,
        places: tuple[tuple[str, int], ...],
        *,
        item: int | None = None,
        is_fatal: bool = False,
        time_s: float | None,
    ) -> CellError:
        own = [place for place in places if place[0] in self._sources.get(cell, ())]
        file, line = own[-1] if own else ("", None)
        return CellError(
            cell=cell.removeprefix(self._prefix),
            item=item,
            message=" ".join(message[:_LONGEST_MESSAGE].split()),
            traceback=text[-_LONGEST_TRACEBACK:],
            file=file,
            line=line,
            is_fatal=is_fatal,
            time_s=time_s,
        )


def _get_source_files(cell: ACell) -> frozenset[str]:
    """The files that the class of a cell and those that it extends are written in, but for the engine's own."""
    files = set()
    for cell_class in type(cell).__mro__:
        if cell_class is object or cell_class.__module__.startswith(("pypipeline_engine.cell.", "abc", "typing")):
            continue
        try:
            file = inspect.getsourcefile(cell_class)
        except (TypeError, OSError):
            continue
        if file is not None:
            files.add(file)
    return frozenset(files)

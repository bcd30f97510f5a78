"""Which cells are in their own code at this moment, seen from outside: from the stacks of all threads.

Nothing is noted while cells run, so that it costs only whoever asks.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, NamedTuple

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.core import units
from pypipeline_engine.core.units import Unit

if TYPE_CHECKING:
    from pypipeline_engine.runtime.remote.worker import RemoteWorker

_ENGINE = tuple(str(Path(units.__file__).parents[1] / floor) for floor in ("core", "runtime"))


_BETWEEN_INSTRUCTIONS = (
    "JUMP_BACKWARD",
    "POP_JUMP_BACKWARD",
    "RESUME",
    "INSTRUMENTED_JUMP_BACKWARD",
    "INSTRUMENTED_RESUME",
)
"""The instructions at which Python lets another thread run, but for calls."""


class WorkingThread(NamedTuple):
    """A thread in the code of a cell, as another thread sees it that has just got the GIL."""

    name: str
    """The full name of the cell."""
    wants_gil: bool
    """Whether it surely had the GIL until then, or waits for it: it stands between two instructions of Python. Where it does
    not, it is in a function that is written in another language, which may have given the GIL away or not.
    """


class WorkingCell(NamedTuple):
    """One run of the code of a cell. Two looks that find an equal one have found the same run."""

    name: str
    """The full name of the cell."""
    clone: int
    """Which of the cell's clones it is: a number without further meaning."""
    run: int


def find_working(deployed: Mapping[ASingleCell, Unit], remote: Iterable[RemoteWorker]) -> set[WorkingCell]:
    """The runs of cells' own code that go on; a cell that waits for its inputs or for room is none of them.

    Of a clone in another process, all that is known is the item that it has to bring next.
    """
    found = set()
    for worker in remote:
        ticket = worker.get_oldest_ticket()
        if ticket is not None:
            found.add(WorkingCell(worker.cell.get_full_name(), id(worker), ticket))
    for frame in sys._current_frames().values():
        cell = _find_cell(frame)
        unit = deployed.get(cell) if cell is not None else None
        if unit is not None:
            found.add(WorkingCell(unit.name, id(cell), unit.counters.runs))
    return found


def find_working_threads(deployed: Mapping[ASingleCell, Unit]) -> list[WorkingThread]:
    """The threads of this process that are in the code of cells."""
    found = []
    for frame in sys._current_frames().values():
        cell = _find_cell(frame)
        unit = deployed.get(cell) if cell is not None else None
        if unit is not None:
            found.append(WorkingThread(unit.name, _is_between_instructions(frame)))
    return found


def _is_between_instructions(frame: FrameType) -> bool:
    return dis.opname[_get_instructions(frame.f_code)[frame.f_lasti]].startswith(_BETWEEN_INSTRUCTIONS)


@lru_cache(maxsize=256)
def _get_instructions(code: CodeType) -> bytes:
    return code.co_code  # a copy each time


def find_innermost_cell(frame: FrameType | None) -> ASingleCell | None:
    """The cell whose code has called, over whatever, what a thread is in."""
    while frame is not None:
        cell = _get_cell(frame)
        if cell is not None:
            return cell
        frame = frame.f_back
    return None


def _find_cell(frame: FrameType | None) -> ASingleCell | None:
    """The cell whose code was called by the engine last, where that call has not come back."""
    inner = None
    while frame is not None and not frame.f_code.co_filename.startswith(_ENGINE):
        inner, frame = frame, frame.f_back
    return None if frame is None or inner is None else _get_cell(inner)


def _get_cell(frame: FrameType) -> ASingleCell | None:
    """The cell of which this is the code."""
    names = frame.f_code.co_varnames
    if frame.f_code.co_name != "_on_pull" or not names:
        return None
    cell = frame.f_locals.get(names[0])
    return cell if isinstance(cell, ASingleCell) else None

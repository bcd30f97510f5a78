"""When nobody is left who could bring what a pull waits for: make room where that helps, else say who waits for what."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from pypipeline_engine.core.monitor import Waiter
from pypipeline_engine.exceptions import DeadlockException
from pypipeline_engine.runtime.scope import Scope
from pypipeline_engine.runtime.stage import Stage
from pypipeline_engine.runtime.working import find_innermost_cell

REMEDY = (
    "Where ways part at one output and meet again in one cell, that cell must come to take equally many values from each; "
    "and a connection that closes a cycle brings one value for each item."
)


def make_room(scopes: Iterable[Scope], stuck: Sequence[Waiter]) -> bool:
    """Let the queues grow in which somebody of `stuck` waits for room; false where none may. Lock held."""
    queues = {id(waiter.queue) for waiter in stuck}
    grown = False
    for scope in scopes:
        for channel in scope.get_crossing_channels():
            if id(channel.room_waiters) in queues:
                grown = channel.grow() or grown
    return grown


def explain_stall(name: str, stages: Iterable[Stage], stuck: Sequence[Waiter]) -> DeadlockException:
    """The error that says of each thread in which cell it is, and what it waits for. Lock held.

    :param name: the full name of the outermost cell.
    :param stages: all of them, the inner ones included.
    """
    threads = {
        ident: f"a clone of {stage.cell.get_full_name()}"
        for stage in stages
        for worker in stage.workers
        for ident in worker.get_all_threads()
    }
    frames = sys._current_frames()
    lines = set()
    for waiter in stuck:
        thread = threads.get(waiter.thread, f"the thread that pulls {name}")
        cell = find_innermost_cell(frames.get(waiter.thread))
        who = thread if cell is None else f"{cell.get_full_name()}, in {thread},"
        lines.add(f"\n - {who} waits for {waiter.reason()}")
    what = "cells of {} wait for each other" if len(lines) > 1 else "a cell of {} waits for itself"
    return DeadlockException(f"{what.format(name)}:{''.join(sorted(lines))}\n{REMEDY}")

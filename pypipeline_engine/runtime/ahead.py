"""What sinks have done on other threads before the thread that pulls had taken those steps.

A sink with a thread of its own, or inside of a scaled cell, runs ahead of the other sinks. When it loses its clones, the
thread that pulls runs it, and must not have it do those steps again: the stream would end before the others have all of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from pypipeline_engine.cell import ACell, ScalableCell
from pypipeline_engine.core.values import Outcome


class StepsAhead:
    """The steps that sinks of a scope have done ahead. Changed only while nothing runs in the scope."""

    def __init__(self) -> None:
        self._done: dict[ACell, deque[Outcome | None]] = {}

    def change_plan(
        self,
        sinks: Sequence[ACell],
        stages: Collection[ScalableCell],
        drained: Mapping[ScalableCell, Sequence[Sequence[Any]]],
    ) -> None:
        """Go over to another plan.

        :param sinks: what the thread that pulls runs as sinks now.
        :param stages: the cells that have clones now.
        :param drained: the finished results of those that have none any more.
        """
        before, self._done = self._done, {}
        for node, done in before.items():
            above = [stage for stage in stages if stage in sinks and node in stage._get_cells_recursively()]
            self._note([node] if node in sinks else above or _find_inside(node, sinks), done)
        for cell, results in drained.items():
            # Where there are outputs, errors come out of them.
            errors = [
                None if cell.get_outputs() or result[0].__class__ is not Outcome else result[0] for result in results
            ]
            self._note(_find_inside(cell, sinks), errors)

    def _note(self, sinks: Sequence[ACell], done: Iterable[Outcome | None]) -> None:
        """Add steps that `sinks` have done together. The first of them tells the errors."""
        for sink in sinks:
            self._done.setdefault(sink, deque()).extend(done)
            done = [None for _ in done]

    def catch_up(self, sink: ACell, run: Callable[[], Outcome | None]) -> Callable[[], Outcome | None]:
        """The way to run a sink: first the steps that it has done, and then by `run`."""
        done = self._done.get(sink)
        if not done:
            return run
        return lambda: done.popleft() if done else run()

    def forget(self, cells: Collection[ACell]) -> None:
        """The streams that end in `cells` begin again."""
        for cell, done in self._done.items():
            if cell in cells:
                done.clear()


def _find_inside(cell: ACell, sinks: Sequence[ACell]) -> list[ACell]:
    inside = set(cell._get_cells_recursively())
    return [sink for sink in sinks if sink in inside]

"""What sinks have done on other threads before the thread that pulls had taken those steps.

A sink with a thread of its own, or inside of a scaled cell, runs ahead of the other sinks. When it loses its clones, the
thread that pulls runs it, and must not have it do those steps again: the stream would end before the others have all of it.
The same holds for a sink that has run on by itself so that the cell around it could get its first clone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from pypipeline_engine.cell import ACell, ScalableCell
from pypipeline_engine.core.values import Outcome

Steps = Iterable[Outcome | None]


class StepsAhead:
    """The steps that sinks of a scope have done ahead. Changed only while nothing runs in the scope."""

    def __init__(self) -> None:
        self._done: dict[ACell, deque[Outcome | None]] = {}
        self._steppers: dict[ACell, ScalableCell | None] = {}
        self._untold: deque[Outcome | None] = deque()

    def change_plan(
        self,
        steppers: Mapping[ACell, ScalableCell | None],
        stages: Collection[ScalableCell],
        drained: Mapping[ScalableCell, Sequence[Sequence[Any]]],
        get_lead: Callable[[ACell], int],
    ) -> None:
        """Go over to another plan.

        :param steppers: the sinks now, each with the scaled cell whose own thread runs it; `None` for the thread that pulls.
        :param stages: the cells that have clones now.
        :param drained: the finished results of those that have none any more.
        :param get_lead: how many steps a sink has done that whoever runs it now has not; 0 where that is not known.
        """
        before, self._done = self._done, {}
        steppers_before, self._steppers = self._steppers, dict(steppers)
        sinks = list(steppers)
        for cell, results in drained.items():
            # Where there are outputs, errors come out of them.
            errors = [
                None if cell.get_outputs() or result[0].__class__ is not Outcome else result[0] for result in results
            ]
            self._add(_find_inside(cell, sinks), errors)
        swallowed: dict[tuple[ACell, ...], list[Steps]] = {}
        for node, done in before.items():
            stepper = steppers.get(node)
            if node in steppers and stepper in (None, steppers_before.get(node)):
                self._add([node], done)
                continue
            # The cell that holds it now, and is run in its stead.
            same = [stage for stage in stages if stage in steppers and steppers[stage] is steppers_before.get(node)]
            above = [stage for stage in same if node in stage._get_cells_recursively()]
            heirs: list[ACell] = [*above] or [sink for sink in _find_inside(node, sinks) if sink is not node]
            swallowed.setdefault(tuple(heirs), []).append(done)
        for nodes, together in swallowed.items():
            steps = _merge(together)
            if nodes:
                self._add(nodes, steps)
            elif any(steps):  # they belong to tickets now, which have outputs; but these were no tickets yet
                self._untold = deque(_merge([self._untold, steps]))
        for node, stepper in steppers.items():
            if steppers_before.get(node, node) is not stepper:
                # Of what came out of the cell around it, the clones behind may have taken something already.
                done = self._done.setdefault(node, deque())
                done.extend([None] * (get_lead(node) - len(done)))

    def get_nb_done(self, sink: ACell) -> int:
        """How many steps `sink` has done ahead."""
        return len(self._done.get(sink, ()))

    def note(self, sink: ACell, outcome: Outcome | None) -> None:
        """Add a step that `sink` has done."""
        self._add([sink], [outcome])

    def _add(self, sinks: Sequence[ACell], done: Steps) -> None:
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

    def has_untold(self) -> bool:
        """Whether errors are left of steps whose sinks are no sinks any more."""
        return bool(self._untold)

    def tell_one(self) -> Outcome | None:
        """The error of such a step, one by one; to be asked in every step of the thread that pulls."""
        return self._untold.popleft() if self._untold else None

    def forget(self, cells: Collection[ACell]) -> None:
        """The streams that end in `cells` begin again."""
        for cell, done in self._done.items():
            if cell in cells:
                done.clear()
        self._untold.clear()


def _merge(together: Iterable[Steps]) -> list[Outcome | None]:
    """The steps of several sinks as those of one: of the errors in a step, the first."""
    return [next((one for one in step if one is not None), None) for step in zip_longest(*together)]


def _find_inside(cell: ACell, sinks: Sequence[ACell]) -> list[ACell]:
    inside = set(cell._get_cells_recursively())
    return [sink for sink in sinks if sink in inside]

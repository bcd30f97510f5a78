"""A recorded run, moment by moment: which one is shown, and on which graph."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from pypipeline_engine.graph.model import Document, to_data
from pypipeline_engine.graph.problems import WrongGraphException
from pypipeline_engine.host.protocol import Snapshot
from pypipeline_engine.numbers import counted
from pypipeline_studio.document.history import History
from pypipeline_studio.document.run_record import RecordedFigures


class Replay:
    """The moments of one run. `seek` and `advance` choose the one that is shown."""

    def __init__(self, figures: RecordedFigures, title: str) -> None:
        """Begin at the first moment.

        :param title: what the run is called.
        """
        self.title = title
        self._figures = figures
        self._times = [frame.elapsed_s for frame in figures.frames]
        self.elapsed_s = self._times[0]
        """The time in the run that is shown, in seconds since its start."""
        self.history = History(full_samples=len(figures.frames) + 1)
        """The figures of the whole run, for plots."""
        for frame in figures.frames:
            self.history.take(frame.model_copy(update={"state": "running"}))

    @property
    def begin_s(self) -> float:
        """The first moment."""
        return self._times[0]

    @property
    def end_s(self) -> float:
        """The last moment."""
        return self._times[-1]

    @property
    def is_at_end(self) -> bool:
        """Whether there is nothing after the moment that is shown."""
        return self.elapsed_s >= self.end_s

    @property
    def frame(self) -> Snapshot:
        """The figures of the moment that is shown."""
        return self._figures.frames[max(0, bisect_right(self._times, self.elapsed_s) - 1)]

    def seek(self, elapsed_s: float) -> None:
        """Show another moment; one before the first is the first, and one after the last is the last."""
        self.elapsed_s = min(self.end_s, max(self.begin_s, elapsed_s))

    def advance(self, seconds: float) -> None:
        """Go on in the run by so much of its time."""
        self.seek(self.elapsed_s + seconds)

    def step(self, number: int) -> None:
        """Go to the next sample, or back to the one before."""
        place = bisect_right(self._times, self.elapsed_s) - 1 + number
        self.elapsed_s = self._times[min(len(self._times) - 1, max(0, place))]

    def describe_graph(self, now: Document) -> tuple[str, bool]:
        """On which graph the run is shown, in words, and whether that is the one that ran.

        :param now: the graph that is open.
        """
        try:
            then = self._figures.read_document()
        except WrongGraphException:
            then = None
        names = {".".join(path) for path, _ in now.walk()}
        recorded = set(self._figures.frames[-1].cells)
        nb_missing = len(recorded - names)
        if then is not None and _meaning(to_data(then)) == _meaning(to_data(now)):
            return "on the graph as it ran", True
        if nb_missing == len(recorded):
            return "none of its cells is in the graph that is open", False
        if nb_missing:
            return (
                f"on the graph as it is now; {counted(nb_missing, 'cell')} of the run {_is(nb_missing)} not in it",
                False,
            )
        return "on the graph as it is now, which has changed since", False


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _meaning(body: Mapping[str, Any]) -> dict[str, Any]:
    """A graph without what does not matter when it runs: its name, and how it is drawn."""
    kept = {key: value for key, value in body.items() if key not in ("view", "name", "cells", "cell_libraries")}
    cells = body.get("cells", {})
    kept["cells"] = {name: _meaning(cell) if isinstance(cell, dict) else cell for name, cell in cells.items()}
    return kept

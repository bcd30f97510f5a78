"""How fast a graph runs with some setting, measured in this process.

`RateMeter` decides, knows no pipeline and is tested alone; `GraphMeasurer` runs the graph. The rate is
the slope of what was delivered over time, after a warm-up; the standard error comes from how the means of some parts of that
time differ. Measuring goes on until it is small, within bounds of time. A stream that ends earlier is started again, and the
rate is that of all runs together; where a run is shorter than the warm-up, the first one is the warm-up and the others count
as they are, from when all is deployed to when the last item is out.
"""

from __future__ import annotations

import math
import os
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time

from pypipeline_engine.catalogue.discovery import Catalogue
from pypipeline_engine.catalogue.model import Folders
from pypipeline_engine.cell import ACompositeCell, Pipeline, ScalableCell
from pypipeline_engine.core.counters import CellStatistics, Statistics
from pypipeline_engine.exceptions import PipelineException
from pypipeline_engine.graph.build import construct
from pypipeline_engine.graph.check import check
from pypipeline_engine.graph.model import Document
from pypipeline_engine.graph.paths import outputs_into
from pypipeline_engine.graph.problems import errors
from pypipeline_engine.insight.naming import without_root
from pypipeline_engine.insight.settings import Setting, with_setting
from pypipeline_engine.insight.tuning import Measurement, RefusedException, StopAsked
from pypipeline_engine.runtime import RunHandle

PRECISION = 0.01
"""A standard error of so much of the rate is small enough."""
LEAST = 0.25
"""At least so much of the time is used, however small the error seems."""
WARM_UP = 0.15
"""And so much of it is the warm-up."""
MOST_GROUPS, LEAST_GROUPS = 12, 5
TICK_S = 0.05
MOST_FOR_LOOKING = 0.01
"""Looking at the statistics may take so much of the time."""
_GOES_ON = ("running", "paused")
LEAST_BURSTS = 4
"""So many bursts have to be seen."""
PATIENCE = 3
"""Where too little has been delivered to tell, it takes so many times as long at most."""


@dataclass(frozen=True)
class _Part:
    """What was delivered in one run after its warm-up: looks at the seconds and the number of items, first to last."""

    looks: list[tuple[float, int]]

    @property
    def seconds(self) -> float:
        return self.looks[-1][0] - self.looks[0][0]

    @property
    def items(self) -> int:
        return self.looks[-1][1] - self.looks[0][1]

    @property
    def rate_hz(self) -> float:
        """The slope of the line through the looks by least squares. Unlike the number of items by the time, it hardly
        depends on whether items come in bursts, and on where in a burst the first and the last look fell.
        """
        if len(self.looks) < 3:
            return self.items / self.seconds
        number = len(self.looks)
        mean_s = sum(seconds for seconds, _ in self.looks) / number
        mean_items = sum(items for _, items in self.looks) / number
        covariance = sum((seconds - mean_s) * (items - mean_items) for seconds, items in self.looks)
        return covariance / sum((seconds - mean_s) ** 2 for seconds, _ in self.looks)

    def split(self, number: int) -> list[float]:
        """How many items came in each of so many parts of the time; between two looks, they come evenly."""
        length_s = self.seconds / number
        counts, index = [], 0
        before = float(self.looks[0][1])
        for end in range(1, number + 1):
            wanted_s = self.looks[0][0] + end * length_s
            while index < len(self.looks) - 2 and self.looks[index + 1][0] < wanted_s:
                index += 1
            (begin_s, begin), (end_s, items) = self.looks[index], self.looks[index + 1]
            now = begin + (items - begin) * min(1.0, (wanted_s - begin_s) / (end_s - begin_s))
            counts.append(now - before)
            before = now
        return counts


class RateMeter:
    """A rate, from looks at how many items were delivered. One thread uses it."""

    def __init__(self, most_s: float, precision: float = PRECISION) -> None:
        """Measure for `most_s` seconds at most, until the standard error is `precision` of the rate or less."""
        self.burst = 1.0
        """How many items may come at once, because they were in work at the same time."""
        self._most_s = most_s
        self._precision = precision
        self._parts: list[_Part] = []  # of runs that are over
        self._looks: list[tuple[float, int]] = []  # at the run that goes on, after its warm-up
        self._spent_s = 0.0  # by runs that are over
        self._elapsed_s = 0.0  # of the run that goes on
        self._is_warm = False

    def look(self, elapsed_s: float, items: int) -> bool:
        """A run goes on for `elapsed_s` seconds and has delivered `items`. True at the end of its warm-up."""
        self._elapsed_s = elapsed_s
        if self._looks:
            if elapsed_s > self._looks[-1][0]:
                self._looks.append((elapsed_s, items))
            return False
        if elapsed_s < WARM_UP * self._most_s or items == 0:
            return False
        self._looks = [(elapsed_s, items)]
        self._is_warm = True
        return True

    def end_run(self, elapsed_s: float, items: int) -> None:
        """A stream was over after `elapsed_s` seconds and `items` items in all."""
        begin = self._looks[:1] or ([(0.0, 0)] if self._is_warm else [])
        if begin and elapsed_s > begin[0][0] and items > begin[0][1]:
            self._parts.append(_Part([*(self._looks or begin), (elapsed_s, items)]))
        self._is_warm = True
        self._looks = []
        self._spent_s += elapsed_s
        self._elapsed_s = 0.0

    @property
    def is_enough(self) -> bool:
        """Whether the rate is known well enough, or the time is over."""
        if self._spent_s + self._elapsed_s >= PATIENCE * self._most_s:
            return True
        if self.seconds < LEAST * self._most_s or self.items < LEAST_BURSTS * self.burst:
            return False
        if self.seconds >= (1 - WARM_UP) * self._most_s:
            return True
        return len(self._groups()) >= LEAST_GROUPS and self.error_hz <= self._precision * self.rate_hz

    @property
    def seconds(self) -> float:
        """How long it was measured, without the warm-up."""
        return sum(part.seconds for part in self._all())

    @property
    def items(self) -> int:
        """How many items were delivered meanwhile."""
        return sum(part.items for part in self._all())

    @property
    def rate_hz(self) -> float:
        """Items per second; 0 where none were delivered."""
        parts = self._all()
        return sum(part.rate_hz * part.seconds for part in parts) / self.seconds if self.items else 0.0

    @property
    def error_hz(self) -> float:
        """The standard error of that. Where too little was delivered to tell, a burst more or less."""
        groups = self._groups()
        if len(groups) < 2:
            return self.rate_hz * min(1.0, self.burst / max(1, self.items))
        mean_hz = sum(items for _, items in groups) / sum(seconds for seconds, _ in groups)
        squares = sum((items - mean_hz * seconds) ** 2 for seconds, items in groups)
        return math.sqrt(squares * len(groups) / (len(groups) - 1)) / self.seconds

    def _all(self) -> list[_Part]:
        return [*self._parts, *([_Part(self._looks)] if len(self._looks) > 1 else [])]

    def _groups(self) -> list[tuple[float, float]]:
        """Parts of the time with the items in each, so long that bursts are small beside them."""
        parts = self._all()
        most = min(MOST_GROUPS, int(self.items / (2 * self.burst)))
        if len(parts) > most:
            size = math.ceil(len(parts) / most) if most else len(parts)
            together = [parts[begin : begin + size] for begin in range(0, len(parts), size or 1)]
            return [(sum(part.seconds for part in own), sum(part.items for part in own)) for own in together]
        number = most // len(parts) if parts else 0
        return [(part.seconds / number, items) for part in parts for items in part.split(number)]


class GraphMeasurer:
    """Runs a graph with one setting after the other. Nothing of the user's is overwritten: sinks write to a folder
    that is removed after each run.

    `measure` is called by one thread; `stop` may be called by any.
    """

    def __init__(
        self,
        document: Document,
        catalogue: Catalogue,
        inputs: Path,
        scratch: Path,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """Measure `document`, which was checked.

        :param inputs: what relative paths of files to be read are relative to.
        :param scratch: the folder for what sinks write.
        """
        self._document = document
        self._catalogue = catalogue
        self._inputs = inputs
        self._scratch = scratch
        self._clock = clock
        self._stop = threading.Event()
        self._handle: RunHandle | None = None
        self._lock = threading.Lock()  # guards the handle, and that none begins after the stop

    def stop(self) -> None:
        """Have the measurement that goes on, and all later ones, raise `StopAsked`. Waits for user code that runs."""
        with self._lock:
            self._stop.set()
            handle = self._handle
        if handle is not None:
            handle.stop()

    def __call__(self, setting: Setting, most_s: float) -> Measurement:
        """Measure a setting for about `most_s` seconds at most. Blocks.

        :raises RefusedException: if it cannot run, or fails, or delivers nothing.
        :raises StopAsked: after `stop`.
        """
        meter = RateMeter(most_s)
        window: Statistics | None = None
        used_s = 0.0
        runs = 0
        deadline_s = self._clock() + PATIENCE * most_s
        while runs == 0 or not (meter.is_enough or self._clock() > deadline_s):
            is_first = not meter.items  # or after one that was the warm-up as a whole
            with tempfile.TemporaryDirectory(dir=self._scratch, ignore_cleanup_errors=True) as folder:
                part, part_used_s = self._run_once(setting, Path(folder), meter)
            window = part if window is None or is_first else _added(window, part)
            used_s = part_used_s if is_first else used_s + part_used_s
            runs += 1
        if meter.rate_hz <= 0 or window is None:
            raise RefusedException("no item was delivered; a larger --budget gives it more time")
        cpu_s = used_s / window.sink_items if window.sink_items else None
        return Measurement(meter.rate_hz, meter.error_hz, window, cpu_s, runs - 1)

    def _run_once(self, setting: Setting, folder: Path, meter: RateMeter) -> tuple[Statistics, float]:
        """One run, until its stream is over or the rate is known.

        :returns: what the cells did in it, after the warm-up, and the processor time of the whole process meanwhile.
        """
        document = outputs_into(with_setting(self._document, setting), self._catalogue, folder)
        folders = Folders(self._inputs, folder)
        problems = errors(check(document, self._catalogue, folders))
        if problems:
            raise RefusedException(f"it is refused: {problems[0].message}")
        try:
            pipeline = construct(document, self._catalogue, folders)
            handle = self._start(pipeline.run)
        except Exception as error:
            raise RefusedException(f"it cannot be deployed: {_in_words(error)}") from error
        warm: Statistics | None = None
        used_s, tick_s = process_time(), TICK_S
        try:
            while not (meter.is_enough or self._stop.is_set()):
                with suppress(Exception):  # that it is not over yet, or the error of the run
                    handle.wait(tick_s)
                if handle.state not in _GOES_ON:
                    break
                began_s = perf_counter()
                now = handle.statistics()
                tick_s = max(TICK_S, (perf_counter() - began_s) / MOST_FOR_LOOKING)
                if meter.look(now.elapsed_s, now.sink_items):
                    warm, used_s = now, process_time()
                    meter.burst = _find_burst(now)
            used_s = process_time() - used_s
        finally:
            has_ended = handle.state == "ended"
            handle.stop()
            with self._lock:
                self._handle = None
        if self._stop.is_set():
            raise StopAsked
        if handle.error is not None:
            raise RefusedException(f"it fails: {_in_words(handle.error)}") from handle.error
        last = handle.statistics()
        if has_ended:
            if last.sink_items == 0:
                raise RefusedException("its stream ends without an item")
            meter.end_run(last.elapsed_s, last.sink_items)
        return without_root(last if warm is None else last.since(warm), pipeline.get_name()), used_s

    def _start(self, run: Callable[[], RunHandle]) -> RunHandle:
        if self._stop.is_set():
            raise StopAsked
        handle = run()
        with self._lock:
            self._handle = handle
        if self._stop.is_set():
            handle.stop()
        return handle


def count_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_most_clones(pipeline: Pipeline, most: int) -> dict[str, int]:
    """How many clones each cell of a pipeline made from a graph may have, by its name in the graph: `most`, or one where it
    does not support scaling.
    """
    found: dict[str, int] = {}
    _find_most_clones(pipeline, f"{pipeline.get_name()}.", most, found)
    return found


def _find_most_clones(pipeline: ACompositeCell, prefix: str, most: int, found: dict[str, int]) -> None:
    for cell in pipeline.get_internal_cells():
        if isinstance(cell, ScalableCell):
            inner = cell.get_inner_cell()
            found[cell.get_full_name().removeprefix(prefix)] = most if inner.supports_scaling() else 1
            if isinstance(inner, ACompositeCell):
                _find_most_clones(inner, prefix, most, found)


def _find_burst(statistics: Statistics) -> float:
    """How many items may be delivered at once: those that the clones of a cell work on, of which not all may get through."""
    at_once = [cell.workers * statistics.sink_items / cell.runs for cell in statistics.cells if cell.runs]
    return max(1.0, *at_once) if at_once else 1.0


def _in_words(error: Exception) -> str:
    """What went wrong, and in which cell: the engine notes its full name at the error."""
    message = " ".join(str(error).split())
    words = message if isinstance(error, PipelineException) and message else f"{type(error).__name__}: {message}"
    places = [note for note in getattr(error, "__notes__", ()) if note.startswith("in ")]
    return f"{words} ({places[0]})" if places else words


def _added(one: Statistics, other: Statistics) -> Statistics:
    """Two windows of the same pipeline as one."""
    cells = {cell.name: cell for cell in one.cells}
    return replace(
        other,
        elapsed_s=one.elapsed_s + other.elapsed_s,
        sink_items=one.sink_items + other.sink_items,
        cells=tuple(_added_cell(cells[cell.name], cell) if cell.name in cells else cell for cell in other.cells),
    )


def _added_cell(one: CellStatistics, other: CellStatistics) -> CellStatistics:
    return replace(
        other,
        runs=one.runs + other.runs,
        lost=one.lost + other.lost,
        wall_s=one.wall_s + other.wall_s,
        busy_s=one.busy_s + other.busy_s,
        starved_s=one.starved_s + other.starved_s,
        cpu_s=one.cpu_s + other.cpu_s,
    )

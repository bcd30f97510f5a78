"""How much of the work of each cell holds the GIL: an estimate, from looking now and then.

A thread that has slept for some milliseconds wants the GIL. Whether somebody has it shows in how late the thread gets it;
who that was shows in the stacks of the other threads: one that stands between two instructions of Python had it or wants it.
One that stands in a function of another language may have given it away, and had it for certain only where it was taken and
no other thread can have been the one. What remains open after that, because cells worked side by side, is shared out by
expectation maximisation for a noisy-or: `estimate_shares`.

A look costs some 100 us of one core, eighty times a second at first and twenty-five times from then on.

Source of the probe: gilknocker (https://github.com/milesgranger/gilknocker), which tells how contended the GIL is, and not
by whom.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Self

from pypipeline_engine.core.counters import Statistics
from pypipeline_engine.runtime.working import WorkingThread

SHORT_REST_S = 0.008
LONG_REST_S = 0.04
"""Between two looks: a short rest at first, so that something is known soon, and a long one from then on."""
SOON = 150
"""After so many looks."""
SHORTEST_SLEEP_S = 0.0005
LONGEST_SLEEP_S = 0.004
"""What a look waits before it wants the GIL: at random, so that it does not go along with the items."""
PATIENCE_S = 0.0003
"""For so long a look waits until it has the GIL taken away from whoever has it. With the 5 ms that are usual, a cell with
shorter items would give it away by itself, between two of them, and never be seen with it.
"""
TAKEN_AFTER_S = 0.00027
"""Who gets the GIL later than this has waited for it; to wake up takes less."""
MEMORY = 400
"""About how many of the latest looks count."""
LOOKS_UNASKED = 200
"""After so many since somebody asked for the shares, it rests until that happens again."""
FEWEST_LOOKS = 30
"""Of a cell at work, below which nothing is said about it."""
WAITS = 0.1
"""Who computes for less of its work than this waits for something."""
_ITERATIONS = 40


@dataclass(frozen=True)
class Sighting:
    """What one look saw, so that equal ones can be counted."""

    sure: frozenset[str]
    """The cells that had the GIL or wanted it."""
    open: frozenset[str]
    """The cells that were at work otherwise."""
    is_taken: bool
    """Whether the GIL was had by somebody."""


@dataclass(frozen=True)
class GilShares:
    """Shares from 0 to 1."""

    held: float | None = None
    """Of the time, by whomever; `None` where too little was seen."""
    by_cell: Mapping[str, float] = field(default_factory=dict)
    """By the full name of a cell, of the time that its own code runs: for how much of it that needs the GIL. Cells that were
    not seen often enough are missing, as are clones in other processes.
    """


def make_sighting(before: Collection[WorkingThread], now: Collection[WorkingThread], late_s: float) -> Sighting:
    """From the threads at work before and after this one slept, and how late it got the GIL.

    Who had it may have come to the end of an item just then, and given it away by that.
    """
    is_taken = late_s > TAKEN_AFTER_S
    sure = frozenset(thread.name for thread in now if thread.wants_gil)
    possible = {thread.name for thread in now}
    if is_taken:
        possible.update(thread.name for thread in before)
    return Sighting(sure, frozenset(possible) - sure, is_taken)


def estimate_shares(sightings: Mapping[Sighting, float], computing: Mapping[str, float] | None = None) -> GilShares:
    """The shares that explain best what was seen.

    :param sightings: how often each was seen.
    :param computing: for which share of its work a cell uses a processor; all of it, where nothing is said. Who waits for
        something else hardly had the GIL.
    """
    total = sum(sightings.values())
    if total < FEWEST_LOOKS:
        return GilShares()
    computing = computing or {}
    waiting = {name for name, share in computing.items() if share < WAITS}
    seen: Counter[str] = Counter()
    certain: Counter[str] = Counter()
    for sighting, times in sightings.items():
        for name in sighting.sure:
            certain[name] += times  # type: ignore[assignment]  # an older look counts less than one
        for name in sighting.sure | sighting.open:
            seen[name] += times  # type: ignore[assignment]
    # Taken, with nobody who surely had it: one or more of those at work.
    unclear = [
        (seen_so.open - waiting or seen_so.open, times)
        for seen_so, times in sightings.items()
        if seen_so.is_taken and not seen_so.sure and seen_so.open
    ]
    shares = {name: max(0.05, min(0.95, computing.get(name, 0.5))) for name in seen}
    for _ in range(_ITERATIONS):
        expected = {name: float(certain[name]) for name in seen}
        for names, times in unclear:
            nobody = 1.0
            for name in names:
                nobody *= 1 - shares[name]
            for name in names:
                expected[name] += times * min(1.0, shares[name] / max(1e-9, 1 - nobody))
        shares = {name: min(1.0, expected[name] / seen[name]) for name in seen}
    held = sum(times for sighting, times in sightings.items() if sighting.is_taken or sighting.sure)
    return GilShares(held / total, {name: share for name, share in shares.items() if seen[name] >= FEWEST_LOOKS})


class _Impatience:
    """While it is entered, threads that want the GIL have it taken away soon from whoever has it; by several, until the last
    one leaves.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # the interval belongs to the process, and so does this
        self._nb_inside = 0
        self._usual_s = 0.0

    def __enter__(self) -> None:
        with self._lock:
            if self._nb_inside == 0:
                self._usual_s = sys.getswitchinterval()
                sys.setswitchinterval(PATIENCE_S)
            self._nb_inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._nb_inside -= 1
            if self._nb_inside == 0:
                sys.setswitchinterval(self._usual_s)


_impatience = _Impatience()


class GilProbe:
    """Looks again and again, in a thread of its own, from `start` or the beginning of a `with` block until `stop`.

    It rests while nobody wants to know, and then knows what it saw before.
    """

    def __init__(
        self,
        find_threads: Callable[[], Collection[WorkingThread]],
        *,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """:param find_threads: finds the threads at work; is called in the thread of the probe.
        :param clock: seconds.
        :param sleep: sleeps without the GIL, for so many seconds.
        """
        self._find_threads = find_threads
        self._clock = clock
        self._sleep = sleep
        self._random = Random(0)
        self._lock = threading.Lock()  # guards the sightings; nothing else happens while it is held
        self._sightings: dict[Sighting, float] = {}
        self._nb_since_fading = 0
        self._nb_looks = 0
        self._is_stopped = False
        self._is_wanted = threading.Event()
        self._nb_unasked = 0
        self._thread = threading.Thread(target=self._look_until_stopped, name="pypipeline GIL probe", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more. Waits for some milliseconds."""
        self._is_stopped = True
        self._is_wanted.set()
        if self._thread.ident is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def get_shares(self, window: Statistics | None = None) -> GilShares:
        """What is known by now. Any thread.

        :param window: what was measured of the cells meanwhile, with the names that the threads are found by.
        """
        self._nb_unasked = 0
        self._is_wanted.set()
        with self._lock:
            sightings = dict(self._sightings)
        cells = () if window is None else window.cells
        return estimate_shares(sightings, {cell.name: cell.cpu_s / cell.busy_s for cell in cells if cell.busy_s > 0})

    def forget(self) -> None:
        """Begin anew: the pipeline was changed. Any thread."""
        with self._lock:
            self._sightings.clear()
            self._nb_since_fading = self._nb_looks = 0

    def look(self) -> None:
        """Sleep, and look once."""
        before = self._find_threads()
        asleep_s = self._random.uniform(SHORTEST_SLEEP_S, LONGEST_SLEEP_S)
        with _impatience:
            begin_s = self._clock()
            self._sleep(asleep_s)
            late_s = self._clock() - begin_s - asleep_s
        sighting = make_sighting(before, self._find_threads(), late_s)
        with self._lock:
            self._sightings[sighting] = self._sightings.get(sighting, 0.0) + 1.0
            self._nb_looks += 1
            self._nb_since_fading += 1
            if self._nb_since_fading >= MEMORY / 4:
                self._nb_since_fading = 0
                faded = {seen: times * 0.75 for seen, times in self._sightings.items()}
                self._sightings = {seen: times for seen, times in faded.items() if times > 0.1}

    def _look_until_stopped(self) -> None:
        self._is_wanted.set()
        while not self._is_stopped:
            self._sleep(SHORT_REST_S if self._nb_looks < SOON else LONG_REST_S)
            self.look()
            self._nb_unasked += 1
            if self._nb_unasked > LOOKS_UNASKED and not self._is_stopped:
                self._is_wanted.clear()
                if self._nb_unasked > LOOKS_UNASKED:  # unless it was asked for at this moment
                    self._is_wanted.wait()

"""Timing what the cells of one domain do, at little cost: by samples.

A sample is one step of the domain that is timed as a whole, with every cell that runs in it, so that the time of a cell can
be told from that of the cells which it pulls. How many steps go by between two samples follows from how long they take: each
one is timed where they are long, and of very short ones so few that timing costs some 2 %.

Guarantees
    - Sums of seconds estimate the totals: a sample stands for the steps since the last one.
    - Where steps were short and become long, `look_soon` has the next one timed, so that whoever watches sees it at once.

Assumption: one thread at a time runs steps of a domain; `look_soon` may be called by any other.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypipeline_engine.core.counters import Counters

LARGEST_SHARE_OF_SAMPLING = 0.02
LONGEST_INTERVAL = 256
COST_OF_A_SAMPLE_S = 1.3e-6
"""About what it takes to time one run of one cell."""
COST_OF_CPU_TIME_S = 2.0e-6
"""What reading the CPU time costs besides: it is a call of the kernel."""
CPU_TIME_EVERY = 8
"""Where that is too much for each sample, the CPU time is taken in one of so many."""
SHORTEST_RUN_S = 0.1e-6
"""Less than any run of a cell takes."""


class Clock:
    """Times the runs of the cells of one domain: all of them in one step, or none."""

    __slots__ = (
        "_affords_cpu_time",
        "_cpu_factor",
        "_interval",
        "_long_s",
        "_nb_units",
        "_put_off",
        "_samples",
        "_weight",
        "blocked_s",
        "nested_blocked_s",
        "nested_cpu_s",
        "nested_s",
        "remaining",
        "starved_s",
        "timed",
    )

    def __init__(self, nb_units: int) -> None:
        """Make the clock of a domain with so many cells."""
        self._nb_units = max(1, nb_units)
        self._long_s = self._nb_units * (
            COST_OF_A_SAMPLE_S + (COST_OF_A_SAMPLE_S + COST_OF_CPU_TIME_S) / LARGEST_SHARE_OF_SAMPLING
        )
        self._interval = 1  # how many steps the next sample stands for
        self.remaining = 1
        """How many steps there are until the next sample, which is made by `step_timed`."""
        self._put_off = 0  # how many steps remain after the one that `look_soon` asked for
        self._samples = 0
        self._affords_cpu_time = True
        self._weight = 1
        self._cpu_factor = 1  # how many samples the CPU time of this one stands for; 0 where it is not taken
        self.timed = False
        self.nested_s = 0.0
        self.nested_cpu_s = 0.0
        self.nested_blocked_s = 0.0
        self.starved_s = 0.0
        """Seconds that threads of this domain waited for inputs from other domains: an estimate from the samples."""
        self.blocked_s = 0.0
        """Seconds that threads of this domain waited for room, all of them; written by who runs the domain."""

    def bind(self, do: Callable[[], Any]) -> Callable[[], Any]:
        """The way to do one step of the domain: `do`, timed every now and then."""

        def step() -> Any:
            self.remaining -= 1
            if self.remaining > 0:
                return do()
            return self.step_timed(do)

        return step

    def look_soon(self) -> None:
        """Time the next step, which stands for itself alone. Any thread.

        A step that another thread counts at the same moment may get lost, which makes a sample late by one.
        """
        remaining = self.remaining
        if remaining > 1:
            self._put_off = remaining - 1
            self.remaining = 1

    def step_timed(self, do: Callable[[], Any]) -> Any:
        """Do one step, and time it."""
        self._weight = 1 if self._put_off else self._interval
        self._samples += 1
        if self._affords_cpu_time:
            self._cpu_factor = 1
        else:
            self._cpu_factor = 0 if self._samples % CPU_TIME_EVERY else CPU_TIME_EVERY
        self.timed = True
        self.nested_s = self.nested_cpu_s = self.nested_blocked_s = 0.0
        begin = perf_counter()
        try:
            return do()
        finally:
            self.timed = False
            self._choose_interval(perf_counter() - begin)

    def _choose_interval(self, took_s: float) -> None:
        """How many steps go by until the next sample, after one that took so long."""
        if took_s >= self._long_s and not self._put_off:  # what follows comes to the same
            self._interval = self.remaining = 1
            self._affords_cpu_time = True
            return
        cost_s = self._nb_units * COST_OF_A_SAMPLE_S
        own_s = max(took_s - cost_s, self._nb_units * SHORTEST_RUN_S)
        interval = max(1, min(LONGEST_INTERVAL, ceil(cost_s / (LARGEST_SHARE_OF_SAMPLING * own_s))))
        self._affords_cpu_time = (
            cost_s + self._nb_units * COST_OF_CPU_TIME_S <= LARGEST_SHARE_OF_SAMPLING * own_s * interval
        )
        put_off, self._put_off = self._put_off, 0
        if 0 < put_off <= interval:  # an extra sample, of steps that are no longer than they were
            self._interval = max(1, self._interval - 1)
            self.remaining = put_off
        else:
            self._interval = self.remaining = interval

    def run(self, body: Callable[[], Any], counters: Counters) -> Any:
        """Run a cell within a sample, and charge to it what the cells that it pulled did not take."""
        entered = perf_counter()
        cpu_factor = self._cpu_factor
        outer_s, outer_cpu_s, outer_blocked_s = self.nested_s, self.nested_cpu_s, self.nested_blocked_s
        self.nested_s = self.nested_cpu_s = self.nested_blocked_s = 0.0
        begin_cpu = thread_time() if cpu_factor else 0.0
        begin = perf_counter()
        try:
            return body()
        finally:
            took = perf_counter() - begin
            took_cpu = thread_time() - begin_cpu if cpu_factor else 0.0
            own_cpu = max(0.0, took_cpu - self.nested_cpu_s) * cpu_factor
            starved_s = max(0.0, self.nested_s - self.nested_blocked_s)
            counters.add_sample(max(0.0, took - self.nested_s), starved_s, own_cpu, self._weight)
            # Timing this cell is not the work of the one that pulled it.
            self.nested_s = outer_s + perf_counter() - entered
            self.nested_cpu_s = outer_cpu_s + took_cpu
            self.nested_blocked_s = outer_blocked_s

    def wait(self, wait: Callable[[], Any]) -> Any:
        """Wait within a sample: charged to nobody's work."""
        blocked_s = self.blocked_s
        begin = perf_counter()
        begin_cpu = thread_time() if self._cpu_factor else 0.0
        try:
            return wait()
        finally:
            took = perf_counter() - begin
            self.nested_s += took
            self.starved_s += max(0.0, took - (self.blocked_s - blocked_s)) * self._weight
            if self._cpu_factor:
                self.nested_cpu_s += thread_time() - begin_cpu

    def wait_for_room(self, wait: Callable[[], None]) -> None:
        """Wait until those downstream have made room: within a sample or not, this is no wait for inputs."""
        begin = perf_counter()
        try:
            wait()
        finally:
            self.charge_blocked(perf_counter() - begin)

    def charge_blocked(self, seconds: float) -> None:
        """Count a wait for room."""
        self.blocked_s += seconds
        self.nested_blocked_s += seconds

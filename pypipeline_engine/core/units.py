"""A cell as the plan sees it: something to run, what it reads, what it fills, and what happens when it fails.

Guarantees
    - At most one thread runs a unit at a time, as long as callers keep to its domain.
    - Every run that does not end the stream leaves exactly one place in every outgoing channel: a value, an error or a gap.
    - After a run that ended by an error or a gap, every input has moved on by the same number of places.

Nothing here waits, and there is no lock.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pypipeline_engine.core.clock import Clock
from pypipeline_engine.core.counters import Counters, DeadLetter
from pypipeline_engine.core.errors import add_note, describe_error, get_cell_of, get_places, sign
from pypipeline_engine.core.monitor import Interrupted
from pypipeline_engine.core.values import UNSET, Outcome, Slot
from pypipeline_engine.exceptions import (
    DeadlockException,
    InternalError,
    ItemSkipped,
    NoOutputProvidedException,
    UnsetRecurrentConnectionException,
)

if TYPE_CHECKING:
    from pypipeline_engine.core.channels import Channel

LAG_IS_CHECKED_EVERY = 64
LARGEST_LAG = 1024
"""How many values may wait in a connection inside a domain. Nobody can wait there for room: whoever should make it is the
same thread."""


def _raise_interrupted() -> None:
    raise Interrupted


def _raise_end() -> None:
    raise StopIteration


class Unit:
    """One cell in a plan."""

    __slots__ = (
        "_body",
        "_plain_body",
        "body",
        "channels",
        "clock",
        "counters",
        "ended",
        "first_run",
        "get_item_number",
        "inputs",
        "is_interrupted",
        "name",
        "outputs",
        "report",
        "retries",
        "running",
        "skips_errors",
    )

    def __init__(self, name: str, body: Callable[[], None], outputs: Sequence[tuple[str, Slot]]) -> None:
        """Make a unit.

        :param name: the full name of the cell, for messages.
        :param body: runs the cell's code once.
        :param outputs: the full names of the outputs and where the body leaves their values.
        """
        self.name = name
        self._plain_body = body
        self._body = body
        self.body = body
        self.outputs = tuple(outputs)
        self.counters = Counters()
        self.ended = False
        self.is_interrupted = False
        self.running = False
        self.retries = 0
        self.skips_errors = False
        self.first_run = 0
        """How many runs there had been when the item 0 came; less than none where others had the items before."""
        self.get_item_number: Callable[[], int] = self._number_by_runs
        """The number of the item in work, from 0. A clone counts its own items only, and is told by its ticket."""
        self.report: Callable[[DeadLetter], None] = lambda _: None
        self.plug([], [], Clock(1))

    def plug(self, inputs: Sequence[Channel], channels: Sequence[tuple[Slot, Channel]], clock: Clock) -> None:
        """Say what this unit reads from, and what it fills from which slot."""
        self.inputs = list(inputs)
        self.channels = list(channels)
        self.clock = clock

    # ------------------------------------------------------------------ ending and interrupting

    def end(self) -> None:
        """From now on every run ends the stream at once."""
        self.ended = True
        self._choose_body()

    def interrupt(self) -> None:
        """From now on every run raises `Interrupted`. Any thread."""
        self.is_interrupted = True
        self._choose_body()

    def resume(self) -> None:
        """Run normally again, or end at once where the stream had ended."""
        self.is_interrupted = False
        self._choose_body()

    def rewind(self) -> None:
        """Begin the stream again."""
        self.ended = self.running = self.is_interrupted = False
        self.first_run = self.counters.runs
        self._choose_body()

    def tap(self, around: Callable[[Callable[[], None]], Callable[[], None]] | None) -> None:
        """Have the runs that begin from now on looked at. Any thread, also while the unit runs; one at a time.

        :param around: makes what runs from the cell's own code; `None` for that alone, which costs nothing.
        """
        self._body = self._plain_body if around is None else around(self._plain_body)
        self._choose_body()

    def _choose_body(self) -> None:
        """Run what is to run now. Whoever changes a reason looks again after having written: so the last one to write has
        seen all of them, without a lock.
        """
        while True:
            wanted = _raise_interrupted if self.is_interrupted else _raise_end if self.ended else self._body
            if self.body is wanted:
                return
            self.body = wanted

    # ------------------------------------------------------------------ numbering

    @property
    def next_number(self) -> int:
        """The number of the item that the next run will work on, where runs count."""
        return self.counters.runs - self.first_run

    def number_by_runs(self, next_number: int) -> None:
        """Number items by counting runs, from now on and from this number on."""
        self.first_run = self.counters.runs - next_number
        self.get_item_number = self._number_by_runs

    def _number_by_runs(self) -> int:
        return self.next_number - 1

    # ------------------------------------------------------------------ running

    def bind(self) -> Callable[[], Outcome | None]:
        """The way to run this unit and fill its channels: a closure over what it needs, made once for a deployment.

        It returns the error or gap in place of the values, where there is one, and raises `StopIteration` at the end.
        """
        counters, clock, inputs, retries = self.counters, self.clock, self.inputs, self.retries
        slots = [slot for _, slot in self.outputs]
        puts = [(slot, channel.put) for slot, channel in self.channels]
        plain = [channel for _, channel in self.channels if channel.bounded_by_lag]

        def attempt() -> None:
            for slot in slots:
                slot.value = UNSET
            body = self.body  # not called from where it is, which Python cannot specialise
            if clock.timed:
                clock.run(body, counters)
            else:
                body()
            for slot in slots:
                if slot.value is UNSET:
                    raise self.explain_missing_output()

        def run() -> Outcome | None:
            if self.running:
                raise self._explain_reentry()
            counters.runs += 1
            before = [channel.meter.runs for channel in inputs]
            self.running = True
            try:
                if not counters.runs % LAG_IS_CHECKED_EVERY:
                    self._check_lag(plain)
                if retries:
                    self._attempt_again_and_again(attempt)
                else:
                    attempt()
            except BaseException as error:
                outcome = self.settle(error, before)
                try:
                    for _, channel in self.channels:
                        channel.put_outcome(outcome)
                    return outcome
                finally:
                    del outcome  # error and frame would keep each other, and values, alive
            finally:
                self.running = False
            for slot, put in puts:
                put(slot.value)
            return None

        return run

    def is_simple_sink(self) -> bool:
        """Whether `bind_sink` and `bind_step` will do."""
        return not self.outputs and not self.retries and len(self.inputs) <= 1

    def bind_sink(self) -> Callable[[], Outcome | None]:
        """The same for a unit without outputs and retries and with at most one input, with less to do."""
        counters, clock = self.counters, self.clock
        upstream = self.inputs[0].meter if self.inputs else Counters()

        def run() -> Outcome | None:
            before = upstream.runs
            counters.runs += 1
            try:
                body = self.body  # as in `bind`
                if clock.timed:
                    clock.run(body, counters)
                else:
                    body()
            except BaseException as error:
                return self.settle(error, [before] if self.inputs else [])
            return None

        return run

    def bind_step(self) -> Callable[[], None]:
        """A step of a pipeline that has no sink but this unit: `bind_sink` within `Clock.bind`, in one call.

        Raises the error or gap that stands in the place of the item.
        """
        counters, clock, run = self.counters, self.clock, self.bind_sink()
        upstream = self.inputs[0].meter if self.inputs else Counters()

        def step() -> None:
            clock.remaining -= 1
            if clock.remaining > 0:
                before = upstream.runs
                counters.runs += 1
                try:
                    body = self.body  # as in `bind`
                    body()
                    return
                except BaseException as error:
                    outcome: Outcome | None = self.settle(error, [before] if self.inputs else [])
            else:
                outcome = clock.step_timed(run)
            if outcome is not None:
                try:
                    raise outcome.get_error()
                finally:
                    outcome = None  # as in `bind`

        return step

    def _attempt_again_and_again(self, attempt: Callable[[], None]) -> None:
        """Try `1 + retries` times; the inputs give the same values each time."""
        for channel in self.inputs:
            channel.remember()
        for left in range(self.retries, -1, -1):
            try:
                attempt()
                return
            except Exception as error:
                if left == 0 or not self._is_own(error) or isinstance(error, ItemSkipped | StopIteration):
                    raise
            self.counters.retries += 1
            for channel in self.inputs:
                channel.replay()

    def settle(self, error: BaseException, before: Sequence[int]) -> Outcome:
        """What stands in the place of a run that ended by `error`; moves the inputs on together.

        :param before: how many places each input had taken when the run began.
        :raises BaseException: the error itself, where it is not one of an item: the end, an interruption, Ctrl-C.
        """
        if isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration):
            error = error.__cause__  # a pull inside of a generator expression: Python wraps the end of the stream
        if isinstance(error, StopIteration):
            self.counters.runs -= 1
            self.end()
        if isinstance(error, StopIteration | Interrupted):
            try:
                raise error
            finally:
                del error  # as in `bind`
        counters = self.counters
        counters.lost += 1
        self._align(before)
        if not isinstance(error, Exception):  # Ctrl-C, say: it goes to whoever pulls, and leaves a gap
            for _, channel in self.channels:
                channel.put_outcome(Outcome(self._sign(ItemSkipped(f"{self.name} was interrupted"))))
            if self._is_own(error):
                sign(error, self.name)
            raise error
        if not self._is_own(error):
            return Outcome(error)
        if isinstance(error, ItemSkipped):
            counters.skipped += 1
            return Outcome(self._sign(error))
        counters.errors += 1
        if self.skips_errors and not isinstance(error, DeadlockException | InternalError):
            counters.skipped += 1
            what = describe_error(error)
            text = "".join(traceback.format_exception(error))
            self.report(DeadLetter(self.name, self.get_item_number(), what, text, get_places(error), time.time()))
            return Outcome(self._sign(ItemSkipped(f"{self.name} skipped an item because of {what}")))
        add_note(error, f"in the cell {self.name}")
        sign(error, self.name, self.get_item_number())
        return Outcome(error)

    def _sign(self, error: Exception) -> Exception:
        sign(error, self.name)
        return error

    def _is_own(self, error: BaseException) -> bool:
        """Whether the error or gap arose here, and was not pulled from a cell upstream."""
        return get_cell_of(error) in (None, self.name)

    def _align(self, before: Sequence[int]) -> None:
        """Move every input on to the largest number of places taken from any of them in this run, at least one."""
        taken = [channel.meter.runs - start for channel, start in zip(self.inputs, before, strict=True)]
        most = max(taken, default=0) or 1
        for channel, count in zip(self.inputs, taken, strict=True):
            for _ in range(most - count):
                try:
                    channel.pull()
                except StopIteration:
                    break
                except Exception:  # an error in a place that is passed over is passed over with it
                    continue

    # ------------------------------------------------------------------ what can go wrong here

    def explain_missing_output(self) -> Exception:
        """The error for a run that did not set all outputs."""
        for name, slot in self.outputs:
            if slot.value is UNSET:
                return NoOutputProvidedException(
                    f"{name} was not set in this pull: call its set_value() on every way through _on_pull, "
                    f"or raise ItemSkipped where an item has no result"
                )
        return InternalError(f"{self.name} misses an output, but all are set")

    def _explain_reentry(self) -> Exception:
        return UnsetRecurrentConnectionException(
            f"{self.name} is pulled, through a recurrent connection, while it is running: a cell on this cycle pulls more "
            f"values in one run than the cycle brings"
        )

    def _check_lag(self, channels: Sequence[Channel]) -> None:
        for channel in channels:
            if len(channel.buffer) >= LARGEST_LAG:
                raise DeadlockException(
                    f"{channel} holds {len(channel.buffer)} values that {channel.target} does not pull, while others go on "
                    f"reading from {channel.source}: let all readers of it take as many values, or skip() some"
                )

"""Connections at run time: how values get from a unit to the one that reads them.

Each kind has a `pull` that is a closure over what it needs, because a pull is what happens most often.

    - `DirectChannel`: reader and unit have the same domain, and the unit fills nothing else: no queue at all.
    - `Channel`: same domain, several readers, or an initial value: values queue up.
    - `CrossingChannel`: between domains: bounded by items and bytes. A pull takes the head without any lock; who finds
      nothing there takes the turn of the unit's domain and runs it.
    - `OutletChannel`: from a scaled cell to the only reader of its results, without a queue besides that of the results.
    - `PortChannel`: from a port of a scaled cell into its clone: one value for each ticket.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pypipeline_engine.core.clock import Clock
from pypipeline_engine.core.monitor import Monitor, Suppliers, Waiter
from pypipeline_engine.core.turn import Turn
from pypipeline_engine.core.units import Unit
from pypipeline_engine.core.values import UNSET, Outcome, Slot, size_of
from pypipeline_engine.exceptions import InvalidStateException

if TYPE_CHECKING:
    from pypipeline_engine.core.counters import Counters

LARGEST_CAPACITY = 4096
"""Up to how many items a queue grows that would otherwise let cells wait for each other forever."""


class Meter:
    """Counts the places that a reader has taken."""

    __slots__ = ("runs",)

    def __init__(self) -> None:
        self.runs = 0


class Channel:
    """A queue without a bound of its own, from a unit to a reader."""

    __slots__ = ("_last", "_position", "_record", "buffer", "meter", "pull", "put", "recurrent", "source", "target")

    bounded_by_lag = True

    def __init__(self, source: str, target: str) -> None:
        """Make a channel between two ends given by their full names."""
        self.source = source
        self.target = target
        self.buffer: deque[Any] = deque()
        self.recurrent = False
        self.meter: Meter | Counters = Meter()
        self.put: Callable[[Any], None] = self.buffer.append
        self.pull: Callable[[], Any] = self._unbound
        self._last: Any = UNSET
        self._record: list[Any] = []
        self._position = 0

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"

    def _unbound(self) -> Any:
        raise AssertionError(f"{self} is not bound")

    # ------------------------------------------------------------------ filling

    def make_recurrent(self, initial_value: Any) -> None:
        """Make this a channel that closes a cycle.

        An error or a gap does not travel round a cycle, where it would never end: its place takes the last good value.
        """
        self.recurrent = True
        self._last = initial_value
        self.put = self._put_and_keep

    def _put_and_keep(self, value: Any) -> None:
        if value.__class__ is not Outcome:
            self._last = value
        self.buffer.append(self._last)

    def preload(self, values: Iterable[Any]) -> None:
        """Queue values that were on their way when the plan changed."""
        for value in values:
            self.put(value)

    def put_outcome(self, outcome: Outcome) -> None:
        """Put an error or a gap into its place."""
        self.put(outcome)

    def clear(self) -> None:
        """Forget what is queued."""
        self.buffer.clear()
        self._record.clear()
        self._position = 0

    # ------------------------------------------------------------------ pulling

    def bind(self, run: Callable[[], Any]) -> None:
        """Pull from a unit of the same domain, which `run` runs."""
        buffer = self.buffer
        popleft, meter = buffer.popleft, self.meter

        def pull() -> Any:
            if not buffer:
                run()
            meter.runs += 1
            value = popleft()
            if value.__class__ is Outcome:
                try:
                    raise value.get_error()
                finally:
                    del value  # or the error would keep it alive, and it the error
            return value

        self.pull = pull

    # ------------------------------------------------------------------ trying an item again

    def remember(self) -> None:
        """From now on, `replay` gives again what is pulled from here on."""
        del self._record[: self._position]
        self._position = 0

    def replay(self) -> None:
        """Let the next pulls give what they gave since `remember`."""
        self.meter.runs -= self._position
        self._position = 0

    def record_pulls(self) -> None:
        """Make `remember` and `replay` possible, at some cost for each pull."""
        pull, record = self.pull, self._record
        meter = self.meter = Meter()  # counts what the reader has taken, which `replay` takes back

        def pull_recorded() -> Any:
            if self._position == len(record):
                try:
                    record.append(pull())
                except StopIteration:
                    raise
                except Exception as error:
                    record.append(Outcome(error))
            value = record[self._position]
            self._position += 1
            meter.runs += 1
            if value.__class__ is Outcome:
                try:
                    raise value.get_error()
                finally:
                    del value  # as in `Channel`
            return value

        self.pull = pull_recorded

    @property
    def last_value(self) -> Any:
        """Of a recurrent channel, the last good value that was put in."""
        return self._last


class DirectChannel(Channel):
    """Between a unit and its only reader, in one domain: the value goes from one closure to the other."""

    __slots__ = ("read", "set_value")

    def __init__(self, source: str, target: str, producer: Counters) -> None:
        super().__init__(source, target)
        self.meter = producer  # every run of the producer is taken at once

    def put_outcome(self, outcome: Outcome) -> None:
        """Nothing waits here: the reader is told at once."""

    def bind_direct(self, unit: Unit, slot: Slot) -> None:
        """Pull by running `unit`, which has no other output, no other reader, no retries, and at most one input.

        From now on `set_value` is what the unit sets its output with, and `read` tells what it has set; `slot` is empty.
        """
        value: Any = slot.value  # what was set under another plan can be read as before
        slot.value = UNSET  # so that it is known to be the one that was not set

        def set_value(new: Any) -> None:
            nonlocal value
            value = new

        self.set_value: Callable[[Any], None] = set_value
        self.read: Callable[[], Any] = lambda: value
        counters, clock = unit.counters, unit.clock
        upstream = unit.inputs[0].meter if unit.inputs else Meter()

        def pull() -> Any:
            nonlocal value
            before = upstream.runs
            counters.runs += 1
            value = UNSET
            try:
                body = unit.body  # not called from where it is, which Python cannot specialise
                if clock.timed:
                    clock.run(body, counters)
                else:
                    body()
                if value is UNSET:
                    raise unit.explain_missing_output()
                return value
            except BaseException as error:
                # Not by a variable, through which error and frame would keep each other, and values, alive.
                raise unit.settle(error, [before] if unit.inputs else []).get_error()  # noqa: B904  # it is the same error

        self.pull = pull


class CrossingChannel(Channel):
    """Between two domains. One thread at a time reads, and one at a time fills: whoever has the turn of its domain."""

    __slots__ = ("_bytes_in", "_bytes_out", "_monitor", "capacity", "find_readers", "limit_bytes", "room_waiters")

    bounded_by_lag = False

    def __init__(self, source: str, target: str, monitor: Monitor, capacity: int, limit_bytes: int) -> None:
        """Make a channel that holds up to `capacity` values, and up to `limit_bytes` unless it holds a single one."""
        super().__init__(source, target)
        self._monitor = monitor
        self.capacity = capacity
        self.limit_bytes = limit_bytes
        # Each of these two has one writer; their difference is what is queued.
        self._bytes_in = 0
        self._bytes_out = 0
        self.room_waiters: list[Waiter] = []
        self.find_readers: Suppliers = lambda: None
        """Says which threads run the reader, or would run it next."""
        self.put = self._put

    @property
    def queued_bytes(self) -> int:
        """About how many bytes wait here."""
        return max(0, self._bytes_in - self._bytes_out)

    def _put(self, value: Any) -> None:
        self._bytes_in += size_of(value)
        self.buffer.append(value)

    def _put_and_keep(self, value: Any) -> None:
        if value.__class__ is not Outcome:
            self._last = value
        self._put(self._last)

    def clear(self) -> None:
        """Forget what is queued."""
        super().clear()
        self._bytes_out = self._bytes_in

    def is_full(self) -> bool:
        """Whether the next value has to wait."""
        queued = len(self.buffer)
        if self._monitor.unbounded or queued == 0:
            return False
        return queued >= self.capacity or self.queued_bytes >= self.limit_bytes

    def wait_for_room(self, reader: Clock) -> None:
        """Wait while full. The thread has the turn of the filling domain; the reader does not need it to make room.

        :param reader: the clock of the domain on whose behalf the thread waits.
        """
        if self.is_full():
            reader.wait_for_room(self._wait_while_full)

    def _wait_while_full(self) -> None:
        with self._monitor.lock:
            while self.is_full():
                self._monitor.wait(
                    self.room_waiters, self._describe, unless=lambda: not self.is_full(), suppliers=self.find_readers
                )

    def _describe(self) -> str:
        return f"room in {self}, which holds {len(self.buffer)} values that {self.target} has not pulled"

    def grow(self) -> bool:
        """Double the bound that is reached, and wake who waits for room; false where no more items fit. Lock held.

        A bound in bytes always gives way: it must never be the reason why cells wait for each other.
        """
        if self.queued_bytes >= self.limit_bytes:
            self.limit_bytes = 2 * self.queued_bytes
        if len(self.buffer) >= self.capacity:
            if self.capacity >= LARGEST_CAPACITY:
                return False
            self.capacity = min(LARGEST_CAPACITY, 2 * self.capacity)
        self._monitor.wake_all(self.room_waiters)
        return True

    def bind_crossing(
        self,
        run: Callable[[], Any],
        turn: Turn,
        owner: Clock,
        others: Sequence[CrossingChannel],
        has_ended: Callable[[], bool],
        reader: Clock,
    ) -> None:
        """Pull from a unit of another domain.

        :param run: runs the unit; needs the turn.
        :param turn: the turn of the unit's domain.
        :param owner: the clock of the unit's domain.
        :param others: what else the unit fills that crosses domains, and must have room before it runs.
        :param has_ended: whether the unit will not fill anything any more.
        :param reader: the clock of the domain that reads.
        """
        buffer, monitor, room_waiters = self.buffer, self._monitor, self.room_waiters
        popleft, meter, step = buffer.popleft, self.meter, owner.bind(run)

        def has_values() -> bool:
            return bool(buffer)

        def fill() -> None:
            while not buffer:
                if not turn.take(unless=has_values):
                    return
                try:
                    if not has_ended():
                        for other in others:
                            other.wait_for_room(reader)
                    blocked_s = owner.blocked_s
                    step()
                    reader.charge_blocked(
                        owner.blocked_s - blocked_s
                    )  # whoever waited further up did so for the reader
                finally:
                    turn.give()

        def pull() -> Any:
            if not buffer:
                if reader.timed:
                    reader.wait(fill)
                else:
                    fill()
            value = popleft()
            meter.runs += 1
            self._bytes_out += size_of(value)
            if room_waiters:
                with monitor.lock:
                    monitor.wake_all(room_waiters)
            if value.__class__ is Outcome:
                try:
                    raise value.get_error()
                finally:
                    del value  # as in `Channel`
            return value

        self.pull = pull


class PortChannel(Channel):
    """From a port of a scaled cell to an input of its clone. A ticket brings one value, and takes back what was left."""

    __slots__ = ()

    bounded_by_lag = False

    def bind_port(self) -> None:
        """Pull what the ticket brought."""
        buffer = self.buffer
        popleft, meter = buffer.popleft, self.meter

        def pull() -> Any:
            if not buffer:
                raise explain_second_pull(self.target)
            value = popleft()
            meter.runs += 1
            if value.__class__ is Outcome:
                try:
                    raise value.get_error()
                finally:
                    del value  # as in `Channel`
            return value

        self.pull = pull


class OutletChannel(DirectChannel):
    """From a scaled cell to the only reader of its only output: the value comes straight out of the sequencer."""

    __slots__ = ()

    def bind_outlet(self, take: Callable[[], Sequence[Any]], index: int, counters: Counters, clock: Clock) -> None:
        """Pull by taking the next result, of which the value at `index` is meant."""

        def pull() -> Any:
            result = clock.wait(take) if clock.timed else take()
            counters.runs += 1
            value = result[index]
            if value.__class__ is Outcome:
                try:
                    raise value.get_error()
                finally:
                    del value, result  # as in `Channel`
            return value

        self.pull = pull


def explain_second_pull(target: str) -> Exception:
    """The error for a clone that takes more than its ticket brought."""
    return InvalidStateException(
        f"{target} was pulled twice for one item. Clones get one value of each input for an item; a cell that takes more "
        f"must override supports_scaling() to return False, and can then have one clone"
    )

"""Connections at run time: what is taken, when there is room, and what comes round a cycle."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from core_rig import SensedMonitor, Starter
from explorer import Explorer
from hypothesis import given, settings
from hypothesis import strategies as st

from pypipeline_engine.core import channels as channels_module
from pypipeline_engine.core import clock as clock_module
from pypipeline_engine.core import monitor as monitor_module
from pypipeline_engine.core import turn as turn_module
from pypipeline_engine.core.channels import (
    LARGEST_CAPACITY,
    Channel,
    CrossingChannel,
    DirectChannel,
    OutletChannel,
    PortChannel,
)
from pypipeline_engine.core.clock import Clock
from pypipeline_engine.core.counters import Counters
from pypipeline_engine.core.monitor import Monitor
from pypipeline_engine.core.turn import Turn
from pypipeline_engine.core.units import Unit
from pypipeline_engine.core.values import Outcome, Slot
from pypipeline_engine.exceptions import InvalidStateException, ItemSkipped, NoOutputProvidedException


def make_unit(
    body: Callable[[], Any], inputs: list[Channel] | None = None, name: str = "pipe.source", clock: Clock | None = None
) -> tuple[Unit, Slot]:
    """A unit whose output is what `body` returns."""
    slot = Slot()

    def run_body() -> None:
        slot.value = body()

    unit = Unit(name, run_body, [(f"{name}.out", slot)])
    unit.plug(inputs or [], [], clock or Clock(1))
    return unit, slot


def raising(error: BaseException) -> Any:
    raise error


def take_all(channel: Channel, number: int) -> list[Any]:
    """So many values, and the errors among them by type."""
    found: list[Any] = []
    for _ in range(number):
        try:
            found.append(channel.pull())
        except Exception as error:
            found.append(type(error))
    return found


class TestChannel:
    @given(st.lists(st.integers(0, 2), max_size=60))
    @settings(derandomize=True)
    def test_every_reader_gets_every_value_once_and_in_order(self, pulls: list[int]) -> None:
        numbers = count()
        unit, slot = make_unit(lambda: next(numbers))
        readers = [Channel("pipe.source.out", f"pipe.reader{number}.in") for number in range(3)]
        unit.plug([], [(slot, reader) for reader in readers], Clock(1))
        run = unit.bind()
        for reader in readers:
            reader.bind(run)
        taken: list[list[int]] = [[], [], []]
        for who in pulls:
            taken[who].append(readers[who].pull())
        for number, values in enumerate(taken):
            assert values == list(range(len(values)))
            assert readers[number].meter.runs == len(values)

    def test_what_was_on_its_way_comes_first(self) -> None:
        unit, slot = make_unit(lambda: "new")
        channel = Channel("pipe.source.out", "pipe.reader.in")
        unit.plug([], [(slot, channel)], Clock(1))
        channel.preload(["old", "older"])
        channel.bind(unit.bind())
        assert [channel.pull() for _ in range(3)] == ["old", "older", "new"]

    def test_an_unbound_channel_says_which_one_it_is(self) -> None:
        with pytest.raises(AssertionError, match=r"pipe\.a\.out -> pipe\.b\.in"):
            Channel("pipe.a.out", "pipe.b.in").pull()


class TestRecurrentChannel:
    def make_sum(self, crossing: bool = False) -> tuple[Channel, Channel]:
        """A cell that adds its input to what came round; zero there is an error, and negative numbers leave a gap."""
        feed = Channel("pipe.source.out", "pipe.sum.in")
        back: Channel = Channel("pipe.sum.out", "pipe.sum.back")
        if crossing:
            back = CrossingChannel("pipe.sum.out", "pipe.sum.back", Monitor(), 16, 10**6)

        def add() -> int:
            value, so_far = feed.pull(), back.pull()
            if value < 0:
                raise ItemSkipped
            return so_far + 10 // value * value

        unit, slot = make_unit(add, [feed, back], "pipe.sum")
        out = Channel("pipe.sum.out", "pipe.sink.in")
        back.make_recurrent(100)
        back.preload([100])
        unit.plug([feed, back], [(slot, out), (slot, back)], Clock(1))
        run = unit.bind()
        out.bind(run)
        back.bind(run)
        feed.bind(lambda: raising(StopIteration()))
        return feed, out

    @pytest.mark.parametrize("crossing", [False, True])
    def test_it_begins_with_the_initial_value(self, crossing: bool) -> None:
        feed, out = self.make_sum(crossing)
        feed.preload([10, 10, 10])
        assert take_all(out, 3) == [110, 120, 130]

    @pytest.mark.parametrize("crossing", [False, True])
    def test_an_error_or_a_gap_does_not_travel_round(self, crossing: bool) -> None:
        feed, out = self.make_sum(crossing)
        feed.preload([0, 10, -1, 0, 10])
        assert take_all(out, 5) == [ZeroDivisionError, 110, ItemSkipped, ZeroDivisionError, 120]

    def test_what_was_on_its_way_when_the_plan_changed_counts_as_the_last_value(self) -> None:
        back = Channel("a.y", "a.last")
        back.make_recurrent(100)
        gap = Outcome(ItemSkipped("a gap"))
        back.preload([1, gap])
        back.put_outcome(gap)
        assert list(back.buffer) == [1, 1, 1]


class TestDirectChannel:
    """The short way between two cells gives what the long way gives."""

    def chain(self, direct: bool, skips: bool) -> tuple[Channel, list[Unit]]:
        """source -> half -> reader."""
        numbers = count()

        def produce() -> int:
            number = next(numbers)
            if number == 9:
                raise StopIteration
            return raising(OSError("source")) if number == 4 else number

        def make(name: str, inputs: list[Channel], body: Callable[[], Any]) -> tuple[Unit, Channel]:
            source, target = f"{name}.out", f"{name}.reader"
            if direct:
                slot = Slot()
                unit = Unit(name, lambda: channel.set_value(body()), [(source, slot)])
                unit.skips_errors = skips
                channel = DirectChannel(source, target, unit.counters)
                unit.plug(inputs, [(slot, channel)], Clock(1))
                channel.bind_direct(unit, slot)
                return unit, channel
            unit, slot = make_unit(body, inputs, name)
            unit.skips_errors = skips
            queue = Channel(source, target)
            unit.plug(inputs, [(slot, queue)], Clock(1))
            queue.bind(unit.bind())
            return unit, queue

        runs = count()

        def halve() -> float:
            run = next(runs)
            if run == 1:
                raise ValueError("before it pulled")
            value = first.pull()
            if run == 3:
                raise ValueError("after it pulled")
            if run == 5:
                raise ItemSkipped
            if run == 6:
                first.pull()
                raise ValueError("after it pulled two")
            return float(value / 2)

        source, first = make("pipe.source", [], produce)
        half, second = make("pipe.half", [first], halve)
        return second, [source, half]

    @pytest.mark.parametrize("skips", [False, True])
    def test_it_gives_what_a_queue_gives(self, skips: bool) -> None:
        outcomes = []
        for direct in (False, True):
            channel, units = self.chain(direct, skips)
            taken = take_all(channel, 10)
            counts = [(u.counters.runs, u.counters.lost, u.counters.skipped, u.counters.errors) for u in units]
            outcomes.append((taken, counts, [unit.ended for unit in units]))
        assert outcomes[0] == outcomes[1]
        lost = ItemSkipped if skips else ValueError
        upstream = ItemSkipped if skips else OSError
        assert outcomes[0][0] == [0.0, lost, 1.0, lost, upstream, ItemSkipped, lost, 4.0, *[StopIteration] * 2]

    def test_an_output_that_was_not_set_is_an_error_that_names_it(self) -> None:
        slot = Slot()
        unit = Unit("pipe.source", lambda: None, [("pipe.source.out", slot)])
        channel = DirectChannel("pipe.source.out", "pipe.reader.in", unit.counters)
        slot.value = "of an earlier plan"
        channel.bind_direct(unit, slot)
        channel.set_value("of an earlier run")
        with pytest.raises(NoOutputProvidedException, match=r"pipe\.source\.out was not set"):
            channel.pull()


def make_crossing(
    monitor: Monitor, capacities: list[int], limit_bytes: int = 10**9, items: int | None = None, size: int | None = None
) -> list[CrossingChannel]:
    """One cell that counts, read from as many domains as there are capacities."""
    numbers = count()

    def produce() -> Any:
        number = next(numbers)
        if number == items:
            raise StopIteration
        return number if size is None else bytes(size)

    unit, slot = make_unit(produce)
    channels = [
        CrossingChannel("pipe.source.out", f"pipe.reader{number}.in", monitor, capacity, limit_bytes)
        for number, capacity in enumerate(capacities)
    ]
    clock = Clock(1)
    unit.plug([], [(slot, channel) for channel in channels], clock)
    run, turn = unit.bind(), Turn(monitor, "pipe.source")
    for channel in channels:
        others = [other for other in channels if other is not channel]
        channel.bind_crossing(run, turn, clock, others, lambda: unit.ended, Clock(1))
    return channels


def read(monitor: Monitor, channel: Channel, number: int) -> list[Any]:
    """Enter, take so many values, leave."""
    monitor.enter()
    try:
        return [channel.pull() for _ in range(number)]
    finally:
        monitor.leave()


class TestCrossingChannel:
    @pytest.mark.parametrize("capacities", [[1, 1], [2, 1], [2, 3, 1]])
    def test_readers_in_several_threads_get_every_value_once_and_in_order(self, capacities: list[int]) -> None:
        for seed in range(60):
            explorer = Explorer(seed, [channels_module, monitor_module, turn_module])
            monitor = Monitor(explorer.new_lock)
            channels = make_crossing(monitor, capacities, items=6)
            taken: list[list[int]] = [[] for _ in channels]

            def take(values: list[int], channel: Channel, monitor: Monitor = monitor) -> None:
                with pytest.raises(StopIteration):
                    while True:
                        values.append(channel.pull())
                monitor.leave()

            for number, (values, channel) in enumerate(zip(taken, channels, strict=True)):
                monitor.enter()
                explorer.spawn(
                    f"reader {number}", lambda values=values, channel=channel, take=take: take(values, channel)
                )
            explorer.run()
            assert taken == [[0, 1, 2, 3, 4, 5]] * len(channels)
            assert not any(channel.room_waiters for channel in channels)
            assert not monitor._waiting

    def test_who_fills_waits_until_the_other_reader_has_made_room(self, monitor: SensedMonitor, start: Starter) -> None:
        fast, slow = make_crossing(monitor, [16, 3])
        task = start(lambda: read(monitor, fast, 5))
        monitor.await_sleepers()
        assert (list(slow.buffer), slow.is_full()) == ([0, 1, 2], True)
        with monitor.lock:
            assert slow.room_waiters[0].reason() == (
                "room in pipe.source.out -> pipe.reader1.in, which holds 3 values that pipe.reader1.in has not pulled"
            )
        assert read(monitor, slow, 1) == [0]
        monitor.await_sleepers()
        assert read(monitor, slow, 1) == [1]
        assert task.result() == [0, 1, 2, 3, 4]
        assert list(slow.buffer) == [2, 3, 4]

    def test_a_reader_of_a_full_queue_needs_no_turn(self, monitor: SensedMonitor, start: Starter) -> None:
        """Or waiting for room while having the turn would never end."""
        fast, slow = make_crossing(monitor, [16, 1])
        task = start(lambda: read(monitor, fast, 2))
        monitor.await_sleepers()
        assert read(monitor, slow, 1) == [0]
        assert task.result() == [0, 1]

    def test_a_bound_in_bytes_admits_one_value_however_large(self, monitor: SensedMonitor, start: Starter) -> None:
        fast, slow = make_crossing(monitor, [16, 16], limit_bytes=10, size=100)
        task = start(lambda: read(monitor, fast, 2))
        monitor.await_sleepers()
        assert (len(slow.buffer), slow.queued_bytes, slow.is_full()) == (1, 100, True)
        read(monitor, slow, 1)
        task.result()
        assert slow.queued_bytes == 100

    @given(st.lists(st.one_of(st.none(), st.integers(0, 50)), max_size=40))
    @settings(derandomize=True)
    def test_bytes_are_those_of_what_is_queued(self, operations: list[int | None]) -> None:
        """Put a value of so many bytes, or take one."""
        (channel,) = make_crossing(Monitor(), [1000], limit_bytes=120)
        model: deque[int] = deque()
        for size in operations:
            if size is not None:
                channel.put(bytes(size))
                model.append(size)
            elif model:
                assert len(channel.pull()) == model.popleft()
            assert channel.queued_bytes == sum(model)
            assert channel.is_full() == (bool(model) and sum(model) >= 120)
        channel.clear()
        assert (channel.queued_bytes, len(channel.buffer), channel.is_full()) == (0, 0, False)

    def test_what_was_on_its_way_counts(self) -> None:
        (channel,) = make_crossing(Monitor(), [2])
        channel.preload([b"abc", b"de"])
        assert (channel.queued_bytes, channel.is_full()) == (5, True)
        assert [channel.pull() for _ in range(3)] == [b"abc", b"de", 0]

    def test_the_end_of_the_stream_waits_for_no_room(self) -> None:
        fast, slow = make_crossing(Monitor(), [16, 4], items=3)
        assert [fast.pull() for _ in range(3)] == [0, 1, 2]
        with pytest.raises(StopIteration):
            fast.pull()
        slow.preload([7])
        assert slow.is_full()
        with pytest.raises(StopIteration):
            fast.pull()

    def test_without_bounds_nobody_waits(self) -> None:
        monitor = Monitor()
        fast, slow = make_crossing(monitor, [16, 1])
        monitor.unbounded = True
        assert read(monitor, fast, 5) == [0, 1, 2, 3, 4]
        assert (len(slow.buffer), slow.is_full()) == (5, False)
        monitor.unbounded = False
        assert slow.is_full()

    def test_growing_doubles_the_bounds_and_wakes_who_waits(self, monitor: SensedMonitor, start: Starter) -> None:
        fast, slow = make_crossing(monitor, [16, 2])
        task = start(lambda: read(monitor, fast, 4))
        monitor.await_sleepers()
        with monitor.lock:
            assert slow.grow()
        assert task.result() == [0, 1, 2, 3]
        assert slow.capacity == 4

    def test_growing_ends(self) -> None:
        (channel,) = make_crossing(Monitor(), [3])
        grown = 0
        while channel.grow():
            grown += 1
            channel.preload(range(channel.capacity - len(channel.buffer)))
            assert grown < 20
        assert channel.capacity == LARGEST_CAPACITY

    def test_growing_for_bytes_leaves_the_number_of_items_as_it_is(self) -> None:
        (channel,) = make_crossing(Monitor(), [16], limit_bytes=10)
        channel.put(bytes(1000))
        assert channel.is_full()
        assert channel.grow()
        assert (channel.capacity, channel.is_full()) == (16, False)

    def test_a_bound_in_bytes_alone_is_never_the_end(self) -> None:
        """Rule 1: it must not cause a deadlock. A scaled cell with a window of 5000 makes such queues."""
        (channel,) = make_crossing(Monitor(), [5004], limit_bytes=10)
        channel.put(bytes(1000))
        assert channel.is_full()
        assert channel.grow()
        assert not channel.is_full()

    def test_errors_and_gaps_cross_in_their_places(self) -> None:
        monitor = Monitor()
        numbers = count()

        def produce() -> int:
            number = next(numbers)
            if number in (1, 2):
                raise ItemSkipped if number == 1 else OSError
            return number

        unit, slot = make_unit(produce)
        channels = [CrossingChannel("pipe.source.out", f"pipe.{n}.in", monitor, 16, 100) for n in "ab"]
        clock = Clock(1)
        unit.plug([], [(slot, channel) for channel in channels], clock)
        run, turn = unit.bind(), Turn(monitor, "pipe.source")
        for channel in channels:
            channel.bind_crossing(run, turn, clock, [], lambda: unit.ended, Clock(1))
        for channel in channels:
            assert take_all(channel, 4) == [0, ItemSkipped, OSError, 3]
            assert channel.meter.runs == 4

    def test_the_turn_is_given_back_after_an_error(self) -> None:
        (channel,) = make_crossing(Monitor(), [4], items=1)
        assert channel.pull() == 0
        for _ in range(2):
            with pytest.raises(StopIteration):
                channel.pull()

    def test_time_upstream_is_charged_there_and_is_a_wait_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [0.0]
        monkeypatch.setattr(clock_module, "perf_counter", lambda: now[0])
        monkeypatch.setattr(clock_module, "thread_time", lambda: now[0])
        monitor = Monitor()
        reader_clock, owner_clock = Clock(1), Clock(1)

        def work(seconds: float) -> None:
            now[0] += seconds

        unit, slot = make_unit(lambda: work(5.0), clock=owner_clock)
        channel = CrossingChannel("pipe.source.out", "pipe.reader.in", monitor, 16, 100)
        unit.plug([], [(slot, channel)], owner_clock)
        turn = Turn(monitor, "pipe.source")
        channel.bind_crossing(unit.bind(), turn, owner_clock, [], lambda: False, reader_clock)
        reader, _ = make_unit(lambda: (work(1.0), channel.pull()), [channel], "pipe.reader", reader_clock)
        reader_clock.bind(reader.bind())()
        assert (unit.counters.busy_s, unit.counters.starved_s) == (5.0, 0.0)
        assert (reader.counters.busy_s, reader.counters.starved_s) == (1.0, 5.0)

    @pytest.mark.parametrize("timed", [False, True])
    def test_a_wait_for_room_further_up_is_one_for_those_downstream_and_no_wait_for_inputs(
        self, monkeypatch: pytest.MonkeyPatch, timed: bool
    ) -> None:
        """The source cannot run before another reader of it has made room; who pulls is two domains further down."""
        now = [0.0]
        monkeypatch.setattr(clock_module, "perf_counter", lambda: now[0])
        monkeypatch.setattr(clock_module, "thread_time", lambda: now[0])

        def work(seconds: float) -> None:
            now[0] += seconds

        class SlowlyRead(CrossingChannel):
            def _wait_while_full(self) -> None:
                work(50.0)
                self.clear()

        monitor = Monitor()
        upper, middle, lower = Clock(1), Clock(1), Clock(1)
        source, source_slot = make_unit(lambda: work(5.0), clock=upper)
        beside = SlowlyRead("pipe.source.out", "pipe.beside.in", monitor, 1, 100)
        first = CrossingChannel("pipe.source.out", "pipe.middle.in", monitor, 16, 100)
        source.plug([], [(source_slot, first), (source_slot, beside)], upper)
        turn = Turn(monitor, "pipe.source")
        first.bind_crossing(source.bind(), turn, upper, [beside], lambda: False, middle)
        between, between_slot = make_unit(lambda: (work(2.0), first.pull()), [first], "pipe.middle", middle)
        second = CrossingChannel("pipe.middle.out", "pipe.reader.in", monitor, 16, 100)
        between.plug([first], [(between_slot, second)], middle)
        second.bind_crossing(between.bind(), Turn(monitor, "pipe.middle"), middle, [], lambda: False, lower)
        reader, _ = make_unit(lambda: (work(1.0), second.pull()), [second], "pipe.reader", lower)
        step = reader.bind()
        beside.put(0)
        (lower.bind(step) if timed else step)()
        assert (middle.blocked_s, lower.blocked_s) == (50.0, 50.0)
        if timed:
            assert (between.counters.busy_s, between.counters.starved_s) == (2.0, 5.0)
            assert (reader.counters.busy_s, reader.counters.starved_s) == (1.0, 7.0)


class TestPortChannel:
    def test_a_ticket_brings_one_value(self) -> None:
        channel = PortChannel("pipe.scaled.in", "pipe.scaled.inner.in")
        channel.bind_port()
        channel.put(7)
        assert channel.pull() == 7
        with pytest.raises(InvalidStateException, match=r"pipe\.scaled\.inner\.in was pulled twice for one item"):
            channel.pull()
        channel.put(Outcome(OSError("upstream")))
        with pytest.raises(OSError, match="upstream"):
            channel.pull()
        assert channel.meter.runs == 2


class TestOutletChannel:
    def test_it_takes_its_value_of_each_result(self) -> None:
        results = iter([["a", 1], ["b", Outcome(OSError())], ["c", 3]])
        counters = Counters()
        channel = OutletChannel("pipe.scaled.out", "pipe.reader.in", counters)
        channel.bind_outlet(lambda: next(results), 1, counters, Clock(1))
        assert take_all(channel, 3) == [1, OSError, 3]
        assert channel.meter.runs == 3
        with pytest.raises(StopIteration):
            channel.pull()
        assert channel.meter.runs == 3

"""A scaled cell with a way round it, under a few hundred schedules.

    source ---> stage (clones) ---> sink
       `-----------------------------^

The source has a turn: the intake of the stage and the thread of the sink both run it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import ModuleType

import pytest
from explorer import Explorer, Stuck

from pypipeline_engine.core import channels, monitor, sequencer, turn, units
from pypipeline_engine.core.channels import CrossingChannel
from pypipeline_engine.core.clock import Clock
from pypipeline_engine.core.monitor import Interrupted, Monitor, Waiter
from pypipeline_engine.core.sequencer import Sequencer
from pypipeline_engine.core.turn import Turn
from pypipeline_engine.core.units import Unit
from pypipeline_engine.core.values import END, Slot


class Rig:
    """The pipeline in the picture, over a monitor whose locks belong to an explorer."""

    def __init__(self, explorer: Explorer, items: int, window: int, capacity: int, behind: int | None = None) -> None:
        self.explorer = explorer
        self.monitor = Monitor(explorer.new_lock)
        self.monitor.on_stall = self.grow
        self.stalls = 0
        self.items = items
        self.produced = 0
        self.running: set[str] = set()
        self.sequencer = Sequencer(window, 1000)
        self.intake_is_taken = False
        self.closed = False
        self.idle: list[Waiter] = []
        self.consumers: list[Waiter] = []
        self.behind = behind
        self.received: list[tuple[object, object]] = []
        slot = Slot()

        def produce() -> None:
            with Alone(self, "source"):
                if self.produced == items:
                    raise StopIteration
                slot.value = self.produced
                self.produced += 1

        unit = Unit("source", produce, [("source.out", slot)])
        self.to_stage = CrossingChannel("source.out", "stage.in", self.monitor, capacity, 1000)
        self.to_sink = CrossingChannel("source.out", "sink.beside", self.monitor, capacity, 1000)
        both = [self.to_stage, self.to_sink]
        clock = Clock(1)
        unit.plug([], [(slot, channel) for channel in both], clock)
        run = unit.bind()
        turn = Turn(self.monitor, "source")
        for channel in both:
            others = [other for other in both if other is not channel]
            channel.bind_crossing(run, turn, clock, others, lambda: unit.ended, Clock(1))
        self.turn = Turn(self.monitor, "main")

    def grow(self, _: list[Waiter]) -> None:
        self.stalls += 1
        grown = [channel.grow() for channel in (self.to_stage, self.to_sink) if channel.room_waiters]
        assert any(grown), "all sleep, and room would not help"

    # ------------------------------------------------------------------ the clones

    def may_take_intake(self) -> bool:
        return not self.intake_is_taken and self.sequencer.has_credit()

    def work_as_clone(self) -> None:
        try:
            while self.work_on_one():
                pass
        finally:
            self.monitor.leave()

    def work_on_one(self) -> bool:
        with self.monitor.lock:
            while not self.may_take_intake():
                if self.closed:
                    return False
                self.monitor.wait(self.idle, lambda: "work", unless=self.may_take_intake)
            self.intake_is_taken = True
            ticket = self.sequencer.open()
        result: object
        with Alone(self, "intake"):
            try:
                result = [self.to_stage.pull()]
            except StopIteration:
                result = END
        with self.monitor.lock:
            self.intake_is_taken = False
            if result is END:
                self.finish(ticket, END)
            elif self.sequencer.has_credit():
                self.monitor.wake_last(self.idle)
        if result is not END:
            self.explorer.switch()  # the work
            with self.monitor.lock:
                self.finish(ticket, result)
        return True

    def finish(self, ticket: int, result: object) -> None:
        if self.sequencer.finish(ticket, result) and self.consumers:
            self.sequencer.handed = 1
            self.monitor.wake_first(self.consumers)

    # ------------------------------------------------------------------ the sink

    def take(self) -> object:
        with self.monitor.lock:
            while not self.sequencer.ready:
                self.monitor.wait(self.consumers, lambda: "a result")
            self.sequencer.handed = 0
            result = self.sequencer.ready.popleft()
            self.sequencer.count_out(result)
            if self.may_take_intake():
                self.monitor.wake_last(self.idle)
            return result

    def consume(self) -> None:
        """Read the results, and each time the way round: before them, or so many items behind them as `behind` says."""
        self.monitor.begin_pull(self.turn)
        beside: deque[object] = deque()
        through: deque[object] = deque()
        while not (through and through[-1] is END):
            if self.behind is None:
                with suppress(StopIteration):
                    beside.append(self.to_sink.pull())
            result = self.take()
            through.append(result[0] if isinstance(result, list) else END)
            if self.behind is not None and len(through) > self.behind and through[-1] is not END:
                beside.append(self.to_sink.pull())
        with suppress(StopIteration):
            while True:
                beside.append(self.to_sink.pull())
        through.pop()
        self.received = list(zip(through, beside, strict=True))
        with self.monitor.lock:
            self.closed = True
            self.monitor.wake_all(self.idle)
        self.monitor.end_pull(self.turn)

    def run(self, clones: int) -> None:
        for number in range(clones):
            self.monitor.enter()
            self.explorer.spawn(f"clone {number}", self.work_as_clone)
        self.explorer.spawn("sink", self.consume)
        self.explorer.run()
        assert self.received == [(item, item) for item in range(self.items)]
        assert self.monitor._awake == 0
        assert not self.monitor._waiting
        assert not (self.idle or self.consumers or self.to_stage.room_waiters or self.to_sink.room_waiters)


class Alone:
    """Asserts that nobody else is in the same place at the same time."""

    def __init__(self, rig: Rig, place: str) -> None:
        self.rig = rig
        self.place = place

    def __enter__(self) -> None:
        assert self.place not in self.rig.running, f"{self.place} is in two threads"
        self.rig.running.add(self.place)
        self.rig.explorer.switch()

    def __exit__(self, *_: object) -> None:
        self.rig.running.discard(self.place)


def explore(
    clones: int, window: int, capacity: int, preempt: Iterable[ModuleType] = (), behind: int | None = None
) -> list[Rig]:
    rigs = []
    for seed in range(60):
        rig = Rig(Explorer(seed, preempt), 6, window, capacity, behind)
        try:
            rig.run(clones)
        except BaseException as error:
            error.add_note(f"with the seed {seed}, {clones} clones, a window of {window} and a capacity of {capacity}")
            raise
        rigs.append(rig)
    return rigs


def test_nothing_is_lost_repeated_or_out_of_order() -> None:
    for clones, window in [(1, 1), (2, 2), (3, 2), (3, 4)]:
        for behind in (None, 0, 2):
            rigs = explore(clones, window, capacity=16, behind=behind)
            assert not any(rig.stalls for rig in rigs), "there was room for all"


def test_nothing_is_lost_where_a_thread_may_lose_its_turn_at_any_line() -> None:
    for behind in (None, 0):
        explore(clones=3, window=3, capacity=16, preempt=[channels, monitor, sequencer, turn, units], behind=behind)


def test_a_way_round_that_is_too_narrow_gets_wider() -> None:
    """The sink wants more results before it reads the way round than fit into that: all sleep, though room would help."""
    rigs = explore(clones=2, window=2, capacity=1, preempt=[channels, monitor, turn], behind=3)
    assert all(rig.stalls for rig in rigs)


def test_a_waker_that_forgets_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The assertions above are able to fail: without this wake-up somebody sleeps on beside what it waits for."""
    give_locked: Callable[[Turn], None] = Turn.give_locked

    def give_and_forget(self: Turn) -> None:
        if self.name == "source":
            self._holder = None
        else:
            give_locked(self)

    monkeypatch.setattr(Turn, "give_locked", give_and_forget)
    with pytest.raises((Stuck, AssertionError)):
        explore(clones=2, window=2, capacity=16)


def test_an_interruption_wakes_everybody_wherever_they_are() -> None:
    for seed in range(60):
        explorer = Explorer(seed, [channels, monitor, turn])
        rig = Rig(explorer, items=1000, window=2, capacity=2)

        def until_interrupted(body: Callable[[], None], rig=rig) -> None:
            try:
                body()
            except Interrupted:
                rig.running.clear()

        def stop(rig=rig, explorer=explorer) -> None:
            for _ in range(20):
                explorer.switch()
            rig.monitor.enter()  # first, so that nobody seems to be left to wake the sink
            rig.closed = True
            rig.monitor.interrupt()
            rig.monitor.leave()

        for number in range(2):
            rig.monitor.enter()
            explorer.spawn(f"clone {number}", lambda rig=rig: until_interrupted(rig.work_as_clone))
        explorer.spawn("sink", lambda rig=rig: until_interrupted(rig.consume))
        explorer.spawn("stop", stop)
        explorer.run()
        assert not rig.monitor._waiting

"""Results come out in the order of their tickets, whatever happens in between."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pypipeline_engine.core.sequencer import Sequencer
from pypipeline_engine.core.values import END, Outcome
from pypipeline_engine.exceptions import ItemSkipped

NO_LIMIT = 10**12


class AnyInterleaving(RuleBasedStateMachine):
    """Tickets are opened with credit, finished in any order, and taken, against a model of plain lists."""

    def __init__(self) -> None:
        super().__init__()
        self.sequencer = Sequencer(window=3, limit_bytes=NO_LIMIT)
        self.in_work: list[int] = []
        self.finished: dict[int, Any] = {}
        self.taken: list[Any] = []
        self.end_at: int | None = None

    @precondition(lambda self: self.sequencer.has_credit())
    @rule()
    def open(self) -> None:
        ticket = self.sequencer.open()
        assert ticket == len(self.in_work) + len(self.finished)
        self.in_work.append(ticket)

    @precondition(lambda self: self.in_work)
    @rule(data=st.data(), failed=st.booleans())
    def finish(self, data: st.DataObject, failed: bool) -> None:
        ticket = self.in_work.pop(data.draw(st.integers(0, len(self.in_work) - 1)))
        result = [Outcome(ValueError(ticket))] if failed else [ticket]
        self.finished[ticket] = result
        before = len(self.sequencer.ready)
        assert self.sequencer.finish(ticket, result) == (len(self.sequencer.ready) > before)

    @precondition(lambda self: self.in_work and self.end_at is None)
    @rule()
    def finish_with_the_end(self) -> None:
        """The stream ends at the ticket that was opened last: its intake is the one that met the end."""
        ticket = self.in_work.pop()
        self.end_at = ticket
        self.finished[ticket] = END
        self.sequencer.finish(ticket, END)

    @precondition(lambda self: self.sequencer.ready)
    @rule()
    def wake_somebody_for_a_result(self) -> None:
        self.sequencer.handed = 1

    @precondition(lambda self: self.sequencer.ready)
    @rule()
    def take(self) -> None:
        self.sequencer.handed = 0
        self.taken.append(self.sequencer.ready.popleft())
        if self.taken[-1] is not END:
            self.sequencer.count_out(self.taken[-1])

    @rule(window=st.integers(1, 6))
    def change_the_window(self, window: int) -> None:
        self.sequencer.window = window

    @precondition(lambda self: not self.in_work)
    @rule()
    def reset(self) -> None:
        self.sequencer.reset()
        assert not self.sequencer.ready and not self.sequencer.handed
        self.finished.clear()
        self.taken.clear()
        self.end_at = None

    @invariant()
    def what_is_out_is_a_gapless_beginning(self) -> None:
        out = [*self.taken, *self.sequencer.ready]
        assert out == [self.finished[ticket] for ticket in range(len(out))]
        # Nothing is held back: the next one is still in work, or there is none.
        assert len(out) not in self.finished

    @invariant()
    def the_count_is_right(self) -> None:
        taken = len(self.taken) + self.sequencer.handed
        assert self.sequencer.inside == len(self.in_work) + len(self.finished) - taken

    @invariant()
    def credit_keeps_the_window(self) -> None:
        inside, window = self.sequencer.inside, self.sequencer.window
        assert self.sequencer.has_credit() == (self.end_at is None and inside < window)


AnyInterleaving.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None, derandomize=True)
TestAnyInterleaving = AnyInterleaving.TestCase


@given(st.permutations(range(8)))
@settings(derandomize=True)
def test_any_order_of_finishing_gives_the_order_of_opening(order: list[int]) -> None:
    sequencer = Sequencer(window=8, limit_bytes=NO_LIMIT)
    for _ in order:
        sequencer.open()
    for ticket in order:
        sequencer.finish(ticket, [ticket])
    assert list(sequencer.ready) == [[ticket] for ticket in range(8)]
    assert sequencer.head == sequencer.opened == 8


def test_the_end_stays_in_its_place_and_closes_the_intake_at_once() -> None:
    sequencer = Sequencer(window=4, limit_bytes=NO_LIMIT)
    tickets = [sequencer.open() for _ in range(3)]
    sequencer.finish(tickets[2], END)
    assert not sequencer.has_credit()
    assert not sequencer.ready
    sequencer.finish(tickets[1], ["b"])
    sequencer.finish(tickets[0], ["a"])
    assert list(sequencer.ready) == [["a"], ["b"], END]


def test_after_a_reset_the_stream_begins_again() -> None:
    sequencer = Sequencer(window=2, limit_bytes=NO_LIMIT)
    sequencer.finish(sequencer.open(), ["a"])
    sequencer.finish(sequencer.open(), END)
    sequencer.reset()
    assert (sequencer.inside, sequencer.ended, sequencer.has_credit()) == (0, False, True)
    assert sequencer.open() == 0
    sequencer.finish(0, ["again"])
    assert list(sequencer.ready) == [["again"]]


def test_a_reset_forgets_what_was_large() -> None:
    sequencer = Sequencer(window=4, limit_bytes=10)
    sequencer.finish(sequencer.open(), [bytes(1000)])
    sequencer.reset()
    sequencer.open()
    assert sequencer.has_credit()


def fill(sequencer: Sequencer, sizes: list[int]) -> int:
    """Open and finish one after the other, as long as there is credit; how many bytes wait then."""
    waiting = 0
    for size in sizes:
        if not sequencer.has_credit():
            break
        sequencer.finish(sequencer.open(), [bytes(size)])
        waiting += size
    return waiting


@given(size=st.integers(0, 300), limit=st.integers(0, 1000), window=st.integers(1, 12))
@settings(derandomize=True)
def test_results_keep_the_bound_in_bytes(size: int, limit: int, window: int) -> None:
    sequencer = Sequencer(window, limit)
    waiting = fill(sequencer, [size] * 20)
    assert sequencer.inside >= 1, "one result may always wait"
    assert waiting <= limit + size
    # The bound costs nothing where it does not bind.
    assert sequencer.inside == window or waiting + size > limit


def test_large_results_among_small_ones_keep_the_bound_in_bytes() -> None:
    """As frames and gaps do, behind a filter in a clone with two workers."""
    sequencer = Sequencer(window=64, limit_bytes=1000)
    waiting = 0
    while sequencer.has_credit() and sequencer.inside < 60:
        large, small = sequencer.open(), sequencer.open()
        sequencer.finish(large, [bytes(500)])
        sequencer.finish(small, [Outcome(ItemSkipped())])
        waiting += 500
    assert waiting <= 1000 + 500


def test_results_that_hold_lists_keep_the_bound_in_bytes() -> None:
    """As the batches of `flow.Batch` do."""
    sequencer = Sequencer(window=64, limit_bytes=1000)
    batch = [bytes(100)] * 4
    while sequencer.has_credit() and sequencer.inside < 64:
        sequencer.finish(sequencer.open(), [batch])
    assert sequencer.inside <= 4


def test_one_result_may_always_wait_however_large() -> None:
    sequencer = Sequencer(window=4, limit_bytes=10)
    sequencer.finish(sequencer.open(), [bytes(1000)])
    assert not sequencer.has_credit()
    sequencer.count_out(sequencer.ready.popleft())
    assert sequencer.has_credit()


@given(st.lists(st.one_of(st.none(), st.integers(0, 50)), max_size=60))
@settings(derandomize=True)
def test_the_bytes_that_wait_are_those_of_what_was_not_taken(operations: list[int | None]) -> None:
    """Hand in a result of so many bytes, or take one."""
    sequencer = Sequencer(window=10**6, limit_bytes=100)
    waiting: list[int] = []
    for size in operations:
        if size is not None:
            sequencer.finish(sequencer.open(), [bytes(size), None])
            waiting.append(size)
        elif waiting:
            result = sequencer.ready.popleft()
            sequencer.count_out(result)
            assert len(result[0]) == waiting.pop(0)
        assert sequencer.has_credit() == (not waiting or sum(waiting) <= 100)

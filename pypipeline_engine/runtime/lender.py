"""Lending a clone of a scaled cell to the thread that wants its results, while items are quick.

What decides is `core.lending`; this is what a loan means to the threads: who sleeps, who looks after the borrower, and who
gets the intake back.

Guarantees
    - A clone is never in two threads: its own sleeps in `away` until the borrower is through with its item.
    - Items are in order: a loan begins when nothing is inside of the scaled cell, and when it ends in the middle of an item,
      that item has the first ticket.
    - A borrower that is stuck in an item, which may wait for another item, is noticed after `GUARD_S`.

Locks: everything is guarded by the lock of the monitor, but for what the borrower does; see `core.lending`.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pypipeline_engine.core.lending import LOOK_EVERY, Loan, Pace
from pypipeline_engine.core.monitor import Interrupted, Waiter
from pypipeline_engine.core.values import END, Outcome

if TYPE_CHECKING:
    from pypipeline_engine.runtime.stage import Stage
    from pypipeline_engine.runtime.worker import Worker

GUARD_S = 0.02
"""After so long, an item of a loan is taken for one that does not end by itself: it may wait for another item, which only
the other clones can bring."""


class Lender:
    """Lends the clones of one scaled cell."""

    def __init__(self, stage: Stage) -> None:
        """Lend nothing yet."""
        self._stage = stage
        self._monitor = stage.monitor
        self._sequencer = stage.sequencer
        self._may_lend = not stage.pulls_its_inside and not any(
            cell.has_thread_affinity() for cell in stage.cell._get_cells_recursively()
        )
        self.pace = Pace()
        self.loan: Loan[Worker] | None = None
        self.work: Callable[[], Any] = lambda: END
        """Works on the next item, for the borrower while there is a loan."""
        self.away: list[Waiter] = []
        """The thread whose clone is lent."""

    def sleep(self, worker: Worker) -> None:
        """Sleep until there may be something to do; one worker looks after the borrower of another one. Lock held."""
        stage = self._stage
        if worker.is_lent:
            self._monitor.wait(self.away, stage.describe_idleness, suppliers=stage.find_consumers)
            return
        loan = self.loan
        if loan is None or loan.guarded:
            self._sleep(unless=stage.may_take_intake)
            return
        loan.guarded = True
        before = (loan.current, loan.next)
        try:
            if self._sleep(timeout_s=GUARD_S):
                return
        finally:
            loan.guarded = False
        if loan is self.loan:
            if loan.current is not None and (loan.current, loan.next) == before:
                self.end(too_slow=True)
            elif loan.current is None and loan.next == before[1]:
                # Nobody pulls. The borrower calls when it begins again.
                self._sleep()

    def _sleep(self, unless: Callable[[], bool] | None = None, timeout_s: float = -1) -> bool:
        stage = self._stage
        return self._monitor.wait(
            stage.idle, stage.describe_idleness, unless, timeout_s=timeout_s, suppliers=stage.find_suppliers_of_work
        )

    def lends(self) -> bool:
        """Whether a clone is lent, or will be when nothing is inside any more."""
        return self.loan is not None or (self._may_lend and self.pace.is_quick() and not self._stage.has_remote_workers)

    def begin(self) -> bool:
        """Lend a clone to the calling consumer, if it is time for that. Lock held."""
        stage = self._stage
        if not self.lends() or self._sequencer.inside or stage.intake_is_taken or stage.paused or stage.closed:
            return False
        worker = next((worker for worker in stage.workers if not worker.retiring and not worker.ended), None)
        if worker is None:
            return False
        stage.intake_is_taken = worker.is_lent = True
        stage.intake_thread = None
        loan = self.loan = Loan(worker, self._sequencer.opened)
        loan.guarded = len(stage.workers) == 1  # there is nobody, and one clone does one item at a time in any case
        self.work = self._make_work(loan)
        return True

    def end(self, too_slow: bool = False) -> None:
        """Take the clone back from the consumer, or have it give both back as soon as it can. Lock held."""
        loan, self.loan = self.loan, None
        if loan is None:
            return
        loan.revoked = True
        loan.ticket = loan.current
        if too_slow:
            self.pace.end_loan(loan.next - loan.first)
        if loan.ticket is None:
            self._sequencer.jump_to(loan.next)
            self._stage.intake_is_taken = loan.clone.is_lent = False
            self._monitor.wake_all(self.away)
        else:
            self._sequencer.jump_to(loan.ticket)
            self._sequencer.open()
            if loan.has_inputs:
                loan.has_given_intake = True
                self._stage.intake_is_taken = False
        self._monitor.wake_all(self._stage.idle)

    def _make_work(self, loan: Loan[Worker]) -> Callable[[], Any]:
        """The way to work on the next item with a lent clone: without the lock, as long as nobody wants the clone back.

        A closure over what it needs, because this is all that happens to an item that is quick.
        """
        worker, stage = loan.clone, self._stage
        assert worker.scope is not None
        collect, process = stage.collect, worker.scope.process

        def work() -> Any:
            number = loan.next
            loan.current = number
            if loan.revoked and self._has_lost(loan):
                loan.current = None
                return stage.take_without_loan()
            is_quick = True
            begin = 0.0 if number % LOOK_EVERY else perf_counter()
            try:
                if not loan.guarded:
                    self._call_guard()
                worker.ticket = number
                result = collect()
                if result is not END:
                    loan.has_inputs = True
                    if loan.revoked:
                        self._give_intake_of(loan)
                    result = process(result)
                    if begin:
                        is_quick = loan.note(perf_counter() - begin)
            except Interrupted:
                self._settle(loan, None)
                raise
            except BaseException as error:
                result = [Outcome(error)] * max(1, len(stage.output_names))
            try:
                if result is END or not is_quick:
                    return self._settle(loan, result)
                loan.has_inputs = False
                loan.next = number + 1
                loan.current = None
                return self._settle(loan, result) if loan.revoked else result
            finally:
                del result  # an error in it and this frame would keep each other, and values, alive

        return work

    def _has_lost(self, loan: Loan[Worker]) -> bool:
        """Whether a loan was taken back before its borrower began with the item at hand."""
        with self._monitor.lock:
            return loan.ticket is None

    def _give_intake_of(self, loan: Loan[Worker]) -> None:
        with self._monitor.lock:
            if not loan.has_given_intake:
                loan.has_given_intake = True
                self._stage.intake_is_taken = False
                self._monitor.wake_all(self._stage.idle)

    def _settle(self, loan: Loan[Worker], result: Any) -> Any:
        """Hand in the result of an item in the middle of which the loan was taken back, or with which it ends.

        :param result: `None` where the item was interrupted, and its ticket stays open until the reset that follows.
        """
        with self._monitor.lock:
            if self.loan is loan:
                self.end(too_slow=result is not END and result is not None)
            loan.current = None
            loan.has_inputs = False
            if loan.ticket is None:  # it was taken back between two items
                return result
            loan.clone.is_lent = False
            self._monitor.wake_all(self.away)
            if not loan.has_given_intake:
                self._stage.intake_is_taken = False
            if result is not None:
                self._sequencer.finish(loan.ticket, result)  # the first one inside, and therefore ready at once
                result = self._stage.ready.popleft()
                if result is not END:
                    self._sequencer.count_out(result)
            self._monitor.wake_all(self._stage.idle)
            return result

    def _call_guard(self) -> None:
        """Wake the threads of the other clones, of which one looks after the borrower."""
        with self._monitor.lock:
            self._monitor.wake_all(self._stage.idle)

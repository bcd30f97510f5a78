"""A scaled cell at run time: threads that take tickets, and a sequencer that puts the results into order.

A worker takes the intake, opens a ticket, pulls every input port once, gives the intake away, does the work, and hands in
the result. Where items are so quick that the hand-over costs more than the work, the consumer borrows a worker's clone
together with the intake, and does the work itself. What decides is the sequencer, and `core.lending`; this file is the thin
shell of threads around them.

Locks: everything here is guarded by the lock of the monitor, which is never held while user code runs. `ready` of the
sequencer is popped without it, by the consumer alone, who also works on a loan without it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from itertools import takewhile
from threading import get_ident
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pypipeline_engine.cell import ACloneCell, ThreadCloneCell
from pypipeline_engine.cellio import InputPort, OutputPort
from pypipeline_engine.core.clock import Clock
from pypipeline_engine.core.counters import Counters
from pypipeline_engine.core.monitor import Interrupted, Monitor, Suppliers, Waiter
from pypipeline_engine.core.sequencer import Sequencer
from pypipeline_engine.core.values import END, Outcome
from pypipeline_engine.runtime.flatten import is_wanted, pulls_its_inside
from pypipeline_engine.runtime.lender import Lender
from pypipeline_engine.runtime.worker import Worker

if TYPE_CHECKING:
    from pypipeline_engine.cell import ScalableCell
    from pypipeline_engine.runtime.scope import Scope

SMALLEST_WINDOW = 16
WINDOW_PER_CLONE = 8
"""With this many items in flight for each clone, one that takes ten times as long as the others leaves none of them idle."""
RESULTS_LIMIT_BYTES = 256 * 2**20


def window_for(nb_clones: int, asked_for: int | None) -> int:
    """How many items may be inside a scaled cell at once."""
    if asked_for is not None:
        return asked_for
    return max(SMALLEST_WINDOW, WINDOW_PER_CLONE * nb_clones)


class Stage:
    """The tickets, the results and the workers of one scaled cell."""

    def __init__(
        self,
        cell: ScalableCell,
        name: str,
        monitor: Monitor,
        on_worker_end: Callable[[Worker], None],
        on_growth: Callable[[], None] = lambda: None,
    ) -> None:
        """Make a stage without workers.

        :param on_worker_end: is called by the thread of each worker when it has done its last item.
        :param on_growth: is called, with the lock held, when more items than before may be inside at once.
        """
        self.cell = cell
        self.on_worker_end = on_worker_end
        self._on_growth = on_growth
        self.name = name
        self.monitor = monitor
        self.pulls_its_inside = pulls_its_inside(cell)
        self.input_names = [io.get_name() for io in cell.get_inputs() if isinstance(io, InputPort)]
        self.output_names = [io.get_name() for io in cell.get_outputs() if isinstance(io, OutputPort) and is_wanted(io)]
        self.workers: list[Worker] = []
        self._leaving: list[Worker] = []
        """Those that do nothing more, and whose cells their own threads still undeploy."""
        self.sequencer = Sequencer(self._get_window(), RESULTS_LIMIT_BYTES)
        self.outlet = Counters()
        self.first_item = 0
        """The number of the item that the first ticket was for: the inner cell may have had others before."""
        self.get_item: Callable[[int], int] = lambda ticket: self.first_item + ticket
        """The number of the item that a ticket is for. A clone around this cell has a part of the items only."""
        self.retired_starved_s = 0.0
        self.retired_wall_s = 0.0
        self.ready = self.sequencer.ready
        self.collect: Callable[[], Any] = lambda: END
        self._clock = Clock(1)
        self.find_consumers: Suppliers = lambda: None
        self.intake_depth = 0
        # Guarded by the lock of the monitor.
        self.intake_is_taken = False
        self.intake_thread: int | None = None
        """Which thread has taken the intake; `None` where it is lent."""
        self.opener: Worker | None = None
        """Of the workers that run ahead, the one on whose behalf a ticket is being opened."""
        self.idle: list[Waiter] = []
        self.consumers: list[Waiter] = []
        self.paused = False
        self.is_dropping = False
        self.closed = False
        self.generation = 0
        self._resting: list[Waiter] = []
        self.watchers: list[Waiter] = []
        self._next_number = 1
        self.lender = Lender(self)

    def bind(self, collect: Callable[[], Any], clock: Clock, find_consumers: Suppliers, depth: int) -> None:
        """Say how the intake collects the values of one ticket; where it pulls the inside, these are the results.

        :param clock: that of the intake.
        :param find_consumers: says which threads take the results.
        :param depth: through how many cells the intake may pull, one within the other.
        """
        self.intake_depth = depth
        self.collect = collect
        self._clock = clock
        self.find_consumers = find_consumers

    def _get_window(self) -> int:
        asked_for = self.cell.config_queue_capacity.get_value()
        window = window_for(self.cell.get_nb_clones(), asked_for)
        if asked_for is not None:
            return window
        # As many results may wait as are on their way, so that nobody stands still while they are taken.
        return max(window, 2 * sum(worker.get_nb_wanted() for worker in self.workers))

    # ------------------------------------------------------------------ the worker's side

    def take_intake(self, worker: Worker, ahead: bool = False) -> int | None:
        """Wait until there may be one more item, and open its ticket; `None` where the worker has to end.

        :param ahead: whether the thread is inside of a pull, which an interruption has to unwind.
        """
        begin = perf_counter()
        blocked_s = 0.0
        with self.monitor.lock:
            while True:
                if self.closed or self.monitor.closed or (worker.retiring and not worker.is_lent):
                    return None
                if ahead and self.is_dropping and self.monitor.interrupted:
                    raise Interrupted
                if self.is_halted():
                    self.rest(worker)
                    begin = perf_counter()
                    blocked_s = 0.0
                elif self.may_take_intake() and not worker.is_lent:
                    worker.starved_s += perf_counter() - begin - blocked_s
                    return self._open_intake(worker, ahead)
                else:
                    starved = (self.sequencer.has_credit() or self.sequencer.ended) and not self.lender.lends()
                    asleep = perf_counter()
                    try:
                        self.lender.sleep(worker)
                    except Interrupted:
                        continue  # for a reason that is looked for above
                    if not starved:
                        blocked_s += perf_counter() - asleep

    def keep_intake_locked(self, worker: Worker) -> int | None:
        """Open one more ticket for the worker that has the intake, where nobody else is there to take it. Lock held.

        :returns: the ticket; `None` where the worker has to give the intake away.
        """
        is_asked_for = self.idle or self.closed or self.monitor.closed or worker.retiring or self.is_halted()
        if is_asked_for or self.lender.lends() or not self.sequencer.has_credit():
            return None
        return self._open_intake(worker)

    def _open_intake(self, worker: Worker, ahead: bool = False) -> int:
        self.intake_is_taken = True
        self.intake_thread = get_ident()
        self.opener = worker if ahead else None
        ticket = self.sequencer.open()
        if not ahead:
            worker.ticket = ticket
        return ticket

    def may_take_intake(self) -> bool:
        return not self.intake_is_taken and not self.lender.lends() and self.sequencer.has_credit()

    def is_halted(self) -> bool:
        """Whether workers have to rest. A reset does not know the stages inside of a clone that has just been taken away,
        and does not pause them: their workers rest until they are ended. Lock held.
        """
        return self.paused or self.monitor.interrupted

    def rest(self, worker: Worker) -> None:
        worker.nb_resting += 1
        self.monitor.wake_all(self.watchers)
        try:
            self.monitor.wait(self._resting, lambda: "a change of the plan", through_interruption=True)
        finally:
            worker.nb_resting -= 1

    def work(self, worker: Worker, ticket: int) -> None:
        """Work on one item. The worker has the intake, and gives it away as soon as it has its inputs."""
        begin = perf_counter()
        blocked_s = self._clock.blocked_s
        result: Any
        try:
            result = self.collect()
        except Interrupted:
            self.give_intake()
            return
        except BaseException as error:
            names = self.output_names if self.pulls_its_inside else self.input_names
            result = [Outcome(error)] * max(1, len(names))
        if self.pulls_its_inside or result is END:
            self.give_intake(ticket, result)
            del result  # as below
            return
        blocked_s = self._clock.blocked_s - blocked_s  # as long as it has the intake, nobody else counts there
        self.give_intake()
        worker.starved_s += perf_counter() - begin - blocked_s
        assert worker.scope is not None
        try:
            result = worker.scope.process(result)
        except Interrupted:
            return
        except BaseException as error:
            result = [Outcome(error)] * max(1, len(self.output_names))
        with self.monitor.lock:
            self.lender.pace.note(perf_counter() - begin)
            self.finish(ticket, result)
        del result  # an error in it and this frame would keep each other, and values, alive

    def open_ticket(self, worker: Worker) -> Any:
        """The values of a new ticket for a worker that runs ahead, or `END`."""
        ticket = self.take_intake(worker, ahead=True)
        if ticket is None:
            return END
        values: Any = None
        try:
            values = self.collect()
        finally:
            if values is END:
                self.give_intake(ticket, END)
            else:
                with self.monitor.lock:
                    if worker.has_ended:  # while this ticket was being opened
                        self.finish(ticket, END)
                    else:
                        worker.tickets.append(ticket)
                        if self.paused:  # its own thread may rest already, and has this one to bring first
                            self.monitor.wake_all(self._resting)
                self.give_intake()
        try:
            return values
        finally:
            del values  # as in `work`

    def finish_oldest(self, worker: Worker, result: Any) -> None:
        """Hand in the result of the oldest ticket of a worker that runs ahead."""
        with self.monitor.lock:
            worker.nb_done += 1
            self.finish(worker.tickets.popleft(), result)
            if self.paused:
                self.monitor.wake_all(self.watchers)

    def end_tickets(self, worker: Worker) -> None:
        """End the stream in the place of what a worker that runs ahead has in work: a cell inside of it ended."""
        with self.monitor.lock:
            worker.has_ended = True
            while worker.tickets:
                self.finish(worker.tickets.popleft(), END)

    def wait_for_revival(self, worker: Worker) -> bool:
        """After the end of the stream, or an interruption, wait until there is more to do; false where there never is."""
        with self.monitor.lock:
            while not (self.closed or self.monitor.closed):
                if worker.generation != self.generation:
                    # Before any rest, and before the end: there may be tickets of the new generation already, and who
                    # brings them rests for it.
                    worker.generation = self.generation
                    return True
                if worker.tickets and not self.monitor.interrupted:
                    # Opened for it while it rested and was about to go on; who wants rest now waits for them.
                    return True
                if worker.retiring:
                    return False
                if self.is_halted():
                    self.rest(worker)
                elif not self.sequencer.ended:
                    return True
                else:
                    with suppress(Interrupted):
                        self.monitor.wait(self.idle, self.describe_idleness, suppliers=self.find_suppliers_of_work)
            return False

    def give_intake(self, ticket: int | None = None, result: Any = None) -> None:
        with self.monitor.lock:
            self.give_intake_locked(ticket, result)

    def give_intake_locked(self, ticket: int | None = None, result: Any = None) -> None:
        """Lock held."""
        self.intake_is_taken = False
        self.opener = None
        if self.paused:
            self.monitor.wake_all(self.watchers)
        if ticket is not None:
            self.finish(ticket, result)
        if self.sequencer.has_credit():
            self.monitor.wake_last(self.idle)

    def finish(self, ticket: int, result: Any) -> None:
        if self.sequencer.finish(ticket, result) and self.consumers:
            self.sequencer.handed = 1
            self.monitor.wake_first(self.consumers)

    def describe_idleness(self) -> str:
        name = self.cell.get_full_name()
        if self.sequencer.ended:
            return f"a reset of {name}, whose stream has ended"
        if self.intake_is_taken and self.lender.loan is None:
            return f"the input of {name}, which another clone pulls"
        return f"somebody to pull {name}, which has {self.sequencer.inside} items inside"

    # ------------------------------------------------------------------ the consumer's side

    def take(self) -> Any:
        """The next result: a list with a value or an `Outcome` for each wanted output. One thread at a time.

        :raises StopIteration: at the end of the stream, every time until `rewind`.
        """
        lender = self.lender
        result = self.take_without_loan() if lender.loan is None else lender.work()
        try:
            if result is END:
                self.ready.appendleft(END)
                raise StopIteration
            return result
        finally:
            del result  # as in `work`

    def take_without_loan(self) -> Any:
        """The next result of the threads, or what comes of a loan that begins now; `END` at the end of the stream."""
        self.sequencer.handed = 0  # left where Ctrl-C came between a wake-up and what was to follow
        try:
            result = self.ready.popleft()
        except IndexError:
            if not self._wait_for_result():
                return self.lender.work()
            self.sequencer.handed = 0
            result = self.ready.popleft()
        if result is not END:
            self.sequencer.count_out(result)
            if self.idle and not self.lender.lends():
                with self.monitor.lock:
                    if self.may_take_intake():
                        self.monitor.wake_last(self.idle)
        return result

    def has_ended(self) -> bool:
        """Whether nothing is left to take."""
        return bool(self.ready) and self.ready[0] is END

    def _wait_for_result(self) -> bool:
        """Wait until there is a result; false where the consumer has got a clone to work with instead."""
        with self.monitor.lock:
            while not self.ready:
                if self.lender.begin():
                    return False
                self.monitor.wait(
                    self.consumers,
                    lambda: f"a result of {self.cell.get_full_name()}",
                    suppliers=self._find_suppliers_of_results,
                )
            return True

    # ------------------------------------------------------------------ who waits for whom, lock held

    def find_intake_threads(self) -> Collection[int] | None:
        """The threads that pull the inputs, or would pull them next; `None` where that may be any."""
        if self.closed or self.paused:
            return None  # whoever does that brings what is waited for, or ends the wait
        if self.lender.loan is not None:
            return self.find_consumers()
        if self.intake_is_taken:
            return None if self.intake_thread is None else [self.intake_thread]
        found: set[int] = set()
        for worker in self.workers:
            threads = worker.find_feeding_threads()
            if threads is None:
                return None
            found.update(threads)
        return found or None  # where there is nobody, somebody is about to change that

    def find_suppliers_of_work(self) -> Collection[int] | None:
        """The threads that an idle worker waits for."""
        if self.sequencer.ended or self.closed or self.paused:
            return None
        if self.intake_is_taken and self.lender.loan is None:
            return self.find_intake_threads()
        return self.find_consumers()

    def _find_suppliers_of_results(self) -> Collection[int] | None:
        head = self.sequencer.head
        if head < self.sequencer.opened:
            for worker in self.workers:
                if worker.ticket == head or head in worker.tickets:
                    return worker.find_threads()
        return self.find_intake_threads()

    # ------------------------------------------------------------------ workers

    def add_worker(self, make: Callable[[int], Worker]) -> Worker:
        """Start a clone.

        :param make: makes its worker, and is given a number that no other one of this stage had.
        """
        worker = make(self._next_number)
        self._next_number += 1
        self.monitor.enter()  # on behalf of the thread, so that it never seems that everybody sleeps
        self.workers.append(worker)
        self.refresh_window()
        try:
            worker.thread.start()
        except BaseException:
            self.workers.remove(worker)
            self.monitor.leave()
            raise
        return worker

    @property
    def staying(self) -> list[Worker]:
        """The workers that are not about to end."""
        return [worker for worker in self.workers if not worker.retiring]

    def get_staying(self, method: type[ACloneCell]) -> list[Worker]:
        """Those that run their clone in this way."""
        return [worker for worker in self.staying if worker.method is method]

    def retire_youngest(self, method: type[ACloneCell] = ThreadCloneCell) -> Worker:
        """Have the youngest clone of this kind end after the item that it works on. Does not wait for it."""
        worker = self.get_staying(method)[-1]
        self.retire(worker)
        return worker

    def retire(self, worker: Worker) -> None:
        """The same with this one."""
        with self.monitor.lock:
            worker.retiring = True
            worker.wake_locked()
            self.monitor.wake_all(self.idle)
            self.monitor.wake_all(self._resting)
        self.refresh_window()

    def get_bound_scopes(self) -> list[Scope]:
        """What the clones here run, those included that only undeploy it: their cells are not free for others yet."""
        with self.monitor.lock:
            return [worker.scope for worker in (*self.workers, *self._leaving) if worker.scope is not None]

    def forget(self, worker: Worker) -> None:
        """Count a worker that has ended among those that were. Its cells are free for others after `let_go` only."""
        with self.monitor.lock:
            if worker in self.workers:
                self.workers.remove(worker)
                self._leaving.append(worker)
                self.retired_starved_s += worker.starved_s
                self.retired_wall_s += worker.wall_s
                self.monitor.wake_all(self.watchers)
                # Without the last one in another process a clone may be lent, and the others leave the work to the consumer.
                self.monitor.wake_all(self.consumers)

    def let_go(self, worker: Worker) -> None:
        """Say that nothing is left of a worker that was forgotten."""
        with self.monitor.lock:
            self._leaving.remove(worker)

    def refresh_window(self) -> None:
        """Size the queue for the clones that there are now."""
        with self.monitor.lock:
            self.lender.end()
            self.lender.pace.begin_again()
            self.size_window()
            self.monitor.wake_all(self.idle)

    def size_window(self) -> None:
        """Size the queue for what the clones there are want to have on their way. Lock held."""
        window = self._get_window()
        grows = window > self.sequencer.window
        self.sequencer.window = window
        if grows:
            self._on_growth()
            self.monitor.wake_all(self.idle)

    @property
    def has_remote_workers(self) -> bool:
        """Whether there is a clone in another process."""
        return any(worker.is_remote for worker in self.workers)

    @property
    def wall_s(self) -> float:
        """Seconds that workers existed, added up."""
        return self.retired_wall_s + sum(worker.wall_s for worker in self.workers)

    @property
    def starved_s(self) -> float:
        """Seconds that workers waited for inputs, added up."""
        return self.retired_starved_s + sum(worker.starved_s for worker in self.workers)

    # ------------------------------------------------------------------ resting and ending

    def pause(self) -> None:
        """Let every worker finish its item, and wait until all rest. The caller has entered the monitor."""
        with self.monitor.lock:
            self.paused = True
            self.lender.end()
            self.monitor.wake_all(self.idle)
            for worker in self.workers:
                worker.wake_locked()
            while not all(worker.is_at_rest() for worker in self.workers):
                self.monitor.wait(self.watchers, lambda: f"the clones of {self.cell.get_full_name()} to come to rest")

    def hold(self) -> None:
        """Let workers that are about to start rest at once."""
        with self.monitor.lock:
            self.paused = True

    def drop(self) -> None:
        """Let workers rest as soon as they are interrupted, and drop what they do."""
        with self.monitor.lock:
            self.paused = self.is_dropping = True
            self.lender.end()

    def unpause(self) -> None:
        """Let the workers go on."""
        with self.monitor.lock:
            self.paused = self.is_dropping = False
            self.monitor.wake_all(self._resting)
            self.monitor.wake_all(self.consumers)

    def close(self) -> None:
        """Have every worker end. Does not wait."""
        with self.monitor.lock:
            self.closed = True
            self.lender.end()
            for sleepers in (self._resting, self.idle, self.lender.away):
                self.monitor.wake_all(sleepers)
            for worker in self.workers:
                worker.wake_locked()

    def reopen(self) -> None:
        """Allow workers again after all have ended."""
        with self.monitor.lock:
            self.closed = False

    def join(self) -> None:
        """Wait until every worker has ended, and those that were taken away have undeployed what they ran."""
        with self.monitor.lock:
            all_of_them = [*self.workers, *self._leaving]
        for worker in all_of_them:
            worker.thread.join()

    def rewind(self) -> None:
        """Drop everything inside. All workers rest."""
        with self.monitor.lock:
            self.intake_is_taken = False
            self.opener = None
            self.generation += 1
            self.first_item = 0
            self.sequencer.reset()
            for worker in self.workers:
                worker.rewind()

    def end_at_once(self) -> None:
        """Begin with a stream that has ended."""
        self.sequencer.finish(self.sequencer.open(), END)

    @property
    def nb_taken(self) -> int:
        """How many items have come out of the cell since its stream began. Nobody takes any meanwhile."""
        with self.monitor.lock:  # else a worker may be about to hand in several at once
            loan = self.lender.loan  # as long as there is one, its items have no tickets
            return self.first_item + (self.sequencer.head - len(self.ready) if loan is None else loan.next)

    @property
    def nb_brought(self) -> int:
        """How many items have been done since its stream began, taken or not. All workers rest."""
        return self.nb_taken + sum(1 for _ in takewhile(lambda result: result is not END, self.ready))

    def drain(self) -> list[Any]:
        """Take out the finished results, in order. All workers rest."""
        with self.monitor.lock:
            results = list(takewhile(lambda result: result is not END, self.ready))
            self.ready.clear()
            return results

"""Feeds a clone in another process, and hands in what comes back.

One thread takes tickets and begins calls, the other one waits for the oldest call. As long as few calls are on their way, an
item leaves at once; else items gather, and leave together when a call has come back. So a slow stream has no delay, and of
a fast one many items share the cost of a call, which is some 0.3 ms on either side.

How many items a clone holds follows from how long they take: enough for `LEAD_S` of work, so that it never waits for a call,
and not more, so that the others have something to do, and a parameter that changes holds soon.

When the process dies, another one takes its place. What it had not finished is done again where the cell keeps no state, and
reported as lost where it does. An item that was in work each time is taken for the reason after `MOST_DEATHS`.

Locks: as in `stage`, everything is guarded by the lock of the monitor, which is not held while values are packed or waited
for.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pypipeline_engine.cell import ACell, ASingleCell, RayCloneCell
from pypipeline_engine.core.counters import Counters, DeadLetter, sum_counters
from pypipeline_engine.core.errors import add_note, describe_error, sign
from pypipeline_engine.core.monitor import Interrupted, Waiter
from pypipeline_engine.core.values import END, Outcome, size_of
from pypipeline_engine.exceptions import InvalidInputException, InvalidStateException, ItemSkipped
from pypipeline_engine.runtime.remote import cluster
from pypipeline_engine.runtime.remote.border import Border
from pypipeline_engine.runtime.remote.clone import Died, RemoteClone
from pypipeline_engine.runtime.remote.messages import Done, Failure, Same, Work, decode, encode
from pypipeline_engine.runtime.remote.travel import get_parameters, get_values
from pypipeline_engine.runtime.worker import Worker

if TYPE_CHECKING:
    from pypipeline_engine.runtime.stage import Stage

CALLS_ON_THEIR_WAY = 2
"""One is worked on, and the next one is there when that is done. With a third one, calls would be smaller."""
LEAD_S = 0.09
"""How much work a clone holds: 30 ms in each of the calls, beside which the cost of a call is little; as much gathers."""
FEWEST_HELD = 2
MOST_HELD = 1024
CALL_LIMIT_BYTES = 8 * 2**20
"""A call brings, or takes back, more only where one item does. So one frame is copied while another is worked on."""
SHARED_CALL_LIMIT_BYTES = 32 * 2**20
"""The same where the two processes share memory for it. A call costs both together as much as copying two frames of 1080p,
so that some frames have to share one; with more in it, not all calls that are on their way would have buffers."""
HELD_LIMIT_BYTES = 80 * 2**20
"""What waits in the memory that the processes of a node share, of the items of one clone or of their results."""
MOST_DEATHS = 3


@dataclass(slots=True)
class _Item:
    ticket: int
    values: Any
    nb_bytes: int
    nb_deaths: int = 0
    """How often the process died while it worked on this one, or one that was with it."""
    is_alone: bool = False
    """Whether it is to have a call of its own."""


@dataclass(slots=True)
class _Call:
    items: list[_Item]
    nb_bytes: int
    """Of what they bring."""
    begun: Any = None
    trouble: BaseException | None = None
    """What came in the way of beginning it."""


class Pace:
    """How many items a clone is to hold."""

    def __init__(self) -> None:
        self._item_s: float | None = None
        self.result_bytes = 0.0
        """How large a result is."""
        self.held = FEWEST_HELD
        """How many items are to be on their way, or to gather for the next call."""
        self.in_a_call = 1
        """How many of them share a call at most."""

    def note(self, took_s: float, nb_items: int, nb_bytes: int) -> None:
        """Say how long some items took, and how large their results are together."""
        item_s, result_bytes = took_s / nb_items, nb_bytes / nb_items
        self._item_s = item_s if self._item_s is None else 0.7 * self._item_s + 0.3 * item_s
        self.result_bytes = max(result_bytes, 0.7 * self.result_bytes + 0.3 * result_bytes)
        self.held = max(FEWEST_HELD, min(MOST_HELD, int(LEAD_S / max(self._item_s, 1e-9))))
        self.in_a_call = max(1, self.held // (CALLS_ON_THEIR_WAY + 1))


class RemoteWorker(Worker):
    """A clone in another process, with the two threads that serve it here."""

    method = RayCloneCell

    def __init__(
        self, stage: Stage, clone: RemoteClone, number: int, report_letter: Callable[[DeadLetter], None]
    ) -> None:
        super().__init__(stage, None, number)
        self.clone = clone
        self._counted: tuple[dict[str, tuple[Any, ...]], dict[str, Counters]] = ({}, {})
        """What the process has counted, as it came, and what was counted besides, by processes that have died or here."""
        self._parameters = get_parameters(stage.cell)
        self.pace = Pace()
        self.cell: ACell = next(one for one in stage.cell._get_cells_recursively() if isinstance(one, ASingleCell))
        """The one that counts what cannot be said of any of them alone."""
        self.border = Border(stage.cell, stage.input_names, stage.output_names)
        self._letters = report_letter
        self._broken: Exception | None = None
        """Why there is no process any more."""
        self._is_sending = False
        self._held_bytes = 0
        self._gathered: deque[_Item] = deque()
        self._calls: deque[_Call] = deque()
        self._has_no_more = False
        self._room: list[Waiter] = []
        self._news: list[Waiter] = []
        self.collector = threading.Thread(target=self._collect, name=f"{self.thread.name} results", daemon=True)

    # ------------------------------------------------------------------ what others ask

    @property
    def counters(self) -> dict[str, Counters]:
        """What the clone has counted, by the full name of the cell, processes that have died included. Any thread."""
        reported, besides = self._counted
        parts = {name: [Counters.from_tuple(counted)] for name, counted in reported.items()}
        for name, counted in list(besides.items()):
            parts.setdefault(name, []).append(counted)
        return {name: sum_counters(counted) for name, counted in parts.items()}

    def get_oldest_ticket(self) -> int | None:
        """What the clone has worked on for longest; `None` where nothing is on its way. Any thread."""
        calls = list(self._calls)
        return calls[0].items[0].ticket if calls else None

    def get_nb_wanted(self) -> int:
        return self.pace.held

    def wake_locked(self) -> None:
        self.stage.monitor.wake_all(self._room)

    def find_threads(self) -> Collection[int] | None:
        # Either of them begins calls, and one that waits for a result is awake for all that is known here.
        idents = [thread.ident for thread in (self.thread, self.collector)]
        return None if None in idents else [ident for ident in idents if ident is not None]

    def get_all_threads(self) -> Collection[int | None]:
        return self.thread.ident, self.collector.ident

    def find_feeding_threads(self) -> Collection[int] | None:
        return () if self.ended or self.retiring or self.thread.ident is None else [self.thread.ident]

    def rewind(self) -> None:
        super().rewind()
        self._gathered.clear()
        self._held_bytes = 0
        self.wake_locked()

    # ------------------------------------------------------------------ feeding

    def _run_to_the_end(self) -> None:
        stage = self.stage
        stage.monitor.enter()  # on behalf of the collector
        self.collector.start()
        try:
            self._wait_for_room()
            ticket = stage.take_intake(self)
            while ticket is not None:
                ticket = self._feed(ticket)
                if ticket is None:
                    self._wait_for_room()
                    ticket = stage.take_intake(self)
            self._wait_until_done()
        finally:
            with stage.monitor.lock:
                self._has_no_more = True
                stage.monitor.wake_all(self._news)
            self.collector.join()

    def _wait_for_room(self) -> None:
        """Wait until the clone may hold one more item, or there are to be no more: `take_intake` knows which."""
        monitor = self.stage.monitor
        with monitor.lock:
            while self._is_full() and not (self.stage.closed or monitor.closed or self.retiring):
                if self.stage.is_halted():
                    self.stage.rest(self)
                else:
                    self._sleep(self._room, "the clone has items enough")

    def _is_full(self) -> bool:
        if not self.tickets:
            return False
        nb_bytes = max(self._held_bytes, len(self.tickets) * self.pace.result_bytes)
        return len(self.tickets) >= self.pace.held or nb_bytes >= HELD_LIMIT_BYTES

    def _sleep(self, queue: list[Waiter], what: str) -> None:
        try:
            self.stage.monitor.wait(
                queue,
                lambda: f"{what} of {self.stage.cell.get_full_name()}",
                through_interruption=True,
                suppliers=self.find_threads,
            )
        except Interrupted:
            return

    def _feed(self, ticket: int) -> int | None:
        """Collect one item, which leaves or gathers. Returns the ticket of the next one where that may follow at once."""
        stage = self.stage
        try:
            values = stage.collect()
        except Interrupted:
            stage.give_intake()
            return None
        except BaseException as error:
            values = [Outcome(error)] * max(1, len(stage.input_names))
        if values is END:
            stage.give_intake(ticket, END)
            return None
        item = _Item(ticket, values, size_of(values))
        with stage.monitor.lock:
            self.tickets.append(ticket)
            self._held_bytes += item.nb_bytes
            self._gathered.append(item)
            call = self._take_call()
            next_ticket = None if call is not None or self._is_full() else stage.keep_intake_locked(self)
            if next_ticket is not None:
                return next_ticket
            stage.give_intake_locked()
        self._send(call)
        return None

    def _wait_until_done(self) -> None:
        """Wait until the clone has nothing on its way any more."""
        monitor, stage = self.stage.monitor, self.stage
        with monitor.lock:
            while self._calls or (self.tickets and not (stage.closed or monitor.closed)):
                self._sleep(self._room, "the last results")

    # ------------------------------------------------------------------ sending

    def _take_call(self) -> _Call | None:
        """A call that is to be begun now by this thread. Where the other one is at it, that goes on with it. Lock held."""
        if self._is_sending or len(self._calls) >= CALLS_ON_THEIR_WAY:
            return None
        call = self._form_call()
        if call is not None:
            self._is_sending = True
            self._calls.append(call)
        return call

    def _send(self, call: _Call | None) -> None:
        """Begin a call, and then as many more as may be on their way."""
        monitor = self.stage.monitor
        while call is not None:
            values = get_values(self._parameters)
            try:
                call.begun = self.clone.begin(self._make_work(call, values))
                self.clone.sent = values  # not where that failed: they are still to come
            except BaseException as error:
                call.trouble = error
            with monitor.lock:
                self._is_sending = False
                monitor.wake_all(self._news)
                call = self._take_call()

    def _form_call(self) -> _Call | None:
        """Take what gathered into a call; `None` where none may begin. Lock held."""
        gathered, stage = self._gathered, self.stage
        if not gathered or stage.is_dropping or stage.monitor.closed:
            return None
        if self._calls and (gathered[0].nb_deaths or self._calls[-1].items[0].nb_deaths):
            # Where a process died, its answers of just before may be lost as well: what it had then is tried with nothing
            # else on its way, so that an innocent item is not taken for the reason again and again.
            return None
        limit_bytes = SHARED_CALL_LIMIT_BYTES
        if not self.clone.shares_memory:
            room_bytes = self._get_room_bytes()
            if self._calls and max(gathered[0].nb_bytes, self.pace.result_bytes) > room_bytes:
                return None
            limit_bytes = min(CALL_LIMIT_BYTES, room_bytes)
        items = [gathered.popleft()]
        nb_bytes = items[0].nb_bytes
        while gathered and not (items[0].is_alone or gathered[0].is_alone) and len(items) < self.pace.in_a_call:
            with_next_bytes = nb_bytes + gathered[0].nb_bytes
            if max(with_next_bytes, (len(items) + 1) * self.pace.result_bytes) > limit_bytes:
                break
            items.append(gathered.popleft())
            nb_bytes = with_next_bytes
        return _Call(items, nb_bytes)

    def _get_room_bytes(self) -> int:
        """How much a call may bring, and as much take back, so that the store of this node has room for all of them."""
        result_bytes = self.pace.result_bytes
        nb_bytes = sum(call.nb_bytes + len(call.items) * result_bytes for call in self._calls)
        return int(self.clone.share_bytes - nb_bytes) // 2

    def _make_work(self, call: _Call, values: list[tuple[Any, Any]]) -> Work:
        if self._broken is not None:
            raise self._broken
        changes = [
            (place, new)
            for place, (new, old) in enumerate(zip(values, self.clone.sent, strict=True))
            if new[0] is not old[0] or new[1] is not old[1]
        ]
        if changes:
            route = cluster.get_route()
            changes = [(place, (route.translate(new[0]), route.translate(new[1]))) for place, new in changes]
        return Work(
            [self.stage.get_item(item.ticket) for item in call.items],
            [
                [encode(value, with_text=False) if value.__class__ is Outcome else value for value in item.values]
                for item in call.items
            ],
            changes,
        )

    # ------------------------------------------------------------------ what comes back

    def _collect(self) -> None:
        monitor = self.stage.monitor
        try:
            while (call := self._get_oldest_call()) is not None:
                try:
                    if call.trouble is not None:
                        raise call.trouble
                    done = self.clone.finish(call.begun)
                    results = self._get_results(call, done)
                except Died as death:
                    self._replace(death)
                except BaseException as error:  # whatever it is, those who wait for the items have to hear of it
                    self._settle_trouble(call, error)
                else:
                    self._settle(call, done, results)
                if self._gathered:  # else whoever gathers more sends it
                    with monitor.lock:
                        more = self._take_call()
                    self._send(more)
        finally:
            monitor.leave()

    def _get_oldest_call(self) -> _Call | None:
        """Wait for a call that has begun; `None` where there are to be no more."""
        with self.stage.monitor.lock:
            while not self._calls or (self._calls[0].begun is None and self._calls[0].trouble is None):
                if self._has_no_more:
                    return None
                self._sleep(self._news, "something to do")
            return self._calls[0]

    def _get_results(self, call: _Call, done: Done) -> list[Any]:
        return [
            END if result is None else [self._unpack(value, item) for value in result]
            for item, result in zip(call.items, done.results, strict=True)
        ]

    def _settle(self, call: _Call, done: Done, results: list[Any]) -> None:
        for letter in done.letters:
            self._letters(letter)
        self._counted = (done.counted, self._counted[1])
        nb_bytes = sum(size_of(value) for result in done.results for value in result or ())
        held = self.pace.held
        self.pace.note(done.took_s, len(call.items), nb_bytes)
        if self.border.is_tapped:
            for item, result in zip(call.items, results, strict=True):
                self.border.look(self.stage.get_item(item.ticket), item.values, result, done.letters)
        with self.stage.monitor.lock:
            self._calls.popleft()
            if self.pace.held != held:
                self.stage.size_window()
            for item, result in zip(call.items, results, strict=True):
                self._finish(item, result)
            self._wake()

    @staticmethod
    def _unpack(value: Any, item: _Item) -> Any:
        kind = value.__class__
        if kind is Same:
            return item.values[value.port]
        return decode(value) if kind is Failure else value

    def _settle_trouble(self, call: _Call, error: BaseException) -> None:
        """Something that has nothing to do with the cell came in the way: of one item, or of each where there are more."""
        name = self.stage.cell.get_full_name()
        may_repeat = call.trouble is not None or self._keeps_no_state()
        with self.stage.monitor.lock:
            self._calls.popleft()
            if len(call.items) > 1 and self._broken is None and may_repeat:
                for item in reversed(call.items):
                    item.is_alone = True
                    self._gathered.appendleft(item)
                self._wake()
                return
            for item in call.items:
                trouble: Exception = InvalidInputException(
                    f"an item of {name} does not get into another process, or its result back: {describe_error(error)}"
                )
                if self._broken is not None:
                    trouble = self._broken
                else:
                    trouble.__cause__ = error
                self._finish_with(item, trouble, may_skip=self._broken is None)
            self._wake()

    def _keeps_no_state(self) -> bool:
        return self.stage.cell.get_inner_cell().supports_scaling()

    def _finish(self, item: _Item, result: Any) -> None:
        """Lock held."""
        self.tickets.remove(item.ticket)
        self._held_bytes -= item.nb_bytes
        self.stage.finish(item.ticket, result)

    def _finish_with(self, item: _Item, error: Exception, may_skip: bool = True) -> None:
        """The same for an item that has no result because of something that no cell raised. Lock held.

        :param may_skip: whether it is skipped where every cell inside says so.
        """
        cell = self.cell
        singles = [one for one in self.stage.cell._get_cells_recursively() if isinstance(one, ASingleCell)]
        blamed = cell if len(singles) == 1 else self.stage.cell.get_inner_cell()  # not the first of several by chance
        number = self.stage.get_item(item.ticket)
        sign(error, blamed.get_full_name(), None if error is self._broken else number)
        add_note(error, f"in the cell {blamed.get_full_name()}")
        counted = self._counted[1].setdefault(cell.get_full_name(), Counters())
        counted.runs += 1
        counted.lost += 1
        counted.errors += 1
        if may_skip and all(one.get_error_policy().then == "skip" for one in singles):
            counted.skipped += 1
            what = describe_error(error)
            self._letters(DeadLetter(cell.get_full_name(), number, what, what, time_s=time.time()))
            gap = ItemSkipped(f"{cell.get_full_name()} skipped an item because of {describe_error(error)}")
            sign(gap, cell.get_full_name())
            error = gap
        self._finish(item, [Outcome(error)] * max(1, len(self.stage.output_names)))

    def _wake(self) -> None:
        """Lock held."""
        monitor = self.stage.monitor
        monitor.wake_all(self._room)
        if self.stage.may_take_intake():
            monitor.wake_last(self.stage.idle)
        if self.stage.paused:
            monitor.wake_all(self.stage.watchers)

    # ------------------------------------------------------------------ deaths

    def _replace(self, death: Died) -> None:
        """Have another process in place of the one that died, and do again what it had not finished."""
        stage, name = self.stage, self.stage.cell.get_full_name()
        stage.cell.logger.warning("the process of a clone of %s died: %s", name, death)
        with stage.monitor.lock:
            while self._is_sending:
                self._sleep(self._news, "the other thread")
            self._is_sending = True  # until the other process is there
            for item in self._calls[0].items:
                item.nb_deaths += 1
                item.is_alone = True
            items = [item for call in self._calls for item in call.items]
            self._calls.clear()
            keeps_state = not self._keeps_no_state()
            again = []
            for item in items:
                if keeps_state or item.nb_deaths >= MOST_DEATHS:
                    what = "and it keeps state, so that the item cannot be done again" if keeps_state else "each time"
                    error = InvalidStateException(
                        f"the process of a clone of {name} died while it had this item, {what}: {death}"
                    )
                    self._finish_with(item, error)
                else:
                    again.append(item)
            self._gathered.extendleft(reversed(again))
            self._wake()
            is_over = stage.monitor.closed
        self._counted = ({}, self.counters)
        if not is_over:
            try:
                self.clone.renew()
            except BaseException as error:
                self._broken = InvalidStateException(
                    f"the process of a clone of {name} died ({death}), and there is no other one: {describe_error(error)}"
                )
        with stage.monitor.lock:
            self._is_sending = False
            self._wake()

"""One clone of a scaled cell on a thread of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

from pypipeline_engine.cell import ACloneCell, ThreadCloneCell
from pypipeline_engine.core.monitor import Interrupted
from pypipeline_engine.core.values import END
from pypipeline_engine.runtime.call_stack import call_with_room

if TYPE_CHECKING:
    from pypipeline_engine.runtime.scope import Scope
    from pypipeline_engine.runtime.stage import Stage

NO_TICKET = -1


class Worker:
    """A thread, and the copy of the inner cell that it runs. Its fields are guarded by the lock of the deployment."""

    method: ClassVar[type[ACloneCell]] = ThreadCloneCell

    def __init__(self, stage: Stage, scope: Scope | None, number: int) -> None:
        """Make a worker.

        :param scope: the inside of the scaled cell; `None` where the intake does all the work.
        :param number: which no other clone of the stage has or had.
        """
        self.stage = stage
        self.scope = scope
        self.number = number
        self.retiring = False
        self.nb_resting = 0
        """How many threads rest on its behalf: its own, or that of a scaled cell inside which asks it for tickets."""
        self.ended = False
        self.is_lent = False
        """Whether the consumer runs its scope, so that its own thread must not."""
        self.ticket = NO_TICKET
        """What it works on, or has worked on last. Written by whoever runs its scope."""
        self.tickets: deque[int] = deque()
        """What it works on ahead, oldest first."""
        self.has_ended = False
        """Whether a cell inside has ended the stream."""
        self.nb_done = 0
        self.generation = stage.generation
        self.began = perf_counter()
        self.starved_s = 0.0
        if scope is not None:
            scope.open_ticket = lambda: stage.open_ticket(self)
            scope.find_main = self.find_threads
            if scope.feeds_itself:
                scope.number_items_ahead(self._get_item_of)
            else:
                scope.number_items(lambda: stage.get_item(self.ticket))
        self.thread = threading.Thread(
            target=self._run, name=f"pypipeline {stage.cell.get_full_name()} #{number}", daemon=True
        )

    @property
    def is_remote(self) -> bool:
        """Whether the clone is in another process."""
        return self.method is not ThreadCloneCell

    def get_nb_wanted(self) -> int:
        """How many items it wants to have on their way beside those that every clone has. Lock held."""
        return 0

    def wake_locked(self) -> None:
        """Have it look again at what it waits for, where that is its own affair. Lock held."""

    @property
    def wall_s(self) -> float:
        """For how long it has existed, in seconds."""
        return perf_counter() - self.began

    def find_threads(self) -> Collection[int] | None:
        """The thread that runs its scope; `None` where that is one that has borrowed it. Lock held."""
        ident = self.thread.ident
        return None if self.is_lent or ident is None else [ident]

    def get_all_threads(self) -> Collection[int | None]:
        """The threads that are there for it."""
        return (self.thread.ident,)

    def find_feeding_threads(self) -> Collection[int] | None:
        """The threads that open its tickets; `None` where that may be any. Lock held."""
        if self.ended or self.retiring:
            return ()
        if self.scope is not None and self.scope.feeds_itself:
            return self.scope.find_feeding_threads()
        return self.find_threads()

    def is_at_rest(self) -> bool:
        """Whether it rests and has nothing in work. Lock held."""
        has_work = self.tickets or self.is_lent or self.stage.opener is self
        return self.ended or (self.nb_resting > 0 and not has_work)

    def rewind(self) -> None:
        """Forget what was in work. It rests. Lock held."""
        self.ticket = NO_TICKET
        self.tickets.clear()
        self.has_ended = False
        self.nb_done = 0

    def _get_item_of(self, index: int) -> int:
        """Where it runs ahead, the number of the item of its ticket `index`, from 0. Any thread. Takes the lock."""
        with self.stage.monitor.lock:
            place = min(index - self.nb_done, len(self.tickets) - 1)  # a source in here may run without any ticket
            ticket = self.tickets[place] if self.tickets else self.stage.sequencer.opened
        return self.stage.get_item(ticket)

    def _run(self) -> None:
        stage = self.stage
        stage.monitor.introduce_worker()
        try:
            inside = 0 if self.scope is None else self.scope.depth
            call_with_room(self._run_to_the_end, stage.intake_depth + inside)
        finally:
            self.ended = True
            try:
                stage.on_worker_end(self)
            finally:
                stage.monitor.leave_as_worker()

    def _run_to_the_end(self) -> None:
        stage = self.stage
        if self.scope is not None and self.scope.feeds_itself:
            self._run_ahead(self.scope)
        else:
            while (ticket := stage.take_intake(self)) is not None:
                stage.work(self, ticket)

    def _run_ahead(self, scope: Scope) -> None:
        """Run a clone with scaled cells of its own: it opens tickets ahead of the results that it brings."""
        stage = self.stage
        while True:
            result: Any = None
            with suppress(Interrupted):
                result = scope.process_next(self.nb_done)
                if result is END:
                    stage.end_tickets(self)
                else:
                    stage.finish_oldest(self, result)
                    continue
            if not stage.wait_for_revival(self):
                return

"""Sleeping and waking, with real threads that gates put into order."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest
from core_rig import PATIENCE_S, SensedMonitor, Starter, Task
from explorer import Explorer

from pypipeline_engine.core import monitor as monitor_module
from pypipeline_engine.core import turn as turn_module
from pypipeline_engine.core.monitor import Interrupted, Kept, Monitor, Waiter
from pypipeline_engine.core.turn import Turn
from pypipeline_engine.exceptions import DeadlockException, UnsetRecurrentConnectionException


def sleep_in(monitor: Monitor, queue: list[Waiter], reason: str = "something", **options: object) -> None:
    """Enter, sleep once, leave."""
    monitor.enter()
    try:
        with monitor.lock:
            monitor.wait(queue, lambda: reason, **options)  # type: ignore[arg-type]
    finally:
        monitor.leave()


def pull_and_sleep_in(monitor: Monitor, queue: list[Waiter], turn: Turn, reason: str = "something") -> None:
    monitor.begin_pull(turn)
    try:
        with monitor.lock:
            monitor.wait(queue, lambda: reason)
    finally:
        monitor.end_pull(turn)


def wake(monitor: Monitor, how: Callable[[list[Waiter]], None], queue: list[Waiter]) -> None:
    with monitor.lock:
        how(queue)


class TestWaking:
    def test_each_wake_up_wakes_one(self, monitor: SensedMonitor, start: Starter) -> None:
        queue: list[Waiter] = []
        tasks = []
        for number in range(3):
            tasks.append(start(lambda: sleep_in(monitor, queue)))
            monitor.await_sleepers()
            assert monitor.state == (0, 0, number + 1)
        wake(monitor, monitor.wake_last, queue)
        tasks[2].join()
        wake(monitor, monitor.wake_first, queue)
        tasks[0].join()
        assert tasks[1].is_running()
        assert monitor.state == (0, 0, 1)
        wake(monitor, monitor.wake_all, queue)
        tasks[1].join()
        assert monitor.state == (0, 0, 0)

    def test_who_is_woken_is_awake_before_it_runs(self, monitor: SensedMonitor, start: Starter) -> None:
        """Or all would seem to sleep between the wake-up and the moment in which the thread goes on."""
        queue: list[Waiter] = []
        start(lambda: sleep_in(monitor, queue))
        monitor.await_sleepers()
        with monitor.lock:
            monitor.wake_first(queue)
            assert (monitor._awake, len(monitor._waiting), queue) == (1, 0, [])

    def test_waking_nobody_is_fine(self, monitor: SensedMonitor) -> None:
        for how in (monitor.wake_first, monitor.wake_last, monitor.wake_all):
            wake(monitor, how, [])
        assert monitor.state == (0, 0, 0)

    def test_the_lock_is_free_while_asleep_and_held_after(self, monitor: SensedMonitor, start: Starter) -> None:
        queue: list[Waiter] = []

        def sleep() -> bool:
            monitor.enter()
            with monitor.lock:
                monitor.wait(queue, lambda: "")
                held = monitor.lock.locked()  # type: ignore[attr-defined]
            monitor.leave()
            return held

        task = start(sleep)
        monitor.await_sleepers()
        wake(monitor, monitor.wake_all, queue)
        assert task.result() is True

    def test_what_came_about_before_the_announcement_is_seen(self, monitor: SensedMonitor) -> None:
        """`unless` is looked at after the sleeper stands in the queue: whoever comes later sees it there."""
        queue: list[Waiter] = []
        monitor.enter()
        with monitor.lock:
            monitor.wait(queue, lambda: "", unless=lambda: len(queue) == 1)
        assert queue == []
        assert monitor.state == (1, 0, 0)

    def test_an_error_is_handed_to_the_sleeper(self, monitor: SensedMonitor, start: Starter) -> None:
        queue: list[Waiter] = []
        task = start(lambda: sleep_in(monitor, queue))
        monitor.await_sleepers()
        with monitor.lock:
            monitor.wake_with(queue[0], DeadlockException("in a circle"))
        with pytest.raises(DeadlockException, match="in a circle"):
            task.result()
        assert queue == []
        assert monitor.state == (0, 0, 0)

    def test_no_wake_up_is_lost_without_the_lock(self) -> None:
        """A condition that comes about without the lock: the waker looks for sleepers after it, the sleeper looks after
        its announcement."""
        for seed in range(300):
            explorer = Explorer(seed, [monitor_module, turn_module])
            monitor = Monitor(explorer.new_lock)
            queue: list[Waiter] = []
            done: list[str] = []

            def sleep(monitor=monitor, queue=queue, done=done) -> None:
                with monitor.lock:
                    while not done:
                        monitor.wait(queue, lambda: "", unless=lambda: bool(done))
                monitor.leave()

            def act(explorer=explorer, monitor=monitor, queue=queue, done=done) -> None:
                done.append("done")
                explorer.switch()
                if queue:
                    with monitor.lock:
                        monitor.wake_all(queue)
                monitor.leave()

            for name, body in {"sleeper": sleep, "actor": act}.items():
                monitor.enter()
                explorer.spawn(name, body)
            explorer.run()
            assert not monitor._waiting


class TestInterruption:
    def test_it_wakes_everybody(self, monitor: SensedMonitor, start: Starter) -> None:
        queues: list[list[Waiter]] = [[], [], []]
        tasks = [start(lambda queue=queue: sleep_in(monitor, queue)) for queue in queues]
        monitor.await_sleepers(3)
        monitor.interrupt()
        for task in tasks:
            with pytest.raises(Interrupted):
                task.result()
        assert queues == [[], [], []]
        assert monitor.state == (0, 0, 0)

    def test_nobody_falls_asleep_until_it_is_over(self, monitor: SensedMonitor, start: Starter) -> None:
        queue: list[Waiter] = []
        monitor.interrupt()
        with pytest.raises(Interrupted):
            sleep_in(monitor, queue)
        monitor.resume()
        start(lambda: sleep_in(monitor, queue))
        monitor.await_sleepers()
        wake(monitor, monitor.wake_all, queue)

    def test_one_for_good_is_never_over(self, monitor: SensedMonitor) -> None:
        """A reset ends its own interruption, maybe after an undeployment has begun."""
        monitor.interrupt()
        monitor.interrupt(for_good=True)
        monitor.resume()
        with pytest.raises(Interrupted):
            sleep_in(monitor, [])

    def test_some_sleep_on(self, monitor: SensedMonitor, start: Starter) -> None:
        queue: list[Waiter] = []
        monitor.interrupt()
        task = start(lambda: sleep_in(monitor, queue, through_interruption=True))
        monitor.await_sleepers()
        assert task.is_running()
        wake(monitor, monitor.wake_all, queue)
        task.result()

    def test_a_pull_waits_for_its_turn_through_an_interruption_and_not_through_the_last_one(
        self, monitor: SensedMonitor, start: Starter
    ) -> None:
        """A reset interrupts what runs, not the pull that comes after it; after the end there is nothing to wait for."""
        turn = Turn(monitor, "main")

        def pull() -> None:
            monitor.begin_pull(turn)
            monitor.end_pull(turn)

        monitor.begin_pull(turn)
        asleep = start(pull)
        monitor.await_sleepers()
        monitor.interrupt()
        monitor.await_sleepers()
        later = start(pull)
        monitor.await_sleepers()
        monitor.end_pull(turn)
        asleep.result()
        later.result()
        monitor.begin_pull(turn)
        asleep = start(pull)
        monitor.await_sleepers()
        monitor.interrupt(for_good=True)
        with pytest.raises(Interrupted):
            asleep.result()
        monitor.end_pull(turn)
        assert monitor.state == (0, 0, 0)

    def test_a_cell_that_catches_every_exception_does_not_swallow_it(self) -> None:
        assert not issubclass(Interrupted, Exception)


class SignalRaised(BaseException):
    """Stands for what a signal handler raises in the middle of a wait, as KeyboardInterrupt."""


class RaisingLock:
    """A lock to sleep on whose sleep ends by an exception."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self._acquired = 0
        self._meanwhile = meanwhile

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        self._acquired += 1
        if self._acquired > 1:
            self._meanwhile()
            raise SignalRaised
        return True

    def release(self) -> None:
        pass


class TestSignals:
    def make_monitor(self, sleep_on: object) -> Monitor:
        locks = iter([threading.Lock(), sleep_on])
        return Monitor(lambda: next(locks))  # type: ignore[arg-type, return-value]

    def test_a_signal_leaves_no_stale_sleeper(self) -> None:
        monitor = self.make_monitor(RaisingLock())
        queue: list[Waiter] = []
        monitor.enter()
        with pytest.raises(SignalRaised), monitor.lock:
            monitor.wait(queue, lambda: "")
        assert not monitor.lock.locked()  # type: ignore[attr-defined]
        assert (queue, monitor._waiting, monitor._awake) == ([], {}, 1)

    def test_a_signal_after_the_wake_up_does_not_count_the_thread_twice(self) -> None:
        queue: list[Waiter] = []

        def wake_first() -> None:
            with monitor.lock:
                monitor.wake_first(queue)

        monitor = self.make_monitor(RaisingLock(wake_first))
        monitor.enter()
        with pytest.raises(SignalRaised), monitor.lock:
            monitor.wait(queue, lambda: "")
        assert (queue, monitor._waiting, monitor._awake) == ([], {}, 1)

    def test_a_turn_that_is_waited_for_in_vain_can_still_be_taken(self) -> None:
        monitor = self.make_monitor(RaisingLock())
        turn = Turn(monitor, "source")
        monitor.enter()
        turn._holder = -1  # some other thread
        with pytest.raises(SignalRaised):
            turn.take()
        turn.give()
        assert turn.take()

    def sleep_on_first(self, monitor: SensedMonitor, lock: RaisingLock) -> None:
        """Let the next sleeper sleep on `lock`, and the others as always."""
        locks = iter([lock])
        new_lock = monitor._new_lock
        monitor._new_lock = lambda: next(locks, None) or new_lock()  # type: ignore[assignment, return-value]

    def test_a_signal_after_the_wake_up_hands_the_turn_on(self, monitor: SensedMonitor, start: Starter) -> None:
        """The turn is given to a sleeper whose wait then ends by a signal: the next one must get it in its place."""
        turn = Turn(monitor, "source")
        second: list[Task] = []

        def second_falls_asleep_and_first_gets_the_turn() -> None:
            second.append(start(turn.take))
            monitor.await_sleepers()
            turn.give()

        self.sleep_on_first(monitor, RaisingLock(second_falls_asleep_and_first_gets_the_turn))
        turn._holder = -1  # some other thread
        with pytest.raises(SignalRaised):
            turn.take()
        assert second[0].result() is True

    def test_a_signal_after_the_wake_up_passes_it_on(self, monitor: SensedMonitor, start: Starter) -> None:
        """There is work for one of two: the one that was woken for it dies, so the other one has to do it."""
        queue: list[Waiter] = []
        second: list[Task] = []

        def second_falls_asleep_and_first_is_woken() -> None:
            second.append(start(lambda: sleep_in(monitor, queue)))
            monitor.await_sleepers()
            wake(monitor, monitor.wake_first, queue)

        self.sleep_on_first(monitor, RaisingLock(second_falls_asleep_and_first_is_woken))
        with pytest.raises(SignalRaised):
            sleep_in(monitor, queue)
        second[0].result()
        assert queue == []


class TestQuiet:
    def test_it_waits_for_sleepers_and_leavers(self, monitor: SensedMonitor, start: Starter) -> None:
        queue: list[Waiter] = []
        monitor.enter()
        monitor.enter()
        monitor.enter()
        task = start(monitor.wait_until_quiet)  # is the first one that entered
        monitor.await_sleepers()
        monitor.leave()
        assert task.is_running()
        sleeper = start(lambda: sleep_in(monitor, queue))
        monitor.await_sleepers()
        assert task.is_running()
        monitor.leave()
        task.result()
        assert sleeper.is_running()
        wake(monitor, monitor.wake_all, queue)

    def test_it_does_not_sleep_where_nobody_else_is_awake(self, monitor: SensedMonitor) -> None:
        monitor.enter()
        monitor.wait_until_quiet()
        assert monitor.state == (1, 0, 0)

    def test_it_waits_through_an_interruption(self, monitor: SensedMonitor, start: Starter) -> None:
        monitor.enter()
        monitor.enter()
        monitor.interrupt()
        task = start(monitor.wait_until_quiet)
        monitor.await_sleepers()
        monitor.leave()
        task.result()

    def test_it_goes_on_waiting_where_an_interruption_wakes_it(self, monitor: SensedMonitor, start: Starter) -> None:
        monitor.enter()
        monitor.enter()
        task = start(monitor.wait_until_quiet)
        monitor.await_sleepers()
        monitor.interrupt(for_good=True)
        monitor.await_sleepers()
        assert task.is_running()
        monitor.leave()
        task.result()

    def test_it_is_no_stall(self, monitor: SensedMonitor, start: Starter) -> None:
        stalls: list[int] = []
        monitor.on_stall = lambda waiters: stalls.append(len(waiters))
        queue: list[Waiter] = []
        turn = Turn(monitor, "main")
        monitor.enter()
        puller = start(lambda: pull_and_sleep_in(monitor, queue, turn))
        monitor.await_sleepers()
        monitor.wait_until_quiet()
        assert stalls == []
        wake(monitor, monitor.wake_all, queue)
        puller.result()
        monitor.leave()


class TestStalls:
    """A stall is noticed by the last thread to fall asleep or leave, exactly when all sleep while somebody pulls."""

    @pytest.fixture
    def stalls(self, monitor: SensedMonitor) -> list[list[str]]:
        """What the sleepers wait for, for each stall. Ends the wait of the first one that pulls."""
        stalls: list[list[str]] = []

        def on_stall(waiters: list[Waiter]) -> None:
            stalls.append([waiter.reason() for waiter in waiters])
            pulling = next((waiter for waiter in waiters if waiter.pulls), None)
            if pulling is not None:
                monitor.wake_with(pulling, DeadlockException("all wait"))

        monitor.on_stall = on_stall
        return stalls

    def test_when_the_last_one_falls_asleep(
        self, monitor: SensedMonitor, start: Starter, stalls: list[list[str]]
    ) -> None:
        results: list[Waiter] = []
        work: list[Waiter] = []
        monitor.enter()
        puller = start(lambda: pull_and_sleep_in(monitor, results, Turn(monitor, "main"), "a result"))
        monitor.await_sleepers()
        assert stalls == []
        worker = start(lambda: sleep_in(monitor, work, "work"))
        monitor.await_sleepers()
        assert stalls == []
        monitor.leave()
        with pytest.raises(DeadlockException):
            puller.result()
        assert stalls == [["a result", "work"]]
        wake(monitor, monitor.wake_all, work)
        worker.result()

    def test_when_the_puller_itself_is_the_last_one(self, monitor: SensedMonitor, stalls: list[list[str]]) -> None:
        turn = Turn(monitor, "main")
        with pytest.raises(DeadlockException):
            pull_and_sleep_in(monitor, [], turn, "a result")
        assert stalls == [["a result"]]
        assert monitor.state == (0, 0, 0)
        assert turn.take()

    def test_while_others_are_awake_it_is_told_by_who_waits_for_whom(
        self, monitor: SensedMonitor, start: Starter, stalls: list[list[str]]
    ) -> None:
        turn, work, threads = Turn(monitor, "main"), list[Waiter](), dict[str, int]()

        def work_for_the_puller() -> None:
            threads["worker"] = threading.get_ident()
            monitor.enter()
            try:
                with monitor.lock:
                    monitor.wait(work, lambda: "work", suppliers=turn.get_threads)
            finally:
                monitor.leave()

        def pull() -> None:
            monitor.begin_pull(turn)
            try:
                with monitor.lock:
                    monitor.wait([], lambda: "a result", suppliers=lambda: [threads["worker"]])
            finally:
                monitor.end_pull(turn)

        monitor.enter()  # somebody is awake, and stays so
        worker = start(work_for_the_puller)
        monitor.await_sleepers()
        with pytest.raises(DeadlockException):
            start(pull).result()
        assert stalls == [["a result", "work"]]
        wake(monitor, monitor.wake_all, work)
        worker.result()
        monitor.leave()

    @pytest.mark.parametrize("awake", ["one of two suppliers", "somebody unknown", "behind one that sleeps"])
    def test_not_where_one_that_is_awake_may_bring_it(
        self, monitor: SensedMonitor, start: Starter, stalls: list[list[str]], awake: str
    ) -> None:
        me, queue, work = threading.get_ident(), list[Waiter](), list[Waiter]()
        worker = start(lambda: sleep_in(monitor, work, "work", suppliers=lambda: [me]))
        monitor.enter()
        monitor.await_sleepers()
        with monitor.lock:
            asleep = work[0].thread
        suppliers = {
            "one of two suppliers": lambda: [asleep, me],
            "somebody unknown": lambda: None,
            "behind one that sleeps": lambda: [asleep],
        }[awake]
        sleeper = start(lambda: sleep_in(monitor, queue, "a result", suppliers=suppliers))
        monitor.await_sleepers()
        with monitor.lock:
            assert monitor.find_stuck(queue[0]) == []
        for each in (queue, work):
            wake(monitor, monitor.wake_all, each)
        sleeper.result()
        worker.result()
        monitor.leave()

    def test_not_where_nobody_pulls(self, monitor: SensedMonitor, start: Starter, stalls: list[list[str]]) -> None:
        work: list[Waiter] = []
        start(lambda: sleep_in(monitor, work))
        monitor.await_sleepers()
        assert stalls == []
        wake(monitor, monitor.wake_all, work)

    def test_not_where_the_pull_is_over(self, monitor: SensedMonitor, start: Starter, stalls: list[list[str]]) -> None:
        work: list[Waiter] = []
        start(lambda: sleep_in(monitor, work))
        monitor.await_sleepers()
        turn = Turn(monitor, "main")
        monitor.begin_pull(turn)
        monitor.end_pull(turn)
        assert stalls == []
        wake(monitor, monitor.wake_all, work)

    def test_when_one_of_two_pulls_ends(self, monitor: SensedMonitor, start: Starter, stalls: list[list[str]]) -> None:
        queue: list[Waiter] = []
        ending, staying = Turn(monitor, "ending"), Turn(monitor, "staying")
        monitor.begin_pull(ending)
        task = start(lambda: pull_and_sleep_in(monitor, queue, staying))
        monitor.await_sleepers()
        assert stalls == []
        monitor.end_pull(ending)
        with pytest.raises(DeadlockException):
            task.result()
        assert len(stalls) == 1

    def test_a_thread_that_is_about_to_start_is_awake(
        self, monitor: SensedMonitor, start: Starter, stalls: list[list[str]]
    ) -> None:
        queue: list[Waiter] = []
        monitor.enter()  # on behalf of the worker
        task = start(lambda: pull_and_sleep_in(monitor, queue, Turn(monitor, "main")))
        monitor.await_sleepers()
        assert stalls == []
        wake(monitor, monitor.wake_all, queue)
        task.result()
        monitor.leave()
        assert stalls == []

    def test_a_refused_pull_does_not_count(self, monitor: SensedMonitor, stalls: list[list[str]]) -> None:
        turn = Turn(monitor, "main")
        monitor.enter()
        turn.take()
        with pytest.raises(UnsetRecurrentConnectionException):
            monitor.begin_pull(turn)
        assert monitor.state == (1, 0, 0)

    def test_a_pull_inside_of_a_pull_is_refused_and_the_outer_one_still_counts(self, monitor: SensedMonitor) -> None:
        turn = Turn(monitor, "main")
        monitor.begin_pull(turn)
        with pytest.raises(UnsetRecurrentConnectionException):
            monitor.begin_pull(turn)
        assert monitor.state == (1, 1, 0)


def test_a_worker_is_one_from_its_introduction_until_it_leaves(monitor: SensedMonitor, start: Starter) -> None:
    monitor.enter()  # on behalf of the worker
    known: list[bool] = []

    def work() -> None:
        known.append(monitor.is_worker())
        monitor.introduce_worker()
        known.append(monitor.is_worker())
        monitor.leave_as_worker()
        known.append(monitor.is_worker())

    start(work).result()
    assert known == [False, True, False]
    assert not monitor.is_worker()
    assert monitor.state == (0, 0, 0)


class TestTurn:
    def test_one_thread_has_it_at_a_time(self) -> None:
        for seed in range(100):
            explorer = Explorer(seed, [monitor_module, turn_module])
            monitor = Monitor(explorer.new_lock)
            turn = Turn(monitor, "source")
            having: list[str] = []
            taken: list[str] = []

            def work(name: str, explorer=explorer, monitor=monitor, turn=turn, having=having, taken=taken) -> None:
                for _ in range(3):
                    assert turn.take()
                    assert turn.is_mine()
                    assert having == []
                    having.append(name)
                    explorer.switch()
                    having.remove(name)
                    taken.append(name)
                    turn.give()
                    assert not turn.is_mine()
                monitor.leave()

            for name in "abc":
                monitor.enter()
                explorer.spawn(name, lambda name=name, work=work: work(name))
            explorer.run()
            assert sorted(taken) == list("aaabbbccc")
            assert not turn.waiters

    def test_it_goes_to_who_has_slept_longest(self, monitor: SensedMonitor, start: Starter) -> None:
        turn = Turn(monitor, "source")
        order: list[str] = []

        def work(name: str) -> None:
            monitor.enter()
            turn.take()
            order.append(name)
            turn.give()
            monitor.leave()

        turn.take()
        tasks: list[Task] = []
        for name in "abc":
            tasks.append(start(lambda name=name: work(name)))
            monitor.await_sleepers()
        turn.give()
        for task in tasks:
            task.result()
        assert order == ["a", "b", "c"]

    def test_taking_it_twice_is_refused(self, monitor: SensedMonitor) -> None:
        turn = Turn(monitor, "pipe.source")
        turn.take()
        with pytest.raises(UnsetRecurrentConnectionException, match=r"pipe\.source"):
            turn.take()
        assert turn.is_mine()

    def test_it_is_not_taken_where_it_is_not_needed_any_more(self, monitor: SensedMonitor) -> None:
        turn = Turn(monitor, "source")
        assert turn.take(unless=lambda: True) is False
        assert not turn.is_mine()
        assert turn.take(unless=lambda: False) is True

    def test_who_does_not_need_it_any_more_passes_the_wake_up_on(self, monitor: SensedMonitor, start: Starter) -> None:
        turn = Turn(monitor, "source")
        served: list[str] = []

        def take_unless_served() -> bool:
            monitor.enter()
            taken = turn.take(unless=lambda: bool(served))
            monitor.leave()
            return taken

        def take() -> bool:
            monitor.enter()
            taken = turn.take()
            turn.give()
            monitor.leave()
            return taken

        turn.take()
        first = start(take_unless_served)
        monitor.await_sleepers()
        second = start(take)
        monitor.await_sleepers()
        served.append("while asleep")
        turn.give()
        assert first.result() is False
        assert second.result() is True

    def test_who_has_what_it_wanted_goes_although_another_one_gets_the_turn(
        self, monitor: SensedMonitor, start: Starter
    ) -> None:
        """It might be the one to make the room that the next one waits for while having the turn."""
        turn = Turn(monitor, "source")
        served: list[str] = []
        may_give = threading.Event()

        def take_and_hold() -> None:
            monitor.enter()
            turn.take()
            assert may_give.wait(PATIENCE_S)
            turn.give()
            monitor.leave()

        def take_unless_served() -> bool:
            monitor.enter()
            taken = turn.take(unless=lambda: bool(served))
            monitor.leave()
            return taken

        turn.take()
        first = start(take_and_hold)
        monitor.await_sleepers()
        second = start(take_unless_served)
        monitor.await_sleepers()
        served.append("while asleep")
        turn.give()
        assert second.result() is False
        assert first.is_running()
        may_give.set()
        first.result()

    def test_a_sleeper_says_what_it_waits_for(self, monitor: SensedMonitor, start: Starter) -> None:
        turn = Turn(monitor, "pipe.source")
        turn.take()

        def take() -> None:
            monitor.enter()
            turn.take()
            turn.give()
            monitor.leave()

        start(take)
        monitor.await_sleepers()
        with monitor.lock:
            (waiter,) = monitor._waiting
        assert "pipe.source" in waiter.reason()
        turn.give()


class TestKeptTurn:
    """A thread keeps the turn between two pulls; `pull` is what the closure of a deployment does."""

    @staticmethod
    def pull(monitor: Monitor, turn: Turn, kept: Kept | None, work: Callable[[], None]) -> Kept | None:
        if kept is not None and kept.open_to == threading.get_ident():
            try:
                kept.open_to = None
                if not kept.revoked:
                    work()
                    return kept
            finally:
                kept.open_to = kept.thread
                if kept.revoked:
                    monitor.leave_kept(kept)
        monitor.begin_pull(turn)
        try:
            work()
        finally:
            kept = monitor.pause_pull(turn)
        return kept

    def test_the_next_pull_needs_no_lock(self, monitor: SensedMonitor) -> None:
        turn = Turn(monitor, "main")
        kept = self.pull(monitor, turn, None, lambda: None)
        assert kept is not None
        with monitor.lock:  # or this would never end
            assert self.pull(monitor, turn, kept, lambda: None) is kept
        assert not monitor.is_inside(turn)

    def test_it_is_taken_away_from_who_does_not_use_it(self, monitor: SensedMonitor, start: Starter) -> None:
        turn = Turn(monitor, "main")
        mine = self.pull(monitor, turn, None, lambda: None)
        theirs = start(lambda: self.pull(monitor, turn, None, lambda: None)).result()
        assert theirs is not None
        assert mine is not None
        assert (mine.revoked, theirs.revoked) == (True, False)
        self.pull(monitor, turn, mine, lambda: None)
        assert theirs.revoked

    def test_who_uses_it_gives_it_afterwards(self, monitor: SensedMonitor, start: Starter) -> None:
        turn = Turn(monitor, "main")
        kept = self.pull(monitor, turn, None, lambda: None)
        tasks = []

        def work() -> None:
            assert monitor.is_inside(turn)
            tasks.append(start(lambda: self.pull(monitor, turn, None, lambda: None)))
            monitor.await_sleepers()

        self.pull(monitor, turn, kept, work)
        tasks[0].result()

    def test_the_end_of_all_waits_for_nobody_who_is_not_pulling(self, monitor: SensedMonitor) -> None:
        turn = Turn(monitor, "main")
        self.pull(monitor, turn, None, lambda: None)
        monitor.interrupt(for_good=True)
        monitor.enter()
        monitor.wait_until_quiet()
        monitor.leave()
        assert monitor.state == (0, 0, 0)

    def test_it_is_with_one_thread_under_any_schedule(self) -> None:
        for seed in range(200):
            explorer = Explorer(seed, [monitor_module, turn_module, sys.modules[__name__]])
            monitor = Monitor(explorer.new_lock)
            turn = Turn(monitor, "main")
            inside: list[str] = []
            done: list[str] = []

            def work(name: str, explorer=explorer, inside=inside, done=done) -> None:
                assert inside == []
                inside.append(name)
                explorer.switch()
                inside.remove(name)
                done.append(name)

            def pull_often(name: str, monitor=monitor, turn=turn, work=work) -> None:
                kept = None
                for _ in range(4):
                    kept = self.pull(monitor, turn, kept, lambda: work(name))

            def rest(explorer=explorer, monitor=monitor, turn=turn, inside=inside) -> None:
                monitor.begin_pull(turn)
                assert inside == []
                explorer.switch()
                assert inside == []
                monitor.end_pull(turn)

            for name in "ab":
                explorer.spawn(name, lambda name=name, pull_often=pull_often: pull_often(name))
            explorer.spawn("rest", rest)
            explorer.run()
            assert sorted(done) == list("aaaabbbb")
            monitor.revoke_locked()  # nobody else is left
            assert (monitor._awake, len(monitor._pulling), len(monitor._waiting)) == (0, 0, 0)

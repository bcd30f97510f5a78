"""What threads wait with does what its namesake of `threading` does, in every schedule."""

import threading
import time
from functools import partial
from types import SimpleNamespace

import pytest
from explorer import Explorer, Stuck
from primitives import Condition, Event, RLock, Semaphore, Thread, replacements_for

MANY = range(100)


def run(seed, *bodies):
    """Run the bodies, which are given their explorer, in a thread each."""
    explorer = Explorer(seed)
    shared = SimpleNamespace(
        event=Event(explorer),
        condition=Condition(explorer),
        lock=RLock(explorer),
        semaphore=Semaphore(explorer, 2),
        seen=[],
    )
    for number, body in enumerate(bodies):
        explorer.spawn(f"thread {number}", partial(body, explorer, shared))
    explorer.run()
    return shared


def test_an_event_lets_everybody_through_once_it_is_set():
    def wait(_, shared):
        assert shared.event.wait()
        shared.seen.append("through")

    def set_event(_, shared):
        shared.seen.append("set")
        shared.event.set()

    for seed in MANY:
        assert run(seed, wait, wait, set_event).seen == ["set", "through", "through"]


def test_a_wait_with_a_time_limit_may_run_out_of_time_or_not():
    def wait(_, shared):
        shared.seen.append(shared.event.wait(1.0))

    def set_event(explorer, shared):
        for _ in range(50):
            explorer.switch()
        shared.event.set()

    assert {run(seed, wait, set_event).seen[0] for seed in MANY} == {True, False}
    assert run(0, wait).seen == [False]


def test_a_condition_wakes_as_many_as_it_is_told_to():
    def wait(_, shared):
        with shared.condition:
            shared.condition.wait_for(lambda: "ready" in shared.seen)
            shared.seen.append("woken")

    def wake(_, shared):
        with shared.condition:
            shared.seen.append("ready")
            shared.condition.notify_all()

    def wake_one(_, shared):
        with shared.condition:
            shared.seen.append("ready")
            shared.condition.notify()

    for seed in MANY:
        assert run(seed, wait, wait, wake).seen.count("woken") == 2

    def is_stuck(seed):
        try:
            run(seed, wait, wait, wake_one)
        except Stuck:
            return True
        return False

    assert any(is_stuck(seed) for seed in MANY)


def test_a_lock_may_be_taken_again_by_who_has_it_and_by_nobody_else():
    def nest(explorer, shared):
        with shared.lock, shared.lock:
            before = list(shared.seen)
            explorer.switch()
            shared.seen.append("inside")
            assert len(shared.seen) == len(before) + 1

    for seed in MANY:
        run(seed, nest, nest, nest)


def test_a_semaphore_lets_so_many_through():
    def enter(explorer, shared):
        with shared.semaphore:
            shared.seen.append(1)
            explorer.switch()
            assert sum(shared.seen) <= 2
            shared.seen.append(-1)

    for seed in MANY:
        run(seed, enter, enter, enter)


def test_a_thread_is_joined_when_it_has_ended():
    def start(explorer, shared):
        thread = Thread(explorer, target=shared.seen.append, args=["ran"], name="inner")
        assert not thread.is_alive()
        thread.start()
        thread.join()
        assert not thread.is_alive()
        shared.seen.append("joined")

    for seed in MANY:
        assert run(seed, start).seen == ["ran", "joined"]


def test_names_of_threads_and_time_are_replaced_and_unknown_ones_refused():
    explorer = Explorer(0)
    replaced = {id(original): new for original, new in replacements_for(explorer)}
    names = replaced[id(threading)]
    assert names.Lock().acquire()
    assert names.get_ident() == 0
    assert names.TIMEOUT_MAX == threading.TIMEOUT_MAX
    with pytest.raises(NotImplementedError, match=r"threading\.Barrier"):
        names.Barrier(2)
    clock = replaced[id(time)]
    assert clock.perf_counter() < clock.perf_counter()

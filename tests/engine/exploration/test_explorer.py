"""The explorer finds what it is there to find."""

import sys

import pytest
from explorer import Explorer, Stuck

MANY = range(200)


def run_counter(seed: int) -> int:
    """Two threads increment without a lock around reading and writing."""
    explorer = Explorer(seed, preempt=[sys.modules[__name__]])
    box = [0]

    def increment() -> None:
        for _ in range(3):
            value = box[0]
            box[0] = value + 1

    explorer.spawn("a", increment)
    explorer.spawn("b", increment)
    explorer.run()
    return box[0]


def test_it_loses_an_update_where_that_is_possible() -> None:
    results = {run_counter(seed) for seed in MANY}
    assert 6 in results
    assert min(results) < 6


def test_a_lock_keeps_the_updates() -> None:
    for seed in MANY:
        explorer = Explorer(seed, preempt=[sys.modules[__name__]])
        lock = explorer.new_lock()
        box = [0]

        def increment(lock=lock, box=box) -> None:
            for _ in range(3):
                with lock:
                    value = box[0]
                    box[0] = value + 1

        explorer.spawn("a", increment)
        explorer.spawn("b", increment)
        explorer.run()
        assert box[0] == 6


def run_crossed_locks(seed: int) -> list[str]:
    explorer = Explorer(seed)
    first, second = explorer.new_lock(), explorer.new_lock()

    def nest(outer, inner) -> None:
        with outer, inner:
            pass

    explorer.spawn("a", lambda: nest(first, second))
    explorer.spawn("b", lambda: nest(second, first))
    explorer.run()
    return explorer.schedule


def test_it_finds_a_deadlock() -> None:
    stuck = 0
    for seed in MANY:
        try:
            run_crossed_locks(seed)
        except Stuck as error:
            assert "nobody can go on" in str(error)
            stuck += 1
    assert 0 < stuck < len(MANY)


def test_a_seed_gives_the_same_schedule_again() -> None:
    def outcome(seed: int) -> list[str] | str:
        try:
            return run_crossed_locks(seed)
        except Stuck as error:
            return str(error)

    assert [outcome(seed) for seed in MANY] == [outcome(seed) for seed in MANY]
    assert len({tuple(outcome(seed)) for seed in MANY}) > 5


def test_it_finds_a_livelock() -> None:
    explorer = Explorer(0, budget=1000)
    explorer.spawn("a", lambda: [explorer.switch() for _ in iter(int, 1)])
    with pytest.raises(Stuck, match="forever"):
        explorer.run()


def test_the_error_of_a_thread_is_raised() -> None:
    explorer = Explorer(0)
    lock = explorer.new_lock()
    lock.acquire()
    explorer.spawn("waits", lock.acquire)
    explorer.spawn("fails", lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        explorer.run()


def test_the_release_of_a_free_lock_is_an_error() -> None:
    explorer = Explorer(0)
    explorer.spawn("a", explorer.new_lock().release)
    with pytest.raises(RuntimeError, match="nobody holds"):
        explorer.run()

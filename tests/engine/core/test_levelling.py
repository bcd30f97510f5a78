"""How far cells are behind each other, from what waits between them."""

import random

import pytest

from pypipeline_engine.core.units import LARGEST_LAG
from pypipeline_engine.runtime.levelling import UnevenError, find_lags


def test_a_reader_lacks_what_waits_for_it():
    assert find_lags("ab", [("a", "b", 3)], {}) == {"a": 0, "b": 3}


def test_a_way_round():
    waiting = [("a", "b", 0), ("b", "c", 2), ("a", "c", 2)]
    assert find_lags("abc", waiting, {}) == {"a": 0, "b": 0, "c": 2}


def test_readers_of_one_port_are_related_and_the_port_itself_does_not_run():
    assert find_lags("ab", [("port", "a", 7), ("port", "b", 2)], {}) == {"a": 5, "b": 0}


def test_what_has_no_connection_is_related_by_numbers_where_there_are_some():
    assert find_lags("abc", [("a", "b", 3)], {}) == {"a": 0, "b": 3, "c": 0}
    assert find_lags("abc", [("a", "b", 3)], {"a": 10, "b": 7, "c": 4}) == {"a": 0, "b": 3, "c": 6}


def test_what_waits_counts_more_than_numbers():
    """A cell whose values are taken with every second item only has run half as often."""
    assert find_lags("abc", [("a", "b", 0)], {"a": 5, "b": 10, "c": 10}) == {"a": 0, "b": 0, "c": 0}


def test_what_is_too_far_apart_does_not_come_in_pairs():
    assert find_lags("ab", [], {"a": LARGEST_LAG, "b": 0}) == {"a": 0, "b": 0}
    assert find_lags("ab", [], {"a": LARGEST_LAG - 1, "b": 0}) == {"a": 0, "b": LARGEST_LAG - 1}


def test_a_reader_that_takes_more_of_one_than_of_another_is_named():
    with pytest.raises(UnevenError) as raised:
        find_lags("abc", [("a", "b", 0), ("a", "c", 0), ("b", "c", 4)], {})
    assert raised.value.reader == "c"
    with pytest.raises(UnevenError) as raised:
        find_lags("ab", [("a", "b", 0), ("a", "b", 4)], {})
    assert raised.value.reader == "b"


@pytest.mark.parametrize("seed", range(50))
def test_after_that_many_runs_nothing_waits(seed):
    chance = random.Random(seed)
    size = chance.randint(2, 7)
    links = [(a, b) for b in range(size) for a in range(-2, b) if chance.random() < 0.5]
    runs = [0] * size
    for node in range(size):  # no node has run more often than those that it reads
        above = [runs[a] for a, b in links if b == node and a >= 0]
        runs[node] = chance.randint(0, min(above, default=9))
    waiting = [(a, b, (runs[a] if a >= 0 else 20) - runs[b]) for a, b in links]
    numbers = {} if chance.random() < 0.5 else dict(enumerate(runs))
    lags = find_lags(range(size), waiting, numbers)
    after = [runs[node] + lags[node] for node in range(size)]
    assert min(lags.values()) == 0
    assert all(after[a] == after[b] for a, b in links if a >= 0)
    assert all(after[b] == after[c] for a, b in links for d, c in links if a == d)
    assert not numbers or len(set(after)) == 1

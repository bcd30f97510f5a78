"""The store of a node is never filled by what is kept, or by what is on its way: where it is, everything stands still."""

import gc

import numpy as np
import pytest
from stream_cells import Task

pytest.importorskip("ray")
from pypipeline_engine.runtime.remote import buffers, cluster, views  # they need Ray

NB_BYTES = 100_000


@pytest.fixture
def sessions(monkeypatch):
    """The session of Ray, which is the last one of these."""
    sessions = ["one"]
    monkeypatch.setattr(cluster, "get_session", lambda: sessions[-1])
    return sessions


@pytest.fixture
def allowance(monkeypatch, sessions):
    """One for three arrays."""
    monkeypatch.setattr(cluster, "get_store_bytes", lambda: 16 * 3 * NB_BYTES)
    return views.Allowance()


def make(nb_arrays):
    return [np.full(NB_BYTES, number, np.uint8) for number in range(nb_arrays)]


def test_what_is_more_than_may_be_looked_at_is_copied(allowance):
    arrays = make(5)
    seen = [allowance.look(array) for array in arrays]
    assert [np.shares_memory(one, array) for one, array in zip(seen, arrays, strict=True)] == [True] * 3 + [False] * 2
    assert [set(one) for one in map(np.unique, seen)] == [{number} for number in range(5)]
    assert not any(one.flags.writeable for one in seen)


def test_what_nobody_looks_at_any_more_may_be_looked_at_again(allowance):
    (array,) = make(1)
    for _ in range(10):
        part = allowance.look(array)[1000:].view(np.int16)  # what is made of a view counts as it does
        others = [allowance.look(array) for _ in range(2)]
        assert not np.shares_memory(allowance.look(array), array)
        del others[:]
        assert np.shares_memory(part, array)
        assert np.shares_memory(allowance.look(array), array)


def test_views_of_a_ray_that_has_ended_leave_those_of_the_next_one_alone(allowance, sessions):
    (array,) = make(1)
    of_one = [allowance.look(array) for _ in range(3)]
    sessions.append("two")
    of_two = [allowance.look(array) for _ in range(3)]
    del of_one
    assert all(np.shares_memory(one, array) for one in of_two)
    assert not np.shares_memory(allowance.look(array), array)


def test_one_process_looks_at_so_much_and_no_more_of_the_largest_store(monkeypatch, sessions):
    monkeypatch.setattr(views, "MOST_BYTES", 2 * NB_BYTES)
    monkeypatch.setattr(cluster, "get_store_bytes", lambda: 2**40)
    allowance = views.Allowance()
    (array,) = make(1)
    seen = [allowance.look(array) for _ in range(3)]
    assert [np.shares_memory(one, array) for one in seen] == [True, True, False]


def test_what_comes_when_ray_was_shut_down_is_copied(monkeypatch):
    monkeypatch.setattr(cluster, "get_session", lambda: None)
    monkeypatch.setattr(cluster, "get_node", lambda: "")
    (array,) = make(1)
    assert not np.shares_memory(views.Allowance().look(array), array)


def test_views_may_end_while_their_thread_asks_for_more(allowance, monkeypatch):
    """The interpreter looks for what nobody has any more whenever it likes."""
    (array,) = make(1)

    class Circle:
        pass

    def get_store_bytes():
        gc.collect()
        return 16 * 3 * NB_BYTES

    monkeypatch.setattr(cluster, "get_store_bytes", get_store_bytes)
    circle = Circle()
    circle.itself, circle.view = circle, views._Counted(array, allowance, "one")
    del circle
    asking = Task(lambda: allowance.look(array), "asking")
    assert np.shares_memory(asking.get(), array)


def test_what_keeps_the_memory_as_it_is_is_let_go_before_what_keeps_it_where_it_is():
    log = []

    class Keeper:
        def __init__(self, name):
            self.name = name

        def __del__(self):
            log.append(self.name)

    (array,) = make(1)
    seen = views.View(array, Keeper("as it is"), Keeper("where it is")).as_array()
    part = seen[10:]
    del seen
    assert not log
    del part
    assert log == ["as it is", "where it is"]


def test_nobody_waits_for_the_buffer_of_another_clone(monkeypatch, sessions, gate):
    """To make one takes long where others fill the store."""
    made = []

    def make_one(nb_bytes, is_for_answers):
        made.append(nb_bytes)
        gate("making")

    monkeypatch.setattr(buffers, "_made", buffers._Made("one", 2**30))
    monkeypatch.setattr(buffers, "_make", make_one)
    lendings = [buffers.Lending(), buffers.Lending()]
    for lending in lendings:
        lending.is_near = True
        for _ in range(buffers.ORDINARY_FIRST):
            lending.note_ordinary_answer(NB_BYTES)
    making = Task(lambda: lendings[0].note_ordinary_answer(NB_BYTES), "making")
    gate.wait_for("making")
    Task(lambda: lendings[1].note_ordinary_answer(NB_BYTES), "an answer").get()
    for _ in range(buffers.ORDINARY_FIRST + 1):
        assert Task(lambda: lendings[1].put(make(1)), "to be given").get() is None
    Task(lendings[1].end, "the end").get()
    gate.open()
    making.get()
    assert len(made) == 1

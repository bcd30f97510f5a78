"""flow.*"""

import math

import numpy as np
import pytest
from cell_rig import Feed, Keep, Rig
from hypothesis import given
from hypothesis import strategies as st

from pypipeline_engine.cell import Pipeline
from pypipeline_engine.cells import flow
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import InvalidInputException, NonCriticalException


def pull_all(pipeline):
    while True:
        try:
            pipeline.pull()
        except StopIteration:
            return


def test_batch_makes_full_lists_and_a_shorter_last_one(rig):
    one = rig(flow.Batch, {"size": 3}, item=range(7)).pull_all()
    assert one.get("batch") == [[0, 1, 2], [3, 4, 5], [6]]


def test_batch_ends_again_at_each_pull_after_the_end(rig):
    one = rig(flow.Batch, {"size": 3}, item=range(2)).pull_all()
    for _ in range(2):
        with pytest.raises(StopIteration):
            one.pull()
    assert one.get("batch") == [[0, 1]]


def test_batch_goes_on_filling_over_gaps(rig):
    one = rig(flow.Batch, {"size": 2}, item=[0, rig.GAP, 1, rig.GAP, rig.GAP, 2]).pull_all()
    assert one.get("batch") == [[0, 1], [2]]


def test_batch_loses_nothing_where_an_item_arrives_as_an_error(rig):
    one = rig(flow.Batch, {"size": 3}, item=[0, 1, NonCriticalException("spoilt"), 2, 3])
    with pytest.raises(NonCriticalException, match="spoilt"):
        one.pull()
    one.pull_all()
    assert one.get("batch") == [[0, 1, 2], [3]]


def test_batch_forgets_what_it_gathered_at_a_reset(rig):
    one = rig(flow.Batch, {"size": 3}, item=[0, 1, ValueError("once"), 2])
    with pytest.raises(ValueError, match="once"):
        one.pull()
    one.pipeline.reset()
    with pytest.raises(ValueError, match="once"):
        one.pull()
    one.pull_all()
    assert one.get("batch") == [[0, 1, 2]]


def test_batch_takes_a_new_size_while_running(rig):
    one = rig(flow.Batch, {"size": 2}, item=range(7))
    one.pull()
    one.cell.size.set_value(4)
    one.pull_all()
    assert one.get("batch") == [[0, 1], [2, 3, 4, 5], [6]]


@pytest.mark.parametrize("size", [0, 2.5, True, "3"])
def test_batch_refuses_a_size_that_is_no_number_of_items(size):
    with pytest.raises(InvalidInputException, match=r"batch\.size"):
        flow.Batch(None, "batch").size.set_value(size)


def test_batch_knows_how_many_lists_are_left(rig):
    one = rig(flow.Batch, {"size": 3}, item=range(7))
    assert one.cell.get_nb_available_pulls() == 3


@given(items=st.lists(st.integers() | st.just(Rig.GAP), max_size=30), size=st.integers(1, 10))
def test_unbatch_gives_back_what_batch_gathered(items, size):
    pipeline = Pipeline(None, "round_trip")
    feed = Feed(pipeline, "feed", items)
    batch, unbatch, keep = flow.Batch(pipeline, "batch"), flow.Unbatch(pipeline, "unbatch"), Keep(pipeline, "keep")
    batch.size.set_value(size)
    Connection(feed.value, batch.item)
    Connection(batch.batch, unbatch.batch)
    Connection(unbatch.item, keep.item)
    pipeline.deploy()
    try:
        pull_all(pipeline)
    finally:
        pipeline.undeploy()
    assert keep.items == [item for item in items if item is not Rig.GAP]


def test_unbatch_leaves_out_empty_lists_and_takes_arrays_apart(rig):
    one = rig(flow.Unbatch, batch=[[], [1], (), (2, 3), np.array([4, 5])]).pull_all()
    assert one.get("item") == [1, 2, 3, 4, 5]


def test_unbatch_drops_the_rest_of_a_list_at_a_reset(rig):
    one = rig(flow.Unbatch, batch=[[1, 2, 3]])
    one.pull()
    one.pipeline.reset()
    one.pull(2)
    assert one.get("item") == [1, 1, 2]


@pytest.mark.parametrize("value", [5, "text", {"a": 1}, None, np.array(3)])
def test_unbatch_refuses_what_is_no_list(rig, value):
    one = rig(flow.Unbatch, batch=[value])
    with pytest.raises(InvalidInputException, match=r"rig\.cell\.batch expects a list or an array; what came is "):
        one.pull()


def test_the_number_of_items_in_lists_to_come_is_unknown(rig):
    assert rig(flow.Unbatch, batch=[[1], [2]]).cell.get_nb_available_pulls() is None


@pytest.mark.parametrize(
    ("steps", "expected"),
    [(0, [1, 2, 3, 4]), (1, ["none", 1, 2, 3]), (3, ["none", "none", "none", 1]), (9, ["none"] * 4)],
)
def test_delay_gives_earlier_items(rig, steps, expected):
    one = rig(flow.Delay, {"steps": steps, "initial": "none"}, item=[1, 2, 3, 4]).pull_all()
    assert one.get("item") == expected


def test_delay_leaves_gaps_where_they_are(rig):
    one = rig(flow.Delay, item=[1, rig.GAP, 2, 3]).pull_all()
    assert one.get("item") == [None, rig.GAP, 1, 2]


def test_delay_starts_again_with_its_initial_value_at_a_reset(rig):
    one = rig(flow.Delay, item=[1, 2])
    one.pull(2)
    one.pipeline.reset()
    one.pull()
    assert one.get("item") == [None, 1, None]


class Clock:
    """A clock that only a sleep moves, and a test."""

    def __init__(self, monkeypatch):
        self.now_s = 100.0
        self.slept_s = []
        monkeypatch.setattr(flow.Throttle, "_clock", staticmethod(lambda: self.now_s))
        monkeypatch.setattr(flow.Throttle, "_sleep", staticmethod(self.sleep))

    def sleep(self, seconds):
        self.slept_s.append(seconds)
        self.now_s += seconds


def test_throttle_spaces_items_evenly(rig, monkeypatch):
    clock = Clock(monkeypatch)
    one = rig(flow.Throttle, {"rate_hz": 4.0}, item=range(5)).pull_all()
    assert one.get("item") == [0, 1, 2, 3, 4]
    assert clock.slept_s == [0.25] * 4


def test_throttle_does_not_make_up_for_lost_time(rig, monkeypatch):
    clock = Clock(monkeypatch)
    one = rig(flow.Throttle, {"rate_hz": 4.0}, item=range(3))
    one.pull()
    clock.now_s += 10
    one.pull(2)
    assert clock.slept_s == [0.25]


def test_throttle_takes_a_new_rate_while_running(rig, monkeypatch):
    clock = Clock(monkeypatch)
    one = rig(flow.Throttle, {"rate_hz": 4.0}, item=range(4))
    one.pull(2)
    one.cell.rate_hz.set_value(100.0)
    one.pull(2)
    assert clock.slept_s == pytest.approx([0.25, 0.25, 0.01])


def test_every_nth_leaves_gaps(rig):
    one = rig(flow.EveryNth, {"n": 3}, item=[0, 1, 2, rig.GAP, 4, 5, 6]).pull_all()
    assert one.get("item") == [0, rig.GAP, rig.GAP, rig.GAP, rig.GAP, rig.GAP, 6]


def test_every_nth_begins_again_at_a_reset(rig):
    one = rig(flow.EveryNth, item=range(4))
    one.pull(2)
    one.pipeline.reset()
    one.pull()
    assert one.get("item") == [0, rig.GAP, 0]


@given(length=st.integers(0, 20), pulled=st.integers(0, 20), n=st.integers(1, 6))
def test_every_nth_knows_how_many_items_will_pass(length, pulled, n):
    with Rig(flow.EveryNth, {"n": n}, item=range(length)) as one:
        feed = one.pipeline.get_internal_cell_with_name("feed_item")
        pulled = min(pulled, length)
        one.pull(pulled)
        feed.values = range(length - pulled)
        left = one.cell.get_nb_available_pulls()
        assert left == math.ceil(length / n) - math.ceil(pulled / n)


def test_filter_leaves_gaps(rig):
    one = rig(flow.Filter, item=[0, 1, 2, 3], keep=[True, 0, np.True_, None]).pull_all()
    assert one.get("item") == [0, rig.GAP, 2, rig.GAP]


def test_filter_stays_in_step_behind_a_gap(rig):
    one = rig(flow.Filter, item=[0, rig.GAP, 2, 3], keep=[True, True, False, True]).pull_all()
    assert one.get("item") == [0, rig.GAP, rig.GAP, 3]


def test_filter_refuses_what_is_neither_true_nor_false(rig):
    one = rig(flow.Filter, item=[0], keep=[np.array([1, 0])])
    with pytest.raises(InvalidInputException, match=r"rig\.cell\.keep expects true or false"):
        one.pull()


def test_select_pulls_only_what_it_gives(rig):
    one = rig(flow.Select, a=["a0", "a1"], b=["b0", "b1"], use_a=[True, False, False, True]).pull_all()
    assert one.get("item") == ["a0", "b0", "b1", "a1"]


def test_select_ends_when_what_it_wants_has_ended(rig):
    one = rig(flow.Select, a=["a0"], b=["b0"], use_a=[True, True, False]).pull_all()
    assert one.get("item") == ["a0"]

"""math.*, series.* and demo.*"""

import math
import time

import numpy as np
import pytest
from cell_rig import Rig
from hypothesis import given
from hypothesis import strategies as st

from pypipeline_engine.cells import demo, series
from pypipeline_engine.cells import math as math_cells
from pypipeline_engine.exceptions import InvalidInputException


def test_multiply_and_add(rig):
    assert rig(math_cells.Multiply, a=[2, 3.5], b=[4, -2]).pull_all().get("value") == [8, -7.0]
    assert rig(math_cells.Add, a=[2, 3.5], b=[4, -2]).pull_all().get("value") == [6, 1.5]


def test_arrays_can_be_multiplied(rig):
    (product,) = rig(math_cells.Multiply, a=[np.array([1, 2])], b=[3]).pull_all().get("value")
    np.testing.assert_array_equal(product, [3, 6])


def test_expression_mixes_streams_and_values(rig):
    one = rig(math_cells.Expression, {"expression": "a * b + c", "b": 10}, a=[1, 2, 3], c=[5, 6, 7]).pull_all()
    assert one.get("value") == [15, 26, 37]


def test_expression_changes_while_running(rig):
    one = rig(math_cells.Expression, {"expression": "a + 1"}, a=[1, 2, 3])
    one.pull()
    one.cell.expression.set_value("a * 100")
    one.pull_all()
    assert one.get("value") == [2, 200, 300]


def test_expression_keeps_inputs_in_step_that_it_does_not_need(rig):
    one = rig(math_cells.Expression, {"expression": "a"}, a=[1, 2, 3], b=[0, 0, 0])
    one.pull()
    one.cell.expression.set_value("b")
    one.pull()
    assert one.pipeline.get_internal_cell_with_name("feed_b")._rest.__length_hint__() == 1


@pytest.mark.parametrize("expression", ["a.__class__", "9**9**9", "", "x", 5])
def test_a_wrong_expression_is_refused_before_anything_runs(expression):
    cell = math_cells.Expression(None, "cell")
    with pytest.raises(InvalidInputException, match=r"cell\.expression"):
        cell.expression.set_value(expression)
    assert cell.expression.get_value() == "a"


def test_field_takes_one_value_out_of_a_row(rig):
    one = rig(series.Field, {"name": "close"}, row=[{"close": 1.5, "day": "mo"}, {"close": 2}]).pull_all()
    assert one.get("value") == [1.5, 2]


def test_field_names_what_is_there(rig):
    one = rig(series.Field, {"name": "Close"}, row=[{"close": 1.5, "day": "mo"}])
    with pytest.raises(
        InvalidInputException, match=r"rig\.cell\.row has no value named 'Close'; it has: 'close', 'day'"
    ):
        one.pull()


def test_field_refuses_what_is_no_row(rig):
    with pytest.raises(InvalidInputException, match=r"rig\.cell\.row expects values by name; what came is int 3"):
        rig(series.Field, {"name": "close"}, row=[3]).pull()


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), window=st.integers(1, 8))
def test_moving_average_is_the_mean_of_the_last_values(values, window):
    with Rig(series.MovingAverage, {"window": window}, value=values) as one:
        means = one.pull_all().get("value")
    expected = [np.mean(values[max(0, end - window) : end]) for end in range(1, len(values) + 1)]
    assert means == pytest.approx(expected, abs=1e-6)


def test_moving_average_recovers_from_nan(rig):
    one = rig(series.MovingAverage, {"window": 2}, value=[1, math.nan, 2, 4]).pull_all()
    assert one.get("value")[3] == 3
    assert math.isnan(one.get("value")[2])


def test_moving_average_narrows_its_window_while_running(rig):
    one = rig(series.MovingAverage, {"window": 3}, value=[3, 6, 9, 1])
    one.pull(3)
    one.cell.window.set_value(1)
    one.pull()
    assert one.get("value") == [3, 4.5, 6, 1]


def test_moving_average_forgets_at_a_reset(rig):
    one = rig(series.MovingAverage, value=[2, 4])
    one.pull(2)
    one.pipeline.reset()
    one.pull()
    assert one.get("value") == [2, 3, 2]


@pytest.mark.parametrize("value", ["7", None, [1, 2], np.array([1, 2])])
def test_a_series_consists_of_numbers(rig, value):
    with pytest.raises(InvalidInputException, match=r"rig\.cell\.value expects a number; what came is"):
        rig(series.MovingAverage, value=[value]).pull()


def test_crossing_signals_each_crossing_once(rig):
    fast = [1, 3, 3, 2, 2, 1, 2, 3]
    slow = [2, 2, 2, 2, 2, 2, 2, 2]
    one = rig(series.Crossing, fast=fast, slow=slow).pull_all()
    assert one.get("signal") == [0, 1, 0, 0, 0, -1, 0, 1]


def test_crossing_forgets_its_side_at_a_reset(rig):
    one = rig(series.Crossing, fast=[3, 1], slow=[2, 2])
    one.pull(2)
    one.pipeline.reset()
    one.pull()
    assert one.get("signal") == [0, -1, 0]


# ---------------------------------------------------------------------- demo.Work


@pytest.fixture
def slept_ms(monkeypatch):
    slept = []
    monkeypatch.setattr(demo.time, "sleep", lambda seconds: slept.append(round(seconds * 1000, 6)))
    return slept


def test_work_passes_items_on_and_sleeps(rig, slept_ms):
    one = rig(demo.Work, {"milliseconds": 7.0}, item=["a", "b"]).pull_all()
    assert one.get("item") == ["a", "b"]
    assert slept_ms == [7.0, 7.0]


def test_jitter_adds_time_and_is_the_same_in_each_run(rig, slept_ms):
    one = rig(demo.Work, {"milliseconds": 1.0, "jitter": 3.0}, item=range(50)).pull_all()
    first = list(slept_ms)
    assert all(1 <= each <= 4 for each in first)
    assert max(first) - min(first) > 2
    slept_ms.clear()
    one.pipeline.reset()
    one.pull_all()
    assert slept_ms == first


@pytest.mark.parametrize("mode", ["python", "numpy"])
def test_computing_takes_processor_time(rig, mode):
    one = rig(demo.Work, {"milliseconds": 20.0, "mode": mode}, item=[1, 2, 3])
    start_s = time.thread_time()
    one.pull_all()
    assert time.thread_time() - start_s >= 0.06
    assert one.get("item") == [1, 2, 3]


def test_work_fails_on_every_nth_pull_and_goes_on(rig, slept_ms):
    one = rig(demo.Work, {"fail_every": 2}, item=range(5))
    one.pull()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="fail_every is 2"):
            one.pull()
        one.pull()
    assert [item for item in one.get("item") if item is not rig.GAP] == [0, 2, 4]
    assert len(slept_ms) == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [("mode", "C"), ("milliseconds", -1), ("milliseconds", "5"), ("fail_every", 1.5), ("jitter", math.nan)],
)
def test_work_refuses_what_it_cannot_do(name, value):
    with pytest.raises(InvalidInputException, match=rf"work\.{name}"):
        demo.Work(None, "work").get_input(name).set_value(value)

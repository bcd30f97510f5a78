"""Which items are shown: those of the same numbers at every output, at every rate."""

import gc
import weakref
from collections import Counter
from itertools import pairwise

import pytest

from pypipeline_engine.host.sampling import LATE, Sampling

HZ = 4.0
LOOKS_S = 0.25


class Stream:
    """Outputs whose items the test brings at rates, by a clock that it turns."""

    def __init__(self, *delays):
        self.ports = [Sampling(HZ) for _ in delays]
        self.delays = delays
        """How many items later than at the first output they come at each."""
        self.told = [[] for _ in delays]
        self.now_s = self.next_s = 0.0
        self.number = 0

    def run(self, seconds, rate_hz, passes=lambda number: True, step_s=0.01):
        for _ in range(round(seconds / step_s)):
            self.now_s += step_s
            while rate_hz and self.next_s <= self.now_s:
                self.next_s += 1 / rate_hz
                self.bring(passes)
            self.look()
        self.next_s = max(self.next_s, self.now_s)

    def bring(self, passes=lambda number: True):
        for port, delay in zip(self.ports, self.delays, strict=True):
            number = self.number - delay
            if number >= 0 and (port is self.ports[0] or passes(number)):
                port.take(number, f"value {number}")
        self.number += 1

    def look(self, is_heard=True):
        for port, told in zip(self.ports, self.told, strict=True):
            chosen = port.choose(self.now_s, is_heard)
            if chosen is not None:
                told.append(chosen[0])

    def forget_told(self):
        for told in self.told:
            told.clear()


@pytest.mark.parametrize("rate_hz", [1, 3.9, 5, 7, 8, 25, 30, 31.9, 32.1, 64, 100, 240, 1000])
@pytest.mark.parametrize("delay", [0, 1, 37])
def test_outputs_that_are_shown_together_show_the_same_items_at_every_rate(rate_hz, delay):
    stream = Stream(0, delay)
    stream.run(5 + 2 * delay / rate_hz, rate_hz)
    stream.forget_told()
    stream.run(20, rate_hz)
    images, boxes = stream.told
    assert min(1.2, 0.8 * rate_hz) * 20 <= len(boxes) <= HZ * 20 + 1
    met = set(images) & set(boxes)
    expected = [number for number in boxes if number <= images[-1]]
    first = images[0]
    expected = [number for number in expected if number >= first]
    assert len(met) >= 0.95 * len(expected)


def test_an_output_that_is_shown_later_shows_the_same_items():
    stream = Stream(0, 0)
    stream.run(1, 100, passes=lambda number: number >= 37)
    stream.forget_told()
    stream.run(10, 100)
    images, boxes = stream.told
    assert len(set(images[3:]) & set(boxes)) == len(images[3:])


def test_rates_that_are_measured_differently_still_meet():
    images, boxes = Sampling(HZ), Sampling(HZ)
    images.set_stride(16)
    boxes.set_stride(8)
    chosen = [{number for number in range(200) if port.chooses(number)} for port in (images, boxes)]
    assert chosen[0] < chosen[1]


@pytest.mark.parametrize("stride", [1, 2, 4, 32, 1024])
def test_items_are_chosen_nearly_evenly(stride):
    port = Sampling(HZ)
    port.set_stride(stride)
    chosen = [number for number in range(50 * stride) if port.chooses(number)]
    assert chosen[0] == 0  # the first one is shown at once
    assert len(chosen) == pytest.approx(50, abs=3)
    gaps = [later - earlier for earlier, later in pairwise(chosen)]
    assert min(gaps) > 0.35 * stride
    assert max(gaps) < 2 * stride


@pytest.mark.parametrize("period", [2, 3, 4, 5, 8, 10, 16])
@pytest.mark.parametrize("stride", [2, 8, 64])
def test_of_items_that_take_turns_each_is_shown_as_often(stride, period):
    """Of two cameras, say, of which the frames come alternately."""
    port = Sampling(HZ)
    port.set_stride(stride)
    shown = Counter(number % period for number in range(200 * stride * period) if port.chooses(number))
    assert set(shown) == set(range(period))
    assert max(shown.values()) <= 1.1 * min(shown.values())


def test_a_slow_stream_shows_every_item_and_the_first_one_at_once():
    stream = Stream(0)
    stream.bring()
    stream.look()
    assert stream.told == [[0]]
    stream.next_s = 0.3
    stream.run(10, 3)
    assert stream.told[0] == list(range(len(stream.told[0])))
    assert len(stream.told[0]) >= stream.number - 1  # the last one may have come a moment ago


def test_of_a_fast_stream_no_more_is_told_than_was_asked_for():
    stream = Stream(0)
    stream.run(30, 1000)
    assert 1.5 * 30 <= len(stream.told[0]) <= HZ * 30 + 1
    assert stream.ports[0].stride == 256
    gaps = [later - earlier for earlier, later in pairwise(stream.told[0][20:])]
    assert sum(gaps) / len(gaps) == pytest.approx(256, rel=0.05)


def test_a_run_that_pauses_shows_the_last_item_soon_and_then_each_step():
    stream = Stream(0)
    stream.run(5, 100)
    stream.run(LATE / HZ + LOOKS_S, 0)
    assert stream.told[0][-1] == stream.number - 1
    stream.run(3, 0)
    assert stream.ports[0].stride == 1
    for _ in range(3):
        stream.bring()
        stream.run(LOOKS_S + 0.02, 0)
        assert stream.told[0][-1] == stream.number - 1


def test_a_cell_that_leaves_gaps_where_the_stride_falls_shows_what_it_brings():
    stream = Stream(0, 0)
    stream.run(20, 100, passes=lambda number: number % 10 == 5)
    assert len(stream.told[1]) >= 20
    assert all(number % 10 == 5 for number in stream.told[1])


def test_a_stream_that_becomes_slower_is_shown_more_densely():
    stream = Stream(0)
    stream.run(5, 400)
    assert stream.ports[0].stride > 64
    stream.run(5, 5)
    assert stream.ports[0].stride <= 2


def test_who_listens_anew_is_told_the_same_once_more():
    stream = Stream(0)
    stream.bring()
    stream.look()
    stream.ports[0].tell_again()
    for _ in range(5):
        stream.now_s += LOOKS_S
        stream.look()
    assert stream.told[0] == [0, 0]


def test_what_nobody_hears_is_not_told_afterwards():
    stream = Stream(0)
    for _ in range(8):
        stream.bring()
        stream.now_s += LOOKS_S
        stream.look(is_heard=False)
    stream.ports[0].tell_again()
    stream.look()
    assert stream.told[0] == [7]


def test_few_values_are_held_on_to():
    class Value:
        pass

    port, alive = Sampling(HZ), []
    for number in range(40):
        value = Value()
        alive.append(weakref.ref(value))
        port.take(number, value)
        del value
        port.choose(number * 0.1, is_heard=True)
    gc.collect()
    assert sum(one() is not None for one in alive) <= 6
    port.forget()
    gc.collect()
    assert not any(one() is not None for one in alive)

"""How much of a difference may be chance."""

import random
from statistics import fmean

import pytest
from scipy.stats import t

from pypipeline_engine.insight.noise import (
    FEWEST_BLOCKS,
    MOST_BLOCKS,
    cut_into_blocks,
    find_warm_up,
    interval_of_difference,
    student_quantile,
)


@pytest.mark.parametrize("nb_samples", [0, 1, 2, 6, 20, 21, 22, 60, 61, 3601])
def test_blocks_are_of_one_length_and_leave_nothing_out(nb_samples: int) -> None:
    blocks = cut_into_blocks(nb_samples)
    assert len(blocks) == max(0, min(MOST_BLOCKS, nb_samples - 1))
    lengths = [last - first for first, last in blocks]
    assert max(lengths, default=0) - min(lengths, default=0) <= 1
    assert all(blocks[n][1] == blocks[n + 1][0] for n in range(len(blocks) - 1))
    if blocks:
        assert (blocks[0][0], blocks[-1][1]) == (0, nb_samples - 1)
        assert min(lengths) >= 1


@pytest.mark.parametrize("freedom", [4.0, 5.5, 10.0, 19.0, 38.0])
@pytest.mark.parametrize("share", [0.5, 0.975, 0.999, 0.9999])
def test_the_quantile_of_student_is_near_and_never_too_small(share: float, freedom: float) -> None:
    exact = float(t.ppf(share, freedom))
    assert exact - 1e-9 <= student_quantile(share, freedom) <= exact * (1.01 if freedom >= 10 else 1.08) + 1e-9


def test_the_interval_is_that_of_welch() -> None:
    a, b = [10.0, 11.0, 9.0, 10.5, 9.5, 10.0], [12.0, 15.0, 9.0, 13.0, 11.0]
    interval = interval_of_difference(a, b, nb_figures=1)
    va, vb = 0.5 / 6, 5.0 / 5  # variance of the mean, by hand
    freedom = (va + vb) ** 2 / (va**2 / 5 + vb**2 / 4)
    assert interval == pytest.approx(float(t.ppf(0.975, freedom)) * (va + vb) ** 0.5, rel=0.01)


def test_of_many_figures_none_is_outside_by_chance() -> None:
    """Runs of one distribution are compared in 20 figures: one time in 20 at most, one of those may seem to differ."""
    chance = random.Random(1)

    def draw() -> list[float]:
        return [chance.gauss(100, 5) for _ in range(20)]

    def seems_to_differ() -> bool:
        a, b = draw(), draw()
        interval = interval_of_difference(a, b, nb_figures=20)
        assert interval is not None
        return abs(fmean(a) - fmean(b)) > interval

    wrong = sum(any(seems_to_differ() for _ in range(20)) for _ in range(200))
    assert wrong <= 20  # 10 are to be expected


def test_few_blocks_tell_nothing_and_equal_ones_leave_no_doubt() -> None:
    few, enough = [1.0] * (FEWEST_BLOCKS - 1), [1.0] * FEWEST_BLOCKS
    assert interval_of_difference(few, enough, 1) is None
    assert interval_of_difference(enough, few, 1) is None
    assert interval_of_difference(enough, [2.0] * FEWEST_BLOCKS, 1) == 0.0
    assert interval_of_difference([0.1 + 0.2] * 5, [0.3] * 4 + [0.1 + 0.2], 1) == 0.0
    assert interval_of_difference([0.0] * 5, [0.0] * 5, 1) == 0.0


def test_the_start_that_is_unlike_the_rest_is_found() -> None:
    chance = random.Random(2)
    steady = [100 + chance.gauss(0, 2) for _ in range(40)]
    assert find_warm_up([10.0, 40.0, 80.0, *steady]) in (3, 4)
    assert find_warm_up([5.0] * 10) == 0
    assert find_warm_up([]) == 0
    assert find_warm_up([3.0]) == 0
    assert find_warm_up([2.0**number for number in range(12)]) <= 3

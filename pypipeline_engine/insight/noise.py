"""How much of a difference between two runs may be chance.

A run is cut into blocks of one length, and each figure is taken of every block: the method of nonoverlapping batch means.
Blocks are long enough to depend little on each other, which single samples need not be, and 10 to 30 of them are enough
(B. Schmeiser, "Batch Size Effects in the Analysis of Simulation Output", Operations Research 30(3), 1982). Quantiles are
treated alike (A. F. Seila, "A Batching Approach to Quantile Estimation in Regenerative Simulations", Management Science
28(5), 1982). Whether two runs differ is decided by Welch's interval for means of unequal variance (B. L. Welch, "The
Generalization of 'Student's' Problem when Several Different Population Variances are Involved", Biometrika 34, 1947). Of
many figures some would lie outside of their intervals by chance; so the intervals are those of Bonferroni, which with 95 %
certainty hold for all of them together.

What this cannot see is what stays the same through a whole run and is another in the next one: where things lie in memory,
how fast the processor was allowed to be, who else was there. Two equal runs differ by that too (T. Mytkowicz et al.,
"Producing Wrong Data Without Doing Anything Obviously Wrong!", ASPLOS 2009). Whoever uses these functions sets a floor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist, fmean, variance

MOST_BLOCKS = 20
FEWEST_BLOCKS = 5
"""Of fewer, the spread is not known well enough to say anything."""
CERTAINTY = 0.95
"""That all intervals of a comparison hold."""


def cut_into_blocks(nb_samples: int) -> list[tuple[int, int]]:
    """The first and last sample of each block; the end of one is the start of the next.

    Their lengths differ by one sample at most, so that nothing is left out.
    """
    nb_intervals = nb_samples - 1
    nb_blocks = min(MOST_BLOCKS, nb_intervals)
    edges = [number * nb_intervals // nb_blocks for number in range(nb_blocks + 1)] if nb_blocks > 0 else []
    return list(pairwise(edges))


def interval_of_difference(a: Sequence[float], b: Sequence[float], nb_figures: int) -> float | None:
    """Half the width of the interval around the difference of two figures in which the true one lies; `None` where there
    are too few blocks to tell.

    :param a: the figure of each block of one run.
    :param b: the same of the other run.
    :param nb_figures: how many figures are compared.
    """
    if min(len(a), len(b)) < FEWEST_BLOCKS:
        return None
    own = [variance(values) / len(values) for values in (a, b)]
    total = sum(own)
    # What rounding leaves of a variance is none.
    if total <= (1e-12 * max(abs(fmean(a)), abs(fmean(b)))) ** 2:
        return 0.0
    freedom = total**2 / sum(part**2 / (len(values) - 1) for part, values in zip(own, (a, b), strict=True))
    return student_quantile(1 - (1 - CERTAINTY) / (2 * max(1, nb_figures)), freedom) * math.sqrt(total)


def student_quantile(share: float, freedom: float) -> float:
    """The value below which `share` of Student's t distribution lies, for shares of at least one half.

    By the approximation of D. L. Wallace ("Bounds on Normal Approximations to Student's and the Chi-Square Distributions",
    Annals of Mathematical Statistics 30, 1959). From 4 degrees of freedom on it is too large by 8 % at most, far out, and by
    less than 1 % from 10 on.
    """
    normal = NormalDist().inv_cdf(share) * (8 * freedom + 3) / (8 * freedom + 1)
    return math.sqrt(freedom * math.expm1(normal**2 / freedom))


def find_warm_up(values: Sequence[float]) -> int:
    """How many values at the start are unlike the rest, a quarter of them at most.

    By the marginal standard error rule (K. P. White, "An Effective Truncation Heuristic for Bias Reduction in Simulation
    Output", Simulation 69(6), 1997): as many as make the standard error of the mean of the rest the least. White allows for
    half of them; of a short run that would choose the calmest part, which has less noise than the run.
    """
    best, fewest = math.inf, 0
    mean = squares = 0.0  # of the values that stay, by Welford's method, from the last one on
    for dropped in range(len(values) - 1, -1, -1):
        nb_left = len(values) - dropped
        before = mean
        mean += (values[dropped] - mean) / nb_left
        squares += (values[dropped] - before) * (values[dropped] - mean)
        if dropped <= len(values) // 4 and squares / nb_left**2 <= best:
            best, fewest = squares / nb_left**2, dropped
    return fewest

"""Does any of all variants beat the benchmark? The test for superior predictive ability (SPA).

Hansen, P. R. (2005). A test for superior predictive ability. Journal of Business and Economic Statistics 23, 365-380.
The statistic is the largest sqrt(n) * mean / omega of all variants, or 0. Its distribution without an edge comes from
the stationary bootstrap. A variant that is clearly worse than the benchmark keeps its own mean there, so that adding
bad variants does not hide a good one (the paper's consistent p-value).

Each excess return is studentized, as in the paper. Without it the most volatile variant decides alone.
"""

import math
from typing import NamedTuple

import numpy as np

from lab import Flags, Floats


class Superiority(NamedTuple):
    """The outcome of the test.

    p_value: of "no variant beats the benchmark"
    adjusted: the same for each variant alone, corrected for all that were tried
    statistics: sqrt(n) * mean / omega of each variant
    """

    p_value: float
    adjusted: Floats
    statistics: Floats


def superiority(means: Floats, resampled: Floats, sessions: int) -> Superiority:
    """Test whether any variant has a mean excess above 0.

    means: the mean excess of each variant
    resampled: the same in each resample (row) of the stationary bootstrap

    The adjusted p-values are those of the largest statistic: Westfall, P. H. and Young, S. S. (1993), in one step.
    """
    omega = resampled.std(axis=0, ddof=1) * math.sqrt(sessions)
    root = math.sqrt(sessions)
    varies = omega > 0
    statistics = np.divide(root * means, omega, out=np.zeros_like(means), where=varies)
    centred = np.where(is_poor(statistics, sessions), 0.0, means)
    scaled = np.divide(root * (resampled - centred), omega, out=np.zeros_like(resampled), where=varies)
    largest = np.maximum(scaled.max(axis=1), 0.0)
    # The data count as one more resample: a p-value is never 0 (Davison and Hinkley 1997, section 4.2).
    reached = (largest[:, None] >= np.maximum(statistics, 0.0)).sum(axis=0)
    adjusted = (reached + 1) / (len(resampled) + 1)
    return Superiority(float(adjusted.min()), adjusted, statistics)


def is_poor(statistics: Floats, sessions: int) -> Flags:
    """Return which variants are clearly worse than the benchmark: below -sqrt(2 log log n)."""
    return statistics < -math.sqrt(2 * math.log(math.log(sessions)))

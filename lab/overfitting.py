"""Does the variant that was best in one time stay good in another?

* Probability of backtest overfitting: Bailey, D. H., Borwein, J., Lopez de Prado, M. and Zhu, Q. J. (2017). The
  probability of backtest overfitting. Journal of Computational Finance 20(4), 39-69. Combinatorially symmetric
  cross-validation (CSCV): the sessions are cut into blocks. Every half of the blocks chooses the best variant, and the
  other half ranks it. The probability is how often the chosen one is at or below the median there (logit <= 0).
* Walk-forward: the best of the last two years is held for a quarter of a year, again and again.
"""

import math
from itertools import combinations
from typing import NamedTuple

import numpy as np

from lab import Floats
from lab.sharpe import sharpe_ratio, yearly

BLOCKS = 16
TRAIN_SESSIONS, TEST_SESSIONS = 504, 63


def overfitting_probability(returns: Floats, blocks: int = BLOCKS) -> float:
    """Return the share of the halves whose best variant (column) is at or below the median in the other half.

    The blocks are equally long, so the oldest sessions that fill none are left out. NaN with fewer than two variants,
    or fewer than two sessions a block. Variants with the same ratio share their ranks. Where all have the same there is
    nothing to rank, which the paper does not know of: it counts as one half.
    """
    size, variants = len(returns) // blocks, returns.shape[1]
    if variants < 2 or size < 2:
        return math.nan
    cut = returns[len(returns) - size * blocks :].reshape(blocks, size, variants)
    sums, squares = cut.sum(axis=1), (cut**2).sum(axis=1)
    chosen = np.array(
        [[at in half for at in range(blocks)] for half in combinations(range(blocks), blocks // 2)], float
    )
    count = size * blocks // 2
    inside = _ratios(chosen @ sums, chosen @ squares, count)
    outside = _ratios((1 - chosen) @ sums, (1 - chosen) @ squares, count)
    best = inside.argmax(axis=1)[:, None]
    own = np.take_along_axis(outside, best, axis=1)
    same = (outside == own).sum(axis=1)
    rank = (outside < own).sum(axis=1) + (same + 1) / 2
    return float(np.where(same == variants, 0.5, rank <= (variants + 1) / 2).mean())


def _ratios(sums: Floats, squares: Floats, count: int) -> Floats:
    mean = sums / count
    variance = (squares - count * mean**2) / (count - 1)
    return np.divide(mean, np.sqrt(np.maximum(variance, 0)), out=np.zeros_like(mean), where=variance > 0)


class WalkForward(NamedTuple):
    """Yearly Sharpe ratios of what walking forward chose: where it was chosen, and where it was held after that."""

    in_sample: float
    out_of_sample: float
    sessions: int


def walk_forward(returns: Floats, train: int = TRAIN_SESSIONS, test: int = TEST_SESSIONS) -> WalkForward:
    """Hold the variant (column) with the best Sharpe ratio of the last sessions for the next ones, again and again.

    train, test: how many sessions choose, and for how many it is held
    The last test may be shorter. Without a whole training the ratios are NaN.
    """
    inside, outside = [], []
    for first in range(train, len(returns), test):
        trained = returns[first - train : first]
        ratios = _ratios(trained.sum(axis=0), (trained**2).sum(axis=0), train)
        best = int(ratios.argmax())
        inside.append(float(ratios[best]))
        outside.append(returns[first : first + test, best])
    if not outside:
        return WalkForward(math.nan, math.nan, 0)
    held = np.concatenate(outside)
    return WalkForward(yearly(float(np.mean(inside))), yearly(sharpe_ratio(held)), len(held))

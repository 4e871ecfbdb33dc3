"""Does the variant that was best in one time stay good in another?

* Probability of backtest overfitting: Bailey, D. H., Borwein, J., Lopez de Prado, M. and Zhu, Q. J. (2017). The
  probability of backtest overfitting. Journal of Computational Finance 20(4), 39-69. Combinatorially symmetric
  cross-validation (CSCV): the sessions are cut into blocks. Every half of the blocks chooses the best variant, and the
  other half ranks it. The probability is how often the chosen one is at or below the median there (logit <= 0).
* Walk-forward: the best of the last two years is held for a quarter of a year, again and again. Whoever does so trades
  from the portfolio of one variant into that of the next, a session after the choice, and pays for it.
"""

import math
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np

from lab import Floats
from lab.panel import Panel
from lab.sharpe import sharpe_ratio, yearly
from lab.strategy import drag_of

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
    """Yearly Sharpe ratios of what walking forward chose: where it was chosen, and where it was held after that.

    sessions: for how many something was held
    """

    in_sample: float
    out_of_sample: float
    sessions: int


class Choice(NamedTuple):
    """The variant with the best Sharpe ratio of the sessions before one.

    session: the first one behind those that choose. At its close the variant is bought
    """

    session: int
    variant: int
    ratio: float


def walk_forward(panel: Panel, cost: float, train: int = TRAIN_SESSIONS, test: int = TEST_SESSIONS) -> WalkForward:
    """Hold the variant with the best Sharpe ratio of the last sessions for the next ones, again and again.

    panel: with the changes at the closes of change_sessions
    train, test: how many sessions choose, and for how many it is held
    The last test may be shorter. Without a whole training and a session behind its purchase the ratios are NaN.

    As every decision, a choice is bought at the close of the next session, and its first return is that of the one
    after. At this close the portfolio of the variant before is exchanged for that of the new one, at the cost of what
    this takes. As of each variant, the very first purchase lies before what is counted.
    """
    found = choices(panel.excess(cost), train, test)
    if not found:
        return WalkForward(math.nan, math.nan, 0)
    net = panel.net(cost)
    held = np.concatenate([net[each.session + 1 : each.session + test + 1, each.variant] for each in found])
    for old, new in pairwise(found):
        gross = panel.gross[new.session, old.variant]
        turnover = panel.changes[new.session][old.variant, new.variant]
        held[new.session - train - 1] = gross - cost * drag_of(turnover, gross)
    excess = held - panel.benchmark[train + 1 :]
    return WalkForward(
        yearly(float(np.mean([each.ratio for each in found]))), yearly(sharpe_ratio(excess)), len(excess)
    )


def choices(excess: Floats, train: int = TRAIN_SESSIONS, test: int = TEST_SESSIONS) -> list[Choice]:
    """Return what walking forward chooses, by the excess returns of each variant (column)."""
    found = []
    for first in range(train, len(excess), test):
        trained = excess[first - train : first]
        ratios = _ratios(trained.sum(axis=0), (trained**2).sum(axis=0), train)
        best = int(ratios.argmax())
        found.append(Choice(first, best, float(ratios[best])))
    return found


def change_sessions(sessions: int, train: int = TRAIN_SESSIONS, test: int = TEST_SESSIONS) -> range:
    """Return the sessions at whose closes walking forward may change from one variant to another."""
    return range(train + test, sessions, test)

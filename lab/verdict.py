"""The verdict: an edge at some cost, none shown, or not enough data to say so.

What decides, at each cost:

1. The test for superior predictive ability over all variants (lab/superiority.py) gives at most 5 %. It counts every
   variant that was tried.
2. What walking forward chose has earned more than the benchmark where it was not chosen, after the cost of changing
   from one variant to the next (lab/overfitting.py).

Both have to hold at every cost up to the one that is named. Costs are tested in rising order, and the first failure
ends it, so that eleven costs need no correction. With fewer sessions than a true yearly Sharpe ratio of 1 takes,
nothing is said.

The other figures are shown beside it and decide nothing. The deflated Sharpe ratio takes differences between good
variants for luck, and the probability of overfitting is one half when all variants are equally good.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab import Floats
from lab.bootstrap import best_block, resampled_means
from lab.overfitting import walk_forward
from lab.panel import Panel
from lab.sharpe import SESSIONS_A_YEAR, sessions_needed
from lab.superiority import Superiority, superiority

LEVEL = 0.05
# What "enough data" is measured with: a true yearly Sharpe ratio of 1 above the benchmark.
REFERENCE_SHARPE = 1.0
SESSIONS_ENOUGH = round(sessions_needed(REFERENCE_SHARPE / SESSIONS_A_YEAR**0.5))

NOT_ENOUGH_DATA, EDGE = "lab_not_enough_data", "lab_edge"
# Without costs: luck explains it, or only what was best in the past did not stay ahead.
NO_EDGE, NOT_HELD = "lab_no_edge", "lab_no_edge_held"


@dataclass(frozen=True)
class Draws:
    """Means of the gross returns, drags and the benchmark in each resample, from which the means at any cost follow."""

    block: float
    gross: Floats
    drag: Floats
    benchmark: Floats

    def excess(self, cost: float) -> Floats:
        return self.gross - cost * self.drag - self.benchmark[:, None]


@dataclass(frozen=True)
class Verdict:
    """One of the four codes, and what it rests on.

    cost: the highest cost at which there is an edge, None without one
    tests: the test for superior predictive ability at each cost
    out_of_sample: the yearly Sharpe ratio of what walking forward held, at each cost
    """

    code: str
    cost: float | None
    costs: tuple[float, ...]
    tests: tuple[Superiority, ...]
    out_of_sample: tuple[float, ...]


def draw(panel: Panel, cost: float, resamples: int, random: np.random.Generator) -> Draws:
    """Resample all variants at once. The block length is the best for the excess returns at a cost."""
    block = best_block(panel.excess(cost))
    variants = len(panel.variants)
    means = resampled_means(np.column_stack([panel.gross, panel.drag, panel.benchmark]), block, resamples, random)
    return Draws(block, means[:, :variants], means[:, variants:-1], means[:, -1])


def judge(panel: Panel, costs: Sequence[float], draws: Draws) -> Verdict:
    """Say whether the variants have an edge over the benchmark. The panel has the changes of walking forward."""
    tests, forward = [], []
    for cost in costs:
        tests.append(tested_at(panel, cost, draws))
        forward.append(walk_forward(panel, cost).out_of_sample)
    reached = None
    for cost, test, held in zip(costs, tests, forward, strict=True):
        if not (test.p_value <= LEVEL and held > 0):
            break
        reached = cost
    code = _code(panel.priced, reached, tests[0].p_value)
    return Verdict(code, reached if code == EDGE else None, tuple(costs), tuple(tests), tuple(forward))


def _code(sessions: int, reached: float | None, p_value: float) -> str:
    if sessions < SESSIONS_ENOUGH:
        return NOT_ENOUGH_DATA
    if reached is not None:
        return EDGE
    return NOT_HELD if p_value <= LEVEL else NO_EDGE


def tested_at(panel: Panel, cost: float, draws: Draws) -> Superiority:
    """Test at a cost for superior predictive ability. The draws are the same at every cost."""
    return superiority(panel.excess(cost).mean(axis=0), draws.excess(cost), len(panel))


def own_cost(verdict: Verdict, variant: int) -> float | None:
    """Return the highest cost at which a variant alone is shown to have an edge, with all that were tried counted."""
    reached = None
    for cost, test in zip(verdict.costs, verdict.tests, strict=True):
        if verdict.cost is None or cost > verdict.cost or test.adjusted[variant] > LEVEL:
            break
        reached = cost
    return reached

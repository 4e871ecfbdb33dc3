"""Can the lab flatter? Its verdict on many invented markets whose truth is known."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from lab.invented import FIVE_YEARS, invented_prices
from lab.overfitting import change_sessions
from lab.panel import panel_of, with_changes
from lab.sharpe import CONFIDENCE, deflated_sharpe_ratio, probabilistic_sharpe_ratio, sharpe_ratio
from lab.variants import Trials
from lab.verdict import EDGE, draw, judge

# A p-value near 5 % is then exact to 0.7 percentage points. The verdict of real prices takes ten times as many.
RESAMPLES = 1_000


@dataclass(frozen=True)
class Tally:
    """On how many of the markets each thing was said.

    edge: the verdict is an edge, at any cost from 0 on
    edge_at_cost: an edge at the cost asked for
    superior: the test for superior predictive ability alone would have said it, at any cost from 0 on
    deflated: the deflated Sharpe ratio of the best variant is at least 95 %
    undeflated: the probabilistic Sharpe ratio of the best variant is, which does not count what was tried
    """

    markets: int
    edge: int
    edge_at_cost: int
    superior: int
    deflated: int
    undeflated: int

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def share(self, of: str) -> float:
        """Return a count as a share of the markets.

        >>> Tally(200, 5, 0, 0, 0, 0).share("edge")
        0.025
        """
        return float(getattr(self, of)) / self.markets


def tally(trials: Trials, seeds: Iterable[int], strength: float, cost: float, sessions: int = FIVE_YEARS) -> Tally:
    """Judge the trials on a market for each seed."""
    rows = [_judged(trials, seed, strength, cost, sessions) for seed in seeds]
    return Tally(*(sum(column) for column in zip(*rows, strict=True))) if rows else Tally(*[0] * len(fields(Tally)))


def _judged(trials: Trials, seed: int, strength: float, cost: float, sessions: int) -> tuple[int, ...]:
    warm_up = max(variant.warm_up for variant in trials.variants)
    prices = invented_prices(sessions + warm_up + 2, seed, strength)
    cut = panel_of(trials.variants, prices)
    panel = with_changes(cut, prices, change_sessions(len(cut)))
    verdict = judge(panel, trials.costs, draw(panel, cost, RESAMPLES, np.random.default_rng([seed, 21])))
    excess = panel.excess(cost)
    ratios = np.array([sharpe_ratio(column) for column in excess.T])
    best = excess[:, int(np.nanargmax(ratios))]
    is_edge = verdict.code == EDGE
    return (
        1,
        is_edge,
        is_edge and verdict.cost is not None and verdict.cost >= cost,
        verdict.tests[0].p_value <= 1 - CONFIDENCE,
        deflated_sharpe_ratio(best, ratios) >= CONFIDENCE,
        probabilistic_sharpe_ratio(best) >= CONFIDENCE,
    )

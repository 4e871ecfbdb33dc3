"""Invented markets whose truth is known: without an edge for any rule, or with one of a planted size.

Without an edge every price is a martingale: no return can be foretold, and neither a fund nor cash earns more than the
benchmark. This is the hardest such market: with a common growth, the sessions in cash would lose to the benchmark.
Returns have fat tails (Student's t with five degrees of freedom), and a volatility that comes and goes.

With an edge each fund has a drift against the others, which lasts for some weeks. So what has risen goes on rising.
"""

import math
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from lab import Floats
from lab.panel import panel_of
from lab.prices import Prices
from lab.sharpe import sharpe_ratio, yearly
from lab.variants import Variant

FIVE_YEARS = 1260
FUNDS = 14
TAILS = 5  # degrees of freedom
BENCHMARK_DEVIATION, FUND_DEVIATION = 0.009, 0.007
VOLATILITY_WAVE, VOLATILITY_MEMORY = 0.35, 40.0
DRIFT_MEMORY = 60.0
# The drifts at which the best of the variants has a true yearly Sharpe ratio of 2 after 10 bp, and no other has more.
# It comes from `true_sharpes` over 500 years, so it is exact to about 0.05.
PLANTED_SHARPE, PLANTED_STRENGTH = 2.0, 0.1755
FIRST_SESSION = date(2000, 1, 3)


def invented_prices(sessions: int, seed: int, strength: float = 0.0) -> Prices:
    """Return the prices of a market.

    strength: the deviation of the funds' drifts, as a share of that of their noise
    """
    random = np.random.default_rng([seed, 20])
    volatility = np.exp(VOLATILITY_WAVE * _wave(random, sessions, 1, VOLATILITY_MEMORY))
    common = BENCHMARK_DEVIATION * volatility[:, 0] * _shocks(random, (sessions,))
    own = FUND_DEVIATION * volatility * _shocks(random, (sessions, FUNDS))
    drift = strength * FUND_DEVIATION * _wave(random, sessions, FUNDS, DRIFT_MEMORY)
    moves = np.column_stack([common, common[:, None] + own + drift])
    closes = np.asarray(100 * np.cumprod(1 + moves, axis=0), dtype=np.float64)
    names = tuple(f"FUND{number + 1}" for number in range(FUNDS))
    return Prices(weekdays(sessions), names, closes[:, 1:], closes[:, 0])


def weekdays(count: int) -> tuple[date, ...]:
    """Return weekdays from FIRST_SESSION on.

    >>> [day.isoformat() for day in weekdays(6)][-2:]
    ['2000-01-07', '2000-01-10']
    """
    weeks = (FIRST_SESSION + timedelta(weeks=at // 5, days=at % 5) for at in range(count))
    return tuple(weeks)


def true_sharpes(variants: Sequence[Variant], strength: float, cost: float, markets: int) -> Floats:
    """Return the yearly Sharpe ratio of each variant's net excess, measured over many markets of five years."""
    warm_up = max(variant.warm_up for variant in variants)
    panels = [
        # Seeds of their own: what is measured here is not what the verdict is tried on.
        panel_of(variants, invented_prices(FIVE_YEARS + warm_up + 2, 1_000_000 + seed, strength))
        for seed in range(markets)
    ]
    excess = np.concatenate([panel.excess(cost) for panel in panels])
    return np.array([yearly(sharpe_ratio(column)) for column in excess.T])


def _shocks(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Draw shocks of deviation 1."""
    shocks: Floats = random.standard_t(TAILS, shape) / math.sqrt(TAILS / (TAILS - 2))
    return shocks


def _wave(random: np.random.Generator, sessions: int, columns: int, memory: float) -> Floats:
    """Draw values of deviation 1 that come and go: each is mostly the one before."""
    kept = 1 - 1 / memory
    shocks = random.standard_normal((sessions, columns))
    values = np.empty_like(shocks)
    values[0] = shocks[0]
    for at in range(1, sessions):
        values[at] = kept * values[at - 1] + math.sqrt(1 - kept**2) * shocks[at]
    return values

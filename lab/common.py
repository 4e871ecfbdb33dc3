"""The common figures of a series of daily returns, by the formulas of the track record."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from lab import Floats
from lab.sharpe import SESSIONS_A_YEAR


def growth_a_year(returns: Floats) -> float:
    """Return V_n^(252/n) - 1, the compound growth of a year."""
    return float(np.prod(1 + returns) ** (SESSIONS_A_YEAR / len(returns)) - 1)


def volatility_a_year(returns: Floats) -> float:
    """Return the deviation (ddof=1) times the root of 252."""
    return float(returns.std(ddof=1) * np.sqrt(SESSIONS_A_YEAR))


def max_drawdown(returns: Floats) -> float:
    """Return the lowest V / highest V so far - 1, the beginning included.

    >>> round(max_drawdown(np.array([-0.1, 0.2, -0.5])), 10)
    -0.5
    """
    value = np.concatenate([[1.0], np.cumprod(1 + returns)])
    return float((value / np.maximum.accumulate(value) - 1).min())


def worst_year(returns: Floats, benchmark: Floats, sessions: Sequence[date]) -> tuple[int, float]:
    """Return the calendar year in which the portfolio fell behind the benchmark most, and by how much.

    >>> days = [date(2020, 1, 2), date(2021, 1, 4)]
    >>> worst_year(np.array([0.1, 0.0]), np.array([0.0, 0.25]), days)
    (2021, -0.25)
    """
    years = np.array([day.year for day in sessions])
    behind = {
        int(year): float(np.prod(1 + returns[years == year]) - np.prod(1 + benchmark[years == year]))
        for year in np.unique(years)
    }
    worst = min(behind, key=lambda year: behind[year])
    return worst, behind[worst]

"""Sharpe ratios, and how sure one can be of them. All ratios are per session unless a name says yearly.

* Probabilistic Sharpe ratio: Bailey, D. H. and Lopez de Prado, M. (2012). The Sharpe ratio efficient frontier. Journal
  of Risk 15(2), 3-44. The probability that the true ratio is above a given one.
* Minimum track record length: the same paper. The number of sessions from which this probability reaches a confidence.
* Deflated Sharpe ratio: Bailey, D. H. and Lopez de Prado, M. (2014). The deflated Sharpe ratio. Journal of Portfolio
  Management 40(5), 94-107. The same probability against the ratio that the best of all trials reaches by luck.
"""

import math
from statistics import NormalDist

from lab import Floats

SESSIONS_A_YEAR = 252
EULER_MASCHERONI = 0.5772156649015329
CONFIDENCE = 0.95
_normal = NormalDist()


def sharpe_ratio(returns: Floats) -> float:
    """Return mean / deviation (ddof=1), or NaN without variation.

    >>> import numpy as np
    >>> round(sharpe_ratio(np.array([0.01, 0.02, 0.03])), 10)
    2.0
    """
    deviation = float(returns.std(ddof=1)) if len(returns) > 1 else 0.0
    return float(returns.mean()) / deviation if deviation > 0 else math.nan


def yearly(ratio: float) -> float:
    return ratio * math.sqrt(SESSIONS_A_YEAR)


def probabilistic_sharpe_ratio(returns: Floats, against: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio is above `against`, with skewness g3 and kurtosis g4.

    PSR = Phi((SR - against) * sqrt(n - 1) / sqrt(1 - g3 * SR + (g4 - 1) / 4 * SR^2))
    """
    ratio = sharpe_ratio(returns)
    if math.isnan(ratio):
        return math.nan
    return _normal.cdf((ratio - against) * math.sqrt(len(returns) - 1) / math.sqrt(_variance_factor(returns, ratio)))


def _variance_factor(returns: Floats, ratio: float) -> float:
    standard = (returns - returns.mean()) / returns.std()
    skewness, kurtosis = float((standard**3).mean()), float((standard**4).mean())
    return 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2


def expected_best(ratios: Floats) -> float:
    """Return the Sharpe ratio that the best of several trials without an edge is expected to have.

    sd(SR) * ((1 - g) * Z(1 - 1/N) + g * Z(1 - 1/(N e))), with Z the normal quantile and g the Euler-Mascheroni constant
    """
    trials = len(ratios)
    if trials < 2:
        return 0.0
    luck = (1 - EULER_MASCHERONI) * _normal.inv_cdf(1 - 1 / trials) + EULER_MASCHERONI * _normal.inv_cdf(
        1 - 1 / (trials * math.e)
    )
    return float(ratios.std(ddof=1)) * luck


def deflated_sharpe_ratio(returns: Floats, ratios: Floats) -> float:
    """Return the probability that the true Sharpe ratio is above what the best of the trials has by luck.

    ratios: the Sharpe ratios of all trials
    """
    return probabilistic_sharpe_ratio(returns, expected_best(ratios))


def sessions_needed(ratio: float, against: float = 0.0, skewness: float = 0.0, kurtosis: float = 3.0) -> float:
    """Return the minimum track record length: how many sessions a true Sharpe ratio takes to be told from `against`.

    1 + (1 - g3 * SR + (g4 - 1) / 4 * SR^2) * (Z(0.95) / (SR - against))^2, infinite when SR is not above `against`

    >>> round(sessions_needed(1.0 / math.sqrt(252)))   # a yearly Sharpe ratio of 1
    684
    """
    if not ratio > against:
        return math.inf
    factor = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
    return 1 + factor * (_normal.inv_cdf(CONFIDENCE) / (ratio - against)) ** 2

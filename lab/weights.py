"""Weights of what a variant buys, in every session at once."""

import numpy as np

from lab import Flags, Floats, Ranks
from lab.prices import Prices, Stocks, at_sessions
from lab.variants import Variant

# Sessions over which a volatility is measured, for every variant.
VOLATILITY_SESSIONS = 60


def best(returns: Floats, eligible: Flags, top_n: int) -> Flags:
    """Return the eligible with the highest returns of each session. Of two equal ones the first counts.

    >>> best(np.array([[0.1, 0.3, 0.3, 0.2]]), np.array([[True, True, True, False]]), 2)
    array([[False,  True,  True, False]])
    """
    if not top_n:
        return eligible
    order = np.argsort(np.where(eligible, -returns, np.inf), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    return eligible & (rank < top_n)


def all_of_each(returns: Floats, trending: Flags, ranks: Ranks, eligible: Flags) -> Flags:
    """Return all eligible stocks that the trending funds hold."""
    return (trending[:, :, None] & (ranks > 0)).any(axis=1) & eligible


def best_of_each(returns: Floats, trending: Flags, ranks: Ranks, eligible: Flags) -> Flags:
    """Return the eligible stock of each trending fund with the highest return, as batch.spark_active_stock_allocator.

    Of two equal ones the larger holding counts, and then the first. A stock that several funds choose is bought once.

    >>> returns, ranks = np.array([[0.1, 0.3, 0.3]]), np.array([[[1, 3, 2]]], dtype=np.int16)
    >>> best_of_each(returns, np.array([[True]]), ranks, np.array([[True, True, True]]))
    array([[False, False,  True]])
    """
    chosen = np.zeros_like(eligible)
    rows = np.arange(len(returns))
    for fund in range(trending.shape[1]):
        held = ranks[:, fund]
        open_to = trending[:, fund, None] & (held > 0) & eligible
        highest = np.where(open_to, returns, -np.inf).max(axis=1, keepdims=True)
        place = np.where(open_to & (returns == highest), held, np.iinfo(held.dtype).max)
        chosen[rows, place.argmin(axis=1)] |= open_to.any(axis=1)
    return chosen


def scores_of(variant: Variant, of: Prices | Stocks, returns: Floats, caps: Floats | None) -> Floats:
    """Return what the weights are shares of, by session. caps: by session, None on the ETF leg.

    seed: the return, over the market cap where there is one (the seed document's performance times 1 / market cap).
    A fund has none, so that on the ETF leg it is the return alone.
    """
    if variant.weights == "equal":
        return np.ones_like(returns)
    if variant.weights == "inverse_volatility":
        volatility = at_sessions(volatility_of(of.closes, of.breaks), of.ends)
        return np.divide(1.0, volatility, out=np.full_like(volatility, np.nan), where=volatility > 0)
    if variant.weights == "cap":
        return np.full_like(returns, np.nan) if caps is None else caps
    return returns if caps is None else returns / np.where(caps > 0, caps, np.nan)


def shares_of(scores: Floats, bought: Flags, cap: float) -> Floats:
    """Return the weights of each session: shares of the scores, none above the cap. What is missing to 1 is cash.

    What exceeds the cap goes to the others by score, as in batch.weights. A score that is missing buys nothing.

    >>> shares_of(np.array([[6.0, 2.0, 2.0]]), np.array([[True, True, True]]), 0.5)
    array([[0.5 , 0.25, 0.25]])
    >>> shares_of(np.array([[6.0, 2.0, 2.0]]), np.array([[True, True, False]]), 0.25)
    array([[0.25, 0.25, 0.  ]])
    """
    chosen = bought & (scores > 0)
    open_scores = np.where(chosen, scores, 0.0)
    capped = np.zeros_like(chosen)
    while True:
        total = _total(open_scores)
        left = 1.0 - capped.sum(axis=1, keepdims=True) * cap
        weights = np.divide(left * open_scores, total, out=np.zeros_like(open_scores), where=total > 0)
        above = weights > cap
        if not above.any():
            return np.where(capped, cap, weights)
        capped |= above
        open_scores = np.where(capped, 0.0, open_scores)


def _total(scores: Floats) -> Floats:
    """Return the sum of each row, one score after another.

    So zeros in between change no bit of it. NumPy's own sum adds in an order that depends on the number of columns,
    which grows with every stock that a fund comes to hold.

    >>> scores = np.array([[0.1, 0.2, 0.3]])
    >>> bool(_total(scores) == _total(np.insert(scores, 1, np.zeros((9, 1)), axis=1)))
    True
    """
    return scores.cumsum(axis=1)[:, -1:]


def volatility_of(closes: Floats, breaks: Flags | None = None, sessions: int = VOLATILITY_SESSIONS) -> Floats:
    """Return the standard deviation of the last daily returns of each session.

    NaN where one of them is missing, or crosses a break.
    """
    volatility = np.full_like(closes, np.nan)
    if len(closes) > sessions:
        daily = closes[1:] / closes[:-1] - 1
        daily = daily if breaks is None else np.where(breaks[1:], np.nan, daily)
        is_missing = np.isnan(daily)
        known = np.where(is_missing, 0.0, daily)
        total, squares, missing = (_sums(each, sessions) for each in (known, known**2, is_missing.astype(np.float64)))
        variance = np.maximum(squares - total**2 / sessions, 0.0) / (sessions - 1)
        volatility[sessions:] = np.where(missing > 0, np.nan, np.sqrt(variance))
    return volatility


def _sums(values: Floats, rows: int) -> Floats:
    """Return the sum of the last rows, from the first whole one on."""
    total: Floats = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return total[rows:] - total[:-rows]

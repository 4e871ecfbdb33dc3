"""What a variant would have earned: decided on the close of one session, traded at the close of the next.

All sessions are computed at once. Inside a holding period the value of a portfolio has a closed form: cash plus the sum
of w_i * P_i(session) / P_i(entry), as in the track record (batch.track_record).

Costs need no second computation. With the gross return g and the turnover u of a session, the net return at cost c is
(1 + g) * (1 - 2 * u * c) - 1 = g - c * drag, with drag = 2 * u * (1 + g). The drag does not depend on c.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from lab import Fingerprints, Flags, Floats, Integers
from lab.prices import Prices, Stocks, at_sessions, at_the_break, breaks_at_sessions, carried, crosses
from lab.variants import Variant
from lab.weights import all_of_each, best, best_of_each, scores_of, shares_of

# A decision of session t is bought at the close of t + 1, and its first return is that of t + 2.
SESSIONS_TO_FIRST_RETURN = 2


@dataclass(frozen=True)
class Decisions:
    """What a variant wants to hold, by session.

    targets: fingerprints of the weights. They are equal where every ticker has the same weight, to the last bit
    decides: whether it is bought
    has_hindsight: it rests on holdings that were not known
    """

    targets: Fingerprints
    decides: Flags
    has_hindsight: Flags


@dataclass(frozen=True)
class Outcome:
    """What a variant decided and earned, by session.

    gross: returns before costs
    drag: what a cost of 1 would take from them
    turnover: half of what was bought and sold, as a share of the value
    has_hindsight: what was held rests on holdings that were not known when it was decided
    decisions: what was decided, which the next sessions earn with
    """

    gross: Floats
    drag: Floats
    turnover: Floats
    has_hindsight: Flags
    decisions: Decisions

    def net(self, cost: float) -> Floats:
        return self.gross - cost * self.drag


class Held(NamedTuple):
    """What a variant held.

    before, after: weights at each close (row) of each ticker (column), before and after what was traded at it
    gross: returns before costs, by session
    """

    before: Floats
    after: Floats
    gross: Floats


def outcome_of(variant: Variant, prices: Prices) -> Outcome:
    """Return what a variant earned in each session. It is in cash until its first decision has been bought."""
    held, decided = held_of(variant, prices)
    turnover = _turnover(held.before, held.after)
    entry = last_trade(decided.decides, len(prices))
    known_late = np.zeros(len(prices), dtype=np.bool_)
    known_late[entry >= 0] = decided.has_hindsight[entry[entry >= 0] - 1]
    return Outcome(held.gross, drag_of(turnover, held.gross), turnover, known_late, decided)


def held_of(variant: Variant, prices: Prices) -> tuple[Held, Decisions]:
    """Return what a variant held, and what it decided."""
    assets, targets, hindsight = targets_of(variant, prices)
    # Without a return of the benchmark nothing can be compared with it. That is no decision for cash.
    is_comparable = ~np.isnan(returns_of(prices.benchmark[:, None], variant)[:, 0])
    decides = is_decision(variant.rebalance, prices.sessions) & is_comparable
    of = prices.stocks if variant.leg == "stocks" and prices.stocks else prices
    decided = Decisions(fingerprints(targets, of.tickers), decides, hindsight)
    return _held(assets, targets, decides, breaks_at_sessions(of.breaks, of.ends)), decided


def changes_of(variants: Sequence[Variant], prices: Prices, rows: Sequence[int]) -> list[Floats]:
    """Return at some closes the turnover from the portfolio of each variant (row) into that of each other (column).

    variants: of one leg. The one that is left does not trade at the close, the one that is entered has
    rows: the closes, as rows of the prices
    """
    at_rows = [_at(held_of(variant, prices)[0], rows) for variant in variants]
    left, entered = (np.stack(weights, axis=1) for weights in zip(*at_rows, strict=True))
    return [_turnover(old[:, None], new) for old, new in zip(left, entered, strict=True)]


def _at(held: Held, rows: Sequence[int]) -> tuple[Floats, Floats]:
    return held.before[list(rows)], held.after[list(rows)]


def drag_of(turnover: Floats, gross: Floats) -> Floats:
    """Return what a cost of 1 would take from returns before costs."""
    return 2 * turnover * (1 + gross)


def _turnover(before: Floats, after: Floats) -> Floats:
    """Return half of what is bought and sold. The last axis is the tickers."""
    total: Floats = np.abs(after - before).sum(axis=-1)
    return total / 2


def fingerprints(weights: Floats, tickers: Sequence[str]) -> Fingerprints:
    """Return a number for each session that only the same weights of the same tickers have. No weight counts as 0.

    It is the sum of the weights' bits times a key of the ticker, modulo 2^64. So it takes no memory, and depends
    neither on the order of the tickers nor on those that are not bought.

    >>> first = fingerprints(np.array([[0.5, 0.5, 0.0], [0.4, 0.6, 0.0]]), "ABC")
    >>> second = fingerprints(np.array([[0.5, 0.5], [0.6, 0.4]]), "BA")
    >>> (first == second).tolist(), first[0] == first[1]
    ([True, True], np.False_)
    """
    keys = [int.from_bytes(blake2b(ticker.encode(), digest_size=8).digest()) | 1 for ticker in tickers]
    bits = np.ascontiguousarray(weights).view(np.uint64)
    total: Fingerprints = (bits * np.array(keys, dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
    return total


def targets_of(variant: Variant, prices: Prices) -> tuple[Floats, Floats, Flags]:
    """Return the last closes of what can be bought, the weights decided in each session, and whether that is hindsight.

    The weights of a session use closes up to it, and none after.
    """
    trending, returns = trending_of(variant, prices)
    if variant.leg == "etf":
        bought = best(returns, trending, variant.top_n)
        weights = shares_of(scores_of(variant, prices, returns, None), bought, variant.max_position)
        return marks_of(prices), weights, np.zeros(len(prices), dtype=np.bool_)
    stocks = prices.stocks
    if stocks is None:
        raise ValueError("the stock leg needs prices with stocks")
    own, caps = returns_at(stocks, variant), at_sessions(stocks.caps, stocks.ends)
    picked = best_of_each if variant.pick == "best_of_each" else all_of_each
    bought = best(own, picked(own, trending, stocks.ranks, (own > 0) & (caps > 0)), variant.top_n)
    weights = shares_of(scores_of(variant, stocks, own, caps), bought, variant.max_position)
    return marks_of(stocks), weights, ~stocks.known


def trending_of(variant: Variant, prices: Prices) -> tuple[Flags, Floats]:
    """Return which funds trend in each session, and their returns: positive, and above the benchmark's."""
    returns = returns_at(prices, variant)
    return (returns > 0) & (returns > returns_of(prices.benchmark[:, None], variant)), returns


def marks_of(of: Prices | Stocks) -> Floats:
    """Return the close at which each ticker is valued in each session: its own, or else the last one before."""
    return at_sessions(carried(of.closes), of.ends)


def returns_at(of: Prices | Stocks, variant: Variant) -> Floats:
    """Return by session the returns over the last sessions of each ticker's own exchange."""
    return at_sessions(returns_of(of.closes, variant, of.breaks), of.ends)


def returns_of(closes: Floats, variant: Variant, breaks: Flags | None = None) -> Floats:
    """Return A_(t-skip) / A_(t-skip-period) - 1 of each row t.

    NaN where one of the closes is missing, or a break is between them.
    """
    returns = np.full_like(closes, np.nan)
    count = len(closes) - variant.warm_up
    if count > 0:
        starts, ends = slice(count), slice(variant.period, variant.period + count)
        gains = closes[ends] / closes[starts] - 1
        returns[variant.warm_up :] = np.where(crosses(breaks, starts, ends), np.nan, gains)
    return returns


@lru_cache(maxsize=16)
def is_decision(rebalance: str, sessions: tuple[date, ...]) -> Flags:
    """Return the sessions that decide: each, or the first of each week or month.

    The first, and not the last: which session is a week's last is not known from prices up to it.
    """
    if rebalance == "daily":
        return np.ones(len(sessions), dtype=np.bool_)
    keys = [day.isocalendar()[:2] if rebalance == "weekly" else (day.year, day.month) for day in sessions]
    return np.array([at > 0 and key != keys[at - 1] for at, key in enumerate(keys)], dtype=np.bool_)


def _held(closes: Floats, targets: Floats, decides: Flags, breaks: Flags | None) -> Held:
    """Buy each decision at the close of the next session, and hold it until the next one is bought.

    A position that was bought before a break keeps its last close before it, as in the track record.
    """
    count = len(closes)
    entry = last_trade(decides, count)
    weights, is_held = np.zeros_like(targets), entry >= 0
    weights[is_held] = targets[entry[is_held] - 1]
    bought, rows = np.maximum(entry, 0), np.arange(count)
    at_close, before = (
        _growth(np.take_along_axis(closes, at_the_break(breaks, bought, row), axis=0), closes[bought], weights)
        for row in (rows, np.maximum(rows - 1, 0))
    )
    cash = 1.0 - weights.sum(axis=1)
    value, value_before = cash + at_close.sum(axis=1), cash + before.sum(axis=1)
    drifted = at_close / value[:, None]
    after = np.where(decides_at(decides, count)[:, None], _lagged(targets), drifted)
    return Held(drifted, after, value / value_before - 1)


def last_trade(decides: Flags, count: int) -> Integers:
    """Return the session at whose close was bought what is held in each session, or -1."""
    rows = np.arange(count, dtype=np.int64)
    traded = np.where(decides_at(decides, count), rows, -1)
    entry = np.full(count, -1, dtype=np.int64)
    entry[1:] = np.maximum.accumulate(traded)[:-1]
    return entry


def decides_at(decides: Flags, count: int) -> Flags:
    """Return the sessions at whose closes something is traded: those after a decision."""
    trades = np.zeros(count, dtype=np.bool_)
    trades[1:] = decides[:-1]
    return trades


def _growth(closes: Floats, bought_at: Floats, weights: Floats) -> Floats:
    """Return the value of each position. One without a price keeps what was paid for it."""
    ratio = closes / bought_at
    return weights * np.where(np.isnan(ratio), 1.0, ratio)


def _lagged(table: Floats) -> Floats:
    """Return the row of the session before. The first row stands for itself."""
    return np.concatenate([table[:1], table[:-1]])

"""The lab's figures by the plainest formulas: loops over sessions, resamples and splits, as the sources write them."""

import math
from collections.abc import Sequence
from datetime import date
from itertools import combinations
from statistics import NormalDist, mean, stdev
from typing import NamedTuple

import numpy as np

from batch.weights import weights_of
from lab import Floats
from lab.prices import Prices
from lab.variants import Variant

Positions = dict[int, float]


class Close(NamedTuple):
    """What a variant has at a close: what it grew to from 1, and its positions before and after the trade."""

    grown: float
    before: Positions
    after: Positions


def net(close: Close, cost: float) -> float:
    """Return the session's return after the cost of its trade."""
    traded = math.fsum(
        abs(close.after.get(fund, 0) - close.before.get(fund, 0)) for fund in {*close.before, *close.after}
    )
    return close.grown * (1 - cost * traded) - 1


def walk(variant: Variant, prices: Prices, cost: float) -> list[float]:
    """Return the net return of each session: one session after another, as somebody would have traded."""
    return [net(close, cost) for close in closes_of(variant, prices)]


def walk_forward(
    variants: Sequence[Variant], prices: Prices, first: int, cost: float, train: int, test: int
) -> list[float]:
    """Return the excess of each session in which something is held, from one session to the next.

    first: the session with whose return the trainings begin
    """
    paths = [closes_of(variant, prices) for variant in variants]
    benchmark = [0.0, *(prices.benchmark[1:] / prices.benchmark[:-1] - 1).tolist()]
    excess = [[net(close, cost) - own for close, own in zip(path, benchmark, strict=True)] for path in paths]
    found: list[float] = []
    held: int | None = None
    wanted: int | None = None
    for at in range(first, len(prices)):
        close = None if held is None else paths[held][at]
        if wanted is not None:
            close, held, wanted = close and close._replace(after=paths[wanted][at].after), wanted, None
        if close:
            found.append(net(close, cost) - benchmark[at])
        if at - first + 1 >= train and (at - first + 1 - train) % test == 0:
            trained = [each[at - train + 1 : at + 1] for each in excess]
            ratios = [mean(each) / stdev(each) for each in trained]
            wanted = ratios.index(max(ratios))
    return found


def closes_of(variant: Variant, prices: Prices) -> list[Close]:
    """Return what a variant has at each close: one session after another, as somebody would have traded."""
    held: Positions = {}
    bought = 0
    decided: Positions | None = None
    found = []
    for at in range(len(prices)):
        gains = {
            fund: _last_close(prices, fund, bought, at) / _last_close(prices, fund, bought, at - 1) for fund in held
        }
        grown = 1 - math.fsum(held.values()) + math.fsum(weight * gains[fund] for fund, weight in held.items())
        held = drifted = {fund: weight * gains[fund] / grown for fund, weight in held.items()}
        if decided is not None:
            held, bought = decided, at
        found.append(Close(grown, drifted, held))
        decided = decide(variant, prices, at) if _decides(variant, prices.sessions, at) else None
    return found


def decide(variant: Variant, prices: Prices, at: int) -> Positions:
    """Return the weights that the closes up to a session lead to."""
    found = {}
    own = _return(variant, prices.benchmark, at)
    for fund in range(len(prices.tickers)):
        gain = _return(variant, prices.closes[:, fund], at)
        if gain > 0 and gain > own and not _breaks(prices, fund, at - variant.skip - variant.period, at - variant.skip):
            found[fund] = gain
    best = sorted(found, key=lambda fund: -found[fund])[: variant.top_n or None]
    scores = {str(fund): _score(variant, prices, fund, at, found[fund]) for fund in best}
    scores = {fund: score for fund, score in scores.items() if score > 0}
    weights = weights_of(scores, variant.max_position).positions
    return {int(fund): weight for fund, weight in weights.items()}


def _score(variant: Variant, prices: Prices, fund: int, at: int, gain: float) -> float:
    if variant.weights == "equal":
        return 1.0
    if variant.weights == "seed":
        return gain
    if at < 60 or _breaks(prices, fund, at - 60, at):
        return math.nan
    closes = prices.closes[at - 60 : at + 1, fund]
    return float(1 / np.std(closes[1:] / closes[:-1] - 1, ddof=1))


def _return(variant: Variant, closes: Floats, at: int) -> float:
    start = at - variant.skip - variant.period
    return float(closes[at - variant.skip] / closes[start] - 1) if start >= 0 else math.nan


def _decides(variant: Variant, sessions: Sequence[date], at: int) -> bool:
    if at < variant.warm_up:
        return False
    if variant.rebalance == "daily":
        return True
    if variant.rebalance == "weekly":
        return at > 0 and sessions[at].isocalendar().week != sessions[at - 1].isocalendar().week
    return at > 0 and sessions[at].month != sessions[at - 1].month


def _breaks(prices: Prices, fund: int, start: int, end: int) -> bool:
    return prices.breaks is not None and any(prices.breaks[at, fund] for at in range(start + 1, end + 1))


def _last_close(prices: Prices, fund: int, bought: int, at: int) -> float:
    """Return the last close up to a session, and before a break behind the one at which the fund was bought."""
    while _breaks(prices, fund, bought, at):
        at -= 1
    known = prices.closes[: at + 1, fund]
    return float(known[~np.isnan(known)][-1])


def resampled(series: Floats, block: float, resamples: int, seed: int) -> Floats:
    """Return means of the stationary bootstrap, drawn one session after another as Politis and Romano (1994) do."""
    random = np.random.default_rng(seed)
    means = np.empty((resamples, series.shape[1]))
    for resample in range(resamples):
        chosen: list[int] = []
        for _ in range(len(series)):
            starts = not chosen or random.random() < 1 / block
            chosen.append(int(random.integers(len(series))) if starts else (chosen[-1] + 1) % len(series))
        means[resample] = series[chosen].mean(axis=0)
    return means


def superiority(series: Floats, means: Floats) -> float:
    """Return the consistent p-value of Hansen (2005) for resampled means, one variant after another."""
    sessions, root = len(series), math.sqrt(len(series))
    omegas = [root * stdev(means[:, at].tolist()) for at in range(series.shape[1])]
    averages = [mean(series[:, at].tolist()) for at in range(series.shape[1])]
    statistic = max(0.0, *(root * average / omega for average, omega in zip(averages, omegas, strict=True)))
    bound = -math.sqrt(2 * math.log(math.log(sessions)))
    reached = 1
    for row in means:
        largest = 0.0
        for at, (average, omega) in enumerate(zip(averages, omegas, strict=True)):
            centre = average if root * average / omega >= bound else 0.0
            largest = max(largest, root * (row[at] - centre) / omega)
        reached += largest >= statistic
    return reached / (len(means) + 1)


def overfitting(returns: Floats, blocks: int) -> float:
    """Return the probability of Bailey et al. (2017), one split after another."""
    size = len(returns) // blocks
    parts = [returns[len(returns) - size * blocks + at * size :][:size] for at in range(blocks)]
    lower = 0
    splits = list(combinations(range(blocks), blocks // 2))
    for half in splits:
        inside = np.concatenate([parts[at] for at in half])
        outside = np.concatenate([parts[at] for at in range(blocks) if at not in half])
        ratios = [mean(column) / stdev(column) for column in inside.T.tolist()]
        others = [mean(column) / stdev(column) for column in outside.T.tolist()]
        own = others[ratios.index(max(ratios))]
        rank = 1 + sum(other < own for other in others)
        omega = rank / (len(others) + 1)
        logit = math.log(omega / (1 - omega))
        lower += logit <= 0
    return lower / len(splits)


def probabilistic(returns: Sequence[float], against: float) -> float:
    """Return the probabilistic Sharpe ratio of Bailey and Lopez de Prado (2012), from sums."""
    count, average = len(returns), mean(returns)
    ratio = average / stdev(returns)
    central = [math.fsum((each - average) ** power for each in returns) / count for power in (2, 3, 4)]
    skewness, kurtosis = central[1] / central[0] ** 1.5, central[2] / central[0] ** 2
    spread = math.sqrt((1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2) / (count - 1))
    return NormalDist().cdf((ratio - against) / spread)

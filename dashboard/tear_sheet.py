"""The figures of a tear sheet from a series of values: months, drawdowns, rolling figures, and those of a year.

Returns are fractions of the value at the session before. A year has 252 sessions, and the risk-free rate is 0. The
figures agree with empyrical and quantstats (test/lab_tests/test_tear_sheet_libraries.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from config.universe import SESSIONS_A_YEAR

Floats = NDArray[np.float64]
Key = TypeVar("Key")


class Month(NamedTuple):
    year: int
    month: int


class Drawdown(NamedTuple):
    """A fall from a highest value until that is reached again.

    end: None while it is not; depth: a negative fraction
    """

    start: date
    lowest: date
    end: date | None
    depth: float
    sessions: int


@dataclass(frozen=True)
class Figures:
    """What a series came to. The five for a year are None where a series is too short, or never moves."""

    total: float
    max_drawdown: float
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    best_day: float | None
    worst_day: float | None
    best_month: float | None
    worst_month: float | None
    positive_days: float | None


@dataclass(frozen=True)
class Series:
    """Values by session, oldest first; the first one is what is invested."""

    sessions: Sequence[date]
    values: Floats

    @classmethod
    def of(cls, sessions: Sequence[date], values: Sequence[float | None]) -> "Series":
        """Return a series. A value that is not known is the last one that is."""
        known: list[float] = []
        for value in values:
            known.append(value if value is not None else known[-1] if known else 1.0)
        return cls(sessions, np.array(known, dtype=np.float64))

    @property
    def returns(self) -> Floats:
        """The returns of all sessions but the first."""
        return self.values[1:] / self.values[:-1] - 1

    def since(self, first: date) -> "Series":
        """Return what is left of it from a session on, from 1."""
        at = next((place for place, day in enumerate(self.sessions) if day >= first), len(self.sessions) - 1)
        return Series(self.sessions[at:], self.values[at:] / self.values[at])


def months(series: Series) -> dict[Month, float]:
    """Return the return of each month, oldest first. The first and the last one may be only parts of months."""
    ends: dict[Month, float] = {}
    for day, value in zip(series.sessions[1:], series.values[1:], strict=True):
        ends[Month(day.year, day.month)] = float(value)
    return _between(ends, float(series.values[0]))


def years(series: Series) -> dict[int, float]:
    """Return the return of each year, oldest first. The first and the last one may be only parts of years."""
    ends = {day.year: float(value) for day, value in zip(series.sessions[1:], series.values[1:], strict=True)}
    return _between(ends, float(series.values[0]))


def _between(ends: dict[Key, float], start: float) -> dict[Key, float]:
    befores = [start, *ends.values()]
    return {key: end / before - 1 for (key, end), before in zip(ends.items(), befores, strict=False)}


def below_highest(series: Series) -> Floats:
    """Return by how much each value is below the highest one by then: 0, or a negative fraction."""
    return series.values / np.maximum.accumulate(series.values) - 1


def drawdowns(series: Series) -> list[Drawdown]:
    """Return all falls, the deepest first. start: the session of the highest value before."""
    found = []
    highest = np.maximum.accumulate(series.values)
    at_top = [place for place, value in enumerate(series.values) if value == highest[place]]
    for top, following in zip(at_top, [*at_top[1:], None], strict=True):
        end = following if following is not None else len(series.values)
        if end - top < 2:
            continue
        lowest = top + int(np.argmin(series.values[top:end]))
        depth = float(series.values[lowest] / series.values[top] - 1)
        last = following if following is not None else end - 1
        recovered = series.sessions[following] if following is not None else None
        found.append(Drawdown(series.sessions[top], series.sessions[lowest], recovered, depth, last - top))
    return sorted(found, key=lambda each: each.depth)


def sharpe(returns: Floats) -> float | None:
    return _ratio(float(returns.mean()), _deviation(returns), SESSIONS_A_YEAR**0.5)


def beta(returns: Floats, benchmark: Floats) -> float | None:
    """Return by how much it moves when the benchmark moves by 1."""
    if len(returns) < 2:
        return None
    covariance = np.cov(returns, benchmark, ddof=1)
    return _ratio(float(covariance[0, 1]), float(covariance[1, 1]))


def rolling(own: Series, benchmark: Series, window: int) -> tuple[list[float | None], list[float | None]]:
    """Return Sharpe ratio and beta of the last `window` returns at each session; None where there are fewer."""
    none: list[float | None] = [None] * min(window, len(own.sessions))
    if len(own.sessions) <= window:
        return none, none
    ours, its = (sliding_window_view(each.returns, window) for each in (own, benchmark))
    deviations = ours.std(axis=1, ddof=1)
    apart = ((ours - ours.mean(axis=1, keepdims=True)) * (its - its.mean(axis=1, keepdims=True))).sum(axis=1)
    year = SESSIONS_A_YEAR**0.5
    sharpes = [_ratio(mean, below, year) for mean, below in zip(ours.mean(axis=1), deviations, strict=True)]
    betas = [_ratio(above, below) for above, below in zip(apart / (window - 1), its.var(axis=1, ddof=1), strict=True)]
    return [*none, *sharpes], [*none, *betas]


def figures(series: Series, annualised_from: int) -> Figures:
    """Return what a series came to. Figures for a year are given from so many returns on."""
    returns, by_month = series.returns, list(months(series).values())
    deepest = float(below_highest(series).min())
    is_long = len(returns) >= annualised_from
    growth = float(series.values[-1] / series.values[0])
    cagr = growth ** (SESSIONS_A_YEAR / len(returns)) - 1 if is_long else None
    year = SESSIONS_A_YEAR**0.5
    return Figures(
        total=growth - 1,
        max_drawdown=deepest,
        cagr=cagr,
        volatility=_deviation(returns) * year if is_long else None,
        sharpe=sharpe(returns) if is_long else None,
        sortino=_ratio(float(returns.mean()), _downside(returns), year) if is_long else None,
        calmar=_ratio(cagr, -deepest) if cagr is not None else None,
        best_day=float(returns.max()) if len(returns) else None,
        worst_day=float(returns.min()) if len(returns) else None,
        best_month=max(by_month, default=None),
        worst_month=min(by_month, default=None),
        positive_days=float((returns > 0).mean()) if len(returns) else None,
    )


def _deviation(returns: Floats) -> float:
    return float(returns.std(ddof=1)) if len(returns) > 1 else 0.0


def _downside(returns: Floats) -> float:
    return float(np.sqrt((np.minimum(returns, 0.0) ** 2).mean()))


def _ratio(above: float, below: float, factor: float = 1.0) -> float | None:
    """Return a ratio; None where nothing moves, which is more than rounding."""
    return float(above / below * factor) if abs(below) > 1e-12 else None

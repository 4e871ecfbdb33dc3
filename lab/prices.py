"""What the lab computes on: the closes of some tickers, a row for each session of the benchmark."""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from lab import Flags, Floats, Integers, Ranks


@dataclass(frozen=True)
class Stocks:
    """The stocks that the funds hold.

    closes, caps: in dollars, a row a session and a column a stock; NaN where there is none
    breaks: as in Prices
    ranks: which of a fund's holdings a stock is, by session, fund and stock, as the newest holdings of the session say;
        1 is the largest, 0 is none
    known: whether these holdings were known in the session. Where they were not, a decision is hindsight
    """

    tickers: tuple[str, ...]
    closes: Floats
    caps: Floats
    ranks: Ranks
    known: Flags
    breaks: Flags | None = None


@dataclass(frozen=True)
class Prices:
    """Dollar closes, adjusted, of the benchmark and of the funds that may be bought. NaN where there is none.

    breaks: the first session behind each break of the prices, which no return crosses; None: there is no break
    """

    sessions: tuple[date, ...]
    tickers: tuple[str, ...]
    closes: Floats
    benchmark: Floats
    stocks: Stocks | None = None
    breaks: Flags | None = None

    def __len__(self) -> int:
        return len(self.sessions)

    def until(self, count: int) -> "Prices":
        """Return the first sessions only, as somebody had them then."""
        stocks = self.stocks and replace(
            self.stocks,
            closes=self.stocks.closes[:count],
            caps=self.stocks.caps[:count],
            ranks=self.stocks.ranks[:count],
            known=self.stocks.known[:count],
            breaks=_first(self.stocks.breaks, count),
        )
        return Prices(
            self.sessions[:count],
            self.tickers,
            self.closes[:count],
            self.benchmark[:count],
            stocks,
            _first(self.breaks, count),
        )


def _first(breaks: Flags | None, count: int) -> Flags | None:
    return None if breaks is None else breaks[:count]


def prices_of(closes: Mapping[tuple[str, date], float], benchmark: str, tickers: Sequence[str]) -> Prices:
    """Arrange closes by session. The sessions are those on which the benchmark has a close."""
    sessions = tuple(sorted(day for ticker, day in closes if ticker == benchmark))
    table = matrix_of(closes, [benchmark, *tickers], sessions)
    return Prices(sessions, tuple(tickers), table[:, 1:], table[:, 0])


def matrix_of(values: Mapping[tuple[str, date], float], tickers: Sequence[str], sessions: Sequence[date]) -> Floats:
    """Return a row for each session and a column for each ticker, NaN where there is no value."""
    return np.array(
        [[values.get((ticker, day), np.nan) for ticker in tickers] for day in sessions], dtype=np.float64
    ).reshape(len(sessions), len(tickers))


def carried(closes: Floats) -> Floats:
    """Return each close, or else the last one before it. NaN remains before the first.

    >>> carried(np.array([[np.nan, 1.0], [2.0, np.nan]]))
    array([[nan,  1.],
           [ 2.,  1.]])
    """
    rows: Integers = np.arange(len(closes))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(closes), 0, rows), axis=0)
    return np.take_along_axis(closes, last, axis=0)


def breaks_of(
    days: Mapping[str, Collection[date]], tickers: Sequence[str], sessions: Sequence[date], closes: Floats
) -> Flags | None:
    """Mark the first close from each day on, by session and ticker. None: there is no such day.

    >>> sessions = [date(2026, 8, day) for day in (19, 20, 21)]
    >>> closes = np.array([[1.0, 1.0], [np.nan, 1.0], [2.0, 1.0]])
    >>> breaks_of({"A": [date(2026, 8, 20)]}, "AB", sessions, closes).tolist()
    [[False, False], [False, False], [True, False]]
    """
    found = np.zeros_like(closes, dtype=np.bool_)
    for at, ticker in enumerate(tickers):
        for day in days.get(ticker, ()):
            behind = bisect_left(sessions, day) + np.flatnonzero(~np.isnan(closes[bisect_left(sessions, day) :, at]))
            found[behind[:1], at] = True
    return found if found.any() else None


def crosses(breaks: Flags | None, starts: slice, ends: slice) -> Flags | bool:
    """Return whether there is a break behind the session at each start, up to that at its end."""
    if breaks is None:
        return False
    level = breaks.cumsum(axis=0)
    return np.asarray(level[starts] != level[ends], dtype=np.bool_)


def at_the_break(breaks: Flags | None, bought: Integers, rows: Integers) -> Integers:
    """Return the session whose close a position has in each row: the row itself, or the last one before a break.

    bought: the session at whose close it was bought, by row
    """
    if breaks is None:
        return rows[:, None]
    count = len(breaks)
    at = np.where(breaks, np.arange(count)[:, None], count)
    next_break = np.minimum.accumulate(np.concatenate([at[1:], np.full_like(at[:1], count)])[::-1], axis=0)[::-1]
    last: Integers = np.minimum(rows[:, None], next_break[bought] - 1)
    return last

"""What the lab computes on: the closes of some tickers, a row for each session of the benchmark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from lab import Flags, Floats, Integers, Ranks


@dataclass(frozen=True)
class Stocks:
    """The stocks that the funds hold.

    closes, caps: in dollars, a row a session and a column a stock; NaN where there is none
    ranks: which of a fund's holdings a stock is, by session, fund and stock, as the newest holdings of the session say;
        1 is the largest, 0 is none
    known: whether these holdings were known in the session. Where they were not, a decision is hindsight
    """

    tickers: tuple[str, ...]
    closes: Floats
    caps: Floats
    ranks: Ranks
    known: Flags


@dataclass(frozen=True)
class Prices:
    """Dollar closes, adjusted, of the benchmark and of the funds that may be bought. NaN where there is none."""

    sessions: tuple[date, ...]
    tickers: tuple[str, ...]
    closes: Floats
    benchmark: Floats
    stocks: Stocks | None = None

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
        )
        return Prices(self.sessions[:count], self.tickers, self.closes[:count], self.benchmark[:count], stocks)


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

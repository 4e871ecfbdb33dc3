"""What the lab computes on: the closes of some tickers, a row for each session.

The sessions are those of the home exchange, at whose closes is decided and traded. A ticker that is listed elsewhere
has rows of its own: the sessions of its exchange, over which its returns are, as in the jobs (batch.returns).
"""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from lab import Flags, Floats, Integers, Ranks
from utils.dates import HOME_EXCHANGE, find_exchange, sessions_between, window_of

Kind = TypeVar("Kind", np.float64, np.bool_)


@dataclass(frozen=True)
class Stocks:
    """The stocks that the funds hold.

    closes, caps: in dollars, a row a session of the stock's exchange and a column a stock; NaN where there is none
    breaks: as in Prices
    ranks: which of a fund's holdings a stock is, by session, fund and stock, as the newest holdings of the session say;
        1 is the largest, 0 is none
    known: whether these holdings were known in the session. Where they were not, a decision is hindsight
    ends: as in Prices
    """

    tickers: tuple[str, ...]
    closes: Floats
    caps: Floats
    ranks: Ranks
    known: Flags
    breaks: Flags | None = None
    ends: Integers | None = None

    def until(self, count: int) -> "Stocks":
        """Return the first sessions only, as somebody had them then."""
        return replace(
            self,
            closes=_first(self.closes, self.ends, count),
            caps=_first(self.caps, self.ends, count),
            ranks=self.ranks[:count],
            known=self.known[:count],
            breaks=None if self.breaks is None else _first(self.breaks, self.ends, count),
            ends=None if self.ends is None else self.ends[:count],
        )


@dataclass(frozen=True)
class Prices:
    """Dollar closes, adjusted, of the benchmark and of the funds that may be bought. NaN where there is none.

    closes: a row a session of the fund's exchange and a column a fund
    benchmark: by session
    breaks: the first row behind each break of the prices, which no return crosses; None: there is no break
    ends: by session and ticker, the row of the last session of its exchange that was over at the close, or -1; None:
        all are listed at home, and the rows are the sessions
    """

    sessions: tuple[date, ...]
    tickers: tuple[str, ...]
    closes: Floats
    benchmark: Floats
    stocks: Stocks | None = None
    breaks: Flags | None = None
    ends: Integers | None = None

    def __len__(self) -> int:
        return len(self.sessions)

    def until(self, count: int) -> "Prices":
        """Return the first sessions only, as somebody had them then."""
        return replace(
            self,
            sessions=self.sessions[:count],
            closes=_first(self.closes, self.ends, count),
            benchmark=self.benchmark[:count],
            stocks=self.stocks and self.stocks.until(count),
            breaks=None if self.breaks is None else _first(self.breaks, self.ends, count),
            ends=None if self.ends is None else self.ends[:count],
        )


def is_later(shape: tuple[int, ...], ends: Integers | None, count: int) -> Flags:
    """Return which closes lie behind the first sessions, by row and ticker."""
    rows = np.arange(shape[0])[:, None]
    last = count - 1 if ends is None else ends[count - 1] if count else -1
    return np.broadcast_to(rows > last, shape)


def _first(values: NDArray[Kind], ends: Integers | None, count: int) -> NDArray[Kind]:
    """Return the rows of the first sessions. What a row has of later ones is missing, and no break."""
    if ends is None:
        return values[:count]
    known = values.copy()
    known[is_later(values.shape, ends, count)] = False if values.dtype == np.bool_ else np.nan
    return known[: ends[:count].max(initial=-1) + 1]


def at_sessions(values: Floats, ends: Integers | None) -> Floats:
    """Return what each ticker has at the close of each session: that of its last row then. NaN before the first.

    >>> at_sessions(np.array([[1.0], [2.0], [3.0]]), np.array([[-1], [0], [0], [2]]))[:, 0].tolist()
    [nan, 1.0, 1.0, 3.0]
    """
    if ends is None:
        return values
    if not len(values):
        return np.full(ends.shape, np.nan)
    return np.where(ends < 0, np.nan, np.take_along_axis(values, np.maximum(ends, 0), axis=0))


def breaks_at_sessions(breaks: Flags | None, ends: Integers | None) -> Flags | None:
    """Return the first session behind each break.

    >>> breaks_at_sessions(np.array([[False], [True], [False]]), np.array([[0], [0], [2]]))[:, 0].tolist()
    [False, False, True]
    """
    if breaks is None or ends is None:
        return breaks
    level = at_sessions(breaks.cumsum(axis=0, dtype=np.float64), ends)
    return np.concatenate([np.zeros_like(breaks[:1]), np.nan_to_num(level[1:]) != np.nan_to_num(level[:-1])])


class Rows(NamedTuple):
    """What the rows of some tickers are.

    days: the sessions of each ticker's exchange, by ticker
    ends: as in Prices
    """

    days: Sequence[Sequence[date]]
    ends: Integers | None


def rows_of(tickers: Sequence[str], sessions: Sequence[date], first: date) -> Rows:
    """Return the rows of tickers: the sessions of the home exchange, or those of another one from a day on.

    A ticker without a known exchange has none. So it has no return, as in the jobs.
    """
    exchanges = [find_exchange(ticker) for ticker in tickers]
    days: dict[str | None, Sequence[date]] = {HOME_EXCHANGE: sessions, None: ()}
    ends = {HOME_EXCHANGE: np.arange(len(sessions)), None: np.full(len(sessions), -1)}
    for exchange in exchanges:
        if exchange is None or exchange in days:
            continue
        days[exchange] = sessions_between(first, sessions[-1], exchange) if sessions else ()
        at = {day: row for row, day in enumerate(days[exchange])}
        closed = [window_of(session, 0, exchange)[1] for session in sessions]
        ends[exchange] = np.array([at.get(day, -1) for day in closed], dtype=np.int64)
    is_home = {*exchanges} <= {HOME_EXCHANGE}
    found = None if is_home else np.column_stack([ends[exchange] for exchange in exchanges])
    return Rows([days[exchange] for exchange in exchanges], found)


def prices_of(
    closes: Mapping[tuple[str, date], float],
    benchmark: str,
    tickers: Sequence[str],
    breaks: Mapping[str, Collection[date]] = MappingProxyType({}),
) -> Prices:
    """Arrange closes by session: those of the home exchange from the benchmark's first close to its last one.

    breaks: the first days behind breaks, by ticker. The benchmark's prices before its last one are left out
    """
    begin = max(breaks.get(benchmark, ()), default=date.min)
    known = sorted(day for ticker, day in closes if ticker == benchmark and day >= begin)
    sessions = tuple(sessions_between(known[0], known[-1])) if known else ()
    rows = rows_of(tickers, sessions, min((day for _, day in closes), default=date.min))
    table = matrix_of(closes, tickers, rows.days)
    own = matrix_of(closes, [benchmark], [sessions])[:, 0]
    return Prices(
        sessions, tuple(tickers), table, own, breaks=breaks_of(breaks, tickers, rows.days, table), ends=rows.ends
    )


def stocks_of(
    closes: Mapping[tuple[str, date], float],
    caps: Mapping[tuple[str, date], float],
    tickers: Sequence[str],
    sessions: Sequence[date],
    ranks: Ranks,
    known: Flags,
    breaks: Mapping[str, Collection[date]] = MappingProxyType({}),
) -> Stocks:
    """Arrange the closes and market caps of stocks. ranks, known: as Stocks has them. breaks: as for prices_of."""
    rows = rows_of(tickers, sessions, min((day for _, day in closes), default=sessions[0]))
    table = matrix_of(closes, tickers, rows.days)
    return Stocks(
        tuple(tickers),
        table,
        matrix_of(caps, tickers, rows.days),
        ranks,
        known,
        breaks_of(breaks, tickers, rows.days, table),
        rows.ends,
    )


def matrix_of(
    values: Mapping[tuple[str, date], float], tickers: Sequence[str], days: Sequence[Sequence[date]]
) -> Floats:
    """Return a row for each of a ticker's days and a column for each ticker, NaN where there is no value."""
    table = np.full((max(map(len, days), default=0), len(tickers)), np.nan)
    for at, (ticker, own) in enumerate(zip(tickers, days, strict=True)):
        table[: len(own), at] = [values.get((ticker, day), np.nan) for day in own]
    return table


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
    breaks: Mapping[str, Collection[date]], tickers: Sequence[str], days: Sequence[Sequence[date]], closes: Floats
) -> Flags | None:
    """Mark the first close from each break on, by row and ticker. None: there is no break.

    days: the days of the rows, by ticker

    >>> sessions = [date(2026, 8, day) for day in (19, 20, 21)]
    >>> closes = np.array([[1.0, 1.0], [np.nan, 1.0], [2.0, 1.0]])
    >>> breaks_of({"A": [date(2026, 8, 20)]}, "AB", [sessions] * 2, closes).tolist()
    [[False, False], [False, False], [True, False]]
    """
    found = np.zeros_like(closes, dtype=np.bool_)
    for at, ticker in enumerate(tickers):
        for day in breaks.get(ticker, ()):
            first = bisect_left(days[at], day)
            behind = first + np.flatnonzero(~np.isnan(closes[first:, at]))
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

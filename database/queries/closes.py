"""Stored closes in US dollars and the returns that follow from them, to check what the jobs have published."""

from collections.abc import Collection
from datetime import date
from functools import cache
from itertools import pairwise

from database.db_helper import Connection, fetch
from database.queries.doubts import doubts, withheld_days
from utils.dates import find_exchange, sessions_between, window_of


class Closes:
    """Of some tickers, from one day to another: adjusted closes, market caps and withheld breaks."""

    def __init__(self, conn: Connection, tickers: Collection[str], first: date, last: date) -> None:
        rows = fetch(
            conn,
            """
            SELECT ticker, trade_date, dollar_adj_close, dollar_market_cap
            FROM collected_dollar_close
            WHERE ticker = ANY(%(tickers)s) AND trade_date BETWEEN %(first)s AND %(last)s
            """,
            {"tickers": list(tickers), "first": first, "last": last},
        )
        self._closes = {(row["ticker"], row["trade_date"]): row["dollar_adj_close"] for row in rows}
        self._caps = {(row["ticker"], row["trade_date"]): row["dollar_market_cap"] for row in rows}
        self._breaks = {
            ticker: withheld_days(of_ticker) for ticker, of_ticker in doubts(conn, tickers, (first, last)).items()
        }

    def close(self, ticker: str, day: date) -> float | None:
        return self._closes.get((ticker, day))

    def market_cap(self, ticker: str, day: date) -> int | None:
        return self._caps.get((ticker, day))

    def break_after(self, ticker: str, day: date) -> date | None:
        """Return the first withheld break behind a day."""
        return next((each for each in self._breaks.get(ticker, ()) if each > day), None)

    def simple_return(self, ticker: str, start: date, end: date) -> float | None:
        """As batch.returns defines it: None without one of the closes, and across a withheld break."""
        begin, close = self.close(ticker, start), self.close(ticker, end)
        parted = self.break_after(ticker, start)
        if not begin or close is None or not find_exchange(ticker) or (parted and parted <= end):
            return None
        return close / begin - 1

    def daily_returns(self, ticker: str, start: date, end: date) -> list[float | None]:
        """Return the return of each session of the ticker's exchange behind the start."""
        exchange = find_exchange(ticker)
        steps = pairwise(sessions_between(start, end, exchange)) if exchange else ()
        return [self.simple_return(ticker, *step) for step in steps]


@cache
def window(as_of: date, period_days: int, exchange: str) -> tuple[date, date]:
    return window_of(as_of, period_days, exchange)


def is_same(published: float | None, now: float | None, tolerance: float) -> bool:
    if published is None or now is None:
        return published is now
    return abs(published - now) <= tolerance

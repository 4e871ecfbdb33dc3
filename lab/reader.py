"""What the lab reads: stored closes in dollars of the universe's ETFs, and of the stocks that they held."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

import numpy as np

from config.universe import Universe
from contract.common import Source
from database.db_helper import Connection, fetch
from database.queries.doubts import WITHHELD, doubts
from lab import Flags, Ranks
from lab.prices import Prices, Stocks, prices_of, stocks_of
from utils.errors import NotStored

_CLOSES = """
    SELECT ticker, trade_date, dollar_adj_close, dollar_market_cap
    FROM collected_dollar_close
    WHERE ticker = ANY(%(tickers)s) AND trade_date <= COALESCE(%(until)s, 'infinity'::date)
        AND dollar_adj_close IS NOT NULL
"""
_HOLDINGS = """
    SELECT etf_ticker, stock_ticker, collected_date, holding_rank
    FROM collected_etf_holdings
    WHERE etf_ticker = ANY(%(tickers)s) AND holding_rank <= %(largest)s
        AND collected_date <= COALESCE(%(until)s, 'infinity'::date)
    ORDER BY collected_date, etf_ticker, holding_rank
"""


class Holding(NamedTuple):
    etf_ticker: str
    stock_ticker: str
    collected_date: date
    holding_rank: int


def read_prices(conn: Connection, etfs: Universe, until: date | None = None) -> Prices:
    """Return all stored prices up to a session. NotStored says when the benchmark has none."""
    funds = sorted(set(etfs.etfs) - {etfs.benchmark})
    stored = _values(conn, [etfs.benchmark, *funds], until)
    prices = prices_of(stored.closes, etfs.benchmark, funds, stored.breaks)
    if not len(prices):
        raise NotStored(
            f"no close of {etfs.benchmark} is stored{f' up to {until}' if until else ''}: "
            "collect prices first, for instance with ./start.sh history"
        )
    return replace(prices, stocks=_stocks(conn, etfs, prices, until))


def source_of(conn: Connection, benchmark: str) -> Source:
    """Return where the benchmark's newest price comes from."""
    [row] = fetch(
        conn,
        """
        SELECT source FROM collected_daily_etf_ohlc WHERE ticker = %(ticker)s ORDER BY trade_date DESC LIMIT 1
        """,
        {"ticker": benchmark},
    )
    source: Source = row["source"]
    return source


def _stocks(conn: Connection, etfs: Universe, prices: Prices, until: date | None) -> Stocks | None:
    given = {"tickers": list(prices.tickers), "largest": etfs.top_holdings, "until": until}
    holdings = [Holding(**row) for row in fetch(conn, _HOLDINGS, given)]
    tickers = sorted({holding.stock_ticker for holding in holdings})
    if not tickers:
        return None
    stored = _values(conn, tickers, until)
    ranks, known = ranks_of(holdings, prices.sessions, prices.tickers, tickers)
    return stocks_of(stored.closes, stored.caps, tickers, prices.sessions, ranks, known, stored.breaks)


def ranks_of(
    holdings: Collection[Holding], sessions: Sequence[date], funds: Sequence[str], tickers: Sequence[str]
) -> tuple[Ranks, Flags]:
    """Return what each fund held in each session, as lab.prices.Stocks has it, and in which sessions that was known.

    A session has the newest holdings up to it, or else the oldest ones, which were not known then. A fund without any,
    as one of gold or bonds, has no stocks to know.
    """
    ranks = np.zeros((len(sessions), len(funds), len(tickers)), dtype=np.int16)
    known = np.ones(len(sessions), dtype=np.bool_)
    column = {ticker: at for at, ticker in enumerate(tickers)}
    for at, fund in enumerate(funds):
        snapshots: dict[date, dict[int, int]] = {}
        for holding in sorted(holdings, key=lambda each: each.collected_date):
            if holding.etf_ticker == fund:
                snapshots.setdefault(holding.collected_date, {})[column[holding.stock_ticker]] = holding.holding_rank
        starts = [sum(session < day for session in sessions) for day in snapshots]
        for begin, end, held in zip([0, *starts[1:]], [*starts[1:], len(sessions)], snapshots.values(), strict=False):
            ranks[begin:end, at, list(held)] = list(held.values())
        known[: starts[0] if starts else 0] = False
    return ranks, known


class _Stored(NamedTuple):
    """Closes and market caps by ticker and session, and the first days behind withheld breaks by ticker."""

    closes: Mapping[tuple[str, date], float]
    caps: Mapping[tuple[str, date], float]
    breaks: Mapping[str, Sequence[date]]


def _values(conn: Connection, tickers: Sequence[str], until: date | None) -> _Stored:
    rows = fetch(conn, _CLOSES, {"tickers": list(tickers), "until": until})
    days = sorted({row["trade_date"] for row in rows})
    closes, caps = {}, {}
    for row in rows:
        key = row["ticker"], row["trade_date"]
        closes[key] = row["dollar_adj_close"]
        if row["dollar_market_cap"]:
            caps[key] = float(row["dollar_market_cap"])
    breaks = {
        ticker: [doubt.trade_date for doubt in found if doubt.kind == WITHHELD]
        for ticker, found in (doubts(conn, tickers, days[:1] + days[-1:]) if days else {}).items()
    }
    return _Stored(closes, caps, breaks)

"""A made market of any size: a universe file, and its bars and holdings in a database that nobody else uses."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from config.config import DatabaseSettings
from database.db_helper import Connection, connect, transaction
from ops.bench.report import step
from utils.dates import last_sessions

BENCHMARK = "SPY"
LONGEST = 20
LAST = date(2026, 8, 21)
SECTORS = 11
# Random walks, the same ones each time: the rows (ticker, trade_date, price) of the tickers and sessions.
WALKS = """
    SELECT ticker, trade_date,
        (100 * EXP(SUM(move) OVER (PARTITION BY ticker ORDER BY trade_date)))::numeric(22, 10) AS price
    FROM (
        SELECT ticker, trade_date, (RANDOM() - 0.499) * 0.03 AS move
        FROM UNNEST(%(tickers)s::text[]) AS ticker, UNNEST(%(sessions)s::date[]) AS trade_date
    ) AS step
"""
ETF_BARS = f"""
    INSERT INTO collected_daily_etf_ohlc (ticker, trade_date, open_price, high_price, low_price, close_price, adj_close,
        volume, fetched_at, source)
    SELECT ticker, trade_date, price, price, price, price, price, 1000, TIMESTAMPTZ '2026-08-22', 'simulated'
    FROM ({WALKS}) AS walk
"""
# Of each stock the same number of shares in all sessions.
STOCK_BARS = f"""
    INSERT INTO collected_daily_stock_history (ticker, trade_date, close_price, adj_close, volume, company_name, sector,
        currency, market_cap, market_cap_source, fetched_at, source)
    SELECT ticker, trade_date, price, price, 1000, ticker || ' Inc.', 'Sector ' || nth %% {SECTORS}, 'USD',
        (price * (1000000 + nth * 7919 %% 1000000))::bigint, 'shares_x_close', TIMESTAMPTZ '2026-08-22', 'simulated'
    FROM ({WALKS}) AS walk
    JOIN UNNEST(%(tickers)s::text[]) WITH ORDINALITY AS stock (ticker, nth) USING (ticker)
"""
# 37 and 101 are prime: a fund holds no stock twice, and no two funds the same ones.
HOLDINGS = """
    INSERT INTO collected_etf_holdings (etf_ticker, stock_ticker, holding_percent, collected_date, holding_rank,
        fetched_at, source)
    SELECT etf, (%(stocks)s::text[])[(fund * 37 + rank * 101) %% CARDINALITY(%(stocks)s::text[]) + 1], 0.5 / (rank + 9),
        %(collected)s, rank, TIMESTAMPTZ '2026-08-22', 'simulated'
    FROM UNNEST(%(etfs)s::text[]) WITH ORDINALITY AS etfs (etf, fund), GENERATE_SERIES(1, %(holdings)s) AS rank
"""


def write_universe(path: Path, etfs: int, holdings: int = 10) -> list[str]:
    """Write a universe of that many ETFs, of which so many holdings count, and return them."""
    tickers = [BENCHMARK, *(f"E{nth:04d}" for nth in range(1, etfs))]
    lines = [
        f'benchmark = "{BENCHMARK}"\nperiods = [5, 10, {LONGEST}]\ntop_holdings = {holdings}',
        "max_position_weight = 1.0",
        "cost_rate = 0.001\n[benchmarks]",
        *(f'{ticker} = "made"' for ticker in tickers),
        "[sectors]",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tickers


def made_sessions(count: int) -> tuple[list[date], list[date]]:
    """Return that many sessions to compute, and these with the earlier ones that their returns need."""
    every = last_sessions(LAST, count + LONGEST)
    return every[LONGEST:], every


def fill(database: DatabaseSettings, tickers: Sequence[str], sessions: Sequence[date]) -> None:
    """Store a bar of each ETF and session."""
    with closing(connect(database)) as conn:
        count = _store(
            conn, "collected_daily_etf_ohlc", ETF_BARS, {"tickers": list(tickers), "sessions": list(sessions)}
        )
    step(f"{count:,} bars of {len(tickers):,} ETFs stored")


def fill_held(database: DatabaseSettings, etfs: Sequence[str], held: tuple[int, int], sessions: Sequence[date]) -> None:
    """Store what the ETFs hold from the first session on, and a bar of each stock and session with its market cap.

    held: how many stocks there are, and how many of them an ETF holds
    """
    count, holdings = held
    stocks = [f"S{nth:05d}" for nth in range(count)]
    params = {"etfs": list(etfs), "stocks": stocks, "holdings": holdings, "collected": sessions[0]}
    with closing(connect(database)) as conn:
        bars = _store(
            conn, "collected_daily_stock_history", STOCK_BARS, {"tickers": stocks, "sessions": list(sessions)}
        )
        _store(conn, "collected_etf_holdings", HOLDINGS, params)
    step(f"{bars:,} bars of {count:,} stocks stored, and {holdings} holdings of each ETF")


def _store(conn: Connection, table: str, query: str, params: Mapping[str, Any]) -> int:
    """Insert rows into a table, and return how many."""
    with transaction(conn), conn.cursor() as cursor:
        # The versions of invented rows are no part of what is measured, and would take longer than all of it.
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("SELECT SETSEED(0.5)")
        cursor.execute(query, params)
        count = cursor.rowcount
    conn.autocommit = True
    with conn.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {table}")
    conn.autocommit = False
    return count

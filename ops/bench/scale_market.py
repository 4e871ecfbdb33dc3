"""A made market of any size: a universe file, and the bars of its ETFs in a database that nobody else uses."""

from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path

from config.config import DatabaseSettings
from database.db_helper import connect, transaction
from ops.bench.report import step
from utils.dates import last_sessions

BENCHMARK = "SPY"
LONGEST = 20
LAST = date(2026, 8, 21)


def write_universe(path: Path, etfs: int) -> list[str]:
    """Write a universe of that many ETFs, and return them."""
    tickers = [BENCHMARK, *(f"E{nth:04d}" for nth in range(1, etfs))]
    lines = [
        f'benchmark = "{BENCHMARK}"\nperiods = [5, 10, {LONGEST}]\ntop_holdings = 10\nmax_position_weight = 0.25',
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
    """Store a bar of each ETF and session: random walks, the same ones each time."""
    with closing(connect(database)) as conn:
        with transaction(conn), conn.cursor() as cursor:
            # The versions of invented bars are no part of what is measured, and would take longer than all of it.
            cursor.execute("ALTER TABLE collected_daily_etf_ohlc DISABLE TRIGGER USER")
            cursor.execute("SELECT SETSEED(0.5)")
            cursor.execute(
                """
                INSERT INTO collected_daily_etf_ohlc (ticker, trade_date, open_price, high_price, low_price,
                    close_price, adj_close, volume, fetched_at, source)
                SELECT ticker, trade_date, price, price, price, price, price, 1000,
                    TIMESTAMPTZ '2026-08-22', 'simulated'
                FROM (
                    SELECT ticker, trade_date,
                        (100 * EXP(SUM(move) OVER (PARTITION BY ticker ORDER BY trade_date)))::numeric(22, 10) AS price
                    FROM (
                        SELECT ticker, trade_date, (RANDOM() - 0.499) * 0.03 AS move
                        FROM UNNEST(%s::text[]) AS ticker, UNNEST(%s::date[]) AS trade_date
                    ) AS step
                ) AS walk
                """,
                (list(tickers), list(sessions)),
            )
            count = cursor.rowcount
        conn.autocommit = True
        with conn.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE collected_daily_etf_ohlc")
    step(f"{count:,} bars of {len(tickers):,} ETFs stored")

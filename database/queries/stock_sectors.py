"""What is known of stocks' sectors: stored ones, the lists of the funds that stand for one, and what was looked up."""

from collections.abc import Sequence
from datetime import timedelta

from database.db_helper import Connection, Row, fetch

ASKED_AGAIN_AFTER = timedelta(days=7)


def known(conn: Connection, tickers: Sequence[str]) -> list[Row]:
    """ticker, sector, sector_source of each stock that has one: the source's own word, else the last derived one."""
    return fetch(
        conn,
        """
        SELECT DISTINCT ON (ticker) ticker, sector, COALESCE(sector_source, 'yahoo') AS sector_source
        FROM collected_daily_stock_history
        WHERE ticker = ANY(%(tickers)s) AND sector IS NOT NULL
        ORDER BY ticker, sector_source = 'derived' NULLS FIRST, trade_date DESC
        """,
        {"tickers": list(tickers)},
    )


def listed(conn: Connection, etfs: Sequence[str]) -> list[Row]:
    """etf_ticker, stock_ticker, holding_percent of each ETF's newest snapshot."""
    return fetch(
        conn,
        """
        SELECT etf_ticker, stock_ticker, holding_percent
        FROM collected_etf_holdings
        JOIN (
            SELECT etf_ticker, MAX(collected_date) AS collected_date
            FROM collected_etf_holdings
            WHERE etf_ticker = ANY(%(etfs)s)
            GROUP BY etf_ticker
        ) AS newest USING (etf_ticker, collected_date)
        """,
        {"etfs": list(etfs)},
    )


def lookups(conn: Connection, tickers: Sequence[str], run_id: str | None) -> dict[str, Row]:
    """ticker -> asked_at, the last time, and has_none: the source said within a week that it has no profile.

    asked_at: None where only this run has asked. An attempt before this one has lost what it was told.
    """
    rows = fetch(
        conn,
        """
        SELECT
            symbol,
            MAX(requested_at) FILTER (WHERE %(run_id)s IS NULL OR run_id IS DISTINCT FROM %(run_id)s) AS asked_at,
            BOOL_OR(http_status = 404 AND requested_at > clock_timestamp() - %(within)s) AS has_none
        FROM logs_yahoo_request
        WHERE endpoint = 'quoteSummary' AND symbol = ANY(%(tickers)s)
        GROUP BY symbol
        """,
        {"tickers": list(tickers), "run_id": run_id, "within": ASKED_AGAIN_AFTER},
    )
    return {row["symbol"]: row for row in rows}

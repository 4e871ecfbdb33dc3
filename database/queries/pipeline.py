"""The state of the platform as the database knows it: how full and fresh its tables are, and what went wrong."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from psycopg2 import sql

from contract.pipeline import (
    ErrorCount,
    FailedRequest,
    Gap,
    Gaps,
    Quarantined,
    QuarantinedBar,
    RejectedMessage,
    RejectedMessages,
    RequestCount,
    RequestCounts,
    Restatement,
    Restatements,
    TableState,
)
from database.db_helper import Connection, fetch
from database.queries.errors import REASON
from database.queries.paging import Page, fetch_page
from database.queries.typed import fetch_as

# Each table's date of what a row is about, and of when it was written (where it has one).
FRESHNESS = {
    "collected_daily_etf_ohlc": ("trade_date", "fetched_at"),
    "collected_daily_stock_history": ("trade_date", "fetched_at"),
    "collected_etf_holdings": ("collected_date", "fetched_at"),
    "collected_monthly_benchmark_holdings": ("as_of_date", None),
    "analytics_trending_etfs": ("as_of_date", None),
    "analytics_portfolio_allocation": ("as_of_date", None),
    "analytics_allocation_candidates": ("as_of_date", None),
    "analytics_etf_top_holdings": ("analysis_date", None),
    "analytics_monthly_portfolio": ("rebalance_date", None),
    "analytics_sector_trending": ("MAKE_DATE(year, month, 1)", None),
    "analytics_portfolio_performance": ("trade_date", None),
}


def freshness(conn: Connection) -> list[TableState]:
    """Return of each table how many rows, the newest day they are about, and when the newest was fetched."""
    counts = [
        sql.SQL(
            "SELECT {name} AS table_name, COUNT(*) AS row_count, MAX({day}) AS newest_date, {fetched} AS fetched_at"
            " FROM {table}"
        ).format(
            name=sql.Literal(table),
            day=sql.SQL(day),
            fetched=sql.SQL(f"MAX({fetched_at})" if fetched_at else "NULL::timestamptz"),
            table=sql.Identifier(table),
        )
        for table, (day, fetched_at) in FRESHNESS.items()
    ]
    return fetch_as(conn, TableState, sql.SQL(" UNION ALL ").join(counts))


def newest_session(conn: Connection) -> date | None:
    """Return the last session with expected bars, runs or publications."""
    [row] = fetch(
        conn,
        """
        SELECT GREATEST(
            (SELECT MAX(trade_date) FROM logs_session_ledger WHERE kind = 'etf'),
            (SELECT MAX(as_of_date) FROM logs_stage_run),
            (SELECT MAX(as_of_date) FROM analytics_publication)
        ) AS session
        """,
    )
    session: date | None = row["session"]
    return session


def expected_bars(conn: Connection, sessions: Sequence[date]) -> dict[date, dict[str, int]]:
    """Return of each session how many (ticker, session) of the ledger are in each state."""
    counted = fetch(
        conn,
        """
        SELECT trade_date, jsonb_object_agg(state, tickers) AS states
        FROM (
            SELECT trade_date, state, COUNT(*) AS tickers
            FROM logs_session_ledger
            WHERE trade_date = ANY(%(sessions)s)
            GROUP BY trade_date, state
        ) AS counted
        GROUP BY trade_date
        """,
        {"sessions": list(sessions)},
    )
    return {row["trade_date"]: row["states"] for row in counted}


def gaps(conn: Connection, start: date | None, end: date | None, page: Page) -> Gaps:
    """Return every expected (ticker, session) of a range that is not stored, and why, newest session first."""
    found = fetch_page(
        conn,
        Gap,
        """
        SELECT trade_date, state, kind, ticker, reason, first_expected_at, asked_at
        FROM logs_session_ledger
        WHERE state <> 'stored'
            AND trade_date >= COALESCE(%(start)s, '-infinity'::date)
            AND trade_date <= COALESCE(%(end)s, 'infinity'::date)
        ORDER BY trade_date DESC, state, kind, ticker
        """,
        {"start": start, "end": end},
        page,
    )
    return Gaps(found.total, *page, next=None, gaps=found.rows)


def restatements(conn: Connection, start: date | None, end: date | None, page: Page) -> Restatements:
    """Return stored bars that the source has changed, whose sessions touch a range, the last found first."""
    found = fetch_page(
        conn,
        Restatement,
        """
        SELECT
            kind, ticker, change, first_session, last_session, price_factor, adj_factor, old_values, new_values,
            replaced_fetched_at, fetched_at, recorded_at
        FROM logs_restatement
        WHERE last_session >= COALESCE(%(start)s, '-infinity'::date)
            AND first_session <= COALESCE(%(end)s, 'infinity'::date)
        ORDER BY recorded_at DESC, kind, ticker, last_session DESC, change
        """,
        {"start": start, "end": end},
        page,
    )
    return Restatements(found.total, *page, next=None, restatements=found.rows)


def quarantined(conn: Connection, limit: int) -> Quarantined:
    """Return the bars that wait for a person: how many, and the newest of them by session."""
    found = fetch_page(
        conn,
        QuarantinedBar,
        """
        SELECT kind, ticker, trade_date, reason, received_at
        FROM logs_quarantined_bar
        ORDER BY trade_date DESC, kind, ticker
        """,
        {},
        Page(limit),
    )
    return Quarantined(total=found.total, bars=found.rows)


def error_counts(conn: Connection) -> list[ErrorCount]:
    """Return how many messages of each topic were rejected, and how many of them wait to be looked at."""
    return fetch_as(
        conn,
        ErrorCount,
        """
        SELECT
            topic,
            COUNT(*) AS rejected,
            COUNT(*) FILTER (WHERE replayed_at IS NULL) AS waiting,
            MAX(received_at) AS newest_at
        FROM logs_consumer_error
        GROUP BY topic
        ORDER BY topic
        """,
    )


def errors(conn: Connection, waiting: bool | None, page: Page) -> RejectedMessages:
    """Return rejected messages, newest first: those that wait, those put back on their topic, or both."""
    found = fetch_page(
        conn,
        RejectedMessage,
        f"""
        SELECT
            id, topic, partition_id, kafka_offset, message_key, error_msg, {REASON} AS reason, received_at, replayed_at,
            LEFT(raw_value, 2000) AS raw_value
        FROM logs_consumer_error
        WHERE %(waiting)s::boolean IS NULL OR %(waiting)s = (replayed_at IS NULL)
        ORDER BY id DESC
        """,
        {"waiting": waiting},
        page,
    )
    return RejectedMessages(found.total, *page, next=None, errors=found.rows)


def failed_requests(conn: Connection, count: int) -> list[FailedRequest]:
    """Return the newest requests to Yahoo without an answer or with an error status."""
    return fetch_as(
        conn,
        FailedRequest,
        """
        SELECT requested_at, endpoint, symbol, http_status, run_id
        FROM logs_yahoo_request
        WHERE http_status IS NULL OR http_status >= 400
        ORDER BY requested_at DESC, id DESC
        LIMIT %(count)s
        """,
        {"count": count},
    )


def requests_by(conn: Connection, unit: Literal["hour", "day"], page: Page) -> RequestCounts:
    """Return the number of requests to Yahoo by hour or day (UTC), newest first; hours without any are left out."""
    found = fetch_page(
        conn,
        RequestCount,
        """
        SELECT
            DATE_TRUNC(%(unit)s, requested_at) AS started_at,
            COUNT(*) AS requests,
            COUNT(*) FILTER (WHERE http_status = 429) AS limited,
            COUNT(*) FILTER (WHERE http_status IS NULL OR http_status >= 400) AS failed
        FROM logs_yahoo_request
        GROUP BY started_at
        ORDER BY started_at DESC
        """,
        {"unit": unit},
        page,
    )
    return RequestCounts(found.total, *page, next=None, by=unit, counts=found.rows)

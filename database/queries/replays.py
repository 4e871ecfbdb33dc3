"""What a replay has done, what it knew on an evening, and its publications, to be compared with a backfill's."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from database.db_helper import Connection, Row, fetch, transaction

TABLES_FILE = Path(__file__).parent.parent / "replay.sql"


def create_tables(conn: Connection) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(TABLES_FILE.read_text(encoding="utf-8"))


class Beginning(NamedTuple):
    """What a replay rests on: one that differs in any of it is another replay.

    market: the identity of the source
    basis: the digest of the code and the settings
    """

    market: str
    first_session: date
    basis: str


def begin(conn: Connection, beginning: Beginning, topic_prefix: str, clock_before: str | None) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO replay_run (market, first_session, basis, topic_prefix, clock_before) "
            "VALUES (%s, %s, %s, %s, %s)",
            (*beginning, topic_prefix, clock_before),
        )


def begun(conn: Connection) -> Row | None:
    """Return the replay that this database holds, as replay_run has it; None before `begin`.

    One of an earlier version of the platform has no basis.
    """
    if fetch(conn, "SELECT to_regclass('replay_run') AS replay_run")[0]["replay_run"] is None:
        return None
    rows = fetch(conn, "SELECT * FROM replay_run")
    return rows[0] if rows else None


def set_clock_before(conn: Connection, clock_before: str | None) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("UPDATE replay_run SET clock_before = %s", (clock_before,))


def finish_session(conn: Connection, session: date, problems: Sequence[str], seconds: float) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO replay_session (session, problems, seconds) VALUES (%s, %s, %s)
            ON CONFLICT (session) DO UPDATE SET problems = EXCLUDED.problems, seconds = EXCLUDED.seconds
            """,
            (session, list(problems), seconds),
        )


def finished_sessions(conn: Connection) -> list[Row]:
    """session, problems, seconds of every session that is done, in order."""
    return fetch(conn, "SELECT session, problems, seconds FROM replay_session ORDER BY session")


def keep_bars(conn: Connection, session: date, run_id: str) -> None:
    """Keep the bars that a run has stored as the versions known on that session's evening."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO replay_bar (
                ticker, trade_date, known_on, close_price, adj_close,
                currency, shares_outstanding, market_cap, market_cap_source
            )
            SELECT ticker, trade_date, %(session)s, close_price, adj_close, 'USD', NULL, NULL, NULL
            FROM collected_daily_etf_ohlc
            WHERE run_id = %(run_id)s
            UNION ALL
            SELECT ticker, trade_date, %(session)s, close_price, adj_close,
                currency, shares_outstanding, market_cap, market_cap_source
            FROM collected_daily_stock_history
            WHERE run_id = %(run_id)s
            ON CONFLICT (ticker, trade_date, known_on) DO UPDATE SET
                close_price = EXCLUDED.close_price,
                adj_close = EXCLUDED.adj_close,
                currency = EXCLUDED.currency,
                shares_outstanding = EXCLUDED.shares_outstanding,
                market_cap = EXCLUDED.market_cap,
                market_cap_source = EXCLUDED.market_cap_source
            """,
            {"session": session, "run_id": run_id},
        )


def bar_known(conn: Connection, ticker: str, session: date, evening: date) -> Row | None:
    """Return a bar as it was known on a session's evening."""
    rows = fetch(
        conn,
        """
        SELECT close_price, adj_close, currency, shares_outstanding, market_cap, market_cap_source
        FROM replay_bar
        WHERE ticker = %(ticker)s AND trade_date = %(session)s AND known_on <= %(evening)s
        ORDER BY known_on DESC
        LIMIT 1
        """,
        {"ticker": ticker, "session": session, "evening": evening},
    )
    return rows[0] if rows else None


def trending(conn: Connection, start: date, end: date) -> list[Row]:
    """Each published session, ETF and period: the return, and whether it trends."""
    return fetch(
        conn,
        """
        SELECT as_of_date, period.days AS period_days, etf_ticker, period.return, period.trends
        FROM analytics_trending_etfs
        CROSS JOIN LATERAL (
            VALUES
                (5, return_5d, is_trending_5d),
                (10, return_10d, is_trending_10d),
                (20, return_20d, is_trending)
        ) AS period (days, return, trends)
        WHERE as_of_date BETWEEN %(start)s AND %(end)s
        ORDER BY as_of_date, period_days, etf_ticker
        """,
        {"start": start, "end": end},
    )


def candidates(conn: Connection, start: date, end: date) -> list[Row]:
    """Each holding that was looked at, with its end points."""
    return fetch(
        conn,
        """
        SELECT
            as_of_date, period_days, etf_ticker, ticker, holding_percent, holdings_as_of,
            period_return, market_cap, is_selected, start_session, end_session
        FROM analytics_allocation_candidates
        WHERE as_of_date BETWEEN %(start)s AND %(end)s
        ORDER BY as_of_date, period_days, etf_ticker, holding_rank
        """,
        {"start": start, "end": end},
    )


def positions(conn: Connection, start: date, end: date) -> list[Row]:
    """Each position of each portfolio."""
    return fetch(
        conn,
        """
        SELECT as_of_date, period_days, ticker, portfolio_weight AS weight, source_etfs
        FROM analytics_portfolio_allocation
        WHERE as_of_date BETWEEN %(start)s AND %(end)s
        ORDER BY as_of_date, period_days, position_rank
        """,
        {"start": start, "end": end},
    )


def monthly_positions(conn: Connection, start: date, end: date) -> list[Row]:
    """Each position of each rebalance that is about a session of the range."""
    return fetch(
        conn,
        """
        SELECT rebalance_date, as_of_date, ticker, final_weight AS weight, source_periods
        FROM analytics_monthly_portfolio
        WHERE as_of_date BETWEEN %(start)s AND %(end)s
        ORDER BY rebalance_date, final_rank
        """,
        {"start": start, "end": end},
    )

"""What the tables know of days that may have been no sessions, and the ledger's lines of days that are none."""

from collections.abc import Collection, Sequence
from datetime import date

from database.db_helper import Connection, Row, fetch, transaction
from utils.reasons import Reason, as_json

NEIGHBOURS_DAYS = 14  # longer than any holiday of an exchange


def lacking(conn: Connection, start: date | None = None, end: date | None = None) -> list[Row]:
    """Return the expected bars that the source does not have: trade_date, ticker, and when it was asked last."""
    return fetch(
        conn,
        """
        SELECT trade_date, ticker, MAX(asked_at) AS asked_at
        FROM logs_session_ledger
        WHERE state IN ('late', 'missing') AND kind <> 'rate'
          AND (%(start)s::date IS NULL OR trade_date >= %(start)s)
          AND (%(end)s::date IS NULL OR trade_date <= %(end)s)
        GROUP BY trade_date, ticker
        ORDER BY trade_date, ticker
        """,
        {"start": start, "end": end},
    )


def around(conn: Connection, days: Collection[date]) -> list[Row]:
    """Every ticker near each of the days: whether it has a bar before, on and after it; a quarantined one counts."""
    return fetch(
        conn,
        """
        WITH bar AS (
            SELECT ticker, trade_date FROM collected_daily_etf_ohlc
            UNION
            SELECT ticker, trade_date FROM collected_daily_stock_history WHERE quote_type <> 'CURRENCY'
            UNION
            SELECT ticker, trade_date FROM logs_quarantined_bar WHERE kind <> 'rate'
        )
        SELECT
            near.day,
            bar.ticker,
            BOOL_OR(bar.trade_date < near.day) AS is_before,
            BOOL_OR(bar.trade_date = near.day) AS is_there,
            BOOL_OR(bar.trade_date > near.day) AS is_after
        FROM UNNEST(%(days)s::date[]) AS near (day)
        JOIN bar ON bar.trade_date BETWEEN near.day - %(neighbours)s AND near.day + %(neighbours)s
        GROUP BY near.day, bar.ticker
        ORDER BY near.day, bar.ticker
        """,
        {"days": sorted(set(days)), "neighbours": NEIGHBOURS_DAYS},
    )


def unstored(conn: Connection) -> list[Row]:
    """Return the ledger's own lines: kind, ticker, trade_date, state."""
    return fetch(conn, "SELECT kind, ticker, trade_date, state FROM logs_expected_bar ORDER BY ticker, trade_date")


def restate(conn: Connection, lines: Sequence[tuple[str, str, date, str, Reason]]) -> None:
    """Give lines of the ledger (kind, ticker, trade_date) another state and reason."""
    if not lines:
        return
    kinds, tickers, days, states, reasons = (list(column) for column in zip(*lines, strict=True))
    stored = [as_json([each]) for each in reasons]
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            """
            UPDATE logs_expected_bar AS expected
            SET state = line.state, reason = line.reason
            FROM UNNEST(%s::text[], %s::text[], %s::date[], %s::text[], %s::jsonb[])
                AS line (kind, ticker, trade_date, state, reason)
            WHERE (expected.kind, expected.ticker, expected.trade_date) = (line.kind, line.ticker, line.trade_date)
            """,
            (kinds, tickers, days, states, stored),
        )

"""The log of requests to Yahoo: pacing, the breaker and the day's budget read it."""

from collections.abc import Collection
from datetime import date, datetime, time
from typing import NamedTuple

from config.config import YahooSettings
from database.db_helper import Connection, Row, fetch, transaction

# Since it was last the hour `begins` (UTC).
OF_BUDGET_DAY = """
    requested_at >= (
        date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC' - %(begins)s::interval) + %(begins)s::interval
    ) AT TIME ZONE 'UTC'
"""


class Latest(NamedTuple):
    """The database's clock, the newest request and the newest 429; None where there is none."""

    now: datetime
    requested_at: datetime | None
    limited_at: datetime | None


def latest(conn: Connection) -> Latest:
    row = fetch(
        conn,
        """
        SELECT clock_timestamp() AS now,
               (SELECT MAX(requested_at) FROM logs_yahoo_request) AS requested_at,
               (SELECT MAX(requested_at) FROM logs_yahoo_request WHERE http_status = 429) AS limited_at
        """,
    )[0]
    return Latest(**row)


def record(conn: Connection, endpoint: str, symbol: str, http_status: int | None, run_id: str | None) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO logs_yahoo_request (endpoint, symbol, http_status, run_id) VALUES (%s, %s, %s, %s)",
            (endpoint, symbol, http_status, run_id),
        )


def by_endpoint(conn: Connection, since: datetime) -> list[Row]:
    """Count the requests to each endpoint since a moment."""
    return fetch(
        conn,
        """
        SELECT endpoint, COUNT(*) AS requests, COUNT(*) FILTER (WHERE http_status >= 400) AS refused
        FROM logs_yahoo_request
        WHERE requested_at >= %(since)s
        GROUP BY endpoint
        ORDER BY endpoint
        """,
        {"since": since},
    )


def count_of_last_day(conn: Connection) -> int:
    """Count the requests made within 24 hours."""
    [row] = fetch(
        conn,
        """
        SELECT COUNT(*) AS requests
        FROM logs_yahoo_request
        WHERE requested_at > clock_timestamp() - INTERVAL '1 day'
        """,
    )
    return int(row["requests"])


def count_of_budget_day(conn: Connection, begins: time) -> int:
    """Count the requests of this day of the budget. begins: the hour (UTC) at which such days begin."""
    query = f"SELECT COUNT(*) AS requests FROM logs_yahoo_request WHERE {OF_BUDGET_DAY}"
    [row] = fetch(conn, query, {"begins": begins})
    return int(row["requests"])


def left_of_budget(conn: Connection, yahoo: YahooSettings) -> int | None:
    """Return how many requests this day of the budget may still make, or None without a budget (0)."""
    if not yahoo.requests_per_day:
        return None
    return max(0, yahoo.requests_per_day - count_of_budget_day(conn, yahoo.day_begins))


def asked_of_budget_day(conn: Connection, begins: time, endpoint: str, symbols: Collection[str]) -> set[str]:
    """Return which of these symbols an endpoint was asked for on this day of the budget."""
    rows = fetch(
        conn,
        f"""
        SELECT DISTINCT symbol
        FROM logs_yahoo_request
        WHERE endpoint = %(endpoint)s AND symbol = ANY(%(symbols)s) AND {OF_BUDGET_DAY}
        """,
        {"begins": begins, "endpoint": endpoint, "symbols": list(symbols)},
    )
    return {row["symbol"] for row in rows}


def bars_asked_on(conn: Connection, symbols: Collection[str]) -> dict[str, date]:
    """Return the last day (UTC) on which bars of each of these symbols were asked for, if ever."""
    rows = fetch(
        conn,
        """
        SELECT symbol, (MAX(requested_at) AT TIME ZONE 'UTC')::date AS asked_on
        FROM logs_yahoo_request
        WHERE endpoint = 'chart' AND symbol = ANY(%(symbols)s)
        GROUP BY symbol
        """,
        {"symbols": list(symbols)},
    )
    return {row["symbol"]: row["asked_on"] for row in rows}


def by_outcome_of_budget_day(conn: Connection, begins: time) -> dict[tuple[str, ...], float]:
    """Count the requests of this day of the budget by endpoint and outcome: ok, limited, refused or no_answer."""
    rows = fetch(
        conn,
        f"""
        SELECT
            endpoint,
            CASE
                WHEN http_status IS NULL THEN 'no_answer'
                WHEN http_status = 429 THEN 'limited'
                WHEN http_status >= 400 THEN 'refused'
                ELSE 'ok'
            END AS outcome,
            COUNT(*) AS requests
        FROM logs_yahoo_request
        WHERE {OF_BUDGET_DAY}
        GROUP BY endpoint, outcome
        ORDER BY endpoint, outcome
        """,
        {"begins": begins},
    )
    return {(row["endpoint"], row["outcome"]): row["requests"] for row in rows}


def of_runs(conn: Connection) -> list[Row]:
    """Return every request that a run has made, in order: run_id, endpoint, symbol, requested_at."""
    return fetch(
        conn,
        """
        SELECT run_id, endpoint, symbol, requested_at
        FROM logs_yahoo_request
        WHERE run_id IS NOT NULL
        ORDER BY requested_at, id
        """,
    )

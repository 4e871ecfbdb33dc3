"""What the watcher reads of the ledger: what has not gone well lately."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from database.db_helper import Connection, Row, fetch
from database.roles import READ

# The publications that a person acts on.
JOBS = ("trending", "allocation", "rebalance")
# So many days before the newest session degraded publications are looked at.
DEGRADED_DAYS = 7
MOST_BARS = 500
# More than two months of sessions: who is told of one that is not published is told within one month.
MOST_DAYS = 50
# A reader's query takes seconds, and has a limit of its own (database/roles.py).
OVERLONG_MINUTES = 2


def bad_runs(conn: Connection, days: int) -> list[Row]:
    """Return the newest run of each DAG and day, where it has not ended well: failed, late, or still running."""
    return fetch(
        conn,
        """
        SELECT dag_id, as_of_date, state, started_at, reason
        FROM (
            SELECT DISTINCT ON (dag_id, as_of_date) *
            FROM logs_stage_run
            WHERE started_at > clock_timestamp() - MAKE_INTERVAL(days => %(days)s)
            ORDER BY dag_id, as_of_date, started_at DESC, run_id
        ) AS newest
        WHERE state IN ('failed', 'late', 'running')
        ORDER BY started_at
        """,
        {"days": days},
    )


def end_overlong(conn: Connection) -> int:
    """End the transactions of the reading login that are open for minutes, and return their number.

    A session may lift its own time limit. Only that login does so here, of its own sessions.
    """
    rows = fetch(
        conn,
        """
        SELECT pg_terminate_backend(pid)
        FROM pg_stat_activity
        WHERE usename = %(login)s AND usename = current_user AND datname = current_database()
          AND xact_start < clock_timestamp() - MAKE_INTERVAL(mins => %(minutes)s) AND pid <> pg_backend_pid()
        """,
        {"login": READ.name, "minutes": OVERLONG_MINUTES},
    )
    return len(rows)


def degraded_since(conn: Connection) -> date:
    """Return the first day whose publications may be degraded for anybody to be told."""
    newest = _newest(conn, "allocation")
    return newest - timedelta(days=DEGRADED_DAYS) if newest else date.min


def degraded(conn: Connection, since: date) -> list[Row]:
    """Return the days from one on whose publications are degraded, with all their reasons."""
    return fetch(
        conn,
        """
        SELECT as_of_date, MAX(published_at) AS published_at, jsonb_agg(DISTINCT reason.value) AS reasons
        FROM analytics_publication, jsonb_array_elements(degraded_reason) AS reason
        WHERE job = ANY(%(jobs)s) AND as_of_date >= %(since)s AND jsonb_typeof(degraded_reason) = 'array'
        GROUP BY as_of_date
        ORDER BY as_of_date
        """,
        {"jobs": list(JOBS), "since": since},
    )


def waiting_bars(conn: Connection) -> list[Row]:
    return fetch(
        conn,
        """
        SELECT ticker, trade_date, received_at, reason
        FROM logs_quarantined_bar
        ORDER BY received_at DESC, ticker, trade_date
        LIMIT %(most)s
        """,
        {"most": MOST_BARS},
    )


def published(conn: Connection, job: str) -> list[date]:
    """Return the newest days of which a job has published something, in order."""
    rows = fetch(
        conn,
        """
        SELECT as_of_date FROM (
            SELECT DISTINCT as_of_date FROM analytics_publication
            WHERE job = %(job)s
            ORDER BY as_of_date DESC
            LIMIT %(most)s
        ) AS newest
        ORDER BY as_of_date
        """,
        {"job": job, "most": MOST_DAYS},
    )
    return [row["as_of_date"] for row in rows]


def recorded(conn: Connection) -> date | None:
    """Return the session up to which the record goes."""
    return _newest(conn, "performance")


def _newest(conn: Connection, job: str) -> date | None:
    [row] = fetch(
        conn,
        "SELECT MAX(as_of_date) AS newest FROM analytics_publication WHERE job = %(job)s",
        {"job": job},
    )
    newest: date | None = row["newest"]
    return newest


def measured_at(conn: Connection) -> dict[str, datetime]:
    """Return when each consumer group last said how far it is."""
    rows = fetch(conn, "SELECT consumer_group, MAX(measured_at) AS at FROM logs_consumer_lag GROUP BY consumer_group")
    return {row["consumer_group"]: row["at"] for row in rows}


def backlogs(conn: Connection, groups: Sequence[str]) -> list[Row]:
    """Return the partitions of which groups have not stored all messages, as they last said."""
    return fetch(
        conn,
        """
        SELECT consumer_group, topic, partition_id, committed_offset AS committed, lag, measured_at
        FROM logs_consumer_lag
        WHERE lag > 0 AND consumer_group = ANY(%(groups)s)
        ORDER BY consumer_group, topic, partition_id
        """,
        {"groups": list(groups)},
    )

"""What the jobs have published, and whether anything has changed since."""

from datetime import date, datetime

from database.db_helper import Connection, Row, fetch
from database.queries.paging import Found, Span, fetch_page


def data_version(conn: Connection) -> str:
    """A text that stays the same exactly as long as every query keeps seeing the same rows."""
    [row] = fetch(conn, "SELECT pg_current_snapshot()::text AS version")
    return str(row["version"])


def times(conn: Connection) -> dict[date, datetime]:
    """Every session that has portfolios, with the moment its last one was published."""
    rows = fetch(
        conn,
        """
        SELECT as_of_date, MAX(published_at) AS published_at
        FROM analytics_publication
        WHERE job = 'allocation'
        GROUP BY as_of_date
        ORDER BY as_of_date
        """,
    )
    return {row["as_of_date"]: row["published_at"] for row in rows}


def latest(conn: Connection) -> list[Row]:
    """What each job published for its newest session, period by period."""
    return fetch(
        conn,
        """
        SELECT DISTINCT ON (job, period_days)
            job,
            period_days,
            as_of_date,
            status,
            degraded_reason,
            source,
            published_at
        FROM analytics_publication
        ORDER BY job, period_days, as_of_date DESC
        """,
    )


def sessions(conn: Connection, start: date | None, end: date | None, span: Span) -> Found:
    """The sessions for which something is published, newest first, each with its publications."""
    return fetch_page(
        conn,
        """
        SELECT
            as_of_date,
            jsonb_agg(to_jsonb(publication) ORDER BY job DESC, period_days) AS publications
        FROM analytics_publication AS publication
        WHERE job <> 'rebalance' -- whose dates are no sessions
            AND as_of_date >= COALESCE(%(start)s, '-infinity'::date)
            AND as_of_date <= COALESCE(%(end)s, 'infinity'::date)
        GROUP BY as_of_date
        ORDER BY as_of_date DESC
        """,
        {"start": start, "end": end},
        span,
    )


def calendar(conn: Connection) -> Row:
    """The days with daily portfolios (`sessions`) and with a monthly one (`rebalances`), oldest first."""
    rows = fetch(
        conn,
        """
        SELECT job, as_of_date, BOOL_OR(degraded_reason IS NOT NULL) AS is_degraded
        FROM analytics_publication
        WHERE job IN ('allocation', 'rebalance')
        GROUP BY job, as_of_date
        ORDER BY as_of_date
        """,
    )
    return {
        name: [{key: row[key] for key in ("as_of_date", "is_degraded")} for row in rows if row["job"] == job]
        for name, job in (("sessions", "allocation"), ("rebalances", "rebalance"))
    }

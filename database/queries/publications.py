"""What the jobs have published, and whether anything has changed since."""

from datetime import date, datetime

from msgspec import convert

from contract.pipeline import Publication, PublishedDay, PublishedDays, Session, Sessions
from contract.service import LatestPublication
from database.db_helper import Connection, fetch
from database.queries.paging import Page, fetch_page
from database.queries.typed import fetch_as


def data_version(conn: Connection) -> str:
    """Return a text that stays the same exactly as long as no table has changed, the consumers' lag left out.

    A change and its count become visible together. The table's own number tells a database made anew from the old one.
    """
    [row] = fetch(
        conn,
        """
        SELECT 'logs_data_change'::regclass::oid AS number, SUM(changes)::bigint AS changes
        FROM logs_data_change
        """,
    )
    return f"{row['number']} {row['changes']}"


def times(conn: Connection) -> dict[date, datetime]:
    """Return every session with portfolios, and the moment its last one was published."""
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


def latest(conn: Connection) -> list[LatestPublication]:
    """Return what each job published for its newest session, period by period."""
    return fetch_as(
        conn,
        LatestPublication,
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


def sessions(conn: Connection, start: date | None, end: date | None, page: Page) -> Sessions:
    """Return the sessions for which something is published, newest first, each with its publications."""
    found = fetch_page(
        conn,
        Session,
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
        page,
    )
    return Sessions(found.total, *page, next=None, sessions=found.rows)


class _PublishedDay(PublishedDay):
    job: str


def published_days(conn: Connection) -> PublishedDays:
    """Return the days with daily portfolios (`sessions`) and with a monthly one (`rebalances`), oldest first."""
    days = fetch_as(
        conn,
        _PublishedDay,
        """
        SELECT
            job,
            as_of_date,
            BOOL_OR(degraded_reason IS NOT NULL) AS is_degraded,
            BOOL_OR(status <> 'not_computable') AS is_computable
        FROM analytics_publication
        WHERE job IN ('allocation', 'rebalance')
        GROUP BY job, as_of_date
        ORDER BY as_of_date
        """,
    )

    def of_job(job: str) -> list[PublishedDay]:
        return [convert(day, PublishedDay, from_attributes=True) for day in days if day.job == job]

    return PublishedDays(sessions=of_job("allocation"), rebalances=of_job("rebalance"))


def rebalances(conn: Connection, first: date, last: date) -> list[Publication]:
    """Return the monthly publications whose date, which need not be a session, is in a range; both ends included."""
    return fetch_as(
        conn,
        Publication,
        """
        SELECT *
        FROM analytics_publication
        WHERE job = 'rebalance' AND as_of_date BETWEEN %(first)s AND %(last)s
        ORDER BY as_of_date
        """,
        {"first": first, "last": last},
    )

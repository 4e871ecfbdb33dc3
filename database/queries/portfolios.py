"""Portfolios as published: the three of stage 5 and the monthly one."""

from datetime import date, datetime

from database.db_helper import Connection, Row, fetch


def publications_version(conn: Connection) -> str:
    """A text that changes whenever a job publishes, publishes again, or takes something back.

    Summed over xmin, the transaction that wrote a row, and not over published_at alone, so that publications which
    commit out of order or keep their time are noticed too.
    """
    [row] = fetch(
        conn,
        "SELECT COUNT(*) || ':' || COALESCE(SUM(xmin::text::bigint), 0) AS version FROM analytics_publication",
    )
    return str(row["version"])


def publication_times(conn: Connection) -> dict[date, datetime]:
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


def latest_publications(conn: Connection) -> list[Row]:
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


def allocation(conn: Connection, period_days: int, as_of: date | None) -> Row | None:
    """One portfolio with its positions, the newest when no session is named; None when it was not published.

    One statement, so that publication and positions are of one snapshot.
    """
    rows = fetch(
        conn,
        """
        SELECT
            publication.as_of_date,
            publication.period_days,
            publication.status,
            publication.reason,
            publication.degraded_reason,
            publication.cash_weight,
            publication.holdings_as_of,
            COALESCE(publication.holdings_as_of > publication.as_of_date, FALSE) AS holdings_known_later,
            publication.source,
            publication.published_at,
            publication.run_id,
            (
                SELECT COALESCE(jsonb_agg(to_jsonb(position) ORDER BY position_rank), '[]')
                FROM analytics_portfolio_allocation AS position
                WHERE position.as_of_date = publication.as_of_date
                    AND position.period_days = publication.period_days
            ) AS positions
        FROM analytics_publication AS publication
        WHERE publication.job = 'allocation'
            AND publication.period_days = %(period_days)s
            AND (%(as_of)s::date IS NULL OR publication.as_of_date = %(as_of)s)
        ORDER BY publication.as_of_date DESC
        LIMIT 1
        """,
        {"period_days": period_days, "as_of": as_of},
    )
    return rows[0] if rows else None


def count(conn: Connection, start: date, end: date) -> Row:
    """Portfolios of a range: how many, of how many sessions, and which are empty, degraded, of holdings known later."""
    [row] = fetch(
        conn,
        """
        SELECT
            COUNT(*) AS portfolios,
            COUNT(DISTINCT as_of_date) AS sessions,
            COUNT(*) FILTER (WHERE status = 'empty') AS empty,
            COUNT(*) FILTER (WHERE degraded_reason IS NOT NULL) AS degraded,
            COUNT(*) FILTER (WHERE holdings_as_of > as_of_date) AS known_later
        FROM analytics_publication
        WHERE job = 'allocation' AND as_of_date BETWEEN %(start)s AND %(end)s
        """,
        {"start": start, "end": end},
    )
    return row


def monthly(conn: Connection, rebalance_date: date | None) -> list[Row]:
    """The positions of one rebalance in rank order, of the newest one when no date is named."""
    return fetch(
        conn,
        """
        SELECT
            rebalance_date,
            valid_until,
            as_of_date,
            source,
            final_rank,
            ticker,
            company_name,
            sector,
            final_weight,
            score,
            source_periods
        FROM analytics_monthly_portfolio
        WHERE rebalance_date = COALESCE(
            %(rebalance_date)s,
            (SELECT MAX(rebalance_date) FROM analytics_monthly_portfolio)
        )
        ORDER BY final_rank, ticker
        """,
        {"rebalance_date": rebalance_date},
    )

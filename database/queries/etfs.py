"""ETFs: metadata, bars, and which of them trend."""

from datetime import date

from database.db_helper import Connection, Row, fetch


def trending(conn: Connection, as_of: date) -> list[Row] | None:
    """ETFs that trend over at least one period as of a session, best first; None when stage 3 has not published it."""
    published = fetch(
        conn,
        "SELECT 1 FROM analytics_publication WHERE job = 'trending' AND as_of_date = %(as_of)s",
        {"as_of": as_of},
    )
    if not published:
        return None
    return fetch(
        conn,
        """
        SELECT etf_ticker, is_trending_5d, is_trending_10d, is_trending AS is_trending_20d, sector_name
        FROM analytics_trending_etfs
        WHERE as_of_date = %(as_of)s AND (is_trending_5d OR is_trending_10d OR is_trending)
        ORDER BY rank_by_outperformance NULLS LAST, etf_ticker
        """,
        {"as_of": as_of},
    )

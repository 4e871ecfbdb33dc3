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


def listing(conn: Connection) -> list[Row]:
    """Every ETF with its newest bar and where it stands in the newest trending publication, by ticker."""
    return fetch(
        conn,
        """
        WITH published AS (
            SELECT as_of_date, degraded_reason
            FROM analytics_publication
            WHERE job = 'trending'
            ORDER BY as_of_date DESC
            LIMIT 1
        )
        SELECT
            meta.ticker,
            meta.etf_type,
            meta.sector_name,
            meta.description,
            bar.trade_date,
            bar.close_price,
            bar.price_change_percent,
            bar.source,
            trend.as_of_date,
            published.degraded_reason,
            trend.return_5d,
            trend.return_10d,
            trend.return_20d,
            COALESCE(trend.is_trending_5d, FALSE) AS is_trending_5d,
            COALESCE(trend.is_trending_10d, FALSE) AS is_trending_10d,
            COALESCE(trend.is_trending, FALSE) AS is_trending_20d,
            trend.rank_by_outperformance,
            trend.missing_reason
        FROM collected_meta_etf AS meta
        LEFT JOIN LATERAL (
            SELECT trade_date, close_price, price_change_percent, source
            FROM collected_daily_etf_ohlc
            WHERE ticker = meta.ticker
            ORDER BY trade_date DESC
            LIMIT 1
        ) AS bar ON TRUE
        LEFT JOIN published ON TRUE
        LEFT JOIN analytics_trending_etfs AS trend
            ON trend.etf_ticker = meta.ticker AND trend.as_of_date = published.as_of_date
        ORDER BY meta.ticker
        """,
    )

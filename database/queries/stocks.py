"""Daily bars of any symbol that is collected: ETFs, stocks and exchange rates."""

from datetime import date

from database.db_helper import Connection, Row, fetch

# The ETFs of the universe are listed in the US; what they have no column for is NULL.
_BARS_OF_SYMBOL = """
    SELECT
        ticker, 'ETF' AS quote_type, 'USD' AS currency, meta.description AS company_name, meta.sector_name AS sector,
        trade_date, open_price, high_price, low_price, close_price, adj_close, volume, price_change_percent,
        dividend, split_ratio, NULL::bigint AS market_cap, NULL AS market_cap_source, fetched_at, source
    FROM collected_daily_etf_ohlc
    LEFT JOIN collected_meta_etf AS meta USING (ticker)
    WHERE ticker = %(symbol)s
    UNION ALL
    SELECT
        ticker, quote_type, currency, company_name, sector,
        trade_date, open_price, high_price, low_price, close_price, adj_close, volume, price_change_percent,
        dividend, split_ratio, market_cap, market_cap_source, fetched_at, source
    FROM collected_daily_stock_history
    WHERE ticker = %(symbol)s
"""


def latest(conn: Connection, symbol: str) -> Row | None:
    """The newest bar with what is known of the symbol; None when nothing of it is collected."""
    rows = fetch(conn, f"{_BARS_OF_SYMBOL} ORDER BY trade_date DESC LIMIT 1", {"symbol": symbol})
    return rows[0] if rows else None


def history(conn: Connection, symbol: str, start: date | None, end: date | None, limit: int) -> list[Row]:
    """The last `limit` bars from start to end, both included, oldest first."""
    return fetch(
        conn,
        f"""
        SELECT *
        FROM (
            SELECT *
            FROM ({_BARS_OF_SYMBOL}) AS bars
            WHERE trade_date >= COALESCE(%(start)s, '-infinity'::date)
                AND trade_date <= COALESCE(%(end)s, 'infinity'::date)
            ORDER BY trade_date DESC
            LIMIT %(limit)s
        ) AS newest
        ORDER BY trade_date
        """,
        {"symbol": symbol, "start": start, "end": end, "limit": limit},
    )

"""The newest stored close of any ticker, with what is needed to trade at it."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from contract.common import Source
from database.db_helper import Connection
from database.queries.typed import fetch_as


class NewestClose(Struct):
    """price_usd: None without an exchange rate. volume: shares a session, on average of the last 20 that have one."""

    ticker: str
    company_name: str | None
    currency: str
    trade_date: date
    close_price: float
    price_usd: float | None
    rate_date: date | None
    volume: float | None
    source: Source


def newest_closes(conn: Connection, tickers: Sequence[str]) -> dict[str, NewestClose]:
    """Return the newest close of each ticker that has any. An ETF that is held by others has its own bars alone."""
    rows = fetch_as(
        conn,
        NewestClose,
        """
        SELECT
            wanted.ticker,
            COALESCE(newest.company_name, meta.description) AS company_name,
            newest.currency,
            newest.trade_date,
            newest.close_price,
            newest.dollar_close AS price_usd,
            newest.rate_date,
            newest.source,
            (
                SELECT AVG(volume)::float8
                FROM (
                    SELECT volume
                    FROM (
                        SELECT TRUE AS is_etf, ticker, trade_date, volume FROM collected_daily_etf_ohlc
                        UNION ALL
                        SELECT FALSE, ticker, trade_date, volume FROM collected_daily_stock_history
                    ) AS bar
                    WHERE (bar.is_etf, bar.ticker) = (newest.is_etf, wanted.ticker) AND volume > 0
                    ORDER BY trade_date DESC
                    LIMIT 20
                ) AS last
            ) AS volume
        FROM UNNEST(%(tickers)s::text[]) AS wanted (ticker)
        CROSS JOIN LATERAL (
            SELECT *
            FROM collected_dollar_close
            WHERE ticker = wanted.ticker
            ORDER BY trade_date DESC
            LIMIT 1
        ) AS newest
        LEFT JOIN collected_meta_etf AS meta ON meta.ticker = wanted.ticker
        """,
        {"tickers": list(tickers)},
    )
    return {row.ticker: row for row in rows}

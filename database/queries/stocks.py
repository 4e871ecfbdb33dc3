"""Daily bars of any symbol that is collected (ETFs, stocks, exchange rates), and where the stocks stand."""

from datetime import date

from database.db_helper import Connection, Row, fetch
from database.queries.paging import Found, Span, fetch_page
from database.queries.returns import between, stretches_of
from utils.dates import SESSIONS_OF_A_MONTH, find_exchange, last_session_by, session_before, window_of
from utils.errors import NotPublished, UnknownTicker

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


def history(conn: Connection, symbol: str, benchmark: str, start: date | None, end: date | None, span: Span) -> Found:
    """The bars from start to end, both included; `span` counts from the newest, the rows are oldest first."""
    newest = latest(conn, symbol)
    if newest is None:
        raise UnknownTicker(f"no bar of {symbol} is stored")
    found = fetch_page(
        conn,
        f"""
        SELECT *
        FROM ({_BARS_OF_SYMBOL}) AS bars
        WHERE trade_date >= COALESCE(%(start)s, '-infinity'::date)
            AND trade_date <= COALESCE(%(end)s, 'infinity'::date)
        ORDER BY trade_date DESC
        """,
        {"symbol": symbol, "start": start, "end": end},
        span,
    )
    about = {**newest, "benchmark": benchmark, "returns": _returns_against(conn, benchmark, newest)}
    return Found(found.total, found.rows[::-1], about)


def _returns_against(conn: Connection, benchmark: str, newest: Row) -> list[Row]:
    """The returns of a symbol up to its newest bar, each beside the benchmark's; nobody earns those of a currency."""
    if newest["quote_type"] == "CURRENCY":
        return []
    as_of = last_session_by(newest["trade_date"])
    own, its = (between(conn, stretches_of([ticker], as_of)) for ticker in (newest["ticker"], benchmark))
    return [
        {
            **row,
            "window": row["name"],
            "benchmark_return": against["period_return"],
            "missing_reason": row["missing_reason"]
            or (against["missing_reason"] and f"{benchmark}: {against['missing_reason']}"),
        }
        for row, against in zip(own, its, strict=True)
    ]


def known(conn: Connection, symbol: str) -> str:
    """The symbol, when anything of it is stored: a bar, or a place in an ETF."""
    found = fetch(
        conn,
        """
        SELECT 1
        WHERE EXISTS (SELECT FROM collected_daily_stock_history WHERE ticker = %(symbol)s)
            OR EXISTS (SELECT FROM collected_daily_etf_ohlc WHERE ticker = %(symbol)s)
            OR EXISTS (SELECT FROM collected_etf_holdings WHERE stock_ticker = %(symbol)s)
        """,
        {"symbol": symbol},
    )
    if not found:
        raise UnknownTicker(f"nothing of {symbol} is stored")
    return symbol


def newest_session(conn: Connection) -> date | None:
    """The last home session of which a stock's bar is stored."""
    [row] = fetch(
        conn,
        """
        SELECT MAX(trade_date) AS session
        FROM collected_daily_stock_history
        WHERE quote_type <> 'CURRENCY' AND currency = 'USD'
        """,
    )
    session: date | None = row["session"]
    return session


def standings(conn: Connection, as_of: date | None) -> tuple[date | None, list[Row]]:
    """Every stock with a bar of a session (the newest when none is named) and its returns, largest market cap first.

    A foreign stock stands there with its exchange's last session closed by then. NotPublished when the named session
    has no bars.
    """
    session = as_of or newest_session(conn)
    rows = _bars_closing(conn, session) if session else []
    if session is None or not rows:
        if as_of:
            raise NotPublished(f"no stock prices of {as_of} are stored: run the stages for that session")
        return None, []
    by_ticker = {row["ticker"]: row for row in rows}
    for each in between(conn, stretches_of(by_ticker, session)):
        row = by_ticker[each["ticker"]]
        row[f"return_{each['name']}"] = each["period_return"]
        row.setdefault("missing", {})[each["name"]] = each["missing_reason"]
    for row in rows:
        row["missing_reason"] = next(filter(None, row.pop("missing").values()), None)
    return session, rows


def _bars_closing(conn: Connection, session: date) -> list[Row]:
    """The stocks' bars of a home session, and of the foreign sessions that stand for it."""
    exchanges = _exchanges_seen(conn, session)
    closing = {exchange: window_of(session, 0, exchange)[1] for exchange in set(exchanges.values())}
    rows = fetch(
        conn,
        """
        SELECT
            bar.ticker,
            bar.company_name,
            bar.sector,
            bar.trade_date,
            bar.currency,
            bar.close_price,
            ROUND(bar.market_cap / CASE WHEN bar.currency = 'USD' THEN 1 ELSE rate.close_price END)::bigint
                AS market_cap,
            bar.market_cap_source,
            bar.price_change_percent,
            bar.source
        FROM collected_daily_stock_history AS bar
        LEFT JOIN collected_daily_stock_history AS rate
            ON rate.ticker = bar.currency || '=X' AND rate.trade_date = bar.trade_date
            AND rate.quote_type = 'CURRENCY' AND rate.close_price > 0
        WHERE bar.trade_date = ANY(%(sessions)s) AND bar.quote_type <> 'CURRENCY'
        ORDER BY market_cap DESC NULLS LAST, bar.ticker
        """,
        {"sessions": list(closing.values())},
    )
    return [row for row in rows if row["trade_date"] == closing.get(exchanges.get(row["ticker"], ""))]


def _exchanges_seen(conn: Connection, session: date) -> dict[str, str]:
    """The stocks with a bar in the month before a session and their exchanges; an unknown suffix has no standing."""
    rows = fetch(
        conn,
        """
        SELECT DISTINCT ticker
        FROM collected_daily_stock_history
        WHERE quote_type <> 'CURRENCY' AND trade_date BETWEEN %(first)s AND %(last)s
        """,
        {"first": session_before(session, SESSIONS_OF_A_MONTH), "last": session},
    )
    return {row["ticker"]: exchange for row in rows if (exchange := find_exchange(row["ticker"]))}


def record(conn: Connection, symbol: str, span: Span) -> Found:
    """Where a ticker stood in our portfolios, newest first; a monthly portfolio has no period_days."""
    found = fetch_page(
        conn,
        """
        SELECT
            as_of_date, period_days, NULL::date AS rebalance_date, portfolio_weight AS weight, position_rank AS rank,
            score, period_return, source_etfs, NULL::integer[] AS source_periods, source
        FROM analytics_portfolio_allocation
        WHERE ticker = %(symbol)s
        UNION ALL
        SELECT
            as_of_date, NULL, rebalance_date, final_weight, final_rank,
            score, NULL, NULL, source_periods, source
        FROM analytics_monthly_portfolio
        WHERE ticker = %(symbol)s
        ORDER BY as_of_date DESC, period_days NULLS FIRST
        """,
        {"symbol": known(conn, symbol)},
        span,
    )
    return Found(found.total, found.rows, {"ticker": symbol})

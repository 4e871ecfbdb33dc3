"""ETFs: metadata, bars, and which of them trend."""

from datetime import date

from database.db_helper import Connection, Row, fetch
from database.queries.paging import Found, Span, fetch_page
from database.queries.returns import between, stretches_of
from utils.dates import last_sessions
from utils.errors import NotPublished

NOTHING_YET = "no trending ETFs are published yet: run stages 1 to 3 for a session"


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


def listing(conn: Connection, benchmark: str, as_of: date | None) -> Row:
    """Every ETF by ticker: its newest bar (that of `as_of` when named), and what the session's publication says of it.

    Without `as_of` that is the newest trending publication; before the first one `as_of_date` and the figures are None.
    The benchmark's own returns stand in the other ETFs' rows.
    """
    published = _trending_publication(conn, as_of)
    session = published["as_of_date"]
    rows = fetch(
        conn,
        """
        SELECT
            meta.ticker,
            meta.etf_type,
            meta.sector_name,
            meta.description,
            meta.ticker = %(benchmark)s AS is_benchmark,
            bar.trade_date,
            bar.currency,
            bar.close_price,
            bar.price_change_percent,
            bar.source,
            COALESCE(trend.return_5d, spy.return_5d) AS return_5d,
            COALESCE(trend.return_10d, spy.return_10d) AS return_10d,
            COALESCE(trend.return_20d, spy.return_20d) AS return_20d,
            trend.outperformance_5d,
            trend.outperformance_10d,
            trend.outperformance AS outperformance_20d,
            COALESCE(trend.is_trending_5d, FALSE) AS is_trending_5d,
            COALESCE(trend.is_trending_10d, FALSE) AS is_trending_10d,
            COALESCE(trend.is_trending, FALSE) AS is_trending_20d,
            trend.rank_by_outperformance,
            trend.missing_reason
        FROM collected_meta_etf AS meta
        LEFT JOIN LATERAL (
            SELECT trade_date, currency, close_price, price_change_percent, source
            FROM collected_daily_etf_ohlc
            WHERE ticker = meta.ticker AND trade_date <= COALESCE(%(as_of)s, 'infinity'::date)
            ORDER BY trade_date DESC
            LIMIT 1
        ) AS bar ON TRUE
        LEFT JOIN analytics_trending_etfs AS trend
            ON trend.etf_ticker = meta.ticker AND trend.as_of_date = %(session)s
        LEFT JOIN (
            SELECT
                MAX(spy_return_5d) AS return_5d, MAX(spy_return_10d) AS return_10d, MAX(spy_return_20d) AS return_20d
            FROM analytics_trending_etfs
            WHERE as_of_date = %(session)s
        ) AS spy ON meta.ticker = %(benchmark)s
        ORDER BY meta.ticker
        """,
        {"benchmark": benchmark, "as_of": as_of, "session": session},
    )
    tickers = [row["ticker"] for row in rows]
    _add_month(rows, between(conn, stretches_of(tickers, session, ["month"])) if session else [], benchmark)
    return {**published, "etfs": rows}


def _add_month(rows: list[Row], months: list[Row], benchmark: str) -> None:
    """Each ETF's return over the month so far, and what it is ahead of the benchmark's."""
    gains = {month["ticker"]: month["period_return"] for month in months}
    its = gains.get(benchmark)
    for row in rows:
        gain = row["return_month"] = gains.get(row["ticker"])
        row["outperformance_month"] = None if gain is None or its is None or row["is_benchmark"] else gain - its


def _trending_publication(conn: Connection, as_of: date | None) -> Row:
    """What a trending publication says of itself, the newest when none is named; status "empty" where there is none."""
    rows = fetch(
        conn,
        """
        SELECT as_of_date, status, reason, degraded_reason
        FROM analytics_publication
        WHERE job = 'trending' AND (%(as_of)s::date IS NULL OR as_of_date = %(as_of)s)
        ORDER BY as_of_date DESC
        LIMIT 1
        """,
        {"as_of": as_of},
    )
    if rows:
        return rows[0]
    if as_of:
        raise NotPublished(f"no trending ETFs of {as_of} are published: run stage 3 for that session")
    return {"as_of_date": None, "status": "empty", "reason": NOTHING_YET, "degraded_reason": None}


def benchmark_view(conn: Connection, benchmark: str, as_of: date | None, sessions: int) -> Row:
    """The listing with each ETF's closes in dollars of the last sessions up to its session: one list of days for all.

    A session without a bar is None in the ETF's list.
    """
    listed = listing(conn, benchmark, as_of)
    days = last_sessions(listed["as_of_date"] or newest_session(conn, benchmark), sessions)
    closes = {
        (row["ticker"], row["trade_date"]): row["dollar_adj_close"]
        for row in fetch(
            conn,
            """
            SELECT ticker, trade_date, dollar_adj_close
            FROM collected_dollar_close
            WHERE is_etf AND trade_date = ANY(%(days)s)
            """,
            {"days": days},
        )
    }
    for row in listed["etfs"]:
        row["adj_closes"] = [closes.get((row["ticker"], day)) for day in days]
    return {**listed, "benchmark": benchmark, "sessions": days}


def series(conn: Connection, ticker: str, start: date | None, end: date | None, span: Span) -> Found:
    """An ETF's closes in a range with their return since its first one; `span` counts from the newest."""
    found = fetch_page(
        conn,
        """
        SELECT
            trade_date,
            close_price,
            adj_close,
            adj_close / FIRST_VALUE(adj_close) OVER (ORDER BY trade_date) - 1 AS cumulative_return,
            source
        FROM collected_daily_etf_ohlc
        WHERE ticker = %(ticker)s
            AND trade_date >= COALESCE(%(start)s, '-infinity'::date)
            AND trade_date <= COALESCE(%(end)s, 'infinity'::date)
        ORDER BY trade_date DESC
        """,
        {"ticker": ticker, "start": start, "end": end},
        span,
    )
    return Found(found.total, found.rows[::-1], {"ticker": ticker})


def newest_session(conn: Connection, benchmark: str) -> date | None:
    """The last session of which the benchmark's bar is stored."""
    [row] = fetch(
        conn,
        "SELECT MAX(trade_date) AS session FROM collected_daily_etf_ohlc WHERE ticker = %(benchmark)s",
        {"benchmark": benchmark},
    )
    session: date | None = row["session"]
    return session

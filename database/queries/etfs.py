"""ETFs: metadata, bars, and which of them trend."""

from datetime import date

from msgspec import Struct
from msgspec.structs import asdict

from contract.common import WINDOWS, Status, Window
from contract.etfs import Etf, EtfBenchmark, EtfList, EtfSeries, Point, Series
from contract.reasons import ShownReason, data_of, shown
from database.db_helper import Connection, Row, fetch
from database.queries.doubts import NOTED, WITHHELD, Doubt, doubts, withheld_days
from database.queries.paging import Page, fetch_page
from database.queries.returns import Return, between, ticker_windows
from database.queries.typed import fetch_as
from utils.dates import last_sessions, session_at
from utils.errors import NotPublished
from utils.reasons import join, reason


def trending(conn: Connection, as_of: date) -> list[Row] | None:
    """Return the ETFs that trend over at least one period as of a session, best first.

    None when stage 3 has not published the session.
    """
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


LISTED = """
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
        NULL AS return_1d,
        COALESCE(trend.return_5d, spy.return_5d) AS return_5d,
        COALESCE(trend.return_10d, spy.return_10d) AS return_10d,
        COALESCE(trend.return_20d, spy.return_20d) AS return_20d,
        NULL AS return_month,
        NULL AS outperformance_1d,
        trend.outperformance_5d,
        trend.outperformance_10d,
        trend.outperformance AS outperformance_20d,
        NULL AS outperformance_month,
        COALESCE(trend.is_trending_5d, FALSE) AS is_trending_5d,
        COALESCE(trend.is_trending_10d, FALSE) AS is_trending_10d,
        COALESCE(trend.is_trending, FALSE) AS is_trending_20d,
        trend.rank_by_outperformance,
        trend.missing_reason,
        '{}'::jsonb AS missing_by_window,
        '{}'::jsonb AS degraded_by_window
    FROM collected_meta_etf AS meta
    LEFT JOIN UNNEST(%(tickers)s::text[], %(days)s::date[]) AS closing (ticker, day) USING (ticker)
    LEFT JOIN LATERAL (
        SELECT trade_date, currency, close_price, price_change_percent, source
        FROM collected_daily_etf_ohlc
        WHERE ticker = meta.ticker AND (%(session)s::date IS NULL OR trade_date = closing.day)
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
"""


def listing(conn: Connection, benchmark: str, as_of: date | None) -> EtfList:
    """Return every ETF by ticker: its bar of a session, and what the session's publication says of it.

    The session is that of the newest publication when none is named; a foreign ETF's is its exchange's last one closed
    by then. Without a bar of it the price is None. Before the first publication `as_of_date` and the figures are None,
    and the bar is the newest. The benchmark's own returns stand in the other ETFs' rows.
    """
    published = _trending_publication(conn, as_of)
    session = published.as_of_date
    closing = _closing_days(conn, session) if session else {}
    etfs = fetch_as(
        conn,
        Etf,
        LISTED,
        {"benchmark": benchmark, "session": session, "tickers": list(closing), "days": list(closing.values())},
    )
    if session:
        _add_unpublished(conn, etfs, session, benchmark)
    return EtfList(
        session,
        published.status,
        published.reason,
        published.reasons,
        published.degraded_reason,
        published.degraded_reasons,
        etfs,
    )


def _closing_days(conn: Connection, session: date) -> dict[str, date | None]:
    """Return the ETFs, each with its exchange's last session closed by a home session."""
    tickers = [row["ticker"] for row in fetch(conn, "SELECT ticker FROM collected_meta_etf")]
    return {ticker: session_at(ticker, session) for ticker in tickers}


def _add_unpublished(conn: Connection, etfs: list[Etf], session: date, benchmark: str) -> None:
    """Fill in each ETF's return over one session and over the month so far, and what it is ahead of the benchmark's.

    And of every window what is missing or in doubt.
    """
    windows = ticker_windows(dict.fromkeys([*(etf.ticker for etf in etfs), benchmark]), session)
    found = {(each.ticker, each.window): each for each in between(conn, windows)}

    def ahead(etf: Etf, window: Window) -> float | None:
        own, its = found[etf.ticker, window].period_return, found[benchmark, window].period_return
        return None if own is None or its is None or etf.is_benchmark else own - its

    for etf in etfs:
        etf.return_1d, etf.outperformance_1d = found[etf.ticker, "1d"].period_return, ahead(etf, "1d")
        etf.return_month, etf.outperformance_month = found[etf.ticker, "month"].period_return, ahead(etf, "month")
        published = etf.missing_reasons
        for window in WINDOWS:
            _add_reasons(etf, found[etf.ticker, window], found[benchmark, window], published)


def _add_reasons(etf: Etf, own: Return, its: Return, published: list[ShownReason]) -> None:
    """Say what is missing or in doubt over a window. The plain reasons are the first window's with any.

    published: the reasons of what was published without a value, also where it would have one by now
    """
    lacks = etf.over(own.window) is None or (etf.ahead(own.window) is None and not etf.is_benchmark)
    if lacks and (missing := shown(own.missing_beside(its)) or published):
        etf.missing_by_window[own.window] = missing
        if not etf.missing_reasons:
            etf.missing_reason, etf.missing_reasons = join(data_of(missing)), missing
    if etf.over(own.window) is not None and own.noted:
        etf.degraded_by_window[own.window] = shown(own.noted)


class _Published(Struct):
    as_of_date: date | None
    status: Status
    reason: str | None
    reasons: list[ShownReason]
    degraded_reason: str | None
    degraded_reasons: list[ShownReason]


def _trending_publication(conn: Connection, as_of: date | None) -> _Published:
    """Return what a trending publication says of itself, the newest when none is named.

    Where there is none, its status is "empty".
    """
    rows = fetch_as(
        conn,
        _Published,
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
        raise NotPublished(reason("no_trending_of", session=as_of))
    nothing_yet = reason("nothing_trends_yet")
    return _Published(None, "empty", str(nothing_yet), shown([nothing_yet]), None, [])


def benchmark_view(conn: Connection, benchmark: str, as_of: date | None, sessions: int) -> EtfBenchmark:
    """Return the listing with each ETF's closes in dollars of the last sessions, the same days for all.

    A session without a bar is None in the ETF's list.
    """
    listed = listing(conn, benchmark, as_of)
    days = last_sessions(listed.as_of_date or newest_session(conn, benchmark), sessions)
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
    said = doubts(conn, [etf.ticker for etf in listed.etfs], days[:1] + days[-1:])
    return EtfBenchmark(
        as_of_date=listed.as_of_date,
        status=listed.status,
        reason=listed.reason,
        reasons=listed.reasons,
        degraded_reason=listed.degraded_reason,
        degraded_reasons=listed.degraded_reasons,
        benchmark=benchmark,
        sessions=days,
        etfs=[
            EtfSeries(
                **asdict(etf),
                adj_closes=[closes.get((etf.ticker, day)) for day in days],
                breaks=[day for day in withheld_days(said.get(etf.ticker, ())) if day > days[0]],
            )
            for etf in listed.etfs
        ],
    )


def series(conn: Connection, ticker: str, start: date | None, end: date | None, page: Page) -> Series:
    """Return an ETF's closes in a range with their return since its first one; `page` counts from the newest.

    Behind a withheld break there is no return.
    """
    said = _doubts_of_range(conn, ticker, start, end)
    parted = next(iter(withheld_days(said)), None)
    missing = [each.reason for each in said if each.kind == WITHHELD]
    noted = [each.reason for each in said if each.kind == NOTED]
    found = fetch_page(
        conn,
        Point,
        """
        SELECT
            trade_date,
            close_price,
            adj_close,
            CASE WHEN trade_date < COALESCE(%(parted)s, 'infinity'::date)
                THEN adj_close / FIRST_VALUE(adj_close) OVER (ORDER BY trade_date) - 1 END AS cumulative_return,
            source
        FROM collected_daily_etf_ohlc
        WHERE ticker = %(ticker)s
            AND trade_date >= COALESCE(%(start)s, '-infinity'::date)
            AND trade_date <= COALESCE(%(end)s, 'infinity'::date)
        ORDER BY trade_date DESC
        """,
        {"ticker": ticker, "start": start, "end": end, "parted": parted},
        page,
    )
    return Series(
        found.total,
        *page,
        next=None,
        ticker=ticker,
        missing_reason=join(missing),
        missing_reasons=shown(missing),
        degraded_reason=join(noted),
        degraded_reasons=shown(noted),
        points=found.rows[::-1],
    )


def _doubts_of_range(conn: Connection, ticker: str, start: date | None, end: date | None) -> list[Doubt]:
    """Return the doubts about an ETF's prices behind its first stored session of a range."""
    [row] = fetch(
        conn,
        """
        SELECT MIN(trade_date) AS first, MAX(trade_date) AS last
        FROM collected_daily_etf_ohlc
        WHERE ticker = %(ticker)s
            AND trade_date >= COALESCE(%(start)s, '-infinity'::date)
            AND trade_date <= COALESCE(%(end)s, 'infinity'::date)
        """,
        {"ticker": ticker, "start": start, "end": end},
    )
    ends = [row["first"], row["last"]] if row["first"] else []
    return [each for each in doubts(conn, [ticker], ends).get(ticker, []) if each.trade_date > row["first"]]


def newest_session(conn: Connection, benchmark: str) -> date | None:
    """Return the last session of which the benchmark's bar is stored."""
    [row] = fetch(
        conn,
        "SELECT MAX(trade_date) AS session FROM collected_daily_etf_ohlc WHERE ticker = %(benchmark)s",
        {"benchmark": benchmark},
    )
    session: date | None = row["session"]
    return session

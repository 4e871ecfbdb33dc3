"""Daily bars of any symbol that is collected (ETFs, stocks, exchange rates), and where the stocks stand."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from msgspec import Struct

from contract.common import WINDOWS
from contract.portfolios import Appearance, Appearances
from contract.reasons import shown
from contract.stocks import History, LatestBar, PublishedBar, Standing, WindowReturn
from database.db_helper import Connection, fetch
from database.queries.paging import Page, fetch_page
from database.queries.returns import Return, TickerWindow, between, ticker_windows
from database.queries.typed import fetch_as
from utils.dates import find_exchange, last_session_by, session_at
from utils.errors import NotPublished, UnknownTicker
from utils.reasons import Reason, join, reason

# What an ETF has no column for is NULL. A ticker that is both a fund and held has its fund's bars alone. A source that
# does not know a volume sends 0.
_BARS_OF_SYMBOL = """
    SELECT
        ticker, 'ETF' AS quote_type, currency, meta.description AS company_name, meta.sector_name AS sector,
        NULL AS sector_source, trade_date, open_price, high_price, low_price, close_price, adj_close,
        NULLIF(volume, 0) AS volume, price_change_percent, dividend, capital_gain, split_ratio,
        NULL::bigint AS market_cap, NULL AS market_cap_source, fetched_at, source
    FROM collected_daily_etf_ohlc
    LEFT JOIN collected_meta_etf AS meta USING (ticker)
    WHERE ticker = %(symbol)s
    UNION ALL
    SELECT
        ticker, quote_type, currency, company_name, sector,
        sector_source, trade_date, open_price, high_price, low_price, close_price, adj_close,
        NULLIF(volume, 0), price_change_percent, dividend, capital_gain, split_ratio,
        market_cap, market_cap_source, fetched_at, source
    FROM collected_daily_stock_history
    WHERE ticker = %(symbol)s
        AND NOT EXISTS (SELECT FROM collected_daily_etf_ohlc WHERE ticker = %(symbol)s)
"""
# The dollars of one wanted (ticker, trade_date). OFFSET 0 has a view looked up by its key: joined, all of it is read.
_DOLLARS = """
    SELECT *
    FROM collected_dollar_close
    WHERE ticker = wanted.ticker AND trade_date = wanted.trade_date
    OFFSET 0
"""
# A stock without a bar for so long is none that is followed.
_FOLLOWED_DAYS = 30
_DOLLAR_STOCK = "quote_type <> 'CURRENCY' AND currency = 'USD'"


class Absent(Struct):
    """A stock that was expected to have a bar of a session and has none. sector: as stored last; None: not known."""

    ticker: str
    sector: str | None
    trade_date: date
    state: str

    @property
    def reason(self) -> Reason:
        return reason("lacks_bar", ticker=self.ticker, session=self.trade_date, state=reason(f"state_{self.state}"))


class Standings(Struct):
    """Where the stocks stand as of a session, largest market cap first, and those that have no bar of it."""

    as_of_date: date | None
    stocks: list[Standing]
    absent: list[Absent]


def latest(conn: Connection, symbol: str) -> LatestBar | None:
    """Return the newest bar with what is known of the symbol; None when nothing of it is collected."""
    rows = fetch_as(conn, LatestBar, f"{_BARS_OF_SYMBOL} ORDER BY trade_date DESC LIMIT 1", {"symbol": symbol})
    return rows[0] if rows else None


def history(conn: Connection, symbol: str, benchmark: str, start: date | None, end: date | None, page: Page) -> History:
    """Return the bars from start to end, both included; `page` counts from the newest, the rows are oldest first."""
    newest = latest(conn, symbol)
    if newest is None:
        raise UnknownTicker(reason("no_bar_stored", ticker=symbol))
    found = fetch_page(
        conn,
        PublishedBar,
        f"""
        SELECT *
        FROM ({_BARS_OF_SYMBOL}) AS bars
        WHERE trade_date >= COALESCE(%(start)s, '-infinity'::date)
            AND trade_date <= COALESCE(%(end)s, 'infinity'::date)
        ORDER BY trade_date DESC
        """,
        {"symbol": symbol, "start": start, "end": end},
        page,
    )
    return History(
        found.total,
        *page,
        next=None,
        ticker=newest.ticker,
        quote_type=newest.quote_type,
        currency=newest.currency,
        company_name=newest.company_name,
        sector=newest.sector,
        sector_source=newest.sector_source,
        bars=found.rows[::-1],
        benchmark=benchmark,
        returns=_returns_against(conn, benchmark, newest),
    )


def _returns_against(conn: Connection, benchmark: str, newest: LatestBar) -> list[WindowReturn]:
    """Return a symbol's returns as of the last home session by its newest bar, each beside the benchmark's.

    Empty for an exchange rate, and for an unknown exchange, whose sessions cannot be counted.
    """
    if newest.quote_type == "CURRENCY" or find_exchange(newest.ticker) is None:
        return []
    as_of = last_session_by(newest.trade_date)
    own, its = (between(conn, ticker_windows([ticker], as_of)) for ticker in (newest.ticker, benchmark))
    return [_window_return(each, against) for each, against in zip(own, its, strict=True)]


def _window_return(own: Return, its: Return) -> WindowReturn:
    assert own.start_session and own.end_session, "the sessions of a known exchange"
    missing, noted = own.missing_beside(its), own.noted_beside(its)
    return WindowReturn(
        window=own.window,
        start_session=own.start_session,
        end_session=own.end_session,
        period_return=own.period_return,
        benchmark_return=its.period_return,
        missing_reason=join(missing),
        missing_reasons=shown(missing),
        degraded_reason=join(noted),
        degraded_reasons=shown(noted),
    )


def known(conn: Connection, symbol: str) -> str:
    """Return the symbol when a bar or a place in an ETF is stored of it, else raise UnknownTicker."""
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
        raise UnknownTicker(reason("nothing_stored", ticker=symbol))
    return symbol


def newest_session(conn: Connection) -> date | None:
    """Return the last home session by which a bar of a stock quoted in dollars is stored."""
    [row] = fetch(conn, f"SELECT MAX(trade_date) AS session FROM collected_daily_stock_history WHERE {_DOLLAR_STOCK}")
    return last_session_by(row["session"]) if row["session"] else None


def newest_collected_session(conn: Connection) -> date | None:
    """Return the last session of which the stocks were collected: portfolios are computed of it, or of a later one.

    While stage 4 collects a session, a few stocks have a bar of it and the others none. Before the first portfolio it
    is the last one with a bar.
    """
    [row] = fetch(
        conn,
        f"""
        SELECT MAX(trade_date) AS session
        FROM collected_daily_stock_history
        WHERE {_DOLLAR_STOCK}
            AND trade_date <= (SELECT MAX(as_of_date) FROM analytics_publication WHERE job = 'allocation')
        """,
    )
    return last_session_by(row["session"]) if row["session"] else newest_session(conn)


def standings(conn: Connection, as_of: date | None) -> Standings:
    """Return every stock with a bar of a session and its returns, and those of which one was expected.

    The session is the newest collected one when none is named; NotPublished when a named one has no bars. A foreign
    stock stands there with its exchange's last session closed by then. start_cap_WINDOW: market cap at the window's
    start, which weights the return in that of the sector.
    """
    session = as_of or newest_collected_session(conn)
    closing = _closing_days(conn, session) if session else {}
    rows = _bars_of(conn, closing)
    if session is None or not rows:
        if as_of:
            raise NotPublished(reason("no_stock_prices_of", session=as_of))
        return Standings(None, [], [])
    by_ticker = {row.ticker: row for row in rows}
    windows = ticker_windows(by_ticker, session)
    for each, cap in zip(between(conn, windows), _start_caps(conn, windows), strict=True):
        _add_return(by_ticker[each.ticker], each, cap)
    return Standings(session, rows, _absent(conn, session, {session, *closing.values()}))


def _absent(conn: Connection, session: date, days: Collection[date]) -> list[Absent]:
    """Return the stocks whose bar of a home session, or of the foreign session that stands for it, is not stored.

    days: the home session, and the foreign ones that stand for it
    """
    expected = fetch_as(
        conn,
        Absent,
        """
        WITH known AS (
            -- Not from the ledger's view, which reads every stored bar.
            SELECT ticker, trade_date, state FROM logs_expected_bar
            WHERE kind = 'stock' AND trade_date = ANY(%(days)s::date[])
            UNION ALL
            SELECT ticker, trade_date, 'quarantined' FROM logs_quarantined_bar
            WHERE kind = 'stock' AND trade_date = ANY(%(days)s::date[])
        )
        SELECT DISTINCT ON (ticker, trade_date) ticker, trade_date, state, newest.sector
        FROM known
        LEFT JOIN LATERAL (
            SELECT sector
            FROM collected_daily_stock_history AS stock
            WHERE stock.ticker = known.ticker AND sector IS NOT NULL
            ORDER BY trade_date DESC
            LIMIT 1
        ) AS newest ON TRUE
        WHERE NOT EXISTS (
                SELECT FROM collected_daily_stock_history AS stock
                WHERE (stock.ticker, stock.trade_date) = (known.ticker, known.trade_date)
                    AND stock.trade_date = ANY(%(days)s::date[]))
            AND NOT EXISTS (SELECT FROM collected_daily_etf_ohlc AS etf WHERE etf.ticker = known.ticker)
        ORDER BY ticker, trade_date, state <> 'quarantined'
        """,
        {"days": list(days)},
    )
    return [each for each in expected if each.trade_date == session_at(each.ticker, session)]


def _add_return(row: Standing, each: Return, start_cap: int | None) -> None:
    """Fill in the return over one window, and what is said of it. The plain reasons are the first window's with any."""
    match each.window:
        case "1d":
            row.return_1d, row.start_cap_1d = each.period_return, start_cap
        case "5d":
            row.return_5d, row.start_cap_5d = each.period_return, start_cap
        case "10d":
            row.return_10d, row.start_cap_10d = each.period_return, start_cap
        case "20d":
            row.return_20d, row.start_cap_20d = each.period_return, start_cap
        case "month":
            row.return_month, row.start_cap_month = each.period_return, start_cap
    if each.missing:
        row.missing_by_window[each.window] = told = shown(each.missing)
        if not row.missing_reasons:
            row.missing_reason, row.missing_reasons = join(each.missing), told
    if each.noted:
        row.degraded_by_window[each.window] = told = shown(each.noted)
        if not row.degraded_reasons:
            row.degraded_reason, row.degraded_reasons = join(each.noted), told


def _closing_days(conn: Connection, session: date) -> dict[str, date]:
    """Return the followed stocks, each with its exchange's last session closed by a home session."""
    tickers = [
        row["ticker"]
        for row in fetch(
            conn,
            """
            SELECT DISTINCT ticker
            FROM collected_daily_stock_history
            WHERE trade_date BETWEEN %(session)s::date - %(days)s AND %(session)s AND quote_type <> 'CURRENCY'
            """,
            {"session": session, "days": _FOLLOWED_DAYS},
        )
    ]
    return {ticker: day for ticker in tickers if (day := session_at(ticker, session))}


def _bars_of(conn: Connection, closing: Mapping[str, date]) -> list[Standing]:
    """Return each stock's bar of its day, largest market cap first."""
    nothing_yet = ", ".join(f"NULL AS return_{window}, NULL AS start_cap_{window}" for window in WINDOWS)
    return fetch_as(
        conn,
        Standing,
        f"""
        SELECT
            {nothing_yet},
            NULL AS missing_reason,
            NULL AS degraded_reason,
            '{{}}'::jsonb AS missing_by_window,
            '{{}}'::jsonb AS degraded_by_window,
            bar.ticker,
            dollars.company_name,
            dollars.sector,
            dollars.sector_source,
            bar.trade_date,
            dollars.currency,
            dollars.close_price,
            dollars.rate_date,
            dollars.dollar_market_cap AS market_cap,
            dollars.market_cap_source,
            bar.price_change_percent,
            dollars.source
        FROM UNNEST(%(tickers)s::text[], %(days)s::date[]) AS wanted (ticker, trade_date)
        CROSS JOIN LATERAL ({_DOLLARS}) AS dollars
        JOIN collected_daily_stock_history AS bar ON (bar.ticker, bar.trade_date) = (wanted.ticker, wanted.trade_date)
        WHERE NOT dollars.is_etf
        ORDER BY market_cap DESC NULLS LAST, bar.ticker
        """,
        {"tickers": list(closing), "days": list(closing.values())},
    )


def _start_caps(conn: Connection, windows: Sequence[TickerWindow]) -> list[int | None]:
    """Return the market cap in dollars at the start of each window, None where it is not known."""
    rows = fetch(
        conn,
        f"""
        SELECT dollars.dollar_market_cap
        FROM UNNEST(%(tickers)s::text[], %(days)s::date[]) WITH ORDINALITY AS wanted (ticker, trade_date, nth)
        LEFT JOIN LATERAL ({_DOLLARS}) AS dollars ON TRUE
        ORDER BY wanted.nth
        """,
        {
            "tickers": [window.ticker for window in windows],
            "days": [window.start_session for window in windows],
        },
    )
    return [row["dollar_market_cap"] for row in rows]


def appearances(conn: Connection, symbol: str, page: Page) -> Appearances:
    """Return where a ticker stood in our portfolios, newest first; a monthly portfolio has no period_days."""
    found = fetch_page(
        conn,
        Appearance,
        """
        SELECT
            position.*,
            publication.degraded_reason IS NOT NULL AS is_degraded,
            publication.degraded_reason,
            publication.holdings_as_of,
            COALESCE(publication.holdings_as_of > position.as_of_date, FALSE) AS holdings_known_later
        FROM (
            SELECT
                'allocation' AS job, as_of_date AS published_of, as_of_date, period_days, NULL::date AS rebalance_date,
                portfolio_weight AS weight, position_rank AS rank, score, period_return, source_etfs,
                NULL::integer[] AS source_periods, source
            FROM analytics_portfolio_allocation
            WHERE ticker = %(symbol)s
            UNION ALL
            SELECT
                'rebalance', rebalance_date, as_of_date, NULL, rebalance_date,
                final_weight, final_rank, score, NULL, NULL,
                source_periods, source
            FROM analytics_monthly_portfolio
            WHERE ticker = %(symbol)s
        ) AS position
        LEFT JOIN analytics_publication AS publication
            ON (publication.job, publication.as_of_date, publication.period_days)
                = (position.job, position.published_of, COALESCE(position.period_days, 0))
        ORDER BY position.as_of_date DESC, position.period_days NULLS FIRST
        """,
        {"symbol": known(conn, symbol)},
        page,
    )
    return Appearances(found.total, *page, next=None, ticker=symbol, appearances=found.rows)

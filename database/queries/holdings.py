"""What the ETFs own: the snapshots as collected, and what the analysis says of the largest holdings."""

from datetime import date

from msgspec import Struct, convert

from contract.common import Status
from contract.holdings import (
    AllHoldings,
    Comparison,
    Holder,
    HoldingsOfEtf,
    HoldingsSummary,
    Snapshot,
    Snapshots,
    StoredHolding,
    TopHoldings,
    TrendingEtf,
    TrendingTopHoldings,
)
from contract.reasons import ShownReason
from database.db_helper import Connection
from database.queries.paging import Page, fetch_page
from database.queries.typed import fetch_as
from utils.errors import NotPublished
from utils.reasons import reason

# The newest snapshot of each ETF, up to a day where one is named.
_SNAPSHOTS = """
    SELECT etf_ticker, MAX(collected_date) AS collected_date
    FROM collected_etf_holdings
    WHERE collected_date <= COALESCE(%(as_of)s, 'infinity'::date)
    GROUP BY etf_ticker
"""


def snapshots(conn: Connection, as_of: date | None) -> Snapshots:
    """Return each ETF's newest snapshot known by a day, with its holdings."""
    found = fetch_as(
        conn,
        Snapshot,
        f"""
        SELECT
            etf_ticker,
            collected_date,
            MIN(source) AS source,
            jsonb_agg(to_jsonb(holding) ORDER BY holding_rank, stock_ticker) AS holdings
        FROM collected_etf_holdings AS holding
        JOIN ({_SNAPSHOTS}) AS newest USING (etf_ticker, collected_date)
        GROUP BY etf_ticker, collected_date
        ORDER BY etf_ticker
        """,
        {"as_of": as_of},
    )
    return Snapshots(found)


def every(conn: Connection, etf: str | None, start: date | None, end: date | None, page: Page) -> AllHoldings:
    """Return the holdings of all snapshots collected from start to end, newest snapshot first."""
    found = fetch_page(
        conn,
        StoredHolding,
        """
        SELECT
            etf_ticker, collected_date, holding_rank, stock_ticker, stock_name, holding_percent, source, fetched_at
        FROM collected_etf_holdings
        WHERE (%(etf)s::text IS NULL OR etf_ticker = %(etf)s)
            AND collected_date >= COALESCE(%(start)s, '-infinity'::date)
            AND collected_date <= COALESCE(%(end)s, 'infinity'::date)
        ORDER BY collected_date DESC, etf_ticker, holding_rank, stock_ticker
        """,
        {"etf": etf, "start": start, "end": end},
        page,
    )
    return AllHoldings(found.total, *page, next=None, holdings=found.rows)


def summary(conn: Connection, top: int) -> HoldingsSummary:
    """Return every ETF with the number and dates of its snapshots, and what its newest one weighs.

    Nulls where there is no snapshot.

    top: how many of the largest holdings the strategy looks at.
    """
    found = fetch_as(
        conn,
        HoldingsOfEtf,
        f"""
        SELECT
            meta.ticker AS etf_ticker,
            meta.sector_name,
            snapshots.snapshot_count,
            snapshots.first_date,
            newest.collected_date AS newest_date,
            holdings.holding_count,
            holdings.listed_percent,
            holdings.top_percent,
            holdings.largest_ticker,
            holdings.source
        FROM collected_meta_etf AS meta
        LEFT JOIN ({_SNAPSHOTS}) AS newest ON newest.etf_ticker = meta.ticker
        CROSS JOIN LATERAL (
            SELECT COUNT(DISTINCT collected_date) AS snapshot_count, MIN(collected_date) AS first_date
            FROM collected_etf_holdings
            WHERE etf_ticker = meta.ticker
        ) AS snapshots
        CROSS JOIN LATERAL (
            SELECT
                COUNT(*) AS holding_count,
                SUM(holding_percent) AS listed_percent,
                SUM(holding_percent) FILTER (WHERE holding_rank <= %(top)s) AS top_percent,
                (ARRAY_AGG(stock_ticker ORDER BY holding_rank, stock_ticker))[1] AS largest_ticker,
                MIN(source) AS source
            FROM collected_etf_holdings
            WHERE etf_ticker = meta.ticker AND collected_date = newest.collected_date
        ) AS holdings
        ORDER BY meta.ticker
        """,
        {"as_of": None, "top": top},
    )
    return HoldingsSummary(found)


class _NamedHolder(Holder):
    stock_name: str | None


def holders(conn: Connection, stock: str) -> Comparison:
    """Return the ETFs whose newest snapshot lists a stock, largest share first, and whether they trend now."""
    rows = fetch_as(
        conn,
        _NamedHolder,
        f"""
        SELECT
            holding.etf_ticker,
            meta.sector_name,
            holding.collected_date,
            holding.holding_rank,
            holding.holding_percent,
            holding.stock_name,
            COALESCE(trend.is_trending_5d, FALSE) AS is_trending_5d,
            COALESCE(trend.is_trending_10d, FALSE) AS is_trending_10d,
            COALESCE(trend.is_trending, FALSE) AS is_trending_20d,
            holding.source
        FROM collected_etf_holdings AS holding
        JOIN ({_SNAPSHOTS}) AS newest USING (etf_ticker, collected_date)
        LEFT JOIN collected_meta_etf AS meta ON meta.ticker = holding.etf_ticker
        LEFT JOIN analytics_trending_etfs AS trend
            ON trend.etf_ticker = holding.etf_ticker AND trend.as_of_date = (
                SELECT MAX(as_of_date) FROM analytics_publication WHERE job = 'trending')
        WHERE holding.stock_ticker = %(stock)s
        ORDER BY holding.holding_percent DESC, holding.etf_ticker
        """,
        {"stock": stock, "as_of": None},
    )
    name = next((row.stock_name for row in rows if row.stock_name), None)
    return Comparison(holding_ticker=stock, holding_name=name, etfs=convert(rows, list[Holder], from_attributes=True))


def top_holdings(conn: Connection, etf: str, period_days: int, as_of: date | None) -> TopHoldings:
    """Return the analysed largest holdings of an ETF over a period, of the newest session when none is named."""
    found = _analysed(conn, [etf], period_days, as_of)
    if not found:
        asked = {"etf": etf, "days": period_days}
        raise NotPublished(
            reason("no_top_holdings_of", session=as_of, **asked) if as_of else reason("no_top_holdings", **asked)
        )
    return found[0]


class _Trending(Struct):
    """A publication with one of its ETFs, or with none."""

    as_of_date: date
    status: Status
    reason: str | None
    reasons: list[ShownReason]
    degraded_reason: str | None
    degraded_reasons: list[ShownReason]
    etf: TrendingEtf | None


TRENDING_OF_PERIOD = """
    WITH flags AS (
        SELECT
            as_of_date, etf_ticker, sector_name, source,
            CASE %(period_days)s WHEN 5 THEN is_trending_5d WHEN 10 THEN is_trending_10d ELSE is_trending END
                AS is_trending,
            CASE %(period_days)s WHEN 5 THEN return_5d WHEN 10 THEN return_10d ELSE return_20d END AS period_return,
            CASE %(period_days)s WHEN 5 THEN outperformance_5d WHEN 10 THEN outperformance_10d
                ELSE outperformance END AS outperformance
        FROM analytics_trending_etfs
    )
    SELECT
        published.as_of_date, published.status, published.reason, published.degraded_reason,
        CASE WHEN etf_ticker IS NOT NULL THEN jsonb_build_object(
            'etf_ticker', etf_ticker, 'sector_name', sector_name, 'period_return', period_return,
            'outperformance', outperformance, 'source', flags.source, 'holdings_as_of', NULL,
            'holdings_known_later', FALSE, 'holdings', '[]'::jsonb) END AS etf
    FROM analytics_publication AS published
    LEFT JOIN flags ON flags.as_of_date = published.as_of_date AND flags.is_trending
    WHERE published.job = 'trending' AND published.as_of_date = COALESCE(
        %(as_of)s, (SELECT MAX(as_of_date) FROM analytics_publication WHERE job = 'trending'))
    ORDER BY outperformance DESC, etf_ticker
"""


def trending_top_holdings(conn: Connection, period_days: int, as_of: date | None) -> TrendingTopHoldings:
    """Return the ETFs that trend over a period as of a session, best first, with their top holdings.

    Without a session it is the newest published one.

    An ETF whose holdings are not analysed for that session has none.
    """
    trending = fetch_as(
        conn,
        _Trending,
        TRENDING_OF_PERIOD,
        {"period_days": period_days, "as_of": as_of},
    )
    if not trending:
        raise NotPublished(reason("no_trending_of", session=as_of) if as_of else reason("no_trending"))
    published, etfs = trending[0], [row.etf for row in trending if row.etf]
    analysed = _analysed(conn, [etf.etf_ticker for etf in etfs], period_days, published.as_of_date)
    by_etf = {of_etf.etf_ticker: of_etf for of_etf in analysed}
    for etf in etfs:
        if of_etf := by_etf.get(etf.etf_ticker):
            etf.holdings, etf.holdings_as_of = of_etf.holdings, of_etf.holdings_as_of
            etf.holdings_known_later = of_etf.holdings_known_later
    return TrendingTopHoldings(
        as_of_date=published.as_of_date,
        period_days=period_days,
        status=published.status,
        reason=published.reason,
        reasons=published.reasons,
        degraded_reason=published.degraded_reason,
        degraded_reasons=published.degraded_reasons,
        etfs=etfs,
    )


def _analysed(conn: Connection, etfs: list[str], period_days: int, as_of: date | None) -> list[TopHoldings]:
    return fetch_as(
        conn,
        TopHoldings,
        """
        SELECT DISTINCT ON (etf_ticker)
            etf_ticker,
            analysis_date,
            period_days,
            (
                SELECT degraded_reason
                FROM analytics_publication AS publication
                WHERE (job, publication.as_of_date, publication.period_days)
                    = ('top_holdings', analysis_date, analysed.period_days)
            ) AS degraded_reason,
            MAX(holdings_as_of) AS holdings_as_of,
            COALESCE(MAX(holdings_as_of) > analysis_date, FALSE) AS holdings_known_later,
            jsonb_agg(to_jsonb(analysed) ORDER BY rank_position, stock_ticker) AS holdings
        FROM analytics_etf_top_holdings AS analysed
        WHERE etf_ticker = ANY(%(etfs)s) AND period_days = %(period_days)s
            AND (%(as_of)s::date IS NULL OR analysis_date = %(as_of)s)
        GROUP BY etf_ticker, analysis_date, period_days
        ORDER BY etf_ticker, analysis_date DESC
        """,
        {"etfs": etfs, "period_days": period_days, "as_of": as_of},
    )

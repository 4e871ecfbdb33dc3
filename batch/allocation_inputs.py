"""All that the allocator computes from, in one place. It asks again only why a price is missing or in doubt."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from pyspark.sql import DataFrame

from batch.holdings import HOLDINGS
from batch.inputs import HOLDING_ROWS, Inputs, input_windows, price_params, price_rows
from batch.prices import STOCK_PRICES, read_prices
from batch.publishing import published_periods
from batch.returns import ReturnWindow, ends_of, exchanges_of, windows_of
from batch.runner import Job
from batch.sources import with_source_rank
from config.periods import PERIODS, trending_column
from config.universe import universe
from database.db_helper import Row as StoredRow
from database.db_helper import fetch
from utils.dates import HOME_EXCHANGE
from utils.errors import NotPublished
from utils.reasons import Reason, as_one, reason
from utils.spark_utils import together

_FLAGS = {days: trending_column("is_trending", days) for days in PERIODS}

TRENDING = f"""
    SELECT as_of_date, etf_ticker, period_days, source
    FROM analytics_trending_etfs
    CROSS JOIN LATERAL (
        VALUES {", ".join(f"({days}, {flag})" for days, flag in _FLAGS.items())}
    ) AS flag (period_days, trends)
    WHERE trends AND as_of_date = ANY(%(sessions)s) AND period_days = ANY(%(periods)s)
"""
# The funds that trend and of which no holdings are stored.
WITHOUT_HOLDINGS = f"""
    SELECT * FROM ({TRENDING}) AS trending
    WHERE NOT EXISTS (
        SELECT FROM collected_etf_holdings AS held
        WHERE held.etf_ticker = trending.etf_ticker AND holding_rank <= %(top)s)
"""
PUBLISHED = f"""
    SELECT publication.as_of_date, publication.source, publication.degraded_reason,
        {
    ", ".join(
        f"COALESCE(BOOL_OR({flag} OR spy_return_{days}d IS NOT NULL), FALSE) AS is_computable_{days}d"
        for days, flag in _FLAGS.items()
    )
}
    FROM analytics_publication AS publication
    LEFT JOIN analytics_trending_etfs AS etf USING (as_of_date)
    WHERE job = 'trending' AND publication.as_of_date = ANY(%(sessions)s)
    GROUP BY publication.as_of_date, publication.source, publication.degraded_reason
    ORDER BY as_of_date
"""
# The stocks of all snapshots: which one counts for a session is decided later.
HELD_BY_TRENDING = f"""
    SELECT DISTINCT stock_ticker FROM collected_etf_holdings
    WHERE holding_rank <= %(top)s AND etf_ticker IN (
        SELECT etf_ticker FROM analytics_trending_etfs
        WHERE as_of_date = ANY(%(sessions)s) AND ({" OR ".join(_FLAGS.values())}))
    ORDER BY stock_ticker
"""


class AllocationInputs(NamedTuple):
    """Stage 3's sessions, and the frames and reasons that their portfolios are made of.

    published: the sessions that stage 3 has published, as rows of PUBLISHED
    stocks: what the trending ETFs hold
    skipped: the other sessions of the job, with the reason
    """

    published: Sequence[StoredRow]
    stocks: Sequence[str]
    skipped: dict[date, Reason]
    windows: Sequence[ReturnWindow]
    trending: DataFrame
    holdings: DataFrame
    prices: DataFrame
    doubts: DataFrame | None


def read_inputs(job: Job) -> AllocationInputs:
    """Read everything that the published sessions need. Raise NotPublished when there are none."""
    days, top = list(job.days), universe().top_holdings
    published, held = (
        fetch(job.conn, PUBLISHED, {"sessions": days}),
        fetch(job.conn, HELD_BY_TRENDING, {"sessions": days, "top": top}),
    )
    sessions = [row["as_of_date"] for row in published]
    skipped = {day: reason("stage_3_not_published", session=day) for day in days if day not in sessions}
    if not sessions:
        raise NotPublished(as_one(skipped.values()))
    stocks = [row["stock_ticker"] for row in held]
    # The benchmark's prices tell why it has no return over a period that is not computable.
    tickers = sorted({*stocks, universe().benchmark})
    windows = stock_windows(sessions, tickers)
    ends = ends_of(windows)
    return AllocationInputs(
        published=published,
        stocks=stocks,
        skipped=skipped,
        windows=windows,
        trending=with_source_rank(job.read(TRENDING, sessions=sessions, periods=list(published_periods()))),
        holdings=with_source_rank(job.read(HOLDINGS, top=top)),
        prices=together(read_prices(job, STOCK_PRICES, tickers, ends), "ticker"),
        doubts=job.doubts(tickers, ends),
    )


def stock_windows(sessions: Sequence[date], tickers: Sequence[str]) -> list[ReturnWindow]:
    """Return the windows of the sessions, on every exchange on which one of these is listed."""
    return windows_of(sessions, {HOME_EXCHANGE, *exchanges_of(tickers)}, published_periods())


def facts_of(gaps: Mapping[tuple[date, int], Sequence[Reason]]) -> dict[date, list[tuple[int, Reason]]]:
    """Return the gaps of the portfolios by session."""
    facts: dict[date, list[tuple[int, Reason]]] = {}
    for (as_of, days), reasons in gaps.items():
        facts.setdefault(as_of, []).extend((days, reason) for reason in reasons)
    return facts


def inputs_of(stocks: Sequence[str], windows: Sequence[ReturnWindow], sessions: Sequence[date]) -> Inputs:
    """Return what these sessions rest on: stage 3's results, its ETFs' holdings, and their prices at both ends."""
    tickers = sorted({universe().benchmark, *stocks})
    wanted = set(sessions)
    return Inputs(
        f"""
        WITH fund AS (
            SELECT as_of_date, etf_ticker FROM analytics_trending_etfs
            WHERE as_of_date = ANY(%(days)s) AND ({" OR ".join(_FLAGS.values())})
        ), {HOLDING_ROWS}, wanted AS (
            SELECT as_of_date, ticker FROM holding
            UNION
            SELECT as_of_date, %(benchmark)s FROM UNNEST(%(days)s::date[]) AS as_of_date
        ), {price_rows()}
        SELECT as_of_date, digest FROM holding
        UNION ALL
        SELECT * FROM price_rows
        UNION ALL
        SELECT as_of_date, sha256(convert_to(etf::text, 'UTF8'))
        FROM analytics_trending_etfs AS etf WHERE as_of_date = ANY(%(days)s)
        UNION ALL
        SELECT as_of_date, sha256(convert_to(ROW(source, degraded_reason)::text, 'UTF8'))
        FROM analytics_publication WHERE job = 'trending' AND as_of_date = ANY(%(days)s)
        """,
        {
            **price_params(tickers, input_windows(each for each in windows if each.as_of_date in wanted)),
            "days": list(sessions),
            "top": universe().top_holdings,
            "benchmark": universe().benchmark,
        },
    )

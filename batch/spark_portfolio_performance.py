"""What has become of the published portfolios: publications and prices -> analytics_portfolio_performance.

Each portfolio is followed forward as it was published: decided on one session, bought at the close of the next one,
held with drifting weights until the next publication is bought. So is the month's portfolio, which makes way for cash
when it ends to be valid. An empty publication is cash; a session without one, or with one that was not computable,
leaves the portfolio as it is, so the record begins with the first one that was computed.

Every run computes all series anew, from the first publication to the session asked for or the newest one that was
followed before: in whatever order runs come they give the same rows, and a restated price is in them.
"""

import logging
import sys
from collections.abc import Sequence
from datetime import date
from operator import attrgetter

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Row

from batch import job
from batch.holdings import PRICES
from batch.job import SHOWN_REASONS, STORED_PERIODS, Job, Outcome, Part, Publication
from batch.returns import PRICE_COLUMNS, SOURCES, exchanges_of, in_dollars, source_of, with_mistrust
from batch.spark_trending_etf_identifier import PRICES as ETF_PRICES
from batch.value_paths import MONTH, Close, Decision, Stretch, closes_of, followed, marks_of, stretches_of, summaries
from config.universe import universe
from database.db_helper import fetch
from database.queries.track_record import POSITIONS
from database.tables import PERFORMANCE_SUMMARY, PORTFOLIO_PERFORMANCE
from utils.dates import HOME_EXCHANGE, sessions_between, traded_on
from utils.errors import NotStored
from utils.spark_utils import local_frame

NAME = "performance"
log = logging.getLogger(f"batch.{NAME}")

DECISIONS = """
    SELECT period_days, as_of_date AS decided_on, degraded_reason IS NOT NULL AS is_degraded,
        COALESCE(holdings_as_of > as_of_date, FALSE) AS has_hindsight, source
    FROM analytics_publication
    WHERE ((job = 'allocation' AND period_days = ANY(%(periods)s)) OR job = 'rebalance') AND status <> 'not_computable'
    ORDER BY period_days, as_of_date
"""


def run(current: Job) -> Outcome:
    """Follow every portfolio to the last of the days, and publish a line for each of them that has the benchmark."""
    sources = benchmark_sources(current, current.days)
    skipped = {
        day: f"{universe().benchmark} has no price of {day}: collect it first (stage 1, daily_benchmark_etf_collection)"
        for day in current.days
        if day not in sources
    }
    if not sources:
        raise NotStored("; ".join(skipped.values()))
    decisions = published(current)
    rows, figures = follow(current, decisions, newest_to_follow(current, max(sources)))
    why_none = why_empty(decisions, 0 if decisions else not_computable(current))
    publications = [publication_of(day, rows, why_none, sources[day]) for day in sorted(sources)]
    where = {"period_days": [MONTH, *STORED_PERIODS]}
    parts = [
        Part(PORTFOLIO_PERFORMANCE, where, job.rows_of(PORTFOLIO_PERFORMANCE, rows)),
        Part(PERFORMANCE_SUMMARY, where, job.rows_of(PERFORMANCE_SUMMARY, figures)),
    ]
    job.publish(current, NAME, parts, publications)
    return Outcome(publications, skipped)


def follow(current: Job, decisions: Sequence[Decision], last: date) -> tuple[list[Row], list[Row]]:
    """Every session of every portfolio up to the last one, and what each portfolio had come to by it."""
    sessions = sessions_between(decisions[0].decided_on, last) if decisions else []
    stretches = stretches_of(decisions, sessions)
    if not stretches:
        return [], []
    log.info("following the portfolios of %d publications to %s", len(decisions), last)
    series = paths(current, stretches, sessions).cache()
    try:
        rows = series.withColumn("source", source_of(F.col("mistrust"))).orderBy("period_days", "trade_date").collect()
        return rows, summaries(series, universe().cost_rate).collect()
    finally:
        series.unpersist()


def paths(current: Job, stretches: Sequence[Stretch], sessions: Sequence[date]) -> DataFrame:
    """Read what the stretches need, and follow them all in one go."""
    benchmark = universe().benchmark
    stocks = [row["ticker"] for row in fetch(current.conn, f"SELECT DISTINCT ticker FROM ({POSITIONS}) AS held")]
    tickers = sorted({benchmark, *stocks})
    closes = closes_of(sessions, {HOME_EXCHANGE, *exchanges_of(tickers)})
    days = sorted({close.day for close in closes})
    prices = in_dollars(current.read(PRICES, tickers=tickers, sessions=days)).select(*PRICE_COLUMNS)
    spark = current.spark
    return followed(
        stretches=with_mistrust(local_frame(spark, stretches, Stretch._fields)),
        positions=current.read(POSITIONS),
        marks=marks_of(
            tickers=local_frame(spark, [(ticker,) for ticker in tickers], ["ticker"]),
            closes=local_frame(spark, closes, Close._fields),
            prices=prices,
            doubts=current.doubts(tickers, days),
        ),
        benchmark=benchmark,
        cost_rate=universe().cost_rate,
    )


def not_computable(current: Job) -> int:
    """How many portfolios were published as not computable, which are no decisions."""
    query = "SELECT COUNT(*) AS n FROM analytics_publication WHERE job = 'allocation' AND status = 'not_computable'"
    return int(fetch(current.conn, query)[0]["n"])


def published(current: Job) -> list[Decision]:
    """What stage 5 and the monthly rebalance have ever published, the earliest first."""
    rows = fetch(current.conn, DECISIONS, {"periods": list(job.periods())})
    return sorted((Decision(**row) for row in rows), key=attrgetter("decided_on"))


def newest_to_follow(current: Job, asked: date) -> date:
    [row] = fetch(current.conn, "SELECT MAX(trade_date) AS newest FROM analytics_portfolio_performance")
    return max(asked, row["newest"] or asked)


def benchmark_sources(current: Job, sessions: Sequence[date]) -> dict[date, str]:
    """The sessions on which the benchmark has a price -> its source."""
    rows = fetch(current.conn, ETF_PRICES, {"tickers": [universe().benchmark], "sessions": list(sessions)})
    return {row["trade_date"]: row["source"] for row in rows}


def publication_of(day: date, rows: Sequence[Row], why_none: str, benchmark_source: str) -> Publication:
    """What is said of a session: its rows, which are as trustworthy as the least of the record up to them.

    why_none: why there are none, for a session without.
    """
    of_day = [row for row in rows if row.trade_date == day]
    by_then = (row.source for row in rows if row.trade_date <= day)
    return Publication(
        job=NAME,
        as_of_date=day,
        period_days=0,
        status="published" if of_day else "empty",
        reason=None if of_day else why_none,
        row_count=len(of_day),
        source=max([benchmark_source, *by_then], key=SOURCES.index),
        degraded_reason=job.degradation([*_doubts_of(of_day), _doubts_before(day, rows)]),
    )


def _doubts_of(rows: Sequence[Row]) -> list[str]:
    """What is carried or in doubt at a session's close, each reason once."""
    told = (reason for row in rows for reason in (row.carried_reason, row.noted_reason) if reason)
    return [each for reason in told for each in reason.split("; ")]


def _doubts_before(day: date, rows: Sequence[Row]) -> str | None:
    """What of the sessions before is in the values for good: the first few, and how many there are."""
    earlier = [(row.trade_date, row.lasting_reason) for row in rows if row.trade_date < day and row.lasting_reason]
    reasons = list(dict.fromkeys(each for _, reason in sorted(earlier) for each in reason.split("; ")))
    if not reasons:
        return None
    more = f", and {len(reasons) - SHOWN_REASONS} more" if len(reasons) > SHOWN_REASONS else ""
    return f"the values rest on earlier doubts: {', '.join(reasons[:SHOWN_REASONS])}{more}"


def why_empty(decisions: Sequence[Decision], not_computable: int = 0) -> str:
    """Why there is nothing to follow yet; not_computable: how many portfolios are no decisions."""
    if not decisions and not_computable:
        return f"none of the {not_computable} published portfolios is computable: too little history is stored"
    if not decisions:
        return "no portfolio is published yet: run the five stages for a session"
    first = decisions[0].decided_on
    return f"the first portfolio, of {first}, is bought at the close of {traded_on(first)}: nothing to follow before"


def main(arguments: Sequence[str] | None = None) -> int:
    return job.main("portfolio performance", "Follow the published portfolios to a session.", run, arguments)


if __name__ == "__main__":
    sys.exit(main())

"""The monthly portfolio: three portfolios of one session -> analytics_monthly_portfolio.

A rebalance has a date, usually the last Sunday of a month. It merges the portfolios over 5, 10 and 20 sessions of the
last session on or before that date. A stock that is in several of them counts once, with a score for the portfolios
that hold it (batch/scoring.py). The monthly portfolio expires at the 20th session after its date.

The portfolio over the longest period leads the ranks. When it is not computable, the month is published as not
computable, and the track record leaves it out. When only a shorter one is not computable, the month is made of the
others, and is degraded.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Row

from batch.inputs import Inputs
from batch.publishing import JobResult, Publication, TablePart, publish, published_periods, rows_for
from batch.runner import Job, JobCalendar, of_one_moment, run_job
from batch.scoring import with_ranks, with_scores
from batch.sources import least_trusted, source_label, with_source_rank
from config.periods import PERIODS
from database.db_helper import Row as StoredRow
from database.db_helper import fetch
from database.tables import MONTHLY_PORTFOLIO
from utils.dates import last_session_by, last_sundays_between, valid_until
from utils.errors import NotPublished
from utils.reasons import Reason, as_one, from_rows, join, reason, unique
from utils.spark_utils import local_frame, lookup

NAME = "rebalance"
log = logging.getLogger(f"batch.{NAME}")
REBALANCE_DATES = JobCalendar(
    help="the rebalance date, e.g. 2026-07-26: any day, usually the last Sunday of a month",
    noun="last Sunday of a month",
    check=last_session_by,
    between=last_sundays_between,
)

POSITIONS = """
    SELECT as_of_date, period_days, ticker, portfolio_weight, company_name, sector, holdings_as_of, source
    FROM analytics_portfolio_allocation
    WHERE as_of_date = ANY(%(sessions)s) AND period_days = ANY(%(periods)s)
"""
PORTFOLIOS = """
    SELECT as_of_date, period_days, status, reason, degraded_reason, holdings_as_of, source
    FROM analytics_publication
    WHERE job = 'allocation' AND as_of_date = ANY(%(sessions)s) AND period_days = ANY(%(periods)s)
    ORDER BY as_of_date, period_days
"""
Portfolios = Mapping[int, StoredRow]  # period -> its row of analytics_publication


def merge(rebalances: DataFrame, positions: DataFrame) -> DataFrame:
    """Merge the portfolios of each rebalance: each stock once, ordered by rank, in the table's columns but is_degraded.

    rebalances: rebalance_date, as_of_date, valid_until
    positions: as_of_date, period_days, ticker, portfolio_weight, source_rank, ...
    """
    weights = (
        F.max(F.when(F.col("period_days") == days, F.col("portfolio_weight"))).alias(f"weight_{days}d")
        for days in PERIODS
    )
    stocks = (
        positions.join(lookup(rebalances), "as_of_date", "inner")
        .coalesce(1)  # It is one partition already, but Spark cannot tell after an inner join.
        .groupBy("rebalance_date", "ticker", "as_of_date", "valid_until")
        .agg(
            *weights,
            F.sort_array(F.collect_list("period_days")).alias("source_periods"),
            F.max("company_name").alias("company_name"),
            F.max("sector").alias("sector"),
            F.max("holdings_as_of").alias("holdings_as_of"),
            source_label(F.max("source_rank")).alias("source"),
        )
    )
    return with_ranks(with_scores(stocks), "rebalance_date").orderBy("rebalance_date", "final_rank")


@of_one_moment
def run(job: Job) -> JobResult:
    """Merge and publish every rebalance date whose three portfolios are published, and skip the others."""
    sessions = {day: last_session_by(day) for day in job.days}
    published = published_portfolios(job, sorted(set(sessions.values())))
    skipped = {
        day: reason("stage_5_not_published", session=session, day=day)
        for day, session in sessions.items()
        if session not in published
    }
    merged = {day: session for day, session in sessions.items() if day not in skipped}
    if not merged:
        raise NotPublished(as_one(skipped.values()))
    log.info("merging the portfolios of %s", ", ".join(map(str, merged.values())))
    computable = {
        day: session for day, session in merged.items() if not why_not_computable(session, published[session])
    }
    rows = merged_stocks(job, computable).collect() if computable else []
    by_date = {day: list(group) for day, group in groupby(rows, key=attrgetter("rebalance_date"))}
    publications = [
        publication_of(day, session, published[session], by_date.get(day, [])) for day, session in merged.items()
    ]
    for publication in publications:
        if publication.reason:
            log.warning("%s: %s", publication.as_of_date, join(publication.reason))
    degraded = {publication.as_of_date for publication in publications if publication.degraded_reason}
    stored = [{**row.asDict(), "is_degraded": row.rebalance_date in degraded} for row in rows]
    part = TablePart(MONTHLY_PORTFOLIO, {"rebalance_date": list(merged)}, rows_for(MONTHLY_PORTFOLIO, stored))
    publish(job, NAME, [part], publications, inputs_of(merged))
    return JobResult(publications, skipped)


def inputs_of(sessions: Mapping[date, date]) -> Inputs:
    """Return what each rebalance date (-> session) rests on: the portfolios of its session."""
    return Inputs(
        f"""
        WITH rebalance AS (
            SELECT * FROM UNNEST(%(days)s::date[], %(sessions)s::date[]) AS rebalance (day, as_of_date)
        )
        SELECT day AS as_of_date, sha256(convert_to(position::text, 'UTF8')) AS digest
        FROM ({POSITIONS}) AS position JOIN rebalance USING (as_of_date)
        UNION ALL
        SELECT day, sha256(convert_to(publication::text, 'UTF8'))
        FROM ({PORTFOLIOS}) AS publication JOIN rebalance USING (as_of_date)
        """,
        {
            "days": list(sessions),
            "sessions": list(sessions.values()),
            "periods": list(published_periods()),
        },
    )


def merged_stocks(job: Job, sessions: Mapping[date, date]) -> DataFrame:
    """Read and merge the portfolios of some rebalance dates (-> session)."""
    rebalances = [(day, session, valid_until(day)) for day, session in sessions.items()]
    positions = job.read(POSITIONS, sessions=sorted(set(sessions.values())), periods=list(published_periods()))
    columns = ("rebalance_date", "as_of_date", "valid_until")
    return merge(local_frame(job.spark, rebalances, columns), with_source_rank(positions))


def published_portfolios(job: Job, sessions: Sequence[date]) -> dict[date, Portfolios]:
    """Return the publications of the sessions for which stage 5 has published a portfolio of every period."""
    rows = fetch(
        job.conn,
        PORTFOLIOS,
        {"sessions": list(sessions), "periods": list(published_periods())},
    )
    by_session: dict[date, dict[int, StoredRow]] = {}
    for row in rows:
        by_session.setdefault(row["as_of_date"], {})[row["period_days"]] = row
    return {day: portfolios for day, portfolios in by_session.items() if len(portfolios) == len(published_periods())}


def publication_of(day: date, session: date, portfolios: Portfolios, rows: Sequence[Row]) -> Publication:
    """Return the publication of one rebalance. Its source is the least trusted one of the merged portfolios."""
    why_not = why_not_computable(session, portfolios)
    return Publication(
        job=NAME,
        as_of_date=day,
        period_days=0,
        status="not_computable" if why_not else "published" if rows else "empty",
        reason=why_not or why_incomplete(session, portfolios),
        row_count=len(rows),
        cash_weight=0.0 if rows else 1.0,
        holdings_as_of=max(filter(None, (row["holdings_as_of"] for row in portfolios.values())), default=None),
        source=least_trusted(row["source"] for row in portfolios.values()),
        degraded_reason=unique(
            [
                *(each for row in portfolios.values() for each in from_rows(row["degraded_reason"])),
                *_left_out(session, portfolios),
            ]
        ),
    )


def why_not_computable(session: date, portfolios: Portfolios) -> list[Reason]:
    """Tell why the month is not computable. Empty when the portfolio over the longest period is."""
    days = max(portfolios)
    longest = portfolios[days]
    if longest["status"] != "not_computable":
        return []
    return [reason("portfolio_is", session=session, days=days, reasons=from_rows(longest["reason"]))]


def _left_out(session: date, portfolios: Portfolios) -> list[Reason]:
    return [
        reason("portfolio_left_out", session=session, days=days, reasons=from_rows(row["reason"]))
        for days, row in sorted(portfolios.items())
        if row["status"] == "not_computable" and days != max(portfolios)
    ]


def why_incomplete(session: date, portfolios: Portfolios) -> list[Reason]:
    """Tell which of the portfolios are empty, and why. Empty when each has positions."""
    empty = {days: row["reason"] for days, row in portfolios.items() if row["status"] == "empty"}
    if not empty:
        return []
    whole = "every_portfolio_empty" if len(empty) == len(portfolios) else "empty_portfolio"
    return [
        reason(whole, session=session),
        *(reason("over_sessions", days=days, reasons=from_rows(why)) for days, why in sorted(empty.items())),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    return run_job("monthly rebalance", "Publish the monthly portfolio.", run, arguments, REBALANCE_DATES, None)


if __name__ == "__main__":
    sys.exit(main())

"""The month's portfolio: three portfolios of one session -> analytics_monthly_portfolio.

A rebalance has a date, as a rule the last Sunday of a month, and merges the portfolios over 5, 10 and 20 sessions of
the last session by that date: a stock that is in several of them once, with a score for where it is (batch/scoring.py).
It holds until the 20th session after its date.

The portfolio over the longest period leads the ranks: where it is not computable, neither is the month, which is
published as such and never followed. Where only a shorter one is not, the month is made of the others, and degraded.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Row

from batch import runner
from batch.returns import SOURCES, source_of, with_mistrust
from batch.runner import STORED_PERIODS, Days, Job, Outcome, Part, Publication
from batch.scoring import with_ranks, with_scores
from database.db_helper import Row as Stored
from database.db_helper import fetch
from database.tables import MONTHLY_PORTFOLIO
from utils.dates import last_session_by, last_sundays_between, valid_until
from utils.errors import NotPublished
from utils.spark_utils import local_frame, lookup

NAME = "rebalance"
log = logging.getLogger(f"batch.{NAME}")
REBALANCE_DATES = Days(
    one="the rebalance date, e.g. 2026-07-26: any day, as a rule the last Sunday of a month",
    many="last Sunday of a month",
    check=last_session_by,
    between=last_sundays_between,
)

POSITIONS = """
    SELECT as_of_date, period_days, ticker, portfolio_weight, company_name, sector, holdings_as_of, is_degraded, source
    FROM analytics_portfolio_allocation
    WHERE as_of_date = ANY(%(sessions)s) AND period_days = ANY(%(periods)s)
"""
Portfolios = Mapping[int, Stored]  # period -> its line of analytics_publication


def merge(rebalances: DataFrame, positions: DataFrame) -> DataFrame:
    """Each stock of the portfolios that a rebalance merges, once, by rank.

    rebalances: rebalance_date, as_of_date, valid_until
    positions: as_of_date, period_days, ticker, portfolio_weight, mistrust, ...
    """
    weights = (
        F.max(F.when(F.col("period_days") == days, F.col("portfolio_weight"))).alias(f"weight_{days}d")
        for days in STORED_PERIODS
    )
    stocks = (
        positions.join(lookup(rebalances), "as_of_date", "inner")
        .coalesce(1)  # which it is already, but of an inner join Spark does not know it
        .groupBy("rebalance_date", "ticker", "as_of_date", "valid_until")
        .agg(
            *weights,
            F.sort_array(F.collect_list("period_days")).alias("source_periods"),
            F.max("company_name").alias("company_name"),
            F.max("sector").alias("sector"),
            F.max("holdings_as_of").alias("holdings_as_of"),
            F.bool_or("is_degraded").alias("is_degraded"),
            source_of(F.max("mistrust")).alias("source"),
        )
    )
    return with_ranks(with_scores(stocks), "rebalance_date").orderBy("rebalance_date", "final_rank")


def run(current: Job) -> Outcome:
    """Merge and publish every rebalance date whose three portfolios are published; name the others."""
    sessions = {day: last_session_by(day) for day in current.days}
    published = published_portfolios(current, sorted(set(sessions.values())))
    skipped = {
        day: f"stage 5 has not published {session}, the last session by {day}: "
        "run daily_portfolio_allocation for it first"
        for day, session in sessions.items()
        if session not in published
    }
    merged = {day: session for day, session in sessions.items() if day not in skipped}
    if not merged:
        raise NotPublished("; ".join(skipped.values()))
    log.info("merging the portfolios of %s", ", ".join(map(str, merged.values())))
    computable = {
        day: session for day, session in merged.items() if not_computable(session, published[session]) is None
    }
    rows = stocks(current, computable).collect() if computable else []
    by_date = {day: list(of_day) for day, of_day in groupby(rows, key=attrgetter("rebalance_date"))}
    publications = [
        publication_of(day, session, published[session], by_date.get(day, [])) for day, session in merged.items()
    ]
    for line in publications:
        if line.reason:
            log.warning("%s: %s", line.as_of_date, line.reason)
    part = Part(MONTHLY_PORTFOLIO, {"rebalance_date": list(merged)}, runner.rows_of(MONTHLY_PORTFOLIO, rows))
    runner.publish(current, NAME, [part], publications)
    return Outcome(publications, skipped)


def stocks(current: Job, sessions: Mapping[date, date]) -> DataFrame:
    """The merged portfolios of some rebalance dates (-> session)."""
    rebalances = [(day, session, valid_until(day)) for day, session in sessions.items()]
    read = current.read(POSITIONS, sessions=sorted(set(sessions.values())), periods=list(runner.periods()))
    columns = ("rebalance_date", "as_of_date", "valid_until")
    return merge(local_frame(current.spark, rebalances, columns), with_mistrust(read))


def published_portfolios(current: Job, sessions: Sequence[date]) -> dict[date, Portfolios]:
    """What stage 5 says of each session of which it has published the portfolio of every period."""
    lines = fetch(
        current.conn,
        """
        SELECT as_of_date, period_days, status, reason, degraded_reason, holdings_as_of, source
        FROM analytics_publication
        WHERE job = 'allocation' AND as_of_date = ANY(%(sessions)s) AND period_days = ANY(%(periods)s)
        ORDER BY as_of_date, period_days
        """,
        {"sessions": list(sessions), "periods": list(runner.periods())},
    )
    found: dict[date, dict[int, Stored]] = {}
    for line in lines:
        found.setdefault(line["as_of_date"], {})[line["period_days"]] = line
    return {day: portfolios for day, portfolios in found.items() if len(portfolios) == len(runner.periods())}


def publication_of(day: date, session: date, portfolios: Portfolios, rows: Sequence[Row]) -> Publication:
    """What is said of one rebalance as a whole; it is as trustworthy as the least of the portfolios it merges."""
    why_not = not_computable(session, portfolios)
    return Publication(
        job=NAME,
        as_of_date=day,
        period_days=0,
        status="not_computable" if why_not else "published" if rows else "empty",
        reason=why_not or why_incomplete(session, portfolios),
        row_count=len(rows),
        cash_weight=0.0 if rows else 1.0,
        holdings_as_of=max(filter(None, (line["holdings_as_of"] for line in portfolios.values())), default=None),
        source=max((line["source"] for line in portfolios.values()), key=SOURCES.index),
        degraded_reason=runner.degradation(
            [*(line["degraded_reason"] for line in portfolios.values()), *_left_out(session, portfolios)]
        ),
    )


def not_computable(session: date, portfolios: Portfolios) -> str | None:
    """Why the month is not computable: the portfolio over the longest period is not."""
    days = max(portfolios)
    line = portfolios[days]
    if line["status"] != "not_computable":
        return None
    return f"the portfolio of {session} over {days} sessions is {line['reason']}"


def _left_out(session: date, portfolios: Portfolios) -> list[str]:
    return [
        f"the portfolio of {session} over {days} sessions is left out: it is {line['reason']}"
        for days, line in sorted(portfolios.items())
        if line["status"] == "not_computable" and days != max(portfolios)
    ]


def why_incomplete(session: date, portfolios: Portfolios) -> str | None:
    """Which of the portfolios are empty, and why; None when each has positions."""
    empty = {days: line["reason"] for days, line in portfolios.items() if line["status"] != "published"}
    if not empty:
        return None
    reasons = "; ".join(f"over {days} sessions: {reason}" for days, reason in sorted(empty.items()))
    if len(empty) == len(portfolios):
        return f"every portfolio of {session} is empty; {reasons}"
    return f"an empty portfolio of {session} adds nothing; {reasons}"


def main(arguments: Sequence[str] | None = None) -> int:
    return runner.main("monthly rebalance", "Publish the month's portfolio.", run, arguments, REBALANCE_DATES)


if __name__ == "__main__":
    sys.exit(main())

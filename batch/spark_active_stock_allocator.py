"""The three portfolios (stage 5): trending ETFs, their holdings and prices -> analytics_portfolio_allocation.

For each period, the best of the largest holdings of each ETF that trends over it. Score = return / market cap. Weight =
the score's share of all scores. A stock that several ETFs choose is one position. Every candidate is kept in
analytics_allocation_candidates, with the reason why it was not chosen. Over a period for which the benchmark has no
return, no ETF can trend: that portfolio is not computable, which is no decision for cash.

A run has three steps: read (batch.allocation_inputs), decide (this module), publish (batch.publishing).
"""

import logging
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from batch.allocation_inputs import AllocationInputs, facts_of, inputs_of, read_inputs
from batch.holdings import with_holdings
from batch.inputs import digesting
from batch.portfolios import NAME as NAME
from batch.portfolios import Portfolio, TrendingResult, portfolios_of
from batch.publishing import JobResult, Publication, TablePart, publish, published_periods, rows_for
from batch.reasons import json_array, read_each, reason_of
from batch.returns import ReturnWindow, with_returns, with_windows
from batch.runner import Job, of_one_moment, run_job
from batch.sources import source_label
from batch.staged_allocation import staged_allocation
from batch.staging import Staged
from config.periods import PERIODS
from config.universe import universe
from database.queries.doubts import sessions_exchange
from database.queries.missing_holdings import said_of_lists
from database.tables import ALLOCATION_CANDIDATES, PORTFOLIO_ALLOCATION
from utils.reasons import Reason, from_rows, of_ticker, reason
from utils.spark_utils import is_wide, local_frame, together

log = logging.getLogger(f"batch.{NAME}")

Rows = Sequence[Sequence[Any]] | Staged

OF_ETF = ("as_of_date", "period_days", "etf_ticker")
# What a candidate has of the fund that holds it.
OF_FUND = (
    "etf_ticker",
    "chosen_over",
    "source_rank",
    "holding_rank",
    "holding_percent",
    "holdings_as_of",
    "holding_source_rank",
)


class Allocation(NamedTuple):
    """What a run decides: all candidates, the positions of all portfolios, and a publication of each portfolio."""

    candidates: Rows
    positions: Rows
    publications: Sequence[Publication]
    gaps: Mapping[Portfolio, Sequence[Reason]]


@of_one_moment
def run(job: Job) -> JobResult:
    """Compute and publish the portfolios of every session that stage 3 has published, and skip the others."""
    inputs = read_inputs(job)
    sessions = [row["as_of_date"] for row in inputs.published]
    with (
        digesting(job, partial(inputs_of, inputs.stocks, inputs.windows), sessions) as basis,
        decided(job, inputs) as allocation,
    ):
        where = {"as_of_date": sessions}
        parts = [
            TablePart(PORTFOLIO_ALLOCATION, where, allocation.positions),
            TablePart(ALLOCATION_CANDIDATES, where, allocation.candidates),
        ]
        publish(job, NAME, parts, allocation.publications, replace(basis, facts=facts_of(allocation.gaps)))
    return JobResult(allocation.publications, inputs.skipped)


@contextmanager
def decided(job: Job, inputs: AllocationInputs) -> Iterator[Allocation]:
    """Choose the positions of all portfolios from what was read. A wide job's rows are staged until the end."""
    log.info("selecting from the holdings of the ETFs that trend in %d sessions", len(inputs.published))
    candidates, results = all_candidates(inputs), trending_results(inputs)
    if is_wide(job.spark):
        with staged_allocation(job, candidates, results) as found:
            warn_of_funds_without_holdings(found.without_holdings)
            yield Allocation(found.candidates, found.positions, found.made.publications, found.made.gaps)
        return
    rows = candidates.collect()
    warn_of_funds_without_holdings({row.etf_ticker for row in rows if not row.ticker})
    made = portfolios_of(job.conn, rows, results, said_of_lists(job.conn, list(results)))
    yield Allocation(
        rows_for(ALLOCATION_CANDIDATES, (row for row in rows if row.ticker)),
        rows_for(PORTFOLIO_ALLOCATION, made.positions),
        made.publications,
        made.gaps,
    )


def warn_of_funds_without_holdings(etfs: Collection[str]) -> None:
    for etf in sorted(etfs):
        log.warning("%s trends, but no holdings of it are stored: it chooses nobody", etf)


def all_candidates(inputs: AllocationInputs) -> DataFrame:
    """Return the candidates of all sessions that were read."""
    windows = local_frame(inputs.trending.sparkSession, inputs.windows, ReturnWindow._fields)
    return candidates_of(inputs.trending, inputs.holdings, windows, inputs.prices, inputs.doubts)


def trending_results(inputs: AllocationInputs) -> dict[date, TrendingResult]:
    """Return what stage 3 published for each session, with the periods that are not computable."""
    missing = [
        (row["as_of_date"], days)
        for row in inputs.published
        for days in published_periods()
        if not row[f"is_computable_{days}d"]
    ]
    not_computable = why_not_computable(inputs, missing) if missing else {}
    return {
        row["as_of_date"]: TrendingResult(
            row["source"], from_rows(row["degraded_reason"]), not_computable.get(row["as_of_date"], {})
        )
        for row in inputs.published
    }


def why_not_computable(inputs: AllocationInputs, missing: Sequence[Portfolio]) -> dict[date, dict[int, list[Reason]]]:
    """Return for each of these portfolios why stage 3 could not compare any ETF with the benchmark."""
    benchmark = universe().benchmark
    wanted = [
        (benchmark, *window)
        for window in inputs.windows
        if window.exchange == sessions_exchange(benchmark) and (window.as_of_date, window.period_days) in missing
    ]
    frame = local_frame(inputs.trending.sparkSession, wanted, ("ticker", *ReturnWindow._fields))
    found: dict[date, dict[int, list[Reason]]] = {}
    for row in with_returns(frame, inputs.prices, inputs.doubts).collect():
        found.setdefault(row.as_of_date, {})[row.period_days] = [
            reason("not_comparable_over", benchmark=benchmark, days=row.period_days),
            of_ticker(benchmark, read_each(row.missing) or [reason("had_no_return")]),
        ]
    return found


def candidates_of(
    trending: DataFrame, holdings: DataFrame, windows: DataFrame, prices: DataFrame, doubts: DataFrame | None = None
) -> DataFrame:
    """Return all candidates with the chosen ones marked, in the table's order. A wide job's are in none.

    An ETF without holdings has one row, which has no ticker.
    """
    held = with_holdings(trending.withColumnRenamed("period_days", "chosen_over"), holdings)
    returns = with_returns(with_windows(by_stock(together(held, "ticker")), windows), prices, doubts)
    rank = F.greatest("source_rank", "holding_source_rank", "price_source_rank")
    candidates = select_best(by_fund(with_all_periods(together(returns, "as_of_date"))))
    labelled = candidates.withColumn("source", source_label(rank))
    return labelled if is_wide(labelled.sparkSession) else labelled.orderBy(*OF_ETF, "holding_rank", "ticker")


def by_stock(held: DataFrame) -> DataFrame:
    """Return each stock of a session once, with the funds that hold it: its returns are the same for all of them."""
    return held.groupBy("as_of_date", "ticker").agg(F.collect_list(F.struct(*OF_FUND)).alias("held_by"))


def by_fund(stocks: DataFrame) -> DataFrame:
    """Return each stock once for each fund that holds it and trends over the period."""
    over_period = F.filter("held_by", lambda held: held.chosen_over == F.col("period_days"))
    others = [column for column in stocks.columns if column != "held_by"]
    return stocks.select(*others, F.explode(over_period).alias("held")).select(*others, "held.*")


def with_all_periods(returns: DataFrame) -> DataFrame:
    """Add to each stock of a session its returns, sector averages and flags for all periods.

    returns: every stock over every period. held_by has the funds, with the period over which each trends (chosen_over).
    """
    of_stock = Window.partitionBy("as_of_date", "ticker")
    # In the order of the tickers: the last bit of a sum depends on the order.
    same_sector = (
        Window.partitionBy("as_of_date", "period_days", "sector")
        .orderBy("ticker")
        .rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    )

    def over_period(days: int, column: str) -> Column:
        return F.max(F.when(F.col("period_days") == days, F.col(column))).over(of_stock)

    columns = {}
    for days in PERIODS:
        columns[f"return_{days}d"] = over_period(days, "period_return")
        columns[f"sector_avg_{days}d"] = over_period(days, "sector_average")
        columns[f"is_trending_{days}d"] = F.array_contains("held_by.chosen_over", days)
    average = F.avg("period_return").over(same_sector)
    return returns.withColumn("sector_average", F.when(F.col("sector").isNotNull(), average)).withColumns(columns)


def select_best(candidates: DataFrame) -> DataFrame:
    """Mark the best eligible candidate of each ETF as selected, and add to the others why they are not."""
    is_eligible = F.col("ineligible").isNull()
    # By rows: whether the next one ranks the same need not be known.
    best_first = (
        Window.partitionBy(*OF_ETF)
        .orderBy(is_eligible.desc(), F.col("period_return").desc(), F.col("holding_percent").desc(), "ticker")
        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )
    chosen = {
        f"best_{column}": F.first(column).over(best_first) for column in ("ticker", "period_return", "holding_percent")
    }
    is_selected = is_eligible & (F.col("ticker") == F.col("best_ticker"))
    return (
        candidates.withColumn("ineligible", _why_ineligible())
        .withColumn("is_in_doubt", (F.size("missing") > 0) | (F.size("noted") > 0))
        .withColumns(chosen)
        .withColumn("is_selected", F.coalesce(is_selected, F.lit(False)))
        .withColumn("why_not", F.coalesce("ineligible", F.array(_why_not_best())))
        .withColumn("exclusion_reason", F.when(~F.col("is_selected"), json_array(F.col("why_not"))))
        .drop("ineligible", "why_not", *chosen)
    )


def _why_ineligible() -> Column:
    period_return = F.col("period_return")
    has_no_cap = F.col("market_cap").isNull() | (F.col("market_cap") <= 0)
    return (
        F.when(F.size("missing") > 0, F.col("missing"))
        .when(period_return <= 0, F.array(reason_of("not_positive", gain=period_return)))
        .when(has_no_cap, F.array(reason_of("no_market_cap", session=F.col("end_session"))))
    )


def _why_not_best() -> Column:
    best = F.col("best_ticker")
    better = reason_of("returned_more", ticker=best, gain=F.col("best_period_return"))
    larger, first = (reason_of(code, ticker=best) for code in ("larger_holding", "first_by_ticker"))
    return (
        F.when(F.col("best_period_return") > F.col("period_return"), better)
        .when(F.col("best_holding_percent") > F.col("holding_percent"), larger)
        .otherwise(first)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    return run_job("portfolio allocation", "Publish the three portfolios (stage 5).", run, arguments)


if __name__ == "__main__":
    sys.exit(main())

"""The three portfolios (stage 5): trending ETFs, their holdings and prices -> analytics_portfolio_allocation.

For each period, the best of the largest holdings of each ETF that trends over it. Score = return / market cap. Weight =
the score's share of all scores. A stock that several ETFs choose is one position. Every candidate is kept in
analytics_allocation_candidates, with the reason why it was not chosen. Over a period for which the benchmark has no
return, no ETF can trend: that portfolio is not computable, which is no decision for cash.

A run has three steps: read (batch.allocation_inputs), decide (this module), publish (batch.publishing).
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Row, Window

from batch.allocation_inputs import AllocationInputs, TrendingResult, inputs_of, read_inputs
from batch.holdings import with_holdings
from batch.publishing import JobResult, Publication, TablePart, publish, published_periods, rows_for
from batch.reasons import json_array, read_each, reason_of
from batch.returns import ReturnWindow, with_returns, with_windows
from batch.runner import Job, of_one_moment, run_job
from batch.sources import least_trusted, source_label
from batch.weights import weights_of
from config.periods import PERIODS
from config.universe import universe
from database.queries.doubts import sessions_exchange
from database.tables import ALLOCATION_CANDIDATES, PORTFOLIO_ALLOCATION
from utils.reasons import Reason, as_json, from_json, from_rows, of_ticker, reason, unique
from utils.spark_utils import local_frame

NAME = "allocation"
log = logging.getLogger(f"batch.{NAME}")

Portfolio = tuple[date, int]  # session and period

OF_ETF = ("as_of_date", "period_days", "etf_ticker")


class Allocation(NamedTuple):
    """What a run decides: all candidates, the positions of all portfolios, and a publication of each portfolio."""

    candidates: Sequence[Row]
    positions: Sequence[Mapping[str, Any]]
    publications: Sequence[Publication]
    gaps: Mapping[Portfolio, Sequence[Reason]]


@of_one_moment
def run(job: Job) -> JobResult:
    """Compute and publish the portfolios of every session that stage 3 has published, and skip the others."""
    inputs = read_inputs(job)
    allocation = decide(inputs)
    where = {"as_of_date": [row["as_of_date"] for row in inputs.published]}
    parts = [
        TablePart(PORTFOLIO_ALLOCATION, where, rows_for(PORTFOLIO_ALLOCATION, allocation.positions)),
        TablePart(ALLOCATION_CANDIDATES, where, rows_for(ALLOCATION_CANDIDATES, allocation.candidates)),
    ]
    publish(job, NAME, parts, allocation.publications, inputs_of(inputs, allocation.gaps))
    return JobResult(allocation.publications, inputs.skipped)


def decide(inputs: AllocationInputs) -> Allocation:
    """Choose the positions of all portfolios from what was read."""
    log.info("selecting from the holdings of the ETFs that trend in %d sessions", len(inputs.published))
    rows = all_candidates(inputs).collect()
    for etf in sorted({row.etf_ticker for row in rows if not row.ticker}):
        log.warning("%s trends, but no holdings of it are stored: it chooses nobody", etf)
    gaps = gaps_by_portfolio(rows, inputs)
    positions, publications = portfolios(rows, trending_results(inputs), gaps)
    return Allocation([row for row in rows if row.ticker], with_ranks(positions), publications, gaps)


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
    """Return all candidates in the table's order, with the chosen ones marked.

    An ETF without holdings has one row, which has no ticker.
    """
    held = with_holdings(trending.withColumnRenamed("period_days", "chosen_over"), holdings)
    returns = with_returns(with_windows(held, windows), prices, doubts)
    return (
        select_best(with_all_periods(returns))
        .withColumn("source", source_label(F.greatest("source_rank", "holding_source_rank", "price_source_rank")))
        .orderBy("as_of_date", "period_days", "etf_ticker", "holding_rank", "ticker")
    )


def with_all_periods(returns: DataFrame) -> DataFrame:
    """Keep one row for each candidate, and add its returns, sector averages and flags for all periods.

    returns: every candidate over every period. chosen_over is the period over which its ETF trends.
    """
    of_stock = Window.partitionBy("as_of_date", "ticker")
    same_stock = Window.partitionBy("as_of_date", "period_days", "ticker").orderBy("chosen_over", "etf_ticker")
    same_sector = Window.partitionBy("as_of_date", "period_days", "sector")
    once = F.when(F.col("nth") == 1, F.col("period_return"))  # a stock counts once, however many ETFs hold it

    def over_period(days: int, column: str) -> Column:
        return F.max(F.when(F.col("period_days") == days, F.col(column))).over(of_stock)

    columns = {}
    for days in PERIODS:
        columns[f"return_{days}d"] = over_period(days, "period_return")
        columns[f"sector_avg_{days}d"] = over_period(days, "sector_average")
        columns[f"is_trending_{days}d"] = F.max(F.col("chosen_over") == days).over(of_stock)
    return (
        returns.withColumn("nth", F.row_number().over(same_stock))
        .withColumn("sector_average", F.when(F.col("sector").isNotNull(), F.avg(once).over(same_sector)))
        .withColumns(columns)
        .where(F.col("period_days") == F.col("chosen_over"))
    )


def select_best(candidates: DataFrame) -> DataFrame:
    """Mark the best eligible candidate of each ETF as selected, and add to the others why they are not."""
    is_eligible = F.col("ineligible").isNull()
    best_first = Window.partitionBy(*OF_ETF).orderBy(
        is_eligible.desc(), F.col("period_return").desc(), F.col("holding_percent").desc(), "ticker"
    )
    chosen = {
        f"best_{column}": F.first(column).over(best_first) for column in ("ticker", "period_return", "holding_percent")
    }
    is_selected = is_eligible & (F.col("ticker") == F.col("best_ticker"))
    return (
        candidates.withColumn("ineligible", _why_ineligible())
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


def portfolio_of(chosen: Sequence[Row], cap: float) -> tuple[list[dict[str, Any]], float]:
    """Return a portfolio's positions, largest first, and its cash. A stock that several ETFs chose is one position."""
    by_ticker = {
        ticker: sorted(rows, key=attrgetter("etf_ticker"))
        for ticker, rows in groupby(sorted(chosen, key=attrgetter("ticker")), key=attrgetter("ticker"))
    }
    scores = {ticker: rows[0].period_return / rows[0].market_cap for ticker, rows in by_ticker.items()}
    weights, cash = weights_of(scores, cap)
    largest_first = sorted(scores, key=lambda ticker: (-weights[ticker], -scores[ticker], ticker))
    positions = [
        _position(by_ticker[ticker], rank, scores[ticker], weights[ticker])
        for rank, ticker in enumerate(largest_first, 1)
    ]
    return positions, cash


def _position(rows: Sequence[Row], rank: int, score: float, weight: float) -> dict[str, Any]:
    """Return a row of the table, without the ranks in the other portfolios."""
    etfs = [row.etf_ticker for row in rows]
    return {
        **rows[0].asDict(),
        "score": score,
        "portfolio_weight": weight,
        "position_rank": rank,
        "source_etfs": etfs,
        "holdings_as_of": max(row.holdings_as_of for row in rows),
        "source": least_trusted(row.source for row in rows),
        "allocation_reason": as_json(
            [
                reason(
                    "best_of_etfs",
                    top=universe().top_holdings,
                    etfs=etfs,
                    days=rows[0].period_days,
                    gain=rows[0].period_return,
                    market_cap=rows[0].market_cap,
                )
            ]
        ),
    }


def with_ranks(positions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add each position's rank in every portfolio of its session, or None where it is not in it."""
    ranks = {(row["as_of_date"], row["ticker"], row["period_days"]): row["position_rank"] for row in positions}
    return [
        row | {f"rank_{days}d": ranks.get((row["as_of_date"], row["ticker"], days)) for days in PERIODS}
        for row in positions
    ]


def why_empty(days: int, rows: Sequence[Row]) -> Reason:
    """Tell why a portfolio has no position: no ETF trends, none has holdings, or each candidate's own reason."""
    if not rows:
        return reason("nothing_trends_over", days=days)
    etfs = sorted({row.etf_ticker for row in rows})
    excluded = unique(of_ticker(row.ticker, from_json(row.exclusion_reason)) for row in rows if row.ticker)
    if not excluded:
        return reason("no_holdings_of_any", etfs=etfs)
    return reason("nobody_eligible", count=len(excluded), etfs=etfs, reasons=excluded)


def gaps_by_portfolio(rows: Sequence[Row], inputs: AllocationInputs) -> dict[Portfolio, list[Reason]]:
    """Return for each portfolio which figures or holdings were missing or in doubt, and why."""
    gaps: dict[Portfolio, list[Reason]] = {}
    for row in rows:
        found = gaps.setdefault((row.as_of_date, row.period_days), [])
        found += filter(None, [inputs.stand_ins.get((row.as_of_date, row.etf_ticker))])
        if row.ticker is None:
            found.append(reason("no_holdings", etf=row.etf_ticker))
            continue
        found += inputs.price_gaps.get((row.ticker, row.start_session, row.end_session), [])
        no_cap = [each for each in from_json(row.exclusion_reason) if each.code == "no_market_cap"]
        found += [of_ticker(row.ticker, no_cap)] if no_cap else []
    return gaps


def portfolios(
    rows: Sequence[Row], results: Mapping[date, TrendingResult], gaps: Mapping[Portfolio, Sequence[Reason]]
) -> tuple[list[dict[str, Any]], list[Publication]]:
    """Return the positions and publications of all portfolios.

    rows: the candidates
    results: what stage 3 published for each session
    """
    candidates = {key: list(group) for key, group in groupby(rows, key=attrgetter("as_of_date", "period_days"))}
    positions, publications = [], []
    for as_of, result in results.items():
        for days in published_periods():
            considered = candidates.get((as_of, days), [])
            chosen = [row for row in considered if row.is_selected]
            portfolio, cash = portfolio_of(chosen, universe().max_position_weight)
            degraded = unique([*result.degraded_reason, *gaps.get((as_of, days), [])])
            not_computable = result.not_computable.get(days)
            positions += [position | {"is_degraded": bool(degraded)} for position in portfolio]
            publications.append(
                Publication(
                    job=NAME,
                    as_of_date=as_of,
                    period_days=days,
                    status="published" if portfolio else "not_computable" if not_computable else "empty",
                    reason=[] if portfolio else not_computable or [why_empty(days, considered)],
                    row_count=len(portfolio),
                    cash_weight=cash,
                    holdings_as_of=max((row.holdings_as_of for row in considered if row.ticker), default=None),
                    source=least_trusted([result.source, *(row.source for row in considered)]),
                    degraded_reason=degraded,
                )
            )
    return positions, publications


def main(arguments: Sequence[str] | None = None) -> int:
    return run_job("portfolio allocation", "Publish the three portfolios (stage 5).", run, arguments)


if __name__ == "__main__":
    sys.exit(main())

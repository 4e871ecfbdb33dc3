"""Which ETFs trend (stage 3): collected_daily_etf_ohlc -> analytics_trending_etfs.

An ETF trends over N sessions when its return over them is positive and higher than the benchmark's on the same two
sessions. Every candidate gets a row. Where a return has no value, the row says why. Returns are in US dollars, of each
ETF on its own exchange. A session for which the benchmark has no return at all is not computable, and decides nothing.
"""

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Row, Window

from batch.inputs import Inputs, input_windows, price_params, price_rows
from batch.prices import ETF_PRICES, PRICE_COLUMNS, read_prices, why_no_benchmark
from batch.publishing import JobResult, Publication, TablePart, publish, published_periods, rows_for
from batch.reasons import each_once, json_array, of_ticker_each
from batch.returns import (
    ReturnWindow,
    ends_of,
    exchanges_of,
    sessions_exchange_of,
    windows_of,
    with_returns,
)
from batch.runner import Job, of_one_moment, run_job
from batch.sources import least_trusted, source_label
from config.periods import PERIODS, trending_column
from config.universe import universe
from database.db_helper import fetch
from database.queries import ledger
from database.queries.doubts import sessions_exchange
from database.tables import TRENDING_ETFS
from utils.errors import NotStored
from utils.reasons import Reason, as_one, from_json, reason, unique
from utils.spark_utils import local_frame

NAME = "trending"
log = logging.getLogger(f"batch.{NAME}")


def with_each_etf(windows: DataFrame, etfs: Sequence[str]) -> DataFrame:
    """Return the windows of every ETF, each on the ETF's own exchange."""
    ticker = F.explode(F.array(*map(F.lit, etfs)))
    return (
        windows.withColumn("ticker", ticker)
        .where(sessions_exchange_of(F.col("ticker")) == F.col("exchange"))
        .drop("exchange")
    )


def identify_trending(returns: DataFrame, benchmark: str) -> DataFrame:
    """Put the benchmark's return beside each candidate's, period by period, and tell whether the candidate trends."""
    own, base = F.col("period_return"), F.col("benchmark_return")
    same_period = Window.partitionBy("as_of_date", "period_days")
    is_benchmark = F.col("ticker") == benchmark

    def of_benchmark(column: str) -> Column:
        return F.max(F.when(is_benchmark, F.col(column))).over(same_period)

    return (
        returns.withColumns(
            {
                "benchmark_return": of_benchmark("period_return"),
                "benchmark_missing": of_benchmark("missing"),
                "benchmark_source_rank": of_benchmark("price_source_rank"),
            }
        )
        .where(~is_benchmark)
        .select(
            "as_of_date",
            F.col("ticker").alias("etf_ticker"),
            "period_days",
            "period_return",
            "benchmark_return",
            (own - base).alias("outperformance"),
            F.coalesce((own > base) & (own > 0), F.lit(False)).alias("is_trending"),
            F.concat(
                of_ticker_each(F.col("ticker"), "missing"), of_ticker_each(F.lit(benchmark), "benchmark_missing")
            ).alias("missing"),
            F.greatest("price_source_rank", "benchmark_source_rank").alias("source_rank"),
        )
    )


def one_row_per_etf(trending: DataFrame) -> DataFrame:
    """Put the periods side by side, in the table's columns, and rank the ETFs by outperformance."""
    best_first = Window.partitionBy("as_of_date").orderBy(F.col("outperformance").desc_nulls_last(), "etf_ticker")
    reasons = each_once(F.flatten(F.collect_list("missing")))
    return (
        trending.groupBy("as_of_date", "etf_ticker")
        .agg(
            *(column for days in PERIODS for column in _columns_of(days)),
            json_array(reasons).alias("missing_reason"),
            source_label(F.max("source_rank")).alias("source"),
        )
        .withColumn(
            "rank_by_outperformance",
            F.when(F.col("outperformance").isNotNull(), F.row_number().over(best_first)),
        )
    )


def _columns_of(days: int) -> list[Column]:
    def of_period(column: str) -> Column:
        return F.max(F.when(F.col("period_days") == days, F.col(column)))

    return [
        of_period("period_return").alias(f"return_{days}d"),
        of_period("benchmark_return").alias(f"spy_return_{days}d"),
        of_period("outperformance").alias(trending_column("outperformance", days)),
        F.coalesce(of_period("is_trending"), F.lit(False)).alias(trending_column("is_trending", days)),
    ]


def publication_of(as_of: date, rows: Sequence[Row], gaps: Iterable[Reason] = ()) -> Publication:
    """Return the publication of one session's rows, with the gaps in its prices."""
    has_trending = any(row[trending_column("is_trending", days)] for row in rows for days in PERIODS)
    is_computable = any(row[f"spy_return_{days}d"] is not None for row in rows for days in PERIODS)
    return Publication(
        job=NAME,
        as_of_date=as_of,
        period_days=0,
        status="published" if has_trending else "empty" if is_computable else "not_computable",
        reason=[] if has_trending else _why_empty(rows) if is_computable else _why_not_computable(rows),
        degraded_reason=unique(gaps),
        row_count=len(rows),
        source=least_trusted(row.source for row in rows),
    )


def _why_empty(rows: Sequence[Row]) -> list[Reason]:
    missing = _missing_reasons(rows)
    rule = reason("nothing_trends", benchmark=universe().benchmark)
    return [rule, reason("without_value", reasons=missing)] if missing else [rule]


def _why_not_computable(rows: Sequence[Row]) -> list[Reason]:
    benchmark = universe().benchmark
    of_benchmark = [each for each in _missing_reasons(rows) if each.params["ticker"] == benchmark]
    return [reason("not_comparable", benchmark=benchmark), *of_benchmark]


def _missing_reasons(rows: Sequence[Row]) -> list[Reason]:
    """Return why values are missing: each reason is one of a ticker."""
    return unique(each for row in rows for each in from_json(row.missing_reason))


@of_one_moment
def run(job: Job) -> JobResult:
    """Compute and publish every session for which the benchmark has a price, and skip the others."""
    skipped = days_without_benchmark(job)
    sessions = [session for session in job.days if session not in skipped]
    if not sessions:
        raise NotStored(as_one(skipped.values()))
    etfs = universe()
    log.info("comparing %d ETFs with %s in %d sessions", len(etfs.candidates), etfs.benchmark, len(sessions))
    gaps = gaps_by_session(job, sessions)
    rows = compare_etfs(job, sessions).collect()
    publications = [
        publication_of(session, list(group), gaps.get(session, []))
        for session, group in groupby(rows, key=attrgetter("as_of_date"))
    ]
    stored = [
        {**row.asDict(), "sector_name": etfs.sectors.get(row.etf_ticker), "is_degraded": row.as_of_date in gaps}
        for row in rows
    ]
    part = TablePart(TRENDING_ETFS, {"as_of_date": sessions}, rows_for(TRENDING_ETFS, stored))
    publish(job, NAME, [part], publications, inputs_of(sessions, gaps))
    return JobResult(publications, skipped)


def etf_windows(sessions: Sequence[date]) -> list[ReturnWindow]:
    """Return the windows of the sessions, on every exchange on which an ETF is listed."""
    return windows_of(sessions, exchanges_of(universe().etfs), published_periods())


def gaps_by_session(job: Job, sessions: Sequence[date]) -> dict[date, list[Reason]]:
    """Return the sessions whose returns lack a price, or have one in doubt, with the reasons."""
    wanted = [
        (window.as_of_date, (etf, window.start_session, window.end_session))
        for window in etf_windows(sessions)
        for etf in universe().etfs
        if sessions_exchange(etf) == window.exchange
    ]
    reasons = ledger.why_missing(job.conn, {window for _, window in wanted})
    gaps: dict[date, list[Reason]] = {}
    for as_of, window in wanted:
        if window in reasons:
            gaps.setdefault(as_of, []).extend(reasons[window])
    return gaps


def compare_etfs(job: Job, sessions: Sequence[date]) -> DataFrame:
    """Read the prices that the sessions need, and compare all ETFs with the benchmark."""
    etfs, benchmark = universe().etfs, universe().benchmark
    windows = etf_windows(sessions)
    days = ends_of(windows)
    prices = read_prices(job, ETF_PRICES, etfs, days).select(*PRICE_COLUMNS)
    wanted = with_each_etf(local_frame(job.spark, windows, ReturnWindow._fields), etfs)
    returns = with_returns(wanted, prices, job.doubts(etfs, days))
    return one_row_per_etf(identify_trending(returns, benchmark)).orderBy("as_of_date", "etf_ticker")


def inputs_of(sessions: Sequence[date], gaps: Mapping[date, Sequence[Reason]]) -> Inputs:
    """Return what each session rests on: the ETFs' prices at both ends, what is said against them, and the gaps."""
    etfs = universe().etfs
    return Inputs(
        f"""
        WITH wanted AS (
            SELECT as_of_date, ticker FROM UNNEST(%(days)s::date[]) AS as_of_date, UNNEST(%(tickers)s::text[]) AS ticker
        ), {price_rows()}
        SELECT * FROM price_rows
        """,
        {**price_params(etfs, input_windows(etf_windows(sessions))), "days": list(sessions)},
        gaps,
    )


def days_without_benchmark(job: Job) -> dict[date, Reason]:
    """Return the sessions for which the benchmark has no price, with the reason. Nothing is published for them."""
    rows = fetch(
        job.conn,
        "SELECT trade_date FROM collected_daily_etf_ohlc WHERE ticker = %(ticker)s AND trade_date = ANY(%(sessions)s)",
        {"ticker": universe().benchmark, "sessions": list(job.days)},
    )
    collected = {row["trade_date"] for row in rows}
    return {day: why_no_benchmark([day]) for day in job.days if day not in collected}


def main(arguments: Sequence[str] | None = None) -> int:
    return run_job("trending ETFs", "Publish which ETFs trend (stage 3).", run, arguments)


if __name__ == "__main__":
    sys.exit(main())

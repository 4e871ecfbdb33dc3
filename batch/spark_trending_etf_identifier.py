"""Which ETFs trend (stage 3): collected_daily_etf_ohlc -> analytics_trending_etfs.

An ETF trends over N sessions when its return over them is positive and higher than the benchmark's on the same two
sessions. Every candidate gets a row. Where a return has no value, the row says why. Returns are in US dollars, of each
ETF on its own exchange. A session for which the benchmark has no return at all is not computable, and decides nothing.
"""

import logging
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any

import pyspark.sql.functions as F
from psycopg2 import sql
from pyspark.sql import Column, DataFrame, Row, SparkSession, Window

from batch.gaps import reasons_by_day
from batch.inputs import Inputs, digesting, input_windows, price_params, price_rows
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
from batch.runner import Job, etfs_a_day, of_one_moment, run_job
from batch.sources import least_trusted, source_label
from batch.staging import Staged, staged
from config.periods import PERIODS, trending_column
from config.universe import universe
from database.db_helper import Connection, fetch
from database.tables import TRENDING_ETFS
from utils.errors import NotStored
from utils.reasons import Reason, as_one, from_json, reason, unique
from utils.spark_utils import is_wide, local_frame, together

NAME = "trending"
log = logging.getLogger(f"batch.{NAME}")


def with_each_etf(windows: DataFrame, etfs: Sequence[str]) -> DataFrame:
    """Return the windows of every ETF, each on the ETF's own exchange."""
    exchange = sessions_exchange_of(F.col("ticker"))
    spark = windows.sparkSession
    if is_wide(spark):
        tickers = spark.createDataFrame([(etf,) for etf in etfs], "ticker string")
        listed = together(tickers, "ticker").withColumn("exchange", exchange)
        return listed.join(F.broadcast(windows), "exchange").drop("exchange")
    ticker = F.explode(F.array(*map(F.lit, etfs)))
    return windows.withColumn("ticker", ticker).where(exchange == F.col("exchange")).drop("exchange")


def one_row_per_etf(returns: DataFrame) -> DataFrame:
    """Put the returns over all periods side by side, with what is missing of any."""

    def over_period(days: int) -> Column:
        return F.max(F.when(F.col("period_days") == days, F.col("period_return")))

    # Nearly all lists are empty. What is NULL is not collected.
    some_missing = F.when(F.size("missing") > 0, F.col("missing"))
    return returns.groupBy("as_of_date", "ticker").agg(
        *(over_period(days).alias(f"return_{days}d") for days in PERIODS),
        F.flatten(F.collect_list(some_missing)).alias("missing"),
        F.max("price_source_rank").alias("source_rank"),
    )


def identify_trending(etfs: DataFrame, benchmark: str) -> DataFrame:
    """Put the benchmark's returns beside each candidate's, tell over which it trends, and rank by outperformance.

    etfs: one row per ETF and session. Returns the table's columns.
    """
    same_session = Window.partitionBy("as_of_date")
    best_first = same_session.orderBy(F.col("outperformance").desc_nulls_last(), "etf_ticker")
    is_benchmark = F.col("ticker") == benchmark
    of_benchmark = {
        f"spy_{column}": F.max(F.when(is_benchmark, F.col(column))).over(same_session)
        for column in (*(f"return_{days}d" for days in PERIODS), "missing", "source_rank")
    }
    missing = F.concat(of_ticker_each(F.col("ticker"), "missing"), of_ticker_each(F.lit(benchmark), "spy_missing"))
    return (
        etfs.withColumns(of_benchmark)
        .where(~is_benchmark)
        .select(
            "as_of_date",
            F.col("ticker").alias("etf_ticker"),
            *(column for days in PERIODS for column in _columns_of(days)),
            json_array(each_once(missing)).alias("missing_reason"),
            source_label(F.greatest("source_rank", "spy_source_rank")).alias("source"),
        )
        .withColumn(
            "rank_by_outperformance",
            F.when(F.col("outperformance").isNotNull(), F.row_number().over(best_first)),
        )
    )


def _columns_of(days: int) -> list[Column]:
    own, base = F.col(f"return_{days}d"), F.col(f"spy_return_{days}d")
    return [
        own,
        base,
        (own - base).alias(trending_column("outperformance", days)),
        F.coalesce((own > base) & (own > 0), F.lit(False)).alias(trending_column("is_trending", days)),
    ]


@dataclass(frozen=True)
class Compared:
    """What is published of a session beside its rows.

    missing: why values are missing, as texts of JSON; only where no ETF trends
    """

    as_of_date: date
    row_count: int
    has_trending: bool
    is_computable: bool
    sources: Collection[str]
    missing: Sequence[Any] = ()

    @classmethod
    def of_rows(cls, as_of: date, rows: Sequence[Row]) -> "Compared":
        return cls(
            as_of,
            len(rows),
            has_trending=any(row[trending_column("is_trending", days)] for row in rows for days in PERIODS),
            is_computable=any(row[f"spy_return_{days}d"] is not None for row in rows for days in PERIODS),
            sources={row.source for row in rows},
            missing=[row.missing_reason for row in rows],
        )


def publication_of(compared: Compared, gaps: Iterable[Reason] = ()) -> Publication:
    """Return the publication of one session, with the gaps in its prices."""
    return Publication(
        job=NAME,
        as_of_date=compared.as_of_date,
        period_days=0,
        status="published" if compared.has_trending else "empty" if compared.is_computable else "not_computable",
        reason=[] if compared.has_trending else _why_none(compared),
        degraded_reason=unique(gaps),
        row_count=compared.row_count,
        source=least_trusted(compared.sources),
    )


def _why_none(compared: Compared) -> list[Reason]:
    # Each is the reason of a ticker.
    missing = unique(each for reasons in compared.missing for each in from_json(reasons))
    benchmark = universe().benchmark
    if not compared.is_computable:
        of_benchmark = [each for each in missing if each.params["ticker"] == benchmark]
        return [reason("not_comparable", benchmark=benchmark), *of_benchmark]
    rule = reason("nothing_trends", benchmark=benchmark)
    return [rule, reason("without_value", reasons=missing)] if missing else [rule]


@of_one_moment
def run(job: Job) -> JobResult:
    """Compute and publish every session for which the benchmark has a price, and skip the others."""
    skipped = days_without_benchmark(job)
    sessions = [session for session in job.days if session not in skipped]
    if not sessions:
        raise NotStored(as_one(skipped.values()))
    etfs = universe()
    log.info("comparing %d ETFs with %s in %d sessions", len(etfs.candidates), etfs.benchmark, len(sessions))
    gaps = reasons_by_day(job.conn, etfs.etfs, etf_windows(sessions))
    with digesting(job, inputs_of, sessions) as inputs, stored_rows(job, sessions, gaps) as (rows, compared):
        publications = [publication_of(each, gaps.get(each.as_of_date, [])) for each in compared]
        part = TablePart(TRENDING_ETFS, {"as_of_date": sessions}, rows)
        publish(job, NAME, [part], publications, replace(inputs, facts=gaps))
    return JobResult(publications, skipped)


@contextmanager
def stored_rows(
    job: Job, sessions: Sequence[date], gaps: Collection[date]
) -> Iterator[tuple[Staged | Sequence[Sequence[Any]], Iterable[Compared]]]:
    """Compute the rows of the table, and what is published of each session beside them."""
    frame = compare_etfs(job, sessions)
    if is_wide(job.spark):
        with staged(job, TRENDING_ETFS, with_labels(job.spark, frame, gaps)) as rows:
            yield rows, compared_of(job.writer or job.conn, rows)
        return
    found = frame.orderBy("as_of_date", "etf_ticker").collect()
    labels = universe().sectors
    stored = [
        {**row.asDict(), "sector_name": labels.get(row.etf_ticker), "is_degraded": row.as_of_date in gaps}
        for row in found
    ]
    compared = [Compared.of_rows(day, list(group)) for day, group in groupby(found, key=attrgetter("as_of_date"))]
    yield rows_for(TRENDING_ETFS, stored), compared


def with_labels(spark: SparkSession, frame: DataFrame, gaps: Collection[date]) -> DataFrame:
    """Add the ETFs' sectors, and whether the session's publication is degraded."""
    labels = universe().sectors
    sectors = local_frame(spark, [(etf, labels.get(etf, "")) for etf in universe().candidates], ("etf_ticker", "name"))
    with_sectors = frame.join(sectors, "etf_ticker").withColumn("sector_name", F.nullif("name", F.lit("")))
    if not gaps:
        return with_sectors.withColumn("is_degraded", F.lit(False))
    degraded = local_frame(spark, [(day, True) for day in sorted(gaps)], ("as_of_date", "has_gaps"))
    return with_sectors.join(degraded, "as_of_date", "left").withColumn("is_degraded", F.col("has_gaps").isNotNull())


def compared_of(conn: Connection, rows: Staged) -> list[Compared]:
    """Return what is published of each session beside its rows, which are staged."""
    is_trending = sql.SQL(" OR ").join(sql.Identifier(trending_column("is_trending", days)) for days in PERIODS)
    has_base = sql.SQL(" OR ").join(
        sql.SQL("{} IS NOT NULL").format(sql.Identifier(f"spy_return_{days}d")) for days in PERIODS
    )
    query = sql.SQL(
        "SELECT as_of_date, COUNT(*)::int AS row_count, BOOL_OR({is_trending}) AS has_trending, "
        "BOOL_OR({has_base}) AS is_computable, ARRAY_AGG(DISTINCT source) AS sources, "
        'COALESCE(ARRAY_AGG(missing_reason::text ORDER BY etf_ticker COLLATE "C") FILTER (WHERE missing_reason '
        "IS NOT NULL AND as_of_date = ANY(SELECT as_of_date FROM {rows} GROUP BY as_of_date "
        "HAVING NOT BOOL_OR({is_trending}))), '{{}}') AS missing "
        "FROM {rows} GROUP BY as_of_date ORDER BY as_of_date"
    ).format(is_trending=is_trending, has_base=has_base, rows=rows.identifier)
    return [Compared(**row) for row in fetch(conn, query)]


def etf_windows(sessions: Sequence[date]) -> list[ReturnWindow]:
    """Return the windows of the sessions, on every exchange on which an ETF is listed."""
    return windows_of(sessions, exchanges_of(universe().etfs), published_periods())


def compare_etfs(job: Job, sessions: Sequence[date]) -> DataFrame:
    """Read the prices that the sessions need, and compare all ETFs with the benchmark."""
    etfs, benchmark = universe().etfs, universe().benchmark
    windows = etf_windows(sessions)
    days = ends_of(windows)
    prices = together(read_prices(job, ETF_PRICES, etfs, days).select(*PRICE_COLUMNS), "ticker")
    wanted = with_each_etf(local_frame(job.spark, windows, ReturnWindow._fields), etfs)
    returns = with_returns(wanted, prices, job.doubts(etfs, days))
    return identify_trending(together(one_row_per_etf(returns), "as_of_date"), benchmark)


def inputs_of(sessions: Sequence[date]) -> Inputs:
    """Return what each session rests on: the ETFs' prices at both ends, and what is said against them."""
    etfs = universe().etfs
    return Inputs(
        f"""
        WITH wanted AS (
            SELECT as_of_date, ticker FROM UNNEST(%(days)s::date[]) AS as_of_date, UNNEST(%(tickers)s::text[]) AS ticker
        ), {price_rows()}
        SELECT * FROM price_rows
        """,
        {**price_params(etfs, input_windows(etf_windows(sessions))), "days": list(sessions)},
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
    return run_job("trending ETFs", "Publish which ETFs trend (stage 3).", run, arguments, rows_a_day=etfs_a_day)


if __name__ == "__main__":
    sys.exit(main())

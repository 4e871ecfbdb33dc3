"""Which ETFs trend (stage 3): collected_daily_etf_ohlc -> analytics_trending_etfs.

An ETF trends over N sessions when its return over them is positive and higher than the benchmark's on the same two
sessions. Every candidate gets a row, also one without a value, which then says why. Returns are in US dollars, of each
ETF on its own exchange. A session of which the benchmark has no return at all is not computable: it decides nothing.
"""

import logging
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Row, Window

from batch import runner
from batch.returns import (
    PRICE_COLUMNS,
    SOURCES,
    exchanges_of,
    in_dollars,
    named,
    sessions_exchange_of,
    sessions_used,
    source_of,
    windows_of,
    with_returns,
)
from batch.runner import STORED_PERIODS, Job, Outcome, Part, Publication
from config.universe import universe
from database.db_helper import fetch
from database.queries import ledger
from database.queries.doubts import sessions_exchange
from database.tables import TRENDING_ETFS
from utils.errors import NotStored

NAME = "trending"
log = logging.getLogger(f"batch.{NAME}")
SEED_PERIOD = 20  # the seed's columns without a period in their name (is_trending, outperformance) are about this one

PRICES = """
    SELECT ticker, trade_date, currency, adj_close::float8 AS adj_close, market_cap, source,
        per_dollar AS rate, rate_source
    FROM collected_dollar_close
    WHERE is_etf AND ticker = ANY(%(tickers)s) AND trade_date = ANY(%(sessions)s)
"""


def each_etf(windows: DataFrame, etfs: Sequence[str]) -> DataFrame:
    """The windows of every ETF, each on its own exchange."""
    ticker = F.explode(F.array(*map(F.lit, etfs)))
    return (
        windows.withColumn("ticker", ticker)
        .where(sessions_exchange_of(F.col("ticker")) == F.col("exchange"))
        .drop("exchange")
    )


def identify_trending(returns: DataFrame, benchmark: str) -> DataFrame:
    """Each candidate and period beside the benchmark's return over the same sessions, and whether it trends."""
    own, base = F.col("period_return"), F.col("base_return")
    same_period = Window.partitionBy("as_of_date", "period_days")
    is_benchmark = F.col("ticker") == benchmark

    def of_benchmark(column: str) -> Column:
        return F.max(F.when(is_benchmark, F.col(column))).over(same_period)

    return (
        returns.withColumns(
            {
                "base_return": of_benchmark("period_return"),
                "base_missing": of_benchmark("missing"),
                "base_mistrust": of_benchmark("price_mistrust"),
            }
        )
        .where(~is_benchmark)
        .select(
            "as_of_date",
            F.col("ticker").alias("etf_ticker"),
            "period_days",
            "period_return",
            "base_return",
            (own - base).alias("outperformance"),
            F.coalesce((own > base) & (own > 0), F.lit(False)).alias("is_trending"),
            F.concat(named(F.col("ticker"), "missing"), named(F.lit(benchmark), "base_missing")).alias("missing"),
            F.greatest("price_mistrust", "base_mistrust").alias("mistrust"),
        )
    )


def one_row_per_etf(trending: DataFrame) -> DataFrame:
    """The periods side by side, in the table's columns, ranked by outperformance over the seed's period."""
    best_first = Window.partitionBy("as_of_date").orderBy(F.col("outperformance").desc_nulls_last(), "etf_ticker")
    reasons = F.array_sort(F.array_distinct(F.flatten(F.collect_list("missing"))))
    return (
        trending.groupBy("as_of_date", "etf_ticker")
        .agg(
            *(column for days in STORED_PERIODS for column in _columns_of(days)),
            F.when(F.size(reasons) > 0, F.array_join(reasons, "; ")).alias("missing_reason"),
            source_of(F.max("mistrust")).alias("source"),
        )
        .withColumn(
            "rank_by_outperformance",
            F.when(F.col("outperformance").isNotNull(), F.row_number().over(best_first)),
        )
    )


def _columns_of(days: int) -> list[Column]:
    suffix = "" if days == SEED_PERIOD else f"_{days}d"

    def of_period(column: str) -> Column:
        return F.max(F.when(F.col("period_days") == days, F.col(column)))

    return [
        of_period("period_return").alias(f"return_{days}d"),
        of_period("base_return").alias(f"spy_return_{days}d"),
        of_period("outperformance").alias(f"outperformance{suffix}"),
        F.coalesce(of_period("is_trending"), F.lit(False)).alias(f"is_trending{suffix}"),
    ]


def publication_of(as_of: date, rows: Sequence[Row], gaps: Iterable[str] = ()) -> Publication:
    """What is said of one session's rows as a whole; gaps: the prices that were not there, or are in doubt."""
    trending = any(row.is_trending or row.is_trending_5d or row.is_trending_10d for row in rows)
    is_computable = any(row[f"spy_return_{days}d"] is not None for row in rows for days in STORED_PERIODS)
    return Publication(
        job=NAME,
        as_of_date=as_of,
        period_days=0,
        status="published" if trending else "empty" if is_computable else "not_computable",
        reason=None if trending else _why_none(rows) if is_computable else _why_not_computable(rows),
        degraded_reason=runner.degradation(gaps),
        row_count=len(rows),
        source=max((row.source for row in rows), key=SOURCES.index),
    )


def _why_none(rows: Sequence[Row]) -> str:
    reasons = _reasons(rows)
    rule = f"no ETF has a positive return that is higher than {universe().benchmark}'s over any period"
    return f"{rule}; without a value: {'; '.join(reasons)}" if reasons else rule


def _why_not_computable(rows: Sequence[Row]) -> str:
    benchmark = universe().benchmark
    reasons = [reason for reason in _reasons(rows) if reason.startswith(f"{benchmark}: ")]
    return f"not computable: no ETF can be compared with {benchmark} over any period; {'; '.join(reasons)}"


def _reasons(rows: Sequence[Row]) -> list[str]:
    return sorted({reason for row in rows if row.missing_reason for reason in row.missing_reason.split("; ")})


def run(current: Job) -> Outcome:
    """Compute and publish every session for which the benchmark has a price; name the others."""
    market = universe()
    skipped = without_benchmark(current)
    sessions = [session for session in current.days if session not in skipped]
    if not sessions:
        raise NotStored("; ".join(skipped.values()))
    log.info("comparing %d ETFs with %s in %d sessions", len(market.candidates), market.benchmark, len(sessions))
    gaps = gaps_of(current, sessions)
    rows = etfs(current, sessions).collect()
    publications = [
        publication_of(day, list(of_day), gaps.get(day, []))
        for day, of_day in groupby(rows, key=attrgetter("as_of_date"))
    ]
    stored = [
        {**row.asDict(), "sector_name": market.sectors.get(row.etf_ticker), "is_degraded": row.as_of_date in gaps}
        for row in rows
    ]
    part = Part(TRENDING_ETFS, {"as_of_date": sessions}, runner.rows_of(TRENDING_ETFS, stored))
    runner.publish(current, NAME, [part], publications)
    return Outcome(publications, skipped)


def gaps_of(current: Job, sessions: list[date]) -> dict[date, list[str]]:
    """Each session with a window whose prices are not all there, or are in doubt -> which, and why."""
    market = universe()
    wanted = [
        (window.as_of_date, (etf, window.start_session, window.end_session))
        for window in windows_of(sessions, exchanges_of(market.etfs), runner.periods())
        for etf in market.etfs
        if sessions_exchange(etf) == window.exchange
    ]
    reasons = ledger.why_missing(current.conn, {window for _, window in wanted})
    found: dict[date, list[str]] = {}
    for as_of, window in wanted:
        if window in reasons:
            found.setdefault(as_of, []).extend(reasons[window])
    return found


def etfs(current: Job, sessions: list[date]) -> DataFrame:
    """Read what the sessions need, and decide it all in one go."""
    market = universe()
    windows = windows_of(sessions, exchanges_of(market.etfs), runner.periods())
    days = sessions_used(windows)
    prices = in_dollars(current.read(PRICES, tickers=list(market.etfs), sessions=days)).select(*PRICE_COLUMNS)
    wanted = each_etf(current.windows(windows), market.etfs)
    returns = with_returns(wanted, prices, current.doubts(market.etfs, days))
    return one_row_per_etf(identify_trending(returns, market.benchmark)).orderBy("as_of_date", "etf_ticker")


def without_benchmark(current: Job) -> dict[date, str]:
    """The sessions whose prices have not been collected: nothing can be said of them, so nothing is published."""
    benchmark = universe().benchmark
    rows = fetch(
        current.conn,
        "SELECT trade_date FROM collected_daily_etf_ohlc WHERE ticker = %(ticker)s AND trade_date = ANY(%(sessions)s)",
        {"ticker": benchmark, "sessions": list(current.days)},
    )
    collected = {row["trade_date"] for row in rows}
    return {
        day: f"{benchmark} has no price of {day}: collect it first (stage 1, daily_benchmark_etf_collection)"
        for day in current.days
        if day not in collected
    }


def main(arguments: Sequence[str] | None = None) -> int:
    return runner.main("trending ETFs", "Publish which ETFs trend (stage 3).", run, arguments)


if __name__ == "__main__":
    sys.exit(main())

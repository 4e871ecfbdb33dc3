"""How each ETF's largest holdings performed: holdings and prices -> analytics_etf_top_holdings.

For the top holdings of every ETF with a holdings snapshot, over each period: the total return, and the mean, standard
deviation (n - 1) and Sharpe ratio of the daily returns. Returns are in US dollars, over sessions of the stock's own
exchange. The Sharpe ratio is mean / deviation, at a risk-free rate of 0. Nothing is annualised, because at most 20
daily returns say nothing about a year. A price that is missing inside the period leaves only the total return. A
withheld break inside the period leaves no figure.
"""

import logging
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise
from typing import Any

import pyspark.sql.functions as F
from psycopg2 import sql
from pyspark.sql import Column, DataFrame, Row, Window, WindowSpec

from batch.holdings import HOLDINGS, with_holdings
from batch.inputs import HOLDING_ROWS, Inputs, input_windows, price_params, price_rows
from batch.prices import PRICE_COLUMNS, STOCK_PRICES, read_prices
from batch.publishing import JobResult, Publication, TablePart, publish, published_periods, rows_for
from batch.reasons import json_array, of_ticker_each, read_each
from batch.returns import (
    ReturnWindow,
    exchanges_of,
    sessions_exchange_of,
    windows_of,
    with_returns,
    with_windows,
)
from batch.runner import Job, of_one_moment, run_job
from batch.sources import least_trusted, source_label, with_source_rank
from batch.staging import Staged, staged
from config.periods import PERIODS
from config.universe import universe
from database.db_helper import Connection, fetch
from database.tables import ETF_TOP_HOLDINGS
from utils.dates import HOME_EXCHANGE, sessions_between
from utils.errors import NotStored
from utils.reasons import Reason, as_one, from_json, from_rows, of_ticker, reason, unique
from utils.spark_utils import in_one_part, is_wide, local_frame, lookup, together

NAME = "top_holdings"
log = logging.getLogger(f"batch.{NAME}")

# Below this a deviation is rounding: a price that grows by the same fraction every session has no variance.
NO_VOLATILITY = 1e-12
STATISTICS = ("avg_return", "volatility", "sharpe_ratio", "missing_reason")


def daily_windows_of(windows: Sequence[ReturnWindow]) -> list[tuple[str, date, date]]:
    """Return the ends of all daily returns inside the windows: (exchange, session before, session)."""
    daily: list[tuple[str, date, date]] = []
    for exchange in sorted({window.exchange for window in windows}):
        own = [window for window in windows if window.exchange == exchange]
        first, last = min(window.start_session for window in own), max(window.end_session for window in own)
        daily += [(exchange, *pair) for pair in pairwise(sessions_between(first, last, exchange))]
    return daily


def daily_returns(
    stocks: DataFrame, daily_windows: DataFrame, prices: DataFrame, doubts: DataFrame | None = None
) -> DataFrame:
    """Return each stock's return over every single session: daily_ticker, day, daily_return and why it is missing.

    stocks: ticker
    daily_windows: exchange, start_session, end_session
    """
    wanted = in_one_part(
        stocks.withColumn("exchange", sessions_exchange_of(F.col("ticker")))
        .join(lookup(daily_windows), "exchange", "inner")
        .drop("exchange")
    )
    return with_returns(wanted, prices, doubts).select(
        F.col("ticker").alias("daily_ticker"),
        F.col("end_session").alias("day"),
        F.col("period_return").alias("daily_return"),
        # collect_list leaves NULL out
        *(F.when(F.size(each) > 0, F.col(each)).alias(f"daily_{each}") for each in ("missing", "noted")),
        F.col("price_source_rank").alias("daily_source_rank"),
    )


def with_statistics(returns: DataFrame, daily: DataFrame) -> DataFrame:
    """Add avg_return, volatility, sharpe_ratio, missing_reason and the lowest trust of all prices.

    returns: one row for each ticker, as_of_date and period_days (see `with_returns`)
    daily: see `daily_returns`: every session of every window, so that a period is a number of rows
    """
    in_order = Window.partitionBy("daily_ticker").orderBy("day")
    over = {days: _statistics(days, in_order.rowsBetween(1 - days, Window.currentRow)) for days in PERIODS}
    of_each_day = daily.select(
        "daily_ticker", "day", *(statistics.alias(f"over_{days}") for days, statistics in over.items())
    )
    of_period = F.coalesce(*(F.when(F.col("period_days") == days, F.col(f"over_{days}")) for days in PERIODS))
    at_end = (F.col("ticker") == F.col("daily_ticker")) & (F.col("end_session") == F.col("day"))
    ratio = F.col("avg_return") / F.col("volatility")
    reasons = F.when(F.size("missing") > 0, F.col("missing")).otherwise(F.col("of_period.missing"))
    return (
        returns.join(lookup(of_each_day), at_end, "left")
        .withColumn("of_period", of_period)
        .withColumns(
            {
                "avg_return": F.col("of_period.avg_return"),
                "volatility": F.col("of_period.volatility"),
                "noted": F.array_sort(F.array_union("noted", "of_period.noted")),
                "price_source_rank": F.greatest("price_source_rank", "of_period.source_rank"),
                "missing_reason": json_array(reasons),
            }
        )
        .withColumn("sharpe_ratio", F.when(F.col("volatility") > NO_VOLATILITY, ratio))
        .select(*(column for column in returns.columns if column != "missing"), *STATISTICS)
    )


def _statistics(days: int, period: WindowSpec) -> Column:
    """Return the statistics of a period's daily returns, in the order of the days."""
    # No groupBy: in a large run Spark merges half-finished groups in any order, and the last bit of a deviation would
    # differ from run to run.
    is_whole = F.count("daily_return").over(period) == days
    missing, noted = (
        F.array_distinct(F.flatten(F.collect_list(f"daily_{reasons}").over(period))) for reasons in ("missing", "noted")
    )
    return F.struct(
        F.when(is_whole, F.avg("daily_return").over(period)).alias("avg_return"),
        F.when(is_whole, F.stddev_samp("daily_return").over(period)).alias("volatility"),
        missing.alias("missing"),
        noted.alias("noted"),
        F.max("daily_source_rank").over(period).alias("source_rank"),
    )


def top_holdings(
    etfs: DataFrame,
    holdings: DataFrame,
    windows: DataFrame,
    daily_windows: DataFrame,
    prices: DataFrame,
    doubts: DataFrame | None = None,
) -> DataFrame:
    """Return each ETF's top holdings over every period, ranked, in the table's columns.

    noted: why a figure is in doubt. An ETF without holdings has no row.

    etfs: as_of_date, etf_ticker
    """
    held = together(in_one_part(with_holdings(etfs, holdings).where(F.col("ticker").isNotNull())), "ticker")
    stocks = held.select("as_of_date", "ticker").distinct()
    measured = with_statistics(
        with_returns(with_windows(stocks, windows), prices, doubts),
        daily_returns(stocks.select("ticker").distinct(), daily_windows, prices, doubts),
    )
    best_first = Window.partitionBy("as_of_date", "period_days", "etf_ticker").orderBy(
        F.col("period_return").desc_nulls_last(), F.desc("holding_percent"), "ticker"
    )
    of_each = in_one_part(held.join(lookup(measured), ["as_of_date", "ticker"], "inner"))
    return (
        together(of_each, "as_of_date")
        .withColumn("rank_position", F.row_number().over(best_first))
        .select(
            "etf_ticker",
            F.col("ticker").alias("stock_ticker"),
            "stock_name",
            "period_days",
            "rank_position",
            "avg_return",
            F.col("period_return").alias("total_return"),
            "volatility",
            "sharpe_ratio",
            F.col("as_of_date").alias("analysis_date"),
            "holding_rank",
            "holding_percent",
            "holdings_as_of",
            "start_session",
            "end_session",
            "missing_reason",
            of_ticker_each(F.col("ticker"), "noted").alias("noted"),
            source_label(F.greatest("holding_source_rank", "price_source_rank")).alias("source"),
        )
        .orderBy("analysis_date", "period_days", "etf_ticker", "rank_position")
    )


@of_one_moment
def run(job: Job) -> JobResult:
    """Compute and publish every session for which a holding has a price, and skip the others."""
    skipped = days_without_prices(job)
    sessions = [session for session in job.days if session not in skipped]
    if not sessions:
        raise NotStored(as_one(skipped.values()))
    tickers = held_tickers(job)
    if not tickers:
        raise NotStored("no holdings of any ETF are stored: collect them first (stage 4, or etf_holdings_daily)")
    log.info("measuring the top holdings of %d ETFs in %d sessions", len(universe().etfs), len(sessions))
    with stored_rows(job, measure_holdings(job, sessions, tickers)) as (rows, measured):
        missing = set(universe().etfs).difference(*(each.etfs for each in measured))
        if missing:
            log.warning("no holdings are stored of %s", ", ".join(sorted(missing)))
        publications = [publication_of(each) for each in measured]
        part = TablePart(ETF_TOP_HOLDINGS, {"analysis_date": sessions}, rows)
        publish(job, NAME, [part], publications, inputs_of(sessions, tickers))
    return JobResult(publications, skipped)


@dataclass(frozen=True)
class Measured:
    """What is published of one session and period beside its rows.

    etfs: those that have holdings
    gaps: the missing and the doubtful returns of ETFs that have at least one return
    """

    as_of_date: date
    period_days: int
    row_count: int
    has_returns: bool
    holdings_as_of: date
    sources: Collection[str]
    etfs: Collection[str]
    gaps: Sequence[Reason]

    @classmethod
    def of_rows(cls, as_of: date, days: int, rows: Sequence[Row]) -> "Measured":
        etfs = {row.etf_ticker for row in rows}
        valued = {row.etf_ticker for row in rows if row.total_return is not None}
        told = [row for row in rows if row.etf_ticker in valued]
        gaps = [of_ticker(row.stock_ticker, from_json(row.missing_reason)) for row in told if row.missing_reason]
        gaps += read_each(noted for row in told for noted in row.noted)
        newest = max(row.holdings_as_of for row in rows)
        return cls(as_of, days, len(rows), bool(valued), newest, {row.source for row in rows}, etfs, gaps)


@contextmanager
def stored_rows(job: Job, frame: DataFrame) -> Iterator[tuple[Staged | Sequence[Sequence[Any]], list[Measured]]]:
    """Compute the rows of the table, and what is published beside them. A wide job's executors write the rows."""
    if is_wide(job.spark):
        told = frame.withColumn("noted", json_array(F.col("noted")))
        with staged(job, ETF_TOP_HOLDINGS, told, {"noted": "jsonb"}) as rows:
            yield rows, measured_of(job.writer or job.conn, rows)
        return
    found = frame.collect()
    by_period = groupby(found, key=lambda row: (row.analysis_date, row.period_days))
    measured = [Measured.of_rows(day, days, list(group)) for (day, days), group in by_period]
    yield rows_for(ETF_TOP_HOLDINGS, found), measured


def measured_of(conn: Connection, rows: Staged) -> list[Measured]:
    """Return what is published beside the rows, which are staged. A stock has the same reasons in each of its ETFs."""
    query = sql.SQL(
        """
        SELECT analysis_date AS as_of_date, period_days, COUNT(*)::int AS row_count, BOOL_OR(is_valued) AS has_returns,
            MAX(holdings_as_of) AS holdings_as_of, ARRAY_AGG(DISTINCT source) AS sources,
            ARRAY_AGG(DISTINCT etf_ticker) AS etfs,
            JSONB_OBJECT_AGG(stock_ticker, missing_reason) FILTER (WHERE is_valued AND missing_reason IS NOT NULL)
                AS missing,
            JSONB_AGG(DISTINCT noted) FILTER (WHERE is_valued AND noted IS NOT NULL) AS noted
        FROM (
            SELECT *, BOOL_OR(total_return IS NOT NULL) OVER (PARTITION BY analysis_date, period_days, etf_ticker)
                AS is_valued
            FROM {rows}
        ) AS of_etf
        GROUP BY analysis_date, period_days
        ORDER BY analysis_date, period_days
        """
    ).format(rows=rows.identifier)
    measured = []
    for row in fetch(conn, query):
        missing, noted = row.pop("missing") or {}, row.pop("noted") or []
        gaps = [of_ticker(ticker, from_rows(reasons)) for ticker, reasons in missing.items()]
        gaps += [each for reasons in noted for each in from_rows(reasons)]
        measured.append(Measured(**row, gaps=gaps))
    return measured


def measure_holdings(job: Job, sessions: Sequence[date], tickers: Sequence[str]) -> DataFrame:
    """Read what the sessions need, and measure the top holdings of all ETFs."""
    windows = windows_of(sessions, {HOME_EXCHANGE, *exchanges_of(tickers)}, published_periods())
    daily_windows = daily_windows_of(windows)
    ends = sorted({day for _, *pair in daily_windows for day in pair})
    days = local_frame(job.spark, [(day,) for day in sessions], ("as_of_date",))
    return top_holdings(
        etfs=days.withColumn("etf_ticker", F.explode(F.array(*map(F.lit, universe().etfs)))),
        holdings=with_source_rank(job.read(HOLDINGS, top=universe().top_holdings)),
        windows=local_frame(job.spark, windows, ReturnWindow._fields),
        daily_windows=local_frame(job.spark, daily_windows, ("exchange", "start_session", "end_session")),
        prices=read_prices(job, STOCK_PRICES, tickers, ends).select(*PRICE_COLUMNS),
        doubts=job.doubts(tickers, ends),
    )


def inputs_of(sessions: Sequence[date], tickers: Sequence[str]) -> Inputs:
    """Return what each session rests on: the lists of holdings, and all prices of the holdings in the periods."""
    windows = windows_of(sessions, {HOME_EXCHANGE, *exchanges_of(tickers)}, published_periods())
    return Inputs(
        f"""
        WITH fund AS (
            SELECT as_of_date, etf_ticker
            FROM UNNEST(%(days)s::date[]) AS as_of_date, UNNEST(%(etfs)s::text[]) AS etf_ticker
        ), {HOLDING_ROWS}, wanted AS (SELECT DISTINCT as_of_date, ticker FROM holding), {price_rows(is_whole=True)}
        SELECT as_of_date, digest FROM holding UNION ALL SELECT * FROM price_rows
        """,
        {
            **price_params(tickers, input_windows(windows)),
            "days": list(sessions),
            "etfs": list(universe().etfs),
            "top": universe().top_holdings,
        },
    )


def publication_of(measured: Measured) -> Publication:
    """Return the publication of one session and period.

    It is degraded when an ETF lacks some of its holdings' returns, or has doubtful ones. An ETF that lacks all of them
    does not count, because stage 4 collects only the holdings of trending ETFs.
    """
    nothing = reason("no_holding_returned", count=measured.row_count, days=measured.period_days)
    return Publication(
        job=NAME,
        as_of_date=measured.as_of_date,
        period_days=measured.period_days,
        status="published" if measured.has_returns else "empty",
        reason=[] if measured.has_returns else [nothing],
        degraded_reason=unique(measured.gaps),
        row_count=measured.row_count,
        holdings_as_of=measured.holdings_as_of,
        source=least_trusted(measured.sources),
    )


def held_tickers(job: Job) -> list[str]:
    """Return the stocks of all snapshots: those whose prices may be needed."""
    rows = fetch(
        job.conn,
        """
        SELECT DISTINCT stock_ticker FROM collected_etf_holdings
        WHERE holding_rank <= %(top)s AND etf_ticker = ANY(%(etfs)s)
        ORDER BY stock_ticker
        """,
        {"top": universe().top_holdings, "etfs": list(universe().etfs)},
    )
    return [row["stock_ticker"] for row in rows]


def days_without_prices(job: Job) -> dict[date, Reason]:
    """Return the sessions for which stage 4 has to run first, with the reason.

    No stock has a price then. A session on which nothing trends needs none.
    """
    rows = fetch(
        job.conn,
        """
        SELECT trade_date AS day FROM collected_daily_stock_history
        WHERE trade_date = ANY(%(sessions)s) AND quote_type <> 'CURRENCY'
        UNION
        SELECT as_of_date FROM analytics_publication
        WHERE job = 'trending' AND status <> 'published' AND as_of_date = ANY(%(sessions)s)
        """,
        {"sessions": list(job.days)},
    )
    ready = {row["day"] for row in rows}
    return {day: reason("no_stock_price", session=day) for day in job.days if day not in ready}


def main(arguments: Sequence[str] | None = None) -> int:
    return run_job("ETF top holdings", "Publish how the ETFs' top holdings performed.", run, arguments)


if __name__ == "__main__":
    sys.exit(main())

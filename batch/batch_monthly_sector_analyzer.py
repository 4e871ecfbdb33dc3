"""Which sectors trend in a month: collected_daily_stock_history -> analytics_sector_trending.

A month's return starts at the last session of the month before. It ends at the month's own last session, or at the
session asked for while the month is running. A sector's stocks are the collected ones with a dollar price at both ends.
They are equal-weighted: the sector's return, monthly or daily, is the mean of theirs. A sector trends when its monthly
return is positive and higher than the benchmark's over the same sessions.

A stock or a day that is left out because a price is missing degrades the month, with the reason. Stocks are known from
the ETFs' holdings. If a stock was in none of them on the month's date, holdings_as_of is later than that date. A stock
is in the sector that was known by the month's end. If none was, the first one known later counts, and holdings_as_of
has its day.

The run of the last weekend comes before the month's last session. So every run also finishes the month before its own.
A finished month is computed as a whole, whichever of its sessions a later run is for: nothing would finish it again.
"""

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby, pairwise
from operator import attrgetter
from typing import NamedTuple

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Row, Window

from batch.inputs import Inputs, price_params, price_rows
from batch.prices import ETF_PRICES, PRICE_COLUMNS, STOCK_PRICES, benchmark_sources, read_prices, why_no_benchmark
from batch.publishing import JobResult, Publication, TablePart, publish, rows_for
from batch.reasons import each_once, of_ticker_each, read_each
from batch.returns import exchanges_of, sessions_exchange_of, with_returns
from batch.runner import Job, JobCalendar, of_one_moment, one_at_a_time, run_job
from batch.sources import least_trusted, source_label
from config.universe import universe
from database.db_helper import fetch
from database.queries import ledger
from database.queries.doubts import sessions_exchange
from database.queries.stale_publications import STOCKS
from database.tables import SECTOR_TRENDING
from utils.dates import HOME_EXCHANGE, month_to_date, previous_month_end, sessions_between, sessions_of, window_of
from utils.errors import NotStored
from utils.reasons import Reason, as_one, reason, unique
from utils.spark_utils import local_frame, lookup

NAME = "sectors"
log = logging.getLogger(f"batch.{NAME}")


class MonthlyWindow(NamedTuple):
    """The window of a whole month (is_month) or of one of its days, on an exchange's own sessions."""

    month_end: date
    exchange: str
    is_month: bool
    day: date
    start_session: date
    end_session: date


def year_and_month(day: date) -> tuple[int, int]:
    return day.year, day.month


def first_of_month(day: date) -> date:
    return day.replace(day=1)


def month_ends_between(start: date, end: date) -> list[date]:
    """Return for each month of a range its last session inside the range.

    >>> [day.isoformat() for day in month_ends_between(date(2026, 6, 15), date(2026, 8, 14))]
    ['2026-06-30', '2026-07-31', '2026-08-14']
    """
    return [max(of_month) for _, of_month in groupby(sessions_between(start, end), key=year_and_month)]


MONTHS = JobCalendar(
    help="the last session to count of its month, e.g. 2026-08-28; the month before is finished, too",
    noun="month with a session",
    check=lambda day: sessions_of().position(day),
    between=month_ends_between,
)


def monthly_windows_of(month_end: date, exchange: str) -> list[MonthlyWindow]:
    """Return the windows of a month and of its days on one exchange.

    A day ends at the home exchange's close. Its window is empty, and left out, if the exchange had no session since the
    close before.

    >>> for window in monthly_windows_of(date(2026, 8, 4), "XNYS"):
    ...     print(window.is_month, window.start_session, window.end_session)
    True 2026-07-31 2026-08-04
    False 2026-07-31 2026-08-03
    False 2026-08-03 2026-08-04
    """
    days = [previous_month_end(month_end), *sessions_between(first_of_month(month_end), month_end)]
    ends = [(day, window_of(day, 0, exchange)[1]) for day in days]
    whole = MonthlyWindow(month_end, exchange, True, month_end, *month_to_date(month_end, exchange))
    return [
        whole,
        *(
            MonthlyWindow(month_end, exchange, False, day, start, end)
            for (_, start), (day, end) in pairwise(ends)
            if start < end
        ),
    ]


def sector_trends(
    stocks: DataFrame, windows: DataFrame, prices: DataFrame, benchmark: DataFrame, doubts: DataFrame | None = None
) -> DataFrame:
    """Return each month's sectors, in the table's columns.

    stocks: month_end, ticker, sector, known_since
    windows: MonthlyWindow
    prices: in dollars
    benchmark: month_end, benchmark_return, benchmark_source_rank
    doubts: the rows of database.queries.doubts, or None without any
    Adds known_since (the latest one of the stocks that count) and gaps (missing days and noted doubts).
    """
    wanted = (
        stocks.withColumn("exchange", sessions_exchange_of(F.col("ticker")))
        .join(lookup(windows), ["month_end", "exchange"], "inner")
        .drop("exchange")
        .coalesce(1)
    )
    of_stock = Window.partitionBy("month_end", "ticker")
    counts = F.max(F.when(F.col("is_month"), F.col("period_return"))).over(of_stock).isNotNull()
    is_known = F.col("period_return").isNotNull()
    reasons = F.concat(of_ticker_each(F.col("ticker"), "missing"), of_ticker_each(F.col("ticker"), "noted"))
    each_day = (
        with_returns(wanted, prices, doubts)
        .withColumn("counts", counts)
        .where("counts")
        .groupBy("month_end", "sector", "is_month", "day")
        .agg(
            F.avg("period_return").alias("sector_return"),
            F.count("period_return").alias("stocks"),
            F.max(F.when(is_known, F.col("price_source_rank"))).alias("source_rank"),
            F.max("known_since").alias("known_since"),
            F.flatten(F.collect_list(F.when(F.size(reasons) > 0, reasons))).alias("gaps"),  # collect_list drops NULL
        )
        .orderBy("month_end", "sector", "day")
    )
    of_month, of_day = (F.when(F.col("is_month") == flag, F.col("sector_return")) for flag in (True, False))
    trends = (F.col("avg_monthly_return") > 0) & (F.col("avg_monthly_return") > F.col("benchmark_return"))
    return (
        each_day.groupBy("month_end", "sector")
        .agg(
            F.max(F.when(F.col("is_month"), F.col("stocks"))).alias("stock_count"),
            F.max(of_month).alias("avg_monthly_return"),
            F.stddev_samp(of_day).alias("volatility"),
            F.count_if(of_day > 0).alias("positive_days"),
            F.count(of_day).alias("trading_days"),
            F.max(of_day).alias("best_day"),
            F.min(of_day).alias("worst_day"),
            F.max("source_rank").alias("source_rank"),
            F.max("known_since").alias("known_since"),
            each_once(F.flatten(F.collect_list("gaps"))).alias("gaps"),
        )
        .join(lookup(benchmark), "month_end", "inner")
        .select(
            F.year("month_end").alias("year"),
            F.month("month_end").alias("month"),
            "sector",
            "stock_count",
            "avg_monthly_return",
            "volatility",
            "positive_days",
            "trading_days",
            "best_day",
            "worst_day",
            trends.alias("is_trending"),
            "benchmark_return",
            F.col("month_end").alias("as_of_date"),
            source_label(F.greatest("source_rank", "benchmark_source_rank")).alias("source"),
            "known_since",
            "gaps",
        )
        .orderBy("as_of_date", "sector")
    )


@one_at_a_time(NAME)
@of_one_moment
def run(job: Job) -> JobResult:
    """Compute and publish each month asked for, and the month before the first one if its prices are there.

    A month that is finished stays so, whichever of its sessions is asked for.
    """
    asked = whole_if_finished(job, {year_and_month(day): day for day in job.days})
    before = previous_month_end(job.days[0])
    sources = month_end_sources(job, [before, *asked.values()])
    skipped = {
        day: why_no_benchmark(missing)
        for day in asked.values()
        if (missing := [end for end in (previous_month_end(day), day) if end not in sources])
    }
    months = [day for day in asked.values() if day not in skipped]
    if not months:
        raise NotStored(as_one(skipped.values()))
    if previous_month_end(before) in sources and before in sources:
        months.insert(0, before)
    _warn_of_unknown_sectors(job)
    tickers = tickers_of(job, months)
    rows = measure_sectors(job, months, tickers).collect()
    gaps = gaps_by_month(job, months, tickers)
    publications = [
        publication_of(day, [row for row in rows if row.as_of_date == day], sources[day], gaps[day]) for day in months
    ]
    parts = [
        TablePart(
            SECTOR_TRENDING,
            {"year": day.year, "month": day.month},
            rows_for(SECTOR_TRENDING, [row for row in rows if row.as_of_date == day]),
        )
        for day in months
    ]
    # A running month was published for an earlier session: all publications of a month make way for the new one.
    replaced = [session for day in months for session in _sessions_of_month(day)]
    publish(job, NAME, parts, publications, inputs_of(months, tickers, gaps), replaced_days=replaced)
    return JobResult(publications, skipped)


def whole_if_finished(job: Job, asked: Mapping[tuple[int, int], date]) -> dict[tuple[int, int], date]:
    """Return for each month the day asked for, or its last session if it is published as of that."""
    rows = fetch(job.conn, "SELECT as_of_date AS day FROM analytics_publication WHERE job = 'sectors'")
    published = [row["day"] for row in rows]
    finished = {year_and_month(day): day for day in published if day == _sessions_of_month(day)[-1]}
    for month in asked.keys() & finished.keys():
        log.info("the month of %s is finished, and stays so", finished[month])
    return {month: finished.get(month, day) for month, day in asked.items()}


def tickers_of(job: Job, months: Sequence[date]) -> list[str]:
    """Return the tickers of all stocks with a sector."""
    return sorted({row["ticker"] for row in fetch(job.conn, STOCKS, {"months": list(months)})})


def measure_sectors(job: Job, months: Sequence[date], tickers: Sequence[str]) -> DataFrame:
    """Read what the months need, and measure all sectors. tickers: all stocks with a sector."""
    windows = [
        window
        for month in months
        for exchange in {HOME_EXCHANGE, *exchanges_of(tickers)}
        for window in monthly_windows_of(month, exchange)
    ]
    days = sorted({day for window in windows for day in (window.start_session, window.end_session)})
    frame = local_frame(job.spark, windows, MonthlyWindow._fields)
    benchmark = universe().benchmark
    of_benchmark = read_prices(job, ETF_PRICES, [benchmark], days).select(*PRICE_COLUMNS)
    return sector_trends(
        stocks=job.read(STOCKS, months=list(months)),
        windows=frame,
        prices=read_prices(job, STOCK_PRICES, tickers, days).select(*PRICE_COLUMNS),
        benchmark=benchmark_returns(frame, of_benchmark, job.doubts([benchmark], days)),
        doubts=job.doubts(tickers, days),
    )


def inputs_of(months: Sequence[date], tickers: Sequence[str], gaps: Mapping[date, Sequence[Reason]]) -> Inputs:
    """Return what each month rests on: the stocks' sectors, all prices of the month, and the gaps."""
    priced = [*tickers, universe().benchmark]
    windows = [
        (month, exchange, whole.start_session, whole.end_session)
        for month in months
        for exchange in {HOME_EXCHANGE, *exchanges_of(priced)}
        for whole in monthly_windows_of(month, exchange)[:1]
    ]
    return Inputs(
        f"""
        WITH wanted AS (
            SELECT as_of_date, ticker FROM UNNEST(%(days)s::date[]) AS as_of_date, UNNEST(%(tickers)s::text[]) AS ticker
        ), {price_rows(is_whole=True)}
        SELECT * FROM price_rows
        UNION ALL
        SELECT month_end, sha256(convert_to(ROW(ticker, sector, known_since)::text, 'UTF8')) FROM ({STOCKS}) AS stock
        """,
        {**price_params(priced, windows), "days": list(months), "months": list(months)},
        gaps,
    )


def gaps_by_month(job: Job, months: Sequence[date], tickers: Sequence[str]) -> Mapping[date, list[Reason]]:
    """Return for each month the expected prices that are missing or in doubt at its ends, with the reasons.

    A stock for which no run expected a price then is no gap: it came into a fund later, or had left it.
    """
    windows = {
        (month, ticker): (ticker, *month_to_date(month, sessions_exchange(ticker)))
        for month in months
        for ticker in (*tickers, universe().benchmark)
    }
    reasons = ledger.why_missing(job.conn, set(windows.values()), is_expected=True)
    gaps: dict[date, list[Reason]] = {month: [] for month in months}
    for (month, _), window in windows.items():
        gaps[month] += reasons.get(window, [])
    return gaps


def benchmark_returns(windows: DataFrame, prices: DataFrame, doubts: DataFrame | None = None) -> DataFrame:
    """Return the benchmark's monthly returns: month_end, benchmark_return, benchmark_source_rank."""
    months = windows.where(F.col("is_month") & (F.col("exchange") == HOME_EXCHANGE))
    return with_returns(months.withColumn("ticker", F.lit(universe().benchmark)), prices, doubts).select(
        "month_end",
        F.col("period_return").alias("benchmark_return"),
        F.col("price_source_rank").alias("benchmark_source_rank"),
    )


def month_end_sources(job: Job, month_ends: Sequence[date]) -> Mapping[date, str]:
    """Return the ends of these months, and of the months before them, at which the benchmark has a price.

    The values are the prices' data sources.
    """
    return benchmark_sources(job, sorted({*month_ends, *map(previous_month_end, month_ends)}))


def publication_of(
    month_end: date, rows: Sequence[Row], benchmark_source: str, gaps: Iterable[Reason] = ()
) -> Publication:
    """Return the publication of one month, whose ends have these gaps."""
    return Publication(
        job=NAME,
        as_of_date=month_end,
        period_days=0,
        status="published" if rows else "empty",
        reason=[] if rows else [reason("no_sector_prices", start=previous_month_end(month_end), end=month_end)],
        row_count=len(rows),
        holdings_as_of=max((row.known_since for row in rows if row.known_since), default=None),
        source=least_trusted([benchmark_source, *map(attrgetter("source"), rows)]),
        degraded_reason=unique([*gaps, *read_each(gap for row in rows for gap in row.gaps)]),
    )


def _warn_of_unknown_sectors(job: Job) -> None:
    unknown = fetch(
        job.conn,
        """
        SELECT ticker FROM collected_daily_stock_history
        WHERE quote_type <> 'CURRENCY'
        GROUP BY ticker
        HAVING COUNT(sector) = 0
        ORDER BY ticker
        """,
    )
    if unknown:
        names = ", ".join(row["ticker"] for row in unknown)
        log.warning("%d stocks are left out, as their sector is not known: %s", len(unknown), names)


def _sessions_of_month(month: date) -> list[date]:
    return [
        day
        for day in sessions_between(first_of_month(month), first_of_month(month) + timedelta(days=30))
        if day.month == month.month
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    return run_job("sector analysis", "Publish which sectors trend in a month.", run, arguments, MONTHS, None)


if __name__ == "__main__":
    sys.exit(main())

"""Which sectors trend in a month: collected_daily_stock_history -> analytics_sector_trending.

A month counts from the last session of the month before up to its own last one, or up to the session asked for while
it is running. A sector's stocks are the collected ones with a price in US dollars at both of these ends, each counting
alike (equal-weighted): the sector's monthly return is the mean of theirs, and so is its return of each day. It trends
when its monthly return is positive and higher than the benchmark's over the same sessions.

A stock, or a day of one that counts, that is left out for want of a price degrades the month, which says which. Stocks
are known by the holdings of the ETFs: where one that counts was in none of them by then, the month's holdings_as_of is
after its date.

The last weekend's run comes before the month's last session, so that every run also finishes the month before its own.
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

from batch import job
from batch.holdings import PRICES
from batch.job import Days, Job, Outcome, Part, Publication
from batch.returns import (
    PRICE_COLUMNS,
    SOURCES,
    exchanges_of,
    in_dollars,
    named,
    sessions_exchange_of,
    source_of,
    with_returns,
)
from batch.spark_trending_etf_identifier import PRICES as ETF_PRICES
from config.universe import universe
from database.db_helper import fetch
from database.queries import ledger
from database.queries.doubts import sessions_exchange
from database.queries.stale_publications import STOCKS
from database.tables import SECTOR_TRENDING
from utils.dates import HOME_EXCHANGE, last_session_by, sessions_between, sessions_of, window_of
from utils.errors import NotStored
from utils.spark_utils import local_frame, lookup

NAME = "sectors"
log = logging.getLogger(f"batch.{NAME}")


class Span(NamedTuple):
    """A month up to its last counted session, or one day of it, on an exchange's own sessions."""

    month_end: date
    exchange: str
    is_month: bool
    day: date
    start_session: date
    end_session: date


def month_of(day: date) -> tuple[int, int]:
    return day.year, day.month


def first_of(day: date) -> date:
    return day.replace(day=1)


def end_before(day: date) -> date:
    """The last session of the month before a day's.

    >>> end_before(date(2026, 8, 28))
    datetime.date(2026, 7, 31)
    """
    return last_session_by(first_of(day) - timedelta(days=1))


def month_ends_between(start: date, end: date) -> list[date]:
    """Of each month of a range its last session in the range.

    >>> [day.isoformat() for day in month_ends_between(date(2026, 6, 15), date(2026, 8, 14))]
    ['2026-06-30', '2026-07-31', '2026-08-14']
    """
    return [max(of_month) for _, of_month in groupby(sessions_between(start, end), key=month_of)]


MONTHS = Days(
    one="the session up to which its month counts, e.g. 2026-08-28; the month before is finished, too",
    many="month with a session",
    check=lambda day: sessions_of().position(day),
    between=month_ends_between,
)


def spans_of(month_end: date, exchange: str) -> list[Span]:
    """A month and its days on one exchange: a day is what closed there since the home exchange's session before.

    >>> for span in spans_of(date(2026, 8, 4), "XNYS"):
    ...     print(span.is_month, span.start_session, span.end_session)
    True 2026-07-31 2026-08-04
    False 2026-07-31 2026-08-03
    False 2026-08-03 2026-08-04
    """
    days = [end_before(month_end), *sessions_between(first_of(month_end), month_end)]
    ends = [(day, window_of(day, 0, exchange)[1]) for day in days]
    whole = Span(month_end, exchange, True, month_end, ends[0][1], ends[-1][1])
    return [
        whole,
        *(
            Span(month_end, exchange, False, day, start, end)
            for (_, start), (day, end) in pairwise(ends)
            if start < end
        ),
    ]


def sector_trends(
    stocks: DataFrame, spans: DataFrame, prices: DataFrame, benchmark: DataFrame, doubts: DataFrame | None = None
) -> DataFrame:
    """Each month's sectors in the table's columns.

    stocks: ticker, sector, known_since; spans: Span; prices: in dollars; benchmark: month_end, benchmark_return,
    benchmark_mistrust; doubts: what is said against the prices, see database.queries.doubts
    Beside them known_since, the latest of the stocks that count, and gaps: the days they lack, and what is noted.
    """
    wanted = (
        stocks.withColumn("exchange", sessions_exchange_of(F.col("ticker")))
        .join(lookup(spans), "exchange", "inner")
        .drop("exchange")
        .coalesce(1)
    )
    of_stock = Window.partitionBy("month_end", "ticker")
    counts = F.max(F.when(F.col("is_month"), F.col("period_return"))).over(of_stock).isNotNull()
    is_known = F.col("period_return").isNotNull()
    said = F.concat(named(F.col("ticker"), "missing"), named(F.col("ticker"), "noted"))
    each_day = (
        with_returns(wanted, prices, doubts)
        .withColumn("counts", counts)
        .where("counts")
        .groupBy("month_end", "sector", "is_month", "day")
        .agg(
            F.avg("period_return").alias("sector_return"),
            F.count("period_return").alias("stocks"),
            F.max(F.when(is_known, F.col("price_mistrust"))).alias("mistrust"),
            F.max("known_since").alias("known_since"),
            F.flatten(F.collect_list(F.when(F.size(said) > 0, said))).alias("gaps"),  # NULL is not collected
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
            F.max("mistrust").alias("mistrust"),
            F.max("known_since").alias("known_since"),
            F.array_sort(F.array_distinct(F.flatten(F.collect_list("gaps")))).alias("gaps"),
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
            source_of(F.greatest("mistrust", "benchmark_mistrust")).alias("source"),
            "known_since",
            "gaps",
        )
        .orderBy("as_of_date", "sector")
    )


def run(current: Job) -> Outcome:
    """Compute and publish each month asked for, and the month before the first one where it can be computed."""
    asked = {month_of(day): day for day in current.days}
    before = end_before(current.days[0])
    sources = benchmark_sources(current, [before, *asked.values()])
    skipped = {
        day: f"{universe().benchmark} has no price of {' and '.join(map(str, missing))}: "
        "collect it first (stage 1, daily_benchmark_etf_collection)"
        for day in asked.values()
        if (missing := [end for end in (end_before(day), day) if end not in sources])
    }
    months = [day for day in asked.values() if day not in skipped]
    if not months:
        raise NotStored("; ".join(skipped.values()))
    if end_before(before) in sources and before in sources:
        months.insert(0, before)
    _tell_of_unknown_sectors(current)
    rows = sectors(current, months).collect()
    gaps = gaps_of(current, months)
    publications = [
        publication_of(day, [row for row in rows if row.as_of_date == day], sources[day], gaps[day]) for day in months
    ]
    parts = [
        Part(
            SECTOR_TRENDING,
            {"year": day.year, "month": day.month},
            job.rows_of(SECTOR_TRENDING, [row for row in rows if row.as_of_date == day]),
        )
        for day in months
    ]
    job.publish(current, NAME, parts, publications, replacing=[each for day in months for each in _sessions_in(day)])
    return Outcome(publications, skipped)


def sectors(current: Job, months: Sequence[date]) -> DataFrame:
    """Read what the months need, and measure it all in one go."""
    tickers = [row["ticker"] for row in fetch(current.conn, STOCKS)]
    spans = [
        span for month in months for each in {HOME_EXCHANGE, *exchanges_of(tickers)} for span in spans_of(month, each)
    ]
    days = sorted({day for span in spans for day in (span.start_session, span.end_session)})
    frame = local_frame(current.spark, spans, Span._fields)
    benchmark = universe().benchmark
    of_benchmark = in_dollars(current.read(ETF_PRICES, tickers=[benchmark], sessions=days)).select(*PRICE_COLUMNS)
    return sector_trends(
        stocks=current.read(STOCKS),
        spans=frame,
        prices=in_dollars(current.read(PRICES, tickers=tickers, sessions=days)).select(*PRICE_COLUMNS),
        benchmark=benchmark_returns(frame, of_benchmark, current.doubts([benchmark], days)),
        doubts=current.doubts(tickers, days),
    )


def gaps_of(current: Job, months: Sequence[date]) -> Mapping[date, list[str]]:
    """Of each month the stocks and the benchmark that lack a price at an end of it, though it was expected.

    A stock that nobody asked for then is none of it: it came into a fund later, or has left it.
    """
    tickers = [*(row["ticker"] for row in fetch(current.conn, STOCKS)), universe().benchmark]
    windows = {
        (month, ticker): (ticker, *(window_of(end, 0, calendar)[1] for end in (end_before(month), month)))
        for month in months
        for ticker in tickers
        for calendar in [sessions_exchange(ticker)]
    }
    reasons = ledger.why_missing(current.conn, set(windows.values()), is_expected=True)
    found: dict[date, list[str]] = {month: [] for month in months}
    for (month, _), window in windows.items():
        found[month] += reasons.get(window, [])
    return found


def benchmark_returns(spans: DataFrame, prices: DataFrame, doubts: DataFrame | None = None) -> DataFrame:
    """month_end, benchmark_return, benchmark_mistrust"""
    months = spans.where(F.col("is_month") & (F.col("exchange") == HOME_EXCHANGE))
    return with_returns(months.withColumn("ticker", F.lit(universe().benchmark)), prices, doubts).select(
        "month_end",
        F.col("period_return").alias("benchmark_return"),
        F.col("price_mistrust").alias("benchmark_mistrust"),
    )


def benchmark_sources(current: Job, month_ends: Sequence[date]) -> Mapping[date, str]:
    """The ends of the months, and of those before them, on which the benchmark has a price -> its source."""
    ends = sorted({*month_ends, *map(end_before, month_ends)})
    rows = fetch(current.conn, ETF_PRICES, {"tickers": [universe().benchmark], "sessions": ends})
    return {row["trade_date"]: row["source"] for row in rows}


def publication_of(
    month_end: date, rows: Sequence[Row], benchmark_source: str, gaps: Iterable[str] = ()
) -> Publication:
    """What is said of a month as a whole; gaps: what its ends lack."""
    return Publication(
        job=NAME,
        as_of_date=month_end,
        period_days=0,
        status="published" if rows else "empty",
        reason=None
        if rows
        else f"no stock with a known sector has a price on {end_before(month_end)} and on {month_end}",
        row_count=len(rows),
        holdings_as_of=max((row.known_since for row in rows if row.known_since), default=None),
        source=max([benchmark_source, *map(attrgetter("source"), rows)], key=SOURCES.index),
        degraded_reason=job.degradation([*gaps, *(reason for row in rows for reason in row.gaps)]),
    )


def _tell_of_unknown_sectors(current: Job) -> None:
    unknown = fetch(
        current.conn,
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


def _sessions_in(month: date) -> list[date]:
    return [
        day
        for day in sessions_between(first_of(month), first_of(month) + timedelta(days=30))
        if day.month == month.month
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    return job.main("sector analysis", "Publish which sectors trend in a month.", run, arguments, MONTHS)


if __name__ == "__main__":
    sys.exit(main())

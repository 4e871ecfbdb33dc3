"""The return over N sessions, defined once for all jobs: R = A_end / A_start - 1, in US dollars.

A is the adjusted close. Both ends of the window are sessions of the ticker's own exchange. `utils.dates` finds them on
the driver, and the functions here only join prices to them. An end without a price gives no value and a reason, never
a shorter window. So does a withheld break inside the window. One session and a range of sessions run the same code:
their windows are rows of one table.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from batch.reasons import matching, no_reasons, reason_of
from config.exchanges import RATE, exchanges
from database.queries.doubts import CARRIED_RATE, NOTED, WITHHELD, sessions_exchange
from utils.dates import HOME_EXCHANGE, window_of
from utils.spark_utils import in_one_part, lookup

# Matches from a ticker's last point on, and nothing in a ticker without one.
SUFFIX = r"\.[^.]*$"


class ReturnWindow(NamedTuple):
    """The two sessions of an exchange between which a return is measured."""

    as_of_date: date
    exchange: str
    period_days: int
    start_session: date
    end_session: date


def windows_of(sessions: Sequence[date], exchanges: Iterable[str], periods: Sequence[int]) -> list[ReturnWindow]:
    """Return the window of each session, exchange and period.

    >>> for window in windows_of([date(2026, 8, 17)], ["XNYS", "XKRX"], [1]):   # Korea was closed on the 17th
    ...     print(window.exchange, window.start_session, window.end_session)
    XNYS 2026-08-14 2026-08-17
    XKRX 2026-08-13 2026-08-14
    """
    return [
        ReturnWindow(as_of, exchange, days, *window_of(as_of, days, exchange))
        for exchange in exchanges
        for as_of in sessions
        for days in periods
    ]


def exchanges_of(tickers: Iterable[str]) -> list[str]:
    """Return the exchanges whose sessions count for the tickers."""
    return sorted({sessions_exchange(ticker) for ticker in tickers})


def ends_of(windows: Iterable[ReturnWindow]) -> list[date]:
    """Return the start and end sessions of all windows: the only days whose prices are read."""
    return sorted({day for window in windows for day in (window.start_session, window.end_session)})


def exchange_of(ticker: Column) -> Column:
    """Return a ticker's exchange as `utils.dates.find_exchange` does, or NULL for an unknown suffix."""
    suffix = F.when(ticker.endswith(RATE), RATE).otherwise(F.regexp_extract(ticker, SUFFIX, 0))
    # As one text: each literal of its own would be a call of the JVM.
    table = ", ".join(f"'{suffix}', '{listing.exchange}'" for suffix, listing in exchanges().by_suffix.items())
    return F.try_element_at(F.expr(f"map({table})"), suffix)


def sessions_exchange_of(ticker: Column) -> Column:
    """Return the exchange whose sessions count for a ticker: its own, else the home exchange."""
    return F.coalesce(exchange_of(ticker), F.lit(HOME_EXCHANGE))


def simple_return(end: Column, start: Column) -> Column:
    """Return end / start - 1, or NULL when either is NULL or start is 0."""
    # Spark's plain division raises an error for a zero.
    return F.try_divide(end, start) - F.lit(1.0)


def with_windows(wanted: DataFrame, windows: DataFrame) -> DataFrame:
    """Add period_days, start_session and end_session: one row for each (as_of_date, ticker, ...) and period."""
    # A small job's is one partition already, but Spark cannot tell after an inner join.
    return in_one_part(
        wanted.withColumn("exchange", sessions_exchange_of(F.col("ticker")))
        .join(lookup(windows), on=["as_of_date", "exchange"], how="inner")
        .drop("exchange")
    )


def with_returns(wanted: DataFrame, prices: DataFrame, doubts: DataFrame | None = None) -> DataFrame:
    """Add the return between each row's two sessions, why there is none, and what describes the ticker at the end.

    wanted: ticker, start_session, end_session, ...
    prices: ticker, trade_date, currency, price (in dollars), source_rank, ...
    doubts: the rows of database.queries.doubts, or None without any
    Adds period_return, missing (why there is no value, else empty), noted (why a value is degraded), price_source_rank.
    Both are lists of reasons (batch.reasons).
    """
    point = ("trade_date", "currency", "price", "source_rank")
    at_end = prices.withColumnsRenamed({column: f"end_{column}" for column in point})
    at_start = prices.select("ticker", *(F.col(column).alias(f"start_{column}") for column in point))
    joined = wanted.join(
        lookup(at_end.withColumnRenamed("end_trade_date", "end_session")), ["ticker", "end_session"], "left"
    ).join(lookup(at_start.withColumnRenamed("start_trade_date", "start_session")), ["ticker", "start_session"], "left")
    is_withheld = F.size("withheld") > 0
    no_price = F.array_compact(F.array(_why_no_price_at("end"), _why_no_price_at("start")))
    no_exchange = why_no_exchange(F.col("ticker"))
    return (
        _with_doubts(joined, doubts)
        .withColumns(
            {
                "period_return": F.when(
                    no_exchange.isNull() & ~is_withheld, simple_return(F.col("end_price"), F.col("start_price"))
                ),
                "missing": F.when(no_exchange.isNull(), F.concat(no_price, "withheld")).otherwise(F.array(no_exchange)),
                "price_source_rank": F.greatest("end_source_rank", "start_source_rank"),
            }
        )
        .drop("withheld", *(f"{end}_{column}" for end in ("start", "end") for column in point))
    )


def _with_doubts(wanted: DataFrame, doubts: DataFrame | None) -> DataFrame:
    """Add withheld and noted: the reasons that take a return's value away, and those that degrade it."""
    if doubts is None:
        return wanted.withColumns({"withheld": no_reasons(), "noted": no_reasons()})
    start, end = F.col("start_session"), F.col("end_session")

    def is_inside(doubt: Column) -> Column:
        return (start < doubt.day) & (doubt.day <= end)

    def is_noted(doubt: Column) -> Column:
        is_carried = (doubt.kind == CARRIED_RATE) & ((doubt.day == start) | (doubt.day == end))
        return ((doubt.kind == NOTED) & is_inside(doubt)) | is_carried

    return (
        wanted.join(lookup(doubts_by_ticker(doubts)), "ticker", "left")
        .withColumns(
            {
                "withheld": matching("doubts", lambda doubt: (doubt.kind == WITHHELD) & is_inside(doubt)),
                "noted": matching("doubts", is_noted),
            }
        )
        .drop("doubts")
    )


def doubts_by_ticker(doubts: DataFrame) -> DataFrame:
    """Return ticker and doubts: all doubts about a ticker, in the order of their days."""
    doubt = F.struct(F.col("trade_date").alias("day"), "kind", "reason")
    return doubts.groupBy("ticker").agg(F.array_sort(F.collect_list(doubt)).alias("doubts"))


def _why_no_price_at(end_point: str) -> Column:
    currency, price, day = (F.col(f"{end_point}_{column}") for column in ("currency", "price", "session"))
    return why_no_price(currency, price, day)


def why_no_price(currency: Column, price: Column, day: Column) -> Column:
    """Return why a day has no dollar price, or NULL where it has one."""
    return F.when(currency.isNull(), reason_of("no_price", session=day)).when(
        price.isNull(), reason_of("no_rate", rate=F.concat(currency, F.lit(RATE)), session=day)
    )


def why_no_exchange(ticker: Column) -> Column:
    """Return why a ticker has no exchange, as `utils.dates.why_no_exchange` does, or NULL."""
    reason = reason_of("no_exchange", suffix=F.regexp_extract(ticker, SUFFIX, 0))
    return F.when(exchange_of(ticker).isNull(), reason)

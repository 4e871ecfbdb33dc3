"""What "the return over N sessions" is, for every job: R = A_end / A_start - 1, in US dollars, on two named sessions.

A is the adjusted close. The window's end points are sessions of the ticker's own exchange, decided by `utils.dates` on
the driver; here they are only joined to prices. An end point without a price gives no value and a reason, never a
shorter window. As the windows of one day and of a range of days are rows of the same table, both run the same code.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from utils import dates
from utils.dates import EXCHANGE_BY_SUFFIX, HOME_EXCHANGE, window_of

HOME_CURRENCY = "USD"
# From most to least trustworthy: what is computed from several rows carries the label of the worst of them.
SOURCES = ("yahoo", "recorded", "simulated")

WINDOW_SCHEMA = "as_of_date date, exchange string, period_days int, start_session date, end_session date"


class Window(NamedTuple):
    as_of_date: date
    exchange: str
    period_days: int
    start_session: date
    end_session: date


def windows_of(sessions: Sequence[date], exchanges: Iterable[str], periods: Sequence[int]) -> list[Window]:
    """Both end points for each session, exchange and period.

    >>> for window in windows_of([date(2026, 8, 17)], ["XNYS", "XKRX"], [1]):
    ...     print(window.exchange, window.start_session, window.end_session)
    XNYS 2026-08-14 2026-08-17
    XKRX 2026-08-13 2026-08-14
    """
    return [
        Window(as_of, exchange, days, *window_of(as_of, days, exchange))
        for exchange in exchanges
        for as_of in sessions
        for days in periods
    ]


def exchanges_of(tickers: Iterable[str]) -> list[str]:
    """The exchanges whose calendars are needed."""
    return sorted({dates.exchange_of(ticker) for ticker in tickers})


def sessions_used(windows: Iterable[Window]) -> list[date]:
    """The only days whose prices are needed."""
    return sorted({day for window in windows for day in (window.start_session, window.end_session)})


def exchange_of(ticker: Column) -> Column:
    """`utils.dates.exchange_of`, as a column."""
    by_suffix = [F.when(ticker.endswith(suffix), exchange) for suffix, exchange in EXCHANGE_BY_SUFFIX.items()]
    return F.coalesce(*by_suffix, F.lit(HOME_EXCHANGE))


def simple_return(end: Column, start: Column) -> Column:
    """NULL where an end point is; Spark's plain division would raise for a zero."""
    return F.try_divide(end, start) - F.lit(1.0)


def mistrust(source: Column) -> Column:
    """A row's source as a number that grows with the doubt, so that `greatest` and `max` find the worst of several.

    NULL (a row that is not there) stays NULL; an unknown label is as doubtful as the worst known one.
    """
    position = F.array_position(F.array(*map(F.lit, SOURCES)), source)
    return F.when(position == 0, len(SOURCES)).otherwise(position).cast("int")


def source_of(mistrust: Column) -> Column:
    """The label back from the number."""
    return F.element_at(F.array(*map(F.lit, SOURCES)), mistrust)


def in_dollars(prices: DataFrame, rates: DataFrame) -> DataFrame:
    """Prices and market caps of all currencies in dollars, at the rate of the row's own day; NULL without a rate.

    prices: ticker, trade_date, currency, adj_close, market_cap, mistrust, ...;
    rates: currency, trade_date, rate (units of it per dollar), rate_mistrust.
    """
    rate = F.when(F.col("currency") == HOME_CURRENCY, F.lit(1.0)).otherwise(F.col("rate"))
    return (
        prices.join(F.broadcast(rates), on=["currency", "trade_date"], how="left")
        .withColumn("price", F.try_divide(F.col("adj_close"), rate))
        .withColumn("market_cap", F.round(F.try_divide(F.col("market_cap"), rate)).cast("bigint"))
        .withColumn("mistrust", F.greatest("mistrust", "rate_mistrust"))
        .drop("adj_close", "rate", "rate_mistrust")
    )


def period_returns(wanted: DataFrame, windows: DataFrame, prices: DataFrame) -> DataFrame:
    """Each wanted (as_of_date, ticker) over each period, with both sessions, the return, and why there is none.

    prices: ticker, trade_date, currency, price (in dollars), mistrust, and whatever else of the end session's row the
    caller wants to keep.
    """
    start_prices = prices.select(
        "ticker",
        F.col("trade_date").alias("start_session"),
        F.col("currency").alias("start_currency"),
        F.col("price").alias("start_price"),
        F.col("mistrust").alias("start_mistrust"),
    )
    end_prices = prices.withColumnsRenamed(
        {"trade_date": "end_session", "currency": "end_currency", "price": "end_price", "mistrust": "end_mistrust"}
    )
    return (
        wanted.withColumn("exchange", exchange_of(F.col("ticker")))
        .join(F.broadcast(windows), on=["as_of_date", "exchange"], how="inner")
        .join(F.broadcast(end_prices), on=["ticker", "end_session"], how="left")
        .join(F.broadcast(start_prices), on=["ticker", "start_session"], how="left")
        .withColumn("period_return", simple_return(F.col("end_price"), F.col("start_price")))
        .withColumn("missing", F.array_compact(F.array(_why_missing("end"), _why_missing("start"))))
        .withColumn("mistrust", F.greatest("end_mistrust", "start_mistrust"))
        .drop("exchange", *(f"{end}_{part}" for end in ("start", "end") for part in ("price", "currency", "mistrust")))
    )


def _why_missing(end_point: str) -> Column:
    """Why an end point has no dollar price; NULL where it has one."""
    day, currency, price = (F.col(f"{end_point}_{part}") for part in ("session", "currency", "price"))
    return F.when(currency.isNull(), F.concat(F.lit("no price on "), day.cast("string"))).when(
        price.isNull(), F.concat(F.lit("no "), currency, F.lit("=X rate on "), day.cast("string"))
    )

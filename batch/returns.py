"""What "the return over N sessions" is, for every job: R = A_end / A_start - 1, in US dollars, on two named sessions.

A is the adjusted close. Both end points are sessions of the ticker's own exchange; `utils.dates` decides them on the
driver, and here they are only joined to prices. An end point without a price gives no value and a reason, never a
shorter window; so does a withheld break between the two. The windows of one session and of a range of sessions are
rows of one table, so both run the same code.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import chain
from typing import NamedTuple

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from config.exchanges import RATE, exchanges
from database.queries.doubts import CARRIED_RATE, NOTED, WITHHELD, sessions_exchange
from utils.dates import HOME_EXCHANGE, window_of
from utils.spark_utils import lookup

HOME_CURRENCY = "USD"
# From most to least trustworthy: what is computed from several rows carries the label of the worst of them.
SOURCES = ("yahoo", "recorded", "simulated")

# From a ticker's last point on; nothing of a ticker without one.
SUFFIX = r"\.[^.]*$"

# What a return takes of a price; the rest is what is known of the ticker on that day.
PRICE_COLUMNS = ("ticker", "trade_date", "currency", "price", "mistrust")


class Window(NamedTuple):
    as_of_date: date
    exchange: str
    period_days: int
    start_session: date
    end_session: date


def windows_of(sessions: Sequence[date], exchanges: Iterable[str], periods: Sequence[int]) -> list[Window]:
    """Both end points for each session, exchange and period.

    >>> for window in windows_of([date(2026, 8, 17)], ["XNYS", "XKRX"], [1]):   # Korea was closed on the 17th
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
    return sorted({sessions_exchange(ticker) for ticker in tickers})


def sessions_used(windows: Iterable[Window]) -> list[date]:
    """The only days whose prices are needed."""
    return sorted({day for window in windows for day in (window.start_session, window.end_session)})


def exchange_of(ticker: Column) -> Column:
    """`utils.dates.find_exchange` as a column: NULL of an unknown suffix."""
    suffix = F.when(ticker.endswith(RATE), RATE).otherwise(F.regexp_extract(ticker, SUFFIX, 0))
    table = ((suffix, listing.exchange) for suffix, listing in exchanges().by_suffix.items())
    return F.try_element_at(F.create_map(*map(F.lit, chain.from_iterable(table))), suffix)


def sessions_exchange_of(ticker: Column) -> Column:
    """The exchange whose sessions count for a ticker: its own, else the home exchange's."""
    return F.coalesce(exchange_of(ticker), F.lit(HOME_EXCHANGE))


def simple_return(end: Column, start: Column) -> Column:
    """NULL where an end point is; Spark's plain division would raise for a zero."""
    return F.try_divide(end, start) - F.lit(1.0)


def mistrust(source: Column) -> Column:
    """A row's source as a number that grows with the doubt, so that `greatest` and `max` find the worst of several.

    NULL (a row that is not there) stays NULL; an unknown label is as doubtful as the worst known one.
    """
    position = F.array_position(F.array(*map(F.lit, SOURCES)), source)
    return F.when(position == 0, len(SOURCES)).otherwise(position).cast("int")


def with_mistrust(frame: DataFrame) -> DataFrame:
    return frame.withColumn("mistrust", mistrust(F.col("source"))).drop("source")


def source_of(mistrust: Column) -> Column:
    """The label back from the number."""
    return F.element_at(F.array(*map(F.lit, SOURCES)), mistrust)


def in_dollars(prices: DataFrame) -> DataFrame:
    """Adjusted close and market cap in dollars, at the rate of the row's own day; NULL without a rate.

    prices: ticker, trade_date, currency, adj_close, source, market_cap, rate (units of the currency per dollar),
    rate_source, and what else is known of the ticker.
    """
    rate = F.when(F.col("currency") == HOME_CURRENCY, F.lit(1.0)).otherwise(F.col("rate"))
    return prices.withColumns(
        {
            "price": F.try_divide(F.col("adj_close"), rate),
            "market_cap": F.round(F.try_divide(F.col("market_cap").cast("double"), rate)).cast("bigint"),
            "mistrust": F.greatest(mistrust(F.col("source")), mistrust(F.col("rate_source"))),
        }
    ).drop("adj_close", "source", "rate", "rate_source")


def with_windows(wanted: DataFrame, windows: DataFrame) -> DataFrame:
    """Each wanted (as_of_date, ticker, ...) with both sessions of every period, as `period_days` and two dates."""
    return (
        wanted.withColumn("exchange", sessions_exchange_of(F.col("ticker")))
        .join(lookup(windows), on=["as_of_date", "exchange"], how="inner")
        .drop("exchange")
        .coalesce(1)  # which it is already, but of an inner join Spark does not know it
    )


def with_returns(wanted: DataFrame, prices: DataFrame, doubts: DataFrame | None = None) -> DataFrame:
    """Adds the return between each row's two sessions, why there is none, and what prices know of the end session.

    wanted: ticker, start_session, end_session, ...
    prices: ticker, trade_date, currency, price (in dollars), mistrust, ...
    doubts: what is said against the prices, see database.queries.doubts; None: nothing is
    Adds period_return, missing (reasons, empty when there is a value), noted (why a value is degraded), price_mistrust.
    """
    point = ("trade_date", "currency", "price", "mistrust")
    at_end = prices.withColumnsRenamed({column: f"end_{column}" for column in point})
    at_start = prices.select("ticker", *(F.col(column).alias(f"start_{column}") for column in point))
    joined = wanted.join(
        lookup(at_end.withColumnRenamed("end_trade_date", "end_session")), ["ticker", "end_session"], "left"
    ).join(lookup(at_start.withColumnRenamed("start_trade_date", "start_session")), ["ticker", "start_session"], "left")
    is_withheld = F.size("withheld") > 0
    no_price = F.array_compact(F.array(_why_missing("end"), _why_missing("start")))
    no_exchange = why_no_exchange(F.col("ticker"))
    return (
        _with_doubts(joined, doubts)
        .withColumns(
            {
                "period_return": F.when(
                    no_exchange.isNull() & ~is_withheld, simple_return(F.col("end_price"), F.col("start_price"))
                ),
                "missing": F.when(no_exchange.isNull(), F.concat(no_price, "withheld")).otherwise(F.array(no_exchange)),
                "price_mistrust": F.greatest("end_mistrust", "start_mistrust"),
            }
        )
        .drop("withheld", *(f"{end}_{column}" for end in ("start", "end") for column in point))
    )


def _with_doubts(wanted: DataFrame, doubts: DataFrame | None) -> DataFrame:
    """Adds withheld and noted: what is said against each row's return, and what it is published with."""
    if doubts is None:
        return wanted.withColumns({"withheld": no_reasons(), "noted": no_reasons()})
    start, end = F.col("start_session"), F.col("end_session")

    def is_between(doubt: Column) -> Column:
        return (start < doubt.day) & (doubt.day <= end)

    def is_noted(doubt: Column) -> Column:
        is_carried = (doubt.kind == CARRIED_RATE) & ((doubt.day == start) | (doubt.day == end))
        return ((doubt.kind == NOTED) & is_between(doubt)) | is_carried

    return (
        wanted.join(lookup(by_ticker(doubts)), "ticker", "left")
        .withColumns(
            {
                "withheld": reasons_of("doubts", lambda doubt: (doubt.kind == WITHHELD) & is_between(doubt)),
                "noted": reasons_of("doubts", is_noted),
            }
        )
        .drop("doubts")
    )


def no_reasons() -> Column:
    return F.array().cast("array<string>")


def by_ticker(doubts: DataFrame) -> DataFrame:
    """ticker, doubts: all of a ticker's in the order of their days."""
    doubt = F.struct(F.col("trade_date").alias("day"), "kind", "reason")
    return doubts.groupBy("ticker").agg(F.array_sort(F.collect_list(doubt)).alias("doubts"))


def reasons_of(doubts: str, applies: Callable[[Column], Column]) -> Column:
    """The reasons of those of a row's doubts that apply; none where the row has no doubts."""
    reasons = F.transform(F.filter(doubts, applies), lambda doubt: doubt.reason)
    return F.coalesce(reasons, no_reasons())


def _why_missing(end_point: str) -> Column:
    currency, price, day = (F.col(f"{end_point}_{column}") for column in ("currency", "price", "session"))
    return why_missing(currency, price, day)


def why_missing(currency: Column, price: Column, day: Column) -> Column:
    """Why there is no dollar price of a day; NULL where there is one."""
    return F.when(currency.isNull(), F.concat(F.lit("no price on "), day.cast("string"))).when(
        price.isNull(), F.concat(F.lit("no "), currency, F.lit("=X rate on "), day.cast("string"))
    )


def why_no_exchange(ticker: Column) -> Column:
    """`utils.dates.why_no_exchange` as a column: NULL where the exchange is known."""
    reason = F.concat(F.lit("no exchange is known for the suffix "), F.regexp_extract(ticker, SUFFIX, 0))
    return F.when(exchange_of(ticker).isNull(), reason)


def named(ticker: Column, reasons: str) -> Column:
    """Each of a row's reasons after the ticker that it is about."""
    return F.transform(reasons, lambda reason: F.concat(ticker, F.lit(": "), reason))

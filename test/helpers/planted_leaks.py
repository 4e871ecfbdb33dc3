"""Ten ways in which a job could look ahead: what to put in the place of its own code, and which job then leaks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Window, WindowSpec

from batch import (
    allocation_inputs,
    holdings,
    spark_active_stock_allocator,
    spark_etf_top_holdings,
    spark_monthly_portfolio_rebalancer,
    spark_portfolio_performance,
    spark_trending_etf_identifier,
    track_record,
)
from batch.prices import ETF_PRICES, STOCK_PRICES
from batch.returns import windows_of
from database.queries.decisions import POSITIONS
from ops.evidence.jobs import ALLOCATION, PERFORMANCE, REBALANCE, TOP_HOLDINGS, TRENDING, Published
from utils.dates import session_after

PRICE, MARKET_CAP = "dollar_adj_close AS price", "dollar_market_cap AS market_cap"
NEXT_CLOSE = """
    (SELECT later.dollar_adj_close FROM collected_dollar_close AS later
    WHERE later.ticker = collected_dollar_close.ticker AND later.trade_date > collected_dollar_close.trade_date
    ORDER BY later.trade_date LIMIT 1)
"""
NEXT_RATE = """
    (SELECT later.close_price::float8 FROM collected_daily_stock_history AS later
    WHERE later.ticker = currency || '=X' AND later.trade_date > collected_dollar_close.trade_date
    ORDER BY later.trade_date LIMIT 1)
"""
IN_DOLLARS_OF_TOMORROW = f"""
    CASE currency WHEN 'USD' THEN dollar_adj_close ELSE adj_close::float8 / {NEXT_RATE} END AS price
"""
NEXT_CLOSE_OF_BENCHMARK = f"CASE ticker WHEN 'SPY' THEN {NEXT_CLOSE} ELSE dollar_adj_close END AS price"
NEWEST_CAP = """
    (SELECT newest.market_cap FROM collected_daily_stock_history AS newest
    WHERE newest.ticker = collected_dollar_close.ticker ORDER BY newest.trade_date DESC LIMIT 1)
"""


class Leak(NamedTuple):
    """patched: (module, name) -> what stands there instead."""

    job: Published
    patched: Mapping[tuple[Any, str], Any]


def _newest_holdings(listed: DataFrame) -> DataFrame:
    """Let the newest list of each fund count on every day."""
    newest = F.max("holdings_as_of").over(Window.partitionBy("etf_ticker"))
    never = F.lit(None).cast("date")
    return (
        listed.withColumn("newest", newest)
        .where("holdings_as_of = newest")
        .drop("newest")
        .withColumns({"since": never, "until": never})
    )


def _shifted(windows_of: Callable[..., Any]) -> Callable[..., Any]:
    """Let each window end a session later, under the session's own name."""

    def windows(sessions: Any, *others: Any) -> Any:
        own = dict(zip((session_after(day, 1) for day in sessions), sessions, strict=True))
        return [each._replace(as_of_date=own[each.as_of_date]) for each in windows_of([*own], *others)]

    return windows


def _whole_sectors(with_all_periods: Callable[[DataFrame], DataFrame]) -> Callable[[DataFrame], DataFrame]:
    """Let a sector's average be that of all days of the run."""

    def averaged(returns: DataFrame) -> DataFrame:
        everywhere = F.avg("period_return").over(Window.partitionBy("period_days", "sector"))
        return with_all_periods(returns).withColumn("sector_avg_5d", everywhere)

    return averaged


def _all_days() -> WindowSpec:
    return (
        Window.partitionBy("period_days")
        .orderBy("position")
        .rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    )


# What is held on a session was decided two sessions before it: three later, it is what that evening does not know yet.
TOMORROWS_WEIGHTS = f"""
    WITH position AS ({POSITIONS}), decision AS (
        SELECT period_days, decided_on, LAG(decided_on, 3) OVER in_order AS earlier
        FROM position GROUP BY period_days, decided_on
        WINDOW in_order AS (PARTITION BY period_days ORDER BY decided_on)
    )
    SELECT period_days, earlier AS decided_on, ticker, weight
    FROM position JOIN decision USING (period_days, decided_on)
    WHERE earlier IS NOT NULL
"""

allocator, rebalancer = spark_active_stock_allocator, spark_monthly_portfolio_rebalancer
performance, top_holdings, trending = spark_portfolio_performance, spark_etf_top_holdings, spark_trending_etf_identifier

# A job, and those whose results it reads.
WITH_EARLIER: Mapping[Published, Sequence[Published]] = {
    TRENDING: (TRENDING,),
    ALLOCATION: (TRENDING, ALLOCATION),
    REBALANCE: (TRENDING, ALLOCATION, REBALANCE),
    TOP_HOLDINGS: (TOP_HOLDINGS,),
    PERFORMANCE: (TRENDING, ALLOCATION, REBALANCE, PERFORMANCE),
}

LEAKS: Mapping[str, Leak] = {
    "the close of the next session": Leak(
        TRENDING, {(trending, "ETF_PRICES"): ETF_PRICES.replace(PRICE, f"{NEXT_CLOSE} AS price")}
    ),
    "a window that ends a session later": Leak(TRENDING, {(trending, "windows_of"): _shifted(windows_of)}),
    "the newest list of holdings": Leak(ALLOCATION, {(holdings, "with_validity"): _newest_holdings}),
    "the newest market cap": Leak(
        ALLOCATION,
        {(allocation_inputs, "STOCK_PRICES"): STOCK_PRICES.replace(MARKET_CAP, f"{NEWEST_CAP} AS market_cap")},
    ),
    "a sector's average over all days": Leak(
        ALLOCATION, {(allocator, "with_all_periods"): _whole_sectors(allocator.with_all_periods)}
    ),
    "the exchange rate of the day after": Leak(
        TOP_HOLDINGS, {(top_holdings, "STOCK_PRICES"): STOCK_PRICES.replace(PRICE, IN_DOLLARS_OF_TOMORROW)}
    ),
    "the highest value over all dates": Leak(PERFORMANCE, {(track_record, "_so_far"): _all_days}),
    "the weights of tomorrow": Leak(PERFORMANCE, {(performance, "POSITIONS"): TOMORROWS_WEIGHTS}),
    "the benchmark's next close": Leak(
        PERFORMANCE, {(performance, "STOCK_PRICES"): STOCK_PRICES.replace(PRICE, NEXT_CLOSE_OF_BENCHMARK)}
    ),
    "the portfolios of the month that comes": Leak(
        REBALANCE, {(rebalancer, "last_session_by"): lambda day: session_after(day, 1)}
    ),
}

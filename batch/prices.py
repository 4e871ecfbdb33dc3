"""The stored prices that jobs read, in dollars, and on which days the benchmark has one."""

from collections.abc import Sequence
from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from batch.runner import Job
from batch.sources import source_rank
from config.universe import universe
from database.db_helper import fetch
from utils.reasons import Reason, reason

HOME_CURRENCY = "USD"

# What a return needs of a price. The other columns describe the ticker on that day.
PRICE_COLUMNS = ("ticker", "trade_date", "currency", "price", "source_rank")

STOCK_PRICES = """
    SELECT ticker, trade_date, currency, adj_close::float8 AS adj_close, market_cap, market_cap_source, company_name,
        sector, source, per_dollar AS rate, rate_source
    FROM collected_dollar_close
    WHERE ticker = ANY(%(tickers)s) AND trade_date = ANY(%(sessions)s)
"""
ETF_PRICES = """
    SELECT ticker, trade_date, currency, adj_close::float8 AS adj_close, market_cap, source,
        per_dollar AS rate, rate_source
    FROM collected_dollar_close
    WHERE is_etf AND ticker = ANY(%(tickers)s) AND trade_date = ANY(%(sessions)s)
"""


def in_dollars(prices: DataFrame) -> DataFrame:
    """Convert adjusted closes and market caps to dollars, at the rate of the row's own day. NULL without a rate.

    prices: ticker, trade_date, currency, adj_close, source, market_cap, rate (units of the currency per dollar),
    rate_source, and what else describes the ticker.
    """
    rate = F.when(F.col("currency") == HOME_CURRENCY, F.lit(1.0)).otherwise(F.col("rate"))
    return prices.withColumns(
        {
            "price": F.try_divide(F.col("adj_close"), rate),
            "market_cap": F.round(F.try_divide(F.col("market_cap").cast("double"), rate)).cast("bigint"),
            "source_rank": F.greatest(source_rank(F.col("source")), source_rank(F.col("rate_source"))),
        }
    ).drop("adj_close", "source", "rate", "rate_source")


def benchmark_sources(job: Job, sessions: Sequence[date]) -> dict[date, str]:
    """Return the sessions on which the benchmark has a price, each with the price's data source."""
    rows = fetch(job.conn, ETF_PRICES, {"tickers": [universe().benchmark], "sessions": list(sessions)})
    return {row["trade_date"]: row["source"] for row in rows}


def why_no_benchmark(days: Sequence[date]) -> Reason:
    """Tell which prices of the benchmark are missing, and which stage collects them."""
    return reason("no_benchmark_price", benchmark=universe().benchmark, days=list(days))

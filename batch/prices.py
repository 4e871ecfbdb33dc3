"""The stored prices that jobs read, in dollars, and on which days the benchmark has one."""

from collections.abc import Collection, Sequence
from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from batch.runner import Job
from batch.sources import source_rank
from config.universe import universe
from database.db_helper import fetch
from utils.reasons import Reason, reason

# What a return needs of a price. The other columns describe the ticker on that day.
PRICE_COLUMNS = ("ticker", "trade_date", "currency", "price", "source_rank")

STOCK_PRICES = """
    SELECT ticker, trade_date, currency, dollar_adj_close AS price, dollar_market_cap AS market_cap, market_cap_source,
        company_name, sector, source, rate_source
    FROM collected_dollar_close
    WHERE ticker = ANY(%(tickers)s) AND trade_date = ANY(%(sessions)s)
"""
ETF_PRICES = f"{STOCK_PRICES} AND is_etf"


def read_prices(job: Job, query: str, tickers: Collection[str], sessions: Sequence[date]) -> DataFrame:
    """Read STOCK_PRICES or ETF_PRICES: price and market_cap in dollars, which are NULL without a rate."""
    return with_price_rank(job.read_parted(query, "ticker", tickers, tickers=list(tickers), sessions=list(sessions)))


def with_price_rank(prices: DataFrame) -> DataFrame:
    """Replace the sources of a price and of its rate by the rank of the less trusted one."""
    rank = F.greatest(source_rank(F.col("source")), source_rank(F.col("rate_source")))
    return prices.withColumn("source_rank", rank).drop("source", "rate_source")


def benchmark_sources(job: Job, sessions: Sequence[date]) -> dict[date, str]:
    """Return the sessions on which the benchmark has a price, each with the price's data source."""
    rows = fetch(job.conn, ETF_PRICES, {"tickers": [universe().benchmark], "sessions": list(sessions)})
    return {row["trade_date"]: row["source"] for row in rows}


def why_no_benchmark(days: Sequence[date]) -> Reason:
    """Tell which prices of the benchmark are missing, and which stage collects them."""
    return reason("no_benchmark_price", benchmark=universe().benchmark, days=list(days))

"""What ETFs hold as of a session, and the prices of it: read and joined the same way by every job that asks.

A snapshot counts from the session it was collected on until the ETF's next one. Before the first one Yahoo cannot be
asked any more what an ETF held: the first one stands in, and its date, after the session's, shows that it does.
"""

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Window

from utils.spark_utils import lookup

HOLDINGS = """
    SELECT etf_ticker, stock_ticker AS ticker, stock_name, holding_rank, holding_percent::float8 AS holding_percent,
        collected_date AS holdings_as_of, source
    FROM collected_etf_holdings
    WHERE holding_rank <= %(top)s
"""
PRICES = """
    SELECT ticker, trade_date, currency, adj_close::float8 AS adj_close, market_cap, market_cap_source, company_name,
        sector, source, per_dollar AS rate, rate_source
    FROM collected_dollar_close
    WHERE ticker = ANY(%(tickers)s) AND trade_date = ANY(%(sessions)s)
"""


def in_force(holdings: DataFrame) -> DataFrame:
    """When each snapshot counts: from its own day until the ETF's next one; the first also before its day."""
    of_etf = Window.partitionBy("etf_ticker")
    later = of_etf.orderBy(F.unix_date("holdings_as_of")).rangeBetween(1, Window.unboundedFollowing)
    is_first = F.col("holdings_as_of") == F.min("holdings_as_of").over(of_etf)
    return holdings.withColumns(
        {
            "since": F.when(~is_first, F.col("holdings_as_of")),
            "until": F.min("holdings_as_of").over(later),
        }
    )


def with_holdings(etfs: DataFrame, holdings: DataFrame) -> DataFrame:
    """Each (as_of_date, etf_ticker, ...) with its largest holdings, of the snapshot that counts as of the date.

    An ETF of which no snapshot is stored keeps one row, without a ticker.
    """
    as_of = F.col("as_of_date")
    counts = (F.col("since").isNull() | (F.col("since") <= as_of)) & (
        F.col("until").isNull() | (as_of < F.col("until"))
    )
    held = lookup(in_force(holdings).withColumnsRenamed({"etf_ticker": "holder", "mistrust": "holding_mistrust"}))
    return etfs.join(held, (F.col("etf_ticker") == F.col("holder")) & counts, "left").drop("holder", "since", "until")

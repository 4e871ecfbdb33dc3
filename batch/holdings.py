"""What ETFs hold as of a session, read and joined in the same way by all jobs.

A snapshot counts from the session it was collected on until the ETF's next one. The first one also counts for earlier
sessions, because Yahoo tells nothing about the past. Its date, which is then after the session's, shows this.
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


def with_validity(holdings: DataFrame) -> DataFrame:
    """Add since and until: the days from and before which each snapshot counts, or NULL for no limit."""
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
    """Add to each (as_of_date, etf_ticker, ...) its largest holdings, from the snapshot that counts on the date.

    An ETF without a snapshot keeps one row, which has no ticker.
    """
    as_of = F.col("as_of_date")
    counts = (F.col("since").isNull() | (F.col("since") <= as_of)) & (
        F.col("until").isNull() | (as_of < F.col("until"))
    )
    held = lookup(
        with_validity(holdings).withColumnsRenamed({"etf_ticker": "holder", "source_rank": "holding_source_rank"})
    )
    return etfs.join(held, (F.col("etf_ticker") == F.col("holder")) & counts, "left").drop("holder", "since", "until")

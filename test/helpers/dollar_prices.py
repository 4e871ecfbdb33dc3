"""Frames of dollar prices as the jobs read them, from prices in their own currency."""

from collections.abc import Sequence
from typing import Any

from batch.prices import with_price_rank

COLUMNS = (
    "ticker string, trade_date date, currency string, adj_close double, market_cap bigint, source string, "
    "rate double, rate_source string"
)
DESCRIBED = (
    "ticker string, trade_date date, currency string, adj_close double, market_cap bigint, market_cap_source string, "
    "company_name string, sector string, source string, rate double, rate_source string"
)


def dollar_prices(spark: Any, rows: Sequence[tuple[Any, ...]], columns: str = COLUMNS) -> Any:
    """Return what batch.prices.read_prices gives, with the view collected_dollar_close computed by Spark."""
    rate = "CASE currency WHEN 'USD' THEN 1D ELSE rate END"
    dollars = spark.createDataFrame(rows, columns).selectExpr(
        "* EXCEPT (adj_close, market_cap, rate)",
        f"adj_close / {rate} AS price",
        f"CAST(ROUND(market_cap / {rate}) AS BIGINT) AS market_cap",
    )
    return with_price_rank(dollars)

"""Our side of `bench scale` on Parquet: returns and flags over 5, 10 and 20 sessions, by Spark as a wide job has it.

`python -m ops.bench.scale_returns FOLDER MADE CORES SESSIONS MEMORY`

The function is the benchmark's own. A job joins prices to the two ends of each window, since it publishes a row, with
the reason, where a price is missing, too (`batch.returns.with_returns`). A test holds that both give the same returns.
In the trending job such windows would spare a seventh of the CPU that returns take of 1,240,000 rows, and nothing that
shows of 125,000, beside a second way to the same figures and reasons.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from batch.returns import simple_return
from config.config import Settings
from config.periods import PERIODS
from utils.spark_utils import WIDE, local_frame, session

FIRST = date(2000, 1, 3)


def with_returns_of_bars(bars: DataFrame, sessions: DataFrame, periods: Sequence[int]) -> DataFrame:
    """Add return_Nd to the bars of very many tickers: the return over N sessions to each bar, or NULL without a start.

    bars: ticker, trade_date, price, ...
    sessions: trade_date, position; the exchange's sessions, numbered without a gap
    """
    of_ticker = Window.partitionBy("ticker").orderBy("position")

    def start_price(days: int) -> Column:
        # By the session's number, not by the number of bars: a missing bar must not lengthen the window.
        return F.max("price").over(of_ticker.rangeBetween(-days, -days))

    returns = {f"return_{days}d": simple_return(F.col("price"), start_price(days)) for days in periods}
    return bars.join(F.broadcast(sessions), "trade_date").withColumns(returns).drop("position")


def main(folder: str, made: str, cores: str, sessions: str, memory: str) -> None:
    settings = replace(Settings.from_env().spark, master_url=f"local[{cores}]", executor_memory=memory)
    spark = session(settings, "bench scale", WIDE)
    numbered = [(FIRST + timedelta(days=nth), nth) for nth in range(int(sessions))]
    calendar = local_frame(spark, numbered, ("trade_date", "position"))
    returns = with_returns_of_bars(spark.read.parquet(folder), calendar, PERIODS)
    flags = {f"is_up_{days}d": F.coalesce(F.col(f"return_{days}d") > 0, F.lit(False)) for days in PERIODS}
    returns.withColumns(flags).write.mode("overwrite").parquet(made)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])

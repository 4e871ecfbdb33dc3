"""Our side of `bench scale` on Parquet: returns and flags over 5, 10 and 20 sessions, by the jobs' own function.

`python -m ops.bench.scale_returns FOLDER MADE CORES SESSIONS MEMORY`
"""

import sys
from dataclasses import replace
from datetime import date, timedelta

import pyspark.sql.functions as F

from batch.returns import with_returns_of_bars
from config.config import Settings
from config.periods import PERIODS
from utils.spark_utils import WIDE, local_frame, session

FIRST = date(2000, 1, 3)


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

"""What runs in a process of its own under the warm driver: the training at its start, and each job.

The process is a fork of one that has imported everything here, so it starts at once and leaves nothing behind. It never
opens a JVM: it works in that of the driver.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

from batch import (
    batch_monthly_sector_analyzer,
    spark_active_stock_allocator,
    spark_etf_top_holdings,
    spark_monthly_portfolio_rebalancer,
    spark_portfolio_performance,
    spark_trending_etf_identifier,
)
from batch.class_archive import portfolios, trending_etfs
from config.config import Settings
from utils.dates import sessions_of
from utils.kept_sessions import USUAL_EXCHANGES
from utils.spark_utils import session
from utils.warm_spark import let_go

JOBS = {
    f"{module.__name__.rpartition('.')[2]}.py": module.main
    for module in (
        spark_trending_etf_identifier,
        spark_active_stock_allocator,
        spark_portfolio_performance,
        spark_monthly_portfolio_rebalancer,
        spark_etf_top_holdings,
        batch_monthly_sector_analyzer,
    )
}
TRAININGS = 2

# Made before the process is forked.
for exchange in USUAL_EXCHANGES:
    sessions_of(exchange)


def run(script: str, arguments: Sequence[str], environment: Mapping[str, str], output: Connection) -> None:
    """Run a job. What it prints goes to `output`, and its exit code is that of the process."""
    os.environ.update(environment)
    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
    output.close()
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    try:
        code = JOBS[script](arguments)
    finally:
        let_go()
    sys.exit(code)


def train(environment: Mapping[str, str]) -> None:
    """Start Spark, and run the daily jobs' queries until their classes are loaded and their code is compiled."""
    os.environ.update(environment)
    spark = session(Settings.from_env().spark, "warm driver")
    for _ in range(TRAININGS):
        trending_etfs(spark).collect()
        portfolios(spark).collect()
    let_go()
    jvm: Any = spark._jvm
    jvm.System.gc()

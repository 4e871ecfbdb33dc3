"""The same range with everything that is known at its end: what a backfill of an empty platform gives."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date

from pyspark.sql import SparkSession

from batch import spark_active_stock_allocator, spark_trending_etf_identifier
from batch.runner import Job
from collector import kafka_producer_etf_holdings, kafka_producer_stock_daily
from collector.etf_bars import collect_etfs
from config.config import Settings
from config.universe import universe
from database.db_helper import connect
from ops.replay.chain import LAST, MONTHLY, rebalances_after, store

RUN_ID = "backfill"


def run(settings: Settings, spark: SparkSession, sessions: Sequence[date]) -> None:
    """Collect prices and holdings for the whole range, then run each job for all of its days at once."""
    first, last = sessions[0], sessions[-1]
    store(settings, collect_etfs(settings, universe().etfs, last, RUN_ID, since=first))
    store(settings, kafka_producer_etf_holdings.run(settings, "all", last, RUN_ID))
    store(settings, kafka_producer_stock_daily.run(settings, last, (), RUN_ID, accept_late=True, since=first))
    with closing(connect(settings.spark_database)) as conn:
        daily = Job(spark, conn, settings.spark_database, sessions, RUN_ID)
        spark_trending_etf_identifier.run(daily)
        spark_active_stock_allocator.run(daily)
        rebalances = [moment.date() for session in sessions for moment in rebalances_after(session)]
        if rebalances:
            for monthly in MONTHLY:
                monthly(replace(daily, days=rebalances))
        LAST(daily)

"""What the checks of publications take: a history made from what is stored, changed afterwards, and reproduced."""

import time
from collections.abc import Sequence
from contextlib import closing
from datetime import date

from pyspark.sql import SparkSession

from batch.batch_monthly_sector_analyzer import month_ends_between
from config.config import DatabaseSettings, Settings
from config.universe import universe
from database.db_helper import Connection, connect
from database.queries import collected
from database.tables import DAILY_ETF_OHLC
from ops.bench.report import Target, step
from ops.bench.scratch import scratch_database
from ops.errors import RunFailed
from ops.evidence.copying import copy_rows
from ops.evidence.futures import DATED
from ops.evidence.injections import migrate, restate, split
from ops.evidence.jobs import JOBS, REBALANCE, SECTORS, run
from ops.evidence.look_ahead import LookAhead, Progress, databases, fill
from ops.evidence.reproduce import chosen, own_database, reproduce_all
from utils.dates import last_sundays_between
from utils.spark_utils import session as spark_session

SESSIONS = 250
RESTATEMENTS, SPLITS = 1000, 20
REPRODUCED_SECONDS = 300
FUTURES = 20
# 250 sessions then have 20 futures each in about thirty runs over the whole range.
EVERY = 13


def measure_reproduction(settings: Settings) -> list[Target]:
    spark = spark_session(settings.spark, "bench")
    try:
        with closing(connect(settings.database)) as platform, scratch_database(settings.database) as scratch:
            sessions = _sessions(platform)
            _publish(platform, scratch, spark, sessions)
            return _reproduced(scratch, spark, sessions)
    finally:
        spark.stop()


def measure_look_ahead(settings: Settings) -> list[Target]:
    spark = spark_session(settings.spark, "bench")
    try:
        with closing(connect(settings.database)) as platform, databases(settings.database) as (reference, world):
            sessions = _sessions(platform)
            fill(platform, reference, sessions[0], sessions[-1])
            check = LookAhead(spark, reference, world, tell=Progress())
            found = sum(1 for _ in check.run(sessions, FUTURES, EVERY))
    finally:
        spark.stop()
    step(f"{len(sessions)} sessions x {FUTURES} random futures, {check.compared:,} published rows compared")
    return [Target("cells that another future changes", found, 0, at_most=True)]


def _sessions(platform: Connection) -> list[date]:
    stored = sorted(collected.bars(platform, DAILY_ETF_OHLC, universe().benchmark))
    if len(stored) < SESSIONS:
        raise RunFailed(f"{len(stored)} sessions are stored, and {SESSIONS} are wanted: ./start.sh history")
    return stored[-SESSIONS:]


def _publish(platform: Connection, scratch: DatabaseSettings, spark: SparkSession, sessions: Sequence[date]) -> None:
    """Publish the sessions from a copy of what is stored, and change what is stored afterwards."""
    days = {
        REBALANCE: last_sundays_between(sessions[0], sessions[-1]),
        SECTORS: month_ends_between(sessions[0], sessions[-1]),
    }
    with closing(connect(scratch)) as conn:
        for table in DATED:
            copy_rows(platform, conn, table.name, "TRUE")
    for job in JOBS.values():
        run(job, spark, scratch, days.get(job, sessions))
    with closing(connect(scratch)) as conn:
        restate(conn, RESTATEMENTS, seed=1)
        split(conn, SPLITS, seed=1)
        migrate(conn)
    step(f"{len(sessions)} sessions published, then {RESTATEMENTS:,} bars restated, {SPLITS} splits, a migration")


def _reproduced(scratch: DatabaseSettings, spark: SparkSession, sessions: Sequence[date]) -> list[Target]:
    with closing(connect(scratch)) as published, own_database(scratch) as own:
        with closing(connect(own)) as conn:
            migrate(conn)
        revisions = chosen(published, (str(sessions[0]), str(sessions[-1])))
        began = time.monotonic()
        outcomes = list(reproduce_all(published, own, spark, revisions))
        seconds = time.monotonic() - began
    equal = sum(outcome.is_equal for outcome in outcomes)
    step(f"{equal:,} of {len(outcomes):,} publications have the same digest")
    return [
        Target("publications with the same digest", 100 * equal / len(outcomes), 100, " %", digits=2),
        Target("to reproduce them", seconds, REPRODUCED_SECONDS, " s", at_most=True),
    ]

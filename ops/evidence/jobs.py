"""The Spark jobs with what each publishes, and the published rows of some days as values that can be compared."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from psycopg2 import sql
from pyspark.sql import SparkSession

from batch import (
    batch_monthly_sector_analyzer,
    spark_active_stock_allocator,
    spark_etf_top_holdings,
    spark_monthly_portfolio_rebalancer,
    spark_portfolio_performance,
    spark_trending_etf_identifier,
)
from batch.publishing import JobResult
from batch.runner import Job
from config.config import DatabaseSettings
from database.db_helper import Connection, Row, connect, fetch, identifiers
from database.queries import evidence
from database.queries.evidence import OF_JOB
from utils.errors import NotPublished, NotStored


@dataclass(frozen=True, eq=False)
class Published:
    """A job whose publications are computed again. What it publishes is in OF_JOB, by its name."""

    name: str
    run: Callable[[Job], JobResult]


# In the order in which each reads what the ones before it have published.
TRENDING = Published(spark_trending_etf_identifier.NAME, spark_trending_etf_identifier.run)
ALLOCATION = Published(spark_active_stock_allocator.NAME, spark_active_stock_allocator.run)
REBALANCE = Published(spark_monthly_portfolio_rebalancer.NAME, spark_monthly_portfolio_rebalancer.run)
TOP_HOLDINGS = Published(spark_etf_top_holdings.NAME, spark_etf_top_holdings.run)
SECTORS = Published(batch_monthly_sector_analyzer.NAME, batch_monthly_sector_analyzer.run)
PERFORMANCE = Published(spark_portfolio_performance.NAME, spark_portfolio_performance.run)
JOBS = {job.name: job for job in (TRENDING, ALLOCATION, REBALANCE, TOP_HOLDINGS, SECTORS, PERFORMANCE)}


class RowKey(NamedTuple):
    """Names a published row: whose, of which day, in which table, and the other columns of its key."""

    job: str
    day: date
    table: str
    key: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.job} of {self.day}, {self.table} {', '.join(map(str, self.key))}"


class Difference(NamedTuple):
    """A cell that is not what it was. column: empty where only one of the two has the row."""

    row: RowKey
    column: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if not self.column:
            return f"{self.row}: {'is not there any more' if self.after is None else 'was not there'}"
        return f"{self.row}: {self.column} was {self.before!r} and is {self.after!r}"


Rows = Mapping[RowKey, Mapping[str, Any]]


def run(job: Published, spark: SparkSession, database: DatabaseSettings, days: Sequence[date]) -> None:
    """Run a job for some days. One that lacks something for all of them publishes nothing."""
    if not days:
        return
    with closing(connect(database)) as conn:
        try:
            job.run(Job(spark, conn, database, days, None))
        except (NotStored, NotPublished):
            return


def published(conn: Connection, job: Published, days: Sequence[date]) -> Rows:
    """Return all that a job has published for some days."""
    found = {}
    for each in OF_JOB[job.name]:
        for row in _rows(conn, each, job.name, days):
            key = tuple(row[column] for column in each.table.key if column not in (each.day, "job"))
            found[RowKey(job.name, row[each.day], each.table.name, key)] = row
    return found


def _rows(conn: Connection, of: evidence.Published, job: str, days: Sequence[date]) -> list[Row]:
    query = sql.SQL("SELECT {} FROM {} WHERE {} = ANY(%(days)s) AND {}").format(
        identifiers(of.columns), sql.Identifier(of.table.name), sql.Identifier(of.day), of.condition
    )
    return fetch(conn, query, {"days": list(days), "job": job})


def differences(before: Rows, after: Rows) -> list[Difference]:
    """Return every cell that differs, in the order of the rows."""
    found = []
    for row in sorted({*before, *after}, key=str):
        then, now = before.get(row), after.get(row)
        if then is None or now is None:
            found.append(Difference(row, "", then, now))
            continue
        found += [Difference(row, name, then[name], now[name]) for name in then if then[name] != now.get(name)]
    return found

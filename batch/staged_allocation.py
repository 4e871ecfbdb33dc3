"""The portfolios of a wide job: executors write all candidates, then make and write the positions of their sessions.

The driver holds no row of either, only the publications. The functions that make a portfolio are those of a small job
(batch.portfolios). They are given the candidates that say something: the chosen ones, those with a gap, and all of a
portfolio that chooses nobody.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import pyspark.sql.functions as F
from psycopg2 import sql
from pyspark.sql import DataFrame, Row

from batch.allocation_inputs import WITHOUT_HOLDINGS
from batch.portfolios import Made, Others, Portfolio, TrendingResult, portfolios_of
from batch.publishing import published_periods, rows_for
from batch.runner import Job
from batch.staging import Staged, staged, staging_table
from config.config import DatabaseSettings
from config.periods import PERIODS
from config.universe import universe
from database.db_helper import Connection, connect, copy_rows, fetch, reading_as_of, transaction
from database.queries import missing_holdings
from database.tables import ALLOCATION_CANDIDATES, PORTFOLIO_ALLOCATION
from utils.reasons import Reason
from utils.spark_utils import partitions_of

# What a position has beside its candidate.
OF_A_POSITION = (
    "market_cap_source",
    "company_name",
    "sector",
    *(f"{column}_{days}d" for days in PERIODS for column in ("return", "sector_avg", "is_trending")),
)
# A further column of a staged candidate: what it says of its portfolio, as JSON, or NULL where it says nothing.
SAYS = "says"
TOLD = """
    SELECT as_of_date, period_days, etf_ticker, ticker, holdings_as_of, period_return, market_cap, is_selected,
        exclusion_reason::text AS exclusion_reason, start_session, end_session, source, says
    FROM {rows} AS candidate
    WHERE as_of_date = ANY(%(days)s) AND (
        says IS NOT NULL
        OR etf_ticker = ANY(%(odd_lists)s)
        OR (as_of_date, period_days) IN (
            SELECT as_of_date, period_days FROM {rows} WHERE as_of_date = ANY(%(days)s)
            GROUP BY as_of_date, period_days HAVING NOT BOOL_OR(is_selected)))
    ORDER BY as_of_date, period_days, etf_ticker COLLATE "C", holding_rank, ticker COLLATE "C"
"""
OTHERS = """
    SELECT as_of_date, period_days, ARRAY_AGG(DISTINCT source) AS sources, MAX(holdings_as_of) AS holdings_as_of
    FROM {rows} WHERE as_of_date = ANY(%(days)s) GROUP BY as_of_date, period_days
"""


class Task(NamedTuple):
    """What an executor needs to make the portfolios of some sessions.

    snapshot: the moment at which it reads why a price is missing
    candidates, positions: the tables to read, and to write
    without_holdings: the funds that trend and have no holdings, by session and period
    said_of_lists: (session, ETF) -> what is said of its list of holdings
    """

    database: DatabaseSettings
    snapshot: str
    candidates: Staged
    positions: str
    results: Mapping[date, TrendingResult]
    without_holdings: Sequence[Mapping[str, Any]]
    said_of_lists: Mapping[tuple[date, str], Sequence[Reason]]


class AllStaged(NamedTuple):
    candidates: Staged
    positions: Staged
    made: Made
    without_holdings: Collection[str]


@contextmanager
def staged_allocation(job: Job, candidates: DataFrame, results: Mapping[date, TrendingResult]) -> Iterator[AllStaged]:
    """Let the executors write the candidates and the positions, and return both until the end."""
    without = fetch(
        job.conn,
        WITHOUT_HOLDINGS,
        {"sessions": list(results), "periods": list(published_periods()), "top": universe().top_holdings},
    )
    with (
        staged(job, ALLOCATION_CANDIDATES, with_what_it_says(candidates), {SAYS: "text"}) as rows,
        staging_table(job, PORTFOLIO_ALLOCATION) as positions,
    ):
        _index(job.writer or job.conn, rows)
        said = missing_holdings.said_of_lists(job.conn, list(results))
        task = Task(job.database, job.snapshot or "", rows, positions, results, without, said)
        parts = job.spark.sparkContext.parallelize(sorted(results), min(len(results), partitions_of(job.spark)))
        found = parts.mapPartitions(partial(_make, task)).collect()
        made = Made(
            [],
            sorted((each for part in found for each in part.publications), key=attrgetter("as_of_date", "period_days")),
            {key: reasons for part in found for key, reasons in part.gaps.items()},
        )
        count = sum(publication.row_count for publication in made.publications)
        yield AllStaged(rows, Staged(positions, count), made, {row["etf_ticker"] for row in without})


def with_what_it_says(candidates: DataFrame) -> DataFrame:
    """Add to the candidates what they say of their portfolio."""
    has_no_cap = F.col("exclusion_reason").contains('"no_market_cap"')
    says_something = F.col("is_selected") | F.col("is_in_doubt") | F.coalesce(has_no_cap, F.lit(False))
    told = F.to_json(F.struct("is_in_doubt", *OF_A_POSITION), {"ignoreNullFields": "false"})
    return candidates.where(F.col("ticker").isNotNull()).withColumn(SAYS, F.when(says_something, told))


def _index(conn: Connection, rows: Staged) -> None:
    """Let each executor find its sessions."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE INDEX ON {} (as_of_date)").format(rows.identifier))
        cursor.execute(sql.SQL("ANALYZE {} (as_of_date, period_days)").format(rows.identifier))


def _make(task: Task, days: Iterator[date]) -> Iterator[Made]:
    """Make the portfolios of an executor's sessions, and write their positions."""
    with (
        closing(connect(task.database)) as conn,
        reading_as_of(task.database, task.snapshot) as reading,
    ):
        made = [_made_of(task, conn, reading, day) for day in days]
        rows = rows_for(PORTFOLIO_ALLOCATION, (row for each in made for row in each.positions))
        with transaction(conn), conn.cursor() as cursor:
            copy_rows(cursor, Staged(task.positions, 0).identifier, PORTFOLIO_ALLOCATION, rows)
    return (each._replace(positions=[]) for each in made)


def _made_of(task: Task, conn: Connection, reading: Connection, day: date) -> Made:
    said = {(as_of, etf): reasons for (as_of, etf), reasons in task.said_of_lists.items() if as_of == day}
    params = {"days": [day], "odd_lists": [etf for _, etf in said]}
    told = map(_row, fetch(conn, sql.SQL(TOLD).format(rows=task.candidates.identifier), params))
    without = (_without_holdings(row) for row in task.without_holdings if row["as_of_date"] == day)
    rows = sorted([*told, *without], key=attrgetter("as_of_date", "period_days", "etf_ticker"))
    return portfolios_of(reading, rows, {day: task.results[day]}, said, _others(task, conn, day))


def _others(task: Task, conn: Connection, day: date) -> dict[Portfolio, Others]:
    found = fetch(conn, sql.SQL(OTHERS).format(rows=task.candidates.identifier), {"days": [day]})
    return {(row["as_of_date"], row["period_days"]): Others(row["sources"], [row["holdings_as_of"]]) for row in found}


def _row(stored: Mapping[str, Any]) -> Row:
    """Return a staged candidate as a row of the frame."""
    says = msgspec.json.decode(stored[SAYS]) if stored[SAYS] else {"is_in_doubt": False}
    return Row(**{**stored, **says})


def _without_holdings(fund: Mapping[str, Any]) -> Row:
    return Row(**fund, ticker=None, is_selected=False, is_in_doubt=False, exclusion_reason=None)

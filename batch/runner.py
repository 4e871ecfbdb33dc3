"""What the Spark jobs share: their command line, their run, and how a result is published."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg2
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from batch.returns import Window
from config.config import ConfigError, DatabaseSettings, Settings, SparkSettings
from config.universe import UniverseError, universe
from database.db_helper import Connection, connect, fetch, replace_partition, transaction
from database.queries import doubts as stored_doubts
from database.queries.doubts import DOUBTS
from database.tables import PUBLICATION, Table
from utils.dates import parse_date, sessions_between, sessions_of
from utils.errors import ActstockError, InvalidInput
from utils.logging_utils import configure_logging
from utils.spark_utils import local_frame, read_query, session

log = logging.getLogger(__name__)

# The analytics tables have a column for each of these; another period would have nowhere to be stored.
STORED_PERIODS = (5, 10, 20)
SHOWN_REASONS = 5


@dataclass(frozen=True)
class Days:
    """What the days of a job are: in words, a single one checked, and those of a range (both ends included)."""

    one: str
    many: str
    check: Callable[[date], object]
    between: Callable[[date, date], list[date]]


SESSIONS = Days(
    one="the session to compute, e.g. 2026-08-21",
    many="session",
    check=lambda day: sessions_of().position(day),
    between=sessions_between,
)


@dataclass(frozen=True)
class Job:
    """What one run works with; its session may still be starting."""

    session: SparkSession | Future[SparkSession]
    conn: Connection
    database: DatabaseSettings
    days: Sequence[date]
    run_id: str | None

    @property
    def spark(self) -> SparkSession:
        return self.session.result() if isinstance(self.session, Future) else self.session

    def read(self, query: str, **params: Any) -> DataFrame:
        """A query's rows; psycopg writes the parameters into it, as JDBC's `query` option can bind none."""
        with self.conn.cursor() as cursor:
            bound = cursor.mogrify(query, params).decode()
        return read_query(self.spark, self.database, bound)

    def doubts(self, tickers: Collection[str], sessions: Collection[date]) -> DataFrame | None:
        """What is said against these prices, None on the many days on which nothing is: a join less for Spark."""
        said = stored_doubts.params(tickers, sessions)
        return self.read(DOUBTS, **said) if fetch(self.conn, DOUBTS, said) else None

    def windows(self, windows: Sequence[Window]) -> DataFrame:
        return local_frame(self.spark, windows, Window._fields)


@dataclass(frozen=True)
class Publication:
    """One line of analytics_publication; as_of_date is the day of the job: a session, or a rebalance date."""

    job: str
    as_of_date: date
    period_days: int
    row_count: int
    source: str
    status: str = "published"
    reason: str | None = None
    cash_weight: float = 0.0
    holdings_as_of: date | None = None
    degraded_reason: str | None = None


@dataclass(frozen=True)
class Part:
    """A part of a table (column -> value, or list of values), and the only rows there from now on."""

    table: Table
    where: Mapping[str, Any]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Outcome:
    """What a run has published, and the days it could not compute, with the reason.

    A range goes on past such a day, as the days one by one would. What was published for it before stays.
    """

    publications: Sequence[Publication]
    skipped: dict[date, str]

    def summary(self) -> dict[str, Any]:
        empty = sum(publication.status == "empty" for publication in self.publications)
        return {
            "days": len({publication.as_of_date for publication in self.publications}),
            "publications": len(self.publications),
            "empty": empty,
            "degraded": sum(publication.degraded_reason is not None for publication in self.publications),
            "rows": sum(publication.row_count for publication in self.publications),
            "skipped": {day.isoformat(): reason for day, reason in self.skipped.items()},
        }


def publish(
    job: Job,
    name: str,
    parts: Sequence[Part],
    publications: Sequence[Publication],
    replacing: Sequence[date] | None = None,
) -> None:
    """Replace parts of tables and the publications of the same days, all in one transaction.

    replacing: the days whose publications make way, where they are not just the published ones.
    Two runs that publish the same days at once do so one after the other.
    """
    days = sorted(replacing or {publication.as_of_date for publication in publications})
    lines = [tuple(getattr(line, column, job.run_id) for column in PUBLICATION.columns) for line in publications]
    log.info("publishing %d rows in one transaction", sum(len(part.rows) for part in parts))
    with transaction(job.conn), job.conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"publish {name}",))
        for part in parts:
            replace_partition(job.conn, part.table, part.where, part.rows)
        replace_partition(job.conn, PUBLICATION, {"job": name, "as_of_date": days}, lines)


def degradation(reasons: Iterable[str | None]) -> str | None:
    """Why a publication is degraded, None when nothing was missing.

    >>> degradation(["XLB has no bar of 2026-08-21 (late)", None, "IWM has no bar of 2026-08-21 (late)"])
    'IWM has no bar of 2026-08-21 (late); XLB has no bar of 2026-08-21 (late)'
    """
    return "; ".join(sorted({reason for reason in reasons if reason})) or None


def rows_of(table: Table, rows: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Rows (by column name) as tuples in the table's column order."""
    return [tuple(row[column] for column in table.columns) for row in rows]


def periods() -> tuple[int, ...]:
    """The universe's periods; InvalidInput when the tables have no columns for one of them."""
    for days in universe().periods:
        if days not in STORED_PERIODS:
            raise InvalidInput(f"period of {days} sessions: the tables hold {', '.join(map(str, STORED_PERIODS))}")
    return universe().periods


def main(
    name: str,
    description: str,
    run: Callable[[Job], Outcome],
    arguments: Sequence[str] | None,
    days: Days = SESSIONS,
) -> int:
    """Run a job from the command line: its summary is the last line of standard output, an error one line on stderr.

    spark-submit passes on both as one stream, so an error about skipped days is said before the summary.
    Exit code 2 for a request that cannot be met, 1 for everything else that went wrong, a skipped day included.
    """
    options = _command_line(description, days).parse_args(arguments)
    configure_logging()
    logging.getLogger("py4j").setLevel(logging.ERROR)
    try:
        outcome = _run(name, run, options, days)
    except (ActstockError, ConfigError, UniverseError) as error:
        return _fail(str(error), 2 if isinstance(error, (InvalidInput, ConfigError, UniverseError)) else 1)
    except psycopg2.Error as error:
        return _fail(f"PostgreSQL: {str(error).strip().splitlines()[0]}", 1)
    except (PySparkException, Py4JError) as error:
        log.debug("Spark failed", exc_info=True)
        return _fail(f"Spark: {spark_message(error)}", 1)
    exit_code = _fail(_not_published(outcome.skipped), 1) if outcome.skipped else 0
    print(json.dumps(outcome.summary()), flush=True)
    return exit_code


def _command_line(description: str, days: Days) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--as-of-date", metavar="DATE", help=days.one)
    parser.add_argument("--from", dest="start", metavar="DATE", help=f"every {days.many} from this day ...")
    parser.add_argument("--to", dest="end", metavar="DATE", help="... to this one, both included")
    parser.add_argument("--run-id", default=os.environ.get("RUN_ID"), help="stored with what is published")
    return parser


def _run(name: str, run: Callable[[Job], Outcome], options: argparse.Namespace, days: Days) -> Outcome:
    settings = Settings.from_env()
    start, end = _asked_for(options)
    with _session_being_started(settings.spark, name) as spark:
        asked = _days(days, start, end)
        conn = connect(settings.spark_database)
        try:
            return run(Job(spark, conn, settings.spark_database, asked, options.run_id))
        finally:
            conn.close()


@contextmanager
def _session_being_started(settings: SparkSettings, name: str) -> Iterator[Future[SparkSession]]:
    """The JVM takes seconds to set up a session: whatever needs none (calendars, checks) is done meanwhile."""
    log.info("starting Spark")
    with ThreadPoolExecutor(1) as background:
        starting = background.submit(session, settings, name)
        try:
            yield starting
        finally:
            if not starting.exception():
                starting.result().stop()


def _asked_for(options: argparse.Namespace) -> tuple[date, date | None]:
    """A single day, or both ends of a range."""
    if options.as_of_date and not (options.start or options.end):
        return parse_date(options.as_of_date), None
    if options.start and options.end and not options.as_of_date:
        start, end = parse_date(options.start), parse_date(options.end)
        if start > end:
            raise InvalidInput(f"--from {start} is after --to {end}")
        return start, end
    raise InvalidInput("give either --as-of-date DATE, or --from DATE and --to DATE")


def _days(days: Days, start: date, end: date | None) -> list[date]:
    if end is None:
        days.check(start)
        return [start]
    found = days.between(start, end)
    if not found:
        raise InvalidInput(f"there is no {days.many} from {start} to {end}")
    return found


def _not_published(skipped: dict[date, str]) -> str:
    """All reasons of a few days, the first and last of many."""
    reasons = list(skipped.values())
    shown = reasons if len(reasons) <= SHOWN_REASONS else [reasons[0], "...", reasons[-1]]
    return f"{len(reasons)} of the days asked for not published: {'; '.join(shown)}"


def spark_message(error: Exception) -> str:
    """The line that says what happened: of a Java exception the second, after Py4J's own words.

    >>> spark_message(Exception("An error occurred while calling o1.x.\\n: java.lang.Error: no master\\n\\tat a.b"))
    'java.lang.Error: no master'
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return next((line.removeprefix(": ") for line in lines if line.startswith(": ")), lines[0])


def _fail(message: str, exit_code: int) -> int:
    sys.stdout.flush()
    print(f"error: {message}", file=sys.stderr, flush=True)
    return exit_code

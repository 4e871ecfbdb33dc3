"""Run a Spark job from the command line: arguments, Spark session, database, errors and exit code."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import wraps
from typing import Any

import psycopg2
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, DataFrameReader, SparkSession

from batch.publishing import SHOWN_REASONS, JobResult
from config.config import DatabaseSettings, Settings, SparkSettings, YahooSettings
from config.universe import universe
from database.db_helper import Connection, connect, held_alone, reading_at_once
from database.queries import doubts as stored_doubts
from database.queries.doubts import DOUBTS
from utils.command_line import WRONG_SETTINGS, Failure, exit_code, failure_of, print_failure
from utils.dates import about_sessions, parse_date, sessions_between, sessions_of
from utils.errors import ActstockError, InvalidInput
from utils.logging_utils import configure_logging
from utils.reasons import Reason, reason
from utils.spark_utils import SMALL, Profile, in_one_part, is_wide, partitions_of, profile_for, session
from utils.warm_spark import is_warm

log = logging.getLogger(__name__)

RowsADay = Callable[[YahooSettings], int]


@dataclass(frozen=True)
class JobCalendar:
    """The days for which a job can run: how --help and errors call them, a check of one, and those of a range."""

    help: str
    noun: str
    check: Callable[[date], object]
    between: Callable[[date, date], list[date]]


SESSIONS = JobCalendar(
    help="the session to compute, e.g. 2026-08-21",
    noun="session",
    check=lambda day: sessions_of().position(day),
    between=sessions_between,
)


def etfs_a_day(yahoo: YahooSettings) -> int:
    """Return how many ETFs a job computes for a day."""
    return len(universe().etfs)


def holdings_a_day(yahoo: YahooSettings) -> int:
    """Return about how many holdings a job computes for a day at most."""
    return universe().holdings_at_most(universe().etfs, yahoo.listed_holdings)


@dataclass(frozen=True)
class Job:
    """What one run of a job works with. Its Spark session may still be starting.

    conn: where the job reads, and publishes unless `writer` is another one
    snapshot: the moment at which everything is read (see `of_one_moment`)
    """

    session: SparkSession | Future[SparkSession]
    conn: Connection
    database: DatabaseSettings
    days: Sequence[date]
    run_id: str | None
    writer: Connection | None = None
    snapshot: str | None = None

    @property
    def spark(self) -> SparkSession:
        """The Spark session. Waits until it has started."""
        return self.session.result() if isinstance(self.session, Future) else self.session

    def read(self, query: str, **params: Any) -> DataFrame:
        """Return the rows of a query as a frame: of one partition in a small job.

        Queries cast NUMERIC to float8: Spark would read it as DECIMAL, and round products and quotients
        (findings/spark_product_of_postgresql_numerics.sh).
        """
        return in_one_part(self._jdbc().option("query", self._bound(query, params)).load())

    def read_parted(self, query: str, column: str, values: Collection[str], **params: Any) -> DataFrame:
        """Return the rows of a query, which a wide job reads in parts: each has some of the values of a column.

        values: all that the column can have
        """
        if not is_wide(self.spark):
            return self.read(query, **params)
        ordered = sorted(values)
        count = min(partitions_of(self.spark), len(ordered))
        parts = [ordered[first::count] for first in range(count)]
        predicates = [self._bound(f"{column} = ANY(%(part)s)", {"part": part}) for part in parts]
        return self._jdbc().jdbc(self._url, f"({self._bound(query, params)}) AS wanted", predicates=predicates)

    def _bound(self, query: str, params: Mapping[str, Any]) -> str:
        """Write the parameters into the text, because Spark's reader takes none."""
        with self.conn.cursor() as cursor:
            return str(cursor.mogrify(query, params).decode())

    @property
    def _url(self) -> str:
        return f"jdbc:postgresql://{self.database.host}:{self.database.port}/{self.database.name}"

    def _jdbc(self) -> DataFrameReader:
        options = {
            "url": self._url,
            "driver": "org.postgresql.Driver",
            "user": self.database.user,
            "password": self.database.password,
            "fetchsize": "10000",
        }
        if self.snapshot:
            options["sessionInitStatement"] = (
                f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '{self.snapshot}'"
            )
        return self.spark.read.format("jdbc").options(**options)

    @contextmanager
    def of_one_moment(self) -> Iterator["Job"]:
        """Return this job with all that it reads as of one moment, by its own connection as by Spark's.

        So the digest of what it rests on is that of what it has read, whatever is stored meanwhile.
        """
        with reading_at_once(self.database) as (conn, snapshot):
            yield replace(self, conn=conn, writer=self.conn, snapshot=snapshot)

    def doubts(self, tickers: Collection[str], sessions: Collection[date]) -> DataFrame | None:
        """Return the doubts about these prices, or None when there are none."""
        params = stored_doubts.params(tickers, sessions)
        # On most days there are none, and then Spark need not read and join them.
        with self.conn, self.conn.cursor() as cursor:
            cursor.execute(f"SELECT EXISTS ({DOUBTS})", params)
            has_doubts = cursor.fetchone() == (True,)
        return self.read(DOUBTS, **params) if has_doubts else None


Run = Callable[[Job], JobResult]


def one_at_a_time(name: str) -> Callable[[Run], Run]:
    """Let runs of a job wait for each other, whatever their days: each reads what the one before has published.

    Above `of_one_moment`, so that the moment comes after the wait.
    """

    def in_turn(run: Run) -> Run:
        @wraps(run)
        def alone(job: Job) -> JobResult:
            with held_alone(job.conn, f"run {name}"):
                return run(job)

        return alone

    return in_turn


def of_one_moment(run: Run) -> Run:
    """Let a job read everything as of one moment."""

    @wraps(run)
    def at_once(job: Job) -> JobResult:
        with job.of_one_moment() as reading:
            return run(reading)

    return at_once


def run_job(
    name: str,
    description: str,
    run: Run,
    arguments: Sequence[str] | None,
    calendar: JobCalendar = SESSIONS,
    rows_a_day: RowsADay | None = holdings_a_day,
) -> int:
    """Run a job from the command line and return its exit code.

    rows_a_day: about how many rows the job computes for a day, which decides its profile (utils.spark_utils). None for
    a job that is always small: of sectors, of the monthly portfolio, of the record. A year of them is some thousand
    rows at most, and their averages and products have one order of adding up, which several partitions would not keep.

    0: all days are published. 2: the request cannot be met. 1: anything else went wrong, a skipped day included.
    The last line of standard output is an object: the summary, or the error under the name `error`, or both of them. An
    error is also a line of standard error.
    """
    options = _command_line(description, calendar).parse_args(arguments)
    configure_logging()
    logging.getLogger("py4j").setLevel(logging.ERROR)
    try:
        result = _run(name, run, options, calendar, rows_a_day)
    except (ActstockError, *WRONG_SETTINGS) as error:
        return _fail(failure_of(error), exit_code(error))
    except psycopg2.Error as error:
        return _fail(_unexpected("PostgreSQL", str(error).strip().splitlines()[0]))
    except (PySparkException, Py4JError) as error:
        log.debug("Spark failed", exc_info=True)
        return _fail(_unexpected("Spark", spark_message(error)))
    if result.skipped:
        return _fail(_skipped(list(result.skipped.values())), beside=result.summary())
    print(json.dumps(result.summary()), flush=True)
    return 0


def _command_line(description: str, calendar: JobCalendar) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--as-of-date", metavar="DATE", help=calendar.help)
    parser.add_argument("--from", dest="start", metavar="DATE", help=f"the first day of a range: every {calendar.noun}")
    parser.add_argument("--to", dest="end", metavar="DATE", help="the last day of the range, included")
    parser.add_argument("--run-id", default=os.environ.get("RUN_ID"), help="an identifier, stored with every row")
    return parser


def _run(
    name: str,
    run: Run,
    options: argparse.Namespace,
    calendar: JobCalendar,
    rows_a_day: RowsADay | None,
) -> JobResult:
    settings = Settings.from_env()
    start, end = _date_range(options)
    profile = _profile(settings, about_sessions(start, end or start), rows_a_day)
    if profile is not SMALL and is_warm():
        raise PySparkException("the warm driver has one core and little memory, which is not for a wide job")
    with _starting_session(settings.spark, name, profile) as spark:
        days = _job_days(calendar, start, end)
        conn = connect(settings.spark_database)
        try:
            return run(Job(spark, conn, settings.spark_database, days, options.run_id))
        finally:
            conn.close()


def _profile(settings: Settings, days: int, rows_a_day: RowsADay | None) -> Profile:
    if rows_a_day is None:
        log.info("few rows to publish, however long the range: the small profile, whatever SPARK_PROFILE says")
        return SMALL
    rows = days * rows_a_day(settings.yahoo)
    profile = profile_for(settings.spark, rows)
    log.info("about %d rows to compute: the %s profile", rows, profile.name)
    return profile


@contextmanager
def _starting_session(settings: SparkSettings, name: str, profile: Profile) -> Iterator[Future[SparkSession]]:
    """Start a Spark session in the background, and stop it at the end."""
    log.info("starting Spark")
    # The JVM takes seconds to start. Calendars and checks need no session and run meanwhile.
    with ThreadPoolExecutor(1) as background:
        starting = background.submit(session, settings, name, profile)
        try:
            yield starting
        finally:
            if not starting.exception():
                starting.result().stop()


def _date_range(options: argparse.Namespace) -> tuple[date, date | None]:
    """Return the two ends of the range, or one day and None."""
    if options.as_of_date and not (options.start or options.end):
        return parse_date(options.as_of_date), None
    if options.start and options.end and not options.as_of_date:
        start, end = parse_date(options.start), parse_date(options.end)
        if start > end:
            raise InvalidInput(f"--from {start} is after --to {end}")
        return start, end
    raise InvalidInput("give either --as-of-date DATE, or --from DATE and --to DATE")


def _job_days(calendar: JobCalendar, start: date, end: date | None) -> list[date]:
    if end is None:
        calendar.check(start)
        return [start]
    days = calendar.between(start, end)
    if not days:
        raise InvalidInput(f"there is no {calendar.noun} from {start} to {end}")
    return days


def _skipped(reasons: Sequence[Reason]) -> Failure:
    """Name the reason of each skipped day, or of the first and the last one if there are many."""
    shown = reasons if len(reasons) <= SHOWN_REASONS else [reasons[0], "...", reasons[-1]]
    why = reason("days_skipped", count=len(reasons), reasons=list(shown))
    return Failure("DaysSkipped", str(why), True, why)


def _unexpected(kind: str, message: str) -> Failure:
    """Describe an error of a service, which another try may not meet."""
    why = reason("unexpected", kind=kind, message=message)
    return Failure(kind, str(why), True, why)


def spark_message(error: Exception) -> str:
    """Return the line that says what happened.

    Py4J puts a line of its own before a Java exception.

    >>> spark_message(Exception("An error occurred while calling o1.x.\\n: java.lang.Error: no master\\n\\tat a.b"))
    'java.lang.Error: no master'
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return next((line.removeprefix(": ") for line in lines if line.startswith(": ")), lines[0])


def _fail(failure: Failure, code: int = 1, beside: dict[str, Any] | None = None) -> int:
    """Print the error and return the exit code."""
    # spark-submit merges both streams into one, and its caller reads the object from the end: the words come first.
    sys.stdout.flush()
    print(f"error: {failure.message}", file=sys.stderr, flush=True)
    print_failure(failure, beside)
    return code

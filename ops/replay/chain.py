"""The daily chain of one session with the run's own code: producers, Kafka, consumers, jobs; and the month's."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from pyspark.sql import SparkSession

from batch import (
    spark_active_stock_allocator,
    spark_monthly_portfolio_rebalancer,
    spark_portfolio_performance,
    spark_trending_etf_identifier,
)
from batch.publishing import JobResult
from batch.runner import Job
from collector import kafka_producer_trending_etf_holdings
from collector.etf_bars import collect_etfs
from collector.receipt import Receipt, wait_until_stored
from config.config import Settings
from config.universe import universe
from database.db_helper import Connection
from utils.dates import last_sundays_between, session_before
from utils.errors import NotPublished, NotStored, Rejected
from utils.reasons import join

REBALANCE_AT = time(14, tzinfo=UTC)


@dataclass(frozen=True)
class Evening:
    """One session's run: what it works with, and what its stages lacked. `conn` is the Spark jobs' connection.

    A stage that lacks something is no reason to leave out the next ones, as in the staggered schedule.
    """

    settings: Settings
    spark: SparkSession
    conn: Connection
    session: date
    run_id: str
    problems: list[str] = field(default_factory=list)

    def collect(self, send: Callable[[], Receipt]) -> None:
        try:
            self.problems.extend(store(self.settings, send()))
        except NotPublished as error:
            self.problems.append(str(error))

    def publish(self, run: Callable[[Job], JobResult], day: date | None = None) -> None:
        """Run a job for a day, else for the session."""
        try:
            run(Job(self.spark, self.conn, self.settings.spark_database, [day or self.session], self.run_id))
        except (NotStored, NotPublished) as error:
            self.problems.append(str(error))


def store(settings: Settings, receipt: Receipt) -> list[str]:
    """Wait for the rows of what was sent, and return what the source or a consumer held back."""
    held_back = [f"{ticker}: {join(reasons)}" for ticker, reasons in receipt.missing.items()]
    try:
        wait_until_stored(settings, receipt)
    except Rejected as error:
        held_back.append(str(error))
    return held_back


def collect_benchmarks(evening: Evening) -> None:
    _collect_etfs(evening, universe().group("benchmark"))


def collect_sectors(evening: Evening) -> None:
    _collect_etfs(evening, universe().group("sector"))


def _collect_etfs(evening: Evening, etfs: tuple[str, ...]) -> None:
    evening.collect(lambda: collect_etfs(evening.settings, etfs, evening.session, evening.run_id))


def identify_trending(evening: Evening) -> None:
    evening.publish(spark_trending_etf_identifier.run)


def collect_holdings(evening: Evening) -> None:
    evening.collect(
        lambda: kafka_producer_trending_etf_holdings.run(
            evening.settings, evening.session, evening.run_id, accept_late=True
        )
    )


def allocate(evening: Evening) -> None:
    evening.publish(spark_active_stock_allocator.run)


def follow(evening: Evening) -> None:
    """Follow all portfolios from the first one on up to the session."""
    evening.publish(LAST)


DAILY: tuple[Callable[[Evening], None], ...] = (
    collect_benchmarks,
    collect_sectors,
    identify_trending,
    collect_holdings,
    allocate,
)
# One run follows all portfolios from the first one on. Without `follow` there is one, after the last session.
LAST: Callable[[Job], JobResult] = spark_portfolio_performance.run
# Jobs whose day is a rebalance date.
MONTHLY: tuple[Callable[[Job], JobResult], ...] = (spark_monthly_portfolio_rebalancer.run,)


def rebalances_after(session: date) -> list[datetime]:
    """Return the monthly rebalances between a session and the next one.

    >>> rebalances_after(date(2026, 5, 29))
    [datetime.datetime(2026, 5, 31, 14, 0, tzinfo=datetime.timezone.utc)]
    >>> rebalances_after(date(2026, 5, 28)), rebalances_after(date(2026, 6, 5))
    ([], [])
    """
    day_before_next = session_before(session, -1) - timedelta(days=1)
    return [datetime.combine(day, REBALANCE_AT) for day in last_sundays_between(session, day_before_next)]

"""`look-ahead FROM TO`: prove that no published row of a session rests on anything after it.

The sessions are computed once on what is stored, and once more for each future: on the same rows up to a cut, with
nothing behind it, or with random bars, lists of holdings and doubts. Every cell that is published has to be the same.

With 20 futures each session is compared in 20 draws. In one of them the future begins at the next session, in another
one two sessions later, and so on up to 20. At the range's end it begins earlier, and is another one in each draw. One
more draw has no future at all, like the session's own evening. With `--every 5` the futures begin behind every fifth
session alone, 1 to 100 sessions behind the others: that takes a third of the time.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import SparkSession

from config.config import ConfigError, DatabaseSettings, Settings
from database import tables
from database.db_helper import Connection, connect, transaction
from ops.console import complain, say
from ops.databases import copy_database, create_database, drop_databases
from ops.evidence.copying import allow_changes, copy_rows
from ops.evidence.futures import DATED, SESSIONS_AHEAD, draw, forget, forget_published
from ops.evidence.jobs import (
    ALLOCATION,
    JOBS,
    PERFORMANCE,
    REBALANCE,
    SECTORS,
    TOP_HOLDINGS,
    TRENDING,
    Difference,
    Published,
    Rows,
    differences,
    published,
    run,
)
from ops.pipeline.progress import in_words
from utils.dates import last_sundays_between, previous_month_end, session_after, session_before, sessions_between
from utils.errors import ActstockError, InvalidInput
from utils.logging_utils import configure_logging
from utils.spark_utils import session as spark_session

NAME = "lookahead"
# Before the first session: what its windows and the month before its own reach back to.
SESSIONS_BEFORE = 50
# So many sessions behind a cut are published as well: a portfolio of tomorrow that is there can be peeked at.
PUBLISHED_AHEAD = 3
SHOWN = 20


@dataclass(frozen=True)
class Cut:
    """A draw's number (0: nothing behind the cut), the sessions that are compared, and the last of them, the cut."""

    draw: int
    sessions: Sequence[date]

    @property
    def session(self) -> date:
        return self.sessions[-1]


def cuts(sessions: Sequence[date], futures: int, every: int = 1) -> list[Cut]:
    """Return the cuts of all draws. Each session is in one cut of each draw, and every Nth is itself a cut in one.

    >>> days = [date(2026, 8, day) for day in (17, 18, 19)]
    >>> [(cut.draw, [day.day for day in cut.sessions]) for cut in cuts(days, 2)]
    [(0, [17, 18]), (0, [19]), (1, [17]), (1, [18, 19]), (2, [17, 18]), (2, [19])]
    """
    found = []
    for number in range(futures + 1):
        starts = [0, *range((number % futures or futures) * every, len(sessions), futures * every)]
        ends = [*starts[1:], len(sessions)]
        found += [Cut(number, sessions[start:end]) for start, end in zip(starts, ends, strict=True)]
    return found


@dataclass
class LookAhead:
    """reference: a database with what is stored; world: one that each cut makes anew. tell: hears of each cut."""

    spark: SparkSession
    reference: DatabaseSettings
    world: DatabaseSettings
    jobs: Sequence[Published] = tuple(JOBS.values())
    tell: Callable[[int, int], None] = lambda done, left: None
    compared: int = field(default=0, init=False)

    def run(self, sessions: Sequence[date], futures: int, every: int = 1) -> Iterator[Difference]:
        """Yield every published cell of the sessions that is another one with another future."""
        self.publish(sessions)
        todo = cuts(sessions, futures, every)
        for number, cut in enumerate(todo, 1):
            yield from self.compare(cut)
            self.tell(number, len(todo) - number)

    def publish(self, sessions: Sequence[date]) -> None:
        """Publish the sessions from what is stored: what every future is compared with."""
        for job, days in _days_of(sessions, sessions[-1:], sessions[-1]).items():
            if job in self.jobs:
                run(job, self.spark, self.reference, days)

    def compare(self, cut: Cut) -> list[Difference]:
        """Compute the sessions of a cut with its future, and return what differs from the reference."""
        if SECTORS in self.jobs:
            # A running month has one publication, the newest: that of this session has to be made now.
            with closing(connect(self.reference)) as conn, transaction(conn), conn.cursor() as cursor:
                forget_published(cursor, SECTORS.name, cut.session)
            run(SECTORS, self.spark, self.reference, [cut.session])
        copy_database(self.reference, self.world)
        with closing(connect(self.world)) as conn:
            forget(conn, cut.session, cut.sessions[0], {job.name for job in self.jobs})
            if cut.draw:
                draw(conn, cut.session, str(cut.draw))
        ahead = sessions_between(cut.session, session_after(cut.session, PUBLISHED_AHEAD))[1:] if cut.draw else []
        for job, days in _days_of(cut.sessions, [*cut.sessions, *ahead], cut.session).items():
            if job in self.jobs:
                run(job, self.spark, self.world, days)
        before, after = (self._published(database, cut) for database in (self.reference, self.world))
        self.compared += len(before)
        return differences(before, after)

    def _published(self, database: DatabaseSettings, cut: Cut) -> Rows:
        days = _days_of(cut.sessions, cut.sessions, cut.session)
        days[SECTORS] = [previous_month_end(cut.session), cut.session]
        with closing(connect(database)) as conn:
            return {row: cells for job in self.jobs for row, cells in published(conn, job, days[job]).items()}


def _days_of(sessions: Sequence[date], with_ahead: Sequence[date], last: date) -> dict[Published, Sequence[date]]:
    """Return the days that each job is given. with_ahead: the sessions, and those behind them."""
    before_next = session_after(last, 1) - timedelta(days=1)
    return {
        TRENDING: sorted({*sessions, *with_ahead}),
        ALLOCATION: sorted({*sessions, *with_ahead}),
        REBALANCE: last_sundays_between(sessions[0], before_next),
        TOP_HOLDINGS: sessions,
        SECTORS: [last],
        PERFORMANCE: sorted({*sessions, *with_ahead}),
    }


def fill(platform: Connection, reference: DatabaseSettings, first: date, last: date) -> None:
    """Copy what is collected and logged from well before the first session to well behind the last one."""
    start, end = session_before(first, SESSIONS_BEFORE), session_after(last, SESSIONS_AHEAD)
    with closing(connect(reference)) as conn:
        allow_changes(conn)
        for table, day in DATED.items():
            since = date.min if table is tables.ETF_HOLDINGS else start
            copy_rows(platform, conn, table.name, f"{day} BETWEEN %s AND %s", (since, end))
        # With another future a session would be published at another moment, which changes nothing of its values.
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(
                "UPDATE collected_daily_etf_ohlc SET fetched_at = %s",
                (datetime.combine(end, datetime.max.time(), UTC),),
            )


@contextmanager
def databases(server: DatabaseSettings) -> Iterator[tuple[DatabaseSettings, DatabaseSettings]]:
    """Make an empty database for the reference, name one for the world, and drop both afterwards."""
    reference, world = (replace(server, name=f"{server.name}_{NAME}_{part}") for part in ("reference", "world"))
    try:
        yield create_database(server, reference.name), world
    finally:
        drop_databases(server, f"{server.name}_{NAME}_")


def look_ahead(start: date, end: date, futures: int, every: int) -> int:
    """Compare the sessions of a range, and return 1 when anything differs."""
    sessions = _sessions(start, end, futures, every)
    settings = Settings.from_env()
    began = time.monotonic()
    spark = spark_session(settings.spark, NAME)
    try:
        with databases(settings.database) as (reference, world):
            with closing(connect(settings.database)) as platform:
                fill(platform, reference, sessions[0], sessions[-1])
            check = LookAhead(spark, reference, world, tell=Progress())
            say(f"{len(sessions)} sessions from {sessions[0]} to {sessions[-1]}, {futures} random futures each")
            found = list(check.run(sessions, futures, every))
    finally:
        spark.stop()
    for difference in found[:SHOWN]:
        complain(str(difference))
    say(
        f"{len(sessions)} sessions x {futures} random futures: {len(found)} differences in {check.compared:,} rows, "
        f"{in_words(time.monotonic() - began)}"
    )
    return 1 if found else 0


def _sessions(start: date, end: date, futures: int, every: int) -> list[date]:
    for name, number in (("--futures", futures), ("--every", every)):
        if number < 1:
            raise InvalidInput(f"{name} {number}: give a number of at least 1")
    sessions = sessions_between(start, end)
    if not sessions:
        raise InvalidInput(f"there is no session from {start} to {end}")
    return sessions


class Progress:
    """Tells now and then how many cuts are left, and how long they will take at the pace so far."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, done: int, left: int) -> None:
        if done in (1, 5) or done % 20 == 0:
            say(
                f"  {done} cuts compared, {left} left, about {in_words((time.monotonic() - self._began) / done * left)}"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("start", type=date.fromisoformat, metavar="FROM")
    parser.add_argument("end", type=date.fromisoformat, metavar="TO")
    parser.add_argument("--futures", type=int, default=20)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args(arguments)
    configure_logging(logging.ERROR)
    try:
        return look_ahead(options.start, options.end, options.futures, options.every)
    except (ActstockError, ConfigError) as error:
        complain(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())

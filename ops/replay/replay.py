"""Replays a range of sessions in a sandbox, makes the backfill of the range in another one, and compares the two."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession

from config.config import Settings
from config.universe import universe
from database.canonical import digest
from database.db_helper import Connection, Row, connect, fetch
from database.queries import replays
from database.queries.evidence import extra_days_digest, universe_digest
from ops.errors import CannotStart
from ops.replay import backfill, sandbox
from ops.replay.chain import DAILY, MONTHLY, Evening, follow, rebalances_after
from ops.replay.comparison import Comparison, Difference
from ops.replay.market_client import MarketServer, ServedMarket
from ops.replay.publications import read_publications
from ops.replay.sandbox import Sandbox, consumers
from utils.dates import sessions_between
from utils.errors import InvalidInput
from utils.spark_driver import CODE, code_digest

REPLAY = "replay"
# What a backfill has: it knows of every session what is known at the end of the range.
HINDSIGHT = "hindsight"


@dataclass(frozen=True)
class Done:
    """A session that has been replayed just now, and how many are left."""

    session: date
    problems: Sequence[str]
    seconds: float
    left: int


@dataclass(frozen=True)
class Replay:
    platform: Settings
    server: MarketServer
    spark: SparkSession
    logs: Path
    tell: Callable[[Done], None]
    daily: Sequence[Callable[[Evening], None]] = DAILY

    def run(self, sessions: Sequence[date], afresh: bool = False) -> list[Difference]:
        """Replay the sessions, keeping those of an earlier run with the same market, start, code and settings."""
        with self._replayed(sessions, afresh) as replayed:
            backfilled = self._backfill(sessions)
        return compare(replayed, backfilled, sessions)

    def evenings(self, sessions: Sequence[date]) -> Sandbox:
        """Replay the sessions from the start, follow the portfolios after each one, and return the sandbox."""
        each_evening = replace(self, daily=(*self.daily, follow))
        with each_evening._replayed(sessions, afresh=True) as replayed:
            return replayed

    @contextmanager
    def _replayed(self, sessions: Sequence[date], afresh: bool) -> Iterator[Sandbox]:
        with self._alone():
            replayed = self._begin(self.server.market(), sessions[0], afresh)
            with closing(connect(replayed.owner)) as conn, self._clock_put_back(conn):
                self._replay(replayed, conn, sessions)
                self._follow(replayed, sessions[-1])
                yield replayed

    def _begin(self, market: ServedMarket, first_session: date, afresh: bool) -> Sandbox:
        earlier = begun(self.platform)
        beginning = replays.Beginning(market.identity, first_session, basis())
        if earlier and not afresh and tuple(map(earlier.get, beginning._fields)) == beginning:
            return sandbox.reopen(self.platform, REPLAY, earlier["topic_prefix"])
        made = sandbox.create(self.platform, REPLAY)
        clock_before = earlier["clock_before"] if earlier else None
        with closing(connect(made.owner)) as conn:
            replays.begin(conn, beginning, made.settings.kafka.prefix, clock_before)
        return made

    def _replay(self, replayed: Sandbox, conn: Connection, sessions: Sequence[date]) -> None:
        done = {row["session"] for row in replays.finished_sessions(conn)}
        waiting = [session for session in sessions if session not in done]
        if not waiting:
            return
        with (
            consumers(replayed.settings, self.logs) as at_work,
            closing(connect(replayed.settings.spark_database)) as jobs,
        ):
            for left, session in zip(reversed(range(len(waiting))), waiting, strict=True):
                at_work.require_alive()
                began = time.monotonic()
                evening = Evening(replayed.settings, self.spark, jobs, session, run_id=f"replay {session}")
                self._run(evening)
                seconds = time.monotonic() - began
                replays.keep_bars(conn, session, evening.run_id)
                replays.finish_session(conn, session, evening.problems, seconds)
                self.tell(Done(session, evening.problems, seconds, left))

    def _follow(self, replayed: Sandbox, session: date) -> None:
        with closing(connect(replayed.settings.spark_database)) as jobs:
            follow(Evening(replayed.settings, self.spark, jobs, session, run_id=f"replay {session}"))

    def _run(self, evening: Evening) -> None:
        self.server.set_clock(evening.session.isoformat())
        for stage in self.daily:
            stage(evening)
        for moment in rebalances_after(evening.session):
            self.server.set_clock(moment.isoformat())
            for run in MONTHLY:
                evening.publish(run, moment.date())

    def _backfill(self, sessions: Sequence[date]) -> Sandbox:
        self.server.set_clock(sessions[-1].isoformat())
        backfilled = sandbox.create(self.platform, HINDSIGHT)
        with consumers(backfilled.settings, self.logs):
            backfill.run(backfilled.settings, self.spark, sessions)
        with closing(connect(backfilled.owner)) as conn:
            replays.keep_bars(conn, sessions[-1], backfill.RUN_ID)
        return backfilled

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Allow one replay at a time: all share the market's clock."""
        with closing(connect(self.platform.database)) as conn:
            [row] = fetch(conn, "SELECT pg_try_advisory_lock(hashtext('actstock replay')) AS is_ours")
            if not row["is_ours"]:
                raise CannotStart("another replay is under way on this platform: wait for its end")
            yield

    @contextmanager
    def _clock_put_back(self, conn: Connection) -> Iterator[None]:
        """Restore the market server's clock at the end, also after an earlier replay that was killed."""
        moved = replays.begun(conn)
        setting = (moved and moved["clock_before"]) or self.server.clock()
        replays.set_clock_before(conn, setting)
        try:
            yield
        finally:
            self.server.set_clock(setting)
            replays.set_clock_before(conn, None)


def sessions_within(market: ServedMarket, start: date, end: date) -> list[date]:
    """Return the sessions of a range, both ends included. InvalidInput says that the market lacks some."""
    sessions = sessions_between(start, end)
    if not sessions:
        raise InvalidInput(f"there is no session from {start} to {end}")
    if start < market.first_session or end > market.last_session:
        raise InvalidInput(
            f"{start} to {end} is not within the market, whose sessions are {market.first_session} to "
            f"{market.last_session}"
        )
    return sessions


def basis() -> str:
    """Return the digest of the code that stores and computes, and of the settings that it does so by."""
    code = code_digest(folders=(*CODE, "collector", "consumer"))
    return digest(f"{code} {universe_digest()} {extra_days_digest()}").hex()


def begun(platform: Settings) -> Row | None:
    """Return the replay that is kept on this platform, if there is one."""
    if not sandbox.is_there(platform, REPLAY):
        return None
    with closing(connect(sandbox.database_of(platform, REPLAY))) as conn:
        return replays.begun(conn)


def compare(replayed: Sandbox, backfilled: Sandbox, sessions: Sequence[date]) -> list[Difference]:
    first, last = sessions[0], sessions[-1]
    with closing(connect(replayed.owner)) as then, closing(connect(backfilled.owner)) as now:
        return Comparison(
            read_publications(then, first, last), read_publications(now, first, last), last, universe().benchmark
        ).differences()

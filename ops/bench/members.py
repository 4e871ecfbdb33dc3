"""Consumers come and go, and partitions are added, while messages come: what is lost, kept twice, or ends by itself?"""

import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from config.config import DatabaseSettings, KafkaSettings, Settings, Topic
from database.db_helper import connect
from database.tables import DAILY_ETF_OHLC, table
from ops.bench import report
from ops.bench.bars import bars
from ops.bench.report import Target, step
from ops.bench.scratch import PREFIX, count, scratch_database
from ops.bench.senders import single_bars
from ops.databases import empty_tables
from ops.replay.sandbox import CONSUMER_MODULES, module_process
from utils.kafka_utils import (
    Offsets,
    admin_client,
    committed_offsets,
    create_topics,
    delete_topics,
    offsets_reached,
    publisher,
    shares,
)
from utils.messages import EtfDailyBar

TOPIC = Topic.ETF_DAILY
VERSIONS = table("evidence_daily_etf_ohlc")
MEMBERS = 3
# A part of a round is sent in so many portions, each of which takes so long at least: a group needs seconds to change.
PORTIONS, PORTION_SECONDS = 10, 0.5
JOIN_SECONDS, END_SECONDS = 60, 180


@dataclass(frozen=True)
class Sizes:
    """messages: of each round."""

    messages: int
    rounds: int


# As many rounds as show whether it holds, in the time of another part. That it holds for good, twenty show.
USUAL = Sizes(200_000, 2)
SHORT = Sizes(10_000, 2)


@dataclass(frozen=True)
class Round:
    """One time from one member to three and back.

    stored, versions: rows of the bars that were sent, and of what was kept of them
    shares: partitions of each member while there were three
    ended: consumers that ended by themselves, or not well
    """

    messages: int
    stored: int
    versions: int
    partitions: int
    shares: Sequence[int]
    ended: int
    seconds: float

    @property
    def lost(self) -> int:
        return self.messages - self.stored

    @property
    def doubled(self) -> int:
        return self.versions - self.stored

    @property
    def left_out(self) -> int:
        return MEMBERS - sum(share > 0 for share in self.shares)


def measure(settings: Settings, sizes: Sizes, logs: Path) -> list[Target]:
    """Let two more consumers come and go in each round. logs: the folder for what the consumers say."""
    with scratch_database(settings.database) as database, _scratch_group(settings.kafka) as kafka:
        group = _Group(kafka, database, logs / "bench-members.log")
        rounds: list[Round] = []
        with group.member() as stays:
            while len(rounds) < sizes.rounds and stays.poll() is None:
                rounds.append(group.round(len(rounds) + 1, sizes.messages, stays))
    report.table(
        ("round", "messages", "lost", "kept twice", "partitions", "of each member", "ended", "seconds"),
        [
            (
                f"{number}",
                f"{each.messages:,}",
                f"{each.lost:,}",
                f"{each.doubled:,}",
                f"{each.partitions}",
                " + ".join(map(str, each.shares)),
                f"{each.ended}",
                f"{each.seconds:.0f}",
            )
            for number, each in enumerate(rounds, 1)
        ],
    )
    return targets(rounds)


def targets(rounds: Sequence[Round]) -> list[Target]:
    figures = {
        "messages lost": sum(each.lost for each in rounds),
        "bars kept twice": sum(each.doubled for each in rounds),
        "consumers that ended by themselves": sum(each.ended for each in rounds),
        "members without a partition": sum(each.left_out for each in rounds),
    }
    return [Target(name, figure, 0, at_most=True) for name, figure in figures.items()]


@contextmanager
def _scratch_group(kafka: KafkaSettings) -> Iterator[KafkaSettings]:
    """Yield the broker with topics of our own, which go afterwards, and their groups with them."""
    delete_topics(kafka, PREFIX)
    try:
        scratch = replace(kafka, prefix=f"{PREFIX}{uuid.uuid4().hex[:8]}-")
        create_topics(scratch)
        yield scratch
    finally:
        delete_topics(kafka, PREFIX)


class _Group:
    """The consumers of a topic of our own."""

    def __init__(self, kafka: KafkaSettings, database: DatabaseSettings, log: Path) -> None:
        self._kafka = kafka
        self._database = database
        self._log = log
        self._environ = os.environ | {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "KAFKA_PREFIX": kafka.prefix,
            "KAFKA_USER": kafka.user,
            "KAFKA_PASSWORD": kafka.password,
            "DB_HOST": database.host,
            "DB_PORT": str(database.port),
            "DB_NAME": database.name,
            "DB_USER": database.user,
            "DB_PASSWORD": database.password,
        }

    def member(self) -> AbstractContextManager["subprocess.Popen[bytes]"]:
        return module_process([CONSUMER_MODULES[TOPIC]], self._environ, self._log)

    def round(self, number: int, messages: int, stays: "subprocess.Popen[bytes]") -> Round:
        """Send to one member, while two more join, while there is a partition more, and to the one that stays."""
        made = bars(messages, seed=number)
        parts = [made[quarter * messages // 4 : (quarter + 1) * messages // 4] for quarter in range(4)]
        began, ends = time.monotonic(), self._send(parts[0])
        with ExitStack() as more:
            joined = [more.enter_context(self.member()) for _ in range(MEMBERS - 1)]
            ends |= self._send(parts[1])
            given = self._shares()
            partitions = self._add_partition()
            ends |= self._send(parts[2])
            ended = sum(process.poll() is not None for process in (stays, *joined))
        ends |= self._send(parts[3])
        _wait(lambda: self._has_stored(ends) or stays.poll() is not None, END_SECONDS)
        seconds = time.monotonic() - began
        ended += sum(process.returncode != 0 for process in joined) + (stays.poll() is not None)
        done = Round(messages, *self._count_and_forget(), partitions, given, ended, seconds)
        step(f"round {number}: {done.stored:,} of {messages:,} stored, {seconds:.0f} s")
        return done

    def _send(self, part: Sequence[EtfDailyBar]) -> Offsets:
        ends: Offsets = {}
        size = -(-len(part) // PORTIONS)
        with publisher(self._kafka) as publishing:  # each knows of the partitions that are there by now
            for start in range(0, len(part), size):
                until = time.monotonic() + PORTION_SECONDS
                for key, value in single_bars(part[start : start + size]):
                    publishing.send_raw(TOPIC, key, value)
                ends |= publishing.wait()[TOPIC]
                time.sleep(max(0.0, until - time.monotonic()))
        return ends

    def _shares(self) -> list[int]:
        """Return the partitions of each member, once there are all and each has some, or too much time is over."""
        given: list[int] = []

        def is_shared() -> bool:
            given[:] = sorted(shares(self._kafka, TOPIC.consumer_group))
            return len(given) == MEMBERS and all(given)

        _wait(is_shared, JOIN_SECONDS)
        return given

    def _add_partition(self) -> int:
        name = self._kafka.prefix + TOPIC
        with admin_client(self._kafka) as admin:
            [described] = admin.describe_topics([name])
            wanted = len(described["partitions"]) + 1
            admin.create_partitions({name: wanted})
        return wanted

    def _has_stored(self, ends: Offsets) -> bool:
        return offsets_reached({TOPIC: ends}, committed_offsets(self._kafka, TOPIC.consumer_group))

    def _count_and_forget(self) -> tuple[int, int]:
        """Return the rows and the versions that were kept, and empty the tables."""
        counted = count(self._database, DAILY_ETF_OHLC), count(self._database, VERSIONS)
        with closing(connect(self._database)) as conn:
            for prefix in ("collected_", "evidence_"):
                empty_tables(conn, prefix)
        return counted


def _wait(is_so: Callable[[], bool], seconds: float) -> None:
    """Wait until something is so, or the time is over: what is missing then is counted."""
    until = time.monotonic() + seconds
    while not is_so() and time.monotonic() < until:
        time.sleep(0.5)

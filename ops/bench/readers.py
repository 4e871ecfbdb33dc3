"""The ways from a topic to Postgres that are compared. Each returns what it did over all of its rows.

Clocks start when the partitions are assigned: joining a group is not a consumer's daily work.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from math import nan
from operator import attrgetter

import psutil
from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from psycopg2 import sql

from config.config import DatabaseSettings, KafkaSettings
from consumer.storing import Store, expect_large_batches, upsert_by
from database.db_helper import connect, fetch, transaction, upsert
from database.tables import DAILY_ETF_OHLC
from ops.bench.bars import bars
from ops.bench.scratch import PREFIX, count
from ops.errors import RunFailed
from utils.kafka_utils import (
    MAX_BATCH,
    POLL_MS,
    ConsumerRecord,
    client_options,
    committed_offsets,
    connect_consumer,
    pump,
)
from utils.lag import LagMeter
from utils.messages import EtfDailyBar, from_json
from utils.ranges import count_sessions

DEADLINE_SECONDS = 120.0
SLOWEST = 500  # rows a second
# The triggers of database/schema.sql that keep each version of a row.
VERSIONING = ("keeps_inserted", "keeps_updated", "keeps_deleted", "keeps_truncated")


@dataclass(frozen=True)
class Source:
    """`rows` bars wait on the topic, in so many messages; the database is empty."""

    kafka: KafkaSettings
    database: DatabaseSettings
    topic: str
    rows: int
    messages: int

    @property
    def deadline(self) -> float:
        """In seconds."""
        return DEADLINE_SECONDS + self.rows / SLOWEST


@dataclass(frozen=True)
class Stored:
    """What a way did: rows a second, and the microseconds of CPU a row, here and (on the same host) in PostgreSQL."""

    rows_a_second: float
    cpu: float
    server_cpu: float = nan


class Clock(ConsumerRebalanceListener):  # type: ignore[misc]
    """Runs from the assignment of partitions, and says when it is time to give up."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._began: float | None = None
        self._worked = 0.0
        self._give_up = time.monotonic() + source.deadline

    def start(self) -> None:
        self._began, self._worked = time.monotonic(), time.process_time()

    def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        self.start()

    def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        pass

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._give_up

    def stop(self, done: int, server_cpu: float = nan) -> Stored:
        """Return what was done. RunFailed says that not all rows were read. server_cpu: in seconds."""
        if done < self._source.rows or self._began is None:
            raise RunFailed(f"only {done} of {self._source.rows} rows came through in {self._source.deadline:.0f} s")
        microseconds = 1e6 * (time.process_time() - self._worked) / done
        return Stored(done / (time.monotonic() - self._began), microseconds, 1e6 * server_cpu / done)


def ours(source: Source) -> Stored:
    """Run the product's own loop and store. A row counts once it is committed in Postgres and in Kafka."""
    expect_large_batches()
    clock, group, handled = Clock(source), _new_group(), 0
    store = Store(source.database, EtfDailyBar, upsert_by(DAILY_ETF_OHLC, "answer_digest"))

    def prepare(batch: list[ConsumerRecord]) -> Callable[[], None]:
        stored = store.prepare(batch)

        def handle() -> None:
            nonlocal handled
            stored()
            handled += sum(count_sessions(record.value) for record in batch)

        return handle

    consumer = connect_consumer(source.kafka, source.topic, group)
    consumer.subscribe([source.topic], listener=clock)
    with closing(consumer), ThreadPoolExecutor(1) as worker:
        meter = LagMeter(consumer, lambda lags: worker.submit(store.note_lag, group, lags))
        pump(
            consumer,
            lambda batch: partial(worker.submit, prepare(batch)),
            lambda: handled >= source.rows or clock.is_over,
            meter,
        )
        done = clock.stop(handled, _server_cpu(source.database))
    committed = sum(committed_offsets(source.kafka, group)[source.topic].values())
    stored = count(source.database, DAILY_ETF_OHLC)
    if (stored, committed) != (source.rows, source.messages):
        raise RunFailed(
            f"of {source.rows} rows {stored} are in Postgres, of {source.messages} messages {committed} committed"
        )
    return done


def ours_without_evidence(source: Source) -> Stored:
    """Run the product's own loop on a table that keeps no versions."""
    with closing(connect(source.database)) as conn, transaction(conn), conn.cursor() as cursor:
        for trigger in VERSIONING:
            cursor.execute(
                sql.SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(
                    *map(sql.Identifier, (DAILY_ETF_OHLC.name, trigger))
                )
            )
    return ours(source)


def one_commit_a_row(source: Source) -> Stored:
    """Run a plain consumer: a statement, a commit and an offset for each message."""
    clock, done = Clock(source), 0
    to_row = attrgetter(*DAILY_ETF_OHLC.columns)
    consumer = KafkaConsumer(
        **client_options(source.kafka),
        group_id=_new_group(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        consumer_timeout_ms=source.deadline * 1000,
    )
    consumer.subscribe([source.topic], listener=clock)
    with closing(consumer), closing(connect(source.database)) as conn:
        statement = _insert().as_string(conn)
        for record in consumer:
            row = to_row(from_json(EtfDailyBar, record.value))
            with transaction(conn), conn.cursor() as cursor:
                cursor.execute(statement, row)
            place = TopicPartition(record.topic, record.partition)
            consumer.commit({place: OffsetAndMetadata(record.offset + 1, "", -1)})
            done += 1
            if done == source.rows or clock.is_over:
                break
        return clock.stop(done)


def copy_and_merge(source: Source) -> Stored:
    """Run the database's part alone, with rows from memory in batches of the product's size."""
    expect_large_batches()
    to_row = attrgetter(*DAILY_ETF_OHLC.columns)
    rows = [to_row(bar) for bar in bars(source.rows)]
    clock = Clock(source)
    with closing(connect(source.database)) as conn:
        clock.start()
        for start in range(0, len(rows), MAX_BATCH):
            with transaction(conn):
                upsert(conn, DAILY_ETF_OHLC, rows[start : start + MAX_BATCH], newest_by="fetched_at")
        return clock.stop(len(rows), _server_cpu(source.database))


def bare_client(source: Source) -> Stored:
    """Read with kafka-python's defaults and do nothing with the messages."""
    return _only_poll(source, lambda: KafkaConsumer(**client_options(source.kafka)))


def bare_client_tuned(source: Source) -> Stored:
    """Read with the product's settings and do nothing with the messages."""
    expect_large_batches()
    return _only_poll(source, lambda: connect_consumer(source.kafka, source.topic, _new_group()))


def _only_poll(source: Source, make: Callable[[], KafkaConsumer]) -> Stored:
    clock, seen = Clock(source), 0
    with closing(make()) as consumer:
        consumer.unsubscribe()
        partitions = [TopicPartition(source.topic, number) for number in consumer.partitions_for_topic(source.topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        clock.start()
        while seen < source.rows and not clock.is_over:
            seen += sum(map(len, consumer.poll(timeout_ms=POLL_MS).values()))
        return clock.stop(seen)


def _server_cpu(database: DatabaseSettings) -> float:
    """Return the seconds of CPU of PostgreSQL's processes for the others' connections; nan if it is on another host."""
    with closing(connect(database)) as conn:
        others = fetch(
            conn,
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'",
        )
    try:
        return float(sum(sum(psutil.Process(row["pid"]).cpu_times()[:2]) for row in others))
    except psutil.Error:
        return nan


def _new_group() -> str:
    return f"{PREFIX}{uuid.uuid4().hex[:8]}"


def _insert() -> sql.Composed:
    table = DAILY_ETF_OHLC
    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}").format(
        sql.Identifier(table.name),
        _listed(map(sql.Identifier, table.columns)),
        _listed(map(sql.Placeholder, [None] * len(table.columns))),
        _listed(map(sql.Identifier, table.key)),
        _listed(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(column)) for column in table.values),
    )


def _listed(parts: Iterator[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)

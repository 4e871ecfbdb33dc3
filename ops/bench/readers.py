"""The ways from a topic to Postgres that are compared. Each returns what it did a second, over all of its rows.

Clocks start when the partitions are assigned: joining a group is not a consumer's daily work.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from psycopg2 import sql

from config.config import DatabaseSettings, KafkaSettings
from consumer.storing import Store, expect_large_batches, upsert_by
from database.db_helper import connect, transaction, upsert
from database.tables import DAILY_ETF_OHLC
from ops.bench.bars import bars
from ops.bench.scratch import PREFIX, count
from ops.errors import RunFailed
from utils.kafka_utils import MAX_BATCH, POLL_MS, ConsumerRecord, committed_offsets, connect_consumer, pump
from utils.lag import LagMeter
from utils.messages import EtfDailyBar, from_json

DEADLINE_SECONDS = 120.0


@dataclass(frozen=True)
class Source:
    """`rows` bars wait on the topic; the database is empty."""

    kafka: KafkaSettings
    database: DatabaseSettings
    topic: str
    rows: int


class Clock(ConsumerRebalanceListener):  # type: ignore[misc]
    """Runs from the assignment of partitions, and says when it is time to give up."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._give_up = time.monotonic() + DEADLINE_SECONDS

    def start(self) -> None:
        self._began = time.monotonic()

    def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        self.start()

    def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        pass

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._give_up

    def rate(self, done: int, wanted: int) -> float:
        """Return rows a second. RunFailed says that not all were read."""
        if done < wanted or self._began is None:
            raise RunFailed(f"only {done} of {wanted} messages came through in {DEADLINE_SECONDS:.0f} s")
        return done / (time.monotonic() - self._began)


def ours(source: Source) -> float:
    """Run the product's own loop and store. A row counts once it is committed in Postgres and in Kafka."""
    expect_large_batches()
    clock, group, handled = Clock(), _new_group(), 0
    store = Store(source.database, EtfDailyBar, upsert_by(DAILY_ETF_OHLC, "answer_digest"))

    def prepare(batch: list[ConsumerRecord]) -> Callable[[], None]:
        stored = store.prepare(batch)

        def handle() -> None:
            nonlocal handled
            stored()
            handled += len(batch)

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
        rate = clock.rate(handled, source.rows)
    committed = sum(committed_offsets(source.kafka, group)[source.topic].values())
    stored = count(source.database, DAILY_ETF_OHLC)
    if (stored, committed) != (source.rows, source.rows):
        raise RunFailed(f"of {source.rows} messages {stored} are in Postgres and {committed} committed in Kafka")
    return rate


def one_commit_a_row(source: Source) -> float:
    """Run a plain consumer: a statement, a commit and an offset for each message."""
    clock, done = Clock(), 0
    to_row = attrgetter(*DAILY_ETF_OHLC.columns)
    consumer = KafkaConsumer(
        bootstrap_servers=source.kafka.bootstrap_servers,
        group_id=_new_group(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        consumer_timeout_ms=DEADLINE_SECONDS * 1000,
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
        return clock.rate(done, source.rows)


def copy_and_merge(source: Source) -> float:
    """Run the database's part alone, with rows from memory in batches of the product's size."""
    expect_large_batches()
    to_row = attrgetter(*DAILY_ETF_OHLC.columns)
    rows = [to_row(bar) for bar in bars(source.rows)]
    clock = Clock()
    with closing(connect(source.database)) as conn:
        clock.start()
        for start in range(0, len(rows), MAX_BATCH):
            with transaction(conn):
                upsert(conn, DAILY_ETF_OHLC, rows[start : start + MAX_BATCH], newest_by="fetched_at")
        return clock.rate(len(rows), source.rows)


def bare_client(source: Source) -> float:
    """Read with kafka-python's defaults and do nothing with the messages."""
    return _only_poll(source, lambda: KafkaConsumer(bootstrap_servers=source.kafka.bootstrap_servers))


def bare_client_tuned(source: Source) -> float:
    """Read with the product's settings and do nothing with the messages."""
    expect_large_batches()
    return _only_poll(source, lambda: connect_consumer(source.kafka, source.topic, _new_group()))


def _only_poll(source: Source, make: Callable[[], KafkaConsumer]) -> float:
    clock, seen = Clock(), 0
    with closing(make()) as consumer:
        consumer.unsubscribe()
        partitions = [TopicPartition(source.topic, number) for number in consumer.partitions_for_topic(source.topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        clock.start()
        while seen < source.rows and not clock.is_over:
            seen += sum(map(len, consumer.poll(timeout_ms=POLL_MS).values()))
        return clock.rate(seen, source.rows)


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

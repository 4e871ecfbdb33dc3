"""After a restore the consumers go on where the backup ends: Kafka's messages fill what it lacks."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.config import DatabaseSettings, KafkaSettings, Topic
from consumer.storing import Store, upsert_by
from database.db_helper import connect, fetch
from database.tables import DAILY_ETF_OHLC
from ops.backup.archive import Archive
from ops.backup.making import back_up
from ops.backup.manifest import Manifest
from ops.backup.places import Place
from ops.backup.restoring import fill_platform, set_groups_back
from ops.native.compose import secret_sizes
from ops.native.stack import DataSource
from own_topics import own_topics
from scratch_databases import a_database
from utils.kafka_utils import (
    METADATA_SECONDS,
    committed_offsets,
    connect_consumer,
    publisher,
)
from utils.messages import EtfDailyBar
from utils.ranges import packed

TABLE = "collected_daily_etf_ohlc"


@pytest.fixture
def kafka() -> Iterator[KafkaSettings]:
    """Return a broker on which all topics and groups are this test's own."""
    with own_topics() as own:
        yield own


def send(kafka: KafkaSettings, *tickers: str) -> None:
    prices: dict[str, Any] = dict.fromkeys(("open_price", "high_price", "low_price", "close_price", "adj_close"), 10.0)
    day, now = date(2026, 8, 21), datetime(2026, 8, 21, 21, tzinfo=UTC)
    bars = [
        EtfDailyBar(ticker=ticker, trade_date=day, volume=1, fetched_at=now, source="simulated", **prices)
        for ticker in tickers
    ]
    with publisher(kafka) as publishing:
        for key, value in packed(bars):
            publishing.send_raw(Topic.ETF_DAILY, key, value)
        publishing.wait()


def consume(kafka: KafkaSettings, database: DatabaseSettings, messages: int) -> int:
    """Store what the group has not stored yet, up to so many messages, and commit. Return how many there were."""
    store = Store(database, EtfDailyBar, upsert_by(DAILY_ETF_OHLC, "answer_digest"), kafka.prefix)
    consumer, seen = connect_consumer(kafka, Topic.ETF_DAILY, Topic.ETF_DAILY.consumer_group), 0
    with closing(consumer):
        until = time.monotonic() + 2 * METADATA_SECONDS  # a member that joined too early knows of no partition before
        while seen < messages and time.monotonic() < until:
            batch = [record for records in consumer.poll(timeout_ms=200).values() for record in records]
            if batch:
                store(batch)
                consumer.commit()
                seen += len(batch)
    return seen


def rows_of(database: DatabaseSettings) -> list[dict[str, Any]]:
    with closing(connect(database)) as conn:
        return fetch(conn, f"SELECT * FROM {TABLE} ORDER BY ticker")


def place_of(kafka: KafkaSettings, database: DatabaseSettings) -> Place:
    secrets = {name: f"made-up-{name.lower()}" for name in secret_sizes()}
    return Place(database, database, kafka, DataSource("simulated"), secrets, "", {})


def test_no_acknowledged_row_is_missing_after_a_restore(
    kafka: KafkaSettings, scratch_database: DatabaseSettings, tmp_path: Path
) -> None:
    send(kafka, "A", "B", "C")
    assert consume(kafka, scratch_database, 3) == 3
    back_up(place_of(kafka, scratch_database), tmp_path / "a.tar")
    send(kafka, "B", "D", "E")
    assert consume(kafka, scratch_database, 3) == 3
    before = rows_of(scratch_database)
    assert [row["ticker"] for row in before] == ["A", "B", "C", "D", "E"]

    with a_database() as restored, Archive(tmp_path / "a.tar") as archive:
        # The logins are the whole server's, where other tests use them.
        fill_platform(archive, restored, {})
        assert [row["ticker"] for row in rows_of(restored)] == ["A", "B", "C"]
        set_groups_back(archive.manifest, kafka)

        assert consume(kafka, restored, 3) == 3
        assert rows_of(restored) == before


def test_of_a_topic_that_was_made_anew_everything_is_read(
    kafka: KafkaSettings, scratch_database: DatabaseSettings, tmp_path: Path
) -> None:
    send(kafka, "A", "B", "C")
    consume(kafka, scratch_database, 3)
    manifest: Manifest = back_up(place_of(kafka, scratch_database), tmp_path / "a.tar")
    assert manifest.topics
    other = msgspec.structs.replace(manifest.topics[Topic.ETF_DAILY], id="another topic's")
    for topics in ({**manifest.topics, Topic.ETF_DAILY: other}, None):
        set_groups_back(msgspec.structs.replace(manifest, topics=topics), kafka)
        committed = committed_offsets(kafka, Topic.ETF_DAILY.consumer_group)[Topic.ETF_DAILY]
        assert set(committed.values()) == {0}
        assert consume(kafka, scratch_database, 3) == 3

"""The Kafka core against a real broker, on topics of its own."""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import chain
from threading import Event
from typing import Any

import msgspec
import pytest
from kafka import KafkaConsumer

from config.config import DatabaseSettings, KafkaSettings, Settings, Topic
from consumer.storing import Store, upsert_by
from database.db_helper import connect, fetch
from database.tables import DAILY_ETF_OHLC
from utils import kafka_utils, membership
from utils.errors import BrokerUnavailable
from utils.kafka_utils import (
    admin_client,
    committed_offsets,
    connect_consumer,
    count_members,
    create_topics,
    delete_topics,
    offsets_reached,
    publisher,
    pump,
    reading,
)
from utils.lag import Lag, LagMeter
from utils.messages import EtfDailyBar
from utils.ranges import count_sessions, packed
from wires import HERE, wire_to_kafka


@pytest.fixture(scope="module")
def kafka() -> KafkaSettings:
    settings = Settings.from_env().kafka
    try:
        create_topics(settings)
    except BrokerUnavailable as error:
        pytest.skip(str(error))
    return settings


@pytest.fixture
def topic(kafka: KafkaSettings) -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:12]}"
    with admin_client(kafka) as admin:
        admin.create_topics({name: {"num_partitions": 3, "replication_factor": 1}}, wait_for_metadata=True)
        yield name
        admin.delete_topics([name])


def bar(ticker: str) -> EtfDailyBar:
    prices: dict[str, Any] = dict.fromkeys(("open_price", "high_price", "low_price", "close_price", "adj_close"), 10.0)
    day, now = date(2026, 8, 21), datetime(2026, 8, 21, 21, tzinfo=UTC)
    return EtfDailyBar(ticker=ticker, trade_date=day, volume=1, fetched_at=now, source="simulated", **prices)


def send(kafka: KafkaSettings, topic: str, count: int) -> dict[str, dict[int, int]]:
    with publisher(kafka) as publishing:
        for key, value in packed(bar(f"T{number}") for number in range(count)):
            publishing.send_raw(topic, key, value)
        return publishing.wait()


def read(
    kafka: KafkaSettings, topic: str, group: str, count: int, handle: Callable[..., None] | None = None
) -> list[Any]:
    """Read until `count` messages are handled, or half a minute is over."""
    seen: list[Any] = []
    deadline = datetime.now(UTC).timestamp() + 30

    def keep(batch: list[Any]) -> None:
        if handle:
            handle(batch)
        seen.extend(batch)

    consumer = connect_consumer(kafka, topic, group)
    with ThreadPoolExecutor(1) as worker:
        try:
            pump(
                consumer,
                lambda batch: partial(worker.submit, keep, batch),
                lambda: len(seen) >= count or datetime.now(UTC).timestamp() > deadline,
                LagMeter(consumer, lambda lags: None),
            )
        finally:
            consumer.close()
    return seen


def test_ranges_and_single_bars_are_stored_once_though_a_reader_dies_in_the_middle(
    kafka: KafkaSettings, topic: str, scratch_database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has stored a batch, and not committed it: the next one reads that batch again, and all the others."""
    monkeypatch.setattr(kafka_utils, "MAX_BATCH", 600)
    days = [date(2020, 1, 1) + timedelta(days=number) for number in range(1_100)]
    sent = [[msgspec.structs.replace(bar(f"T{n}"), trade_date=day) for day in days] for n in range(5)]
    with publisher(kafka) as publishing:
        for key, value in packed([*chain(*sent), *(bar(f"S{number}") for number in range(700))]):
            publishing.send_raw(topic, key, value)
        ends = publishing.wait()
    group, store = f"g-{topic}", Store(scratch_database, EtfDailyBar, upsert_by(DAILY_ETF_OHLC, "answer_digest"))
    sizes: list[int] = []

    def store_and_die(batch: list[Any]) -> None:
        store(batch)
        sizes.append(sum(count_sessions(record.value) for record in batch))
        if len(sizes) == 3:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        read(kafka, topic, group, 10_000, store_and_die)
    assert not offsets_reached(ends, committed_offsets(kafka, group))
    messages = sum(ends[topic].values())
    left = messages - sum(committed_offsets(kafka, group)[topic].values())
    seen = read(kafka, topic, group, left, store)

    assert messages == 5 * 3 + 700 and max(sizes) <= 600
    assert len(seen) == left and offsets_reached(ends, committed_offsets(kafka, group))
    with closing(connect(scratch_database)) as conn:
        [found] = fetch(
            conn, "SELECT COUNT(*) AS rows, COUNT(DISTINCT ticker) AS tickers FROM collected_daily_etf_ohlc"
        )
        [kept] = fetch(conn, "SELECT COUNT(*) AS versions FROM evidence_daily_etf_ohlc")
    assert found == {"rows": 5 * 1_100 + 700, "tickers": 705}
    assert kept == {"versions": 5 * 1_100 + 700}


def test_topics_are_created_once_with_several_partitions(kafka: KafkaSettings) -> None:
    assert create_topics(kafka) == []

    with admin_client(kafka) as admin:
        described = {one["name"]: one for one in admin.describe_topics([topic.value for topic in Topic])}
    assert {name: len(one["partitions"]) for name, one in described.items()} == dict.fromkeys(
        [topic.value for topic in Topic], kafka.partitions
    )


def test_end_offsets_count_every_acknowledged_message(kafka: KafkaSettings, topic: str) -> None:
    ends = send(kafka, topic, 50)

    assert sum(ends[topic].values()) == 50
    assert len(ends[topic]) == 3, "tickers spread over the partitions"


def test_what_was_sent_is_read_and_committed_past(kafka: KafkaSettings, topic: str) -> None:
    ends, group = send(kafka, topic, 50), f"g-{topic}"

    seen = read(kafka, topic, group, 50)

    assert sorted(record.key.decode() for record in seen) == sorted(f"T{number}" for number in range(50))
    assert offsets_reached(ends, committed_offsets(kafka, group))


def test_a_consumer_knows_its_lag_as_the_broker_does(kafka: KafkaSettings, topic: str) -> None:
    """Without asking it: of every partition, where the group is and where the partition ends."""
    group = f"g-{topic}"
    send(kafka, topic, 50)
    read(kafka, topic, group, 50)
    ends = send(kafka, topic, 30)[topic]
    told: dict[int, Lag] = {}
    deadline = time.monotonic() + 30

    consumer = connect_consumer(kafka, topic, group)
    with closing(consumer), ThreadPoolExecutor(1) as worker:
        pump(
            consumer,
            lambda batch: partial(worker.submit, lambda: None),
            lambda: sum(lag.committed for lag in told.values()) == 80 or time.monotonic() > deadline,
            LagMeter(consumer, lambda lags: told.update({lag.partition: lag for lag in lags})),
        )

    assert {lag.partition: lag.committed for lag in told.values()} == committed_offsets(kafka, group)[topic]
    assert {lag.partition: lag.end for lag in told.values()} == ends
    assert {lag.topic for lag in told.values()} == {topic}


def test_a_failed_store_leaves_the_offset_and_the_next_reader_gets_everything(kafka: KafkaSettings, topic: str) -> None:
    ends, group = send(kafka, topic, 20), f"g-{topic}"

    def fail(batch: list[Any]) -> None:
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError):
        read(kafka, topic, group, 20, fail)
    assert not offsets_reached(ends, committed_offsets(kafka, group))
    assert len(read(kafka, topic, group, 20)) == 20


def test_members_come_and_go_while_messages_come(kafka: KafkaSettings, topic: str) -> None:
    """1 -> 3 -> 1 members, and three more partitions: nothing is lost, and the group ends at the topic's end."""
    group, count = f"g-{topic}", 20_000
    seen: set[tuple[int, int]] = set()
    stayed, left = Event(), Event()

    def member(is_over: Event) -> None:
        consumer = connect_consumer(kafka, topic, group)
        with closing(consumer), ThreadPoolExecutor(1) as worker:
            pump(
                consumer,
                lambda batch: partial(
                    worker.submit, seen.update, {(record.partition, record.offset) for record in batch}
                ),
                is_over.is_set,
                LagMeter(consumer, lambda lags: None),
            )

    with ThreadPoolExecutor(3) as members:
        joined = [members.submit(member, stayed)]
        ends: dict[int, int] = {}
        for number, part in enumerate(range(0, count, 1_000)):
            ends |= send(kafka, topic, 1_000)[topic]  # a producer of its own, which knows the newest partitions
            if part == 2_000:
                joined += [members.submit(member, left) for _ in range(2)]
            elif part == 8_000:
                with admin_client(kafka) as admin:
                    admin.create_partitions({topic: 6})
            elif part == 15_000:
                left.set()
            assert all(not each.done() or left.is_set() for each in joined), number
        is_over = _within(60, lambda: offsets_reached({topic: ends}, committed_offsets(kafka, group)))
        stayed.set()

    assert is_over, (ends, committed_offsets(kafka, group))
    assert [each.result() for each in joined] == [None] * 3
    assert len(ends) == 6
    assert seen == {(partition, offset) for partition, end in ends.items() for offset in range(end)}
    assert len(seen) == count


@pytest.mark.parametrize(
    "lose",
    [
        lambda consumer: consumer.pause(*consumer.assignment()),
        lambda consumer: consumer._subscription.assign_from_subscribed([]),
    ],
    ids=["nothing is fetched", "no partition is its own"],
)
def test_a_member_that_gets_nothing_joins_anew(
    kafka: KafkaSettings,
    topic: str,
    lose: Callable[[KafkaConsumer], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The broker takes it for a member in good order, and so does the client."""
    monkeypatch.setattr(membership, "STALL_SECONDS", 1.0)
    group, seen, until = f"g-{topic}", list[int](), time.monotonic() + 40
    consumer = connect_consumer(kafka, topic, group)
    sent: dict[str, dict[int, int]] = {}

    def lose_and_look() -> bool:
        if not sent and len(consumer.assignment()) == 3:
            lose(consumer)
            sent.update(send(kafka, topic, 20))
        return len(seen) == 20 or time.monotonic() > until

    with closing(consumer), ThreadPoolExecutor(1) as worker:
        pump(
            consumer,
            lambda batch: partial(worker.submit, seen.extend, [record.offset for record in batch]),
            lose_and_look,
            LagMeter(consumer, lambda lags: None),
            count_members=partial(count_members, kafka, group),
        )

    assert len(seen) == 20 and caplog.text.count("joining the group anew") == 1
    assert offsets_reached(sent, committed_offsets(kafka, group))


def test_one_member_too_many_waits_in_peace(
    kafka: KafkaSettings, topic: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(membership, "STALL_SECONDS", 1.0)
    group, questions = f"g-{topic}", list[int]()

    def ask() -> int:
        questions.append(count_members(kafka, group))
        return questions[-1]

    def member() -> None:
        consumer = connect_consumer(kafka, topic, group)
        with closing(consumer), ThreadPoolExecutor(1) as worker:
            pump(
                consumer,
                lambda batch: partial(worker.submit, lambda: None),
                lambda: questions.count(4) >= 4 or time.monotonic() > until,
                LagMeter(consumer, lambda lags: None),
                count_members=ask,
            )

    until = time.monotonic() + 40
    with ThreadPoolExecutor(4) as members:
        for joined in [members.submit(member) for _ in range(4)]:
            joined.result()

    assert questions.count(4) >= 4, "one of four members has none of three partitions, and asks why"
    assert "joining the group anew" not in caplog.text


def _can_create(kafka: KafkaSettings) -> bool:
    """Create the topics. The broker deletes them in its own time, and refuses the names meanwhile."""
    with suppress(BrokerUnavailable):
        create_topics(kafka)
        return True
    return False


def _within(seconds: float, is_so: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(0.5)
    return True


def test_a_prefix_makes_a_second_set_of_topics_that_reads_the_same(kafka: KafkaSettings) -> None:
    prefix = f"test-{uuid.uuid4().hex[:8]}-"
    beside = replace(kafka, prefix=prefix)
    group = Topic.ETF_DAILY.consumer_group
    before = committed_offsets(kafka, group)
    try:
        assert create_topics(beside) == sorted(prefix + topic for topic in Topic)
        ends = send(beside, Topic.ETF_DAILY, 20)
        seen = read(beside, Topic.ETF_DAILY, group, 20)

        assert {record.topic for record in seen} == {f"{prefix}etf-daily-data"}
        assert ends.keys() == {Topic.ETF_DAILY.value}, "the prefix is the broker's business alone"
        assert offsets_reached(ends, committed_offsets(beside, group))
        assert committed_offsets(kafka, group) == before
    finally:
        delete_topics(kafka, prefix)
    assert create_topics(kafka) == [], "those without the prefix are still there"


def test_a_topic_that_was_made_anew_is_known_by_its_id(kafka: KafkaSettings) -> None:
    """The producer's word of it, and that of who waits for its rows, are of the same topic until then."""
    beside = replace(kafka, prefix=f"test-{uuid.uuid4().hex[:8]}-")
    create_topics(beside)
    try:
        with publisher(beside) as publishing:
            publishing.send_raw(Topic.ETF_DAILY, b"SPY", b"{}")
            publishing.wait()
        with reading(beside) as read_so_far:
            first, committed = read_so_far(Topic.ETF_DAILY)
            assert publishing.topic_ids == {Topic.ETF_DAILY.value: first}
            assert committed == {}

            delete_topics(beside, beside.prefix)
            assert _within(30, lambda: read_so_far(Topic.ETF_DAILY)[0] is None)
            assert _within(60, lambda: _can_create(beside))

            second, _ = read_so_far(Topic.ETF_DAILY)
        assert second not in (None, first)
    finally:
        delete_topics(kafka, beside.prefix)


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "frozen"])
def test_a_broker_that_goes_while_a_producer_sends_is_named(
    kafka: KafkaSettings, topic: str, is_killed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_utils, "ACKNOWLEDGE_SECONDS", 2)
    with ExitStack() as wires:
        wire = wires.enter_context(wire_to_kafka(int(kafka.bootstrap_servers.rpartition(":")[2])))
        with publisher(replace(kafka, bootstrap_servers=f"{HERE}:{wire.port}")) as publishing:
            publishing.send_raw(topic, b"SPY", b"{}")
            assert sum(publishing.wait()[topic].values()) == 1
            if is_killed:
                wires.close()
            else:
                wire.die()
            for _ in range(3):
                publishing.send_raw(topic, b"SPY", b"{}")
            with pytest.raises(BrokerUnavailable, match=r"^Kafka did not acknowledge what was sent: KafkaTimeoutError"):
                publishing.wait()


def test_a_broker_that_is_away_is_named(kafka: KafkaSettings) -> None:
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1 "):
        create_topics(replace(kafka, bootstrap_servers="127.0.0.1:1"))

"""The consuming loop against a hand-written broker and database: what is committed when."""

import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.coordinator.heartbeat import Heartbeat as Heard
from kafka.errors import (
    CommitFailedError,
    KafkaError,
    KafkaTimeoutError,
    RebalanceInProgressError,
    SaslAuthenticationFailedError,
)
from kafka.structs import MemberState

from config.config import KafkaSettings, Topic
from consumer.watch import BEAT_SECONDS, Heartbeat
from utils import kafka_utils, membership
from utils.errors import BrokerUnavailable, DatabaseUnavailable
from utils.kafka_login import require_login
from utils.kafka_utils import POLL_MS, SCRAM, pump
from utils.lag import EVERY_SECONDS, Lag, LagMeter


@dataclass(frozen=True)
class FakeRecord:
    offset: int
    topic: str = "t"
    partition: int = 0
    key: bytes | None = b"SPY"
    value: bytes | None = b"{}"


OURS = TopicPartition("t", 0)


@dataclass
class FakeConsumer:
    """Hands out batches and remembers commits, as the real client would."""

    batches: deque[list[FakeRecord]]
    committed: list[int] = field(default_factory=list)
    state: MemberState = MemberState.STABLE
    joined: list[str] = field(default_factory=list)
    is_paused: bool = False
    is_rebalancing: bool = False  # the next poll ends a rebalance, after which nothing is paused
    read_again: list[FakeRecord] = field(default_factory=list)
    refusals: deque[type[KafkaError]] = field(default_factory=deque)
    waits: set[int] = field(default_factory=set)
    _coordinator: Any = field(default_factory=lambda: SimpleNamespace(heartbeat=Heard()))

    def poll(self, timeout_ms: int = 0, max_records: int = 0) -> dict[TopicPartition, list[FakeRecord]]:
        self.waits.add(timeout_ms)
        if self.is_rebalancing:
            self.is_rebalancing, self.is_paused, self.state = False, False, MemberState.STABLE
            self.batches.extendleft([self.read_again] if self.read_again else [])
            self.read_again = []
        if not self.batches or self.is_paused:
            return {}
        self.polled = self.batches.popleft()
        return {OURS: self.polled}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        assert offset == self.polled[0].offset
        self.batches.appendleft(self.polled)

    def commit(self, offsets: dict[Any, Any], timeout_ms: int) -> None:
        if self.refusals and self.refusals[0] is KafkaTimeoutError:
            raise self.refusals.popleft()
        if self.refusals:
            self.state, self.is_rebalancing = MemberState.REBALANCING, True
            raise self.refusals.popleft()
        self.committed += [meta.offset for meta in offsets.values()]

    def assignment(self) -> set[TopicPartition]:
        return {OURS}

    def pause(self, *partitions: TopicPartition) -> None:
        self.is_paused = True

    def paused(self) -> set[TopicPartition]:
        return {OURS} if self.is_paused else set()

    def resume(self, *partitions: TopicPartition) -> None:
        self.is_paused = self.is_paused and not partitions

    def group_metadata(self) -> Any:
        return SimpleNamespace(state=self.state)

    def subscription(self) -> set[str]:
        return {"t"}

    def unsubscribe(self) -> None:
        self.joined.append("left")

    def subscribe(self, topics: list[str]) -> None:
        self.joined.append(f"joined {topics}")
        self.is_rebalancing = True


def done(handle: Callable[[list[Any]], None]) -> Callable[[list[Any]], Callable[[], "Future[None]"]]:
    def start(batch: list[Any]) -> "Future[None]":
        work: Future[None] = Future()
        try:
            handle(batch)
            work.set_result(None)
        except Exception as error:
            work.set_exception(error)
        return work

    return lambda batch: partial(start, batch)


def run(consumer: FakeConsumer, handle: Callable[[list[Any]], None]) -> None:
    pump(consumer, done(handle), lambda: not consumer.batches, LagMeter(consumer, lambda lags: None))


def batches(*sizes: int) -> deque[list[FakeRecord]]:
    offsets = iter(range(100))
    return deque([FakeRecord(next(offsets)) for _ in range(size)] for size in sizes)


def test_each_batch_is_committed_after_it_was_handled() -> None:
    consumer, events = FakeConsumer(batches(2, 3)), []

    run(consumer, lambda batch: events.append((len(batch), list(consumer.committed))))

    assert consumer.committed == [2, 5]
    assert events[0] == (2, []), "nothing is committed before the first batch is stored"
    assert 5 not in events[1][1], "nor the second before it is"


def test_an_unexpected_error_stops_the_process_and_leaves_the_offset() -> None:
    consumer = FakeConsumer(batches(2, 3))

    def fail(batch: list[Any]) -> None:
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        run(consumer, fail)
    assert consumer.committed == []


@pytest.mark.parametrize("refusal", [RebalanceInProgressError, CommitFailedError])
def test_after_a_rebalance_everything_that_is_not_committed_is_read_again(refusal: type[KafkaError]) -> None:
    first, second = batches(2, 3)
    consumer = FakeConsumer(deque([first, second]), refusals=deque([refusal]), read_again=[*first, *second])
    stored: list[int] = []

    run(consumer, lambda batch: stored.extend(record.offset for record in batch))

    assert consumer.committed == [5]
    assert stored == [0, 1, 0, 1, 2, 3, 4], "the batch in hand was not stored before those that it follows"


def test_a_broker_that_does_not_answer_a_commit_is_asked_again() -> None:
    consumer = FakeConsumer(batches(2, 3), refusals=deque([KafkaTimeoutError] * 3))
    stored: list[int] = []
    run(consumer, lambda batch: stored.extend(record.offset for record in batch))
    assert (stored, consumer.committed) == ([0, 1, 2, 3, 4], [2, 5])


def test_asked_to_stop_it_does_not_wait_for_a_commit() -> None:
    consumer = FakeConsumer(batches(2), refusals=deque([KafkaTimeoutError] * 3))
    stopped(consumer, lambda batch: None)
    assert (len(consumer.refusals), consumer.committed) == (2, [])


def test_a_rebalance_during_a_database_outage_loses_nothing() -> None:
    """It hands partitions out that are not paused: what a poll then returns is read again."""
    consumer, failures = FakeConsumer(batches(2, 2)), iter([True, False, False])
    stored: list[int] = []

    def store(batch: list[FakeRecord]) -> None:
        if next(failures):
            consumer.is_rebalancing = True
            raise DatabaseUnavailable("PostgreSQL went away")
        stored.extend(record.offset for record in batch)

    run(consumer, store)

    assert stored == [0, 1, 2, 3]


def test_a_member_that_stays_outside_its_group_joins_it_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "REJOIN_SECONDS", 0)
    consumer = FakeConsumer(batches(2), state=MemberState.UNJOINED)
    run(consumer, lambda batch: None)
    assert consumer.joined == ["left", "joined ['t']"]
    assert consumer.committed == [2]


@pytest.mark.parametrize(("state", "waits"), [(MemberState.STABLE, {0}), (MemberState.UNJOINED, {POLL_MS})])
def test_only_a_consumer_outside_its_group_waits_inside_the_client(state: MemberState, waits: set[int]) -> None:
    """The client's waiting spins while a broker is silent, and joining a group needs it."""
    consumer, looks = FakeConsumer(deque(), state=state), iter([False, False, True])
    pump(consumer, done(lambda batch: None), lambda: next(looks), LagMeter(consumer, lambda lags: None))
    assert consumer.waits == waits


def test_a_partition_of_another_member_is_not_committed() -> None:
    consumer = FakeConsumer(deque([[FakeRecord(7, partition=1), FakeRecord(3)]]))
    run(consumer, lambda batch: None)
    assert consumer.committed == [4]


def test_a_database_outage_holds_the_offset_and_loses_nothing() -> None:
    consumer, failures = FakeConsumer(batches(2, 3)), iter([True, True, False, False])
    stored: list[int] = []

    def store(batch: list[FakeRecord]) -> None:
        if next(failures):
            assert consumer.committed == []
            raise DatabaseUnavailable("PostgreSQL went away")
        stored.extend(record.offset for record in batch)

    run(consumer, store)

    assert stored == [0, 1, 2, 3, 4]
    assert consumer.committed == [2, 5]


def stopped(consumer: FakeConsumer, handle: Callable[[list[Any]], None]) -> None:
    """Run a consumer that is asked to stop while it handles its first batch."""
    asked: list[bool] = []

    def handle_and_ask(batch: list[Any]) -> None:
        asked.append(True)
        handle(batch)

    def is_asked() -> bool:
        return bool(asked)

    pump(consumer, done(handle_and_ask), is_asked, LagMeter(consumer, lambda lags: None), is_asked)


def test_asked_to_stop_it_does_not_wait_for_its_group() -> None:
    consumer = FakeConsumer(batches(2), refusals=deque([RebalanceInProgressError]))
    consumer.read_again = []
    rejoining: list[int] = []

    def poll_outside(timeout_ms: int = 0, max_records: int = 0) -> dict[TopicPartition, list[FakeRecord]]:
        if consumer.batches:
            return {OURS: consumer.batches.popleft()}
        rejoining.append(timeout_ms)
        assert len(rejoining) < 100, "it waits for a group that does not come back"
        return {}

    consumer.poll = poll_outside  # type: ignore[method-assign]
    stopped(consumer, lambda batch: None)
    assert consumer.committed == []


def test_asked_to_stop_it_does_not_wait_for_the_database() -> None:
    consumer, tries = FakeConsumer(batches(2)), []

    def store(batch: list[FakeRecord]) -> None:
        tries.append(batch)
        assert len(tries) < 10, "it waits for a database that does not come back"
        raise DatabaseUnavailable("PostgreSQL went away")

    stopped(consumer, store)
    assert (len(tries), consumer.committed) == (1, [])


@dataclass(frozen=True)
class FakePartition:
    topic: str
    partition: int


ETF_0, ETF_1 = FakePartition("etf", 0), FakePartition("etf", 1)


@dataclass
class FakeOffsets:
    """What a consumer knows without asking: what it has read of each partition, and where that ends."""

    read: dict[FakePartition, int | None]
    ends: dict[FakePartition, int | None]
    error: Exception | None = None

    def assignment(self) -> set[FakePartition]:
        return set(self.read)

    def highwater(self, partition: FakePartition) -> int | None:
        if self.error:
            raise self.error
        return self.ends[partition]

    def position(self, partition: FakePartition, timeout_ms: int) -> int | None:
        assert timeout_ms == 0, "it must not wait for an answer"
        return self.read[partition]


@pytest.mark.parametrize("user", ["", "consumer-etf-daily"])
@pytest.mark.parametrize("is_there", [True, False], ids=["a port that only closes", "no broker"])
def test_a_broker_that_does_not_answer_refuses_nothing(user: str, is_there: bool) -> None:
    """Its clients wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        port = server.getsockname()[1] if is_there else 1
        require_login(KafkaSettings(f"127.0.0.1:{port}", 1, 1, user=user, password="x"), SCRAM)


def test_a_login_that_is_refused_later_names_broker_and_user(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(FakeConsumer):
        def poll(self, timeout_ms: int = 0, max_records: int = 0) -> Any:
            raise SaslAuthenticationFailedError("invalid credentials")

        def close(self) -> None:
            self.joined.append("closed")

    consumer = Refused(batches())
    monkeypatch.setattr(kafka_utils, "_StopSignal", lambda: SimpleNamespace(requested=False))
    monkeypatch.setattr(kafka_utils, "require_login", lambda *_: None)
    monkeypatch.setattr(kafka_utils, "connect_consumer", lambda *_: consumer)
    settings = KafkaSettings("kafka:9092", 1, 1, user="consumer-etf-daily")
    with pytest.raises(BrokerUnavailable, match=r"Kafka at kafka:9092 .* as consumer-etf-daily: .*invalid credentials"):
        kafka_utils.consume(settings, Topic.ETF_DAILY, lambda batch: lambda: None, lambda lags: None)
    assert consumer.joined == ["closed"]


def test_a_heartbeat_is_a_file_that_is_touched_now_and_then(tmp_path: Path) -> None:
    file, now = tmp_path / "alive", [100.0]
    heartbeat = Heartbeat(file, lambda: now[0])
    heartbeat.beat(True)
    assert file.exists()
    file.unlink()
    for seconds, beats in ((BEAT_SECONDS - 1, False), (1, True)):
        now[0] += seconds
        heartbeat.beat(True)
        assert file.exists() is beats


def test_who_waits_has_no_heartbeat_until_it_is_at_work_again(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    heartbeat = Heartbeat(file, lambda: 100.0)
    for is_at_work in (True, False, False, True):
        heartbeat.beat(is_at_work)
        assert file.exists() is is_at_work


def stands_in(monkeypatch: pytest.MonkeyPatch, consumer: FakeConsumer) -> Any:
    """Let a consumer stand in for the client's, and return what asks it to stop."""
    stop = SimpleNamespace(requested=False)
    consumer.close = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr(kafka_utils, "_StopSignal", lambda: stop)
    monkeypatch.setattr(kafka_utils, "require_login", lambda *_: None)
    monkeypatch.setattr(kafka_utils, "connect_consumer", lambda *_: consumer)
    return stop


def consume(beat: Callable[[bool], object], store: Callable[[], None] = lambda: None) -> None:
    kafka_utils.consume(KafkaSettings("", 1, 1), Topic.ETF_DAILY, lambda batch: store, lambda lags: None, beat)


def test_who_hears_nothing_of_the_broker_waits_although_there_is_nothing_to_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    consumer, beats = FakeConsumer(deque()), list[bool]()
    heard = consumer._coordinator.heartbeat
    stop = stands_in(monkeypatch, consumer)

    def beat(is_at_work: bool) -> None:
        beats.append(is_at_work)
        if is_at_work:
            heard.last_reset = heard.last_receive = time.monotonic() - membership.SILENT_SECONDS
        else:
            heard.received_heartbeat()
        stop.requested = len(beats) == 3

    consume(beat)

    assert beats == [True, False, True]


@pytest.mark.parametrize("is_at_work", [True, False])
def test_without_a_file_nothing_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_at_work: bool) -> None:
    monkeypatch.chdir(tmp_path)
    Heartbeat(None).beat(is_at_work)
    assert list(tmp_path.iterdir()) == []


def test_a_consumer_without_messages_is_at_work_and_one_that_waits_for_the_database_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever looks at its heartbeat may tell them apart, at once and until the batch is stored."""
    beats, tries = list[str](), iter(range(3))
    consumer = FakeConsumer(batches(2))
    stop = stands_in(monkeypatch, consumer)
    monkeypatch.setattr(kafka_utils, "LONGEST_WAIT_SECONDS", 0.01)

    def store() -> None:
        if next(tries, None) is not None:
            beats.append("database away")
            raise DatabaseUnavailable("PostgreSQL went away")
        beats.append("stored")

    def beat(is_at_work: bool) -> None:
        beats.append("at work" if is_at_work else "waits")
        stop.requested = beats.count("at work") > 5

    consume(beat, store)

    first, last = beats.index("database away"), beats.index("stored")
    waiting = beats[first + 1 : last]
    assert waiting.count("database away") == 2 and "waits" in waiting
    # The thread that stores begins while the loop goes its round.
    assert "at work" not in beats[beats.index("waits") : last]
    assert set(beats[last + 1 :]) == {"at work"}
    assert consumer.committed == [2]


class TestLag:
    """When the lag is reported, and its value."""

    def meter(self, offsets: FakeOffsets) -> LagMeter:
        self.now = 100.0
        self.told: list[list[Lag]] = []
        return LagMeter(offsets, self.told.append, lambda: self.now)

    def test_is_told_now_and_then(self) -> None:
        meter = self.meter(FakeOffsets({ETF_0: 5, ETF_1: 7}, {ETF_0: 9, ETF_1: 7}))
        for seconds in (0, 1, EVERY_SECONDS - 2, 1, EVERY_SECONDS - 1):
            self.now += seconds
            meter.look(is_idle=False)
        assert self.told == [[Lag("etf", 0, 5, 9), Lag("etf", 1, 7, 7)]] * 2

    def test_is_told_at_once_when_all_that_came_is_stored(self) -> None:
        meter = self.meter(FakeOffsets({ETF_0: 9}, {ETF_0: 9}))
        meter.look(is_idle=True)
        meter.committed({ETF_0: 9})
        meter.look(is_idle=False)
        assert len(self.told) == 1, "there may be more to come"
        for _ in range(3):
            meter.look(is_idle=True)
        assert self.told == [[Lag("etf", 0, 9, 9)]] * 2, "and then nothing is new"

    def test_a_batch_in_work_is_not_stored_yet(self) -> None:
        meter = self.meter(FakeOffsets({ETF_0: 30}, {ETF_0: 40}))
        meter.committed({ETF_0: 10})
        meter.look(is_idle=False)
        assert self.told == [[Lag("etf", 0, 10, 40)]]

    def test_of_a_partition_that_nothing_is_known_of_nothing_is_told(self) -> None:
        meter = self.meter(FakeOffsets({ETF_0: None, ETF_1: 4}, {ETF_0: 9, ETF_1: None}))
        meter.look(is_idle=True)
        assert self.told == [[]]

    def test_trouble_with_it_is_no_trouble_for_the_consumer(self) -> None:
        meter = self.meter(FakeOffsets({ETF_0: 1}, {ETF_0: 1}, RuntimeError("in the middle of a rebalance")))
        meter.look(is_idle=True)
        assert self.told == []

    def test_the_loop_tells_what_it_has_committed(self) -> None:
        consumer = FakeConsumer(batches(2, 3))
        told: list[tuple[bool, int]] = []

        class Meter(LagMeter):
            def look(self, is_idle: bool) -> None:
                told.append((is_idle, max(self._committed.values(), default=0)))

        looks = iter(range(5))
        pump(
            consumer,
            done(lambda batch: None),
            lambda: next(looks, None) is None,
            Meter(consumer, lambda lags: None),
        )
        assert told == [(False, 0), (False, 0), (False, 2), (True, 5), (True, 5)]

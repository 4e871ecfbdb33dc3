"""The only module that talks to Kafka: topics, publishing with acknowledgements, consuming with the commit last."""

import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import CommitFailedError, KafkaError

from config.config import KafkaSettings, Topic
from utils.errors import BrokerUnavailable, DatabaseUnavailable
from utils.messages import Message, to_json

log = logging.getLogger(__name__)

Offsets = dict[int, int]  # partition -> offset that the next message will have

POLL_MS = 500
MAX_BATCH = 10_000
LONGEST_WAIT_SECONDS = 15.0
ACKNOWLEDGE_SECONDS = 30


@dataclass(frozen=True)
class Record:
    """A message with its address."""

    topic: str
    partition: int
    offset: int
    key: str | None
    value: bytes


Handler = Callable[[list[Record]], None]


@dataclass
class Publisher:
    """Sends messages and remembers the broker's acknowledgements."""

    producer: KafkaProducer
    _pending: list[Any] = field(default_factory=list)

    def send(self, topic: Topic, message: Message) -> None:
        try:
            self._pending.append(self.producer.send(topic, key=message.key.encode(), value=to_json(message)))
        except KafkaError as error:
            raise BrokerUnavailable(f"topic {topic} does not take messages: {error}") from None

    def wait(self) -> dict[str, Offsets]:
        """Wait until the broker has acknowledged every message sent so far; end offsets by topic."""
        ends: dict[str, Offsets] = {}
        pending, self._pending = self._pending, []
        try:
            self.producer.flush(timeout=ACKNOWLEDGE_SECONDS)
            for future in pending:
                sent = future.get(timeout=ACKNOWLEDGE_SECONDS)
                partitions = ends.setdefault(sent.topic, {})
                partitions[sent.partition] = max(partitions.get(sent.partition, 0), sent.offset + 1)
        except KafkaError as error:
            raise BrokerUnavailable(f"Kafka did not acknowledge what was sent: {error}") from None
        return ends


@contextmanager
def publisher(settings: KafkaSettings) -> Iterator[Publisher]:
    """A publisher that waits for all in-sync replicas; BrokerUnavailable when Kafka cannot be reached."""
    with _broker(settings):
        producer = KafkaProducer(
            bootstrap_servers=settings.bootstrap_servers,
            acks="all",
            enable_idempotence=True,
            linger_ms=20,
            compression_type="gzip",
            api_version=(3, 9),
        )
    try:
        yield Publisher(producer)
    finally:
        producer.close(timeout=5)


def create_topics(settings: KafkaSettings) -> list[str]:
    """Create the topics that are missing, with their partitions; returns the new ones."""
    layout = {"num_partitions": settings.partitions, "replication_factor": settings.replication}
    with _admin(settings) as admin:
        missing = sorted({topic.value for topic in Topic} - set(admin.list_topics()))
        if missing:
            admin.create_topics(dict.fromkeys(missing, layout), wait_for_metadata=True)
    return missing


def committed_offsets(settings: KafkaSettings, group: str) -> dict[str, Offsets]:
    """How far a consumer group has committed, by topic."""
    offsets: dict[str, Offsets] = {}
    with _admin(settings) as admin:
        for partition, meta in admin.list_group_offsets(group)[group].items():
            offsets.setdefault(partition.topic, {})[partition.partition] = meta.offset
    return offsets


def consume(settings: KafkaSettings, topic: Topic, handle: Handler) -> None:
    """Poll, handle, commit, until SIGTERM. The commit is the last step, so a batch is handled at least once.

    While the database is away the batch is kept and tried again: the offset does not move and nothing is lost.
    """
    stop = _StopSignal()
    with _broker(settings):
        consumer = connect_consumer(settings, topic, topic.consumer_group)
    log.info("reading %s as %s", topic, topic.consumer_group)
    try:
        while not stop.requested:
            records = poll(consumer)
            if records:
                _handle_patiently(consumer, handle, records, stop)
    finally:
        consumer.close()
        log.info("stopped reading %s", topic)


def connect_consumer(settings: KafkaSettings, topic: Topic | str, group: str) -> KafkaConsumer:
    """A consumer that commits only when told to and starts a new group at the oldest message."""
    return KafkaConsumer(
        topic,
        bootstrap_servers=settings.bootstrap_servers,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=MAX_BATCH,
        max_partition_fetch_bytes=4 * 2**20,
        fetch_max_wait_ms=POLL_MS,
        check_crcs=False,  # TCP and the broker have checked them; in pure Python they cost a tenth of the time
        api_version=(3, 9),
    )


def poll(consumer: KafkaConsumer) -> list[Record]:
    """The next messages of all partitions, in order within each."""
    batches = consumer.poll(timeout_ms=POLL_MS)
    return [
        Record(at.topic, at.partition, message.offset, message.key and message.key.decode(), message.value)
        for at, messages in batches.items()
        for message in messages
    ]


def _handle_patiently(consumer: KafkaConsumer, handle: Handler, records: list[Record], stop: "_StopSignal") -> None:
    wait = 0.5
    while not stop.requested:
        try:
            handle(records)
        except DatabaseUnavailable as error:
            log.warning("%s; %d messages wait, next try in %.1f s", error, len(records), wait)
            _keep_membership(consumer, wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)
            continue
        _commit(consumer)
        return


def _keep_membership(consumer: KafkaConsumer, seconds: float) -> None:
    """Wait while telling the group that we are alive, without fetching more."""
    held = consumer.assignment()
    consumer.pause(*held)
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        consumer.poll(timeout_ms=int(min(left, 1) * 1000))
    consumer.resume(*held)


def _commit(consumer: KafkaConsumer) -> None:
    try:
        consumer.commit()
    except CommitFailedError:
        # The partitions went to another member meanwhile: it reads the batch again, and upserts make that harmless.
        log.warning("the group was rebalanced before the commit: the batch will be read again")


class _StopSignal:
    """Set by SIGTERM or SIGINT, so that a batch under way is finished and committed."""

    def __init__(self) -> None:
        self.requested = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request)

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True


@contextmanager
def _admin(settings: KafkaSettings) -> Iterator[KafkaAdminClient]:
    with _broker(settings):
        admin = KafkaAdminClient(bootstrap_servers=settings.bootstrap_servers, api_version=(3, 9))
        try:
            yield admin
        finally:
            admin.close()


@contextmanager
def _broker(settings: KafkaSettings) -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise BrokerUnavailable(f"Kafka at {settings.bootstrap_servers} cannot be used: {error}") from None


def offsets_reached(needed: dict[str, Offsets], committed: dict[str, Offsets]) -> bool:
    """Whether a group has committed past every needed end offset.

    >>> offsets_reached({"t": {0: 5}}, {"t": {0: 5, 1: 9}}), offsets_reached({"t": {0: 5}}, {"t": {0: 4}})
    (True, False)
    """
    return all(
        committed.get(topic, {}).get(partition, 0) >= end
        for topic, partitions in needed.items()
        for partition, end in partitions.items()
    )

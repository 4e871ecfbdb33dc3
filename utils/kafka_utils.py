"""The only module that talks to Kafka, but for kafka_roles, which makes its users, and kafka_login, which tries one.

It creates topics, publishes with acknowledgements, and consumes with the commit as the last step.
"""

import logging
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from types import FrameType
from typing import Any, Protocol

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import CommitFailedError, KafkaError, NoError, RebalanceInProgressError, RetriableError

from config.config import KafkaSettings, Topic
from utils.errors import BrokerUnavailable, DatabaseUnavailable
from utils.kafka_login import require_login
from utils.lag import Lag, LagMeter
from utils.membership import NOT_KNOWN, REJOIN_SECONDS, Membership
from utils.ranges import LONGEST_RANGE, count_sessions

log = logging.getLogger(__name__)
# At each connection it warns that others may read the password, which SCRAM never sends.
logging.getLogger("kafka.net.sasl").setLevel(logging.ERROR)

Offsets = dict[int, int]  # partition -> offset of the next message

POLL_MS = 500
# A look for messages costs processor time: each that finds none doubles the time until the next one, up to the longest.
IDLE_SECONDS = 0.025
LONGEST_IDLE_SECONDS = 0.4
MAX_BATCH = 10_000  # rows: a range has one for each session
LONGEST_WAIT_SECONDS = 15.0
ACKNOWLEDGE_SECONDS = 30
CLOSE_SECONDS = 5
COMMIT_MS = 5000  # then it looks whether it is to stop, and tries again
# A new password reaches the broker through ZooKeeper. And a consumer that ends at once is started again at once.
LOGIN_SECONDS = 8.0
# How clients prove who they are, and how the broker itself does.
SCRAM, PLAIN = "SCRAM-SHA-512", "PLAIN"
METADATA_SECONDS = 30  # after so long a consumer knows of new partitions


class ConsumerRecord(Protocol):
    """A message's bytes with topic, partition and offset, as the Kafka client delivers them."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


# Makes a batch ready, and returns what handles it, in another thread and perhaps more than once.
Preparer = Callable[[list[ConsumerRecord]], Callable[[], None]]
# Returns a topic's id, None while the broker knows no such topic, and the offsets that its group has committed.
ReadSoFar = Callable[[Topic], tuple[str | None, Offsets]]
LagHandler = Callable[[list[Lag]], None]


@dataclass
class Publisher:
    """Sends messages, and keeps their pending acknowledgements. topic_ids: of the topics as they were at first."""

    producer: KafkaProducer
    prefix: str = ""
    topic_ids: dict[str, str] = field(default_factory=dict)
    _pending: list[Any] = field(default_factory=list)

    def send_raw(self, topic: str, key: bytes | None, value: bytes) -> None:
        try:
            self._pending.append(self.producer.send(self.prefix + topic, key=key, value=value))
        except KafkaError as error:
            raise BrokerUnavailable(f"topic {topic} does not accept messages: {error}") from None
        # The client has it at hand. Asking the broker would take a connection more.
        if known := self.producer._metadata.topic_id(self.prefix + topic):
            self.topic_ids.setdefault(str(topic), str(known))

    def wait(self) -> dict[str, Offsets]:
        """Wait until the broker has acknowledged all messages sent so far, and return the end offsets by topic."""
        ends: dict[str, Offsets] = {}
        pending, self._pending = self._pending, []
        try:
            self.producer.flush(timeout=ACKNOWLEDGE_SECONDS)
            for future in pending:
                sent = future.get(timeout=ACKNOWLEDGE_SECONDS)
                partitions = ends.setdefault(sent.topic.removeprefix(self.prefix), {})
                partitions[sent.partition] = max(partitions.get(sent.partition, 0), sent.offset + 1)
        except KafkaError as error:
            raise BrokerUnavailable(f"Kafka did not acknowledge what was sent: {error}") from None
        return ends


@contextmanager
def publisher(settings: KafkaSettings) -> Iterator[Publisher]:
    """Open a publisher that waits for all in-sync replicas, or raise BrokerUnavailable."""
    with _broker(settings):
        producer = KafkaProducer(
            **client_options(settings),
            acks="all",
            enable_idempotence=True,
            linger_ms=20,
            compression_type="zstd",  # gzip has its slowest level in this client, which takes most of a range's time
        )
    try:
        yield Publisher(producer, settings.prefix)
    finally:
        _close(producer)


def _close(producer: KafkaProducer) -> None:
    try:
        producer.close(timeout=CLOSE_SECONDS)
    except KafkaError:
        # It does not close while something is not acknowledged, which `wait` has told.
        producer._sender.force_close()
        producer.close(timeout=CLOSE_SECONDS)


def create_topics(settings: KafkaSettings) -> list[str]:
    """Create the topics that are missing, with their partitions, and return the new ones."""
    layout = {"num_partitions": settings.partitions, "replication_factor": settings.replication}
    with admin_client(settings) as admin:
        missing = sorted({settings.prefix + topic for topic in Topic} - set(admin.list_topics()))
        if missing:
            admin.create_topics(dict.fromkeys(missing, layout), wait_for_metadata=True)
    return missing


def delete_topics(settings: KafkaSettings, prefix: str) -> None:
    """Delete the topics and groups whose names begin with a prefix. No consumer may be reading them."""
    assert prefix, "an empty prefix would delete the platform's own topics"
    with admin_client(settings) as admin:
        groups = [group["group_id"] for group in admin.list_groups() if group["group_id"].startswith(prefix)]
        if groups:
            admin.delete_groups(groups)
        topics = [topic for topic in admin.list_topics() if topic.startswith(prefix)]
        if topics:
            admin.delete_topics(topics)


def committed_offsets(settings: KafkaSettings, group: str) -> dict[str, Offsets]:
    """Return the offsets up to which a consumer group has committed, by topic."""
    with admin_client(settings) as admin:
        return _committed(admin, settings, group)


def count_members(settings: KafkaSettings, group: str) -> int:
    """Return how many members the broker says that a consumer group has."""
    return len(shares(settings, group))


def shares(settings: KafkaSettings, group: str) -> list[int]:
    """Return how many partitions each member of a consumer group has by the broker's word."""
    with admin_client(settings) as admin:
        [described] = admin.describe_groups([settings.prefix + group]).values()
    given = [member["member_assignment"] for member in described["members"]]
    return [sum(len(topic["partitions"]) for topic in each["assigned_partitions"]) if each else 0 for each in given]


def _committed(admin: KafkaAdminClient, settings: KafkaSettings, group: str) -> dict[str, Offsets]:
    offsets: dict[str, Offsets] = {}
    for partition, meta in admin.list_group_offsets(settings.prefix + group)[settings.prefix + group].items():
        offsets.setdefault(partition.topic.removeprefix(settings.prefix), {})[partition.partition] = meta.offset
    return offsets


@contextmanager
def reading(settings: KafkaSettings) -> Iterator[ReadSoFar]:
    """Yield what tells how far a topic is read. It logs in at its first question, and asks the others by that login."""
    with ExitStack() as opened:

        @cache
        def admin() -> KafkaAdminClient:
            return opened.enter_context(admin_client(settings))

        def read_so_far(topic: Topic) -> tuple[str | None, Offsets]:
            [described] = admin().describe_topics([settings.prefix + topic])
            offsets = _committed(admin(), settings, topic.consumer_group).get(topic.value, {})
            return None if described["error_code"] else str(described["topic_id"]), offsets

        yield read_so_far


def topic_ids(settings: KafkaSettings) -> dict[str, str]:
    """Return the ids of the topics that are there. A topic that was deleted and made again has another one."""
    wanted = {settings.prefix + topic: topic for topic in Topic}
    with admin_client(settings) as admin:
        there = [name for name in admin.list_topics() if name in wanted]
        found = admin.describe_topics(there) if there else []
    return {wanted[topic["name"]]: str(topic["topic_id"]) for topic in found}


def set_back(settings: KafkaSettings, topic: Topic, offsets: Offsets) -> None:
    """Let the group of a topic, which nobody reads now, go on at these offsets, and elsewhere at the oldest message."""
    name, group = settings.prefix + topic, settings.prefix + topic.consumer_group
    until = time.monotonic() + REJOIN_SECONDS * 3  # members that were killed are known for a while
    with admin_client(settings) as admin:
        [described] = admin.describe_topics([name])
        numbers = [partition["partition_index"] for partition in described["partitions"]]
        wanted = {TopicPartition(name, number): offsets.get(number, OffsetSpec.EARLIEST) for number in numbers}
        while errors := _refusals(admin, group, wanted):
            if time.monotonic() > until:
                raise BrokerUnavailable(f"the group {group} cannot be set back: {', '.join(sorted(errors))}")
            time.sleep(1)


def _refusals(admin: KafkaAdminClient, group: str, wanted: dict[TopicPartition, Any]) -> set[str]:
    """Set a group back, and return why it was not: of partitions, or of a broker that has just begun to run."""
    try:
        answers = admin.reset_group_offsets(group, dict(wanted))
    except RetriableError as error:  # the group's coordinator is still reading what it knows
        return {type(error).__name__}
    return {answer["error"].__name__ for answer in answers.values() if answer["error"] is not NoError}


def end_offsets(settings: KafkaSettings, topic: Topic) -> Offsets:
    """Return the offsets that the next messages of a topic will have."""
    with _broker(settings):
        consumer = KafkaConsumer(**client_options(settings))
        try:
            name = settings.prefix + topic
            partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
            return {partition.partition: end for partition, end in consumer.end_offsets(partitions).items()}
        finally:
            consumer.close()


def consume(
    settings: KafkaSettings,
    topic: Topic,
    prepare: Preparer,
    handle_lag: LagHandler,
    beat: Callable[[bool], object] = lambda is_at_work: None,
) -> None:
    """Poll, prepare, handle and commit batches until SIGTERM.

    beat: is told in every round whether the consumer is at work, or waits for the database, the broker or its group

    The commit is the last step, so every batch is handled at least once. While a batch is being handled, the next one
    is polled and prepared. While the database cannot be reached, the batch is kept and tried again. The offset does not
    move then, and nothing is lost. One thread handles batches and lags, one after another.
    """
    stop = _StopSignal()

    def gives_up() -> bool:
        beat(False)
        return stop.requested

    with _broker(settings, patience_seconds=LOGIN_SECONDS):
        consumer = connect_consumer(settings, topic, topic.consumer_group)
        log.info("reading %s as %s", topic, topic.consumer_group)
        try:
            with ThreadPoolExecutor(1, topic.value) as worker:
                meter = LagMeter(consumer, lambda lags: worker.submit(handle_lag, lags))
                members = partial(count_members, settings, topic.consumer_group)
                pump(
                    consumer,
                    lambda batch: partial(worker.submit, prepare(batch)),
                    lambda: stop.requested,
                    meter,
                    gives_up,
                    members,
                    beat,
                )
        finally:
            consumer.close()
            log.info("stopped reading %s", topic)


def pump(
    consumer: KafkaConsumer,
    prepare: Callable[[list[ConsumerRecord]], Callable[[], Future[None]]],
    is_over: Callable[[], bool],
    meter: LagMeter,
    gives_up: Callable[[], bool] = lambda: False,
    count_members: Callable[[], int] = lambda: NOT_KNOWN,
    beat: Callable[[bool], object] = lambda is_at_work: None,
) -> None:
    """Handle one batch while polling and preparing the next, until `is_over`. Finish and commit the last one.

    prepare: makes a batch ready, and returns what begins to handle it in another thread
    gives_up: whether to wait no longer for the database or for the group: what is not committed is read again later
    count_members: asks the broker for the size of the group, where a member has no partition
    beat: is told in every round whether the broker hands out what is sent
    """
    # Fetching and preparing the next batch (in this thread) and storing the current one (in the other) overlap. Only
    # one batch is handled at a time, so commits stay in order and a crash repeats at most one batch.
    under_way: _Work | None = None
    idle = IDLE_SECONDS
    membership, reader = Membership(consumer, meter, count_members), _Reader(consumer)
    while not is_over():
        beat(membership.is_at_work)
        membership.look(is_busy=under_way is not None)
        batch = reader.poll(timeout_ms=0 if membership.is_stable else POLL_MS)
        meter.look(is_idle=not (batch or under_way))
        idle = IDLE_SECONDS if batch or under_way else min(2 * idle, LONGEST_IDLE_SECONDS)
        start = prepare(batch) if batch else None
        if under_way and (start or under_way.future.done()):
            if not _finish(consumer, under_way, membership, gives_up):
                start = None  # the group has begun anew at the committed offsets: the batch is read again, too
            under_way = None
        if start:
            under_way = _Work(batch, start, start())
        elif under_way:
            # Nothing to read: wait for the batch instead of spinning, but keep polling so that the group stays alive.
            wait([under_way.future], timeout=POLL_MS / 1000)
        else:
            # The client's own waiting spins while a broker is silent, and keeps a hundred megabytes afterwards.
            time.sleep(idle)
    if under_way:
        _finish(consumer, under_way, membership, gives_up)


def connect_consumer(settings: KafkaSettings, topic: Topic | str, group: str) -> KafkaConsumer:
    """Connect a consumer that never commits by itself, and that starts a new group at the oldest message."""
    return KafkaConsumer(
        settings.prefix + topic,
        **client_options(settings),
        group_id=settings.prefix + group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=MAX_BATCH,
        # Compressed. Two batches of ranges, which are twice and a half as large when they are unpacked.
        max_partition_fetch_bytes=2**20,
        fetch_max_wait_ms=POLL_MS,
        metadata_max_age_ms=METADATA_SECONDS * 1000,
        check_crcs=False,  # TCP and the broker have checked them, and in pure Python they take a tenth of the time
    )


class _Reader:
    """Polls batches of at most MAX_BATCH rows, or of one message, whether they come as single bars or as ranges."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._messages = MAX_BATCH // LONGEST_RANGE  # as many as make a batch, by what came last

    def poll(self, timeout_ms: int) -> list[ConsumerRecord]:
        """Return the next messages of all partitions, in order within each."""
        batch: list[ConsumerRecord] = []
        rows = 0
        for partition, records in self._consumer.poll(timeout_ms=timeout_ms, max_records=self._messages).items():
            for record in records:
                rows += count_sessions(record.value)
                if rows > MAX_BATCH and batch:
                    self._consumer.seek(partition, record.offset)  # it is fetched again
                    break
                batch.append(record)
        if batch:
            self._messages = min(MAX_BATCH, max(1, MAX_BATCH * len(batch) // rows))
        return batch


@dataclass
class _Work:
    """A batch that is being handled."""

    batch: list[ConsumerRecord]
    start: Callable[[], Future[None]]
    future: Future[None]


def _finish(consumer: KafkaConsumer, work: _Work, membership: Membership, gives_up: Callable[[], bool]) -> bool:
    """Wait until the batch is handled, then commit. Handle it again while the database cannot be reached.

    Return whether it is committed. If not, all that is not committed is read again: by whoever has the partitions after
    the group was rebalanced, or at the next start.
    """
    pause = 0.5
    while True:
        try:
            work.future.result()
            return _commit(consumer, work.batch, membership, gives_up)
        except DatabaseUnavailable as error:
            log.warning("%s; %d messages wait, next try in %.1f s", error, len(work.batch), pause)
        if gives_up():
            return False
        _poll_nothing(consumer, _any(gives_up, _after(pause)))
        pause = min(pause * 2, LONGEST_WAIT_SECONDS)
        work.future = work.start()


def _commit(
    consumer: KafkaConsumer,
    batch: list[ConsumerRecord],
    membership: Membership,
    gives_up: Callable[[], bool],
) -> bool:
    ends = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in batch}
    # The new owner of a partition may have committed more already.
    owned = {partition: end for partition, end in ends.items() if partition in consumer.assignment()}
    offsets = {partition: OffsetAndMetadata(end, "", -1) for partition, end in owned.items()}
    while True:
        try:
            consumer.commit(offsets, timeout_ms=COMMIT_MS)
            membership.committed(owned)
            return True
        except (CommitFailedError, RebalanceInProgressError):
            # Whoever has the partitions next begins at the committed offsets. Upserts make the repetition harmless.
            log.warning("the group was rebalanced before the commit: the batch will be read again")
            # It joins anew when that takes too long.
            _poll_nothing(consumer, _any(gives_up, membership.is_restored))
            return False
        except RetriableError as error:
            log.warning("Kafka does not take the commit (%s): trying it again", type(error).__name__)
        if gives_up():
            return False


def _poll_nothing(consumer: KafkaConsumer, is_over: Callable[[], bool]) -> None:
    """Stay a member of the group without taking messages, until `is_over`."""
    # A consumer that does not poll is expelled from its group. Paused partitions deliver nothing, so polling is safe.
    while not is_over():
        consumer.pause(*consumer.assignment())
        for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
            consumer.seek(partition, records[0].offset)  # it was handed out, not paused, by a rebalance in the poll
    consumer.resume(*consumer.paused())


def _any(*questions: Callable[[], bool]) -> Callable[[], bool]:
    return lambda: any(question() for question in questions)


def _after(seconds: float) -> Callable[[], bool]:
    """Return a function that tells whether so many seconds are over from now on."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


class _StopSignal:
    """Is set by SIGTERM or SIGINT, so that the current batch is finished and committed."""

    def __init__(self) -> None:
        self.requested = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request)

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True


def client_options(settings: KafkaSettings, mechanism: str = SCRAM) -> dict[str, Any]:
    """Return how a client finds the broker and logs in. Without a user the broker is one that asks for none."""
    options: dict[str, Any] = {"bootstrap_servers": settings.bootstrap_servers, "api_version": (3, 9)}
    if settings.user:
        options |= {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": mechanism}
        options |= {"sasl_plain_username": settings.user, "sasl_plain_password": settings.password}
    return options


@contextmanager
def admin_client(settings: KafkaSettings, mechanism: str = SCRAM) -> Iterator[KafkaAdminClient]:
    """Connect a client that looks after topics, groups and users, or raise BrokerUnavailable."""
    with _broker(settings, mechanism):
        admin = KafkaAdminClient(**client_options(settings, mechanism))
        try:
            yield admin
        finally:
            admin.close()


@contextmanager
def _broker(settings: KafkaSettings, mechanism: str = SCRAM, patience_seconds: float = 0.0) -> Iterator[None]:
    """Try the login, then name broker and user in an error of the client.

    patience_seconds: for which a login that is refused is tried again
    """
    require_login(settings, mechanism, patience_seconds)
    try:
        yield
    except KafkaError as error:
        user = f" as {settings.user}" if settings.user else ""
        raise BrokerUnavailable(f"Kafka at {settings.bootstrap_servers} cannot be used{user}: {error}") from None


def offsets_reached(needed: dict[str, Offsets], committed: dict[str, Offsets]) -> bool:
    """Tell whether a group has committed up to all needed end offsets.

    >>> offsets_reached({"t": {0: 5}}, {"t": {0: 5, 1: 9}}), offsets_reached({"t": {0: 5}}, {"t": {0: 4}})
    (True, False)
    """
    return all(
        committed.get(topic, {}).get(partition, 0) >= end
        for topic, partitions in needed.items()
        for partition, end in partitions.items()
    )

"""What the three consumers share: decode a batch, store it in one transaction, and log what is rejected."""

import gc
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import date
from functools import partial
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec
import psycopg2

from config.config import DatabaseSettings, Settings, Topic
from consumer.watch import Heartbeat, Watch, watch_of
from database.db_helper import Connection, Values, connect, prepared_upsert, transaction, upsert
from database.queries import consumer_lag, errors
from database.tables import CONSUMER_ERROR, Table, received
from utils.command_line import exit_code_of
from utils.errors import DatabaseUnavailable, InvalidMessage
from utils.kafka_utils import ConsumerRecord, consume
from utils.lag import Lag
from utils.logging_utils import configure_logging
from utils.messages import DailyBar, Message, Ticker, from_json, to_json
from utils.ranges import BarRange, Refused, is_range, read_range
from utils.reasons import Reason, as_json, reason

log = logging.getLogger(__name__)

M = TypeVar("M", bound=Message)
# A topic, without the prefix, a partition and an offset. Bars of one range have the same.
Address = tuple[str, int, int]
# Prepares what messages (or ranges of bars) say, and returns what writes it inside the caller's transaction.
Write = Callable[[Sequence[tuple[M, Address]]], Callable[[Connection], object]]
# A message of the consumer's kind, or (a part of) a range of such, with the record that it is from.
Decoded = tuple[ConsumerRecord, Any]
# Messages, and rows of what is rejected, that one transaction stores.
Part = tuple[list[Decoded], list[Values]]
# A batch of so many rows is stored in parts: each connection has a server process, and so a core, of its own.
PARTS, ROWS_TO_PART = 2, 2_000
TICKER_REJECTED = CONSUMER_ERROR.columns.index("ticker")


class Store(Generic[M]):
    """Stores batches of one kind of message, and reconnects to the database by itself.

    topic_prefix: what the broker's topic names have before the platform's
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        kind: type[M],
        write: "Write[M]",
        topic_prefix: str = "",
        watch: Watch | None = None,
    ) -> None:
        self._settings = settings
        self._kind = kind
        self._write = write
        self._topic_prefix = topic_prefix
        self._watch = watch or Watch()
        self._connections: dict[int, Connection] = {}
        self._beside = ThreadPoolExecutor(PARTS)

    def __call__(self, records: Sequence[ConsumerRecord]) -> None:
        self.prepare(records)()

    def prepare(self, records: Sequence[ConsumerRecord]) -> Callable[[], None]:
        """Do what can be done with a batch without the database, and return what stores it."""
        parts = self._parts(*self._decode(records))
        return partial(self._store, parts, [self._writing(*part) for part in parts])

    def _parts(self, good: list[Decoded], bad: list[Values]) -> list[Part]:
        """Return a batch as what can be stored side by side: of a ticker all is in one part, in its order."""
        if not issubclass(self._kind, DailyBar) or _count(good) < ROWS_TO_PART:
            return [(good, bad)]
        parts: list[Part] = [([], []) for _ in range(PARTS)]
        rows, part_of = [0] * PARTS, dict[str | None, int]()
        for record, message in good:
            part = part_of.setdefault(message.key, rows.index(min(rows)))
            parts[part][0].append((record, message))
            rows[part] += _count([(record, message)])
        for row in bad:
            parts[part_of.get(row[TICKER_REJECTED], 0)][1].append(row)
        return [part for part in parts if any(part)]

    def _store(self, parts: Sequence[Part], writes: Sequence[Callable[[Connection], None]]) -> None:
        """Store a batch. After DatabaseUnavailable some of its parts may not be stored: it has to be repeated."""
        began = time.perf_counter()
        under_way = [
            self._beside.submit(self._store_part, place, part, write)
            for place, (part, write) in enumerate(zip(parts, writes, strict=True))
        ]
        wait(under_way)  # for all: a batch that is repeated needs their connections
        for each in under_way:
            each.result()
        self._watch.batch_ended(time.perf_counter() - began)
        messages, rejected = (sum(len(part[side]) for part in parts) for side in (0, 1))
        rows = sum(_count(good) for good, _ in parts)
        log.info("stored %d rows of %d messages, rejected %d", rows, messages, rejected)

    def _store_part(self, place: int, part: Part, write: Callable[[Connection], None]) -> None:
        """Store rows and rejections in one transaction. After DatabaseUnavailable nothing of it is stored."""
        good, bad = part
        try:
            self._commit(place, write, _count(good), len(bad))
        except (psycopg2.DataError, psycopg2.IntegrityError):
            # Postgres refuses a value. Storing one message at a time finds it, and its neighbours are not lost.
            for record, message in good:
                self._store_or_reject(place, record, message)
            self._commit(place, self._writing([], bad), 0, len(bad))
        except DatabaseUnavailable:
            self._connections.pop(place, None)
            raise

    def note_lag(self, group: str, lags: Sequence[Lag]) -> None:
        """Store the lag of the group. A failure is logged and never stops the consumer."""
        self._watch.behind(lags)
        try:
            conn = self._connection(0)
            for lag in lags:
                topic = lag.topic.removeprefix(self._topic_prefix)
                consumer_lag.note(conn, group, topic, lag.partition, lag.committed, lag.end)
        except DatabaseUnavailable as error:
            self._connections.pop(0, None)
            log.warning("the lag is not stored: %s", error)
        except psycopg2.Error as error:
            log.warning("the lag is not stored: %s", str(error).splitlines()[0])

    def _decode(self, records: Sequence[ConsumerRecord]) -> tuple[list[Decoded], list[Values]]:
        good: list[Decoded] = []
        bad: list[Values] = []
        for record in records:
            try:
                parts, refused = self._read(record.value or b"")
                rows = self._rejections(record, refused)
            except Exception as error:  # or else the consumer ended, began anew at the same message, and so for ever
                parts, rows = [], [self._rejection(record, record.value, self._unreadable(error))]
            good += [(record, part) for part in parts]
            bad += rows
        return good, bad

    def _read(self, raw: bytes) -> tuple[Sequence[Any], Sequence[Refused]]:
        """Return the messages, or ranges of bars, in a record, and what is refused of it."""
        if is_range(raw) and issubclass(self._kind, DailyBar):
            return read_range(self._kind, raw)
        try:
            return [from_json(self._kind, raw)], []
        except InvalidMessage as error:
            return [], [(raw, error.reason)]

    def _unreadable(self, error: Exception) -> Reason:
        return reason("not_a_message", kind=self._kind.__name__, error=f"{type(error).__name__}: {error}")

    def _commit(self, place: int, write: Callable[[Connection], None], rows: int, rejected: int) -> None:
        conn = self._connection(place)
        with transaction(conn):
            write(conn)
        self._watch.stored(rows, rejected)

    def _writing(self, good: Sequence[Decoded], bad: Sequence[Values]) -> Callable[[Connection], None]:
        """Return what stores messages and rejections, and closes the earlier rejections of the same bars."""
        write = self._write([(message, self._address(record)) for record, message in good])
        later = self._later_bars(good, bad)

        def write_all(conn: Connection) -> None:
            write(conn)
            upsert(conn, CONSUMER_ERROR, bad)
            for topic, bars in later.items():
                errors.close_older(conn, topic, bars)

        return write_all

    def _later_bars(self, good: Sequence[Decoded], bad: Sequence[Values]) -> dict[str, list[errors.BarsRecord]]:
        """Return the bars of the messages by topic, whether they are stored or rejected."""
        later: dict[str, list[errors.BarsRecord]] = {}
        for record, message in good:
            if isinstance(message, DailyBar | BarRange):
                bars = errors.BarsRecord(message.key, message.days, record.timestamp, record.offset)
                later.setdefault(self._topic(record), []).append(bars)
        for row in bad:
            rejected = dict(zip(CONSUMER_ERROR.columns, row, strict=True))
            if day := rejected["trade_date"]:
                place = rejected["record_time"], rejected["kafka_offset"]
                later.setdefault(rejected["topic"], []).append(errors.BarsRecord(rejected["ticker"], [day], *place))
        return later

    def _address(self, record: ConsumerRecord) -> Address:
        return self._topic(record), record.partition, record.offset

    def _topic(self, record: ConsumerRecord) -> str:
        return record.topic.removeprefix(self._topic_prefix)

    def _connection(self, place: int) -> Connection:
        if place not in self._connections:
            self._connections[place] = connect(self._settings)
        return self._connections[place]

    def _store_or_reject(self, place: int, record: ConsumerRecord, message: Any) -> None:
        """Store a message, or reject it. Of a range that Postgres refuses the refused bars alone are rejected."""
        try:
            self._commit(place, self._writing([(record, message)], []), _count([(record, message)]), 0)
        except (psycopg2.DataError, psycopg2.IntegrityError) as error:
            if isinstance(message, BarRange) and len(message) > 1:
                for half in message.halves():
                    self._store_or_reject(place, record, half)
                return
            raw = to_json(message.bar(0)) if isinstance(message, BarRange) else record.value
            refused = reason("postgres_refuses", error=str(error).splitlines()[0])
            self._commit(place, self._writing([], [self._rejection(record, raw, refused)]), 0, 1)

    def _rejections(self, record: ConsumerRecord, refused: Sequence[Refused]) -> list[Values]:
        """Return a record's rows. Bars whose session cannot be read are one: the record as it came."""
        nameless = [why for raw, why in refused if not _bar_of(raw)[1]]
        rows = [self._rejection(record, raw, why) for raw, why in refused if _bar_of(raw)[1]]
        return [*rows, self._rejection(record, record.value, nameless[0])] if nameless else rows

    def _rejection(self, record: ConsumerRecord, raw: bytes | None, why: Reason) -> Values:
        """Return a row of logs_consumer_error. raw: the message, or of a range the message of one bar."""
        address, told = self._address(record), str(why)
        log.warning("rejected %s/%d@%d: %s", *address, told)
        ticker, trade_date = _bar_of(raw)
        bar = (_text(record.key), ticker, trade_date, record.timestamp)
        return (_text(raw), told, *address, *bar, as_json([why]))


def _text(raw: bytes | None) -> str | None:
    """Turn any bytes into text that Postgres can hold."""
    return raw.decode(errors="backslashreplace").replace("\x00", r"\x00") if raw else None


def _bar_of(raw: bytes | None) -> tuple[str | None, date | None]:
    """Return the ticker and the session of the bar in a message, or None for both when they cannot be read."""
    # Not the message's own class: a rejected message may break any other field of it.
    try:
        named = msgspec.json.decode(raw or b"", type=_BarName)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None, None
    return named.ticker, named.trade_date


class _BarName(msgspec.Struct):
    """The two fields that identify a bar."""

    ticker: Ticker
    trade_date: date


def upsert_by(table: Table, *digests: str) -> Write[Any]:
    """Return a function that upserts bars, whose attributes have the names of the table's columns and digests.

    Of several fetches of one key the newest wins, so that old messages can be read again.
    """
    names = *table.columns, *digests
    to_row: Callable[[Message], tuple[Any, ...]] = attrgetter(*names)
    stored = received(table, *digests)

    def rows(bars: Message | BarRange[Any]) -> Iterable[tuple[Any, ...]]:
        return bars.rows(names) if isinstance(bars, BarRange) else [to_row(bars)]

    def write(messages: Sequence[tuple[Message | BarRange[Any], Address]]) -> Callable[[Connection], object]:
        addressed = [row + address for bars, address in messages for row in rows(bars)]
        return prepared_upsert(stored, addressed, "fetched_at")

    return write


def _count(messages: Iterable[Decoded]) -> int:
    """Return how many rows messages become; a list of holdings counts once."""
    return sum(len(message) if isinstance(message, BarRange) else 1 for _, message in messages)


def expect_large_batches() -> None:
    """Make the garbage collector run less often."""
    # A batch is ten thousand objects without cycles. Looking for cycles in them takes a fifth of the time.
    gc.set_threshold(50_000, 20, 100)


def run_consumer(topic: Topic, kind: type[M], write: "Write[M]") -> int:
    """Run a consumer process until SIGTERM, and return its exit code."""
    configure_logging()
    expect_large_batches()

    def command() -> None:
        settings = Settings.from_env()
        store = Store(settings.database, kind, write, settings.kafka.prefix, watch_of(settings.metrics, topic))
        heartbeat = Heartbeat(settings.metrics.heartbeat)
        consume(settings.kafka, topic, store.prepare, partial(store.note_lag, topic.consumer_group), heartbeat.beat)

    return exit_code_of(command)

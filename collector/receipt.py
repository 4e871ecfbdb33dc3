"""What a producer sent, whether it is in PostgreSQL, and whether its stage may go on."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

import msgspec

from config.config import Settings, Topic
from database import tables
from database.db_helper import Connection, connect
from database.queries import collected
from database.tables import Table
from utils.errors import BarMissing, BrokerRefused, BrokerUnavailable, NotStored, Rejected
from utils.kafka_utils import Offsets, ReadSoFar, offsets_reached, reading
from utils.reasons import Reason, join, of_ticker, reason

log = logging.getLogger(__name__)

SHOWN_NAMES = 10
POLL_SECONDS = 0.1

# The tables in which a receipt can expect rows.
EXPECTED_IN = {
    table.name: table
    for table in (
        tables.DAILY_ETF_OHLC,
        tables.DAILY_STOCK_HISTORY,
        tables.ETF_HOLDINGS,
        tables.MONTHLY_BENCHMARK_HOLDINGS,
    )
}


@dataclass
class Receipt:
    """What a run sent, and what has to be in Postgres before its stage is green. JSON-able both ways.

    topic_ids: topic -> its id when the first message was sent.
    expected: table -> (ticker, session) of the rows that must be there, sent by this run or stored before.
    missing: ticker -> why it has no bar.
    late: those of the missing whose bar may still come.
    """

    as_of: date
    sent: dict[str, int] = field(default_factory=dict)
    end_offsets: dict[str, Offsets] = field(default_factory=dict)
    topic_ids: dict[str, str] = field(default_factory=dict)
    expected: dict[str, list[tuple[str, date]]] = field(default_factory=dict)
    missing: dict[str, list[Reason]] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    already_stored: list[str] = field(default_factory=list)
    changed: int = 0
    requests: int = 0
    notes: list[Reason] = field(default_factory=list)

    def expect(self, table: Table, ticker: str, session: date) -> None:
        """Require a row in a table."""
        self.expected.setdefault(table.name, []).append((ticker, session))

    def to_dict(self) -> dict[str, Any]:
        """Return the receipt as JSON-able values."""
        built: dict[str, Any] = msgspec.to_builtins(self, str_keys=True)
        return built

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Build the receipt from its JSON, whose keys are strings and whose dates are texts."""
        return msgspec.convert(raw, cls, str_keys=True)

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do: no question to the source, and nothing sent."""
        return not self.requests and not self.sent

    @property
    def note(self) -> str:
        """The notes in words."""
        return join(self.notes) or ""

    @property
    def outcome(self) -> list[Reason]:
        """What the run did, and what it lacks."""
        sent = [reason("sent_to", count=count, topic=topic) for topic, count in self.sent.items()]
        parts = [reason("collected", as_of=self.as_of, sent=sent or [reason("nothing")], requests=self.requests)]
        if self.already_stored:
            parts.append(_name_some(self.already_stored))
        if self.changed:
            parts.append(reason("bars_changed", count=self.changed))
        parts += [of_ticker(ticker, why) for ticker, why in self.missing.items()]
        return [*parts, *self.notes]

    def summary(self) -> str:
        """Describe the run in one line."""
        return join(self.outcome) or ""


def _name_some(names: Sequence[str]) -> Reason:
    """Name the first ones that are stored already, and say how many more there are.

    >>> str(_name_some(["SPY", "QQQ"])), str(_name_some([*"ABCDEFGHIJKLM"]))
    ('already stored: SPY, QQQ', 'already stored: A, B, C, D, E, F, G, H, I, J and 3 more')
    """
    if len(names) <= SHOWN_NAMES:
        return reason("already_stored", names=list(names))
    return reason("more_already_stored", names=list(names[:SHOWN_NAMES]), more=len(names) - SHOWN_NAMES)


def require_complete(receipt: Receipt, accept_late: bool, indispensable: str | None = None) -> Receipt:
    """Return the receipt when its stage may go on. Raise BarMissing when it had better ask again.

    A late bar is worth another try, until the stage accepts late ones. A bar that is missing at the source, or
    quarantined, is not: the stage goes on, and what is computed without it is published as degraded. Without the
    indispensable ticker there is nothing to compute.
    """
    if indispensable in receipt.missing:
        raise BarMissing(reason("indispensable", ticker=indispensable, reason=receipt.missing[indispensable]))
    if receipt.late and not accept_late:
        raise BarMissing(reason("late_bars", session=receipt.as_of, tickers=sorted(receipt.late)))
    if receipt.missing:
        receipt.notes.append(reason("goes_on_without", tickers=sorted(receipt.missing)))
        log.warning("%s: %s", receipt.as_of, receipt.note)
    return receipt


def is_stored(settings: Settings, receipt: Receipt) -> bool:
    """Tell whether every expected row is in Postgres, and False while the consumers are not that far.

    Raise Rejected when they are past the messages and rows are absent all the same, NotStored when a topic was made
    anew and what was sent may have gone with the old one.
    """
    return stored_within(settings, receipt, 0)


def _is_stored(settings: Settings, receipt: Receipt, read_so_far: ReadSoFar) -> bool:
    for topic in Topic:
        needed = receipt.end_offsets.get(topic.value)
        if needed and not _is_read(read_so_far, topic, needed, receipt.topic_ids.get(topic.value)):
            return False
    conn = connect(settings.database)
    try:
        absent = _find_absent(conn, receipt)
        if absent:
            raise Rejected(_explain_absent(conn, absent))
    finally:
        conn.close()
    return True


def _is_read(read_so_far: ReadSoFar, topic: Topic, needed: Offsets, sent_to: str | None) -> bool:
    there, committed = read_so_far(topic)
    if sent_to and there and sent_to != there:
        raise NotStored(reason("topic_made_anew", topic=topic.value))
    return offsets_reached({topic.value: needed}, {topic.value: committed})


def _find_absent(conn: Connection, receipt: Receipt) -> list[tuple[str, date]]:
    return [
        row for name, wanted in receipt.expected.items() for row in collected.absent(conn, EXPECTED_IN[name], wanted)
    ]


def _explain_absent(conn: Connection, absent: list[tuple[str, date]]) -> Reason:
    tickers = sorted({ticker for ticker, _ in absent})
    rejected = collected.rejected(conn, [topic.value for topic in Topic], tickers)
    found = [reason("rejected_message", ticker=ticker, reason=why) for ticker, why in rejected.items()]
    rows = [f"{ticker} {session}" for ticker, session in absent[:10]]
    return reason("rows_not_stored", count=len(absent), rows=rows, found=found or [reason("no_rejection")])


def wait_until_stored(settings: Settings, receipt: Receipt) -> None:
    """Block until every expected row is stored. Raise NotStored after STORED_TIMEOUT_SECONDS."""
    patience = settings.collector.stored_timeout_seconds
    if not stored_within(settings, receipt, patience):
        raise NotStored(f"the consumers have not stored {receipt.as_of} within {patience:g} s: see their logs")


def stored_within(settings: Settings, receipt: Receipt, seconds: float) -> bool:
    """Wait some seconds at most for every expected row, and tell whether they are stored. Raise what is_stored does."""
    until = time.monotonic() + seconds
    while True:
        try:
            return _stored_by(settings, receipt, until)
        except BrokerUnavailable as error:
            # A broker that was started anew lets in whoever logs in again.
            if isinstance(error, BrokerRefused) or time.monotonic() > until:
                raise
        time.sleep(POLL_SECONDS)


def _stored_by(settings: Settings, receipt: Receipt, until: float) -> bool:
    with reading(settings.kafka) as read_so_far:
        while not _is_stored(settings, receipt, read_so_far):
            if time.monotonic() > until:
                return False
            time.sleep(POLL_SECONDS)
    return True

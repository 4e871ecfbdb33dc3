"""What a producer sent, whether it is in PostgreSQL, and whether its stage may go on."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Self

from config.config import Settings, Topic
from database import tables
from database.db_helper import Connection, connect
from database.queries import collected
from database.tables import Table
from utils.errors import BarMissing, NotStored, Rejected
from utils.kafka_utils import Offsets, committed_offsets, offsets_reached

log = logging.getLogger(__name__)

SHOWN_NAMES = 10

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

    expected: table -> (ticker, session) of the rows that must be there, sent by this run or stored before.
    missing: ticker -> why it has no bar.
    late: those of the missing whose bar may still come.
    """

    as_of: date
    sent: dict[str, int] = field(default_factory=dict)
    end_offsets: dict[str, Offsets] = field(default_factory=dict)
    expected: dict[str, list[tuple[str, date]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    already_stored: list[str] = field(default_factory=list)
    changed: int = 0
    requests: int = 0
    note: str = ""

    def expect(self, table: Table, ticker: str, session: date) -> None:
        """Require a row in a table."""
        self.expected.setdefault(table.name, []).append((ticker, session))

    def add_note(self, note: str) -> None:
        """Append a note to those that are there."""
        self.note = f"{self.note}; {note}" if self.note else note

    def to_dict(self) -> dict[str, Any]:
        """Return the receipt as JSON-able values."""
        return json.loads(json.dumps(asdict(self), default=date.isoformat))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Build the receipt from its JSON, whose keys are strings and whose dates are texts."""
        return cls(
            **{
                **raw,
                "as_of": date.fromisoformat(raw["as_of"]),
                "end_offsets": {
                    topic: {int(partition): offset for partition, offset in partitions.items()}
                    for topic, partitions in raw["end_offsets"].items()
                },
                "expected": {
                    table: [(ticker, date.fromisoformat(session)) for ticker, session in rows]
                    for table, rows in raw["expected"].items()
                },
            }
        )

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do: no question to the source, and nothing sent."""
        return not self.requests and not self.sent

    def summary(self) -> str:
        """Describe the run in one line."""
        sent = ", ".join(f"{count} to {topic}" for topic, count in self.sent.items()) or "nothing"
        parts = [f"{self.as_of}: sent {sent} with {self.requests} requests to Yahoo"]
        if self.already_stored:
            parts.append(f"already stored: {_list_some(self.already_stored)}")
        if self.changed:
            parts.append(f"{self.changed} stored bars were changed by the source")
        parts += [f"{ticker}: {reason}" for ticker, reason in self.missing.items()]
        return "; ".join([*parts, self.note] if self.note else parts)


def _list_some(names: Sequence[str]) -> str:
    """List the first names, and say how many more there are.

    >>> _list_some(["SPY", "QQQ"]), _list_some([*"ABCDEFGHIJKLM"])
    ('SPY, QQQ', 'A, B, C, D, E, F, G, H, I, J and 3 more')
    """
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more


def require_complete(receipt: Receipt, accept_late: bool, indispensable: str | None = None) -> Receipt:
    """Return the receipt when its stage may go on. Raise BarMissing when it had better ask again.

    A late bar is worth another try, until the stage accepts late ones. A bar that is missing at the source, or
    quarantined, is not: the stage goes on, and what is computed without it is published as degraded. Without the
    indispensable ticker there is nothing to compute.
    """
    if indispensable in receipt.missing:
        raise BarMissing(
            f"{indispensable}: {receipt.missing[indispensable]}. Every ETF is compared with it, so nothing goes on "
            "without it; the others are sent. Run the stage again later."
        )
    if receipt.late and not accept_late:
        raise BarMissing(
            f"Yahoo has no bar of {receipt.as_of} for {', '.join(sorted(receipt.late))} yet; the others are sent. "
            "Run the stage again later: it asks for these alone. Or let it go on without them (accept_late)."
        )
    if receipt.missing:
        receipt.add_note("goes on without " + ", ".join(sorted(receipt.missing)))
        log.warning("%s: %s", receipt.as_of, receipt.note)
    return receipt


def is_stored(settings: Settings, receipt: Receipt) -> bool:
    """Tell whether every expected row is in Postgres, and False while the consumers are not that far.

    Raise Rejected when they are past the messages and rows are absent all the same.
    """
    for topic in Topic:
        needed = {topic.value: receipt.end_offsets.get(topic.value, {})}
        if needed[topic.value] and not offsets_reached(needed, committed_offsets(settings.kafka, topic.consumer_group)):
            return False
    conn = connect(settings.database)
    try:
        absent = _find_absent(conn, receipt)
        if absent:
            raise Rejected(_explain_absent(conn, absent))
    finally:
        conn.close()
    return True


def _find_absent(conn: Connection, receipt: Receipt) -> list[tuple[str, date]]:
    return [
        row for name, wanted in receipt.expected.items() for row in collected.absent(conn, EXPECTED_IN[name], wanted)
    ]


def _explain_absent(conn: Connection, absent: list[tuple[str, date]]) -> str:
    tickers = sorted({ticker for ticker, _ in absent})
    reasons = collected.rejected(conn, [topic.value for topic in Topic], tickers)
    rows = ", ".join(f"{ticker} {session}" for ticker, session in absent[:10])
    listed = "; ".join(f"{ticker} — logs_consumer_error {reason}" for ticker, reason in reasons.items())
    return (
        f"{len(absent)} rows were sent but not stored: {rows}. {listed or 'logs_consumer_error says nothing of them'}"
    )


def wait_until_stored(settings: Settings, receipt: Receipt, poll_seconds: float = 0.5) -> None:
    """Block until every expected row is stored. Raise NotStored after STORED_TIMEOUT_SECONDS."""
    patience = settings.collector.stored_timeout_seconds
    until = time.monotonic() + patience
    while not is_stored(settings, receipt):
        if time.monotonic() > until:
            raise NotStored(f"the consumers have not stored {receipt.as_of} within {patience:g} s: see their logs")
        time.sleep(poll_seconds)

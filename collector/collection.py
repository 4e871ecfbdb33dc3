"""One run of a producer: its connections to Yahoo, Kafka and PostgreSQL, and its receipt."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from collector.completeness import Kind
from collector.gate import RequestGate
from collector.receipt import Receipt
from collector.yahoo import Yahoo
from collector.yahoo_answers.model import Answer
from config.config import Settings, Topic
from database.db_helper import Connection, connect
from database.queries import ledger, source_answers
from utils.errors import BarMissing
from utils.kafka_utils import Publisher, publisher
from utils.ranges import packed
from utils.reasons import Reason, as_json, without_ticker

log = logging.getLogger(__name__)


@dataclass
class Collection:
    """The connections of one run, and what it has done so far.

    halted: why it did not ask for all that it should have, and so fails.
    """

    settings: Settings
    conn: Connection
    yahoo: Yahoo
    publisher: Publisher
    receipt: Receipt
    run_id: str | None
    halted: Reason | None = None

    def send(self, topic: Topic, messages: Iterable[Any]) -> int:
        """Send messages, a ticker's bars as ranges, and count them in the receipt."""
        every = list(messages)
        for key, value in packed(every):
            self.publisher.send_raw(topic, key, value)
        if every:
            self.receipt.sent[topic.value] = self.receipt.sent.get(topic.value, 0) + len(every)
        return len(every)

    def keep(self, answer: Answer, like: str | None = None) -> None:
        """Keep an answer as the source gave it, before a message names it. like: the digest of an earlier one."""
        source_answers.keep(self.conn, answer.digest, answer.body, like)

    def note_unusable(self, kind: Kind, ticker: str, sessions: Iterable[date], why: Reason) -> str:
        """Record that the source has nothing usable of a ticker at these sessions, and return the reason in words."""
        why = without_ticker(why, ticker)  # It is always shown after the ticker.
        self.receipt.missing[ticker] = [why]
        rows = [(kind, ticker, session, "missing", as_json([why]), None, self.run_id) for session in sessions]
        ledger.record(self.conn, rows, [])
        return str(why)


@contextmanager
def open_collection(settings: Settings, as_of: date, run_id: str | None) -> Iterator[Collection]:
    """Open the connections of a run. At its end wait for every acknowledgement and fill in the receipt.

    The end is the same for a run that fails. What it had sent stays sent: the next run finds it stored and goes on
    behind it. Raise BarMissing when the run was halted: it would end as if it had done what it had to.
    """
    conn = connect(settings.database)
    try:
        gate = RequestGate(conn, settings.yahoo, run_id)
        with publisher(settings.kafka) as kafka:
            run = Collection(settings, conn, Yahoo(settings.yahoo, gate), kafka, Receipt(as_of), run_id)
            try:
                yield run
            finally:
                run.receipt.end_offsets, run.receipt.topic_ids = kafka.wait(), kafka.topic_ids
                run.receipt.requests = gate.count
        log.info("%s", run.receipt.summary())
        if run.halted:
            raise BarMissing(run.halted)
    finally:
        conn.close()

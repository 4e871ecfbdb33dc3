"""What all producers share: which sessions to ask for, which bars to send, and how to know that they are stored."""

import argparse
import json
import logging
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any, Self, get_args

from collector.completeness import Absence, Change, Kind, absences, changes, differs, is_same_bar, values_of
from collector.gate import RequestGate
from collector.judgement import Break, Judgement, Known, judge, note_stale_rows
from collector.yahoo import Bar, Bars, Yahoo
from config.config import CollectorSettings, Settings, Topic
from config.universe import Group
from database import tables
from database.db_helper import Connection, Row, connect
from database.queries import collected, ledger
from database.tables import Table
from utils.command_line import exit_code_of
from utils.dates import (
    HOME_EXCHANGE,
    exchange_of,
    exchanges_using,
    expected_days,
    parse_date,
    session_before,
    window_of,
)
from utils.errors import BarMissing, InvalidInput, NotStored, Rejected
from utils.kafka_utils import Offsets, Publisher, committed_offsets, offsets_reached, publisher
from utils.logging_utils import configure_logging
from utils.messages import DailyBar, refusal

log = logging.getLogger(__name__)

SHOWN_NAMES = 10

# What a receipt can expect rows in.
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
    missing: ticker -> why it has no bar; late: those of them whose bar may still come.
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
        self.expected.setdefault(table.name, []).append((ticker, session))

    def to_dict(self) -> dict[str, Any]:
        return json.loads(json.dumps(asdict(self), default=date.isoformat))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """The receipt back from JSON, whose keys are strings and whose dates are texts."""
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
        sent = ", ".join(f"{count} to {topic}" for topic, count in self.sent.items()) or "nothing"
        parts = [f"{self.as_of}: sent {sent} with {self.requests} requests to Yahoo"]
        if self.already_stored:
            parts.append(f"already stored: {_some(self.already_stored)}")
        if self.changed:
            parts.append(f"{self.changed} stored bars were changed by the source")
        parts += [f"{ticker}: {reason}" for ticker, reason in self.missing.items()]
        return "; ".join([*parts, self.note] if self.note else parts)


def _some(names: Sequence[str]) -> str:
    """
    >>> _some(["SPY", "QQQ"]), _some([*"ABCDEFGHIJKLM"])
    ('SPY, QQQ', 'A, B, C, D, E, F, G, H, I, J and 3 more')
    """
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more


@dataclass(frozen=True)
class Asked:
    """One ticker's request: what was stored then, which days it covers, and the sessions for which it is made."""

    stored: Mapping[date, Row]
    start: date
    end: date
    sessions: Sequence[date]


@dataclass(frozen=True)
class Fresh:
    """A bar worth sending: with the close that it is measured against, and why a person should look first, if so.

    is_accepted: nobody need look at it (again).
    """

    bar: Bar
    previous_close: float | None = None
    doubt: str | None = None
    is_accepted: bool = False


# From the bars worth sending to their messages.
ToMessages = Callable[[Iterable[Fresh]], Iterable[DailyBar]]


@dataclass(frozen=True)
class Verdict:
    """What becomes of an answer's bars.

    refused: session -> the field that no consumer takes. doubtful: sessions that no consumer stores unless accepted.
    """

    refused: Mapping[date, str]
    doubtful: Set[date]

    @property
    def refusals(self) -> list[Absence]:
        return [Absence(session, "missing", f"refused: {reason}") for session, reason in self.refused.items()]

    def taken(self, bars: Iterable[Bar]) -> list[Bar]:
        """The bars that are stored, or will be."""
        return [bar for bar in bars if bar.session not in self.refused and bar.session not in self.doubtful]

    def is_sent(self, message: DailyBar, waiting: Mapping[date, Row]) -> bool:
        """Whether it is worth sending: not a bar again that is doubtful and waits for a person just so."""
        session = message.trade_date
        waits = session in self.doubtful and session in waiting and is_same_bar(message, waiting[session])
        return session not in self.refused and not waits


@dataclass
class Collection:
    """The connections of one run, and what it has done so far."""

    settings: Settings
    conn: Connection
    yahoo: Yahoo
    publisher: Publisher
    receipt: Receipt
    run_id: str | None

    def send(self, topic: Topic, messages: Iterable[Any]) -> int:
        count = 0
        for message in messages:
            self.publisher.send(topic, message)
            count += 1
        if count:
            self.receipt.sent[topic.value] = self.receipt.sent.get(topic.value, 0) + count
        return count

    def deliver(self, kind: Kind, fetched: Bars, asked: Asked, to_messages: ToMessages) -> str:
        """Send what is new in an answer, and expect the rows of `asked.sessions` or note why there will be none.

        What is absent and what has changed is recorded first, so that no old value is overwritten unrecorded. One
        doubtful bar does not hold up the others: it counts as missing until a person has accepted it, or until the
        source says something else. So does one that breaks the message contract: it is not sent.
        """
        waiting = collected.rejected_bars(self.conn, kind.topic, fetched.ticker)
        known = self._known(kind, fetched, asked.stored, waiting)
        judged = judge(fetched.bars, known, is_rate=kind is Kind.RATE)
        if judged.contradiction:
            return self.unknown(kind, fetched.ticker, asked.sessions, judged.contradiction)
        exchange = HOME_EXCHANGE if kind is Kind.RATE else exchange_of(fetched.ticker)
        messages = list(to_messages(news(fetched.bars, asked.stored, judged, waiting, exchange, fetched.currency)))
        verdict = _verdict(messages, fetched, waiting)
        note_stale_rows(judged, fetched.bars, asked.stored, verdict.doubtful)
        absent = list(absences(fetched, asked.stored, asked.start, asked.end, self.settings.collector.late_sessions))
        absent += verdict.refusals
        changed = changes(verdict.taken(fetched.bars), asked.stored, exchange)
        self._record(kind, fetched, asked, absent, changed, _counting(judged.breaks, verdict.doubtful))
        sent = [message for message in messages if verdict.is_sent(message, waiting)]
        self.send(kind.topic, sent)
        self.receipt.changed += sum(
            message.trade_date in asked.stored and message.trade_date not in verdict.doubtful for message in sent
        )
        problems = self._expect(kind, fetched, asked, absent, verdict)
        told = [f"{change.change} up to {change.last_session}" for change in changed]
        return ", ".join([f"{len(sent)} bars sent", *told, *problems])

    def unknown(self, kind: Kind, ticker: str, sessions: Iterable[date], reason: str) -> str:
        """Note that the source gives nothing usable of a ticker: it does not know it, or its answer is no answer."""
        self.receipt.missing[ticker] = reason
        rows = [(kind, ticker, session, "missing", reason, None, self.run_id) for session in sessions]
        ledger.record(self.conn, rows, [])
        return reason

    def _known(self, kind: Kind, fetched: Bars, stored: Mapping[date, Row], waiting: Mapping[date, Row]) -> Known:
        ticker, sessions = fetched.ticker, [bar.session for bar in fetched.bars]
        days = expected_days(ticker, sessions[0], sessions[-1]) if sessions else []
        return Known(
            stored=stored,
            accepted=collected.accepted_steps(self.conn, kind.topic, ticker),
            lost_dividends=ledger.lost_dividends(self.conn, kind, ticker),
            gaps=set(days) - set(sessions),
            waiting=waiting,
            currency=fetched.currency,
            rejected_steps=list(_steps(waiting.values())),
        )

    def _record(
        self,
        kind: Kind,
        fetched: Bars,
        asked: Asked,
        absent: Sequence[Absence],
        changed: Sequence[Change],
        breaks: Sequence[Break],
    ) -> None:
        ticker, moment = fetched.ticker, fetched.answer.fetched_at
        sessions = [bar.session for bar in fetched.bars]
        there = set(sessions) - set(asked.stored) - {each.session for each in absent}
        expected = [(each.session, each.state, each.reason) for each in absent]
        expected += [(session, "late", "sent, but not stored yet") for session in asked.sessions if session in there]
        rows = [(kind, ticker, each.session, each.is_withheld, each.reason, moment, self.run_id) for each in breaks]
        ledger.record(
            self.conn,
            [(kind, ticker, *row, moment, self.run_id) for row in expected],
            [change.row(kind, ticker, moment, self.run_id) for change in changed],
            ledger.Judged(kind, ticker, sessions[0], sessions[-1], rows) if sessions else None,
        )

    def _expect(
        self, kind: Kind, fetched: Bars, asked: Asked, absent: Sequence[Absence], verdict: Verdict
    ) -> list[str]:
        """Expect the asked sessions' rows; returns why some will not be there."""
        there = set(asked.stored) | {bar.session for bar in verdict.taken(fetched.bars)}
        late = {each.session for each in absent if each.state == "late"}
        problems = []
        for session in asked.sessions:
            if session in there:
                self.receipt.expect(kind.table, fetched.ticker, session)
            elif session in verdict.doubtful:
                problems.append(f"the bar of {session} is quarantined: see logs_consumer_error")
            elif session in verdict.refused:
                problems.append(f"the bar of {session} is refused: {verdict.refused[session]}")
            else:
                problems.append(f"no bar of {session} at the source" + (" yet" if session in late else ""))
        if problems:
            self.receipt.missing[fetched.ticker] = "; ".join(problems)
        if late & set(asked.sessions):
            self.receipt.late.append(fetched.ticker)
        return problems


def _verdict(messages: Iterable[DailyBar], fetched: Bars, waiting: Iterable[date]) -> Verdict:
    refused, doubtful = {}, set(waiting) - {bar.session for bar in fetched.bars}
    for message in messages:
        if reason := refusal(message):
            refused[message.trade_date] = reason
        elif not message.is_plausible:
            doubtful.add(message.trade_date)
    return Verdict(refused, doubtful)


def _steps(rejected: Iterable[Row]) -> Iterator[float]:
    """From the close before to that of each rejected bar, which may be anything."""
    for row in rejected:
        close, before = row.get("close_price"), row.get("previous_close")
        if isinstance(close, float | int) and isinstance(before, float | int) and close > 0 and before > 0:
            yield close / before


def _counting(breaks: Iterable[Break], doubtful: Set[date]) -> list[Break]:
    """The breaks as they count: none is withheld whose bar is stored."""
    return [replace(each, is_withheld=each.is_withheld and each.session in doubtful) for each in breaks]


@contextmanager
def collection(settings: Settings, as_of: date, run_id: str | None) -> Iterator[Collection]:
    """Open what a run needs; at its end, also a failed one, wait for every acknowledgement and fill in the receipt.

    What a run had sent before it failed stays sent: the next run finds it stored and goes on behind it.
    """
    conn = connect(settings.database)
    try:
        gate = RequestGate(conn, settings.yahoo, run_id)
        with publisher(settings.kafka) as kafka:
            run = Collection(settings, conn, Yahoo(settings.yahoo, gate), kafka, Receipt(as_of), run_id)
            try:
                yield run
            finally:
                run.receipt.end_offsets = kafka.wait()
                run.receipt.requests = gate.count
        log.info("%s", run.receipt.summary())
    finally:
        conn.close()


def needed_sessions(ticker: str, as_of: date, longest_period: int, since: date | None = None) -> list[date]:
    """The sessions of which a ticker's bars must be there for its returns as of a session, or of all `since` one.

    Of a single one both end points of its longest window; of a range every session from the first one's window on.
    """
    start, end = window_of(as_of, longest_period, exchange_of(ticker))
    if since is None:
        return [start, end]
    start = min(window_of(since, longest_period, exchange)[0] for exchange in exchanges_using(ticker))
    return expected_days(ticker, start, end)


def is_covered(stored: Mapping[date, Row], needed: Sequence[date]) -> bool:
    """Whether every needed session is stored, so that nothing needs fetching."""
    return all(session in stored for session in needed)


def fetch_range(
    stored: Mapping[date, Row], ticker: str, as_of: date, settings: CollectorSettings, back_to: date | None = None
) -> tuple[date, date]:
    """First and last day to ask for: everything stored and the recent sessions up to as_of, further `back_to` a day.

    Asking for everything stored keeps all adjusted closes of a ticker from one and the same fetch, and costs one
    request whatever its length.
    """
    exchange = exchange_of(ticker)
    end = window_of(as_of, 0, exchange)[1]
    back = settings.refetch_sessions if stored else settings.history_sessions
    start = session_before(end, back, exchange)
    return min([start, back_to or start, *stored]), max([end, *stored])


def news(
    bars: Sequence[Bar],
    stored: Mapping[date, Row],
    judged: Judgement | None = None,
    waiting: Container[date] = (),
    exchange: str = HOME_EXCHANGE,
    currency: str | None = None,
) -> Iterator[Fresh]:
    """The bars that are not stored just so, the doubtful ones, and those that wait for a person.

    A doubtful one may be stored just so, when its neighbours have changed; one that waits may be plausible now.
    currency: that of the bars; None where all that is stored is known to be in it.
    """
    judged = judged or judge(bars)
    for bar in bars:
        day = bar.session
        row = stored.get(day)
        is_other_currency = row is not None and currency not in (None, row.get("currency", currency))
        if day in waiting or day in judged.doubts or is_other_currency or differs(bar, row, exchange):
            yield Fresh(bar, judged.previous_closes.get(day), judged.doubts.get(day), day in judged.approved)


def message_fields(fresh: Fresh, fetched: Bars, run_id: str | None) -> dict[str, Any]:
    """What a bar's message says whatever it is a bar of."""
    bar = fresh.bar
    return {
        **values_of(bar),
        "ticker": fetched.ticker,
        "trade_date": bar.session,
        "previous_close": fresh.previous_close,
        "doubt": fresh.doubt,
        "is_accepted": fresh.is_accepted,
        "currency": fetched.currency,
        "fetched_at": fetched.answer.fetched_at,
        "source": fetched.answer.source,
        "run_id": run_id,
    }


def is_stored(settings: Settings, receipt: Receipt) -> bool:
    """Whether everything the receipt expects is in Postgres; False = the consumers are not there yet.

    Rejected when they are past it and rows are absent all the same.
    """
    for topic in Topic:
        needed = {topic.value: receipt.end_offsets.get(topic.value, {})}
        if needed[topic.value] and not offsets_reached(needed, committed_offsets(settings.kafka, topic.consumer_group)):
            return False
    conn = connect(settings.database)
    try:
        absent = _absent(conn, receipt)
        if absent:
            raise Rejected(_why_absent(conn, absent))
    finally:
        conn.close()
    return True


def _absent(conn: Connection, receipt: Receipt) -> list[tuple[str, date]]:
    return [
        row for name, wanted in receipt.expected.items() for row in collected.absent(conn, EXPECTED_IN[name], wanted)
    ]


def _why_absent(conn: Connection, absent: list[tuple[str, date]]) -> str:
    tickers = sorted({ticker for ticker, _ in absent})
    reasons = collected.rejected(conn, [topic.value for topic in Topic], tickers)
    rows = ", ".join(f"{ticker} {session}" for ticker, session in absent[:10])
    listed = "; ".join(f"{ticker} — logs_consumer_error {reason}" for ticker, reason in reasons.items())
    return (
        f"{len(absent)} rows were sent but not stored: {rows}. {listed or 'logs_consumer_error says nothing of them'}"
    )


def require_complete(receipt: Receipt, accept_late: bool, indispensable: str | None = None) -> Receipt:
    """The receipt, when a stage may go on with what it has; BarMissing when it had better ask again.

    A bar that is late is worth another try, until the stage is told to accept it. One that is missing at the source, or
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
        goes_on = "goes on without " + ", ".join(sorted(receipt.missing))
        receipt.note = f"{receipt.note}; {goes_on}" if receipt.note else goes_on
        log.warning("%s: %s", receipt.as_of, receipt.note)
    return receipt


def wait_until_stored(settings: Settings, receipt: Receipt, poll_seconds: float = 0.5) -> None:
    """Block until `is_stored`; NotStored after STORED_TIMEOUT_SECONDS."""
    patience = settings.collector.stored_timeout_seconds
    until = time.monotonic() + patience
    while not is_stored(settings, receipt):
        if time.monotonic() > until:
            raise NotStored(f"the consumers have not stored {receipt.as_of} within {patience:g} s: see their logs")
        time.sleep(poll_seconds)


def command_line(description: str) -> argparse.ArgumentParser:
    """The options every producer takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--as-of-date", required=True, metavar="DATE", help="the session to collect, e.g. 2026-08-21")
    parser.add_argument("--run-id", help="stored with every row and request")
    parser.add_argument("--accept-late", action="store_true", help="go on without a bar that the source lacks so far")
    parser.add_argument("--wait", action="store_true", help="return when the rows are in Postgres, not when sent")
    return parser


def add_group(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--group", required=True, choices=get_args(Group), help="which ETFs (benchmark: stage 1, sector: stage 2)"
    )


def add_since(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since",
        metavar="DATE",
        help="an earlier session: collect what it and every later one up to --as-of-date need",
    )


def since_of(options: argparse.Namespace) -> date | None:
    """The option --since as a date; InvalidInput when it is after --as-of-date."""
    if options.since is None:
        return None
    since = parse_date(options.since)
    if since > parse_date(options.as_of_date):
        raise InvalidInput(f"--since {since} is after --as-of-date {options.as_of_date}")
    return since


def run_command(options: argparse.Namespace, run: Callable[[Settings, date], Receipt]) -> int:
    """Run a producer from the shell: the receipt is the last line of standard output, an error one line on stderr."""
    configure_logging()

    def command() -> None:
        settings = Settings.from_env()
        receipt = run(settings, parse_date(options.as_of_date))
        if options.wait:
            wait_until_stored(settings, receipt)
        print(json.dumps(receipt.to_dict()))

    return exit_code_of(command)

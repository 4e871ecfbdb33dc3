"""Send what is new in an answer, and record what it lacks, changes and leaves in doubt."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from math import isclose
from typing import Any

from collector.collection import Collection
from collector.completeness import (
    SAME_FACTOR,
    Absence,
    Change,
    Kind,
    absences,
    changes,
    differs,
    is_same_bar,
    values_of,
)
from collector.judgement.adjusted_closes import note_stale_rows
from collector.judgement.findings import Break, Judgement, Known
from collector.judgement.judge import judge_bars
from collector.plan import FetchRequest
from collector.yahoo_answers.events import hand_on_splits
from collector.yahoo_answers.model import Bar, Bars
from database.db_helper import Row
from database.queries import collected, ledger
from utils.dates import HOME_EXCHANGE, exchange_of, expected_days
from utils.messages import DailyBar, refusal
from utils.reasons import Reason, as_json, as_one, reason


@dataclass(frozen=True)
class NewBar:
    """A bar worth sending: the close that it is measured against, and why a person should look first, if so.

    is_accepted: nobody need look at it (again).
    """

    bar: Bar
    previous_close: float | None = None
    doubt: Reason | None = None
    is_accepted: bool = False


# From the bars worth sending to their messages.
ToMessages = Callable[[Iterable[NewBar]], Iterable[DailyBar]]


@dataclass(frozen=True)
class Screening:
    """Which of an answer's bars are not stored.

    refused: session -> why no consumer takes its bar. doubtful: sessions that no consumer stores unless accepted.
    incomplete: sessions whose bar lacks prices that its table needs, and that may still come.
    """

    refused: Mapping[date, Reason]
    doubtful: Set[date]
    incomplete: Set[date]

    @property
    def unstored(self) -> Set[date]:
        return self.refused.keys() | self.doubtful | self.incomplete

    @property
    def refusals(self) -> list[Absence]:
        """The refused sessions, as the ledger has them."""
        return [Absence(session, "missing", reason("refused", reason=why)) for session, why in self.refused.items()]

    def select_stored(self, bars: Iterable[Bar]) -> list[Bar]:
        """Return the bars that are stored, or will be."""
        return [bar for bar in bars if bar.session not in self.unstored]

    def is_sent(self, message: DailyBar, waiting: Mapping[date, Row]) -> bool:
        """Tell whether a message is worth sending: not a doubtful bar again that waits for a person just so."""
        session = message.trade_date
        waits = session in self.doubtful and session in waiting and is_same_bar(message, waiting[session])
        return session not in self.refused.keys() | self.incomplete and not waits


def deliver(
    current: Collection,
    kind: Kind,
    fetched: Bars,
    request: FetchRequest,
    to_messages: ToMessages,
    again: Set[date] = frozenset(),
) -> str:
    """Send what is new in an answer, expect the rows of the request's sessions, and return what was done in words.

    What is absent and what has changed is recorded first, so that no old value is overwritten unrecorded. One doubtful
    bar does not hold up the others: it counts as missing until a person has accepted it, or until the source says
    something else. So does one that breaks the message contract: it is not sent.

    again: sessions whose bars are sent though they are stored just so
    """
    return _Delivery(current, kind, fetched, request, again).run(to_messages)


@dataclass(frozen=True)
class _Delivery:
    """One answer on its way into the topic."""

    current: Collection
    kind: Kind
    fetched: Bars
    request: FetchRequest
    again: Set[date]

    def run(self, to_messages: ToMessages) -> str:
        stored, ticker = self.request.stored, self.fetched.ticker
        # A split counts even where its own bar is not stored: it goes with the next one, until then.
        bars = list(hand_on_splits(self.fetched.bars, self._incomplete - stored.keys()))
        waiting = collected.rejected_bars(self.current.conn, self.kind.topic, ticker)
        judged = judge_bars(self.fetched.bars, self._known(waiting), is_rate=self.kind is Kind.RATE)
        if judged.contradiction:
            return self.current.note_unusable(self.kind, ticker, self.request.sessions, judged.contradiction)
        exchange = HOME_EXCHANGE if self.kind is Kind.RATE else exchange_of(ticker)
        again = self.again | waiting.keys()
        messages = list(to_messages(new_bars(bars, stored, judged, again, exchange, self.fetched.currency)))
        screening = _screen(messages, self.fetched, waiting, self._incomplete)
        if self.kind is not Kind.RATE:
            note_stale_rows(judged, self.fetched.bars, stored, screening.unstored, exchange)
        absent = [*self._absences(screening.incomplete), *screening.refusals]
        changed = changes(screening.select_stored(bars), stored, exchange)
        self._record(absent, changed, _withhold_unstored(judged.breaks, screening.doubtful))
        sent = [message for message in messages if screening.is_sent(message, waiting)]
        if sent:
            self.current.keep(self.fetched.answer, stored[max(stored)].get("answer_digest") if stored else None)
        self.current.send(self.kind.topic, sent)
        self.current.receipt.changed += self._count_changed(sent, bars, screening.doubtful, exchange)
        problems = self._expect(absent, screening)
        changes_made = [f"{change.change} up to {change.last_session}" for change in changed]
        return ", ".join([f"{len(sent)} bars sent", *changes_made, *map(str, problems)])

    def _count_changed(self, sent: Iterable[DailyBar], bars: Iterable[Bar], doubtful: Set[date], exchange: str) -> int:
        """Count the sent bars that replace what is stored, without those that are the same again."""
        stored = self.request.stored
        again = [bar for bar in bars if bar.session in self.again and bar.session in stored]
        same = {bar.session for bar in again if not differs(bar, stored[bar.session], exchange)}
        return sum(message.trade_date in stored.keys() - doubtful - same for message in sent)

    def _known(self, waiting: Mapping[date, Row]) -> Known:
        """Collect what the database knows of the ticker."""
        conn, topic, ticker = self.current.conn, self.kind.topic, self.fetched.ticker
        sessions = [bar.session for bar in self.fetched.bars]
        earlier = [day for day in self.request.stored if sessions and day < sessions[0]]
        days = expected_days(ticker, max(earlier, default=sessions[0]), sessions[-1]) if sessions else []
        return Known(
            stored=_take_back_splits(self.request.stored, self.fetched.bars),
            accepted=collected.accepted_steps(conn, topic, ticker),
            lost_dividends=ledger.lost_dividends(conn, self.kind, ticker),
            gaps=set(days) - set(sessions) - set(earlier),
            waiting=waiting,
            currency=self.fetched.currency,
            rejected_steps=list(_steps(waiting.values())),
            incomplete=self._incomplete,
        )

    @property
    def _incomplete(self) -> Set[date]:
        """The sessions whose bar has no open, high or low: the ETFs' table has no place for such a bar."""
        if self.kind is not Kind.ETF:
            return frozenset()
        return {bar.session for bar in self.fetched.bars if not (bar.open and bar.high and bar.low)}

    def _absences(self, incomplete: Set[date]) -> Iterator[Absence]:
        late_sessions = self.current.settings.collector.late_sessions
        complete = replace(self.fetched, bars=[bar for bar in self.fetched.bars if bar.session not in incomplete])
        for each in absences(complete, self.request.stored, self.request.start, self.request.end, late_sessions):
            yield replace(each, reason=reason("no_range")) if each.session in incomplete else each

    def _record(self, absent: Sequence[Absence], changed: Sequence[Change], breaks: Sequence[Break]) -> None:
        """Write the ledger's lines, the changes of stored bars and the breaks."""
        kind, ticker, moment, run_id = (
            self.kind,
            self.fetched.ticker,
            self.fetched.answer.fetched_at,
            self.current.run_id,
        )
        sessions = [bar.session for bar in self.fetched.bars]
        # A sent bar is late until its consumer has stored it: the ledger then shows the row in the place of this line.
        there = set(sessions) - set(self.request.stored) - {each.session for each in absent}
        expected = [(each.session, each.state, each.reason) for each in absent]
        expected += [
            (session, "late", reason("not_stored_yet")) for session in self.request.sessions if session in there
        ]
        rows = [
            (kind, ticker, each.session, each.is_withheld, as_json(each.reasons), moment, run_id) for each in breaks
        ]
        ledger.record(
            self.current.conn,
            [(kind, ticker, session, state, as_json([why]), moment, run_id) for session, state, why in expected],
            [change.row(kind, ticker, moment, run_id) for change in changed],
            ledger.Judged(kind, ticker, sessions[0], sessions[-1], rows) if sessions else None,
        )

    def _expect(self, absent: Sequence[Absence], screening: Screening) -> list[Reason]:
        """Add the requested sessions' rows to the receipt, and return why some will not be there."""
        ticker, receipt = self.fetched.ticker, self.current.receipt
        there = set(self.request.stored) | {bar.session for bar in screening.select_stored(self.fetched.bars)}
        late = {each.session for each in absent if each.state == "late"}
        problems = []
        for session in self.request.sessions:
            if session in there:
                receipt.expect(self.kind.table, ticker, session)
            elif session in screening.doubtful:
                problems.append(reason("bar_quarantined", session=session))
            elif session in screening.refused:
                problems.append(reason("bar_refused", session=session, reason=screening.refused[session]))
            elif session in screening.incomplete:
                problems.append(reason("bar_refused", session=session, reason=reason("no_range")))
            else:
                problems.append(
                    reason("no_bar_at_source_yet" if session in late else "no_bar_at_source", session=session)
                )
        if problems:
            receipt.missing[ticker] = problems
        if late & set(self.request.sessions):
            receipt.late.append(ticker)
        return problems


def _take_back_splits(stored: Mapping[date, Row], bars: Sequence[Bar]) -> Mapping[date, Row]:
    """Return the stored rows without the splits that they have from bars which are not stored themselves."""
    handed_on = hand_on_splits(bars, {bar.session for bar in bars} - stored.keys())
    taken_back = {
        own.session: {**stored[own.session], "split_ratio": own.split_ratio}
        for own, bar in zip(bars, handed_on, strict=True)
        if own.session in stored
        and bar.split_ratio != own.split_ratio
        and isclose(stored[own.session]["split_ratio"], bar.split_ratio, rel_tol=SAME_FACTOR)
    }
    return {**stored, **taken_back}


def _screen(
    messages: Iterable[DailyBar], fetched: Bars, waiting: Iterable[date], incomplete: Set[date] = frozenset()
) -> Screening:
    """Find the messages that no consumer stores. A rejected bar that the answer lacks stays doubtful."""
    refused: dict[date, Reason] = {}
    doubtful = set(waiting) - {bar.session for bar in fetched.bars} | (set(waiting) & incomplete)
    lacking = set()
    for message in messages:
        if message.trade_date in incomplete:
            lacking.add(message.trade_date)
        elif why := refusal(message):
            refused[message.trade_date] = why
        elif not message.is_plausible:
            doubtful.add(message.trade_date)
    return Screening(refused, doubtful, lacking)


def _steps(rejected: Iterable[Row]) -> Iterator[float]:
    """Yield the step from the close before to that of each rejected bar.

    A rejected message may be anything, so its values are checked here.
    """
    for row in rejected:
        close, before = row.get("close_price"), row.get("previous_close")
        if isinstance(close, float | int) and isinstance(before, float | int) and close > 0 and before > 0:
            yield close / before


def _withhold_unstored(breaks: Iterable[Break], doubtful: Set[date]) -> list[Break]:
    """Return the breaks as they count: withheld only where the bar, or one beside it, is not stored as it is now."""
    return [
        replace(each, is_withheld=each.is_withheld and (each.session in doubtful or each.is_at_stale_split))
        for each in breaks
    ]


def new_bars(
    bars: Sequence[Bar],
    stored: Mapping[date, Row],
    judged: Judgement | None = None,
    again: Container[date] = (),
    exchange: str = HOME_EXCHANGE,
    currency: str | None = None,
) -> Iterator[NewBar]:
    """Yield the bars that are not stored just so, the doubtful ones, and those of some sessions again.

    A doubtful one may be stored just so, when its neighbours have changed.
    again: sessions whose bars are looked at in any case. One that waits for a person may be plausible now.
    currency: that of the bars. None when everything stored is known to be in it.
    """
    judged = judged or judge_bars(bars)
    for bar in bars:
        day = bar.session
        row = stored.get(day)
        is_other_currency = row is not None and currency not in (None, row.get("currency", currency))
        if day in again or day in judged.doubts or is_other_currency or differs(bar, row, exchange):
            doubt = as_one(judged.doubts[day]) if day in judged.doubts else None
            yield NewBar(bar, judged.previous_closes.get(day), doubt, day in judged.approved)


def message_fields(new: NewBar, fetched: Bars, run_id: str | None) -> dict[str, Any]:
    """Return the fields that the messages of all kinds of bars share."""
    bar = new.bar
    return {
        **values_of(bar),
        "ticker": fetched.ticker,
        "trade_date": bar.session,
        "previous_close": new.previous_close,
        "doubt": new.doubt,
        "is_accepted": new.is_accepted,
        "currency": fetched.currency,
        "fetched_at": fetched.answer.fetched_at,
        "source": fetched.answer.source,
        "run_id": run_id,
        "answer_digest": fetched.answer.digest,
    }

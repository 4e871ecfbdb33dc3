"""Producers' decisions: what to ask for, and what to send."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from collector import delivery, stock_bars
from collector import receipt as receipts
from collector.collection import Collection
from collector.completeness import Kind, differs
from collector.delivery import NewBar, message_fields, new_bars
from collector.etf_bars import etf_messages
from collector.plan import FetchRequest, fetch_range, needed_sessions
from collector.receipt import Receipt, require_complete
from collector.stock_bars import Company, stock_messages
from collector.yahoo_answers.model import Answer, Bar, Bars, Quote
from config.config import Settings, Topic
from database.db_helper import Row
from database.queries import collected, ledger
from database.tables import DAILY_ETF_OHLC
from log_words import missing_of, told
from utils.dates import close_of, last_closed_session, session_before, sessions_between
from utils.errors import BarMissing, BrokerRefused, BrokerUnavailable, NotStored
from utils.kafka_utils import offsets_reached
from utils.messages import DailyBar, StockDailyBar, from_json, to_json
from utils.ranges import is_range, split
from utils.reasons import Reason, as_json, reason
from utils.reasons import from_json as reasons_in

AS_OF = date(2026, 8, 21)
ANSWER = Answer(datetime(2026, 8, 21, 21, 0, tzinfo=UTC), "simulated")
COLLECTOR = Settings.from_env({}).collector


def bar(session: date = AS_OF, close: float = 100.0, adj_close: float | None = None) -> Bar:
    return Bar(session, close, close + 1, close - 1, close, adj_close or close, 1000, 0.0, 1.0)


def row(of: Bar, shares: int | None = None) -> Row:
    return {
        "open_price": of.open,
        "high_price": of.high,
        "low_price": of.low,
        "close_price": of.close,
        "adj_close": of.adj_close,
        "volume": of.volume,
        "dividend": of.dividend,
        "split_ratio": of.split_ratio,
        "shares_outstanding": shares,
    }


def stored(start: date, end: date) -> dict[date, Row]:
    return {session: row(bar(session)) for session in sessions_between(start, end)}


class TestWhatToAskFor:
    def test_a_new_ticker_gets_the_whole_history(self) -> None:
        start, end = fetch_range({}, "SPY", AS_OF, COLLECTOR)

        assert end == AS_OF
        assert len(sessions_between(start, end)) == COLLECTOR.history_sessions + 1

    def test_everything_stored_is_fetched_again(self) -> None:
        """One fetch has one basis of adjustment. A shorter one would leave older rows on another."""
        history = stored(date(2026, 1, 5), date(2026, 8, 20))

        assert fetch_range(history, "SPY", AS_OF, COLLECTOR) == (date(2026, 1, 5), AS_OF)

    def test_a_backfill_also_covers_what_is_later(self) -> None:
        history = stored(date(2026, 7, 1), date(2026, 8, 21))

        start, end = fetch_range(history, "SPY", date(2026, 6, 1), COLLECTOR)

        assert start == session_before(date(2026, 6, 1), COLLECTOR.refetch_sessions)
        assert end == date(2026, 8, 21)

    def test_a_window_is_fetched_not_only_the_last_row(self) -> None:
        start, _ = fetch_range(stored(date(2026, 8, 20), date(2026, 8, 20)), "SPY", AS_OF, COLLECTOR)

        assert len(sessions_between(start, AS_OF)) == COLLECTOR.refetch_sessions + 1

    def test_nothing_is_asked_for_when_both_end_points_are_stored(self) -> None:
        history = stored(date(2026, 7, 1), AS_OF)

        assert set(needed_sessions("SPY", AS_OF, 20)) <= set(history)
        assert not set(needed_sessions("SPY", AS_OF + timedelta(days=3), 20)) <= set(history), "Monday is to come"
        assert not set(needed_sessions("SPY", date(2026, 7, 15), 20)) <= set(history), "it starts before the history"

    def test_a_range_needs_every_session_from_the_first_ones_window_on(self) -> None:
        needed = needed_sessions("SPY", AS_OF, 20, since=date(2026, 8, 3))
        history = stored(date(2026, 7, 6), AS_OF)

        assert needed == sessions_between(date(2026, 7, 6), AS_OF)
        assert set(needed) <= set(history)
        history.pop(date(2026, 7, 20))
        assert not set(needed) <= set(history), "a gap in between is asked for again"
        assert set(needed_sessions("SPY", AS_OF, 20)) <= set(history), "a single session does not use it"

    def test_a_foreign_range_starts_at_its_own_exchanges_window_and_so_does_its_rate(self) -> None:
        """Twenty Korean sessions before 2 March 2026 lie across the New Year's holidays."""
        since = date(2026, 3, 2)
        stock, rate, home = (needed_sessions(ticker, AS_OF, 20, since) for ticker in ("005930.KS", "KRW=X", "SPY"))

        assert stock[0] == session_before(last_closed_session(close_of(since), "XKRX"), 20, "XKRX")
        assert rate[0] <= stock[0] < home[0]
        assert rate[-1] == AS_OF

    def test_a_range_further_back_than_a_first_fetch_is_asked_for_whole(self) -> None:
        start, _ = fetch_range({}, "SPY", AS_OF, COLLECTOR, back_to=date(2024, 1, 3))

        assert start == date(2024, 1, 3)
        assert fetch_range({}, "SPY", AS_OF, COLLECTOR, back_to=AS_OF) == fetch_range({}, "SPY", AS_OF, COLLECTOR)


class TestWhatToSend:
    def test_only_what_is_new_or_changed(self) -> None:
        fetched = Bars("SPY", "USD", [bar(date(2026, 8, 20)), bar(AS_OF, 101.0)], ANSWER)
        known = {date(2026, 8, 20): row(bar(date(2026, 8, 20)))}

        sent = list(etf_messages(fetched, new_bars(fetched.bars, known), "r1"))

        assert [message.trade_date for message in sent] == [AS_OF]
        assert sent[0].previous_close == 100.0, "also of a bar that is not sent itself"

    def test_a_late_bar_and_a_restated_one_are_sent(self) -> None:
        days = [date(2026, 8, 18), date(2026, 8, 19), date(2026, 8, 20)]
        fetched = Bars("SPY", "USD", [bar(days[0]), bar(days[1]), bar(days[2], 99.0)], ANSWER)
        known = {days[0]: row(bar(days[0])), days[2]: row(bar(days[2], 98.0))}

        sent = etf_messages(fetched, new_bars(fetched.bars, known), None)
        assert [message.trade_date for message in sent] == days[1:]

    def test_a_dividend_sends_the_whole_history_again(self) -> None:
        before, after = bar(date(2026, 8, 19), 100.0, 100.0), bar(date(2026, 8, 19), 100.0, 99.5)

        assert differs(after, row(before))

    def test_a_round_trip_through_the_database_is_no_change(self) -> None:
        assert not differs(bar(close=644.123456789), row(bar(close=644.1234567890001)))

    def test_the_close_before_is_the_bar_before(self) -> None:
        pairs = list(new_bars([bar(date(2026, 8, 20), 100.0), bar(AS_OF, 110.0)], {}))

        assert [each.previous_close for each in pairs] == [None, 100.0]

    def test_a_bar_that_waits_for_a_person_is_looked_at_again_even_if_it_is_stored_just_so(self) -> None:
        days = [date(2026, 8, 20), AS_OF]
        known = {day: row(bar(day)) for day in days}

        assert [each.bar.session for each in new_bars([bar(day) for day in days], known, again={AS_OF})] == [AS_OF]

    def test_a_large_step_is_measured_and_doubted(self) -> None:
        days = [date(2026, 8, 19), date(2026, 8, 20), AS_OF]
        fresh = list(new_bars([bar(days[0]), bar(days[1], 10_000.0), bar(days[2], 101.0)], {}))

        assert [each.previous_close for each in fresh] == [None, 100.0, 100.0]
        assert [bool(each.doubt) for each in fresh] == [False, True, False]


def rows(bars: Sequence[Bar]) -> dict[date, Row]:
    """As stored on the evening before."""
    fetched_at = datetime(2026, 8, 20, 21, tzinfo=UTC)
    return {one.session: {**row(one), "capital_gain": one.capital_gain, "fetched_at": fetched_at} for one in bars}


class Sent:
    """Stands for the broker."""

    def __init__(self) -> None:
        self.messages: list[DailyBar] = []

    def send_raw(self, topic: Topic, key: bytes, value: bytes) -> None:
        singles = split(value) if is_range(value) else [value]
        self.messages += [msgspec.json.decode(single, type=StockDailyBar) for single in singles]


class Delivering:
    """Answers of ten sessions, with what the database says of before given."""

    days = sessions_between(date(2026, 8, 10), AS_OF)

    @pytest.fixture(autouse=True)
    def before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waiting: dict[date, Row] = {}
        self.accepted: dict[date, float | None] = {}
        self.recorded: list[tuple[Any, ...]] = []
        monkeypatch.setattr(collected, "rejected_bars", lambda *_: self.waiting)
        monkeypatch.setattr(collected, "accepted_steps", lambda *_: self.accepted)
        monkeypatch.setattr(ledger, "lost_dividends", lambda *_: {})
        monkeypatch.setattr(ledger, "record", lambda conn, *what: self.recorded.append(what))

    def bars(self, **closes: float) -> list[Bar]:
        """At 100, but on some days: d20=160.0."""
        return [bar(day, closes.get(f"d{day.day}", 100.0)) for day in self.days]

    def deliver(
        self,
        bars: list[Bar],
        stored: dict[date, Row] | None = None,
        kind: Kind = Kind.STOCK,
        sessions: Sequence[date] = (AS_OF,),
        **fields: Any,
    ) -> tuple[Receipt, list[DailyBar]]:
        sent, ticker = Sent(), "KRW=X" if kind is Kind.RATE else "AAPL"
        fetched = Bars(ticker, "USD", bars, ANSWER)

        def to_messages(fresh: Iterable[NewBar]) -> Iterator[StockDailyBar]:
            for each in fresh:
                yield StockDailyBar(**{**message_fields(each, fetched, "r1"), **fields})

        current = Collection(Settings.from_env({}), None, None, sent, Receipt(AS_OF), "r1")  # type: ignore[arg-type]
        request = FetchRequest(stored or {}, self.days[0], AS_OF, list(sessions))
        self.outcome = delivery.deliver(current, kind, fetched, request, to_messages)
        return current.receipt, sent.messages

    def rejected(self, *bars: Bar) -> dict[date, Row]:
        return rows(bars)

    def breaks(self) -> list[tuple[date, bool]]:
        *_, judged = self.recorded[-1]
        return [(session, is_withheld) for _, _, session, is_withheld, *_ in judged.breaks]


class TestDelivery(Delivering):
    """What becomes of an answer."""

    def test_all_of_a_first_answer_is_sent_and_expected(self) -> None:
        receipt, sent = self.deliver(self.bars())

        assert [message.trade_date for message in sent] == self.days
        assert receipt.expected == {"collected_daily_stock_history": [("AAPL", AS_OF)]}
        assert (receipt.missing, self.breaks()) == ({}, [])
        assert all(message.is_plausible for message in sent)

    def test_a_doubtful_bar_is_sent_once_and_counts_as_missing(self) -> None:
        bars = self.bars(d21=10_000.0)

        receipt, sent = self.deliver(bars)

        assert [message.trade_date for message in sent if not message.is_plausible] == [AS_OF]
        assert missing_of(receipt) == {"AAPL": "the bar of 2026-08-21 is quarantined: see logs_consumer_error"}
        assert self.breaks() == [(AS_OF, True)]

        self.waiting = self.rejected(bars[-1])
        stored = rows(bars[:-1])
        again, sent = self.deliver(bars, stored)
        assert sent == []
        assert again.missing == receipt.missing
        assert self.breaks() == [(AS_OF, True)]

    @pytest.mark.parametrize("noise", [{"volume": 5_000}, {"adj_close": 10_000.001}])
    def test_noise_does_not_send_a_doubtful_bar_again(self, noise: dict[str, Any]) -> None:
        bars = self.bars(d21=10_000.0)
        self.waiting = self.rejected(bars[-1])

        _, sent = self.deliver([*bars[:-1], replace(bars[-1], **noise)], rows(bars[:-1]))

        assert sent == []

    @pytest.mark.parametrize("said", [{}, {"close_price": "a lot"}, {"close_price": None}, {"close_price": [1]}])
    def test_a_rejected_message_may_be_anything(self, said: Row) -> None:
        bars = self.bars(d21=10_000.0)
        self.waiting = {AS_OF: said}

        _, sent = self.deliver(bars, rows(bars[:-1]))

        assert [message.trade_date for message in sent] == [AS_OF]

    @pytest.mark.parametrize("close", [101.0, 9_000.0])
    def test_a_bar_that_the_source_has_changed_is_sent_again(self, close: float) -> None:
        """Whether it is plausible now or not."""
        bars = self.bars(d21=10_000.0)
        self.waiting = self.rejected(bars[-1])

        receipt, sent = self.deliver(self.bars(d21=close), rows(bars[:-1]))

        assert [message.trade_date for message in sent] == [AS_OF]
        assert sent[0].is_plausible is (close == 101.0)
        assert bool(receipt.missing) is (close != 101.0)

    def test_a_good_bar_is_sent_again_when_its_bad_neighbour_has_healed(self) -> None:
        """The older closes were not adjusted and now are. The bar itself is still the rejected one."""
        bars = self.bars()
        self.waiting = self.rejected(bars[5])
        stored = rows([bar(one.session, 5.0) for one in bars[:5]]) | rows(bars[6:])

        receipt, sent = self.deliver(bars, stored)

        assert [message.trade_date for message in sent] == self.days[:6]
        assert receipt.missing == {}
        assert self.breaks() == []

    def test_a_rejected_bar_that_is_the_stored_one_again_is_sent_so_that_its_rejection_is_closed(self) -> None:
        bars = self.bars()
        self.waiting = self.rejected(bar(AS_OF, 10_000.0))

        _, sent = self.deliver(bars, rows(bars))

        assert [(message.trade_date, message.is_plausible) for message in sent] == [(AS_OF, True)]

    def test_a_doubtful_bar_is_sent_even_if_only_its_neighbours_have_changed(self) -> None:
        """The source goes back behind a split that it had applied: the first bar behind it is stored just so."""
        bars = self.bars()
        stored = rows(bars)
        wrong = [bar(one.session, 5.0) for one in bars[:5]] + bars[5:]

        _, sent = self.deliver(wrong, stored)

        assert [message.trade_date for message in sent if not message.is_plausible] == [self.days[5]]
        assert self.breaks() == [(self.days[5], True)]

        self.waiting = self.rejected(bars[5])
        _, sent = self.deliver(wrong, stored | rows(wrong[:5]))
        assert sent == []
        assert self.breaks() == [(self.days[5], True)], "what is stored around it now is no excuse"

    def test_what_a_person_has_accepted_is_sent_as_accepted_whenever_it_is_sent(self) -> None:
        bars = self.bars(**{f"d{day.day}": 160.0 for day in self.days[5:]})
        self.accepted = {self.days[5]: 1.6}
        before_a_dividend = rows([replace(one, adj_close=one.adj_close * 1.01) for one in bars])

        _, sent = self.deliver(bars, before_a_dividend)

        assert len(sent) == len(bars)
        assert [message.trade_date for message in sent if message.is_accepted] == [self.days[5]]
        assert all(from_json(StockDailyBar, to_json(message)) for message in sent), "no consumer rejects any"
        assert self.breaks() == []

    def test_a_doubtful_bar_changes_no_stored_one_in_the_record(self) -> None:
        bars = self.bars()

        self.deliver(self.bars(d19=10_000.0), rows(bars))

        _, restated, _ = self.recorded[-1]
        assert restated == []

    @pytest.mark.parametrize(
        ("fields", "field"), [({"company_name": "A" * 201}, "company_name"), ({"currency": "GBp"}, "currency")]
    )
    def test_what_no_consumer_takes_is_not_sent(self, fields: dict[str, Any], field: str) -> None:
        receipt, sent = self.deliver(self.bars(), **fields)

        assert sent == []
        assert receipt.expected == {}
        assert "the bar of 2026-08-21 is refused: not a StockDailyBar: Expected `str` " in told(receipt.missing["AAPL"])
        assert f"$.{field}" in told(receipt.missing["AAPL"])
        expected, _, _ = self.recorded[-1]
        assert {(session, state) for _, _, session, state, *_ in expected} == {(day, "missing") for day in self.days}

    @pytest.mark.parametrize(
        "values", [{"close": 0.0}, {"adj_close": -3.0}, {"dividend": -0.4}, {"split_ratio": 0.0}, {"volume": -1}]
    )
    def test_one_bar_out_of_contract_holds_up_no_other(self, values: dict[str, Any]) -> None:
        bars = self.bars()
        spoilt = [replace(one, **values) if one.session == self.days[4] else one for one in bars]

        receipt, sent = self.deliver(spoilt, sessions=[self.days[4], AS_OF])

        assert [message.trade_date for message in sent] == [day for day in self.days if day != self.days[4]]
        assert receipt.expected == {"collected_daily_stock_history": [("AAPL", AS_OF)]}
        assert f"the bar of {self.days[4]} is refused" in told(receipt.missing["AAPL"])
        assert not receipt.late

    def test_bars_in_another_currency_wait_for_a_person(self) -> None:
        stored = {day: row | {"currency": "GBP"} for day, row in rows(self.bars()[:-1]).items()}

        receipt, sent = self.deliver(self.bars(), stored)

        assert [message.trade_date for message in sent if not message.is_plausible] == self.days
        assert "the bar of 2026-08-21 is quarantined" in told(receipt.missing["AAPL"])
        assert receipt.changed == 0

    def test_what_is_left_in_another_currency_is_sent_again(self) -> None:
        """A person has accepted some of them, the newest one among them."""
        bars = self.bars()
        stored = {day: row | {"currency": "GBP"} for day, row in rows(bars).items()}
        stored[AS_OF]["currency"] = "USD"

        _, sent = self.deliver(bars, stored)

        assert [message.trade_date for message in sent] == self.days[:-1]
        assert all(message.is_plausible for message in sent)

    def test_an_answer_that_contradicts_what_is_stored_is_not_taken(self) -> None:
        stored = rows(self.bars())
        others = [bar(day, 40.0 + 3 * number**1.5) for number, day in enumerate(self.days)]

        receipt, sent = self.deliver(others, stored)

        assert sent == []
        assert "its answer contradicts 10 of 10 stored closes" in told(receipt.missing["AAPL"])
        [(kind, ticker, session, state, why, *_)] = self.recorded[-1][0]
        assert (kind, ticker, session, state) == (Kind.STOCK, "AAPL", AS_OF, "missing")
        assert why == as_json(receipt.missing["AAPL"])

    @pytest.mark.parametrize("is_known", [False, True])
    def test_a_dividend_above_the_price_waits_and_what_it_takes_below_zero_is_refused(self, is_known: bool) -> None:
        bars = [replace(one, adj_close=-one.adj_close * 4) if one.session < AS_OF else one for one in self.bars()]
        bars[-1] = replace(bars[-1], dividend=500.0)

        receipt, sent = self.deliver(bars, rows(self.bars()[:-1]) if is_known else {})

        assert [(message.trade_date, message.is_plausible) for message in sent] == [(AS_OF, False)]
        assert missing_of(receipt) == {"AAPL": "the bar of 2026-08-21 is quarantined: see logs_consumer_error"}
        assert self.breaks() == [(AS_OF, True)]

    @pytest.mark.parametrize("kind", [Kind.ETF, Kind.STOCK])
    @pytest.mark.parametrize(("close", "is_sent_as_it_is"), [(1000.0, False), (10.0, False), (104.0, True)])
    def test_the_newest_bar_alone_is_measured_against_what_is_stored(
        self, kind: Kind, close: float, is_sent_as_it_is: bool
    ) -> None:
        receipt, sent = self.deliver([bar(AS_OF, close)], rows(self.bars()[:-1]), kind)

        assert [(message.previous_close, message.is_plausible) for message in sent] == [(100.0, is_sent_as_it_is)]
        assert self.breaks() == ([] if is_sent_as_it_is else [(AS_OF, True)])
        assert bool(receipt.missing) is not is_sent_as_it_is

    @pytest.mark.parametrize(("missing", "is_believed"), [(5, False), (6, True)])
    def test_after_more_than_a_week_without_a_bar_it_is_not(self, missing: int, is_believed: bool) -> None:
        _, [sent] = self.deliver([bar(AS_OF, 1000.0)], rows(self.bars()[: 9 - missing]))

        assert sent.is_plausible is is_believed

    @pytest.mark.parametrize("kind", [Kind.ETF, Kind.STOCK])
    def test_a_shifted_end_of_an_answer_replaces_nothing(self, kind: Kind) -> None:
        closes = [100.0, 101.5, 99.0, 100.4, 102.0, 101.1, 103.0, 104.2, 103.3, 105.0]
        bars = [bar(day, close) for day, close in zip(self.days, closes, strict=True)]
        shifted = [*bars[:7], *(replace(bars[at - 1], session=bars[at].session) for at in range(7, 10))]

        receipt, sent = self.deliver(shifted, rows(bars[:-1]), kind)

        assert [message.trade_date for message in sent] == self.days[7:]
        assert not any(message.is_plausible for message in sent)
        assert (receipt.changed, self.recorded[-1][1]) == (0, [])
        assert "the bar of 2026-08-21 is quarantined" in told(receipt.missing["AAPL"])

    def test_noted_breaks_are_recorded_with_all_bars_sent(self) -> None:
        bars = [
            replace(one, adj_close=one.adj_close * 0.99) if one.session < self.days[5] else one for one in self.bars()
        ]

        receipt, sent = self.deliver(bars)

        assert len(sent) == len(bars)
        assert receipt.missing == {}
        assert self.breaks() == [(self.days[5], False)]

    def test_rates_are_judged_by_their_steps(self) -> None:
        receipt, sent = self.deliver(self.bars(d20=20.0), kind=Kind.RATE, quote_type="CURRENCY")

        assert [message.trade_date for message in sent if not message.is_plausible] == [date(2026, 8, 20)]
        assert receipt.expected == {"collected_daily_stock_history": [("KRW=X", AS_OF)]}


class TestBarsWithoutARange(Delivering):
    """An ETF's bar that lacks open, high or low: its table has no place for it, but what it says counts."""

    LACKING = pytest.mark.parametrize("lacking", [("open",), ("high",), ("low",), ("open", "high", "low")])

    def hollow(self, bars: list[Bar], day: date, *lacking: str) -> list[Bar]:
        unknown: dict[str, Any] = dict.fromkeys(lacking)
        return [replace(one, **unknown) if one.session == day else one for one in bars]

    def ledger_lines(self) -> list[tuple[date, str, list[Reason]]]:
        expected, _, _ = self.recorded[-1]
        lines = [(session, state, reasons_in(why)) for _, _, session, state, why, *_ in expected]
        return [line for line in lines if line[2] != [reason("not_stored_yet")]]

    @LACKING
    def test_the_newest_one_is_late_and_says_why(self, lacking: tuple[str, ...]) -> None:
        receipt, sent = self.deliver(self.hollow(self.bars(), AS_OF, *lacking), kind=Kind.ETF)

        assert [message.trade_date for message in sent] == self.days[:-1]
        assert receipt.late == ["AAPL"]
        assert "the source has its close, but not all of open, high and low" in told(receipt.missing["AAPL"])
        assert self.ledger_lines() == [(AS_OF, "late", [reason("no_range")])]

    def test_one_that_the_source_has_passed_over_is_missing(self) -> None:
        receipt, sent = self.deliver(self.hollow(self.bars(), self.days[4], "open"), kind=Kind.ETF)

        assert [message.trade_date for message in sent] == [day for day in self.days if day != self.days[4]]
        assert (receipt.late, receipt.missing) == ([], {})
        assert self.ledger_lines() == [(self.days[4], "missing", [reason("no_range")])]

    def test_a_stock_s_is_stored(self) -> None:
        receipt, sent = self.deliver(self.hollow(self.bars(), AS_OF, "open", "high", "low"))

        assert [message.trade_date for message in sent] == self.days
        assert receipt.missing == {}

    @LACKING
    @pytest.mark.parametrize("ratio", [10.0, 0.05, 1.5])
    def test_its_split_explains_the_older_closes(self, lacking: tuple[str, ...], ratio: float) -> None:
        bars = [replace(one, split_ratio=ratio if one.session == self.days[7] else 1.0) for one in self.bars()]
        before = [replace(one, close=one.close * ratio, adj_close=one.adj_close * ratio) for one in bars[:7]]

        _, sent = self.deliver(self.hollow(bars, self.days[7], *lacking), rows(before), kind=Kind.ETF)

        assert [message.trade_date for message in sent] == [*self.days[:7], *self.days[8:]]
        assert all(message.is_plausible for message in sent)
        assert self.breaks() == []

    @LACKING
    @pytest.mark.parametrize("ratio", [10.0, 0.05, 1.5, 1.05, 1 / 30])
    def test_its_split_is_stored_once_on_whatever_day(self, lacking: tuple[str, ...], ratio: float) -> None:
        """From the evening before the split to the day on which the range is there at last."""
        closes = [100.0, 101.5, 99.0, 100.4, 102.0, 101.1, 103.0, 98.2, 103.3, 105.0]
        bars = [bar(day, close) for day, close in zip(self.days, closes, strict=True)]
        bars[5] = replace(bars[5], split_ratio=ratio)
        before = [replace(one, close=one.close * ratio, adj_close=one.adj_close * ratio) for one in bars[:5]]
        known = rows(before)
        splits: list[dict[int, float]] = []
        for last in [*range(5, 10), 9]:
            is_complete = len(splits) == 5
            answer = bars if is_complete else self.hollow(bars[: last + 1], self.days[5], *lacking)

            _, sent = self.deliver(answer, known, kind=Kind.ETF, sessions=[self.days[last]])

            assert all(message.is_plausible for message in sent)
            assert self.breaks() == []
            evening = datetime.combine(self.days[last], time(21), UTC)
            new = {one.trade_date: one for one in sent}
            placed = [replace(one, split_ratio=new[one.session].split_ratio) for one in answer if one.session in new]
            known |= {day: row | {"fetched_at": evening} for day, row in rows(placed).items()}
            splits.append({day.day: row["split_ratio"] for day, row in known.items() if row["split_ratio"] != 1})
            if last in (7, 8):
                assert list(new) == [self.days[last]], "what is stored just so is not sent again"

        assert splits == [{}, *[{18: ratio}] * 4, {17: ratio}]

    def test_splits_of_two_in_a_row_are_stored_with_the_one_behind_them(self) -> None:
        ratios = {self.days[6]: 10.0, self.days[7]: 0.5, self.days[8]: 3.0}
        bars = [replace(one, split_ratio=ratios.get(one.session, 1.0)) for one in self.bars()]
        hollow = self.hollow(self.hollow(bars, self.days[6], "open"), self.days[7], "open")

        _, sent = self.deliver(hollow, kind=Kind.ETF)

        assert {one.trade_date: one.split_ratio for one in sent if one.split_ratio != 1} == {self.days[8]: 15.0}

    def test_one_that_is_stored_whole_keeps_its_split(self) -> None:
        bars = [replace(one, split_ratio=10.0 if one.session == self.days[4] else 1.0) for one in self.bars()]

        _, sent = self.deliver(self.hollow(bars, self.days[4], "open"), rows(bars), kind=Kind.ETF)

        assert sent == []

    def test_a_row_of_its_evening_is_of_after_its_split(self) -> None:
        bars = [replace(one, split_ratio=10.0 if one.session == self.days[5] else 1.0) for one in self.bars()]
        stored = rows(bars[:5])
        stored[self.days[3]]["fetched_at"] = datetime.combine(self.days[5], time(21), UTC)
        left_out = [one for one in self.hollow(bars, self.days[5], "open") if one.session != self.days[3]]

        self.deliver(left_out, stored, kind=Kind.ETF)

        assert self.breaks() == []

    def test_a_split_that_cannot_be_read_costs_no_other_session(self) -> None:
        bars = [replace(one, split_ratio=0.0 if one.session == self.days[4] else 1.0) for one in self.bars()]

        _, sent = self.deliver(self.hollow(bars, self.days[4], "open"), kind=Kind.ETF)

        assert [message.trade_date for message in sent] == [day for day in self.days if day != self.days[4]]

    @pytest.mark.parametrize("amount", [0.5, 3.0])
    def test_its_dividend_explains_the_adjusted_closes(self, amount: float) -> None:
        bars = [
            replace(one, adj_close=one.adj_close * (1 - amount / 100) if one.session < self.days[7] else one.adj_close)
            for one in self.bars()
        ]
        bars = [replace(one, dividend=amount if one.session == self.days[7] else 0.0) for one in bars]

        _, sent = self.deliver(self.hollow(bars, self.days[7], "open"), kind=Kind.ETF)

        assert all(message.is_plausible for message in sent)
        assert self.breaks() == []

    @pytest.mark.parametrize("split_ratio", [0.1, 1.0])
    def test_its_doubt_is_the_next_one_s(self, split_ratio: float) -> None:
        """Older closes that lack a split: nobody could accept the split's own bar, and the break would not count."""
        bars = [bar(day, 100.0 if number < 5 else 1000.0) for number, day in enumerate(self.days)]
        bars = [replace(one, split_ratio=split_ratio if one.session == self.days[5] else 1.0) for one in bars]

        _, sent = self.deliver(self.hollow(bars, self.days[5], "open"), kind=Kind.ETF)

        assert [message.trade_date for message in sent if not message.is_plausible] == [self.days[6]]
        assert self.days[5] not in {message.trade_date for message in sent}
        assert self.breaks() == [(self.days[6], True)]

    def test_an_odd_one_hurts_no_other(self) -> None:
        _, sent = self.deliver(self.hollow(self.bars(d20=10_000.0), self.days[8], "open"), kind=Kind.ETF)

        assert [message.trade_date for message in sent] == [day for day in self.days if day != self.days[8]]
        assert all(message.is_plausible for message in sent)
        assert self.breaks() == []

    def test_a_whole_bar_that_is_stored_stays(self) -> None:
        stored = rows(self.bars())

        receipt, sent = self.deliver(self.hollow(self.bars(d14=101.0), self.days[4], "open"), stored, kind=Kind.ETF)

        assert (sent, receipt.changed) == ([], 0)
        assert self.recorded[-1][:2] == ([], [])

    def test_a_stored_bar_beside_its_split_is_of_before_it(self) -> None:
        bars = [replace(one, split_ratio=10.0 if one.session == self.days[7] else 1.0) for one in self.bars()]
        before = [replace(one, close=1000.0, adj_close=1000.0) for one in bars[:7]]
        stored = {day: row | {"fetched_at": datetime(2026, 8, 18, 21, tzinfo=UTC)} for day, row in rows(before).items()}
        left_out = [one for one in self.hollow(bars, self.days[7], "open") if one.session != self.days[6]]

        self.deliver(left_out, stored, kind=Kind.ETF)

        assert self.breaks() == [(self.days[6], True), (self.days[8], True)]


class Collecting(Delivering):
    """One stock's answer and its quote, from the request to the messages."""

    quote = Quote("AAPL", "Apple Inc.", "USD", 1_000, None)

    def collect(
        self, monkeypatch: pytest.MonkeyPatch, bars: list[Bar], stored: dict[date, Row], currency: str = "USD"
    ) -> tuple[Receipt, list[DailyBar]]:
        fetched, sent = Bars("AAPL", currency, bars, ANSWER), Sent()
        yahoo = SimpleNamespace(daily_bars=lambda *_: fetched, quotes=lambda _: {"AAPL": self.quote})
        current = Collection(Settings.from_env({}), None, yahoo, sent, Receipt(AS_OF), "r1")  # type: ignore[arg-type]
        monkeypatch.setattr(stock_bars, "sectors_of", lambda *_: {"AAPL": (None, None)})
        monkeypatch.setattr(stock_bars, "lookups_left", lambda *_, **__: 0)
        request = FetchRequest(stored, self.days[0], AS_OF, [AS_OF])
        stock_bars.fetch_stocks(current, {"AAPL": request})
        return current.receipt, sent.messages


class TestFirstMarketCap(Collecting):
    """A fetch that brings a company's first market cap is judged by what is stored, as any other."""

    @staticmethod
    def uncapped(bars: Sequence[Bar], currency: str = "USD") -> dict[date, Row]:
        return {day: {**row, "market_cap": None, "currency": currency} for day, row in rows(bars).items()}

    def test_it_is_sent_for_every_stored_session(self, monkeypatch: pytest.MonkeyPatch) -> None:
        receipt, sent = self.collect(monkeypatch, self.bars(), self.uncapped(self.bars()))

        assert [message.trade_date for message in sent] == self.days
        assert all(message.is_plausible and message.market_cap == 100_000 for message in sent)  # type: ignore[attr-defined]
        assert receipt.changed == 0

    def test_an_answer_of_another_symbol_is_not_taken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        others = [bar(day, 40.0 + 3 * number**1.5) for number, day in enumerate(self.days)]

        receipt, sent = self.collect(monkeypatch, others, self.uncapped(self.bars()))

        assert sent == []
        assert "its answer contradicts 10 of 10 stored closes" in told(receipt.missing["AAPL"])

    def test_one_in_another_currency_waits_for_a_person(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _, sent = self.collect(monkeypatch, self.bars(), self.uncapped(self.bars(), "EUR"))

        assert not any(message.is_plausible for message in sent)

    def test_what_it_changes_is_recorded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        receipt, _ = self.collect(monkeypatch, self.bars(d18=101.0), self.uncapped(self.bars()))

        [(_, restated, _)] = self.recorded
        assert [(row[2], row[3]) for row in restated] == [(date(2026, 8, 18), "restated")]
        assert receipt.changed == 1

    def test_the_proof_of_an_unapplied_split_is_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bars = self.bars(d21=95.0)
        bars[-1] = replace(bars[-1], split_ratio=1.05)

        _, sent = self.collect(monkeypatch, bars, self.uncapped(bars[:-1]))

        assert [message.trade_date for message in sent if not message.is_plausible] == [AS_OF]

    def test_a_cap_that_no_table_takes_is_not_sent_at_each_fetch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self, "quote", replace(self.quote, shares_outstanding=2**62))

        _, sent = self.collect(monkeypatch, self.bars(), self.uncapped(self.bars()))

        assert sent == []


class TestMistakenCount(Collecting):
    """The stored share count is not the quote's, and the quote is right."""

    quote = Quote("AAPL", "Apple Inc.", "USD", 10_000, 1_000_000, 10_000, 100.0)

    def counted(self, bars: Sequence[Bar]) -> dict[date, Row]:
        size = {"shares_outstanding": 1_000, "market_cap": 100_000, "market_cap_source": "implied_x_close"}
        return {day: {**row, **size, "currency": "USD"} for day, row in rows(bars).items()}

    def test_all_that_was_stored_of_a_split_s_stale_quote_is_sent_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bars = self.bars()
        bars[3] = replace(bars[3], split_ratio=10.0)

        receipt, sent = self.collect(monkeypatch, bars, self.counted(bars[:-1]))

        assert [message.trade_date for message in sent] == self.days
        assert {(message.shares_outstanding, message.market_cap) for message in sent} == {(10_000, 1_000_000)}  # type: ignore[attr-defined]
        assert (receipt.missing, receipt.changed) == ({}, 0)

    @pytest.mark.parametrize(("quoted", "count"), [(None, 1_000), (1_000, 1_000), (9_990, 10_000)])
    def test_a_split_to_come_is_looked_up_in_what_was_quoted_before(
        self, monkeypatch: pytest.MonkeyPatch, quoted: int | None, count: int
    ) -> None:
        asked: list[Any] = []
        earlier = quoted and Quote("AAPL", None, "USD", quoted, quoted * 100, quoted, 100.0)
        monkeypatch.setattr(stock_bars, "quote_before", lambda *given: asked.append(given[1:]) or earlier)

        _, [message] = self.collect(monkeypatch, self.bars(), self.counted(self.bars()[:-1]))

        assert (message.trade_date, message.shares_outstanding) == (AS_OF, count)  # type: ignore[attr-defined]
        assert asked == [("AAPL", ANSWER.fetched_at - timedelta(days=14))]

    def test_as_a_rule_nothing_is_looked_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self, "quote", replace(self.quote, implied_shares=1_010))

        _, [message] = self.collect(monkeypatch, self.bars(), self.counted(self.bars()[:-1]))

        assert message.shares_outstanding == 1_010  # type: ignore[attr-defined]


class TestMarketCaps:
    quote = Quote("AAPL", "Apple Inc.", "USD", 1_000, 120_000)

    def messages(self, quote: Quote, known: dict[date, Row] | None = None, close: float = 100.0) -> list[StockDailyBar]:
        fetched = Bars("AAPL", "USD", [bar(date(2026, 8, 20), 50.0), bar(AS_OF, close)], ANSWER)
        return list(
            stock_messages(
                fetched, known or {}, new_bars(fetched.bars, known or {}), Company(quote, "Technology"), None
            )
        )

    def test_shares_times_the_close_of_that_session(self) -> None:
        older, newer = self.messages(self.quote)

        assert (older.market_cap, newer.market_cap) == (50_000, 100_000)
        assert newer.market_cap_source == "shares_x_close"

    def test_the_quoted_figure_where_shares_are_unknown(self) -> None:
        message = self.messages(Quote("AAPL", None, "USD", None, 120_000))[-1]

        assert (message.market_cap, message.market_cap_source) == (120_000, "quoted")

    def test_unknown_is_null_never_zero(self) -> None:
        message = self.messages(Quote("AAPL", None, "USD", None, None))[-1]

        assert (message.market_cap, message.market_cap_source) == (None, None)

    def test_a_past_session_keeps_the_shares_it_was_stored_with(self) -> None:
        known = {date(2026, 8, 20): row(bar(date(2026, 8, 20), 50.0, 49.0), shares=900)}

        older, newer = self.messages(self.quote, known)

        assert (older.shares_outstanding, newer.shares_outstanding) == (900, 1_000)

    def test_a_corrected_close_keeps_the_shares_as_well(self) -> None:
        known = {date(2026, 8, 20): row(bar(date(2026, 8, 20), 100.0), shares=500)}

        older, _ = self.messages(self.quote, known)

        assert (older.shares_outstanding, older.market_cap) == (500, 25_000)

    @pytest.mark.parametrize(
        ("quoted", "stored", "expected"),
        [
            ("Apple Inc.", ["Apple Computer", None], "Apple Inc."),
            (None, ["Apple Computer", "Apple"], "Apple"),
            (None, ["Apple Computer", None], "Apple Computer"),
            (None, [None, None], None),
            (None, [], None),
        ],
    )
    def test_a_company_keeps_its_name_without_a_quote(
        self, quoted: str | None, stored: list[str | None], expected: str | None
    ) -> None:
        known = {
            day: {**row(bar(day)), "company_name": name}
            for day, name in zip([date(2026, 8, 19), date(2026, 8, 20)], stored, strict=False)
        }

        messages = self.messages(replace(self.quote, name=quoted), known, close=101.0)

        assert {message.company_name for message in messages} == {expected}


class TestWhetherToGoOn:
    """A stage whose source lacks a bar: IWM's, where SPY is what every ETF is compared with."""

    def receipt(self, late: list[str] | None = None, **missing: str) -> Receipt:
        return Receipt(
            AS_OF, missing={ticker: [reason("text", text=why)] for ticker, why in missing.items()}, late=late or []
        )

    def test_nothing_lacks(self) -> None:
        assert require_complete(self.receipt(), False, "SPY").note == ""

    def test_a_late_bar_is_waited_for(self) -> None:
        with pytest.raises(BarMissing, match="no bar of 2026-08-21 for IWM yet; the others are sent"):
            require_complete(self.receipt(["IWM"], IWM="no bar"), False, "SPY")

    def test_a_late_bar_can_be_accepted(self) -> None:
        assert require_complete(self.receipt(["IWM"], IWM="no bar"), True, "SPY").note == "goes on without IWM"

    def test_what_another_try_cannot_bring_is_not_waited_for(self) -> None:
        assert require_complete(self.receipt(DIA="quarantined", IWM="no bar"), False).note == "goes on without DIA, IWM"

    def test_what_was_noted_before_stays(self) -> None:
        receipt = self.receipt(IWM="no bar")
        receipt.notes.append(reason("no_trend"))

        assert require_complete(receipt, False, "SPY").note == "no ETF trends, nothing to collect; goes on without IWM"

    @pytest.mark.parametrize("late", [["SPY"], []])
    def test_nothing_goes_on_without_the_benchmark(self, late: list[str]) -> None:
        with pytest.raises(BarMissing, match=r"SPY: no bar\. Every ETF is compared with it"):
            require_complete(self.receipt(late, SPY="no bar"), True, "SPY")


def test_a_receipt_survives_json() -> None:
    receipt = Receipt(AS_OF, sent={"etf-daily-data": 3}, end_offsets={"etf-daily-data": {0: 7, 2: 9}}, requests=4)
    receipt.late.append("IWM")
    receipt.missing["IWM"] = [reason("no_bar_at_source_yet", session=AS_OF)]
    receipt.expect(DAILY_ETF_OHLC, "SPY", AS_OF)

    assert Receipt.from_dict(receipt.to_dict()) == receipt


@pytest.mark.parametrize(
    ("committed", "reached"),
    [({0: 5, 1: 3}, True), ({0: 6, 1: 3}, True), ({0: 4, 1: 3}, False), ({1: 3}, False), ({}, False)],
)
def test_a_stage_waits_for_every_partition(committed: dict[int, int], reached: bool) -> None:
    assert offsets_reached({"t": {0: 5, 1: 3}}, {"t": committed}) is reached


class TestWaiting:
    RECEIPT = Receipt(AS_OF, end_offsets={"etf-daily-data": {0: 5}})

    @pytest.fixture
    def logins(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        monkeypatch.setattr(receipts, "connect", lambda _: SimpleNamespace(close=lambda: None))
        monkeypatch.setattr(receipts, "POLL_SECONDS", 0.0)
        return []

    def answering(self, logins: list[str], *answers: int | BrokerUnavailable) -> Callable[..., Any]:
        """Return a stand-in for the broker. answers: how far it has committed, or how it fails, one question each."""
        left = list(answers)

        def read_so_far(_: Topic) -> tuple[str | None, dict[int, int]]:
            answer = left.pop(0)
            if isinstance(answer, BrokerUnavailable):
                raise answer
            return None, {0: answer}

        @contextmanager
        def reading(_: object) -> Iterator[Any]:
            logins.append("in")
            yield read_so_far

        return reading

    def test_asks_by_one_login(self, logins: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(receipts, "reading", self.answering(logins, 0, 1, 2, 3, 4, 5))
        assert receipts.stored_within(Settings.from_env({}), self.RECEIPT, 60)
        assert logins == ["in"]

    def test_logs_in_anew_after_the_broker_was_away(self, logins: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(receipts, "reading", self.answering(logins, 0, BrokerUnavailable("away"), 5))
        assert receipts.stored_within(Settings.from_env({}), self.RECEIPT, 60)
        assert logins == ["in", "in"]

    @pytest.mark.parametrize(("error", "seconds"), [(BrokerRefused("no"), 60), (BrokerUnavailable("away"), 0)])
    def test_ends_when_it_is_refused_or_over(
        self, logins: list[str], monkeypatch: pytest.MonkeyPatch, error: BrokerUnavailable, seconds: float
    ) -> None:
        monkeypatch.setattr(receipts, "reading", self.answering(logins, error, 5))
        with pytest.raises(type(error), match=str(error)):
            receipts.stored_within(Settings.from_env({}), self.RECEIPT, seconds)


class TestTopicMadeAnew:
    """What was sent to a topic that was deleted may be gone, and its offsets say nothing of the new one."""

    RECEIPT = Receipt(AS_OF, end_offsets={"etf-daily-data": {0: 5}}, topic_ids={"etf-daily-data": "the first"})

    def is_read(self, monkeypatch: pytest.MonkeyPatch, topic_id: str | None, committed: dict[int, int]) -> bool:
        monkeypatch.setattr(receipts, "reading", lambda _: nullcontext(lambda _: (topic_id, committed)))
        monkeypatch.setattr(receipts, "connect", lambda _: SimpleNamespace(close=lambda: None))
        return receipts.is_stored(Settings.from_env({}), self.RECEIPT)

    @pytest.mark.parametrize("committed", [{0: 2}, {0: 9}])
    def test_is_noticed_whatever_was_read_of_the_new_one(
        self, monkeypatch: pytest.MonkeyPatch, committed: dict[int, int]
    ) -> None:
        with pytest.raises(NotStored, match="etf-daily-data was deleted and created again") as raised:
            self.is_read(monkeypatch, "the second", committed)
        assert raised.value.retryable

    @pytest.mark.parametrize(("topic_id", "committed"), [("the first", 4), (None, 4), ("the first", 5), (None, 5)])
    def test_is_not_suspected_of_a_broker_that_has_just_started(
        self, monkeypatch: pytest.MonkeyPatch, topic_id: str | None, committed: int
    ) -> None:
        assert self.is_read(monkeypatch, topic_id, {0: committed}) is (committed == 5)

"""Producers' decisions: what to ask for, and what to send."""

from datetime import UTC, date, datetime, timedelta

import pytest

from collector.collect import Receipt, fetch_range, is_covered, needed_sessions, news, require_complete
from collector.completeness import differs
from collector.kafka_producer_etf_daily import to_messages, with_range
from collector.stock_bars import Company, stock_messages
from collector.yahoo import Answer, Bar, Bars, Quote
from config.config import Settings
from database.db_helper import Row
from database.tables import DAILY_ETF_OHLC
from utils.dates import close_of, last_closed_session, session_before, sessions_between
from utils.errors import BarMissing
from utils.kafka_utils import offsets_reached

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

    def test_mistake_10_everything_stored_is_asked_for_again(self) -> None:
        """One fetch gives one basis of adjustment; a shorter one would leave older rows on another."""
        history = stored(date(2026, 1, 5), date(2026, 8, 20))

        assert fetch_range(history, "SPY", AS_OF, COLLECTOR) == (date(2026, 1, 5), AS_OF)

    def test_a_backfill_also_covers_what_is_later(self) -> None:
        history = stored(date(2026, 7, 1), date(2026, 8, 21))

        start, end = fetch_range(history, "SPY", date(2026, 6, 1), COLLECTOR)

        assert start == session_before(date(2026, 6, 1), COLLECTOR.refetch_sessions)
        assert end == date(2026, 8, 21)

    def test_mistake_4_a_window_is_asked_for_not_only_the_last_row(self) -> None:
        start, _ = fetch_range(stored(date(2026, 8, 20), date(2026, 8, 20)), "SPY", AS_OF, COLLECTOR)

        assert len(sessions_between(start, AS_OF)) == COLLECTOR.refetch_sessions + 1

    def test_nothing_is_asked_for_when_both_end_points_are_stored(self) -> None:
        history = stored(date(2026, 7, 1), AS_OF)

        assert is_covered(history, needed_sessions("SPY", AS_OF, 20))
        assert not is_covered(history, needed_sessions("SPY", AS_OF + timedelta(days=3), 20)), "Monday is to come"
        assert not is_covered(history, needed_sessions("SPY", date(2026, 7, 15), 20)), "it starts before the history"

    def test_a_range_needs_every_session_from_the_first_ones_window_on(self) -> None:
        needed = needed_sessions("SPY", AS_OF, 20, since=date(2026, 8, 3))
        history = stored(date(2026, 7, 6), AS_OF)

        assert needed == sessions_between(date(2026, 7, 6), AS_OF)
        assert is_covered(history, needed)
        history.pop(date(2026, 7, 20))
        assert not is_covered(history, needed), "a gap in between is asked for again"
        assert is_covered(history, needed_sessions("SPY", AS_OF, 20)), "a single session does not use it"

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

        sent = list(to_messages(fetched, news(fetched.bars, known), "r1"))

        assert [message.trade_date for message in sent] == [AS_OF]
        assert sent[0].previous_close == 100.0, "also of a bar that is not sent itself"

    def test_mistake_4_a_late_bar_and_a_restated_one_heal(self) -> None:
        days = [date(2026, 8, 18), date(2026, 8, 19), date(2026, 8, 20)]
        fetched = Bars("SPY", "USD", [bar(days[0]), bar(days[1]), bar(days[2], 99.0)], ANSWER)
        known = {days[0]: row(bar(days[0])), days[2]: row(bar(days[2], 98.0))}

        assert [message.trade_date for message in to_messages(fetched, news(fetched.bars, known), None)] == days[1:]

    def test_mistake_10_a_dividend_sends_the_whole_history_again(self) -> None:
        before, after = bar(date(2026, 8, 19), 100.0, 100.0), bar(date(2026, 8, 19), 100.0, 99.5)

        assert differs(after, row(before))

    def test_a_round_trip_through_the_database_is_no_change(self) -> None:
        assert not differs(bar(close=644.123456789), row(bar(close=644.1234567890001)))

    def test_bars_without_a_range_are_left_out_of_etfs(self) -> None:
        closes_only = Bar(AS_OF, None, None, None, 100.0, 100.0, 0, 0.0, 1.0)

        assert with_range(Bars("SPY", "USD", [closes_only], ANSWER)).bars == []

    def test_the_close_before_is_the_bar_before(self) -> None:
        pairs = list(news([bar(date(2026, 8, 20), 100.0), bar(AS_OF, 110.0)], {}))

        assert [each.previous_close for each in pairs] == [None, 100.0]

    def test_a_bar_that_waits_for_a_person_is_not_sent_again(self) -> None:
        pairs = list(news([bar(date(2026, 8, 20), 100.0), bar(AS_OF, 160.0)], {}, {AS_OF}))

        assert [each.bar.session for each in pairs] == [date(2026, 8, 20)]


class TestMarketCaps:
    quote = Quote("AAPL", "Apple Inc.", "USD", 1_000, 120_000)

    def messages(self, quote: Quote, known: dict[date, Row] | None = None, close: float = 100.0) -> list:  # type: ignore[type-arg]
        fetched = Bars("AAPL", "USD", [bar(date(2026, 8, 20), 50.0), bar(AS_OF, close)], ANSWER)
        return list(
            stock_messages(fetched, known or {}, news(fetched.bars, known or {}), Company(quote, "Technology"), None)
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
        known = {date(2026, 8, 20): row(bar(date(2026, 8, 20), 50.0, 49.0), shares=800)}

        older, newer = self.messages(self.quote, known)

        assert (older.shares_outstanding, newer.shares_outstanding) == (800, 1_000)

    def test_a_corrected_close_keeps_the_shares_as_well(self) -> None:
        known = {date(2026, 8, 20): row(bar(date(2026, 8, 20), 100.0), shares=500)}

        older, _ = self.messages(self.quote, known)

        assert (older.shares_outstanding, older.market_cap) == (500, 25_000)


class TestWhetherToGoOn:
    """A stage whose source lacks a bar: IWM's, where SPY is what every ETF is compared with."""

    def receipt(self, late: list[str] | None = None, **missing: str) -> Receipt:
        return Receipt(AS_OF, missing=missing, late=late or [])

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
        receipt = Receipt(AS_OF, missing={"IWM": "no bar"}, note="no ETF trends")

        assert require_complete(receipt, False, "SPY").note == "no ETF trends; goes on without IWM"

    @pytest.mark.parametrize("late", [["SPY"], []])
    def test_nothing_goes_on_without_the_benchmark(self, late: list[str]) -> None:
        with pytest.raises(BarMissing, match=r"SPY: no bar\. Every ETF is compared with it"):
            require_complete(self.receipt(late, SPY="no bar"), True, "SPY")


def test_a_receipt_survives_json() -> None:
    receipt = Receipt(AS_OF, sent={"etf-daily-data": 3}, end_offsets={"etf-daily-data": {0: 7, 2: 9}}, requests=4)
    receipt.late.append("IWM")
    receipt.expect(DAILY_ETF_OHLC, "SPY", AS_OF)

    assert Receipt.from_dict(receipt.to_dict()) == receipt


@pytest.mark.parametrize(
    ("committed", "reached"),
    [({0: 5, 1: 3}, True), ({0: 6, 1: 3}, True), ({0: 4, 1: 3}, False), ({1: 3}, False), ({}, False)],
)
def test_a_stage_waits_for_every_partition(committed: dict[int, int], reached: bool) -> None:
    assert offsets_reached({"t": {0: 5, 1: 3}}, {"t": committed}) is reached

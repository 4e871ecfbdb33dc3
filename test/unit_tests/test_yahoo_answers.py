"""What Yahoo's answers mean: JSON in real shapes with made-up values, and the bars, quotes and holdings in them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import yahoo_server as replies
from collector.holdings import to_snapshot
from collector.judgement.judge import judge_bars
from collector.yahoo import MISREADINGS
from collector.yahoo_answers.chart import bars_from_chart
from collector.yahoo_answers.envelope import Refusal, error_of
from collector.yahoo_answers.holdings import holdings_from_summary
from collector.yahoo_answers.model import Answer, Bar, FundHolding, FundHoldings, Quote
from collector.yahoo_answers.quotes import quotes_from_answer as quotes_of
from collector.yahoo_answers.sessions import completed
from utils.dates import close_of, sessions_between
from utils.messages import refusal
from utils.reasons import reason

NEW_YORK, LONDON, SEOUL = ZoneInfo("America/New_York"), ZoneInfo("Europe/London"), ZoneInfo("Asia/Seoul")
EVENING = datetime(2026, 9, 10, 21, 30, tzinfo=UTC)
END = datetime(2026, 9, 10, 20, tzinfo=UTC)


def opening(day: int, month: int = 9, zone: ZoneInfo = NEW_YORK, hour: int = 9, minute: int = 30) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=zone)


def event(day: datetime, **values: Any) -> dict[str, Any]:
    return {str(int(day.timestamp())): {"date": int(day.timestamp()), **values}}


WEEK = [opening(day) for day in (7, 8, 9, 10)]
MIDNIGHTS = [opening(day, zone=LONDON, hour=0, minute=0) for day in (7, 8, 9, 10)]
LONDON_END = datetime(2026, 9, 10, 23, 59, tzinfo=LONDON)


@pytest.fixture
def read() -> Callable[..., list[Bar]]:
    """Return the bars of a chart that is answered on the evening of 10 September 2026."""

    def of(
        days: list[datetime], closes: list[Any], ticker: str = "AAA", moment: datetime = EVENING, **values: Any
    ) -> list[Bar]:
        answer = replies.chart(ticker, days, closes, **{"end": END, **values})
        return bars_from_chart(answer, ticker, moment)[1]

    return of


def days_of(bars: list[Bar]) -> list[int]:
    return [bar.session.day for bar in bars]


class TestRows:
    def test_a_bar_keeps_its_exchanges_day(self, read: Callable[..., list[Bar]]) -> None:
        """09:00 in Seoul is the day before in UTC."""
        [only] = read(
            [opening(10, zone=SEOUL, hour=9, minute=0)],
            [100.0],
            "005930.KS",
            currency="KRW",
            zone="Asia/Seoul",
            end=opening(10, zone=SEOUL, hour=15, minute=0),
            open=[99.0],
            high=[101.0],
            low=[98.0],
            adjclose=[99.5],
            volume=[5],
        )

        assert only == Bar(date(2026, 9, 10), 99.0, 101.0, 98.0, 100.0, 99.5, 5, 0.0, 1.0)

    def test_a_midnight_that_comes_an_hour_early_is_that_of_the_day_after(self, read: Callable[..., list[Bar]]) -> None:
        bars = read([opening(8, hour=23, minute=0), opening(9, hour=23, minute=0)], [10.0, 11.0])

        assert days_of(bars) == [9, 10]

    @pytest.mark.parametrize("absent", [None, 0.0, 0, float("nan"), float("inf")])
    def test_a_bar_without_a_close_is_no_bar(self, read: Callable[..., list[Bar]], absent: Any) -> None:
        days = [opening(day) for day in (8, 9, 10)]

        assert days_of(read(days, [10.0, absent, 12.0])) == [8, 10]
        assert days_of(read(days, [10.0, 11.0, 12.0], adjclose=[10.0, absent, 12.0])) == [8, 10]

    def test_a_dividend_above_the_price_can_be_seen(self, read: Callable[..., list[Bar]]) -> None:
        """It takes more off the older adjusted closes than there is. Without them it would be the first bar's own."""
        days = [opening(day) for day in (8, 9, 10)]
        paid = {"dividends": event(days[2], amount=500.0)}

        bars = read(days, [340.0, 341.0, 342.0], adjclose=[-158.5, -159.0, 342.0], events=paid)

        assert [(bar.adj_close, bar.dividend) for bar in bars] == [(-158.5, 0.0), (-159.0, 0.0), (342.0, 500.0)]
        assert list(judge_bars(bars).doubts) == [date(2026, 9, 10)]

    def test_a_bar_may_lack_its_range_and_its_volume(self, read: Callable[..., list[Bar]]) -> None:
        [only] = read([opening(10)], [10.0], open=[None], high=[None], low=[None], volume=[None])

        assert (only.open, only.high, only.low, only.volume, only.close) == (None, None, None, 0, 10.0)

    def test_the_live_row_beside_the_sessions_own_is_the_newer_one(self, read: Callable[..., list[Bar]]) -> None:
        bars = read([opening(9), opening(10), END + timedelta(seconds=3)], [10.0, 11.0, 11.5], volume=[1, 2, 3])

        assert [(bar.session.day, bar.close, bar.volume) for bar in bars] == [(9, 10.0, 1), (10, 11.5, 3)]

    def test_a_live_row_without_prices_takes_nothing_away(self, read: Callable[..., list[Bar]]) -> None:
        bars = read([opening(10), END + timedelta(seconds=3)], [11.0, None], volume=[2, None])

        assert [(bar.session.day, bar.close, bar.volume) for bar in bars] == [(10, 11.0, 2)]

    def test_no_bars_are_no_refusal(self) -> None:
        answer = replies.chart("AAA", [], [], end=END)
        result = answer["chart"]["result"][0]
        result["indicators"] = {"quote": [{}], "adjclose": [{}]}
        del result["timestamp"]

        assert bars_from_chart(answer, "AAA", EVENING) == ("USD", [])


class TestRefusals:
    """Each is one ticker's trouble, and none of them is read as "no bars"."""

    def test_another_symbol(self) -> None:
        with pytest.raises(Refusal, match="asked Yahoo for FB, it answered for META"):
            bars_from_chart(replies.chart("META", [opening(10)], [10.0], end=END), "FB", EVENING)

    @pytest.mark.parametrize("currency", [None, "", "pence", 7])
    def test_no_currency(self, currency: Any) -> None:
        with pytest.raises(Refusal, match="AAA: Yahoo does not say its currency"):
            bars_from_chart(replies.chart("AAA", [opening(10)], [10.0], end=END, currency=currency), "AAA", EVENING)

    @pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
    @pytest.mark.parametrize("values", [[1.0], [1.0, 2.0, 3.0], None])
    def test_arrays_of_different_lengths(self, column: str, values: Any) -> None:
        answer = replies.chart("AAA", [opening(9), opening(10)], [10.0, 11.0], end=END)
        answer["chart"]["result"][0]["indicators"]["quote"][0][column] = values

        with pytest.raises(Refusal, match="not as long as its days"):
            bars_from_chart(answer, "AAA", EVENING)

    def test_no_adjusted_closes(self) -> None:
        answer = replies.chart("AAA", [opening(10)], [10.0], end=END)
        del answer["chart"]["result"][0]["indicators"]["adjclose"]

        with pytest.raises(Refusal):
            bars_from_chart(answer, "AAA", EVENING)

    @pytest.mark.parametrize("stamp", [10**17, 10**20, -(10**13)])
    @pytest.mark.parametrize("place", ["bar", "period"])
    def test_a_moment_beyond_the_calendar_is_a_misreading(self, stamp: int, place: str) -> None:
        answer = replies.chart("AAA", [opening(10)], [10.0], end=END)
        result = answer["chart"]["result"][0]
        if place == "bar":
            result["timestamp"] = [stamp]
        else:
            result["meta"]["currentTradingPeriod"] = {"regular": {"end": stamp}}

        with pytest.raises(MISREADINGS):
            bars_from_chart(answer, "AAA", EVENING)

    def test_its_words_are_told_as_far_as_they_can_be_stored(self) -> None:
        assert error_of({"chart": {"error": {"description": "no\x00 data\ud800" + "!" * 999}}}) == "no data" + "!" * 293

    def test_bars_of_another_interval(self) -> None:
        answer = replies.chart("AAA", [opening(10)], [10.0], end=END)
        answer["chart"]["result"][0]["meta"]["dataGranularity"] = "1mo"

        with pytest.raises(Refusal, match="bars of 1mo"):
            bars_from_chart(answer, "AAA", EVENING)

    @pytest.mark.parametrize(
        "answer",
        [
            {"chart": {"result": [], "error": None}},
            {"chart": {"result": None, "error": None}},
            {"chart": {"result": [None], "error": None}},
            {"chart": None},
            {"quoteResponse": {"result": [{}]}},
            {},
            [],
            None,
        ],
    )
    def test_nothing_in_it(self, answer: Any) -> None:
        with pytest.raises(Refusal):
            bars_from_chart(answer, "AAA", EVENING)

    @pytest.mark.parametrize("envelope", ["chart", "finance"])
    def test_yahoo_s_own_words(self, envelope: str) -> None:
        answer = {envelope: {"result": None, "error": {"code": "Internal", "description": "a fault on our side"}}}

        with pytest.raises(Refusal, match="AAA: Yahoo answered 'a fault on our side'"):
            bars_from_chart(answer, "AAA", EVENING)


class TestMinorUnits:
    @pytest.mark.parametrize(
        ("code", "ticker", "currency"),
        [
            ("GBp", "AAA.L", "GBP"),
            ("GBX", "AAA.L", "GBP"),
            ("ZAc", "AAA.JO", "ZAR"),
            ("ILA", "AAA.L", "ILS"),
            ("ILa", "AAA.L", "ILS"),
        ],
    )
    def test_prices_and_dividends_are_in_the_currency_itself(self, code: str, ticker: str, currency: str) -> None:
        events = {"dividends": event(opening(10), amount=25.0), "capitalGains": event(opening(10), amount=50.0)}
        columns: dict[str, Any] = {"open": [890.0], "high": [910.0], "low": [880.0], "adjclose": [904.0]}
        answer = replies.chart(ticker, [opening(10)], [905.0], end=END, currency=code, events=events, **columns)

        assert bars_from_chart(answer, ticker, EVENING) == (
            currency,
            [Bar(date(2026, 9, 10), 8.9, 9.1, 8.8, 9.05, 9.04, 1000, 0.25, 1.0, 0.5)],
        )

    @pytest.mark.parametrize("code", ["GBp", "GBX", "ZAc", "ILA"])
    @pytest.mark.parametrize("ticker", ["KO", "BRK-B"])
    def test_no_share_of_new_york_is_quoted_in_them(self, code: str, ticker: str) -> None:
        answer = replies.chart(ticker, [opening(10)], [905.0], end=END, currency=code)

        with pytest.raises(Refusal, match=f"{ticker}: Yahoo says that its prices are in {code}, in which none of its"):
            bars_from_chart(answer, ticker, EVENING)

    @pytest.mark.parametrize(
        ("code", "ticker", "currency", "close"),
        [("GBp", "0R15.IL", "GBP", 9.05), ("EUR", "KO", "EUR", 905.0), ("USD", "KO", "USD", 905.0)],
    )
    def test_others_are_believed(self, code: str, ticker: str, currency: str, close: float) -> None:
        found, [only] = bars_from_chart(
            replies.chart(ticker, [opening(10)], [905.0], end=END, currency=code), ticker, EVENING
        )

        assert (found, only.close) == (currency, close)

    def test_a_dividend_in_pounds_beside_prices_in_pence(self, read: Callable[..., list[Bar]]) -> None:
        events = {"dividends": event(opening(10), amount=0.25, currency="GBP")}
        [only] = read([opening(10)], [905.0], "AAA.L", currency="GBp", events=events)

        assert only.dividend == 0.25


class TestEvents:
    def test_of_a_day_with_a_bar(self, read: Callable[..., list[Bar]]) -> None:
        events = {
            "dividends": event(opening(8), amount=0.4),
            "splits": event(opening(9), numerator=3, denominator=2, splitRatio="3:2"),
            "capitalGains": event(opening(10), amount=1.25),
        }
        bars = read(WEEK, [10.0] * 4, kind="ETF", events=events)

        assert [(bar.dividend, bar.split_ratio, bar.capital_gain) for bar in bars] == [
            (0.0, 1.0, 0.0),
            (0.4, 1.0, 0.0),
            (0.0, 1.5, 0.0),
            (0.0, 1.0, 1.25),
        ]

    def test_of_a_day_without_prices_go_to_the_next_bar(self, read: Callable[..., list[Bar]]) -> None:
        events = {
            "dividends": event(opening(8), amount=0.4) | event(opening(9), amount=0.1),
            "splits": event(opening(8), numerator=2, denominator=1) | event(opening(9), numerator=1, denominator=10),
        }
        bars = read(WEEK, [10.0, None, 10.0, 10.0], events=events)

        assert [(bar.session.day, bar.dividend, bar.split_ratio) for bar in bars] == [
            (7, 0.0, 1.0),
            (9, 0.5, 0.2),
            (10, 0.0, 1.0),
        ]

    def test_of_a_day_without_a_row_go_to_the_next_bar(self, read: Callable[..., list[Bar]]) -> None:
        """Also before the first bar, where yfinance drops them, and on a Saturday."""
        events = {"dividends": event(opening(4), amount=0.2) | event(opening(5), amount=0.3)}

        assert read(WEEK, [10.0] * 4, events=events)[0].dividend == 0.5

    def test_of_a_day_after_the_last_bar_come_with_the_bar_after_it(self, read: Callable[..., list[Bar]]) -> None:
        events = {"dividends": event(opening(10), amount=0.2)}

        assert [bar.dividend for bar in read(WEEK[:3], [10.0] * 3, events=events)] == [0.0] * 3
        assert read(WEEK, [10.0] * 4, events=events)[-1].dividend == 0.2

    def test_a_dividend_in_another_currency_is_what_the_adjusted_closes_take_it_for(
        self, read: Callable[..., list[Bar]]
    ) -> None:
        """1.10 dollars on a share of 80,000 won, at 1,400 won a dollar."""
        at_nine = [opening(day, zone=SEOUL, hour=9, minute=0) for day in (9, 10)]
        bars = read(
            at_nine,
            [80_000.0, 79_000.0],
            "AAA.KS",
            currency="KRW",
            zone="Asia/Seoul",
            end=opening(10, zone=SEOUL, hour=15),
            adjclose=[80_000.0 * (1 - 1540 / 80_000), 79_000.0],
            events={"dividends": event(at_nine[1], amount=1.1, currency="USD")},
        )

        assert [bar.dividend for bar in bars] == pytest.approx([0.0, 1540.0], rel=1e-9)

    def test_one_that_left_no_trace_in_the_adjusted_closes_is_kept_as_it_is(
        self, read: Callable[..., list[Bar]]
    ) -> None:
        events = {"dividends": event(opening(9), amount=1.1, currency="EUR")}

        assert [bar.dividend for bar in read(WEEK, [10.0] * 4, events=events)] == [0.0, 0.0, 1.1, 0.0]


class TestUnreadableEvents:
    """One costs its own session alone, or nothing: the judgement of the adjusted closes sees what is left out."""

    @pytest.mark.parametrize(
        "values",
        [
            {"numerator": 1, "denominator": 0},
            {"numerator": 0, "denominator": 1},
            {"denominator": 2},
            {"numerator": None, "denominator": None},
            {"splitRatio": "2:1"},
        ],
    )
    def test_a_split_without_a_ratio(self, read: Callable[..., list[Bar]], values: dict[str, Any]) -> None:
        bars = read(WEEK, [10.0, 11.0, 12.0, 13.0], events={"splits": event(WEEK[1], **values)})

        assert [bar.split_ratio for bar in bars] == [1.0, 0.0, 1.0, 1.0]

    @pytest.mark.parametrize("kind", ["dividends", "splits", "capitalGains"])
    def test_an_empty_event(self, read: Callable[..., list[Bar]], kind: str) -> None:
        assert days_of(read(WEEK, [10.0, 11.0, 12.0, 13.0], events={kind: {"1789000000": None}})) == [7, 8, 9, 10]


class TestLiveRow:
    """The running session may come twice. What it has traded before the live row is part of it all the same."""

    @pytest.mark.parametrize(
        ("live", "bar"),
        [
            ((12.0, 12.1, 11.9, 12.05, 100), Bar(date(2026, 9, 10), 11.5, 13.0, 11.0, 12.05, 12.05, 5000, 0.0, 1.0)),
            ((12.0, None, None, 12.05, None), Bar(date(2026, 9, 10), 11.5, 13.0, 11.0, 12.05, 12.05, 5000, 0.0, 1.0)),
            ((13.0, 13.2, 10.9, 11.0, 5100), Bar(date(2026, 9, 10), 11.5, 13.2, 10.9, 11.0, 11.0, 5100, 0.0, 1.0)),
        ],
    )
    def test_its_range_and_volume(self, read: Callable[..., list[Bar]], live: tuple[Any, ...], bar: Bar) -> None:
        at = END + timedelta(seconds=2)
        columns = dict(
            zip(
                ("open", "high", "low", "volume"),
                zip((11.5, 13.0, 11.0, 5000), (*live[:3], live[4]), strict=True),
                strict=True,
            )
        )

        [only] = read(
            [WEEK[3], at], [12.0, live[3]], last_trade=at, **{name: list(values) for name, values in columns.items()}
        )

        assert only == bar


TWICE = [opening(8), opening(9), opening(9, hour=16, minute=0), opening(10)]


class TestPastSessionsListedTwice:
    """Two lines of one past session with two closes: neither is merged into the other."""

    @pytest.mark.parametrize(
        ("first", "second"), [(11.0, 15.0), (11.0, 7.0), (11.0, 11.9), (15.0, 11.0), (11.0, 11.01)]
    )
    def test_the_later_one_stays_as_it_is_and_names_the_other(
        self, read: Callable[..., list[Bar]], first: float, second: float
    ) -> None:
        [_, bar, _] = read(TWICE, [10.0, first, second, 10.5], open=[10.0, 10.9, second, 10.5])

        assert bar == Bar(date(2026, 9, 9), second, second, second, second, second, 1000, 0.0, 1.0, other_close=first)

    @pytest.mark.parametrize("second", [11.0, None, 11.0000001])
    def test_lines_that_agree_are_merged(self, read: Callable[..., list[Bar]], second: float | None) -> None:
        bars = read(TWICE, [10.0, 11.0, second, 10.5], high=[10.0, 12.0, 11.5, 10.5], volume=[1, 2, 3, 4])

        assert [bar.other_close for bar in bars] == [None] * 3
        assert (round(bars[1].close, 6), bars[1].high, bars[1].volume) == (11.0, 12.0, 3)

    def test_a_third_line_does_not_settle_it(self, read: Callable[..., list[Bar]]) -> None:
        days = [*TWICE[:3], opening(9, hour=17, minute=0), opening(10)]

        assert read(days, [10.0, 15.0, 11.0, 11.0, 10.5])[1].other_close == 15.0

    def test_the_newest_session_s_close_may_move(self, read: Callable[..., list[Bar]]) -> None:
        bars = read([opening(9), opening(10), opening(10, hour=16, minute=0)], [10.0, 11.0, 15.0])

        assert (bars[1].close, bars[1].other_close) == (15.0, None)

    def test_so_may_a_live_price_before_the_next_session_s_line(self, read: Callable[..., list[Bar]]) -> None:
        live = opening(9, hour=16, minute=0)

        assert [bar.other_close for bar in read(TWICE, [10.0, 11.0, 15.0, 10.5], last_trade=live)] == [None] * 3

    def test_both_are_in_the_major_unit(self, read: Callable[..., list[Bar]]) -> None:
        bar = read(TWICE, [1000.0, 1100.0, 1500.0, 1050.0], "AAA.L", currency="GBp")[1]

        assert (bar.close, bar.other_close) == (15.0, 11.0)

    def test_a_rate_s_is_its_day_s_first_price_as_ever(self, read: Callable[..., list[Bar]]) -> None:
        days = [MIDNIGHTS[0], MIDNIGHTS[1], MIDNIGHTS[1] + timedelta(hours=9), MIDNIGHTS[2]]

        bars = read(days, [9.4, 9.5, 9.9, 9.5], "SEK=X", open=[9.4, 9.45, 9.8, 9.5], zone="Europe/London")

        assert [(bar.close, bar.other_close) for bar in bars] == [(9.4, None), (9.45, None), (9.5, None)]


class TestWhetherASessionIsOver:
    """One rule: the later one of the calendar's close and the answer's own, and the exchange's delay after it."""

    def bars(self, *days: date) -> list[Bar]:
        return [Bar(day, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 0.0, 1.0) for day in days]

    def meta(self, end: datetime, last_trade: datetime | None = None) -> dict[str, Any]:
        return {
            "exchangeTimezoneName": str(end.tzinfo) if isinstance(end.tzinfo, ZoneInfo) else "America/New_York",
            "regularMarketTime": int((last_trade or end).timestamp()),
            "currentTradingPeriod": {"regular": {"end": int(end.timestamp())}},
        }

    @pytest.mark.parametrize(
        ("after_close", "is_over"),
        [(timedelta(0), False), (timedelta(seconds=59), False), (timedelta(minutes=1), True)],
    )
    def test_new_york(self, after_close: timedelta, is_over: bool) -> None:
        found = completed(self.bars(date(2026, 9, 9), date(2026, 9, 10)), "AAA", END + after_close, self.meta(END))

        assert days_of(found) == ([9, 10] if is_over else [9])

    def test_a_thin_ticker_s_last_trade_says_nothing(self) -> None:
        last_trade = END - timedelta(hours=5)

        assert completed(self.bars(date(2026, 9, 10)), "THIN", EVENING, self.meta(END, last_trade))

    @pytest.mark.parametrize(("minutes", "is_over"), [(19, False), (20, True)])
    def test_korea_answers_twenty_minutes_late_and_its_period_ends_before_its_close(
        self, minutes: int, is_over: bool
    ) -> None:
        meta = self.meta(datetime(2026, 9, 10, 15, 0, tzinfo=SEOUL))
        moment = datetime(2026, 9, 10, 15, 30, tzinfo=SEOUL) + timedelta(minutes=minutes)

        assert bool(completed(self.bars(date(2026, 9, 10)), "005930.KS", moment, meta)) is is_over

    @pytest.mark.parametrize("ends", [13, 16])
    def test_an_early_close_is_over_when_the_later_of_both_says_so(self, ends: int) -> None:
        """The day after Thanksgiving closes at 13:00 by the calendar, even when the answer gives another period."""
        day = date(2026, 11, 27)
        end = datetime(2026, 11, 27, ends, tzinfo=NEW_YORK)
        assert close_of(day) == datetime(2026, 11, 27, 18, tzinfo=UTC)

        assert completed(self.bars(day), "AAA", end, self.meta(end)) == []
        assert completed(self.bars(day), "AAA", end + timedelta(minutes=1), self.meta(end))

    def test_the_next_day_s_period_says_nothing_of_today(self) -> None:
        tomorrow = self.meta(END + timedelta(days=1))

        assert completed(self.bars(date(2026, 9, 10)), "AAA", EVENING, tomorrow)

    def test_an_answer_without_a_period_is_judged_by_the_calendar(self) -> None:
        for meta in ({}, {"currentTradingPeriod": None}, {"currentTradingPeriod": {"regular": {"end": None}}}):
            assert completed(self.bars(date(2026, 9, 10)), "AAA", EVENING, meta)
            assert completed(self.bars(date(2026, 9, 10)), "AAA", END - timedelta(hours=1), meta) == []

    def test_a_day_that_the_calendar_does_not_know_is_over_at_midnight(self) -> None:
        saturday = date(2026, 9, 12)
        assert sessions_between(saturday, saturday) == []
        midnight = datetime(2026, 9, 13, tzinfo=NEW_YORK)

        assert completed(self.bars(saturday), "AAA", midnight, {}) == []
        assert completed(self.bars(saturday), "AAA", midnight + timedelta(minutes=1), {})


class TestRates:
    """The rate of a day is the price at 00:00 London, on the evening and for ever after."""

    @pytest.fixture
    def rates(self, read: Callable[..., list[Bar]]) -> Callable[..., list[tuple[int, float]]]:
        def of(days: list[datetime], closes: list[Any], **values: Any) -> list[tuple[int, float]]:
            given = {"currency": "SEK", "zone": "Europe/London", "kind": "CURRENCY", "end": LONDON_END} | values
            bars = read(days, closes, "SEK=X", **given)
            assert all(bar.close == bar.adj_close and bar.high is bar.low is None for bar in bars)
            return [(bar.session.day, bar.close) for bar in bars]

        return of

    def test_the_open_whatever_close_and_range_say(self, rates: Callable[..., list[tuple[int, float]]]) -> None:
        opens, closes = [9.41, 9.45, 9.52, 9.48], [9.42, 9.44, 9.50, 9.61]

        told = rates(MIDNIGHTS, closes, open=opens, high=[9.4] * 4, low=[9.6] * 4)

        assert told == list(zip((7, 8, 9, 10), opens, strict=True))

    def test_on_the_evening_and_a_day_later(self, rates: Callable[..., list[tuple[int, float]]]) -> None:
        live = EVENING - timedelta(minutes=1)
        evening = rates([*MIDNIGHTS[:3], live], [9.42, 9.44, 9.50, 9.61], open=[9.41, 9.45, 9.52, 9.48])
        later = rates(
            MIDNIGHTS,
            [9.42, 9.44, 9.50, 9.479],
            open=[9.41, 9.45, 9.52, 9.48],
            moment=EVENING + timedelta(days=1),
        )

        assert evening == later

    def test_the_live_row_beside_the_day_s_own_does_not_change_it(
        self, rates: Callable[..., list[tuple[int, float]]]
    ) -> None:
        told = rates(
            [MIDNIGHTS[3], EVENING - timedelta(minutes=1)], [9.60, 9.61], open=[9.48, 9.59], last_trade=EVENING
        )

        assert told == [(10, 9.48)]

    def test_a_live_row_at_a_full_hour_of_the_night_is_of_that_day(
        self, rates: Callable[..., list[tuple[int, float]]]
    ) -> None:
        live = datetime(2026, 9, 10, 22, 0, tzinfo=LONDON)

        told = rates([live], [9.61], open=[9.48], last_trade=live, moment=live + timedelta(seconds=30))

        assert told == [(10, 9.48)]

    def test_without_an_open_a_past_day_has_its_close_and_the_running_one_nothing(
        self, rates: Callable[..., list[tuple[int, float]]]
    ) -> None:
        assert rates(MIDNIGHTS, [9.42, 9.44, 9.50, 9.61], open=[9.41, None, 9.52, None]) == [
            (7, 9.41),
            (8, 9.44),
            (9, 9.52),
        ]

    def test_null_rows_are_no_rates_and_an_open_needs_no_close(
        self, rates: Callable[..., list[tuple[int, float]]]
    ) -> None:
        told = rates(MIDNIGHTS, [9.42, None, None, None], open=[9.41, None, None, 9.48])

        assert told == [(7, 9.41), (10, 9.48)]

    def test_the_day_is_over_in_london_not_elsewhere(self, rates: Callable[..., list[tuple[int, float]]]) -> None:
        """23:30 UTC is half past midnight in London's summer."""
        moment = datetime(2026, 9, 10, 23, 30, tzinfo=UTC)

        assert rates([MIDNIGHTS[3]], [9.61], open=[None], moment=moment) == [(10, 9.61)]
        assert rates([MIDNIGHTS[3]], [9.61], open=[None], moment=moment - timedelta(minutes=31)) == []


class TestHoldings:
    def clean(self, *listed: Any) -> tuple[list[tuple[str, Any]], list[str]]:
        holdings, notes = holdings_from_summary({"topHoldings": {"holdings": list(listed)}})
        return [(holding.ticker, pytest.approx(holding.percent)) for holding in holdings], list(map(str, notes))

    def line(self, symbol: Any, share: Any, name: Any = None) -> dict[str, Any]:
        return {"symbol": symbol, "holdingName": name or f"{symbol} Inc.", "holdingPercent": share}

    def test_the_largest_comes_first_in_plain_numbers_or_yahoo_s_pairs(self) -> None:
        held, notes = self.clean(self.line("AAPL", 0.05), self.line("NVDA", {"raw": 0.07, "fmt": "7.00%"}))

        assert (held, notes) == ([("NVDA", 0.07), ("AAPL", 0.05)], [])

    def test_what_is_listed_twice_is_added_up(self) -> None:
        held, notes = self.clean(self.line("GOOGL", 0.03), self.line("MSFT", 0.05), self.line("GOOGL", {"raw": 0.04}))

        assert held == [("GOOGL", 0.07), ("MSFT", 0.05)]
        assert notes == ["GOOGL is listed more than once: added up"]

    @pytest.mark.parametrize("share", [-0.01, 0, 0.0, None, {}, {"raw": None}, {"fmt": "7%"}, "7%", True, float("nan")])
    def test_what_is_no_long_position_is_left_out(self, share: Any) -> None:
        held, notes = self.clean(self.line("AAPL", 0.05), self.line("SHRT", share))

        assert held == [("AAPL", 0.05)]
        assert len(notes) == 1 and notes[0].startswith("left out SHRT: its share of the fund is")

    @pytest.mark.parametrize(("share", "is_held"), [(99.9, True), (100, False), (150.0, False), (999.0, False)])
    def test_a_share_that_no_message_takes_costs_its_own_line_alone(self, share: float, is_held: bool) -> None:
        listed = {"topHoldings": {"holdings": [self.line("AAPL", 0.05), self.line("ODD", share)]}}
        holdings, notes = holdings_from_summary(listed)
        snapshot = to_snapshot(FundHoldings("SPY", holdings, Answer(EVENING, "simulated")), None)

        assert [holding.ticker for holding in holdings] == (["ODD", "AAPL"] if is_held else ["AAPL"])
        assert len(notes) == (not is_held)
        assert snapshot and refusal(snapshot) is None

    def test_nor_does_what_is_listed_twice_add_up_to_one(self) -> None:
        held, notes = self.clean(self.line("AAPL", 0.05), self.line("ODD", 60.0), self.line("ODD", 60.0))

        assert held == [("ODD", 60.0), ("AAPL", 0.05)]
        assert notes == ["left out ODD: its share of the fund is 120.0"]

    @pytest.mark.parametrize("symbol", ["", None, " "])
    def test_a_line_without_a_symbol_is_left_out(self, symbol: Any) -> None:
        held, notes = self.clean({"symbol": symbol, "holdingName": "Rights", "holdingPercent": 0.2})

        assert (held, notes) == ([], ["left out Rights: it has no symbol"])

    @pytest.mark.parametrize("symbol", ["A" * 21, "BRK B", "A/B", "A,B", "XS12%"])
    def test_a_symbol_that_cannot_be_asked_for_is_left_out(self, symbol: str) -> None:
        held, [note] = self.clean(self.line(symbol, 0.2))

        assert held == [] and note.endswith("that is no ticker")

    @pytest.mark.parametrize(
        ("symbol", "name"),
        [
            ("USD", "US Dollar"),
            ("CASH_USD", "Cash"),
            ("X9USD", "Cash & Cash Equivalents"),
            ("EUR=X", "EUR/USD"),
            ("XTSLA", "BlackRock Cash Funds Treasury SL Agency"),
            ("AGPXX", "Invesco Government & Agency Portfolio"),
            ("FGXXX", "First American Government Obligations Fund Class X"),
            ("TTTXX", "BlackRock Liquidity Funds T-Fund"),
            ("VMFXX", ""),
            ("USD", "USD Cash"),
            ("KRW", "KRW CASH"),
            ("XCOL", "Cash Collateral USD"),
            ("CAD", "Canadian Dollar"),
            ("EUR", "Euro"),
            ("TWD", "Taiwan New Dollar"),
            ("KRW", "South Korean Won Cash"),
            ("GBP", "British Pound"),
            ("BIL", "SPDR Bloomberg 1-3 Month T-Bill ETF"),
            ("SGOV", "iShares 0-3 Month Treasury Bond ETF"),
            ("TBLL", "Invesco Short Term Treasury Bill ETF"),
            ("CASHUSD", "United States Treasury Bills"),
        ],
    )
    def test_cash_is_left_out(self, symbol: str, name: str) -> None:
        held, [note] = self.clean(self.line(symbol, 0.2, name))

        assert held == [] and note.endswith("it is cash")

    @pytest.mark.parametrize(
        ("symbol", "name"),
        [
            ("CASH", "Pathward Financial Inc"),
            ("USD", "ProShares Ultra Semiconductors"),
            ("CCV", "Cash Converters"),
            ("FCFS", "FirstCash Holdings Inc"),
            ("DG", "Dollar General Corp"),
            ("XX", "A stock of two letters"),
            ("PLXXF", "A foreign stock"),
            ("FDO", "Family Dollar Stores Inc"),
            ("DLTR", "Dollar Tree Inc"),
            ("TWE.AX", "Treasury Wine Estates Ltd"),
            ("BILL", "BILL Holdings Inc"),
            ("TLT", "iShares 20+ Year Treasury Bond ETF"),
            ("EURN", "Euronav NV"),
            ("F", "Ford Motor Co"),
            ("FGH", "Three letters that are months"),
            ("7203.T", "Toyota Motor Corp"),
            ("0R15.IL", "A share of London's international book"),
            ("C00001", "Technology Company 1"),
        ],
    )
    def test_a_company_of_that_name_is_not(self, symbol: str, name: str) -> None:
        assert self.clean(self.line(symbol, 0.2, name)) == ([(symbol, 0.2)], [])

    @pytest.mark.parametrize(
        "symbol",
        ["ESZ6", "NQH27", "IXAZ6", "ES=F", "912797", "912797MS3", "91282CJL6", "^GSPC", "SPY261218C00700000", "005930"],
    )
    def test_what_is_no_share_is_left_out(self, symbol: str) -> None:
        held, [note] = self.clean(self.line("AAPL", 0.05), self.line(symbol, 0.2))

        assert (held, note) == ([("AAPL", 0.05)], f"left out {symbol}: it is no share")

    def test_one_share_class_written_in_two_ways_is_added_up(self) -> None:
        held, notes = self.clean(self.line("BRK.B", 0.03), self.line("AAPL", 0.05), self.line("BRK-B", 0.04))

        assert held == [("BRK-B", 0.07), ("AAPL", 0.05)]
        assert notes == ["BRK-B is listed more than once: added up"]

    def test_a_point_before_an_exchange_is_no_share_class(self) -> None:
        assert self.clean(self.line("VOD.L", 0.03), self.line("BF.B", 0.02))[0] == [("VOD.L", 0.03), ("BF-B", 0.02)]

    @pytest.mark.parametrize(
        "shares", [[7.1, 6.2, 5.0, 1.4], [0.9, 0.8, 0.7, 0.6, 0.5, 0.5, 0.4, 0.4], [99.0, 2.5, 1.5, 0.01]]
    )
    def test_a_list_in_per_cent_is_converted(self, shares: list[float]) -> None:
        held, notes = self.clean(*(self.line(f"A{chr(65 + at)}A", share) for at, share in enumerate(shares)))

        assert [share for _, share in held] == [pytest.approx(share / 100) for share in shares]
        assert notes == ["its parts of the fund are in per cent: divided by 100"]

    @pytest.mark.parametrize(
        "shares",
        [
            [0.071, 0.062, 0.05],
            [0.27, 0.12, 0.04, 0.03],
            [0.5, 0.5, 0.5],  # of a fund with borrowed money
            [1.002],
            [0.3] * 10,  # three times the fund
            [60.0, 0.05, 0.04, 0.03],  # one odd line
            [60.0, 50.0, 0.05, 0.04, 0.03, 0.03],
            [0.9, 0.8, 0.1],  # a few small ones
        ],
    )
    def test_what_may_be_fractions_are_fractions(self, shares: list[float]) -> None:
        held, notes = self.clean(*(self.line(f"A{chr(65 + at)}A", share) for at, share in enumerate(shares)))

        assert (held, notes) == ([(f"A{chr(65 + at)}A", share) for at, share in enumerate(shares)], [])

    def test_a_share_above_one_and_a_sum_above_one_are_long_positions(self) -> None:
        assert self.clean(self.line("MASTER", 1.002)) == ([("MASTER", 1.002)], [])
        assert self.clean(self.line("AAA", 0.7), self.line("BBB", 0.6)) == ([("AAA", 0.7), ("BBB", 0.6)], [])

    def test_a_long_name_is_cut_and_one_that_is_no_text_is_none_of_the_list_s_trouble(self) -> None:
        [long, other], _ = holdings_from_summary(
            {"topHoldings": {"holdings": [self.line("AAA", 0.2, "é" * 300), {"symbol": "B", "holdingPercent": 0.1}]}}
        )

        assert (long.name, other) == ("é" * 200, FundHolding("B", None, 0.1))

    @pytest.mark.parametrize("module", [{}, {"holdings": []}, {"holdings": None, "cashPosition": 1.0}])
    def test_an_empty_list_is_empty_and_said_so(self, module: dict[str, Any]) -> None:
        assert holdings_from_summary({"topHoldings": module}) == ([], [reason("empty_list")])

    def test_no_module_is_no_list(self) -> None:
        assert holdings_from_summary({"topHoldings": None}) == ([], [reason("no_list")])

    @pytest.mark.parametrize("line", [None, "AAPL", 7, []])
    def test_a_line_that_is_none_is_left_out(self, line: Any) -> None:
        assert self.clean(line, self.line("AAPL", 0.05))[0] == [("AAPL", 0.05)]

    def test_garbage_is_refused(self) -> None:
        with pytest.raises(Refusal):
            holdings_from_summary({"topHoldings": {"holdings": "none"}})


class TestQuotes:
    def only(self, **values: Any) -> Quote | None:
        return quotes_of({"quoteResponse": {"result": [{"symbol": "X", **values}], "error": None}}).get("X")

    def test_a_company_with_two_share_classes(self) -> None:
        quote = self.only(
            quoteType="EQUITY",
            longName="Twin Class",
            currency="USD",
            sharesOutstanding=5_500_000_000,
            impliedSharesOutstanding=12_100_000_000,
            marketCap=4_114_000_000_000,
            regularMarketPrice=340.0,
        )

        assert quote == Quote("X", "Twin Class", "USD", 5_500_000_000, 4_114_000_000_000, 12_100_000_000, 340.0)

    @pytest.mark.parametrize("is_reversed", [False, True])
    @pytest.mark.parametrize("other", [{}, {"longName": "X Inc.", "regularMarketPrice": 5.0}, {"quoteType": "NONE"}])
    def test_of_a_symbol_that_is_listed_twice_the_fuller_one_counts(self, other: Any, is_reversed: bool) -> None:
        full = {"symbol": "X", "longName": "X Inc.", "sharesOutstanding": 7, "regularMarketPrice": 5.0}
        listed = [full, {"symbol": "X", **other}, {"symbol": "Y"}]

        found = quotes_of({"quoteResponse": {"result": listed[::-1] if is_reversed else listed}})

        assert found["X"] == Quote("X", "X Inc.", None, 7, None, None, 5.0)
        assert found.keys() == {"X", "Y"}

    @pytest.mark.parametrize(
        ("code", "currency"), [("GBp", "GBP"), ("ZAc", "ZAR"), ("ILA", "ILS"), ("ILa", "ILS"), ("GBX", "GBP")]
    )
    def test_the_price_is_in_the_currency_itself_as_the_cap_is_already(self, code: str, currency: str) -> None:
        quote = self.only(currency=code, regularMarketPrice=905.0, marketCap=2_000_000)

        assert quote and (quote.currency, quote.price, quote.market_cap) == (currency, 9.05, 2_000_000)

    @pytest.mark.parametrize(
        ("symbol", "price"), [("AAA.L", None), ("AAA.JO", None), ("AAA.TA", None), ("AAA", 905.0), ("000660.KS", 905.0)]
    )
    def test_a_price_without_its_currency_may_be_in_pence(self, symbol: str, price: float | None) -> None:
        answer = {"quoteResponse": {"result": [{"symbol": symbol, "currency": None, "regularMarketPrice": 905.0}]}}

        assert quotes_of(answer)[symbol].price == price

    @pytest.mark.parametrize("values", [{}, {"currency": None}, {"currency": "points"}])
    def test_an_unknown_currency_is_none(self, values: dict[str, Any]) -> None:
        assert self.only(**values) == Quote("X", None, None, None, None)

    @pytest.mark.parametrize("figure", [0, None, -5, float("nan"), "n/a", {}, 10**400, float("inf")])
    def test_a_figure_that_is_none_is_unknown(self, figure: Any) -> None:
        quote = self.only(
            marketCap=figure, sharesOutstanding=figure, impliedSharesOutstanding=figure, regularMarketPrice=figure
        )

        assert quote == Quote("X", None, None, None, None)

    def test_what_is_not_listed_any_more_is_absent(self) -> None:
        assert self.only(quoteType="NONE") is None

    def test_a_count_that_no_table_has_room_for_is_unknown(self) -> None:
        assert self.only(sharesOutstanding=2**63, impliedSharesOutstanding=1e30) == Quote("X", None, None, None, None)

    @pytest.mark.parametrize("symbol", [7, ["X"], {"raw": "X"}])
    def test_a_symbol_that_is_none_takes_no_other_quote_away(self, symbol: Any) -> None:
        assert list(quotes_of({"quoteResponse": {"result": [{"symbol": symbol}, {"symbol": "Y"}]}})) == ["Y"]

    @pytest.mark.parametrize(
        ("name", "kept"), [("Visa\x00 Inc.\n", "Visa Inc."), ("\ud800", None), (7, "7"), ("", None)]
    )
    def test_a_name_is_what_can_be_stored_of_it(self, name: Any, kept: str | None) -> None:
        quote = self.only(longName=name)
        assert quote and quote.name == kept

    def test_a_name_is_cut_and_lines_without_a_symbol_are_left_out(self) -> None:
        answer = {"quoteResponse": {"result": [None, {"longName": "?"}, {"symbol": "X", "shortName": "n" * 201}]}}

        assert quotes_of(answer)["X"].name == "n" * 200
        assert list(quotes_of(answer)) == ["X"]

    @pytest.mark.parametrize(
        "answer",
        [
            {"quoteResponse": {"result": None, "error": None}},
            {"finance": {"result": None, "error": {"code": "Unauthorized", "description": "no"}}},
            {},
            [],
        ],
    )
    def test_a_refusal_is_not_no_quotes(self, answer: Any) -> None:
        with pytest.raises(Refusal):
            quotes_of(answer)

    def test_none_of_them_known_is_an_answer(self) -> None:
        assert quotes_of({"quoteResponse": {"result": [], "error": None}}) == {}

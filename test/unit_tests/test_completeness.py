"""What an answer lacks, and what it changes of stored bars."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

import pytest

from collector.completeness import Absence, Change, absences, changes, differs, is_same_bar, values_of
from collector.yahoo_answers.chart import bars_from_chart
from collector.yahoo_answers.model import Answer, Bar, Bars
from database.db_helper import Row
from utils.dates import close_of, expected_days, session_before, sessions_between
from utils.messages import StockDailyBar
from utils.reasons import reason

MON, TUE, WED, THU, FRI = (date(2026, 8, day) for day in (17, 18, 19, 20, 21))
WEEK = [MON, TUE, WED, THU, FRI]
AFTER_FRIDAY = datetime(2026, 8, 21, 21, 0, tzinfo=UTC)
BEFORE = datetime(2026, 8, 20, 21, 0, tzinfo=UTC)
LATER = datetime(2026, 8, 27, 21, 0, tzinfo=UTC)


def bar(session: date, close: float = 100.0, factor: float = 1.0) -> Bar:
    return Bar(session, close, close + 1, close - 1, close, close * factor, 1000, 0.0, 1.0)


def answer(*days: date, ticker: str = "SPY", at: datetime = AFTER_FRIDAY) -> Bars:
    return Bars(ticker, "USD", [bar(day) for day in days], Answer(at, "simulated"))


def states(fetched: Bars, stored: Sequence[date] = (), start: date = MON, end: date = FRI) -> dict[date, str]:
    return {absence.session: absence.state for absence in absences(fetched, stored, start, end, late_sessions=2)}


class TestAbsences:
    def test_a_whole_answer_lacks_nothing(self) -> None:
        assert states(answer(*WEEK)) == {}

    def test_what_is_stored_is_not_absent(self) -> None:
        assert states(answer(MON, TUE), stored=[WED, THU, FRI]) == {}

    def test_the_newest_session_is_late(self) -> None:
        [absence] = absences(answer(MON, TUE, WED, THU), [], MON, FRI, 2)

        assert absence == Absence(FRI, "late", reason("no_bar_yet"))

    @pytest.mark.parametrize(
        ("at", "state"),
        [
            (datetime(2026, 8, 21, 17, 0, tzinfo=UTC), "late"),  # the session is not over by the source's clock
            (datetime(2026, 8, 21, 21, 0, tzinfo=UTC), "late"),
            (datetime(2026, 8, 25, 21, 0, tzinfo=UTC), "late"),  # Tuesday: two more sessions are over
            (datetime(2026, 8, 26, 19, 0, tzinfo=UTC), "late"),  # the third is still running
            (datetime(2026, 8, 26, 21, 0, tzinfo=UTC), "missing"),
        ],
    )
    def test_late_becomes_missing(self, at: datetime, state: str) -> None:
        assert states(answer(MON, TUE, WED, THU, at=at)) == {FRI: state}

    @pytest.mark.parametrize(
        ("last", "state"),
        [(date(2026, 8, 3), "missing"), (MON, "missing"), (TUE, "late"), (WED, "late"), (THU, "late")],
    )
    def test_the_newest_session_of_a_ticker_that_has_ended_is_not_waited_for(self, last: date, state: str) -> None:
        """Delisted or halted, it is still answered with its old bars. Three sessions without one may be a fault."""
        fetched = answer(*sessions_between(date(2026, 7, 20), last))

        assert states(fetched, start=last)[FRI] == state

    def test_why_it_is_missing(self) -> None:
        *_, newest = absences(answer(date(2026, 8, 13), date(2026, 8, 14)), [], MON, FRI, 2)

        assert newest == Absence(FRI, "missing", reason("no_bar_since", session=date(2026, 8, 14)))

    def test_an_old_answer_of_a_ticker_that_is_stored_since_is_waited_for(self) -> None:
        assert states(answer(date(2026, 8, 13), date(2026, 8, 14)), stored=[MON, TUE, WED, THU]) == {FRI: "late"}

    def test_a_bar_whose_successor_is_there_is_missing_at_once(self) -> None:
        assert states(answer(MON, TUE, THU)) == {WED: "missing", FRI: "late"}

    def test_before_its_first_bar_a_ticker_was_not_listed(self) -> None:
        assert states(answer(WED, THU, FRI)) == {}

    def test_without_any_bar_the_session_asked_for_is_absent(self) -> None:
        assert states(answer()) == {FRI: "late"}

    def test_a_foreign_holiday_is_a_closed_market(self) -> None:
        """Korea was closed on Monday the 17th."""
        korean = answer(date(2026, 8, 14), TUE, WED, THU, ticker="005930.KS")

        found = list(absences(korean, [], date(2026, 8, 14), FRI, 2))

        assert [(one.session, one.state) for one in found] == [(FRI, "late"), (MON, "closed")]
        assert str(found[1].reason) == "XKRX has no session"

    def test_a_rate_is_wanted_on_the_sessions_of_its_currency(self) -> None:
        """On Labor Day (7 September 2026) only New York is closed, on 17 August only Seoul."""
        labor_day = date(2026, 9, 7)

        assert expected_days("KRW=X", MON, FRI) == [TUE, WED, THU, FRI]
        assert expected_days("KRW=X", labor_day, labor_day) == [labor_day]
        assert expected_days("SPY", labor_day, labor_day) == []


def stored(bars: Sequence[Bar], at: datetime = BEFORE) -> dict[date, Row]:
    return {
        one.session: {
            "open_price": one.open,
            "high_price": one.high,
            "low_price": one.low,
            "close_price": one.close,
            "adj_close": one.adj_close,
            "volume": one.volume,
            "dividend": one.dividend,
            "split_ratio": one.split_ratio,
            "capital_gain": one.capital_gain,
            "fetched_at": at,
        }
        for one in bars
    }


def prices(days: Sequence[date]) -> list[Bar]:
    return [bar(day, 100.0 + at) for at, day in enumerate(days)]


def paid(bars: Sequence[Bar], ex_date: date, amount: float, is_listed: bool = True) -> list[Bar]:
    """After a dividend: the adjusted closes before the ex-date are smaller by one factor."""
    before = [one for one in bars if one.session < ex_date]
    factor = 1 - amount / before[-1].close
    return [
        replace(one, adj_close=one.adj_close * factor)
        if one.session < ex_date
        else replace(one, dividend=amount if is_listed and one.session == ex_date else one.dividend)
        for one in bars
    ]


def split(bars: Sequence[Bar], day: date, ratio: float) -> list[Bar]:
    """After a split: everything before it is divided by the ratio, volumes are multiplied."""

    def rescaled(one: Bar) -> Bar:
        assert one.open and one.high and one.low
        return replace(
            one,
            open=one.open / ratio,
            high=one.high / ratio,
            low=one.low / ratio,
            close=one.close / ratio,
            adj_close=one.adj_close / ratio,
            volume=round(one.volume * ratio),
            dividend=round(one.dividend / ratio, 6),
        )

    return [
        rescaled(one) if one.session < day else replace(one, split_ratio=ratio if one.session == day else 1.0)
        for one in bars
    ]


def told(found: Sequence[Change]) -> list[tuple[str, date, date]]:
    return [(one.change, one.first_session, one.last_session) for one in found]


class TestChanges:
    days = sessions_between(date(2026, 8, 3), FRI)
    known = prices(days)[:-1]  # up to Thursday; Friday's is new

    def test_nothing_changed(self) -> None:
        assert changes(prices(self.days), stored(self.known)) == []

    def test_a_round_trip_through_the_database_is_no_change(self) -> None:
        rounded = [replace(one, close=one.close * (1 + 1e-12)) for one in prices(self.days)]

        assert changes(rounded, stored(self.known)) == []

    def test_a_restated_close_is_recorded_with_the_old_one(self) -> None:
        now = [replace(one, close=105.5, adj_close=105.5) if one.session == WED else one for one in prices(self.days)]

        [change] = changes(now, stored(self.known))

        was = next(one.close for one in self.known if one.session == WED)
        assert told([change]) == [("restated", WED, WED)]
        assert change.old_values == {"close_price": was, "adj_close": was}
        assert change.new_values == {"close_price": 105.5, "adj_close": 105.5}
        assert change.replaced_fetched_at == BEFORE

    @pytest.mark.parametrize("column", ["open", "high", "low", "close", "adj_close", "volume", "dividend"])
    @pytest.mark.parametrize("day", [date(2026, 8, 3), WED, THU])
    def test_no_field_of_any_bar_changes_unrecorded(self, column: str, day: date) -> None:
        now = [
            replace(one, **{column: getattr(one, column) * 1.004 + 1}) if one.session == day else one
            for one in prices(self.days)
        ]

        assert told(changes(now, stored(self.known, LATER))) == [("restated", day, day)]

    @pytest.mark.parametrize("column", ["close", "adj_close", "dividend", "capital_gain", "split_ratio"])
    def test_what_does_not_settle_changes_recorded_on_the_evening_too(self, column: str) -> None:
        now = [
            replace(one, **{column: getattr(one, column) * 1.004 + 1}) if one.session == THU else one
            for one in prices(self.days)
        ]

        assert told(changes(now, stored(self.known))) == [("restated", THU, THU)]

    def test_a_dividend_is_one_change(self) -> None:
        [change] = changes(paid(prices(self.days), FRI, 0.8), stored(self.known))

        assert told([change]) == [("dividend", self.days[0], THU)]
        assert change.factors == pytest.approx((1.0, 1 - 0.8 / self.known[-1].close))
        assert change.old_values == {"adj_close": self.known[-1].adj_close}

    def test_a_dividend_told_late_is_one_change_and_the_ex_dates_own(self) -> None:
        found = changes(paid(prices(self.days), WED, 0.8), stored(self.known))

        assert told(found) == [("restated", WED, WED), ("dividend", self.days[0], TUE)]
        assert (found[0].old_values, found[0].new_values) == ({"dividend": 0.0}, {"dividend": 0.8})

    def test_a_distribution_that_is_not_listed_is_one_change_too(self) -> None:
        assert told(changes(paid(prices(self.days), FRI, 0.8, is_listed=False), stored(self.known))) == [
            ("dividend", self.days[0], THU)
        ]

    def test_two_dividends_between_two_fetches_are_two(self) -> None:
        found = changes(paid(paid(prices(self.days), FRI, 0.8), date(2026, 8, 12), 0.5), stored(self.known))

        assert told(found) == [
            ("dividend", self.days[0], THU),
            ("restated", date(2026, 8, 12), date(2026, 8, 12)),
            ("dividend", self.days[0], date(2026, 8, 11)),
        ]
        assert found[2].factors.adj == pytest.approx(1 - 0.5 / prices(self.days)[6].close)

    @pytest.mark.parametrize("ratio", [2.0, 1.5, 0.1])
    def test_a_split_is_one_change(self, ratio: float) -> None:
        history = paid(prices(self.days), TUE, 0.8)
        [change] = changes(split(history, FRI, ratio), stored(history[:-1]))

        assert told([change]) == [("split", self.days[0], THU)]
        assert change.factors == pytest.approx((1 / ratio, 1 / ratio))
        assert set(change.old_values) >= {"close_price", "adj_close", "volume"}

    def test_a_split_and_a_dividend_at_once(self) -> None:
        found = changes(split(paid(prices(self.days), WED, 0.8), FRI, 2.0), stored(self.known))

        assert told(found) == [
            ("split", self.days[0], THU),
            ("restated", WED, WED),
            ("dividend", self.days[0], TUE),
        ]

    @pytest.mark.parametrize("event", [paid, split])
    def test_a_bar_restated_beside_a_rescaling_is_a_change_of_its_own(
        self, event: Callable[[Sequence[Bar], date, float], list[Bar]]
    ) -> None:
        now = [replace(one, close=one.close * 1.01) if one.session in (TUE, THU) else one for one in prices(self.days)]

        found = changes(event(now, FRI, 2.0), stored(self.known))

        assert [(one.change, one.last_session) for one in found if one.change == "restated"] == [
            ("restated", THU),
            ("restated", TUE),
        ]
        [rescaled] = [one for one in found if one.change != "restated"]
        assert rescaled.last_session == WED

    def test_a_bar_restated_as_a_whole_beside_an_old_dividend_is_no_split(self) -> None:
        history = paid(prices(self.days), THU, 0.8)
        wrong = [
            replace(one, **{name: getattr(one, name) * 1.01 for name in ("open", "high", "low", "close", "adj_close")})
            if one.session == WED
            else one
            for one in history
        ]

        assert told(changes(history, stored(wrong[:-1]))) == [("restated", WED, WED)]

    def test_a_dividend_after_the_only_stored_bar(self) -> None:
        history = paid(prices([THU, FRI]), FRI, 0.8)

        assert told(changes(history, stored(prices([THU])))) == [("dividend", THU, THU)]

    def test_a_new_bar_is_no_change(self) -> None:
        """Nor one that was absent and has come: the ledger knows since when it was expected."""
        known = [one for one in self.known if one.session != WED]

        assert changes(prices(self.days), stored(known)) == []


def sterling(noise: float) -> list[Bar]:
    """Return a London company's bars, which has paid 0.372 dollars on a Thursday, with adjusted closes a little off."""
    days = sessions_between(date(2026, 8, 12), FRI, "XLON")
    closes = [2800.0 + number for number in range(len(days))]
    moments = [int(datetime.combine(day, time(7), UTC).timestamp()) for day in days]
    adjusted = [close * 0.9875 * noise if day < THU else close for day, close in zip(days, closes, strict=True)]
    chart = {
        "meta": {"symbol": "SHEL.L", "currency": "GBp", "exchangeTimezoneName": "Europe/London"},
        "timestamp": moments,
        "indicators": {
            "quote": [dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": [1000] * len(days)}],
            "adjclose": [{"adjclose": adjusted}],
        },
        "events": {"dividends": {"1": {"amount": 0.372, "date": moments[days.index(THU)], "currency": "USD"}}},
    }
    answer = {"chart": {"result": [chart], "error": None}}
    return bars_from_chart(answer, "SHEL.L", datetime(2026, 8, 21, 21, tzinfo=UTC))[1]


class TestNoise:
    """What the source says otherwise from one request to the next although nothing has happened."""

    days = sessions_between(date(2026, 6, 1), FRI)

    def settled(self, one: Bar) -> Bar:
        assert one.open and one.high and one.low
        return replace(one, open=one.open * 1.001, high=one.high + 0.5, low=one.low - 0.25, volume=1175)

    @pytest.mark.parametrize("fetched", [0, 1, 2, 3])
    def test_volume_and_range_settle_for_two_sessions(self, fetched: int) -> None:
        """`fetched`: how many sessions after its own the row was stored."""
        day = date(2026, 8, 12)
        row = stored([bar(day)], close_of(session_before(day, -fetched)) + timedelta(hours=1))[day]

        assert differs(self.settled(bar(day)), row) is (fetched > 2)
        assert bool(changes([self.settled(bar(day))], {day: row})) is (fetched > 2)

    @pytest.mark.parametrize(
        ("unknown", "is_news"),
        [
            ({"volume": 0}, True),
            ({"open": None}, True),
            ({"open": None, "high": None, "low": None, "volume": 0}, True),
            ({}, False),
        ],
    )
    def test_what_was_not_known_is_filled_in_meanwhile(self, unknown: dict[str, Any], is_news: bool) -> None:
        row = stored([replace(bar(THU), **unknown)])[THU]

        assert differs(self.settled(bar(THU)), row) is is_news
        assert changes([self.settled(bar(THU))], {THU: row}) == [], "nothing that was known has changed"

    @pytest.mark.parametrize("unknown", [{"volume": 0}, {"open": None}, {"high": None, "volume": 0}])
    def test_what_is_known_does_not_become_unknown(self, unknown: dict[str, Any]) -> None:
        assert not differs(replace(bar(THU), **unknown), stored([bar(THU)])[THU])

    def test_until_the_third_session_after_it_is_over(self) -> None:
        day, third = FRI, date(2026, 8, 26)
        during = stored([bar(day)], datetime(2026, 8, 26, 19, 59, tzinfo=UTC))[day]
        after = stored([bar(day)], close_of(third))[day]

        assert not differs(self.settled(bar(day)), during)
        assert differs(self.settled(bar(day)), after)

    def test_a_korean_session_settles_on_its_own_calendar(self) -> None:
        """Korea was closed on Monday the 17th: Tuesday and Wednesday are the two sessions after Friday the 14th."""
        day = date(2026, 8, 14)
        row = stored([bar(day)], datetime(2026, 8, 19, 21, 0, tzinfo=UTC))[day]

        assert not differs(self.settled(bar(day)), row, "XKRX")
        assert differs(self.settled(bar(day)), row, "XNYS")

    @pytest.mark.parametrize(("factor", "is_news"), [(1 + 9e-8, False), (1 - 4e-7, False), (1 + 5e-6, True)])
    def test_an_adjusted_close_has_seven_digits(self, factor: float, is_news: bool) -> None:
        now = [replace(one, adj_close=one.adj_close * factor) for one in prices(self.days)]
        rows = stored(prices(self.days), LATER)

        assert any(differs(one, rows[one.session]) for one in now) is is_news
        assert bool(changes(now, rows)) is is_news

    @pytest.mark.parametrize(
        ("factor", "is_news"), [(1.0, False), (1 + 9e-8, False), (1 - 4e-7, False), (1 + 5e-5, True)]
    )
    def test_a_dividend_in_another_currency_is_as_exact_as_the_adjusted_closes(
        self, factor: float, is_news: bool
    ) -> None:
        rows = stored(sterling(1.0), LATER)
        now = sterling(factor)

        assert [one.session for one in now if one.dividend] == [THU]
        assert any(differs(one, rows[one.session], "XLON") for one in now) is is_news
        assert bool(changes(now, rows, "XLON")) is is_news

    @pytest.mark.parametrize("factor", [1.0, 1 + 9e-8])
    def test_nor_does_it_wait_twice(self, factor: float) -> None:
        """A bar that waits for a person is sent again only where it is another one."""
        [waits] = (one for one in sterling(1.0) if one.dividend)
        [now] = (one for one in sterling(factor) if one.dividend)

        fields = {"ticker": "SHEL.L", "trade_date": THU, "fetched_at": LATER, "source": "yahoo", "currency": "GBP"}
        assert is_same_bar(StockDailyBar(**fields, **values_of(now)), values_of(waits))  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("before", "dividend", "is_news"),
        [(0.8, 0.0, True), (0.8, 0.79, True), (0.8, 0.8005, True), (0.8, 0.80001, False), (0.0, 0.00001, True)],
    )
    def test_another_dividend_is_news(self, before: float, dividend: float, is_news: bool) -> None:
        row = stored([replace(bar(THU), dividend=before)], LATER)[THU]

        assert differs(replace(bar(THU), dividend=dividend), row) is is_news

    @pytest.mark.parametrize("fetched_at", [BEFORE, LATER])
    def test_a_close_is_never_noise(self, fetched_at: datetime) -> None:
        row = stored([bar(THU)], fetched_at)[THU]

        assert differs(replace(bar(THU), close=100.01), row)

    def test_a_settled_range_goes_with_a_changed_close_into_the_record(self) -> None:
        now = [replace(self.settled(bar(THU)), close=100.2)]

        [change] = changes(now, stored([bar(THU)]))

        assert set(change.old_values) == {"open_price", "high_price", "low_price", "close_price", "volume"}

    def test_a_dividend_beside_a_settling_bar_is_still_one_change(self) -> None:
        history = paid(prices(self.days), FRI, 0.8)
        now = [self.settled(one) if one.session >= WED else one for one in history]

        found = changes(now, stored(prices(self.days)[:-1]))

        assert told(found) == [("dividend", self.days[0], THU)]

    @pytest.mark.parametrize("seed", range(3))
    def test_of_48_fetches_of_the_same_chart_only_true_changes_are_told(self, seed: int) -> None:
        """Each evening adds a session, some a dividend, a split or a restated close, and all of them noise."""
        random = Random(seed)
        days = sessions_between(date(2026, 3, 2), FRI)[-100:]
        truth = [bar(day, 80 + 20 * random.random()) for day in days]
        rows: dict[date, Row] = {}
        events = {60: "dividend", 75: "split", 90: "restated"}
        sent, told_all = 0, []
        for count in range(53, 101):
            if event := events.get(count):
                truth = self.after(event, truth, days[count - 1])
            known = [self.noisy(one, random, newest=days[count - 1]) for one in truth[:count]]
            told_all += [change.change for change in changes(known, rows)]
            fresh = [one for one in known if differs(one, rows.get(one.session))]
            sent += len(fresh)
            rows |= stored(fresh, close_of(days[count - 1]) + timedelta(hours=1))

        assert told_all == ["dividend", "split", "restated"]
        assert sent == 100 + 59 + 74 + 1, "each bar once, all older ones after a dividend and a split, a restated one"

    def after(self, event: str, truth: list[Bar], day: date) -> list[Bar]:
        if event == "dividend":
            return paid(truth, day, 0.7)
        if event == "split":
            return split(truth, day, 4.0)
        return [replace(one, close=one.close * 1.02) if one.session == truth[10].session else one for one in truth]

    def noisy(self, one: Bar, random: Random, newest: date) -> Bar:
        one = replace(one, adj_close=one.adj_close * (1 + random.choice([0, 8e-8, -8e-8])))
        if one.session < session_before(newest, 2):
            return one
        assert one.open and one.high and one.low
        return replace(
            one,
            open=one.open * (1 + random.uniform(-1e-3, 1e-3)),
            high=one.high * (1 + random.uniform(0, 1e-3)),
            low=one.low * (1 - random.uniform(0, 1e-3)),
            volume=round(one.volume * (1 + random.uniform(0, 0.175))),
        )

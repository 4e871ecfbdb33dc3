"""Share counts and market caps: classes of shares, and what splits and spin-offs do to what is stored."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from collector.delivery import NewBar
from collector.market_caps import AHEAD, Worth, Worths, company_shares, is_true_split, rescaled
from collector.stock_bars import Company, _with_quotes_before, stock_messages
from collector.yahoo_answers.model import Answer, Bar, Bars, Quote
from database.db_helper import Row
from database.queries import collected
from utils.dates import session_before, sessions_between
from utils.messages import MarketCapSource

EX_DATE = date(2024, 6, 10)
DAYS = [session_before(EX_DATE, number) for number in range(60)]  # newest first
ANSWER = Answer(datetime(2024, 6, 10, 21, tzinfo=UTC), "yahoo")


def bar(session: date, close: float, split: float = 1.0) -> Bar:
    return Bar(session, close, close, close, close, close, 1_000, 0.0, split)


def row(close: float, shares: int | None, cap: int | None = None, source: str | None = "implied_x_close") -> Row:
    """Return a stored row with the cap it was stored with."""
    cap = cap or (round(close * shares) if shares else None)
    return {"close_price": close, "shares_outstanding": shares, "market_cap": cap, "market_cap_source": source}


def quote(implied: int | None, listed: int | None = None, cap: int | None = None, price: float | None = None) -> Quote:
    return Quote("X", "X Inc.", "USD", listed, cap, implied, price)


def worths(bars: list[Bar], stored: Mapping[date, Row], of: Quote) -> dict[date, Worth]:
    found = Worths(bars, stored, of, "USD")
    return {each.session: found.at(each) for each in bars}


class TestWhoseShares:
    @pytest.mark.parametrize(
        ("of", "count", "source"),
        [
            # The listed class, the company's cap, the implied count and the price as the source gives them.
            (quote(12_229_934_831, 5_527_000_000, 4_162_458_484_736, 340.35), 12_229_934_831, "implied_x_close"),
            (quote(None, 5_527_000_000, 4_162_458_484_736, 340.35), 12_229_935_316, "derived_x_close"),
            (quote(None, 1_327_000_000, 1_078_500_000_000, 500.0), 2_157_000_000, "derived_x_close"),  # BRK-B
            (quote(None, 5_919_637_922, 541_000_000_000_000, 81_000.0), 6_679_012_346, "derived_x_close"),  # 005930.KS
            (quote(None, 4_300_000_000, 302_000_000_000, 70.0), 4_300_000_000, "shares_x_close"),  # within 1 %
            (quote(None, 4_300_000_000), 4_300_000_000, "shares_x_close"),
            (quote(None, None, 70_000_000_000, 70.0), 1_000_000_000, "derived_x_close"),
            (quote(None, None, 70_000_000_000), None, None),
        ],
    )
    def test_the_companys(self, of: Quote, count: int | None, source: str | None) -> None:
        assert company_shares(of) == (count, source)

    def test_a_cap_is_count_times_close(self) -> None:
        [worth] = worths([bar(EX_DATE, 340.0)], {}, quote(12_229_934_831, 5_527_000_000)).values()

        assert worth == Worth(12_229_934_831, 12_229_934_831 * 340, "implied_x_close")

    def test_without_a_count_the_quoted_cap_stands_in(self) -> None:
        [worth] = worths([bar(EX_DATE, 340.0)], {}, quote(None, None, 120_000)).values()

        assert worth == Worth(None, 120_000, "quoted")

    def test_a_cap_quoted_in_another_currency_is_none(self) -> None:
        found = Worths([bar(EX_DATE, 340.0)], {}, quote(None, None, 120_000), "KRW")

        assert found.at(bar(EX_DATE, 340.0)) == Worth(None, None, None)

    def test_cap_and_price_in_another_currency_make_no_count(self) -> None:
        of = replace(quote(None, 1_000, 34_000, 0.34), currency="GBP")  # of 34 dollars a share, said to be pence

        assert worths([bar(EX_DATE, 34.0)], {}, of)[EX_DATE] == Worth(1_000, 34_000, "shares_x_close")

    def test_nothing_is_known_of_it(self) -> None:
        assert worths([bar(EX_DATE, 340.0)], {}, quote(None))[EX_DATE] == Worth(None, None, None)

    def test_a_session_whose_quote_has_no_count_takes_the_last_stored_one(self) -> None:
        found = worths([bar(DAYS[1], 10.0), bar(EX_DATE, 11.0)], {DAYS[1]: row(10.0, 700)}, quote(None))

        assert found[EX_DATE] == Worth(700, 7_700, "implied_x_close")


class TestAQuoteThatContradictsItself:
    """One of three figures is wrong: the implied count, the cap, or the listed class."""

    COMPANY, CLASS, CAP = 12_229_934_831, 5_527_000_000, 4_162_458_484_736

    @pytest.mark.parametrize(
        ("implied", "listed", "cap", "count"),
        [
            (5_000_000, CLASS, CAP, COMPANY),  # fewer shares than the listed class has
            (4_529_934_831, CLASS, CAP, COMPANY),
            (50_000_000_000, CLASS, CAP, COMPANY),
            (5_000_000, None, CAP, COMPANY),
            (COMPANY, CLASS, CAP // 100, COMPANY),  # a cap in another unit
            (CLASS, CLASS, CAP * 100, CLASS),  # two of three agree
            (CLASS * 100, CLASS, CLASS * 340, CLASS),
            # The cap counts the listed class alone, which says nothing of the company.
            (COMPANY, CLASS, CLASS * 340, COMPANY),
            (CLASS * 3 // 2 + 10**8, CLASS, CLASS * 340, CLASS * 3 // 2 + 10**8),
            (CLASS * 87 // 10, CLASS, CLASS * 340, CLASS * 87 // 10),
            (CLASS * 4, CLASS, CLASS * 340, CLASS),  # a count of after a split to come
            (CLASS * 121 // 10, CLASS, CLASS * 340, CLASS),
            # Those that agree are believed, whatever the listed class has: of a depositary receipt it is another share.
            (COMPANY, 5 * COMPANY, CAP, COMPANY),
            (None, 5 * COMPANY, CAP, COMPANY),
            (COMPANY, CLASS, CAP * 3 // 4, COMPANY),  # a cap of the day before
        ],
    )
    def test_a_first_fetch(self, implied: int | None, listed: int | None, cap: int, count: int) -> None:
        [worth] = worths([bar(EX_DATE, 340.35)], {}, quote(implied, listed, cap, 340.35)).values()

        assert worth.shares == pytest.approx(count, rel=2e-3)

    @pytest.mark.parametrize(
        ("implied", "cap"),
        [(5_000_000, CAP), (CLASS, CAP), (50_000_000_000, CAP), (COMPANY, CAP // 100), (COMPANY, CAP * 100)],
    )
    def test_what_is_stored_tells(self, implied: int, cap: int) -> None:
        stored = {DAYS[1]: row(340.0, self.COMPANY)}

        found = worths([bar(DAYS[1], 340.0), bar(EX_DATE, 340.35)], stored, quote(implied, self.CLASS, cap, 340.35))

        assert found[EX_DATE].shares == pytest.approx(self.COMPANY, rel=1e-6)

    def test_where_neither_is_near_the_stored_one_goes_on(self) -> None:
        stored = {DAYS[1]: row(340.0, self.COMPANY)}
        of = quote(5_000_000, self.CLASS, self.CAP * 100, 340.35)

        assert worths([bar(DAYS[1], 340.0), bar(EX_DATE, 340.35)], stored, of)[EX_DATE].shares == self.COMPANY

    @pytest.mark.parametrize("stale", ["implied", "cap"])
    def test_a_split_explains_it(self, stale: str) -> None:
        bars = [bar(DAYS[1], 34.0), bar(EX_DATE, 34.035, 10.0)]
        implied = self.COMPANY if stale == "implied" else 10 * self.COMPANY
        of = quote(implied, None, self.CAP if stale == "implied" else self.CAP // 10, 34.035)

        first, later = worths(bars, {}, of), worths(bars, {DAYS[1]: row(340.0, self.COMPANY)}, of)

        assert first[EX_DATE].shares == later[EX_DATE].shares == 10 * self.COMPANY

    def test_an_early_count_beside_the_cap_of_now_is_known_for_one(self) -> None:
        stored = {DAYS[1]: row(340.0, self.COMPANY)}
        of = quote(10 * self.COMPANY, None, self.CAP, 340.35)

        found = Worths([bar(DAYS[1], 340.0), bar(EX_DATE, 340.35)], stored, of, "USD")

        assert (found.is_waiting, found.at(bar(EX_DATE, 340.35)).source) == (False, "derived_x_close")
        assert found.at(bar(EX_DATE, 340.35)).shares == pytest.approx(self.COMPANY, rel=1e-6)


class TestWhatWasStored:
    @property
    def stored(self) -> dict[date, Row]:
        return {DAYS[2]: row(50.0, 800, source="shares_x_close"), DAYS[1]: row(52.0, 900)}

    def test_a_past_session_keeps_its_own(self) -> None:
        found = worths([bar(DAYS[2], 50.0), bar(DAYS[1], 52.0), bar(EX_DATE, 53.0)], self.stored, quote(1_000))

        assert found[DAYS[2]] == Worth(800, 40_000, "shares_x_close")
        assert found[DAYS[1]] == Worth(900, 46_800, "implied_x_close")
        assert found[EX_DATE] == Worth(1_000, 53_000, "implied_x_close")

    def test_a_close_that_was_corrected_keeps_the_count(self) -> None:
        found = worths([bar(DAYS[2], 50.0), bar(DAYS[1], 26.0), bar(EX_DATE, 53.0)], self.stored, quote(1_000))

        assert found[DAYS[1]] == Worth(900, 23_400, "implied_x_close")

    def test_a_single_stored_close_that_halves_without_a_split_was_corrected(self) -> None:
        found = worths([bar(DAYS[1], 26.0), bar(EX_DATE, 53.0)], {DAYS[1]: row(52.0, 900)}, quote(1_000))

        assert found[DAYS[1]] == Worth(900, 23_400, "implied_x_close")

    def test_a_quoted_cap_of_the_past_is_kept_while_no_count_is_known(self) -> None:
        stored = {DAYS[1]: row(52.0, None, 70_000, "quoted")}
        bars = [bar(DAYS[1], 52.0), bar(EX_DATE, 53.0)]

        assert worths(bars, stored, quote(None, None, 75_000))[DAYS[1]] == Worth(None, 70_000, "quoted")
        assert worths(bars, stored, quote(1_000))[DAYS[1]] == Worth(1_000, 52_000, "implied_x_close")


class TestTheListedClassAlone:
    """A quote that leaves out the company's figures for once does not make the company smaller."""

    @pytest.mark.parametrize("source", ["implied_x_close", "derived_x_close"])
    @pytest.mark.parametrize("listed", [450, 870])
    def test_the_company_s_stored_count_goes_on(self, source: MarketCapSource, listed: int) -> None:
        stored = {DAYS[1]: row(52.0, 1_000, source=source)}

        found = worths([bar(DAYS[1], 52.0), bar(EX_DATE, 53.0)], stored, quote(None, listed))

        assert found[EX_DATE] == Worth(1_000, 53_000, source)

    def test_also_behind_a_split(self) -> None:
        stored = {DAYS[1]: row(52.0, 1_000)}

        for listed in (450, 1_800):  # before and after it is counted in
            found = worths([bar(DAYS[1], 13.0), bar(EX_DATE, 13.5, 4.0)], stored, quote(None, listed))
            assert found[EX_DATE] == Worth(4_000, 54_000, "implied_x_close")

    @pytest.mark.parametrize(
        ("source", "listed"), [("shares_x_close", 450), ("implied_x_close", 995), ("implied_x_close", 1_050)]
    )
    def test_a_count_that_is_as_good_takes_its_place(self, source: MarketCapSource, listed: int) -> None:
        stored = {DAYS[1]: row(52.0, 1_000, source=source)}

        found = worths([bar(DAYS[1], 52.0), bar(EX_DATE, 53.0)], stored, quote(None, listed))

        assert found[EX_DATE] == Worth(listed, 53 * listed, "shares_x_close")


class TestSplits:
    """Two stored sessions before a split, whose ex-date is new. The stored cap is what it was, to the unit."""

    def split(self, ratio: float, count: int, quoted: int, close: float = 1209.98) -> dict[date, Worth]:
        stored = {DAYS[2]: row(close * 1.1, count), DAYS[1]: row(close, count)}
        bars = [
            bar(DAYS[2], close * 1.1 / ratio),
            bar(DAYS[1], close / ratio),
            bar(EX_DATE, close / ratio * 1.01, ratio),
        ]
        return worths(bars, stored, quote(quoted))

    @pytest.mark.parametrize("ratio", [10.0, 20.0, 2.0, 1.5, 1.25, 1 / 20, 1 / 15, 1 / 3])
    @pytest.mark.parametrize("bought_back", [1.0, 0.985])
    @pytest.mark.parametrize("is_stale", [True, False])
    def test_a_count_of_before_or_after_gives_the_same(self, ratio: float, bought_back: float, is_stale: bool) -> None:
        count = 2_459_590_016
        now = round(count * bought_back)

        found = self.split(ratio, count, now if is_stale else round(now * ratio))

        assert found[DAYS[1]].market_cap == round(count * 1209.98)
        assert found[DAYS[2]].market_cap == round(count * (1209.98 * 1.1))
        assert found[DAYS[1]].shares == round(count * ratio)
        assert found[EX_DATE].shares == pytest.approx(now * ratio, rel=1e-8)
        assert found[EX_DATE].market_cap == pytest.approx(now * 1209.98 * 1.01, rel=1e-6)

    def test_nvidia_with_the_count_of_before(self) -> None:
        old = 2_459_590_016
        stored = {date(2024, 6, 6): row(1209.98, old)}
        bars = [bar(date(2024, 6, 6), 120.998), bar(EX_DATE, 121.79, 10.0)]

        before, after = worths(bars, stored, quote(old)).values()

        assert before == Worth(10 * old, round(old * 1209.98), "implied_x_close")
        assert after == Worth(10 * old, round(10 * old * 121.79), "implied_x_close")
        assert after.market_cap == pytest.approx(2_995.5e9, rel=1e-4)

    def test_a_spin_off_leaves_caps_and_count_as_they_are(self) -> None:
        stored = {date(2025, 10, 29): row(216.66, 635_000_000, source="shares_x_close")}
        bars = [bar(date(2025, 10, 29), 216.66 / 1.064), bar(date(2025, 10, 30), 202.0, 1.064)]

        before, after = worths(bars, stored, quote(None, 635_000_000)).values()

        assert before.market_cap == round(635_000_000 * 216.66)
        assert after == Worth(635_000_000, 635_000_000 * 202, "shares_x_close")

    def test_the_quote_may_be_stale_for_weeks(self) -> None:
        """Also on the days after the ex-date, when the corrected count is stored already."""
        stored = {DAYS[1]: row(120.0, 10_000), DAYS[2]: row(120.0, 10_000)}
        bars = [bar(DAYS[3], 121.0, 10.0), bar(DAYS[2], 120.0), bar(DAYS[1], 120.0), bar(EX_DATE, 122.0)]

        assert worths(bars, stored, quote(1_000))[EX_DATE].shares == 10_000
        assert worths(bars, stored, quote(10_050))[EX_DATE].shares == 10_050

    def test_a_split_long_ago_corrects_nothing(self) -> None:
        bars = [bar(day, 120.0, 10.0 if number == 0 else 1.0) for number, day in enumerate(reversed(DAYS[:40]))]

        assert worths(bars, {DAYS[1]: row(120.0, 10_000)}, quote(1_000))[EX_DATE].shares == 10_000, "ahead, see below"
        assert worths(bars, {DAYS[1]: row(120.0, 10_000)}, quote(1_300))[EX_DATE].shares == 1_300

    @pytest.mark.parametrize("quoted", [1_000, 2_000, 20_000])
    def test_two_splits_one_after_another(self, quoted: int) -> None:
        """2:1, then 10:1: the quote knows of none, of the first or of both."""
        stored = {DAYS[3]: row(400.0, 1_000)}
        bars = [bar(DAYS[3], 20.0), bar(DAYS[2], 20.0, 2.0), bar(EX_DATE, 20.0, 10.0)]

        found = worths(bars, stored, quote(quoted))

        assert found[DAYS[3]] == Worth(20_000, 400_000, "implied_x_close")
        assert found[DAYS[2]].shares == found[EX_DATE].shares == 20_000

    def test_a_count_that_is_corrected_before_its_split_waits_for_it(self) -> None:
        stored = {DAYS[1]: row(1200.0, 1_000)}

        assert worths([bar(DAYS[1], 1200.0), bar(EX_DATE, 1210.0)], stored, quote(10_000))[EX_DATE].shares == 1_000
        assert worths([bar(DAYS[1], 1200.0), bar(EX_DATE, 1210.0)], stored, quote(1_310))[EX_DATE].shares == 1_310

    @pytest.mark.parametrize("mistake", [2, 3, 10, 1000])
    def test_it_does_not_wait_for_ever(self, mistake: int) -> None:
        """A split stays to come for some days. What the source has quoted for weeks is the company's."""
        stored, bars = {DAYS[1]: row(120.0, 10**9 // mistake)}, [bar(DAYS[1], 120.0), bar(EX_DATE, 121.0)]
        of = quote(10**9, 10**9, 120 * 10**9, 120.0)

        first = Worths(bars, stored, of, "USD")
        same = Worths(bars, stored, of, "USD", earlier=quote(10**9 - 10**7))
        other = Worths(bars, stored, of, "USD", earlier=quote(10**9 // mistake))

        assert [found.is_waiting for found in (first, same, other)] == [True, False, True]
        assert first.at(bars[1]).shares == other.at(bars[1]).shares == 10**9 // mistake
        assert same.at(bars[1]).shares == 10**9

    @pytest.mark.parametrize("ratio", [10.0, 2.0, 1 / 20, 1.5])
    @pytest.mark.parametrize("later", [1, 6, 20, 29, 35, 50])
    def test_what_a_first_fetch_took_from_a_stale_quote_is_corrected_with_it(self, ratio: float, later: int) -> None:
        """Count and cap alike are of before the split at first: nothing tells. The next quote is right."""
        days = list(reversed(DAYS))
        bars = [bar(day, 120.0, ratio if number == 4 else 1.0) for number, day in enumerate(days)]
        old = 3 * 10**9
        first = worths(bars[:6], {}, quote(old, old, old * 120, 120.0))
        stored = {day: row(120.0, worth.shares) for day, worth in first.items()}
        new, right = bars[: 6 + later], quote(round(old * ratio * 1.01))

        found = Worths(new, stored, right, "USD")

        assert {worth.shares for worth in first.values()} == {old}
        assert [found.is_mistaken(each.session) for each in new] == [True] * 6 + [False] * later
        assert {found.at(each).shares for each in new[:6]} == {old * ratio}
        assert {found.at(each).market_cap for each in new[:6]} == {old * ratio * 120}
        assert {found.at(each).shares for each in new[6:]} == {right.implied_shares}
        again = {each.session: row(120.0, found.at(each).shares) for each in new}
        assert not any(Worths(new, again, right, "USD").is_mistaken(each.session) for each in new), "once for all"

    @pytest.mark.parametrize(("ratio", "now"), [(2.0, 1.3), (2.0, 1.0), (1.25, 1.2), (1.1, 1.1), (10.0, 2.0)])
    def test_another_change_of_the_count_mistakes_nothing(self, ratio: float, now: float) -> None:
        bars = [bar(DAYS[2], 120.0), bar(DAYS[1], 120.0, ratio), bar(EX_DATE, 120.0)]
        stored = {DAYS[2]: row(120.0, 10_000), DAYS[1]: row(120.0, 10_000)}

        found = Worths(bars, stored, quote(round(10_000 * now)), "USD")

        assert not any(found.is_mistaken(each.session) for each in bars)
        assert found.at(bars[2]).shares == 10_000 * now

    def test_a_second_split_like_the_first_waits_for_its_day(self) -> None:
        bars = [bar(day, 120.0, 2.0 if number == 0 else 1.0) for number, day in enumerate(reversed(DAYS[:40]))]
        stored = {each.session: row(120.0, 10_000) for each in bars[:-1]}

        found = Worths(bars, stored, quote(20_000), "USD")

        assert found.is_waiting
        assert {found.at(each).shares for each in bars} == {10_000}

    def test_the_companys_count_after_a_listed_classs_is_no_split(self) -> None:
        stored = {DAYS[1]: row(340.0, 1_000, source="shares_x_close")}

        found = worths([bar(DAYS[1], 340.0), bar(EX_DATE, 341.0)], stored, quote(2_000, 1_000))

        assert found[DAYS[1]] == Worth(1_000, 340_000, "shares_x_close")
        assert found[EX_DATE] == Worth(2_000, 682_000, "implied_x_close")

    def test_a_split_that_the_source_has_not_applied_yet(self) -> None:
        stored = {DAYS[2]: row(1200.0, 1_000), DAYS[1]: row(1210.0, 1_000)}
        listed = [bar(DAYS[2], 1200.0), bar(DAYS[1], 1210.0), bar(EX_DATE, 122.0, 10.0)]
        applied = [bar(DAYS[2], 120.0), bar(DAYS[1], 121.0), bar(EX_DATE, 122.0, 10.0)]

        first = worths(listed, stored, quote(10_000))
        later = worths(applied, stored | {EX_DATE: row(122.0, 10_000)}, quote(10_000))

        for found in (first, later):
            assert [found[day].market_cap for day in (DAYS[2], DAYS[1], EX_DATE)] == [1_200_000, 1_210_000, 1_220_000]

    def test_a_split_that_is_not_listed_rescales_all_older_closes_alike(self) -> None:
        stored = {day: row(1000.0 + number, 1_000) for number, day in enumerate(DAYS[1:20])}
        bars = [bar(day, of["close_price"] / 4) for day, of in reversed(stored.items())]

        found = worths([*bars, bar(EX_DATE, 251.0)], stored, quote(4_000))

        assert all(found[day].market_cap == of["market_cap"] for day, of in stored.items())
        assert found[EX_DATE].shares == 4_000

    def test_a_corrected_close_among_rescaled_ones(self) -> None:
        stored = {day: row(1000.0, 1_000) for day in DAYS[1:6]}
        closes = {day: 100.0 for day in DAYS[1:6]} | {DAYS[1]: 95.0, DAYS[3]: 97.0, DAYS[5]: 96.0}
        bars = [bar(day, closes[day]) for day in reversed(DAYS[1:6])]

        found = worths([*bars, bar(EX_DATE, 101.0, 10.0)], stored, quote(10_000))

        assert {day: found[day] for day in (DAYS[1], DAYS[2], DAYS[3], DAYS[5])} == {
            DAYS[1]: Worth(10_000, 950_000, "implied_x_close"),
            DAYS[2]: Worth(10_000, 1_000_000, "implied_x_close"),
            DAYS[3]: Worth(10_000, 970_000, "implied_x_close"),
            DAYS[5]: Worth(10_000, 960_000, "implied_x_close"),
        }

    def test_caps_of_a_first_fetch_are_those_of_then(self) -> None:
        """Caps before a split are right, because closes are adjusted for it. Those before a spin-off lack its worth."""
        bars = [bar(DAYS[3], 50.0), bar(DAYS[2], 60.0, 4.0), bar(DAYS[1], 61.0), bar(EX_DATE, 60.0, 1.064)]

        found = worths(bars, {}, quote(1_000))

        assert [found[day].market_cap for day in (DAYS[3], DAYS[2], EX_DATE)] == [53_200, 63_840, 60_000]

    def test_a_first_fetch_right_after_a_split_goes_by_the_quoted_cap(self) -> None:
        bars = [bar(DAYS[1], 120.998), bar(EX_DATE, 121.79, 10.0)]

        found = worths(bars, {}, quote(2_459_590_016, None, 2_995_000_000_000, 121.79))

        assert found[EX_DATE].shares == 24_595_900_160

    def test_rescaled_again_and_again_it_comes_back(self) -> None:
        """Three splits, one fetch each: the cap of the first day is the same to the unit after all of them."""
        count, close, day = 1_234_567_891, 987.65, DAYS[10]
        stored = {day: row(close, count)}
        price = close
        for number, ratio in enumerate((3.0, 1 / 7, 1.5)):
            price /= ratio
            bars = [bar(day, price), bar(DAYS[9 - number], price, ratio)]
            worth = worths(bars, stored, quote(count))[day]
            assert worth.market_cap == round(count * close)
            stored = {day: row(price, worth.shares, worth.market_cap)}


class TestACountThatIsEarlyOrLate:
    """A company of a billion shares at 300 dollars, fetched on every session, and a split among them."""

    SESSIONS = sessions_between(date(2026, 3, 2), date(2026, 8, 28))
    EX, LAST, COUNT = 22, 66, 10**9

    def caps(self, ratio: float, first: int, moves: int, is_new: bool) -> tuple[list[int], list[int]]:
        """Return the sessions that had a wrong cap on their own day, and those that have one at the end.

        ratio: of the split at session EX. first: the first fetch. moves: the session from which on the quote has the
        count of after the split. All of them are counted from EX on
        """
        stored: dict[date, Row] = {}
        wrong = []
        for today in range(self.EX + first, self.LAST):
            bars = [
                bar(day, 300.0 / (ratio if today >= self.EX else 1), ratio if number == self.EX else 1.0)
                for number, day in enumerate(self.SESSIONS[: today + 1])
            ]
            of, before = (
                quote(round(self.COUNT * (ratio if day >= self.EX + moves else 1))) for day in (today, today - 10)
            )
            found = Worths(bars, stored, of, "USD")
            if found.is_waiting or found.doubled_at:
                found = Worths(bars, stored, of, "USD", before, is_new)
            stored = {
                each.session: row(each.close, worth.shares, worth.market_cap, worth.source)
                for each in bars
                if (worth := found.at(each))
            }
            wrong += [today - self.EX] * self.is_wrong(stored[self.SESSIONS[today]])
        at_the_end = [number for number, each in enumerate(stored.values()) if self.is_wrong(each)]
        return wrong, at_the_end

    def is_wrong(self, stored: Row) -> bool:
        return bool(abs(stored["market_cap"] / (300 * self.COUNT) - 1) > 0.05)

    @pytest.mark.parametrize("ratio", [10.0, 4.0, 1.5, 1.25, 1.2, 0.1])
    @pytest.mark.parametrize("moves", [-8, -3, -1, 0, 1, 20], ids=lambda moves: f"from {moves}")
    def test_of_a_company_that_was_known_for_weeks_none_is_wrong(self, ratio: float, moves: int) -> None:
        assert self.caps(ratio, first=-20, moves=moves, is_new=False) == ([], [])

    @pytest.mark.parametrize("ratio", [1.3, 1.7, 13 / 15 / 2])
    def test_one_of_an_odd_split_is_right_from_its_listing_on_and_corrected(self, ratio: float) -> None:
        assert self.caps(ratio, first=-20, moves=-3, is_new=False) == ([-3, -2, -1], [])

    @pytest.mark.parametrize("ratio", [10.0, 4.0, 1.5, 1.25, 0.1])
    @pytest.mark.parametrize("first", [-9, -2, -1])
    def test_of_a_company_that_was_new_then_all_are_right_after_weeks(self, ratio: float, first: int) -> None:
        wrong, at_the_end = self.caps(ratio, first=first, moves=-10, is_new=True)

        assert (wrong, at_the_end) == (list(range(first, 30)), [])

    def test_a_quote_that_is_late_for_longer_changes_nothing_that_is_stored(self) -> None:
        _, at_the_end = self.caps(10.0, first=-20, moves=33, is_new=False)

        assert min(at_the_end) == self.EX + 30


@pytest.mark.parametrize("kept", [None, "a digest"])
def test_whether_a_company_was_new_before_its_split_is_told_by_what_is_kept(
    monkeypatch: pytest.MonkeyPatch, kept: str | None
) -> None:
    asked: list[datetime] = []
    monkeypatch.setattr("collector.stock_bars.quote_before", lambda *_: None)
    monkeypatch.setattr(collected, "quote_digest_before", lambda conn, ticker, moment: asked.append(moment) or kept)
    bars = [bar(day, 30.0, 10.0 if number == 25 else 1.0) for number, day in enumerate(reversed(DAYS))]
    stored = {each.session: row(30.0, 100_000) for each in bars[:-1]}

    company = _with_quotes_before(None, Company(quote(10_000), None), Bars("X", "USD", bars, ANSWER), stored)  # type: ignore[arg-type]

    assert company.is_new == (kept is None)
    assert asked[-1].date() == bars[25].session - AHEAD


def test_ratios_of_true_splits() -> None:
    assert [ratio for ratio in (2.0, 1.5, 1.1, 0.1, 1 / 30, 1.0) if not is_true_split(ratio)] == [1.0]
    assert not any(map(is_true_split, (1.064, 1.046, 1.281, 1.1907, 0.9389)))


def test_what_was_rescaled() -> None:
    stored = {day: row(100.0, 1) for day in DAYS[1:5]}
    bars = [
        bar(DAYS[4], 25.0),
        bar(DAYS[3], 25.0),
        bar(DAYS[2], 50.0, 2.0),
        bar(DAYS[1], 50.0),
        bar(EX_DATE, 50.0, 2.0),
    ]

    assert rescaled(bars, stored) == {DAYS[1]: 0.5, DAYS[2]: 0.5, DAYS[3]: 0.25, DAYS[4]: 0.25}


def test_messages_carry_it() -> None:
    of = replace(quote(12_000), name="A Company")
    fetched = Bars("X", "USD", [bar(EX_DATE, 10.0)], ANSWER)
    company = Company(of, "Technology", "derived")

    [message] = stock_messages(fetched, {}, [NewBar(fetched.bars[0])], company, "r1")

    said: dict[str, Any] = {
        name: getattr(message, name)
        for name in ("shares_outstanding", "market_cap", "market_cap_source", "sector", "sector_source")
    }
    assert list(said.values()) == [12_000, 120_000, "implied_x_close", "Technology", "derived"]
    assert message.company_name == "A Company"


class TestWhatCannotBe:
    """The message contract refuses such a bar. No figure may end the run before that."""

    @pytest.mark.parametrize("ratio", [0.0, -1.0, float("inf"), float("nan"), 1e300])
    @pytest.mark.parametrize("stored", [{}, {DAYS[3]: row(50.0, 1_000)}], ids=["first", "later"])
    def test_a_split_of_no_ratio_counts_for_none(self, ratio: float, stored: dict[date, Row]) -> None:
        bars = [bar(day, 50.0, ratio if day == DAYS[1] else 1.0) for day in reversed(DAYS[:5])]

        assert {worth.market_cap for worth in worths(bars, stored, quote(1_000)).values()} == {50_000}

    @pytest.mark.parametrize("close", [1e305, 1e17])
    @pytest.mark.parametrize("stored", [{}, {EX_DATE: row(50.0, 1_000)}], ids=["first", "later"])
    def test_a_cap_beyond_all_caps_is_none(self, close: float, stored: dict[date, Row]) -> None:
        assert worths([bar(EX_DATE, close)], stored, quote(1_000))[EX_DATE].market_cap is None

    def test_a_close_of_nearly_nothing(self) -> None:
        closes = [bar(day, 1e-300) for day in reversed(DAYS[:5])]

        found = worths(closes, {day: row(50.0, 1_000) for day in DAYS[1:5]}, quote(None))

        assert found[EX_DATE].market_cap is None

    def test_a_count_from_a_price_of_nearly_nothing_is_none(self) -> None:
        assert company_shares(quote(None, 4_300, 10**18, 1e-300)) == (4_300, "shares_x_close")

    def test_what_is_stored_in_another_currency_says_nothing_of_the_count(self) -> None:
        stored = {day: {**row(0.5, 1_000), "currency": "GBP"} for day in DAYS[1:5]}

        found = worths([bar(day, 50.0) for day in reversed(DAYS[:5])], stored, quote(1_000))

        assert {(worth.shares, worth.market_cap) for worth in found.values()} == {(1_000, 50_000)}

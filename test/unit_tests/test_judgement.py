"""The judgement of fetched series: what is fine, doubtful or noted, and where returns break."""

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
import pytest

from collector.judgement.adjusted_closes import note_stale_rows
from collector.judgement.findings import Break, Judgement, Known
from collector.judgement.judge import judge_bars as judge
from collector.yahoo_answers.model import Bar
from database.db_helper import Row
from log_words import told
from utils.dates import session_after, sessions_between
from utils.messages import LARGEST_STEP
from utils.reasons import Reason, as_one, reason

DAYS = sessions_between(date(2025, 12, 1), date(2026, 8, 21))[-161:]
AT = 120  # what most cases are about: the bar of DAYS[AT], with 40 more after it
DAY = DAYS[AT]
EVENING_BEFORE = datetime.combine(DAYS[AT - 1], datetime.min.time(), UTC) + timedelta(hours=21)


def each_evening(session: date) -> datetime:
    """Return when a controller stores a session."""
    return datetime.combine(session, datetime.min.time(), UTC) + timedelta(hours=21, minutes=35)


def next_morning(session: date) -> datetime:
    """Return when the staggered schedule stores it: on the day of the session after it."""
    return datetime.combine(session_after(session, 1), datetime.min.time(), UTC) + timedelta(hours=9, minutes=5)


def after_midnight(session: date) -> datetime:
    """Return when a controller that was tried again stores it."""
    return datetime.combine(session, datetime.min.time(), UTC) + timedelta(days=1, minutes=30)


def series(
    closes: Sequence[float], dividends: dict[int, float] | None = None, gains: dict[int, float] | None = None
) -> list[Bar]:
    """Bars as the source should give them: adjusted closes that follow from what is paid, in single precision."""
    dividends, gains = dividends or {}, gains or {}
    bars, factor = [], 1.0
    for at in reversed(range(len(closes))):
        paid, gain = dividends.get(at, 0.0), gains.get(at, 0.0)
        close = single(closes[at])
        bars.append(
            Bar(DAYS[at], close, close, close, close, single(close * factor), 1000, paid, 1.0, capital_gain=gain)
        )
        if at:
            factor *= 1 - (paid + gain) / closes[at - 1]
    return bars[::-1]


def single(number: float) -> float:
    """Six or seven digits, as a float32 has."""
    return float(f"{number:.8g}") * (1 + 3e-8)


def walk(seed: int = 1, count: int = len(DAYS), start: float = 100.0, move: float = 0.012) -> list[float]:
    random, closes = Random(seed), [start]
    for _ in range(count - 1):
        closes.append(closes[-1] * math.exp(random.gauss(0, move)))
    return closes


QUARTERLY = {20: 0.4, 80: 0.41, 140: 0.42}


def clean(seed: int = 1) -> list[Bar]:
    return series(walk(seed), QUARTERLY)


def changed(bars: Sequence[Bar], at: int, **values: Any) -> list[Bar]:
    return [replace(bar, **values) if number == at else bar for number, bar in enumerate(bars)]


def scaled(bars: Sequence[Bar], which: range, factor: float) -> list[Bar]:
    """Return the bars with the prices of some multiplied by a factor."""
    return [
        replace(
            bar,
            open=bar.close * factor,
            high=bar.close * factor,
            low=bar.close * factor,
            close=bar.close * factor,
            adj_close=bar.adj_close * factor,
            dividend=bar.dividend * factor,
        )
        if number in which
        else bar
        for number, bar in enumerate(bars)
    ]


def rows(bars: Sequence[Bar], fetched_at: datetime = datetime(2026, 8, 21, 21, tzinfo=UTC)) -> dict[date, Row]:
    return {
        bar.session: {
            "close_price": bar.close,
            "adj_close": bar.adj_close,
            "dividend": bar.dividend,
            "split_ratio": bar.split_ratio,
            "fetched_at": fetched_at,
        }
        for bar in bars
    }


def found(judged: Judgement) -> tuple[list[date], list[tuple[date, bool]]]:
    """Doubtful sessions, and the breaks with whether they are withheld."""
    return sorted(judged.doubts), [(each.session, each.is_withheld) for each in judged.breaks]


def fetched(bars: Sequence[Bar], moment_of: Callable[[date], datetime]) -> dict[date, Row]:
    """Rows that were each stored by the run of their own session."""
    return {session: {**row, "fetched_at": moment_of(session)} for session, row in rows(bars).items()}


NOTHING: tuple[list[date], list[tuple[date, bool]]] = ([], [])


class TestCleanSeries:
    @pytest.mark.parametrize("seed", range(20))
    def test_ordinary_days_and_dividends_are_fine(self, seed: int) -> None:
        assert found(judge(clean(seed))) == NOTHING

    @pytest.mark.parametrize("bars", [[], clean()[:1], clean()[:2]])
    def test_short_answers(self, bars: list[Bar]) -> None:
        assert found(judge(bars)) == NOTHING

    def test_each_close_is_measured_against_the_one_before(self) -> None:
        bars = clean()

        judged = judge(bars)

        assert judged.previous_closes == {bar.session: before.close for before, bar in pairwise(bars)}

    @pytest.mark.parametrize("ratio", [20.0, 0.1, 1.5, 1.064])
    def test_a_split_that_is_applied_is_fine(self, ratio: float) -> None:
        assert found(judge(changed(clean(), AT, split_ratio=ratio))) == NOTHING

    def test_a_capital_gain_may_count_or_be_part_of_the_dividend(self) -> None:
        beside = series(walk(), {AT: 0.5}, {AT: 1.2})
        within = [replace(bar, capital_gain=0.3 if bar.session == DAY else 0.0) for bar in series(walk(), {AT: 0.5})]

        assert found(judge(beside)) == NOTHING
        assert found(judge(within)) == NOTHING

    def test_a_whole_answer_on_another_basis_is_one(self) -> None:
        """After a split every stored close has changed by one factor, after two by one of two."""
        stored = rows(scaled(scaled(clean(), range(160), 4.0), range(60), 1.5))

        judged = judge(clean(), Known(stored))

        assert judged.contradiction is None
        assert found(judged) == NOTHING

    def test_two_versions_of_the_adjusted_closes_are_one(self) -> None:
        random = Random(3)
        bars = [replace(bar, adj_close=bar.adj_close * (1 + random.choice([0, 9e-8, -4e-7]))) for bar in clean()]

        assert found(judge(bars, Known(rows(clean())))) == NOTHING


class TestSteps:
    @pytest.mark.parametrize("factor", [100.0, 0.01, 1353.0, 2.0, 0.4])
    @pytest.mark.parametrize("at", [1, AT, len(DAYS) - 2])
    def test_one_odd_bar_makes_its_successor_no_odder(self, factor: float, at: int) -> None:
        bars = clean()

        judged = judge(scaled(bars, range(at, at + 1), factor))

        assert found(judged) == ([DAYS[at]], [])
        assert judged.previous_closes[DAYS[at + 1]] == bars[at - 1].close
        assert "would make it continuous" in told(judged.doubts[DAYS[at]])

    @pytest.mark.parametrize("factor", [100.0, 0.01, 1.57, 0.45])
    def test_a_new_level_is_a_break_and_what_follows_is_judged_against_it(self, factor: float) -> None:
        bars = scaled(clean(), range(AT, len(DAYS)), factor)

        judged = judge(bars)

        assert found(judged) == ([DAY], [(DAY, True)])
        assert judged.previous_closes[DAYS[AT + 1]] == bars[AT].close

    @pytest.mark.parametrize("factor", [100.0, 0.3])
    def test_the_newest_bar_is_a_break_until_the_next_one_tells(self, factor: float) -> None:
        bars = scaled(clean(), range(AT, AT + 1), factor)[: AT + 1]

        assert found(judge(bars)) == ([DAY], [(DAY, True)])

    @pytest.mark.parametrize("factor", [100.0, 10.0, 1.7, 0.4])
    def test_one_odd_bar_that_is_stored_already_costs_no_true_one(self, factor: float) -> None:
        bars = scaled(clean(), range(AT, AT + 1), factor)[: AT + 3]

        noted = [(DAY, False), (DAYS[AT + 1], False)]

        assert found(judge(bars, Known(rows(bars[: AT + 1])))) == ([DAY], noted)
        assert found(judge(bars, Known(rows(bars[: AT + 2])))) == ([], noted)

    @pytest.mark.parametrize("factor", [1.7, 0.4])
    def test_a_stored_new_level_stays_one(self, factor: float) -> None:
        bars = scaled(clean(), range(AT, len(DAYS)), factor)[: AT + 2]

        assert found(judge(bars, Known(rows(bars[: AT + 1])))) == ([], [(DAY, False)])

    def test_two_odd_bars_are_two_breaks(self) -> None:
        judged = judge(scaled(clean(), range(AT, AT + 2), 100.0))

        assert found(judged) == ([DAY, DAYS[AT + 2]], [(DAY, True), (DAYS[AT + 2], True)])

    def test_a_true_move_that_gives_something_back_is_a_new_level(self) -> None:
        """+57 %, then -5 %: the next close is nearer to the new level than to the old one."""
        bars = series([100.0] * 10 + [157.0, 149.0, 152.0])

        assert found(judge(bars)) == ([DAYS[10]], [(DAYS[10], True)])

    def test_the_reason_says_which_factor_would_mend_it(self) -> None:
        [doubts] = judge(series([5.0] * 5 + [500.0, 5.0])).doubts.values()

        assert told(doubts) == "close moved +9,900.0% without a split (5 -> 500): x 0.01 would make it continuous"

    @pytest.mark.parametrize("step", [1.5, 0.51])
    def test_up_to_half_is_an_ordinary_move(self, step: float) -> None:
        assert found(judge(series([100.0] * 5 + [100.0 * step] * 5))) == NOTHING

    def test_rates_are_judged_by_their_steps_alone(self) -> None:
        bars = changed(series(walk(start=1400.0, move=0.004)), 50, adj_close=700.0)

        assert found(judge(bars, is_rate=True)) == NOTHING
        assert found(judge(scaled(bars, range(AT, AT + 1), 0.01), is_rate=True)) == ([DAY], [])


class TestAnswersThatLeaveOutWhatIsStored:
    """An answer that begins behind stored bars: its first one is measured against the last of them."""

    STORED = rows(clean()[:AT])

    @pytest.mark.parametrize("factor", [100.0, 10.0, 1.6, 0.45, 0.1, 0.01])
    def test_its_only_bar_is_as_doubtful_as_at_the_end_of_a_whole_answer(self, factor: float) -> None:
        whole = judge(scaled(clean(), range(AT, AT + 1), factor)[: AT + 1], Known(self.STORED))
        cut = judge(scaled(clean(), range(AT, AT + 1), factor)[AT : AT + 1], Known(self.STORED))

        assert found(cut) == found(whole) == ([DAY], [(DAY, True)])
        assert cut.previous_closes == {DAY: clean()[AT - 1].close}

    @pytest.mark.parametrize("factor", [100.0, 0.1])
    def test_one_odd_bar_at_its_beginning_is_no_new_level(self, factor: float) -> None:
        bars = scaled(clean(), range(AT, AT + 1), factor)[AT:]

        assert found(judge(bars, Known(self.STORED))) == ([DAY], [])

    def test_a_whole_answer_of_later_does_not_excuse_it(self) -> None:
        odd = scaled(clean(), range(AT, AT + 1), 10.0)[: AT + 1]
        first = judge(odd[AT:], Known(self.STORED))
        waiting = {DAY: {"close_price": odd[AT].close}}

        assert DAY in first.doubts
        assert found(judge(odd, Known(self.STORED, waiting=waiting))) == ([DAY], [(DAY, True)])
        assert found(judge([*odd, clean()[AT + 1]], Known(self.STORED, waiting=waiting))) == ([DAY], [])

    def test_so_is_a_reverse_split_that_the_source_does_not_list(self) -> None:
        bars = scaled(clean(), range(AT, len(DAYS)), 10.0)[AT:]

        assert found(judge(bars, Known(self.STORED))) == ([DAY], [(DAY, True)])

    @pytest.mark.parametrize("count", [1, 2, 40])
    @pytest.mark.parametrize("start", [AT, AT - 1, AT - 30])
    def test_a_clean_one_is_fine(self, start: int, count: int) -> None:
        assert found(judge(clean()[start : start + count], Known(self.STORED))) == NOTHING

    @pytest.mark.parametrize("ratio", [20.0, 0.1, 1.5, 1.064])
    @pytest.mark.parametrize("split_at", [AT, AT + 1])
    @pytest.mark.parametrize("is_adjusted", [True, False])
    def test_a_split_since_may_be_in_the_stored_close_or_not(
        self, ratio: float, split_at: int, is_adjusted: bool
    ) -> None:
        bars = changed(clean(), split_at, split_ratio=ratio)[AT : AT + 2]
        stored = self.STORED if is_adjusted else rows(scaled(clean(), range(AT), ratio)[:AT])

        judged = judge(bars, Known(stored))

        assert judged.doubts == {}
        assert judged.previous_closes[DAY] == pytest.approx(clean()[AT - 1].close)

    @pytest.mark.parametrize("missing", [1, 5])
    def test_some_missing_sessions_excuse_no_leap(self, missing: int) -> None:
        stored, gaps = rows(clean()[: AT - missing]), set(DAYS[AT - missing : AT])

        assert DAY in judge(scaled(clean(), range(161), 10.0)[AT:], Known(stored, gaps=gaps)).doubts

    @pytest.mark.parametrize("factor", [2.0, 0.3])
    def test_after_a_long_pause_any_level_is_believed(self, factor: float) -> None:
        stored, gaps = rows(clean()[: AT - 6]), set(DAYS[AT - 6 : AT])

        judged = judge(scaled(clean(), range(161), factor)[AT:], Known(stored, gaps=gaps))

        assert found(judged) == NOTHING
        assert DAY not in judged.previous_closes

    def test_a_newly_listed_ticker_has_nothing_to_be_measured_against(self) -> None:
        assert found(judge(scaled(clean(), range(161), 10.0)[AT:], Known(rows(clean()[AT:])))) != NOTHING
        assert found(judge(scaled(clean(), range(161), 10.0)[AT:], Known())) == NOTHING

    @pytest.mark.parametrize("factor", [1.3, 1.4, 0.7])
    def test_an_unusual_step_is_noted(self, factor: float) -> None:
        """Another company under the same symbol, at a level that a day may reach."""
        bars = scaled(series(walk(7, start=clean()[AT - 1].close)), range(161), factor)
        bars = [replace(bar, session=day) for bar, day in zip(bars, DAYS[AT:], strict=False)]

        judged = judge(bars, Known(self.STORED))

        assert found(judged) == ([], [(DAY, False)])
        assert "to the first one of the answer, which leaves out all before" in told(judged.breaks[0].reasons)

    def test_the_same_step_inside_an_answer_is_trading(self) -> None:
        bars = scaled(clean(), range(AT, 161), 1.3)

        assert found(judge(bars)) == found(judge(bars, Known(self.STORED))) == NOTHING

    def test_a_step_that_a_person_has_accepted_is_fine(self) -> None:
        bars, before = scaled(clean(), range(161), 10.0)[AT:], clean()[AT - 1].close
        step = bars[0].close / before

        assert found(judge(bars, Known(self.STORED, accepted={DAY: step})))[0] == []
        assert judge(bars, Known(self.STORED, accepted={DAY: step})).approved == {DAY}

    def test_another_step_than_the_accepted_one_is_not(self) -> None:
        judged = judge(scaled(clean(), range(161), 100.0)[AT:], Known(self.STORED, accepted={DAY: 10.0}))

        assert DAY in judged.doubts
        assert judged.approved == set()

    def test_an_exchange_rate_too(self) -> None:
        won = series(walk(start=1400.0, move=0.004))

        judged = judge(scaled(won, range(161), 0.01)[-1:], Known(rows(won[:-1])), is_rate=True)

        assert found(judged) == ([DAYS[-1]], [(DAYS[-1], True)])
        assert found(judge(won[-1:], Known(rows(won[:-1])), is_rate=True)) == NOTHING


class TestFallsOfAThirdToAHalf:
    """Undoing one would be a rise over the limit, so an odd bar of that size would have cost the true one after it."""

    FACTORS = pytest.mark.parametrize("factor", [0.51, 0.55, 0.6, 0.64])

    @staticmethod
    def flat(factor: float = 1.0, which: range = range(AT, AT + 1)) -> list[Bar]:
        return scaled(series(walk(move=0.002), QUARTERLY), which, factor)

    @FACTORS
    @pytest.mark.parametrize("at", [1, AT, len(DAYS) - 2])
    def test_one_odd_bar_costs_itself_alone(self, factor: float, at: int) -> None:
        judged = judge(self.flat(factor, range(at, at + 1)))

        assert found(judged) == ([DAYS[at]], [])
        assert judged.previous_closes[DAYS[at + 1]] == self.flat()[at - 1].close

    @FACTORS
    def test_the_newest_one_may_be_true_and_is_noted(self, factor: float) -> None:
        judged = judge(self.flat(factor)[: AT + 1], Known(rows(self.flat()[:AT])))

        assert found(judged) == ([], [(DAY, False)])
        assert told(judged.breaks[0].reasons).startswith("close moved -")

    @FACTORS
    def test_its_row_is_noted_on_both_sides_once_the_next_one_tells(self, factor: float) -> None:
        bars = self.flat(factor)[: AT + 2]

        judged = judge(bars, Known(rows(bars[: AT + 1])))

        assert found(judged) == ([DAY], [(DAY, False), (DAYS[AT + 1], False)])
        assert judged.approved == set()

    @FACTORS
    def test_it_replaces_no_stored_bar(self, factor: float) -> None:
        truth = rows(self.flat())

        assert found(judge(self.flat(factor), Known(truth))) == ([DAY], [])
        assert found(judge(self.flat(factor)[: AT + 1], Known(rows(self.flat()[: AT + 1])))) == ([DAY], [])

    @FACTORS
    def test_where_the_prices_stay_the_fall_is_true(self, factor: float) -> None:
        bars = self.flat(factor, range(AT, len(DAYS)))

        assert found(judge(bars)) == NOTHING
        assert found(judge(bars[: AT + 2], Known(rows(bars[: AT + 1])))) == NOTHING

    @pytest.mark.parametrize("rise", [0.9, 1.2, 1.45])
    def test_a_part_of_it_may_come_back(self, rise: float) -> None:
        assert found(judge(series([100.0] * 10 + [55.0, 55.0 * rise, 55.0 * rise]))) == NOTHING

    def test_an_ordinary_fall_before_an_odd_rise_is_none(self) -> None:
        """The rise goes far beyond the level before the fall, so it is the odd one."""
        assert found(judge(series([100.0] * 10 + [90.0, 160.0, 91.0]))) == ([DAYS[11]], [])

    def test_a_person_has_the_last_word(self) -> None:
        bars = series([100.0] * 10 + [55.0, 100.0])

        assert DAYS[10] not in judge(bars, Known(accepted={DAYS[10]: 0.55})).doubts
        assert found(judge(bars[:11], Known(accepted={DAYS[10]: 0.55}))) == NOTHING

    @FACTORS
    def test_on_the_day_of_a_split_its_rules_count(self, factor: float) -> None:
        bars = changed(self.flat(factor), AT, split_ratio=2.0)

        assert DAY in judge(bars).doubts

    def test_a_split_that_follows_tells_nothing(self) -> None:
        bars = changed(scaled(self.flat(), range(AT + 1), 0.5), AT + 1, split_ratio=0.5)

        assert found(judge(bars)) == ([DAYS[AT + 1]], [(DAYS[AT + 1], True)])

    @pytest.mark.parametrize("factor", [0.81, 0.83])
    def test_a_rate_of_a_sixth_to_a_fifth_less(self, factor: float) -> None:
        won = scaled(series(walk(start=1400.0, move=0.002)), range(AT, AT + 1), factor)

        assert found(judge(won, is_rate=True)) == ([DAY], [])
        assert found(judge(won[: AT + 1], is_rate=True)) == ([], [(DAY, False)])


def unapplied(bars: Sequence[Bar], at: int, ratio: float) -> list[Bar]:
    """List a split, but leave the older bars unadjusted."""
    return changed(scaled(bars, range(at), ratio), at, split_ratio=ratio)


class TestSplits:
    @pytest.mark.parametrize(
        ("ratio", "words"),
        [
            (0.05, "1:20 split .*older closes x 20 would make it continuous, the source may not have adjusted them"),
            (0.1, "1:10 split .*older closes x 10 would"),
            (10.0, "10:1 split .*older closes x 0.1 would"),
            (20.0, "20:1 split .*older closes x 0.05 would"),
            (1.5, "3:2 split .*older closes x 0.666667 would"),
            (4 / 3, "4:3 split .*older closes x 0.75 would"),
            (0.8, "4:5 split .*older closes x 1.25 would"),
            (1.25, "5:4 split .*older closes x 0.8 would"),
        ],
    )
    def test_older_bars_that_are_not_adjusted_are_a_break(self, ratio: float, words: str) -> None:
        judged = judge(unapplied(clean(), AT, ratio))

        assert found(judged) == ([DAY], [(DAY, True)])
        assert told(judged.doubts[DAY]).startswith("close moved ")
        assert re.search(words, told(judged.doubts[DAY]))

    @pytest.mark.parametrize("ratio", [10.0, 1.5])
    def test_older_bars_that_are_adjusted_twice_are_a_break_too(self, ratio: float) -> None:
        judged = judge(changed(scaled(clean(), range(AT), 1 / ratio), AT, split_ratio=ratio))

        assert found(judged) == ([DAY], [(DAY, True)])
        assert f"older closes x {ratio:g} would" in told(judged.doubts[DAY])

    @pytest.mark.parametrize("ratio", [1.064, 0.94])
    def test_a_spinoffs_step_is_noted_where_it_is_larger_than_usual(self, ratio: float) -> None:
        calm = series(walk(move=0.005))

        judged = judge(unapplied(calm, AT, ratio))

        assert found(judged) == ([], [(DAY, False)])

    @pytest.mark.parametrize("move", [0.03, -0.03, 0.01])
    def test_an_ordinary_move_on_a_spinoffs_day_is_fine(self, move: float) -> None:
        closes = walk(move=0.012)
        shifted = [close * (math.exp(move) if at >= AT else 1) for at, close in enumerate(closes)]
        shifted = [*shifted[:AT], shifted[AT] / closes[AT] * closes[AT - 1], *shifted[AT + 1 :]]

        assert found(judge(changed(series(shifted), AT, split_ratio=1.064))) == NOTHING

    @pytest.mark.parametrize("ratio", [1.064, 1.2, 3.0])
    def test_closes_stored_before_the_split_that_are_still_the_same_prove_it(self, ratio: float) -> None:
        bars = unapplied(clean(), AT, ratio)[: AT + 1]
        before = rows(bars[:AT], EVENING_BEFORE)

        assert found(judge(bars, Known(before))) == ([DAY], [(DAY, True)])

    @pytest.mark.parametrize("moment_of", [each_evening, next_morning, after_midnight])
    @pytest.mark.parametrize("ratio", [1.02, 1.05, 1.064, 1.1, 3.0])
    def test_they_prove_it_on_any_schedule(self, moment_of: Callable[[date], datetime], ratio: float) -> None:
        """A row that was stored on the morning of the split is of before it, but its moment does not say so."""
        bars = unapplied(clean(), AT, ratio)[: AT + 1]

        assert found(judge(bars, Known(fetched(bars[:AT], moment_of)))) == ([DAY], [(DAY, True)])

    @pytest.mark.parametrize("moment_of", [each_evening, next_morning, after_midnight])
    @pytest.mark.parametrize("ratio", [1.02, 1.064, 3.0])
    def test_closes_that_were_adjusted_since_are_fine_on_any_schedule(
        self, moment_of: Callable[[date], datetime], ratio: float
    ) -> None:
        bars = changed(clean(), AT, split_ratio=ratio)[: AT + 1]
        before = fetched(scaled(bars[:AT], range(AT), ratio), moment_of)

        assert found(judge(bars, Known(before))) == NOTHING

    @pytest.mark.parametrize("ratio", [1.02, 1.064, 3.0])
    def test_closes_that_were_adjusted_on_the_morning_of_the_split_are_fine(self, ratio: float) -> None:
        """The source was early, and every row was stored anew."""
        bars = changed(clean(), AT, split_ratio=ratio)[: AT + 1]

        assert found(judge(bars, Known(rows(bars[:AT], next_morning(DAYS[AT - 1]))))) == NOTHING

    @pytest.mark.parametrize("ratio", [1.0125, 2.0])
    def test_closes_that_were_adjusted_that_morning_and_are_not_any_more_prove_it(self, ratio: float) -> None:
        stored = rows(clean()[:AT], next_morning(DAYS[AT - 1])) | rows(clean()[AT:])

        assert found(judge(unapplied(clean(), AT, ratio), Known(stored))) == ([DAY], [(DAY, True)])

    @pytest.mark.parametrize("ratio", [1.0125, 0.98])
    def test_closes_that_were_adjusted_the_other_way_prove_it(self, ratio: float) -> None:
        before = rows(clean()[:AT], EVENING_BEFORE)

        assert found(judge(unapplied(clean(), AT, ratio)[: AT + 1], Known(before))) == ([DAY], [(DAY, True)])

    @pytest.mark.parametrize("move", [-0.02, 0.02])
    def test_a_proven_small_split_is_a_break_wherever_the_next_close_is(self, move: float) -> None:
        bars = unapplied(clean(), AT, 1.0125)
        bars = [
            *bars[: AT + 1],
            *scaled(bars, range(AT + 1, len(bars)), bars[AT].close / bars[AT + 1].close + move)[AT + 1 :],
        ]

        assert (DAY, True) in found(judge(bars, Known(rows(clean()[:AT], EVENING_BEFORE))))[1]

    def test_closes_stored_some_sessions_before_the_split_prove_it_as_well(self) -> None:
        bars = unapplied(clean(), AT, 1.0125)[: AT + 1]
        before = rows(bars[: AT - 3], EVENING_BEFORE)

        assert found(judge(bars, Known(before))) == ([DAY], [(DAY, True)])

    @pytest.mark.parametrize("ratio", [1.064, 1.2, 3.0])
    def test_closes_that_were_adjusted_since_are_fine(self, ratio: float) -> None:
        bars = changed(clean(), AT, split_ratio=ratio)[: AT + 1]
        before = rows(scaled(bars[:AT], range(AT), ratio), EVENING_BEFORE)

        assert found(judge(bars, Known(before))) == NOTHING

    @pytest.mark.parametrize("ratio", [1.0125, 0.98, 1.064, 2.0])
    def test_closes_that_were_adjusted_once_and_are_not_any_more_prove_it(self, ratio: float) -> None:
        stored = rows(clean())

        assert found(judge(unapplied(clean(), AT, ratio), Known(stored))) == ([DAY], [(DAY, True)])

    @pytest.mark.parametrize("ratio", [1.0125, 0.98, 1.064, 2.0])
    def test_closes_that_are_adjusted_late_are_fine(self, ratio: float) -> None:
        stored = rows(scaled(clean(), range(AT), ratio))

        assert found(judge(changed(clean(), AT, split_ratio=ratio), Known(stored))) == NOTHING

    def test_a_bar_that_waits_for_another_reason_proves_no_split(self) -> None:
        waiting = {DAY: {"doubt": None, "high_price": 1.0}}

        assert found(judge(unapplied(clean(), AT, 1.0125), Known(waiting=waiting))) == NOTHING

    def test_a_split_that_only_the_stored_row_knows_counts(self) -> None:
        """The source has lost the split and what it did to the older closes."""
        stored = rows(changed(clean(), AT, split_ratio=1.5))
        stored[DAYS[AT - 1]]["close_price"] *= 1.01  # so that not the very same step is stored

        assert found(judge(scaled(clean(), range(AT), 1.5), Known(stored))) == ([DAY], [(DAY, True)])


class TestAccepted:
    def moved(self) -> list[Bar]:
        return scaled(clean(), range(AT, len(DAYS)), 1.57)

    def test_a_step_that_a_person_has_accepted_is_fine(self) -> None:
        bars = self.moved()
        step = bars[AT].close / bars[AT - 1].close

        for accepted in (step, None):
            judged = judge(bars, Known(accepted={DAY: accepted}))
            assert found(judged) == NOTHING
            assert judged.approved == {DAY}

    def test_also_after_a_split_of_later(self) -> None:
        bars = self.moved()
        step = bars[AT].close / bars[AT - 1].close

        judged = judge(changed(scaled(bars, range(150), 0.25), 150, split_ratio=4.0), Known(accepted={DAY: step}))

        assert DAY not in judged.doubts

    def test_another_step_of_the_same_day_is_not(self) -> None:
        bars = self.moved()
        step = bars[AT].close / bars[AT - 1].close

        judged = judge(scaled(bars, range(AT, AT + 1), 100.0), Known(accepted={DAY: step}))

        assert DAY in judged.doubts
        assert judged.approved == set()

    def test_a_step_that_is_stored_already_is_noted(self) -> None:
        bars = self.moved()

        judged = judge(bars, Known(rows(bars)))

        assert found(judged) == ([], [(DAY, False)])
        assert judged.approved == {DAY}

    def test_an_accepted_dividend_and_adjusted_close_are_fine(self) -> None:
        absurd = series(walk(), {AT: 45.0})
        torn = scaled_adjusted(clean(), range(AT), 0.9)

        for bars in (absurd, torn):
            assert list(judge(bars).doubts) == [DAY]
            assert found(judge(bars, Known(accepted={DAY: None}))) == NOTHING

    def test_a_bar_that_was_accepted_for_its_range_stays_accepted(self) -> None:
        assert judge(clean(), Known(accepted={DAY: None})).approved == {DAY}


def scaled_adjusted(bars: Sequence[Bar], which: range, factor: float) -> list[Bar]:
    return [
        replace(bar, adj_close=bar.adj_close * factor) if number in which else bar for number, bar in enumerate(bars)
    ]


class TestAdjustedCloses:
    @pytest.mark.parametrize(
        ("factor", "words"),
        [
            (0.989, "the adjusted close falls by 1.10% without a dividend"),
            (0.9995, "the adjusted close falls by 0.0500% without a dividend"),
            (1.013, "the adjusted close rises by 1.30% without a dividend"),
        ],
    )
    def test_a_fall_without_a_dividend_is_noted(self, factor: float, words: str) -> None:
        judged = judge(scaled_adjusted(clean(), range(AT), factor))

        assert (found(judged), told(judged.breaks[0].reasons)) == (([], [(DAY, False)]), words)

    @pytest.mark.parametrize("factor", [0.97, 1.1, 0.001])
    def test_a_clear_one_makes_the_bar_doubtful(self, factor: float) -> None:
        assert found(judge(scaled_adjusted(clean(), range(AT), factor))) == ([DAY], [(DAY, True)])

    def test_a_single_adjusted_close_that_is_off_is_one_doubt(self) -> None:
        assert found(judge(scaled_adjusted(clean(), range(AT, AT + 1), 0.9))) == ([DAY], [])

    def test_a_single_one_that_is_a_little_off_is_noted_on_both_sides(self) -> None:
        judged = judge(scaled_adjusted(clean(), range(AT, AT + 1), 0.99))

        assert found(judged) == ([], [(DAY, False), (DAYS[AT + 1], False)])

    def test_a_close_that_is_off_below_the_step_shows_in_it(self) -> None:
        bars = clean()

        assert found(judge(changed(bars, AT, close=bars[AT].close * 1.4))) == ([DAY], [])

    @pytest.mark.parametrize("seed", range(10))
    @pytest.mark.parametrize("amount", [0.01, 0.4, 1.9])
    def test_a_dividend_that_is_forgotten_is_noted(self, seed: int, amount: float) -> None:
        bars = [replace(bar, dividend=amount) if number == AT else bar for number, bar in enumerate(series(walk(seed)))]
        is_clear = amount / bars[AT - 1].close > 0.02

        assert found(judge(bars)) == ([DAY] if is_clear else [], [(DAY, is_clear)])

    def test_a_large_one_that_is_forgotten_is_doubtful(self) -> None:
        assert found(judge(changed(series([100.0] * 161), AT, dividend=3.0))) == ([DAY], [(DAY, True)])

    @pytest.mark.parametrize(("amount", "is_withheld"), [(0.41, False), (1.2, False), (3.0, True)])
    def test_a_dividend_counted_twice(self, amount: float, is_withheld: bool) -> None:
        closes = walk()
        once, twice = series(closes, {AT: amount}), series(closes, {AT: 2 * amount})
        bars = [replace(two, dividend=one.dividend) for one, two in zip(once, twice, strict=True)]

        judged = judge(bars)

        assert found(judged) == ([DAY] if is_withheld else [], [(DAY, is_withheld)])
        assert f"the dividend of {amount:g} is" in told(judged.breaks[0].reasons)

    def test_the_smallest_dividend_counts(self) -> None:
        """A cent on 180 dollars a quarter, whose event is lost."""
        bars = [replace(bar, dividend=0.0) for bar in series(walk(start=180.0), {AT: 0.01})]

        assert found(judge(bars)) == ([], [(DAY, False)])

    def test_dividends_may_be_rounded(self) -> None:
        bars = [replace(bar, dividend=round(bar.dividend, 4)) for bar in series(walk(), {AT: 0.412345, 40: 0.38129})]

        assert found(judge(bars)) == NOTHING

    @pytest.mark.parametrize(("digits", "start"), [(2, 100.0), (2, 16.0), (0, 70_000.0)])
    def test_a_recording_may_round_adjusted_closes(self, digits: int, start: float) -> None:
        dividends = {40: 0.005 * start, 100: 0.005 * start, 160: 0.005 * start}
        bars = [replace(bar, adj_close=round(bar.adj_close, digits)) for bar in series(walk(start=start), dividends)]

        assert found(judge(bars)) == NOTHING
        forgotten = [replace(bar, dividend=0.0) if number == 100 else bar for number, bar in enumerate(bars)]
        assert found(judge(forgotten)) == ([], [(DAYS[100], False)]), "rounding hides no dividend"

    def test_beside_a_missing_session_a_dividend_is_taken_off_an_unknown_close(self) -> None:
        bars = series(walk(), {AT: 1.0})
        del bars[AT - 1]

        assert found(judge(bars, Known(gaps={DAYS[AT - 1]}))) == NOTHING
        forgotten = scaled_adjusted(bars, range(AT - 1), 1.012)
        assert found(judge(forgotten, Known(gaps={DAYS[AT - 1]}))) == ([], [(DAY, False)])


class TestDividends:
    @pytest.mark.parametrize("amount", [45.0, 21.0, 70.0])
    def test_an_absurd_one_is_doubtful_even_if_the_adjusted_closes_follow(self, amount: float) -> None:
        judged = judge(series([100.0] * 161, {AT: amount}))

        assert found(judged) == ([DAY], [(DAY, True)])
        assert f"the dividend of {amount:g} is {amount:.2f}% of the close before" in told(judged.doubts[DAY])

    def test_one_beyond_the_price_is_doubtful(self) -> None:
        assert list(judge(changed(clean(), AT, dividend=0.4 * 1353)).doubts) == [DAY]

    @pytest.mark.parametrize("close", [70.0, 86.0])
    def test_a_matching_fall_makes_a_large_one_plausible(self, close: float) -> None:
        assert found(judge(series([100.0] * AT + [close] * 41, {AT: 25.0}))) == NOTHING

    def test_half_the_fall_is_too_little(self) -> None:
        assert list(judge(series([100.0] * AT + [88.0] * 41, {AT: 25.0})).doubts) == [DAY]

    @pytest.mark.parametrize("factor", [100, 1353])
    def test_one_that_stands_out_from_the_tickers_others_is_doubtful(self, factor: int) -> None:
        """A yield so low that a hundred times as much is still below a fifth of the price."""
        dividends = {at: 0.012 for at in (10, 40, 70, 100)} | {AT: 0.012 * factor}

        assert found(judge(series([100.0] * 161, dividends))) == ([DAY], [(DAY, True)])

    def test_a_very_small_one_that_stands_out_is_noted(self) -> None:
        dividends = {at: 0.002 for at in (10, 40, 70, 100)} | {AT: 0.2}

        assert found(judge(series([100.0] * 161, dividends))) == ([], [(DAY, False)])

    def test_few_others_are_no_proof(self) -> None:
        assert found(judge(series([100.0] * 161, {40: 0.012, AT: 1.2}))) == ([], [(DAY, False)])

    def test_a_special_dividend_among_regular_ones_is_fine(self) -> None:
        assert found(judge(series([100.0] * 161, {10: 0.4, 40: 0.4, 70: 0.4, AT: 3.0}))) == NOTHING

    def test_many_small_ones_make_a_regular_one_no_lie(self) -> None:
        """Four quarterly dividends among many stray entries of some tenths of a cent."""
        closes = [14.0] * 161
        dividends = {at: 0.006 for at in range(3, 160, 7)} | {at: 0.15 for at in (15, 55, 95, 135)}

        assert found(judge(series(closes, dividends))) == NOTHING

    def test_a_twentieth_of_the_price_without_a_fall_is_noted(self) -> None:
        assert found(judge(series([100.0] * 161, {AT: 8.0}))) == ([], [(DAY, False)])


class TestTwofoldCloses:
    """A past session that the source lists twice, with two closes."""

    @staticmethod
    def twofold(factor: float, other: float = 1.0, at: int = AT) -> list[Bar]:
        """Return bars of which one is the true close times a factor, beside another line of its session."""
        bars = scaled(clean(), range(at, at + 1), factor)
        return changed(bars, at, other_close=clean()[at].close * other)

    @pytest.mark.parametrize("at", [0, 1, AT, len(DAYS) - 1])
    @pytest.mark.parametrize(("factor", "other"), [(1.3, 1.0), (0.7, 1.0), (1.05, 1.0), (1.0, 1.3), (1.0, 0.95)])
    def test_clearly_different_ones_wait_for_a_person(self, factor: float, other: float, at: int) -> None:
        judged = judge(self.twofold(factor, other, at))

        assert found(judged) == ([DAYS[at]], [])
        assert "the source lists the session twice, with closes of " in told(judged.doubts[DAYS[at]])

    @pytest.mark.parametrize("factor", [1.01, 0.985])
    def test_slightly_different_ones_are_noted(self, factor: float) -> None:
        assert found(judge(self.twofold(factor))) == ([], [(DAY, False)])

    def test_the_one_that_is_stored_just_so_is_noted(self) -> None:
        assert found(judge(self.twofold(1.0, 1.3), Known(rows(clean())))) == ([], [(DAY, False)])
        assert found(judge(self.twofold(1.3, 1.0), Known(rows(clean())))) == ([DAY], [])

    def test_one_that_waits_is_not_excused_by_a_row(self) -> None:
        known = Known(rows(clean()), waiting={DAY: {"close_price": clean()[AT].close}})

        assert DAY in judge(self.twofold(1.0, 1.3), known).doubts

    def test_a_person_has_the_last_word(self) -> None:
        bars = self.twofold(1.3)
        step = bars[AT].close / bars[AT - 1].close

        assert found(judge(bars, Known(accepted={DAY: step}))) == NOTHING
        assert DAY in judge(bars, Known(accepted={DAY: step / 1.3})).doubts


class TestStandstill:
    """The newest sessions repeat the close before them, and nothing was traded."""

    @staticmethod
    def still(count: int = 1, end: int = 161, **values: Any) -> list[Bar]:
        bars = clean()[:end]
        repeated = {"volume": 0, "dividend": 0.0, **values}
        last = bars[end - count - 1]
        return [*bars[: end - count], *(replace(last, session=bar.session, **repeated) for bar in bars[end - count :])]

    @pytest.mark.parametrize("count", [1, 2, 5, 30])
    def test_each_is_noted(self, count: int) -> None:
        bars = self.still(count, AT)

        judged = judge(bars, Known(rows(bars[:-1])))

        assert found(judged) == ([], [(day, False) for day in DAYS[AT - count : AT]])
        assert "is repeated from " in told(judged.breaks[0].reasons)

    @pytest.mark.parametrize(
        "prices", [{"open": None, "high": None, "low": None}, dict.fromkeys(("open", "high", "low"), clean()[-2].close)]
    )
    def test_whatever_its_range_repeats(self, prices: dict[str, Any]) -> None:
        assert found(judge(self.still(**prices))) == ([], [(DAYS[-1], False)])

    def test_also_of_an_answer_that_has_nothing_else(self) -> None:
        stored = {day: row | {"volume": 1000} for day, row in rows(clean()[:-1]).items()}

        assert found(judge(self.still()[-1:], Known(stored))) == ([], [(DAYS[-1], False)])

    def test_a_close_that_was_traded_is_not_replaced(self) -> None:
        stored = {day: row | {"volume": 1000} for day, row in rows(clean()).items()}

        judged = judge(self.still(), Known(stored))

        assert found(judged) == ([DAYS[-1]], [])
        assert judge(self.still(), Known(stored, accepted={DAYS[-1]: 1.0})).doubts == {}

    @pytest.mark.parametrize(
        "values", [{"volume": 1}, {"high": clean()[-2].close * 1.01}, {"open": clean()[-2].close * 0.99}]
    )
    def test_a_volume_or_a_range_is_trading(self, values: dict[str, Any]) -> None:
        assert found(judge(self.still(**values))) == NOTHING

    def test_so_is_another_close(self) -> None:
        assert found(judge(scaled(self.still(), range(160, 161), 1.001))) == NOTHING

    def test_what_was_traded_again_since_was_a_halt(self) -> None:
        assert found(judge([*self.still(3, 160), clean()[160]])) == NOTHING

    def test_a_ticker_of_which_the_source_knows_no_volume_may_repeat_a_close(self) -> None:
        assert found(judge([replace(bar, volume=0) for bar in self.still()])) == NOTHING

    def test_a_rate_has_none(self) -> None:
        assert found(judge(self.still(), is_rate=True)) == NOTHING


class TestPartlyAppliedSplits:
    """Bars of long before a split that the source has not adjusted for it: the step is no day's own."""

    @pytest.mark.parametrize("ratio", [20.0, 2.0, 1.5, 1.25, 0.7, 0.1])
    @pytest.mark.parametrize("at", [AT - 1, AT - 30])
    def test_the_step_where_the_adjusted_bars_begin(self, ratio: float, at: int) -> None:
        bars = scaled(changed(clean(), AT, split_ratio=ratio), range(at), ratio)

        assert found(judge(bars)) == ([DAYS[at]], [(DAYS[at], True)])

    @pytest.mark.parametrize("ratio", [1.5, 0.7])
    def test_one_bar_alone(self, ratio: float) -> None:
        at = AT - 30

        assert found(judge(scaled(changed(clean(), AT, split_ratio=ratio), range(at, at + 1), ratio))) == (
            [DAYS[at]],
            [],
        )

    @pytest.mark.parametrize("ratio", [1.5, 0.7])
    def test_the_same_step_without_a_later_split_is_trading(self, ratio: float) -> None:
        for bars in (clean(), changed(clean(), AT - 60, split_ratio=ratio)):
            assert found(judge(scaled(bars, range(AT - 30), ratio))) == NOTHING

    @pytest.mark.parametrize("seed", range(20))
    @pytest.mark.parametrize("ratio", [1.12, 1.5])
    def test_an_ordinary_day_before_a_small_split_is_fine(self, seed: int, ratio: float) -> None:
        assert found(judge(changed(series(walk(seed, move=0.04)), AT, split_ratio=ratio)))[0] in ([], [DAY])


class TestCapitalGains:
    """Closes are quiet but for what is paid, so that the fall of the ex-day shows what it was."""

    BEFORE = 60.0

    def fund(self, fall: float, taken: float, dividend: float, gain: float, move: float = 0.002) -> list[Bar]:
        """Return bars that fall by an amount, and whose adjusted closes take off another."""
        closes = walk(start=self.BEFORE, move=move)
        closes[AT - 1] = self.BEFORE
        level = (self.BEFORE - fall) / closes[AT]
        closes[AT:] = [close * level for close in closes[AT:]]
        bars = series(closes, {AT: taken})
        return changed(bars, AT, dividend=dividend, capital_gain=gain)

    @pytest.mark.parametrize(
        ("fall", "taken", "dividend", "gain"),
        [
            (7.857, 14.277, 7.857, 6.42),  # contained in the dividend, and taken off once more
            (1.437, 7.857, 1.437, 6.42),  # that never was
            (0.0, 30.0, 0.0, 30.0),
            (0.0, 6.42, 0.0, 6.42),
            (7.857, 1.437, 1.437, 6.42),  # left out of the adjusted closes
        ],
    )
    def test_one_that_the_fall_contradicts_is_doubtful(
        self, fall: float, taken: float, dividend: float, gain: float
    ) -> None:
        assert found(judge(self.fund(fall, taken, dividend, gain))) == ([DAY], [(DAY, True)])

    @pytest.mark.parametrize(
        ("fall", "taken", "dividend", "gain"),
        [
            (7.857, 7.857, 7.857, 6.42),  # contained in the dividend
            (7.857, 7.857, 1.437, 6.42),  # beside it
            (6.42, 6.42, 0.0, 6.42),
            (1.437, 1.437, 1.437, 6.42),  # that never was, and is not taken off either
            (20.0, 20.0, 0.0, 20.0),
        ],
    )
    @pytest.mark.parametrize("odd", [-0.01, 0.0, 0.01])
    def test_one_that_the_price_falls_by_is_fine(
        self, fall: float, taken: float, dividend: float, gain: float, odd: float
    ) -> None:
        bars = self.fund(fall + odd * self.BEFORE, taken, dividend, gain)

        assert found(judge(bars)) == NOTHING

    @pytest.mark.parametrize("dividend", [0.0, 0.9, 1.2, 1.43, 1.44, 1.45, 1.46, 1.5, 2.7])
    def test_one_that_is_left_out_is_doubtful_beside_any_dividend(self, dividend: float) -> None:
        """Whether it is taken off is no matter of the last digit of a share."""
        left_out = self.fund(6.42 + dividend, dividend, dividend, 6.42)

        assert found(judge(left_out)) == ([DAY], [(DAY, True)])

    @pytest.mark.parametrize("seed", range(20))
    def test_one_that_is_left_out_is_doubtful_whatever_the_closes(self, seed: int) -> None:
        closes = walk(seed, move=0.006)
        fall = 1 - 8.4 / closes[AT - 1]
        left_out = series([*closes[:AT], *(close * fall for close in closes[AT:])], {AT: 0.4})

        assert list(judge(changed(left_out, AT, capital_gain=8.0)).doubts) == [DAY]

    @pytest.mark.parametrize("rise", [-0.01, 0.0, 0.01, 0.03])
    @pytest.mark.parametrize("seed", range(20))
    def test_one_that_the_dividend_contains_is_fine_on_any_day(self, seed: int, rise: float) -> None:
        closes = walk(seed, move=0.006)
        level = (1 - 4.5 / closes[AT - 1]) * (1 + rise) * closes[AT - 1] / closes[AT]
        contained = series([*closes[:AT], *(close * level for close in closes[AT:])], {AT: 4.5})

        assert judge(changed(contained, AT, capital_gain=4.0)).doubts == {}

    def test_it_says_what_is_wrong(self) -> None:
        twice, left_out = self.fund(7.857, 14.277, 7.857, 6.42), self.fund(7.857, 1.437, 1.437, 6.42)

        assert told(judge(twice).doubts[DAY]) == (
            "the dividend of 7.857 with the capital gain of 6.42 is 23.79% of the close before, but the close falls by "
            "13.09%"
        )
        assert told(judge(left_out).doubts[DAY]) == (
            "the adjusted close leaves out the capital gain of 6.42, 10.70% of the close before, but the close falls "
            "by 13.09%"
        )

    def test_a_gain_of_one_or_two_per_cent_is_only_noted(self) -> None:
        assert found(judge(self.fund(1.0, 2.0, 1.0, 1.0))) == ([], [(DAY, False)])

    @pytest.mark.parametrize("seed", range(20))
    def test_a_gain_that_is_lost_among_ordinary_moves_is_fine(self, seed: int) -> None:
        within = changed(series(walk(seed), {AT: 1.0}), AT, capital_gain=0.6)

        assert found(judge(within)) == NOTHING

    def test_one_that_is_stored_just_so_is_noted(self) -> None:
        twice = self.fund(7.857, 14.277, 7.857, 6.42)

        judged = judge(twice, Known(rows(twice)))

        assert (found(judged), judged.approved) == (([], [(DAY, False)]), {DAY})

    def test_one_that_was_stored_rightly_excuses_nothing(self) -> None:
        once, twice = self.fund(7.857, 7.857, 7.857, 6.42), self.fund(7.857, 14.277, 7.857, 6.42)

        assert found(judge(twice, Known(rows(once)))) == ([DAY], [(DAY, True)])

    def test_an_accepted_one_is_fine(self) -> None:
        twice = self.fund(7.857, 14.277, 7.857, 6.42)

        judged = judge(twice, Known(accepted={DAY: twice[AT].close / self.BEFORE}))

        assert (found(judged), judged.approved) == (NOTHING, {DAY})


class TestLostDividends:
    def test_one_that_was_stored_and_is_gone_is_noted(self) -> None:
        judged = judge(series(walk(), {20: 0.4}), Known(rows(series(walk(), {20: 0.4, AT: 0.41}))))

        assert judged.doubts == {}
        assert judged.breaks == [Break(DAY, False, [reason("dividend_gone", dividend=0.41)])]

    def test_also_by_the_next_fetch_which_finds_it_gone_in_the_database_too(self) -> None:
        bars = series(walk(), {20: 0.4})

        judged = judge(bars, Known(rows(bars), lost_dividends={DAY: 0.41}))

        assert found(judged) == ([], [(DAY, False)])

    def test_one_that_has_come_back_is_fine(self) -> None:
        bars = series(walk(), {AT: 0.41})

        assert found(judge(bars, Known(rows(bars), lost_dividends={DAY: 0.41}))) == NOTHING

    def test_one_that_has_moved_by_a_day_is_fine(self) -> None:
        moved = series(walk(), {AT + 1: 0.41})

        assert found(judge(moved, Known(rows(series(walk(), {AT: 0.41}))))) == NOTHING


class TestContradictions:
    @pytest.mark.parametrize("seed", range(5))
    def test_a_series_shifted_by_a_day(self, seed: int) -> None:
        bars = clean(seed)
        shifted = [replace(bar, session=after.session) for bar, after in pairwise(bars)]

        judged = judge(shifted, Known(rows(bars)))

        assert re.match(r"its answer contradicts 1[56]\d of 160 stored closes", str(judged.contradiction))
        assert found(judged) == NOTHING

    @pytest.mark.parametrize("scale", [1.0, 3.7])
    def test_a_series_of_another_symbol(self, scale: float) -> None:
        other = series([close * scale for close in walk(seed=99)])

        assert judge(other, Known(rows(clean()))).contradiction

    @pytest.mark.parametrize(("count", "is_contradiction"), [(4, False), (5, True)])
    def test_a_few_closes_are_no_proof(self, count: int, is_contradiction: bool) -> None:
        judged = judge(series(walk(seed=99)), Known(rows(clean()[:count])))

        assert bool(judged.contradiction) is is_contradiction

    def test_some_restated_closes_are_no_contradiction(self) -> None:
        random = Random(5)
        bars = [replace(bar, close=bar.close * (1 + random.uniform(0, 0.01))) for bar in clean()[:60]] + clean()[60:]

        assert judge(bars, Known(rows(clean()))).contradiction is None

    @pytest.mark.parametrize("factor", [1.3, 0.75])
    def test_a_rate_moves_less_in_a_day_than_a_stock(self, factor: float) -> None:
        won = scaled(series(walk(start=1400.0, move=0.004)), range(160, 161), factor)

        assert found(judge(won, is_rate=True)) == ([DAYS[160]], [(DAYS[160], True)])
        assert found(judge(won)) == NOTHING

    def test_a_rate_of_a_tenth_more_is_a_crisis_s(self) -> None:
        won = scaled(series(walk(start=1400.0, move=0.004)), range(160, 161), 1.12)

        assert found(judge(won, is_rate=True)) == NOTHING

    def test_rates_contradict_by_their_level_alone(self) -> None:
        """They may be taken from other hours than those stored, but not from another currency."""
        won = series(walk(start=1400.0, move=0.004))
        otherwise = series([bar.close * (1.002 if at % 2 else 0.998) for at, bar in enumerate(won)])
        yen = series(walk(seed=4, start=150.0, move=0.004))

        assert judge(otherwise, Known(rows(won)), is_rate=True).contradiction is None
        assert "0.1" in str(judge(yen, Known(rows(won)), is_rate=True).contradiction)


def moved(bars: Sequence[Bar], which: range, by: int) -> list[Bar]:
    """Return the bars, some of them with the prices of the session that lies so many before them."""
    return [
        replace(bars[at - by], session=bar.session) if at in which and 0 <= at - by < len(bars) else bar
        for at, bar in enumerate(bars)
    ]


class TestStretchesOfOtherCloses:
    """Some sessions of an answer are shifted by a day or of another company, and most are as stored."""

    @staticmethod
    def other(which: range, factor: float, start: int = AT) -> list[Bar]:
        """Return clean bars, of which some are another company's that trades at such a part of the price."""
        alien = series(walk(99, start=clean()[start].close * factor))
        days = iter(alien)
        return [replace(next(days), session=bar.session) if at in which else bar for at, bar in enumerate(clean())]

    @pytest.mark.parametrize("by", [1, -1])
    @pytest.mark.parametrize("which", [range(AT, AT + 2), range(AT, AT + 5), range(100, 140), range(1, 4)])
    def test_a_stretch_that_is_shifted_waits_for_a_person(self, which: range, by: int) -> None:
        judged = judge(moved(clean(), which, by), Known(rows(clean())))

        assert found(judged)[0] == [DAYS[at] for at in which]
        assert all(not is_withheld for _, is_withheld in found(judged)[1])
        assert f"the closes of {len(which)} sessions in a row are those that are stored of the sessions " in told(
            judged.doubts[DAYS[which[0]]]
        )

    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize("count", [2, 3, 10])
    def test_also_the_newest_bars_that_are_not_stored_yet(self, count: int, seed: int) -> None:
        bars = clean(seed)

        judged = judge(moved(bars, range(161 - count, 161), 1), Known(rows(bars[:-1])))

        assert found(judged)[0] == DAYS[-count:]

    @pytest.mark.parametrize("ratio", [4.0, 0.1, 1.064])
    def test_also_after_a_split(self, ratio: float) -> None:
        bars = changed(clean(), 30, split_ratio=ratio)
        stored = rows(scaled(clean(), range(161), ratio))

        assert judge(moved(bars, range(AT, AT + 3), 1), Known(stored)).doubts.keys() == set(DAYS[AT : AT + 3])

    @pytest.mark.parametrize("by", [1, -1])
    @pytest.mark.parametrize("which", [range(AT, AT + 3), range(158, 161), range(1, 4)])
    def test_the_truth_mends_a_shift_that_is_stored(self, which: range, by: int) -> None:
        which = range(which.start, min(which.stop, 160)) if by < 0 else which

        assert judge(clean(), Known(rows(moved(clean(), which, by)))).doubts == {}

    def test_the_newest_bar_may_repeat_the_close_before(self) -> None:
        bars = series([*walk()[:160], walk()[159]])

        assert found(judge(bars, Known(rows(bars[:-1])))) == NOTHING

    @pytest.mark.parametrize("factor", [1.07, 0.9, 1.4, 3.0])
    @pytest.mark.parametrize(
        ("which", "stored"), [(range(151, 161), 160), (range(158, 161), 161), (range(AT, AT + 9), 161)]
    )
    def test_another_company_s_bars_wait_for_a_person(self, which: range, stored: int, factor: float) -> None:
        judged = judge(self.other(which, factor, which[0]), Known(rows(clean()[:stored])))

        assert {DAYS[at] for at in which} <= judged.doubts.keys()
        assert judged.doubts.keys() <= {DAYS[at] for at in (*which, which[-1] + 1) if at < 161}

    @pytest.mark.parametrize("factor", [1.1, 0.85])
    @pytest.mark.parametrize("count", [4, 5])
    def test_also_in_an_answer_that_has_nothing_else(self, factor: float, count: int) -> None:
        """Of which too little is stored for a contradiction, and the step is below the limit."""
        which = range(161 - count, 161)
        bars = self.other(which, factor, which[0])[which.start :]

        assert judge(bars, Known(rows(clean()[:-1]))).doubts.keys() == set(DAYS[which.start :])
        assert judge(clean()[which.start :], Known(rows(clean()[:-1]))).doubts == {}

    @pytest.mark.parametrize("factor", [1.2, 0.8])
    def test_the_ticker_s_own_bars_mend_another_company_s(self, factor: float) -> None:
        stored = rows(self.other(range(AT, AT + 9), factor))

        assert judge(clean(), Known(stored)).doubts == {}
        assert judge(clean()[AT : AT + 4], Known(stored)).doubts == {}

    @pytest.mark.parametrize("count", [1, 2])
    def test_one_or_two_corrections_are_believed(self, count: int) -> None:
        assert judge(self.other(range(AT, AT + count), 1.07), Known(rows(clean()))).doubts == {}

    def test_many_small_ones_too(self) -> None:
        random = Random(5)
        bars = [replace(bar, close=bar.close * (1 + random.uniform(0, 0.01))) for bar in clean()[:60]] + clean()[60:]

        assert judge(bars, Known(rows(clean()))).doubts == {}

    @pytest.mark.parametrize("closes", [[100.0] * 161, [100.0, 100.1] * 80])
    def test_prices_that_hardly_move_are_as_stored(self, closes: list[float]) -> None:
        bars = series(closes)

        assert found(judge(bars, Known(rows(bars[:-1])))) == NOTHING

    def test_a_person_has_the_last_word(self) -> None:
        bars = moved(clean(), range(158, 161), 1)
        accepted: dict[date, float | None] = dict.fromkeys(DAYS[158:])

        assert judge(bars, Known(rows(clean()[:-1]), accepted=accepted)).doubts == {}

    def test_the_rates_of_other_hours_are_believed(self) -> None:
        won = series(walk(start=1400.0, move=0.004))

        assert found(judge(moved(won, range(150, 161), 1), Known(rows(won)), is_rate=True)) == NOTHING


class TestStaleRows:
    def noted(self, bars: list[Bar], stored: dict[date, Row], doubtful: set[date]) -> list[tuple[date, bool]]:
        judged = Judgement()
        note_stale_rows(judged, bars, stored, doubtful)
        return found(judged)[1]

    def test_a_stored_bar_that_has_become_doubtful_keeps_an_older_adjustment(self) -> None:
        """Beside a dividend all rows are rescaled but the one whose new bar waits for a person."""
        before, now = series(walk(), {20: 0.4}), series(walk(), {20: 0.4, 150: 0.4})

        assert self.noted(now, rows(before[:150]), {DAY}) == [(DAY, False), (DAYS[AT + 1], False)]

    def test_it_is_still_of_that_adjustment_when_the_other_rows_are_stored_anew(self) -> None:
        before, now = series(walk(), {20: 0.4}), series(walk(), {20: 0.4, 150: 0.4})
        stored = rows(now) | {DAY: rows(before)[DAY]}

        assert self.noted(now, stored, {DAY}) == [(DAY, False), (DAYS[AT + 1], False)]

    def test_also_one_that_the_answer_leaves_out(self) -> None:
        before, now = series(walk(), {20: 0.4}), series(walk(), {20: 0.4, 150: 0.4})
        left_out = [bar for bar in now if bar.session != DAY]

        for stored in (rows(before[:150]), rows(now, EVENING_BEFORE) | {DAY: rows(before)[DAY]}):
            assert self.noted(left_out, stored, set()) == [(DAY, False), (DAYS[AT + 1], False)]

    @pytest.mark.parametrize("ratio", [10.0, 1.5, 0.05, 1.064])
    def test_beside_a_split_no_return_crosses_it(self, ratio: float) -> None:
        now = changed(clean(), 150, split_ratio=ratio)
        then = [replace(bar, close=bar.close * ratio, adj_close=bar.adj_close * ratio) for bar in clean()]
        left_out = [bar for bar in now if bar.session != DAY]
        old = rows(then[:150], EVENING_BEFORE)

        for stored in (old, rows(now) | {DAY: old[DAY]}):
            assert self.noted(left_out, stored, set()) == [(DAY, True), (DAYS[AT + 1], True)]

    @pytest.mark.parametrize("moment_of", [each_evening, next_morning, after_midnight])
    @pytest.mark.parametrize("ratio", [10.0, 0.1, 1.064])
    def test_also_where_the_last_bar_before_the_split_is_left_out(
        self, moment_of: Callable[[date], datetime], ratio: float
    ) -> None:
        now = changed(clean(), AT, split_ratio=ratio)[: AT + 1]
        stored = fetched(scaled(now, range(AT), ratio)[:AT], moment_of)
        before = DAYS[AT - 1]

        assert self.noted([bar for bar in now if bar.session != before], stored, set()) == [(before, True), (DAY, True)]

    def test_a_bar_that_was_adjusted_on_the_morning_of_the_split_is_on_the_same_basis(self) -> None:
        """The source was early: the other rows of that fetch are as the answer has them."""
        now = changed(clean(), AT, split_ratio=10.0)[: AT + 1]
        stored = rows(now[:AT], next_morning(DAYS[AT - 1]))

        assert self.noted([bar for bar in now if bar.session != DAYS[AT - 1]], stored, set()) == []

    @pytest.mark.parametrize(("hour", "expected"), [(5, True), (9, False)])
    def test_a_session_s_end_is_its_exchange_s(self, hour: int, expected: bool) -> None:
        """Seoul closes at 06:30 UTC. What is fetched after it is of after the split."""
        now = changed(clean(), AT, split_ratio=1.2)[: AT + 1]
        fetched_at = datetime.combine(DAY, datetime.min.time(), UTC) + timedelta(hours=hour)
        stored = fetched(now[: AT - 1], each_evening) | rows(now[AT - 1 : AT], fetched_at)

        judged = Judgement()
        note_stale_rows(judged, [bar for bar in now if bar.session != DAYS[AT - 1]], stored, set(), "XKRX")

        assert ((DAY, True) in found(judged)[1]) is expected

    def test_an_answer_that_is_cut_leaves_all_older_rows_as_they_were(self) -> None:
        now = changed(clean(), 150, split_ratio=4.0)
        then = [replace(bar, close=bar.close * 4, adj_close=bar.adj_close * 4) for bar in clean()]

        assert self.noted(now[AT:], rows(then[:150], EVENING_BEFORE), set()) == [(DAY, True)]

    def test_an_answer_that_leaves_out_a_bar_on_the_same_basis_is_fine(self) -> None:
        left_out = [bar for bar in clean() if bar.session != DAY]

        assert self.noted(left_out, rows(clean()), set()) == []
        assert self.noted(clean()[AT:], rows(clean()), set()) == []
        assert self.noted(clean()[:-1], rows(clean()), set()) == []

    def test_without_a_dividend_it_is_on_the_same_basis(self) -> None:
        assert self.noted(clean(), rows(clean()), {DAY}) == []

    def test_a_bar_that_was_never_stored_is_none(self) -> None:
        before, now = series(walk(), {20: 0.4}), series(walk(), {20: 0.4, 150: 0.4})
        stored = rows(before[:150])
        del stored[DAY]

        assert self.noted(now, stored, {DAY}) == []


class TestAnotherUnit:
    """All closes have changed by one factor, the newest stored one too, or are in another currency."""

    @pytest.mark.parametrize("factor", [100.0, 0.01, 4.0, 1.3])
    def test_without_a_split_that_explains_it_every_bar_is_doubted(self, factor: float) -> None:
        bars = scaled(clean(), range(161), factor)

        judged = judge(bars, Known(rows(clean()[:-1])))

        assert found(judged) == (DAYS, [])
        assert told(judged.doubts[DAY]) == (
            f"all closes are {factor:g} times the stored ones, and no split that is listed makes them so"
        )
        assert judged.previous_closes[DAY] == bars[AT - 1].close
        assert not judged.approved

    @pytest.mark.parametrize("ratio", [20.0, 0.1, 1.5])
    def test_a_split_on_the_newest_day_explains_it(self, ratio: float) -> None:
        bars = changed(clean(), 160, split_ratio=ratio)

        assert found(judge(bars, Known(rows(scaled(clean(), range(160), ratio)[:160])))) == NOTHING

    def test_so_does_one_that_is_listed_on_a_day_that_is_stored_already(self) -> None:
        """Yahoo lists it before it has adjusted the older closes, and has adjusted them now."""
        bars = changed(clean(), 150, split_ratio=4.0)

        assert found(judge(bars, Known(rows(scaled(bars, range(161), 4.0))))) == NOTHING

    def test_so_does_one_that_the_source_has_withdrawn(self) -> None:
        stored = rows(changed(scaled(clean(), range(161), 4.0), 150, split_ratio=0.25))

        assert found(judge(clean(), Known(stored))) == NOTHING

    @pytest.mark.parametrize("factor", [20.0, 0.5, 0.25, 3.0])
    def test_so_does_a_rejected_step_whose_older_closes_have_healed(self, factor: float) -> None:
        bars = clean()
        stored = rows(scaled(bars, range(160), 1 / factor)[:160])
        step = bars[160].close / bars[159].close * factor

        assert found(judge(bars, Known(stored, waiting=rows(bars[160:161]), rejected_steps=[step]))) == NOTHING

    def test_the_same_answer_once_more_does_not_excuse_itself(self) -> None:
        bars, stored = scaled(clean(), range(161), 100.0), rows(clean()[:-1])
        steps = [bar.close / before.close for before, bar in pairwise(bars)]

        assert found(judge(bars, Known(stored, waiting=rows(bars), rejected_steps=steps))) == (DAYS, [])

    def test_a_person_has_the_last_word(self) -> None:
        bars = scaled(clean(), range(161), 100.0)

        judged = judge(bars, Known(rows(clean()), accepted=dict.fromkeys(DAYS)))

        assert judged.approved == set(DAYS)

    def test_another_currency(self) -> None:
        stored = {day: row | {"currency": "USD"} for day, row in rows(clean()[:-1]).items()}

        judged = judge(clean(), Known(stored, currency="EUR"))

        assert found(judged) == (DAYS, [])
        assert told(judged.doubts[DAY]) == "the source gives the prices in EUR, what is stored is in USD"
        assert found(judge(clean(), Known(stored, currency="USD"))) == NOTHING


class TestWaiting:
    """A rejected bar whose neighbours have been overwritten by the same wrong answer is not excused by that."""

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda bars: changed(scaled(bars, range(AT), 0.05), AT, split_ratio=0.05),
            lambda bars: changed(scaled(bars, range(AT), 1.0125), AT, split_ratio=1.0125),
            lambda bars: scaled_adjusted(bars, range(AT), 0.9),
            lambda bars: changed(scaled_adjusted(bars, range(AT), 0.6), AT, dividend=0.4 * bars[AT - 1].close),
        ],
        ids=["split", "small split", "adjusted", "dividend"],
    )
    @pytest.mark.parametrize("said", [msgspec.to_builtins, str], ids=["data", "a text of an earlier version"])
    def test_the_second_fetch_says_the_same_as_the_first(
        self, wrong: Callable[[list[Bar]], list[Bar]], said: Callable[[Reason], Any]
    ) -> None:
        truth = clean()
        bars, stored = wrong(truth), rows(truth)

        first = judge(bars, Known(stored))
        overwritten = stored | rows([bar for bar in bars if bar.session not in first.doubts])
        waiting = {day: {"doubt": said(as_one(doubts))} for day, doubts in first.doubts.items()}
        second = judge(bars, Known(overwritten, waiting=waiting))

        assert found(first) == found(second) == ([DAY], [(DAY, True)])


class TestNoPrices:
    @pytest.mark.parametrize("values", [{"close": 0.0}, {"close": -3.0}, {"adj_close": -3.0}, {"adj_close": 0.0}])
    def test_bars_without_a_price_are_left_to_the_contract(self, values: dict[str, float]) -> None:
        judged = judge(changed(clean(), AT, **values))

        assert judged.doubts == {}
        assert DAY not in judged.previous_closes

    @pytest.mark.parametrize("values", [{"dividend": -0.4}, {"split_ratio": 0.0}, {"split_ratio": -2.0}])
    def test_absurd_events_end_no_judgement(self, values: dict[str, float]) -> None:
        judged = judge(changed(clean(), AT, **values))

        assert (judged.doubts, judged.contradiction) == ({}, None)
        assert DAY in judged.previous_closes

    @pytest.mark.parametrize("stored", [False, True])
    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"dividend": 500.0}, "the dividend of 500 is 500.00% of the close before, but the close rises by 1.00%"),
            (
                {"capital_gain": 500.0},
                "the dividend of 0 with the capital gain of 500 is 500.00% of the close before, but the close rises by "
                "1.00%",
            ),
            ({}, "the adjusted closes before it are below zero"),
        ],
    )
    def test_older_adjusted_closes_below_zero(self, stored: bool, values: dict[str, float], words: str) -> None:
        """A dividend larger than the price takes more off them than there is."""
        right = series([100.0] * AT + [101.0] * (len(DAYS) - AT))
        bars = [replace(bar, adj_close=-4 * bar.adj_close) if at < AT else bar for at, bar in enumerate(right)]

        judged = judge(changed(bars, AT, **values), Known(rows(right[:AT]) if stored else {}))

        assert found(judged) == ([DAY], [(DAY, True)])
        assert told(judged.doubts[DAY]) == words
        assert judged.previous_closes[DAY] == pytest.approx(100.0)

    @pytest.mark.parametrize("is_stored", [False, True])
    @pytest.mark.parametrize(
        ("paid", "figure"),
        [
            ({"dividend": 150.0}, "150.00%"),
            ({"dividend": 150.0, "capital_gain": 3.0}, "150.00%"),
            ({"capital_gain": 150.0}, "153.06%"),  # only the close right before says so
        ],
    )
    def test_one_behind_a_single_adjusted_close_below_zero_is_found_once(
        self, is_stored: bool, paid: dict[str, float], figure: str
    ) -> None:
        right = changed(series([100.0] * (AT - 1) + [98.0] + [99.0] * (len(DAYS) - AT)), AT, **paid)
        bars = changed(right, AT - 1, adj_close=-3.0)

        judged = judge(bars, Known(rows(right)) if is_stored else None)

        [at_it] = [each for each in judged.breaks if each.session == DAY]
        [why] = [told([each]) for each in at_it.reasons if each.code == "large_dividend"]
        assert figure in why

    def test_adjusted_closes_below_zero_that_are_accepted(self) -> None:
        bars = [replace(bar, adj_close=-bar.adj_close) if at < AT else bar for at, bar in enumerate(clean())]

        judged = judge(changed(bars, AT, dividend=500.0), Known(accepted={DAY: None}))

        assert (found(judged), judged.approved) == (NOTHING, {DAY})


Lie = Callable[[list[Bar], int, Random], list[Bar]]


def bar_times_a_hundred(bars: list[Bar], at: int, random: Random) -> list[Bar]:
    return scaled(bars, range(at, at + 1), random.choice([100.0, 0.01, 10.0]))


def split_not_applied(bars: list[Bar], at: int, random: Random) -> list[Bar]:
    return unapplied(bars, at, random.choice([0.05, 0.1, 2.0, 3.0, 10.0, 1.5, 0.5, 4.0]))


def dividend_forgotten(bars: list[Bar], at: int, random: Random) -> list[Bar]:
    return changed(bars, at, dividend=random.uniform(0.05, 2.0))


def dividend_event_lost(bars: list[Bar], at: int, random: Random) -> list[Bar]:
    return scaled_adjusted(bars, range(at), 1 - random.uniform(0.0005, 0.02))


def absurd_dividend(bars: list[Bar], at: int, random: Random) -> list[Bar]:
    share = random.uniform(0.25, 0.9)
    return changed(scaled_adjusted(bars, range(at), 1 - share), at, dividend=share * bars[at - 1].close)


def dividend_times_the_rate(bars: list[Bar], at: int, random: Random) -> list[Bar]:
    return changed(bars, at, dividend=random.uniform(0.1, 0.5) * random.choice([100, 1353]))


LIES: list[Lie] = [
    bar_times_a_hundred,
    split_not_applied,
    dividend_forgotten,
    dividend_event_lost,
    absurd_dividend,
    dividend_times_the_rate,
]


class TestGeneratedLies:
    @pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
    def test_a_hundred_of_each_kind_are_all_seen_at_their_place_and_nowhere_else(self, lie: Lie) -> None:
        random = Random(lie.__name__)
        for number in range(100):
            bars = series(walk(number, move=random.uniform(0.004, 0.025)), {20: 0.4, 80: 0.41, 140: 0.42})
            at = random.choice([at for at in range(2, len(bars)) if not {at, at - 1, at + 1} & {20, 80, 140}])

            judged = judge(lie(bars, at, random))

            seen = set(judged.doubts) | {each.session for each in judged.breaks}
            assert seen == {DAYS[at]}, (number, at, judged)

    @pytest.mark.parametrize("seed", range(100))
    def test_a_true_move_is_one_doubt_which_one_word_settles(self, seed: int) -> None:
        random = Random(seed)
        at, step = random.randrange(1, len(DAYS)), random.choice([1, -1]) * random.uniform(0.52, 0.8)
        bars = scaled(series(walk(seed)), range(at, len(DAYS)), 1 + step)
        if abs(bars[at].close / bars[at - 1].close - 1) <= LARGEST_STEP:
            return

        assert found(judge(bars)) == ([DAYS[at]], [(DAYS[at], True)])
        word = {DAYS[at]: bars[at].close / bars[at - 1].close}
        assert found(judge(bars, Known(accepted=word))) == NOTHING


def test_twenty_years_are_judged_in_a_moment() -> None:
    random, close, bars = Random(1), 100.0, []
    for number in range(5000):
        close *= math.exp(random.gauss(0, 0.01))
        bars.append(Bar(date(2006, 1, 2) + timedelta(number), close, close, close, close, close, 1, 0.0, 1.0))

    begun = time.process_time()  # other workers do not count
    judge(bars, Known(rows(bars)))

    assert time.process_time() - begun < 0.2, "it takes some ten milliseconds where nothing else runs"


@pytest.mark.parametrize("absurd", [1e-320, 1e-11, 1e12, 1e308])
@pytest.mark.parametrize("field", ["close", "adj_close", "split_ratio"])
def test_a_figure_that_no_message_can_hold_hurts_no_other_bar(absurd: float, field: str) -> None:
    bars = series(walk())
    figure: dict[str, Any] = {field: absurd}
    odd = [*bars[:AT], replace(bars[AT], **figure), *bars[AT + 1 :]]

    judged = judge(odd, Known(stored=rows(bars[: AT - 5])))

    assert set(judged.doubts) <= {DAY}

"""Whether a fetched series goes on as prices do. Decisions alone: no clock, no connection.

Each bar is fine, *doubtful* (a person should look first: it is quarantined) or *noted* (stored, but returns across it
are degraded). A doubtful bar after which the prices stay on another level, and each noted one, is a break.

* Steps. Yahoo adjusts both sides of a split, so a step counts on the day of a split too. It is measured from the last
  plausible close: a single odd bar makes the one after it no odder.
* Adjusted closes. From one session to the next, adj_close / close changes by dividends and capital gains alone.
* Dividends. What is paid out of a price is missing in it the same day.
* What was stored before. Most of a ticker's past closes never change, but for one common factor at a listed split.
"""

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate, pairwise
from operator import mul
from statistics import median
from typing import Literal

from collector.yahoo import Bar
from database.db_helper import Row
from utils.messages import LARGEST_STEP

CLEAR_MISMATCH = 0.02  # of the close: an adjusted close that is off by more makes its bar doubtful, by less noted
FLOAT32 = 4e-6  # relative: four single-precision prices make a ratio; recorded ones differ by 5e-7 at most
DIVIDEND_DIGITS = 5e-5  # absolute: dividends are given with four digits or more behind the point
# Recordings round adjusted closes to cents or ticks. It shows on the days without a dividend, as often upwards as
# downwards, and the largest of what it leaves is some six times the median.
NOISE_SPAN = 6
NOISE_LARGEST = 1e-3
NOISE_SAMPLE = 8
HALF_A_CENT = 0.0055  # of a single adjusted close that is rounded beside others that are not

ABSURD_DIVIDEND = 0.2  # of the close before, without a matching fall: doubtful
LARGE_DIVIDEND = 0.05  # ... noted
ODD_DIVIDEND = 20  # times the median of the ticker's others, ...
ODD_TO_LARGEST = 5  # ... and the largest of them
ODD_DIVIDEND_SHARE = 0.01  # of the close before: a smaller odd one is only noted, it cannot do much harm
FEW_DIVIDENDS = 3

CLEAR_SPLIT = 0.1  # |log ratio|: a step like that is told from an ordinary day; spin-offs' ratios are smaller
SPLIT_MOVE = 4  # times the usual daily move: what a step must exceed to be taken for the split itself
SPINOFF_MOVE = 3

SAME_RATIO = 1e-3
SAME_CLOSE = 1e-4  # relative: closes are on one level when their factors to the stored ones differ by less
LEAST_OVERLAP = 5
OTHER_RATE = 0.2  # |log factor|: exchange rates do not move that far between two fetches
MOVED_EVENT_DAYS = 7


@dataclass(frozen=True)
class Break:
    """The first session behind a place where the prices do not go on; withheld: its bar waits for a person."""

    session: date
    is_withheld: bool
    reason: str


@dataclass(frozen=True)
class Known:
    """What is known of a ticker beside the answer.

    accepted: the steps (close / previous close) that a person has found true, None for whatever step. lost_dividends:
    dividends that were stored once and that the source left out later. gaps: expected sessions that the answer lacks.
    waiting: the rejected bars by session, as messages: what is stored of these, and around them, proves nothing.
    currency: the answer's; None where all that is stored is known to be in it. rejected_steps: those of the rejected
    bars.
    """

    stored: Mapping[date, Row] = field(default_factory=dict)
    accepted: Mapping[date, float | None] = field(default_factory=dict)
    lost_dividends: Mapping[date, float] = field(default_factory=dict)
    gaps: Set[date] = frozenset()
    waiting: Mapping[date, Row] = field(default_factory=dict)
    currency: str | None = None
    rejected_steps: Sequence[float] = ()

    def row_of(self, session: date) -> Row | None:
        """What is stored of a session and may excuse it."""
        return None if session in self.waiting else self.stored.get(session)


@dataclass
class Judgement:
    """doubts: session -> why; previous_closes: the close that each bar is measured against.

    approved: sessions whose doubt a person has settled, or that are stored already just so. contradiction: why nothing
    of the answer can be used.
    """

    doubts: dict[date, str] = field(default_factory=dict)
    previous_closes: dict[date, float] = field(default_factory=dict)
    approved: set[date] = field(default_factory=set)
    contradiction: str | None = None
    _breaks: dict[date, list[Break]] = field(default_factory=dict)

    @property
    def breaks(self) -> list[Break]:
        """One a session, in order; its reason has all that was found there."""
        return [
            Break(session, any(each.is_withheld for each in found), "; ".join(each.reason for each in found))
            for session, found in sorted(self._breaks.items())
        ]

    def note(self, session: date, reason: str) -> None:
        self._breaks.setdefault(session, []).append(Break(session, False, reason))

    def doubt(self, session: date, reason: str, is_break: bool = True) -> None:
        self.doubts[session] = f"{self.doubts[session]}; {reason}" if session in self.doubts else reason
        if is_break:
            self._breaks.setdefault(session, []).append(Break(session, True, reason))


def judge(bars: Sequence[Bar], known: Known | None = None, is_rate: bool = False) -> Judgement:
    """What is to be thought of an answer's bars, in order; of exchange rates only the steps count.

    Bars whose prices are no prices are left out: the message contract refuses them.
    """
    known = known or Known()
    judged = Judgement()
    priced = [bar for bar in bars if _is_price(bar.close) and _is_price(bar.adj_close)]
    judged.contradiction = _contradiction(priced, known.stored, is_rate)
    if judged.contradiction or not priced:
        return judged
    series = _Series(priced, known, judged)
    series.approve()
    if not is_rate and (reason := _other_unit(priced, known)):
        series.doubt_all(reason)
        return judged
    series.judge_steps()
    if not is_rate:
        series.judge_adjusted_closes()
        series.judge_dividends()
        series.note_lost_dividends()
    return judged


def _is_price(value: float) -> bool:
    return 0 < value < math.inf


class _Series:
    """A ticker's bars while they are judged."""

    def __init__(self, bars: Sequence[Bar], known: Known, judged: Judgement) -> None:
        self.bars = bars
        self.known = known
        self.judged = judged
        self._usual_move: float | None = None

    @property
    def usual_move(self) -> float:
        """The median of the daily moves (absolute logarithms)."""
        if self._usual_move is None:
            moves = [abs(math.log(bar.close / before.close)) for before, bar in pairwise(self.bars)]
            self._usual_move = median(moves) if moves else 0.0
        return self._usual_move

    def approve(self) -> None:
        """Approve what a person has accepted, for whatever reason it was rejected."""
        for before, bar in pairwise([None, *self.bars]):
            assert bar
            if bar.session in self.known.accepted:
                self._is_accepted(bar.session, bar.close / before.close if before else None)

    def doubt_all(self, reason: str) -> None:
        """Doubt each bar, also those that are stored just so: only what a person has accepted goes on."""
        for before, bar in pairwise([None, *self.bars]):
            assert bar
            if before:
                self.judged.previous_closes[bar.session] = before.close
            self.judged.doubt(bar.session, reason, is_break=False)

    # ── steps ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def judge_steps(self) -> None:
        level = self.bars[0]
        for at in range(1, len(self.bars)):
            bar = self.bars[at]
            self.judged.previous_closes[bar.session] = level.close
            ratio = bar.close / level.close
            split = self._split_of(bar)
            is_plain = split == 1.0 and abs(ratio - 1) <= LARGEST_STEP
            if is_plain or self._is_plausible_step(bar, level, ratio, split) or self._doubt_step(at, level):
                level = bar

    def _is_plausible_step(self, bar: Bar, level: Bar, ratio: float, split: float) -> bool:
        """Whether a step, large or on the day of a split, is none to doubt; small suspicions are noted here."""
        is_large = abs(ratio - 1) > LARGEST_STEP
        suspicion = self._split_suspicion(bar, level, ratio, split)
        if not is_large and not suspicion:
            return True
        reason = _told_step(level.close, bar.close, split)
        if is_large or suspicion == "doubt":
            if self._is_accepted(bar.session, ratio):
                return True
            if not self._is_stored_step(level, bar, ratio):
                return False
        self.judged.note(bar.session, reason)
        return True

    def _doubt_step(self, at: int, level: Bar) -> bool:
        """Doubt a bar; whether there is a break: unless the next one is back on the level before it."""
        bar, following = self.bars[at], self.bars[at + 1] if at + 1 < len(self.bars) else None
        split = self._split_of(bar)
        is_break = (
            following is None
            or _distance(following.close, bar.close) <= _distance(following.close, level.close)
            # The step of a small split says nothing of where the prices stay.
            or (abs(bar.close / level.close - 1) <= LARGEST_STEP and self._is_proven(bar, level, split))
        )
        self.judged.doubt(bar.session, _told_step(level.close, bar.close, split), is_break)
        return is_break

    def _split_of(self, bar: Bar) -> float:
        """The ratio of the day's split, also when only an earlier answer listed it."""
        if bar.split_ratio != 1.0:
            return bar.split_ratio if _is_price(bar.split_ratio) else 1.0
        row = self.known.stored.get(bar.session)
        return float(row["split_ratio"]) if row else 1.0

    def _split_suspicion(self, bar: Bar, level: Bar, ratio: float, split: float) -> str | None:
        """Whether a step looks like the day's split itself, so that the older bars may not be adjusted for it."""
        size = abs(math.log(split))
        if not size:
            return None
        move = abs(math.log(ratio))
        is_like_it = 0.5 * size < move < 1.5 * size
        if self._is_unapplied(bar, split):
            # Of a large split the prices would show it, but a small one is lost among ordinary moves.
            return "doubt" if is_like_it or size < SPLIT_MOVE * self.usual_move else "note"
        if self._waits_for_the_same(bar, level, split):
            return "doubt"
        if not is_like_it:
            return None
        if size >= CLEAR_SPLIT and move > SPLIT_MOVE * self.usual_move:
            return "doubt"
        return "note" if move > SPINOFF_MOVE * self.usual_move else None

    def _is_proven(self, bar: Bar, level: Bar, split: float) -> bool:
        return split != 1 and (self._is_unapplied(bar, split) or self._waits_for_the_same(bar, level, split))

    def _is_unapplied(self, bar: Bar, split: float) -> bool:
        """Whether what is stored proves that the closes before a split are not adjusted for it.

        They are still those of before it, or were adjusted the other way, or had been adjusted once and no longer are.
        """
        before = self._nearest_stored(bar, -1)
        if before is None or abs(math.log(split)) < 2 * SAME_RATIO:
            return False
        row = self.known.stored[before.session]
        after = self._nearest_stored(bar, 1)
        if "fetched_at" in row and row["fetched_at"].date() < bar.session:
            changed = before.close / row["close_price"]
            return min(_distance(changed, 1), _distance(changed, split)) < SAME_RATIO
        if after is None:
            return False
        stored_step = self.known.stored[after.session]["close_price"] / row["close_price"]
        return _distance(after.close / before.close * split, stored_step) < SAME_RATIO

    def _nearest_stored(self, bar: Bar, direction: Literal[-1, 1]) -> Bar | None:
        """The last bar before a session, or the first one from it on, of which something is stored."""
        is_before = direction == -1
        side = [each for each in self.bars if (each.session < bar.session) == is_before]
        return next((each for each in side[::direction] if each.session in self.known.stored), None)

    def _waits_for_the_same(self, bar: Bar, level: Bar, split: float) -> bool:
        """Whether the bar was rejected for just this step: what proved it then may be overwritten since."""
        doubt = self.known.waiting.get(bar.session, {}).get("doubt")
        return isinstance(doubt, str) and _told_step(level.close, bar.close, split) in doubt

    def _is_accepted(self, session: date, ratio: float | None) -> bool:
        """Whether a person has accepted the session's bar, with the step that it makes now."""
        if session not in self.known.accepted:
            return False
        step = self.known.accepted[session]
        if step and ratio and abs(ratio / step - 1) > CLEAR_MISMATCH:
            return False
        self.judged.approved.add(session)
        return True

    def _is_stored_step(self, before: Bar, bar: Bar, ratio: float) -> bool:
        """Whether the same step is stored already: it is noted, but nothing is gained by holding it back now."""
        old, new = self.known.stored.get(before.session), self.known.row_of(bar.session)
        if not (old and new) or abs(new["close_price"] / old["close_price"] / ratio - 1) > SAME_RATIO:
            return False
        self.judged.approved.add(bar.session)
        return True

    # ── adjusted closes ─────────────────────────────────────────────────────────────────────────────────────────────

    def judge_adjusted_closes(self) -> None:
        noise = self._rounding()
        good, owed = self.bars[0], 1.0
        for at in range(1, len(self.bars)):
            bar = self.bars[at]
            close_before = self.judged.previous_closes[bar.session]
            found = (good.adj_close / good.close) / (bar.adj_close / bar.close)
            kept = _kept(bar, close_before, found / owed)
            off = found - owed * kept
            if abs(off) > FLOAT32 and abs(off) > self._tolerance(at, noise, close_before):
                if abs(off) * bar.adj_close < HALF_A_CENT and self._is_alone_off(at, good, owed * kept):
                    owed *= kept
                    continue
                clear = abs(off) > CLEAR_MISMATCH and not self._is_settled(good, bar, found, close_before)
                if clear and self._is_alone_off(at, good, owed * kept):
                    owed *= kept
                    self.judged.doubt(bar.session, _told_mismatch(bar, close_before, found), is_break=False)
                    continue
                if clear:
                    self.judged.doubt(bar.session, _told_mismatch(bar, close_before, found))
                elif not (abs(off) > CLEAR_MISMATCH and bar.session in self.known.accepted):
                    self.judged.note(bar.session, _told_mismatch(bar, close_before, found))
            good, owed = bar, 1.0

    def _rounding(self) -> float:
        """What rounding takes from an adjusted close or adds to it at most, in its currency; 0 where nothing shows."""
        left = []
        for before, bar in pairwise(self.bars):
            off = (before.adj_close / before.close) / (bar.adj_close / bar.close) - 1
            if not bar.dividend and FLOAT32 < abs(off) < NOISE_LARGEST:
                left.append(off * before.adj_close)
        upwards = sum(off > 0 for off in left)
        if len(left) < NOISE_SAMPLE or 4 * min(upwards, len(left) - upwards) < len(left):
            return 0.0
        return NOISE_SPAN * median(map(abs, left))

    def _tolerance(self, at: int, noise: float, close_before: float) -> float:
        """How far an adjusted close may be from what follows from the dividend."""
        before, bar = self.bars[at - 1], self.bars[at]
        tolerance = FLOAT32 + min(noise / min(before.adj_close, bar.adj_close), NOISE_LARGEST)
        if paid := bar.dividend + bar.capital_gain:
            tolerance += DIVIDEND_DIGITS / close_before
            if before.session in self.judged.doubts or self._lacks_session(before.session, bar.session):
                # The source has taken it off a close that we do not know.
                tolerance += LARGEST_STEP * abs(paid) / close_before
        return tolerance

    def _lacks_session(self, before: date, after: date) -> bool:
        days = (after - before).days
        return any(before + timedelta(days=number) in self.known.gaps for number in range(1, days))

    def _is_settled(self, good: Bar, bar: Bar, found: float, close_before: float) -> bool:
        """Whether a clear mismatch is accepted by a person, or stored already just so."""
        if self._is_accepted(bar.session, bar.close / close_before):
            return True
        old, new = self.known.stored.get(good.session), self.known.row_of(bar.session)
        if not (old and new):
            return False
        then = (old["adj_close"] / old["close_price"]) / (new["adj_close"] / new["close_price"])
        if abs(then / found - 1) > SAME_RATIO:
            return False
        self.judged.approved.add(bar.session)
        return True

    def _is_alone_off(self, at: int, good: Bar, owed: float) -> bool:
        """Whether the adjusted close after it goes on from the one before it."""
        if at + 1 == len(self.bars):
            return False
        bar, following = self.bars[at], self.bars[at + 1]
        factor = following.adj_close / following.close
        from_bar, from_good = (bar.adj_close / bar.close) / factor, (good.adj_close / good.close) / factor
        kept = _kept(following, self.judged.previous_closes[following.session], from_good / owed)
        return abs(from_good - owed * kept) < abs(from_bar - kept)

    # ── dividends ───────────────────────────────────────────────────────────────────────────────────────────────────

    def judge_dividends(self) -> None:
        """Look at each dividend, as a share of the close before it, which is of one size on every level."""
        shares = {
            bar.session: bar.dividend / self.judged.previous_closes[bar.session]
            for bar in self.bars[1:]
            if bar.dividend > 0
        }
        in_order = sorted(shares.values())
        for bar in self.bars[1:]:
            if share := shares.get(bar.session):
                self._judge_dividend(bar, share, _times_the_others(share, in_order), len(shares) > FEW_DIVIDENDS)

    def _judge_dividend(self, bar: Bar, share: float, times: float, has_many: bool) -> None:
        """`times`: how many times the ticker's other dividends it is; has_many: whether these are enough to tell."""
        close_before = self.judged.previous_closes[bar.session]
        fall = 1 - bar.close / close_before
        is_matched = fall >= share / 2
        what = f"the dividend of {bar.dividend:g} is {share:.{_digits(share)}%} of the close before"
        moved = f"the close {'falls' if fall > 0 else 'rises'} by {abs(fall):.{_digits(fall)}%}"
        if share > ABSURD_DIVIDEND and not is_matched:
            self._doubt_dividend(bar, close_before, f"{what}, but {moved}")
        elif times >= ODD_DIVIDEND and not (is_matched and share > SPINOFF_MOVE * self.usual_move):
            reason = f"{what} and {times:,.0f} times the ticker's other ones; {moved}"
            if has_many and not is_matched and share >= ODD_DIVIDEND_SHARE:
                self._doubt_dividend(bar, close_before, reason)
            else:
                self.judged.note(bar.session, reason)
        elif share > LARGE_DIVIDEND and not is_matched:
            self.judged.note(bar.session, f"{what}, but {moved}")

    def _doubt_dividend(self, bar: Bar, close_before: float, reason: str) -> None:
        if self._is_accepted(bar.session, bar.close / close_before):
            return
        row = self.known.row_of(bar.session)
        if row and abs(row["dividend"] / row["close_price"] - bar.dividend / bar.close) < SAME_RATIO * (
            bar.dividend / bar.close
        ):
            self.judged.approved.add(bar.session)
            self.judged.note(bar.session, reason)
        else:
            self.judged.doubt(bar.session, reason)

    def note_lost_dividends(self) -> None:
        """Note dividends that were stored once and that the answer leaves out: no doubt, the source may be right now.

        One that is found within a week of it instead has only moved.
        """
        stored = {day: row["dividend"] for day, row in self.known.stored.items() if row["dividend"] > 0}
        lost = {**self.known.lost_dividends, **stored}
        if not lost:
            return
        paying = {bar.session for bar in self.bars if bar.dividend > 0}
        moved = paying - set(stored)
        silent = {bar.session for bar in self.bars[1:] if bar.dividend == 0}
        for day in sorted(silent & set(lost)):
            if not any(abs(other - day) <= timedelta(days=MOVED_EVENT_DAYS) for other in moved):
                self.judged.note(day, f"the dividend of {lost[day]:g} that was stored is not in the answer any more")


def note_stale_rows(judged: Judgement, bars: Sequence[Bar], stored: Mapping[date, Row], doubtful: Set[date]) -> None:
    """Note the stored bars that the source has made doubtful since, where it has rescaled the ones after them.

    Their rows keep the adjusted closes of an earlier fetch.
    """
    for bar, following in pairwise(bars):
        row, after = stored.get(bar.session), stored.get(following.session)
        if not (row and after) or bar.session not in doubtful or following.session in doubtful:
            continue
        if abs(following.adj_close / after["adj_close"] - 1) > FLOAT32 or _is_of_another_scale(row, following):
            for session in (bar.session, following.session):
                judged.note(session, f"the stored bar of {bar.session} is of an earlier adjustment")


def _is_of_another_scale(row: Row, following: Bar) -> bool:
    """Whether a stored bar does not lead to the next one, which was rescaled in an earlier fetch."""
    kept = _kept(
        following, row["close_price"], (row["adj_close"] / row["close_price"]) * following.close / following.adj_close
    )
    leads_to = following.adj_close / following.close * kept
    tolerance = FLOAT32 + (DIVIDEND_DIGITS / row["close_price"] if kept != 1 else 0)
    is_split_off = _distance(following.close, row["close_price"]) >= math.log(1 + LARGEST_STEP)
    return is_split_off or abs(row["adj_close"] / row["close_price"] / leads_to - 1) > tolerance


def _distance(one: float, other: float) -> float:
    return abs(math.log(one / other))


def _told_step(before: float, after: float, split: float) -> str:
    """
    >>> _told_step(5.0, 104.3, 0.05)
    'close moved +1,986.0% on the day of a 1:20 split (5 -> 104.3): older closes x 20 would make it continuous, the \
source may not have adjusted them'
    >>> _told_step(100.0, 10_100.0, 1.0)
    'close moved +10,000.0% without a split (100 -> 10100): x 0.009901 would make it continuous'
    """
    moved = f"close moved {after / before - 1:+,.1%}"
    prices = f"({before:g} -> {after:g})"
    if split == 1.0:
        return f"{moved} without a split {prices}: x {before / after:.4g} would make it continuous"
    day = f"{moved} on the day of a {_ratio(split)} split {prices}"
    factor = min((split, 1 / split), key=lambda one: _distance(after / before, one))
    if _distance(after / before, factor) > 0.5 * abs(math.log(split)):
        return f"{day}: x {before / after:.4g} would make it continuous"
    return f"{day}: older closes x {factor:.6g} would make it continuous, the source may not have adjusted them"


def _ratio(split: float) -> str:
    """
    >>> _ratio(20.0), _ratio(0.05), _ratio(1.5), _ratio(1.064)
    ('20:1', '1:20', '3:2', '1.064:1')
    """
    fraction = Fraction(split).limit_denominator(100)
    if abs(float(fraction) / split - 1) < 1e-9 and min(fraction.numerator, fraction.denominator) <= 10:
        return f"{fraction.numerator}:{fraction.denominator}"
    return f"{split:g}:1"


def _kept(bar: Bar, close_before: float, found: float) -> float:
    """What a dividend leaves of the close before it; of a capital gain paid with it whichever explains more."""
    kept = 1 - bar.dividend / close_before
    with_gain = kept - bar.capital_gain / close_before
    return with_gain if abs(found - with_gain) < abs(found - kept) else kept


def _told_mismatch(bar: Bar, close_before: float, found: float) -> str:
    """
    >>> bar = Bar(date(2026, 8, 21), 99.0, 99.0, 99.0, 99.0, 99.0, 5, 0.0, 1.0)
    >>> _told_mismatch(bar, 100.0, 0.989)
    'the adjusted close falls by 1.10% without a dividend'
    """
    falls = f"the adjusted close {'falls' if found < 1 else 'rises'} by {abs(1 - found):.{_digits(1 - found)}%}"
    if not (bar.dividend or bar.capital_gain):
        return f"{falls} without a dividend"
    gain = f" with the capital gain of {bar.capital_gain:g}" if bar.capital_gain else ""
    share = (bar.dividend + bar.capital_gain) / close_before
    return f"{falls}, the dividend of {bar.dividend:g}{gain} is {share:.{_digits(share)}%} of the close before"


def _digits(share: float) -> int:
    """Behind the point of a percentage: two, or as many as a small one needs.

    >>> _digits(0.011), _digits(0.00002)
    (2, 5)
    """
    return max(2, math.ceil(-math.log10(abs(share))) if 0 < abs(share) < 1e-2 else 2)


def _times_the_others(share: float, shares: Sequence[float]) -> float:
    """A dividend over the median of the ticker's other ones, if it stands out from all of them. `shares`: in order.

    >>> _times_the_others(0.5, [0.005, 0.005, 0.005, 0.5]), _times_the_others(0.5, [0.005, 0.005, 0.4, 0.5])
    (100.0, 1.0)
    """
    if len(shares) < 2 or share < ODD_TO_LARGEST * shares[-2]:
        return 1.0
    return share / median(shares[:-1])


def _contradiction(bars: Sequence[Bar], stored: Mapping[date, Row], is_rate: bool) -> str | None:
    """Why an answer cannot be of the ticker that is stored, if so: shifted by a day, or of another symbol.

    Between the closes of two fetches splits leave few factors, each common to many sessions. Of rates only the level
    counts, since they may be taken from other hours.
    """
    factors = [bar.close / stored[bar.session]["close_price"] for bar in bars if bar.session in stored]
    if len(factors) < LEAST_OVERLAP:
        return None
    if is_rate:
        factor = median(factors)
        return f"its answer is {factor:.4g} times the stored rates" if _distance(factor, 1) > OTHER_RATE else None
    odd = sum(1 for _ in _lonely(factors))
    if 2 * odd <= len(factors):
        return None
    return (
        f"its answer contradicts {odd} of {len(factors)} stored closes: it may be of another symbol or shifted by a day"
    )


def _other_unit(bars: Sequence[Bar], known: Known) -> str | None:
    """Why all closes may be in another unit than the stored ones, if so: a currency, or a factor without a split."""
    stored = known.stored
    before = stored[max(stored)].get("currency") if stored else None
    if before and known.currency and before != known.currency:
        return f"the source gives the prices in {known.currency}, what is stored is in {before}"
    factors = [bar.close / stored[bar.session]["close_price"] for bar in bars if bar.session in stored]
    if len(factors) < LEAST_OVERLAP or any(_distance(factor, 1) < CLEAR_SPLIT for factor in factors):
        return None
    factor = median(factors)
    listed = accumulate((bar.split_ratio for bar in reversed(bars) if _is_price(bar.split_ratio)), mul)
    withdrawn = accumulate((stored[day]["split_ratio"] for day in sorted(stored, reverse=True)), mul)
    if any(_distance(factor, split) < CLEAR_SPLIT / 2 for split in (*(1 / ratio for ratio in listed), *withdrawn)):
        return None
    if any(_distance(factor, step) < math.log1p(LARGEST_STEP) < _distance(step, 1) for step in known.rejected_steps):
        return None  # what is stored was on another level than the bar after it, and has healed
    return f"all closes are {factor:.4g} times the stored ones, and no split that is listed makes them so"


def _lonely(factors: Sequence[float]) -> Iterator[float]:
    """The factors that differ from both neighbours'."""
    for at, factor in enumerate(factors):
        neighbours = (*factors[max(at - 1, 0) : at], *factors[at + 1 : at + 2])
        if all(abs(other / factor - 1) > SAME_CLOSE for other in neighbours):
            yield factor

"""How many shares a company has at each of its sessions, and what it was worth then.

The source knows today's count alone. A past session keeps the market cap that it was stored with: when a split or a
spin-off rescales its close, its count is rescaled the other way. A session that is new has the count of the quote. The
source corrects that one some days before or after a split: until both agree, the count that is stored goes on. What a
first fetch took from a quote of before a split is corrected when the quote is. What it took from one that was ahead of
a split is corrected when the quote has stayed the same for weeks after it.

What was never stored is worked out from today's count. Closes of before a split are adjusted for it, so they go with
today's count; those of before a spin-off went with as many shares as today, so the count makes up for the adjustment.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate
from operator import mul

from collector.yahoo_answers.model import Bar, Quote
from database.db_helper import Row
from utils.messages import LARGEST_INTEGER, LARGEST_STEP, MarketCapSource

# By how much the listed class differs from the whole company; below it the quoted cap is only older, or rounded.
SAME_COUNT = 0.01
MOST_CLASSES = 10  # times the listed class: what a company has in all of them, at most
COMPANY_COUNTS = ("implied_x_close", "derived_x_close")
LARGEST_DENOMINATOR = 20
LARGEST_RATIO = 1e9
RECENT_SESSIONS = 30  # for how long after a split the quote may still give the count of before
AHEAD = timedelta(days=14)  # for how long before a split it may already give the count of after
# What a company issues or buys back between two fetches: the factor of a split stands out from it.
BUYBACKS = 0.15
SAME_CLOSE = 1e-9  # what a close may differ by after a round trip through the database
SAME_FACTOR = 1e-3  # of closes that were rescaled together
LISTED_FACTOR = 1e-2  # of closes and the ratio that is listed for them
EARLY_FACTOR = 5e-3  # of a count that is corrected before its split is listed
# Of such a split that is no whole factor, as 3:2 or 5:4: nearly any factor is one with larger numbers.
LARGEST_EARLY = Fraction(7, 5)


@dataclass(frozen=True)
class Worth:
    """The company's size at a session. None: unknown."""

    shares: int | None
    market_cap: int | None
    source: MarketCapSource | None


def company_shares(
    quote: Quote, bars: Sequence[Bar] = (), known: float | None = None
) -> tuple[int | None, MarketCapSource | None]:
    """Return the company's share count as quoted, and where it is from.

    A listed class alone is the last resort. bars, known: the splits and the stored count, which tell what is true of a
    quote that contradicts itself

    >>> company_shares(Quote("GOOG", None, "USD", 5_527_000_000, 4_162_458_484_736, 12_229_934_831, 340.35))
    (12229934831, 'implied_x_close')
    >>> company_shares(Quote("GOOG", None, "USD", 5_527_000_000, 4_162_458_484_736, None, 340.35))
    (12229935316, 'derived_x_close')
    >>> company_shares(Quote("KO", None, "USD", 4_300_000_000, 301_400_000_000, None, 70.0))
    (4300000000, 'shares_x_close')
    """
    implied, derived, listed = quote.implied_shares, _quoted_count(quote), quote.shares_outstanding
    if implied and derived and _contradict(implied, derived, bars):
        count = _truer(implied, derived, listed) if known is None else _nearest((implied, derived), known, bars)
        if count is None:
            return None, None
        implied = implied if count == implied else None
    if implied:
        return implied, "implied_x_close"
    if derived and (not listed or abs(derived / listed - 1) > SAME_COUNT):
        return derived, "derived_x_close"
    return (listed, "shares_x_close") if listed else (None, None)


def is_true_split(ratio: float) -> bool:
    """Tell whether a listed ratio changes the number of shares.

    A spin-off is listed as a split, too, but its ratio is no simple fraction.

    >>> [is_true_split(ratio) for ratio in (10.0, 1.5, 0.05, 1 / 15, 1.05, 1.064, 1.281)]
    [True, True, True, True, True, False, False]
    """
    return (
        ratio != 1
        and _is_ratio(ratio)
        and any(
            math.isclose(float(Fraction(each).limit_denominator(LARGEST_DENOMINATOR)), each, rel_tol=1e-6)
            for each in (ratio, 1 / ratio)
        )
    )


class Worths:
    """The size of one company at the sessions of one fetch.

    earlier: what the source quoted AHEAD before, which is asked for only where the fetch is_waiting
    is_new: whether no quote is kept from so long before the session doubled_at
    is_waiting: the quote's count seems to be of after a split to come, so the stored one goes on
    doubled_at: a split some weeks ago, which the stored counts seem to have twice. They were quoted before it
    """

    def __init__(
        self,
        bars: Sequence[Bar],
        stored: Mapping[date, Row],
        quote: Quote,
        currency: str,
        earlier: Quote | None = None,
        is_new: bool = False,
    ) -> None:
        # What is stored in another currency was of another unit, whatever its closes are.
        self._stored = {day: row for day, row in stored.items() if row.get("currency", currency) == currency}
        self._rescaled = rescaled(bars, self._stored)
        self._after_spin_offs = dict(_later_spin_offs(bars))
        self.is_waiting = False
        self.doubled_at: date | None = None
        # The stored counts that are mistaken: on the basis of the fetched closes, by what factor, and behind which day.
        self._mistaken: float | None = None
        self._missed, self._mistaken_after = 1.0, date.min
        # In another currency than the prices cap and price are other figures, or in a unit that is none.
        if quote.currency not in (None, currency):
            quote = replace(quote, market_cap=None, price=None)
        self._count, self._source = self._counted(bars, quote, earlier, is_new)
        self._quoted = quote.market_cap  # the cap of the fetch day, where no count is known

    @property
    def is_counted(self) -> bool:
        return self._count is not None

    def is_mistaken(self, session: date) -> bool:
        """Tell whether a session was stored with a count that lacks a split, or has one that was still to come."""
        row = self._stored[session] if session in self._rescaled else None
        if self._missed == 1 or self._mistaken is None or not (row and row["shares_outstanding"]):
            return False
        return session > self._mistaken_after and _is_about(self._rebased(session, row), self._mistaken)

    def at(self, bar: Bar) -> Worth:
        """Return the company's size at one bar of the fetch."""
        row = self._stored.get(bar.session)
        known = self._kept(bar, row) if row else None
        return known or self._new(bar)

    def _kept(self, bar: Bar, row: Row) -> Worth | None:
        """Return the stored size of a past session, brought to the bar's basis, or None when none was stored."""
        count, cap, source = row["shares_outstanding"], row.get("market_cap"), row.get("market_cap_source")
        if not count:
            return Worth(None, int(cap), source or "quoted") if cap and not self.is_counted else None
        if self.is_mistaken(bar.session):
            count, cap = _shares(count * self._missed), None
            if not count:
                return None
        close, factor = row["close_price"], self._rescaled.get(bar.session, 1.0)
        change = bar.close / close
        is_rescaled = factor != 1 and math.isclose(change, factor, rel_tol=SAME_FACTOR)
        if is_rescaled or math.isclose(change, 1, rel_tol=SAME_CLOSE):
            shares, market_cap = (_shares(count / change) if is_rescaled else count), cap or _cap(count, close)
        else:  # its own close was corrected
            shares = _shares(count / factor)
            market_cap = _cap(shares, bar.close) if shares else None
        return Worth(shares, market_cap and int(market_cap), source or "shares_x_close")

    def _new(self, bar: Bar) -> Worth:
        if self._count is None:
            return Worth(None, self._quoted, "quoted" if self._quoted else None)
        count = round(self._count * self._after_spin_offs.get(bar.session, 1.0))
        return Worth(count, _cap(count, bar.close), self._source)

    def _rebased(self, session: date, row: Row) -> float:
        """Return a stored count on the basis of the fetched closes."""
        return float(row["shares_outstanding"] / self._rescaled[session] / self._after_spin_offs[session])

    def _counted(
        self, bars: Sequence[Bar], quote: Quote, earlier: Quote | None, is_new: bool
    ) -> tuple[int | None, MarketCapSource | None]:
        """Return the quote's count on the basis of the fetched closes, or the last that was stored without one."""
        last = self._last_counted(bars)
        if last is None:
            count, source = company_shares(quote, bars)
            quoted = _quoted_count(quote)
            return (round(count * _behind_by(count, quoted or count, bars)) if count else None), source
        sure = self._last_sure(bars, last)
        row = self._stored[sure]
        stored_source = row.get("market_cap_source")
        known = self._rebased(sure, row)
        self._mistaken = self._rebased(last, self._stored[last])
        count, source = company_shares(quote, bars, known)
        if count is None or _is_class_alone(count, source, known, stored_source):
            return _shares(known), stored_source or "shares_x_close"
        factor = _behind_by(count, known, bars)
        if factor == 1 and sure == last and stored_source in (None, source):
            self._missed = _missed_by(known, count, last, bars)
            self.is_waiting = self._missed == 1 and _is_ahead(count, known, bars) and not _is_lasting(count, earlier)
            self._look_for_doubled(count, known, bars, is_new)
        return (_shares(known) if self.is_waiting else _shares(count * factor)), source

    def _look_for_doubled(self, count: int, known: float, bars: Sequence[Bar], is_new: bool) -> None:
        """Find the splits of some weeks ago that the stored counts have twice, and correct these where that is sure."""
        if _true_splits(bars[-RECENT_SESSIONS:]):
            return
        before = bars[-2 * RECENT_SESSIONS : -RECENT_SESSIONS]
        factor = _behind_by(count, known, before)
        if factor != 1 and not _is_about(factor, 1):
            self.doubled_at = min(bar.session for bar in before if is_true_split(bar.split_ratio))
            if is_new and not self.is_waiting:
                self._missed = 1 / factor

    def _last_sure(self, bars: Sequence[Bar], last: date) -> date:
        """Return the last counted session whose quote was not ahead of a split, and note what is mistaken behind it.

        It is `last` itself unless a split is listed behind it, which its count has had already.
        """
        split = next((bar.session for bar in bars if bar.session > last and is_true_split(bar.split_ratio)), None)
        before = self._last_counted([bar for bar in bars if split and bar.session < split - AHEAD])
        if before is None:
            return last
        known, newest = (self._rebased(day, self._stored[day]) for day in (before, last))
        factor = _behind_by(known, newest, bars)
        if _is_about(factor, 1):
            return last
        self._missed, self._mistaken_after = 1 / factor, before
        return before

    def _last_counted(self, bars: Sequence[Bar]) -> date | None:
        counted = (bar.session for bar in reversed(bars) if bar.session in self._stored)
        return next((day for day in counted if self._stored[day]["shares_outstanding"]), None)


def rescaled(bars: Sequence[Bar], stored: Mapping[date, Row]) -> dict[date, float]:
    """Return the factor that splits and spin-offs have put on each stored close since it was stored.

    Seen from the newest bar backwards the factor changes behind a listed ratio, and where most of what is older has
    changed alike. A close that has changed alone was corrected: its factor is that of its neighbours.
    """
    changes = [bar.close / stored[bar.session]["close_price"] for bar in reversed(bars) if bar.session in stored]
    found: dict[date, float] = {}
    factor = passed = 1.0
    for bar in reversed(bars):
        if bar.session in stored:
            factor, passed = _factor(changes[len(found) :], factor, factor / passed), 1.0
            found[bar.session] = factor
        passed *= bar.split_ratio if _is_ratio(bar.split_ratio) else 1.0
    return found


def _factor(changes: Sequence[float], factor: float, listed: float) -> float:
    """Choose the factor of the first of these closes, newest first.

    It is that of the session behind it, the listed one, or a new one.
    """
    change, older = changes[0], changes[1:]
    if math.isclose(change, factor, rel_tol=SAME_FACTOR):
        return factor
    if math.isclose(change, listed, rel_tol=LISTED_FACTOR):
        return change
    if not older:
        return min((factor, listed), key=lambda each: abs(math.log(change / each)))
    if 2 * sum(math.isclose(change, each, rel_tol=SAME_FACTOR) for each in older) >= len(older):
        return change
    return listed if math.isclose(older[0], listed, rel_tol=LISTED_FACTOR) else factor


def _behind_by(count: float, known: float, bars: Sequence[Bar]) -> float:
    """Return the product of the last splits that a count lacks, going by another count that has them.

    bars: up to the session of the count
    """
    factors = [1.0, *accumulate(reversed(_true_splits(bars[-RECENT_SESSIONS:])), mul)]
    factor = min(factors, key=lambda each: abs(math.log(count * each / known)))
    return factor if _is_about(count * factor, known) else 1.0


def _true_splits(bars: Sequence[Bar]) -> list[float]:
    return [bar.split_ratio for bar in bars if is_true_split(bar.split_ratio)]


def _is_about(count: float, other: float) -> bool:
    """Tell whether a count is another one but for what a company issues or buys back."""
    return abs(math.log(count / other)) < BUYBACKS


def _contradict(implied: int, derived: int, bars: Sequence[Bar]) -> bool:
    """Tell whether two of a quote's counts are further apart than a cap of the day before and a split explain."""
    is_explained = _behind_by(implied, derived, bars) != 1 or _behind_by(derived, implied, bars) != 1
    return abs(math.log(implied / derived)) > math.log1p(LARGEST_STEP) and not is_explained


def _truer(implied: int, derived: int, listed: int | None) -> int:
    """Choose between two counts that contradict each other: no company has fewer shares than its listed class.

    Where the cap counts the listed class alone, it says nothing against the company's count. But a count of many times
    the class, or of a whole number of times, is one in another unit, or of after a split to come.
    """
    if listed is None:
        return derived
    is_listed = abs(implied / listed - 1) <= SAME_COUNT
    if is_listed or derived * (1 + LARGEST_STEP) < listed <= implied * (1 + LARGEST_STEP):
        return implied
    is_cap_of_class = abs(derived / listed - 1) <= SAME_COUNT
    is_of_company = listed < implied < MOST_CLASSES * listed and not _is_whole(implied / listed)
    return implied if is_cap_of_class and is_of_company else derived


def _nearest(counts: Sequence[int], known: float, bars: Sequence[Bar]) -> int | None:
    """Return the count that is nearest to the stored one, or None where none is near."""
    off = {count: abs(math.log(count * _behind_by(count, known, bars) / known)) for count in counts}
    nearest = min(counts, key=off.__getitem__)
    return nearest if off[nearest] < BUYBACKS else None


def _missed_by(known: float, count: int, last: date, bars: Sequence[Bar]) -> float:
    """Return the product of the splits that the last stored count lacks, though it is of a session soon after them.

    Its quote was of before them then, and nothing was stored yet that told. Now the quote has them. Of a small split
    what the company has issued may look the same.
    """
    factor = _behind_by(known, count, [bar for bar in bars if bar.session <= last])
    return factor if abs(math.log(factor)) > 2 * BUYBACKS else 1.0


def _is_lasting(count: int, earlier: Quote | None) -> bool:
    """Tell whether an earlier quote has about the same count: a split does not stay to come for so long."""
    before = company_shares(earlier)[0] if earlier else None
    return before is not None and _is_about(count, before)


def _is_ahead(count: int, known: float, bars: Sequence[Bar]) -> bool:
    """Tell whether a quoted count has changed as by a split before that is listed."""
    change = max(count / known, known / count)
    return _is_early(change) and not _true_splits(bars[-RECENT_SESSIONS:])


def _is_early(change: float) -> bool:
    """Tell whether a count has changed as by a split: by a whole factor, or one of small numbers.

    >>> [_is_early(change) for change in (10.0, 2.0, 1.5, 1.25, 1.2, 3.5, 1.31, 2.13, 1.1)]
    [True, True, True, True, True, True, False, False, False]
    """
    near = Fraction(change).limit_denominator(LARGEST_EARLY.denominator)
    is_simple = near.numerator <= LARGEST_EARLY.numerator and math.isclose(change, near, rel_tol=EARLY_FACTOR)
    return _is_whole(change) or (is_simple and not _is_about(change, 1))


def _is_whole(change: float) -> bool:
    """Tell whether a count has changed by a whole factor, as by a split."""
    return round(change) > 1 and math.isclose(change, round(change), rel_tol=EARLY_FACTOR)


def _is_class_alone(count: int, source: str | None, known: float, stored_source: str | None) -> bool:
    """Tell whether a quote has less than is known: the listed class, where the company's count is stored."""
    return source == "shares_x_close" and stored_source in COMPANY_COUNTS and count < known * (1 - SAME_COUNT)


def _quoted_count(quote: Quote) -> int | None:
    count = quote.market_cap / quote.price if quote.market_cap and quote.price else 0.0
    return _shares(count)


def _shares(count: float) -> int | None:
    """Round to a whole number of shares, or None when no count can be that large or small."""
    return round(count) or None if count <= LARGEST_INTEGER else None


def _cap(count: int, close: float) -> int | None:
    """Return the worth of shares at a close, or None when no market cap can be that large or small."""
    worth = count * close
    return round(worth) or None if worth <= LARGEST_INTEGER else None


def _is_ratio(value: float) -> bool:
    """Tell whether a value can be the ratio of a split. The message contract refuses the bar of another one."""
    return 1 / LARGEST_RATIO <= value <= LARGEST_RATIO


def _later_spin_offs(bars: Sequence[Bar]) -> Iterator[tuple[date, float]]:
    """Yield each session with the product of the spin-offs' ratios that are listed behind it."""
    product = 1.0
    for bar in reversed(bars):
        yield bar.session, product
        if _is_ratio(bar.split_ratio) and not is_true_split(bar.split_ratio):
            product *= bar.split_ratio

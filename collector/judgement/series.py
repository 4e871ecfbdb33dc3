"""A ticker's bars while they are judged, and the arithmetic that the rules share."""

import math
from collections.abc import Sequence
from datetime import date
from functools import cached_property
from itertools import pairwise
from statistics import median

from collector.judgement.findings import Judgement, Known
from collector.yahoo_answers.model import Bar
from utils.messages import BEYOND_PRICE, LARGEST_STEP, LEAST_PRICE
from utils.reasons import Reason, reason

CLEAR_MISMATCH = 0.02  # of the close: an adjusted close that is off by more makes its bar doubtful, by less noted
FLOAT32 = 4e-6  # relative: four single-precision prices make a ratio; recorded ones differ by 5e-7 at most
DIVIDEND_DIGITS = 5e-5  # absolute: dividends are given with four digits or more behind the point
SAME_PRICE = 1e-6  # relative: by which a price is that of another session, or of the same one again
SAME_RATIO = 1e-3
LARGEST_RATE_STEP = 0.2  # in a day; a person has to accept a currency's larger one
CLEAR_SPLIT = 0.1  # |log ratio|: a step like that stands out from an ordinary day; spin-offs' ratios are smaller
SPINOFF_MOVE = 3  # times the usual daily move: what a smaller step must exceed to be taken for an event's own


class Series:
    """The bars in order, what is known beside them, and the judgement so far."""

    def __init__(self, bars: Sequence[Bar], known: Known, judged: Judgement, is_rate: bool = False) -> None:
        self.bars = bars
        self.known = known
        self.judged = judged
        self.largest_step = LARGEST_RATE_STEP if is_rate else LARGEST_STEP

    @cached_property
    def usual_move(self) -> float:
        """The median of the daily moves (absolute logarithms)."""
        moves = [abs(math.log(bar.close / before.close)) for before, bar in pairwise(self.bars)]
        return median(moves) if moves else 0.0

    @cached_property
    def clear_splits(self) -> list[tuple[date, float]]:
        """The sessions with a split that stands out from an ordinary day, and its ratio."""
        listed = ((bar.session, bar.split_ratio) for bar in self.bars if bar.split_ratio != 1)
        return [(day, ratio) for day, ratio in listed if is_price(ratio) and distance(ratio, 1) >= CLEAR_SPLIT]

    def approve_accepted(self) -> None:
        """Approve the bars that a person has accepted, whatever they were rejected for."""
        for before, bar in pairwise([None, *self.bars]):
            assert bar
            if bar.session in self.known.accepted:
                self.is_accepted(bar.session, bar.close / before.close if before else None)

    def is_accepted(self, session: date, ratio: float | None) -> bool:
        """Tell whether a person has accepted the session's bar with the step that it makes now, and approve it then."""
        if session not in self.known.accepted:
            return False
        step = self.known.accepted[session]
        if step and ratio and abs(ratio / step - 1) > CLEAR_MISMATCH:
            return False
        self.judged.approved.add(session)
        return True

    def is_stored_so(self, before: Bar, bar: Bar, found: float) -> bool:
        """Tell whether the stored adjusted closes have the same ratio between two bars, and approve the later one then.

        found: (adj_close / close of the earlier) / (adj_close / close of the later)
        """
        old, new = self.known.stored.get(before.session), self.known.row_of(bar.session)
        if not (old and new):
            return False
        then = (old["adj_close"] / old["close_price"]) / (new["adj_close"] / new["close_price"])
        if abs(then / found - 1) > SAME_RATIO:
            return False
        self.judged.approved.add(bar.session)
        return True

    def doubt_all(self, reason: Reason) -> None:
        """Doubt each bar, also those that are stored just so: only accepted ones go on."""
        for before, bar in pairwise([None, *self.bars]):
            assert bar
            if before:
                self.judged.previous_closes[bar.session] = before.close
            self.judged.doubt(bar.session, reason, is_break=False)


def is_price(value: float) -> bool:
    """Tell whether a value can be a price, or a ratio, of a message.

    >>> [is_price(value) for value in (10.0, 0.0, -1.0, 1e-320, 1e300, math.inf, math.nan)]
    [True, False, False, False, False, False, False]
    """
    return LEAST_PRICE <= value < BEYOND_PRICE


def distance(one: float, other: float) -> float:
    """Return the absolute logarithm of the ratio of two numbers."""
    return abs(math.log(one / other))


def share_kept(bar: Bar, close_before: float, found: float) -> float:
    """Return the part of the close before a bar that its dividend leaves.

    Yahoo adjusts for some capital gains and not for others, so one paid that day counts where it explains more.
    """
    kept = 1 - bar.dividend / close_before
    with_gain = kept - bar.capital_gain / close_before
    return with_gain if abs(found - with_gain) < abs(found - kept) else kept


def digits_of(share: float) -> int:
    """Return how many digits a percentage needs behind the point: two, or more for a small one.

    >>> digits_of(0.011), digits_of(0.00002)
    (2, 5)
    """
    return max(2, math.ceil(-math.log10(abs(share))) if 0 < abs(share) < 1e-2 else 2)


def describe_share(dividend: float, share: float) -> Reason:
    """Describe a dividend as a share of the close before it."""
    return reason("dividend_share", dividend=dividend, share=share, digits=digits_of(share))

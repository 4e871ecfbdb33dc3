"""Find answers that are of another symbol, shifted by a day, or in another unit than what is stored."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import accumulate
from operator import mul
from statistics import median

from collector.judgement.findings import Known
from collector.judgement.series import CLEAR_SPLIT, distance, is_price
from collector.yahoo_answers.model import Bar
from database.db_helper import Row
from utils.messages import LARGEST_STEP
from utils.reasons import Reason, reason

SAME_LEVEL = 1e-4  # relative: closes are on one level when their factors to the stored ones differ by less
LEAST_OVERLAP = 5
OTHER_RATE = 0.2  # |log factor|: exchange rates do not move that far between two fetches


def find_contradiction(bars: Sequence[Bar], stored: Mapping[date, Row], is_rate: bool) -> Reason | None:
    """Return why an answer cannot be of the ticker that is stored: it is shifted by a day, or of another symbol.

    Between the closes of two fetches splits leave few factors, each common to many sessions. Of rates only the level
    counts, since they may be taken from other hours.
    """
    factors = _factors(bars, stored)
    if len(factors) < LEAST_OVERLAP:
        return None
    if is_rate:
        factor = median(factors)
        return reason("other_rates", factor=factor) if distance(factor, 1) > OTHER_RATE else None
    odd = sum(1 for _ in _lonely(factors))
    if 2 * odd <= len(factors):
        return None
    return reason("contradicts", odd=odd, count=len(factors))


def find_other_unit(bars: Sequence[Bar], known: Known) -> Reason | None:
    """Return why all closes may be in another unit than the stored ones: a currency, or a factor without a split."""
    stored = known.stored
    before = stored[max(stored)].get("currency") if stored else None
    if before and known.currency and before != known.currency:
        return reason("other_currency", given=known.currency, stored=before)
    factors = _factors(bars, stored)
    if len(factors) < LEAST_OVERLAP or any(distance(factor, 1) < CLEAR_SPLIT for factor in factors):
        return None
    factor = median(factors)
    listed = accumulate((bar.split_ratio for bar in reversed(bars) if is_price(bar.split_ratio)), mul)
    withdrawn = accumulate((stored[day]["split_ratio"] for day in sorted(stored, reverse=True)), mul)
    if any(distance(factor, split) < CLEAR_SPLIT / 2 for split in (*(1 / ratio for ratio in listed), *withdrawn)):
        return None
    if any(distance(factor, step) < math.log1p(LARGEST_STEP) < distance(step, 1) for step in known.rejected_steps):
        return None  # what is stored was on another level than the bar after it, and has healed
    return reason("other_unit", factor=factor)


def _factors(bars: Sequence[Bar], stored: Mapping[date, Row]) -> list[float]:
    """Divide each close by the stored one."""
    return [bar.close / stored[bar.session]["close_price"] for bar in bars if bar.session in stored]


def _lonely(factors: Sequence[float]) -> Iterator[float]:
    """Yield the factors that differ from both neighbours."""
    for at, factor in enumerate(factors):
        neighbours = (*factors[max(at - 1, 0) : at], *factors[at + 1 : at + 2])
        if all(abs(other / factor - 1) > SAME_LEVEL for other in neighbours):
            yield factor

"""Judge the adjusted closes: from one session to the next only dividends and capital gains may change their ratio."""

import math
from collections.abc import Mapping, Sequence, Set
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

from collector.judgement.findings import Judgement
from collector.judgement.series import (
    CLEAR_MISMATCH,
    DIVIDEND_DIGITS,
    FLOAT32,
    SAME_RATIO,
    Series,
    describe_share,
    digits_of,
    distance,
    share_kept,
)
from collector.yahoo_answers.model import Bar
from database.db_helper import Row
from utils.messages import LARGEST_STEP
from utils.reasons import Reason, reason

# Recordings round adjusted closes to cents or ticks. It shows on the days without a dividend, as often upwards as
# downwards, and the largest of what it leaves is some six times the median.
NOISE_SPAN = 6
NOISE_LARGEST = 1e-3
NOISE_SAMPLE = 8
HALF_A_CENT = 0.0055  # of a single adjusted close that is rounded beside others that are not


def judge_adjusted_closes(series: Series) -> None:
    """Doubt or note each bar whose adjusted close does not follow from the last good one.

    A bar that alone is off is skipped: what its dividend takes off is owed to the bar after it.
    """
    noise = _rounding(series)
    good, owed = series.bars[0], 1.0
    for at in range(1, len(series.bars)):
        bar = series.bars[at]
        close_before = series.judged.previous_closes[bar.session]
        found = (good.adj_close / good.close) / (bar.adj_close / bar.close)
        kept = share_kept(bar, close_before, found / owed)
        off = found - owed * kept
        if abs(off) > FLOAT32 and abs(off) > _tolerance(series, at, noise, close_before):
            if abs(off) * bar.adj_close < HALF_A_CENT and _is_alone_off(series, at, good, owed * kept):
                owed *= kept
                continue
            clear = abs(off) > CLEAR_MISMATCH and not _is_settled(series, good, bar, found, close_before)
            if clear and _is_alone_off(series, at, good, owed * kept):
                owed *= kept
                series.judged.doubt(bar.session, describe_mismatch(bar, close_before, found), is_break=False)
                continue
            if clear:
                series.judged.doubt(bar.session, describe_mismatch(bar, close_before, found))
            elif not (abs(off) > CLEAR_MISMATCH and bar.session in series.known.accepted):
                series.judged.note(bar.session, describe_mismatch(bar, close_before, found))
        good, owed = bar, 1.0


def note_stale_rows(judged: Judgement, bars: Sequence[Bar], stored: Mapping[date, Row], doubtful: Set[date]) -> None:
    """Note the stored bars that are doubtful now, where the source has rescaled the ones after them.

    A doubtful bar is not stored, so its row keeps the adjusted close of an earlier fetch.
    """
    for bar, following in pairwise(bars):
        row, after = stored.get(bar.session), stored.get(following.session)
        if not (row and after) or bar.session not in doubtful or following.session in doubtful:
            continue
        if abs(following.adj_close / after["adj_close"] - 1) > FLOAT32 or _is_of_another_scale(row, following):
            for session in (bar.session, following.session):
                judged.note(session, reason("stale_adjustment", session=bar.session))


def _is_of_another_scale(row: Row, following: Bar) -> bool:
    """Tell whether a stored bar does not lead to the next one, which was rescaled in an earlier fetch."""
    kept = share_kept(
        following, row["close_price"], (row["adj_close"] / row["close_price"]) * following.close / following.adj_close
    )
    leads_to = following.adj_close / following.close * kept
    tolerance = FLOAT32 + (DIVIDEND_DIGITS / row["close_price"] if kept != 1 else 0)
    is_split_off = distance(following.close, row["close_price"]) >= math.log(1 + LARGEST_STEP)
    return is_split_off or abs(row["adj_close"] / row["close_price"] / leads_to - 1) > tolerance


def _rounding(series: Series) -> float:
    """Return the most that rounding moves an adjusted close by, in its currency, or 0 where none shows."""
    left = []
    for before, bar in pairwise(series.bars):
        off = (before.adj_close / before.close) / (bar.adj_close / bar.close) - 1
        if not bar.dividend and FLOAT32 < abs(off) < NOISE_LARGEST:
            left.append(off * before.adj_close)
    upwards = sum(off > 0 for off in left)
    if len(left) < NOISE_SAMPLE or 4 * min(upwards, len(left) - upwards) < len(left):
        return 0.0
    return NOISE_SPAN * median(map(abs, left))


def _tolerance(series: Series, at: int, noise: float, close_before: float) -> float:
    """Return how far an adjusted close may be from what follows from the dividend."""
    before, bar = series.bars[at - 1], series.bars[at]
    tolerance = FLOAT32 + min(noise / min(before.adj_close, bar.adj_close), NOISE_LARGEST)
    if paid := bar.dividend + bar.capital_gain:
        tolerance += DIVIDEND_DIGITS / close_before
        if before.session in series.judged.doubts or _lacks_session(series, before.session, bar.session):
            # The source has taken it off a close that we do not know.
            tolerance += LARGEST_STEP * abs(paid) / close_before
    return tolerance


def _lacks_session(series: Series, before: date, after: date) -> bool:
    days = (after - before).days
    return any(before + timedelta(days=number) in series.known.gaps for number in range(1, days))


def _is_settled(series: Series, good: Bar, bar: Bar, found: float, close_before: float) -> bool:
    """Tell whether a clear mismatch is accepted by a person or stored already just so, and approve it then."""
    if series.is_accepted(bar.session, bar.close / close_before):
        return True
    old, new = series.known.stored.get(good.session), series.known.row_of(bar.session)
    if not (old and new):
        return False
    then = (old["adj_close"] / old["close_price"]) / (new["adj_close"] / new["close_price"])
    if abs(then / found - 1) > SAME_RATIO:
        return False
    series.judged.approved.add(bar.session)
    return True


def _is_alone_off(series: Series, at: int, good: Bar, owed: float) -> bool:
    """Tell whether the adjusted close after a bar goes on from the one before it."""
    if at + 1 == len(series.bars):
        return False
    bar, following = series.bars[at], series.bars[at + 1]
    factor = following.adj_close / following.close
    from_bar, from_good = (bar.adj_close / bar.close) / factor, (good.adj_close / good.close) / factor
    kept = share_kept(following, series.judged.previous_closes[following.session], from_good / owed)
    return abs(from_good - owed * kept) < abs(from_bar - kept)


def describe_mismatch(bar: Bar, close_before: float, found: float) -> Reason:
    """Describe by how much an adjusted close changes, and what its dividend explains of it.

    >>> bar = Bar(date(2026, 8, 21), 99.0, 99.0, 99.0, 99.0, 99.0, 5, 0.0, 1.0)
    >>> str(describe_mismatch(bar, 100.0, 0.989))
    'the adjusted close falls by 1.10% without a dividend'
    """
    code = "adjusted_close_falls" if found < 1 else "adjusted_close_rises"
    move = reason(code, change=abs(1 - found), digits=digits_of(1 - found))
    if not (bar.dividend or bar.capital_gain):
        return reason("without_dividend", move=move)
    share = (bar.dividend + bar.capital_gain) / close_before
    dividend = describe_share(bar.dividend, share)
    if bar.capital_gain:
        dividend = reason("dividend_and_gain_share", gain=bar.capital_gain, **dividend.params)
    return reason("beside_dividend", move=move, dividend=dividend)

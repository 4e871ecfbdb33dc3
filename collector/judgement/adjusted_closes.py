"""Judge the adjusted closes: from one session to the next only dividends and capital gains may change their ratio."""

import math
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

from collector.judgement.findings import STALE_SPLIT, Judgement
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
from utils.dates import HOME_EXCHANGE, last_closed_session
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


def note_stale_rows(
    judged: Judgement,
    bars: Sequence[Bar],
    stored: Mapping[date, Row],
    unstored: Set[date],
    exchange: str = HOME_EXCHANGE,
) -> None:
    """Note where rows that the answer leaves as they are lie beside bars on another basis of adjustment.

    A bar that is absent from the answer, or not stored (unstored), keeps the prices of an earlier fetch.
    """
    given = {bar.session: bar for bar in bars if bar.session not in unstored}
    kept = {session: _stored_bar(session, row) for session, row in stored.items() if session not in given}
    sure = (bar for bar in bars if bar.session not in judged.doubts)
    events = [bar for bar in sure if bar.dividend or bar.capital_gain or bar.split_ratio != 1]
    lasting = _lasting_fetches(given, stored)
    for before, after in pairwise(sorted(given | kept)):
        if (before in kept) == (after in kept):
            continue
        old, new = (before, after) if before in kept else (after, before)
        later = [] if stored[old].get("fetched_at") in lasting else _events_since(events, old, stored[old], exchange)
        is_rescaled = new in stored and _is_rescaled(given[new], stored[new])
        if _is_split_between(later, given[new], stored.get(new)):
            judged.withhold(after, reason(STALE_SPLIT, session=old))
        elif later or is_rescaled or _is_of_another_scale((given | kept)[before], (given | kept)[after]):
            judged.note(after, reason("stale_adjustment", session=old))


def _stored_bar(session: date, row: Row) -> Bar:
    close, dividend, gain = row["close_price"], row["dividend"], row.get("capital_gain", 0.0)
    return Bar(session, None, None, None, close, row["adj_close"], 0, dividend, row["split_ratio"], gain)


def _lasting_fetches(given: Mapping[date, Bar], stored: Mapping[date, Row]) -> Set[datetime]:
    """Return the fetches of which all rows are still as the answer has them: their other rows are on its basis, too."""
    again = [(bar, stored[session]) for session, bar in given.items() if "fetched_at" in stored.get(session, {})]
    rescaled = {row["fetched_at"] for bar, row in again if _is_rescaled(bar, row)}
    return {row["fetched_at"] for _, row in again} - rescaled


def _is_rescaled(bar: Bar, row: Row) -> bool:
    return distance(bar.adj_close, row["adj_close"]) > FLOAT32


def _events_since(events: Sequence[Bar], session: date, row: Row, exchange: str) -> list[Bar]:
    """Return the events after a session whose own sessions were not over when its row was fetched.

    A run in the morning stores a bar on the day of the event after it, before the source has adjusted for it.
    """
    if "fetched_at" not in row:
        return []
    over = max(session, last_closed_session(row["fetched_at"], exchange))
    return [event for event in events if event.session > over]


def _is_split_between(later: Sequence[Bar], bar: Bar, row: Row | None) -> bool:
    """Tell whether a split has come, or has rescaled a bar, since the row beside it was stored."""
    is_rescaled = row is not None and distance(bar.close, row["close_price"]) > SAME_RATIO
    return is_rescaled or any(event.split_ratio != 1 for event in later)


def _is_of_another_scale(before: Bar, after: Bar) -> bool:
    """Tell whether a bar does not lead to the one after it, which was rescaled in an earlier fetch."""
    kept = share_kept(after, before.close, (before.adj_close / before.close) * after.close / after.adj_close)
    leads_to = after.adj_close / after.close * kept
    tolerance = FLOAT32 + (DIVIDEND_DIGITS / before.close if kept != 1 else 0)
    is_split_off = distance(after.close, before.close) >= math.log(1 + LARGEST_STEP)
    return is_split_off or abs(before.adj_close / before.close / leads_to - 1) > tolerance


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
    return series.is_accepted(bar.session, bar.close / close_before) or series.is_stored_so(good, bar, found)


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

"""Judge the steps from one close to the next, above all on the days of splits."""

import math
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import accumulate, pairwise
from operator import mul
from statistics import median
from typing import Any, Literal

import msgspec

from collector.judgement.series import CLEAR_MISMATCH, CLEAR_SPLIT, SAME_RATIO, SPINOFF_MOVE, Series, distance, is_price
from collector.yahoo_answers.model import Bar
from utils.messages import LARGEST_STEP
from utils.reasons import Reason, from_rows, reason
from utils.splits import ratio_text

SAME_STEP = 1e-5  # relative: by which each close of a step may differ from one fetch to the next
SPLIT_MOVE = 4  # times the usual daily move: what a step must exceed to be taken for the split itself

UNUSUAL_MOVE = 8  # times the usual daily move: what a step must exceed to be taken for another day's split
SAME_SPLIT_MOVE = 2  # times the usual daily move: by how much a step may differ from that of a split alone
LONGEST_PAUSE = 5  # sessions without a bar, after which a stored close says nothing of an answer's first one

Suspicion = Literal["doubt", "note"]


def judge_steps(series: Series) -> None:
    """Doubt or note each step that ordinary trading does not explain."""
    level = _stored_before(series)
    if level:
        _judge_beginning(series, level)
    for at, bar in enumerate(series.bars):
        if level is None:
            level = bar
            continue
        series.judged.previous_closes[bar.session] = level.close
        ratio = bar.close / level.close
        split = _split_of(series, bar)
        is_plain = split == 1.0 and not _is_large(series, bar, ratio)
        is_odd = _is_undone(series, at, level) if is_plain else split == 1.0 and _is_stored_odd(series, at, level)
        if is_odd and not series.is_accepted(bar.session, ratio):
            _settle_odd(series, at, level)
        elif is_plain or _is_plausible(series, bar, level, ratio, split) or _doubt(series, at, level):
            level = bar
    _note_deep_fall(series)


def _is_undone(series: Series, at: int, level: Bar) -> bool:
    """Tell whether a fall is undone by so large a rise that the fall is the odd one of the two.

    What a fall of a third to a half leaves is a rise over the limit. The next close tells, or of the newest bar the one
    that is stored already.
    """
    bar = series.bars[at]
    witness = _close_after(series, at)
    if witness is None or witness / bar.close - 1 <= series.largest_step:
        return False
    return distance(witness, level.close) < distance(bar.close, level.close)


def _is_stored_odd(series: Series, at: int, level: Bar) -> bool:
    """Tell whether a bar that is stored just so is an odd one, after which the prices go on from the level before."""
    bar, after = series.bars[at], _close_after(series, at) if at + 1 < len(series.bars) else None
    row = series.known.row_of(bar.session)
    if row is None or after is None or distance(row["close_price"], bar.close) > SAME_RATIO:
        return False
    return distance(after, level.close) < distance(after, bar.close)


def _settle_odd(series: Series, at: int, level: Bar) -> None:
    """Doubt an odd bar. Where it is stored just so, note the steps on both of its sides.

    Where the one after it is stored, too, that is all: to hold it back would gain nothing.
    """
    bar, beside = series.bars[at], series.bars[at : at + 2]
    step, row = describe_step(level.close, bar.close, 1.0), series.known.stored.get(bar.session)
    is_stored = row is not None and distance(row["close_price"], bar.close) < SAME_RATIO
    if is_stored:
        for each in beside:
            series.judged.note(each.session, step)
    if is_stored and bar.session not in series.known.waiting and beside[-1].session in series.known.stored:
        series.judged.approved.add(bar.session)
    else:
        series.judged.doubt(bar.session, step, is_break=False)


def _close_after(series: Series, at: int) -> float | None:
    """Return the close that goes on from a bar. None on the day of a split, which has rules of its own."""
    if at + 1 < len(series.bars):
        following = series.bars[at + 1]
        return following.close if _split_of(series, following) == 1.0 else None
    row = series.known.row_of(series.bars[at].session)
    return float(row["close_price"]) if row else None


def _note_deep_fall(series: Series) -> None:
    """Note the newest bar's fall if undoing it would be over the limit: it may be true, and the next close tells."""
    bar = series.bars[-1]
    before = series.judged.previous_closes.get(bar.session)
    if before is None or _split_of(series, bar) != 1.0 or bar.session in series.judged.doubts:
        return
    ratio = bar.close / before
    is_deep = not _is_large(series, bar, ratio) and 1 / ratio - 1 > series.largest_step
    if is_deep and not series.is_accepted(bar.session, ratio):
        series.judged.note(bar.session, describe_step(before, bar.close, 1.0))


def _stored_before(series: Series) -> Bar | None:
    """Return the last bar that is stored of before an answer which leaves it out, unless a long pause follows it.

    A split that the answer lists may have come since it was stored, or not: the basis that is nearer counts.
    """
    first, stored = series.bars[0], series.known.stored
    session = max((day for day in stored if day < first.session), default=None)
    if session is None or sum(session < day < first.session for day in series.known.gaps) > LONGEST_PAUSE:
        return None
    ratios = [bar.split_ratio for bar in reversed(series.bars) if is_price(bar.split_ratio)]
    bases = (stored[session]["close_price"] / split for split in accumulate(ratios, mul, initial=1.0))
    close = min(bases, key=lambda basis: distance(first.close, basis))
    return Bar(session, None, None, None, close, close, 0, 0.0, 1.0)


def _judge_beginning(series: Series, before: Bar) -> None:
    """Note an answer that begins where the prices do not go on as they do: it may be of something else.

    Whoever has accepted its first bar has accepted this step, or another one.
    """
    first = series.bars[0]
    ratio = first.close / before.close
    usual = _usual_move(row["close_price"] for _, row in sorted(series.known.stored.items()))
    if series.known.accepted.get(first.session) and not series.is_accepted(first.session, ratio):
        series.judged.approved.discard(first.session)
    if not _is_large(series, first, ratio) and usual and distance(ratio, 1) > UNUSUAL_MOVE * usual:
        series.judged.note(first.session, reason("begins_apart", step=ratio - 1, session=before.session))


def _usual_move(closes: Iterable[float]) -> float:
    """Return the median of the moves between closes (absolute logarithms), or 0 without any."""
    return median([distance(after, before) for before, after in pairwise(closes)] or [0.0])


def _is_plausible(series: Series, bar: Bar, level: Bar, ratio: float, split: float) -> bool:
    """Tell whether a step, large or on the day of a split, needs no doubt. Note it where it is a little suspicious."""
    is_large = _is_large(series, bar, ratio)
    suspicion = _suspect_split(series, bar, level, ratio, split)
    if not is_large and not suspicion:
        return True
    if is_large or suspicion == "doubt":
        if series.is_accepted(bar.session, ratio):
            return True
        if not _is_stored_step(series, level, bar, ratio):
            return False
    series.judged.note(bar.session, describe_step(level.close, bar.close, split))
    return True


def _is_large(series: Series, bar: Bar, ratio: float) -> bool:
    """Tell whether a step is too large for a day, or is that of a later split, which older bars may lack."""
    if abs(ratio - 1) > series.largest_step:
        return True
    usual = series.usual_move
    return distance(ratio, 1) > UNUSUAL_MOVE * usual and any(
        session > bar.session and min(distance(ratio, split), distance(ratio, 1 / split)) < SAME_SPLIT_MOVE * usual
        for session, split in series.clear_splits
    )


def _doubt(series: Series, at: int, level: Bar) -> bool:
    """Doubt a bar, and return whether the prices break there: not when the next one is back on the level before it."""
    bar, following = series.bars[at], series.bars[at + 1] if at + 1 < len(series.bars) else None
    split = _split_of(series, bar)
    is_break = (
        following is None
        or distance(following.close, bar.close) <= distance(following.close, level.close)
        # The step of a small split says nothing of where the prices stay.
        or (abs(bar.close / level.close - 1) <= LARGEST_STEP and _is_proven(series, bar, level, split))
    )
    series.judged.doubt(bar.session, describe_step(level.close, bar.close, split), is_break)
    return is_break


def _split_of(series: Series, bar: Bar) -> float:
    """Return the ratio of the day's split, also when only an earlier answer listed it."""
    if bar.split_ratio != 1.0:
        return bar.split_ratio if is_price(bar.split_ratio) else 1.0
    row = series.known.stored.get(bar.session)
    return float(row["split_ratio"]) if row else 1.0


def _suspect_split(series: Series, bar: Bar, level: Bar, ratio: float, split: float) -> Suspicion | None:
    """Return what a step that looks like the day's split itself is worth.

    The older bars may then not be adjusted for the split.
    """
    size = abs(math.log(split))
    if not size:
        return None
    move = abs(math.log(ratio))
    is_like_it = 0.5 * size < move < 1.5 * size
    if _is_unapplied(series, bar, split):
        # Of a large split the prices would show it, but a small one is lost among ordinary moves.
        return "doubt" if is_like_it or size < SPLIT_MOVE * series.usual_move else "note"
    if _waits_for_the_same(series, bar, level, split):
        return "doubt"
    if not is_like_it:
        return None
    if size >= CLEAR_SPLIT and move > SPLIT_MOVE * series.usual_move:
        return "doubt"
    return "note" if move > SPINOFF_MOVE * series.usual_move else None


def _is_proven(series: Series, bar: Bar, level: Bar, split: float) -> bool:
    return split != 1 and (_is_unapplied(series, bar, split) or _waits_for_the_same(series, bar, level, split))


def _is_unapplied(series: Series, bar: Bar, split: float) -> bool:
    """Tell whether the stored rows prove that the closes before a split are not adjusted for it.

    Three cases prove it. The closes are still as they were before the split, or were adjusted the other way, or had
    been adjusted once and no longer are. A row that was fetched on the day of the split may be of before or after it.
    """
    stored = [each for each in series.bars if each.session in series.known.stored]
    after = next((each for each in stored if each.session >= bar.session), None)
    before = _last_of_known_side(series, [each for each in stored if each.session < bar.session], bar.session)
    if before is None or abs(math.log(split)) < 2 * SAME_RATIO:
        return False
    row = series.known.stored[before.session]
    if "fetched_at" in row and row["fetched_at"].date() < bar.session:
        changed = before.close / row["close_price"]
        return min(distance(changed, 1), distance(changed, split)) < SAME_RATIO
    if after is None:
        return False
    stored_step = series.known.stored[after.session]["close_price"] / row["close_price"]
    return distance(after.close / before.close * split, stored_step) < SAME_RATIO


def _last_of_known_side(series: Series, before: Sequence[Bar], split_session: date) -> Bar | None:
    """Return the last bar whose row was not fetched on the day of the split, else the last one."""
    for bar in reversed(before):
        row = series.known.stored[bar.session]
        if "fetched_at" not in row or row["fetched_at"].date() != split_session:
            return bar
    return before[-1] if before else None


def _waits_for_the_same(series: Series, bar: Bar, level: Bar, split: float) -> bool:
    """Tell whether the bar was rejected for just this step.

    The rows that proved it then may have been overwritten since, so the rejection itself is the proof.
    """
    doubt = series.known.waiting.get(bar.session, {}).get("doubt")
    step = describe_step(level.close, bar.close, split)
    if isinstance(doubt, str):  # a bar that was rejected by an earlier version
        return str(step) in doubt
    return any(_is_same_step(step, each) for each in _reasons_in(doubt))


def _reasons_in(doubt: Any) -> list[Reason]:
    """Return the reasons of a rejected message's doubt. Such a message may be anything."""
    try:
        [found] = from_rows([doubt])
        return from_rows(found.params["reasons"]) if found.code == "several" else [found]
    except (msgspec.ValidationError, KeyError):
        return []


def _is_same_step(step: Reason, other: Reason) -> bool:
    """Tell whether two steps are alike in kind and in both closes. Of a close the last digits may vary."""
    sides = [(step.params[name], other.params.get(name)) for name in ("before", "after")]
    return step.code == other.code and all(
        isinstance(its, float | int) and math.isclose(mine, its, rel_tol=SAME_STEP) for mine, its in sides
    )


def _is_stored_step(series: Series, before: Bar, bar: Bar, ratio: float) -> bool:
    """Tell whether the same step is stored already, and approve it then: holding it back now would gain nothing."""
    old, new = series.known.stored.get(before.session), series.known.row_of(bar.session)
    if not (old and new) or abs(new["close_price"] / old["close_price"] / ratio - 1) > SAME_RATIO:
        return False
    series.judged.approved.add(bar.session)
    return True


def judge_twofold_closes(series: Series) -> None:
    """Doubt a bar whose session is listed twice with clearly different closes. Note one that is stored just so."""
    for bar in series.bars:
        if bar.other_close is None:
            continue
        twofold = reason("twofold_close", close=bar.close, other=bar.other_close)
        before, row = series.judged.previous_closes.get(bar.session), series.known.row_of(bar.session)
        is_stored = row is not None and distance(row["close_price"], bar.close) < SAME_RATIO
        if is_stored or abs(bar.other_close / bar.close - 1) <= CLEAR_MISMATCH:
            series.judged.note(bar.session, twofold)
        elif not series.is_accepted(bar.session, bar.close / before if before else None):
            series.judged.doubt(bar.session, twofold, is_break=False)


def describe_step(before: float, after: float, split: float) -> Reason:
    """Describe a step between two closes, with the factor that would undo it.

    >>> str(describe_step(5.0, 104.3, 0.05))
    'close moved +1,986.0% on the day of a 1:20 split (5 -> 104.3): older closes x 20 would make it continuous, the \
source may not have adjusted them'
    >>> str(describe_step(100.0, 10_100.0, 1.0))
    'close moved +10,000.0% without a split (100 -> 10100): x 0.009901 would make it continuous'
    """
    moved = {"step": after / before - 1, "before": before, "after": after}
    if split == 1.0:
        return reason("step", **moved, factor=before / after)
    ratio = ratio_text(split)
    factor = min((split, 1 / split), key=lambda one: distance(after / before, one))
    if distance(after / before, factor) > 0.5 * abs(math.log(split)):
        return reason("step_at_split", **moved, ratio=ratio, factor=before / after)
    return reason("split_unadjusted", **moved, ratio=ratio, factor=factor)

"""Judge what is paid out: its size beside the close before, beside the ticker's others, and dividends that vanish."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import median

from collector.judgement.series import (
    CLEAR_MISMATCH,
    SAME_RATIO,
    SPINOFF_MOVE,
    Series,
    describe_share,
    digits_of,
    is_price,
    share_kept,
)
from collector.yahoo_answers.model import Bar
from utils.reasons import Reason, reason

ABSURD_DIVIDEND = 0.2  # of the close before, without a matching fall: doubtful
LARGE_DIVIDEND = 0.05  # ... noted
ODD_DIVIDEND = 20  # times the median of the ticker's others, ...
ODD_TO_LARGEST = 5  # ... and the largest of them
ODD_DIVIDEND_SHARE = 0.01  # of the close before: a smaller odd one is only noted, it cannot do much harm
FEW_DIVIDENDS = 3
MOVED_EVENT_DAYS = 7
GAIN_MOVE = 4  # times the usual daily move: what a fall must be off by to speak clearly of a capital gain


def judge_dividends(series: Series) -> None:
    """Judge each dividend as a share of the close before it, which is of one size on every level of prices."""
    shares = {
        bar.session: bar.dividend / series.judged.previous_closes[bar.session]
        for bar in series.bars[1:]
        if bar.dividend > 0
    }
    in_order = sorted(shares.values())
    for bar in series.bars[1:]:
        if share := shares.get(bar.session):
            _judge_dividend(series, bar, share, _times_the_others(share, in_order), len(shares) > FEW_DIVIDENDS)


def _judge_dividend(series: Series, bar: Bar, share: float, times: float, has_many: bool) -> None:
    """Doubt or note one dividend.

    times: how many times the ticker's other dividends it is. has_many: whether these are enough to compare with.
    """
    close_before = series.judged.previous_closes[bar.session]
    fall = 1 - bar.close / close_before
    is_matched = fall >= share / 2
    dividend, move = describe_share(bar.dividend, share), _describe_fall(fall)
    if share > ABSURD_DIVIDEND and not is_matched:
        _doubt_dividend(series, bar, close_before, reason("large_dividend", dividend=dividend, move=move))
    elif times >= ODD_DIVIDEND and not (is_matched and share > SPINOFF_MOVE * series.usual_move):
        odd = reason("odd_dividend", dividend=dividend, times=times, move=move)
        if has_many and not is_matched and share >= ODD_DIVIDEND_SHARE:
            _doubt_dividend(series, bar, close_before, odd)
        else:
            series.judged.note(bar.session, odd)
    elif share > LARGE_DIVIDEND and not is_matched:
        series.judged.note(bar.session, reason("large_dividend", dividend=dividend, move=move))


def _doubt_dividend(series: Series, bar: Bar, close_before: float, doubt: Reason) -> None:
    """Doubt a dividend's bar, unless a person has accepted it. Note it where it is stored already just so."""
    if series.is_accepted(bar.session, bar.close / close_before):
        return
    row = series.known.row_of(bar.session)
    share = bar.dividend / bar.close
    if row and abs(row["dividend"] / row["close_price"] - share) < SAME_RATIO * share:
        series.judged.approved.add(bar.session)
        series.judged.note(bar.session, doubt)
    else:
        series.judged.doubt(bar.session, doubt)


def judge_beyond_price(series: Series, bars: Sequence[Bar]) -> None:
    """Doubt the first bar behind adjusted closes below zero: what was paid that day is more than the price.

    bars: of the answer, also those without a proper price, which the series lacks
    """
    with_close = [bar for bar in bars if is_price(bar.close)]
    for before, bar in pairwise(with_close):
        paid = bar.dividend + bar.capital_gain
        # One odd bar below zero among others is none of a dividend: the message contract refuses it.
        is_behind = before.adj_close < 0 < bar.adj_close and (paid > before.close or bar is series.bars[0])
        if is_behind and not _is_judged(series, bar):
            series.judged.previous_closes.setdefault(bar.session, before.close)
            dividend, move = _describe_paid(bar, paid / before.close), _describe_fall(1 - bar.close / before.close)
            doubt = reason("large_dividend", dividend=dividend, move=move) if paid else reason("adjusted_below_zero")
            _doubt_dividend(series, bar, before.close, doubt)


def _is_judged(series: Series, bar: Bar) -> bool:
    """Tell whether what was paid has been found too large already, beside another close."""
    found = (each.reasons for each in series.judged.breaks if each.session == bar.session)
    return any(why.code == "large_dividend" for reasons in found for why in reasons)


def judge_gains(series: Series) -> None:
    """Judge each capital gain: where the adjusted close takes it off, the price has to fall by it, and only there.

    Yahoo lists gains that its dividends contain already, and takes some off twice.
    """
    before = series.bars[0]
    for bar in series.bars[1:]:
        if bar.session in series.judged.doubts:
            continue
        if bar.capital_gain > 0:
            _judge_gain(series, before, bar)
        before = bar


def _judge_gain(series: Series, before: Bar, bar: Bar) -> None:
    """Doubt or note one capital gain, going by the last bar before it that is not doubtful."""
    close_before = series.judged.previous_closes[bar.session]
    found = (before.adj_close / before.close) / (bar.adj_close / bar.close)
    taken = 1 - share_kept(bar, close_before, found)
    gain, fall = bar.capital_gain / close_before, 1 - bar.close / close_before
    is_taken_off = taken > bar.dividend / close_before + gain / 2  # all of the gain, or none: not a matter of digits
    off = taken - fall if is_taken_off else fall - taken
    if not 0.5 * gain < off < 1.5 * gain:
        return
    move = _describe_fall(fall)
    if is_taken_off:
        doubt = reason("large_dividend", dividend=_describe_paid(bar, taken), move=move)
    else:
        doubt = reason("gain_left_out", gain=bar.capital_gain, share=gain, digits=digits_of(gain), move=move)
    is_clear = off > max(CLEAR_MISMATCH, GAIN_MOVE * series.usual_move) or (is_taken_off and taken > ABSURD_DIVIDEND)
    if is_clear and series.is_accepted(bar.session, bar.close / close_before):
        return
    if is_clear and not series.is_stored_so(before, bar, found):
        series.judged.doubt(bar.session, doubt)
    elif is_clear or gain > min(LARGE_DIVIDEND, SPINOFF_MOVE * series.usual_move):
        series.judged.note(bar.session, doubt)


def _describe_paid(bar: Bar, share: float) -> Reason:
    if not bar.capital_gain:
        return describe_share(bar.dividend, share)
    paid = {"dividend": bar.dividend, "gain": bar.capital_gain}
    return reason("dividend_and_gain_share", **paid, share=share, digits=digits_of(share))


def _describe_fall(fall: float) -> Reason:
    return reason("close_falls" if fall > 0 else "close_rises", change=abs(fall), digits=digits_of(fall))


def note_lost_dividends(series: Series) -> None:
    """Note dividends that were stored once and that the answer leaves out.

    They raise no doubt, as the source may be right now. A dividend that is found within a week of it has only moved.
    """
    stored = {day: row["dividend"] for day, row in series.known.stored.items() if row["dividend"] > 0}
    lost = {**series.known.lost_dividends, **stored}
    if not lost:
        return
    paying = {bar.session for bar in series.bars if bar.dividend > 0}
    moved = paying - set(stored)
    silent = {bar.session for bar in series.bars[1:] if bar.dividend == 0}
    for day in sorted(silent & set(lost)):
        if not any(abs(other - day) <= timedelta(days=MOVED_EVENT_DAYS) for other in moved):
            series.judged.note(day, reason("dividend_gone", dividend=lost[day]))


def _times_the_others(share: float, shares: Sequence[float]) -> float:
    """Divide a dividend by the median of the ticker's others where it stands out from all of them, or return 1.

    shares: of all of the ticker's dividends, in order.

    >>> _times_the_others(0.5, [0.005, 0.005, 0.005, 0.5]), _times_the_others(0.5, [0.005, 0.005, 0.4, 0.5])
    (100.0, 1.0)
    """
    if len(shares) < 2 or share < ODD_TO_LARGEST * shares[-2]:
        return 1.0
    return share / median(shares[:-1])

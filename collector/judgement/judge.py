"""Apply the rules to the bars of an answer, in their order."""

from collections.abc import Sequence
from dataclasses import replace

from collector.judgement.adjusted_closes import judge_adjusted_closes
from collector.judgement.dividends import judge_beyond_price, judge_dividends, judge_gains, note_lost_dividends
from collector.judgement.findings import Judgement, Known
from collector.judgement.restated import judge_restated_stretches
from collector.judgement.series import Series, is_price
from collector.judgement.standstill import judge_standstill
from collector.judgement.steps import judge_steps, judge_twofold_closes
from collector.judgement.units import find_contradiction, find_other_unit
from collector.yahoo_answers.events import leave_out
from collector.yahoo_answers.model import Bar


def judge_bars(bars: Sequence[Bar], known: Known | None = None, is_rate: bool = False) -> Judgement:
    """Judge an answer's bars, given in order, and only the steps of exchange rates.

    Bars without a proper price are left out: the message contract refuses them.
    """
    known = known or Known()
    judged = _judge(bars, known, is_rate)
    if unsettled := known.incomplete & judged.doubts.keys():
        # Nobody can accept a bar that is never stored, so its doubt is the next one's.
        return _judge(leave_out(bars, unsettled), replace(known, gaps=known.gaps | unsettled), is_rate)
    return judged


def _judge(bars: Sequence[Bar], known: Known, is_rate: bool) -> Judgement:
    judged = Judgement()
    priced = [bar for bar in bars if is_price(bar.close) and is_price(bar.adj_close)]
    judged.contradiction = find_contradiction(priced, known.stored, is_rate)
    if judged.contradiction or not priced:
        return judged
    series = Series(priced, known, judged, is_rate)
    series.approve_accepted()
    if not is_rate and (doubt := find_other_unit(priced, known)):
        series.doubt_all(doubt)
        return judged
    judge_steps(series)  # first: the other rules measure from the closes that it finds plausible
    if not is_rate:
        judge_twofold_closes(series)
        judge_restated_stretches(series)
        judge_standstill(series)
        judge_adjusted_closes(series)
        judge_dividends(series)
        judge_gains(series)
        judge_beyond_price(series, bars)
        note_lost_dividends(series)
    return judged

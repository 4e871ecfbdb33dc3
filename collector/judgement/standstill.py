"""Judge an answer's end that stands still: sessions that repeat the one before them, in which nothing was traded."""

import math
from collections.abc import Iterable
from itertools import pairwise
from statistics import median

from collector.judgement.series import SAME_PRICE, Series
from collector.yahoo_answers.model import Bar
from utils.reasons import reason


def judge_standstill(series: Series) -> None:
    """Note the newest bars that repeat the close before them without any volume, of a ticker that is traded.

    A trading halt looks the same, so they are stored. But none replaces a bar of its session that was traded.
    """
    still = _newest_still(series)
    if not still or not _is_traded(series, still):
        return
    why = reason("standstill", session=still[0].session, close=still[0].close)
    for bar in still:
        if _replaces_trade(series, bar) and not series.is_accepted(bar.session, 1.0):
            series.judged.doubt(bar.session, why, is_break=False)
        else:
            series.judged.note(bar.session, why)


def _replaces_trade(series: Series, bar: Bar) -> bool:
    row = series.known.row_of(bar.session)
    if not row or not row.get("volume"):
        return False
    return not math.isclose(row["close_price"], bar.close, rel_tol=SAME_PRICE)


def _newest_still(series: Series) -> list[Bar]:
    """Return the newest bars that stand still, in order."""
    still: list[Bar] = []
    for before, bar in reversed(list(pairwise([None, *series.bars]))):
        assert bar
        close = series.judged.previous_closes.get(bar.session)
        if bar.volume or close is None or not math.isclose(bar.close, close, rel_tol=SAME_PRICE):
            break
        if not (_is_flat(bar) or (before and _range_of(bar) == _range_of(before))):
            break
        still.insert(0, bar)
    return still


def _is_flat(bar: Bar) -> bool:
    return all(price is None or math.isclose(price, bar.close, rel_tol=SAME_PRICE) for price in _range_of(bar))


def _range_of(bar: Bar) -> tuple[float | None, ...]:
    return bar.open, bar.high, bar.low


def _is_traded(series: Series, still: Iterable[Bar]) -> bool:
    """Tell whether the source knows a volume of most of the ticker's other sessions."""
    sessions = {bar.session for bar in still}
    volumes = [bar.volume for bar in series.bars if bar.session not in sessions]
    volumes = volumes or [row.get("volume") or 0 for day, row in series.known.stored.items() if day not in sessions]
    return bool(volumes) and median(volumes) > 0

"""Judge stretches of an answer with closes that are not those stored: shifted by a day, or of something else."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import groupby

from collector.judgement.series import CLEAR_MISMATCH, SAME_PRICE, SPINOFF_MOVE, Series, distance
from collector.judgement.units import SAME_LEVEL
from utils.reasons import Reason, reason

LEAST_SHIFTED = 2  # sessions in a row with a neighbour's close: a single one may just repeat it
LEAST_RESTATED = 3  # sessions in a row with closes of their own


def judge_restated_stretches(series: Series) -> None:
    """Doubt the bars of a stretch that is shifted or of something else, up to the next bar that is as stored.

    What is stored may be at fault, and the answer right. So a shift has to show in the answer, and the steps into and
    out of a stretch have to be larger in the answer than they are in what is stored.
    """
    closes = _Closes(series)
    for first, last, why in [*_shifted(closes), *_restated(closes, series.usual_move)]:
        for bar in series.bars[first : closes.next_as_stored(last)]:
            before = series.judged.previous_closes.get(bar.session)
            if not series.is_accepted(bar.session, bar.close / before if before else None):
                series.judged.doubt(bar.session, why, is_break=False)


class _Closes:
    """An answer's closes beside the stored ones.

    A close is as stored when it has changed by the factor in force, a split's or none: one that three in a row have.
    """

    def __init__(self, series: Series) -> None:
        self.bars = series.bars
        self.stored = {session: row["close_price"] for session, row in sorted(series.known.stored.items())}
        self.sessions = list(self.stored)
        self.common = [at for at, bar in enumerate(self.bars) if bar.session in self.stored]
        self.factors = {at: self.bars[at].close / self.stored[self.bars[at].session] for at in self.common}
        self.bases = list(self._bases())
        self.as_stored = {
            at for at, factor in self.factors.items() if math.isclose(factor, self.bases[at], rel_tol=SAME_LEVEL)
        }

    def _bases(self) -> Iterator[float]:
        """Yield the factor in force at each bar: the last one before it that three in a row have, or the first one."""
        threes = zip(self.common, self.common[1:], self.common[2:], strict=False)
        alike = [three for three in threes if _are_alike([self.factors[at] for at in three])]
        shared = {at: self.factors[at] for three in alike for at in three}
        basis = next(iter(shared.values()), 1.0)
        for at in range(len(self.bars)):
            basis = shared.get(at, basis)
            yield basis

    def before(self, session: date) -> float | None:
        """Return the close that is stored of the session before."""
        at = bisect_left(self.sessions, session)
        return self.stored[self.sessions[at - 1]] if at else None

    def after(self, session: date) -> float | None:
        """Return the close that is stored of the session after."""
        at = bisect_right(self.sessions, session)
        return self.stored[self.sessions[at]] if at < len(self.sessions) else None

    def next_as_stored(self, start: int) -> int:
        """Return the position of the next bar from one on that is as stored, or the one behind the last bar."""
        return next((at for at in range(start, len(self.bars)) if at in self.as_stored), len(self.bars))


def _shifted(closes: _Closes) -> Iterator[tuple[int, int, Reason]]:
    """Yield the first position of each stretch that is shifted by a day, the one behind its last, and the reason.

    Where a stretch of the days before begins, the answer repeats a close. Where one of the days after begins, what is
    stored would, if it were the shifted one.
    """
    for first, last in _moved(closes, closes.before):
        if first == 0 or math.isclose(closes.bars[first].close, closes.bars[first - 1].close, rel_tol=SAME_LEVEL):
            yield first, last, reason("shifted_later", count=last - first)
    for first, last in _moved(closes, closes.after):
        session = closes.bars[first].session
        before = closes.before(session)
        if before is None or not math.isclose(closes.stored[session], before, rel_tol=SAME_LEVEL):
            yield first, last, reason("shifted_earlier", count=last - first)


def _moved(closes: _Closes, beside: Callable[[date], float | None]) -> Iterator[tuple[int, int]]:
    """Yield the ends of the stretches whose closes are stored of the sessions beside theirs, and not of their own."""
    others = [beside(bar.session) for bar in closes.bars]
    moved = [
        at
        for at, (bar, other, basis) in enumerate(zip(closes.bars, others, closes.bases, strict=True))
        if other and math.isclose(bar.close, other * basis, rel_tol=SAME_PRICE)
    ]
    for first, last in _runs(moved):
        other_than_stored = set(range(first, last)) - closes.as_stored
        if len(other_than_stored) >= LEAST_SHIFTED and other_than_stored & closes.factors.keys():
            yield min(other_than_stored), last


def _restated(closes: _Closes, usual_move: float) -> Iterator[tuple[int, int, Reason]]:
    """Yield the stretches in which each close has changed by a factor of its own, as those of another company have."""
    own = [number for number, at in enumerate(closes.common) if at not in closes.as_stored]
    for first, last in _runs(own):
        stretch = closes.common[first:last]
        change = max((closes.factors[at] / closes.bases[at] - 1 for at in stretch), key=abs)
        excess = sum(_excess(closes, at) for at in (first, last) if at < len(closes.common))
        if len(stretch) >= LEAST_RESTATED and abs(change) > CLEAR_MISMATCH and excess > SPINOFF_MOVE * usual_move:
            yield stretch[0], stretch[-1] + 1, reason("restated_stretch", count=len(stretch), change=change)


def _excess(closes: _Closes, number: int) -> float:
    """Return by how much the step to a bar is larger in the answer than in what is stored, in logarithms.

    The first bar that both have is measured from what is stored before it.
    """
    bar = closes.bars[closes.common[number]]
    stored = closes.stored[bar.session]
    if number:
        before = closes.bars[closes.common[number - 1]]
        return distance(bar.close, before.close) - distance(stored, closes.stored[before.session])
    close = closes.before(bar.session)
    return distance(bar.close, close) - distance(stored, close) if close else 0.0


def _are_alike(factors: Sequence[float]) -> bool:
    return max(factors) / min(factors) - 1 <= SAME_LEVEL


def _runs(positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first of each run of positions, and the one behind its last.

    >>> list(_runs([1, 2, 3, 7]))
    [(1, 4), (7, 8)]
    """
    for _, run in groupby(enumerate(positions), lambda each: each[1] - each[0]):
        members = [at for _, at in run]
        yield members[0], members[-1] + 1

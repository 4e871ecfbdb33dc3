"""All variants side by side, over the sessions in which each of them could decide."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count
from operator import attrgetter
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lab import Flags, Floats
from lab.prices import Prices, carried
from lab.strategy import SESSIONS_TO_FIRST_RETURN, Outcome, changes_of, outcome_of
from lab.variants import Variant

# A variant whose first decision takes more than this share of the stored sessions is left out.
LONGEST_WARM_UP = 1 / 3

T = TypeVar("T", np.float64, np.bool_)
Compute = Callable[[Sequence[Variant], Prices], Iterable[Outcome]]


@dataclass(frozen=True)
class Panel:
    """Returns by session (row) and variant (column), and those of the benchmark.

    has_hindsight: by session and variant, whether it holds something decided with holdings of a later day
    left_out: variants that cannot be computed on these prices
    changes: by session (its place here), as lab.strategy.changes_of has them
    unpriced: sessions of which the benchmark has no close. Its last one counts there, as in the track record
    """

    variants: tuple[Variant, ...]
    sessions: tuple[date, ...]
    gross: Floats
    drag: Floats
    turnover: Floats
    benchmark: Floats
    has_hindsight: Flags
    left_out: tuple[Variant, ...] = ()
    changes: Mapping[int, Floats] = field(default_factory=dict)
    unpriced: frozenset[date] = frozenset()

    def __len__(self) -> int:
        return len(self.sessions)

    @property
    def priced(self) -> int:
        """The number of sessions of which the benchmark has a close."""
        return sum(session not in self.unpriced for session in self.sessions)

    def net(self, cost: float) -> Floats:
        return self.gross - cost * self.drag

    def excess(self, cost: float) -> Floats:
        """Return the net return of each variant above the benchmark's."""
        return self.net(cost) - self.benchmark[:, None]

    def since(self, first: int) -> "Panel":
        """Return the sessions from one on."""
        return replace(
            self,
            sessions=self.sessions[first:],
            gross=self.gross[first:],
            drag=self.drag[first:],
            turnover=self.turnover[first:],
            benchmark=self.benchmark[first:],
            has_hindsight=self.has_hindsight[first:],
            changes={at - first: change for at, change in self.changes.items() if at >= first},
        )

    def known(self) -> "Panel":
        """Return the sessions behind the last one with hindsight, which alone count for a verdict."""
        late = np.flatnonzero(self.has_hindsight.any(axis=1))
        return self.since(int(late[-1]) + 1 if len(late) else 0)


def one_by_one(variants: Sequence[Variant], prices: Prices) -> list[Outcome]:
    """Compute each variant in this process."""
    return [outcome_of(variant, prices) for variant in variants]


def panel_of(variants: Sequence[Variant], prices: Prices, compute: Compute = one_by_one) -> Panel:
    """Compute all variants, and cut them to the sessions in which each of them had its first decision behind it."""
    usable = [variant for variant in variants if _is_usable(variant, prices)]
    first = _first_return(usable, len(prices))
    outcomes = list(compute(usable, prices))

    def columns(of: Callable[[Outcome], NDArray[T]], kind: type[T]) -> NDArray[T]:
        values = [of(outcome)[first:] for outcome in outcomes]
        return np.column_stack(values) if values else np.empty((max(0, len(prices) - first), 0), dtype=kind)

    benchmark = np.ones(1) if not len(prices) else carried(prices.benchmark[:, None])[:, 0]
    return Panel(
        variants=tuple(usable),
        sessions=prices.sessions[first:],
        gross=columns(attrgetter("gross"), np.float64),
        drag=columns(attrgetter("drag"), np.float64),
        turnover=columns(attrgetter("turnover"), np.float64),
        benchmark=(benchmark[1:] / benchmark[:-1] - 1)[first - 1 :],
        unpriced=frozenset(prices.sessions[at] for at in np.flatnonzero(np.isnan(prices.benchmark))),
        has_hindsight=columns(attrgetter("has_hindsight"), np.bool_),
        left_out=tuple(variant for variant in variants if variant not in usable),
    )


def with_changes(panel: Panel, prices: Prices, sessions: Sequence[int]) -> Panel:
    """Add what is traded at the closes of some sessions by whoever changes from one variant to another.

    prices: those that the panel was made of, which ends where they end
    """
    rows = [len(prices) - len(panel) + at for at in sessions]
    return replace(panel, changes=dict(zip(sessions, changes_of(panel.variants, prices, rows), strict=True)))


def sessions_missing(variants: Sequence[Variant], stored: int, enough: int, decided: int = 0) -> int:
    """Return how many sessions have to be stored beside those there are until enough of them can be judged.

    decided: the first session whose decisions count
    Longer variants join on the way, and then the sessions that all can judge begin later.
    """
    return next(more for more in count() if stored + more - _first_return(variants, stored + more, decided) >= enough)


def _first_return(variants: Sequence[Variant], stored: int, decided: int = 0) -> int:
    """Return from which session on all variants that so many sessions suffice for have returns."""
    warm_ups = (variant.warm_up for variant in variants if _is_warm(variant, stored))
    return max([decided, *warm_ups]) + SESSIONS_TO_FIRST_RETURN


def _is_usable(variant: Variant, prices: Prices) -> bool:
    has_leg = variant.leg == "etf" or prices.stocks is not None
    return has_leg and _is_warm(variant, len(prices))


def _is_warm(variant: Variant, stored: int) -> bool:
    return variant.warm_up <= LONGEST_WARM_UP * stored

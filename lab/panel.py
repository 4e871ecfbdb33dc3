"""All variants side by side, over the sessions in which each of them could decide."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import count

import numpy as np

from lab import Flags, Floats
from lab.prices import Prices
from lab.strategy import SESSIONS_TO_FIRST_RETURN, Outcome, outcome_of
from lab.variants import Variant

# A variant whose first decision takes more than this share of the stored sessions is left out.
LONGEST_WARM_UP = 1 / 3

Compute = Callable[[Sequence[Variant], Prices], Iterable[Outcome]]


@dataclass(frozen=True)
class Panel:
    """Returns by session (row) and variant (column), and those of the benchmark.

    has_hindsight: variants that hold something decided with holdings of a later day
    left_out: variants that cannot be computed on these prices
    """

    variants: tuple[Variant, ...]
    sessions: tuple[date, ...]
    gross: Floats
    drag: Floats
    turnover: Floats
    benchmark: Floats
    has_hindsight: Flags
    left_out: tuple[Variant, ...] = ()

    def __len__(self) -> int:
        return len(self.sessions)

    def net(self, cost: float) -> Floats:
        return self.gross - cost * self.drag

    def excess(self, cost: float) -> Floats:
        """Return the net return of each variant above the benchmark's."""
        return self.net(cost) - self.benchmark[:, None]

    def judged(self) -> "Panel":
        """Return the variants without hindsight, which alone count for the verdict."""
        kept = ~self.has_hindsight
        return replace(
            self,
            variants=tuple(variant for variant, is_kept in zip(self.variants, kept, strict=True) if is_kept),
            gross=self.gross[:, kept],
            drag=self.drag[:, kept],
            turnover=self.turnover[:, kept],
            has_hindsight=self.has_hindsight[kept],
        )


def one_by_one(variants: Sequence[Variant], prices: Prices) -> list[Outcome]:
    """Compute each variant in this process."""
    return [outcome_of(variant, prices) for variant in variants]


def panel_of(variants: Sequence[Variant], prices: Prices, compute: Compute = one_by_one) -> Panel:
    """Compute all variants, and cut them to the sessions in which each of them had its first decision behind it."""
    usable = [variant for variant in variants if _is_usable(variant, prices)]
    first = _first_return(usable, len(prices))
    outcomes = list(compute(usable, prices))

    def columns(values: list[Floats]) -> Floats:
        return np.column_stack(values)[first:] if values else np.empty((max(0, len(prices) - first), 0))

    benchmark = np.ones(1) if not len(prices) else prices.benchmark
    return Panel(
        variants=tuple(usable),
        sessions=prices.sessions[first:],
        gross=columns([outcome.gross for outcome in outcomes]),
        drag=columns([outcome.drag for outcome in outcomes]),
        turnover=columns([outcome.turnover for outcome in outcomes]),
        benchmark=(benchmark[1:] / benchmark[:-1] - 1)[first - 1 :],
        has_hindsight=np.array([outcome.has_hindsight[first:].any() for outcome in outcomes], dtype=np.bool_),
        left_out=tuple(variant for variant in variants if variant not in usable),
    )


def sessions_missing(variants: Sequence[Variant], stored: int, enough: int) -> int:
    """Return how many sessions have to be stored beside those there are until enough of them can be judged.

    Longer variants join on the way, and then the sessions that all can judge begin later.
    """
    return next(more for more in count() if stored + more - _first_return(variants, stored + more) >= enough)


def _first_return(variants: Sequence[Variant], stored: int) -> int:
    """Return from which session on all variants that so many sessions suffice for have returns."""
    warm_ups = (variant.warm_up for variant in variants if _is_warm(variant, stored))
    return max(warm_ups, default=0) + SESSIONS_TO_FIRST_RETURN


def _is_usable(variant: Variant, prices: Prices) -> bool:
    has_leg = variant.leg == "etf" or prices.stocks is not None
    return has_leg and _is_warm(variant, len(prices))


def _is_warm(variant: Variant, stored: int) -> bool:
    return variant.warm_up <= LONGEST_WARM_UP * stored

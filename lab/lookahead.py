"""Does a variant know the future? Computed again on prices that end earlier, it has to earn the same until then."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lab.panel import Compute, one_by_one
from lab.prices import Prices
from lab.variants import Variant

CUTS = 5


class Difference(NamedTuple):
    """A variant that earned something else in a session when later prices were not there."""

    variant: Variant
    session: int
    cut: int


def differences(
    variants: Sequence[Variant], prices: Prices, cuts: int = CUTS, compute: Compute = one_by_one
) -> list[Difference]:
    """Return the variants whose past depends on what came later. Equal means equal to the last bit."""
    found = []
    whole = list(compute(variants, prices))
    for cut in np.linspace(0, len(prices), cuts + 2, dtype=int)[1:-1]:
        for variant, after, before in zip(variants, whole, compute(variants, prices.until(cut)), strict=True):
            same = (after.gross[:cut] == before.gross) & (after.drag[:cut] == before.drag)
            if not same.all():
                found.append(Difference(variant, int(np.flatnonzero(~same)[0]), int(cut)))
    return found

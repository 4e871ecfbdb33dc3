"""Turn scores into weights: shares of the sum, with an optional cap. What no position may take is cash."""

import math
from collections.abc import Mapping
from typing import NamedTuple


class Weights(NamedTuple):
    """The weight of each position, and that of cash. Together they are 1."""

    positions: dict[str, float]
    cash: float


def weights_of(scores: Mapping[str, float], cap: float = 1.0) -> Weights:
    """Return each score's share of all scores, with no weight above the cap.

    What exceeds the cap goes to the others in proportion to their scores. This can lift others above the cap, so it is
    repeated until none is above. When all are at the cap, the remainder is cash.

    >>> weights_of({"A": 6.0, "B": 2.0})
    Weights(positions={'A': 0.75, 'B': 0.25}, cash=0.0)
    >>> weights_of({"A": 6.0, "B": 2.0, "C": 2.0}, cap=0.5)
    Weights(positions={'A': 0.5, 'B': 0.25, 'C': 0.25}, cash=0.0)
    >>> weights_of({"A": 80.0, "B": 15.0, "C": 5.0}, cap=0.375)   # B is lifted above the cap too
    Weights(positions={'A': 0.375, 'B': 0.375, 'C': 0.25}, cash=0.0)
    >>> weights_of({"A": 6.0, "B": 2.0}, cap=0.25)
    Weights(positions={'A': 0.25, 'B': 0.25}, cash=0.5)
    >>> weights_of({})
    Weights(positions={}, cash=1.0)
    """
    if len(scores) * cap <= 1.0:
        return Weights(dict.fromkeys(scores, cap), 1.0 - len(scores) * cap)
    capped: set[str] = set()
    while True:
        placed = _placed(scores, capped, cap)
        above = {ticker for ticker, weight in placed.items() if weight > cap}
        if not above:
            return Weights(placed, 0.0)
        capped |= above


def _placed(scores: Mapping[str, float], capped: set[str], cap: float) -> dict[str, float]:
    """Give the capped positions the cap, and share out the remainder among the others by score."""
    left = 1.0 - len(capped) * cap
    others = math.fsum(score for ticker, score in scores.items() if ticker not in capped)
    return {ticker: cap if ticker in capped else left * score / others for ticker, score in scores.items()}

"""What differs from one request to the next though nothing has happened: adjusted closes, and the order of keys."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from market.envelope import Json
from market.model import Bar

# Adjusted closes of the newest bars are the same in both versions: what is computed on the evening of a session (its
# longest return goes back 20 sessions) does not depend on the version.
ALIKE = 25


class Noise:
    """Every second answer about a ticker is in the other version. The first one is the market's truth."""

    def __init__(self, is_on: bool) -> None:
        self._is_on = is_on
        self._answers: Counter[tuple[str, str]] = Counter()

    @property
    def is_on(self) -> bool:
        return self._is_on

    def set(self, is_on: bool) -> None:
        """Switch the noise. The next answer about every ticker is in the first version."""
        self._is_on = is_on
        self._answers.clear()

    def is_second(self, endpoint: str, ticker: str) -> bool:
        if not self._is_on:
            return False
        self._answers[endpoint, ticker] += 1
        return self._answers[endpoint, ticker] % 2 == 0


def second_adj_closes(bars: Sequence[Bar]) -> list[float | None]:
    """Move two of five adjusted closes by one step of single precision, where dividends have changed them."""
    closes = [bar.adj_close for bar in bars]
    for at, bar in enumerate(bars[:-ALIKE]):
        if bar.adj_close is not None and bar.adj_close != bar.close and bar.session.toordinal() % 5 < 2:
            closes[at] = float(np.nextafter(np.float32(bar.adj_close), np.float32(np.inf)))
    return closes


def reordered(answer: Json) -> Json:
    """Return the same object with its keys the other way round."""
    return dict(reversed(answer.items()))

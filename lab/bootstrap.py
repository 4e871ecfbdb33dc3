"""The stationary bootstrap: resampled means of dependent series, of all variants and costs from one set of draws.

Politis, D. N. and Romano, J. P. (1994). The stationary bootstrap. Journal of the American Statistical Association 89,
1303-1313. A resample is made of blocks. Each begins at a random session and has a random length, geometric with the
mean `block`. Behind the last session the first follows.

A mean of a resample needs only how often it has each session. So the draws are a table of counts, and the means of any
number of series are one product with it. A mean at any cost follows from two: mean(gross) - cost * mean(drag).
"""

import math
from collections.abc import Iterator

import numpy as np

from lab import Floats, Integers

RESAMPLES = 10_000
# What the counts of some resamples may take at a time.
CHUNK_VALUES = 2_000_000
# Returns of a week are seldom independent, and no estimate of so weak a dependence is reliable.
SHORTEST_BLOCK = 5.0


def counts(sessions: int, block: float, resamples: int, random: np.random.Generator) -> Iterator[Floats]:
    """Yield how often each resample (row) has each session (column), some resamples at a time."""
    size = max(1, CHUNK_VALUES // sessions)
    for first in range(0, resamples, size):
        yield _counts(sessions, block, min(size, resamples - first), random)


def _counts(sessions: int, block: float, resamples: int, random: np.random.Generator) -> Floats:
    lengths = _block_lengths(sessions, block, resamples, random)
    starts = random.integers(0, sessions, lengths.shape)
    # A block adds one where it begins and takes it back where it ends. Twice the sessions: it may go over the end once.
    width = 2 * sessions + 1
    row = np.arange(resamples)[:, None] * width
    begins = np.bincount((row + starts).ravel(), weights=(lengths > 0).ravel(), minlength=resamples * width)
    ends = np.bincount((row + starts + lengths).ravel(), weights=(lengths > 0).ravel(), minlength=resamples * width)
    covered: Floats = (begins - ends).reshape(resamples, width).cumsum(axis=1)
    return covered[:, :sessions] + covered[:, sessions : 2 * sessions]


def _block_lengths(sessions: int, block: float, resamples: int, random: np.random.Generator) -> Integers:
    """Return the lengths of the blocks of each resample. They sum to the number of sessions, and end with zeros."""
    drawn = np.zeros((resamples, 0), dtype=np.int64)
    more = math.ceil(sessions / block + 5 * math.sqrt(sessions / block) + 10)
    while drawn.shape[1] == 0 or drawn.sum(axis=1).min() < sessions:
        drawn = np.concatenate([drawn, random.geometric(1 / block, (resamples, more))], axis=1)
    ends: Integers = np.minimum(drawn.cumsum(axis=1), sessions)
    return np.diff(ends, axis=1, prepend=0)


def resampled_means(
    series: Floats, block: float, resamples: int = RESAMPLES, random: np.random.Generator | None = None
) -> Floats:
    """Return the mean of each series (column) in each resample (row)."""
    random = random or np.random.default_rng(0)
    sessions = len(series)
    return np.concatenate([each @ series for each in counts(sessions, block, resamples, random)]) / sessions


def interval(means: Floats, mean: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the basic bootstrap interval of a mean: 2 * mean - the upper and the lower quantile of the resampled."""
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(means, [tail, 1 - tail])
    return 2 * mean - float(upper), 2 * mean - float(lower)


def best_block(series: Floats) -> float:
    """Return the mean block length for several series: the median of theirs, and no less than a week."""
    lengths = [block_length(column) for column in series.T if column.std() > 0]
    return max(SHORTEST_BLOCK, float(np.median(lengths))) if lengths else SHORTEST_BLOCK


def block_length(series: Floats) -> float:
    """Return the mean block length that makes the variance of the mean most exact.

    Politis, D. N. and White, H. (2004). Automatic block-length selection for the dependent bootstrap. Econometric
    Reviews 23, 53-70, with the correction of Patton, Politis and White (2009), Econometric Reviews 28, 372-375:
    b = (2 G^2 / D)^(1/3) * n^(1/3), with G = sum lambda(k/M) |k| R(k) and D = 2 (sum lambda(k/M) R(k))^2.
    """
    count = len(series)
    longest = math.ceil(min(3 * math.sqrt(count), count / 3))
    run = max(5, int(math.log10(count)))
    last_lag = math.ceil(math.sqrt(count)) + run
    values = series - series.mean()
    covariances = np.array([float(values[lag:] @ values[: count - lag]) / count for lag in range(last_lag + 1)])
    first_small = _first_small(_correlations(values, last_lag), 2 * math.sqrt(math.log10(count) / count), run)
    bandwidth = last_lag if first_small is None else min(2 * first_small, last_lag)
    lag = np.arange(1, bandwidth + 1)
    kernel = np.minimum(1.0, 2 * (1 - lag / bandwidth))
    g = 2 * float((kernel * lag * covariances[lag]).sum())
    spread = float(covariances[0]) + 2 * float((kernel * covariances[lag]).sum())
    if spread == 0:
        return 1.0
    return min(max(1.0, float(abs(g / spread) ** (2 / 3) * count ** (1 / 3))), float(longest))


def _correlations(values: Floats, last_lag: int) -> Floats:
    """Return the size of the correlation of each lag from 1 on, with the deviations of the two parts that overlap."""
    found = []
    for lag in range(1, last_lag):
        late, early = values[lag:], values[:-lag]
        found.append(abs(float(late @ early)) / math.sqrt(float(late @ late) * float(early @ early)))
    return np.array(found)


def _first_small(correlations: Floats, bound: float, run: int) -> int | None:
    """Return the first lag of a whole run of small correlations, or None without such a run."""
    small = correlations < bound
    return next((at + 1 for at in range(len(small) - run + 1) if small[at : at + run].all()), None)

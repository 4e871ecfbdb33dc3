"""A second opinion: the lab's figures beside those of known packages (requirements/lab.txt).

The lab computes its figures with NumPy, because it needs them for eleven costs and thousands of markets. Here arch,
skfolio, empyrical and quantstats compute the same ones, each called as it has to be:

* arch takes losses, so the excess is negated, and does not studentize, so it is divided by its deviation first.
* skfolio's ratios are per session, and its deflated Sharpe ratio takes those of all trials.
* skfolio knows neither what the change from one variant's portfolio to another's costs, nor when it is traded. So its
  walk-forward is compared as if it were free and at once. This checks what is chosen, and when.
* empyrical and quantstats count rows, 252 to a year.
"""

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import combinations
from typing import NamedTuple

import numpy as np

from lab import Floats
from lab.bootstrap import best_block, block_length, interval, resampled_means
from lab.common import growth_a_year, max_drawdown, volatility_a_year
from lab.overfitting import TEST_SESSIONS, TRAIN_SESSIONS, choices, overfitting_probability
from lab.panel import Panel
from lab.sharpe import (
    SESSIONS_A_YEAR,
    deflated_sharpe_ratio,
    expected_best,
    probabilistic_sharpe_ratio,
    sharpe_ratio,
    yearly,
)
from lab.superiority import superiority
from utils.errors import InvalidInput

PACKAGES = ("arch", "skfolio", "empyrical-reloaded", "quantstats")
LOCK = "requirements/lab.txt"
# Fewer blocks than the verdict's: skfolio makes one split after another.
BLOCKS = 8
# arch leaves a session out of the deviations by which it divides a covariance. In a short series that is felt.
SESSIONS_OF_A_BLOCK_LENGTH = 100
EXACT = 1e-9


class Compared(NamedTuple):
    """One figure, computed twice.

    tolerance: how far the two may be apart. It is above EXACT where both draw random numbers of their own
    """

    figure: str
    package: str
    ours: float
    theirs: float
    tolerance: float
    our_seconds: float
    their_seconds: float

    @property
    def agrees(self) -> bool:
        return abs(self.ours - self.theirs) <= self.tolerance


def versions() -> dict[str, str]:
    """Return the installed version of each package, or raise InvalidInput, which says how to install them."""
    try:
        return {name: version(name) for name in PACKAGES}
    except PackageNotFoundError as error:
        raise InvalidInput(
            f"{error.name} is not installed: the second opinion needs the packages of {LOCK}. Install them with\n"
            f"  .actstock/venv/bin/uv pip install --python .actstock/venv/bin/python --no-deps --requirement {LOCK}"
        ) from None


def second_opinion(panel: Panel, cost: float, resamples: int, seed: int = 0) -> Iterator[Compared]:
    """Yield each figure with that of a package, as far as one has it.

    The first variant stands for all where one is enough. Some figures need two variants, or sessions that fill a block.
    """
    versions()
    excess, net = panel.excess(cost), panel.net(cost)[:, 0]
    yield from _bootstrap(excess, resamples, seed)
    yield from _sharpe_ratios(excess)
    yield from _validation(excess)
    yield from _common(net)


def _bootstrap(excess: Floats, resamples: int, seed: int) -> Iterator[Compared]:
    from arch.bootstrap import SPA, StationaryBootstrap, optimal_block_length

    first, sessions = excess[:, 0], len(excess)
    if sessions >= SESSIONS_OF_A_BLOCK_LENGTH:
        yield _compare(
            "block length",
            "arch",
            lambda: block_length(first),
            lambda: max(1.0, float(optimal_block_length(first)["stationary"].iloc[0])),
        )
    block = best_block(excess)
    series = excess / excess.std(axis=0, ddof=1)

    def theirs() -> float:
        drawn = StationaryBootstrap(block, first, seed=seed)
        return float(drawn.conf_int(np.mean, resamples, method="basic")[0, 0]) * SESSIONS_A_YEAR

    def ours() -> float:
        means = resampled_means(first[:, None], block, resamples, np.random.default_rng(seed))
        return interval(means[:, 0], float(first.mean()))[0] * SESSIONS_A_YEAR

    deviation = float(first.std(ddof=1)) / math.sqrt(sessions) * SESSIONS_A_YEAR
    # The error of a 2.5 % quantile of a normal distribution is 2.7 deviations / sqrt(resamples), in both.
    yield _compare("lower end of the interval", "arch", ours, theirs, 4 * 2.7 * math.sqrt(2 / resamples) * deviation)

    def our_p_value() -> float:
        means = resampled_means(series, block, resamples, np.random.default_rng(seed))
        return superiority(series.mean(axis=0), means, sessions).p_value

    def their_p_value() -> float:
        test = SPA(np.zeros(sessions), -series, block_size=block, reps=resamples, bootstrap="stationary", seed=seed)
        test.compute()
        return float(test.pvalues["consistent"])

    # Where no variant has a mean above 0 the statistic is 0, and the p-value 1. arch does not cut it there.
    if series.mean(axis=0).max() > 0:
        # Two shares of the same probability differ by at most so much, four times out of sixty thousand.
        yield _compare("SPA p-value", "arch", our_p_value, their_p_value, 4 * math.sqrt(2 * 0.25 / resamples) + 0.02)


def _sharpe_ratios(excess: Floats) -> Iterator[Compared]:
    from skfolio.measures import (
        deflated_sharpe_ratio as their_deflated,
    )
    from skfolio.measures import (
        expected_max_sharpe_ratio,
    )
    from skfolio.measures import (
        probabilistic_sharpe_ratio as their_probabilistic,
    )

    ratios = np.array([sharpe_ratio(column) for column in excess.T])
    best = excess[:, int(np.nanargmax(ratios))]
    yield _compare(
        "probabilistic Sharpe ratio",
        "skfolio",
        lambda: probabilistic_sharpe_ratio(best),
        lambda: float(their_probabilistic(best)),
    )
    if len(ratios) < 2:
        return
    yield _compare(
        "best Sharpe ratio by luck",
        "skfolio",
        lambda: expected_best(ratios),
        lambda: float(expected_max_sharpe_ratio(len(ratios), float(ratios.std(ddof=1)))),
    )
    yield _compare(
        "deflated Sharpe ratio",
        "skfolio",
        lambda: deflated_sharpe_ratio(best, ratios),
        lambda: float(their_deflated(best, ratios)),
    )


def _validation(excess: Floats) -> Iterator[Compared]:
    from skfolio.model_selection import CombinatorialPurgedCV, WalkForward

    size = len(excess) // BLOCKS * BLOCKS
    cut = excess[len(excess) - size :]

    def their_overfitting() -> float:
        """Rank by hand on the package's folds, one split after another."""
        lower = 0
        halves = list(combinations(range(BLOCKS), BLOCKS // 2))
        folds = CombinatorialPurgedCV(n_folds=BLOCKS, n_test_folds=BLOCKS // 2)
        for train, tests in folds.split(cut):
            inside, outside = cut[train], cut[np.concatenate(tests)]
            best = int(np.argmax(inside.mean(axis=0) / inside.std(axis=0, ddof=1)))
            ratios = outside.mean(axis=0) / outside.std(axis=0, ddof=1)
            lower += bool((ratios < ratios[best]).sum() + 1 <= (len(ratios) + 1) / 2)
        return lower / len(halves)

    if excess.shape[1] > 1 and size >= 2 * BLOCKS:
        yield _compare(
            "probability of overfitting (8 blocks)",
            "skfolio",
            lambda: overfitting_probability(cut, BLOCKS),
            their_overfitting,
        )

    def our_walk() -> float:
        held = [excess[each.session : each.session + TEST_SESSIONS, each.variant] for each in choices(excess)]
        return yearly(sharpe_ratio(np.concatenate(held)))

    def their_walk() -> float:
        held = []
        folds = WalkForward(train_size=TRAIN_SESSIONS, test_size=TEST_SESSIONS, reduce_test=True)
        for train, test in folds.split(excess):
            inside = excess[train]
            held.append(excess[test, int(np.argmax(inside.mean(axis=0) / inside.std(axis=0, ddof=1)))])
        return yearly(sharpe_ratio(np.concatenate(held)))

    if len(excess) > TRAIN_SESSIONS:
        yield _compare("walk-forward Sharpe ratio, free changes", "skfolio", our_walk, their_walk)


def _common(net: Floats) -> Iterator[Compared]:
    import empyrical
    import pandas as pd
    import quantstats

    dated = pd.Series(net, index=pd.bdate_range("2000-01-03", periods=len(net)))
    for name, ours, by_empyrical, by_quantstats in (
        ("Sharpe ratio", lambda: yearly(sharpe_ratio(net)), empyrical.sharpe_ratio, quantstats.stats.sharpe),
        ("growth a year", lambda: growth_a_year(net), empyrical.cagr, quantstats.stats.cagr),
        ("volatility", lambda: volatility_a_year(net), empyrical.annual_volatility, quantstats.stats.volatility),
        ("deepest fall", lambda: max_drawdown(net), empyrical.max_drawdown, quantstats.stats.max_drawdown),
    ):
        yield _compare(name, "empyrical-reloaded", ours, partial(by_empyrical, dated))
        yield _compare(name, "quantstats", ours, partial(by_quantstats, dated))


def _compare(
    figure: str, package: str, ours: Callable[[], float], theirs: Callable[[], float], tolerance: float = EXACT
) -> Compared:
    began = time.perf_counter()
    own = ours()
    between = time.perf_counter()
    other = float(theirs())
    return Compared(figure, package, own, other, tolerance, between - began, time.perf_counter() - between)

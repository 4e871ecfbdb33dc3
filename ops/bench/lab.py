"""The lab: how often it is right on invented markets, how fast it is, and what known packages say of its figures."""

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np

from config.universe import universe
from lab.bootstrap import RESAMPLES
from lab.honesty import Tally, tally
from lab.invented import PLANTED_SHARPE, PLANTED_STRENGTH, invented_prices, true_sharpes
from lab.libraries import second_opinion, versions
from lab.lookahead import differences
from lab.page import compared
from lab.panel import Panel
from lab.report import examine
from lab.variants import Trials, load
from ops.bench.report import Target, step, table
from ops.console import say
from utils.errors import InvalidInput

MARKETS = 1_000
# What a process judges at a time, and after how many a line is printed.
MARKETS_A_TASK, MARKETS_A_STEP = 10, 100
MARKETS_OF_TRUTH = 40
TWENTY_YEARS = 5_040
RESAMPLES_OF_PACKAGES = 2_000


def measure(markets: int = MARKETS) -> list[Target]:
    """Measure on invented markets alone: neither the platform nor its prices are needed."""
    trials = _etf_trials()
    cost = universe().cost_rate
    seconds, panel = _speed(trials, cost)
    _packages(panel, cost)
    _truth(trials, cost)
    with _all_cores() as pool:
        judged = partial(_tally, pool, trials, cost, markets)
        without = judged("without an edge", 0.0)
        planted = judged(f"with a planted Sharpe ratio of {PLANTED_SHARPE:g}", PLANTED_STRENGTH)
    _show({"without an edge": without, "planted": planted})
    return targets(without, planted, seconds)


def targets(without: Tally, planted: Tally, seconds: float) -> list[Target]:
    return [
        Target("edge said without one", 100 * without.share("edge"), 5, " %", at_most=True, digits=1),
        Target("edge said of a planted one", 100 * planted.share("edge"), 95, " %", digits=1),
        Target("24 variants over twenty years", seconds, 30, " s", at_most=True, digits=1),
    ]


def _etf_trials() -> Trials:
    """Return the variants of the file that need no holdings, which invented markets do not have."""
    trials = load()
    return Trials(tuple(variant for variant in trials.variants if variant.leg == "etf"), trials.costs)


def _speed(trials: Trials, cost: float) -> tuple[float, Panel]:
    """Time what somebody waits for: from prices to all figures of the page, and the look for a look ahead."""
    warm_up = max(variant.warm_up for variant in trials.variants)
    prices = invented_prices(TWENTY_YEARS + warm_up + 2, seed=1)
    began = time.monotonic()
    found = examine(prices, trials, benchmark=universe().benchmark, cost=cost)
    between = time.monotonic()
    differences(trials.variants, prices)
    seconds = time.monotonic() - began
    step(
        f"{len(trials.variants)} variants x {len(found.panel):,} sessions x {len(trials.costs)} costs x {RESAMPLES:,} "
        f"resamples in {seconds:.1f} s, {time.monotonic() - between:.1f} of them for the look ahead "
        f"(NumPy {np.__version__}, Python {sys.version.split()[0]})"
    )
    return seconds, found.panel


def _packages(panel: Panel, cost: float) -> None:
    """Print our figures beside those of the packages, when these are installed."""
    try:
        known = versions()
    except InvalidInput as error:
        say(str(error))
        return
    say("\n".join(compared(second_opinion(panel, cost, RESAMPLES_OF_PACKAGES), known)))


def _truth(trials: Trials, cost: float) -> None:
    ratios = true_sharpes(trials.variants, PLANTED_STRENGTH, cost, MARKETS_OF_TRUTH)
    best = int(ratios.argmax())
    step(
        f"planted, after {cost * 10_000:g} bp, over {MARKETS_OF_TRUTH * 5} years: the best variant has a yearly Sharpe "
        f"ratio of {ratios[best]:.2f} ({trials.variants[best]}), the ETF leg of the seed's rule {ratios[0]:.2f}"
    )


@contextmanager
def _all_cores() -> Iterator[Executor]:
    """Yield a process for each core. Threads of NumPy's own beside them would only wait for each other."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    cores = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def _tally(pool: Executor, trials: Trials, cost: float, markets: int, name: str, strength: float) -> Tally:
    """Judge the markets, and say on the way how far it is and how long it still takes."""
    total, began = Tally(0, 0, 0, 0, 0, 0), time.monotonic()
    tasks = [range(first, min(first + MARKETS_A_TASK, markets)) for first in range(0, markets, MARKETS_A_TASK)]
    for found in pool.map(partial(tally, trials, strength=strength, cost=cost), tasks):
        total += found
        if total.markets % MARKETS_A_STEP == 0 or total.markets == markets:
            took = time.monotonic() - began
            left = took / total.markets * (markets - total.markets)
            step(
                f"{total.markets:,} of {markets:,} markets {name}: edge in {total.edge} ({took:.0f} s, {left:.0f} left)"
            )
    return total


def _show(tallies: dict[str, Tally]) -> None:
    table(
        ("markets of five years", "count", "edge", "edge at our cost", "SPA alone", "deflated Sharpe", "Sharpe alone"),
        [
            (name, f"{found.markets:,}", *(f"{100 * found.share(of):.1f} %" for of in _SHOWN))
            for name, found in tallies.items()
        ],
    )


_SHOWN = ("edge", "edge_at_cost", "superior", "deflated", "undeflated")

"""Does a variant know the future? With another future it has to decide and earn the same until then.

At each of some sessions the prices are cut, and computed again in two ways: as if nothing had come after, and with
another future, in which every price, market cap, break and list of holdings is a different one. The cut alone would not
find a variant that looks one session ahead and mostly decides the same in two sessions on end. The other future changes
what it sees.

What the reader brings along is looked at in the same way: read as of an earlier session, the prices have to lead to the
same decisions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from lab import Flags, Floats, Integers
from lab.panel import Compute, one_by_one
from lab.prices import Prices, Stocks, is_later
from lab.strategy import Outcome, is_decision
from lab.variants import Variant

CUTS = 6


class Difference(NamedTuple):
    """A variant that decided or earned something else in a session when later prices were not the same."""

    variant: Variant
    session: int
    cut: int


def differences(
    variants: Sequence[Variant], prices: Prices, cuts: int = CUTS, compute: Compute = one_by_one
) -> list[Difference]:
    """Return the variants whose past depends on what came later. Equal means equal to the last bit."""
    found = []
    whole = list(compute(variants, prices))
    for cut in cuts_of(prices, cuts):
        for other in (prices.until(cut), with_another_future(prices, cut)):
            for variant, once, again in zip(variants, whole, compute(variants, other), strict=True):
                differs = _differs(once, again, cut)
                if differs.any():
                    found.append(Difference(variant, int(np.flatnonzero(differs)[0]), cut))
    return found


def cuts_of(prices: Prices, cuts: int) -> Iterator[int]:
    """Yield how many sessions each cut leaves. Behind every second one both a week and a month are over.

    A variant that knows which session is the last of a week or month does so at these ends or at all others.
    """
    begins = is_decision("weekly", prices.sessions) & is_decision("monthly", prices.sessions)
    for number, at in enumerate(np.linspace(0, len(prices), cuts + 2, dtype=int)[1:-1].tolist()):
        ends = np.flatnonzero(begins[at:])
        yield at + int(ends[0]) if number % 2 and len(ends) else at


def with_another_future(prices: Prices, cut: int) -> Prices:
    """Return prices that are the same in the first sessions, and far from what they were in the others."""
    random = np.random.default_rng([cut, 22])

    def changed(values: Floats, ends: Integers | None = None) -> Floats:
        factors = np.exp(random.standard_normal(values.shape))
        return np.where(is_later(values.shape, ends, cut), values * factors, values)

    def turned(flags: Flags, ends: Integers | None = None) -> Flags:
        return flags ^ is_later(flags.shape, ends, cut)

    def of_stocks(stocks: Stocks) -> Stocks:
        ranks, known = stocks.ranks.copy(), stocks.known.copy()
        ranks[cut:] = random.permuted(ranks[cut:], axis=2)
        known[cut:] ^= True
        return replace(
            stocks,
            closes=changed(stocks.closes, stocks.ends),
            caps=changed(stocks.caps, stocks.ends),
            ranks=ranks,
            known=known,
            breaks=None if stocks.breaks is None else turned(stocks.breaks, stocks.ends),
        )

    return replace(
        prices,
        closes=changed(prices.closes, prices.ends),
        benchmark=changed(prices.benchmark[:, None])[:, 0],
        stocks=prices.stocks and of_stocks(prices.stocks),
        breaks=None if prices.breaks is None else turned(prices.breaks, prices.ends),
    )


def differences_when_read(
    variants: Sequence[Variant], prices: Prices, earlier: Prices, compute: Compute = one_by_one
) -> list[Difference]:
    """Return the variants that decide something else on prices that were read as of an earlier session.

    Before holdings were known, an earlier reader has others, or none. That is hindsight, and marked as such.
    """
    cut = len(earlier)
    same = earlier.sessions == prices.sessions[:cut]
    readable = [variant for variant in variants if variant.leg == "etf" or earlier.stocks is not None]
    then = dict(zip(readable, compute(readable, earlier), strict=True)) if same else {}
    found = []
    for variant, now in zip(variants, compute(variants, prices), strict=True):
        differs = ~now.decisions.has_hindsight[:cut]
        if variant in then:
            decided = then[variant].decisions
            differs &= (decided.targets != now.decisions.targets[:cut]) | decided.has_hindsight
        if differs.any():
            found.append(Difference(variant, int(np.flatnonzero(differs)[0]), cut))
    return found


def _differs(once: Outcome, again: Outcome, count: int) -> Flags:
    """Return in which of the first sessions two outcomes are not the same."""
    differs = np.zeros(count, dtype=np.bool_)
    for first, second in (
        (once.gross, again.gross),
        (once.drag, again.drag),
        (once.has_hindsight, again.has_hindsight),
        (once.decisions.targets, again.decisions.targets),
        (once.decisions.decides, again.decisions.decides),
        (once.decisions.has_hindsight, again.decisions.has_hindsight),
    ):
        differs |= first[:count] != second[:count]
    return differs

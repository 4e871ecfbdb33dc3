"""How many shares to trade so that what is owned becomes a portfolio: in whole cents, and never for more than the cash.

The capital is the cash and everything counted that is owned. Cash is spent first: only what is worth more than its
weight of the whole is sold. What leaves is sold altogether. Sells come before buys, which share what there is then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal

CENT = Decimal("0.01")
WHOLE_SHARE = Decimal(1)
# What the brokers that divide shares have in common.
SHARE_PART = Decimal("0.001")
HALF = Decimal("0.5")
SMALLEST_ORDER = Decimal(1)  # dollars
DIGITS_OF_SMALLEST = 3
NOTHING = Decimal(0)


@dataclass(frozen=True)
class Position:
    """A ticker that is owned, wanted, or both, with its price. weight: in the portfolio."""

    ticker: str
    held: Decimal
    price: Decimal
    weight: Decimal

    @property
    def held_value(self) -> Decimal:
        return cents(self.held * self.price)


@dataclass(frozen=True)
class Rules:
    cost_rate: Decimal
    band: Decimal = NOTHING
    is_fractional: bool = False

    @property
    def unit(self) -> Decimal:
        return SHARE_PART if self.is_fractional else WHOLE_SHARE

    def cost(self, value: Decimal) -> Decimal:
        return cents(value * self.cost_rate)


@dataclass(frozen=True)
class Plan:
    """What is traded of each ticker: positive buys, negative sells. in_band: what is kept for the band's sake."""

    shares: Mapping[str, Decimal]
    in_band: frozenset[str]


def cents(amount: Decimal) -> Decimal:
    """Round an amount to the cent.

    >>> cents(Decimal("12.345678"))
    Decimal('12.35')
    """
    return amount.quantize(CENT, rounding="ROUND_HALF_UP")


def capital_of(positions: Sequence[Position], cash: Decimal) -> Decimal:
    return cash + sum((each.held_value for each in positions), NOTHING)


def plan(positions: Sequence[Position], cash: Decimal, rules: Rules) -> Plan:
    """Return what to sell and what to buy."""
    capital = capital_of(positions, cash)
    kept = frozenset(each.ticker for each in positions if _is_in_band(each, capital, rules))
    moved = [each for each in positions if each.ticker not in kept]
    sold = {each.ticker: _to_sell(each, capital, rules) for each in moved}
    proceeds = sum((_proceeds(each, sold[each.ticker], rules) for each in moved), NOTHING)
    bought = _to_buy(moved, capital, cash + proceeds, rules)
    traded = {each.ticker: bought.get(each.ticker, NOTHING) - sold.get(each.ticker, NOTHING) for each in positions}
    return Plan(traded, kept)


def _is_in_band(position: Position, capital: Decimal, rules: Rules) -> bool:
    """Return whether a position that is owned and wanted is near enough to its weight to be left alone."""
    if not (rules.band and position.held and position.weight and capital):
        return False
    return abs(position.held_value / capital - position.weight) <= rules.band


def _to_sell(position: Position, capital: Decimal, rules: Rules) -> Decimal:
    if not position.weight:
        return position.held
    excess = position.held_value - position.weight * capital
    return min(_floor(excess / position.price, rules.unit), position.held) if excess > 0 else NOTHING


def _proceeds(position: Position, shares: Decimal, rules: Rules) -> Decimal:
    value = cents(shares * position.price)
    return value - rules.cost(value)


def _to_buy(positions: Sequence[Position], capital: Decimal, available: Decimal, rules: Rules) -> dict[str, Decimal]:
    """Return the shares to buy with the money that there is: what each lacks, or the same part of it."""
    lacks = {each.ticker: each.weight * capital - each.held_value for each in positions}
    wanting = sorted(
        (each for each in positions if lacks[each.ticker] > 0), key=lambda each: (-lacks[each.ticker], each.ticker)
    )
    total = sum((lacks[each.ticker] for each in wanting), NOTHING) * (1 + rules.cost_rate)
    part = min(Decimal(1), available / total) if total else NOTHING
    exact = {each.ticker: lacks[each.ticker] * part / each.price for each in wanting}
    bought: dict[str, Decimal] = {}
    left = available
    for each in wanting:
        shares = _affordable(_floor(exact[each.ticker], rules.unit), each.price, left, rules)
        bought[each.ticker] = shares
        left -= _paid(shares, each.price, rules)
    for each in sorted(wanting, key=lambda each: (bought[each.ticker] - exact[each.ticker], each.ticker)):
        # One share more, where that is nearer to what it should be than none.
        is_nearer = exact[each.ticker] - bought[each.ticker] >= HALF * rules.unit
        more = _paid(bought[each.ticker] + rules.unit, each.price, rules) - _paid(
            bought[each.ticker], each.price, rules
        )
        if is_nearer and more <= left:
            bought[each.ticker] += rules.unit
            left -= more
    return bought


def _affordable(shares: Decimal, price: Decimal, money: Decimal, rules: Rules) -> Decimal:
    """Return as many of the shares as there is money for."""
    if _paid(shares, price, rules) <= money:
        return shares
    # Rounding makes a price and its cost two cents dearer at most.
    return max(_floor((money - 2 * CENT) / (price * (1 + rules.cost_rate)), rules.unit), NOTHING)


def _paid(shares: Decimal, price: Decimal, rules: Rules) -> Decimal:
    value = cents(shares * price)
    return value + rules.cost(value)


def _floor(shares: Decimal, unit: Decimal) -> Decimal:
    return (shares / unit).to_integral_value(ROUND_DOWN) * unit


def smallest_capital(positions: Sequence[Position], rules: Rules) -> Decimal | None:
    """Return from which sum on every position of the portfolio gets a share, or a dollar where shares can be divided.

    Rounded up to three digits. None for a portfolio without positions.

    >>> wanted = [Position("A", NOTHING, Decimal(7), Decimal("0.1"))]
    >>> smallest_capital(wanted, Rules(NOTHING)), smallest_capital(wanted, Rules(NOTHING, is_fractional=True))
    (Decimal('70.1'), Decimal('10.1'))
    """
    least = [
        (max(SMALLEST_ORDER, each.price * rules.unit) if rules.is_fractional else each.price) / each.weight
        for each in positions
        if each.weight
    ]
    if not least:
        return None
    # And the cents that rounding takes of each order and its cost.
    exact = max(*least, SMALLEST_ORDER) * (1 + rules.cost_rate) + 2 * CENT * len(least)
    step = Decimal(1).scaleb(exact.adjusted() + 1 - DIGITS_OF_SMALLEST)
    return Decimal(int((exact / step).to_integral_value(ROUND_CEILING))) * step

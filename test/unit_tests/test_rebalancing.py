"""From what is owned to a portfolio: to the cent, cash first, and never for more than there is."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import rebalancing
from api.rebalancing import NOTHING, Position, Rules, cents


def position(ticker: str, held: str, price: str, weight: str) -> Position:
    return Position(ticker, Decimal(held), Decimal(price), Decimal(weight))


def traded(positions: list[Position], cash: str, rules: Rules) -> dict[str, Decimal]:
    return dict(rebalancing.plan(positions, Decimal(cash), rules).shares)


FREE = Rules(NOTHING)


def test_from_nothing_everything_is_bought() -> None:
    wanted = [position("A", "0", "30", "0.6"), position("B", "0", "7", "0.4")]
    assert traded(wanted, "1000", FREE) == {"A": 20, "B": 57}


def test_what_leaves_is_sold_altogether_with_its_part_of_a_share() -> None:
    assert traded([position("A", "12.5", "10", "0")], "0", FREE) == {"A": Decimal("-12.5")}


def test_cash_is_spent_before_anything_is_sold() -> None:
    """Half and half of 2,000 needs no sale when the cash buys the other half."""
    held = [position("A", "100", "10", "0.5"), position("B", "0", "10", "0.5")]
    assert traded(held, "1000", FREE) == {"A": 0, "B": 100}
    assert traded(held, "0", FREE) == {"A": -50, "B": 50}


def test_a_drift_inside_the_band_is_left_alone() -> None:
    held = [position("A", "52", "10", "0.5"), position("B", "48", "10", "0.5")]
    assert traded(held, "0", FREE) == {"A": -2, "B": 2}
    within = rebalancing.plan(held, NOTHING, Rules(NOTHING, Decimal("0.02")))
    assert dict(within.shares) == {"A": NOTHING, "B": NOTHING}
    assert within.in_band == {"A", "B"}


def test_what_comes_and_what_leaves_is_traded_whatever_the_band() -> None:
    held = [position("A", "1", "10", "0"), position("B", "0", "10", "0.01"), position("C", "98", "10", "0.99")]
    assert traded(held, "10", Rules(NOTHING, Decimal("0.5"))) == {"A": -1, "B": 1, "C": 0}


def test_parts_of_shares_leave_less_cash() -> None:
    wanted = [position("A", "0", "333.33", "1")]
    assert traded(wanted, "1000", FREE) == {"A": 3}
    assert traded(wanted, "1000", Rules(NOTHING, NOTHING, is_fractional=True)) == {"A": Decimal("3.000")}
    assert traded(wanted, "999", Rules(NOTHING, NOTHING, is_fractional=True)) == {"A": Decimal("2.997")}


def test_one_share_more_where_that_is_nearer() -> None:
    wanted = [position("A", "0", "100", "0.46"), position("B", "0", "100", "0.54")]
    assert traded(wanted, "1000", FREE) == {"A": 5, "B": 5}


def test_the_cost_is_paid_from_the_same_money() -> None:
    assert traded([position("A", "0", "10", "1")], "1000", Rules(Decimal("0.05"))) == {"A": 95}


NUMBERS = {"allow_nan": False, "allow_infinity": False}
AMOUNT = st.decimals("0", "1000000", places=2, **NUMBERS)
PRICE = st.decimals("0.01", "5000", places=4, **NUMBERS)
HELD = st.one_of(st.just(NOTHING), st.decimals("0", "10000", places=3, **NUMBERS), st.integers(0, 999).map(Decimal))
SHARE = st.one_of(st.just(0), st.integers(1, 100))
RULES = st.builds(
    Rules,
    st.sampled_from([NOTHING, Decimal("0.001"), Decimal("0.05"), Decimal("0.5")]),
    st.sampled_from([NOTHING, Decimal("0.01"), Decimal("0.2")]),
    st.booleans(),
)


# Other tests run beside it: how long one example takes says nothing.
BRIEFLY = settings(deadline=None, max_examples=60)


@st.composite
def books(draw: st.DrawFn) -> list[Position]:
    """Draw positions whose weights sum to at most 1."""
    drawn = draw(st.lists(st.tuples(HELD, PRICE, SHARE), max_size=8))
    total = sum(share for _, _, share in drawn) + draw(st.sampled_from([0, 0, 30]))
    return [
        Position(f"T{at}", held, price, Decimal(str(share / total)) if share else NOTHING)
        for at, (held, price, share) in enumerate(drawn)
    ]


@BRIEFLY
@given(books(), AMOUNT, RULES)
def test_every_cent_stays_in_the_sum(positions: list[Position], cash: Decimal, rules: Rules) -> None:
    plan = rebalancing.plan(positions, cash, rules)
    capital = rebalancing.capital_of(positions, cash)
    assert capital == cash + sum(each.held_value for each in positions)
    left, after, cost = cash, NOTHING, NOTHING
    # Sells first: at no moment is there less than nothing.
    for each in sorted(positions, key=lambda each: plan.shares[each.ticker]):
        shares = plan.shares[each.ticker]
        value = cents(abs(shares) * each.price)
        worth = each.held_value + (value if shares > 0 else -value)
        left -= (value if shares > 0 else -value) + rules.cost(value)
        after, cost = after + worth, cost + rules.cost(value)
        assert left >= 0
        assert worth >= Decimal("-0.01") and each.held + shares >= 0
    assert after + left + cost == capital


@BRIEFLY
@given(books(), AMOUNT, RULES)
def test_only_what_is_wanted_is_bought_and_only_what_is_owned_sold(
    positions: list[Position], cash: Decimal, rules: Rules
) -> None:
    plan = rebalancing.plan(positions, cash, rules)
    capital = rebalancing.capital_of(positions, cash)
    for each in positions:
        shares = plan.shares[each.ticker]
        lacks = each.weight * capital - each.held_value
        if shares > 0:
            assert each.weight and lacks > 0
            assert shares * each.price <= lacks + rules.unit * each.price, "at most a share too many"
        if shares < 0:
            assert -shares <= each.held and (lacks < 0 or not each.weight)
        if each.ticker in plan.in_band:
            assert not shares and each.weight and each.held
        if not each.weight:
            assert shares == -each.held


@BRIEFLY
@given(books(), RULES)
def test_from_nothing_nothing_is_sold(positions: list[Position], rules: Rules) -> None:
    wanted = [Position(each.ticker, NOTHING, each.price, each.weight) for each in positions]
    assert all(shares >= 0 for shares in rebalancing.plan(wanted, Decimal(10_000), rules).shares.values())


@BRIEFLY
@given(books(), RULES)
def test_the_smallest_capital_is_enough_for_every_position(positions: list[Position], rules: Rules) -> None:
    wanted = [Position(each.ticker, NOTHING, each.price, each.weight) for each in positions if each.weight]
    smallest = rebalancing.smallest_capital(wanted, rules)
    if smallest is None:
        assert not wanted
        return
    shares = rebalancing.plan(wanted, smallest, rules).shares
    assert all(shares.values())
    if not rules.is_fractional and smallest > 100:
        with_less = rebalancing.plan(wanted, cents(smallest * Decimal("0.4")), rules).shares
        assert not all(with_less.values()), "at less than half of it some get nothing"


@pytest.mark.parametrize("rules", [FREE, Rules(Decimal("0.001"), Decimal("0.02"), is_fractional=True)])
def test_nothing_and_no_cash_trade_nothing(rules: Rules) -> None:
    assert traded([position("A", "0", "10", "1")], "0", rules) == {"A": 0}
    assert rebalancing.smallest_capital([], rules) is None

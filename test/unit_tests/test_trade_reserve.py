"""What is kept back for the cost of trades: enough for it, and no more than the trades can cost."""

from typing import Any

import pytest

from api import trades


def row(ticker: str, price: float | None) -> dict[str, Any]:
    about = {"ticker": ticker, "company_name": ticker}
    return {**about, "price_usd": price, "price_date": "2026-08-28", "split_factor": 1.0}


def test_a_portfolio_that_stays_pays_for_one_share_at_most() -> None:
    """Nothing is kept back for trades that are not made."""
    [kept] = trades.trades_of([row("A", 10.0)], {"A": 1.0}, {"A": 1.0}, 100_000.0, 0.05)
    assert kept["shares"] in (0, -1)


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.5])
def test_a_first_purchase_leaves_money_for_its_whole_cost(rate: float) -> None:
    found = trades.trades_of([row("A", 10.0)], {}, {"A": 1.0}, 100_000.0, rate)
    assert 0 <= trades._sums(found, 100_000.0)["cash_left"] < 100_000.0 * rate**2 + 20.0


def test_too_little_capital_for_the_cost_buys_nothing() -> None:
    found = trades.trades_of([row("A", 812.5), row("B", 0.07)], {}, {"B": 1.0}, 1.0, 0.05)
    assert [each["target_shares"] for each in found] == [0, 0]


@pytest.mark.parametrize(("held", "target", "side"), [(0.0, 0.7, "buy"), (0.7, 0.0, "sell")])
def test_a_single_share_is_a_trade(held: float, target: float, side: str) -> None:
    [trade] = trades.trades_of([row("A", 60.0)], {"A": held}, {"A": target}, 100.0, 0.0)
    assert (abs(trade["shares"]), trade["side"]) == (1, side)


def test_a_row_without_a_price_has_the_fields_of_one_with_a_price() -> None:
    priced, unpriced = trades.trades_of([row("A", 10.0), row("B", None)], {"B": 0.5}, {"A": 1.0}, 100.0, 0.0)
    assert set(unpriced) == set(priced)
    assert (unpriced["held_weight"], unpriced["target_weight"]) == (0.5, 0.0)
    assert [unpriced[name] for name in ("held_shares", "target_shares", "shares", "value", "cost")] == [None] * 5

"""The trades of a rebalance: drift, whole shares, cost, and cash that is never negative."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import asdict

from api import trades
from contract.portfolios import MonthlyPosition


def row(ticker: str, price: float | None) -> MonthlyPosition:
    return MonthlyPosition(
        final_rank=1,
        ticker=ticker,
        company_name=ticker,
        sector=None,
        final_weight=0.0,
        score=1.0,
        source_periods=[20],
        price_usd=price,
        price_date=date(2026, 8, 28),
        split_factor=1.0,
        previous_weight=None,
        previous_rank=None,
    )


def traded(
    prices: dict[str, float | None],
    held: dict[str, float],
    targets: dict[str, float],
    capital: float,
    rate: float = 0.0,
) -> dict[str, Any]:
    rows = [row(ticker, price) for ticker, price in prices.items()]
    found = trades.trades_of(rows, held, targets, capital, rate)
    return {each.ticker: asdict(each) for each in found} | {"sums": trades._sums(found, capital)}


@pytest.mark.parametrize(
    ("weights", "gains", "now"),
    [
        ({"A": 0.5, "B": 0.5}, {"A": 0.10, "B": -0.10}, {"A": 0.55, "B": 0.45}),
        ({"A": 0.2, "B": 0.8}, {"A": 0.0, "B": 0.0}, {"A": 0.2, "B": 0.8}),
        ({"A": 0.5, "B": 0.5}, {"A": 1.0, "B": None}, {"A": 2 / 3, "B": 1 / 3}),
        ({"A": 1.0}, {"A": -0.4}, {"A": 1.0}),
        ({}, {}, {}),
    ],
)
def test_weights_drift_with_the_prices(
    weights: dict[str, float], gains: dict[str, float | None], now: dict[str, float]
) -> None:
    assert trades.drifted(weights, gains) == pytest.approx(now)


def test_a_first_month_is_bought_in_whole_shares() -> None:
    found = traded({"A": 30.0, "B": 7.0}, {}, {"A": 0.6, "B": 0.4}, 1000.0)
    assert [(found[each]["side"], found[each]["shares"]) for each in "AB"] == [("buy", 20), ("buy", 57)]
    assert found["sums"] == {"bought": 600.0 + 399.0, "sold": 0, "cost": 0.0, "cash_left": pytest.approx(1.0)}


def test_what_stays_is_moved_to_its_new_weight_and_what_leaves_is_sold() -> None:
    found = traded({"A": 10.0, "B": 20.0, "C": 50.0}, {"A": 0.5, "B": 0.5}, {"A": 0.2, "C": 0.8}, 1000.0)
    assert [(found[each]["held_shares"], found[each]["target_shares"], found[each]["side"]) for each in "ABC"] == [
        (50, 20, "sell"),
        (25, 0, "sell"),
        (0, 16, "buy"),
    ]
    assert (found["sums"]["sold"], found["sums"]["bought"]) == (300.0 + 500.0, 800.0)


def test_the_same_portfolio_is_kept() -> None:
    found = traded({"A": 10.0}, {"A": 1.0}, {"A": 1.0}, 1000.0)
    assert (found["A"]["side"], found["A"]["shares"], found["A"]["cost"]) == ("keep", 0, 0.0)


def test_cost_is_of_what_is_traded() -> None:
    found = traded({"A": 10.0, "B": 10.0}, {"A": 1.0}, {"B": 1.0}, 10_000.0, 0.001)
    assert found["A"]["cost"] == pytest.approx(10.0) and found["B"]["cost"] == pytest.approx(
        0.001 * found["B"]["value"]
    )
    assert found["sums"]["cost"] == pytest.approx(found["A"]["cost"] + found["B"]["cost"])


@pytest.mark.parametrize("capital", [1.0, 99.0, 1000.0, 12_345.67, 1e6])
@pytest.mark.parametrize("rate", [0.0, 0.001, 0.05])
@pytest.mark.parametrize(
    ("held", "targets"),
    [({}, {"A": 0.5, "B": 0.5}), ({"C": 1.0}, {"A": 0.999, "B": 0.001}), ({"A": 0.5, "B": 0.5}, {"B": 0.5, "C": 0.5})],
)
def test_there_is_always_money_for_the_trades_and_their_cost(
    held: dict[str, float], targets: dict[str, float], capital: float, rate: float
) -> None:
    found = traded({"A": 33.33, "B": 0.07, "C": 812.5}, held, targets, capital, rate)["sums"]
    assert found["cash_left"] >= -1e-9


def test_without_a_price_nothing_is_counted() -> None:
    found = traded({"A": None, "B": 10.0}, {}, {"A": 0.5, "B": 0.5}, 1000.0)
    assert found["A"]["side"] is None and found["A"]["missing_reason"] == str(trades.NO_PRICE)
    assert found["sums"]["cash_left"] == pytest.approx(500.0), "its share stays cash"


def test_without_a_price_every_count_is_open() -> None:
    found = traded({"A": None}, {"A": 0.5}, {"A": 1.0}, 1000.0)["A"]
    assert (found["held_weight"], found["target_weight"]) == (0.5, 1.0)
    assert [found[name] for name in ("held_shares", "target_shares", "shares", "value", "cost")] == [None] * 5


def test_nothing_is_kept_back_for_trades_that_are_not_made() -> None:
    """One share at most is sold for the cost of a trade."""
    kept = traded({"A": 10.0}, {"A": 1.0}, {"A": 1.0}, 100_000.0, 0.05)["A"]
    assert kept["shares"] in (0, -1)


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.5])
def test_a_first_purchase_leaves_money_for_its_whole_cost_and_little_more(rate: float) -> None:
    sums = traded({"A": 10.0}, {}, {"A": 1.0}, 100_000.0, rate)["sums"]
    assert 0 <= sums["cash_left"] < 100_000.0 * rate**2 + 20.0


def test_too_little_capital_for_the_cost_buys_nothing() -> None:
    found = traded({"A": 812.5, "B": 0.07}, {}, {"B": 1.0}, 1.0, 0.05)
    assert [found[each]["target_shares"] for each in "AB"] == [0, 0]


@pytest.mark.parametrize(("held", "target", "side"), [(0.0, 0.7, "buy"), (0.7, 0.0, "sell")])
def test_a_single_share_is_a_trade(held: float, target: float, side: str) -> None:
    found = traded({"A": 60.0}, {"A": held}, {"A": target}, 100.0)["A"]
    assert (abs(found["shares"]), found["side"]) == (1, side)


def test_a_trade_says_what_is_known_of_its_position() -> None:
    found = traded({"A": 10.0}, {}, {"A": 1.0}, 100.0)["A"]
    assert (found["company_name"], found["price_date"], found["split_factor"]) == ("A", date(2026, 8, 28), 1.0)
    assert found["missing_reason"] is None


def test_a_trade_is_compared_with_an_ordinary_sessions_volume() -> None:
    found = trades.trades_of([row("A", 10.0), row("B", 10.0)], {}, {"A": 0.5, "B": 0.5}, 10_000.0, 0.0)
    found[0].split_factor = 2.0
    trades._compare(found, {"A": 10_000.0})
    assert [each.share_of_volume for each in found] == [pytest.approx(500 * 2 / 10_000), None]

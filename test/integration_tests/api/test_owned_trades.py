"""The orders from what is owned, at the stored closes: what cannot be counted is in none, and its share stays cash."""

from typing import Any

import pytest
from fastapi.testclient import TestClient


def weights(api: TestClient) -> dict[str, float]:
    positions = api.get("/stocks/portfolio").json()["positions"]
    return {each["ticker"]: each["portfolio_weight"] for each in positions}


def asked(api: TestClient, **params: Any) -> dict[str, Any]:
    return dict(api.get("/stocks/owned-trades", params=params).raise_for_status().json())


@pytest.mark.parametrize("given", ["{}:50:EUR", "{0}:50:EUR,{0}:5:USD", "{}:1:JPY"])
def test_what_is_owned_elsewhere_is_bought_nowhere(api: TestClient, given: str) -> None:
    wanted = weights(api)
    ticker = next(each for each in wanted if "." not in each)
    found = asked(api, positions=given.format(ticker), cash=1_000_000)
    left_out = [each for each in found["left_out"] if each["ticker"] == ticker]
    assert left_out and ticker not in {each["ticker"] for each in found["orders"]}
    assert sum(each["target_weight"] for each in left_out) == wanted[ticker]
    told = [*found["orders"], *found["left_out"]]
    assert sum(each["target_weight"] for each in told) == pytest.approx(sum(wanted.values()))
    without = sum(each["target_weight"] for each in found["left_out"])
    assert without <= found["off_target"] < without + 0.01, "and what whole shares and the cost take"
    assert found["cash_left"] >= without * 1_000_000


def test_what_is_owned_in_the_stored_currency_is_counted(api: TestClient) -> None:
    ticker = next(each for each in weights(api) if "." not in each)
    found = asked(api, positions=f"{ticker}:50:USD,{ticker}:5", cash=1_000_000)
    assert ticker not in {each["ticker"] for each in found["left_out"]}
    assert [each["held_shares"] for each in found["orders"] if each["ticker"] == ticker] == [55]

"""The orders from what is owned: what cannot be counted is in no order, and what it leaves in cash is told."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from api import orders
from api.orders import Target, Wishes
from contract.orders import OwnedTrades
from database.queries import stocks
from database.queries.newest_closes import NewestClose

SESSION, LONG_AGO = date(2026, 8, 21), date(2026, 8, 7)


def close(ticker: str, price: float | None, currency: str = "USD", day: date = SESSION) -> NewestClose:
    return NewestClose(ticker, ticker, currency, day, 1.0, price, day, 1e7, "yahoo")


CLOSES = {
    each.ticker: each
    for each in (
        close("NVDA", 180.0),
        close("MU", 100.0),
        close("005930.KS", 50.0, "KRW"),
        close("LOST.KS", None, "KRW"),
        close("OLD", 10.0, day=LONG_AGO),
    )
}


def answer(positions: str, cash: int, weights: dict[str, float]) -> OwnedTrades:
    """Return the answer at these closes, without a database."""
    target = Target("20", SESSION, "published", [], "yahoo", weights)
    nothing: Any = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stocks, "newest_session", lambda conn: SESSION)
        patch.setattr(orders, "_target", lambda *_: target)
        patch.setattr(
            orders, "newest_closes", lambda conn, tickers: {each: CLOSES[each] for each in tickers if each in CLOSES}
        )
        return orders.trades(nothing, "20", positions, Wishes(Decimal(cash), False, Decimal(0), "sell"))


HALVES = {"NVDA": 0.5, "MU": 0.5}


@pytest.mark.parametrize(
    ("positions", "weights", "left_out", "shares"),
    [
        ("NVDA:50:EUR,MU:90:USD", HALVES, [("NVDA", 50.0, 0.5, "other_currency_owned")], {"MU": 0}),
        ("MU:10:KRW", {"MU": 1.0}, [("MU", 10.0, 1.0, "other_currency_owned")], {}),
        (
            "NVDA:20:USD,NVDA:50:EUR,NVDA:3:GBP",
            HALVES,
            [
                ("NVDA", 20.0, 0.5, "other_line_left_out"),
                ("NVDA", 50.0, 0.0, "other_currency_owned"),
                ("NVDA", 3.0, 0.0, "other_currency_owned"),
            ],
            {"MU": 45},
        ),
        ("005930:4:USD,005930.KS:5:KRW", {"005930.KS": 1.0}, [
            ("005930.KS", 4.0, 1.0, "other_currency_owned"), ("005930.KS", 5.0, 0.0, "other_line_left_out"),
        ], {}),
        ("OLD:7,MU:90", {"OLD": 0.5, "MU": 0.5}, [("OLD", 7.0, 0.5, "price_too_old")], {"MU": 0}),
        ("LOST.KS:7", {"NVDA": 1.0}, [("LOST.KS", 7.0, 0.0, "no_rate")], {"NVDA": 49}),
        ("NVDA:50:USD,MU:90", HALVES, [], {"NVDA": 25, "MU": 44}),
    ],
)  # fmt: skip
def test_what_is_not_counted_is_in_no_order(
    positions: str, weights: dict[str, float], left_out: list[tuple[str, float, float, str]], shares: dict[str, int]
) -> None:
    found = answer(positions, 9000, weights)
    told = [(each.ticker, each.held_shares, each.target_weight, each.reasons[0].code) for each in found.left_out]
    assert told == left_out
    assert {each.ticker: each.shares for each in found.orders} == shares
    placed = [each.target_weight for each in found.orders] + [each.target_weight for each in found.left_out]
    assert sum(placed) == pytest.approx(sum(weights.values())), "each weight is told once"
    assert found.cash_left + sum(each.target_value for each in found.orders) + found.cost == pytest.approx(
        found.capital
    )


@pytest.mark.parametrize(
    ("positions", "cash", "weights", "off_target"),
    [
        ("", 18_000, {"NVDA": 0.5, "LOST.KS": 0.5}, 0.5),
        ("", 18_000, {"LOST.KS": 1.0}, 1.0),
        ("NVDA:50:EUR,MU:90:USD", 9000, HALVES, 0.5),
        ("NVDA:50", 9000, {"NVDA": 0.5, "OLD": 0.25}, 0.25),
        ("NVDA:50,MU:90", 0, HALVES, 0.0),
        ("MU:90", 0, {}, 0.0),
        ("LOST.KS:5", 0, {"NVDA": 1.0}, 0.0),
        ("", 100, {"NVDA": 1.0}, 1.0),
    ],
)
def test_what_stays_cash_is_off_target(positions: str, cash: int, weights: dict[str, float], off_target: float) -> None:
    """Share of the capital that is elsewhere than the portfolio says; nothing without any capital."""
    assert answer(positions, cash, weights).off_target == pytest.approx(off_target, abs=0.001)
